"""What is set about live signals, as frozen values that the session keeps: where signals come from, what they move.

A signal is a number from 0 to 1 over time. A Modulation takes one to a parameter of the Scene.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stylegan_core.scene import MAX_SEED

Amount = Annotated[float, Field(ge=-1e10, le=1e10, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]
Midi = Annotated[int, Field(ge=0, le=127)]
Shape = Literal["sine", "triangle", "saw", "square", "random"]
Feature = Literal["level", "low", "mid", "high", "onset"]
MAX_MODULATIONS = 64
MAX_SMOOTHING_S = 2.0


class SignalPart(BaseModel):
    """Base of what is set. Unknown fields are dropped, as everywhere in a session."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Lfo(SignalPart):
    """A low-frequency oscillator, by the clock."""

    kind: Literal["lfo"] = "lfo"
    shape: Shape = "sine"
    period_s: Annotated[float, Field(ge=0.05, le=3600, allow_inf_nan=False)] = 4.0
    beats: Annotated[float, Field(ge=0.0625, le=1024, allow_inf_nan=False)] | None = None  # in place of period_s
    phase: Share = 0.0  # where in a period it is at time 0
    smooth: bool = False  # "random": glides from number to number
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0  # of "random"


class OscControl(SignalPart):
    """The newest number that came to an OSC address."""

    kind: Literal["osc"] = "osc"
    address: Annotated[str, Field(pattern="^/", max_length=255)]
    argument: Annotated[int, Field(ge=0, le=15)] = 0  # which of the message's numbers, as of an XY pad
    low: Amount = 0.0  # what the sender sends at one end,
    high: Amount = 1.0  # and at the other


class MidiControl(SignalPart):
    """A controller, the pitch wheel, or a key with its velocity."""

    kind: Literal["midi"] = "midi"
    control: Literal["cc", "pitch", "note"] = "cc"
    number: Midi = 1  # of the controller or key
    channel: Annotated[int, Field(ge=0, le=15)] | None = None  # None: any


class AudioFeature(SignalPart):
    """What is heard: loudness of all or of a band, or onsets (hits).

    Loudness goes from `floor_db` (0) to full scale (1); an onset jumps to 1 and falls.
    """

    kind: Literal["audio"] = "audio"
    feature: Feature = "level"
    floor_db: Annotated[float, Field(ge=-96, le=-6, allow_inf_nan=False)] = -48.0
    attack_s: Annotated[float, Field(ge=0, le=MAX_SMOOTHING_S, allow_inf_nan=False)] = 0.01  # time constant of rising
    release_s: Annotated[float, Field(ge=0, le=MAX_SMOOTHING_S, allow_inf_nan=False)] = 0.2  # and of falling


Source = Annotated[Lfo | OscControl | MidiControl | AudioFeature, Field(discriminator="kind")]


class Modulation(SignalPart):
    """A signal moves a parameter.

    "add": parameter = base + amount * (signal - centre), in the parameter's own unit. "range": it goes from `low`, at
    signal 0, to `high`, whatever the base is. Several modulations of one parameter add up; what comes out is clamped.
    """

    parameter: Annotated[str, Field(max_length=255)]  # its address
    source: Source = Lfo()
    mode: Literal["add", "range"] = "add"
    amount: Amount = 0.5
    centre: Share = 0.5
    low: Amount = 0.0
    high: Amount = 1.0
    enabled: bool = True


class OscSettings(SignalPart):
    """Where to listen for OSC. 127.0.0.1 hears this machine alone, 0.0.0.0 the whole network."""

    enabled: bool = False
    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Port = 9000


class MidiSettings(SignalPart):
    """Which MIDI input to listen to; empty: to all."""

    enabled: bool = False
    port: Annotated[str, Field(max_length=255)] = ""


class AudioSettings(SignalPart):
    """What to listen to: a device (empty: the system's own choice) or a sound file."""

    enabled: bool = False
    source: Literal["device", "file"] = "device"
    device: Annotated[str, Field(max_length=255)] = ""
    file: Annotated[str, Field(max_length=4096)] = ""
    gain_db: Annotated[float, Field(ge=-40, le=60, allow_inf_nan=False)] = 0.0


class SignalSettings(SignalPart):
    """All that is set about live signals."""

    modulations: Annotated[tuple[Modulation, ...], Field(max_length=MAX_MODULATIONS)] = ()
    osc: OscSettings = OscSettings()
    midi: MidiSettings = MidiSettings()
    audio: AudioSettings = AudioSettings()
    bpm: Annotated[float, Field(ge=10, le=400, allow_inf_nan=False)] = 120.0  # where no walk has a tempo
