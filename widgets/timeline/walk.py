"""The small window about the whole walk: its name and sound, how fast and in which order it goes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.edits import walk as walks
from stylegan_core.walk import Walk
from visualizer.library import absolute, on_disk
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.ui import Ui, centred

SIZE = (400, 196)  # px at scale 1

Edit = Callable[[Walk], Walk]

CHANGES: tuple[tuple[tuple[str, str, str, Edit], ...], ...] = (
    (
        (
            "slower",
            "Twice as slow",
            "All keys, takes and curves; tempo and sound stay.",
            lambda w: walks.scale_times(w, 2),
        ),
        (
            "faster",
            "Twice as fast",
            "All keys, takes and curves; tempo and sound stay.",
            lambda w: walks.scale_times(w, 0.5),
        ),
        ("reverse", "Reverse", "From the end to the begin.", walks.reverse),
    ),
    (
        ("fit", "Fit the end", "The walk ends right after its last key, take or point.", walks.fit_duration),
        (
            "close",
            "Close the loop",
            "The last key leads back to the first, at the pace of the others.",
            walks.close_loop,
        ),
        ("spread", "Space evenly", "As long from each key to the next.", walks.distribute_keys),
    ),
)


class WalkWindow:
    """See the module."""

    def __init__(self, ui: Ui):
        self._ui, self._timeline = ui, ui.explorer.timeline
        self._seen: dict[str, str] = {}

    def build(self) -> None:
        """Make it, not yet shown."""
        px = self._ui.px
        width, height = (px(size) for size in SIZE)
        with dpg.window(
            label="The whole walk", tag="walk", show=False, no_collapse=True, no_resize=True, width=width, height=height
        ):
            dpg.add_text("", tag="walk.file", color=theme.DIM)
            self._text("name", "name", "What the walk is called.", self._set_name)
            self._text(
                "sound",
                "path of a sound file",
                "Heard from the begin in exported videos; Enter takes it.",
                self._set_sound,
            )
            for row in CHANGES:
                with dpg.group(horizontal=True):
                    for key, label, help, edit in row:
                        dpg.add_button(
                            label=label,
                            tag=f"walk.{key}",
                            width=px(122),
                            user_data=(label, edit),
                            callback=lambda _, __, change: self._timeline.store.do(*change),
                        )
                        tooltip(f"walk.{key}", help)

    def show(self) -> None:
        """Open it."""
        self._seen.clear()
        dpg.configure_item("walk", show=True, pos=centred(*(self._ui.px(size) for size in SIZE)))

    def close(self) -> None:
        """Close it."""
        dpg.configure_item("walk", show=False)

    def sync(self) -> None:
        """Once a frame: follow the walk."""
        if not dpg.is_item_shown("walk"):
            return
        timeline = self._timeline
        file = timeline.file.name if timeline.file is not None else "not in a file yet"
        self._follow("file", f"{icons.FILE}  {file}{', changed since' if timeline.file and timeline.unsaved else ''}")
        self._follow("name", timeline.walk.name)
        self._follow("sound", timeline.walk.sound)

    def _text(self, key: str, hint: str, help: str, take: Callable[[str], None]) -> None:
        tag = f"walk.{key}"

        def taken(sender: Any, text: str) -> None:
            del sender
            self._seen.pop(key, None)  # what was typed gives way to what it came to
            take(text.strip())

        dpg.add_input_text(tag=tag, hint=hint, width=-1, on_enter=True, callback=taken)
        tooltip(tag, help)

    def _follow(self, key: str, text: str) -> None:
        tag = f"walk.{key}"
        if self._seen.get(key) != text and not dpg.get_item_state(tag).get("active"):  # a text has no such state
            self._seen[key] = text
            dpg.set_value(tag, text)

    def _set_name(self, name: str) -> None:
        self._timeline.store.do("Name of the walk", walks.set_name, name)

    def _set_sound(self, text: str) -> None:
        path = absolute(Path(text))
        if text and not on_disk(path):
            self._ui.explorer.say(f"There is no sound file {path}.", "error")
            return
        self._timeline.store.do("Sound of the walk", walks.set_sound, str(path) if text else "")
