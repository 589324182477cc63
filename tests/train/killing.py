"""Kills training processes: at random calls, and at every stage of writing a checkpoint.

    python killing.py FOLDER KILLS

It forks a child for each kill, for the start of a process costs far more than what it is to do until it dies. The
children do the work, and this process only looks at what they have left, so that nothing of torch runs before a fork.
"""

import os
import random
import signal
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
tests = types.ModuleType("tests")  # some packages bring a "tests" of their own
tests.__path__ = [str(ROOT / "tests")]
sys.modules["tests"] = tests

from tests.train import loops  # noqa: E402
from train import checkpoint, loop, recording  # noqa: E402
from train.run_folder import RunFolder  # noqa: E402

STEPS = 20
RUN: dict[str, Any] = {
    "kimg": STEPS * loops.BATCH / 1000,
    "tick_kimg": loops.BATCH / 1000,
    "snapshot_kimg": 3 * loops.BATCH / 1000,
}


def die(*_: object, **__: object) -> None:
    """At once."""
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(folder: RunFolder, prepare: Callable[[], object]) -> int:
    """A session in a process of its own; its exit status, or the signal that ended it as a negative number."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        folder = RunFolder(folder.path)  # a lock is not inherited
        folder.take()
        prepare()
        code = 0 if loops.session(folder) == "done" else 2
    finally:  # nothing goes on from here: this is not the process that was started
        if code == 1:
            traceback.print_exc()
        sys.setprofile(None)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def after_calls(count: int) -> Callable[[], None]:
    """Have this process die when it has called, or come back from, so many functions."""
    left = count

    def count_down(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            die()

    return lambda: sys.setprofile(count_down)


def calls_until(marks: dict[str, int], path: Path) -> Callable[[], None]:
    """Count calls, and write down how many there were before the first checkpoint and the last."""
    count, written = 0, checkpoint.write

    def count_up(*_: object) -> None:
        nonlocal count
        count += 1

    def write(*arguments: Any) -> Path:
        marks.setdefault("first", count)
        marks["last"] = count
        path.write_text(f"{marks['first']} {marks['last']}")
        return written(*arguments)

    def prepare() -> None:
        checkpoint.write = write
        sys.setprofile(count_up)

    return prepare


def at_stage(stage: str) -> None:
    """Have this process die at a stage of writing its second checkpoint."""
    written, seen = checkpoint.write, []

    def write(*arguments: Any) -> Path:
        seen.append(1)
        if len(seen) == 2:
            STAGES[stage]()
        return written(*arguments)

    checkpoint.write = write


def _half() -> None:
    whole = checkpoint.write_whole

    def half(path: Path, write: Callable[[IO[bytes]], object]) -> None:
        def torn(file: IO[bytes]) -> None:
            write(file)
            file.flush()
            file.truncate(file.tell() // 2)
            die()

        whole(path, torn)

    checkpoint.write_whole = half


def _opened() -> None:
    whole = checkpoint.write_whole
    checkpoint.write_whole = lambda path, write: whole(path, die)


def _renamed() -> None:
    replace = os.replace

    def renamed(*arguments: Any) -> None:
        replace(*arguments)
        die()

    os.replace = renamed


STAGES: dict[str, Callable[[], None]] = {
    "opened": _opened,
    "half of it": _half,
    "before it is flushed": lambda: setattr(os, "fsync", die),
    "before it is renamed": lambda: setattr(os, "replace", die),
    "after it is renamed": _renamed,
    "before older ones go": lambda: setattr(Path, "unlink", die),
}


def look(folder: RunFolder, step: int) -> int:
    """What a dead process has left is whole, and is not less than there was; its step."""
    kept = checkpoint.newest(folder.checkpoints)
    now = 0 if kept is None else int(kept.facts["trainer"]["step"])
    newest = sorted(folder.checkpoints.glob("state-*"))[-1:]
    assert not newest or newest[0].stem == f"state-{now * loops.BATCH:09d}", "the newest is not whole"
    assert now >= step and folder.is_dead() == (folder.status().state in ("starting", "training"))
    assert not folder.is_alive()
    return now


def main(place: Path, kills: int) -> None:
    """Kill, and compare the end with that of a run that nobody killed."""
    loop.CHECKPOINT_EVERY_S, recording.PREVIEWS = -1.0, 1  # a checkpoint after each step
    config = loops.config_of("progan", place, **RUN)
    whole, killed = loops.new_run(place / "whole", config), loops.new_run(place / "killed", config)
    marks = place / "marks"
    assert in_child(whole, calls_until({}, marks)) == 0
    first, last = map(int, marks.read_text().split())
    step = 0
    for stage in STAGES:
        assert in_child(killed, lambda stage=stage: at_stage(stage)) == -signal.SIGKILL, stage
        step = look(killed, step)
    dice = random.Random(0)
    steps = [step]
    a_step = (last - first) // (STEPS - 1)
    for kill in range(kills):
        # While it starts, which takes the most calls, and while it trains, in turn.
        reach = (1, first) if kill % 2 else (first - a_step, first + 2 * a_step)
        code = in_child(killed, after_calls(dice.randrange(*reach)))
        assert code == -signal.SIGKILL, code
        steps.append(look(killed, steps[-1]))
    assert in_child(killed, lambda: None) == 0
    loops.assert_same_run(whole, killed)
    assert not [*killed.path.rglob("*/.*.part")], "what was never put in its place is still there"
    print("steps", *steps)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
