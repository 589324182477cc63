"""What commands share: Scenes and walks in files with their models, a model's facts as tables, progress on stderr."""

import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from PIL import ImageColor
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.checkpoint import read_discriminator
from stylegan_core.cuda_graphs import PictureGraphs
from stylegan_core.edits.tracks import add_clip
from stylegan_core.edits.walk import fit_duration
from stylegan_core.errors import Cancelled, ModelFileError, SceneError
from stylegan_core.export import Export, ExportError, ExportSettings, export_settings, suffix_format
from stylegan_core.models import ModelStore
from stylegan_core.render import Renderer
from stylegan_core.scene import Latent, ModelRef, Scene
from stylegan_core.walk import Take, Walk
from visualizer.exporting import STEPS_BYTES, walk_picture
from visualizer.files import Kept, read_kept
from visualizer.library import absolute, model_file, on_disk, sound_of, walk_models, with_models
from visualizer.session import Session

T = TypeVar("T")
Which = Literal["G_ema", "G"]

LOOK_S = 0.05  # how often it is said how far an export is


# -- Scenes ------------------------------------------------------------------------------------------------------------


def kept_in(file: Path) -> Kept:
    """What a file holds that is no model.

    Raises:
        StyleScopeError: it cannot be read, or is broken, or holds nothing of ours.
    """
    try:
        kept = read_kept(file)
    except OSError as error:
        raise SceneError(f"{file} cannot be read: {error.strerror}.") from error
    if kept is None:
        raise SceneError(f"{file} holds no Scene; give a picture saved by StyleScope, a session, or a Scene as JSON.")
    return kept


def scene_of(kept: Kept, file: Path, models: ModelStore, path: Path | None, which: Which | None = None) -> Scene:
    """The Scene that was in a file, for its model, which is opened: from `path`, or where the Scene says.

    Raises:
        StyleScopeError: there is none, or its model is not there.
    """
    if isinstance(kept, Walk):
        raise SceneError(f"{file} holds a walk, which is many Scenes; give a picture, a session, or a Scene as JSON.")
    if isinstance(kept, Take):
        raise SceneError(f"{file} holds a take, which is many Scenes; give a picture, a session, or a Scene as JSON.")
    if isinstance(kept, Latent):
        kept = Scene(latent=kept)
    scene = kept if isinstance(kept, Scene) else kept.scene
    ref, card = _opened(file, scene.model, models, path, which)
    # Made as it is, unless somebody wrote it who did not know the model; of what is looked at, the error speaks.
    return edits.fit(scene, card, ref).model_copy(update={"look": scene.look})


def walk_in(kept: Kept, out: Path) -> Walk | None:
    """The walk in what a file holds; that of a session where `out` is no picture. None: there is none.

    A take is a walk of itself alone.
    """
    if isinstance(kept, Take):
        return fit_duration(add_clip(Walk(name=kept.name), kept))
    if isinstance(kept, Session):
        return kept.walk if out.suffix.lower() != ".png" else None
    return kept if isinstance(kept, Walk) else None


def walk_of(walk: Walk, file: Path, models: ModelStore, path: Path | None) -> Walk:
    """The walk that was in a file, for its models, which are opened: from `path` that one, others where it says.

    Raises:
        StyleScopeError: a model is not there.
    """
    refs, found = walk_models(walk), {}
    for ref in refs:
        alone = len(refs) == 1 or not ref.digest
        is_given = path is not None and (alone or models.open(absolute(path), ref.which).card.digest == ref.digest)
        found[ref], _ = _opened(file, ref, models, path if is_given else None)
    return with_models(walk, found).model_copy(update={"sound": sound_of(walk, file)})


def _opened(
    file: Path, ref: ModelRef, models: ModelStore, path: Path | None, which: Which | None = None
) -> tuple[ModelRef, ModelCard]:
    """The model that a file names, in memory."""
    place = absolute(path or model_file(ref))
    if path is None and not (ref.path and on_disk(place)):
        raise SceneError(f"The model of {file} is not at '{ref.path}'; give its place with --model.")
    which = which or ref.which
    card = models.open(place, which).card
    if ref.digest not in ("", card.digest):
        raise SceneError(f"{place} is not the model that {file} was made with; give the place of that with --model.")
    return ModelRef(digest=card.digest, path=str(place), which=which), card


