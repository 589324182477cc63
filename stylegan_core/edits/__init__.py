"""Every change that can be made to a Scene, as a named function Scene -> Scene; one file for each noun.

Widgets, keys and scripts call these and nothing else, so an edit means the same wherever it comes from. Values out of
range are clamped here, where the range is known; what makes no sense for a model is mended by `fit`.
"""

from stylegan_core.edits.latent import (
    choose_class,
    move_on_plane,
    set_class_weight,
    set_latent,
    set_seed,
    set_space,
    step_seed,
)
from stylegan_core.edits.limits import (
    CHANNEL_GAIN_RANGE,
    CUTOFF_RANGE,
    GAIN_RANGE_DB,
    LOD_RANGE,
    OFFSET_RANGE,
    PSI_RANGE,
    SCALE_RANGE,
    SHEAR_RANGE,
    STRENGTH_RANGE,
    STYLE_RANGE,
)
from stylegan_core.edits.mixing import clear_mixing, set_mix_amount, set_mix_seed
from stylegan_core.edits.noise import (
    next_noise_mode,
    reseed_layer,
    reset_noise,
    set_layer_noise,
    set_noise_mode,
    set_noise_seed,
    set_noise_strength,
)
from stylegan_core.edits.scene import fit, set_scene
from stylegan_core.edits.transform import (
    move_picture,
    reset_transform,
    scale_picture,
    set_mirror,
    set_offset,
    set_rotation,
    set_scale,
    set_shear,
    set_untransform,
    turn_picture,
)
from stylegan_core.edits.truncation import (
    TRUNCATION_PRESETS,
    reset_truncation,
    set_cutoff,
    set_layer_psi,
    set_psi,
    truncation_preset,
)
from stylegan_core.edits.view import set_channel, set_gain_db, set_lod

__all__ = [
    "CHANNEL_GAIN_RANGE",
    "CUTOFF_RANGE",
    "GAIN_RANGE_DB",
    "LOD_RANGE",
    "OFFSET_RANGE",
    "PSI_RANGE",
    "SCALE_RANGE",
    "SHEAR_RANGE",
    "STRENGTH_RANGE",
    "STYLE_RANGE",
    "TRUNCATION_PRESETS",
    "choose_class",
    "clear_mixing",
    "fit",
    "move_on_plane",
    "move_picture",
    "next_noise_mode",
    "reseed_layer",
    "reset_noise",
    "reset_transform",
    "reset_truncation",
    "scale_picture",
    "set_channel",
    "set_class_weight",
    "set_cutoff",
    "set_gain_db",
    "set_latent",
    "set_layer_noise",
    "set_layer_psi",
    "set_lod",
    "set_mirror",
    "set_mix_amount",
    "set_mix_seed",
    "set_noise_mode",
    "set_noise_seed",
    "set_noise_strength",
    "set_offset",
    "set_psi",
    "set_rotation",
    "set_scale",
    "set_scene",
    "set_seed",
    "set_shear",
    "set_space",
    "set_untransform",
    "step_seed",
    "truncation_preset",
    "turn_picture",
]
