"""Pictures that have come before: the same pixels, or much the same look."""

import hashlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

HASH_SIDE = 16
HASH_BITS = HASH_SIDE * HASH_SIDE


COLOUR_SIDE = 8
COLOUR_LEVELS = 10  # of 255


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What tells pictures apart.

    Attributes:
        digest: of the size and all pixels.
        hash: the difference hash, uint64 [HASH_BITS / 64].
        colours: mean colours of 8×8 cells, uint8 [192].
    """

    digest: bytes
    hash: np.ndarray
    colours: np.ndarray


def fingerprint(picture: Image.Image, kept: Image.Image) -> Fingerprint:
    """What a picture is recognised by.

    Args:
        picture: as it is; its pixels decide whether it is the same.
        kept: as it will be trained; its look decides whether it is much the same.
    """
    if kept.mode == "RGBA":
        kept = Image.alpha_composite(Image.new("RGBA", kept.size, "white"), kept)
    cells = kept.convert("RGB").resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)
    return Fingerprint(pixel_digest(picture), difference_hash(kept), np.asarray(cells).reshape(-1))


def pixel_digest(picture: Image.Image) -> bytes:
    """A digest of a picture's mode, size and pixels; how its file was packed does not matter."""
    return hashlib.sha256(f"{picture.mode} {picture.size}".encode() + picture.tobytes()).digest()


def difference_hash(picture: Image.Image) -> np.ndarray:
    """Krawetz's difference hash: the picture in 17×16 grey cells, one bit for each that is darker than the next.

    It survives resizing, packing and changes of brightness or contrast, but no turning and no flip.

    Returns:
        uint64 [4].
    """
    small = picture.convert("L").resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BOX)
    cells = np.asarray(small)
    return np.packbits(cells[:, :-1] < cells[:, 1:]).view(np.uint64)


class Seen:
    """The pictures that have come so far.

    Pictures that are aligned on one background have hashes so much alike that a repacked copy differs more than
    another person does; so much the same look also asks for mean colours within COLOUR_LEVELS.

    Args:
        exact: whether the same pixels count as seen.
        near_bits: see `PrepareSettings`. Each picture is compared with all before: seconds for 20000 of them.
    """

    def __init__(self, exact: bool, near_bits: int | None):
        self._exact, self._near_bits = exact, near_bits
        self._digests: dict[bytes, int] = {}
        self._hashes = np.zeros((1024, HASH_BITS // 64), np.uint64)
        self._colours = np.zeros((1024, 3 * COLOUR_SIDE**2), np.uint8)
        self._count = 0

    def find(self, picture: Fingerprint) -> tuple[int, int | None] | None:
        """Which earlier picture this one repeats, counted from 0 in the order of `add`.

        Returns:
            It, and in how many bits the hashes differ, None for the same pixels; or None if this one is new.
        """
        if self._exact and picture.digest in self._digests:
            return self._digests[picture.digest], None
        if self._near_bits is None:
            return None
        bits = np.bitwise_count(self._hashes[: self._count] ^ picture.hash).sum(axis=1, dtype=np.int64)
        alike = np.flatnonzero(bits <= self._near_bits)
        levels = np.abs(self._colours[alike].astype(np.int16) - picture.colours).max(axis=1, initial=0)
        alike = alike[levels <= COLOUR_LEVELS]
        if not len(alike):
            return None
        nearest = int(alike[bits[alike].argmin()])
        return nearest, int(bits[nearest])

    def add(self, picture: Fingerprint) -> None:
        """Remember a new picture."""
        if self._count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._colours = np.concatenate([self._colours, np.zeros_like(self._colours)])
        self._hashes[self._count], self._colours[self._count] = picture.hash, picture.colours
        self._digests.setdefault(picture.digest, self._count)
        self._count += 1
