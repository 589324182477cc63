"""The operations that a GPU runs as Triton kernels: what launches them, and when to take the plain form instead.

    if kernels.supports(x):
        return kernels.attempt(lambda: kernels.upfirdn2d(x, f, up=2), lambda: plain(x))

Triton is imported with the first launch, so that a machine without it, or without a GPU, never notices. If a kernel
fails (a driver or a GPU that Triton does not know), that is logged once and the plain form serves for the rest of the
run. Forward only: with gradients enabled nothing is supported.

Which work is a kernel is decided by bytes, since a GPU reads a value in the time it takes for hundreds of operations:

- A modulated convolution at 1024², 32 channels, half precision moves 64 MiB in, 64 MiB out and 18 KiB of weights, for
  19 GFLOP: 0.04 ms of memory and 0.02 ms of tensor cores on an H100, so cuDNN's convolution is as good as any. What
  costs is around it: styles on activations, demodulation, noise, bias and activation are five passes of 128 MiB. Styles
  and demodulation go into the weights instead (one launch, `modulated_weights`; at 512 channels they are 9 MiB that
  had to be read anyway), noise, bias and activation into one pass (`finish`), and where the picture grows, into the
  filter's pass (`upfirdn2d`). A convolution in Triton would save that one pass, and lose more in speed against cuDNN.
- `filtered_lrelu` is one kernel, because between its filters the picture has 4 to 16 times the pixels.
"""

import contextlib
import functools
import importlib.util
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.kernel_plans import filtered_lrelu_tile, pixel_blocks, power_of_two, separable_parts
from stylegan_core.memory import is_out_of_memory

log = logging.getLogger(__name__)

AVAILABLE = importlib.util.find_spec("triton") is not None
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
LARGEST = 1 << 29  # values; four times as many, an upsampled picture, still have offsets of 32 bits

Padding = tuple[int, int, int, int]  # (left, right, top, bottom) px at the upsampled size; negative: cropped


@dataclass
class _State:
    """What this process has found out about its kernels."""

    failed: bool = False
    interpreted: bool = False  # kernels may run on the CPU, in Triton's interpreter


_state = _State()


def usable() -> bool:
    """Whether there are kernels, and none has failed so far."""
    return AVAILABLE and not _state.failed


def supports(x: Tensor) -> bool:
    """Whether kernels may run on x [N, C, H, W] here and now."""
    return (
        usable()
        and (x.is_cuda or _state.interpreted)
        and not torch.is_grad_enabled()
        and x.dtype in DTYPES
        and 0 < x.numel() <= LARGEST
    )


def attempt(quick: Callable[[], Tensor], plain: Callable[[], Tensor]) -> Tensor:
    """quick(); or plain(), now and for the rest of the run, if quick fails. `quick` must not change what it is given.

    A kernel that reads or writes where it must not takes CUDA down with it; nothing can go on after that.
    """
    try:
        return quick()
    # Triton's compiler, its driver and ptxas raise whatever they like; any of it means: not on this machine.
    except Exception as error:
        if is_out_of_memory(error):
            raise  # says nothing against kernels, and the plain form needs more
        log.warning("GPU kernels are off, the plain form goes on: %s: %s", type(error).__name__, error)
        _state.failed = True
        return plain()


@contextlib.contextmanager
def switched_off() -> Iterator[None]:
    """The plain form only, to compare with."""
    before, _state.failed = _state.failed, True
    try:
        yield
    finally:
        _state.failed = before


@contextlib.contextmanager
def interpreted() -> Iterator[None]:
    """Kernels on CPU tensors, in Triton's interpreter: for tests, thousands of times slower than any other way.

    Raises:
        RuntimeError: TRITON_INTERPRET=1 was not in the environment when Triton was imported.
    """
    ours = _kernels()
    if any("Interpreted" not in type(made).__name__ for made in (ours.modulate, ours.tl.cdiv)):
        raise RuntimeError("Set TRITON_INTERPRET=1 before Triton is imported.")
    state = _state
    before, state.interpreted = state.interpreted, True
    try:
        yield
    finally:
        state.interpreted = before


@functools.cache
def _kernels() -> Any:
    return importlib.import_module("stylegan_core.triton_kernels")


