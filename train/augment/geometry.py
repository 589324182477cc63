"""Moving pictures: pixel blitting, which copies pixels, and resampling by any affine map (ADA, appendix B).

Beyond its edges a picture goes on as in a mirror, for ever: both sides of a mirror that stands in the middle of the
outermost pixels. So no black borders come in from outside that would leak into what is generated. The paper pads by
what the batch's largest movement needs; here one whole period of the mirrored picture is resampled, which is the same
for any movement, however far, and spares the device from waiting for a number.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from train.augment.constants import constant

# The orthonormal lowpass filter of the symlet with 6 vanishing moments (Daubechies 1992, table 8.3): a known constant.
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
# Where the filter puts a pixel among those of twice the resolution. Sym6 is symmetric but nearly: the first moment is
# not its middle, 5.5, and without it a turned picture would be moved by up to 0.4 pixels.
CENTRE = sum(place * tap for place, tap in enumerate(SYM6)) / sum(SYM6)
HALF = len(SYM6) // 2
DENSE_PX = 128  # up to which a CPU upsamples four times as quickly by a matrix that is mostly zeros


def mirrored(places: Tensor, size: int) -> Tensor:
    """Which of `size` pixels is at each place, whole numbers of any size: 0 1 2 3 2 1 0 1 ..."""
    last = max(size - 1, 1)
    return ((last - ((places % (2 * last)) - last).abs()) % size).long()


def blit(images: Tensor, lookup: Tensor) -> Tensor:
    """Copy pixels to where they belong: exact, without a filter.

    Args:
        images: [N, C, H, W].
        lookup: [N, 3, 3], from the result's pixels to the picture's, from the centre; whole pixels come to lie on whole
            pixels.
    """
    height, width = images.shape[2:]
    x, y = _looked_up(_centred(images, height), _centred(images, width), lookup)
    x = mirrored((x + (width - 1) / 2).round(), width)
    y = mirrored((y + (height - 1) / 2).round(), height)
    place = (y * width + x).flatten(1)[:, None].expand(-1, images.shape[1], -1)
    return images.flatten(2).gather(2, place).unflatten(2, (height, width))


def resample(images: Tensor, lookup: Tensor) -> Tensor:
    """Move pictures by any affine map without aliasing: upsampled, looked up bilinearly, downsampled (appendix B).

    The filter is orthonormal, so where nothing moves the picture comes back as it was but for rounding.

    Args:
        images: [N, C, H, W].
        lookup: [N, 3, 3], from the result's pixels to the picture's, in pixels from the centre.
    """
    height, width = images.shape[2:]
    fine = upsampled(upsampled(images, 3), 2)
    rows, columns = (_fine_places(images, size) for size in (height, width))
    x, y = _looked_up(rows, columns, lookup)
    grid = torch.stack([_normalised(x, width), _normalised(y, height)], dim=-1)
    moved = F.grid_sample(fine, grid, mode="bilinear", padding_mode="border", align_corners=True)
    return downsampled(downsampled(moved, 2), 3)


def period(size: int) -> int:
    """After how many pixels the mirrored picture begins again."""
    return max(2 * (size - 1), 1)


def upsampled(x: Tensor, axis: int) -> Tensor:
    """One period of the mirrored x [N, C, H, W] at twice the resolution along an axis, 2 or 3, and two pixels more.

    The pixel i of x comes to lie at 2 i + CENTRE. The filter's two phases are two filters at the old resolution.
    """
    size = x.shape[axis]
    if x.device.type == "cpu" and size <= DENSE_PX:
        matrix = _upsampling(size, x.dtype)
        return matrix @ x if axis == 2 else x @ matrix.t()
    return _upsampled(x, axis)


@lru_cache(maxsize=16)
def _upsampling(size: int, dtype: torch.dtype) -> Tensor:
    """`upsampled` as a matrix, mirrors and all."""
    with torch.inference_mode(False), torch.no_grad():
        return _upsampled(torch.eye(size, dtype=dtype)[None, None], 2)[0, 0]


def _upsampled(x: Tensor, axis: int) -> Tensor:
    """`upsampled` by its filter."""
    size = x.shape[axis]
    places = torch.arange(1 - HALF, period(size) + 1, device=x.device)
    x = x.index_select(axis, mirrored(places, size))
    taps = constant(SYM6, x.device, x.dtype).mul(math.sqrt(2)).reshape(HALF, 2).flip(0).t()  # [phase, tap]
    count = x.shape[0] * x.shape[1]
    kernel = taps.reshape(2, 1, 1, HALF) if axis == 3 else taps.reshape(2, 1, HALF, 1)
    # As channels of one picture: the quickest convolution on a CPU, and the exact one (no TensorFloat-32) on a GPU.
    y = F.conv2d(x.flatten(0, 1)[None], kernel.repeat(count, 1, 1, 1), groups=count)
    y = y.unflatten(1, (*x.shape[:2], 2))[0]
    return torch.stack(y.unbind(2), dim=axis + 1).flatten(axis, axis + 1)


def downsampled(x: Tensor, axis: int) -> Tensor:
    """x [N, C, H, W] filtered, every second pixel along an axis: of 2 n + 10 pixels n are left."""
    taps = constant(SYM6, x.device, x.dtype) / math.sqrt(2)
    count = x.shape[0] * x.shape[1]
    kernel = taps.reshape((1, 1, 1, -1) if axis == 3 else (1, 1, -1, 1)).expand(count, 1, -1, -1)
    stride = (1, 2) if axis == 3 else (2, 1)
    return F.conv2d(x.flatten(0, 1)[None], kernel, stride=stride, groups=count).unflatten(1, x.shape[:2])[0]


def _centred(like: Tensor, size: int) -> Tensor:
    """Where `size` pixels are, from the centre."""
    return torch.arange(size, device=like.device, dtype=like.dtype) - (size - 1) / 2


def _fine_places(like: Tensor, size: int) -> Tensor:
    """Where the pixels are that `downsampled` makes `size` of, in the picture's pixels from its centre."""
    places = torch.arange(2 * size + len(SYM6) - 2, device=like.device, dtype=like.dtype)
    return (places - CENTRE) / 2 - (size - 1) / 2


def _looked_up(rows: Tensor, columns: Tensor, lookup: Tensor) -> tuple[Tensor, Tensor]:
    """x and y [N, H, W] of the places `rows` [H] by `columns` [W], through lookup [N, 3, 3]."""
    lookup = lookup.to(rows.dtype)[:, :, :, None, None]
    x, y = (lookup[:, i, 0] * columns + (lookup[:, i, 1] * rows[:, None] + lookup[:, i, 2]) for i in range(2))
    return x, y


def _normalised(places: Tensor, size: int) -> Tensor:
    """From the picture's pixels, from its centre, to the coordinates of `F.grid_sample` in its upsampled period."""
    length = 2 * period(size)
    fine = (2 * places + (size - 1 + CENTRE)) % length
    return fine * (2 / (length + 1)) - 1
