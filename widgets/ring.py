"""The ring around the picture: dragging it turns the picture. Geometry in px of the canvas, and how it is drawn."""

import math
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from widgets import theme

Point = tuple[float, float]
Box = tuple[int, int, int, int]  # left, top, right, bottom in px

GAP = 10  # px at scale 1 from the picture's corners, and from the edge of what is in sight
SMALLEST, REACH = 28, 8  # px at scale 1: least radius; how near the mouse takes hold of it
SNAP = 15.0  # degrees
SEGMENTS = 180


@dataclass(frozen=True)
class Ring:
    """A circle."""

    x: float
    y: float
    radius: float

    def angle(self, at: Point) -> float:
        """Direction of a point from the centre, in degrees clockwise from the top."""
        return math.degrees(math.atan2(at[0] - self.x, self.y - at[1]))

    def at(self, degrees: float) -> Point:
        """The ring's point in a direction."""
        angle = math.radians(degrees)
        return self.x + self.radius * math.sin(angle), self.y - self.radius * math.cos(angle)

    def touched(self, at: Point, rotation: float, reach: float) -> bool:
        """Whether a point lies on the ring or on the handle of a rotation."""
        away = abs(math.dist(at, (self.x, self.y)) - self.radius)
        return away <= reach or math.dist(at, self.at(rotation)) <= 1.5 * reach


def ring_around(picture: Box, stage: Box, scale: float) -> Ring | None:
    """The ring around a picture, kept within the part of the canvas that is its stage.

    Around a picture that is larger than the stage it lies within what is in sight; there is none around a picture that
    is out of sight, and none on a stage that is too small.
    """
    left, top, right, bottom = stage
    if picture[0] >= right or picture[2] <= left or picture[1] >= bottom or picture[3] <= top:
        return None
    gap = GAP * scale
    around = math.hypot(picture[2] - picture[0], picture[3] - picture[1]) / 2 + gap
    within = min(right - left, bottom - top) / 2 - gap
    if within < SMALLEST * scale:
        return None
    radius = min(max(around, SMALLEST * scale), within)
    room = radius + gap
    x = min(max((picture[0] + picture[2]) / 2, left + room), right - room)
    y = min(max((picture[1] + picture[3]) / 2, top + room), bottom - room)
    return Ring(x, y, radius)


def draw_ring(ring: Ring, rotation: float, lit: bool, turning: bool, scale: float, parent: str) -> None:
    """Draw it, faint unless it is `lit`; while `turning` also the angle in words."""
    centre, handle = (ring.x, ring.y), ring.at(rotation)
    shade, line = ((0, 0, 0, 130), (*theme.ACCENT[:3], 255)) if lit else ((0, 0, 0, 50), (255, 255, 255, 70))
    fill = theme.ACCENT if lit else (255, 255, 255, 150)
    # The dark line under it keeps it in sight on a bright picture.
    dpg.draw_circle(centre, ring.radius, color=shade, thickness=3 * scale, segments=SEGMENTS, parent=parent)
    dpg.draw_circle(centre, ring.radius, color=line, thickness=scale, segments=SEGMENTS, parent=parent)
    if lit:
        for top in (0.0, 90.0, 180.0, 270.0):
            inner = Ring(ring.x, ring.y, ring.radius - 5 * scale)
            dpg.draw_line(inner.at(top), ring.at(top), color=line, thickness=scale, parent=parent)
    size = (6 if lit else 4.5) * scale
    dpg.draw_circle(handle, size + scale, color=shade, fill=shade, segments=24, parent=parent)
    dpg.draw_circle(handle, size, color=fill, fill=fill, segments=24, parent=parent)
    if turning:
        _draw_angle(ring, rotation, scale, parent)


def _draw_angle(ring: Ring, rotation: float, scale: float, parent: str) -> None:
    x, y = Ring(ring.x, ring.y, ring.radius - 34 * scale).at(rotation)
    text, size = f"{rotation:.1f}°", theme.TEXT_PX * scale
    width = 0.55 * size * len(text)
    box = (x - width / 2 - 5 * scale, y - 0.75 * size), (x + width / 2 + 5 * scale, y + 0.75 * size)
    dpg.draw_rectangle(*box, color=(0, 0, 0, 0), fill=(17, 18, 21, 190), rounding=4 * scale, parent=parent)
    dpg.draw_text((x - width / 2, y - 0.6 * size), text, size=size, color=theme.TEXT, parent=parent)