def _on(x: Tensor) -> contextlib.AbstractContextManager[object]:
    """Triton launches on the current device, which need not be the tensor's."""
    return torch.cuda.device(x.device) if x.is_cuda else contextlib.nullcontext()


def is_channels_last(x: Tensor) -> bool:
    """Whether the channels of a pixel lie side by side in memory."""
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def _new(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """An empty [N, channels, height, width] in x's memory format."""
    if height < 1 or width < 1:
        raise ValueError(f"the filter does not fit: the result would be {width} × {height} px.")
    memory = torch.channels_last if is_channels_last(x) else torch.contiguous_format
    shape = (x.shape[0], channels, height, width)
    if math.prod(shape) >= 4 * LARGEST:
        raise ValueError(f"{list(shape)} is more than kernels can address.")
    return torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=memory)


def _lift(pad: int, up: int) -> int:
    """Samples to add so that places in the padding are not negative; see the kernels."""
    return math.ceil(max(pad, 0) / up)


# Resampling ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Finish:
    """What a layer does after its convolution: clamp(gain * leaky_relu(x + noise + bias)).

    noise: [N or 1, 1, H, W], its strength included, or None. bias: [C] or None. slope 1: no activation. gain: all of
    it, sqrt(2) included. clamp: largest absolute value, or None.
    """

    noise: Tensor | None = None
    bias: Tensor | None = None
    slope: float = 1.0
    gain: float = 1.0
    clamp: float | None = None


AS_IS = Finish()


def upfirdn2d(
    x: Tensor,
    f: Tensor,
    up: int = 1,
    down: int = 1,
    padding: Padding = (0, 0, 0, 0),
    gain: float = 1.0,
    finish: Finish = AS_IS,
) -> Tensor:
    """Insert zeros, pad, convolve with f times gain, keep every `down`-th pixel (StyleGAN2, appendix B); then `finish`.

    Args:
        x: [N, C, H, W], contiguous or channels-last; `supports(x)`.
        f: [k, k], or [k] for a separable filter. A true convolution: f is flipped.
        up: each sample is followed by up - 1 zeros, on both axes.
        down: factor of the decimation.
        padding: (left, right, top, bottom) after the zeros are in.
        gain: of the whole filter.
        finish: done to the result while it is in registers.

    Returns:
        [N, C, (up*H + top + bottom - k) // down + 1, likewise], x's dtype and memory format.

    Raises:
        ValueError: the filter does not fit into the padded picture.
    """
    left, right, top, bottom = padding
    if f.ndim == 2:
        return _upfirdn(x, f, (up, up), (down, down), padding, gain, finish)
    tall = _upfirdn(x, f[:, None], (up, 1), (down, 1), (0, 0, top, bottom), gain, AS_IS)
    return _upfirdn(tall, f[None, :], (1, up), (1, down), (left, right, 0, 0), 1.0, finish)


def finish(x: Tensor, what: Finish) -> Tensor:
    """Noise, bias, activation, gain and clamp in one pass over x [N, C, H, W]."""
    return _upfirdn(x, None, (1, 1), (1, 1), (0, 0, 0, 0), 1.0, what)


