"""StyleGAN3 in official snapshots: what is read of them, and one sentence for what makes no sense."""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import stylegan_core as sg
from stylegan_core.errors import ModelFileError
from stylegan_core.family import family_of
from stylegan_core.model import random_spec
from stylegan_core.stylegan3 import layer_plans
from tests.core.snapshots import GOLDEN, Persistent, dump, trusting_load
from tests.core.stylegan3_truth import true_mapping


@pytest.mark.parametrize("name", ["sg3t_64", "sg3r_64"])
def test_layers_are_what_a_snapshot_says_of_them(name: str) -> None:
    model = sg.load_model(GOLDEN / f"{name}.pkl")
    layers = trusting_load(GOLDEN / f"{name}.pkl")["G_ema"].meta["state"]["_modules"]["synthesis"].meta["state"]
    plans = layer_plans(model.network.config)
    assert [plan.name for plan in plans] == layers["layer_names"]
    for plan in plans:
        stored = layers["_modules"][plan.name].meta["state"]
        for ours, theirs in (
            ("in_rate", "in_sampling_rate"),
            ("tmp_rate", "tmp_sampling_rate"),
            ("out_rate", "out_sampling_rate"),
            ("may_be_half", "use_fp16"),
            ("up", "up_factor"),
            ("down", "down_factor"),
        ):
            assert getattr(plan, ours) == stored[theirs], (plan.name, ours)
        for field in ("is_torgb", "in_cutoff", "out_cutoff", "in_half_width", "out_half_width", "up_taps", "down_taps"):
            assert getattr(plan, field) == stored[field], (plan.name, field)
        assert (list(plan.padding), plan.down_radial) == (stored["padding"], stored["down_radial"])


@pytest.mark.parametrize("name", ["sg3t_64", "sg3r_64"])
def test_designed_filters_are_those_of_a_snapshot(name: str) -> None:
    model = sg.load_model(GOLDEN / f"{name}.pkl")
    stored = {key: value for key, value in model.network.state_dict().items() if key.endswith("_filter")}
    designed = random_spec(model.network.config, 0).tensors
    assert len(stored) == 28
    for key, value in stored.items():
        torch.testing.assert_close(designed[key], value, atol=1e-7, rtol=1e-5)


def test_the_discriminator_is_of_the_older_family() -> None:
    judge = sg.load_discriminator(GOLDEN / "sg3r_64.pkl")
    assert family_of(judge.network.config).name == "stylegan2"


Change = Callable[[dict[str, Any]], object]


def state(network: dict[str, Any], path: str) -> dict[str, Any]:
    """The instance dictionary of a module below a network's."""
    for name in path.split("."):
        network = network["_modules"][name].meta["state"]
    return network


@cache
def reference() -> Persistent:
    """The reference generator by itself; to be copied before it is changed."""
    return trusting_load(GOLDEN / "sg3t_64.pkl")["G_ema"]


def copied(module: Persistent) -> Persistent:
    """A module whose tables, and those of the modules below, can be changed."""
    inner = dict(module.meta["state"])
    inner |= {table: dict(inner[table]) for table in ("_parameters", "_buffers", "_init_kwargs")}
    inner["_modules"] = {name: copied(child) for name, child in inner["_modules"].items()}
    return Persistent({**module.meta, "state": inner})


def changed(tmp_path: Path, change: Change) -> Path:
    """A snapshot of the reference generator with something changed."""
    network = copied(reference())
    change(network.meta["state"])
    path = tmp_path / "model.pkl"
    path.write_bytes(dump({"G_ema": network}))
    return path


