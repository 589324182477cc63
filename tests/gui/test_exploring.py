"""Exploring with mouse and keyboard: whatever is done, the window shows the bytes that its Scene stands for."""

from collections.abc import Callable

import numpy as np
import pytest

from stylegan_core.scene import Scene
from tests.gui.conftest import See
from tests.gui.driver import Driver, Rect, find
from widgets import theme

Picture = Callable[[Scene], np.ndarray]


def undone(app: Driver, see: See) -> Scene:
    """The Scene after one Ctrl+Z."""
    app.key("ctrl+z")
    return see(app)


def box(app: Driver) -> Rect:
    """Where on the canvas anything stands, but for its rounded corners."""
    drawn = (app.canvas() != theme.CANVAS[:3]).any(axis=2)
    for rows in (slice(8), slice(-8, None)):
        drawn[rows, :8] = drawn[rows, -8:] = False
    ys, xs = np.nonzero(drawn)
    return Rect(xs.min(), ys.min(), xs.max() + 1 - xs.min(), ys.max() + 1 - ys.min())


def cells(app: Driver, at: Rect, side: int) -> np.ndarray:
    """The canvas's pixels at the middles of side × side cells of a place."""
    across = np.floor(at.x + (np.arange(side) + 0.5) * at.width / side).astype(int)
    down = np.floor(at.y + (np.arange(side) + 0.5) * at.height / side).astype(int)
    return app.canvas()[down][:, across]


# -- the person --------------------------------------------------------------------------------------------------------


def test_space_brings_someone_new_and_undo_brings_them_back(app: Driver, see: See, picture: Picture) -> None:
    first = see(app)
    app.key("space")
    second = see(app)
    assert second.latent.seed != first.latent.seed
    assert second == first.model_copy(update={"latent": second.latent})
    assert (picture(first) != picture(second)).any()
    assert undone(app, see) == first
    app.key("ctrl+shift+z")
    assert see(app) == second
    app.click("bar.undo")
    assert see(app) == first
    app.click("bar.redo")
    assert see(app) == second
    app.click("bar.new")
    assert see(app).latent.seed not in (first.latent.seed, second.latent.seed)


def test_a_seed_can_be_typed_and_stepped(app: Driver, see: See) -> None:
    app.fill("latent.seed", "4294967295")
    app.key("Return")
    assert see(app).latent.seed == 4294967295
    app.click("latent.next")
    assert see(app).latent.seed == 0
    app.click("latent.previous")
    assert see(app).latent.seed == 4294967295
    app.key("ctrl+Right")
    assert see(app).latent.seed == 0


def test_keys_press_the_control_that_was_clicked_last_only_after_tab(app: Driver, see: See) -> None:
    app.reveal("panel.latent")
    for shown in (False, True):
        app.click("panel.latent")
        app.wait_for(lambda shown=shown: app.shown("latent.seed") is shown, "the panel to fold or unfold")
    scene = see(app)
    for key in ("shift+Left", "shift+Right", "ctrl+Left", "space"):
        app.key(key)
        before, scene = scene, app.scene()
        assert scene.latent != before.latent, key
        assert app.shown("latent.seed"), key
    app.key("Tab")
    for shown in (False, True):
        app.key("space")
        app.wait_for(lambda shown=shown: app.shown("latent.seed") is shown, "the panel to fold or unfold")
    assert app.scene() == scene


def test_a_text_box_keeps_its_keys(app: Driver, see: See) -> None:
    before, pins = see(app), app.session()["pins"]
    app.fill("latent.seed", " 12pnf34")  # space, P, N and F are shortcuts
    app.key("Return")
    assert see(app) == before.model_copy(update={"latent": before.latent.model_copy(update={"seed": 1234})})
    assert app.session()["pins"] == pins


def test_the_blend_space_is_chosen(app: Driver, see: See) -> None:
    app.click("latent.space", 0.8)
    assert see(app).latent.space == "z"
    app.click("latent.space", 0.1)
    assert see(app).latent.space == "w"


# -- the canvas --------------------------------------------------------------------------------------------------------


