"""The filtered leaky ReLU of StyleGAN3, where three quarters of its time went in the straightforward form.

Nothing is multiplied by the zeros that upsampling inserts: an output sample meets every up-th tap of the filter only,
by its place modulo up, so upsampling is as many short filters as there are places, whose results are interleaved.
Samples that downsampling would drop are not computed. Everything runs in bands of rows, so that the upsampled signal,
four to sixteen times the size of what goes in and out, stays in the processor's cache.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core import filtered_gradients, kernels, reference
from stylegan_core.ops import Poll, no_poll
from stylegan_core.reference import Padding
from stylegan_core.workspace import channels_last

BAND_BYTES = 4 << 20  # of the upsampled signal at a time; more would leave the cache
MIN_ROWS = 24  # of a band's result
LANES = 32  # channels are taken in multiples of the processor's vectors


def filtered_lrelu(
    x: Tensor,
    bias: Tensor | None = None,
    up_filter: Tensor | None = None,
    down_filter: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = (0, 0, 0, 0),
    gain: float = 2**0.5,
    slope: float = 0.2,
    clamp: float | None = None,
    poll: Poll = no_poll,
) -> Tensor:
    """Bias, upsampling, leaky ReLU, downsampling: what `reference.filtered_lrelu` gives, with its arguments.

    `poll` is called between bands. x is overwritten where it has a bias and no gradient is wanted.
    """
    if kernels.supports(x):
        poll()
        arguments = (x, bias, up_filter, down_filter, up, down, padding, gain, slope, clamp)
        return kernels.attempt(lambda: kernels.filtered_lrelu(*arguments), lambda: reference.filtered_lrelu(*arguments))
    if torch.is_grad_enabled() or x.is_cuda or (up_filter is not None and up_filter.ndim == 2):
        poll()
        shape = x.shape[2], x.shape[3]
        how = filtered_gradients.plan(shape, up_filter, down_filter, up, down, padding, gain, slope, clamp)
        if how is not None and torch.is_grad_enabled() and not x.is_cuda:
            x = x if bias is None else x + bias.to(x.dtype)[:, None, None]
            return filtered_gradients.filtered_lrelu(x, how)
        return reference.filtered_lrelu(x, bias, up_filter, down_filter, up, down, padding, gain, slope, clamp)
    up_taps = torch.ones(1, device=x.device) if up_filter is None else up_filter
    down_taps = torch.ones(1, device=x.device) if down_filter is None else down_filter
    x = x.contiguous(memory_format=torch.channels_last)
    x = x if bias is None else x.add_(bias.to(x.dtype)[:, None, None])
    # A gain before the activation is one after it, and costs nothing inside the filter; so for each axis its root.
    taps = up_taps.flip(0) * (up * math.sqrt(gain))
    left, right, top, bottom = padding
    (n, channels, height, width), nd = x.shape, down_taps.shape[0]
    large_h = height * up + top + bottom - len(taps) + 1
    large_w = width * up + left + right - len(taps) + 1
    taps = F.pad(taps, (0, -len(taps) % up))  # so that every place has as many
    out_h, out_w = (large_h - nd) // down + 1, (large_w - nd) // down + 1
    y = torch.empty((n, channels, out_h, out_w), dtype=x.dtype, memory_format=torch.channels_last)
    block, rows = _band(n * large_w * x.element_size(), channels, out_h, down, nd)
    across = _places(len(taps), up, left, 0, large_w)
    for part in range(0, channels, block):
        narrow = _window(x[:, part : part + block], 3, across.low, across.high)
        for first in range(0, out_h, rows):
            poll()
            last = min(first + rows, out_h)
            along = _places(len(taps), up, top, first * down, (last - 1) * down + nd)
            band = _upsampled(_window(narrow, 2, along.low, along.high), taps, along, 2)
            band = _upsampled(band, taps, across, 3)
            if slope != 1:
                F.leaky_relu_(band, slope)
            if clamp is not None:
                band.clamp_(-clamp, clamp)
            y[:, part : part + block, first:last] = _downsampled(band, down_taps, down)
    return y


def _band(row_bytes: int, channels: int, out_h: int, down: int, taps: int) -> tuple[int, int]:
    """How many channels, and how many rows of the result, to make at a time.

    Rather fewer channels than fewer rows, whose upsampled neighbours two bands compute twice.

    Args:
        row_bytes: of one channel of the upsampled signal.
        channels: of the result.
        out_h: its rows.
        down: factor of downsampling.
        taps: of the filter before it.
    """
    block = max(BAND_BYTES // (row_bytes * ((min(MIN_ROWS, out_h) - 1) * down + taps)) // LANES * LANES, LANES)
    block = min(block, channels)
    return block, max((BAND_BYTES // (row_bytes * block) - taps) // down + 1, MIN_ROWS)


def _filtered(x: Tensor, kernel: Tensor, stride: tuple[int, int] = (1, 1)) -> Tensor:
    """Correlate each channel of x with kernel [h, w]."""
    if kernel.numel() == 1 and stride == (1, 1):
        return x * kernel.item()
    channels = x.shape[1]
    kernel = kernel.to(x.dtype).expand(channels, 1, *kernel.shape).contiguous(memory_format=torch.channels_last)
    return F.conv2d(x, kernel, stride=stride, groups=channels)


class _Places(NamedTuple):
    """How outputs meet the input on an axis, by their place modulo the factor of upsampling."""

    low: int  # the first input sample that any of them meets
    high: int  # one past the last
    size: int  # how many outputs there are
    skips: tuple[int, ...]  # the first tap that the outputs of a place meet; then every up-th
    begins: tuple[int, ...]  # the input sample that the first of them meets, counted from `low`
    counts: tuple[int, ...]


def _places(taps: int, up: int, padding: int, start: int, stop: int) -> _Places:
    """For outputs `start` up to `stop`: up - 1 zeros follow each sample, `padding` go before, `taps` are correlated.

    Output o meets the taps k with k = padding - o (modulo up), and they meet the input from (o - padding + k) / up on.
    """
    skips = tuple((padding - start - place) % up for place in range(up))
    begins = tuple((start + place - padding + skip) // up for place, skip in enumerate(skips))
    counts = tuple(-(-(stop - start - place) // up) for place in range(up))
    low = min(begins)
    high = max(begin + count for begin, count in zip(begins, counts, strict=True)) - (-taps // up) - 1
    return _Places(low, high, stop - start, skips, tuple(begin - low for begin in begins), counts)


def _window(x: Tensor, axis: int, low: int, high: int) -> Tensor:
    """Samples `low` up to `high` of x along an axis, zeros outside; channels last."""
    size = x.shape[axis]
    begin, end = min(max(low, 0), size), min(max(high, 0), size)
    x = x.narrow(axis, begin, end - begin)
    before, after = begin - low, high - end
    if before or after:
        x = F.pad(x, (0, 0, before, after) if axis == 2 else (before, after, 0, 0))
    return x.contiguous(memory_format=torch.channels_last)


def _upsampled(x: Tensor, taps: Tensor, places: _Places, axis: int) -> Tensor:
    """The outputs of `places` from x, their window of the input, along an axis."""
    up = len(places.skips)
    shape = list(x.shape)
    shape[axis] = places.size
    y = channels_last(f"upsampled along {axis}", x.dtype, *shape) if up > 1 else x
    for place, (skip, begin, count) in enumerate(zip(places.skips, places.begins, places.counts, strict=True)):
        short = taps[skip::up]
        part = _filtered(x, short[:, None] if axis == 2 else short[None]).narrow(axis, begin, count)
        if up == 1:
            return part
        y[(..., slice(place, None, up), slice(None)) if axis == 2 else (..., slice(place, None, up))] = part
    return y


def _downsampled(x: Tensor, f: Tensor, down: int) -> Tensor:
    """Filter f, [t] or [t, t], then every down-th sample on both axes."""
    if f.ndim == 2:
        return _filtered(x, f.flip([0, 1]), (down, down))
    f = f.flip(0)
    return _filtered(_filtered(x, f[None], (1, down)), f[:, None], (down, 1))
