"""The operations against their definitions, written out in float64."""

import math
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core import ops
from stylegan_core.ops import bands
from stylegan_core.stylegan2 import minibatch_stddev

FILTER = (1.0, 3.0, 3.0, 1.0)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def resampled(x: np.ndarray, f: np.ndarray, up: int, down: int, before: int, after: int) -> np.ndarray:
    """Zeros inserted, padded, convolved with the flipped filter, decimated: one output pixel at a time."""
    height, width = x.shape
    large = np.zeros((height * up + before + after, width * up + before + after))
    large[before : before + height * up : up, before : before + width * up : up] = x
    taps = len(f)
    rows, columns = large.shape[0] - taps + 1, large.shape[1] - taps + 1
    flipped = f[::-1, ::-1]
    out = np.zeros((rows, columns))
    for i, j in product(range(rows), range(columns)):
        out[i, j] = (large[i : i + taps, j : j + taps] * flipped).sum()
    return out[::down, ::down]


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("separable", [True, False])
@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5, 8])
def test_upsampling_inserts_zeros_and_filters(taps: int, separable: bool, grad: bool) -> None:
    x = random(1, 2, 5, 4)
    f = random(taps, seed=1).outer(random(taps, seed=2)) if separable else random(taps, taps, seed=1)
    before, after = (taps + 1) // 2, (taps - 2) // 2
    if after < 0:  # one tap: the last row of zeros is cut
        expected = [np.zeros((10, 8)) for _ in range(2)]
        for channel, picture in zip(x[0].double().numpy(), expected, strict=True):
            picture[1::2, 1::2] = channel * float(f[0, 0]) * 4
    else:
        expected = [resampled(c, f.double().numpy() * 4, 2, 1, before, after) for c in x[0].double().numpy()]
    with torch.set_grad_enabled(grad):
        computed = ops.upsample2d(x, f)[0]
    np.testing.assert_allclose(computed.numpy(), np.stack(expected), atol=1e-5)


def test_downsampling_filters_and_keeps_every_second_pixel() -> None:
    x, f = random(1, 2, 6, 8), random(4, 4, seed=1)
    expected = [resampled(c, f.double().numpy(), 1, 2, 1, 1) for c in x[0].double().numpy()]
    np.testing.assert_allclose(ops.downsample2d(x, f)[0].numpy(), np.stack(expected), atol=1e-5)


def modulated(x: Tensor, weight: Tensor, styles: Tensor) -> Tensor:
    """Equations 1 and 3 of StyleGAN2, one picture after another."""
    pictures = []
    for picture, style in zip(x.double(), styles.double(), strict=True):
        w = weight.double() * style[None, :, None, None]
        w = w / (w.square().sum(dim=[1, 2, 3], keepdim=True) + 1e-8).sqrt()
        pictures.append(F.conv2d(picture[None], w, padding=1))
    return torch.cat(pictures)


def modulated_up(x: Tensor, weight: Tensor, styles: Tensor, f: Tensor) -> Tensor:
    """The same after zeros were inserted, as a true convolution, and filtered."""
    n, c, h, w = x.shape
    large = torch.zeros(n, c, 2 * h, 2 * w, dtype=torch.float64)
    large[:, :, ::2, ::2] = x.double()
    large = F.pad(large, (3, 2, 3, 2))  # of the kernel and of the filter together
    styles = styles.double()
    pictures = []
    for picture, style in zip(large, styles, strict=True):
        kernel = weight.double() * style[None, :, None, None]
        kernel = kernel / (kernel.square().sum(dim=[1, 2, 3], keepdim=True) + 1e-8).sqrt()
        y = F.conv2d(picture[None], kernel.flip([2, 3]))
        pictures.append(ops.filter2d(y, f.double(), gain=4.0))
    return torch.cat(pictures)


