"""A walk's Scene at a moment: exact at its keys, smooth between them, the same forward and back; and its file."""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core.parameters import parameter
from stylegan_core.scene import Latent, ModelRef, Scene, Transform, Truncation
from stylegan_core.walk import (
    HELD_S,
    Clip,
    Curve,
    CurvePoint,
    Key,
    Sample,
    Take,
    Walk,
    WalkError,
    frame_times,
    scene_at,
    take_scene,
)
from stylegan_core.walk_file import read_walk, walk_from_data, walk_from_json, walk_to_data, walk_to_json, write_walk
from stylegan_core.ways import Ease
from tests.strategies import scenes

EASES: tuple[Ease, ...] = ("linear", "smooth", "cubic", "hold")
PSIS = (0.2, 0.9, 0.4, 0.6)
eases = st.sampled_from(EASES)
times = st.floats(-5, 25)


def psi_scene(psi: float) -> Scene:
    return Scene(truncation=Truncation(psi=psi))


def psi_walk(ease: Ease, loop: bool = False, at: tuple[float, ...] = (0.0, 1.0, 4.0, 6.0)) -> Walk:
    keys = tuple(Key(time_s=time, scene=psi_scene(psi), ease=ease) for time, psi in zip(at, PSIS, strict=True))
    return Walk(keys=keys, duration_s=8.0, loop=loop)


def psi_at(walk: Walk, time: float) -> float:
    return scene_at(walk, time).truncation.psi


def take(*samples: tuple[float, float]) -> Take:
    return Take(name="a", samples=tuple(Sample(time_s=time, scene=psi_scene(psi)) for time, psi in samples))


def walks() -> st.SearchStrategy[Walk]:
    paces = st.lists(st.floats(0, 1), max_size=3).map(lambda shares: tuple(sorted(shares)))
    moments = st.builds(Key, time_s=st.floats(0, 20), scene=scenes(), ease=eases, pace=paces)
    keys = st.lists(moments, min_size=1, max_size=4)
    ordered = keys.map(lambda found: tuple(sorted(found, key=lambda key: key.time_s)))
    samples = st.lists(st.builds(Sample, time_s=st.floats(0, 5), scene=scenes()), min_size=1, max_size=3)
    takes = samples.map(lambda found: Take(samples=tuple(sorted(found, key=lambda sample: sample.time_s))))
    clips = st.builds(Clip, take=takes, start_s=st.floats(0, 20), speed=st.floats(0.05, 20), smooth_s=st.floats(0, 1))
    points = st.lists(st.builds(CurvePoint, time_s=st.floats(0, 20), value=st.floats(-2, 2), ease=eases), max_size=3)
    curves = points.map(
        lambda found: Curve(parameter="truncation/psi", points=tuple(sorted(found, key=lambda point: point.time_s)))
    )
    return st.builds(
        Walk,
        duration_s=st.floats(20, 30),
        keys=ordered,
        clips=st.lists(clips, max_size=1).map(tuple),
        curves=st.lists(curves, max_size=1).map(tuple),
        loop=st.booleans(),
        latents=st.sampled_from(["w", "z"]),
    )


# -- the Scene at a moment ---------------------------------------------------------------------------------------------


@given(walks(), times)
def test_any_walk_has_a_scene_at_any_time(walk: Walk, time: float) -> None:
    assert scene_at(walk, time) == scene_at(walk, time)
    if walk.loop:
        near = walk.duration_s * 3 + 1.0
        assert scene_at(walk, near) == scene_at(walk, near % walk.duration_s)


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("ease", EASES)
def test_a_key_is_met_exactly(ease: Ease, loop: bool) -> None:
    walk = psi_walk(ease, loop)
    assert [scene_at(walk, key.time_s) for key in walk.keys] == [key.scene for key in walk.keys]


@pytest.mark.parametrize(("ease", "middle"), [("linear", 0.55), ("smooth", 0.55), ("hold", 0.2)])
def test_half_way_between_two_keys(ease: Ease, middle: float) -> None:
    assert psi_at(psi_walk(ease), 0.5) == pytest.approx(middle)


