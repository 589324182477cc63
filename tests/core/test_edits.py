"""Every edit of any Scene gives a valid Scene, stays within ranges, and leaves alone what it does not name."""

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.scene import (
    MAX_EDITS,
    MAX_SEED,
    ROW,
    ChannelGain,
    ClassWeight,
    Latent,
    LayerSeed,
    Look,
    Mix,
    ModelRef,
    Noise,
    Scene,
    Share,
    StyleEdit,
    Transform,
    Truncation,
    scene_from_json,
    scene_to_json,
)
from tests.strategies import latents, model_refs, noises, scenes, sources, tiny_model

CARD = tiny_model(64).card  # bands: 4-8 coarse, 16-32 middle, 64 fine
CONDITIONAL = tiny_model(16, c_dim=4).card
NUM_WS, NOISES = CARD.num_ws, len(CARD.noise_layers)

any_int = st.integers(-(10**12), 10**12)
any_float = st.one_of(st.floats(), st.sampled_from([0.0, 0.5, 1.0, -2.0, 10.0]))
layer = st.integers(0, NUM_WS - 1)
noise_layer = st.integers(0, NOISES - 1)
layer_name = st.sampled_from([layer.name for layer in CARD.layers])
axes = st.sampled_from(["rows", "columns"])
places = st.integers(-1, 3)  # in a list of a few; some are not there

