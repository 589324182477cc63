"""Where models are found: at their paths, among the starter models that come with the program, and in folders."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from stylegan_core.checkpoint import digest
from stylegan_core.errors import ModelMissingError, StyleScopeError
from stylegan_core.scene import ModelRef, Scene
from stylegan_core.walk import Walk

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SUFFIXES = frozenset(
    {".pkl", ".pt", ".model", ".safetensors"}  # models
    | {".png", ".json", ".npz", ".npy"}  # Scenes, sessions, projected faces
    | {".mp4", ".m4v", ".webm", ".gif", ".webp"}  # walks
)
SOUNDS = frozenset(".wav .flac .mp3 .ogg .opus .m4a .aac .aif .aiff .mp4 .m4v .mov .mkv .webm".split())


def starter_models() -> tuple[Path, ...]:
    """The models in assets/models, by name."""
    return tuple(sorted((ASSETS / "models").glob("*.safetensors")))


def absolute(path: Path) -> Path:
    """The path from the root; ~ is the home folder."""
    with suppress(RuntimeError):  # the home of somebody who does not exist
        path = path.expanduser()
    return path.absolute()


def on_disk(path: Path) -> bool:
    """Whether a path from a file, which may hold anything, leads to something."""
    try:
        return path.exists()
    except OSError:  # such as a name that is too long
        return False


def model_file(ref: ModelRef) -> Path:
    """Where a Scene's model is: at its path, or among the starter models, which lie elsewhere on every machine."""
    path = Path(ref.path)
    if on_disk(path):
        return path
    return next((starter for starter in starter_models() if starter.name == path.name), path)


def walk_models(walk: Walk) -> tuple[ModelRef, ...]:
    """The models of a walk's Scenes, each once."""
    samples = chain.from_iterable(clip.take.samples for clip in walk.clips)
    models = chain((key.scene.model for key in walk.keys), (sample.scene.model for sample in samples))
    return tuple(dict.fromkeys(models))


def with_models(walk: Walk, models: Mapping[ModelRef, ModelRef]) -> Walk:
    """A walk with other models in place of some."""
    if all(models.get(ref, ref) == ref for ref in walk_models(walk)):
        return walk

    def scene(before: Scene) -> Scene:
        return before.model_copy(update={"model": models.get(before.model, before.model)})

    keys = tuple(key.model_copy(update={"scene": scene(key.scene)}) for key in walk.keys)
    clips = []
    for clip in walk.clips:
        samples = tuple(each.model_copy(update={"scene": scene(each.scene)}) for each in clip.take.samples)
        clips.append(clip.model_copy(update={"take": clip.take.model_copy(update={"samples": samples})}))
    return walk.model_copy(update={"keys": keys, "clips": tuple(clips)})


def sound_of(walk: Walk, source: Path) -> str:
    """The path of a walk's sound, which may be written as it lies from the walk's file, `source`."""
    beside = absolute(source).parent / walk.sound
    return str(beside) if walk.sound and on_disk(beside) else walk.sound


def located(walk: Walk, source: Path, shown: ModelRef) -> Walk:
    """A walk whose models are named by digest and by where they lie on this machine, and its sound too.

    Args:
        walk: as it was read. Scenes that name no model at all go with the one that is shown.
        source: its file, for the error.
        shown: the model that is open, which may have been moved since.

    Raises:
        ModelMissingError: one of them is nowhere.
        ModelFileError: one that is named by its place alone cannot be read.
    """
    found = {}
    for ref in walk_models(walk):
        if not ref.digest and not ref.path:
            continue
        place = model_file(ref)
        if ref.digest and ref.digest == shown.digest:
            place = Path(shown.path)
        elif not on_disk(place):
            raise ModelMissingError(
                f"{source} needs the model '{ref.path}', which is not there; open that model first, "
                "from where it is now, and then this walk again."
            )
        place = absolute(place)
        found[ref] = ref.model_copy(update={"digest": ref.digest or digest(place), "path": str(place)})
    return with_models(walk, found).model_copy(update={"sound": sound_of(walk, source)})


@dataclass(frozen=True)
class Entry:
    """One line of the browser."""

    path: Path
    is_folder: bool
    size_bytes: int


def browse(folder: Path, search: str = "", suffixes: Collection[str] = SUFFIXES) -> list[Entry]:
    """Folders and files of a folder, folders first, whose names contain `search` (case does not matter).

    Models are listed, and pictures and sessions, as they open the same way; or what else has one of the suffixes.

    Raises:
        StyleScopeError: the folder cannot be read.
    """
    try:
        paths = list(folder.iterdir())
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        raise StyleScopeError(f"{folder} cannot be read: {getattr(error, 'strerror', error)}.") from error
    found = []
    for path in paths:
        if path.name.startswith(".") or search.casefold() not in path.name.casefold():
            continue
        try:
            if path.is_dir():
                found.append(Entry(path, True, 0))
            elif path.suffix.lower() in suffixes:
                found.append(Entry(path, False, path.stat().st_size))
        except OSError:  # vanished, or a folder nobody may look into: it is left out
            continue
    return sorted(found, key=lambda entry: (not entry.is_folder, entry.path.name.casefold()))
