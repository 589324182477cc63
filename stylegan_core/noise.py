"""The noise inputs: from the Scene's words to the map that a layer adds (StyleGAN, section 3.2).

A layer's map is the trained one or a random one, with the layer's strokes painted over it, times the Scene's strengths.
Mode "none", like a strength of 0, means no noise: nothing is painted on what is not there.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from stylegan_core.scene import LayerSeed, Noise, Stroke
from stylegan_core.strokes import painted

# Called with a layer's place among the layers that take noise, and its trained map [H, W];
# gives the map to add, before the learned strength, or None for no noise: [1, 1, H, W] from a Scene, where all pictures
# have the same; in training [N, 1, H, W].
NoiseMap = Callable[[int, Tensor], Tensor | None]


def trained_map(layer: int, const: Tensor) -> Tensor:
    """The NoiseMap of the maps that training left."""
    del layer
    return const[None, None]


NoiseLike = Noise | str | int  # Noise, or "const", "none", or a seed


def random_map(seed: int, layer: int, height: int, width: int | None = None) -> Tensor:
    """Unit normal noise [1, 1, height, width], square by default, the same for (seed, layer) whatever the device."""
    generator = torch.Generator().manual_seed(seed * 64 + layer)
    return torch.randn(1, 1, height, height if width is None else width, generator=generator)


def as_noise(noise: NoiseLike) -> Noise:
    """The Scene's Noise for "const", "none" or a seed."""
    if isinstance(noise, Noise):
        return noise
    if noise == "const":
        return Noise()
    if noise == "none":
        return Noise(mode="none")
    if isinstance(noise, int):
        return Noise(mode="random", seed=noise)
    raise ValueError(f"noise is {noise!r}; it may be 'const', 'none', a seed or a Noise.")


def layer_strength(noise: Noise, layer: int) -> float:
    """The factor on what one layer learned; 0: no noise. The layer is counted among those that take noise."""
    if noise.mode == "none":
        return 0.0
    return noise.strength * (noise.layers[layer] if layer < len(noise.layers) else 1.0)


def layer_source(noise: Noise, layer: int) -> LayerSeed:
    """Where one layer's map comes from: of its own, or as the mode has it. Without a seed it is the trained map."""
    own = next((item for item in noise.reseeded if item.layer == layer), None)
    if own is not None:
        return own
    seed = noise.seed if noise.mode == "random" else None
    return LayerSeed(layer=layer, seed=seed, other=noise.other, angle=noise.angle)


def _drawn(source: LayerSeed, height: int, width: int) -> Tensor:
    """The random map of a source that has a seed: [1, 1, height, width]."""
    assert source.seed is not None
    values = random_map(source.seed, source.layer, height, width)
    if source.angle == 0:
        return values
    angle = math.radians(source.angle)
    return math.cos(angle) * values + math.sin(angle) * random_map(source.other, source.layer, height, width)


def layer_strokes(noise: Noise, layer: int) -> tuple[Stroke, ...]:
    """What is painted over one layer's map, in order."""
    return tuple(stroke for stroke in noise.strokes if stroke.layer == layer)


def noise_maps(noise: NoiseLike) -> NoiseMap:
    """The maps that a Scene's noise asks for."""
    noise = as_noise(noise)

    def layer_map(layer: int, const: Tensor) -> Tensor | None:
        strength = layer_strength(noise, layer)
        if strength == 0:
            return None
        source = layer_source(noise, layer)
        values = const[None, None] if source.seed is None else _drawn(source, *const.shape).to(const.device)
        values = painted(values, layer_strokes(noise, layer))
        return values if strength == 1 else values * strength

    return layer_map


def layer_key(noise: Noise, layer: int) -> tuple[object, ...]:
    """All that decides one layer's map: equal keys, equal maps."""
    strength = layer_strength(noise, layer)
    if strength == 0:
        return ("none",)
    source = layer_source(noise, layer)
    circle = (source.other, source.angle) if source.angle else None
    drawn = "const" if source.seed is None else (source.seed, circle)
    return (drawn, strength, *layer_strokes(noise, layer))
