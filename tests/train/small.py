"""Networks small enough for every test of training: each family, each wiring."""

from typing import Any

import torch
from torch import Tensor

from stylegan_core import progan, stylegan1
from stylegan_core.config import DiscriminatorConfig, GeneratorConfig
from stylegan_core.model import random_spec
from stylegan_core.spec import NetworkSpec
from stylegan_core.stylegan3 import StyleGAN3Config

SMALL: dict[str, Any] = {"img_resolution": 8, "channel_base": 32, "channel_max": 4}
MAPPING: dict[str, Any] = {"z_dim": 4, "w_dim": 4, "mapping_layers": 2}
STYLEGAN3: dict[str, Any] = {
    "img_resolution": 16,
    "channel_base": 32,
    "channel_max": 4,
    "num_layers": 3,
    "margin_size": 2,
}

GENERATORS: dict[str, Any] = {
    "stylegan2 skip": GeneratorConfig(**SMALL, **MAPPING, c_dim=2),
    "stylegan2 resnet": GeneratorConfig(**SMALL, **MAPPING, architecture="resnet"),
    "stylegan2 orig": GeneratorConfig(**SMALL, **MAPPING, architecture="orig", conv_clamp=256.0),
    "stylegan2 progressive": GeneratorConfig(**SMALL, **MAPPING, architecture="progressive"),
    "stylegan3-t": StyleGAN3Config(**STYLEGAN3, **MAPPING, c_dim=2),
    "stylegan3-r": StyleGAN3Config(**STYLEGAN3, **MAPPING, conv_kernel=1, use_radial_filters=True),
    "stylegan1": stylegan1.GeneratorConfig(**SMALL, **MAPPING, mapping_layer_features=4, c_dim=2),
    "progan": progan.GeneratorConfig(**SMALL, z_dim=4),
}

DISCRIMINATORS: dict[str, Any] = {
    "stylegan2 resnet": DiscriminatorConfig(**SMALL, c_dim=2, mapping_layers=2),
    "stylegan2 skip": DiscriminatorConfig(**SMALL, architecture="skip"),
    "stylegan2 orig": DiscriminatorConfig(**SMALL, architecture="orig", conv_clamp=256.0),
    "stylegan1": stylegan1.DiscriminatorConfig(**SMALL, c_dim=2),
    "progan": progan.DiscriminatorConfig(**SMALL),
    "progan of single steps": progan.DiscriminatorConfig(**SMALL, fused_scale=False),
}

GROWING = ("stylegan2 progressive", "stylegan1", "progan")  # those that fade


def spec(config: Any, seed: int = 0) -> NetworkSpec:
    """A network as if it had trained a little: no tensor is zero, so that everything has an effect."""
    fresh = random_spec(config, seed)
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in fresh.tensors.items():
        if name.endswith(("bias", "noise_strength", "w_avg", "input.affine.weight")):
            fresh.tensors[name] = tensor + 0.2 * torch.randn(tensor.shape, generator=generator)
    return fresh


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Unit normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def classes(config: Any, n: int, dtype: torch.dtype = torch.float32) -> Tensor | None:
    """One-hot classes in turn, if the network has some."""
    return torch.eye(config.c_dim, dtype=dtype)[torch.arange(n) % config.c_dim] if config.c_dim else None
