"""A run that is interrupted goes on to the bit, whatever it learns by and however it was interrupted."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train.loops import BATCH, METHODS, STEPS, assert_same_run, config_of, new_run, session, state_of
from train import recording
from train.config import GrowthConfig, RegularisersConfig
from train.run_folder import RunFolder
from train.trainer import Trainer


class Killed(BaseException):
    """As if the process were gone: nothing of ours catches it."""


def killed() -> None:
    raise Killed


@pytest.fixture(autouse=True)
def _few_previews(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PREVIEWS", 1)


def cut(folder: RunFolder, step: int, act: Callable[[], object]) -> None:
    """A session in which something happens in the middle of a step."""
    original = Trainer.train

    def train(self: Trainer, pieces: Any, rest: Any) -> dict[str, torch.Tensor]:
        numbers = original(self, pieces, rest)
        if self.step == step:
            act()
        return numbers

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "train", train)
        assert session(folder) == "stopped"
    folder.wish(state="train")


@pytest.mark.parametrize("method", METHODS)
def test_an_interrupted_run_comes_to_the_same(tmp_path: Path, method: str) -> None:
    config = config_of(method, tmp_path)
    whole, parts = new_run(tmp_path / "whole", config), new_run(tmp_path / "parts", config)
    assert session(whole) == "done"
    cut(parts, 2, lambda: parts.wish(state="stop"))
    assert state_of(parts).facts["trainer"]["step"] == 2 and parts.status().state == "stopped"
    cut(parts, 4, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Killed):
        cut(parts, 7, killed)  # the line of step 6 is there, and the newest checkpoint is of step 5
    assert state_of(parts).facts["trainer"]["step"] == 5 and len(parts.numbers()[0]) == 2
    cut(parts, 8, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert session(parts) == "done"
    assert state_of(parts).facts["trainer"] | {"adaptive": 0} == {"seen": STEPS * BATCH, "step": STEPS, "adaptive": 0}
    assert_same_run(whole, parts)


def test_growing_forgets_what_adam_knew_of_the_level_before(tmp_path: Path) -> None:
    """So the state before and after a change of level is not of the same size, and both are kept exactly."""
    folder = new_run(tmp_path / "run", config_of("progan", tmp_path, tick_kimg=1.0))
    sizes = {}
    for step in range(3, 7):
        cut(folder, step, lambda: folder.wish(state="stop"))
        kept = state_of(folder)
        sizes[step] = {int(t) for name, t in kept.tensors.items() if name.startswith("adam_d") and "/step" in name}
    assert sizes == {3: {3}, 4: {4}, 5: set(), 6: {1}}


def test_levels_with_batches_and_rates_of_their_own_go_on_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut within a level, where one ends and another begins, and within that."""
    steps: list[tuple[int, list[int], list[float]]] = []
    original = Trainer.train

    def train(self: Trainer, pieces: Any, rest: Any) -> dict[str, torch.Tensor]:
        seen, numbers = self.seen, original(self, pieces, rest)
        rates = [group["lr"] for optimiser in (self._opt_g, self._opt_d) for group in optimiser.param_groups]
        steps.append((seen, [len(piece.pixels) for piece in pieces], rates))
        return numbers

    monkeypatch.setattr(Trainer, "train", train)
    config = config_of(
        "stylegan1",
        tmp_path,
        kimg=0.035,
        piece=4,
        regularisers=RegularisersConfig(r1_gamma=1.0, r1_interval=3),  # so that D's rate is 3/4
        growth=GrowthConfig(first_px=4, train_kimg=0.016, fade_kimg=0.016, batches={4: 8}, rates={4: 0.004}),
    )
    whole, parts = new_run(tmp_path / "whole", config), new_run(tmp_path / "parts", config)
    assert session(whole) == "done"
    coarse, fine = ([4, 4], [0.004, 0.003]), ([4], [0.002, 0.0015])
    assert steps == [(0, *coarse), (8, *coarse), (16, *coarse), (24, *fine), (28, *fine), (32, *fine)]
    assert [line["seen"] for line in whole.numbers()[0]] == [16, 24, 36]
    assert [snapshot.seen for snapshot in whole.snapshots()][:2] == [0, 24]
    uncut, steps[:] = list(steps), []
    for step in (2, 3, 4):
        cut(parts, step, lambda: parts.wish(state="stop"))
    assert session(parts) == "done" and steps == uncut
    assert_same_run(whole, parts)


def test_a_seed_is_a_run(tmp_path: Path) -> None:
    runs = [
        new_run(tmp_path / name, config_of("progan", tmp_path, seed=seed))
        for name, seed in zip("abc", (5, 5, 6), strict=True)
    ]
    for run in runs:
        cut(run, 3, lambda run=run: run.wish(state="stop"))
    a, b, c = (state_of(run).tensors for run in runs)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not any(torch.equal(a[name], c[name]) for name in a if name.startswith("G/") and name.endswith(".weight"))


def test_only_what_pictures_follow_from_makes_two_runs_differ(tmp_path: Path) -> None:
    """Workers that read ahead, pauses, snapshots that were wished for: nothing of it is in the state."""
    config = config_of("progan", tmp_path)
    plain, other = new_run(tmp_path / "plain", config), new_run(tmp_path / "other", config)
    cut(plain, 6, lambda: plain.wish(state="stop"))
    cut(other, 3, lambda: other.wish(state="stop", snapshots=1))
    assert other.status().snapshots_taken == 0  # it was to stop first
    cut(other, 6, lambda: other.wish(state="stop"))
    assert other.status().snapshots_taken == 1
    a, b = state_of(plain), state_of(other)
    assert all(torch.equal(a.tensors[name], b.tensors[name]) for name in a.tensors)
