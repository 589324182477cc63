"""Walks that nobody has to draw: people at random, loops at a constant speed, a circle of noise."""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.latent import scene_ws
from stylegan_core.ops import Poll, no_poll
from stylegan_core.render import Renderer
from stylegan_core.scene import MAX_SEED, Latent, Scene, only_picture
from stylegan_core.walk import Key, Walk, scene_at
from stylegan_core.watch import Progress, untold

Distance = Literal["w", "pictures"]
TURNS = 4  # of measuring
PIECES = {"w": 128, "pictures": 32}  # that the way from one person to the next is measured in
COARSEST_PX = 4  # the last octave in which pictures are compared
SAME = 1e-9  # shorter ways are none
MANY, PEOPLE = 256, 1_000_000  # in a walk at most, and to choose from: seeds short enough to say aloud


def random_walk(base: Scene, count: int, seconds: float, seed: int, loop: bool = True) -> Walk:
    """A walk past people at random, on a smooth way through them all; all else stays as in `base`.

    Args:
        base: what is shown: model, truncation, noise and so on.
        count: how many people, 2 to 256.
        seconds: how long it takes.
        seed: another one, other people.
        loop: whether it ends where it begins; else the last person stands at its end.
    """
    count = min(max(int(count), 2), MANY)
    drawn = np.random.RandomState(int(seed) % (MAX_SEED + 1)).choice(PEOPLE, count, replace=False)
    step = seconds / (count if loop else count - 1)
    scene = only_picture(base)
    people = (scene.model_copy(update={"latent": Latent(seed=int(person))}) for person in drawn)
    keys = tuple(Key(time_s=number * step, scene=each, ease="cubic") for number, each in enumerate(people))
    return Walk(duration_s=seconds, keys=keys, loop=loop)


def noise_circle(base: Scene, seconds: float, seed: int) -> Walk:
    """A loop through random noise about one person: hair, pores and background stir, the face stays.

    It goes round the circle that two seeds span, on which every map is as good as one drawn at random.
    """
    seed = int(seed) % (MAX_SEED + 1)
    noise = only_picture(base).noise.model_copy(
        update={"mode": "random", "seed": seed, "other": (seed + 1) % (MAX_SEED + 1), "strokes": (), "reseeded": ()}
    )
    thirds = (0.0, 120.0, -120.0)  # each to the next by the shorter way round
    keys = tuple(
        Key(
            time_s=number * seconds / 3,
            scene=only_picture(base).model_copy(update={"noise": noise.model_copy(update={"angle": angle})}),
            ease="linear",
        )
        for number, angle in enumerate(thirds)
    )
    return Walk(duration_s=seconds, keys=keys, loop=True)


def steady(
    walk: Walk,
    renderer: Renderer,
    distance: Distance = "w",
    poll: Poll = no_poll,
    progress: Progress = untold,
) -> Walk:
    """A walk past the same keys in the same time, at a constant speed.

    Keys move to when they are reached, and the ways between them get a pace, so that equal times are equal distances
    (as finely as it is measured: each way in 128 pieces in w, in 32 between pictures).

    Args:
        walk: with at least two keys. Clips and curves stay as they are.
        renderer: of their model.
        distance: in style vectors after truncation, all that the synthesis network is given of them; or between
            pictures, compared in octaves from fine to coarse.
        poll: called between pieces of the work; may raise to drop it.
        progress: told the share done.

    Raises:
        StyleScopeError: a picture cannot be made, or the model is not there.
    """
    if len(walk.keys) < 2:
        return walk
    measure = _measure(renderer, distance, poll)
    way = walk.model_copy(update={"clips": (), "curves": (), "keys": tuple(_plain(key) for key in walk.keys)})
    pieces: list[list[float]] = []
    for turn in range(TURNS):  # a spline's way depends on when its keys are reached, so that they settle by and by
        pieces = []
        for number in range(len(_ways(way))):
            pieces.append(_lengths(way, number, measure, PIECES[distance]))
            progress((turn + (number + 1) / len(_ways(way))) / TURNS)
        if turn + 1 < TURNS:
            way = _timed(way, [sum(each) for each in pieces])
    keys = (
        key.model_copy(update={"time_s": at.time_s, "pace": _pace(pieces[number]) if number < len(pieces) else ()})
        for number, (key, at) in enumerate(zip(walk.keys, way.keys, strict=True))
    )
    return walk.model_copy(update={"keys": tuple(keys)})


def _lengths(way: Walk, number: int, measure: "Measure", count: int) -> list[float]:
    """How long the pieces of one way are."""
    start, end = _ways(way)[number]
    seen = [measure(scene_at(way, start + (end - start) * piece / count)) for piece in range(count)]
    # The last piece ends at the next key, whatever stands at its time.
    seen.append(measure(way.keys[(number + 1) % len(way.keys)].scene))
    return [_between(a, b) for a, b in pairwise(seen)]


def _timed(way: Walk, lengths: Sequence[float]) -> Walk:
    """The way with its keys reached after times as their distances are."""
    whole = sum(lengths)
    if whole <= SAME:
        return way
    first, span = way.keys[0].time_s, sum(end - start for start, end in _ways(way))
    arrivals = [first, *(first + span * part / whole for part in accumulate(lengths))]
    keys = (key.model_copy(update={"time_s": at}) for key, at in zip(way.keys, arrivals, strict=False))
    return way.model_copy(update={"keys": tuple(keys)})


def _plain(key: Key) -> Key:
    """The key with a way whose share of it is its share of time, where it is not a spline."""
    return key.model_copy(update={"pace": (), "ease": key.ease if key.ease == "cubic" else "linear"})


def _ways(walk: Walk) -> Sequence[tuple[float, float]]:
    """From when to when the ways between keys are."""
    times = [key.time_s for key in walk.keys]
    if len(times) < 2:
        return ()
    return tuple(pairwise([*times, times[0] + walk.duration_s] if walk.loop else times))


def _pace(pieces: Sequence[float]) -> tuple[float, ...]:
    """Which share of a way is reached at even moments, if its pieces are so long and it is gone at one speed."""
    reached = [0.0, *accumulate(pieces)]
    if reached[-1] <= SAME:
        return ()
    moments = np.linspace(0.0, reached[-1], len(pieces) + 1)
    shares = np.interp(moments, reached, np.linspace(0.0, 1.0, len(pieces) + 1))
    return tuple(round(float(share), 6) for share in np.clip(shares, 0.0, 1.0))


Measure = Callable[[Scene], Sequence[Tensor]]


def _between(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    return math.sqrt(sum(float((x - y).square().mean()) for x, y in zip(a, b, strict=True)))


def _measure(renderer: Renderer, distance: Distance, poll: Poll) -> Measure:
    """What of a Scene is compared with another's: tensors whose mean squared differences are added."""

    @torch.inference_mode()
    def styles(scene: Scene) -> Sequence[Tensor]:
        poll()
        model = renderer.models.get(scene.model)
        return [scene_ws(scene, model).double()]

    @torch.inference_mode()
    def pictures(scene: Scene) -> Sequence[Tensor]:
        octaves = [renderer.image(scene, poll)[None].clamp(-1, 1).double()]
        while min(octaves[-1].shape[2:]) >= 2 * COARSEST_PX:
            octaves.append(F.avg_pool2d(octaves[-1], 2))
        return octaves

    return styles if distance == "w" else pictures
