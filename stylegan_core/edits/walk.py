"""Every change that can be made to a walk and its keys, as a named function Walk -> Walk; `tracks.py` has the others.

Keys stay in order and apart in time, and none is lost unless it is deleted: one that is put where another stands goes
beside it. Nothing lies beyond the walk's end, which moves out of the way. What makes no sense (an index that there is
not, a number that is none) changes nothing.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from stylegan_core.blending import Space
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
from stylegan_core.edits.tracks import reversed_clip
from stylegan_core.scene import Scene
from stylegan_core.walk import LONGEST_S, Key, Walk
from stylegan_core.ways import Ease

SHORTEST_S = 0.1  # a walk
BPM_RANGE = (10.0, 999.0)
FPS_RANGE = (0.1, 1000.0)
PATH_LENGTH = 4096


def set_walk(walk: Walk, other: Walk) -> Walk:
    """Take over another walk: a file."""
    del walk
    return other


def changed(walk: Walk, **changes: Any) -> Walk:
    """The walk with other fields, long enough for its keys and points.

    A way keeps its pace, which was measured, only as long as it leads from the same Scene to the same one.
    """
    if "keys" in changes:
        changes["keys"] = _paced(walk.keys, changes["keys"])
    walk = walk.model_copy(update=changes)
    last = _last_s(walk)
    return walk if last <= walk.duration_s else walk.model_copy(update={"duration_s": last})


def _paced(before: Sequence[Key], after: Sequence[Key]) -> tuple[Key, ...]:
    ways = {(id(key.scene), id(then.scene)) for key, then in _ways(before)}
    return tuple(
        key if not key.pace or (id(key.scene), id(then.scene)) in ways else key.model_copy(update={"pace": ()})
        for key, then in _ways(after)
    )


def _ways(keys: Sequence[Key]) -> Iterable[tuple[Key, Key]]:
    """Each key and the one that its way leads to, in a loop."""
    return zip(keys, [*keys[1:], *keys[:1]], strict=True)


def _last_s(walk: Walk) -> float:
    """When the last key or point of a curve stands."""
    points = (curve.points[-1].time_s for curve in walk.curves if curve.points)
    return max([0.0, *points, *(key.time_s for key in walk.keys[-1:])])


def _end_s(walk: Walk) -> float:
    """When all is over, clips included."""
    return max([_last_s(walk), *(clip.end_s for clip in walk.clips)])


# -- keys --------------------------------------------------------------------------------------------------------------


def add_key(walk: Walk, time_s: float, scene: Scene, ease: Ease = "smooth") -> Walk:
    """A Scene at a time; a key that stands there already gets this Scene."""
    if math.isnan(time_s):
        return walk
    standing = at_time(walk.keys, seconds(time_s))
    if standing is not None:
        return set_key_scene(walk, standing, scene)
    return insert_keys(walk, (Key(time_s=0.0, scene=scene, ease=ease),), time_s)


def append_key(walk: Walk, step_s: float, scene: Scene) -> Walk:
    """A Scene so long after the last key; in a loop it is as long from there to the begin, at least."""
    if not walk.keys:
        return add_key(walk, 0.0, scene)
    step = clamped(step_s, GAP_S, LONGEST_S, SHORTEST_S)
    walk = add_key(walk, walk.keys[-1].time_s + step, scene)
    if not walk.loop or walk.keys[-1].time_s < walk.duration_s:
        return walk
    return set_duration(walk, walk.keys[-1].time_s + step)


def insert_keys(walk: Walk, keys: Sequence[Key], time_s: float) -> Walk:
    """Further keys, the first of them at a time, the others as far from it as they are."""
    if not keys or math.isnan(time_s):
        return walk
    times = [key.time_s - keys[0].time_s + seconds(time_s) for key in keys]
    by_s = moved_by(times, 0.0)
    more = [key.model_copy(update={"time_s": seconds(at + by_s)}) for key, at in zip(keys, times, strict=True)]
    return changed(walk, keys=joined(walk.keys, more))


def delete_keys(walk: Walk, indexes: Iterable[int]) -> Walk:
    """Without some keys."""
    gone = set(indexes)
    return changed(walk, keys=tuple(key for index, key in enumerate(walk.keys) if index not in gone))


def move_keys(walk: Walk, indexes: Iterable[int], by_s: float) -> Walk:
    """Keys later or earlier, all by the same time, as far as there is room before the first of them."""
    indexes = there(indexes, walk.keys)
    by_s = moved_by([walk.keys[index].time_s for index in indexes], by_s)
    if not by_s:
        return walk
    return changed(walk, keys=placed(walk.keys, {index: walk.keys[index].time_s + by_s for index in indexes}))


def set_key_time(walk: Walk, index: int, time_s: float) -> Walk:
    """One key at another time."""
    return move_keys(walk, [index], time_s - walk.keys[index].time_s) if there([index], walk.keys) else walk


def _each_key(walk: Walk, indexes: Iterable[int], **changes: Any) -> Walk:
    chosen = set(there(indexes, walk.keys))
    if not chosen:
        return walk
    keys = (key.model_copy(update=changes) if index in chosen else key for index, key in enumerate(walk.keys))
    return changed(walk, keys=tuple(keys))


def set_key_scene(walk: Walk, index: int, scene: Scene) -> Walk:
    """Another Scene in place of a key's."""
    return _each_key(walk, [index], scene=scene)


