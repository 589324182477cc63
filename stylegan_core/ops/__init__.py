"""The operations that the networks are made of, arranged for speed; reference.py has their straightforward form.

Tensors are [N, C, H, W] unless said otherwise. Heavy convolutions run in bands of rows. What follows a convolution is
done while its band is in the processor's cache, and `poll` is called between bands, so that a picture nobody waits
for any more can be dropped within milliseconds rather than within a layer.

On a CPU tensors with channels last are quicker: twice for convolutions of 32 channels, twice for filters, and a band
of rows is one piece of memory.
"""

import torch

from stylegan_core.ops.activation import bias_act, full
from stylegan_core.ops.bands import Finish, Poll, band_rows, empty_like, in_bands, is_channels_last, no_poll, unfinished
from stylegan_core.ops.convolution import Phases, conv2d, conv2d_up, phases
from stylegan_core.ops.modulation import (
    Prepared,
    modulated_act,
    modulated_conv2d,
    modulated_pointwise,
    prepare,
    scaled_conv2d,
    weight_energy,
)
from stylegan_core.ops.resampling import downsample2d, filter2d, setup_filter, smooth2d, upsample2d

CPU_LAYOUT = torch.channels_last  # of activations, in the networks that leave the choice to their operations

__all__ = [
    "CPU_LAYOUT",
    "Finish",
    "Phases",
    "Poll",
    "Prepared",
    "band_rows",
    "bias_act",
    "conv2d",
    "conv2d_up",
    "downsample2d",
    "empty_like",
    "filter2d",
    "full",
    "in_bands",
    "is_channels_last",
    "modulated_act",
    "modulated_conv2d",
    "modulated_pointwise",
    "no_poll",
    "phases",
    "prepare",
    "scaled_conv2d",
    "setup_filter",
    "smooth2d",
    "unfinished",
    "upsample2d",
    "weight_energy",
]
