"""NetworkSpec: one network as a file holds it, before any module is built: configuration and named tensors."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass(frozen=True, eq=False)
class NetworkSpec:
    """Configuration and weights of one network.

    `tensors` are named as in the network's module ("synthesis.b4.conv1.affine.weight"), buffers included.
    """

    config: Any  # a generator's or discriminator's configuration of one of the families
    tensors: dict[str, Tensor]
    description: dict[str, str] = field(default_factory=dict)  # words about the model, for the card
