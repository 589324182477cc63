"""The window that prepares pictures to train with: what is asked for, what a look finds, doing it, the report."""

from collections.abc import Callable, Sequence
from pathlib import Path

import dearpygui.dearpygui as dpg

from train.data.words import counted
from visualizer.dataset_preparation import Looked
from visualizer.library import absolute
from widgets import icons, theme
from widgets.browser import Browser
from widgets.preparing.form import PrepareForm
from widgets.preparing.look import WIDTH_PX, LookPart
from widgets.ui import Ui, centred

FORM_PX, HEIGHT_PX = 346, 640
INSIDE_PX = FORM_PX - 16
FIRST = (
    "Give folders, zips or videos of pictures, and say what they are to become. Look says what would be done: how many "
    "pictures there are, what is cut off, what is left out and why. Nothing is written before Prepare."
)
CHANGED = "Something else is asked for now: look again."
DOING = {"looking": "Looking at the pictures", "preparing": "Preparing the pictures"}


class PrepareWindow:
    """See the module.

    Args:
        ui: the window around it.
        browser: finds folders and files.

    Attributes:
        on_ready: called with the path of a zip by "Use it to train"; None: there is no such button.
    """

    def __init__(self, ui: Ui, browser: Browser, on_ready: Callable[[Path], None] | None = None):
        self._ui = ui
        self.on_ready = on_ready
        self._work = ui.explorer.dataset_preparation
        self._form, self._look = PrepareForm(ui, browser), LookPart(ui)
        self._asked: object = None  # what the newest look was for
        self._seen: object = None
        self._looked: Looked | None = None

    @property
    def open(self) -> bool:
        """Whether it stands in the window."""
        return bool(dpg.does_item_exist("prepare") and dpg.is_item_shown("prepare"))

    def show(self, sources: Sequence[Path] = ()) -> None:
        """Open it; pictures are taken from `sources` too."""
        if not dpg.does_item_exist("prepare"):
            self._build()
        for source in sources:
            self._form.add(absolute(source))
        width = min(self._ui.px(FORM_PX + WIDTH_PX + 54), dpg.get_viewport_client_width())
        height = min(self._ui.px(HEIGHT_PX), dpg.get_viewport_client_height())
        dpg.configure_item("prepare", show=True, width=width, height=height, pos=centred(width, height))
        dpg.focus_item("prepare.source")

    def close(self) -> None:
        """Close it; what is under way goes on."""
        if self.open:
            dpg.configure_item("prepare", show=False)

    def sync(self) -> None:
        """Once a frame."""
        self._work.tick()
        if not self.open:
            return
        doing, asked = self._work.doing, self._wanted
        current = self._work.looked is not None and asked == self._asked
        state = (doing, current, self._work.looked, self._work.report, self._work.error, bool(self._form.sources))
        if state != self._seen:
            self._seen = state
            self._update(current)
        if doing:
            dpg.set_value("prepare.bar", self._work.progress)
            dpg.configure_item("prepare.bar", overlay=f"{self._work.progress:.0%}".replace("%", " %"))
        self._look.sync()

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        px = self._ui.px
        with (
            dpg.window(label="Prepare pictures to train with", tag="prepare", no_collapse=True),
            dpg.group(horizontal=True),
        ):
            with dpg.child_window(width=px(FORM_PX), always_use_window_padding=True):
                self._form.build()
                dpg.add_spacer(height=px(6))
                with dpg.group(horizontal=True):
                    half = (px(INSIDE_PX) - px(8)) // 2
                    dpg.add_button(
                        label=f"{icons.EYE}  Look", tag="prepare.look", width=half, callback=self._start_look
                    )
                    dpg.add_button(label=f"{icons.CHECK}  Prepare", tag="prepare.go", width=half, callback=self._start)
                self._build_progress()
                dpg.add_text("", tag="prepare.error", color=theme.ERROR, wrap=px(INSIDE_PX), show=False)
                with dpg.group(tag="prepare.done", show=False):
                    dpg.add_text("", tag="prepare.report", wrap=px(INSIDE_PX))
                    dpg.add_button(
                        label=f"{icons.GRADUATION_CAP}  Use it to train",
                        tag="prepare.use",
                        width=-1,
                        callback=self._use,
                    )
            with dpg.child_window(tag="prepare.right", always_use_window_padding=True):
                dpg.add_text(FIRST, tag="prepare.hint", color=theme.DIM, wrap=px(WIDTH_PX))
                self._look.build()

    def _build_progress(self) -> None:
        with dpg.theme() as dark, dpg.theme_component(dpg.mvProgressBar):
            dpg.add_theme_color(dpg.mvThemeCol_PlotHistogram, theme.ACCENT_DARK)  # words are written over it
        with dpg.group(tag="prepare.progress", show=False):
            dpg.add_text("", tag="prepare.doing", color=theme.DIM)
            with dpg.group(horizontal=True):
                dpg.add_progress_bar(tag="prepare.bar", width=-self._ui.px(86))
                dpg.bind_item_theme("prepare.bar", dark)
                dpg.add_button(label="Cancel", tag="prepare.cancel", width=-1, callback=self._work.cancel)

    # -- acting --------------------------------------------------------------------------------------------------------

    @property
    def _wanted(self) -> object:
        return self._form.sources, self._form.settings

    def _start_look(self) -> None:
        form = self._form
        if form.sources and not self._work.doing:
            self._asked = self._wanted
            self._work.look(form.sources, form.settings, form.path or Path("pictures.zip"), self._look.cell_px)

    def _start(self) -> None:
        path = self._form.path
        if path is not None and self._asked == self._wanted:
            self._work.prepare(path, self._form.replaces)

    def _use(self) -> None:
        if self.on_ready is not None and self._work.written is not None:
            self.close()
            self.on_ready(self._work.written)

    # -- showing -------------------------------------------------------------------------------------------------------

    def _update(self, current: bool) -> None:
        """Bring everything in line with the work; `current`: the look is of what is asked for."""
        work = self._work
        looked, report, doing = work.looked, work.report, work.doing
        useful = current and looked is not None and bool(looked.plan.pictures)
        dpg.configure_item("prepare.look", enabled=bool(self._form.sources) and not doing)
        dpg.configure_item("prepare.go", enabled=useful and not doing)
        dpg.configure_item("prepare.progress", show=bool(doing))
        dpg.set_value("prepare.doing", DOING.get(doing, ""))
        dpg.set_value("prepare.error", work.error)
        dpg.configure_item("prepare.error", show=bool(work.error))
        dpg.configure_item("prepare.done", show=report is not None)
        dpg.configure_item("prepare.use", show=self.on_ready is not None)
        dpg.configure_item("prepare.hint", show=looked is None or not current)
        dpg.set_value("prepare.hint", FIRST if looked is None else CHANGED)
        if looked is not self._looked:
            self._looked = looked
            self._look.show(looked)
        if report is not None and looked is not None and work.written is not None:
            left_out = f", {len(report.left_out)} left out" if report.left_out else ""
            dpg.set_value("prepare.report", f"{counted(len(report.pictures))}{left_out}: {work.written}")
            self._look.list(looked.plan, report.left_out)
