"""Edits of the noise inputs."""

from typing import Any, Literal

from stylegan_core.edits.limits import STRENGTH_RANGE, clamp, replaced
from stylegan_core.scene import MAX_SEED, LayerSeed, Noise, Scene


def _noise(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"noise": scene.noise.model_copy(update=changes)})


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


def set_noise_strength(scene: Scene, strength: float) -> Scene:
    """Set the overall strength, a factor on what the model learned."""
    return _noise(scene, strength=clamp(strength, STRENGTH_RANGE))


def set_layer_noise(scene: Scene, layer: int, strength: float, count: int) -> Scene:
    """Set one more factor for one of the `count` layers that take noise."""
    layers = scene.noise.layers or (1.0,) * count
    return _noise(scene, layers=replaced(layers, layer, clamp(strength, STRENGTH_RANGE)))


def reseed_layer(scene: Scene, layer: int, seed: int | None) -> Scene:
    """Give one layer a random noise map of its own; None gives back the one of the mode."""
    kept = tuple(item for item in scene.noise.reseeded if item.layer != layer)
    if seed is not None:
        kept = (*kept, LayerSeed(layer=layer, seed=int(seed) % (MAX_SEED + 1)))
    return _noise(scene, reseeded=tuple(sorted(kept, key=lambda item: item.layer)))


def reset_noise(scene: Scene) -> Scene:
    """Noise as a new Scene has it."""
    return scene.model_copy(update={"noise": Noise()})
