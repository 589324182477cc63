"""Colours: each picture's by a matrix of its own (ADA, section 3 and appendix B)."""

import torch
from torch import Tensor


def colours_in(channels: int) -> int:
    """How many of so many channels are colours: three of RGB and RGBA (or more), one of grey and grey with alpha."""
    return 3 if channels >= 3 else 1


def recolour(images: Tensor, matrix: Tensor) -> Tensor:
    """Map the colours of images [N, C, H, W] by matrix [N, 4, 4]; alpha, and what else there is, stays.

    A grey picture is one whose three colours are equal, and becomes their mean.
    """
    count = colours_in(images.shape[1])
    matrix = matrix.to(images.dtype)
    linear, offset = matrix[:, :3, :3], matrix[:, :3, 3:]
    if count == 1:
        linear, offset = linear.sum(2, keepdim=True).mean(1, keepdim=True), offset.mean(1, keepdim=True)
    colours = torch.baddbmm(offset, linear, images[:, :count].flatten(2)).unflatten(2, images.shape[2:])
    return colours if count == images.shape[1] else torch.cat([colours, images[:, count:]], dim=1)
