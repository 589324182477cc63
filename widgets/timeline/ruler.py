"""The timeline's ruler: seconds above, beats below, what is played between the in and the out point, the playhead."""

import dearpygui.dearpygui as dpg

from stylegan_core.walk import Walk
from widgets import theme
from widgets.timeline.area import SHADE, Area, Point
from widgets.timeline.scale import beats, ticks

TAG = "timeline.ruler"
HEIGHT, SECONDS = 36, 20  # px at scale 1: of all, of the part for seconds
FLAG = 7  # px at scale 1: half the width of the playhead's flag, and the reach of an in or out point


class Ruler:
    """Draws into the drawlist TAG, which has the lanes' scale."""

    def __init__(self, area: Area):
        self._area = area

    def build(self) -> None:
        """Make the drawing area in the container that is open."""
        px = self._area.px
        dpg.add_drawlist(width=100, height=px(HEIGHT), tag=TAG)
        self._ground = dpg.add_draw_layer(parent=TAG)
        self._flag = dpg.draw_triangle((0, 0), (0, 0), (0, 0), color=theme.ERROR, fill=theme.ERROR, parent=TAG)
        self._stem = dpg.draw_line((0, 0), (0, 0), color=theme.ERROR, thickness=1.5, parent=TAG)

    def draw(self, walk: Walk) -> None:
        """All but the playhead."""
        area, px, scale = self._area, self._area.px, self._area.scale
        dpg.configure_item(TAG, width=max(int(scale.width), 1), height=px(HEIGHT))
        dpg.delete_item(self._ground, children_only=True)
        area.layer = self._ground
        area.box((0, 0), (scale.width, px(HEIGHT)), theme.BACKGROUND)
        first, last = (scale.x(time_s) for time_s in walk.span)
        area.box((first, 0), (last, px(4)), theme.ACCENT_DARK)
        for tick in ticks(scale, area.ui.scale):
            x = float(round(scale.x(tick.time_s)))
            area.line([(x, px(SECONDS - (9 if tick.label else 4))), (x, px(SECONDS))], theme.FAINT)
            area.text((x + px(4), px(5)), tick.label, theme.DIM)
        self._draw_beats(walk)
        for start, end in ((scale.x(0.0), first), (last, scale.x(walk.duration_s))):
            if end > start:
                area.box((start, 0), (end, px(HEIGHT)), SHADE)
        for x, side in ((first, 1), (last, -1)):
            bracket = [(x + side * px(5), 0), (x, 0), (x, px(SECONDS)), (x + side * px(5), px(SECONDS))]
            area.line(bracket, theme.ACCENT, 2 * area.ui.scale)

    def _draw_beats(self, walk: Walk) -> None:
        area, px, scale = self._area, self._area.px, self._area.scale
        area.line([(0, px(SECONDS)), (scale.width, px(SECONDS))], theme.LINE)
        for beat in beats(scale, walk.bpm, walk.first_beat_s, area.ui.scale):
            x = float(round(scale.x(beat.time_s)))
            area.line([(x, px(SECONDS)), (x, px(SECONDS + (7 if beat.label else 4)))], theme.FAINT)
            area.text((x + px(4), px(SECONDS + 2)), beat.label, theme.FAINT, 11)

    def move_playhead(self, x: float) -> None:
        """Put the playhead at x px."""
        px, half = self._area.px, self._area.px(FLAG)
        top, foot = px(8), px(HEIGHT)
        dpg.configure_item(self._flag, p1=(x - half, top), p2=(x + half, top), p3=(x, top + 1.3 * half))
        dpg.configure_item(self._stem, p1=(x, top), p2=(x, foot))

    def under(self, walk: Walk, at: Point) -> str:
        """What a press there does: move the "in" or the "out" point, or "scrub"."""
        (x, y), (first, last) = at, (self._area.scale.x(time_s) for time_s in walk.span)
        if y < self._area.px(SECONDS / 2):
            for part, place in (("in", first), ("out", last)):
                if abs(x - place) <= self._area.px(FLAG):
                    return part
        return "scrub"
