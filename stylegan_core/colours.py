"""Colour maps: from one number for each pixel to a colour.

Viridis and magma are even steps of lightness to the eye (van der Walt and Smith, 2015), turbo separates more values
but is not even (Mikhailov, 2019), and the diverging one has white for the middle and a colour for each sign.
"""

import numpy as np
import torch
from torch import Tensor

from stylegan_core.scene import Colours

SIZE = 511  # entries of a table: odd, so that the middle has one; grey still has every one of its 256

# Colours at even distances, between which is interpolated; off by at most 6 of 255 from the published tables.
CONTROL_POINTS: dict[Colours, str] = {
    "grey": "000000 ffffff",
    "viridis": (
        "440154 481769 472a7a 433d84 3d4e8a 355e8d 2e6d8e 297b8e 23898e "
        "1f978b 21a585 2eb37c 46c06f 65cb5e 89d548 b0dd2f d8e219 fde725"
    ),
    "magma": (
        "000004 090720 1a1042 311165 4a1079 621980 792282 912b81 aa337d "
        "c23b75 d9466b ec5860 f7725c fc8e64 feaa74 fec68a fde2a3 fcfdbf"
    ),
    "turbo": (
        "30123b 3f3e9c 4666dd 458cfd 2fb2f4 1ad4d0 22ebaa 52fa7a 8bff4b "
        "b7f735 dbe236 f5c53a fea130 f9751d e84b0c ce2d04 a91601 7a0403"
    ),
    "diverging": "10307a 2f6fc0 8db9e8 ffffff f0a58c cf4f45 7a0c1c",
}


def _table(points: str) -> Tensor:
    """Colours as hexadecimal digits -> uint8 [SIZE, 3]."""
    colours = np.array([list(bytes.fromhex(point)) for point in points.split()], dtype=float)
    places = np.linspace(0, len(colours) - 1, SIZE)
    channels = [np.interp(places, np.arange(len(colours)), channel) for channel in colours.T]
    return torch.from_numpy(np.stack(channels, axis=1).round().astype(np.uint8))


TABLES = {name: _table(points) for name, points in CONTROL_POINTS.items()}


def coloured(values: Tensor, name: Colours) -> Tensor:
    """Colours for numbers.

    Args:
        values: float [..., H, W], 0 to 1; what is beyond gets the colour of that end; what is no
            number, that of 0.
        name: a colour map.

    Returns:
        uint8 [..., H, W, 3], on the same device.
    """
    places = (values.nan_to_num(0.0).clamp(0, 1) * (SIZE - 1)).round().long()
    return TABLES[name].to(values.device)[places]
