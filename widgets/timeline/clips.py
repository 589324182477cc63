"""The timeline's lane of clips: takes of what was done live, as bars that are moved and trimmed."""

from collections.abc import Sequence
from functools import partial

from stylegan_core.edits import tracks
from stylegan_core.walk import Clip, Walk
from widgets import icons, theme
from widgets.timeline.area import SEPARATOR, Area, Entry, Grip, Moved, Point
from widgets.timeline.scale import clock

BAR, GAP, TOP, EDGE = 26, 4, 5, 7  # px at scale 1; the part of each end that trims
FILL: theme.Colour = (58, 74, 110, 255)
OFF: theme.Colour = (44, 47, 55, 255)
SPEEDS = (0.25, 0.5, 1.0, 2.0)
SMOOTHINGS_S = (0.0, 0.1, 0.3, 1.0)


def rows(clips: Sequence[Clip]) -> tuple[int, ...]:
    """The row of each clip, so that none covers another; each in the first one that has room."""
    ends: list[float] = []
    found = [0] * len(clips)
    for index in sorted(range(len(clips)), key=lambda index: clips[index].start_s):
        clip = clips[index]
        row = next((row for row, end in enumerate(ends) if end <= clip.start_s), len(ends))
        ends[row : row + 1] = [max(clip.end_s, clip.start_s + 1e-3)]
        found[index] = row
    return tuple(found)


