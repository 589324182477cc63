"""The Store: the base Scene on the UI thread, and its undo history.

A drag is many edits and one undo point: edits of one name form an interaction, which ends when the control is let go
(`settle`) or when an edit of another name begins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

from stylegan_core.scene import Scene

P = ParamSpec("P")
Edit = Callable[Concatenate[Scene, P], Scene]

HISTORY_LENGTH = 500  # undo points; a Scene is a few hundred bytes


@dataclass(frozen=True)
class UndoPoint:
    """What was done, and the Scenes before and after."""

    name: str
    before: Scene
    after: Scene


class Store:
    """Holds the Scene that the window shows. Every change goes through an edit; `revision` counts them."""

    def __init__(self, scene: Scene):
        self.scene = scene
        self.revision = 0
        self._done: list[UndoPoint] = []
        self._undone: list[UndoPoint] = []
        self._open: tuple[str, Scene] | None = None  # name and Scene before of the interaction under way
        self._played: tuple[str, Scene] | None = None  # the same of what plays

    def edit(self, name: str, edit: Edit[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """Change the Scene as part of an interaction called `name`; it becomes one undo point when it settles."""
        if self._open is not None and self._open[0] != name:
            self.settle()
        changed = edit(self.scene, *args, **kwargs)
        if changed == self.scene:
            return
        if self._open is None:
            self.settle_play()
            self._open = (name, self.scene)
        self._set(changed)

    def settle(self) -> None:
        """End the interaction under way, if there is one: what it changed can now be undone at once."""
        if self._open is None:
            return
        name, before = self._open
        self._open = None
        self._remember(name, before)

    def do(self, name: str, edit: Edit[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """A change that is whole by itself: edit and settle."""
        self.settle()
        self.edit(name, edit, *args, **kwargs)
        self.settle()

    def drift(self, edit: Edit[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """A change that nobody made by hand (playing noise): no undo point, and it does not end an interaction."""
        changed = edit(self.scene, *args, **kwargs)
        if changed != self.scene:
            self._set(changed)

    def play(self, name: str, edit: Edit[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """A change that the clock makes. All of them up to `settle_play` are one undo point.

        What is done by hand meanwhile divides it in two, so that undoing goes back through what was seen.
        """
        changed = edit(self.scene, *args, **kwargs)
        if changed == self.scene:
            return
        if self._open is None and self._played is None:
            self._played = (name, self.scene)
        self._set(changed)

    def settle_play(self) -> None:
        """What played has stopped: it can now be undone at once."""
        if self._played is None:
            return
        name, before = self._played
        self._played = None
        self._remember(name, before)

    def reset(self, scene: Scene) -> None:
        """Start over from a Scene with an empty history: a session was opened."""
        self._open, self._played, self._done, self._undone = None, None, [], []
        self._set(scene)

    def undo(self) -> str | None:
        """Take back the last thing done; its name, or None if there is none."""
        self.settle()
        self.settle_play()
        if not self._done:
            return None
        point = self._done.pop()
        self._undone.append(point)
        self._set(point.before)
        return point.name

    def redo(self) -> str | None:
        """Do again what was taken back last; its name, or None if there is none."""
        self.settle()
        self.settle_play()
        if not self._undone:
            return None
        point = self._undone.pop()
        self._done.append(point)
        self._set(point.after)
        return point.name

    @property
    def done(self) -> tuple[str, ...]:
        """Names of what can be undone, oldest first."""
        return tuple(point.name for point in self._done)

    @property
    def undone(self) -> tuple[str, ...]:
        """Names of what can be redone, the next one last."""
        return tuple(point.name for point in self._undone)

    def _remember(self, name: str, before: Scene) -> None:
        if before != self.scene:
            self._done = [*self._done, UndoPoint(name, before, self.scene)][-HISTORY_LENGTH:]
            self._undone = []

    def _set(self, scene: Scene) -> None:
        self.scene = scene
        self.revision += 1
