"""A run's state on the disk, so that it goes on to the bit: written aside, flushed, renamed; the newest two are kept.

The file is a safetensors file: tensors by name, and in its metadata the plain numbers as JSON. Nothing of it
is executed.
"""

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from stylegan_core.errors import StyleScopeError
from stylegan_core.files import write_whole
from train.run_folder import file_name

FORMAT, VERSION = "stylescope-training", "1"
KEPT = 2
PREFIX, SUFFIX = "state-", ".safetensors"
log = logging.getLogger(__name__)


class Checkpoint(NamedTuple):
    """What was kept of a run.

    Attributes:
        tensors: in main memory.
        facts: plain numbers.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def write(folder: Path, seen: int, checkpoint: Checkpoint) -> Path:
    """Keep a state, and then only the newest ones.

    Args:
        folder: of the run's checkpoints.
        seen: pictures so far.
        checkpoint: what to keep.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    metadata = {"format": FORMAT, "version": VERSION, "facts": json.dumps(checkpoint.facts)}
    content = save({name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}, metadata)
    path = folder / f"{PREFIX}{file_name(seen)}{SUFFIX}"
    write_whole(path, lambda file: file.write(content))
    with contextlib.suppress(OSError):  # it is written; that older ones stay does no harm
        _flush(folder)
        for old in _found(folder)[KEPT:]:
            old.unlink(missing_ok=True)
    return path


def _flush(folder: Path) -> None:
    """Have the disk know a folder's newest names before any of the older ones goes, whatever the power does."""
    if os.name == "posix":  # elsewhere folders cannot be opened
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def newest(folder: Path) -> Checkpoint | None:
    """The newest state that is whole; None where there is none.

    Raises:
        StyleScopeError: there are some, and none of them can be read.
    """
    found = _found(folder)
    for path in found:
        try:
            return _read(path)
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            log.warning("%s cannot be read (%s); going on from the one before it.", path, error)
    if found:
        raise StyleScopeError(
            f"None of the checkpoints in {folder} can be read; move them away to begin the run from its start."
        )
    return None


def _read(path: Path) -> Checkpoint:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT or metadata.get("version") != VERSION:
            raise ValueError("it is no checkpoint of this version")
        # Copies: the file is mapped, and is deleted two checkpoints later.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a dictionary
        return Checkpoint(tensors, json.loads(metadata["facts"]))


def _found(folder: Path) -> list[Path]:
    """The newest first."""
    paths = folder.glob(f"{PREFIX}*{SUFFIX}")
    return sorted((path for path in paths if path.stem.removeprefix(PREFIX).isdigit()), reverse=True)