def changed(scene: Scene, **parts: Mapping[str, object]) -> Scene:
    """A Scene with those fields of its parts that were given; None is none."""
    changes = {}
    for name, fields in parts.items():
        given = {field: value for field, value in fields.items() if value is not None}
        changes[name] = getattr(scene, name).model_copy(update=given)
    return scene.model_copy(update=changes)


# -- models ------------------------------------------------------------------------------------------------------------


def print_model(path: Path, card: ModelCard) -> None:
    """What a model's file holds, for people."""
    console = Console(highlight=False)
    console.print(_facts(card, _has_discriminator(path)))
    console.print(_layers(card))


def _has_discriminator(path: Path) -> bool:
    try:
        read_discriminator(path)
    except ModelFileError:
        return False
    return True


def _facts(card: ModelCard, has_discriminator: bool) -> Table:
    facts = {
        "model": card.name,
        "family": f"{card.family} {card.variant}".rstrip(),
        "resolution": f"{size_in_px(card.height, card.width)}, {card.img_channels} channels",
        "z": f"{card.z_dim} dimensions",
        "c": f"{card.c_dim} classes" if card.c_dim else "none: the model is unconditional",
        "w": f"{card.num_ws} style vectors of {card.w_dim} dimensions",
        "parameters": f"{card.parameters:,}",
        "motion": _motion(card),
        "precision": "half for its finer layers, on a GPU" if card.has_half else "single",
        "discriminator": "in the file too" if has_discriminator else "none in the file",
        "digest": card.digest,
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in (*facts.items(), *card.description.items()):
        # A file's own words may hold what a terminal takes for commands.
        table.add_row(*(Text("".join(c if c.isprintable() else "?" for c in text)) for text in (name, words)))
    return table


def _motion(card: ModelCard) -> str:
    if card.has_transform:
        return "exact: the input can be moved, turned and scaled"
    return f"nearly: features of {card.moved_px}² are moved, finer ones stick" if card.can_move else "none"


def _layers(card: ModelCard) -> Table:
    table = Table(box=box.SIMPLE)
    table.add_column("layer")
    for heading in ("px", "channels", "style vector"):
        table.add_column(heading, justify="right")
    for heading in ("shapes", "noise"):
        table.add_column(heading)
    for layer in card.layers:
        size = card.size_words(layer.resolution).removesuffix("²")
        place = size, str(layer.channels), str(layer.ws_index)
        table.add_row(layer.name, *place, card.slot_band(layer.ws_index), "yes" if layer.has_noise else "")
    return table


# -- progress ----------------------------------------------------------------------------------------------------------


def told(doing: str) -> Callable[[float], None]:
    """What stderr is told of a piece of work: each tenth of it."""
    tenths = 0

    def tell(done: float) -> None:
        nonlocal tenths
        if int(done * 10) > tenths:
            tenths = int(done * 10)
            print(f"{doing}: {tenths * 10} %", file=sys.stderr)

    return tell


def watched(items: Iterable[T], total: int, doing: str) -> Iterator[T]:
    """Pass items on; meanwhile stderr says how many there were, how many a second, and the time left."""
    rate = TextColumn("{task.fields[rate]} a second"), TimeRemainingColumn()
    with _bar(*rate) as progress:
        task = progress.add_task(doing, total=total, rate="-")
        for number, item in enumerate(items, 1):
            speed = progress.tasks[0].speed
            progress.update(task, completed=number, rate="-" if speed is None else f"{speed:.1f}")
            if progress.disable:
                _log(doing, number - 1, number, total)
            yield item


def _bar(*columns: ProgressColumn) -> Progress:
    """A bar in a terminal; nothing in a log."""
    console = Console(stderr=True)
    first = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*first, *columns, console=console, transient=True, disable=not console.is_terminal)


def _log(doing: str, before: int, done: int, total: int) -> None:
    """At each tenth, a line."""
    if done * 10 // total > before * 10 // total:
        print(f"{doing}: {done} of {total}", file=sys.stderr)


# -- exports -----------------------------------------------------------------------------------------------------------


