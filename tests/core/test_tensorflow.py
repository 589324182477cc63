"""TensorFlow snapshots of StyleGAN2: parity with the official code, and with the equations in float64."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import main
import stylegan_core as sg
from stylegan_core.checkpoint import read_discriminator, write_spec
from tests.core import tf_reference, tf_snapshots
from tests.core.snapshots import GOLDEN
from tests.core.tf_snapshots import LATENT, RESOLUTION, Network

WIRINGS = ("orig", "skip", "resnet", "progressive")
CONFIG_F = GOLDEN / "sg2tf_configf64.pkl"
TOLERANCE = json.loads((GOLDEN / "index.json").read_text())["entries"]["sg2tf_configf64"]["tolerance"]


@pytest.fixture(scope="module")
def arrays() -> dict[str, Tensor]:
    with np.load(GOLDEN / "sg2tf_configf64.npz") as stored:
        return {name: torch.from_numpy(stored[name]) for name in stored if stored[name].dtype.kind in "fi"}


@pytest.fixture(scope="module")
def config_f() -> sg.Model:
    return sg.load_model(CONFIG_F)


def check(computed: Tensor, expected: Tensor | np.ndarray, atol: float = 5e-5, rtol: float = 1e-5) -> None:
    np.testing.assert_allclose(computed.numpy(), np.asarray(expected), atol=atol, rtol=rtol)


def test_mapping_and_truncation(config_f: sg.Model, arrays: dict[str, Tensor]) -> None:
    z, cutoff = arrays["latents"], int(arrays["truncation_cutoff"])
    check(config_f.map(z), arrays["dlatents"], **TOLERANCE["dlatents"])
    check(config_f.map(z, psi=0.7), arrays["dlatents_psi07"], **TOLERANCE["dlatents"])
    check(config_f.map(z, psi=0.5, cutoff=cutoff), arrays["dlatents_psi05_cut"], **TOLERANCE["dlatents"])
    check(config_f.w_avg, arrays["dlatent_avg"], atol=0, rtol=0)


def test_pictures(config_f: sg.Model, arrays: dict[str, Tensor]) -> None:
    names = {
        "psi1": "dlatents",
        "psi07": "dlatents_psi07",
        "psi05_cut": "dlatents_psi05_cut",
        "mixed": "dlatents_mixed",
    }
    for picture, ws in names.items():
        check(config_f.synthesize(arrays[ws]), arrays[f"img_{picture}"], **TOLERANCE["images"])
    check(
        config_f.synthesize(config_f.map(arrays["latents"], psi=0.7)),
        arrays["img_psi07_cutNone"],
        **TOLERANCE["images"],
    )
    check(config_f.synthesize(config_f.map(arrays["latents"], psi=0.5)), arrays["img_default"], **TOLERANCE["images"])


def test_the_generator_in_training(arrays: dict[str, Tensor]) -> None:
    model = sg.load_model(CONFIG_F, which="G")
    check(model.synthesize(model.map(arrays["latents"][:1])), arrays["img_G_psi1"], **TOLERANCE["images"])


def test_the_discriminator(arrays: dict[str, Tensor]) -> None:
    judge, pictures = sg.load_discriminator(CONFIG_F), arrays["img_psi1"]
    check(judge(pictures), arrays["d_scores"], **TOLERANCE["d_scores"])
    check(torch.cat([judge(picture[None]) for picture in pictures]), arrays["d_scores_single"], **TOLERANCE["d_scores"])
    eight = torch.cat([arrays[f"img_{name}"] for name in ("psi1", "psi07", "psi05_cut", "mixed")])
    check(judge(eight), arrays["d_scores_cat8"], **TOLERANCE["d_scores"])


def test_every_layer_of_the_mapping(config_f: sg.Model, arrays: dict[str, Tensor]) -> None:
    """Statistics and samples of each layer's output. Those of synthesis were taken with noise that nobody kept."""
    with np.load(GOLDEN / "sg2tf_configf64.npz") as stored:
        rows = dict(zip(json.loads(str(stored["stats_names"])), stored["stats"], strict=True))
    seen: list[Tensor] = []
    layers = [config_f.network.get_submodule(f"mapping.fc{i}") for i in range(8)]
    handles = [layer.register_forward_hook(lambda _, __, output: seen.append(output.clone())) for layer in layers]
    config_f.map(arrays["latents"])
    for handle in handles:
        handle.remove()
    for i, output in enumerate(seen):
        row = rows[f"mapping/Dense{i}"]
        close = 1e-4 * max(1.0, abs(row[2]), abs(row[3]))
        computed = [float(v) for v in (output.mean(), output.std(correction=0), output.min(), output.max())]
        np.testing.assert_allclose(computed, row, atol=close, rtol=1e-5, err_msg=f"Dense{i}")
        at = np.linspace(0, output.numel() - 1, 16).astype(np.int64)
        check(output.flatten()[at], arrays[f"probe/mapping/Dense{i}"], atol=close)
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("name", "family"), [("sg2tf_configf64", "stylegan2"), ("sg1_64", "stylegan1"), ("progan_32", "progan")]
)
def test_info_names_the_family(name: str, family: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["info", str(GOLDEN / f"{name}.pkl")])
    assert not ended.value.code
    assert f"family         {family}" in capsys.readouterr().out


