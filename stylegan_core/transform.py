"""The Scene's transform: how the picture moves, as matrices, and moving finished pictures and features by them.

Coordinates: the picture spans [-0.5, 0.5] both ways, x to the right, y down, the origin in its middle. These are also
the units of StyleGAN3's `synthesis.input.transform`, so matrices made here go there as they are. Of a picture that is
not square that is its shorter side; the longer one goes further, so that what turns keeps its shape.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.scene import Transform

EXACT_PX = 1e-4  # closer to a whole pixel than this is there


def motion(transform: Transform) -> Transform | None:
    """What of a transform synthesis has to know; None if it moves nothing. Moving the picture back comes after it."""
    moved = transform.model_copy(update={"untransform": False})
    return None if moved == Transform() else moved


def picture_matrix(transform: Transform) -> Tensor:
    """How the picture moves, float64 [3, 3]: what was at p is at `matrix @ p` then.

    In this order: mirrored, sheared, scaled, turned (clockwise on the screen), moved.
    """
    angle = math.radians(transform.rotation)
    cos, sin = math.cos(angle) * transform.scale, math.sin(angle) * transform.scale
    turned = _matrix([[cos, -sin, transform.x], [sin, cos, transform.y]])
    flip = -1.0 if transform.mirror else 1.0
    return turned @ _matrix([[flip, transform.shear, 0.0], [0.0, 1.0, 0.0]])


def input_matrix(transform: Transform) -> Tensor:
    """From places in the picture shown to places in the unmoved one: the inverse of `picture_matrix`, float64 [3, 3].

    It is what StyleGAN3's `synthesis.input.transform` takes, and `Inputs.transform`.
    """
    return torch.linalg.inv(picture_matrix(transform))


def _matrix(rows: list[list[float]]) -> Tensor:
    return torch.tensor([*rows, [0.0, 0.0, 1.0]], dtype=torch.float64)


def warp(img: Tensor, matrix: Tensor) -> Tensor:
    """Move pictures; what comes from outside is mid-grey (0).

    The kernel is bicubic (a = -0.75). Where the picture shrinks it is brought to the smaller size first, with the
    kernel widened accordingly, so that fine texture averages out instead of aliasing. A move by whole pixels is exact.

    Args:
        img: [N, C, H, W], nominal range [-1, 1].
        matrix: [3, 3] as `picture_matrix` gives it.
    """
    pixels = _whole_pixels(img, matrix)
    return resample(img, torch.linalg.inv(matrix), "zeros") if pixels is None else _shifted(img, *pixels)


def resample(x: Tensor, source: Tensor, border: str) -> Tensor:
    """Features or pictures at other places, by the kernel that `warp` states.

    Args:
        x: [N, C, H, W].
        source: [3, 3], from places in the result to places in x.
        border: "zeros", or "reflection": what lies outside is x in a mirror, again and again.

    Returns:
        [N, C, H, W], in x's precision.
    """
    source = source.to("cpu", torch.float64)  # no device is made to wait for its own results
    height, width = x.shape[2:]
    values = x.float()
    shrink = math.sqrt(abs(float(torch.linalg.det(source[:2, :2]))))
    if shrink > 1:
        size = (max(round(height / shrink), 1), max(round(width / shrink), 1))
        values = F.interpolate(values, size, mode="bicubic", antialias=True)
    reach = torch.tensor([width, height], dtype=torch.float64) / (2 * min(height, width))
    # affine_grid spans [-1, 1] both ways.
    theta = source[:2] * torch.cat([reach, torch.ones(1, dtype=torch.float64)]) / reach[:, None]
    theta = theta.to(x.device, torch.float32).expand(len(x), 2, 3)
    grid = F.affine_grid(theta, [len(x), 1, height, width], align_corners=False)
    return F.grid_sample(values, grid, mode="bicubic", padding_mode=border, align_corners=False).to(x.dtype)


def _whole_pixels(img: Tensor, matrix: Tensor) -> tuple[int, int] | None:
    """(right, down) in px of a matrix that only moves by whole pixels; None for any other."""
    offset = matrix[:2, 2].cpu().double() * min(img.shape[2:])
    turned = (matrix[:2, :2].cpu().double() - torch.eye(2, dtype=torch.float64)).abs().max() * max(img.shape[2:])
    if turned > EXACT_PX or (offset - offset.round()).abs().max() > EXACT_PX:
        return None
    return int(offset[0].round()), int(offset[1].round())


def _shifted(img: Tensor, right: int, down: int) -> Tensor:
    height, width = img.shape[2:]
    out = torch.zeros_like(img)
    rows, columns = max(height - abs(down), 0), max(width - abs(right), 0)
    top, left = max(down, 0), max(right, 0)
    out[:, :, top : top + rows, left : left + columns] = img[
        :, :, top - down : top - down + rows, left - right : left - right + columns
    ]
    return out
