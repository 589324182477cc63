"""The operations that the networks are made of, arranged for speed; reference.py has their straightforward form.

Tensors are [N, C, H, W] unless said otherwise. Heavy convolutions run in bands of rows. What follows a convolution is
done while its band is in the processor's cache, and `poll` is called between bands, so that a picture nobody waits
for any more can be dropped within milliseconds rather than within a layer.

On a CPU tensors with channels last are quicker: twice for convolutions of 32 channels, twice for filters, and a band
of rows is one piece of memory.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core import gradients, winograd
from stylegan_core import kernels as gpu
from stylegan_core.kernel_plans import separable_parts
from stylegan_core.workspace import channels_last

Poll = Callable[[], None]  # raises Cancelled when the result is not wanted any more

CPU_LAYOUT = torch.channels_last  # of activations, in the networks that leave the choice to their operations
BAND_MACS = 5e9  # multiply-adds between two polls, at most 45 ms on two CPU cores; less repeats the weights' way in
BAND_BYTES = 8 << 20  # of a band's result: what stays in the cache until it is finished
WINOGRAD_BYTES = 8 << 20  # of a band's transformed tiles
WINOGRAD_PIXELS = 256  # below, reading the transformed weights takes longer than multiplying by the plain ones


def no_poll() -> None:
    """The poll of a computation that always runs to its end."""


def full(x: Tensor) -> Tensor:
    """x in float32, from half precision; float64, in which gradients are checked, stays."""
    return x if x.dtype == torch.float64 else x.float()


def bias_act(
    x: Tensor,
    bias: Tensor | None,
    activation: str,
    gain: float = 1.0,
    clamp: float | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """clamp(gain * activation(x + noise + bias)); "lrelu" has slope 0.2 and its own gain of sqrt(2).

    StyleGAN2, appendix B and figure 2.

    Args:
        x: [N, C, ...]; overwritten where no gradient is wanted.
        bias: [C] or None.
        activation: "lrelu" or "linear".
        gain: on top of the activation's own.
        clamp: largest absolute value, or None. Scaled by nothing: callers scale it with their gain.
        noise: [N or 1, 1, ...] in x's type, or None.
    """
    if activation == "lrelu":
        gain = gain * math.sqrt(2)
    shape = [1, -1] + [1] * (x.ndim - 2)
    if torch.is_grad_enabled():
        x = x if noise is None else x + noise
        if bias is not None:
            x = torch.add((bias * gain).to(x.dtype).reshape(shape), x, alpha=gain)
        else:
            x = x if gain == 1 else x * gain
        x = F.leaky_relu(x, 0.2) if activation == "lrelu" else x
        return x if clamp is None else x.clamp(-clamp, clamp)
    # In place: at 1024² a fresh 128 MiB result costs more than the arithmetic.
    if x.dtype == torch.bfloat16 and is_channels_last(x) and bias is not None:
        x = _scaled_sum(x, noise, bias, gain)
    else:
        x = x if noise is None else x.add_(noise)
        x = x if bias is None else x.add_(bias.to(x.dtype).reshape(shape))
        x = x if gain == 1 else x.mul_(gain)
    x = F.leaky_relu_(x, 0.2) if activation == "lrelu" else x
    return x if clamp is None else x.clamp_(-clamp, clamp)


def _scaled_sum(x: Tensor, noise: Tensor | None, bias: Tensor, gain: float) -> Tensor:
    """gain * (x + noise + bias) in place, x [N, C, H, W] with channels last.

    As one matrix product of rank 2: what bfloat16 cannot add quickly on a CPU it can multiply, in half the time.
    """
    pixels = x.permute(0, 2, 3, 1).flatten(0, 2)
    one = pixels.new_ones(1)
    left, right = [one.expand(len(pixels))], [bias.to(x.dtype)]
    if noise is not None:
        left.append(noise.expand(len(x), 1, *x.shape[2:]).flatten())
        right.append(one.expand(len(bias)))
    pixels.addmm_(torch.stack(left, dim=1), torch.stack(right), beta=gain, alpha=gain)
    return x


def setup_filter(taps: tuple[float, ...]) -> Tensor:
    """The 2-D resampling filter [k, k] with unit sum: the outer product of `taps` with itself."""
    # In Python: the first operation on the meta device, where networks are measured, imports torch._dynamo and with it
    # Triton. That takes a second, and Triton's LLVM crashes where Mesa's OpenGL has loaded its own.
    total = sum(taps) ** 2
    return torch.tensor([[one * other / total for other in taps] for one in taps], dtype=torch.float32)


def filter2d(x: Tensor, f: Tensor, gain: float = 1.0, stride: int = 1, before: int = 0, after: int = 0) -> Tensor:
    """Convolve every channel with the 2-D filter f [kh, kw]. True convolution: f is flipped.

    Zeros go around x: so many `before` its first row and column, so many `after` its last; negative crops.
    """
    if torch.is_grad_enabled() and before == after >= 0:
        return gradients.filtered(x, f * gain, pad=before, stride=stride)
    if before or after:
        x = F.pad(x, (before, after, before, after))
    if torch.is_grad_enabled():
        return gradients.filtered(x, f * gain, stride=stride)
    channels = x.shape[1]
    kernel = (f * gain).flip([0, 1]).to(x.dtype)
    return F.conv2d(x, kernel.expand(channels, 1, *f.shape), stride=stride, groups=channels)


def upsample2d(x: Tensor, f: Tensor) -> Tensor:
    """Twice the size: zeros inserted, then the filter f with gain 4 (StyleGAN2, figure 7; Karras et al. 2019).

    An output pixel meets every second tap of the filter only, by the parity of its place: four small filters at the
    old size, whose results are interleaved, spare the multiplications by zero.
    """
    if gpu.supports(x):
        before, after = (f.shape[-1] + 1) // 2, (f.shape[-1] - 2) // 2
        padding = (before, after, before, after)
        return gpu.attempt(lambda: gpu.upfirdn2d(x, f, up=2, padding=padding, gain=4.0), lambda: _upsampled(x, f))
    return _upsampled(x, f)


def _upsampled(x: Tensor, f: Tensor) -> Tensor:
    """`upsample2d` by plain operations."""
    if torch.is_grad_enabled() and f.shape[-1] % 2 == 0:
        return gradients.upsampled(x, f)
    if in_bands(x):
        along_y, along_x = separable_parts(f, x)
        if len(along_x) == 1:
            return _upsampled_along(_upsampled_along(x, along_x[0], 3), along_y[0], 2)
    c, h, w = x.shape[1:]
    f = F.pad(f, (1, 0, 1, 0)) if f.shape[-1] % 2 else f  # an even number of taps, the first one idle
    half = f.shape[-1] // 2
    phases = (f * 4).reshape(half, 2, half, 2).flip([0, 2]).permute(1, 3, 0, 2).reshape(4, 1, half, half)
    y = F.conv2d(F.pad(x, (half - 1,) * 4), phases.to(x.dtype).repeat(c, 1, 1, 1), groups=c)
    crop = half - 1
    return F.pixel_shuffle(y, 2)[:, :, crop : crop + 2 * h, crop : crop + 2 * w]


def _upsampled_along(x: Tensor, taps: Tensor, axis: int) -> Tensor:
    """Twice the size along one axis of x [N, C, H, W], with taps [t] and gain 2: a ninth of the time of `F.conv2d`."""
    taps = F.pad(taps, (len(taps) % 2, 0))
    n, half = x.shape[axis], len(taps) // 2
    weights = (taps * 2).flip(0).reshape(half, 2).tolist()
    border = (half - 1, half - 1)
    x = F.pad(x, border if axis == 3 else (0, 0, *border))
    y = x.new_empty((*x.shape[:axis], n, 2, *x.shape[axis + 1 :]))
    for parity in (0, 1):
        first, phase = divmod(parity + half - 1, 2)
        out = y.select(axis + 1, parity)
        torch.mul(x.narrow(axis, first, n), weights[0][1 - phase], out=out)
        for tap in range(1, half):
            out.add_(x.narrow(axis, first + tap, n), alpha=weights[tap][1 - phase])
    return y.flatten(axis, axis + 1)


def smooth2d(x: Tensor, f: Tensor, border: int = 0, stride: int = 1) -> Tensor:
    """Filter with f at the same size, plus `border` pixels on each side, keeping every `stride`-th pixel."""
    k = f.shape[-1]
    return filter2d(x, f, stride=stride, before=(k - 1) // 2 + border, after=(k - 2) // 2 + border)


def downsample2d(x: Tensor, f: Tensor) -> Tensor:
    """Half the size: filter with f, then keep every second pixel."""
    return smooth2d(x, f, stride=2)


Finish = Callable[[Tensor, int], Tensor]  # (band of rows, its first row) -> the finished band, overwritten at will


def unfinished(band: Tensor, top: int) -> Tensor:
    """The Finish that does nothing."""
    del top
    return band


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


def band_rows(x: Tensor, out: int, taps: int, width: int) -> int:
    """How many rows of a result [N, out, *, width] to make at a time from x; `taps` of the kernel meet each."""
    macs = x.shape[0] * x.shape[1] * out * taps * width
    size = x.shape[0] * out * width * x.element_size()
    return max(int(min(BAND_MACS / macs, BAND_BYTES / size)), 4)


def in_bands(x: Tensor) -> bool:
    """A GPU takes its work as a queue; gradients want whole tensors."""
    return not (x.is_cuda or torch.is_grad_enabled())


def _rows(x: Tensor, top: int, bottom: int) -> Tensor:
    """Rows from `top` up to `bottom` of x, zeros where they lie outside."""
    height = x.shape[2]
    rows = x[:, :, max(top, 0) : bottom]
    above, below = max(-top, 0), max(bottom - height, 0)
    return F.pad(rows, (0, 0, above, below)) if above or below else rows


def is_channels_last(x: Tensor) -> bool:
    """Whether the channels of a pixel lie side by side in memory, without gaps between pixels."""
    return x.is_contiguous(memory_format=torch.channels_last)


def empty_like(like: Tensor, channels: int, height: int, width: int) -> Tensor:
    """An empty tensor [N, channels, height, width] in the layout of another."""
    layout = torch.channels_last if is_channels_last(like) else torch.contiguous_format
    size = (like.shape[0], channels, height, width)
    return torch.empty(size, dtype=like.dtype, device=like.device, memory_format=layout)


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
        band = F.conv2d(_rows(x, top - pad, bottom - pad + kernel - 1), weight, padding=(0, pad))
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
    x = F.pad(_rows(x, top - 1, bottom + 1), (1, 1))
    height, width = 2 * (bottom - top) + 3, 2 * x.shape[3] - 1
    y = channels_last("transposed", x.dtype, x.shape[0], kernels.odd_odd.shape[0], height, width)
    y[:, :, 1::2, 1::2] = F.conv2d(x, kernels.even_even)
    y[:, :, 1::2, 0::2] = F.conv2d(x, kernels.even_odd)
    y[:, :, 0::2, 1::2] = F.conv2d(x, kernels.odd_even)
    y[:, :, 0::2, 0::2] = F.conv2d(x, kernels.odd_odd)
    return y


class Cast(NamedTuple):
    """Weights in the type of activations."""

    weight: Tensor
    phases: Phases | None


@dataclass(frozen=True)
class Prepared:
    """What follows from a layer's weights alone, computed once."""

    energy: Tensor  # [out, in]: sum of squares over each kernel
    phases: Phases | None = None  # of a layer that upsamples
    winograd: Tensor | None = None  # [36, in, out] of a layer that does not and is wide enough to gain by it
    casts: dict[torch.dtype, Cast] = field(default_factory=dict)  # made when they are first wanted

    def cast(self, weight: Tensor, dtype: torch.dtype) -> Cast:
        """The weight that this was prepared from, and its phases, in another type."""
        if dtype == weight.dtype:
            return Cast(weight, self.phases)
        if dtype not in self.casts:
            kernels = None if self.phases is None else Phases(*(kernel.to(dtype) for kernel in self.phases))
            self.casts[dtype] = Cast(weight.to(dtype), kernels)
        return self.casts[dtype]


