"""Every number of a Scene has an address, what is set is what is found, and nothing that is set breaks a Scene."""

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core import edits
from stylegan_core.parameters import Parameter, ParameterError, layer_address, parameter, parameters
from stylegan_core.scene import (
    MAX_SEED,
    ChannelGain,
    ClassWeight,
    Latent,
    Mix,
    Projected,
    Scene,
    Share,
    StyleEdit,
    Truncation,
    scene_from_json,
    scene_to_json,
)
from tests.strategies import scenes, tiny_model

CARD = tiny_model(16, c_dim=3).card
LEGAL = set(string.printable) - set(string.whitespace) - set("#*,?[]{}")  # in an OSC address
EDITED = Scene(
    mixing=(Mix(latent=Latent(seed=7), amounts=(0.5,) * CARD.num_ws),),
    channels=(ChannelGain(layer="b8.conv0", channel=1, gain=2.0),),
    styles=(StyleEdit(layer="b8.conv0", channel=1, amount=3.0),),
)
ALL = parameters(CARD, EDITED)
FIXED = parameters()

ours = scenes(CARD.num_ws, len(CARD.noise_layers), CARD.c_dim, layers=CARD.layers)
numbers = st.one_of(st.floats(), st.integers(), st.sampled_from([0.5, 10**400, -(10**400), math.inf, -math.inf]))


def near(item: Parameter, value: float) -> object:
    """What a value that was set is found as: rounded the least bit where it went round a circle."""
    return pytest.approx(value, abs=1e-9) if item.wraps else value


@given(item=st.sampled_from(ALL), scene=ours, share=st.floats(-0.5, 1.5))
def test_what_is_set_is_found_clamped(item: Parameter, scene: Scene, share: float) -> None:
    low, high = item.limits
    value = low + share * (high - low)
    if item.address == "truncation/psi":  # else the curve over the layers moves along only as far as it can
        scene = edits.reset_truncation(scene)
    found = item.get(item.set(scene, value))
    last = item.address.startswith("classes/") and item.clamped(value) == 0 and len(scene.classes) <= 1
    if not last:  # the last class stays
        assert found == near(item, item.clamped(value))
    assert low <= item.clamped(value) <= high


@given(item=st.sampled_from(ALL), scene=ours, share=st.floats(0, 1))
def test_twice_is_once(item: Parameter, scene: Scene, share: float) -> None:
    value = item.limits[0] + share * (item.limits[1] - item.limits[0])
    once = item.set(scene, value)
    assert item.set(once, value) == once


@given(item=st.sampled_from(FIXED + ALL), scene=scenes(), value=numbers)
def test_nothing_that_is_set_breaks_any_scene(item: Parameter, scene: Scene, value: float) -> None:
    for changed in (item.set(scene, value), item.shift(scene, value)):
        assert scene_from_json(scene_to_json(changed)) == changed
    assert math.isfinite(item.get(scene))


@given(item=st.sampled_from(ALL), scene=ours)
def test_nan_changes_nothing(item: Parameter, scene: Scene) -> None:
    assert item.set(scene, math.nan) is scene
    assert item.shift(scene, math.nan) is scene


@pytest.mark.parametrize("item", FIXED + ALL, ids=lambda item: item.address)
def test_each_is_found_by_its_address_which_osc_takes(item: Parameter) -> None:
    found = parameter(item.address, CARD if item in ALL else None)
    assert (found.address, found.name, found.limits) == (item.address, item.name, item.limits)
    assert set(item.address) <= LEGAL
    assert item.limits[0] <= item.usual[0] < item.usual[1] <= item.limits[1]


def test_every_number_of_a_scene_that_makes_its_picture_has_an_address() -> None:
    """A field that comes to a Scene later has to get one too, or a reason here."""
    besides = {"grid", "ladder", "look", "version", "model"}  # change nothing about the picture
    chosen = {"view/channel", "noise/reseeded", "noise/strokes", "latent/projected", "latent/blend"}  # are no numbers
    known = {item.address for item in FIXED + ALL}
    known |= {address.rpartition("/")[0] for address in known}
    for name, field in Scene.model_fields.items():
        if name in besides:
            continue
        part = getattr(Scene(), name)
        inner = type(part).model_fields if hasattr(type(part), "model_fields") else {}
        for word, value in ((word, getattr(part, word)) for word in inner):
            if not isinstance(value, str | bool) and f"{name}/{word}" not in chosen:
                assert f"{name}/{word}" in known, field
        if not inner:
            assert any(address.startswith(name) for address in known)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "no parameter ''"),
        ("psi", "docs/osc.md"),
        ("truncation/psi/", "docs/osc.md"),
        ("truncation/layers/x", "'x' is no number"),
        ("truncation/layers/-1", "'-1' is no number"),
        ("truncation/layers/²", "'²' is no number"),
        ("truncation/layers/99", "goes from 0 to 5"),
        ("mixing/8/amount", "goes from 0 to 7"),
        ("classes/3/weight", "goes from 0 to 2"),
        ("channels/b9.conv0/0", "no layer 'b9.conv0'"),
        ("channels/b8.conv0/8", "goes from 0 to 7"),
        ("styles//0", "no layer ''"),
        ("model/path", "docs/osc.md"),
        ("../../etc/passwd", "docs/osc.md"),
    ],
)
def test_an_address_that_is_none_is_refused_in_a_sentence(address: str, words: str) -> None:
    with pytest.raises(ParameterError, match=r"^There is no parameter .*\.$") as caught:
        parameter(address, CARD)
    assert words in str(caught.value)


