"""The modules of an official PyTorch snapshot, with typed access to what they hold."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from stylegan_core.errors import ModelFileError
from stylegan_core.limits import MAX_NUMBERS
from stylegan_core.pickle_machine import shown
from stylegan_core.stored_tensor import StoredTensor
from stylegan_core.unpickler import PersistentObject
from stylegan_core.watch import Watch

MAX_MODULES = 10_000  # in one network; StyleGAN3-R at 1024² has some 100
MAX_NAME = 64  # characters of one part of a dotted name
MAX_DEPTH = 8  # modules within modules; four are usual


@dataclass(frozen=True)
class Module:
    """One module of a snapshot, with typed access to what its instance dictionary holds."""

    name: str  # dotted, from the network down; "" for the network itself
    state: dict[object, object]

    def table(self, key: str) -> dict[object, object]:
        """`_parameters`, `_buffers` or `_modules`; a missing one is empty."""
        value = self.state.get(key, {})
        if not isinstance(value, dict):
            raise ModelFileError(f"is damaged: {key} of '{shown(self.name or 'network')}' is not a dictionary.")
        return value

    def children(self) -> Iterator["Module"]:
        """The modules right below."""
        for name, child in self.table("_modules").items():
            if isinstance(child, PersistentObject):
                yield Module(self._path(name), child.state)

    def has(self, name: str) -> bool:
        """Whether there is a module of this name right below."""
        return isinstance(self.table("_modules").get(name), PersistentObject)

    def child(self, name: str) -> "Module":
        """The module of this name right below."""
        child = self.table("_modules").get(name)
        if not isinstance(child, PersistentObject):
            raise ModelFileError(f"lacks the module '{shown(self._path(name))}'.")
        return Module(self._path(name), child.state)

    def tensors(self) -> Iterator[tuple[str, StoredTensor]]:
        """Parameters and buffers: the weights that a discriminator froze are buffers, and absent ones are None."""
        for table in ("_parameters", "_buffers"):
            for name, tensor in self.table(table).items():
                if isinstance(tensor, StoredTensor):
                    yield self._path(name), tensor

    def tensor(self, name: str, dimensions: int) -> StoredTensor:
        """The parameter or buffer of this name."""
        tensor = self.table("_parameters").get(name) or self.table("_buffers").get(name)
        if not isinstance(tensor, StoredTensor) or len(tensor.size) != dimensions:
            raise ModelFileError(f"lacks the tensor '{shown(self._path(name))}' of {dimensions} dimensions.")
        return tensor

    def value(self, name: str) -> object:
        """A plain attribute."""
        if name not in self.state:
            raise ModelFileError(f"lacks the setting '{shown(self._path(name))}'.")
        return self.state[name]

    def integer(self, name: str) -> int:
        """A plain attribute that is a whole number."""
        value = self.value(name)
        if type(value) is not int:
            raise ModelFileError(f"has a setting '{shown(self._path(name))}' that is not a whole number.")
        return value

    def _path(self, name: object) -> str:
        if not isinstance(name, str) or len(name) > MAX_NAME:
            raise ModelFileError("is damaged: a module or tensor in it has no proper name.")
        return f"{self.name}.{name}".lstrip(".")


def read_tensors(network: Module, watch: Watch) -> dict[str, Tensor]:
    """All parameters and buffers below a module, by dotted name.

    Raises:
        ModelFileError: there are far more numbers than any network has, or they are damaged.
        Cancelled: whoever watches said so.
    """
    stored = dict(pair for module in _walk(network) for pair in module.tensors())
    if sum(tensor.numel for tensor in stored.values()) > MAX_NUMBERS:
        raise ModelFileError(f"holds a network of more than {MAX_NUMBERS} numbers, far more than any published one.")
    tensors: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        watch.check()
        tensors[name] = tensor.read()
    return tensors


def _walk(network: Module) -> Iterator[Module]:
    """The network and all modules below. A file may share modules without end, so depth and number are bounded."""
    waiting, count = [(network, 0)], 0
    while waiting:
        module, depth = waiting.pop()
        count += 1
        if count > MAX_MODULES or depth > MAX_DEPTH:
            raise ModelFileError("is damaged: its modules are nested without end.")
        yield module
        waiting += [(child, depth + 1) for child in module.children()]
