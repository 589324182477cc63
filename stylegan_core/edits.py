"""Every change that can be made to a Scene, as a named function Scene -> Scene.

Widgets, keys and scripts call these and nothing else, so an edit means the same wherever it comes from. Values out of
range are clamped here, where the range is known; what makes no sense for a model is mended by `fit`.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

from stylegan_core.card import Band, ModelCard
from stylegan_core.scene import (
    MAX_SEED,
    ROW,
    ClassWeight,
    Latent,
    LayerSeed,
    Mix,
    ModelRef,
    Noise,
    Scene,
    Transform,
    Truncation,
)

PSI_RANGE = (-2.0, 2.0)
STRENGTH_RANGE = (0.0, 10.0)
GAIN_RANGE_DB = (-40.0, 40.0)
CUTOFF_RANGE = (0.0, 64.0)
OFFSET_RANGE = (-10.0, 10.0)
SCALE_RANGE = (0.1, 10.0)
SHEAR_RANGE = (-2.0, 2.0)
LOD_RANGE = (0.0, 16.0)
TRUNCATION_PRESETS: dict[str, frozenset[Band]] = {
    "Flat": frozenset({"coarse", "middle", "fine"}),
    "Coarse only": frozenset({"coarse"}),
    "Fine only": frozenset({"fine"}),
}


def _clamp(value: float, limits: tuple[float, float], without: float = 0.0) -> float:
    if math.isnan(value):  # can be typed into a number field
        return without
    return min(max(float(value), limits[0]), limits[1])


def _latent(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"latent": scene.latent.model_copy(update=changes)})


def _truncation(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"truncation": scene.truncation.model_copy(update=changes)})


def _noise(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"noise": scene.noise.model_copy(update=changes)})


def _transform(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"transform": scene.transform.model_copy(update=changes)})


def _replaced(values: Sequence[float], index: int, value: float) -> tuple[float, ...]:
    """One value changed; an index that the model just left does not have changes nothing."""
    return tuple(value if i == index else old for i, old in enumerate(values))


# -- latent ------------------------------------------------------------------------------------------------------------


def set_seed(scene: Scene, seed: int) -> Scene:
    """Go to the person with this seed (modulo 2**32)."""
    return _latent(scene, seed=int(seed) % (MAX_SEED + 1), x=0.0, y=0.0)


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
    return _latent(scene, seed=(scene.latent.seed + column + row * ROW) % (MAX_SEED + 1), x=x, y=y)


def set_latent(scene: Scene, latent: Latent) -> Scene:
    """Take over a whole latent."""
    return scene.model_copy(update={"latent": latent})


def set_space(scene: Scene, space: Literal["z", "w"]) -> Scene:
    """Blend between people in z or in w."""
    return _latent(scene, space=space)


def set_class_weight(scene: Scene, index: int, weight: float) -> Scene:
    """Give class `index` a share in the mix; 0 takes it out. The last one stays."""
    weights = {item.index: item.weight for item in scene.classes} | {index: _clamp(weight, STRENGTH_RANGE)}
    kept = tuple(ClassWeight(index=i, weight=w) for i, w in sorted(weights.items()) if w > 0)
    return scene.model_copy(update={"classes": kept}) if kept else scene


def choose_class(scene: Scene, index: int) -> Scene:
    """This class alone."""
    return scene.model_copy(update={"classes": (ClassWeight(index=index),)})


# -- mixing ------------------------------------------------------------------------------------------------------------


def set_mix_seed(scene: Scene, seed: int, num_ws: int) -> Scene:
    """Choose the person whose styles are mixed in; amounts are kept."""
    latent = Latent(seed=int(seed) % (MAX_SEED + 1))
    amounts = scene.mixing[0].amounts if scene.mixing else (0.0,) * num_ws
    return scene.model_copy(update={"mixing": (Mix(latent=latent, amounts=amounts), *scene.mixing[1:])})


def set_mix_amount(scene: Scene, layers: Sequence[int], amount: float, num_ws: int) -> Scene:
    """How much of the second person the styles of these layers take, 0 to 1."""
    if not scene.mixing:
        scene = set_mix_seed(scene, scene.latent.seed + 1, num_ws)
    first = scene.mixing[0]
    value = _clamp(amount, (0.0, 1.0))
    amounts = tuple(value if i in layers else a for i, a in enumerate(first.amounts))
    return scene.model_copy(update={"mixing": (first.model_copy(update={"amounts": amounts}), *scene.mixing[1:])})


def clear_mixing(scene: Scene) -> Scene:
    """Back to one person."""
    return scene.model_copy(update={"mixing": ()})


# -- truncation --------------------------------------------------------------------------------------------------------


def set_psi(scene: Scene, psi: float) -> Scene:
    """Set the overall psi. A curve over the layers moves along with its shape.

    Both go as far as the curve's own ends allow, so that moving back restores it.
    """
    psi, layers = _clamp(psi, PSI_RANGE), scene.truncation.layers
    if not layers:
        return _truncation(scene, psi=psi)
    wanted = psi - scene.truncation.psi
    shift = min(max(wanted, PSI_RANGE[0] - min(layers)), PSI_RANGE[1] - max(layers))
    return _truncation(
        scene,
        psi=psi if shift == wanted else _clamp(scene.truncation.psi + shift, PSI_RANGE),  # as typed, not rounded
        layers=tuple(_clamp(layer + shift, PSI_RANGE) for layer in layers),
    )


def set_layer_psi(scene: Scene, layer: int, psi: float, num_ws: int) -> Scene:
    """Set psi of one style vector."""
    layers = scene.truncation.layers or (scene.truncation.psi,) * num_ws
    return _truncation(scene, layers=_replaced(layers, layer, _clamp(psi, PSI_RANGE)))


def set_cutoff(scene: Scene, cutoff: int | None) -> Scene:
    """Leave style vectors from `cutoff` on untruncated; None truncates all."""
    return _truncation(scene, cutoff=None if cutoff is None else int(_clamp(cutoff, CUTOFF_RANGE)))


def truncation_preset(scene: Scene, name: str, card: ModelCard) -> Scene:
    """Apply one of TRUNCATION_PRESETS: the overall psi on the bands it names, 1 (no truncation) elsewhere."""
    bands = TRUNCATION_PRESETS[name]
    if len(bands) == 3:
        return _truncation(scene, layers=(), cutoff=None)
    layers = tuple(scene.truncation.psi if card.slot_band(i) in bands else 1.0 for i in range(card.num_ws))
    return _truncation(scene, layers=layers, cutoff=None)


# -- noise -------------------------------------------------------------------------------------------------------------


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
    return _noise(scene, strength=_clamp(strength, STRENGTH_RANGE))


def set_layer_noise(scene: Scene, layer: int, strength: float, count: int) -> Scene:
    """Set one more factor for one of the `count` layers that take noise."""
    layers = scene.noise.layers or (1.0,) * count
    return _noise(scene, layers=_replaced(layers, layer, _clamp(strength, STRENGTH_RANGE)))


def reseed_layer(scene: Scene, layer: int, seed: int | None) -> Scene:
    """Give one layer a random noise map of its own; None gives back the one of the mode."""
    kept = tuple(item for item in scene.noise.reseeded if item.layer != layer)
    if seed is not None:
        kept = (*kept, LayerSeed(layer=layer, seed=int(seed) % (MAX_SEED + 1)))
    return _noise(scene, reseeded=tuple(sorted(kept, key=lambda item: item.layer)))


# -- view --------------------------------------------------------------------------------------------------------------


def set_gain_db(scene: Scene, gain_db: float) -> Scene:
    """Set the contrast about mid-grey, in dB."""
    return scene.model_copy(update={"view": scene.view.model_copy(update={"gain_db": _clamp(gain_db, GAIN_RANGE_DB)})})


def set_channel(scene: Scene, channel: int | None) -> Scene:
    """Look at one channel of the picture alone; None: at all."""
    return scene.model_copy(update={"view": scene.view.model_copy(update={"channel": channel})})


# -- transform ---------------------------------------------------------------------------------------------------------


def set_offset(scene: Scene, x: float, y: float) -> Scene:
    """Move the picture to (x, y): to the right in picture widths, down in picture heights."""
    return _transform(scene, x=_clamp(x, OFFSET_RANGE), y=_clamp(y, OFFSET_RANGE))


def move_picture(scene: Scene, dx: float, dy: float) -> Scene:
    """Move the picture on by (dx, dy), as the hand does that drags it; see `set_offset`."""
    if not (math.isfinite(dx) and math.isfinite(dy)):
        return scene
    return set_offset(scene, scene.transform.x + dx, scene.transform.y + dy)


def set_rotation(scene: Scene, degrees: float) -> Scene:
    """Turn the picture to an angle, clockwise on the screen; any number of whole turns is none."""
    turned = degrees % 360.0 if math.isfinite(degrees) else 0.0
    return _transform(scene, rotation=turned - 360.0 if turned > 180.0 else turned)


def turn_picture(scene: Scene, degrees: float) -> Scene:
    """Turn the picture on, clockwise on the screen."""
    return set_rotation(scene, scene.transform.rotation + degrees) if math.isfinite(degrees) else scene


def set_scale(scene: Scene, scale: float) -> Scene:
    """Set the picture's size; 1 is as the model makes it, 2 twice as wide and high."""
    return _transform(scene, scale=_clamp(scale, SCALE_RANGE, without=1.0))


