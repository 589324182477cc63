"""Homogeneous matrices: of the plane, one [3, 3] for each picture, and of colours, one [4, 4].

Products are sums of elementwise products: a GPU set to TensorFloat-32 would round coordinates to a thousandth, which is
a pixel. Nothing here waits for a device.
"""

import math

import torch
from torch import Tensor


def product(*factors: Tensor) -> Tensor:
    """The matrix product of [N, k, k] and others like it, from left to right."""
    result = factors[0]
    for factor in factors[1:]:
        result = (result.unsqueeze(-1) * factor.unsqueeze(-3)).sum(-2)
    return result


def is_changed(matrix: Tensor) -> Tensor:
    """[N] bool: which of the matrices [N, k, k] are not the identity."""
    return (matrix != torch.eye(matrix.shape[-1], device=matrix.device, dtype=matrix.dtype)).flatten(1).any(1)


def _rows(like: Tensor, *rows: tuple[Tensor | float, ...]) -> Tensor:
    """The matrices [N, k, k] that have these rows; numbers are the same in each of them."""
    one = torch.ones_like(like)
    return torch.stack([torch.stack([one * entry for entry in row], dim=-1) for row in rows], dim=-2)


def scale(x: Tensor, y: Tensor) -> Tensor:
    """[N, 3, 3] for factors [N]."""
    return _rows(x, (x, 0, 0), (0, y, 0), (0, 0, 1))


def turn(cosine: Tensor, sine: Tensor) -> Tensor:
    """[N, 3, 3]: rotation that takes the first axis towards the second (down, in a picture)."""
    return _rows(cosine, (cosine, -sine, 0), (sine, cosine, 0), (0, 0, 1))


def rotate(angle: Tensor) -> Tensor:
    """`turn` by angles [N] in radians."""
    return turn(angle.cos(), angle.sin())


def translate(x: Tensor, y: Tensor) -> Tensor:
    """[N, 3, 3] for distances [N]."""
    return _rows(x, (1, 0, x), (0, 1, y), (0, 0, 1))


def _linear(along: Tensor, across: Tensor, turned: Tensor) -> Tensor:
    """[N, 4, 4] with `along` on the luma axis, `across` on the plane beside it, `turned` a quarter turn in it, all [N].

    The luma axis is v = (1, 1, 1) / sqrt(3): appendix B. With P = v v', I - P is the plane and [v]x the quarter turn.
    """
    same = (along + 2 * across) / 3
    after, before = ((along - across + sign * math.sqrt(3) * turned) / 3 for sign in (1, -1))
    return _rows(along, (same, before, after, 0), (after, same, before, 0), (before, after, same, 0), (0, 0, 0, 1))


def brightness(amount: Tensor) -> Tensor:
    """[N, 4, 4]: adds amount [N] to each colour."""
    return _rows(amount, (1, 0, 0, amount), (0, 1, 0, amount), (0, 0, 1, amount), (0, 0, 0, 1))


def contrast(factor: Tensor) -> Tensor:
    """[N, 4, 4]: multiplies each colour with factor [N]."""
    return _rows(factor, (factor, 0, 0, 0), (0, factor, 0, 0), (0, 0, factor, 0), (0, 0, 0, 1))


def luma_flip(flipped: Tensor) -> Tensor:
    """[N, 4, 4]: I - 2 v v' (Householder's reflection) where flipped [N] is 1, the identity where it is 0."""
    one = torch.ones_like(flipped)
    return _exactly(_linear(1 - 2 * flipped, one, one * 0), flipped != 0)


def hue(angle: Tensor) -> Tensor:
    """[N, 4, 4]: rotation around the luma axis by angle [N] in radians."""
    return _exactly(_linear(torch.ones_like(angle), angle.cos(), angle.sin()), angle != 0)


def saturation(factor: Tensor) -> Tensor:
    """[N, 4, 4]: v v' + (I - v v') * factor [N]."""
    return _exactly(_linear(torch.ones_like(factor), factor, factor * 0), factor != 1)


def _exactly(matrix: Tensor, changed: Tensor) -> Tensor:
    """The matrices that are changed [N]; for the others the identity, without rounding."""
    return torch.where(changed[:, None, None], matrix, torch.eye(4, device=matrix.device, dtype=matrix.dtype))