def weight_energy(weight: Tensor) -> Tensor:
    """Sum of squares of weight [out, in, k, k] over each kernel, [out, in]."""
    return weight.square().sum(dim=[2, 3])


def prepare(weight: Tensor, up: bool = False) -> Prepared:
    """What modulated convolution needs of weight [out, in, k, k] at every call, once and for all."""
    energy = weight_energy(weight)
    if weight.is_cuda:
        return Prepared(energy)
    if up:
        return Prepared(energy, phases=phases(weight) if weight.shape[-1] == 3 else None)
    return Prepared(energy, winograd=winograd.transformed(weight) if winograd.is_worth_it(weight) else None)


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    up_filter: Tensor | None = None,
    prepared: Prepared | None = None,
    poll: Poll = no_poll,
    finish: Finish = unfinished,
    place: str | None = None,
) -> Tensor:
    """Convolution whose weights are scaled by a style (StyleGAN2, section 2.2, equations 1 and 3).

        w'_ijk = s_i * w_ijk                                   modulation
        w''_ijk = w'_ijk / sqrt(sum_ik w'_ijk^2 + eps)          demodulation

    Args:
        x: [N, in, H, W].
        weight: [out, in, k, k].
        styles: [N, in].
        up_filter: [t, t] to double the size on the way, or None.
        prepared: what `prepare` gave for this weight, if it is at hand.
        poll: called between pieces of the work.
        finish: done to the result, band by band: noise, bias, activation. Given one picture, or all.
        place: as in `conv2d_up`.

    Returns:
        [N, out, H, W], or twice H and W.
    """
    energy = weight_energy(weight) if prepared is None else prepared.energy
    factor = (styles.square() @ energy.t() + 1e-8).rsqrt()
    return scaled_conv2d(
        x, weight, styles, factor, up_filter=up_filter, prepared=prepared, poll=poll, finish=finish, place=place
    )


