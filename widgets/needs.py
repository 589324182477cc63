"""What a model must be able to do for a panel, or a key, to be of use to it."""

from collections.abc import Callable
from dataclasses import dataclass

from stylegan_core.card import ModelCard
from visualizer.explorer import Explorer


@dataclass(frozen=True)
class Need:
    """Whether a model has it, and what is said of one that has not."""

    met: Callable[[ModelCard], bool]
    lack: str


# By the key of the panel. Panels that are not named here are of use to every model.
NEEDS = {
    "transform": Need(lambda card: card.can_move, "cannot move its picture"),
    "truncation": Need(lambda card: card.has_truncation, "has no mean person to truncate towards"),
    "mixing": Need(lambda card: card.num_ws > 1, "has a single style vector, of which nothing can be mixed"),
    "noise": Need(lambda card: card.has_noise, "has no noise"),
}


def useless(card: ModelCard) -> frozenset[str]:
    """Keys of the panels that are of no use to a model."""
    return frozenset(key for key, need in NEEDS.items() if not need.met(card))


def suits(card: ModelCard | None, need: str) -> bool:
    """Whether a model has what is needed (empty: nothing); while none is open, nothing is known to be amiss."""
    return not need or card is None or NEEDS[need].met(card)


def able(explorer: Explorer, need: str) -> bool:
    """Whether the open model has what is needed (empty: nothing). If not, a notice says so."""
    card = explorer.card
    if card is None or suits(card, need):
        return True
    explorer.say(f"{card.name} {NEEDS[need].lack}.")
    return False
