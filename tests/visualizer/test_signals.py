"""Live signals: what LFOs give, what modulations make of a Scene, and how controls are learned."""

import itertools
import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core import edits
from stylegan_core.scene import Latent, Scene, scene_from_json, scene_to_json
from tests.strategies import scenes, tiny_model
from visualizer.signals.lfo import lfo_value
from visualizer.signals.midi import MidiKey
from visualizer.signals.model import (
    MAX_MODULATIONS,
    AudioFeature,
    AudioSettings,
    Lfo,
    MidiControl,
    MidiSettings,
    Modulation,
    OscControl,
    OscSettings,
    SignalSettings,
)
from visualizer.signals.rack import REST_S, Rack

SAW = Lfo(shape="saw", period_s=1.0)  # its value is the time's fraction
CARD = tiny_model(16).card


@dataclass
class Quiet:
    """An input that hears what the test says."""

    error: str = ""
    waiting: dict = field(default_factory=dict)
    heard: float | None = None

    def listen(self, settings: object, now_s: float) -> None:
        self.settings = settings

    def take(self) -> dict:
        waiting, self.waiting = self.waiting, {}
        return waiting

    def value(self, source: AudioFeature, now_s: float, position_s: float | None) -> float | None:
        return self.heard

    def look(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def rack() -> Rack:
    return Rack(osc=Quiet(), midi=Quiet(), audio=Quiet())


def osc(rack: Rack, **messages: float) -> None:
    """Numbers come to addresses /a, /b, ..."""
    rack.osc.waiting = {f"/{address}": (value,) for address, value in messages.items()}
    rack.tick(0.0)


def midi(rack: Rack, key: MidiKey, value: float) -> None:
    rack.midi.waiting = {key: value}
    rack.tick(0.0)


# -- LFOs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        ("sine", [0.5, 1.0, 0.5, 0.0]),
        ("triangle", [0.5, 1.0, 0.5, 0.0]),
        ("saw", [0.0, 0.25, 0.5, 0.75]),
        ("square", [1.0, 1.0, 0.0, 0.0]),
    ],
)
def test_shapes_at_the_quarters_of_a_period(shape: str, values: list[float]) -> None:
    lfo = Lfo(shape=shape, period_s=2.0)
    assert [lfo_value(lfo, quarter / 2, 0) for quarter in range(4)] == pytest.approx(values)
    assert [lfo_value(lfo, 20 + quarter / 2, 0) for quarter in range(4)] == pytest.approx(values)
    ahead = lfo.model_copy(update={"phase": 0.25})
    assert [lfo_value(ahead, quarter / 2, 0) for quarter in range(3)] == pytest.approx(values[1:])


@given(lfo=st.builds(Lfo, shape=st.sampled_from(["sine", "triangle", "saw", "square", "random"])), now=st.floats())
def test_an_lfo_stays_within_0_and_1_at_any_time(lfo: Lfo, now: float) -> None:
    assert 0 <= lfo_value(lfo, now, now) <= 1


def test_beats_stand_in_place_of_seconds() -> None:
    lfo = Lfo(shape="saw", period_s=7.0, beats=4.0)
    assert lfo_value(lfo, 100.0, 5.0) == 0.25


def test_random_holds_a_number_for_a_period_and_depends_on_nothing_but_time_and_seed() -> None:
    lfo = Lfo(shape="random", period_s=1.0)
    values = [lfo_value(lfo, cycle, 0) for cycle in range(200)]
    assert values == [lfo_value(lfo, cycle + 0.999, 0) for cycle in range(200)]
    assert len(set(values)) == 200 and abs(sum(values) / 200 - 0.5) < 0.1
    assert values != [lfo_value(lfo.model_copy(update={"seed": 1}), cycle, 0) for cycle in range(200)]
    glides = lfo.model_copy(update={"smooth": True})
    assert [lfo_value(glides, cycle, 0) for cycle in range(200)] == values
    steps = [lfo_value(glides, i / 100, 0) for i in range(1000)]
    assert max(abs(a - b) for a, b in itertools.pairwise(steps)) < 0.02


# -- what they make of a Scene -----------------------------------------------------------------------------------------


