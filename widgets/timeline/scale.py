"""The timeline's ruler as numbers: from seconds to px and back, which ticks stand where, times as text.

Pure: no window is needed.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

LEAD_PX = 54.0  # kept free before time 0, so that what stands there can be seen whole and taken
FINEST_PX = 4000.0  # px a second at most
COARSEST = 4.0  # a walk fills at least this fraction of the room: 1 / COARSEST
LABEL_PX, MINOR_PX, BEAT_PX = 78.0, 9.0, 7.0  # the least distance of labels, of ticks, of beats
FINE_STEPS_S = tuple(
    (base * 10**power, parts) for power in (-3, -2, -1) for base, parts in ((1.0, 5), (2.0, 4), (5.0, 5))
)
STEPS_S = (  # between labels, and into how many parts ticks divide each
    *FINE_STEPS_S,
    (1.0, 10),
    (2.0, 4),
    (5.0, 5),
    (10.0, 10),
    (15.0, 3),
    (30.0, 6),
    (60.0, 6),
    (120.0, 4),
    (300.0, 5),
    (600.0, 10),
    (1800.0, 6),
    (3600.0, 6),
    (7200.0, 4),
    (36000.0, 10),
)
TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)\s*s?")


@dataclass(frozen=True)
class Tick:
    """A mark on the ruler: where, in seconds, and what is written beside it (empty: nothing)."""

    time_s: float
    label: str = ""


@dataclass(frozen=True)
class TimeScale:
    """Which part of the time is in sight: `left_s` seconds at px 0, `px_per_s` px for a second, `width` px."""

    left_s: float
    px_per_s: float
    width: float

    def x(self, time_s: float) -> float:
        """Where a time is, in px."""
        return (time_s - self.left_s) * self.px_per_s

    def time(self, x: float) -> float:
        """Which time is at a place, in seconds; below 0 left of the beginning."""
        return self.left_s + x / self.px_per_s

    @property
    def right_s(self) -> float:
        """The last time in sight."""
        return self.time(self.width)

    def sees(self, time_s: float, reach_px: float = 0.0) -> bool:
        """Whether a time is in sight, or so few px beside it."""
        return -reach_px <= self.x(time_s) <= self.width + reach_px

    def zoomed(self, factor: float, x: float, length_s: float) -> "TimeScale":
        """Nearer (factor above 1) or farther, about a place in px which keeps its time."""
        least = self.width / (COARSEST * max(length_s, 1.0))
        px_per_s = min(max(self.px_per_s * factor, min(least, self.px_per_s)), FINEST_PX)
        moved = replace(self, left_s=self.time(x) - x / px_per_s, px_per_s=px_per_s)
        return moved.kept(length_s)

    def panned(self, dx: float, length_s: float) -> "TimeScale":
        """What was at x is at x + dx."""
        return replace(self, left_s=self.left_s - dx / self.px_per_s).kept(length_s)

    def kept(self, length_s: float) -> "TimeScale":
        """The same, with some of the time from 0 to `length_s` in sight."""
        first = -LEAD_PX / self.px_per_s
        return replace(self, left_s=min(max(self.left_s, first), max(length_s - LEAD_PX / self.px_per_s, first)))

    def showing(self, time_s: float, length_s: float) -> "TimeScale":
        """The same, turned over like a page if need be, so that a time is in sight."""
        if self.sees(time_s):
            return self
        return replace(self, left_s=time_s - LEAD_PX / self.px_per_s).kept(length_s)


def fitted(length_s: float, width: float) -> TimeScale:
    """All of a walk in sight, with a margin at both ends."""
    px_per_s = min(max(width - 2 * LEAD_PX, 1.0) / max(length_s, 0.1), FINEST_PX)
    return TimeScale(-LEAD_PX / px_per_s, px_per_s, width)


def ticks(scale: TimeScale, letter: float = 1.0) -> tuple[Tick, ...]:
    """The ruler's marks in sight, those with a label `letter` times LABEL_PX apart or more."""
    apart = LABEL_PX * letter
    step, parts = next(
        ((step, parts) for step, parts in STEPS_S if step * scale.px_per_s >= apart), (STEPS_S[-1][0], STEPS_S[-1][1])
    )
    if step / parts * scale.px_per_s < MINOR_PX:
        parts = 1
    found = []
    for index in _indices(scale, step / parts, 0.0, apart):
        time_s = index * step / parts
        found.append(Tick(time_s, ruler_time(time_s, step) if index % parts == 0 else ""))
    return tuple(found)


def beats(scale: TimeScale, bpm: float, first_beat_s: float, letter: float = 1.0) -> tuple[Tick, ...]:
    """Beats in sight, counted from 1 at `first_beat_s`; where they lie too close, every second, fourth, eighth."""
    beat_s = 60 / bpm
    every = _doubled(BEAT_PX / (beat_s * scale.px_per_s))
    labelled = max(every, _doubled(0.6 * LABEL_PX * letter / (beat_s * scale.px_per_s)))
    found = []
    for index in _indices(scale, every * beat_s, first_beat_s, 0.0):
        number = index * every
        found.append(Tick(first_beat_s + number * beat_s, str(number + 1) if number % labelled == 0 else ""))
    return tuple(found)


def ruler_time(time_s: float, step_s: float) -> str:
    """A time as the ruler writes it: with as many decimals as its step needs."""
    decimals = max(0, math.ceil(-math.log10(step_s) - 1e-9)) if step_s < 1 else 0
    return clock(time_s, decimals)


def clock(time_s: float, decimals: int = 2) -> str:
    """A time as text: 0:04.32, or 1:02:03.50 from an hour on."""
    unit = 10**decimals
    whole = round(abs(time_s) * unit)
    minutes, rest = divmod(whole, 60 * unit)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / unit:0{3 + decimals if decimals else 2}.{decimals}f}"
    sign = "-" if time_s < 0 and whole else ""
    return f"{sign}{hours}:{minutes:02}:{seconds}" if hours else f"{sign}{minutes}:{seconds}"


def read_clock(text: str) -> float | None:
    """A time that somebody typed, in seconds: "4.32", "4.32 s", "0:04.32", "1:02:03"; None if it is none."""
    match = TIME.fullmatch(text.strip().replace(",", "."))
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + float(seconds)


def _indices(scale: TimeScale, step_s: float, origin_s: float, reach_px: float) -> Iterator[int]:
    """Whole numbers n from 0 for which origin + n step is in sight."""
    first = max(math.ceil((scale.time(-reach_px) - origin_s) / step_s - 1e-9), 0)
    last = math.floor((scale.right_s - origin_s) / step_s + 1e-9)
    return iter(range(first, last + 1))


def _doubled(least: float) -> int:
    """The smallest power of two that is at least `least`, and at least 1."""
    return 2 ** max(0, math.ceil(math.log2(max(least, 1e-9)) - 1e-9))
