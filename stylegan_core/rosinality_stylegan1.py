"""Checkpoints of rosinality/style-based-gan-pytorch (StyleGAN) as NetworkSpecs.

That implementation differs from the official one in constants rather than in kind: every weight has He's gain, also
those of styles, ToRGB and the last layer, which are scaled here to have it in our networks too; the mapping learns at
the full rate; instance norm has PyTorch's epsilon; biases are added before the blur; both layers of a block take the
same noise, drawn anew for each picture, so there are no trained maps, and fixed ones take their place. In its
discriminator a block's first convolution widens it.

It always has nine blocks, up to 1024x1024. Those that training has not come to yet still have the biases of zero that
they were made with, and are left out. A mean of w is not kept; it is estimated.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.config import MAX_RESOLUTION
from stylegan_core.errors import ModelFileError
from stylegan_core.limits import channel_rule, check_spec, checked_config
from stylegan_core.noise import random_map
from stylegan_core.progressive import HE_GAIN, pixel_norm
from stylegan_core.rosinality import W_AVG_SEEDS, StateDict
from stylegan_core.spec import NetworkSpec
from stylegan_core.stored_tensor import StoredTensor
from stylegan_core.stylegan1 import DiscriminatorConfig, GeneratorConfig
from stylegan_core.watch import Watch

KEYS = {"G_ema": "g_running", "G": "generator", "D": "discriminator"}
NOISE_SEED = 0
SLOPE = 0.2

Pairs = Iterator[tuple[str, Tensor]]


def is_checkpoint(content: object) -> bool:
    """Whether the content of a torch file looks like one of these: networks, or the weights of g_running alone."""
    return isinstance(content, dict) and (
        any(isinstance(content.get(key), dict) for key in KEYS.values()) or _is_generator(content)
    )


def _is_generator(content: dict[object, object]) -> bool:
    return isinstance(content.get("generator.progression.0.conv1.input"), StoredTensor)


def generator_spec(content: object, which: str, watch: Watch) -> NetworkSpec:
    """The generator of a checkpoint.

    Args:
        content: as `torch_file` gives it.
        which: "G_ema" or "G"; the weights of g_running alone are given for either.
        watch: to follow and to stop.

    Raises:
        ModelFileError: it holds no such generator.
    """
    state = _state(content, which, watch)
    blocks = _count(state, "generator.to_rgb.{}.conv.weight_orig")
    trained = _trained(state, [f"generator.to_rgb.{i}.conv.bias" for i in range(blocks)])
    resolutions = [4 << i for i in range(trained)]
    base, most = channel_rule(
        {r: state.shape(f"generator.progression.{i}.conv2.conv.weight_orig", 4)[0] for i, r in enumerate(resolutions)}
    )
    w_dim = state.shape("style.1.linear.weight_orig", 2)[0]
    values: dict[str, object] = {
        "img_resolution": resolutions[-1],
        "img_channels": state.shape("generator.to_rgb.0.conv.bias", 1)[0],
        "channel_base": base,
        "channel_max": most,
        "z_dim": state.shape("style.1.linear.weight_orig", 2)[1],
        "w_dim": w_dim,
        "mapping_layers": _layers(state),
        "mapping_layer_features": w_dim,
        "mapping_lr_multiplier": 1.0,
        "instance_norm_epsilon": 1e-5,
        "bias_before_blur": True,
    }
    config = checked_config(GeneratorConfig, values)
    for i in range(trained, blocks):
        state.leave(f"generator.progression.{i}.", f"generator.to_rgb.{i}.")
    tensors = dict(_generator_tensors(state, config))
    state.check_all_read()
    tensors["mapping.w_avg"] = _mean_w(tensors, config, watch)
    description = {
        "noise": f"fixed maps of seed {NOISE_SEED}; the checkpoint has none",
        "w_avg": f"estimated from {W_AVG_SEEDS} seeds; the checkpoint has none",
    }
    if trained < blocks:
        description["resolution"] = f"{resolutions[-1]} px trained, of {4 << (blocks - 1)} px"
    return check_spec(NetworkSpec(config, tensors, description))


def discriminator_spec(content: object, watch: Watch) -> NetworkSpec:
    """The discriminator of a checkpoint; errors as in `generator_spec`."""
    state = _state(content, "D", watch)
    inner = "0.conv" if "from_rgb.0.0.conv.weight_orig" in state else "conv"  # followed by an activation, or not
    blocks = _count(state, f"from_rgb.{{}}.{inner}.weight_orig")
    trained = _trained(state, [f"from_rgb.{i}.{inner}.bias" for i in reversed(range(blocks))])
    resolutions = [4 << i for i in range(trained)]
    places = {r: blocks - 1 - i for i, r in enumerate(resolutions)}  # the coarsest comes last
    base, most = channel_rule({r: state.shape(f"from_rgb.{i}.{inner}.bias", 1)[0] for r, i in places.items()})
    values: dict[str, object] = {
        "img_resolution": resolutions[-1],
        "img_channels": state.shape(f"from_rgb.0.{inner}.weight_orig", 4)[1],
        "channel_base": base,
        "channel_max": most,
        "mbstd_group_size": None,
        "mbstd_num_channels": 1,
        "fromrgb_activation": inner != "conv",
        "widen_first": True,
    }
    config = checked_config(DiscriminatorConfig, values)
    for i in range(blocks - trained):
        state.leave(f"progression.{i}.", f"from_rgb.{i}.")
    tensors = dict(_discriminator_tensors(state, places, inner))
    state.check_all_read()
    return check_spec(NetworkSpec(config, tensors))


def _state(content: object, which: str, watch: Watch) -> StateDict:
    assert isinstance(content, dict)  # see is_checkpoint
    if which != "D" and _is_generator(content):
        return StateDict(content, watch)
    values = content.get(KEYS[which])
    if not isinstance(values, dict):
        held = [key for key in KEYS.values() if isinstance(content.get(key), dict)]
        raise ModelFileError(f"holds no network '{KEYS[which]}'; it has {' and '.join(held) or 'a generator only'}.")
    return StateDict(values, watch)


def _count(state: StateDict, pattern: str) -> int:
    """How many blocks there are, two at least."""
    blocks = state.count(pattern)
    if not 2 <= blocks <= MAX_RESOLUTION.bit_length() - 2:
        raise ModelFileError("does not have the layers of a StyleGAN checkpoint.")
    return blocks


def _trained(state: StateDict, biases: list[str]) -> int:
    """How many blocks training has come to, by their biases, coarse to fine; all if it has come to none."""
    touched = [i for i, name in enumerate(biases) if state.read(name, 1).any()]
    return max(touched[-1] + 1, 2) if touched else len(biases)


def _layers(state: StateDict) -> int:
    layers = 0
    while f"style.{2 * layers + 1}.linear.weight_orig" in state:  # normalisation and activations lie between
        layers += 1
    return layers


def _generator_tensors(state: StateDict, config: GeneratorConfig) -> Pairs:
    for i in range(config.mapping_layers):
        yield from _linear(state, f"mapping.fc{i}", f"style.{2 * i + 1}")
    const = state.read("generator.progression.0.conv1.input", 4)[0]
    yield "synthesis.b4.input.const", const
    yield "synthesis.b4.input.bias", torch.zeros(const.shape[0])
    for i, resolution in enumerate(config.block_resolutions):
        block, theirs = f"synthesis.b{resolution}", f"generator.progression.{i}"
        first = f"{block}.conv0" if i else f"{block}.input"
        if i:
            yield from _upsampling(state, first, f"{theirs}.conv1")
        yield from _conv(state, f"{block}.conv1", f"{theirs}.conv2.conv")
        yield from _conv(state, f"{block}.torgb", f"generator.to_rgb.{i}.conv", gain=HE_GAIN)
        noise = random_map(NOISE_SEED, i, resolution)[0, 0]
        for ours, number in ((first, 1), (f"{block}.conv1", 2)):
            strength = state.read(f"{theirs}.noise{number}.weight_orig", 4)[0, :, 0, 0]
            yield f"{ours}.noise_strength", strength * math.sqrt(2 / strength.shape[0])
            yield f"{ours}.noise_const", noise
            yield from _linear(state, f"{ours}.affine", f"{theirs}.adain{number}.style", gain=HE_GAIN)


def _discriminator_tensors(state: StateDict, places: dict[int, int], inner: str) -> Pairs:
    for resolution, i in places.items():
        block, theirs = f"b{resolution}", f"progression.{i}"
        yield from _conv(state, f"{block}.fromrgb", f"from_rgb.{i}.{inner}")
        if resolution == 4:
            yield from _conv(state, f"{block}.conv", f"{theirs}.conv1.0.conv")
            yield f"{block}.fc.weight", state.read(f"{theirs}.conv2.0.conv.weight_orig", 4).flatten(1)
            yield f"{block}.fc.bias", state.read(f"{theirs}.conv2.0.conv.bias", 1)
            yield from _linear(state, f"{block}.out", "linear", gain=HE_GAIN)
            continue
        yield from _conv(state, f"{block}.conv0", f"{theirs}.conv1.0.conv")
        state.leave(f"{theirs}.conv2.0.")  # the blur, which is the same everywhere
        if f"{theirs}.conv2.1.weight" in state:  # with the halving as part of the convolution
            yield f"{block}.conv1.weight", state.read(f"{theirs}.conv2.1.weight", 4)
            yield f"{block}.conv1.bias", state.read(f"{theirs}.conv2.1.bias", 1)
        else:
            yield from _conv(state, f"{block}.conv1", f"{theirs}.conv2.1.conv")


def _upsampling(state: StateDict, ours: str, theirs: str) -> Pairs:
    if f"{theirs}.0.weight" in state:  # a transposed convolution, which has a quarter of the sum that doubling gives
        yield f"{ours}.weight", state.read(f"{theirs}.0.weight", 4).transpose(0, 1).flip([2, 3]) / 4
        yield f"{ours}.bias", state.read(f"{theirs}.0.bias", 1)
        state.leave(f"{theirs}.1.")
    else:
        yield from _conv(state, ours, f"{theirs}.1.conv")
        state.leave(f"{theirs}.2.")


def _conv(state: StateDict, ours: str, theirs: str, gain: float = 1.0) -> Pairs:
    yield f"{ours}.weight", state.read(f"{theirs}.weight_orig", 4) * gain
    yield f"{ours}.bias", state.read(f"{theirs}.bias", 1)


def _linear(state: StateDict, ours: str, theirs: str, gain: float = 1.0) -> Pairs:
    yield f"{ours}.weight", state.read(f"{theirs}.linear.weight_orig", 2) * gain
    yield f"{ours}.bias", state.read(f"{theirs}.linear.bias", 1)


def _mean_w(tensors: dict[str, Tensor], config: GeneratorConfig, watch: Watch) -> Tensor:
    """The mean of w over fixed seeds, [w_dim]."""
    x = pixel_norm(torch.from_numpy(np.random.RandomState(0).randn(W_AVG_SEEDS, config.z_dim)).float())
    for i in range(config.mapping_layers):
        watch.check()
        weight, bias = tensors[f"mapping.fc{i}.weight"], tensors[f"mapping.fc{i}.bias"]
        if weight.shape != (config.w_dim, x.shape[1]) or bias.shape != (config.w_dim,):
            raise ModelFileError(f"has a mapping layer 'style.{2 * i + 1}' that does not fit the one before.")
        x = F.leaky_relu(F.linear(x, weight * (HE_GAIN / weight.shape[1] ** 0.5), bias), SLOPE)
    return x.mean(dim=0)
