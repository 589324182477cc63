"""Pictures in a folder and its sub-folders, with a dataset.json or a sub-folder for each class if there are labels."""

import os
from pathlib import Path

from train.data.archive import LABELS_FILE
from train.data.decoding import ENDINGS, check_bytes
from train.data.errors import DataError, unusable
from train.data.images import PictureFiles
from train.data.labels import MAX_JSON_BYTES, Labels, labels_from_folders, labels_from_json


class FolderImages(PictureFiles):
    """The pictures in a folder, sorted by name; hidden files, and folders behind links, are left out.

    Args:
        path: the folder.
        folders_as_classes: labels are the names of its sub-folders rather than what dataset.json says.

    Raises:
        DataError: it cannot be read, or its dataset.json is broken.
    """

    def __init__(self, path: Path, folders_as_classes: bool = False):
        super().__init__(path, _pictures(path), Labels())
        listing = path / LABELS_FILE
        if folders_as_classes:
            self.labels = labels_from_folders(self.names)
        elif listing.is_file():
            self.labels = labels_from_json(_content(listing, str(listing), MAX_JSON_BYTES), self.names, str(listing))

    def read(self, index: int) -> bytes:
        """See `PictureFiles.read`."""
        return _content(self.path / self.names[index], self.where(index))

    def close(self) -> None:
        """See `ImageSource.close`."""


def _pictures(folder: Path) -> tuple[str, ...]:
    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be listed: {error.strerror or error}.") from error

    names: list[str] = []
    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found = [Path(place, name) for name in files if name.lower().endswith(ENDINGS) and not name.startswith(".")]
        names.extend(path.relative_to(folder).as_posix() for path in found if path.is_file())
    return tuple(sorted(names))


def _content(path: Path, where: str, most: int | None = None) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if most is None:
                check_bytes(size, where)
            elif size > most:
                raise DataError(f"{where} has {size} bytes, more than the {most} that are read; make it smaller.")
            return file.read(size)
    except OSError as error:
        raise unusable(where, f"cannot be read ({error.strerror or error})") from error
