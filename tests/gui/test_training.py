"""Training from the window, with a real mouse and the real trainer: a run outlives the window, and is found again."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.gui import driver
from tests.gui.driver import Driver
from train.config import read_config
from train.presets import PRESETS
from train.run_folder import RunFolder, runs_in

ITEM = 21.0  # px from one item of an open combo to the next
FIRST_ITEM = 27.0  # px from the middle of a combo to that of its first item
TURNS = 600  # with a rest of 0.1 s each: what still runs then does not hear
LEARNING_S = 150.0  # training that takes longer to get anywhere is broken, however busy the machine


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """The folder of runs; none of them lives longer than the test."""
    folder = tmp_path / "runs"
    yield folder
    rest = threading.Event()
    for run in runs_in(folder):
        run.wish(state="stop")
        for _ in range(TURNS):
            if not run.is_alive():
                break
            rest.wait(0.1)
        else:
            os.kill(run.status().pid, signal.SIGKILL)


def choose(app: Driver, alias: str, place: int) -> None:
    """Choose an item of a combo by its place, as soon as the combo is open."""
    x, y = app.rect(alias).at()
    below = slice(round(y + FIRST_ITEM), round(y + FIRST_ITEM + place * ITEM)), slice(round(x), round(x) + 40)
    closed = app.screenshot()[below]
    app.click(alias)
    app.wait_for(lambda: not np.array_equal(app.screenshot()[below], closed), "the open combo")
    app.move(x, y + FIRST_ITEM + place * ITEM)
    with app.held():
        pass


def pixels(app: Driver, alias: str) -> np.ndarray:
    x, y, width, height = map(round, app.rect(alias))
    return app.screenshot()[y : y + height, x : x + width]


def test_a_run_started_by_mouse_outlives_the_window_and_is_stopped_from_the_next(
    launch: Callable[..., Driver], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LIMIT_S", LEARNING_S)
    app = launch("--runs", runs)
    app.key("F10")
    choose(app, "training.new.preset", list(PRESETS).index("smoke"))
    app.click("training.new.demo")
    app.fill("training.new.kimg", "900")  # so that it does not end by itself
    app.key("Return")
    app.fill("training.new.name", "mine")
    app.key("Return")
    app.click("training.new.begin")
    run = RunFolder(runs / "mine")
    app.wait_for(run.exists, "the run's folder")
    config = read_config(run.config_path)
    assert (config.preset, config.kimg, config.generator.img_resolution) == ("smoke", 900, 32)

    app.key("F6")
    app.key("F7")
    app.scroll(-12, app.rect("training.plots.losses").at(0.5, 0.05))
    app.rest()
    app.wait_for(lambda: run.status().state == "training" and run.numbers()[0], "the first numbers")
    before = pixels(app, "training.plots.losses")
    app.wait_for(lambda: not np.array_equal(pixels(app, "training.plots.losses"), before), "curves that move")

    assert app.quit() == 0
    seen = run.status().seen
    assert run.is_alive()
    os.kill(run.status().pid, 0)
    app.start()
    app.wait_for(lambda: run.status().seen > seen, "more pictures seen, without the window")
    app.click("training.run.stop")
    app.wait_for(lambda: run.status().state == "stopped" and not run.is_alive(), "its end")
    assert run.status().seen >= seen and list(run.checkpoints.iterdir())

    below = app.rect("training.plots.losses").at(0.5, 0.05)

    def seen_at_the_end(plot: str) -> bool:
        app.scroll(-9, below)
        return app.shown(plot)

    app.wait_for(lambda: seen_at_the_end("training.plots.metrics"), "the last plot")
    assert not app.shown("training.plots.memory")  # it was no GPU's
    last = run.numbers()[0][-1]
    with run.numbers_path.open("a") as file:
        file.write(json.dumps(last | {"gpu_mb": 512.0}) + "\n")
    app.wait_for(lambda: seen_at_the_end("training.plots.memory.title"), "a plot of a GPU's memory")
