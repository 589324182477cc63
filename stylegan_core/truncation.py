"""The truncation trick (StyleGAN, appendix B), with one psi for all style vectors or one for each.

What style vectors are drawn to is the mean of w, or one of `centres`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stylegan_core.scene import Truncation

Psi = float | Sequence[float]


def psi_per_layer(psi: Psi, cutoff: int | None, num_ws: int) -> tuple[float, ...]:
    """One psi for each of the `num_ws` style vectors; 1 from `cutoff` on.

    Raises:
        ValueError: a sequence of another length than num_ws.
    """
    values = (float(psi),) * num_ws if isinstance(psi, int | float) else tuple(float(p) for p in psi)
    if len(values) != num_ws:
        raise ValueError(f"psi has {len(values)} values; the model has {num_ws} style vectors.")
    return tuple(1.0 if cutoff is not None and i >= cutoff else p for i, p in enumerate(values))


def scene_psi(truncation: Truncation, num_ws: int) -> tuple[float, ...]:
    """What a Scene's truncation means for each style vector."""
    return psi_per_layer(truncation.layers or truncation.psi, truncation.cutoff, num_ws)


def truncate(ws: Tensor, w_avg: Tensor, psis: Sequence[float]) -> Tensor:
    """w' = w_avg + psi * (w - w_avg) for ws [N, num_ws, w_dim]; a psi of exactly 1 leaves w untouched.

    `w_avg` is [w_dim], or has one centre for each style vector, as ws.
    """
    if all(p == 1 for p in psis):
        return ws
    psi = torch.tensor(psis, dtype=ws.dtype, device=ws.device)[None, :, None]
    return torch.where(psi == 1, ws, w_avg.lerp(ws, psi))


@dataclass(frozen=True)
class Distances:
    """How far each style vector is from what it is drawn to, as drawn and truncated; see `distances`."""

    drawn: tuple[float, ...]
    truncated: tuple[float, ...]


def distances(ws: Tensor, centre: Tensor) -> Tensor:
    """|w - centre| / sqrt(w_dim) for ws [N, num_ws, w_dim]: [N, num_ws], the difference of a typical coordinate.

    Divided so, numbers of models with other w_dim compare.
    """
    return (ws - centre).square().mean(-1).sqrt()
