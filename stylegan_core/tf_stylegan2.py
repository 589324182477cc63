"""StyleGAN2 networks of the TensorFlow code (configs B to F) as NetworkSpecs.

They compute what the PyTorch code does with the same numbers in another order: convolutions are [h, w, in, out] (those
that upsample turned by 180 degrees), dense layers [in, out], and style biases count from 1. Configs E and F have the
wirings of StyleGAN2, figure 7. Configs B to D still grow: their generator has a picture at each resolution, fading into
the next one, and their discriminator is, once grown, the one that figure 7 calls the original.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from stylegan_core.config import MAX_RESOLUTION, DiscriminatorConfig, GeneratorConfig
from stylegan_core.errors import ModelFileError
from stylegan_core.family import empty_network
from stylegan_core.limits import channel_rule, check_spec, checked_config
from stylegan_core.ops import setup_filter
from stylegan_core.pickle_machine import shown
from stylegan_core.spec import NetworkSpec
from stylegan_core.tf_snapshot import TfNetwork
from stylegan_core.watch import Watch

Pairs = Iterator[tuple[str, Tensor]]

GROWING = "G_synthesis_stylegan_revised"
DEFAULT_TAPS = (1.0, 3.0, 3.0, 1.0)
BOX = (1.0, 1.0)  # where the kernel is None


def generator(network: TfNetwork, watch: Watch) -> NetworkSpec:
    """The spec of a network that `G_main` builds.

    Raises:
        ModelFileError: a part, setting or variable is missing or unusable.
    """
    synthesis, mapping = network.component("synthesis"), network.component("mapping")
    if synthesis.function not in ("G_synthesis_stylegan2", GROWING):
        raise ModelFileError(f"has a synthesis network built by '{shown(synthesis.function)}', not StyleGAN2's.")
    if not mapping.flag("normalize_latents", True) or mapping.text("mapping_nonlinearity", "lrelu") != "lrelu":
        raise ModelFileError(
            "has a mapping network without normalisation or leaky ReLU, which StyleScope does not read."
        )
    values = _generator_settings(synthesis, mapping)
    if values["architecture"] == "progressive" and network.has("lod"):
        values["lod"] = network.tensor("lod", 0).item()  # the part's own variable follows it
    config = checked_config(GeneratorConfig, values)
    tensors = dict(_mapping_tensors(mapping, config))
    tensors["mapping.w_avg"] = network.tensor("dlatent_avg", 1)
    for name, tensor in _synthesis_tensors(synthesis, config):
        watch.check()
        tensors[name] = tensor
    return check_spec(NetworkSpec(config, tensors | _filters(config)))


def discriminator(network: TfNetwork, watch: Watch) -> NetworkSpec:
    """The spec of a network that `D_stylegan2` or `D_stylegan` builds; errors as in `generator`."""
    grows = network.function == "D_stylegan"
    if grows and network.tensor("lod", 0).item() > 0:
        raise ModelFileError("has a discriminator that was saved while it was growing, which StyleScope does not read.")
    config = checked_config(DiscriminatorConfig, _discriminator_settings(network, grows))
    tensors = {}
    for name, tensor in _discriminator_tensors(network, config, grows):
        watch.check()
        tensors[name] = tensor
    return check_spec(NetworkSpec(config, tensors | _filters(config)))


def _generator_settings(synthesis: TfNetwork, mapping: TfNetwork) -> dict[str, object]:
    c_dim, z_dim = mapping.integer("label_size", 0), mapping.integer("latent_size", 512)
    architecture = synthesis.text("architecture", "skip")
    if synthesis.function == GROWING:
        architecture = "orig" if synthesis.text("structure", "auto") == "fixed" else "progressive"
    return {
        **_common_settings(synthesis, last="Conv1"),
        "architecture": architecture,
        "c_dim": c_dim,
        "z_dim": z_dim,
        "w_dim": synthesis.integer("dlatent_size", 512),
        "mapping_layers": mapping.integer("mapping_layers", 8),
        "mapping_lr_multiplier": mapping.number("mapping_lrmul", 0.01),
        "mapping_layer_features": mapping.integer("mapping_fmaps", 512),
        "mapping_embed_features": z_dim if c_dim else None,
        "mapping_normalize": "together",
    }


def _discriminator_settings(network: TfNetwork, grows: bool) -> dict[str, object]:
    group = network.integer("mbstd_group_size", 4)
    return {
        **_common_settings(network, last="Conv0"),
        "architecture": "orig" if grows else network.text("architecture", "resnet"),
        "c_dim": network.integer("label_size", 0),
        "label_head": "select",
        "mbstd_group_size": max(group, 1),
        "mbstd_num_channels": network.integer("mbstd_num_features", 1) if group > 1 else 0,
    }


def _common_settings(network: TfNetwork, last: str) -> dict[str, object]:
    """Settings of generator and discriminator; `last` is the convolution that tells a resolution's width."""
    resolution = network.integer("resolution", 1024)
    if not 4 <= resolution <= MAX_RESOLUTION or resolution & (resolution - 1):
        raise ModelFileError("has an unusable setting resolution: it is not a power of two from 4 on, or too large.")
    resolutions = [2**i for i in range(2, resolution.bit_length())]
    names = {r: f"{r}x{r}/{last if r > 4 else 'Conv'}/weight" for r in resolutions}
    base, most = channel_rule(
        {r: network.shape(name, 4)[-1] for r, name in names.items()},
        (2 * network.integer("fmap_base", 16 << 10), network.integer("fmap_max", 512)),
    )
    return {
        "img_resolution": resolution,
        "img_channels": network.integer("num_channels", 3),
        "channel_base": base,
        "channel_max": most,
        "resample_filter": network.taps("resample_kernel", DEFAULT_TAPS) or BOX,
        "activation": network.text("nonlinearity", "lrelu"),
    }


