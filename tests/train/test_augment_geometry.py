"""Blitting and resampling against their definitions, in float64."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from train.augment import geometry, matrices
from train.augment.geometry import CENTRE, SYM6, blit, mirrored, resample


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def numbers(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def quarter(turns: int) -> Tensor:
    return matrices.rotate(numbers(turns * math.pi / 2))


def grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """x and y of every pixel, from the centre."""
    rows, columns = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2 for size in (height, width))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return x, y


def straightforward(image: np.ndarray, lookup: np.ndarray) -> np.ndarray:
    """Appendix B, one pixel at a time: mirror padding, zeros inserted, filter, bilinear lookup, filter, decimation."""
    margin = 40
    height, width = image.shape
    padded = np.pad(image, margin, mode="reflect")
    taps = np.array(SYM6)
    fine = np.zeros([2 * size for size in padded.shape])
    fine[::2, ::2] = padded
    for axis in (0, 1):
        fine = np.apply_along_axis(lambda line: np.convolve(line, taps * math.sqrt(2)), axis, fine)

    def value(x: float, y: float) -> float:
        """At a place in the picture's pixels from its centre."""
        column, row = (2 * (place + (size - 1) / 2 + margin) + CENTRE for place, size in ((x, width), (y, height)))
        left, top = math.floor(column), math.floor(row)
        across, down = column - left, row - top
        corners = fine[top : top + 2, left : left + 2]
        return float(np.array([1 - down, down]) @ corners @ np.array([1 - across, across]))

    moved = np.empty((2 * height + 10, 2 * width + 10))
    for row in range(moved.shape[0]):
        for column in range(moved.shape[1]):
            place = ((column - CENTRE) / 2 - (width - 1) / 2, (row - CENTRE) / 2 - (height - 1) / 2, 1)
            x, y, _ = lookup @ place
            moved[row, column] = value(x, y)
    for axis in (0, 1):
        moved = np.apply_along_axis(lambda line: np.convolve(line, taps[::-1] / math.sqrt(2), "valid"), axis, moved)
    return moved[::2, ::2]


def test_the_filter_is_the_orthonormal_one_with_six_vanishing_moments() -> None:
    taps, places = np.array(SYM6), np.arange(12)
    for shift in range(0, 12, 2):
        assert np.dot(taps[shift:], taps[: 12 - shift]) == pytest.approx(float(shift == 0), abs=1e-11)
    for moment in range(6):
        assert np.sum((-1.0) ** places * taps * places**moment) == pytest.approx(0, abs=1e-8)
    assert abs(np.sum((-1.0) ** places * taps * places**6)) > 1


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_mirrors_stand_in_the_middle_of_the_outermost_pixels(size: int) -> None:
    expected = np.pad(np.arange(size), 20, mode="reflect")
    assert mirrored(torch.arange(-20, size + 20), size).tolist() == expected.tolist()


@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_blitting_a_quarter_turn_is_rot90(turns: int, size: int) -> None:
    x = random(1, 3, size, size)
    assert torch.equal(blit(x, quarter(turns)), torch.rot90(x, turns, dims=(2, 3)))


def test_blitting_flips() -> None:
    x = random(1, 2, 4, 7)
    assert torch.equal(blit(x, matrices.scale(numbers(-1), numbers(1))), x.flip(3))


@pytest.mark.parametrize(("right", "down"), [(2, 0), (0, -3), (-1, 3), (17, -25)])
def test_blitting_a_translation_is_a_roll_of_what_the_mirror_shows(right: int, down: int) -> None:
    x = random(1, 2, 6, 5)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (30, 30), (30, 30)), mode="reflect")
    expected = np.roll(padded, (down, right), axis=(2, 3))[:, :, 30:36, 30:35]
    moved = blit(x, matrices.translate(numbers(-right), numbers(-down)))
    assert torch.equal(moved, torch.from_numpy(expected.copy()))


def test_each_picture_has_its_own_matrix() -> None:
    x = random(3, 2, 5, 5)
    lookups = torch.cat([quarter(0), quarter(1), quarter(2)])
    expected = torch.stack([torch.rot90(image, turns, dims=(1, 2)) for turns, image in enumerate(x)])
    assert torch.equal(blit(x, lookups), expected)
    torch.testing.assert_close(resample(x, lookups)[1:2], resample(x[1:2], lookups[1:2]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(7, 9), (4, 4), (2, 3), (1, 5), (1, 1)])
