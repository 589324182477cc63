"""The mixing grid and files: saving it as one picture or cell by cell, and projected faces for its edges."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from stylegan_core.errors import Cancelled
from stylegan_core.grid import grid_picture, write_cells
from stylegan_core.ops import Poll, no_poll
from stylegan_core.picture import write_png
from stylegan_core.projected import open_projected
from stylegan_core.render import Frame, Renderer
from stylegan_core.scene import Latent, Scene
from visualizer.files import free_place, stamped
from visualizer.library import absolute
from visualizer.tasks import Tasks


class _Remembering(Renderer):
    """Renders like another, and keeps each finished picture: what is interrupted does not start from nothing."""

    def __init__(self, renderer: Renderer):
        super().__init__(renderer.models, renderer.half, cache=renderer.cache, graphs=renderer.graphs)
        self._frames: dict[Scene, Frame] = {}

    def render(self, scene: Scene, revision: int = 0, stop_at: int | None = None, poll: Poll = no_poll) -> Frame:
        if scene not in self._frames:
            self._frames[scene] = super().render(scene, revision, stop_at, poll)
        return self._frames[scene]


class GridFiles:
    """Belongs to the UI thread. `folder` is where pictures go; `say` tells what has become of them."""

    def __init__(
        self, renderer: Renderer, tasks: Tasks, say: Callable[[str, Literal["info", "error"]], None], folder: Path
    ):
        self._renderer, self._tasks, self._say, self._folder = renderer, tasks, say, folder
        self.progress: float | None = None  # of what is being saved, 0 to 1

    def save_picture(self, scene: Scene, name: str) -> None:
        """Save the grid as one labelled PNG that carries the Scene. The window goes on meanwhile."""

        def save(renderer: Renderer, poll: Poll) -> str:
            pixels = grid_picture(renderer, scene, poll, self._report)
            place = free_place(self._folder, stamped(f"{name}-grid"))
            write_png(place, pixels, scene)
            return f"Saved {place}"

        self._start(save)

    def save_cells(self, scene: Scene, name: str) -> None:
        """Save each cell as a PNG that carries its Scene, and the whole as one, in a folder of their own."""
        folder = free_place(self._folder, stamped(f"{name}-grid"), "")

        def save(renderer: Renderer, poll: Poll) -> str:
            written = write_cells(renderer, scene, folder, poll, self._report)
            return f"Saved {written.made + written.kept} cells in {folder}"

        self._start(save)

    def open_projected(self, path: Path, then: Callable[[Latent], None]) -> None:
        """Read the person in a projector's file, for `then`."""
        self._tasks.on_disk(partial(open_projected, absolute(path)), then)

    def _start(self, save: Callable[[Renderer, Poll], str]) -> None:
        if self.progress is not None:
            self._say("A grid is being saved already.", "info")
            return
        self.progress = 0.0
        renderer = _Remembering(self._renderer)

        def run(poll: Poll) -> str:
            try:
                words = save(renderer, poll)
            except Cancelled:
                raise  # by a live picture: it goes on after that
            except Exception:
                self.progress = None
                raise
            self.progress = None
            return words

        self._tasks.on_worker(run, lambda words: self._say(words, "info"), finish=True)

    def _report(self, progress: float) -> None:
        self.progress = progress
