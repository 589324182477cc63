"""From pictures as models make them to frames as a file has them: motion blur, size, bars, channels."""

import numpy as np
from PIL import Image

from stylegan_core.config import has_alpha
from stylegan_core.export.output import Shape
from stylegan_core.export.settings import ExportSettings

SMALLEST_VIDEO_PX = 256  # smaller pictures are magnified by a whole factor: players and codecs blur them


def target_shape(picture: Shape, settings: ExportSettings) -> Shape:
    """Height, width and channels of all frames, from the first picture's; see `ExportSettings`."""
    height, width, channels = picture
    if settings.width is None and settings.height is None:
        factor = max(-(-SMALLEST_VIDEO_PX // min(height, width)), 1) if settings.is_video else 1
        wide, high = width * factor, height * factor
    else:
        wide = settings.width or max(round(width * (settings.height or 0) / height), 1)
        high = settings.height or max(round(height * wide / width), 1)
    if settings.is_video:
        wide, high = wide + wide % 2, high + high % 2
    alpha = settings.keeps_alpha and has_alpha(channels)
    stays_grey = settings.is_folder and channels == 1 and (high, wide) == (height, width)
    return high, wide, (1 if stays_grey else 3) + alpha


def framed(picture: np.ndarray, shape: Shape, settings: ExportSettings) -> np.ndarray:
    """A picture as a frame.

    Args:
        picture: uint8 or uint16 [H, W, C]: grey, grey and alpha, RGB, or RGB and alpha.
        shape: the frame's, see `target_shape`.
        settings: how it is fitted in, and on what background.

    Returns:
        The same type, contiguous, of that shape.
    """
    picture = _with_channels(picture, shape[2], settings)
    if settings.width is None and settings.height is None:
        picture = _magnified(picture, shape)
    if picture.shape == shape:
        return np.ascontiguousarray(picture)
    height, width = fitted_size(picture.shape[:2], shape[:2], settings)
    picture = resized(picture, height, width)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    if top + left < 0 or (height, width) == shape[:2]:  # it covers all
        return np.ascontiguousarray(picture[-top : shape[0] - top, -left : shape[1] - left])
    frame = np.empty(shape, picture.dtype)
    frame[:] = _ground(shape[2], picture.dtype, settings)
    frame[top : top + height, left : left + width] = picture
    return frame


def fitted_size(picture: tuple[int, int], frame: tuple[int, int], settings: ExportSettings) -> tuple[int, int]:
    """Height and width that a picture is brought to; what goes beyond the frame is cut off, evenly on both sides."""
    (height, width), (high, wide) = picture, frame
    if settings.fit == "stretch":
        return high, wide
    down, across = high / height, wide / width
    if settings.fit == "crop":
        return max(round(height * max(down, across)), high), max(round(width * max(down, across)), wide)
    scale = min(down, across, 1.0) if settings.fit == "pad" else min(down, across)
    height, width = max(round(height * scale), 1), max(round(width * scale), 1)
    # No line of background where the two differ by rounding alone.
    return high if abs(high - height) <= 1 else height, wide if abs(wide - width) <= 1 else width


def _magnified(picture: np.ndarray, shape: Shape) -> np.ndarray:
    """A picture as large as the frame by a whole factor, and a line more where a side was made even; else as it is."""
    factor = max(shape[0] // picture.shape[0], 1)
    below, beside = (side - factor * own for side, own in zip(shape[:2], picture.shape[:2], strict=True))
    if below not in (0, 1) or beside not in (0, 1):
        return picture
    large = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    return np.pad(large, ((0, below), (0, beside), (0, 0)), mode="edge")


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture [H, W, C] of 8 or 16 bits at another size, filtered (Lanczos)."""
    if picture.shape[:2] == (height, width):
        return picture
    if picture.dtype == np.uint8:
        image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
        return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS)).reshape(height, width, -1)
    # Pillow has no pictures of several channels of 16 bits.
    planes = [Image.fromarray(picture[:, :, k].astype(np.float32)) for k in range(picture.shape[2])]
    scaled = [np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS)) for plane in planes]
    return (np.stack(scaled, axis=2) + 0.5).clip(0, 65535).astype(np.uint16)


class Blend:
    """The mean of several pictures in linear light; a picture by itself comes out as it went in.

    What is transparent has no light to add.
    """

    def __init__(self) -> None:
        self._first: np.ndarray | None = None
        self._sum: np.ndarray | None = None
        self._count = 0

    def add(self, picture: np.ndarray) -> None:
        """Take in a picture, uint8 or uint16 [H, W, C]; one of another shape than the first counts nothing."""
        if self._first is None:
            self._first, self._count = picture, 1
        elif picture.shape == self._first.shape:
            self._sum = (_linear(self._first) if self._sum is None else self._sum) + _linear(picture)
            self._count += 1

    def take(self) -> np.ndarray:
        """The mean, of the pictures' type; begins anew."""
        first, total, count = self._first, self._sum, self._count
        self._first = self._sum = None
        if first is None:
            raise ValueError("nothing was added")
        if total is None:
            return first
        mean = total / count
        colours = slice(0, mean.shape[2] - has_alpha(mean.shape[2]))
        light = mean[:, :, colours]
        if has_alpha(mean.shape[2]):
            light = np.divide(light, mean[:, :, -1:], out=np.zeros_like(light), where=mean[:, :, -1:] > 0)
        mean[:, :, colours] = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
        return (mean * np.iinfo(first.dtype).max + 0.5).astype(first.dtype)


def _linear(picture: np.ndarray) -> np.ndarray:
    """Light from sRGB (IEC 61966-2-1), times alpha where there is some: float32, 0 to 1."""
    values = picture.astype(np.float32) / np.iinfo(picture.dtype).max
    colours = slice(0, picture.shape[2] - has_alpha(picture.shape[2]))
    light = values[:, :, colours]
    values[:, :, colours] = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    if has_alpha(picture.shape[2]):
        values[:, :, colours] *= values[:, :, -1:]
    return values


def _ground(channels: int, dtype: np.dtype, settings: ExportSettings) -> np.ndarray:
    """A pixel of the background, opaque."""
    colours = settings.background[: channels - has_alpha(channels)]
    opaque = (255,) if has_alpha(channels) else ()
    return np.array(colours + opaque, np.int64) * (np.iinfo(dtype).max // 255)


def _with_channels(picture: np.ndarray, channels: int, settings: ExportSettings) -> np.ndarray:
    """Grey spread to three, and alpha laid over the background or made up, as frames need it."""
    colours, alpha = picture, None
    if has_alpha(picture.shape[2]):
        colours, alpha = picture[:, :, :-1], picture[:, :, -1:]
    elif picture.shape[2] > 4:
        colours = picture[:, :, :3]
    if channels >= 3 and colours.shape[2] == 1:
        colours = colours.repeat(3, axis=2)
    if has_alpha(channels):
        opaque = np.full_like(colours[:, :, :1], np.iinfo(picture.dtype).max)
        return np.concatenate([colours, opaque if alpha is None else alpha], axis=2)
    if alpha is None:
        return colours
    share = alpha / np.float32(np.iinfo(picture.dtype).max)
    ground = _ground(colours.shape[2], picture.dtype, settings)
    return (colours * share + ground * (1 - share) + 0.5).astype(picture.dtype)
