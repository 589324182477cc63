"""Runs that are as small as can be, for tests of the loop: 8 px, a few pictures, steps of milliseconds."""

import json
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from stylegan_core.files import write_whole
from tests.train.data.makers import archive, files, listing
from tests.train.small import DISCRIMINATORS, GENERATORS
from train import checkpoint
from train.augment import AugmentConfig, StrengthConfig
from train.checkpoint import Checkpoint
from train.config import (
    BlurConfig,
    DataConfig,
    EmaConfig,
    GrowthConfig,
    OptimiserConfig,
    RegularisersConfig,
    RunConfig,
)
from train.loop import Loop
from train.run_folder import RunFolder, State

PICTURES = 10
BATCH = 4
STEPS = 12
ADAM = OptimiserConfig(lr=0.002)
TIMES = {"time", "seconds", "images_per_s", "wait_share", "gpu_mb"}  # what no two sessions have alike
COMMON: dict[str, Any] = {
    "preset": "small",
    "kimg": STEPS * BATCH / 1000,
    "batch": BATCH,
    "optimiser_g": ADAM,
    "optimiser_d": ADAM,
    "ema": EmaConfig(half_life_kimg=0.01),
    "tick_kimg": 3 * BATCH / 1000,
    "snapshot_kimg": 5 * BATCH / 1000,
}
ADAPTIVE: dict[str, Any] = {
    "augment": AugmentConfig(),
    "strength": StrengthConfig(p=0.4, kimg=0.1, interval=3),
}

METHODS: dict[str, dict[str, Any]] = {
    "stylegan2-ada": {
        "family": "stylegan2",
        "generator": GENERATORS["stylegan2 resnet"],
        "discriminator": DISCRIMINATORS["stylegan2 skip"],
        "regularisers": RegularisersConfig(
            r1_gamma=1.0, r1_interval=3, path_length=2.0, path_length_interval=2, mixing=0.9
        ),
        **ADAPTIVE,
    },
    "conditional": {
        "family": "stylegan2",
        "generator": GENERATORS["stylegan2 skip"],
        "discriminator": DISCRIMINATORS["stylegan2 resnet"],
        "regularisers": RegularisersConfig(
            r1_gamma=1.0, r1_interval=3, path_length=2.0, path_length_interval=2, mixing=0.9
        ),
        **ADAPTIVE,
    },
    "stylegan3": {
        "family": "stylegan3",
        "generator": GENERATORS["stylegan3-r"],
        "discriminator": DISCRIMINATORS["stylegan2 orig"].model_copy(update={"img_resolution": 16}),
        "regularisers": RegularisersConfig(r1_gamma=1.0, r1_interval=3),
        "blur": BlurConfig(start_px=1.0, until_kimg=0.03),
        **ADAPTIVE,
    },
    "stylegan1": {
        "family": "stylegan1",
        "generator": GENERATORS["stylegan1"].model_copy(update={"c_dim": 0}),
        "discriminator": DISCRIMINATORS["stylegan1"].model_copy(update={"c_dim": 0}),
        "regularisers": RegularisersConfig(r1_gamma=1.0, r1_interval=1, mixing=0.9),
        "growth": GrowthConfig(first_px=4, train_kimg=0.016, fade_kimg=0.016),
    },
    "progan": {
        "family": "progan",
        "generator": GENERATORS["progan"],
        "discriminator": DISCRIMINATORS["progan"],
        "loss": "wgan",
        "regularisers": RegularisersConfig(gradient_penalty=10.0),
        "growth": GrowthConfig(first_px=4, train_kimg=0.016, fade_kimg=0.016),
    },
}


def pictures(folder: Path, size: int = 8) -> Path:
    """A zip of random pictures of two classes."""
    entries = files(PICTURES, width=size, height=size)
    labels = listing({name: index % 2 for index, name in enumerate(sorted(entries))})
    return archive(folder / f"{size}.zip", entries | {"dataset.json": labels})


def config_of(method: str, folder: Path, **changes: Any) -> RunConfig:
    """A run by a method of METHODS, and its pictures."""
    values = COMMON | METHODS[method] | changes
    size = values["generator"].img_resolution
    path = folder / f"{size}.zip"
    data = DataConfig(path=str(path if path.exists() else pictures(folder, size)), labels=method == "conditional")
    return RunConfig(**({"data": data} | values))


def new_run(path: Path, config: RunConfig) -> RunFolder:
    """Its folder."""
    folder = RunFolder(path)
    write_whole(folder.config_path, lambda file: file.write(config.model_dump_json().encode()))
    return folder


def session(folder: RunFolder, workers: int | None = 0) -> State:
    """One session of a run, in this process."""
    return Loop(folder, Fabric(accelerator="cpu", devices=1), workers).run()


def state_of(folder: RunFolder) -> Checkpoint:
    """The newest checkpoint."""
    kept = checkpoint.newest(folder.checkpoints)
    assert kept is not None
    return kept


def assert_same_state(one: RunFolder, other: RunFolder) -> None:
    """Two runs came to the same, to the bit."""
    (a, facts_a), (b, facts_b) = state_of(one), state_of(other)
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype and torch.equal(a[name], b[name]), name
    assert {**facts_a, "seconds": 0} == {**facts_b, "seconds": 0}


def lines_of(folder: RunFolder) -> list[dict[str, Any]]:
    """Lines of numbers without times; each line of the file has to be whole."""
    found = [json.loads(line) for line in folder.numbers_path.read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in TIMES} for line in found]


def assert_same_run(one: RunFolder, other: RunFolder) -> None:
    """Two runs left the same behind: states, numbers, snapshots and previews."""
    assert_same_state(one, other)
    assert lines_of(one) == lines_of(other)
    for left, right in ((one.snapshots(), other.snapshots()), (one.preview_pictures(), other.preview_pictures())):
        assert [(a.seen, a.path.name) for a in left] == [(b.seen, b.path.name) for b in right]
        assert [a.path.read_bytes() for a in left] == [b.path.read_bytes() for b in right]
