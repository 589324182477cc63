"""What Progressive GAN and StyleGAN are both made of: equalized layers, resampling by two, and growth.

Both grow while they train (Progressive GAN, section 2 and figure 2): every resolution has a ToRGB (FromRGB) of its
own, and the level of detail says which one is looked at. Level n is the picture n octaves below the full size; a
fraction fades between two of them.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Literal, NamedTuple, Self

import torch
import torch.nn.functional as F
from pydantic import ConfigDict, Field, model_validator
from torch import Tensor, nn

from stylegan_core.config import PictureConfig, Width
from stylegan_core.network import DiscriminatorNetwork, GeneratorNetwork, Inputs, Step
from stylegan_core.ops import Finish, Poll, band_rows, conv2d, empty_like, in_bands, unfinished
from stylegan_core.stylegan2 import double
from stylegan_core.transform import resample

Activation = Literal["lrelu", "relu"]
SLOPES = {"lrelu": 0.2, "relu": 0.0}  # of the negative side; without a gain of its own, unlike StyleGAN2's
HE_GAIN = math.sqrt(2)  # what keeps variance through a rectifier (He et al. 2015)


class ProgressiveConfig(PictureConfig):
    """What all four networks have in common. Names are StyleGAN2's where it has the same thing (see `config`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    img_channels: Annotated[int, Field(ge=1, le=16)] = 3
    c_dim: Annotated[int, Field(ge=0, le=65536)] = 0
    channel_base: Annotated[int, Field(ge=1, le=1 << 20)] = 16384  # twice the fmap_base of the TensorFlow code
    channel_max: Width = 512
    use_wscale: bool = True  # equalized learning rate
    activation: Activation = "lrelu"
    progressive: bool = True  # every resolution has a ToRGB (FromRGB); else only the finest
    lod: Annotated[float, Field(ge=0, le=16)] = 0.0  # level that training has reached; what is finer is untrained

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.img_resolution & (self.img_resolution - 1):
            raise ValueError(f"img_resolution {self.img_resolution} is not a power of two")
        if not self.channels(self.img_resolution):
            raise ValueError(f"channel_base {self.channel_base} leaves the finest layers no channels")
        if self.lod > self.max_lod:
            raise ValueError(f"lod {self.lod} is beyond the coarsest level, {self.max_lod}")
        return self

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """4, 8, ... img_resolution."""
        return tuple(2**i for i in range(2, self.img_resolution.bit_length()))

    @property
    def max_lod(self) -> int:
        """The coarsest level of detail."""
        return len(self.block_resolutions) - 1 if self.progressive else 0

    @property
    def moved_px(self) -> int:
        """The block whose features a transform moves; see StyleGAN2's."""
        return max(min(16, self.img_resolution // 2), 4)

    @property
    def slope(self) -> float:
        """Of the activation's negative side."""
        return SLOPES[self.activation]

    def channels(self, resolution: int) -> int:
        """Feature maps at a resolution: min(channel_base / resolution, channel_max)."""
        return min(self.channel_base // resolution, self.channel_max)

    def has_rgb(self, resolution: int) -> bool:
        """Whether there is a ToRGB (FromRGB) at a resolution."""
        return self.progressive or resolution == self.img_resolution


class Scale(NamedTuple):
    """How a weight is drawn before training, and what it is multiplied by whenever it is used."""

    initial_std: float
    coefficient: float


def equalized(fan_in: int, gain: float, use_wscale: bool, lr_multiplier: float = 1.0) -> Scale:
    """The scale of a weight with He's deviation gain / sqrt(fan_in) (Progressive GAN, section 4.1).

    Equalized, weights are unit normal and scaled when they are used, so that all learn equally fast; else they are
    drawn as large as they are used.
    """
    std = gain / math.sqrt(fan_in)
    return Scale(1 / lr_multiplier, std * lr_multiplier) if use_wscale else Scale(std / lr_multiplier, lr_multiplier)


class Weighted(nn.Module):
    """A module with a weight [out, in, ...] under a Scale."""

    weight: nn.Parameter

    def __init__(self, shape: tuple[int, ...], gain: float, use_wscale: bool, lr_multiplier: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.scale = equalized(math.prod(shape[1:]), gain, use_wscale, lr_multiplier)

    def scaled(self) -> Tensor:
        """The weight as it is used."""
        return self.weight * self.scale.coefficient


class EqualizedLinear(Weighted):
    """y = W x + b."""

    def __init__(
        self, inner: int, out: int, use_wscale: bool, gain: float = 1.0, lr_multiplier: float = 1.0, bias: bool = True
    ):
        super().__init__((out, inner), gain, use_wscale, lr_multiplier)
        self.bias = nn.Parameter(torch.empty(out)) if bias else None
        self.lr_multiplier = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """[N, in] -> [N, out]."""
        y = F.linear(x, self.scaled())
        return y if self.bias is None else y + self.bias * self.lr_multiplier


class EqualizedConv2d(Weighted):
    """Convolution and bias, same size; a ToRGB with gain 1, a FromRGB with He's."""

    def __init__(self, inner: int, out: int, kernel: int, use_wscale: bool, gain: float = HE_GAIN):
        super().__init__((out, inner, kernel, kernel), gain, use_wscale)
        self.bias = nn.Parameter(torch.empty(out))

    def forward(self, x: Tensor, slope: float = 1.0) -> Tensor:
        """[N, in, H, W] -> [N, out, H, W], activated."""
        return activate(conv2d(x, self.scaled()), self.bias, slope)


def to_rgb(config: ProgressiveConfig, resolution: int) -> EqualizedConv2d:
    """The 1x1 convolution to the picture's channels."""
    return EqualizedConv2d(config.channels(resolution), config.img_channels, 1, config.use_wscale, gain=1.0)


def from_rgb(config: ProgressiveConfig, resolution: int) -> EqualizedConv2d:
    """The 1x1 convolution from the picture's channels."""
    return EqualizedConv2d(config.img_channels, config.channels(resolution), 1, config.use_wscale)


def activate(x: Tensor, bias: Tensor | None, slope: float) -> Tensor:
    """x + b, its negative side times `slope`; x [N, C, ...] is overwritten where no gradient is wanted."""
    in_place = not torch.is_grad_enabled()
    if bias is not None:
        bias = bias.reshape(1, -1, *[1] * (x.ndim - 2))
        x = x.add_(bias) if in_place else x + bias
    if slope == 1:
        return x
    return F.leaky_relu_(x, slope) if in_place else F.leaky_relu(x, slope)


def pixel_norm(x: Tensor, epsilon: float = 1e-8) -> Tensor:
    """b = a / sqrt(mean over channels of a² + epsilon) for x [N, C, ...] (Progressive GAN, section 4.2)."""
    return x * (x.square().mean(dim=1, keepdim=True) + epsilon).rsqrt()


def up_kernel(weight: Tensor) -> Tensor:
    """What `conv2d_up` takes for a weight [out, in, 3, 3]: a 2x2 kernel for each place within 2x2 pixels.

    Returns:
        [4 * out, in, 2, 2].
    """
    kernel = _through_two(_through_two(weight.transpose(2, 3)))  # [column, 2 columns, row, 2 rows, out, in]
    kernel = kernel.permute(4, 2, 0, 5, 3, 1).reshape(-1, weight.shape[1], 2, 2)
    return kernel.contiguous(memory_format=torch.channels_last)


def _through_two(taps: Tensor) -> Tensor:
    """What a doubled row sees of 3 taps [..., 3] through the two rows it was made of, [odd first, 2 rows, ...].

    An even row has the row above once and its own twice, an odd row its own twice and the row below.
    """
    above, own, below = taps.unbind(-1)
    return torch.stack([above + own, below, above, own + below]).unflatten(0, (2, 2))


def conv2d_up(x: Tensor, kernel: Tensor, poll: Poll, finish: Finish = unfinished) -> Tensor:
    """`double`, then a 3x3 convolution, at the old size: 4 multiplications a pixel in place of 9.

    This is what the TensorFlow code calls fused_scale, and computes by transposed convolution.

    Args:
        x: [N, in, H, W].
        kernel: `up_kernel` of the weight.
        poll: called between bands of rows.
        finish: done to the result, band by band; see `ops.conv2d`.

    Returns:
        [N, out, 2H, 2W].
    """
    h, w = x.shape[2:]
    rows = band_rows(x, kernel.shape[0], 4, w) if in_bands(x) else h
    layout = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    y = empty_like(x, kernel.shape[0] // 4, 2 * h, 2 * w) if rows < h else None
    x = F.pad(x, (1, 1, 1, 1))
    if y is None:
        poll()
        return finish(_interleaved(F.conv2d(x, kernel)).contiguous(memory_format=layout), 0)
    for top in range(0, h, rows):
        poll()
        band = _interleaved(F.conv2d(x[:, :, top : top + rows + 2], kernel))
        y[:, :, 2 * top : 2 * (top + rows)] = finish(band, 2 * top)
    return y


def _interleaved(phases: Tensor) -> Tensor:
    """[N, 4 * out, H + 1, W + 1] -> [N, out, 2H, 2W]."""
    return F.pixel_shuffle(phases, 2)[:, :, 1:-1, 1:-1]


def conv2d_down(x: Tensor, weight: Tensor) -> Tensor:
    """Convolve with weight [out, in, 3, 3] and take the mean of 2x2 pixels: one 4x4 convolution with stride 2."""
    kernel = F.avg_pool2d(F.pad(weight, (1, 1, 1, 1)), 2, stride=1)
    return F.conv2d(x, kernel, stride=2, padding=1)


def blur_filter(taps: tuple[float, ...], like: Tensor) -> Tensor:
    """The 2-D filter [k, k] of unit sum that blurs with `taps` along both axes, where `like` is."""
    return _blur_filter(taps, like.dtype, like.device)


@cache  # a filter made during a run would be a copy from main memory, which no CUDA graph can record
def _blur_filter(taps: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # training uses it too
        f = torch.tensor(taps, dtype=dtype, device=device)
        return f.outer(f) / f.sum() ** 2


def blur(x: Tensor, f: Tensor) -> Tensor:
    """Correlate every map of x [N, C, H, W] with a filter f [k, k], same size (StyleGAN, section 2, "bilinear")."""
    k, channels = f.shape[0], x.shape[1]
    before, after = (k - 1) // 2, k // 2
    x = x if before == after else F.pad(x, (before, after, before, after))
    pad = before if before == after else 0
    return F.conv2d(x, f.expand(channels, 1, k, k), padding=pad, groups=channels)


def faded(lod: float, level: int) -> float:
    """How far the block of a level has faded away at a level of detail: 0 it is all there, 1 it is not used."""
    return min(max(lod - level, 0.0), 1.0)


def initial_weight(network: nn.Module, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """A tensor before training: weights normal with their module's deviation, everything else 0."""
    owner, _, kind = name.rpartition(".")
    scale = getattr(network.get_submodule(owner), "scale", None)
    if kind == "weight" and isinstance(scale, Scale):
        return torch.randn(shape, generator=generator) * scale.initial_std
    return torch.zeros(shape)


class ProgressiveGenerator(GeneratorNetwork):
    """Growth of a generator: features block by block, each with a picture of its own."""

    config: ProgressiveConfig

    @abstractmethod
    def features(self, resolution: int, x: Tensor | None, ws: Tensor, inputs: Inputs) -> Tensor:
        """Features [N, C, H, W] of a resolution from those of the block before; None for the first block."""

    @abstractmethod
    def rgb(self, resolution: int, x: Tensor) -> Tensor:
        """A block's picture from its features."""

    def steps(self, ws: Tensor, inputs: Inputs, start: Step | None = None) -> Iterator[Step]:
        """One Step a block. A block's picture is the one of its own ToRGB, and the one shown at its level of detail."""
        lod = max(inputs.lod, self.config.lod)
        for position in range(0 if start is None else start.position + 1, self.num_steps):
            start = self._step(position, start, ws, inputs, faded(lod, self.num_steps - 1 - position))
            yield start

    def _step(self, position: int, last: Step | None, ws: Tensor, inputs: Inputs, fade: float) -> Step:
        resolution = self.config.block_resolutions[position]
        coarser = None if last is None or last.img is None else double(last.img)
        img: Tensor | None
        if last is not None and coarser is not None and fade == 1:
            x, img = last.x, coarser
        else:
            x = self.features(resolution, None if last is None else last.x, ws, inputs)
            if not x.is_cuda:
                x = x.contiguous(memory_format=torch.channels_last)  # see `ops`
            inputs.poll()
            img = self.rgb(resolution, x).contiguous() if self.config.has_rgb(resolution) else None
            if img is not None and coarser is not None and fade:
                img = img.lerp(coarser, fade)
        if resolution == self.config.moved_px and inputs.transform is not None:
            # As in StyleGAN2: the constant cannot be moved, so what was made of it is.
            x = resample(x, inputs.transform, "reflection")
            img = None if img is None else resample(img, inputs.transform, "reflection")
        return Step(position, resolution, x, img)


class ProgressiveDiscriminator(DiscriminatorNetwork):
    """Growth of a discriminator, the generator's mirror image.

    It has a module for each resolution, "b64": from features of this size to features of half of it, and with a
    "fromrgb" of its own.
    """

    config: ProgressiveConfig

    def features(self, img: Tensor, lod: float = 0.0) -> Tensor:
        """Pictures [N, C, H, W] -> features [N, channels(4), 4, 4], or of another base."""
        lod = max(lod, self.config.lod)
        x: Tensor | None = None  # until the first level that is used
        for level, resolution in enumerate(self.config.block_resolutions[:0:-1]):
            fade = faded(lod, level)
            if fade < 1:
                x = self.get_submodule(f"b{resolution}")(self._fromrgb(resolution, img) if x is None else x)
            img = F.avg_pool2d(img, 2)
            if 0 < fade < 1 and x is not None:
                x = x.lerp(self._fromrgb(resolution // 2, img), fade)
        return self._fromrgb(4, img) if x is None else x

    def initial(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """See `initial_weight`."""
        return initial_weight(self, name, shape, generator)

    @property
    def fromrgb_slope(self) -> float:
        """Of the negative side of FromRGB's activation."""
        return self.config.slope

    def _fromrgb(self, resolution: int, img: Tensor) -> Tensor:
        x: Tensor = self.get_submodule(f"b{resolution}.fromrgb")(img, self.fromrgb_slope)
        return x
