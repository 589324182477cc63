"""The quick networks against their straightforward form, and what they share: previews, 16 bits, fewer products."""

import math
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.straightforward import straightforward
from stylegan_core import filtered_lrelu, ops, reference, winograd
from stylegan_core.config import GeneratorConfig
from stylegan_core.model import Model, build_generator, half_dtype, random_spec
from stylegan_core.ops import bands, convolution, modulation
from stylegan_core.stylegan3 import StyleGAN3Config, at_rate, layer_plans
from stylegan_core.workspace import workspace

SMALL = {"z_dim": 16, "w_dim": 16, "channel_base": 1024, "channel_max": 24}
CONFIGS = {
    "stylegan2": GeneratorConfig(img_resolution=64, **SMALL),
    "stylegan2 orig, clamped": GeneratorConfig(img_resolution=32, architecture="orig", conv_clamp=1.0, **SMALL),
    "stylegan2 resnet": GeneratorConfig(img_resolution=32, architecture="resnet", **SMALL),
    "stylegan2 other filter": GeneratorConfig(img_resolution=16, resample_filter=(1.0, 2.0, 1.0), **SMALL),
    "stylegan2 not square": GeneratorConfig(img_resolution=16, base_size=(3, 7), **SMALL),
    "stylegan3-t": StyleGAN3Config(img_resolution=64, num_layers=6, **SMALL),
    "stylegan3-r": StyleGAN3Config(img_resolution=64, num_layers=6, conv_kernel=1, use_radial_filters=True, **SMALL),
    "stylegan3 of other numbers": StyleGAN3Config(
        img_resolution=48, num_layers=5, num_critical=1, filter_size=3, margin_size=4, lrelu_upsampling=4, **SMALL
    ),
}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def model_of(config: object) -> Model:
    return build_generator(random_spec(config, 0), "0" * 64, "random")


def largest_difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


@pytest.mark.parametrize("narrow", [False, True], ids=["as it is", "in the smallest bands"])
@pytest.mark.parametrize("name", CONFIGS)
def test_both_forms_give_one_picture(name: str, narrow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if narrow:
        for module, limit in ((bands, "BAND_MACS"), (bands, "BAND_BYTES"), (filtered_lrelu, "BAND_BYTES")):
            monkeypatch.setattr(module, limit, 1)
        monkeypatch.setattr(filtered_lrelu, "MIN_ROWS", 3)
        monkeypatch.setattr(filtered_lrelu, "LANES", 8)
    model = model_of(CONFIGS[name])
    ws = model.map(random(2, 16))
    quick = model.synthesize(ws)
    with straightforward():
        plain = model.synthesize(ws)
    assert not torch.equal(quick, plain), "the straightforward form was not taken"
    assert largest_difference(quick, plain) <= 1e-5


def test_wide_layers_take_fewer_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "BREAK_EVEN", 4)
    monkeypatch.setattr(modulation, "WINOGRAD_PIXELS", 1)
    for limit in (1, 1 << 30):
        monkeypatch.setattr(convolution, "WINOGRAD_BYTES", limit)
        for config in (CONFIGS["stylegan2"], CONFIGS["stylegan3-t"]):
            model = model_of(config)
            ws = model.map(random(2, 16))
            quick = model.synthesize(ws)
            with straightforward():
                assert largest_difference(quick, model.synthesize(ws)) <= 1e-5


@pytest.mark.parametrize("pad", [0, 1, 2])
@pytest.mark.parametrize(("height", "width"), [(3, 3), (4, 4), (7, 5), (8, 13)])
def test_fewer_products_are_the_same_convolution(height: int, width: int, pad: int) -> None:
    x, weight = random(2, 3, height, width), random(4, 3, 3, 3, seed=1)
    with torch.inference_mode():
        y = convolution.winograd_conv2d(
            x, winograd.transformed(weight), pad, torch.ones(2, 4, 1, 1), ops.no_poll, ops.unfinished
        )
    torch.testing.assert_close(y.double(), F.conv2d(x.double(), weight.double(), padding=pad), atol=1e-5, rtol=1e-5)


def test_fewer_products_are_as_exact_as_all_of_them() -> None:
    x, weight = random(1, 256, 16, 16).to(memory_format=torch.channels_last), random(256, 256, 3, 3, seed=1)
    one = torch.ones(1, 256, 1, 1)
    truth = F.conv2d(x.double(), weight.double(), padding=1)
    with torch.inference_mode():
        fewer = convolution.winograd_conv2d(x, winograd.transformed(weight), 1, one, ops.no_poll, ops.unfinished)
    assert largest_difference(fewer.double(), truth) <= 3e-6


