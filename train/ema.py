"""The moving average of the generator, which pictures are made with (Progressive GAN, section 6.1)."""

import copy

import torch

from stylegan_core.network import GeneratorNetwork


def ema_decay(batch: int, half_life_kimg: float, seen_kimg: float = 0.0, rampup: float | None = None) -> float:
    """How much of the average stays at a step.

    Args:
        batch: pictures a step, over all processes.
        half_life_kimg: thousands of pictures after which a weight counts half; 10 in the papers.
        seen_kimg: thousands of pictures so far; for the ramp-up only.
        rampup: the half-life is at most this part of what has been seen, so that the first pictures of a short run
            are not remembered (StyleGAN2-ADA: 0.05); None: no ramp-up.

    Returns:
        β = 0.5^(batch / half-life), 0 to 1.
    """
    half_life = half_life_kimg if rampup is None else min(half_life_kimg, seen_kimg * rampup)
    return 0.5 ** (batch / max(half_life * 1000, 1e-8))


class Ema:
    """A copy of a generator network whose parameters follow it slowly. Buffers (w_avg, noise) are copied as they are.

    `network.state_dict()` is all there is to keep. The copy is never prepared for inference; see `networks.spec_of`.
    """

    def __init__(self, network: GeneratorNetwork):
        self.network = copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, network: GeneratorNetwork, decay: float) -> None:
        """One step: average = decay average + (1 - decay) parameter."""
        for average, parameter in zip(self.network.parameters(), network.parameters(), strict=True):
            average.lerp_(parameter, 1 - decay)
        for copied, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            copied.copy_(buffer)
