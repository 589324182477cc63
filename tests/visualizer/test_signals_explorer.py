"""Live signals in the application: the picture follows them, and what is kept and undone does not."""

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pythonosc.udp_client import SimpleUDPClient

import stylegan_core as sg
from stylegan_core import edits
from stylegan_core.edits import walk as walks
from stylegan_core.models import save_model
from stylegan_core.picture import read_scene
from stylegan_core.walk import Key
from tests.strategies import tiny_model
from tests.visualizer.ticking import until
from visualizer.explorer import Explorer
from visualizer.session import Session, SessionError, session_from_json, session_to_json, write_session
from visualizer.signals.model import (
    AudioSettings,
    Lfo,
    MidiControl,
    Modulation,
    OscControl,
    OscSettings,
    SignalSettings,
)
from visualizer.signals.rack import REST_S
from visualizer.signals.remote import REST_S as OSC_REST_S
from visualizer.worker import to_rgba

SWEEP = Modulation(parameter="truncation/psi", source=Lfo(shape="saw", period_s=1.0), amount=1.0, centre=0.0)


@pytest.fixture
def explorer(tmp_path: Path) -> Iterator[Explorer]:
    save_model(tiny_model(16), tmp_path / "tiny.safetensors")
    explorer = Explorer(tmp_path / "state", tmp_path / "pictures")
    explorer.start_with(tmp_path / "tiny.safetensors")
    explorer.begin()
    until(explorer, lambda: explorer.latest is not None and settled(explorer))
    explorer.do("Psi", edits.set_psi, 0.25)
    yield explorer
    explorer.close()


def shown(explorer: Explorer) -> bool:
    """Whether the newest picture, as sharp as it may be, is of the effective Scene."""
    return explorer.latest is not None and explorer.latest.frame.scene == explorer.effective


def settled(explorer: Explorer) -> bool:
    return shown(explorer) and not explorer.latest.frame.preview


def test_the_picture_is_that_of_the_scene_as_the_signals_have_it(explorer: Explorer) -> None:
    explorer.signals.add(SWEEP)
    for now in (10.5, 10.75):
        until(explorer, lambda now=now: shown(explorer) and explorer.effective.truncation.psi == now - 9.75, now)
    assert explorer.scene.truncation.psi == 0.25
    assert explorer.store.done == ("Psi",)
    explorer.edit("Psi", edits.set_psi, -0.75)  # a hand moves the base meanwhile
    until(explorer, lambda: shown(explorer) and explorer.effective.truncation.psi == 0.0, 10.75)
    explorer.signals.remove(0)
    until(explorer, lambda: settled(explorer) and explorer.effective is explorer.scene, 20.0)


def test_what_is_modulated_plays_and_what_rests_becomes_whole(explorer: Explorer) -> None:
    explorer.signals.add(Modulation(parameter="truncation/psi", source=OscControl(address="/a")))
    explorer.signals._heard_osc("/a", (1.0,))
    explorer.tick(100.0)
    assert explorer.live._playing and explorer.effective.truncation.psi == 0.5
    until(explorer, lambda: not explorer.live._playing and settled(explorer), 100.0 + REST_S)
    frame = sg.render(explorer.effective, explorer.models, half=explorer.half)
    assert frame.pixels is not None and torch.equal(explorer.latest.rgba, to_rgba(frame.pixels))
    explorer.signals.add(SWEEP)
    explorer.tick(200.5)
    assert explorer.live._playing