class WalkRun:
    """A walk on its way into a file, without a window.

    Args:
        walk: for models that are open.
        settings: how it is exported.
        out: where to.
        models: with its models.
        half: 16 bits where those are quicker.
        overwrite: something else at `out` may be replaced.
    """

    def __init__(
        self, walk: Walk, settings: ExportSettings, out: Path, models: ModelStore, half: bool, overwrite: bool
    ):
        graphs = PictureGraphs() if models.device.type == "cuda" else None
        self._renderer = Renderer(models, half, STEPS_BYTES, graphs=graphs)
        self._stopping = threading.Event()
        self.made = 0  # pictures
        self.export = Export(walk, settings, out, self._picture, overwrite)

    def run(self) -> None:
        """Export it; meanwhile stderr says how far it is. What it is interrupted by goes on once the file is closed.

        Raises:
            ExportError: it failed; what is written stays.
        """
        export, doing = self.export.start(), "Exporting"
        try:
            with _bar(TextColumn("{task.fields[left]}")) as progress:
                task, before = progress.add_task(doing, total=export.num_frames, left=""), export.frames_done
                ended = False
                while not ended:
                    ended, done = export.wait(LOOK_S), export.frames_done
                    progress.update(task, completed=done, left=_pace(export))
                    if progress.disable:
                        _log(doing, before, done, export.num_frames)
                    before = done
        finally:
            self._stopping.set()
            export.cancel()
            export.wait()
        if export.error is not None:
            raise ExportError(export.error)

    def _picture(self, scene: Scene) -> np.ndarray:
        self.made += 1
        return walk_picture(self._renderer, scene, self.export.settings.bits, self._poll)

    def _poll(self) -> None:
        if self._stopping.is_set():
            raise Cancelled


def _pace(export: Export) -> str:
    """How quick it is, and how long it will take."""
    if export.state == "finishing":
        return "finishing the file"
    left = export.seconds_left
    if not left:
        return ""
    return f"{(export.num_frames - export.frames_done) / left:.1f} frames/s  {timedelta(seconds=round(left))} left"


def settings_of(given: Mapping[str, Any], out: Path) -> ExportSettings:
    """How a walk is exported.

    Args:
        given: options by name: fields of `ExportSettings`, "size", "bits", "silent", "opaque"; others are left aside.
        out: whose ending says the format.

    Raises:
        ExportError: they do not go together, in a sentence.
    """
    values = {name.replace("-", "_"): value for name, value in given.items()}
    values = {name: value for name, value in values.items() if name in ExportSettings.model_fields}
    values |= {"format": suffix_format(out), "sound": not given.get("silent", False)}
    values["alpha"] = not given.get("opaque", False)
    if "background" in given:
        values["background"] = _colour_of(given["background"])
    if "size" in given:
        values["width"], values["height"] = _size_of(given["size"])
    if (bits := given.get("bits", 8)) != 8:
        if bits != 16 or values["format"] != "png":
            raise ExportError(f"--bits {bits} cannot be had in {out}; 16 bits are for folders of PNGs.")
        values["format"] = "png16"
    return export_settings(values)


def _colour_of(text: str) -> tuple[int, ...]:
    """Red, green and blue of "white", "#ff8800" and the like."""
    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise ExportError(f"--background: '{text[:40]}' is no colour; write white, black or '#ff8800'.") from error


def size_in_px(height: int, width: int) -> str:
    """A picture's size in words: "64 px", or "64×96 px", width first."""
    return f"{width} px" if width == height else f"{width}×{height} px"


def _size_of(text: str) -> tuple[int, int]:
    """Width and height in px of "1920x1080"."""
    match = re.fullmatch(r"(\d{1,5})\s*[x×]\s*(\d{1,5})", text.strip(), re.IGNORECASE)
    if match is None:
        raise ExportError(f"--size: '{text[:40]}' is no size; write 1920x1080.")
    return int(match[1]), int(match[2])


def walk_with(walk: Walk, given: Mapping[str, Any]) -> Walk:
    """A walk with other in and out points and another sound, by the options "from", "to", "sound".

    Raises:
        ExportError: there is nothing between the points.
    """
    first, last = given.get("from", walk.first_s), given.get("to", walk.last_s)
    end = walk.duration_s if last is None else min(last, walk.duration_s)
    if first >= end:
        raise ExportError(f"From {first:g} s to {end:g} s there is nothing; the walk is {walk.duration_s:g} s long.")
    sound = str(absolute(given["sound"])) if "sound" in given else walk.sound
    return walk.model_copy(update={"first_s": first, "last_s": last, "sound": sound})
