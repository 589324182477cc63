"""Low-frequency oscillators: a number from 0 to 1 as a function of time alone."""

import math

from visualizer.signals.model import Lfo

_MASK = (1 << 64) - 1


def lfo_value(lfo: Lfo, time_s: float, beat: float) -> float:
    """The oscillator's value, 0 to 1, at a time in seconds and at a place in beats; it goes by one of the two.

    "sine" and "triangle" begin in the middle, rising; "saw" rises from 0; "square" begins with 1.
    """
    turns = (time_s / lfo.period_s if lfo.beats is None else beat / lfo.beats) + lfo.phase
    if not math.isfinite(turns):
        return 0.5
    cycle = math.floor(turns)
    place = turns - cycle
    match lfo.shape:
        case "sine":
            return 0.5 + 0.5 * math.sin(2 * math.pi * place)
        case "triangle":
            return 1 - abs(2 * ((place + 0.25) % 1.0) - 1)
        case "saw":
            return place
        case "square":
            return 1.0 if place < 0.5 else 0.0
    here = _random(lfo.seed, cycle)
    if not lfo.smooth:
        return here
    ease = 0.5 - 0.5 * math.cos(math.pi * place)
    return here + (_random(lfo.seed, cycle + 1) - here) * ease


def _random(seed: int, cycle: int) -> float:
    """A number from 0 to 1 that belongs to a cycle, whatever was asked before (SplitMix64, Steele et al. 2014)."""
    state = (seed * 0x9E3779B97F4A7C15 + (cycle + 1) * 0xD1B54A32D192ED03) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((state ^ (state >> 31)) >> 11) / (1 << 53)
