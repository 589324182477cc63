"""StyleGAN3's generator in an official PyTorch snapshot.

Most settings are attributes that the constructors resolved. Widths and stopbands are keyword arguments only, with
defaults where they were left out; what follows from them must be what the layers say of themselves.
"""

from typing import Any

from stylegan_core.errors import ModelFileError
from stylegan_core.limits import check_spec, checked_config
from stylegan_core.module_tree import Module, read_tensors
from stylegan_core.pickle_machine import shown
from stylegan_core.spec import NetworkSpec
from stylegan_core.stylegan3 import LayerPlan, StyleGAN3Config, layer_plans
from stylegan_core.watch import Watch

_ONLY_ARGUMENTS = ("channel_base", "channel_max", "first_stopband", "last_stopband_rel")


def generator(network: Module, watch: Watch) -> NetworkSpec:
    """Configuration and tensors, filters included, which are taken as they are.

    Raises:
        ModelFileError: a setting is missing or unusable, or the layers are not those that the settings give.
    """
    config = checked_config(StyleGAN3Config, _settings(network))
    synthesis = network.child("synthesis")
    names, plans = _layer_names(synthesis), layer_plans(config)
    for name, plan in zip(names, plans, strict=False):
        if name != plan.name:
            raise ModelFileError(f"has a layer '{shown(name)}' where its settings ask for '{plan.name}'.")
    if len(names) != len(plans):
        raise ModelFileError(f"names {len(names)} layers where its settings ask for {len(plans)}.")
    for plan in plans:
        _check_layer(synthesis.child(plan.name), plan)
    return check_spec(NetworkSpec(config, read_tensors(network, watch)))


def _settings(network: Module) -> dict[str, object]:
    mapping, synthesis = network.child("mapping"), network.child("synthesis")
    arguments = _arguments(network) | _arguments(synthesis)
    layers = mapping.integer("num_layers")
    names = _layer_names(synthesis)
    first = synthesis.child(names[0])
    return {
        **{name: network.integer(name) for name in ("img_resolution", "img_channels", "z_dim", "c_dim", "w_dim")},
        "mapping_layers": layers,
        # A layer's bias gain is its learning rate multiplier, whatever it was called with.
        "mapping_lr_multiplier": mapping.child("fc0").value("bias_gain") if layers else 0.01,
        **{name: arguments[name] for name in _ONLY_ARGUMENTS if name in arguments},
        **{name: synthesis.integer(name) for name in ("num_layers", "num_critical", "margin_size", "num_fp16_res")},
        "output_scale": synthesis.value("output_scale"),
        "first_cutoff": synthesis.child("input").value("bandwidth"),
        "conv_kernel": first.tensor("weight", 4).size[2],
        "filter_size": _filter_size([synthesis.child(name) for name in names], arguments.get("filter_size", 6)),
        "lrelu_upsampling": _ratio(first, first.integer("tmp_sampling_rate"), _higher_rate(first)),
        "use_radial_filters": first.value("down_radial"),
        "conv_clamp": first.value("conv_clamp"),
        "magnitude_ema_beta": first.value("magnitude_ema_beta"),
    }


def _arguments(module: Module) -> dict[Any, object]:
    arguments = module.state.get("_init_kwargs")
    return arguments if isinstance(arguments, dict) else {}


def _layer_names(synthesis: Module) -> list[str]:
    names = synthesis.value("layer_names")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ModelFileError("has a setting 'synthesis.layer_names' that is not a list of names.")
    return names


def _filter_size(layers: list[Module], otherwise: object) -> object:
    """Taps per sample of the lower rate, from a layer that has a filter; without one it does not matter."""
    for layer in layers:
        for way in ("up", "down"):
            if layer.integer(f"{way}_taps") > 1:
                return _ratio(layer, layer.integer(f"{way}_taps"), layer.integer(f"{way}_factor"))
    return otherwise


def _higher_rate(layer: Module) -> int:
    return max(layer.integer("in_sampling_rate"), layer.integer("out_sampling_rate"))


def _ratio(layer: Module, numerator: int, denominator: int) -> int:
    if denominator < 1 or numerator % denominator:
        raise ModelFileError(f"has a layer '{layer.name}' whose sampling rates are not multiples of each other.")
    return numerator // denominator


def _check_layer(layer: Module, plan: LayerPlan) -> None:
    """Whether a layer does what its plan says, where it says it."""
    planned: dict[str, object] = {
        "in_sampling_rate": plan.in_rate,
        "tmp_sampling_rate": plan.tmp_rate,
        "out_sampling_rate": plan.out_rate,
        "up_factor": plan.up,
        "down_factor": plan.down,
        "padding": list(plan.padding),
    }
    for name, value in planned.items():
        if name in layer.state and layer.state[name] != value:
            raise ModelFileError(f"has a setting '{layer.name}.{name}' that does not follow from the network's own.")