class ClipsLane:
    """See the module."""

    key = "clips"

    def __init__(self, area: Area, walk: Walk):
        self._area = area
        count = max(rows(walk.clips), default=0) + 1
        self.height = area.px(2 * TOP + count * BAR + (count - 1) * GAP)

    def draw(self, walk: Walk, top: float) -> None:
        """A bar for each, with the take's name on it."""
        for index, (clip, row) in enumerate(zip(walk.clips, rows(walk.clips), strict=True)):
            self._draw_clip(index, clip, top + self._top(row))

    def _draw_clip(self, index: int, clip: Clip, top: float) -> None:
        area, px = self._area, self._area.px
        left, right = area.scale.x(clip.start_s), area.scale.x(clip.end_s)
        if right < 0 or left > area.scale.width:
            return
        right = max(right, left + px(3))
        grip = Grip(self.key, "clip", index)
        line = area.colour(grip, theme.ACCENT_DARK)
        area.box((left, top), (right, top + px(BAR)), FILL if clip.enabled else OFF, line, 4)
        for part, x in (("first", left), ("last", right)):
            if area.hovered == Grip(self.key, part, index):
                area.line([(x, top), (x, top + px(BAR))], theme.TEXT, 3 * area.ui.scale)
        x = max(left, 0.0) + px(8)
        words = about(clip)
        letters = int((right - x - px(4)) / max(area.text_width("m"), 1))
        if letters > 2:
            words = words if len(words) <= letters else f"{words[: letters - 1]}…"
            area.text((x, top + px(6)), words, theme.TEXT if clip.enabled else theme.FAINT)

    def under(self, walk: Walk, at: Point) -> Grip | None:
        """A clip, or one of its ends."""
        (x, y), px = at, self._area.px
        for index, (clip, row) in reversed(list(enumerate(zip(walk.clips, rows(walk.clips), strict=True)))):
            top = self._top(row)
            left, right = self._area.scale.x(clip.start_s), self._area.scale.x(clip.end_s)
            if not top <= y < top + px(BAR) or not left - px(2) <= x <= max(right, left + px(3)) + px(2):
                continue
            edge = min(px(EDGE), max((right - left) / 4, 1))
            part = "first" if x < left + edge else "last" if x > right - edge else "clip"
            return Grip(self.key, part, index)
        return None

    def time(self, walk: Walk, grip: Grip) -> float:
        """When a clip begins, or ends."""
        clip = walk.clips[grip.index]
        return clip.end_s if grip.part == "last" else clip.start_s

    def moved(self, base: Walk, grips: frozenset[Grip], grip: Grip, by: Point, copy: bool) -> Moved:
        """Clips moved together, or copies of them; or the end of one trimmed."""
        clip, index = base.clips[grip.index], grip.index
        if grip.part != "clip":
            time_s = self._area.moved_time(base, self.time(base, grip), by[0])
            trim = tracks.trim_start if grip.part == "first" else tracks.trim_end
            walk = trim(base, index, time_s)
            after = walk.clips[index]
            words = f"{clock(after.start_s)} to {clock(after.end_s)}, {clock(after.duration_s)}"
            return Moved("Trim take", walk, frozenset([grip]), words)
        time_s = self._area.moved_time(base, clip.start_s, by[0])
        chosen = self._chosen(grips) or [index]
        if copy:
            first = len(base.clips)
            base = tracks.insert_clips(base, [base.clips[other] for other in chosen])
            chosen = list(range(first, len(base.clips)))
        walk = tracks.move_clips(base, chosen, time_s - clip.start_s)
        name = "Copy take" if copy else "Move take"
        return Moved(name, walk, frozenset(Grip(self.key, "clip", other) for other in chosen), clock(time_s))

    def deleted(self, walk: Walk, grips: frozenset[Grip]) -> Walk:
        """Without these clips."""
        return tracks.delete_clips(walk, self._chosen(grips))

    def menu(self, walk: Walk, grips: frozenset[Grip], grip: Grip) -> Sequence[Entry]:
        """Speed and smoothing in steps (the panel has them exactly), splitting, deleting."""
        area, chosen = self._area, self._chosen(grips) or [grip.index]
        clip, at = walk.clips[grip.index], self._area.timeline.position_s
        speeds = [
            Entry(
                f"{speed:g} × speed",
                partial(area.do, "Speed of a take", tracks.set_clip_speed, chosen, speed),
                clip.speed == speed,
                f"speed.{speed:g}",
            )
            for speed in SPEEDS
        ]
        smooth = [
            Entry(
                f"Smoothed over {smooth_s:g} s" if smooth_s else "Not smoothed",
                partial(area.do, "Smooth take", tracks.set_clip_smooth, chosen, smooth_s),
                clip.smooth_s == smooth_s,
                f"smooth.{smooth_s:g}",
            )
            for smooth_s in SMOOTHINGS_S
        ]
        seen = Entry(
            f"{icons.EYE_OFF}  Mute" if clip.enabled else f"{icons.EYE}  Show",
            lambda: area.do(
                "Mute take" if clip.enabled else "Show take", tracks.enable_clips, chosen, not clip.enabled
            ),
            key="enable",
        )
        split = Entry(
            f"{icons.SCISSORS}  Split at the playhead",
            lambda: area.do("Split take", tracks.split_clip, grip.index, at),
            key="split",
        )
        delete = Entry(
            f"{icons.TRASH}  Delete", lambda: area.do("Delete take", tracks.delete_clips, chosen), key="delete"
        )
        return [seen, split, delete, SEPARATOR, *speeds, SEPARATOR, *smooth]

    def about(self, walk: Walk, grip: Grip) -> str:
        """A take, where it lies, and what the mouse does to it."""
        clip = walk.clips[grip.index]
        does = "Drag moves it, its ends trim it, right-click for more." if grip.part == "clip" else "Drag trims it."
        return f"{clip.take.name or 'Take'}, {clock(clip.start_s)} to {clock(clip.end_s)}. {does}"

    @staticmethod
    def _chosen(grips: frozenset[Grip]) -> list[int]:
        return sorted({grip.index for grip in grips if grip.lane == ClipsLane.key})

    def _top(self, row: int) -> int:
        return self._area.px(TOP + row * (BAR + GAP))


def about(clip: Clip) -> str:
    """A clip in a few words."""
    words = [f"{icons.ACTIVITY} {clip.take.name or 'take'}"]
    if clip.speed != 1:
        words.append(f"{clip.speed:g} ×")
    if clip.smooth_s:
        words.append(f"smoothed {clip.smooth_s:g} s")
    return "  ".join([*words, clock(clip.duration_s)])
