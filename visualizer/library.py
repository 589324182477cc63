"""Where models are found: the starter models that come with the program, and folders on the disk."""

from dataclasses import dataclass
from pathlib import Path

from stylegan_core.errors import StyleScopeError

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SUFFIXES = frozenset({".pkl", ".pt", ".model", ".safetensors", ".png", ".json"})


def starter_models() -> tuple[Path, ...]:
    """The models in assets/models, by name."""
    return tuple(sorted((ASSETS / "models").glob("*.safetensors")))


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
