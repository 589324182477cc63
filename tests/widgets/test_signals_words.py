"""Live signals in words, and changes of what is set about them, without a window."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stylegan_core.parameters import parameter
from visualizer.signals.model import AudioFeature, Lfo, MidiControl, Modulation, OscControl, SignalSettings, Source
from visualizer.signals.rack import Rack
from widgets.signals.patch import Patch
from widgets.signals.words import beats_words, found, new_modulation, number_format, source_words, span_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Lfo(), "LFO sine, 4 s"),
        (Lfo(shape="square", beats=0.25), "LFO square, 1/4 beat"),
        (Lfo(beats=2), "LFO sine, 2 beats"),
        (OscControl(address="/fader1"), "OSC /fader1"),
        (OscControl(address="/xy", argument=1), "OSC /xy number 2"),
        (MidiControl(number=7, channel=0), "MIDI CC 7, channel 1"),
        (MidiControl(control="note", number=60), "MIDI key C4, any channel"),
        (MidiControl(control="pitch", number=0, channel=15), "MIDI pitch wheel, channel 16"),
        (AudioFeature(feature="onset"), "sound: hits"),
    ],
)
def test_a_source_is_told_in_words(source: Source, words: str) -> None:
    assert source_words(source) == words


def test_beats_are_told_as_musicians_count_them() -> None:
    assert [beats_words(beats) for beats in (0.5, 1, 1.5, 16)] == ["1/2 beat", "1 beat", "1.5 beats", "16 beats"]


def test_numbers_have_units_and_as_many_digits_as_can_be_told_apart() -> None:
    for address, value, words in (
        ("transform/rotation", 45, "45°"),
        ("truncation/psi", 0.3125, "0.31"),
        ("view/gain_db", 6, "6.0 dB"),
        ("noise/strength", 0.5, "0.50 ×"),
        ("latent/seed", 7, "7"),
    ):
        moved = parameter(address)
        assert number_format(moved, span_of(moved)) % value == words


def test_a_new_modulation_swings_about_the_base_and_sound_only_lifts_it() -> None:
    psi = parameter("truncation/psi")
    swing, lift = new_modulation(psi, Lfo()), new_modulation(psi, AudioFeature())
    assert (swing.amount, swing.centre) == (0.625, 0.5)
    assert (lift.amount, lift.centre) == (0.625, 0.0)
    assert (swing.low, swing.high) == psi.usual
    assert new_modulation(parameter("latent/seed"), Lfo()).amount == 10


def test_every_address_that_a_control_stands_for_is_a_parameters() -> None:
    texts = [path.read_text() for path in (ROOT / "widgets").rglob("*.py")]
    addresses = {match for text in texts for match in re.findall(r'\baddress=f?"([^"]+)"', text)}
    assert {"truncation/psi", "transform/rotation", "noise/strength", "classes/{index}/weight"} <= addresses
    for address in addresses:
        assert found(address.replace("{index}", "0"), None) is not None, address


class Explorer(SimpleNamespace):
    """What a Patch needs of one."""

    def __init__(self, settings: SignalSettings):
        super().__init__(signals=Rack(settings), card=None, told=[])

    def say(self, text: str, kind: str = "info") -> None:
        self.told.append(text)


def patched(*parameters: str, **settings: Any) -> tuple[Patch, Explorer]:
    modulations = tuple(Modulation(parameter=each) for each in parameters)
    explorer = Explorer(SignalSettings(modulations=modulations, **settings))
    return Patch(explorer), explorer  # type: ignore[arg-type]


def test_what_cannot_be_is_said_and_changes_nothing() -> None:
    patch, explorer = patched("truncation/psi")
    before = patch.settings
    patch.change_source(0, period_s=-1.0)
    patch.set_osc(port=70000)
    patch.change(0, amount=float("nan"))
    assert patch.settings == before
    assert [text.split(":")[0] for text in explorer.told] == ["period_s", "port", "amount"]


def test_the_editor_that_is_unfolded_stays_with_its_modulation() -> None:
    patch, _ = patched("truncation/psi", "noise/strength", "truncation/psi")
    patch.unfolded = 1
    patch.remove_of("truncation/psi")
    assert [each.parameter for each in patch.settings.modulations] == ["noise/strength"]
    assert patch.unfolded == 0
    patch.remove(0)
    assert patch.unfolded is None


def test_adding_sound_listens_to_it_and_a_parameter_that_is_none_adds_nothing() -> None:
    patch, _ = patched()
    patch.add("no/such", Lfo())
    assert not patch.settings.modulations and not patch.news
    patch.add("truncation/psi", AudioFeature())
    assert patch.settings.audio.enabled and patch.unfolded == 0 and patch.news


def test_more_modulations_than_there_can_be_are_refused_in_words() -> None:
    patch, explorer = patched(*["truncation/psi"] * 64)
    patch.add("truncation/psi", Lfo())
    assert len(patch.settings.modulations) == 64
    assert "64" in explorer.told[0]


def test_learning_listens_on_this_computer_and_leaves_what_is_set_alone() -> None:
    patch, _ = patched()
    patch.learn("truncation/psi")
    assert patch.settings.osc.enabled and patch.settings.osc.host == "127.0.0.1"
    patch, _ = patched(midi={"enabled": True})
    patch.listen()
    assert not patch.settings.osc.enabled
