"""Rows of buttons that lose their words, and keep their icons, where there is no room for both."""

from collections.abc import Iterator

import dearpygui.dearpygui as dpg

BETWEEN = "  "  # icon and word on a button
SETTLED = 4  # frames


class Compact:
    """Watches a group of buttons. `but` are the tags of those that are left as they are."""

    def __init__(self, group: str, but: tuple[str, ...] = ()):
        self._group, self._but = group, but
        self._labels: dict[int, str] = {}  # of the buttons that have lost their words
        self._whole_px = 0.0  # width of the group with all words
        self._tight = 0  # frames in a row without room: the size of what has just been arranged is not to be trusted

    def sync(self, room_px: float) -> None:
        """Once a frame: fit into so many px."""
        if not self._labels:
            width = dpg.get_item_rect_size(self._group)[0]
            self._tight = self._tight + 1 if width > room_px and dpg.is_item_visible(self._group) else 0
            if self._tight >= SETTLED:
                self._whole_px = width
                self._labels = {item: label for item, label in self._buttons(self._group) if BETWEEN in label}
                for item, label in self._labels.items():
                    dpg.configure_item(item, label=label.split(BETWEEN)[0])
        elif room_px >= self._whole_px:
            for item, label in self._labels.items():
                dpg.configure_item(item, label=label)
            self._labels = {}

    def _buttons(self, group: int | str) -> Iterator[tuple[int, str]]:
        for item in dpg.get_item_children(group, 1):
            kind = dpg.get_item_type(item)
            if kind == "mvAppItemType::mvGroup":
                yield from self._buttons(item)
            elif kind == "mvAppItemType::mvButton" and dpg.get_item_alias(item) not in self._but:
                yield item, dpg.get_item_label(item) or ""
