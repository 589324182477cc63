"""StyleGAN3 where the reference outputs have no case, against the paper's equations written out in float64."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

import stylegan_core as sg
from stylegan_core.errors import Cancelled, ModelFileError
from stylegan_core.model import Model, build_discriminator, build_generator, random_spec
from stylegan_core.network import Inputs
from stylegan_core.spec import NetworkSpec
from stylegan_core.stylegan3 import StyleGAN3Config, layer_plans, lowpass_filter
from tests.core.stylegan3_truth import positions, true_mapping, true_picture


def small(**changes: Any) -> StyleGAN3Config:
    values = {"img_resolution": 32, "channel_base": 128, "channel_max": 6, "z_dim": 5, "w_dim": 7, "num_layers": 6}
    return StyleGAN3Config.model_validate({**values, **changes})


def trained(config: StyleGAN3Config, seed: int = 0) -> NetworkSpec:
    """A network in which nothing is at its start: biases, magnitudes, w_avg and the stored transform count."""
    spec, generator = random_spec(config, seed), torch.Generator().manual_seed(seed + 1)
    tensors = dict(spec.tensors)
    for name, tensor in tensors.items():
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("magnitude_ema"):
            tensors[name] = noise.abs() + 0.5
        elif name.endswith(("bias", "w_avg")):
            tensors[name] = tensor + 0.5 * noise
        elif name.endswith("input.affine.weight"):
            tensors[name] = noise
        elif name.endswith("transform"):
            tensors[name] = torch.tensor([[0.9, -0.2, 0.1], [0.25, 1.05, -0.05], [0, 0, 1]])
    return NetworkSpec(config, tensors)


CONFIGS: dict[str, dict[str, Any]] = {
    "T": {},
    "R": {"conv_kernel": 1, "use_radial_filters": True},
    "T with radial filters": {"use_radial_filters": True, "num_critical": 1},
    "R with separable filters": {"conv_kernel": 1, "num_critical": 3},
    "large kernel, wide margin": {"conv_kernel": 5, "margin_size": 13},
    "no margin, no critical layer": {"margin_size": 0, "num_critical": 0},
    "no extra rate for the leaky ReLU": {"lrelu_upsampling": 1},
    "four times the rate": {"lrelu_upsampling": 4, "filter_size": 3, "use_radial_filters": True},
    "filters of two taps": {"filter_size": 1},
    "a clamp that acts": {"conv_clamp": 0.7, "output_scale": 1.0},
    "no clamp": {"conv_clamp": None},
    "other frequencies": {"first_cutoff": 1.5, "first_stopband": 3.0, "last_stopband_rel": 1.6},
    "not a power of two": {"img_resolution": 24},
    "one channel": {"img_channels": 1, "channel_base": 64, "channel_max": 3},
    "not square": {"base_size": (6, 4)},
    "flat": {"base_size": (4, 7), "conv_kernel": 1, "use_radial_filters": True, "num_layers": 4},
    "few layers": {"num_layers": 3, "num_critical": 1},
}


@pytest.fixture(params=CONFIGS)
def spec(request: pytest.FixtureRequest) -> NetworkSpec:
    return trained(small(**CONFIGS[request.param]))


def test_pictures_follow_the_equations(spec: NetworkSpec) -> None:
    model = build_generator(spec, "", "model")
    ws = torch.randn(2, model.card.num_ws, model.card.w_dim, generator=torch.Generator().manual_seed(2))
    expected = np.stack([true_picture(spec, w) for w in ws.double().numpy()])
    assert expected.shape[1:] == (model.card.img_channels, model.card.height, model.card.width)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(model.synthesize(ws) / scale, expected / scale, atol=2e-5)
    user = torch.tensor([[0.6, -0.7, 0.2], [0.7, 0.65, -0.1], [0, 0, 1]])
    expected = np.stack([true_picture(spec, w, user.double().numpy()) for w in ws.double().numpy()])
    np.testing.assert_allclose(model.synthesize(ws, transform=user) / scale, expected / scale, atol=2e-5)


@pytest.mark.parametrize("changes", [{}, {"c_dim": 3}, {"mapping_layers": 4, "mapping_lr_multiplier": 0.1}])
def test_mapping_follows_the_equations(changes: dict[str, Any]) -> None:
    spec = trained(small(**changes))
    model, generator = build_generator(spec, "", "model"), torch.Generator().manual_seed(3)
    z = torch.randn(4, 5, generator=generator)
    c = torch.rand(4, 3, generator=generator) if "c_dim" in changes else None
    weights = {name: tensor.double().numpy() for name, tensor in spec.tensors.items()}
    rows = [
        true_mapping(spec.config, weights, z[i].double().numpy(), None if c is None else c[i].double().numpy())
        for i in range(4)
    ]
    expected = np.stack(rows)[:, None].repeat(model.card.num_ws, axis=1)
    np.testing.assert_allclose(model.map(z, c), expected, atol=1e-5)
    w_avg = weights["mapping.w_avg"]
    truncated = expected.copy()
    truncated[:, :3] = w_avg + 0.5 * (expected[:, :3] - w_avg)
    np.testing.assert_allclose(model.map(z, c, psi=0.5, cutoff=3), truncated, atol=1e-5)


def test_without_mapping_layers_w_is_the_normalised_z() -> None:
    model = build_generator(random_spec(small(mapping_layers=0, z_dim=7), 0), "", "model")
    z = torch.arange(1.0, 8.0)[None]
    torch.testing.assert_close(model.map(z)[0, 0], z[0] / z.square().mean().sqrt())


def test_a_single_layer_leaves_torgb_to_double_the_rate_without_a_filter() -> None:
    """What the official constructor makes of num_layers 1: zeros between the samples."""
    spec = trained(small(num_layers=1, num_critical=0))
    plan = layer_plans(spec.config)[-1]
    assert (plan.is_torgb, plan.up, plan.up_taps) == (True, 2, 1)
    model = build_generator(spec, "", "model")
    picture = model.synthesize(torch.ones(1, 3, 7))[0]
    assert picture[:, 1::2, 1::2].abs().min() > 0
    assert picture[:, ::2].abs().max() == 0 and picture[:, :, ::2].abs().max() == 0


# Layers and filters


def test_the_layers_of_the_published_models() -> None:
    names = (
        "L0_36_512 L1_36_512 L2_52_512 L3_52_512 L4_84_512 L5_148_512 L6_148_512 L7_276_323 L8_276_203 L9_532_128 "
        "L10_1044_81 L11_1044_51 L12_1044_32 L13_1024_32 L14_1024_3"
    )
    assert [plan.name for plan in layer_plans(StyleGAN3Config(img_resolution=1024))] == names.split()


def bessel_j1(x: float) -> float:
    """The power series, in fractions: nothing cancels."""
    half, total, k = Fraction(x) / 2, Fraction(0), 0
    term = half
    while abs(term) > 1e-20:
        total, k = total + term, k + 1
        term *= -(half**2) / (k * (k + 1))
    return float(total)


@pytest.mark.parametrize("radial", [False, True])
@pytest.mark.parametrize(("taps", "f_c", "f_h", "s"), [(12, 2.0, 6.0, 32), (15, 5.0, 4.0, 64), (24, 9.0, 4.0, 64)])
def test_filters_follow_the_equations(taps: int, f_c: float, f_h: float, s: float, radial: bool) -> None:
    attenuation = 2.285 * (taps - 1) * math.pi * (2 * f_h) / (s / 2) + 7.95
    beta = 0.1102 * (attenuation - 8.7)
    if attenuation <= 50:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    x = positions(taps, s)
    length = (taps - 1) / s
    window = np.i0(beta * np.sqrt((1 - (2 * x / length) ** 2).clip(0))) / np.i0(beta)
    if radial:
        r = np.hypot(x[:, None], x)
        j1 = np.vectorize(bessel_j1)(2 * math.pi * f_c * r)
        ideal = np.where(r > 0, j1 / np.where(r > 0, r, 1), math.pi * f_c)
        expected = ideal * window[:, None] * window
    else:
        ideal = np.where(x == 0, 2 * f_c, np.sin(2 * math.pi * f_c * x) / np.where(x == 0, 1, math.pi * x))
        expected = ideal * window
    expected = expected / expected.sum()
    np.testing.assert_allclose(lowpass_filter(taps, f_c, f_h, s, radial), expected, atol=1e-12)


def test_frequencies_fill_the_disc_evenly() -> None:
    tensors = random_spec(small(channel_base=2048, channel_max=500), 0).tensors
    f, phases = tensors["synthesis.input.freqs"], tensors["synthesis.input.phases"]
    assert f.norm(dim=1).max() <= 2
    assert abs(f.mean()) < 0.15
    assert abs((f.norm(dim=1) < 2 / math.sqrt(2)).float().mean() - 0.5) < 0.1  # half of the disc's area
    assert -0.5 <= phases.min() < -0.45 and 0.45 < phases.max() <= 0.5


# As a Model


def model_of(**changes: Any) -> Model:
    return build_generator(trained(small(**changes)), "", "model")


def test_what_the_card_says() -> None:
    card = model_of(c_dim=2).card
    assert (card.family, card.variant, card.c_dim) == ("stylegan3", "T", 2)
    assert (card.has_noise, card.has_transform, card.has_preview, card.has_half) == (False, True, False, True)
    assert card.num_ws == 8
    assert [layer.ws_index for layer in card.layers] == [layer.step for layer in card.layers] == list(range(8))
    assert [layer.kind for layer in card.layers] == ["input", *["conv"] * 6, "torgb"]
    assert [layer.name for layer in card.layers[:2]] == ["input", "L0_36_6"]
    assert [layer.resolution for layer in card.layers] == sorted(layer.resolution for layer in card.layers)
    assert model_of(conv_kernel=1, use_radial_filters=True).card.variant == "R"
    assert model_of(conv_kernel=1, num_fp16_res=0).card.variant == "custom"
    assert not model_of(num_fp16_res=0).card.has_half
    assert [layer.resolution for layer in model_of(img_resolution=24).card.layers][-2:] == [24, 24]


def test_steps_go_on_from_a_stored_one() -> None:
    model, asked = model_of(), []
    ws = torch.randn(1, 8, 7, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        steps = list(model.steps(ws, poll=lambda: asked.append(None)))
        assert len(asked) >= len(steps) == model.network.num_steps
        for start in steps[:-1]:
            *_, last = model.steps(ws, start=start)
            assert torch.equal(last.img, steps[-1].img)
    assert [step.position for step in steps] == [layer.step for layer in model.card.layers]
    assert [step.resolution for step in steps] == [layer.resolution for layer in model.card.layers]
    assert [step.img is None for step in steps] == [True] * 7 + [False]


def test_a_picture_can_be_dropped_between_layers() -> None:
    model, left = model_of(), [3]

    def poll() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Cancelled

    with torch.inference_mode(), pytest.raises(Cancelled):
        list(model.steps(torch.zeros(1, 8, 7), poll=poll))


def test_a_picture_does_not_depend_on_its_batch() -> None:
    """Nor on how strong the styles of the others are: the official code scales them all by one number."""
    spec = trained(small())
    names = [f"synthesis.{plan.name}.affine.bias" for plan in layer_plans(spec.config) if not plan.is_torgb]
    silent = {name: torch.zeros_like(spec.tensors[name]) for name in names}
    model = build_generator(NetworkSpec(spec.config, spec.tensors | silent), "", "model")
    ws = torch.randn(3, 8, 7, generator=torch.Generator().manual_seed(5)) * torch.tensor([1e-6, 1, 30])[:, None, None]
    alone = torch.cat([model.synthesize(w[None]) for w in ws])
    torch.testing.assert_close(model.synthesize(ws), alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("num_fp16_res", [0, 1, 4])
def test_half_precision_is_kept_to_its_layers(num_fp16_res: int) -> None:
    model = model_of(num_fp16_res=num_fp16_res)
    ws = torch.randn(1, 8, 7, generator=torch.Generator().manual_seed(6))
    with torch.inference_mode():
        full, steps = model.synthesize(ws), list(model.network.steps(ws, Inputs(dtype=torch.float16)))
    half = [step.x.dtype == torch.float16 for step in steps[1:]]
    assert half == [plan.out_rate * 2**num_fp16_res > 32 for plan in layer_plans(model.network.config)]
    assert any(half) == (num_fp16_res > 0)
    assert steps[-1].img is not None and steps[-1].img.dtype == torch.float32
    torch.testing.assert_close(steps[-1].img, full, atol=2e-2 * float(full.abs().max()), rtol=0)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    model = model_of(c_dim=2, conv_clamp=None, use_radial_filters=True)
    sg.save_model(model, tmp_path / "out.safetensors")
    again = sg.load_model(tmp_path / "out.safetensors")
    assert again.network.config == model.network.config
    ws = torch.ones(1, 8, 7)
    assert torch.equal(again.synthesize(ws), model.synthesize(ws))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"num_critical": 6}, "num_critical"),
        ({"num_layers": 1000}, "num_layers"),
        ({"img_resolution": 1 << 20}, "img_resolution"),
        ({"first_cutoff": math.nan}, "first_cutoff"),
        ({"first_cutoff": 20.0, "first_stopband": 30.0}, "first_cutoff"),
        ({"first_stopband": 1.0}, "first_cutoff"),
        ({"first_stopband": math.inf}, "first_stopband"),
        ({"last_stopband_rel": 0.5}, "last_stopband_rel"),
        ({"channel_base": 4}, "channel_base"),
        ({"lrelu_upsampling": 100}, "lrelu_upsampling"),
        ({"filter_size": 1000}, "filter_size"),
        ({"conv_clamp": -1}, "conv_clamp"),
        ({"conv_clamp": math.inf}, "conv_clamp"),
        ({"mapping_layers": 0}, "mapping_layers"),
        ({"noise": 1}, "noise"),
    ],
)
def test_unusable_settings_are_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        small(**changes)


def test_a_generator_is_no_discriminator() -> None:
    with pytest.raises(ModelFileError, match="generator where a discriminator"):
        build_discriminator(random_spec(small(), 0), "model")
