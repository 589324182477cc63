"""The timeline: a dock under the picture with the walk in it, as keys, takes and curves over time.

Everything is drawn into two drawlists, the ruler and the lanes, and only when something is different; the playhead is
an item of its own that moves over them.
"""

import time
from collections.abc import Callable

import dearpygui.dearpygui as dpg

from stylegan_core.walk import Walk
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.timeline.area import SHADE, TAG, Area, Lane
from widgets.timeline.clips import ClipsLane
from widgets.timeline.curves import CurveLane
from widgets.timeline.hand import Hand
from widgets.timeline.heads import HEAD, Heads
from widgets.timeline.keys import KeysLane, Thumbnails
from widgets.timeline.ruler import HEIGHT as RULER
from widgets.timeline.ruler import Ruler
from widgets.timeline.takes import TakePanel
from widgets.timeline.transport import Transport
from widgets.ui import Ui

LIMITS = (150, 900)  # px at scale 1: the dock's height
MARGIN, WORDS, SCROLLBAR = 6, 22, 12  # px at scale 1
EMPTY_PX = {"first": 290, "wander": 180, "open": 130}  # widths of the first buttons, px at scale 1
TALLEST = 10000  # px: the playhead goes through all lanes
HINT = "wheel: zoom   right-drag: pan   drag on the ruler: look at another time   Ctrl+K: add a key   K: play"


