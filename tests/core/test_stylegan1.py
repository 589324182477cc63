"""StyleGAN: parity with the official numbers, and with the equations in float64 for what those leave out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import main
import stylegan_core as sg
from stylegan_core import stylegan1
from stylegan_core.checkpoint import read_discriminator, write_spec
from stylegan_core.model import build_generator, random_spec
from stylegan_core.network import Inputs
from tests.core import progressive_reference as reference
from tests.core import tf_snapshots
from tests.core.snapshots import GOLDEN

SNAPSHOT = GOLDEN / "sg1_64.pkl"
TOLERANCE = json.loads((GOLDEN / "index.json").read_text())["entries"]["sg1_64"]["tolerance"]
SMALL: dict[str, Any] = {
    "resolution": 16,
    "num_channels": 3,
    "label_size": 0,
    "fmap_base": 32,
    "fmap_max": 6,
    "latent_size": 5,
    "dlatent_size": 7,
    "mapping_fmaps": 9,
    "mapping_layers": 3,
}


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    with np.load(GOLDEN / "sg1_64.npz") as stored:
        return {name: torch.from_numpy(a) if a.dtype.kind == "f" else a for name, a in stored.items()}


@pytest.fixture(scope="module")
def model() -> sg.Model:
    return sg.load_model(SNAPSHOT)


def check(kind: str, computed: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(computed, expected, **TOLERANCE[kind])


def test_mapping_and_truncation(model: sg.Model, arrays: dict[str, Any]) -> None:
    z, cutoff = arrays["latents"], int(arrays["truncation_cutoff"])
    check("dlatents", model.map(z), arrays["dlatents"])
    check("dlatents", model.map(z, psi=0.7, cutoff=8), arrays["dlatents_psi07"])
    check("dlatents", model.map(z, psi=0.5, cutoff=cutoff), arrays["dlatents_psi05_cut"])
    check("dlatents", model.w_avg, arrays["dlatent_avg"])


def test_pictures(model: sg.Model, arrays: dict[str, Any]) -> None:
    z, cutoff = arrays["latents"], int(arrays["truncation_cutoff"])
    check("images", model.synthesize(model.map(z)), arrays["img_psi1"])
    check("images", model.synthesize(model.map(z, psi=0.7, cutoff=8)), arrays["img_psi07"])
    check("images", model.synthesize(model.map(z, psi=0.7, cutoff=8)), arrays["img_default"])
    check("images", model.synthesize(model.map(z, psi=0.5, cutoff=cutoff)), arrays["img_psi05_cut"])
    # No cutoff means no truncation there, and truncation of all style vectors here.
    check("images", model.synthesize(model.map(z, psi=0.7, cutoff=0)), arrays["img_psi07_cutNone"])


def test_every_layer_takes_its_own_style_vector(model: sg.Model, arrays: dict[str, Any]) -> None:
    check("images", model.synthesize(arrays["dlatents_mixed"]), arrays["img_mixed"])


def test_levels_of_detail(model: sg.Model, arrays: dict[str, Any]) -> None:
    check("images", model.synthesize(arrays["dlatents"], lod=1.0), arrays["img_lod1p0"])
    check("images", model.synthesize(arrays["dlatents"], lod=1.5), arrays["img_lod1p5"])
    coarsest = model.synthesize(arrays["dlatents"], lod=4.0)
    assert coarsest.std() > 0.1
    assert torch.equal(coarsest[..., ::16, ::16].repeat_interleave(16, 2).repeat_interleave(16, 3), coarsest)


def test_the_generator_in_training(arrays: dict[str, Any]) -> None:
    model = sg.load_model(SNAPSHOT, which="G")
    check("images", model.synthesize(model.map(arrays["latents"][:1])), arrays["img_G_psi1"])


def test_the_discriminator(arrays: dict[str, Any]) -> None:
    judge, pictures = sg.load_discriminator(SNAPSHOT), arrays["img_psi1"]
    check("d_scores", judge(pictures), arrays["d_scores"])
    check("d_scores", torch.cat([judge(picture[None]) for picture in pictures]), arrays["d_scores_single"])
    eight = torch.cat([arrays[f"img_{name}"] for name in ("psi1", "psi07", "psi05_cut", "mixed")])
    check("d_scores", judge(eight), arrays["d_scores_cat8"])


def test_every_layer(model: sg.Model, arrays: dict[str, Any]) -> None:
    """Statistics and samples of each layer's output."""
    names = {"4x4/Const": "b4.input", "4x4/Conv": "b4.conv1"}
    for level, r in enumerate((64, 32, 16, 8, 4)):
        names[f"ToRGB_lod{level}"] = f"b{r}.torgb"
        names |= {f"{r}x{r}/Conv0_up": f"b{r}.conv0", f"{r}x{r}/Conv1": f"b{r}.conv1"} if r > 4 else {}
    places = {f"synthesis.{ours}": f"synthesis/{theirs}" for theirs, ours in names.items()}
    places |= {f"mapping.fc{i}": f"mapping/Dense{i}" for i in range(8)}
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        return lambda module, inputs, output: seen.update({name: output.clone()})

    handles = [model.network.get_submodule(ours).register_forward_hook(keep(ours)) for ours in places]
    model.synthesize(model.map(arrays["latents"]))
    for handle in handles:
        handle.remove()
    rows = dict(zip(json.loads(str(arrays["stats_names"])), arrays["stats"], strict=True))
    for ours, theirs in places.items():
        output = F.leaky_relu(seen[ours], 0.2) if ours.startswith("mapping") else seen[ours]
        row = np.asarray(rows[theirs])
        close = 1e-4 * max(1.0, abs(row[2]), abs(row[3]))
        computed = [float(v) for v in (output.mean(), output.std(correction=0), output.min(), output.max())]
        np.testing.assert_allclose(computed, row, atol=close, err_msg=ours)
        at = np.linspace(0, output.numel() - 1, 16).astype(np.int64)
        np.testing.assert_allclose(output.flatten()[at], arrays[f"probe/{theirs}"], atol=close, err_msg=ours)
    assert len(seen) == 8 + 3 * 5


