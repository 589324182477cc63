"""Ways between points in time: which of them decide what is at a moment, and how much each counts there."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal

Ease = Literal["linear", "smooth", "cubic", "hold"]


def way(
    times: Sequence[float],
    eases: Sequence[Ease],
    time_s: float,
    period: float | None,
    paces: Sequence[tuple[float, ...]] = (),
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Which of the points at these times decide what is at a moment, and their weights: one, two, or four of a spline.

    Args:
        times: rising.
        eases: of the way from each to the next.
        time_s: the moment; with a period, at least 0 and less than that.
        period: after which all begins anew; None: it does not.
        paces: of the way from each to the next; see `Key`.
    """
    count = len(times)
    before = bisect_right(times, time_s) - 1
    if count == 1 or (period is None and (before < 0 or before == count - 1)):
        return (max(before, 0),), (1.0,)
    first, second = before % count, (before + 1) % count
    start, end = _time(times, before, period), _time(times, before + 1, period)
    ease = eases[first]
    share = (time_s - start) / (end - start) if end > start else 1.0
    if ease == "hold":
        return (first,), (1.0,)
    if paces:
        share = _paced(paces[first], share)
    if ease != "cubic":
        share = share * share * (3 - 2 * share) if ease == "smooth" else share
        return (first, second), (1 - share, share)
    return _spline(times, before, share, period)


def _paced(pace: tuple[float, ...], share: float) -> float:
    """The share of the way that is reached at a share of its time."""
    if len(pace) < 2:
        return share
    place = min(int(share * (len(pace) - 1)), len(pace) - 2)
    rest = share * (len(pace) - 1) - place
    return pace[place] * (1 - rest) + pace[place + 1] * rest


def _time(times: Sequence[float], place: int, period: float | None) -> float:
    """The time of a point, counted on beyond both ends where all begins anew."""
    rounds, place = divmod(place, len(times))
    return times[place] + rounds * (period or 0.0)


def _spline(
    times: Sequence[float], before: int, share: float, period: float | None
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Weights of the four points around a piece of a cubic Hermite spline.

    Its slope in a point is that of the parabola through it and its neighbours, so that it is smooth for any spacing of
    the points (the finite-difference form of Catmull and Rom 1974); at an open end, that of the line to the next one.
    """
    count = len(times)
    places = [before - 1, before, before + 1, before + 2]
    if period is None:
        places = [min(max(place, 0), count - 1) for place in places]
    t0, t1, t2, t3 = (_time(times, place, period) for place in places)
    whole, s = t2 - t1, share
    if whole <= 0:
        return (before % count,), (1.0,)
    there = (1 + 2 * s) * (1 - s) ** 2, s * s * (3 - 2 * s)
    slopes = s * (1 - s) ** 2 * whole, s * s * (s - 1) * whole
    weights = [0.0, there[0], there[1], 0.0]
    for slope, (a, b, c), at in ((slopes[0], (t0, t1, t2), 0), (slopes[1], (t1, t2, t3), 1)):
        for step, part in enumerate(_slope(a, b, c)):
            weights[at + step] += slope * part
    return tuple(place % count for place in places), tuple(weights)


def _slope(a: float, b: float, c: float) -> tuple[float, float, float]:
    """What the values at times a, b, c count for the slope at b; a or c may be b itself, at an end."""
    if a >= b:
        return (0.0, -1 / (c - b), 1 / (c - b)) if c > b else (0.0, 0.0, 0.0)
    if c <= b:
        return -1 / (b - a), 1 / (b - a), 0.0
    back, on = (c - b) / ((b - a) * (c - a)), (b - a) / ((c - b) * (c - a))
    return -back, back - on, on
