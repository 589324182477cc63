"""The networks of an official TensorFlow snapshot as a typed view: settings, components, and variables by name.

StyleGAN1, StyleGAN2 and Progressive GAN pickle a tuple (G, D, Gs) of networks. Each holds the name of the function that
builds it, that function's keyword arguments, its variables, and (from version 3 on) networks that it is made of. Which
family a network belongs to is told in `tensorflow.py`; nothing here or there needs TensorFlow or runs anything.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from stylegan_core import tf_theano
from stylegan_core.errors import ModelFileError
from stylegan_core.limits import MAX_FILTER_TAPS, MAX_NUMBERS
from stylegan_core.pickle_machine import shown
from stylegan_core.unpickler import TF_NETWORKS, InertObject, NumpyArray

VERSIONS = (2, 3, 4)
MAX_DEPTH = 2  # components within components; one is usual
MAX_VARIABLES = 10_000  # in one network; StyleGAN1 at 1024² has some 250
MAX_SETTINGS = 200
MAX_NAME = 128  # characters

_REQUIRED = object()


@dataclass(frozen=True, eq=False)
class TfNetwork:
    """One network of a snapshot. A setting or variable that is missing or unusable is a ModelFileError."""

    name: str
    function: str  # that builds it, as "G_main", "G_style", "G_synthesis", "G_paper", "D_stylegan2"
    settings: Mapping[str, object] = field(default_factory=dict)  # keyword arguments of that function
    components: Mapping[str, "TfNetwork"] = field(default_factory=dict)  # "synthesis" and "mapping", or none
    variables: Mapping[str, np.ndarray] = field(default_factory=dict)  # as stored; numbers of any type

    def has(self, name: str) -> bool:
        """Whether there is a variable of this name."""
        return name in self.variables

    def shape(self, name: str, dimensions: int | None = None) -> tuple[int, ...]:
        """The shape of a variable, which has this number of dimensions."""
        if name not in self.variables:
            raise ModelFileError(f"lacks the variable '{shown(name)}' of its network {shown(self.name)}.")
        shape = self.variables[name].shape
        if dimensions not in (None, len(shape)):
            raise ModelFileError(f"has a variable '{shown(name)}' of {len(shape)} dimensions in place of {dimensions}.")
        return shape

    def tensor(self, name: str, dimensions: int) -> Tensor:
        """A variable with this number of dimensions, float32, in memory of its own."""
        self.shape(name, dimensions)
        with np.errstate(over="ignore"):  # what float32 does not reach is infinite, as in any other file
            return torch.from_numpy(self.variables[name].astype(np.float32, order="C", copy=True))

    def component(self, name: str) -> "TfNetwork":
        """The network of this name that this one is made of."""
        if name not in self.components:
            raise ModelFileError(f"lacks the part '{shown(name)}' of its network {shown(self.name)}.")
        return self.components[name]

    def integer(self, name: str, default: object = _REQUIRED) -> int:
        """A setting that is a whole number."""
        value = self._setting(name, default)
        if type(value) is not int:
            raise ModelFileError(f"has a setting {shown(name)} that is not a whole number.")
        return value

    def number(self, name: str, default: object = _REQUIRED) -> float:
        """A setting that is a finite number."""
        value = self._setting(name, default)
        if type(value) not in (int, float) or not _finite(value):
            raise ModelFileError(f"has a setting {shown(name)} that is not a number.")
        return float(value)  # type: ignore[arg-type]  # checked above

    def flag(self, name: str, default: object = _REQUIRED) -> bool:
        """A setting that is true or false."""
        value = self._setting(name, default)
        if type(value) is not bool:
            raise ModelFileError(f"has a setting {shown(name)} that is neither True nor False.")
        return value

    def text(self, name: str, default: object = _REQUIRED) -> str:
        """A setting that is a word."""
        value = self._setting(name, default)
        if not isinstance(value, str):
            raise ModelFileError(f"has a setting {shown(name)} that is not a word.")
        return value

    def taps(self, name: str, default: tuple[float, ...] | None) -> tuple[float, ...] | None:
        """A setting that is a short 1-D filter, or None for no filter."""
        value = self._setting(name, default)
        if value is None:
            return None
        value = value.value.tolist() if isinstance(value, NumpyArray) and value.value.ndim == 1 else value
        if (
            not isinstance(value, list | tuple)
            or not 1 <= len(value) <= MAX_FILTER_TAPS
            or not all(type(tap) in (int, float) and _finite(tap) for tap in value)
        ):
            raise ModelFileError(f"has a setting {shown(name)} that is not a few numbers.")
        return tuple(map(float, value))

    def _setting(self, name: str, default: object) -> object:
        value = self.settings.get(name, default)
        if value is _REQUIRED:
            raise ModelFileError(f"lacks the setting {shown(name)} of its network {shown(self.name)}.")
        return value


def _finite(value: object) -> bool:
    try:
        return math.isfinite(value)  # type: ignore[arg-type]  # only called with numbers
    except OverflowError:  # a whole number beyond any float
        return False


def is_snapshot(content: object) -> bool:
    """Whether a pickle's content looks like networks of the TensorFlow code."""
    items = content if isinstance(content, tuple) else (content,)
    return any(isinstance(item, InertObject) and item.class_name in TF_NETWORKS for item in items)


