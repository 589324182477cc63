"""Walk: Scenes over time. Which Scene it is at a moment is a pure function of the walk, so that a walk is the same in
the window, in a video of any size and rate, and in a test.

Keys are Scenes at their times, with a way from each to the next. Clips are takes of what somebody did live, and lie
over keys. Curves move single parameters, over both.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from stylegan_core.blending import Space, between, combine
from stylegan_core.deltas import changed, changes
from stylegan_core.errors import SceneError, StyleScopeError
from stylegan_core.files import write_whole
from stylegan_core.parameters import parameter
from stylegan_core.scene import SCENE_VERSION, Amount, Part, Scene, scene_from_data
from stylegan_core.smoothing import smoothing_weights

WALK_VERSION: Literal[1] = 1
LONGEST_S = 86400.0
HELD_S = 0.1  # a take's Scene that stood longer than this stood still; else it was on its way to the next

Seconds = Annotated[float, Field(ge=0, le=LONGEST_S, allow_inf_nan=False)]
Ease = Literal["linear", "smooth", "cubic", "hold"]
Number = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Name = Annotated[str, Field(max_length=200)]


class WalkError(StyleScopeError):
    """A walk is broken, or empty; the message names the file and the field."""


class Key(Part):
    """A Scene at its time, and the way from it to the next key.

    "linear" goes at a steady pace, "smooth" sets out and arrives gently, "hold" stays and then jumps. "cubic" is a
    spline through all keys, which passes them without a stop.
    """

    time_s: Seconds
    scene: Scene
    ease: Ease = "smooth"
    # Shares of the way that are reached at even moments on it, both ends included; empty: it goes as `ease` says.
    pace: Annotated[tuple[Amount, ...], Field(max_length=257)] = ()
    name: Name = ""


class CurvePoint(Part):
    """A parameter's value at a time, and the way to the next point; see `Key`."""

    time_s: Seconds
    value: Number
    ease: Ease = "linear"


class Curve(Part):
    """One parameter over the whole walk, whatever keys and clips say of it."""

    parameter: Annotated[str, Field(min_length=1, max_length=200)]  # an address; see parameters.py
    points: tuple[CurvePoint, ...] = ()
    enabled: bool = True


class Sample(Part):
    """The Scene from a moment of a take on, in the take's own time."""

    time_s: Seconds
    scene: Scene


class Take(Part):
    """What somebody did live: every Scene there was, from when on."""

    name: Name = ""
    samples: Annotated[tuple[Sample, ...], Field(min_length=1)]

    @property
    def duration_s(self) -> float:
        """From its first moment, which is 0, to its last sample."""
        return self.samples[-1].time_s


class Clip(Part):
    """A take in a walk: trimmed, slowed or quickened, smoothed."""

    take: Take
    start_s: Seconds = 0.0  # in the walk's time
    first_s: Seconds = 0.0  # trimmed to this part, in the take's own time
    last_s: Seconds | None = None  # None: to its end
    speed: Annotated[float, Field(ge=0.05, le=20, allow_inf_nan=False)] = 1.0
    # Standard deviation of a Gaussian over the take's own time, that its numbers are averaged by:
    smooth_s: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] = 0.0
    enabled: bool = True

    @property
    def duration_s(self) -> float:
        """How long it lasts in the walk."""
        last = self.take.duration_s if self.last_s is None else min(self.last_s, self.take.duration_s)
        return max(last - self.first_s, 0.0) / self.speed

    @property
    def end_s(self) -> float:
        """When it ends, in the walk's time."""
        return self.start_s + self.duration_s


def _in_order(items: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(items, key=attrgetter("time_s")))