class TimelineDock:
    """See the module. `browse` and `export` open their windows."""

    def __init__(self, ui: Ui, browse: Callable[[], None], export: Callable[[], None]):
        self._ui = ui
        self._timeline = ui.explorer.timeline
        layout = ui.explorer.session.layout
        self.shown, self.height = layout.timeline, layout.timeline_height  # px at scale 1
        self._opened = 0
        self._area = Area(ui, self._timeline)
        self._thumbnails = Thumbnails(self._timeline)
        self._ruler = Ruler(self._area)
        self.transport = Transport(ui, self._area, browse, export)
        self._take = TakePanel(ui, self._one_clip)
        self._heads = Heads(ui, self._area)
        self._hand = Hand(self._area, self._ruler, ui.keyboard)
        self._walk: Walk | None = None  # that is drawn
        self._drawn: tuple[object, ...] = ()
        self._room = (0, 0)
        self._empty: bool | None = None
        self._playhead: float | None = None
        self._words = ""

    def build_button(self) -> None:
        """The button in the tool bar."""
        with dpg.theme() as self._lit, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Button, theme.ACCENT_DARK)
        dpg.add_button(label=f"{icons.FILM}  Timeline", tag="bar.timeline", callback=self.toggle)
        tooltip("bar.timeline", "A walk of pictures over time: make it, play it, export it as a video. F8")
        dpg.bind_item_theme("bar.timeline", self._lit if self.shown else 0)

    def build(self) -> None:
        """Make its items in the container that is open."""
        self._thumbnails.build()
        with dpg.group(indent=self._ui.px(MARGIN)):
            dpg.add_spacer(height=0)
            self.transport.build()
            self._build_empty()
            with dpg.group(tag="timeline.full", show=False):
                with dpg.group(horizontal=True, horizontal_spacing=0):
                    self._heads.build_corner()
                    self._ruler.build()
                with (
                    dpg.child_window(tag="timeline.body", height=50, no_scroll_with_mouse=True),
                    dpg.group(horizontal=True, horizontal_spacing=0),
                ):
                    self._heads.build()
                    dpg.add_drawlist(width=100, height=100, tag=TAG)
                self._take.build()
                dpg.add_text("", tag="timeline.words", color=theme.FAINT)
        self._content = dpg.add_draw_layer(parent=TAG)
        self._line = dpg.draw_line((0, 0), (0, 0), color=theme.ERROR, thickness=1.5, parent=TAG)
        self._above = dpg.add_draw_layer(parent=TAG)
        self._hand.build()
        with dpg.theme() as bare, dpg.theme_component(dpg.mvChildWindow):
            dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, 0, 0)
        for tag in ("timeline.body", "timeline.corner", "timeline.heads"):
            dpg.bind_item_theme(tag, bare)
        with dpg.theme() as close, dpg.theme_component(dpg.mvAll):
            dpg.add_theme_style(dpg.mvStyleVar_ItemSpacing, self._ui.px(8), 1)
        dpg.bind_item_theme("timeline.full", close)

    def _build_empty(self) -> None:
        """For somebody who opens it the first time."""
        px = self._ui.px
        with dpg.group(tag="timeline.empty", show=False, indent=px(20)):
            dpg.add_spacer(height=px(16))
            dpg.add_text("A walk leads from picture to picture over time. Play it, and export it as a video.")
            dpg.add_spacer(height=px(4))
            with dpg.group(horizontal=True):
                for key, label, action in (
                    ("first", f"{icons.ADD_KEY}   Add this picture as the first key", self.transport.add_key),
                    ("wander", f"{icons.WAND}   Generate a walk", self.transport.show_generate),
                    ("open", f"{icons.FOLDER_OPEN}   Open one", self.transport.show_open),
                ):
                    tag = f"timeline.empty.{key}"
                    dpg.add_button(
                        label=label,
                        tag=tag,
                        height=px(44),
                        width=px(EMPTY_PX[key]),
                        callback=lambda _, __, do: do(),
                        user_data=action,
                    )
        dpg.bind_item_theme("timeline.empty.first", self._lit)

    # -- showing it ----------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Once a frame, also while it is put away: be there when a walk has been opened."""
        before, self._opened = self._opened, self._ui.explorer.timeline.opened
        if self._opened != before and not self.shown:
            self.toggle()

    def toggle(self) -> None:
        """Show it, or put it away."""
        self.shown = not self.shown
        if self.shown:
            self._hand.take_keyboard()
        else:
            self._hand.leave()
        self._ui.explorer.arrange(timeline=self.shown)
        dpg.bind_item_theme("bar.timeline", self._lit if self.shown else 0)

    def add_key(self) -> None:
        """The Scene shown becomes a key, where that can be seen."""
        if not self.shown:
            self.toggle()
        self.transport.add_key()

    def resize(self, height: float) -> None:
        """A hand is on its upper edge: so high, in px at scale 1."""
        self.height = round(min(max(height, LIMITS[0]), LIMITS[1]))

    def resized(self) -> None:
        """The hand has let go: remember it."""
        self._ui.explorer.arrange(timeline_height=self.height)

    def sync(self, width: int, height: int) -> None:
        """Once a frame while it is shown: fill so many px."""
        walk = self._timeline.walk
        width -= 2 * self._ui.px(MARGIN)
        self.transport.sync(width)
        empty = walk.empty and not walk.curves and not walk.clips
        if empty != self._empty:
            self._empty = empty
            dpg.configure_item("timeline.empty", show=empty)
            for tag in ("timeline.full", "timeline.bars"):
                dpg.configure_item(tag, show=not empty)
        if empty:
            return
        self._thumbnails.sync(walk.keys, time.monotonic())
        self._take.sync()
        self._arrange(walk, width, height)
        words = self._hand.sync() or HINT
        if words != self._words:
            self._words = words
            dpg.set_value("timeline.words", words)
        self._draw(self._timeline.walk)
        self._move_playhead()

    def _arrange(self, walk: Walk, width: int, height: int) -> None:
        """Give lanes their places, and the drawlists their sizes."""
        px, area = self._ui.px, self._area
        bars = int(dpg.get_item_rect_size("timeline.bars")[1])
        room = max(height - bars - self._take.height - px(RULER + WORDS + 22), px(30))
        area.resize(max(width - px(HEAD + SCROLLBAR), 50))
        if (width, room) != self._room:
            self._room = (width, room)
            dpg.configure_item("timeline.body", width=width, height=room)
        lanes: list[Lane] = [ClipsLane(area, walk)] if walk.clips else []
        lanes += [CurveLane(area, index) for index in range(len(walk.curves))]
        rest = room - px(2) - sum(lane.height + px(1) for lane in lanes)
        top, area.lanes = 0, []
        for lane in (KeysLane(area, self._thumbnails, rest), *lanes):
            area.lanes.append((lane, top))
            top += lane.height + px(1)
        self._heads.sync(walk, area.lanes, max(top, room))

    def _one_clip(self) -> int | None:
        """The index of the clip that is selected, if it is one and nothing else is."""
        selected = list(self._area.selected)
        return selected[0].index if len(selected) == 1 and selected[0].lane == ClipsLane.key else None

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _draw(self, walk: Walk) -> None:
        """Everything but the playhead, if anything is different."""
        area = self._area
        foot = max(area.lanes[-1][1] + area.lanes[-1][0].height, self._room[1])
        look = (
            area.scale,
            foot,
            area.hovered,
            area.selected,
            area.label,
            self._thumbnails.revision,
            self._ui.explorer.card,
        )
        if walk is self._walk and look == self._drawn:
            return
        self._walk, self._drawn = walk, look
        self._ruler.draw(walk)
        dpg.configure_item(TAG, width=int(area.scale.width), height=foot)
        for layer in (self._content, self._above):
            dpg.delete_item(layer, children_only=True)
        area.layer = self._content
        first, last, end = (area.scale.x(time_s) for time_s in (*walk.span, walk.duration_s))
        for lane, top in area.lanes:
            area.box((0, top), (area.scale.width, top + lane.height), theme.BACKGROUND)
            area.box((area.scale.x(0.0), top), (end, top + lane.height), theme.CANVAS)
            lane.draw(walk, top)
        for start, stop in ((area.scale.x(0.0), first), (last, end)):  # what is neither played nor exported
            if stop > start:
                area.box((start, 0), (stop, foot), SHADE)
        area.layer = self._above
        if area.label is not None:
            area.draw_label(*area.label)

    def _move_playhead(self) -> None:
        timeline, area = self._timeline, self._area
        if timeline.playing != "no":
            self._ui.window.stay_awake()
            if not self._hand.busy and not area.scale.sees(timeline.position_s):
                area.scale = area.scale.showing(timeline.position_s, timeline.walk.duration_s)
        x = area.scale.x(timeline.position_s)
        if x != self._playhead:
            self._playhead = x
            self._ruler.move_playhead(x)
            dpg.configure_item(self._line, p1=(x, 0), p2=(x, TALLEST))