# Every edit: how to call it with drawn arguments, the part it may change, whether doing it twice is doing it once.
EDITS: dict[str, tuple[Callable[..., Scene], tuple[st.SearchStrategy, ...], set[str], bool]] = {
    "set_seed": (edits.set_seed, (any_int,), {"latent"}, True),
    "step_seed": (edits.step_seed, (any_int,), {"latent"}, False),
    "move_on_plane": (edits.move_on_plane, (any_float, any_float), {"latent"}, False),
    "set_latent": (edits.set_latent, (latents,), {"latent"}, True),
    "set_space": (edits.set_space, (st.sampled_from(["z", "w"]),), {"latent"}, True),
    "set_class_weight": (edits.set_class_weight, (st.integers(0, 99), any_float), {"classes"}, True),
    "choose_class": (edits.choose_class, (st.integers(0, 99),), {"classes"}, True),
    "add_mix": (edits.add_mix, (st.one_of(latents, any_int), st.just(NUM_WS)), {"mixing"}, False),
    "remove_mix": (edits.remove_mix, (places,), {"mixing"}, False),
    "set_mix_seed": (edits.set_mix_seed, (any_int, st.just(NUM_WS), places), {"mixing"}, True),
    "set_mix_latent": (
        edits.set_mix_latent,
        (st.one_of(latents, any_int), st.just(NUM_WS), places),
        {"mixing"},
        True,
    ),
    "set_mix_amount": (
        edits.set_mix_amount,
        (st.lists(layer, max_size=4), any_float, st.just(NUM_WS), places),
        {"mixing"},
        True,
    ),
    "clear_mixing": (edits.clear_mixing, (), {"mixing"}, True),
    "add_source": (edits.add_source, (axes, sources()), {"grid"}, False),
    "remove_source": (edits.remove_source, (axes, places), {"grid"}, False),
    "move_source": (edits.move_source, (axes, places, places), {"grid"}, False),
    "shuffle_sources": (edits.shuffle_sources, (axes, any_int), {"grid"}, False),
    "swap_sources": (edits.swap_sources, (places, places), {"grid"}, False),
    "set_sources": (edits.set_sources, (axes, st.lists(sources(), max_size=3)), {"grid"}, True),
    "fill_sources": (edits.fill_sources, (axes, any_int, any_int), {"grid"}, True),
    "set_grid_layers": (edits.set_grid_layers, (st.lists(any_int | st.integers(0, 70), max_size=9),), {"grid"}, True),
    "set_grid_psi": (edits.set_grid_psi, (st.one_of(st.none(), any_float),), {"grid"}, True),
    "set_psi": (edits.set_psi, (any_float,), {"truncation"}, True),
    "set_layer_psi": (edits.set_layer_psi, (layer, any_float, st.just(NUM_WS)), {"truncation"}, True),
    "set_cutoff": (edits.set_cutoff, (st.one_of(st.none(), any_int),), {"truncation"}, True),
    "truncation_preset": (
        edits.truncation_preset,
        (st.sampled_from(list(edits.TRUNCATION_PRESETS)), st.just(CARD)),
        {"truncation"},
        True,
    ),
    "set_towards": (edits.set_towards, (st.sampled_from(["mean", "class", "nearest"]),), {"truncation"}, True),
    "set_centres": (edits.set_centres, (st.one_of(any_int, any_float),), {"truncation"}, True),
    "set_noise_mode": (edits.set_noise_mode, (st.sampled_from(["const", "none", "random"]),), {"noise"}, True),
    "next_noise_mode": (edits.next_noise_mode, (), {"noise"}, False),
    "set_noise_seed": (edits.set_noise_seed, (any_int,), {"noise"}, True),
    "set_noise_angle": (edits.set_noise_angle, (any_float,), {"noise"}, True),
    "set_noise_other": (edits.set_noise_other, (any_int,), {"noise"}, True),
    "set_noise_strength": (edits.set_noise_strength, (any_float,), {"noise"}, True),
    "set_layer_noise": (edits.set_layer_noise, (noise_layer, any_float, st.just(NOISES)), {"noise"}, True),
    "reseed_layer": (edits.reseed_layer, (noise_layer, st.one_of(st.none(), any_int)), {"noise"}, True),
    "keep_trained": (edits.keep_trained, (noise_layer,), {"noise"}, True),
    "begin_stroke": (
        edits.begin_stroke,
        (noise_layer, st.tuples(any_float, any_float), any_float, any_float, st.sampled_from(["add", "set"])),
        {"noise"},
        False,
    ),
    "extend_stroke": (edits.extend_stroke, (st.tuples(any_float, any_float),), {"noise"}, True),
    "clear_strokes": (edits.clear_strokes, (st.one_of(st.none(), noise_layer),), {"noise"}, True),
    "transplant_noise": (
        edits.transplant_noise,
        (noises(NOISES), st.lists(noise_layer, max_size=4), st.just(NOISES)),
        {"noise"},
        True,
    ),
    "set_offset": (edits.set_offset, (any_float, any_float), {"transform"}, True),
    "move_picture": (edits.move_picture, (any_float, any_float), {"transform"}, False),
    "set_rotation": (edits.set_rotation, (any_float,), {"transform"}, True),
    "turn_picture": (edits.turn_picture, (any_float,), {"transform"}, False),
    "set_scale": (edits.set_scale, (any_float,), {"transform"}, True),
    "scale_picture": (edits.scale_picture, (any_float,), {"transform"}, False),
    "set_shear": (edits.set_shear, (any_float,), {"transform"}, True),
    "set_mirror": (edits.set_mirror, (st.booleans(),), {"transform"}, True),
    "set_untransform": (edits.set_untransform, (st.booleans(),), {"transform"}, True),
    "reset_transform": (edits.reset_transform, (), {"transform"}, True),
    "set_lod": (edits.set_lod, (any_float,), {"lod"}, True),
    "set_gain_db": (edits.set_gain_db, (any_float,), {"view"}, True),
    "set_channel": (edits.set_channel, (st.one_of(st.none(), st.integers(0, 15)),), {"view"}, True),
    "set_channel_gain": (edits.set_channel_gain, (layer_name, any_int, any_float), {"channels"}, True),
    "set_style": (edits.set_style, (layer_name, any_int, any_float), {"styles"}, True),
    "reset_channels": (edits.reset_channels, (st.one_of(st.none(), layer_name),), {"channels"}, True),
    "reset_styles": (edits.reset_styles, (st.one_of(st.none(), layer_name),), {"styles"}, True),
    "look_at": (
        edits.look_at,
        (st.sampled_from(["picture", "layer", "noise", "effect", "variation"]), st.one_of(st.none(), st.text())),
        {"look"},
        True,
    ),
    "set_look_show": (
        edits.set_look_show,
        (st.sampled_from(["channel", "rgb", "sheet", "strongest", "spectrum"]),),
        {"look"},
        True,
    ),
    "set_look_channels": (edits.set_look_channels, (st.lists(any_int, max_size=4),), {"look"}, True),
    "set_look_page": (edits.set_look_page, (any_int,), {"look"}, True),
    "set_look_normalise": (edits.set_look_normalise, (st.booleans(),), {"look"}, True),
    "set_ladder_first": (edits.set_ladder_first, (any_float,), {"ladder"}, True),
    "set_ladder_last": (edits.set_ladder_last, (any_float,), {"ladder"}, True),
    "set_rungs": (edits.set_rungs, (any_int,), {"ladder"}, True),
    "set_look_gain_db": (edits.set_look_gain_db, (any_float,), {"look"}, True),
    "set_look_colours": (
        edits.set_look_colours,
        (st.sampled_from(["grey", "viridis", "magma", "turbo", "diverging"]),),
        {"look"},
        True,
    ),
    "set_look_seeds": (edits.set_look_seeds, (any_int,), {"look"}, True),
    "set_spectrum_beta": (edits.set_spectrum_beta, (any_float,), {"look"}, True),
    "reset_truncation": (edits.reset_truncation, (), {"truncation"}, True),
    "reset_noise": (edits.reset_noise, (), {"noise"}, True),
    "set_scene": (edits.set_scene, (scenes(),), set(Scene.model_fields), True),
    "fit": (
        edits.fit,
        (st.sampled_from([CARD, CONDITIONAL]), model_refs),
        {
            "model",
            "classes",
            "mixing",
            "truncation",
            "noise",
            "transform",
            "lod",
            "view",
            "channels",
            "styles",
            "grid",
            "look",
        },
        True,
    ),
}