def scaled_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    factor: Tensor,
    *,
    pad: int | None = None,
    up_filter: Tensor | None = None,
    prepared: Prepared | None = None,
    poll: Poll = no_poll,
    finish: Finish = unfinished,
    place: str | None = None,
) -> Tensor:
    """Convolution with weights factor[n, out] * weight[out, in] * styles[n, in], of each picture's own.

    Where there are more activations than weights the weights are scaled, else the activations, before and after
    (StyleGAN2, section 2.2, after equation 3); a GPU takes all pictures in one convolution.

    Args:
        x: [N, in, H, W].
        weight: [out, in, k, k].
        styles: [N, in].
        factor: [N, out].
        pad: as in `conv2d`.
        up_filter: as in `conv2d_up`, or None.
        prepared: what `prepare` gave for this weight, if it is at hand.
        poll: called between pieces of the work.
        finish: done to the result, band by band. Given one picture, or all.
        place: as in `conv2d_up`.
    """
    if gpu.supports(x):
        poll()
        return gpu.attempt(
            lambda: finish(gpu.modulated_conv2d(x, weight, styles, up_filter, factor=factor, padding=pad), 0),
            lambda: _plain_scaled_conv2d(x, weight, styles, factor, pad, up_filter, prepared, poll, finish, place),
        )
    return _plain_scaled_conv2d(x, weight, styles, factor, pad, up_filter, prepared, poll, finish, place)


