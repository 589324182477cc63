"""Model: one generator ready to run, behind the same few methods for every family."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from stylegan_core.card import ModelCard
from stylegan_core.errors import ModelFileError
from stylegan_core.family import empty_network, family_of, is_generator
from stylegan_core.network import DiscriminatorNetwork, GeneratorNetwork, Inputs, Probe, Step
from stylegan_core.noise import NoiseLike, noise_maps
from stylegan_core.ops import Poll, Prepared, no_poll
from stylegan_core.spec import NetworkSpec
from stylegan_core.truncation import Psi, psi_per_layer, truncate


def half_dtype(device: torch.device) -> torch.dtype | None:
    """The type of 16 bits that a device computes with at more than float32's speed, or None.

    On a CPU that is bfloat16 where it has instructions for it (AVX512-BF16 or AMX). In software it would be slower.
    """
    if device.type == "cuda":
        return torch.float16
    capable = (
        torch.backends.cpu.get_cpu_capability().startswith("AVX512") and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if capable and native else None


@dataclass(frozen=True)
class Model:
    """A generator with its card. Running it changes nothing in it: one Model may serve several threads."""

    card: ModelCard
    network: GeneratorNetwork
    device: torch.device

    def to(self, device: str | torch.device) -> Self:
        """The same model on another device. This one stays whole and where it is, also if memory runs out there."""
        device = torch.device(device)
        if device == self.device:
            return self
        state = {name: tensor.to(device) for name, tensor in self.network.state_dict().items()}
        return type(self)(self.card, _ready(self.network.config, state), device)

    @property
    def num_bytes(self) -> int:
        """Memory of the weights and of what was prepared from them."""
        held = [*self.network.parameters(), *self.network.buffers()]
        for module in self.network.modules():
            held += _tensors_in(tuple(vars(module).values()))
        return sum(t.numel() * t.element_size() for t in held)

    @property
    def half_dtype(self) -> torch.dtype | None:
        """What half precision is on the model's device; None where it would gain nothing."""
        return half_dtype(self.device)

    @property
    def w_avg(self) -> Tensor:
        """The mean of w over the latents seen in training, [w_dim]."""
        return self.network.w_avg

    @torch.inference_mode()
    def map(self, z: Tensor, c: Tensor | None = None, psi: Psi = 1.0, cutoff: int | None = None) -> Tensor:
        """The mapping network and truncation.

        Args:
            z: [N, z_dim], unit normal.
            c: [N, c_dim] class weights, one-hot in training; needed if c_dim > 0.
            psi: truncation towards w_avg, 1 for none; one number, or one for each style vector. Without effect on
                models that have no mean w (Progressive GAN).
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
        w = self.network.map(z.to(self.device), c)
        ws = w[:, None].repeat(1, self.card.num_ws, 1)
        return truncate(ws, self.w_avg, psis) if self.card.has_truncation else ws

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
            transform: [3, 3], from the picture's coordinates to the input's, as `transform.input_matrix` gives it:
                exact for StyleGAN3; nearly, by moving coarse features, where the card has `moved_px`.
            lod: level of detail of progressive models, fractional while fading; 0 elsewhere.
            half: run in half precision the layers that are meant for it (on a GPU).

        Returns:
            Pictures [N, C, H, W], float32, nominal range [-1, 1], not clipped.

        Raises:
            ValueError: ws has another shape, or the model has no transform or levels of detail.
        """
        *_, last = self.steps(ws, noise, transform, lod, half)
        assert last.img is not None  # the last step has a picture in every network
        return last.img

    def steps(
        self,
        ws: Tensor,
        noise: NoiseLike = "const",
        transform: Tensor | None = None,
        lod: float = 0.0,
        half: bool = False,
        max_rate: int | None = None,
        poll: Poll = no_poll,
        start: Step | None = None,
        probe: Probe | None = None,
    ) -> Iterator[Step]:
        """Synthesis step by step, coarse to fine; see `GeneratorNetwork.steps`. Call in inference mode."""
        if ws.ndim != 3 or ws.shape[1:] != (self.card.num_ws, self.card.w_dim):
            raise ValueError(f"ws is {list(ws.shape)}; expected [N, {self.card.num_ws}, {self.card.w_dim}].")
        inputs = self.inputs(noise, transform, lod, half, max_rate, poll, probe)
        return self.network.steps(ws.to(self.device, torch.float32), inputs, start)

    def inputs(
        self,
        noise: NoiseLike = "const",
        transform: Tensor | None = None,
        lod: float = 0.0,
        half: bool = False,
        max_rate: int | None = None,
        poll: Poll = no_poll,
        probe: Probe | None = None,
    ) -> Inputs:
        """What synthesis takes beside ws; see `synthesize`."""
        if transform is not None and not self.card.can_move:
            raise ValueError(f"{self.card.family} has no input transform.")
        if not 0 <= lod <= self.card.max_lod:
            raise ValueError(f"lod is {lod}; {self.card.name} has levels of detail from 0 to {self.card.max_lod}.")
        dtype = (self.half_dtype if half else None) or torch.float32
        return Inputs(noise_maps(noise), transform, lod, dtype, max_rate, poll, probe)

    def _check(self, name: str, value: Tensor, width: int) -> None:
        if value.ndim != 2 or value.shape[1] != width:
            raise ValueError(f"{name} is {list(value.shape)}; expected [N, {width}].")


