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

BAND_MACS = 5e8  # multiply-adds between two polls: about 10 ms on two CPU cores
UP_COST = 3.0  # transposed convolution runs at half the rate, and the filter comes on top


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
    """Twice the size: zeros inserted, then the filter f with gain 4 (StyleGAN2, figure 7; Karras et al. 2019).

    An output pixel meets every second tap of the filter only, by the parity of its place: four small filters at the
    old size, whose results are interleaved, spare the multiplications by zero.
    """
    c, h, w = x.shape[1:]
    f = F.pad(f, (1, 0, 1, 0)) if f.shape[-1] % 2 else f  # an even number of taps, the first one idle
    half = f.shape[-1] // 2
    phases = (f * 4).reshape(half, 2, half, 2).flip([0, 2]).permute(1, 3, 0, 2).reshape(4, 1, half, half)
    y = F.conv2d(F.pad(x, (half - 1,) * 4), phases.to(x.dtype).repeat(c, 1, 1, 1), groups=c)
    crop = half - 1
    return F.pixel_shuffle(y, 2)[:, :, crop : crop + 2 * h, crop : crop + 2 * w]


def smooth2d(x: Tensor, f: Tensor, border: int = 0, stride: int = 1) -> Tensor:
    """Filter with f at the same size, plus `border` pixels on each side, keeping every `stride`-th pixel."""
    k = f.shape[-1]
    before, after = (k - 1) // 2 + border, (k - 2) // 2 + border
    return filter2d(F.pad(x, (before, after, before, after)), f, stride=stride)


def downsample2d(x: Tensor, f: Tensor) -> Tensor:
    """Half the size: filter with f, then keep every second pixel."""
    return smooth2d(x, f, stride=2)


Finish = Callable[[Tensor, int], Tensor]  # (band of rows, its first row) -> the finished band, overwritten at will


def _as_is(band: Tensor, top: int) -> Tensor:
    del top
    return band


