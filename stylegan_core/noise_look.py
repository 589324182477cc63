"""Looking at noise: a layer's map, what it does to the picture, and how much of the picture is left to chance.

StyleGAN, section 3.2 with figures 4 (variation) and 5 (noise on and off).
"""

from typing import Protocol

import torch
from torch import Tensor

from stylegan_core.card import ModelCard
from stylegan_core.colours import coloured
from stylegan_core.develop import develop
from stylegan_core.edits.noise import set_layer_noise, set_noise_mode, transplant_noise
from stylegan_core.errors import SceneError
from stylegan_core.maps import map_pixels
from stylegan_core.model import Model
from stylegan_core.models import ModelStore
from stylegan_core.noise import noise_maps
from stylegan_core.ops import Poll, no_poll
from stylegan_core.scene import Look, Noise, Scene, View, only_picture
from stylegan_core.stage_cache import StageCache

RANGE_STD = 3.0  # of unit noise, from the middle of the colour map to its end


class Images(Protocol):
    """What makes pictures and remembers: `render.Renderer`."""

    models: ModelStore
    half: bool
    cache: StageCache

    def image(self, scene: Scene, poll: Poll = ...) -> Tensor:
        """See `Renderer.image`."""


@torch.inference_mode()
def noise_values(model: Model, noise: Noise, layer: str) -> Tensor:
    """The map [H, W] that a layer adds, with the Scene's strengths, before the strength that it learned.

    Zeros where there is no noise.

    Raises:
        SceneError: the model has no such layer that takes noise.
    """
    place = _place(model.card, layer)
    const, _ = model.network.noise_of(layer)
    values = noise_maps(noise)(place, const)
    return torch.zeros_like(const) if values is None else values[0, 0]


def noise_strength(model: Model, layer: str) -> float:
    """The strength that a layer learned; where each of its channels has one, their root mean square.

    Raises:
        SceneError: the model has no such layer that takes noise.
    """
    _place(model.card, layer)
    _, strength = model.network.noise_of(layer)
    return float(strength.square().mean().sqrt())


@torch.inference_mode()
def effect(renderer: Images, scene: Scene, layer: str, poll: Poll = no_poll) -> Tensor:
    """What a layer's noise does: the picture with it minus the picture without it.

    Args:
        renderer: starts from the steps that it remembers.
        scene: any.
        layer: a layer's name; "": all layers.
        poll: called between pieces of the work; may raise to drop it.

    Returns:
        [C, H, W], float32, in the numbers of pictures, whose nominal range is [-1, 1].

    Raises:
        SceneError: the model has no such layer that takes noise.
    """
    scene = only_picture(scene)
    card = renderer.models.get(scene.model).card
    require_layer(card, Look(at="effect", layer=layer))
    without = set_noise_mode(scene, "none")
    if layer:
        without = set_layer_noise(scene, _place(card, layer), 0, len(card.noise_layers))
    off = renderer.image(without, poll)
    return renderer.image(scene, poll) - off


@torch.inference_mode()
def variation(renderer: Images, scene: Scene, layer: str, seeds: int, poll: Poll = no_poll) -> Tensor:
    """How much of a picture its noise decides: the standard deviation over random maps, of seeds 0 to `seeds` - 1.

    Strengths and strokes are the Scene's, mode "none" or not. What has been summed up is remembered, so that it goes
    on where it was dropped, and more seeds cost only themselves.

    Args:
        renderer: starts from the steps that it remembers.
        scene: any.
        layer: whose maps are random, a name; "": all layers'.
        seeds: how many, at least 2.
        poll: called between pieces of the work; may raise to drop it.

    Returns:
        [H, W], float32: root mean square over the picture's channels, in the numbers of pictures.

    Raises:
        SceneError: the model has no such layer that takes noise.
    """
    scene = only_picture(scene).model_copy(update={"view": View()})
    model = renderer.models.get(scene.model)
    require_layer(model.card, Look(at="variation", layer=layer))
    key = ("variation", model.device, renderer.half, _with_random_maps(scene, model.card, layer, 0), layer)
    done, mean, squares = renderer.cache.get(key) or (0, torch.zeros(()), torch.zeros(()))
    if done > seeds:
        done, mean, squares = 0, torch.zeros(()), torch.zeros(())
    for seed in range(done, seeds):
        poll()
        img = renderer.image(_with_random_maps(scene, model.card, layer, seed), poll)
        # Welford's algorithm: a sum of squares would lose small deviations beside a large mean.
        before = img - mean
        mean = mean + before / (seed + 1)
        squares = squares + before * (img - mean)
        renderer.cache.put(key, (seed + 1, mean, squares), model.card.digest)
    return (squares / seeds).mean(dim=0).sqrt()


