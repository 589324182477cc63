"""StyleGAN3's generator in float64, from the paper's equations alone, one picture at a time.

There is no padding and no cropping here: every sample has a place in the unit square, and filters are centred.
"""

import math
from typing import Any

import numpy as np

from stylegan_core.spec import NetworkSpec
from stylegan_core.stylegan3 import StyleGAN3Config, layer_plans

Array = np.ndarray


def positions(size: int, rate: float) -> Array:
    """Where the samples of a canvas lie, the picture's centre being 0 and its width 1."""
    return (np.arange(size) - (size - 1) / 2) / rate


def true_affine(weights: dict[str, Array], name: str, w: Array) -> Array:
    return w @ weights[f"{name}.weight"].T / math.sqrt(w.shape[-1]) + weights[f"{name}.bias"]


def true_mapping(config: StyleGAN3Config, weights: dict[str, Array], z: Array, c: Array | None) -> Array:
    def normalized(x: Array) -> Array:
        return x / np.sqrt(np.mean(x**2) + 1e-8)

    x = normalized(z)
    if c is not None:
        embedded = weights["mapping.embed.weight"] @ c / math.sqrt(config.c_dim) + weights["mapping.embed.bias"]
        x = np.concatenate([x, normalized(embedded)])
    rate = config.mapping_lr_multiplier
    for i in range(config.mapping_layers):
        x = rate * (weights[f"mapping.fc{i}.weight"] @ x / math.sqrt(len(x)) + weights[f"mapping.fc{i}.bias"])
        x = np.where(x > 0, x, 0.2 * x) * math.sqrt(2)
    return x


def true_features(plan: Any, weights: dict[str, Array], w: Array, user: Array) -> Array:
    """sin(2π(f·q + φ)) at every sample, q = R(Mp - t), as complex numbers: r_c + i r_s turns."""
    r_c, r_s, t_x, t_y = true_affine(weights, "synthesis.input.affine", w)
    length = math.hypot(r_c, r_s)
    turn, shift = (r_c + 1j * r_s) / length, (t_x + 1j * t_y) / length
    y_at, x_at = (positions(size, plan.in_rate) for size in plan.in_shape)
    x, y = np.meshgrid(x_at, y_at)
    moved = np.einsum("ij,jhw->ihw", user, np.stack([x, y, np.ones_like(x)]))
    q = turn * (moved[0] + 1j * moved[1] - shift)
    waves = []
    for (f_x, f_y), phase in zip(weights["synthesis.input.freqs"], weights["synthesis.input.phases"], strict=True):
        # The frequency that the canvas sees: how fast the phase runs along each of its axes.
        back = (f_x + 1j * f_y) / turn
        seen = np.hypot(*(back.real * user[0, :2] + back.imag * user[1, :2]))
        fade = np.clip((plan.in_rate / 2 - seen) / (plan.in_rate / 2 - plan.in_cutoff), 0, 1)
        waves.append(fade * np.sin(2 * math.pi * (f_x * q.real + f_y * q.imag + phase)))
    mix = weights["synthesis.input.weight"]
    return np.einsum("oc,chw->ohw", mix, np.stack(waves)) / math.sqrt(len(mix))


def true_convolution(plan: Any, weights: dict[str, Array], x: Array, w: Array) -> Array:
    name = f"synthesis.{plan.name}"
    weight, style = weights[f"{name}.weight"], true_affine(weights, f"{name}.affine", w)
    if plan.is_torgb:
        weight = weight * style[None, :, None, None] / math.sqrt(weight[0].size)
    else:
        weight = weight * style[None, :, None, None]
        weight = weight / np.sqrt(np.sum(weight**2, axis=(1, 2, 3), keepdims=True))
    weight = weight / np.sqrt(weights[f"{name}.magnitude_ema"])
    k = weight.shape[-1]
    padded = np.pad(x, [(0, 0), (k - 1, k - 1), (k - 1, k - 1)])
    height, width = (size + k - 1 for size in x.shape[1:])
    parts = [
        np.einsum("oi,ihw->ohw", weight[:, :, a, b], padded[:, a : a + height, b : b + width])
        for a in range(k)
        for b in range(k)
    ]
    return sum(parts) + weights[f"{name}.bias"][:, None, None]


def resampling(f: Array, to: Array, source: Array, rate: float) -> Array:
    """The matrix that sums samples at `source` by the filter's taps at their distances from `to`."""
    tap = (to[:, None] - source) * rate + (len(f) - 1) / 2
    assert np.allclose(tap, tap.round(), atol=1e-6)
    tap = tap.round().astype(int)
    return np.where((tap >= 0) & (tap < len(f)), f[tap.clip(0, len(f) - 1)], 0)


def true_layer(config: StyleGAN3Config, plan: Any, weights: dict[str, Array], x: Array, w: Array) -> Array:
    name = f"synthesis.{plan.name}"
    x = true_convolution(plan, weights, x, w)
    f_up, f_down = (weights.get(f"{name}.{way}_filter", np.ones(1)) for way in ("up", "down"))
    fine = [positions((size - 1) * plan.down + len(f_down), plan.tmp_rate) for size in plan.out_shape]
    coarse = [positions(size, plan.in_rate) for size in x.shape[1:]]
    rows, columns = (plan.up * resampling(f_up, *ends, plan.tmp_rate) for ends in zip(fine, coarse, strict=True))
    x = rows @ x @ columns.T
    if not plan.is_torgb:
        x = np.where(x > 0, x, 0.2 * x) * math.sqrt(2)
    if config.conv_clamp is not None:
        x = x.clip(-config.conv_clamp, config.conv_clamp)
    if f_down.ndim == 1:
        wanted = [positions(size, plan.out_rate) for size in plan.out_shape]
        rows, columns = (resampling(f_down, *ends, plan.tmp_rate) for ends in zip(wanted, fine, strict=True))
        return rows @ x @ columns.T
    last, right = ((size - 1) * plan.down + 1 for size in plan.out_shape)
    taps = np.ndindex(f_down.shape)
    return sum(f_down[a, b] * x[:, a : a + last : plan.down, b : b + right : plan.down] for a, b in taps)


def true_picture(spec: NetworkSpec, ws: Array, user: Array | None = None) -> Array:
    """One picture [C, H, W] of ws [num_ws, w_dim]."""
    weights = {name: tensor.double().numpy() for name, tensor in spec.tensors.items()}
    plans = layer_plans(spec.config)
    x = true_features(plans[0], weights, ws[0], weights["synthesis.input.transform"] if user is None else user)
    for plan, w in zip(plans, ws[1:], strict=True):
        x = true_layer(spec.config, plan, weights, x, w)
    return x * spec.config.output_scale
