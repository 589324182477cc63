"""ModelStore: the models in memory, by digest, within a limit; the one place that turns a ModelRef into a Model."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from stylegan_core.centres import CentreStore
from stylegan_core.checkpoint import digest, read_discriminator, read_generator, write_spec
from stylegan_core.errors import ModelFileError, ModelMissingError
from stylegan_core.memory import models_limit, release
from stylegan_core.model import DiscriminatorModel, Model, build_discriminator, build_generator, half_dtype
from stylegan_core.scene import ModelRef
from stylegan_core.spec import NetworkSpec
from stylegan_core.watch import Progress, untold


def _never() -> bool:
    return False


def load_model(
    path: str | Path,
    device: str | torch.device = "cpu",
    which: str = "G_ema",
    progress: Progress = untold,
    cancelled: Callable[[], bool] = _never,
) -> Model:
    """Read a generator from a file, without executing anything from it.

    Args:
        path: an official .pkl snapshot, a rosinality .pt or our own .safetensors; told apart by content.
        device: where it will run.
        which: "G_ema", the moving average that pictures are made with, or "G", the one in training.
        progress: called with the share done, 0 to 1.
        cancelled: asked now and then; True ends the loading.

    Raises:
        ModelFileError: one sentence that says what is wrong with the file.
        Cancelled: `cancelled` said so.
    """
    path = Path(path)
    spec = read_generator(path, which=which, progress=progress, cancelled=cancelled)
    return build_generator(spec, digest(path, cancelled=cancelled), path.stem, device)


def load_discriminator(path: str | Path, device: str | torch.device = "cpu") -> DiscriminatorModel:
    """Read a discriminator from a file; see `load_model`."""
    path = Path(path)
    return build_discriminator(read_discriminator(path), path.stem, device)


def save_model(model: Model, path: str | Path) -> None:
    """Write a generator as .safetensors, weights and configuration in one file. All or nothing."""
    state = {name: tensor.cpu() for name, tensor in model.network.state_dict().items()}
    write_spec(NetworkSpec(model.network.config, state, model.card.description), Path(path))


def half_name(device: str) -> str:
    """What 16 bits are called that a device computes with quicker than with float32; "" if there are none."""
    dtype = half_dtype(torch.device(device))
    return "" if dtype is None else str(dtype).removeprefix("torch.")


def devices() -> tuple[str, ...]:
    """Names of the devices that models can run on, the best first, "cpu" last."""
    found = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return (*found, "cpu")


def _nobody(digest: str) -> None:
    del digest


Key = tuple[str, str]  # digest, and which of the file's generators


@dataclass(frozen=True)
class Kept:
    """A model in memory."""

    model: Model
    num_bytes: int
    held: bool = False  # it stays whatever the limit


class ModelStore:
    """Models by digest, within a limit: the least recently used make room. Safe to use from several threads.

    The newest is kept however large it is, and so are those that are held.

    Args:
        device: where models are handed out.
        limit_bytes: of all models together; None: a share of the device's memory.
        evicted: called with the digest of a model that has made room, on the thread that brought the next.
    """

    def __init__(
        self,
        device: str | torch.device = "cpu",
        limit_bytes: int | None = None,
        evicted: Callable[[str], None] = _nobody,
    ):
        self.device = torch.device(device)
        self.limit_bytes = models_limit(self.device) if limit_bytes is None else limit_bytes
        self.centres = CentreStore()  # of these models, for all that make pictures with them
        self._evicted = evicted
        self._models: OrderedDict[Key, tuple[Model, int]] = OrderedDict()  # with their sizes in bytes
        self._held: frozenset[Key] = frozenset()
        self._lock = threading.Lock()
        self._reading = threading.Lock()  # two threads that want one model read it once

    @property
    def num_bytes(self) -> int:
        """Memory of all models."""
        with self._lock:
            return self._total()

    def kept(self) -> tuple[Kept, ...]:
        """The models in memory, the most recently used first."""
        with self._lock:
            found = [Kept(model, size, key in self._held) for key, (model, size) in self._models.items()]
        return tuple(reversed(found))

    def has(self, ref: ModelRef) -> bool:
        """Whether `get` will find the model in memory. It does not count as used."""
        with self._lock:
            return (ref.digest, ref.which) in self._models

    def hold(self, *refs: ModelRef) -> None:
        """Never let these models make room, in place of those held so far: the window's pictures are made with them."""
        with self._lock:
            self._held = frozenset((ref.digest, ref.which) for ref in refs)
            dropped = self._fit(self.limit_bytes)
        self._tell(dropped)

    def set_limit(self, limit_bytes: int) -> None:
        """Change the limit, at once."""
        with self._lock:
            self.limit_bytes = limit_bytes
            dropped = self._fit(limit_bytes)
        self._tell(dropped)

    def make_room(self, ref: ModelRef | None = None) -> None:
        """Drop all models but this one and those that are held."""
        with self._lock:
            newest = (ref.digest, ref.which) if ref is not None else None
            dropped = self._fit(0, newest)
        self._tell(dropped)

    def open(
        self,
        path: str | Path,
        which: str = "G_ema",
        progress: Progress = untold,
        cancelled: Callable[[], bool] = _never,
    ) -> Model:
        """Load a file and keep it; see `load_model`."""
        return self.add(load_model(path, self.device, which, progress, cancelled), which)

    def add(self, model: Model, which: str = "G_ema") -> Model:
        """Keep a model that is already there, for `get` to find by its digest."""
        key = (model.card.digest, which)
        with self._lock:
            self._models[key] = model, model.num_bytes
            self._models.move_to_end(key)
            dropped = self._fit(self.limit_bytes, key)
        self._tell(dropped)
        if dropped:  # else the C library keeps twice as much as the models that are left
            release()
        return model

    def get(
        self,
        ref: ModelRef,
        progress: Progress = untold,
        cancelled: Callable[[], bool] = _never,
    ) -> Model:
        """The model that a Scene names, from memory or, where it has made room for others, from its file.

        Raises:
            ModelMissingError: it is not in memory, and its file is gone or holds another model now.
            Cancelled: `cancelled` said so while it was read.
        """
        model = self._found(ref)
        if model is None:
            with self._reading:
                model = self._found(ref) or self._reopened(ref, progress, cancelled)
        if model.device != self.device:
            model = self.add(model.to(self.device), ref.which)
        return model

    def _found(self, ref: ModelRef) -> Model | None:
        key = (ref.digest, ref.which)
        with self._lock:
            if key not in self._models:
                return None
            self._models.move_to_end(key)
            return self._models[key][0]

    def _reopened(self, ref: ModelRef, progress: Progress, cancelled: Callable[[], bool]) -> Model:
        if not ref.path:
            raise ModelMissingError("The Scene names no model; open one first.")
        try:
            model = load_model(ref.path, self.device, ref.which, progress, cancelled)
        except ModelFileError as error:
            raise ModelMissingError(f"The Scene's model {ref.path} cannot be opened: {error}") from error
        if ref.digest and model.card.digest != ref.digest:
            raise ModelMissingError(
                f"{ref.path} is not the model that this Scene was made with (its content has changed); "
                "open the right file in its place."
            )
        return self.add(model, ref.which)

    def _total(self) -> int:
        return sum(size for _, size in self._models.values())

    def _fit(self, limit_bytes: int, newest: Key | None = None) -> list[str]:
        """Under the lock: drop the least recently used over a limit, not those held. The digests of those dropped."""
        dropped = []
        for key in [key for key in self._models if key != newest and key not in self._held]:
            if self._total() <= limit_bytes:
                break
            del self._models[key]
            dropped.append(key[0])
        return dropped

    def _tell(self, dropped: list[str]) -> None:
        for gone in dropped:
            self._evicted(gone)
