"""StyleGAN3's filtered activation in training: both filters along one axis at a time, without the zeros between.

The activation is linear between its kinks. So what goes back is the filters transposed, with the slopes that the
activation had on the way forth in between; what goes back through that is the filters again, with the same slopes.
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from stylegan_core.gradients import transposed_filter
from stylegan_core.reference import Padding


class Plan(NamedTuple):
    """How signals of one shape are filtered. Kernels are what is correlated, upsampling's that of its transposed."""

    up: tuple[tuple[Tensor, tuple[int, int], tuple[int, int]], ...]  # kernel, padding, stride; in order of upsampling
    down: tuple[tuple[Tensor, tuple[int, int]], ...]  # kernel, stride
    shape: tuple[int, int]  # of what goes in
    large: tuple[int, int]  # upsampled
    out: tuple[int, int]
    slope: float
    clamp: float | None


def plan(
    shape: tuple[int, int],
    up_filter: Tensor | None,
    down_filter: Tensor | None,
    up: int,
    down: int,
    padding: Padding,
    gain: float,
    slope: float,
    clamp: float | None,
) -> Plan | None:
    """For a signal [N, C, *shape] and the arguments of `reference.filtered_lrelu`.

    None for what no StyleGAN3 has: an upsampling filter that is not separable, or padding unlike on both sides.
    """
    if up_filter is None or down_filter is None or up_filter.ndim != 1 or gain <= 0:
        return None
    left, right, top, bottom = padding
    taps = len(up_filter)
    large, around, out = [], [], []
    for size, before, after in ((shape[0], top, bottom), (shape[1], left, right)):
        low, high = taps - 1 - before, taps - up - after  # samples of the transposed filter's border
        wanted = size * up + before + after - taps + 1
        if low < 0 or low - high >= up or wanted < down_filter.shape[0]:
            return None
        large.append(wanted + max(high - low, 0))  # a sample more makes both borders alike
        around.append(low)
        out.append((wanted - down_filter.shape[0]) // down + 1)
    # A gain before the activation is one after it; so for each axis its root.
    along = up_filter * (up * math.sqrt(gain))
    ups = ((along[:, None], (around[0], 0), (up, 1)), (along[None], (0, around[1]), (1, up)))
    if down_filter.ndim == 2:
        downs: tuple[tuple[Tensor, tuple[int, int]], ...] = ((down_filter.flip([0, 1]), (down, down)),)
    else:
        flipped = down_filter.flip(0)
        downs = ((flipped[None], (1, down)), (flipped[:, None], (down, 1)))
    return Plan(ups, downs, shape, (large[0], large[1]), (out[0], out[1]), slope, clamp)


def filtered_lrelu(x: Tensor, how: Plan) -> Tensor:
    """`reference.filtered_lrelu` of x [N, C, *how.shape], without its bias."""
    y: Tensor = _FilteredLrelu.apply(x.contiguous(memory_format=torch.channels_last), how)
    return y


class _FilteredLrelu(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, how: Plan) -> Tensor:
        a = _upsampled(x, how)
        a = F.leaky_relu_(a, how.slope)
        a = a if how.clamp is None else a.clamp_(-how.clamp, how.clamp)
        ctx.save_for_backward(a)
        ctx.how = how
        return _downsampled(a, how)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        return _Back.apply(slopes[0], *ctx.saved_tensors, ctx.how), None


class _Back(Function):
    """What goes back through `_FilteredLrelu`, whose activation gave a."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, a: Tensor, how: Plan) -> Tensor:
        ctx.save_for_backward(a)
        ctx.how = how
        y = y.contiguous(memory_format=torch.channels_last)
        if len(how.down) == 2:
            y = transposed_filter(y, how.down[1][0], (0, 0), how.down[1][1], (how.large[0], how.out[1]))
        y = transposed_filter(y, how.down[0][0], (0, 0), how.down[0][1], how.large)
        y = _sloped(y, a, how)
        for kernel, pad, stride in how.up[::-1]:
            y = _correlated(y, kernel, stride, pad)
        return y

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        return _Forth.apply(slopes[0], *ctx.saved_tensors, ctx.how), None, None


class _Forth(Function):
    """`_FilteredLrelu`, made linear where its activation gave a."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, a: Tensor, how: Plan) -> Tensor:
        ctx.save_for_backward(a)
        ctx.how = how
        x = x.contiguous(memory_format=torch.channels_last)
        return _downsampled(_sloped(_upsampled(x, how), a, how), how)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        return _Back.apply(slopes[0], *ctx.saved_tensors, ctx.how), None, None


def _upsampled(x: Tensor, how: Plan) -> Tensor:
    sizes = ((how.large[0], how.shape[1]), how.large)
    for (kernel, pad, stride), size in zip(how.up, sizes, strict=True):
        x = transposed_filter(x, kernel, pad, stride, size)
    return x


def _downsampled(x: Tensor, how: Plan) -> Tensor:
    for kernel, stride in how.down:
        x = _correlated(x, kernel, stride)
    return x[:, :, : how.out[0], : how.out[1]]


def _correlated(x: Tensor, kernel: Tensor, stride: tuple[int, int], pad: tuple[int, int] = (0, 0)) -> Tensor:
    channels = x.shape[1]
    weight = kernel.to(x.dtype).expand(channels, 1, *kernel.shape)
    return F.conv2d(x, weight, stride=stride, padding=pad, groups=channels)


def _sloped(y: Tensor, a: Tensor, how: Plan) -> Tensor:
    """y times the slope that the activation had where it gave a; y is overwritten."""
    torch.ops.aten.leaky_relu_backward.grad_input(y, a, how.slope, True, grad_input=y)
    if how.clamp is not None:
        torch.ops.aten.hardtanh_backward.grad_input(y, a, -how.clamp, how.clamp, grad_input=y)
    return y
