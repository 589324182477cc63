"""Small pictures of a walk's keys, made on the worker between live pictures and kept by their Scenes."""

from collections.abc import Callable, Collection
from functools import partial

import numpy as np

from stylegan_core.card import ModelCard
from stylegan_core.ops import Poll
from stylegan_core.render import Renderer
from stylegan_core.scene import Scene, only_picture
from visualizer.favourites import thumbnail
from visualizer.tasks import Tasks

PICTURE_PX = 112  # as large as a key is drawn on a display of twice the usual scale
ENOUGH_PX = 128  # where a picture may stop
MOST = 1000  # that are kept

Made = tuple[Scene, np.ndarray | None]


class KeyPictures:
    """Belongs to the UI thread, but for what it has the worker do.

    Args:
        renderer: makes pictures, on the worker.
        tasks: takes work there.
        prepared: a Scene that can be rendered at once, with the card of its model; None: not yet.
    """

    def __init__(
        self,
        renderer: Renderer,
        tasks: Tasks,
        prepared: Callable[[Scene], tuple[Scene, ModelCard] | None],
    ):
        self._renderer, self._tasks, self._prepared = renderer, tasks, prepared
        self._made: dict[Scene, np.ndarray | None] = {}  # None: it cannot be made
        self._wanted: dict[Scene, None] = {}  # the newest wish last
        self._busy = False

    def get(self, scene: Scene) -> np.ndarray | None:
        """The picture of a Scene, uint8 [112, 112, 4]; where there is none yet, it is wished for."""
        scene = only_picture(scene)
        if scene not in self._made:
            self._wanted.setdefault(scene)
        return self._made.get(scene)

    def tick(self, scenes: Callable[[], Collection[Scene]]) -> None:
        """Once a frame: have the newest wish made, if none is under way.

        Args:
            scenes: gives those that there are still; wishes for others are dropped.
        """
        if self._busy and not self._tasks.busy:
            self._busy = False  # it failed, or too much was waiting
        if self._busy or not self._wanted:
            return
        there = {only_picture(scene) for scene in scenes()}
        self._wanted = {scene: None for scene in self._wanted if scene in there}
        self._drop(there)
        for scene in reversed(self._wanted):
            if (ready := self._prepared(scene)) is not None:
                del self._wanted[scene]
                self._busy = True
                self._tasks.on_worker(partial(self._make, scene, *ready), self._keep)
                return

    def _drop(self, there: Collection[Scene]) -> None:
        if len(self._made) > MOST:
            self._made = {scene: made for scene, made in self._made.items() if scene in there}

    def _make(self, scene: Scene, fitted: Scene, card: ModelCard, poll: Poll) -> Made:
        stop_at = ENOUGH_PX if card.has_preview and card.resolution > ENOUGH_PX else None
        pixels = self._renderer.render(fitted, stop_at=stop_at, poll=poll).pixels
        return scene, None if pixels is None else thumbnail(pixels, PICTURE_PX)

    def _keep(self, made: Made) -> None:
        self._busy = False
        self._made[made[0]] = made[1]
