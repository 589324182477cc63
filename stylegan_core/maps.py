"""A layer's feature maps as pixels: one alone, three as colours, a spectrum, or all on a contact sheet.

How numbers become colours is the same everywhere. A number v, nominally in [-1, 1], goes to (v * gain + 1) / 2 of the
colour map, so that 0 is its middle, as in the picture itself. Where the look normalises, each map is brought to [-1, 1]
before: by its largest |x| for diverging colours, whose middle stands for 0, else from its smallest to its largest x.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.colours import coloured
from stylegan_core.errors import SceneError
from stylegan_core.scene import Look
from stylegan_core.spectrum import spectrum

SHEET_MAPS = 64  # on one page
SHEET_PX = 1024  # a side of it, at most, not counting gaps
GAP_PX = 1
GAP_GREY = 32
SPECTRUM_DB = 100.0  # from one end of the colour map to the other


# -- geometry ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """One page of maps side by side, row by row, each in a cell, with gaps between. Pages are equally large."""

    order: tuple[int, ...]  # channels, over all pages
    columns: int
    rows: int
    cell_width: int  # px; less than the map where maps are averaged down
    cell_height: int
    map_width: int
    map_height: int
    page: int = 0

    @property
    def per_page(self) -> int:
        """Maps that a page has room for."""
        return self.columns * self.rows

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return math.ceil(len(self.order) / self.per_page)

    @property
    def shown(self) -> tuple[int, ...]:
        """The channels on this page, in order."""
        return self.order[self.page * self.per_page : (self.page + 1) * self.per_page]

    @property
    def width(self) -> int:
        """Of the page, in px."""
        return self.columns * (self.cell_width + GAP_PX) - GAP_PX

    @property
    def height(self) -> int:
        """Of the page, in px."""
        return self.rows * (self.cell_height + GAP_PX) - GAP_PX

    def page_of(self, channel: int) -> int | None:
        """The page that a channel is on; None if it is on none."""
        return self.order.index(channel) // self.per_page if channel in self.order else None

    def place_of(self, channel: int) -> tuple[int, int] | None:
        """The left and top edge in px of a channel's cell; None if it is not on this page."""
        if channel not in self.shown:
            return None
        row, column = divmod(self.shown.index(channel), self.columns)
        return column * (self.cell_width + GAP_PX), row * (self.cell_height + GAP_PX)

    def channel_at(self, x: float, y: float) -> tuple[int, int, int] | None:
        """What is at a place of the page, in px from its top left corner.

        Returns:
            The channel, and the column and row of its map: the first ones of several that are averaged there. None
            for gaps and beyond.
        """
        column, left = divmod(math.floor(x), self.cell_width + GAP_PX)
        row, top = divmod(math.floor(y), self.cell_height + GAP_PX)
        inside = 0 <= column < self.columns and row >= 0 and left < self.cell_width and top < self.cell_height
        index = row * self.columns + column
        if not inside or index >= len(self.shown):
            return None
        return self.shown[index], left * self.map_width // self.cell_width, top * self.map_height // self.cell_height


