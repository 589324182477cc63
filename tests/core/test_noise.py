"""Noise maps: what the Scene asks for, the same on every run, whatever else draws random numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from stylegan_core.noise import as_noise, layer_key, noise_maps, random_map
from stylegan_core.scene import MAX_SEED, LayerSeed, Noise
from stylegan_core.strokes import coverage
from tests.strategies import noises, tiny_model

COUNT = 4
CONST = torch.linspace(-2, 2, 64).reshape(8, 8)


def maps(noise: Noise) -> list[Tensor | None]:
    layer_map = noise_maps(noise)
    return [layer_map(layer, CONST) for layer in range(COUNT)]


def same(a: Tensor | None, b: Tensor | None) -> bool:
    return a is b if a is None or b is None else torch.equal(a, b)


def test_random_maps_are_unit_normal_and_their_own() -> None:
    values = random_map(3, 0, 128)
    assert values.shape == (1, 1, 128, 128) and values.dtype == torch.float32
    assert abs(values.mean()) < 0.03 and abs(values.std() - 1) < 0.03
    assert torch.equal(values, random_map(3, 0, 128))
    others = [random_map(3, 1, 128), random_map(4, 0, 128), random_map(MAX_SEED, 63, 128)]
    assert not any(torch.equal(values, other) for other in others)


def test_no_two_of_seed_and_layer_share_a_map() -> None:
    found = {random_map(seed, layer, 4).numpy().tobytes() for seed in range(20) for layer in range(64)}
    assert len(found) == 20 * 64


def test_the_global_generator_neither_matters_nor_moves() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = random_map(9, 2, 16)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(random_map(9, 2, 16), first)


def expected(noise: Noise, layer: int) -> np.ndarray | None:
    """One layer's map as the Scene's words mean it, in float64."""
    strength = noise.strength * (noise.layers[layer] if noise.layers else 1)
    if noise.mode == "none" or strength == 0:
        return None
    own = {item.layer: item.seed for item in noise.reseeded}
    seed = own.get(layer, noise.seed if noise.mode == "random" else None)
    values = (CONST if seed is None else random_map(seed, layer, 8)[0, 0]).double().numpy()
    for stroke in noise.strokes:
        if stroke.layer == layer:
            covered = coverage(stroke.points, stroke.radius, 8).double().numpy()
            values = values * (1 - covered if stroke.mode == "set" else 1) + stroke.value * covered
    return values * strength


@given(noises(COUNT))
def test_maps_are_what_the_scene_says(noise: Noise) -> None:
    for layer, found in enumerate(maps(noise)):
        wanted = expected(noise, layer)
        if wanted is None:
            assert found is None
            continue
        assert found is not None and found.shape == (1, 1, 8, 8) and found.dtype == torch.float32
        np.testing.assert_allclose(found[0, 0], wanted, rtol=1e-5, atol=1e-5 * max(noise.strength, 1e-30))


@given(noises(COUNT), noises(COUNT), st.sampled_from([*Noise.model_fields, None]))
def test_keys_are_equal_exactly_where_maps_are(noise: Noise, other: Noise, changed: str | None) -> None:
    if changed is not None:  # two drawn at random hardly ever agree
        other = noise.model_copy(update={changed: getattr(other, changed)})
    for layer, (a, b) in enumerate(zip(maps(noise), maps(other), strict=True)):
        if layer_key(noise, layer) == layer_key(other, layer):
            assert same(a, b)
        elif a is not None and b is not None:
            x, y = expected(noise, layer), expected(other, layer)
            assert x is not None and y is not None
            if np.abs(x - y).max() > 1e-4 * max(np.abs(x).max(), np.abs(y).max(), 1e-30):
                assert not same(a, b)  # what is closer may round to one map


def test_a_seed_of_its_own_makes_the_map_that_the_mode_would() -> None:
    """One map, one key: a layer keeps its cached block when its seed is pinned."""
    random, pinned = Noise(mode="random", seed=7), Noise(seed=3, reseeded=(LayerSeed(layer=2, seed=7),))
    assert layer_key(random, 2) == layer_key(pinned, 2)
    assert same(maps(random)[2], maps(pinned)[2])


@pytest.mark.parametrize(
    "noise", [Noise(strength=0.0), Noise(mode="random", layers=(0.0,) * COUNT), Noise(mode="none", strength=5.0)]
)
def test_strength_0_is_no_noise(noise: Noise) -> None:
    assert maps(noise) == [None] * COUNT
    assert {layer_key(noise, layer) for layer in range(COUNT)} == {("none",)}


def test_trained_maps_are_not_written_to() -> None:
    before = CONST.clone()
    assert not torch.equal(maps(Noise(strength=3.0))[0][0, 0], CONST)
    assert torch.equal(CONST, before)


def test_words_for_noise() -> None:
    noise = Noise(mode="random", seed=3)
    assert as_noise("const") == Noise() and as_noise("none") == Noise(mode="none")
    assert as_noise(3) == noise and as_noise(noise) is noise
    with pytest.raises(ValueError, match="noise is 'loud'; it may be 'const', 'none', a seed or a Noise"):
        as_noise("loud")


def test_a_picture_s_noise_does_not_depend_on_its_batch() -> None:
    model = tiny_model(16)
    ws = model.map(torch.from_numpy(np.random.RandomState(0).randn(3, model.card.z_dim)).float())
    together = model.synthesize(ws, noise=5)
    for index in range(3):
        torch.testing.assert_close(
            together[index], model.synthesize(ws[index : index + 1], noise=5)[0], atol=1e-5, rtol=0
        )
    assert not torch.equal(together, model.synthesize(ws, noise=6))
    assert torch.equal(model.synthesize(ws, noise="none"), model.synthesize(ws, noise=Noise(strength=0.0)))
