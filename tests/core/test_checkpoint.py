"""Model files: what is read from official snapshots and our own files, and that other files get one clear sentence."""

import json
import math
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from stylegan_core import checkpoint
from stylegan_core.checkpoint import digest, read_discriminator, read_generator, write_spec
from stylegan_core.config import DiscriminatorConfig, GeneratorConfig
from stylegan_core.errors import Cancelled, ModelFileError
from stylegan_core.limits import channel_rule
from stylegan_core.model import build_discriminator, build_generator
from stylegan_core.spec import NetworkSpec
from tests.core.snapshots import GOLDEN, Persistent, trusting_load

INDEX = json.loads((GOLDEN / "index.json").read_text())["entries"]
SNAPSHOTS = [*(name for name, entry in INDEX.items() if "G_init_kwargs" in entry), "sg2_skip64_torch19"]


def reference_tensors(module: Persistent, prefix: str = "") -> dict[str, Tensor]:
    state = module.meta["state"]
    own = {**state["_parameters"], **state["_buffers"]}
    tensors = {prefix + name: tensor.detach() for name, tensor in own.items() if tensor is not None}
    for name, child in state["_modules"].items():
        tensors |= reference_tensors(child, f"{prefix}{name}.")
    return tensors


@pytest.mark.parametrize("name", SNAPSHOTS)
@pytest.mark.parametrize("which", ["G_ema", "G", "D"])
def test_every_number_of_a_snapshot_is_read(name: str, which: str) -> None:
    path = GOLDEN / f"{name}.pkl"
    spec = read_discriminator(path) if which == "D" else read_generator(path, which)
    expected = reference_tensors(trusting_load(path)[which])
    assert spec.tensors.keys() == expected.keys()
    for key, tensor in spec.tensors.items():
        assert torch.equal(tensor, expected[key]), key
        assert tensor.is_contiguous()


@pytest.mark.parametrize("name", [name for name in SNAPSHOTS if not name.startswith("sg3")])
def test_the_configuration_is_that_of_the_constructor(name: str) -> None:
    entry = INDEX[name.removesuffix("_torch19")]
    arguments = {**entry["G_init_kwargs"], **entry["G_init_kwargs"].get("synthesis_kwargs", {})}
    config = read_generator(GOLDEN / f"{name}.pkl").config
    assert isinstance(config, GeneratorConfig)
    for field in ("z_dim", "w_dim", "c_dim", "img_resolution", "img_channels", "channel_base", "channel_max"):
        assert getattr(config, field) == arguments[field], field
    assert config.architecture == arguments.get("architecture", "skip")
    assert config.mapping_layers == arguments["mapping_kwargs"].get("num_layers", 8)
    ada = "synthesis_kwargs" in entry["G_init_kwargs"]
    assert config.conv_clamp == arguments.get("conv_clamp", None if ada else 256)
    declared = arguments.get("num_fp16_res", 0 if ada else 4)
    is_half = config.model_copy(update={"num_fp16_res": declared}).is_half
    assert [config.is_half(r) for r in config.block_resolutions] == [is_half(r) for r in config.block_resolutions]
    assert config.fp16_channels_last == (name == "ada_fp16_64")


def test_the_discriminators_own_settings_are_read() -> None:
    config = read_discriminator(GOLDEN / "sg2_cond32.pkl").config
    assert isinstance(config, DiscriminatorConfig)
    assert (config.c_dim, config.cmap_dim, config.mapping_layers) == (5, 48, 8)
    assert (config.mbstd_group_size, config.mbstd_num_channels) == (4, 1)
    assert read_discriminator(GOLDEN / "sg2_orig32.pkl").config.architecture == "orig"


def test_stylegan3s_discriminator_is_stylegan2s() -> None:
    spec = read_discriminator(GOLDEN / "sg3t_64.pkl")
    build_discriminator(spec, "sg3t_64")
    assert spec.config.channel_max == 32


def small_generator(**changes: object) -> GeneratorConfig:
    values = {"img_resolution": 16, "channel_base": 64, "channel_max": 8, "z_dim": 6, "w_dim": 5, "mapping_layers": 2}
    return GeneratorConfig.model_validate({**values, **changes})


