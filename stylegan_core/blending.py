"""Scenes between Scenes: the weighted mean of several, each of its numbers as its nature asks.

People become blends of one another, sizes are averaged by ratio, angles by the shorter way round, and what is missing
in one counts as having no effect there. What has no middle (models, seeds, modes, files) is one Scene's, the lead's.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Literal, TypeVar

from stylegan_core.edits.limits import (
    CHANNEL_GAIN_RANGE,
    GAIN_RANGE_DB,
    LOD_RANGE,
    OFFSET_RANGE,
    PSI_RANGE,
    SCALE_RANGE,
    SHEAR_RANGE,
    STRENGTH_RANGE,
    STYLE_RANGE,
    clamp,
    wrap_degrees,
)
from stylegan_core.scene import (
    MAX_BLENDS,
    MAX_EDITS,
    MAX_SHARES,
    ChannelGain,
    ClassWeight,
    Latent,
    Mix,
    Noise,
    Scene,
    Share,
    StyleEdit,
    Transform,
    Truncation,
    View,
    blend_depth,
)

Space = Literal["w", "z"]
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
HEAVIEST = 100.0  # of one share


def between(first: Scene, second: Scene, share: float, space: Space = "w") -> Scene:
    """The Scene at a share of the way from one to another; see `combine`."""
    return combine((first, second), (1 - share, share), 0, space)


def combine(scenes: Sequence[Scene], weights: Sequence[float], lead: int = 0, space: Space = "w") -> Scene:
    """The weighted mean of Scenes.

    Args:
        scenes: at least one. Where they are not all of one model, the lead stands for all.
        weights: one each, which sum to 1. They may lie outside 0 to 1, as a spline's do; results keep to their ranges.
        lead: whose models, seeds, modes and files it has, and what it looks at.
        space: whether people are blended in w, or on the sphere in z, where they have a z; see `Latent`.
    """
    first = scenes[lead]
    parts = [(scene, weight) for scene, weight in zip(scenes, weights, strict=True) if weight != 0]
    if any((scene.model.digest, scene.model.which) != (first.model.digest, first.model.which) for scene, _ in parts):
        return first
    if all(scene == parts[0][0] for scene, _ in parts):
        return first if first == parts[0][0] or not parts else parts[0][0]
    scenes, weights = [scene for scene, _ in parts], [weight for _, weight in parts]
    return first.model_copy(
        update={
            "latent": blend([scene.latent for scene in scenes], weights, first.latent, space),
            "classes": _classes([scene.classes for scene in scenes], weights),
            "mixing": _mixing([scene.mixing for scene in scenes], weights, first.mixing, space),
            "truncation": _truncation([scene.truncation for scene in scenes], weights, first.truncation),
            "noise": _noise([scene.noise for scene in scenes], weights, first.noise),
            "transform": _transform([scene.transform for scene in scenes], weights, first.transform),
            "channels": _channels([scene.channels for scene in scenes], weights),
            "styles": _styles([scene.styles for scene in scenes], weights),
            "view": _view([scene.view for scene in scenes], weights, first.view),
            "lod": _mean([scene.lod for scene in scenes], weights, LOD_RANGE),
        }
    )


def blend(latents: Sequence[Latent], weights: Sequence[float], lead: Latent, space: Space) -> Latent:
    """The blend of latents; the lead's place on the seed plane is where somebody would go on from."""
    if all(latent == latents[0] for latent in latents):
        return latents[0]
    shares: dict[Latent, float] = {}
    for latent, weight in _unfolded(latents, weights, space):
        shares[latent] = shares.get(latent, 0.0) + weight
    if len(shares) > MAX_SHARES:
        heaviest = sorted(shares, key=lambda latent: -abs(shares[latent]))[:MAX_SHARES]
        left = sum(shares[latent] for latent in heaviest)
        shares = {latent: shares[latent] / left for latent in heaviest} if left else dict.fromkeys(heaviest[:1], 1.0)
    found = tuple(Share(latent=latent, weight=clamp(w, (-HEAVIEST, HEAVIEST))) for latent, w in shares.items() if w)
    if len(found) == 1:
        return found[0].latent
    return lead.model_copy(update={"projected": None, "space": space, "blend": found})


def _unfolded(latents: Sequence[Latent], weights: Sequence[float], space: Space) -> Iterable[tuple[Latent, float]]:
    """Latents with their weights: in w a blend's parts stand for it; in z only where they lie too deep."""
    for latent, weight in zip(latents, weights, strict=True):
        inside = latent.space == "w" if space == "w" else blend_depth(latent.blend) >= MAX_BLENDS
        if latent.blend and inside:
            yield from ((share.latent, share.weight * weight) for share in latent.blend)
        else:
            yield latent, weight


def _mean(
    values: Sequence[float], weights: Sequence[float], limits: tuple[float, float] = (-math.inf, math.inf)
) -> float:
    if all(value == values[0] for value in values):
        return values[0]  # exactly
    return clamp(sum(value * weight for value, weight in zip(values, weights, strict=True)), limits)


def _angle(degrees: Sequence[float], weights: Sequence[float], lead: float) -> float:
    """The mean in (-180, 180], by the shorter way round from the lead's."""
    ways = [(value - lead + 180) % 360 - 180 for value in degrees]
    return wrap_degrees(lead + _mean(ways, weights))


def _longest(values: Sequence[tuple[float, ...]]) -> int:
    return max(map(len, values), default=0)


