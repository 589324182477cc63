"""Live signals in words and numbers that a person reads: what moves, how far, and in which unit."""

from typing import get_args

from stylegan_core.card import ModelCard
from stylegan_core.parameters import Parameter, ParameterError, parameter
from visualizer.signals.model import (
    AudioFeature,
    Feature,
    Lfo,
    MidiControl,
    Modulation,
    OscControl,
    Shape,
    Source,
)
from widgets import icons

SHAPES: tuple[Shape, ...] = get_args(Shape)
FEATURES: dict[Feature, str] = {
    "level": "level",
    "low": "low band",
    "mid": "middle band",
    "high": "high band",
    "onset": "hits",
}
KIND_ICONS = {"lfo": icons.ACTIVITY, "osc": icons.BROADCAST, "midi": icons.PIANO, "audio": icons.AUDIO_LINES}
BEATS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
KEYS = "C C# D D# E F F# G G# A A# B".split()
FIRST_SHARE = 0.25  # of what a slider spans: how far a new modulation goes
FIRST_WHOLE = 10.0  # at most, where each whole number is another picture, as with seeds


def osc_address(address: str) -> str:
    """Where a parameter listens for OSC."""
    return f"/stylescope/{address}"


def source_words(source: Source) -> str:
    """What moves something, such as "LFO sine, 4 s"."""
    match source:
        case Lfo():
            return f"LFO {source.shape}, {period_words(source)}"
        case OscControl():
            number = f" number {source.argument + 1}" if source.argument else ""
            return f"OSC {source.address}{number}"
        case MidiControl():
            channel = "any channel" if source.channel is None else f"channel {source.channel + 1}"
            return f"MIDI {_control(source)}, {channel}"
        case AudioFeature():
            return f"sound: {FEATURES[source.feature]}"


def period_words(lfo: Lfo) -> str:
    """How long a period takes."""
    return f"{lfo.period_s:g} s" if lfo.beats is None else beats_words(lfo.beats)


def beats_words(beats: float) -> str:
    """So many beats; parts of one as fractions."""
    number = f"1/{1 / beats:g}" if 0 < beats < 1 and (1 / beats).is_integer() else f"{beats:g}"
    return f"{number} beat" if beats <= 1 else f"{number} beats"


def found(address: str, card: ModelCard | None) -> Parameter | None:
    """The parameter that an address names, if the model has it."""
    try:
        return parameter(address, card)
    except ParameterError:
        return None


def number_format(moved: Parameter, span: float, before: str = "") -> str:
    """The printf format for a number of a parameter, with its unit; `span` tells how fine it has to be."""
    digits = 0 if moved.whole or span >= 200 else 1 if span >= 20 else 2
    unit = {"": "", "°": "°", "×": " ×"}.get(moved.unit, f" {moved.unit}")
    return f"{before}%.{digits}f{unit}"


def span_of(moved: Parameter) -> float:
    """How far a slider for a parameter goes."""
    return moved.usual[1] - moved.usual[0]


def new_modulation(moved: Parameter, source: Source) -> Modulation:
    """A modulation to begin with: to both sides of where the hand left the control; sound only upwards from there."""
    amount = FIRST_SHARE * span_of(moved)
    if moved.whole:
        amount = min(amount, FIRST_WHOLE)
    centre = 0.0 if isinstance(source, AudioFeature) else 0.5
    low, high = moved.usual
    return Modulation(parameter=moved.address, source=source, amount=amount, centre=centre, low=low, high=high)


def _control(source: MidiControl) -> str:
    if source.control == "pitch":
        return "pitch wheel"
    if source.control == "note":
        octave, key = divmod(source.number, 12)
        return f"key {KEYS[key]}{octave - 1}"
    return f"CC {source.number}"
