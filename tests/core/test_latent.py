"""From seeds to style vectors, against the plain formulas in float64."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given

from stylegan_core.latent import (
    blend_z,
    class_vector,
    corners,
    has_z,
    latent_z,
    map_latent,
    scene_ws,
    seed_z,
    style_keys,
)
from stylegan_core.model import Model
from stylegan_core.scene import MAX_SEED, ROW, ClassWeight, Latent, Mix, Projected, Scene, Share, Truncation
from tests.strategies import mixes, points, scenes, tiny_model, truncations

MODEL = tiny_model(16)
CONDITIONAL = tiny_model(16, c_dim=4)
NUM_WS, Z_DIM = MODEL.card.num_ws, MODEL.card.z_dim


def reference_z(seed: int) -> np.ndarray:
    return np.random.RandomState(seed).randn(Z_DIM)


def reference_corners(latent: Latent) -> list[tuple[int, float]]:
    x, y, seed = latent.x, latent.y, latent.seed
    people = [(seed, (1 - x) * (1 - y)), (seed + 1, x * (1 - y)), (seed + ROW, (1 - x) * y), (seed + ROW + 1, x * y)]
    return [(person % 2**32, weight) for person, weight in people]


def reference_w(model: Model, z: np.ndarray, c: list[float] | None = None) -> np.ndarray:
    """The mapping network in float64: normalise, embed, fully connected layers with leaky ReLU."""
    state = {name: tensor.double().numpy() for name, tensor in model.network.mapping.state_dict().items()}

    def normalised(x: np.ndarray) -> np.ndarray:
        return x / math.sqrt((x**2).mean() + 1e-8)

    x = normalised(z)
    if c is not None:
        embedded = state["embed.weight"] @ np.array(c) / math.sqrt(len(c)) + state["embed.bias"]
        x = np.concatenate([x, normalised(embedded)])
    for index in range(model.network.config.mapping_layers):
        weight, bias = state[f"fc{index}.weight"], state[f"fc{index}.bias"]
        x = 0.01 * weight @ x / math.sqrt(len(x)) + 0.01 * bias
        x = math.sqrt(2) * np.where(x > 0, x, 0.2 * x)
    return x


def reference_sphere(zs: list[np.ndarray], weights: list[float]) -> np.ndarray:
    """Of two: Shoemake's slerp of directions; of more: the direction of the weighted sum. Lengths are averaged."""
    lengths = [float(np.linalg.norm(z)) for z in zs]
    units = [z / length for z, length in zip(zs, lengths, strict=True)]
    length = sum(weight * each for weight, each in zip(weights, lengths, strict=True))
    angle = math.acos(min(max(float(units[0] @ units[1]), -1), 1)) if len(units) == 2 else 0.0
    if angle > 1e-4:
        first, second = math.sin((1 - weights[1]) * angle), math.sin(weights[1] * angle)
        return length * (first * units[0] + second * units[1]) / math.sin(angle)
    total = sum(weight * unit for weight, unit in zip(weights, units, strict=True))
    assume(np.linalg.norm(total) > 1e-2)  # opposite ones have no direction between them
    return length * total / np.linalg.norm(total)


def reference_ws(scene: Scene, model: Model) -> np.ndarray:
    num_ws = model.card.num_ws
    c = None
    if model.card.c_dim:
        weights = [0.0] * model.card.c_dim
        for item in scene.classes:
            weights[item.index] += item.weight
        c = [weight / (sum(weights) or 1) for weight in weights]

    def z_of(latent: Latent) -> np.ndarray:
        if latent.blend:
            return reference_sphere([z_of(share.latent) for share in latent.blend], [s.weight for s in latent.blend])
        people = reference_corners(latent)
        length = math.sqrt(sum(weight**2 for _, weight in people))
        return sum(weight * reference_z(seed) for seed, weight in people) / length

    def w_of(latent: Latent) -> np.ndarray:
        if latent.blend and has_z(latent):
            return reference_w(model, z_of(latent), c)
        if latent.blend:
            return sum(share.weight * w_of(share.latent) for share in latent.blend)
        people = reference_corners(latent)
        if latent.space == "w":
            return sum(weight * reference_w(model, reference_z(seed), c) for seed, weight in people)
        return reference_w(model, z_of(latent), c)

    ws = np.stack([w_of(scene.latent)] * num_ws)
    for mix in scene.mixing:
        second, amounts = w_of(mix.latent), np.array(mix.amounts)[:, None]
        ws = ws + amounts * (second - ws)
    psi = np.array(scene.truncation.layers or [scene.truncation.psi] * num_ws)
    if scene.truncation.cutoff is not None:
        psi[scene.truncation.cutoff :] = 1
    w_avg = model.w_avg.double().numpy()
    return w_avg + psi[:, None] * (ws - w_avg)