def test_the_table_names_every_edit() -> None:
    defined = {
        name
        for name, value in vars(edits).items()
        if callable(value) and getattr(value, "__module__", "").startswith(f"{edits.__name__}.")
    }
    assert defined == set(EDITS)


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_of_any_scene(name: str) -> None:
    edit, arguments, parts, idempotent = EDITS[name]

    @settings(max_examples=25)
    @given(scenes(), st.tuples(*arguments))
    def check(scene: Scene, drawn: tuple) -> None:
        before = scene_to_json(scene)
        changed = edit(scene, *drawn)
        assert scene_to_json(scene) == before
        assert scene_from_json(scene_to_json(changed)) == changed  # valid: ranges, types, finite numbers
        for part in set(Scene.model_fields) - parts:
            assert getattr(changed, part) == getattr(scene, part)
        if idempotent:
            assert edit(changed, *drawn) == changed

    check()


# -- latent ------------------------------------------------------------------------------------------------------------


@given(scenes(), any_int)
def test_a_seed_is_taken_modulo_2_to_32_and_stands_on_a_person(scene: Scene, seed: int) -> None:
    latent = edits.set_seed(scene, seed).latent
    assert (latent.seed, latent.x, latent.y, latent.space) == (seed % 2**32, 0.0, 0.0, scene.latent.space)


@pytest.mark.parametrize(
    ("x", "step", "seed"), [(0.0, 1, 11), (0.0, -1, 9), (0.5, 1, 11), (0.5, -1, 10), (0.5, -3, 8), (0.5, 3, 13)]
)
def test_a_step_leads_to_the_first_whole_position(x: float, step: int, seed: int) -> None:
    scene = edits.step_seed(Scene(latent=Latent(seed=10, x=x)), step)
    assert (scene.latent.seed, scene.latent.x) == (seed, 0.0)


