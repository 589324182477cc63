"""The timeline's lanes without a window: what lies under a point, and what a drag makes of the walk."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from stylegan_core.edits import tracks
from stylegan_core.edits import walk as walks
from stylegan_core.scene import Latent, Scene
from stylegan_core.walk import Clip, Sample, Take, Walk
from widgets.timeline.area import Area, Grip, fresh
from widgets.timeline.clips import ClipsLane, rows
from widgets.timeline.curves import CurveLane, value_words
from widgets.timeline.keys import KeysLane, ease_shape, tile_size
from widgets.timeline.scale import TimeScale


def person(seed: int) -> Scene:
    return Scene(latent=Latent(seed=seed))


def take(seconds: float) -> Take:
    return Take(name="dance", samples=(Sample(time_s=0.0, scene=person(1)), Sample(time_s=seconds, scene=person(2))))


WALK = Walk(duration_s=10.0)
for _seed, _time_s in enumerate((0.0, 2.0, 4.0)):
    WALK = walks.add_key(WALK, _time_s, person(_seed))


@pytest.fixture
def area() -> Area:
    """100 px a second, from time 0 on."""
    timeline = SimpleNamespace(walk=WALK, snapping=False)
    ui = SimpleNamespace(px=round, scale=1.0, explorer=SimpleNamespace(card=None))
    area = Area(cast(Any, ui), cast(Any, timeline))
    area.scale = TimeScale(0.0, 100.0, 1000.0)
    return area


def key(index: int) -> Grip:
    return Grip("keys", "key", index)


def test_a_key_is_found_by_its_picture_and_by_its_mark_and_a_way_between_them(area: Area) -> None:
    lane = KeysLane(area, cast(Any, None), 88)
    assert lane.under(WALK, (205, 30)) == key(1)
    assert lane.under(WALK, (205, 76)) == key(1)
    assert lane.under(WALK, (215, 76)) is None
    assert lane.under(WALK, (300, 30)) == Grip("keys", "way", 1)
    assert lane.under(WALK, (700, 30)) is None
    assert lane.under(walks.set_loop(WALK, True), (700, 30)) == Grip("keys", "way", 2)


def test_keys_move_together_past_others_and_stay_in_the_hand(area: Area) -> None:
    lane = KeysLane(area, cast(Any, None), 88)
    moved = lane.moved(WALK, frozenset([key(0), key(1)]), key(1), (350.0, 12.0), False)
    assert [(item.time_s, item.scene) for item in moved.walk.keys] == [
        (3.5, person(0)),
        (4.0, person(2)),
        (5.5, person(1)),
    ]
    assert moved.grips == {key(0), key(2)}
    assert moved.words == "0:05.50"


def test_a_key_that_is_dragged_to_and_fro_is_where_it_was(area: Area) -> None:
    lane = KeysLane(area, cast(Any, None), 88)
    moved = lane.moved(WALK, frozenset([key(1)]), key(1), (0.0, 0.0), False)
    assert moved.walk == WALK
    assert moved.grips == {key(1)}


def test_a_copy_leaves_the_key_where_it_was(area: Area) -> None:
    lane = KeysLane(area, cast(Any, None), 88)
    moved = lane.moved(WALK, frozenset([key(0)]), key(0), (300.0, 0.0), True)
    assert [(item.time_s, item.scene.latent.seed) for item in moved.walk.keys] == [(0, 0), (2, 1), (3, 0), (4, 2)]
    assert moved.grips == {key(2)}


def test_what_is_dragged_snaps_to_beats(area: Area) -> None:
    area.timeline.snapping = True
    walk = walks.set_tempo(WALK, 60.0, 0.25)
    moved = KeysLane(area, cast(Any, None), 88).moved(walk, frozenset([key(2)]), key(2), (160.0, 0.0), False)
    assert moved.walk.keys[2].time_s == pytest.approx(5.25)


def test_a_click_in_a_curve_adds_a_point_that_drags_within_the_lane(area: Area) -> None:
    lane = CurveLane(area, 0)
    walk = tracks.add_curve(WALK, "truncation/psi", 0.7)
    added = lane.added(walk, (300.0, lane.height / 2))
    [grip] = added.grips
    point = added.walk.curves[0].points[grip.index]
    assert (point.time_s, point.value) == pytest.approx((3.0, 0.25))
    assert lane.under(added.walk, (302.0, lane.height / 2)) == grip
    up = lane.moved(added.walk, added.grips, grip, (0.0, -1e6), False)
    assert up.walk.curves[0].points[grip.index].time_s == 3.0
    highest = up.walk.curves[0].points[grip.index].value
    assert highest == 1.5  # of what is usual
    again = lane.moved(up.walk, up.grips, grip, (-1e6, -1e6), False)
    assert again.walk.curves[0].points[1].value == highest  # in time it gave way to the point at 0
    assert lane.deleted(added.walk, added.grips) == walk


def test_values_are_said_with_their_units() -> None:
    walk = tracks.add_curve(tracks.add_curve(Walk(), "transform/rotation", 12.0), "latent/seed", 7.0)
    area = Area(cast(Any, SimpleNamespace(px=round, explorer=SimpleNamespace(card=None))), cast(Any, None))
    assert value_words(12.0, CurveLane(area, 0).parameter(walk)) == "12.00°"
    assert value_words(7.0, CurveLane(area, 1).parameter(walk)) == "7"
    assert value_words(7.0, None) == "7"


def test_clips_move_and_their_ends_trim(area: Area) -> None:
    walk = tracks.add_clip(WALK, take(3.0), 2.0)
    lane = ClipsLane(area, walk)
    assert [lane.under(walk, (x, 15)) for x in (201.0, 350.0, 498.0, 600.0)] == [
        Grip("clips", "first", 0),
        Grip("clips", "clip", 0),
        Grip("clips", "last", 0),
        None,
    ]
    bar = Grip("clips", "clip", 0)
    assert lane.moved(walk, frozenset([bar]), bar, (150.0, 0.0), False).walk.clips[0].start_s == 3.5
    first = lane.moved(walk, frozenset(), Grip("clips", "first", 0), (100.0, 0.0), False).walk.clips[0]
    assert (first.start_s, first.first_s, first.end_s) == (3.0, 1.0, 5.0)
    last = lane.moved(walk, frozenset(), Grip("clips", "last", 0), (-50.0, 0.0), False).walk.clips[0]
    assert (last.start_s, last.end_s) == (2.0, 4.5)
    copied = lane.moved(walk, frozenset([bar]), bar, (400.0, 0.0), True)
    assert [clip.start_s for clip in copied.walk.clips] == [2.0, 6.0]
    assert copied.grips == {Grip("clips", "clip", 1)}


def test_clips_over_one_another_lie_in_rows() -> None:
    clips = [Clip(take=take(2.0), start_s=start_s) for start_s in (3.0, 0.0, 1.0, 2.0)]
    assert rows(clips) == (1, 0, 1, 0)
    assert rows([]) == ()


def test_pictures_leave_one_another_room() -> None:
    assert tile_size([0, 100, 200], 56, 36) == 56
    assert tile_size([0, 60, 120], 56, 36) == pytest.approx(42)
    assert tile_size([0, 10, 20], 56, 36) == 36
    assert tile_size([5], 56, 36) == 56


@pytest.mark.parametrize("ease", ["linear", "smooth", "cubic", "hold"])
def test_the_picture_of_a_way_leads_from_the_one_to_the_other(ease: Any) -> None:
    shape = ease_shape(ease)
    assert shape[0] == (0.0, 0.0)
    assert shape[-1] == pytest.approx((1.0, 1.0))


def test_what_an_edit_made_is_told_from_what_it_left_alone() -> None:
    moved = walks.move_keys(WALK, [0], 3.0)
    assert fresh(WALK.keys, moved.keys) == [1]
    assert fresh(WALK.keys, WALK.keys) == []
