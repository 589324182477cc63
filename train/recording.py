"""What a run leaves behind for people: lines of numbers, TensorBoard's events, previews, snapshots."""

import contextlib
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from stylegan_core.checkpoint import write_specs
from stylegan_core.develop import develop
from stylegan_core.files import write_whole
from stylegan_core.latent import seed_z
from stylegan_core.model import build_generator
from stylegan_core.spec import NetworkSpec
from train.board import Board, append
from train.networks import save, spec_of
from train.regularisers import Mean, alone
from train.run_folder import WHOLE, RunFolder, all_of, file_name
from train.trainer import Trainer

PREVIEWS = 16  # pictures
PREVIEW_PX = 1024  # the longest side of all of them together, but that each has a pixel of its own
OLD_S = 60.0  # no file is being written for so long
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


class Numbers:
    """Means over the steps of a tick. They are part of a run's state, so that no line depends on an interruption."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, numbers: Mapping[str, torch.Tensor], mean: Mean = alone) -> None:
        """One step's, their means over all processes."""
        values = torch.stack([value.detach().float().reshape(()) for value in numbers.values()])
        for name, value in zip(numbers, mean(values).tolist(), strict=True):
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """The means; from here on a new tick."""
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return means

    def state(self) -> dict[str, Any]:
        """Plain numbers for a checkpoint."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        self._sums, self._counts = dict(state["sums"]), dict(state["counts"])


class Record:
    """The files of a run that its process adds to.

    Args:
        folder: of the run.
        seen: pictures at which the run goes on; what an interrupted session has written beyond is taken back.

    Raises:
        OSError: it cannot be taken back.
    """

    def __init__(self, folder: RunFolder, seen: int):
        self.folder = folder
        self._take_back(seen)
        self._board = Board(folder.path, seen)

    def line(self, seen: int, values: Mapping[str, float]) -> None:
        """Add a line of numbers; those that are none (an overflow) are left out.

        Raises:
            OSError: it cannot be written; there is no half of it either.
        """
        numbers = {name: round(value, 6) for name, value in values.items() if math.isfinite(value)}
        line = {"seen": seen, "kimg": seen / 1000, "time": round(time.time(), 3), **numbers}
        append(self.folder.numbers_path, (json.dumps(line) + "\n").encode())
        self._board.add(seen, numbers)

    def _take_back(self, seen: int) -> None:
        lines = self.folder.numbers_path.read_bytes() if self.folder.numbers_path.exists() else b""
        kept = b"".join(line for line in lines.splitlines(keepends=True) if _is_before(line, seen))
        if kept != lines:
            write_whole(self.folder.numbers_path, lambda file: file.write(kept))
        for snapshot in (*all_of(self.folder.models), *all_of(self.folder.previews)):
            if snapshot.seen > seen:
                snapshot.path.unlink(missing_ok=True)
        # What a process that was killed was writing. In the run's own folder others write too, just now perhaps.
        for folder in (self.folder.checkpoints, self.folder.models, self.folder.previews):
            _sweep(folder, before=math.inf)
        _sweep(self.folder.path, before=time.time() - OLD_S)


def _is_before(line: bytes, seen: int) -> bool:
    """Whether a line of numbers is whole, and of what a run has seen so far."""
    try:
        value = json.loads(line)
    except ValueError:
        return False
    is_line = line.endswith(b"\n") and isinstance(value, dict) and isinstance(value.get("seen"), int)
    return is_line and value["seen"] <= seen


def _sweep(folder: Path, before: float) -> None:
    """Delete what was never put in its place, if it was written before a time."""
    for part in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            if part.stat().st_mtime < before:
                part.unlink()


def describe(trainer: Trainer) -> dict[str, str]:
    """Words for the cards of a run's models."""
    config = trainer.config
    words = {
        "trained by": "StyleScope",
        "preset": config.preset,
        "kimg": f"{trainer.seen / 1000:g}",
        "dataset": Path(config.data.path).name,
        "seed": str(config.seed),
    }
    if config.start.model:
        words["started from"] = Path(config.start.model).name
    return words


def average_spec(trainer: Trainer) -> NetworkSpec:
    """G_ema as it is now."""
    return spec_of(trainer.ema.network, describe(trainer), trainer.lod)


def write_snapshot(folder: RunFolder, trainer: Trainer, spec: NetworkSpec) -> Path:
    """Keep G_ema."""
    path = folder.models / f"{file_name(trainer.seen)}.safetensors"
    write_specs({"G_ema": spec}, path)
    return path


def write_model(folder: RunFolder, trainer: Trainer) -> Path:
    """Keep all three networks, which another run can start from."""
    path = folder.models / f"{WHOLE}{file_name(trainer.seen)}.safetensors"
    save(path, trainer.g, trainer.ema.network, trainer.d, describe(trainer), trainer.lod)
    return path


def write_preview(folder: RunFolder, trainer: Trainer, spec: NetworkSpec, classes: torch.Tensor | None) -> Path:
    """Pictures of the first seeds side by side, untruncated.

    Args:
        folder: of the run.
        trainer: whose they are.
        spec: its G_ema.
        classes: labels [n, c_dim] that the pictures take in turn.
    """
    model = build_generator(spec, "", "preview", trainer.device)
    pictures = []
    for seed in range(PREVIEWS):
        z = seed_z(seed, model.card.z_dim).to(trainer.device)
        c = None if classes is None else classes[seed % len(classes)][None].to(trainer.device)
        pictures.append(develop(model.synthesize(model.map(z, c), lod=trainer.lod)[0]).cpu().numpy())
    across = math.isqrt(PREVIEWS)
    rows = [np.concatenate(pictures[i : i + across], axis=1) for i in range(0, PREVIEWS, across)]
    pixels = np.concatenate(rows, axis=0)
    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels, MODES.get(pixels.shape[2], "RGB"))
    if max(image.size) > PREVIEW_PX:
        image.thumbnail((PREVIEW_PX, PREVIEW_PX), Image.Resampling.LANCZOS)
    path = folder.previews / f"{file_name(trainer.seen)}.png"
    write_whole(path, lambda file: image.save(file, "PNG"))
    return path