# Against the equations in float64


def written(path: Path, g: tf_snapshots.Network, d: tf_snapshots.Network) -> Path:
    path.write_bytes(tf_snapshots.dump((g, d, g)))
    return path


def snapshot(folder: Path, **options: Any) -> tuple[Path, tf_snapshots.Network, tf_snapshots.Network, dict[str, Any]]:
    """A file with networks of random numbers, the networks, and all their options."""
    settings = {**SMALL, **options}
    g, d = reference.stylegan(settings), reference.basic_discriminator(settings)
    return written(folder / "model.pkl", g, d), g, d, settings


def close(computed: Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(computed.numpy(), expected, atol=5e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label_size": 3},
        {"label_size": 3, "normalize_latents": False},
        {"use_noise": False},
        {"use_styles": False},
        {"const_input_layer": False},
        {"blur_filter": None},
        {"blur_filter": [1.0, 3.0, 3.0, 1.0]},
        {"blur_filter": [1.0, 2.0, 5.0]},
        {"use_wscale": False, "mapping_lrmul": 0.5},
        {"use_pixel_norm": True, "use_instance_norm": False},
        {"use_instance_norm": False, "use_styles": False},
        {"nonlinearity": "relu", "mapping_nonlinearity": "relu"},
        {"fused_scale": True},
        {"fused_scale": False},
        {"structure": "fixed"},
        {"resolution": 128, "fmap_base": 128, "fmap_max": 3},  # fused at 128
        {"resolution": 4},
    ],
    ids=str,
)
def test_generators_compute_the_equations(tmp_path: Path, options: dict[str, Any]) -> None:
    path, g, _, settings = snapshot(tmp_path, **options)
    model = sg.load_model(path)
    random = np.random.RandomState(3)
    z = random.randn(2, 5).astype(np.float32)
    c = random.rand(2, 3).astype(np.float32) if settings["label_size"] else None
    w = reference.stylegan_w(g.components["mapping"].values, z, c, settings)
    close(model.map(torch.from_numpy(z), None if c is None else torch.from_numpy(c))[:, 0], w)
    ws = random.randn(2, model.card.num_ws, 7).astype(np.float32)  # another one in every layer
    values = g.components["synthesis"].values
    expected = np.stack([reference.stylegan_picture(values, row, settings) for row in ws])
    close(model.synthesize(torch.from_numpy(ws)), expected)


