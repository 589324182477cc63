"""The Triton kernels, run in Triton's interpreter on the CPU and compared with float64; and built for real GPUs."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from stylegan_core import kernel_plans, kernels, ops, reference
from stylegan_core.config import GeneratorConfig
from stylegan_core.kernels import Finish
from stylegan_core.model import build_generator, random_spec
from stylegan_core.network import Inputs
from stylegan_core.stylegan3 import StyleGAN3Config

pytestmark = pytest.mark.skipif(not kernels.AVAILABLE, reason="Triton has no wheels for this system")

# Largest error over the largest value: a few roundings to what the type holds, 24, 11 and 8 bits of it.
TOLERANCE = {torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1e-2}
HALVES = [torch.float16, torch.bfloat16]


@pytest.fixture(autouse=True)
def _interpreter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # as when conftest.py imported it
    with torch.inference_mode(), kernels.interpreted():
        yield


def sample(*shape: int, dtype: torch.dtype = torch.float32, channels_last: bool = False) -> Tensor:
    """Unit normal, new in every run."""
    memory = torch.channels_last if channels_last else torch.contiguous_format
    return torch.randn(shape).to(dtype, memory_format=memory)


def lowpass(taps: int, radial: bool = False) -> Tensor:
    """An uneven filter of unit sum; the radial one is no product of two."""
    x = torch.arange(taps) - (taps - 1) / 2 + 0.2
    if not radial:
        f = torch.exp(-x.square() / taps)
        return f / f.sum()
    r = torch.hypot(x[:, None], x[None, :])
    f = torch.cos(r * 3 / taps) * torch.exp(-r.square() / taps)
    return f / f.sum()


def agree(made: Tensor, truth: Tensor, dtype: torch.dtype) -> None:
    assert made.dtype == dtype
    assert made.shape == truth.shape
    error = (made.double() - truth).abs().max() / truth.abs().max()
    assert error < TOLERANCE[dtype]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("separable", [False, True])
@pytest.mark.parametrize(
    ("up", "down", "taps", "padding"),
    [
        (1, 1, 4, (2, 1, 2, 1)),
        (2, 1, 4, (2, 1, 2, 1)),
        (1, 2, 4, (1, 1, 1, 1)),
        (4, 2, 5, (-3, 2, 7, -1)),
        (3, 1, 2, (0, 0, 0, 0)),
        (2, 2, 12, (9, 14, 5, 6)),
    ],
)
def test_upfirdn2d_is_the_reference(
    up: int, down: int, taps: int, padding: kernels.Padding, separable: bool, channels_last: bool
) -> None:
    x = sample(2, 3, 7, 5, channels_last=channels_last)
    f = torch.randn(taps) if separable else torch.randn(taps, taps)
    made = kernels.upfirdn2d(x, f, up, down, padding, gain=1.5)
    agree(made, reference.upfirdn2d(x.double(), f, up, down, padding, gain=1.5), torch.float32)
    assert kernels.is_channels_last(made) == channels_last


@pytest.mark.parametrize("dtype", HALVES)
def test_upfirdn2d_in_half_precision_rounds_once(dtype: torch.dtype) -> None:
    x, f = sample(1, 5, 9, 6, dtype=dtype), lowpass(4)
    f = f.outer(f)
    made = kernels.upfirdn2d(x, f, up=2, padding=(2, 1, 2, 1), gain=4)
    truth = reference.upfirdn2d(x.double(), f, up=2, padding=(2, 1, 2, 1), gain=4)
    assert torch.equal(made, truth.to(dtype)) or (made.double() - truth).abs().max() <= 2**-7 * truth.abs().max()
    agree(made, truth, dtype)


def test_more_pixels_and_channels_than_one_program_takes() -> None:
    x = sample(1, 70, 5, 4, channels_last=True)
    agree(kernels.upfirdn2d(x, lowpass(3)), reference.upfirdn2d(x.double(), lowpass(3)), torch.float32)
    x = sample(2, 1, 23, 17)
    agree(kernels.upfirdn2d(x, lowpass(3)), reference.upfirdn2d(x.double(), lowpass(3)), torch.float32)


def finished(x: Tensor, what: Finish) -> Tensor:
    """What a Finish says, in float64."""
    x = x.double()
    x = x if what.noise is None else x + what.noise.double()
    x = x if what.bias is None else x + what.bias.double()[:, None, None]
    x = torch.nn.functional.leaky_relu(x, what.slope) * what.gain
    return x if what.clamp is None else x.clamp(-what.clamp, what.clamp)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("channels_last", [False, True])
def test_what_follows_a_convolution_is_one_pass(dtype: torch.dtype, channels_last: bool) -> None:
    x = sample(2, 3, 5, 6, dtype=dtype, channels_last=channels_last)
    for what in (
        Finish(gain=0.5),
        Finish(bias=torch.randn(3), slope=0.2, gain=2**0.5),
        Finish(noise=torch.randn(1, 1, 5, 6), bias=torch.randn(3), slope=0.2, gain=2**0.5, clamp=0.75),
        Finish(noise=torch.randn(2, 1, 5, 6), clamp=0.3),
    ):
        agree(kernels.finish(x, what), finished(x, what), dtype)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("radial", [False, True])
@pytest.mark.parametrize(
    ("up", "down", "up_taps", "down_taps", "padding"),
    [
        (2, 2, 12, 12, (9, 8, 9, 8)),
        (4, 2, 24, 12, (-3, 5, 20, -2)),
        (1, 2, 1, 12, (4, 3, 4, 6)),
        (2, 4, 12, 24, (20, 22, 18, 19)),
        (2, 1, 7, 1, (3, 3, -4, 2)),
        (1, 1, 3, 3, (1, 2, 3, 4)),
    ],
)
def test_filtered_lrelu_is_the_reference(
    up: int, down: int, up_taps: int, down_taps: int, padding: kernels.Padding, radial: bool, channels_last: bool
) -> None:
    x, bias = sample(1, 2, 19, 13, channels_last=channels_last), torch.randn(2)
    up_filter = lowpass(up_taps) if up_taps > 1 else None
    down_filter = lowpass(down_taps, radial) if down_taps > 1 else None
    arguments = (bias, up_filter, down_filter, up, down, padding)
    made = kernels.filtered_lrelu(x, *arguments, clamp=0.8)
    agree(made, reference.filtered_lrelu(x.double(), *arguments, clamp=0.8), torch.float32)
    assert kernels.is_channels_last(made) == channels_last


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_filtered_lrelu_in_half_precision(dtype: torch.dtype, channels_last: bool) -> None:
    x, bias = sample(1, 3, 14, 12, dtype=dtype, channels_last=channels_last), torch.randn(3)
    for up_filter, down_filter in ((lowpass(12), lowpass(12)), (lowpass(12, True), lowpass(12, True))):
        arguments = (bias, up_filter, down_filter, 2, 2, (9, 8, 9, 8), 1.3, 0.1)
        agree(kernels.filtered_lrelu(x, *arguments), reference.filtered_lrelu(x.double(), *arguments), dtype)


def test_filtered_lrelu_without_filters_is_bias_and_activation() -> None:
    x, bias = sample(1, 3, 5, 4), torch.randn(3)
    made = kernels.filtered_lrelu(x, bias, None, None, 1, 1, (0, 0, 0, 0), gain=1.0, slope=1.0, clamp=0.5)
    assert torch.equal(made, (x + bias[:, None, None]).clamp(-0.5, 0.5))


def test_a_radial_filter_is_few_separable_ones() -> None:
    f = lowpass(12, radial=True)
    rows, columns = kernel_plans.separable_parts(f, sample(1))
    assert len(rows) < 12
    assert torch.allclose(rows.t() @ columns, f, atol=1e-8)
    assert kernel_plans.separable_parts(f, sample(1))[0] is rows, "decomposed again"
    assert len(kernel_plans.separable_parts(f, sample(1, dtype=torch.float16))[0]) <= len(rows)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("up", [1, 2, 4])
@pytest.mark.parametrize("down", [1, 2, 4])
@pytest.mark.parametrize("taps", [1, 6, 12, 24])
def test_a_tile_reads_all_that_its_outputs_need(up: int, down: int, taps: int, channels_last: bool) -> None:
    up_taps, down_taps = (taps * up, 12) if up > 1 else (1, 24)
    for half in (False, True):
        tile = kernel_plans.filtered_lrelu_tile(up, down, up_taps, down_taps, channels_last, half)
        middle = (tile.size - 1) * down + down_taps
        farthest = max((start + middle - 1 + up_taps - 1) // up - -(-start // up) for start in range(up))
        assert tile.size <= tile.outer
        assert middle <= tile.middle
        assert farthest + 1 <= tile.reads <= tile.inner
        assert all(side >= 16 and side & (side - 1) == 0 for side in (tile.inner, tile.middle, tile.outer))
        assert tile.middle**2 * tile.channels <= 32 * tile.warps * 128, "more than the registers hold"


def test_a_program_of_pixels_has_neighbours_in_memory_side_by_side() -> None:
    assert kernel_plans.pixel_blocks(512, channels_last=True) == (16, 64)
    assert kernel_plans.pixel_blocks(3, channels_last=True) == (256, 4)
    assert kernel_plans.pixel_blocks(512, channels_last=False)[1] == 1


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("kernel", [1, 3])
def test_modulated_weights_are_equations_1_and_3(dtype: torch.dtype, transposed: bool, kernel: int) -> None:
    weight, styles = torch.randn(5, 150, kernel, kernel) * 40, torch.randn(2, 150)
    for factor in (None, torch.randn(2, 5)):
        w = weight.double() * styles.double()[:, None, :, None, None]
        energy = w.square().sum(dim=[2, 3, 4])
        w = w * ((energy + 1e-8).rsqrt() if factor is None else factor)[:, :, None, None, None]
        w = (w.transpose(1, 2) if transposed else w).flatten(0, 1)
        agree(kernels.modulated_weights(weight, styles, factor, dtype, transposed), w, dtype)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("channels_last", [False, True])
def test_modulated_convolution_is_the_plain_one(count: int, up: bool, channels_last: bool) -> None:
    x, weight, styles = sample(count, 6, 8, 5, channels_last=channels_last), torch.randn(4, 6, 3, 3), sample(count, 6)
    noise, bias = torch.randn(1, 1, *((16, 10) if up else (8, 5))), torch.randn(4)
    f = ops.setup_filter((1, 3, 3, 1)) if up else None
    made = kernels.modulated_conv2d(x, weight, styles, f, Finish(noise, bias, 0.2, 2**0.5, 0.9))
    plain = plain_modulated(x.double(), weight.double(), styles.double(), f)
    agree(made, finished(plain, Finish(noise, bias, 0.2, 2**0.5, 0.9)), torch.float32)


def plain_modulated(x: Tensor, weight: Tensor, styles: Tensor, f: Tensor | None) -> Tensor:
    """Modulated 3x3 convolution picture by picture, as the equations have it; f doubles the size before."""
    pictures = []
    for picture, style in zip(x.split(1), styles, strict=True):
        w = weight * style[None, :, None, None]
        w = w / (w.square().sum(dim=[1, 2, 3], keepdim=True) + 1e-8).sqrt()
        if f is None:
            pictures.append(torch.nn.functional.conv2d(picture, w, padding=1))
        else:  # a true convolution here, of what the filter gives beyond the border too
            picture = reference.upfirdn2d(picture, f, up=2, padding=(3, 2, 3, 2), gain=4)
            pictures.append(torch.nn.functional.conv2d(picture, w.flip([2, 3])))
    return torch.cat(pictures)


def test_half_precision_goes_on_channels_last() -> None:
    x, weight, styles = sample(2, 6, 8, 8, dtype=torch.float16), torch.randn(4, 6, 3, 3), sample(2, 6)
    made = kernels.modulated_conv2d(x, weight, styles)
    assert kernels.is_channels_last(made)
    agree(made, plain_modulated(x.double(), weight.double(), styles.double(), None), torch.float16)


def test_what_does_not_fit_is_refused_in_a_sentence() -> None:
    x = sample(1, 2, 4, 4)
    with pytest.raises(ValueError, match="filter does not fit"):
        kernels.upfirdn2d(x, lowpass(9))
    with pytest.raises(ValueError, match=r"bias is \[3\]; expected \[2\]"):
        kernels.finish(x, Finish(bias=torch.zeros(3)))
    with pytest.raises(ValueError, match=r"noise is \[1, 1, 4, 5\]"):
        kernels.finish(x, Finish(noise=torch.zeros(1, 1, 4, 5)))
    with pytest.raises(ValueError, match="styles is"):
        kernels.modulated_weights(torch.zeros(2, 3, 3, 3), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="factor is"):
        kernels.modulated_weights(torch.zeros(2, 3, 3, 3), torch.zeros(1, 3), torch.zeros(1, 3))
    with pytest.raises(ValueError, match="more than a tile holds"):
        kernels.filtered_lrelu(x, None, None, torch.ones(400), 1, 2, (400, 400, 400, 400))


def test_kernels_are_for_gpus_and_no_gradients() -> None:
    x = sample(1, 2, 4, 4)
    assert kernels.supports(x)
    assert not kernels.supports(x.double())
    assert not kernels.supports(x[:0])
    with kernels.switched_off():
        assert not kernels.supports(x)
    with torch.inference_mode(False), torch.enable_grad():
        assert not kernels.supports(torch.randn(1, 2, 4, 4))
    assert not kernels.supports(torch.empty(1, 1, 1 << 15, 1 << 15, device="meta"))


def test_the_environment_alone_never_brings_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_state", type(kernels._state)())
    assert not kernels.supports(sample(1, 2, 4, 4))


SMALL: dict[str, Any] = {"img_resolution": 16, "z_dim": 8, "w_dim": 8, "channel_base": 64, "channel_max": 4}


@pytest.mark.parametrize(
    ("config", "used"),
    [
        (
            GeneratorConfig(fp16_channels_last=True, num_fp16_res=2, base_size=(6, 4), **SMALL),
            {"modulated_conv2d", "upfirdn2d"},
        ),
        (StyleGAN3Config(num_layers=3, margin_size=2, **SMALL), {"modulated_conv2d", "filtered_lrelu"}),
        (
            StyleGAN3Config(
                num_layers=3, margin_size=2, conv_kernel=1, use_radial_filters=True, base_size=(4, 7), **SMALL
            ),
            {"modulated_conv2d", "filtered_lrelu"},
        ),
    ],
    ids=["StyleGAN2, not square", "StyleGAN3-T", "StyleGAN3-R, not square"],
)
def test_networks_run_through_kernels(config: Any, used: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_generator(random_spec(config, seed=1), digest="0" * 16, name="small")
    ws = model.map(torch.randn(2, 8))
    with kernels.switched_off():
        plain = model.synthesize(ws)
    called: set[str] = set()
    for name in ("modulated_conv2d", "upfirdn2d", "filtered_lrelu"):
        real = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *a, n=name, r=real, **k: (called.add(n), r(*a, **k))[1])
    made = model.synthesize(ws)
    assert kernels.usable()
    assert called >= used
    assert (made - plain).abs().max() < 1e-5 * plain.abs().max()
    *_, half = model.network.steps(ws, Inputs(dtype=torch.float16))
    assert half.img is not None and (half.img - plain).abs().max() < 1e-2 * plain.abs().max()


def test_a_failure_is_logged_once_and_the_plain_form_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kernels, "_state", type(kernels._state)(interpreted=True))
    x = sample(1, 2, 4, 4)

    def broken() -> Tensor:
        raise RuntimeError("ptxas was not found")

    def layer() -> Tensor:
        return kernels.attempt(broken, lambda: x) if kernels.supports(x) else x

    with caplog.at_level(logging.WARNING):
        assert layer() is x
        assert layer() is x
    assert [record.getMessage() for record in caplog.records] == [
        "GPU kernels are off, the plain form goes on: RuntimeError: ptxas was not found"
    ]


def test_no_memory_says_nothing_against_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_state", type(kernels._state)(interpreted=True))

    def too_large() -> Tensor:
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        kernels.attempt(too_large, lambda: sample(1))
    assert kernels.supports(sample(1))


def test_every_kernel_builds_for_gpus_without_one() -> None:
    """The interpreter forgives what the compiler does not, so the compiler and NVIDIA's assembler have a say too."""
    script = Path(__file__).with_name("kernel_builds.py")
    result = subprocess.run(
        [sys.executable, script, "80", "90"],
        env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr[-2000:]
    assert result.stdout.count("built") == 2 * 4
