"""RunConfig: everything that decides what a training run learns and how. The same one gives the same run, to the bit.

What is not in here does not: where the run lies, which device trains, how often a person looks.
"""

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from stylegan_core.errors import StyleScopeError, first_wrong
from stylegan_core.family import FAMILIES
from train.augment import AugmentConfig, StrengthConfig
from train.metrics.settings import MetricsSettings

VERSION = 1
MAX_SEED = 2**32 - 1
Count = Annotated[int, Field(ge=1, le=1 << 24)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Kimg = Annotated[float, Field(gt=0, le=1e9)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
LEVELS = tuple(str(4 << octaves) for octaves in range(9))  # what is grown through, px
BY_LEVEL = ("growth.batches", "growth.rates")  # fields whose own fields are levels


class Settings(BaseModel):
    """What every part has in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(Settings):
    """Which pictures are learned from."""

    path: str
    resolution: Annotated[int, Field(ge=4, le=4096)] | None = None  # px of the longer side; None: as they are
    mirror: bool = False  # add mirrored copies
    labels: bool = False  # learn their classes, too
    most: Count | None = None  # learn from so many only
    subset_seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0  # which ones


class StartConfig(Settings):
    """What the networks begin from."""

    model: str = ""  # a model file; "": from scratch
    frozen: Annotated[int, Field(ge=0, le=64)] = 0  # layers of the discriminator that do not learn (FreezeD)


class OptimiserConfig(Settings):
    """Adam (Kingma and Ba 2015)."""

    lr: Rate
    betas: tuple[Decay, Decay] = (0.0, 0.99)
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-8


class RegularisersConfig(Settings):
    """What is asked of the networks besides the loss. A weight of 0 asks for nothing."""

    r1_gamma: Weight = 0.0
    r1_interval: Count = 16  # steps of the optimiser from one to the next
    gradient_penalty: Weight = 0.0  # WGAN-GP's, at each step
    path_length: Weight = 0.0
    path_length_interval: Count = 4  # as in the official code (StyleGAN2's paper: 8)
    classes: Weight = 1.0  # of naming them, where D does (conditional Progressive GAN)
    mixing: Annotated[float, Field(ge=0, le=1)] = 0.0  # the probability of style mixing


class GrowthConfig(Settings):
    """Progressive growing (Progressive GAN, section 2 and appendix A; StyleGAN, appendix C).

    A level is named by the px of its pictures, 4 to 1024; of two that fade it is the finer one.
    """

    first_px: Annotated[int, Field(ge=4, le=1024)] = 8
    train_kimg: Annotated[float, Field(ge=0, le=1e6)] = 600.0
    fade_kimg: Annotated[float, Field(ge=0, le=1e6)] = 600.0
    batches: dict[int, Count] = {}  # pictures a step at a level; at others the run's batch
    rates: dict[int, Rate] = {}  # the learning rate of both networks at a level; at others each one's own

    @field_validator("batches", "rates", mode="before")
    @classmethod
    def _by_level(cls, values: Any) -> Any:
        for name in values if isinstance(values, dict) else ():
            if str(name) not in LEVELS:
                raise ValueError(f"a level is named by its px, a power of two from 4 to 1024, and {name} is none")
        return values

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        if not self.train_kimg + self.fade_kimg:
            raise ValueError("train_kimg and fade_kimg are both 0; one has to be more, or leave growth out")
        return self

    def lod_at(self, seen: int, first: int) -> float:
        """The level of detail after so many pictures: each is trained for a while, then fades into the next.

        Level n is the picture n octaves below the full size.

        Args:
            seen: pictures.
            first: the level that training begins with.
        """
        kimg, phase = seen / 1000, self.train_kimg + self.fade_kimg
        passed = math.floor(kimg / phase)
        rest = kimg - passed * phase
        faded = max(rest - self.train_kimg, 0.0) / self.fade_kimg if self.fade_kimg else 0.0
        return max(first - passed - faded, 0.0)


class BlurConfig(Settings):
    """Blur of what the discriminator sees to begin with (Alias-Free GAN, section 3.2)."""

    start_px: Annotated[float, Field(gt=0, le=100)] = 10.0  # standard deviation
    until_kimg: Kimg = 200.0


class EmaConfig(Settings):
    """The moving average of the generator."""

    half_life_kimg: Kimg = 10.0
    rampup: Annotated[float, Field(gt=0, le=1)] | None = None  # see `ema.ema_decay`


class RunConfig(Settings):
    """A run. Its JSON form is the run folder's run.json, and what `train --dry-run` prints."""

    version: Literal[1] = 1
    preset: str  # the name that it began from
    family: Literal["progan", "stylegan1", "stylegan2", "stylegan3"]
    generator: Any  # its family's configuration
    discriminator: Any
    data: DataConfig
    start: StartConfig = StartConfig()
    kimg: Kimg  # thousands of real pictures that the discriminator is shown in all
    batch: Count  # pictures a step, over all processes; see growth.batches
    piece: Count | None = None  # pictures that a process takes at a time; None: its whole share of the batch
    loss: Literal["logistic", "wgan"] = "logistic"
    optimiser_g: OptimiserConfig
    optimiser_d: OptimiserConfig
    regularisers: RegularisersConfig = RegularisersConfig()
    ema: EmaConfig = EmaConfig()
    augment: AugmentConfig | None = None
    strength: StrengthConfig = StrengthConfig()
    growth: GrowthConfig | None = None
    blur: BlurConfig | None = None
    precision: Literal["32", "16", "bf16"] = "32"  # of the layers that are made for less than 32 bits
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    tick_kimg: Kimg = 1.0  # a line of numbers each
    snapshot_kimg: Kimg = 20.0  # a model and previews each
    metrics_kimg: Annotated[float, Field(ge=0, le=1e9)] = 0.0  # how often it is measured; 0: not while training
    metrics: MetricsSettings = MetricsSettings(metrics=("fid", "kid"), pictures=2000, real=5000)
    metrics_features: Literal["small", "inception"] = "small"  # in whose eyes

    @model_validator(mode="before")
    @classmethod
    def _networks_of_the_family(cls, values: Any) -> Any:
        """Networks from JSON: which class they are of is said by the family."""
        if not isinstance(values, dict):
            return values
        if isinstance(version := values.get("version"), int) and version > VERSION:
            raise ValueError(f"it is of a newer version ({version}) than this program knows ({VERSION}); update it")
        family = FAMILIES.get(str(values.get("family")))
        if family is None:
            return values
        classes = {"generator": family.generator_config, "discriminator": family.discriminator_config}
        return values | {name: _network(name, kind, values[name]) for name, kind in classes.items() if name in values}

    @field_validator("precision", mode="before")
    @classmethod
    def _bits_as_text(cls, value: Any) -> Any:
        """`--set precision=16` needs no quotes."""
        return str(value) if isinstance(value, int) else value

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        grows = getattr(self.generator, "max_lod", 0) > 0
        if self.growth is not None and not grows:
            raise ValueError(f"growth is for networks that grow, and {self.preset}'s do not; leave it out")
        for px, batch in self.batches.items():
            if self.piece is not None and batch % self.piece:
                level = f" of level {px}" if len(self.batches) > 1 else ""
                raise ValueError(f"piece {self.piece} does not divide batch {batch}{level}")
        return self

    @property
    def total(self) -> int:
        """Real pictures in all, 1 or more; the last step may go beyond."""
        return max(round(self.kimg * 1000), 1)

    @property
    def first_lod(self) -> int:
        """The level of detail that the run begins at."""
        if self.growth is None:
            return 0
        octaves: int = (self.generator.img_resolution // self.growth.first_px).bit_length() - 1
        return max(min(octaves, self.generator.max_lod), 0)

    @property
    def batches(self) -> dict[int, int]:
        """Pictures a step by the px of a level, for all that the run comes to, coarse to fine."""
        levels = (self._px(lod) for lod in range(self.first_lod, -1, -1))
        named = {} if self.growth is None else self.growth.batches
        return {px: named.get(px, self.batch) for px in levels}

    # What a step that begins after `seen` pictures, over all processes, is like. Nothing else decides it, so that
    # whoever reads pictures ahead, goes on with a run or takes a part of its steps knows it alike.

    def lod_at(self, seen: int) -> float:
        """The level of detail."""
        return 0.0 if self.growth is None else self.growth.lod_at(seen, self.first_lod)

    def px_at(self, seen: int) -> int:
        """The finest level that takes part, by its px (Progressive GAN's official code goes by the same)."""
        return self._px(math.floor(self.lod_at(seen)))

    def batch_at(self, seen: int) -> int:
        """Pictures, over all processes."""
        return self.batches[self.px_at(seen)]

    def rates_at(self, seen: int) -> tuple[float, float]:
        """Learning rates of G and D, before `Lazy` corrects them."""
        named = {} if self.growth is None else self.growth.rates
        px = self.px_at(seen)
        return named.get(px, self.optimiser_g.lr), named.get(px, self.optimiser_d.lr)

    def _px(self, lod: int) -> int:
        size: int = self.generator.img_resolution
        return size >> lod


def _network(name: str, kind: type[BaseModel], values: Any) -> BaseModel:
    """A network's configuration."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        field, reason = first_wrong(error)
        raise ValueError(f"{name}{'.' * bool(field)}{field}: {reason}") from error


def read_config(path: Path) -> RunConfig:
    """A run's configuration from its file.

    Raises:
        StyleScopeError: it cannot be read; names the file and the field.
    """
    try:
        return RunConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StyleScopeError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValidationError as error:
        field, reason = first_wrong(error)
        raise StyleScopeError(f"{path}: {field or 'the run'}: {reason}.") from error


def with_changes(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """A configuration with other values at some fields.

    Args:
        config: to begin with.
        changes: by path, such as {"regularisers.r1_gamma": 2.0} or {"growth.batches.8": 64}; values as in JSON.

    Raises:
        StyleScopeError: there is no such field, or it does not take the value.
    """
    values = config.model_dump(mode="json")
    for name, value in changes.items():
        *parents, last = name.split(".")
        place = values
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None  # type: ignore[assignment]
        if not isinstance(place, dict) or (last not in place and ".".join(parents) not in BY_LEVEL):
            raise StyleScopeError(f"{name} is no field of a run; `train --dry-run` prints all there are.")
        place[last] = value
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        field, reason = first_wrong(error)
        raise StyleScopeError(f"{field or 'The run'}: {reason}.") from error
