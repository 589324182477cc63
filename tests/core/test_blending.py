"""The weighted mean of Scenes: exact where they agree, in every range, and each number as its nature asks."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stylegan_core.blending import between, combine
from stylegan_core.scene import (
    MAX_BLENDS,
    MAX_SHARES,
    ChannelGain,
    ClassWeight,
    Latent,
    Mix,
    ModelRef,
    Noise,
    Scene,
    Share,
    StyleEdit,
    Transform,
    Truncation,
    blend_depth,
    scene_from_json,
    scene_to_json,
)
from tests.strategies import scenes

ROLES = st.sampled_from(["w", "z"])
HALVES = (0.5, 0.5)


@given(scenes(), scenes(), ROLES)
def test_both_ends_are_exactly_the_scenes(first: Scene, second: Scene, space: str) -> None:
    second = second.model_copy(update={"model": first.model})
    assert between(first, second, 0.0, space) == first
    assert between(first, second, 1.0, space) == second


@given(st.lists(st.tuples(scenes(), st.floats(-3, 3)), min_size=2, max_size=4), ROLES)
def test_every_mean_is_a_valid_scene(parts: list[tuple[Scene, float]], space: str) -> None:
    given_scenes = [scene.model_copy(update={"model": parts[0][0].model}) for scene, _ in parts]
    weights = [weight for _, weight in parts]
    assume(abs(sum(weights)) > 1e-3)
    mean = combine(given_scenes, [weight / sum(weights) for weight in weights], 1, space)
    assert scene_from_json(scene_to_json(mean)) == mean


@given(scenes(), st.integers(1, 4))
def test_equal_scenes_have_themselves_as_mean(scene: Scene, count: int) -> None:
    assert combine([scene] * count, [1 / count] * count) == scene


def test_another_model_has_no_middle() -> None:
    first, second = (Scene(model=ModelRef(digest=digest), latent=Latent(seed=7)) for digest in "ab")
    assert between(first, second, 0.9) == first
    assert combine((first, second), HALVES, lead=1) == second


def test_seeds_modes_and_choices_are_the_leads() -> None:
    first = Scene(noise=Noise(mode="random", seed=1), truncation=Truncation(towards="nearest"))
    second = Scene(noise=Noise(mode="none", seed=9), transform=Transform(mirror=True))
    mean = between(first, second, 0.9)
    assert (mean.noise.mode, mean.noise.seed, mean.truncation.towards) == ("random", 1, "nearest")
    assert not mean.transform.mirror and combine((first, second), HALVES, lead=1).transform.mirror


def test_people_become_a_blend_and_a_blend_of_blends_in_w_is_one() -> None:
    a, b, c = (Scene(latent=Latent(seed=seed)) for seed in (1, 2, 3))
    half = between(a, b, 0.5)
    assert half.latent.blend == (Share(latent=a.latent, weight=0.5), Share(latent=b.latent, weight=0.5))
    quarter = between(half, c, 0.5)
    assert [(share.latent.seed, share.weight) for share in quarter.latent.blend] == [(1, 0.25), (2, 0.25), (3, 0.5)]
    assert between(half, a, 0.5).latent.blend[0] == Share(latent=a.latent, weight=0.75)


def test_blends_on_the_sphere_stay_within_one_another_but_not_too_deep() -> None:
    scene = Scene()
    for seed in range(1, 3 * MAX_BLENDS):
        scene = between(scene, Scene(latent=Latent(seed=seed)), 0.5, "z")
        assert blend_depth(scene.latent.blend) <= MAX_BLENDS
    assert scene_from_json(scene_to_json(scene)) == scene


def test_a_blend_of_very_many_keeps_the_heaviest() -> None:
    people = [Scene(latent=Latent(seed=seed)) for seed in range(MAX_SHARES + 10)]
    mean = combine(
        people, [0.5 if seed == 300 % len(people) else 0.5 / (len(people) - 1) for seed in range(len(people))]
    )
    weights = {share.latent.seed: share.weight for share in mean.latent.blend}
    assert len(weights) == MAX_SHARES and sum(weights.values()) == pytest.approx(1)
    assert max(weights, key=lambda seed: weights[seed]) == 300 % len(people)


@pytest.mark.parametrize(
    ("first", "second", "middle"),
    [(170.0, -170.0, 180.0), (-170.0, 170.0, 180.0), (10.0, 50.0, 30.0), (0.0, -90.0, -45.0), (-100.0, 120.0, -170.0)],
)
def test_angles_take_the_shorter_way_round(first: float, second: float, middle: float) -> None:
    mean = between(Scene(transform=Transform(rotation=first)), Scene(transform=Transform(rotation=second)), 0.5)
    assert abs((mean.transform.rotation - middle + 180) % 360 - 180) < 1e-9


def test_sizes_are_averaged_by_ratio_and_offsets_by_difference() -> None:
    near, far = Scene(transform=Transform(scale=0.5, x=-1.0)), Scene(transform=Transform(scale=2.0, x=2.0))
    mean = between(near, far, 0.5)
    assert mean.transform.scale == pytest.approx(1.0) and mean.transform.x == pytest.approx(0.5)


def test_a_curve_over_the_layers_and_one_psi_meet_layer_by_layer() -> None:
    mean = between(Scene(truncation=Truncation(psi=0.4)), Scene(truncation=Truncation(psi=1.0, layers=(1.0, 0.0))), 0.5)
    assert mean.truncation.layers == pytest.approx((0.7, 0.2)) and mean.truncation.psi == pytest.approx(0.7)


def test_who_is_missing_has_no_influence_there() -> None:
    mix = Mix(latent=Latent(seed=5), amounts=(1.0, 0.5))
    gain, moved = ChannelGain(layer="a", channel=1, gain=0.0), StyleEdit(layer="a", channel=2, amount=4.0)
    mean = between(Scene(), Scene(mixing=(mix,), channels=(gain,), styles=(moved,)), 0.25)
    assert mean.mixing == (Mix(latent=Latent(seed=5), amounts=(0.25, 0.125)),)
    assert mean.channels[0].gain == pytest.approx(0.75) and mean.styles[0].amount == pytest.approx(1.0)


def test_classes_are_mixed_by_their_shares() -> None:
    first = Scene(classes=(ClassWeight(index=0, weight=2.0),))
    second = Scene(classes=(ClassWeight(index=1, weight=0.5), ClassWeight(index=2, weight=0.5)))
    mean = between(first, second, 0.5)
    assert [(item.index, item.weight) for item in mean.classes] == [(0, 0.5), (1, 0.25), (2, 0.25)]


def test_what_a_spline_overshoots_keeps_to_its_range() -> None:
    low, high = Scene(truncation=Truncation(psi=-2.0)), Scene(truncation=Truncation(psi=2.0))
    mean = combine((low, high), (-0.5, 1.5))
    assert mean.truncation.psi == 2.0
    assert combine((low, high), (1.5, -0.5)).truncation.psi == -2.0
    assert math.isfinite(combine((low, high), (1.5, -0.5)).transform.scale)
