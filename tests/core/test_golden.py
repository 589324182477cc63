"""Numerical parity with the official code: style vectors, pictures, layers and logits of tests/golden."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import stylegan_core as sg
from stylegan_core.network import Inputs

GOLDEN = Path(__file__).parents[1] / "golden"
ENTRIES: dict[str, Any] = json.loads((GOLDEN / "index.json").read_text())["entries"]
STYLEGAN2 = ["sg2_skip64", "sg2_cond32", "sg2_resnet32", "sg2_orig32", "ada_skip64", "ada_fp16_64"]
STYLEGAN3 = ["sg3t_64", "sg3r_64"]
NAMES = [*STYLEGAN2, "sg2_skip64_torch19", *STYLEGAN3]
BASES = {"sg2_skip64_torch19": "sg2_skip64"}


class Golden:
    """A snapshot with the arrays that the official code computed from it."""

    def __init__(self, name: str):
        base = BASES.get(name, name)
        self.path = GOLDEN / f"{name}.pkl"
        self.model = sg.load_model(self.path)
        self.arrays = dict(np.load(GOLDEN / f"{base}.npz"))
        self.tolerance = ENTRIES[base]["tolerance"]

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self.arrays[name])

    @property
    def c(self) -> Tensor | None:
        return self.tensor("c") if self.model.card.c_dim else None

    def check(self, kind: str, name: str, computed: Tensor) -> None:
        tolerance = self.tolerance[kind]
        torch.testing.assert_close(
            computed, self.tensor(name), atol=tolerance["atol"], rtol=tolerance["rtol"], msg=lambda m: f"{name}: {m}"
        )


@pytest.fixture(scope="module", params=NAMES)
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


def test_mapping_and_truncation(golden: Golden) -> None:
    model, z, cutoff = golden.model, golden.tensor("z"), int(golden.arrays["truncation_cutoff"])
    golden.check("ws", "ws_psi1", model.map(z, golden.c))
    golden.check("ws", "ws_psi07", model.map(z, golden.c, psi=0.7))
    golden.check("ws", "ws_psi05_cut", model.map(z, golden.c, psi=0.5, cutoff=cutoff))


def test_pictures(golden: Golden) -> None:
    model = golden.model
    golden.check("images", "img_psi1_const", model.synthesize(golden.tensor("ws_psi1")))
    golden.check("images", "img_psi1_none", model.synthesize(golden.tensor("ws_psi1"), noise="none"))
    golden.check("images", "img_psi07_const", model.synthesize(golden.tensor("ws_psi07")))
    golden.check("images", "img_psi05cut_const", model.synthesize(golden.tensor("ws_psi05_cut")))


def test_every_layer_takes_its_own_style_vector(golden: Golden) -> None:
    golden.check("images", "img_mixed_const", golden.model.synthesize(golden.tensor("ws_mixed")))


def test_the_generator_in_training(golden: Golden) -> None:
    model = sg.load_model(golden.path, which="G")
    c = None if golden.c is None else golden.c[:1]
    golden.check("images", "img_G_psi1_const", model.synthesize(model.map(golden.tensor("z")[:1], c)))


def test_the_discriminator(golden: Golden) -> None:
    judge, c = sg.load_discriminator(golden.path), golden.c
    pictures = golden.tensor("img_psi1_const")
    golden.check("d_logits", "d_logits_psi1", judge(pictures, c))
    alone = [judge(pictures[i : i + 1], None if c is None else c[i : i + 1]) for i in range(len(pictures))]
    golden.check("d_logits", "d_logits_single", torch.cat(alone))
    names = ("img_psi1_const", "img_psi1_none", "img_psi07_const", "img_psi05cut_const")
    eight = torch.cat([golden.tensor(name) for name in names])
    golden.check("d_logits", "d_logits_cat8", judge(eight, None if c is None else c.repeat(4, 1)))


def test_every_layer_of_the_generator(golden: Golden) -> None:
    """Statistics of each layer's output, which hooks on the official modules saw."""
    model = golden.model
    ws = golden.tensor("ws_psi1")
    seen = _outputs(model.network, lambda: (model.map(golden.tensor("z"), golden.c), model.synthesize(ws)))
    del seen["mapping"]  # the official one repeats w for every layer
    convolutions = [layer for layer in model.card.layers if layer.kind == "conv"]
    assert _compared(golden, "G/", seen) >= 2 * len(convolutions)  # each with its affine


def test_every_layer_of_the_discriminator(golden: Golden) -> None:
    judge = sg.load_discriminator(golden.path)
    seen = _outputs(judge.network, lambda: judge(golden.tensor("img_psi1_const"), golden.c))
    assert _compared(golden, "D/", seen) >= 2 * len(judge.network.config.block_resolutions)


def _compared(golden: Golden, prefix: str, seen: dict[str, Tensor]) -> int:
    """How many of these outputs were compared with what the official modules gave."""
    names: list[str] = json.loads(str(golden.arrays["stats_names"]))
    compared = 0
    for name, row in zip(names, golden.arrays["stats"], strict=True):
        output = seen.get(name.removeprefix(prefix))
        if output is None or not name.startswith(prefix):
            continue
        compared += 1
        close = 1e-4 * max(1.0, abs(row[2]), abs(row[3]))
        computed = [output.mean(), output.std(correction=0), output.min(), output.max()]
        np.testing.assert_allclose([float(v) for v in computed], row, atol=close, rtol=1e-4, err_msg=name)
        probe = golden.arrays.get(f"probe/{name}")
        if probe is not None:
            at = np.linspace(0, output.numel() - 1, 16).astype(np.int64)
            np.testing.assert_allclose(output.flatten()[at].numpy(), probe, atol=close, err_msg=name)
    return compared


@pytest.mark.parametrize("name", STYLEGAN3)
def test_a_transform_of_the_input(name: str) -> None:
    golden = Golden(name)
    transform = golden.tensor("transform_inv")
    moved = golden.model.synthesize(golden.tensor("ws_psi1"), transform=transform)
    golden.check("images", "img_psi1_transform", moved)


def _outputs(network: torch.nn.Module, run: Any) -> dict[str, Tensor]:
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(module: torch.nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                seen[name] = output.detach().clone()

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in network.named_modules()]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return seen


def test_half_precision_layers_stay_close() -> None:
    """The layers meant for half precision, run so on a CPU: the official code's own half result is 3e-3 away."""
    golden = Golden("ada_fp16_64")
    assert golden.model.card.has_half
    with torch.inference_mode():
        ws = golden.tensor("ws_psi1")
        *_, last = golden.model.network.steps(ws, Inputs(dtype=torch.float16))
    golden.check("img_psi1_const_fp16cpu", "img_psi1_const_fp16cpu", last.img)
    assert not torch.equal(last.img, golden.model.synthesize(ws))


def test_a_picture_does_not_depend_on_its_batch() -> None:
    golden = Golden("sg2_skip64")
    ws = golden.tensor("ws_psi1")
    both = golden.model.synthesize(ws)
    alone = torch.cat([golden.model.synthesize(w[None]) for w in ws])
    torch.testing.assert_close(both, alone, atol=golden.tolerance["images"]["atol"], rtol=0)


def test_the_starter_model() -> None:
    expected = np.load(GOLDEN / "faces32.npz")
    model = sg.load_model(GOLDEN / "faces32.safetensors")
    z = np.stack([np.random.RandomState(seed).randn(model.card.z_dim) for seed in expected["seeds"]])
    pictures = model.synthesize(model.map(torch.from_numpy(z).float(), psi=0.7))
    np.testing.assert_allclose(pictures.numpy(), expected["img_psi07_const"], atol=1e-4)
