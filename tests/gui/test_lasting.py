"""What lasts: sessions after a crash, the layout; and the program's other ways to show a picture."""

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.gui.conftest import See, at_one_to_one
from tests.gui.driver import ROOT, Driver, Rect
from visualizer.demo import FPS

SHORT_S = 2  # the walk's whole loop in so many seconds: a fifth of its pictures
SHORT = f"import sys, main, visualizer.demo as demo; demo.SECONDS = {SHORT_S}; main.main(sys.argv[1:])"
Launch = Callable[..., Driver]


def wait_for_a_picture(app: Driver) -> None:
    """Until the canvas, which is dark, shows a face before its white ground, also behind an offer."""
    app.wait_for(lambda: (app.canvas() > 128).mean() > 0.3, "a picture")


def test_the_window_is_as_it_was_left_and_what_crashed_is_offered_again(launch: Launch, see: See) -> None:
    """One person, who starts the program four times."""
    wide = the_raw_texture_shows_the_same_bytes_and_columns_are_moved(launch("--presenter", "raw"), see)
    app = launch()
    folded_panels_and_columns_are_remembered(app, wide)
    what_crashed_is_offered_again(app, see)


def the_raw_texture_shows_the_same_bytes_and_columns_are_moved(app: Driver, see: See) -> Rect:
    """Where the canvas stands after it."""
    first = see(at_one_to_one(app))
    app.key("space")
    assert see(app) != first
    canvas = app.rect("canvas")
    edge = canvas.x - 4, canvas.y + canvas.height / 2
    app.drag(edge, (edge[0] + 80, edge[1]))
    app.wait_for(lambda: app.rects()["canvas"].x > canvas.x + 60, "a wider column")
    wide = app.rect("canvas")
    app.click("panel.truncation")
    app.wait_for(lambda: not app.shown("truncation.psi"), "a folded panel")
    assert app.quit() == 0
    return wide


def folded_panels_and_columns_are_remembered(app: Driver, wide: Rect) -> None:
    app.wait_for(lambda: app.shown("mixing.seed"), "the panels")
    assert app.rect("canvas") == wide
    assert not app.shown("truncation.psi")


def what_crashed_is_offered_again(app: Driver, see: See) -> None:
    at_one_to_one(app)
    app.fill("latent.seed", "271828")
    app.key("Return")
    lost = see(app)
    app.wait_for(lambda: app.session().get("scene", {}).get("latent", {}).get("seed") == 271828, "the kept session")
    app.kill()
    app.start()
    app.click("restore.yes")
    app.wait_for(lambda: not app.shown("restore.yes"), "an answer")
    wait_for_a_picture(app)
    at_one_to_one(app)
    app.wait_for(lambda: app.scene() == lost, "the Scene that was lost")
    assert see(app) == lost
    app.kill()
    app.start()
    wait_for_a_picture(app)
    app.click("restore.no")
    app.wait_for(lambda: not app.shown("restore.no"), "an answer")
    assert app.scene() != lost
    assert app.quit() == 0


def test_the_demo_leaves_a_video_and_a_picture(screen: str, tmp_path: Path) -> None:
    environment = dict(os.environ, DISPLAY=screen)
    command = [sys.executable, "-c", SHORT, "--demo", tmp_path, "--scale", "0.6"]  # small: software draws it
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=220)
    with av.open(tmp_path / "demo.mp4") as file:
        frames = [frame.to_ndarray(format="rgb24")[::8, ::8] for frame in file.decode(video=0)]
    assert len(frames) == FPS * SHORT_S
    changed = [np.abs(a.astype(int) - b).max() > 8 for a, b in pairwise(frames)]
    assert sum(changed) > len(frames) / 2  # it moves
    assert np.asarray(Image.open(tmp_path / "window.png")).shape[:2] == (516, 816)
