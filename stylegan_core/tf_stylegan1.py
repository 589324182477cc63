"""StyleGAN's networks of the TensorFlow code (G_style, D_basic) as NetworkSpecs.

Layouts are those of Progressive GAN (see `tf_progan`), but a fused convolution has [in, out] too. Style biases count
the factor from 1.
"""

import torch

from stylegan_core.errors import ModelFileError
from stylegan_core.limits import check_spec, checked_config
from stylegan_core.pickle_machine import shown
from stylegan_core.spec import NetworkSpec
from stylegan_core.stylegan1 import DiscriminatorConfig, GeneratorConfig
from stylegan_core.tf_progan import Pairs, common_settings, conv, dense, discriminator_end, kernel, lod, pictures, read
from stylegan_core.tf_snapshot import TfNetwork
from stylegan_core.watch import Watch

FUSED_FROM = 128  # px: where fused_scale "auto" fuses
BLUR = (1.0, 2.0, 1.0)


def generator(network: TfNetwork, watch: Watch) -> NetworkSpec:
    """The spec of a network that `G_style` builds.

    Raises:
        ModelFileError: a part, setting or variable is missing or unusable.
    """
    synthesis, mapping = network.component("synthesis"), network.component("mapping")
    for part, function in ((synthesis, "G_synthesis"), (mapping, "G_mapping")):
        if part.function != function:
            raise ModelFileError(f"has a part of its generator built by '{shown(part.function)}', not StyleGAN's.")
    values = {
        **_common_settings(synthesis, 1024, 3),
        "lod": lod(network),  # the part's own variable follows it
        "c_dim": mapping.integer("label_size", 0),
        "z_dim": mapping.integer("latent_size", 512),
        "w_dim": mapping.integer("dlatent_size", 512),
        "mapping_layers": mapping.integer("mapping_layers", 8),
        "mapping_layer_features": mapping.integer("mapping_fmaps", 512),
        "mapping_lr_multiplier": mapping.number("mapping_lrmul", 0.01),
        "mapping_activation": mapping.text("mapping_nonlinearity", "lrelu"),
        "normalize_latents": mapping.flag("normalize_latents", True),
        "use_styles": synthesis.flag("use_styles", True),
        "const_input_layer": synthesis.flag("const_input_layer", True),
        "use_noise": synthesis.flag("use_noise", True),
        "use_pixel_norm": synthesis.flag("use_pixel_norm", False),
        "use_instance_norm": synthesis.flag("use_instance_norm", True),
    }
    config = checked_config(GeneratorConfig, values)
    tensors = read(_mapping_tensors(mapping, config), watch) | read(_synthesis_tensors(synthesis, config), watch)
    tensors["mapping.w_avg"] = network.tensor("dlatent_avg", 1)
    return check_spec(NetworkSpec(config, tensors))


def discriminator(network: TfNetwork, watch: Watch) -> NetworkSpec:
    """The spec of a network that `D_basic` builds; errors as in `generator`."""
    values = {
        **_common_settings(network, 32, 1),
        "lod": lod(network),
        "mbstd_group_size": network.integer("mbstd_group_size", 4),
        "mbstd_num_channels": network.integer("mbstd_num_features", 1),
    }
    config = checked_config(DiscriminatorConfig, values)
    return check_spec(NetworkSpec(config, read(_discriminator_tensors(network, config), watch)))


def _common_settings(network: TfNetwork, resolution: int, img_channels: int) -> dict[str, object]:
    return {
        **common_settings(network, resolution, img_channels),
        "activation": network.text("nonlinearity", "lrelu"),
        "blur_filter": network.taps("blur_filter", BLUR),
        "progressive": network.text("structure", "auto") != "fixed",
    }


def _mapping_tensors(mapping: TfNetwork, config: GeneratorConfig) -> Pairs:
    if config.c_dim:
        yield "mapping.embed.weight", mapping.tensor("LabelConcat/weight", 2).t()
    for i in range(config.mapping_layers):
        yield from dense(mapping, f"mapping.fc{i}", f"Dense{i}")


def _synthesis_tensors(network: TfNetwork, config: GeneratorConfig) -> Pairs:
    fused = network.settings.get("fused_scale", "auto")
    if fused not in (True, False, "auto"):
        raise ModelFileError("has an unusable setting fused_scale: it is neither True, False nor 'auto'.")
    if config.const_input_layer:
        yield "synthesis.b4.input.const", network.tensor("4x4/Const/const", 4)[0]
        yield from _styled(network, config, "synthesis.b4.input", "4x4/Const", 0)
    else:
        yield "synthesis.b4.input.dense.weight", network.tensor("4x4/Dense/weight", 2).t()
        yield from _styled(network, config, "synthesis.b4.input", "4x4/Dense", 0)
    for i, resolution in enumerate(config.block_resolutions):
        block, theirs = f"synthesis.b{resolution}", f"{resolution}x{resolution}"
        if i:
            turned = resolution >= FUSED_FROM if fused == "auto" else fused is True
            yield f"{block}.conv0.weight", kernel(network, f"{theirs}/Conv0_up", turned)
            yield from _styled(network, config, f"{block}.conv0", f"{theirs}/Conv0_up", 2 * i)
        last = f"{theirs}/Conv1" if i else "4x4/Conv"
        yield f"{block}.conv1.weight", kernel(network, last)
        yield from _styled(network, config, f"{block}.conv1", last, 2 * i + 1)
    yield from pictures(network, config, "synthesis.b{}.torgb", "ToRGB_lod{}")


def _styled(network: TfNetwork, config: GeneratorConfig, ours: str, theirs: str, index: int) -> Pairs:
    """What comes after a layer's convolution or constant; `index` counts the layers."""
    bias = network.tensor(f"{theirs}/bias", 1)
    yield f"{ours}.bias", bias
    if config.use_noise:
        yield f"{ours}.noise_const", network.tensor(f"noise{index}", 4)[0, 0]
        yield f"{ours}.noise_strength", network.tensor(f"{theirs}/Noise/weight", 1)
    if config.use_styles:
        yield f"{ours}.affine.weight", network.tensor(f"{theirs}/StyleMod/weight", 2).t()
        scale, shift = network.tensor(f"{theirs}/StyleMod/bias", 1).chunk(2)
        yield f"{ours}.affine.bias", torch.cat([scale + 1, shift])


def _discriminator_tensors(network: TfNetwork, config: DiscriminatorConfig) -> Pairs:
    for resolution in config.block_resolutions[1:]:
        block, theirs = f"b{resolution}", f"{resolution}x{resolution}"
        yield from conv(network, f"{block}.conv0", f"{theirs}/Conv0")
        yield from conv(network, f"{block}.conv1", f"{theirs}/Conv1_down")
    yield from pictures(network, config, "b{}.fromrgb", "FromRGB_lod{}")
    yield from discriminator_end(network)
