"""Edits of truncation: psi, its curve over the layers, where it is drawn to."""

from typing import Any

from stylegan_core.card import Band, ModelCard
from stylegan_core.edits.limits import CUTOFF_RANGE, PSI_RANGE, clamp, replaced
from stylegan_core.scene import Scene, Truncation

TRUNCATION_PRESETS: dict[str, frozenset[Band]] = {
    "Flat": frozenset({"coarse", "middle", "fine"}),
    "Coarse only": frozenset({"coarse"}),
    "Fine only": frozenset({"fine"}),
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
    """Apply one of TRUNCATION_PRESETS: the overall psi on the bands it names, 1 (no truncation) elsewhere."""
    bands = TRUNCATION_PRESETS[name]
    if len(bands) == 3:
        return _truncation(scene, layers=(), cutoff=None)
    layers = tuple(scene.truncation.psi if card.slot_band(i) in bands else 1.0 for i in range(card.num_ws))
    return _truncation(scene, layers=layers, cutoff=None)


def reset_truncation(scene: Scene) -> Scene:
    """Truncation as a new Scene has it."""
    return scene.model_copy(update={"truncation": Truncation()})