@pytest.mark.parametrize("up", [1, 2, 3, 4])
@pytest.mark.parametrize("down", [1, 2, 4])
@pytest.mark.parametrize("radial", [False, True])
def test_filtered_lrelu_is_its_definition(up: int, down: int, radial: bool) -> None:
    """With filters of any length, an even number of taps or not, and padding that also crops."""
    for seed, (up_taps, down_taps, padding) in enumerate(
        [(6, 12, (5, 4, 3, 6)), (5, 3, (2, 9, -1, 4)), (1, 4, (3, 3, 3, 3)), (12, 1, (8, 8, 9, 9))]
    ):
        x, bias = random(2, 5, 11, 9, seed=seed).double(), random(5, seed=9).double()
        f_up, f_down = random(up_taps, seed=1).double(), random(*[down_taps] * (2 if radial else 1), seed=2).double()
        arguments = (f_up, f_down, up, down, padding, 1.3, 0.2, 2.0)
        expected = reference.filtered_lrelu(x, bias, *arguments)
        with torch.inference_mode():
            result = filtered_lrelu.filtered_lrelu(x.clone(), bias, *arguments)
        torch.testing.assert_close(result, expected, atol=1e-12, rtol=1e-12)


def test_the_workspace_is_written_to_in_any_mode() -> None:
    with torch.inference_mode():
        first = workspace("test", torch.float32, 2, 3).fill_(1.0)
    second = workspace("test", torch.float32, 6).add_(1.0)
    assert torch.equal(second, torch.full((6,), 2.0)) and first.data_ptr() == second.data_ptr()
    assert workspace("other", torch.float32, 6).data_ptr() != second.data_ptr()


# -- 16 bits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["stylegan2", "stylegan3-t", "stylegan3-r"])
def test_bfloat16_is_close(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylegan_core.model.half_dtype", lambda device: torch.bfloat16)  # also where it is slow
    model = model_of(CONFIGS[name])
    ws = model.map(random(1, 16))
    full, half = model.synthesize(ws), model.synthesize(ws, half=True)
    error = (full - half).square().mean() / (full.max() - full.min()) ** 2
    assert 30 < -10 * math.log10(error) < 80
    assert torch.equal(model.synthesize(ws), full)


def test_what_16_bits_are(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert half_dtype(torch.device("cuda")) == torch.float16
    for instructions in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, instructions, lambda: False)
    assert half_dtype(cpu) is None
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert half_dtype(cpu) == torch.bfloat16


# -- StyleGAN3's preview -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_preview_is_the_picture_made_smaller(kernel: int) -> None:
    config = StyleGAN3Config(
        img_resolution=128, num_layers=8, conv_kernel=kernel, use_radial_filters=kernel == 1, **SMALL
    )
    model = model_of(config)
    ws = model.map(random(1, 16))
    assert model.card.has_preview and model.card.preview_px == 32
    with torch.inference_mode():
        full = list(model.steps(ws))
        preview = list(model.steps(ws, max_rate=32))
    first = model.network.first_capped(32)
    assert 1 < first < len(full)
    for ours, capped in zip(full[:first], preview[:first], strict=True):
        assert torch.equal(ours.x, capped.x)
    img = preview[-1].img
    assert img.shape == (1, 3, 32, 32)
    small = F.interpolate(full[-1].img, (32, 32), mode="area")
    error = (img - small).square().mean() / (small.max() - small.min()) ** 2
    assert -10 * math.log10(error) > 30


def test_a_network_too_small_for_a_preview_has_none() -> None:
    assert model_of(CONFIGS["stylegan3-t"]).card.preview_px == 0


def test_a_preview_s_layers_stay_within_its_rate() -> None:
    config = StyleGAN3Config(img_resolution=256)
    for rate in (16, 64, 128):
        plans = layer_plans(config, rate)
        assert max(plan.out_rate for plan in plans) == rate and plans[-1].out_shape == (rate, rate)
        assert [plan.name for plan in plans] == [plan.name for plan in layer_plans(config)]
        for before, after in pairwise(plans):
            assert before.out_shape == after.in_shape and before.out_rate == after.in_rate


def test_kernels_at_lower_rates_keep_what_is_smooth() -> None:
    weight = random(4, 3, 3, 3)
    assert at_rate(weight, 1.0) is weight
    torch.testing.assert_close(at_rate(weight, 0.5).sum(dim=[2, 3]), weight.sum(dim=[2, 3]))
    ramp = torch.arange(5.0).expand(1, 3, 5, 5)  # linear: interpolation is exact
    fine = torch.arange(9.0).expand(1, 3, 9, 9) / 2
    torch.testing.assert_close(
        F.conv2d(ramp, at_rate(weight, 0.5))[..., 1, 1], F.conv2d(fine, weight)[..., 3, 3], atol=1e-4, rtol=1e-4
    )
