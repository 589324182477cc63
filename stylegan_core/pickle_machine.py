"""A pickle reader that cannot run anything: it interprets the opcodes itself and builds plain data.

Python's own Unpickler calls whatever a file names, sets attributes on what comes back, and allocates what a file claims
to need. Here `pickletools` says what opcodes there are and reads their arguments, and the machine below gives the few
that model files use a meaning. A global is looked up in a table of our own and nothing is ever imported; only an
`Admitted` function from that table can be called; BUILD reaches only records that ask for it; every read is bounded by
what the file holds.

Messages of the errors raised here are predicates ("asks for ..."): `checkpoint` puts the file's name before them.
"""

import pickletools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from stylegan_core.errors import ModelFileError
from stylegan_core.watch import Watch

MAX_OPCODES = 400_000  # the largest snapshots need some 60 000; what one can make is bounded by some kilobytes
MAX_LINE = 1024  # bytes of a text argument, as in GLOBAL
PROTOCOLS = range(2, 6)
UNNEEDED = "which no model needs; nothing of the file was run."
SCALARS = (str, int, float, bool, bytes, type(None))


@dataclass(frozen=True)
class Admitted:
    """A global that a file may call; `call` gets the argument tuple and checks every argument."""

    name: str
    call: Callable[[tuple[object, ...]], object]


class Buildable(ABC):
    """A record of ours that takes the state of a BUILD opcode."""

    @abstractmethod
    def build(self, state: object) -> None:
        """Take the state or raise ModelFileError."""


def shown(text: object, limit: int = 80) -> str:
    """Text out of a file, fit for a message: ASCII only and not too long."""
    words = ascii(text)[1:-1] if isinstance(text, str) else type(text).__name__
    return words if len(words) <= limit else words[:limit] + "..."


class BoundedReader:
    """A stream that knows its end: it refuses to read past it before anything is allocated for the purpose."""

    def __init__(self, file: IO[bytes], size: int, watch: Watch | None = None):
        """`file` stands at byte 0 and holds `size` bytes."""
        self._file, self._size, self._watch = file, size, watch or Watch()
        self._position = 0

    def read(self, count: int) -> bytes:
        """`count` bytes, or ModelFileError if there are fewer."""
        if not 0 <= count <= self._size - self._position:
            raise ModelFileError("ends too early: it is cut off or damaged.")
        if count >= 1 << 16:
            self._watch.advance(self._position / self._size)
        data = self._file.read(count)
        self._position += len(data)
        return data

    def skip(self, count: int) -> None:
        """Go on by `count` bytes without reading them, or ModelFileError if there are fewer."""
        if not 0 <= count <= self._size - self._position:
            raise ModelFileError("ends too early: it is cut off or damaged.")
        self._position = self._file.seek(self._position + count)

    def readline(self) -> bytes:
        """One line of at most MAX_LINE bytes."""
        line = self._file.readline(MAX_LINE)
        self._position += len(line)
        return line

    def tell(self) -> int:
        """How many bytes have been read."""
        return self._position

    def check(self) -> None:
        """Raise Cancelled if nobody waits any more."""
        self._watch.check()