def test_no_picture_is_asked_for_while_the_one_before_has_not_come(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(explorer.worker, "show", lambda scene, revision, playing: asked.append(scene.truncation.psi))
    explorer.signals.add(SWEEP)
    for now in (1.25, 1.5, 1.75):
        explorer.tick(now)
    assert asked == [0.5] and explorer.effective.truncation.psi == 1.0
    explorer.edit("Psi", edits.set_psi, 0.5)  # a hand is not kept waiting
    explorer.tick(1.75)
    assert asked == [0.5, 1.25]


def test_a_captured_picture_carries_the_scene_that_makes_it_again(explorer: Explorer, tmp_path: Path) -> None:
    explorer.signals.add(SWEEP)
    explorer.tick(5.5)
    explorer.capture(tmp_path / "taken.png")
    explorer.pin()
    until(explorer, lambda: (tmp_path / "taken.png").exists() and not explorer.tasks.busy, 6.75)
    assert read_scene(tmp_path / "taken.png") == edits.set_psi(explorer.scene, 0.75)
    assert explorer.favourites.pins[-1].scene == explorer.scene


def test_signals_go_from_model_to_model(explorer: Explorer, tmp_path: Path) -> None:
    """The layers of one are not those of the other, whichever is shown at a moment."""
    save_model(tiny_model(32), tmp_path / "larger.safetensors")
    for address in ("truncation/layers/1", "mixing/0/amount", "noise/layers/1"):
        explorer.signals.add(SWEEP.model_copy(update={"parameter": address, "amount": 0.5}))
    until(explorer, lambda: shown(explorer), 10.5)
    explorer.open_model(tmp_path / "larger.safetensors")
    until(explorer, lambda: explorer.card.resolution == 32 and shown(explorer), 10.6)
    for change in (explorer.undo, explorer.redo, explorer.undo):
        change()
        explorer.tick(10.7)
        lengths = {len(explorer.effective.truncation.layers), len(explorer.effective.mixing[0].amounts)}
        assert lengths == {explorer.card.num_ws}
        until(explorer, lambda: shown(explorer), 10.7)
        assert explorer.latest.frame.error is None
    assert explorer.scene.mixing == ()


# -- OSC that sets the Scene -------------------------------------------------------------------------------------------


def test_a_fader_sets_the_scene_and_its_movement_is_one_undo_point(explorer: Explorer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    explorer.signals.change(osc=OscSettings(enabled=True, port=port))
    until(explorer, lambda: explorer.signals.osc.address)

    def layer_1() -> float | None:
        layers = explorer.scene.truncation.layers
        return layers[1] if layers else None

    with SimpleUDPClient("127.0.0.1", port) as client:
        for step in range(1, 5):
            client.send_message("/stylescope/truncation/psi", step / 4)
            client.send_message("/stylescope/truncation/layers/1", -1.0)  # psi takes it along, so that each has to come
            until(explorer, lambda step=step: (explorer.scene.truncation.psi, layer_1()) == (step / 4, -1.0))
        until(explorer, lambda: explorer.store.under_way is None, OSC_REST_S)
        assert explorer.store.done == ("Psi", "OSC")
        client.send_message("/stylescope/random", [])
        until(explorer, lambda: "Someone new" in explorer.store.done)
        for _ in range(2):
            client.send_message("/stylescope/undo", 1)
            number = len(explorer.store.done)
            until(explorer, lambda number=number: len(explorer.store.done) < number)
        assert explorer.scene.truncation.psi == 0.25
        client.send_message("/stylescope/model/path", 1)
        until(explorer, lambda: "no parameter 'model/path'" in explorer.notice.text)
    assert explorer.signals.errors == {}


def test_a_port_that_is_taken_is_told_once(explorer: Explorer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        explorer.signals.change(osc=OscSettings(enabled=True, port=other.getsockname()[1]))
        until(explorer, lambda: "OSC cannot be heard" in explorer.notice.text)
        explorer.say("Something else.")
        for now in range(1, 20):
            explorer.tick(float(now))
        assert explorer.notice.text == "Something else."


# -- walks -------------------------------------------------------------------------------------------------------------


def test_lfos_and_osc_go_along_with_a_walk(explorer: Explorer) -> None:
    lfo = Lfo(shape="saw", beats=4.0)
    explorer.signals.add(Modulation(parameter="noise/strength", source=lfo, mode="range", low=0.0, high=1.0))
    walk = explorer.timeline.walk
    for time_s in (0.0, 8.0):
        walk = walks.add_key(walk, time_s, explorer.scene)
    explorer.timeline.open(walk.model_copy(update={"bpm": 60.0, "first_beat_s": 1.0}))
    assert all(isinstance(key, Key) for key in explorer.timeline.walk.keys)
    acts = explorer._acts()
    acts["play"](1.0)
    acts["seek"](3.0)
    explorer.tick(50.0)
    assert explorer.signals.values == ((3.0 - 1.0) / 4.0,)
    acts["pause"](1.0)
    explorer.tick(51.0)
    assert explorer.timeline.playing == "no" and explorer.signals.values == (51 * 2 / 4 % 1,)


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_signals_are_kept_between_runs(explorer: Explorer, tmp_path: Path) -> None:
    settings = SignalSettings(modulations=(SWEEP,), audio=AudioSettings(gain_db=3.0), bpm=99.0)
    explorer.signals.change(**dict(settings))
    explorer.keep()
    until(explorer, lambda: not explorer.tasks.busy)
    shutil.copytree(tmp_path / "state", tmp_path / "later")
    again = Explorer(tmp_path / "later", tmp_path / "pictures")
    assert again.signals.settings == settings
    again.close()


def test_a_session_from_elsewhere_brings_modulations_and_opens_no_port(explorer: Explorer, tmp_path: Path) -> None:
    theirs = SignalSettings(modulations=(SWEEP,), osc=OscSettings(enabled=True, host="0.0.0.0"))
    write_session(Session(scene=explorer.scene, signals=theirs), tmp_path / "theirs.json")
    explorer.open_file(tmp_path / "theirs.json")
    until(explorer, lambda: explorer.signals.settings.modulations)
    assert explorer.signals.settings == SignalSettings(modulations=(SWEEP,))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("signals.modulations.0.amount", "much"),
        ("signals.modulations.0.source", {"kind": "lfo", "period_s": 0}),
        ("signals.modulations.0.source", {"kind": "telepathy"}),
        ("signals.osc.port", 70000),
        ("signals.bpm", float("nan")),
        ("signals", []),
    ],
)
def test_broken_signals_are_named_by_field(field: str, value: object) -> None:
    data = json.loads(session_to_json(Session(signals=SignalSettings(modulations=(SWEEP,)))))
    place = data
    *way, last = [int(word) if word.isdigit() else word for word in field.split(".")]
    for word in way:
        place = place[word]
    place[last] = value
    with pytest.raises(SessionError, match=rf"^here: field '{field}"):
        session_from_json(json.dumps(data), "here")


def test_an_older_session_has_no_signals() -> None:
    assert session_from_json("{}", "here").signals == SignalSettings()
    unknown = json.loads(
        SignalSettings(modulations=(SWEEP.model_copy(update={"source": MidiControl()}),)).model_dump_json()
    )
    unknown["modulations"][0]["newer"] = unknown["newer"] = 1
    assert session_from_json(json.dumps({"signals": unknown}), "here").signals.modulations[0].source == MidiControl()
