"""The timeline's lane of keys: their pictures, when they are, and how the way from each to the next goes."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import dearpygui.dearpygui as dpg
import numpy as np

from stylegan_core.edits import walk as walks
from stylegan_core.scene import Scene
from stylegan_core.walk import Key, Walk
from stylegan_core.ways import Ease
from visualizer.timeline import Timeline
from widgets import icons, theme
from widgets.timeline.area import EASES, SEPARATOR, Area, Entry, Grip, Moved, Point, fresh
from widgets.timeline.scale import clock

TOP, DIAMOND, FOOT = 6, 5, 26  # px at scale 1: above a picture, half a mark, below a picture
HEIGHTS = (88, 106)  # px at scale 1: of the lane, as there is room
LEAST_TILE, FILLED = 36, 0.7  # px at scale 1; how much of the room between two keys pictures take
ASK_EVERY_S = 0.1  # for pictures that are not there yet
WAY = 44  # px at scale 1: the widest that the curve of a way is drawn


def ease_shape(ease: Ease, steps: int = 12) -> tuple[Point, ...]:
    """How a way goes, from (0, 0) to (1, 1). Of "cubic", which depends on the keys around, that it does not stop."""
    if ease == "hold":
        return (0.0, 0.0), (1.0, 0.0), (1.0, 1.0)
    if ease == "linear":
        return (0.0, 0.0), (1.0, 1.0)
    found = []
    for step in range(steps + 1):
        t = step / steps
        found.append((t, t * t * (3 - 2 * t) if ease == "smooth" else t + 0.13 * math.sin(2 * math.pi * t)))
    return tuple(found)


def tile_size(xs: Sequence[float], largest: float, least: float) -> float:
    """How large all keys' pictures are, so that most of them leave their neighbours room."""
    gaps = sorted(right - left for left, right in pairwise(xs))
    return min(max(gaps[len(gaps) // 2] * FILLED, least), largest) if gaps else largest


class Thumbnails:
    """Small textures of Scenes. Made once each, given back when no key has the Scene any more."""

    def __init__(self, timeline: Timeline):
        self._timeline = timeline
        self._textures: dict[Scene, int | str] = {}
        self._keys: Sequence[Key] = ()
        self._asked_at = 0.0
        self.revision = 0  # one more whenever there is another

    def build(self) -> None:
        """Make their registry."""
        self._registry = dpg.add_texture_registry()

    def __call__(self, key: Key) -> int | str | None:
        """The texture of a key's picture, if it is there."""
        return self._textures.get(key.scene)

    def sync(self, keys: Sequence[Key], now: float) -> None:
        """Take in pictures of these keys that have come, and drop those of others; `now` in seconds."""
        if keys is self._keys and (len(self._textures) >= len(keys) or now - self._asked_at < ASK_EVERY_S):
            return
        self._keys, self._asked_at = keys, now
        wanted = {key.scene: key for key in keys}
        for scene in [scene for scene in self._textures if scene not in wanted]:
            dpg.delete_item(self._textures.pop(scene))
        for scene, key in wanted.items():
            if scene not in self._textures and (pixels := self._timeline.thumbnail(key)) is not None:
                height, width = pixels.shape[:2]
                values = (pixels.astype(np.float32) / 255).ravel().tolist()
                self._textures[scene] = dpg.add_static_texture(width, height, values, parent=self._registry)
                self.revision += 1


class KeysLane:
    """See the module."""

    key = "keys"

    def __init__(self, area: Area, thumbnails: Thumbnails, room: int):
        self._area, self._thumbnails = area, thumbnails
        self.height = min(max(room, area.px(HEIGHTS[0])), area.px(HEIGHTS[1]))
        self._tile = self.height - area.px(TOP + FOOT)

    # -- drawing -------------------------------------------------------------------------------------------------------

    def draw(self, walk: Walk, top: float) -> None:
        """Ways below, then pictures, then the marks of their times."""
        area, px = self._area, self._area.px
        xs, size = self._places(walk)
        around = [area.scale.x(walk.duration_s) + size / 2] if walk.loop and len(xs) > 1 else []
        for index, (x0, x1) in enumerate(pairwise([*xs, *around])):
            ends = x0 + size / 2, x1 - size / 2
            grip = Grip(self.key, "way", index)
            self._draw_way(grip, walk.keys[index].ease, ends, top + px(TOP) + self._tile - size / 2)
        foot = top + px(TOP + 14) + self._tile
        if xs:
            area.line([(xs[0], foot), (xs[-1], foot)], theme.LINE)
        grips = [Grip(self.key, "key", index) for index in range(len(xs))]
        for grip in sorted(grips, key=lambda grip: (grip == area.hovered, grip in area.selected)):  # those on top
            if -size <= (x := xs[grip.index]) <= area.scale.width + size:
                self._draw_key(grip, walk.keys[grip.index], (x, top), size)

    def _draw_way(self, grip: Grip, ease: Ease, ends: Point, middle: float) -> None:
        area, px = self._area, self._area.px
        room, at = ends[1] - ends[0], (ends[0] + ends[1]) / 2
        wide = min(room - px(4), px(WAY))
        if wide < px(8) or not -wide <= at <= area.scale.width + wide:
            return
        high = wide * 0.6
        shape = [(at + (x - 0.5) * wide, middle - (y - 0.5) * high) for x, y in ease_shape(ease)]
        area.line(shape, area.colour(grip, theme.FAINT), 1.5 * area.ui.scale)

    def _draw_key(self, grip: Grip, key: Key, at: Point, size: float) -> None:
        area, px = self._area, self._area.px
        x, top = at[0], at[1] + px(TOP)
        colour = area.colour(grip, theme.ACCENT)
        low, high = (x - size / 2, top + self._tile - size), (x + size / 2, top + self._tile)
        texture = self._thumbnails(key)
        if texture is not None:
            dpg.draw_image(texture, low, high, parent=area.layer)
        else:
            area.box(low, high, theme.CONTROL)
        marked = grip in area.selected or grip == area.hovered
        thickness = (2 if marked else 1) * area.ui.scale
        dpg.draw_rectangle(low, high, color=colour if marked else theme.CANVAS, thickness=thickness, parent=area.layer)
        foot, half = top + self._tile + px(14), px(DIAMOND) + (1 if grip == area.hovered else 0)
        area.line([(x, top + self._tile), (x, foot)], theme.LINE)
        corners = [[x, foot - half], [x + half, foot], [x, foot + half], [x - half, foot]]
        dpg.draw_polygon([*corners, corners[0]], color=colour, fill=colour, parent=area.layer)

    # -- what the dock asks --------------------------------------------------------------------------------------------

    def under(self, walk: Walk, at: Point) -> Grip | None:
        """A key by its mark or its picture; the way between two pictures."""
        (x, y), px = at, self._area.px
        xs, size = self._places(walk)
        by_mark = y > px(TOP) + self._tile
        reach = px(DIAMOND + 4) if by_mark else size / 2
        away, index = min(((abs(x - key), index) for index, key in enumerate(xs)), default=(math.inf, 0))
        if away <= reach:
            return Grip(self.key, "key", index)
        after = next((index for index, key in enumerate(xs) if key > x), len(xs))
        on_way = not by_mark and after > 0 and (after < len(xs) or (walk.loop and len(xs) > 1))
        return Grip(self.key, "way", after - 1) if on_way and x < self._area.scale.x(walk.duration_s) else None

    def time(self, walk: Walk, grip: Grip) -> float:
        """When a key is."""
        return walk.keys[grip.index].time_s

    def moved(self, base: Walk, grips: frozenset[Grip], grip: Grip, by: Point, copy: bool) -> Moved:
        """Keys moved together, or copies of them."""
        key, chosen = base.keys[grip.index], self._chosen(grips)
        time_s = self._area.moved_time(base, key.time_s, by[0])
        if copy:
            keys = [base.keys[index] for index in chosen]
            walk = walks.insert_keys(base, keys, keys[0].time_s + time_s - key.time_s)
            name = "Copy key" if len(chosen) == 1 else "Copy keys"
        else:
            walk = walks.move_keys(base, chosen, time_s - key.time_s)
            name = "Move key" if len(chosen) == 1 else "Move keys"
        indexes = fresh(base.keys, walk.keys) if walk is not base else chosen
        return Moved(name, walk, frozenset(Grip(self.key, "key", index) for index in indexes), clock(time_s))

    def deleted(self, walk: Walk, grips: frozenset[Grip]) -> Walk:
        """Without these keys."""
        return walks.delete_keys(walk, self._chosen(grips))

    def menu(self, walk: Walk, grips: frozenset[Grip], grip: Grip) -> Sequence[Entry]:
        """What can be done with keys; of a way, how it goes."""
        area, chosen, index = self._area, self._chosen(grips) or [grip.index], grip.index
        eases = [
            Entry(
                words,
                partial(area.do, "Way of a key", walks.set_ease, chosen, ease),
                walk.keys[index].ease == ease,
                ease,
            )
            for ease, words in EASES
        ]
        if grip.part == "way":
            return eases
        timeline, last = area.timeline, len(walk.keys) - 1
        entries = [
            Entry(f"{icons.EYE}  Go to it", lambda: timeline.go_to_key(index), key="go"),
            Entry(f"{icons.CAMERA}  Update with the picture shown", lambda: timeline.update_key(index), key="update"),
            Entry(f"{icons.COPY}  Copy", lambda: timeline.copy_keys(chosen), key="copy"),
        ]
        if timeline.clipboard:
            entries.append(Entry(f"{icons.COPY}  Paste at the playhead", timeline.paste_keys, key="paste"))
        if index > 0:
            entries.append(
                Entry(
                    f"{icons.CHEVRON_LEFT}  Put before the one to its left",
                    lambda: area.do("Reorder keys", walks.reorder_key, index, index - 1),
                    key="before",
                )
            )
        if index < last:
            entries.append(
                Entry(
                    f"{icons.CHEVRON_RIGHT}  Put after the one to its right",
                    lambda: area.do("Reorder keys", walks.reorder_key, index, index + 1),
                    key="after",
                )
            )
        if len(chosen) > 2:
            entries.append(
                Entry(
                    f"{icons.ARROW_LEFT_RIGHT}  Space evenly",
                    lambda: area.do("Space keys evenly", walks.distribute_keys, chosen),
                    key="spread",
                )
            )
        delete = Entry(
            f"{icons.TRASH}  Delete", lambda: area.do("Delete keys", walks.delete_keys, chosen), key="delete"
        )
        return [*entries, delete, SEPARATOR, *eases]

    def about(self, walk: Walk, grip: Grip) -> str:
        """When a key is, and what the mouse does to it."""
        key = walk.keys[grip.index]
        if grip.part == "way":
            words = next(words for ease, words in EASES if ease == key.ease)
            return f"The way from {clock(key.time_s)}. {words}. Click to choose another."
        name = f"{key.name}, " if key.name else ""
        return (
            f"{name}{clock(key.time_s)}. Drag moves it, Ctrl+drag copies it, double click goes to it, "
            "right-click for more."
        )

    @staticmethod
    def _chosen(grips: frozenset[Grip]) -> list[int]:
        return sorted(grip.index for grip in grips if grip.part == "key")

    def _places(self, walk: Walk) -> tuple[tuple[float, ...], float]:
        """Each key's x, and how large pictures are, in px."""
        xs = tuple(self._area.scale.x(key.time_s) for key in walk.keys)
        return xs, tile_size(xs, self._tile, self._area.px(LEAST_TILE))
