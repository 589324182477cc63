"""From a picture file's bytes to an upright picture, with every size looked at before it costs memory.

Everything here distrusts what it reads: data sets come from anywhere.
"""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from train.data.errors import DataError, unusable

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
MAX_FILE_BYTES = 256 << 20  # of one picture, still encoded
MAX_PIXELS = 1 << 27  # more than any camera's picture has, and no more than 512 MiB decoded
MODES = ("L", "RGB", "RGBA")  # each holds all that the ones before it hold
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}

_ORIENTATION = 0x0112  # EXIF's tag; what each of its values asks for:
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes, where: str) -> Image.Image:
    """The picture in a file's bytes; of an animation the first.

    Args:
        data: a PNG, JPEG, WebP, GIF or BMP file.
        where: the file's name for errors.

    Returns:
        A picture of mode L, RGB or RGBA, turned as its EXIF data say; 16 bits become 8.

    Raises:
        DataError: it is too large, broken, or no such picture.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            check_pixels(image.size, where)
            turn = _TURNS.get(_orientation(image))
            image.load()
            picture = _plain(image)
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise unusable(where, f"claims more than {MAX_PIXELS} pixels") from error
    except UnidentifiedImageError as error:
        raise unusable(where, "is not a PNG, JPEG, WebP, GIF or BMP picture") from error
    except Exception as error:  # Pillow raises whatever its parsers run into in a broken file
        raise unusable(where, f"is broken ({_reason(error)})") from error
    return picture if turn is None else picture.transpose(turn)


def check_pixels(size: tuple[int, int], where: str) -> None:
    """Refuse a picture of more pixels than are ever decoded.

    Args:
        size: width and height, px.
        where: the file's name for errors.

    Raises:
        DataError: there are more than MAX_PIXELS.
    """
    width, height = size
    if width * height > MAX_PIXELS:
        raise unusable(where, f"has {width}×{height} pixels, more than the {MAX_PIXELS} that are read")


def check_bytes(size: int, where: str) -> None:
    """Refuse a file of more bytes than any picture needs.

    Raises:
        DataError: there are more than MAX_FILE_BYTES.
    """
    if size > MAX_FILE_BYTES:
        raise unusable(where, f"has {size} bytes, more than the {MAX_FILE_BYTES} that are read")


def as_array(picture: Image.Image, mode: str, where: str) -> np.ndarray:
    """A picture as uint8 [C, H, W].

    Args:
        picture: as `decode` gives it.
        mode: one of MODES, which decides C; grey becomes RGB, what has no alpha becomes opaque.
        where: the file's name for errors.

    Raises:
        DataError: colours or transparency would be lost.
    """
    if MODES.index(picture.mode) > MODES.index(mode):
        lost = "transparency" if picture.mode == "RGBA" else "colours"
        raise DataError(
            f"{where} has {lost} and the first picture has none; prepare the data first, with one kind of channels."
        )
    pixels = np.asarray(picture if picture.mode == mode else picture.convert(mode))
    return np.array(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1), order="C")  # Pillow's is read-only


def _orientation(image: Image.Image) -> int:
    if "exif" not in image.info:  # for PNGs Pillow would otherwise look behind the pixels, and decode them for it
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - as in `decode`; a picture with broken EXIF data is still a picture
        return 1


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")[:120]
