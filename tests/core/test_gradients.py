"""Operations in training against their definitions, in float64: what they give, and first and second derivatives."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from stylegan_core import filtered_gradients, gradients, ops, reference
from stylegan_core import filtered_lrelu as activation
from stylegan_core.stylegan3 import StyleGAN3Config, designed_filters, layer_plans

FILTER = ops.setup_filter((1.0, 3.0, 3.0, 1.0)).double()
UNEVEN = torch.arange(16.0).reshape(4, 4).double() / 50
NARROW = {"channel_base": 32, "channel_max": 2}
STYLEGAN3 = {
    "t": StyleGAN3Config(img_resolution=16, num_layers=5, margin_size=3, **NARROW),
    "r": StyleGAN3Config(
        img_resolution=16, num_layers=4, margin_size=3, conv_kernel=1, use_radial_filters=True, **NARROW
    ),
    "of other numbers": StyleGAN3Config(
        img_resolution=24, num_layers=4, num_critical=1, filter_size=3, margin_size=2, lrelu_upsampling=4, **NARROW
    ),
}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def derivatives(function: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """f(x), its slope along y, and how that changes with y."""
    x = x.clone().requires_grad_()
    value = function(x)
    along = random(*value.shape, seed=5).requires_grad_()
    (slope,) = torch.autograd.grad((value * along).sum(), x, create_graph=True)
    (again,) = torch.autograd.grad((slope * random(*x.shape, seed=6)).sum(), along)
    return value, slope, again


def assert_same(quick: Callable[[Tensor], Tensor], plain: Callable[[Tensor], Tensor], x: Tensor) -> None:
    for ours, expected in zip(derivatives(quick, x), derivatives(plain, x), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("f", [FILTER, UNEVEN], ids=["the usual filter", "one that is not symmetric"])
@pytest.mark.parametrize("name", ["upsample2d", "downsample2d", "smooth2d"])
def test_filters_are_their_definition(name: str, f: Tensor) -> None:
    quick, plain = getattr(ops, name), getattr(reference, name)
    for border in (0, 1, 2) if name == "smooth2d" else (None,):
        more = {} if border is None else {"border": border}
        assert_same(lambda x, m=more: quick(x, f, **m), lambda x, m=more: plain(x, f, **m), random(2, 3, 8, 6))  # type: ignore[misc]


@pytest.mark.parametrize(("pad", "stride"), [(0, 1), (1, 2), (5, 1)])
def test_filters_have_derivatives_of_any_order(pad: int, stride: int) -> None:
    x = random(1, 2, 6, 6).requires_grad_()

    def function(x: Tensor) -> Tensor:
        return gradients.filtered(x.square(), UNEVEN, pad, stride)

    assert gradcheck(function, x, fast_mode=True) and gradgradcheck(function, x, fast_mode=True)


@pytest.mark.parametrize("clamp", [None, 0.8])
def test_convolutions_are_their_definition(clamp: float | None) -> None:
    weight, bias = random(4, 3, 3, 3, seed=1).requires_grad_(), random(4, seed=2).requires_grad_()
    for kind in ("lrelu", "linear"):
        more = {"scale": 0.3, "gain": 0.7, "clamp": clamp, "stride": 2, "pad": 1}
        found = []
        for form in (gradients, reference):
            x = random(2, 3, 7, 6).requires_grad_()
            y = form.conv_act(x, weight, bias, kind, **more)  # type: ignore[arg-type]
            (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
            found.append((y, slope, *torch.autograd.grad(slope.square().sum(), (weight, bias))))
        for ours, expected in zip(*found, strict=True):
            torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("up", [False, True])
def test_modulated_layers_are_their_definition(up: bool) -> None:
    names = ("x", "weight", "styles", "bias", "strength")
    shapes = ((2, 3, 4, 4), (4, 3, 3, 3), (2, 3), (4,), ())
    noise = random(2, 1, *(8, 8) if up else (4, 4), seed=9)
    found = []
    for form in (ops, reference):
        given = {
            name: random(*shape, seed=i).requires_grad_()
            for i, (name, shape) in enumerate(zip(names, shapes, strict=True))
        }
        y = form.modulated_act(
            given["x"],
            given["weight"],
            given["styles"],
            given["bias"],
            "lrelu",
            up_filter=UNEVEN if up else None,
            gain=0.7,
            clamp=1.5,
            noise=noise * given["strength"],
        )
        first = torch.autograd.grad(y.square().sum(), given.values(), create_graph=True)
        second = torch.autograd.grad(sum(slope.square().sum() for slope in first), given.values())  # type: ignore[arg-type]
        found.append((y, *first, *second))
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", STYLEGAN3)
def test_filtered_lrelu_is_its_definition(name: str) -> None:
    for layer in layer_plans(STYLEGAN3[name])[:-1]:
        up_filter, down_filter = (None if f is None else f.double() for f in designed_filters(layer))
        size = tuple(side + layer.kernel - 1 for side in layer.in_shape)
        arguments = (up_filter, down_filter, layer.up, layer.down, layer.padding, 1.4, 0.2, 0.5)
        assert filtered_gradients.plan((size[0], size[1]), *arguments) is not None
        bias = random(1, seed=3)
        assert_same(
            lambda x, b=bias, a=arguments: activation.filtered_lrelu(x, b, *a),  # type: ignore[misc]
            lambda x, b=bias, a=arguments: reference.filtered_lrelu(x, b, *a),  # type: ignore[misc]
            random(1, 1, *size),
        )


def test_what_no_stylegan3_has_takes_the_plain_form() -> None:
    taps = random(6, seed=1)
    for up_filter, down_filter, padding in (
        (taps.outer(taps), taps, (5,) * 4),
        (taps, None, (5,) * 4),
        (taps, taps, (9, 0, 9, 0)),
    ):
        arguments = (up_filter, down_filter, 2, 2 if down_filter is not None else 1, padding, 1.4, 0.2, None)
        assert filtered_gradients.plan((9, 9), *arguments) is None  # type: ignore[arg-type]
        x = random(1, 1, 9, 9).requires_grad_()
        expected = reference.filtered_lrelu(x, None, *arguments)  # type: ignore[arg-type]
        assert torch.equal(activation.filtered_lrelu(x, None, *arguments), expected)  # type: ignore[arg-type]
