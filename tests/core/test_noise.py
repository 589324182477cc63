"""Noise maps: what the Scene asks for, the same on every run, whatever else draws random numbers."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from stylegan_core import edits
from stylegan_core.noise import as_noise, layer_key, noise_maps, random_map
from stylegan_core.scene import MAX_POINTS, MAX_SEED, MAX_STROKES, LayerSeed, Noise, Scene, Stroke
from stylegan_core.strokes import Line, coverage, joined
from tests.strategies import amounts, noises, tiny_model

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
    own = {item.layer: (item.seed, item.other, item.angle) for item in noise.reseeded}
    seed, other, angle = own.get(layer, (noise.seed if noise.mode == "random" else None, noise.other, noise.angle))
    values = CONST.double().numpy()
    if seed is not None:
        there, across = (random_map(each, layer, 8)[0, 0].double().numpy() for each in (seed, other))
        values = math.cos(math.radians(angle)) * there + math.sin(math.radians(angle)) * across
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


def test_on_a_circle_of_noise_every_map_has_unit_variance_and_its_quarters_are_the_seeds() -> None:
    whole = [random_map(seed, 0, 64) for seed in (3, 4)]
    quarters = [Noise(mode="random", seed=3, other=4, angle=angle) for angle in (0.0, 90.0, 180.0)]
    found = [noise_maps(noise)(0, torch.zeros(64, 64)) for noise in quarters]
    for map_, wanted in zip(found, (whole[0], whole[1], -whole[0]), strict=True):
        assert map_ is not None and torch.allclose(map_, wanted, atol=1e-6)
    between = noise_maps(Noise(mode="random", seed=3, other=4, angle=37.0))(0, torch.zeros(64, 64))
    assert between is not None and abs(float(between.std()) - 1) < 0.05


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


# -- painted and trained maps ------------------------------------------------------------------------------------------

STROKE = Stroke(layer=2, points=((0.5, 0.5),), radius=0.3, value=3.0)


@pytest.mark.parametrize(
    "noise", [Noise(), Noise(mode="random", seed=5), Noise(reseeded=(LayerSeed(layer=2, seed=1),))]
)
def test_a_stroke_is_painted_on_its_layer_whatever_the_map(noise: Noise) -> None:
    with_stroke = noise.model_copy(update={"strokes": (STROKE,), "strength": 2.0})
    plain = noise.model_copy(update={"strength": 2.0})
    for layer, (a, b) in enumerate(zip(maps(plain), maps(with_stroke), strict=True)):
        painted = STROKE.value * coverage(STROKE.points, STROKE.radius, 8) if layer == 2 else torch.zeros(8, 8)
        torch.testing.assert_close(b, a + 2 * painted[None, None])
        assert (layer_key(plain, layer) == layer_key(with_stroke, layer)) == (layer != 2)


def test_nothing_is_painted_where_there_is_no_noise() -> None:
    for noise in (Noise(mode="none"), Noise(strength=0.0), Noise(layers=(1.0, 1.0, 0.0, 1.0))):
        painted = noise.model_copy(update={"strokes": (STROKE,)})
        assert maps(painted)[2] is None and layer_key(painted, 2) == ("none",)


def test_a_layer_keeps_its_trained_map_while_others_are_random() -> None:
    noise = edits.keep_trained(Scene(noise=Noise(mode="random", seed=5)), 1).noise
    assert [torch.equal(found[0, 0], CONST) for found in maps(noise)] == [False, True, False, False]
    assert layer_key(noise, 1) == layer_key(Noise(), 1)


# -- edits of strokes --------------------------------------------------------------------------------------------------

on_map = st.tuples(amounts, amounts)


def stroke_to(scene: Scene, *points: tuple[float, float], radius: float = 0.1) -> Scene:
    scene = edits.begin_stroke(scene, 2, points[0], radius, 3.0, "add")
    for point in points[1:]:
        scene = edits.extend_stroke(scene, point)
    return scene


def test_a_stroke_begins_as_a_dot_and_follows_the_hand() -> None:
    scene = stroke_to(Scene(), (0.25, 0.5), (0.5, 0.5), (0.5, 0.75))
    stroke = Stroke(layer=2, points=((0.25, 0.5), (0.5, 0.5), (0.5, 0.75)), radius=0.1, value=3.0)
    assert scene.noise.strokes == (stroke,)
    assert stroke_to(scene, (0.0, 0.0)).noise.strokes == (stroke, stroke.model_copy(update={"points": ((0.0, 0.0),)}))


def test_the_brush_stays_within_its_ranges() -> None:
    scene = edits.begin_stroke(Scene(), 0, (-1.0, 2.0), 0.0, 99.0, "set")
    (stroke,) = edits.extend_stroke(scene, (math.inf, 0.5)).noise.strokes
    assert stroke == Stroke(layer=0, points=((0.0, 1.0), (1.0, 0.5)), radius=0.001, value=10.0, mode="set")


@pytest.mark.parametrize("point", [(math.nan, 0.5), (0.5, math.nan)])
def test_a_point_that_is_no_number_is_nowhere(point: tuple[float, float]) -> None:
    scene = stroke_to(Scene(), (0.5, 0.5))
    assert stroke_to(scene, point) == edits.extend_stroke(scene, point) == scene


def test_nothing_is_drawn_on_where_nothing_was_begun() -> None:
    assert edits.extend_stroke(Scene(), (0.5, 0.5)) == Scene()


@given(st.lists(on_map, min_size=1, max_size=12), st.floats(0.001, 1))
def test_a_stroke_ends_at_the_hand_and_holds_no_more_than_shows(
    points: list[tuple[float, float]], radius: float
) -> None:
    (stroke,) = stroke_to(Scene(), *points, radius=radius).noise.strokes
    assert stroke.points[0] == points[0] and stroke.points[-1] == points[-1]
    assert set(stroke.points) <= set(points)
    for a, b in pairwise(stroke.points[:-1]):
        assert math.dist(a, b) >= radius / 4
    for point in points:  # what was left out is on the line but for a quarter of the brush
        assert min(math.dist(point, kept) for kept in stroke.points) <= radius / 2


def test_a_line_too_long_for_a_stroke_goes_on_in_another_that_paints_as_one_with_it() -> None:
    path = [(0.1 + 0.8 * k / 999, 0.5 + 0.3 * (k % 2)) for k in range(1000)]
    first, second = stroke_to(Scene(), *path, radius=0.01).noise.strokes
    assert len(first.points) == MAX_POINTS and second.points[0] == first.points[-1]
    assert first.points + second.points[1:] == tuple(path)
    assert joined((first, second)) == (Line(tuple(path), 0.01, 3.0, "add"),)


def test_a_scene_holds_so_many_strokes_and_no_more() -> None:
    dot = Stroke(layer=0, points=((0.5, 0.5),), radius=0.1, value=1.0)
    almost = Scene(noise=Noise(strokes=(dot,) * (MAX_STROKES - 1)))
    full = stroke_to(almost, *((0.1, 0.001 * k) for k in range(MAX_POINTS)), radius=0.001)
    assert len(full.noise.strokes) == MAX_STROKES and len(full.noise.strokes[-1].points) == MAX_POINTS
    assert edits.begin_stroke(full, 0, (0.5, 0.5), 0.1, 1.0, "add") == full
    assert edits.extend_stroke(full, (0.9, 0.9)) == full


def test_strokes_are_taken_off_one_layer_or_all() -> None:
    scene = edits.begin_stroke(stroke_to(Scene(), (0.5, 0.5)), 0, (0.5, 0.5), 0.1, 1.0, "set")
    assert [stroke.layer for stroke in edits.clear_strokes(scene, 2).noise.strokes] == [0]
    assert edits.clear_strokes(scene, 1) == scene
    assert edits.clear_strokes(scene, None) == Scene()


# -- transplants -------------------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(noises(COUNT), noises(COUNT), st.sets(st.integers(0, COUNT - 1)))
def test_a_transplant_takes_over_some_layers_exactly(noise: Noise, other: Noise, layers: set[int]) -> None:
    result = edits.transplant_noise(Scene(noise=noise), other, layers, COUNT).noise
    for layer, found in enumerate(maps(result)):
        assert same(found, maps(other if layer in layers else noise)[layer])


@pytest.mark.parametrize("mode", ["const", "none", "random"])
@pytest.mark.parametrize("others", ["const", "none", "random"])
def test_transplants_between_all_modes(mode: str, others: str) -> None:
    noise = Noise(mode=mode, seed=1, strength=2.0, reseeded=(LayerSeed(layer=1, seed=9),), strokes=(STROKE,))
    other = Noise(mode=others, seed=3, strength=9.0, layers=(1.0, 0.5, 7.0, 0.0), strokes=(STROKE, STROKE))
    other = other.model_copy(update={"reseeded": (LayerSeed(layer=2, seed=None),)})
    for layers in ([], [0], [1, 2], [3], range(COUNT)):
        result = edits.transplant_noise(Scene(noise=noise), other, layers, COUNT).noise
        for layer, found in enumerate(maps(result)):
            assert same(found, maps(other if layer in layers else noise)[layer])


def test_a_transplant_changes_no_more_than_it_must() -> None:
    noise = Noise(mode="random", seed=1, strength=0.5, layers=(1.0, 2.0, 3.0, 4.0))
    other = Noise(strength=0.25)
    result = edits.transplant_noise(Scene(noise=noise), other, [1, 99, -1], COUNT).noise
    layers = (1.0, 0.5, 3.0, 4.0)  # 0.5 * 0.5 is the other's 0.25
    assert result == noise.model_copy(update={"layers": layers, "reseeded": (LayerSeed(layer=1, seed=None),)})
    for unchanged in (noise, Noise(), Noise(mode="none", strength=3.0)):
        assert edits.transplant_noise(Scene(noise=unchanged), unchanged, [0, 1], COUNT).noise.layers == unchanged.layers
    assert edits.transplant_noise(Scene(noise=noise), other, [], COUNT).noise == noise


def test_a_transplant_that_would_not_fit_changes_nothing() -> None:
    noise = Noise(strokes=(STROKE.model_copy(update={"layer": 0}),) * MAX_STROKES)
    assert edits.transplant_noise(Scene(noise=noise), Noise(strokes=(STROKE,)), [2], COUNT) == Scene(noise=noise)
