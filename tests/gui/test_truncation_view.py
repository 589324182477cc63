"""The truncation view, with a real mouse: the ladder, presets, and the nearest of k centres."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from stylegan_core import edits
from stylegan_core.ladder import ladder_psis
from stylegan_core.scene import Ladder, Scene
from tests.gui.conftest import See
from tests.gui.driver import Driver

Picture = Callable[[Scene], np.ndarray]
RUNGS = ladder_psis(Ladder())


@pytest.fixture
def truncation(app: Driver) -> Iterator[Driver]:
    """The view open beside the picture; truncation as a new Scene has it."""
    app.key("F5")
    app.wait_for(lambda: app.shown("space.rung.10"), "the ladder")
    app.click("space.preset.flat")
    app.rest()
    yield app
    app.key("F5")
    app.wait_for(lambda: not app.shown("space.rung.10"), "the view put away")


def reduced(pixels: np.ndarray) -> np.ndarray:
    """A picture as 8 by 8 numbers, without its edge, where a rung has its frame."""
    small = Image.fromarray(pixels).resize((8, 8), Image.Resampling.BOX)
    return np.asarray(small).astype(int)[1:-1, 1:-1]


def shows_ladder(app: Driver, scene: Scene, picture: Picture) -> None:
    """Wait until every rung shows the picture of its psi more than that of any other's."""
    expected = np.stack([reduced(picture(edits.set_psi(scene, psi))) for psi in RUNGS])
    places = [app.rect(f"space.rung.{index}") for index in range(len(RUNGS))]

    def seen() -> bool:
        screen = app.screenshot()
        nearest = []
        for x, y, side, _ in (map(int, place) for place in places):
            rung = reduced(screen[y : y + side, x : x + side])
            nearest.append(int(np.abs(rung - expected).mean((1, 2, 3)).argmin()))
        return nearest == list(range(len(RUNGS)))

    app.wait_for(seen, "the ladder's pictures")


def test_a_rung_of_the_ladder_and_a_preset(truncation: Driver, see: See, picture: Picture) -> None:
    app = truncation
    before = see(app)
    shows_ladder(app, before, picture)
    app.click("space.rung.2")
    app.rest()
    clicked = see(app)
    assert clicked == edits.set_psi(before, -0.5)
    app.click("space.preset.strong")
    app.rest()
    layers = see(app).truncation.layers
    assert layers == pytest.approx([-0.5 + 1.5 * i / 7 for i in range(8)])
    app.move(*app.rect("space.distances").at(0.5, 0.5))  # values can be read under the cursor
    app.key("ctrl+z")
    app.key("ctrl+z")
    assert see(app) == before


def test_the_nearest_of_four_centres(truncation: Driver, see: See, picture: Picture) -> None:
    app = truncation
    before = see(app)
    app.click("space.towards", 0.9)
    app.wait_for(lambda: app.shown("space.centres"), "the number of centres")
    with app.key_held("ctrl"):
        app.click("space.centres")
    app.type("4")
    app.key("Return")
    app.rest()
    nearest = see(app)
    assert nearest == edits.set_centres(edits.set_towards(before, "nearest"), 4)
    assert np.array_equal(np.asarray(Image.open(app.capture())), picture(nearest))
    assert not np.array_equal(picture(nearest), picture(before))
    app.wait_for(lambda: not app.shown("space.progress"), "the end of the search")
    shows_ladder(app, nearest, picture)
    app.click("space.towards", 0.05)
    app.rest()
    assert see(app).truncation.towards == "mean"
