"""Adaptive discriminator augmentation (ADA).

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data".

`augment` is applied to every picture that the discriminator sees, real or generated, so that it cannot learn the data
by heart; as long as the probability p of each transformation stays below one, what the generator learns does not leak
into its pictures (section 2.2, appendix C). `AdaptiveP` sets p.
"""

from train.augment.adaptive import AdaptiveP, StrengthConfig
from train.augment.config import PRESETS, AugmentConfig
from train.augment.draws import Draws, draw
from train.augment.pipeline import apply, augment

__all__ = ["PRESETS", "AdaptiveP", "AugmentConfig", "Draws", "StrengthConfig", "apply", "augment", "draw"]
