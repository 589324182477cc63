"""torch.save's two containers, read without torch.load: the zip of today and the plain stream of old."""

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from stylegan_core.errors import ModelFileError
from stylegan_core.pickle_machine import BoundedReader, shown
from stylegan_core.stored_tensor import ReadBytes, Storage
from stylegan_core.unpickler import StorageTable, read_legacy, read_torch_pickle
from stylegan_core.watch import Watch

LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
ZIP_START = b"PK\x03\x04"
MAX_DIRECTORY_BYTES = 4 << 20  # some 40 000 members
MAX_PICKLE_BYTES = 64 << 20  # of data.pkl, which holds names and shapes only


@contextmanager
def open_torch_zip(file: BinaryIO, size: int, watch: Watch) -> Iterator[object]:
    """The content of a torch zip of `size` bytes; its tensors can be read while the context lasts.

    Raises:
        ModelFileError: it is another kind of zip, is damaged, or its pickle asks for something that is not admitted.
    """
    _check_directory(file, size)
    with zipfile.ZipFile(file) as archive:
        pickles = [info for info in archive.infolist() if info.filename.count("/") == 1]
        pickles = [info for info in pickles if info.filename.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ModelFileError("is a zip archive without a model in it.")
        root = pickles[0].filename.removesuffix("data.pkl")
        order = f"{root}byteorder"
        if order in archive.namelist() and _stored(archive, order, limit=16)(0, 6) != b"little":
            raise ModelFileError("was written by a big-endian machine.")
        pickle_size = _member(archive, pickles[0].filename, min(size, MAX_PICKLE_BYTES)).file_size

        def locate(key: str, storage: Storage) -> ReadBytes:
            name = f"{root}data/{key}"
            if _member(archive, name, size).file_size != storage.numel * storage.dtype.itemsize:
                raise ModelFileError("is damaged: a storage is not as long as was declared.")
            return _stored(archive, name, size)

        with archive.open(pickles[0]) as stream:
            content = read_torch_pickle(BoundedReader(stream, pickle_size, watch), StorageTable(locate))
        yield content


def read_torch_legacy(file: BinaryIO, size: int, watch: Watch) -> object:
    """The content of an old torch file of `size` bytes; its tensors can be read while the file is open."""

    def read_at(start: int, count: int) -> bytearray:
        file.seek(start)
        return bytearray(file.read(count))

    return read_legacy(BoundedReader(file, size, watch), read_at)


def _check_directory(file: BinaryIO, size: int) -> None:
    """Bound the list of members before zipfile makes an object of each; it is as long as the archive's end says."""
    file.seek(max(size - 98, 0))
    tail = file.read(98)
    end, locator64, end64 = tail[-22:], tail[-42:-22], tail[-98:-42]
    if not end.startswith(b"PK\x05\x06"):
        raise ModelFileError("is a zip archive that is cut off, or that torch did not write.")
    (length,) = struct.unpack_from("<L", end, 12)
    if locator64.startswith(b"PK\x06\x07") and len(end64) == 56:
        (length64,) = struct.unpack_from("<Q", end64, 40)
        length = max(length64, length if length != 0xFFFFFFFF else 0)
    if length > MAX_DIRECTORY_BYTES:
        raise ModelFileError("is a zip archive with far more members than a model has tensors.")


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> zipfile.ZipInfo:
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise ModelFileError(f"is damaged: '{shown(name)}' is not in the archive.") from error
    # torch stores its members as they are; a compressed one could be a bomb, an encrypted one cannot be read.
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.file_size != info.compress_size:
        raise ModelFileError("is a zip archive that torch did not write: its members are compressed or encrypted.")
    if info.file_size > limit:
        raise ModelFileError(f"is damaged: '{shown(name)}' in it is far too large.")
    return info


def _stored(archive: zipfile.ZipFile, name: str, limit: int) -> ReadBytes:
    info = _member(archive, name, limit)

    def read(start: int, count: int) -> bytearray:
        if start + count > info.file_size:
            raise ModelFileError(f"is damaged: '{shown(name)}' in it is too short.")
        with archive.open(info) as stream:
            stream.seek(start)
            data = bytearray(stream.read(count))
        if len(data) != count:
            raise ModelFileError(f"is damaged: '{shown(name)}' in it is cut off.")
        return data

    return read