class Walk(Part):
    """Scenes over time. Times are in seconds from its begin."""

    version: Literal[1] = WALK_VERSION
    name: Name = ""
    duration_s: Annotated[float, Field(gt=0, le=LONGEST_S, allow_inf_nan=False)] = 10.0
    keys: tuple[Key, ...] = ()  # in the order of their times
    clips: tuple[Clip, ...] = ()  # where several lie over one another, the last one is seen
    curves: tuple[Curve, ...] = ()
    loop: bool = False  # its end leads to its begin
    latents: Space = "w"  # people on their way to one another: in w, or on the sphere in z
    bpm: Annotated[float, Field(ge=10, le=999, allow_inf_nan=False)] = 120.0
    first_beat_s: Seconds = 0.0
    first_s: Seconds = 0.0  # in and out points: what is played and exported
    last_s: Seconds | None = None  # None: the end
    sound: Annotated[str, Field(max_length=4096)] = ""  # path of a sound file, heard from the begin

    @property
    def span(self) -> tuple[float, float]:
        """What is played and exported: from, to; never empty."""
        last = self.duration_s if self.last_s is None else min(self.last_s, self.duration_s)
        first = min(self.first_s, self.duration_s)
        return (first, last) if last > first else (0.0, self.duration_s)

    @property
    def empty(self) -> bool:
        """Whether there is no Scene in it."""
        return not self.keys and not any(clip.enabled for clip in self.clips)


def frame_times(walk: Walk, fps: float) -> tuple[float, ...]:
    """When the frames of a video are: its first moment plus k / fps, up to its end, which belongs to what comes after.

    A loop's last frame is therefore one step before its first, and nothing is shown twice.
    """
    first, last = walk.span
    return tuple(first + k / fps for k in range(max(round((last - first) * fps), 1)))


def scene_at(walk: Walk, time_s: float) -> Scene:
    """The Scene at a moment: what lasts before the first key and after the last one is that key's.

    Raises:
        WalkError: there is no Scene in the walk.
        ParameterError: a curve names no parameter.
    """
    time_s = time_s % walk.duration_s if walk.loop else min(max(time_s, 0.0), walk.duration_s)
    clip = next((clip for clip in reversed(walk.clips) if clip.enabled and clip.start_s <= time_s < clip.end_s), None)
    if clip is not None:
        scene = clip_scene(clip, time_s, walk.latents)
    elif walk.keys:
        scene = _keyed(walk, time_s)
    else:
        scene = _beside_clips(walk, time_s)
    for curve in walk.curves:
        if curve.enabled and curve.points:
            scene = _curved(scene, curve, time_s, walk)
    return scene


def clip_scene(clip: Clip, time_s: float, space: Space = "w") -> Scene:
    """A clip's Scene at a moment of the walk's time."""
    at = clip.first_s + (time_s - clip.start_s) * clip.speed
    if not clip.smooth_s:
        return take_scene(clip.take, at, space)
    return _smoothed(clip.take, at, clip.smooth_s, space)


def take_scene(take: Take, time_s: float, space: Space = "w") -> Scene:
    """A take's Scene at a moment of its own time; between two samples that followed each other soon, in between."""
    samples = take.samples
    place = bisect_right(samples, time_s, key=attrgetter("time_s")) - 1
    if place < 0:
        return samples[0].scene
    before = samples[place]
    if place + 1 == len(samples) or samples[place + 1].time_s - before.time_s > HELD_S:
        return before.scene
    after = samples[place + 1]
    return between(before.scene, after.scene, (time_s - before.time_s) / (after.time_s - before.time_s), space)


def _smoothed(take: Take, time_s: float, deviation_s: float, space: Space) -> Scene:
    """The Gaussian mean of a take's Scenes around a moment, of those that are of the model of that moment."""
    samples = take.samples
    place = bisect_right(samples, time_s, key=attrgetter("time_s")) - 1
    lead = samples[max(place, 0)].scene
    weighted = smoothing_weights(lambda index: samples[index].time_s, len(samples), time_s, deviation_s, HELD_S)
    parts = [(samples[index].scene, weight) for index, weight in weighted]
    model = (lead.model.digest, lead.model.which)
    same = [(scene, weight) for scene, weight in parts if (scene.model.digest, scene.model.which) == model]
    total = math.fsum(weight for _, weight in same)
    if total <= 0:
        return lead
    return combine([lead, *(scene for scene, _ in same)], [0.0, *(weight / total for _, weight in same)], 0, space)


