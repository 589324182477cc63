"""Numbers that are known beforehand, as tensors on a device: brought there once, for bringing them waits for it."""

from functools import lru_cache

import torch
from torch import Tensor

Numbers = tuple[float, ...] | tuple[tuple[float, ...], ...]


@lru_cache(maxsize=64)
def constant(values: Numbers, device: torch.device, dtype: torch.dtype) -> Tensor:
    """`values` as a tensor that every caller shares: not to be written into."""
    with torch.inference_mode(False):  # else it could never meet a tensor that wants gradients
        return torch.tensor(values, device=device, dtype=dtype)
