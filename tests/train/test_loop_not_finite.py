"""A number that is none stops a run with the step and the layer named, and before it reaches the weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from stylegan_core.errors import StyleScopeError
from tests.train.loops import BATCH, config_of, new_run, session, state_of
from train.building import starting_points
from train.data.dataset import Batch
from train.trainer import NotFinite, Trainer


class Overflowing(torch.autograd.Function):
    """Itself; its gradient is infinite."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * torch.inf


def weights(layer: nn.Module) -> None:
    """Have a weight overflow."""
    layer.weight.data.view(-1)[1] = torch.inf


def output(layer: nn.Module) -> None:
    """Have the activations overflow, at finite weights."""
    layer.register_forward_hook(lambda module, given, made: made * 1e30 * 1e30)


def gradient(layer: nn.Module) -> None:
    """Have only the gradient overflow."""
    layer.register_forward_hook(lambda module, given, made: Overflowing.apply(made))


PLANTED: list[tuple[str, str, str, Callable[[nn.Module], None], str]] = [
    ("stylegan2-ada", "g", "synthesis.b8.conv0", weights, "synthesis.b8.conv0 of G (its weights)"),
    ("stylegan2-ada", "d", "b8.conv1", weights, "b8.conv1 of D (its weights)"),
    ("stylegan2-ada", "g", "mapping.fc1", output, "mapping.fc1 of G (its output)"),
    ("stylegan2-ada", "g", "synthesis.b8.conv0", output, "synthesis.b8.conv0 of G (its output)"),
    ("stylegan2-ada", "d", "b8.conv0", output, "b8.conv0 of D (its output)"),
    (
        "stylegan2-ada",
        "g",
        "synthesis.b4.conv1",
        gradient,
        "synthesis.b4.conv1 of G (the gradient that it passed back)",
    ),
    ("stylegan2-ada", "d", "b4.conv", gradient, "b4.conv of D (the gradient that it passed back)"),
    ("stylegan3", "g", "synthesis.L2_16_2", output, "synthesis.L2_16_2 of G (its output)"),
    ("stylegan1", "g", "synthesis.b4.conv1", gradient, "synthesis.b4.conv1 of G (the gradient that it passed back)"),
    ("progan", "d", "b4.conv", output, "b4.conv of D (its output)"),
]


def trainer_of(method: str, folder: Path) -> tuple[Trainer, Batch]:
    config = config_of(method, folder)
    g, d, average, _ = starting_points(config)
    size = config.generator.img_resolution
    pixels = torch.randint(0, 256, (BATCH, 3, size, size), generator=torch.Generator().manual_seed(0))
    batch = Batch(pixels.to(torch.uint8), torch.zeros(BATCH, 0))
    return Trainer(config, g, d, None, torch.device("cpu"), average=average), batch


def test_in_half_precision_an_overflowing_gradient_is_a_large_one(tmp_path: Path) -> None:
    trainer, batch = trainer_of("stylegan2-ada", tmp_path)
    bias = trainer.g.network.get_parameter("synthesis.b8.torgb.bias")
    bias.register_hook(lambda gradient: torch.full_like(gradient, torch.inf))
    with pytest.raises(NotFinite):
        trainer.train([batch])
    trainer._half = torch.float16
    before = bias.detach().clone()
    trainer.train([batch])
    assert bias.isfinite().all() and (bias != before).any()


@pytest.mark.parametrize(("method", "network", "layer", "plant", "named"), PLANTED)
def test_the_layer_is_named(
    tmp_path: Path, method: str, network: str, layer: str, plant: Callable[[nn.Module], None], named: str
) -> None:
    trainer, batch = trainer_of(method, tmp_path)
    trainer.train([batch])
    plant(getattr(trainer, network).network.get_submodule(layer))
    with pytest.raises(NotFinite) as caught:
        trainer.train([batch])
    assert str(caught.value.culprit) == named
    if plant is not weights:
        assert all(p.isfinite().all() for net in (trainer.g, trainer.d) for p in net.parameters())


def test_the_run_says_so_and_goes_on_from_its_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run(tmp_path / "run", config_of("progan", tmp_path))
    original = Trainer.train

    def train(self: Trainer, *arguments: Any) -> dict[str, Tensor]:
        if self.step == 7:
            output(self.d.network.get_submodule("b4.conv"))
        return original(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train", train)
        with pytest.raises(
            StyleScopeError, match=r"Step 7 \(0\.028 kimg\).* first in layer b4\.conv of D \(its output\)"
        ):
            session(folder)
    status = folder.status()
    assert status.state == "failed" and "b4.conv of D" in status.words
    assert state_of(folder).facts["trainer"]["step"] == 5
    assert session(folder) == "done"


def test_an_infinite_gradient_from_between_the_layers_is_the_one_that_came_back(tmp_path: Path) -> None:
    trainer, batch = trainer_of("stylegan2-ada", tmp_path)
    judged = trainer.d.forward

    def overflowing(images: Tensor, *arguments: Any, **named: Any) -> Tensor:
        return judged(Overflowing.apply(images), *arguments, **named)

    trainer.d.forward = overflowing  # type: ignore[method-assign]
    with pytest.raises(NotFinite) as caught:
        trainer.train([batch])
    assert caught.value.network == "G" and str(caught.value.culprit).endswith("(the gradient that came back to it)")
