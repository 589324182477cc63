"""TrainingImages: the pictures that a run learns from, as a PyTorch Dataset."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from train.data.errors import DataError
from train.data.images import ImageSource, first_usable
from train.data.order import chosen


class Batch(NamedTuple):
    """Pictures and labels on their way into a step.

    Attributes:
        pixels: uint8 [N, C, H, W]; in pinned memory where a loader and CUDA are at work.
        labels: float32 [N, L].
        unusable: a sentence about each picture that another one stands in for.
    """

    pixels: torch.Tensor
    labels: torch.Tensor
    unusable: tuple[str, ...] = ()


class TrainingImages(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Pictures uint8 [C, H, W] with labels float32 [L]; L is 0 without labels.

    Mirrored copies double the set, as StyleGAN2-ADA does it (x-flips, section 2 of the paper): picture i + n is
    picture i of n, flipped from left to right.

    Args:
        source: where the pictures are.
        mirror: add mirrored copies.
        most: learn from this many, chosen by `subset_seed`; None for all. A larger subset contains a smaller one.
        subset_seed: which ones, 0 or more.
        labelled: False leaves the labels out.
        shrink: reduce pictures to the mean of each square of so many pixels.
        keep_bytes: pictures that take up less altogether stay in memory once they were read.

    Raises:
        DataError: the source cannot be learned from, or does not hold that many pictures.
    """

    def __init__(
        self,
        source: ImageSource,
        *,
        mirror: bool = False,
        most: int | None = None,
        subset_seed: int = 0,
        labelled: bool = True,
        shrink: int = 1,
        keep_bytes: int = 0,
    ):
        self.source, self.mirror, self.labelled, self.shrink = source, mirror, labelled, shrink
        source.check(labelled)
        if most is not None and not 0 < most <= len(source):
            raise DataError(f"{source.path} holds {len(source)} pictures, not {most}; choose from 1 to {len(source)}.")
        self.members = np.arange(len(source)) if most is None else chosen(len(source), most, subset_seed)
        _, height, width = source.shape
        if height % shrink or width % shrink:
            raise DataError(f"The pictures in {source.path} are {width}×{height} px, which {shrink} does not divide.")
        self.is_kept = len(self.members) * math.prod(self.shape) <= keep_bytes
        self._kept: dict[int, np.ndarray] = {}

    @property
    def shape(self) -> tuple[int, int, int]:
        """[C, H, W] of every picture."""
        channels, height, width = self.source.shape
        return channels, height // self.shrink, width // self.shrink

    @property
    def label_width(self) -> int:
        """Numbers in a label; 0 without labels."""
        return self.source.label_width if self.labelled else 0

    def __len__(self) -> int:
        return len(self.members) * (2 if self.mirror else 1)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A picture and its label.

        Raises:
            DataError: the picture cannot be read.
            IndexError: there is none of this number.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        flip, place = divmod(index, len(self.members))
        member = int(self.members[place])
        pixels = self._pixels(member)
        label = self.source.label(member) if self.labelled else np.zeros(0, np.float32)
        return torch.from_numpy(np.ascontiguousarray(pixels[:, :, ::-1]) if flip else pixels), torch.from_numpy(label)

    def _pixels(self, member: int) -> np.ndarray:
        if (kept := self._kept.get(member)) is not None:
            return kept
        pixels = self.source.image(member)
        if self.shrink > 1:
            channels, height, width = self.shape
            squares = pixels.reshape(channels, height, self.shrink, width, self.shrink)
            pixels = np.rint(squares.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
        if self.is_kept:
            self._kept[member] = pixels
        return pixels

    def label_table(self) -> np.ndarray:
        """The labels of all pictures, without mirrored copies: float32 [n, L]."""
        return np.stack([self.source.label(int(member)) for member in self.members])

    def batch(self, indices: Sequence[int]) -> Batch:
        """Several. For a picture that cannot be used the next one stands in, always the same, with its own label.

        Raises:
            DataError: nor can those after it, or something is wrong with more than one picture.
            IndexError: as for one.
        """
        found = [first_usable(self._from(index), self.__getitem__) for index in indices]
        pixels, labels = zip(*(pair for pair, _ in found), strict=True)
        unusable = tuple(str(error) for _, errors in found for error in errors)
        return Batch(torch.stack(pixels), torch.stack(labels), unusable)

    def _from(self, index: int) -> Iterator[int]:
        """A picture and all that follow it, round in a circle; mirrored ones after a mirrored one."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        count = len(self.members)
        flip, place = divmod(index, count)
        return (flip * count + (place + step) % count for step in range(count))
