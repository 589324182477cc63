"""What the mixing grid keeps of a picture, where cells lie, and how coarse a thumbnail may be."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from stylegan_core.card import ModelCard
from stylegan_core.scene import Scene

COARSEST_PX = 32  # of thumbnails: nobody is to be recognised in less
THUMBNAIL_SHARE = 1 / 3  # of what a full picture costs: as much as a thumbnail may cost
SPARE = 2  # pictures are kept so many times as large as their cells, for the window may grow
LIMIT_BYTES = 256 << 20  # of all pictures that are kept
BROKEN = (58, 36, 38)  # colour of a cell whose picture cannot be made

Place = tuple[int, int]  # row and column; -1 is the edge where those stand from whom the cells are mixed


class Progress(NamedTuple):
    """How many cells have a picture, how many the full one, and how many there are."""

    thumbnails: int
    full: int
    total: int


@dataclass(frozen=True)
class GridLayout:
    """Where cells lie, in px from the top left. The edges stand a little apart."""

    rows: int
    columns: int
    cell_px: int  # width of a cell
    gap_px: int = 2
    height_px: int | None = None  # of a cell; None: as wide

    @property
    def cell_height(self) -> int:
        """Height of a cell."""
        return self.cell_px if self.height_px is None else self.height_px

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        right, bottom = self.corner((self.rows - 1, self.columns - 1))
        return right + self.cell_px, bottom + self.cell_height

    def corner(self, place: Place) -> tuple[int, int]:
        """The top left (x, y) of a cell or of somebody at the edge."""
        return self._start(place[1], self.cell_px), self._start(place[0], self.cell_height)

    def at(self, x: float, y: float) -> Place | None:
        """What lies under a point; None between cells, outside, and in the corner where the edges meet."""
        row, column = self._index(y, self.rows, self.cell_height), self._index(x, self.columns, self.cell_px)
        return None if row is None or column is None or row == column == -1 else (row, column)

    def _start(self, index: int, side: int) -> int:
        return 0 if index < 0 else (index + 1) * (side + self.gap_px) + 2 * self.gap_px

    def _index(self, at: float, count: int, side: int) -> int | None:
        index = -1 if at < self._start(0, side) else int((at - self._start(0, side)) // (side + self.gap_px))
        return index if index < count and 0 <= at - self._start(index, side) < side else None


def largest_cell(rows: int, columns: int, width: int, height: int, aspect: float = 1.0) -> int:
    """The width in px of the largest cells, `aspect` times as high, with which a grid fits into a room."""
    bare = GridLayout(rows, columns, 0)
    across, down = (width - bare.size[0]) // (columns + 1), (height - bare.size[1]) // (rows + 1)
    return max(min(across, int(down / aspect)), 1)


def height_of(px: int, pixels: np.ndarray) -> int:
    """How high a picture [h, w, ...] is that is brought to a width."""
    return max(round(px * pixels.shape[0] / pixels.shape[1]), 1)


def tile(pixels: np.ndarray, px: int) -> np.ndarray:
    """A picture uint8 [h, w, 3] at the width of a cell, [h', px, 3]; one of that size is left as it is."""
    if pixels.shape[1] == px:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((px, height_of(px, pixels)), Image.Resampling.BICUBIC))


@dataclass(frozen=True, eq=False)
class CellPicture:
    """What there is of a Scene's picture."""

    pixels: np.ndarray  # uint8 [h, w, 3]: as it was made, or reduced to what the window needs
    tile: np.ndarray  # the same at the width of a cell, uint8 [h', cell_px, 3]
    full: bool  # rather than a thumbnail
    reduced: bool = False
    error: str | None = None  # why there is none

    @classmethod
    def of(cls, pixels: np.ndarray, cell_px: int, full: bool) -> "CellPicture":
        """From a finished picture, uint8 [h, w, 3]."""
        reduced = pixels.shape[1] > SPARE * cell_px
        kept = tile(pixels, SPARE * cell_px) if reduced else pixels
        return cls(kept, tile(pixels, cell_px), full, reduced)

    @classmethod
    def broken(cls, cell_px: int, error: str) -> "CellPicture":
        """In place of one that cannot be made."""
        pixels = np.full((cell_px, cell_px, 3), BROKEN, np.uint8)
        return cls(pixels, pixels, full=True, error=error)

    def suffices(self, cell_px: int) -> bool:
        """Whether making it again would give nothing more to see."""
        return self.full and (not self.reduced or self.pixels.shape[1] >= cell_px)

    def fits(self, cell_px: int) -> bool:
        """Whether its tile is for cells of this size."""
        return self.tile.shape[1] == cell_px

    def refitted(self, cell_px: int) -> "CellPicture":
        """With a tile for cells of another size."""
        return replace(self, tile=tile(self.pixels, cell_px))

    def quick_tile(self, cell_px: int, cell_height: int | None = None) -> np.ndarray:
        """A tile for cells of another size at no cost, its pixels as they come."""
        shape = cell_height or cell_px, cell_px
        if self.tile.shape[:2] == shape:
            return self.tile
        source = self.pixels
        rows, columns = (np.arange(n) * size // n for n, size in zip(shape, source.shape[:2], strict=True))
        return source[rows[:, None], columns]

    @property
    def num_bytes(self) -> int:
        """The memory it takes."""
        return self.pixels.nbytes + (0 if self.tile is self.pixels else self.tile.nbytes)


class KeptPictures:
    """Pictures by their Scenes; the least recently used make room."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES):
        self._limit_bytes = limit_bytes
        self._num_bytes = 0
        self._pictures: OrderedDict[Scene, CellPicture] = OrderedDict()

    def get(self, scene: Scene) -> CellPicture | None:
        """The picture, if it is here; it counts as used."""
        picture = self._pictures.get(scene)
        if picture is not None:
            self._pictures.move_to_end(scene)
        return picture

    def put(self, scene: Scene, picture: CellPicture) -> None:
        """Keep one, in place of the one that was there."""
        self._drop(scene)
        self._pictures[scene] = picture
        self._num_bytes += picture.num_bytes
        while self._num_bytes > self._limit_bytes:
            self._drop(next(iter(self._pictures)))

    def clear(self) -> None:
        """Forget all."""
        self._pictures.clear()
        self._num_bytes = 0

    def _drop(self, scene: Scene) -> None:
        picture = self._pictures.pop(scene, None)
        self._num_bytes -= 0 if picture is None else picture.num_bytes


def thumbnail_px(card: ModelCard, steps_ms: Mapping[int, float], cell_px: int) -> int | None:
    """At which resolution a thumbnail stops; None: a full picture is as quick.

    Args:
        card: of the model.
        steps_ms: how long its steps take, by resolution in px, as far as they were measured.
        cell_px: size of a cell; nothing finer is wanted than what fills it.
    """
    if not card.has_preview:
        return None
    px = card.preview_px or COARSEST_PX
    resolutions = sorted({layer.resolution for layer in card.layers})
    if not card.preview_px and all(resolution in steps_ms for resolution in resolutions):
        allowed = THUMBNAIL_SHARE * sum(steps_ms.values())
        total = 0.0
        for resolution in resolutions:
            total += steps_ms[resolution]
            if total <= allowed and card.size_at(px)[1] < cell_px:
                px = max(resolution, px)
    return px if px < card.resolution else None
