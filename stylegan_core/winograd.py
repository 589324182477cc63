"""3x3 convolution with fewer multiplications (Winograd; Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural
Networks", section 4.1): F(2x2, 3x3), 16 for four outputs instead of 36.

    Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A      for each tile d of 4x4 inputs, which overlap by two

Sums over channels are taken where ⊙ stands, as 16 matrix products. Bᵀ and Aᵀ only add and subtract, so in float32 the
result is as exact as the direct one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.workspace import workspace

G = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))
BREAK_EVEN = 90  # in * out / (in + out) from which on the products saved outweigh the sums added, on two CPU cores


def is_worth_it(weight: Tensor) -> bool:
    """Whether convolution with weight [out, in, k, k] gains by it."""
    out, inner, k, _ = weight.shape
    return k == 3 and inner * out > BREAK_EVEN * (inner + out)


def transformed(weight: Tensor) -> Tensor:
    """G g Gᵀ for every kernel of weight [out, in, 3, 3]: [16, in, out]."""
    g = torch.tensor(G, dtype=torch.float64, device=weight.device)
    u = torch.einsum("ax,oixy,by->abio", g, weight.double(), g)
    return u.reshape(16, *u.shape[2:]).to(weight.dtype)


def tile_rows(x: Tensor, top: int, tiles: int, pad: int, columns: int) -> Tensor:
    """The rows that `tiles` rows of tiles from `top` on meet, [2 * tiles + 2, 2 * columns + 2, in], zeros outside.

    Args:
        x: [1, in, H, W], channels last.
        top: the first tile's row.
        tiles: how many.
        pad: zeros around x.
        columns: tiles side by side.
    """
    height, width = x.shape[2:]
    first, last = 2 * top - pad, 2 * (top + tiles) + 2 - pad
    rows = x[:, :, max(first, 0) : max(last, 0)]
    padding = (pad, 2 * columns + 2 - pad - width, max(-first, 0), max(last - height, 0))
    return F.pad(rows, padding).permute(0, 2, 3, 1)[0]


def convolved(rows: Tensor, u: Tensor) -> Tensor:
    """Correlate rows [2m + 2, 2t + 2, in] with the kernel of which u is `transformed`: [1, out, 2m, 2t]."""
    m, t, inner, out = rows.shape[0] // 2 - 1, rows.shape[1] // 2 - 1, rows.shape[2], u.shape[2]
    pairs = rows.unflatten(0, (m + 1, 2))
    half = workspace("winograd half", rows.dtype, 4, m, 2 * t + 2, inner)
    _input_transform(pairs[:m, 0], pairs[:m, 1], pairs[1:, 0], pairs[1:, 1], half.unbind(0))
    pairs = half.unflatten(2, (t + 1, 2))
    v = workspace("winograd tiles", rows.dtype, 4, 4, m, t, inner)
    _input_transform(pairs[:, :, :t, 0], pairs[:, :, :t, 1], pairs[:, :, 1:, 0], pairs[:, :, 1:, 1], v.unbind(1))
    products = workspace("winograd products", rows.dtype, 16, m * t, out)
    torch.bmm(v.view(16, m * t, inner), u, out=products)
    products = products.view(4, 4, m, t, out)
    half = workspace("winograd half", rows.dtype, 2, 4, m, t, out)
    _output_transform(products.unbind(0), half.unbind(0))
    y = workspace("winograd band", rows.dtype, m, 2, t, 2, out)
    _output_transform(half.unbind(1), y.permute(1, 0, 2, 3, 4).unbind(3))
    return y.view(1, 2 * m, 2 * t, out).permute(0, 3, 1, 2)


def _input_transform(d0: Tensor, d1: Tensor, d2: Tensor, d3: Tensor, out: tuple[Tensor, ...]) -> None:
    """Bᵀ d along one axis."""
    torch.sub(d0, d2, out=out[0])
    torch.add(d1, d2, out=out[1])
    torch.sub(d2, d1, out=out[2])
    torch.sub(d1, d3, out=out[3])


def _output_transform(p: tuple[Tensor, ...], out: tuple[Tensor, ...]) -> None:
    """Aᵀ p along one axis."""
    torch.add(p[0], p[1], out=out[0]).add_(p[2])
    torch.sub(p[1], p[2], out=out[1]).sub_(p[3])
