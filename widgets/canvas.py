"""The canvas: the picture itself. Drag to wander over the seed plane, wheel to zoom, right-drag to pan.

With Ctrl the hand is on the picture instead: a drag moves it, the wheel makes it larger or smaller, and the ring around
it turns it. A companion's picture stands to the right of the live one.
"""

import time
from dataclasses import dataclass
from typing import Any, Literal

import dearpygui.dearpygui as dpg
import numpy as np

from stylegan_core import edits
from visualizer.presenter import Picture
from visualizer.worker import Shown
from widgets import theme
from widgets.keyboard import CTRL, SHIFT, held
from widgets.model import family_name
from widgets.needs import able
from widgets.ring import REACH, SNAP, Box, Point, Ring, draw_ring, ring_around
from widgets.ui import Ui

TAG = "canvas"
PEOPLE_PER_CANVAS = 2.0  # how far a drag across the whole canvas goes on the seed plane
ZOOM_STEP = 1.15
ZOOM_LIMITS = (0.05, 64.0)
SCALE_STEP = 1.05
WHEEL_S = 0.5  # a wheel that rests so long has been let go
GROUNDS = ("checkerboard", "black", "white")  # under pictures with alpha
CHECK_PX, CHECK_GREYS = 8, (102, 153)  # at scale 1: side of a check
BETWEEN, CAPTION = 12, 24  # px at scale 1 between two pictures, and for the line of words above them


@dataclass
class View:
    """How the picture lies on the canvas. Session state: outside the Scene and outside undo."""

    zoom: float | None = None  # screen px for a picture px; None: as large as fits
    pan: tuple[float, float] = (0.0, 0.0)  # of the picture's centre from the canvas's, in screen px
    compare: float = 0.0  # share of the width, from the left, that shows the pinned picture
    flip: bool = False  # show the pinned picture as long as a key is held


@dataclass
class Drag:
    """A button that is held on the canvas, and what it does there."""

    button: int
    does: Literal["wander", "pan", "move", "turn"]
    last: Point  # where the mouse was last
    ring: Ring | None = None  # that is being turned,
    rotation: float = 0.0  # from this, in degrees,
    angle: float = 0.0  # by a hand that took it there


