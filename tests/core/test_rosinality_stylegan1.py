"""Checkpoints of rosinality/style-based-gan-pytorch give the pictures and logits that that implementation computes.

The reference evaluates a checkpoint in float64 straight from its own names: StyleGAN's equations (figure 1 and equation
1 of Karras et al. 2019) in the arrangement of that layout.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import stylegan_core as sg
from stylegan_core.checkpoint import read_discriminator, read_generator, write_spec
from stylegan_core.errors import ModelFileError
from stylegan_core.model import build_discriminator, build_generator

Weights = dict[str, Tensor]

STYLE, MLP = 6, 3
WIDTHS = (8, 8, 4, 2)  # at 4, 8, 16 and 32 px: min(64 // resolution, 8)
TRAINED, FUSED = 3, 2  # blocks that training has come to; the first with resampling in its convolution
RESOLUTION = 16
BLUR = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16


def drawer(seed: int) -> Callable[..., Tensor]:
    random = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(shape, generator=random)


def untrained(weights: Weights, *starts: str) -> Weights:
    """With the zeros that biases and noise strengths begin with."""
    zero = (".bias", "noise1.weight_orig", "noise2.weight_orig")
    return {
        name: torch.zeros_like(tensor) if name.startswith(starts) and name.endswith(zero) else tensor
        for name, tensor in weights.items()
    }


def random_generator(seed: int) -> Weights:
    draw, weights = drawer(seed), {}

    def equal(name: str, kind: str, *shape: int) -> None:
        weights[f"{name}.{kind}.bias"], weights[f"{name}.{kind}.weight_orig"] = draw(shape[0]), draw(*shape)

    for i in range(MLP):
        equal(f"style.{2 * i + 1}", "linear", STYLE, STYLE)
    for i, out in enumerate(WIDTHS):
        block, inner = f"generator.progression.{i}", WIDTHS[max(i - 1, 0)]
        if i == 0:
            weights[f"{block}.conv1.input"] = draw(1, out, 4, 4)
        elif i < FUSED:
            equal(f"{block}.conv1.1", "conv", out, inner, 3, 3)
            weights[f"{block}.conv1.2.weight"] = weights[f"{block}.conv1.2.weight_flip"] = BLUR.repeat(out, 1, 1, 1)
        else:
            weights[f"{block}.conv1.0.weight"], weights[f"{block}.conv1.0.bias"] = draw(inner, out, 3, 3), draw(out)
            weights[f"{block}.conv1.1.weight"] = weights[f"{block}.conv1.1.weight_flip"] = BLUR.repeat(out, 1, 1, 1)
        equal(f"{block}.conv2", "conv", out, out, 3, 3)
        for number in (1, 2):
            weights[f"{block}.noise{number}.weight_orig"] = draw(1, out, 1, 1)
            equal(f"{block}.adain{number}.style", "linear", 2 * out, STYLE)
        equal(f"generator.to_rgb.{i}", "conv", 3, out, 1, 1)
    return untrained(weights, f"generator.progression.{TRAINED}", f"generator.to_rgb.{TRAINED}")


def random_discriminator(seed: int, activated: bool) -> Weights:
    draw, weights = drawer(seed), {}

    def equal(name: str, kind: str, *shape: int) -> None:
        weights[f"{name}.{kind}.bias"], weights[f"{name}.{kind}.weight_orig"] = draw(shape[0]), draw(*shape)

    for i, width in enumerate(reversed(WIDTHS)):
        equal(f"from_rgb.{i}.0" if activated else f"from_rgb.{i}", "conv", width, 3, 1, 1)
        if i == len(WIDTHS) - 1:
            equal(f"progression.{i}.conv1.0", "conv", width, width + 1, 3, 3)
            equal(f"progression.{i}.conv2.0", "conv", width, width, 4, 4)
            break
        block, out = f"progression.{i}", WIDTHS[-2 - i]
        equal(f"{block}.conv1.0", "conv", out, width, 3, 3)
        weights[f"{block}.conv2.0.weight"] = weights[f"{block}.conv2.0.weight_flip"] = BLUR.repeat(out, 1, 1, 1)
        if i < len(WIDTHS) - FUSED:
            weights[f"{block}.conv2.1.weight"], weights[f"{block}.conv2.1.bias"] = draw(out, out, 3, 3), draw(out)
        else:
            equal(f"{block}.conv2.1", "conv", out, out, 3, 3)
    equal("linear", "linear", 1, WIDTHS[0])
    return untrained(weights, "from_rgb.0", "progression.0")


# The reference


def equal_lr(weight: Tensor) -> Tensor:
    return weight * (2 / weight[0].numel()) ** 0.5


def linear(p: Weights, name: str, x: Tensor) -> Tensor:
    return F.linear(x, equal_lr(p[f"{name}.linear.weight_orig"]), p[f"{name}.linear.bias"])


def conv(p: Weights, name: str, x: Tensor, padding: int = 1) -> Tensor:
    return F.conv2d(x, equal_lr(p[f"{name}.conv.weight_orig"]), p[f"{name}.conv.bias"], padding=padding)


def smooth(x: Tensor) -> Tensor:
    return F.conv2d(x, BLUR.to(x).repeat(x.shape[1], 1, 1, 1), padding=1, groups=x.shape[1])


def four(weight: Tensor) -> Tensor:
    """A 4x4 kernel: the mean of the 3x3 kernel in each corner."""
    corners = [F.pad(weight, (left, 1 - left, top, 1 - top)) for left in (0, 1) for top in (0, 1)]
    return torch.stack(corners).mean(dim=0)


def reference_w(p: Weights, z: Tensor) -> Tensor:
    x = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    for i in range(MLP):
        x = F.leaky_relu(linear(p, f"style.{2 * i + 1}", x), 0.2)
    return x


def reference_picture(p: Weights, ws: Tensor, noise: list[Tensor], lod: float = 0.0) -> Tensor:
    def finish(block: str, number: int, x: Tensor, i: int) -> Tensor:
        strength = p[f"{block}.noise{number}.weight_orig"]
        x = F.leaky_relu(x + strength * (2 / strength.shape[1]) ** 0.5 * noise[i], 0.2)
        x = x - x.mean(dim=[2, 3], keepdim=True)
        x = x / (x.square().mean(dim=[2, 3], keepdim=True) + 1e-5).sqrt()
        scale, shift = linear(p, f"{block}.adain{number}.style", ws[:, 2 * i + number - 1])[:, :, None, None].chunk(
            2, 1
        )
        return scale * x + shift

    pictures, x = [], torch.zeros(1)
    for i in range(TRAINED):
        block = f"generator.progression.{i}"
        if i == 0:
            x = p[f"{block}.conv1.input"].repeat(len(ws), 1, 1, 1)
        elif f"{block}.conv1.0.weight" in p:
            weight = p[f"{block}.conv1.0.weight"]
            weight = four(weight * (2 / (weight.shape[0] * 9)) ** 0.5)
            x = smooth(F.conv_transpose2d(x, weight, p[f"{block}.conv1.0.bias"], stride=2, padding=1))
        else:
            x = smooth(conv(p, f"{block}.conv1.1", x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)))
        x = finish(block, 2, conv(p, f"{block}.conv2", finish(block, 1, x, i)), i)
        pictures.append(conv(p, f"generator.to_rgb.{i}", x, padding=0))
    *_, coarser, picture = pictures
    return (1 - lod) * picture + lod * coarser.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def reference_logits(p: Weights, x: Tensor, activated: bool) -> Tensor:
    last = len(WIDTHS) - 1
    first = last + 1 - TRAINED
    x = conv(p, f"from_rgb.{first}.0" if activated else f"from_rgb.{first}", x, padding=0)
    x = F.leaky_relu(x, 0.2) if activated else x
    for i in range(first, last):
        block = f"progression.{i}"
        x = smooth(F.leaky_relu(conv(p, f"{block}.conv1.0", x), 0.2))
        if f"{block}.conv2.1.weight" in p:
            weight = four(equal_lr(p[f"{block}.conv2.1.weight"]))
            x = F.conv2d(x, weight, p[f"{block}.conv2.1.bias"], stride=2, padding=1)
        else:
            x = F.avg_pool2d(conv(p, f"{block}.conv2.1", x), 2)
        x = F.leaky_relu(x, 0.2)
    deviation = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
    x = torch.cat([x, deviation.expand(len(x), 1, 4, 4)], dim=1)
    x = F.leaky_relu(conv(p, f"progression.{last}.conv1.0", x), 0.2)
    x = F.leaky_relu(conv(p, f"progression.{last}.conv2.0", x, padding=0), 0.2)
    return linear(p, "linear", x.flatten(1))


def double(weights: Weights) -> Weights:
    return {name: tensor.double() for name, tensor in weights.items()}


# The tests


def save(path: Path, content: Mapping[str, object]) -> Path:
    torch.save(content, path)
    return path


def close(ours: Tensor, reference: Tensor) -> bool:
    return torch.allclose(ours.double(), reference, rtol=1e-4, atol=2e-5 * float(reference.abs().max()))


@pytest.mark.parametrize("alone", [False, True], ids=["checkpoint", "g_running alone"])
def test_pictures_are_those_of_the_reference(tmp_path: Path, alone: bool) -> None:
    weights = random_generator(1)
    content = weights if alone else {"generator": random_generator(7), "g_running": weights, "g_optimizer": {}}
    model = sg.load_model(save(tmp_path / "net.model", content))
    card = model.card
    assert (card.family, card.resolution, card.num_ws, card.max_lod) == ("stylegan1", RESOLUTION, 6, 2)
    z = torch.randn(2, STYLE, generator=torch.Generator().manual_seed(2))
    assert close(model.map(z)[:, 0], reference_w(double(weights), z.double()))
    ws = torch.randn(2, 6, STYLE, generator=torch.Generator().manual_seed(3))  # another w for each layer
    state = model.network.state_dict()
    noise = [state[f"synthesis.b{4 << i}.conv1.noise_const"] for i in range(TRAINED)]
    assert torch.equal(noise[1], state["synthesis.b8.conv0.noise_const"])
    for lod in (0.0, 0.4):
        expected = reference_picture(double(weights), ws.double(), [values.double() for values in noise], lod)
        assert close(model.synthesize(ws, lod=lod), expected)
    silent = [torch.zeros(4 << i, 4 << i, dtype=torch.float64) for i in range(TRAINED)]
    assert close(model.synthesize(ws, noise="none"), reference_picture(double(weights), ws.double(), silent))


@pytest.mark.parametrize("activated", [True, False])
def test_logits_are_those_of_the_reference(tmp_path: Path, activated: bool) -> None:
    weights = random_discriminator(4, activated)
    path = save(tmp_path / "net.model", {"discriminator": weights})
    network = build_discriminator(read_discriminator(path), "net")
    pictures = torch.randn(6, 3, RESOLUTION, RESOLUTION, generator=torch.Generator().manual_seed(5))
    for count in (1, 6):
        expected = reference_logits(double(weights), pictures[:count].double(), activated)
        assert close(network(pictures[:count]), expected)
    write_spec(read_discriminator(path), tmp_path / "d.safetensors")
    assert torch.equal(sg.load_discriminator(tmp_path / "d.safetensors")(pictures), network(pictures))


def test_the_card_says_what_the_checkpoint_lacks(tmp_path: Path) -> None:
    weights = random_generator(1)
    spec = read_generator(save(tmp_path / "net.model", {"g_running": weights}))
    assert "fixed maps" in spec.description["noise"]
    assert spec.description["resolution"] == "16 px trained, of 32 px"
    z = torch.randn(20000, STYLE, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    w = reference_w(double(weights), z)
    assert torch.allclose(spec.tensors["mapping.w_avg"].double(), w.mean(dim=0), atol=5 * float(w.std()) / 4096**0.5)


def test_an_untrained_network_keeps_all_its_blocks(tmp_path: Path) -> None:
    weights = untrained(random_generator(1), "generator.")
    assert read_generator(save(tmp_path / "net.model", weights)).config.img_resolution == 32


def test_which_chooses_the_network(tmp_path: Path) -> None:
    first, second = random_generator(1), random_generator(2)
    path = save(tmp_path / "net.model", {"generator": first, "g_running": second})
    for which, weights in (("G", first), ("G_ema", second)):
        const = weights["generator.progression.0.conv1.input"][0]
        assert torch.equal(read_generator(path, which).tensors["synthesis.b4.input.const"], const)


def test_it_survives_being_written_as_our_own_file(tmp_path: Path) -> None:
    spec = read_generator(save(tmp_path / "net.model", random_generator(1)))
    write_spec(spec, tmp_path / "net.safetensors")
    again = read_generator(tmp_path / "net.safetensors")
    assert (again.config, again.description) == (spec.config, spec.description)
    ws = torch.randn(1, 6, STYLE)
    pictures = [build_generator(each, "0" * 64, "net").synthesize(ws) for each in (spec, again)]
    assert torch.equal(*pictures)


@pytest.mark.parametrize(
    "name",
    [
        "style.3.linear.weight_orig",
        "generator.progression.0.noise1.weight_orig",
        "generator.progression.1.conv1.1.conv.weight_orig",
        "generator.progression.2.conv1.0.weight",
        "generator.to_rgb.1.conv.weight_orig",
    ],
)
def test_a_missing_weight_is_refused(tmp_path: Path, name: str) -> None:
    weights = random_generator(1)
    del weights[name]
    with pytest.raises(ModelFileError, match=r"^'net\.model' .*\.$"):
        read_generator(save(tmp_path / "net.model", {"g_running": weights}))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("style.1.linear.weight_orig", (1 << 20, STYLE)),
        ("generator.progression.1.conv2.conv.weight_orig", (3, 8, 3, 3)),
        ("generator.progression.0.noise1.weight_orig", (1, 5, 1, 1)),
        ("generator.progression.2.conv1.0.weight", (8, 4, 5, 5)),
    ],
)
def test_a_weight_of_another_shape_is_refused(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    weights = random_generator(1) | {name: torch.zeros(shape)}
    with pytest.raises(ModelFileError, match=r"^'?net.* .*\.$"):
        sg.load_model(save(tmp_path / "net.model", {"g_running": weights}))


def test_a_checkpoint_without_the_network_says_what_it_has(tmp_path: Path) -> None:
    path = save(tmp_path / "net.model", {"discriminator": random_discriminator(4, True)})
    with pytest.raises(ModelFileError, match=r"holds no network 'g_running'; it has discriminator\."):
        read_generator(path)
    with pytest.raises(ModelFileError, match=r"holds no network 'discriminator'; it has a generator only\."):
        read_discriminator(save(tmp_path / "net.model", random_generator(1)))
