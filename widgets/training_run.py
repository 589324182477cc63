"""One run: what is done with it, how fast it is, its previews and its numbers; of a dead one its last words."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from train.run_folder import Status
from visualizer.training_reading import Detail, Run
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.training_plots import RunPlots
from widgets.training_previews import Previews
from widgets.training_words import STANDING, WRONG, colour_of, facts, progress_words
from widgets.ui import Ui, centred

TAG = "training.run"
GO, PAUSE, SNAPSHOT, STOP = "go", "pause", "snapshot", "stop"
ALLOWED = {  # what can be done with a run
    "new": {GO},
    "starting": {STOP},
    "training": {PAUSE, SNAPSHOT, STOP},
    "pausing": {GO, SNAPSHOT, STOP},
    "paused": {GO, SNAPSHOT, STOP},
    "stopping": {GO},
    "stopped": {GO},
    "failed": {GO},
    "dead": {GO},
}
BUTTON_PX, FACT_PX = 104, 96  # at scale 1
PREVIEW_SHARE = 0.36  # of the height, at most
NO_WORDS = "Its process ended without a word: it was killed, or the machine went down."


class RunPanel:
    """See the module."""

    def __init__(self, ui: Ui):
        self._ui, self._desk = ui, ui.explorer.training
        self._previews, self._plots = Previews(ui), RunPlots(ui)
        self._log = LogWindow(ui)
        self._seen: tuple[object, ...] = ()
        self._size = (0, 0)

    # -- built once ----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make its items in the container that is open."""
        ui = self._ui
        with dpg.group(horizontal=True):
            dpg.add_text("", tag=f"{TAG}.name")
            dpg.bind_item_font(f"{TAG}.name", ui.fonts.title)
            dpg.add_text("", tag=f"{TAG}.standing")
        with dpg.group(horizontal=True, tag=f"{TAG}.buttons"):
            self._button(GO, f"{icons.PLAY}  Go on", "Train, from where it was.", self._desk.go_on)
            self._button(PAUSE, f"{icons.PAUSE}  Pause", "Wait, ready to go on at once.", self._desk.pause)
            self._button(SNAPSHOT, f"{icons.CAMERA}  Snapshot", "Write the model as it is now.", self._desk.snapshot)
            self._button(STOP, f"{icons.STOP}  Stop", "Write all that going on needs, and end.", self._desk.stop)
            dpg.add_button(label=icons.TERMINAL, tag=f"{TAG}.log", callback=lambda: self._log.show())
            tooltip(f"{TAG}.log", "All that its process has printed.")
        with dpg.group(horizontal=True, tag=f"{TAG}.silent", show=False):
            dpg.add_text("It does not answer.", color=theme.ERROR)
            dpg.add_button(label="End at once", tag=f"{TAG}.end", callback=self._doing(self._desk.end_at_once))
            tooltip(f"{TAG}.end", "End its process. What it learned since its last checkpoint is lost.")
        dpg.add_text("", tag=f"{TAG}.words", color=theme.DIM, wrap=0)
        dpg.add_progress_bar(tag=f"{TAG}.bar", width=-1, height=ui.px(22))
        with dpg.theme() as dark, dpg.theme_component(dpg.mvProgressBar):
            dpg.add_theme_color(dpg.mvThemeCol_PlotHistogram, theme.ACCENT_DARK)
        dpg.bind_item_theme(f"{TAG}.bar", dark)
        self._build_share()
        with dpg.child_window(tag=f"{TAG}.more", width=100, height=100):
            self._build_facts()
            self._previews.build()
            dpg.add_spacer(height=ui.px(2))
            self._plots.build()

    def _button(self, key: str, label: str, help: str, action: Callable[[Run], None]) -> None:
        tag = f"{TAG}.{key}"
        dpg.add_button(label=label, tag=tag, width=self._ui.px(BUTTON_PX), callback=self._doing(action))
        tooltip(tag, help)

    def _build_share(self) -> None:
        dpg.add_slider_float(
            tag=f"{TAG}.share",
            min_value=5,
            max_value=100,
            clamped=True,
            width=-1,
            format="while you explore, train %.0f %% of the time",
            callback=lambda _, percent: self._set_share(percent / 100),
        )
        tooltip(
            f"{TAG}.share",
            "While somebody uses this window, training leaves the rest of the time to it. When nobody does, it takes "
            "all.",
        )

    def _build_facts(self) -> None:
        with dpg.table(tag=f"{TAG}.facts", header_row=False, policy=dpg.mvTable_SizingStretchSame):
            for _ in range(4):
                dpg.add_table_column()
            names = [name for name, _ in facts(Status(), False)]
            for first in range(0, len(names), 2):
                with dpg.table_row():
                    for name in names[first : first + 2]:
                        dpg.add_text(name, color=theme.DIM)
                        dpg.add_text("", tag=f"{TAG}.fact.{name}")

    # -- each frame ----------------------------------------------------------------------------------------------------

    def sync(self, run: Run, width: int, height: int) -> None:
        """Once a frame: show a run in so many px."""
        desk, px = self._desk, self._ui.px
        detail = desk.detail if desk.detail is not None and desk.detail.path == run.path else None
        standing, silent = desk.standing(run), desk.is_silent(run)
        seen = (run, standing, silent, None if detail is None else detail.last_words)
        if seen != self._seen:
            self._seen = seen
            self._show(run, standing, silent, detail)
        if not dpg.is_item_active(f"{TAG}.share"):
            dpg.set_value(f"{TAG}.share", desk.share_of(run) * 100)
        top = round(dpg.get_item_pos(f"{TAG}.more")[1])
        room = max(height - top, px(80))
        if (width, room) != self._size:
            self._size = (width, room)
            dpg.configure_item(f"{TAG}.more", width=width, height=room)
        inner = width - px(14)  # the scroll bar
        self._previews.sync(detail, inner, round(height * PREVIEW_SHARE))
        self._plots.sync(run, detail, inner)
        self._log.sync(run, detail)

    def close_log(self) -> None:
        """Close the window with the log."""
        self._log.close()

    def _show(self, run: Run, standing: str, silent: bool, detail: Detail | None) -> None:
        dpg.set_value(f"{TAG}.name", run.name)
        dpg.set_value(f"{TAG}.standing", STANDING[standing])
        dpg.configure_item(f"{TAG}.standing", color=colour_of(standing))
        allowed = ALLOWED.get(standing, set())
        for key in (GO, PAUSE, SNAPSHOT, STOP):
            dpg.configure_item(f"{TAG}.{key}", enabled=key in allowed)
        word = "Start" if standing == "new" else "Go on"
        dpg.configure_item(f"{TAG}.{GO}", label=f"{icons.PLAY}  {word}")
        dpg.configure_item(f"{TAG}.silent", show=silent)
        words = self._words(run, standing, detail)
        dpg.set_value(f"{TAG}.words", words)
        dpg.configure_item(f"{TAG}.words", color=theme.ERROR if standing in WRONG else theme.DIM, show=bool(words))
        dpg.set_value(f"{TAG}.bar", run.progress)
        dpg.configure_item(f"{TAG}.bar", overlay=progress_words(run))
        for name, value in facts(run.status, run.alive):
            dpg.set_value(f"{TAG}.fact.{name}", value)

    @staticmethod
    def _words(run: Run, standing: str, detail: Detail | None) -> str:
        """What it does, or why it ended."""
        last = "" if detail is None else detail.last_words
        if standing == "broken":
            return run.error
        if standing == "dead":
            return f"Its last words: {last}" if last else NO_WORDS
        if standing == "failed":
            return run.status.words or last
        return run.status.words or ("It is being set up." if standing == "starting" else "")

    # -- actions -------------------------------------------------------------------------------------------------------

    def _doing(self, action: Callable[[Run], None]) -> Callable[[], None]:
        def do() -> None:
            if (run := self._desk.chosen) is not None:
                action(run)

        return do

    def _set_share(self, share: float) -> None:
        if (run := self._desk.chosen) is not None:
            self._desk.share(run, share)


