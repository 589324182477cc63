"""Watch: how a caller follows and stops a long piece of file work."""

from collections.abc import Callable
from dataclasses import dataclass

from stylegan_core.errors import Cancelled

Progress = Callable[[float], None]  # told the part done, 0 to 1


def untold(done: float) -> None:
    """The Progress of work that nobody watches."""
    del done


@dataclass(frozen=True)
class Watch:
    """Two optional callbacks, called often on the thread that works."""

    cancelled: Callable[[], bool] | None = None  # true: nobody waits any more
    progress: Progress | None = None

    def check(self) -> None:
        """Raise Cancelled if nobody waits any more."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled

    def advance(self, done: float) -> None:
        """Report the part that is done, 0 to 1, and check."""
        self.check()
        if self.progress is not None:
            self.progress(min(max(done, 0.0), 1.0))
