"""Random numbers of a training step: from a generator that is passed in, the same on one process as on many."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Chance:
    """Draws for the samples that this process has of a batch.

    Every draw is made for the whole batch, and sample i of it is process i mod `processes`'s: so a batch gets the same
    numbers however many processes share it, if their generators are in one state. Interleaved like this, the groups of
    the minibatch standard deviation are the same too, where each process has whole ones.

    Args:
        generator: on any device; numbers are drawn there.
        rank: of this process.
        processes: how many there are.
    """

    generator: torch.Generator
    rank: int = 0
    processes: int = 1

    def normal(self, n: int, *shape: int, like: Tensor) -> Tensor:
        """Unit normal [n, *shape] in type and place of `like`; n is this process's number of samples."""
        size = (n * self.processes, *shape)
        return self._own(
            torch.randn(size, generator=self.generator, device=self.generator.device, dtype=like.dtype), like
        )

    def uniform(self, n: int, *shape: int, like: Tensor) -> Tensor:
        """Uniform in [0, 1); see `normal`."""
        size = (n * self.processes, *shape)
        return self._own(
            torch.rand(size, generator=self.generator, device=self.generator.device, dtype=like.dtype), like
        )

    def _own(self, values: Tensor, like: Tensor) -> Tensor:
        return values[self.rank :: self.processes].to(like.device)
