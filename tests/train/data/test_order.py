"""The order of pictures is a function of seed and place: it resumes anywhere, and is split without overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.train.data import makers  # noqa: F401 - for the profile of its examples
from train.data.order import MAX_SEED, Order, Share, chosen

SEEDS = st.integers(0, MAX_SEED)


@given(count=st.integers(1, 50), seed=SEEDS, epoch=st.integers(0, 10**6))
def test_every_epoch_has_every_picture_once(count: int, seed: int, epoch: int) -> None:
    order = Order(count, seed)
    assert sorted(order.take(range(epoch * count, (epoch + 1) * count))) == list(range(count))


@given(count=st.integers(1, 50), seed=SEEDS, start=st.integers(0, 500), cut=st.integers(0, 100))
def test_it_goes_on_anywhere(count: int, seed: int, start: int, cut: int) -> None:
    whole = Order(count, seed).take(range(start, start + 100))
    assert Order(count, seed).take(range(start + cut, start + 100)) == whole[cut:]


def test_it_is_the_same_for_ever() -> None:
    """Runs that were begun long ago go on with these very pictures."""
    assert Order(7, 3).take(range(14)) == [6, 1, 5, 2, 4, 3, 0, 3, 5, 6, 4, 0, 2, 1]


def test_epochs_and_seeds_differ() -> None:
    takes = {
        tuple(Order(100, seed).take(range(100 * epoch, 100 * (epoch + 1)))) for seed in range(5) for epoch in range(5)
    }
    assert len(takes) == 25


def test_every_picture_is_as_likely_in_every_place() -> None:
    order = Order(4, 0)
    counts = np.zeros((4, 4))
    for position in range(4 * 2000):
        counts[position % 4, order[position]] += 1
    assert np.abs(counts / 2000 - 0.25).max() < 0.04  # four standard deviations


@given(
    seed=SEEDS,
    position=st.integers(0, 1000),
    ranks=st.sampled_from([1, 2, 3, 4]),
    pieces=st.sampled_from([1, 2]),
)
def test_a_global_batch_is_the_same_whatever_the_number_of_processes(
    seed: int, position: int, ranks: int, pieces: int
) -> None:
    order, batch = Order(37, seed), 24
    alone = [order.take(piece) for piece in Share(batch).pieces(position)]
    shares = [Share(batch, rank, ranks, batch // ranks // pieces).pieces(position) for rank in range(ranks)]
    assert all(len(share) == pieces for share in shares)
    taken = [[index for piece in share for index in order.take(piece)] for share in shares]
    assert [index for turn in zip(*taken, strict=True) for index in turn] == alone[0]  # each takes every n-th


@pytest.mark.parametrize(
    ("batch", "rank", "ranks", "piece"),
    [(0, 0, 1, None), (8, 2, 2, None), (8, -1, 2, None), (9, 0, 2, None), (8, 0, 2, 3), (8, 0, 1, 0)],
)
def test_shares_that_are_not_equal_are_refused(batch: int, rank: int, ranks: int, piece: int | None) -> None:
    with pytest.raises(ValueError, match="has no equal"):
        Share(batch, rank, ranks, piece)


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (1, -1), (1, MAX_SEED + 1)])
def test_orders_that_cannot_be_are_refused(count: int, seed: int) -> None:
    with pytest.raises(ValueError, match="there is no order"):
        Order(count, seed)


@given(seed=SEEDS, small=st.integers(1, 30), large=st.integers(30, 40))
def test_a_larger_subset_contains_a_smaller_one(seed: int, small: int, large: int) -> None:
    few, many = chosen(40, small, seed), chosen(40, large, seed)
    assert len(few) == small and set(few) <= set(many) <= set(range(40)) and list(few) == sorted(few)


def test_a_subset_is_not_what_comes_first_in_the_order() -> None:
    assert set(chosen(1000, 100, 0)) != set(Order(1000, 0).take(range(100)))
