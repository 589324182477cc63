"""Networks in their straightforward form: every operation as its definition says (stylegan_core/reference.py).

What benchmarks measure against, and tests compare with.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from torch import Tensor

from stylegan_core import reference, stylegan2, stylegan3
from stylegan_core.ops import Poll, no_poll


def _filtered_lrelu(*arguments: object, poll: Poll = no_poll, **more: object) -> Tensor:
    poll()
    return reference.filtered_lrelu(*arguments, **more)  # type: ignore[arg-type]


@contextmanager
def straightforward() -> Iterator[None]:
    """Within it StyleGAN2's and StyleGAN3's networks, on any thread, take the straightforward form."""
    with ExitStack() as stack:
        for module in (stylegan2, stylegan3):
            stack.enter_context(patch.object(module, "bias_act", reference.bias_act))
        for name in (
            "conv_act",
            "downsample2d",
            "modulated_act",
            "modulated_conv2d",
            "modulated_pointwise",
            "smooth2d",
            "upsample2d",
        ):
            stack.enter_context(patch.object(stylegan2, name, getattr(reference, name)))
        stack.enter_context(patch.object(stylegan3, "scaled_conv2d", reference.scaled_conv2d))
        stack.enter_context(patch.object(stylegan3, "filtered_lrelu", _filtered_lrelu))
        stack.enter_context(patch.object(stylegan2, "CPU_LAYOUT", torch.contiguous_format))
        yield
