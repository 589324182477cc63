"""Keyboard shortcuts: what one is, and the listening. The table of them is in keys.py; the help window reads it too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dearpygui.dearpygui as dpg

CTRL = (dpg.mvKey_LControl, dpg.mvKey_RControl)
SHIFT = (dpg.mvKey_LShift, dpg.mvKey_RShift)


# ImGui's number for the key; DearPyGui's mvKey_Plus is none of ImGui's keys, and asking for one that it does not have
# reads whatever lies in memory there.
EQUAL = 602


@dataclass(frozen=True)
class Shortcut:
    """A key, with or without Ctrl and Shift, and what it does."""

    keys: str  # as written in the help; empty: another key for the same
    code: int  # 0: only listed, DearPyGui itself acts on it
    help: str
    action: Callable[[], None]
    ctrl: bool = False
    shift: bool = False
    needs: str = ""  # of the model; see needs.py


def held(codes: tuple[int, ...]) -> bool:
    """Whether one of these keys is held."""
    # A quick hand lets Ctrl go within the frame in which it pressed the other key; frames of an idle window are long.
    return any(dpg.is_key_down(code) or dpg.is_key_released(code) for code in codes)


class Shortcuts:
    """Calls the actions, unless `typing` says that keys belong to a text box, or a model is not `able`."""

    def __init__(self, table: tuple[Shortcut, ...], typing: Callable[[], bool], able: Callable[[str], bool]):
        self.table = table
        self._typing, self._able = typing, able
        self._steering = False  # Tab has been used to go from control to control; a click ends it

    def build(self) -> None:
        """Listen to the keyboard."""
        with dpg.handler_registry():
            for code in {shortcut.code for shortcut in self.table if shortcut.code}:
                dpg.add_key_press_handler(code, callback=self._pressed)
            dpg.add_key_press_handler(dpg.mvKey_Tab, callback=lambda: self._steer(True))
            dpg.add_mouse_click_handler(callback=lambda: self._steer(False))

    def _steer(self, steering: bool) -> None:
        self._steering = steering

    def _pressed(self, sender: Any, code: int) -> None:
        del sender
        ctrl, shift = held(CTRL), held(SHIFT)
        if self._typing() and not ctrl and code != dpg.mvKey_Escape:
            return
        if code == dpg.mvKey_Spacebar and self._steering:
            return  # it presses the control that the keyboard has come to
        for shortcut in self.table:
            if (shortcut.code, shortcut.ctrl, shortcut.shift) == (code, ctrl, shift) and self._able(shortcut.needs):
                shortcut.action()
