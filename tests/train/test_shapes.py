"""Training on pictures that are not square and have an alpha channel: every part of a step takes them."""

from typing import Any

import pytest
import torch
from torch import nn

from stylegan_core import progan, stylegan1
from stylegan_core.config import DiscriminatorConfig, GeneratorConfig
from stylegan_core.model import random_spec
from stylegan_core.stylegan3 import StyleGAN3Config
from tests.train.small import GROWING, MAPPING, SMALL, STYLEGAN3, normal
from train.augment import AugmentConfig, augment
from train.chance import Chance
from train.growth import at_level
from train.losses import logistic_d, logistic_g
from train.networks import TrainableDiscriminator, TrainableGenerator, transferred
from train.regularisers import PathLength, blurred, gradient_penalty, r1

SHAPE: dict[str, Any] = {"base_size": (6, 4), "img_channels": 4}
HIGH, WIDE = 12, 8
GENERATORS: dict[str, Any] = {
    "stylegan2": GeneratorConfig(**SMALL, **MAPPING, **SHAPE),
    "stylegan2 progressive": GeneratorConfig(**SMALL, **MAPPING, **SHAPE, architecture="progressive"),
    "stylegan3-r": StyleGAN3Config(**STYLEGAN3, **MAPPING, **SHAPE, conv_kernel=1, use_radial_filters=True),
    "stylegan1": stylegan1.GeneratorConfig(**SMALL, **MAPPING, **SHAPE, mapping_layer_features=4),
    "progan": progan.GeneratorConfig(**SMALL, **SHAPE, z_dim=4),
}
DISCRIMINATORS: dict[str, Any] = {
    "stylegan2": DiscriminatorConfig(**SMALL, **SHAPE),
    "stylegan2 progressive": DiscriminatorConfig(**SMALL, **SHAPE, architecture="skip"),
    "stylegan3-r": DiscriminatorConfig(**{**SMALL, "img_resolution": 16}, **SHAPE),
    "stylegan1": stylegan1.DiscriminatorConfig(**SMALL, **SHAPE),
    "progan": progan.DiscriminatorConfig(**SMALL, **SHAPE),
}


def chance(seed: int = 3) -> Chance:
    return Chance(torch.Generator().manual_seed(seed))


def _in_use(network: nn.Module) -> list[nn.Parameter]:
    """All but what growing networks have for coarser levels of detail."""
    return [p for name, p in network.named_parameters() if "rgb" not in name or "b8." in name or "synthesis.L" in name]


@pytest.mark.parametrize("name", GENERATORS)
def test_a_step_reaches_every_weight(name: str) -> None:
    """Noise of each picture's own, path lengths, augmentation, both losses, R1: gradients come through all of it."""
    config = GENERATORS[name]
    generator = TrainableGenerator(random_spec(config, 0))
    judge = TrainableDiscriminator(random_spec(DISCRIMINATORS[name], 1))
    images, ws = generator(normal(2, 4), None, chance(), mixing=0.9, track=True)
    height, width = config.img_size
    assert images.shape == (2, 4, height, width)
    shown = augment(images, 1.0, chance(), AugmentConfig.preset("bgcfnc"))
    assert shown.shape == images.shape
    loss = logistic_g(judge(shown))
    if name != "progan":  # which has no w
        loss = loss + PathLength().penalty(images, ws, chance())
    loss.backward()
    learnt = _in_use(generator.network)
    assert learnt and all(p.grad is not None and p.grad.isfinite().all() for p in learnt)
    real = normal(2, 4, height, width, seed=5).requires_grad_()
    judged = judge(real)
    (logistic_d(judged, judge(shown.detach())) + r1(real, judged, 1.0)).backward()
    assert all(p.grad is not None for p in _in_use(judge.network))


@pytest.mark.parametrize("name", GROWING)
def test_networks_of_that_shape_grow(name: str) -> None:
    generator = TrainableGenerator(random_spec(GENERATORS[name], 0))
    for lod in (1.0, 0.5, 0.0):
        images, _ = generator(normal(2, 4), lod=lod)
        assert images.shape == (2, 4, HIGH, WIDE)
        torch.testing.assert_close(at_level(images, lod) if lod == 1 else images, images)
        if name != "stylegan2 progressive":
            assert TrainableDiscriminator(random_spec(DISCRIMINATORS[name], 1))(images, lod=lod).shape == (2, 1)


def test_each_picture_has_noise_of_its_own_in_that_shape() -> None:
    generator = TrainableGenerator(random_spec(GENERATORS["stylegan2"], 0))
    for parameter in generator.parameters():
        parameter.data += 0.1  # so that noise has strength
    z = normal(1, 4).expand(2, 4)
    first, second = generator(z, None, chance())[0]
    assert not torch.equal(first, second)


def test_alpha_keeps_its_values_where_colours_change() -> None:
    colours = AugmentConfig.preset("color")
    images = normal(4, 4, HIGH, WIDE)
    changed = augment(images, 1.0, chance(), colours)
    assert torch.equal(changed[:, 3], images[:, 3]) and not torch.equal(changed[:, :3], images[:, :3])


def test_what_moves_keeps_its_shape() -> None:
    """A quarter turn of a picture that is not square: the middle square turns, the ends go on as in a mirror."""
    turn = AugmentConfig.model_validate({**AugmentConfig.preset("none").model_dump(), "quarter_turn": 1.0})
    images = normal(1, 4, HIGH, WIDE)
    middle, seen = slice(2, 10), []
    for seed in range(12):
        moved = augment(images, 1.0, chance(seed), turn)[0, :, middle]
        seen += [k for k in range(4) if torch.equal(moved, images[0, :, middle].rot90(k, (1, 2)))]
    assert set(seen) == {0, 1, 2, 3} and len(seen) == 12


def test_penalties_and_blur_take_any_shape() -> None:
    real, fake = normal(2, 4, HIGH, WIDE), normal(2, 4, HIGH, WIDE, seed=1)
    judge = TrainableDiscriminator(random_spec(DISCRIMINATORS["progan"], 1))
    assert gradient_penalty(judge, real, fake, chance()).isfinite()
    assert blurred(real, 1.5).shape == real.shape


def test_a_square_model_starts_one_of_another_shape() -> None:
    """All but what has the base's shape is taken over."""
    source = random_spec(GeneratorConfig(**SMALL, **MAPPING, img_channels=4), 0)
    _, afresh = transferred(GENERATORS["stylegan2"], source, 1)
    assert {name.rpartition(".")[2] for name in afresh} == {"const", "noise_const"}
