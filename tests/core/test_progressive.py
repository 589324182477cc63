"""The parts of networks that grow: resampling, blur, and the scale of weights."""

import math
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core import progan, progressive, stylegan1
from stylegan_core.errors import Cancelled
from stylegan_core.model import build_generator, random_spec
from stylegan_core.ops import bands


@pytest.mark.parametrize("channels_last", [False, True])
def test_doubling_in_bands_is_doubling_at_once(monkeypatch: pytest.MonkeyPatch, channels_last: bool) -> None:
    x = torch.randn(2, 3, 10, 6, generator=torch.Generator().manual_seed(0))
    x = x.to(memory_format=torch.channels_last) if channels_last else x
    weight = torch.randn(5, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    expected = F.conv2d(F.interpolate(x, scale_factor=2), weight, padding=1)
    tops: list[int] = []

    def finish(band: Tensor, top: int) -> Tensor:
        tops.append(top)
        return band.mul_(2)

    kernel, polls = progressive.up_kernel(weight), []
    with torch.inference_mode():
        whole = progressive.conv2d_up(x, kernel, lambda: None)
        monkeypatch.setattr(bands, "BAND_BYTES", 1)
        banded = progressive.conv2d_up(x, kernel, lambda: polls.append(1), finish)
    torch.testing.assert_close(whole, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(banded, 2 * expected, atol=1e-5, rtol=1e-5)
    assert tops == [0, 8, 16] and len(polls) == 3


def test_doubling_can_be_dropped_between_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "BAND_BYTES", 1)
    polls: list[int] = []

    def poll() -> None:
        polls.append(1)
        if len(polls) == 2:
            raise Cancelled

    x, kernel = torch.zeros(1, 3, 64, 4), progressive.up_kernel(torch.zeros(5, 3, 3, 3))
    with torch.inference_mode(), pytest.raises(Cancelled):
        progressive.conv2d_up(x, kernel, poll)
    assert len(polls) == 2


def test_halving_takes_the_mean_after_the_convolution() -> None:
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(5, 3, 3, 3, generator=torch.Generator().manual_seed(1))
    expected = F.avg_pool2d(F.conv2d(x, weight, padding=1), 2)
    torch.testing.assert_close(progressive.conv2d_down(x, weight), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("taps", [(1.0,), (1.0, 2.0, 1.0), (1.0, 3.0, 3.0, 1.0), (1.0, 4.0, 6.0, 4.0, 1.0)])
def test_blur_keeps_size_and_what_is_even(taps: tuple[float, ...]) -> None:
    x = torch.full((1, 2, 12, 12), 3.0)
    y = progressive.blur(x, progressive.blur_filter(taps, like=x))
    assert y.shape == (1, 2, 12, 12)
    torch.testing.assert_close(y[..., 3:-3, 3:-3], torch.full((1, 2, 6, 6), 3.0))


@pytest.mark.parametrize("use_wscale", [False, True])
def test_weights_are_used_with_hes_deviation(use_wscale: bool) -> None:
    scale = progressive.equalized(200, math.sqrt(2), use_wscale, lr_multiplier=0.01)
    assert scale.initial_std * scale.coefficient == pytest.approx(0.1)
    assert scale.coefficient == pytest.approx(0.001 if use_wscale else 0.01)


@pytest.mark.parametrize("family", [progan, stylegan1])
def test_a_run_copies_nothing_from_main_memory(family: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CUDA graph could not record it; nor if kernels had not been prepared, as while a network is trained."""
    spec = random_spec(family.GeneratorConfig(img_resolution=16, channel_base=64), 0)
    model = build_generator(spec, "0" * 64, "random")
    ws = torch.randn(1, model.card.num_ws, model.card.w_dim, generator=torch.Generator().manual_seed(0))
    expected = model.synthesize(ws)
    for module in model.network.modules():
        for prepared in {"kernel", "prepared"} & vars(module).keys():
            setattr(module, prepared, None)
    model.synthesize(ws)  # the run before the recording

    def refused(*args: object, **kwargs: object) -> Tensor:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch, "tensor", refused)
    assert torch.equal(model.synthesize(ws), expected)
