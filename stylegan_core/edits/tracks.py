"""Every change that can be made to a walk's curves and clips, as a named function Walk -> Walk; see `walk.py`."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from stylegan_core.edits.timing import (
    GAP_S,
    NAME_LENGTH,
    at_time,
    clamped,
    file_text,
    joined,
    moved_by,
    placed,
    seconds,
    there,
)
from stylegan_core.errors import StyleScopeError
from stylegan_core.parameters import parameter as parameter_at
from stylegan_core.scene import Scene
from stylegan_core.walk import HELD_S, LONGEST_S, Clip, Curve, CurvePoint, Sample, Take, Walk
from stylegan_core.ways import Ease

VALUE_LIMIT = 1e9
SPEED_RANGE = (0.05, 20.0)
SMOOTH_RANGE_S = (0.0, 5.0)

Points = Mapping[int, Iterable[int]]  # by curve


def _with_curve(walk: Walk, index: int, **changes: Any) -> Walk:
    """With one curve changed, and the walk long enough for it; one without points is gone."""
    curves = list(walk.curves)
    curves[index] = curve = curves[index].model_copy(update=changes)
    if not curve.points:
        del curves[index]
    end = max([walk.duration_s, *(point.time_s for point in curve.points[-1:])])
    return walk.model_copy(update={"curves": tuple(curves), "duration_s": end})


# -- curves ------------------------------------------------------------------------------------------------------------


def add_curve(walk: Walk, parameter: str, value: float, time_s: float = 0.0, count: int = 0) -> Walk:
    """A curve for a parameter, with one point; where there is one already, that gets the point.

    An address that names no parameter changes nothing. `count` is the parameter's for the model; see `Curve`.
    """
    for index, curve in enumerate(walk.curves):
        if curve.parameter == parameter:
            return add_point(walk, index, time_s, value)
    try:
        parameter_at(parameter, count=count)
    except StyleScopeError:
        return walk
    if math.isnan(value) or math.isnan(time_s):
        return walk
    curves = (*walk.curves, Curve(parameter=parameter, count=count))
    return add_point(walk.model_copy(update={"curves": curves}), len(walk.curves), time_s, value)


def delete_curves(walk: Walk, indexes: Iterable[int]) -> Walk:
    """Without some curves."""
    gone = set(indexes)
    curves = tuple(curve for index, curve in enumerate(walk.curves) if index not in gone)
    return walk.model_copy(update={"curves": curves})


def enable_curve(walk: Walk, index: int, enabled: bool) -> Walk:
    """Whether a curve moves its parameter."""
    return _with_curve(walk, index, enabled=enabled) if there([index], walk.curves) else walk


def add_point(walk: Walk, index: int, time_s: float, value: float, ease: Ease = "linear") -> Walk:
    """A value at a time of a curve; a point that stands there already gets this value."""
    if not there([index], walk.curves) or math.isnan(time_s) or math.isnan(value):
        return walk
    points = walk.curves[index].points
    standing = at_time(points, seconds(time_s))
    if standing is not None:
        return set_point(walk, index, standing, value=value)
    point = CurvePoint(time_s=seconds(time_s), value=clamped(value, -VALUE_LIMIT, VALUE_LIMIT, 0.0), ease=ease)
    return _with_curve(walk, index, points=joined(points, [point]))


def set_point(walk: Walk, index: int, point: int, time_s: float | None = None, value: float | None = None) -> Walk:
    """One point of a curve at another time, or with another value; None: as it is."""
    if not there([index], walk.curves) or not there([point], walk.curves[index].points):
        return walk
    points = list(walk.curves[index].points)
    if value is not None:
        kept = points[point].value
        points[point] = points[point].model_copy(update={"value": clamped(value, -VALUE_LIMIT, VALUE_LIMIT, kept)})
    if time_s is not None and not math.isnan(time_s):
        points = list(placed(points, {point: seconds(time_s)}))
    return _with_curve(walk, index, points=tuple(points))


def move_points(walk: Walk, chosen: Points, by_s: float, by_value: float = 0.0) -> Walk:
    """Points of curves later or earlier, higher or lower, all by the same."""
    chosen = {c: there(points, walk.curves[c].points) for c, points in chosen.items() if there([c], walk.curves)}
    by_s = moved_by([walk.curves[c].points[p].time_s for c, points in chosen.items() for p in points], by_s)
    for index, moved in chosen.items():
        points = list(walk.curves[index].points)
        times = {point: points[point].time_s + by_s for point in moved} if by_s else {}
        for point in moved:
            kept = points[point].value
            value = clamped(kept + by_value, -VALUE_LIMIT, VALUE_LIMIT, kept)
            points[point] = points[point].model_copy(update={"value": value})
        if moved:
            walk = _with_curve(walk, index, points=placed(points, times))
    return walk


def delete_points(walk: Walk, chosen: Points) -> Walk:
    """Without some points of curves; a curve that has none left is gone."""
    for index in sorted(chosen, reverse=True):
        if there([index], walk.curves):
            gone = set(chosen[index])
            points = walk.curves[index].points
            walk = _with_curve(walk, index, points=tuple(p for i, p in enumerate(points) if i not in gone))
    return walk


def set_point_ease(walk: Walk, chosen: Points, ease: Ease) -> Walk:
    """How it goes from some points to their next ones."""
    for index, points in chosen.items():
        if there([index], walk.curves):
            eased = set(points)
            old = walk.curves[index].points
            new = (p.model_copy(update={"ease": ease}) if i in eased else p for i, p in enumerate(old))
            walk = _with_curve(walk, index, points=tuple(new))
    return walk


# -- clips -------------------------------------------------------------------------------------------------------------


def _with_clips(walk: Walk, clips: Iterable[Clip]) -> Walk:
    return walk.model_copy(update={"clips": tuple(clips)})


def _each_clip(walk: Walk, indexes: Iterable[int], **changes: Any) -> Walk:
    chosen = set(there(indexes, walk.clips))
    return _with_clips(
        walk, (clip.model_copy(update=changes) if i in chosen else clip for i, clip in enumerate(walk.clips))
    )


def add_clip(walk: Walk, take: Take, start_s: float = 0.0) -> Walk:
    """A take over all that there is, and the walk long enough for it."""
    clip = Clip(take=take, start_s=seconds(start_s))
    end = min(max(walk.duration_s, clip.end_s), LONGEST_S)
    return _with_clips(walk, (*walk.clips, clip)).model_copy(update={"duration_s": end})


def insert_clips(walk: Walk, clips: Iterable[Clip]) -> Walk:
    """Further clips, as they are."""
    return _with_clips(walk, (*walk.clips, *clips))


def delete_clips(walk: Walk, indexes: Iterable[int]) -> Walk:
    """Without some clips."""
    gone = set(indexes)
    return _with_clips(walk, (clip for index, clip in enumerate(walk.clips) if index not in gone))


def move_clips(walk: Walk, indexes: Iterable[int], by_s: float) -> Walk:
    """Clips later or earlier, all by the same time."""
    chosen = there(indexes, walk.clips)
    by_s = moved_by([walk.clips[index].start_s for index in chosen], by_s)
    for index in chosen:
        walk = _each_clip(walk, [index], start_s=seconds(walk.clips[index].start_s + by_s))
    return walk


def trim_start(walk: Walk, index: int, to_s: float) -> Walk:
    """A clip begins elsewhere in the walk; what is seen of it stays where it is."""
    if not there([index], walk.clips) or math.isnan(to_s):
        return walk
    clip = walk.clips[index]
    earliest = max(clip.start_s - clip.first_s / clip.speed, 0.0)
    start = max(min(to_s, clip.end_s - GAP_S), earliest)
    if clip.duration_s < GAP_S and start > clip.start_s:
        return walk
    first = seconds(clip.first_s + (start - clip.start_s) * clip.speed)
    return _each_clip(walk, [index], start_s=seconds(start), first_s=first)


def trim_end(walk: Walk, index: int, to_s: float) -> Walk:
    """A clip ends elsewhere in the walk, at the end of its take at the latest."""
    if not there([index], walk.clips) or math.isnan(to_s):
        return walk
    clip = walk.clips[index]
    last = clip.first_s + max(to_s - clip.start_s, GAP_S) * clip.speed
    return _each_clip(walk, [index], last_s=None if last >= clip.take.duration_s else last)


def set_clip_start(walk: Walk, index: int, start_s: float) -> Walk:
    """A clip begins at another time of the walk."""
    return move_clips(walk, [index], start_s - walk.clips[index].start_s) if there([index], walk.clips) else walk


def set_clip_first(walk: Walk, index: int, first_s: float) -> Walk:
    """A clip is trimmed to begin at a time of its take; see `trim_start`."""
    if not there([index], walk.clips):
        return walk
    clip = walk.clips[index]
    return trim_start(walk, index, clip.start_s + (first_s - clip.first_s) / clip.speed)


def set_clip_last(walk: Walk, index: int, last_s: float) -> Walk:
    """A clip is trimmed to end at a time of its take; see `trim_end`."""
    if not there([index], walk.clips):
        return walk
    clip = walk.clips[index]
    return trim_end(walk, index, clip.start_s + (last_s - clip.first_s) / clip.speed)


def set_clip_name(walk: Walk, index: int, name: str) -> Walk:
    """What a clip's take is called."""
    if not there([index], walk.clips):
        return walk
    take = walk.clips[index].take.model_copy(update={"name": file_text(name, NAME_LENGTH)})
    return _each_clip(walk, [index], take=take)