def test_a_drag_wanders_over_the_seed_plane_as_one_undo_point(app: Driver, see: See) -> None:
    before = see(app)
    canvas = app.rect("canvas")
    x, y = canvas.at()
    app.drag((x, y), (x - 120, y - 60))
    after = see(app)
    assert after == before.model_copy(update={"latent": after.latent})
    unit = canvas.width / 2  # a drag across the canvas passes two people
    assert 60 / unit <= after.latent.x <= 121 / unit
    assert 30 / unit <= after.latent.y <= 61 / unit
    assert after.latent.seed == before.latent.seed
    assert undone(app, see) == before


def test_the_wheel_zooms_about_the_cursor(app: Driver, see: See, picture: Picture) -> None:
    pixels = picture(see(app))
    canvas = app.rect("canvas")
    app.wait_for(lambda: box(app)[2:] == (32, 32), "the picture alone on the canvas")
    before = box(app)
    at = before.at(0.75, 0.25)
    app.scroll(14, (canvas.x + at[0], canvas.y + at[1]))
    app.wait_for(lambda: box(app).width == round(32 * 1.15**14), "the picture fourteen steps larger")
    after = box(app)
    assert after.at(0.75, 0.25) == pytest.approx(at, abs=1)
    np.testing.assert_array_equal(cells(app, after, 32), pixels)
    app.click("view.one")
    app.rest()
    app.wait_for(lambda: box(app) == before, "1:1 again")


def test_a_right_drag_pans(app: Driver, see: See, picture: Picture) -> None:
    scene = see(app)
    pixels = picture(scene)
    [(x, y)] = find(pixels, app.canvas())
    middle = app.rect("canvas").at()
    app.drag(middle, (middle[0] + 90, middle[1] - 60), button=3)
    app.wait_for(lambda: [(x, y)] != find(pixels, app.canvas()), "the picture elsewhere")
    assert see(app) == scene
    [(panned_x, panned_y)] = find(pixels, app.canvas())
    assert x + 45 <= panned_x <= x + 91
    assert y - 61 <= panned_y <= y - 30
    app.click("view.one")
    app.wait_for(lambda: find(pixels, app.canvas()) == [(x, y)], "the picture in the middle")


def test_fit_fills_the_canvas(app: Driver, see: See, picture: Picture) -> None:
    pixels = picture(see(app))
    canvas = app.rect("canvas")
    app.key("f")
    side = min(canvas.width, canvas.height)
    app.wait_for(lambda: box(app)[2:] == (side, side), "the picture as large as the canvas")
    np.testing.assert_array_equal(cells(app, box(app), 32), pixels)
    app.click("view.smooth", 0.1)
    app.wait_for(lambda: len(np.unique(app.canvas().reshape(-1, 3), axis=0)) > 32 * 32 + 1, "blurred edges")
    app.click("view.smooth", 0.9)
    app.key("1")
    see(app)


# -- truncation --------------------------------------------------------------------------------------------------------


def test_dragging_psi_is_one_undo_point(app: Driver, see: See) -> None:
    before = see(app)
    slider = app.reveal("truncation.psi")
    app.drag(slider.at(0.3), slider.at(0.9), slider.at(0.2))
    after = see(app)
    assert after.truncation.psi == pytest.approx(-1 + 2.5 * 0.2, abs=0.1)
    assert after == before.model_copy(update={"truncation": after.truncation})
    assert undone(app, see) == before
    app.key("bracketright")
    assert see(app).truncation.psi == pytest.approx(before.truncation.psi + 0.05)
    app.key("bracketleft")
    assert see(app).truncation.psi == pytest.approx(before.truncation.psi)


def test_one_stroke_draws_psi_for_all_layers(app: Driver, see: See) -> None:
    before = see(app)
    strip = app.reveal("truncation.layers")
    app.drag(strip.at(0.03, 0.1), strip.at(0.97, 0.6), steps=3)  # a quick hand, that skips layers
    after = see(app).truncation
    assert len(after.layers) == 8
    assert before.truncation.psi not in after.layers
    assert list(after.layers) == sorted(after.layers, reverse=True)
    app.click("truncation.layers", 0.5 / 8, 0.3, button=3)
    assert see(app).truncation.layers == (after.psi, *after.layers[1:])
    assert undone(app, see).truncation == after
    assert undone(app, see) == before


