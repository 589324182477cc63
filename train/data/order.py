"""In which order pictures come: shuffled without end, a pure function of a seed and a place in the stream.

So all that a run has to remember of its data is one integer, however many processes took part and whatever became of
them. Only raw bits of NumPy's Philox are used, whose stream NumPy promises never to change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

MAX_SEED = 2**63 - 1  # of a data set's order


@dataclass(frozen=True)
class Order:
    """An endless stream of numbers below `count`: one permutation of them after the other, no two alike.

    Attributes:
        count: how many pictures there are.
        seed: which stream, 0 to MAX_SEED.
    """

    count: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"there is no order of {self.count} pictures by seed {self.seed}")

    def __getitem__(self, position: int) -> int:
        """The picture at a place in the stream, 0 or more."""
        epoch, place = divmod(position, self.count)
        return int(permutation(self.count, self.seed, epoch)[place])

    def take(self, positions: Sequence[int]) -> list[int]:
        """The pictures at these places."""
        return [self[position] for position in positions]


@dataclass(frozen=True)
class Share:
    """What one process takes of a global batch: every `ranks`-th picture, as `Chance` shares out its numbers.

    So each picture meets the same numbers, and the same others in the minibatch standard deviation, however many
    processes there are.

    Attributes:
        batch: pictures that all processes take together, for one step of the optimiser.
        rank: which process this is, 0 to ranks - 1.
        ranks: how many there are.
        piece: pictures that the process takes at a time; None for its whole share.
    """

    batch: int
    rank: int = 0
    ranks: int = 1
    piece: int | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.rank < self.ranks and self.batch > 0 and self.batch % self.ranks == 0):
            raise ValueError(f"a batch of {self.batch} has no equal share for process {self.rank} of {self.ranks}")
        if self.piece is not None and (self.piece < 1 or self.size % self.piece):
            raise ValueError(f"a share of {self.size} pictures has no equal pieces of {self.piece}")

    @property
    def size(self) -> int:
        """Pictures of the batch that this process takes."""
        return self.batch // self.ranks

    def pieces(self, position: int) -> list[range]:
        """The places in the stream that this process takes of the batch that begins at `position`, piece by piece."""
        step = (self.piece or self.size) * self.ranks
        return [
            range(start + self.rank, start + step, self.ranks) for start in range(position, position + self.batch, step)
        ]


def chosen(count: int, most: int, seed: int) -> np.ndarray:
    """Which pictures of `count` make up a smaller set of `most`, sorted; the larger of two sets contains the other."""
    return np.sort(_shuffled(count, seed, 2**64 - 1)[:most])


@lru_cache(maxsize=4)
def permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    """How pictures are ordered in an epoch: int64 [count], not to be written to."""
    return _shuffled(count, seed, epoch)


def _shuffled(count: int, seed: int, stream: int) -> np.ndarray:
    bits = np.random.Philox(key=np.array([seed, stream], np.uint64)).random_raw(count)
    order = np.argsort(bits, kind="stable")
    order.flags.writeable = False
    return order
