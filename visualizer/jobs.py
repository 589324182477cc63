"""Jobs: long work other than live pictures, with progress, cancel, result and error."""

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from stylegan_core.errors import Cancelled, StyleScopeError

log = logging.getLogger(__name__)
R = TypeVar("R")


class Job(Generic[R]):
    """A function on a thread of its own. The UI thread looks at it once a frame and never waits for it."""

    def __init__(self, name: str, function: Callable[["Job[R]"], R]):
        self.name = name
        self.progress = 0.0  # share done, 0 to 1
        self.result: R | None = None
        self.error: str | None = None
        self._function = function
        self._cancel = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"job: {name}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it has ended: with a result, an error, or cancelled with neither."""
        return self._done.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to end early."""
        return self._cancel.is_set()

    def cancel(self) -> None:
        """Ask it to end; what it has done so far is thrown away."""
        self._cancel.set()

    def report(self, progress: float) -> None:
        """Called by the function: the share done."""
        self.progress = progress

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for its end: for tests and the command line, never on the UI thread."""
        self._done.wait(timeout_s)

    def _run(self) -> None:
        try:
            result = self._function(self)
            self.result = None if self.cancelled else result
        except Cancelled:
            pass
        except StyleScopeError as error:
            self.error = str(error)
        except Exception as error:  # the boundary of the thread: shown to the user, kept in the log
            log.exception("job '%s' failed", self.name)
            self.error = f"{self.name} failed unexpectedly ({type(error).__name__}: {error}); the log has the details."
        finally:
            self._done.set()
