"""Every edit of any walk gives a valid walk with its keys in order and apart, of which there is a Scene at any time."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylegan_core.edits import tracks
from stylegan_core.edits import walk as edits
from stylegan_core.edits.timing import GAP_S, free_time
from stylegan_core.scene import Latent, Scene
from stylegan_core.walk import LONGEST_S, Clip, Curve, CurvePoint, Key, Sample, Take, Walk, scene_at, take_scene
from stylegan_core.walk_file import walk_from_json, walk_to_json
from stylegan_core.ways import Ease
from tests.strategies import clips, eases, keys, simple_scenes, takes, walks

any_float = st.one_of(st.floats(), st.sampled_from([0.0, 0.5, 1.0, -2.0, 10.0]))
any_time = st.one_of(any_float, st.floats(0, 15), st.none())
times = st.one_of(any_float, st.floats(-3, 15))
place = st.integers(-1, 4)
places = st.lists(place, max_size=4)
chosen = st.dictionaries(st.integers(-1, 2), places, max_size=3)
texts = st.one_of(st.text(max_size=8), st.just("x" * 5000), st.just("\ud800"))
addresses = st.sampled_from(["truncation/psi", "noise/strength", "transform/rotation", "nothing/of/the/kind", ""])

EDITS: dict[str, tuple[Callable[..., Walk], tuple[st.SearchStrategy, ...]]] = {
    "set_walk": (edits.set_walk, (walks(),)),
    "add_key": (edits.add_key, (times, simple_scenes, eases)),
    "append_key": (edits.append_key, (times, simple_scenes)),
    "insert_keys": (edits.insert_keys, (st.lists(keys, max_size=3), times)),
    "delete_keys": (edits.delete_keys, (places,)),
    "move_keys": (edits.move_keys, (places, times)),
    "set_key_time": (edits.set_key_time, (place, times)),
    "set_key_scene": (edits.set_key_scene, (place, simple_scenes)),
    "set_key_name": (edits.set_key_name, (place, texts)),
    "set_ease": (edits.set_ease, (places, eases)),
    "swap_keys": (edits.swap_keys, (place, place)),
    "reorder_key": (edits.reorder_key, (place, place)),
    "distribute_keys": (edits.distribute_keys, (st.one_of(st.none(), places),)),
    "set_name": (edits.set_name, (texts,)),
    "set_duration": (edits.set_duration, (times,)),
    "fit_duration": (edits.fit_duration, ()),
    "set_loop": (edits.set_loop, (st.booleans(),)),
    "close_loop": (edits.close_loop, ()),
    "scale_times": (edits.scale_times, (any_float,)),
    "reverse": (edits.reverse, ()),
    "set_latents": (edits.set_latents, (st.sampled_from(["w", "z"]),)),
    "set_in": (edits.set_in, (any_time,)),
    "set_out": (edits.set_out, (any_time,)),
    "set_tempo": (edits.set_tempo, (any_float, any_time)),
    "set_sound": (edits.set_sound, (texts,)),
    "add_curve": (tracks.add_curve, (addresses, any_float, times)),
    "delete_curves": (tracks.delete_curves, (places,)),
    "enable_curve": (tracks.enable_curve, (place, st.booleans())),
    "add_point": (tracks.add_point, (place, times, any_float, eases)),
    "set_point": (tracks.set_point, (place, place, any_time, st.one_of(st.none(), any_float))),
    "move_points": (tracks.move_points, (chosen, times, any_float)),
    "delete_points": (tracks.delete_points, (chosen,)),
    "set_point_ease": (tracks.set_point_ease, (chosen, eases)),
    "add_clip": (tracks.add_clip, (takes, times)),
    "insert_clips": (tracks.insert_clips, (st.lists(clips, max_size=2),)),
    "delete_clips": (tracks.delete_clips, (places,)),
    "move_clips": (tracks.move_clips, (places, times)),
    "trim_start": (tracks.trim_start, (place, times)),
    "trim_end": (tracks.trim_end, (place, times)),
    "set_clip_start": (tracks.set_clip_start, (place, times)),
    "set_clip_first": (tracks.set_clip_first, (place, times)),
    "set_clip_last": (tracks.set_clip_last, (place, times)),
    "set_clip_name": (tracks.set_clip_name, (place, texts)),
    "split_clip": (tracks.split_clip, (place, times)),
    "set_clip_speed": (tracks.set_clip_speed, (places, any_float)),
    "set_clip_smooth": (tracks.set_clip_smooth, (places, any_float)),
    "enable_clips": (tracks.enable_clips, (places, st.booleans())),
}
LOSING = {
    "delete_keys",
    "set_walk",
    "close_loop",
    "set_key_scene",
    "add_key",
    "append_key",
}  # those that may take a Scene away


def person(seed: int) -> Scene:
    return Scene(latent=Latent(seed=seed))


def people(*times_s: float, **fields: Any) -> Walk:
    """A walk with the persons 0, 1, 2, ... at these times."""
    return Walk(keys=tuple(Key(time_s=time_s, scene=person(i)) for i, time_s in enumerate(times_s)), **fields)


def seeds(walk: Walk) -> list[int]:
    return [key.scene.latent.seed for key in walk.keys]


def at(walk: Walk) -> list[float]:
    return [key.time_s for key in walk.keys]


def take(*samples: tuple[float, int]) -> Take:
    return Take(samples=tuple(Sample(time_s=time_s, scene=person(seed)) for time_s, seed in samples))


def assert_sound(walk: Walk) -> None:
    assert walk_from_json(walk_to_json(walk)) == walk  # valid: ranges, types, finite numbers, order
    for items in (walk.keys, *(curve.points for curve in walk.curves)):
        assert all(one.time_s < other.time_s for one, other in pairwise(items))
        assert all(item.time_s <= walk.duration_s for item in items)
    assert all(curve.points for curve in walk.curves)


# -- any edit ----------------------------------------------------------------------------------------------------------


def test_the_table_names_every_edit() -> None:
    defined = {
        name
        for module in (edits, tracks)
        for name, value in vars(module).items()
        if callable(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }
    assert defined - {"changed", "snap", "reversed_clip", "reversed_take"} == set(EDITS)


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_of_any_walk(name: str) -> None:
    edit, arguments = EDITS[name]

    @settings(max_examples=25)
    @given(walks(), st.tuples(*arguments))
    def check(walk: Walk, drawn: tuple) -> None:
        before = walk_to_json(walk)
        changed = edit(walk, *drawn)
        assert walk_to_json(walk) == before
        assert_sound(changed)
        if name not in LOSING:
            assert {key.scene for key in walk.keys} <= {key.scene for key in changed.keys}

    check()


steps = st.one_of([st.tuples(st.just(name), st.tuples(*arguments)) for name, (_, arguments) in EDITS.items()])


@settings(max_examples=100)
@given(walks(), st.lists(steps, max_size=8), st.lists(times.filter(math.isfinite), min_size=1, max_size=3))
def test_after_any_edits_there_is_a_scene_at_any_time(walk: Walk, done: list[tuple], moments: list[float]) -> None:
    for name, drawn in done:
        walk = EDITS[name][0](walk, *drawn)
    assert_sound(walk)
    for time_s in moments:
        if not walk.empty:
            assert isinstance(scene_at(walk, time_s), Scene)


# -- keys --------------------------------------------------------------------------------------------------------------


def test_keys_are_added_in_order_and_the_walk_grows_with_them() -> None:
    walk = edits.add_key(edits.add_key(edits.add_key(Walk(), 4, person(4)), 1.5, person(1), "hold"), 12, person(9))
    assert at(walk) == [1.5, 4.0, 12.0] and seeds(walk) == [1, 4, 9]
    assert walk.duration_s == 12.0 and walk.keys[0].ease == "hold"


def test_keys_are_appended_a_step_apart_and_a_loop_grows_with_them() -> None:
    walk = Walk(duration_s=2.0, loop=True)
    for seed in range(4):
        walk = edits.append_key(walk, 1, person(seed))
    assert at(walk) == [0.0, 1.0, 2.0, 3.0] and walk.duration_s == 4.0
    assert edits.append_key(people(0, 1, duration_s=9.0), 2, person(5)).duration_s == 9.0


def test_a_measured_pace_goes_when_its_way_does() -> None:
    pace = (0.0, 0.8, 1.0)
    walk = Walk(keys=tuple(key.model_copy(update={"pace": pace}) for key in people(0, 1, 2).keys))

    def paced(walk: Walk) -> list[int]:
        return [key.scene.latent.seed for key in walk.keys if key.pace]

    assert paced(edits.move_keys(walk, [1], 0.5)) == [0, 1, 2]
    assert paced(edits.add_key(walk, 0.5, person(7))) == [1, 2]
    assert paced(edits.set_key_scene(walk, 2, person(7))) == [0]
    assert paced(edits.set_ease(walk, [1], "linear")) == [0, 2]
    back = edits.reverse(walk)
    assert paced(back) == [2, 1, 0] and back.keys[0].pace == pytest.approx((0.0, 0.2, 1.0))


def test_a_key_added_where_one_stands_takes_its_place() -> None:
    walk = edits.add_key(edits.set_key_name(people(0, 2), 1, "Anna"), 2 + GAP_S / 2, person(7), "hold")
    assert seeds(walk) == [0, 7] and walk.keys[1] == Key(time_s=2.0, scene=person(7), name="Anna")


def test_keys_keep_their_distances_and_stop_at_the_begin() -> None:
    assert at(edits.move_keys(people(1, 2, 5), [0, 2], 2.5)) == [2.0, 3.5, 7.5]
    assert at(edits.move_keys(people(1, 2, 5), [2, 1, 7], -9)) == [0.0, 1.0, 3.0]
    assert edits.move_keys(people(1, 2), [0, 1], math.nan) == people(1, 2)


def test_a_key_moved_past_others_keeps_its_person() -> None:
    assert seeds(edits.set_key_time(people(0, 1, 2), 0, 1.5)) == [1, 0, 2]


@pytest.mark.parametrize("side", [-1, 1])
def test_a_key_put_where_one_stands_goes_beside_it(side: int) -> None:
    walk = edits.set_key_time(people(0, 2, 9), 2, 2 + side * GAP_S / 4)
    assert seeds(walk) == ([0, 2, 1] if side < 0 else [0, 1, 2])
    assert at(walk) == pytest.approx([0, *sorted([2, 2 + side * GAP_S])])


@given(st.lists(st.floats(0, LONGEST_S), max_size=30), st.one_of(st.floats(0, LONGEST_S), st.just(5.0)), st.booleans())
def test_a_free_time_is_apart_from_those_taken(taken: list[float], wanted: float, crowded: bool) -> None:
    taken = sorted([*taken, *(5 + GAP_S * step for step in range(-9, 9))] if crowded else taken)
    found = free_time(wanted, taken)
    assert 0 <= found <= LONGEST_S + GAP_S
    assert all(abs(found - time_s) >= GAP_S - 1e-6 for time_s in taken)
    if all(abs(wanted - time_s) >= GAP_S for time_s in taken):
        assert found == wanted


def test_a_crowd_at_the_last_moment_gives_way_backwards() -> None:
    walk = edits.move_keys(people(*range(5)), [4], LONGEST_S)
    for index in range(4):
        walk = edits.set_key_time(walk, 0, LONGEST_S)
        assert len(set(at(walk))) == 5, index
    assert max(at(walk)) == LONGEST_S and min(at(walk)) == pytest.approx(LONGEST_S - 4 * GAP_S)


def test_people_change_places_and_times_and_ways_stay() -> None:
    walk = edits.set_ease(people(0, 1, 4, 6), [0], "hold")
    swapped = edits.swap_keys(walk, 0, 2)
    assert seeds(swapped) == [2, 1, 0, 3] and at(swapped) == at(walk) and swapped.keys[0].ease == "hold"
    assert seeds(edits.reorder_key(walk, 3, 1)) == [0, 3, 1, 2]
    assert seeds(edits.reorder_key(walk, 0, 99)) == [1, 2, 3, 0]
    assert edits.swap_keys(walk, 1, 1) == edits.reorder_key(walk, 4, 0) == walk


def test_keys_are_spread_evenly() -> None:
    assert at(edits.distribute_keys(people(1, 1.5, 5, 7))) == [1.0, 3.0, 5.0, 7.0]
    assert at(edits.distribute_keys(people(0, 3, 5, 8), [0, 1, 2])) == [0.0, 2.5, 5.0, 8.0]
    assert at(edits.distribute_keys(people(0, 1, 2, 3, duration_s=8.0, loop=True))) == [0.0, 2.0, 4.0, 6.0]
    assert edits.distribute_keys(people(0, 3), [1]) == people(0, 3)


def test_pasted_keys_keep_their_distances() -> None:
    walk = people(0, 3)
    assert at(edits.insert_keys(walk, walk.keys, 5)) == [0.0, 3.0, 5.0, 8.0]


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_no_key_is_left_beyond_the_end() -> None:
    assert edits.set_duration(people(0, 3), 2).duration_s == 3.0
    assert edits.set_duration(people(0, 3), 5).duration_s == 5.0
    assert edits.set_duration(Walk(), -1).duration_s == edits.SHORTEST_S


def test_the_end_comes_right_after_what_there_is() -> None:
    assert edits.fit_duration(people(0, 3)).duration_s == 3.0
    assert edits.fit_duration(people(0, 2, 3, loop=True)).duration_s == 4.5
    assert edits.fit_duration(tracks.add_clip(people(0, 3), take((0, 1), (2, 2)), 4)).duration_s == 6.0
    assert edits.fit_duration(Walk()) == Walk()


def test_a_loop_is_closed_without_a_jump() -> None:
    walk = people(0, 2, 3, duration_s=3.0)
    assert edits.close_loop(walk).duration_s == 4.5 and edits.close_loop(walk).loop
    round_trip = edits.close_loop(edits.add_key(walk, 5, person(0)))
    assert seeds(round_trip) == [0, 1, 2] and round_trip.duration_s == 5.0
    assert edits.close_loop(people(0, 1, duration_s=9.0)).duration_s == 9.0


@given(walks(1).filter(lambda walk: not walk.clips), st.sampled_from([0.5, 2.0, 3.0]), st.floats(0, 10))
def test_a_walk_made_slower_is_the_same_later(walk: Walk, factor: float, time_s: float) -> None:
    slower = edits.scale_times(walk, factor)
    assert slower.duration_s == pytest.approx(walk.duration_s * factor)
    one, other = scene_at(walk, time_s), scene_at(slower, time_s * factor)
    assert other.truncation.psi == pytest.approx(one.truncation.psi, abs=1e-6)


def test_clips_are_slowed_with_the_walk() -> None:
    walk = edits.scale_times(tracks.add_clip(people(0, 8), take((0, 1), (4, 2)), 2), 2)
    (clip,) = walk.clips
    assert (clip.start_s, clip.speed, clip.end_s) == (4.0, 0.5, 12.0)


EVEN: tuple[Ease, ...] = ("linear", "smooth", "cubic")  # the same forward and back


@pytest.mark.parametrize("ease", EVEN)
def test_a_walk_reversed_is_the_same_from_the_end(ease: Ease) -> None:
    psis = (0.2, 0.9, 0.4, 0.6)
    keys = tuple(
        Key(time_s=2.0 * i, scene=Scene(truncation={"psi": psi}), ease=ease if i % 2 else "linear")
        for i, psi in enumerate(psis)
    )
    walk = Walk(keys=keys, duration_s=8.0, first_s=1.0, last_s=5.0)
    back = edits.reverse(walk)
    assert back.span == (3.0, 7.0)
    for step in range(65):
        time_s = step / 8
        expected = scene_at(walk, 8.0 - time_s).truncation.psi
        assert scene_at(back, time_s).truncation.psi == pytest.approx(expected, abs=1e-9)
    assert edits.reverse(back) == walk


def test_a_performance_reversed_is_the_same_from_its_end() -> None:
    performed = take((0, 0), (1, 1), (1.05, 2), (1.1, 3), (2, 4))
    back = tracks.reversed_take(performed)
    for time_s in (0.01, 0.5, 0.89, 0.92, 0.97, 1.01, 1.5, 1.99):
        # Between two whom it went through soon after one another, somebody stands with both in the blend.
        expected, found = take_scene(performed, 2 - time_s).latent, take_scene(back, time_s).latent
        shares = [sorted((s.latent.seed, round(s.weight, 9)) for s in each.blend) for each in (expected, found)]
        assert shares[0] == shares[1]
        assert expected.blend or expected == found
    clip = Clip(take=performed, start_s=1.0, first_s=0.25, last_s=1.5, speed=0.5)
    turned = tracks.reversed_clip(clip, 10.0)
    assert (turned.start_s, turned.end_s) == (pytest.approx(10 - clip.end_s), pytest.approx(9.0))
    assert (turned.first_s, turned.last_s) == (0.5, 1.75)


def test_in_and_out_points() -> None:
    walk = edits.set_out(edits.set_in(people(0, 8, duration_s=10.0), 2), 5)
    assert walk.span == (2.0, 5.0)
    assert edits.set_in(walk, 6).span == (6.0, 10.0)
    assert edits.set_out(walk, 1).span == (0.0, 1.0)
    assert edits.set_out(edits.set_in(walk, None), None).span == (0.0, 10.0)


# -- beats -------------------------------------------------------------------------------------------------------------


def test_times_snap_to_beats_their_parts_and_frames() -> None:
    walk = edits.set_tempo(Walk(), 120, 0.1)
    assert edits.snap(walk, 1.3) == pytest.approx(1.1)
    assert edits.snap(walk, 1.3, parts=4) == pytest.approx(1.35)
    assert edits.snap(walk, 1.31, fps=25) == pytest.approx(1.32)
    assert edits.snap(walk, 0.0, parts=2) == pytest.approx(0.1)


@given(walks(), any_float, st.integers(-1, 9), st.one_of(st.none(), any_float))
def test_what_is_snapped_is_a_time_and_stays(walk: Walk, time_s: float, parts: int, fps: float | None) -> None:
    at_s = edits.snap(walk, time_s, parts, fps)
    assert 0 <= at_s <= LONGEST_S
    assert edits.snap(walk, at_s, parts, fps) == pytest.approx(at_s)


# -- curves ------------------------------------------------------------------------------------------------------------


def test_a_parameter_has_one_curve() -> None:
    walk = tracks.add_curve(Walk(), "truncation/psi", 0.5, 1)
    walk = tracks.add_curve(walk, "truncation/psi", 0.9, 15)
    assert walk.duration_s == 15.0
    (curve,) = walk.curves
    assert [(point.time_s, point.value) for point in curve.points] == [(1.0, 0.5), (15.0, 0.9)]
    assert tracks.add_curve(walk, "no/such", 1.0) == walk


def curve(*points: tuple[float, float], **fields: Any) -> Walk:
    built = tuple(CurvePoint(time_s=time_s, value=value) for time_s, value in points)
    return Walk(curves=(Curve(parameter="truncation/psi", points=built),), **fields)


def points_of(walk: Walk) -> list[tuple[float, float]]:
    return [(point.time_s, point.value) for point in walk.curves[0].points]


def test_points_move_in_time_and_value() -> None:
    walk = curve((0, 1), (2, 2), (4, 3))
    assert points_of(tracks.move_points(walk, {0: [1, 2]}, 1, -0.5)) == [(0, 1), (3, 1.5), (5, 2.5)]
    assert points_of(tracks.move_points(walk, {0: [1]}, math.nan, 1)) == [(0, 1), (2, 3), (4, 3)]
    assert points_of(tracks.set_point(walk, 0, 0, 3, 9)) == [(2, 2), (3, 9), (4, 3)]
    assert points_of(tracks.add_point(walk, 0, 2, 7)) == [(0, 1), (2, 7), (4, 3)]


def test_a_curve_whose_last_point_is_deleted_is_gone() -> None:
    walk = curve((0, 1), (2, 2))
    assert points_of(tracks.delete_points(walk, {0: [0]})) == [(2, 2)]
    assert tracks.delete_points(walk, {0: [0, 1]}).curves == ()


# -- clips -------------------------------------------------------------------------------------------------------------

PERFORMED = take((0, 0), (1, 1), (2, 2), (3, 3), (4, 4))


def seen(walk: Walk, time_s: float) -> int:
    return scene_at(walk, time_s).latent.seed


def test_trimming_leaves_what_is_seen_where_it_is() -> None:
    walk = tracks.add_clip(people(0), PERFORMED, 2)
    trimmed = tracks.trim_end(tracks.trim_start(walk, 0, 3.5), 0, 5)
    (clip,) = trimmed.clips
    assert (clip.start_s, clip.first_s, clip.last_s, clip.end_s) == (3.5, 1.5, 3.0, 5.0)
    assert [seen(trimmed, time_s) for time_s in (3.4, 3.6, 4.5, 5.1)] == [0, seen(walk, 3.6), seen(walk, 4.5), 0]
    assert tracks.trim_end(tracks.trim_start(trimmed, 0, -9), 0, 99) == walk


@given(walks().filter(lambda walk: walk.clips), times, times)
def test_a_clip_is_trimmed_within_its_take(walk: Walk, start: float, end: float) -> None:
    for clip in tracks.trim_end(tracks.trim_start(walk, 0, start), 0, end).clips[:1]:
        assert clip.last_s is None or clip.last_s <= max(clip.take.duration_s, walk.clips[0].last_s or 0)


def test_a_clip_is_placed_and_trimmed_by_numbers() -> None:
    walk = tracks.set_clip_speed(tracks.add_clip(people(0), PERFORMED, 2), [0], 2)
    walk = tracks.set_clip_name(tracks.set_clip_last(tracks.set_clip_first(walk, 0, 1), 0, 3), 0, "dance")
    (clip,) = walk.clips
    assert (clip.take.name, clip.start_s, clip.first_s, clip.last_s, clip.end_s) == ("dance", 2.5, 1.0, 3.0, 3.5)
    assert tracks.set_clip_start(walk, 0, 0.5).clips[0].end_s == 1.5


def test_a_split_clip_shows_what_the_whole_did() -> None:
    walk = tracks.set_clip_speed(tracks.add_clip(people(0), PERFORMED, 1), [0], 0.5)
    split = tracks.split_clip(walk, 0, 4.0)
    assert len(split.clips) == 2 and split.clips[0].end_s == split.clips[1].start_s == 4.0
    for step in range(80):
        assert scene_at(split, step / 8) == scene_at(walk, step / 8)
    assert tracks.split_clip(walk, 0, 0.5) == walk


def test_clips_are_moved_slowed_smoothed_and_put_away() -> None:
    walk = tracks.add_clip(tracks.add_clip(people(0), PERFORMED, 1), PERFORMED, 6)
    assert walk.duration_s == 10.0
    assert [clip.start_s for clip in tracks.move_clips(walk, [0, 1], -5).clips] == [0.0, 5.0]
    slowed = tracks.set_clip_smooth(tracks.set_clip_speed(walk, [1], 0.001), [1], 99)
    assert (slowed.clips[1].speed, slowed.clips[1].smooth_s) == (0.05, 5.0)
    assert not tracks.enable_clips(walk, [0], False).clips[0].enabled
    assert tracks.delete_clips(walk, [0]).clips == walk.clips[1:]
