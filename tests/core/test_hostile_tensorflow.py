"""TensorFlow snapshots that are damaged or mean harm: each ends in one sentence, and nothing of it has run."""

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import stylegan_core as sg
from tests.core import tf_snapshots
from tests.core.snapshots import GOLDEN
from tests.core.tf_snapshots import Network

SENTENCE = r"^'?model.*(?:{words}).*\.$"

Change = Callable[[Network], None]


class Reduce:
    """Pickles as a call."""

    def __init__(self, *call: object):
        self.call = call

    def __reduce__(self) -> tuple:
        return self.call  # type: ignore[return-value]  # function, arguments and perhaps a state


def written(path: Path, tree: object) -> Path:
    path.write_bytes(tf_snapshots.dump(tree))
    return path


def snapshot(path: Path, change: Change) -> Path:
    """A snapshot whose generator and discriminator are changed so."""
    g, d = tf_snapshots.generator("skip"), tf_snapshots.discriminator("resnet")
    change(g)
    change(d)
    return written(path, (g, d, g))


def refused(path: Path, words: str = "") -> None:
    for load in (sg.load_model, sg.load_discriminator):
        with pytest.raises(sg.ModelFileError, match=SENTENCE.format(words=words)) as error:
            load(path)
        assert "\n" not in str(error.value)


def setting(name: str, value: object) -> Change:
    def change(network: Network) -> None:
        for part in (network, *network.components.values()):
            part.static_kwargs = {**part.static_kwargs, name: value}

    return change


def state(name: str, value: object) -> Change:
    return lambda network: vars(network).update({name: value})


def array_of_shape(*shape: int) -> Reduce:
    """An array that claims a shape which its numbers do not fill."""
    reconstruct = np.zeros(1).__reduce__()[0]
    return Reduce(reconstruct, (np.ndarray, (0,), b"b"), (1, shape, np.dtype("<f4"), False, bytes(16)))


def variable(value: object) -> Change:
    """A weight of the generator and one of the discriminator replaced."""

    def change(network: Network) -> None:
        part = network.components.get("synthesis", network)
        part.set("4x4/Conv/weight", value)

    return change


def cyclic(network: Network) -> None:
    network.components = {"synthesis": network, "mapping": network}


def deep(network: Network) -> None:
    inner = network
    for _ in range(40):
        inner = Network(**{**vars(network), "components": {"synthesis": inner, "mapping": inner}})
    network.components = {"synthesis": inner, "mapping": inner}


def shared_without_end(network: Network) -> None:
    """One array by a thousand names: more numbers than any model, in a small file."""
    values = np.zeros(2_000_000, np.float16)
    network.variables = [*network.variables, *((f"more{i}", values) for i in range(1000))]


