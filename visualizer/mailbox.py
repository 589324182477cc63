"""Where threads meet: a box that holds the newest thing put in, and nothing else."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Latest wins: what was not taken before the next thing came is gone."""

    def __init__(self) -> None:
        self._item: T | None = None
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Replace what is in the box."""
        with self._changed:
            self._item = item
            self._changed.notify_all()

    def take(self) -> T | None:
        """What is in the box, which is empty afterwards; None if it was. Never waits."""
        with self._changed:
            item, self._item = self._item, None
            return item

    @property
    def full(self) -> bool:
        """Whether something waits in the box."""
        return self._item is not None
