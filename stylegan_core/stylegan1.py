"""StyleGAN's networks (Karras et al. 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks").

Symbols: z latent, f mapping, w intermediate latent, A affine ("affine"), y = (y_s, y_b) style, B noise strength.
Options that published models leave alone are those of the official TensorFlow code (G_style, D_basic).
"""

import math
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from stylegan_core.card import LayerInfo
from stylegan_core.config import Width
from stylegan_core.network import Inputs
from stylegan_core.ops import conv2d, full
from stylegan_core.progressive import (
    HE_GAIN,
    SLOPES,
    Activation,
    EqualizedConv2d,
    EqualizedLinear,
    ProgressiveConfig,
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    activate,
    blur,
    blur_filter,
    conv2d_down,
    conv2d_up,
    equalized,
    from_rgb,
    initial_weight,
    pixel_norm,
    to_rgb,
    up_kernel,
)
from stylegan_core.stylegan2 import minibatch_stddev

Taps = Annotated[tuple[float, ...], Field(min_length=1, max_length=16)]  # a 1-D filter, normalised when it is used


def _check_taps(name: str, taps: tuple[float, ...] | None) -> None:
    if taps is not None and sum(taps) == 0:
        raise ValueError(f"{name} sums to 0")


class GeneratorConfig(ProgressiveConfig):
    """StyleGAN's generator: mapping and synthesis."""

    z_dim: Width = 512
    w_dim: Width = 512
    mapping_layers: Annotated[int, Field(ge=1, le=64)] = 8
    mapping_layer_features: Width = 512
    mapping_lr_multiplier: Annotated[float, Field(gt=0)] = 0.01
    mapping_activation: Activation = "lrelu"
    normalize_latents: bool = True
    use_styles: bool = True
    const_input_layer: bool = True  # else the first w is spread over 4x4 pixels
    use_noise: bool = True
    use_pixel_norm: bool = False
    use_instance_norm: bool = True
    instance_norm_epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-8
    blur_filter: Taps | None = (1.0, 2.0, 1.0)  # after layers that double the size
    bias_before_blur: bool = False  # some ports add the bias first, which shows at the border only

    @model_validator(mode="after")
    def _filter_has_a_sum(self) -> "GeneratorConfig":
        _check_taps("blur_filter", self.blur_filter)
        return self


class DiscriminatorConfig(ProgressiveConfig):
    """StyleGAN's discriminator: Progressive GAN's, blurred before it halves the size."""

    mbstd_group_size: Annotated[int, Field(ge=0)] | None = 4  # 0 or 1: no deviation maps; None: the whole batch
    mbstd_num_channels: Annotated[int, Field(ge=1, le=512)] = 1
    blur_filter: Taps | None = (1.0, 2.0, 1.0)
    fromrgb_activation: bool = True
    widen_first: bool = False  # a block's first convolution widens it rather than its second, as in some ports

    @model_validator(mode="after")
    def _usable(self) -> "DiscriminatorConfig":
        _check_taps("blur_filter", self.blur_filter)
        if self.channels(4) % self.mbstd_num_channels:
            raise ValueError(
                f"mbstd_num_channels {self.mbstd_num_channels} does not divide {self.channels(4)} channels"
            )
        return self


class MappingNetwork(nn.Module):
    """f: Z -> W (section 2). A class is embedded, put beside z, and both are normalised together."""

    w_avg: Tensor

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config, c_dim, hidden = config, config.c_dim, config.mapping_layer_features
        if c_dim:
            self.embed = EqualizedLinear(c_dim, config.z_dim, use_wscale=False, gain=c_dim**0.5, bias=False)
        widths = [config.z_dim * (2 if c_dim else 1), *[hidden] * (config.mapping_layers - 1), config.w_dim]
        for i in range(config.mapping_layers):
            layer = EqualizedLinear(
                widths[i], widths[i + 1], config.use_wscale, HE_GAIN, lr_multiplier=config.mapping_lr_multiplier
            )
            self.add_module(f"fc{i}", layer)
        self.register_buffer("w_avg", torch.empty(config.w_dim))

    def forward(self, z: Tensor, c: Tensor | None) -> Tensor:
        """z [N, z_dim], c [N, c_dim] -> w [N, w_dim]."""
        x = full(z)
        if c is not None:
            x = torch.cat([x, self.embed(full(c))], dim=1)
        if self.config.normalize_latents:
            x = pixel_norm(x)
        for i in range(self.config.mapping_layers):
            x = activate(self.get_submodule(f"fc{i}")(x), None, SLOPES[self.config.mapping_activation])
        return x


