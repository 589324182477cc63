"""The hand on the timeline: the mouse on ruler and lanes, the wheel, the menu, and the keys while the dock has them.

What is dragged is posted to the timeline's store as one interaction, always reckoned from the walk as it was when the
drag began.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.edits import walk as walks
from stylegan_core.scene import only_picture
from stylegan_core.walk import Walk
from widgets import icons
from widgets.keyboard import CTRL, SHIFT, Keyboard, held
from widgets.timeline.area import SEPARATOR, TAG, Area, Entry, Grip, Lane, Point
from widgets.timeline.curves import CurveLane
from widgets.timeline.ruler import TAG as RULER
from widgets.timeline.ruler import Ruler

ZOOM_STEP, PAN_PX, SCROLL_PX = 1.2, 60, 30  # for a notch of the wheel
SLOP = 3  # px at scale 1: so far a hand trembles while it clicks
NUDGE_S = 0.1
UNTICKED = " " * 6  # as wide as the tick and the space after it
MENU = 290  # px at scale 1: width of a menu's lines
NUDGES = {dpg.mvKey_Left: -1, dpg.mvKey_Right: 1}
STEPS = {dpg.mvKey_Up: -1, dpg.mvKey_Down: 1}
ENDS = (dpg.mvKey_Home, dpg.mvKey_End)
OTHERS = (*ENDS, dpg.mvKey_Delete, dpg.mvKey_Return, dpg.mvKey_NumPadEnter, dpg.mvKey_C, dpg.mvKey_V)
KEY = "timeline"  # of the keyboard's area, and the tag of what Tab goes to from it


@dataclass
class _Press:
    """A button that is held, and what it does."""

    button: int
    does: str  # "scrub", "in", "out", "pan", "drag"
    at: Point  # where it went down, from the drawlist's top left corner
    last: Point  # where the mouse was last
    base: Walk  # as it was then
    posted: Walk  # what the drag has made of it
    lane: Lane | None = None
    grip: Grip | None = None
    grips: frozenset[Grip] = frozenset()  # all that go along with it
    copy: bool = False
    moved: bool = False
    on_ruler: bool = False
    name: str = ""  # of the undo point, where the press itself has made something


class Hand:
    """See the module."""

    def __init__(self, area: Area, ruler: Ruler, keyboard: Keyboard):
        self._area, self._ruler, self._keyboard = area, ruler, keyboard
        self._timeline = area.timeline
        self._press: _Press | None = None

    def build(self) -> None:
        """Listen, once the drawlists are there."""
        with dpg.item_handler_registry() as handlers:
            for button in (dpg.mvMouseButton_Left, dpg.mvMouseButton_Right, dpg.mvMouseButton_Middle):
                dpg.add_item_clicked_handler(button, callback=self._pressed)
            dpg.add_item_double_clicked_handler(dpg.mvMouseButton_Left, callback=self._double_clicked)
            dpg.add_item_double_clicked_handler(dpg.mvMouseButton_Right, callback=self._fit)
        for tag in (TAG, RULER):
            dpg.bind_item_handler_registry(tag, handlers)
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=self._wheeled)
            for key in (*NUDGES, *STEPS, *OTHERS):
                dpg.add_key_press_handler(key, callback=self._key_pressed)
        self._keyboard.area(KEY, TAG, RULER, after=KEY)
        dpg.add_window(popup=True, show=False, tag="timeline.menu", autosize=True)

    @property
    def busy(self) -> bool:
        """Whether a button is held."""
        return self._press is not None

    def sync(self) -> str:
        """Once a frame: go on with what is held; what the mouse is on, in words."""
        self._go_on_pressing()
        area = self._area
        if self._press is None:
            area.hovered = area.under(_mouse(TAG)) if dpg.is_item_hovered(TAG) else None
        area.forget_lost()
        lane = area.lane(area.hovered.lane) if area.hovered is not None else None
        if lane is None or area.hovered is None or self._press is not None:
            return ""
        return lane.about(self._timeline.walk, area.hovered)

    def take_keyboard(self) -> None:
        """The dock has been opened: keys are for its walk."""
        self._keyboard.take(KEY, after=KEY)

    def leave(self) -> None:
        """The dock has been put away: the hand lets go."""
        self._keyboard.leave(KEY)
        if self._press is not None:
            self._let_go()

    # -- going down ----------------------------------------------------------------------------------------------------

    def _pressed(self, sender: Any, data: tuple[int, Any]) -> None:
        del sender
        button, tag = data[0], RULER if dpg.is_item_hovered(RULER) else TAG
        self._timeline.store.settle()
        at, walk = _mouse(tag), self._timeline.walk
        press = self._press = _Press(button, "pan", at, at, walk, walk, on_ruler=tag == RULER)
        if button != dpg.mvMouseButton_Left:
            return
        if tag == RULER:
            press.does = self._ruler.under(walk, at)
            if press.does == "scrub":
                self._go_on(press, at)
        else:
            press.does = "drag"
            self._take(press)

    def _take(self, press: _Press) -> None:
        """Take hold of what is in a lane; in the empty part of a curve's, make a point to take hold of."""
        area, found = self._area, self._area.lane_at(press.at[1])
        if found is None:
            area.selected = frozenset()
            return
        press.lane, top = found
        at = (press.at[0], press.at[1] - top)
        grip = press.lane.under(press.base, at)
        if grip is None and isinstance(press.lane, CurveLane):
            added = press.lane.added(press.base, at)
            self._timeline.store.edit(added.name, walks.set_walk, added.walk)
            press.base = press.posted = self._timeline.walk
            press.name = added.name
            area.selected, grip = added.grips, next(iter(added.grips), None)
        elif grip is not None and held(SHIFT):
            area.selected ^= {grip}
            return
        elif grip not in area.selected:
            area.selected = frozenset() if grip is None or grip.part == "way" else frozenset([grip])
        press.grip, press.copy = grip, held(CTRL)
        press.grips = frozenset(other for other in area.selected if other.lane == press.lane.key)

    def _double_clicked(self, *_: Any) -> None:
        """Go to a key; elsewhere, to the time there."""
        if dpg.is_item_hovered(RULER):
            return
        area, walk = self._area, self._timeline.walk
        at = _mouse(TAG)
        grip = area.under(at)
        if grip is not None and grip.part == "key":
            self._timeline.go_to_key(grip.index)
        elif grip is None and (found := area.lane_at(at[1])) is not None and not isinstance(found[0], CurveLane):
            self._timeline.seek(min(max(area.scale.time(at[0]), 0.0), walk.duration_s))

    # -- while it is held ----------------------------------------------------------------------------------------------

    def _go_on_pressing(self) -> None:
        press = self._press
        if press is None:
            return
        at = _mouse(TAG)  # a quick hand moves and lets go within a frame
        if press.does != "drag":  # what lies on the ruler has no height
            at = at[0], press.at[1]
        slop = self._area.px(SLOP)
        press.moved |= max(abs(at[0] - press.at[0]), abs(at[1] - press.at[1])) > slop
        if at != press.last and press.moved:
            self._go_on(press, at)
        press.last = at
        if not dpg.is_mouse_button_down(press.button):
            self._let_go()
            if not press.moved:
                self._clicked(press)

    def _go_on(self, press: _Press, at: Point) -> None:
        area, timeline = self._area, self._timeline
        time_s = area.scale.time(at[0])
        if press.does == "scrub":
            timeline.seek(min(max(time_s, 0.0), timeline.walk.duration_s))
        elif press.does == "in":
            timeline.store.edit("In point", walks.set_in, area.snapped(timeline.walk, time_s))
        elif press.does == "out":
            timeline.store.edit("Out point", walks.set_out, area.snapped(timeline.walk, time_s))
        elif press.does == "pan":
            area.fitted = False
            area.scale = area.scale.panned(at[0] - press.last[0], timeline.walk.duration_s)
        elif press.lane is not None and press.grip is not None and press.grip.part != "way":
            self._drag(press, press.lane, press.grip, at)

    def _drag(self, press: _Press, lane: Lane, grip: Grip, at: Point) -> None:
        """Take all that is selected along. If somebody else has changed the walk meanwhile, the hand lets go of it."""
        if self._timeline.walk is not press.posted:
            self._let_go()
            return
        by = at[0] - press.at[0], at[1] - press.at[1]
        moved = lane.moved(press.base, press.grips | {grip}, grip, by, press.copy)
        self._timeline.store.edit(press.name or moved.name, walks.set_walk, moved.walk)
        press.posted = self._timeline.walk
        self._area.selected = moved.grips
        found = self._area.lane_at(press.at[1])
        self._area.label = (at[0], (found[1] if found else 0) + self._area.px(2)), moved.words

    def _let_go(self) -> None:
        self._press = self._area.label = None
        self._timeline.store.settle()

    def _clicked(self, press: _Press) -> None:
        """A click without a drag: the right button's menu, and how a way goes."""
        grip = self._area.under(press.at) if press.does in ("drag", "pan") and not press.on_ruler else None
        if press.button == dpg.mvMouseButton_Middle or (press.button == dpg.mvMouseButton_Left and not _is_way(grip)):
            return
        if grip is None:
            self._show_menu(self._of_time(self._area.scale.time(press.at[0])))
        elif (lane := self._area.lane(grip.lane)) is not None:
            if grip.part != "way" and grip not in self._area.selected:
                self._area.selected = frozenset([grip])
            grips = frozenset(other for other in self._area.selected if other.lane == grip.lane)
            self._show_menu(lane.menu(self._timeline.walk, grips, grip))

    def _of_time(self, time_s: float) -> Sequence[Entry]:
        """What can be done at a time where there is nothing."""
        timeline, area = self._timeline, self._area
        time_s = min(max(time_s, 0.0), timeline.walk.duration_s)

        def add() -> None:
            area.do("Add key", walks.add_key, area.snapped(timeline.walk, time_s), only_picture(area.ui.explorer.scene))

        def paste() -> None:
            area.do("Paste keys", walks.insert_keys, timeline.clipboard, area.snapped(timeline.walk, time_s))

        entries = [Entry(f"{icons.ADD_KEY}  Add the picture shown as a key here", add, key="add")]
        if timeline.clipboard:
            entries.append(Entry(f"{icons.COPY}  Paste here", paste, key="paste"))
        return [
            *entries,
            Entry(f"{icons.IN_POINT}  Play from here", lambda: area.do("In point", walks.set_in, time_s), key="in"),
            Entry(
                f"{icons.OUT_POINT}  Play up to here", lambda: area.do("Out point", walks.set_out, time_s), key="out"
            ),
            Entry(f"{icons.MAXIMIZE}  Show all of the walk", self._fit, key="fit"),
        ]

    def _show_menu(self, entries: Sequence[Entry]) -> None:
        dpg.delete_item("timeline.menu", children_only=True)
        for entry in entries:
            self._add_entry(entry)
        x, y = dpg.get_mouse_pos(local=False)
        right = dpg.get_viewport_client_width() - self._area.px(MENU + 24)
        foot = dpg.get_viewport_client_height() - self._area.px(24 * len(entries) + 24)
        dpg.configure_item("timeline.menu", show=True, pos=[int(min(x, max(right, 0))), int(min(y, max(foot, 0)))])

    def _add_entry(self, entry: Entry) -> None:
        if entry == SEPARATOR:
            dpg.add_separator(parent="timeline.menu")
            return
        mark = "" if entry.ticked is None else f"{icons.CHECK}  " if entry.ticked else UNTICKED
        dpg.add_selectable(
            label=f"{mark}{entry.label}",
            tag=f"timeline.menu.{entry.key}",
            width=self._area.px(MENU),
            parent="timeline.menu",
            callback=lambda: entry.action(),
        )

    # -- wheel ---------------------------------------------------------------------------------------------------------

    def _wheeled(self, sender: Any, amount: float) -> None:
        del sender
        area, length_s = self._area, self._timeline.walk.duration_s
        if not (dpg.is_item_hovered(TAG) or dpg.is_item_hovered(RULER)):
            return
        if held(CTRL):
            most = dpg.get_y_scroll_max("timeline.body")
            dpg.set_y_scroll("timeline.body", min(max(dpg.get_y_scroll("timeline.body") - SCROLL_PX * amount, 0), most))
            return
        area.fitted = False
        if held(SHIFT):
            area.scale = area.scale.panned(PAN_PX * amount, length_s)
        else:
            area.scale = area.scale.zoomed(ZOOM_STEP**amount, _mouse(TAG)[0], length_s)

    def _fit(self, *_: Any) -> None:
        """All of the walk in sight."""
        self._area.fitted = True

    # -- keyboard ------------------------------------------------------------------------------------------------------

    def _key_pressed(self, sender: Any, key: int) -> None:
        del sender
        if not self._keyboard.has(KEY) or held(SHIFT) or self._press is not None or self._keyboard.typing():
            return
        walk, selected = self._timeline.walk, self._area.selected
        if held(CTRL):
            if key == dpg.mvKey_C:
                self._timeline.copy_keys(grip.index for grip in selected if grip.part == "key")
            elif key == dpg.mvKey_V:
                self._timeline.paste_keys()
        elif key in NUDGES:
            self._nudge(walk, selected, NUDGES[key])
        elif key in STEPS:
            self._step(walk, selected, STEPS[key])
        elif key == dpg.mvKey_Delete:
            self._area.do("Delete", self._without, selected)
        elif key in ENDS:
            self._timeline.seek(walk.span[0] if key == dpg.mvKey_Home else walk.span[1])
        elif selected and key in (dpg.mvKey_Return, dpg.mvKey_NumPadEnter):
            self._go_to(walk, min(selected, key=lambda grip: (grip.lane, grip.index)))

    def _go_to(self, walk: Walk, grip: Grip) -> None:
        if grip.part == "key":
            self._timeline.go_to_key(grip.index)
        elif (lane := self._area.lane(grip.lane)) is not None:
            self._timeline.seek(lane.time(walk, grip))

    def _nudge(self, walk: Walk, selected: frozenset[Grip], way: int) -> None:
        """What is selected, or the playhead, a little earlier or later: by a beat where times snap to beats."""
        step = 60 / walk.bpm if self._timeline.snapping else NUDGE_S
        lane = self._area.lane(next(iter(selected)).lane) if selected else None
        if lane is None:
            self._timeline.seek(min(max(self._timeline.position_s + way * step, 0.0), walk.duration_s))
            return
        grips = frozenset(grip for grip in selected if grip.lane == lane.key)
        first = min(grips, key=lambda grip: lane.time(walk, grip))
        moved = lane.moved(walk, grips, first, (way * step * self._area.scale.px_per_s, 0.0), False)
        self._timeline.store.edit(moved.name, walks.set_walk, moved.walk)
        self._area.selected = moved.grips

    def _step(self, walk: Walk, selected: frozenset[Grip], way: int) -> None:
        """Select the one before or after what is selected; where nothing is, the key nearest to the playhead."""
        if not selected:
            at = self._timeline.position_s
            times = [(abs(key.time_s - at), index) for index, key in enumerate(walk.keys)]
            self._area.selected = frozenset(Grip("keys", "key", index) for _, index in [min(times)] if times)
            return
        grip = min(selected, key=lambda grip: grip.index)
        self._area.selected = frozenset([replace(grip, index=max(grip.index + way, 0))])
        self._area.forget_lost()
        self._area.selected = self._area.selected or frozenset([grip])

    def _without(self, walk: Walk, grips: frozenset[Grip]) -> Walk:
        for lane, _ in reversed(self._area.lanes):  # a curve without points is gone, and those after it move up
            if mine := frozenset(grip for grip in grips if grip.lane == lane.key):
                walk = lane.deleted(walk, mine)
        return walk


def _is_way(grip: Grip | None) -> bool:
    return grip is not None and grip.part == "way"


def _mouse(tag: str) -> Point:
    """Where the mouse is, from a drawlist's top left corner."""
    x, y = dpg.get_mouse_pos(local=False)
    left, top = dpg.get_item_rect_min(tag)
    return x - left, y - top
