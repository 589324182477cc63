"""Which formats and codecs the installed libraries can write."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
from PIL import features

from stylegan_core.export.settings import CODECS, Codec, ExportError, ExportSettings, Format

# The encoder of each codec: those that can be told to give out every frame at once.
ENCODERS: Mapping[Codec, str] = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1", "vp9": "libvpx-vp9"}
WORKING_ENCODER = "png"  # of the working file of a GIF, a WebP or a sheet: lossless, with alpha
PILLOW_WEBP = "webp"  # FFmpeg's is libwebp
_NEEDS: Mapping[Format, tuple[str, ...]] = {
    "gif": (WORKING_ENCODER, "gif"),
    "webp": (WORKING_ENCODER, PILLOW_WEBP),
    "png": (),  # Pillow writes them
    "png16": (WORKING_ENCODER,),
    "sheet": (WORKING_ENCODER,),
}
NAMES: Mapping[Format, str] = {
    "mp4": "MP4 video",
    "webm": "WebM video",
    "gif": "GIF",
    "webp": "animated WebP",
    "png": "PNG sequence, 8 bit",
    "png16": "PNG sequence, 16 bit",
    "sheet": "contact sheet",
}
SUFFIXES: Mapping[str, Format] = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".webm": "webm",
    ".gif": "gif",
    ".webp": "webp",
    ".png": "sheet",
    "": "png",
}


@dataclass(frozen=True)
class FormatInfo:
    """A format that can be written here: its name for people, its file's ending, and codecs, the usual one first."""

    format: Format
    name: str
    suffix: str  # with its dot; empty: a folder
    codecs: tuple[Codec, ...] = ()


@lru_cache(maxsize=64)
def has_encoder(name: str) -> bool:
    """Whether the installed FFmpeg libraries have an encoder of this name, or Pillow has that of WebP."""
    if name == PILLOW_WEBP:
        return bool(features.check("webp"))
    try:
        av.codec.Codec(name, "w")
    except ValueError:  # av's own error for it is one
        return False
    return True


def available_formats() -> tuple[FormatInfo, ...]:
    """The formats that can be written here, the usual one first."""
    found = []
    for format_, name in NAMES.items():
        codecs = tuple(codec for codec in CODECS.get(format_, ()) if has_encoder(ENCODERS[codec]))
        if codecs if format_ in CODECS else all(map(has_encoder, _NEEDS[format_])):
            suffix = next(suffix for suffix, other in SUFFIXES.items() if other == format_.removesuffix("16"))
            found.append(FormatInfo(format_, name, suffix, codecs))
    return tuple(found)


def require_encoder(settings: ExportSettings) -> None:
    """Be sure that these settings can be written here.

    Raises:
        ExportError: they cannot; it says what is missing, and what there is instead.
    """
    there = {info.format: info for info in available_formats()}
    info, codec = there.get(settings.format), settings.chosen_codec
    if info is not None and (codec is None or codec in info.codecs):
        return
    missing = ENCODERS[codec] if codec is not None else _NEEDS[settings.format][-1]
    instead = f"there is {' or '.join(there if info is None else info.codecs)}"
    raise ExportError(
        f"{NAMES[settings.format]} needs the encoder {missing}, which the libraries installed here do not have; "
        f"{instead}, or install PyAV and Pillow from PyPI, which bring it."
    )


def suffix_format(path: Path) -> Format:
    """The format that a file's ending asks for; a name without an ending is a folder of PNGs.

    Raises:
        ExportError: it asks for none that is known.
    """
    try:
        return SUFFIXES[path.suffix.lower()]
    except KeyError:
        known = ", ".join(suffix for suffix in SUFFIXES if suffix)
        raise ExportError(
            f"{path} does not say what to write: end it with {known}, or with nothing for a folder of PNGs."
        ) from None


def require_name(path: Path, settings: ExportSettings) -> None:
    """Be sure that a file's ending says what it is, as players and `read_video_walk` go by that; folders are free.

    Raises:
        ExportError: it does not.
    """
    if not settings.is_folder and SUFFIXES.get(path.suffix.lower()) != settings.format:
        suffix = next(suffix for suffix, other in SUFFIXES.items() if other == settings.format)
        raise ExportError(f"{path} is no name for a {NAMES[settings.format]}: end it with {suffix}.")
