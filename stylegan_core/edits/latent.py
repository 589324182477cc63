"""Edits of who is shown: the latent, and the classes of conditional models."""

import math
from typing import Any, Literal

from stylegan_core.edits.limits import STRENGTH_RANGE, clamp
from stylegan_core.scene import MAX_BLENDS, MAX_SEED, MAX_SHARES, ROW, ClassWeight, Latent, Scene, Share, blend_depth


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
    """Move the latent over the seed plane; 1 is the distance from one person to the next.

    Somebody who is not on the plane (a blend, a projected face) moves in w by as much as people on it would.
    """
    if not (math.isfinite(dx) and math.isfinite(dy)):
        return scene
    latent = scene.latent
    moved = _moved(latent, dx, dy)
    place: dict[str, Any] = {"seed": moved.seed, "x": moved.x, "y": moved.y}
    if latent.projected is None and not latent.blend:
        return _latent(scene, **place)
    origin, whom = Latent(seed=latent.seed, x=latent.x, y=latent.y), _whom(latent)
    if len(latent.blend) > 2 and [share.weight for share in latent.blend[-2:]] == [1.0, -1.0]:
        origin, whom = latent.blend[-1].latent, latent.blend[:-2]  # it has been moved before
    if len(whom) + 2 > MAX_SHARES or blend_depth(whom) > MAX_BLENDS:
        return _latent(scene, **place, projected=None, blend=())
    way = (Share(latent=Latent(**place), weight=1.0), Share(latent=origin, weight=-1.0))
    return _latent(scene, **place, projected=None, space="w", blend=(*whom, *way))


def _whom(latent: Latent) -> tuple[Share, ...]:
    """The shares in w of somebody who is not on the seed plane."""
    return latent.blend if latent.blend and latent.space == "w" else (Share(latent=latent, weight=1.0),)


def _moved(latent: Latent, dx: float, dy: float) -> Latent:
    """The place on the seed plane that lies so far from a latent's."""
    x, y = latent.x + dx, latent.y + dy
    column, row = math.floor(x), math.floor(y)
    x, y = x - column, y - row
    if x >= 1.0:  # rounding: -1e-20 - floor(-1e-20) is 1.0
        x, column = 0.0, column + 1
    if y >= 1.0:
        y, row = 0.0, row + 1
    return Latent(seed=(latent.seed + column + row * ROW) % (MAX_SEED + 1), x=x, y=y)


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
