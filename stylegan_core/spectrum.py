"""The log-power spectrum of a picture or feature map, and its average over all directions.

As StyleGAN3's section 1 and figure 5 look at pictures: a window keeps the borders, where the picture does not go on
from one side to the other, from spreading over all frequencies.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

FLOOR_DB = -200.0  # what is less, such as nothing at all, counts as this


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power by frequency. 0 dB: a sinusoid of amplitude 1."""

    power_db: Tensor  # float32 [H, W], frequency 0 at [H // 2, W // 2]
    frequencies: Tensor  # float32 [n]: 0, 1, 2, ..., in cycles per picture
    radial_db: Tensor  # float32 [n]: the mean of the power, not of the dB, over the annulus around each frequency


def spectrum(x: Tensor, beta: float = 8.0) -> Spectrum:
    """The spectrum of one map under a separable Kaiser window.

    Normalised by the window's sum, so that a sinusoid a cos(2π f·x + φ) of whole frequencies f peaks at 20 log10 a
    dB, at f and at -f, and a constant a at 20 log10 a + 6 dB, at 0. The mean is not removed: it is the peak at 0.

    Args:
        x: float [H, W].
        beta: the window's shape: 0 for none; larger shows fainter things beside strong ones, and blurs more.
    """
    height, width = x.shape
    rows, columns = _window(height, beta, x.device), _window(width, beta, x.device)
    windowed = x.double().nan_to_num(0.0, 0.0, 0.0) * rows[:, None] * columns
    amplitude = 2 * torch.fft.fftshift(torch.fft.fft2(windowed)).abs() / (rows.sum() * columns.sum())
    power = amplitude.square()
    radial = _radial_mean(power)
    frequencies = torch.arange(len(radial), dtype=torch.float32, device=x.device)
    return Spectrum(_db(power), frequencies, _db(radial))


def _window(size: int, beta: float, device: torch.device) -> Tensor:
    # Periodic: what comes after the last sample is the first one again.
    return torch.kaiser_window(size, periodic=True, beta=beta, dtype=torch.float64, device=device)


def _radial_mean(power: Tensor) -> Tensor:
    """Mean over the annuli |f| in [n - 1/2, n + 1/2), up to the highest frequency that both axes have."""
    height, width = power.shape
    fy = torch.arange(height, dtype=torch.float64, device=power.device) - height // 2
    fx = torch.arange(width, dtype=torch.float64, device=power.device) - width // 2
    annulus = (torch.hypot(fy[:, None], fx[None, :]) + 0.5).floor().long().flatten()
    count = min(height, width) // 2 + 1
    sums = torch.bincount(annulus, power.flatten(), count)
    return (sums / torch.bincount(annulus, minlength=count))[:count]


def _db(power: Tensor) -> Tensor:
    return (10 * power.clamp_min(10 ** (FLOOR_DB / 10)).log10()).float()