@dataclass(frozen=True)
class DiscriminatorModel:
    """A discriminator, called with pictures."""

    network: DiscriminatorNetwork
    device: torch.device

    @torch.inference_mode()
    def __call__(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """img [N, C, H, W] in [-1, 1], c [N, c_dim] -> logits [N, 1]."""
        c = c.to(self.device, torch.float32) if c is not None else None
        logits: Tensor = self.network(img.to(self.device, torch.float32), c)
        return logits


def _tensors_in(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _tensors_in(part)
    elif isinstance(value, Prepared):
        yield from _tensors_in((value.energy, value.phases, value.winograd, *value.casts.values()))


def _ready(config: Any, tensors: dict[str, Tensor]) -> Any:
    """The network of a configuration with these tensors, ready to run where they are."""
    network = empty_network(config)
    network.load_state_dict(tensors, strict=True, assign=True)
    network.eval().requires_grad_(False)
    if isinstance(network, GeneratorNetwork):
        network.prepare()
    return network


def checked_tensors(spec: NetworkSpec, source: str, device: torch.device) -> dict[str, Tensor]:
    """The tensors that a spec's network needs.

    Raises:
        ModelFileError: one is missing or has another shape.
    """
    expected = {name: tensor.shape for name, tensor in empty_network(spec.config).state_dict().items()}
    missing = [name for name in expected if name not in spec.tensors]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelFileError(f"{source}: tensor '{missing[0]}'{more} is missing; the file may be cut or altered.")
    for name, shape in expected.items():
        if spec.tensors[name].shape != shape:
            found = list(spec.tensors[name].shape)
            raise ModelFileError(f"{source}: tensor '{name}' is {found}, but its configuration asks for {list(shape)}.")
    return {name: spec.tensors[name].detach().to(device, torch.float32).contiguous() for name in expected}


def build_generator(spec: NetworkSpec, digest: str, name: str, device: str | torch.device = "cpu") -> Model:
    """A Model from what a file holds.

    Args:
        spec: configuration and tensors.
        digest: of the file.
        name: for the card, and for errors.
        device: where it will run.
    """
    if not is_generator(spec.config):
        raise ModelFileError(f"{name} holds a discriminator where a generator was expected.")
    device = torch.device(device)
    network = _ready(spec.config, checked_tensors(spec, name, device))
    return Model(_card(network, spec, digest, name), network, device)


def build_discriminator(spec: NetworkSpec, name: str, device: str | torch.device = "cpu") -> DiscriminatorModel:
    """A discriminator from what a file holds; see `build_generator`."""
    if is_generator(spec.config):
        raise ModelFileError(f"{name} holds a generator where a discriminator was expected.")
    device = torch.device(device)
    return DiscriminatorModel(_ready(spec.config, checked_tensors(spec, name, device)), device)


def _card(network: GeneratorNetwork, spec: NetworkSpec, digest: str, name: str) -> ModelCard:
    config = network.config
    return ModelCard(
        family=family_of(config).name,
        name=name,
        digest=digest,
        resolution=config.img_resolution,
        base_size=config.base_size,
        img_channels=config.img_channels,
        z_dim=config.z_dim,
        c_dim=config.c_dim,
        w_dim=config.w_dim,
        num_ws=network.num_ws,
        layers=network.layers(),
        parameters=sum(p.numel() for p in network.parameters()),
        description=spec.description,
        **network.traits(),
    )


def random_spec(config: Any, seed: int) -> NetworkSpec:
    """A network as it is before training: for benchmarks of any size, tests, and as training's starting point."""
    generator = torch.Generator().manual_seed(seed)
    network = empty_network(config)
    tensors = {name: network.initial(name, t.shape, generator) for name, t in network.state_dict().items()}
    return NetworkSpec(config, tensors)
