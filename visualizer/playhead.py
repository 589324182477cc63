"""The playhead's arithmetic, and that of taps on the beat: times in, times out."""

import math
from itertools import pairwise
from typing import NamedTuple

from visualizer.motion import to_and_fro

MOST_RATE = 16.0
TAPS = 8  # the newest ones count
TAP_LIMIT_S = 2.0  # a longer rest begins anew


class Playhead(NamedTuple):
    """Where it is in seconds, which way it goes to and fro, and whether it has come to the end."""

    position_s: float
    forth: bool = True
    ended: bool = False

    def moved(
        self, span: tuple[float, float], seconds: float, rate: float, pingpong: bool = False, around: bool = False
    ) -> "Playhead":
        """Where it is later.

        Args:
            span: what it moves in, from and to.
            seconds: how much later, at least 0.
            rate: times how fast it goes; below 0: backwards.
            pingpong: it goes to and fro.
            around: from the end it goes on to the begin.
        """
        (first, last), rate = span, min(max(rate, -MOST_RATE), MOST_RATE)
        if pingpong:
            reach, middle = (last - first) / 2, (first + last) / 2
            place = min(max(self.position_s - middle, -reach), reach)
            place, velocity = to_and_fro(place, math.copysign(rate, 1 if self.forth else -1), seconds, reach)
            return Playhead(min(max(middle + place, first), last), math.copysign(1, velocity) > 0)
        position = self.position_s + rate * seconds
        if first <= position < last or (rate < 0 and position == last):
            return Playhead(position, self.forth)
        if around:
            return Playhead(first + (position - first) % (last - first), self.forth)
        return Playhead(last if rate >= 0 else first, self.forth, ended=True)


class Taps:
    """Taps on the beat."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def tap(self, now: float) -> float | None:
        """One more, at a time in seconds; beats a minute from the second one on."""
        if self._times and not 0 < now - self._times[-1] <= TAP_LIMIT_S:
            self._times.clear()
        self._times = [*self._times, now][-TAPS:]
        gaps = [after - before for before, after in pairwise(self._times)]
        return 60.0 * len(gaps) / math.fsum(gaps) if gaps else None