def test_nothing_that_moves_leaves_the_very_same_scene(rack: Rack) -> None:
    scene = Scene()
    assert rack.modulate(scene, 1.0) is scene
    rack.add(Modulation(parameter="truncation/psi", source=OscControl(address="/silent")))
    rack.add(Modulation(parameter="truncation/psi", source=SAW, enabled=False))
    assert rack.modulate(scene, 0.25) is scene
    assert rack.values == (None, 0.25)
    assert not rack.active and rack.moved("truncation/psi") is None


def test_a_modulation_adds_its_amount_about_the_centre(rack: Rack) -> None:
    rack.add(Modulation(parameter="truncation/psi", source=SAW, amount=2.0, centre=0.5))
    scene = edits.set_psi(Scene(), 0.25)
    assert rack.modulate(scene, 0.75).truncation.psi == 0.75
    assert rack.moved("truncation/psi") == 0.75
    assert scene.truncation.psi == 0.25


def test_several_add_up_and_the_sum_is_clamped(rack: Rack) -> None:
    for amount in (1.0, 0.5):
        rack.add(Modulation(parameter="noise/strength", source=SAW, amount=amount, centre=0.0))
    assert rack.modulate(Scene(), 0.5).noise.strength == 1.75
    rack.add(Modulation(parameter="noise/strength", source=SAW, amount=-100.0, centre=0.0))
    assert rack.modulate(Scene(), 0.5).noise.strength == 0.0


def test_a_range_stands_in_place_of_the_base(rack: Rack) -> None:
    rack.add(Modulation(parameter="view/gain_db", source=SAW, mode="range", low=-10.0, high=10.0))
    for gain_db in (0.0, 17.0):
        assert rack.modulate(edits.set_gain_db(Scene(), gain_db), 0.75).view.gain_db == 5.0


def test_an_lfo_on_the_plane_sweeps_over_people(rack: Rack) -> None:
    rack.add(Modulation(parameter="latent/x", source=SAW, amount=4.0, centre=0.0))
    found = [rack.modulate(Scene(latent=Latent(seed=98)), quarter / 4).latent.seed for quarter in range(4)]
    assert found == [98, 99, 100, 101]


def test_an_angle_goes_round(rack: Rack) -> None:
    rack.add(Modulation(parameter="transform/rotation", source=SAW, amount=360.0, centre=0.0))
    assert rack.modulate(edits.set_rotation(Scene(), 100.0), 0.5).transform.rotation == pytest.approx(-80)


@given(scene=scenes(CARD.num_ws, len(CARD.noise_layers), layers=CARD.layers), now=st.floats(-1e6, 1e6), data=st.data())
def test_any_modulations_of_any_scene_give_a_scene(scene: Scene, now: float, data: st.DataObject) -> None:
    rack = Rack(osc=Quiet(), midi=Quiet(), audio=Quiet())
    rack.card = CARD
    addresses = ["latent/x", "latent/seed", "truncation/psi", "truncation/layers/1", "mixing/0/amount", "nothing"]
    numbers = st.floats(-1e10, 1e10)
    built = st.builds(
        Modulation,
        parameter=st.sampled_from(addresses),
        source=st.just(SAW),
        mode=st.sampled_from(["add", "range"]),
        amount=numbers,
        low=numbers,
        high=numbers,
    )
    rack.change(modulations=tuple(data.draw(st.lists(built, max_size=5))))
    changed = rack.modulate(scene, now)
    assert scene_from_json(scene_to_json(changed)) == changed
    assert rack.modulate(scene, now) == changed


def test_a_parameter_that_the_model_lacks_is_named_once_and_moves_nothing(rack: Rack) -> None:
    rack.add(Modulation(parameter="classes/7/weight", source=SAW))
    rack.card = CARD
    assert rack.modulate(Scene(), 0.5) == Scene()
    assert "classes/7/weight" in rack.errors["classes/7/weight"]
    assert len(rack.take_news()) == 1 and rack.take_news() == []
    rack.remove(0)
    assert rack.take_news() == [] and not rack.errors


