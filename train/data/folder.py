"""Pictures in a folder and its sub-folders, with a dataset.json or a sub-folder for each class if there are labels."""

import os
import stat
from collections import Counter
from pathlib import Path

from train.data.decoding import ENDINGS, check_bytes
from train.data.errors import DataError, unusable
from train.data.images import LABELS_FILE, PictureFiles, by_ending
from train.data.labels import MAX_JSON_BYTES, Labels, labels_from_folders, labels_from_json


class FolderImages(PictureFiles):
    """The pictures in a folder, sorted by name; hidden files, and folders behind links, are left out.

    A folder within that nobody may look into stands for a picture that cannot be read: it may hold some.

    Args:
        path: the folder.
        folders_as_classes: labels are the names of its sub-folders rather than what dataset.json says.

    Raises:
        DataError: it cannot be read, or its dataset.json is broken.
    """

    def __init__(self, path: Path, folders_as_classes: bool = False):
        found = _Found(path)
        super().__init__(path, tuple(sorted((*found.pictures, *found.closed))), Labels())
        self._closed, self.others = found.closed, found.others
        listing = path / LABELS_FILE
        if folders_as_classes:
            self.labels = labels_from_folders(self.names)
        elif os.path.isfile(listing):
            self.labels = labels_from_json(_content(listing, str(listing), MAX_JSON_BYTES), self.names, str(listing))

    def read(self, index: int) -> bytes:
        """See `PictureFiles.read`."""
        name, where = self.names[index], self.where(index)
        if name in self._closed:
            raise unusable(where, f"cannot be looked into ({self._closed[name]})")
        return _content(self.path / name, where)

    def close(self) -> None:
        """See `ImageSource.close`."""


class _Found:
    """What there is in a folder: names from there.

    Raises:
        DataError: the folder itself cannot be listed.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.pictures: list[str] = []
        self.closed: dict[str, str] = {}  # folders that cannot be listed, with the reason; their names end in /
        others: list[str] = []
        links = 0
        for place, folders, files in os.walk(folder, onerror=self._close):
            folders[:] = [name for name in folders if not name.startswith(".")]
            links += sum(map(os.path.islink, (os.path.join(place, name) for name in folders)))
            for path in (Path(place, name) for name in files if not name.startswith(".")):
                if _is_file(path):
                    wanted = self.pictures if path.name.lower().endswith(ENDINGS) else others
                    wanted.append(path.relative_to(folder).as_posix())
        self.others = by_ending(others) + Counter({"links to folders": links})

    def _close(self, error: OSError) -> None:
        place, reason = Path(error.filename), error.strerror or str(error)
        if place == self.folder:
            raise DataError(f"{place} cannot be listed: {reason}.") from error
        self.closed[place.relative_to(self.folder).as_posix() + "/"] = reason


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:  # reading it will say so
        return True
    except OSError:  # a link to nowhere
        return False


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
