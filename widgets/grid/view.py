"""The grid view: rows of people mixed into columns of people (StyleGAN, figure 3).

A click makes a cell the picture, a double click lets its row's and its column's people change places; people at the
edges are dragged to another place, and removed with the right button. The arrow keys and Enter do the same as looking
and clicking, once the grid was clicked.
"""

import time
from dataclasses import dataclass
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.edits.grid import Axis
from stylegan_core.grid import cell_scene, layers_label, source_label, source_scene
from stylegan_core.scene import Scene, only_picture
from visualizer.grid_pictures import Place, largest_cell
from visualizer.presenter import Picture
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.browser import Browser
from widgets.grid.controls import GridControls
from widgets.grid.drawing import TAG, GridDrawing, Marks, edge
from widgets.ui import Ui

FIRST_SIZE = 5  # people at each edge that the button of an empty grid gives
LARGEST_CELL = 256  # px at scale 1
DOUBLE_S = 0.35  # a click was a single one when no second has come for so long
MARGIN, WORDS = 10, 60  # px: around everything; height of the two lines of words and what is between the parts
ARROWS = {dpg.mvKey_Left: (0, -1), dpg.mvKey_Right: (0, 1), dpg.mvKey_Up: (-1, 0), dpg.mvKey_Down: (1, 0)}


@dataclass
class Press:
    """The left button went down on a place of the grid."""

    place: Place
    at: tuple[float, float]
    moved: bool = False  # somebody at an edge is being dragged


