"""The training view: every run there is, one of them with its curves and previews, and starting a new one."""

from pathlib import Path

import dearpygui.dearpygui as dpg

from widgets import icons
from widgets.bind import tooltip
from widgets.browser import Browser
from widgets.preparing.window import PrepareWindow
from widgets.training.form import NewRun
from widgets.training.list import RunList
from widgets.training.run import RunPanel
from widgets.ui import Ui

BESIDE, LIST_PX = 900, 320  # px at scale 1: from what width on the list stands beside the run; its width then
PADDING, HEAD, GAP = 8, 36, 8  # px at scale 1
LISTED = 3  # runs at most where the list stands above


class TrainingView:
    """See the module."""

    title, key, needs = f"{icons.GRADUATION_CAP}  Train", "training", ""
    help = "Train models, and watch them learn."

    def __init__(self, ui: Ui, browser: Browser, preparing: PrepareWindow):
        self._ui, self._desk, self._browser = ui, ui.explorer.training, browser
        self._list, self._run = RunList(ui, self._choose), RunPanel(ui)
        self._form = NewRun(ui, browser, preparing.show, self._cancel)
        preparing.on_ready = self.learn_from
        self._new = False  # whether somebody makes a new run
        self._sizes: dict[str, tuple[int, ...]] = {}
        self._shown: tuple[bool, ...] = ()

    def build(self) -> None:
        """Make its items in the container that is open."""
        bare = {"no_scrollbar": True, "no_scroll_with_mouse": True}
        with (
            dpg.child_window(tag="training.body", always_use_window_padding=True, **bare),
            dpg.group(tag="training.parts"),
        ):
            with dpg.child_window(tag="training.side", **bare):
                self._build_buttons()
                self._list.build()
            with dpg.child_window(tag="training.main", **bare):
                with dpg.group(tag="training.form", show=False):
                    self._form.build()
                with dpg.group(tag="training.one", show=False):
                    self._run.build()

    def _build_buttons(self) -> None:
        with dpg.group(horizontal=True):
            label = f"{icons.PLUS}  New run"
            dpg.add_button(label=label, tag="training.create", callback=lambda: self._make_new(True))
            tooltip("training.create", "Choose pictures and a preset, and start training.")
            label = f"{icons.FOLDER_OPEN}  Find a run"
            dpg.add_button(label=label, tag="training.find", callback=self._find)
            tooltip("training.find", "Have a run in the list that lies elsewhere.")

    def sync(self, width: int, height: int) -> None:
        """Once a frame while it is shown."""
        px, desk = self._ui.px, self._desk
        desk.shown = True
        self._place("training.body", width, height)
        inner = width - 2 * px(PADDING), height - 2 * px(PADDING)
        beside = inner[0] >= px(BESIDE)
        if self._sizes.get("beside") != (beside,):
            self._sizes["beside"] = (beside,)
            gap = 2 * px(GAP) if beside else -1
            dpg.configure_item("training.parts", horizontal=beside, horizontal_spacing=gap)
        if beside:
            side = px(LIST_PX), inner[1]
            main = inner[0] - side[0] - 2 * px(GAP), inner[1]
        else:
            rows = self._list.height(LISTED)
            side = inner[0], px(HEAD) + rows
            main = inner[0], inner[1] - side[1] - px(GAP)
        self._place("training.side", *side)
        self._place("training.main", *main)
        self._list.sync(side[0], side[1] - px(HEAD))
        self._show(*main)

    def leave(self) -> None:
        """It has been put away."""
        self._desk.shown = False
        self._run.close_log()

    def escape(self) -> None:
        """Close what stands over it."""
        self._run.close_log()

    def learn_from(self, path: Path) -> None:
        """Have a new run made from the pictures at a path."""
        self._make_new(True)
        self._form.use(path)

    def _show(self, width: int, height: int) -> None:
        """The new run, or the chosen one."""
        chosen = self._desk.chosen
        new = self._new or (self._desk.looked and not self._desk.runs)
        shown = new, chosen is not None and not new
        if shown != self._shown:
            self._shown = shown
            for tag, is_shown in zip(("training.form", "training.one"), shown, strict=True):
                dpg.configure_item(tag, show=is_shown)
            dpg.configure_item("training.new.cancel", show=bool(self._desk.runs))
        if new:
            self._form.sync(width, height)
        elif chosen is not None:
            self._run.sync(chosen, width, height)

    def _place(self, tag: str, width: int, height: int) -> None:
        """Give an item a size, if it is another than before."""
        if self._sizes.get(tag) != (width, height):
            self._sizes[tag] = (width, height)
            dpg.configure_item(tag, width=width, height=height)

    # -- actions -------------------------------------------------------------------------------------------------------

    def _make_new(self, new: bool) -> None:
        self._new = new
        if new:
            self._form.refresh()

    def _cancel(self) -> None:
        self._make_new(False)

    def _choose(self, path: Path) -> None:
        self._new = False
        self._desk.choose(path)

    def _find(self) -> None:
        self._browser.show("Choose the run.json of a run", self._desk.add, (".json",))
