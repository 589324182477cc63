"""A StyleScope on a virtual screen, and what it ought to show, computed here from the Scene."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import setup  # scripts/setup.py

import stylegan_core as sg
from stylegan_core.models import ModelStore
from stylegan_core.scene import Scene, only_picture
from tests.gui.driver import Driver, find

See = Callable[[Driver], Scene]


@pytest.fixture(scope="session")
def models() -> ModelStore:
    return ModelStore("cpu")


@pytest.fixture(scope="session")
def picture(models: ModelStore) -> Callable[[Scene], np.ndarray]:
    """The picture that a Scene stands for, uint8 [H, W, 3], from nothing but the Scene; not what it looks at."""

    def rendered(scene: Scene) -> np.ndarray:
        frame = sg.render(only_picture(scene), models)
        assert frame.error is None
        assert frame.pixels is not None
        return frame.pixels.numpy()

    return rendered


@pytest.fixture(scope="session")
def see(picture: Callable[[Scene], np.ndarray]) -> See:
    """Wait until the canvas, at 1:1, shows the bytes that the Scene stands for, once; return the Scene."""

    def seen(app: Driver) -> Scene:
        scene = app.scene()
        pixels = picture(scene)
        app.wait_for(lambda: len(find(pixels, app.canvas())) == 1, f"the picture of {scene}")
        return scene

    return seen


def at_one_to_one(app: Driver) -> Driver:
    """Show the model's picture unscaled, every pixel as it is."""
    app.wait_for(lambda: len(np.unique(app.canvas()[::3, ::3].reshape(-1, 3), axis=0)) > 99, "a picture on the canvas")
    app.click("view.one")
    app.click("view.smooth", 0.9)
    return app


@pytest.fixture(scope="session")
def _program(display: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    driver = Driver(tmp_path_factory.mktemp("person"), display)
    yield at_one_to_one(driver.start())
    driver.kill()


@pytest.fixture
def app(_program: Driver) -> Driver:
    """The program that tests share, at 1:1, both columns from their tops; each test finds some Scene or other."""
    if not _program.alive():  # a test that broke it should not break those that follow
        at_one_to_one(_program.start())
    places = _program.rects()
    for alias, column in (("panel.model", "left"), ("view.one", "right")):
        if alias not in places or places[alias].y < places["canvas"].y:
            _program.reveal(alias, column)
    _program.click("view.one")
    _program.rest()
    return _program


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder of the test's own with a short name, for paths that are typed: each letter takes a frame or two."""
    with tempfile.TemporaryDirectory(prefix="") as name:
        yield Path(name)


@pytest.fixture
def screen() -> Iterator[str]:
    """A virtual screen for a program of the test's own: windows on one screen would lie over each other."""
    with setup.virtual_display() as name:
        yield name


@pytest.fixture
def launch(screen: str, tmp_path: Path) -> Iterator[Callable[..., Driver]]:
    """Start a program of the test's own, in its own folder unless another is given, and end it in the end."""
    started: list[Driver] = []

    def start(*arguments: str | Path, folder: Path = tmp_path) -> Driver:
        driver = Driver(folder, screen, arguments)
        started.append(driver)
        return driver.start()

    yield start
    for driver in started:
        driver.kill()
