"""Edits of the noise inputs."""

import math
from collections.abc import Collection, Sequence
from typing import Any, Literal

import numpy as np

from stylegan_core.edits.limits import (
    BRUSH_RADIUS_RANGE,
    BRUSH_VALUE_RANGE,
    STRENGTH_RANGE,
    clamp,
    replaced,
    wrap_degrees,
)
from stylegan_core.noise import layer_source, layer_strength
from stylegan_core.scene import MAX_POINTS, MAX_SEED, MAX_STROKES, LayerSeed, Noise, Scene, Stroke


def _noise(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"noise": scene.noise.model_copy(update=changes)})


def _reseeded(scene: Scene, layer: int, own: LayerSeed | None) -> Scene:
    kept = [item for item in scene.noise.reseeded if item.layer != layer]
    items = kept if own is None else [*kept, own]
    return _noise(scene, reseeded=tuple(sorted(items, key=lambda item: item.layer)))


def set_noise_mode(scene: Scene, mode: Literal["const", "none", "random"]) -> Scene:
    """Which noise maps are used: the trained ones, none, or random ones."""
    return _noise(scene, mode=mode)


def next_noise_mode(scene: Scene) -> Scene:
    """From "const" to "none" to "random" and round again."""
    modes: tuple[Literal["const", "none", "random"], ...] = ("const", "none", "random")
    return set_noise_mode(scene, modes[(modes.index(scene.noise.mode) + 1) % len(modes)])


def set_noise_seed(scene: Scene, seed: int) -> Scene:
    """Choose the random noise maps."""
    return _noise(scene, seed=int(seed) % (MAX_SEED + 1))


def set_noise_angle(scene: Scene, degrees: float) -> Scene:
    """Go round on the circle of random maps; any number of whole turns is none."""
    return _noise(scene, angle=wrap_degrees(degrees))


def set_noise_other(scene: Scene, seed: int) -> Scene:
    """Choose the maps that stand at 90 degrees on the circle of random maps."""
    return _noise(scene, other=int(seed) % (MAX_SEED + 1))


def set_noise_strength(scene: Scene, strength: float) -> Scene:
    """Set the overall strength, a factor on what the model learned."""
    return _noise(scene, strength=clamp(strength, STRENGTH_RANGE))


def set_layer_noise(scene: Scene, layer: int, strength: float, count: int) -> Scene:
    """Set one more factor for one of the `count` layers that take noise."""
    layers = scene.noise.layers or (1.0,) * count
    return _noise(scene, layers=replaced(layers, layer, clamp(strength, STRENGTH_RANGE)))


def reseed_layer(scene: Scene, layer: int, seed: int | None) -> Scene:
    """Give one layer a random noise map of its own; None gives back the one of the mode."""
    return _reseeded(scene, layer, None if seed is None else LayerSeed(layer=layer, seed=int(seed) % (MAX_SEED + 1)))


def keep_trained(scene: Scene, layer: int) -> Scene:
    """Give one layer the map that training left, whatever the mode has for the others."""
    return _reseeded(scene, layer, LayerSeed(layer=layer, seed=None))


def reset_noise(scene: Scene) -> Scene:
    """Noise as a new Scene has it."""
    return scene.model_copy(update={"noise": Noise()})


# -- painting ----------------------------------------------------------------------------------------------------------


def begin_stroke(
    scene: Scene, layer: int, point: tuple[float, float], radius: float, value: float, mode: Literal["add", "set"]
) -> Scene:
    """Put the brush on one layer's map, at a point (x, y) from the picture's top left (0) to 1; see `Stroke`.

    A Scene that holds no more strokes comes back as it is, and so does one for a point that is no number: whoever
    drags begins nothing then, and extends nothing.
    """
    at = _on_map(point)
    if at is None or len(scene.noise.strokes) == MAX_STROKES:
        return scene
    stroke = Stroke(
        layer=layer,
        points=(at,),
        radius=clamp(radius, BRUSH_RADIUS_RANGE, BRUSH_RADIUS_RANGE[0]),
        value=clamp(value, BRUSH_VALUE_RANGE),
        mode=mode,
    )
    return _noise(scene, strokes=(*scene.noise.strokes, stroke))


