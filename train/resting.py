"""Giving the device to whoever explores: training keeps to its share of the time."""

import time
from collections.abc import Callable

from train.run_folder import RunFolder

SLICE_S = 0.1  # so soon it is back when nobody explores any more, or when it is called


class Resting:
    """Rests between two phases of a step, as long as somebody uses the window.

    Args:
        folder: of the run, which knows whether somebody does.

    Attributes:
        share: of the time that training takes, above 0 up to 1.
        called: whether there is something else than training to do, which does not wait for the rest's end.
        rested_s: in this step.
    """

    def __init__(self, folder: RunFolder):
        self._folder = folder
        self.share = 1.0
        self.called: Callable[[], bool] = lambda: False
        self.rested_s = 0.0
        self._since = 0.0

    def begin(self) -> None:
        """A step begins."""
        self.rested_s, self._since = 0.0, time.perf_counter()

    def __call__(self) -> None:
        """A phase is over: rest for as long as the share asks for."""
        now = time.perf_counter()
        if self.share < 1:
            self._rest(now, now + (now - self._since) * (1 / self.share - 1))
        self._since = time.perf_counter()
        self.rested_s += self._since - now

    def _rest(self, now: float, until: float) -> None:
        while now < until and self._folder.is_exploring() and not self.called():
            time.sleep(min(until - now, SLICE_S))
            now = time.perf_counter()
