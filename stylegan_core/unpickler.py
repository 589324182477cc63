"""What may stand in a model's pickle, and what each of it becomes: plain data and inert records.

Official PyTorch snapshots (`torch_utils.persistence`), TensorFlow snapshots (`dnnlib.tflib`), and torch's own
checkpoints are pickles that name classes and functions. Each admitted name has a stand-in below that checks the type of
every argument; everything else is refused by name. No code of a file, and no class that it names, is ever imported.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from math import prod

import numpy as np
import torch

from stylegan_core.errors import ModelFileError
from stylegan_core.pickle_machine import MAX_OPCODES, Admitted, BoundedReader, Buildable, Machine, hashable, shown
from stylegan_core.stored_tensor import ReadBytes, Storage, stored_tensor

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # torch.save's first pickle before its zip format
LEGACY_PROTOCOL = 1001

Arguments = tuple[object, ...]

# A pickle can name one long list a hundred thousand times; what copies its argument takes short ones only.
MAX_COPIED_ITEMS = 100
MAX_COPIED_CHARACTERS = 1024
MAX_BLOB_OPCODES = 1000  # of the pickles around one tensor's numbers, which have some 50


@dataclass(frozen=True)
class PersistentObject:
    """A module of an official PyTorch snapshot: its class's bare name and its instance dictionary."""

    class_name: str
    state: dict[object, object]


@dataclass
class InertObject(Buildable):
    """An instance of some other known class, of which only the name and the state are kept."""

    class_name: str
    state: dict[object, object] = field(default_factory=dict)

    def build(self, state: object) -> None:
        """Keep the state."""
        if not isinstance(state, dict):
            raise ModelFileError(f"holds a {self.class_name} whose state is not a dictionary.")
        self.state = state


@dataclass(frozen=True)
class StorageType:
    """The class of a storage, as torch.FloatStorage."""

    dtype: torch.dtype


@dataclass
class NumpyType(Buildable):
    """A numpy number type; the byte order comes as state."""

    code: str
    order: str = "<"

    def build(self, state: object) -> None:
        """Take (version, byte order, None, None, None, -1, -1, 0)."""
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "=", "|"):
            raise ModelFileError("holds a numpy type with a state that it does not understand.")
        self.order = str(state[1])

    @property
    def dtype(self) -> np.dtype:
        """The type."""
        return np.dtype(self.order + self.code)


@dataclass(eq=False)
class NumpyArray(Buildable):
    """A numpy array; `value` is there after its state."""

    value: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def build(self, state: object) -> None:
        """Take (version, shape, dtype, is Fortran order, bytes)."""
        match state:
            case (1, tuple(shape), NumpyType() as kind, bool(fortran), (bytes() | str()) as raw):
                pass
            case _:
                raise ModelFileError("holds a numpy array with a state that it does not understand.")
        dtype, data = kind.dtype, raw if isinstance(raw, bytes) else raw.encode("latin-1")
        if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32 or not data:
            raise ModelFileError("holds a numpy array whose shape is not whole numbers from 0, or that is empty.")
        if prod(shape) * dtype.itemsize != len(data):
            raise ModelFileError("holds a numpy array whose shape does not fit the numbers stored for it.")
        self.value = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


# The stand-ins. Each takes the argument tuple that the file gives.


def _persistent_object(arguments: Arguments) -> PersistentObject:
    match arguments:
        case ({"type": "class", "class_name": str(name), "state": dict(state)},):
            return PersistentObject(name, state)
    raise ModelFileError("holds an object of torch_utils.persistence that it does not understand.")


def _inert(name: str) -> Admitted:
    def make(arguments: Arguments) -> InertObject:
        if arguments:
            raise ModelFileError(f"makes a {name} with arguments, which no model does.")
        return InertObject(name)

    return Admitted(name, make)


