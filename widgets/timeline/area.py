"""What the timeline's lanes share: the time in sight, what the mouse and the keyboard have hold of, and drawing.

A lane draws its part of the walk, says what lies under a point, and what the walk becomes when something in it is
dragged. It never changes the walk itself: the dock posts what it returns to the timeline's store.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import dearpygui.dearpygui as dpg

from stylegan_core.edits.walk import snap
from stylegan_core.walk import Walk
from stylegan_core.ways import Ease
from visualizer.timeline import Timeline
from widgets import theme
from widgets.timeline.scale import TimeScale, fitted
from widgets.ui import Ui

TAG = "timeline.lanes"
SMALL_PX = 12  # letters at scale 1
LETTER = 0.56  # width of a letter on average, in its size
HIDDEN = (0, 0, 0, 0)
SHADE = (0, 0, 0, 90)  # over what is neither played nor exported
EASES: tuple[tuple[Ease, str], ...] = (
    ("linear", "Linear: at a steady pace"),
    ("smooth", "Smooth: sets out and arrives gently"),
    ("cubic", "Cubic: a spline through all, without a stop"),
    ("hold", "Hold: stays, then jumps"),
)
Point = tuple[float, float]


@dataclass(frozen=True)
class Grip:
    """Something in a lane to take hold of."""

    lane: str
    part: str  # "key", "way", "point", "clip", "first", "last"
    index: int


@dataclass(frozen=True)
class Moved:
    """What a drag has come to: the walk, where the things that move are in it, and what to say beside the hand."""

    name: str  # of the undo point
    walk: Walk
    grips: frozenset[Grip]
    words: str


@dataclass(frozen=True)
class Entry:
    """A line of a menu."""

    label: str
    action: Callable[[], None]
    ticked: bool | None = None  # None: it is no choice among others
    key: str = ""  # for its tag


def nothing() -> None:
    """What a line that only separates does."""


SEPARATOR = Entry("", nothing)


class Lane(Protocol):
    """A strip of the timeline. Points are in px from its top left corner."""

    key: str
    height: int  # px

    def draw(self, walk: Walk, top: float) -> None:
        """Draw its part of the walk into the area's layer."""

    def under(self, walk: Walk, at: Point) -> Grip | None:
        """What the mouse is on."""

    def time(self, walk: Walk, grip: Grip) -> float:
        """When it is, in seconds."""

    def moved(self, base: Walk, grips: frozenset[Grip], grip: Grip, by: Point, copy: bool) -> Moved:
        """The walk after `grip`, and with it all of `grips`, was dragged by so many px."""

    def deleted(self, walk: Walk, grips: frozenset[Grip]) -> Walk:
        """The walk without them."""

    def menu(self, walk: Walk, grips: frozenset[Grip], grip: Grip) -> Sequence[Entry]:
        """What can be done with it, and with all that is selected along with it."""

    def about(self, walk: Walk, grip: Grip) -> str:
        """What it is, in a line."""


def fresh(before: Sequence[object], after: Sequence[object]) -> list[int]:
    """Indexes of what an edit has made or changed: it leaves alone what it does not touch."""
    old = {id(item) for item in before}
    return [index for index, item in enumerate(after) if id(item) not in old]


class Area:
    """The drawing area under the ruler."""

    def __init__(self, ui: Ui, timeline: Timeline):
        self.ui, self.timeline = ui, timeline
        self.scale = TimeScale(0.0, 100.0, 100.0)
        self.layer: int | str = 0  # that lanes draw into
        self.lanes: list[tuple[Lane, int]] = []  # from above, each with its top in px
        self.fitted = True  # all of the walk is kept in sight, until somebody zooms or pans
        self.hovered: Grip | None = None
        self.selected: frozenset[Grip] = frozenset()
        self.label: tuple[Point, str] | None = None  # words beside the hand

    def px(self, size: float) -> int:
        """A size in px of the design, at the display's scale."""
        return self.ui.px(size)

    def resize(self, width: float) -> None:
        """The time has so many px."""
        length_s = self.timeline.walk.duration_s
        if self.fitted:
            self.scale = fitted(length_s, width)
        elif width != self.scale.width:
            self.scale = replace(self.scale, width=width)

    def lane(self, key: str) -> Lane | None:
        """The lane of this name."""
        return next((lane for lane, _ in self.lanes if lane.key == key), None)

    def lane_at(self, y: float) -> tuple[Lane, int] | None:
        """The lane at a height, and its top."""
        return next(((lane, top) for lane, top in self.lanes if top <= y < top + lane.height), None)

    def under(self, at: Point) -> Grip | None:
        """What lies at a point of the drawlist."""
        found = self.lane_at(at[1])
        return None if found is None else found[0].under(self.timeline.walk, (at[0], at[1] - found[1]))

    def forget_lost(self) -> None:
        """What is selected may be gone: somebody deleted it, or went back."""
        walk = self.timeline.walk
        counts = {"keys": len(walk.keys), "clips": len(walk.clips)}
        counts |= {f"curve.{index}": len(curve.points) for index, curve in enumerate(walk.curves)}
        there = frozenset(grip for grip in self.selected if grip.index < counts.get(grip.lane, 0))
        if there != self.selected:
            self.selected = there

    def do(self, name: str, edit: Callable[..., Walk], *args: Any) -> None:
        """Change the walk, as one undo point."""
        self.timeline.store.do(name, edit, *args)

    def snapped(self, walk: Walk, time_s: float) -> float:
        """The time, on a beat if times snap to beats, else on a whole millisecond."""
        return snap(walk, time_s) if self.timeline.snapping else round(max(time_s, 0.0), 3)

    def moved_time(self, walk: Walk, time_s: float, dx: float) -> float:
        """Where something goes that is dragged by so many px; it stays where it is as long as it goes straight up."""
        return self.snapped(walk, time_s + dx / self.scale.px_per_s) if dx else time_s

    # -- drawing -------------------------------------------------------------------------------------------------------

    def colour(self, grip: Grip, plain: theme.Colour) -> theme.Colour:
        """Of something that may be selected, or under the mouse."""
        if grip in self.selected:
            return theme.TEXT
        return theme.ACCENT if grip == self.hovered else plain

    def text(self, at: Point, words: str, colour: theme.Colour = theme.DIM, size: float = SMALL_PX) -> None:
        """Small letters, from their top left corner."""
        dpg.draw_text(at, words, size=self.px(size), color=colour, parent=self.layer)

    def text_width(self, words: str, size: float = SMALL_PX) -> float:
        """How wide letters are, about."""
        return LETTER * self.px(size) * len(words)

    def box(self, at: Point, to: Point, fill: theme.Colour, line: theme.Colour = HIDDEN, rounding: float = 0.0) -> None:
        """A rectangle."""
        dpg.draw_rectangle(at, to, fill=fill, color=line, rounding=rounding, parent=self.layer)

    def line(self, points: Sequence[Point], colour: theme.Colour, thickness: float = 1.0) -> None:
        """A line through points."""
        dpg.draw_polyline([list(point) for point in points], color=colour, thickness=thickness, parent=self.layer)

    def draw_label(self, at: Point, words: str) -> None:
        """Words beside the hand, which stay within sight."""
        width, height = self.text_width(words) + self.px(12), self.px(SMALL_PX + 8)
        x = min(max(at[0] - width / 2, 0.0), max(self.scale.width - width, 0.0))
        self.box((x, at[1]), (x + width, at[1] + height), theme.CONTROL, theme.LINE, 4)
        self.text((x + self.px(6), at[1] + self.px(3)), words, theme.TEXT)