def test_what_is_switched_off_has_no_news(rack: Rack) -> None:
    rack.audio.error = "There is no sound."
    assert rack.errors == {"audio": "There is no sound."} and rack.take_news() == []
    rack.change(audio=AudioSettings(enabled=True))
    assert rack.take_news() == ["There is no sound."]


def test_lfos_go_by_the_walks_beats_while_one_plays(rack: Rack) -> None:
    rack.add(Modulation(parameter="truncation/psi", source=Lfo(shape="saw", beats=4.0)))
    rack.change(bpm=60.0)
    rack.modulate(Scene(), 3.0)
    assert rack.values == (0.75,)
    rack.place = lambda: (0.5, 1.0)
    rack.modulate(Scene(), 3.0)
    assert rack.values == (0.25,)


def test_what_is_heard_moves_too(rack: Rack) -> None:
    rack.add(Modulation(parameter="truncation/psi", source=AudioFeature(), amount=1.0, centre=0.0))
    rack.audio.heard = 0.5
    assert rack.modulate(edits.set_psi(Scene(), 0.0), 0.0).truncation.psi == 0.5


def test_an_lfo_never_rests_and_a_fader_does(rack: Rack) -> None:
    rack.add(Modulation(parameter="truncation/psi", source=OscControl(address="/a")))
    osc(rack, a=0.9)
    rack.modulate(Scene(), 10.0)
    assert rack.moving(10.0)
    rack.modulate(Scene(), 10.0 + REST_S)
    assert rack.active and not rack.moving(10.0 + REST_S)
    rack.add(Modulation(parameter="noise/strength", source=Lfo(shape="square")))
    rack.modulate(Scene(), 20.0)
    assert rack.moving(30.0)


# -- controls ----------------------------------------------------------------------------------------------------------


def test_a_control_is_a_share_of_what_its_sender_sends(rack: Rack) -> None:
    source = OscControl(address="/a", low=127.0, high=0.0)
    rack.add(Modulation(parameter="truncation/psi", source=source))
    for sent, value in [(127.0, 0.0), (0.0, 1.0), (1e9, 0.0), (-5.0, 1.0)]:
        osc(rack, a=sent)
        rack.modulate(Scene(), 0.0)
        assert rack.values == (value,)
    rack.replace(0, Modulation(parameter="truncation/psi", source=OscControl(address="/a", argument=1)))
    rack.modulate(Scene(), 0.0)
    assert rack.values == (None,)  # the message had no second number


def test_a_midi_control_of_any_channel_takes_the_newest(rack: Rack) -> None:
    for channel in (None, 3):
        rack.add(Modulation(parameter="truncation/psi", source=MidiControl(number=7, channel=channel)))
    midi(rack, ("cc", 3, 7), 0.25)
    midi(rack, ("cc", 5, 7), 0.75)
    rack.modulate(Scene(), 0.0)
    assert rack.values == (0.75, 0.25)


def test_a_flood_of_addresses_is_forgotten(rack: Rack) -> None:
    rack.osc.waiting = {f"/{number}": (0.5,) for number in range(100_000)}
    rack.tick(0.0)
    assert len(rack._osc) <= 1024


# -- learning ----------------------------------------------------------------------------------------------------------


def test_the_next_control_that_moves_takes_hold_of_the_parameter(rack: Rack) -> None:
    osc(rack, a=0.5)
    rack.learn("truncation/psi")
    assert rack.learning == "truncation/psi"
    osc(rack, a=0.5)  # it is sent all the time, and does not move
    assert rack.learning == "truncation/psi"
    osc(rack, b=64.0)
    assert rack.learning is None
    (learned,) = rack.settings.modulations
    assert learned.source == OscControl(address="/b", low=0.0, high=127.0)
    assert (learned.parameter, learned.mode, learned.low, learned.high) == ("truncation/psi", "range", -1.0, 1.5)
    osc(rack, c=1.0)
    assert len(rack.settings.modulations) == 1