def test_truncation_presets_and_cutoff(app: Driver, see: See) -> None:
    before = see(app)
    psi = before.truncation.psi
    app.reveal("truncation.cutoff")
    app.click("truncation.coarse")
    assert see(app).truncation.layers == (psi,) * 4 + (1.0,) * 4
    assert not app.shown("truncation.fine")  # at 32² no layer is fine
    slider = app.rect("truncation.cutoff")
    app.drag(slider.at(0.9), slider.at(0.5))
    assert see(app).truncation.cutoff == 4
    app.click("truncation.flat")
    assert see(app).truncation == before.truncation


# -- mixing ------------------------------------------------------------------------------------------------------------


def test_mixing_takes_bands_and_layers_from_another_person(app: Driver, see: See) -> None:
    app.reveal("mixing.coarse")
    if app.scene().mixing:  # of another test
        app.click("mixing.clear")
    before = see(app)
    slider = app.reveal("mixing.coarse")
    app.drag(slider.at(0.02), slider.at(0.999))
    [coarse] = see(app).mixing
    assert coarse.latent.seed == (before.latent.seed + 1) % 2**32
    assert coarse.amounts == (1.0,) * 4 + (0.0,) * 4
    strip = app.reveal("mixing.layers")
    app.drag(strip.at(0.03, 0.6), strip.at(0.97, 0.1), steps=3)
    [drawn] = see(app).mixing
    assert list(drawn.amounts) == sorted(drawn.amounts)
    assert 0 < drawn.amounts[0] < drawn.amounts[-1]
    app.reveal("mixing.seed")
    app.fill("mixing.seed", "77")
    app.key("Return")
    [other] = see(app).mixing
    assert (other.latent.seed, other.amounts) == (77, drawn.amounts)
    app.click("mixing.random")
    assert see(app).mixing[0].latent.seed != 77
    app.click("mixing.clear")
    assert see(app) == before


# -- noise -------------------------------------------------------------------------------------------------------------


def test_noise_modes_and_strengths(app: Driver, see: See) -> None:
    app.reveal("noise.mode")
    app.click("noise.mode", 0.4)
    assert see(app).noise.mode == "none"
    app.key("n")
    assert see(app).noise.mode == "random"
    app.fill("noise.seed", "5")
    app.key("Return")
    assert see(app).noise.seed == 5
    app.click("noise.reseed")
    assert see(app).noise.seed != 5
    app.click("noise.mode", 0.1)
    assert see(app).noise.mode == "const"
    slider = app.reveal("noise.strength")
    app.drag(slider.at(0.33), slider.at(0.9))
    assert see(app).noise.strength == pytest.approx(2.7, abs=0.15)
    strip = app.reveal("noise.layers")
    app.drag(strip.at(0.03, 0.1), strip.at(0.97, 0.7))
    layers = see(app).noise.layers
    assert len(layers) == 7
    assert 1.0 not in layers
    app.reveal("noise.reset")
    app.click("noise.layer.reseed")
    assert [item.layer for item in see(app).noise.reseeded] == [6]
    app.click("noise.reset")
    assert see(app).noise == Scene().noise


def test_playing_noise_changes_the_picture_until_it_is_paused(app: Driver, see: See) -> None:
    while (before := see(app)).noise.mode != "random":
        app.key("n")
    app.reveal("noise.mode")
    app.click("noise.play")
    seen: set[bytes] = set()

    def changed() -> bool:
        seen.add(app.canvas().tobytes())
        return len(seen) > 4

    app.wait_for(changed, "pictures that change by themselves")
    app.click("noise.play")
    paused = see(app)
    assert paused.noise.seed > before.noise.seed
    assert see(app) == paused
    app.reveal("noise.reset")
    app.click("noise.reset")
    assert see(app).noise == Scene().noise
