"""The processes that train together, by Lightning Fabric: one, several on a machine, or those that torchrun started."""

import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor


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
            dist.all_reduce(x)
        return x


def launched(accelerator: str = "auto", devices: int = 1, nodes: int = 1) -> Fabric:
    """Fabric with its processes; each runs what follows.

    Args:
        accelerator: "cpu", "cuda", or "auto" for what there is.
        devices: processes on each machine; torchrun's own number where it started this one.
        nodes: machines.
    """
    several = devices * nodes > 1 or dist.is_torchelastic_launched()
    fabric = Fabric(accelerator=accelerator, devices=devices, num_nodes=nodes, strategy="ddp" if several else "auto")
    fabric.launch()
    return fabric
