"""What a preparation is asked for: where pictures come from, what is done to them, where they go."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from train.data.decoding import ENDINGS
from train.data.fitting import Crop, PrepareSettings
from train.data.video import READERS
from visualizer.library import absolute
from widgets import icons
from widgets.bind import tooltip
from widgets.browser import Browser
from widgets.ui import Ui, form_row

LABELS_PX = 92  # the column of names
SHOWN = 30  # characters of a path: its end says most
LISTED = frozenset({".zip", *READERS, *ENDINGS})
CROPS: dict[str, Crop] = {
    "the middle": "centre",
    "the top": "top",
    "the bottom": "bottom",
    "the left": "left",
    "the right": "right",
    "all, with a margin": "fit",
}
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
COLOURS: dict[str, dict[str, Any]] = {
    "in colour, on white": {"channels": "rgb", "background": WHITE},
    "in colour, on black": {"channels": "rgb", "background": BLACK},
    "with transparency": {"channels": "rgba", "background": WHITE},
    "grey, on white": {"channels": "grey", "background": WHITE},
    "grey, on black": {"channels": "grey", "background": BLACK},
}
DUPLICATES: dict[str, dict[str, Any]] = {
    "leave out, and what is alike": {"exact_duplicates": True, "near_bits": 16},
    "leave out": {"exact_duplicates": True, "near_bits": None},
    "keep": {"exact_duplicates": False, "near_bits": None},
}
LABELS: dict[str, dict[str, Any]] = {
    "keep": {"labels": "keep"},
    "a class for each sub-folder": {"labels": "folders"},
    "none": {"labels": "none"},
}


class PrepareForm:
    """Belongs to the window; `sources`, `settings` and `path` are what it says."""

    def __init__(self, ui: Ui, browser: Browser):
        self._ui, self._browser = ui, browser
        self.sources: tuple[Path, ...] = ()
        self.settings = PrepareSettings()
        self._own_path = False  # somebody has typed one

    @property
    def path(self) -> Path | None:
        """Where the zip goes; None: nothing is written there."""
        text = dpg.get_value("prepare.path").strip()
        if not text:
            return None
        text += "" if text.lower().endswith(".zip") else ".zip"
        return absolute(Path(text)) if text.startswith("~") else self._ui.explorer.pictures / text

    @property
    def replaces(self) -> bool:
        """Whether what is there may be replaced."""
        return bool(dpg.get_value("prepare.replace"))

    # -- building ------------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.group(horizontal=True):
            dpg.add_input_text(
                tag="prepare.source", hint="A folder, a zip or a video", width=-self._ui.px(42), on_enter=True,
                callback=lambda _, text: self._typed(text),
            )  # fmt: skip
            dpg.add_button(label=icons.FOLDER_OPEN, tag="prepare.browse", width=-1, callback=self._browse)
        tooltip("prepare.source", "Where the pictures are. Enter adds it; there may be several.")
        tooltip("prepare.browse", "Look for a folder, a zip or a video.")
        dpg.add_group(tag="prepare.sources")
        dpg.add_spacer(height=self._ui.px(4))
        self._row("Size", self._build_size)
        self._row("Keep", lambda: self._combo("prepare.crop", CROPS, lambda name: {"crop": CROPS[name]}))
        tooltip("prepare.crop", "Which part is kept of a picture of another shape.")
        self._row("Colours", lambda: self._combo("prepare.colours", COLOURS, COLOURS.__getitem__))
        tooltip("prepare.colours", "What pictures become; what is transparent is put on white or black, or stays so.")
        self._row("Duplicates", lambda: self._combo("prepare.duplicates", DUPLICATES, DUPLICATES.__getitem__))
        tooltip("prepare.duplicates", "Pictures that have come before: the very same, or also resized and repacked.")
        self._row("Labels", lambda: self._combo("prepare.labels", LABELS, LABELS.__getitem__))
        tooltip("prepare.labels", "Classes to train with: those of a dataset.json, the names of sub-folders, or none.")
        self._row("At least", lambda: self._number("smallest", "smallest_side", 1, "px on the shorter side"))
        tooltip("prepare.smallest", "Pictures of which less is kept are left out: they would be blurred.")
        self._row("Of videos", lambda: self._number("every", "every", 1, "1: all frames, 2: every other"), "every")
        dpg.add_spacer(height=self._ui.px(4))
        self._row("File", lambda: dpg.add_input_text(tag="prepare.path", width=-1, callback=self._typed_path))
        tooltip(
            "prepare.path",
            "The zip to write, in the official format; beside saved pictures if it begins with neither / nor ~.",
        )
        self._row("", lambda: dpg.add_checkbox(label="replace what is there", tag="prepare.replace"), "replace")
        self._show()

    def _row(self, label: str, build: Any, key: str = "") -> None:
        key = key or label.lower().replace(" ", "_")
        form_row(f"prepare.row.{key}", label, self._ui.px(LABELS_PX), build)

    def _combo(self, tag: str, items: Sequence[str] | dict[str, Any], changes: Any) -> None:
        dpg.add_combo(
            list(items), tag=tag, width=-1, default_value=next(iter(items)),
            callback=lambda _, name: self._change(**changes(name)),
        )  # fmt: skip

    def _number(self, name: str, field: str, least: int, words: str = "", most: int = 8192) -> None:
        with dpg.group(horizontal=True):
            dpg.add_input_int(
                tag=f"prepare.{name}", width=self._ui.px(60), step=0, min_value=least, max_value=most,
                min_clamped=True, max_clamped=True, default_value=getattr(self.settings, field),
                callback=lambda _, value: self._change(**{field: value}),
            )  # fmt: skip
            dpg.add_text(words)

    def _build_size(self) -> None:
        with dpg.group(horizontal=True):
            self._number("width", "width", 4, "×")
            self._number("height", "height", 4, "px")

    # -- changing ------------------------------------------------------------------------------------------------------

    def add(self, path: Path) -> None:
        """Take pictures from here, too; a picture stands for its folder."""
        path = path.parent if path.suffix.lower() in ENDINGS else path
        if path not in self.sources:
            self.sources = (*self.sources, path)
            self._show()

    def _browse(self) -> None:
        self._browser.show("Add a folder, by a picture in it, a zip or a video", self.add, LISTED, folders=True)

    def _typed(self, text: str) -> None:
        if text.strip():
            self.add(absolute(Path(text.strip())))
            dpg.set_value("prepare.source", "")

    def _remove(self, path: Path) -> None:
        self.sources = tuple(source for source in self.sources if source != path)
        self._show()

    def _change(self, **changes: Any) -> None:
        self.settings = self.settings.model_copy(update=changes)
        self._suggest()

    def _typed_path(self, _: Any, text: str) -> None:
        self._own_path = bool(text.strip())

    def _suggest(self) -> None:
        """A name for the file that says what is in it, as long as nobody has given another."""
        if self._own_path or not self.sources:
            return
        width, height = self.settings.width, self.settings.height
        size = f"{width}" if width == height else f"{width}x{height}"
        dpg.set_value("prepare.path", f"data/{self.sources[0].stem or 'pictures'}-{size}.zip")

    def _show(self) -> None:
        """The sources, and what depends on them."""
        dpg.delete_item("prepare.sources", children_only=True)
        for number, source in enumerate(self.sources):
            tag, text = f"prepare.source.{number}", str(source)
            with dpg.group(horizontal=True, parent="prepare.sources"):
                dpg.add_button(
                    label=icons.CLOSE,
                    tag=tag,
                    width=self._ui.px(30),
                    user_data=source,
                    callback=lambda _, __, path: self._remove(path),
                )
                tooltip(tag, "Take no pictures from here.")
                dpg.add_text(text if len(text) <= SHOWN else f"…{text[-SHOWN:]}", tag=f"{tag}.name")
                tooltip(f"{tag}.name", text)
        has_video = any(source.suffix.lower() in READERS for source in self.sources)
        dpg.configure_item("prepare.row.every", show=has_video)
        self._suggest()