class LogWindow:
    """What a run's process has printed."""

    def __init__(self, ui: Ui):
        self._ui, self._desk = ui, ui.explorer.training

    def show(self) -> None:
        """Open it."""
        size = self._ui.px(760), self._ui.px(440)
        if not dpg.does_item_exist("training.log"):
            with dpg.window(tag="training.log", width=size[0], height=size[1], no_collapse=True, on_close=self.close):
                dpg.add_input_text(tag="training.log.text", multiline=True, readonly=True, width=-1, height=-1)
                dpg.bind_item_font("training.log.text", self._ui.fonts.mono)
        self._desk.log_wanted = True
        self._desk.look_again()
        dpg.configure_item("training.log", show=True, pos=centred(*size))
        dpg.focus_item("training.log")

    def close(self) -> None:
        """Close it."""
        self._desk.log_wanted = False
        if dpg.does_item_exist("training.log"):
            dpg.configure_item("training.log", show=False)

    def sync(self, run: Run, detail: Detail | None) -> None:
        """Once a frame."""
        if not self._desk.log_wanted or detail is None or detail.log is None:
            return
        dpg.configure_item("training.log", label=f"{run.folder.log_path}")
        text = detail.log or "It has printed nothing yet."
        if dpg.get_value("training.log.text") != text:
            dpg.set_value("training.log.text", text)
