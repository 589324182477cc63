"""The presets, as one table: what the papers and their official code trained with, and two for small machines.

Numbers are the papers' where they give them, else the official code's (facts, named in docs/training.md). What depends
on the pictures (resolution, channels, classes) and on the batch is worked out from them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from stylegan_core import progan, stylegan1
from stylegan_core.config import SQUARE, DiscriminatorConfig, GeneratorConfig, sizes_for
from stylegan_core.errors import StyleScopeError, first_wrong
from stylegan_core.stylegan3 import StyleGAN3Config
from train.augment import AugmentConfig, StrengthConfig
from train.config import (
    BlurConfig,
    DataConfig,
    EmaConfig,
    GrowthConfig,
    OptimiserConfig,
    RegularisersConfig,
    RunConfig,
    StartConfig,
)
from train.metrics.settings import MetricsSettings

MIXING = 0.9  # StyleGAN, section 3.1
HALF_LAYERS = 4  # the finest resolutions that run in 16 bits (StyleGAN2-ADA, section 4)
CLAMP = 256.0  # of their activations
METRICS_KIMG = 200.0  # from one measuring to the next


@dataclass(frozen=True)
class Pictures:
    """What the networks have to know of the pictures.

    Attributes:
        height: px.
        width: px; None: the height.
        channels: 3, or 4 with alpha.
        classes: numbers in a label; 0 where labels are not learned.
    """

    height: int
    width: int | None = None
    channels: int = 3
    classes: int = 0

    @property
    def resolution(self) -> int:
        """The size of squares that widths, batches and weights are chosen by."""
        return self.sizes[0]

    @property
    def sizes(self) -> tuple[int, tuple[int, int]]:
        """img_resolution and base_size of networks; see `sizes_for`."""
        return sizes_for(self.height, self.width or self.height)

    @property
    def area(self) -> int:
        """Pixels."""
        return self.height * (self.width or self.height)

    def common(self, doubling: bool = True) -> dict[str, Any]:
        """Fields that all networks have; without `doubling` for those that have squares of any size."""
        resolution, base = self.sizes
        if not doubling and self.height == (self.width or self.height):
            resolution, base = self.height, SQUARE
        sizes = {"img_resolution": resolution, "base_size": base}
        return {**sizes, "img_channels": self.channels, "c_dim": self.classes}


@dataclass(frozen=True)
class Preset:
    """A row of the table.

    Attributes:
        words: what it is for.
        make: all of RunConfig but data, start and seed.
    """

    words: str
    make: Callable[[Pictures, int | None], dict[str, Any]]


def default_batch(resolution: int) -> int:
    """Pictures a step where nobody says: what fits one GPU (StyleGAN2-ADA's official code, auto)."""
    return min(max(4096 // resolution, 4), 32)


def r1_weight(pictures: Pictures, batch: int) -> float:
    """γ = 0.0002 r² / batch, a first guess for any data (StyleGAN2-ADA's official code, auto)."""
    return 0.0002 * pictures.area / batch


def _stylegan2(pictures: Pictures, batch: int | None) -> dict[str, Any]:
    """StyleGAN2, configuration F (Karras et al. 2020, table 1 and appendix B)."""
    batch = batch or 32
    return {
        "family": "stylegan2",
        "generator": GeneratorConfig(**pictures.common()),
        "discriminator": DiscriminatorConfig(**pictures.common()),
        "kimg": 25000.0,
        "batch": batch,
        "optimiser_g": OptimiserConfig(lr=0.002),
        "optimiser_d": OptimiserConfig(lr=0.002),
        "regularisers": RegularisersConfig(r1_gamma=10.0, path_length=2.0, mixing=MIXING),
        "ema": EmaConfig(half_life_kimg=10.0),
    }


def _stylegan2_ada(pictures: Pictures, batch: int | None) -> dict[str, Any]:
    """StyleGAN2-ADA (Karras et al. 2020b), by resolution as its official code's "auto" chooses."""
    batch = batch or default_batch(pictures.resolution)
    wide = pictures.resolution >= 512
    lr = 0.002 if pictures.resolution >= 1024 else 0.0025
    shape = {
        **pictures.common(),
        "channel_base": 32768 if wide else 16384,
        "num_fp16_res": HALF_LAYERS,
        "conv_clamp": CLAMP,
    }
    return {
        "family": "stylegan2",
        "generator": GeneratorConfig(**shape, mapping_layers=2),
        "discriminator": DiscriminatorConfig(**shape, mbstd_group_size=min(batch, 4)),
        "kimg": 25000.0,
        "batch": batch,
        "optimiser_g": OptimiserConfig(lr=lr),
        "optimiser_d": OptimiserConfig(lr=lr),
        "regularisers": RegularisersConfig(r1_gamma=r1_weight(pictures, batch), path_length=2.0, mixing=MIXING),
        "ema": EmaConfig(half_life_kimg=batch * 10 / 32, rampup=0.05),
        "augment": AugmentConfig(),
        "strength": StrengthConfig(),
    }


def _stylegan3(pictures: Pictures, batch: int | None, rotates: bool) -> dict[str, Any]:
    batch = batch or 32
    radial: dict[str, Any] = (
        {"channel_base": 65536, "channel_max": 1024, "conv_kernel": 1, "use_radial_filters": True} if rotates else {}
    )
    # 0.9998 a picture of 32 (appendix F.1), whatever the batch.
    magnitude = 0.5 ** (batch / (20 * 1000))
    discriminator = DiscriminatorConfig(
        **pictures.common(), num_fp16_res=HALF_LAYERS, conv_clamp=CLAMP, mbstd_group_size=min(batch, 4)
    )
    return {
        "family": "stylegan3",
        "generator": StyleGAN3Config(**pictures.common(doubling=False), **radial, magnitude_ema_beta=magnitude),
        "discriminator": discriminator,
        "kimg": 25000.0,
        "batch": batch,
        "optimiser_g": OptimiserConfig(lr=0.0025),
        "optimiser_d": OptimiserConfig(lr=0.002),
        # Five times StyleGAN2-ADA's guess: 32.8 for 1024 px and batches of 32, as the paper's runs had it.
        "regularisers": RegularisersConfig(r1_gamma=5 * r1_weight(pictures, batch)),
        "ema": EmaConfig(half_life_kimg=batch * 10 / 32, rampup=0.05),
        "augment": AugmentConfig(),
        "strength": StrengthConfig(),
        "blur": BlurConfig(until_kimg=batch * 200 / 32) if rotates else None,
    }


def _stylegan3_t(pictures: Pictures, batch: int | None) -> dict[str, Any]:
    """StyleGAN3, translation equivariance (Karras et al. 2021, appendix G)."""
    return _stylegan3(pictures, batch, rotates=False)


def _stylegan3_r(pictures: Pictures, batch: int | None) -> dict[str, Any]:
    """StyleGAN3, rotation equivariance too: 1x1 kernels, radial filters, twice the channels, blur to begin with."""
    return _stylegan3(pictures, batch, rotates=True)


def _growing(
    pictures: Pictures,
    batch: int | None,
    first_px: int,
    batches: dict[int, int],
    finest: int,
    rates: dict[int, float],
) -> dict[str, Any]:
    """Batches and growth. Pictures of 4 px leave nothing to grow.

    Args:
        pictures: their size is the last level.
        batch: pictures a step at every level; None: as the table has it.
        first_px: the first level.
        batches: pictures a step by the px of a level.
        finest: those of larger levels.
        rates: learning rates by the px of a level; where they are another than the optimisers'.
    """
    px = pictures.resolution
    growth = GrowthConfig(
        first_px=min(first_px, px),
        batches={} if batch else {level: size for level, size in batches.items() if level < px},
        rates={level: rate for level, rate in rates.items() if level <= px},
    )
    return {"batch": batch or batches.get(px, finest), "growth": growth if px > 4 else None}


def _stylegan1(pictures: Pictures, batch: int | None) -> dict[str, Any]:
    """StyleGAN (Karras et al. 2019, appendix C): grows from 8 px, R1, no laziness.

    Batches are those of the official code for 8 GPUs; learning rates are its own for any number of them.
    """
    batches = {4: 512, 8: 256, 16: 128, 32: 64}
    rates = {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}
    return {
        "family": "stylegan1",
        "generator": stylegan1.GeneratorConfig(**pictures.common()),
        "discriminator": stylegan1.DiscriminatorConfig(**pictures.common()),
        "kimg": 25000.0,
        **_growing(pictures, batch, 8, batches, 32, rates),
        "optimiser_g": OptimiserConfig(lr=0.001),
        "optimiser_d": OptimiserConfig(lr=0.001),
        "regularisers": RegularisersConfig(r1_gamma=10.0, r1_interval=1, mixing=MIXING),
    }


def _progan(pictures: Pictures, batch: int | None) -> dict[str, Any]:
    """Progressive GAN (Karras et al. 2018, appendix A): grows from 4 px, WGAN-GP.

    Lengths, batches and learning rates are those of the official code's second preset for one GPU: the paper's batches
    of 14, 6 and 3 leave groups of the minibatch standard deviation.
    """
    batches = {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8}
    return {
        "family": "progan",
        "generator": progan.GeneratorConfig(**pictures.common()),
        "discriminator": progan.DiscriminatorConfig(**pictures.common()),
        "kimg": 12000.0,
        **_growing(pictures, batch, 4, batches, 4, {1024: 0.0015}),
        "loss": "wgan",
        "optimiser_g": OptimiserConfig(lr=0.001),
        "optimiser_d": OptimiserConfig(lr=0.001),
        "regularisers": RegularisersConfig(gradient_penalty=10.0),
    }


def _laptop(pictures: Pictures, batch: int | None) -> dict[str, Any]:
    """StyleGAN2-ADA that a processor trains in an hour or two: narrow networks, float32, no path lengths.

    Networks of 32 and 64 px have layers of one width, so that a run at 64 px can start from one at 32. The starter
    model is made so (assets/README.md).
    """
    batch = batch or 16
    shape = {**pictures.common(), "channel_base": max(16 * pictures.resolution, 1024), "channel_max": 64}
    made = _stylegan2_ada(pictures, batch)
    return made | {
        "generator": GeneratorConfig(**shape, z_dim=128, w_dim=128, mapping_layers=2),
        "discriminator": DiscriminatorConfig(**shape, mbstd_group_size=4),
        "kimg": 400.0,
        "ema": EmaConfig(half_life_kimg=4.0, rampup=0.05),
        "strength": StrengthConfig(kimg=100.0),
        "regularisers": RegularisersConfig(r1_gamma=r1_weight(pictures, batch) * 8, mixing=MIXING),
        "snapshot_kimg": 10.0,
        "metrics_kimg": 20.0,
        "metrics": MetricsSettings(metrics=("kid",), pictures=1000),
    }


def _smoke(pictures: Pictures, batch: int | None) -> dict[str, Any]:
    """A few steps with a tiny network: whether all works, in seconds."""
    batch = batch or 8
    shape = {**pictures.common(), "channel_base": 256, "channel_max": 16}
    made = _stylegan2_ada(pictures, batch)
    return made | {
        "generator": GeneratorConfig(**shape, z_dim=32, w_dim=32, mapping_layers=2),
        "discriminator": DiscriminatorConfig(**shape, mbstd_group_size=4),
        "kimg": 0.8,
        "ema": EmaConfig(half_life_kimg=0.5, rampup=0.05),
        "strength": StrengthConfig(kimg=20.0),
        "tick_kimg": 0.08,
        "snapshot_kimg": 0.4,
        "metrics_kimg": 0.4,
        "metrics": MetricsSettings(metrics=("kid",), pictures=256),
    }


PRESETS: dict[str, Preset] = {
    "stylegan2-ada": Preset("StyleGAN2 with adaptive augmentation: the first choice for little data", _stylegan2_ada),
    "stylegan2": Preset("StyleGAN2, configuration F: for tens of thousands of pictures", _stylegan2),
    "stylegan3-t": Preset("StyleGAN3 that can be moved", _stylegan3_t),
    "stylegan3-r": Preset("StyleGAN3 that can be moved and turned", _stylegan3_r),
    "stylegan1": Preset("StyleGAN, growing", _stylegan1),
    "progan": Preset("Progressive GAN, growing", _progan),
    "laptop": Preset("a narrow StyleGAN2-ADA for a processor: hours at 32 or 64 px", _laptop),
    "smoke": Preset("a tiny StyleGAN2-ADA at 32 px: a minute, to see that all works", _smoke),
}
RESOLUTIONS = {"smoke": 32}  # where a preset says it, larger pictures are reduced to it


def make(
    name: str,
    data: DataConfig,
    pictures: Pictures,
    *,
    start: StartConfig | None = None,
    kimg: float | None = None,
    batch: int | None = None,
    seed: int = 0,
) -> RunConfig:
    """A preset for some pictures.

    Args:
        name: of PRESETS.
        data: which pictures.
        pictures: what they are like, as the networks will see them.
        start: what to begin from.
        kimg: thousands of pictures; None: the preset's.
        batch: pictures a step; None: the preset's.
        seed: of all chance.

    Raises:
        StyleScopeError: there is no such preset, or no such network.
    """
    if name not in PRESETS:
        raise StyleScopeError(f"There is no preset '{name}'; choose one of {', '.join(PRESETS)}.")
    try:
        values = PRESETS[name].make(pictures, batch)
    except ValueError as error:
        why = first_wrong(error)[1] if isinstance(error, ValidationError) else str(error)
        raise StyleScopeError(
            f"Preset {name} makes no pictures of {pictures.width or pictures.height} x {pictures.height} px: {why}; "
            "prepare the pictures at another size."
        ) from error
    values = {"metrics_kimg": METRICS_KIMG} | values
    values |= {"preset": name, "data": data, "start": start or StartConfig(), "seed": seed}
    if kimg is not None:
        values["kimg"] = kimg
    return RunConfig(**values)
