"""What edits of walks share: numbers within their range, and items that keep apart in time."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from stylegan_core.walk import LONGEST_S, CurvePoint, Key

T = TypeVar("T", Key, CurvePoint)

GAP_S = 0.01  # keys and points are so far apart at least; less than a frame of any video
ROUNDING_S = 1e-9
NAME_LENGTH = 200  # of a key, a walk, a take


def clamped(value: float, low: float, high: float, without: float) -> float:
    """The value within its range; `without` stands for what is no number."""
    return float(without) if math.isnan(value) else min(max(float(value), low), high)


def seconds(time_s: float, without: float = 0.0) -> float:
    """A time that a walk can have."""
    return clamped(time_s, 0.0, LONGEST_S, without)


def file_text(text: str, length: int) -> str:
    """Text that a file can hold: no half of a pair of surrogates, not too long."""
    return text.encode(errors="ignore").decode()[:length]


def there(indexes: Iterable[int], items: Sequence[Any]) -> list[int]:
    """Those of the indexes that there are, rising, each once."""
    return sorted({index for index in indexes if 0 <= index < len(items)})


def moved_by(times: Sequence[float], by_s: float) -> float:
    """How far several times can be moved together; 0 for what is no number."""
    if not times or math.isnan(by_s):
        return 0.0
    return min(max(by_s, -min(times)), LONGEST_S - max(times))


def free_time(wanted_s: float, taken: Sequence[float]) -> float:
    """The time nearest to the one wanted that keeps `GAP_S` from those taken, which are in order."""
    later = wanted = seconds(wanted_s)
    for time_s in taken[bisect_left(taken, wanted - GAP_S + ROUNDING_S) :]:
        if time_s - later >= GAP_S - ROUNDING_S:
            break
        later = time_s + GAP_S
    earlier = wanted
    for time_s in reversed(taken[: bisect_right(taken, wanted + GAP_S - ROUNDING_S)]):
        if earlier - time_s >= GAP_S - ROUNDING_S:
            break
        earlier = time_s - GAP_S
    if earlier < 0 or (later - wanted <= wanted - earlier and later <= LONGEST_S):
        return later
    return earlier


def placed(items: Sequence[T], times: Mapping[int, float]) -> tuple[T, ...]:
    """Items in order, some of them moved to other times; those give way to the ones that stay, none is lost."""
    staying = [item for index, item in enumerate(items) if index not in times]
    return joined(staying, [items[index].model_copy(update={"time_s": time_s}) for index, time_s in times.items()])


def joined(items: Sequence[T], more: Iterable[T]) -> tuple[T, ...]:
    """More items among those that are in order already; the more give way."""
    result, times = list(items), [item.time_s for item in items]
    for item in sorted(more, key=attrgetter("time_s")):
        time_s = free_time(item.time_s, times)
        place = bisect_right(times, time_s)
        times.insert(place, time_s)
        result.insert(place, item if item.time_s == time_s else item.model_copy(update={"time_s": time_s}))
    return tuple(result)


def at_time(items: Sequence[Key] | Sequence[CurvePoint], time_s: float) -> int | None:
    """The index of the item that stands at a time; None if there is none."""
    nearest = min(range(len(items)), key=lambda index: abs(items[index].time_s - time_s), default=None)
    return None if nearest is None or abs(items[nearest].time_s - time_s) >= GAP_S - ROUNDING_S else nearest
