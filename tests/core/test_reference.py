"""The straightforward forms of resampling, against sums over every sample written out in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from stylegan_core import reference
from stylegan_core.filtered_lrelu import filtered_lrelu


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


def summed(x: np.ndarray, f: np.ndarray, up: int, down: int, left: int, right: int, top: int, bottom: int) -> Any:
    """One channel [H, W]: output (i, j) is the sum of f[a, b] times what lies at (i, j) * down + (a, b), backwards."""
    (h, w), (th, tw) = x.shape, f.shape
    rows, columns = (h * up + top + bottom - th) // down + 1, (w * up + left + right - tw) // down + 1
    out = np.zeros((rows, columns))
    for i, j, a, b in np.ndindex(rows, columns, th, tw):
        row, column = i * down + th - 1 - a - top, j * down + tw - 1 - b - left
        if row % up == 0 and column % up == 0 and 0 <= row < h * up and 0 <= column < w * up:
            out[i, j] += f[a, b] * x[row // up, column // up]
    return out


CASES = [
    (1, 1, (0, 0, 0, 0), (3,)),
    (2, 1, (3, 2, 1, 4), (4,)),
    (1, 2, (1, 2, 3, 0), (5,)),
    (2, 2, (5, 4, 5, 4), (2, 6)),
    (4, 2, (-2, -3, 1, -1), (6,)),
    (3, 2, (-1, 4, 0, 2), (3, 3)),
]


@pytest.mark.parametrize(("up", "down", "padding", "taps"), CASES)
def test_every_output_is_the_sum_it_should_be(up: int, down: int, padding: Any, taps: tuple[int, ...]) -> None:
    x, f = random(2, 3, 5, 7), random(*taps)
    plane = f if f.ndim == 2 else torch.outer(f, f)
    computed = reference.upfirdn2d(x, f, up, down, padding, gain=1.5)
    assert computed.shape[:2] == (2, 3)
    for n, c in np.ndindex(2, 3):
        expected = 1.5 * summed(x[n, c].numpy(), plane.numpy(), up, down, *padding)
        np.testing.assert_allclose(computed[n, c], expected, atol=1e-12)
    flipped = reference.upfirdn2d(x, f.flip(list(range(f.ndim))), up, down, padding, flip_filter=True, gain=1.5)
    torch.testing.assert_close(flipped, computed)


@pytest.mark.parametrize("function", [reference.filtered_lrelu, filtered_lrelu])
@pytest.mark.parametrize("clamp", [None, 0.8])
def test_the_activation_stands_between_the_filters(function: Any, clamp: float | None) -> None:
    x, bias, up_filter, down_filter = random(2, 2, 5, 6), random(2), random(4), random(6, 6)
    computed = function(x, bias, up_filter, down_filter, 2, 3, (4, 5, 3, 6), gain=1.3, slope=0.1, clamp=clamp)
    for n, c in np.ndindex(2, 2):
        y = summed((x[n, c] + bias[c]).numpy(), torch.outer(up_filter, up_filter).numpy() * 4, 2, 1, 4, 5, 3, 6)
        y = np.where(y > 0, y, 0.1 * y) * 1.3
        y = y if clamp is None else y.clip(-clamp, clamp)
        np.testing.assert_allclose(computed[n, c], summed(y, down_filter.numpy(), 1, 3, 0, 0, 0, 0), atol=1e-12)


@pytest.mark.parametrize("function", [reference.filtered_lrelu, filtered_lrelu])
def test_without_filters_only_bias_slope_and_clamp_are_left(function: Any) -> None:
    x, bias = random(1, 3, 4, 4), random(3)
    shifted = x + bias[:, None, None]
    torch.testing.assert_close(function(x, bias, gain=1.0, slope=1.0), shifted)
    torch.testing.assert_close(function(x, bias, gain=2.0, slope=1.0, clamp=0.5), (2 * shifted).clamp(-0.5, 0.5))
    cropped = function(x, None, padding=(-1, 0, 1, -2), gain=1.0, slope=1.0)
    torch.testing.assert_close(cropped, torch.nn.functional.pad(x, (-1, 0, 1, -2)))
