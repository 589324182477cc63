"""Training time: a strip under the picture with all snapshots of a run, where they are in training.

Drag along it, or step from one to the next: the same Scene, as the model has it at that moment. The dot is the snapshot
that is shown, the ring the one that is on its way.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import dearpygui.dearpygui as dpg

from train.run_folder import Snapshot
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.ui import Ui

TAG = "snapshots.slider"
HEIGHT = 40  # px at scale 1, as are all sizes here
NARROW = 560  # below which buttons have no words
EDGE = 10  # from the slider's end to the first and the last snapshot, and between the strip's items
TRACK, TICK = 22, 5  # where the line is, from above; half the height of a tick
DOT, RING = 5.5, 8.0  # radii
TITLE, KIMG = 58, 88  # widths of texts
BUTTONS = (("follow", 132, 34), ("walk", 74, 34))  # widths with and without words
SMALL_PX, LETTER = 12, 0.56  # of the words over the mouse; width of a letter in its size


def kimg(seen: int) -> str:
    """Thousands of pictures, as short as they can be told apart at a glance."""
    return f"{seen / 1000:.3g} kimg" if seen < 999_500 else f"{seen / 1000:,.0f} kimg".replace(",", " ")


def positions(snapshots: Sequence[Snapshot], width: float, edge: float) -> list[float]:
    """Where snapshots are, in px from the left, by how much the model had seen."""
    if not snapshots:
        return []
    first, last = snapshots[0].seen, snapshots[-1].seen
    scale = (width - 2 * edge) / (last - first) if last > first else 0.0
    return [edge + (snapshot.seen - first) * scale for snapshot in snapshots]


def nearest(xs: Sequence[float], x: float) -> int:
    """The place of the number, of some that rise, that is nearest to another."""
    after = bisect_left(xs, x)
    return min((place for place in (after - 1, after) if 0 <= place < len(xs)), key=lambda place: abs(xs[place] - x))


class TrainingTimeStrip:
    """See the module. It is in sight as long as there is a run to go through."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._time = ui.explorer.training_time
        self._width = 0  # px of the slider
        self._xs: list[float] = []
        self._snapshots: tuple[Snapshot, ...] | None = None  # that are drawn
        self._dragging = False
        self._drawn: tuple[object, ...] = ()
        self._row: tuple[object, ...] = ()
        self._looks: tuple[object, ...] = ()

    @property
    def shown(self) -> bool:
        """Whether there is something to go through."""
        return self._time.run is not None

    def build(self) -> None:
        """Make its items in the container that is open."""
        px = self._ui.px
        dpg.add_text("Training", tag="snapshots.title", color=theme.DIM)
        tooltip(
            "snapshots.title",
            "The picture as the model made it at any moment of its training. Shift+, and Shift+. go from snapshot to "
            "snapshot.",
        )
        with dpg.group(tag="snapshots.place"):  # a drawlist itself cannot be placed
            dpg.add_drawlist(width=100, height=px(HEIGHT), tag=TAG)
        self._ground = dpg.add_draw_layer(parent=TAG)
        self._marks = dpg.add_draw_layer(parent=TAG)
        dpg.add_text("", tag="snapshots.kimg")
        for key, help, action in (
            ("follow", "Go to each new snapshot as it comes; the person and all settings stay.", self._follow),
            ("walk", "A walk through training: this picture at snapshots from first to newest.", self._walk),
        ):
            dpg.add_button(label="", tag=f"snapshots.{key}", callback=action)
            tooltip(f"snapshots.{key}", help)
        with dpg.theme() as self._lit, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Button, theme.ACCENT_DARK)
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=self._press)
        dpg.bind_item_handler_registry(TAG, handlers)
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=self._wheel)

    def sync(self, width: int, height: int) -> None:
        """Once a frame while it is shown: fill so many px."""
        self._arrange(width, height)
        self._go_on_dragging()
        if self._time.wanted is not None or self._time.walking is not None:
            self._ui.window.stay_awake()
        hovered = self._hovered()
        if hovered is not None:
            self._time.approach()
        self._draw(hovered)
        self._say()

    # -- mouse ---------------------------------------------------------------------------------------------------------

    def _press(self) -> None:
        self._dragging = True
        self._drag()

    def _drag(self) -> None:
        if not self._xs:
            return
        place = nearest(self._xs, self._mouse_x())
        if place != (self._time.stand if self._time.wanted is None else self._time.wanted):
            self._time.go(place, held=True)

    def _go_on_dragging(self) -> None:
        if not self._dragging:
            return
        self._drag()  # a quick hand moves and lets go within a frame
        if not dpg.is_mouse_button_down(dpg.mvMouseButton_Left):
            self._dragging = False
            self._time.release()

    def _wheel(self, sender: Any, amount: float) -> None:
        del sender
        if self.shown and dpg.is_item_hovered(TAG):
            self._time.step(1 if amount > 0 else -1)

    def _hovered(self) -> int | None:
        """The snapshot that a press would go to."""
        if not self._xs or not (self._dragging or dpg.is_item_hovered(TAG)):
            return None
        return nearest(self._xs, self._mouse_x())

    @staticmethod
    def _mouse_x() -> float:
        return float(dpg.get_mouse_pos(local=False)[0] - dpg.get_item_rect_min(TAG)[0])

    def _follow(self) -> None:
        self._time.follow(not self._time.following)

    def _walk(self) -> None:
        if self._time.walking is None:
            self._time.walk_through()
        else:
            self._time.cancel_walk()

    # -- looks ---------------------------------------------------------------------------------------------------------

    def _arrange(self, width: int, height: int) -> None:
        """Give items their places, where there is another room for them."""
        if (width, height) == self._row:
            return
        self._row = (width, height)
        px, narrow = self._ui.px, width < self._ui.px(NARROW)
        right = width
        for key, wide, bare in reversed(BUTTONS):
            size = px(bare if narrow else wide)
            right -= size + px(EDGE if right == width else 6)
            dpg.configure_item(f"snapshots.{key}", width=size, pos=[right, (height - px(22)) // 2])
        right -= px(KIMG)
        dpg.configure_item("snapshots.kimg", pos=[right, (height - px(22)) // 2])
        left = px(EDGE) + (0 if narrow else px(TITLE))
        dpg.configure_item("snapshots.title", pos=[px(EDGE), (height - px(22)) // 2], show=not narrow)
        self._width = max(right - px(EDGE) - left, px(40))
        dpg.configure_item("snapshots.place", pos=[left, 0])
        dpg.configure_item(TAG, width=self._width, height=height)
        self._snapshots = None

    def _draw(self, hovered: int | None) -> None:
        """Line and ticks where there are other snapshots; what stands on them where that has changed."""
        snapshots = self._time.snapshots
        if snapshots is not self._snapshots:
            self._snapshots, self._drawn = snapshots, ()
            self._xs = positions(snapshots, self._width, self._ui.px(EDGE))
            self._draw_ground()
        look = (self._time.stand, self._time.wanted, hovered)
        if look != self._drawn:
            self._drawn = look
            self._draw_marks(*look)

    def _draw_ground(self) -> None:
        px, y = self._ui.px, self._ui.px(TRACK)
        dpg.delete_item(self._ground, children_only=True)
        if not self._xs:
            words = "There are no snapshots yet."
            dpg.draw_text((px(EDGE), px(TRACK - 10)), words, size=px(14), color=theme.FAINT, parent=self._ground)
            return
        dpg.draw_line((self._xs[0], y), (self._xs[-1], y), color=theme.HOVERED, thickness=px(2), parent=self._ground)
        for x in sorted({round(x) for x in self._xs}):  # of thousands, those that are to be told apart
            dpg.draw_line((x, y - px(TICK)), (x, y + px(TICK)), color=theme.FAINT, thickness=1, parent=self._ground)

    def _draw_marks(self, stand: int | None, wanted: int | None, hovered: int | None) -> None:
        px, y, parent = self._ui.px, self._ui.px(TRACK), self._marks
        dpg.delete_item(parent, children_only=True)
        if stand is not None:
            x = self._xs[stand]
            dpg.draw_line((self._xs[0], y), (x, y), color=theme.ACCENT_DARK, thickness=px(3), parent=parent)
            dpg.draw_circle((x, y), px(DOT), color=theme.ACCENT, fill=theme.ACCENT, parent=parent)
        if wanted is not None:
            dpg.draw_circle((self._xs[wanted], y), px(RING), color=theme.ACCENT, thickness=1.5, parent=parent)
        if hovered is not None and self._snapshots:
            x, words = self._xs[hovered], kimg(self._snapshots[hovered].seen)
            dpg.draw_line((x, y - px(TICK + 2)), (x, y + px(TICK + 2)), color=theme.TEXT, thickness=1.5, parent=parent)
            wide = px(SMALL_PX) * LETTER * len(words)
            left = min(max(x - wide / 2, 0.0), self._width - wide)
            dpg.draw_text((left, px(1)), words, size=px(SMALL_PX), color=theme.TEXT, parent=parent)

    def _say(self) -> None:
        """The number, and what the buttons do now."""
        time, narrow = self._time, self._row[0] < self._ui.px(NARROW)  # type: ignore[operator]
        place = time.stand if time.wanted is None else time.wanted
        seen = "" if place is None else kimg(time.snapshots[place].seen)
        share = "" if time.walking is None else f"{time.walking:.0%}"
        looks = (seen, share, time.following, narrow)
        if looks == self._looks:
            return
        self._looks = looks
        dpg.set_value("snapshots.kimg", seen)
        for key, icon, words in (("follow", icons.LOCATE, "Follow newest"), ("walk", icons.FILM, share or "Walk")):
            dpg.configure_item(f"snapshots.{key}", label=icon if narrow and not share else f"{icon}  {words}")
        dpg.bind_item_theme("snapshots.follow", self._lit if time.following else 0)
