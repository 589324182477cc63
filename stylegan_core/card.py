"""ModelCard: what a model is and what it can do, as plain data that panels, files and commands read."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from stylegan_core.config import SQUARE, has_alpha, size_at

Band = Literal["coarse", "middle", "fine"]
BANDS: tuple[Band, ...] = ("coarse", "middle", "fine")


def band(resolution: int) -> Band:
    """The part of the picture that a resolution shapes (StyleGAN, section 3.1: 4²-8², 16²-32², 64² and up)."""
    if resolution <= 8:
        return "coarse"
    return "middle" if resolution <= 32 else "fine"


class LayerInfo(BaseModel):
    """One layer of a synthesis network that takes a style vector."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str  # official name, as in "b64.conv1"
    kind: Literal["input", "conv", "torgb"]
    step: int  # the step of synthesis that it is part of
    resolution: int  # output size in px, without margins, as square pictures have it; see ModelCard.size_at
    channels: int  # output channels
    ws_index: int  # which of the num_ws style vectors feeds it
    style_channels: int = 0  # of the vector that it makes of that one, s = A(w); 0: it makes none
    has_noise: bool = False


class ModelCard(BaseModel):
    """Everything about a model that can be known without running it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str  # a name in family.FAMILIES
    variant: str = ""  # within the family, as people call it: "T", "R", "config F"
    name: str  # the file's name without suffix
    digest: str  # sha256 of the file, hexadecimal
    resolution: int  # width and height of a picture in px, where it is square; else see width and height
    base_size: tuple[int, int] = SQUARE  # height and width in px of what is called 4, see `config.PictureConfig`
    img_channels: int
    z_dim: int
    c_dim: int  # 0: unconditional
    w_dim: int
    num_ws: int
    layers: tuple[LayerInfo, ...]
    has_noise: bool
    has_transform: bool = False  # the input can be moved, turned and scaled (StyleGAN3): exact
    moved_px: int = 0  # resolution of the features that are moved where the input cannot be: approximate; 0: none
    has_truncation: bool = True  # there is a mean w to truncate towards
    max_lod: int = 0  # levels of detail below the full size (progressive networks)
    has_preview: bool = False  # there are smaller pictures that cost less: of coarser blocks, or of preview_px
    preview_px: int = 0  # size of the one that a pass at lower sampling rates gives (StyleGAN3)
    has_half: bool = False  # some layers are meant to run in half precision on a GPU
    parameters: int = 0
    description: dict[str, str] = {}  # free words from the file: dataset, kimg, licence

    @property
    def height(self) -> int:
        """Of a picture, in px."""
        return self.size_at(self.resolution)[0]

    @property
    def width(self) -> int:
        """Of a picture, in px."""
        return self.size_at(self.resolution)[1]

    @property
    def shorter(self) -> int:
        """The shorter side of a picture, in px."""
        return min(self.height, self.width)

    def size_at(self, resolution: int) -> tuple[int, int]:
        """Height and width in px of a block, a layer or a preview that is called by a resolution."""
        return size_at(resolution, self.base_size)

    def size_words(self, resolution: int | None = None) -> str:
        """The size of a picture, or of what is called by a resolution, in words: "64²", or "64×96" (width first)."""
        height, width = self.size_at(self.resolution if resolution is None else resolution)
        return f"{width}²" if height == width else f"{width}×{height}"

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha; see `config.has_alpha`."""
        return has_alpha(self.img_channels)

    @property
    def noise_layers(self) -> tuple[LayerInfo, ...]:
        """The layers that take a noise map, in order of synthesis."""
        return tuple(layer for layer in self.layers if layer.has_noise)

    @property
    def can_move(self) -> bool:
        """Whether a Scene's transform does anything: exactly (`has_transform`) or nearly (`moved_px`)."""
        return self.has_transform or self.moved_px > 0

    def slot_resolution(self, index: int) -> int:
        """Resolution in px of the first layer that style vector `index` (0 to num_ws - 1) feeds."""
        return next(layer.resolution for layer in self.layers if layer.ws_index == index)

    def slot_words(self, index: int) -> str:
        """Size of the first layer that style vector `index` feeds, in words; see `size_words`."""
        return self.size_words(self.slot_resolution(index))

    def slot_band(self, index: int) -> Band:
        """Whether style vector `index` shapes coarse, middle or fine features."""
        return band(self.slot_resolution(index))