def test_steps_wrap_around() -> None:
    assert edits.step_seed(Scene(latent=Latent(seed=MAX_SEED)), 1).latent.seed == 0
    assert edits.step_seed(Scene(), -1).latent.seed == MAX_SEED


@given(scenes(), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_move_lands_where_exact_arithmetic_says(scene: Scene, dx: float, dy: float) -> None:
    moved = edits.move_on_plane(scene, dx, dy).latent
    assert 0 <= moved.x < 1 and 0 <= moved.y < 1
    x, y = Fraction(scene.latent.x) + Fraction(dx), Fraction(scene.latent.y) + Fraction(dy)
    wanted = scene.latent.seed + x + ROW * y  # one number for both: a carry in y is ROW seeds
    reached = moved.seed + Fraction(moved.x) + ROW * Fraction(moved.y)
    distance = (wanted - reached) % 2**32
    assert min(distance, 2**32 - distance) < 1e-6


@given(latents, st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), max_size=20))
def test_small_moves_add_up_to_the_large_one(latent: Latent, moves: list[tuple[float, float]]) -> None:
    start = Scene(latent=latent)
    there = start
    for dx, dy in moves:
        there = edits.move_on_plane(there, dx, dy)
    at_once = edits.move_on_plane(start, math.fsum(m[0] for m in moves), math.fsum(m[1] for m in moves))
    one = there.latent.seed + Fraction(there.latent.x) + ROW * Fraction(there.latent.y)
    other = at_once.latent.seed + Fraction(at_once.latent.x) + ROW * Fraction(at_once.latent.y)
    distance = (one - other) % 2**32
    assert min(distance, 2**32 - distance) < 1e-9


@pytest.mark.parametrize(
    ("latent", "move", "expected"),
    [
        (Latent(seed=MAX_SEED, x=0.5), (0.5, 0), Latent(seed=0)),
        (Latent(seed=0), (-0.25, 0), Latent(seed=MAX_SEED, x=0.75)),
        (Latent(seed=0), (0, -1), Latent(seed=MAX_SEED + 1 - ROW)),
        (Latent(seed=MAX_SEED), (0, 1), Latent(seed=ROW - 1)),
        (Latent(seed=7), (-1e-20, -1e-20), Latent(seed=7)),
        (Latent(seed=7), (2.5, 3.25), Latent(seed=7 + 2 + 3 * ROW, x=0.5, y=0.25)),
    ],
)
def test_moves_wrap_around(latent: Latent, move: tuple[float, float], expected: Latent) -> None:
    assert edits.move_on_plane(Scene(latent=latent), *move).latent == expected


def test_somebody_on_the_way_to_another_moves_as_those_on_the_plane_do() -> None:
    halves = tuple(Share(latent=Latent(seed=seed), weight=0.5) for seed in (1, 2))
    for space in ("w", "z"):
        start = Scene(latent=Latent(seed=7, space=space, blend=halves))
        moved = edits.move_on_plane(edits.move_on_plane(start, 0.5, 0.0), 0.75, 1.0)
        assert moved.latent == edits.move_on_plane(start, 1.25, 1.0).latent
        whom = halves if space == "w" else (Share(latent=start.latent, weight=1.0),)
        there = Share(latent=Latent(seed=8 + ROW, x=0.25), weight=1.0)
        assert moved.latent.blend == (*whom, there, Share(latent=Latent(seed=7), weight=-1.0))
    assert edits.set_seed(moved, 3).latent.blend == ()


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_move_that_is_no_number_goes_nowhere(odd: float) -> None:
    scene = Scene(latent=Latent(seed=3, x=0.5))
    assert edits.move_on_plane(scene, odd, 0) == edits.move_on_plane(scene, 0, odd) == scene


# -- classes -----------------------------------------------------------------------------------------------------------