def test_a_conditional_snapshot(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(7)
    wide, embed = torch.randn(64, 128, generator=generator), torch.randn(64, 3, generator=generator)
    tables = {"_parameters": {"weight": embed, "bias": torch.ones(64)}, "_buffers": {}, "_modules": {}}

    def condition(network: dict[str, Any]) -> None:
        network["c_dim"] = state(network, "mapping")["c_dim"] = 3
        del state(network, "mapping")["embed"]
        layer = {"type": "class", "version": 6, "module_src": "", "class_name": "FullyConnectedLayer", "state": tables}
        state(network, "mapping")["_modules"]["embed"] = Persistent(layer)
        state(network, "mapping.fc0")["_parameters"]["weight"] = wide

    model = sg.load_model(changed(tmp_path, condition))
    assert model.card.c_dim == 3
    z, c = torch.randn(1, 64, generator=generator), torch.tensor([[0.0, 1.0, 0.0]])
    weights = {name: tensor.double().numpy() for name, tensor in model.network.state_dict().items()}
    expected = true_mapping(model.network.config, weights, z[0].double().numpy(), c[0].double().numpy())
    np.testing.assert_allclose(model.map(z, c)[0, 0], expected, atol=1e-5)


def test_settings_that_the_layers_do_not_show_come_from_the_arguments(tmp_path: Path) -> None:
    def set_arguments(network: dict[str, Any]) -> None:
        state(network, "synthesis")["_init_kwargs"] |= {"last_stopband_rel": 1.2, "channel_max": 32}
        network["_init_kwargs"] = {"channel_max": 17}

    config = sg.load_model(changed(tmp_path, set_arguments)).network.config
    assert (config.last_stopband_rel, config.channel_max) == (1.2, 32)


def replaced(path: str, **values: Any) -> Change:
    return lambda network: state(network, path).update(values)


def renamed_layers(rename: Callable[[list[Any]], object]) -> Change:
    return lambda network: state(network, "synthesis").update(
        layer_names=rename(state(network, "synthesis")["layer_names"])
    )


def without_filter(network: dict[str, Any]) -> None:
    state(network, "synthesis.L3_36_32")["_buffers"]["up_filter"] = None


def with_filter(tensor: Tensor) -> Change:
    return lambda network: state(network, "synthesis.L3_36_32")["_buffers"].update(up_filter=tensor)


def with_small_base(network: dict[str, Any]) -> None:
    state(network, "synthesis")["_init_kwargs"] |= {"channel_base": 512}


BROKEN: dict[str, tuple[Change, str]] = {
    "a layer is missing": (
        lambda network: state(network, "synthesis")["_modules"].pop("L4_52_32"),
        "lacks the module 'synthesis.L4_52_32'",
    ),
    "the input is missing": (
        lambda network: state(network, "synthesis")["_modules"].pop("input"),
        "lacks the module 'synthesis.input'",
    ),
    "names are no list": (renamed_layers(lambda names: "L0_36_32"), "layer_names' that is not a list"),
    "no names": (renamed_layers(lambda names: []), "layer_names' that is not a list"),
    "names are numbers": (renamed_layers(lambda names: [*names[:3], 7, *names[4:]]), "layer_names' that is not a list"),
    "a name twice": (renamed_layers(lambda names: [names[0], *names]), "layer 'L0_36_32' where .* ask for 'L1_36_32'"),
    "too few names": (renamed_layers(lambda names: names[:-1]), "names 14 layers where its settings ask for 15"),
    "a name of another module": (renamed_layers(lambda names: ["input", *names[1:]]), "lacks the tensor .*weight"),
    "a very long name": (renamed_layers(lambda names: ["L" * 100_000]), "no proper name"),
    "widths of other settings": (with_small_base, "layer 'L7_52_32' where its settings ask for 'L7_52_25'"),
    "absurdly many layers": (replaced("synthesis", num_layers=10**9), "num_layers"),
    "an absurd resolution": (lambda network: network.update(img_resolution=1 << 40), "img_resolution"),
    "an absurd margin": (replaced("synthesis", margin_size=10**12), "margin_size"),
    "an absurd rate": (replaced("synthesis.L0_36_32", tmp_sampling_rate=16 << 30), "lrelu_upsampling"),
    "a rate of nothing": (replaced("synthesis.L0_36_32", in_sampling_rate=0, out_sampling_rate=0), "not multiples"),
    "an absurd filter": (replaced("synthesis.L0_36_32", up_taps=1 << 40), "filter_size"),
    "a cutoff that is no number": (replaced("synthesis.input", bandwidth=math.nan), "first_cutoff"),
    "a scale that is text": (replaced("synthesis", output_scale="large"), "output_scale"),
    "a setting is missing": (
        lambda network: state(network, "synthesis").pop("num_critical"),
        "lacks the setting 'synthesis.num_critical'",
    ),
    "padding of its own": (replaced("synthesis.L5_52_32", padding=[9, 9, 9, 9]), "L5_52_32.padding' that does not"),
    "a filter is missing": (without_filter, "tensor 'synthesis.L3_36_32.up_filter' is missing"),
    "a filter of another size": (with_filter(torch.ones(1000)), r"up_filter' is \[1000\]"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_snapshots_get_one_sentence(tmp_path: Path, name: str) -> None:
    change, words = BROKEN[name]
    with pytest.raises(ModelFileError, match=rf"^'?model.*{words}.*\.$") as caught:
        sg.load_model(changed(tmp_path, change))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