def _filters(config: GeneratorConfig | DiscriminatorConfig) -> dict[str, Tensor]:
    """The buffers that hold the resampling filter; TensorFlow's networks have it in their code."""
    kernel = setup_filter(config.resample_filter)
    return {name: kernel for name in empty_network(config).state_dict() if name.endswith("resample_filter")}


def _mapping_tensors(mapping: TfNetwork, config: GeneratorConfig) -> Pairs:
    if config.c_dim:
        # Used as it is there, while a layer of ours divides by the root of its inputs and adds a bias.
        weight = mapping.tensor("LabelConcat/weight", 2)
        yield "mapping.embed.weight", weight.t() * config.c_dim**0.5
        yield "mapping.embed.bias", torch.zeros(weight.shape[1])
    for i in range(config.mapping_layers):
        yield from _dense(mapping, f"mapping.fc{i}", f"Dense{i}")


def _synthesis_tensors(network: TfNetwork, config: GeneratorConfig) -> Pairs:
    yield "synthesis.b4.const", network.tensor("4x4/Const/const", 4)[0]
    for i, resolution in enumerate(config.block_resolutions):
        block, theirs = f"synthesis.b{resolution}", f"{resolution}x{resolution}"
        if i:
            yield from _styled(network, f"{block}.conv0", f"{theirs}/Conv0_up", 2 * i - 1, turned=True)
        yield from _styled(network, f"{block}.conv1", f"{theirs}/Conv1" if i else "4x4/Conv", 2 * i)
        if i and config.architecture == "resnet":
            yield f"{block}.skip.weight", _kernel(network, f"{theirs}/Skip")
        if config.architecture in ("skip", "progressive") or resolution == config.img_resolution:
            level = len(config.block_resolutions) - 1 - i
            rgb = f"ToRGB_lod{level}" if network.function == GROWING else f"{theirs}/ToRGB"
            yield from _modulated(network, f"{block}.torgb", rgb)


def _discriminator_tensors(network: TfNetwork, config: DiscriminatorConfig, grows: bool) -> Pairs:
    for resolution in config.block_resolutions[:0:-1]:
        block, theirs = f"b{resolution}", f"{resolution}x{resolution}"
        if resolution == config.img_resolution or config.architecture == "skip":
            yield from _conv(network, f"{block}.fromrgb", "FromRGB_lod0" if grows else f"{theirs}/FromRGB")
        yield from _conv(network, f"{block}.conv0", f"{theirs}/Conv0")
        yield from _conv(network, f"{block}.conv1", f"{theirs}/Conv1_down")
        if config.architecture == "resnet":
            yield f"{block}.skip.weight", _kernel(network, f"{theirs}/Skip")
    if config.architecture == "skip":
        yield from _conv(network, "b4.fromrgb", "4x4/FromRGB")
    yield from _conv(network, "b4.conv", "4x4/Conv")
    yield from _dense(network, "b4.fc", "4x4/Dense0")
    yield from _dense(network, "b4.out", "Output")


def _kernel(network: TfNetwork, name: str, turned: bool = False) -> Tensor:
    """[h, w, in, out] -> [out, in, h, w]. Upsampling convolutions are true convolutions here, hence the turn."""
    weight = network.tensor(f"{name}/weight", 4).permute(3, 2, 0, 1)
    return weight.flip([2, 3]) if turned else weight


def _conv(network: TfNetwork, ours: str, theirs: str) -> Pairs:
    yield f"{ours}.weight", _kernel(network, theirs)
    yield f"{ours}.bias", network.tensor(f"{theirs}/bias", 1)


def _dense(network: TfNetwork, ours: str, theirs: str) -> Pairs:
    yield f"{ours}.weight", network.tensor(f"{theirs}/weight", 2).t()
    yield f"{ours}.bias", network.tensor(f"{theirs}/bias", 1)


def _modulated(network: TfNetwork, ours: str, theirs: str, turned: bool = False) -> Pairs:
    yield f"{ours}.weight", _kernel(network, theirs, turned)
    yield f"{ours}.bias", network.tensor(f"{theirs}/bias", 1)
    yield f"{ours}.affine.weight", network.tensor(f"{theirs}/mod_weight", 2).t()
    yield f"{ours}.affine.bias", network.tensor(f"{theirs}/mod_bias", 1) + 1


def _styled(network: TfNetwork, ours: str, theirs: str, noise: int, turned: bool = False) -> Pairs:
    yield from _modulated(network, ours, theirs, turned)
    yield f"{ours}.noise_strength", network.tensor(f"{theirs}/noise_strength", 0)
    yield f"{ours}.noise_const", network.tensor(f"noise{noise}", 4)[0, 0]
