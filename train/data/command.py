"""The preparation of pictures as a command: its options, its progress, and what it says."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import ImageColor
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from stylegan_core.errors import first_wrong
from stylegan_core.watch import Watch
from train.data.errors import DataError
from train.data.fitting import PrepareSettings
from train.data.packing import check_place, run
from train.data.prepare import KIND_WORDS, LeftOut, Plan, plan
from train.data.words import counted, in_bytes, printable, room_for

KEEP_ALPHA = "keep"
LISTED = 20  # pictures that are left out, named unless all are asked for
_WIDEST = 40  # characters of a column; what is longer moves the rest of its line


def settings_of(size: str, alpha: str, grey: bool, **others: Any) -> PrepareSettings:
    """What the options ask for.

    Args:
        size: such as "128" or, of width and height, "96x64".
        alpha: "keep", or the colour behind what is transparent, such as "white" or "#ff8800".
        grey: one channel rather than three.
        others: fields of `PrepareSettings` by name.

    Raises:
        DataError: an option makes no sense; it is named.
    """
    match = re.fullmatch(r"(\d{1,5})(?:\s*[x×]\s*(\d{1,5}))?", size.strip(), re.IGNORECASE)
    if match is None:
        raise DataError(f"--size: '{size[:40]}' is no size; write 128, or 96x64 for width and height.")
    if grey and alpha == KEEP_ALPHA:
        raise DataError("--grey has one channel and --alpha keep needs four; leave out one of them.")
    values = others | {"width": int(match[1]), "height": int(match[2] or match[1])}
    values["channels"] = "grey" if grey else "rgba" if alpha == KEEP_ALPHA else "rgb"
    if alpha != KEEP_ALPHA:
        values["background"] = _colour(alpha)
    try:
        return PrepareSettings(**values)
    except ValidationError as error:
        field, reason = first_wrong(error)
        option = {"width": "size", "height": "size", "smallest_side": "smallest"}.get(field, field)
        raise DataError(f"--{option} cannot be so: {reason}.") from error


def prepare(
    sources: Sequence[Path],
    out: Path,
    settings: PrepareSettings,
    *,
    dry_run: bool = False,
    overwrite: bool = False,
    list_all: bool = False,
) -> None:
    """Say on stdout what will be done, and do it; meanwhile stderr says how far it is.

    Args:
        sources: folders, zips and videos.
        out: the zip.
        settings: what is done to pictures.
        dry_run: say it only.
        overwrite: replace what is at `out`.
        list_all: name every picture that is left out, however many.

    Raises:
        DataError: it cannot be done; nothing is written then.
    """
    check_place(sources, out, overwrite)
    console = Console(highlight=False, soft_wrap=True)
    with _watched("Looking") as watch:
        planned = plan(sources, settings, watch)
    room = [room_for(planned.num_bytes, out)] if planned.pictures else []
    for line in planned.summary() + room:
        console.print(printable(line), markup=False)
    _list(console, planned, planned.left_out, len(planned.left_out) if list_all else LISTED)
    planned.check()
    if dry_run:
        console.print("Nothing was written.")
        return
    with _watched("Preparing") as watch:
        report = run(planned, out, watch, overwrite=overwrite)
    _list(console, planned, report.left_out[len(planned.left_out) :], LISTED)
    made = f"Wrote {out}: {counted(len(report.pictures))}, {in_bytes(out.stat().st_size)}."
    console.print(printable(f"{made} What was done to which picture is in its report.json."), markup=False)


def _colour(text: str) -> tuple[int, ...]:
    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise DataError(f"--alpha: '{text[:40]}' is neither 'keep' nor a colour such as white or #ff8800.") from error


def _list(console: Console, planned: Plan, left_out: Sequence[LeftOut], most: int) -> None:
    if not left_out:
        return
    rows = [(KIND_WORDS[found.kind], planned.place(found), found.reason) for found in left_out[:most]]
    why, where = (min(max(len(row[column]) for row in rows), _WIDEST) for column in (0, 1))
    console.print("\nLeft out:")
    for row in rows:
        console.print(printable(f"  {row[0]:{why}}  {row[1]:{where}}  {row[2]}"), markup=False)
    if len(left_out) > most:
        rest = Counter(KIND_WORDS[found.kind] for found in left_out[most:])
        console.print(f"and {', '.join(f'{number} {words}' for words, number in rest.items())}: --all lists them too.")
    console.print()


@contextmanager
def _watched(doing: str) -> Iterator[Watch]:
    """A bar in a terminal, a line for each tenth in a log."""
    console, tenths = Console(stderr=True), 0
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=1.0)

        def told(done: float) -> None:
            nonlocal tenths
            progress.update(task, completed=done)
            if progress.disable and int(done * 10) > tenths:
                tenths = int(done * 10)
                print(f"{doing}: {tenths * 10} %", file=sys.stderr)

        yield Watch(progress=told)
