"""StyleGAN2's networks (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN").

Parameters and buffers have the names of the official PyTorch snapshots, so that those load as they are. Synthesis is
an iterator over blocks: whoever drives it may stop at a coarse picture, drop it, or start from a stored block.

Symbols: z latent, w intermediate latent, A affine ("affine"), s style, psi truncation.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan_core import kernels
from stylegan_core.card import LayerInfo
from stylegan_core.config import DiscriminatorConfig, GeneratorConfig, NetworkConfig
from stylegan_core.gradients import conv_act
from stylegan_core.network import DiscriminatorNetwork, GeneratorNetwork, Inputs, Step
from stylegan_core.ops import (
    CPU_LAYOUT,
    Prepared,
    bias_act,
    downsample2d,
    full,
    modulated_act,
    modulated_conv2d,
    modulated_pointwise,
    prepare,
    setup_filter,
    smooth2d,
    unfinished,
    upsample2d,
)
from stylegan_core.transform import resample


def normalize_2nd_moment(x: Tensor) -> Tensor:
    """x / sqrt(mean(x²)) over the last dimension."""
    return x * (x.square().mean(dim=-1, keepdim=True) + 1e-8).rsqrt()


def initial_tensor(config: NetworkConfig, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """A tensor before training: weights unit normal (scaled when they are used), biases 0 (1 for styles), w_avg 0.

    Mapping weights are divided by the learning rate multiplier that scales them again.
    """
    if name.endswith("resample_filter"):
        return setup_filter(config.resample_filter)
    if name.endswith(("weight", "const", "noise_const")):
        scale = 1 / config.mapping_lr_multiplier if name.startswith("mapping.fc") else 1.0
        return torch.randn(shape, generator=generator) * scale
    return torch.full(shape, 1.0 if name.endswith("affine.bias") else 0.0)


class FullyConnectedLayer(nn.Module):
    """y = act(gain * W x + lr * b) with equalized learning rate (Progressive GAN, section 4.1)."""

    def __init__(self, inner: int, out: int, activation: str = "linear", lr_multiplier: float = 1.0):
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.empty(out, inner))
        self.bias = nn.Parameter(torch.empty(out))
        self.weight_gain = lr_multiplier / math.sqrt(inner)
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """[N, in] -> [N, out]."""
        y = torch.addmm(self.bias, x, self.weight.t(), beta=self.bias_gain, alpha=self.weight_gain)
        return bias_act(y, None, self.activation)


class MappingNetwork(nn.Module):
    """f: Z -> W (StyleGAN, section 2). A class is embedded, put beside z, and both normalised, apart or together.

    In the discriminator z_dim is 0 and there is no w_avg.
    """

    def __init__(
        self,
        z_dim: int,
        c_dim: int,
        w_dim: int,
        embed: int,
        hidden: int,
        layers: int,
        lr_multiplier: float,
        avg: bool,
        together: bool = False,
    ):
        super().__init__()
        self.z_dim, self.c_dim, self.num_layers, self.together = z_dim, c_dim, layers, together
        if c_dim:
            self.embed = FullyConnectedLayer(c_dim, embed)
        widths = [z_dim + (embed if c_dim else 0)] + [hidden] * (layers - 1) + [w_dim]
        for i in range(layers):
            self.add_module(f"fc{i}", FullyConnectedLayer(widths[i], widths[i + 1], "lrelu", lr_multiplier))
        if avg:
            self.register_buffer("w_avg", torch.empty(w_dim))

    def forward(self, z: Tensor | None, c: Tensor | None) -> Tensor:
        """z [N, z_dim], c [N, c_dim] -> w [N, w_dim]."""
        parts = []
        if self.z_dim and z is not None:
            parts.append(full(z))
        if self.c_dim and c is not None:
            parts.append(self.embed(full(c)))
        if self.together:
            x = normalize_2nd_moment(torch.cat(parts, dim=1))
        else:
            x = torch.cat([normalize_2nd_moment(part) for part in parts], dim=1)
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x


class Conv2dLayer(nn.Module):
    """Plain convolution with equalized learning rate, optionally resampling by two with the filter."""

    resample_filter: Tensor

    def __init__(
        self,
        inner: int,
        out: int,
        kernel: int,
        taps: tuple[float, ...],
        *,
        bias: bool = True,
        activation: str = "linear",
        up: bool = False,
        down: bool = False,
        clamp: float | None = None,
    ):
        super().__init__()
        self.activation, self.up, self.down, self.clamp = activation, up, down, clamp
        self.weight = nn.Parameter(torch.empty(out, inner, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(out)) if bias else None
        self.register_buffer("resample_filter", setup_filter(taps))
        self.weight_gain = 1 / math.sqrt(inner * kernel**2)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """[N, in, H, W] -> [N, out, H', W']."""
        clamp = None if self.clamp is None else self.clamp * gain
        pad = self.weight.shape[-1] // 2
        if self.up:  # only 1x1 kernels upsample outside modulated layers
            x = upsample2d(F.conv2d(x, (self.weight * self.weight_gain).to(x.dtype)), self.resample_filter)
            return bias_act(x, self.bias, self.activation, gain, clamp)
        stride = 1
        if self.down and pad == 0:
            x = downsample2d(x, self.resample_filter)
        elif self.down:
            x, pad, stride = smooth2d(x, self.resample_filter, border=pad), 0, 2
        return conv_act(
            x,
            self.weight,
            self.bias,
            self.activation,
            scale=self.weight_gain,
            gain=gain,
            clamp=clamp,
            stride=stride,
            pad=pad,
        )


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, activation (StyleGAN2, figure 2c)."""

    noise_const: Tensor
    resample_filter: Tensor
    prepared: Prepared | None = None

    def __init__(self, name: str, inner: int, out: int, resolution: int, config: GeneratorConfig, up: bool):
        super().__init__()
        self.name, self.up, self.use_noise = name, up, config.use_noise
        self.activation, self.clamp = config.activation, config.conv_clamp
        self.affine = FullyConnectedLayer(config.w_dim, inner)
        self.weight = nn.Parameter(torch.empty(out, inner, 3, 3))
        self.bias = nn.Parameter(torch.empty(out))
        self.register_buffer("resample_filter", setup_filter(config.resample_filter))
        if self.use_noise:
            self.register_buffer("noise_const", torch.empty(config.size_at(resolution)))
            self.noise_strength = nn.Parameter(torch.empty([]))

    def prepare(self) -> None:
        """Compute what does not change while nobody trains, and lay out the weights as convolutions want them."""
        self.weight.data = self.weight.data.to(memory_format=torch.channels_last)
        self.prepared = prepare(self.weight, self.up)

    def forward(self, x: Tensor, w: Tensor, inputs: Inputs, index: int, gain: float = 1.0) -> Tensor:
        """x [N, in, H, W], w [N, w_dim] -> [N, out, H', W']; `index` counts the layers that take noise."""
        up_filter = self.resample_filter if self.up else None
        values = inputs.noise(index, self.noise_const) if self.use_noise else None
        if values is not None:
            values = (values * self.noise_strength).to(x.dtype)
        clamp = None if self.clamp is None else self.clamp * gain
        styles = inputs.probed_style(self.name, self.affine(w))

        def finish(band: Tensor, top: int) -> Tensor:
            rows = None if values is None else values[:, :, top : top + band.shape[2]]
            return bias_act(band, self.bias, self.activation, gain, clamp, rows)

        if torch.is_grad_enabled():
            y = modulated_act(
                x,
                self.weight,
                styles,
                self.bias,
                self.activation,
                up_filter=up_filter,
                gain=gain,
                clamp=clamp,
                noise=values,
            )
            return inputs.probed(self.name, y)

        # A band may be one picture's, or all pictures': noise of each picture's own has to wait for the whole.
        is_own = values is not None and len(values) > 1

        def plain() -> Tensor:
            y = modulated_conv2d(
                x,
                self.weight,
                styles,
                up_filter=up_filter,
                prepared=self.prepared,
                poll=inputs.poll,
                finish=unfinished if is_own else finish,
                place="features" if self.up else None,  # conv1 follows, and nothing else sees them
            )
            return finish(y, 0) if is_own else y

        if not kernels.supports(x):
            return inputs.probed(self.name, plain())
        slope, own_gain = (0.2, math.sqrt(2)) if self.activation == "lrelu" else (1.0, 1.0)
        what = kernels.Finish(values, self.bias, slope, gain * own_gain, clamp)
        y = kernels.attempt(lambda: kernels.modulated_conv2d(x, self.weight, styles, up_filter, what), plain)
        return inputs.probed(self.name, y)