@pytest.mark.parametrize(
    ("options", "lod"),
    [
        ({}, 0.0),
        ({}, 0.7),
        ({}, 1.0),
        ({}, 2.0),
        ({"label_size": 3}, 0.0),
        ({"mbstd_group_size": 2, "mbstd_num_features": 3}, 0.0),
        ({"mbstd_group_size": 1}, 0.0),
        ({"blur_filter": None}, 0.0),
        ({"use_wscale": False}, 0.0),
        ({"nonlinearity": "relu"}, 0.0),
        ({"structure": "fixed"}, 0.0),
        ({"resolution": 4}, 0.0),
    ],
    ids=str,
)
def test_discriminators_compute_the_equations(tmp_path: Path, options: dict[str, Any], lod: float) -> None:
    path, _, d, settings = snapshot(tmp_path, **options)
    judge = sg.load_discriminator(path)
    random = np.random.RandomState(4)
    pictures = random.randn(8, 3, settings["resolution"], settings["resolution"]).astype(np.float32)
    c = random.rand(8, 3).astype(np.float32) if settings["label_size"] else None
    x = reference.outputs(d.values, pictures, settings, style=True, lod=lod)
    expected = x if c is None else (x * c).sum(axis=1, keepdims=True)
    with torch.inference_mode():
        found = judge.network(torch.from_numpy(pictures), None if c is None else torch.from_numpy(c), lod=lod)
    close(found, expected)


def test_a_snapshot_from_the_middle_of_growth_shows_what_is_trained(tmp_path: Path) -> None:
    path, g, d, _ = snapshot(tmp_path)
    ws = torch.randn(1, 6, 7, generator=torch.Generator().manual_seed(0))
    faded = sg.load_model(path).synthesize(ws, lod=1.25)
    img = faded.repeat(4, 1, 1, 1)
    with torch.inference_mode():
        logits = sg.load_discriminator(path).network(img, lod=0.5)
    g.set("lod", np.float32(1.25))
    d.set("lod", np.float32(0.5))
    written(path, g, d)
    assert torch.equal(sg.load_model(path).synthesize(ws), faded)
    assert torch.equal(sg.load_discriminator(path)(img), logits)


def test_a_bias_before_the_blur_shows_at_the_border_only() -> None:
    config = stylegan1.GeneratorConfig(
        img_resolution=8, channel_base=32, channel_max=4, z_dim=4, w_dim=4, use_instance_norm=False
    )
    spec = random_spec(config, seed=1)
    spec.tensors["synthesis.b8.conv0.bias"] += 3.0
    spec.tensors["synthesis.b8.conv0.bias"][0] -= 6.0
    layers = []
    for early in (False, True):
        changed = type(spec)(config.model_copy(update={"bias_before_blur": early}), spec.tensors)
        model = build_generator(changed, "", "")
        module, x = model.network.get_submodule("synthesis.b8.conv0"), torch.ones(1, 4, 4, 4)
        with torch.inference_mode():
            layers.append(module(x, torch.zeros(1, 4), Inputs(noise=lambda layer, const: None), 2))
    late, early = layers
    torch.testing.assert_close(late[..., 1:-1, 1:-1], early[..., 1:-1, 1:-1])
    assert (late - early)[..., 0, :].abs().min() > 0.1