def _plain_scaled_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    factor: Tensor,
    pad: int | None,
    up_filter: Tensor | None,
    prepared: Prepared | None,
    poll: Poll,
    finish: Finish,
    place: str | None,
) -> Tensor:
    """`scaled_conv2d` by plain operations."""
    if x.dtype == torch.float16:  # keep sums within half's range; the factor makes up for it
        largest = weight.abs().amax(dim=[1, 2, 3]) * math.sqrt(weight[0].numel())
        most = styles.abs().amax(dim=1, keepdim=True)
        weight, styles, factor = weight / largest[:, None, None, None], styles / most, factor * largest * most
        prepared = None
    fewer = None
    may_be_fewer = in_bands(x) and up_filter is None and x.dtype == torch.float32 and x[0, 0].numel() >= WINOGRAD_PIXELS
    if may_be_fewer and prepared is not None:
        fewer = prepared.winograd
    if in_bands(x) and fewer is None and weight.numel() * len(x) <= x.numel():
        pictures = []
        place = place if len(x) == 1 else None
        for one, style, scale in zip(x.split(1), styles, factor, strict=True):
            own = (weight * style[None, :, None, None] * scale[:, None, None, None]).to(x.dtype)
            if up_filter is None:
                pictures.append(conv2d(one, own, pad, poll, finish))
            else:
                pictures.append(conv2d_up(one, own, up_filter, None, poll, finish, place))
        return pictures[0] if len(pictures) == 1 else torch.cat(pictures)
    poll()
    factor = factor.to(x.dtype)[:, :, None, None]

    def scaled(band: Tensor, top: int) -> Tensor:
        return finish(band * factor if torch.is_grad_enabled() else band.mul_(factor), top)

    x = x * styles.to(x.dtype)[:, :, None, None]
    if fewer is not None:
        return _winograd_conv2d(x, fewer, 1 if pad is None else pad, factor, poll, finish)
    cast = Cast(weight.to(x.dtype), None) if prepared is None else prepared.cast(weight, x.dtype)
    if up_filter is None:
        return conv2d(x, cast.weight, pad, poll, scaled)
    return conv2d_up(x, cast.weight, up_filter, cast.phases, poll, scaled, place)