def test_a_midi_control_is_learned_with_its_channel_and_a_key_when_it_is_pressed(rack: Rack) -> None:
    rack.learn("noise/strength")
    midi(rack, ("note", 2, 60), 0.0)
    assert rack.learning
    midi(rack, ("note", 2, 60), 0.9)
    assert rack.settings.modulations[0].source == MidiControl(control="note", number=60, channel=2)
    rack.learn("noise/strength")
    midi(rack, ("pitch", 0, 0), 0.6)
    assert [item.source for item in rack.settings.modulations] == [MidiControl(control="pitch", number=0, channel=0)]


def test_learning_again_replaces_the_control_and_leaves_lfos_alone(rack: Rack) -> None:
    rack.add(Modulation(parameter="truncation/psi", source=SAW))
    for address in ("a", "b"):
        rack.learn("truncation/psi")
        osc(rack, **{address: 1.0})
    assert [item.source for item in rack.settings.modulations] == [SAW, OscControl(address="/b")]
    rack.learn("truncation/psi", 0)
    osc(rack, c=0.5)
    assert rack.settings.modulations[0].source == OscControl(address="/c")
    assert rack.settings.modulations[0].mode == "add"


def test_the_second_number_of_a_pad_is_learned_as_such(rack: Rack) -> None:
    rack.osc.waiting = {"/pad": (0.5, 0.1)}
    rack.tick(0.0)
    rack.learn("latent/y")
    rack.osc.waiting = {"/pad": (0.5, 0.2)}
    rack.tick(0.0)
    assert rack.settings.modulations[0].source == OscControl(address="/pad", argument=1)


def test_a_fader_learned_at_its_foot_shows_how_far_it_goes(rack: Rack) -> None:
    rack.learn("truncation/psi")
    for sent, high in [(1.0, 1.0), (2.0, 127.0), (127.0, 127.0), (1000.0, 1023.0)]:
        osc(rack, a=sent)
        assert rack.settings.modulations[0].source == OscControl(address="/a", high=high)
    by_hand = OscControl(address="/a", low=10.0, high=20.0)
    rack.replace(0, rack.settings.modulations[0].model_copy(update={"source": by_hand}))
    osc(rack, a=500.0)
    assert rack.settings.modulations[0].source == by_hand


def test_the_other_way_round_the_control_comes_first(rack: Rack) -> None:
    rack.touched("truncation/psi")
    assert rack.settings.modulations == ()
    rack.listen()
    osc(rack, a=0.5)
    assert not rack.listening and rack.control == OscControl(address="/a")
    rack.touched("noise/strength")
    rack.touched("truncation/psi")
    assert [item.parameter for item in rack.settings.modulations] == ["noise/strength"]


def test_learning_can_be_given_up(rack: Rack) -> None:
    rack.learn("truncation/psi")
    rack.learn(None)
    rack.listen()
    rack.learn(None)
    osc(rack, a=0.5)
    assert rack.settings.modulations == () and rack.control is None


# -- settings ----------------------------------------------------------------------------------------------------------


def test_modulations_are_added_up_to_as_many_as_there_may_be(rack: Rack) -> None:
    indexes = [rack.add(Modulation(parameter="lod", source=SAW)) for _ in range(MAX_MODULATIONS + 1)]
    assert indexes == [*range(MAX_MODULATIONS), None]
    rack.remove(3)
    rack.remove(1000)
    assert len(rack.settings.modulations) == MAX_MODULATIONS - 1


def test_what_somebody_elses_session_listens_to_is_not_taken_over(rack: Rack) -> None:
    theirs = SignalSettings(
        modulations=(Modulation(parameter="lod", source=SAW),),
        osc=OscSettings(enabled=True, host="0.0.0.0"),
        midi=MidiSettings(enabled=True),
        audio=AudioSettings(enabled=True, source="file", file="/somewhere"),
        bpm=99.0,
    )
    rack.adopt(theirs)
    assert rack.settings == SignalSettings(modulations=theirs.modulations, bpm=99.0)


def test_settings_survive_their_json() -> None:
    sources = (SAW, OscControl(address="/a", argument=2), MidiControl(channel=3), AudioFeature(feature="onset"))
    settings = SignalSettings(modulations=tuple(Modulation(parameter="lod", source=source) for source in sources))
    assert SignalSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300, "much"])
def test_numbers_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        Modulation(parameter="lod", amount=value)