@pytest.mark.parametrize("seed", [0, 1, 4321, MAX_SEED])
def test_a_seed_is_the_official_z(seed: int) -> None:
    z = seed_z(seed, Z_DIM)
    assert z.dtype == torch.float32 and z.shape == (1, Z_DIM)
    assert np.array_equal(z.numpy()[0], reference_z(seed).astype(np.float32))


def test_drawing_a_seed_leaves_the_global_generators_alone() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    seed_z.cache_clear()
    ours, theirs = torch.get_rng_state(), np.random.get_state()[1].copy()
    seed_z(77, Z_DIM)
    assert torch.equal(torch.get_rng_state(), ours) and np.array_equal(np.random.get_state()[1], theirs)


@given(points)
def test_corners_are_bilinear(latent: Latent) -> None:
    found = corners(latent)
    assert math.isclose(sum(weight for _, weight in found), 1, rel_tol=1e-12)
    assert list(found) == [(seed, weight) for seed, weight in reference_corners(latent) if weight > 0]


@given(points)
def test_a_blend_in_z_has_unit_variance(latent: Latent) -> None:
    """The sum of independent unit normals has the variance of the summed squares of its weights."""
    people = [(seed, weight) for seed, weight in reference_corners(latent) if weight > 0]
    length = math.sqrt(sum(weight**2 for _, weight in people))
    weights = [weight / length for _, weight in people]
    assert math.isclose(sum(weight**2 for weight in weights), 1, rel_tol=1e-12)
    expected = sum(weight * reference_z(seed) for weight, (seed, _) in zip(weights, people, strict=True))
    np.testing.assert_allclose(blend_z(latent, Z_DIM).numpy()[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_on_the_way_from_one_to_another_on_the_sphere_each_step_is_as_long(share: float) -> None:
    def at(weight: float) -> torch.Tensor:
        shares = (Share(latent=Latent(seed=3), weight=1 - weight), Share(latent=Latent(seed=4), weight=weight))
        return latent_z(Latent(space="z", blend=shares), Z_DIM)[0].double()

    def angle(a: torch.Tensor, b: torch.Tensor) -> float:
        return float(torch.arccos((a @ b / (a.norm() * b.norm())).clamp(-1, 1)))

    whole = angle(at(0.0), at(1.0))
    assert angle(at(0.0), at(share)) == pytest.approx(share * whole, abs=1e-3)
    lengths = [float(at(weight).norm()) for weight in (0.0, share, 1.0)]
    assert lengths[1] == pytest.approx(lengths[0] + share * (lengths[2] - lengths[0]), rel=1e-5)


def test_who_was_blended_in_w_or_projected_has_no_z() -> None:
    person, pair = Latent(seed=1), Latent(seed=1, x=0.5)
    assert has_z(person) and not has_z(pair) and has_z(pair.model_copy(update={"space": "z"}))
    assert not has_z(Latent(projected=Projected(digest="ab")))
    for latent, there in ((person, True), (pair, False)):
        assert has_z(Latent(space="z", blend=(Share(latent=latent, weight=1.0),))) == there
    assert not has_z(Latent(space="w", blend=(Share(latent=person, weight=1.0),)))


@pytest.mark.parametrize("space", ["z", "w"])
@pytest.mark.parametrize("seed", [0, 12, MAX_SEED])
def test_on_a_person_w_is_exactly_the_person_s(seed: int, space: str) -> None:
    ws = map_latent(MODEL, Latent(seed=seed, space=space), ())
    assert torch.equal(ws, MODEL.map(seed_z(seed, Z_DIM)))


@given(scenes(num_ws=NUM_WS, c_dim=0))
def test_ws_are_what_the_formulas_say(scene: Scene) -> None:
    np.testing.assert_allclose(scene_ws(scene, MODEL).numpy()[0], reference_ws(scene, MODEL), rtol=0, atol=2e-5)


@given(scenes(num_ws=CONDITIONAL.card.num_ws, c_dim=4))
def test_ws_of_a_conditional_model(scene: Scene) -> None:
    total = sum(item.weight for item in scene.classes)
    assume(total == 0 or total > 1e-30)  # what float32 can add up
    ws = scene_ws(scene, CONDITIONAL).numpy()[0]
    np.testing.assert_allclose(ws, reference_ws(scene, CONDITIONAL), rtol=0, atol=2e-5)


def test_without_truncation_and_mixing_ws_are_bit_for_bit_the_mapping_s() -> None:
    scene = Scene(latent=Latent(seed=5), truncation=Truncation(psi=1.0))
    assert torch.equal(scene_ws(scene, MODEL), MODEL.map(seed_z(5, Z_DIM)))


def test_a_mix_of_0_and_1_takes_styles_bit_for_bit() -> None:
    amounts = tuple(float(i % 2) for i in range(NUM_WS))
    mix = Mix(latent=Latent(seed=9), amounts=amounts)
    ws = scene_ws(Scene(latent=Latent(seed=5), truncation=Truncation(psi=1.0), mixing=(mix,)), MODEL)
    first, second = MODEL.map(seed_z(5, Z_DIM)), MODEL.map(seed_z(9, Z_DIM))
    for index, amount in enumerate(amounts):
        assert torch.equal(ws[:, index], (second if amount else first)[:, index])


def test_class_vectors() -> None:
    assert class_vector((), 0) is None
    assert class_vector((), 3).tolist() == [[1, 0, 0]]  # a conditional model always has a class
    two = (ClassWeight(index=2, weight=3.0), ClassWeight(index=0, weight=1.0))
    assert class_vector(two, 3).tolist() == [[0.25, 0, 0.75]]
    assert class_vector((ClassWeight(index=1, weight=0.0),), 3).tolist() == [[0, 0, 0]]
    with pytest.raises(ValueError, match=r"^class 3 does not exist; the model has classes 0 to 2\.$"):
        class_vector((ClassWeight(index=3),), 3)


def test_what_does_not_fit_the_model_is_refused() -> None:
    mix = Mix(latent=Latent(), amounts=(0.5,))
    with pytest.raises(ValueError, match=f"mixing has 1 amounts; the model has {NUM_WS} style vectors"):
        scene_ws(Scene(mixing=(mix,)), MODEL)
    with pytest.raises(ValueError, match=f"psi has 2 values; the model has {NUM_WS} style vectors"):
        scene_ws(Scene(truncation=Truncation(layers=(1.0, 1.0))), MODEL)


@given(scenes(num_ws=NUM_WS, c_dim=0), mixes(NUM_WS), truncations(NUM_WS))
def test_equal_keys_mean_equal_style_vectors(scene: Scene, mixing: tuple[Mix, ...], truncation: Truncation) -> None:
    other = Scene(latent=scene.latent, mixing=mixing, truncation=truncation)  # of others no key would ever be equal
    ws, others = scene_ws(scene, MODEL)[0], scene_ws(other, MODEL)[0]
    for index, (key, other_key) in enumerate(zip(style_keys(scene, NUM_WS), style_keys(other, NUM_WS), strict=True)):
        if key == other_key:
            assert torch.equal(ws[index], others[index])
    assert style_keys(scene, NUM_WS) == style_keys(scene.model_copy(deep=True), NUM_WS)


def test_keys_change_only_where_styles_do() -> None:
    scene = Scene(mixing=(Mix(latent=Latent(seed=9), amounts=(0.0,) * (NUM_WS - 1) + (0.5,)),))
    plain, mixed = style_keys(Scene(), NUM_WS), style_keys(scene, NUM_WS)
    assert [a == b for a, b in zip(plain, mixed, strict=True)] == [True] * (NUM_WS - 1) + [False]
    cut = style_keys(Scene(truncation=Truncation(psi=0.5, cutoff=2)), NUM_WS)
    uncut = style_keys(Scene(truncation=Truncation(psi=1.0)), NUM_WS)
    assert [a == b for a, b in zip(cut, uncut, strict=True)] == [False, False] + [True] * (NUM_WS - 2)
