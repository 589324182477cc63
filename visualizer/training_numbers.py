"""The numbers of a run as curves: collected line by line, thinned for drawing, smoothed."""

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from train.metrics.names import figure_of

DRAWN = 600  # points of a curve, about: more than a plot has pixels would only take time
SMOOTHED_OVER = 1 / 30  # of all points
NO_CURVES = frozenset({"seen", "kimg", "step", "time", "seconds"})  # where a line stands, not what it says


class Curve(NamedTuple):
    """A number over training.

    Attributes:
        kimg: thousands of pictures seen.
        values: there.
        smooth: the mean of neighbours, at the same places where `kimg` has few, else at its own: see `smooth_kimg`.
        smooth_kimg: where `smooth` is.
        last: the newest value.
    """

    kimg: list[float]
    values: list[float]
    smooth_kimg: list[float]
    smooth: list[float]
    last: float


Curves = Mapping[str, Curve]


class Numbers:
    """All numbers of one run. Belongs to whoever reads the file."""

    def __init__(self) -> None:
        self._series: dict[str, tuple[list[float], list[float]]] = {}
        self._reached = 0.0

    def add(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take in lines in their order; one that goes back in training takes away what it will say anew."""
        for line in lines:
            kimg = _finite(line.get("kimg"))
            if kimg is None:
                continue
            if kimg < self._reached:
                self._go_back(kimg)
            self._reached = kimg
            for name, value in line.items():
                number = None if name in NO_CURVES else _finite(value)
                if number is not None:
                    xs, ys = self._series.setdefault(name, ([], []))
                    xs.append(kimg)
                    ys.append(number)

    def curves(self) -> dict[str, Curve]:
        """All of them, for drawing."""
        return {name: curve(xs, ys) for name, (xs, ys) in self._series.items() if xs}

    def _go_back(self, kimg: float) -> None:
        for xs, ys in self._series.values():
            while xs and xs[-1] >= kimg:
                xs.pop()
                ys.pop()


def metrics(curves: Curves) -> tuple[str, ...]:
    """The names of those that say how good the pictures are."""
    return tuple(sorted(name for name in curves if figure_of(name) is not None))


def curve(kimg: list[float], values: list[float], most: int = DRAWN) -> Curve:
    """A curve of at most about so many points, with its peaks, and smoothed.

    Args:
        kimg: where, in order; not empty.
        values: there.
        most: points.
    """
    xs, ys = np.asarray(kimg), np.asarray(values)
    kept, even = _peaks(ys, most), np.unique(np.linspace(0, len(xs) - 1, min(most, len(xs))).astype(int))
    smooth = _neighbours(ys, round(len(ys) * SMOOTHED_OVER))
    return Curve(xs[kept].tolist(), ys[kept].tolist(), xs[even].tolist(), smooth[even].tolist(), float(ys[-1]))


def _neighbours(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of each with `width` to either side, as many as there are on both: the ends stay where they are."""
    count = len(values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(count)
    reach = np.minimum(np.minimum(places, count - 1 - places), width)
    mean: np.ndarray = (sums[places + reach + 1] - sums[places - reach]) / (2 * reach + 1)
    return mean


def _peaks(values: np.ndarray, most: int) -> np.ndarray:
    """Places of the lowest and the highest value of each of most / 2 stretches; all, where there are few."""
    if len(values) <= most:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), most // 2 + 1).astype(int)
    kept = {0, len(values) - 1}
    for first, end in pairwise(edges):
        stretch = values[first:end]
        kept |= {int(first + stretch.argmin()), int(first + stretch.argmax())}
    return np.array(sorted(kept))


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)
