"""The official PyTorch snapshots (stylegan2-ada-pytorch, stylegan3) as NetworkSpecs.

What a network is is read off its submodules: attributes that the constructors resolved, and shapes of weights. Their
keyword arguments come in two layouts and leave out defaults that differ between the two repositories.

Another family is one more entry in `_GENERATORS`: a function from a module tree to a NetworkSpec.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from stylegan_core import official_stylegan3
from stylegan_core.config import DiscriminatorConfig, GeneratorConfig
from stylegan_core.errors import ModelFileError
from stylegan_core.limits import channel_rule, check_spec, checked_config
from stylegan_core.module_tree import Module, read_tensors
from stylegan_core.pickle_machine import shown
from stylegan_core.spec import NetworkSpec
from stylegan_core.unpickler import PersistentObject
from stylegan_core.watch import Watch


def generator_spec(snapshot: object, which: str, watch: Watch) -> NetworkSpec:
    """The generator of a snapshot.

    Args:
        snapshot: as `unpickler.read_snapshot` gives it.
        which: "G_ema", the running mean that is meant to be used, or "G", as training left it.
        watch: to follow and to stop.

    Raises:
        ModelFileError: it holds no such generator, or one of a family that StyleScope does not read.
    """
    network = _network(snapshot, which)
    return _GENERATORS[_generator_family(network)](network, watch)


def discriminator_spec(snapshot: object, watch: Watch) -> NetworkSpec:
    """The discriminator of a snapshot; StyleGAN3's is StyleGAN2's. Errors as in `generator_spec`."""
    network = _network(snapshot, "D")
    if not network.has("b4"):
        raise ModelFileError("holds a discriminator that is not StyleGAN2's.")
    return _spec(network, checked_config(DiscriminatorConfig, _discriminator_settings(network)), watch)


def _network(snapshot: object, key: str) -> Module:
    """The network under a key of the snapshot, or the reason why there is none."""
    if not isinstance(snapshot, dict):
        raise ModelFileError(f"is a pickled {type(snapshot).__name__}, not a snapshot of networks.")
    network = snapshot.get(key)
    if isinstance(network, PersistentObject):
        return Module("", network.state)
    held = [name for name in ("G_ema", "G", "D") if isinstance(snapshot.get(name), PersistentObject)]
    more = f"; it has {' and '.join(held)}." if held else ", nor any other network."
    raise ModelFileError(f"holds no network '{shown(key)}'" + more)


def _generator_family(network: Module) -> str:
    """A key of `_GENERATORS`."""
    # Class names do not tell: both families call theirs Generator, SynthesisNetwork and SynthesisLayer.
    if network.has("synthesis") and network.has("mapping"):
        synthesis = network.child("synthesis")
        if synthesis.has("input") or "layer_names" in synthesis.state:
            return "StyleGAN3"
        if synthesis.has("b4"):
            return "StyleGAN2"
    raise ModelFileError("holds a foreign generator; StyleScope reads those of StyleGAN2 and StyleGAN3.")


# StyleGAN2


def _stylegan2_generator(network: Module, watch: Watch) -> NetworkSpec:
    return _spec(network, checked_config(GeneratorConfig, _generator_settings(network)), watch)


_GENERATORS: dict[str, Callable[[Module, Watch], NetworkSpec]] = {
    "StyleGAN2": _stylegan2_generator,
    "StyleGAN3": official_stylegan3.generator,
}


def _generator_settings(network: Module) -> dict[str, object]:
    mapping, synthesis = network.child("mapping"), network.child("synthesis")
    blocks = _blocks(synthesis, first=4)
    layer = synthesis.child("b4").child("conv1")
    widths = {resolution: block.child("conv1").tensor("weight", 4).size[0] for resolution, block in blocks.items()}
    return {
        **_common_settings(network, blocks, widths, layer),
        **_mapping_settings(mapping),
        "z_dim": network.integer("z_dim"),
        "w_dim": network.integer("w_dim"),
        "use_noise": layer.value("use_noise"),
    }


def _discriminator_settings(network: Module) -> dict[str, object]:
    end = network.child("b4")
    blocks = _blocks(network, first=8)
    conv, std = end.child("conv"), end.child("mbstd") if end.has("mbstd") else None
    widths = {resolution: block.child("conv0").tensor("weight", 4).size[0] for resolution, block in blocks.items()}
    return {
        **_common_settings(network, blocks or {4: end}, {4: conv.tensor("weight", 4).size[0], **widths}, conv),
        **(_mapping_settings(network.child("mapping")) if network.integer("c_dim") else {}),
        "cmap_dim": end.integer("cmap_dim"),
        "mbstd_group_size": std.value("group_size") if std else None,
        "mbstd_num_channels": std.value("num_channels") if std else 0,
    }


def _blocks(parent: Module, first: int) -> dict[int, Module]:
    """The blocks by resolution, coarse to fine, up to the network's own resolution."""
    resolutions, last = [first], parent.integer("img_resolution")
    if last < 4:
        raise ModelFileError("has an unusable setting img_resolution: it is less than 4.")
    while resolutions[-1] < min(last, 1 << 16):
        resolutions.append(2 * resolutions[-1])
    return {resolution: parent.child(f"b{resolution}") for resolution in resolutions if resolution <= last}


