"""Clips: what was performed comes back exactly, trimmed and slowed at the right times; smoothed, as a mean in time."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core.scene import Latent, ModelRef, Scene, Truncation
from stylegan_core.smoothing import BINS, REACH, smoothing_weights
from stylegan_core.walk import HELD_S, Clip, Sample, Take, Walk, scene_at, take_scene
from tests.strategies import scenes

gaps = st.one_of(st.just(0.25), st.floats(0.001, 2))
spreads = st.floats(0.01, 5)


def psi_scene(psi: float) -> Scene:
    return Scene(truncation=Truncation(psi=psi))


def performed(values: list[float], times: list[float]) -> Take:
    return Take(samples=tuple(Sample(time_s=t, scene=psi_scene(v)) for t, v in zip(times, values, strict=True)))


def even(values: np.ndarray, rate: float) -> Take:
    return performed([float(v) for v in values], [n / rate for n in range(len(values))])


def psi_at(clip: Clip, time_s: float) -> float:
    return scene_at(Walk(duration_s=1000.0, clips=(clip,)), time_s).truncation.psi


@st.composite
def takes(draw: st.DrawFn) -> Take:
    several = draw(st.lists(scenes(), min_size=1, max_size=5))
    steps = draw(st.lists(gaps, min_size=len(several), max_size=len(several)))
    return Take(
        samples=tuple(Sample(time_s=math.fsum(steps[1 : n + 1]), scene=scene) for n, scene in enumerate(several))
    )


@st.composite
def moving(draw: st.DrawFn) -> Take:
    """A take of psi alone: quick and slow, resting and jumping."""
    values = draw(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
    steps = draw(st.lists(st.one_of(gaps, st.just(1 / 60)), min_size=len(values), max_size=len(values)))
    return performed(values, [math.fsum(steps[1 : n + 1]) for n in range(len(values))])


# -- as it was performed -----------------------------------------------------------------------------------------------


@given(takes())
def test_every_scene_is_there_at_its_time(take: Take) -> None:
    walk = Walk(duration_s=1000.0, clips=(Clip(take=take),))
    for sample in take.samples:
        assert scene_at(walk, sample.time_s) == sample.scene
    for before, after in pairwise(take.samples):
        if after.time_s - before.time_s > HELD_S:  # it stood still
            assert scene_at(walk, (before.time_s + after.time_s) / 2) == before.scene
    assert scene_at(walk, 999.0) == take.samples[-1].scene  # how it ended stays


@given(moving(), st.floats(0, 1))
def test_between_samples_that_followed_soon_it_is_on_its_way(take: Take, share: float) -> None:
    for before, after in pairwise(take.samples):
        seen = take_scene(take, before.time_s + share * (after.time_s - before.time_s)).truncation.psi
        first, second = before.scene.truncation.psi, after.scene.truncation.psi
        if share == 1:
            assert seen == second
        elif after.time_s - before.time_s <= HELD_S:
            assert seen == pytest.approx(first + share * (second - first), abs=1e-6)


@given(
    moving(), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.sampled_from([0.05, 0.5, 1.0, 2.0, 20.0])
)
def test_trimmed_and_slowed_times_are_mapped(take: Take, start: int, first: int, last: int, speed: float) -> None:
    clip = Clip(take=take, start_s=start / 8, first_s=first / 8, last_s=last / 8, speed=speed)
    length = max(min(last / 8, take.duration_s) - first / 8, 0.0)
    assert clip.duration_s == pytest.approx(length / speed)
    for share in (0.0, 0.25, 0.5):
        if length:
            seen = psi_at(clip, clip.start_s + share * clip.duration_s)
            at = first / 8 + share * length
            around = [take_scene(take, at + d).truncation.psi for d in (-1e-9, 0.0, 1e-9)]  # where it jumps just then
            assert min(around) - 1e-6 <= seen <= max(around) + 1e-6


# -- smoothed ----------------------------------------------------------------------------------------------------------


def mean_around(take: Take, at: float, spread: float) -> float:
    """The Gaussian mean by adding up finely."""
    times = at + np.linspace(-REACH, REACH, 4001) * spread
    weights = np.exp(-0.5 * ((times - at) / spread) ** 2)
    values = [take_scene(take, float(time)).truncation.psi for time in times]
    return float(np.average(values, weights=weights))


@given(moving(), st.floats(0, 20), spreads)
def test_smoothing_is_the_gaussian_mean_in_time(take: Take, at: float, spread: float) -> None:
    at = min(at, take.duration_s * 0.999)
    seen = take_scene(take, at).truncation.psi
    clip = Clip(take=take, smooth_s=spread)
    smooth = psi_at(clip, at) if clip.duration_s else seen
    if clip.duration_s:
        # Where many are close together two stand for all: a little is lost.
        crowded = any(b.time_s - a.time_s < spread / BINS for a, b in pairwise(take.samples))
        assert smooth == pytest.approx(mean_around(take, at, spread), abs=0.2 if crowded else 2e-3)


@given(st.lists(gaps, min_size=1, max_size=30), st.floats(-1, 20), spreads)
def test_weights_are_a_bounded_number_of_shares_of_one(steps: list[float], at: float, spread: float) -> None:
    times = [math.fsum(steps[1 : n + 1]) for n in range(len(steps))]
    weighted = smoothing_weights(times.__getitem__, len(times), at, spread, HELD_S)
    assert [index for index, _ in weighted] == sorted({index for index, _ in weighted})
    assert all(weight > 0 for _, weight in weighted)
    assert math.fsum(weight for _, weight in weighted) == pytest.approx(1)


@given(scenes(), spreads, st.floats(0, 10))
def test_what_rests_stays_exactly_as_it_is(scene: Scene, spread: float, at: float) -> None:
    take = Take(samples=tuple(Sample(time_s=time_s, scene=scene) for time_s in (0.0, 0.02, 3.0, 10.0)))
    assert scene_at(Walk(clips=(Clip(take=take, smooth_s=spread),)), at) == scene


@pytest.mark.parametrize("spread", [0.1, 0.4, 1.0, 5.0])
@pytest.mark.parametrize("kind", ["noise", "every other"])
def test_a_trembling_hand_is_steadied(spread: float, kind: str) -> None:
    steps = np.arange(60 * 30)
    tremor = np.random.RandomState(0).randn(len(steps)) if kind == "noise" else (-1.0) ** steps
    slope = 0.02  # a second: the hand's way
    clip = Clip(take=even(slope * steps / 60 + 0.05 * tremor, 60), smooth_s=spread)
    seen = np.array([psi_at(clip, 15 + n / 60) for n in range(30)]) - slope * (15 + np.arange(30) / 60)
    # As of a mean: the deviation falls with the root of the number. From frame to frame hardly any of it is left.
    assert np.abs(seen).max() < 0.05 * 4 / math.sqrt(min(60 * spread, 2 * BINS))
    assert np.abs(np.diff(seen)).max() < 0.05 * 0.1 / spread / 60 * 16


def test_smoothing_keeps_a_steady_pace() -> None:
    clip = Clip(take=even(np.linspace(0, 1, 1800), 60), smooth_s=2.0)
    pace = np.diff([psi_at(clip, 10 + n / 30) for n in range(60)])
    assert pace == pytest.approx(1 / 30 * 60 / 1799, rel=1e-6)


def test_a_long_take_costs_no_more_than_a_short_one() -> None:
    times = [n / 60 for n in range(60 * 300)]
    asked: list[int] = []

    def time(index: int) -> float:
        asked.append(index)
        return times[index]

    for at in (0.0, 150.0, 299.0):
        for spread in (0.01, 0.1, 1.0, 5.0):
            asked.clear()
            weighted = smoothing_weights(time, len(times), at, spread, HELD_S)
            assert len(weighted) <= 2 * (2 * REACH * BINS + 3)
            assert len(asked) < 20 * (2 * REACH * BINS + 5)


def test_people_are_blended_but_models_are_not() -> None:
    first, second = (Scene(latent=Latent(seed=seed)) for seed in (1, 2))
    other = Scene(model=ModelRef(digest="b"), latent=Latent(seed=3))
    take = Take(
        samples=tuple(Sample(time_s=time_s, scene=scene) for time_s, scene in ((0, first), (1, second), (2, other)))
    )
    walk = Walk(
        clips=(
            Clip(
                take=take.model_copy(update={"samples": (*take.samples, Sample(time_s=4, scene=other))}), smooth_s=0.2
            ),
        )
    )
    assert {share.latent.seed for share in scene_at(walk, 1.0).latent.blend} == {1, 2}
    assert {share.latent.seed for share in scene_at(walk, 1.4).latent.blend} == {1, 2}
    assert scene_at(walk, 1.9) == second
    assert scene_at(walk, 2.1) == other
