"""Probes: what a Scene changes inside a network while it runs, and what is read off its layers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from stylegan_core.card import LayerInfo, ModelCard
from stylegan_core.errors import SceneError
from stylegan_core.network import GeneratorNetwork, Probe
from stylegan_core.scene import ChannelGain, Scene, StyleEdit

Changes = tuple[tuple[int, float], ...]  # channels, ascending, with what happens to each

UNCHANGED = Probe()


def layer_of(card: ModelCard, name: str) -> LayerInfo:
    """The layer of this name.

    Raises:
        SceneError: the model has none.
    """
    found = next((layer for layer in card.layers if layer.name == name), None)
    if found is None:
        raise SceneError(f"{card.name} has no layer '{name}'; choose one of its own, such as '{card.layers[0].name}'.")
    return found


class SceneProbe(Probe):
    """A Scene's changes inside a network: gains of channels and edits of style vectors.

    Gradients flow through both.

    Args:
        scene: its `channels` and `styles`.
        card: of its model.

    Raises:
        SceneError: they name a layer or a channel that the model does not have.
    """

    def __init__(self, scene: Scene, card: ModelCard):
        for channel in scene.channels:
            layer = layer_of(card, channel.layer)
            _check("channels", channel, layer.channels, card)
        for style in scene.styles:
            layer = layer_of(card, style.layer)
            _check("styles", style, layer.style_channels, card)
        self._gains = _by_layer((item.layer, item.channel, item.gain) for item in scene.channels if item.gain != 1)
        self._amounts = _by_layer((item.layer, item.channel, item.amount) for item in scene.styles if item.amount != 0)

    @property
    def changes_nothing(self) -> bool:
        """Whether the network gives what it would give by itself."""
        return not (self._gains or self._amounts)

    def key(self, layer: str) -> tuple[Changes, Changes]:
        """All that decides what happens to a layer: equal keys, equal changes."""
        return self._gains.get(layer, ()), self._amounts.get(layer, ())

    def style(self, layer: str, s: Tensor) -> Tensor:
        """s + amount."""
        amounts = self._amounts.get(layer)
        return s if amounts is None else s + _vector(amounts, 0.0, s)

    def output(self, layer: str, x: Tensor) -> Tensor:
        """x * gain, channel by channel; x is overwritten where no gradient is wanted."""
        gains = self._gains.get(layer)
        if gains is None:
            return x
        factors = _vector(gains, 1.0, x)[:, None, None]
        return x * factors if torch.is_grad_enabled() else x.mul_(factors)


def _check(field: str, item: ChannelGain | StyleEdit, count: int, card: ModelCard) -> None:
    if item.channel >= count:
        has = f"channels 0 to {count - 1}" if count else "none"
        raise SceneError(
            f"The Scene's {field} name channel {item.channel} of layer '{item.layer}', where {card.name} has {has}; "
            "reset them, or choose others."
        )


def _by_layer(items: Iterable[tuple[str, int, float]]) -> dict[str, Changes]:
    found: dict[str, Changes] = {}
    for layer, channel, value in sorted(items):
        found[layer] = (*found.get(layer, ()), (channel, value))
    return found


def _vector(changes: Changes, base: float, like: Tensor) -> Tensor:
    """One number a channel, in type and place of `like` [N, channels, ...]."""
    numbers = torch.full((like.shape[1],), base)
    channels, values = zip(*changes, strict=True)
    numbers[list(channels)] = torch.tensor(values)
    return numbers.to(like.device, like.dtype)


class LayerSeen(Exception):
    """Ends a run whose Tap has what it wants."""


class Tap(Probe):
    """Keeps what one layer gives, and ends the run by LayerSeen.

    Args:
        layer: its name.
        inner: what changes the network meanwhile.
    """

    def __init__(self, layer: str, inner: Probe = UNCHANGED):
        self.layer, self.inner = layer, inner
        self.value: Tensor | None = None  # float32 [C, H, W], of the first picture

    def style(self, layer: str, s: Tensor) -> Tensor:
        """See `Probe.style`."""
        return self.inner.style(layer, s)

    def output(self, layer: str, x: Tensor) -> Tensor:
        """See `Probe.output`."""
        x = self.inner.output(layer, x)
        if layer != self.layer:
            return x
        self.value = x[0].to(torch.float32, copy=True)
        raise LayerSeen


@dataclass(frozen=True)
class LayerReport:
    """What one layer gave, in numbers."""

    name: str
    shape: tuple[int, int, int]  # channels, height, width, margins included
    dtype: str  # "float32", "float16", "bfloat16"
    ms: float  # since the layer before
    mean: float
    std: float
    largest: float  # |x|
    clipped: float  # share of values, 0 to 1, that have reached what the layer clamps at


class Reporter(Probe):
    """Reports on every layer that runs.

    Args:
        network: that runs.
        layers: its layers.
        now: the time in seconds, once the device has done what it was given.
        inner: what changes the network meanwhile.
    """

    def __init__(
        self,
        network: GeneratorNetwork,
        layers: Iterable[LayerInfo],
        now: Callable[[], float],
        inner: Probe = UNCHANGED,
    ):
        self.found: list[LayerReport] = []
        self._clamps = {layer.name: network.clamp_of(layer) for layer in layers}
        self._now, self._inner = now, inner
        self._since = now()

    def style(self, layer: str, s: Tensor) -> Tensor:
        """See `Probe.style`."""
        return self._inner.style(layer, s)

    def output(self, layer: str, x: Tensor) -> Tensor:
        """See `Probe.output`."""
        ms = (self._now() - self._since) * 1e3
        clipped = _share_beyond(x[0], self._clamps[layer])
        x = self._inner.output(layer, x)
        values = x[0].float()
        std, mean = torch.std_mean(values, correction=0)
        low, high = values.aminmax()
        numbers = torch.stack([mean, std, torch.maximum(-low, high), clipped]).tolist()
        channels, height, width = values.shape
        self.found.append(
            LayerReport(layer, (channels, height, width), str(x.dtype).removeprefix("torch."), ms, *numbers)
        )
        self._since = self._now()
        return x


def _share_beyond(x: Tensor, clamp: float | None) -> Tensor:
    """The share of values whose size is `clamp` or more, as a number on x's device."""
    if clamp is None:
        return torch.zeros((), device=x.device)
    # What filters do after clamping may fall short of it by rounding, and so may the clamp itself in x's type.
    return (x.abs() >= torch.tensor(clamp, dtype=x.dtype).item() * 0.9999).float().mean()
