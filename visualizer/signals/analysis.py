"""What is heard in samples: loudness of all and of three bands, and onsets; every HOP samples, in any order of arrival.

The same numbers come from a device, block by block, and from a file as a whole, so what was tried live is what a
rendering has later.
"""

import math

import numpy as np
from numpy.typing import NDArray

from visualizer.signals.model import AudioFeature, Feature

RATE_HZ = 48000  # of files, which are brought to it; devices may have another
HOP = 512  # samples from one analysis to the next
WINDOW = 1024
BANDS_HZ: dict[Feature, tuple[float, float]] = {"low": (20.0, 250.0), "mid": (250.0, 2000.0), "high": (2000.0, 16000.0)}
FEATURES: tuple[Feature, ...] = ("level", "low", "mid", "high", "onset")
COMPRESSION = 100.0  # of magnitudes, before they are compared: quiet onsets count too
MEMORY_S = 0.6  # over which the onsets' threshold goes by what is usual
ABOVE_USUAL, ABOVE_SILENCE = 1.8, 0.03  # factor on the usual flux and flux in silence that an onset must exceed
REST_S = 0.06  # after an onset, before the next one
SETTLED = 8.0  # time constants after which what came before no longer counts: e^-8

Row = NDArray[np.float32]  # [5], in the order of FEATURES: RMS amplitudes (1: full scale), and 1 at an onset


class Analyser:
    """Takes samples in, and gives a row for every HOP of them."""

    def __init__(self, rate_hz: float = RATE_HZ):
        self.hop_s = HOP / rate_hz
        self._rest = np.zeros(WINDOW - HOP, np.float32)  # samples that the next window begins with
        self._window = np.hanning(WINDOW).astype(np.float32)
        hz = np.fft.rfftfreq(WINDOW, 1 / rate_hz)
        self._bands = [(hz >= low) & (hz < high) for low, high in BANDS_HZ.values()]
        self._spectrum = np.zeros(len(hz), np.float32)  # compressed magnitudes of the window before
        self._usual = 0.0  # flux
        self._since_onset_s = math.inf

    def feed(self, samples: NDArray[np.float32]) -> list[Row]:
        """The rows that samples [N], from -1 to 1, complete. What is not finite counts as silence."""
        clean = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0).clip(-4, 4)
        waiting = np.concatenate([self._rest, clean])
        starts = range(0, len(waiting) - WINDOW + 1, HOP)
        rows = [self._row(waiting[start : start + WINDOW]) for start in starts]
        self._rest = waiting[len(starts) * HOP :]
        return rows

    def _row(self, samples: NDArray[np.float32]) -> Row:
        spectrum = np.abs(np.fft.rfft(samples * self._window))
        # Parseval: half a spectrum holds half the power; the window takes the mean of its square from it.
        power = 2 * spectrum**2 / (WINDOW * float(np.sum(self._window**2)))
        newest = samples[-HOP:]
        levels = [math.sqrt(float(np.mean(newest**2))), *(math.sqrt(float(power[band].sum())) for band in self._bands)]
        return np.array([*levels, self._onset(spectrum)], np.float32)

    def _onset(self, spectrum: NDArray[np.floating]) -> float:
        """1 where the spectrum rises more than usual (spectral flux: Bello et al. 2005, section III), else 0."""
        compressed = np.log1p(COMPRESSION * spectrum / WINDOW).astype(np.float32)
        flux = float(np.maximum(compressed - self._spectrum, 0).mean())
        self._spectrum = compressed
        threshold = ABOVE_USUAL * self._usual + ABOVE_SILENCE
        share = min(self.hop_s / MEMORY_S, 1.0)
        self._usual += share * (flux - self._usual)
        self._since_onset_s += self.hop_s
        if flux <= threshold or self._since_onset_s < REST_S:
            return 0.0
        self._since_onset_s = 0.0
        return 1.0


def followed(rows: NDArray[np.float32], hop_s: float, source: AudioFeature, gain_db: float = 0.0) -> float:
    """The signal, 0 to 1, after rows [N, 5]: smoothed by attack and release, from silence.

    Rows older than `settled` count for nothing and need not be given.
    """
    index = FEATURES.index(source.feature)
    rows = rows[-settled(hop_s, source) :, index]
    values = rows if source.feature == "onset" else _loudness(rows, source.floor_db, gain_db)
    up = 0.0 if source.feature == "onset" else _keeping(hop_s, source.attack_s)
    down, value = _keeping(hop_s, source.release_s), 0.0
    for target in values.tolist():
        keep = up if target > value else down
        value = target + (value - target) * keep
    return value


def settled(hop_s: float, source: AudioFeature) -> int:
    """After how many rows it no longer matters what came before."""
    return math.ceil(SETTLED * max(source.attack_s, source.release_s) / hop_s) + 1


def _loudness(amplitudes: NDArray[np.float32], floor_db: float, gain_db: float) -> NDArray[np.float32]:
    """Amplitudes in dB as a share of the way from the floor to full scale."""
    db = 20 * np.log10(np.maximum(amplitudes, 1e-9)) + gain_db
    return np.clip(1 - db / floor_db, 0, 1)


def _keeping(hop_s: float, time_constant_s: float) -> float:
    """How much of the way that is left is still left after a hop."""
    return math.exp(-hop_s / time_constant_s) if time_constant_s > 0 else 0.0
