"""Convolution, resampling and activation as their definitions say, for tests and benchmarks to compare with.

Nothing here is quick: most of the work is the multiplication of zeros that upsampling has inserted. Every function
works in the precision of x, so in float64 it serves as the truth for faster forms.
"""

import torch.nn.functional as F
from torch import Tensor

from stylegan_core.ops import Finish, Poll, Prepared, no_poll, unfinished

Padding = tuple[int, int, int, int]  # left, right, top, bottom; negative crops


def upfirdn2d(
    x: Tensor,
    f: Tensor | None,
    up: int = 1,
    down: int = 1,
    padding: Padding = (0, 0, 0, 0),
    flip_filter: bool = False,
    gain: float = 1.0,
) -> Tensor:
    """Upsample, filter and downsample (Alias-Free GAN, appendix D; StyleGAN2, figure 7).

    Args:
        x: [N, C, H, W].
        f: [t], applied along both axes, or [th, tw]; None leaves the filter out.
        up: up - 1 zeros follow every sample, the last one too.
        down: one sample of so many is kept, from the first on.
        padding: zeros around the upsampled picture, in its samples; negative crops.
        flip_filter: correlate instead of convolving.
        gain: factor of the result.

    Returns:
        [N, C, H', W'] with H' = ceil((H * up + top + bottom - th + 1) / down), W' likewise.
    """
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, h * up, w * up)
    x = F.pad(x, padding) * gain
    if f is not None:
        f = f.to(x.dtype)
        f = f if flip_filter else f.flip(list(range(f.ndim)))
        for kernel in (f[:, None], f[None]) if f.ndim == 1 else (f,):
            x = F.conv2d(x, kernel.expand(c, 1, *kernel.shape), groups=c)
    return x[:, :, ::down, ::down]


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
) -> Tensor:
    """Bias and leaky ReLU at a higher sampling rate (Alias-Free GAN, section 3.2 config F, appendix D).

    Args:
        x: [N, C, H, W].
        bias: [C], or None.
        up_filter: [t] or [t, t], unit sum; upsampling multiplies it by up². None: no filter.
        down_filter: likewise, before samples are dropped.
        up: factor of upsampling.
        down: factor of downsampling.
        padding: left, right, top, bottom, in samples of the upsampled picture, for both filters together.
        gain: factor of the activation.
        slope: of the activation below zero; 1: none.
        clamp: largest absolute value between the filters, after the gain; None: no limit.

    Returns:
        [N, C, H', W'] with H' = ceil((H * up + top + bottom - (taps of both filters - 2)) / down), W' likewise.
    """
    if bias is not None:
        x = x + bias.to(x.dtype)[:, None, None]
    x = upfirdn2d(x, up_filter, up=up, padding=padding, gain=up**2)
    x = F.leaky_relu(x, slope) * gain
    x = x if clamp is None else x.clamp(-clamp, clamp)
    return upfirdn2d(x, down_filter, down=down)


def bias_act(
    x: Tensor,
    bias: Tensor | None,
    activation: str,
    gain: float = 1.0,
    clamp: float | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """What `ops.bias_act` gives, with its arguments; x stays as it is."""
    if noise is not None:
        x = x + noise
    if bias is not None:
        x = x + bias.to(x.dtype).reshape(1, -1, *[1] * (x.ndim - 2))
    if activation == "lrelu":
        x = F.leaky_relu(x, 0.2)
        gain = gain * 2**0.5
    x = x * gain
    return x if clamp is None else x.clamp(-clamp, clamp)


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
    """What `gradients.conv_act` gives, with its arguments."""
    x = F.conv2d(x, (weight * scale).to(x.dtype), stride=stride, padding=pad)
    return bias_act(x, bias, activation, gain, clamp)


def smooth2d(x: Tensor, f: Tensor, border: int = 0, stride: int = 1) -> Tensor:
    """What `ops.smooth2d` gives, with its arguments: what is dropped is computed first."""
    before, after = (f.shape[-1] - 1) // 2 + border, (f.shape[-1] - 2) // 2 + border
    return upfirdn2d(x, f, down=stride, padding=(before, after, before, after))


def downsample2d(x: Tensor, f: Tensor) -> Tensor:
    """Half the size, with filter f [t, t]."""
    return smooth2d(x, f, stride=2)


def upsample2d(x: Tensor, f: Tensor) -> Tensor:
    """Twice the size: [N, C, H, W] -> [N, C, 2H, 2W] with filter f [t, t] (StyleGAN2, figure 7)."""
    before, after = (f.shape[-1] + 1) // 2, (f.shape[-1] - 2) // 2
    return upfirdn2d(x, f, up=2, padding=(before, after, before, after), gain=4)


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
    """What `ops.modulated_conv2d` gives, with its arguments (StyleGAN2, section 2.2, equations 1 and 3)."""
    del prepared, place
    modulated = weight[None] * styles[:, None, :, None, None]  # [N, out, in, k, k]
    factor = (modulated.square().sum(dim=[2, 3, 4]) + 1e-8).rsqrt()
    return scaled_conv2d(x, weight, styles, factor, up_filter=up_filter, poll=poll, finish=finish)


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
    """What `ops.modulated_act` gives, with its arguments."""
    return bias_act(modulated_conv2d(x, weight, styles, up_filter=up_filter), bias, activation, gain, clamp, noise)


def modulated_pointwise(x: Tensor, weight: Tensor, styles: Tensor) -> Tensor:
    """What `ops.modulated_pointwise` gives, with its arguments."""
    return scaled_conv2d(x, weight, styles, styles.new_ones(len(x), len(weight)))


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
    """What `ops.scaled_conv2d` gives, with its arguments: weights are scaled, and there is a group for each picture.

    Upsampling is a transposed convolution followed by the filter.
    """
    del prepared, place
    poll()
    (n, inner, h, w), (out, _, k, _) = x.shape, weight.shape
    own = weight[None] * styles[:, None, :, None, None] * factor[:, :, None, None, None]  # [N, out, in, k, k]
    x = x.contiguous().reshape(1, n * inner, h, w)
    if up_filter is None:
        grouped = own.reshape(n * out, inner, k, k).to(x.dtype)
        y = F.conv2d(x, grouped, padding=k // 2 if pad is None else pad, groups=n)
        return finish(y.reshape(n, out, *y.shape[2:]), 0)
    transposed = own.transpose(1, 2).reshape(n * inner, out, k, k).to(x.dtype)
    y = F.conv_transpose2d(x, transposed, stride=2, groups=n)
    taps = up_filter.shape[-1]
    before, after = (taps + 1) // 2 + k // 2 - (k - 1), (taps - 2) // 2 + k // 2 - (k - 2)
    y = upfirdn2d(y, up_filter, padding=(before, after, before, after), gain=4)
    return finish(y.reshape(n, out, *y.shape[2:]), 0)
