"""Strokes painted over a noise map: the brush, and what the strokes of a layer make of its map.

All strokes of a layer fold into two maps, what is kept of the map below and what is added to it, which are computed on
the CPU whatever the device, with numpy, whose overhead for the small box around a point is a tenth of torch's. What a
hand paints grows by a point at a time, so the fold up to the last stroke, and the stroke up to its last point, are
remembered: one more point costs its own box, not the whole stroke.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylegan_core.scene import MAX_POINTS, Stroke

RECENT_BYTES = 128 << 20  # all layers of a 1024² model, each with what a drag needs, take about 70 MiB

Map = NDArray[np.float32]
Point = tuple[float, float]
Box = tuple[slice, slice]  # rows, columns
Item = TypeVar("Item", bound=Hashable)

SAME_PLACE = 1e-12  # square of a distance; dividing by much less is beyond float32


class Size(NamedTuple):
    """Of a map, in px."""

    height: int
    width: int

    @property
    def shorter(self) -> int:
        """The shorter side."""
        return min(self)

    def sides(self, px: int) -> float:
        """A length in shorter sides, which lengths are measured in."""
        return px / self.shorter


class Line(NamedTuple):
    """What a brush painted in one go: one Stroke, or several where the line was too long for one."""

    points: tuple[Point, ...]
    radius: float
    value: float
    mode: str


class Recent:
    """The maps used last, within a limit of memory. Nobody writes to them. Safe to use from several threads."""

    def __init__(self, limit_bytes: int):
        self._limit_bytes, self._num_bytes = limit_bytes, 0
        self._values: OrderedDict[Hashable, Map] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Map | None:
        """The map, which counts as used; or None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: Map) -> None:
        """Keep a map; those not used for longest make room."""
        with self._lock:
            if key not in self._values:
                self._values[key] = value
                self._num_bytes += value.nbytes
            while self._num_bytes > self._limit_bytes:
                _, dropped = self._values.popitem(last=False)
                self._num_bytes -= dropped.nbytes


_recent = Recent(RECENT_BYTES)


def painted(values: Tensor, strokes: tuple[Stroke, ...]) -> Tensor:
    """A noise map with strokes over it.

    Args:
        values: [..., H, W], before any strength; not written to.
        strokes: one layer's, in order. "add" gives map + value * coverage, "set" goes from the map to the value by
            the coverage.

    Returns:
        Like values; the same numbers on every device.
    """
    if not strokes:
        return values
    kept, added = torch.from_numpy(_fold(joined(strokes), Size(*values.shape[-2:]))).to(values.device)
    return values * kept + added  # two roundings, as everywhere: addcmul would have one on some devices


def joined(strokes: tuple[Stroke, ...]) -> tuple[Line, ...]:
    """Strokes as the lines that were painted.

    A Stroke holds so many points at most. One that begins where a full one ended, with the same brush, is the rest of
    its line; painted by itself it would cover the joint twice.
    """
    lines: list[Line] = []
    before: Stroke | None = None
    for stroke in strokes:
        line = Line(stroke.points, stroke.radius, stroke.value, stroke.mode)
        if (
            before is not None
            and len(before.points) == MAX_POINTS
            and lines[-1][1:] == line[1:]
            and before.points[-1] == stroke.points[0]
        ):
            lines[-1] = line._replace(points=lines[-1].points + stroke.points[1:])
        else:
            lines.append(line)
        before = stroke
    return tuple(lines)


def coverage(points: tuple[Point, ...], radius: float, height: int, width: int | None = None) -> Tensor:
    """How much of each pixel of a map the brush covers.

    Args:
        points: of a polyline, (x, y) from the map's top left to 1.
        radius: of the brush, in shorter sides of the map; at least a pixel, so that a fine brush meets something on a
            coarse map.
        height: of the map, in px.
        width: likewise; None: the same.

    Returns:
        [height, width], float32, 0 to 1, by the distance of the pixel's centre to the nearest point of the polyline: 1
        up to half the radius, then a smoothstep down to 0 at the radius.
    """
    size = Size(height, height if width is None else width)
    return torch.from_numpy(_soft(_distances(points, radius, size, remember=False), radius, size))


