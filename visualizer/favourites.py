"""Favourites: pinned Scenes, their thumbnails, and the one that the view compares with."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.ops import Poll
from stylegan_core.scene import ModelRef, Scene
from visualizer.session import Pin
from visualizer.tasks import Tasks
from visualizer.worker import Shown, to_rgba

THUMBNAIL_PX = 72


def thumbnail(pixels: Tensor, size: int = THUMBNAIL_PX) -> np.ndarray:
    """A small square copy [size, size, 4] of pixels [H, W, C], averaged over areas."""
    small = F.interpolate(to_rgba(pixels).permute(2, 0, 1)[None].float(), (size, size), mode="area")[0]
    return small.round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()


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
