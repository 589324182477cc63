"""The output window: what it draws (see output_scenarios.py), where it opens, and when it closes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualizer.explorer import Explorer
from visualizer.output import Output, live_slide
from visualizer.output_gl import Look, OwnWay, Slide
from visualizer.output_stage import DESTROYED, LOOK_EVERY_S, Report, Stage, Statistics, Wish
from visualizer.output_window import Desk, Monitor, OutputError, Place
from visualizer.placing import placed
from visualizer.session import Layout, OutputSettings, Session

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("output_scenarios.py")
SCENARIOS = (
    "black_before_the_first_picture",
    "whole_pixels_in_the_middle_of_black",
    "square_pixels_where_they_do_not_blend",
    "filling_leaves_no_black",
    "a_preview_is_magnified_to_what_it_stands_for",
    "cuda_frames_go_byte_for_byte",
    "cuda_failing_midway_falls_back",
    "cuda_that_alters_the_first_frame_is_given_up",
    "without_cuda_nobody_asks_again",
    "a_stage_shows_on_the_screen_what_it_is_shown",
    "the_context_of_the_main_thread_stays_current",
    "an_impossible_picture_closes_the_window_with_its_reason",
    "a_destroyed_window_ends_nothing_else",
    "a_killed_connection_ends_nothing_else",
    "a_destroyed_window_is_noticed_while_nothing_is_drawn",
    "a_window_fills_its_monitor",
    "a_display_without_windows_is_told_of",
    "monitors_of_one_name_are_numbered",
)

LAPTOP, BEAMER = Monitor("eDP-1", 0, 0, 1920, 1080), Monitor("HDMI-1", 1920, 0, 1280, 720)
MIDDLE = (800.0, 500.0)  # of the program's own window: on the laptop


@pytest.fixture(scope="module")
def results(display: str) -> dict[str, str]:
    """Scenario name -> traceback, empty if it passed."""
    env = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT), "LIBGL_ALWAYS_SOFTWARE": "1"}
    run = subprocess.run(
        [sys.executable, str(SCRIPT), *SCENARIOS], env=env, capture_output=True, text=True, timeout=200
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", SCENARIOS)
def test_on_a_screen(name: str, results: dict[str, str]) -> None:
    assert results[name] == "", results[name]


# -- where a picture lies ----------------------------------------------------------------------------------------------

SIZES = st.tuples(st.integers(1, 4096), st.integers(1, 4096))


@given(SIZES, SIZES)
def test_fitted_it_touches_two_sides_and_crosses_none(picture: tuple[int, int], room: tuple[int, int]) -> None:
    left, top, right, bottom = placed(picture, room, "fit")
    assert 0 <= left < right <= room[0]
    assert 0 <= top < bottom <= room[1]
    assert (right - left, bottom - top)[0] == room[0] or bottom - top == room[1]
    assert abs(left - (room[0] - right)) <= 1
    assert abs(top - (room[1] - bottom)) <= 1


@given(SIZES, SIZES)
def test_filling_it_covers_all(picture: tuple[int, int], room: tuple[int, int]) -> None:
    left, top, right, bottom = placed(picture, room, "fill")
    assert left <= 0 and top <= 0 and right >= room[0] and bottom >= room[1]
    assert right - left == room[0] or bottom - top == room[1]


@given(SIZES, SIZES)
def test_whole_pixels_are_equally_large(picture: tuple[int, int], room: tuple[int, int]) -> None:
    left, top, right, bottom = placed(picture, room, "whole")
    if picture[0] <= room[0] and picture[1] <= room[1]:
        factor = (right - left) // picture[0]
        assert (right - left, bottom - top) == (picture[0] * factor, picture[1] * factor)
        assert (factor + 1) * picture[0] > room[0] or (factor + 1) * picture[1] > room[1]
    else:
        assert (left, top, right, bottom) == placed(picture, room, "fit")


# -- the stage: one window's life, step by step ------------------------------------------------------------------------


@dataclass
class FakeWindow:
    where: Monitor | Place
    quiet: bool
    size: tuple[int, int] = (64, 48)
    wants_close: bool = False
    exposed: bool = False
    place: Place = field(default_factory=lambda: Place(500, 400, 30, 40))
    open: bool = True
    checked: int = 0
    swaps: int = 0

    def check(self) -> None:
        self.checked += 1

    def swap(self) -> None:
        self.swaps += 1

    def destroy(self) -> None:
        self.open = False


class FakeDesk:
    def __init__(self) -> None:
        self.started = self.lost = False
        self.there: tuple[Monitor, ...] = (LAPTOP, BEAMER)
        self.windows: list[FakeWindow] = []
        self.waits: list[float] = []
        self.starts = self.wakes = 0
        self.failing = ""

    def start(self) -> None:
        if self.failing:
            raise OutputError(self.failing)
        self.starts += 1
        self.started, self.lost = True, False

    def monitors(self) -> tuple[Monitor, ...]:
        return self.there

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def wake(self) -> None:
        self.wakes += 1

    def open(self, where: Monitor | Place, quiet: bool) -> FakeWindow:
        self.windows.append(FakeWindow(where, quiet))
        return self.windows[-1]

    def close(self) -> None:
        self.started = False


class FakeEasel:
    def __init__(self, way: OwnWay) -> None:
        self.taken: list[Slide] = []
        self.looks: list[Look] = []
        self.failing: Exception | None = None
        self.open = True

    def take(self, slide: Slide) -> None:
        if self.failing is not None:
            raise self.failing
        self.taken.append(slide)

    def draw(self, look: Look) -> None:
        self.looks.append(look)

    def close(self) -> None:
        self.open = False


class Bench:
    """A stage among fakes, whose thread is the test's."""

    def __init__(self) -> None:
        self.desk = FakeDesk()
        self.easels: list[FakeEasel] = []
        self.stage = Stage(lambda: None, cast(Desk, self.desk), self._make)
        self.now = 0.0
        self.number = 0

    def _make(self, way: OwnWay) -> FakeEasel:
        self.easels.append(FakeEasel(way))
        return self.easels[-1]

    def step(self, seconds: float = 0.01) -> Report:
        self.now += seconds
        self.stage.step(0.0, self.now)
        return self.stage.report

    def opened(self, middle: tuple[float, float] = MIDDLE, **settings: Any) -> FakeWindow:
        """Wish for a window, and have it."""
        self.number += 1
        self.stage.want(Wish(self.number, OutputSettings(**settings), middle, 2.0))
        self.step()
        return self.desk.windows[-1]


