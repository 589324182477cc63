"""Edits of the whole Scene: another one, a fresh part, the Scene for another model."""

from stylegan_core.card import ModelCard
from stylegan_core.scene import ClassWeight, Look, Mix, ModelRef, Scene, Source, Transform


def set_scene(scene: Scene, other: Scene) -> Scene:
    """Take over another Scene: a pin, a file, a keyframe."""
    del scene
    return other


def _fitting(mixing: tuple[Mix, ...], card: ModelCard) -> tuple[Mix, ...]:
    return tuple(mix for mix in mixing if len(mix.amounts) == card.num_ws)


def _fitted(source: Source, card: ModelCard) -> Source:
    return source.model_copy(update={"mixing": _fitting(source.mixing, card)})


def _look_for(look: Look, channels: dict[str, int]) -> Look:
    """What is looked at, in a model whose layers have so many channels."""
    if not look.layer:
        return look
    if look.layer not in channels:
        return Look()
    first, second, third = (min(channel, channels[look.layer] - 1) for channel in look.channels)
    return look.model_copy(update={"channels": (first, second, third)})


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
    towards = "mean" if truncation.towards == "class" and not card.c_dim else truncation.towards
    count = len(card.noise_layers)
    classes = tuple(item for item in scene.classes if item.index < card.c_dim)
    channels = {layer.name: layer.channels for layer in card.layers}
    styles = {layer.name: layer.style_channels for layer in card.layers}
    if card.c_dim and not classes:
        classes = (ClassWeight(index=0),)
    return scene.model_copy(
        update={
            "model": ref,
            "classes": classes,
            "mixing": _fitting(scene.mixing, card),
            "truncation": truncation.model_copy(update={"layers": layers, "cutoff": cutoff, "towards": towards}),
            "noise": noise.model_copy(
                update={
                    "layers": noise.layers if len(noise.layers) == count else (),
                    "reseeded": tuple(item for item in noise.reseeded if item.layer < count),
                    "strokes": tuple(stroke for stroke in noise.strokes if stroke.layer < count),
                }
            ),
            "channels": tuple(item for item in scene.channels if item.channel < channels.get(item.layer, 0)),
            "styles": tuple(item for item in scene.styles if item.channel < styles.get(item.layer, 0)),
            "grid": scene.grid.model_copy(
                update={
                    "rows": tuple(_fitted(source, card) for source in scene.grid.rows),
                    "columns": tuple(_fitted(source, card) for source in scene.grid.columns),
                    "layers": tuple(layer for layer in scene.grid.layers if layer < card.num_ws),
                }
            ),
            "look": _look_for(scene.look, channels),
            "view": scene.view.model_copy(
                update={"channel": None if (scene.view.channel or 0) >= card.img_channels else scene.view.channel}
            ),
            "transform": scene.transform if card.can_move else Transform(),
            "lod": min(scene.lod, float(card.max_lod)),
        }
    )