def scale_picture(scene: Scene, factor: float) -> Scene:
    """Make the picture larger (factor above 1) or smaller."""
    return set_scale(scene, scene.transform.scale * factor) if math.isfinite(factor) and factor > 0 else scene


def set_shear(scene: Scene, shear: float) -> Scene:
    """Slant the picture: so far to the right for each unit down."""
    return _transform(scene, shear=_clamp(shear, SHEAR_RANGE))


def set_mirror(scene: Scene, mirror: bool) -> Scene:
    """Let left and right change places, or not."""
    return _transform(scene, mirror=mirror)


def set_untransform(scene: Scene, untransform: bool) -> Scene:
    """Show the picture moved back to where it was, so that what sticks to the pixels is seen."""
    return _transform(scene, untransform=untransform)


# -- level of detail ---------------------------------------------------------------------------------------------------


def set_lod(scene: Scene, lod: float) -> Scene:
    """Show the picture so many octaves below its full size, as while the network grew; a fraction fades."""
    return scene.model_copy(update={"lod": _clamp(lod, LOD_RANGE)})


# -- the whole Scene ---------------------------------------------------------------------------------------------------


def reset_truncation(scene: Scene) -> Scene:
    """Truncation as a new Scene has it."""
    return scene.model_copy(update={"truncation": Truncation()})


