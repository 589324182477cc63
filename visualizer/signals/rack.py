"""The Rack: all modulations, and what they make of a Scene. It belongs to the UI thread and waits for nothing.

`tick` takes in what came by OSC and MIDI; `modulate` gives the Scene with every modulated parameter where the signals
put it. The Scene that is edited, undone and saved is never touched.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stylegan_core.card import ModelCard
from stylegan_core.parameters import Parameter, ParameterError, parameter
from stylegan_core.scene import Scene
from visualizer.signals.audio import AudioInput
from visualizer.signals.lfo import lfo_value
from visualizer.signals.midi import MidiInput, MidiKey
from visualizer.signals.model import (
    MAX_MODULATIONS,
    AudioFeature,
    Lfo,
    MidiControl,
    Modulation,
    OscControl,
    SignalSettings,
    Source,
)
from visualizer.signals.osc import COMMANDS, OscInput

REST_S = 0.5  # after which what moved counts as resting
MOST_KEPT = 1024  # OSC addresses and MIDI controls whose newest value is known
SPANS = ((0.0, 1.0), (-1.0, 1.0), (0.0, 127.0), (-127.0, 127.0), (0.0, 255.0), (0.0, 1023.0))  # what faders send


class Rack:
    """See the module.

    Attributes:
        settings: what is set; change it through the methods.
        card: of the model shown, which decides what parameters there are.
        place: where a walk that plays is, in seconds and in beats; None while none does. LFOs in beats and sound files
            go along with it.
    """

    def __init__(
        self,
        settings: SignalSettings | None = None,
        osc: OscInput | None = None,
        midi: MidiInput | None = None,
        audio: AudioInput | None = None,
    ):
        self.settings = settings or SignalSettings()
        self.card: ModelCard | None = None
        self.place: Callable[[], tuple[float, float] | None] = lambda: None
        self.osc, self.midi, self.audio = osc or OscInput(), midi or MidiInput(), audio or AudioInput()
        self.values: tuple[float | None, ...] = ()
        self._moved: dict[str, float] = {}
        self._moved_s = -math.inf  # when that changed last
        self._told: list[str] = []
        self._parameters: dict[tuple[str, str], Parameter | ParameterError] = {}
        self._osc: dict[str, tuple[float, ...]] = {}  # newest numbers of every address
        self._midi: dict[MidiKey, float] = {}
        self._commands: dict[str, tuple[float, ...]] = {}
        self._fresh: set[OscControl] = set()  # learned controls whose span nobody has set by hand
        self._learning: tuple[str, int | None] | None = None
        self.listening = False  # whether the next control that moves is kept for the parameter touched after it
        self.control: Source | None = None  # that control

    # -- once a frame --------------------------------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Take in what has come, and listen where the settings say so."""
        self.osc.listen(self.settings.osc, now_s)
        self.midi.listen(self.settings.midi, now_s)
        self.audio.listen(self.settings.audio, now_s)
        messages = self.osc.take()
        self._commands |= {address: args for address, args in messages.items() if address.startswith(COMMANDS)}
        for address, args in messages.items():
            if not address.startswith(COMMANDS) and args:
                self._heard_osc(address, args)
        for key, value in self.midi.take().items():
            self._heard_midi(key, value)

    def modulate(self, scene: Scene, now_s: float) -> Scene:
        """The Scene as the signals have it at a time in seconds: the same object where nothing moves it."""
        place = self.place()
        self.values = tuple(self._signal(item.source, now_s, place) for item in self.settings.modulations)
        shifts: dict[str, tuple[Parameter, float]] = {}
        for item, value in zip(self.settings.modulations, self.values, strict=True):
            found = self._parameter(item.parameter)
            if not item.enabled or value is None or not isinstance(found, Parameter):
                continue
            if item.mode == "range":
                difference = item.low + value * (item.high - item.low) - found.get(scene)
            else:
                difference = item.amount * (value - item.centre)
            shifts[found.address] = (found, difference + shifts.get(found.address, (found, 0.0))[1])
        moved = {}
        for address, (found, difference) in shifts.items():
            scene = found.shift(scene, difference) if difference else scene
            moved[address] = found.get(scene)
        if moved != self._moved:
            self._moved, self._moved_s = moved, now_s
        return scene

    def take_commands(self) -> dict[str, tuple[float, ...]]:
        """What came to addresses under /stylescope/ since the last call: the newest numbers of each."""
        commands, self._commands = self._commands, {}
        return commands

    def look(self) -> None:
        """Look which MIDI inputs and sound devices there are; `midi.ports` and `audio.devices` have them soon after."""
        self.midi.look()
        self.audio.look()

    def close(self) -> None:
        """Listen to nothing any more."""
        self.osc.close()
        self.midi.close()
        self.audio.close()

    # -- what panels show ----------------------------------------------------------------------------------------------

    def moved(self, address: str) -> float | None:
        """Where the signals have put a parameter; None where none moves it."""
        return self._moved.get(address)

    @property
    def active(self) -> bool:
        """Whether the signals move anything at all."""
        return bool(self._moved)

    def moving(self, now_s: float) -> bool:
        """Whether the next Scene will come by itself: what has rested for a moment is at rest, but for an LFO."""
        swings = any(item.enabled and isinstance(item.source, Lfo | AudioFeature) for item in self.settings.modulations)
        return self.active and (swings or now_s - self._moved_s < REST_S)

    def take_news(self) -> list[str]:
        """What has gone wrong since the last call with what is switched on, each sentence once while it holds."""
        off = [name for name in ("osc", "midi", "audio") if not getattr(self.settings, name).enabled]
        errors = list(dict.fromkeys(text for name, text in self.errors.items() if name not in off))
        news = [text for text in errors if text not in self._told]
        self._told = errors
        return news

    @property
    def errors(self) -> Mapping[str, str]:
        """What is wrong, in sentences: under "osc", "midi", "audio", or a modulated parameter's address."""
        found = {"osc": self.osc.error, "midi": self.midi.error, "audio": self.audio.error}
        for item in self.settings.modulations:
            if isinstance(problem := self._parameter(item.parameter), ParameterError):
                found[item.parameter] = str(problem)
        return {name: text for name, text in found.items() if text}

    # -- changing ------------------------------------------------------------------------------------------------------

    def change(self, **changes: Any) -> None:
        """Change fields of the settings, such as `osc` or `bpm`."""
        self.settings = self.settings.model_copy(update=changes)

    def add(self, modulation: Modulation) -> int | None:
        """One modulation more; its index, or None where there are too many."""
        if len(self.settings.modulations) >= MAX_MODULATIONS:
            return None
        self.change(modulations=(*self.settings.modulations, modulation))
        return len(self.settings.modulations) - 1

    def replace(self, index: int, modulation: Modulation) -> None:
        """Another modulation in one's place; an index that is gone changes nothing."""
        items = self.settings.modulations
        self._fresh -= {item.source for item in items[index : index + 1] if isinstance(item.source, OscControl)}
        self._put({index: modulation})

    def remove(self, index: int) -> None:
        """One modulation less."""
        self.change(modulations=tuple(item for i, item in enumerate(self.settings.modulations) if i != index))

    def adopt(self, settings: SignalSettings) -> None:
        """Take over the modulations of somebody's session; what this machine listens to stays as it is."""
        self.change(modulations=settings.modulations, bpm=settings.bpm)

    # -- learning ------------------------------------------------------------------------------------------------------

    def learn(self, parameter: str | None, index: int | None = None) -> None:
        """Have the next control that moves (OSC or MIDI) become the source of a parameter.

        Args:
            parameter: its address; None: learn nothing any more.
            index: of the modulation whose source it becomes; None: of the parameter's own, or a new one.
        """
        self._learning = None if parameter is None else (parameter, index)
        self.listening, self.control = False, None

    def listen(self) -> None:
        """Learn the other way round: keep the next control that moves for the parameter that is moved after it."""
        self._learning, self.listening, self.control = None, True, None

    def touched(self, parameter: str) -> None:
        """A hand has moved a parameter: the control that is kept becomes its source."""
        if self.control is not None:
            self._connect(parameter, None, self.control)
            self.control = None

    @property
    def learning(self) -> str | None:
        """The address of the parameter that waits for a control."""
        return None if self._learning is None else self._learning[0]

    def _control_moved(self, source: Source) -> None:
        if self._learning is not None:
            address, index = self._learning
            self._learning = None
            self._connect(address, index, source)
        elif self.listening:
            self.listening, self.control = False, source

    def _connect(self, address: str, index: int | None, source: Source) -> None:
        items = self.settings.modulations
        if isinstance(source, OscControl):
            self._fresh.add(source)
        if index is not None and index < len(items):
            self._put({index: items[index].model_copy(update={"source": source})})
            return
        own = next((i for i, m in enumerate(items) if m.parameter == address and not isinstance(m.source, Lfo)), None)
        if own is not None:
            self._connect(address, own, source)
            return
        found = self._parameter(address)
        low, high = found.usual if isinstance(found, Parameter) else (0.0, 1.0)
        self.add(Modulation(parameter=address, source=source, mode="range", low=low, high=high))

    def _widen(self, address: str, args: Sequence[float]) -> None:
        """A fader that was learned at its foot has sent more than was expected of it."""
        for source in [item for item in self._fresh if item.address == address and item.argument < len(args)]:
            value = args[source.argument]
            if source.low <= value <= source.high:
                continue
            low, high = _span(value, source.low, source.high)
            wider = source.model_copy(update={"low": low, "high": high})
            self._fresh = self._fresh - {source} | {wider}
            found = {i: item for i, item in enumerate(self.settings.modulations) if item.source == source}
            self._put({i: item.model_copy(update={"source": wider}) for i, item in found.items()})

    def _put(self, changed: Mapping[int, Modulation]) -> None:
        items = enumerate(self.settings.modulations)
        self.change(modulations=tuple(changed.get(index, item) for index, item in items))

    # -- within --------------------------------------------------------------------------------------------------------

    def _signal(self, source: Source, now_s: float, place: tuple[float, float] | None) -> float | None:
        match source:
            case Lfo():
                beat = now_s * self.settings.bpm / 60 if place is None else place[1]
                return lfo_value(source, now_s, beat)
            case OscControl():
                return osc_value(source, self._osc.get(source.address, ()))
            case MidiControl():
                return self._midi.get(
                    (source.control, source.channel, 0 if source.control == "pitch" else source.number)
                )
            case AudioFeature():
                return self.audio.value(source, now_s, None if place is None else place[0])

    def _parameter(self, address: str) -> Parameter | ParameterError:
        key = (address, "" if self.card is None else self.card.digest)
        if key not in self._parameters:
            if len(self._parameters) >= MOST_KEPT:
                self._parameters.clear()
            try:
                self._parameters[key] = parameter(address, self.card)
            except ParameterError as error:
                self._parameters[key] = error
        return self._parameters[key]

    def _heard_osc(self, address: str, args: tuple[float, ...]) -> None:
        before = self._osc.get(address)
        if before is None and len(self._osc) >= MOST_KEPT:
            return
        self._osc[address] = args
        if before != args:
            argument = _changed(before or (), args)
            low, high = _span(args[argument])
            self._control_moved(OscControl(address=address, argument=argument, low=low, high=high))
        self._widen(address, args)

    def _heard_midi(self, key: MidiKey, value: float) -> None:
        control, channel, number = key
        before = self._midi.get(key)
        self._midi[key] = self._midi[control, None, number] = value
        if before != value and not (control == "note" and value == 0):
            self._control_moved(MidiControl(control=control, number=number, channel=channel))


def osc_value(source: OscControl, args: Sequence[float]) -> float | None:
    """The signal, 0 to 1, in the numbers of a message; None where it has too few."""
    if source.argument >= len(args):
        return None
    if source.high == source.low:
        return 0.0
    return min(max((args[source.argument] - source.low) / (source.high - source.low), 0.0), 1.0)


def _changed(before: Sequence[float], args: Sequence[float]) -> int:
    """Which number of a message has changed; the first where that is not to be told."""
    return next((i for i, (old, new) in enumerate(zip(before, args, strict=False)) if old != new), 0)


def _span(*values: float) -> tuple[float, float]:
    """What a control sends that has sent these numbers: the narrowest of the usual spans that holds them."""
    low, high = min(values), max(values)
    return next((span for span in SPANS if span[0] <= low and high <= span[1]), (min(low, 0.0), max(high, 0.0)))