def set_key_name(walk: Walk, index: int, name: str) -> Walk:
    """What a key is called."""
    return _each_key(walk, [index], name=file_text(name, NAME_LENGTH))


def set_ease(walk: Walk, indexes: Iterable[int], ease: Ease) -> Walk:
    """How it goes from some keys to their next ones; a pace that was measured is dropped."""
    return _each_key(walk, indexes, ease=ease, pace=())


def _with_people(walk: Walk, order: Sequence[int]) -> Walk:
    """The Scenes of the keys, with their names, in another order; times and ways stay."""
    people = [walk.keys[index] for index in order]
    keys = (
        key.model_copy(update={"scene": who.scene, "name": who.name})
        for key, who in zip(walk.keys, people, strict=True)
    )
    return changed(walk, keys=tuple(keys))


def swap_keys(walk: Walk, one: int, other: int) -> Walk:
    """The Scenes of two keys change places; times stay."""
    if len(there([one, other], walk.keys)) < 2:
        return walk
    order = list(range(len(walk.keys)))
    order[one], order[other] = other, one
    return _with_people(walk, order)


def reorder_key(walk: Walk, index: int, to: int) -> Walk:
    """The Scene of one key comes at another place; the others keep their order, and times stay."""
    if not there([index], walk.keys):
        return walk
    order = [other for other in range(len(walk.keys)) if other != index]
    order.insert(min(max(to, 0), len(order)), index)
    return _with_people(walk, order)


def distribute_keys(walk: Walk, indexes: Iterable[int] | None = None) -> Walk:
    """Keys at even distances between the first and the last of them; None: all, in a loop all around it."""
    chosen = there(range(len(walk.keys)) if indexes is None else indexes, walk.keys)
    if len(chosen) < 2:
        return walk
    first, last = walk.keys[chosen[0]].time_s, walk.keys[chosen[-1]].time_s
    around = walk.loop and len(chosen) == len(walk.keys)
    step = max(walk.duration_s / len(chosen) if around else (last - first) / (len(chosen) - 1), GAP_S)
    if around:
        first = max(min(first, walk.duration_s - step * len(chosen)), 0.0)
    times = {index: seconds(first + step * place) for place, index in enumerate(chosen)}
    return changed(walk, keys=placed(walk.keys, times))


# -- the whole walk ----------------------------------------------------------------------------------------------------


def set_name(walk: Walk, name: str) -> Walk:
    """What the walk is called."""
    return changed(walk, name=file_text(name, NAME_LENGTH))


def set_duration(walk: Walk, duration_s: float) -> Walk:
    """Another end; no key and no point of a curve is left beyond it."""
    return changed(walk, duration_s=clamped(duration_s, SHORTEST_S, LONGEST_S, walk.duration_s))


def fit_duration(walk: Walk) -> Walk:
    """The end right after all that there is; in a loop, so that it takes a step on to come back to the first key."""
    end = max(_end_s(walk), _last_s(walk) + (_step_s(walk) if walk.loop else 0.0))
    return set_duration(walk, end) if end else walk


def _step_s(walk: Walk) -> float:
    """How long it takes from one key to the next, on average."""
    keys = walk.keys
    return (keys[-1].time_s - keys[0].time_s) / (len(keys) - 1) if len(keys) > 1 else 0.0


def set_loop(walk: Walk, loop: bool) -> Walk:
    """Whether the end leads to the begin."""
    return changed(walk, loop=loop)


def close_loop(walk: Walk) -> Walk:
    """A loop without a jump: the way from the last key to the first takes as long as the others do on average.

    A last key that is where the first one is already becomes that end.
    """
    keys = walk.keys
    if len(keys) > 2 and keys[-1].scene == keys[0].scene and keys[0].time_s < GAP_S:
        return set_duration(changed(walk, keys=keys[:-1], loop=True), keys[-1].time_s)
    end = _step_s(walk) + (keys[-1].time_s - keys[0].time_s if keys else 0.0)
    return changed(walk, loop=True, duration_s=max(walk.duration_s, min(end, LONGEST_S)))


