"""Filters: twice the size, half of it, and the same."""

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core import gradients
from stylegan_core import kernels as gpu
from stylegan_core.kernel_plans import separable_parts
from stylegan_core.ops.bands import in_bands


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
