"""What all outputs of an export are: frames come in one after another, and what is written stays."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from stylegan_core.export.metadata import EXPORT_KEY, LIMIT, WALK_KEY, walk_text
from stylegan_core.export.settings import ExportError, ExportSettings
from stylegan_core.files import try_folder
from stylegan_core.scene import Scene
from stylegan_core.walk import Walk

Tell = Callable[[float], None]  # given how much of a piece of work is done, 0 to 1; may raise to stop it
Shape = tuple[int, int, int]  # height, width and channels of frames


@dataclass(frozen=True)
class Order:
    """What is exported, how, and where to."""

    walk: Walk
    settings: ExportSettings
    path: Path
    times_s: tuple[float, ...]  # of the frames, in the walk's time
    overwrite: bool = False

    @cached_property
    def text(self) -> str:
        """The walk as metadata holds it."""
        return walk_text(self.walk)

    @cached_property
    def fingerprint(self) -> str:
        """What tells this export from all others: the walk and the settings, not where it goes."""
        return hashlib.sha256((self.text + self.settings.model_dump_json()).encode()).hexdigest()[:32]

    @property
    def needs_sidecar(self) -> bool:
        """Whether the walk has to lie beside the file: the format has no place for it, or it is too long."""
        return self.settings.format in ("gif", "webp") or len(self.text) > LIMIT

    @property
    def tags(self) -> dict[str, str]:
        """What a file says of itself: which export it is, and the walk, unless that is too long."""
        return {EXPORT_KEY: self.fingerprint} | ({WALK_KEY: self.text} if len(self.text) <= LIMIT else {})


class Output(Protocol):
    """Where frames go. Used by one thread at a time."""

    shape: Shape | None  # of all frames; None: not known before the first one

    @property
    def written(self) -> int:
        """How many frames nothing can take away any more."""

    def begin(self) -> Sequence[int]:
        """Look at what is there; the frames that are still to be made, rising.

        Raises:
            ExportError: something else is in its place, or the place cannot be written to.
        """

    def start(self, shape: Shape) -> None:
        """Settle the shape of all frames, before the first one, where `begin` did not find it."""

    def write(self, index: int, pixels: np.ndarray, scene: Scene) -> None:
        """Add a frame.

        Args:
            index: the next one of those still to be made.
            pixels: uint8 or uint16 of `shape`.
            scene: what it shows.
        """

    def finish(self, tell: Tell) -> None:
        """Make the whole file of what has been written."""

    def close(self) -> None:
        """Leave what has been written so that it plays and can be gone on with."""


def require_place(folder: Path) -> None:
    """Make a folder if it is not there, and be sure that it can be written to.

    Raises:
        ExportError: it cannot.
    """
    try:
        try_folder(folder)
    except OSError as error:
        reason = error.strerror or error
        raise ExportError(f"The folder {folder} cannot be written to ({reason}); choose another one.") from error
