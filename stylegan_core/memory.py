"""Memory: how much there is and is used, what share of it is ours, and what to do when it has run out."""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

R = TypeVar("R")

MIB = 1 << 20
MODELS_SHARE, STEPS_SHARE = 4, 16  # one part in so many of the device's memory; the rest is for the work itself
STEPS_MOST = 4 << 30  # about fifteen pictures of 1024²: nobody goes back further by eye
UNKNOWN_BYTES = 8 << 30  # taken for the computer's memory where the system does not tell

# What PyTorch's allocators and CUDA's libraries say, all of it in errors that are else plain RuntimeErrors.
EXHAUSTED = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # the same on Windows
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)

# All that oneDNN says when it finds no memory for the code of a convolution; where it finds no way to do one, it speaks
# of a primitive descriptor. It remembers the failure: pictures stay small for as long as the program runs.
ONEDNN_EXHAUSTED = "could not create a primitive"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the computer or the GPU has no memory left, and nothing else."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    return str(error) == ONEDNN_EXHAUSTED or any(words in str(error) for words in EXHAUSTED)


def attempt(function: Callable[[], R]) -> R | None:
    """Call a function that returns something.

    Returns:
        Its result; None if memory ran out. What it had taken is free again then: the error, whose traceback holds all
        that the function was working on, ends in here.
    """
    try:
        return function()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    return None


def release() -> None:
    """Give back to the system, for other programs, what PyTorch and the C library hold for later."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:  # glibc
        trim(0)


def device_bytes(device: torch.device) -> int:
    """Memory of a GPU, or of the computer; less where a container is given less."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return UNKNOWN_BYTES
    try:
        return min(physical, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or one without a limit, which is the word "max"
        return physical


def device_bytes_used(device: torch.device) -> int:
    """What PyTorch holds on a GPU; on a CPU what this process has of the computer's memory (Linux; 0 elsewhere)."""
    if device.type == "cuda":
        return int(torch.cuda.memory_reserved(device))
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def models_limit(device: torch.device) -> int:
    """Bytes for models where nobody has said: a quarter of the device's memory."""
    return device_bytes(device) // MODELS_SHARE


def steps_limit(device: torch.device) -> int:
    """Bytes for remembered steps of synthesis where nobody has said: a sixteenth of the device's memory."""
    return min(device_bytes(device) // STEPS_SHARE, STEPS_MOST)
