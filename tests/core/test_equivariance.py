"""Equivariance is measured as the paper defines it: on generators whose figures are known, and on T against R."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import stylegan_core as sg
from stylegan_core.card import LayerInfo, ModelCard
from stylegan_core.equivariance import Equivariance, band_limited, equivariance, measurements, shifted, turned
from stylegan_core.errors import Cancelled, StyleScopeError
from stylegan_core.model import Model
from stylegan_core.network import GeneratorNetwork, Inputs, Step
from stylegan_core.watch import Watch
from tests.strategies import tiny_model

GOLDEN = Path(__file__).parents[1] / "golden"
WAVES = [(0.31, 0.1, 0.4, 0.3), (-0.2, 0.44, 1.0, 0.25), (0.9, -0.7, 2.0, 0.2), (0.05, 1.2, 0.1, 0.15)]  # rad a px


def waves(x: Tensor, y: Tensor, shift: float = 0.0) -> Tensor:
    """A band-limited picture at any places in px, from the middle."""
    return sum(a * torch.sin(f * x + g * y + phase + shift) for f, g, phase, a in WAVES) + 0.2


def grid(size: int) -> tuple[Tensor, Tensor]:
    at = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    return at[None, :], at[:, None]


class Analytic(GeneratorNetwork):
    """Makes `waves`: at the places that the transform says, or, sticking to the pixels, always at the same."""

    num_ws = num_steps = 1

    def __init__(self, size: int, sticks: bool):
        super().__init__()
        self.config, self.size, self.sticks = SimpleNamespace(), size, sticks

    @property
    def w_avg(self) -> Tensor:
        return torch.zeros(2)

    def map(self, z: Tensor, c: Tensor | None) -> Tensor:
        return z

    def steps(self, ws: Tensor, inputs: Inputs, start: Step | None = None) -> Iterator[Step]:
        inputs.poll()
        m = torch.eye(3).double() if self.sticks or inputs.transform is None else inputs.transform
        x, y = (at / self.size for at in grid(self.size))
        moved = (self.size * (m[i, 0] * x + m[i, 1] * y + m[i, 2]) for i in (0, 1))
        img = waves(*moved, shift=float(ws[0, 0, 0]))
        yield Step(0, self.size, ws, img.float()[None, None])

    def layers(self) -> tuple[LayerInfo, ...]:
        return ()

    def traits(self) -> dict[str, Any]:
        return {}

    def initial(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        raise NotImplementedError  # it has no tensors


def analytic(size: int = 64, sticks: bool = False) -> Model:
    card = ModelCard(
        family="analytic",
        name="waves",
        digest="",
        resolution=size,
        img_channels=1,
        z_dim=2,
        c_dim=0,
        w_dim=2,
        num_ws=1,
        layers=(),
        has_noise=False,
        has_transform=True,
    )
    return Model(card, Analytic(size, sticks), torch.device("cpu"))


def psnr(one: Tensor, other: Tensor, valid: Tensor) -> float:
    return 10 * math.log10(4 / float((one - other)[:, :, valid].square().mean()))


# -- resampling --------------------------------------------------------------------------------------------------------


def test_whole_pixels_are_shifted_exactly() -> None:
    img = torch.randn(1, 2, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    moved, valid = shifted(img, 3, -2)
    assert (moved[:, :, :10, 3:] - img[:, :, 2:, :9]).abs().max() < 1e-12
    assert valid.nonzero().min(dim=0).values.tolist() == [0, 3] and int(valid.sum()) == 10 * 9


@pytest.mark.parametrize(("right", "down"), [(3.3, -5.7), (-0.5, 0.0), (0.01, 7.99)])
def test_parts_of_a_pixel_are_the_windowed_sinc_sum(right: float, down: float) -> None:
    """Against the definition, term by term, and against the picture itself at the places in between."""
    x, y = grid(32)
    img = waves(x, y)[None, None]
    moved, valid = shifted(img, right, down)

    def weights(at: float) -> list[tuple[int, float]]:
        near = range(math.floor(at) - 2, math.floor(at) + 4)
        found = [(q, float(np.sinc(at - q) * np.sinc((at - q) / 3))) for q in near if abs(at - q) < 3]
        return [(q, weight / sum(w for _, w in found)) for q, weight in found]

    for row, column in [(12, 9), (16, 16), (17, 23)]:
        terms = [(img[0, 0, q, p] * a * b) for q, a in weights(row - down) for p, b in weights(column - right)]
        assert valid[row, column] and float(moved[0, 0, row, column]) == pytest.approx(float(sum(terms)), abs=1e-12)
    assert psnr(moved, waves(x - right, y - down)[None, None], valid) > 55


@pytest.mark.parametrize("degrees", [0.0, 30.0, 45.0, 123.4, 270.0])
def test_rotation_agrees_with_the_turned_picture_in_the_band_of_both(degrees: float) -> None:
    x, y = grid(48)
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    picture, valid = turned(waves(x, y)[None, None], angle)
    expected = waves(cos * x + sin * y, cos * y - sin * x)[None, None]  # clockwise: the source lies anticlockwise
    assert int(valid.sum()) > 500
    assert psnr(picture, band_limited(expected, angle), valid) > 85
    assert psnr(picture, expected, valid) > 50


def test_rotation_drops_what_the_turned_grid_cannot_hold() -> None:
    """A diagonal wave of 0.65 cycles a px: the grid holds it, turned by 45 degrees it is beyond the limit of 0.5."""
    x, y = grid(48)
    corner = torch.sin(2 * math.pi * 0.46 * (x + y) + 0.3)[None, None]
    picture, valid = turned(corner, math.radians(45))
    assert picture[:, :, valid].abs().max() < 0.05
    along = torch.sin(2 * math.pi * 0.25 * (x + y) + 0.3)[None, None]
    picture, _ = turned(along, math.radians(45))
    assert picture[:, :, valid].abs().max() > 0.9


def test_flat_pictures_stay_flat() -> None:
    flat = torch.full((1, 1, 32, 32), 0.7, dtype=torch.float64)
    for picture, valid in (shifted(flat, 1.3, 2.6), turned(flat, 0.6), (band_limited(flat, 0.6), turned(flat, 0.6)[1])):
        torch.testing.assert_close(picture[:, :, valid], flat[:, :, valid], atol=1e-9, rtol=0)


# -- generators whose figures are known --------------------------------------------------------------------------------


def test_a_perfect_generator_measures_high_and_a_sticking_one_low() -> None:
    perfect, sticking = (equivariance(analytic(sticks=sticks), pictures=3) for sticks in (False, True))
    assert perfect.eq_t_db > 100 and perfect.eq_t_frac_db > 55 and perfect.eq_r_db > 85
    assert max(sticking.eq_t_db, sticking.eq_t_frac_db, sticking.eq_r_db) < 20


def test_the_figure_is_the_ratio_over_all_valid_pixels_of_all_pictures() -> None:
    """The sticking generator's EQ-T, worked out by hand from its formula and the same draws."""
    random, total, count = np.random.RandomState(7), 0.0, 0
    x, y = grid(64)
    for _ in range(2):
        shift = float(np.float32(random.randn(1, 2)[0, 0]))
        right, down = (round(v) for v in random.uniform(-1 / 8, 1 / 8, size=2) * 64)
        random.uniform(0, 360)
        there, moved = waves(x, y, shift), waves(x - right, y - down, shift)
        valid = ((x - right).abs() < 32) & ((y - down).abs() < 32)
        total, count = total + float((there - moved)[valid].square().sum()), count + int(valid.sum())
    expected = 20 * math.log10(2) - 10 * math.log10(total / count)
    assert equivariance(analytic(sticks=True), pictures=2, seed=7).eq_t_db == pytest.approx(expected, abs=1e-3)


