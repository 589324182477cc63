"""The Remote: OSC messages under /stylescope/ set the Scene itself, as a hand does, and do a few things by name.

docs/osc.md lists the addresses; `address_table` writes that list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from stylegan_core.card import ModelCard
from stylegan_core.parameters import Parameter, ParameterError, parameter, parameters
from stylegan_core.scene import Scene
from visualizer.signals.osc import COMMANDS
from visualizer.store import Store

NAME = "OSC"  # of the undo point that all messages up to a rest are
REST_S = 0.5  # without messages, after which what they changed can be undone at once
MOST_TOLD = 64  # addresses that somebody was told of that they are none

# Addresses that there are many of: N, M and L stand for numbers counted from 0 and the name of a layer.
PATTERNS = {
    "truncation/layers/N": "Psi of style vector N",
    "noise/layers/N": "Noise of layer N, of those that take noise",
    "classes/N/weight": "Weight of class N",
    "mixing/M/seed": "Seed of person M mixed in",
    "mixing/M/x": "The same person: across",
    "mixing/M/y": "The same person: down",
    "mixing/M/amount": "How much of person M, in all style vectors",
    "mixing/M/amounts/N": "How much of person M in style vector N",
    "channels/L/N": "Gain of feature map N of layer L",
    "styles/L/N": "What is added to style N of layer L",
}
FIRST = str.maketrans({"N": "0", "M": "0", "L": "b4.conv1"})

Act = Callable[[float], None]  # given the message's number, 1 if it has none


class Remote:
    """See the module. It belongs to the UI thread.

    Args:
        store: of the Scene.
        acts: what else can be done, by name. A 0, as a button sends that is let go, does nothing but seek.
        say: tells the person at the window of an address that is none.
    """

    def __init__(self, store: Store[Scene], acts: Mapping[str, Act], say: Callable[[str], None]):
        self._store, self._acts, self._say = store, acts, say
        self._moved_s: float | None = None  # when messages last changed the Scene, in an interaction that is open
        self._told: set[str] = set()

    def tick(self, commands: Mapping[str, tuple[float, ...]], card: ModelCard | None, now_s: float) -> None:
        """Once a frame: do what the newest messages say, one after the other.

        Args:
            commands: the numbers of each address, in the order in which they came.
            card: of the model shown; None: there is none yet.
            now_s: the time in seconds.
        """
        changes: list[tuple[Parameter, float]] = []
        for address, numbers in commands.items():
            name = address.removeprefix(COMMANDS)
            if name in self._acts:
                self._change(changes, now_s)  # first, so that undoing takes them back too
                changes = []
                self._act(name, numbers[0] if numbers else 1.0)
            elif (found := self._parameter(name, card)) is not None and numbers:
                changes.append((found, numbers[0]))
        self._change(changes, now_s)
        if self._moved_s is not None and now_s - self._moved_s >= REST_S:
            self._moved_s = None
            if self._store.under_way == NAME:
                self._store.settle()

    def _change(self, changes: Sequence[tuple[Parameter, float]], now_s: float) -> None:
        if not changes:
            return

        def changed(scene: Scene) -> Scene:
            for item, value in changes:
                scene = item.set(scene, value)
            return scene

        if self._store.under_way in (None, NAME):
            self._store.edit(NAME, changed)
            self._moved_s = now_s
        else:
            self._store.drift(changed)  # a hand is at it too: its interaction goes on, and takes this in

    def _act(self, name: str, number: float) -> None:
        if number != 0 or name == "seek":
            self._acts[name](number)

    def _parameter(self, address: str, card: ModelCard | None) -> Parameter | None:
        try:
            return parameter(address, card)
        except ParameterError as error:
            if address not in self._told and len(self._told) < MOST_TOLD:
                self._told.add(address)
                self._say(f"OSC: {error}")
        return None


def address_table() -> str:
    """The table of addresses in docs/osc.md: the numbers that every Scene has, then those of layers and edits."""
    fixed = [(item.address, item) for item in parameters() if not item.address.startswith("mixing/")]
    several = [(pattern, replace(parameter(pattern.translate(FIRST)), name=name)) for pattern, name in PATTERNS.items()]
    lines = ["| address | what it sets | from | to | unit |", "| --- | --- | ---: | ---: | --- |"]
    for address, item in fixed + several:
        low, high = (f"{limit:.10g}" for limit in item.limits)
        notes = [item.unit, "whole" if item.whole else "", "goes round" if item.wraps else ""]
        words = ", ".join(note for note in notes if note)
        lines.append(f"| `{COMMANDS}{address}` | {item.name} | {low} | {high} | {words} |")
    return "\n".join(lines) + "\n"
