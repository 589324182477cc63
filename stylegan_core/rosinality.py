"""Checkpoints of rosinality/stylegan2-pytorch (.pt) as NetworkSpecs.

That implementation and the official one compute the same function of the same numbers: equalized learning rate, noise,
activation gain, up-convolution without flipping, blur and minibatch deviation agree. They differ in names, in added
dimensions of size 1, and in that the resampling kernels of the generator hold the gain of 4 that the official code
applies when it runs. The mean of w stands beside the networks, or nowhere; then it is estimated here.

Settings that leave no trace in the weights are that implementation's constants: learning rate multiplier 0.01, leaky
ReLU, groups of 4 with one deviation map, no clamping.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.config import MAX_RESOLUTION, DiscriminatorConfig, GeneratorConfig
from stylegan_core.errors import ModelFileError
from stylegan_core.limits import MAX_NUMBERS, channel_rule, check_spec, checked_config
from stylegan_core.pickle_machine import shown
from stylegan_core.spec import NetworkSpec
from stylegan_core.stored_tensor import StoredTensor
from stylegan_core.watch import Watch

LR_MULTIPLIER = 0.01
W_AVG_SEEDS = 4096  # as many as that implementation averages when it generates

KEYS = {"G_ema": "g_ema", "G": "g", "D": "d"}


class StateDict:
    """The weights of one network: read once each, checked for the number of dimensions."""

    def __init__(self, values: Mapping[object, object], watch: Watch):
        stored = {str(name): value for name, value in values.items() if isinstance(value, StoredTensor)}
        if sum(tensor.numel for tensor in stored.values()) > MAX_NUMBERS:
            raise ModelFileError(f"holds a network of more than {MAX_NUMBERS} numbers, more than any published one.")
        self._stored, self._watch, self._unread = stored, watch, set(stored)

    def __contains__(self, name: str) -> bool:
        return name in self._stored

    def shape(self, name: str, dimensions: int) -> tuple[int, ...]:
        """The shape of a weight."""
        return self._get(name, dimensions).size

    def read(self, name: str, dimensions: int) -> Tensor:
        """A weight."""
        self._watch.check()
        self._unread.discard(name)
        return self._get(name, dimensions).read().float()

    def leave(self, *starts: str) -> None:
        """Pass over the weights whose names start so."""
        self._unread = {name for name in self._unread if not name.startswith(starts)}

    def check_all_read(self) -> None:
        """Raise ModelFileError if a weight was not used: counting layers, a gap would pass for the end."""
        left = sorted(name for name in self._unread if not name.endswith(".kernel"))
        if left:
            raise ModelFileError(f"has a tensor '{shown(left[0])}' that belongs to no layer; others may be missing.")

    def count(self, pattern: str, first: int = 0) -> int:
        """How many weights there are whose name is `pattern` with first, first + 1, ... put in."""
        last = first
        while pattern.format(last) in self._stored:
            last += 1
        return last - first

    def _get(self, name: str, dimensions: int) -> StoredTensor:
        tensor = self._stored.get(name)
        if tensor is None or len(tensor.size) != dimensions:
            raise ModelFileError(f"lacks the tensor '{shown(name)}' of {dimensions} dimensions.")
        return tensor


def is_checkpoint(content: object) -> bool:
    """Whether the content of a torch file looks like one of that implementation's checkpoints."""
    return isinstance(content, dict) and any(isinstance(content.get(key), dict) for key in KEYS.values())


def generator_spec(content: object, which: str, watch: Watch) -> NetworkSpec:
    """The generator of a checkpoint.

    Args:
        content: as `torch_file` gives it.
        which: "G_ema" or "G".
        watch: to follow and to stop.

    Raises:
        ModelFileError: it holds no such generator.
    """
    checkpoint = _checkpoint(content)
    state = _state(checkpoint, which, watch)
    steps = state.count("to_rgbs.{}.bias")
    resolutions = [2**i for i in range(2, _log_resolution(steps) + 1)]
    widths = {4: state.shape("conv1.conv.weight", 5)[1]}
    widths |= {r: state.shape(f"convs.{2 * i + 1}.conv.weight", 5)[1] for i, r in enumerate(resolutions[1:])}
    base, most = channel_rule(widths)
    w_dim = state.shape("conv1.conv.modulation.weight", 2)[1]
    values: dict[str, object] = {
        "img_resolution": resolutions[-1],
        "img_channels": state.shape("to_rgb1.bias", 4)[1],
        "channel_base": base,
        "channel_max": most,
        "architecture": "skip",
        "z_dim": state.shape("style.1.weight", 2)[1],
        "w_dim": w_dim,
        "mapping_layers": state.count("style.{}.weight", first=1),  # style.0 is the normalisation, without weights
        "mapping_lr_multiplier": LR_MULTIPLIER,
        "resample_filter": _taps(state, "convs.0.conv.blur.kernel"),
    }
    config = checked_config(GeneratorConfig, values)
    tensors = dict(_generator_tensors(state, config))
    state.check_all_read()
    description = {}
    average = checkpoint.get("latent_avg")
    if isinstance(average, StoredTensor) and average.numel == w_dim:
        tensors["mapping.w_avg"] = average.read().reshape(w_dim)
    else:
        tensors["mapping.w_avg"] = _mean_w(tensors, config, watch)
        description["w_avg"] = f"estimated from {W_AVG_SEEDS} seeds; the checkpoint has none"
    return check_spec(NetworkSpec(config, tensors, description))


