"""Losses: functions of the discriminator's logits, each with its definition. What is minimised is their mean.

D(x) is the logit [N, 1] of a picture x, larger for more real; G(z) a generated picture; σ the logistic function.
"""

import torch.nn.functional as F
from torch import Tensor

EPSILON_DRIFT = 1e-3  # Progressive GAN, section A.1


def logistic_g(fake: Tensor) -> Tensor:
    """The generator's non-saturating logistic loss, E[-log σ(D(G(z)))] (Goodfellow et al. 2014, section 3).

    Args:
        fake: D(G(z)), [N, 1].

    Returns:
        The mean, a number.
    """
    return F.softplus(-fake).mean()


def logistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's logistic loss, E[-log σ(D(x))] + E[-log(1 - σ(D(G(z))))].

    Goodfellow et al. 2014, equation 1.

    Args:
        real: D(x), [N, 1].
        fake: D(G(z)), [M, 1].
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def wgan_g(fake: Tensor) -> Tensor:
    """The generator's Wasserstein loss, -E[D(G(z))] (Arjovsky et al. 2017, algorithm 1, line 10)."""
    return -fake.mean()


def wgan_d(real: Tensor, fake: Tensor, drift: float = EPSILON_DRIFT) -> Tensor:
    """The critic's Wasserstein loss, E[D(G(z))] - E[D(x)] + drift E[D(x)²], without the gradient penalty.

    Gulrajani et al. 2017, equation 3; the last term keeps D(x) from drifting away from 0 (Progressive GAN,
    section A.1). The penalty is `regularisers.gradient_penalty`.

    Args:
        real: D(x), [N, 1].
        fake: D(G(z)), [M, 1].
        drift: ε_drift.
    """
    return fake.mean() - real.mean() + drift * real.square().mean()


def class_loss(logits: Tensor, c: Tensor) -> Tensor:
    """Cross entropy of the classes that pictures seem to have and those that they have.

    Auxiliary classifier GAN (Odena et al. 2017, L_C), which both networks minimise; conditional Progressive GAN has it.

    Args:
        logits: [N, c_dim].
        c: [N, c_dim], each a distribution over the classes.
    """
    return F.cross_entropy(logits, c)