def small_discriminator(**changes: object) -> DiscriminatorConfig:
    values = {"img_resolution": 16, "channel_base": 64, "channel_max": 8, "mapping_layers": 2}
    return DiscriminatorConfig.model_validate({**values, **changes})


@pytest.mark.parametrize("widths", [{4: 512, 8: 512, 64: 512, 128: 256}, {4: 48, 8: 48, 16: 48}, {4: 7, 8: 3, 16: 1}])
def test_channel_widths_give_their_rule(widths: dict[int, int]) -> None:
    base, most = channel_rule(widths)
    assert {resolution: min(base // resolution, most) for resolution in widths} == widths


def test_channel_widths_without_a_rule_are_refused() -> None:
    with pytest.raises(ModelFileError, match="widths"):
        channel_rule({4: 8, 8: 16, 16: 8})


@pytest.mark.parametrize("name", ["sg2_cond32", "ada_fp16_64"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out.safetensors"
    for spec in (read_generator(GOLDEN / f"{name}.pkl"), read_discriminator(GOLDEN / f"{name}.pkl")):
        spec = replace(spec, description={"dataset": "Gesichter, 32²", "format": "any word may be a name"})
        write_spec(spec, path)
        again = (read_generator if isinstance(spec.config, GeneratorConfig) else read_discriminator)(path)
        assert (again.config, again.description) == (spec.config, spec.description)
        assert again.tensors.keys() == spec.tensors.keys()
        assert all(torch.equal(tensor, spec.tensors[key]) for key, tensor in again.tensors.items())


@pytest.mark.parametrize("protocol", [2, 4, 17])
def test_our_file_is_not_taken_for_a_pickle_by_its_length(tmp_path: Path, protocol: int) -> None:
    """The length of the header is the first thing in the file: 0x80, then the number, is how a pickle begins."""
    path = tmp_path / "out.safetensors"
    tensor, spare = torch.zeros(3), "x" * 5000
    length = protocol << 8 | 0x80
    save_file({"a": tensor}, path, metadata={"role": "generator", "spare": spare})
    header = int.from_bytes(path.read_bytes()[:8], "little")
    save_file({"a": tensor}, path, metadata={"role": "generator", "spare": spare[: 5000 + length - header]})
    assert path.read_bytes()[:2] == bytes([0x80, protocol])
    with pytest.raises(ModelFileError, match="has no 'config' in its metadata"):
        read_generator(path)


def test_tensors_that_share_memory_can_be_written(tmp_path: Path) -> None:
    spec = read_generator(GOLDEN / "sg2_orig32.pkl")
    one = spec.tensors["synthesis.b8.resample_filter"]
    shared = replace(spec, tensors=spec.tensors | {"synthesis.b16.resample_filter": one})
    write_spec(shared, tmp_path / "out.safetensors")
    assert torch.equal(read_generator(tmp_path / "out.safetensors").tensors["synthesis.b16.resample_filter"], one)


def test_our_file_is_read_whole_while_it_is_replaced(tmp_path: Path) -> None:
    path, spec = tmp_path / "out.safetensors", read_generator(GOLDEN / "sg2_orig32.pkl")
    write_spec(spec, path)
    done = threading.Event()

    def write_on() -> None:
        for _ in range(5):
            write_spec(spec, path)
        done.set()

    writer = threading.Thread(target=write_on)
    writer.start()
    while not done.is_set():
        assert len(read_generator(path).tensors) == len(spec.tensors)
    writer.join()
    assert [file.name for file in tmp_path.iterdir()] == ["out.safetensors"]


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    spec = read_generator(GOLDEN / "sg2_orig32.pkl")
    (tmp_path / "out.safetensors").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ModelFileError, match=r"^'out\.safetensors' cannot be written: .*\.$"):
        write_spec(spec, tmp_path / "out.safetensors")
    with pytest.raises(ModelFileError, match="cannot be written"):
        write_spec(spec, tmp_path / "file" / "out.safetensors")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "out.safetensors"]


def constructor_file(path: Path, **changes: object) -> Path:
    """A generator whose metadata hold the official constructor's arguments."""
    spec = read_generator(GOLDEN / "sg2_skip64.pkl")
    arguments = INDEX["sg2_skip64"]["G_init_kwargs"] | changes
    metadata = {"family": "stylegan2", "kimg": "176", "config": json.dumps(arguments)}
    save_file(spec.tensors, path, metadata)
    return path


def test_constructor_arguments_in_the_metadata_are_understood(tmp_path: Path) -> None:
    path = constructor_file(tmp_path / "net.safetensors", conv_clamp=None, num_fp16_res=0)
    spec, expected = read_generator(path), read_generator(GOLDEN / "sg2_skip64.pkl")
    assert spec.config == expected.config.model_copy(update={"conv_clamp": None, "num_fp16_res": 0})
    assert spec.description == {"kimg": "176"}
    build_generator(spec, digest(path), "net")


def test_constructor_arguments_left_out_have_the_official_defaults(tmp_path: Path) -> None:
    config = read_generator(constructor_file(tmp_path / "net.safetensors")).config
    assert (config.conv_clamp, config.num_fp16_res) == (256, 4)


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="'wings'"):
        read_generator(constructor_file(tmp_path / "net.safetensors", wings=2))


def test_half_precision_tensors_are_read_as_float32(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    write_spec(read_generator(GOLDEN / "sg2_orig32.pkl"), path)
    with checkpoint.safetensors_file.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file({name: tensor.half() for name, tensor in load_file(path).items()}, path, metadata)
    assert {tensor.dtype for tensor in read_generator(path).tensors.values()} == {torch.float32}


def test_the_role_must_be_the_one_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    write_spec(read_discriminator(GOLDEN / "sg2_orig32.pkl"), path)
    with pytest.raises(ModelFileError, match=r"^'net\.safetensors' holds a discriminator, not a generator\.$"):
        read_generator(path)


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "three"
    path.write_bytes(b"abc")
    assert digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("read", [read_generator, read_discriminator, digest])
def test_reading_reports_progress_and_can_be_stopped(read: Callable[..., object]) -> None:
    seen: list[float] = []
    read(GOLDEN / "sg2_skip64.pkl", progress=seen.append)
    assert seen == sorted(seen)
    assert 0 <= seen[0] < seen[-1] <= 1 or math.isclose(seen[-1], 1)
    calls = 0

    def soon() -> bool:
        nonlocal calls
        calls += 1
        return calls > 2

    with pytest.raises(Cancelled):
        read(GOLDEN / "sg2_skip64.pkl", cancelled=soon)
    assert calls == 3


def test_any_step_of_reading_can_be_stopped(tmp_path: Path) -> None:
    ours = tmp_path / "net.safetensors"
    write_spec(read_generator(GOLDEN / "sg2_orig32.pkl"), ours)
    for path in (GOLDEN / "sg2_orig32.pkl", ours):
        calls = 0

        def count() -> bool:
            nonlocal calls
            calls += 1
            return False

        read_generator(path, cancelled=count)
        assert calls > 60  # between any two of the 67 tensors at least


def test_which_must_be_known() -> None:
    with pytest.raises(ValueError, match="'D'"):
        read_generator(GOLDEN / "sg2_orig32.pkl", "D")


def test_a_missing_file_a_folder_and_a_pipe_are_told_apart(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, words in (("nowhere.pkl", "does not exist"), ("folder", "is a folder"), ("pipe", "is no ordinary file")):
        for read in (read_generator, read_discriminator, digest):
            with pytest.raises(ModelFileError, match=rf"^'{name}' {words}.*\.$"):
                read(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_gives_the_systems_reason(tmp_path: Path) -> None:
    path = tmp_path / "net.pkl"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(ModelFileError, match=r"^'net\.pkl' cannot be read: Permission denied\.$"):
        read_generator(path)


def test_a_file_far_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "net.pkl"
    with path.open("wb") as file:
        file.truncate(9 << 30)  # a hole: it takes no room on the disk
    with pytest.raises(ModelFileError, match="larger than 8 GiB"):
        read_generator(path)
    path.unlink()


def test_a_model_saved_twice_has_one_digest(tmp_path: Path) -> None:
    spec = read_generator(GOLDEN / "sg2_cond32.pkl")
    described = NetworkSpec(spec.config, spec.tensors, {str(n): "²" * n for n in range(20)})
    paths = [tmp_path / f"{n}.safetensors" for n in range(4)]
    for path in paths:
        write_spec(described, path)
    assert len({digest(path) for path in paths}) == 1
    assert read_generator(paths[0]).description == described.description