@given(scenes(c_dim=4), st.lists(st.tuples(st.integers(0, 3), any_float), max_size=8))
def test_some_class_always_stays(scene: Scene, changes: list[tuple[int, float]]) -> None:
    for index, weight in changes:
        scene = edits.set_class_weight(scene, index, weight)
        assert scene.classes
        assert len({item.index for item in scene.classes}) == len(scene.classes)


def test_class_weights() -> None:
    scene = edits.choose_class(Scene(), 2)
    scene = edits.set_class_weight(scene, 1, 0.5)
    assert scene.classes == (ClassWeight(index=1, weight=0.5), ClassWeight(index=2, weight=1.0))
    scene = edits.set_class_weight(scene, 2, 0)
    assert scene.classes == (ClassWeight(index=1, weight=0.5),)
    assert edits.set_class_weight(scene, 1, 0) is scene
    assert edits.set_class_weight(scene, 1, 99).classes[0].weight == 10.0


# -- mixing ------------------------------------------------------------------------------------------------------------


def test_mixing() -> None:
    scene = edits.set_mix_amount(Scene(latent=Latent(seed=MAX_SEED)), [1, 3], 0.25, 4)
    assert scene.mixing == (Mix(latent=Latent(seed=0), amounts=(0.0, 0.25, 0.0, 0.25)),)
    scene = edits.set_mix_seed(scene, 77, 4)
    assert scene.mixing == (Mix(latent=Latent(seed=77), amounts=(0.0, 0.25, 0.0, 0.25)),)
    assert edits.set_mix_amount(scene, range(4), 7, 4).mixing[0].amounts == (1.0,) * 4
    assert edits.clear_mixing(scene).mixing == ()


def test_further_mixes_are_kept() -> None:
    second = Mix(latent=Latent(seed=5), amounts=(1.0, 1.0))
    scene = Scene(mixing=(Mix(latent=Latent(seed=4), amounts=(0.0, 0.0)), second))
    assert edits.set_mix_seed(edits.set_mix_amount(scene, [0], 1, 2), 9, 2).mixing[1:] == (second,)


# -- truncation --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "psi"), [(0.5, 0.5), (5, 2.0), (-math.inf, -2.0), (math.inf, 2.0), (math.nan, 0.0)])
def test_psi_is_clamped(typed: float, psi: float) -> None:
    assert edits.set_psi(Scene(), typed).truncation.psi == psi


def test_a_curve_moves_along_with_psi() -> None:
    scene = Scene(truncation=Truncation(psi=0.5, layers=(0.25, 0.5, 1.0)))
    assert edits.set_psi(scene, 0.75).truncation.layers == (0.5, 0.75, 1.25)
    stopped = edits.set_psi(scene, 2).truncation  # by its highest layer: the curve keeps its shape
    assert (stopped.psi, stopped.layers) == (1.5, (1.25, 1.5, 2.0))
    assert edits.set_psi(edits.set_psi(scene, 2), 0.5) == scene


def test_one_layer_of_psi() -> None:
    scene = edits.set_layer_psi(Scene(truncation=Truncation(psi=0.5)), 1, 0.9, 3)
    assert scene.truncation.layers == (0.5, 0.9, 0.5)
    assert edits.set_layer_psi(scene, 3, 0.9, 3) == scene  # a layer of the model shown before


def test_cutoff_is_clamped() -> None:
    assert [edits.set_cutoff(Scene(), value).truncation.cutoff for value in (-1, 3, 65, None)] == [0, 3, 64, None]


@pytest.mark.parametrize("name", ["Flat", "Coarse only", "Middle only", "Fine only"])
def test_presets_truncate_the_bands_that_they_name(name: str) -> None:
    scene = Scene(truncation=Truncation(psi=0.5, layers=(0.1,) * NUM_WS, cutoff=2))
    truncation = edits.truncation_preset(scene, name, CARD).truncation
    psis = truncation.layers or (truncation.psi,) * NUM_WS
    bands = {"coarse", "middle", "fine"} if name == "Flat" else {name.split()[0].lower()}
    assert psis == tuple(0.5 if CARD.slot_band(i) in bands else 1.0 for i in range(NUM_WS))
    assert truncation.cutoff is None and truncation.psi == 0.5
    assert {CARD.slot_band(i) for i in range(NUM_WS)} == {"coarse", "middle", "fine"}


