"""Favourites, captures, other models and broken files: what is opened, and what comes back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stylegan_core.picture import read_scene
from stylegan_core.scene import Scene
from tests.gui.conftest import See, at_one_to_one
from tests.gui.driver import ROOT, Driver, find
from visualizer.favourites import thumbnail
from widgets import theme

GOLDEN = ROOT / "tests" / "golden"
Picture = Callable[[Scene], np.ndarray]
Launch = Callable[..., Driver]


def go_to(app: Driver, seed: int) -> None:
    """Type a seed."""
    app.reveal("latent.seed")
    app.fill("latent.seed", str(seed))
    app.key("Return")


def open_by_path(app: Driver, path: Path) -> None:
    """Open a file by typing its path into the browser."""
    app.key("ctrl+o")
    app.fill("browser.path", str(path))
    app.key("Return")
    app.wait_for(lambda: not app.shown("browser.path"), "the browser closed")


def open_model(app: Driver, path: Path) -> None:
    """Open a model by typing its path, and wait until it is the one that is explored."""
    open_by_path(app, path)
    app.wait_for(lambda: app.session().get("scene", {}).get("model", {}).get("path") == str(path), f"the model {path}")


def error_shown(app: Driver) -> bool:
    """Whether the status line speaks in the colour of errors."""
    line = app.rects().get("status.notice")
    if line is None:
        return False
    x, y, width, height = map(int, line)
    pixels = app.screenshot()[y : y + height, x : x + width]
    return bool((pixels == theme.ERROR[:3]).all(axis=2).any())


# -- favourites --------------------------------------------------------------------------------------------------------


def test_a_pin_is_kept_as_a_thumbnail_and_compared_with(app: Driver, see: See, picture: Picture) -> None:
    before = [pin["name"] for pin in app.session()["pins"]]
    go_to(app, 193)
    pinned = see(app)
    app.key("p")
    small = thumbnail(torch.from_numpy(picture(pinned)))[..., :3]
    app.wait_for(lambda: find(small, app.screenshot()), "the favourite's thumbnail")
    go_to(app, 124)
    live = see(app)
    [(x, y)] = find(picture(live), app.canvas())

    slider = app.reveal("view.compare", "right")
    app.drag(slider.at(0.03), slider.at(0.5))

    def halves() -> bool:
        shown = app.canvas()[y : y + 32, x : x + 32]
        left, right = (shown == picture(scene) for scene in (pinned, live))
        return bool(left[:, :13].all() and right[:, 19:].all())  # between them the line, and where the hand let go

    app.wait_for(halves, "the pinned half beside the live half")
    app.drag(slider.at(0.5), slider.at(0.0))
    assert see(app) == live
    with app.key_held("c"):
        app.wait_for(lambda: find(picture(pinned), app.canvas()) == [(x, y)], "the pinned picture while C is held")
    app.wait_for(lambda: find(picture(live), app.canvas()) == [(x, y)], "the live picture again")

    app.reveal(f"history.pin.{len(before)}", "right")
    app.click(f"history.pin.{len(before)}")
    assert see(app) == pinned
    names = [*before, "faces32 193"]
    app.wait_for(lambda: [pin["name"] for pin in app.session()["pins"]] == names, "the pin in the session")


# -- captures ----------------------------------------------------------------------------------------------------------


def test_a_capture_carries_its_scene_and_brings_it_back(
    app: Driver, see: See, picture: Picture, launch: Launch
) -> None:
    go_to(app, 143)
    slider = app.reveal("mixing.coarse")
    app.drag(slider.at(0.02), slider.at(0.6))
    app.key("n")
    scene = see(app)
    assert scene.mixing
    assert scene.noise.mode == "none"
    saved = app.capture()
    assert read_scene(saved) == scene
    np.testing.assert_array_equal(np.asarray(Image.open(saved)), picture(scene))
    other = at_one_to_one(launch(saved))
    assert see(other) == scene
    assert other.quit() == 0


# -- models ------------------------------------------------------------------------------------------------------------


def test_broken_files_leave_everything_as_it_was(app: Driver, see: See, short_path: Path) -> None:
    before = see(app)
    broken = short_path / "broken.pkl"
    broken.write_bytes((GOLDEN / "sg2_cond32.pkl").read_bytes()[:100_000])
    empty = short_path / "empty.safetensors"
    empty.touch()
    plain = short_path / "plain.png"
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(plain)
    for path in (broken, empty, plain, short_path / "missing.pkl"):
        open_by_path(app, path)
        app.wait_for(lambda path=path: path.name in app.log(), f"a word about {path.name}")
        app.wait_for(lambda: error_shown(app), "an error in the status line")
        assert see(app) == before
    app.click("bar.open")
    app.click("browser.cancel")
    app.wait_for(lambda: not app.shown("browser.cancel"), "the browser closed")
    assert see(app) == before


def test_a_file_is_opened_by_keys_alone(app: Driver) -> None:
    """Also once keys were the program's own."""
    app.key("shift+Left")
    app.key("ctrl+o")
    app.rect("browser.search")  # it has the keyboard
    with app.key_held("shift"):  # for longer than a frame, as a hand does, or ImGui takes it for Tab alone
        app.key("Tab")
    app.type(str(GOLDEN / "sg2_cond32.pkl"))
    app.key("Return")
    app.wait_for(lambda: app.shown("latent.class.1"), "class sliders")
    app.key("ctrl+z")
    app.wait_for(lambda: not app.shown("latent.class.1"), "the model before")


def test_another_model_brings_its_controls_and_keeps_the_person(app: Driver, see: See) -> None:
    go_to(app, 7)
    before = see(app)
    open_by_path(app, GOLDEN / "sg2_cond32.pkl")
    app.wait_for(lambda: app.shown("latent.class.1"), "class sliders")
    opened = see(app)
    assert opened.model.path.endswith("sg2_cond32.pkl")
    assert (opened.latent, opened.truncation) == (before.latent, before.truncation)
    slider = app.reveal("latent.class.1")
    app.drag(slider.at(0.02), slider.at(0.5))
    moved = see(app)
    assert [item.index for item in moved.classes] == [0, 1]
    assert moved.classes[1].weight == pytest.approx(0.5, abs=0.05)
    app.click("latent.only.1")
    assert [(item.index, item.weight) for item in see(app).classes] == [(1, 1.0)]
    for _ in ("class", "slider", "model"):
        app.key("ctrl+z")
    assert see(app) == before
    app.key("ctrl+shift+z")
    assert see(app) == opened
    open_by_path(app, Path(before.model.path))
    app.wait_for(lambda: not app.shown("latent.class.1"), "a model without classes")
    assert see(app) == before
