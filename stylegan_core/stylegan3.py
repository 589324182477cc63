"""StyleGAN3's generator (Karras et al. 2021, "Alias-Free Generative Adversarial Networks"), called "the paper" below.

Every layer is read as an operation on a continuous signal over the unit square, sampled often enough that nothing
aliases; layers therefore differ in sampling rate and cutoff, and work on a canvas with a margin around the picture.
Parameters and buffers have the names of the official snapshots. The discriminator is StyleGAN2's.

Symbols, all frequencies in cycles per picture width: N layers; s sampling rate; f_c cutoff; f_t stopband, from which on
a layer's signal is weak; f_h half the width of a filter's transition band; n taps of a filter.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, Self, cast

import numpy as np
import torch
from pydantic import ConfigDict, Field, model_validator
from torch import Tensor, nn

from stylegan_core.card import LayerInfo
from stylegan_core.config import MAX_RESOLUTION, SQUARE, PictureConfig, Width
from stylegan_core.filtered_lrelu import filtered_lrelu
from stylegan_core.network import GeneratorNetwork, Inputs, Step
from stylegan_core.ops import Prepared, bias_act, full, prepare, scaled_conv2d, weight_energy
from stylegan_core.reference import Padding
from stylegan_core.stylegan2 import FullyConnectedLayer, MappingNetwork

MIN_PREVIEW_PX = 32


class StyleGAN3Config(PictureConfig):
    """The constructor arguments of the official code, flattened, with its defaults (the paper's config T).

    img_resolution need not be a power of two. With a `base_size` the signal is one over a rectangle, so many quarters
    of the unit square's sides high and wide, sampled at the same rate both ways; rates, frequencies and margins are
    those of the square.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    img_channels: Annotated[int, Field(ge=1, le=16)] = 3
    z_dim: Width = 512
    c_dim: Annotated[int, Field(ge=0, le=65536)] = 0
    w_dim: Width = 512
    mapping_layers: Annotated[int, Field(ge=0, le=64)] = 2
    mapping_lr_multiplier: Annotated[float, Field(gt=0, le=1e6)] = 0.01
    channel_base: Annotated[int, Field(ge=1, le=1 << 20)] = 32768
    channel_max: Width = 512
    num_layers: Annotated[int, Field(ge=1, le=64)] = 14  # N, not counting the input and ToRGB
    num_critical: Annotated[int, Field(ge=0, le=63)] = 2  # layers at the end with f_c at the Nyquist limit
    first_cutoff: Annotated[float, Field(ge=1e-3, le=MAX_RESOLUTION)] = 2.0  # f_c,0
    first_stopband: Annotated[float, Field(ge=0.5, le=MAX_RESOLUTION)] = 2**2.1  # f_t,0
    last_stopband_rel: Annotated[float, Field(ge=1, le=64)] = 2**0.3  # f_t,N / f_c,N
    margin_size: Annotated[int, Field(ge=0, le=128)] = 10  # canvas beyond the picture on each side, in samples
    output_scale: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.25
    num_fp16_res: Annotated[int, Field(ge=0, le=16)] = 4
    conv_kernel: Annotated[int, Field(ge=1, le=15)] = 3
    filter_size: Annotated[int, Field(ge=1, le=32)] = 6  # taps per sample of the lower rate
    lrelu_upsampling: Annotated[int, Field(ge=1, le=4)] = 2  # of the rate at which leaky ReLU works
    use_radial_filters: bool = False  # radially symmetric downsampling, for rotation equivariance
    conv_clamp: Annotated[float, Field(gt=0)] | None = 256.0
    magnitude_ema_beta: Annotated[float, Field(ge=0, le=1)] = 0.999  # training only

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.num_critical >= self.num_layers:
            raise ValueError(f"num_critical {self.num_critical} is not less than num_layers {self.num_layers}")
        if self.first_cutoff > min(self.first_stopband, self.img_resolution / 2):
            raise ValueError(f"first_cutoff {self.first_cutoff:g} is beyond first_stopband or half the resolution")
        if self.mapping_layers == 0 and (self.c_dim or self.z_dim != self.w_dim):
            raise ValueError("mapping_layers is 0, which needs z_dim and w_dim to be equal and no classes")
        if min(layer.out_channels for layer in layer_plans(self)) < 1:
            raise ValueError(f"channel_base {self.channel_base} leaves the finest layers no channels")
        if self.base_size != SQUARE and layer_plans(self)[0].in_rate < 4:
            raise ValueError(f"first_stopband {self.first_stopband:g} is too low for pictures of this base_size")
        return self


class LayerPlan(NamedTuple):
    """What one layer does to sizes, rates and frequencies: input (a, before) and output (b, after), in the paper."""

    name: str  # official, without its prefix
    is_torgb: bool
    may_be_half: bool
    kernel: int  # taps of the convolution along an axis
    in_channels: int
    out_channels: int
    in_shape: tuple[int, int]  # samples down and across, with margins
    out_shape: tuple[int, int]
    in_rate: int  # s; powers of two
    tmp_rate: int  # at which the leaky ReLU works
    out_rate: int
    in_cutoff: float  # f_c
    out_cutoff: float
    in_half_width: float  # f_h
    out_half_width: float
    up: int
    down: int
    up_taps: int  # n; 1: no filter
    down_taps: int
    down_radial: bool

    @property
    def padding(self) -> Padding:
        """Around the upsampled signal so that both filters are centred and out_shape remains (appendix D)."""
        (above, below), (left, right) = map(self._padding_along, self.in_shape, self.out_shape)
        return left, right, above, below

    def _padding_along(self, in_size: int, out_size: int) -> tuple[int, int]:
        wanted = (out_size - 1) * self.down + 1 + self.up_taps + self.down_taps - 2
        total = wanted - (in_size + self.kernel - 1) * self.up
        before = (total + self.up) // 2  # the sample that upsampling places first lies up / 2 before the centre
        return before, total - before


@lru_cache(maxsize=64)
def layer_plans(config: StyleGAN3Config, max_rate: int | None = None) -> tuple[LayerPlan, ...]:
    """The N layers and ToRGB (the paper, section 3.2 "Flexible layer specifications", figure 4b).

    Cutoff and stopband grow geometrically until the first critically sampled layer and stay there; the sampling rate
    is the lowest power of two that has room for the stopband, up to the picture's own.

    Args:
        config: of the network.
        max_rate: for a preview of so many px: finer layers are critically sampled at this rate.
    """
    last_cutoff = config.img_resolution / 2  # f_c,N
    last_stopband = last_cutoff * config.last_stopband_rel  # f_t,N
    done = np.minimum(np.arange(config.num_layers + 1) / (config.num_layers - config.num_critical), 1)
    cutoffs = config.first_cutoff * (last_cutoff / config.first_cutoff) ** done
    stopbands = config.first_stopband * (last_stopband / config.first_stopband) ** done
    rates = np.exp2(np.ceil(np.log2(np.minimum(stopbands * 2, config.img_resolution)))).astype(int)
    channels = np.rint(np.minimum(config.channel_base / 2 / cutoffs, config.channel_max)).astype(int)
    channels[-1] = config.img_channels
    names = [
        f"L{i}_{width}_{count}"
        for i, ((_, width), count) in enumerate(
            zip(_shapes(config, rates, config.img_resolution), channels, strict=True)
        )
    ]
    radial = np.arange(len(rates)) < config.num_layers - config.num_critical
    size = config.img_resolution
    if max_rate is not None:
        size = size * min(max_rate, int(rates[-1])) // int(rates[-1])
        radial &= rates <= max_rate
        rates, cutoffs = np.minimum(rates, max_rate), np.minimum(cutoffs, max_rate / 2)
        stopbands = np.minimum(stopbands, max_rate / 2 * config.last_stopband_rel)
    half_widths = np.maximum(stopbands, rates / 2) - cutoffs
    shapes = _shapes(config, rates, size)

    plans = []
    for i in range(config.num_layers + 1):
        a = max(i - 1, 0)
        is_torgb = i == config.num_layers
        in_rate, out_rate = int(rates[a]), int(rates[i])
        tmp_rate = max(in_rate, out_rate) * (1 if is_torgb else config.lrelu_upsampling)
        up, down = tmp_rate // in_rate, tmp_rate // out_rate
        plan = LayerPlan(
            name=names[i],
            is_torgb=is_torgb,
            may_be_half=bool(rates[i] * 2**config.num_fp16_res > config.img_resolution),
            kernel=1 if is_torgb else config.conv_kernel,
            in_channels=int(channels[a]),
            out_channels=int(channels[i]),
            in_shape=shapes[a],
            out_shape=shapes[i],
            in_rate=in_rate,
            tmp_rate=tmp_rate,
            out_rate=out_rate,
            in_cutoff=float(cutoffs[a]),
            out_cutoff=float(cutoffs[i]),
            in_half_width=float(half_widths[a]),
            out_half_width=float(half_widths[i]),
            up=up,
            down=down,
            up_taps=1 if is_torgb or up == 1 else config.filter_size * up,
            down_taps=1 if is_torgb or down == 1 else config.filter_size * down,
            # Critically sampled layers have no room for a radial filter's wider transition band (section 3.2).
            down_radial=config.use_radial_filters and bool(radial[i]),
        )
        plans.append(plan)
    return tuple(plans)


def _shapes(config: StyleGAN3Config, rates: np.ndarray, picture: int) -> list[tuple[int, int]]:
    """Samples down and across, with margins; the last layer crops to the picture, ToRGB needs no margin."""
    inner = [config.size_at(rate) for rate in [*rates[:-2].tolist(), picture, picture]]
    margins = [2 * config.margin_size] * (len(inner) - 2) + [0, 0]
    return [(height + margin, width + margin) for (height, width), margin in zip(inner, margins, strict=True)]


def kaiser_beta(taps: int, width: float) -> float:
    """Shape of the Kaiser window for a filter of so many taps (the paper, appendix C.1; Kaiser 1974).

    Args:
        taps: n.
        width: of the whole transition band, 2 f_h, as a part of half the sampling rate.
    """
    attenuation = 2.285 * (taps - 1) * math.pi * width + 7.95  # in dB
    if attenuation > 50:
        return 0.1102 * (attenuation - 8.7)
    return 0.5842 * max(attenuation - 21, 0) ** 0.4 + 0.07886 * max(attenuation - 21, 0)


def jinc(x: np.ndarray) -> np.ndarray:
    """J_1(x) / x by Poisson's integral; the midpoint rule is exact to rounding for what repeats, up to x of some 500.

    torch.special.bessel_j1 errs by 3e-7 near x = 5.
    """
    theta = (np.arange(256) + 0.5) * (math.pi / 256)
    mean: np.ndarray = (np.cos(x[..., None] * np.cos(theta)) * np.sin(theta) ** 2).mean(axis=-1)
    return mean


def lowpass_filter(taps: int, cutoff: float, half_width: float, rate: float, radial: bool = False) -> Tensor:
    """A windowed ideal low-pass filter with unit sum (the paper, appendix C).

        h(x) = sinc(2 f_c x) w(x)                                  C.1, separable
        h(x, y) = J_1(2π f_c r) / r w(x) w(y), r = |(x, y)|         C.2, radially symmetric

    Args:
        taps: n.
        cutoff: f_c.
        half_width: f_h.
        rate: s at which the filter is sampled.
        radial: whether the second form is wanted.

    Returns:
        float64 [taps], or [taps, taps] for the radial one.
    """
    x = (np.arange(taps) - (taps - 1) / 2) / rate
    window = np.kaiser(taps, kaiser_beta(taps, 2 * half_width / (rate / 2)))
    if radial:
        f = jinc(np.hypot(x[:, None], x) * (2 * math.pi * cutoff)) * np.outer(window, window)
    else:
        f = np.sinc(2 * cutoff * x) * window
    return torch.from_numpy(f / f.sum())


@lru_cache(maxsize=256)
def designed_filters(plan: LayerPlan) -> tuple[Tensor | None, Tensor | None]:
    """up_filter and down_filter as a plan asks for them, float32; None where it has no filter."""
    up = down = None
    with torch.inference_mode(False):  # training may get what a picture has asked for first
        if plan.up_taps > 1:
            up = lowpass_filter(plan.up_taps, plan.in_cutoff, plan.in_half_width, plan.tmp_rate).float()
        if plan.down_taps > 1:
            down = lowpass_filter(
                plan.down_taps, plan.out_cutoff, plan.out_half_width, plan.tmp_rate, radial=plan.down_radial
            ).float()
    return up, down


def at_rate(weight: Tensor, ratio: float) -> Tensor:
    """A kernel [out, in, k, k] for a signal of `ratio` times the rate, at most 1, by linear interpolation of its taps.

    The taps keep their places on the picture. Convolved with what the lower rate can hold, this differs little from
    the kernel itself, and not at all where k is 1.
    """
    k = weight.shape[-1]
    if k == 1 or ratio == 1:
        return weight
    taps = torch.arange(k, dtype=weight.dtype, device=weight.device)
    places = (taps - (k - 1) / 2) * ratio + (k - 1) / 2
    spread = (1 - (taps[:, None] - places).abs()).clamp(min=0)  # [new tap, old tap]
    return spread @ weight @ spread.t()


class SynthesisInput(nn.Module):
    """Fourier features, rotated and moved as w says (the paper, section 3.1 config B and 3.2 config H; F.1)."""

    transform: Tensor
    freqs: Tensor
    phases: Tensor

    def __init__(self, config: StyleGAN3Config, plan: LayerPlan):
        super().__init__()
        channels = plan.in_channels
        self.shorter = min(config.base_size) / 4  # side of the picture, in those of the unit square
        self.shape, self.rate, self.bandwidth = plan.in_shape, plan.in_rate, plan.in_cutoff
        self.weight = nn.Parameter(torch.empty(channels, channels))
        self.affine = FullyConnectedLayer(config.w_dim, 4)
        self.register_buffer("transform", torch.empty(3, 3))
        self.register_buffer("freqs", torch.empty(channels, 2))
        self.register_buffer("phases", torch.empty(channels))

    def matrix(self, t: Tensor, user: Tensor | None) -> Tensor:
        """From the picture's coordinates to the features', [N, 3, 3]: the user's transform, then w's (F.1).

        Args:
            t: [N, 4], what an affine map makes of w: (r_c, r_s, t_x, t_y), cosine and sine, translation.
            user: [3, 3], from the picture's coordinates to those without a transform; None: the stored one, which
                counts in sides of the unit square.
        """
        r_c, r_s, t_x, t_y = (t / t[:, :2].norm(dim=1, keepdim=True)).unbind(dim=1)
        zero, one = torch.zeros_like(r_c), torch.ones_like(r_c)
        rotation = torch.stack([r_c, -r_s, zero, r_s, r_c, zero, zero, zero, one], dim=1).reshape(-1, 3, 3)
        translation = torch.stack([one, zero, -t_x, zero, one, -t_y, zero, zero, one], dim=1).reshape(-1, 3, 3)
        moved = self.transform if user is None else user.to(t)
        if user is not None and self.shorter != 1:
            offset = torch.cat([moved[:2, 2:] * self.shorter, moved[2:, 2:]])
            moved = torch.cat([moved[:, :2], offset], dim=1)
        return rotation @ translation @ moved

    def forward(self, w: Tensor, inputs: Inputs) -> Tensor:
        """w [N, w_dim] -> features [N, C, H, W]."""
        matrix = self.matrix(inputs.probed_style("input", self.affine(w)), inputs.transform)
        phases = self.phases + (self.freqs @ matrix[:, :2, 2:]).squeeze(2)  # [N, C]
        freqs = self.freqs @ matrix[:, :2, :2]  # [N, C, 2]
        # A transform that shrinks the picture raises frequencies: those beyond f_c fade out, at s / 2 they are gone.
        room = max(self.rate / 2 - self.bandwidth, 1e-8)
        amplitudes = (1 - (freqs.norm(dim=2) - self.bandwidth) / room).clamp(0, 1)
        # Samples lie in the middle of their cells; the origin is the picture's centre.
        y, x = ((torch.arange(n, device=w.device, dtype=w.dtype) + 0.5 - n / 2) / self.rate for n in self.shape)
        f_x, f_y = (f[:, None, None] for f in freqs.unbind(dim=2))  # [N, 1, 1, C]
        waves = x[:, None] * f_x + y[:, None, None] * f_y + phases[:, None, None]  # [N, H, W, C]
        features = torch.sin(waves * (2 * math.pi)) * amplitudes[:, None, None]
        features = (features @ (self.weight / math.sqrt(len(self.phases))).t()).permute(
            0, 3, 1, 2
        )  # channels last: see ops
        return inputs.probed("input", features)

    def initial(self, name: str, generator: torch.Generator) -> Tensor:
        """Frequencies evenly over the disc |f| <= f_c, phases over one turn, no transform (the paper, section 3.1)."""
        channels = len(self.phases)
        if name == "transform":
            return torch.eye(3)
        if name == "phases":
            return torch.rand(channels, generator=generator) - 0.5
        radius, turn = torch.rand(2, channels, generator=generator)
        angle = turn * (2 * math.pi)
        return torch.stack([angle.cos(), angle.sin()], dim=1) * (self.bandwidth * radius.sqrt())[:, None]


class SynthesisLayer(nn.Module):
    """Modulated convolution, then leaky ReLU between two filters (the paper, figure 4b); ToRGB has neither filter."""

    magnitude_ema: Tensor
    prepared: Prepared | None = None
    up_filter: Tensor | None
    down_filter: Tensor | None

    def __init__(self, plan: LayerPlan, config: StyleGAN3Config):
        super().__init__()
        self.plan, self.clamp = plan, config.conv_clamp
        self.affine = FullyConnectedLayer(config.w_dim, plan.in_channels)
        self.weight = nn.Parameter(torch.empty(plan.out_channels, plan.in_channels, plan.kernel, plan.kernel))
        self.bias = nn.Parameter(torch.empty(plan.out_channels))
        self.register_buffer("magnitude_ema", torch.empty([]))
        down_shape = [plan.down_taps] * (2 if plan.down_radial else 1)
        self.register_buffer("up_filter", torch.empty(plan.up_taps) if plan.up_taps > 1 else None)
        self.register_buffer("down_filter", torch.empty(down_shape) if plan.down_taps > 1 else None)

    def forward(self, x: Tensor, w: Tensor, inputs: Inputs, plan: LayerPlan) -> Tensor:
        """x [N, in, *in_shape], w [N, w_dim] -> [N, out, *out_shape].

        `plan` is the layer's own, or that of a preview.
        """
        x = x.to(inputs.dtype_of(self.weight, plan.may_be_half))
        weight: Tensor = self.weight
        up_filter, down_filter = self.up_filter, self.down_filter
        if plan != self.plan:
            weight = at_rate(weight, plan.in_rate / self.plan.in_rate)
            up_filter, down_filter = (f if f is None else f.to(x.device) for f in designed_filters(plan))
        styles = inputs.probed_style(self.plan.name, self.affine(w))
        factor = self.demodulation(styles) * self.magnitude_ema.rsqrt()  # of inputs in training, on the average (F.1)
        # Padded so that no sample is lost: the filters' padding counts on it.
        x = scaled_conv2d(
            x,
            weight,
            styles,
            factor,
            pad=plan.kernel - 1,
            prepared=self.prepared if weight is self.weight else None,
            poll=inputs.poll,
            finish=self._add_bias,
        )
        x = filtered_lrelu(
            x,
            None,
            up_filter,
            down_filter,
            plan.up,
            plan.down,
            plan.padding,
            gain=1.0 if plan.is_torgb else math.sqrt(2),
            slope=1.0 if plan.is_torgb else 0.2,
            clamp=self.clamp,
            poll=inputs.poll,
        )
        return inputs.probed(self.plan.name, x)

    def demodulation(self, styles: Tensor) -> Tensor:
        """What keeps outputs at the scale of inputs whatever the style (F.1), [N, out]; ToRGB has a constant.

        The official code brings weights and styles to unit mean square first; what that comes to is an eps that
        grows with them.
        """
        plan = self.plan
        size = plan.in_channels * plan.kernel**2
        if plan.is_torgb:
            return styles.new_full((len(styles), plan.out_channels), 1 / math.sqrt(size))
        energy = weight_energy(self.weight) if self.prepared is None else self.prepared.energy
        squares = styles.square()
        eps = 1e-8 * squares.mean(dim=1, keepdim=True) * (energy.sum(dim=1) / size)
        return (squares @ energy.t() + eps).rsqrt()

    def _add_bias(self, band: Tensor, top: int) -> Tensor:
        del top
        return bias_act(band, self.bias, "linear")

    def prepare(self) -> None:
        """See `GeneratorNetwork.prepare`."""
        self.weight.data = self.weight.data.to(memory_format=torch.channels_last)
        self.prepared = prepare(self.weight)


class SynthesisNetwork(nn.Module):
    """The input and its layers, in order. Style vector 0 goes to the input, i + 1 to layer i."""

    input: SynthesisInput

    def __init__(self, config: StyleGAN3Config):
        super().__init__()
        self.config, self.plans = config, layer_plans(config)
        self.resolution, self.output_scale = config.img_resolution, config.output_scale
        self.input = SynthesisInput(config, self.plans[0])
        for plan in self.plans:
            self.add_module(plan.name, SynthesisLayer(plan, config))

    def steps(self, ws: Tensor, inputs: Inputs, start: Step | None = None) -> Iterator[Step]:
        """The input, then layer by layer; see `GeneratorNetwork.steps`."""
        plans = self.plans if inputs.max_rate is None else layer_plans(self.config, inputs.max_rate)
        if start is None:
            inputs.poll()
            start = Step(0, self.step_resolution(plans[0].in_rate), self.input(ws[:, 0], inputs), None)
            yield start
        for position in range(start.position + 1, len(plans) + 1):
            plan = plans[position - 1]
            x = self.get_submodule(plan.name)(start.x, ws[:, position], inputs, plan)
            img = full(x) * self.output_scale if plan.is_torgb else None
            start = Step(position, self.step_resolution(plan.out_rate), x, img)
            yield start

    def step_resolution(self, rate: int) -> int:
        """Size in px, without margins, of what a sampling rate holds; the last rate may exceed the picture's size."""
        return min(rate, self.resolution)


class Generator(GeneratorNetwork):
    """Mapping and synthesis together, as a snapshot stores them."""

    config: StyleGAN3Config

    def __init__(self, config: StyleGAN3Config):
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(
            config.z_dim,
            config.c_dim,
            config.w_dim,
            config.w_dim,
            config.w_dim,
            config.mapping_layers,
            config.mapping_lr_multiplier,
            avg=True,
        )
        self.synthesis = SynthesisNetwork(config)
        self.num_ws = self.num_steps = config.num_layers + 2

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
        """One Step for the input, and one a layer."""
        return self.synthesis.steps(ws, inputs, start)

    def traits(self) -> dict[str, Any]:
        """See `GeneratorNetwork.traits`. The paper's two configurations are called T and R."""
        published = {(3, False): "T", (1, True): "R"}
        return {
            "variant": published.get((self.config.conv_kernel, self.config.use_radial_filters), "custom"),
            "has_noise": False,
            "has_transform": True,
            "has_preview": self.preview_px > 0,
            "preview_px": self.preview_px,
            "has_half": self.config.num_fp16_res > 0,
        }

    def prepare(self) -> None:
        """Energies of the weights, for demodulation."""
        for module in self.modules():
            if isinstance(module, SynthesisLayer):
                module.prepare()

    @property
    def preview_px(self) -> int:
        """A quarter of the size: the pass that gives it keeps more than 40 dB of what such a picture can show.

        Measured on networks of 256² (docs/previews.md) it takes 60 % of the time in T and 45 % in R, and all that it
        computes up to its own rate is part of the full picture. Half the size would take 80 %, an eighth shows little.
        """
        quarter = self.synthesis.plans[-1].out_rate // 4
        return quarter if quarter >= MIN_PREVIEW_PX else 0

    def first_capped(self, max_rate: int | None) -> int:
        """The input is step 0, layer i step i + 1."""
        if max_rate is None:
            return self.num_steps
        pairs = zip(self.synthesis.plans, layer_plans(self.config, max_rate), strict=True)
        return next((i for i, (own, capped) in enumerate(pairs, 1) if own != capped), self.num_steps)

    def clamp_of(self, layer: LayerInfo) -> float | None:
        """See `GeneratorNetwork.clamp_of`; clamped is what lies between the filters."""
        return None if layer.kind == "input" else self.config.conv_clamp

    def ends_step(self, layer: LayerInfo) -> bool:
        """All but ToRGB do: of the last step only the picture is sure to be remembered."""
        return layer.kind != "torgb"

    def layers(self) -> tuple[LayerInfo, ...]:
        """The input, the layers and ToRGB, each with a style vector of its own."""
        first, resolution = self.synthesis.plans[0], self.synthesis.step_resolution
        found = [
            LayerInfo(
                name="input",
                kind="input",
                step=0,
                resolution=resolution(first.in_rate),
                channels=first.in_channels,
                ws_index=0,
                style_channels=4,
            )
        ]
        for position, plan in enumerate(self.synthesis.plans, 1):
            info = LayerInfo(
                name=plan.name,
                kind="torgb" if plan.is_torgb else "conv",
                step=position,
                resolution=resolution(plan.out_rate),
                channels=plan.out_channels,
                ws_index=position,
                style_channels=plan.in_channels,
            )
            found.append(info)
        return tuple(found)

    def initial(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Weights unit normal, biases 0 and those of styles 1; the input neither rotated nor moved (F.1)."""
        parent, _, last = name.rpartition(".")
        module = self.get_submodule(parent)
        if isinstance(module, SynthesisInput) and last != "weight":
            return module.initial(last, generator)
        if isinstance(module, SynthesisLayer) and last.endswith("_filter"):
            return cast(Tensor, designed_filters(module.plan)[last == "down_filter"])
        if parent == "synthesis.input.affine":
            return torch.zeros(shape) if last == "weight" else torch.tensor([1.0, 0.0, 0.0, 0.0])
        if last == "weight":
            scale = 1 / self.config.mapping_lr_multiplier if parent.startswith("mapping.fc") else 1.0
            return torch.randn(shape, generator=generator) * scale
        return torch.full(shape, 1.0 if last == "magnitude_ema" or name.endswith("affine.bias") else 0.0)
