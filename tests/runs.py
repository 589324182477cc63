"""Folders like those of runs, of models that look as if they were learning: made at once, for tests and first tries."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from stylegan_core.checkpoint import read_generator, write_spec
from train.run_folder import RunFolder, file_name


def add_snapshot(run: RunFolder, model: Path, seen: int, noise: float = 0.0) -> Path:
    """A snapshot: the model's weights, with so much Gaussian noise added, in units of each tensor's own deviation."""
    spec = read_generator(model)
    generator = torch.Generator().manual_seed(1)  # the same each time, so that the way from first to last is straight

    def disturbed(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.is_floating_point() or tensor.numel() < 2:
            return tensor
        return tensor + noise * tensor.std() * torch.randn(tensor.shape, generator=generator)

    path = run.models / f"{file_name(seen)}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: disturbed(tensor) if noise else tensor for name, tensor in spec.tensors.items()}
    write_spec(replace(spec, tensors=tensors), path)
    return path


def make_run(folder: Path, model: Path, seen: Sequence[int]) -> RunFolder:
    """A run that came to this model: the earlier a snapshot, the more noise there is in its weights."""
    run = RunFolder(folder)
    for place, pictures in enumerate(seen):
        add_snapshot(run, model, pictures, noise=1.5 * (1 - (place + 1) / len(seen)))
    return run