def test_smooth_sets_out_gently_and_linear_at_once() -> None:
    assert psi_at(psi_walk("smooth"), 0.1) - 0.2 == pytest.approx(0.7 * (3 * 0.01 - 2 * 0.001))
    assert psi_at(psi_walk("linear"), 0.1) - 0.2 == pytest.approx(0.07)


@pytest.mark.parametrize("loop", [False, True])
def test_a_spline_passes_its_keys_without_a_corner(loop: bool) -> None:
    walk, step = psi_walk("cubic", loop), 1e-5
    inner = walk.keys if loop else walk.keys[1:-1]
    for key in inner:
        at = key.time_s + (walk.duration_s if loop else 0)
        before, here, after = (psi_at(walk, at + way) for way in (-step, 0.0, step))
        assert (after - here) / step == pytest.approx((here - before) / step, abs=1e-3)


def test_a_spline_through_a_parabola_is_that_parabola() -> None:
    """Its slopes are those of the parabola through three points, so between inner points it follows one exactly."""
    at = (0.0, 1.0, 2.5, 4.0, 5.0)
    walk = Walk(
        keys=tuple(Key(time_s=t, scene=psi_scene(0.1 * t * t - 0.5 * t + 1), ease="cubic") for t in at), duration_s=5.0
    )
    for time in (1.2, 2.0, 2.49, 3.3, 3.9):
        assert psi_at(walk, time) == pytest.approx(0.1 * time * time - 0.5 * time + 1)


