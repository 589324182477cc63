"""The timeline's lanes of curves: one parameter each over the whole walk, in its range, as points with a line."""

import math
from collections.abc import Sequence
from functools import partial

import dearpygui.dearpygui as dpg

from stylegan_core.card import ModelCard
from stylegan_core.edits import tracks
from stylegan_core.parameters import Parameter, ParameterError, parameter
from stylegan_core.walk import Curve, Walk, curve_value
from widgets import icons, theme
from widgets.timeline.area import EASES, SEPARATOR, Area, Entry, Grip, Moved, Point, fresh
from widgets.timeline.scale import clock

HEIGHT, MARGIN, DOT = 66, 9, 4  # px at scale 1
SAMPLE_PX = 3.0  # between two places that the line is drawn through


def described(address: str, card: ModelCard | None) -> Parameter | None:
    """A curve's parameter; None where the model, or StyleScope, has none of that name."""
    try:
        return parameter(address, card)
    except ParameterError:
        return None


def value_words(value: float, what: Parameter | None) -> str:
    """A value with its unit."""
    if what is None:
        return f"{value:.3g}"
    number = f"{round(value)}" if what.whole else f"{value:.2f}"
    return f"{number}{'' if what.unit in ('°', '×', '') else ' '}{what.unit}"


def value_range(curve: Curve, what: Parameter | None) -> tuple[float, float]:
    """What the lane spans: what is usual, and more where points lie outside; never nothing."""
    values = [point.value for point in curve.points]
    low, high = what.usual if what is not None else (min(values, default=0.0), max(values, default=1.0))
    low, high = min(low, *values), max(high, *values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _within(value: float, span: tuple[float, float], what: Parameter | None) -> float:
    """A value that a hand gives: within what the lane spans, and whole where it has to be."""
    value = min(max(value, span[0]), span[1])
    return float(round(value)) if what is not None and what.whole else value


class CurveLane:
    """See the module. `index` counts the walk's curves."""

    def __init__(self, area: Area, index: int):
        self._area, self._index = area, index
        self.key = f"curve.{index}"
        self.height = area.px(HEIGHT)

    # -- drawing -------------------------------------------------------------------------------------------------------

    def draw(self, walk: Walk, top: float) -> None:
        """The range's limits, the line, the points."""
        area, px, curve = self._area, self._area.px, walk.curves[self._index]
        what = self.parameter(walk)
        low, high = value_range(curve, what)
        colour = theme.BANDS["middle"] if curve.enabled and what is not None else theme.FAINT
        for value, y in ((high, top + px(MARGIN)), (low, top + self.height - px(MARGIN))):
            area.line([(0, y), (area.scale.width, y)], (*theme.LINE[:3], 90))
            area.text((px(4), y - (px(1) if value == high else px(14))), value_words(value, what), theme.FAINT, 11)
        line = [(x, top + self._y(value, low, high)) for x, value in self._samples(walk, curve)]
        if len(line) > 1:
            area.line(line, colour, 1.5 * area.ui.scale)
        for index, point in enumerate(curve.points):
            x = area.scale.x(point.time_s)
            if -px(DOT) <= x <= area.scale.width + px(DOT):
                grip = Grip(self.key, "point", index)
                at, radius = (x, top + self._y(point.value, low, high)), px(DOT) + (1 if grip == area.hovered else 0)
                fill = area.colour(grip, colour)
                dpg.draw_circle(at, radius, color=theme.CANVAS, fill=fill, parent=area.layer)

    def _samples(self, walk: Walk, curve: Curve) -> list[Point]:
        """Places in px and values there, close to one another, and both sides of every point: one may jump."""
        scale, end = self._area.scale, walk.duration_s
        first, last = max(scale.left_s, 0.0), min(scale.right_s, end)
        steps = max(int((last - first) * scale.px_per_s / SAMPLE_PX), 1)
        times = {first + (last - first) * step / steps for step in range(steps + 1)} if last > first else set()
        for point in curve.points:
            times |= {time_s for time_s in (point.time_s - 1e-6, point.time_s) if first <= time_s <= last}
        period = end if walk.loop else None
        top = math.nextafter(end, 0) if walk.loop else end
        return [(scale.x(time_s), curve_value(curve, min(time_s, top), period)) for time_s in sorted(times)]

    # -- what the dock asks --------------------------------------------------------------------------------------------

    def parameter(self, walk: Walk) -> Parameter | None:
        """What it moves."""
        return described(walk.curves[self._index].parameter, self._area.ui.explorer.card)

    def under(self, walk: Walk, at: Point) -> Grip | None:
        """The nearest point within reach."""
        curve, reach = walk.curves[self._index], self._area.px(DOT + 5)
        low, high = value_range(curve, self.parameter(walk))
        away = [
            (math.dist(at, (self._area.scale.x(point.time_s), self._y(point.value, low, high))), index)
            for index, point in enumerate(curve.points)
        ]
        nearest, index = min(away, default=(math.inf, 0))
        return Grip(self.key, "point", index) if nearest <= reach else None

    def time(self, walk: Walk, grip: Grip) -> float:
        """When a point is."""
        return walk.curves[self._index].points[grip.index].time_s

    def added(self, walk: Walk, at: Point) -> Moved:
        """The walk with a point where somebody clicked."""
        curve, what = walk.curves[self._index], self.parameter(walk)
        value = _within(self._value(at[1], *value_range(curve, what)), value_range(curve, what), what)
        time_s = self._area.snapped(walk, self._area.scale.time(at[0]))
        changed = tracks.add_point(walk, self._index, time_s, value)
        points = changed.curves[self._index].points
        grips = frozenset(Grip(self.key, "point", index) for index in fresh(curve.points, points))
        return Moved("Add point", changed, grips, f"{clock(time_s)}   {value_words(value, what)}")

    def moved(self, base: Walk, grips: frozenset[Grip], grip: Grip, by: Point, copy: bool) -> Moved:
        """Points of this curve moved together; the one in the hand stays within what the lane spans."""
        del copy
        curve, what = base.curves[self._index], self.parameter(base)
        low, high = value_range(curve, what)
        point = curve.points[grip.index]
        value = self._value(self._y(point.value, low, high) + by[1], low, high) if by[1] else point.value
        value = _within(value, (low, high), what)
        time_s = self._area.moved_time(base, point.time_s, by[0])
        chosen = {self._index: [other.index for other in grips if other.lane == self.key]}
        walk = tracks.move_points(base, chosen, time_s - point.time_s, value - point.value)
        points = walk.curves[self._index].points
        indexes = fresh(curve.points, points) if walk is not base else chosen[self._index]
        words = f"{clock(time_s)}   {value_words(value, what)}"
        return Moved("Move point", walk, frozenset(Grip(self.key, "point", index) for index in indexes), words)

    def deleted(self, walk: Walk, grips: frozenset[Grip]) -> Walk:
        """Without these points."""
        return tracks.delete_points(walk, {self._index: [grip.index for grip in grips]})

    def menu(self, walk: Walk, grips: frozenset[Grip], grip: Grip) -> Sequence[Entry]:
        """Ways from the points to their next ones, and deleting them."""
        area, chosen = self._area, {self._index: [other.index for other in grips]}
        eases = [
            Entry(
                words,
                partial(area.do, "Way of a curve", tracks.set_point_ease, chosen, ease),
                walk.curves[self._index].points[grip.index].ease == ease,
                ease,
            )
            for ease, words in EASES
        ]
        return [
            *eases,
            SEPARATOR,
            Entry(
                f"{icons.TRASH}  Delete", lambda: area.do("Delete points", tracks.delete_points, chosen), key="delete"
            ),
        ]

    def about(self, walk: Walk, grip: Grip) -> str:
        """A point's time and value."""
        point = walk.curves[self._index].points[grip.index]
        value = value_words(point.value, self.parameter(walk))
        return f"{clock(point.time_s)}, {value}. Drag moves it, right-click for more."

    # -- places --------------------------------------------------------------------------------------------------------

    def _y(self, value: float, low: float, high: float) -> float:
        margin = self._area.px(MARGIN)
        return margin + (high - value) / (high - low) * (self.height - 2 * margin)

    def _value(self, y: float, low: float, high: float) -> float:
        margin = self._area.px(MARGIN)
        return high - (y - margin) / (self.height - 2 * margin) * (high - low)
