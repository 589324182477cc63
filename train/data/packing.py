"""Doing what a preparation's plan says: a zip in the official format, with a report of how it was made inside."""

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict

from stylegan_core.files import write_whole
from stylegan_core.watch import Watch
from train.data.errors import DataError
from train.data.fitting import PrepareSettings, png
from train.data.images import LABELS_FILE, REPORT_FILE
from train.data.labels import Value
from train.data.prepare import LeftOut, Plan, attempt, deferred
from train.data.side_by_side import in_order

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that zips know: when it was made must not change what is in it
_PER_FOLDER = 1000


class Report(BaseModel):
    """How a zip was made. It names no folders of the machine, so the same input gives the same report anywhere.

    Attributes:
        settings: what was asked for.
        sources: the files' and folders' own names.
        pictures: each entry of the zip, with the number of its source and its name there.
        left_out: what does not take part, and why.
    """

    model_config = ConfigDict(frozen=True)

    settings: PrepareSettings
    sources: tuple[str, ...]
    pictures: tuple[tuple[str, int, str], ...]
    left_out: tuple[LeftOut, ...]


def run(plan: Plan, out: Path, watch: Watch = Watch(), *, overwrite: bool = False) -> Report:  # noqa: B008
    """Make the zip that a plan describes, whole or not at all.

    The same pictures and settings give the same bytes, with the same versions of Pillow and zlib.

    Args:
        plan: from `prepare.plan`. A picture that has broken since is in the report instead.
        out: where the zip goes; folders are made.
        watch: progress, and whether anybody waits still.
        overwrite: replace what is there.

    Raises:
        DataError: there is nothing to pack, the place is taken, or it cannot be written to.
        Cancelled: the watch says that nobody waits; there is no file then, or the old one.
    """
    plan.check()
    check_place([source.path for source in plan.sources], out, overwrite)
    reports: list[Report] = []
    try:
        write_whole(out, lambda file: reports.append(_write(plan, file, watch)))
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}.") from error
    return reports[0]


def check_place(sources: Sequence[Path], out: Path, overwrite: bool) -> None:
    """Be sure that a zip may be written.

    Args:
        sources: where its pictures come from.
        out: where it goes.
        overwrite: replace what is there.

    Raises:
        DataError: the place is taken, or no place for a zip.
    """
    if out.suffix.lower() != ".zip":
        raise DataError(f"{out} does not end in .zip, the only kind that is written; give such a name.")
    try:
        is_there = out.exists()
        is_source = is_there and any(source.exists() and source.samefile(out) for source in sources)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}.") from error
    if is_source:
        raise DataError(f"{out} is one of the sources; give another name.")
    if is_there and not overwrite:
        raise DataError(f"{out} is there already; give another name, or overwrite it.")


def _write(plan: Plan, file: IO[bytes], watch: Watch) -> Report:
    names: list[tuple[str, int, str]] = []
    labels: list[tuple[str, Value]] = []
    left_out = list(plan.left_out)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for done, (picture, data) in enumerate(zip(plan.pictures, _pngs(plan), strict=True)):
            watch.advance((done + 1) / len(plan.pictures))
            if isinstance(data, DataError):
                source, name = picture.source, plan.name(picture)
                left_out.append(LeftOut(source=source, name=name, kind="broken", reason=data.reason))
                continue
            entry = f"{len(names) // _PER_FOLDER:05d}/img{len(names):08d}.png"
            _add(archive, entry, data)
            names.append((entry, picture.source, plan.name(picture)))
            if picture.label is not None:
                labels.append((entry, picture.label))
        report = Report(
            settings=plan.settings,
            sources=tuple(source.path.name for source in plan.sources),
            pictures=tuple(names),
            left_out=tuple(left_out),
        )
        listing = {"labels": labels or None} | ({"class_names": plan.class_names} if plan.class_names else {})
        _add(archive, LABELS_FILE, json.dumps(listing).encode())
        _add(archive, REPORT_FILE, (json.dumps(report.model_dump(mode="json"), indent=1) + "\n").encode())
    return report


def _pngs(plan: Plan) -> Iterator[bytes | DataError]:
    def work() -> Iterator[Callable[[], bytes | DataError]]:
        for picture in plan.pictures:
            decode = deferred(plan.sources[picture.source], picture.index)
            yield partial(attempt, decode, partial(png, settings=plan.settings))
        for source in plan.sources:
            source.close()

    return in_order(work())


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _TIME)
    info.create_system, info.external_attr = 3, 0o644 << 16  # the same whatever system made it
    archive.writestr(info, data)
