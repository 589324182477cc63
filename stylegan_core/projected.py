"""Faces found by projection: style vectors w that a projector wrote for a photograph, read from a file.

The official projector (StyleGAN2, appendix D) writes projected_w.npz; others write W+ (one w for each layer) or a bare
.npy. A file is checked before anything is allocated for what it declares, and nothing in it is executed.
"""

import hashlib
import tokenize
import zipfile
import zlib
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from stylegan_core.card import ModelCard
from stylegan_core.errors import StyleScopeError
from stylegan_core.scene import Latent, Projected

MAX_FILE_BYTES = 16 << 20  # W+ of the largest models has a thousandth of this
MAX_ARRAY_BYTES = 4 << 20
MAX_WS = 64  # style vectors of any model
KEY = "w"
NPY_START, ZIP_START = b"\x93NUMPY", b"PK\x03\x04"
BROKEN = (ValueError, TypeError, SyntaxError, LookupError, OSError, EOFError, RuntimeError, MemoryError)
BROKEN_ZIP = (*BROKEN, zipfile.BadZipFile, zlib.error)
BROKEN_ARRAY = (*BROKEN, tokenize.TokenError)


class ProjectedFileError(StyleScopeError):
    """A file holds no style vectors, or none for this model; the message names the file."""


def is_projected(path: Path, start: bytes) -> bool:
    """Whether a file is one that projectors write, from its first bytes; models in PyTorch's files are zips as well."""
    return start.startswith(NPY_START) or (start.startswith(ZIP_START) and path.suffix.lower() == ".npz")


def open_projected(path: Path) -> Latent:
    """The person whose style vectors are in a file, for a Scene.

    Args:
        path: .npz with an array "w", or .npy: float [1, num_ws, w_dim], [num_ws, w_dim] or [w_dim].

    Raises:
        ProjectedFileError: one sentence that says what is wrong with the file.
    """
    path = path.absolute()
    digest, _ = _read(*_state(path))
    return Latent(projected=Projected(digest=digest, path=str(path)))


def projected_ws(projected: Projected, card: ModelCard) -> Tensor:
    """The style vectors of a projected face, for a model.

    They are what the projector found; the Scene's truncation, mixing and edits apply to them as to anyone's, so that a
    photograph is matched as it was found at psi 1 only.

    Returns:
        float32 [1, num_ws, w_dim], on the CPU. A single w stands for all layers.

    Raises:
        ProjectedFileError: the file is gone, has changed, holds no style vectors, or those of another model.
    """
    path = Path(projected.path)
    if not projected.path:
        raise ProjectedFileError("The Scene has a projected face but not its file; open the file with its styles.")
    digest, w = _read(*_state(path))
    if digest != projected.digest:
        raise ProjectedFileError(
            f"{path} does not hold the projected face that this Scene was made with (its content has changed); "
            "open the right file in its place."
        )
    if len(w) not in (1, card.num_ws) or w.shape[1] != card.w_dim:
        raise ProjectedFileError(
            f"{path} holds {len(w)} style vectors of {w.shape[1]} dimensions, but {card.name} takes {card.num_ws} of "
            f"{card.w_dim}; open the model that the face was projected with."
        )
    return torch.from_numpy(w.copy()).expand(card.num_ws, -1)[None]


def _state(path: Path) -> tuple[Path, int, int]:
    """The file, and what changes when it does."""
    try:
        stat = path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ProjectedFileError(f"{path} cannot be read: {_reason(error)}.") from error
    return path, stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=256)
def _read(path: Path, mtime_ns: int, size: int) -> tuple[str, np.ndarray]:
    """sha256 of a file, and its style vectors, float32 [n, w_dim]."""
    del mtime_ns
    if size > MAX_FILE_BYTES:
        raise ProjectedFileError(
            f"{path} has {size >> 20} MiB, more than the style vectors of any face ({MAX_FILE_BYTES >> 20} MiB)."
        )
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise ProjectedFileError(f"{path} cannot be read: {_reason(error)}.") from error
    if content.startswith(ZIP_START):
        w = _array(path, _member(path, content))
    elif content.startswith(NPY_START):
        w = _array(path, content)
    else:
        raise ProjectedFileError(f"{path} is neither .npz nor .npy, the files that style vectors are read from.")
    return hashlib.sha256(content).hexdigest(), _style_vectors(path, w)


def _member(path: Path, content: bytes) -> bytes:
    """The file in an .npz that the array is in."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()
            if f"{KEY}.npy" in names:
                with archive.open(f"{KEY}.npy") as file:
                    return file.read(MAX_ARRAY_BYTES + 1)
    except BROKEN_ZIP as error:
        raise ProjectedFileError(f"{path} is damaged and cannot be read as .npz ({_reason(error)}).") from error
    found = ", ".join(name.removesuffix(".npy")[:40] for name in names[:5])
    raise ProjectedFileError(f"{path} has no array '{KEY}', where projectors put style vectors (it has: {found}).")


def _array(path: Path, content: bytes) -> np.ndarray:
    """The array in an .npy, all of it there, of floating-point numbers."""
    if len(content) > MAX_ARRAY_BYTES:
        raise ProjectedFileError(f"{path} holds more numbers than the style vectors of any face.")
    file = BytesIO(content)
    try:
        read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
        shape, fortran_order, dtype = read_header(file)
    except BROKEN_ARRAY as error:
        raise ProjectedFileError(f"{path} is damaged: its array cannot be read ({_reason(error)}).") from error
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise ProjectedFileError(f"{path} holds {_kind(dtype)}, not the floating-point numbers that style vectors are.")
    if not 1 <= len(shape) <= 3 or min(shape) < 1 or (len(shape) == 3 and shape[0] != 1):
        raise ProjectedFileError(
            f"{path} holds an array of shape {_shape(shape)}; style vectors are [1, layers, dimensions], "
            "[layers, dimensions] or [dimensions]."
        )
    values = content[file.tell() :]
    count = 1
    for length in shape:
        count *= length
    if count * dtype.itemsize > len(values):
        raise ProjectedFileError(f"{path} is damaged: its array of shape {_shape(shape)} is not all there.")
    return np.frombuffer(values, dtype, count).reshape(shape, order="F" if fortran_order else "C")


def _style_vectors(path: Path, w: np.ndarray) -> np.ndarray:
    """float32 [n, w_dim], finite."""
    w = w.reshape(-1, w.shape[-1])
    if len(w) > MAX_WS:
        raise ProjectedFileError(f"{path} holds {len(w)} style vectors; models take {MAX_WS} at most.")
    with np.errstate(over="ignore", invalid="ignore"):
        vectors = np.ascontiguousarray(w, np.float32)
    if not np.isfinite(vectors).all():
        raise ProjectedFileError(f"{path} holds numbers that are not finite; project the face again.")
    return vectors


def _shape(shape: tuple[int, ...]) -> str:
    return str(list(shape))[:60]


def _kind(dtype: np.dtype) -> str:
    return "Python objects" if dtype.hasobject else f"values of type {str(dtype)[:40]}"


def _reason(error: BaseException) -> str:
    """The error in a few words, on one line."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    return " ".join(words.split())[:100].rstrip(".")