def scale_times(walk: Walk, factor: float) -> Walk:
    """All of it slower (above 1) or quicker, but for the tempo and the sound; clips by as much as they can be."""
    if not 0 < factor < math.inf:
        return walk
    end = max(walk.duration_s, _end_s(walk))
    factor = min(max(factor, SHORTEST_S / walk.duration_s), LONGEST_S / end)

    def scaled(item: Any) -> Any:
        return item.model_copy(update={"time_s": seconds(item.time_s * factor)})

    clips = (
        clip.model_copy(
            update={"start_s": seconds(clip.start_s * factor), "speed": clamped(clip.speed / factor, 0.05, 20.0, 1.0)}
        )
        for clip in walk.clips
    )
    curves = (curve.model_copy(update={"points": tuple(map(scaled, curve.points))}) for curve in walk.curves)
    return changed(
        walk,
        duration_s=clamped(walk.duration_s * factor, SHORTEST_S, LONGEST_S, walk.duration_s),
        keys=tuple(map(scaled, walk.keys)),
        clips=tuple(clips),
        curves=tuple(curves),
        first_s=seconds(walk.first_s * factor),
        last_s=None if walk.last_s is None else seconds(walk.last_s * factor),
    )


def reverse(walk: Walk) -> Walk:
    """From the end to the begin; the sound and the tempo stay."""
    end = min(max(walk.duration_s, _end_s(walk)), LONGEST_S)
    first, last = walk.span

    def mirrored(items: Sequence[Any]) -> tuple[Any, ...]:
        turned = []
        for index, item in enumerate(items):
            way = items[index - 1]  # that led to an item leads away from it now
            update = {"time_s": seconds(end - item.time_s), "ease": way.ease}
            if isinstance(item, Key):
                update["pace"] = tuple(1.0 - share for share in reversed(way.pace))
            turned.append(item.model_copy(update=update))
        return tuple(reversed(turned))

    curves = tuple(curve.model_copy(update={"points": mirrored(curve.points)}) for curve in walk.curves)
    turned = walk.model_copy(update={"keys": mirrored(walk.keys), "curves": curves})
    return changed(
        turned,
        duration_s=end,
        clips=tuple(reversed_clip(clip, end) for clip in walk.clips),
        first_s=seconds(end - last) if walk.last_s is not None else 0.0,
        last_s=seconds(end - first) if walk.first_s > 0 else None,
    )


def set_latents(walk: Walk, latents: Space) -> Walk:
    """Whether people become one another in w, or on the sphere in z."""
    return changed(walk, latents=latents)


def set_in(walk: Walk, time_s: float | None) -> Walk:
    """What is played and exported begins here (None: at the begin); an out point before it goes to the end."""
    first = 0.0 if time_s is None else min(seconds(time_s, walk.first_s), walk.duration_s)
    last = None if walk.last_s is not None and walk.last_s <= first else walk.last_s
    return changed(walk, first_s=first, last_s=last)


def set_out(walk: Walk, time_s: float | None) -> Walk:
    """What is played and exported ends here (None: at the end); an in point after it goes to the begin."""
    last = None if time_s is None or math.isnan(time_s) else min(seconds(time_s), walk.duration_s)
    first = 0.0 if last is not None and walk.first_s >= last else walk.first_s
    return changed(walk, first_s=first, last_s=last or None)


def set_tempo(walk: Walk, bpm: float, first_beat_s: float | None = None) -> Walk:
    """Beats a minute, and when one of them is (None: as it was)."""
    beat = walk.first_beat_s if first_beat_s is None else seconds(first_beat_s, walk.first_beat_s)
    return changed(walk, bpm=clamped(bpm, *BPM_RANGE, walk.bpm), first_beat_s=beat)


def set_sound(walk: Walk, path: str) -> Walk:
    """The sound file that is heard from the begin; empty: none."""
    return changed(walk, sound=path) if len(path) <= PATH_LENGTH and file_text(path, PATH_LENGTH) == path else walk


def snap(walk: Walk, time_s: float, parts: int = 1, fps: float | None = None) -> float:
    """The beat nearest to a time, or with `parts` the nearest part of one; with `fps` the frame in place of the beat.

    Returns:
        A time within the walk's first day; what is no number is 0.
    """
    time_s = seconds(time_s)
    if fps is not None:
        first, step = walk.span[0], 1 / clamped(fps, *FPS_RANGE, 60.0)
    else:
        first, step = walk.first_beat_s, 60.0 / walk.bpm / max(parts, 1)
    steps = round((time_s - first) / step)
    at = first + steps * step
    if at < 0:
        return at + step
    return at if at <= LONGEST_S else at - step
