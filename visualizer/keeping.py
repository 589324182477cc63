"""The session of the running program: as the last run left it, changed meanwhile, written now and then."""

from collections.abc import Callable
from typing import Any, Literal

from stylegan_core.errors import StyleScopeError
from visualizer.session import Session, SessionError, SessionKeeper


class Keeping:
    """Belongs to the UI thread, but for `write`. `say` tells the person at the window what is wrong."""

    def __init__(self, keeper: SessionKeeper, say: Callable[[str, Literal["error"]], None]):
        self._keeper, self._say = keeper, say
        self._unkept = ""  # why it could not be written last time
        self.session = self._loaded()

    def change(self, **changes: Any) -> None:
        """Change fields of the session."""
        self.session = self.session.model_copy(update=changes)

    def write(self, session: Session) -> str:
        """On a thread that may wait: write it to its folder if it has changed. Why that cannot be, or nothing."""
        try:
            self._keeper.keep(session)
        except SessionError as error:
            return str(error)
        return ""

    def written(self, error: str) -> None:
        """Take in what `write` gave."""
        if error not in ("", self._unkept):  # said once, not at every try
            self._say(error, "error")
        self._unkept = error

    def set_aside(self, why: str) -> None:
        """Keep a session that cannot be gone on with where nothing is written over it."""
        try:
            after = f"The last session was moved to {self._keeper.set_aside()}; this is a new one."
        except StyleScopeError as obstacle:
            after = str(obstacle)
        self._say(f"{why} {after}", "error")

    def _loaded(self) -> Session:
        try:
            return self._keeper.load() or Session()
        except StyleScopeError as error:
            self.set_aside(str(error))
            return Session()
