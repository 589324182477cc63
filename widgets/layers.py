"""Bars for a strip, from a ModelCard: one for each style vector, or one for each layer that takes noise."""

from stylegan_core.card import ModelCard, band
from widgets.strip import Bar


def style_bars(card: ModelCard) -> tuple[Bar, ...]:
    """One bar for each style vector."""
    resolutions = [card.slot_resolution(i) for i in range(card.num_ws)]
    return tuple(Bar(f"style {i}", resolution, band(resolution)) for i, resolution in enumerate(resolutions))


def noise_bars(card: ModelCard) -> tuple[Bar, ...]:
    """One bar for each layer that takes noise."""
    return tuple(Bar(layer.name, layer.resolution, band(layer.resolution)) for layer in card.noise_layers)
