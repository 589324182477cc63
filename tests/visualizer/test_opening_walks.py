"""Walks that somebody opens: they come into the timeline, with the picture that they begin with."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stylegan_core.export import Export, ExportSettings, rendered
from stylegan_core.models import ModelStore, save_model
from stylegan_core.render import Renderer
from stylegan_core.scene import Latent, ModelRef, Scene
from stylegan_core.walk import Curve, CurvePoint, Key, Walk
from stylegan_core.walk_file import write_walk
from tests.strategies import tiny_model
from visualizer.explorer import Explorer
from visualizer.library import starter_models

SAFETY_S = 60.0


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model that is no starter model."""
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_model(tiny_model(16), path)
    return ModelRef(digest=ModelStore().open(path).card.digest, path=str(path))


@pytest.fixture
def explorer(tmp_path: Path) -> Iterator[Explorer]:
    explorer = Explorer(tmp_path / "state", tmp_path / "pictures")
    yield explorer
    explorer.close()


def until(explorer: Explorer, condition: Callable[[], object]) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < SAFETY_S, explorer.notice.text
        explorer.tick()
        time.sleep(0.001)


def walk(ref: ModelRef, *more: ModelRef) -> Walk:
    scenes = [Scene(model=each, latent=Latent(seed=seed)) for seed, each in enumerate((ref, *more), 5)]
    keys = tuple(Key(time_s=time_s, scene=scene) for time_s, scene in enumerate(scenes, 1))
    return Walk(keys=keys, duration_s=len(scenes) + 1.0)


def shows(explorer: Explorer, seed: int, digest: str) -> bool:
    frame = explorer.latest.frame if explorer.latest is not None else None
    return frame is not None and (frame.scene.latent.seed, frame.scene.model.digest) == (seed, digest)


def test_the_program_begins_with_a_walk(explorer: Explorer, tiny: ModelRef, tmp_path: Path) -> None:
    write_walk(walk(tiny), tmp_path / "walk.json")
    explorer.start_with(tmp_path / "walk.json")
    explorer.begin()
    until(explorer, lambda: shows(explorer, 5, tiny.digest))
    assert explorer.timeline.walk == walk(tiny) and explorer.timeline.file == tmp_path / "walk.json"
    assert explorer.card is not None and explorer.card.resolution == 16 and explorer.notice.kind == "info"


@pytest.mark.parametrize("running", [False, True])
def test_a_walk_without_a_model_goes_with_what_there_is(explorer: Explorer, tmp_path: Path, running: bool) -> None:
    write_walk(walk(ModelRef()), tmp_path / "walk.json")
    if running:
        explorer.begin()
        until(explorer, lambda: explorer.latest is not None)
        explorer.open_file(tmp_path / "walk.json")
    else:
        explorer.start_with(tmp_path / "walk.json")
        explorer.begin()
    starter = ModelStore().open(starter_models()[0]).card.digest
    until(explorer, lambda: shows(explorer, 5, starter))
    assert explorer.timeline.walk == walk(ModelRef())
    explorer.exporting.start(
        explorer.timeline.walk, ExportSettings(format="png", fps=1), tmp_path / "out", False, explorer.scene.model
    )
    until(explorer, lambda: explorer.exporting.finished)
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


def test_a_video_is_a_walk_that_has_no_file_yet(explorer: Explorer, tiny: ModelRef, tmp_path: Path) -> None:
    renderer = Renderer(ModelStore())
    export = Export(walk(tiny), ExportSettings(fps=2), tmp_path / "x.mp4", lambda scene: rendered(renderer, scene))
    assert export.start().wait(SAFETY_S) and export.error is None
    explorer.begin()
    until(explorer, lambda: explorer.latest is not None)
    explorer.open_file(tmp_path / "x.mp4")
    until(explorer, lambda: shows(explorer, 5, tiny.digest))
    assert explorer.timeline.walk == walk(tiny) and explorer.timeline.file is None
    for _ in range(2):  # the picture, and the walk
        explorer.undo()
    assert explorer.timeline.walk == Walk()


@pytest.mark.parametrize("place", [0, 1])
def test_a_walk_whose_model_is_nowhere_says_so(explorer: Explorer, tiny: ModelRef, tmp_path: Path, place: int) -> None:
    gone, models = ModelRef(digest="f" * 64, path="/nowhere/gone.pkl"), [tiny]
    models.insert(place, gone)
    write_walk(walk(*models), tmp_path / "walk.json")
    explorer.begin()
    until(explorer, lambda: explorer.latest is not None)
    explorer.open_file(tmp_path / "walk.json")
    until(explorer, lambda: explorer.notice.kind == "error")
    assert f"{tmp_path / 'walk.json'} needs the model '/nowhere/gone.pkl', which is not there" in explorer.notice.text
    assert explorer.timeline.walk == Walk()


def test_a_walk_with_a_curve_of_nothing_says_so(explorer: Explorer, tiny: ModelRef, tmp_path: Path) -> None:
    curve = Curve(parameter="smile/width", points=(CurvePoint(time_s=0, value=1),))
    write_walk(walk(tiny).model_copy(update={"curves": (curve,)}), tmp_path / "walk.json")
    explorer.begin()
    until(explorer, lambda: explorer.latest is not None)
    explorer.open_file(tmp_path / "walk.json")
    until(explorer, lambda: explorer.notice.kind == "error")
    assert "smile/width" in explorer.notice.text


def test_models_that_are_exported_stay_in_memory(explorer: Explorer, tiny: ModelRef, tmp_path: Path) -> None:
    explorer.begin()
    until(explorer, lambda: explorer.latest is not None)
    explorer.exporting.start(
        walk(tiny).model_copy(update={"duration_s": 500.0}), ExportSettings(format="png"), tmp_path / "out"
    )
    until(explorer, lambda: explorer.exporting.exports[0].frames is not None)
    explorer.tick()
    explorer.memory.free()
    held = {kept.model.card.digest for kept in explorer.models.kept() if kept.held}
    assert held == {tiny.digest, explorer.scene.model.digest} and explorer.models.has(tiny)
    explorer.exporting.drop(explorer.exporting.exports[0])
    explorer.worker.call(lambda poll: None, last=True).result(SAFETY_S)  # what was asked for is done
    explorer.tick()
    explorer.memory.free()
    assert not explorer.models.has(tiny)
