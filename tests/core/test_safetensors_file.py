"""Several networks in one .safetensors: each is read as it was written, and what is wrong is said in a sentence."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import stylegan_core as sg
from stylegan_core.checkpoint import read_discriminator, read_generator, write_specs
from stylegan_core.config import DiscriminatorConfig, GeneratorConfig
from stylegan_core.model import random_spec
from stylegan_core.spec import NetworkSpec

SMALL = {"img_resolution": 8, "channel_base": 32, "channel_max": 4}
GENERATOR = GeneratorConfig(**SMALL, z_dim=4, w_dim=4, mapping_layers=2)
SPECS = {
    "G_ema": random_spec(GENERATOR, 1),
    "G": random_spec(GENERATOR, 2),
    "D": random_spec(DiscriminatorConfig(**SMALL), 3),
}


def assert_same(read: NetworkSpec, written: NetworkSpec) -> None:
    assert read.config == written.config and read.description == written.description
    assert read.tensors.keys() == written.tensors.keys()
    assert all(torch.equal(tensor, written.tensors[name]) for name, tensor in read.tensors.items())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run.safetensors"
    write_specs(SPECS, path)
    return path


def test_each_network_is_read_as_it_was_written(path: Path) -> None:
    assert_same(read_generator(path), SPECS["G_ema"])
    assert_same(read_generator(path, "G"), SPECS["G"])
    assert_same(read_discriminator(path), SPECS["D"])


def test_written_twice_a_file_is_the_same(path: Path) -> None:
    before = path.read_bytes()
    write_specs(dict(reversed(SPECS.items())), path)
    assert path.read_bytes() == before


def test_what_a_file_does_not_hold_is_said(path: Path) -> None:
    write_specs({"G_ema": SPECS["G_ema"]}, path)
    assert_same(read_generator(path), SPECS["G_ema"])
    with pytest.raises(sg.ModelFileError, match=r"^'run\.safetensors' holds no network 'G', only .*G_ema"):
        read_generator(path, "G")
    with pytest.raises(sg.ModelFileError, match=r"^'run\.safetensors' holds no network 'D', only .*G_ema"):
        read_discriminator(path)


def changed(path: Path, **metadata: str) -> None:
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()
    save_file(load_file(path), path, kept | metadata)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"version": "3"}, "has format version .*3.*; of this kind StyleScope reads 2"),
        ({"networks": "["}, "'networks' in its metadata that is not JSON"),
        ({"networks": "[]"}, "'networks' in its metadata that is not a JSON object"),
        ({"networks": "{}"}, "holds no network 'G_ema', only .*none"),
        ({"networks": '{"G_ema": 5}'}, "holds no network 'G_ema'"),
        ({"networks": '{"G_ema": {"format": "stylescope", "version": "1"}}'}, "has no 'config'"),
        ({"networks": json.dumps({"G_ema": {"role": "discriminator"}})}, "holds a discriminator, not a generator"),
    ],
)
def test_metadata_that_makes_no_sense_is_said(path: Path, metadata: dict[str, str], message: str) -> None:
    changed(path, **metadata)
    with pytest.raises(sg.ModelFileError, match=message):
        read_generator(path)


def test_no_network_gets_the_tensors_of_another(path: Path) -> None:
    tensors = {name: tensor for name, tensor in load_file(path).items() if not name.startswith("G_ema.")}
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file(tensors, path, metadata)
    with pytest.raises(sg.ModelFileError, match="holds 0 tensors"):
        read_generator(path)
    assert_same(read_generator(path, "G"), SPECS["G"])
