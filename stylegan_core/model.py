"""Model: one generator ready to run, behind the same few methods for every family."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, TypeVar

import torch
from torch import Tensor, nn

from stylegan_core.card import ModelCard
from stylegan_core.config import DiscriminatorConfig, GeneratorConfig
from stylegan_core.errors import ModelFileError
from stylegan_core.noise import NoiseLike, noise_maps
from stylegan_core.ops import Poll, no_poll, setup_filter
from stylegan_core.spec import NetworkSpec
from stylegan_core.stylegan2 import Discriminator, Generator, Step, SynthesisLayer
from stylegan_core.truncation import Psi, psi_per_layer, truncate

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Model:
    """A generator with its card. Running it changes nothing in it: one Model may serve several threads."""

    card: ModelCard
    network: Generator
    device: torch.device

    def to(self, device: str | torch.device) -> Self:
        """The same model on another device. This one stays whole and where it is, also if memory runs out there."""
        device = torch.device(device)
        if device == self.device:
            return self
        with torch.device("meta"):
            network = Generator(self.network.config)
        state = {name: tensor.to(device) for name, tensor in self.network.state_dict().items()}
        network.load_state_dict(state, strict=True, assign=True)
        return type(self)(self.card, network.eval().requires_grad_(False), device)

    @property
    def num_bytes(self) -> int:
        """Memory of the weights."""
        return sum(t.numel() * t.element_size() for t in self.network.state_dict().values())

    @property
    def w_avg(self) -> Tensor:
        """The mean of w over the latents seen in training, [w_dim]."""
        w_avg = self.network.mapping.w_avg
        assert isinstance(w_avg, Tensor)
        return w_avg

    @torch.inference_mode()
    def map(self, z: Tensor, c: Tensor | None = None, psi: Psi = 1.0, cutoff: int | None = None) -> Tensor:
        """The mapping network and truncation.

        Args:
            z: [N, z_dim], unit normal.
            c: [N, c_dim] class weights, one-hot in training; needed if c_dim > 0.
            psi: truncation towards w_avg, 1 for none; one number, or one for each style vector.
            cutoff: style vectors from here on are not truncated; None: all are.

        Returns:
            ws [N, num_ws, w_dim], float32.

        Raises:
            ValueError: z, c or psi do not have the model's shape.
        """
        self._check("z", z, self.card.z_dim)
        if self.card.c_dim:
            if c is None:
                raise ValueError(f"this model is conditional: give c [N, {self.card.c_dim}].")
            self._check("c", c, self.card.c_dim)
        psis = psi_per_layer(psi, cutoff, self.card.num_ws)
        c = c.to(self.device) if c is not None else None
        w = self.network.mapping(z.to(self.device), c)
        return truncate(w[:, None].repeat(1, self.card.num_ws, 1), self.w_avg, psis)

    @torch.inference_mode()
    def synthesize(
        self,
        ws: Tensor,
        noise: NoiseLike = "const",
        transform: Tensor | None = None,
        lod: float = 0.0,
        half: bool = False,
    ) -> Tensor:
        """The synthesis network.

        Args:
            ws: [N, num_ws, w_dim].
            noise: "const" (the trained maps), "none", a seed for random maps, or a Scene's Noise.
            transform: input transform of models that have one; None elsewhere.
            lod: level of detail of progressive models; 0 elsewhere.
            half: run in half precision the blocks that are meant for it (on a GPU).

        Returns:
            Pictures [N, C, H, W], float32, nominal range [-1, 1], not clipped.

        Raises:
            ValueError: ws has another shape, or the model has no transform or levels of detail.
        """
        if transform is not None:
            raise ValueError(f"{self.card.family} has no input transform.")
        if lod != 0:
            raise ValueError(f"{self.card.family} has no levels of detail.")
        *_, last = self.steps(ws, noise, half)
        assert last.img is not None  # the last block has a ToRGB in every architecture
        return last.img

    def steps(
        self,
        ws: Tensor,
        noise: NoiseLike = "const",
        half: bool = False,
        poll: Poll = no_poll,
        start: Step | None = None,
    ) -> Iterator[Step]:
        """Synthesis block by block, coarse to fine; see `SynthesisNetwork.steps`. Call in inference mode."""
        if ws.ndim != 3 or ws.shape[1:] != (self.card.num_ws, self.card.w_dim):
            raise ValueError(f"ws is {list(ws.shape)}; expected [N, {self.card.num_ws}, {self.card.w_dim}].")
        half = half and self.device.type == "cuda"
        return self.network.synthesis.steps(ws.to(self.device, torch.float32), noise_maps(noise), half, poll, start)

    def _check(self, name: str, value: Tensor, width: int) -> None:
        if value.ndim != 2 or value.shape[1] != width:
            raise ValueError(f"{name} is {list(value.shape)}; expected [N, {width}].")


@dataclass(frozen=True)
class DiscriminatorModel:
    """A discriminator, called with pictures."""

    network: Discriminator
    device: torch.device

    @torch.inference_mode()
    def __call__(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """img [N, C, H, W] in [-1, 1], c [N, c_dim] -> logits [N, 1]."""
        c = c.to(self.device, torch.float32) if c is not None else None
        return self.network(img.to(self.device, torch.float32), c)


def _filled(network: Network, spec: NetworkSpec, source: str) -> Network:
    """Give a network made on the meta device the tensors of a spec.

    Raises:
        ModelFileError: a tensor is missing, has another shape, or belongs nowhere.
    """
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    missing = [name for name in expected if name not in spec.tensors]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelFileError(f"{source}: tensor '{missing[0]}'{more} is missing; the file may be cut or altered.")
    tensors = {}
    for name, shape in expected.items():
        tensor = spec.tensors[name]
        if tensor.shape != shape:
            raise ModelFileError(
                f"{source}: tensor '{name}' is {list(tensor.shape)}, but its configuration asks for {list(shape)}."
            )
        tensors[name] = tensor.detach().to(torch.float32).contiguous()
    network.load_state_dict(tensors, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def build_generator(spec: NetworkSpec, digest: str, name: str, device: str | torch.device = "cpu") -> Model:
    """A Model from what a file holds.

    Args:
        spec: configuration and tensors.
        digest: of the file.
        name: for the card, and for errors.
        device: where it will run.
    """
    config = spec.config
    if not isinstance(config, GeneratorConfig):
        raise ModelFileError(f"{name} holds a discriminator where a generator was expected.")
    with torch.device("meta"):  # nothing is allocated or initialised for weights that are replaced at once
        network = Generator(config)
    _filled(network, spec, name)
    for layer in network.modules():
        if isinstance(layer, SynthesisLayer):
            layer.prepare()
    device = torch.device(device)
    return Model(_card(network, spec, digest, name), network.to(device), device)


def build_discriminator(spec: NetworkSpec, name: str, device: str | torch.device = "cpu") -> DiscriminatorModel:
    """A discriminator from what a file holds; see `build_generator`."""
    config = spec.config
    if not isinstance(config, DiscriminatorConfig):
        raise ModelFileError(f"{name} holds a generator where a discriminator was expected.")
    with torch.device("meta"):
        network = Discriminator(config)
    device = torch.device(device)
    return DiscriminatorModel(_filled(network, spec, name).to(device), device)


def _card(network: Generator, spec: NetworkSpec, digest: str, name: str) -> ModelCard:
    config = network.config
    return ModelCard(
        family=spec.family,
        name=name,
        digest=digest,
        resolution=config.img_resolution,
        img_channels=config.img_channels,
        z_dim=config.z_dim,
        c_dim=config.c_dim,
        w_dim=config.w_dim,
        num_ws=network.synthesis.num_ws,
        layers=network.layers(),
        has_noise=config.use_noise,
        has_preview=config.architecture == "skip",
        has_half=config.num_fp16_res > 0,
        parameters=sum(p.numel() for p in network.parameters()),
        description=spec.description,
    )


def random_spec(config: GeneratorConfig | DiscriminatorConfig, seed: int) -> NetworkSpec:
    """A network as it is before training: for benchmarks of any size, tests, and as training's starting point.

    Weights are unit normal (StyleGAN2 scales them at run time), biases 0 (1 for styles), w_avg 0. Mapping weights
    are divided by the learning rate multiplier that scales them again.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        network = Generator(config) if isinstance(config, GeneratorConfig) else Discriminator(config)
    tensors = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("resample_filter"):
            tensors[name] = setup_filter(config.resample_filter)
        elif name.endswith(("weight", "const", "noise_const")):
            scale = 1 / config.mapping_lr_multiplier if name.startswith("mapping.fc") else 1.0
            tensors[name] = torch.randn(tensor.shape, generator=generator) * scale
        else:
            tensors[name] = torch.full(tensor.shape, 1.0 if name.endswith("affine.bias") else 0.0)
    return NetworkSpec("stylegan2", config, tensors)
