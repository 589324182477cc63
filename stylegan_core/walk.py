"""Walk: Scenes over time. Which Scene it is at a moment is a pure function of the walk, so that a walk is the same in
the window, in a video of any size and rate, and in a test.

Keys are Scenes at their times, with a way from each to the next. Clips are takes of what somebody did live, and lie
over keys. Curves move single parameters, over both.
"""

import math
from bisect import bisect_right
from operator import attrgetter
from typing import Annotated, Literal

from pydantic import Field

from stylegan_core.blending import Space, between, combine
from stylegan_core.errors import StyleScopeError
from stylegan_core.parameters import parameter
from stylegan_core.scene import Amount, Part, Scene
from stylegan_core.smoothing import smoothing_weights
from stylegan_core.ways import Ease, way

WALK_VERSION: Literal[1] = 1
LONGEST_S = 86400.0
HELD_S = 0.1  # a take's Scene that stood longer than this stood still; else it was on its way to the next

Seconds = Annotated[float, Field(ge=0, le=LONGEST_S, allow_inf_nan=False)]
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
    # How many style vectors or noisy layers the model has, where the parameter is one of these; 0: as Scenes have.
    count: Annotated[int, Field(ge=0, le=64)] = 0
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


def _keyed(walk: Walk, time_s: float) -> Scene:
    keys = walk.keys
    times, eases, paces = ([getattr(key, name) for key in keys] for name in ("time_s", "ease", "pace"))
    places, weights = way(times, eases, time_s, _period(walk), paces)
    scenes = [keys[place].scene for place in places]
    lead = 0 if len(places) < 4 else 1
    model = (scenes[lead].model.digest, scenes[lead].model.which)
    if len(places) == 4 and any((scene.model.digest, scene.model.which) != model for scene in scenes):
        # A spline has no way through a key of another model: this piece of it is straight.
        share = weights[2] + weights[3]
        scenes, weights, lead = scenes[1:3], (1 - share, share), 0
    return combine(scenes, weights, lead, walk.latents)


def _curved(scene: Scene, curve: Curve, time_s: float, walk: Walk) -> Scene:
    return parameter(curve.parameter, count=curve.count).set(scene, curve_value(curve, time_s, _period(walk)))


def curve_value(curve: Curve, time_s: float, period: float | None = None) -> float:
    """The value of a curve that has points, before its parameter's limits are kept.

    Args:
        curve: which.
        time_s: the moment; with a period, at least 0 and less than that.
        period: the walk's length where its end leads to its begin; None: it does not.
    """
    points = curve.points
    places, weights = way([point.time_s for point in points], [point.ease for point in points], time_s, period)
    return sum(points[place].value * weight for place, weight in zip(places, weights, strict=True))


def _period(walk: Walk) -> float | None:
    return walk.duration_s if walk.loop else None