CHANGES: dict[str, tuple[Change, str]] = {
    "no version": (lambda network: vars(network).pop("version"), "version unknown"),
    "a version from the future": (state("version", 5), "version 5"),
    "a version of digits without end": (state("version", 10**5000), "version unknown"),
    "a version of text": (state("version", "4"), "version unknown"),
    "a function of another program": (state("build_func_name", "os.system"), r"built by 'os\.system'"),
    "a function that is a network": (state("build_func_name", Network()), "no proper name"),
    "a name without end": (state("name", "G" * 100_000), "no proper name"),
    "settings that are a list": (state("static_kwargs", [1]), "settings"),
    "settings by number": (state("static_kwargs", {1: 2}), "no proper name"),
    "too many settings": (state("static_kwargs", dict.fromkeys(map(str, range(1000)))), "settings"),
    "components that are a list": (state("components", []), "components"),
    "a component that is no network": (state("components", {"synthesis": 1, "mapping": 2}), "other than networks"),
    "components that hold themselves": (cyclic, "too deep"),
    "components without end": (deep, "too deep"),
    "variables that are a dictionary": (state("variables", {}), "not a list"),
    "variables without values": (state("variables", ["4x4/Conv/weight"]), "not a name with numbers"),
    "a variable of text": (state("variables", [("lod", "0")]), "not a name with numbers"),
    "a variable of NaN": (state("variables", [("lod", float("nan"))]), "not a name with numbers"),
    "a variable beyond any float": (state("variables", [("lod", 10**5000)]), "not a name with numbers"),
    "a variable named by a number": (state("variables", [(1, 0.0)]), "not a name with numbers"),
    "two variables of one name": (state("variables", [("lod", 0.0), ("lod", 1.0)]), "the same name"),
    "more numbers than any model": (shared_without_end, "more than"),
    "an array of objects": (variable(np.array([{}], dtype=object)), "not numbers"),
    "an array of text": (variable(np.array(["abc"])), "not numbers"),
    "an array that is empty": (variable(np.zeros((0, 3, 6, 6), np.float32)), "empty"),
    "an array of terabytes": (variable(array_of_shape(3, 3, 10**6, 10**6)), "shape"),
    "an array of negative shape": (variable(array_of_shape(-3, -3, 2, 2)), "shape"),
    "an array of too many dimensions": (variable(array_of_shape(*[1] * 100)), "shape"),
    "a weight of other dimensions": (variable(np.zeros((6, 6), np.float32)), "4x4/Conv/weight"),
    "a weight of another shape": (variable(np.zeros((3, 3, 5, 6), np.float32)), r"b4\.conv"),
    "a weight of another width": (variable(np.zeros((3, 3, 6, 5), np.float32)), "width"),
    "a weight without dimensions": (variable(np.float32(1)), "4x4/Conv/weight"),
    "a resolution of text": (setting("resolution", "16"), "resolution"),
    "a resolution of NaN": (setting("resolution", float("nan")), "resolution"),
    "a resolution that is no power of two": (setting("resolution", 48), "resolution"),
    "a resolution beyond 64 bits": (setting("resolution", 1 << 80), "resolution"),
    "a resolution with more blocks than there are": (setting("resolution", 32), "32x32"),
    "true channels": (setting("num_channels", True), "num_channels"),
    "a negative number of channels": (setting("num_channels", -3), "img_channels"),
    "an enormous number of classes": (setting("label_size", 1 << 40), "c_dim"),
    "classes without weights": (setting("label_size", 60_000), "LabelConcat|weights are missing"),
    "a filter of NaN": (setting("resample_kernel", [1, float("nan")]), "resample_kernel"),
    "a filter without sum": (setting("resample_kernel", [1, -1]), "resample_filter"),
    "a filter of many taps": (setting("resample_kernel", [1] * 100), "resample_kernel"),
    "a filter that is a network": (setting("resample_kernel", Network()), "resample_kernel"),
    "an unknown activation": (setting("nonlinearity", "eval"), "activation"),
    "an unknown wiring": (setting("architecture", "os.system"), "architecture"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_damage_is_one_sentence(tmp_path: Path, name: str) -> None:
    change, words = CHANGES[name]
    refused(snapshot(tmp_path / "model.pkl", change), words)


GENERATOR_SETTINGS = {
    "mapping_lrmul": float("nan"),
    "mapping_layers": 10**9,
    "mapping_fmaps": 10**9,
    "mapping_nonlinearity": "relu",
    "normalize_latents": False,
    "latent_size": 1 << 40,
    "dlatent_size": "512",
}


@pytest.mark.parametrize("name", GENERATOR_SETTINGS)
def test_unusable_settings_of_the_mapping_are_refused(tmp_path: Path, name: str) -> None:
    path = snapshot(tmp_path / "model.pkl", setting(name, GENERATOR_SETTINGS[name]))
    with pytest.raises(sg.ModelFileError, match=SENTENCE.format(words="")):
        sg.load_model(path)


@pytest.mark.parametrize("tree", ["two", "four", "swapped", "empty", "list", "mixed", "alone"])
def test_other_arrangements_are_refused(tmp_path: Path, tree: str) -> None:
    g, d = tf_snapshots.generator("skip"), tf_snapshots.discriminator("skip")
    trees = {"two": (g, d), "four": (g, d, g, g), "swapped": (d, g, d), "empty": (None, None, None), "list": [g, d, g]}
    refused(written(tmp_path / "model.pkl", {**trees, "mixed": (1, g, "Gs"), "alone": g}[tree]))


@pytest.mark.parametrize("wiring", ["skip", "resnet", "progressive"])
def test_every_variable_is_needed(tmp_path: Path, wiring: str) -> None:
    g, d = tf_snapshots.generator(wiring, labels=2), tf_snapshots.discriminator(wiring, labels=2)
    parts = [(sg.load_model, part) for part in (g, *g.components.values())] + [(sg.load_discriminator, d)]
    grown = ("lod", "FromRGB_lod1", "FromRGB_lod2")  # which a discriminator that has grown does not look at
    dropped = 0
    for load, part in parts:
        for name, value in part.variables[:]:
            if name.startswith(grown):
                continue
            part.drop(name)
            with pytest.raises(sg.ModelFileError, match=re.escape(name)):
                load(written(tmp_path / "model.pkl", (g, d, g)))
            part.set(name, value)
            dropped += 1
    assert dropped > 50


def test_a_discriminator_that_grows_is_refused(tmp_path: Path) -> None:
    g, d = tf_snapshots.generator("progressive"), tf_snapshots.discriminator("progressive")
    d.set("lod", np.float32(0.5))
    with pytest.raises(sg.ModelFileError, match="growing"):
        sg.load_discriminator(written(tmp_path / "model.pkl", (g, d, g)))


def test_nothing_in_a_snapshot_runs(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    call = Reduce(os.system, (f"touch {canary}",))
    for change in (variable(call), setting("resolution", call), state("build_module_src", call), state("name", call)):
        refused(snapshot(tmp_path / "model.pkl", change), "system")
    assert not canary.exists()


def test_the_code_that_a_snapshot_carries_is_left_alone(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    source = f"open({os.fspath(canary)!r}, 'w')"
    path = snapshot(tmp_path / "model.pkl", state("build_module_src", source))
    assert sg.load_model(path).card.resolution == tf_snapshots.RESOLUTION
    assert not canary.exists()


def test_numbers_of_other_types_are_read(tmp_path: Path) -> None:
    """Half, double and whole numbers, in either byte order and in Fortran's."""
    expected = np.arange(-162, 162).reshape(3, 3, 6, 6)
    for kind in ("<f2", ">f4", "<f8", ">i4", "<i8"):
        path = snapshot(tmp_path / "model.pkl", variable(np.asfortranarray(expected.astype(kind))))
        weight = sg.load_model(path).network.state_dict()["synthesis.b4.conv1.weight"]
        np.testing.assert_array_equal(weight.numpy(), expected.transpose(3, 2, 0, 1))


def test_numbers_beyond_single_precision_do_not_stop_it(tmp_path: Path) -> None:
    path = snapshot(tmp_path / "model.pkl", variable(np.full((3, 3, 6, 6), 1e300)))
    assert sg.load_model(path).network.state_dict()["synthesis.b4.conv1.weight"].isinf().all()


@pytest.mark.parametrize("name", ["sg2tf_configf64", "sg1_64", "progan_32"])
def test_bytes_cut_and_changed_never_crash(tmp_path: Path, name: str) -> None:
    """A changed byte may still be a model (a number in a weight); a cut file never is."""
    whole, rng, path = (GOLDEN / f"{name}.pkl").read_bytes(), random.Random(1), tmp_path / "model.pkl"
    for _ in range(10):
        path.write_bytes(whole[: rng.randrange(len(whole))])
        refused(path)
    spots = [match.start() for match in re.finditer(rb"[a-zA-Z_]{4}", whole)]  # names and settings, not weights
    sentences = []
    for _ in range(30):
        changed = bytearray(whole)
        changed[rng.choice(spots)] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        try:
            sg.load_model(path)
        except sg.ModelFileError as error:
            sentences.append(str(error))
    assert sentences
    assert all(re.match(SENTENCE.format(words=""), sentence) for sentence in sentences), sentences
