"""Colour maps have the ends and middles that they are known by, and grow lighter evenly where they should."""

from typing import get_args

import pytest
import torch

from stylegan_core.colours import SIZE, TABLES, coloured
from stylegan_core.scene import Colours

EVERY = torch.linspace(0, 1, SIZE)[None]
# CIE XYZ's Y of the sRGB primaries, and the lightness L* of CIE 1976.
LUMINANCE = torch.tensor([0.2126, 0.7152, 0.0722])


def lightness(colours: torch.Tensor) -> torch.Tensor:
    """uint8 [..., 3] in sRGB -> L*, 0 to 100."""
    srgb = colours / 255
    linear = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    y = linear @ LUMINANCE
    return torch.where(y > (6 / 29) ** 3, 116 * y ** (1 / 3) - 16, y * (29 / 3) ** 3)


@pytest.mark.parametrize("name", get_args(Colours))
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 4, 3, 5)])
def test_every_number_gets_a_colour(name: Colours, shape: tuple[int, ...]) -> None:
    values = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    colours = coloured(values, name)
    assert colours.dtype == torch.uint8 and colours.shape == (*shape, 3)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("grey", ("000000", "ffffff")),
        ("viridis", ("440154", "fde725")),
        ("magma", ("000004", "fcfdbf")),
        ("turbo", ("30123b", "7a0403")),
    ],
)
def test_the_ends_are_those_that_were_published(name: Colours, ends: tuple[str, str]) -> None:
    values = torch.tensor([[0.0, 1.0], [-3.0, 7.0], [-torch.inf, torch.inf]])
    expected = torch.tensor([list(bytes.fromhex(end)) for end in ends], dtype=torch.uint8)
    assert torch.equal(coloured(values, name), expected.expand(3, 2, 3))


def test_grey_has_all_its_256_shades() -> None:
    shades = torch.arange(256)[None] / 255
    assert torch.equal(coloured(shades, "grey"), torch.arange(256, dtype=torch.uint8)[None, :, None].expand(1, 256, 3))


@pytest.mark.parametrize("name", ["grey", "viridis", "magma"])
def test_lightness_grows_evenly_with_the_value(name: Colours) -> None:
    light = lightness(coloured(torch.linspace(0, 1, 52)[None], name)[0])
    assert light.diff().min() > 0
    even = torch.linspace(float(light[0]), float(light[-1]), 52)
    assert (light - even).abs().max() < 10


def test_turbo_is_lightest_in_its_middle_and_no_two_values_look_alike() -> None:
    light = lightness(coloured(EVERY, "turbo")[0])
    assert 0.4 < float(light.argmax()) / SIZE < 0.7 and light.max() > 80
    assert len(torch.unique(TABLES["turbo"], dim=0)) > SIZE * 0.9


def test_diverging_is_white_for_nothing_and_as_dark_for_minus_as_for_plus() -> None:
    colours = coloured(EVERY, "diverging")[0]
    assert colours[SIZE // 2].tolist() == [255, 255, 255]
    light = lightness(colours)
    below, above = light[: SIZE // 2].diff(), light[SIZE // 2 :].diff()
    assert below.min() > -0.2 and above.max() < 0.2  # the last bit of a colour may go either way
    assert (light - light.flip(0)).abs().max() < 8
    negative, positive = colours[: SIZE // 2 - 5], colours[SIZE // 2 + 6 :]
    assert (negative[:, 2] > negative[:, 0]).all() and (positive[:, 0] > positive[:, 2]).all()


def test_what_is_no_number_has_the_colour_of_nothing() -> None:
    assert coloured(torch.tensor([[torch.nan]]), "magma")[0, 0].tolist() == [0, 0, 4]
