"""Edits of what is looked at besides the picture, and how. None of them changes the picture."""

from collections.abc import Sequence
from typing import Any

from stylegan_core.edits.limits import BETA_RANGE, GAIN_RANGE_DB, clamp
from stylegan_core.scene import At, Colours, Look, Scene, Show

LAST = 65535  # the largest channel and page


def _look(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"look": scene.look.model_copy(update=changes)})


def look_at(scene: Scene, at: At, layer: str | None = None) -> Scene:
    """Look at the picture, or at something about a layer.

    Args:
        scene: any Scene.
        at: see Look.
        layer: a LayerInfo's name, "" for none, None for the one looked at so far. Another layer has other channels,
            so it is shown from its first page and its first channels on.
    """
    look = scene.look
    if layer is None or layer == look.layer:
        return _look(scene, at=at)
    return _look(scene, at=at, layer=layer[:80], page=0, channels=Look().channels)


def set_look_show(scene: Scene, show: Show) -> Scene:
    """How a layer's feature maps are shown."""
    return _look(scene, show=show)


def set_look_channels(scene: Scene, channels: Sequence[int]) -> Scene:
    """The channels to show, one to three; those not given stay."""
    given = tuple(min(max(int(channel), 0), LAST) for channel in channels[:3])
    return _look(scene, channels=(*given, *scene.look.channels[len(given) :]))


def set_look_page(scene: Scene, page: int) -> Scene:
    """Turn to a page of the contact sheet, counted from 0."""
    return _look(scene, page=min(max(int(page), 0), LAST))


def set_look_normalise(scene: Scene, normalise: bool) -> Scene:
    """Whether each map is brought to its own range."""
    return _look(scene, normalise=normalise)


def set_look_gain_db(scene: Scene, gain_db: float) -> Scene:
    """Set the contrast of what is looked at, in dB."""
    return _look(scene, gain_db=clamp(gain_db, GAIN_RANGE_DB))


def set_look_colours(scene: Scene, colours: Colours) -> Scene:
    """Set the colour map."""
    return _look(scene, colours=colours)


def set_look_seeds(scene: Scene, seeds: int) -> Scene:
    """Over how many random noise maps the variation is measured."""
    return _look(scene, seeds=min(max(int(seeds), 2), 256))


def set_spectrum_beta(scene: Scene, beta: float) -> Scene:
    """Set the shape of the spectrum's Kaiser window."""
    return _look(scene, spectrum_beta=clamp(beta, BETA_RANGE))