def _dictionary(arguments: Arguments) -> dict[object, object]:
    match arguments:
        case ():
            return {}
        case (list(pairs),) if len(pairs) <= MAX_COPIED_ITEMS and all(map(_is_pair, pairs)):
            return {hashable(key): value for key, value in pairs}
    raise ModelFileError("makes a dictionary from something other than a few pairs.")


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


def _set(arguments: Arguments) -> set[object]:
    match arguments:
        case ():
            return set()
        case (list(items),) if len(items) <= MAX_COPIED_ITEMS:
            return set(map(hashable, items))
    raise ModelFileError("makes a set from something other than a short list.")


def _size(arguments: Arguments) -> tuple[object, ...]:
    match arguments:
        case (tuple(size),):
            return size
    raise ModelFileError("makes a torch.Size from something other than a tuple.")


def _encode(arguments: Arguments) -> bytes:
    match arguments:
        case (str(text), "latin1" | "latin-1") if len(text) <= MAX_COPIED_CHARACTERS:
            return text.encode("latin-1")
    raise ModelFileError("makes bytes in a way that no model does.")


def _parameter(arguments: Arguments) -> object:
    if len(arguments) != 3:
        raise ModelFileError("makes a parameter from other than three arguments.")
    return arguments[0]


def _tensor(arguments: Arguments) -> object:
    if not 4 <= len(arguments) <= 7:
        raise ModelFileError("makes a tensor with a number of arguments that torch does not know.")
    return stored_tensor(*arguments[:4])


def _storage_from_bytes(arguments: Arguments) -> Storage:
    match arguments:
        case (bytes(blob),):
            stream = BoundedReader(BytesIO(blob), len(blob))
            loaded = read_legacy(stream, _blob_reader(blob), MAX_BLOB_OPCODES)
            if isinstance(loaded, Storage):
                return loaded
    raise ModelFileError("holds a tensor storage that is not one.")


def _numpy_type(arguments: Arguments) -> NumpyType:
    match arguments:
        case (str(code), *_) if code in _NUMPY_CODES:
            return NumpyType(code)
        case (str(code), *_):
            raise ModelFileError(f"holds numpy data of type '{shown(code)}', which is not numbers.")
    raise ModelFileError("holds a numpy type that it does not understand.")


def _numpy_scalar(arguments: Arguments) -> object:
    match arguments:
        case (NumpyType() as kind, (bytes() | str()) as raw):
            data = raw if isinstance(raw, bytes) else raw.encode("latin-1")
            if len(data) == kind.dtype.itemsize:
                return np.frombuffer(data, kind.dtype)[0].item()
    raise ModelFileError("holds a numpy scalar that it does not understand.")


def _numpy_array(arguments: Arguments) -> NumpyArray:
    match arguments:
        case ("numpy.ndarray", (0,), b"b" | "b"):
            return NumpyArray()
    raise ModelFileError("makes a numpy array in a way that no model does.")


_NUMPY_CODES = frozenset("b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split())

_STORAGES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}

_FUNCTIONS: dict[str, Callable[[Arguments], object]] = {
    "torch_utils.persistence._reconstruct_persistent_obj": _persistent_object,
    "dnnlib.util.EasyDict": _dictionary,
    "collections.OrderedDict": _dictionary,
    "builtins.set": _set,
    "__builtin__.set": _set,
    "_codecs.encode": _encode,
    "torch.Size": _size,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch.storage._load_from_bytes": _storage_from_bytes,
    "numpy.dtype": _numpy_type,
    "numpy.core.multiarray.scalar": _numpy_scalar,
    "numpy._core.multiarray.scalar": _numpy_scalar,
    "numpy.core.multiarray._reconstruct": _numpy_array,
    "numpy._core.multiarray._reconstruct": _numpy_array,
}

TF_NETWORKS = frozenset(("dnnlib.tflib.network.Network", "tfutil.Network", "network.Network"))