def test_layers_of_any_name_have_an_address() -> None:
    name = "a b/c#ü%[x]"
    address = layer_address("styles", name, 3)
    assert set(address) <= LEGAL
    scene = parameter(address).set(Scene(), 4.0)
    assert scene.styles == (StyleEdit(layer=name, channel=3, amount=4.0),)
    assert [item.address for item in parameters(None, scene) if "styles" in item.address] == [address]


def test_only_what_the_model_can_do_is_listed() -> None:
    addresses = {item.address for item in parameters(tiny_model(16, use_noise=False).card)}
    assert "truncation/psi" in addresses
    assert not [address for address in addresses if address.startswith(("noise", "classes", "lod"))]


# -- the seed plane ----------------------------------------------------------------------------------------------------


def test_a_sweep_runs_on_over_people_from_row_to_row() -> None:
    across, down = parameter("latent/x"), parameter("latent/y")
    scene = Scene(latent=Latent(seed=98, x=0.5))
    assert across.get(scene) == 98.5
    assert across.shift(scene, 1.0).latent == Latent(seed=99, x=0.5)
    assert across.shift(scene, 3.0).latent == Latent(seed=101, x=0.5)
    assert down.shift(scene, 2.25).latent == Latent(seed=298, x=0.5, y=0.25)
    assert across.shift(down.shift(scene, 1.5), 2.0) == down.shift(across.shift(scene, 2.0), 1.5)


def test_a_place_across_stays_in_its_row_and_a_place_down_in_its_column() -> None:
    scene = parameter("latent/y").set(parameter("latent/x").set(Scene(), 12.25), 3.5)
    assert scene.latent == Latent(seed=312, x=0.25, y=0.5)
    assert parameter("latent/x").set(scene, 150.0).latent.seed == 399


def test_a_blend_is_moved_as_a_whole_and_a_projected_face_not_at_all() -> None:
    people = tuple(Share(latent=Latent(seed=seed), weight=0.5) for seed in (5, 99))
    moved = parameter("latent/x").shift(Scene(latent=Latent(blend=people)), 1.25).latent
    assert [share.latent for share in moved.blend] == [Latent(seed=6, x=0.25), Latent(seed=100, x=0.25)]
    face = Scene(latent=Latent(projected=Projected(digest="d")))
    assert parameter("latent/y").shift(face, 1.0) == face
    assert parameter("latent/y").set(face, 1.0).latent == Latent(seed=100)


def test_a_seed_that_sweeps_steps_from_person_to_person() -> None:
    seed = parameter("latent/seed")
    assert seed.shift(Scene(latent=Latent(seed=5)), 1.6).latent.seed == 7
    assert seed.set(Scene(), 1e30).latent.seed == MAX_SEED


# -- what depends on the model -----------------------------------------------------------------------------------------


def test_layers_of_an_unknown_model_change_only_where_they_have_numbers() -> None:
    psi = parameter("truncation/layers/1")
    assert psi.set(Scene(), 0.1) == Scene()
    known = Scene(truncation=Truncation(layers=(0.5, 0.5)))
    assert psi.set(known, 0.1).truncation.layers == (0.5, 0.1)
    assert parameter("truncation/layers/1", CARD).set(Scene(), 0.1).truncation.layers[1] == 0.1
    assert parameter("mixing/0/amount").set(Scene(), 1.0) == parameter("mixing/0/seed").set(Scene(), 1.0) == Scene()


def test_somebody_who_is_not_mixed_in_yet_comes_with_the_first_amount() -> None:
    scene = parameter("mixing/0/amount", CARD).set(Scene(latent=Latent(seed=3)), 0.25)
    assert scene.mixing == (Mix(latent=Latent(seed=4), amounts=(0.25,) * CARD.num_ws),)
    assert parameter("mixing/0/amounts/2", CARD).set(scene, 1.0).mixing[0].amounts[2] == 1.0
    assert parameter("mixing/0/x", CARD).set(scene, 50.5).mixing[0].latent == Latent(seed=50, x=0.5)


def test_a_class_is_mixed_in_by_its_weight() -> None:
    scene = parameter("classes/2/weight", CARD).set(Scene(classes=(ClassWeight(index=0),)), 0.5)
    assert scene.classes == (ClassWeight(index=0), ClassWeight(index=2, weight=0.5))


def test_an_angle_goes_round() -> None:
    rotation = parameter("transform/rotation")
    scene = rotation.set(Scene(), 170.0)
    assert rotation.get(rotation.shift(scene, 20.0)) == -170.0
    assert rotation.get(rotation.set(scene, 540.0)) == 180.0
