"""From pictures, a preset and perhaps a model to a run, and to what it begins from."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from stylegan_core.checkpoint import write_specs
from stylegan_core.errors import StyleScopeError
from tests.train.loops import config_of, new_run, pictures, session
from tests.train.small import DISCRIMINATORS, GENERATORS, spec
from train import presets, recording
from train.building import configure, label_table, open_data, starting_points
from train.config import DataConfig, RunConfig, StartConfig, with_changes
from train.networks import transferred

SMALL = ("stylegan2 resnet", "stylegan2 skip")


def data(folder: Path, size: int = 8, **more: Any) -> DataConfig:
    return DataConfig(path=str(pictures(folder, size)), **more)


def model(folder: Path, *names: str, **changes: Any) -> Path:
    """A file with networks of some names."""
    generator = GENERATORS["stylegan2 resnet"].model_copy(update=changes)
    discriminator = DISCRIMINATORS["stylegan2 skip"].model_copy(update=changes)
    specs = {"G_ema": spec(generator, 1), "G": spec(generator, 2), "D": spec(discriminator, 3)}
    path = folder / "model.safetensors"
    write_specs({name: specs[name] for name in names}, path)
    return path


def test_pictures_are_reduced_where_the_preset_or_somebody_says_so(tmp_path: Path) -> None:
    run = configure("smoke", data(tmp_path, 64))
    assert run.data.resolution == 32 and run.generator.img_resolution == 32
    assert open_data(run.data).shape == (3, 32, 32)
    run = configure("laptop", data(tmp_path, 64, resolution=16))
    assert run.generator.img_resolution == run.discriminator.img_resolution == 16
    assert configure("laptop", data(tmp_path, 64)).generator.img_resolution == 64
    assert configure("smoke", data(tmp_path, 8)).generator.img_resolution == 8  # there is nothing to reduce
    for wrong in (24, 128):
        with pytest.raises(StyleScopeError, match=f"are 64 px and {wrong} px are wanted, which does not divide it"):
            configure("smoke", data(tmp_path, 64, resolution=wrong))


def test_a_run_names_its_pictures_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = pictures(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert configure("smoke", DataConfig(path=place.name)).data.path == str(place)


def test_classes_are_learned_where_there_are_some(tmp_path: Path) -> None:
    run = configure("smoke", data(tmp_path, labels=True))
    assert run.generator.c_dim == run.discriminator.c_dim == 2
    table = label_table(open_data(run.data))
    assert table is not None and table.tolist() == [[1, 0], [0, 1]] * 5
    plain = configure("smoke", data(tmp_path))
    assert plain.generator.c_dim == 0 and label_table(open_data(plain.data)) is None
    unlabelled = tmp_path / "pictures"
    unlabelled.mkdir()
    for number in range(2):
        Image.new("RGB", (8, 8)).save(unlabelled / f"{number}.png")
    with pytest.raises(StyleScopeError, match="has no labels; leave out --labels"):
        configure("smoke", DataConfig(path=str(unlabelled), labels=True))


def test_a_batch_that_leaves_a_group_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StyleScopeError, match=r"batch size 6 leaves a group of 2 .* use 4 or 8"):
        configure("smoke", data(tmp_path), batch=6)


def test_no_level_has_a_batch_that_leaves_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = presets.make("progan", data(tmp_path), presets.Pictures(8))
    monkeypatch.setattr(presets, "make", lambda *_, **__: with_changes(run, {"growth.batches.4": 14}))
    with pytest.raises(StyleScopeError, match=r"batch size 14 leaves a group of 2 .* use 12 or 16"):
        configure("progan", data(tmp_path))


def begun(folder: Path, path: Path, **changes: Any) -> RunConfig:
    values = {"start": StartConfig(model=str(path))} | changes
    return config_of("stylegan2-ada", folder, **values)


def test_all_networks_go_on_from_a_file_that_has_them(tmp_path: Path) -> None:
    g, d, average, words = starting_points(begun(tmp_path, model(tmp_path, "G_ema", "G", "D")))
    assert words == ["G begins from model.safetensors.", "D begins from it too."]
    assert average is not None
    for found, seed, name in ((average, 1, SMALL[0]), (g, 2, SMALL[0])):
        wanted = spec(GENERATORS[name], seed).tensors
        assert all(torch.equal(found.tensors[key], wanted[key]) for key in wanted)
    wanted = spec(DISCRIMINATORS[SMALL[1]], 3).tensors
    assert all(torch.equal(d.tensors[key], wanted[key]) for key in wanted)


def test_what_a_file_does_not_have_begins_afresh(tmp_path: Path) -> None:
    config = begun(tmp_path, model(tmp_path, "G_ema"))
    g, d, average, words = starting_points(config)
    assert g is average and words[1] == "D begins from scratch, for model.safetensors holds none."
    again = starting_points(config)[1]
    assert all(torch.equal(d.tensors[name], again.tensors[name]) for name in d.tensors)
    scratch = starting_points(config_of("stylegan2-ada", tmp_path))
    assert scratch[2] is None and scratch[3] == ["Networks begin from scratch."]


def test_layers_that_do_not_fit_are_named(tmp_path: Path) -> None:
    """A model of one size starts one of the next, whose finest layers are new."""
    path = model(tmp_path, "G_ema", "D")
    start = StartConfig(model=str(path))
    larger = {name: {"img_resolution": 16} for name in ("generator", "discriminator")}
    networks = {
        "generator": GENERATORS[SMALL[0]].model_copy(update=larger["generator"]),
        "discriminator": DISCRIMINATORS[SMALL[1]].model_copy(update=larger["discriminator"]),
    }
    words = starting_points(config_of("stylegan2-ada", tmp_path, start=start, **networks))[3]
    assert words[0].startswith("G begins from model.safetensors; afresh in it are ") and "b16" in words[0]
    with pytest.raises(StyleScopeError, match=r"No layer of the .* has the shape"):
        transferred(GENERATORS["progan"], spec(GENERATORS[SMALL[0]]), 0)


def test_a_preset_takes_the_shape_of_the_model_that_it_starts_from(tmp_path: Path) -> None:
    path = model(tmp_path, "G_ema", "D", channel_base=64)
    run = configure("smoke", data(tmp_path), start=StartConfig(model=str(path)))
    assert run.generator.channel_base == run.discriminator.channel_base == 64
    assert (run.generator.z_dim, run.generator.architecture) == (4, "resnet")
    assert run.discriminator.architecture == "skip"
    assert run.start.model == str(path)
    with pytest.raises(StyleScopeError, match="is of another family than preset progan"):
        configure("progan", data(tmp_path), start=StartConfig(model=str(path)))
    with pytest.raises(StyleScopeError, match=r"none\.pkl"):
        configure("smoke", data(tmp_path), start=StartConfig(model=str(tmp_path / "none.pkl")))


def test_a_stylegan3_goes_on_at_its_own_size_only(tmp_path: Path) -> None:
    path = tmp_path / "three.safetensors"
    write_specs({"G_ema": spec(GENERATORS["stylegan3-r"])}, path)
    with pytest.raises(StyleScopeError, match="makes pictures of 16 px; a StyleGAN3 goes on only with"):
        configure("stylegan3-r", data(tmp_path, 32), start=StartConfig(model=str(path)))


def test_a_whole_snapshot_starts_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PREVIEWS", 1)
    first = new_run(tmp_path / "first", config_of("progan", tmp_path, kimg=0.004))
    assert session(first) == "done"
    path = first.snapshots()[-1].path
    start = StartConfig(model=str(path), frozen=1)
    second = new_run(tmp_path / "second", config_of("progan", tmp_path, kimg=0.004, start=start))
    assert session(second) == "done"
    assert starting_points(config_of("progan", tmp_path, start=start))[3] == [
        f"G begins from {path.name}.",
        "D begins from it too.",
    ]
