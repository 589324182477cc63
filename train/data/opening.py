"""Which kind of source a path is."""

import zipfile
from pathlib import Path

from train.data.archive import ArchiveImages
from train.data.errors import DataError
from train.data.folder import FolderImages
from train.data.images import ImageSource
from train.data.video import READERS, VideoImages


def open_images(path: str | Path, *, folders_as_classes: bool = False, every: int = 1) -> ImageSource:
    """The pictures at a path: a folder, a zip or a video.

    Args:
        path: where.
        folders_as_classes: labels are the names of sub-folders rather than what a dataset.json says.
        every: of a video every n-th frame.

    Raises:
        DataError: there are none that can be read; the message says what to do.
    """
    path = Path(path)
    try:
        is_folder, is_zip = path.is_dir(), not path.exists() or zipfile.is_zipfile(path)
    except OSError as error:  # such as a name that is too long
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    if is_folder:
        return FolderImages(path, folders_as_classes)
    if path.suffix.lower() in READERS:
        return VideoImages(path, every)
    if path.suffix.lower() == ".zip" or is_zip:
        return ArchiveImages(path, folders_as_classes)
    raise DataError(f"{path} is neither a folder, nor a zip, nor a video that can be read; put pictures into a folder.")
