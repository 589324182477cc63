"""StageCache: what stages of making pictures gave, remembered within a limit of memory."""

import threading
from collections import Counter, OrderedDict
from typing import Any

from torch import Tensor


class StageCache:
    """What stages gave, newest first to stay, within a limit of memory, by all that decides it.

    Values are tensors, or tuples with tensors in them such as a Step. Safe to use from several threads, and so to be
    shared by several Renderers: what one has made, none makes again.
    """

    def __init__(self, limit_bytes: int):
        self.limit_bytes = limit_bytes
        self.num_bytes = 0
        self._held: Counter[int] = Counter()  # how many values hold the memory at an address: steps share tensors
        self._values: OrderedDict[object, tuple[Any, str]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> Any:
        """The value, or None; it counts as used."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: object, value: Any, digest: str = "") -> None:
        """Keep a value that a model gave; the least recently used make room.

        One that is over the limit by itself is not kept.
        """
        with self._lock:
            if sum(t.untyped_storage().nbytes() for t in _tensors(value)) > self.limit_bytes:
                return
            if key in self._values:
                self._drop(key)
            self._values[key] = value, digest
            for tensor in _tensors(value):
                storage = tensor.untyped_storage()
                self._held[storage.data_ptr()] += 1
                self.num_bytes += storage.nbytes() if self._held[storage.data_ptr()] == 1 else 0
            self._fit()

    def set_limit(self, limit_bytes: int) -> None:
        """Change the limit, at once."""
        with self._lock:
            self.limit_bytes = limit_bytes
            self._fit()

    def forget(self, digest: str) -> None:
        """Drop what a model gave: it is in memory no more."""
        with self._lock:
            for key in [key for key, (_, owner) in self._values.items() if owner == digest]:
                self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._held.clear()
            self.num_bytes = 0

    def _fit(self) -> None:
        while self.num_bytes > self.limit_bytes:
            self._drop(next(iter(self._values)))

    def _drop(self, key: object) -> None:
        value, _ = self._values.pop(key)
        for tensor in _tensors(value):
            storage = tensor.untyped_storage()
            self._held[storage.data_ptr()] -= 1
            if not self._held[storage.data_ptr()]:
                del self._held[storage.data_ptr()]
                self.num_bytes -= storage.nbytes()


def _tensors(value: Any) -> list[Tensor]:
    return [part for part in ([value] if isinstance(value, Tensor) else value) if isinstance(part, Tensor)]
