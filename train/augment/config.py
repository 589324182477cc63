"""Which transformations augmentation has, how likely each is, and how strong: the paper's, unless said otherwise."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Spread = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]

GROUPS = {
    "blit": ("x_flip", "quarter_turn", "integer_translation"),
    "geom": ("isotropic_scaling", "rotation", "anisotropic_scaling", "fractional_translation"),
    "color": ("brightness", "contrast", "luma_flip", "hue", "saturation"),
    "filter": ("amplification",),
    "noise": ("noise",),
    "cutout": ("cutout",),
}
PRESETS = {
    "none": (),
    **{group: (group,) for group in GROUPS},
    "bg": ("blit", "geom"),
    "bgc": ("blit", "geom", "color"),
    "bgcf": ("blit", "geom", "color", "filter"),
    "bgcfn": ("blit", "geom", "color", "filter", "noise"),
    "bgcfnc": ("blit", "geom", "color", "filter", "noise", "cutout"),
}  # the sets that figure 4 compares


class AugmentConfig(BaseModel):
    """The transformations of section 3 and appendix B; what none is named for are those of "bgc", the paper's choice.

    The first fields are shares: each transformation is applied with the probability p times its share, 0 turns it off.
    The others are strengths. "log2" is a standard deviation in octaves: a factor is 2 to the power of a normal number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    x_flip: Share = 1.0
    quarter_turn: Share = 1.0
    integer_translation: Share = 1.0
    isotropic_scaling: Share = 1.0
    rotation: Share = 1.0
    anisotropic_scaling: Share = 1.0
    fractional_translation: Share = 1.0
    brightness: Share = 1.0
    contrast: Share = 1.0
    luma_flip: Share = 1.0
    hue: Share = 1.0
    saturation: Share = 1.0
    amplification: Share = 0.0
    noise: Share = 0.0
    cutout: Share = 0.0

    integer_translation_most: Share = 0.125  # of the picture's size, either way
    isotropic_scaling_log2: Spread = 0.2
    rotation_most: Share = 1.0  # half turns, either way
    anisotropic_scaling_log2: Spread = 0.2
    fractional_translation_std: Spread = 0.125  # of the picture's size
    brightness_std: Spread = 0.2  # pictures are in [-1, 1]
    contrast_log2: Spread = 0.5
    hue_most: Share = 1.0  # half turns, either way
    saturation_log2: Spread = 1.0
    amplification_log2: Spread = 1.0
    noise_std: Spread = 0.1  # of the half-normal distribution that a picture's noise has its own deviation from
    cutout_size: Share = 0.5  # of the picture's size

    @classmethod
    def preset(cls, name: str) -> Self:
        """The groups of transformations that a name of PRESETS stands for, all others off.

        Raises:
            ValueError: there is no such preset; says which there are.
        """
        if name not in PRESETS:
            raise ValueError(f"There is no augmentation {name!r}. Choose one of {', '.join(PRESETS)}.")
        return cls.model_validate(
            {field: float(group in PRESETS[name]) for group, fields in GROUPS.items() for field in fields}
        )