def _beside_clips(walk: Walk, time_s: float) -> Scene:
    """Where there are no keys: how the clip before this moment ended, or the first one begins."""
    clips = sorted((clip for clip in walk.clips if clip.enabled), key=attrgetter("start_s"))
    if not clips:
        raise WalkError("The walk is empty: add a key, or record a take.")
    ended = [clip for clip in clips if clip.end_s <= time_s]
    if not ended:
        return clip_scene(clips[0], clips[0].start_s, walk.latents)
    last = max(ended, key=attrgetter("end_s"))
    return clip_scene(last, last.end_s, walk.latents)


# -- ways from one key to the next -------------------------------------------------------------------------------------


def _keyed(walk: Walk, time_s: float) -> Scene:
    keys = walk.keys
    times, eases, paces = ([getattr(key, name) for key in keys] for name in ("time_s", "ease", "pace"))
    places, weights = _way(times, eases, time_s, _period(walk), paces)
    scenes = [keys[place].scene for place in places]
    lead = 0 if len(places) < 4 else 1
    model = (scenes[lead].model.digest, scenes[lead].model.which)
    if len(places) == 4 and any((scene.model.digest, scene.model.which) != model for scene in scenes):
        # A spline has no way through a key of another model: this piece of it is straight.
        share = weights[2] + weights[3]
        scenes, weights, lead = scenes[1:3], (1 - share, share), 0
    return combine(scenes, weights, lead, walk.latents)


def _curved(scene: Scene, curve: Curve, time_s: float, walk: Walk) -> Scene:
    return parameter(curve.parameter).set(scene, curve_value(curve, time_s, _period(walk)))


def curve_value(curve: Curve, time_s: float, period: float | None = None) -> float:
    """The value of a curve that has points, before its parameter's limits are kept.

    Args:
        curve: which.
        time_s: the moment; with a period, at least 0 and less than that.
        period: the walk's length where its end leads to its begin; None: it does not.
    """
    points = curve.points
    places, weights = _way([point.time_s for point in points], [point.ease for point in points], time_s, period)
    return sum(points[place].value * weight for place, weight in zip(places, weights, strict=True))


def _period(walk: Walk) -> float | None:
    return walk.duration_s if walk.loop else None


