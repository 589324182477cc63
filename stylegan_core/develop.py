"""From a picture's numbers to pixels. Nothing here runs a network."""

import torch
from torch import Tensor

from stylegan_core.scene import View

AS_IT_IS = View()


def develop(img: Tensor, view: View = AS_IT_IS) -> Tensor:
    """Pixels of one picture.

    Args:
        img: [C, H, W], nominal range [-1, 1].
        view: gain and channel.

    Returns:
        uint8 [H, W, C]: round half up of (img + 1) * 127.5, as the official tools save pictures.
    """
    if view.channel is not None:
        if view.channel >= len(img):
            raise ValueError(f"channel {view.channel} does not exist; the picture has channels 0 to {len(img) - 1}.")
        img = img[view.channel : view.channel + 1]
    return (img * (127.5 * 10 ** (view.gain_db / 20)) + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()