def test_presets_that_are_ramps() -> None:
    scene = Scene(truncation=Truncation(psi=-0.3, cutoff=2))
    ramp = [-0.3 + 1.3 * i / (NUM_WS - 1) for i in range(NUM_WS)]
    free = edits.truncation_preset(scene, "Strong to free", CARD).truncation
    strong = edits.truncation_preset(scene, "Free to strong", CARD).truncation
    assert free.layers == pytest.approx(ramp) and strong.layers == pytest.approx(ramp[::-1])
    assert free.layers[0] == -0.3 and free.layers[-1] == 1.0  # exactly, so that nothing of the ends is left to rounding


def test_what_is_truncated_towards() -> None:
    scene = edits.set_centres(edits.set_towards(Scene(), "nearest"), 5000)
    assert scene.truncation == Truncation(towards="nearest", centres=1024)
    assert edits.set_centres(scene, math.nan).truncation.centres == 2
    by_class = edits.set_towards(scene, "class")
    assert edits.fit(by_class, CONDITIONAL, ModelRef()).truncation.towards == "class"
    assert edits.fit(by_class, CARD, ModelRef()).truncation.towards == "mean"  # it has no classes
    assert edits.fit(scene, CARD, ModelRef()).truncation == scene.truncation


# -- noise -------------------------------------------------------------------------------------------------------------


def test_noise_modes_go_round() -> None:
    scene = Scene()
    modes = [(scene := edits.next_noise_mode(scene)).noise.mode for _ in range(3)]
    assert modes == ["none", "random", "const"]


def test_noise_of_one_layer() -> None:
    scene = edits.set_layer_noise(Scene(), 1, 99, 3)
    assert scene.noise.layers == (1.0, 10.0, 1.0)
    assert edits.set_layer_noise(scene, 3, 2, 3) == scene
    scene = edits.reseed_layer(edits.reseed_layer(scene, 2, 5), 0, -1)
    assert scene.noise.reseeded == (LayerSeed(layer=0, seed=MAX_SEED), LayerSeed(layer=2, seed=5))
    scene = edits.reseed_layer(scene, 2, 6)
    assert scene.noise.reseeded[1] == LayerSeed(layer=2, seed=6)
    assert edits.reseed_layer(scene, 2, None).noise.reseeded == (LayerSeed(layer=0, seed=MAX_SEED),)


def test_resets() -> None:
    scene = Scene(noise=Noise(mode="none", strength=2.0), truncation=Truncation(psi=1.5, cutoff=3))
    assert edits.reset_noise(edits.reset_truncation(scene)) == Scene()
    moved = edits.set_untransform(edits.set_mirror(edits.set_offset(Scene(), 1, 1), True), True)
    assert edits.reset_transform(moved) == Scene()


# -- transform ---------------------------------------------------------------------------------------------------------


def test_the_picture_goes_no_further_than_the_scene_allows() -> None:
    scene = edits.move_picture(edits.set_offset(Scene(), 0.5, -0.25), 0.25, 0.5)
    assert (scene.transform.x, scene.transform.y) == (0.75, 0.25)
    scene = edits.move_picture(scene, 99, -99)
    assert (scene.transform.x, scene.transform.y) == (10.0, -10.0)
    assert edits.set_offset(scene, math.nan, -math.inf).transform == Transform(y=-10.0)


@pytest.mark.parametrize(
    ("degrees", "angle"),
    [(30, 30), (180, 180), (-180, 180), (181, -179), (-190, 170), (360, 0), (725, 5), (-1e-20, 0), (math.nan, 0)],
)
def test_angles_are_wrapped(degrees: float, angle: float) -> None:
    assert edits.set_rotation(Scene(), degrees).transform.rotation == angle
    assert edits.turn_picture(Scene(), degrees).transform.rotation == angle