class StyledLayer(nn.Module):
    """What comes after every input or convolution: noise, bias, activation, normalisation, style (figure 1b)."""

    noise_const: Tensor

    def __init__(self, name: str, channels: int, resolution: int, config: GeneratorConfig):
        super().__init__()
        self.name, self.config = name, config
        self.bias = nn.Parameter(torch.empty(channels))
        if config.use_noise:
            self.register_buffer("noise_const", torch.empty(config.size_at(resolution)))
            self.noise_strength = nn.Parameter(torch.empty(channels))
        if config.use_styles:
            self.affine = EqualizedLinear(config.w_dim, 2 * channels, config.use_wscale)

    def noise(self, inputs: Inputs, index: int) -> Tensor | None:
        """The map to add [1, 1, H, W], before its strength; `index` counts the layers that take noise."""
        return inputs.noise(index, self.noise_const) if self.config.use_noise else None

    def rectified(self, x: Tensor, values: Tensor | None, top: int = 0, bias: bool = True) -> Tensor:
        """Noise, bias and activation of a band of rows from `top` on; x is overwritten where no gradient is wanted."""
        if values is not None:
            values, strength = values[:, :, top : top + x.shape[2]], self.noise_strength[:, None, None]
            x = torch.addcmul(x, values, strength) if torch.is_grad_enabled() else x.addcmul_(values, strength)
        return activate(x, self.bias if bias else None, self.config.slope)

    def styled(self, x: Tensor, w: Tensor, inputs: Inputs) -> Tensor:
        """AdaIN(x, y) = y_s (x - mean(x)) / sqrt(var(x) + epsilon) + y_b, each map by itself (equation 1)."""
        config = self.config
        if config.use_pixel_norm:
            x = pixel_norm(x)
        y = None
        if config.use_styles:
            y = inputs.probed_style(self.name, self.affine(w)).unflatten(1, (2, -1)).transpose(0, 1)  # [2, N, C]
        if config.use_instance_norm:
            maps = x.reshape(1, -1, *x.shape[2:])  # of all pictures, as if they were one's
            y_s, y_b = (None, None) if y is None else y.flatten(1)
            x = F.instance_norm(maps, weight=y_s, bias=y_b, eps=config.instance_norm_epsilon).reshape(x.shape)
        elif y is not None:
            x = torch.addcmul(y[1, :, :, None, None], x, y[0, :, :, None, None])
        return inputs.probed(self.name, x)


class StyledInput(StyledLayer):
    """The learned constant, or the first w, as features of 4x4 pixels."""

    def __init__(self, config: GeneratorConfig):
        channels = config.channels(4)
        super().__init__("b4.input", channels, 4, config)
        if config.const_input_layer:
            self.const = nn.Parameter(torch.empty(channels, *config.base_size))
        else:
            pixels = math.prod(config.base_size)
            self.dense = EqualizedLinear(config.w_dim, pixels * channels, config.use_wscale, HE_GAIN / 4, bias=False)

    def forward(self, w: Tensor, inputs: Inputs, index: int) -> Tensor:
        """w [N, w_dim] -> [N, C, 4, 4]."""
        if self.config.const_input_layer:
            x = self.const[None].repeat(w.shape[0], 1, 1, 1)
        else:
            x = self.dense(w).reshape(w.shape[0], -1, *self.config.base_size)
        return self.styled(self.rectified(x, self.noise(inputs, index)), w, inputs)


