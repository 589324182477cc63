"""The command `train`: a run's configuration from what was typed, and its session."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch.distributed as dist

from stylegan_core.errors import StyleScopeError
from stylegan_core.files import write_whole
from train.building import configure
from train.config import DataConfig, RunConfig, StartConfig, read_config, with_changes
from train.loop import Loop
from train.run_folder import RunFolder, State
from train.team import FabricTeam, launched

LONGER = {"kimg", "tick_kimg", "snapshot_kimg"}  # these and metrics may change when a run goes on


def wanted_config(
    preset: str,
    data: DataConfig,
    start: StartConfig,
    changes: Sequence[str],
    *,
    kimg: float | None = None,
    batch: int | None = None,
    seed: int = 0,
) -> RunConfig:
    """What was typed, as a run.

    Args:
        preset: of `presets.PRESETS`.
        data: which pictures.
        start: what to begin from.
        changes: such as "regularisers.r1_gamma=2.0": a field and its value in JSON; words need no quotes.
        kimg: thousands of pictures; None: the preset's.
        batch: pictures a step; None: the preset's.
        seed: of all chance.

    Raises:
        StyleScopeError: it is none.
    """
    config = configure(preset, data, start=start, kimg=kimg, batch=batch, seed=seed)
    values: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise StyleScopeError(f"--set {change}: write a field and its value, such as regularisers.r1_gamma=2.0.")
        try:
            values[name.strip()] = json.loads(text)
        except ValueError:
            values[name.strip()] = text.strip()
    return with_changes(config, values) if values else config


def settle(folder: RunFolder, config: RunConfig | None) -> RunConfig:
    """Write a new run's configuration, or be sure that the same run goes on.

    Args:
        folder: of the run.
        config: what is wanted; None: what is there.

    Returns:
        What will be trained.

    Raises:
        StyleScopeError: there is no run, or another one, or the folder cannot be written to.
    """
    kept = read_config(folder.config_path) if folder.exists() else None
    if config is None:
        if kept is None:
            raise StyleScopeError(f"{folder.path} holds no run to go on with; give the pictures to learn from.")
        return kept
    if kept is not None and (other := _other_fields(kept, config)):
        raise StyleScopeError(
            f"{folder.path} holds a run with another {other[0]}; choose another folder for --out, or give its own "
            f"(train --out {folder.path} goes on with it)."
        )
    if config != kept:
        content = config.model_dump_json(indent=1).encode()
        try:
            write_whole(folder.config_path, lambda file: file.write(content))
        except OSError as error:
            raise StyleScopeError(f"{folder.path} cannot be written to: {error.strerror or error}.") from error
    return config


def _other_fields(kept: RunConfig, config: RunConfig) -> list[str]:
    """The fields in which two runs differ that would be another run."""
    before, after = (_flat(some.model_dump(mode="json")) for some in (kept, config))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [name for name in names if name not in LONGER and not name.startswith("metrics")]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = isinstance(value, dict)
        found |= _flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return found


def train(
    out: RunFolder,
    config: RunConfig | None,
    *,
    accelerator: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    workers: int | None = None,
) -> State | None:
    """Train a run until its end, or until it is to stop.

    Args:
        out: its folder.
        config: what is wanted; None: the run that is there.
        accelerator: see `team.launched`.
        devices: processes on each machine.
        nodes: machines.
        workers: see `Loop`.

    Returns:
        How it ended; None on other processes than the first.

    Raises:
        StyleScopeError: it cannot be trained; one sentence.
    """
    _log_to_stderr()
    fabric = launched(accelerator, devices, nodes)
    if fabric.is_global_zero:
        out.take()
    try:
        if fabric.is_global_zero:
            settle(out, config)
            out.wish(state="train")
        FabricTeam(fabric).wait()
        state = Loop(out, fabric, workers).run()
    finally:
        out.release()
    if dist.is_initialized():
        dist.destroy_process_group()
    return state if fabric.is_global_zero else None


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("train")
    logger.setLevel(logging.INFO)
    logger.handlers = [handler]
