"""Progressive GAN's networks (Karras et al. 2018, "Progressive Growing of GANs for Improved Quality, Stability, and
Variation"), as in its table 2.

There is no mapping network: the latent, with the class beside it, is normalised and spread over 4x4 pixels, and
grows from there. So `map` gives (z, c) as the only w.
"""

import math
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from stylegan_core.card import LayerInfo
from stylegan_core.config import Width
from stylegan_core.network import Inputs
from stylegan_core.ops import conv2d, full
from stylegan_core.progressive import (
    HE_GAIN,
    EqualizedConv2d,
    EqualizedLinear,
    ProgressiveConfig,
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    Weighted,
    activate,
    conv2d_down,
    conv2d_up,
    from_rgb,
    initial_weight,
    pixel_norm,
    to_rgb,
    up_kernel,
)
from stylegan_core.stylegan2 import minibatch_stddev


class GeneratorConfig(ProgressiveConfig):
    """Progressive GAN's generator (G_paper in the TensorFlow code)."""

    z_dim: Width = 512
    normalize_latents: bool = True
    use_pixel_norm: bool = True
    pixel_norm_epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-8

    @property
    def w_dim(self) -> int:
        """Latent and class together."""
        return self.z_dim + self.c_dim


class DiscriminatorConfig(ProgressiveConfig):
    """Progressive GAN's discriminator (D_paper in the TensorFlow code)."""

    mbstd_group_size: Annotated[int, Field(ge=0)] | None = 4  # 0 or 1: no deviation map; None: the whole batch
    fused_scale: bool = True  # halve the size before bias and activation, within the convolution; else after them


class Conv(Weighted):
    """3x3 convolution, bias, activation, pixelwise normalisation; `up` doubles the size first."""

    def __init__(self, name: str, inner: int, out: int, config: GeneratorConfig, up: bool = False):
        super().__init__((out, inner, 3, 3), HE_GAIN, config.use_wscale)
        self.name, self.config, self.up = name, config, up
        self.bias = nn.Parameter(torch.empty(out))
        self.kernel: Tensor | None = None

    def prepare(self) -> None:
        """Compute, once and for all, the kernel that doubles."""
        self.kernel = up_kernel(self.scaled()) if self.up else None

    def forward(self, x: Tensor, inputs: Inputs) -> Tensor:
        """[N, in, H, W] -> [N, out, H', W']."""

        def finish(band: Tensor, top: int) -> Tensor:
            del top
            return normalised(activate(band, self.bias, self.config.slope), self.config)

        if self.up:
            kernel = up_kernel(self.scaled()) if self.kernel is None else self.kernel
            x = conv2d_up(x, kernel, inputs.poll, finish)
        else:
            x = conv2d(x, self.scaled(), poll=inputs.poll, finish=finish)
        return inputs.probed(self.name, x)


def normalised(x: Tensor, config: GeneratorConfig) -> Tensor:
    """`pixel_norm` where the configuration has it."""
    return pixel_norm(x, config.pixel_norm_epsilon) if config.use_pixel_norm else x


class Dense(Weighted):
    """The latent spread over 4x4 pixels. Its gain is a quarter of He's, as in the official code."""

    def __init__(self, config: GeneratorConfig):
        self.channels = config.channels(4)
        super().__init__((math.prod(config.base_size) * self.channels, config.w_dim), HE_GAIN / 4, config.use_wscale)
        self.config = config
        self.bias = nn.Parameter(torch.empty(self.channels))

    def forward(self, w: Tensor, inputs: Inputs) -> Tensor:
        """w [N, w_dim] -> [N, C, 4, 4]."""
        x = pixel_norm(w, self.config.pixel_norm_epsilon) if self.config.normalize_latents else w
        x = F.linear(x, self.scaled()).reshape(-1, self.channels, *self.config.base_size)
        return inputs.probed("b4.dense", normalised(activate(x, self.bias, self.config.slope), self.config))


