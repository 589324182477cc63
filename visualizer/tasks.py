"""Tasks: what takes too long for one frame of the window, and what to do with its result when it is there."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Literal

from stylegan_core.errors import Cancelled
from stylegan_core.ops import Poll
from visualizer.worker import Worker

log = logging.getLogger(__name__)

FINISH_S = 60.0  # how long closing waits for what somebody asked to be saved


def describe(error: BaseException) -> str:
    """An error as a sentence for the person at the window."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be opened: {error.strerror}."
    return str(error) or type(error).__name__


class Tasks:
    """Runs functions on the worker or on threads that read; `collect`, once a frame, hands over what is done.

    `say` tells the person at the window what failed.
    """

    def __init__(self, worker: Worker, say: Callable[[str, Literal["error"]], None]):
        self._worker, self._say = worker, say
        self._disk = ThreadPoolExecutor(1, "disk")
        self._reader = ThreadPoolExecutor(1, "reader")
        self._closing = threading.Event()
        self._waiting: list[tuple[Future[Any], Callable[[Any], None]]] = []
        self._to_finish: list[Future[Any]] = []

    @property
    def busy(self) -> bool:
        """Whether something has not been collected yet."""
        return bool(self._waiting)

    def on_worker(self, function: Callable[[Poll], Any], then: Callable[[Any], None], finish: bool = False) -> None:
        """Run something on the worker between live pictures; see `Worker.call`.

        Args:
            function: given the poll.
            then: given the result, in a later `collect`.
            finish: whether `close` waits for it, because somebody asked for it to be saved.
        """
        future = self._worker.call(function)
        self._waiting.append((future, then))
        if finish:
            self._to_finish = [other for other in self._to_finish if not other.done()] + [future]

    def on_disk(self, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Read or write a file on a thread of its own, one after another, for a disk may take its time."""
        self._waiting.append((self._disk.submit(function), then))

    def on_reader(self, function: Callable[[Callable[[], bool]], Any], then: Callable[[Any], None]) -> None:
        """Read a model on a thread of its own, one after another; what is on the disk's thread need not wait for it.

        Args:
            function: given a function that says, when the program closes, that it should end.
            then: given the result, in a later `collect`.
        """

        def read() -> Any:
            with suppress(Cancelled):  # nobody is there any more to be told
                return function(self._closing.is_set)

        self._waiting.append((self._reader.submit(read), then))

    def collect(self) -> None:
        """Hand over results and errors."""
        # Asked once of each: one that ends meanwhile must not be in neither list.
        looked_at = [(item, item[0].done()) for item in self._waiting]
        self._waiting = [item for item, done in looked_at if not done]
        for future, then in (item for item, done in looked_at if done):
            if future.cancelled():
                self._say("Too much is waiting already; try again in a moment.", "error")
            elif (error := future.exception()) is not None:
                log.info("a task failed", exc_info=error)
                self._say(describe(error), "error")
            else:
                then(future.result())

    def close(self) -> None:
        """Finish what is being saved, drop the rest, and end the worker."""
        wait(self._to_finish, FINISH_S)
        self._closing.set()
        self._worker.close()
        self._disk.shutdown()
        self._reader.shutdown(cancel_futures=True)
        self._waiting = [item for item in self._waiting if not item[0].cancelled()]
        self.collect()
