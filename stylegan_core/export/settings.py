"""What an export is to be: its format, size, rate and the rest, checked before anything is rendered."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from stylegan_core.errors import StyleScopeError, first_wrong
from stylegan_core.scene import Part

Format = Literal["mp4", "webm", "gif", "webp", "png", "png16", "sheet"]
Codec = Literal["h264", "hevc", "av1", "vp9"]
Fit = Literal["letterbox", "crop", "pad", "stretch"]
Side = Annotated[int, Field(ge=16, le=16384)]
Byte = Annotated[int, Field(ge=0, le=255)]
Rate = Annotated[float, Field(ge=0.1, le=240, allow_inf_nan=False)]

CODECS: Mapping[str, tuple[Codec, ...]] = {"mp4": ("h264", "hevc", "av1"), "webm": ("vp9", "av1")}  # the first: usual
MAX_GIF_FPS = 50  # a GIF counts in hundredths of a second, and players slow down what is shown for only one


class ExportError(StyleScopeError):
    """An export cannot be made or went wrong; the message names the file and the remedy."""


class ExportSettings(Part):
    """How a walk becomes a file.

    Generators make pictures of one size, so there are no finer ones to take the mean of: a change of size is always
    filtered (Lanczos), and what is supersampled is time, see `motion_blur`.

    "png" and "png16" are folders with a file for each frame, of 8 and 16 bits a channel. "sheet" is one PNG with
    `pictures` of the walk, evenly over it.

    Alpha is kept by PNG sequences, WebP and VP9 in WebM, and in GIF as transparent or opaque; everything else has it
    laid over `background`, as what is beside a picture.
    """

    format: Format = "mp4"
    codec: Codec | None = None  # of "mp4" and "webm"; None: the usual one
    # In px; of a sheet, of each of its pictures. None: as the picture has it, or in proportion to the other one.
    # Videos of less than 256 px are then magnified by a whole factor, since players and codecs blur them.
    width: Side | None = None
    height: Side | None = None
    fit: Fit = "letterbox"  # "pad": as "letterbox", but never enlarged
    background: tuple[Byte, Byte, Byte] = (0, 0, 0)  # sRGB
    # Keep transparency where the format can; else it is laid over the background. Not said where it is kept, so that an
    # export that another version has begun is known again.
    alpha: Annotated[bool, Field(exclude_if=bool)] = True
    fps: Rate = 30.0
    # Videos: 1 to 100, from small to hardly a loss to be seen. WebP: 100 is lossless. GIF and PNG have none.
    quality: Annotated[int, Field(ge=1, le=100)] = 80
    motion_blur: Annotated[int, Field(ge=1, le=64)] = 1  # pictures whose mean, in linear light, is one frame
    # The shutter is open for so much of a frame:
    shutter: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.5
    sound: bool = True  # the walk's sound, where the format has any
    pictures: Annotated[int, Field(ge=1, le=1024)] = 24  # on a sheet
    columns: Annotated[int, Field(ge=1, le=64)] = 6  # of a sheet

    @model_validator(mode="after")
    def _suits_the_format(self) -> "ExportSettings":
        codecs = CODECS.get(self.format, ())
        if self.codec is not None and self.codec not in codecs:
            has = f"has {' or '.join(codecs)}" if codecs else "has no codec to choose"
            raise ValueError(f"codec '{self.codec}' does not go into {self.format}, which {has}")
        if codecs and any(side is not None and side % 2 for side in (self.width, self.height)):
            raise ValueError(f"width and height have to be even for {self.format}")
        if self.format == "gif" and self.fps > MAX_GIF_FPS:
            raise ValueError(f"a GIF has at most {MAX_GIF_FPS} frames/s, not {self.fps:g}; choose WebP or a video")
        return self

    @property
    def is_video(self) -> bool:
        """Whether it is compressed as video is: even sides, a codec, sound."""
        return self.format in CODECS

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.format in ("png", "png16")

    @property
    def keeps_alpha(self) -> bool:
        """Whether transparency survives."""
        return self.alpha and self.can_keep_alpha

    @property
    def can_keep_alpha(self) -> bool:
        """Whether the format has a place for transparency."""
        return self.format in ("webp", "png", "png16", "gif") or self.chosen_codec == "vp9"

    @property
    def bits(self) -> Literal[8, 16]:
        """Of each channel of the pictures that have to be rendered."""
        return 16 if self.format == "png16" else 8

    @property
    def chosen_codec(self) -> Codec | None:
        """The video's codec; None where there is none to choose."""
        return self.codec or CODECS.get(self.format, (None,))[0]

    @property
    def rate(self) -> Fraction:
        """Frames/s as containers count."""
        return Fraction(self.fps).limit_denominator(1001)


def export_settings(values: Mapping[str, Any]) -> ExportSettings:
    """Settings from values by name, such as options of a command.

    Raises:
        ExportError: in one sentence, which one is wrong and why.
    """
    try:
        return ExportSettings.model_validate(dict(values))
    except ValidationError as error:
        field, reason = first_wrong(error)
        found = f"{field} is {error.errors()[0]['input']!r}: " if field else ""
        raise ExportError(f"The export cannot be made so: {found}{reason}.") from error