class ToRGBLayer(nn.Module):
    """Modulated 1x1 convolution to the picture's channels, without demodulation."""

    def __init__(self, name: str, inner: int, config: GeneratorConfig):
        super().__init__()
        self.name, self.clamp = name, config.conv_clamp
        self.affine = FullyConnectedLayer(config.w_dim, inner)
        self.weight = nn.Parameter(torch.empty(config.img_channels, inner, 1, 1))
        self.bias = nn.Parameter(torch.empty(config.img_channels))
        self.weight_gain = 1 / math.sqrt(inner)

    def forward(self, x: Tensor, w: Tensor, inputs: Inputs) -> Tensor:
        """x [N, in, H, W], w [N, w_dim] -> [N, img_channels, H, W]."""
        styles = inputs.probed_style(self.name, self.affine(w))
        x = modulated_pointwise(x, self.weight, styles * self.weight_gain)
        return inputs.probed(self.name, bias_act(x, self.bias, "linear", clamp=self.clamp))


class SynthesisBlock(nn.Module):
    """All layers of one resolution."""

    resample_filter: Tensor

    def __init__(self, inner: int, position: int, config: GeneratorConfig):
        super().__init__()
        resolution = config.block_resolutions[position]
        self.position, self.resolution, self.architecture = position, resolution, config.architecture
        self.is_moved = resolution == config.moved_px
        self.may_be_half, self.channels_last = config.is_half(resolution), config.fp16_channels_last
        out = config.channels(resolution)
        self.first = inner == 0
        self.register_buffer("resample_filter", setup_filter(config.resample_filter))
        if self.first:
            self.const = nn.Parameter(torch.empty(out, *config.base_size))
        else:
            self.conv0 = SynthesisLayer(f"b{resolution}.conv0", inner, out, resolution, config, up=True)
        self.conv1 = SynthesisLayer(f"b{resolution}.conv1", out, out, resolution, config, up=False)
        self.level, self.lod = len(config.block_resolutions) - 1 - position, config.lod  # of detail: 0 at full size
        self.has_rgb = self.architecture in ("skip", "progressive") or self.level == 0
        if self.has_rgb:
            self.torgb = ToRGBLayer(f"b{resolution}.torgb", out, config)
        if not self.first and self.architecture == "resnet":
            self.skip = Conv2dLayer(inner, out, 1, config.resample_filter, bias=False, up=True)
        self.num_conv = 1 if self.first else 2

    @property
    def parts(self) -> int:
        """Steps of the block. Where its picture is added to that so far, it is a step by itself.

        ToRGB shares its style vector with the next block's first convolution: when that changes, what came before
        ToRGB is still good.
        """
        return 2 if self.architecture == "skip" else 1

    def steps(self, last: Step | None, ws: Tensor, inputs: Inputs, position: int, skip: int) -> Iterator[Step]:
        """One block on from `last`.

        Args:
            last: the step before, or None.
            ws: [N, num_ws, w_dim].
            inputs: noise, transform, precision and poll.
            position: of the block's first step.
            skip: how many of its steps are there already; the last of them is `last`.
        """
        # How far towards the coarser picture (Progressive GAN, figure 2).
        fade = min(max(max(inputs.lod, self.lod) - self.level, 0.0), 1.0)
        if fade == 1 and last is not None and last.img is not None:
            yield self._moved(Step(position, self.resolution, last.x, double(last.img)), inputs)
            return
        index = max(2 * self.position - 1, 0)  # of the first layer among the convolutions, and of its style vector
        w = ws[:, index : index + self.num_conv + 1].unbind(dim=1)
        img = last.img if last is not None else None
        x = last.x if skip and last is not None else self._features(last, w, inputs, index)
        if self.parts == 2 and not skip:
            yield Step(position, self.resolution, x, img)
        if self.has_rgb:
            inputs.poll()
            rgb = full(self.torgb(x, w[self.num_conv], inputs)).contiguous()
            if img is None:
                img = rgb
            elif self.architecture == "skip":
                img = upsample2d(img, self.resample_filter) + rgb
            else:
                img = rgb.lerp(double(img), fade) if fade else rgb
        yield self._moved(Step(position + self.parts - 1, self.resolution, x, img), inputs)

    def _features(self, last: Step | None, w: tuple[Tensor, ...], inputs: Inputs, index: int) -> Tensor:
        """The convolutions of this resolution, [N, C, H, W]."""
        dtype = inputs.dtype_of(self.conv1.weight, self.may_be_half)
        memory = torch.contiguous_format if w[0].is_cuda else CPU_LAYOUT
        memory = torch.channels_last if dtype.itemsize == 2 and self.channels_last else memory
        if last is None:
            x = self.const.to(dtype)[None].repeat(len(w[0]), 1, 1, 1).to(memory_format=memory)
            return self.conv1(x, w[0], inputs, index)
        x = last.x.to(dtype=dtype, memory_format=memory)
        resnet = self.architecture == "resnet"
        residual = self.skip(x, gain=math.sqrt(0.5)) if resnet else None
        x = self.conv0(x, w[0], inputs, index)
        x = self.conv1(x, w[1], inputs, index + 1, gain=math.sqrt(0.5) if resnet else 1.0)
        return x if residual is None else residual + x

    def _moved(self, step: Step, inputs: Inputs) -> Step:
        """The constant cannot be moved, so what was made of it is, at one resolution.

        Later layers and their noise stay on the pixel grid, which is why texture sticks to it (StyleGAN3, section 1).
        """
        if not self.is_moved or inputs.transform is None:
            return step
        img = None if step.img is None else resample(step.img, inputs.transform, "reflection")
        return step._replace(x=resample(step.x, inputs.transform, "reflection"), img=img)