def _winograd_conv2d(x: Tensor, u: Tensor, pad: int, factor: Tensor, poll: Poll, finish: Finish) -> Tensor:
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


def modulated_act(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    bias: Tensor,
    activation: str,
    *,
    up_filter: Tensor | None = None,
    gain: float = 1.0,
    clamp: float | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """`modulated_conv2d`, and `bias_act` of what it gives, with gradients: demodulation and gains come in one pass.

    Args:
        x: [N, in, H, W].
        weight: [out, in, k, k].
        styles: [N, in].
        bias: [out].
        activation: "lrelu" or "linear".
        up_filter: [t, t] to double the size on the way, or None.
        gain: on top of the activation's own.
        clamp: largest absolute value, or None.
        noise: [N or 1, 1, H', W'], or None.

    Returns:
        [N, out, H', W'].
    """
    if x.dtype == torch.float16:  # whose range `modulated_conv2d` minds
        y = modulated_conv2d(x, weight, styles, up_filter=up_filter)
        return bias_act(y, bias, activation, gain, clamp, noise)
    factor = (styles.square() @ weight_energy(weight).t() + 1e-8).rsqrt()
    x, weight = x * styles.to(x.dtype)[:, :, None, None], weight.to(x.dtype)
    y = conv2d(x, weight) if up_filter is None else conv2d_up(x, weight, up_filter)
    return gradients.finished(y, factor, bias, activation, gain, clamp, noise)


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
    if is_channels_last(x):
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2) @ modulated.transpose(1, 2)
        return pixels.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
    return (modulated @ x.flatten(2)).unflatten(2, x.shape[2:])
