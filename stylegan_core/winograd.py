"""3x3 convolution with fewer multiplications (Winograd; Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural
Networks", section 4.1): F(4x4, 3x3), 36 for sixteen outputs instead of 144.

    Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A      for each tile d of 6x6 inputs, which overlap by two

Sums over channels are taken where ⊙ stands, as 36 matrix products. A and B follow from the points at which polynomials
are evaluated. The usual 0, ±1, ±2 lose two bits of float32; 0, ±sqrt(1/2), ±sqrt(2) are as exact as the direct sum
(2e-6 of the largest value at 512 channels, both).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.workspace import workspace

TILE = 4  # outputs along an axis
POINTS = math.sqrt(1 / 2), math.sqrt(2)  # each with both signs, beside 0 and infinity
BREAK_EVEN = 64  # in * out / (in + out) from which on the products saved outweigh the sums added, on two CPU cores


def is_worth_it(weight: Tensor) -> bool:
    """Whether convolution with weight [out, in, k, k] gains by it."""
    out, inner, k, _ = weight.shape
    return k == 3 and inner * out > BREAK_EVEN * (inner + out)


def transformed(weight: Tensor) -> Tensor:
    """G g Gᵀ for every kernel of weight [out, in, 3, 3]: [36, in, out]."""
    # A row evaluates the kernel's polynomial at its point, over the product of the point's distances to the others.
    a, b = POINTS
    rows = [(1.0, 0.0, 0.0)]
    for p, other in ((a, b), (b, a)):
        scale = 2 * p**2 * (p**2 - other**2)
        rows += [(1 / scale, sign * p / scale, p**2 / scale) for sign in (1, -1)]
    rows.append((0.0, 0.0, 1.0))
    g = torch.tensor(rows, dtype=torch.float64, device=weight.device)
    u = torch.einsum("ax,oixy,by->abio", g, weight.double(), g)
    return u.reshape(36, *u.shape[2:]).to(weight.dtype)


def tile_rows(x: Tensor, top: int, tiles: int, pad: int, columns: int) -> Tensor:
    """The rows that `tiles` rows of tiles from `top` on meet, in whole tiles, zeros outside.

    Args:
        x: [1, in, H, W], channels last.
        top: the first tile's row.
        tiles: how many.
        pad: zeros around x.
        columns: tiles side by side.

    Returns:
        [4 * tiles + 4, 4 * columns + 4, in]; the last two rows and columns are idle.
    """
    height, width = x.shape[2:]
    first, last = TILE * top - pad, TILE * (top + tiles + 1) - pad
    rows = x[:, :, max(first, 0) : max(last, 0)]
    padding = (pad, TILE * (columns + 1) - pad - width, max(-first, 0), max(last - height, 0))
    return F.pad(rows, padding).permute(0, 2, 3, 1)[0]


def convolved(rows: Tensor, u: Tensor) -> Tensor:
    """Correlate rows [4m + 4, 4t + 4, in] with the kernel of which u is `transformed`: [1, out, 4m, 4t]."""
    m, t, inner, out = rows.shape[0] // TILE - 1, rows.shape[1] // TILE - 1, rows.shape[2], u.shape[2]
    half = workspace("winograd half", rows.dtype, 6, m, TILE * (t + 1), inner)
    _input_transform(_six(rows, 0), half.unbind(0))
    v = workspace("winograd tiles", rows.dtype, 6, 6, m, t, inner)
    _input_transform(_six(half, 2), v.unbind(1))
    products = workspace("winograd products", rows.dtype, 36, m * t, out)
    torch.bmm(v.view(36, m * t, inner), u, out=products)
    products = products.view(6, 6, m, t, out)
    half = workspace("winograd half", rows.dtype, TILE, 6, m, t, out)
    _output_transform(products.unbind(0), half.unbind(0))
    y = workspace("winograd band", rows.dtype, m, TILE, t, TILE, out)
    _output_transform(half.unbind(1), y.permute(1, 0, 2, 3, 4).unbind(3))
    return y.view(1, TILE * m, TILE * t, out).permute(0, 3, 1, 2)


def _six(x: Tensor, axis: int) -> list[Tensor]:
    """The six inputs of every tile along an axis of 4 (n + 1): six tensors of n there."""
    n = x.shape[axis] // TILE - 1
    tiles = x.unflatten(axis, (n + 1, TILE))
    own, following = tiles.narrow(axis, 0, n), tiles.narrow(axis, 1, n)
    return [*own.unbind(axis + 1), *following.unbind(axis + 1)[:2]]


def _pair(like: Tensor) -> tuple[Tensor, Tensor]:
    """Two places for sums on the way."""
    one, other = (workspace(f"winograd {place}", like.dtype, *like.shape) for place in ("even", "odd"))
    return one, other


def _input_transform(d: list[Tensor], out: tuple[Tensor, ...]) -> None:
    """Bᵀ d along one axis: the products of (x² - p²) over all other points p, their coefficients times d."""
    a, b = POINTS
    even, odd = _pair(d[0])
    for p, other, i in ((a, b, 1), (b, a, 3)):
        torch.sub(d[4], d[2], alpha=other**2, out=even)
        torch.sub(d[3], d[1], alpha=other**2, out=odd)
        torch.add(even, odd, alpha=p, out=out[i])
        torch.sub(even, odd, alpha=p, out=out[i + 1])
    # even and odd hold the last pair's, from which x (x² - a²)(x² - b²) is one step away, and a² b² is 1.
    torch.add(d[0], even, out=out[0]).sub_(d[2], alpha=b**2)
    torch.sub(d[5], odd, alpha=b**2, out=out[5]).sub_(d[3], alpha=a**2)


def _output_transform(p: tuple[Tensor, ...], out: tuple[Tensor, ...]) -> None:
    """Aᵀ p along one axis: output k is the sum of p times its point to the power of k."""
    a, b = POINTS
    small, large = _pair(p[0])
    torch.add(p[1], p[2], out=small)
    torch.add(p[3], p[4], out=large)
    torch.add(small, large, out=out[0]).add_(p[0])
    torch.add(small.mul_(a**2), large, alpha=b**2, out=out[2])
    torch.sub(p[1], p[2], out=small)
    torch.sub(p[3], p[4], out=large)
    torch.add(small.mul_(a), large, alpha=b, out=out[1])
    torch.add(small.mul_(a**2), large, alpha=b**3, out=out[3]).add_(p[5])
