"""What chance decides about a batch: every transformation's parameters, each picture's its own.

Numbers are drawn for every picture whether or not its transformation is applied, so that p decides which pictures are
changed and never which numbers come next. Distributions are those of appendix B's pseudo code.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from train.augment import matrices
from train.augment.bands import BANDS
from train.augment.config import AugmentConfig
from train.augment.constants import constant
from train.chance import Chance

SPECTRUM = (10 / 13, 1 / 13, 1 / 13, 1 / 13)  # the power expected of natural pictures in each band (appendix B)


class Draws(NamedTuple):
    """One batch's parameters; None where a group is off. Matrices are float32.

    A lookup goes the way from the result back to the picture, in pixels from its centre: the inverse of the paper's G.
    """

    blit: Tensor | None = None  # [N, 3, 3] lookup; whole pixels
    geometry: Tensor | None = None  # [N, 3, 3] lookup, applied after the blit
    colour: Tensor | None = None  # [N, 4, 4]
    gains: Tensor | None = None  # [N, 4], one for each band, coarse to fine
    noise: Tensor | None = None  # [N, C, H, W], to be added
    holes: Tensor | None = None  # [N, 4]: centre (x, y), width and height, in shares of the picture's


@dataclass(frozen=True, eq=False)
class _Dice:
    """Throws once for each picture."""

    chance: Chance
    count: int
    p: float
    like: Tensor  # float32, on the pictures' device

    def uniform(self, *shape: int) -> Tensor:
        """[N, *shape] in [-1, 1)."""
        return self.chance.uniform(self.count, *shape, like=self.like) * 2 - 1

    def normal(self, *shape: int) -> Tensor:
        """[N, *shape] of deviation 1."""
        return self.chance.normal(self.count, *shape, like=self.like)

    def factor(self, log2: float) -> Tensor:
        """[N], log-normal: 2 to the power of a normal number of deviation `log2`."""
        return torch.exp2(self.normal() * log2)

    def one_of(self, choices: int) -> Tensor:
        """[N]: whole numbers from 0 up to `choices`, as floats."""
        return (self.chance.uniform(self.count, like=self.like) * choices).floor()

    def applied(self, share: float, value: Tensor, neutral: float) -> Tensor:
        """`value` [N] with the probability p * share, else `neutral`."""
        return self.with_probability(self.p * share, value, neutral)

    def with_probability(self, probability: float, value: Tensor, neutral: float) -> Tensor:
        """`value` [N] with this probability, else `neutral`."""
        chosen = self.chance.uniform(self.count, like=self.like) < probability
        return value.masked_fill(~chosen, neutral)


def draw(shape: tuple[int, int, int, int], p: float, chance: Chance, config: AugmentConfig, like: Tensor) -> Draws:
    """Parameters for pictures of shape [N, C, H, W].

    Args:
        shape: N, C, H, W.
        p: in [0, 1].
        chance: where numbers come from.
        config: which transformations, and how strong.
        like: any tensor on the pictures' device.
    """
    count, channels, height, width = shape
    dice = _Dice(chance, count, p, like.new_empty(0, dtype=torch.float32))
    return Draws(
        blit=_product(_blits(dice, config, height, width)),
        geometry=_product(_movements(dice, config, height, width)),
        colour=_product(_colours(dice, config)[::-1]),
        gains=_gains(dice, config) if config.amplification else None,
        noise=_noise(dice, config, (channels, height, width)) if config.noise else None,
        holes=_holes(dice, config) if config.cutout else None,
    )


def _product(factors: list[Tensor]) -> Tensor | None:
    return matrices.product(*factors) if factors else None


def _blits(dice: _Dice, config: AugmentConfig, height: int, width: int) -> list[Tensor]:
    """Pixel blitting: lookups, the first transformation's first (the inverse of a product goes the other way round)."""
    factors = []
    if config.x_flip:
        flip = 1 - 2 * dice.applied(config.x_flip, dice.one_of(2), 0)
        factors.append(matrices.scale(flip, torch.ones_like(flip)))
    if config.quarter_turn:
        angle = dice.applied(config.quarter_turn, dice.one_of(4), 0) * (math.pi / 2)
        cosine, sine = angle.cos().round(), angle.sin().round()
        # Where one side is even and the other odd, pixels would come to lie between pixels:
        half = sine.abs() * ((height - width) % 2 / 2)
        factors += [matrices.translate(half, half), matrices.turn(cosine, sine)]
    if config.integer_translation:
        most = config.integer_translation_most
        x, y = (dice.uniform() * most for _ in range(2))
        chosen = dice.applied(config.integer_translation, torch.ones_like(x), 0)
        factors.append(matrices.translate((x * width).round() * chosen, (y * height).round() * chosen))
    return factors