def _bands(x: Tensor, weight: Tensor, groups: int, cost: float = 1.0) -> int:
    """Into how many bands of rows to cut a convolution, so that each takes some 10 ms on two CPU cores.

    `cost` is what a multiply-add costs against one of a plain convolution.
    """
    if x.is_cuda or torch.is_grad_enabled():  # a GPU takes its work as a queue; gradients want whole tensors
        return 1
    macs = x.shape[0] * x.shape[2] * x.shape[3] * weight.numel() / groups * cost
    return max(min(math.ceil(macs / BAND_MACS), x.shape[2] // 8), 1)


def _rows(x: Tensor, top: int, bottom: int) -> Tensor:
    """Rows from `top` up to `bottom` of x, zeros where they lie outside."""
    height = x.shape[2]
    rows = x[:, :, max(top, 0) : bottom]
    above, below = max(-top, 0), max(bottom - height, 0)
    return F.pad(rows, (0, 0, above, below)) if above or below else rows


def conv2d(x: Tensor, weight: Tensor, groups: int = 1, poll: Poll = no_poll, finish: Finish = _as_is) -> Tensor:
    """Correlate with weight [out, in, k, k], same size.

    What comes after the convolution (`finish`) is done band by band, while the band is in the processor's cache: at
    1024² a pass over all of it costs as much as a quarter of the convolution.
    """
    pad = weight.shape[-1] // 2
    n, _, h, w = x.shape
    bands = _bands(x, weight, groups)
    if bands == 1:
        poll()
        return finish(F.conv2d(x, weight, padding=pad, groups=groups), 0)
    out = x.new_empty(n, weight.shape[0], h, w)
    rows = math.ceil(h / bands)
    for top in range(0, h, rows):
        poll()
        band = F.conv2d(_rows(x, top - pad, min(top + rows, h) + pad), weight, padding=(0, pad), groups=groups)
        out[:, :, top : top + rows] = finish(band, top)
    return out


def _transposed(x: Tensor, weight: Tensor, f: Tensor, groups: int, crop: int) -> Tensor:
    """Transposed convolution with stride 2, then the filter; `crop` is cut from above and below in between."""
    k, taps = weight.shape[-1], f.shape[-1]
    before, after = (taps + 1) // 2 + k // 2 - (k - 1), (taps - 2) // 2 + k // 2 - (k - 2)
    x = F.conv_transpose2d(x, weight, stride=2, groups=groups)  # 2H + k - 2
    return filter2d(F.pad(x, (before, after, before - crop, after - crop)), f, gain=4.0)


def conv2d_up(
    x: Tensor, weight: Tensor, f: Tensor, groups: int = 1, poll: Poll = no_poll, finish: Finish = _as_is
) -> Tensor:
    """Upsample by two, then convolve with weight [out, in, 3, 3]: transposed convolution followed by the filter.

    As in the official code the kernel is not flipped here (a true convolution), while `conv2d` correlates.
    """
    out, inner, k, _ = weight.shape
    n, _, h, w = x.shape
    poll()
    transposed = weight.reshape(groups, out // groups, inner, k, k).transpose(1, 2).reshape(-1, out // groups, k, k)
    bands = _bands(x, weight, groups, cost=UP_COST)
    if bands == 1 or f.shape[-1] != 4:
        return finish(_transposed(x, transposed, f, groups, crop=0), 0)
    # Two output rows need one input row more above and below; of the four rows these add, the filter takes three.
    y = x.new_empty(n, out, 2 * h, 2 * w)
    rows = math.ceil(h / bands)
    for top in range(0, h, rows):
        poll()
        band = _transposed(_rows(x, top - 1, min(top + rows, h) + 1), transposed, f, groups, crop=2)
        y[:, :, 2 * top : 2 * (top + rows)] = finish(band, 2 * top)
    return y


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    up_filter: Tensor | None = None,
    energy: Tensor | None = None,
    poll: Poll = no_poll,
    finish: Finish = _as_is,
) -> Tensor:
    """Convolution whose weights are scaled by a style (StyleGAN2, section 2.2, equations 1 and 3).

        w'_ijk = s_i * w_ijk                                   modulation
        w''_ijk = w'_ijk / sqrt(sum_ik w'_ijk^2 + eps)          demodulation

    Args:
        x: [N, in, H, W].
        weight: [out, in, k, k].
        styles: [N, in].
        up_filter: [t, t] to double the size on the way, or None.
        energy: `weight_energy(weight)` if it is at hand.
        poll: called between pieces of the work.
        finish: done to the result, band by band: noise, bias, activation.

    Returns:
        [N, out, H, W], or twice H and W.
    """
    n, _, h, w = x.shape
    if x.dtype == torch.float16:  # keep sums within half's range; demodulation undoes any factor
        weight = weight / (weight.norm(float("inf"), dim=[1, 2, 3], keepdim=True) * math.sqrt(weight[0].numel()))
        styles = styles / styles.norm(float("inf"), dim=1, keepdim=True)
        energy = None
    if weight.numel() * n > x.numel():
        energy = weight_energy(weight) if energy is None else energy
        return _scaled_conv2d(x, weight, styles, energy, up_filter, poll, finish)
    modulated = weight[None] * styles[:, None, :, None, None]  # [N, out, in, k, k]
    modulated = modulated * (modulated.square().sum(dim=[2, 3, 4], keepdim=True) + 1e-8).rsqrt()
    # One group per picture: every picture has weights of its own.
    grouped = modulated.reshape(-1, *weight.shape[1:]).to(x.dtype)
    out = weight.shape[0]

    def per_picture(band: Tensor, top: int) -> Tensor:
        rows, columns = band.shape[2:]
        return finish(band.reshape(n, out, rows, columns), top).reshape(1, -1, rows, columns)

    x = x.reshape(1, -1, h, w)
    if up_filter is None:
        y = conv2d(x, grouped, n, poll, per_picture)
    else:
        y = conv2d_up(x, grouped, up_filter, n, poll, per_picture)
    return y.reshape(n, out, *y.shape[2:])


def modulated_pointwise(x: Tensor, weight: Tensor, styles: Tensor) -> Tensor:
    """Modulated 1x1 convolution without demodulation, as ToRGB has it, by one matrix product.

    Args:
        x: [N, in, H, W].
        weight: [out, in, 1, 1].
        styles: [N, in].

    Returns:
        [N, out, H, W].
    """
    modulated = (weight[None, :, :, 0, 0] * styles[:, None]).to(x.dtype)
    return (modulated @ x.flatten(2)).unflatten(2, x.shape[2:])


def weight_energy(weight: Tensor) -> Tensor:
    """Sum of squares of weight [out, in, k, k] over each kernel, [out, in]."""
    return weight.square().sum(dim=[2, 3])


def _scaled_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    energy: Tensor,
    up_filter: Tensor | None,
    poll: Poll,
    finish: Finish,
) -> Tensor:
    """The same sums in another order: scale what goes in by the style, and what comes out by the demodulation.

    Cheaper where there are more weights than activations, as up to 64² (StyleGAN2, section 2.2, after equation 3).
    """
    poll()
    factor = (styles.square() @ energy.t() + 1e-8).rsqrt().to(x.dtype)[:, :, None, None]  # [N, out, 1, 1]
    x = x * styles.to(x.dtype)[:, :, None, None]

    def demodulated(band: Tensor, top: int) -> Tensor:
        return finish(band * factor, top)

    if up_filter is None:
        return conv2d(x, weight.to(x.dtype), 1, poll, demodulated)
    return conv2d_up(x, weight.to(x.dtype), up_filter, 1, poll, demodulated)