class GridView:
    """See the module."""

    title, key = f"{icons.GRID_3X3}  Grid", "grid"
    help = "Mix rows into columns: a person's pose with another's colours."
    needs = "mixing"

    def __init__(self, ui: Ui, browser: Browser):
        self._ui = ui
        self._controls = GridControls(ui, browser)
        self._picture: Picture | None = None
        self._revision = -1
        self._drawing = GridDrawing(ui)
        self._empty: bool | None = None
        self._words = ""
        self._press: Press | None = None
        self._clicked: tuple[Place, float] | None = None  # a click that may become a double one, and when it was
        self._cursor: Place | None = None  # where the keyboard is

    def build(self) -> None:
        """Make its items in the container that is open."""
        dpg.add_spacer(height=self._ui.px(MARGIN - 6))
        with dpg.group(indent=self._ui.px(MARGIN)):
            self._build_items()
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=self._pressed)
            dpg.add_item_double_clicked_handler(dpg.mvMouseButton_Left, callback=self._double_clicked)
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Right, callback=self._right_clicked)
        dpg.bind_item_handler_registry(TAG, handlers)
        self._ui.keyboard.area(self.key, TAG, after="views")
        with dpg.handler_registry():
            for key in (*ARROWS, dpg.mvKey_Return, dpg.mvKey_NumPadEnter):
                dpg.add_key_press_handler(key, callback=self._key_pressed)

    def _build_items(self) -> None:
        with dpg.group(tag="grid.controls"):
            self._controls.build()
        with dpg.group(tag="grid.empty", show=False):
            dpg.add_spacer(height=self._ui.px(40))
            dpg.add_button(
                label=f"{icons.DICE}  Fill with {FIRST_SIZE} × {FIRST_SIZE} people",
                tag="grid.fill",
                height=self._ui.px(48),
                callback=lambda: self._controls.fill(FIRST_SIZE),
            )
            tooltip("grid.fill", "Each cell mixes the person above it with the one to its left.")
        dpg.add_text("", tag="grid.words", color=theme.DIM)
        with dpg.group(tag="grid.area"):
            dpg.add_drawlist(width=100, height=100, tag=TAG)

    def sync(self, width: int, height: int) -> None:
        """Once a frame while it is shown."""
        explorer, px = self._ui.explorer, self._ui.px
        width -= 2 * px(MARGIN)
        self._controls.sync(width)
        dpg.configure_item("grid.fill", width=width)
        scene, card = explorer.scene, explorer.card
        if card is None:
            return
        rows, columns = len(scene.grid.rows), len(scene.grid.columns)
        used = dpg.get_item_rect_size("grid.controls")[1] + px(WORDS + MARGIN)
        aspect = card.height / card.width
        cell_px = min(largest_cell(rows, columns, width, height - int(used), aspect), px(LARGEST_CELL))
        hovered = self._under()
        explorer.grid.follow(scene, card, cell_px, hovered or self._cursor)
        self._go_on_pressing()
        self._take_click()
        self._show(scene, hovered)
        self._say(scene, hovered)

    def leave(self) -> None:
        """It has been put away."""
        self._ui.explorer.grid.leave()
        self._press = self._clicked = self._cursor = None

    # -- what a click does ---------------------------------------------------------------------------------------------

    def _take(self, place: Place) -> None:
        """Make a cell, or somebody at an edge, the picture; the grid and what is looked at stay."""
        explorer = self._ui.explorer
        scene, card, (row, column) = explorer.scene, explorer.card, place
        if card is None or row >= len(scene.grid.rows) or column >= len(scene.grid.columns):
            return  # it has just been removed
        if min(place) >= 0:
            picture = cell_scene(scene, row, column, card.num_ws)
        else:
            picture = source_scene(scene, scene.grid.columns[column] if row < 0 else scene.grid.rows[row])
        kept = picture.model_copy(update={"grid": scene.grid, "look": scene.look})
        explorer.do("Take cell" if min(place) >= 0 else "Take person", edits.set_scene, kept)

    def _remove(self, place: Place) -> None:
        axis, index = edge(place)
        self._ui.explorer.do(f"Remove a {axis[:-1]}", edits.remove_source, axis, index)

    # -- mouse and keyboard --------------------------------------------------------------------------------------------

    def _pressed(self, *_: Any) -> None:
        place = self._under()
        self._press = None if place is None else Press(place, self._mouse())

    def _go_on_pressing(self) -> None:
        press = self._press
        if press is None:
            return
        (x0, y0), (x1, y1) = press.at, self._mouse()
        press.moved |= min(press.place) < 0 and max(abs(x1 - x0), abs(y1 - y0)) > self._ui.px(6)
        if dpg.is_mouse_button_down(dpg.mvMouseButton_Left):
            return
        self._press = None
        if press.moved:
            axis, index = edge(press.place)
            self._ui.explorer.do(f"Move a {axis[:-1]}", edits.move_source, axis, index, self._target(axis))
        elif self._on_cross(press.place):
            self._remove(press.place)
        elif self._under() == press.place:
            self._clicked = press.place, time.monotonic()

    def _take_click(self) -> None:
        """Act on a click once no second one has followed, so that a double click leaves no trace of two single ones."""
        if self._clicked is None:
            return
        self._ui.window.stay_awake(DOUBLE_S)
        place, at = self._clicked
        if time.monotonic() - at > DOUBLE_S:
            self._clicked = None
            self._cursor = place
            self._take(place)

    def _double_clicked(self, *_: Any) -> None:
        self._press = self._clicked = None
        place = self._under()
        if place is not None and min(place) >= 0:
            self._ui.explorer.do("Swap row and column", edits.swap_sources, *place)

    def _right_clicked(self, *_: Any) -> None:
        place = self._under()
        if place is not None and min(place) < 0:
            self._remove(place)

    def _key_pressed(self, sender: Any, key: int) -> None:
        del sender
        layout = self._ui.explorer.grid.layout
        if not self._ui.keyboard.has(self.key) or not layout.rows or not layout.columns:
            return
        row, column = self._cursor or (0, 0)
        if key in ARROWS:
            down, across = ARROWS[key]
            row, column = row + down, column + across
            self._cursor = min(max(row, 0), layout.rows - 1), min(max(column, 0), layout.columns - 1)
        elif self._cursor is not None:
            self._take(self._cursor)

    def _mouse(self) -> tuple[float, float]:
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_rect_min(TAG)
        return x - left, y - top

    def _under(self) -> Place | None:
        """The place under the mouse."""
        return self._ui.explorer.grid.layout.at(*self._mouse()) if dpg.is_item_hovered(TAG) else None

    def _target(self, axis: Axis) -> int:
        """Where somebody who is dragged along an edge would stand."""
        layout = self._ui.explorer.grid.layout
        x, y = self._mouse()
        left, top = layout.corner((0, 0))
        if axis == "rows":
            index, count = (y - top) // (layout.cell_height + layout.gap_px), layout.rows
        else:
            index, count = (x - left) // (layout.cell_px + layout.gap_px), layout.columns
        return min(max(int(index), 0), count - 1)

    def _on_cross(self, place: Place) -> bool:
        return self._drawing.on_cross(self._ui.explorer.grid.layout, place, *self._mouse())

    # -- showing -------------------------------------------------------------------------------------------------------

    def _show(self, scene: Scene, hovered: Place | None) -> None:
        """Bring the picture and what is drawn over it up to date."""
        grid = self._ui.explorer.grid
        empty = not (grid.layout.rows or grid.layout.columns)
        if empty != self._empty:
            self._empty = empty
            dpg.configure_item("grid.empty", show=empty)
            for tag in ("grid.area", "grid.words"):
                dpg.configure_item(tag, show=not empty)
        if empty:
            return
        if self._picture is None:
            self._picture = self._ui.window.new_picture()
            self._picture.set_smooth(False)
        if grid.revision != self._revision:
            self._revision = grid.revision
            self._picture.show(grid.atlas)
        self._drawing.draw(self._picture.tag, grid.layout, scene.grid, self._marks(scene, hovered))

    def _marks(self, scene: Scene, hovered: Place | None) -> Marks:
        grid = self._ui.explorer.grid
        dragged = None if self._press is None or not self._press.moved else self._press.place
        has_keyboard = self._ui.keyboard.has(self.key)
        there = has_keyboard and self._cursor is not None and grid.scene(self._cursor) is not None
        return Marks(
            live=grid.find(only_picture(scene)),
            hovered=hovered,
            on_cross=hovered is not None and self._on_cross(hovered),
            cursor=self._cursor if there else None,
            dragged=dragged,
            target=0 if dragged is None else self._target(edge(dragged)[0]),
        )

    # -- words ---------------------------------------------------------------------------------------------------------

    def _say(self, scene: Scene, hovered: Place | None) -> None:
        # Two lines always: below them stands what the mouse is on.
        words = self._progress(scene) if hovered is None else self._about(scene, hovered)
        if words != self._words:
            self._words = words
            dpg.set_value("grid.words", words)

    def _progress(self, scene: Scene) -> str:
        card, done = self._ui.explorer.card, self._ui.explorer.grid.progress
        if (saving := self._ui.explorer.grid_files.progress) is not None:
            return f"Saving, {saving:.0%}\n "
        if done.thumbnails < done.total:
            return f"{done.thumbnails} of {done.total} cells\n "
        if done.full < done.total:
            return f"{done.full} of {done.total} cells are sharp\n "
        return "" if card is None else f"{layers_label(scene.grid, card)}\n "

    def _about(self, scene: Scene, place: Place) -> str:
        """What is under the mouse, and what can be done with it."""
        if (error := self._ui.explorer.grid.error(place)) is not None:
            return f"{error}\n "
        grid, (row, column) = scene.grid, place
        if row >= len(grid.rows) or column >= len(grid.columns):
            return ""  # somebody was just removed
        if min(place) >= 0:
            return (
                f"{source_label(grid.columns[column])}, with styles of {source_label(grid.rows[row])}\n"
                "Click to see it large, double-click to swap the two."
            )
        source = grid.columns[column] if row < 0 else grid.rows[row]
        return f"{source_label(source)}\nClick to see it large, drag to move it, right-click to remove it."
