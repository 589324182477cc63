"""What a Scene looks at besides the picture, as pixels: a layer's feature maps, or its noise."""

from typing import Protocol

from torch import Tensor

from stylegan_core.maps import activation_pixels
from stylegan_core.noise_look import Images, noise_look_pixels, require_layer
from stylegan_core.ops import Poll
from stylegan_core.scene import Scene


class Taps(Images, Protocol):
    """What gives a layer's activations too: `render.Renderer`, which calls this file."""

    def tap(self, scene: Scene, layer: str, poll: Poll = ...) -> Tensor:
        """See `Renderer.tap`."""


def look_pixels(renderer: Taps, scene: Scene, poll: Poll) -> Tensor:
    """What a Scene looks at besides the picture.

    Args:
        renderer: remembers stages of synthesis.
        scene: its look is at something other than "picture".
        poll: called between pieces of the work; may raise to drop it.

    Returns:
        uint8 [H, W, C].

    Raises:
        SceneError: the look is at no layer of this model, at one without noise where noise is looked at, or at a
            channel that the layer does not have.
        Cancelled: from `poll`.
    """
    look = scene.look
    require_layer(renderer.models.get(scene.model).card, look)
    if look.at == "layer":
        return activation_pixels(renderer.tap(scene, look.layer, poll), look)
    return noise_look_pixels(renderer, scene, poll)
