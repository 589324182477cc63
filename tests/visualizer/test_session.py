"""The session comes back as it was, however the program ended, and nothing of a broken one is lost."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylegan_core.scene import Latent, Scene, scene_to_json
from tests.strategies import scenes
from visualizer import session as session_file
from visualizer.session import (
    RECENT_LENGTH,
    Layout,
    Pin,
    Session,
    SessionError,
    SessionKeeper,
    read_session,
    session_from_json,
    session_to_json,
    write_session,
)

SESSION = Session(
    scene=Scene(latent=Latent(seed=5)),
    pins=(Pin(name="a", scene=Scene(latent=Latent(seed=6))),),
    recent=("/m.pkl",),
    device="cpu",
    half=False,
    layout=Layout(width=1000, x=-5, y=3, closed=("Noise",), smooth=True),
)

sessions = st.builds(
    Session,
    scene=scenes(),
    pins=st.lists(st.builds(Pin, name=st.text(max_size=5), scene=scenes()), max_size=2).map(tuple),
    recent=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=3).map(tuple),
    half=st.booleans(),
    layout=st.builds(
        Layout, width=st.integers(640, 16384), closed=st.lists(st.text(max_size=3), max_size=2).map(tuple)
    ),
)


@settings(max_examples=20)
@given(sessions)
def test_round_trip(session: Session) -> None:
    again = session_from_json(session_to_json(session), "s")
    assert again == session
    assert [scene_to_json(pin.scene) for pin in again.pins] == [scene_to_json(pin.scene) for pin in session.pins]


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "new" / "s.json"
    write_session(SESSION, path)
    assert read_session(path) == SESSION
    assert [p.name for p in path.parent.iterdir()] == ["s.json"]


def test_fields_of_a_newer_version_are_ignored_outside_scenes() -> None:
    data = json.loads(session_to_json(SESSION))
    data["colour"] = data["layout"]["dock"] = data["pins"][0]["stars"] = 5
    assert session_from_json(json.dumps(data), "s") == SESSION
    data["scene"]["colour"] = 5
    with pytest.raises(SessionError, match=r"^s, scene: field 'colour'"):
        session_from_json(json.dumps(data), "s")


def test_an_empty_session_has_its_defaults() -> None:
    assert session_from_json("{}", "s") == Session()


def test_a_session_from_before_there_were_memory_limits() -> None:
    data = json.loads(session_to_json(SESSION))
    del data["models_mib"], data["steps_mib"]
    session = session_from_json(json.dumps(data), "s")
    assert session.models_mib is None and session.steps_mib is None and session.scene == SESSION.scene


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"version": 2}, "field 'version'"),
        ({"scene": 5}, "s, scene holds no Scene"),
        ({"scene": {"latent": {"seed": -1}}}, r"s, scene: field 'latent\.seed'"),
        ({"pins": 5}, "s is no StyleScope session"),
        ({"pins": {"a": 1}}, "s is no StyleScope session"),
        ({"pins": [5]}, "s is no StyleScope session"),
        ({"pins": [{"name": "a"}]}, "s, pin 1 holds no Scene"),
        ({"pins": [{"scene": {}}]}, r"field 'pins\.0\.name'"),
        ({"pins": [{"name": "a", "scene": {}}, {"name": "b", "scene": {"version": 9}}]}, "s, pin 2: field 'version'"),
        ({"recent": 5}, "field 'recent'"),
        ({"half": "perhaps"}, "field 'half'"),
        ({"models_mib": -1}, "field 'models_mib'"),
        ({"steps_mib": "much"}, "field 'steps_mib'"),
        ({"layout": None}, "field 'layout'"),
        ({"layout": {"width": 10}}, r"field 'layout\.width'"),
        ({"layout": {"x": 1e400}}, r"field 'layout\.x'"),
    ],
)
def test_what_is_broken_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(SessionError, match=field) as error:
        session_from_json(json.dumps(changes), "s")
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"pins":' + "[" * 100_000, '{"scene": ' + '{"a":' * 990 + "1" + "}" * 991]
)
def test_what_is_no_session(text: str) -> None:
    with pytest.raises(SessionError):
        session_from_json(text, "s")


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(Session.model_fields)), json_values))
def test_any_json_gives_a_session_or_a_session_error(data: object) -> None:
    with suppress(SessionError):
        assert isinstance(session_from_json(json.dumps(data), "s"), Session)


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "s.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SessionError, match=r"s\.json"):
        read_session(path)


def test_recent_files_are_few_and_each_there_once() -> None:
    session = Session()
    for number in range(RECENT_LENGTH + 5):
        session = session.with_recent(str(number))
    session = session.with_recent("9")
    assert len(session.recent) == len(set(session.recent)) == RECENT_LENGTH
    assert session.recent[0] == "9"


# -- the keeper --------------------------------------------------------------------------------------------------------


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_session_is_kept_and_loaded(tmp_path: Path) -> None:
    keeper = SessionKeeper(tmp_path / "state")
    assert keeper.load() is None
    keeper.keep(SESSION)
    assert SessionKeeper(tmp_path / "state").load() == SESSION


def test_only_changes_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Session] = []
    monkeypatch.setattr(session_file, "write_session", lambda session, path: written.append(session))
    keeper = SessionKeeper(tmp_path)
    other = SESSION.model_copy(update={"half": True})
    for session in (SESSION, SESSION.model_copy(deep=True), other, SESSION):
        keeper.keep(session)
    assert written == [SESSION, other, SESSION]


def test_what_could_not_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    keeper = SessionKeeper(tmp_path / "state")
    for _ in range(2):
        with pytest.raises(SessionError, match=r"session\.json cannot be written"):
            keeper.keep(SESSION)
    with pytest.raises(SessionError, match="running cannot be written"):
        keeper.begin()
    (tmp_path / "state").unlink()
    keeper.keep(SESSION)
    assert keeper.load() == SESSION


def test_a_run_that_ends_well_leaves_no_mark(tmp_path: Path) -> None:
    keeper = SessionKeeper(tmp_path)
    assert not keeper.crashed
    keeper.begin()
    assert (tmp_path / "running").read_text() == str(os.getpid())
    keeper.end()
    keeper.end()
    assert not SessionKeeper(tmp_path).crashed


def test_the_mark_of_a_dead_process_tells_of_a_crash(tmp_path: Path) -> None:
    (tmp_path / "running").write_text(str(dead_process()))
    assert SessionKeeper(tmp_path).crashed


def test_a_process_number_that_came_round_again_is_a_crash_too(tmp_path: Path) -> None:
    """In a container every run may have the same one."""
    SessionKeeper(tmp_path).begin()
    assert SessionKeeper(tmp_path).crashed


def test_a_second_window_is_no_crash(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (tmp_path / "running").write_text(str(process.pid))
        assert not SessionKeeper(tmp_path).crashed
        process.communicate(b"\n")


def test_a_process_of_somebody_else_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    (tmp_path / "running").write_text("4321")
    assert not SessionKeeper(tmp_path).crashed


@pytest.mark.parametrize("mark", [b"", b"what", b"\xff\xff", b"9" * 30, b"0", b"-1", b"1.5"])
def test_a_mark_that_makes_no_sense_is_a_crash(tmp_path: Path, mark: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "running").write_bytes(mark)
    kill = os.kill

    def careful(pid: int, signal: int) -> None:
        assert pid > 0, "this would reach other processes"
        kill(pid, signal)

    monkeypatch.setattr(os, "kill", careful)
    assert SessionKeeper(tmp_path).crashed


def test_broken_sessions_are_set_aside_one_beside_the_other(tmp_path: Path) -> None:
    asides = []
    for text in ("{first", "{second", "{third"):
        keeper = SessionKeeper(tmp_path)
        keeper.path.write_text(text)
        with pytest.raises(SessionError):
            keeper.load()
        asides.append(keeper.set_aside())
        assert keeper.load() is None
    assert [aside.read_text() for aside in asides] == ["{first", "{second", "{third"]


def test_a_session_that_cannot_be_set_aside(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"session\.json cannot be moved aside"):
        SessionKeeper(tmp_path).set_aside()
