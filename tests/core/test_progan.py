"""Progressive GAN: parity with the official numbers, and with the equations in float64 for what those leave out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import main
import stylegan_core as sg
from stylegan_core import edits, progan
from stylegan_core.checkpoint import read_discriminator, write_spec
from stylegan_core.network import Inputs
from tests.core import progressive_reference as reference
from tests.core import tf_snapshots
from tests.core.snapshots import GOLDEN

SNAPSHOT = GOLDEN / "progan_32.pkl"
TOLERANCE = json.loads((GOLDEN / "index.json").read_text())["entries"]["progan_32"]["tolerance"]
SMALL: dict[str, Any] = {"resolution": 16, "num_channels": 3, "label_size": 0, "fmap_base": 32, "fmap_max": 6}


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    with np.load(GOLDEN / "progan_32.npz") as stored:
        return {name: torch.from_numpy(a) if a.dtype.kind == "f" else a for name, a in stored.items()}


@pytest.fixture(scope="module")
def model() -> sg.Model:
    return sg.load_model(SNAPSHOT)


def check(kind: str, computed: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(computed, expected, **TOLERANCE[kind])


def test_pictures(model: sg.Model, arrays: dict[str, Any]) -> None:
    ws = model.map(arrays["latents"])
    assert torch.equal(ws[:, 0], arrays["latents"])
    check("images", model.synthesize(ws), arrays["img"])
    check("images", model.synthesize(ws, lod=1.0), arrays["img_lod1p0"])
    check("images", model.synthesize(ws, lod=1.5), arrays["img_lod1p5"])


def test_the_generator_in_training(arrays: dict[str, Any]) -> None:
    model = sg.load_model(SNAPSHOT, which="G")
    check("images", model.synthesize(model.map(arrays["latents"][:1])), arrays["img_G"])


def test_the_discriminator(arrays: dict[str, Any]) -> None:
    judge, img = sg.load_discriminator(SNAPSHOT), arrays["img"]
    check("d_scores", judge(img), arrays["d_scores"])
    check("d_scores", torch.cat([judge(picture[None]) for picture in img]), arrays["d_scores_single"])
    check("d_scores", judge(torch.cat([img, img.flip([0, 2]), -img, 0.5 * img])), arrays["d_scores_cat8"])
    assert isinstance(judge.network, progan.Discriminator)
    with torch.inference_mode():
        scores, labels = judge.network.scores_and_labels(img)
    check("d_scores", scores, arrays["d_scores"])
    check("d_scores", labels, arrays["d_labels"])


def test_every_picture_on_the_way(model: sg.Model, arrays: dict[str, Any]) -> None:
    """Statistics and samples of what the network holds at each resolution."""
    rows = dict(zip(json.loads(str(arrays["stats_names"])), arrays["stats"], strict=True))
    with torch.inference_mode():
        steps = list(model.steps(model.map(arrays["latents"])))
    places = {f"G/Grow_lod{3 - step.position}": step.img for step in steps[1:]}
    places["G/images_out"] = steps[-1].img
    # Between two levels the coarser picture, at twice its size.
    places |= {f"G/Upscale2D{name}": _double(step.img) for name, step in zip(("", "_1", "_2"), steps, strict=False)}
    for name, output in places.items():
        row = np.asarray(rows[name])
        close = 1e-4 * max(1.0, abs(row[2]), abs(row[3]))
        computed = [float(v) for v in (output.mean(), output.std(correction=0), output.min(), output.max())]
        np.testing.assert_allclose(computed, row, atol=close, err_msg=name)
        at = np.linspace(0, output.numel() - 1, 16).astype(np.int64)
        np.testing.assert_allclose(output.flatten()[at], arrays[f"probe/{name}"], atol=close, err_msg=name)
    assert len(places) == 7


def _double(img: Tensor | None) -> Tensor:
    assert img is not None
    return img.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


# Against the equations in float64


def written(path: Path, g: tf_snapshots.Network, d: tf_snapshots.Network) -> Path:
    path.write_bytes(tf_snapshots.dump((g, d, g)))
    return path


def snapshot(folder: Path, **options: Any) -> tuple[Path, tf_snapshots.Network, tf_snapshots.Network, dict[str, Any]]:
    """A file with networks of random numbers, the networks, and all their options."""
    settings = {**SMALL, **options}
    g, d = reference.progan(settings, generator=True), reference.progan(settings, generator=False)
    return written(folder / "model.pkl", g, d), g, d, settings


def close(computed: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(computed.numpy(), expected, atol=5e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label_size": 3},
        {"fused_scale": False},
        {"latent_size": 11},
        {"normalize_latents": False},
        {"use_pixelnorm": False},
        {"pixelnorm_epsilon": 0.3},
        {"use_leakyrelu": False},
        {"use_wscale": False},
        {"resolution": 128, "fmap_base": 128, "fmap_max": 3},
        {"resolution": 4},
    ],
    ids=str,
)
def test_generators_compute_the_equations(tmp_path: Path, options: dict[str, Any]) -> None:
    path, g, _, settings = snapshot(tmp_path, **options)
    model = sg.load_model(path)
    random = np.random.RandomState(3)
    z = random.randn(2, options.get("latent_size", min(settings["fmap_base"], settings["fmap_max"]))).astype(np.float32)
    c = random.rand(2, settings["label_size"]).astype(np.float32)
    assert (model.card.z_dim, model.card.c_dim, model.card.w_dim) == (z.shape[1], c.shape[1], z.shape[1] + c.shape[1])
    latents = np.concatenate([z, c], axis=1)
    expected = np.stack([reference.progan_picture(g.values, latent, settings) for latent in latents])
    close(model.synthesize(model.map(torch.from_numpy(z), torch.from_numpy(c) if c.size else None)), expected)


@pytest.mark.parametrize(
    ("options", "lod"),
    [
        ({}, 0.0),
        ({}, 0.7),
        ({}, 2.0),
        ({"label_size": 3}, 0.0),
        ({"fused_scale": False}, 0.0),
        ({"mbstd_group_size": 2}, 0.0),
        ({"mbstd_group_size": 8}, 0.0),
        ({"use_wscale": False}, 0.0),
        ({"resolution": 4}, 0.0),
    ],
    ids=str,
)
def test_discriminators_compute_the_equations(tmp_path: Path, options: dict[str, Any], lod: float) -> None:
    path, _, d, settings = snapshot(tmp_path, **options)
    judge = sg.load_discriminator(path)
    pictures = np.random.RandomState(4).randn(8, 3, settings["resolution"], settings["resolution"]).astype(np.float32)
    expected = reference.outputs(d.values, pictures, settings, style=False, lod=lod)
    assert isinstance(judge.network, progan.Discriminator)
    with torch.inference_mode():
        scores, labels = judge.network.scores_and_labels(torch.from_numpy(pictures), lod)
    close(torch.cat([scores, labels], dim=1), expected)
    assert scores.shape == (8, 1)


def test_without_deviation_maps_pictures_are_judged_alone(tmp_path: Path) -> None:
    _, g, d, settings = snapshot(tmp_path, mbstd_group_size=1)
    d.set("4x4/Conv/weight", d.values["4x4/Conv/weight"][:, :, :-1])
    judge = sg.load_discriminator(written(tmp_path / "alone.pkl", g, d))
    pictures = np.random.RandomState(4).randn(2, 3, 16, 16).astype(np.float32)
    close(judge(torch.from_numpy(pictures)), reference.outputs(d.values, pictures, settings, style=False))


def test_a_snapshot_from_the_middle_of_growth_shows_what_is_trained(tmp_path: Path) -> None:
    path, g, d, _ = snapshot(tmp_path)
    model = sg.load_model(path)
    ws = model.map(torch.randn(1, 6, generator=torch.Generator().manual_seed(0)))
    faded = model.synthesize(ws, lod=1.25)
    g.set("lod", np.float32(1.25))
    assert torch.equal(sg.load_model(written(path, g, d)).synthesize(ws), faded)


def test_the_networks_learn() -> None:
    """Gradients reach every parameter through the same code that makes pictures."""
    settings = {"img_resolution": 8, "channel_base": 32, "channel_max": 4, "c_dim": 2}
    g = progan.Generator(progan.GeneratorConfig(**settings, z_dim=4))
    judge = progan.Discriminator(progan.DiscriminatorConfig(**settings))
    for network in (g, judge):
        generator = torch.Generator().manual_seed(0)
        network.load_state_dict({k: network.initial(k, v.shape, generator) for k, v in network.state_dict().items()})
    *_, last = g.steps(g.map(torch.randn(2, 4), torch.eye(2))[:, None], Inputs(lod=0.5))
    assert last.img is not None
    scores, labels = judge.scores_and_labels(last.img, lod=0.5)
    (scores.sum() + labels.square().sum()).backward()
    assert not {name for net in (g, judge) for name, p in net.named_parameters() if p.grad is None}


# Files

Change = Callable[[tf_snapshots.Network, tf_snapshots.Network], object]
BROKEN: dict[str, tuple[Change, str]] = {
    "a missing variable": (lambda g, d: g.drop("8x8/Conv1/weight"), "lacks the variable '8x8/Conv1/weight'"),
    "a missing picture": (lambda g, d: g.drop("ToRGB_lod2/bias"), "lacks the variable 'ToRGB_lod2/bias'"),
    "a shape that does not fit": (
        lambda g, d: g.set("8x8/Conv0_up/weight", np.zeros((3, 3, 9, 6), np.float32)),
        r"tensor 'b8.conv0.weight' is \[9, 6, 3, 3\]",
    ),
    "an absurd resolution": (lambda g, d: g.static_kwargs.update(resolution=1 << 40), "setting resolution"),
    "a negative resolution": (lambda g, d: g.static_kwargs.update(resolution=-4), "setting resolution"),
    "an absurd latent": (lambda g, d: g.static_kwargs.update(latent_size=1 << 40), "setting z_dim"),
    "an absurd width": (lambda g, d: g.static_kwargs.update(fmap_max=1 << 40), "setting channel_max"),
    "too narrow": (lambda g, d: g.static_kwargs.update(fmap_base=4), "leaves the finest layers no channels"),
    "an epsilon of nothing": (lambda g, d: g.static_kwargs.update(pixelnorm_epsilon=0), "setting pixel_norm_epsilon"),
    "a switch that is none": (lambda g, d: g.static_kwargs.update(use_wscale="no"), "setting use_wscale"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_get_one_sentence(tmp_path: Path, name: str) -> None:
    change, words = BROKEN[name]
    g, d = reference.progan(SMALL, generator=True), reference.progan(SMALL, generator=False)
    change(g, d)
    path = written(tmp_path / "broken.pkl", g, d)
    with pytest.raises(sg.ModelFileError, match=words) as caught:
        sg.load_model(path)
    assert "broken" in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 240


def test_a_discriminator_without_a_layer_gets_one_sentence(tmp_path: Path) -> None:
    _, g, d, _ = snapshot(tmp_path)
    d.drop("16x16/Conv1_down/weight")
    with pytest.raises(sg.ModelFileError, match="lacks the variable '16x16/Conv1_down/weight'"):
        sg.load_discriminator(written(tmp_path / "broken.pkl", g, d))


@pytest.mark.parametrize("labels", [0, 3])
def test_saved_as_safetensors_they_stay_the_same(tmp_path: Path, labels: int) -> None:
    path, *_ = snapshot(tmp_path, label_size=labels)
    model, judge = sg.load_model(path), sg.load_discriminator(path)
    sg.save_model(model, tmp_path / "g.safetensors")
    write_spec(read_discriminator(path), tmp_path / "d.safetensors")
    again, judge_again = sg.load_model(tmp_path / "g.safetensors"), sg.load_discriminator(tmp_path / "d.safetensors")
    z = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    c = torch.eye(3)[:2] if labels else None
    pictures = model.synthesize(model.map(z, c))
    assert torch.equal(again.synthesize(again.map(z, c)), pictures)
    assert torch.equal(judge_again(pictures), judge(pictures))
    same = {"name": "", "digest": ""}
    assert again.card.model_copy(update=same) == model.card.model_copy(update=same)


# In a Scene


def test_the_card(model: sg.Model) -> None:
    card = model.card
    assert (card.family, card.resolution, card.num_ws, card.w_dim, card.max_lod) == ("progan", 32, 1, 48, 3)
    assert card.has_preview and not card.has_noise and not card.has_truncation
    assert {layer.ws_index for layer in card.layers} == {0}
    assert [layer.name for layer in card.layers[:3]] == ["b4.dense", "b4.conv1", "b8.conv0"]
    assert not model.w_avg.any()
    z = torch.ones(1, 48)
    assert torch.equal(model.map(z, psi=0.7), z[:, None])


def test_a_scene_made_for_another_model_shows_this_one(model: sg.Model) -> None:
    """Whatever was set for a model with styles, noise and truncation is dropped or does nothing."""
    store = sg.ModelStore()
    store.add(model)
    ref = sg.ModelRef(digest=model.card.digest)
    scene = edits.set_layer_psi(edits.set_psi(sg.Scene(), 0.7), 3, 0.2, num_ws=10)
    scene = edits.set_mix_amount(edits.set_noise_mode(scene, "random"), [2], 0.5, num_ws=10)
    fitted = edits.fit(edits.reseed_layer(scene, 4, 9), model.card, ref)
    assert fitted.mixing == () and fitted.truncation.layers == () and fitted.noise.reseeded == ()
    frame = sg.render(fitted, store)
    assert frame.error is None and frame.pixels is not None
    assert frame.pixels.shape == (32, 32, 3)
    for psi in (-1.0, 0.0, 1.0):
        other = sg.render(edits.set_psi(fitted, psi), store)
        assert other.pixels is not None and torch.equal(other.pixels, frame.pixels)


def test_previews_and_mixing(model: sg.Model) -> None:
    store = sg.ModelStore()
    store.add(model)
    scene = edits.fit(sg.Scene(), model.card, sg.ModelRef(digest=model.card.digest))
    renderer = sg.Renderer(store)
    preview = renderer.render(scene, stop_at=8)
    assert preview.error is None and preview.preview and preview.pixels is not None
    assert preview.pixels.shape == (8, 8, 3)
    other = edits.set_mix_amount(scene, [0], 1.0, num_ws=1)
    mixed, alone = renderer.render(other), renderer.render(edits.set_seed(scene, 1))
    assert mixed.pixels is not None and alone.pixels is not None
    assert torch.equal(mixed.pixels, alone.pixels)


def test_classes_of_a_conditional_model_are_seen(tmp_path: Path) -> None:
    path, *_ = snapshot(tmp_path, label_size=3)
    store = sg.ModelStore()
    model = store.open(path)
    scene = edits.fit(sg.Scene(), model.card, sg.ModelRef(digest=model.card.digest))
    first, second = (sg.render(edits.choose_class(scene, index), store).pixels for index in (0, 1))
    assert first is not None and second is not None
    assert not torch.equal(first, second)


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(list(arguments))
    assert not ended.value.code


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("info", str(SNAPSHOT))
    assert "progan" in capsys.readouterr().out
    run("generate", "--model", str(SNAPSHOT), "--seeds", "0-1", "--psi", "0.7", "--out", str(tmp_path))
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["seed0000.png", "seed0001.png"]