def reset_noise(scene: Scene) -> Scene:
    """Noise as a new Scene has it."""
    return scene.model_copy(update={"noise": Noise()})


def reset_transform(scene: Scene) -> Scene:
    """The picture where the model puts it."""
    return scene.model_copy(update={"transform": Transform()})


def set_scene(scene: Scene, other: Scene) -> Scene:
    """Take over another Scene: a pin, a file, a keyframe."""
    del scene
    return other


def fit(scene: Scene, card: ModelCard, ref: ModelRef) -> Scene:
    """The Scene for another model: what both have is kept, what does not fit is dropped.

    Args:
        scene: any Scene.
        card: of the model to use.
        ref: where that model is.
    """
    truncation, noise = scene.truncation, scene.noise
    layers = truncation.layers if len(truncation.layers) == card.num_ws else ()
    cutoff = None if truncation.cutoff is None else min(truncation.cutoff, card.num_ws)
    count = len(card.noise_layers)
    classes = tuple(item for item in scene.classes if item.index < card.c_dim)
    if card.c_dim and not classes:
        classes = (ClassWeight(index=0),)
    return scene.model_copy(
        update={
            "model": ref,
            "classes": classes,
            "mixing": tuple(mix for mix in scene.mixing if len(mix.amounts) == card.num_ws),
            "truncation": truncation.model_copy(update={"layers": layers, "cutoff": cutoff}),
            "noise": noise.model_copy(
                update={
                    "layers": noise.layers if len(noise.layers) == count else (),
                    "reseeded": tuple(item for item in noise.reseeded if item.layer < count),
                }
            ),
            "view": scene.view.model_copy(
                update={"channel": None if (scene.view.channel or 0) >= card.img_channels else scene.view.channel}
            ),
            "transform": scene.transform if card.can_move else Transform(),
            "lod": min(scene.lod, float(card.max_lod)),
        }
    )
