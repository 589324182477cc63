"""The Store: a value on the UI thread that edits change, such as the base Scene or the walk; and its undo history.

A drag is many edits and one undo point: edits of one name form an interaction, which ends when the control is let go
(`settle`) or when an edit of another name begins. Stores that share a History are undone in the order in which things
were done, whichever of them it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

from stylegan_core.scene import Scene

P = ParamSpec("P")
V = TypeVar("V")
EditOf = Callable[Concatenate[V, P], V]
Edit = Callable[Concatenate[Scene, P], Scene]

HISTORY_LENGTH = 500  # undo points; a Scene is a few hundred bytes, and walks share what they have in common


@dataclass(frozen=True, eq=False)
class UndoPoint:
    """What was done in which store, the values before and after, and its place in the order of beginnings."""

    store: "Store[Any]"
    name: str
    before: Any
    after: Any
    begun: int
    played: bool = False  # by the clock, not by hand


class _Begun(NamedTuple):
    """What is under way: its name, the value before, and its place in the order of beginnings."""

    name: str
    before: Any
    at: int


class History:
    """Undo points of all stores that share it."""

    def __init__(self) -> None:
        self._stores: list[Store[Any]] = []
        self._done: list[UndoPoint] = []
        self._undone: list[UndoPoint] = []
        self._count = count()

    def join(self, store: "Store[Any]") -> None:
        """Keep the undo points of one more store."""
        self._stores.append(store)

    def next(self) -> int:
        """The place of what begins now."""
        return next(self._count)

    def remember(self, point: UndoPoint) -> None:
        """One more thing is done. What was undone is forgotten; by what the clock did, only that of the same store.

        It stands where it began: what was done elsewhere while something played is taken back first.
        """
        place = len(self._done)
        while place and self._done[place - 1].begun > point.begun:
            place -= 1
        self._done = [*self._done[:place], point, *self._done[place:]][-HISTORY_LENGTH:]
        self._undone = [] if not point.played else [other for other in self._undone if other.store is not point.store]

    def reopen(self, store: "Store[Any]", name: str) -> UndoPoint | None:
        """Take out the last undo point of a store, to go on with it, if it played under this name."""
        point = next((point for point in reversed(self._done) if point.store is store), None)
        if point is None or not point.played or point.name != name:
            return None
        self._done = [other for other in self._done if other is not point]
        return point

    def forget(self, store: "Store[Any]") -> None:
        """Drop the undo points of one store."""
        self._done = [point for point in self._done if point.store is not store]
        self._undone = [point for point in self._undone if point.store is not store]

    def undo(self) -> str | None:
        """Take back the last thing done; its name, or None if there is none."""
        self._settle()
        if not self._done:
            return None
        point = self._done.pop()
        self._undone.append(point)
        point.store.put_back(point.before)
        return point.name

    def redo(self) -> str | None:
        """Do again what was taken back last; its name, or None if there is none."""
        self._settle()
        if not self._undone:
            return None
        point = self._undone.pop()
        self._done.append(replace(point, begun=self.next()))
        point.store.put_back(point.after)
        return point.name

    @property
    def done(self) -> tuple[str, ...]:
        """Names of what can be undone, oldest first."""
        return tuple(point.name for point in self._done)

    @property
    def undone(self) -> tuple[str, ...]:
        """Names of what can be redone, the next one last."""
        return tuple(point.name for point in self._undone)

    def _settle(self) -> None:
        for store in self._stores:
            store.settle()
            store.settle_play()


class Store(Generic[V]):
    """Holds a value that the window shows. Every change goes through an edit; `revision` counts them.

    Args:
        value: what it is at first.
        history: where its undo points go; None: one of its own.
    """

    def __init__(self, value: V, history: History | None = None):
        self.value = value
        self.revision = 0
        self.history = history or History()
        self.history.join(self)
        self._open: _Begun | None = None  # the interaction under way
        self._played: _Begun | None = None  # what plays

    @property
    def scene(self: "Store[Scene]") -> Scene:
        """The value, of a store of Scenes."""
        return self.value

    def edit(self, name: str, edit: EditOf[V, P], *args: P.args, **kwargs: P.kwargs) -> None:
        """Change the value as part of an interaction called `name`; it becomes one undo point when it settles."""
        if self._open is not None and self._open.name != name:
            self.settle()
        changed = edit(self.value, *args, **kwargs)
        if changed == self.value:
            return
        if self._open is None:
            self.settle_play()
            self._open = _Begun(name, self.value, self.history.next())
        self.put_back(changed)

    def settle(self) -> None:
        """End the interaction under way, if there is one: what it changed can now be undone at once."""
        begun, self._open = self._open, None
        self._remember(begun)

    def do(self, name: str, edit: EditOf[V, P], *args: P.args, **kwargs: P.kwargs) -> None:
        """A change that is whole by itself: edit and settle."""
        self.settle()
        self.edit(name, edit, *args, **kwargs)
        self.settle()

    def drift(self, edit: EditOf[V, P], *args: P.args, **kwargs: P.kwargs) -> None:
        """A change that nobody made by hand (playing noise): no undo point, and it does not end an interaction."""
        changed = edit(self.value, *args, **kwargs)
        if changed != self.value:
            self.put_back(changed)

    def play(self, name: str, edit: EditOf[V, P], *args: P.args, **kwargs: P.kwargs) -> None:
        """A change that the clock makes. All of them up to `settle_play` are one undo point.

        What is done by hand meanwhile divides it in two, so that undoing goes back through what was seen.
        """
        changed = edit(self.value, *args, **kwargs)
        if changed == self.value:
            return
        if self._open is None and self._played is None:
            self._played = _Begun(name, self.value, self.history.next())
        self.put_back(changed)

    def play_on(self, name: str) -> None:
        """What plays next is one undo point with what played last, if nothing was done here by hand in between."""
        if self._open is None and self._played is None:
            point = self.history.reopen(self, name)
            self._played = None if point is None else _Begun(name, point.before, point.begun)

    def settle_play(self) -> None:
        """What played has stopped: it can now be undone at once."""
        begun, self._played = self._played, None
        self._remember(begun, played=True)

    def reset(self, value: V) -> None:
        """Start over from a value with an empty history: a session was opened."""
        self._open = self._played = None
        self.history.forget(self)
        self.put_back(value)

    @property
    def under_way(self) -> str | None:
        """The name of the interaction that has not settled yet."""
        return None if self._open is None else self._open.name

    def undo(self) -> str | None:
        """Take back the last thing done; see `History.undo`."""
        return self.history.undo()

    def redo(self) -> str | None:
        """Do again what was taken back last; see `History.redo`."""
        return self.history.redo()

    @property
    def done(self) -> tuple[str, ...]:
        """Names of what can be undone, oldest first, in all stores that share the history."""
        return self.history.done

    @property
    def undone(self) -> tuple[str, ...]:
        """Names of what can be redone, the next one last, in all stores that share the history."""
        return self.history.undone

    def put_back(self, value: V) -> None:
        """Another value, of which the history knows already."""
        self.value = value
        self.revision += 1

    def _remember(self, begun: _Begun | None, played: bool = False) -> None:
        if begun is not None and begun.before != self.value:
            self.history.remember(UndoPoint(self, begun.name, begun.before, self.value, begun.at, played))
