"""Model files in and out: which kind a file is, by its content, and one clear sentence when it is none.

    read_generator(path)      .pkl of the official code (PyTorch or TensorFlow), .pt of rosinality's, our .safetensors
    read_discriminator(path)
    write_spec(spec, path)    .safetensors
    write_specs(specs, path)  .safetensors with all networks of a training run
    digest(path)

No code of a file is ever run; see `pickle_machine`.
"""

import hashlib
import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from safetensors import SafetensorError

from stylegan_core import official, rosinality, rosinality_stylegan1, safetensors_file, tensorflow
from stylegan_core.errors import ModelFileError
from stylegan_core.limits import MAX_FILE_BYTES
from stylegan_core.pickle_machine import BoundedReader
from stylegan_core.spec import NetworkSpec
from stylegan_core.torch_file import LEGACY_START, ZIP_START, open_torch_zip, read_torch_legacy
from stylegan_core.unpickler import read_snapshot
from stylegan_core.watch import Watch

HASH_CHUNK = 1 << 20  # bytes between two looks at whether to go on

# What the libraries and our own readers raise on bytes that make no sense, beside ModelFileError.
_DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,  # RecursionError and torch's own errors are among them
    SafetensorError,
    ValueError,
    zipfile.BadZipFile,
)

_FOREIGN = (
    (b"version https://git-lfs", "is a Git LFS pointer, not the model itself; fetch the model with 'git lfs pull'."),
    (b"\x89PNG", "is a PNG image, not a model."),
    (b"\xff\xd8\xff", "is a JPEG image, not a model."),
    (b"GIF8", "is a GIF image, not a model."),
    (b"RIFF", "is a picture, sound or video (RIFF), not a model."),
    (b"\x89HDF", "is an HDF5 file, which StyleScope does not read."),
    (b"\x1f\x8b", "is a gzip archive; unpack it and give the model inside."),
    (b"7z\xbc\xaf", "is a 7-Zip archive; unpack it and give the model inside."),
    (b"Rar!", "is a RAR archive; unpack it and give the model inside."),
)


def read_generator(
    path: str | os.PathLike[str],
    which: str = "G_ema",
    *,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[float], None] | None = None,
) -> NetworkSpec:
    """The generator in a model file.

    Args:
        path: .pkl, .pt or .safetensors; what the file is is told by its content.
        which: "G_ema", the running mean that is meant to be used, or "G", as training left it. A .safetensors of one
            generator gives it for either.
        cancelled: asked often; once it says True, reading stops.
        progress: told the part done, 0 to 1.

    Raises:
        ModelFileError: the file is missing, damaged, or no model that StyleScope reads; nothing of it has run.
        Cancelled: `cancelled` said so.
        ValueError: `which` is neither.
    """
    if which not in ("G_ema", "G"):
        raise ValueError(f"which is '{which}'; expected 'G_ema' or 'G'.")
    watch = Watch(cancelled, progress)
    with _opened(path) as (file, size):
        match _kind(file, size):
            case "safetensors":
                return safetensors_file.read(Path(path), "generator", watch, which)
            case "snapshot":
                content = read_snapshot(BoundedReader(file, size, watch))
                return _snapshot_reader(content).generator_spec(content, which, watch)
            case kind:
                with _torch_content(kind, file, size, watch) as content:
                    return _torch_reader(content).generator_spec(content, which, watch)


def read_discriminator(
    path: str | os.PathLike[str],
    *,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[float], None] | None = None,
) -> NetworkSpec:
    """The discriminator in a model file; arguments and errors as in `read_generator`."""
    watch = Watch(cancelled, progress)
    with _opened(path) as (file, size):
        match _kind(file, size):
            case "safetensors":
                return safetensors_file.read(Path(path), "discriminator", watch)
            case "snapshot":
                content = read_snapshot(BoundedReader(file, size, watch))
                return _snapshot_reader(content).discriminator_spec(content, watch)
            case kind:
                with _torch_content(kind, file, size, watch) as content:
                    return _torch_reader(content).discriminator_spec(content, watch)


def write_spec(spec: NetworkSpec, path: str | os.PathLike[str]) -> None:
    """Write a network as .safetensors (see `safetensors_file`), whole or not at all.

    Raises:
        ModelFileError: the file cannot be written.
    """
    path = Path(path)
    with _writing(path):
        safetensors_file.write(spec, path)


