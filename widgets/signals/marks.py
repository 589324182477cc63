"""Marks under controls whose parameter is modulated: a thin bar from where the hand left it to where it is now.

A mark is one progress bar, which DearPyGui draws within the control's own window: it scrolls and is cut off with the
control, lies below menus, and takes no mouse. Nothing is done while nothing is modulated; where something is, only
controls in sight cost anything, a few µs each.
"""

from dataclasses import dataclass
from typing import Any

import dearpygui.dearpygui as dpg

from widgets.bind import Bound
from widgets.ui import Ui

WINDOWS = ("mvAppItemType::mvChildWindow", "mvAppItemType::mvWindowAppItem")


@dataclass
class _Mark:
    """A control's mark: the item, and where it stands in px; `range` is the slider's, None for a box."""

    bound: Bound
    item: int | str
    range: tuple[float, float] | None
    place: tuple[int, int, int] | None = None  # x, y, width; None: out of sight


class Marks:
    """See the module."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._seen: tuple[object, ...] = ()
        self._marks: list[_Mark] = []

    def sync(self) -> None:
        """Once a frame: a mark under each control that is modulated, where its value is now."""
        rack, controls = self._ui.explorer.signals, self._ui.bind.addressed
        seen = (rack.settings.modulations, controls, self._ui.explorer.card)
        if len(seen) != len(self._seen) or any(new is not old for new, old in zip(seen, self._seen, strict=True)):
            self._seen = seen
            moving = {modulation.parameter for modulation in rack.settings.modulations if modulation.enabled}
            self._rebuild([bound for bound in controls if bound.address in moving])
        for mark in self._marks:
            self._place(mark)

    def _rebuild(self, moved: list[Bound]) -> None:
        for mark in self._marks:
            dpg.delete_item(mark.item)
        self._marks = [_Mark(bound, self._make(bound), _range(bound)) for bound in moved]

    def _make(self, bound: Bound) -> int | str:
        return dpg.add_progress_bar(
            default_value=1.0, height=max(self._ui.px(3), 2), show=False, parent=_window(bound.tag)
        )

    def _place(self, mark: _Mark) -> None:
        state = dpg.get_item_state(mark.bound.tag)
        value = self._ui.explorer.signals.moved(mark.bound.address)
        place = None if value is None or not state.get("visible") else self._span(mark, state, value)
        if place == mark.place:
            return
        if place is None or mark.place is None:
            dpg.configure_item(mark.item, show=place is not None)
        if place is not None:
            x, y, width = place
            dpg.configure_item(mark.item, pos=(x, y), width=width)
        mark.place = place

    def _span(self, mark: _Mark, state: dict[str, Any], value: float) -> tuple[int, int, int]:
        """From the value that the hand left to the one that it is moved to, in px of the control's window."""
        (x, y), (width, height) = state["pos"], state["rect_size"]
        y += height + 1
        if mark.range is None:
            return x, y, width
        px = self._ui.px
        low, high = mark.range
        grip = px(10) / 2 + 2  # ImGui's handle stands so far from either end
        room, shortest = width - 2 * grip, px(8)

        def at(value: float) -> float:
            return x + grip + room * min(max((value - low) / (high - low), 0.0), 1.0)

        ends = at(float(mark.bound.get(self._ui.explorer.scene))), at(value)
        left, right = min(ends), max(ends)
        if right - left < shortest:
            left, right = ends[1] - shortest / 2, ends[1] + shortest / 2
        return round(left), y, round(right - left)


def _window(item: int | str) -> int | str:
    """The window that an item is drawn in."""
    while dpg.get_item_type(item) not in WINDOWS:
        item = dpg.get_item_parent(item)
    return item


def _range(bound: Bound) -> tuple[float, float] | None:
    """What a slider spans."""
    configuration = dpg.get_item_configuration(bound.tag)
    low, high = configuration.get("min_value"), configuration.get("max_value")
    return (low, high) if low is not None and high is not None and high > low else None
