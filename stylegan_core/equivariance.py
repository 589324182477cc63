"""How well a generator's pictures follow its input: EQ-T, EQ-T_frac and EQ-R (StyleGAN3, section 3 and appendix E).

Each compares the picture of a moved input with the moved picture, as a peak signal-to-noise ratio over all pictures,
channels and valid pixels:

    EQ = 20 log10(I_max) - 10 log10(MSE),   I_max = 2, for pictures span [-1, 1]

EQ-T moves by whole pixels, EQ-T_frac by any part of one, both up to an eighth of the picture; EQ-R turns by any angle.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.errors import StyleScopeError
from stylegan_core.model import Model
from stylegan_core.ops import Poll, no_poll
from stylegan_core.scene import Transform
from stylegan_core.transform import input_matrix
from stylegan_core.watch import Watch

PEAK = 2.0  # I_max
MOST_MOVED = 1 / 8  # of the picture's shorter side
LOBES = 3  # a of the Lanczos windows, in px
MARGIN = 8  # px that `turned` and `band_limited` need around a valid one: a + a √2, rounded up
FINENESS = 32  # samples a px of the kernel that rotation looks up


@dataclass(frozen=True)
class Equivariance:
    """What was measured, in dB: the higher, the better. Published StyleGAN3 models reach 50 to 65 where they can."""

    pictures: int
    eq_t_db: float  # inf: not a bit differs
    eq_t_frac_db: float
    eq_r_db: float | None  # None: the pictures are too small to leave valid pixels


@dataclass
class _Error:
    """Squared differences, gathered over pictures."""

    total: float = 0.0
    count: int = 0

    def add(self, one: Tensor, other: Tensor, valid: Tensor) -> None:
        """Take in two pictures [1, C, H, W], where valid [H, W] says so."""
        differences = (one - other)[:, :, valid]
        self.total += float(differences.square().sum())
        self.count += differences.numel()

    @property
    def db(self) -> float | None:
        """Peak signal-to-noise ratio; None before anything valid came."""
        if not self.count:
            return None
        return 20 * math.log10(PEAK) - 10 * math.log10(self.total / self.count) if self.total else math.inf


@dataclass
class _Errors:
    moved: _Error = field(default_factory=_Error)
    moved_between: _Error = field(default_factory=_Error)
    turned: _Error = field(default_factory=_Error)


# -- resampling --------------------------------------------------------------------------------------------------------


def lanczos(x: Tensor) -> Tensor:
    """sinc(x) sinc(x / a) where |x| < a: the ideal low-pass filter of the pixel grid, windowed."""
    return torch.where(x.abs() < LOBES, torch.sinc(x) * torch.sinc(x / LOBES), 0.0)


def _shift_matrix(size: int, shift_px: float, device: torch.device) -> Tensor:
    at = torch.arange(size, dtype=torch.float64, device=device)
    weights = lanczos(at[:, None] - shift_px - at)
    return weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-6)  # a flat picture stays flat


def shifted(img: Tensor, right_px: float, down_px: float) -> tuple[Tensor, Tensor]:
    """Move a picture by windowed-sinc interpolation (appendix E.1 and E.2); exact for whole pixels.

    Args:
        img: [N, C, H, W], float64.
        right_px: to the right.
        down_px: down.

    Returns:
        The moved pictures and where they are valid, [H, W] bool: where nothing from outside was needed.
    """
    height, width = img.shape[2:]
    rows = _shift_matrix(height, down_px, img.device)
    columns = _shift_matrix(width, right_px, img.device)
    return rows @ img @ columns.t(), _reached(height, down_px, img)[:, None] & _reached(width, right_px, img)


def _reached(size: int, shift_px: float, img: Tensor) -> Tensor:
    need = 0 if shift_px == round(shift_px) else LOBES
    source = torch.arange(size, dtype=torch.float64, device=img.device) - shift_px
    return (source >= need) & (source <= size - 1 - need)


def rotation_kernel(angle: float) -> Tensor:
    """The filter of a rotation, in the unturned picture's frame: what both pixel grids, before and after, can hold.

    The windowed-sinc filters of the two grids, one turned against the other, convolved (appendix E.3). Without the
    second one the corners of the turned spectrum would alias.

    Args:
        angle: in radians.

    Returns:
        float64 [n, n], n = 2 * MARGIN * FINENESS + 1 samples, the middle one at the origin; each px^2 sums to 1.
    """
    at = torch.arange(-MARGIN * FINENESS, MARGIN * FINENESS + 1, dtype=torch.float64) / FINENESS
    x, y = at[None, :], at[:, None]
    cos, sin = math.cos(angle), math.sin(angle)
    before = lanczos(x) * lanczos(y)
    after = lanczos(cos * x - sin * y) * lanczos(sin * x + cos * y)
    n = len(at)
    size = [2 * n, 2 * n]
    both = torch.fft.irfft2(torch.fft.rfft2(before, size) * torch.fft.rfft2(after, size), size)
    kernel = both[n // 2 : n // 2 + n, n // 2 : n // 2 + n]
    return kernel / kernel.sum() * FINENESS**2


def _looked_up(kernel: Tensor, x_px: Tensor, y_px: Tensor) -> Tensor:
    """The kernel at places in px from its origin, linearly between samples; 0 outside."""
    places = torch.stack([x_px, y_px], dim=-1) / MARGIN
    values = F.grid_sample(kernel[None, None], places[None], align_corners=True)
    return values[0, 0]


def turned(img: Tensor, angle: float, poll: Poll = no_poll) -> tuple[Tensor, Tensor]:
    """Turn a picture clockwise about its middle, limited to the band that both grids hold (appendix E.3).

    Args:
        img: [N, C, H, W], float64.
        angle: in radians.
        poll: called between pieces of the work.

    Returns:
        The turned pictures and where they are valid, as `band_limited` needs it too: [H, W] bool.
    """
    height, width = img.shape[2:]
    kernel = rotation_kernel(angle).to(img.device)
    x = torch.arange(width, dtype=torch.float64, device=img.device)[None, :] - (width - 1) / 2
    y = torch.arange(height, dtype=torch.float64, device=img.device)[:, None] - (height - 1) / 2
    cos, sin = math.cos(angle), math.sin(angle)
    source_x, source_y = cos * x + sin * y + (width - 1) / 2, cos * y - sin * x + (height - 1) / 2
    left, top = source_x.floor(), source_y.floor()
    out, sums = torch.zeros_like(img), torch.zeros_like(source_x)
    for dy in range(1 - MARGIN, MARGIN + 1):
        poll()
        for dx in range(1 - MARGIN, MARGIN + 1):
            weights = _looked_up(kernel, source_x - left - dx, source_y - top - dy)
            rows, columns = (top + dy).clamp(0, height - 1).long(), (left + dx).clamp(0, width - 1).long()
            out += img[:, :, rows, columns] * weights
            sums += weights
    inside = [_inside(at, size) for at, size in ((source_x, width), (source_y, height))]
    border = [_inside(at + (size - 1) / 2, size) for at, size in ((x, width), (y, height))]
    return out / sums, inside[0] & inside[1] & border[0] & border[1]


def _inside(at: Tensor, size: int) -> Tensor:
    return (at >= MARGIN) & (at <= size - 1 - MARGIN)


def band_limited(img: Tensor, angle: float) -> Tensor:
    """A picture that shows something turned already, brought to the band that `turned` leaves (appendix E.3, r*).

    Args:
        img: [N, C, H, W], float64.
        angle: by which it is turned, in radians.
    """
    at = torch.arange(-MARGIN, MARGIN + 1, dtype=torch.float64)
    x, y = at[None, :], at[:, None]
    cos, sin = math.cos(angle), math.sin(angle)
    weights = _looked_up(rotation_kernel(angle), cos * x + sin * y, cos * y - sin * x).to(img.device)
    weights = weights.flip([0, 1])[None, None] / weights.sum()  # a flat picture stays flat
    return F.conv2d(img.flatten(0, 1)[:, None], weights, padding=MARGIN).reshape(img.shape)


# -- measuring ---------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def measurements(
    model: Model, pictures: int, seed: int = 0, psi: float = 1.0, watch: Watch | None = None
) -> Iterator[Equivariance]:
    """Measure picture by picture; what is found so far comes after each.

    Args:
        model: any that can be moved. Where only features are (`moved_px`), the figures say how much sticks.
        pictures: how many; the paper takes 50000, a few dozen are good to half a dB or so.
        seed: of latents, classes and motions; the same seed measures the same.
        psi: truncation; the paper's figures are for 1.
        watch: to follow and stop it.

    Raises:
        StyleScopeError: nothing in the model can be moved.
        Cancelled: from `watch`.
    """
    if not model.card.can_move:
        raise StyleScopeError(f"{model.card.name} ({model.card.family}) has no input that could be moved or turned.")
    watch = watch or Watch()
    random, errors = np.random.RandomState(seed), _Errors()
    for number in range(1, pictures + 1):
        z = torch.from_numpy(random.randn(1, model.card.z_dim)).float()
        c = torch.eye(model.card.c_dim)[[random.randint(model.card.c_dim)]] if model.card.c_dim else None
        right, down = random.uniform(-MOST_MOVED, MOST_MOVED, size=2) * model.card.shorter
        angle = random.uniform(0, 360)
        _measure(model, model.map(z, c, psi), (right, down), angle, errors, watch)
        eq_t, eq_t_frac = errors.moved.db, errors.moved_between.db
        assert eq_t is not None and eq_t_frac is not None  # an eighth leaves valid pixels in pictures of any size
        watch.advance(number / pictures)
        yield Equivariance(number, eq_t, eq_t_frac, errors.turned.db)


def equivariance(
    model: Model, pictures: int = 16, seed: int = 0, psi: float = 1.0, watch: Watch | None = None
) -> Equivariance:
    """All of `measurements` at once."""
    *_, last = measurements(model, pictures, seed, psi, watch)
    return last


def _measure(
    model: Model, ws: Tensor, offset_px: tuple[float, float], degrees: float, errors: _Errors, watch: Watch
) -> None:
    """One picture: moved by an offset (right, down), by the nearest whole pixels, and turned."""
    right, down = offset_px
    size = model.card.shorter

    def synthesized(transform: Transform) -> Tensor:
        *_, last = model.steps(ws, transform=input_matrix(transform), poll=watch.check)
        assert last.img is not None  # the last step has a picture
        return last.img.double()

    still = synthesized(Transform())
    for error, x, y in ((errors.moved, round(right), round(down)), (errors.moved_between, right, down)):
        moved, valid = shifted(still, x, y)
        error.add(synthesized(Transform(x=x / size, y=y / size)), moved, valid)
    angle = math.radians(degrees)
    picture, valid = turned(still, angle, watch.check)
    if valid.any():
        turn = synthesized(Transform(rotation=degrees if degrees <= 180 else degrees - 360))
        errors.turned.add(band_limited(turn, angle), picture, valid)
