"""Several people mixed into one, one after another; edits say which of them they mean."""

import torch

from stylegan_core import edits
from stylegan_core.latent import map_latent, scene_ws
from stylegan_core.scene import MAX_SEED, Latent, Mix, Scene, Truncation
from tests.strategies import tiny_model

MODEL = tiny_model(16)
NUM_WS = MODEL.card.num_ws


def seeds(scene: Scene) -> list[int]:
    return [mix.latent.seed for mix in scene.mixing]


def test_people_are_added_as_seeds_or_latents_until_there_are_enough() -> None:
    scene = edits.add_mix(edits.add_mix(Scene(), -1, 2), Latent(seed=5, x=0.5), 2)
    assert scene.mixing == (
        Mix(latent=Latent(seed=MAX_SEED), amounts=(0.0, 0.0)),
        Mix(latent=Latent(seed=5, x=0.5), amounts=(0.0, 0.0)),
    )
    for seed in range(20):
        scene = edits.add_mix(scene, seed, 2)
    assert len(scene.mixing) == edits.MAX_MIXES == 8
    full = edits.set_mix_amount(edits.set_mix_seed(scene, 77, 2, 8), [0], 1, 2, 8)
    assert full == scene


def test_edits_reach_the_person_they_name_and_nobody_else() -> None:
    scene = edits.add_mix(edits.add_mix(edits.add_mix(Scene(), 1, 3), 2, 3), 3, 3)
    scene = edits.set_mix_amount(scene, [0, 2], 0.5, 3, source=1)
    assert [mix.amounts for mix in scene.mixing] == [(0.0,) * 3, (0.5, 0.0, 0.5), (0.0,) * 3]
    scene = edits.set_mix_seed(scene, 9, 3, source=1)
    scene = edits.set_mix_latent(scene, Latent(seed=8, y=0.25), 3, source=2)
    assert [mix.latent for mix in scene.mixing] == [Latent(seed=1), Latent(seed=9), Latent(seed=8, y=0.25)]
    assert scene.mixing[1].amounts == (0.5, 0.0, 0.5)
    assert seeds(edits.remove_mix(scene, 0)) == [9, 8]
    assert edits.remove_mix(scene, 3) == edits.remove_mix(scene, -1) == scene


def test_the_next_person_comes_with_the_first_edit_of_it_and_none_is_left_out() -> None:
    scene = Scene(latent=Latent(seed=4))
    assert edits.set_mix_amount(scene, [1], 1, 2).mixing == (Mix(latent=Latent(seed=5), amounts=(0.0, 1.0)),)
    scene = edits.set_mix_amount(edits.set_mix_seed(scene, 7, 2), [0], 0.25, 2, source=1)
    assert scene.mixing[1] == Mix(latent=Latent(seed=6), amounts=(0.25, 0.0))
    assert edits.set_mix_seed(scene, 1, 2, source=3) == edits.set_mix_amount(scene, [0], 1, 2, source=3) == scene


def test_each_is_mixed_into_what_those_before_have_made() -> None:
    people = [map_latent(MODEL, Latent(seed=seed), ()) for seed in (1, 2, 3)]
    scene = Scene(latent=Latent(seed=1), truncation=Truncation(psi=1.0))
    scene = edits.set_mix_amount(edits.set_mix_seed(scene, 2, NUM_WS), [0, 1], 0.5, NUM_WS)
    scene = edits.set_mix_amount(edits.add_mix(scene, 3, NUM_WS), [1, 2], 1, NUM_WS, source=1)
    ws = scene_ws(scene, MODEL)
    torch.testing.assert_close(ws[:, 0], (people[0] + people[1])[:, 0] / 2)
    assert torch.equal(ws[:, 1:3], people[2][:, 1:3]) and torch.equal(ws[:, 3:], people[0][:, 3:])
