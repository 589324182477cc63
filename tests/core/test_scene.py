"""A Scene round-trips through JSON bit for bit, and what is broken is refused by naming the field."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stylegan_core import scene as scene_file
from stylegan_core.errors import SceneError
from stylegan_core.scene import (
    MAX_BLENDS,
    MAX_SEED,
    ChannelGain,
    ClassWeight,
    Grid,
    Ladder,
    Latent,
    LayerSeed,
    Look,
    Mix,
    ModelRef,
    Noise,
    Projected,
    Scene,
    Share,
    Source,
    Stroke,
    StyleEdit,
    Transform,
    Truncation,
    View,
    scene_from_data,
    scene_from_json,
    scene_to_json,
)
from tests.strategies import scenes

# A Scene in which every part is there, so that every field can be broken.
FULL = Scene(
    model=ModelRef(digest="ab", path="m.pkl"),
    latent=Latent(
        seed=3,
        x=0.25,
        y=0.5,
        projected=Projected(digest="cd", path="p.npz"),
        blend=(Share(latent=Latent(seed=5), weight=0.25),),
    ),
    classes=(ClassWeight(index=2),),
    mixing=(Mix(latent=Latent(seed=9), amounts=(0.0, 0.5)),),
    truncation=Truncation(psi=0.5, layers=(0.1, 0.2), cutoff=3),
    noise=Noise(
        mode="random",
        seed=4,
        other=5,
        angle=90.0,
        strength=2.0,
        layers=(1.0,),
        reseeded=(LayerSeed(layer=1, seed=7),),
        strokes=(Stroke(layer=1, points=((0.5, 0.25),), radius=0.1, value=2.0, mode="set"),),
    ),
    transform=Transform(x=0.5, y=-0.25, rotation=30.0, scale=2.0, shear=0.5, mirror=True, untransform=True),
    lod=1.5,
    view=View(gain_db=6.0, channel=1),
    channels=(ChannelGain(layer="b4.conv1", channel=3, gain=0.0),),
    styles=(StyleEdit(layer="b4.conv1", channel=3, amount=-2.0),),
    grid=Grid(
        rows=(Source(latent=Latent(seed=1), mixing=(Mix(latent=Latent(), amounts=(0.5,)),), name="a"),),
        columns=(Source(),),
        layers=(0, 1),
        psi=0.5,
    ),
    ladder=Ladder(first=-0.5, last=1.0, rungs=4),
    look=Look(at="layer", layer="b4.conv1", show="rgb", channels=(3, 2, 1), page=1),
)
FIELDS = {  # path of every leaf -> values it must not have
    "version": [0, -1, 5, "2", 1.0, None, True, []],
    "model.digest": [1, None, ["a"]],
    "model.path": [1, None, {}],
    "model.which": ["D", "g_ema", "", None, 0],
    "latent.seed": [-1, MAX_SEED + 1, 1.5, 1.0, "1", None, True, 10**400],
    "latent.x": [1.0, -0.1, 1e308, "0.5", None, False, [0.5]],
    "latent.y": [1.0, -1e-300, {}, "nan"],
    "latent.space": ["W", "w+", None, 1],
    "latent.blend": [None, {}, "x", [{"latent": {}}]],
    "latent.blend.0.latent": [None, 5],
    "latent.blend.0.latent.seed": [-1, None, "5"],
    "latent.blend.0.weight": [-100.1, 100.1, None, "1"],
    "classes": [None, "0", 3, {"0": 1}],
    "classes.0": [None, 2, [2, 1.0]],
    "classes.0.index": [-1, 0.5, "2", None],
    "classes.0.weight": [-0.1, 10.1, "1", None],
    "mixing": [None, {}, "x"],
    "mixing.0.latent": [None, 9, []],
    "mixing.0.latent.seed": [-1, "9", None],
    "mixing.0.amounts": [None, 0.5, {}],
    "mixing.0.amounts.1": [-0.01, 1.01, "0", None, True],
    "truncation.psi": [-2.01, 2.01, "0.7", None, True],
    "truncation.layers": [None, 0.7, "0.7"],
    "truncation.layers.1": [3.0, -3.0, None, "1"],
    "truncation.towards": ["me", None, 0],
    "truncation.centres": [1, 1025, None, 2.0],
    "truncation.cutoff": [-1, 65, 1.5, "3", True],
    "noise.mode": ["Const", "", None, 0],
    "noise.seed": [-1, MAX_SEED + 1, 0.0, None],
    "noise.other": [-1, MAX_SEED + 1, 0.0, None],
    "noise.angle": [-180.0, 180.1, "90", None],
    "noise.strength": [-1, 11, None, "1"],
    "noise.layers.0": [-0.5, 10.5, None],
    "noise.reseeded": [None, 1, [[1, 7]]],
    "noise.reseeded.0.layer": [-1, 64, 1.0, None],
    "noise.reseeded.0.seed": [-1, MAX_SEED + 1, "7", 1.0],
    "noise.reseeded.0.other": [-1, None],
    "noise.reseeded.0.angle": [-180.0, None],
    "noise.strokes": [None, {}, "x"],
    "noise.strokes.0.layer": [-1, 64, None],
    "noise.strokes.0.points": [None, [], [0.5], [[0.5]]],
    "noise.strokes.0.points.0.0": [-0.1, 1.1, None, "0"],
    "noise.strokes.0.points.0.1": [-0.1, 1.1, None, "0"],
    "noise.strokes.0.radius": [0.0, 1.1, None],
    "noise.strokes.0.value": [-10.1, 10.1, None],
    "noise.strokes.0.mode": ["erase", None, 0],
    "channels": [None, {}, [1]],
    "channels.0.layer": ["", None, 1, "x" * 81],
    "channels.0.channel": [-1, 65536, 1.0, None],
    "channels.0.gain": [-10.1, 10.1, None, "1"],
    "styles.0.layer": ["", None, 1],
    "styles.0.channel": [-1, 65536, 1.0, None],
    "styles.0.amount": [-100.1, 100.1, None],
    "grid.rows": [None, {}, [{}] * 65],
    "grid.rows.0.latent.seed": [-1, None],
    "grid.rows.0.mixing.0.amounts.0": [-0.1, 1.1, None],
    "grid.rows.0.name": [None, 1, "x" * 81],
    "grid.columns": [None, {}, [{}] * 65],
    "grid.layers": [None, 1, ["a"]],
    "grid.layers.0": [-1, 64, 1.0, None],
    "grid.psi": [-2.1, 2.1, "1"],
    "ladder.first": [-2.1, 2.1, None, "0"],
    "ladder.last": [-2.1, 2.1, None, True],
    "ladder.rungs": [1, 65, None, 2.0],
    "look.at": ["pixel", None],
    "look.layer": [None, 1, "x" * 81],
    "look.show": ["all", None],
    "look.channels": [None, [0, 1], [0, 1, 2, 3]],
    "look.channels.0": [-1, 65536, None],
    "look.page": [-1, 65536, None, 1.0],
    "look.normalise": [0, 1, None, "yes"],
    "look.gain_db": [-40.1, 40.1, None],
    "look.colours": ["jet", None],
    "look.seeds": [1, 257, None, 2.0],
    "look.spectrum_beta": [-0.1, 40.1, None, "8"],
    "latent.projected.digest": ["", None, 1],
    "latent.projected.path": [None, 1],
    "lod": [-0.1, 16.1, "1", None],
    "transform.x": [-10.1, 11, "0", None, True],
    "transform.y": [-11, 10.1, None, [0.0]],
    "transform.rotation": [-180.0, 180.1, 360, "30", None],
    "transform.scale": [0.0, 0.09, 10.1, -1, None, "1"],
    "transform.shear": [-2.1, 2.1, None],
    "transform.mirror": [0, 1, "true", None],
    "transform.untransform": [0, 1, "no", None],
    "view.gain_db": [-40.1, 41, None, "0", True],
    "view.channel": [-1, 16, 1.0, "red", True],
}


def broken(path: str, value: object) -> dict[str, Any]:
    data = json.loads(scene_to_json(FULL))
    *parents, name = path.split(".")
    place: Any = data
    for parent in parents:
        place = place[int(parent) if isinstance(place, list) else parent]
    place[int(name) if isinstance(place, list) else name] = value
    return data


def leaves() -> Iterator[str]:
    def walk(data: object, path: str) -> Iterator[str]:
        if isinstance(data, dict):
            for name, value in data.items():
                yield from walk(value, f"{path}.{name}")
        elif isinstance(data, list):
            for index, value in enumerate(data):
                yield from walk(value, f"{path}.{index}")
        else:
            yield path[1:]

    yield from walk(json.loads(scene_to_json(FULL)), "")


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(scenes())
def test_round_trip_is_exact(scene: Scene) -> None:
    text = scene_to_json(scene)
    again = scene_from_json(text)
    assert again == scene and hash(again) == hash(scene)
    assert scene_to_json(again) == text  # equality alone would let -0.0 pass for 0.0


@given(scenes(), st.data())
def test_equal_scenes_hash_equal_and_different_ones_differ(scene: Scene, data: st.DataObject) -> None:
    other = data.draw(scenes())
    if scene == other:
        assert hash(scene) == hash(other)
    else:
        assert scene_to_json(scene).replace("-0.0", "0.0") != scene_to_json(other).replace("-0.0", "0.0")


def test_json_is_indented_and_names_every_field() -> None:
    text = scene_to_json(Scene())
    assert text.startswith('{\n  "version": 4,\n')
    assert set(json.loads(text)) == set(Scene.model_fields)


def test_a_scene_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Scene().latent = Latent(seed=1)  # type: ignore[misc]


def test_a_field_left_out_has_its_default() -> None:
    assert scene_from_json("{}") == Scene()
    assert scene_from_json('{"latent": {"seed": 5}}') == Scene(latent=Latent(seed=5))


def test_whole_numbers_do_for_fractions() -> None:
    scene = scene_from_json('{"truncation": {"psi": 1}}')
    assert scene.truncation.psi == 1.0 and isinstance(scene.truncation.psi, float)


def test_the_table_covers_every_leaf() -> None:
    again = (
        "latent.blend.0.latent.",
        "mixing.0.latent.",
        "grid.rows.0.latent.",
        "grid.rows.0.mixing.0.latent.",
        "grid.columns.0.",
    )
    siblings = {"mixing.0.amounts.0", "truncation.layers.0", "grid.layers.1", "look.channels.1", "look.channels.2"}
    assert {leaf for leaf in leaves() if leaf not in FIELDS and not leaf.startswith(again)} == siblings


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in FIELDS.items() for value in values])
def test_one_wrong_value_is_refused_by_name(path: str, value: object) -> None:
    with pytest.raises(SceneError) as error:
        scene_from_data(broken(path, value), "walk.png")
    message = str(error.value)
    assert message.startswith("walk.png: field '") and message.endswith(".")
    assert f"'{path}" in message  # the field, or an element of it
    assert "\n" not in message


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    "path", ["latent.x", "truncation.psi", "truncation.layers.0", "noise.strength", "classes.0.weight", "transform.x"]
)
def test_numbers_that_are_none_are_refused(path: str, word: str) -> None:
    text = json.dumps(broken(path, "PLACE")).replace('"PLACE"', word)
    with pytest.raises(SceneError, match=f"field '{path}'"):
        scene_from_json(text)


@pytest.mark.parametrize(
    "place", ["", "model", "latent", "classes.0", "mixing.0", "mixing.0.latent", "truncation", "noise", "transform"]
)
def test_an_unknown_field_is_refused_by_name(place: str) -> None:
    path = f"{place}.colour".removeprefix(".")
    with pytest.raises(SceneError, match=f"field '{path}': extra inputs are not permitted"):
        scene_from_data(broken(path, 1))


@pytest.mark.parametrize("path", ["mixing.0.latent", "mixing.0.amounts", "classes.0.index", "noise.reseeded.0.seed"])
def test_a_missing_field_is_refused_by_name(path: str) -> None:
    data = broken(path, None)
    parent, _, name = path.rpartition(".")
    place: Any = data
    for part in parent.split("."):
        place = place[int(part) if isinstance(place, list) else part]
    del place[name]
    with pytest.raises(SceneError, match=f"field '{path}': field required"):
        scene_from_data(data)


def test_blends_lie_only_so_deep_within_one_another() -> None:
    latent = Latent()
    for _ in range(MAX_BLENDS):
        latent = Latent(blend=(Share(latent=latent, weight=1.0),))
    assert scene_from_data(json.loads(scene_to_json(Scene(latent=latent)))).latent == latent
    deeper = {"blend": [{"latent": latent.model_dump(mode="json"), "weight": 1.0}]}
    with pytest.raises(SceneError, match=r"'latent\.blend': blends lie more than 8 deep"):
        scene_from_data({"latent": deeper})


def test_a_layer_has_one_noise_seed() -> None:
    with pytest.raises(SceneError, match=r"'noise\.reseeded': a layer is named twice"):
        scene_from_data(broken("noise.reseeded", [{"layer": 1, "seed": 1}, {"layer": 1, "seed": 2}]))


@given(st.one_of(json_values, st.dictionaries(st.sampled_from(list(Scene.model_fields)), json_values)))
def test_any_json_gives_a_scene_or_a_scene_error(data: object) -> None:
    with suppress(SceneError):
        assert isinstance(scene_from_json(json.dumps(data)), Scene)


@given(st.text(max_size=40))
def test_any_text_gives_a_scene_error(text: str) -> None:
    with pytest.raises(SceneError):
        scene_from_json("#" + text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "1",
        '"scene"',
        "{",
        '{"latent": {"seed": ' + "9" * 5000 + "}}",
        '{"model": {"path": "\\ud800"}}',
        *('{"latent":' * depth + "1" + "}" * depth for depth in (50, 150, 250, 900, 980, 990, 995, 1000, 100_000)),
    ],
)
def test_odd_text_gives_one_sentence(text: str) -> None:
    with pytest.raises(SceneError) as error:
        scene_from_json(text)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_nesting_is_an_error_however_deep_the_caller_stands() -> None:
    data: object = 1
    for _ in range(100_000):
        data = {"latent": data}
    with pytest.raises(SceneError):
        scene_from_data(data)
    while isinstance(data, dict):  # taken apart by hand: freeing it as a whole would recurse as deeply
        data = data["latent"]


# -- versions ----------------------------------------------------------------------------------------------------------


def from_minus_1(data: dict[str, Any]) -> dict[str, Any]:
    return {"person": data["seed"]}


def from_0(data: dict[str, Any]) -> dict[str, Any]:
    return {"latent": {"seed": data["person"]}}


def test_scenes_from_before_there_were_transforms() -> None:
    old = {
        name: value
        for name, value in json.loads(scene_to_json(FULL)).items()
        if name not in ("transform", "lod", "view")
    }
    assert scene_from_data({**old, "version": 1}) == FULL.model_copy(
        update={"transform": Transform(), "lod": 0.0, "view": View()}
    )
    assert scene_from_data({"version": 1}) == Scene()


@pytest.fixture
def old_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_file, "MIGRATIONS", {-1: from_minus_1, 0: from_0, **scene_file.MIGRATIONS})


@pytest.mark.usefixtures("old_versions")
@pytest.mark.parametrize(
    "data", [{"version": -1, "seed": 7}, {"version": 0, "person": 7}, {"version": 1, "latent": {"seed": 7}}]
)
def test_old_scenes_are_brought_forward_step_by_step(data: dict[str, Any]) -> None:
    before = json.dumps(data)
    assert scene_from_data(data) == Scene(latent=Latent(seed=7))
    assert json.dumps(data) == before


@pytest.mark.usefixtures("old_versions")
@pytest.mark.parametrize("data", [{"version": -1}, {"version": 0, "seed": 3}])
def test_a_broken_old_scene_is_a_scene_error(data: dict[str, Any]) -> None:
    with pytest.raises(SceneError, match=f"old.png: this Scene of version {data['version']} is broken"):
        scene_from_data(data, "old.png")


@pytest.mark.usefixtures("old_versions")
def test_what_a_migration_carries_over_is_still_checked() -> None:
    with pytest.raises(SceneError, match=r"field 'latent\.seed'"):
        scene_from_data({"version": -1, "seed": "seven"})


@pytest.mark.usefixtures("old_versions")
@pytest.mark.parametrize("version", [-2, 5, 100])
def test_versions_outside_the_migrations_are_refused(version: int) -> None:
    with pytest.raises(SceneError, match=f"field 'version' is {version}, this StyleScope reads -1 to 4"):
        scene_from_data({"version": version})
