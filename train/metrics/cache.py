"""Features of the data, kept in files, for they are the same at every evaluation."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from stylegan_core.files import write_whole


def cached(folder: Path | None, key: tuple[object, ...], count: int, make: Callable[[], Tensor]) -> Tensor:
    """The features of some pictures: from a file if it is there and whole, else made and written.

    Args:
        folder: of the files; None: nothing is kept.
        key: all that decides the features, in what `repr` tells apart.
        count: how many pictures they are of.
        make: gives them, [count, D].

    Raises:
        OSError: the file cannot be written.
    """
    if folder is None:
        return make()
    path = folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.safetensors"
    there = _read(path)
    if there is not None and there.ndim == 2 and len(there) == count:
        return there
    features = make()
    write_whole(path, lambda file: file.write(save({"features": features.contiguous()})))
    return features


def _read(path: Path) -> Tensor | None:
    try:
        return load(path.read_bytes()).get("features")
    except (OSError, SafetensorError):  # not there, or broken: it is made anew
        return None
