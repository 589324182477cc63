"""The walk inside the file that was made of it, or beside it: writing and reading.

Videos and sheets carry it as JSON in their metadata, folders of pictures as walk.json, and what has no place for it
(GIF, WebP, and walks that are too long) in a file beside it.
"""

import json
from pathlib import Path

import av
from av.error import FFmpegError
from PIL import Image, UnidentifiedImageError

from stylegan_core.walk import Walk, WalkError
from stylegan_core.walk_file import read_walk, walk_from_json, walk_to_data, write_walk

WALK_KEY = "stylescope.walk"
EXPORT_KEY = "stylescope.export"  # which export it is: the same walk with the same settings
FOLDER_WALK = "walk.json"
# Named rather than guessed from the content, which may be a list of other files and addresses to open.
_READERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".webm": "webm"}
LIMIT = 8 << 20  # characters of a walk inside a file; WebM's readers take 16 million


def walk_text(walk: Walk) -> str:
    """The walk as one line of JSON, for metadata."""
    return json.dumps(walk_to_data(walk), separators=(",", ":"))


def sidecar(path: Path) -> Path:
    """Where the walk of a file lies that cannot carry it: walk.gif.walk.json, beside walk.gif."""
    return path.with_name(f"{path.name}.walk.json")


def write_sidecar(walk: Walk, path: Path) -> None:
    """Put the walk beside the file at `path`. All or nothing."""
    write_walk(walk, sidecar(path))


def read_tags(path: Path) -> dict[str, str]:
    """A video's metadata, by names in small letters; empty where it is no video.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb"):  # av's own errors do not tell what is missing from what is broken
        pass
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        return {}
    try:
        with av.open(f"file:{path}", format=reader, metadata_errors="replace") as file:
            return {name.lower(): text for name, text in file.metadata.items()}
    except (FFmpegError, ValueError):
        return {}


def read_video_walk(path: Path) -> Walk | None:
    """The walk that an exported video, animation, sheet or folder of pictures was made of.

    Also of one that is not finished yet. Nothing in a file is executed.

    Args:
        path: the file; or a folder of a PNG sequence.

    Returns:
        The walk; None where there is none, for it is another program's file.

    Raises:
        WalkError: the file cannot be read, or the walk in it is broken.
    """
    if path.is_dir():
        inside = path / FOLDER_WALK
        return read_walk(inside) if inside.exists() else None
    try:
        text = (png_texts(path) if path.suffix.lower() == ".png" else read_tags(path)).get(WALK_KEY)
    except FileNotFoundError as error:
        raise WalkError(f"{path} does not exist.") from error
    except OSError as error:
        raise WalkError(f"{path} cannot be read: {error.strerror or error}.") from error
    if text is not None:
        return walk_from_json(text, str(path))
    beside = sidecar(path)
    return read_walk(beside) if beside.exists() else None


def png_texts(path: Path) -> dict[str, str]:
    """The texts before a PNG's pixels, by name; empty where it is none.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return {str(name): text for name, text in image.info.items() if isinstance(text, str)}
    except (UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return {}
