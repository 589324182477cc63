"""Convolutions, in bands: plain, twice the size, and with fewer multiplications (Winograd)."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core import winograd
from stylegan_core.ops.bands import (
    Finish,
    Poll,
    band_rows,
    empty_like,
    in_bands,
    is_channels_last,
    no_poll,
    rows_of,
    unfinished,
)
from stylegan_core.ops.resampling import filter2d
from stylegan_core.workspace import channels_last

WINOGRAD_BYTES = 8 << 20  # of a band's transformed tiles


class Phases(NamedTuple):
    """A 3x3 kernel for transposed convolution by two, as four plain ones, by the parity of an output's row and column.

    At an even row two rows of the kernel meet the input, at an odd row one; so for columns.
    """

    even_even: Tensor  # [out, in, 2, 2]
    even_odd: Tensor  # [out, in, 2, 1]
    odd_even: Tensor  # [out, in, 1, 2]
    odd_odd: Tensor  # [out, in, 1, 1]


def phases(weight: Tensor) -> Phases:
    """The four phases of weight [out, in, 3, 3]."""
    flipped = weight.flip([2, 3])
    even, odd = slice(0, 3, 2), slice(1, 2)
    parts = ((even, even), (even, odd), (odd, even), (odd, odd))
    return Phases(*(flipped[:, :, r, c].contiguous(memory_format=torch.channels_last) for r, c in parts))


def conv2d(
    x: Tensor, weight: Tensor, pad: int | None = None, poll: Poll = no_poll, finish: Finish = unfinished
) -> Tensor:
    """Correlate x [N, in, H, W] with weight [out, in, k, k].

    What comes after the convolution (`finish`) is done band by band: at 1024² a pass over all of the result costs as
    much as a quarter of the convolution.

    Args:
        x: [N, in, H, W].
        weight: [out, in, k, k].
        pad: zeros around x; None: as many as keep the size.
        poll: called between bands.
        finish: done to the result [N, out, H + 2 pad - k + 1, W + 2 pad - k + 1], band by band.
    """
    out, kernel = weight.shape[0], weight.shape[-1]
    pad = kernel // 2 if pad is None else pad
    h, w = (size + 2 * pad - kernel + 1 for size in x.shape[2:])
    rows = band_rows(x, out, kernel**2, w) if in_bands(x) else h
    if rows >= h:
        poll()
        return finish(F.conv2d(x, weight, padding=pad), 0)
    y = empty_like(x, out, h, w)
    for top in range(0, h, rows):
        poll()
        bottom = min(top + rows, h)
        band = F.conv2d(rows_of(x, top - pad, bottom - pad + kernel - 1), weight, padding=(0, pad))
        y[:, :, top:bottom] = finish(band, top)
    return y


def _transposed(x: Tensor, weight: Tensor, f: Tensor) -> Tensor:
    """Transposed convolution with stride 2, then the filter."""
    k, taps = weight.shape[-1], f.shape[-1]
    before, after = (taps + 1) // 2 + k // 2 - (k - 1), (taps - 2) // 2 + k // 2 - (k - 2)
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # 2H + k - 2
    return filter2d(x, f, gain=4.0, before=before, after=after)


def conv2d_up(
    x: Tensor,
    weight: Tensor,
    f: Tensor,
    kernels: Phases | None = None,
    poll: Poll = no_poll,
    finish: Finish = unfinished,
    place: str | None = None,
) -> Tensor:
    """Upsample by two, then convolve with weight [out, in, 3, 3]: transposed convolution followed by the filter f.

    As in the official code the kernel is not flipped here (a true convolution), while `conv2d` correlates.

    Args:
        x: [N, in, H, W].
        weight: [out, in, k, k].
        f: [t, t], the resampling filter.
        kernels: `phases(weight)` if they are at hand.
        poll: called between bands.
        finish: done to the result [N, out, 2H, 2W], band by band.
        place: in the workspace, for the result, if it is needed until the next one only.
    """
    out, (h, w) = weight.shape[0], x.shape[2:]
    if f.shape[-1] != 4 or weight.shape[-1] != 3 or not in_bands(x):
        poll()
        return finish(_transposed(x, weight, f), 0)
    kernels = phases(weight) if kernels is None else kernels
    blur = (f * 4).flip([0, 1]).to(x.dtype).expand(out, 1, 4, 4).contiguous(memory_format=torch.channels_last)
    rows = max(band_rows(x, out, 9, 4 * w) // 2 * 2, 2)
    y = None
    if rows < h and place is not None and is_channels_last(x):
        y = channels_last(place, x.dtype, len(x), out, 2 * h, 2 * w)
    elif rows < h:
        y = empty_like(x, out, 2 * h, 2 * w)
    for top in range(0, h, rows):
        poll()
        bottom = min(top + rows, h)
        band = F.conv2d(_transposed_rows(x, kernels, top, bottom), blur, groups=out)
        if y is None:
            return finish(band, 0)
        y[:, :, 2 * top : 2 * bottom] = finish(band, 2 * top)
    assert y is not None
    return y


def _transposed_rows(x: Tensor, kernels: Phases, top: int, bottom: int) -> Tensor:
    """Transposed convolution of x: rows 2 * top - 1 up to 2 * bottom + 2, with a column of zeros on each side.

    Plain convolutions give the four parities, which are then interleaved: twice as quick as `conv_transpose2d`.
    """
    x = F.pad(rows_of(x, top - 1, bottom + 1), (1, 1))
    height, width = 2 * (bottom - top) + 3, 2 * x.shape[3] - 1
    y = channels_last("transposed", x.dtype, x.shape[0], kernels.odd_odd.shape[0], height, width)
    y[:, :, 1::2, 1::2] = F.conv2d(x, kernels.even_even)
    y[:, :, 1::2, 0::2] = F.conv2d(x, kernels.even_odd)
    y[:, :, 0::2, 1::2] = F.conv2d(x, kernels.odd_even)
    y[:, :, 0::2, 0::2] = F.conv2d(x, kernels.odd_odd)
    return y


def winograd_conv2d(x: Tensor, u: Tensor, pad: int, factor: Tensor, poll: Poll, finish: Finish) -> Tensor:
    """`conv2d` with the 3x3 kernel of which u is `winograd.transformed`, times factor [N, out, 1, 1]."""
    (n, inner, height, width), out = x.shape, u.shape[2]
    height, width = height + 2 * pad - 2, width + 2 * pad - 2
    tile = winograd.TILE
    columns = math.ceil(width / tile)
    tiles = max(int(WINOGRAD_BYTES / (36 * columns * max(inner, out) * x.element_size())), 1)
    pictures = []
    for one, scale in zip(x.split(1), factor.split(1), strict=True):
        y = empty_like(one.contiguous(memory_format=torch.channels_last), out, height, width)
        for top in range(0, height, tile * tiles):
            poll()
            bottom = min(top + tile * tiles, height)
            rows = winograd.tile_rows(one, top // tile, math.ceil((bottom - top) / tile), pad, columns)
            band = winograd.convolved(rows, u)[:, :, : bottom - top, :width].mul_(scale)
            y[:, :, top:bottom] = finish(band, top)
        pictures.append(y)
    return pictures[0] if n == 1 else torch.cat(pictures)
