"""Memory of the live application: its models and remembered steps of synthesis, their limits, and making room."""

from collections.abc import Callable
from typing import TypeVar

import torch

from stylegan_core import memory
from stylegan_core.errors import StyleScopeError
from stylegan_core.models import ModelStore
from stylegan_core.scene import ModelRef
from stylegan_core.stage_cache import StageCache
from visualizer.session import Session

R = TypeVar("R")


class Memory:
    """One store of models and one cache of steps for all that makes pictures. Safe to use from several threads."""

    def __init__(self, device: str, session: Session):
        self.steps = StageCache(0)
        self.models = ModelStore(device, evicted=self.steps.forget)
        self._held: tuple[ModelRef, ...] = ()
        self.limit(session)

    @property
    def num_bytes(self) -> int:
        """What models and steps take."""
        return self.models.num_bytes + self.steps.num_bytes

    @property
    def process_bytes(self) -> int:
        """What this process has of the computer's memory."""
        return memory.device_bytes_used(torch.device("cpu"))

    @property
    def device_bytes(self) -> int:
        """What is taken on the device that pictures are made on."""
        return memory.device_bytes_used(self.models.device)

    @property
    def total_bytes(self) -> int:
        """What that device has."""
        return memory.device_bytes(self.models.device)

    def limit(self, session: Session) -> None:
        """Set the limits that a person chose, or shares of the memory of the device that is used now."""
        device = self.models.device
        self.models.set_limit(_bytes(session.models_mib, memory.models_limit(device)))
        self.steps.set_limit(_bytes(session.steps_mib, memory.steps_limit(device)))

    def hold(self, *shown: ModelRef) -> None:
        """These may not make room for others; may be called at every frame, by one thread."""
        if shown != self._held:
            self._held = shown
            self.models.hold(*shown)

    def free(self) -> None:
        """Give back everything but the models that are shown."""
        self.steps.clear()
        self.models.make_room()
        memory.release()

    def read(self, name: str, function: Callable[[], R]) -> R:
        """Call what reads a model; where memory runs out, once more with all that can be spared given back.

        Raises:
            StyleScopeError: there is no memory for it; the sentence calls it by `name`.
        """
        found = memory.attempt(function)
        if found is None:
            self.free()
            found = memory.attempt(function)
        if found is None:
            raise StyleScopeError(f"There is no memory left to open {name}; close other programs, or models shown.")
        return found


def _bytes(mib: int | None, default: int) -> int:
    return default if mib is None else mib * memory.MIB
