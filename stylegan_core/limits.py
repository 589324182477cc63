"""What a model file may claim: limits, and the checks that are made before a claim costs any memory."""

import math
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from stylegan_core.config import NetworkConfig
from stylegan_core.errors import ModelFileError
from stylegan_core.family import empty_network
from stylegan_core.pickle_machine import shown
from stylegan_core.spec import NetworkSpec

MAX_FILE_BYTES = 8 << 30
MAX_NUMBERS = 1 << 30  # in one network; the largest published ones have a quarter of that
MAX_FILTER_TAPS = 16

Config = TypeVar("Config", bound=BaseModel)


def checked_config(kind: type[Config], values: dict[str, object]) -> Config:
    """A configuration from what a file says.

    Raises:
        ModelFileError: a value is missing, of the wrong type, or outside its range; the message names the field.
    """
    taps = values.get("resample_filter", ())
    if not isinstance(taps, tuple | list) or len(taps) > MAX_FILTER_TAPS:
        raise ModelFileError(f"has an unusable setting resample_filter: at most {MAX_FILTER_TAPS} numbers are allowed.")
    try:
        config = kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))  # empty for what concerns several fields
        message = shown(first["msg"].removeprefix("Value error, "), 160)
        raise ModelFileError(f"has an unusable setting{f' {shown(field)}' if field else ''}: {message}.") from error
    if isinstance(config, NetworkConfig):
        _check_stylegan2(config)
    return config


def _check_stylegan2(config: NetworkConfig) -> None:
    clamp, taps = config.conv_clamp, config.resample_filter
    if clamp is not None and not 0 < clamp < math.inf:
        raise ModelFileError("has an unusable setting conv_clamp: it is not a positive number.")
    if not 0 < abs(sum(taps)) < math.inf:
        raise ModelFileError("has an unusable setting resample_filter: its sum is not a number other than 0.")
    if not 0 < config.mapping_lr_multiplier < math.inf:
        raise ModelFileError("has an unusable setting mapping_lr_multiplier: it is not a positive number.")
    if config.channels(config.img_resolution) < 1:
        raise ModelFileError("has an unusable setting channel_base: it leaves the finest layers no channels.")


def channel_rule(widths: dict[int, int], declared: tuple[object, object] = (None, None)) -> tuple[int, int]:
    """The (channel_base, channel_max) that give these widths: min(channel_base // resolution, channel_max).

    Args:
        widths: feature maps by resolution, from the shapes of weights.
        declared: the two numbers as the file has them; taken if they fit, for several pairs may.

    Raises:
        ModelFileError: no pair does.
    """
    widest = max(widths.values())
    smallest_base = max(resolution * width for resolution, width in widths.items())
    for base, most in (declared, (smallest_base, widest)):
        if type(base) is not int or type(most) is not int:
            continue
        if all(min(base // resolution, most) == width for resolution, width in widths.items()):
            return base, most
    raise ModelFileError("has layer widths that do not follow min(channel_base / resolution, channel_max).")


def check_spec(spec: NetworkSpec) -> NetworkSpec:
    """The same spec, if its tensors hold as many numbers as the networks that its configuration describes.

    So whoever builds the network allocates no more than the file itself has brought along.
    """
    held, needed = sum(tensor.numel() for tensor in spec.tensors.values()), parameter_count(spec.config)
    if held < needed:
        raise ModelFileError(f"holds {held} numbers where its configuration asks for {needed}: weights are missing.")
    return spec


def parameter_count(config: object) -> int:
    """How many trainable numbers a network of this configuration has."""
    return sum(parameter.numel() for parameter in empty_network(config).parameters())
