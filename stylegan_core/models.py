"""ModelStore: the models in memory, by digest, within a limit; the one place that turns a ModelRef into a Model."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch

from stylegan_core.checkpoint import digest, read_discriminator, read_generator, write_spec
from stylegan_core.errors import ModelFileError, ModelMissingError
from stylegan_core.model import DiscriminatorModel, Model, build_discriminator, build_generator
from stylegan_core.scene import ModelRef
from stylegan_core.spec import NetworkSpec


def _never() -> bool:
    return False


def _ignore(fraction: float) -> None:
    del fraction


def load_model(
    path: str | Path,
    device: str | torch.device = "cpu",
    which: str = "G_ema",
    progress: Callable[[float], None] = _ignore,
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


def devices() -> tuple[str, ...]:
    """Names of the devices that models can run on, the best first, "cpu" last."""
    found = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return (*found, "cpu")


class ModelStore:
    """Models by digest; least recently used ones make room. Safe to use from several threads."""

    def __init__(self, device: str | torch.device = "cpu", limit_bytes: int = 4 << 30):
        self.device = torch.device(device)
        self.limit_bytes = limit_bytes
        self._models: OrderedDict[tuple[str, str], Model] = OrderedDict()
        self._lock = threading.Lock()

    def open(
        self,
        path: str | Path,
        which: str = "G_ema",
        progress: Callable[[float], None] = _ignore,
        cancelled: Callable[[], bool] = _never,
    ) -> Model:
        """Load a file and keep it; see `load_model`."""
        return self.add(load_model(path, self.device, which, progress, cancelled), which)

    def add(self, model: Model, which: str = "G_ema") -> Model:
        """Keep a model that is already there, for `get` to find by its digest."""
        with self._lock:
            self._models[model.card.digest, which] = model
            self._models.move_to_end((model.card.digest, which))
            while len(self._models) > 1 and sum(m.num_bytes for m in self._models.values()) > self.limit_bytes:
                self._models.popitem(last=False)
        return model

    def get(self, ref: ModelRef) -> Model:
        """The model that a Scene names, from memory or from its file.

        Raises:
            ModelMissingError: it is not in memory, and its file is gone or holds another model now.
        """
        with self._lock:
            model = self._models.get((ref.digest, ref.which))
            if model is not None:
                self._models.move_to_end((ref.digest, ref.which))
        if model is None:
            model = self._reopened(ref)
        if model.device != self.device:
            model = self.add(model.to(self.device), ref.which)
        return model

    def _reopened(self, ref: ModelRef) -> Model:
        if not ref.path:
            raise ModelMissingError("The Scene names no model; open one first.")
        try:
            model = load_model(ref.path, self.device, ref.which)
        except ModelFileError as error:
            raise ModelMissingError(f"The Scene's model {ref.path} cannot be opened: {error}") from error
        if ref.digest and model.card.digest != ref.digest:
            raise ModelMissingError(
                f"{ref.path} is not the model that this Scene was made with (its content has changed); "
                "open the right file in its place."
            )
        return self.add(model, ref.which)
