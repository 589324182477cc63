"""ImageSource: what a zip, a folder and a video have in common for whoever reads pictures from them."""

import hashlib
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from PIL import Image

from stylegan_core.watch import Watch
from train.data.decoding import CHANNELS, as_array, decode
from train.data.errors import DataError, UnusablePicture
from train.data.labels import Labels

MOST_UNUSABLE = 64  # pictures in a row; where there are more, something else is wrong
LABELS_FILE, REPORT_FILE = LISTINGS = ("dataset.json", "report.json")  # beside the pictures
Decode = Callable[[], Image.Image]  # nothing but work, which any thread can do
T = TypeVar("T")


class ImageSource(ABC):
    """Numbered pictures with labels.

    A source can be pickled: the copy opens its files anew, so every worker process reads through a handle of its own.

    Attributes:
        path: where the pictures are.
        labels: of the pictures.
        others: what else is there and is not read, by what it is called: how many.
    """

    def __init__(self, path: Path, labels: Labels):
        self.path, self.labels = path, labels
        self.others: Mapping[str, int] = {}

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """What a picture is called inside the source."""

    @abstractmethod
    def fetch(self, index: int) -> Decode:
        """Read a picture now and decode it later, on any thread; pictures may differ in size and channels.

        Returns:
            What decodes it: a picture of mode L, RGB or RGBA. It raises DataError where the picture is broken.

        Raises:
            DataError: it cannot be read.
        """

    @abstractmethod
    def digest(self, watch: Watch = Watch()) -> str:  # noqa: B008 - frozen
        """Hexadecimal sha256 over what the source holds, labels included, wherever it lies.

        Raises:
            DataError: it cannot be read.
            Cancelled: the watch says that nobody waits.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what is open; the next reading opens it again."""

    def where(self, index: int) -> str:
        """A picture's name for messages."""
        return f"{self.name(index)!r} in {self.path}"

    @property
    def label_width(self) -> int:
        """Numbers in a label; 0 without labels."""
        return self.labels.width

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """The first picture's [C, H, W], which all others have to share; the first that can be read.

        Raises:
            DataError: there is none at the beginning.
        """
        first, _ = first_usable(range(len(self)), lambda index: self.fetch(index)())
        return CHANNELS[first.mode], first.height, first.width

    def image(self, index: int) -> np.ndarray:
        """A picture as uint8 [C, H, W] of the source's shape.

        Raises:
            DataError: it cannot be read, or is of another shape.
        """
        channels, height, width = self.shape
        picture, where = self.fetch(index)(), self.where(index)
        if picture.size != (width, height):
            raise DataError(
                f"{where} has {picture.width}×{picture.height} pixels and the first picture {width}×{height}; "
                "prepare the data first, with one size."
            )
        mode = next(mode for mode, count in CHANNELS.items() if count == channels)
        return as_array(picture, mode, where)

    def label(self, index: int) -> np.ndarray:
        """A picture's label as float32 [label_width]; a class as 1 in its place."""
        return self.labels.vector(index)

    def check(self, labelled: bool = True) -> None:
        """Be sure that there is something to learn from.

        Args:
            labelled: whether labels are learned too.

        Raises:
            DataError: there are no pictures, the first cannot be read, or some have labels and others none.
        """
        if not len(self):
            raise DataError(f"{self.path} holds no pictures; give a folder, a zip or a video that does.")
        _ = self.shape
        missing = self.labels.missing() if labelled else None
        if missing is not None:
            raise DataError(f"{self.where(missing)} has no label and others have one; give it one, or learn without.")


def first_usable(indices: Iterable[int], read: Callable[[int], T]) -> tuple[T, list[UnusablePicture]]:
    """What is read of the first of some pictures that can be used, and the errors of those before it.

    Raises:
        DataError: none of the first MOST_UNUSABLE can be used, or something is wrong with more than one picture.
    """
    errors: list[UnusablePicture] = []
    for index in islice(indices, MOST_UNUSABLE):
        try:
            return read(index), errors
        except UnusablePicture as error:
            errors.append(error)
    raise errors[0]


def by_ending(names: Iterable[str]) -> Counter[str]:
    """How many files there are of each ending, those of a data set's own listings left out."""
    files = [PurePosixPath(name) for name in names]
    return Counter(file.suffix.lower() or "without an ending" for file in files if file.name not in LISTINGS)


class PictureFiles(ImageSource):
    """Pictures that are a file each; subclasses say where from."""

    def __init__(self, path: Path, names: Sequence[str], labels: Labels):
        super().__init__(path, labels)
        self.names = names

    @abstractmethod
    def read(self, index: int) -> bytes:
        """A picture's file.

        Raises:
            DataError: it cannot be read, or is larger than any picture.
        """

    def checksum(self, index: int) -> tuple[int, int]:
        """Size in bytes and CRC-32 of a picture's file, as zips note them.

        Raises:
            DataError: it cannot be read.
        """
        data = self.read(index)
        return len(data), zlib.crc32(data)

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """See `ImageSource.name`."""
        return self.names[index]

    def fetch(self, index: int) -> Decode:
        """See `ImageSource.fetch`."""
        data, where = self.read(index), self.where(index)
        return lambda: decode(data, where)

    def digest(self, watch: Watch = Watch()) -> str:  # noqa: B008 - frozen
        """See `ImageSource.digest`. A folder and the zip of it have the same."""
        sha = hashlib.sha256(repr(self.labels.names).encode())
        for index, name in enumerate(self.names):
            watch.advance(index / len(self))
            line = (name, *self.checksum(index), self.labels.value(index))
            sha.update(repr(line).encode("utf-8", "backslashreplace"))
        return sha.hexdigest()
