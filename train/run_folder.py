"""A run's folder: what lies where, who writes what, and whether its process is alive.

    run.json              the RunConfig, written once (a longer `kimg` may replace it)
    status.json           how far it is; the training process replaces it, whole
    wishes.json           what a person wants of it; anyone replaces it, whole; the process looks after every step
    exploring             touched while somebody uses the window: only then the process keeps to its share
    log.txt               what the process printed
    numbers.jsonl         a line of numbers for each tick; metrics are lines too
    events.out.tfevents*  the same for TensorBoard
    checkpoints/          state-NNNNNNNNN.safetensors: all that going on needs, the newest two
    snapshots/            NNNNNNNNN.safetensors: G_ema, for every so many kimg; "model-" before it: G and D too
    previews/             NNNNNNNNN.png: pictures of seeds that stay the same
    lock                  held by the process as long as it lives, however it ends

NNNNNNNNN is the number of pictures seen. Nothing here needs torch, a device or a window.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stylegan_core.errors import StyleScopeError
from stylegan_core.files import write_whole

State = Literal["starting", "training", "paused", "stopped", "done", "failed"]
RUNNING: tuple[State, ...] = ("starting", "training", "paused")
EXPLORING_S = 3.0  # for so long after a touch somebody is exploring
LAST_WORDS = 4000  # bytes of the log that are looked at
WHOLE = "model-"  # before the name of a snapshot that holds G and D too
M = TypeVar("M", bound=BaseModel)


class Status(BaseModel):
    """How far a run is, as its process said last."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: State = "starting"
    words: str = ""  # what it does just now, or why it ended: a sentence
    seen: int = 0  # real pictures so far
    total: int = 0  # of the whole run
    step: int = 0
    images_per_s: float = 0.0
    seconds: float = 0.0  # spent training, over all sessions
    seconds_left: float | None = None
    device: str = ""
    processes: int = 1
    gpu_bytes: int | None = None  # the most that it had allocated at once, of late
    pid: int = 0
    host: str = ""
    updated: float = 0.0  # s since 1970
    snapshots_taken: int = 0  # how many that were wished for it has taken; compare `Wishes.snapshots`


