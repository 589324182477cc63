"""Whose the arrow keys, Enter and Space are: the program's own, an area's that was clicked, or the controls' after Tab.

ImGui goes from control to control with these keys, presses and folds, and cannot be told not to while the program runs.
Where they are somebody else's its focus is parked: on a control of its own that does nothing and is not to be seen.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import dearpygui.dearpygui as dpg

CTRL = (dpg.mvKey_LControl, dpg.mvKey_RControl)
SHIFT = (dpg.mvKey_LShift, dpg.mvKey_RShift)
ARROWS = (dpg.mvKey_Left, dpg.mvKey_Right, dpg.mvKey_Up, dpg.mvKey_Down)
BUTTONS = (dpg.mvMouseButton_Left, dpg.mvMouseButton_Right, dpg.mvMouseButton_Middle)
PARK, SPOT = "keyboard", "keyboard.spot"
FRAMES = 3  # that ImGui may take to move its focus


def held(codes: tuple[int, ...]) -> bool:
    """Whether one of these keys is held."""
    # A quick hand lets Ctrl go within the frame in which it pressed the other key; frames of an idle window are long.
    return any(dpg.is_key_down(code) or dpg.is_key_released(code) for code in codes)


class _Area(NamedTuple):
    """Items that a click gives the keyboard to, and the item that Tab goes to from there."""

    tags: tuple[str, ...]
    after: str


class Keyboard:
    """See the module. `covered` says whether something has all of the window."""

    def __init__(self, covered: Callable[[], bool]):
        self._covered = covered
        self.steering = False  # going from control to control; a click ends it
        self._areas: dict[str, _Area] = {}
        self._owner = ""  # the area that has the keyboard
        self._after: int | str = "main"  # the item that Tab goes to from where focus is parked
        self._wanted = False  # whether focus is to be parked
        self._arriving = 0  # frames left for it to get there

    def build(self) -> None:
        """Make what focus is parked on, last in the container that is open, and listen."""
        with dpg.child_window(
            tag=PARK,
            pos=(1, 1),
            width=1,
            height=1,
            border=False,
            no_scrollbar=True,
            flattened_navigation=False,
            show=False,
        ):
            dpg.add_button(tag=SPOT, width=1, height=1)
        with dpg.theme() as unseen, dpg.theme_component(dpg.mvAll):
            for colour in (dpg.mvThemeCol_NavCursor, dpg.mvThemeCol_Button, dpg.mvThemeCol_ButtonHovered):
                dpg.add_theme_color(colour, (0, 0, 0, 0))
        dpg.bind_item_theme(PARK, unseen)
        with dpg.handler_registry():
            dpg.add_mouse_click_handler(callback=self._clicked)
            dpg.add_key_press_handler(dpg.mvKey_Tab, callback=self._tabbed)
            for code in ARROWS:
                dpg.add_key_press_handler(code, callback=self._arrow_pressed)
            for code in (*CTRL, *SHIFT):
                dpg.add_key_press_handler(code, callback=self._modified)

    def typing(self) -> bool:
        """Whether text is being typed, or something has all of the window: keys mean nothing else."""
        if self._covered():
            return True
        # What is active without a mouse button is being typed into, also a slider's value after Ctrl+click.
        if dpg.is_mouse_button_down(dpg.mvMouseButton_Left):
            return False
        spot = dpg.get_alias_id(SPOT)
        return any(dpg.get_item_state(item).get("active") for item in dpg.get_all_items() if item != spot)

    def area(self, name: str, *tags: str, after: str) -> None:
        """Part of the window with keys of its own, once one of these items has been clicked; Tab leaves it."""
        self._areas[name] = _Area(tags, after)

    def has(self, name: str) -> bool:
        """Whether keys are this area's."""
        return self._owner == name

    def take(self, name: str, after: str) -> None:
        """Give an area the keyboard, which has been opened; Tab goes to the item `after`."""
        self._owner, self._after, self.steering = name, after, False
        self._wanted = True

    def leave(self, name: str) -> None:
        """An area has been put away."""
        if self._owner == name:
            self._owner, self._after = "", "main"

    def sync(self) -> None:
        """Once a frame."""
        if self._wanted and not any(map(dpg.is_mouse_button_down, BUTTONS)):
            self._wanted = False
            self._park()
        elif self._arriving:
            self._arriving -= 1
        elif dpg.is_item_shown(PARK) and not self._parked and _focused():
            dpg.hide_item(PARK)  # no place to come to by Tab

    @property
    def _parked(self) -> bool:
        return dpg.is_item_shown(PARK) and dpg.is_item_focused(SPOT)

    def _park(self) -> None:
        if self._parked:
            return
        focused = _focused()
        if not focused or self.typing():
            return  # a menu, a list that is let down, or another window keeps its keys
        self._arriving = FRAMES
        if not self._owner:
            self._after = focused[-1]
        dpg.show_item(PARK)
        dpg.focus_item(SPOT)

    def _clicked(self) -> None:
        self._owner, self.steering, self._wanted = "", False, False  # ImGui's focus goes where the click goes
        for name, area in self._areas.items():
            if any(map(dpg.is_item_hovered, area.tags)):
                self.take(name, area.after)

    def _tabbed(self) -> None:
        if self._parked:
            dpg.focus_item(self._after if dpg.does_item_exist(self._after) else "main")
        self._owner, self.steering, self._wanted = "", True, False

    def _arrow_pressed(self) -> None:
        if not (self._owner or self._parked or held(CTRL) or held(SHIFT) or self.typing()):
            self.steering = True  # the control that they come to shows it, and Space presses it

    def _modified(self, *_: Any) -> None:
        """Arrows with Ctrl and Shift are shortcuts: these keys go down first."""
        self._wanted = not self.steering


def _focused() -> list[int]:
    """What has ImGui's focus in the main window, outer items first; empty where it is elsewhere."""
    active = dpg.get_active_window()
    if dpg.does_item_exist(active) and _root(active) != "main":
        return []  # asked in every frame while another window has it: going through all items takes 3 to 6 ms
    found = []
    for item in dpg.get_all_items():
        state = dpg.get_item_state(item)
        if state.get("focused") and state.get("visible") and _root(item) == "main":
            found.append(item)
    return found


def _root(item: int) -> str:
    while (parent := dpg.get_item_parent(item)) is not None:
        item = parent
    return str(dpg.get_item_alias(item))