def network(snapshot: object, key: str) -> TfNetwork:
    """One of the networks of a snapshot (G, D, Gs).

    Args:
        snapshot: as `unpickler.read_snapshot` gives it.
        key: "G_ema" (Gs, the running mean), "G" or "D".

    Raises:
        ModelFileError: there is no such network, or it is damaged.
    """
    if not isinstance(snapshot, tuple) or len(snapshot) != 3:
        raise ModelFileError("is a TensorFlow pickle, but not the three networks (G, D, Gs) of a snapshot.")
    item = snapshot[{"G": 0, "D": 1, "G_ema": 2}[key]]
    if not isinstance(item, InertObject) or item.class_name not in TF_NETWORKS:
        raise ModelFileError(f"holds no network '{shown(key)}' where a TensorFlow snapshot has it.")
    found = _view(item, depth=0)
    parts = (found, *found.components.values())
    if sum(value.size for part in parts for value in part.variables.values()) > MAX_NUMBERS:
        raise ModelFileError(f"holds a network of more than {MAX_NUMBERS} numbers, far more than any published one.")
    return found


def _view(item: InertObject, depth: int) -> TfNetwork:
    if depth >= MAX_DEPTH:  # a file may nest networks without end
        raise ModelFileError("is damaged: its networks are nested too deep.")
    state = tf_theano.converted_state(item.state) if tf_theano.is_state(item.state) else item.state
    version = state.get("version")
    if type(version) is not int or version not in VERSIONS:
        words = version if type(version) is int and 0 <= version < 1000 else "unknown"
        raise ModelFileError(f"has TensorFlow networks of version {words}; StyleScope reads 2, 3 and 4.")
    components = _table(state.get("components", {}), "components")
    if not all(isinstance(part, InertObject) and part.class_name in TF_NETWORKS for part in components.values()):
        raise ModelFileError("is damaged: a network in it is made of something other than networks.")
    return TfNetwork(
        name=_name(state.get("name")),
        function=_name(state.get("build_func_name")),
        settings=_table(state.get("static_kwargs"), "settings"),
        components={name: _view(part, depth + 1) for name, part in components.items() if isinstance(part, InertObject)},
        variables=_variables(state.get("variables")),
    )


def _name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        raise ModelFileError("is damaged: a network, setting or variable in it has no proper name.")
    return value


def _table(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict) or len(value) > MAX_SETTINGS:
        raise ModelFileError(f"is damaged: the {what} of a network in it are not a short dictionary.")
    return {_name(name): item for name, item in value.items()}


def _variables(pairs: object) -> dict[str, np.ndarray]:
    if not isinstance(pairs, list) or len(pairs) > MAX_VARIABLES:
        raise ModelFileError("is damaged: the variables of a network in it are not a list.")
    found: dict[str, np.ndarray] = {}
    for pair in pairs:
        match pair:
            case (str(name), NumpyArray(value)):
                found[_name(name)] = value
            case (str(name), int(number) | float(number)) if _finite(number):  # has no dimensions
                found[_name(name)] = np.asarray(number, np.float64)
            case _:
                raise ModelFileError("is damaged: a variable of a network in it is not a name with numbers.")
    if len(found) < len(pairs):
        raise ModelFileError("is damaged: two variables of a network in it have the same name.")
    return found
