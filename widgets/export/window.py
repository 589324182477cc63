"""The export window: how the walk becomes a file, and all exports under way; and the offer to go on with some."""

import dearpygui.dearpygui as dpg

from stylegan_core.walk import Walk
from visualizer.files import free_place, stamped
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.dialogs import question
from widgets.export.form import ExportForm, suffix_of
from widgets.export.list import ExportList
from widgets.ui import Ui, centred

NO_WALK = (
    "There is no walk yet. Put keys into the timeline (F8), each of them a picture that you like, or record what you "
    "do (F9); what lies between is made by itself. Then export it here."
)
WIDTH, HEIGHT, LOW, LIST_HEIGHT = 520, 440, 110, 150  # px; low without a walk; the list of exports is below
BUSY_WIDTH = 122  # px of the button, whatever number stands on it


class ExportWindow:
    """See the module."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._form, self._list = ExportForm(ui), ExportList(ui)
        self._label = ""
        self._parts: tuple[bool, bool] | None = None  # whether there is a walk, and are exports

    def build_button(self) -> None:
        """Its button, in the tool bar that is open."""
        dpg.add_button(label=f"{icons.FILM}  Export", tag="bar.export", callback=self.toggle)
        tooltip("bar.export", "Make a video, an animation or pictures of the walk. Ctrl+E")

    @property
    def open(self) -> bool:
        """Whether it stands in the window."""
        return bool(dpg.does_item_exist("export") and dpg.is_item_shown("export"))

    def toggle(self) -> None:
        """Open it, or close it where it is open."""
        if self.open:
            self.close()
            return
        if not dpg.does_item_exist("export"):
            self._build()
        self._suggest()
        self._parts = None
        dpg.configure_item("export", show=True, pos=centred(*self._size()))
        dpg.focus_item("export")

    def close(self) -> None:
        """Close it; what is under way goes on."""
        if self.open:
            dpg.configure_item("export", show=False)

    def sync(self) -> None:
        """Once a frame."""
        self._show_button()
        self._offer()
        if not self.open:
            return
        explorer, walk = self._ui.explorer, self._walk
        parts = (walk is not None, bool(explorer.exporting.exports))
        if parts != self._parts:
            self._parts = parts
            dpg.configure_item("export.form", show=walk is not None)
            dpg.configure_item("export.none", show=walk is None)
            dpg.configure_item("export", height=self._size()[1])
        if walk is not None:
            self._form.sync(walk, explorer.card)
            dpg.configure_item("export.start", enabled=not self._form.obstacle)
        self._list.sync()

    @property
    def _walk(self) -> Walk | None:
        """The walk of the timeline; None where there is nothing in it."""
        walk = self._ui.explorer.timeline.walk
        return None if walk.empty else walk

    def _build(self) -> None:
        width, height = self._size()
        with dpg.window(label="Export", tag="export", width=width, height=height, no_collapse=True):
            dpg.add_text(NO_WALK, tag="export.none", wrap=width - self._ui.px(24), show=False)
            with dpg.group(tag="export.form"):
                self._form.build()
                dpg.add_spacer(height=self._ui.px(4))
                dpg.add_text("", tag="export.says", wrap=width - self._ui.px(24))
                dpg.add_text("", tag="export.obstacle", color=theme.ERROR, wrap=width - self._ui.px(24), show=False)
                dpg.add_button(label=f"{icons.FILM}  Export", tag="export.start", width=-1, callback=self._start)
                dpg.add_spacer(height=self._ui.px(4))
            self._list.build()

    def _size(self) -> tuple[int, int]:
        """Of the window, in px."""
        below = LIST_HEIGHT if self._ui.explorer.exporting.exports else 0
        return self._ui.px(WIDTH), self._ui.px((LOW if self._walk is None else HEIGHT) + below)

    def _suggest(self) -> None:
        """A place for the walk that nobody has."""
        if self._walk is None:
            return
        explorer = self._ui.explorer
        before = self._form.path
        folder = before.parent if before is not None else explorer.pictures
        suffix = suffix_of(self._form.settings.format)
        place = free_place(folder, stamped(_file_name(explorer.timeline.name)), suffix)
        self._form.suggest(place.with_name(place.name.removesuffix(suffix)))

    def _start(self) -> None:
        walk, path, explorer = self._walk, self._form.path, self._ui.explorer
        if walk is None or path is None or self._form.obstacle:
            return
        begun = explorer.exporting.start(
            self._form.walk(walk), self._form.settings, path, self._form.replaces, explorer.scene.model
        )
        if begun:
            self._suggest()

    def _show_button(self) -> None:
        """How far the export under way is."""
        progress = self._ui.explorer.exporting.progress
        label = f"{icons.FILM}  Export" + ("" if progress is None else f"  {progress:.0%}".replace("%", " %"))
        if label != self._label:
            self._label = label
            dpg.configure_item("bar.export", label=label, width=0 if progress is None else self._ui.px(BUSY_WIDTH))

    def _offer(self) -> None:
        """Ask whether to go on with what another run has left, once the window stands."""
        offered = self._ui.explorer.exporting.offered
        if not offered or dpg.does_item_exist("export.offer") or dpg.does_item_exist("restore"):
            return
        names = ", ".join(export.path.name for export in offered[:3]) + (" and more" if len(offered) > 3 else "")
        were = "An export was" if len(offered) == 1 else f"{len(offered)} exports were"
        text = f"{were} not finished when StyleScope ended: {names}."
        with question(self._ui, "export.offer", "Go on exporting?", text), dpg.group(horizontal=True):
            dpg.add_button(label="Go on", tag="export.offer.yes", callback=lambda: self._answer(True))
            dpg.add_button(label="Not now", tag="export.offer.no", callback=lambda: self._answer(False))

    def _answer(self, go_on: bool) -> None:
        dpg.delete_item("export.offer")
        self._ui.explorer.exporting.answer(go_on)


def _file_name(name: str) -> str:
    """A walk's name as that of a file."""
    return "".join(c if c.isalnum() or c in "-_. " else "-" for c in name).strip(" .") or "walk"
