"""NetworkSpec: one network as a file holds it, before any module is built: configuration and named tensors."""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from stylegan_core.config import DiscriminatorConfig, GeneratorConfig


@dataclass(frozen=True)
class NetworkSpec:
    """Configuration and weights of one network.

    `tensors` are named as in the official PyTorch snapshots ("synthesis.b4.conv1.affine.weight"), buffers included.
    """

    family: Literal["stylegan2"]
    config: GeneratorConfig | DiscriminatorConfig
    tensors: dict[str, Tensor]
    description: dict[str, str] = field(default_factory=dict)  # words about the model, for the card
