"""What panels and menus do to live signals: every change of their settings, by name."""

from typing import Any, TypeVar

from pydantic import ValidationError

from visualizer.explorer import Explorer
from visualizer.signals.model import MAX_MODULATIONS, AudioFeature, Lfo, SignalPart, SignalSettings
from widgets.signals.words import found, new_modulation

Part = TypeVar("Part", bound=SignalPart)


class Patch:
    """The settings of the Explorer's signals as something to be changed, and which modulation is unfolded."""

    def __init__(self, explorer: Explorer):
        self._explorer, self._rack = explorer, explorer.signals
        self.unfolded: int | None = None  # the modulation whose editor is shown
        self.news = False  # something was added: the panel shows itself

    @property
    def settings(self) -> SignalSettings:
        """As they are now."""
        return self._rack.settings

    # -- modulations ---------------------------------------------------------------------------------------------------

    def add(self, address: str, source: Lfo | AudioFeature) -> None:
        """Have a source move a parameter, by a quarter of its slider to begin with."""
        moved = found(address, self._explorer.card)
        if moved is None:
            return
        if isinstance(source, AudioFeature):
            self.set_audio(enabled=True)
        index = self._rack.add(new_modulation(moved, source))
        if index is None:
            self._explorer.say(f"There are {MAX_MODULATIONS} modulations, which is as many as there can be.", "error")
            return
        self.unfolded, self.news = index, True

    def change(self, index: int, **changes: Any) -> None:
        """Change fields of a modulation."""
        self._rack.replace(index, self._changed(self.settings.modulations[index], changes))

    def change_source(self, index: int, **changes: Any) -> None:
        """Change fields of a modulation's source."""
        self.change(index, source=self._changed(self.settings.modulations[index].source, changes))

    def remove(self, index: int) -> None:
        """Take a modulation away."""
        self._rack.remove(index)
        if self.unfolded is not None and self.unfolded >= index:
            self.unfolded = None if self.unfolded == index else self.unfolded - 1

    def remove_of(self, address: str) -> None:
        """Leave a parameter where the hand put it."""
        for index in reversed(range(len(self.settings.modulations))):
            if self.settings.modulations[index].parameter == address:
                self.remove(index)

    def learn(self, address: str | None, index: int | None = None) -> None:
        """Have the next OSC or MIDI control that moves take hold of a parameter; None: no more.

        Args:
            address: of the parameter.
            index: of the modulation that gets another source; None: of the parameter's own, or a new one.
        """
        self._rack.learn(address, index)
        if address is not None:
            self._hear()

    def listen(self) -> None:
        """The other way round: the next control that moves takes hold of the slider that is moved after it."""
        self._rack.listen()
        self._hear()

    # -- where signals come from ---------------------------------------------------------------------------------------

    def set_osc(self, **changes: Any) -> None:
        """Change fields of what is listened to by OSC."""
        self._rack.change(osc=self._changed(self.settings.osc, changes))

    def set_midi(self, **changes: Any) -> None:
        """The same of MIDI."""
        self._rack.change(midi=self._changed(self.settings.midi, changes))

    def set_audio(self, **changes: Any) -> None:
        """The same of sound."""
        self._rack.change(audio=self._changed(self.settings.audio, changes))

    def set_tempo(self, bpm: float) -> None:
        """Beats a minute for LFOs."""
        self._rack.change(bpm=bpm)

    # -- within --------------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        """Whoever wants to learn a control wants it heard; a network is for people to choose."""
        self.news = True
        if not (self.settings.osc.enabled or self.settings.midi.enabled):
            self.set_osc(enabled=True)
            if self._rack.midi.ports:
                self.set_midi(enabled=True)

    def _changed(self, part: Part, changes: dict[str, Any]) -> Part:
        """The part with other fields; as it was, with a sentence, where one of them cannot be."""
        try:
            return type(part).model_validate({**dict(part), **changes})
        except ValidationError as error:
            first = error.errors()[0]
            self._explorer.say(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.", "error")
            return part
