"""The noise view, with a real mouse: painting, what noise does, and favourites' noise."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stylegan_core import edits
from stylegan_core.look import look_pixels
from stylegan_core.models import ModelStore
from stylegan_core.ops import no_poll
from stylegan_core.render import Renderer
from stylegan_core.scene import Look, Noise, Scene
from tests.gui.conftest import See, at_one_to_one
from tests.gui.driver import Driver
from widgets.noise.layers import ROW, SLOT
from widgets.noise.picture import RADIUS_STEP

Picture = Callable[[Scene], np.ndarray]
MODEL = Path(__file__).parents[1] / "golden" / "ada_skip64.pkl"
LAYERS, LAYER = 9, 3  # that take noise; the one looked at, "b16.conv0"


@pytest.fixture
def noises(launch: Callable[..., Driver]) -> Driver:
    """The view open, at one layer."""
    app = at_one_to_one(launch(MODEL))
    app.key("F4")
    row = app.wait_for(lambda: (place := app.rect("noises.layers")).width > SLOT * 4 and place, "the layers")
    columns = min(int(row.width // SLOT), LAYERS)
    app.click("noises.layers", (LAYER + 0.5) / columns, 0.3 * ROW / row.height)
    app.rest()
    return app


def looked_at(app: Driver, size: int) -> np.ndarray:
    """What the large picture shows, uint8 [size, size, 3]: the screen's pixels in the middle of its pixels."""
    left, top, side, _ = app.rect("noises.picture")
    middles = ((np.arange(size) + 0.5) * side / size).astype(int)
    return app.screenshot()[np.ix_(middles + int(top), middles + int(left))]


def shows(app: Driver, scene: Scene, models: ModelStore) -> None:
    """Wait until the large picture is what the Scene looks at."""
    expected = look_pixels(Renderer(models), scene, no_poll).numpy()
    app.wait_for(lambda: np.array_equal(looked_at(app, len(expected)), expected), f"the look of {scene.look}")


def test_noise_is_painted_kept_varied_and_taken_from_a_favourite(
    noises: Driver, launch: Callable[..., Driver], see: See, picture: Picture, models: ModelStore
) -> None:
    painted = a_painted_stroke_is_in_the_picture_and_the_scene(noises, see, picture, models)
    assert noises.quit() == 0
    again = at_one_to_one(launch())  # the session opens the model
    assert see(again) == painted
    shows(again, painted, models)
    what_noise_does_how_it_varies_and_a_favourite_s_noise(again, see, models)


def a_painted_stroke_is_in_the_picture_and_the_scene(
    app: Driver, see: See, picture: Picture, models: ModelStore
) -> Scene:
    """The Scene with the stroke."""
    before = see(app)
    assert (before.look.at, before.look.layer, before.noise) == ("noise", "b16.conv0", Noise())
    shows(app, before, models)
    place, unpainted = app.rect("noises.picture"), app.canvas()
    app.scroll(2, place.at(0.3, 0.3))  # a larger brush
    app.move(*place.at(0.3, 0.3))
    with app.held():
        app.move(*place.at(0.5, 0.4))
        app.wait_for(lambda: not np.array_equal(app.canvas(), unpainted), "a picture that follows the brush")
        app.move(*place.at(0.7, 0.4))
    app.rest()
    painted = see(app)
    (stroke,) = painted.noise.strokes
    assert (stroke.layer, stroke.mode, stroke.value) == (LAYER, "set", 2.0)
    assert stroke.radius == pytest.approx(0.08 * RADIUS_STEP**2)
    np.testing.assert_allclose((stroke.points[0], stroke.points[-1]), ((0.3, 0.3), (0.7, 0.4)), atol=0.01)
    assert painted.model_copy(update={"noise": Noise()}) == before
    assert not np.array_equal(picture(painted), picture(before))
    shows(app, painted, models)
    app.drag(place.at(0.2, 0.8), place.at(0.8, 0.8), button=3, steps=3)
    app.rest()
    erased = see(app)
    assert erased.noise.strokes[0] == stroke
    assert (erased.noise.strokes[1].mode, erased.noise.strokes[1].value) == ("set", 0.0)
    app.key("ctrl+z")
    assert see(app) == painted
    app.key("ctrl+z")
    assert see(app) == before
    app.key("ctrl+shift+z")
    assert see(app) == painted
    return painted


def what_noise_does_how_it_varies_and_a_favourite_s_noise(app: Driver, see: See, models: ModelStore) -> None:
    first = see(app)
    app.key("p")
    app.wait_for(lambda: app.session().get("pins"), "the pin")
    app.click("noises.new")
    app.rest()
    other = see(app)
    (own,) = other.noise.reseeded
    assert own.layer == LAYER and own.seed is not None
    app.click("noises.kind", 0.35)
    app.rest()
    effect = see(app)
    assert effect == edits.look_at(other, "effect")
    shows(app, effect, models)
    app.click("noises.kind", 0.85)
    app.click("noises.together", 0.1)
    app.fill("noises.seeds", "3")
    app.key("Return")
    app.rest()
    variation = see(app)
    assert variation.look == Look(at="variation", seeds=3)
    shows(app, variation, models)
    app.click("noises.transplant")
    app.rest()
    assert see(app) == variation.model_copy(update={"noise": first.noise})
    app.key("F4")
    app.wait_for(lambda: not app.shown("noises.picture"), "the picture alone")
