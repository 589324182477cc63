"""What the runs' folders say, read on a thread of its own: every run in a line, and all about the chosen one."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from stylegan_core.errors import StyleScopeError
from train.config import RunConfig, read_config
from train.run_folder import RUNNING, RunFolder, Status, Wishes, runs_in
from visualizer.training_numbers import Curve, Numbers

Standing = Literal[
    "new", "starting", "training", "pausing", "paused", "stopping", "stopped", "done", "failed", "dead", "broken"
]
LIVELY: frozenset[Standing] = frozenset({"starting", "training", "pausing", "paused", "stopping"})
LOG_BYTES = 1 << 18  # of the log in its window


@dataclass(frozen=True)
class Run:
    """A run as it was found.

    Attributes:
        folder: where it lies.
        config: what it learns and how; None: that cannot be read.
        error: why not, in a sentence.
        status: as its process said last.
        wishes: what is wanted of it.
        alive: whether it has a process.
    """

    folder: RunFolder
    config: RunConfig | None
    error: str
    status: Status
    wishes: Wishes
    alive: bool

    @property
    def path(self) -> Path:
        """Of its folder, which is what one run is told from another by."""
        return self.folder.path

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.folder.name

    @property
    def standing(self) -> Standing:
        """What is going on with it, wishes that it has not come to yet included."""
        state = self.status.state
        if self.config is None:
            return "broken"
        if self.alive:
            if state not in RUNNING:
                return "starting"  # that is what its process before said
            if self.wishes.state == "stop":
                return "stopping"
            if self.wishes.state == "pause" and state == "training":
                return "pausing"
            return state
        if not self.status.updated:
            return "new"
        return "dead" if state in RUNNING else state

    @property
    def total(self) -> int:
        """Pictures of the whole run."""
        return self.status.total or (round(self.config.kimg * 1000) if self.config is not None else 0)

    @property
    def progress(self) -> float:
        """The share done, 0 to 1."""
        return min(self.status.seen / self.total, 1.0) if self.total else 0.0


@dataclass(frozen=True, eq=False)
class Preview:
    """Pictures of seeds that stay the same, at a moment in training."""

    seen: int
    rgba: np.ndarray  # uint8 [H, W, 4]


@dataclass(frozen=True)
class Detail:
    """All about one run."""

    path: Path
    curves: Mapping[str, Curve] = field(default_factory=dict)
    previews: tuple[int, ...] = ()  # pictures seen at each
    preview: Preview | None = None
    last_words: str = ""
    log: str | None = None  # its end; None: nobody looks at it


@dataclass(frozen=True)
class Question:
    """What is asked of the Reader."""

    folders: tuple[Path, ...]  # in which runs lie
    added: tuple[Path, ...] = ()  # runs elsewhere
    chosen: Path | None = None
    preview: int | None = None  # at how many pictures seen; None: the newest
    log: bool = False


class Reader:
    """Belongs to the thread that reads: it remembers what has not changed on the disk."""

    def __init__(self) -> None:
        self._configs: dict[Path, tuple[int, RunConfig | None, str]] = {}
        self._detail: Detail | None = None
        self._numbers, self._place = Numbers(), 0

    def read(self, question: Question) -> tuple[tuple[Run, ...], Detail | None]:
        """All runs, the one that was active last first, and what was asked of one of them."""
        found = [run for folder in question.folders for run in runs_in(folder)]
        there = {run.path for run in found}
        found += [run for run in map(RunFolder, question.added) if run.path not in there and run.exists()]
        detail = None if question.chosen is None else self._read_detail(question, RunFolder(question.chosen))
        return tuple(self._read_run(run) for run in found), detail

    def _read_run(self, run: RunFolder) -> Run:
        config, error = self._read_config(run)
        alive = run.is_alive()  # first: what one that has just ended said last is then in its status
        return Run(run, config, error, run.status(), run.wishes(), alive)

    def _read_config(self, run: RunFolder) -> tuple[RunConfig | None, str]:
        changed = 0
        with suppress(OSError):
            changed = run.config_path.stat().st_mtime_ns
        known = self._configs.get(run.path)
        if known is None or known[0] != changed:
            try:
                known = changed, read_config(run.config_path), ""
            except StyleScopeError as problem:
                known = changed, None, str(problem)
            self._configs[run.path] = known
        return known[1:]

    def _read_detail(self, question: Question, run: RunFolder) -> Detail:
        before = self._detail
        if before is None or before.path != run.path:
            before = Detail(run.path)
            self._numbers, self._place = Numbers(), 0
        lines, place = run.numbers(self._place)
        if place < self._place:
            self._numbers = Numbers()
        self._place = place
        self._numbers.add(lines)
        previews = run.preview_pictures()
        self._detail = Detail(
            run.path,
            self._numbers.curves() if lines else before.curves,
            tuple(preview.seen for preview in previews),
            _preview({preview.seen: preview.path for preview in previews}, question.preview, before.preview),
            run.last_words(),
            run.log(LOG_BYTES) if question.log else None,
        )
        return self._detail


def _preview(paths: Mapping[int, Path], wanted: int | None, before: Preview | None) -> Preview | None:
    """The one that is wanted, else the newest; the one before, where that cannot be read."""
    if not paths:
        return None
    seen = max(paths) if wanted is None or wanted not in paths else wanted
    if before is not None and before.seen == seen:
        return before
    try:
        with Image.open(paths[seen]) as picture:
            return Preview(seen, np.ascontiguousarray(picture.convert("RGBA")))
    except (OSError, ValueError):
        return before  # it is being replaced, or is broken; the next one will come


def in_order(runs: Sequence[Run], known: Sequence[Path]) -> tuple[Run, ...]:
    """Runs as they stood in the list before, new ones on top: nothing moves under the mouse."""
    places = {path: place for place, path in enumerate(known)}
    return tuple(sorted(runs, key=lambda run: places.get(run.path, -1)))
