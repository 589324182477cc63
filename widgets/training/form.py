"""A new run: pictures, preset, size, what to start from; and what will come of it, said before it starts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from train.data.decoding import ENDINGS as PICTURES
from train.data.video import READERS as VIDEOS
from train.presets import PRESETS, RESOLUTIONS
from visualizer.library import model_file
from visualizer.training_plan import DEMO_FACES, Asked, Plan
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.browser import Browser
from widgets.ui import Ui, form_row

TAG = "training.new"
LABELS_PX, LINE_PX = 92, 18  # the column of names, and a line of text
AS_THEY_ARE, SCRATCH, FILE = "as they are", "scratch", "a file …"
BATCHES = (4, 8, 16, 32, 64)  # whole groups of the minibatch standard deviation
BY_SIZE = "by size"  # what networks that grow are trained in
BROWSE_DATA = "Choose a folder of pictures, a zip or a video"
MODELS = (".pkl", ".pt", ".model", ".safetensors")
MOST_FROZEN = 12
LAPTOP_PX = 64  # that a processor learns in hours; twice the size takes days


class NewRun:
    """See the module.

    Args:
        ui: the window around it.
        browser: chooses files.
        prepare: opens the window that prepares pictures.
        done: called when a run has been started, or nobody wants one.
    """

    def __init__(self, ui: Ui, browser: Browser, prepare: Callable[[], None], done: Callable[[], None]):
        self._ui, self._desk, self._browser = ui, ui.explorer.training, browser
        self._prepare, self._done = prepare, done
        weak = ui.explorer.device == "cpu"
        self._asked = Asked(preset="laptop" if weak else "stylegan2-ada")
        self._sized = False  # whether somebody has chosen a size
        self._named = False  # whether somebody has given it a name
        self._starts: dict[str, str] = {SCRATCH: ""}  # what can be started from: words and path
        self._sizes: dict[str, int | None] = {AS_THEY_ARE: None}
        self._seen: tuple[object, ...] = ()

    # -- built once ----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.group(horizontal=True):
            dpg.add_text("New run", tag=f"{TAG}.title")
            dpg.bind_item_font(f"{TAG}.title", self._ui.fonts.title)
        with dpg.child_window(tag=f"{TAG}.fields", width=100, height=100):
            self._build_data()
            self._row("Preset", lambda: self._combo("preset", list(PRESETS), self._set_preset))
            self._row("", self._build_words, "words")
            self._row("Size", lambda: self._combo("size", [AS_THEY_ARE], self._set_size))
            tooltip(f"{TAG}.size", "Pictures of what size are learned. Smaller ones are learned far sooner.")
            self._row("Start from", lambda: self._combo("start", [SCRATCH], self._set_start))
            tooltip(f"{TAG}.start", "Begin with what a model knows already: a new subject is then learned far sooner.")
            self._row("", self._build_frozen, "frozen")
            self._row("", self._build_choices, "choices")
            self._row("Length", self._build_length)
            self._row("Name", lambda: dpg.add_input_text(tag=f"{TAG}.name", width=-1, callback=self._name))
            tooltip(f"{TAG}.name", "Of its folder.")
            dpg.add_spacer(height=self._ui.px(4))
            dpg.add_text("", tag=f"{TAG}.words", wrap=0)
            dpg.add_text("", tag=f"{TAG}.refusal", wrap=0, color=theme.ERROR, show=False)
            with dpg.group(horizontal=True):
                label = f"{icons.PLAY}  Start training"
                dpg.add_button(label=label, tag=f"{TAG}.begin", width=self._ui.px(160), callback=self._begin)
                dpg.add_button(label="Cancel", tag=f"{TAG}.cancel", callback=self._done)

    def _row(self, label: str, build: Callable[[], Any], key: str = "") -> None:
        form_row(f"{TAG}.row.{key or label}", label, self._ui.px(LABELS_PX), build)

    def _combo(self, key: str, items: list[str], callback: Callable[[str], None]) -> None:
        dpg.add_combo(items, tag=f"{TAG}.{key}", width=-1, callback=lambda _, value: callback(value))

    def _build_data(self) -> None:
        def place() -> None:
            with dpg.group(horizontal=True):
                dpg.add_input_text(
                    tag=f"{TAG}.data",
                    width=-self._ui.px(40),
                    hint="a folder, a zip or a video",
                    on_enter=True,
                    callback=self._typed_data,
                )
                with dpg.item_handler_registry() as leaving:
                    dpg.add_item_deactivated_after_edit_handler(callback=self._typed_data)
                dpg.bind_item_handler_registry(f"{TAG}.data", leaving)
                dpg.add_button(label=icons.FOLDER_OPEN, tag=f"{TAG}.browse", callback=self._browse)
                tooltip(
                    f"{TAG}.browse",
                    "Look for them: a folder, a zip or a video; a picture stands for all in its folder.",
                )

        def ready() -> None:
            with dpg.group(horizontal=True):
                dpg.add_button(label="Demo faces", tag=f"{TAG}.demo", callback=lambda: self.use(DEMO_FACES))
                tooltip(f"{TAG}.demo", "The pictures of faces that come with StyleScope.")
                dpg.add_button(label="Prepare …", tag=f"{TAG}.prepare", callback=lambda: self._prepare())
                tooltip(f"{TAG}.prepare", "Crop and resize pictures of one's own, and leave out what is broken.")

        self._row("Pictures", place)
        self._row("", ready, "ready")
        self._row("", lambda: dpg.add_text("", tag=f"{TAG}.data.words", color=theme.DIM), "material")

    def _build_words(self) -> None:
        # As high as the longest words are where it is narrow: what lies below stays where it is.
        with dpg.child_window(height=self._ui.px(2 * LINE_PX), width=-1, no_scrollbar=True):
            dpg.add_text("", tag=f"{TAG}.preset.words", color=theme.DIM, wrap=0)

    def _build_frozen(self) -> None:
        dpg.add_slider_int(
            tag=f"{TAG}.frozen",
            width=-1,
            max_value=MOST_FROZEN,
            clamped=True,
            format="freeze %d layers of D",
            callback=lambda _, value: self._change(frozen=value),
        )
        tooltip(f"{TAG}.frozen", "FreezeD: its first layers keep what they know, which helps with few pictures.")

    def _build_choices(self) -> None:
        with dpg.group(horizontal=True):
            dpg.add_checkbox(
                label="mirrored copies", tag=f"{TAG}.mirror", callback=lambda _, on: self._change(mirror=on)
            )
            tooltip(f"{TAG}.mirror", "Learn every picture mirrored, too. Not where left and right differ, as in text.")
            dpg.add_checkbox(label="classes", tag=f"{TAG}.labels", callback=lambda _, on: self._change(labels=on))
            tooltip(f"{TAG}.labels", "Learn the pictures' labels, so that they can be chosen later.")

    def _build_length(self) -> None:
        with dpg.group(horizontal=True):
            dpg.add_input_float(tag=f"{TAG}.kimg", width=self._ui.px(80), step=0, format="%g", callback=self._set_kimg)
            dpg.add_text("kimg in batches of", color=theme.DIM)
            dpg.add_combo(
                list(map(str, BATCHES)),
                tag=f"{TAG}.batch",
                width=self._ui.px(80),
                callback=lambda _, value: self._change(batch=None if value == BY_SIZE else int(value)),
            )
            tooltip(f"{TAG}.kimg", "Thousands of pictures that are looked at in all. It can be stopped at any time.")

    # -- each frame ----------------------------------------------------------------------------------------------------

    def sync(self, width: int, height: int) -> None:
        """Once a frame while it is shown: in so many px."""
        planning = self._desk.planning
        planning.ask(self._asked)
        plan = planning.plan
        model = self._ui.explorer.scene.model
        seen = (plan, planning.busy, self._asked, model, width, height, self._named)
        if seen == self._seen:
            return
        self._seen = seen
        top = round(dpg.get_item_pos(f"{TAG}.fields")[1])
        dpg.configure_item(f"{TAG}.fields", width=width, height=max(height - top, 100))
        self._list_starts()
        self._show(plan, planning.busy)

    def use(self, path: Path) -> None:
        """Learn from the pictures at a path."""
        if path.suffix.lower() in PICTURES:
            path = path.parent
        self._desk.planning.forget()
        self._change(data=str(path), resolution=None)
        self._sized = False

    def refresh(self) -> None:
        """It is shown again: what lies on the disk may have changed."""
        self._desk.planning.forget()

    def _show(self, plan: Plan | None, busy: bool) -> None:
        asked = self._asked
        for key, value in (("data", asked.data), ("preset", asked.preset), ("mirror", asked.mirror)):
            if not dpg.is_item_active(f"{TAG}.{key}"):
                dpg.set_value(f"{TAG}.{key}", value)
        dpg.set_value(f"{TAG}.preset.words", PRESETS[asked.preset].words)
        dpg.set_value(f"{TAG}.start", next(words for words, path in self._starts.items() if path == asked.start))
        dpg.configure_item(f"{TAG}.row.frozen", show=bool(asked.start))
        dpg.set_value(f"{TAG}.frozen", asked.frozen)
        material = None if plan is None or plan.asked.data != asked.data else plan.material
        dpg.set_value(f"{TAG}.data.words", "" if material is None else material.words)
        if material is not None and not self._sized:
            self._sized = True
            if asked.preset == "laptop" and LAPTOP_PX in material.sizes:
                self._change(resolution=LAPTOP_PX)
        has_classes = material is not None and material.classes > 0
        dpg.configure_item(f"{TAG}.labels", enabled=has_classes)
        dpg.set_value(f"{TAG}.labels", asked.labels and has_classes)
        fixed = RESOLUTIONS.get(asked.preset)
        own = "" if material is None else f": {max(material.height, material.width)} px"
        whole = AS_THEY_ARE + own if fixed is None else f"as the preset has it: {fixed} px"
        self._sizes = {whole: None} | {f"{px} px": px for px in (() if material is None else material.sizes)}
        dpg.configure_item(f"{TAG}.size", items=list(self._sizes))
        chosen = next((words for words, px in self._sizes.items() if px == asked.resolution), whole)
        dpg.set_value(f"{TAG}.size", chosen)
        self._show_plan(plan, busy)

    def _show_plan(self, plan: Plan | None, busy: bool) -> None:
        config = None if plan is None or busy else plan.config
        if config is not None:
            if not dpg.is_item_active(f"{TAG}.kimg"):
                dpg.set_value(f"{TAG}.kimg", config.kimg)
            grows = config.growth is not None
            dpg.configure_item(f"{TAG}.batch", items=[*([BY_SIZE] if grows else []), *map(str, BATCHES)])
            dpg.set_value(f"{TAG}.batch", BY_SIZE if len(set(config.batches.values())) > 1 else str(config.batch))
            if not self._named:
                px = config.generator.img_resolution
                dpg.set_value(f"{TAG}.name", self._free(f"{_short_name(Path(self._asked.data))}-{config.preset}-{px}"))
        dpg.configure_item(f"{TAG}.begin", enabled=config is not None)
        refusal = "" if plan is None or busy else plan.refusal
        empty = not self._asked.data
        words = "Looking at the pictures …" if busy else refusal if empty else "" if plan is None else plan.words
        dpg.set_value(f"{TAG}.words", words)
        dpg.configure_item(f"{TAG}.words", color=theme.DIM if busy or empty else theme.TEXT, show=bool(words))
        dpg.set_value(f"{TAG}.refusal", refusal)
        dpg.configure_item(f"{TAG}.refusal", show=bool(refusal) and not empty)

    def _list_starts(self) -> None:
        """Scratch, the model that is open, the file that was chosen."""
        explorer, starts = self._ui.explorer, {SCRATCH: ""}
        if explorer.card is not None and explorer.scene.model.path:
            starts[f"{explorer.card.name}, which is open"] = str(model_file(explorer.scene.model))
        if self._asked.start not in starts.values():
            starts[Path(self._asked.start).name] = self._asked.start
        if starts != self._starts:
            self._starts = starts
            dpg.configure_item(f"{TAG}.start", items=[*starts, FILE])

    def _free(self, name: str) -> str:
        """A name that no run has."""
        taken = {run.name for run in self._desk.runs}
        number = 2
        free = name
        while free in taken:
            free, number = f"{name}-{number}", number + 1
        return free

    # -- actions -------------------------------------------------------------------------------------------------------

    def _change(self, **changes: Any) -> None:
        self._asked = replace(self._asked, **changes)

    def _typed_data(self) -> None:
        """A path is whole: on its way it may have named folders that nobody means, and that are large."""
        text = dpg.get_value(f"{TAG}.data").strip()
        if text != self._asked.data:
            self._change(data=text, resolution=None)
            self._sized = False

    def _set_preset(self, name: str) -> None:
        self._change(preset=name, kimg=None, batch=None, resolution=None)
        self._sized = False

    def _set_size(self, words: str) -> None:
        self._change(resolution=self._sizes.get(words))
        self._sized = True

    def _set_start(self, words: str) -> None:
        if words == FILE:
            self._browser.show("Choose a model to start from", lambda path: self._change(start=str(path)), MODELS)
            self._seen = ()  # until one is chosen it is as it was
        else:
            self._change(start=self._starts[words])

    def _set_kimg(self, sender: Any, value: float) -> None:
        del sender
        self._change(kimg=float(f"{value:.6g}") if value > 0 else None)

    def _name(self, sender: Any, text: str) -> None:
        del sender
        self._named = bool(text.strip())

    def _browse(self) -> None:
        self._browser.show(BROWSE_DATA, self.use, (".zip", *PICTURES, *VIDEOS), folders=True)

    def _begin(self) -> None:
        plan, name = self._desk.planning.plan, dpg.get_value(f"{TAG}.name").strip()
        if plan is None or plan.config is None or self._desk.planning.busy:
            return
        if not name or Path(name).name != name or name.startswith("."):
            self._ui.explorer.say(f"'{name}' cannot be a folder's name; give the run another one.", "error")
            return
        self._desk.begin(plan.config, name)
        self._named = False
        self._done()


def _short_name(data: Path) -> str:
    """Pictures, for the name of a run."""
    return "faces" if data == DEMO_FACES else data.stem
