"""In float64, the networks' derivatives: first ones of every parameter, and the second ones that penalties need.

Along random directions they have to be what finite differences say: (f(p + h v) - f(p - h v)) / 2h = <∇f, v>. Second
derivatives of what is linear between kinks have no biases in them, so those may be without effect there.
"""

from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor

from tests.train.small import DISCRIMINATORS, GENERATORS, GROWING, classes, normal, spec
from train.chance import Chance
from train.networks import TrainableDiscriminator, TrainableGenerator
from train.regularisers import PathLength, gradient_penalty, r1

H = 1e-6
DOUBLE = torch.float64
Function = Callable[[], Tensor]
Named = Iterable[tuple[str, Tensor]]


def chance() -> Chance:
    return Chance(torch.Generator().manual_seed(7))


def assert_derivatives(function: Function, variables: Named, idle: tuple[str, ...] = ()) -> None:
    """Along a random direction of each variable. All have an effect, unless their names end with one of `idle`."""
    variables = list(variables)
    found = torch.autograd.grad(function(), [v for _, v in variables], allow_unused=True)
    for (name, variable), slope in zip(variables, found, strict=True):
        direction = normal(*variable.shape, seed=11, dtype=DOUBLE)
        value = variable.detach().clone()
        ends = []
        for sign in (1, -1):
            variable.data.copy_(value + sign * H * direction)
            ends.append(function().item())
        variable.data.copy_(value)
        expected = (ends[0] - ends[1]) / (2 * H)
        given = 0.0 if slope is None else (slope * direction).sum().item()
        assert given == pytest.approx(expected, rel=2e-4, abs=1e-7), name
        assert given != 0 or (idle and name.endswith(idle)), f"{name} has no effect"


def generator(name: str) -> TrainableGenerator:
    return TrainableGenerator(spec(GENERATORS[name])).double()


def discriminator(name: str) -> TrainableDiscriminator:
    return TrainableDiscriminator(spec(DISCRIMINATORS[name])).double()


LODS = [(name, lod) for name in GENERATORS for lod in ((0.0, 0.5) if name in GROWING else (0.0,))]
JUDGE_LODS = [(name, lod) for name in DISCRIMINATORS for lod in ((0.0, 0.5) if "gan2" not in name else (0.0,))]


def unused(name: str, lod: float) -> tuple[str, ...]:
    """The coarser pictures' ToRGB, where nothing fades."""
    return ("b4.torgb.affine.weight", "b4.torgb.affine.bias", "b4.torgb.weight", "b4.torgb.bias") * (
        name in GROWING and not lod
    )


@pytest.mark.parametrize(("name", "lod"), LODS)
def test_first_derivatives_of_generators(name: str, lod: float) -> None:
    g = generator(name)
    z = normal(2, 4, dtype=DOUBLE).requires_grad_()
    c = classes(g.network.config, 2, DOUBLE)
    weights = normal(2, 3, *[g.network.config.img_resolution] * 2, seed=3, dtype=DOUBLE)

    def function() -> Tensor:
        images, _ = g(z, c, chance(), mixing=0.9, lod=lod)
        return (images * weights).sum()

    assert_derivatives(function, [("z", z), *g.named_parameters()], unused(name, lod))


@pytest.mark.parametrize(("name", "lod"), LODS)
def test_second_derivatives_of_generators(name: str, lod: float) -> None:
    """As path lengths need them: the slope of pictures by ws, by every parameter."""
    g = generator(name)
    z, c = normal(2, 4, dtype=DOUBLE).requires_grad_(), classes(g.network.config, 2, DOUBLE)  # Progressive GAN's w is z

    def function() -> Tensor:
        images, ws = g(z, c, chance(), lod=lod)
        return PathLength().lengths(images, ws, Chance(torch.Generator().manual_seed(3))).sum()

    assert_derivatives(function, g.named_parameters(), (*unused(name, lod), "bias"))


def fromrgb_unused(name: str, lod: float) -> tuple[str, ...]:
    return ("b4.fromrgb.weight", "b4.fromrgb.bias") * ("gan2" not in name and not lod)


@pytest.mark.parametrize(("name", "lod"), JUDGE_LODS)
def test_first_derivatives_of_discriminators(name: str, lod: float) -> None:
    d = discriminator(name)
    images, c = normal(4, 3, 8, 8, dtype=DOUBLE).requires_grad_(), classes(d.network.config, 4, DOUBLE)
    weights = normal(4, 1, seed=3, dtype=DOUBLE)
    variables = [("images", images), *d.named_parameters()]
    assert_derivatives(lambda: (d(images, c, lod=lod) * weights).sum(), variables, fromrgb_unused(name, lod))


@pytest.mark.parametrize("penalty", ["r1", "wgan-gp"])
@pytest.mark.parametrize(("name", "lod"), JUDGE_LODS)
def test_second_derivatives_of_discriminators(name: str, lod: float, penalty: str) -> None:
    """R1 and the gradient penalty, by every parameter."""
    d = discriminator(name)
    images, c = normal(4, 3, 8, 8, dtype=DOUBLE).requires_grad_(), classes(d.network.config, 4, DOUBLE)
    fake = normal(4, 3, 8, 8, seed=5, dtype=DOUBLE)

    def function() -> Tensor:
        if penalty == "r1":
            return r1(images, d(images, c, lod=lod), 10.0)
        return gradient_penalty(lambda x: d(x, c, lod=lod), images, fake, chance())

    assert_derivatives(function, d.named_parameters(), (*fromrgb_unused(name, lod), "bias"))
