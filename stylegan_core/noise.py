"""The noise inputs: from the Scene's words to the map that a layer adds (StyleGAN, section 3.2)."""

from collections.abc import Callable

import torch
from torch import Tensor

from stylegan_core.scene import Noise

# Called with a layer's place among the layers that take noise, and its trained map [H, W];
# gives the map to add [1, 1, H, W], before the learned strength, or None for no noise.
NoiseMap = Callable[[int, Tensor], Tensor | None]


def trained_map(layer: int, const: Tensor) -> Tensor:
    """The NoiseMap of the maps that training left."""
    del layer
    return const[None, None]


NoiseLike = Noise | str | int  # Noise, or "const", "none", or a seed


def random_map(seed: int, layer: int, resolution: int) -> Tensor:
    """Unit normal noise [1, 1, resolution, resolution], the same for (seed, layer) whatever the device."""
    generator = torch.Generator().manual_seed(seed * 64 + layer)
    return torch.randn(1, 1, resolution, resolution, generator=generator)


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


def _source(noise: Noise, layer: int) -> tuple[int | None, float] | None:
    """One layer's map: its seed (None: the trained map) and its strength; None for no noise."""
    strength = noise.strength * (noise.layers[layer] if layer < len(noise.layers) else 1.0)
    if noise.mode == "none" or strength == 0:
        return None
    seed = next((item.seed for item in noise.reseeded if item.layer == layer), None)
    if seed is None and noise.mode == "random":
        seed = noise.seed
    return seed, strength


def noise_maps(noise: NoiseLike) -> NoiseMap:
    """The maps that a Scene's noise asks for."""
    noise = as_noise(noise)

    def layer_map(layer: int, const: Tensor) -> Tensor | None:
        source = _source(noise, layer)
        if source is None:
            return None
        seed, strength = source
        values = const[None, None] if seed is None else random_map(seed, layer, const.shape[-1]).to(const.device)
        return values if strength == 1 else values * strength

    return layer_map


def layer_key(noise: Noise, layer: int) -> tuple[object, ...]:
    """All that decides one layer's map: equal keys, equal maps."""
    source = _source(noise, layer)
    if source is None:
        return ("none",)
    seed, strength = source
    return ("const" if seed is None else seed, strength)