def test_the_networks_learn() -> None:
    """Gradients reach every parameter through the same code that makes pictures."""
    settings = {"img_resolution": 8, "channel_base": 32, "channel_max": 4, "c_dim": 2}
    config = stylegan1.GeneratorConfig(**settings, z_dim=4, w_dim=4, mapping_layers=2)
    g, judge = stylegan1.Generator(config), stylegan1.Discriminator(stylegan1.DiscriminatorConfig(**settings))
    for network in (g, judge):
        generator = torch.Generator().manual_seed(0)
        network.load_state_dict({k: network.initial(k, v.shape, generator) for k, v in network.state_dict().items()})
    c = torch.eye(2)
    ws = g.map(torch.randn(2, 4), c)[:, None].repeat(1, g.num_ws, 1)
    *_, last = g.steps(ws, Inputs(lod=0.5))
    assert last.img is not None
    judge(last.img, c, lod=0.5).sum().backward()
    unreached = {name for net in (g, judge) for name, p in net.named_parameters() if p.grad is None}
    assert not unreached
    assert judge.get_parameter("b8.conv0.weight").grad.abs().sum() > 0


# Files


Change = Callable[[tf_snapshots.Network, tf_snapshots.Network], object]


def broken(change: Change) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        g = reference.stylegan(SMALL)
        change(g, g.components["synthesis"])
        return written(folder / "broken.pkl", g, reference.basic_discriminator(SMALL))

    return make


