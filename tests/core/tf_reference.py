"""What StyleGAN2's TensorFlow networks compute, from the equations, in numpy's float64 and in no hurry.

Everything is written from the papers: zeros are put between pixels, filters are summed tap by tap, weights are
modulated picture by picture. `values` are a network's variables by their TensorFlow names.
"""

from collections.abc import Mapping

import numpy as np

Array = np.ndarray
Values = Mapping[str, Array]

MARGIN = 4  # pixels around a map, so that what lies beyond its border is what an unbounded plane has there


def correlate(x: Array, kernel: Array) -> Array:
    """x [C, H, W] with kernel [h, w, in, out] at the same size, zeros beyond the border."""
    h, w = kernel.shape[:2]
    padded = np.pad(x, ((0, 0), (h // 2, h // 2), (w // 2, w // 2)))
    height, width = x.shape[1:]
    return sum(
        np.einsum("chw,co->ohw", padded[:, i : i + height, j : j + width], kernel[i, j])
        for i in range(h)
        for j in range(w)
    )


def fir(x: Array, before: int, after: int) -> Array:
    """x [C, H, W] filtered by [1, 3, 3, 1] / 8 along both axes, after padding."""
    x = np.pad(x, ((0, 0), (before, after), (before, after)))
    for axis in (1, 2):
        size = x.shape[axis] - 3
        x = sum(tap / 8 * np.take(x, range(i, i + size), axis) for i, tap in enumerate((1, 3, 3, 1)))
    return x


def upsample(x: Array) -> Array:
    """Twice the size: zeros in between, then the filter."""
    zeros = np.zeros((x.shape[0], 2 * x.shape[1], 2 * x.shape[2]))
    zeros[:, ::2, ::2] = x
    return 4 * fir(zeros, 2, 1)


def upsampled_convolution(x: Array, kernel: Array) -> Array:
    """Upsample, then convolve, on a plane without end of which the middle is kept."""
    wide = np.pad(x, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
    return correlate(upsample(wide), kernel)[:, 2 * MARGIN : -2 * MARGIN, 2 * MARGIN : -2 * MARGIN]


def downsampled_convolution(x: Array, kernel: Array) -> Array:
    """Filter, then convolve every second pixel, on a plane without end of which the middle is kept."""
    wide = np.pad(x, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
    smooth = fir(wide, 1, 2)  # the filter's middle lies half a pixel before
    return correlate(smooth, kernel)[:, MARGIN:-MARGIN, MARGIN:-MARGIN][:, ::2, ::2]


def lrelu(x: Array) -> Array:
    return np.where(x < 0, 0.2 * x, x) * np.sqrt(2)


def equalized(values: Values, name: str) -> Array:
    """A weight times 1 / sqrt(fan in)."""
    weight = values[f"{name}/weight"].astype(np.float64)
    return weight / np.sqrt(np.prod(weight.shape[:-1]))


def mapped(values: Values, z: Array, c: Array | None, lr: float = 0.01) -> Array:
    """z [N, z_dim], c [N, labels] -> w [N, w_dim]."""
    x = z.astype(np.float64)
    if c is not None:
        x = np.concatenate([x, c @ values["LabelConcat/weight"].astype(np.float64)], axis=1)
    x = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-8)
    layers = sum(name.startswith("Dense") for name in values) // 2
    for i in range(layers):
        x = lrelu(x @ equalized(values, f"Dense{i}") * lr + values[f"Dense{i}/bias"].astype(np.float64) * lr)
    return x


def modulated(values: Values, name: str, x: Array, w: Array, up: bool = False, demodulate: bool = True) -> Array:
    style = w @ values[f"{name}/mod_weight"].astype(np.float64) / np.sqrt(len(w)) + values[f"{name}/mod_bias"] + 1
    kernel = equalized(values, name) * style[:, None]
    if demodulate:
        kernel = kernel / np.sqrt((kernel**2).sum(axis=(0, 1, 2)) + 1e-8)
    return upsampled_convolution(x, kernel) if up else correlate(x, kernel)


def bias(values: Values, name: str) -> Array:
    return values[f"{name}/bias"].astype(np.float64)[:, None, None]


def layer(values: Values, name: str, x: Array, w: Array, index: int, up: bool = False) -> Array:
    x = modulated(values, name, x, w, up)
    x = x + values[f"noise{index}"][0, 0].astype(np.float64) * float(values[f"{name}/noise_strength"])
    return lrelu(x + bias(values, name))


def to_rgb(values: Values, name: str, x: Array, w: Array) -> Array:
    return modulated(values, name, x, w, demodulate=False) + bias(values, name)


def picture(values: Values, ws: Array, resolution: int, wiring: str, lod: float = 0.0) -> Array:
    """Synthesis of ws [num_ws, w_dim]: one picture [3, H, W]."""
    ws, top = ws.astype(np.float64), int(np.log2(resolution))
    x = layer(values, "4x4/Conv", values["4x4/Const/const"][0].astype(np.float64), ws[0], 0)
    img = None
    if wiring in ("skip", "progressive"):
        img = to_rgb(values, "4x4/ToRGB" if wiring == "skip" else f"ToRGB_lod{top - 2}", x, ws[1])
    for i in range(3, top + 1):
        block, before = f"{2**i}x{2**i}", x
        x = layer(values, f"{block}/Conv0_up", x, ws[2 * i - 5], 2 * i - 5, up=True)
        x = layer(values, f"{block}/Conv1", x, ws[2 * i - 4], 2 * i - 4)
        if wiring == "resnet":
            x = (x + upsampled_convolution(before, equalized(values, f"{block}/Skip"))) / np.sqrt(2)
        if wiring == "progressive":
            rgb = to_rgb(values, f"ToRGB_lod{top - i}", x, ws[2 * i - 3])
            assert img is not None
            img = rgb + (img.repeat(2, axis=1).repeat(2, axis=2) - rgb) * np.clip(lod - (top - i), 0, 1)
        elif wiring == "skip" or i == top:
            rgb = to_rgb(values, f"{block}/ToRGB", x, ws[2 * i - 3])
            img = rgb if img is None else rgb + upsample(img)
    assert img is not None
    return img


def scores(values: Values, imgs: Array, c: Array | None, wiring: str) -> Array:
    """The discriminator on pictures [N, 3, H, W] with classes [N, labels]: [N, 1]."""
    resolution = imgs.shape[-1]

    def conv(name: str, x: Array, down: bool = False) -> Array:
        kernel = equalized(values, name)
        return lrelu((downsampled_convolution if down else correlate)(x, kernel) + bias(values, name))

    features = []
    for img in imgs.astype(np.float64):
        x, r, rgb = np.zeros(1), resolution, img
        while r > 4:
            block = f"{r}x{r}"
            if r == resolution or wiring == "skip":
                x = x + conv("FromRGB_lod0" if wiring == "progressive" else f"{block}/FromRGB", rgb)
            before = x
            x = conv(f"{block}/Conv1_down", conv(f"{block}/Conv0", x), down=True)
            if wiring == "resnet":
                x = (x + downsampled_convolution(before, equalized(values, f"{block}/Skip"))) / np.sqrt(2)
            rgb, r = fir(rgb, 1, 2)[:, ::2, ::2], r // 2
        features.append(x + conv("4x4/FromRGB", rgb) if wiring == "skip" else x)
    found = []
    group = min(4, len(features))
    for n, x in enumerate(features):
        others = np.stack(features[n % (len(features) // group) :: len(features) // group])
        deviation = np.sqrt(((others - others.mean(axis=0)) ** 2).mean(axis=0) + 1e-8).mean()
        x = conv("4x4/Conv", np.concatenate([x, np.full((1, 4, 4), deviation)]))
        x = lrelu(x.reshape(-1) @ equalized(values, "4x4/Dense0") + values["4x4/Dense0/bias"])
        x = x @ equalized(values, "Output") + values["Output/bias"]
        found.append(x if c is None else (x * c[n]).sum(keepdims=True))
    return np.stack(found)
