"""Walks made at random: as many people as asked for, loops that close, a speed that stays."""

import math
from itertools import pairwise

import pytest
import torch

from stylegan_core.latent import scene_ws
from stylegan_core.models import ModelStore
from stylegan_core.render import Renderer
from stylegan_core.scene import Grid, Latent, Look, ModelRef, Noise, Scene, Source, Truncation
from stylegan_core.walk import Walk, frame_times, scene_at
from stylegan_core.walk_file import walk_from_json, walk_to_json
from stylegan_core.wander import noise_circle, random_walk, steady
from tests.strategies import tiny_model

MODEL = tiny_model(16)
FINER = 8  # pieces that a frame's way is measured in: it may turn sharply
BASE = Scene(model=ModelRef(digest=MODEL.card.digest), truncation=Truncation(psi=0.8))


@pytest.fixture
def renderer() -> Renderer:
    models = ModelStore("cpu")
    models.add(MODEL)
    return Renderer(models)


def steps(walk: Walk) -> list[float]:
    """How long the way in w is from each frame to the next, and from the last to the first."""
    found = [scene_ws(scene_at(walk, time), MODEL).double() for time in frame_times(walk, 10 * FINER)]
    pieces = [float((b - a).norm()) for a, b in pairwise([*found, found[0]])]
    return [sum(pieces[place : place + FINER]) for place in range(0, len(pieces), FINER)]


def test_people_at_random_are_as_many_as_asked_for_and_the_same_for_a_seed() -> None:
    walk = random_walk(BASE, 5, 10.0, seed=3)
    assert [key.time_s for key in walk.keys] == [0.0, 2.0, 4.0, 6.0, 8.0] and walk.loop and walk.duration_s == 10.0
    assert len({key.scene.latent.seed for key in walk.keys}) == 5
    assert {key.scene.truncation.psi for key in walk.keys} == {0.8}
    assert walk == random_walk(BASE, 5, 10.0, seed=3) != random_walk(BASE, 5, 10.0, seed=4)
    assert [key.time_s for key in random_walk(BASE, 3, 10.0, seed=3, loop=False).keys] == [0.0, 5.0, 10.0]


@pytest.mark.parametrize("count", [-1, 0, 1, 2, 3])
def test_any_number_of_people_makes_a_walk(count: int) -> None:
    assert len(random_walk(BASE, count, 10.0, seed=-1).keys) == max(count, 2)


def test_only_what_the_picture_depends_on_is_taken_over() -> None:
    base = BASE.model_copy(update={"grid": Grid(rows=(Source(),)), "look": Look(at="layer", layer="b4.conv1")})
    for walk in (random_walk(base, 2, 1.0, 0), noise_circle(base, 1.0, 0)):
        assert all(key.scene.grid == Grid() and key.scene.look == Look() for key in walk.keys)


def test_a_circle_of_noise_goes_round_at_one_speed() -> None:
    walk = noise_circle(BASE.model_copy(update={"latent": Latent(seed=7), "noise": Noise(strength=2.0)}), 6.0, 11)
    angles = [math.radians(scene_at(walk, time).noise.angle) for time in frame_times(walk, 10)]
    turns = [(b - a + math.pi) % math.tau - math.pi for a, b in pairwise([*angles, angles[0]])]
    assert turns == pytest.approx([math.tau / 60] * 60)
    scenes = [scene_at(walk, time) for time in frame_times(walk, 10)]
    assert {scene.latent.seed for scene in scenes} == {7} and {scene.noise.strength for scene in scenes} == {2.0}
    assert {(scene.noise.mode, scene.noise.seed, scene.noise.other) for scene in scenes} == {("random", 11, 12)}


def test_a_steady_loop_has_one_speed_in_w_past_the_same_people(renderer: Renderer) -> None:
    walk = random_walk(BASE, 4, 6.0, seed=1)
    found = steady(walk, renderer)
    assert [key.scene for key in found.keys] == [key.scene for key in walk.keys] and found.duration_s == 6.0
    assert all(scene_at(found, key.time_s) == key.scene for key in found.keys)
    uneven, even = steps(walk), steps(found)
    assert max(even) / min(even) < 1.1 < max(uneven) / min(uneven)
    assert walk_from_json(walk_to_json(found)) == found


def test_a_steady_walk_between_pictures_has_a_steadier_picture(renderer: Renderer) -> None:
    def changes(walk: Walk) -> list[float]:
        images = [renderer.image(scene_at(walk, time)) for time in frame_times(walk, 20)]
        return [float((b - a).norm()) for a, b in pairwise([*images, images[0]])]

    walk = random_walk(BASE, 3, 2.0, seed=2)
    before, after = (torch.tensor(changes(each)) for each in (walk, steady(walk, renderer, "pictures")))
    assert after.std() / after.mean() < 0.5 * before.std() / before.mean()


def test_an_open_way_keeps_its_ends_and_nothing_to_go_stays(renderer: Renderer) -> None:
    found = steady(random_walk(BASE, 4, 6.0, seed=1, loop=False), renderer)
    assert (found.keys[0].time_s, found.keys[-1].time_s) == (0.0, pytest.approx(6.0))
    still = random_walk(BASE, 3, 6.0, seed=1)
    keys = tuple(key.model_copy(update={"scene": BASE}) for key in still.keys)
    still = still.model_copy(update={"keys": keys})
    assert steady(still, renderer) == still
    assert steady(Walk(keys=keys[:1]), renderer) == Walk(keys=keys[:1])


def test_progress_is_told_and_a_poll_may_drop_it(renderer: Renderer) -> None:
    told: list[float] = []
    steady(random_walk(BASE, 2, 1.0, seed=1), renderer, progress=told.append)
    assert told == sorted(told) and told[-1] == 1.0

    def drop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        steady(random_walk(BASE, 2, 1.0, seed=1), renderer, poll=drop)