def split_clip(walk: Walk, index: int, time_s: float) -> Walk:
    """Two clips of one, which show together what it showed; a time outside it changes nothing."""
    if not there([index], walk.clips):
        return walk
    clip = walk.clips[index]
    if not clip.start_s + GAP_S <= time_s <= clip.end_s - GAP_S:
        return walk
    at = clip.first_s + (time_s - clip.start_s) * clip.speed
    before = clip.model_copy(update={"last_s": at})
    after = clip.model_copy(update={"first_s": at, "start_s": float(time_s)})
    return _with_clips(walk, (*walk.clips[:index], before, after, *walk.clips[index + 1 :]))


def set_clip_speed(walk: Walk, indexes: Iterable[int], speed: float) -> Walk:
    """Clips quicker (above 1) or slower; they begin where they do."""
    return walk if math.isnan(speed) else _each_clip(walk, indexes, speed=clamped(speed, *SPEED_RANGE, 1.0))


def set_clip_smooth(walk: Walk, indexes: Iterable[int], smooth_s: float) -> Walk:
    """How far a Gaussian reaches that clips are smoothed by: its standard deviation, in the take's time."""
    return walk if math.isnan(smooth_s) else _each_clip(walk, indexes, smooth_s=clamped(smooth_s, *SMOOTH_RANGE_S, 0.0))