def test_resampling_leaves_what_does_not_move(shape: tuple[int, int]) -> None:
    x = random(2, 3, *shape)
    identity = torch.eye(3, dtype=torch.float64).expand(2, 3, 3)
    torch.testing.assert_close(resample(x, identity), x, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("right", "down"), [(1, -2), (-20, 31)])
def test_resampling_by_whole_pixels_is_blitting(right: int, down: int) -> None:
    x = random(1, 2, 7, 6)
    lookup = matrices.translate(numbers(right), numbers(down))
    torch.testing.assert_close(resample(x, lookup), blit(x, lookup), rtol=0, atol=1e-10)


@pytest.mark.parametrize("angle", [0.0, 0.7])
@pytest.mark.parametrize("factor", [0.8, 1.7])
def test_resampling_is_what_the_appendix_defines(angle: float, factor: float) -> None:
    x = random(2, 1, 6, 5)
    shift = matrices.translate(numbers(1.3), numbers(-2.6))
    lookup = matrices.product(matrices.scale(numbers(factor), numbers(1 / factor)), matrices.rotate(numbers(angle)))
    lookup = matrices.product(lookup, shift).expand(2, 3, 3)
    expected = [straightforward(image[0].numpy(), lookup[0].numpy()) for image in x]
    torch.testing.assert_close(resample(x, lookup)[:, 0], torch.from_numpy(np.stack(expected)), rtol=0, atol=1e-10)


@pytest.mark.parametrize("angle", [0.4, math.pi / 2, math.pi, -2.0])
def test_resampling_turns_a_smooth_picture_to_where_it_belongs(angle: float) -> None:
    def wave(x: Tensor, y: Tensor) -> Tensor:
        return torch.cos(0.3 * x + 0.1) * torch.sin(0.4 * y + 0.3)

    x, y = grid(32, 30)
    moved = resample(wave(x, y)[None, None], matrices.rotate(numbers(angle)))[0, 0]
    expected = wave(math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y)
    assert (moved - expected)[10:-10, 10:-10].abs().max() < 0.01


def test_shrinking_hardly_aliases() -> None:
    x, _ = grid(32, 32)
    stripes = ((x + 0.5) % 2 * 2 - 1)[None, None]
    lookup = matrices.scale(numbers(1.5), numbers(1.5))
    assert resample(stripes, lookup)[:, :, 8:-8, 8:-8].abs().max() < 0.15
    grid_of = F.affine_grid(lookup[:, :2], [1, 1, 32, 32], align_corners=True)
    looked_up = F.grid_sample(stripes, grid_of, align_corners=True)
    assert looked_up[:, :, 8:-8, 8:-8].abs().max() > 0.4, "a plain lookup would"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_constant_picture_stays_constant_however_far_it_moves(dtype: torch.dtype) -> None:
    x = torch.tensor([-1.0, 1.0, 0.3, 0.0], dtype=dtype)[:, None, None, None].expand(-1, 2, 8, 11)
    far = matrices.product(
        matrices.rotate(numbers(0.3, 1, 2, 3)), matrices.scale(numbers(7, 0.1, 1, 3), numbers(0.2, 5, 1, 3))
    )
    far = matrices.product(far, matrices.translate(numbers(300, -70, 5.5, 0), numbers(0, 41, 2.25, -900)))
    torch.testing.assert_close(resample(x, far), x, rtol=0, atol=2e-6 if dtype == torch.float32 else 1e-10)


def test_single_precision_is_enough() -> None:
    x = random(1, 3, 64, 48)
    lookup = matrices.product(matrices.rotate(numbers(1.1)), matrices.translate(numbers(9.3), numbers(-20.7)))
    torch.testing.assert_close(resample(x.float(), lookup.float()).double(), resample(x, lookup), rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [1, 2, 5, 16])
def test_small_pictures_are_upsampled_alike(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a matrix as by the filter."""
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for axis in (2, 3):
        monkeypatch.setattr(geometry, "DENSE_PX", 0)
        expected = geometry.upsampled(x, axis)
        monkeypatch.setattr(geometry, "DENSE_PX", size)
        torch.testing.assert_close(geometry.upsampled(x, axis), expected, rtol=1e-12, atol=1e-12)
