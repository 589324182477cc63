"""Being told to end by a signal."""

import contextlib
import signal
import threading
from collections.abc import Iterator


class Stopping:
    """Whether the process was told to end; the first signal stops the run in order, a second one at once."""

    def __init__(self) -> None:
        self.told = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take Ctrl+C and SIGTERM as the wish to stop."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._tell) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _tell(self, number: int, frame: object) -> None:
        del frame
        self.told = True
        signal.signal(number, signal.SIG_DFL)
