"""The timeline's ruler: seconds and px, readable ticks at every zoom, times as text."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.timeline.scale import (
    BEAT_PX,
    FINEST_PX,
    LABEL_PX,
    LEAD_PX,
    MINOR_PX,
    TimeScale,
    beats,
    clock,
    fitted,
    read_clock,
    ticks,
)

LENGTHS = st.floats(0.5, 36000)
WIDTHS = st.floats(200, 4000)


@st.composite
def scales(draw: st.DrawFn) -> tuple[TimeScale, float]:
    """A scale somewhere in a walk, and the walk's length in seconds."""
    length_s, width = draw(LENGTHS), draw(WIDTHS)
    scale = fitted(length_s, width)
    for factor in draw(st.lists(st.floats(0.2, 5), max_size=8)):
        scale = scale.zoomed(factor, draw(st.floats(0, width)), length_s)
    return scale, length_s


def test_a_fitted_walk_is_in_sight_from_end_to_end() -> None:
    scale = fitted(12.0, 1000.0)
    assert scale.x(0.0) == pytest.approx(LEAD_PX)
    assert scale.x(12.0) == pytest.approx(1000.0 - LEAD_PX)
    assert scale.time(scale.x(4.32)) == pytest.approx(4.32)
    assert scale.sees(12.0)
    assert not scale.sees(13.0)
    assert scale.sees(12.6, reach_px=20)


def test_zooming_keeps_the_time_under_the_mouse() -> None:
    scale = fitted(60.0, 1000.0)
    nearer = scale.zoomed(3.0, 500.0, 60.0)
    assert nearer.px_per_s == pytest.approx(3 * scale.px_per_s)
    assert nearer.time(500.0) == pytest.approx(scale.time(500.0))
    assert nearer.panned(-120.0, 60.0).x(30.0) == pytest.approx(nearer.x(30.0) - 120.0)


def test_nobody_loses_the_walk_out_of_sight() -> None:
    scale = fitted(10.0, 800.0).zoomed(20.0, 400.0, 10.0)
    assert scale.panned(1e6, 10.0).x(0.0) == pytest.approx(LEAD_PX)
    assert scale.panned(-1e6, 10.0).sees(10.0)
    assert scale.zoomed(1e9, 400.0, 10.0).px_per_s == FINEST_PX
    assert scale.zoomed(1e-9, 400.0, 10.0).right_s >= 10.0
    page = scale.showing(9.5, 10.0)
    assert page.sees(9.5)
    assert page.showing(9.5, 10.0) == page


@given(scales())
def test_ticks_are_readable_at_every_zoom(found: tuple[TimeScale, float]) -> None:
    scale, _ = found
    marks = ticks(scale)
    labels = [tick for tick in marks if tick.label]
    assert all(b.time_s > a.time_s for a, b in itertools.pairwise(marks))
    assert all(tick.time_s >= 0 for tick in marks)
    if scale.px_per_s * 36000 >= LABEL_PX:
        gaps = [(b.time_s - a.time_s) * scale.px_per_s for a, b in itertools.pairwise(labels)]
        assert all(gap >= LABEL_PX * 0.999 for gap in gaps)
        assert len({tick.label for tick in labels}) == len(labels)
    if len(marks) > len(labels) > 1:
        apart = [(b.time_s - a.time_s) * scale.px_per_s for a, b in itertools.pairwise(marks)]
        assert min(apart) >= MINOR_PX * 0.999


@given(scales(), st.floats(20, 400), st.floats(0, 10))
def test_beats_never_crowd(found: tuple[TimeScale, float], bpm: float, first_beat_s: float) -> None:
    scale, _ = found
    marks = beats(scale, bpm, first_beat_s)
    apart = [(b.time_s - a.time_s) * scale.px_per_s for a, b in itertools.pairwise(marks)]
    assert all(gap >= BEAT_PX * 0.999 for gap in apart)
    for tick in marks:
        number = (tick.time_s - first_beat_s) * bpm / 60
        assert number == pytest.approx(round(number), abs=1e-6)
        assert not tick.label or int(tick.label) == round(number) + 1


def test_ticks_carry_the_decimals_that_they_need() -> None:
    labels = [tick.label for tick in ticks(TimeScale(0.0, 100.0, 350.0)) if tick.label]
    assert labels == ["0:00", "0:01", "0:02", "0:03"]
    labels = [tick.label for tick in ticks(TimeScale(0.0, 400.0, 350.0)) if tick.label]
    assert labels == ["0:00.0", "0:00.2", "0:00.4", "0:00.6", "0:00.8"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.32, "0:04.32"), (12.0, "0:12.00"), (59.999, "1:00.00"), (3723.5, "1:02:03.50"), (0.0, "0:00.00")],
)
def test_times_are_written_as_clocks_write_them(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("4.32", 4.32), (" 4,5 s ", 4.5), ("0:04.32", 4.32), ("2:00", 120.0), ("1:02:03", 3723.0), (".5", 0.5)],
)
def test_typed_times_are_understood(text: str, seconds: float) -> None:
    assert read_clock(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "1:", "-3", "1:2:3:4", "4 m"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert read_clock(text) is None


@given(st.integers(0, 10_000_000))
def test_what_is_written_can_be_read(hundredths: int) -> None:
    assert read_clock(clock(hundredths / 100)) == pytest.approx(hundredths / 100)
