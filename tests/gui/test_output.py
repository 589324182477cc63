"""The output window: the picture alone, pixel for pixel; whatever becomes of it, the program goes on."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from stylegan_core.scene import Scene
from tests.gui.conftest import See, at_one_to_one
from tests.gui.driver import FACES, Driver
from visualizer.session import Layout, OutputSettings, Session, session_to_json

TITLE = "StyleScope output"
FACTOR, WIDTH, HEIGHT = 18, 600, 640  # 18 times 32 px is the most that 600 px have room for
OUTPUT = OutputSettings(mode="window", fit="whole", x=980, y=20, width=WIDTH, height=HEIGHT)


def letterboxed(picture: np.ndarray) -> np.ndarray:
    """What the output window ought to show: square pixels of 18 px in the middle of black."""
    large = picture.repeat(FACTOR, axis=0).repeat(FACTOR, axis=1)
    left, top = (WIDTH - large.shape[1]) // 2, (HEIGHT - large.shape[0]) // 2
    room = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    room[top : top + large.shape[0], left : left + large.shape[1]] = large
    return room


def test_the_picture_alone_in_a_second_window(
    launch: Callable[..., Driver], see: See, picture: Callable[[Scene], np.ndarray], tmp_path: Path
) -> None:
    layout = Layout(width=940, height=900, x=20, y=20, closed=("transform", "history"))
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "session.json").write_text(session_to_json(Session(layout=layout, output=OUTPUT)))
    app = launch(FACES)

    def shows(scene: Scene) -> None:
        right = letterboxed(picture(scene))

        def same() -> bool:
            window = app.other_window(TITLE)
            return window is not None and np.array_equal(app.pixels_of(window), right)

        app.wait_for(same, f"the output of {scene}")

    def gone() -> None:
        app.wait_for(lambda: app.other_window(TITLE) is None, "the output window closed")

    at_one_to_one(app)
    app.rest()
    assert app.other_window(TITLE) is None  # it is not opened by itself
    app.key("F11")
    shows(see(app))
    app.key("space")
    shows(see(app))  # both windows follow
    app.focus(app.other_window(TITLE))
    app.key("Escape")
    gone()
    app.rest()
    for number, how in enumerate(("windowkill", "windowclose"), 1):
        app.key("F11")
        shows(see(app))
        app.destroy(app.other_window(TITLE), how)
        told = partial(lambda number: app.log().count("closed by something else") == number, number)
        app.wait_for(told, "a word about it")
        app.key("space")
        see(app)
    app.key("F11")
    shows(see(app))
    app.key("F11")
    gone()
    see(app)  # the main window's OpenGL is as it was
    assert app.quit() == 0
    kept = json.loads((tmp_path / "state" / "session.json").read_text())["output"]
    assert OutputSettings.model_validate(kept) == OUTPUT  # where it was, and that is where it will be