class StyledConv(StyledLayer):
    """3x3 convolution and its style; `up` doubles the size first, and blurs."""

    def __init__(self, name: str, inner: int, out: int, resolution: int, config: GeneratorConfig, up: bool):
        super().__init__(name, out, resolution, config)
        self.up = up
        self.weight = nn.Parameter(torch.empty(out, inner, 3, 3))
        self.scale = equalized(9 * inner, HE_GAIN, config.use_wscale)
        self.prepared: tuple[Tensor, Tensor | None] | None = None

    def prepare(self) -> None:
        """Compute, once and for all, the kernel that doubles and the filter that blurs."""
        self.prepared = self._doubling() if self.up else None

    def forward(self, x: Tensor, w: Tensor, inputs: Inputs, index: int) -> Tensor:
        """x [N, in, H, W], w [N, w_dim] -> [N, out, H', W']."""
        values = self.noise(inputs, index)

        def finish(band: Tensor, top: int) -> Tensor:
            return self.rectified(band, values, top)

        if self.up:
            x = self._doubled(x, values, inputs)
        else:
            x = conv2d(x, self.weight * self.scale.coefficient, poll=inputs.poll, finish=finish)
        inputs.poll()
        return self.styled(x, w, inputs)

    def _doubled(self, x: Tensor, values: Tensor | None, inputs: Inputs) -> Tensor:
        early = self.config.bias_before_blur

        def biased(band: Tensor, top: int) -> Tensor:
            del top
            return activate(band, self.bias if early else None, slope=1)

        kernel, f = self._doubling() if self.prepared is None else self.prepared
        x = conv2d_up(x, kernel, inputs.poll, biased)
        if f is not None:
            inputs.poll()
            x = blur(x, f)
        inputs.poll()
        return self.rectified(x, values, bias=not early)

    def _doubling(self) -> tuple[Tensor, Tensor | None]:
        taps = self.config.blur_filter
        f = None if taps is None else blur_filter(taps, like=self.weight)
        return up_kernel(self.weight * self.scale.coefficient), f


