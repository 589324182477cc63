"""Files that somebody opens or saves: what one holds, and where the next one goes."""

import json
import time
from itertools import chain, count
from pathlib import Path

from stylegan_core.export.metadata import FOLDER_WALK, read_video_walk
from stylegan_core.picture import read_scene
from stylegan_core.projected import is_projected, open_projected
from stylegan_core.scene import Latent, Scene, scene_from_data
from stylegan_core.take import is_take, read_take
from stylegan_core.walk import Take, Walk, WalkError
from stylegan_core.walk_file import walk_from_data
from visualizer.session import Session, SessionError, session_from_data

Kept = Scene | Walk | Take | Session | Latent

# What tells the kinds of JSON files apart:
_SCENE, _WALK, _SESSION = (frozenset(kind.model_fields) for kind in (Scene, Walk, Session))
OF_SCENES_ALONE, OF_WALKS_ALONE = _SCENE - _WALK - _SESSION, _WALK - _SCENE - _SESSION


def read_kept(path: Path) -> Kept | None:
    """What a file holds; None: nothing of all this, it is a model perhaps.

    Args:
        path: a picture or a Scene's JSON; a video, an animation, a sheet, a folder of pictures or a walk's JSON; a
            take; a session; a projected face. They are told apart by what is in them.

    Raises:
        StyleScopeError: it is one of them, and broken.
        OSError: it cannot be opened.
    """
    if (path / FOLDER_WALK).is_file():
        return read_video_walk(path)
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"\x89PNG"):
        return read_video_walk(path) or read_scene(path)
    if _moves(start):
        walk = read_video_walk(path)
        if walk is None:
            raise WalkError(f"{path} carries no walk; only videos exported by StyleScope can be opened.")
        return walk
    if is_projected(path, start):
        return open_projected(path)
    if is_take(start):
        return read_take(path)
    if start.lstrip()[:1] == b"{":  # no model file starts so
        return _kept_in_json(path)
    return None


def _moves(start: bytes) -> bool:
    """Whether a file is a video or an animation, from its first bytes: MP4, WebM, GIF, WebP."""
    if start[4:8] == b"ftyp" or start.startswith((b"\x1aE\xdf\xa3", b"GIF8")):
        return True
    return start.startswith(b"RIFF") and start[8:12] == b"WEBP"


def _kept_in_json(path: Path) -> Scene | Walk | Session:
    """A Scene, a walk or a session with both in it. Of what is none of them the session speaks."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise SessionError(f"{path} is no StyleScope session ({error}).") from error
    fields = set(data) if isinstance(data, dict) and "scene" not in data else set()
    if fields & OF_WALKS_ALONE:
        return walk_from_data(data, str(path))
    if fields & OF_SCENES_ALONE:
        return scene_from_data(data, str(path))
    return session_from_data(data, str(path))


def stamped(name: str) -> str:
    """A name with the time of day in it, for files that somebody makes many of."""
    return f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def free_place(folder: Path, name: str, suffix: str = ".png") -> Path:
    """name.png in a folder, or name-2.png, name-3.png, ... where that is taken."""
    places = (folder / f"{name}{more}{suffix}" for more in chain([""], (f"-{n}" for n in count(2))))
    return next(place for place in places if not place.exists())
