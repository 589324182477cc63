"""The canvas: the picture itself. Drag to wander over the seed plane, wheel to zoom, right-drag to pan."""

from dataclasses import dataclass
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from visualizer.presenter import Picture
from visualizer.worker import Shown
from widgets import theme
from widgets.ui import Ui

TAG = "canvas"
PEOPLE_PER_CANVAS = 2.0  # how far a drag across the whole canvas goes on the seed plane
ZOOM_STEP = 1.15
ZOOM_LIMITS = (0.05, 64.0)


@dataclass
class View:
    """How the picture lies on the canvas. Session state: outside the Scene and outside undo."""

    zoom: float | None = None  # screen px for a picture px; None: as large as fits
    pan: tuple[float, float] = (0.0, 0.0)  # of the picture's centre from the canvas's, in screen px
    compare: float = 0.0  # share of the width, from the left, that shows the pinned picture
    flip: bool = False  # show the pinned picture as long as a key is held


class Canvas:
    """Draws the newest picture, and the pinned one beside it; takes the mouse."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self.view = View()
        self.smooth = ui.explorer.session.layout.smooth
        self._live: Picture | None = None
        self._pinned: Picture | None = None
        self._pinned_shown: Shown | None = None
        self._picture_px = (1, 1)  # of the full picture; a preview is drawn as large
        self._preview = False
        self._drag: tuple[int, tuple[float, float]] | None = None  # button, and where the mouse was last
        self._drawn: tuple[object, ...] = ()

    # -- built once, called each frame ---------------------------------------------------------------------------------

    def build(self) -> None:
        """Make the drawing area and its mouse handlers in the container that is open."""
        dpg.add_drawlist(width=100, height=100, tag=TAG)
        with dpg.item_handler_registry() as handlers:
            for button in (dpg.mvMouseButton_Left, dpg.mvMouseButton_Right, dpg.mvMouseButton_Middle):
                dpg.add_item_clicked_handler(button, callback=self._press)
            dpg.add_item_double_clicked_handler(dpg.mvMouseButton_Right, callback=lambda: self.fit())
        dpg.bind_item_handler_registry(TAG, handlers)
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=self._wheel)

    def present(self, shown: Shown) -> None:
        """Show a new picture."""
        assert shown.rgba is not None
        if self._live is None:
            self._live = self._ui.window.new_picture()
        self._live.show(shown.rgba)
        height, width = shown.rgba.shape[:2]
        card = self._ui.explorer.card
        self._preview = shown.frame.preview
        self._picture_px = (card.resolution, card.resolution) if self._preview and card else (width, height)
        self._live.set_smooth(self.smooth or self._preview)

    def sync(self, width: int, height: int) -> None:
        """Once a frame: take the canvas's size, go on with a drag, draw if anything changed."""
        self._go_on_dragging(width)
        self._take_pinned()
        if self._live is None:
            dpg.configure_item(TAG, width=width, height=height)
            return
        pinned = self._pinned.tag if self._pinned is not None else None
        look = (width, height, self._live.tag, pinned, self._rect(width, height), self._split(), self.smooth)
        if look != self._drawn:
            self._drawn = look
            self._draw(width, height)

    # -- what the view panel and keys call -----------------------------------------------------------------------------

    def fit(self) -> None:
        """As large as the canvas allows, in the middle."""
        self.view.zoom, self.view.pan = None, (0.0, 0.0)

    def one_to_one(self) -> None:
        """A screen pixel for a picture pixel, in the middle."""
        self.view.zoom, self.view.pan = 1.0, (0.0, 0.0)

    def zoom_by(self, factor: float, at: tuple[float, float] | None = None) -> None:
        """Zoom about a point, from the canvas's centre in screen px, that stays where it is."""
        width, height = (int(v) for v in dpg.get_item_rect_size(TAG))
        before = self.zoom(width, height)
        after = min(max(before * factor, ZOOM_LIMITS[0]), ZOOM_LIMITS[1])
        x, y = at or (0.0, 0.0)
        px, py = self.view.pan
        ratio = after / before
        self.view.pan = (x - (x - px) * ratio, y - (y - py) * ratio)
        self.view.zoom = after

    def set_smooth(self, smooth: bool) -> None:
        """Linear (soft) or nearest (pixels to be seen) magnification."""
        self.smooth = smooth
        for picture, preview in ((self._live, self._preview), (self._pinned, False)):
            if picture is not None:
                picture.set_smooth(smooth or preview)

    def zoom(self, width: int, height: int) -> float:
        """Screen px for a picture px."""
        if self.view.zoom is not None:
            return self.view.zoom
        return max(min(width / self._picture_px[0], height / self._picture_px[1]), 0.01)

    # -- mouse ---------------------------------------------------------------------------------------------------------

    def _press(self, sender: Any, data: tuple[int, Any]) -> None:
        del sender
        x, y = dpg.get_mouse_pos(local=False)
        self._drag = (data[0], (x, y))

    def _go_on_dragging(self, width: int) -> None:
        if self._drag is None:
            return
        button, (last_x, last_y) = self._drag
        if not dpg.is_mouse_button_down(button):
            self._drag = None
            self._ui.explorer.store.settle()
            return
        x, y = dpg.get_mouse_pos(local=False)
        if (x, y) == (last_x, last_y):
            return
        self._drag = (button, (x, y))
        if button == dpg.mvMouseButton_Left:
            scale = PEOPLE_PER_CANVAS / max(width, 1)
            self._ui.explorer.edit("Wander", edits.move_on_plane, (last_x - x) * scale, (last_y - y) * scale)
        else:
            px, py = self.view.pan
            self.view.zoom = self.zoom(*(int(v) for v in dpg.get_item_rect_size(TAG)))
            self.view.pan = (px + x - last_x, py + y - last_y)

    def _wheel(self, sender: Any, amount: float) -> None:
        del sender
        if not dpg.is_item_hovered(TAG):
            return
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_rect_min(TAG)
        width, height = dpg.get_item_rect_size(TAG)
        self.zoom_by(ZOOM_STEP**amount, (x - left - width / 2, y - top - height / 2))

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _rect(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Where the picture lies, in whole px, so that 1:1 is exact."""
        zoom = self.zoom(width, height)
        w, h = round(self._picture_px[0] * zoom), round(self._picture_px[1] * zoom)
        left = round((width - w) / 2 + self.view.pan[0])
        top = round((height - h) / 2 + self.view.pan[1])
        return left, top, left + w, top + h

    def _split(self) -> float:
        if self._pinned is None:
            return 0.0
        return 1.0 if self.view.flip else self.view.compare

    def _take_pinned(self) -> None:
        shown = self._ui.explorer.favourites.compared
        if shown is self._pinned_shown or shown is None:
            return
        self._pinned_shown = shown
        if self._pinned is None:
            self._pinned = self._ui.window.new_picture()
        self._pinned.show(shown.rgba)
        self._pinned.set_smooth(self.smooth)

    def _draw(self, width: int, height: int) -> None:
        dpg.configure_item(TAG, width=width, height=height)
        dpg.delete_item(TAG, children_only=True)
        assert self._live is not None
        left, top, right, bottom = self._rect(width, height)
        split = self._split()
        middle = left + round((right - left) * split)
        if split < 1:
            share = (middle - left) / (right - left)
            dpg.draw_image(self._live.tag, (middle, top), (right, bottom), uv_min=(share, 0), parent=TAG)
        if split > 0 and self._pinned is not None:
            share = (middle - left) / (right - left)
            dpg.draw_image(self._pinned.tag, (left, top), (middle, bottom), uv_max=(share, 1), parent=TAG)
            if split < 1:
                dpg.draw_line((middle, top), (middle, bottom), color=theme.ACCENT, thickness=1, parent=TAG)
