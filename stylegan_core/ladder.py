"""The ladder of psi: one person from the average, or beyond it, to the extreme, in even steps."""

from collections.abc import Iterable

import numpy as np

from stylegan_core import edits
from stylegan_core.labels import SheetPainter, plan_sheet
from stylegan_core.ops import Poll, no_poll
from stylegan_core.render import Renderer
from stylegan_core.scene import Ladder, Scene, only_picture
from stylegan_core.watch import Progress, untold


def ladder_psis(ladder: Ladder) -> tuple[float, ...]:
    """The values of psi, as one would type them."""
    step = (ladder.last - ladder.first) / (ladder.rungs - 1)
    return tuple(round(ladder.first + step * index, 2) for index in range(ladder.rungs))


def ladder_scenes(scene: Scene) -> tuple[Scene, ...]:
    """The Scenes of the rungs; see `scenes_at`."""
    return scenes_at(scene, ladder_psis(scene.ladder))


def scenes_at(scene: Scene, psis: Iterable[float]) -> tuple[Scene, ...]:
    """The Scene at each psi; fewer where several come to the same, for a curve over the layers ends before psi."""
    return tuple(dict.fromkeys(edits.set_psi(only_picture(scene), psi) for psi in psis))


def ladder_picture(renderer: Renderer, scene: Scene, poll: Poll = no_poll, progress: Progress = untold) -> np.ndarray:
    """The whole ladder as one picture, with psi over each rung.

    Args:
        renderer: makes the pictures, one after another.
        scene: with the ladder.
        poll: called between pieces of the work; may raise to drop it.
        progress: called with the share done, 0 to 1.

    Returns:
        uint8 [H, W, 3]; see `labels.plan_sheet` for sizes.

    Raises:
        StyleScopeError: a picture cannot be rendered.
        Cancelled: from `poll`.
    """
    card, scenes = renderer.models.get(scene.model).card, ladder_scenes(scene)
    labels = [f"{rung.truncation.psi:g}" for rung in scenes]
    painter = SheetPainter(plan_sheet(card.width, (), labels, "psi", card.height), (), labels)
    for index, rung in enumerate(scenes):
        poll()
        painter.paste(renderer.pixels(rung, poll), None, index)
        progress((index + 1) / len(scenes))
    return painter.pixels()
