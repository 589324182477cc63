"""Smoothing samples in time: the Gaussian mean of a curve through them, as weights of the samples themselves.

The curve goes straight between two samples that followed each other soon, and stands still otherwise. Its mean is exact
as long as samples are far apart against the Gaussian; of those that are close together, two stand for all, so that the
number of weights is bounded. Which two depends on their times alone, so that the mean moves smoothly as time goes on.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise

REACH = 2.5  # standard deviations, where the Gaussian is cut off
BINS = 8  # to a standard deviation

Time = Callable[[int], float]


def smoothing_weights(
    time: Time, count: int, at_s: float, deviation_s: float, held_s: float
) -> list[tuple[int, float]]:
    """Which samples the mean around a moment is made of, and their weights, which sum to 1.

    Args:
        time: of each sample by its index, in seconds, rising.
        count: of samples, at least 1.
        at_s: the moment.
        deviation_s: of the Gaussian, above 0.
        held_s: after a longer gap than this the sample before it stood still until the next one came.

    Returns:
        Indexes and weights above 0, in the order of time.
    """
    reach = REACH * deviation_s
    chosen = list(_standing_for_all(time, count, at_s - reach, at_s + reach, deviation_s / BINS))
    weights = dict.fromkeys(chosen, 0.0)
    weights[chosen[0]] += _gaussian(-math.inf, time(chosen[0]), at_s, deviation_s)[0]
    weights[chosen[-1]] += _gaussian(time(chosen[-1]), math.inf, at_s, deviation_s)[0]
    for here, there in pairwise(chosen):
        start, end = time(here), time(there)
        mass, moment = _gaussian(start, end, at_s, deviation_s)
        held = there == here + 1 and end - start > held_s
        share = (moment - start * mass) / (end - start) if end > start and not held else 0.0
        weights[here] += mass - share
        weights[there] += share
    total = math.fsum(weights.values())
    return [(index, weight / total) for index, weight in weights.items() if weight > 0]


def _standing_for_all(time: Time, count: int, low_s: float, high_s: float, width_s: float) -> Iterator[int]:
    """The first and the last sample of each stretch of so many seconds, from before `low_s` until after `high_s`."""
    indexes = range(count)
    index = max(bisect_right(indexes, low_s, key=time) - 1, 0)
    index = bisect_left(indexes, math.floor(time(index) / width_s) * width_s, key=time)
    while index < count:
        following = bisect_left(indexes, (math.floor(time(index) / width_s) + 1) * width_s, index + 1, key=time)
        yield index
        if following > index + 1:
            yield following - 1
        if time(index) >= high_s:
            return
        index = following


def _gaussian(start: float, end: float, mean: float, deviation: float) -> tuple[float, float]:
    """The integrals of a Gaussian g(t), and of t g(t), over the part of a stretch of time that is within reach."""
    low, high = (min(max((time - mean) / deviation, -REACH), REACH) for time in (start, end))
    mass = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2
    slope = (math.exp(-low * low / 2) - math.exp(-high * high / 2)) / math.sqrt(2 * math.pi)
    return mass, mean * mass + deviation * slope
