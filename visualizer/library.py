"""Where models are found: at their paths, among the starter models that come with the program, and in folders."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stylegan_core.errors import StyleScopeError
from stylegan_core.scene import ModelRef

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SUFFIXES = frozenset({".pkl", ".pt", ".model", ".safetensors", ".png", ".json", ".npz", ".npy"})


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


@dataclass(frozen=True)
class Entry:
    """One line of the browser."""

    path: Path
    is_folder: bool
    size_bytes: int


def browse(folder: Path, search: str = "") -> list[Entry]:
    """Folders and model files of a folder, folders first, whose names contain `search` (case does not matter).

    Pictures and sessions are listed too, as they open the same way.

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
            elif path.suffix.lower() in SUFFIXES:
                found.append(Entry(path, False, path.stat().st_size))
        except OSError:  # vanished, or a folder nobody may look into: it is left out
            continue
    return sorted(found, key=lambda entry: (not entry.is_folder, entry.path.name.casefold()))
