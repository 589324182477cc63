"""Edits of truncation: psi, its curve over the layers, where it is drawn to."""

from collections.abc import Callable
from typing import Any, Literal

from stylegan_core.card import Band, ModelCard
from stylegan_core.edits.limits import CENTRES_RANGE, CUTOFF_RANGE, PSI_RANGE, RUNGS_RANGE, clamp, replaced
from stylegan_core.scene import Scene, Truncation

Curve = Callable[[Band, float], float]


def _only(band: Band) -> Curve:
    return lambda of, place: float(of == band)


# Curves over the layers: from a style vector's band and its place, 0 the first and 1 the last, how much of the overall
# truncation it takes, 0 (none) to 1 (all).
TRUNCATION_PRESETS: dict[str, Curve] = {
    "Flat": lambda band, place: 1.0,
    "Coarse only": _only("coarse"),
    "Middle only": _only("middle"),
    "Fine only": _only("fine"),
    "Strong to free": lambda band, place: 1.0 - place,
    "Free to strong": lambda band, place: place,
}


def _truncation(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"truncation": scene.truncation.model_copy(update=changes)})


def set_psi(scene: Scene, psi: float) -> Scene:
    """Set the overall psi. A curve over the layers moves along with its shape.

    Both go as far as the curve's own ends allow, so that moving back restores it.
    """
    psi, layers = clamp(psi, PSI_RANGE), scene.truncation.layers
    if not layers:
        return _truncation(scene, psi=psi)
    wanted = psi - scene.truncation.psi
    shift = min(max(wanted, PSI_RANGE[0] - min(layers)), PSI_RANGE[1] - max(layers))
    return _truncation(
        scene,
        psi=psi if shift == wanted else clamp(scene.truncation.psi + shift, PSI_RANGE),  # as typed, not rounded
        layers=tuple(clamp(layer + shift, PSI_RANGE) for layer in layers),
    )


def set_layer_psi(scene: Scene, layer: int, psi: float, num_ws: int) -> Scene:
    """Set psi of one style vector."""
    layers = scene.truncation.layers or (scene.truncation.psi,) * num_ws
    return _truncation(scene, layers=replaced(layers, layer, clamp(psi, PSI_RANGE)))


def set_cutoff(scene: Scene, cutoff: int | None) -> Scene:
    """Leave style vectors from `cutoff` on untruncated; None truncates all."""
    return _truncation(scene, cutoff=None if cutoff is None else int(clamp(cutoff, CUTOFF_RANGE)))


def truncation_preset(scene: Scene, name: str, card: ModelCard) -> Scene:
    """Apply one of TRUNCATION_PRESETS: the overall psi where its curve is 1, no truncation (1) where it is 0."""
    psi, last = scene.truncation.psi, max(card.num_ws - 1, 1)
    shares = [TRUNCATION_PRESETS[name](card.slot_band(i), i / last) for i in range(card.num_ws)]
    if all(share == 1 for share in shares):
        return _truncation(scene, layers=(), cutoff=None)
    layers = tuple(psi if share == 1 else 1 + share * (psi - 1) for share in shares)
    return _truncation(scene, layers=layers, cutoff=None)


def set_towards(scene: Scene, towards: Literal["mean", "class", "nearest"]) -> Scene:
    """Truncate towards the mean seen in training, that of the classes chosen, or the nearest of several centres."""
    return _truncation(scene, towards=towards)


def set_centres(scene: Scene, centres: float) -> Scene:
    """How many centres there are, where truncation is towards the nearest."""
    return _truncation(scene, centres=round(clamp(centres, CENTRES_RANGE, CENTRES_RANGE[0])))


def reset_truncation(scene: Scene) -> Scene:
    """Truncation as a new Scene has it."""
    return scene.model_copy(update={"truncation": Truncation()})


def set_ladder_first(scene: Scene, psi: float) -> Scene:
    """Let the ladder of psi begin here."""
    return _ladder(scene, first=clamp(psi, PSI_RANGE))


def set_ladder_last(scene: Scene, psi: float) -> Scene:
    """Let the ladder of psi end here."""
    return _ladder(scene, last=clamp(psi, PSI_RANGE))


def set_rungs(scene: Scene, count: int) -> Scene:
    """How many pictures the ladder of psi has."""
    return _ladder(scene, rungs=int(clamp(count, RUNGS_RANGE)))


def _ladder(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"ladder": scene.ladder.model_copy(update=changes)})
