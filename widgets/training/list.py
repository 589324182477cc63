"""The list of runs: each one's name, what is going on with it, and how far it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from visualizer.training_reading import Run
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.training.words import ICONS, STANDING, colour_of, progress_words
from widgets.ui import Ui

TAG = "training.list"
ABOUT_PX = 138  # of the column that says how it stands, at scale 1
ROW_PX, LINE_PX, BAR_PX = 52, 46, 18


class RunList:
    """See the module. `choose` is given the folder of the run that somebody clicked on."""

    def __init__(self, ui: Ui, choose: Callable[[Path], None]):
        self._ui, self._desk = ui, ui.explorer.training
        self._choose_run = choose
        self._rows: tuple[str, ...] = ()
        self._seen: dict[str, tuple[object, ...]] = {}
        self._size = (0, 0)

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.theme() as self._dark, dpg.theme_component(dpg.mvProgressBar):
            dpg.add_theme_color(dpg.mvThemeCol_PlotHistogram, theme.ACCENT_DARK)
        with dpg.theme() as self._lit, dpg.theme_component(dpg.mvSelectable):
            dpg.add_theme_color(dpg.mvThemeCol_Header, theme.CONTROL)
            dpg.add_theme_style(dpg.mvStyleVar_SelectableTextAlign, 0, 0.5)
        with dpg.child_window(tag=TAG, width=100, height=100):
            dpg.add_text("", tag=f"{TAG}.none", color=theme.DIM, wrap=0, show=False)
            with dpg.table(tag=f"{TAG}.table", header_row=False, policy=dpg.mvTable_SizingFixedFit, pad_outerX=False):
                dpg.add_table_column(width_stretch=True)
                dpg.add_table_column(width_fixed=True, init_width_or_weight=self._ui.px(ABOUT_PX))

    def height(self, most: int) -> int:
        """How many px it takes, of so many runs at most."""
        return self._ui.px(ROW_PX) * min(max(len(self._rows), 1), most) + self._ui.px(4)

    def sync(self, width: int, height: int) -> None:
        """Once a frame: follow the runs, in so many px."""
        if (width, height) != self._size:
            self._size = (width, height)
            dpg.configure_item(TAG, width=width, height=height)
        runs = self._desk.runs
        if (rows := tuple(str(run.path) for run in runs)) != self._rows:
            self._rows, self._seen = rows, {}
            dpg.delete_item(f"{TAG}.table", children_only=True, slot=1)
            for number, run in enumerate(runs):
                self._build_row(number, run)
        for number, run in enumerate(runs):
            self._show(number, run)
        words = "" if runs else ("There are no runs yet." if self._desk.looked else "Looking for runs …")
        if dpg.get_value(f"{TAG}.none") != words:
            dpg.set_value(f"{TAG}.none", words)
            dpg.configure_item(f"{TAG}.none", show=bool(words))

    def _build_row(self, number: int, run: Run) -> None:
        tag = f"{TAG}.{number}"
        with dpg.table_row(parent=f"{TAG}.table"):
            label, height = f"  {run.name}##{number}", self._ui.px(LINE_PX)
            dpg.add_selectable(label=label, tag=tag, height=height, user_data=run.path, span_columns=True)
            dpg.configure_item(tag, callback=self._choose)
            dpg.bind_item_theme(tag, self._lit)
            tooltip(tag, str(run.path))
            with dpg.group():
                dpg.add_text("", tag=f"{tag}.state")
                dpg.add_progress_bar(tag=f"{tag}.bar", width=-1, height=self._ui.px(BAR_PX))
                dpg.bind_item_theme(f"{tag}.bar", self._dark)

    def _show(self, number: int, run: Run) -> None:
        tag, standing = f"{TAG}.{number}", self._desk.standing(run)
        seen = (standing, run.status.seen, run.total, self._desk.chosen is run)
        if self._seen.get(tag) == seen:
            return
        self._seen[tag] = seen
        icon = ICONS.get(standing, icons.STOP if standing == "stopped" else icons.FILE)
        dpg.set_value(f"{tag}.state", f"{icon}  {STANDING[standing]}")
        dpg.configure_item(f"{tag}.state", color=colour_of(standing))
        dpg.set_value(f"{tag}.bar", run.progress)
        dpg.configure_item(f"{tag}.bar", overlay=progress_words(run))
        dpg.set_value(tag, self._desk.chosen is run)

    def _choose(self, sender: Any, value: Any, path: Any) -> None:
        del value
        self._seen.pop(str(sender), None)  # the click has changed its mark
        self._choose_run(path)