def _movements(dice: _Dice, config: AugmentConfig, height: int, width: int) -> list[Tensor]:
    """General geometric transformations: lookups, the first transformation's first."""
    factors: list[Tensor] = []
    # Two rotations, around the anisotropic scaling; the probability that there is one or both is p.
    either = 1 - math.sqrt(1 - dice.p * config.rotation)

    def rotation() -> Tensor:
        return matrices.rotate(dice.with_probability(either, dice.uniform() * (math.pi * config.rotation_most), 0))

    if config.isotropic_scaling:
        factor = dice.applied(config.isotropic_scaling, dice.factor(config.isotropic_scaling_log2), 1)
        factors.append(matrices.scale(1 / factor, 1 / factor))
    if config.rotation:
        factors.append(rotation())
    if config.anisotropic_scaling:
        factor = dice.applied(config.anisotropic_scaling, dice.factor(config.anisotropic_scaling_log2), 1)
        factors.append(matrices.scale(1 / factor, factor))
    if config.rotation:
        factors.append(rotation())
    if config.fractional_translation:
        x, y = (dice.normal() * config.fractional_translation_std for _ in range(2))
        chosen = dice.applied(config.fractional_translation, torch.ones_like(x), 0)
        factors.append(matrices.translate(x * width * chosen, y * height * chosen))
    return factors


def _colours(dice: _Dice, config: AugmentConfig) -> list[Tensor]:
    """Colour transformations, the first one first."""
    made: list[tuple[float, Callable[[Tensor], Tensor], Callable[[], Tensor], float]] = [
        (config.brightness, matrices.brightness, lambda: dice.normal() * config.brightness_std, 0),
        (config.contrast, matrices.contrast, lambda: dice.factor(config.contrast_log2), 1),
        (config.luma_flip, matrices.luma_flip, lambda: dice.one_of(2), 0),
        (config.hue, matrices.hue, lambda: dice.uniform() * (math.pi * config.hue_most), 0),
        (config.saturation, matrices.saturation, lambda: dice.factor(config.saturation_log2), 1),
    ]
    return [matrix(dice.applied(share, value(), neutral)) for share, matrix, value, neutral in made if share]


def _gains(dice: _Dice, config: AugmentConfig) -> Tensor:
    """Image-space filtering: [N, 4]. Each band may be amplified; what is then too much power is taken from all."""
    power = constant(SPECTRUM, dice.like.device, dice.like.dtype)
    gains = dice.like.new_ones(dice.count, len(BANDS))
    for band in range(len(BANDS)):
        factor = dice.applied(config.amplification, dice.factor(config.amplification_log2), 1)
        amplified = torch.ones_like(gains)
        amplified[:, band] = factor
        norm = (power * amplified.square()).sum(dim=1, keepdim=True).sqrt()
        gains = gains * (amplified / norm).masked_fill(factor[:, None] == 1, 1)
    return gains


def _noise(dice: _Dice, config: AugmentConfig, shape: tuple[int, int, int]) -> Tensor:
    """Additive noise [N, C, H, W]: normal, of a deviation that is half-normal over pictures."""
    deviation = dice.applied(config.noise, dice.normal().abs() * config.noise_std, 0)
    return dice.normal(*shape) * deviation[:, None, None, None]


def _holes(dice: _Dice, config: AugmentConfig) -> Tensor:
    """Cutout: [N, 4], see Draws.holes; of no size where there is none."""
    centre = (dice.uniform(2) + 1) / 2
    size = dice.applied(config.cutout, torch.full_like(centre[:, 0], config.cutout_size), 0)
    return torch.cat([centre, size[:, None].expand(-1, 2)], dim=1)
