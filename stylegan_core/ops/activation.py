"""What follows a convolution: noise, bias and the activation function."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.ops.bands import is_channels_last


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
