"""Moving the picture by mouse and keyboard, playing its motion, and another model's picture beside it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.models import ModelStore
from stylegan_core.scene import Latent, Scene
from tests.gui.conftest import See, at_one_to_one
from tests.gui.driver import FACES, Driver, find
from tests.gui.test_files import open_model
from widgets.ring import GAP, ring_around

Picture = Callable[[Scene], np.ndarray]
GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def straight(app: Driver, see: See) -> Iterator[Scene]:
    """A Scene whose picture stands where the model puts it, before and after the test."""
    app.key("ctrl+0")
    yield see(app)
    app.key("ctrl+0")


@pytest.fixture
def ring(app: Driver) -> Iterator[None]:
    """The transform panel unfolded, with which the ring is there."""
    app.click("panel.transform", 0.2)
    app.wait_for(lambda: app.shown("transform.x"), "the panel")
    yield
    app.click("panel.transform", 0.2)
    app.wait_for(lambda: not app.shown("transform.x"), "the end of the panel")
    app.rest()


def on_ring(app: Driver, degrees: float, side: int = 32) -> tuple[float, float]:
    """A point of the ring around a picture at 1:1, clockwise from the top."""
    x, y = app.rect("canvas").at()
    radius, angle = np.hypot(side, side) / 2 + GAP, np.deg2rad(degrees)
    return x + radius * np.sin(angle), y - radius * np.cos(angle)


def undone(app: Driver, see: See) -> Scene:
    app.key("ctrl+z")
    return see(app)


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_a_drag_with_ctrl_moves_the_picture_with_the_mouse(app: Driver, see: See, straight: Scene) -> None:
    x, y = app.rect("canvas").at()
    with app.key_held("ctrl"):
        app.drag((x, y), (x + 16, y - 8))
    moved = see(app)
    assert moved == edits.set_offset(straight, 0.5, -0.25)
    app.key("f")  # a larger picture takes a larger move of the hand
    side = min(app.rect("canvas")[2:])
    with app.key_held("ctrl"):
        app.drag((x, y), (x - 96, y))
    app.key("1")
    there = see(app).transform
    assert there.x == pytest.approx(0.5 - 96 / side)
    assert undone(app, see) == moved
    assert undone(app, see) == straight


def test_the_wheel_with_ctrl_scales_the_picture(app: Driver, see: See, straight: Scene) -> None:
    with app.key_held("ctrl"):
        app.scroll(3, app.rect("canvas").at())
    app.wait_for(lambda: app.session()["scene"]["transform"]["scale"] > 1.15, "a larger picture")
    assert see(app).transform.scale == pytest.approx(1.05**3)
    assert undone(app, see) == straight


def test_the_ring_turns_the_picture(app: Driver, see: See, straight: Scene, ring: None) -> None:
    app.drag(on_ring(app, 0), on_ring(app, 45), on_ring(app, 90))
    turned = see(app)
    assert turned == edits.set_rotation(straight, turned.transform.rotation)
    assert turned.transform.rotation == pytest.approx(90, abs=2)  # a pixel of so small a ring is nearly 2°
    with app.key_held("shift"):
        app.drag(on_ring(app, 90), on_ring(app, 140))
    assert see(app).transform.rotation == 135.0
    app.move(*on_ring(app, 200))
    app.double_click()
    assert see(app) == straight
    assert undone(app, see).transform.rotation == 135.0
    assert undone(app, see) == turned


def test_the_panel_s_sliders_and_boxes(app: Driver, see: See, straight: Scene, ring: None) -> None:
    for tag, across, value in (("x", 0.75, 0.5), ("y", 0.25, -0.5), ("rotation", 0.75, 90), ("shear", 0.6, 0.2)):
        slider = app.reveal(f"transform.{tag}")
        app.drag(slider.at(0.5), slider.at(across))
        assert getattr(see(app).transform, tag) == pytest.approx(value, abs=0.08 * max(abs(value), 1))
    app.click("transform.mirror", 0.1)
    app.click("transform.untransform", 0.1)
    shown = see(app).transform
    assert (shown.mirror, shown.untransform) == (True, True)
    app.click("transform.reset")
    assert see(app) == straight


@given(picture=st.tuples(*[st.integers(-3000, 3000)] * 2, *[st.integers(1, 5000)] * 2), scale=st.floats(0.5, 3))
def test_the_ring_stays_in_sight(picture: tuple[int, int, int, int], scale: float) -> None:
    """However the picture is zoomed and panned: whole within the stage, or not there."""
    left, top, width, height = picture
    found = ring_around((left, top, left + width, top + height), (0, 24, 700, 800), scale)
    in_sight = left < 700 and top < 800 and left + width > 0 and top + height > 24
    assert (found is not None) == in_sight
    if found is not None:
        assert found.radius < found.x < 700 - found.radius
        assert 24 + found.radius < found.y < 800 - found.radius
        for degrees in (0.0, 90.0, -135.0):
            assert found.angle(found.at(degrees)) == pytest.approx(degrees)
            assert found.touched(found.at(degrees), 0.0, 4.0)


# -- by key ------------------------------------------------------------------------------------------------------------


def test_every_move_has_a_key(app: Driver, see: See, straight: Scene) -> None:
    for key in ("ctrl+shift+Right", "ctrl+shift+Down", "ctrl+shift+Down", "r", "r", "r", "shift+r", "m", "u"):
        app.key(key)
    app.key("ctrl+equal")
    app.key("ctrl+equal")
    app.key("ctrl+minus")
    shown = see(app).transform
    assert (shown.x, shown.y, shown.rotation) == pytest.approx((0.02, 0.04, 10.0))
    assert (shown.mirror, shown.untransform) == (True, True)
    assert shown.scale == pytest.approx(1.05)
    app.key("u")
    assert not see(app).transform.untransform


# -- playing -----------------------------------------------------------------------------------------------------------


def test_a_spin_and_a_drift_play_until_they_are_stopped(app: Driver, see: See, straight: Scene) -> None:
    def changed(seen: set[bytes]) -> bool:
        seen.add(app.canvas().tobytes())
        return len(seen) > 3

    for key, field in (("s", "rotation"), ("d", "x")):
        app.key(key)
        seen: set[bytes] = set()
        app.wait_for(lambda seen=seen: changed(seen), "pictures that move by themselves")
        app.key(key)
        after = see(app)
        transform = straight.transform.model_copy(update={field: getattr(after.transform, field)})
        assert after == straight.model_copy(update={"transform": transform})
        assert after != straight
        assert undone(app, see) == straight


# -- beside ------------------------------------------------------------------------------------------------------------


def choose_beside(app: Driver, row: int) -> None:
    """Choose a line of the list, 0 for none."""
    x, y, width, height = app.rect("view.beside")
    app.click("view.beside")
    app.move(x + width / 2, y + height + 16 + 21 * row)
    with app.held():
        pass


def test_another_picture_stands_beside_under_the_same_transform(
    app: Driver, see: See, straight: Scene, picture: Picture
) -> None:
    def beside(scene: Scene, seed: int) -> None:
        other = scene.model_copy(update={"latent": Latent(seed=seed), "mixing": ()})
        app.wait_for(lambda: len(find(picture(other), app.canvas())) == 1, "the picture beside")

    app.fill("latent.seed", "7")
    app.key("Return")
    choose_beside(app, 2 + app.session()["recent"].index(str(FACES)))  # below the starter, what was opened last
    app.wait_for(lambda: app.shown("view.beside.seed"), "its seed")
    beside(see(app), 0)
    app.key("ctrl+shift+Right")
    app.key("r")
    moved = see(app)
    assert moved.transform.rotation == 5.0
    beside(moved, 0)
    app.fill("view.beside.seed", "12")
    app.key("Return")
    beside(moved, 12)
    assert see(app) == moved
    choose_beside(app, 0)
    app.wait_for(lambda: not app.shown("view.beside.seed"), "one picture alone")
    x, y = find(picture(moved), app.canvas())[0]
    middle = app.rect("canvas").at()
    canvas = app.rect("canvas")
    assert (x + 16, y + 16) == pytest.approx((middle[0] - canvas.x, middle[1] - canvas.y), abs=1)


# -- other families ----------------------------------------------------------------------------------------------------


def panels(card: ModelCard) -> dict[str, bool]:
    """Which panels a model has a use for."""
    return {"truncation": card.has_truncation, "mixing": card.num_ws > 1, "noise": card.has_noise}


def test_panels_suit_the_family(launch: Callable[..., Driver], models: ModelStore, see: See) -> None:
    first, second = (GOLDEN / f"{name}.pkl" for name in ("progan_32", "sg3t_64"))
    app = at_one_to_one(launch(first))
    panels_suit(app, models, see)
    app.key("ctrl+0")
    open_model(app, second)
    app.click("view.one")
    panels_suit(app, models, see)


def panels_suit(app: Driver, models: ModelStore, see: See) -> None:
    scene = see(app)
    card = models.get(scene.model).card
    for key, useful in panels(card).items():
        assert app.shown(f"panel.{key}") == useful, key
    assert app.shown("transform.x") == card.has_transform
    assert app.shown("model.lod") == (card.max_lod > 0)
    app.key("n")
    app.wait_for(lambda: app.shown("status.notice"), "a word on noise")
    x, y = app.rect("canvas").at()
    side = card.resolution
    with app.key_held("ctrl"):
        app.drag((x, y), (x + side / 4, y - side / 8), steps=2)
    assert see(app) == edits.set_offset(scene, 0.25, -0.125)
