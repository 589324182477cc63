"""Files that are opened say themselves what they hold, and saved ones take nobody's place."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from stylegan_core.errors import SceneError
from stylegan_core.export import Export, ExportSettings
from stylegan_core.export.settings import Format
from stylegan_core.picture import write_png
from stylegan_core.scene import Latent, Scene, scene_to_json
from stylegan_core.walk import Key, Walk, WalkError
from stylegan_core.walk_file import write_walk
from tests.strategies import scenes
from visualizer.files import free_place, read_kept
from visualizer.session import Session, SessionError, session_to_json

SCENE = Scene(latent=Latent(seed=7))


def test_pictures_sessions_and_scenes_are_told_apart(tmp_path: Path) -> None:
    write_png(tmp_path / "picture", np.zeros((2, 2, 3), np.uint8), SCENE)
    (tmp_path / "session").write_text(session_to_json(Session(scene=SCENE)))
    (tmp_path / "scene").write_text(scene_to_json(SCENE))
    (tmp_path / "short").write_text(' \n{"latent": {"seed": 7}}')
    (tmp_path / "model").write_bytes(b"\x80\x02")
    assert read_kept(tmp_path / "picture") == SCENE
    assert read_kept(tmp_path / "session") == Session(scene=SCENE)
    assert read_kept(tmp_path / "scene") == read_kept(tmp_path / "short") == SCENE
    assert read_kept(tmp_path / "model") is None


def test_walks_are_told_from_scenes_and_sessions(tmp_path: Path) -> None:
    walk = Walk(keys=(Key(time_s=0, scene=SCENE),), loop=True)
    write_walk(walk, tmp_path / "walk.json")
    (tmp_path / "short").write_text('{"keys": [{"time_s": 1, "scene": {"latent": {"seed": 7}}}]}')
    (tmp_path / "session").write_text(session_to_json(Session(scene=SCENE, walk=walk)))
    assert read_kept(tmp_path / "walk.json") == walk
    assert read_kept(tmp_path / "short") == Walk(keys=(Key(time_s=1, scene=SCENE),))
    assert read_kept(tmp_path / "session") == Session(scene=SCENE, walk=walk)
    assert read_kept(tmp_path) == walk  # a folder of pictures


@pytest.mark.parametrize("format_", ["mp4", "webm", "gif", "webp", "png", "png16", "sheet"])
def test_an_export_holds_its_walk(tmp_path: Path, format_: Format) -> None:
    walk = Walk(keys=(Key(time_s=0, scene=SCENE),), duration_s=0.2)
    settings = ExportSettings(format=format_, fps=10, pictures=2)
    path = tmp_path / ("frames" if settings.is_folder else f"x.{'png' if format_ == 'sheet' else format_}")
    export = Export(walk, settings, path, lambda scene: np.zeros((16, 16, 3), f"uint{settings.bits}")).start()
    assert export.wait(60) and export.error is None
    assert read_kept(path) == walk
    if settings.is_folder:
        assert read_kept(path / "000000.png") == SCENE


@pytest.mark.parametrize(("suffix", "format_"), [("mp4", "mp4"), ("webm", "webm"), ("gif", "gif"), ("webp", "webp")])
def test_somebody_elses_video_is_told(tmp_path: Path, suffix: str, format_: Format) -> None:
    starts = {"mp4": b"\0\0\0\x18ftypmp42", "webm": b"\x1aE\xdf\xa3", "gif": b"GIF89a", "webp": b"RIFF\0\0\0\0WEBP"}
    path = tmp_path / f"holiday.{suffix}"
    path.write_bytes(starts[format_] + bytes(100))
    with pytest.raises(WalkError, match=r"holiday\.\w+ carries no walk; only videos exported by StyleScope"):
        read_kept(path)


@given(scenes())
def test_any_scene_and_any_session_is_read_as_what_it_is(
    tmp_path_factory: pytest.TempPathFactory, scene: Scene
) -> None:
    path = tmp_path_factory.getbasetemp() / "kept.json"
    path.write_text(scene_to_json(scene), encoding="utf-8")
    assert read_kept(path) == scene
    path.write_text(session_to_json(Session(scene=scene)), encoding="utf-8")
    assert read_kept(path) == Session(scene=scene)


def test_a_session_of_a_newer_version_is_a_session(tmp_path: Path) -> None:
    data = json.loads(session_to_json(Session(scene=SCENE))) | {"grid": {}}
    (tmp_path / "session").write_text(json.dumps(data))
    assert read_kept(tmp_path / "session") == Session(scene=SCENE)


@pytest.mark.parametrize("text", ["{", "{}x", '{"pins": 3}', "{" + '"a":{' * 100_000, '{"latent": \xff'])
def test_what_is_broken_is_told_as_of_a_session(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    with pytest.raises(SessionError, match=r"a\.json"):
        read_kept(tmp_path / "a.json")


def test_a_broken_walk_is_told_by_its_field(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"keys": [], "duration_s": -1}')
    with pytest.raises(WalkError, match=r"a\.json: field 'duration_s'"):
        read_kept(tmp_path / "a.json")


def test_a_broken_scene_is_told_by_its_field(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"latent": {"seed": -1}}')
    with pytest.raises(SceneError, match=r"a\.json: field 'latent\.seed'"):
        read_kept(tmp_path / "a.json")


@pytest.mark.parametrize("suffix", [".png", ".mp4"])
def test_a_free_place_is_nobodys(tmp_path: Path, suffix: str) -> None:
    found = []
    for _ in range(3):
        found.append(free_place(tmp_path, "a", suffix))
        found[-1].touch()
    assert [path.name for path in found] == [f"a{suffix}", f"a-2{suffix}", f"a-3{suffix}"]
