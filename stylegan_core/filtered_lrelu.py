"""The filtered leaky ReLU of StyleGAN3, where most of its time goes."""

from torch import Tensor

from stylegan_core import reference
from stylegan_core.ops import Poll, no_poll
from stylegan_core.reference import Padding


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
    poll: Poll = no_poll,
) -> Tensor:
    """Bias, upsampling, leaky ReLU, downsampling: what `reference.filtered_lrelu` gives, with its arguments.

    `poll` is called between pieces of the work.
    """
    poll()
    return reference.filtered_lrelu(x, bias, up_filter, down_filter, up, down, padding, gain, slope, clamp)
