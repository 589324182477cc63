"""FID, KID, precision and recall are what their definitions say, each written out here in another way."""

import math

import pytest
import torch
from torch import Tensor

from train.metrics.evaluate import frechet_distance, kernel_distance, precision_recall


def cloud(seed: int, n: int, width: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    spread = torch.randn(width, width, generator=generator)
    return torch.randn(n, width, generator=generator) @ spread + torch.randn(width, generator=generator)


def test_fid_is_the_distance_of_two_gaussians() -> None:
    """By eigenvectors of symmetric matrices: tr (S^1/2 S' S^1/2)^1/2."""
    made, real = cloud(0, 40).double(), cloud(1, 30).double()
    shift = (made.mean(dim=0) - real.mean(dim=0)).square().sum()
    one, other = torch.cov(made.T), torch.cov(real.T)
    values, vectors = torch.linalg.eigh(one)
    root = vectors @ torch.diag(values.sqrt()) @ vectors.T
    both = torch.linalg.eigvalsh(root @ other @ root).sqrt().sum()
    expected = shift + one.trace() + other.trace() - 2 * both
    assert frechet_distance(made.float(), real.float()) == pytest.approx(float(expected), rel=1e-4)


def test_fid_of_gaussians_along_the_axes_is_known() -> None:
    """There the formula is |m - m'|² + Σ (s - s')²; points at ±s √(2n - 1) have the deviations s of 2n points."""

    def points(deviations: list[float], mean: list[float]) -> Tensor:
        n = len(deviations)
        corners = torch.diag(torch.tensor(deviations)) * ((2 * n - 1) / 2) ** 0.5
        return torch.cat([corners, -corners]) + torch.tensor(mean)

    made, real = points([1.0, 2.0, 3.0], [0.0, 0.0, 1.0]), points([2.0, 2.0, 0.5], [3.0, 0.0, 0.0])
    assert frechet_distance(made, real) == pytest.approx(10 + 1 + 0 + 6.25, rel=1e-5)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-5)


def squared_mmd(made: Tensor, real: Tensor) -> float:
    """The unbiased estimate for sets of any size, a pair at a time."""

    def kernel(a: Tensor, b: Tensor) -> float:
        return (float(a.double() @ b.double()) / len(a) + 1) ** 3

    def inside(of: Tensor) -> float:
        pairs = [kernel(a, b) for i, a in enumerate(of) for j, b in enumerate(of) if i != j]
        return sum(pairs) / len(pairs)

    across = [kernel(a, b) for a in made for b in real]
    return inside(made) + inside(real) - 2 * sum(across) / len(across)


def test_kid_is_the_unbiased_estimate() -> None:
    made, real = cloud(0, 12), cloud(1, 12)
    assert kernel_distance(made, real) == pytest.approx(squared_mmd(made, real), rel=1e-9)


def test_kid_takes_sets_of_two_sizes_and_means_the_same() -> None:
    made, real = cloud(0, 30), cloud(1, 12)
    assert kernel_distance(made, real) == pytest.approx(squared_mmd(made, real), rel=0.15)  # subsets by chance
    assert kernel_distance(made, real, seed=3) == kernel_distance(made, real, seed=3)


def manifold(centres: Tensor, others: Tensor, neighbours: int) -> float:
    """The part of `others` that lies in the ball of some centre that reaches to its k-th nearest other centre."""

    def distance(a: Tensor, b: Tensor) -> float:
        return math.dist(a.tolist(), b.tolist())

    radii = [sorted(distance(a, b) for b in centres)[neighbours] for a in centres]
    inside = [any(distance(p, c) <= radius for c, radius in zip(centres, radii, strict=True)) for p in others]
    return sum(inside) / len(others)


@pytest.mark.parametrize(("of_made", "of_real", "neighbours"), [(25, 25, 3), (14, 20, 3), (3, 20, 2)])
def test_precision_and_recall_count_who_is_in_a_ball(of_made: int, of_real: int, neighbours: int) -> None:
    made, real = cloud(0, of_made, 2).double(), cloud(1, of_real, 2).double() * 0.7
    expected = manifold(real, made, neighbours), manifold(made, real, neighbours)
    assert precision_recall(made, real) == pytest.approx(expected, abs=1e-6)
    assert 0 < math.prod(expected) < 1  # or the test would say nothing