def _common_settings(
    network: Module, blocks: dict[int, Module], widths: dict[int, int], layer: Module
) -> dict[str, object]:
    finest = blocks[max(blocks)]
    base, most = channel_rule(widths, _declared_channels(network))
    return {
        "img_resolution": network.integer("img_resolution"),
        "img_channels": network.integer("img_channels"),
        "c_dim": network.integer("c_dim"),
        "channel_base": base,
        "channel_max": most,
        "architecture": finest.value("architecture"),
        "resample_filter": _taps(finest) if "resample_filter" in finest.table("_buffers") else (1.0, 3.0, 3.0, 1.0),
        "conv_clamp": layer.value("conv_clamp"),
        "num_fp16_res": sum(block.state.get("use_fp16") is True for block in blocks.values()),
        "fp16_channels_last": any(block.state.get("channels_last") is True for block in blocks.values()),
        "activation": layer.value("activation"),
    }


def _declared_channels(network: Module) -> tuple[object, object]:
    """channel_base and channel_max as either layout of keyword arguments has them."""
    arguments = network.state.get("_init_kwargs")
    flat = arguments if isinstance(arguments, dict) else {}
    nested = flat.get("synthesis_kwargs")
    settings = {**flat, **nested} if isinstance(nested, dict) else flat
    return settings.get("channel_base", 32768), settings.get("channel_max", 512)


def _mapping_settings(mapping: Module) -> dict[str, object]:
    layers, w_dim = mapping.integer("num_layers"), mapping.integer("w_dim")
    first = mapping.child("fc0") if layers else None
    hidden = first.tensor("weight", 2).size[0] if first and layers > 1 else w_dim
    embed = mapping.child("embed").tensor("weight", 2).size[0] if mapping.has("embed") else w_dim
    return {
        "mapping_layers": layers,
        # A layer's bias gain is its learning rate multiplier, whatever it was called with.
        "mapping_lr_multiplier": first.value("bias_gain") if first else 0.01,
        "mapping_layer_features": hidden if hidden != w_dim else None,
        "mapping_embed_features": embed if embed != w_dim else None,
    }


def _taps(block: Module) -> tuple[float, ...]:
    """The 1-D filter, smallest tap 1 as in [1, 3, 3, 1], whose normalised outer product a block holds."""
    stored = block.tensor("resample_filter", 2)
    if stored.numel > 256:
        raise ModelFileError("has a resampling filter that is far too large.")
    kernel = stored.read().double()
    if not kernel.isfinite().all() or kernel.sum() == 0 or kernel.shape[0] != kernel.shape[1]:
        raise ModelFileError("has a resampling filter that is not one.")
    taps = kernel.sum(dim=1) / kernel.sum()
    if not torch.allclose(torch.outer(taps, taps) * kernel.sum(), kernel, atol=1e-5):
        raise ModelFileError("has a resampling filter that is not separable, which StyleScope does not read.")
    taps = taps / taps[taps != 0].abs().min()
    whole = taps.round()
    return tuple((whole if torch.allclose(whole, taps, atol=1e-4) else taps).tolist())


def _spec(network: Module, config: GeneratorConfig | DiscriminatorConfig, watch: Watch) -> NetworkSpec:
    """Read the tensors, within limits, and put configuration and tensors together."""
    return check_spec(NetworkSpec(config, _same_filters(config, read_tensors(network, watch))))


def _same_filters(config: GeneratorConfig | DiscriminatorConfig, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Layers that do not resample hold the default filter, of another size perhaps; nothing reads it."""
    taps = torch.tensor(config.resample_filter, dtype=torch.float64)
    kernel = (torch.outer(taps, taps) / taps.sum() ** 2).float()
    unused = (name for name, tensor in tensors.items() if name.endswith("filter") and tensor.shape != kernel.shape)
    return tensors | {name: kernel.clone() for name in unused}
