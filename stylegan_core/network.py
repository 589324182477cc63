"""What every generator network of the family offers, and what synthesis takes and gives.

A family is one file (progan.py, stylegan1.py, stylegan2.py, stylegan3.py) with a subclass of `GeneratorNetwork`, its
configuration and its discriminator; family.py lists them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from stylegan_core.card import LayerInfo
from stylegan_core.noise import NoiseMap, trained_map
from stylegan_core.ops import Poll, no_poll


class Step(NamedTuple):
    """What synthesis has at the end of a step: features x [N, C, H, W], and the picture so far, if there is one."""

    position: int  # in synthesis, from 0
    resolution: int  # of the features, in px; and of the picture, if the step has brought it up to them
    x: Tensor
    img: Tensor | None


class Probe:
    """What every layer shows itself to while synthesis runs. It may give back something else, which then counts.

    Layers are told apart by their LayerInfo's name. This one changes nothing.
    """

    def style(self, layer: str, s: Tensor) -> Tensor:
        """The layer's style vector s = A(w), [N, channels]; what a layer makes of w before it is used."""
        del layer
        return s

    def output(self, layer: str, x: Tensor) -> Tensor:
        """What the layer gives, activated, [N, C, H, W]. Its memory is used again: keep a copy, not x."""
        del layer
        return x


@dataclass(frozen=True, eq=False)
class Inputs:
    """What synthesis takes beside the style vectors. Each network reads what it knows."""

    noise: NoiseMap = trained_map
    transform: Tensor | None = None  # [3, 3], from the picture's coordinates to the input's; None: they are the same
    lod: float = 0.0  # level of detail of progressive networks: 0 is full size, 1 half of it, fractions fade
    dtype: torch.dtype = torch.float32  # of the layers that may run in half precision
    max_rate: int | None = None  # for a preview of so many px: sampling rate of finer layers (StyleGAN3)
    poll: Poll = no_poll  # called between pieces of the work; raises Cancelled when the result is not wanted
    probe: Probe | None = None  # what looks at the layers, or changes what they give; None: nothing

    def dtype_of(self, weight: Tensor, may_be_half: bool) -> torch.dtype:
        """The type of a layer's activations: `dtype` where that is half precision for it, else its weight's own.

        bfloat16 has float32's range, so that no layer has to be made for it.
        """
        half = self.dtype == torch.bfloat16 or (may_be_half and self.dtype == torch.float16)
        return self.dtype if half else weight.dtype

    def probed_style(self, layer: str, s: Tensor) -> Tensor:
        """Every layer passes its style vector through here."""
        return s if self.probe is None else self.probe.style(layer, s)

    def probed(self, layer: str, x: Tensor) -> Tensor:
        """Every layer passes what it gives through here, once it is whole: kernels and bands come before."""
        return x if self.probe is None else self.probe.output(layer, x)


class GeneratorNetwork(nn.Module, ABC):
    """A generator: mapping and synthesis together, with parameters named as its official snapshots name them.

    Running it changes nothing in it. Synthesis is an iterator over steps (a block, or a layer), so that whoever
    drives it may stop at a coarse picture, drop it, or start from a stored step.
    """

    config: Any
    num_ws: int  # style vectors that synthesis takes
    num_steps: int

    @property
    @abstractmethod
    def w_avg(self) -> Tensor:
        """The mean of w over the latents seen in training, [w_dim]."""

    @abstractmethod
    def map(self, z: Tensor, c: Tensor | None) -> Tensor:
        """z [N, z_dim], c [N, c_dim] or None -> w [N, w_dim], untruncated."""

    @abstractmethod
    def steps(self, ws: Tensor, inputs: Inputs, start: Step | None = None) -> Iterator[Step]:
        """Synthesis of ws [N, num_ws, w_dim], step by step.

        Args:
            ws: style vectors, float32, on the network's device.
            inputs: everything else.
            start: a stored Step to go on from; None: from nothing.
        """

    @abstractmethod
    def layers(self) -> tuple[LayerInfo, ...]:
        """The layers that take a style vector, in order of synthesis."""

    @abstractmethod
    def traits(self) -> dict[str, Any]:
        """The fields of the ModelCard that say what the network can do (has_noise, has_transform, ...)."""

    @abstractmethod
    def initial(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """A tensor of the state dictionary as it is before training."""

    def style(self, layer: LayerInfo, ws: Tensor) -> Tensor:
        """The style vectors s = A(w) of a layer that has some, [N, style_channels], from ws [N, num_ws, w_dim]."""
        s: Tensor = self.get_submodule(f"synthesis.{layer.name}.affine")(ws[:, layer.ws_index])
        return s

    def clamp_of(self, layer: LayerInfo) -> float | None:
        """The largest absolute value that a layer's activation may have; None: any."""
        del layer
        return None

    def ends_step(self, layer: LayerInfo) -> bool:
        """Whether the features of the layer's Step are just what the layer gives."""
        del layer
        return False

    def first_capped(self, max_rate: int | None) -> int:
        """The first step that `Inputs.max_rate` changes; all before are those of the full picture."""
        del max_rate
        return self.num_steps

    def noise_of(self, layer: str) -> tuple[Tensor, Tensor]:
        """A layer's trained map [H, W], and its learned strength, [] or [C]; for layers whose LayerInfo has noise."""
        module: Any = self.get_submodule(f"synthesis.{layer}")
        return module.noise_const, module.noise_strength

    def prepare(self) -> None:
        """Compute, once the weights are in, what does not change while nobody trains."""


class DiscriminatorNetwork(nn.Module, ABC):
    """A discriminator: from pictures to one number each."""

    config: Any

    @abstractmethod
    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """img [N, C, H, W], c [N, c_dim] or None -> logits [N, 1]; larger: more like the training data."""

    @abstractmethod
    def initial(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """A tensor of the state dictionary as it is before training."""