class GeneratorBlock(nn.Module):
    """All layers of one resolution."""

    def __init__(self, resolution: int, config: GeneratorConfig):
        super().__init__()
        out = config.channels(resolution)
        self.first = resolution == 4
        if self.first:
            self.dense = Dense(config)
        else:
            self.conv0 = Conv(f"b{resolution}.conv0", config.channels(resolution // 2), out, config, up=True)
        self.conv1 = Conv(f"b{resolution}.conv1", out, out, config)
        if config.has_rgb(resolution):
            self.torgb = to_rgb(config, resolution)

    def forward(self, x: Tensor | None, w: Tensor, inputs: Inputs) -> Tensor:
        """Features of the block before, or None, and w [N, w_dim] -> features."""
        return self.conv1(self.dense(w, inputs) if x is None else self.conv0(x, inputs), inputs)


class Generator(ProgressiveGenerator):
    """From z [N, z_dim], and classes [N, c_dim], to pictures [N, C, H, W]."""

    config: GeneratorConfig

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config
        for resolution in config.block_resolutions:
            self.add_module(f"b{resolution}", GeneratorBlock(resolution, config))
        self.num_ws, self.num_steps = 1, len(config.block_resolutions)

    @property
    def w_avg(self) -> Tensor:
        """Zeros: there is nothing to truncate towards."""
        return torch.zeros(self.config.w_dim, device=self.get_parameter("b4.dense.weight").device)

    def map(self, z: Tensor, c: Tensor | None) -> Tensor:
        """z [N, z_dim], c [N, c_dim] -> both beside each other, [N, w_dim]."""
        return full(z) if c is None else torch.cat([full(z), full(c)], dim=1)

    def features(self, resolution: int, x: Tensor | None, ws: Tensor, inputs: Inputs) -> Tensor:
        """See `ProgressiveGenerator.features`."""
        out: Tensor = self.get_submodule(f"b{resolution}")(x, ws[:, 0], inputs)
        return out

    def rgb(self, resolution: int, x: Tensor) -> Tensor:
        """See `ProgressiveGenerator.rgb`."""
        out: Tensor = self.get_submodule(f"b{resolution}.torgb")(x)
        return out

    def layers(self) -> tuple[LayerInfo, ...]:
        """The 3x3 layers in order of synthesis. The latent enters the first one only; all come from it."""
        return tuple(
            LayerInfo(
                name=f"b{resolution}.{name}",
                kind="input" if name == "dense" else "conv",
                step=position,
                resolution=resolution,
                channels=self.config.channels(resolution),
                ws_index=0,
            )
            for position, resolution in enumerate(self.config.block_resolutions)
            for name in ("conv0" if position else "dense", "conv1")
        )

    def traits(self) -> dict[str, Any]:
        """See `GeneratorNetwork.traits`."""
        return {
            "has_noise": False,
            "has_truncation": False,
            "has_preview": self.config.progressive,
            "moved_px": self.config.moved_px,
            "max_lod": self.config.max_lod,
        }

    def initial(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """See `initial_weight`."""
        return initial_weight(self, name, shape, generator)

    def prepare(self) -> None:
        """Kernels of the layers that double the size."""
        for module in self.modules():
            if isinstance(module, Conv):
                module.prepare()


class DiscriminatorBlock(nn.Module):
    """All layers of one resolution above 4x4."""

    def __init__(self, resolution: int, config: DiscriminatorConfig):
        super().__init__()
        inner, out = config.channels(resolution), config.channels(resolution // 2)
        self.slope, self.fused_scale = config.slope, config.fused_scale
        if config.has_rgb(resolution):
            self.fromrgb = from_rgb(config, resolution)
        self.conv0 = EqualizedConv2d(inner, inner, 3, config.use_wscale)
        self.conv1 = EqualizedConv2d(inner, out, 3, config.use_wscale)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in, H, W] -> [N, out, H / 2, W / 2]."""
        x = self.conv0(x, self.slope)
        if not self.fused_scale:
            return F.avg_pool2d(self.conv1(x, self.slope), 2)
        return activate(conv2d_down(x, self.conv1.scaled()), self.conv1.bias, self.slope)


class DiscriminatorEpilogue(nn.Module):
    """The 4x4 end: deviation over the batch (section 3), one convolution, two dense layers."""

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        channels, hidden = config.channels(4), config.channels(2)
        self.slope, self.group_size = config.slope, config.mbstd_group_size
        self.has_std = self.group_size not in (0, 1)
        if config.has_rgb(4):
            self.fromrgb = from_rgb(config, 4)
        self.conv = EqualizedConv2d(channels + self.has_std, channels, 3, config.use_wscale)
        self.fc = EqualizedLinear(math.prod(config.base_size) * channels, hidden, config.use_wscale, HE_GAIN)
        self.out = EqualizedLinear(hidden, 1 + config.c_dim, config.use_wscale)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, 4, 4] -> [N, 1 + c_dim]."""
        x = minibatch_stddev(x, self.group_size, 1) if self.has_std else x
        x = self.conv(x, self.slope).flatten(1)
        x = self.out(activate(self.fc(x), None, self.slope))
        return x


class Discriminator(ProgressiveDiscriminator):
    """From pictures [N, C, H, W] to scores [N, 1], and to what it takes their classes for."""

    config: DiscriminatorConfig

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        self.config = config
        for resolution in config.block_resolutions[:0:-1]:
            self.add_module(f"b{resolution}", DiscriminatorBlock(resolution, config))
        self.b4 = DiscriminatorEpilogue(config)

    def scores_and_labels(self, img: Tensor, lod: float = 0.0) -> tuple[Tensor, Tensor]:
        """Scores [N, 1], and the logits of the classes that the pictures seem to have, [N, c_dim] (AC-GAN)."""
        out = self.b4(self.features(img, lod))
        return out[:, :1], out[:, 1:]

    def forward(self, img: Tensor, c: Tensor | None = None, lod: float = 0.0) -> Tensor:
        """Scores [N, 1]; they do not depend on the class asked for."""
        del c
        return self.scores_and_labels(img, lod)[0]