def discriminator_spec(content: object, watch: Watch) -> NetworkSpec:
    """The discriminator of a checkpoint; errors as in `generator_spec`."""
    state = _state(_checkpoint(content), "D", watch)
    steps = state.count("convs.{}.conv1.0.weight", first=1)  # convs.0 is fromRGB
    resolutions = [2**i for i in range(_log_resolution(steps), 2, -1)]
    widths = {r: state.shape(f"convs.{i + 1}.conv1.0.weight", 4)[0] for i, r in enumerate(resolutions)}
    widths[4] = state.shape("final_conv.0.weight", 4)[0]
    base, most = channel_rule(widths)
    values: dict[str, object] = {
        "img_resolution": resolutions[0],
        "img_channels": state.shape("convs.0.0.weight", 4)[1],
        "channel_base": base,
        "channel_max": most,
        "architecture": "resnet",
        "resample_filter": _taps(state, "convs.1.conv2.0.kernel"),
        "mbstd_group_size": 4,
        "mbstd_num_channels": 1,
    }
    config = checked_config(DiscriminatorConfig, values)
    tensors = dict(_discriminator_tensors(state, config))
    state.check_all_read()
    return check_spec(NetworkSpec(config, tensors))


def _checkpoint(content: object) -> dict[object, object]:
    if not isinstance(content, dict) or not is_checkpoint(content):
        raise ModelFileError(
            "is a torch file without the networks of a StyleGAN2 (g_ema, g, d) or StyleGAN (g_running, generator, "
            "discriminator) checkpoint."
        )
    return content


def _state(checkpoint: dict[object, object], which: str, watch: Watch) -> StateDict:
    values = checkpoint.get(KEYS[which])
    if not isinstance(values, dict):
        held = [key for key in KEYS.values() if isinstance(checkpoint.get(key), dict)]
        raise ModelFileError(f"holds no network '{KEYS[which]}'; it has {' and '.join(held)}.")
    return StateDict(values, watch)


def _log_resolution(steps: int) -> int:
    """log2 of the resolution of a network with this many blocks above 4x4; steps come from counting, unbounded."""
    if not 1 <= steps <= MAX_RESOLUTION.bit_length() - 3:
        raise ModelFileError("does not have the layers of a StyleGAN2 checkpoint.")
    return steps + 2


def _taps(state: StateDict, name: str) -> tuple[float, ...]:
    """The 1-D blur kernel as in [1, 3, 3, 1]; the default where a checkpoint leaves its buffers out."""
    if name not in state:
        return (1.0, 3.0, 3.0, 1.0)
    if max(state.shape(name, 2)) > 16:
        raise ModelFileError("has a blur kernel that is far too large.")
    kernel = state.read(name, 2).double()
    taps = kernel.sum(dim=1) / kernel.sum()
    taps = taps / taps.abs().min()
    if not torch.allclose(torch.outer(taps, taps) / taps.sum() ** 2 * kernel.sum(), kernel, atol=1e-5):
        raise ModelFileError("has a blur kernel that is not separable.")
    return tuple((taps.round() if torch.allclose(taps.round(), taps, atol=1e-4) else taps).tolist())


def _kernel(config: GeneratorConfig | DiscriminatorConfig) -> Tensor:
    taps = torch.tensor(config.resample_filter, dtype=torch.float64)
    return (torch.outer(taps, taps) / taps.sum() ** 2).float()


