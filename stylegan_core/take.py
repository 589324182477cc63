"""Takes as files: a performance is written down line by line as it happens, so that it outlives the program.

A file `NAME.take.jsonl` has a JSON object in each line. The first says what it is and holds the whole Scene at time 0;
each that follows holds what has changed in the Scene, and when; the last says when the performance ended:

    {"format": "StyleScope take", "version": 1, "name": …, "made": …, "process": …, "scene": {…}}
    {"time_s": 0.52, "scene": {"truncation": {"psi": 0.68}}}
    {"end_s": 48.0}

A change names the fields that are different (deltas.py). A file without an end was left behind by a program that died,
and one whose last line is torn is read up to there.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from stylegan_core.deltas import changed, changes
from stylegan_core.errors import StyleScopeError
from stylegan_core.files import write_whole
from stylegan_core.scene import Scene, scene_from_data
from stylegan_core.walk import LONGEST_S, Sample, Take
from stylegan_core.walk_file import scene_after

FORMAT, TAKE_VERSION = "StyleScope take", 1
TAKE_SUFFIX = ".take.jsonl"
TAIL_BYTES = 256  # an end line is shorter


class TakeError(StyleScopeError):
    """A take cannot be read; the message names the file, the line and what is wrong with it."""


class TakeInfo(NamedTuple):
    """What a file says of a take without being read as one."""

    path: Path
    name: str
    made: datetime  # when it began
    process: int  # number of the process that wrote it
    seconds: float  # up to its last whole line
    num_bytes: int  # of its whole lines, up to the last one's end


# -- writing -----------------------------------------------------------------------------------------------------------


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"


def _first_line(data: dict[str, Any], name: str) -> bytes:
    made = datetime.now().astimezone().isoformat(timespec="seconds")
    head = {"format": FORMAT, "version": TAKE_VERSION, "name": name, "made": made, "process": os.getpid()}
    return _line({**head, "scene": data})


def _change_line(time_s: float, before: dict[str, Any], after: dict[str, Any]) -> bytes:
    return _line({"time_s": time_s, "scene": changes(before, after)})


class TakeWriter:
    """A take that is being performed. What `add` has returned from is in the file, whatever becomes of the process.

    Args:
        path: where; folders are made.
        scene: at time 0.
        name: of the take.

    Raises:
        OSError: the place cannot be written to, or a file is there.
    """

    def __init__(self, path: Path, scene: Scene, name: str):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("xb")
        self._data, self._last_s = scene.model_dump(mode="json"), 0.0
        try:
            self._write(_first_line(self._data, name))
        except OSError:
            self._abandon()
            path.unlink(missing_ok=True)
            raise

    def __enter__(self) -> "TakeWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._file.closed:
            self._abandon()  # something went wrong: what is in the file has no end

    def add(self, time_s: float, scene: Scene) -> None:
        """Write what the Scene became at a time in seconds, which is not before the last one's.

        Raises:
            OSError: it cannot be written; the writer is of no more use.
        """
        data = scene.model_dump(mode="json")
        self._write(_change_line(time_s, self._data, data))
        self._data, self._last_s = data, time_s

    def sync(self) -> None:
        """Wait until the disk has what was written, so that it outlives the machine too; from any thread."""
        os.fsync(self._file.fileno())

    def close(self, end_s: float = 0.0) -> None:
        """Write the end, which is not before the last change, and close the file.

        Raises:
            OSError: it cannot be written.
        """
        self._write(_line({"end_s": max(end_s, self._last_s)}))
        self.sync()
        self._file.close()

    def _write(self, line: bytes) -> None:
        self._file.write(line)
        self._file.flush()

    def _abandon(self) -> None:
        with suppress(OSError):  # it tries once more to write what could not be written
            self._file.close()


def write_take(path: Path, take: Take) -> None:
    """Write a take that is over. All or nothing; `read_take` gives it back exactly if it begins at time 0.

    Raises:
        OSError: the place cannot be written to.
    """
    first, *others = take.samples
    data = first.scene.model_dump(mode="json")
    lines = [_first_line(data, take.name)]
    if first.time_s > 0:
        lines.append(_change_line(first.time_s, data, data))
    for sample in others:
        before, data = data, sample.scene.model_dump(mode="json")
        lines.append(_change_line(sample.time_s, before, data))
    write_whole(path, lambda file: file.writelines([*lines, _line({"end_s": take.duration_s})]))


def close_take(info: TakeInfo) -> None:
    """Give a file that was left behind its end, after its last whole line.

    Raises:
        OSError: it cannot be written to.
    """
    with info.path.open("r+b") as file:
        file.truncate(info.num_bytes)
        file.seek(info.num_bytes)
        file.write(b"\n" + _line({"end_s": info.seconds}))


# -- reading -----------------------------------------------------------------------------------------------------------


def read_take(path: Path) -> Take:
    """Read a take. One whose last line is torn is read up to there.

    Where the performance rested in the end, a last sample like the one before stands at its end.

    Raises:
        TakeError: it is no take, or broken; the sentence names the file and the line.
        SceneError: so is a Scene in it.
    """
    lines = _lines(path)
    _, head, _ = next(lines)
    data = head["scene"]
    samples = [Sample(time_s=0.0, scene=scene_from_data(data, f"{path}, line 1"))]
    end_s: float | None = None
    for number, line, _ in lines:
        where, last = f"{path}, line {number}", samples[-1]
        if end_s is not None:
            raise TakeError(f"{where}: the take has ended in the line before.")
        time_s = _time(line, last.time_s, where)
        if "end_s" in line:
            end_s = time_s
            continue
        try:
            data = changed(data, line["scene"])
        except RecursionError as error:
            raise TakeError(f"{where} is nested too deeply.") from error
        samples.append(Sample(time_s=time_s, scene=scene_after(last.scene, data, line["scene"], where)))
    if end_s is not None and end_s > samples[-1].time_s:
        samples.append(Sample(time_s=end_s, scene=samples[-1].scene))
    return Take(name=head["name"], samples=tuple(samples))


def left_open(path: Path) -> TakeInfo | None:
    """What a take without an end has to say; None: it has one. Quick where it has.

    Raises:
        TakeError: it is no take; see `read_take`, which looks closer.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
            tail = file.read()
            if tail.endswith(b"}\n") and tail[:-1].rpartition(b"\n")[2].startswith(b'{"end_s"'):
                return None
    except OSError as error:
        raise TakeError(f"{path} cannot be read: {error.strerror}.") from error
    lines = _lines(path)
    _, head, num_bytes = next(lines)
    seconds, line = 0.0, head
    for number, line, num_bytes in lines:  # noqa: B007  # the last ones count
        seconds = _time(line, seconds, f"{path}, line {number}")
    if "end_s" in line:
        return None
    return TakeInfo(path, head["name"], datetime.fromisoformat(head["made"]), head["process"], seconds, num_bytes)