def test_a_key_may_say_at_what_pace_its_way_is_gone() -> None:
    walk = psi_walk("linear")
    keys = (walk.keys[0].model_copy(update={"pace": (0.0, 0.1, 1.0)}), *walk.keys[1:])
    paced = walk.model_copy(update={"keys": keys})
    found = [psi_at(paced, time) for time in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert found == pytest.approx([0.2 + 0.7 * share for share in (0.0, 0.05, 0.1, 0.55, 1.0)])


def test_before_the_first_and_after_the_last_key_nothing_moves() -> None:
    walk = psi_walk("cubic", at=(1.0, 2.0, 3.0, 4.0))
    assert psi_at(walk, 0.0) == PSIS[0] and psi_at(walk, 7.9) == PSIS[-1] and psi_at(walk, 99.0) == PSIS[-1]


def test_a_loop_goes_from_its_last_key_to_its_first() -> None:
    walk = psi_walk("linear", loop=True)
    assert psi_at(walk, 7.0) == pytest.approx((PSIS[-1] + PSIS[0]) / 2)
    assert psi_at(walk, 8.0) == PSIS[0] and psi_at(walk, -1.0) == psi_at(walk, 7.0)


@pytest.mark.parametrize("latents", ["w", "z"])
def test_a_loops_last_step_is_as_small_as_its_others(latents: str) -> None:
    keys = tuple(
        Key(
            time_s=n * 2.0,
            scene=Scene(latent=Latent(seed=n), transform=Transform(rotation=n * 90.0 - 90)),
            ease="cubic",
        )
        for n in range(4)
    )
    walk = Walk(keys=keys, duration_s=8.0, loop=True, latents=latents)  # type: ignore[arg-type]
    found = [scene_at(walk, time).transform.rotation for time in frame_times(walk, 25)]
    steps = [abs((after - before + 180) % 360 - 180) for before, after in pairwise([*found, found[0]])]
    assert len(found) == 200 and steps[-1] <= max(steps[:-1]) + 1e-9 and max(steps) < 2 * 360 / 200


def test_between_models_a_walk_holds_and_a_spline_keeps_to_its_own() -> None:
    digests = ("a", "a", "b", "b")
    keys = tuple(
        Key(time_s=float(n), scene=Scene(model=ModelRef(digest=d), latent=Latent(seed=n)), ease="cubic")
        for n, d in enumerate(digests)
    )
    walk = Walk(keys=keys, duration_s=3.0)
    assert scene_at(walk, 1.5) == keys[1].scene and scene_at(walk, 2.0) == keys[2].scene
    assert {share.latent.seed for share in scene_at(walk, 0.5).latent.blend} == {0, 1}
    assert {share.latent.seed for share in scene_at(walk, 2.5).latent.blend} == {2, 3}


def test_frames_are_evenly_apart_and_the_end_belongs_to_what_comes_after() -> None:
    walk = psi_walk("linear").model_copy(update={"first_s": 1.0, "last_s": 3.0})
    found = frame_times(walk, 24)
    assert len(found) == 48 and found[0] == 1.0 and found[-1] == pytest.approx(3 - 1 / 24)
    assert frame_times(walk.model_copy(update={"last_s": 1.001}), 24) == (1.0,)


def test_an_empty_walk_says_so() -> None:
    with pytest.raises(WalkError, match="empty: add a key"):
        scene_at(Walk(), 0.0)


# -- curves and clips --------------------------------------------------------------------------------------------------


def test_a_curve_has_the_last_word_on_its_parameter() -> None:
    points = (CurvePoint(time_s=0.0, value=1.0), CurvePoint(time_s=4.0, value=-1.0, ease="hold"))
    walk = psi_walk("linear").model_copy(update={"curves": (Curve(parameter="truncation/psi", points=points),)})
    assert [psi_at(walk, time) for time in (0.0, 1.0, 2.0, 6.0)] == pytest.approx([1.0, 0.5, 0.0, -1.0])
    off = walk.curves[0].model_copy(update={"enabled": False})
    assert psi_at(walk.model_copy(update={"curves": (off,)}), 1.0) == PSIS[1]


def test_a_curve_of_one_layer_knows_how_many_there_are() -> None:
    points = (CurvePoint(time_s=0.0, value=1.0),)
    for address, count in (("truncation/layers/2", 4), ("mixing/0/amounts/1", 4), ("noise/layers/1", 3)):
        walk = Walk(keys=(Key(time_s=0.0, scene=psi_scene(0.4)),), curves=(Curve(parameter=address, points=points),))
        assert scene_at(walk, 0.0) == psi_scene(0.4)  # it has no number for each layer, and nobody says how many
        told = walk.model_copy(update={"curves": (walk.curves[0].model_copy(update={"count": count}),)})
        assert scene_at(told, 0.0) == parameter(address, count=count).set(psi_scene(0.4), 1.0)
    assert scene_at(told, 0.0).noise.layers == (1.0, 1.0, 1.0)


def test_a_take_gives_its_samples_and_what_is_between_those_that_were_quick() -> None:
    found = take((0.0, 0.0), (0.05, 1.0), (1.0, 0.5))
    assert take_scene(found, 0.05) == psi_scene(1.0)
    assert take_scene(found, 0.025).truncation.psi == pytest.approx(0.5)
    assert take_scene(found, 1.0 - HELD_S / 2) == psi_scene(1.0)  # it stood still
    assert take_scene(found, 5.0) == psi_scene(0.5) and take_scene(found, -1.0) == psi_scene(0.0)


def test_a_clip_lies_over_keys_where_it_is() -> None:
    clip = Clip(take=take((0.0, 0.0), (1.0, 1.0), (2.0, 1.5)), start_s=1.0, first_s=1.0, speed=0.5)
    walk = psi_walk("linear").model_copy(update={"clips": (clip,)})
    assert clip.duration_s == 2.0 and clip.end_s == 3.0
    assert psi_at(walk, 0.5) == pytest.approx(0.55) and psi_at(walk, 1.0) == 1.0 and psi_at(walk, 2.9) == 1.0
    assert psi_at(walk, 3.0) == psi_at(psi_walk("linear"), 3.0)
    alone = Walk(clips=(clip,))
    assert psi_at(alone, 0.0) == 1.0 and psi_at(alone, 9.0) == 1.5
    assert psi_at(Walk(clips=(clip,), keys=walk.keys[:1]), 2.0) == 1.0


def test_smoothing_leaves_rest_alone_and_takes_jitter_away() -> None:
    still = Clip(take=take((0.0, 0.7), (3.0, 0.7)), smooth_s=0.5)
    assert psi_at(Walk(clips=(still,)), 1.3) == 0.7
    jitter = [(n / 50, 0.5 + 0.1 * (-1) ** n) for n in range(200)]
    smooth = Walk(clips=(Clip(take=take(*jitter), smooth_s=0.2),))
    assert all(abs(psi_at(smooth, 1 + n / 100) - 0.5) < 0.03 for n in range(100))


# -- files -------------------------------------------------------------------------------------------------------------


@given(walks())
def test_round_trip_is_exact(walk: Walk) -> None:
    assert walk_from_json(walk_to_json(walk)) == walk


def test_a_file_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "walk.json"
    write_walk(psi_walk("cubic"), path)
    assert read_walk(path) == psi_walk("cubic")
    with pytest.raises(WalkError, match="cannot be read"):
        read_walk(tmp_path / "none.json")


def test_keys_are_read_in_the_order_of_their_times() -> None:
    data = walk_to_data(psi_walk("linear"))
    data["keys"].reverse()
    assert walk_from_data(data) == psi_walk("linear")


FULL = psi_walk("linear").model_copy(
    update={
        "clips": (Clip(take=take((0.0, 0.1), (1.0, 0.2))),),
        "curves": (Curve(parameter="truncation/psi", points=(CurvePoint(time_s=0.0, value=1.0),)),),
    }
)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("version", 2, "'version'"),
        ("duration_s", 0, "'duration_s'"),
        ("duration_s", math.nan, "'duration_s'"),
        ("keys", 5, "no walk"),
        ("keys.1.time_s", -1, "'keys.1.time_s'"),
        ("keys.1.ease", "jump", "'keys.1.ease'"),
        ("keys.1.pace", [0.5, 1.5], "'keys.1.pace.1'"),
        ("keys.1.pace", 3, "no walk"),
        ("keys.1.scene", None, "key 2 holds no Scene"),
        ("keys.1.scene.truncation.psi", 9, "key 2: field 'truncation.psi'"),
        ("keys.0.colour", 1, "'keys.0.colour'"),
        ("clips.0.speed", 0, "'clips.0.speed'"),
        ("clips.0.take.samples", [], "clip 1: field 'take.samples'"),
        ("clips.0.take.samples.1.0", -1.0, "clip 1: field 'samples.1.time_s'"),
        ("clips.0.take.samples.1", [1.0], "no walk"),
        ("clips.0.take.samples.1", [1.0, {"truncation": {"psi": "x"}}], "clip 1, sample 2: field 'truncation.psi'"),
        ("curves.0.parameter", "", "'curves.0.parameter'"),
        ("curves.0.points.0.value", None, "'curves.0.points.0.value'"),
        ("loop", "yes", "'loop'"),
        ("bpm", 0, "'bpm'"),
        ("sound", 1, "'sound'"),
    ],
)
def test_a_broken_field_is_named(path: str, value: object, named: str) -> None:
    data = json.loads(json.dumps(walk_to_data(FULL)))
    *parents, name = path.split(".")
    place: Any = data
    for parent in parents:
        place = place[int(parent) if isinstance(place, list) else parent]
    place[int(name) if isinstance(place, list) else name] = value
    with pytest.raises(WalkError) as error:
        walk_from_data(data, "x.json")
    assert named in str(error.value) and str(error.value).startswith("x.json") and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "1", "{", '{"keys": [{}]}', '{"clips": [{"take": {}}]}', "null"])
def test_odd_text_gives_one_sentence(text: str) -> None:
    with pytest.raises(WalkError) as error:
        walk_from_json(text)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)