def _upfirdn(
    x: Tensor, f: Tensor | None, up: tuple[int, int], down: tuple[int, int], padding: Padding, gain: float, what: Finish
) -> Tensor:
    """One launch; `up` and `down` as (vertical, horizontal)."""
    taps_y, taps_x = f.shape if f is not None else (1, 1)
    left, right, top, bottom = padding
    n, channels, height, width = x.shape
    out_h = (height * up[0] + top + bottom - taps_y) // down[0] + 1
    out_w = (width * up[1] + left + right - taps_x) // down[1] + 1
    y = _new(x, channels, out_h, out_w)
    noise = what.noise
    if noise is not None and noise.shape not in ((n, 1, out_h, out_w), (1, 1, out_h, out_w)):
        raise ValueError(f"noise is {list(noise.shape)}; expected [1 or {n}, 1, {out_h}, {out_w}].")
    if what.bias is not None and what.bias.shape != (channels,):
        raise ValueError(f"bias is {list(what.bias.shape)}; expected [{channels}].")
    pixels = n * out_h * out_w
    block_p, block_c = pixel_blocks(channels, is_channels_last(x))
    grid = (math.ceil(pixels / block_p), math.ceil(channels / block_c))
    with _on(x):  # what is not there is never read, and x stands for it
        _kernels().upfirdn_finish[grid](
            x, x if f is None else f.contiguous(), x if noise is None else noise.contiguous(),
            x if what.bias is None else what.bias, y, channels, height, width, out_h, out_w, pixels, *x.stride(),
            *y.stride(), 0 if noise is None or noise.shape[0] == 1 else out_h * out_w, top, left, float(gain),
            float(what.slope), float(what.gain), float(what.clamp or 0),
            UP_Y=up[0], UP_X=up[1], DOWN_Y=down[0], DOWN_X=down[1], TAPS_Y=taps_y, TAPS_X=taps_x,
            LIFT_Y=_lift(top, up[0]), LIFT_X=_lift(left, up[1]), FILTER=f is not None, NOISE=noise is not None,
            BIAS=what.bias is not None, ACTIVATE=what.slope != 1, CLAMP=what.clamp is not None, BLOCK_P=block_p,
            BLOCK_C=block_c,
        )  # fmt: skip
    return y


# StyleGAN3's filtered activation -------------------------------------------------------------------------------------


