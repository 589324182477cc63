"""Memory that pieces of work share one after another, each thread its own.

Fresh memory has to be found and cleared by the system, page by page: at the size of a band that costs as much as
filtering it. What lies in the workspace is overwritten by whoever takes the same place next.
"""

import math
import threading

import torch
from torch import Tensor

_here = threading.local()


def workspace(place: str, dtype: torch.dtype, *shape: int) -> Tensor:
    """A tensor on the CPU, contiguous, with anything in it, in the memory of a place.

    Args:
        place: a name; what it gave before to this thread is overwritten.
        dtype: of the tensor.
        shape: of the tensor.
    """
    places: dict[tuple[str, torch.dtype], Tensor] = _here.__dict__.setdefault("places", {})
    size = math.prod(shape)
    memory = places.get((place, dtype))
    if memory is None or memory.numel() < size:
        places.pop((place, dtype), None)  # before there is another
        with torch.inference_mode(False):  # else it could not be written to outside of inference mode
            memory = places[place, dtype] = torch.empty(size, dtype=dtype)
    return memory[:size].view(shape)


def channels_last(place: str, dtype: torch.dtype, n: int, channels: int, height: int, width: int) -> Tensor:
    """`workspace` of [n, channels, height, width] with channels last."""
    return workspace(place, dtype, n, height, width, channels).permute(0, 3, 1, 2)