class SynthesisBlock(nn.Module):
    """All layers of one resolution."""

    def __init__(self, position: int, config: GeneratorConfig):
        super().__init__()
        resolution = config.block_resolutions[position]
        out = config.channels(resolution)
        self.position, self.use_styles = position, config.use_styles
        if position == 0:
            self.input = StyledInput(config)
        else:
            inner = config.channels(resolution // 2)
            self.conv0 = StyledConv(f"b{resolution}.conv0", inner, out, resolution, config, up=True)
        self.conv1 = StyledConv(f"b{resolution}.conv1", out, out, resolution, config, up=False)
        if config.has_rgb(resolution):
            self.torgb = to_rgb(config, resolution)

    def forward(self, x: Tensor | None, ws: Tensor, inputs: Inputs) -> Tensor:
        """Features of the block before, or None, and ws [N, num_ws, w_dim] -> features."""
        index = 2 * self.position  # of the first layer, its noise and its style vector
        w0, w1 = ws[:, index : index + 2].unbind(dim=1) if self.use_styles else (ws[:, 0], ws[:, 0])
        x = self.input(w0, inputs, index) if x is None else self.conv0(x, w0, inputs, index)
        return self.conv1(x, w1, inputs, index + 1)


class SynthesisNetwork(nn.Module):
    """g: the constant, styled layer by layer (figure 1b)."""

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        for position, resolution in enumerate(config.block_resolutions):
            self.add_module(f"b{resolution}", SynthesisBlock(position, config))


class Generator(ProgressiveGenerator):
    """Mapping and synthesis together."""

    config: GeneratorConfig

    def __init__(self, config: GeneratorConfig):
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config)
        self.synthesis = SynthesisNetwork(config)
        self.num_steps = len(config.block_resolutions)
        self.num_ws = 2 * self.num_steps if config.use_styles else 1

    @property
    def w_avg(self) -> Tensor:
        """The mean of w, [w_dim]."""
        return self.mapping.w_avg

    def map(self, z: Tensor, c: Tensor | None) -> Tensor:
        """z [N, z_dim], c [N, c_dim] -> w [N, w_dim]."""
        w: Tensor = self.mapping(z, c)
        return w

    def features(self, resolution: int, x: Tensor | None, ws: Tensor, inputs: Inputs) -> Tensor:
        """See `ProgressiveGenerator.features`."""
        out: Tensor = self.synthesis.get_submodule(f"b{resolution}")(x, ws, inputs)
        return out

    def rgb(self, resolution: int, x: Tensor) -> Tensor:
        """See `ProgressiveGenerator.rgb`."""
        out: Tensor = self.synthesis.get_submodule(f"b{resolution}.torgb")(x)
        return out

    def layers(self) -> tuple[LayerInfo, ...]:
        """The layers in order of synthesis; ToRGB takes no style."""
        names = [(position, name) for position in range(self.num_steps) for name in ("conv0", "conv1")]
        names[0] = (0, "input")
        return tuple(
            LayerInfo(
                name=f"b{self.config.block_resolutions[position]}.{name}",
                kind="input" if name == "input" else "conv",
                step=position,
                resolution=self.config.block_resolutions[position],
                channels=self.config.channels(self.config.block_resolutions[position]),
                ws_index=index if self.config.use_styles else 0,
                style_channels=2
                * self.config.use_styles
                * self.config.channels(self.config.block_resolutions[position]),
                has_noise=self.config.use_noise,
            )
            for index, (position, name) in enumerate(names)
        )

    def traits(self) -> dict[str, Any]:
        """See `GeneratorNetwork.traits`."""
        return {
            "has_noise": self.config.use_noise,
            "has_preview": self.config.progressive,
            "moved_px": self.config.moved_px,
            "max_lod": self.config.max_lod,
        }

    def initial(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """See `initial_weight`; constant and y_s begin at 1, noise maps are normal."""
        if name.endswith("input.const"):
            return torch.ones(shape)
        if name.endswith("noise_const"):
            return torch.randn(shape, generator=generator)
        if name.endswith("affine.bias"):
            return torch.cat([torch.ones(shape[0] // 2), torch.zeros(shape[0] // 2)])
        return initial_weight(self, name, shape, generator)

    def prepare(self) -> None:
        """Kernels of the layers that double the size."""
        for module in self.modules():
            if isinstance(module, StyledConv):
                module.prepare()


class DiscriminatorBlock(nn.Module):
    """All layers of one resolution above 4x4."""

    def __init__(self, resolution: int, config: DiscriminatorConfig):
        super().__init__()
        inner, out = config.channels(resolution), config.channels(resolution // 2)
        self.config = config
        if config.has_rgb(resolution):
            self.fromrgb = from_rgb(config, resolution)
        middle = out if config.widen_first else inner
        self.conv0 = EqualizedConv2d(inner, middle, 3, config.use_wscale)
        self.conv1 = EqualizedConv2d(middle, out, 3, config.use_wscale)

    def forward(self, x: Tensor) -> Tensor:
        """[N, in, H, W] -> [N, out, H / 2, W / 2]."""
        taps, weight = self.config.blur_filter, self.conv1.scaled()
        x = self.conv0(x, self.config.slope)
        x = conv2d_down(x if taps is None else blur(x, blur_filter(taps, like=x)), weight)
        return activate(x, self.conv1.bias, self.config.slope)


class DiscriminatorEpilogue(nn.Module):
    """The 4x4 end: deviation over the batch (Progressive GAN, section 3), one convolution, two dense layers."""

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        channels, hidden = config.channels(4), config.channels(2)
        self.slope, self.group_size = config.slope, config.mbstd_group_size
        self.std_channels = 0 if self.group_size in (0, 1) else config.mbstd_num_channels
        if config.has_rgb(4):
            self.fromrgb = from_rgb(config, 4)
        self.conv = EqualizedConv2d(channels + self.std_channels, channels, 3, config.use_wscale)
        self.fc = EqualizedLinear(math.prod(config.base_size) * channels, hidden, config.use_wscale, HE_GAIN)
        self.out = EqualizedLinear(hidden, config.c_dim or 1, config.use_wscale)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, 4, 4] -> [N, c_dim or 1]."""
        if self.std_channels:
            x = minibatch_stddev(x, self.group_size, self.std_channels)
        x = self.conv(x, self.slope).flatten(1)
        x = self.out(activate(self.fc(x), None, self.slope))
        return x


class Discriminator(ProgressiveDiscriminator):
    """From pictures [N, C, H, W], and classes [N, c_dim], to logits [N, 1]."""

    config: DiscriminatorConfig

    def __init__(self, config: DiscriminatorConfig):
        super().__init__()
        self.config = config
        for resolution in config.block_resolutions[:0:-1]:
            self.add_module(f"b{resolution}", DiscriminatorBlock(resolution, config))
        self.b4 = DiscriminatorEpilogue(config)

    @property
    def fromrgb_slope(self) -> float:
        """See `ProgressiveDiscriminator.fromrgb_slope`."""
        return self.config.slope if self.config.fromrgb_activation else 1.0

    def forward(self, img: Tensor, c: Tensor | None = None, lod: float = 0.0) -> Tensor:
        """Logits [N, 1]; of several classes those asked for (Mescheder et al. 2018)."""
        x: Tensor = self.b4(self.features(img, lod))
        return x if c is None or not self.config.c_dim else (x * c).sum(dim=1, keepdim=True)
