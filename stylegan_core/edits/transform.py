"""Edits of how the picture is moved."""

import math
from typing import Any

from stylegan_core.edits.limits import OFFSET_RANGE, SCALE_RANGE, SHEAR_RANGE, clamp, wrap_degrees
from stylegan_core.scene import Scene, Transform


def _transform(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"transform": scene.transform.model_copy(update=changes)})


def set_offset(scene: Scene, x: float, y: float) -> Scene:
    """Move the picture to (x, y), to the right and down, in its shorter sides."""
    return _transform(scene, x=clamp(x, OFFSET_RANGE), y=clamp(y, OFFSET_RANGE))


def move_picture(scene: Scene, dx: float, dy: float) -> Scene:
    """Move the picture on by (dx, dy), as the hand does that drags it; see `set_offset`."""
    if not (math.isfinite(dx) and math.isfinite(dy)):
        return scene
    return set_offset(scene, scene.transform.x + dx, scene.transform.y + dy)


def set_rotation(scene: Scene, degrees: float) -> Scene:
    """Turn the picture to an angle, clockwise on the screen; any number of whole turns is none."""
    return _transform(scene, rotation=wrap_degrees(degrees))


def turn_picture(scene: Scene, degrees: float) -> Scene:
    """Turn the picture on, clockwise on the screen."""
    return set_rotation(scene, scene.transform.rotation + degrees) if math.isfinite(degrees) else scene


def set_scale(scene: Scene, scale: float) -> Scene:
    """Set the picture's size; 1 is as the model makes it, 2 twice as wide and high."""
    return _transform(scene, scale=clamp(scale, SCALE_RANGE, without=1.0))


def scale_picture(scene: Scene, factor: float) -> Scene:
    """Make the picture larger (factor above 1) or smaller."""
    return set_scale(scene, scene.transform.scale * factor) if math.isfinite(factor) and factor > 0 else scene


def set_shear(scene: Scene, shear: float) -> Scene:
    """Slant the picture: so far to the right for each unit down."""
    return _transform(scene, shear=clamp(shear, SHEAR_RANGE))


def set_mirror(scene: Scene, mirror: bool) -> Scene:
    """Let left and right change places, or not."""
    return _transform(scene, mirror=mirror)


def set_untransform(scene: Scene, untransform: bool) -> Scene:
    """Show the picture moved back to where it was, so that what sticks to the pixels is seen."""
    return _transform(scene, untransform=untransform)


def reset_transform(scene: Scene) -> Scene:
    """The picture where the model puts it."""
    return scene.model_copy(update={"transform": Transform()})
