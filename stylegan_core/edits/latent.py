"""Edits of who is shown: the latent, and the classes of conditional models."""

import math
from typing import Any, Literal

from stylegan_core.edits.limits import STRENGTH_RANGE, clamp
from stylegan_core.scene import MAX_SEED, ROW, ClassWeight, Latent, Scene


def _latent(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"latent": scene.latent.model_copy(update=changes)})


def set_seed(scene: Scene, seed: int) -> Scene:
    """Go to the person with this seed (modulo 2**32)."""
    return _latent(scene, seed=int(seed) % (MAX_SEED + 1), x=0.0, y=0.0, projected=None, blend=())


def step_seed(scene: Scene, step: int) -> Scene:
    """Go `step` people on; from between two people to the whole position first reached."""
    between = scene.latent.x > 0 and step < 0  # the first whole position to the left is the seed's own
    return set_seed(scene, scene.latent.seed + step + between)


def move_on_plane(scene: Scene, dx: float, dy: float) -> Scene:
    """Move the latent over the seed plane; 1 is the distance from one person to the next."""
    if not (math.isfinite(dx) and math.isfinite(dy)):
        return scene
    x, y = scene.latent.x + dx, scene.latent.y + dy
    column, row = math.floor(x), math.floor(y)
    x, y = x - column, y - row
    if x >= 1.0:  # rounding: -1e-20 - floor(-1e-20) is 1.0
        x, column = 0.0, column + 1
    if y >= 1.0:
        y, row = 0.0, row + 1
    seed = (scene.latent.seed + column + row * ROW) % (MAX_SEED + 1)
    return _latent(scene, seed=seed, x=x, y=y, projected=None, blend=())


def set_latent(scene: Scene, latent: Latent) -> Scene:
    """Take over a whole latent."""
    return scene.model_copy(update={"latent": latent})


def set_space(scene: Scene, space: Literal["z", "w"]) -> Scene:
    """Blend between people in z or in w."""
    return _latent(scene, space=space)


def set_class_weight(scene: Scene, index: int, weight: float) -> Scene:
    """Give class `index` a share in the mix; 0 takes it out. The last one stays."""
    weights = {item.index: item.weight for item in scene.classes} | {index: clamp(weight, STRENGTH_RANGE)}
    kept = tuple(ClassWeight(index=i, weight=w) for i, w in sorted(weights.items()) if w > 0)
    return scene.model_copy(update={"classes": kept}) if kept else scene


def choose_class(scene: Scene, index: int) -> Scene:
    """This class alone."""
    return scene.model_copy(update={"classes": (ClassWeight(index=index),)})
