"""What commands share: the Scene in a file with its model, a model's facts as tables, progress on stderr."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeVar

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.checkpoint import read_discriminator
from stylegan_core.errors import ModelFileError, SceneError
from stylegan_core.models import ModelStore
from stylegan_core.scene import Latent, ModelRef, Scene
from visualizer.files import read_kept
from visualizer.library import absolute, model_file, on_disk

T = TypeVar("T")
Which = Literal["G_ema", "G"]


# -- Scenes ------------------------------------------------------------------------------------------------------------


def scene_in(file: Path, models: ModelStore, path: Path | None, which: Which | None = None) -> Scene:
    """The Scene in a file, for its model, which is opened: from `path`, or where the Scene says.

    Raises:
        StyleScopeError: there is none, or its model is not there.
    """
    try:
        kept = read_kept(file)
    except OSError as error:
        raise SceneError(f"{file} cannot be read: {error.strerror}.") from error
    if kept is None:
        raise SceneError(f"{file} holds no Scene; give a picture saved by StyleScope, a session, or a Scene as JSON.")
    if isinstance(kept, Latent):
        kept = Scene(latent=kept)
    scene = kept if isinstance(kept, Scene) else kept.scene
    ref, card = _opened(file, scene.model, models, path, which)
    # Made as it is, unless somebody wrote it who did not know the model; of what is looked at, the error speaks.
    return edits.fit(scene, card, ref).model_copy(update={"look": scene.look})


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
        "resolution": f"{card.resolution} px, {card.img_channels} channels",
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
        place = (str(number) for number in (layer.resolution, layer.channels, layer.ws_index))
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
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    rate = TextColumn("{task.fields[rate]} a second"), TimeRemainingColumn()
    progress = Progress(*columns, *rate, console=Console(stderr=True), transient=True)
    plain = progress.disable = not progress.console.is_terminal
    with progress:
        task = progress.add_task(doing, total=total, rate="-")
        for number, item in enumerate(items, 1):
            speed = progress.tasks[0].speed
            progress.update(task, completed=number, rate="-" if speed is None else f"{speed:.1f}")
            if plain and number * 10 // total > (number - 1) * 10 // total:  # ten lines in a log
                print(f"{doing}: {number} of {total}", file=sys.stderr)
            yield item