class Wishes(BaseModel):
    """What a person wants of a run. Levels rather than commands: said twice they mean the same."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: Literal["train", "pause", "stop"] = "train"
    snapshots: Annotated[int, Field(ge=0)] = 0  # raised by one for each wanted at once
    share: Annotated[float, Field(ge=0.05, le=1)] = 0.5  # of the time that it computes while somebody explores


class Snapshot(NamedTuple):
    """A model on the way.

    Attributes:
        seen: pictures that training had seen.
        path: of the model.
    """

    seen: int
    path: Path


class RunFolder:
    """A run on the disk.

    Args:
        path: of the folder; need not be there yet.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser().absolute()
        self.config_path = self.path / "run.json"
        self.log_path = self.path / "log.txt"
        self.numbers_path = self.path / "numbers.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.previews = self.path / "previews"
        self.models = self.path / "snapshots"
        self._lock = FileLock(self.path / "lock", timeout=1)  # is_alive may be looking just now

    @property
    def name(self) -> str:
        """The folder's."""
        return self.path.name

    def exists(self) -> bool:
        """Whether a run lies here."""
        return self.config_path.is_file()

    # -- the process's life --------------------------------------------------------------------------------------------

    def take(self) -> None:
        """Be the process of this run until it ends.

        Raises:
            StyleScopeError: another one is, or the folder cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout as error:
            raise StyleScopeError(f"{self.path} is being trained already, by process {self.status().pid}.") from error
        except OSError as error:
            raise StyleScopeError(f"{self.path} cannot be written to: {error.strerror or error}.") from error

    def release(self) -> None:
        """Be it no longer."""
        self._lock.release()

    def is_alive(self) -> bool:
        """Whether a process trains it now. The system lets go of a lock when its process ends, however it does."""
        if not (self.path / "lock").exists():
            return False
        probe = FileLock(self.path / "lock", timeout=0, thread_local=False)
        try:
            with probe:
                return False
        except Timeout:
            return True
        except OSError:
            return False  # a folder that cannot be written to is nobody's

    def is_dead(self) -> bool:
        """Whether its process went without a word: it says that it trains, and there is none."""
        return self.status().state in RUNNING and not self.is_alive()

    def last_words(self) -> str:
        """The last line of the log; "" if there is none."""
        lines = [line.strip() for line in self.log().splitlines()]
        return next((line for line in reversed(lines) if line), "")

    def log(self, most: int = LAST_WORDS) -> str:
        """The end of the log, at most so many bytes."""
        try:
            with self.log_path.open("rb") as file:
                file.seek(max(os.fstat(file.fileno()).st_size - most, 0))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    # -- status and wishes ---------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """What the process said last."""
        return _read(self.path / "status.json", Status)

    def say(self, status: Status) -> None:
        """Say how far it is; for its process."""
        _write(self.path / "status.json", status)

    def wishes(self) -> Wishes:
        """What is wanted of it."""
        return _read(self.path / "wishes.json", Wishes)

    def wish(self, **changes: Any) -> Wishes:
        """Want something else of it.

        Raises:
            StyleScopeError: the folder cannot be written to.
        """
        wishes = Wishes.model_validate(self.wishes().model_dump() | changes)
        try:
            _write(self.path / "wishes.json", wishes)
        except OSError as error:
            raise StyleScopeError(f"{self.path} cannot be written to: {error.strerror or error}.") from error
        return wishes

    def touch_exploring(self) -> None:
        """Say that somebody uses the window; at most once a second is enough. Never raises."""
        try:
            (self.path / "exploring").touch()
        except OSError:
            return  # the run then keeps its speed

    def is_exploring(self, now: float | None = None) -> bool:
        """Whether somebody uses the window."""
        try:
            touched = (self.path / "exploring").stat().st_mtime
        except OSError:
            return False
        return abs((time.time() if now is None else now) - touched) < EXPLORING_S

    # -- what there is -------------------------------------------------------------------------------------------------

    def snapshots(self) -> list[Snapshot]:
        """Models in order of training."""
        return _numbered(self.models, ".safetensors")

    def preview_pictures(self) -> list[Snapshot]:
        """Previews in order of training."""
        return _numbered(self.previews, ".png")

    def numbers(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """Lines of numbers from a place in the file on, and the place to go on from.

        A line that is not whole yet is left for the next time. Where the file has become shorter (the run went on
        from an older checkpoint) it is read from the start: the returned place is then below `offset`.
        """
        try:
            with self.numbers_path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < offset:
                    offset = 0
                file.seek(offset)
                content = file.read()
        except OSError:
            return [], 0
        whole = content[: content.rfind(b"\n") + 1]
        return list(_lines(whole)), offset + len(whole)


def runs_in(folder: Path) -> list[RunFolder]:
    """The runs in a folder, the one that was active last first."""
    try:
        found = [RunFolder(path) for path in folder.iterdir() if (path / "run.json").is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda run: run.status().updated, reverse=True)


def file_name(seen: int) -> str:
    """How files are called that are of a moment in training, without their ending."""
    return f"{seen:09d}"


def moment_of(path: Path) -> int | None:
    """Real pictures so far, as a file's name tells; None: it is not called by a moment in training."""
    digits = path.stem.removeprefix(WHOLE)
    return int(digits) if digits.isdecimal() else None


def all_of(folder: Path) -> list[Snapshot]:
    """Every file in a folder that is called by a moment in training, by their names."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [Snapshot(seen, path) for path in paths if (seen := moment_of(path)) is not None]


def _numbered(folder: Path, suffix: str) -> list[Snapshot]:
    """Files of moments in training; where there are two of one moment, the larger (WHOLE) alone."""
    found = {snapshot.seen: snapshot for snapshot in all_of(folder) if snapshot.path.suffix == suffix}
    return [found[seen] for seen in sorted(found)]


def _lines(content: bytes) -> Iterator[dict[str, Any]]:
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue  # a crash while it was written; the next line begins anew
        if isinstance(value, dict):
            yield value


def _read(path: Path, kind: type[M]) -> M:
    """A small file of ours, or its defaults where there is none that can be read."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return kind()


def _write(path: Path, value: BaseModel) -> None:
    content = value.model_dump_json(indent=1).encode()
    write_whole(path, lambda file: file.write(content))
