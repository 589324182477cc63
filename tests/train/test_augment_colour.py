"""Colour matrices against what is worked out by hand, and the bank of bands against its definition, in float64."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from train.augment import matrices
from train.augment.bands import BANDS, amplify
from train.augment.colour import recolour

RED, WHITE = (1.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def numbers(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def pixel(*channels: float) -> Tensor:
    return numbers(*channels).reshape(1, -1, 1, 1)


def recoloured(channels: tuple[float, ...], matrix: Tensor) -> list[float]:
    return recolour(pixel(*channels), matrix).flatten().tolist()


@pytest.mark.parametrize(
    ("matrix", "before", "after"),
    [
        (matrices.brightness(numbers(0.25)), (0.5, -1.0, 0.0), (0.75, -0.75, 0.25)),
        (matrices.contrast(numbers(2.0)), (0.5, -1.0, 0.0), (1.0, -2.0, 0.0)),
        (matrices.luma_flip(numbers(1.0)), WHITE, (-1.0, -1.0, -1.0)),
        (matrices.luma_flip(numbers(1.0)), (1.0, -1.0, 0.0), (1.0, -1.0, 0.0)),
        (matrices.luma_flip(numbers(1.0)), RED, (1 / 3, -2 / 3, -2 / 3)),
        (matrices.luma_flip(numbers(0.0)), RED, RED),
        (matrices.hue(numbers(2 * math.pi / 3)), RED, (0.0, 1.0, 0.0)),
        (matrices.hue(numbers(-2 * math.pi / 3)), RED, (0.0, 0.0, 1.0)),
        (matrices.hue(numbers(math.pi)), RED, (-1 / 3, 2 / 3, 2 / 3)),
        (matrices.hue(numbers(1.2)), WHITE, WHITE),
        (matrices.saturation(numbers(0.0)), (0.9, 0.0, -0.3), (0.2, 0.2, 0.2)),
        (matrices.saturation(numbers(2.0)), (0.9, 0.0, -0.3), (1.6, -0.2, -0.8)),
        (matrices.saturation(numbers(5.0)), WHITE, WHITE),
    ],
)
def test_colours_become_what_is_worked_out_by_hand(
    matrix: Tensor, before: tuple[float, ...], after: tuple[float, ...]
) -> None:
    assert recoloured(before, matrix) == pytest.approx(after, abs=1e-12)


def test_hue_turns_around_the_luma_axis() -> None:
    matrix = matrices.hue(numbers(0.7))[0, :3, :3]
    generator = numbers(0, -1, 1, 1, 0, -1, -1, 1, 0).reshape(3, 3) * (0.7 / math.sqrt(3))
    torch.testing.assert_close(matrix, torch.linalg.matrix_exp(generator))


def test_alpha_keeps_its_values() -> None:
    matrix = matrices.product(matrices.brightness(numbers(0.25)), matrices.hue(numbers(1.0)))
    assert recolour(pixel(0.1, 0.2, 0.3, -0.7), matrix)[0, 3].item() == -0.7
    assert recolour(pixel(0.5, -0.7), matrix).flatten().tolist() == pytest.approx([0.75, -0.7])


@pytest.mark.parametrize("name", ["brightness", "contrast", "luma_flip", "hue", "saturation"])
def test_grey_is_rgb_of_equal_colours(name: str) -> None:
    grey, matrix = random(2, 1, 3, 4), getattr(matrices, name)(numbers(1.0, 1.0))
    expected = recolour(grey.expand(-1, 3, -1, -1), matrix).mean(1, keepdim=True)
    torch.testing.assert_close(recolour(grey, matrix), expected)


def test_matrices_are_multiplied_from_left_to_right() -> None:
    a, b, c = random(3, 2, 4, 4)
    torch.testing.assert_close(matrices.product(a, b, c), a @ b @ c)


def test_the_bands_sum_to_one() -> None:
    total = np.sum(BANDS, axis=0)
    assert total.tolist() == pytest.approx([0.0] * 21 + [1.0] + [0.0] * 21, abs=1e-15)


def test_unit_gains_reconstruct_perfectly() -> None:
    x = random(2, 3, 9, 30)
    torch.testing.assert_close(amplify(x, torch.ones(2, 4)), x, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("band", "lowest", "highest"), [(0, 0, 1 / 8), (1, 1 / 8, 1 / 4), (2, 1 / 4, 1 / 2), (3, 1 / 2, 1)]
)
def test_each_band_passes_its_octave(band: int, lowest: float, highest: float) -> None:
    frequencies = np.linspace(0, 1, 257)
    response = np.abs(np.exp(-1j * np.pi * np.outer(frequencies, np.arange(43))) @ np.array(BANDS).T)
    middle = np.argmin(np.abs(frequencies - (lowest + highest) / 2))
    assert response[middle].argmax() == band
    share = response[:, band] ** 2
    inside = (frequencies >= lowest) & (frequencies <= highest)
    assert share[inside].sum() > 0.6 * share.sum()


def test_amplification_is_a_convolution_along_both_axes_with_mirrored_edges() -> None:
    x, gains = random(2, 1, 8, 30), numbers(1.5, 0.5, 2.0, 0.7, 1.0, 3.0, 0.1, 1.0).reshape(2, 4)
    for image, gain, result in zip(x[:, 0].numpy(), gains.numpy(), amplify(x, gains)[:, 0].numpy(), strict=True):
        taps = gain @ np.array(BANDS)
        expected = np.pad(image, 21, mode="reflect")
        for axis in (0, 1):
            expected = np.apply_along_axis(lambda line, taps=taps: np.convolve(line, taps, "valid"), axis, expected)
        assert np.abs(result - expected).max() < 1e-12


def test_a_constant_picture_has_only_the_lowest_band() -> None:
    x = torch.full((1, 2, 6, 6), 0.4, dtype=torch.float64)
    torch.testing.assert_close(amplify(x, numbers(1, 9, 9, 9)[None]), x)
    torch.testing.assert_close(amplify(x, numbers(2, 1, 1, 1)[None]), x * 4)
