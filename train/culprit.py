"""Where the first number came from that is none: the same pass once more, with every layer watched.

The pass goes the same way again, for the numbers drawn by chance are the same. So what is found is what has happened.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

Networks = Sequence[tuple[str, nn.Module]]  # by the names that people know them by


class Gather(Protocol):
    """The processes that look together."""

    rank: int
    processes: int

    def sum(self, x: Tensor) -> Tensor:
        """Of what each process has."""


class Culprit(NamedTuple):
    """Where it began.

    Attributes:
        layer: of which network, such as "b8.conv1 of G".
        what: what of it was not finite.
    """

    layer: str
    what: str

    def __str__(self) -> str:
        return f"{self.layer} ({self.what})"


WEIGHTS, OUTPUT, GIVEN = "its weights", "its output", "what it was given"
PASSED, RETURNED = "the gradient that it passed back", "the gradient that came back to it"
KINDS = (WEIGHTS, OUTPUT, GIVEN, PASSED, RETURNED)  # those that come first explain those that come later


class Watch:
    """Looks at every layer of some networks while a pass is made.

    Args:
        networks: in the order that the pass goes through them.

    Attributes:
        found: the first that was not finite, as (place in KINDS, place among all layers); None: all was.
    """

    def __init__(self, networks: Networks):
        named = [(name, title, layer) for title, net in networks for name, layer in _named(net)]
        self.layers = [(f"{name} of {title}", layer) for name, title, layer in named]
        whole = {(name, title): place for place, (name, title, layer) in enumerate(named) if _own(layer)}
        # A part of a layer that has weights itself, such as its affine, gives what it makes to that layer.
        self._wholes = [whole.get((name.rpartition(".")[0], title)) for name, title, _ in named]
        self.found: tuple[int, int] | None = None
        self._takers: dict[int, int] = {}  # the layer that was given a tensor, by the tensor's identity
        self._kept: list[Tensor] = []  # so that no identity is used twice
        self._handles: list[RemovableHandle] = []

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """While the pass is made."""
        for place, (_, layer) in enumerate(self.layers):
            own = _own(layer)
            if not all(_finite(parameter) for parameter in own):
                self._find(WEIGHTS, place)
            self._handles += [layer.register_forward_hook(self._passed(place))]
            self._handles += [p.register_hook(self._returned(place)) for p in own if p.requires_grad]
        try:
            yield
        finally:
            for handle in self._handles:
                handle.remove()
            self._takers, self._kept = {}, []

    def culprit(self, team: Gather, device: torch.device) -> Culprit | None:
        """What was found by any of the processes; to be asked by all of them.

        Args:
            team: of the processes.
            device: that it sends tensors from.
        """
        mine = torch.zeros(team.processes, 2, device=device)
        if self.found is not None:
            mine[team.rank] = torch.tensor([1 + self.found[0], self.found[1]], dtype=torch.float32, device=device)
        found = [(int(kind) - 1, int(place)) for kind, place in team.sum(mine).tolist() if kind]
        if not found:
            return None
        kind, place = min(found)
        return Culprit(self.layers[place][0], KINDS[kind])

    def _find(self, what: str, place: int) -> None:
        if self.found is None:
            self.found = KINDS.index(what), place

    def _passed(self, place: int) -> Any:
        """A forward hook: inner layers are through before those that they are parts of."""

        def hook(layer: nn.Module, given: Any, made: Any) -> None:
            del layer
            for x in _tensors(given):
                self._kept.append(x)
                self._takers.setdefault(id(x), place)
                if x.requires_grad:
                    x.register_hook(self._returned(place))
            for y in _tensors(made):
                if not _finite(y):
                    was_given = all(_finite(x) for x in _tensors(given))
                    self._find(OUTPUT if was_given else GIVEN, place)
                if y.requires_grad:
                    self._kept.append(y)
                    y.register_hook(self._arrived(y, place))

        return hook

    def _arrived(self, y: Tensor, maker: int) -> Any:
        """A gradient came back to a layer's output: was it wrong, the layer that took the output has made it so."""
        identity = id(y)

        def hook(gradient: Tensor) -> None:
            if not _finite(gradient):
                taker = self._takers.get(identity, self._wholes[maker])
                self._find(RETURNED if taker is None else PASSED, maker if taker is None else taker)

        return hook

    def _returned(self, place: int) -> Any:
        """A gradient came from a layer, to its own weights or to what it was given."""

        def hook(gradient: Tensor) -> None:
            if not _finite(gradient):
                self._find(PASSED, place)

        return hook


def _named(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """All modules but the network itself and those that only hold it."""
    return [(name.removeprefix("network."), module) for name, module in network.named_modules() if "." in name]


def _own(layer: nn.Module) -> list[nn.Parameter]:
    """Weights that are not those of its parts."""
    return list(layer.parameters(recurse=False))


def _tensors(values: Any) -> list[Tensor]:
    """Those among a module's arguments or results."""
    values = values if isinstance(values, tuple | list) else (values,)
    return [value for value in values if isinstance(value, Tensor) and value.is_floating_point()]


def _finite(x: Tensor) -> bool:
    return bool(x.detach().isfinite().all())