def slide(value: int = 0) -> Slide:
    return Slide(np.full((4, 4, 4), value, np.uint8), (4, 4))


@pytest.mark.parametrize(
    ("there", "settings", "middle", "where"),
    [
        ((LAPTOP, BEAMER), {}, MIDDLE, BEAMER),  # the one that the program is not on
        ((LAPTOP, BEAMER), {}, (2000.0, 100.0), LAPTOP),
        ((LAPTOP, BEAMER), {"monitor": "eDP-1"}, MIDDLE, LAPTOP),  # the one chosen
        ((LAPTOP, BEAMER), {"monitor": "gone"}, MIDDLE, BEAMER),
        ((LAPTOP,), {}, MIDDLE, Place(1280, 1280)),  # with one monitor a window, as large as the display's scale says
        ((LAPTOP,), {"mode": "full screen"}, MIDDLE, LAPTOP),
        ((LAPTOP, BEAMER), {"mode": "window", "width": 300, "height": 200}, MIDDLE, Place(600, 400)),
        ((LAPTOP, BEAMER), {"mode": "window", "x": 5, "y": 6, "width": 300}, MIDDLE, Place(300, 640, 5, 6)),
        ((LAPTOP,), {"mode": "window", "x": 2000, "y": 6}, MIDDLE, Place(640, 640)),  # nobody would find it there
        ((), {"mode": "full screen"}, MIDDLE, Place(1280, 1280)),
    ],
)
def test_where_it_opens(
    there: tuple[Monitor, ...], settings: dict[str, Any], middle: tuple[float, float], where: Monitor | Place
) -> None:
    bench = Bench()
    bench.desk.there = there
    window = bench.opened(middle, **settings)
    assert window.where == where
    assert bench.stage.report.on == (where if isinstance(where, Monitor) else None)
    covers = isinstance(where, Monitor) and where.has(*middle)
    assert window.quiet is not covers  # the keyboard stays, unless Escape has to be heard there