@pytest.mark.parametrize("size", [4, 40], ids=["more weights than pixels", "more pixels than weights"])
@pytest.mark.parametrize("band_macs", [1e3, 1e12], ids=["in bands", "whole"])
def test_modulated_convolution(size: int, band_macs: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "BAND_MACS", band_macs)
    x, weight, styles = random(2, 6, size, size), random(5, 6, 3, 3, seed=1), random(2, 6, seed=2)
    f, polls, tops = ops.setup_filter(FILTER), [0], []

    def poll() -> None:
        polls[0] += 1

    def finish(band: Tensor, top: int) -> Tensor:
        tops.append((top, band.shape[2]))
        return band * 2

    with torch.inference_mode():
        plain = ops.modulated_conv2d(x, weight, styles, poll=poll, finish=finish)
        up = ops.modulated_conv2d(x, weight, styles, up_filter=f, poll=poll)
    torch.testing.assert_close(plain.double(), modulated(x, weight, styles) * 2, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(up.double(), modulated_up(x, weight, styles, f), atol=2e-5, rtol=1e-5)
    total = sum(rows for _, rows in tops)  # of one picture, or of each
    assert [top for top, _ in tops] == [sum(rows for _, rows in tops[:i]) % size for i in range(len(tops))]
    assert total == size * (2 if size == 40 else 1)
    assert (len(tops) > 2) == (band_macs < 1e6 and size == 40)
    assert polls[0] >= len(tops)


def test_a_convolution_under_way_can_be_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "BAND_MACS", 1e3)
    done: list[int] = []

    def poll() -> None:
        if len(done) == 2:
            raise InterruptedError

    def finish(band: Tensor, top: int) -> Tensor:
        done.append(top)
        return band

    with torch.inference_mode(), pytest.raises(InterruptedError):
        ops.conv2d(random(1, 4, 64, 64), random(4, 4, 3, 3), poll=poll, finish=finish)
    assert len(done) == 2


def test_gradients_pass_through_a_modulated_convolution() -> None:
    inputs = [
        t.double().requires_grad_() for t in (random(2, 3, 4, 4), random(2, 3, 3, 3, seed=1), random(2, 3, seed=2))
    ]
    f = ops.setup_filter(FILTER).double()

    def layer(x: Tensor, weight: Tensor, styles: Tensor) -> Tensor:
        y = ops.modulated_conv2d(x, weight, styles, up_filter=f)
        return ops.bias_act(y, None, "lrelu", clamp=256.0)

    assert torch.autograd.gradcheck(layer, inputs)


def test_pointwise_is_a_modulated_convolution_without_demodulation() -> None:
    x, weight, styles = random(2, 6, 5, 7), random(3, 6, 1, 1, seed=1), random(2, 6, seed=2)
    expected = [F.conv2d(x[i : i + 1].double(), weight.double() * styles[i, None, :, None, None]) for i in range(2)]
    computed = ops.modulated_pointwise(x, weight, styles)
    torch.testing.assert_close(computed.double(), torch.cat(expected), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("noisy", [True, False])
@pytest.mark.parametrize("activation", ["lrelu", "linear"])
@pytest.mark.parametrize(
    ("grad", "dtype"), [(True, torch.float32), (False, torch.float32), (False, torch.bfloat16)], ids=str
)
def test_bias_and_activation(activation: str, grad: bool, dtype: torch.dtype, noisy: bool) -> None:
    x, bias = (random(2, 3, 4, 4) * 3).to(dtype, memory_format=torch.channels_last), random(3, seed=1)
    noise = random(1, 1, 4, 4, seed=2).to(dtype) if noisy else None
    y = x.double() + bias.double()[None, :, None, None]
    y = y if noise is None else y + noise.double()
    if activation == "lrelu":
        y = torch.where(y < 0, y * 0.2, y) * math.sqrt(2)
    expected = (y * 0.5).clamp(-1, 1)
    with torch.set_grad_enabled(grad):
        computed = ops.bias_act(x.clone(), bias, activation, gain=0.5, clamp=1.0, noise=noise)
    bound = 1e-6 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(computed.double(), expected, atol=bound, rtol=bound)


@pytest.mark.parametrize(("group_size", "groups"), [(4, 2), (None, 1), (2, 4), (16, 1)])
def test_minibatch_standard_deviation(group_size: int | None, groups: int) -> None:
    """Picture i belongs to group i modulo the number of groups (Progressive GAN, section 3)."""
    x = random(8, 6, 3, 3)
    y = minibatch_stddev(x, group_size, 2)
    assert y.shape == (8, 8, 3, 3) and torch.equal(y[:, :6], x)
    for i in range(8):
        group = x[i % groups :: groups].double()
        for k in range(2):
            deviation = (group[:, 3 * k : 3 * k + 3].var(dim=0, correction=0) + 1e-8).sqrt().mean()
            torch.testing.assert_close(y[i, 6 + k].double(), deviation.expand(3, 3), atol=1e-6, rtol=1e-6)
