"""StyleScope's own model file: safetensors with the network's configuration in its metadata.

One file holds one network, or those of a training run. Tensors have the names of the official PyTorch snapshots. The
metadata of one network, all text:

    format       "stylescope"
    version      "1"
    family       "progan", "stylegan1", "stylegan2" or "stylegan3"
    role         "generator" or "discriminator"
    config       JSON: every field of the family's configuration
    description  JSON: words about the model by name, as dataset, kimg, licence

Several networks have their names before those of their tensors ("G_ema.mapping.fc0.weight"), and the metadata

    format       "stylescope"
    version      "2"
    networks     JSON: for each name ("G_ema", "G", "D") the metadata that it would have in a file of its own

A generator without `format` is read too if its `config` has the constructor arguments of the official stylegan3
repository's StyleGAN2; what they leave out has that repository's defaults, and other metadata are its description.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from stylegan_core.config import GeneratorConfig
from stylegan_core.errors import ModelFileError
from stylegan_core.family import FAMILIES, family_of, is_generator
from stylegan_core.files import write_whole
from stylegan_core.limits import MAX_NUMBERS, check_spec, checked_config
from stylegan_core.pickle_machine import shown
from stylegan_core.spec import NetworkSpec
from stylegan_core.watch import Watch

FORMAT, VERSION = "stylescope", 1
VERSION_OF_SEVERAL = 2
DISCRIMINATOR = "D"  # its name among several networks
Role = Literal["generator", "discriminator"]

FLOAT_TYPES = frozenset(("F64", "F32", "F16", "BF16"))
MAX_TENSORS = 10_000

# The official constructor's arguments, by their names here.
_FLAT = (
    "z_dim c_dim w_dim img_resolution img_channels channel_base channel_max num_fp16_res conv_clamp architecture "
    "resample_filter use_noise activation fp16_channels_last".split()
)
_MAPPING = {
    "num_layers": "mapping_layers",
    "layer_features": "mapping_layer_features",
    "embed_features": "mapping_embed_features",
    "lr_multiplier": "mapping_lr_multiplier",
}
_WITHOUT_EFFECT = frozenset(("fused_modconv_default", "w_avg_beta"))  # they change speed and training only


def read(path: Path, role: Role, watch: Watch, which: str = "G_ema") -> NetworkSpec:
    """The network in a file; of several generators the one that is called `which`.

    Raises:
        ModelFileError: it holds no network of this role, or its metadata or tensors are not as above.
    """
    with safe_open(path, framework="pt") as file:
        prefix, metadata = _one_network(file.metadata() or {}, which if role == "generator" else DISCRIMINATOR)
        held = metadata.get("role", "generator")
        if held != role:
            raise ModelFileError(f"holds a {shown(held)}, not a {role}.")
        config, description = _settings(metadata, role)
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118 - not a dictionary
        _check_sizes(file, names)
        tensors: dict[str, Tensor] = {}
        for index, name in enumerate(names):
            watch.advance(index / len(names))
            # A copy: the file is mapped, and someone may cut it short while the model is in use.
            tensors[name.removeprefix(prefix)] = file.get_tensor(name).to(torch.float32, copy=True)
    return check_spec(NetworkSpec(config, tensors, description))


def write(spec: NetworkSpec, path: Path) -> None:
    """Write a network. Whoever reads `path` meanwhile sees the old file or the new one, never a part.

    Raises:
        OSError: the file cannot be written.
    """
    _write(spec.tensors, _metadata(spec), path)


def write_several(specs: Mapping[str, NetworkSpec], path: Path) -> None:
    """Write networks under their names: "G_ema", "G", "D"; see `write`."""
    tensors = {f"{name}.{inner}": tensor for name, spec in specs.items() for inner, tensor in spec.tensors.items()}
    networks = {name: _metadata(spec) for name, spec in specs.items()}
    metadata = {
        "format": FORMAT,
        "version": str(VERSION_OF_SEVERAL),
        "networks": json.dumps(networks, ensure_ascii=False, sort_keys=True),
    }
    _write(tensors, metadata, path)


def _metadata(spec: NetworkSpec) -> dict[str, str]:
    return {
        "format": FORMAT,
        "version": str(VERSION),
        "family": family_of(spec.config).name,
        "role": "generator" if is_generator(spec.config) else "discriminator",
        "config": spec.config.model_dump_json(),
        "description": json.dumps(spec.description, ensure_ascii=False, sort_keys=True),
    }


def _write(tensors: Mapping[str, Tensor], metadata: dict[str, str], path: Path) -> None:
    # safetensors refuses tensors that share memory, hence the copy.
    copies = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    content = _ordered(save(copies, metadata))
    write_whole(path, lambda file: file.write(content))


def _ordered(content: bytes) -> bytes:
    """A safetensors file with its header's metadata sorted by name.

    The library writes them in another order each time, and a model saved twice should have one digest.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def _one_network(metadata: dict[str, str], name: str) -> tuple[str, dict[str, str]]:
    """What a network's tensors begin with, and its metadata as if the file held nothing else."""
    if metadata.get("format") != FORMAT or "networks" not in metadata:
        return "", metadata
    if metadata.get("version") != str(VERSION_OF_SEVERAL):
        version = shown(metadata.get("version", "none"))
        raise ModelFileError(f"has format version {version}; of this kind StyleScope reads {VERSION_OF_SEVERAL}.")
    networks = _json_object(metadata, "networks")
    own = networks.get(name)
    if not isinstance(own, dict):
        raise ModelFileError(f"holds no network '{name}', only {shown(', '.join(networks) or 'none')}.")
    return f"{name}.", {key: value for key, value in own.items() if isinstance(value, str)}


