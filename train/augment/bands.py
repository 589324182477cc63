"""Image-space filtering: four bands of frequencies, an octave each, amplified apart (ADA, appendix B).

The bank is not decimated. L(z) = H(z) H(1/z) / 2, with the symlet of 2 vanishing moments as H, passes the lower half of
all frequencies, L(z²) the lower half of those, and what each one takes away is a band. So the bands sum to one exactly.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from train.augment.constants import constant
from train.augment.geometry import mirrored

SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
OCTAVES = 3


def _filter_bank() -> tuple[tuple[float, ...], ...]:
    """[4][43]: the filters of the bands 0 to π/8, to π/4, to π/2 and to π, symmetric around their middle."""
    lowpass = np.convolve(SYM2, SYM2[::-1]) / 2
    reach = (len(lowpass) // 2) * (2**OCTAVES - 1)
    passed = [np.ones(1)]
    for octave in range(OCTAVES):
        stretched = np.zeros((len(lowpass) - 1) * 2**octave + 1)
        stretched[:: 2**octave] = lowpass
        passed.append(np.convolve(passed[-1], stretched))
    below = [np.pad(each, reach - len(each) // 2) for each in passed]
    bands = np.stack([below[3], below[2] - below[3], below[1] - below[2], below[0] - below[1]])
    return tuple(tuple(band) for band in bands.tolist())


BANDS = _filter_bank()


def amplify(images: Tensor, gains: Tensor) -> Tensor:
    """Multiply each band of images [N, C, H, W] by its gain [N, 4], along x and along y; mirrored at the edges."""
    taps = (gains.to(images.dtype)[:, :, None] * constant(BANDS, images.device, images.dtype)).sum(1)
    for axis in (3, 2):
        images = _filtered(images, taps, axis)
    return images


def _filtered(x: Tensor, taps: Tensor, axis: int) -> Tensor:
    """x [N, C, H, W], each picture filtered along an axis with its own taps [N, t]."""
    reach = taps.shape[1] // 2
    places = torch.arange(-reach, x.shape[axis] + reach, device=x.device)
    x = x.index_select(axis, mirrored(places, x.shape[axis]))
    kernel = taps.repeat_interleave(x.shape[1], dim=0)[:, None]
    kernel = kernel[:, :, None] if axis == 3 else kernel[:, :, :, None]
    return F.conv2d(x.flatten(0, 1)[None], kernel, groups=len(kernel)).unflatten(1, x.shape[:2])[0]
