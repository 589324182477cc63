"""Pictures in a zip: the official format, PNGs or JPEGs in folders and a dataset.json with labels."""

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

from train.data.decoding import ENDINGS, check_bytes
from train.data.errors import DataError, unusable
from train.data.images import LABELS_FILE, PictureFiles, by_ending
from train.data.labels import MAX_JSON_BYTES, Labels, labels_from_folders, labels_from_json

# Others could ask for gigabytes before the first byte comes out.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, KeyError)


class ArchiveImages(PictureFiles):
    """The pictures in a zip, sorted by name. Nothing is unpacked to the disk.

    Args:
        path: the zip.
        folders_as_classes: labels are the names of the first folders rather than what dataset.json says.

    Raises:
        DataError: it is no zip, or its dataset.json is broken.
    """

    def __init__(self, path: Path, folders_as_classes: bool = False):
        super().__init__(path, (), Labels())
        self._open: tuple[int, zipfile.ZipFile] | None = None
        entries = [info.filename for info in self._zip().infolist() if not info.is_dir() and not _is_hidden(info)]
        names = [name for name in entries if name.lower().endswith(ENDINGS)]
        self.others = by_ending(name for name in entries if not name.lower().endswith(ENDINGS))
        self.names = tuple(sorted(set(names)))
        if len(self.names) < len(names):
            raise DataError(f"{path} holds two pictures of one name; pack it again.")
        if folders_as_classes:
            self.labels = labels_from_folders(self.names)
        elif LABELS_FILE in self._zip().NameToInfo:
            self.labels = labels_from_json(
                self._entry(LABELS_FILE, MAX_JSON_BYTES), self.names, self._named(LABELS_FILE)
            )

    def read(self, index: int) -> bytes:
        """See `PictureFiles.read`."""
        name = self.names[index]
        check_bytes(self._info(name).file_size, self._named(name))
        return self._entry(name)

    def checksum(self, index: int) -> tuple[int, int]:
        """See `PictureFiles.checksum`; read off the zip's directory."""
        info = self._info(self.names[index])
        return info.file_size, info.CRC

    def close(self) -> None:
        """See `ImageSource.close`."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}

    def _zip(self) -> zipfile.ZipFile:
        """The zip, opened by this very process: forks would share a place in the file with each other."""
        if self._open is None or self._open[0] != os.getpid():
            try:
                self._open = (os.getpid(), zipfile.ZipFile(self.path))
            except FileNotFoundError as error:
                raise DataError(f"{self.path} does not exist; give the path of a zip, a folder or a video.") from error
            except OSError as error:
                raise DataError(f"{self.path} cannot be read: {error.strerror or error}.") from error
            except _BROKEN as error:
                raise DataError(f"{self.path} is no whole zip ({error}); fetch or pack it again.") from error
        return self._open[1]

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._zip().getinfo(name)
        except KeyError as error:
            raise DataError(
                f"{self._named(name)} is gone: the zip was changed while it was read; try again."
            ) from error

    def _entry(self, name: str, most: int | None = None) -> bytes:
        info, where = self._info(name), self._named(name)
        if most is not None and info.file_size > most:
            raise DataError(f"{where} has {info.file_size} bytes, more than the {most} that are read; make it smaller.")
        if info.compress_type not in _METHODS or info.flag_bits & 1:
            raise unusable(where, "is encrypted, or packed in another way than stored or deflated")
        try:
            return self._zip().read(info)  # no more than `file_size` bytes, whatever they unpack to
        except _BROKEN as error:
            raise unusable(where, f"is broken ({error})") from error

    def _named(self, name: str) -> str:
        return f"{name!r} in {self.path}"


def _is_hidden(info: zipfile.ZipInfo) -> bool:
    parts = info.filename.split("/")
    return any(part.startswith(".") for part in parts) or parts[0] == "__MACOSX"
