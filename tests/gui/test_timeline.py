"""The timeline in the real window: keys by mouse, playing, scrubbing, curves, takes; the walk's file and the pixels."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from stylegan_core.scene import only_picture
from stylegan_core.walk import Key, Walk, scene_at
from stylegan_core.walk_file import read_walk
from tests.gui.conftest import See
from tests.gui.driver import Driver
from widgets import theme
from widgets.timeline.scale import TimeScale, fitted


class TimelineOnScreen:
    """The dock of a program that shows all of a walk."""

    def __init__(self, app: Driver):
        self.app = app

    @property
    def walk(self) -> Walk:
        """As it was kept last, within two seconds of a change."""
        path = self.app.state / "walk.json"
        return read_walk(path) if path.exists() else Walk()

    def kept(self, condition: Callable[[Walk], bool], what: str) -> Walk:
        """The walk, once it is like that."""
        return self.app.wait_for(lambda: walk if condition(walk := self.walk) else None, what)

    def scale(self, length_s: float) -> TimeScale:
        return fitted(length_s, self.app.rect("timeline.lanes").width)

    def at(self, time_s: float, down_px: float, length_s: float = 10.0) -> tuple[float, float]:
        """A place in the lanes."""
        rect = self.app.rect("timeline.lanes")
        return rect.x + self.scale(length_s).x(time_s), rect.y + down_px

    def playhead(self) -> float:
        """Where it stands on the ruler, in px from the window's left edge."""
        x, y, width, height = map(round, self.app.rect("timeline.ruler"))
        flag = self.app.screenshot()[y + height // 2 : y + height, x : x + width]
        columns = np.nonzero((flag == theme.ERROR[:3]).all(axis=2).any(axis=0))[0]
        return float(columns.mean()) if len(columns) else 0.0


@pytest.fixture
def timeline(app: Driver) -> Iterator[TimelineOnScreen]:
    """The dock, open; put away afterwards."""
    app.key("F8")
    app.wait_for(lambda: app.shown("timeline.empty.first") or app.shown("timeline.lanes"), "the timeline")
    yield TimelineOnScreen(app)
    app.key("F8")
    app.wait_for(lambda: not app.shown("timeline.time"), "the dock to be put away")


def test_keys_are_added_dragged_played_scrubbed_and_deleted(app: Driver, timeline: TimelineOnScreen, see: See) -> None:
    people = [app.scene()]
    app.click("timeline.empty.first")
    for _ in range(2):
        app.click("bar.new")
        app.click("timeline.add")
        people.append(app.scene())
    walk = timeline.kept(lambda walk: len(walk.keys) == 3, "three keys")
    assert [key.time_s for key in walk.keys] == [0.0, 1.0, 2.0]
    assert [key.scene for key in walk.keys] == [only_picture(scene) for scene in people]

    app.drag(timeline.at(2.0, 40), timeline.at(4.0, 40), timeline.at(6.0, 44))
    there = pytest.approx(6.0, abs=1.5 / timeline.scale(10.0).px_per_s)  # a pixel is so many seconds
    walk = timeline.kept(lambda walk: walk.keys[2].time_s == there, "the key that was dragged")
    assert walk.keys[2].scene == only_picture(people[2])

    app.fill("timeline.time", "0:02.50")
    app.key("Return")
    between = only_picture(see(app))
    assert between == scene_at(walk, 2.5)
    assert between.latent.blend

    before = timeline.playhead()
    app.click("timeline.play")
    app.wait_for(lambda: timeline.playhead() > before + 20, "the playhead to move")
    app.click("timeline.play")
    assert only_picture(see(app)) != between
    app.key("ctrl+z")
    # All that was played is one undo point. Before, the playhead stood where the third key had been:
    assert only_picture(see(app)) == scene_at(walk, 2.0)

    ruler = app.rect("timeline.ruler")
    app.drag(*((ruler.x + timeline.scale(10.0).x(time_s), ruler.at()[1]) for time_s in (1.0, 4.0, 7.0)), steps=3)
    assert only_picture(see(app)) == scene_at(walk, 7.0)  # what lies after the last key is like it

    app.move(*timeline.at(1.0, 40))
    with app.held():
        pass
    app.key("Delete")
    walk = timeline.kept(lambda walk: len(walk.keys) == 2, "one key less")
    assert [key.scene for key in walk.keys] == [only_picture(people[0]), only_picture(people[2])]
    app.key("ctrl+z")
    timeline.kept(lambda walk: len(walk.keys) == 3, "the key that was deleted")


def test_a_generated_walk_is_eased_copied_nudged_and_snapped(app: Driver, timeline: TimelineOnScreen, see: See) -> None:
    app.click("timeline.generate" if app.shown("timeline.generate") else "timeline.empty.wander")
    app.click("generate.go")
    walk = timeline.kept(lambda walk: len(walk.keys) == 6 and walk.duration_s == 12, "a walk of six people")
    assert only_picture(see(app)) == walk.keys[0].scene

    app.move(*timeline.at(3.6, 40, 12.0))  # on the way from the second key to the third
    with app.held():
        pass
    app.click("timeline.menu.hold")
    walk = timeline.kept(lambda walk: walk.keys[1].ease == "hold", "another way")
    assert [key.ease for key in walk.keys].count("hold") == 1

    app.click("timeline.snap")
    with app.key_held("ctrl"):
        app.drag(timeline.at(4.8, 40, 12.0), timeline.at(6.0, 40, 12.0), timeline.at(7.1, 40, 12.0))

    def copy(walk: Walk) -> Key | None:
        on_a_beat = (key for key in walk.keys if key.time_s == pytest.approx(7.0))
        return next(on_a_beat, None) if len(walk.keys) == 7 else None

    walk = timeline.kept(lambda walk: copy(walk) is not None, "a copy")
    copied = copy(walk)
    assert copied is not None
    assert copied.scene == walk.keys[2].scene
    app.key("Right")
    timeline.kept(lambda walk: any(key.time_s == pytest.approx(7.5) for key in walk.keys), "the copy a beat later")
    app.click("timeline.snap")
