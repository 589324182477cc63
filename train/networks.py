"""The networks in training: made from a configuration and a seed or from a model file, run with gradients, saved.

They are stylegan_core's own networks, so a saved one makes the pictures that training saw. Here is what only training
does to them: random noise, style mixing, tracking of means, frozen layers. Nothing here moves tensors to a device, nor
draws numbers by itself: Modules are moved by whoever trains, and a Chance is passed in.

A network that was prepared for inference remembers what follows from its weights. So training never takes somebody
else's network: it takes a NetworkSpec, and builds its own with copies of the tensors.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stylegan_core import progan
from stylegan_core.checkpoint import write_specs
from stylegan_core.errors import StyleScopeError
from stylegan_core.family import empty_network, family_of
from stylegan_core.model import Model, checked_tensors, random_spec
from stylegan_core.network import DiscriminatorNetwork, GeneratorNetwork, Inputs, Probe
from stylegan_core.ops import CPU_LAYOUT, full
from stylegan_core.progressive import ProgressiveDiscriminator
from stylegan_core.spec import NetworkSpec
from train.chance import Chance
from train.regularisers import Mean, alone, crossovers, mix

W_AVG_DECAY = 0.995  # of w_avg at a step (StyleGAN's and StyleGAN2's official code)
W_AVG_DECAY_STYLEGAN3 = 0.998


def spec_of(
    network: GeneratorNetwork | DiscriminatorNetwork, description: dict[str, str], lod: float = 0.0
) -> NetworkSpec:
    """What a file would hold of a network now: copies in main memory.

    Args:
        network: in training, or an average of one.
        description: words for the card.
        lod: the level of detail that a progressive network has reached.
    """
    tensors = {name: t.detach().to("cpu", torch.float32, copy=True) for name, t in network.state_dict().items()}
    return NetworkSpec(_at_level(network.config, lod), tensors, description)


def model_spec(model: Model) -> NetworkSpec:
    """A loaded generator as a starting point for training."""
    return NetworkSpec(model.network.config, dict(model.network.state_dict()), dict(model.card.description))


def transferred(config: Any, source: NetworkSpec, seed: int) -> tuple[NetworkSpec, tuple[str, ...]]:
    """A starting point that takes from another network all that fits, as far as names and shapes are the same.

    So a model of one resolution starts another of the next, and an unconditional one a conditional one.

    Args:
        config: of the network wanted; best the source's own with what shall differ, for weights mean something by
            their configuration only (mapping_lr_multiplier, architecture).
        source: what to take from.
        seed: for what is not there.

    Returns:
        The starting point, and the names of the tensors that begin afresh.

    Raises:
        StyleScopeError: nothing fits.
    """
    fresh = random_spec(config, seed)
    fits = {n: t for n, t in source.tensors.items() if n in fresh.tensors and fresh.tensors[n].shape == t.shape}
    if not any(name.endswith("weight") for name in fits):
        raise StyleScopeError(
            f"No layer of the {family_of(source.config).name} model has the shape that the "
            f"{family_of(config).name} network wants; choose a model of the same family and width to start from."
        )
    tensors = fresh.tensors | fits
    return NetworkSpec(config, tensors, source.description), tuple(n for n in fresh.tensors if n not in fits)


def check_batch(config: Any, batch: int) -> None:
    """Whether a discriminator takes batches of this size: the minibatch standard deviation wants whole groups.

    Args:
        config: the discriminator's.
        batch: pictures that it is given at a time, by one process.

    Raises:
        StyleScopeError: it does not; names a size that it takes.
    """
    group = config.mbstd_group_size
    if batch < 1:
        raise StyleScopeError(f"The batch size is {batch}; it has to be 1 or more.")
    if group and batch > group and batch % group:
        fitting = batch // group * group
        raise StyleScopeError(
            f"The batch size {batch} leaves a group of {batch % group} for the minibatch standard deviation, whose "
            f"groups (mbstd_group_size) are of {group}; use {fitting} or {fitting + group}."
        )


def _built(spec: NetworkSpec) -> Any:
    """A network of its own with copies of a spec's tensors, which stay as they are.

    The level of detail is the trainer's to say from here on.
    """
    config = _at_level(spec.config, 0.0)
    network = empty_network(config)
    # Tensors that were loaded for pictures may be inference tensors, which know no gradients; copies do.
    tensors = checked_tensors(spec, "The starting point", torch.device("cpu"))
    network.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()}, strict=True, assign=True)
    return network.train().requires_grad_(True)


def _at_level(config: Any, lod: float) -> Any:
    """A configuration with the level of detail that training has reached, if it is of a kind that grows."""
    return config.model_copy(update={"lod": lod}) if "lod" in type(config).model_fields else config


class TrainableGenerator(nn.Module):
    """A generator in training.

    Args:
        spec: what it starts from: `random_spec`, `model_spec`, `transferred`, or what a file holds. It is copied.
        mean: of numbers over all processes, so that w_avg and StyleGAN3's magnitudes are the same on each. With it
            DistributedDataParallel need not send buffers around before each pass (forward_sync_buffers=False), which
            would overwrite what an earlier pass has left for its gradients.
    """

    network: GeneratorNetwork

    def __init__(self, spec: NetworkSpec, mean: Mean = alone):
        super().__init__()
        self.network = _built(spec)
        self.w_avg_decay = W_AVG_DECAY_STYLEGAN3 if self.family == "stylegan3" else W_AVG_DECAY
        self._mean = mean

    @property
    def family(self) -> str:
        """Its family's name."""
        return family_of(self.network.config).name

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        chance: Chance | None = None,
        *,
        mixing: float = 0.0,
        lod: float = 0.0,
        half: torch.dtype | None = None,
        track: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Pictures, and the style vectors that they are made from.

        Args:
            z: [N, z_dim], unit normal.
            c: [N, c_dim] classes, if there are any.
            chance: of noise maps, one for each picture, and of style mixing; None: the stored maps, nothing mixed.
            mixing: probability of style mixing (StyleGAN, section 3.1: 0.9).
            lod: level of detail of progressive networks.
            half: 16 bits for the layers that are made for it; None: none.
            track: move w_avg (and StyleGAN3's magnitudes) towards this batch's; once a step is enough.

        Returns:
            images [N, C, H, W] in nominal range [-1, 1], and ws [N, num_ws, w_dim], both with gradients.
        """
        network = self.network
        w = network.map(z, c)
        if track:
            self._track(w)
        ws = w[:, None].repeat(1, network.num_ws, 1)
        active = network.num_ws - 2 * int(lod)  # those of the blocks that are used
        if chance is not None and mixing and active > 1:
            other = network.map(chance.normal(*z.shape, like=z), c)[:, None].expand_as(ws)
            ws = mix(ws, other, crossovers(len(z), active, mixing, chance, like=w))
        probe = _Magnitudes(network, self._mean) if track and self.family == "stylegan3" else None
        maps = {} if chance is None else {"noise": _noise(chance, len(z))}
        *_, last = network.steps(ws, Inputs(lod=lod, dtype=half or torch.float32, probe=probe, **maps))
        assert last.img is not None  # the last step has a picture in every network
        return last.img, ws

    @torch.no_grad()
    def _track(self, w: Tensor) -> None:
        if self.network.traits().get("has_truncation", True):  # Progressive GAN has no w
            self.network.w_avg.lerp_(self._mean(w.mean(dim=0)).to(self.network.w_avg), 1 - self.w_avg_decay)


def _noise(chance: Chance, n: int) -> Any:
    """The NoiseMap of maps that each picture has of its own."""

    def layer_map(layer: int, const: Tensor) -> Tensor:
        del layer
        return chance.normal(n, 1, *const.shape, like=const)

    return layer_map


class _Magnitudes(Probe):
    """Tracks the mean square of what each layer of StyleGAN3 is given, which is what the one before it gives.

    A layer scales its input by its mean over training (Alias-Free GAN, appendix F.1).
    """

    def __init__(self, network: GeneratorNetwork, mean: Mean):
        names = [layer.name for layer in network.layers()]
        self._takers = {a: network.get_submodule(f"synthesis.{b}") for a, b in pairwise(names)}
        self._beta, self._mean = network.config.magnitude_ema_beta, mean

    @torch.no_grad()
    def output(self, layer: str, x: Tensor) -> Tensor:
        """See `Probe.output`."""
        if layer in self._takers:
            ema: Any = self._takers[layer].magnitude_ema
            ema.lerp_(self._mean(full(x).square().mean()).to(ema), 1 - self._beta)
        return x


class TrainableDiscriminator(nn.Module):
    """A discriminator in training.

    Args:
        spec: what it starts from. It is copied.
        frozen: how many layers, from the picture on, keep their weights (FreezeD, Mo et al. 2020): FromRGB, the
            convolutions and skips of each resolution, the finest first. In StyleGAN2's resnet 10 of 256² are FromRGB
            and those of 256², 128² and 64².
    """

    network: DiscriminatorNetwork

    def __init__(self, spec: NetworkSpec, frozen: int = 0):
        super().__init__()
        self.network = _built(spec)
        layers = [module for name, module in self.network.named_modules() if _is_layer(name, module)]
        if not 0 <= frozen < len(layers):
            raise StyleScopeError(
                f"FreezeD wants {frozen} layers; this discriminator has {len(layers)}, one must learn."
            )
        self._frozen = {id(parameter) for layer in layers[:frozen] for parameter in layer.parameters()}
        self.let_learn(True)

    def forward(
        self, img: Tensor, c: Tensor | None = None, *, lod: float = 0.0, half: torch.dtype | None = None
    ) -> Tensor:
        """Logits [N, 1] of pictures [N, C, H, W] of classes c [N, c_dim].

        Args:
            img: pictures of full size, also while a progressive network grows.
            c: classes, if there are any.
            lod: level of detail, of progressive networks only.
            half: 16 bits for the layers that are made for it; None: none.
        """
        if not img.is_cuda:
            img = img.contiguous(memory_format=CPU_LAYOUT)  # what follows keeps it; see `ops`
        if isinstance(self.network, ProgressiveDiscriminator):
            logits: Tensor = self.network(img, c, lod=lod)
        else:
            logits = self.network(img, c, half=half)
        return logits

    def scores_and_labels(self, img: Tensor, lod: float = 0.0) -> tuple[Tensor, Tensor] | None:
        """Logits [N, 1], and those of the classes that pictures seem to have, [N, c_dim]; None where D names no class.

        Progressive GAN's does, as an auxiliary classifier (Odena et al. 2017), and is told none.
        """
        network = self.network
        if not isinstance(network, progan.Discriminator) or not network.config.c_dim:
            return None
        return network.scores_and_labels(img, lod)

    def let_learn(self, learns: bool) -> None:
        """Whether parameters collect gradients; frozen ones never do. False spares work in the generator's step."""
        for parameter in self.network.parameters():
            parameter.requires_grad_(learns and id(parameter) not in self._frozen)

    def learning(self) -> Iterator[nn.Parameter]:
        """The parameters that an optimiser is for."""
        return (parameter for parameter in self.network.parameters() if id(parameter) not in self._frozen)


def _is_layer(name: str, module: nn.Module) -> bool:
    """Whether a module has weights of its own, on the picture's way; modules are in that order."""
    return not name.startswith("mapping") and isinstance(getattr(module, "weight", None), nn.Parameter)


def save(
    path: str | Path,
    generator: TrainableGenerator,
    average: GeneratorNetwork,
    discriminator: TrainableDiscriminator,
    description: dict[str, str],
    lod: float = 0.0,
) -> None:
    """Write G, G_ema and D into one .safetensors, which load_model and load_discriminator read. All or nothing.

    Args:
        path: of the file.
        generator: G.
        average: G_ema, an `Ema`'s network.
        discriminator: D.
        description: words for the card.
        lod: the level of detail that progressive networks have reached.

    Raises:
        ModelFileError: it cannot be written.
    """
    specs = {
        "G_ema": spec_of(average, description, lod),
        "G": spec_of(generator.network, description, lod),
        "D": spec_of(discriminator.network, description, lod),
    }
    write_specs(specs, path)
