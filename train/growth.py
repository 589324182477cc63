"""Progressive growing: what real pictures look like at a level of detail. Which one is trained when: `GrowthConfig`.

Progressive GAN, section 2 and appendix A; StyleGAN, appendix C. Level n is the picture n octaves below the full size.
"""

import math

import torch.nn.functional as F
from torch import Tensor


def at_level(images: Tensor, lod: float) -> Tensor:
    """Real pictures as a level shows them: means of squares of pixels, faded as the generator's are.

    Args:
        images: [N, C, H, W] of full size, H and W divisible by 2^ceil(lod).
        lod: level of detail.

    Returns:
        [N, C, H, W], full size.
    """
    level = math.floor(lod)
    size = images.shape[2:]
    finer = F.avg_pool2d(images, 2**level) if level else images
    if lod > level:
        coarser = F.interpolate(F.avg_pool2d(finer, 2), scale_factor=2, mode="nearest")
        finer = finer.lerp(coarser, lod - level)
    return F.interpolate(finer, size=size, mode="nearest") if level else finer
