"""Keyboard shortcuts: what one is, and the listening. The table of them is in keys.py; the help window reads it too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dearpygui.dearpygui as dpg

from widgets.keyboard import CTRL, SHIFT, Keyboard, held

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


class Shortcuts:
    """Calls the actions, unless keys belong to a text box, or a model is not `able`."""

    def __init__(self, table: tuple[Shortcut, ...], keyboard: Keyboard, able: Callable[[str], bool]):
        self.table = table
        self._keyboard, self._able = keyboard, able

    def build(self) -> None:
        """Listen to the keyboard."""
        with dpg.handler_registry():
            for code in {shortcut.code for shortcut in self.table if shortcut.code}:
                dpg.add_key_press_handler(code, callback=self._pressed)

    def _pressed(self, sender: Any, code: int) -> None:
        del sender
        ctrl, shift = held(CTRL), held(SHIFT)
        if self._keyboard.typing() and not ctrl and code != dpg.mvKey_Escape:
            return
        if code == dpg.mvKey_Spacebar and self._keyboard.steering:
            return  # it presses the control that the keyboard has come to
        for shortcut in self.table:
            if (shortcut.code, shortcut.ctrl, shortcut.shift) == (code, ctrl, shift) and self._able(shortcut.needs):
                shortcut.action()