def test_monitors_are_looked_for_before_a_window_is_wished_for() -> None:
    bench = Bench()
    assert bench.step().monitors == (LAPTOP, BEAMER)
    assert bench.desk.windows == []
    bench.desk.there = (LAPTOP,)
    assert bench.step().monitors == (LAPTOP, BEAMER)
    assert bench.step(LOOK_EVERY_S).monitors == (LAPTOP,)


def test_what_is_new_is_drawn_and_what_is_not_is_not() -> None:
    bench = Bench()
    window = bench.opened()
    [easel] = bench.easels
    assert window.swaps == 1  # black
    first = slide()
    bench.stage.show(first)
    bench.step()
    bench.step()
    assert (easel.taken, window.swaps) == ([first], 2)
    window.exposed = True
    bench.step()
    window.size = (80, 60)
    bench.step()
    bench.stage.want(Wish(1, OutputSettings(fit="whole"), MIDDLE, smooth=False))
    bench.step()
    assert easel.looks[2:] == [Look("fit", (64, 48)), Look("fit", (80, 60)), Look("whole", (80, 60), False)]
    assert easel.taken == [first]
    assert bench.stage.statistics.shown == 1  # the same picture once more is none that was shown
    bench.step()
    assert window.swaps == 5


def test_what_comes_too_quickly_is_dropped_and_counted() -> None:
    bench = Bench()
    bench.stage.show(slide(1))
    bench.stage.show(slide(2))  # before there is a window nothing is dropped
    bench.opened()
    for value in (3, 4, 5):
        bench.stage.show(slide(value))
    bench.step()
    taken = [int(taken.rgba[0, 0, 0]) for taken in bench.easels[0].taken]
    assert taken == [2, 5]
    statistics = bench.stage.statistics
    assert (statistics.shown, statistics.dropped) == (2, 2)
    bench.opened()
    assert bench.stage.statistics == Statistics(0, 0, 0.0)  # of another window


def test_a_picture_that_came_during_a_swap_is_not_waited_for() -> None:
    bench = Bench()
    window = bench.opened()
    window.swap = lambda: bench.stage.show(slide())  # type: ignore[method-assign]
    bench.stage.show(slide())
    bench.desk.waits.clear()
    bench.stage.step(1.0, bench.now)
    window.swap = lambda: None  # type: ignore[method-assign]
    bench.stage.step(1.0, bench.now)
    assert bench.desk.waits == [0, 1.0]
    assert bench.desk.wakes == 3  # the wish and both pictures


def test_another_place_is_another_window_with_the_same_picture() -> None:
    bench = Bench()
    first = bench.opened(monitor="eDP-1")
    shown = slide()
    bench.stage.show(shown)
    bench.step()
    bench.stage.want(Wish(1, OutputSettings(monitor="HDMI-1"), MIDDLE))
    bench.step()
    assert not first.open
    assert not bench.easels[0].open
    assert bench.desk.windows[-1].where == BEAMER
    assert bench.easels[-1].taken == [shown]
    bench.stage.want(Wish(1, OutputSettings(monitor="HDMI-1", fit="fill"), MIDDLE))
    bench.step()
    assert len(bench.desk.windows) == 2


def test_it_closes_when_nobody_wants_it_or_its_own_keys_say_so() -> None:
    bench = Bench()
    window = bench.opened(mode="window")
    bench.stage.want(None)
    report = bench.step()
    assert not window.open
    assert (report.over, report.place) == (0, window.place)
    window = bench.opened(mode="window")
    window.wants_close = True
    report = bench.step()
    assert not window.open
    assert (report.over, report.why) == (2, "")
    bench.step()
    assert len(bench.desk.windows) == 2  # it stays closed though it was not taken back yet


def test_a_window_that_closes_by_itself_leaves_the_one_that_is_wished_for_meanwhile() -> None:
    bench = Bench()
    window = bench.opened()

    def swap() -> None:  # while it is drawn, its key is pressed and somebody asks for another
        window.wants_close = True
        bench.stage.want(Wish(2, OutputSettings(), MIDDLE))

    window.swap = swap  # type: ignore[method-assign]
    bench.stage.show(slide())
    assert bench.step().over == 1
    bench.step()
    assert [made.open for made in bench.desk.windows] == [False, True]