def test_info_of_a_foreign_snapshot_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    g, d = tf_snapshots.generator("skip"), tf_snapshots.discriminator("skip")
    g.build_func_name = "G_biggan"
    path = written(tmp_path / "foreign.pkl", g, d)
    with pytest.raises(SystemExit) as ended:
        main.main(["info", str(path)])
    assert ended.value.code == 1
    sentence = "is a TensorFlow snapshot whose network Gs is built by 'G_biggan', which StyleScope does not read."
    assert capsys.readouterr().err == f"'foreign.pkl' {sentence}\n"


# Against the equations in float64


def written(path: Path, g: Network, d: Network) -> Path:
    path.write_bytes(tf_snapshots.dump((g, d, g)))
    return path


def latents(count: int, labels: int) -> tuple[Tensor, Tensor | None]:
    random = np.random.RandomState(1)
    z = torch.from_numpy(random.randn(count, LATENT).astype(np.float32))
    return z, torch.from_numpy(random.rand(count, labels).astype(np.float32)) if labels else None


@pytest.mark.parametrize("labels", [0, 3])
@pytest.mark.parametrize("wiring", WIRINGS)
def test_generators_compute_the_equations(tmp_path: Path, wiring: str, labels: int) -> None:
    g, d = tf_snapshots.generator(wiring, labels), tf_snapshots.discriminator(wiring, labels)
    model = sg.load_model(written(tmp_path / "model.pkl", g, d))
    assert (model.card.c_dim, model.card.z_dim, model.card.num_ws) == (labels, LATENT, 6)
    z, c = latents(2, labels)
    classes = None if c is None else c.numpy()
    w = tf_reference.mapped(g.components["mapping"].values, z.numpy(), classes)
    check(model.map(z, c)[:, 0], w, atol=1e-4)
    ws = np.random.RandomState(2).randn(2, 6, w.shape[1]).astype(np.float32)  # another one in every layer
    values = g.components["synthesis"].values
    expected = np.stack([tf_reference.picture(values, row, RESOLUTION, wiring) for row in ws])
    check(model.synthesize(torch.from_numpy(ws)), expected, atol=5e-5 * np.abs(expected).max())


@pytest.mark.parametrize("lod", [0.3, 1.0, 1.5, 2.0])
def test_growing_generators_fade_between_resolutions(tmp_path: Path, lod: float) -> None:
    g = tf_snapshots.generator("progressive")
    model = sg.load_model(written(tmp_path / "model.pkl", g, tf_snapshots.discriminator("progressive")))
    assert model.card.max_lod == 2
    ws = np.random.RandomState(2).randn(1, 6, model.card.w_dim).astype(np.float32)
    values = g.components["synthesis"].values
    expected = tf_reference.picture(values, ws[0], RESOLUTION, "progressive", lod)
    check(model.synthesize(torch.from_numpy(ws), lod=lod)[0], expected, atol=5e-5 * np.abs(expected).max())
    g.set("lod", np.float32(lod))  # saved while it was growing: what is finer is untrained, and not to be seen
    growing = sg.load_model(written(tmp_path / "growing.pkl", g, tf_snapshots.discriminator("progressive")))
    check(growing.synthesize(torch.from_numpy(ws))[0], expected, atol=5e-5 * np.abs(expected).max())


def test_a_generator_that_never_grew_has_one_picture(tmp_path: Path) -> None:
    g = tf_snapshots.generator("progressive")
    synthesis = g.components["synthesis"]
    expected = sg.load_model(written(tmp_path / "growing.pkl", g, tf_snapshots.discriminator("progressive")))
    synthesis.static_kwargs = {**synthesis.static_kwargs, "structure": "fixed"}
    synthesis.variables = [pair for pair in synthesis.variables if not pair[0].startswith(("ToRGB_lod1", "ToRGB_lod2"))]
    model = sg.load_model(written(tmp_path / "fixed.pkl", g, tf_snapshots.discriminator("progressive")))
    assert (model.card.max_lod, model.card.has_preview) == (0, False)
    ws = torch.randn(1, 6, model.card.w_dim, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(model.synthesize(ws), expected.synthesize(ws))


@pytest.mark.parametrize("labels", [0, 3])
@pytest.mark.parametrize("wiring", WIRINGS)
def test_discriminators_compute_the_equations(tmp_path: Path, wiring: str, labels: int) -> None:
    g, d = tf_snapshots.generator(wiring, labels), tf_snapshots.discriminator(wiring, labels)
    judge = sg.load_discriminator(written(tmp_path / "model.pkl", g, d))
    pictures = np.random.RandomState(3).randn(8, 3, RESOLUTION, RESOLUTION).astype(np.float32)
    _, c = latents(8, labels)
    expected = tf_reference.scores(d.values, pictures, None if c is None else c.numpy(), wiring)
    check(judge(torch.from_numpy(pictures), c), expected, atol=1e-4)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_saved_as_safetensors_they_stay_the_same(tmp_path: Path, wiring: str) -> None:
    path = written(tmp_path / "m.pkl", tf_snapshots.generator(wiring, 3), tf_snapshots.discriminator(wiring, 3))
    model, judge = sg.load_model(path), sg.load_discriminator(path)
    sg.save_model(model, tmp_path / "g.safetensors")
    write_spec(read_discriminator(path), tmp_path / "d.safetensors")
    again, judge_again = sg.load_model(tmp_path / "g.safetensors"), sg.load_discriminator(tmp_path / "d.safetensors")
    z, c = latents(2, 3)
    pictures = model.synthesize(model.map(z, c))
    assert torch.equal(again.synthesize(again.map(z, c)), pictures)
    assert torch.equal(judge_again(pictures, c), judge(pictures, c))
    assert again.card.layers == model.card.layers
