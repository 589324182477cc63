"""A window to find a file in: folders, search, keyboard. Listing runs as a Job, for a folder may be on a slow disk."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

import dearpygui.dearpygui as dpg

from visualizer.jobs import Job
from visualizer.library import SUFFIXES, Entry, absolute, browse
from widgets import icons, theme
from widgets.ui import Ui, centred

SHOWN = 400  # entries listed at most; a search narrows


class Listing(NamedTuple):
    """What a path leads to: a folder's entries, or None for a file."""

    path: Path
    entries: list[Entry] | None


OPEN = "Open a model, picture, walk or session"


class Browser:
    """Calls `chosen` with the path of a file, or what `show` is given for once."""

    def __init__(self, ui: Ui, chosen: Callable[[Path], None]):
        self._ui, self._chosen, self._wanted = ui, chosen, chosen
        self._suffixes: Collection[str] = SUFFIXES
        self._folder = Path.home()
        self._job: Job[Listing] | None = None

    def show(
        self,
        title: str = OPEN,
        chosen: Callable[[Path], None] | None = None,
        suffixes: Collection[str] = SUFFIXES,
        folders: bool = False,
    ) -> None:
        """Open it, where it was last, on files with one of the suffixes; `folders`: one may be chosen, too."""
        self._wanted, self._suffixes = chosen or self._chosen, suffixes
        recent = self._ui.explorer.session.recent
        if recent and self._folder == Path.home() and Path(recent[0]).parent.is_dir():
            self._folder = Path(recent[0]).parent
        if not dpg.does_item_exist("browser"):
            self._build()
        width, height = self._ui.px(620), self._ui.px(460)
        dpg.configure_item("browser", label=title, show=True, width=width, height=height, pos=centred(width, height))
        dpg.configure_item("browser.folder", show=folders)
        dpg.set_value("browser.search", "")
        self._list()
        dpg.focus_item("browser.search")

    def close(self) -> None:
        """Close it without choosing."""
        if dpg.does_item_exist("browser"):
            dpg.configure_item("browser", show=False)

    @property
    def open(self) -> bool:
        """Whether it stands in the window."""
        return bool(dpg.does_item_exist("browser") and dpg.is_item_shown("browser"))

    def sync(self) -> None:
        """Once a frame: show the listing when it is there."""
        if self._job is not None and self._job.done:
            job, self._job = self._job, None
            self._take(job.result, job.error)

    def _build(self) -> None:
        with dpg.window(tag="browser", modal=True, no_resize=False, no_collapse=True):
            with dpg.group(horizontal=True):
                dpg.add_button(label=icons.CHEVRON_UP, tag="browser.up", callback=lambda: self._go(self._folder.parent))
                dpg.add_input_text(
                    tag="browser.path", width=-1, on_enter=True, auto_select_all=True, callback=self._typed
                )
            dpg.add_input_text(
                tag="browser.search",
                width=-1,
                hint="Search in this folder",
                callback=lambda: self._list(),
            )
            dpg.add_child_window(tag="browser.list", height=-self._ui.px(40))
            with dpg.group(horizontal=True):
                dpg.add_button(
                    label="Open",
                    tag="browser.open",
                    width=self._ui.px(90),
                    callback=lambda: self._go(Path(dpg.get_value("browser.path"))),
                )
                dpg.add_button(
                    label=f"{icons.FOLDER}  Use this folder",
                    tag="browser.folder",
                    callback=lambda: self._choose(self._folder),
                )
                dpg.add_button(label="Cancel", tag="browser.cancel", width=self._ui.px(90), callback=self.close)

    def _typed(self, sender: Any, text: str) -> None:
        del sender
        self._go(Path(text))

    def _go(self, path: Path) -> None:
        """Look at a folder, or choose a file."""
        dpg.set_value("browser.search", "")
        self._list(absolute(path))

    def _list(self, path: Path | None = None) -> None:
        folder, search, suffixes = path or self._folder, dpg.get_value("browser.search"), self._suffixes

        def listing(job: Job[Listing]) -> Listing:
            del job
            return Listing(folder, browse(folder, search, suffixes) if folder.is_dir() else None)

        self._job = Job("Listing", listing)

    def _take(self, listing: Listing | None, error: str | None) -> None:
        if listing is not None and listing.entries is None:
            self._choose(listing.path)
            return
        if listing is not None:
            self._folder = listing.path
            dpg.set_value("browser.path", str(self._folder))
        self._show(listing.entries if listing is not None else None, error)

    def _show(self, entries: list[Entry] | None, error: str | None) -> None:
        dpg.delete_item("browser.list", children_only=True)
        if error is not None:
            dpg.add_text(error, parent="browser.list", color=theme.ERROR, wrap=self._ui.px(560))
        entries = entries or []
        for number, entry in enumerate(entries[:SHOWN]):
            icon = icons.FOLDER if entry.is_folder else icons.FILE
            size = "" if entry.is_folder else f"   {entry.size_bytes / 1e6:.1f} MB"
            dpg.add_selectable(
                label=f"{icon}  {entry.path.name}{size}##{number}",
                tag=f"browser.entry.{entry.path.name}" if number < 50 else 0,
                parent="browser.list",
                user_data=entry,
                callback=self._picked,
            )
        if not entries and error is None:
            dpg.add_text("No folders or files of this kind here.", parent="browser.list", color=theme.DIM)
        if len(entries) > SHOWN:
            dpg.add_text(f"… and {len(entries) - SHOWN} more: search to narrow.", parent="browser.list")

    def _picked(self, sender: Any, value: Any, entry: Entry) -> None:
        del sender, value
        if entry.is_folder:
            self._go(entry.path)
        else:
            self._choose(entry.path)

    def _choose(self, path: Path) -> None:
        self.close()
        self._wanted(path)