BROKEN = {
    "a missing variable": (
        broken(lambda g, s: s.drop("8x8/Conv1/weight")),
        "lacks the variable '8x8/Conv1/weight'",
    ),
    "a shape that does not fit": (
        broken(lambda g, s: s.set("8x8/Conv1/weight", np.zeros((3, 3, 6, 9), np.float32))),
        r"tensor 'synthesis.b8.conv1.weight' is \[9, 6, 3, 3\]",
    ),
    "fewer numbers than it asks for": (
        broken(lambda g, s: s.static_kwargs.update(fmap_base=1 << 15, fmap_max=9999)),
        "holds .* numbers where its configuration asks for",
    ),
    "a number of dimensions": (
        broken(lambda g, s: s.set("8x8/Conv1/bias", np.zeros((6, 1), np.float32))),
        "has a variable '8x8/Conv1/bias' of 2 dimensions in place of 1",
    ),
    "an absurd resolution": (
        broken(lambda g, s: s.static_kwargs.update(resolution=1 << 40)),
        "has an unusable setting resolution",
    ),
    "no resolution": (
        broken(lambda g, s: s.static_kwargs.update(resolution="16")),
        "has a setting resolution that is not a whole number",
    ),
    "channels without end": (
        broken(lambda g, s: s.static_kwargs.update(fmap_base=1 << 62)),
        "has an unusable setting channel_base",
    ),
    "channels that decay otherwise": (
        broken(lambda g, s: s.static_kwargs.update(fmap_decay=0.5)),
        "has an unusable setting fmap_decay",
    ),
    "a foreign activation": (
        broken(lambda g, s: s.static_kwargs.update(nonlinearity="exec")),
        "has an unusable setting activation",
    ),
    "a blur of nothing": (
        broken(lambda g, s: s.static_kwargs.update(blur_filter=[1, -1])),
        "has an unusable setting: blur_filter sums to 0",
    ),
    "a fused_scale of another kind": (
        broken(lambda g, s: s.static_kwargs.update(fused_scale="often")),
        "has an unusable setting fused_scale",
    ),
    "a level beyond the coarsest": (
        broken(lambda g, s: g.set("lod", np.float32(7))),
        "has an unusable setting: lod 7.0 is beyond the coarsest level",
    ),
    "a level that is no number": (
        broken(lambda g, s: g.set("lod", np.float32("nan"))),
        "a variable of a network in it is not a name with numbers",
    ),
    "parts of another network": (
        broken(lambda g, s: vars(g.components["mapping"]).update(build_func_name="G_other")),
        "has a part of its generator built by 'G_other'",
    ),
    "no parts": (broken(lambda g, s: vars(g).update(components={})), "lacks the part 'synthesis'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_generators_get_one_sentence(tmp_path: Path, name: str) -> None:
    make, words = BROKEN[name]
    path = make(tmp_path)
    with pytest.raises(sg.ModelFileError, match=words) as caught:
        sg.load_model(path)
    assert "broken" in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 240


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mbstd_num_features": 5}, "mbstd_num_channels 5 does not divide 6 channels"),
        ({"mbstd_group_size": -1}, "mbstd_group_size"),
        ({"resolution": 24}, "resolution"),
    ],
)
def test_broken_discriminators_get_one_sentence(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    g, d = reference.stylegan(SMALL), reference.basic_discriminator(SMALL)
    d.static_kwargs = {**SMALL, **options}
    path = written(tmp_path / "broken.pkl", g, d)
    with pytest.raises(sg.ModelFileError, match=words):
        sg.load_discriminator(path)


@pytest.mark.parametrize("options", [{}, {"label_size": 3, "use_styles": False, "structure": "fixed"}], ids=str)
def test_saved_as_safetensors_they_stay_the_same(tmp_path: Path, options: dict[str, Any]) -> None:
    path, *_ = snapshot(tmp_path, **options)
    model, judge = sg.load_model(path), sg.load_discriminator(path)
    sg.save_model(model, tmp_path / "g.safetensors")
    write_spec(read_discriminator(path), tmp_path / "d.safetensors")
    again, judge_again = sg.load_model(tmp_path / "g.safetensors"), sg.load_discriminator(tmp_path / "d.safetensors")
    z = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    c = torch.eye(3)[:2] if model.card.c_dim else None
    pictures = model.synthesize(model.map(z, c, psi=0.7))
    assert torch.equal(again.synthesize(again.map(z, c, psi=0.7)), pictures)
    assert torch.equal(judge_again(pictures, c), judge(pictures, c))
    assert again.card.model_copy(update={"name": "", "digest": ""}) == model.card.model_copy(
        update={"name": "", "digest": ""}
    )


def test_the_card(model: sg.Model) -> None:
    card = model.card
    assert (card.family, card.resolution, card.num_ws, card.max_lod) == ("stylegan1", 64, 10, 4)
    assert card.has_noise and card.has_truncation and card.has_preview
    assert [layer.name for layer in card.layers[:4]] == ["b4.input", "b4.conv1", "b8.conv0", "b8.conv1"]
    assert [layer.ws_index for layer in card.layers] == list(range(10))
    assert len(card.noise_layers) == 10


def test_previews_are_the_coarser_blocks_own_pictures(model: sg.Model, arrays: dict[str, Any]) -> None:
    store = sg.ModelStore()
    store.add(model)
    scene = sg.Scene(model=sg.ModelRef(digest=model.card.digest))
    preview = sg.Renderer(store).render(scene, stop_at=32)
    assert preview.error is None and preview.preview and preview.pixels is not None
    assert preview.pixels.shape == (32, 32, 3)
    full = sg.Renderer(store).render(scene)
    assert full.error is None and full.pixels is not None and full.pixels.shape == (64, 64, 3)
    assert full.pixels.float().std() > 10


def test_a_stored_step_goes_on_to_the_same_picture(model: sg.Model, arrays: dict[str, Any]) -> None:
    with torch.inference_mode():
        steps = list(model.steps(arrays["dlatents"]))
        *_, last = model.steps(arrays["dlatents"], start=steps[2])
    assert [step.resolution for step in steps] == [4, 8, 16, 32, 64]
    assert torch.equal(last.img, steps[-1].img)


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(list(arguments))
    assert not ended.value.code


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("info", str(SNAPSHOT))
    assert "stylegan1" in capsys.readouterr().out
    run("generate", "--model", str(SNAPSHOT), "--seeds", "0-1", "--psi", "0.7", "--out", str(tmp_path))
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["seed0000.png", "seed0001.png"]
