"""Edits inside the network: channels of layers made stronger or weaker, and channels of style vectors moved."""

from typing import TypeVar

from stylegan_core.edits.limits import CHANNEL_GAIN_RANGE, STYLE_RANGE, clamp
from stylegan_core.scene import MAX_EDITS, ChannelGain, Scene, StyleEdit

LAST = 65535  # the largest channel

Item = TypeVar("Item", bound=ChannelGain | StyleEdit)


def _place(item: ChannelGain | StyleEdit) -> tuple[str, int]:
    return item.layer, item.channel


def _with(items: tuple[Item, ...], new: Item, without: bool) -> tuple[Item, ...]:
    """The items with one in its place, by layer and channel, or without it; what there is no room for is left out."""
    kept = [item for item in items if _place(item) != _place(new)]
    if without:
        return tuple(kept)
    if len(kept) >= MAX_EDITS:
        return items
    return tuple(sorted([*kept, new], key=_place))


def _channel(channel: int) -> int:
    return min(max(int(channel), 0), LAST)


def set_channel_gain(scene: Scene, layer: str, channel: int, gain: float) -> Scene:
    """Multiply one feature map of a layer: 0 takes it away, 1 leaves it as it is."""
    new = ChannelGain(layer=layer, channel=_channel(channel), gain=clamp(gain, CHANNEL_GAIN_RANGE, without=1.0))
    return scene.model_copy(update={"channels": _with(scene.channels, new, new.gain == 1)})


def set_style(scene: Scene, layer: str, channel: int, amount: float) -> Scene:
    """Add an amount to one channel of a layer's style vector; 0 leaves it as it is."""
    new = StyleEdit(layer=layer, channel=_channel(channel), amount=clamp(amount, STYLE_RANGE))
    return scene.model_copy(update={"styles": _with(scene.styles, new, new.amount == 0)})


def reset_channels(scene: Scene, layer: str | None = None) -> Scene:
    """All feature maps of a layer as the model makes them; of all layers if None."""
    kept = tuple(item for item in scene.channels if layer is not None and item.layer != layer)
    return scene.model_copy(update={"channels": kept})


def reset_styles(scene: Scene, layer: str | None = None) -> Scene:
    """A layer's style vector as the model makes it; those of all layers if None."""
    kept = tuple(item for item in scene.styles if layer is not None and item.layer != layer)
    return scene.model_copy(update={"styles": kept})
