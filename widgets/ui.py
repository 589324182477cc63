"""What every panel is given, and what every panel is."""

from dataclasses import dataclass
from typing import Protocol

import dearpygui.dearpygui as dpg

from visualizer.explorer import Explorer
from visualizer.window import Window
from widgets.bind import Binder
from widgets.theme import Fonts


@dataclass(frozen=True)
class Ui:
    """The Explorer, the window around it, and how things look."""

    explorer: Explorer
    window: Window
    bind: Binder
    fonts: Fonts
    scale: float

    def px(self, size: float) -> int:
        """A size in px of the design, at the display's scale."""
        return round(size * self.scale)


def centred(width: int, height: int) -> list[int]:
    """Where a window of this size, in px, stands in the middle of the program's."""
    room = (dpg.get_viewport_client_width(), dpg.get_viewport_client_height())
    return [max((room[0] - width) // 2, 0), max((room[1] - height) // 2, 0)]


class Panel(Protocol):
    """A foldable section of the window."""

    title: str
    key: str  # prefix of its items' tags, and its name in the session

    def build(self) -> None:
        """Make its items in the container that is open."""

    def sync(self) -> None:
        """Once a frame: bring them in line with the Explorer."""
