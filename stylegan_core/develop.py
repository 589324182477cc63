"""From a picture's numbers to pixels. Nothing here runs a network."""

import torch
from torch import Tensor

from stylegan_core.config import has_alpha
from stylegan_core.scene import View

AS_IT_IS = View()


def develop(img: Tensor, view: View = AS_IT_IS, bits: int = 8) -> Tensor:
    """Pixels of one picture.

    Args:
        img: [C, H, W], nominal range [-1, 1].
        view: gain, which leaves alpha alone, and channel.
        bits: of each channel, 8 or 16.

    Returns:
        uint8 [H, W, C]: round half up of (img + 1) * 127.5, as the official tools save pictures; or uint16, with
        32767.5 in its place. Alpha is straight, and goes the same way as colours: -1 is transparent, 1 opaque.
    """
    if view.channel is not None:
        if view.channel >= len(img):
            raise ValueError(f"channel {view.channel} does not exist; the picture has channels 0 to {len(img) - 1}.")
        img = img[view.channel : view.channel + 1]
    most, dtype = (255, torch.uint8) if bits == 8 else (65535, torch.uint16)
    gain: float | Tensor = most / 2 * 10 ** (view.gain_db / 20)
    if has_alpha(len(img)) and view.gain_db:
        gain = torch.tensor([gain] * (len(img) - 1) + [most / 2], device=img.device)[:, None, None]
    pixels = img * gain + (most + 1) / 2
    return pixels.clamp(0, most).to(dtype).permute(1, 2, 0).contiguous()


def laid_over(pixels: Tensor, ground: tuple[int, int, int]) -> Tensor:
    """Pixels uint8 [H, W, 4] over one colour (sRGB) -> uint8 [H, W, 3]."""
    share = pixels[:, :, 3:].float() / 255
    below = torch.tensor(ground, dtype=torch.float32, device=pixels.device)
    return (pixels[:, :, :3] * share + below * (1 - share) + 0.5).to(torch.uint8)