def checkerboard(width: int, height: int, check: int) -> np.ndarray:
    """What transparent pictures are shown on, uint8 [height, width, 4]; `check`: side of a square in px."""
    odd = (np.arange(height)[:, None] // check + np.arange(width) // check) % 2
    board = np.full((height, width, 4), 255, np.uint8)
    board[..., :3] = np.take(np.array(CHECK_GREYS, np.uint8), odd)[..., None]
    return board


class Canvas:
    """Draws the newest picture, the pinned one over it and the companion's beside it; takes the mouse."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self.view = View()
        self.smooth = ui.explorer.session.layout.smooth
        self.ground: str = ui.explorer.session.layout.ground
        self._checks: Picture | None = None  # as large as the largest canvas so far
        self._live_alpha = False
        self._live: Picture | None = None
        self._pinned: Picture | None = None
        self._pinned_shown: Shown | None = None
        self._beside: Picture | None = None
        self._beside_shown: Shown | None = None
        self._picture_px = (1, 1)  # of the full picture; a preview is drawn as large
        self._preview = False
        self._size = (100, 100)
        self._drag: Drag | None = None
        self._wheeled_at: float | None = None  # when the wheel scaled the picture last
        self._drawn: tuple[object, ...] = ()
        self.show_ring = False

    # -- built once, called each frame ---------------------------------------------------------------------------------

    def build(self) -> None:
        """Make the drawing area and its mouse handlers in the container that is open."""
        dpg.add_drawlist(width=100, height=100, tag=TAG)
        with dpg.item_handler_registry() as handlers:
            for button in (dpg.mvMouseButton_Left, dpg.mvMouseButton_Right, dpg.mvMouseButton_Middle):
                dpg.add_item_clicked_handler(button, callback=self._press)
            dpg.add_item_double_clicked_handler(dpg.mvMouseButton_Right, callback=lambda: self.fit())
            dpg.add_item_double_clicked_handler(dpg.mvMouseButton_Left, callback=self._straighten)
        dpg.bind_item_handler_registry(TAG, handlers)
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=self._wheel)

    def present(self, shown: Shown) -> None:
        """Show a new picture."""
        assert shown.rgba is not None
        if self._live is None:
            self._live = self._ui.window.new_picture()
        self._live.show(shown.rgba)
        self._live_alpha = shown.has_alpha
        height, width = shown.rgba.shape[:2]
        card = self._ui.explorer.card
        self._preview = shown.frame.preview
        self._picture_px = (card.width, card.height) if self._preview and card else (width, height)
        self._live.set_smooth(self.smooth or self._preview)

    def sync(self, width: int, height: int) -> None:
        """Once a frame: take the canvas's size, go on with a drag, draw if anything changed."""
        self._size = (width, height)
        self._go_on_dragging()
        self._take_pinned()
        self._take_beside()
        if self._live is None:
            dpg.configure_item(TAG, width=width, height=height)
            return
        pictures = tuple(picture.tag for picture in (self._live, self._pinned, self._beside) if picture is not None)
        place = (width, height, self._rect(), self._split(), self._captions(), self._ring_look())
        look = (pictures, place, self.smooth, self.ground, self._live_alpha, self._pinned_shown, self._beside_shown)
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
        """Zoom about a point, from the picture's place in the canvas in screen px, that stays where it is."""
        before = self.zoom()
        after = min(max(before * factor, ZOOM_LIMITS[0]), ZOOM_LIMITS[1])
        x, y = at or (0.0, 0.0)
        px, py = self.view.pan
        ratio = after / before
        self.view.pan = (x - (x - px) * ratio, y - (y - py) * ratio)
        self.view.zoom = after

    def set_smooth(self, smooth: bool) -> None:
        """Linear (soft) or nearest (pixels to be seen) magnification."""
        self.smooth = smooth
        for picture, preview in ((self._live, self._preview), (self._pinned, False), (self._beside, False)):
            if picture is not None:
                picture.set_smooth(smooth or preview)

    def zoom(self) -> float:
        """Screen px for a picture px."""
        if self.view.zoom is not None:
            return self.view.zoom
        left, top, right, bottom = self._stages()[0]
        return max(min((right - left) / self._picture_px[0], (bottom - top) / self._picture_px[1]), 0.01)

    # -- mouse ---------------------------------------------------------------------------------------------------------

    def _press(self, sender: Any, data: tuple[int, Any]) -> None:
        del sender
        button, at = data[0], self._mouse()
        explorer, ring = self._ui.explorer, self._ring()
        rotation = explorer.scene.transform.rotation
        if button != dpg.mvMouseButton_Left:
            self._drag = Drag(button, "pan", at)
        elif ring is not None and ring.touched(at, rotation, self._ui.px(REACH)):
            self._drag = Drag(button, "turn", at, ring, rotation, ring.angle(at))
        elif not held(CTRL):
            self._drag = Drag(button, "wander", at)
        elif able(explorer, "transform"):
            self._drag = Drag(button, "move", at)

    def _go_on_dragging(self) -> None:
        if self._wheeled_at is not None and time.monotonic() - self._wheeled_at > WHEEL_S:
            self._wheeled_at = None
            self._ui.explorer.store.settle()
        drag = self._drag
        if drag is None:
            return
        at = self._mouse()  # a quick hand moves and lets go within a frame
        if at != drag.last:
            self._dragged(drag, at)
        if not dpg.is_mouse_button_down(drag.button):
            self._drag = None
            self._ui.explorer.store.settle()

    def _dragged(self, drag: Drag, at: Point) -> None:
        dx, dy = at[0] - drag.last[0], at[1] - drag.last[1]
        drag.last = at
        explorer = self._ui.explorer
        if drag.does == "wander":
            scale = PEOPLE_PER_CANVAS / max(self._size[0], 1)
            explorer.edit("Wander", edits.move_on_plane, -dx * scale, -dy * scale)
        elif drag.does == "move":
            left, top, right, bottom = self._rect()
            shorter = min(right - left, bottom - top)
            explorer.edit("Move", edits.move_picture, dx / shorter, dy / shorter)
        elif drag.does == "turn":
            self._turn(drag)
        else:
            px, py = self.view.pan
            self.view.zoom = self.zoom()
            self.view.pan = (px + dx, py + dy)

    def _turn(self, drag: Drag) -> None:
        assert drag.ring is not None
        rotation = drag.rotation + drag.ring.angle(drag.last) - drag.angle
        if held(SHIFT):
            rotation = round(rotation / SNAP) * SNAP
        self._ui.explorer.edit("Turn", edits.set_rotation, rotation)

    def _straighten(self) -> None:
        ring, rotation = self._ring(), self._ui.explorer.scene.transform.rotation
        if ring is not None and ring.touched(self._mouse(), rotation, self._ui.px(REACH)):
            self._drag = None
            self._ui.explorer.do("Turn", edits.set_rotation, 0.0)

    def _wheel(self, sender: Any, amount: float) -> None:
        del sender
        if not dpg.is_item_hovered(TAG):
            return
        if held(CTRL):
            if able(self._ui.explorer, "transform"):
                self._wheeled_at = time.monotonic()
                self._ui.explorer.edit("Scale", edits.scale_picture, SCALE_STEP**amount)
            return
        x, y = self._mouse()
        stages = self._stages()
        left, top, right, bottom = stages[-1] if x > stages[0][2] else stages[0]
        self.zoom_by(ZOOM_STEP**amount, (x - (left + right) / 2, y - (top + bottom) / 2))

    @staticmethod
    def _mouse() -> Point:
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_rect_min(TAG)
        return x - left, y - top

    # -- places --------------------------------------------------------------------------------------------------------

    def _stages(self) -> tuple[Box, ...]:
        """Where pictures may lie: all of the canvas, or one half each for the live one and the companion's."""
        width, height = self._size
        if self._ui.explorer.companion.path is None:
            return ((0, 0, width, height),)
        half, top = (width - self._ui.px(BETWEEN)) // 2, self._ui.px(CAPTION)
        return (0, top, half, height), (width - half, top, width, height)

    def _rect(self, stage: int = 0) -> Box:
        """Where a picture lies, in whole px, so that 1:1 is exact."""
        zoom, (left, top, right, bottom) = self.zoom(), self._stages()[stage]
        w, h = round(self._picture_px[0] * zoom), round(self._picture_px[1] * zoom)
        x = left + round((right - left - w) / 2 + self.view.pan[0])
        y = top + round((bottom - top - h) / 2 + self.view.pan[1])
        return x, y, x + w, y + h

    def _ring(self) -> Ring | None:
        if not self.show_ring or self._live is None:
            return None
        return ring_around(self._rect(), self._stages()[0], self._ui.scale)

    def _ring_look(self) -> tuple[Ring, float, bool, bool] | None:
        """The ring, its rotation, whether the hand is on it, and whether it turns."""
        ring, rotation = self._ring(), self._ui.explorer.scene.transform.rotation
        if ring is None:
            return None
        if self._drag is not None:
            turning = self._drag.does == "turn"
            return ring, rotation, turning, turning
        touched = dpg.is_item_hovered(TAG) and ring.touched(self._mouse(), rotation, self._ui.px(REACH))
        return ring, rotation, touched, False

    def _captions(self) -> tuple[str, ...]:
        """What stands above two pictures."""
        explorer = self._ui.explorer
        companion = explorer.companion
        if companion.path is None or explorer.card is None:
            return ()
        other = "opening" if companion.loading else "cannot be opened"
        if companion.card is not None:
            other = f"{family_name(companion.card)}, seed {companion.seed}"
        live = f"{family_name(explorer.card)}, seed {explorer.scene.latent.seed}"
        return f"{explorer.card.name}  ·  {live}", f"{companion.path.stem}  ·  {other}"

    # -- drawing -------------------------------------------------------------------------------------------------------

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

    def _take_beside(self) -> None:
        shown = self._ui.explorer.companion.shown
        if shown is self._beside_shown:
            return
        self._beside_shown = shown
        if shown is not None:
            if self._beside is None:
                self._beside = self._ui.window.new_picture()
            self._beside.show(shown.rgba)
            self._beside.set_smooth(self.smooth)

    def _draw(self, width: int, height: int) -> None:
        dpg.configure_item(TAG, width=width, height=height)
        dpg.delete_item(TAG, children_only=True)
        assert self._live is not None
        stages, rect, split = self._stages(), self._rect(), self._split()
        left, top, right, bottom = stages[0]
        middle = rect[0] + round((rect[2] - rect[0]) * split)
        self._paste(self._live, rect, (max(middle, left), top, right, bottom), self._live_alpha)
        if split > 0 and self._pinned is not None:
            clear = self._pinned_shown is not None and self._pinned_shown.has_alpha
            self._paste(self._pinned, rect, (left, top, min(middle, right), bottom), clear)
            if split < 1 and left <= middle < right:
                line = (middle, max(rect[1], top)), (middle, min(rect[3], bottom))
                dpg.draw_line(*line, color=theme.ACCENT, thickness=1, parent=TAG)
        if len(stages) > 1 and self._beside is not None and self._beside_shown is not None:
            self._paste(self._beside, self._rect(1), stages[1], self._beside_shown.has_alpha)
        for number, caption in enumerate(self._captions()):
            self._write(caption, self._rect(number), stages[number])
        if (look := self._ring_look()) is not None:
            draw_ring(*look, self._ui.scale, TAG)

    def _paste(self, picture: Picture, rect: Box, stage: Box, has_alpha: bool) -> None:
        """Draw the part of a picture, which lies at `rect`, that is within its stage."""
        left, top, right, bottom = rect
        x0, y0 = max(left, stage[0]), max(top, stage[1])
        x1, y1 = min(right, stage[2]), min(bottom, stage[3])
        if x0 >= x1 or y0 >= y1:
            return
        if has_alpha:
            self._draw_ground((x0, y0, x1, y1))
        w, h = right - left, bottom - top
        uv_min, uv_max = ((x0 - left) / w, (y0 - top) / h), ((x1 - left) / w, (y1 - top) / h)
        dpg.draw_image(picture.tag, (x0, y0), (x1, y1), uv_min=uv_min, uv_max=uv_max, parent=TAG)

    def _draw_ground(self, box: Box) -> None:
        """What is seen through a picture that lies there."""
        if self.ground != "checkerboard":
            colour = (0, 0, 0, 255) if self.ground == "black" else (255, 255, 255, 255)
            dpg.draw_rectangle(box[:2], box[2:], color=(0, 0, 0, 0), fill=colour, parent=TAG)
            return
        if self._checks is None:
            self._checks = self._ui.window.new_picture()
            self._checks.set_smooth(False)
        width, height = (max(pair) for pair in zip(self._checks.size, self._size, strict=True))
        if self._checks.size != (width, height):
            self._checks.show(checkerboard(width, height, self._ui.px(CHECK_PX)))
        uv = [at / side for at, side in zip(box, (width, height) * 2, strict=True)]
        dpg.draw_image(self._checks.tag, box[:2], box[2:], uv_min=uv[:2], uv_max=uv[2:], parent=TAG)

    def _write(self, caption: str, rect: Box, stage: Box) -> None:
        """A line of words above a picture, cut short where there is no room for it."""
        size = round(theme.TEXT_PX * self._ui.scale)
        letter = 0.52 * size  # on average
        left, y = stage[0] + self._ui.px(8), max(rect[1], stage[1]) - self._ui.px(CAPTION - 2)
        room = int((stage[2] - left) / letter)
        if len(caption) > room:
            caption = f"{caption[: max(room - 1, 0)]}…"
        x = max(min(rect[0], stage[2] - letter * len(caption)), left)
        dpg.draw_text((x, y), caption, size=size, color=theme.DIM, parent=TAG)
