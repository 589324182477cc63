"""One run: what is done with it, how fast it is, its previews and its numbers; of a dead one its last words."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from visualizer.training_reading import Detail, Run
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.training.plots import RunPlots
from widgets.training.previews import Previews
from widgets.training.words import FACTS, STANDING, WRONG, colour_of, facts
from widgets.ui import Ui, centred

TAG = "training.run"
GO, PAUSE, SNAPSHOT, STOP = "go", "pause", "snapshot", "stop"
BUTTONS = {
    GO: (icons.PLAY, "Go on"),
    PAUSE: (icons.PAUSE, "Pause"),
    SNAPSHOT: (icons.CAMERA, "Snapshot"),
    STOP: (icons.STOP, "Stop"),
}
ALLOWED = {  # what can be done with a run
    "new": {GO},
    "starting": {STOP},
    "training": {PAUSE, SNAPSHOT, STOP},
    "pausing": {GO, SNAPSHOT, STOP},
    "paused": {GO, SNAPSHOT, STOP},
    "stopping": {GO},
    "stopped": {GO},
    "done": {GO},
    "failed": {GO},
    "dead": {GO},
}
BUTTON_PX = 104  # at scale 1: of one with an icon
COLUMNS = 3  # of facts
PREVIEW_SHARE = 0.3  # of the height, at most
NO_WORDS = "Its process ended without a word: it was killed, or the machine went down."


class RunPanel:
    """See the module."""

    def __init__(self, ui: Ui):
        self._ui, self._desk = ui, ui.explorer.training
        self._previews, self._plots = Previews(ui), RunPlots(ui)
        self._log = LogWindow(ui)
        self._seen: tuple[object, ...] = ()
        self._size = (0, 0)
        self._arranged: tuple[object, ...] = ()

    # -- built once ----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make its items in the container that is open."""
        ui = self._ui
        with dpg.group(horizontal=True):
            dpg.add_text("", tag=f"{TAG}.name")
            dpg.bind_item_font(f"{TAG}.name", ui.fonts.title)
            dpg.add_text("", tag=f"{TAG}.standing")
        with dpg.group(horizontal=True, tag=f"{TAG}.buttons"):
            self._button(GO, "Train, from where it was; what is finished goes on for half as long.", self._desk.go_on)
            self._button(PAUSE, "Wait, ready to go on at once.", self._desk.pause)
            self._button(SNAPSHOT, "Write the model as it is now.", self._desk.snapshot)
            self._button(STOP, "Write all that going on needs, and end.", self._desk.stop)
            dpg.add_button(label=icons.TERMINAL, tag=f"{TAG}.log", callback=lambda: self._log.show())
            tooltip(f"{TAG}.log", "All that its process has printed.")
        with dpg.group(horizontal=True, tag=f"{TAG}.silent", show=False):
            dpg.add_text("It does not answer.", color=theme.ERROR)
            dpg.add_button(label="End at once", tag=f"{TAG}.end", callback=self._doing(self._desk.end_at_once))
            tooltip(f"{TAG}.end", "End its process. What it learned since its last checkpoint is lost.")
        dpg.add_text("", tag=f"{TAG}.words", color=theme.DIM, wrap=0)
        self._build_share()
        with dpg.child_window(tag=f"{TAG}.more", width=100, height=100):
            self._build_facts()
            dpg.add_checkbox(
                label="follow it in the picture", tag=f"{TAG}.follow", callback=lambda _, on: self._follow(on)
            )
            tooltip(f"{TAG}.follow", "See the newest model in the large picture, and each one that comes.")
            self._previews.build()
            dpg.add_spacer(height=ui.px(2))
            self._plots.build()

    def _button(self, key: str, help: str, action: Callable[[Run], None]) -> None:
        tag = f"{TAG}.{key}"
        dpg.add_button(label=key, tag=tag, callback=self._doing(action))
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
            for _ in range(COLUMNS):
                dpg.add_table_column()
            for first in range(0, FACTS, COLUMNS):
                with dpg.table_row(tag=f"{TAG}.facts.{first}"):
                    for number in range(first, first + COLUMNS):
                        dpg.add_text("", tag=f"{TAG}.fact.{number}", color=theme.DIM)

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
        time = self._ui.explorer.training_time
        dpg.set_value(f"{TAG}.follow", time.following and time.run is not None and time.run.path == run.path)
        if not dpg.is_item_active(f"{TAG}.share"):
            dpg.set_value(f"{TAG}.share", desk.share_of(run) * 100)
        self._size_buttons(width, standing)
        top = round(dpg.get_item_pos(f"{TAG}.more")[1])
        room = max(height - top, px(80))
        if (width, room) != self._size:
            self._size = (width, room)
            dpg.configure_item(f"{TAG}.more", width=width, height=room)
        inner = width - px(14)  # the scroll bar
        self._previews.sync(detail, inner, round(height * PREVIEW_SHARE))
        self._plots.sync(run, detail, inner)
        self._log.sync(run, detail)

    def _size_buttons(self, width: int, standing: str) -> None:
        """Share the row; where it is narrow, words do without icons."""
        arranged = (width, standing == "new")
        if arranged == self._arranged:
            return
        self._arranged = arranged
        gaps, log = self._ui.px(8) * len(BUTTONS), self._ui.px(34)
        each = min((width - gaps - log) // len(BUTTONS), self._ui.px(BUTTON_PX + 16))
        for key, (icon, word) in BUTTONS.items():
            word = "Start" if key == GO and standing == "new" else word
            label = f"{icon}  {word}" if each >= self._ui.px(BUTTON_PX) else word
            dpg.configure_item(f"{TAG}.{key}", width=each, label=label)

    def close_log(self) -> None:
        """Close the window with the log."""
        self._log.close()

    def _show(self, run: Run, standing: str, silent: bool, detail: Detail | None) -> None:
        dpg.set_value(f"{TAG}.name", run.name)
        dpg.set_value(f"{TAG}.standing", STANDING[standing])
        dpg.configure_item(f"{TAG}.standing", color=colour_of(standing))
        allowed = ALLOWED.get(standing, set())
        for key in BUTTONS:
            dpg.configure_item(f"{TAG}.{key}", enabled=key in allowed)
        dpg.configure_item(f"{TAG}.silent", show=silent)
        dpg.set_value(f"{TAG}.words", self._words(run, standing, detail) or " ")  # what lies below stays where it is
        dpg.configure_item(f"{TAG}.words", color=theme.ERROR if standing in WRONG else theme.DIM)
        for number, words in enumerate(facts(run.status, run.alive and run.status.state == "training")):
            dpg.set_value(f"{TAG}.fact.{number}", words)
        dpg.configure_item(f"{TAG}.facts.{COLUMNS}", show=run.alive)  # of what goes on just now

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

    def _follow(self, following: bool) -> None:
        time, run = self._ui.explorer.training_time, self._desk.chosen
        if following and run is not None:
            time.choose(run.folder)
        time.follow(following)

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
        text = detail.log or "Nothing yet. What a run prints that a terminal started is in that terminal."
        if dpg.get_value("training.log.text") != text:
            dpg.set_value("training.log.text", text)
