"""Progressive GAN's networks of the older Theano code, put into the form of the TensorFlow code's second version.

They are pickled as `network.Network` without a version, and hold their numbers as one list in the order of the layers:
weight, the scale that equalizes it (if there is one), bias. Theano's convolutions are true ones, [out, in, h, w], where
TensorFlow correlates with [h, w, in, out]; and its scale is part of the weight, where TensorFlow's follows from the
shape.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from stylegan_core.config import MAX_RESOLUTION
from stylegan_core.errors import ModelFileError
from stylegan_core.pickle_machine import shown
from stylegan_core.unpickler import NumpyArray

FUNCTIONS = {
    "G_paper": "G_paper",
    "G_progressive_8": "G_paper",
    "D_paper": "D_paper",
    "D_progressive_8": "D_paper",
}

# What TensorFlow's code does not have. Published networks leave it at these values.
_ABSENT: dict[str, object] = {
    "label_size": 0,
    "use_batchnorm": False,
    "use_layernorm": False,
    "tanh_at_end": None,
    "mbstat_func": "Tstdeps",
    "mbstat_avg": "all",
    "mbdisc_kernels": None,
}
_WITHOUT_EFFECT = frozenset(("func", "use_gdrop"))  # multiplicative noise, in training only


class _Layer(NamedTuple):
    name: str  # TensorFlow's
    gain: float  # of the scale that TensorFlow gives the weight
    dimensions: int  # of Theano's weight
    converted: Callable[[np.ndarray], np.ndarray]


def is_state(state: dict[object, object]) -> bool:
    """Whether a network's state is one of the Theano code's."""
    return "version" not in state and "build_func_spec" in state


def converted_state(state: dict[object, object]) -> dict[object, object]:
    """The state that TensorFlow's code would pickle.

    Raises:
        ModelFileError: it is damaged, or a network that only the Theano code knew.
    """
    spec = state.get("build_func_spec")
    if not isinstance(spec, dict):
        raise ModelFileError("is damaged: the settings of a Theano network in it are not a dictionary.")
    function = spec.get("func")
    if not isinstance(function, str) or function not in FUNCTIONS:
        raise ModelFileError(
            f"is a Theano snapshot whose network is built by '{shown(function)}', not Progressive GAN."
        )
    for name, value in _ABSENT.items():
        if spec.get(name, value) != value:
            raise ModelFileError(f"has a setting {name} that only the Theano code knew.")
    settings = {name: value for name, value in spec.items() if name not in _ABSENT and name not in _WITHOUT_EFFECT}
    top = state.get("toplevel_params")
    lod = top.get("cur_lod", 0.0) if isinstance(top, dict) else 0.0
    return {
        "version": 2,
        "name": function,
        "build_func_name": FUNCTIONS[function],
        "static_kwargs": {**settings, "fused_scale": False, "mbstd_group_size": 16},
        "variables": [("lod", lod), *_variables(state.get("param_values"), function, settings)],
    }


def _variables(values: object, function: str, settings: dict[object, object]) -> Iterator[tuple[str, object]]:
    if not isinstance(values, list):
        raise ModelFileError("is damaged: the numbers of a Theano network in it are not a list.")
    resolution, equalized = settings.get("resolution", 32), settings.get("use_wscale", True) is True
    if type(resolution) is not int or not 4 <= resolution <= MAX_RESOLUTION:
        raise ModelFileError("has an unusable setting resolution: it is no whole number from 4 on, or too large.")
    layers = list((_generator_layers if function.startswith("G") else _discriminator_layers)(resolution))
    parts = 3 if equalized else 2
    if len(values) != parts * len(layers):
        raise ModelFileError(f"is damaged: a Theano network in it has {len(values)} arrays, not {parts * len(layers)}.")
    for layer, start in zip(layers, range(0, len(values), parts), strict=True):
        weight, *scale, bias = values[start : start + parts]
        if not isinstance(weight, NumpyArray) or weight.value.ndim != layer.dimensions:
            raise ModelFileError(f"is damaged: the weight of '{layer.name}' has no {layer.dimensions} dimensions.")
        tensor = layer.converted(weight.value)
        if equalized:
            deviation = layer.gain / math.sqrt(math.prod(tensor.shape[:-1]))
            tensor = tensor * (_scalar(scale[0], layer.name) / deviation)
        yield f"{layer.name}/weight", NumpyArray(tensor)
        yield f"{layer.name}/bias", bias


def _scalar(value: object, name: str) -> float:
    if isinstance(value, NumpyArray) and value.value.size == 1:
        return float(value.value.reshape(()))
    if isinstance(value, float):
        return value
    raise ModelFileError(f"is damaged: the scale of '{shown(name)}' is not one number.")


def _generator_layers(resolution: int) -> Iterator[_Layer]:
    yield _Layer("4x4/Dense", math.sqrt(2) / 4, 4, lambda w: w.transpose(1, 0, 2, 3).reshape(w.shape[1], -1))
    yield _convolution("4x4/Conv")
    blocks = range(3, resolution.bit_length())
    for i in blocks:
        yield _convolution(f"{2**i}x{2**i}/Conv0")
        yield _convolution(f"{2**i}x{2**i}/Conv1")
    for level in range(len(blocks) + 1):
        yield _pointwise(f"ToRGB_lod{level}", gain=1.0)


def _discriminator_layers(resolution: int) -> Iterator[_Layer]:
    yield _pointwise("FromRGB_lod0", gain=math.sqrt(2))
    for level, i in enumerate(range(resolution.bit_length() - 1, 2, -1)):
        yield _convolution(f"{2**i}x{2**i}/Conv0")
        yield _convolution(f"{2**i}x{2**i}/Conv1")
        yield _pointwise(f"FromRGB_lod{level + 1}", gain=math.sqrt(2))
    yield _convolution("4x4/Conv")
    yield _Layer("4x4/Dense0", math.sqrt(2), 4, lambda w: w[:, :, ::-1, ::-1].reshape(w.shape[0], -1).T)
    yield _Layer("4x4/Dense1", 1.0, 2, lambda w: w)


def _convolution(name: str) -> _Layer:
    return _Layer(name, math.sqrt(2), 4, lambda w: w[:, :, ::-1, ::-1].transpose(2, 3, 1, 0))


def _pointwise(name: str, gain: float) -> _Layer:
    return _Layer(name, gain, 2, lambda w: w[None, None])