def test_a_monitor_that_goes_away_closes_it_with_a_word() -> None:
    bench = Bench()
    window = bench.opened()
    bench.desk.there = (LAPTOP,)
    report = bench.step(LOOK_EVERY_S)
    assert not window.open
    assert (report.over, report.on, report.monitors) == (1, None, (LAPTOP,))
    assert report.why == "The monitor HDMI-1 is gone or has changed; the output window was closed."
    bench.desk.there = (LAPTOP, BEAMER)
    bench.step(LOOK_EVERY_S)
    assert bench.opened().where == BEAMER


def test_a_window_that_somebody_destroyed_is_noticed_and_the_next_is_on_a_new_connection() -> None:
    bench = Bench()
    window = bench.opened()
    bench.step(LOOK_EVERY_S)
    assert window.checked == 1  # while nothing is drawn nothing else would tell
    bench.desk.lost = True
    report = bench.step()
    assert (report.over, report.why) == (1, DESTROYED)
    assert window.open and bench.easels[0].open  # nothing more is asked of a connection that is gone
    assert not bench.desk.started
    assert bench.opened().open
    assert bench.desk.starts == 2


def test_a_driver_that_fails_is_told_of_in_a_line() -> None:
    bench = Bench()
    bench.opened()
    bench.easels[0].failing = RuntimeError("it needs OpenGL 3.0")
    bench.stage.show(slide())
    assert bench.step().why == "The output window cannot be drawn: it needs OpenGL 3.0."
    bench.opened()
    failing = RuntimeError("a\nlong\nstory")
    failing.description = b"out of memory"  # type: ignore[attr-defined]
    bench.easels[1].failing = failing
    bench.stage.show(slide())
    assert bench.step().why == "The output window cannot be drawn: out of memory."


def test_a_display_that_does_not_answer_is_told_of() -> None:
    bench = Bench()
    bench.desk.failing = "The window system could not be started."
    bench.number = 1
    bench.stage.want(Wish(1, OutputSettings(), MIDDLE))
    report = bench.step()
    assert (report.over, report.why) == (1, "The window system could not be started.")
    bench.desk.failing = ""
    assert bench.opened().open is True


# -- the UI thread's side ----------------------------------------------------------------------------------------------


class FakeStage:
    def __init__(self, find: Callable[[], Any]) -> None:
        self.wishes: list[Wish | None] = []
        self.slides: list[Slide] = []
        self.report = Report()
        self.statistics = Statistics(3, 1, 30.0)
        self.begun = self.ended = 0

    def begin(self) -> None:
        self.begun += 1

    def want(self, wish: Wish | None) -> None:
        self.wishes.append(wish)

    def show(self, slide: Slide) -> None:
        self.slides.append(slide)

    def end(self, timeout_s: float) -> None:
        self.ended += 1


class Fakes:
    """An Output with a fake stage and a fake Explorer."""

    def __init__(self, **settings: Any) -> None:
        self.kept = Session(output=OutputSettings(**settings))
        self.said: list[str] = []
        self.stages: list[FakeStage] = []
        fakes = self

        class FakeExplorer(SimpleNamespace):
            @property
            def session(self) -> Session:
                return fakes.kept

        self.explorer = FakeExplorer(
            keeping=SimpleNamespace(change=self.change),
            say=lambda text, kind="info": self.said.append(text),
            latest=None,
            card=None,
        )
        self.output = Output(cast(Explorer, self.explorer), lambda: None, lambda: MIDDLE, 2.0, self._make)  # type: ignore[arg-type]

    def _make(self, find: Callable[[], Any]) -> FakeStage:
        self.stages.append(FakeStage(find))
        return self.stages[-1]

    def change(self, **changes: Any) -> None:
        self.kept = self.kept.model_copy(update=changes)

    def arrive(self, size: int = 32, preview: bool = False, resolution: int | None = None) -> Any:
        """A picture of the worker's."""
        rgba = np.zeros((size, size, 4), np.uint8)
        self.explorer.latest = SimpleNamespace(rgba=rgba, frame=SimpleNamespace(preview=preview))
        self.explorer.card = (
            None if resolution is None else SimpleNamespace(width=resolution, height=resolution, has_alpha=False)
        )
        return rgba

    def reported(self, **changes: Any) -> None:
        """The stage reports, and a frame goes by."""
        self.stages[0].report = replace(self.stages[0].report, **changes)
        self.output.tick()