class Machine:
    """The stack, marks and memo of one pickle."""

    def __init__(
        self,
        globals_: Mapping[str, object],
        persistent: Callable[[object], object] | None = None,
        max_opcodes: int = MAX_OPCODES,
    ):
        """`globals_` maps "module.name" to what stands for it; `persistent` gives a meaning to persistent ids."""
        self._globals, self._persistent, self._max_opcodes = globals_, persistent, max_opcodes
        self._stack: list[object] = []
        self._marks: list[list[object]] = []
        self._memo: dict[int, object] = {}

    def load(self, stream: BoundedReader) -> object:
        """Read one pickle and leave the stream behind its STOP.

        Raises:
            ModelFileError: the pickle is cut, damaged, or asks for anything that a model file does not need.
        """
        for number in range(self._max_opcodes):
            if number % 4096 == 0:
                stream.check()
            code = stream.read(1)
            if code == b".":  # STOP
                return self._pop()
            if code not in _OPCODES:
                raise ModelFileError(_refused(code))
            read_argument, handler = _OPCODES[code]
            handler(self, read_argument(stream) if read_argument else None)
        raise ModelFileError(f"has more than {self._max_opcodes} pickle instructions, far more than any model.")

    # What the handlers below are made of.

    def _pop(self) -> object:
        if not self._stack:
            raise ModelFileError("is damaged: its pickle takes from an empty stack.")
        return self._stack.pop()

    def _top(self) -> object:
        if not self._stack:
            raise ModelFileError("is damaged: its pickle takes from an empty stack.")
        return self._stack[-1]

    def _pop_mark(self) -> list[object]:
        if not self._marks:
            raise ModelFileError("is damaged: its pickle lacks a mark.")
        items, self._stack = self._stack, self._marks.pop()
        return items

    def _many(self, count: int) -> tuple[object, ...]:
        return tuple(reversed([self._pop() for _ in range(count)]))

    def _push(self, value: object) -> None:
        self._stack.append(value)

    # Handlers: each takes the opcode's argument, None for most.

    def _proto(self, version: object) -> None:
        if version not in PROTOCOLS:
            raise ModelFileError(f"is written in pickle protocol {version}; StyleScope reads 2 to 5.")

    def _nothing(self, _: object) -> None:
        """FRAME only groups bytes for reading."""

    def _mark(self, _: object) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _discard(self, _: object) -> None:
        self._pop()

    def _discard_mark(self, _: object) -> None:
        self._pop_mark()

    def _memoize(self, index: object) -> None:
        self._memo[index if isinstance(index, int) else len(self._memo)] = self._top()

    def _recall(self, index: object) -> None:
        if not isinstance(index, int) or index not in self._memo:
            raise ModelFileError("is damaged: its pickle refers to something that is not there.")
        self._stack.append(self._memo[index])

    def _push_none(self, _: object) -> None:
        self._stack.append(None)

    def _push_true(self, _: object) -> None:
        self._stack.append(True)

    def _push_false(self, _: object) -> None:
        self._stack.append(False)

    def _empty_list(self, _: object) -> None:
        self._stack.append([])

    def _empty_tuple(self, _: object) -> None:
        self._stack.append(())

    def _empty_dict(self, _: object) -> None:
        self._stack.append({})

    def _empty_set(self, _: object) -> None:
        self._stack.append(set())

    def _list(self, _: object) -> None:
        items = self._pop_mark()
        self._stack.append(items)

    def _tuple(self, _: object) -> None:
        items = self._pop_mark()
        self._stack.append(tuple(items))

    def _dict(self, _: object) -> None:
        items = self._pop_mark()
        self._stack.append({})
        self._fill(items)

    def _frozenset(self, _: object) -> None:
        items = self._pop_mark()
        self._stack.append(frozenset(map(hashable, items)))

    def _tuple1(self, _: object) -> None:
        self._stack.append(self._many(1))

    def _tuple2(self, _: object) -> None:
        self._stack.append(self._many(2))

    def _tuple3(self, _: object) -> None:
        self._stack.append(self._many(3))

    def _append(self, _: object) -> None:
        self._extend([self._pop()])

    def _appends(self, _: object) -> None:
        self._extend(self._pop_mark())

    def _extend(self, items: list[object]) -> None:
        target = self._top()
        if not isinstance(target, list):
            raise ModelFileError(f"is damaged: its pickle appends to a {type(target).__name__}.")
        target.extend(items)

    def _set_item(self, _: object) -> None:
        self._fill(list(self._many(2)))

    def _set_items(self, _: object) -> None:
        self._fill(self._pop_mark())

    def _fill(self, items: list[object]) -> None:
        target = self._top()
        if not isinstance(target, dict) or len(items) % 2:
            raise ModelFileError(f"is damaged: its pickle sets items of a {type(target).__name__}.")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[hashable(key)] = value

    def _add_items(self, _: object) -> None:
        items, target = self._pop_mark(), self._top()
        if not isinstance(target, set):
            raise ModelFileError(f"is damaged: its pickle adds to a {type(target).__name__}.")
        target.update(map(hashable, items))

    def _global(self, pair: object) -> None:
        assert isinstance(pair, tuple)
        self._find(*pair)

    def _stack_global(self, _: object) -> None:
        module, name = self._many(2)
        self._find(module, name)

    def _find(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ModelFileError("is damaged: its pickle names a global by something other than text.")
        full = f"{module}.{name}"
        if full not in self._globals:
            raise ModelFileError(f"asks for the Python object {shown(full)}, {UNNEEDED}")
        self._stack.append(self._globals[full])

    def _call(self, _: object) -> None:
        function, arguments = self._many(2)
        if not isinstance(function, Admitted) or not isinstance(arguments, tuple):
            raise ModelFileError(f"asks to call something that is no function, {UNNEEDED}")
        self._stack.append(function.call(arguments))

    def _build(self, _: object) -> None:
        state, target = self._pop(), self._top()
        # A dictionary's own attributes, as the `_metadata` of a state_dict, are of no use here.
        if isinstance(target, Buildable):
            target.build(state)
        elif not isinstance(target, dict):
            kind = "function" if isinstance(target, Admitted) else type(target).__name__
            raise ModelFileError(f"asks to set attributes of a {kind}, {UNNEEDED}")

    def _persistent_id(self, _: object) -> None:
        if self._persistent is None:
            raise ModelFileError("refers to data outside itself (a persistent id), which no model of its kind does.")
        self._stack.append(self._persistent(self._pop()))


def hashable(key: object) -> object:
    """A dictionary's key: scalars only, for hashing a deeply nested tuple would overflow Python's own stack."""
    if not isinstance(key, SCALARS):
        raise ModelFileError(f"is damaged: a {type(key).__name__} is a key in it.")
    return key


_HANDLERS: dict[str, Callable[[Machine, object], None]] = {
    "PROTO": Machine._proto,
    "FRAME": Machine._nothing,
    "MARK": Machine._mark,
    "POP": Machine._discard,
    "POP_MARK": Machine._discard_mark,
    "MEMOIZE": Machine._memoize,
    "BINPUT": Machine._memoize,
    "LONG_BINPUT": Machine._memoize,
    "BINGET": Machine._recall,
    "LONG_BINGET": Machine._recall,
    "NONE": Machine._push_none,
    "NEWTRUE": Machine._push_true,
    "NEWFALSE": Machine._push_false,
    "EMPTY_LIST": Machine._empty_list,
    "EMPTY_TUPLE": Machine._empty_tuple,
    "EMPTY_DICT": Machine._empty_dict,
    "EMPTY_SET": Machine._empty_set,
    "LIST": Machine._list,
    "TUPLE": Machine._tuple,
    "DICT": Machine._dict,
    "FROZENSET": Machine._frozenset,
    "TUPLE1": Machine._tuple1,
    "TUPLE2": Machine._tuple2,
    "TUPLE3": Machine._tuple3,
    "APPEND": Machine._append,
    "APPENDS": Machine._appends,
    "SETITEM": Machine._set_item,
    "SETITEMS": Machine._set_items,
    "ADDITEMS": Machine._add_items,
    "GLOBAL": Machine._global,
    "STACK_GLOBAL": Machine._stack_global,
    "REDUCE": Machine._call,
    "NEWOBJ": Machine._call,
    "BUILD": Machine._build,
    "BINPERSID": Machine._persistent_id,
    **dict.fromkeys(
        "INT LONG LONG1 LONG4 BININT BININT1 BININT2 BINFLOAT BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
        "BINBYTES SHORT_BINBYTES BINBYTES8 BINSTRING SHORT_BINSTRING".split(),
        Machine._push,
    ),
}


def _read_names(stream: BoundedReader) -> tuple[str, str]:
    """GLOBAL's argument. The reader of pickletools would interpret escapes in it, and warn of unknown ones."""
    lines = stream.readline(), stream.readline()
    if not all(line.endswith(b"\n") for line in lines):
        raise ModelFileError("is damaged: a name in its pickle has no end.")
    module, name = (line[:-1].decode("ascii", "backslashreplace") for line in lines)
    return module, name


# By the byte that stands in the file: how to read the argument, if there is one, and what to do with it.
_OPCODES: dict[bytes, tuple[Callable[[Any], object] | None, Callable[[Machine, object], None]]] = {
    opcode.code.encode("latin-1"): (opcode.arg.reader if opcode.arg else None, _HANDLERS[opcode.name])
    for opcode in pickletools.opcodes
    if opcode.name in _HANDLERS
}
_OPCODES[b"c"] = (_read_names, Machine._global)
_NAMES = {opcode.code.encode("latin-1"): opcode.name for opcode in pickletools.opcodes}


def _refused(code: bytes) -> str:
    if code in _NAMES:
        return f"uses the pickle instruction {_NAMES[code]}, {UNNEEDED}"
    return "is damaged, or is no pickle: it has an instruction that does not exist."
