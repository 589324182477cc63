"""Strokes over noise maps: known pixels, and the same numbers however they came to be painted."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core import strokes
from stylegan_core.scene import MAX_POINTS, Stroke
from stylegan_core.strokes import coverage, joined, painted
from tests.strategies import amounts
from tests.strategies import strokes as any_stroke

SIZE = 16
MAP = torch.linspace(-2, 2, SIZE * SIZE).reshape(1, 1, SIZE, SIZE)
points = st.tuples(amounts, amounts)
lines = st.lists(points, min_size=1, max_size=5).map(tuple)
radii = st.floats(0.001, 0.7)


def test_the_brush_is_a_disc_with_a_soft_edge() -> None:
    covered = coverage(((0.5625, 0.5625),), 0.25, 8)  # the centre of pixel 4; 2 px wide
    half_way = 1 - (math.sqrt(2) - 1) ** 2 * (3 - 2 * (math.sqrt(2) - 1))  # smoothstep at 1.414 px of 1 to 2
    expected = torch.zeros(8, 8)
    expected[3:6, 3:6] = half_way
    expected[4, 3:6] = expected[3:6, 4] = 1
    torch.testing.assert_close(covered, expected, atol=1e-6, rtol=0)


def test_x_is_to_the_right_and_y_down() -> None:
    covered = coverage(((0.03, 0.9),), 0.01, SIZE)
    assert covered[14, 0] > 0.5 and covered[0, 14] == 0


@given(points, st.sampled_from([1, 4, 8, 64]))
def test_a_fine_brush_meets_the_pixel_that_it_is_on(point: tuple[float, float], size: int) -> None:
    column, row = (min(int(value * size), size - 1) for value in point)
    assert coverage((point,), 0.001, size)[row, column] > 0.6


@given(lines, radii)
def test_a_line_covers_what_discs_all_along_it_cover(line: tuple[tuple[float, float], ...], radius: float) -> None:
    steps = 64
    discs = [line[0]] + [
        (a[0] + (b[0] - a[0]) * k / steps, a[1] + (b[1] - a[1]) * k / steps)
        for a, b in pairwise(line)
        for k in range(steps + 1)
    ]
    covered = coverage(line, radius, SIZE)
    expected = torch.stack([coverage((disc,), radius, SIZE) for disc in discs]).amax(dim=0)
    # Between two discs, 1/64 apart at most, the nearest point is nearer by less than that; the brush is this steep.
    steepest = 3 / max(radius, 1 / SIZE)
    nearer = math.sqrt(2) / steps / 2
    assert (covered >= expected - 1e-5).all() and (covered <= expected + steepest * nearer + 1e-5).all()


def test_strokes_add_and_set_in_order() -> None:
    here = ((0.5 + 0.5 / SIZE, 0.5 + 0.5 / SIZE),)

    def at(*modes: tuple[str, float]) -> float:
        done = painted(MAP, tuple(Stroke(layer=0, points=here, radius=0.2, value=v, mode=mode) for mode, v in modes))
        assert torch.equal(done[..., 0, :], MAP[..., 0, :])  # nothing is painted there
        return float(done[0, 0, SIZE // 2, SIZE // 2] - MAP[0, 0, SIZE // 2, SIZE // 2])

    old = float(MAP[0, 0, SIZE // 2, SIZE // 2])
    assert at(("add", 2.0)) == pytest.approx(2)
    assert at(("add", 2.0), ("add", -0.5)) == pytest.approx(1.5)
    assert at(("set", 3.0)) == pytest.approx(3 - old)
    assert at(("set", 3.0), ("add", 1.0)) == pytest.approx(4 - old)
    assert at(("add", 1.0), ("set", 3.0)) == pytest.approx(3 - old)


@given(st.lists(any_stroke(st.just(0)), min_size=1, max_size=4).map(tuple))
def test_strokes_are_painted_one_after_another(several: tuple[Stroke, ...]) -> None:
    values = MAP.double()
    for stroke in several:
        covered = coverage(stroke.points, stroke.radius, SIZE).double()
        values = (
            values * (1 - covered) + stroke.value * covered if stroke.mode == "set" else values + stroke.value * covered
        )
    torch.testing.assert_close(painted(MAP, several).double(), values, atol=1e-4, rtol=1e-5)


@given(any_stroke(st.just(0)), any_stroke(st.just(0)))
def test_what_is_remembered_never_shows(first: Stroke, last: Stroke) -> None:
    """A drag, point by point, gives bit for bit what is painted at once."""
    for count in range(1, len(last.points) + 1):
        dragged = painted(MAP, (first, last.model_copy(update={"points": last.points[:count]})))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strokes, "_recent", strokes.Recent(0))
        assert torch.equal(painted(MAP, (first, last)), dragged)
    assert torch.equal(painted(MAP, (first, last)), dragged)


def test_maps_are_not_written_to_and_nothing_painted_is_the_map_itself() -> None:
    before = MAP.clone()
    painted(MAP, (Stroke(layer=0, points=((0.5, 0.5),), radius=1.0, value=5.0),))
    assert torch.equal(MAP, before)
    assert painted(MAP, ()) is MAP


def test_points_on_one_another_are_one() -> None:
    assert torch.equal(
        coverage(((0.5, 0.5),), 0.2, SIZE), coverage(((0.5, 0.5), (0.5, 0.5), (0.5, 0.5 + 1e-30)), 0.2, SIZE)
    )


# -- lines longer than a Stroke ----------------------------------------------------------------------------------------


def long_line() -> tuple[Stroke, Stroke]:
    path = tuple((0.2 + 0.6 * k / 600, 0.5) for k in range(600))
    full = Stroke(layer=0, points=path[:MAX_POINTS], radius=0.2, value=2.0)
    return full, full.model_copy(update={"points": path[MAX_POINTS - 1 :]})


def test_the_rest_of_a_long_line_does_not_cover_the_joint_twice() -> None:
    full, rest = long_line()
    whole = (full.points + rest.points[1:], 0.2, 2.0, "add")
    assert joined((full, rest)) == (whole,)
    torch.testing.assert_close(painted(MAP, (full, rest)), MAP + 2 * coverage(whole[0], 0.2, SIZE))


def test_other_strokes_stand_by_themselves() -> None:
    full, rest = long_line()
    short = full.model_copy(update={"points": full.points[:3]})
    assert len(joined((short, short.model_copy(update={"points": short.points[2:]})))) == 2  # a click at its end
    assert len(joined((full, rest.model_copy(update={"value": 1.0})))) == 2
    assert len(joined((full, rest.model_copy(update={"points": rest.points[1:]})))) == 2
    assert [len(line.points) for line in joined((full, rest, rest))] == [600, len(rest.points)]


def test_what_is_remembered_has_a_limit() -> None:
    recent = strokes.Recent(1000)
    for key in range(5):
        recent.put(key, np.zeros(100, np.float32))
        recent.get(0)
    assert recent.get(0) is not None and recent.get(4) is not None  # the newest, and the one that was used
    assert recent.get(1) is recent.get(2) is recent.get(3) is None
