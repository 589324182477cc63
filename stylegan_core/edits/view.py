"""Edits of how numbers become pixels."""

from stylegan_core.edits.limits import GAIN_RANGE_DB, LOD_RANGE, clamp
from stylegan_core.scene import Scene


def set_gain_db(scene: Scene, gain_db: float) -> Scene:
    """Set the contrast about mid-grey, in dB."""
    return scene.model_copy(update={"view": scene.view.model_copy(update={"gain_db": clamp(gain_db, GAIN_RANGE_DB)})})


def set_channel(scene: Scene, channel: int | None) -> Scene:
    """Look at one channel of the picture alone; None: at all."""
    return scene.model_copy(update={"view": scene.view.model_copy(update={"channel": channel})})


def set_lod(scene: Scene, lod: float) -> Scene:
    """Show the picture so many octaves below its full size, as while the network grew; a fraction fades."""
    return scene.model_copy(update={"lod": clamp(lod, LOD_RANGE)})
