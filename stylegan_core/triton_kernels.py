# mypy: disable-error-code="no-untyped-def,no-untyped-call"
# Triton reads parameter annotations itself, so only compile-time constants have one.
"""The GPU kernels, in Triton, which comes with PyTorch's CUDA wheels: no nvcc, no compiler. kernels.py launches them.

Import only where Triton is. Every kernel reads and writes through strides, so that contiguous and channels-last tensors
take the same code; sums are float32 whatever the tensors hold. Offsets are 32 bits: kernels.py sends no larger tensor.
"""

import triton
import triton.language as tl


@triton.jit
def finished(value, slope, gain, clamp, ACTIVATE: tl.constexpr, CLAMP: tl.constexpr):
    """clamp(gain * leaky_relu(value))."""
    if ACTIVATE:
        value = tl.where(value < 0, value * slope, value)
    value *= gain
    if CLAMP:
        value = tl.minimum(tl.maximum(value, -clamp), clamp)
    return value


@triton.jit
def upfirdn_finish(
    x,
    f,
    noise,
    bias,
    y,
    channels,
    in_h,
    in_w,
    out_h,
    out_w,
    pixels,
    x_n,
    x_c,
    x_h,
    x_w,
    y_n,
    y_c,
    y_h,
    y_w,
    noise_n,
    pad_y,
    pad_x,
    filter_gain,
    slope,
    gain,
    clamp,
    UP_Y: tl.constexpr,
    UP_X: tl.constexpr,
    DOWN_Y: tl.constexpr,
    DOWN_X: tl.constexpr,
    TAPS_Y: tl.constexpr,
    TAPS_X: tl.constexpr,
    LIFT_Y: tl.constexpr,
    LIFT_X: tl.constexpr,
    FILTER: tl.constexpr,
    NOISE: tl.constexpr,
    BIAS: tl.constexpr,
    ACTIVATE: tl.constexpr,
    CLAMP: tl.constexpr,
    BLOCK_P: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    """Upsample, pad, filter, downsample; then noise, bias, activation: each value is read and written once.

    An output meets every UP-th tap only, from the first that falls on a sample, so inserted zeros are never multiplied.
    LIFT is a number of samples added before dividing and taken off after it, for `//` rounds negative numbers to zero.
    """
    p = tl.program_id(0) * BLOCK_P + tl.arange(0, BLOCK_P)
    c = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    ox, oy, n = p % out_w, p // out_w % out_h, p // (out_w * out_h)
    wanted = (p < pixels)[:, None] & (c < channels)[None, :]
    channel = n[:, None] * x_n + c[None, :] * x_c
    if FILTER:
        base_y, base_x = oy * DOWN_Y - pad_y, ox * DOWN_X - pad_x
        first_y = (base_y + LIFT_Y * UP_Y + UP_Y - 1) // UP_Y - LIFT_Y
        first_x = (base_x + LIFT_X * UP_X + UP_X - 1) // UP_X - LIFT_X
        value = tl.zeros([BLOCK_P, BLOCK_C], tl.float32)
        for ty in range((TAPS_Y + UP_Y - 1) // UP_Y):
            iy = first_y + ty
            tap_y = iy * UP_Y - base_y
            row = (tap_y < TAPS_Y) & (iy >= 0) & (iy < in_h)
            for tx in range((TAPS_X + UP_X - 1) // UP_X):
                ix = first_x + tx
                tap_x = ix * UP_X - base_x
                here = row & (tap_x < TAPS_X) & (ix >= 0) & (ix < in_w)
                weight = tl.load(f + (TAPS_Y - 1 - tap_y) * TAPS_X + (TAPS_X - 1 - tap_x), mask=here, other=0.0)
                place = channel + (iy * x_h + ix * x_w)[:, None]
                value += weight.to(tl.float32)[:, None] * tl.load(x + place, mask=here[:, None] & wanted, other=0.0)
        value *= filter_gain
    else:
        value = tl.load(x + channel + (oy * x_h + ox * x_w)[:, None], mask=wanted, other=0.0).to(tl.float32)
    if NOISE:
        value += tl.load(noise + n * noise_n + oy * out_w + ox, mask=p < pixels, other=0.0).to(tl.float32)[:, None]
    if BIAS:
        value += tl.load(bias + c, mask=c < channels, other=0.0).to(tl.float32)[None, :]
    value = finished(value, slope, gain, clamp, ACTIVATE, CLAMP)
    place = n[:, None] * y_n + c[None, :] * y_c + (oy * y_h + ox * y_w)[:, None]
    tl.store(y + place, value.to(y.dtype.element_ty), mask=wanted)


@triton.jit
def modulate(
    weight,
    styles,
    factor,
    y,
    inner,
    w_o,
    w_i,
    w_k,
    s_n,
    f_n,
    y_n,
    y_o,
    y_i,
    y_k,
    TAPS: tl.constexpr,
    DEMODULATE: tl.constexpr,
    FACTOR: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One output channel's weights for one picture: scaled by the styles, and to unit energy (equations 1 and 3)."""
    o, n = tl.program_id(0), tl.program_id(1)
    scale = 1.0
    if DEMODULATE:
        energy = tl.zeros([BLOCK], tl.float32)
        for start in range(0, inner * TAPS, BLOCK):
            j = start + tl.arange(0, BLOCK)
            i, k = j % inner, j // inner
            value = tl.load(weight + o * w_o + i * w_i + k * w_k, mask=k < TAPS, other=0.0).to(tl.float32)
            value *= tl.load(styles + n * s_n + i).to(tl.float32)
            energy += value * value
        scale = 1.0 / tl.sqrt(tl.sum(energy) + 1e-8)
    if FACTOR:
        scale *= tl.load(factor + n * f_n + o).to(tl.float32)
    for start in range(0, inner * TAPS, BLOCK):
        j = start + tl.arange(0, BLOCK)
        i, k = j % inner, j // inner  # the order of channels-last memory, so that writing is coalesced
        value = tl.load(weight + o * w_o + i * w_i + k * w_k, mask=k < TAPS, other=0.0).to(tl.float32)
        value *= tl.load(styles + n * s_n + i).to(tl.float32) * scale
        tl.store(y + n * y_n + o * y_o + i * y_i + k * y_k, value.to(y.dtype.element_ty), mask=k < TAPS)


@triton.jit
def band(
    taps,
    row,
    offset,
    TAPS: tl.constexpr,
    STEP_ROW: tl.constexpr,
    STEP_COLUMN: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """The banded matrix [ROWS, COLUMNS] of a filter: at (r, c) its tap c * STEP_COLUMN - r * STEP_ROW + offset."""
    r, c = tl.arange(0, ROWS), tl.arange(0, COLUMNS)
    tap = c[None, :] * STEP_COLUMN - r[:, None] * STEP_ROW + offset
    inside = (tap >= 0) & (tap < TAPS)
    return tl.load(taps + row * TAPS + TAPS - 1 - tap, mask=inside, other=0.0)


@triton.jit
def filtered_lrelu(
    x,
    bias,
    up_y,
    up_x,
    down_y,
    down_x,
    y,
    channels,
    in_h,
    in_w,
    out_h,
    out_w,
    tiles_x,
    x_n,
    x_c,
    x_h,
    x_w,
    y_n,
    y_c,
    y_h,
    y_w,
    pad_y,
    pad_x,
    slope,
    gain,
    clamp,
    UP: tl.constexpr,
    DOWN: tl.constexpr,
    UP_TAPS: tl.constexpr,
    DOWN_TAPS: tl.constexpr,
    UP_RANK: tl.constexpr,
    DOWN_RANK: tl.constexpr,
    LIFT_Y: tl.constexpr,
    LIFT_X: tl.constexpr,
    BIAS: tl.constexpr,
    CLAMP: tl.constexpr,
    OPERAND: tl.constexpr,
    TILE: tl.constexpr,
    READS: tl.constexpr,
    IN: tl.constexpr,
    MID: tl.constexpr,
    OUT: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    """One tile of filtered_lrelu for a few channels; what lies between its two filters stays in registers.

    With X the tile's input, U and D the filters' banded matrices and r over the separable parts of a 2-D filter:

        A = act(sum_r  Uy_r X Ux_r'),    Y = sum_r  Dy_r A Dx_r'

    A banded matrix multiplies many zeros, but tensor cores do so ten times quicker than other cores do without, and
    Triton has no other way to mix neighbours of a tile that is not in memory. `filtered_lrelu_tile` has the counts.
    OPERAND float16 takes tensor cores; float32 does not: TF32 has half's 10 bits, and Triton 3.7.1 cannot compile it
    here for every GPU.
    """
    oy0, ox0 = tl.program_id(0) // tiles_x * TILE, tl.program_id(0) % tiles_x * TILE
    c = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    n = tl.program_id(2)
    base_y, base_x = oy0 * DOWN - pad_y, ox0 * DOWN - pad_x  # of the tile among the inserted zeros
    iy0 = (base_y + LIFT_Y * UP + UP - 1) // UP - LIFT_Y
    ix0 = (base_x + LIFT_X * UP + UP - 1) // UP - LIFT_X

    i = tl.arange(0, IN)
    iy, ix = (iy0 + i)[:, None, None], (ix0 + i)[None, :, None]
    inside = (iy >= 0) & (iy < in_h) & (ix >= 0) & (ix < in_w) & (c < channels)[None, None, :]
    inside &= (i < READS)[:, None, None] & (i < READS)[None, :, None]
    tile = tl.load(x + n * x_n + iy * x_h + ix * x_w + c[None, None, :] * x_c, mask=inside, other=0.0)
    if BIAS:
        added = tl.load(bias + c, mask=c < channels, other=0.0).to(tl.float32)[None, None, :]
        tile = tl.where(inside, tile.to(tl.float32) + added, 0.0)  # padding is around what has its bias
    rows = tl.reshape(tile.to(OPERAND), [IN, IN * BLOCK_C])

    mid = tl.zeros([MID * BLOCK_C, MID], tl.float32)
    for r in tl.static_range(UP_RANK):
        matrix_y = band(up_y, r, iy0 * UP - base_y, UP_TAPS, 1, UP, MID, IN).to(OPERAND)
        matrix_x = band(up_x, r, ix0 * UP - base_x, UP_TAPS, 1, UP, MID, IN).to(OPERAND)
        tall = tl.dot(matrix_y, rows, input_precision="ieee").to(OPERAND)
        tall = tl.permute(tl.reshape(tall, [MID, IN, BLOCK_C]), [0, 2, 1])
        tall = tl.reshape(tall, [MID * BLOCK_C, IN])
        mid = tl.dot(tall, tl.trans(matrix_x), mid, input_precision="ieee")
    middle = finished(mid * (UP * UP), slope, gain, clamp, True, CLAMP).to(OPERAND)  # UP²: for the inserted zeros

    out = tl.zeros([OUT, BLOCK_C * OUT], tl.float32)
    for r in tl.static_range(DOWN_RANK):
        matrix_y = band(down_y, r, 0, DOWN_TAPS, DOWN, 1, OUT, MID).to(OPERAND)
        matrix_x = band(down_x, r, 0, DOWN_TAPS, DOWN, 1, OUT, MID).to(OPERAND)
        narrow = tl.dot(middle, tl.trans(matrix_x), input_precision="ieee").to(OPERAND)
        narrow = tl.reshape(narrow, [MID, BLOCK_C * OUT])
        out = tl.dot(matrix_y, narrow, out, input_precision="ieee")

    o = tl.arange(0, OUT)
    oy, ox = (oy0 + o)[:, None, None], (ox0 + o)[None, None, :]
    made = (o < TILE)[:, None, None] & (o < TILE)[None, None, :] & (c < channels)[None, :, None]
    made &= (oy < out_h) & (ox < out_w)
    result = tl.reshape(out, [OUT, BLOCK_C, OUT])
    place = n * y_n + c[None, :, None] * y_c + oy * y_h + ox * y_w
    tl.store(y + place, result.to(y.dtype.element_ty), mask=made)