def test_turning_goes_round() -> None:
    scene = edits.set_rotation(Scene(), 10.0)
    for _ in range(8):
        scene = edits.turn_picture(scene, 45)
    assert scene.transform.rotation == 10.0


def test_sizes_multiply_and_are_clamped() -> None:
    scene = edits.scale_picture(edits.set_scale(Scene(), 2), 1.5)
    assert scene.transform.scale == 3.0
    assert edits.scale_picture(scene, 1e308).transform.scale == 10.0
    assert edits.scale_picture(scene, 1e-9).transform.scale == 0.1
    assert edits.set_scale(scene, math.nan).transform.scale == 1.0
    assert edits.set_shear(scene, -7).transform.shear == -2.0


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_motion_that_is_no_number_goes_nowhere(odd: float) -> None:
    scene = Scene(transform=Transform(x=0.5, rotation=20.0, scale=2.0))
    for edit in (edits.turn_picture, edits.scale_picture):
        assert edit(scene, odd) == scene
    assert edits.move_picture(scene, odd, 0) == edits.move_picture(scene, 0, odd) == scene
    assert edits.scale_picture(scene, 0) == edits.scale_picture(scene, -1) == scene


# -- insight -----------------------------------------------------------------------------------------------------------


def test_channels_and_styles_are_kept_in_order_and_none_that_does_nothing() -> None:
    scene = edits.set_channel_gain(edits.set_channel_gain(Scene(), "b8.conv0", 3, 0), "b4.conv1", 70, 99)
    assert scene.channels == (
        ChannelGain(layer="b4.conv1", channel=70, gain=10.0),
        ChannelGain(layer="b8.conv0", channel=3, gain=0.0),
    )
    assert edits.set_channel_gain(edits.set_channel_gain(scene, "b8.conv0", 3, 1), "b4.conv1", 70, math.nan) == Scene()
    assert edits.reset_channels(scene, "b4.conv1").channels == scene.channels[1:]
    assert edits.reset_channels(scene) == Scene()
    scene = edits.set_style(edits.set_style(Scene(), "input", 2, -1.5), "input", 1, math.inf)
    assert scene.styles == (
        StyleEdit(layer="input", channel=1, amount=100.0),
        StyleEdit(layer="input", channel=2, amount=-1.5),
    )
    assert edits.set_style(scene, "input", 1, 0).styles == scene.styles[1:]
    assert edits.reset_styles(scene, "other") == scene
    assert edits.reset_styles(scene, "input") == edits.reset_styles(scene) == Scene()


def test_a_scene_takes_no_more_channels_than_it_can_hold() -> None:
    full = Scene(channels=tuple(ChannelGain(layer="a", channel=i, gain=0.0) for i in range(MAX_EDITS)))
    assert edits.set_channel_gain(full, "a", MAX_EDITS, 0) == full
    assert edits.set_channel_gain(full, "a", 7, 2).channels[7].gain == 2.0


# -- look --------------------------------------------------------------------------------------------------------------


def test_another_layer_is_shown_from_its_first_page_and_channels_on() -> None:
    scene = edits.set_look_page(edits.set_look_channels(edits.look_at(Scene(), "layer", "b4.conv1"), [7, 8, 9]), 2)
    assert scene.look == Look(at="layer", layer="b4.conv1", channels=(7, 8, 9), page=2)
    assert edits.look_at(scene, "noise").look == scene.look.model_copy(update={"at": "noise"})
    assert edits.look_at(edits.look_at(scene, "picture"), "layer", "b4.conv1") == scene
    other = edits.look_at(scene, "layer", "b8.conv0").look
    assert (other.layer, other.channels, other.page) == ("b8.conv0", (0, 1, 2), 0)


