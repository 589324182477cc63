"""Losses against their definitions, in float64."""

import math

import pytest
import torch

from tests.train.small import normal
from train.losses import class_loss, logistic_d, logistic_g, wgan_d, wgan_g

REAL = normal(6, 1, seed=1, dtype=torch.float64) * 3
FAKE = normal(4, 1, seed=2, dtype=torch.float64) * 3


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_logistic_losses_are_cross_entropies() -> None:
    fake, real = FAKE.flatten().tolist(), REAL.flatten().tolist()
    assert logistic_g(FAKE).item() == pytest.approx(mean([-math.log(sigmoid(x)) for x in fake]))
    expected = mean([-math.log(sigmoid(x)) for x in real]) + mean([-math.log(1 - sigmoid(x)) for x in fake])
    assert logistic_d(REAL, FAKE).item() == pytest.approx(expected)


def test_the_generator_s_loss_does_not_saturate_where_the_discriminator_is_sure() -> None:
    sure = torch.tensor([[-50.0]], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(logistic_g(sure), sure)
    assert slope.item() == pytest.approx(-1)


def test_wasserstein_losses() -> None:
    fake, real = FAKE.flatten().tolist(), REAL.flatten().tolist()
    assert wgan_g(FAKE).item() == pytest.approx(-mean(fake))
    assert wgan_d(REAL, FAKE, drift=0).item() == pytest.approx(mean(fake) - mean(real))
    drift = mean([x * x for x in real])
    assert wgan_d(REAL, FAKE).item() == pytest.approx(mean(fake) - mean(real) + 0.001 * drift)


@pytest.mark.parametrize("loss", [logistic_g, wgan_g, lambda x: logistic_d(x, FAKE), lambda x: wgan_d(REAL, x)])
def test_derivatives(loss) -> None:  # type: ignore[no-untyped-def]
    assert torch.autograd.gradcheck(loss, FAKE.clone().requires_grad_())


def test_the_loss_of_classes_is_their_cross_entropy() -> None:
    logits, c = normal(4, 3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)[[0, 2, 1, 2]]
    shares = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    torch.testing.assert_close(class_loss(logits, c), -(shares * c).sum(dim=1).log().mean())
