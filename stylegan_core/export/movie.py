"""Videos, animations and contact sheets: frames go into a working file, which becomes the file that was asked for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stylegan_core.export.finishing import finish
from stylegan_core.export.metadata import EXPORT_KEY, png_texts, read_tags, write_sidecar
from stylegan_core.export.output import Order, Shape, Tell, require_place
from stylegan_core.export.part import PartFile, part_path, shape_of
from stylegan_core.export.settings import ExportError
from stylegan_core.export.sound import check_sound
from stylegan_core.scene import Scene


class Movie:
    """See `output.Output`."""

    def __init__(self, order: Order):
        self.order = order
        self.shape: Shape | None = None
        self._part = PartFile(part_path(order.path, order.settings), order.settings, order.tags)
        self._whole = False  # the target is there already

    @property
    def written(self) -> int:
        """Frames in the working file, or in the target."""
        return len(self.order.times_s) if self._whole else self._part.count

    def begin(self) -> Sequence[int]:
        """See `Output.begin`."""
        order, path, own = self.order, self.order.path, self.order.fingerprint
        if path.is_dir():
            raise ExportError(f"{path} is a folder; name a file for the export.")
        require_place(path.parent)
        if order.settings.is_video and order.settings.sound and order.walk.sound:
            check_sound(Path(order.walk.sound))
        if path.exists() and not order.overwrite:
            if _tags(path).get(EXPORT_KEY) != own:
                raise ExportError(f"{path} is there already; choose another name, or overwrite it.")
            self._whole = True
            return ()
        found = self._part.look()
        if found and found.get(EXPORT_KEY) != own:
            if not order.overwrite:
                raise ExportError(
                    f"{self._part.path} is an unfinished export of another walk or with other settings; "
                    "finish that one, choose another name, or overwrite it."
                )
            self._part.remove()
        if self._part.count:
            self.shape = shape_of(self._part.path)
        return range(self._part.count, len(order.times_s))

    def start(self, shape: Shape) -> None:
        """See `Output.start`."""
        self.shape = shape

    def write(self, index: int, pixels: np.ndarray, scene: Scene) -> None:
        """See `Output.write`."""
        del index, scene  # frames follow one another; the walk is in the file as a whole
        self._part.add(pixels)

    def finish(self, tell: Tell) -> None:
        """See `Output.finish`."""
        if self._whole:
            return
        self._part.end()
        order = self.order
        if order.needs_sidecar:
            write_sidecar(order.walk, order.path)
        finish(self._part.path, order, tell)
        self._part.remove()
        self._whole = True

    def close(self) -> None:
        """See `Output.close`."""
        self._part.close()


def _tags(path: Path) -> dict[str, str]:
    try:
        return png_texts(path) if path.suffix.lower() == ".png" else read_tags(path)
    except OSError:  # it is not to be read: none of ours
        return {}
