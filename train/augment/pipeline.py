"""Augmentation of a batch, from drawn parameters to pictures (ADA, appendix B)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from train.augment import matrices
from train.augment.bands import amplify
from train.augment.colour import recolour
from train.augment.config import AugmentConfig
from train.augment.draws import Draws, draw
from train.augment.geometry import blit, resample
from train.chance import Chance

Change = Callable[[Tensor, Tensor], Tensor]  # images [N, C, H, W] and one parameter for each [N, ...]


def augment(images: Tensor, p: float, generator: torch.Generator | Chance, config: AugmentConfig) -> Tensor:
    """Transform every picture by chance, each on its own; differentiable in the pictures, as often as one likes.

    Channels beyond the colours (alpha) are moved, filtered, made noisy and cut like others, but not recoloured.
    Nothing waits for the device if the generator is on it. On a GPU the last bits of a gradient vary between runs, for
    sums over pixels that were looked up several times come in any order.

    Args:
        images: [N, C, H, W], float32 or float64, nominally in [-1, 1].
        p: the probability of each transformation, in [0, 1]; 0 gives the pictures as they are.
        generator: where numbers come from: a generator, or the share of it that one of several processes has.
        config: which transformations there are, and how strong.

    Raises:
        ValueError: p or the pictures are none of those.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"The augmentation probability p is {p}. It must be from 0 to 1.")
    if images.ndim != 4 or images.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"Augmentation was given {images.dtype} of shape {list(images.shape)}. "
            "It wants pictures [N, C, H, W] in float32 or float64."
        )
    if p == 0 or len(images) == 0:
        return images
    chance = generator if isinstance(generator, Chance) else Chance(generator)
    count, channels, height, width = images.shape
    return apply(images, draw((count, channels, height, width), p, chance, config, images))


def apply(images: Tensor, draws: Draws) -> Tensor:
    """Transform images [N, C, H, W] by what was drawn for them, in the paper's order.

    Blitting and movement are one map. Where only pixels are blitted they are copied, and where nothing was drawn
    pictures stay as they are, to the bit.
    """
    with _all_digits(images.device.type):
        images = _moved(images, draws.blit, draws.geometry)
        if draws.colour is not None:
            images = _where(matrices.is_changed(draws.colour), images, recolour, draws.colour)
        if draws.gains is not None:
            images = _where((draws.gains != 1).any(1), images, amplify, draws.gains)
        if draws.noise is not None:
            images = images + draws.noise.to(images.dtype)
        if draws.holes is not None:
            images = images * _outside(draws.holes, images)
        return images


def _all_digits(device_type: str) -> AbstractContextManager[object]:
    """No mixed precision: coordinates and filters need all their digits."""
    if torch.amp.is_autocast_available(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def _moved(images: Tensor, blits: Tensor | None, movements: Tensor | None) -> Tensor:
    if movements is None:
        return images if blits is None else _where(matrices.is_changed(blits), images, blit, blits)
    moves = matrices.is_changed(movements)
    if blits is not None:
        images, movements = (
            _where(matrices.is_changed(blits) & ~moves, images, blit, blits),
            matrices.product(blits, movements),
        )
    return _where(moves, images, resample, movements)


def _where(chosen: Tensor, images: Tensor, change: Change, parameters: Tensor) -> Tensor:
    """change(images, parameters) for the pictures that are chosen [N], the others as they are."""
    change_chosen = change_some if images.device.type == "cpu" else change_all
    return change_chosen(chosen, images, change, parameters)


def change_all(chosen: Tensor, images: Tensor, change: Change, parameters: Tensor) -> Tensor:
    """`_where` for a GPU, where to ask which pictures are chosen is to wait: all are changed, and some kept."""
    return torch.where(chosen[:, None, None, None], change(images, parameters), images)


def change_some(chosen: Tensor, images: Tensor, change: Change, parameters: Tensor) -> Tensor:
    """`_where` for a CPU: the work is for those only that are chosen."""
    places = chosen.nonzero()[:, 0]
    if len(places) == 0:
        return images
    return images.index_copy(0, places, change(images[places], parameters[places]))


def _outside(holes: Tensor, images: Tensor) -> Tensor:
    """[N, 1, H, W]: 0 for pixels whose middle is in the hole (Draws.holes), else 1. Cutout's holes are grey."""
    holes = holes.to(images.dtype)
    sides = []
    for axis, size in ((0, images.shape[3]), (1, images.shape[2])):
        middles = (torch.arange(size, device=images.device, dtype=images.dtype) + 0.5) / size
        sides.append((middles - holes[:, axis, None]).abs() < holes[:, axis + 2, None] / 2)
    inside = sides[1][:, :, None] & sides[0][:, None, :]
    return (~inside)[:, None].to(images.dtype)
