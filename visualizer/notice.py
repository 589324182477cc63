"""Notices: one line at a time for the person at the window."""

import logging
import time
from dataclasses import dataclass
from typing import Literal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """A line for the person at the window."""

    text: str
    kind: Literal["info", "error"] = "info"
    time: float = 0.0  # time.monotonic() when it came up


class Notices:
    """The newest notice. Belongs to the UI thread."""

    def __init__(self) -> None:
        self.newest = Notice("")

    def say(self, text: str, kind: Literal["info", "error"] = "info") -> None:
        """Tell something. An error that stands there already is not told again."""
        if kind == "error":
            if text == self.newest.text:
                return
            log.warning(text)
        self.newest = Notice(text, kind, time.monotonic())

    def over(self, text: str | None) -> None:
        """What was wrong is right again: take this line away, if it still stands there."""
        if text == self.newest.text:
            self.newest = Notice("")
