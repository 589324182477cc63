"""Operations in training, where what goes back costs twice what goes forth: forms whose derivatives are quick as well.

Derivatives of derivatives, which penalties need, are these operations again. So nothing is computed that nobody asks
for: PyTorch's own second derivative of a convolution also makes the one of its weights, channel by channel, although
those of filters are constants.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

SLOPE = 0.2  # of leaky ReLU
Pair = tuple[int, int]  # along y and x


def transposed_filter(y: Tensor, kernel: Tensor, pad: Pair, stride: Pair, size: Pair) -> Tensor:
    """The transposed map of correlating every channel with a kernel, without a gradient of its own.

    Args:
        y: [N, C, H, W], what correlation might have given.
        kernel: [kh, kw].
        pad: zeros around what is correlated.
        stride: of the correlation.
        size: of what is correlated.

    Returns:
        [N, C, *size].
    """
    channels, weight = y.shape[1], kernel.to(y.dtype).expand(y.shape[1], 1, *kernel.shape)
    if stride == (1, 1) and all(p < k for p, k in zip(pad, kernel.shape, strict=True)):
        around = [k - 1 - p for p, k in zip(pad, kernel.shape, strict=True)]
        return F.conv2d(y, weight.flip([2, 3]), padding=around, groups=channels)
    layout = torch.channels_last if y.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    # For its size only.
    x = torch.empty((len(y), channels, *size), dtype=y.dtype, device=y.device, memory_format=layout)
    found: Tensor = torch.ops.aten.convolution_backward(
        y, x, weight, None, stride, pad, (1, 1), False, (0, 0), channels, (True, False, False)
    )[0]
    return found


class _Filtered(Function):
    """Correlate every channel of x [N, C, H, W] with kernel [kh, kw], zeros around it, keeping each stride-th pixel."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, pad: Pair, stride: Pair) -> Tensor:
        ctx.save_for_backward(kernel)
        ctx.pad, ctx.stride, ctx.size = pad, stride, x.shape[2:]
        channels = x.shape[1]
        return F.conv2d(x, kernel.expand(channels, 1, *kernel.shape), padding=pad, stride=stride, groups=channels)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None, None]:
        (kernel,) = ctx.saved_tensors
        return _Spread.apply(slopes[0], kernel, ctx.pad, ctx.stride, ctx.size), None, None, None


class _Spread(Function):
    """The transposed map of `_Filtered`: back to pixels of `size`."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, kernel: Tensor, pad: Pair, stride: Pair, size: Pair) -> Tensor:
        ctx.save_for_backward(kernel)
        ctx.pad, ctx.stride = pad, stride
        return transposed_filter(y, kernel, pad, stride, size)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None, None, None]:
        (kernel,) = ctx.saved_tensors
        return _Filtered.apply(slopes[0], kernel, ctx.pad, ctx.stride), None, None, None, None


def filtered(x: Tensor, f: Tensor, pad: int = 0, stride: int = 1) -> Tensor:
    """Convolve every channel with a constant filter.

    Args:
        x: [N, C, H, W].
        f: [kh, kw]; no gradient goes to it.
        pad: zeros on each side of x.
        stride: every so many pixels are kept.
    """
    kernel = f.flip([0, 1]).to(x.dtype)
    y: Tensor = _Filtered.apply(x, kernel, (pad, pad), (stride, stride))
    return y


def upsampled(x: Tensor, f: Tensor) -> Tensor:
    """`ops.upsample2d` with an even number of taps: [N, C, H, W] -> [N, C, 2H, 2W]."""
    height, width = x.shape[2:]
    pad = f.shape[-1] // 2 - 1
    y: Tensor = _Spread.apply(x, (f * 4).to(x.dtype), (pad, pad), (2, 2), (2 * height, 2 * width))
    return y


def activated(x: Tensor, activation: str, clamp: float | None = None) -> Tensor:
    """Leaky ReLU without a gain ("lrelu") or nothing ("linear"), in place; then clamped, if asked for."""
    x = F.leaky_relu_(x, SLOPE) if activation == "lrelu" else x
    return x if clamp is None else x.clamp(-clamp, clamp)


def full_gain(activation: str, gain: float) -> float:
    """A gain with the activation's own. Whatever is scaled by it before leaky ReLU is scaled by it after."""
    return gain * math.sqrt(2) if activation == "lrelu" else gain


def conv_act(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    activation: str,
    *,
    scale: float,
    gain: float = 1.0,
    clamp: float | None = None,
    stride: int = 1,
    pad: int = 0,
) -> Tensor:
    """clamp(gain * activation(conv(x, scale * weight) + bias)); "lrelu" has its own gain of sqrt(2).

    Gains go into what is small: weights and biases.

    Args:
        x: [N, in, H, W].
        weight: [out, in, k, k].
        bias: [out] or None.
        activation: "lrelu" or "linear".
        scale: of the weight.
        gain: on top of the activation's own.
        clamp: largest absolute value, or None.
        stride: of the convolution.
        pad: zeros on each side of x.
    """
    gain = full_gain(activation, gain)
    weight = (weight * (scale * gain)).to(x.dtype)
    bias = None if bias is None else (bias * gain).to(x.dtype)
    return activated(F.conv2d(x, weight, bias, stride=stride, padding=pad), activation, clamp)


def finished(
    x: Tensor,
    factor: Tensor,
    bias: Tensor,
    activation: str,
    gain: float = 1.0,
    clamp: float | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """clamp(gain * activation(factor * x + noise + bias)): what comes after a modulated convolution.

    Args:
        x: [N, C, H, W].
        factor: [N, C].
        bias: [C].
        activation: "lrelu" or "linear".
        gain: on top of the activation's own.
        clamp: largest absolute value, or None.
        noise: [N or 1, 1, H, W], or None.
    """
    gain = full_gain(activation, gain)
    y = torch.addcmul((bias * gain).to(x.dtype)[:, None, None], x, (factor * gain).to(x.dtype)[:, :, None, None])
    y = y if noise is None else y.add_((noise * gain).to(x.dtype))
    return activated(y, activation, clamp)
