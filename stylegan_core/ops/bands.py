"""Work in bands of rows: how many rows at a time, and what is done between and after them."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Poll = Callable[[], None]  # raises Cancelled when the result is not wanted any more
Finish = Callable[[Tensor, int], Tensor]  # (band of rows, its first row) -> the finished band, overwritten at will

BAND_MACS = 5e9  # multiply-adds between two polls, at most 45 ms on two CPU cores; less repeats the weights' way in
BAND_BYTES = 8 << 20  # of a band's result: what stays in the cache until it is finished


def no_poll() -> None:
    """The poll of a computation that always runs to its end."""


def unfinished(band: Tensor, top: int) -> Tensor:
    """The Finish that does nothing."""
    del top
    return band


def band_rows(x: Tensor, out: int, taps: int, width: int) -> int:
    """How many rows of a result [N, out, *, width] to make at a time from x; `taps` of the kernel meet each."""
    macs = x.shape[0] * x.shape[1] * out * taps * width
    size = x.shape[0] * out * width * x.element_size()
    return max(int(min(BAND_MACS / macs, BAND_BYTES / size)), 4)


def in_bands(x: Tensor) -> bool:
    """A GPU takes its work as a queue; gradients want whole tensors."""
    return not (x.is_cuda or torch.is_grad_enabled())


def rows_of(x: Tensor, top: int, bottom: int) -> Tensor:
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
