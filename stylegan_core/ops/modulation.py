"""Convolutions whose weights are scaled by a style (StyleGAN2, section 2.2)."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from stylegan_core import gradients, winograd
from stylegan_core import kernels as gpu
from stylegan_core.ops.activation import bias_act
from stylegan_core.ops.bands import Finish, Poll, in_bands, is_channels_last, no_poll, unfinished
from stylegan_core.ops.convolution import Phases, conv2d, conv2d_up, phases, winograd_conv2d

WINOGRAD_PIXELS = 256  # below, reading the transformed weights takes longer than multiplying by the plain ones


class Cast(NamedTuple):
    """Weights in the type of activations."""

    weight: Tensor
    phases: Phases | None


@dataclass(frozen=True, eq=False)
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


def _demodulation(styles: Tensor, energy: Tensor) -> Tensor:
    """What brings outputs back to the scale of inputs (equation 3), [N, out]; energy: [out, in]."""
    return (styles.square() @ energy.t() + 1e-8).rsqrt()


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
    factor = _demodulation(styles, weight_energy(weight) if prepared is None else prepared.energy)
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

    def plain() -> Tensor:
        return _plain_scaled_conv2d(x, weight, styles, factor, pad, up_filter, prepared, poll, finish, place)

    if not gpu.supports(x):
        return plain()
    poll()
    return gpu.attempt(
        lambda: finish(gpu.modulated_conv2d(x, weight, styles, up_filter, factor=factor, padding=pad), 0), plain
    )


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
        return winograd_conv2d(x, fewer, 1 if pad is None else pad, factor, poll, finish)
    cast = Cast(weight.to(x.dtype), None) if prepared is None else prepared.cast(weight, x.dtype)
    if up_filter is None:
        return conv2d(x, cast.weight, pad, poll, scaled)
    return conv2d_up(x, cast.weight, up_filter, cast.phases, poll, scaled, place)


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
    factor = _demodulation(styles, weight_energy(weight))
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
