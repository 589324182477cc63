"""Bars for a strip, from a ModelCard: one for each style vector, or one for each layer that takes noise."""

from collections.abc import Callable

from stylegan_core.card import ModelCard, band
from widgets.strip import Bar


class Bars:
    """Remembers the bars of the newest card, for they are asked for once a frame."""

    def __init__(self, make: Callable[[ModelCard], tuple[Bar, ...]]):
        self._make = make
        self._card: ModelCard | None = None
        self._bars: tuple[Bar, ...] = ()

    def __call__(self, card: ModelCard) -> tuple[Bar, ...]:
        """The bars for this card."""
        if card is not self._card:
            self._card, self._bars = card, self._make(card)
        return self._bars


def style_bars(card: ModelCard) -> tuple[Bar, ...]:
    """One bar for each style vector."""
    return tuple(Bar(f"style {i}", card.slot_words(i), card.slot_band(i)) for i in range(card.num_ws))


def noise_bars(card: ModelCard) -> tuple[Bar, ...]:
    """One bar for each layer that takes noise."""
    layers = card.noise_layers
    return tuple(Bar(layer.name, card.size_words(layer.resolution), band(layer.resolution)) for layer in layers)
