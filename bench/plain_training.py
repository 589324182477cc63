"""A step of training in its plain form, which `training.py` measures against and tests compare with.

Every operation is as its definition says (stylegan_core/reference.py): weights of each picture's own in as many groups,
filters that meet the zeros between pixels, a pass for each gain, bias and activation. Channels lie apart, and Adam goes
through the weights one by one.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import nn

import train.networks
import train.trainer
from bench.straightforward import straightforward
from train.config import OptimiserConfig
from train.regularisers import Lazy


@contextmanager
def plain_training() -> Iterator[None]:
    """Within it Trainers take plain steps. One that is made within it has the plain Adam."""
    with (
        straightforward(),
        patch.object(train.networks, "CPU_LAYOUT", torch.contiguous_format),
        patch.object(train.trainer, "_adam", _plain_adam),
    ):
        yield


def _plain_adam(parameters: Iterable[nn.Parameter], config: OptimiserConfig, lazy: Lazy | None) -> torch.optim.Adam:
    betas = config.betas if lazy is None else lazy.betas(config.betas)
    return torch.optim.Adam(parameters, betas=betas, eps=config.eps, foreach=False, fused=False)