GLOBALS: Mapping[str, object] = {
    **{name: Admitted(name, call) for name, call in _FUNCTIONS.items()},
    **{name: _inert(name) for name in (*TF_NETWORKS, "argparse.Namespace")},
    **{f"torch.{name}": StorageType(dtype) for name, dtype in _STORAGES.items()},
    "numpy.ndarray": "numpy.ndarray",  # only ever an argument; it cannot be called
}


# Storages inside storages would multiply the memory that a file can ask for.
_TORCH_GLOBALS = {name: value for name, value in GLOBALS.items() if name != "torch.storage._load_from_bytes"}


def read_snapshot(stream: BoundedReader) -> object:
    """A snapshot's pickle as plain data, PersistentObject, InertObject, StoredTensor and NumpyArray.

    Raises:
        ModelFileError: it is damaged, or names anything that is not admitted. Nothing of it has run.
    """
    return Machine(GLOBALS).load(stream)


class StorageTable:
    """The storages that persistent ids ("storage", type, key, location, numel[, view]) refer to."""

    def __init__(self, locate: Callable[[str, Storage], ReadBytes] | None = None):
        """`locate` finds a storage's bytes when it is first named; without it they are placed later."""
        self.by_key: dict[str, Storage] = {}
        self._locate = locate

    def __call__(self, identifier: object) -> Storage:
        """The storage of a persistent id, one for each key."""
        match identifier:
            case ("storage", StorageType(dtype), str(key), str(), int(numel), *view) if view in ([], [None]):
                pass
            case _:
                raise ModelFileError("refers to data outside its pickle in a way that torch does not.")
        if numel < 0:
            raise ModelFileError("holds a tensor storage of negative size.")
        storage = self.by_key.setdefault(key, Storage(dtype, numel))
        if (storage.dtype, storage.numel) != (dtype, numel):
            raise ModelFileError("describes one tensor storage in two ways.")
        if self._locate is not None and storage.read_bytes is None:
            storage.read_bytes = self._locate(key, storage)
        return storage


def read_torch_pickle(stream: BoundedReader, table: StorageTable, max_opcodes: int = MAX_OPCODES) -> object:
    """A pickle that torch.save wrote, with its storages elsewhere; as `read_snapshot` otherwise."""
    return Machine(_TORCH_GLOBALS, table, max_opcodes).load(stream)


def read_legacy(stream: BoundedReader, read_at: ReadBytes, max_opcodes: int = MAX_OPCODES) -> object:
    """What torch.save wrote before its zip format: five pickles, then each storage's length and numbers.

    Args:
        stream: stands at the first pickle.
        read_at: gives bytes by position in the same file.
        max_opcodes: allowed in each pickle.
    """
    table = StorageTable()

    def load() -> object:
        return read_torch_pickle(stream, table, max_opcodes)

    if load() != LEGACY_MAGIC or load() != LEGACY_PROTOCOL:
        raise ModelFileError("is not a torch file of a known version.")
    match load():
        case {"little_endian": True}:
            pass
        case _:
            raise ModelFileError("was written by a big-endian machine.")
    content, keys = load(), load()
    if not isinstance(keys, list) or len(keys) != len(table.by_key):
        raise ModelFileError("is damaged: its list of storages does not fit.")
    for key in keys:
        storage = table.by_key.get(key) if isinstance(key, str) else None
        if storage is None or storage.read_bytes is not None:
            raise ModelFileError("is damaged: its list of storages does not fit.")
        (numel,) = struct.unpack("<q", stream.read(8))
        if numel != storage.numel:
            raise ModelFileError("is damaged: a storage is not as long as was declared.")
        storage.read_bytes = _shifted(read_at, stream.tell())
        stream.skip(numel * storage.dtype.itemsize)
    return content


def _shifted(read_at: ReadBytes, position: int) -> ReadBytes:
    return lambda start, count: read_at(position + start, count)


def _blob_reader(blob: bytes) -> ReadBytes:
    view = memoryview(blob)
    return lambda start, count: bytearray(view[start : start + count])
