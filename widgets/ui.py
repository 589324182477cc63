"""What every panel is given, and what every panel is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import dearpygui.dearpygui as dpg

from visualizer.explorer import Explorer
from visualizer.window import Window
from widgets.bind import Binder
from widgets.keyboard import Keyboard
from widgets.theme import DIM, Fonts


@dataclass(frozen=True)
class Ui:
    """The Explorer, the window around it, whose the keys are, and how things look."""

    explorer: Explorer
    window: Window
    bind: Binder
    keyboard: Keyboard
    fonts: Fonts
    scale: float

    def px(self, size: float) -> int:
        """A size in px of the design, at the display's scale."""
        return round(size * self.scale)


def centred(width: int, height: int) -> list[int]:
    """Where a window of this size, in px, stands in the middle of the program's."""
    room = (dpg.get_viewport_client_width(), dpg.get_viewport_client_height())
    return [max((room[0] - width) // 2, 0), max((room[1] - height) // 2, 0)]


def form_row(tag: str, label: str, names_px: int, build: Callable[[], object]) -> None:
    """A line of a form: its name, in a column of this width, and what `build` makes beside it."""
    with dpg.group(horizontal=True, xoffset=names_px, tag=tag):
        dpg.add_text(label, color=DIM)
        build()


class Panel(Protocol):
    """A foldable section of the window."""

    title: str
    key: str  # prefix of its items' tags, and its name in the session

    def build(self) -> None:
        """Make its items in the container that is open."""

    def sync(self) -> None:
        """Once a frame: bring them in line with the Explorer."""
