"""Builds every kernel for GPUs that are not here, as its wrapper would launch it in half precision.

    python tests/core/kernel_builds.py 80 90 120

Run in a process of its own, without TRITON_INTERPRET: Triton decides when it is imported whether to interpret. Fails
if a kernel does not compile or needs more shared memory than the smallest of these GPUs have.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

from stylegan_core import kernels

SHARED_BYTES = 99 << 10  # a block's on GPUs of compute capability 8.6, 8.9 and 12.0
POINTERS = {torch.float32: "*fp32", torch.float16: "*fp16"}
ALIGNED = [["tt.divisibility", 16]]


class Recorder:
    """Stands for the kernels and notes what would be launched."""

    def __init__(self, real: Any):
        self.real, self.tl = real, real.tl
        self.launches: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        kernel, launches = getattr(self.real, name), self.launches

        class Launcher:
            def __getitem__(self, grid: object) -> Callable[..., None]:
                return lambda *values, **constants: launches.append((kernel, values, constants))

        return Launcher()


def launches(recorder: Recorder) -> None:
    """One launch of each kind."""
    f = torch.rand(4)
    radial = torch.exp(-torch.arange(12).sub(5.5).square() / 12)
    radial = radial.outer(radial) + 0.3 * radial.square().outer(radial.pow(3))
    x = torch.randn(1, 32, 40, 40, dtype=torch.float16).to(memory_format=torch.channels_last)
    bias, padding = torch.randn(32), (9, 8, 9, 8)
    finish = kernels.Finish(torch.randn(1, 1, 80, 80), bias, 0.2, 1.4, 256)
    kernels.upfirdn2d(x, f.outer(f), up=2, padding=(2, 1, 2, 1), gain=4, finish=finish)
    kernels.modulated_weights(torch.randn(32, 32, 3, 3), torch.randn(1, 32), dtype=torch.float16)
    kernels.filtered_lrelu(x, bias, torch.rand(24), radial, 4, 2, padding, clamp=256)
    kernels.filtered_lrelu(x.contiguous(), bias, torch.rand(12), torch.rand(12), 2, 2, padding)


def build(kernel: Any, values: tuple[Any, ...], constants: dict[str, Any], capability: int) -> Any:
    """Compile one launch down to machine code."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    options = {"num_warps": constants.get("num_warps", 4)}
    signature: dict[str, str] = {}
    fixed: dict[tuple[int], Any] = {}
    hints: dict[tuple[int], Any] = {}
    for index, name in enumerate(kernel.arg_names):
        value = values[index] if index < len(values) else constants[name]
        if isinstance(value, torch.Tensor):
            signature[name], hints[(index,)] = POINTERS[value.dtype], ALIGNED
        elif index < len(values) and isinstance(value, float):
            signature[name] = "fp32"
        elif index < len(values) and value != 1:  # a launch makes a constant of 1 by itself
            signature[name] = "i32"
            if value % 16 == 0:
                hints[(index,)] = ALIGNED
        else:
            signature[name], fixed[(index,)] = "constexpr", value
    source = ASTSource(fn=kernel, signature=signature, constexprs=fixed, attrs=hints)
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


def main(capabilities: list[int]) -> int:
    """Build everything for each GPU; 0 if all of it can run there."""
    recorder = Recorder(kernels._kernels())
    kernels._kernels = lambda: recorder  # type: ignore[assignment]
    with torch.inference_mode():
        launches(recorder)
    fits = True
    for kernel, values, constants in recorder.launches:
        for capability in capabilities:
            shared = build(kernel, values, constants, capability).metadata.shared
            fits &= shared <= SHARED_BYTES
            print(f"built {kernel.fn.__name__} for sm_{capability}: {shared} bytes of shared memory", flush=True)
    return 0 if fits else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TRITON_CACHE_DIR"] = cache
        sys.exit(main([int(word) for word in sys.argv[1:]]))