def test_channels_that_are_not_given_stay() -> None:
    assert edits.set_look_channels(Scene(), [5]).look.channels == (5, 1, 2)
    assert edits.set_look_channels(Scene(), [-1, 10**6, 4, 3]).look.channels == (0, 65535, 4)


# -- fit ---------------------------------------------------------------------------------------------------------------

REF = ModelRef(digest="d", path="p")


@given(scenes(num_ws=NUM_WS, noise_count=NOISES, c_dim=0, layers=CARD.layers))
def test_a_scene_that_fits_is_kept_whole(scene: Scene) -> None:
    assert edits.fit(scene, CARD, scene.model) == scene


@given(scenes(), st.sampled_from([CARD, CONDITIONAL, tiny_model(16, use_noise=False).card]))
def test_fit_drops_what_does_not_fit_and_nothing_else(scene: Scene, card: ModelCard) -> None:
    fitted = edits.fit(scene, card, REF)
    count = len(card.noise_layers)
    assert fitted.model == REF and fitted.latent == scene.latent
    own = [item for item in scene.classes if item.index < card.c_dim]
    assert list(fitted.classes) == (own or ([ClassWeight(index=0)] if card.c_dim else []))
    assert list(fitted.mixing) == [mix for mix in scene.mixing if len(mix.amounts) == card.num_ws]
    assert fitted.truncation.psi == scene.truncation.psi
    assert fitted.truncation.layers == (scene.truncation.layers if len(scene.truncation.layers) == card.num_ws else ())
    cutoff = scene.truncation.cutoff
    assert fitted.truncation.cutoff == (cutoff if cutoff is None or cutoff < card.num_ws else card.num_ws)
    assert fitted.noise.layers == (scene.noise.layers if len(scene.noise.layers) == count else ())
    assert list(fitted.noise.reseeded) == [item for item in scene.noise.reseeded if item.layer < count]
    assert list(fitted.noise.strokes) == [stroke for stroke in scene.noise.strokes if stroke.layer < count]
    own = {item.name: item for item in card.layers}
    there = [item for item in scene.channels if item.layer in own and item.channel < own[item.layer].channels]
    assert list(fitted.channels) == there
    there = [item for item in scene.styles if item.layer in own and item.channel < own[item.layer].style_channels]
    assert list(fitted.styles) == there
    look = scene.look if scene.look.layer in {"", *own} else Look()
    last = own[look.layer].channels - 1 if look.layer else max(look.channels)
    assert fitted.look == look.model_copy(update={"channels": tuple(min(c, last) for c in look.channels)})
    for name in ("mode", "seed", "strength"):
        assert getattr(fitted.noise, name) == getattr(scene.noise, name)


def test_fit_keeps_a_level_of_detail_that_the_model_has() -> None:
    scene = edits.set_lod(Scene(), 2.5)
    progressive = CARD.model_copy(update={"max_lod": 2})
    assert edits.fit(scene, progressive, ModelRef()).lod == 2.0
    assert edits.fit(scene, CARD, ModelRef()).lod == 0.0


def test_fit_keeps_a_transform_only_where_something_can_be_moved() -> None:
    scene = edits.set_offset(Scene(), 0.25, 0)
    assert CARD.can_move and edits.fit(scene, CARD, REF).transform == scene.transform
    exact = CARD.model_copy(update={"moved_px": 0, "has_transform": True})
    assert edits.fit(scene, exact, REF).transform == scene.transform
    assert edits.fit(scene, CARD.model_copy(update={"moved_px": 0}), REF).transform == Transform()


@given(scenes(num_ws=NUM_WS, noise_count=NOISES), scenes())
def test_there_and_back_keeps_what_both_models_have(scene: Scene, other: Scene) -> None:
    assume(scene != other)
    back = edits.fit(edits.fit(scene, CONDITIONAL, REF), CARD, scene.model)
    assert back.latent == scene.latent and back.truncation.psi == scene.truncation.psi
    assert not back.mixing and not back.truncation.layers  # style vectors of 16 px and 64 px do not match
