"""Takes, with a real mouse: a drag is recorded and shaped in the timeline; what kill -9 interrupts comes back."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stylegan_core.take import read_take
from stylegan_core.walk import Walk
from stylegan_core.walk_file import read_walk
from tests.gui.driver import Driver
from widgets.timeline.clips import FILL


@pytest.fixture
def person(screen: str, tmp_path: Path) -> Iterator[Driver]:
    driver = Driver(tmp_path, screen)
    yield driver
    driver.kill()


def walk(app: Driver) -> Walk:
    """As it was kept last."""
    path = app.state / "walk.json"
    return read_walk(path) if path.exists() else Walk()


def takes(app: Driver) -> list[Path]:
    return sorted((app.pictures / "takes").glob("*.take.jsonl"))


def drag_psi(app: Driver) -> None:
    place = app.rect("truncation.psi")
    app.drag(place.at(0.3), place.at(0.7))
    app.rest()


def click_on_the_take(app: Driver) -> None:
    """Wait for the bar of its colour among the lanes, and click on its middle."""
    x, y, width, height = map(int, app.rect("timeline.lanes"))

    def seen() -> tuple[float, float] | None:
        ys, xs = np.nonzero((app.screenshot()[y : y + height, x : x + width] == FILL[:3]).all(axis=-1))
        return (x + float(xs.mean()), y + float(ys.mean())) if len(xs) > 100 else None

    app.move(*app.wait_for(seen, "the take's bar"))
    with app.held():
        pass


def count_scenes(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def test_a_drag_is_a_take_and_kill_9_takes_none_away(person: Driver) -> None:
    app = person.start()
    app.wait_for(lambda: app.session().get("scene"), "a Scene in the session")
    app.key("F9")
    app.wait_for(lambda: takes(app), "a take's file")
    drag_psi(app)
    after = app.scene()
    app.key("F9")
    (clip,) = app.wait_for(lambda: walk(app).clips, "the take in the timeline")
    psis = [sample.scene.truncation.psi for sample in clip.take.samples]
    assert len(set(psis)) > 3
    assert clip.take.samples[-1].scene == after
    assert read_take(takes(app)[0]) == clip.take

    app.key("F8")
    click_on_the_take(app)
    app.wait_for(lambda: app.shown("take.smooth"), "the take's inspector")
    place = app.rect("take.smooth")
    app.drag(place.at(0.2), place.at(0.9))
    app.wait_for(lambda: walk(app).clips[0].smooth_s > 0, "a smoothed take")
    assert walk(app).clips[0].model_copy(update={"smooth_s": 0.0}) == clip
    app.key("ctrl+z")
    app.wait_for(lambda: walk(app).clips == (clip,), "the take as it was")

    app.key("F9")
    app.wait_for(lambda: len(takes(app)) == 2, "another take's file")
    drag_psi(app)
    app.wait_for(lambda: count_scenes(takes(app)[1]) > 4, "changes in it")
    app.kill()
    lost = read_take(takes(app)[1])
    assert len(lost.samples) == count_scenes(takes(app)[1])
    app.start()
    app.click("restore.yes")
    app.click("takes.yes")
    app.wait_for(lambda: len(walk(app).clips) == 2, "the take that was lost")
    assert walk(app).clips[0] == clip
    assert walk(app).clips[1].take == lost
    app.wait_for(lambda: not app.shown("takes.yes"), "no further offer")
    assert app.quit() == 0
