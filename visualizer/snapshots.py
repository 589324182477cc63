"""Snapshots of a run: which run a model is from, what is in its folder, what the files are, a walk through them."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from stylegan_core.checkpoint import digest
from stylegan_core.scene import ModelRef, Scene, only_picture
from stylegan_core.walk import Key, Walk
from train.run_folder import RunFolder, Snapshot, moment_of

RESTING_S = 2.0  # a folder that was changed so long ago and has the same time as before is the same
WALK_KEYS, KEY_S = 48, 0.25  # of a walk through training: how many snapshots at most, and how long each is seen

Cancelled = Callable[[], bool]


def run_of(model: ModelRef) -> RunFolder | None:
    """The run that a model is a snapshot of, as its path tells."""
    path = Path(model.path)
    if path.parent.name != "snapshots" or moment_of(path) is None:
        return None
    return RunFolder(path.parent.parent)


def snapshot_name(path: Path) -> str | None:
    """What a snapshot, whose file is a mere number, is called: its run and when; None: it is no snapshot."""
    run, seen = run_of(ModelRef(path=str(path))), moment_of(path)
    return None if run is None or seen is None else f"{run.name}, {seen / 1000:g} kimg"


def spread(snapshots: Sequence[Snapshot], count: int) -> list[Snapshot]:
    """At most so many of them at even steps, the first and the last included."""
    if len(snapshots) <= count:
        return list(snapshots)
    return [snapshots[round(step * (len(snapshots) - 1) / (count - 1))] for step in range(count)]


def training_walk(scene: Scene, name: str, stations: Sequence[tuple[Snapshot, ModelRef]]) -> Walk:
    """A Scene at each of these snapshots, one after another: models have no middle, so each stays until the next."""
    keys = tuple(
        Key(
            time_s=number * KEY_S,
            scene=only_picture(scene).model_copy(update={"model": ref}),
            ease="hold",
            name=f"{snapshot.seen / 1000:g} kimg",
        )
        for number, (snapshot, ref) in enumerate(stations)
    )
    return Walk(name=name[:200], duration_s=len(keys) * KEY_S, keys=keys)


class Digests:
    """Digests of files, computed once for as long as a file stays what it is. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], str]] = {}  # with the file's size and time of change

    def known(self, path: Path) -> str | None:
        """What it was when somebody last looked; never touches the disk."""
        found = self._known.get(path)
        return None if found is None else found[1]

    def of(self, path: Path, cancelled: Cancelled | None = None) -> str:
        """What it is now; arguments and errors as in `checkpoint.digest`."""
        mark, found = _mark(path), self._known.get(path)
        if found is not None and found[0] == mark:
            return found[1]
        value = digest(path, cancelled=cancelled)
        if mark is not None:
            self._known[path] = mark, value
        return value

    def forget_changed(self) -> None:
        """Forget files that are gone, or others than they were."""
        for path, (mark, _) in tuple(self._known.items()):
            if _mark(path) != mark:
                self._known.pop(path, None)


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


class Seen(NamedTuple):
    """What a look at the run's folder has found."""

    changed_ns: int | None
    snapshots: tuple[Snapshot, ...]


def look(run: RunFolder, before: int | None, digests: Digests) -> Seen | None:
    """What is in a run's folder, to be called where a disk may take its time; None: what was there `before`."""
    try:
        changed_ns = run.models.stat().st_mtime_ns
    except OSError:
        return Seen(None, ())
    if changed_ns == before and time.time() - changed_ns / 1e9 > RESTING_S:
        return None  # thousands of names need not be read every second
    digests.forget_changed()
    return Seen(changed_ns, tuple(run.snapshots()))
