"""The mixing grid's pictures: the best one so far of every cell, and which is made next. No window is needed.

Thumbnails of all cells come first, then full pictures, nearest to where one looks. They are made on the worker, a few
small pieces at a time, so that the live picture and whatever else was asked for come in between; the Renderer
remembers the coarse layers that cells of a row or a column share. Pictures are kept by their Scenes: cells that move to
another place, or come back by an undo, are there at once.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from stylegan_core.card import ModelCard
from stylegan_core.config import has_alpha
from stylegan_core.develop import laid_over
from stylegan_core.errors import Cancelled
from stylegan_core.grid import cell_scene, source_scene
from stylegan_core.labels import BACKGROUND
from stylegan_core.ops import Poll
from stylegan_core.scene import Latent, Look, ModelRef, Scene, Source
from visualizer.grid_pictures import CellPicture, GridLayout, KeptPictures, Place, Progress, thumbnail_px
from visualizer.worker import SceneRenderer, to_rgba

log = logging.getLogger(__name__)

AHEAD = 3  # quick pictures that wait on the worker, so that it need not wait for the window's next frame
QUICK_MS = 50.0  # a picture that takes longer waits alone: something else may be asked for meanwhile


class OnWorker(Protocol):
    """What is needed of `visualizer.tasks.Tasks`."""

    @property
    def busy(self) -> bool:
        """Whether something has not been handed over yet."""

    def on_worker(self, function: Callable[[Poll], Any], then: Callable[[Any], None]) -> None:
        """Run something on the worker, and hand over its result later."""


class _Unwanted(Exception):
    """Raised from a poll: the grid has changed, and this picture is not in it any more."""


@dataclass(eq=False)
class _Work:
    """What the worker was asked for."""

    scenes: tuple[Scene, ...]
    cell_px: int
    wanted: bool = True


@dataclass(frozen=True)
class _Made:
    """What came of it."""

    pictures: Mapping[Scene, CellPicture]
    steps_ms: Mapping[int, float]
    full_ms: float | None = None  # time of a full picture


class MixingGrid:
    """Belongs to the UI thread, but for what it has the worker do.

    Args:
        renderer: makes pictures, on the worker.
        tasks: takes work there.
        has: whether a model is in memory.
        wake: called on the worker when a picture is there.
    """

    def __init__(
        self,
        renderer: SceneRenderer,
        tasks: OnWorker,
        has: Callable[[ModelRef], bool],
        wake: Callable[[], None] = lambda: None,
    ):
        self._renderer, self._tasks, self._has, self._wake = renderer, tasks, has, wake
        self.layout = GridLayout(0, 0, 1)
        self.atlas = np.zeros((1, 1, 4), np.uint8)  # [H, W, 4], transparent where nothing is yet
        self.revision = 0  # of the atlas
        self._seen: Scene | None = None  # at the frame before
        self._wanted: Scene | None = None  # all that the cells of the Scene shown depend on
        self._context: Scene | None = None  # the same of the cells that are here
        self._num_ws = 0
        self._scenes: dict[Place, Scene] = {}
        self._places: dict[Scene, list[Place]] = {}
        self._best: dict[Place, CellPicture] = {}
        self._shown: dict[Place, CellPicture] = {}  # the same, or what was seen there before
        self._pictures = KeptPictures()
        self._steps_ms: dict[int, float] = {}
        self._full_ms: float | None = None  # of the newest full picture
        self._flying: list[_Work] = []

    # -- each frame ----------------------------------------------------------------------------------------------------

    def follow(self, scene: Scene, card: ModelCard, cell_px: int, looked_at: Place | None = None) -> None:
        """Once a frame while the grid is shown.

        Args:
            scene: the Scene shown, with its grid.
            card: of its model.
            cell_px: width of a cell on the screen.
            looked_at: the cell that comes first; None: the middle.
        """
        self._num_ws = card.num_ws
        px, square = max(cell_px, 1), card.height == card.width
        height_px = None if square else max(round(px * card.height / card.width), 1)
        grid = scene.grid
        self._arrange(scene, GridLayout(len(grid.rows), len(grid.columns), px, height_px=height_px))
        if self._flying and not self._tasks.busy:
            self._flying.clear()  # too much was waiting already, and they were dropped
        if self._has(scene.model):
            self._ask(card, looked_at or (self.layout.rows // 2, self.layout.columns // 2))

    def leave(self) -> None:
        """The grid has been put away: what was asked for is not wanted any more."""
        for work in self._flying:
            work.wanted = False

    def forget(self) -> None:
        """Pictures are made in another way from now on: on another device, or in another precision."""
        self.leave()
        self._pictures.clear()
        self._steps_ms.clear()
        self._flying, self._context, self._full_ms = [], None, None

    # -- what there is -------------------------------------------------------------------------------------------------

    @property
    def progress(self) -> Progress:
        """How far it is; people at the edges are not counted."""
        cells = [picture for place, picture in self._best.items() if min(place) >= 0]
        full = sum(picture.full for picture in cells)
        return Progress(len(cells), full, self.layout.rows * self.layout.columns)

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to make, of the people at the edges either."""
        px = self.layout.cell_px
        return all(place in self._best and self._best[place].suffices(px) for place in self._scenes)

    def scene(self, place: Place) -> Scene | None:
        """What a cell, or somebody at the edge, is a picture of; None: there is no such place."""
        return self._scenes.get(place)

    def find(self, scene: Scene) -> Place | None:
        """The first cell that is the picture of a Scene, which is given without its grid and look."""
        return next((place for place in self._places.get(scene, ()) if min(place) >= 0), None)

    def error(self, place: Place) -> str | None:
        """Why a place has no picture."""
        picture = self._best.get(place)
        return None if picture is None else picture.error

    # -- arranging -----------------------------------------------------------------------------------------------------

    def _arrange(self, scene: Scene, layout: GridLayout) -> None:
        """Take in another Scene, or another size.

        While a drag or a play changes all cells at every frame, none would ever be finished: they wait until it rests.
        """
        moves, self._seen = scene is not self._seen, scene
        if moves or self._wanted is None:
            self._wanted = scene.model_copy(update={"latent": Latent(), "mixing": (), "look": Look()})
        wanted, known = self._wanted, self._context
        rests = not moves or known is None or (wanted.grid, wanted.model) != (known.grid, known.model)
        if wanted != known and rests:
            self._context = wanted
            self._set_cells(wanted)
            self._shown = {} if known is None or known.model != wanted.model else self._last(known, wanted)
            self._compose(layout)
        elif layout != self.layout and known is not None and wanted.grid == known.grid:
            self._compose(layout)

    def _last(self, known: Scene, wanted: Scene) -> dict[Place, CellPicture]:
        """Until its own picture is there, a place shows what was seen last of the same people."""
        last = {_people(known, place): picture for place, picture in self._shown.items()}
        people = {place: _people(wanted, place) for place in self._scenes}
        return {place: last[who] for place, who in people.items() if who in last}

    def _set_cells(self, scene: Scene) -> None:
        grid = scene.grid
        cells = {(-1, j): source_scene(scene, column) for j, column in enumerate(grid.columns)}
        for i, row in enumerate(grid.rows):
            cells[i, -1] = source_scene(scene, row)
            cells |= {(i, j): cell_scene(scene, i, j, self._num_ws) for j in range(len(grid.columns))}
        same: dict[Scene, Scene] = {}  # equal Scenes become one, so that they can be told apart by what they are
        self._scenes = {place: same.setdefault(cell, cell) for place, cell in cells.items()}
        self._places, self._best = {}, {}
        for place, cell in self._scenes.items():
            self._places.setdefault(cell, []).append(place)
            if (picture := self._pictures.get(cell)) is not None:
                self._best[place] = picture
        for work in self._flying:
            work.wanted = any(cell in self._places for cell in work.scenes)

    def _compose(self, layout: GridLayout) -> None:
        """The whole atlas anew."""
        self.layout = layout
        width, height = layout.size
        self.atlas = np.zeros((height, width, 4), np.uint8)
        self.revision += 1
        for place, picture in (self._shown | self._best).items():
            self._paint(place, picture)

    def _paint(self, place: Place, picture: CellPicture) -> None:
        (x, y), px, high = self.layout.corner(place), self.layout.cell_px, self.layout.cell_height
        self._shown[place] = picture
        self.atlas[y : y + high, x : x + px, :3] = picture.quick_tile(px, high)
        self.atlas[y : y + high, x : x + px, 3] = 255

    # -- what is made next ---------------------------------------------------------------------------------------------

    def _ask(self, card: ModelCard, looked_at: Place) -> None:
        """Keep the worker busy: with what is quick a few ahead, with what takes longer one at a time."""
        px = self.layout.cell_px
        if not self._flying and (unfit := [place for place, picture in self._best.items() if not picture.fits(px)]):
            self._refit(unfit, px)
        stop_at = thumbnail_px(card, self._steps_ms, px)
        ahead = AHEAD if self._full_ms is not None and self._full_ms < QUICK_MS else 1
        while len(self._flying) < (ahead if stop_at is None else AHEAD):
            lacking = [place for place, cell in self._scenes.items() if place not in self._best and self._idle(cell)]
            if not lacking:
                break
            self._render(min(lacking, key=partial(self._thumbnail_order, looked_at)), px, stop_at)
        while len(self._flying) < ahead:
            rough = [place for place, picture in self._best.items() if not picture.suffices(px)]
            rough = [place for place in rough if self._idle(self._scenes[place])]
            if not rough:
                break
            self._render(min(rough, key=partial(_distance, looked_at)), px, None)

    def _idle(self, cell: Scene) -> bool:
        """Whether the worker has not been asked for it."""
        return not any(cell is asked for work in self._flying for asked in work.scenes)

    def _thumbnail_order(self, looked_at: Place, place: Place) -> tuple[int, ...]:
        """Whoever gives the coarsest layer shares most with the cells of his line; so lines are made as a whole.

        People at the edges come last: the cells are what the grid is for.
        """
        assert self._context is not None
        line, across = (0, 1) if 0 in self._context.grid.layers else (1, 0)
        distances = [abs(a - b) for a, b in zip(place, looked_at, strict=True)]
        return min(place) < 0, distances[line], place[line], distances[across], place[across]

    def _render(self, place: Place, px: int, stop_at: int | None) -> None:
        work = _Work((self._scenes[place],), px)
        self._flying.append(work)
        self._tasks.on_worker(partial(self._make, work, stop_at), partial(self._take, work))

    def _refit(self, places: list[Place], px: int) -> None:
        """Bring tiles that were made for cells of another size to this one; meanwhile they are shown coarsely."""
        pictures = {self._scenes[place]: self._best[place] for place in places}
        work = _Work(tuple(pictures), px)

        def refit(poll: Poll) -> _Made:
            poll()
            return _Made({cell: picture.refitted(px) for cell, picture in pictures.items()}, {})

        self._flying.append(work)
        self._tasks.on_worker(refit, partial(self._take, work))

    def _take(self, work: _Work, made: _Made | None) -> None:
        """The worker has done it."""
        if work in self._flying:
            self._flying.remove(work)
        elif not work.wanted:
            return  # it was asked for before all was forgotten
        for cell, picture in () if made is None else made.pictures.items():
            known = self._pictures.get(cell)
            if known is not None and known.full and not picture.full:
                continue
            if picture.error is None:
                self._pictures.put(cell, picture)
            for place in self._places.get(cell, ()):
                self._best[place] = picture
                self._paint(place, picture)
                self.revision += 1
        if made is not None and made.full_ms is not None:
            self._full_ms = made.full_ms
        for resolution, ms in {} if made is None else made.steps_ms.items():
            self._steps_ms[resolution] = (self._steps_ms.get(resolution, ms) + ms) / 2

    # -- on the worker -------------------------------------------------------------------------------------------------

    def _make(self, work: _Work, stop_at: int | None, poll: Poll) -> _Made | None:
        """On the worker: one picture, and how long its steps took; None: it is not wanted any more."""

        def watch() -> None:
            poll()
            if not work.wanted:
                raise _Unwanted

        try:
            watch()
            made = self._made(work, stop_at, watch)
        except _Unwanted:
            return None
        except Cancelled:
            raise
        except Exception as error:  # the boundary of the thread: one cell may fail, the others go on
            log.exception("a cell of the grid failed")
            broken = CellPicture.broken(work.cell_px, f"{type(error).__name__}: {error}")
            made = _Made({work.scenes[0]: broken}, {})
        self._wake()
        return made

    def _made(self, work: _Work, stop_at: int | None, poll: Poll) -> _Made:
        [cell] = work.scenes
        frame = self._renderer.render(cell, 0, stop_at, poll)
        if frame.pixels is None:
            return _Made({cell: CellPicture.broken(work.cell_px, frame.error or "There is no picture.")}, {})
        rgba = to_rgba(frame.pixels)
        seen = laid_over(rgba, BACKGROUND) if has_alpha(frame.pixels.shape[2]) else rgba[..., :3].contiguous()
        pixels = seen.cpu().numpy()
        full = stop_at is None or not frame.preview
        full_ms = sum(frame.timings_ms.values()) if full else None
        return _Made({cell: CellPicture.of(pixels, work.cell_px, full)}, frame.steps_ms, full_ms)


def _distance(looked_at: Place, place: Place) -> int:
    """How far a place is from where one looks, squared."""
    return (place[0] - looked_at[0]) ** 2 + (place[1] - looked_at[1]) ** 2


def _people(scene: Scene, place: Place) -> tuple[Source | None, Source | None]:
    """Who is mixed at a place of a Scene's grid."""
    row, column = place
    grid = scene.grid
    return grid.rows[row] if row >= 0 else None, grid.columns[column] if column >= 0 else None