def _way(
    times: Sequence[float],
    eases: Sequence[Ease],
    time_s: float,
    period: float | None,
    paces: Sequence[tuple[float, ...]] = (),
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Which of the points at these times decide what is at a moment, and their weights: one, two, or four of a spline.

    Args:
        times: rising.
        eases: of the way from each to the next.
        time_s: the moment; with a period, at least 0 and less than that.
        period: after which all begins anew; None: it does not.
        paces: of the way from each to the next; see `Key`.
    """
    count = len(times)
    before = bisect_right(times, time_s) - 1
    if count == 1 or (period is None and (before < 0 or before == count - 1)):
        return (max(before, 0),), (1.0,)
    first, second = before % count, (before + 1) % count
    start, end = _time(times, before, period), _time(times, before + 1, period)
    ease = eases[first]
    share = (time_s - start) / (end - start) if end > start else 1.0
    if ease == "hold":
        return (first,), (1.0,)
    if paces:
        share = _paced(paces[first], share)
    if ease != "cubic":
        share = share * share * (3 - 2 * share) if ease == "smooth" else share
        return (first, second), (1 - share, share)
    return _spline(times, before, share, period)


def _paced(pace: tuple[float, ...], share: float) -> float:
    """The share of the way that is reached at a share of its time."""
    if len(pace) < 2:
        return share
    place = min(int(share * (len(pace) - 1)), len(pace) - 2)
    rest = share * (len(pace) - 1) - place
    return pace[place] * (1 - rest) + pace[place + 1] * rest


def _time(times: Sequence[float], place: int, period: float | None) -> float:
    """The time of a point, counted on beyond both ends where all begins anew."""
    rounds, place = divmod(place, len(times))
    return times[place] + rounds * (period or 0.0)


def _spline(
    times: Sequence[float], before: int, share: float, period: float | None
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Weights of the four points around a piece of a cubic Hermite spline.

    Its slope in a point is that of the parabola through it and its neighbours, so that it is smooth for any spacing of
    the points (the finite-difference form of Catmull and Rom 1974); at an open end, that of the line to the next one.
    """
    count = len(times)
    places = [before - 1, before, before + 1, before + 2]
    if period is None:
        places = [min(max(place, 0), count - 1) for place in places]
    t0, t1, t2, t3 = (_time(times, place, period) for place in places)
    whole, s = t2 - t1, share
    if whole <= 0:
        return (before % count,), (1.0,)
    there = (1 + 2 * s) * (1 - s) ** 2, s * s * (3 - 2 * s)
    slopes = s * (1 - s) ** 2 * whole, s * s * (s - 1) * whole
    weights = [0.0, there[0], there[1], 0.0]
    for slope, (a, b, c), at in ((slopes[0], (t0, t1, t2), 0), (slopes[1], (t1, t2, t3), 1)):
        for step, part in enumerate(_slope(a, b, c)):
            weights[at + step] += slope * part
    return tuple(place % count for place in places), tuple(weights)


def _slope(a: float, b: float, c: float) -> tuple[float, float, float]:
    """What the values at times a, b, c count for the slope at b; a or c may be b itself, at an end."""
    if a >= b:
        return (0.0, -1 / (c - b), 1 / (c - b)) if c > b else (0.0, 0.0, 0.0)
    if c <= b:
        return -1 / (b - a), 1 / (b - a), 0.0
    back, on = (c - b) / ((b - a) * (c - a)), (b - a) / ((c - b) * (c - a))
    return -back, back - on, on


# -- files -------------------------------------------------------------------------------------------------------------


def walk_to_json(walk: Walk) -> str:
    """The walk as JSON, fit to be read by a person; of a take's Scenes only what changes from one to the next."""
    return json.dumps(walk_to_data(walk), indent=1) + "\n"


def walk_to_data(walk: Walk) -> dict[str, Any]:
    """The walk as what JSON is made of."""
    data = walk.model_dump(mode="json", exclude={"clips"})
    data["clips"] = [
        {**clip.model_dump(mode="json", exclude={"take"}), "take": take_to_data(clip.take)} for clip in walk.clips
    ]
    return data


def take_to_data(take: Take) -> dict[str, Any]:
    """A take as what JSON is made of: its first Scene whole, of the others what changes."""
    before: dict[str, Any] = {}
    samples = []
    for sample in take.samples:
        scene = sample.scene.model_dump(mode="json")
        samples.append([sample.time_s, changes(before, scene) if before else scene])
        before = scene
    return {"name": take.name, "samples": samples}


def walk_from_json(text: str, source: str = "the walk") -> Walk:
    """Read a walk; Scenes of older versions are brought forward.

    Args:
        text: what `walk_to_json` wrote.
        source: named in the error, such as the file's path.

    Raises:
        WalkError: in one sentence, which field is wrong and why.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WalkError(f"{source} is not JSON ({error}).") from error
    return walk_from_data(data, source)


def walk_from_data(data: object, source: str = "the walk") -> Walk:
    """Read a walk from parsed JSON; see `walk_from_json`."""
    if not isinstance(data, dict):
        raise WalkError(f"{source} holds no walk: expected an object, found {type(data).__name__}.")
    version = data.get("version", WALK_VERSION)
    if version != WALK_VERSION or type(version) is not int:
        raise WalkError(
            f"{source}: field 'version' is {version!r}, this StyleScope reads {WALK_VERSION}; "
            "a newer file needs a newer StyleScope."
        )
    try:
        # Scenes by their own reader, which brings old ones forward; the rest by its fields.
        keys = [
            {
                **key,
                "scene": scene_from_data(key["scene"], f"{source}, key {number + 1}"),
                "pace": tuple(key.get("pace", ())),
            }
            for number, key in enumerate(data.get("keys", ()))
        ]
        clips = [
            {**clip, "take": take_from_data(clip["take"], f"{source}, clip {number + 1}")}
            for number, clip in enumerate(data.get("clips", ()))
        ]
        rest = {name: value for name, value in data.items() if name not in ("keys", "clips")}
        walk = Walk.model_validate_json(json.dumps(rest))
        return walk.model_copy(
            update={
                "keys": _in_order(tuple(_validated(Key, key, f"keys.{n}", source) for n, key in enumerate(keys))),
                "clips": tuple(_validated(Clip, clip, f"clips.{n}", source) for n, clip in enumerate(clips)),
                "curves": tuple(curve.model_copy(update={"points": _in_order(curve.points)}) for curve in walk.curves),
            }
        )
    except ValidationError as error:
        raise _named(error, source) from error
    except SceneError as error:
        raise WalkError(str(error)) from error
    except KeyError as error:
        raise WalkError(f"{source}: field {error} is missing.") from error
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise WalkError(f"{source} is no walk ({error}).") from error


def _validated(part: Any, data: dict[str, Any], place: str, source: str) -> Any:
    """A part of which something has been read already."""
    try:
        return part.model_validate(data)
    except ValidationError as error:
        raise _named(error, source, f"{place}.") from error


def _named(error: ValidationError, source: str, place: str = "") -> WalkError:
    first = error.errors()[0]
    field = place + ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return WalkError(f"{source}: field '{field}': {reason[0].lower()}{reason[1:]}.")


def take_from_data(data: dict[str, Any], source: str) -> Take:
    """Read a take; see `take_to_data`."""
    samples: list[Sample] = []
    before: dict[str, Any] = {}
    for number, (time_s, delta) in enumerate(data["samples"]):
        where = f"{source}, sample {number + 1}"
        before = changed(before, delta) if before else delta
        scene = scene_after(samples[-1].scene, before, delta, where) if samples else scene_from_data(before, where)
        samples.append(_validated(Sample, {"time_s": time_s, "scene": scene}, f"samples.{number}", source))
    take: Take = _validated(Take, {"name": data.get("name", ""), "samples": tuple(samples)}, "take", source)
    return take.model_copy(update={"samples": _in_order(take.samples)})


def scene_after(before: Scene, data: dict[str, Any], delta: dict[str, Any], source: str) -> Scene:
    """A Scene from JSON, of which only what differs from the one before it is read, and takes memory.

    Args:
        before: the Scene before it.
        data: all of the Scene, of any version.
        delta: what changes from the one before; see deltas.py.
        source: named in the error.

    Raises:
        SceneError: a field is wrong.
    """
    if "version" in delta or data.get("version") != SCENE_VERSION:  # a change of an older version may be of any field
        return scene_from_data(data, source)
    read = scene_from_data({"version": SCENE_VERSION, **{name: data[name] for name in delta}}, source)
    return before.model_copy(update={name: getattr(read, name) for name in delta})


def read_walk(path: Path) -> Walk:
    """Read a walk's file.

    Raises:
        WalkError: it cannot be read, or is none.
    """
    try:
        return walk_from_json(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise WalkError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise WalkError(f"{path} is no walk (it is not text).") from error


def write_walk(walk: Walk, path: Path) -> None:
    """Write a walk's file. All or nothing.

    Raises:
        WalkError: the place cannot be written to.
    """
    try:
        write_whole(path, lambda file: file.write(walk_to_json(walk).encode()))
    except OSError as error:
        raise WalkError(f"{path} cannot be written: {error.strerror}.") from error