def filtered_lrelu(
    x: Tensor,
    bias: Tensor | None,
    up_filter: Tensor | None,
    down_filter: Tensor | None,
    up: int,
    down: int,
    padding: Padding,
    gain: float = math.sqrt(2),
    slope: float = 0.2,
    clamp: float | None = None,
) -> Tensor:
    """Bias, upsample, leaky ReLU, clamp, downsample (StyleGAN3, section 3.2) without the upsampled picture in memory.

    Args:
        x: [N, C, H, W], contiguous or channels-last; `supports(x)`.
        bias: [C] or None; padding is zeros around what has its bias.
        up_filter: [k], [k, k] or None, which is one tap; flipped, and with a gain of up².
        down_filter: likewise, without a gain.
        up, down: factors.
        padding: (left, right, top, bottom) after the zeros are in; negative: cropped.
        gain: of the activation.
        slope: of the activation below zero.
        clamp: largest absolute value between the filters, or None.

    Returns:
        [N, C, (up*H + top + bottom - (k_up - 1) - (k_down - 1) + down - 1) // down, likewise], as x is.

    Raises:
        ValueError: the filters do not fit into the padded picture, or the down-filter into a tile.
    """
    if up_filter is None and down_filter is None and (up, down, *padding) == (1, 1, 0, 0, 0, 0):  # ToRGB
        return finish(x, Finish(bias=bias, slope=slope, gain=gain, clamp=clamp))
    left, right, top, bottom = padding
    n, channels, height, width = x.shape
    (up_y, up_x), (down_y, down_x) = separable_parts(up_filter, x), separable_parts(down_filter, x)
    up_taps, down_taps = up_y.shape[1], down_y.shape[1]
    lost = up_taps + down_taps - 2 - (down - 1)
    y = _new(x, channels, (height * up + top + bottom - lost) // down, (width * up + left + right - lost) // down)
    out_h, out_w = y.shape[2:]
    tl, half = _kernels().tl, x.dtype == torch.float16  # bfloat16's 8 bits would be too few for the filters
    tile = filtered_lrelu_tile(up, down, up_taps, down_taps, is_channels_last(x), half)
    tiles_x, tiles_y = math.ceil(out_w / tile.size), math.ceil(out_h / tile.size)
    with _on(x):
        _kernels().filtered_lrelu[(tiles_x * tiles_y, math.ceil(channels / tile.channels), n)](
            x, x if bias is None else bias, up_y, up_x, down_y, down_x, y, channels, height, width, out_h, out_w,
            tiles_x, *x.stride(), *y.stride(), top, left, float(slope), float(gain), float(clamp or 0),
            UP=up, DOWN=down, UP_TAPS=up_taps, DOWN_TAPS=down_taps, UP_RANK=up_y.shape[0],
            DOWN_RANK=down_y.shape[0], LIFT_Y=_lift(top, up), LIFT_X=_lift(left, up), BIAS=bias is not None,
            CLAMP=clamp is not None, OPERAND=tl.float16 if half else tl.float32, TILE=tile.size,
            READS=tile.reads, IN=tile.inner, MID=tile.middle, OUT=tile.outer, BLOCK_C=tile.channels,
            num_warps=tile.warps,
        )  # fmt: skip
    return y


# Modulated convolution -----------------------------------------------------------------------------------------------


def modulated_weights(
    weight: Tensor,
    styles: Tensor,
    factor: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
    transposed: bool = False,
) -> Tensor:
    """Each picture's weights: scaled by its styles, and demodulated (StyleGAN2, equations 1 and 3); one launch.

    Computed in float32 whatever the dtype; demodulated weights are at most 1, so that half precision holds them without
    the rescaling that the plain form needs.

    Args:
        weight: [out, in, k, k].
        styles: [N, in].
        factor: [N, out] to scale by after the styles; None: what brings each output's weights to unit energy.
        dtype: of the result.
        transposed: in the order that a transposed convolution takes.

    Returns:
        [N*out, in, k, k], or transposed [N*in, out, k, k], channels-last.
    """
    out, inner, k, _ = weight.shape
    n = styles.shape[0]
    if styles.shape != (n, inner):
        raise ValueError(f"styles is {list(styles.shape)}; expected [N, {inner}].")
    if factor is not None and factor.shape != (n, out):
        raise ValueError(f"factor is {list(factor.shape)}; expected [{n}, {out}].")
    shape = (n * inner, out, k, k) if transposed else (n * out, inner, k, k)
    y = torch.empty(shape, dtype=dtype, device=weight.device, memory_format=torch.channels_last)
    first, second = k * k * shape[1], 1  # strides of channels-last memory; PyTorch gives others where k is 1
    y_o, y_i = (second, first) if transposed else (first, second)
    y = y.as_strided(shape, (first, 1, k * shape[1], shape[1]))
    weight, styles = weight.flatten(2), styles.contiguous()
    with _on(weight):
        _kernels().modulate[(out, n)](
            weight, styles, weight if factor is None else factor.contiguous(), y, inner, *weight.stride(), inner, out,
            y.numel() // n, y_o, y_i, shape[1],
            TAPS=k * k, DEMODULATE=factor is None, FACTOR=factor is not None,
            BLOCK=min(power_of_two(inner * k * k), 1024),
        )  # fmt: skip
    return y


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    up_filter: Tensor | None = None,
    what: Finish = AS_IS,
    factor: Tensor | None = None,
    padding: int | None = None,
) -> Tensor:
    """Modulated convolution and what follows it: three launches with cuDNN's, four where the picture grows.

    Args:
        x: [N, in, H, W]; `supports(x)`. In half precision it goes on channels-last, as tensor cores want it.
        weight: [out, in, k, k].
        styles: [N, in].
        up_filter: [t, t] to double the size on the way (the kernel is then not flipped, as in ops.conv2d_up), or None.
        what: noise, bias, activation, gain, clamp.
        factor: see `modulated_weights`.
        padding: of a convolution without up_filter; None: the same size.

    Returns:
        [N, out, H, W], or twice H and W, x's dtype.
    """
    n, k = x.shape[0], weight.shape[-1]
    if x.dtype != torch.float32:
        x = x.contiguous(memory_format=torch.channels_last)
    weights = modulated_weights(weight, styles, factor, x.dtype, transposed=up_filter is not None)
    # Picture by picture: with N groups cuDNN wants the channels of all pictures side by side, a pass more and slower.
    pairs = zip(x.split(1), weights.chunk(n), strict=True)
    if up_filter is None:
        around = k // 2 if padding is None else padding
        y = _joined([F.conv2d(picture, own, padding=around) for picture, own in pairs])
        return y if what is AS_IS else finish(y, what)
    y = _joined([F.conv_transpose2d(picture, own, stride=2) for picture, own in pairs])
    taps = up_filter.shape[-1]
    before, after = (taps + 1) // 2 + k // 2 - (k - 1), (taps - 2) // 2 + k // 2 - (k - 2)
    return upfirdn2d(y, up_filter, padding=(before, after, before, after), gain=4.0, finish=what)


def _joined(pictures: list[Tensor]) -> Tensor:
    return pictures[0] if len(pictures) == 1 else torch.cat(pictures)