def write_specs(specs: Mapping[str, NetworkSpec], path: str | os.PathLike[str]) -> None:
    """Write networks under the names "G_ema", "G" and "D" in one file; see `write_spec`."""
    path = Path(path)
    with _writing(path):
        safetensors_file.write_several(specs, path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelFileError(f"'{_name(path)}' cannot be written: {error.strerror or error}.") from error


def digest(
    path: str | os.PathLike[str],
    *,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[float], None] | None = None,
) -> str:
    """sha256 of a file, hexadecimal; arguments and errors as in `read_generator`."""
    watch, sha, done = Watch(cancelled, progress), hashlib.sha256(), 0
    with _opened(path) as (file, size):
        while chunk := file.read(HASH_CHUNK):
            sha.update(chunk)
            done += len(chunk)
            watch.advance(done / size)
    return sha.hexdigest()


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, int]]:
    """The open file and its size; puts the file's name before every error that arises within."""
    name = _name(path)
    try:
        size = _checked_size(Path(path))
        with Path(path).open("rb") as file:
            yield file, size
    except ModelFileError as error:
        raise ModelFileError(f"'{name}' {error}") from error
    except FileNotFoundError as error:
        raise ModelFileError(f"'{name}' does not exist.") from error
    except OSError as error:
        raise ModelFileError(f"'{name}' cannot be read: {error.strerror or 'the system gives no reason'}.") from error
    except MemoryError as error:
        raise ModelFileError(f"'{name}' needs more memory than there is.") from error
    except _DAMAGE as error:
        raise ModelFileError(f"'{name}' is damaged or no model ({type(error).__name__} while reading it).") from error


def _name(path: str | os.PathLike[str]) -> str:
    """A file's name fit for a message, whatever bytes it is made of."""
    return (Path(path).name or os.fspath(path)).encode("utf-8", "backslashreplace").decode()


def _checked_size(path: Path) -> int:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise ModelFileError("is a folder; give the model file inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError("is no ordinary file.")
    if status.st_size == 0:
        raise ModelFileError("is empty.")
    if status.st_size > MAX_FILE_BYTES:
        raise ModelFileError(f"is larger than {MAX_FILE_BYTES >> 30} GiB, far larger than any model.")
    return status.st_size


def _kind(file: BinaryIO, size: int) -> str:
    """ "safetensors", "snapshot", "torch legacy" or "torch zip"; leaves the file at its start."""
    head = file.read(512)
    file.seek(0)
    for start, words in _FOREIGN:
        if head.startswith(start):
            raise ModelFileError(words)
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise ModelFileError("is a web page, not a model; the download went wrong.")
    if head.startswith(LEGACY_START):
        return "torch legacy"
    # The length of a safetensors header comes first, and 0x480 bytes look like the start of a pickle.
    if head.startswith(b"\x80") and head[4:9] != b"\0\0\0\0{":
        return "snapshot"
    if head.startswith(ZIP_START):
        return "torch zip"
    if head[8:9] == b"{":
        if int.from_bytes(head[:8], "little") > size - 8:
            raise ModelFileError("ends too early: it is cut off or damaged.")
        return "safetensors"
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        raise ModelFileError("is a text file, not a model.")
    raise ModelFileError("is not a model file: StyleScope reads .pkl, .pt and .safetensors.")


class _Reader(Protocol):
    """A module for one source's layouts."""

    def generator_spec(self, content: object, which: str, watch: Watch, /) -> NetworkSpec: ...

    def discriminator_spec(self, content: object, watch: Watch, /) -> NetworkSpec: ...


def _snapshot_reader(content: object) -> _Reader:
    return tensorflow if tensorflow.is_snapshot(content) else official


def _torch_reader(content: object) -> _Reader:
    return rosinality_stylegan1 if rosinality_stylegan1.is_checkpoint(content) else rosinality


@contextmanager
def _torch_content(kind: str, file: BinaryIO, size: int, watch: Watch) -> Iterator[object]:
    if kind == "torch legacy":
        yield read_torch_legacy(file, size, watch)
    else:
        with open_torch_zip(file, size, watch) as content:
            yield content
