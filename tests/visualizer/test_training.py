"""The window's side of runs: finding them, their processes, what is wished for; with a process that learns nothing."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from train.config import DataConfig, RunConfig
from train.presets import Pictures, make
from train.run_folder import RunFolder, Status, file_name
from visualizer.training import Training
from visualizer.training_process import SILENT_S, end_at_once, is_silent

FAKE = Path(__file__).with_name("fake_training.py")
TURNS = 60_000  # with a rest of 1 ms each: never reached unless a test is about to fail


class Desk:
    """A Training whose frames are turned by hand, and what it said."""

    def __init__(self, folder: Path, code: str = "", added: tuple[str, ...] = ()):
        command = (sys.executable, "-c", code) if code else (sys.executable, str(FAKE))
        self.said: list[tuple[str, str]] = []
        self.added: list[tuple[str, ...]] = []
        self.training = Training(folder, added, lambda *said: self.said.append(said), self.added.append, command)
        self.training.shown = True
        self._now = 0.0

    def until(self, condition: Callable[[], object]) -> None:
        rest = threading.Event()
        for _ in range(TURNS):
            self._now += 0.1
            self.training.tick(self._now)
            if condition():
                return
            rest.wait(0.001)
        raise AssertionError(f"it never came to that; it said {self.said}")

    def standing(self) -> str:
        run = self.training.chosen
        return "" if run is None else self.training.standing(run)


@pytest.fixture
def config() -> RunConfig:
    return make("smoke", DataConfig(path="faces.zip"), Pictures(32))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "runs")
    yield made
    for run in made.training.runs:
        if run.alive:
            run.folder.wish(state="stop")
    made.until(lambda: not made.training._launched)
    made.training.close()


def write_run(folder: Path, config: RunConfig, status: Status | None = None) -> RunFolder:
    run = RunFolder(folder)
    folder.mkdir(parents=True)
    run.config_path.write_text(config.model_dump_json())
    if status is not None:
        run.say(status)
    return run


def test_a_run_is_started_steered_and_outlives_the_window(desk: Desk, tmp_path: Path, config: RunConfig) -> None:
    training = desk.training
    training.begin(config, "faces")
    desk.until(lambda: desk.standing() == "starting" or desk.standing() == "training")
    desk.until(lambda: desk.standing() == "training" and training.chosen.status.seen > 0)
    run = training.chosen
    assert run is not None and run.config == config and run.status.pid != os.getpid()
    assert os.getsid(run.status.pid) != os.getsid(0)  # what ends this terminal does not end it
    desk.until(lambda: training.detail is not None and "loss_g" in training.detail.curves)
    first = training.detail.curves["loss_g"].kimg[-1]
    desk.until(lambda: training.detail.curves["loss_g"].kimg[-1] > first)

    training.pause(run)
    desk.until(lambda: desk.standing() == "paused")
    training.snapshot(training.chosen)
    desk.until(lambda: training.detail.preview is not None)
    assert training.detail.preview.rgba.shape == (8, 16, 4)
    training.share(run, 0.2)
    training.share(run, 0.3)
    assert training.share_of(run) == 0.3
    desk.until(lambda: run.folder.wishes().share == 0.3)
    seen = run.folder.status().seen
    training.go_on(training.chosen)
    desk.until(lambda: desk.standing() == "training" and training.chosen.status.seen > seen)

    again = Desk(tmp_path / "runs")  # the window opened once more finds it
    again.until(lambda: again.standing() == "training")
    again.training.stop(again.training.chosen)
    again.until(lambda: again.standing() == "stopped")
    again.training.close()
    desk.until(lambda: desk.standing() == "stopped" and not training._launched)
    assert desk.said == [("faces is starting.", "info")]

    seen = run.folder.status().seen
    training.go_on(training.chosen)
    desk.until(lambda: desk.standing() == "training" and training.chosen.status.seen > seen)
    training.stop(training.chosen)
    desk.until(lambda: desk.standing() == "stopped")


def test_a_killed_run_is_said_to_be_dead_with_its_last_words(desk: Desk, config: RunConfig) -> None:
    training = desk.training
    training.begin(config, "faces")
    desk.until(lambda: desk.standing() == "training")
    end_at_once(training.chosen.folder)
    desk.until(lambda: desk.standing() == "dead" and training.detail is not None)
    assert training.detail.last_words == "learning nothing"
    desk.until(lambda: len(desk.said) == 2)
    assert desk.said[-1] == ("faces is not being trained any more: learning nothing.", "error")
    with pytest.raises(Exception, match="faces is not being trained"):
        end_at_once(training.chosen.folder)
    training.log_wanted = True
    desk.until(lambda: training.detail.log is not None)
    assert training.detail.log == "learning nothing\n"


def test_a_process_that_ends_at_once_is_told_of(tmp_path: Path, config: RunConfig) -> None:
    desk = Desk(tmp_path, "raise SystemExit('There is no memory.')")
    desk.training.begin(config, "faces")
    desk.until(lambda: len(desk.said) == 2)
    assert desk.said[1] == ("faces is not being trained any more: There is no memory.", "error")
    desk.until(lambda: desk.standing() == "new")
    desk.training.begin(config, "faces")
    desk.until(lambda: len(desk.said) == 3)
    assert "choose another name" in desk.said[2][0]
    desk.training.close()


def test_runs_are_found_again_and_stay_where_they_stand(tmp_path: Path, config: RunConfig) -> None:
    now = time.time()
    dead = write_run(tmp_path / "runs/dead", config, Status(state="training", seen=400, total=800, updated=now))
    done = write_run(tmp_path / "runs/done", config, Status(state="done", seen=800, total=800, updated=now - 9))
    write_run(tmp_path / "runs/new", config)
    (tmp_path / "runs/empty").mkdir()
    broken = write_run(tmp_path / "runs/broken", config)
    broken.config_path.write_text('{"preset": 1}')
    elsewhere = write_run(tmp_path / "elsewhere", config, Status(state="stopped", updated=now - 99))
    desk = Desk(tmp_path / "runs", added=(str(elsewhere.path), str(tmp_path / "gone")))
    desk.until(lambda: desk.training.runs)
    standings = {run.name: run.standing for run in desk.training.runs}
    assert standings == {"dead": "dead", "done": "done", "new": "new", "broken": "broken", "elsewhere": "stopped"}
    by_name = {run.name: run for run in desk.training.runs}
    assert [run.name for run in desk.training.runs][:2] == ["dead", "done"] and desk.training.chosen.name == "dead"
    assert str(broken.config_path) in by_name["broken"].error
    assert by_name["dead"].progress == 0.5 and by_name["new"].total == 800

    before = [run.name for run in desk.training.runs]
    done.say(Status(state="done", seen=800, total=800, updated=now + 9))
    write_run(tmp_path / "runs/newest", config)
    desk.until(lambda: len(desk.training.runs) == 6)
    assert [run.name for run in desk.training.runs] == ["newest", *before]
    assert dead.path == desk.training.chosen.path
    desk.training.close()


def test_a_run_that_is_done_goes_on_for_longer(desk: Desk, tmp_path: Path, config: RunConfig) -> None:
    write_run(tmp_path / "runs/faces", config, Status(state="done", seen=800, total=800, updated=1.0))
    desk.until(lambda: desk.standing() == "done")
    desk.training.go_on(desk.training.chosen)
    desk.until(lambda: desk.standing() == "training")
    assert desk.training.chosen.config == config.model_copy(update={"kimg": config.kimg * 1.5})
    assert desk.training.chosen.status.seen > 800
    desk.training.stop(desk.training.chosen)
    desk.until(lambda: desk.standing() == "stopped")


def test_a_run_elsewhere_is_added_and_remembered(tmp_path: Path, config: RunConfig) -> None:
    run = write_run(tmp_path / "mine", config)
    desk = Desk(tmp_path / "runs")
    desk.training.add(tmp_path / "nothing" / "run.json")
    assert "no run.json" in desk.said[0][0] and desk.added == []
    desk.training.add(run.config_path)
    desk.until(lambda: desk.training.chosen is not None)
    assert desk.added == [(str(run.path),)] and desk.training.chosen.path == run.path
    desk.training.close()


def test_only_runs_that_live_hear_that_somebody_explores(desk: Desk, tmp_path: Path, config: RunConfig) -> None:
    write_run(tmp_path / "runs/old", config, Status(state="stopped", updated=1.0))
    desk.training.begin(config, "faces")
    desk.until(lambda: desk.standing() == "training")
    run = desk.training.chosen.folder
    assert not run.is_exploring()
    desk.training.explored()
    desk.until(run.is_exploring)
    assert not (tmp_path / "runs/old/exploring").exists()
    desk.training.stop(desk.training.chosen)
    desk.until(lambda: desk.standing() == "stopped")


def test_a_share_that_is_wished_for_last_is_written_when_the_window_closes(tmp_path: Path, config: RunConfig) -> None:
    folder = write_run(tmp_path / "runs/faces", config)
    desk = Desk(tmp_path / "runs")
    desk.until(lambda: desk.training.chosen is not None)
    desk.training.share(desk.training.chosen, 0.25)
    desk.training.close()
    assert folder.wishes().share == 0.25


def test_only_a_living_process_can_be_silent() -> None:
    status = Status(state="training", updated=1000.0)
    assert is_silent(status, True, 1001 + SILENT_S)
    assert not is_silent(status, True, 999 + SILENT_S)
    assert not is_silent(status, False, 1001 + SILENT_S)


def test_a_command_that_is_not_there_is_said(tmp_path: Path, config: RunConfig) -> None:
    desk = Desk(tmp_path)
    desk.training._command = (str(tmp_path / "no-python"),)
    desk.training.begin(config, "faces")
    desk.until(lambda: desk.said)
    assert desk.said[0][1] == "error" and "faces cannot be started" in desk.said[0][0]
    desk.training.close()


def test_earlier_previews_are_shown_on_wish_and_broken_ones_never(tmp_path: Path, config: RunConfig) -> None:
    run = write_run(tmp_path / "runs/faces", config)
    run.previews.mkdir()
    for seen, side in ((0, 4), (400, 8)):
        Image.new("RGB", (side, side)).save(run.previews / f"{file_name(seen)}.png")
    desk = Desk(tmp_path / "runs")
    training = desk.training
    desk.until(lambda: training.detail is not None and training.detail.preview is not None)
    assert training.detail.previews == (0, 400) and training.detail.preview.seen == 400
    training.look_at_preview(0)
    desk.until(lambda: training.detail.preview.seen == 0)
    assert training.detail.preview.rgba.shape == (4, 4, 4)
    training.look_at_preview(None)
    (run.previews / f"{file_name(800)}.png").write_bytes(b"half a pict")
    desk.until(lambda: training.detail.previews == (0, 400, 800))
    assert training.detail.preview.seen in (0, 400)
    training.close()


def test_numbers_are_read_anew_where_a_run_went_back(tmp_path: Path, config: RunConfig) -> None:
    run = write_run(tmp_path / "runs/faces", config)
    run.numbers_path.write_text("".join(f'{{"kimg": {kimg}, "p": 0.5}}\n' for kimg in range(1, 9)))
    desk = Desk(tmp_path / "runs")
    training = desk.training
    desk.until(lambda: training.detail is not None and "p" in training.detail.curves)
    run.numbers_path.write_text('{"kimg": 1, "p": 0.25}\n')
    desk.until(lambda: training.detail.curves["p"].kimg == [1.0])
    assert training.detail.curves["p"].values == [0.25]
    training.close()