def test_pictures_without_room_for_a_rotation_have_none() -> None:
    found = equivariance(analytic(size=16), pictures=2)
    assert found.eq_r_db is None and found.eq_t_db > 100


# -- networks ----------------------------------------------------------------------------------------------------------


def test_rotation_sets_stylegan3_r_apart_from_t() -> None:
    t, r = (equivariance(sg.load_model(GOLDEN / f"sg3{name}_64.pkl"), pictures=3, seed=1) for name in "tr")
    assert t.eq_t_db > 55 and r.eq_t_db > 55 and t.eq_t_frac_db > 50 and r.eq_t_frac_db > 50
    assert t.eq_r_db < 25 and r.eq_r_db > 50


def test_the_same_seed_measures_the_same() -> None:
    model = tiny_model(32, c_dim=2)
    first, second = (list(measurements(model, pictures=3, seed=4)) for _ in range(2))
    assert first == second and [item.pictures for item in first] == [1, 2, 3]
    assert equivariance(model, pictures=3, seed=4) == first[-1] != equivariance(model, pictures=3, seed=5)
    assert equivariance(model, pictures=3, seed=4, psi=0.2) != first[-1]


def test_stylegan2_moves_its_layout_but_not_its_noise() -> None:
    found = equivariance(tiny_model(64), pictures=2)
    assert isinstance(found, Equivariance) and found.eq_t_db < 40


def test_what_cannot_be_moved_is_refused() -> None:
    model = tiny_model(16)
    still = dataclasses.replace(model, card=model.card.model_copy(update={"moved_px": 0}))
    with pytest.raises(StyleScopeError, match=r"tiny .* has no input that could be moved"):
        equivariance(still)


def test_progress_is_told_and_measuring_can_be_stopped() -> None:
    shares: list[float] = []
    equivariance(analytic(), pictures=4, watch=Watch(progress=shares.append))
    assert shares == [0.25, 0.5, 0.75, 1.0]
    calls = 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls == 10

    with pytest.raises(Cancelled):
        equivariance(analytic(), pictures=4, watch=Watch(cancelled=cancelled))
    assert calls == 10