def enable_clips(walk: Walk, indexes: Iterable[int], enabled: bool) -> Walk:
    """Whether clips are seen."""
    return _each_clip(walk, indexes, enabled=enabled)


def reversed_clip(clip: Clip, end_s: float) -> Clip:
    """A clip of a walk that ends then, in the walk from its end to its begin."""
    whole = clip.take.duration_s
    last = whole if clip.last_s is None else min(clip.last_s, whole)
    return clip.model_copy(
        update={
            "take": reversed_take(clip.take),
            "start_s": seconds(end_s - clip.end_s),
            "first_s": max(whole - last, 0.0),
            "last_s": max(whole - clip.first_s, 0.0) if clip.first_s > 0 else None,
        }
    )


def reversed_take(take: Take) -> Take:
    """What was done, from its end to its begin. A Scene that stood still stands as long, before the same one moves."""
    samples: list[Sample] = []

    def add(time_s: float, scene: Scene) -> None:
        samples.append(Sample(time_s=max(take.duration_s - time_s, 0.0), scene=scene))

    for index in range(len(take.samples) - 1, -1, -1):
        sample = take.samples[index]
        add(sample.time_s, sample.scene)
        if index and sample.time_s - take.samples[index - 1].time_s > HELD_S:
            add(sample.time_s, take.samples[index - 1].scene)
    return take.model_copy(update={"samples": tuple(samples)})
