"""The least time that a GPU could take for a picture: operations and bytes of each layer, and how quick the GPU is.

A layer's floor is the longer of its convolution's operations at the speed of matrix products and of its bytes at the
speed of copies: weights, what goes in and what comes out, each once, as if all of a layer were one perfect kernel.
The filters' operations and what lies between a layer's kernels are left out; so no program reaches the floor.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from stylegan_core.config import GeneratorConfig
from stylegan_core.stylegan3 import StyleGAN3Config, layer_plans


class Work(NamedTuple):
    """One layer at batch 1."""

    name: str
    operations: float  # a multiply-add is two
    bytes: float
    half: bool


def works(config: Any) -> list[Work]:
    """The layers of a network's synthesis, in half precision where it is meant for it."""
    if isinstance(config, StyleGAN3Config):
        return _stylegan3(config)
    if isinstance(config, GeneratorConfig):
        return _stylegan2(config)
    raise TypeError(f"no floor is known for {type(config).__name__}.")


def _stylegan2(config: GeneratorConfig) -> list[Work]:
    """A convolution that doubles the size works at the old size (a transposed one), and writes at the new."""
    found = []
    before = 0  # channels
    for size in config.block_resolutions:
        channels, half = config.channels(size), config.is_half(size)
        value, area = 2 if half else 4, math.prod(config.size_at(size))
        if before:
            macs, values = before * channels * 9 * area / 4, (before / 4 + channels) * area
            found.append(Work(f"b{size}.conv0", 2 * macs, value * (values + before * channels * 9), half))
        macs, weights = channels**2 * 9 * area, channels**2 * 9
        found.append(Work(f"b{size}.conv1", 2 * macs, value * (2 * channels * area + weights), half))
        if config.architecture == "skip" or size == config.img_resolution:
            pixels = config.img_channels * area
            # The picture so far, a quarter of the size, is read, and the sum written, in float32.
            moved = value * channels * area + 4 * (pixels / 4 + pixels)
            found.append(Work(f"b{size}.torgb", 2 * channels * pixels, moved, half))
        before = channels
    return found


def _stylegan3(config: StyleGAN3Config) -> list[Work]:
    """Every convolution makes k - 1 more samples along an axis than it is given."""
    found = []
    for plan in layer_plans(config):
        value = 2 if plan.may_be_half else 4
        weights = plan.in_channels * plan.out_channels * plan.kernel**2
        macs = weights * math.prod(side + plan.kernel - 1 for side in plan.in_shape)
        values = plan.in_channels * math.prod(plan.in_shape) + plan.out_channels * math.prod(plan.out_shape)
        found.append(Work(plan.name, 2 * macs, value * (values + weights), plan.may_be_half))
    return found


def floor_ms(found: Iterable[Work], peaks: dict[str, float]) -> float:
    """The sum of the layers' floors in ms; peaks: operations a second in "half" and "float32", and "bytes" a second."""
    seconds = (
        max(work.operations / peaks["half" if work.half else "float32"], work.bytes / peaks["bytes"]) for work in found
    )
    return sum(seconds) * 1e3