def extend_stroke(scene: Scene, point: tuple[float, float]) -> Scene:
    """Draw the newest stroke on to a point.

    The stroke always ends where the hand is; of what came before, points nearer to each other than a quarter of the
    radius are left out. A stroke that is full goes on in a new one from its last point, which paints as one line with
    it; where there is no room for another, it ends.
    """
    at = _on_map(point)
    if at is None or not scene.noise.strokes:
        return scene
    *others, stroke = scene.noise.strokes
    points = stroke.points
    if len(points) > 1 and math.dist(points[-2], points[-1]) < stroke.radius / 4:
        points = points[:-1]
    if points[-1] != at:
        points = (*points, at)
    if len(points) <= MAX_POINTS:
        return _noise(scene, strokes=(*others, _with_points(stroke, points)))
    if len(scene.noise.strokes) == MAX_STROKES:
        return scene
    return _noise(scene, strokes=(*scene.noise.strokes, _with_points(stroke, points[-2:])))


def clear_strokes(scene: Scene, layer: int | None) -> Scene:
    """Take off what was painted on one layer's map; None: on all."""
    kept = () if layer is None else tuple(stroke for stroke in scene.noise.strokes if stroke.layer != layer)
    return _noise(scene, strokes=kept)


def _on_map(point: tuple[float, float]) -> tuple[float, float] | None:
    if any(math.isnan(value) for value in point):
        return None
    return clamp(point[0], (0.0, 1.0)), clamp(point[1], (0.0, 1.0))


def _with_points(stroke: Stroke, points: tuple[tuple[float, float], ...]) -> Stroke:
    return stroke.model_copy(update={"points": points})


# -- transplanting -----------------------------------------------------------------------------------------------------


def transplant_noise(scene: Scene, other: Noise, layers: Collection[int], count: int) -> Scene:
    """Give some layers the noise of another Scene, for the same model: map, strength and strokes, exactly.

    The layers that are not named keep what they add. Where one overall strength cannot serve both, it is folded into
    the layers' factors; where this Scene has no noise, the others get the factor 0.

    Args:
        scene: to change. It comes back as it is where it would hold too many strokes.
        other: where the noise comes from.
        layers: counted among those that take noise; what the model does not have is left out.
        count: how many layers take noise.
    """
    noise, chosen = scene.noise, sorted({layer for layer in layers if 0 <= layer < count})
    wanted = [layer_strength(other if layer in chosen else noise, layer) for layer in range(count)]
    strokes = tuple(stroke for stroke in noise.strokes if stroke.layer not in chosen)
    strokes += tuple(stroke for stroke in other.strokes if stroke.layer in chosen)
    silent = noise.mode == "none" and not any(wanted)
    if not chosen or silent or len(strokes) > MAX_STROKES:
        return scene
    scene = _noise(scene, strokes=strokes, mode="const" if noise.mode == "none" else noise.mode)
    for layer in chosen:
        source = layer_source(other, layer)
        # Where the mode itself has the trained map, it is none.
        own = source.seed is not None or scene.noise.mode == "random"
        scene = _reseeded(scene, layer, source if own else None)
    return _with_strengths(scene, wanted)


def _with_strengths(scene: Scene, wanted: Sequence[float]) -> Scene:
    """The overall strength and the layers' factors whose products are the wanted strengths.

    The overall strength stays if it can. Powers of two divide without rounding; 10 serves strengths up to 100.
    """
    noise = scene.noise
    own = noise.layers if len(noise.layers) == len(wanted) else (1.0,) * len(wanted)
    for overall in (noise.strength, 1.0, 2.0, 4.0, 8.0, STRENGTH_RANGE[1]):
        factors = tuple(
            old if overall * old == strength else (strength / overall if overall else math.inf)
            for old, strength in zip(own, wanted, strict=True)
        )
        if all(_is_product(strength, overall, factor) for strength, factor in zip(wanted, factors, strict=True)):
            break
    return _noise(
        scene,
        strength=overall,
        layers=noise.layers if factors == own else tuple(clamp(factor, STRENGTH_RANGE) for factor in factors),
    )


def _is_product(strength: float, overall: float, factor: float) -> bool:
    """Whether the two make the strength, in the precision of the maps that are multiplied by it."""
    if factor > STRENGTH_RANGE[1]:
        return False
    product = overall * factor
    return np.float32(product) == np.float32(strength) and (product == 0) == (strength == 0)
