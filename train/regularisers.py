"""Regularisers of training: R1, WGAN-GP's gradient penalty, path lengths, style mixing, blur; doing some of it lazily.

Penalties come with their weights, ready to be added to a loss. What one remembers is in its `state_dict`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from train.chance import Chance

Judge = Callable[[Tensor], Tensor]  # pictures [N, C, H, W] -> logits [N, 1]
Mean = Callable[[Tensor], Tensor]  # of a number that each process has, over all of them


def alone(x: Tensor) -> Tensor:
    """The Mean where there is one process."""
    return x


def r1(images: Tensor, logits: Tensor, gamma: float) -> Tensor:
    """R1: gamma / 2 E[|∇D(x)|²] on real pictures (Mescheder et al. 2018, equation 9).

    Args:
        images: x [N, C, H, W], with requires_grad before D has seen them.
        logits: D(x) [N, 1]; no sample's may depend on another's x but through the minibatch standard deviation.
        gamma: γ; StyleGAN2 has 10, ADA chooses it by resolution and batch size.
    """
    (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return slope.square().sum(dim=[1, 2, 3]).mean() * (gamma / 2)


def gradient_penalty(
    judge: Judge, real: Tensor, fake: Tensor, chance: Chance, weight: float = 10.0, target: float = 1.0
) -> Tensor:
    """WGAN-GP: λ E[(|∇D(x̂)| - target)²] / target² on lines between real and fake (Gulrajani et al. 2017, equation 3).

    x̂ = x + ε (G(z) - x), with one ε in [0, 1) a pair.

    Args:
        judge: D.
        real: x [N, C, H, W].
        fake: G(z) [N, C, H, W].
        chance: where ε comes from.
        weight: λ.
        target: the norm wanted; the official Progressive GAN divides by its square.
    """
    share = chance.uniform(len(real), 1, 1, 1, like=real)
    between = real.detach().lerp(fake.detach(), share).requires_grad_()
    (slope,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
    return (slope.square().sum(dim=[1, 2, 3]).sqrt() - target).square().mean() * (weight / target**2)


def path_length_weight(resolution: int) -> float:
    """γ_pl = ln 2 / (r² (ln r - ln 2)), the paper's weight for norms over all of ws (StyleGAN2, appendix B)."""
    return math.log(2) / (resolution**2 * (math.log(resolution) - math.log(2)))


class PathLength:
    """Path length regularisation: E[(|Jᵀ_w y| - a)²], y normal pictures, a the running mean (StyleGAN2, equation 4).

    Lengths are the root of the mean over style vectors of their squared norms, with y divided by the picture's size.
    At weight 2 that is the paper's γ_pl at every resolution, since ws has 2 log2(r) - 2 style vectors there.

    Args:
        weight: of the penalty.
        decay: how much of a new mean length a takes in.
        mean: of lengths over all processes, so that a is the same on each.
    """

    def __init__(self, weight: float = 2.0, decay: float = 0.01, mean: Mean = alone):
        self.weight, self.decay, self._mean = weight, decay, mean
        self.average = torch.zeros(())

    def lengths(self, images: Tensor, ws: Tensor, chance: Chance) -> Tensor:
        """The length of each sample, [N].

        Args:
            images: [N, C, H, W], made from ws with gradients; in StyleGAN2 half a batch, see `smaller_batch`.
            ws: [N, num_ws, w_dim].
            chance: where y comes from.
        """
        y = chance.normal(*images.shape, like=images) / math.sqrt(images.shape[2] * images.shape[3])
        (slope,) = torch.autograd.grad((images * y).sum(), ws, create_graph=True)
        return slope.square().sum(dim=2).mean(dim=1).sqrt()

    def penalty(self, images: Tensor, ws: Tensor, chance: Chance) -> Tensor:
        """The penalty, a number, by a mean that this batch's lengths have gone into; see `lengths`."""
        lengths = self.lengths(images, ws, chance)
        current = self._mean(lengths.detach().mean())
        self.average = self.average.to(current).lerp(current, self.decay)
        return (lengths - self.average).square().mean() * self.weight

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint holds."""
        return {"average": self.average.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a checkpoint."""
        self.average = state["average"].clone()


def smaller_batch(batch: int, shrink: int = 2) -> int:
    """How many samples path lengths are measured on, at least 1 (StyleGAN2, appendix B: half a batch)."""
    return max(batch // shrink, 1)


def crossovers(n: int, num_ws: int, probability: float, chance: Chance, like: Tensor) -> Tensor:
    """Where each sample changes from one w to another: 1 to num_ws - 1 evenly, or num_ws for those not mixed.

    Args:
        n: samples.
        num_ws: style vectors in use; while a network grows, fewer than it has.
        probability: that a sample is mixed; 0.9 in StyleGAN (section 3.1 and appendix C).
        chance: where the numbers come from.
        like: a tensor with the place and type wanted of them.

    Returns:
        int64 [n].
    """
    mixed, place = chance.uniform(n, 2, like=like).unbind(dim=1)
    crossover = 1 + (place * (num_ws - 1)).long().clamp(max=num_ws - 2)
    return torch.where(mixed < probability, crossover, num_ws)


def mix(ws: Tensor, other: Tensor, crossover: Tensor) -> Tensor:
    """Style mixing (StyleGAN, section 3.1): ws before the crossover, `other` from it on.

    Args:
        ws: [N, num_ws, w_dim].
        other: the same, of other latents.
        crossover: [N].
    """
    position = torch.arange(ws.shape[1], device=ws.device)
    return torch.where((position < crossover[:, None])[:, :, None], ws, other)


@dataclass(frozen=True)
class Lazy:
    """A regulariser that runs at every `interval`-th step, with as much weight as if at each (StyleGAN2, appendix B).

    R1 has 16, path length 8. With a pass of its own the optimiser takes interval + 1 steps where it would take
    `interval`, which `rate` and `betas` make up for.
    """

    interval: int

    def is_due(self, step: int) -> bool:
        """Whether the regulariser runs at a step, counted from 0."""
        return step % self.interval == 0

    @property
    def gain(self) -> int:
        """What to multiply the penalty by."""
        return self.interval

    @property
    def correction(self) -> float:
        """c = k / (k + 1)."""
        return self.interval / (self.interval + 1)

    def rate(self, lr: float) -> float:
        """Adam's learning rate: c λ."""
        return lr * self.correction

    def betas(self, betas: tuple[float, float]) -> tuple[float, float]:
        """Adam's β: β^c."""
        return betas[0] ** self.correction, betas[1] ** self.correction


def blur_sigma(seen_kimg: float, start_px: float = 10.0, until_kimg: float = 200.0) -> float:
    """How much the discriminator's pictures are blurred, in px: from `start_px` down to 0.

    Alias-Free GAN, section 3.2. Configuration R needs it: without, the discriminator's task may become trivial early.
    """
    return max(1 - seen_kimg / until_kimg, 0.0) * start_px


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Pictures [N, C, H, W] through a Gaussian of standard deviation sigma px, black (0) beyond their borders."""
    radius = math.floor(3 * sigma)
    if radius == 0:
        return images
    at = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    taps = torch.exp(-at.square() / (2 * sigma**2))
    taps = (taps / taps.sum()).expand(images.shape[1], 1, 1, -1)
    across = F.conv2d(images, taps, padding=(0, radius), groups=images.shape[1])
    return F.conv2d(across, taps.transpose(2, 3), padding=(radius, 0), groups=images.shape[1])
