"""The generator's moving average against numbers worked out by hand."""

import pytest
import torch

from tests.train.small import GENERATORS, normal, spec
from train.ema import Ema, ema_decay
from train.networks import TrainableGenerator


def test_half_remains_after_the_half_life() -> None:
    assert ema_decay(32, 10) ** (10_000 / 32) == pytest.approx(0.5)
    assert ema_decay(64, 10) == pytest.approx(0.5 ** (64 / 10_000))
    assert ema_decay(32, 0) == 0  # the average is the generator


def test_the_half_life_grows_with_what_has_been_seen() -> None:
    assert ema_decay(32, 10, seen_kimg=0, rampup=0.05) == 0
    assert ema_decay(32, 10, seen_kimg=20, rampup=0.05) == pytest.approx(0.5 ** (32 / 1000))
    assert ema_decay(32, 10, seen_kimg=200, rampup=0.05) == ema_decay(32, 10) == ema_decay(32, 10, 5000, 0.05)
    assert ema_decay(32, 10, seen_kimg=20) == ema_decay(32, 10)


def test_parameters_follow_and_buffers_are_copied() -> None:
    g = TrainableGenerator(spec(GENERATORS["stylegan3-t"]))
    average = Ema(g.network)
    start = {name: tensor.clone() for name, tensor in g.network.state_dict().items()}
    with torch.no_grad():
        for tensor in g.network.state_dict().values():
            tensor += 1
    average.update(g.network, 0.75)
    average.update(g.network, 0.5)
    parameters = {name for name, _ in g.network.named_parameters()}
    for name, tensor in average.network.state_dict().items():
        expected = start[name] + (1 - 0.75 * 0.5 if name in parameters else 1)
        torch.testing.assert_close(tensor, expected, msg=name)
    assert any(name.endswith("magnitude_ema") for name in set(start) - parameters)


def test_the_average_is_apart_from_the_generator() -> None:
    g = TrainableGenerator(spec(GENERATORS["stylegan2 skip"]))
    average = Ema(g.network)
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
    assert all(parameter.requires_grad for parameter in g.network.parameters())
    before = average.network.get_parameter("synthesis.b8.conv1.weight").clone()
    with torch.no_grad():
        g.network.get_parameter("synthesis.b8.conv1.weight").add_(normal(4, 4, 3, 3))
    assert torch.equal(average.network.get_parameter("synthesis.b8.conv1.weight"), before)
