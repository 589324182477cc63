"""Progressive GAN and StyleGAN as TensorFlow snapshots of random numbers, and what they compute in numpy's float64.

The equations are written from the papers, picture by picture and in no hurry: pixels are repeated, or scattered where
a convolution is fused; blurs are sums of shifted maps. Options are the TensorFlow functions' keyword arguments.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from tests.core.tf_reference import Array, Values, correlate
from tests.core.tf_snapshots import Network, network

Options = dict[str, Any]
Shapes = dict[str, tuple[int, ...]]
ROOT2 = np.sqrt(2)


def width(options: Options, resolution: int) -> int:
    return min(2 * options["fmap_base"] // resolution, options["fmap_max"])


def resolutions(options: Options) -> list[int]:
    return [2**i for i in range(2, options["resolution"].bit_length())]


# Snapshots


def progan(options: Options, *, generator: bool) -> Network:
    """A network of G_paper or D_paper."""
    fused, labels = options.get("fused_scale", True), options["label_size"]
    shapes: Shapes = {"lod": ()}
    sizes = resolutions(options)
    for level, r in enumerate(reversed(sizes)):
        here, coarser, finer = width(options, r), width(options, max(r // 2, 4)), width(options, r // 2)
        shapes |= _conv(
            f"{'ToRGB' if generator else 'FromRGB'}_lod{level}", 1, *((here, 3) if generator else (3, here))
        )
        if r > 4 and generator:
            shapes |= _conv(f"{r}x{r}/Conv1", 3, here, here)
            shapes |= _conv(f"{r}x{r}/Conv0", 3, coarser, here) if not fused else {}
            if fused:
                shapes |= {f"{r}x{r}/Conv0_up/weight": (3, 3, here, coarser), f"{r}x{r}/Conv0_up/bias": (here,)}
        elif r > 4:
            shapes |= _conv(f"{r}x{r}/Conv0", 3, here, here)
            shapes |= _conv(f"{r}x{r}/Conv1_down" if fused else f"{r}x{r}/Conv1", 3, here, finer)
    if generator:
        latent = options.get("latent_size") or min(options["fmap_base"], options["fmap_max"])
        first = width(options, 4)
        shapes |= {"4x4/Dense/weight": (latent + labels, 16 * first), "4x4/Dense/bias": (first,)}
        shapes |= _conv("4x4/Conv", 3, first, first)
    else:
        shapes |= _end(options, 1, 1 + labels)
    return _network("Gs" if generator else "D", "G_paper" if generator else "D_paper", options, shapes)


def stylegan(options: Options) -> Network:
    """A network of G_style."""
    labels, latent, hidden, w_dim = (options[k] for k in ("label_size", "latent_size", "mapping_fmaps", "dlatent_size"))
    shapes: Shapes = {"LabelConcat/weight": (labels, latent)} if labels else {}
    widths = [latent * (2 if labels else 1), *[hidden] * (options["mapping_layers"] - 1), w_dim]
    for i, (inner, out) in enumerate(pairwise(widths)):
        shapes |= {f"Dense{i}/weight": (inner, out), f"Dense{i}/bias": (out,)}
    mapping = _network("G_mapping", "G_mapping", options, shapes)
    for name, value in mapping.variables:
        if name.startswith("Dense"):
            mapping.set(name, (value * 30).astype(np.float32))  # as trained, against the learning rate multiplier
    first, sizes = width(options, 4), resolutions(options)
    shapes = {"lod": ()}
    if options.get("const_input_layer", True):
        shapes |= {"4x4/Const/const": (1, first, 4, 4)} | _style(options, "4x4/Const", first)
    else:
        shapes |= {"4x4/Dense/weight": (w_dim, 16 * first)} | _style(options, "4x4/Dense", first)
    for i, r in enumerate(sizes):
        here = width(options, r)
        layers = {"Conv": here} if i == 0 else {"Conv0_up": width(options, r // 2), "Conv1": here}
        for name, inner in layers.items():
            shapes[f"{r}x{r}/{name}/weight"] = (3, 3, inner, here)
            shapes |= _style(options, f"{r}x{r}/{name}", here)
        if options.get("use_noise", True):
            shapes |= {f"noise{2 * i + k}": (1, 1, r, r) for k in range(2)}
        if options.get("structure") != "fixed" or r == sizes[-1]:
            shapes |= _conv(f"ToRGB_lod{len(sizes) - 1 - i}", 1, here, 3)
    main = _network("Gs", "G_style", options, {"lod": (), "dlatent_avg": (w_dim,)})
    main.components = {"synthesis": _network("G_synthesis", "G_synthesis", options, shapes), "mapping": mapping}
    return main


def basic_discriminator(options: Options) -> Network:
    """A network of D_basic."""
    shapes: Shapes = {"lod": ()}
    for level, r in enumerate(reversed(resolutions(options))):
        here = width(options, r)
        if options.get("structure") != "fixed" or level == 0:
            shapes |= _conv(f"FromRGB_lod{level}", 1, 3, here)
        if r > 4:
            shapes |= _conv(f"{r}x{r}/Conv0", 3, here, here)
            shapes |= _conv(f"{r}x{r}/Conv1_down", 3, here, width(options, r // 2))
    grouped = options.get("mbstd_group_size", 4) > 1
    shapes |= _end(options, options.get("mbstd_num_features", 1) if grouped else 0, max(options["label_size"], 1))
    return _network("D", "D_basic", options, shapes)


def _conv(name: str, kernel: int, inner: int, out: int) -> Shapes:
    return {f"{name}/weight": (kernel, kernel, inner, out), f"{name}/bias": (out,)}


def _style(options: Options, name: str, channels: int) -> Shapes:
    shapes: Shapes = {f"{name}/bias": (channels,)}
    if options.get("use_noise", True):
        shapes[f"{name}/Noise/weight"] = (channels,)
    if options.get("use_styles", True):
        shapes[f"{name}/StyleMod/weight"] = (options["dlatent_size"], 2 * channels)
        shapes[f"{name}/StyleMod/bias"] = (2 * channels,)
    return shapes


def _end(options: Options, deviations: int, outputs: int) -> Shapes:
    channels, hidden = width(options, 4), width(options, 2)
    return {
        **_conv("4x4/Conv", 3, channels + deviations, channels),
        "4x4/Dense0/weight": (16 * channels, hidden),
        "4x4/Dense0/bias": (hidden,),
        "4x4/Dense1/weight": (hidden, outputs),
        "4x4/Dense1/bias": (outputs,),
    }


def _network(name: str, function: str, options: Options, shapes: Shapes) -> Network:
    found = network(name, function, dict(options), shapes)
    found.version = 2 if function.endswith("paper") else 3
    if "lod" in shapes:
        found.set("lod", np.float32(0))
    return found


# Equations


def weight(values: Values, name: str, options: Options, gain: float = ROOT2, lr: float = 1.0, fan: int = 0) -> Array:
    """A weight as it is used; `fan` is the number of inputs, if it is not what its shape says."""
    stored = values[f"{name}/weight"].astype(np.float64) * lr
    return stored * (gain / np.sqrt(fan or np.prod(stored.shape[:-1])) if options.get("use_wscale", True) else 1)


def bias(values: Values, name: str) -> Array:
    return values[f"{name}/bias"].astype(np.float64)[:, None, None]


def rectified(x: Array, kind: str = "lrelu") -> Array:
    return np.where(x < 0, 0.2 * x if kind == "lrelu" else 0, x)


def pixel_norm(x: Array, epsilon: float = 1e-8, axis: int = 0) -> Array:
    return x / np.sqrt((x**2).mean(axis=axis, keepdims=True) + epsilon)


def repeated(x: Array) -> Array:
    return x.repeat(2, axis=1).repeat(2, axis=2)


def pooled(x: Array) -> Array:
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def scattered(x: Array, kernel: Array) -> Array:
    """Transposed convolution with stride 2: each pixel leaves a 4x4 mark, the sum of the kernel at 2x2 places."""
    _, h, w = x.shape
    mark = np.zeros((4, 4, *kernel.shape[2:]))
    for i in range(2):
        for j in range(2):
            mark[i : i + 3, j : j + 3] += kernel
    y = np.zeros((kernel.shape[3], 2 * h + 2, 2 * w + 2))
    for i in range(4):
        for j in range(4):
            y[:, i : i + 2 * h : 2, j : j + 2 * w : 2] += np.einsum("chw,co->ohw", x, mark[i, j])
    return y[:, 1:-1, 1:-1]


def blurred(x: Array, taps: list[float] | None) -> Array:
    if not taps:
        return x
    before, after = (len(taps) - 1) // 2, len(taps) // 2
    for axis, pad in ((1, ((0, 0), (before, after), (0, 0))), (2, ((0, 0), (0, 0), (before, after)))):
        padded, size = np.pad(x, pad), x.shape[axis]
        x = sum(tap * np.take(padded, range(i, i + size), axis) for i, tap in enumerate(taps)) / sum(taps)
    return x


def progan_picture(values: Values, latent: Array, options: Options) -> Array:
    """latent: z and label, one after the other -> [3, H, W]."""
    kind = "lrelu" if options.get("use_leakyrelu", True) else "relu"
    epsilon = options.get("pixelnorm_epsilon", 1e-8)

    def layer(x: Array, name: str) -> Array:
        x = rectified(x + bias(values, name), kind)
        return pixel_norm(x, epsilon) if options.get("use_pixelnorm", True) else x

    x = latent.astype(np.float64)
    x = pixel_norm(x, epsilon) if options.get("normalize_latents", True) else x
    x = layer((x @ weight(values, "4x4/Dense", options, ROOT2 / 4)).reshape(-1, 4, 4), "4x4/Dense")
    x = layer(correlate(x, weight(values, "4x4/Conv", options)), "4x4/Conv")
    for r in resolutions(options)[1:]:
        if options.get("fused_scale", True):
            name = f"{r}x{r}/Conv0_up"
            kernel = weight(values, name, options, fan=9 * x.shape[0]).transpose(0, 1, 3, 2)
            x = layer(scattered(x, kernel), name)
        else:
            x = layer(correlate(repeated(x), weight(values, f"{r}x{r}/Conv0", options)), f"{r}x{r}/Conv0")
        x = layer(correlate(x, weight(values, f"{r}x{r}/Conv1", options)), f"{r}x{r}/Conv1")
    return correlate(x, weight(values, "ToRGB_lod0", options, 1.0)) + bias(values, "ToRGB_lod0")


def stylegan_w(values: Values, z: Array, c: Array | None, options: Options) -> Array:
    """z [N, latent_size], c [N, label_size] -> w [N, dlatent_size]."""
    lr = options.get("mapping_lrmul", 0.01)
    x = z.astype(np.float64)
    if c is not None:
        x = np.concatenate([x, c @ values["LabelConcat/weight"].astype(np.float64)], axis=1)
    x = pixel_norm(x, axis=1) if options.get("normalize_latents", True) else x
    for i in range(options["mapping_layers"]):
        x = x @ weight(values, f"Dense{i}", options, lr=lr) + values[f"Dense{i}/bias"].astype(np.float64) * lr
        x = rectified(x, options.get("mapping_nonlinearity", "lrelu"))
    return x


def stylegan_picture(values: Values, ws: Array, options: Options) -> Array:
    """ws [num_ws, dlatent_size] -> [3, H, W]."""
    styles = options.get("use_styles", True)

    def epilogue(x: Array, name: str, index: int) -> Array:
        if options.get("use_noise", True):
            strength = values[f"{name}/Noise/weight"].astype(np.float64)[:, None, None]
            x = x + values[f"noise{index}"][0].astype(np.float64) * strength
        x = rectified(x + bias(values, name), options.get("nonlinearity", "lrelu"))
        x = pixel_norm(x) if options.get("use_pixel_norm", False) else x
        if options.get("use_instance_norm", True):
            x = x - x.mean(axis=(1, 2), keepdims=True)
            x = x / np.sqrt((x**2).mean(axis=(1, 2), keepdims=True) + 1e-8)
        if styles:
            y = ws[index] @ weight(values, f"{name}/StyleMod", options, 1.0)
            y = (y + values[f"{name}/StyleMod/bias"].astype(np.float64)).reshape(2, -1, 1, 1)
            x = x * (y[0] + 1) + y[1]
        return x

    if options.get("const_input_layer", True):
        x = epilogue(values["4x4/Const/const"][0].astype(np.float64), "4x4/Const", 0)
    else:
        x = epilogue((ws[0] @ weight(values, "4x4/Dense", options, ROOT2 / 4)).reshape(-1, 4, 4), "4x4/Dense", 0)
    x = epilogue(correlate(x, weight(values, "4x4/Conv", options)), "4x4/Conv", 1)
    for i, r in enumerate(resolutions(options)[1:], start=1):
        kernel, fused = weight(values, f"{r}x{r}/Conv0_up", options), options.get("fused_scale", "auto")
        fused = r >= 128 if fused == "auto" else fused
        x = scattered(x, kernel) if fused else correlate(repeated(x), kernel)
        x = epilogue(blurred(x, options.get("blur_filter", [1, 2, 1])), f"{r}x{r}/Conv0_up", 2 * i)
        x = epilogue(correlate(x, weight(values, f"{r}x{r}/Conv1", options)), f"{r}x{r}/Conv1", 2 * i + 1)
    return correlate(x, weight(values, "ToRGB_lod0", options, 1.0)) + bias(values, "ToRGB_lod0")


def outputs(values: Values, pictures: Array, options: Options, *, style: bool, lod: float = 0.0) -> Array:
    """What the last layer of D_basic (`style`) or D_paper gives for pictures [N, 3, H, W], [N, outputs]."""
    kind = options.get("nonlinearity", "lrelu")

    def conv(x: Array, name: str) -> Array:
        return rectified(correlate(x, weight(values, name, options)) + bias(values, name), kind)

    features = []
    for picture in pictures.astype(np.float64):
        img, x = picture, conv(picture, "FromRGB_lod0")
        for level, r in enumerate(reversed(resolutions(options)[1:])):
            x = conv(x, f"{r}x{r}/Conv0")
            if style or options.get("fused_scale", True):
                name = f"{r}x{r}/Conv1_down"
                x = blurred(x, options.get("blur_filter", [1, 2, 1])) if style else x
                x = rectified(pooled(correlate(x, weight(values, name, options))) + bias(values, name), kind)
            else:
                x = pooled(conv(x, f"{r}x{r}/Conv1"))
            img, fade = pooled(img), min(max(lod - level, 0), 1)
            if fade:
                x = x + (conv(img, f"FromRGB_lod{level + 1}") - x) * fade
        features.append(x)
    group = options.get("mbstd_group_size", 4)
    count = options.get("mbstd_num_features", 1)
    x = with_deviation(np.stack(features), group, count) if group > 1 else np.stack(features)
    x = np.stack([conv(one, "4x4/Conv").reshape(-1) for one in x])
    x = x @ weight(values, "4x4/Dense0", options) + values["4x4/Dense0/bias"].astype(np.float64)
    return rectified(x, kind) @ weight(values, "4x4/Dense1", options, 1.0) + values["4x4/Dense1/bias"].astype(
        np.float64
    )


def with_deviation(x: Array, group: int, count: int) -> Array:
    """Deviation maps beside features [N, C, H, W]: picture i is in group i modulo the number of groups."""
    n, channels, h, w = x.shape
    groups = n // min(group, n)
    maps = np.zeros((n, count, h, w))
    for i in range(n):
        members = x[i % groups :: groups]
        deviation = np.sqrt(members.var(axis=0) + 1e-8)
        for k in range(count):
            maps[i, k] = deviation[k * channels // count : (k + 1) * channels // count].mean()
    return np.concatenate([x, maps], axis=1)