def _fold(lines: tuple[Line, ...], size: Size) -> Map:
    """[2, H, W]: the factor on the map below, and what is added to it."""

    def blank() -> Map:
        return np.stack([np.ones(size, np.float32), np.zeros(size, np.float32)])

    def apply(fold: Map, line: Line) -> None:
        box = _box(line.points, line.radius, size)
        distances = _distances(line.points, line.radius, size, remember=line is lines[-1])
        covered = _soft(distances[box], line.radius, size)
        kept, added = fold[0][box], fold[1][box]
        if line.mode == "set":
            kept *= 1 - covered
            added *= 1 - covered
        added += covered * line.value

    return _remembered(("strokes", size), lines, blank, apply)


def _distances(points: tuple[Point, ...], radius: float, size: Size, remember: bool) -> Map:
    """[H, W]: square of the distance of each pixel's centre to a polyline; infinite where the brush is not."""
    segments = ((points[0], points[0]), *pairwise(points))

    def blank() -> Map:
        return np.full(size, np.inf, np.float32)

    def apply(nearest: Map, segment: tuple[Point, Point]) -> None:
        box = _box(segment, radius, size)
        np.minimum(nearest[box], _segment_distances(*segment, size, box), out=nearest[box])

    if remember:
        return _remembered(("distances", radius, size), segments, blank, apply)
    nearest = blank()
    for segment in segments:
        apply(nearest, segment)
    return nearest


def _remembered(
    what: Hashable, items: tuple[Item, ...], blank: Callable[[], Map], apply: Callable[[Map, Item], None]
) -> Map:
    """`blank` with all items applied to it in order; it and what it was before the last one are remembered."""
    done = _recent.get((what, items))
    if done is None:
        before = _recent.get((what, items[:-1]))
        if before is None:
            before = blank()
            for item in items[:-1]:
                apply(before, item)
            _recent.put((what, items[:-1]), before)
        done = before.copy()
        apply(done, items[-1])
        _recent.put((what, items), done)
    return done


def _reach(radius: float, size: Size) -> float:
    return max(radius, 1 / size.shorter)


def _soft(squares: Map, radius: float, size: Size) -> Map:
    """The brush by the square of the distance to its middle."""
    outer: Map = np.sqrt(squares)
    outer *= 2 / _reach(radius, size)
    outer -= 1
    outer.clip(0, 1, out=outer)
    covered: Map = outer * outer * (3 - 2 * outer)
    return np.subtract(1, covered, out=covered)


def _box(points: tuple[Point, ...], radius: float, size: Size) -> Box:
    """The pixels that a brush along the points may touch."""

    def span(values: list[float], side: int) -> slice:
        reach = _reach(radius, size) / size.sides(side)
        low, high = math.floor((min(values) - reach) * side), math.ceil((max(values) + reach) * side)
        return slice(max(low, 0), min(high, side))

    return span([y for _, y in points], size.height), span([x for x, _ in points], size.width)


def _from(value: float, span: slice, side: int, size: Size) -> Map:
    """How far the centres of pixels are from a value along a side, in shorter sides."""
    return np.asarray(((np.arange(span.start, span.stop) + 0.5) / side - value) * size.sides(side), np.float32)


def _segment_distances(start: Point, end: Point, size: Size, box: Box) -> Map:
    y, x = _from(start[1], box[0], size.height, size)[:, None], _from(start[0], box[1], size.width, size)
    along_x, along_y = (end[0] - start[0]) * size.sides(size.width), (end[1] - start[1]) * size.sides(size.height)
    length = along_x**2 + along_y**2
    if length > SAME_PLACE:
        # Of the way to the end, where it is nearest to the pixel.
        share: Map = np.clip(x * (along_x / length) + y * (along_y / length), 0, 1)
        x, y = x - share * along_x, y - share * along_y
    squares: Map = x * x + y * y
    return squares