def is_take(start: bytes) -> bool:
    """Whether a file whose first 64 bytes are these is a take."""
    return start.lstrip().startswith(b"{") and f'"{FORMAT}"'.encode() in start


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any], int]]:
    """Number, object, and byte of the end of each whole line; the first is a take's."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise TakeError(f"{path} cannot be read: {error.strerror}.") from error
    if not lines[-1]:
        lines.pop()
    end = 0
    for number, text in enumerate(lines or [b""], 1):
        where = f"{path}, line {number}"
        try:
            line = json.loads(text)
        except (ValueError, RecursionError) as error:
            if 1 < number == len(lines):
                return  # the program died while it wrote this one
            raise TakeError(f"{where} is not JSON ({error}).") from error
        if not isinstance(line, dict):
            raise TakeError(f"{where}: expected an object, found {type(line).__name__}.")
        if number == 1:
            _check_head(line, where)
        end += len(text)
        yield number, line, end
        end += 1


def _check_head(head: dict[str, Any], where: str) -> None:
    if head.get("format") != FORMAT:
        raise TakeError(f"{where}: this is no take; a take's first line has the format '{FORMAT}'.")
    if head.get("version") != TAKE_VERSION:
        raise TakeError(
            f"{where}: field 'version' is {head.get('version')!r}, this StyleScope reads {TAKE_VERSION}; "
            "a newer file needs a newer StyleScope."
        )
    for field, kind in {"name": str, "made": str, "process": int, "scene": dict}.items():
        if not isinstance(head.get(field), kind):
            raise TakeError(f"{where}: field '{field}' is missing, or not what it should be.")
    try:
        datetime.fromisoformat(head["made"])
    except ValueError as error:
        raise TakeError(f"{where}: field 'made' is no time ({error}).") from error


def _time(line: dict[str, Any], last_s: float, where: str) -> float:
    """The time of a change or of the end, in seconds."""
    field = "end_s" if "end_s" in line else "time_s"
    time_s = line.get(field)
    if isinstance(time_s, bool) or not isinstance(time_s, int | float) or not abs(time_s) <= LONGEST_S:
        raise TakeError(f"{where}: field '{field}' is missing, or no number of seconds up to {LONGEST_S:g}.")
    if time_s < last_s:
        raise TakeError(f"{where}: field '{field}' is {time_s:g} s, but the line before is at {last_s:g} s.")
    if field == "time_s" and not isinstance(line.get("scene"), dict):
        raise TakeError(f"{where}: field 'scene' is missing, or no object.")
    return float(time_s)