def test_no_thread_before_somebody_asks() -> None:
    fakes = Fakes()
    fakes.arrive()
    fakes.output.tick()
    fakes.output.close()
    assert fakes.stages == []
    assert not fakes.output.open
    assert fakes.output.statistics == Statistics()
    fakes.output.look()
    fakes.output.look()
    fakes.reported(monitors=(LAPTOP, BEAMER))
    assert fakes.output.monitors == (LAPTOP, BEAMER)
    assert fakes.output.mode == "full screen"
    [stage] = fakes.stages
    assert (stage.begun, stage.wishes) == (1, [])


def test_every_new_picture_is_handed_on_once() -> None:
    fakes = Fakes()
    first = fakes.arrive()
    fakes.output.start()
    [stage] = fakes.stages
    assert [shown.rgba is first for shown in stage.slides] == [True]
    fakes.output.tick()
    second = fakes.arrive()
    fakes.output.tick()
    fakes.output.tick()
    assert [shown.rgba is second for shown in stage.slides] == [False, True]
    fakes.explorer.latest = SimpleNamespace(rgba=None, frame=SimpleNamespace(preview=False))
    fakes.output.tick()  # a picture that failed leaves the one before
    assert len(stage.slides) == 2
    assert fakes.output.statistics == Statistics(3, 1, 30.0)
    fakes.output.toggle()
    fakes.arrive()
    fakes.output.tick()
    assert len(stage.slides) == 2


def test_a_preview_stands_for_the_full_picture() -> None:
    fakes = Fakes()
    assert live_slide(cast(Explorer, fakes.explorer)) is None
    fakes.arrive(16, preview=True, resolution=256)
    assert live_slide(cast(Explorer, fakes.explorer)).size == (256, 256)
    fakes.arrive(64, preview=False, resolution=256)  # a level of detail of a model that grew
    assert live_slide(cast(Explorer, fakes.explorer)).size == (64, 64)


def test_what_is_wished_for_follows_the_settings() -> None:
    fakes = Fakes()
    fakes.output.change(monitor="eDP-1")
    assert fakes.stages == []  # it is not opened by that
    fakes.output.toggle()
    [stage] = fakes.stages
    expected = Wish(1, OutputSettings(monitor="eDP-1"), MIDDLE, 2.0)
    assert stage.wishes == [expected]
    fakes.output.tick()
    fakes.output.change(fit="whole")
    fakes.change(layout=Layout(smooth=False))
    fakes.output.tick()
    fakes.output.tick()
    assert stage.wishes[1:] == [replace(expected, settings=fakes.kept.output, smooth=False)]
    fakes.output.toggle()
    fakes.output.tick()
    assert stage.wishes[2:] == [None]
    fakes.output.start()
    assert stage.wishes[3].number == 2


def test_what_closed_by_itself_is_closed_here_too_and_told_once() -> None:
    fakes = Fakes()
    fakes.output.start()
    fakes.reported(over=1, why=DESTROYED)
    assert not fakes.output.open
    assert fakes.said == [DESTROYED]
    fakes.output.start()
    fakes.reported(monitors=(LAPTOP,))
    assert fakes.output.open
    fakes.reported(over=2, why="")
    assert not fakes.output.open
    assert fakes.said == [DESTROYED]


def test_where_the_window_stood_is_kept() -> None:
    fakes = Fakes(mode="window")
    fakes.output.start()
    fakes.reported(place=Place(500, 400, 30, 40))
    assert fakes.output.settings == OutputSettings(mode="window", x=30, y=40, width=500, height=400)
    fakes.reported(place=Place(3, 2, 30, 40))
    assert fakes.output.settings.width == 500  # nobody would find that again
    stage = fakes.stages[0]
    stage.end = lambda timeout_s: setattr(stage, "report", replace(stage.report, place=Place(600, 400, 1, 2)))  # type: ignore[method-assign]
    fakes.output.close()
    assert fakes.output.settings.x == 1
    assert not fakes.output.open


def test_escape_in_the_program_uncovers_the_program() -> None:
    fakes = Fakes()
    fakes.output.start()
    fakes.output.escape()
    fakes.reported(on=BEAMER)
    fakes.output.escape()
    assert fakes.output.open  # there it is in nobody's way
    fakes.reported(on=LAPTOP)
    fakes.output.escape()
    assert not fakes.output.open
