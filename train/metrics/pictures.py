"""The pictures that are compared: those of the data and those that a model makes, alike in size and colours."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.errors import StyleScopeError
from stylegan_core.model import Model
from stylegan_core.network import Inputs
from stylegan_core.noise import NoiseMap, trained_map
from stylegan_core.ops import Poll, no_poll
from train.data.dataset import TrainingImages
from train.data.order import chosen

log = logging.getLogger(__name__)
GREY = 127.5  # behind what is transparent


class UnfitError(StyleScopeError):
    """A model and data do not go together, or data lack what a metric needs; the message says what."""


def rgb(pictures: Tensor) -> Tensor:
    """Pictures [N, 1, 3 or 4, H, W] in [0, 255] with three channels: grey three times, transparent on mid-grey."""
    channels = pictures.shape[1]
    if channels == 4:
        colours, alpha = pictures[:, :3], pictures[:, 3:] / 255
        return torch.lerp(torch.full_like(colours, GREY), colours, alpha.clamp(0, 1).expand_as(colours))
    return pictures if channels == 3 else pictures[:, :1].expand(-1, 3, -1, -1)


def compared(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """What networks are shown of pictures [N, C, H, W] in [0, 255]: uint8 [N, 3, height, width] of a smaller size."""
    shown = rgb(pictures.float())
    if shown.shape[2:] != size:
        shown = F.interpolate(shown, size, mode="area")
    return (shown + 0.5).clamp(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class RealPictures:
    """Those of the data that are compared with, without mirrored copies (as StyleGAN2-ADA's metrics).

    Args:
        images: the data.
        most: no more than this many.
        seed: which ones, if there are more.
    """

    images: TrainingImages
    most: int
    seed: int

    def numbers(self) -> np.ndarray:
        """The pictures' numbers in `images`."""
        count = len(self.images.members)
        return np.arange(count) if count <= self.most else np.sort(chosen(count, self.most, self.seed))

    def members(self) -> list[int]:
        """The pictures' numbers in the data's source."""
        return [int(member) for member in self.images.members[self.numbers()]]

    def batches(self, size: tuple[int, int], batch: int) -> Iterator[Tensor]:
        """All of them as uint8 [N, 3, height, width].

        Raises:
            DataError: they cannot be read; for single ones that cannot others stand in.
        """
        numbers = [int(number) for number in self.numbers()]
        for start in range(0, len(numbers), batch):
            found = self.images.batch(numbers[start : start + batch])
            for sentence in found.unusable:
                log.warning("%s", sentence)
            yield compared(found.pixels, size)


@dataclass(frozen=True)
class GeneratedPictures:
    """A model's pictures of latents that follow from a seed: the first n are the same however many are made.

    Conditional models are given labels of pictures of the data, drawn at random.

    Args:
        model: the generator.
        images: the data, for labels.
        seed: of latents, labels and noise maps.
        psi: truncation; 1 for none.
        poll: called between pieces of work; raises Cancelled when nobody waits.

    Raises:
        UnfitError: the model was made for other labels.
    """

    model: Model
    images: TrainingImages
    seed: int
    psi: float = 1.0
    poll: Poll = no_poll

    def __post_init__(self) -> None:
        wanted, there = self.model.card.c_dim, self.images.label_width
        if wanted and wanted != there:
            raise UnfitError(
                f"{self.model.card.name} is conditional on {wanted} numbers and the labels of "
                f"{self.images.source.path} have {there}; measure it on the data that it learned from."
            )

    def labels(self, count: int) -> Tensor | None:
        """Labels [count, c_dim] of the first pictures; None for unconditional models."""
        if not self.model.card.c_dim:
            return None
        drawn = np.random.RandomState((self.seed, 1)).randint(len(self.images.members), size=count)
        members = self.images.members[drawn]
        return torch.from_numpy(np.stack([self.images.source.label(int(member)) for member in members]))

    def latents(self, count: int, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The first latents in batches: z [N, z_dim] in main memory, and its style vectors, ws [N, num_ws, w_dim]."""
        state, labels = np.random.RandomState(self.seed), self.labels(count)
        for start in range(0, count, batch):
            self.poll()
            end = min(start + batch, count)
            z = torch.from_numpy(state.randn(end - start, self.model.card.z_dim)).float()
            yield z, self.model.map(z, None if labels is None else labels[start:end], self.psi)

    @torch.inference_mode()
    def synthesize(self, ws: Tensor, first: int | None = None) -> Tensor:
        """Pictures float32 [N, C, H, W], nominal range [0, 255], not clipped, on the model's device.

        Args:
            ws: [N, num_ws, w_dim].
            first: number of the first, which noise maps follow from; None: the stored maps.
        """
        maps = trained_map if first is None else self._noise(first, len(ws))
        inputs = Inputs(noise=maps, poll=self.poll)
        *_, last = self.model.network.steps(ws.to(self.model.device, torch.float32), inputs)
        assert last.img is not None  # the last step has a picture in every network
        return last.img * 127.5 + 127.5

    def batches(self, count: int, batch: int) -> Iterator[Tensor]:
        """The first pictures, as `synthesize` gives them, with noise maps of their own each, as in training."""
        done = 0
        for _, ws in self.latents(count, batch):
            yield self.synthesize(ws, done)
            done += len(ws)

    def size(self) -> tuple[int, int]:
        """Height and width of a picture."""
        _, ws = next(self.latents(1, 1))
        height, width = self.synthesize(ws).shape[2:]
        return height, width

    def _noise(self, first: int, count: int) -> NoiseMap:
        def layer_map(layer: int, const: Tensor) -> Tensor:
            maps = [_normal((self.seed, 2, first + i, layer), const.shape) for i in range(count)]
            return torch.stack(maps)[:, None].to(const)

        return layer_map


def _normal(key: tuple[int, ...], shape: torch.Size) -> Tensor:
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
    return torch.from_numpy(generator.standard_normal(shape, dtype=np.float32))


def common_size(images: TrainingImages, generated: GeneratedPictures) -> tuple[int, int]:
    """The height and width that both are compared at: where they differ, the smaller's."""
    (_, height, width), (high, wide) = images.shape, generated.size()
    return min(height, high), min(width, wide)
