"""The ranges of a Scene's numbers, and how an edit keeps to them."""

import math
from collections.abc import Sequence

PSI_RANGE = (-2.0, 2.0)
STRENGTH_RANGE = (0.0, 10.0)
GAIN_RANGE_DB = (-40.0, 40.0)
CUTOFF_RANGE = (0.0, 64.0)
RUNGS_RANGE = (2.0, 64.0)
CENTRES_RANGE = (2.0, 1024.0)
OFFSET_RANGE = (-10.0, 10.0)
SCALE_RANGE = (0.1, 10.0)
SHEAR_RANGE = (-2.0, 2.0)
LOD_RANGE = (0.0, 16.0)
BRUSH_RADIUS_RANGE = (0.001, 1.0)
BRUSH_VALUE_RANGE = (-10.0, 10.0)
CHANNEL_GAIN_RANGE = (-10.0, 10.0)
STYLE_RANGE = (-100.0, 100.0)
BETA_RANGE = (0.0, 40.0)


def clamp(value: float, limits: tuple[float, float], without: float = 0.0) -> float:
    """The value within its range; `without` stands for what is no number, which can be typed into a field."""
    if math.isnan(value):
        return without
    return min(max(float(value), limits[0]), limits[1])


def wrap_degrees(degrees: float) -> float:
    """An angle in (-180, 180]; any number of whole turns is none, and so is what is no number."""
    turned = degrees % 360.0 if math.isfinite(degrees) else 0.0
    return turned - 360.0 if turned > 180.0 else turned


def replaced(values: Sequence[float], index: int, value: float) -> tuple[float, ...]:
    """One value changed; an index that the model just left does not have changes nothing."""
    return tuple(value if i == index else old for i, old in enumerate(values))
