"""What is drawn of a mixing grid: its picture, who stands at the edges, and the marks of mouse and keyboard."""

from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from stylegan_core.edits.grid import Axis
from stylegan_core.grid import source_label
from stylegan_core.scene import Grid, Source
from visualizer.grid_pictures import GridLayout, Place
from widgets import theme
from widgets.ui import Ui

TAG = "grid.picture"
CROSS_PX, LABEL_PX = 14, 11  # at scale 1: the cross that removes somebody; letters


@dataclass(frozen=True)
class Marks:
    """What is marked in the grid."""

    live: Place | None = None  # the cell that is the picture shown
    hovered: Place | None = None
    on_cross: bool = False  # whether the mouse is on the cross of the place under it
    cursor: Place | None = None  # where the keyboard is
    dragged: Place | None = None  # somebody who is taken along an edge,
    target: int = 0  # to there


def edge(place: Place) -> tuple[Axis, int]:
    """Which edge somebody stands at, and where."""
    row, column = place
    return ("columns", column) if row < 0 else ("rows", row)


class GridDrawing:
    """Draws into the drawlist TAG; everything anew whenever something is different."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._drawn: tuple[object, ...] = ()

    def draw(self, texture: int | str, layout: GridLayout, grid: Grid, marks: Marks) -> None:
        """Bring it up to date; the texture is of the layout's size."""
        look = (texture, layout, grid, marks)
        if look == self._drawn:
            return
        self._drawn = look
        width, height = layout.size
        dpg.delete_item(TAG, children_only=True)
        dpg.configure_item(TAG, width=width, height=height)
        self._draw_ground(layout)
        dpg.draw_image(texture, (0, 0), (width, height), parent=TAG)
        self._draw_labels(layout, grid)
        for place, colour in (
            (marks.hovered, theme.DIM),
            (marks.cursor, theme.TEXT),
            (marks.live, theme.ACCENT),
        ):
            if place is not None:
                self._outline(layout, place, colour)
        if marks.dragged is not None:
            self._draw_target(layout, marks.dragged, marks.target)
        elif marks.hovered is not None and min(marks.hovered) < 0:
            self._draw_cross(layout, marks.hovered, marks.on_cross)

    def on_cross(self, layout: GridLayout, place: Place, x: float, y: float) -> bool:
        """Whether a point is on the cross of somebody at an edge."""
        size, (left, top) = self._cross_px(layout), layout.corner(place)
        right = left + layout.cell_px
        return min(place) < 0 and right - size <= x < right and top <= y < top + size

    # -- within --------------------------------------------------------------------------------------------------------

    def _cross_px(self, layout: GridLayout) -> int:
        """Its size; small cells have none."""
        size = self._ui.px(CROSS_PX)
        return size if layout.cell_px > 2 * size else 0

    @staticmethod
    def _draw_ground(layout: GridLayout) -> None:
        """What stands where pictures have yet to come."""
        last = (layout.rows - 1, layout.columns - 1)
        for first, end in (((0, 0), last), ((-1, 0), (-1, last[1])), ((0, -1), (last[0], -1))):
            if min(end[0] - first[0], end[1] - first[1]) >= 0:
                left, top = layout.corner(end)
                right, bottom = left + layout.cell_px, top + layout.cell_height
                colour = theme.BACKGROUND
                dpg.draw_rectangle(layout.corner(first), (right, bottom), fill=colour, color=colour, parent=TAG)

    def _draw_labels(self, layout: GridLayout, grid: Grid) -> None:
        """Who stands at the edges, on a band at the foot of each picture."""
        size = self._ui.px(LABEL_PX)
        letters = int((layout.cell_px - 6) / (size * 0.55))
        if letters < 3:
            return
        people: list[tuple[Place, Source]] = [((i, -1), source) for i, source in enumerate(grid.rows)]
        people += [((-1, j), source) for j, source in enumerate(grid.columns)]
        for place, source in people:
            words = source_label(source).removeprefix("seed ")
            words = words if len(words) <= letters else f"{words[: letters - 1]}…"
            left, top = layout.corner(place)
            bottom = top + layout.cell_height
            dpg.draw_rectangle(
                (left, bottom - size - self._ui.px(4)),
                (left + layout.cell_px, bottom),
                fill=(*theme.CANVAS[:3], 170),
                color=(0, 0, 0, 0),
                parent=TAG,
            )
            at = (left + 3, bottom - size - self._ui.px(2))
            dpg.draw_text(at, words, size=size, color=theme.TEXT, parent=TAG)

    @staticmethod
    def _outline(layout: GridLayout, place: Place, colour: theme.Colour) -> None:
        left, top = layout.corner(place)
        right, bottom = left + layout.cell_px, top + layout.cell_height
        dpg.draw_rectangle((left, top), (right, bottom), color=colour, thickness=2, parent=TAG)

    def _draw_cross(self, layout: GridLayout, place: Place, touched: bool) -> None:
        size, (left, top) = self._cross_px(layout), layout.corner(place)
        if not size:
            return
        left += layout.cell_px - size
        ground = theme.ERROR if touched else theme.CONTROL
        dpg.draw_rectangle((left, top), (left + size, top + size), fill=ground, color=ground, parent=TAG)
        near, far = size * 0.3, size * 0.7
        for y0, y1 in ((near, far), (far, near)):
            dpg.draw_line((left + near, top + y0), (left + far, top + y1), color=theme.TEXT, thickness=1.5, parent=TAG)

    @staticmethod
    def _draw_target(layout: GridLayout, dragged: Place, to: int) -> None:
        """Where somebody who is being dragged would stand: a bar before or behind those who make room."""
        axis, index = edge(dragged)
        left, top = layout.corner((to, -1) if axis == "rows" else (-1, to))
        width, height = layout.size
        behind = (layout.cell_height if axis == "rows" else layout.cell_px) + layout.gap_px if to > index else 0
        if axis == "rows":
            ends = ((0, top + behind - 1), (width, top + behind - 1))
        else:
            ends = ((left + behind - 1, 0), (left + behind - 1, height))
        dpg.draw_line(*ends, color=theme.ACCENT, thickness=3, parent=TAG)