def sheet_layout(channels: int | Sequence[int], height: int, width: int, page: int = 0) -> Sheet:
    """How maps are laid out on a sheet that is nearly square.

    Args:
        channels: which, in order; or how many.
        height: of each map, in px.
        width: of each map, in px.
        page: which page; the last one if there are not so many.
    """
    order = tuple(range(channels)) if isinstance(channels, int) else tuple(channels)
    count = min(len(order), SHEET_MAPS)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    factor = math.ceil(max(height, width) / (SHEET_PX // columns))  # whole, so that cells average equal squares
    cell_width, cell_height = math.ceil(width / factor), math.ceil(height / factor)
    page = min(page, math.ceil(len(order) / (columns * rows)) - 1)
    return Sheet(order, columns, rows, cell_width, cell_height, width, height, page)


def look_layout(shape: Sequence[int], look: Look, order: Sequence[int]) -> Sheet:
    """Where things are on what `activation_pixels` gives; a map that fills it all is a sheet of one.

    Args:
        shape: of the activations, [C, H, W].
        look: how they are looked at.
        order: from `order_of`.
    """
    _, height, width = shape
    if look.show in ("sheet", "strongest"):
        return sheet_layout(order, height, width, look.page)
    return Sheet(tuple(order[:1]), 1, 1, width, height, width, height)


def order_of(x: Tensor, look: Look) -> tuple[int, ...]:
    """The channels of activations x [C, H, W] in the order in which a look shows them.

    Raises:
        SceneError: the look names a channel that there is not.
    """
    if look.show == "sheet":
        return tuple(range(len(x)))
    if look.show == "strongest":  # by the mean of |x|
        return tuple(x.abs().mean(dim=(1, 2)).argsort(descending=True, stable=True).tolist())
    chosen = look.channels if look.show == "rgb" else look.channels[:1]
    for channel in chosen:
        if channel >= len(x):
            raise SceneError(f"{look.layer or 'The layer'} has channels 0 to {len(x) - 1}, so there is no {channel}.")
    return chosen


# -- from numbers to colours -------------------------------------------------------------------------------------------


def shades(x: Tensor, look: Look) -> Tensor:
    """Places on the colour map for the numbers of maps; see this file's first lines.

    Args:
        x: [..., H, W], each map normalised by itself. What is no finite number counts as 0.
        look: normalise, gain_db, colours.

    Returns:
        The same shape; 0 to 1 is on the colour map.
    """
    x = x.nan_to_num(0.0, 0.0, 0.0)
    if look.normalise and look.colours == "diverging":
        peak = x.abs().amax(dim=(-2, -1), keepdim=True)
        x = torch.where(peak > 0, x / peak, 0.0)
    elif look.normalise:
        low, high = x.amin(dim=(-2, -1), keepdim=True), x.amax(dim=(-2, -1), keepdim=True)
        x = torch.where(high > low, (x - low) / (high - low) * 2 - 1, 0.0)
    return (x * 10 ** (look.gain_db / 20) + 1) / 2


def map_pixels(x: Tensor, look: Look) -> Tensor:
    """One map [H, W] in colours -> uint8 [H, W, 3]."""
    return coloured(shades(x, look), look.colours)


def spectrum_pixels(x: Tensor, look: Look) -> Tensor:
    """The spectrum of one map [H, W] in colours -> uint8 [H, W, 3].

    The colour map spans SPECTRUM_DB down from the highest peak, or, where the look does not normalise, from a
    sinusoid of amplitude 1. Gain adds to the levels.
    """
    power_db = spectrum(x, look.spectrum_beta).power_db + look.gain_db
    if look.normalise:
        power_db = power_db - (power_db.max() - look.gain_db)
    return coloured(power_db / SPECTRUM_DB + 1, look.colours)


def activation_pixels(x: Tensor, look: Look) -> Tensor:
    """A layer's activations as a look shows them.

    Args:
        x: float [C, H, W].
        look: how. In "rgb", which needs no colour map, three maps are red, green and blue.

    Returns:
        uint8 [H', W', 3] on the same device, laid out as `look_layout` says.

    Raises:
        SceneError: the look names a channel that there is not.
    """
    order = order_of(x, look)
    if look.show == "channel":
        return map_pixels(x[order[0]], look)
    if look.show == "spectrum":
        return spectrum_pixels(x[order[0]], look)
    if look.show == "rgb":
        grey = look.model_copy(update={"colours": "grey"})
        levels = shades(x[list(order)], grey).clamp(0, 1) * 255
        return levels.round().to(torch.uint8).permute(1, 2, 0).contiguous()
    return _sheet_pixels(x, look, look_layout(x.shape, look, order))


def _sheet_pixels(x: Tensor, look: Look, sheet: Sheet) -> Tensor:
    cells = coloured(_averaged_down(shades(x[list(sheet.shown)], look), sheet), look.colours)
    page = cells.new_full((sheet.height, sheet.width, 3), GAP_GREY)
    for channel, cell in zip(sheet.shown, cells, strict=True):
        place = sheet.place_of(channel)
        assert place is not None  # it is shown
        left, top = place
        page[top : top + sheet.cell_height, left : left + sheet.cell_width] = cell
    return page


def _averaged_down(maps: Tensor, sheet: Sheet) -> Tensor:
    return F.interpolate(maps[None], (sheet.cell_height, sheet.cell_width), mode="area")[0]