def _curves(
    values: Sequence[tuple[float, ...]], weights: Sequence[float], without: Sequence[float], limits: tuple[float, float]
) -> tuple[float, ...]:
    """The mean of numbers for each layer; an empty one has `without` for each."""
    count = _longest(values)
    full = [each if len(each) == count else (instead,) * count for each, instead in zip(values, without, strict=True)]
    return tuple(_mean(column, weights, limits) for column in zip(*full, strict=True))


def _by_key(
    items: Sequence[dict[K, float]], weights: Sequence[float], without: float, limits: tuple[float, float]
) -> dict[K, float]:
    """The mean of numbers by key; who has no such key has `without`. What comes to that is left out."""
    keys = dict.fromkeys(key for each in items for key in each)
    means = {key: _mean([each.get(key, without) for each in items], weights, limits) for key in keys}
    return {key: mean for key, mean in means.items() if mean != without}


def _classes(classes: Sequence[tuple[ClassWeight, ...]], weights: Sequence[float]) -> tuple[ClassWeight, ...]:
    if all(each == classes[0] for each in classes):
        return classes[0]

    def shares(items: tuple[ClassWeight, ...]) -> dict[int, float]:
        found: dict[int, float] = {}
        for item in items or (ClassWeight(index=0),):
            found[item.index] = found.get(item.index, 0.0) + item.weight
        total = sum(found.values())
        return {index: weight / total for index, weight in found.items()} if total else found

    means = _by_key([shares(each) for each in classes], weights, 0.0, STRENGTH_RANGE)
    return tuple(ClassWeight(index=index, weight=weight) for index, weight in sorted(means.items()))


def _mixing(
    mixing: Sequence[tuple[Mix, ...]], weights: Sequence[float], lead: tuple[Mix, ...], space: Space
) -> tuple[Mix, ...]:
    """Who is missing somewhere has no influence there."""
    if all(each == mixing[0] for each in mixing):
        return mixing[0]
    mixed = []
    for place in range(max(map(len, mixing))):
        there = [(each[place], weight) for each, weight in zip(mixing, weights, strict=True) if place < len(each)]
        total = sum(weight for _, weight in there)
        latents = [mix.latent for mix, _ in there]
        whose = lead[place].latent if place < len(lead) else latents[0]
        shares = [weight / total for _, weight in there] if total else [1.0, *[0.0] * (len(there) - 1)]
        amounts = [each[place].amounts if place < len(each) else () for each in mixing]
        means = _curves(amounts, weights, [0.0] * len(mixing), (0.0, 1.0))
        mixed.append(Mix(latent=blend(latents, shares, whose, space), amounts=means))
    return tuple(mixed)


def _truncation(truncations: Sequence[Truncation], weights: Sequence[float], lead: Truncation) -> Truncation:
    psis = [each.psi for each in truncations]
    layers = _curves([each.layers for each in truncations], weights, psis, PSI_RANGE)
    return lead.model_copy(update={"psi": _mean(psis, weights, PSI_RANGE), "layers": layers})


def _noise(noises: Sequence[Noise], weights: Sequence[float], lead: Noise) -> Noise:
    changes: dict[str, object] = {
        "angle": _angle([each.angle for each in noises], weights, lead.angle),
        "strength": _mean([each.strength for each in noises], weights, STRENGTH_RANGE),
        "layers": _curves([each.layers for each in noises], weights, [1.0] * len(noises), STRENGTH_RANGE),
    }
    return lead.model_copy(update=changes)


def _transform(transforms: Sequence[Transform], weights: Sequence[float], lead: Transform) -> Transform:
    def mean(get: Callable[[Transform], float], limits: tuple[float, float]) -> float:
        return _mean([get(each) for each in transforms], weights, limits)

    logs = (math.log(SCALE_RANGE[0]), math.log(SCALE_RANGE[1]))
    scales = [each.scale for each in transforms]
    scale = scales[0] if len(set(scales)) == 1 else math.exp(mean(lambda each: math.log(each.scale), logs))
    return lead.model_copy(
        update={
            "x": mean(lambda each: each.x, OFFSET_RANGE),
            "y": mean(lambda each: each.y, OFFSET_RANGE),
            "rotation": _angle([each.rotation for each in transforms], weights, lead.rotation),
            "scale": clamp(scale, SCALE_RANGE, 1.0),
            "shear": mean(lambda each: each.shear, SHEAR_RANGE),
        }
    )


def _channels(items: Sequence[tuple[ChannelGain, ...]], weights: Sequence[float]) -> tuple[ChannelGain, ...]:
    if all(each == items[0] for each in items):
        return items[0]
    gains = [{(item.layer, item.channel): item.gain for item in each} for each in items]
    means = _by_key(gains, weights, 1.0, CHANNEL_GAIN_RANGE)
    return tuple(ChannelGain(layer=layer, channel=c, gain=gain) for (layer, c), gain in means.items())[:MAX_EDITS]


def _styles(items: Sequence[tuple[StyleEdit, ...]], weights: Sequence[float]) -> tuple[StyleEdit, ...]:
    if all(each == items[0] for each in items):
        return items[0]
    moved = [{(item.layer, item.channel): item.amount for item in each} for each in items]
    means = _by_key(moved, weights, 0.0, STYLE_RANGE)
    return tuple(StyleEdit(layer=layer, channel=c, amount=amount) for (layer, c), amount in means.items())[:MAX_EDITS]


def _view(views: Sequence[View], weights: Sequence[float], lead: View) -> View:
    return lead.model_copy(update={"gain_db": _mean([each.gain_db for each in views], weights, GAIN_RANGE_DB)})
