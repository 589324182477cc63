"""The spectrum of known sinusoids: each where its frequency is, at the level that its amplitude has."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core.spectrum import FLOOR_DB, Spectrum, spectrum


def sinusoid(
    fx: float, fy: float, amplitude: float = 1.0, phase: float = 0.3, size: tuple[int, int] = (64, 64)
) -> torch.Tensor:
    """A wave with fx periods across the picture and fy down."""
    height, width = size
    y, x = torch.arange(height, dtype=torch.float64) / height, torch.arange(width, dtype=torch.float64) / width
    return amplitude * torch.cos(2 * math.pi * (fy * y[:, None] + fx * x) + phase)


def peak(found: Spectrum) -> tuple[int, int, float]:
    """The strongest frequency (fx, fy) with fx >= 0, and its level in dB."""
    height, width = found.power_db.shape
    half = found.power_db[:, width // 2 :]
    row, column = divmod(int(half.argmax()), half.shape[1])
    return column, row - height // 2, float(half[row, column])


@given(
    st.integers(5, 25), st.integers(-25, 25), st.floats(1e-3, 1e3), st.floats(0, 6), st.sampled_from([0.0, 4.0, 8.0])
)
def test_a_sinusoid_peaks_at_its_frequency_with_its_amplitude(
    fx: int, fy: int, amplitude: float, phase: float, beta: float
) -> None:
    found_x, found_y, level = peak(spectrum(sinusoid(fx, fy, amplitude, phase), beta))
    assert (found_x, found_y) == (fx, fy)
    assert level == pytest.approx(20 * math.log10(amplitude), abs=0.01)


def test_the_peak_of_a_real_wave_is_there_twice() -> None:
    power_db = spectrum(sinusoid(7, -12)).power_db
    assert float(power_db[32 - 12, 32 + 7]) == pytest.approx(0, abs=1e-3)
    assert float(power_db[32 + 12, 32 - 7]) == pytest.approx(0, abs=1e-3)


def test_a_constant_is_the_peak_at_frequency_0() -> None:
    found = spectrum(torch.full((64, 64), -0.1))
    assert int(found.power_db.argmax()) == 32 * 64 + 32
    assert float(found.power_db[32, 32]) == pytest.approx(20 * math.log10(0.1) + 20 * math.log10(2), abs=1e-3)


def test_what_is_between_whole_frequencies_is_found_beside_them_and_does_not_spread() -> None:
    wave = sinusoid(20.5, 0)
    found_x, found_y, level = peak(spectrum(wave))
    assert found_x in (20, 21) and found_y == 0 and -2 < level < 0
    far = (slice(None), slice(32 - 8, 32 + 9))  # more than 11 periods away
    assert float(spectrum(wave, 8.0).power_db[far].max()) < -60
    assert float(spectrum(wave, 0.0).power_db[far].max()) > -40  # no window: its borders are seen everywhere


def test_a_faint_wave_beside_a_strong_one_is_seen_through_the_window() -> None:
    both = sinusoid(10.5, 3.5) + sinusoid(24, -20, amplitude=1e-3)
    power_db = spectrum(both).power_db
    place = power_db[32 - 20, 32 + 24]
    assert float(place) == pytest.approx(-60, abs=0.5)
    around = power_db[32 - 26 : 32 - 13, 32 + 18 : 32 + 31]
    assert float(around.max()) == float(place)


def test_the_radial_average_has_the_peak_at_the_length_of_the_frequency() -> None:
    found = spectrum(sinusoid(9, 12))  # |f| = 15
    assert found.frequencies.tolist() == list(range(33))
    assert found.radial_db.shape == (33,) and int(found.radial_db.argmax()) == 15


def test_the_radial_average_is_of_power_over_the_annulus() -> None:
    x = torch.randn(16, 16, generator=torch.Generator().manual_seed(0))
    found = spectrum(x, beta=3.0)
    power = 10 ** (found.power_db.double() / 10)
    for frequency in range(9):
        annulus = [
            power[8 + fy, 8 + fx]
            for fy in range(-8, 8)
            for fx in range(-8, 8)
            if frequency - 0.5 <= math.hypot(fx, fy) < frequency + 0.5
        ]
        mean_db = 10 * math.log10(sum(annulus) / len(annulus))
        assert float(found.radial_db[frequency]) == pytest.approx(mean_db, abs=1e-3)


def test_white_noise_is_flat() -> None:
    found = spectrum(torch.randn(128, 128, generator=torch.Generator().manual_seed(0)))
    assert float(found.radial_db[4:].std()) < 1.0


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 4), (7, 5), (48, 64)])
def test_maps_of_any_size(size: tuple[int, int]) -> None:
    found = spectrum(torch.randn(size, generator=torch.Generator().manual_seed(0)))
    assert found.power_db.shape == size and found.power_db.dtype == torch.float32
    assert found.radial_db.shape == found.frequencies.shape == (min(size) // 2 + 1,)
    assert found.power_db.isfinite().all() and found.radial_db.isfinite().all()


def test_a_wave_in_an_oblong_picture_is_counted_in_periods_of_each_side() -> None:
    assert peak(spectrum(sinusoid(12, 6, size=(32, 80))))[:2] == (12, 6)


def test_nothing_and_what_is_no_number_lie_on_the_floor() -> None:
    for nothing in (torch.zeros(8, 8), torch.full((8, 8), torch.nan)):
        assert spectrum(nothing).power_db.eq(FLOOR_DB).all()