def double(img: Tensor) -> Tensor:
    """Twice the size, each pixel four times."""
    return F.interpolate(img, scale_factor=2, mode="nearest")


class SynthesisNetwork(nn.Module):
    """g: the constant, modulated block by block by the style vectors (StyleGAN2, figure 7 for the three wirings)."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.resolutions = config.block_resolutions
        inner = 0
        for position, resolution in enumerate(self.resolutions):
            self.add_module(f"b{resolution}", SynthesisBlock(inner, position, config))
            inner = config.channels(resolution)
        self.num_ws = 2 * len(self.resolutions)

    def block(self, resolution: int) -> SynthesisBlock:
        """The block of one resolution."""
        block = self.get_submodule(f"b{resolution}")
        assert isinstance(block, SynthesisBlock)
        return block

    def steps(self, ws: Tensor, inputs: Inputs, start: Step | None = None) -> Iterator[Step]:
        """Run block by block, coarse to fine; see `GeneratorNetwork.steps`."""
        position = 0
        for resolution in self.resolutions:
            block = self.block(resolution)
            done = 0 if start is None else min(start.position + 1 - position, block.parts)
            if done < block.parts:
                for step in block.steps(start, ws, inputs, position, max(done, 0)):
                    yield (start := step)
            position += block.parts

    @property
    def num_steps(self) -> int:
        """Of synthesis."""
        return sum(self.block(resolution).parts for resolution in self.resolutions)


class Generator(GeneratorNetwork):
    """Mapping and synthesis together, as a snapshot stores them."""

    config: GeneratorConfig

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(
            config.z_dim,
            config.c_dim,
            config.w_dim,
            config.mapping_embed_features or config.w_dim,
            config.mapping_layer_features or config.w_dim,
            config.mapping_layers,
            config.mapping_lr_multiplier,
            avg=True,
            together=config.mapping_normalize == "together",
        )
        self.synthesis = SynthesisNetwork(config)
        self.num_ws, self.num_steps = self.synthesis.num_ws, self.synthesis.num_steps

    @property
    def w_avg(self) -> Tensor:
        """The mean of w, [w_dim]."""
        w_avg = self.mapping.w_avg
        assert isinstance(w_avg, Tensor)
        return w_avg

    def map(self, z: Tensor, c: Tensor | None) -> Tensor:
        """z [N, z_dim], c [N, c_dim] -> w [N, w_dim]."""
        w: Tensor = self.mapping(z, c)
        return w

    def steps(self, ws: Tensor, inputs: Inputs, start: Step | None = None) -> Iterator[Step]:
        """One Step a block, or two; see `SynthesisBlock.parts`."""
        return self.synthesis.steps(ws, inputs, start)

    def traits(self) -> dict[str, Any]:
        """See `GeneratorNetwork.traits`."""
        return {
            "has_noise": self.config.use_noise,
            "has_preview": self.config.architecture in ("skip", "progressive"),
            "max_lod": self.config.max_lod,
            "has_half": self.config.num_fp16_res > 0,
            "moved_px": self.config.moved_px,
        }

    def initial(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """See `initial_tensor`."""
        return initial_tensor(self.config, name, shape, generator)

    def prepare(self) -> None:
        """Energies of the weights, for demodulation."""
        for module in self.modules():
            if isinstance(module, SynthesisLayer):
                module.prepare()

    def clamp_of(self, layer: LayerInfo) -> float | None:
        """See `GeneratorNetwork.clamp_of`; it follows the gain with which a resnet's second convolution is added."""
        reduced = self.config.architecture == "resnet" and layer.name.endswith("conv1") and layer.step > 0
        return self.config.conv_clamp and self.config.conv_clamp * (math.sqrt(0.5) if reduced else 1.0)

    def ends_step(self, layer: LayerInfo) -> bool:
        """Where ToRGB is a step by itself, the second convolution ends one."""
        return self.config.architecture == "skip" and layer.name.endswith("conv1")

    def layers(self) -> tuple[LayerInfo, ...]:
        """The modulated layers in order of synthesis."""
        found = []
        for position, resolution in enumerate(self.synthesis.resolutions):
            index, block = max(2 * position - 1, 0), self.synthesis.block(resolution)
            step = position * block.parts
            channels, noisy = self.config.channels(resolution), self.config.use_noise
            inner = self.config.channels(resolution // 2)
            for offset, name in enumerate(["conv1"] if block.first else ["conv0", "conv1"]):
                info = LayerInfo(
                    name=f"b{resolution}.{name}",
                    kind="conv",
                    step=step,
                    resolution=resolution,
                    channels=channels,
                    ws_index=index + offset,
                    style_channels=inner if name == "conv0" else channels,
                    has_noise=noisy,
                )
                found.append(info)
            if block.has_rgb:
                info = LayerInfo(
                    name=f"b{resolution}.torgb",
                    kind="torgb",
                    step=step + block.parts - 1,
                    resolution=resolution,
                    channels=self.config.img_channels,
                    ws_index=index + block.num_conv,
                    style_channels=channels,
                )
                found.append(info)
        return tuple(found)


class DiscriminatorBlock(nn.Module):
    """All layers of one resolution of the discriminator (StyleGAN2, figure 7, lower row)."""

    resample_filter: Tensor

    def __init__(self, inner: int, resolution: int, config: DiscriminatorConfig):
        super().__init__()
        self.architecture, self.may_be_half = config.architecture, config.is_half(resolution)
        middle, out, taps = config.channels(resolution), config.channels(resolution // 2), config.resample_filter
        act, clamp = config.activation, config.conv_clamp
        self.register_buffer("resample_filter", setup_filter(taps))
        self.has_rgb = inner == 0 or self.architecture == "skip"
        if self.has_rgb:
            self.fromrgb = Conv2dLayer(config.img_channels, middle, 1, taps, activation=act, clamp=clamp)
        self.conv0 = Conv2dLayer(middle, middle, 3, taps, activation=act, clamp=clamp)
        self.conv1 = Conv2dLayer(middle, out, 3, taps, activation=act, down=True, clamp=clamp)
        if self.architecture == "resnet":
            self.skip = Conv2dLayer(middle, out, 1, taps, bias=False, down=True)

    def forward(self, x: Tensor | None, img: Tensor | None, half: torch.dtype | None) -> tuple[Tensor, Tensor | None]:
        """Features and (in "skip") the picture, both at half the size."""
        dtype = half if half is not None and self.may_be_half else self.conv0.weight.dtype
        x = x if x is None else x.to(dtype)
        if self.has_rgb and img is not None:
            rgb = self.fromrgb(img.to(dtype))
            x = rgb if x is None else x + rgb
            img = downsample2d(img, self.resample_filter) if self.architecture == "skip" else None
        if self.architecture == "resnet":
            residual = self.skip(x, gain=math.sqrt(0.5))
            return residual + self.conv1(self.conv0(x), gain=math.sqrt(0.5)), img
        return self.conv1(self.conv0(x)), img


def minibatch_stddev(x: Tensor, group_size: int | None, channels: int) -> Tensor:
    """Add the standard deviation over groups of the batch as feature maps (Progressive GAN, section 3).

    Args:
        x: [N, C, H, W].
        group_size: pictures in a group; None: the whole batch.
        channels: how many maps to add.
    """
    n, c, h, w = x.shape
    size = n if group_size is None else min(group_size, n)
    y = x.reshape(size, -1, channels, c // channels, h, w)
    y = (y - y.mean(dim=0)).square().mean(dim=0)
    y = (y + 1e-8).sqrt().mean(dim=[2, 3, 4]).reshape(-1, channels, 1, 1).repeat(size, 1, h, w)
    return torch.cat([x, y], dim=1)


class DiscriminatorEpilogue(nn.Module):
    """The 4x4 end of the discriminator, or that of another base."""

    def __init__(self, config: DiscriminatorConfig, cmap_dim: int):
        super().__init__()
        channels, taps, act = config.channels(4), config.resample_filter, config.activation
        self.group_size, self.std_channels = config.mbstd_group_size, config.mbstd_num_channels
        self.label_divisor = 1.0 if config.label_head == "select" else math.sqrt(cmap_dim)
        self.has_rgb = config.architecture == "skip"
        if self.has_rgb:
            self.fromrgb = Conv2dLayer(config.img_channels, channels, 1, taps, activation=act)
        wide = channels + self.std_channels
        self.conv = Conv2dLayer(wide, channels, 3, taps, activation=act, clamp=config.conv_clamp)
        self.fc = FullyConnectedLayer(channels * math.prod(config.base_size), channels, act)
        self.out = FullyConnectedLayer(channels, cmap_dim or 1)

    def forward(self, x: Tensor, img: Tensor | None, cmap: Tensor | None) -> Tensor:
        """Logits [N, 1]."""
        x = full(x)
        if self.has_rgb and img is not None:
            x = x + self.fromrgb(full(img))
        if self.std_channels:
            x = minibatch_stddev(x, self.group_size, self.std_channels)
        x = self.out(self.fc(self.conv(x).flatten(1)))
        # Projection discriminator (Miyato & Koyama 2018), or the output of the class (Mescheder et al. 2018).
        return x if cmap is None else (x * cmap).sum(dim=1, keepdim=True) / self.label_divisor


class Discriminator(DiscriminatorNetwork):
    """From pictures [N, C, H, W], and classes [N, c_dim], to logits [N, 1]."""

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        self.config = config
        self.resolutions = config.block_resolutions[:0:-1]
        select = config.label_head == "select"
        cmap_dim = config.cmap_dim if config.cmap_dim is not None else (config.channels(4) if config.c_dim else 0)
        cmap_dim = config.c_dim if select else cmap_dim
        inner = 0
        for resolution in self.resolutions:
            self.add_module(f"b{resolution}", DiscriminatorBlock(inner, resolution, config))
            inner = config.channels(resolution)
        if config.c_dim and not select:
            self.mapping = MappingNetwork(
                0,
                config.c_dim,
                cmap_dim,
                config.mapping_embed_features or cmap_dim,
                config.mapping_layer_features or cmap_dim,
                config.mapping_layers,
                config.mapping_lr_multiplier,
                avg=False,
            )
        self.b4 = DiscriminatorEpilogue(config, cmap_dim)

    def initial(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """See `initial_tensor`."""
        return initial_tensor(self.config, name, shape, generator)

    def forward(self, img: Tensor, c: Tensor | None = None, half: torch.dtype | None = None) -> Tensor:
        """Logits [N, 1]; larger: more like the training data. `half`: 16 bits for the layers that are made for it."""
        x: Tensor | None = None
        picture: Tensor | None = img
        for resolution in self.resolutions:
            x, picture = self.get_submodule(f"b{resolution}")(x, picture, half)
        cmap = None
        if self.config.c_dim:
            if c is None:
                raise ValueError(f"this discriminator is conditional: give c [N, {self.config.c_dim}].")
            cmap = c if self.config.label_head == "select" else self.mapping(None, c)
        assert x is not None
        return self.b4(x, picture, cmap)
