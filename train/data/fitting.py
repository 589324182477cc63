"""One picture brought to the size and the channels that are trained."""

import io
from typing import Annotated, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

Crop = Literal["centre", "top", "bottom", "left", "right", "fit"]
Channels = Literal["grey", "rgb", "rgba"]

MODE: dict[Channels, str] = {"grey": "L", "rgb": "RGB", "rgba": "RGBA"}
_ANCHORS = {"centre": (0.5, 0.5), "top": (0.5, 0.0), "bottom": (0.5, 1.0), "left": (0.0, 0.5), "right": (1.0, 0.5)}
Level = Annotated[int, Field(ge=0, le=255)]


class PrepareSettings(BaseModel):
    """What a preparation does to pictures.

    Attributes:
        width, height: of every picture afterwards, px.
        crop: which part is kept, the largest of the right shape; "fit" keeps all and puts it on the background.
        background: red, green and blue behind what is transparent and around what is fitted. With channels "rgba"
            both stay transparent instead.
        channels: of every picture afterwards.
        labels: "keep" those of a dataset.json; the names of first "folders" as classes; "none".
        exact_duplicates: leave out pictures whose pixels have come before.
        near_bits: leave out pictures whose difference hash (256 bits, of what is kept) differs from an earlier one's
            in this many bits or fewer, and whose colours are much the same; None keeps them.
        smallest_side: leave out pictures whose kept part has a shorter side below this, px.
        every: of videos every n-th frame.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(default=256, ge=4, le=8192)
    height: int = Field(default=256, ge=4, le=8192)
    crop: Crop = "centre"
    background: tuple[Level, Level, Level] = (255, 255, 255)
    channels: Channels = "rgb"
    labels: Literal["keep", "folders", "none"] = "keep"
    exact_duplicates: bool = True
    near_bits: int | None = Field(default=16, ge=0, le=128)
    smallest_side: int = Field(default=1, ge=1)
    every: int = Field(default=1, ge=1)


def kept_box(size: tuple[int, int], settings: PrepareSettings) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the part that is kept of a picture, px.

    Args:
        size: the picture's width and height, px.
        settings: see `PrepareSettings`.
    """
    width, height = size
    if settings.crop == "fit":
        return 0.0, 0.0, float(width), float(height)
    scale = min(width / settings.width, height / settings.height)
    kept_width, kept_height = settings.width * scale, settings.height * scale
    right, down = _ANCHORS[settings.crop]
    left, top = (width - kept_width) * right, (height - kept_height) * down
    # Rounding must not leave the picture by a millionth.
    return left, top, min(float(width), left + kept_width), min(float(height), top + kept_height)


def fitted(picture: Image.Image, settings: PrepareSettings) -> Image.Image:
    """A picture as it is trained: cropped, resized with Lanczos' filter, in the wanted channels.

    Args:
        picture: of mode L, RGB or RGBA.
        settings: see `PrepareSettings`.
    """
    wanted, box = (settings.width, settings.height), kept_box(picture.size, settings)
    picture = in_channels(picture, settings)
    if settings.crop != "fit":
        return picture.resize(wanted, Image.Resampling.LANCZOS, box)
    scale = min(wanted[0] / picture.width, wanted[1] / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    whole = Image.new("RGBA" if picture.mode == "RGBA" else "RGB", wanted, _behind(picture.mode, settings))
    whole = whole if whole.mode == picture.mode else whole.convert(picture.mode)
    whole.paste(
        picture.resize(size, Image.Resampling.LANCZOS), ((wanted[0] - size[0]) // 2, (wanted[1] - size[1]) // 2)
    )
    return whole


def png(picture: Image.Image, settings: PrepareSettings) -> bytes:
    """A picture as it is kept: `fitted`, and packed."""
    data = io.BytesIO()
    fitted(picture, settings).save(data, format="PNG", compress_level=6)
    return data.getvalue()


def in_channels(picture: Image.Image, settings: PrepareSettings) -> Image.Image:
    """A picture in the wanted channels; what is transparent shows the background where there is no alpha."""
    mode = MODE[settings.channels]
    if picture.mode == "RGBA" and mode != "RGBA":
        behind = Image.new("RGBA", picture.size, (*settings.background, 255))
        picture = Image.alpha_composite(behind, picture)
    return picture if picture.mode == mode else picture.convert(mode)


def _behind(mode: str, settings: PrepareSettings) -> tuple[int, ...]:
    return (*settings.background, 0) if mode == "RGBA" else settings.background
