"""Pictures laid out as a sheet with labels at its edges, as figures in papers are: where what goes, and drawing it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONTS = Path(__file__).resolve().parent.parent / "assets" / "fonts"
BACKGROUND, TEXT, DIM = (23, 24, 28), (226, 228, 234), (150, 154, 166)  # the window's
LIMIT_PX = 8192  # of a sheet's side
LEAST_PX = 96  # of a picture's side, so that there is room for words
SMALLEST_FONT_PX, LARGEST_FONT_PX = 12, 40
LABEL_EMS = 10  # width of labels at the left, at most


@dataclass(frozen=True)
class Sheet:
    """Where pictures and labels lie, in px: people at the top and at the left, cells between, notes below.

    Sizes follow from the pictures' size; gaps are parts of a line of text.
    """

    rows: int
    columns: int
    cell_px: int  # width of each picture
    label_px: int = 0  # width of the labels at the left
    notes: tuple[str, ...] = ()  # lines
    height_px: int | None = None  # of each picture; None: as wide

    @property
    def cell_height(self) -> int:
        """Height of each picture, in px."""
        return self.cell_px if self.height_px is None else self.height_px

    @property
    def font_px(self) -> int:
        """Size of the letters."""
        return min(max(self.cell_px // 16, SMALLEST_FONT_PX), LARGEST_FONT_PX)

    @property
    def margin_px(self) -> int:
        """Around everything, and between the people at the edges and the cells."""
        return self.font_px

    @property
    def gap_px(self) -> int:
        """Between pictures."""
        return max(self.font_px // 6, 2)

    @property
    def line_px(self) -> int:
        """Height of a line of text."""
        return self.font_px * 3 // 2

    def place(self, row: int | None, column: int | None) -> tuple[int, int]:
        """The top left (x, y) of a cell, or of a person at the edge: a row's where `column` is None."""
        left = self.margin_px + self.label_px + (self.margin_px // 2 if self.label_px else 0)
        top = self.margin_px + self.line_px
        return self._along(left, column, self.cell_px), self._along(top, row, self.cell_height)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet."""
        right, bottom = self.place(self.rows - 1, self.columns - 1)
        notes = len(self.notes) * self.line_px + self.margin_px // 2 if self.notes else 0
        return right + self.cell_px + self.margin_px, bottom + self.cell_height + notes + self.margin_px

    def _along(self, start: int, index: int | None, cell: int) -> int:
        return start if index is None else start + self.margin_px + (index + 1) * (cell + self.gap_px)


def plan_sheet(
    picture_px: int, rows: Sequence[str], columns: Sequence[str], note: str, picture_height: int | None = None
) -> Sheet:
    """Lay out a sheet: pictures at full size, reduced where the sheet would pass LIMIT_PX, tiny ones several times.

    Args:
        picture_px: width of each picture.
        rows: labels.
        columns: labels.
        note: stands below, in as many lines as it needs.
        picture_height: of each picture, in px; None: as wide.
    """
    width, height = picture_px, picture_px if picture_height is None else picture_height
    times = -(-LEAST_PX // min(width, height))
    sheet = _with_labels(Sheet(len(rows), len(columns), width * times, height_px=height * times), rows, note)
    across, down = sheet.size
    over = (across - LIMIT_PX) / (len(columns) + 1), (down - LIMIT_PX) / (len(rows) + 1)
    if max(over) <= 0:
        return sheet
    room = min(int(sheet.cell_px - over[0]), int(sheet.cell_height - over[1]) * width // height)
    cell_px = room if room < width else room // width * width
    cell = Sheet(len(rows), len(columns), cell_px, height_px=max(cell_px * height // width, 1))
    return _with_labels(cell, rows, note)


def _with_labels(sheet: Sheet, rows: Sequence[str], note: str) -> Sheet:
    font = font_of(sheet.font_px)
    widest = max((font.getlength(_line(label)) for label in rows), default=0)
    sheet = replace(sheet, label_px=int(min(widest + 1, LABEL_EMS * sheet.font_px)))
    return replace(sheet, notes=wrapped(note, font, sheet.size[0] - 2 * sheet.margin_px))


class SheetPainter:
    """Draws a sheet: labels and notes at once, pictures as they come."""

    def __init__(self, sheet: Sheet, rows: Sequence[str], columns: Sequence[str]):
        self.sheet = sheet
        self._image = Image.new("RGB", sheet.size, BACKGROUND)
        draw, font, cell_px = ImageDraw.Draw(self._image), font_of(sheet.font_px), sheet.cell_px
        for index, label in enumerate(rows):
            x, y = sheet.place(index, None)
            words = fitted(label, font, sheet.label_px)
            draw.text((x - sheet.margin_px // 2, y + sheet.cell_height // 2), words, TEXT, font, anchor="rm")
        for index, label in enumerate(columns):
            x, y = sheet.place(None, index)
            middle = (x + cell_px // 2, y - sheet.line_px // 2)
            draw.text(middle, fitted(label, font, cell_px), TEXT, font, anchor="mm")
        below = sheet.size[1] - sheet.margin_px - len(sheet.notes) * sheet.line_px
        for index, line in enumerate(sheet.notes):
            draw.text((sheet.margin_px, below + index * sheet.line_px), line, DIM, font, anchor="la")

    def paste(self, pixels: np.ndarray, row: int | None, column: int | None) -> None:
        """Put a picture uint8 [h, w, C] in its place; see `Sheet.place`."""
        self._image.paste(_sized(_rgb(pixels), self.sheet), self.sheet.place(row, column))

    def pixels(self) -> np.ndarray:
        """The sheet, uint8 [H, W, 3]."""
        return np.asarray(self._image)


@lru_cache(maxsize=16)
def font_of(px: int) -> ImageFont.FreeTypeFont:
    """The window's font at a size."""
    # Plain layout: the same everywhere, and with nothing in a name that it fails at.
    return ImageFont.truetype(str(FONTS / "Inter-Regular.ttf"), px, layout_engine=ImageFont.Layout.BASIC)


def fitted(text: str, font: ImageFont.FreeTypeFont, width_px: float) -> str:
    """One line of text, its end left out where it is longer than `width_px`."""
    text = _line(text)
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(f"{text}…") > width_px:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""


def wrapped(text: str, font: ImageFont.FreeTypeFont, width_px: float) -> tuple[str, ...]:
    """Text in lines that are no longer than `width_px`, but for single words. No-break spaces hold words together."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and font.getlength(f"{lines[-1]} {word}") <= width_px:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines)


def _line(text: str) -> str:
    """Text without line breaks and what else cannot be drawn."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _rgb(pixels: np.ndarray) -> Image.Image:
    """A picture of any number of channels, as the window shows it: in grey or colours, its alpha over BACKGROUND."""
    channels = pixels.shape[2]
    if channels == 3:
        return Image.fromarray(pixels)
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if channels == 1 else pixels[:, :, :4]))
    if channels == 1:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (*BACKGROUND, 255))
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


def _sized(image: Image.Image, sheet: Sheet) -> Image.Image:
    """A picture as large as the sheet's are: smaller by the mean over areas, larger by repeating pixels."""
    size = sheet.cell_px, sheet.cell_height
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.BOX if size[0] < image.width else Image.Resampling.NEAREST)
