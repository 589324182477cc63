"""A whole step in its quick form and in its plain one: the same gradients, of losses and penalties, in every family."""

from pathlib import Path

import pytest
import torch

from bench.plain_training import plain_training
from stylegan_core.model import random_spec
from tests.train.loops import METHODS, config_of
from train.data.dataset import Batch
from train.trainer import Trainer


def gradients(method: str, folder: Path, step: int) -> dict[str, torch.Tensor]:
    """Those that the last phases of a step leave: penalties at step 0, losses at step 1."""
    config = config_of(method, folder)
    classes = torch.eye(2) if config.generator.c_dim else None
    specs = random_spec(config.generator, 0), random_spec(config.discriminator, 1)
    trainer = Trainer(config, *specs, classes, torch.device("cpu"))
    trainer.step = step
    size = config.generator.img_resolution
    pixels = torch.randint(0, 256, (4, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    trainer.train([Batch(pixels, torch.eye(2)[torch.arange(4) % 2])])
    found = {}
    for name, network in (("G", trainer.g), ("D", trainer.d)):
        found |= {f"{name}.{key}": p.grad for key, p in network.named_parameters() if p.grad is not None}
    return found


@pytest.mark.parametrize("step", [0, 1], ids=["penalties", "losses"])
@pytest.mark.parametrize("method", METHODS)
def test_both_forms_learn_the_same(method: str, step: int, tmp_path: Path) -> None:
    quick = gradients(method, tmp_path, step)
    with plain_training():
        plain = gradients(method, tmp_path, step)
    assert quick.keys() == plain.keys() and quick
    largest = {name: max(float(g.abs().max()) for key, g in plain.items() if key[0] == name) for name in "GD"}
    for name, gradient in quick.items():
        # A first step of Adam goes by the sign alone, so what the second network is shown differs by rounding's signs.
        torch.testing.assert_close(gradient, plain[name], rtol=1e-3, atol=1e-3 * largest[name[0]], msg=name)
    if "gan3" in method or "gan2" in method:
        assert any(not torch.equal(quick[name], plain[name]) for name in quick), "the plain form was not taken"
