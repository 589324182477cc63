"""Files that somebody opens or saves: what one holds, and where the next one goes."""

import json
import time
from itertools import chain, count
from pathlib import Path

from stylegan_core.picture import read_scene
from stylegan_core.projected import is_projected, open_projected
from stylegan_core.scene import Latent, Scene, scene_from_json
from visualizer.session import Session, read_session

OF_SCENES_ALONE = frozenset(Scene.model_fields) - frozenset(Session.model_fields)


def read_kept(path: Path) -> Scene | Session | Latent | None:
    """What a picture, a session, a Scene's JSON or a projected face holds; None: it is none of them, a model perhaps.

    Raises:
        StyleScopeError: it is one of them, and broken.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"\x89PNG"):
        return read_scene(path)
    if is_projected(path, start):
        return open_projected(path)
    if start.lstrip()[:1] == b"{":  # no model file starts so
        return scene_from_json(path.read_text(encoding="utf-8"), str(path)) if _is_scene(path) else read_session(path)
    return None


def _is_scene(path: Path) -> bool:
    """Whether a JSON file is a Scene, rather than a session with a Scene in it. Of a broken one the session speaks."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return False
    return "scene" not in data and not OF_SCENES_ALONE.isdisjoint(data)


def stamped(name: str) -> str:
    """A name with the time of day in it, for files that somebody makes many of."""
    return f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def free_place(folder: Path, name: str, suffix: str = ".png") -> Path:
    """name.png in a folder, or name-2.png, name-3.png, ... where that is taken."""
    places = (folder / f"{name}{more}{suffix}" for more in chain([""], (f"-{n}" for n in count(2))))
    return next(place for place in places if not place.exists())