def _settings(metadata: dict[str, str], role: Role) -> tuple[BaseModel, dict[str, str]]:
    """Configuration and description, in our own form or the constructor's."""
    family = FAMILIES.get(metadata.get("family", "stylegan2"))
    if family is None:
        known = ", ".join(FAMILIES)
        raise ModelFileError(f"holds a network of the family '{shown(metadata['family'])}'; StyleScope reads {known}.")
    if "config" not in metadata:
        raise ModelFileError("has no 'config' in its metadata, so it was not written as a StyleGAN model.")
    values = _json_object(metadata, "config")
    if metadata.get("format") != FORMAT and family.name == "stylegan2":
        words = {name: text for name, text in metadata.items() if name not in ("family", "config", "role")}
        return checked_config(GeneratorConfig, _constructor_settings(values)), words
    if metadata.get("version") != str(VERSION):
        version = shown(metadata.get("version", "none"))
        raise ModelFileError(f"has format version {version}; this version of StyleScope reads {VERSION}.")
    description = _json_object(metadata, "description") if "description" in metadata else {}
    words = {name: text for name, text in description.items() if isinstance(text, str)}
    kind = family.generator_config if role == "generator" else family.discriminator_config
    return checked_config(kind, values), words


def _json_object(metadata: dict[str, str], field: str) -> dict[str, object]:
    try:
        value = json.loads(metadata[field])
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"has a '{field}' in its metadata that is not JSON.") from error
    if not isinstance(value, dict):
        raise ModelFileError(f"has a '{field}' in its metadata that is not a JSON object.")
    return value


def _constructor_settings(arguments: dict[str, object]) -> dict[str, object]:
    """Our names for the official constructor's arguments."""
    mapping = arguments.get("mapping_kwargs", {})
    if not isinstance(mapping, dict):
        raise ModelFileError("has an unusable setting mapping_kwargs: it is not a JSON object.")
    others = {name: value for name, value in arguments.items() if name != "mapping_kwargs"}
    values: dict[str, object] = {"num_fp16_res": 4, "conv_clamp": 256}
    for names, given in ((dict.fromkeys(_FLAT), others), (_MAPPING, mapping)):
        for name, value in given.items():
            if name in names:
                values[names[name] or name] = value
            elif name not in _WITHOUT_EFFECT:
                raise ModelFileError(f"has a setting '{shown(name)}' that StyleScope does not know.")
    return values


def _check_sizes(file: safe_open, names: list[str]) -> None:
    if not 0 < len(names) <= MAX_TENSORS:
        raise ModelFileError(f"holds {len(names)} tensors; a model has some hundred.")
    total = 0
    for name in names:
        part = file.get_slice(name)
        if part.get_dtype() not in FLOAT_TYPES:
            raise ModelFileError(f"has a tensor '{shown(name)}' of type {part.get_dtype()}; weights are floats.")
        total += torch.Size(part.get_shape()).numel()
    if total > MAX_NUMBERS:
        raise ModelFileError(f"holds more than {MAX_NUMBERS} numbers, far more than any published model.")
