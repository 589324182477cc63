"""Progressive GAN's networks of the TensorFlow code (G_paper, D_paper) as NetworkSpecs.

Convolutions are [h, w, in, out] there and dense layers [in, out]. Where doubling the size is part of a convolution, it
is a transposed one: its kernel is turned by 180 degrees, and has [out, in] in Progressive GAN.
"""

from collections.abc import Iterator

from torch import Tensor

from stylegan_core.config import MAX_RESOLUTION
from stylegan_core.errors import ModelFileError
from stylegan_core.limits import check_spec, checked_config
from stylegan_core.progan import DiscriminatorConfig, GeneratorConfig
from stylegan_core.progressive import ProgressiveConfig
from stylegan_core.spec import NetworkSpec
from stylegan_core.tf_snapshot import TfNetwork
from stylegan_core.watch import Watch

Pairs = Iterator[tuple[str, Tensor]]


def generator(network: TfNetwork, watch: Watch) -> NetworkSpec:
    """The spec of a network that `G_paper` builds.

    Raises:
        ModelFileError: a setting or variable is missing or unusable.
    """
    values = common_settings(network)
    latent_size = network.settings.get("latent_size")
    values |= {
        "lod": lod(network),
        # Left out, it is as wide as the feature maps of a 2x2 block would be.
        "z_dim": _widest(network) if latent_size is None else network.integer("latent_size"),
        "normalize_latents": network.flag("normalize_latents", True),
        "use_pixel_norm": network.flag("use_pixelnorm", True),
        "pixel_norm_epsilon": network.number("pixelnorm_epsilon", 1e-8),
        "activation": "lrelu" if network.flag("use_leakyrelu", True) else "relu",
    }
    config = checked_config(GeneratorConfig, values)
    return check_spec(NetworkSpec(config, read(_generator_tensors(network, config), watch)))


def discriminator(network: TfNetwork, watch: Watch) -> NetworkSpec:
    """The spec of a network that `D_paper` builds; errors as in `generator`."""
    values = common_settings(network)
    values |= {
        "lod": lod(network),
        "mbstd_group_size": network.integer("mbstd_group_size", 4),
        "fused_scale": network.flag("fused_scale", True),
    }
    config = checked_config(DiscriminatorConfig, values)
    return check_spec(NetworkSpec(config, read(_discriminator_tensors(network, config), watch)))


def common_settings(network: TfNetwork, resolution: int = 32, img_channels: int = 1) -> dict[str, object]:
    """The settings that all progressive networks of the TensorFlow code have; resolution and channels by default."""
    resolution = network.integer("resolution", resolution)
    if not 4 <= resolution <= MAX_RESOLUTION or resolution & (resolution - 1):
        raise ModelFileError("has an unusable setting resolution: it is not a power of two from 4 on, or too large.")
    if network.number("fmap_decay", 1.0) != 1:
        raise ModelFileError("has an unusable setting fmap_decay: StyleScope reads networks where it is 1.")
    return {
        "img_resolution": resolution,
        "img_channels": network.integer("num_channels", img_channels),
        "c_dim": network.integer("label_size", 0),
        "channel_base": 2 * network.integer("fmap_base", 8192),
        "channel_max": network.integer("fmap_max", 512),
        "use_wscale": network.flag("use_wscale", True),
    }


def lod(network: TfNetwork) -> float:
    """The level of detail that training had reached."""
    return network.tensor("lod", 0).item() if network.has("lod") else 0.0


def read(pairs: Pairs, watch: Watch) -> dict[str, Tensor]:
    """Tensors by name, looking now and then whether anybody still waits for them."""
    found = {}
    for name, tensor in pairs:
        watch.check()
        found[name] = tensor
    return found


def kernel(network: TfNetwork, name: str, turned: bool = False) -> Tensor:
    """A convolution's weight, [h, w, in, out] -> [out, in, h, w]."""
    weight = network.tensor(f"{name}/weight", 4).permute(3, 2, 0, 1)
    return weight.flip([2, 3]) if turned else weight


def conv(network: TfNetwork, ours: str, theirs: str) -> Pairs:
    """Weight and bias of a convolution."""
    yield f"{ours}.weight", kernel(network, theirs)
    yield f"{ours}.bias", network.tensor(f"{theirs}/bias", 1)


def dense(network: TfNetwork, ours: str, theirs: str) -> Pairs:
    """Weight and bias of a dense layer, [in, out] -> [out, in]."""
    yield f"{ours}.weight", network.tensor(f"{theirs}/weight", 2).t()
    yield f"{ours}.bias", network.tensor(f"{theirs}/bias", 1)


def discriminator_end(network: TfNetwork) -> Pairs:
    """The layers at 4x4 pixels."""
    yield from conv(network, "b4.conv", "4x4/Conv")
    yield from dense(network, "b4.fc", "4x4/Dense0")
    yield from dense(network, "b4.out", "4x4/Dense1")


def pictures(network: TfNetwork, config: ProgressiveConfig, ours: str, theirs: str) -> Pairs:
    """ToRGB (FromRGB) of all levels of detail; `ours` has a place for the resolution, `theirs` for the level."""
    for level, resolution in enumerate(reversed(config.block_resolutions)):
        if config.has_rgb(resolution):
            yield from conv(network, ours.format(resolution), theirs.format(level))


def _widest(network: TfNetwork) -> int:
    return min(network.integer("fmap_base", 8192), network.integer("fmap_max", 512))


def _generator_tensors(network: TfNetwork, config: GeneratorConfig) -> Pairs:
    yield from dense(network, "b4.dense", "4x4/Dense")
    yield from conv(network, "b4.conv1", "4x4/Conv")
    for resolution in config.block_resolutions[1:]:
        block, theirs = f"b{resolution}", f"{resolution}x{resolution}"
        if network.has(f"{theirs}/Conv0_up/weight"):
            yield f"{block}.conv0.weight", kernel(network, f"{theirs}/Conv0_up", turned=True).transpose(0, 1)
            yield f"{block}.conv0.bias", network.tensor(f"{theirs}/Conv0_up/bias", 1)
        else:
            yield from conv(network, f"{block}.conv0", f"{theirs}/Conv0")
        yield from conv(network, f"{block}.conv1", f"{theirs}/Conv1")
    yield from pictures(network, config, "b{}.torgb", "ToRGB_lod{}")


def _discriminator_tensors(network: TfNetwork, config: DiscriminatorConfig) -> Pairs:
    for resolution in config.block_resolutions[1:]:
        block, theirs = f"b{resolution}", f"{resolution}x{resolution}"
        yield from conv(network, f"{block}.conv0", f"{theirs}/Conv0")
        yield from conv(network, f"{block}.conv1", f"{theirs}/Conv1_down" if config.fused_scale else f"{theirs}/Conv1")
    yield from pictures(network, config, "b{}.fromrgb", "FromRGB_lod{}")
    yield from discriminator_end(network)