def _generator_tensors(state: StateDict, config: GeneratorConfig) -> Iterator[tuple[str, Tensor]]:
    for i in range(config.mapping_layers):
        for kind, dimensions in (("weight", 2), ("bias", 1)):
            yield f"mapping.fc{i}.{kind}", state.read(f"style.{i + 1}.{kind}", dimensions)
    yield "synthesis.b4.const", state.read("input.input", 4)[0]
    for i, resolution in enumerate(config.block_resolutions):
        block = f"synthesis.b{resolution}"
        yield f"{block}.resample_filter", _kernel(config)
        names = {"conv1": ("conv1", 0)} if i == 0 else {}
        if i:
            names = {"conv0": (f"convs.{2 * i - 2}", 2 * i - 1), "conv1": (f"convs.{2 * i - 1}", 2 * i)}
        for ours, (theirs, noise) in names.items():
            yield from _styled(state, f"{block}.{ours}", theirs)
            yield f"{block}.{ours}.resample_filter", _kernel(config)
            yield f"{block}.{ours}.noise_const", state.read(f"noises.noise_{noise}", 4)[0, 0]
        yield from _to_rgb(state, f"{block}.torgb", f"to_rgbs.{i - 1}" if i else "to_rgb1")


def _modulated(state: StateDict, ours: str, theirs: str) -> Iterator[tuple[str, Tensor]]:
    yield f"{ours}.weight", state.read(f"{theirs}.conv.weight", 5)[0]
    yield f"{ours}.affine.weight", state.read(f"{theirs}.conv.modulation.weight", 2)
    yield f"{ours}.affine.bias", state.read(f"{theirs}.conv.modulation.bias", 1)


def _styled(state: StateDict, ours: str, theirs: str) -> Iterator[tuple[str, Tensor]]:
    yield from _modulated(state, ours, theirs)
    yield f"{ours}.bias", state.read(f"{theirs}.activate.bias", 1)
    yield f"{ours}.noise_strength", state.read(f"{theirs}.noise.weight", 1)[0]


def _to_rgb(state: StateDict, ours: str, theirs: str) -> Iterator[tuple[str, Tensor]]:
    yield from _modulated(state, ours, theirs)
    yield f"{ours}.bias", state.read(f"{theirs}.bias", 4)[0, :, 0, 0]


def _discriminator_tensors(state: StateDict, config: DiscriminatorConfig) -> Iterator[tuple[str, Tensor]]:
    for i, resolution in enumerate(config.block_resolutions[:0:-1]):
        block, theirs = f"b{resolution}", f"convs.{i + 1}"
        yield f"{block}.resample_filter", _kernel(config)
        names = {
            "conv0": (f"{theirs}.conv1.0", f"{theirs}.conv1.1"),
            "conv1": (f"{theirs}.conv2.1", f"{theirs}.conv2.2"),
        }
        if i == 0:
            names["fromrgb"] = ("convs.0.0", "convs.0.1")
        for ours, (conv, activation) in names.items():
            yield f"{block}.{ours}.weight", state.read(f"{conv}.weight", 4)
            yield f"{block}.{ours}.bias", state.read(f"{activation}.bias", 1)
            yield f"{block}.{ours}.resample_filter", _kernel(config)
        yield f"{block}.skip.weight", state.read(f"{theirs}.skip.1.weight", 4)
        yield f"{block}.skip.resample_filter", _kernel(config)
    yield "b4.conv.weight", state.read("final_conv.0.weight", 4)
    yield "b4.conv.bias", state.read("final_conv.1.bias", 1)
    yield "b4.conv.resample_filter", _kernel(config)
    for ours, theirs in (("fc", "final_linear.0"), ("out", "final_linear.1")):
        yield f"b4.{ours}.weight", state.read(f"{theirs}.weight", 2)
        yield f"b4.{ours}.bias", state.read(f"{theirs}.bias", 1)


def _mean_w(tensors: Mapping[str, Tensor], config: GeneratorConfig, watch: Watch) -> Tensor:
    """The mean of w over fixed seeds, [w_dim]."""
    z = np.random.RandomState(0).randn(W_AVG_SEEDS, config.z_dim)
    x = torch.from_numpy(z).float()
    x = x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
    for i in range(config.mapping_layers):
        watch.check()
        weight, bias = tensors[f"mapping.fc{i}.weight"], tensors[f"mapping.fc{i}.bias"]
        if weight.shape != (config.w_dim, x.shape[1]) or bias.shape != (config.w_dim,):
            raise ModelFileError(f"has a mapping layer 'style.{i + 1}' that does not fit the one before.")
        gain = LR_MULTIPLIER / weight.shape[1] ** 0.5
        x = F.leaky_relu(F.linear(x, weight * gain, bias * LR_MULTIPLIER), 0.2) * 2**0.5
    return x.mean(dim=0)
