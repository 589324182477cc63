"""What a person wishes of a run is heard after every step, and training keeps to its share of the time."""

import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stylegan_core.errors import Cancelled, StyleScopeError
from tests.train.data.makers import files, folder
from tests.train.loops import (
    BATCH,
    PICTURES,
    STEPS,
    assert_same_run,
    config_of,
    lines_of,
    new_run,
    pictures,
    session,
    state_of,
)
from train import building, loop, measuring, recording, resting
from train.checkpoint import newest
from train.config import DataConfig
from train.data.errors import DataError
from train.resting import Resting
from train.run_folder import RunFolder, Status
from train.trainer import Trainer


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setattr(recording, "PREVIEWS", 1)
    monkeypatch.setattr(loop, "SAY_EVERY_S", 0.0)
    return new_run(tmp_path / "run", config_of("progan", tmp_path))


def during(monkeypatch: pytest.MonkeyPatch, acts: dict[int, Callable[[], object]]) -> None:
    """Have something happen while these steps are made."""
    train = Trainer.train

    def acting(self: Trainer, *arguments: Any) -> Any:
        acts.get(self.step + 1, lambda: None)()
        return train(self, *arguments)

    monkeypatch.setattr(Trainer, "train", acting)


def test_stop_is_after_the_step_and_leaves_a_checkpoint(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    during(monkeypatch, {3: lambda: run.wish(state="stop")})
    assert session(run) == "stopped"
    status = run.status()
    assert (status.state, status.step, status.seen, status.total) == ("stopped", 3, 3 * BATCH, STEPS * BATCH)
    assert "the same command goes on" in status.words and status.pid == os.getpid()
    assert state_of(run).facts["trainer"]["step"] == 3
    assert session(run) == "stopped" and run.status().step == 3  # who starts it is to wish that it trains


def test_a_pause_keeps_what_there_is_and_takes_snapshots(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    during(monkeypatch, {3: lambda: run.wish(state="pause")})
    looks: list[Status] = []

    def sleep(_: float) -> None:
        looks.append(run.status())
        kept = newest(run.checkpoints)
        assert kept is not None and kept.facts["trainer"]["step"] == 3
        if len(looks) == 2:
            run.wish(snapshots=1)
        elif len(looks) == 4:
            run.wish(state="train")

    monkeypatch.setattr(loop.time, "sleep", sleep)
    assert session(run) == "done" and len(looks) == 4
    assert all((status.state, status.step) == ("paused", 3) for status in looks)
    assert run.status().snapshots_taken == 1
    assert [path.name for seen, path in run.snapshots() if seen == 3 * BATCH] == ["model-000000012.safetensors"]


def test_a_pause_can_be_stopped(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    during(monkeypatch, {2: lambda: run.wish(state="pause")})
    monkeypatch.setattr(loop.time, "sleep", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    assert session(run) == "stopped" and run.status().step == 2


def test_a_snapshot_is_taken_once_for_each_wish(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    acts = {2: lambda: run.wish(snapshots=1), 4: lambda: run.wish(snapshots=2), 8: lambda: run.wish(state="stop")}
    during(monkeypatch, acts)
    assert session(run) == "stopped"
    run.wish(state="train")
    assert session(run) == "done"
    wholes = [seen // BATCH for seen, path in run.snapshots() if path.name.startswith("model-")]
    assert wholes == [3, 5, STEPS] and run.status().snapshots_taken == 2


def test_a_snapshot_that_was_wished_for_is_not_taken_back(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        raise KeyboardInterrupt  # as if it were gone

    during(monkeypatch, {7: lambda: run.wish(snapshots=1), 9: stop})
    with pytest.raises(KeyboardInterrupt):
        session(run)
    monkeypatch.undo()
    assert session(run) == "done"
    assert 8 * BATCH in [seen for seen, _ in run.snapshots()]


def test_metrics_that_a_stop_left_out_are_measured_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the same moment, so that the lines of an interrupted run are those of one in one go."""
    monkeypatch.setattr(recording, "PREVIEWS", 1)
    config = config_of("progan", tmp_path, metrics_kimg=4 * BATCH / 1000)
    whole, parts = new_run(tmp_path / "whole", config), new_run(tmp_path / "parts", config)
    stopped: list[int] = []

    def measured(folder: RunFolder, trainer: Trainer, *_: object) -> dict[str, float]:
        if folder.path == parts.path and trainer.step == 8 and not stopped:
            stopped.append(trainer.step)
            parts.wish(state="stop")
            raise Cancelled
        return {"kid": float(trainer.step)}

    monkeypatch.setattr(measuring, "measured", measured)
    assert session(whole) == "done" and session(parts) == "stopped" and stopped == [8]
    parts.wish(state="train")
    assert session(parts) == "done"
    assert_same_run(whole, parts)
    assert [line["kid"] for line in lines_of(parts) if "kid" in line] == [4, 8, 12]


def test_a_run_that_is_thrown_away_ends_and_stays_away(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    during(monkeypatch, {2: lambda: shutil.rmtree(run.path)})
    with pytest.raises(StyleScopeError, match=r"is no run any more: its run\.json is gone\.$"):
        session(run)
    assert not (run.path / "status.json").exists()


def test_signals_have_their_old_meaning_again_afterwards(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    during_it: list[Any] = []

    def first() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        during_it.append(signal.getsignal(signal.SIGINT))

    during(monkeypatch, {2: first})
    assert session(run) == "stopped"
    assert during_it == [signal.SIG_DFL]  # so that a second one ends it at once
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_run_on_another_thread_listens_to_no_signals(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    during(monkeypatch, {2: lambda: run.wish(state="stop")})
    ended: list[str] = []
    thread = threading.Thread(target=lambda: ended.append(session(run)))
    thread.start()
    thread.join()
    assert ended == ["stopped"]


# -- the share ---------------------------------------------------------------------------------------------------------


class Clock:
    """Time that only sleeping and working let pass."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= resting.SLICE_S
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(resting, "time", clock)
    return clock


def work(rest: Resting, clock: Clock, steps: int = 10) -> float:
    """Steps of three phases; the time that they worked."""
    worked = 0.0
    for _ in range(steps):
        rest.begin()
        for phase in (0.31, 0.05, 1.7):
            clock.now += phase
            worked += phase
            rest()
    return worked


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 0.9, 1.0])
def test_training_takes_its_share_while_somebody_explores(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(RunFolder, "is_exploring", lambda self: True)
    rest = Resting(RunFolder(tmp_path))
    rest.share = share
    worked = work(rest, clock)
    assert worked / (worked + clock.slept) == pytest.approx(share)
    assert rest.rested_s == pytest.approx(2.06 * (1 / share - 1))  # of the last step


def test_training_takes_all_of_it_while_nobody_does(tmp_path: Path, clock: Clock) -> None:
    rest = Resting(RunFolder(tmp_path))
    rest.share = 0.25
    work(rest, clock)
    assert clock.slept == 0


@pytest.mark.parametrize("why", ["called", "left"])
def test_a_rest_ends_when_there_is_no_reason_for_it(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(RunFolder, "is_exploring", lambda self: why == "called" or clock.slept < 0.25)
    rest = Resting(RunFolder(tmp_path))
    rest.share, rest.called = 0.05, lambda: why == "called" and clock.slept > 0.25
    work(rest, clock, steps=1)
    assert clock.slept == pytest.approx(0.3)


def test_the_loop_rests_after_every_phase(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after the last one of a step, and as the share is now."""
    run.touch_exploring()
    run.wish(share=0.9)
    rests: list[float] = []
    monkeypatch.setattr(Resting, "__call__", lambda self: rests.append(self.share))
    during(monkeypatch, {2: lambda: run.wish(share=0.4), 3: lambda: run.wish(state="stop")})
    session(run)
    assert rests == [0.9] * 6 + [0.4] * 3


# -- what may happen to what it reads ----------------------------------------------------------------------------------


def test_a_broken_picture_is_named_and_another_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entries = files(PICTURES, width=8, height=8)
    first, second, *_ = entries
    place = folder(tmp_path / "pictures", {**entries, first: b"words", second: b""})
    config = config_of("progan", tmp_path, data=DataConfig(path=str(place)))
    whole, cut = new_run(tmp_path / "whole", config), new_run(tmp_path / "cut", config)
    assert session(whole) == "done"
    words = whole.status().words
    assert words.startswith("Done: ") and "cannot be used, and that others stand in for: 2. " in words
    assert f"{first!r} in {place} is not a PNG" in words
    for name in (first, second):
        assert len([line for line in caplog.messages if repr(name) in line]) == 1
    during(monkeypatch, {3: lambda: cut.wish(state="stop")})
    assert session(cut) == "stopped"
    monkeypatch.undo()
    cut.wish(state="train")
    assert session(cut) == "done"
    assert_same_run(whole, cut)


def test_pictures_that_vanish_end_it_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder(tmp_path / "pictures", files(PICTURES, width=8, height=8))
    run = new_run(tmp_path / "run", config_of("progan", tmp_path, data=DataConfig(path=str(place))))

    def vanish() -> None:
        for picture in place.rglob("*.png"):
            picture.unlink()

    during(monkeypatch, {2: vanish})
    monkeypatch.setattr(building, "KEEP_BYTES", 0)  # else those that were read already would stand in
    with pytest.raises(DataError, match=r"img0000000\d\.png"):
        session(run)
    assert run.status().state == "failed" and ".png" in run.status().words


def test_a_reader_that_is_killed_ends_it_with_a_sentence(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch raises wherever the process is; the run goes on from its checkpoint."""

    def raised() -> None:
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")

    during(monkeypatch, {7: raised})
    with pytest.raises(DataError, match=r"A process that reads .*8\.zip has ended .*fewer workers"):
        session(run)
    assert run.status().state == "failed" and "fewer workers" in run.status().words
    monkeypatch.undo()
    assert session(run) == "done"


def test_any_other_end_is_said_too(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def raised() -> None:
        raise RuntimeError("out of luck")

    during(monkeypatch, {2: raised})
    with pytest.raises(RuntimeError, match="out of luck"):
        session(run)
    assert run.status().words == "RuntimeError: out of luck" and run.status().state == "failed"


def test_pictures_that_are_not_there_are_said_so(tmp_path: Path) -> None:
    config = config_of("progan", tmp_path, data=DataConfig(path=str(tmp_path / "none.zip")))
    folder = new_run(tmp_path / "run", config)
    with pytest.raises(StyleScopeError, match=r"none\.zip"):
        session(folder)
    assert folder.status().state == "failed" and "none.zip" in folder.status().words
    assert pictures(tmp_path).exists()
