"""Regularisers against their definitions, in float64, on networks whose derivatives are known."""

import math

import pytest
import torch
from torch import Tensor

from tests.train.small import GENERATORS, normal, spec
from train.chance import Chance
from train.networks import TrainableGenerator
from train.regularisers import (
    Lazy,
    PathLength,
    blur_sigma,
    blurred,
    crossovers,
    gradient_penalty,
    mix,
    path_length_weight,
    r1,
    smaller_batch,
)

DOUBLE = torch.float64
LIKE = torch.empty(0)


def chance(seed: int = 7, rank: int = 0, processes: int = 1) -> Chance:
    return Chance(torch.Generator().manual_seed(seed), rank, processes)


def random(*shape: int, seed: int = 0) -> Tensor:
    return normal(*shape, seed=seed, dtype=DOUBLE)


# Penalties on the discriminator's slope


def test_r1_is_half_gamma_times_the_mean_squared_slope() -> None:
    """D(x) = θ · x²/2 has the slope θ x."""
    theta, x = random(3, 4, 4, seed=1).requires_grad_(), random(5, 3, 4, 4).requires_grad_()
    penalty = r1(x, (theta * x.square() / 2).sum(dim=[1, 2, 3])[:, None], gamma=10.0)
    torch.testing.assert_close(penalty, 5 * (theta * x).square().sum() / 5)
    (slope,) = torch.autograd.grad(penalty, theta)
    torch.testing.assert_close(slope, 2 * theta * x.square().sum(dim=0))


def test_the_gradient_penalty_wants_slopes_of_one() -> None:
    """D(x) = θ · x has the slope θ everywhere."""
    theta, real, fake = random(3, 4, 4, seed=1).requires_grad_(), random(5, 3, 4, 4), random(5, 3, 4, 4, seed=2)
    penalty = gradient_penalty(lambda x: (theta * x).sum(dim=[1, 2, 3]), real, fake, chance())
    torch.testing.assert_close(penalty, 10 * (theta.norm() - 1) ** 2)
    (slope,) = torch.autograd.grad(penalty, theta)
    torch.testing.assert_close(slope, 20 * (theta - theta / theta.norm()))
    wanted = gradient_penalty(lambda x: (theta * x).sum(dim=[1, 2, 3]), real, fake, chance(), weight=2, target=5)
    torch.testing.assert_close(wanted, 2 * (theta.norm() / 5 - 1) ** 2)


