"""Favourites: pinned Scenes, their thumbnails, and the one that the view compares with."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.config import has_alpha
from stylegan_core.ops import Poll
from stylegan_core.scene import ModelRef, Scene
from visualizer.session import Pin
from visualizer.tasks import Tasks
from visualizer.worker import Shown, to_rgba

THUMBNAIL_PX = 72


def thumbnail(pixels: Tensor, size: int = THUMBNAIL_PX) -> np.ndarray:
    """A small copy [size, size, 4] of pixels [H, W, C], averaged over areas.

    Where they are not square, what is left of the square is transparent.
    """
    rgba = to_rgba(pixels).permute(2, 0, 1)[None].float()
    if has_alpha(pixels.shape[2]):
        rgba[:, :3] *= rgba[:, 3:] / 255  # what is transparent has no colour to mix in
    height, width = pixels.shape[:2]
    small = F.interpolate(rgba, fitted_size(height, width, size), mode="area")[0]
    if has_alpha(pixels.shape[2]):
        small[:3] *= 255 / small[3:].clamp_min(1)
    return squared(small.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy())


def fitted_size(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of a picture whose longer side is brought to a size."""
    longer = max(height, width)
    return max(round(height * size / longer), 1), max(round(width * size / longer), 1)


def squared(rgba: np.ndarray) -> np.ndarray:
    """A picture [H, W, 4] in the middle of a transparent square."""
    height, width = rgba.shape[:2]
    if height == width:
        return rgba
    side = max(height, width)
    square = np.zeros((side, side, 4), rgba.dtype)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = rgba
    return square


class Favourites:
    """Belongs to the UI thread; pictures are made by `full` on the worker, once `ready` has their model in memory."""

    def __init__(
        self,
        pins: tuple[Pin, ...],
        tasks: Tasks,
        full: Callable[[Scene, Poll], Shown],
        ready: Callable[[ModelRef, Callable[[], None]], None],
    ):
        self.pins = pins
        self.compared: Shown | None = None  # what the view compares with
        self.thumbnails: dict[Scene, np.ndarray] = {}  # uint8 [72, 72, 4]
        self._tasks, self._full, self._ready = tasks, full, ready

    def pin(self, name: str, scene: Scene) -> None:
        """Keep a Scene, and compare with it from now on."""
        if all(pin.scene != scene for pin in self.pins):
            self.pins = (*self.pins, Pin(name=name, scene=scene))
        self.compare_with(scene)

    def unpin(self, pin: Pin) -> None:
        """Drop one."""
        self.pins = tuple(other for other in self.pins if other != pin)
        if all(other.scene != pin.scene for other in self.pins):
            self.thumbnails.pop(pin.scene, None)

    def compare_with(self, scene: Scene) -> None:
        """Render a Scene for the view to compare with."""

        def show(shown: Shown) -> None:
            self.compared = shown

        self._ready(scene.model, lambda: self._tasks.on_worker(lambda poll: self._full(scene, poll), show))

    def want_thumbnail(self, scene: Scene) -> None:
        """Have `thumbnails[scene]` made."""

        def render(poll: Poll) -> np.ndarray:
            pixels = self._full(scene, poll).frame.pixels
            assert pixels is not None
            return thumbnail(pixels)

        def keep(small: np.ndarray) -> None:
            self.thumbnails[scene] = small

        self._ready(scene.model, lambda: self._tasks.on_worker(render, keep))
