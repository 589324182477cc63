"""The operations StyleGAN2 is made of, in their straightforward form, exact first.

Tensors are [N, C, H, W] unless said otherwise. Heavy convolutions run in bands of rows and call `poll` between them,
so that a picture nobody waits for any more can be dropped within milliseconds rather than within a layer.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Poll = Callable[[], None]  # raises Cancelled when the result is not wanted any more

BAND_MACS = 1.2e9  # multiply-adds between two polls: about 20 ms on two CPU cores


def no_poll() -> None:
    """The poll of a computation that always runs to its end."""


def bias_act(x: Tensor, bias: Tensor | None, activation: str, gain: float = 1.0, clamp: float | None = None) -> Tensor:
    """clamp(gain * activation(x + bias)); "lrelu" has slope 0.2 and its own gain of sqrt(2) (StyleGAN2, appendix B).

    Args:
        x: [N, C, ...]; overwritten where no gradient is wanted.
        bias: [C] or None.
        activation: "lrelu" or "linear".
        gain: on top of the activation's own.
        clamp: largest absolute value, or None. Scaled by nothing: callers scale it with their gain.
    """
    if activation == "lrelu":
        gain = gain * math.sqrt(2)
    shape = [1, -1] + [1] * (x.ndim - 2)
    if torch.is_grad_enabled():
        x = x if bias is None else x + bias.to(x.dtype).reshape(shape)
        x = F.leaky_relu(x, 0.2) if activation == "lrelu" else x
        x = x if gain == 1 else x * gain
        return x if clamp is None else x.clamp(-clamp, clamp)
    # In place: at 1024² a fresh 128 MiB result costs more than the arithmetic.
    x = x if bias is None else x.add_(bias.to(x.dtype).reshape(shape))
    x = F.leaky_relu_(x, 0.2) if activation == "lrelu" else x
    x = x if gain == 1 else x.mul_(gain)
    return x if clamp is None else x.clamp_(-clamp, clamp)


def setup_filter(taps: tuple[float, ...]) -> Tensor:
    """The 2-D resampling filter [k, k] with unit sum: the outer product of `taps` with itself."""
    f = torch.tensor(taps, dtype=torch.float32)
    f = f.outer(f)
    return f / f.sum()


def filter2d(x: Tensor, f: Tensor, gain: float = 1.0, stride: int = 1) -> Tensor:
    """Convolve every channel with the 2-D filter f [kh, kw], without padding. True convolution: f is flipped."""
    channels = x.shape[1]
    kernel = (f * gain).flip([0, 1]).to(x.dtype)
    return F.conv2d(x, kernel.expand(channels, 1, *f.shape), stride=stride, groups=channels)


def upsample2d(x: Tensor, f: Tensor) -> Tensor:
    """Twice the size: zeros inserted, then the filter f with gain 4 (StyleGAN2, figure 7; Karras et al. 2019)."""
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, 1, 0, 0, 0, 1)).reshape(n, c, h * 2, w * 2)
    k = f.shape[-1]
    before, after = (k + 1) // 2, (k - 2) // 2
    return filter2d(F.pad(x, (before, after, before, after)), f, gain=4.0)


def smooth2d(x: Tensor, f: Tensor, border: int = 0, stride: int = 1) -> Tensor:
    """Filter with f at the same size, plus `border` pixels on each side, keeping every `stride`-th pixel."""
    k = f.shape[-1]
    before, after = (k - 1) // 2 + border, (k - 2) // 2 + border
    return filter2d(F.pad(x, (before, after, before, after)), f, stride=stride)


def downsample2d(x: Tensor, f: Tensor) -> Tensor:
    """Half the size: filter with f, then keep every second pixel."""
    return smooth2d(x, f, stride=2)


def _banded(x: Tensor, weight: Tensor, groups: int, poll: Poll) -> Tensor:
    """F.conv2d with same padding, in bands of rows when it is large."""
    pad = weight.shape[-1] // 2
    n, _, h, w = x.shape
    macs = n * h * w * weight.numel() / groups
    bands = min(math.ceil(macs / BAND_MACS), h // 16)
    if bands <= 1 or x.is_cuda:  # a GPU takes its work as a queue: there is nothing to gain
        poll()
        return F.conv2d(x, weight, padding=pad, groups=groups)
    out = x.new_empty(n, weight.shape[0], h, w)
    x = F.pad(x, (0, 0, pad, pad))
    rows = math.ceil(h / bands)
    for top in range(0, h, rows):
        poll()
        band = x[:, :, top : top + rows + 2 * pad]
        out[:, :, top : top + rows] = F.conv2d(band, weight, padding=(0, pad), groups=groups)
    return out


def _transposed(x: Tensor, weight: Tensor, f: Tensor, groups: int, crop: int) -> Tensor:
    """Transposed convolution with stride 2, then the filter; `crop` is cut from above and below in between."""
    k, taps = weight.shape[-1], f.shape[-1]
    before, after = (taps + 1) // 2 + k // 2 - (k - 1), (taps - 2) // 2 + k // 2 - (k - 2)
    x = F.conv_transpose2d(x, weight, stride=2, groups=groups)  # 2H + k - 2
    return filter2d(F.pad(x, (before, after, before - crop, after - crop)), f, gain=4.0)


def conv2d_up(x: Tensor, weight: Tensor, f: Tensor, groups: int = 1, poll: Poll = no_poll) -> Tensor:
    """Upsample by two, then convolve with weight [out, in, k, k]: transposed convolution followed by the filter.

    As in the official code the kernel is not flipped here (a true convolution), while `_banded` correlates.
    A 1x1 kernel is applied first, at a quarter of the cost.
    """
    out, inner, k, _ = weight.shape
    n, _, h, w = x.shape
    poll()
    if k == 1:
        return upsample2d(F.conv2d(x, weight, groups=groups), f)
    transposed = weight.reshape(groups, out // groups, inner, k, k).transpose(1, 2).reshape(-1, out // groups, k, k)
    bands = min(math.ceil(n * h * w * weight.numel() / BAND_MACS), h // 8)
    if bands <= 1 or x.is_cuda or (k, f.shape[-1]) != (3, 4):
        return _transposed(x, transposed, f, groups, crop=0)
    # Two output rows need one input row more above and below; of the four rows these add, the filter takes three.
    y = x.new_empty(n, out, 2 * h, 2 * w)
    x = F.pad(x, (0, 0, 1, 1))
    rows = math.ceil(h / bands)
    for top in range(0, h, rows):
        poll()
        y[:, :, 2 * top : 2 * (top + rows)] = _transposed(x[:, :, top : top + rows + 2], transposed, f, groups, crop=2)
    return y


def conv2d(x: Tensor, weight: Tensor, groups: int = 1, poll: Poll = no_poll) -> Tensor:
    """Correlate with weight [out, in, k, k], same size."""
    return _banded(x, weight, groups, poll)


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    demodulate: bool = True,
    up_filter: Tensor | None = None,
    poll: Poll = no_poll,
) -> Tensor:
    """Convolution whose weights are scaled by a style (StyleGAN2, section 2.2, equations 1 and 3).

        w'_ijk = s_i * w_ijk                                   modulation
        w''_ijk = w'_ijk / sqrt(sum_ik w'_ijk^2 + eps)          demodulation

    Args:
        x: [N, in, H, W].
        weight: [out, in, k, k].
        styles: [N, in].
        demodulate: False in ToRGB.
        up_filter: [t, t] to double the size on the way, or None.
        poll: called between pieces of the work.

    Returns:
        [N, out, H, W], or twice H and W.
    """
    n, _, h, w = x.shape
    if x.dtype == torch.float16 and demodulate:  # keep sums within half's range; demodulation undoes any factor
        weight = weight / (weight.norm(float("inf"), dim=[1, 2, 3], keepdim=True) * math.sqrt(weight[0].numel()))
        styles = styles / styles.norm(float("inf"), dim=1, keepdim=True)
    modulated = weight[None] * styles[:, None, :, None, None]  # [N, out, in, k, k]
    if demodulate:
        modulated = modulated * (modulated.square().sum(dim=[2, 3, 4], keepdim=True) + 1e-8).rsqrt()
    # One group per picture: every picture has weights of its own.
    grouped = modulated.reshape(-1, *weight.shape[1:]).to(x.dtype)
    x = x.reshape(1, -1, h, w)
    y = conv2d(x, grouped, n, poll) if up_filter is None else conv2d_up(x, grouped, up_filter, n, poll)
    return y.reshape(n, weight.shape[0], *y.shape[2:])
