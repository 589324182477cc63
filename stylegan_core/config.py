"""Configurations of StyleGAN2's two networks: the constructor arguments of the official PyTorch code, resolved.

The names are the official ones (stylegan2-ada-pytorch and stylegan3's networks_stylegan2), flattened. Where the two
repositories differ in a default there is none here: whoever reads a file says what it holds.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_RESOLUTION = 4096  # px; no published model of the family goes beyond 2048

SQUARE = (4, 4)  # the base of square pictures, and of every published model
LARGEST_BASE = 32  # px

Width = Annotated[int, Field(ge=1, le=16384)]
BaseSide = Annotated[int, Field(ge=2, le=LARGEST_BASE)]
Architecture = Literal["orig", "skip", "resnet"]  # StyleGAN2, figure 7


class PictureConfig(BaseModel):
    """The size of a network's pictures.

    Whatever their shape, networks are described as if pictures were square: a block called 64 comes 4 doublings after
    the one called 4, and its widths follow from that number. `base_size` says what is really there in the place of
    4x4 px: with (6, 4) and img_resolution 64, features of 6x4 px are doubled 4 times into pictures 96 px high and 64 px
    wide.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    img_resolution: Annotated[int, Field(ge=4, le=MAX_RESOLUTION)]
    # Height and width. Files of square pictures do not say it, so that older versions read them.
    base_size: Annotated[tuple[BaseSide, BaseSide], Field(exclude_if=lambda size: size == SQUARE)] = SQUARE

    @model_validator(mode="after")
    def _size_is_possible(self) -> Self:
        if any(self.img_resolution * side % 4 for side in self.base_size):
            raise ValueError(f"base_size {self.base_size} is no whole number of px at {self.img_resolution}")
        if max(self.img_size) > MAX_RESOLUTION:
            raise ValueError(f"base_size {self.base_size} makes pictures of more than {MAX_RESOLUTION} px")
        return self

    def size_at(self, resolution: int) -> tuple[int, int]:
        """Height and width in px of what is called by a resolution."""
        return size_at(resolution, self.base_size)

    @property
    def img_size(self) -> tuple[int, int]:
        """Height and width of pictures, in px."""
        return self.size_at(self.img_resolution)


def has_alpha(channels: int) -> bool:
    """Whether the last channel of pictures is alpha: of grey and alpha, and of RGB and alpha.

    Alpha is straight: colours are not multiplied by it. Networks give it in [-1, 1], transparent to opaque.
    """
    return channels in (2, 4)


def size_at(resolution: int, base_size: tuple[int, int]) -> tuple[int, int]:
    """Height and width in px of what is called by a resolution, where `base_size` is in the place of 4x4."""
    return resolution * base_size[0] // 4, resolution * base_size[1] // 4


def sizes_for(height: int, width: int) -> tuple[int, tuple[int, int]]:
    """The (img_resolution, base_size) of networks for pictures of a size: as many doublings as it allows.

    Raises:
        ValueError: no number of doublings makes it, of a base that is small enough.
    """
    if height == width and not height & (height - 1):
        return height, SQUARE
    scale = 1
    while height % (2 * scale) == width % (2 * scale) == 0 and min(height, width) >= 8 * scale:
        scale *= 2
    base = height // scale, width // scale
    if min(base) < 2 or max(base) > LARGEST_BASE or 4 * scale > MAX_RESOLUTION:
        raise ValueError(
            f"pictures of {width} x {height} px do not come from at most {LARGEST_BASE} px by doubling; "
            "choose sides that are multiples of a larger power of two."
        )
    return 4 * scale, base


class NetworkConfig(PictureConfig):
    """What generator and discriminator have in common."""

    img_channels: Annotated[int, Field(ge=1, le=16)] = 3
    c_dim: Annotated[int, Field(ge=0, le=65536)] = 0
    channel_base: Annotated[int, Field(ge=1, le=1 << 20)] = 32768
    channel_max: Width = 512
    architecture: Architecture | Literal["progressive"] = "skip"  # progressive: a picture at each resolution, faded
    resample_filter: tuple[float, ...] = (1.0, 3.0, 3.0, 1.0)
    conv_clamp: float | None = None
    num_fp16_res: Annotated[int, Field(ge=0, le=16)] = 0
    fp16_channels_last: bool = False
    mapping_layers: Annotated[int, Field(ge=0, le=64)] = 8
    mapping_lr_multiplier: float = 0.01
    activation: Literal["lrelu", "linear"] = "lrelu"

    @model_validator(mode="after")
    def _power_of_two(self) -> Self:
        if self.img_resolution & (self.img_resolution - 1):
            raise ValueError(f"img_resolution {self.img_resolution} is not a power of two")
        return self

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """4, 8, ... img_resolution."""
        return tuple(2**i for i in range(2, self.img_resolution.bit_length()))

    def channels(self, resolution: int) -> int:
        """Feature maps at a resolution: min(channel_base / resolution, channel_max)."""
        return min(self.channel_base // resolution, self.channel_max)

    def is_half(self, resolution: int) -> bool:
        """Whether the official code runs this resolution in half precision on a GPU."""
        return resolution >= max(2 ** (self.img_resolution.bit_length() - self.num_fp16_res), 8)


class GeneratorConfig(NetworkConfig):
    """StyleGAN2's generator: mapping and synthesis."""

    z_dim: Width = 512
    w_dim: Width = 512
    mapping_layer_features: Width | None = None  # None: w_dim
    mapping_embed_features: Width | None = None  # None: w_dim
    mapping_normalize: Literal["apart", "together"] = "apart"  # z and the embedded class (together in TensorFlow)
    use_noise: bool = True
    lod: Annotated[float, Field(ge=0, le=16, allow_inf_nan=False)] = 0.0  # reached in training; finer is untrained

    @model_validator(mode="after")
    def _has_the_level(self) -> Self:
        if self.lod > self.max_lod:
            raise ValueError(f"lod {self.lod} is beyond the coarsest level, {self.max_lod}")
        return self

    @property
    def max_lod(self) -> int:
        """The coarsest level of detail."""
        return len(self.block_resolutions) - 1 if self.architecture == "progressive" else 0

    @property
    def moved_px(self) -> int:
        """The block whose features a transform moves: coarse enough to carry the layout, fine enough to be placed."""
        return max(min(16, self.img_resolution // 2), 4)


class DiscriminatorConfig(NetworkConfig):
    """StyleGAN2's discriminator."""

    architecture: Architecture = "resnet"
    label_head: Literal["projection", "select"] = "projection"  # select: one output a class, weighted by c
    cmap_dim: Annotated[int, Field(ge=0, le=16384)] | None = (
        None  # None: the last block's channels, or 0 without classes
    )
    mbstd_group_size: Annotated[int, Field(ge=1)] | None = 4  # None: the whole batch
    mbstd_num_channels: Annotated[int, Field(ge=0, le=512)] = 1
    mapping_layer_features: Width | None = None
    mapping_embed_features: Width | None = None
