"""The small feature network: four convolutions whose weights ship with the program, made by scripts/make_features.py.

It has seen the demo faces, whole and spoilt, and was asked who they are and how they were spoilt. What it gives says
whether pictures look more or less like others; it is no measure to compare with other people's numbers.
"""

import hashlib
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load
from torch import Tensor, nn

WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "features_small.safetensors"

SIZE = 64  # px of the pictures that it looks at
WIDTHS = (16, 32, 48, 64)  # channels of its levels
LENGTH = sum(WIDTHS)  # of a picture's features


class SmallNetwork(nn.Module):
    """Four levels, each half as large as the one before; a picture's features are the means of all channels."""

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *WIDTHS)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel, stride=2, padding=kernel // 2)
            for before, after, kernel in zip(widths[:-1], widths[1:], (5, 3, 3, 3), strict=True)
        )
        self.register_buffer("mean", torch.zeros(LENGTH))
        self.register_buffer("scale", torch.ones(LENGTH))

    def levels(self, pictures: Tensor) -> list[Tensor]:
        """The activations of all levels, [N, WIDTHS[i], SIZE / 2^(i + 1), SIZE / 2^(i + 1)].

        Args:
            pictures: [N, 3, H, W] of any size, in [0, 255].
        """
        x = fitted(pictures) / 127.5 - 1
        found = []
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), 0.2)
            found.append(x)
        return found

    def pooled(self, pictures: Tensor) -> Tensor:
        """The mean of each channel, [N, LENGTH], as it is."""
        return torch.cat([level.mean(dim=(2, 3)) for level in self.levels(pictures)], dim=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features [N, LENGTH], about zero and of about unit spread over the demo faces; see `levels`."""
        return (self.pooled(pictures) - self.mean) * self.scale


def fitted(pictures: Tensor) -> Tensor:
    """Pictures [N, C, H, W] at SIZE x SIZE: means where they were larger, interpolated where smaller."""
    height, width = pictures.shape[2:]
    size = min(height, SIZE), min(width, SIZE)
    if size != (height, width):
        pictures = F.interpolate(pictures, size, mode="area")
    if size != (SIZE, SIZE):
        pictures = F.interpolate(pictures, (SIZE, SIZE), mode="bilinear", align_corners=False)
    return pictures


@cache
def small_digest() -> str:
    """sha256 of the weights, hexadecimal."""
    return hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()


def small_network() -> SmallNetwork:
    """The network with its weights, on the CPU."""
    with torch.device("meta"):  # else its construction would draw from the global generator
        network = SmallNetwork()
    network.load_state_dict(load(WEIGHTS.read_bytes()), assign=True)
    return network.eval().requires_grad_(False)