def _with_random_maps(scene: Scene, card: ModelCard, layer: str, seed: int) -> Scene:
    """The Scene with random maps of a seed in one layer, or in all."""
    other = scene.noise.model_copy(update={"mode": "random", "seed": seed, "angle": 0.0, "reseeded": ()})
    if not layer:
        return scene.model_copy(update={"noise": other})
    return transplant_noise(scene, other, [_place(card, layer)], len(card.noise_layers))


def noise_look_pixels(renderer: Images, scene: Scene, poll: Poll = no_poll) -> Tensor:
    """What a Scene sees that looks at noise.

    "noise" is the layer's map in the look's colours, from -3 to 3 standard deviations of unit noise. "effect" is the
    difference on mid-grey, in the picture's own colours. "variation" is in the look's colours, from 0 up. Where the
    look normalises, the largest difference reaches black or white, the largest deviation the last colour, and a map
    has its own range; gain is on top.

    Returns:
        uint8 [H, W, 3], or [H, W, 1] for the effect in grey pictures.

    Raises:
        SceneError: the look names no layer of the model that takes noise.
        Cancelled: from `poll`.
    """
    look = scene.look
    if look.at == "noise":
        model = renderer.models.get(scene.model)
        return map_pixels(noise_values(model, scene.noise, look.layer) / RANGE_STD, look)
    if look.at == "effect":
        found = effect(renderer, scene, look.layer, poll)
        difference = _peaked(found[:1] if len(found) == 2 else found[:3], look)  # alpha is no colour
        return develop(difference, View(gain_db=look.gain_db))
    deviation = _peaked(variation(renderer, scene, look.layer, look.seeds, poll), look)
    return coloured(deviation * 10 ** (look.gain_db / 20), look.colours)


def _peaked(values: Tensor, look: Look) -> Tensor:
    """The values, their largest brought to 1 if the look normalises and there is any."""
    peak = values.abs().max()
    return values / peak if look.normalise and peak > 0 else values


def _place(card: ModelCard, layer: str) -> int:
    """The layer's place among those that take noise.

    Raises:
        SceneError: it takes none.
    """
    require_layer(card, Look(at="noise", layer=layer))
    return [info.name for info in card.noise_layers].index(layer)


def require_layer(card: ModelCard, look: Look) -> None:
    """Be sure that a look is at something that a model has.

    Raises:
        SceneError: it is not.
    """
    of_noise = look.at != "layer"
    layers = card.noise_layers if of_noise else card.layers
    of_all = look.at in ("effect", "variation") and not look.layer and layers
    if look.at == "picture" or of_all:
        return
    kind = "layer that takes noise" if of_noise else "layer"
    if not layers:
        raise SceneError(f"{card.name} has no {kind}, so there is nothing to look at.")
    if look.layer not in {layer.name for layer in layers}:
        asked = f"called '{look.layer}'" if look.layer else "without a name"
        raise SceneError(f"{card.name} has no {kind} {asked}; choose one of {layers[0].name} to {layers[-1].name}.")
