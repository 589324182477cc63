"""MIDI in: mido's own messages through ports that are none, which come and go."""

import sys
import threading
from collections.abc import Callable
from typing import Any

import mido
import pytest

from visualizer.signals.midi import LOOK_EVERY_S, NOT_INSTALLED, MidiInput, midi_value
from visualizer.signals.model import MidiSettings

ON = MidiSettings(enabled=True)


class FakePorts:
    """What is used of mido: inputs by name, each with the callback that its messages go to."""

    def __init__(self, *names: str):
        self.names = list(names)
        self.open: dict[str, Callable[[Any], None]] = {}
        self.broken = False

    def get_input_names(self) -> list[str]:
        if self.broken:
            raise RuntimeError("the driver is gone")
        return self.names

    def open_input(self, name: str, *, callback: Callable[[Any], None]) -> "FakePort":
        self.open[name] = callback
        return FakePort(self, name)


class FakePort:
    def __init__(self, ports: FakePorts, name: str):
        self.ports, self.name = ports, name

    def close(self) -> None:
        del self.ports.open[self.name]


def listened(midi: MidiInput, settings: MidiSettings, now_s: float) -> None:
    """Listen, and look anew until that has ended."""
    rest = threading.Event()
    midi.listen(settings, now_s)
    for _ in range(5000):
        if midi._job is None:
            return
        rest.wait(0.001)
        midi.listen(settings, now_s)
    raise AssertionError("it looks without end")


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (mido.Message("control_change", channel=2, control=7, value=127), (("cc", 2, 7), 1.0)),
        (mido.Message("control_change", channel=0, control=1, value=0), (("cc", 0, 1), 0.0)),
        (mido.Message("pitchwheel", channel=1, pitch=-8192), (("pitch", 1, 0), 0.0)),
        (mido.Message("pitchwheel", channel=1, pitch=8191), (("pitch", 1, 0), 1.0)),
        (mido.Message("note_on", channel=9, note=36, velocity=127), (("note", 9, 36), 1.0)),
        (mido.Message("note_off", channel=9, note=36, velocity=64), (("note", 9, 36), 0.0)),
        (mido.Message("clock"), None),
        (mido.Message("sysex", data=(1, 2)), None),
        (mido.Message("program_change", program=3), None),
    ],
)
def test_controllers_wheels_and_keys_are_values_from_0_to_1(message: mido.Message, found: object) -> None:
    assert midi_value(message) == found


def test_all_inputs_are_heard_and_the_newest_of_each_control_stands() -> None:
    ports = FakePorts("One", "Two")
    midi = MidiInput(lambda: ports)
    listened(midi, ON, 0.0)
    assert midi.ports == ("One", "Two") and not midi.error
    for value in range(128):
        ports.open["One"](mido.Message("control_change", control=7, value=value))
    ports.open["Two"](mido.Message("note_on", note=60, velocity=127))
    ports.open["Two"](mido.Message("clock"))
    assert midi.take() == {("cc", 0, 7): 1.0, ("note", 0, 60): 1.0}
    assert midi.take() == {}


def test_one_input_is_heard_by_its_name_and_let_go_when_nothing_is_wanted() -> None:
    ports = FakePorts("One", "Two")
    midi = MidiInput(lambda: ports)
    listened(midi, MidiSettings(enabled=True, port="Two"), 0.0)
    assert set(ports.open) == {"Two"}
    listened(midi, MidiSettings(), 0.0)
    assert not ports.open and not midi.error


def test_an_input_that_goes_away_is_told_and_found_again() -> None:
    ports = FakePorts("Keys")
    midi = MidiInput(lambda: ports)
    settings = MidiSettings(enabled=True, port="Keys")
    listened(midi, settings, 0.0)
    ports.names = []
    listened(midi, settings, LOOK_EVERY_S)
    assert "'Keys' is not there" in midi.error and not ports.open
    ports.names = ["Keys"]
    listened(midi, settings, LOOK_EVERY_S)  # it is not time yet
    assert not ports.open
    listened(midi, settings, 2 * LOOK_EVERY_S)
    assert set(ports.open) == {"Keys"} and not midi.error


def test_a_driver_that_breaks_is_told_and_tried_again() -> None:
    ports = FakePorts("Keys")
    midi = MidiInput(lambda: ports)
    ports.broken = True
    listened(midi, ON, 0.0)
    assert "the driver is gone" in midi.error
    ports.broken = False
    listened(midi, ON, LOOK_EVERY_S)
    assert set(ports.open) == {"Keys"} and not midi.error
    midi.close()
    assert not ports.open


def test_a_driver_that_stays_broken_is_asked_less_and_less_often() -> None:
    ports, asked = FakePorts(), []
    ports.broken = True
    midi = MidiInput(lambda: asked.append(1) or ports)
    for second in range(120):
        listened(midi, ON, float(second))
    assert len(asked) < 9
    listened(midi, MidiSettings(enabled=True, port="Keys"), 120.0)  # somebody is at it: at once
    listened(midi, MidiSettings(enabled=True, port="Keys"), 122.0)
    assert len(asked) < 11


def test_without_mido_a_sentence_says_what_to_install() -> None:
    def backend() -> FakePorts:
        raise ModuleNotFoundError("No module named 'rtmidi'")

    midi = MidiInput(backend)
    listened(midi, MidiSettings(), 0.0)
    assert not midi.error
    listened(midi, ON, 0.0)
    assert midi.error == NOT_INSTALLED


@pytest.mark.parametrize("name", ["mido", "rtmidi"])
def test_either_package_may_be_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # as good as not installed
    for module in ("mido.backends.rtmidi", "mido.backends.rtmidi_utils"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(mido.backend, "_module", None)
    midi = MidiInput()
    listened(midi, ON, 0.0)
    assert midi.error == NOT_INSTALLED


def test_inputs_are_listed_though_nothing_is_listened_to() -> None:
    ports = FakePorts("One", "One", "Two")
    midi = MidiInput(lambda: ports)
    midi.look()
    listened(midi, MidiSettings(), 0.0)
    assert midi.ports == ("One", "Two") and not ports.open
