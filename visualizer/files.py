"""Files that somebody opens or saves: what one holds, and where the next one goes."""

from itertools import chain, count
from pathlib import Path

from stylegan_core.picture import read_scene
from stylegan_core.scene import Scene
from visualizer.session import Session, read_session


def read_kept(path: Path) -> Scene | Session | None:
    """What a picture or a session holds, told apart by the first bytes; None: it is neither, a model perhaps.

    Raises:
        StyleScopeError: it is one of them, and broken.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"\x89PNG"):
        return read_scene(path)
    if start.lstrip()[:1] == b"{":  # no model file starts so
        return read_session(path)
    return None


def free_place(folder: Path, name: str, suffix: str = ".png") -> Path:
    """name.png in a folder, or name-2.png, name-3.png, ... where that is taken."""
    places = (folder / f"{name}{more}{suffix}" for more in chain([""], (f"-{n}" for n in count(2))))
    return next(place for place in places if not place.exists())
