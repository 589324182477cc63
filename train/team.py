"""The processes that train together, by Lightning Fabric: one, several on a machine, or those that torchrun started."""

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeVar

import torch.distributed as dist
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor

from stylegan_core.errors import StyleScopeError

PATIENCE = timedelta(hours=6)  # of processes that wait for the first one, which may be measuring
T = TypeVar("T")


class FabricTeam:
    """A Team (see `trainer`) of Fabric's processes.

    Args:
        fabric: launched.
    """

    def __init__(self, fabric: Fabric):
        self.rank, self.processes = fabric.global_rank, fabric.world_size

    def mean(self, x: Tensor) -> Tensor:
        """Of what each process has; x itself stays as it is."""
        return self.sum(x) / self.processes if self.processes > 1 else x

    def sum(self, x: Tensor) -> Tensor:
        """Of what each process has; x itself stays as it is."""
        if self.processes > 1:
            x = x.clone()
            with _together():
                dist.all_reduce(x)
        return x

    def same(self, value: T) -> T:
        """What the first process has."""
        box = [value]
        if self.processes > 1:
            with _together():
                dist.broadcast_object_list(box)
        return box[0]

    def wait(self) -> None:
        """Until all are here."""
        if self.processes > 1:
            with _together():
                dist.barrier()


@contextlib.contextmanager
def _together() -> Iterator[None]:
    """While processes talk.

    Raises:
        StyleScopeError: one of them is gone.
    """
    try:
        yield
    except RuntimeError as error:  # of whichever library carries the messages
        raise StyleScopeError(
            "Another process of this run has ended, and this one cannot go on alone; what it printed says why. The "
            "last checkpoint is whole: the same command goes on from it."
        ) from error


def launched(accelerator: str = "auto", devices: int = 1, nodes: int = 1) -> Fabric:
    """Fabric with its processes; each runs what follows.

    Args:
        accelerator: "cpu", "cuda", or "auto" for what there is.
        devices: processes on each machine; torchrun's own number where it started this one.
        nodes: machines; the same.

    Raises:
        StyleScopeError: there are no such devices.
    """
    if dist.is_torchelastic_launched():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    strategy = DDPStrategy(timeout=PATIENCE) if devices * nodes > 1 else "auto"
    try:
        fabric = Fabric(accelerator=accelerator, devices=devices, num_nodes=nodes, strategy=strategy)
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise StyleScopeError(f"This machine cannot train like that: {str(error).rstrip('.')}.") from error
    fabric.launch()
    return fabric
