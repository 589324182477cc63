"""The families of networks: which classes a configuration or a name stands for."""

from dataclasses import dataclass
from typing import Any

import torch

from stylegan_core import progan, stylegan1, stylegan3
from stylegan_core.config import DiscriminatorConfig, GeneratorConfig
from stylegan_core.network import DiscriminatorNetwork, GeneratorNetwork
from stylegan_core.stylegan2 import Discriminator, Generator


@dataclass(frozen=True)
class Family:
    """One generation of networks. Networks are made from their configuration alone."""

    name: str
    generator_config: type[Any]
    generator: type[GeneratorNetwork]
    discriminator_config: type[Any]
    discriminator: type[DiscriminatorNetwork]


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("progan", progan.GeneratorConfig, progan.Generator, progan.DiscriminatorConfig, progan.Discriminator),
        Family(
            "stylegan1",
            stylegan1.GeneratorConfig,
            stylegan1.Generator,
            stylegan1.DiscriminatorConfig,
            stylegan1.Discriminator,
        ),
        Family("stylegan2", GeneratorConfig, Generator, DiscriminatorConfig, Discriminator),
        Family("stylegan3", stylegan3.StyleGAN3Config, stylegan3.Generator, DiscriminatorConfig, Discriminator),
    )
}


def is_generator(config: object) -> bool:
    """Whether a configuration is a generator's."""
    return any(isinstance(config, family.generator_config) for family in FAMILIES.values())


def family_of(config: object) -> Family:
    """The family that a configuration belongs to: the first, for StyleGAN3's discriminator is StyleGAN2's."""
    return next(
        family
        for family in FAMILIES.values()
        if isinstance(config, (family.generator_config, family.discriminator_config))
    )


def empty_network(config: object) -> GeneratorNetwork | DiscriminatorNetwork:
    """The network of a configuration on the meta device: shapes without memory."""
    family = family_of(config)
    with torch.device("meta"):
        return family.generator(config) if is_generator(config) else family.discriminator(config)
