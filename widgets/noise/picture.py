"""The large picture of the noise view: a layer's map to paint on with a brush, or what its noise does; values on it."""

import time
from dataclasses import dataclass, replace
from typing import Any, Literal

import dearpygui.dearpygui as dpg
import numpy as np

from stylegan_core import edits
from stylegan_core.scene import Look, Stroke
from visualizer.noise_view import NoisePicture
from visualizer.presenter import Picture
from widgets import theme
from widgets.ui import Ui

TAG = "noises.picture"
PAINT = "Paint noise"  # the undo point's name
RADII, RADIUS_STEP = (0.01, 0.5), 1.15  # of the brush; its factor for a notch of the wheel
BUSY_S = 0.4  # what is made sooner needs no word
Point = tuple[float, float]


@dataclass
class Brush:
    """What the left button paints. Session state: the strokes are in the Scene, the brush is not."""

    radius: float = 0.08  # in shorter sides of the picture
    value: float = 2.0  # in standard deviations of the noise
    mode: Literal["add", "set"] = "set"


@dataclass
class _Hand:
    """A stroke under way."""

    button: int
    last: Point
    strokes: int  # in the Scene when it had begun: fewer, and somebody has undone it


class PaintedPicture:
    """Shows the newest picture, within a square, and takes the mouse."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self.brush = Brush()
        self._texture: Picture | None = None
        self._picture: NoisePicture | None = None
        self._look = Look()
        self._layer = 0  # counted among the layers that take noise
        self._side = 100
        self._hand: _Hand | None = None
        self._fresh: Stroke | None = None  # painted, and not in the picture yet
        self._busy_since: float | None = None
        self._drawn: tuple[object, ...] = ()

    def build(self) -> None:
        """Make the drawing area in the container that is open."""
        dpg.add_drawlist(width=100, height=100, tag=TAG)
        with dpg.item_handler_registry() as handlers:
            for button in (dpg.mvMouseButton_Left, dpg.mvMouseButton_Right):
                dpg.add_item_clicked_handler(button, callback=self._press)
        dpg.bind_item_handler_registry(TAG, handlers)
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=self._wheel)

    def sync(self, picture: NoisePicture | None, look: Look, layer: int, side: int, busy: bool) -> None:
        """Once a frame.

        Args:
            picture: the newest.
            look: what is to be seen, though the picture may not be of it yet.
            layer: the look's layer, counted among those that take noise.
            side: of the square, in px.
            busy: whether a newer picture is on its way.
        """
        self._look, self._layer, self._side = look, layer, side
        if picture is not self._picture and picture is not None:
            self._picture = picture
            if self._texture is None:
                self._texture = self._ui.window.new_picture()
            self._texture.show(picture.rgba)
            self._texture.set_smooth(False)
        self._paint_on()
        self._busy_since = (self._busy_since or time.monotonic()) if busy else None
        late = self._busy_since is not None and time.monotonic() - self._busy_since > BUSY_S
        waiting = late and self._hand is None
        state = (id(self._picture), self._size, self._circle(), self._unseen(), waiting, self._stale)
        if state != self._drawn:
            self._drawn = state
            self._draw(waiting)

    def under(self) -> tuple[int, int, np.ndarray] | None:
        """Column, row, and the values [C] under the mouse; None where there are none."""
        if self._picture is None or not dpg.is_item_hovered(TAG):
            return None
        values, (x, y) = self._picture.values, self._point()
        height, width = values.shape[1:]
        column, row = min(int(x * width), width - 1), min(int(y * height), height - 1)
        return column, row, values[:, row, column]

    def leave(self) -> None:
        """It has been put away: the hand lets go."""
        self._let_go()

    # -- painting ------------------------------------------------------------------------------------------------------

    @property
    def _paintable(self) -> bool:
        return self._look.at == "noise"

    def _press(self, sender: Any, data: tuple[int, Any]) -> None:
        del sender
        if not self._paintable or self._hand is not None:
            return
        button, at, brush, explorer = data[0], self._point(), self.brush, self._ui.explorer
        if button == dpg.mvMouseButton_Right:  # erases
            brush = replace(brush, value=0.0, mode="set")
        explorer.store.settle()
        before = explorer.scene
        explorer.edit(PAINT, edits.begin_stroke, self._layer, at, brush.radius, brush.value, brush.mode)
        if explorer.scene is before:
            explorer.say("There is no room for another stroke: clear the painting of some layer.", "error")
            return
        self._hand = _Hand(button, at, len(explorer.scene.noise.strokes))
        self._fresh = self._newest()

    def _wheel(self, sender: Any, amount: float) -> None:
        del sender
        if self._paintable and dpg.is_item_hovered(TAG):
            self.brush.radius = min(max(self.brush.radius * RADIUS_STEP**amount, RADII[0]), RADII[1])

    def _paint_on(self) -> None:
        hand, explorer = self._hand, self._ui.explorer
        if hand is None:
            return
        at = self._point()  # a quick hand moves and lets go within a frame
        if len(explorer.scene.noise.strokes) < hand.strokes:
            self._let_go()
            return
        if at != hand.last:
            hand.last = at
            explorer.edit(PAINT, edits.extend_stroke, at)
            self._fresh = self._newest()
        if not dpg.is_mouse_button_down(hand.button):
            self._let_go()

    def _let_go(self) -> None:
        if self._hand is not None:
            self._hand = None
            self._ui.explorer.store.settle()

    def _newest(self) -> Stroke | None:
        strokes = self._ui.explorer.scene.noise.strokes
        return strokes[-1] if strokes else None

    def _unseen(self) -> Stroke | None:
        """The newest stroke as long as the picture is without it: the eye follows the hand, not the worker."""
        there = self._picture.scene.noise.strokes if self._picture is not None else ()
        if self._fresh is not None and (self._fresh in there or self._fresh != self._newest()):
            self._fresh = None
        return self._fresh

    @property
    def _stale(self) -> bool:
        """Whether the picture is of another layer, or of something else about it."""
        look = self._picture.scene.look if self._picture is not None else self._look
        return (look.at, look.layer) != (self._look.at, self._look.layer)

    # -- places and drawing --------------------------------------------------------------------------------------------

    @property
    def _size(self) -> tuple[int, int]:
        """Width and height of the picture on the screen, in px."""
        if self._picture is None:
            return self._side, self._side
        height, width = self._picture.rgba.shape[:2]
        scale = self._side / max(height, width)
        return round(width * scale), round(height * scale)

    def _point(self) -> Point:
        """Where the mouse is, from the picture's top left (0) to 1."""
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_rect_min(TAG)
        width, height = self._size
        return min(max((x - left) / width, 0.0), 1.0), min(max((y - top) / height, 0.0), 1.0)

    def _circle(self) -> tuple[Point, float] | None:
        """The brush's centre and radius in px where it could paint."""
        if not self._paintable or not (self._hand is not None or dpg.is_item_hovered(TAG)):
            return None
        (x, y), (width, height) = self._point(), self._size
        return (x * width, y * height), self.brush.radius * min(width, height)

    def _draw(self, waiting: bool) -> None:
        width, height = self._size
        dpg.configure_item(TAG, width=width, height=height)
        dpg.delete_item(TAG, children_only=True)
        if self._texture is not None:
            shade = (255, 255, 255, 70 if waiting and self._stale else 255)
            dpg.draw_image(self._texture.tag, (0, 0), (width, height), color=shade, parent=TAG)
        if (stroke := self._unseen()) is not None:
            self._draw_stroke(stroke)
        if (circle := self._circle()) is not None:
            for colour, thickness in (((0, 0, 0, 150), 3), ((255, 255, 255, 220), 1)):
                dpg.draw_circle(*circle, color=colour, thickness=thickness * self._ui.scale, segments=64, parent=TAG)
        if waiting:
            size = theme.TEXT_PX * self._ui.scale
            box = (size * 0.4, size * 0.4), (size * 5.6, size * 2.0)
            dpg.draw_rectangle(*box, color=(0, 0, 0, 0), fill=(17, 18, 21, 190), rounding=4, parent=TAG)
            dpg.draw_text((size * 0.8, size * 0.6), "measuring…", size=size, color=theme.TEXT, parent=TAG)

    def _draw_stroke(self, stroke: Stroke) -> None:
        """A veil where it will be."""
        (width, height), colour = self._size, (*theme.ACCENT[:3], 110)
        points = [[x * width, y * height] for x, y in stroke.points]
        radius = stroke.radius * min(width, height) * 0.75  # the edge is soft
        if len(points) > 1:
            dpg.draw_polyline(points, color=colour, thickness=2 * radius, parent=TAG)
        else:
            dpg.draw_circle(points[0], radius, color=(0, 0, 0, 0), fill=colour, parent=TAG)
