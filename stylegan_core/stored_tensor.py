"""Tensors as a file describes them: where their numbers lie, checked, but not read before somebody asks."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from stylegan_core.errors import ModelFileError

MAX_DIMENSIONS = 8

ReadBytes = Callable[[int, int], bytearray]
"""Gives `count` bytes of a storage from byte `start` on: (start, count) -> bytes."""


@dataclass
class Storage:
    """A run of numbers of one type, somewhere in a file."""

    dtype: torch.dtype
    numel: int
    read_bytes: ReadBytes | None = None  # None until the reader knows where the numbers are


@dataclass(frozen=True)
class StoredTensor:
    """A tensor laid over a storage without gaps and without overlap, in any order of dimensions."""

    storage: Storage
    offset: int  # in elements
    size: tuple[int, ...]
    stride: tuple[int, ...]  # in elements; channels-last weights are stored as such

    @property
    def numel(self) -> int:
        """How many numbers it has."""
        return prod(self.size)

    def read(self) -> Tensor:
        """The numbers: float32, contiguous, memory of their own.

        Raises:
            ModelFileError: they are not floating point numbers, or are not in the file.
        """
        dtype = self.storage.dtype
        if not dtype.is_floating_point:
            raise ModelFileError(f"holds a weight of type {str(dtype).removeprefix('torch.')}; weights are floats.")
        if self.numel == 0 or self.storage.read_bytes is None:
            raise ModelFileError("holds a weight without numbers.")
        raw = self.storage.read_bytes(self.offset * dtype.itemsize, self.numel * dtype.itemsize)
        flat = torch.frombuffer(raw, dtype=dtype)
        return flat.as_strided(self.size, self.stride).to(torch.float32).contiguous()


def stored_tensor(storage: object, offset: object, size: object, stride: object) -> StoredTensor:
    """Check a description out of a file against its storage.

    Every number is bounded by what the storage holds, so no shape can ask for more memory than the file's own size.

    Raises:
        ModelFileError: types are wrong, or the tensor overlaps itself, has gaps, or reaches beyond the storage.
    """
    if not isinstance(storage, Storage) or not isinstance(offset, int) or offset < 0:
        raise ModelFileError("describes a tensor without a proper storage or offset.")
    size, stride = _integers(size, "size"), _integers(stride, "stride")
    if len(size) != len(stride):
        raise ModelFileError("describes a tensor whose size and stride differ in length.")
    tensor = StoredTensor(storage, offset, size, stride)
    if offset + tensor.numel > storage.numel:
        raise ModelFileError("describes a tensor that is larger than the numbers stored for it.")
    if tensor.numel and not _is_dense(size, stride):
        raise ModelFileError("describes a tensor whose numbers overlap or have gaps between them.")
    return tensor


def _integers(value: object, name: str) -> tuple[int, ...]:
    if not isinstance(value, tuple | list) or len(value) > MAX_DIMENSIONS:
        raise ModelFileError(f"describes a tensor whose {name} is not a short tuple.")
    if not all(type(item) is int and item >= 0 for item in value):
        raise ModelFileError(f"describes a tensor whose {name} has something other than whole numbers from 0.")
    return tuple(value)


def _is_dense(size: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    expected = 1
    for step, length in sorted((step, length) for length, step in zip(size, stride, strict=True) if length != 1):
        if step != expected:
            return False
        expected *= length
    return True
