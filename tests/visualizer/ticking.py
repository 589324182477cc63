"""Turning an Explorer's frames by hand, in tests without a window."""

import threading
from collections.abc import Callable

from visualizer.explorer import Explorer
from visualizer.worker import Shown

TICKS = 60_000  # with a rest of 1 ms each: never reached unless a test is about to fail


def until(explorer: Explorer, condition: Callable[[], object], now: float = 0.0) -> list[Shown]:
    """Tick until the condition holds; the pictures that came meanwhile."""
    rest, found = threading.Event(), []
    for _ in range(TICKS):
        if (shown := explorer.tick(now)) is not None:
            found.append(shown)
        if condition():
            return found
        rest.wait(0.001)
    raise AssertionError(f"it never came to that; the last notice was: {explorer.notice.text}")
