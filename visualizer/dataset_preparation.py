"""Preparing pictures to train with, beside the window: first a look that shows what would be done, then doing it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from stylegan_core.watch import Watch
from train.data.errors import DataError
from train.data.fitting import PrepareSettings, fitted, kept_box
from train.data.packing import Report, run
from train.data.prepare import Plan, attempt, deferred, plan
from train.data.words import counted, printable, room_for
from visualizer.jobs import Job

SAMPLES = 8
CLOSE_S = 5.0  # the longest that the program's end waits for a file to be taken away
_SHADE = 0.25  # of the brightness, where a picture is cut off
_LIGHT, _DARK, _SQUARE = 120, 90, 6  # of the chequers behind what is transparent; px


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture before and after, small.

    Attributes:
        words: its name and size.
        before: uint8 [cell, cell, 4], dark where it will be cut off.
        after: uint8 [cell, cell, 4], on chequers where it is transparent.
    """

    words: str
    before: np.ndarray
    after: np.ndarray


@dataclass(frozen=True)
class Looked:
    """What a look found.

    Attributes:
        plan: what will be done.
        lines: the same in sentences.
        samples: a few pictures, from the first to the last.
    """

    plan: Plan
    lines: tuple[str, ...]
    samples: tuple[Sample, ...]


class DatasetPreparation:
    """One preparation at a time. On the UI thread; the work is on Jobs.

    Args:
        say: the line of text in the window.

    Attributes:
        looked: what the newest look found.
        report: how `written` was made.
        written: the newest zip.
        error: why the newest look or preparation came to nothing; empty: it did not.
    """

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self.looked: Looked | None = None
        self.report: Report | None = None
        self.written: Path | None = None
        self.error = ""
        self._out = Path()
        self._looking: Job[Looked] | None = None
        self._preparing: Job[Report] | None = None

    @property
    def doing(self) -> Literal["", "looking", "preparing"]:
        """What is under way."""
        return "looking" if self._looking is not None else "preparing" if self._preparing is not None else ""

    @property
    def progress(self) -> float:
        """The share of it that is done, 0 to 1."""
        job = self._job
        return 0.0 if job is None else job.progress

    def look(self, sources: Sequence[Path], settings: PrepareSettings, out: Path, cell_px: int) -> None:
        """Look at all pictures; nothing is written.

        Args:
            sources: folders, zips and videos.
            settings: what will be done to pictures.
            out: where they will go.
            cell_px: how large samples are.
        """
        if self._preparing is not None:
            return
        self.cancel()
        self.forget()
        self._looking = Job("Looking at the pictures", lambda job: _look(job, tuple(sources), settings, out, cell_px))

    def prepare(self, out: Path, overwrite: bool) -> None:
        """Do what the newest look says; nothing, where there was none."""
        looked = self.looked
        if looked is None or self.doing:
            return
        self.error, self.report, self.written, self._out = "", None, None, out
        self._preparing = Job(
            "Preparing the pictures", lambda job: run(looked.plan, out, _watch(job), overwrite=overwrite)
        )

    def forget(self) -> None:
        """What was found is of no use any more: something else is wanted."""
        self.looked, self.report, self.written, self.error = None, None, None, ""

    def cancel(self) -> None:
        """End what is under way; it leaves no file, or the old one."""
        job = self._job
        if job is not None:
            job.cancel()

    def tick(self) -> None:
        """Once a frame: take in what has ended."""
        looking, preparing = self._looking, self._preparing
        if looking is not None and looking.done:
            self._looking = None
            self.looked, self.error = looking.result, looking.error or ""
        if preparing is not None and preparing.done:
            self._preparing = None
            self.report, self.error = preparing.result, preparing.error or ""
            if self.report is not None:
                self.written = self._out
                self._say(f"Prepared {counted(len(self.report.pictures))}: {self._out}")

    def close(self) -> None:
        """The program ends: so does what is under way."""
        job = self._job
        if job is not None:
            job.cancel()
            job.wait(CLOSE_S)

    @property
    def _job(self) -> Job[Any] | None:
        return self._looking or self._preparing


def _watch(job: Job[Any]) -> Watch:
    return Watch(lambda: job.cancelled, job.report)


def _look(job: Job[Looked], sources: Sequence[Path], settings: PrepareSettings, out: Path, cell_px: int) -> Looked:
    planned = plan(sources, settings, _watch(job))
    lines = planned.summary() + ([room_for(planned.num_bytes, out)] if planned.pictures else [])
    return Looked(planned, tuple(map(printable, lines)), tuple(_samples(planned, cell_px)))


def _samples(planned: Plan, cell_px: int) -> Iterator[Sample]:
    count = len(planned.pictures)
    for place in np.linspace(0, count - 1, min(SAMPLES, count)).round().astype(int):
        picture = planned.pictures[place]
        name = printable(planned.name(picture))
        decode = deferred(planned.sources[picture.source], picture.index)
        found = attempt(decode, lambda image, name=name: sample(image, name, planned.settings, cell_px))  # type: ignore[misc]
        if not isinstance(found, DataError):  # one that has broken since will be in the report
            yield found
    for source in planned.sources:
        source.close()


def sample(picture: Image.Image, name: str, settings: PrepareSettings, cell_px: int) -> Sample:
    """A picture before and after.

    Args:
        picture: of mode L, RGB or RGBA.
        name: what it is called.
        settings: what will be done to it.
        cell_px: the side of a cell.
    """
    words = f"{name}, {picture.width}×{picture.height} px"
    return Sample(words, _cell(_cut(picture, settings), cell_px), _cell(fitted(picture, settings), cell_px))


def _cut(picture: Image.Image, settings: PrepareSettings) -> Image.Image:
    """A picture, dark where it will be cut off. Made small first: it may have millions of pixels."""
    scale = min(1.0, 512 / max(picture.size))
    small = picture.resize([max(1, round(side * scale)) for side in picture.size]).convert("RGBA")
    across, down = small.width / picture.width, small.height / picture.height
    left, top, right, bottom = kept_box(picture.size, settings)
    box = round(left * across), round(top * down), round(right * across), round(bottom * down)
    pixels = np.asarray(small).astype(np.float32)
    pixels[..., :3] *= _SHADE
    shaded = Image.fromarray(pixels.astype(np.uint8))
    shaded.paste(small.crop(box), box[:2])
    return shaded


def _cell(picture: Image.Image, cell_px: int) -> np.ndarray:
    """A picture in the middle of a square cell, uint8 [cell, cell, 4]; what is transparent shows chequers."""
    scale = cell_px / max(picture.size)
    size = [max(1, round(side * scale)) for side in picture.size]
    small = picture.convert("RGBA").resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST)
    rows, columns = np.indices((size[1], size[0])) // _SQUARE
    grey = np.where((rows + columns) % 2, _LIGHT, _DARK).astype(np.uint8)
    behind = Image.fromarray(np.dstack([grey, grey, grey, np.full_like(grey, 255)]))
    cell = Image.new("RGBA", (cell_px, cell_px))
    cell.paste(Image.alpha_composite(behind, small), ((cell_px - size[0]) // 2, (cell_px - size[1]) // 2))
    return np.ascontiguousarray(cell)
