"""Progressive growing: which level of detail is trained when, and what real pictures look like there.

Progressive GAN, section 2 and appendix A; StyleGAN, appendix C. Level n is the picture n octaves below the full size.
"""

import math

import torch.nn.functional as F
from torch import Tensor


def level_of_detail(kimg: float, first: int, train_kimg: float = 600.0, fade_kimg: float = 600.0) -> float:
    """The level that is trained after so many thousand pictures: each is trained for a while, then fades into the next.

    Args:
        kimg: thousands of pictures seen.
        first: the level that training begins with.
        train_kimg: thousands of pictures at a level.
        fade_kimg: thousands of pictures on the way to the next.
    """
    phase = train_kimg + fade_kimg
    passed = math.floor(kimg / phase)
    rest = kimg - passed * phase
    faded = max(rest - train_kimg, 0.0) / fade_kimg if fade_kimg else 0.0
    return max(first - passed - faded, 0.0)


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
