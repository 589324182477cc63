"""Checkpoints of rosinality/stylegan2-pytorch give the pictures and logits that that implementation would compute.

The reference below evaluates a checkpoint in float64 straight from its own names: the equations of StyleGAN2 (sections
2 and 4, and equations 1 to 3) in the arrangement of that layout.
"""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.checkpoint import read_discriminator, read_generator, write_spec
from stylegan_core.errors import ModelFileError
from stylegan_core.model import build_discriminator, build_generator

Weights = dict[str, Tensor]

STYLE, MLP = 8, 3
WIDTHS = {4: 12, 8: 12, 16: 6}  # min(96 // resolution, 12)
RESOLUTION = 16


def random_generator(seed: int) -> Weights:
    random = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random)

    weights: Weights = {}
    kernel = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 16  # sum 4

    def modulated(name: str, inner: int, out: int, size: int) -> None:
        weights[f"{name}.conv.weight"] = draw(1, out, inner, size, size)
        weights[f"{name}.conv.modulation.weight"] = draw(inner, STYLE)
        weights[f"{name}.conv.modulation.bias"] = 1 + 0.3 * draw(inner)

    def styled(name: str, inner: int, out: int) -> None:
        modulated(name, inner, out, 3)
        weights[f"{name}.noise.weight"] = draw(1)
        weights[f"{name}.activate.bias"] = draw(out)

    def to_rgb(name: str, inner: int) -> None:
        modulated(name, inner, 3, 1)
        weights[f"{name}.bias"] = draw(1, 3, 1, 1)

    for i in range(1, MLP + 1):
        weights[f"style.{i}.weight"], weights[f"style.{i}.bias"] = draw(STYLE, STYLE) * 100, draw(STYLE) * 30
    weights["input.input"] = draw(1, WIDTHS[4], 4, 4)
    styled("conv1", WIDTHS[4], WIDTHS[4])
    to_rgb("to_rgb1", WIDTHS[4])
    weights["noises.noise_0"] = draw(1, 1, 4, 4)
    for i, resolution in enumerate([8, 16]):
        styled(f"convs.{2 * i}", WIDTHS[resolution // 2], WIDTHS[resolution])
        weights[f"convs.{2 * i}.conv.blur.kernel"] = kernel
        styled(f"convs.{2 * i + 1}", WIDTHS[resolution], WIDTHS[resolution])
        to_rgb(f"to_rgbs.{i}", WIDTHS[resolution])
        weights[f"to_rgbs.{i}.upsample.kernel"] = kernel
        for noise in (2 * i + 1, 2 * i + 2):
            weights[f"noises.noise_{noise}"] = draw(1, 1, resolution, resolution)
    return weights


def random_discriminator(seed: int) -> Weights:
    random = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random)

    kernel = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
    weights = {"convs.0.0.weight": draw(WIDTHS[16], 3, 1, 1), "convs.0.1.bias": draw(WIDTHS[16])}
    for i, resolution in enumerate([16, 8]):
        inner, out, name = WIDTHS[resolution], WIDTHS[resolution // 2], f"convs.{i + 1}"
        weights[f"{name}.conv1.0.weight"], weights[f"{name}.conv1.1.bias"] = draw(inner, inner, 3, 3), draw(inner)
        weights[f"{name}.conv2.0.kernel"] = weights[f"{name}.skip.0.kernel"] = kernel
        weights[f"{name}.conv2.1.weight"], weights[f"{name}.conv2.2.bias"] = draw(out, inner, 3, 3), draw(out)
        weights[f"{name}.skip.1.weight"] = draw(out, inner, 1, 1)
    last = WIDTHS[4]
    weights["final_conv.0.weight"], weights["final_conv.1.bias"] = draw(last, last + 1, 3, 3), draw(last)
    weights["final_linear.0.weight"], weights["final_linear.0.bias"] = draw(last, last * 16), draw(last)
    weights["final_linear.1.weight"], weights["final_linear.1.bias"] = draw(1, last), draw(1)
    return weights


# The reference


def act(x: Tensor, bias: Tensor) -> Tensor:
    shape = [1, -1] + [1] * (x.ndim - 2)
    return F.leaky_relu(x + bias.reshape(shape), 0.2) * 2**0.5


def blur(x: Tensor, kernel: Tensor, before: int, after: int) -> Tensor:
    channels = x.shape[1]
    x = F.pad(x, [before, after, before, after])
    return F.conv2d(x, kernel.flip([0, 1])[None, None].repeat(channels, 1, 1, 1), groups=channels)


def reference_w(p: Weights, z: Tensor) -> Tensor:
    x = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    for i in range(1, MLP + 1):
        x = act(x @ (p[f"style.{i}.weight"] * 0.01 / STYLE**0.5).T, p[f"style.{i}.bias"] * 0.01)
    return x


def reference_modulated(p: Weights, name: str, x: Tensor, w: Tensor, up: bool, demodulate: bool) -> Tensor:
    weight = p[f"{name}.conv.weight"][0]
    style = w @ (p[f"{name}.conv.modulation.weight"] / STYLE**0.5).T + p[f"{name}.conv.modulation.bias"]
    pictures = []
    for picture, s in zip(x, style, strict=True):
        own = weight / weight[0].numel() ** 0.5 * s[None, :, None, None]
        if demodulate:
            own = own / (own.square().sum(dim=[1, 2, 3], keepdim=True) + 1e-8).sqrt()
        if up:
            y = F.conv_transpose2d(picture[None], own.transpose(0, 1), stride=2)
            pictures.append(blur(y, p[f"{name}.conv.blur.kernel"], 1, 1))
        else:
            pictures.append(F.conv2d(picture[None], own, padding=own.shape[-1] // 2))
    return torch.cat(pictures)


def reference_picture(p: Weights, ws: Tensor) -> Tensor:
    def styled(name: str, x: Tensor, index: int, noise: int, up: bool) -> Tensor:
        x = reference_modulated(p, name, x, ws[:, index], up, demodulate=True)
        return act(x + p[f"{name}.noise.weight"] * p[f"noises.noise_{noise}"], p[f"{name}.activate.bias"])

    def rgb(name: str, x: Tensor, index: int, skip: Tensor | None) -> Tensor:
        y = reference_modulated(p, name, x, ws[:, index], up=False, demodulate=False) + p[f"{name}.bias"]
        if skip is None:
            return y
        spread = skip.new_zeros(skip.shape[0], 3, 2 * skip.shape[2], 2 * skip.shape[3])
        spread[:, :, ::2, ::2] = skip
        return y + blur(spread, p[f"{name}.upsample.kernel"], 2, 1)

    x = styled("conv1", p["input.input"].repeat(len(ws), 1, 1, 1), 0, 0, up=False)
    picture = rgb("to_rgb1", x, 1, None)
    for i in range(2):
        x = styled(f"convs.{2 * i}", x, 2 * i + 1, 2 * i + 1, up=True)
        x = styled(f"convs.{2 * i + 1}", x, 2 * i + 2, 2 * i + 2, up=False)
        picture = rgb(f"to_rgbs.{i}", x, 2 * i + 3, picture)
    return picture


def reference_logits(p: Weights, x: Tensor) -> Tensor:
    def conv(name: str, x: Tensor, **how: int) -> Tensor:
        weight = p[f"{name}.weight"]
        return F.conv2d(x, weight / weight[0].numel() ** 0.5, **how)

    x = act(conv("convs.0.0", x), p["convs.0.1.bias"])
    for name in ("convs.1", "convs.2"):
        y = act(conv(f"{name}.conv1.0", x, padding=1), p[f"{name}.conv1.1.bias"])
        y = conv(f"{name}.conv2.1", blur(y, p[f"{name}.conv2.0.kernel"], 2, 2), stride=2)
        skip = conv(f"{name}.skip.1", blur(x, p[f"{name}.skip.0.kernel"], 1, 1), stride=2)
        x = (act(y, p[f"{name}.conv2.2.bias"]) + skip) / 2**0.5
    group = min(len(x), 4)
    deviation = x.reshape(group, -1, *x.shape[1:]).var(dim=0, unbiased=False).add(1e-8).sqrt().mean(dim=[1, 2, 3])
    x = torch.cat([x, deviation.repeat(group)[:, None, None, None].expand(-1, 1, 4, 4)], dim=1)
    x = act(conv("final_conv.0", x, padding=1), p["final_conv.1.bias"]).flatten(1)
    for name, last in (("final_linear.0", False), ("final_linear.1", True)):
        y = x @ (p[f"{name}.weight"] / x.shape[1] ** 0.5).T
        x = y + p[f"{name}.bias"] if last else act(y, p[f"{name}.bias"])
    return x


def double(weights: Weights) -> Weights:
    return {name: tensor.double() for name, tensor in weights.items()}


# The tests


def save(path: Path, content: Mapping[str, object], legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def close(ours: Tensor, reference: Tensor) -> bool:
    return torch.allclose(ours.double(), reference, rtol=1e-4, atol=2e-5 * float(reference.abs().max()))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_pictures_are_those_of_the_reference(tmp_path: Path, legacy: bool) -> None:
    weights = random_generator(1)
    average = torch.randn(STYLE)
    path = save(tmp_path / "net.pt", {"g_ema": weights, "latent_avg": average}, legacy)
    model = build_generator(read_generator(path), "0" * 64, "net")
    assert model.card.num_ws == 6
    z = torch.randn(3, STYLE, generator=torch.Generator().manual_seed(2))
    ws = model.map(z)
    assert close(ws[:, 0], reference_w(double(weights), z.double()))
    mixed = ws[:, :1] + torch.randn(3, 6, STYLE, generator=torch.Generator().manual_seed(3))  # another w for each layer
    assert close(model.synthesize(mixed), reference_picture(double(weights), mixed.double()))
    assert torch.equal(model.w_avg, average)


def test_logits_are_those_of_the_reference(tmp_path: Path) -> None:
    weights = random_discriminator(4)
    network = build_discriminator(read_discriminator(save(tmp_path / "net.pt", {"d": weights})), "net")
    pictures = torch.randn(8, 3, RESOLUTION, RESOLUTION, generator=torch.Generator().manual_seed(5))
    for count in (1, 4, 8):
        reference = reference_logits(double(weights), pictures[:count].double())
        assert close(network(pictures[:count]), reference)


def test_a_missing_mean_of_w_is_estimated(tmp_path: Path) -> None:
    weights = random_generator(1)
    spec = read_generator(save(tmp_path / "net.pt", {"g_ema": weights}))
    z = torch.randn(20000, STYLE, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    w = reference_w(double(weights), z)
    assert torch.allclose(spec.tensors["mapping.w_avg"].double(), w.mean(dim=0), atol=5 * float(w.std()) / 4096**0.5)
    assert "estimated" in spec.description["w_avg"]


def test_which_chooses_the_network(tmp_path: Path) -> None:
    first, second = random_generator(1), random_generator(2)
    path = save(tmp_path / "net.pt", {"g": first, "g_ema": second})
    for which, weights in (("G", first), ("G_ema", second)):
        assert torch.equal(read_generator(path, which).tensors["synthesis.b4.const"], weights["input.input"][0])


def test_a_training_checkpoint_with_optimizer_and_arguments_is_read(tmp_path: Path) -> None:
    weights = random_generator(1)
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([parameter])
    parameter.sum().backward()
    optimizer.step()
    content = {"g_ema": weights, "g_optim": optimizer.state_dict(), "args": Namespace(size=16), "ada_aug_p": 0.0}
    spec = read_generator(save(tmp_path / "net.pt", content))
    assert spec.config.img_resolution == RESOLUTION


def test_it_survives_being_written_as_our_own_file(tmp_path: Path) -> None:
    spec = read_generator(save(tmp_path / "net.pt", {"g_ema": random_generator(1)}))
    write_spec(spec, tmp_path / "net.safetensors")
    again = read_generator(tmp_path / "net.safetensors")
    assert again.config == spec.config
    assert again.description == spec.description
    assert all(torch.equal(tensor, spec.tensors[name]) for name, tensor in again.tensors.items())


@pytest.mark.parametrize("name", ["style.2.weight", "convs.1.conv.weight", "noises.noise_3", "to_rgb1.bias"])
def test_a_missing_weight_is_named(tmp_path: Path, name: str) -> None:
    weights = random_generator(1)
    del weights[name]
    with pytest.raises(ModelFileError, match=r"^'net\.pt' .*\.$"):
        read_generator(save(tmp_path / "net.pt", {"g_ema": weights}))


def test_a_checkpoint_without_the_network_says_what_it_has(tmp_path: Path) -> None:
    path = save(tmp_path / "net.pt", {"d": random_discriminator(4)})
    with pytest.raises(ModelFileError, match=r"holds no network 'g_ema'; it has d\."):
        read_generator(path)


def test_a_mapping_layer_of_enormous_width_is_refused(tmp_path: Path) -> None:
    weights = random_generator(1)
    weights["style.1.weight"], weights["style.1.bias"] = torch.zeros(1 << 20, STYLE), torch.zeros(1 << 20)
    with pytest.raises(ModelFileError, match=r"style\.1"):
        read_generator(save(tmp_path / "net.pt", {"g_ema": weights}))
