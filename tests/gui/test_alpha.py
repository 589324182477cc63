"""A model of oblong pictures with alpha: its picture, seen on black and by alpha alone, and saved with its alpha."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylegan_core.config import GeneratorConfig
from stylegan_core.model import random_spec
from stylegan_core.safetensors_file import write
from stylegan_core.scene import Scene
from tests.gui.driver import FACES, Driver, find
from tests.gui.test_files import open_model

CONFIG = GeneratorConfig(
    img_resolution=32, base_size=(6, 4), img_channels=4, channel_base=128, channel_max=8, z_dim=8, w_dim=8
)


@pytest.fixture
def oblong(app: Driver, short_path: Path) -> Iterator[Driver]:
    """The program with the model open; with the model that tests open afterwards."""
    write(random_spec(CONFIG, 0), model := short_path / "oblong.safetensors")
    open_model(app, model)
    app.click("view.one")
    yield app
    app.click("view.ground", 0.1)
    open_model(app, FACES)


def test_a_picture_with_alpha_is_looked_at_and_saved(oblong: Driver, picture: Callable[[Scene], np.ndarray]) -> None:
    app = oblong
    app.click("view.ground", 0.6)
    app.click("view.channel", 0.85)
    grey = picture(app.scene())
    assert grey.shape == (48, 32, 1) and len(np.unique(grey)) > 20
    (x, y), *_ = app.wait_for(lambda: find(grey.repeat(3, axis=2), app.canvas()), "alpha in grey, exactly")

    app.click("view.channel", 0.04)
    rgba = picture(app.scene())
    black = rgba[..., :3] * (rgba[..., 3:] / 255)
    assert np.array_equal(rgba[..., 3:], grey)
    app.wait_for(lambda: np.abs(app.canvas()[y : y + 48, x : x + 32] - black).max() < 2, "the picture on black")
    with Image.open(app.capture()) as saved:
        assert saved.mode == "RGBA" and np.array_equal(np.asarray(saved), rgba)