def test_the_gradient_penalty_looks_between_real_and_fake() -> None:
    real, fake, seen = random(64, 3, 4, 4), random(64, 3, 4, 4, seed=2), []

    def judge(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.square().sum(dim=[1, 2, 3])

    gradient_penalty(judge, real, fake, chance())
    shares = (seen[0] - real) / (fake - real)
    share = shares[:, 0, 0, 0]
    torch.testing.assert_close(shares, share[:, None, None, None].expand_as(shares), rtol=1e-6, atol=1e-9)
    assert 0 <= share.min() < 0.1 and 0.9 < share.max() <= 1


# Path lengths


def test_path_lengths_of_a_linear_generator() -> None:
    """G(w) = A w has the Jacobian A, so the length is |Aᵀ y| / r, the root of the mean over style vectors."""
    a, ws = random(3 * 4 * 4, 6 * 5, seed=1).requires_grad_(), random(7, 6, 5).requires_grad_()
    images = (ws.flatten(1) @ a.t()).unflatten(1, (3, 4, 4))
    lengths = PathLength().lengths(images, ws, chance())
    y = chance().normal(7, 3, 4, 4, like=images).flatten(1)
    expected = (y @ a).norm(dim=1) / 4 / math.sqrt(6)
    torch.testing.assert_close(lengths, expected)
    (found,) = torch.autograd.grad(lengths.sum(), a)
    torch.testing.assert_close(found, torch.autograd.grad(expected.sum(), a)[0])


@pytest.mark.parametrize("resolution", [8, 256, 1024])
def test_the_weight_is_the_paper_s_at_every_resolution(resolution: int) -> None:
    """2 (L / (r sqrt(num_ws)) - a)² is γ_pl (L - a')²."""
    num_ws = 2 * math.log2(resolution) - 2
    ours = 2 * (7.0 / (resolution * math.sqrt(num_ws))) ** 2
    assert ours == pytest.approx(path_length_weight(resolution) * 7.0**2)
    r = resolution
    assert path_length_weight(r) == pytest.approx(math.log(2) / (r * r * (math.log(r) - math.log(2))))


def test_the_running_mean_takes_in_a_hundredth_of_each_mean_and_is_kept() -> None:
    path, expected = PathLength(), 0.0
    for step in range(3):
        images, ws = generated(step)
        mean = path.lengths(images, ws, chance(step)).mean().item()
        penalty = path.penalty(images, ws, chance(step))
        expected += 0.01 * (mean - expected)
        assert path.average.item() == pytest.approx(expected)
        lengths = path.lengths(images, ws, chance(step))
        assert penalty.item() == pytest.approx(2 * (lengths - expected).square().mean().item())
    again = PathLength()
    again.load_state_dict(path.state_dict())
    images, ws = generated(9)
    assert torch.equal(again.penalty(images, ws, chance()), path.penalty(images, ws, chance()))
    assert not path.average.requires_grad


def generated(seed: int) -> tuple[Tensor, Tensor]:
    g = TrainableGenerator(spec(GENERATORS["stylegan2 skip"])).double()
    return g(random(4, 4, seed=seed), torch.eye(2, dtype=DOUBLE).repeat(2, 1), chance(seed))


def test_the_running_mean_is_over_all_processes() -> None:
    path = PathLength(mean=lambda x: x * 0 + 50)
    path.penalty(*generated(0), chance())
    assert path.average.item() == pytest.approx(0.5)


def test_the_running_mean_is_no_way_to_make_lengths_differ_less() -> None:
    """The penalty's slope leaves the mean out, as if it were given: 2 * 2 (L - a) / N at each of N lengths."""
    images, ws = generated(0)
    path = PathLength(weight=2.0, decay=0.5)
    lengths = path.lengths(images, ws, chance())
    factors = 4 / len(ws) * (lengths - lengths.mean() / 2).detach()
    (expected,) = torch.autograd.grad((lengths * factors).sum(), ws, retain_graph=True)
    (found,) = torch.autograd.grad(path.penalty(images, ws, chance()), ws)
    torch.testing.assert_close(found, expected)


def test_path_lengths_are_measured_on_half_a_batch() -> None:
    assert [smaller_batch(batch) for batch in (1, 2, 3, 32)] == [1, 1, 1, 16]
    assert smaller_batch(32, 4) == 8


# Style mixing


def test_crossovers_are_even_over_all_places() -> None:
    places = crossovers(4000, 5, 0.9, chance(), LIKE)
    counts = torch.bincount(places, minlength=6).tolist()
    assert places.dtype == torch.int64 and len(counts) == 6 and counts[0] == 0
    # Standard deviations are at most 28 of 4000.
    assert counts[1:5] == [pytest.approx(900, abs=120)] * 4 and counts[5] == pytest.approx(400, abs=100)
    assert (crossovers(50, 5, 0.0, chance(), LIKE) == 5).all() and (crossovers(50, 5, 1.0, chance(), LIKE) < 5).all()
    assert (crossovers(50, 2, 1.0, chance(), LIKE) == 1).all()


def test_styles_are_one_s_before_the_crossover_and_another_s_from_it_on() -> None:
    ws, other = torch.zeros(3, 4, 2), torch.ones(3, 4, 2)
    assert mix(ws, other, torch.tensor([1, 3, 4]))[:, :, 0].tolist() == [[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]


# Laziness


def test_lazy_regularisers_weigh_as_much_as_eager_ones() -> None:
    lazy = Lazy(16)
    assert [step for step in range(40) if lazy.is_due(step)] == [0, 16, 32]
    assert sum(lazy.gain for step in range(160) if lazy.is_due(step)) == 160


def test_adam_is_corrected_for_the_steps_between() -> None:
    """c = k / (k + 1): k + 1 steps move, and forget, as much as k did."""
    lazy = Lazy(16)
    assert lazy.rate(0.002) * 17 == pytest.approx(0.002 * 16)
    first, second = lazy.betas((0.0, 0.99))
    assert first == 0 and second**17 == pytest.approx(0.99**16)
    assert Lazy(8).rate(0.0025) == pytest.approx(0.0025 * 8 / 9)


# Blur


def test_blur_fades_out_over_the_first_pictures() -> None:
    assert [blur_sigma(kimg) for kimg in (0, 50, 200, 5000)] == [10, 7.5, 0, 0]


def test_blur_spreads_a_point_by_its_standard_deviation() -> None:
    point = torch.zeros(1, 2, 41, 31, dtype=DOUBLE)
    point[:, 1, 20, 15] = 1
    spread = blurred(point, 3.0)
    assert spread.shape == point.shape and not spread[:, 0].any() and spread.sum().item() == pytest.approx(1)
    for size, other_axis in ((41, 1), (31, 0)):
        at = torch.arange(size, dtype=DOUBLE) - size // 2
        assert (spread[0, 1].sum(dim=other_axis) * at**2).sum().item() == pytest.approx(9, rel=0.05)
    assert torch.equal(blurred(point, 0.0), point)


# Chance


def test_processes_share_the_numbers_of_a_batch() -> None:
    whole = chance().normal(6, 2, 3, like=LIKE)
    parts = [chance(rank=rank, processes=3).normal(2, 2, 3, like=LIKE) for rank in range(3)]
    assert all(torch.equal(part, whole[rank::3]) for rank, part in enumerate(parts))
    assert len(whole.unique()) == 36


def test_numbers_come_from_the_generator_alone() -> None:
    before = torch.get_rng_state()
    numbers = chance()
    first = [numbers.normal(2, 2, like=LIKE), numbers.uniform(2, 2, like=LIKE)]
    assert torch.equal(torch.get_rng_state(), before)
    numbers = chance()
    assert torch.equal(numbers.normal(2, 2, like=LIKE), first[0]) and torch.equal(
        numbers.uniform(2, 2, like=LIKE), first[1]
    )
    assert chance().normal(1, like=random(1)).dtype == DOUBLE
