"""How GPU kernels are cut into programs, and filters into separable ones: all that is decided before a launch."""

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary


def pixel_blocks(channels: int, channels_last: bool) -> tuple[int, int]:
    """(pixels, channels) of one program of `upfirdn_finish`: values that are neighbours in memory, side by side."""
    if not channels_last:
        return 512, 1
    width = min(power_of_two(channels), 64)
    return 1024 // width, width


@dataclass(frozen=True)
class Tile:
    """What one program of `filtered_lrelu` makes. Sides are powers of two of at least 16, as matrix products ask."""

    size: int  # outputs a side
    reads: int  # samples a side
    inner: int  # the same with what makes it a power of two
    middle: int  # a side between the filters, likewise
    outer: int  # outputs a side, likewise
    channels: int
    warps: int


def filtered_lrelu_tile(
    up: int, down: int, up_taps: int, down_taps: int, channels_last: bool, half: bool = True
) -> Tile:
    """The cheapest tile by multiply-adds a value that leaves the middle in registers.

    With up 2, down 2 and 12 taps a value takes about 900 of them in contiguous tensors (middle 64, 21 values a side of
    32), and 740 in channels-last ones (middle 32). Per tap it would be 83; tensor cores are 10 to 16 times quicker.

    Args:
        up, down: factors.
        up_taps, down_taps: of the filters, each at most 64.
        channels_last: 8 channels at once, which are 16 bytes; else one.
        half: operands of 16 bits; wider ones are spread over twice the threads.
    """
    best: tuple[float, Tile] | None = None
    for middle, inner in product((32, 64) if channels_last else (64, 128), (16, 32, 64, 128)):
        used = min(middle, inner * up - up_taps + 1)  # so many of the middle have all their samples within `inner`
        size = (used - down_taps) // down + 1
        if size < 1:
            continue
        used = (size - 1) * down + down_taps
        outer = max(power_of_two(size), 16)
        channels = 1 if not channels_last else 8 if middle == 32 else 4
        warps = 4 if half and middle**2 * channels <= 8192 else 8
        tile = Tile(size, (used + up_taps - 2) // up + 1, inner, middle, outer, channels, warps)
        cost = (middle * inner * (inner + middle) + outer * middle * (middle + outer)) / size**2
        if best is None or cost < best[0]:
            best = cost, tile
    if best is None:
        raise ValueError(f"filters of {up_taps} and {down_taps} taps are more than a tile holds.")
    return best[1]


def power_of_two(value: int) -> int:
    """The smallest that is at least `value`."""
    return 1 << max(value - 1, 0).bit_length()


_parts: WeakIdKeyDictionary = WeakIdKeyDictionary()  # filter -> {tolerance: its separable parts}


def separable_parts(f: Tensor | None, like: Tensor) -> tuple[Tensor, Tensor]:
    """A filter as a sum of separable ones, sum_r outer(y_r, x_r): float32 [R, k] for each axis, on like's device.

    The radial filters of StyleGAN3-R need 2 to 4 of their 12, for their singular values fall by a factor of ten and
    more each. What a filter gave is remembered while it lives, for the decomposition makes the GPU wait for the CPU.

    Args:
        f: [k], [k, k], or None, which is [1].
        like: decides the device, and by its precision how small a part may be to be left out.
    """
    if f is None:
        return torch.ones(1, 1, device=like.device), torch.ones(1, 1, device=like.device)
    tolerance = 1e-7 if like.dtype == torch.float32 else 1e-4
    known = _parts.setdefault(f, {})
    if tolerance not in known:
        if f.ndim == 1:
            row = f.detach().to(like.device, torch.float32, copy=True)[None]  # a view would keep f alive
            known[tolerance] = (row, row)
        else:
            u, s, v = torch.linalg.svd(f.detach().cpu().double())
            count = max(int((s > tolerance * s[0]).sum()), 1)
            root = s[:count, None].sqrt()
            sides = (u.t()[:count] * root, v[:count] * root)
            known[tolerance] = tuple(side.to(like.device, torch.float32).contiguous() for side in sides)
    return known[tolerance]
