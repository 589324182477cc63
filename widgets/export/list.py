"""The list of exports: how far each is, how long it will take, and what can be done about it."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from visualizer.exporting import Exporting, WalkExport
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.ui import Ui

UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
Action = Callable[[WalkExport], object]


def time_left(seconds: float | None) -> str:
    """A time in words, such as "4 s left" or "1:05 min left"; nothing where it is not known."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s left"
    minutes, hours = whole // 60 % 60, whole // 3600
    return f"{hours}:{minutes:02} h left" if hours else f"{minutes}:{whole % 60:02} min left"


def size(num_bytes: int) -> str:
    """A size in words, such as "2.1 MB"."""
    return next((f"{num_bytes / unit:.1f} {name}" for unit, name in UNITS if num_bytes >= unit), f"{num_bytes} bytes")


def says(export: WalkExport) -> str:
    """What is written on an export's bar."""
    done, total = export.frames or (0, 0)
    frames, percent = f"frame {done} of {total}", f"{export.progress:.0%}".replace("%", " %")
    match export.state:
        case "stopped":
            return f"stopped at {frames}" if total else "not finished"
        case "waiting":
            return "waits for its turn"
        case "reading":
            return "reading the model"
        case "running":
            return "   ".join(part for part in (percent, frames, time_left(export.seconds_left)) if part)
        case "paused":
            return f"{percent}   paused at {frames}"
        case "finishing":
            return f"{percent}   finishing the file"
        case "done":
            return ", ".join(part for part in (f"{total} frames", size(export.size_bytes or 0)) if part)
        case "failed":
            return f"failed at {frames}" if total else "could not begin"


class ExportList:
    """A row for each export, in the container that is open when it is built."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._shown: tuple[WalkExport, ...] | None = None
        self._states: dict[int, str] = {}

    @property
    def _exporting(self) -> Exporting:
        return self._ui.explorer.exporting

    def build(self) -> None:
        """Make its items."""
        with dpg.theme() as self._dark, dpg.theme_component(dpg.mvProgressBar):
            dpg.add_theme_color(dpg.mvThemeCol_PlotHistogram, theme.ACCENT_DARK)  # words are written over it
        dpg.add_child_window(tag="export.list", height=-1, border=False)

    def sync(self) -> None:
        """Once a frame while it is in sight."""
        exports = self._exporting.exports
        if exports != self._shown:
            self._shown, self._states = exports, {}
            dpg.configure_item("export.list", show=bool(exports))
            dpg.delete_item("export.list", children_only=True)
            for number in reversed(range(len(exports))):  # the newest on top
                self._build_row(number, exports[number])
        for number, export in enumerate(exports):
            self._show(number, export)

    def _build_row(self, number: int, export: WalkExport) -> None:
        px, tag = self._ui.px, f"export.{number}"
        with dpg.group(parent="export.list", tag=tag):
            dpg.add_text(export.path.name, tag=f"{tag}.name")
            tooltip(f"{tag}.name", str(export.path))
            with dpg.group(horizontal=True):
                dpg.add_progress_bar(tag=f"{tag}.bar", width=-px(118))
                dpg.bind_item_theme(f"{tag}.bar", self._dark)
                buttons: tuple[tuple[str, str, str, Action], ...] = (
                    ("pause", icons.PAUSE, "Make no more of it for now.", self._exporting.pause),
                    ("go", icons.PLAY, "Go on with it where it was.", self._exporting.go_on),
                    (
                        "stop",
                        icons.STOP,
                        "Stop it. What is written stays, and plays.",
                        self._exporting.stop,
                    ),
                    ("folder", icons.FOLDER_OPEN, "Show the folder.", self._exporting.show_folder),
                    ("drop", icons.CLOSE, "Take it off the list. The file stays.", self._exporting.drop),
                )
                for name, icon, help, action in buttons:
                    item = f"{tag}.{name}"
                    dpg.add_button(label=icon, tag=item, user_data=(action, export), callback=self._press, width=px(30))
                    tooltip(item, help)
            dpg.add_text("", tag=f"{tag}.error", color=theme.ERROR, wrap=px(470), show=False)

    @staticmethod
    def _press(sender: object, value: object, wanted: tuple[Action, WalkExport]) -> None:
        del sender, value
        action, export = wanted
        action(export)

    def _show(self, number: int, export: WalkExport) -> None:
        tag, state = f"export.{number}", export.state
        dpg.set_value(f"{tag}.bar", export.progress)
        dpg.configure_item(f"{tag}.bar", overlay=says(export))
        if self._states.get(number) == state:
            return
        self._states[number] = state
        shown = {
            "pause": state == "running",
            "go": state in ("paused", "stopped", "failed"),
            "stop": state in ("waiting", "reading", "running", "paused", "finishing"),
            "folder": state in ("done", "stopped", "failed"),
            "drop": state in ("done", "stopped", "failed"),
        }
        for name, is_shown in shown.items():
            dpg.configure_item(f"{tag}.{name}", show=is_shown)
        dpg.set_value(f"{tag}.error", export.error or "")
        dpg.configure_item(f"{tag}.error", show=export.error is not None)
