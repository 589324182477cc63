"""Progressive GAN's snapshots of the older Theano code: the networks of a TensorFlow snapshot in that layout."""

import math
import pickle
import struct
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import stylegan_core as sg
from stylegan_core.checkpoint import read_discriminator, read_generator
from stylegan_core.model import build_discriminator
from stylegan_core.spec import NetworkSpec
from tests.core.snapshots import GOLDEN

PROGAN = GOLDEN / "progan_32.pkl"
RESOLUTIONS = (4, 8, 16, 32)
SCALE = 0.37  # what is left of a weight's size for the scale beside it


class Network:
    """Pickles as a network of the Theano code."""

    def __init__(self, **state: Any):
        vars(self).update(state)


Network.__module__, Network.__qualname__ = "network", "Network"


class Python2Pickler(pickle._Pickler):  # type: ignore[misc, name-defined]  # the one in Python, which can be changed
    """Writes text and bytes alike as strings of bytes, as Python 2 did."""

    dispatch = pickle._Pickler.dispatch.copy()  # type: ignore[attr-defined]

    def save_string(self, value: str | bytes) -> None:
        data = value.encode("latin-1") if isinstance(value, str) else value
        self.write(b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_string


def written(path: Path, g: Network, d: Network) -> Path:
    module = ModuleType("network")
    vars(module)["Network"] = Network
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "network", module)
        with path.open("wb") as file:
            Python2Pickler(file, protocol=2).dump((g, d, g))
    return path


def conv(spec: NetworkSpec, name: str) -> tuple[Tensor, Tensor]:
    """A convolution's weight as Theano has it, as large as it is used, and its bias."""
    weight = spec.tensors[f"{name}.weight"]
    return weight.flip([2, 3]) * math.sqrt(2 / weight[0].numel()), spec.tensors[f"{name}.bias"]


def rgb(spec: NetworkSpec, name: str, gain: float) -> tuple[Tensor, Tensor]:
    weight = spec.tensors[f"{name}.weight"]
    return weight[:, :, 0, 0].t() * gain / math.sqrt(weight.shape[1]), spec.tensors[f"{name}.bias"]


def generator_layers(spec: NetworkSpec) -> Iterator[tuple[Tensor, Tensor]]:
    weight, bias = spec.tensors["b4.dense.weight"], spec.tensors["b4.dense.bias"]
    yield weight.reshape(-1, 4, 4, weight.shape[1]).permute(0, 3, 1, 2) * math.sqrt(2 / weight.shape[1]) / 4, bias
    yield conv(spec, "b4.conv1")
    for resolution in RESOLUTIONS[1:]:
        yield conv(spec, f"b{resolution}.conv0")
        yield conv(spec, f"b{resolution}.conv1")
    for resolution in reversed(RESOLUTIONS):
        yield rgb(spec, f"b{resolution}.torgb", 1.0)


def discriminator_layers(spec: NetworkSpec) -> Iterator[tuple[Tensor, Tensor]]:
    yield rgb(spec, "b32.fromrgb", math.sqrt(2))
    for resolution in RESOLUTIONS[:0:-1]:
        yield conv(spec, f"b{resolution}.conv0")
        yield conv(spec, f"b{resolution}.conv1")
        yield rgb(spec, f"b{resolution // 2}.fromrgb", math.sqrt(2))
    yield conv(spec, "b4.conv")
    weight = spec.tensors["b4.fc.weight"]
    scaled = weight * math.sqrt(2 / weight.shape[1])
    yield scaled.reshape(len(weight), -1, 4, 4).flip([2, 3]), spec.tensors["b4.fc.bias"]
    weight = spec.tensors["b4.out.weight"]
    yield weight.t() / math.sqrt(weight.shape[1]), spec.tensors["b4.out.bias"]


def network(func: str, layers: Iterator[tuple[Tensor, Tensor]], **settings: Any) -> Network:
    values: list[np.ndarray] = []
    for weight, bias in layers:
        values += [(weight / SCALE).numpy(), np.array(SCALE, np.float32), bias.numpy()]
    spec = {"func": func, "num_channels": 3, "resolution": 32, "fmap_base": 512, "fmap_max": 48, "use_gdrop": True}
    return Network(
        build_func_spec={**spec, "mbstat_func": "Tstdeps", **settings},
        param_values=values,
        toplevel_params={"cur_lod": np.float32(0)},
    )


@pytest.fixture
def networks() -> tuple[Network, Network]:
    g, d = read_generator(PROGAN), read_discriminator(PROGAN)
    return network("G_progressive_8", generator_layers(g)), network("D_progressive_8", discriminator_layers(d))


def test_they_compute_what_the_tensorflow_networks_do(tmp_path: Path, networks: tuple[Network, Network]) -> None:
    path = written(tmp_path / "model.pkl", *networks)
    with np.load(GOLDEN / "progan_32.npz") as arrays:
        z, expected = torch.from_numpy(arrays["latents"]), arrays["img"]
    model = sg.load_model(path)
    pictures = model.synthesize(model.map(z))
    np.testing.assert_allclose(pictures.numpy(), expected, atol=5e-5)
    spec = read_discriminator(PROGAN)  # Theano's code halves after the activation, and compares up to 16 pictures
    config = spec.config.model_copy(update={"fused_scale": False, "mbstd_group_size": 16})
    judge = build_discriminator(replace(spec, config=config), "reference")
    eight = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(sg.load_discriminator(path)(eight), judge(eight), atol=5e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("func", "G_other"), ("label_size", 10), ("tanh_at_end", True), ("resolution", 1 << 40), ("resolution", None)],
)
def test_networks_that_are_not_progressive_gan_are_refused(
    tmp_path: Path, networks: tuple[Network, Network], setting: str, value: object
) -> None:
    for each in networks:
        each.build_func_spec[setting] = value
    for load in (sg.load_model, sg.load_discriminator):
        with pytest.raises(sg.ModelFileError, match=r"^'model\.pkl' .*(Theano|resolution).*\.$"):
            load(written(tmp_path / "model.pkl", *networks))


@pytest.mark.parametrize(
    "values", [None, [], "cut", "no array", "no scale", "no bias", "flat"], ids=lambda value: str(value)
)
def test_damaged_numbers_are_refused(tmp_path: Path, networks: tuple[Network, Network], values: object) -> None:
    for each in networks:
        changed = {
            "cut": each.param_values[:-1],
            "no array": [1.0, *each.param_values[1:]],
            "no scale": [each.param_values[0], "1", *each.param_values[2:]],
            "no bias": [*each.param_values[:2], "0", *each.param_values[3:]],
            "flat": [each.param_values[0].reshape(-1), *each.param_values[1:]],
        }
        each.param_values = changed.get(values, values) if isinstance(values, str) else values
    for load in (sg.load_model, sg.load_discriminator):
        with pytest.raises(sg.ModelFileError, match=r"^'model\.pkl' is damaged: .*\.$"):
            load(written(tmp_path / "model.pkl", *networks))
