"""Going through a run's snapshots: the Scene stays but for its model, a drag is one thing done, following is none."""

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import torch

import stylegan_core as sg
from stylegan_core import edits
from stylegan_core.models import ModelStore, save_model
from stylegan_core.scene import ModelRef, Scene, only_picture
from stylegan_core.walk import scene_at
from tests.runs import add_snapshot, make_run
from tests.strategies import tiny_model
from tests.visualizer.ticking import until
from train.run_folder import RunFolder, Snapshot
from visualizer import snapshots as snapshots_file
from visualizer.explorer import Explorer
from visualizer.snapshots import KEY_S, WALK_KEYS, Digests, look, run_of, snapshot_name, spread
from visualizer.training_time import LOOK_EVERY_S, NAME, TrainingTime
from visualizer.worker import to_rgba

SEEN = (0, 1000, 5000, 6000, 20000)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(tiny_model(8), path)
    return path


@pytest.fixture(scope="module")
def made(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "faces", model, SEEN).path


@pytest.fixture
def run(made: Path, tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(made, tmp_path / "faces"))


@pytest.fixture
def explorer(tmp_path: Path) -> Iterator[Explorer]:
    explorer = Explorer(tmp_path / "state", tmp_path / "pictures")
    yield explorer
    explorer.close()


@pytest.fixture
def through(explorer: Explorer, run: RunFolder) -> TrainingTime:
    """One that stands at the run's second snapshot."""
    explorer.open_model(run.snapshots()[1].path)
    until(explorer, lambda: len(explorer.training_time.snapshots) == len(SEEN) and explorer.live.here)
    return explorer.training_time


def at(explorer: Explorer, place: int) -> Scene:
    """The Scene, once the picture at a snapshot is there: that of the snapshot's file."""
    through = explorer.training_time

    def shown() -> bool:
        picture = None if explorer.latest is None else explorer.latest.frame
        return picture is not None and picture.scene == only_picture(explorer.scene) and not picture.preview

    until(explorer, lambda: through.stand == place and through.wanted is None and shown())
    assert Path(explorer.scene.model.path) == through.snapshots[place].path
    frame = sg.render(explorer.scene, ModelStore("cpu"))  # which reads the file anew: it has to be of that digest
    assert frame.error is None
    assert torch.equal(explorer.latest.rgba, to_rgba(frame.pixels))
    return explorer.scene


def look_again(explorer: Explorer, condition: Callable[[], object]) -> None:
    until(explorer, condition, now=explorer._now + LOOK_EVERY_S)


def without_model(scene: Scene) -> Scene:
    return scene.model_copy(update={"model": ModelRef()})


def test_which_run_a_model_is_of() -> None:
    assert run_of(ModelRef(path="/a/run/snapshots/000001000.safetensors")).path == Path("/a/run")
    assert run_of(ModelRef(path="/a/run/snapshots/model-000001000.safetensors")).path == Path("/a/run")
    for other in ("", "/a/run/000001000.safetensors", "/a/snapshots/best.safetensors", "snapshots"):
        assert run_of(ModelRef(path=other)) is None and snapshot_name(Path(other)) is None
    assert snapshot_name(Path("/a/run/snapshots/model-000001040.safetensors")) == "run, 1.04 kimg"


def test_the_scene_stays_but_for_its_model_and_each_step_is_undone(explorer: Explorer, through: TrainingTime) -> None:
    explorer.do("Seed", edits.set_seed, 7)
    explorer.do("Psi", edits.set_psi, 0.4)
    before, pictures = at(explorer, 1), []
    for place in (2, 0, 4):
        through.step(place - through.stand)
        after = at(explorer, place)
        assert without_model(after) == without_model(before)
        pictures.append(explorer.latest.rgba)
    assert not torch.equal(pictures[0], pictures[1])
    assert explorer.store.done == ("Seed", "Psi", NAME, NAME, NAME)
    through.step(1)  # there is none after the last
    assert at(explorer, 4) and through.wanted is None
    explorer.undo()
    at(explorer, 0)
    explorer.redo()
    at(explorer, 4)


def test_a_drag_is_one_undo_point_even_where_the_last_model_comes_after_it(
    explorer: Explorer, through: TrainingTime
) -> None:
    seen = []
    for place in (2, 3, 4, 3, 0):
        through.go(place, held=True)
        explorer.tick()
        seen.append(through.stand)
    through.release()
    at(explorer, 0)
    assert explorer.store.done == (NAME,) and explorer.store.under_way is None
    through.go(3, held=True)
    at(explorer, 3)  # all are in memory by now, or come in a moment
    assert explorer.store.under_way == NAME
    through.release()
    assert explorer.store.done == (NAME, NAME)


def test_what_a_smaller_network_cannot_have_is_there_again_after_it(explorer: Explorer, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "growing")
    for seen, resolution in ((0, 16), (1000, 8), (2000, 16)):
        path = tmp_path / f"{resolution}.safetensors"
        save_model(tiny_model(resolution), path)
        add_snapshot(run, path, seen, noise=0.1)
    explorer.open_model(run.snapshots()[0].path)
    through = explorer.training_time
    until(explorer, lambda: len(through.snapshots) == 3)
    explorer.do("Layer", edits.set_layer_psi, 2, 0.1, explorer.card.num_ws)
    layers = explorer.scene.truncation.layers
    assert layers
    through.step(1)
    assert at(explorer, 1).truncation.layers == ()
    through.step(1)
    assert at(explorer, 2).truncation.layers == layers


def test_following_goes_to_each_new_snapshot_and_is_nothing_to_undo(
    explorer: Explorer, through: TrainingTime, run: RunFolder, model: Path
) -> None:
    explorer.do("Seed", edits.set_seed, 7)
    through.follow(True)
    at(explorer, 4)
    explorer.do("Psi", edits.set_psi, 0.4)
    add_snapshot(run, model, 30000, noise=0.2)
    look_again(explorer, lambda: len(through.snapshots) == 6)
    at(explorer, 5)
    assert explorer.store.done == ("Seed", "Psi")
    explorer.undo()
    scene = at(explorer, 5)  # the newest model stays
    assert (scene.truncation.psi, scene.latent.seed) == (0.7, 7) and through.following
    explorer.undo()
    assert at(explorer, 5).latent.seed == 0 and through.following
    explorer.redo()
    assert at(explorer, 5).latent.seed == 7 and through.following
    for place in (3, 2):
        through.go(place)
        at(explorer, place)
    assert not through.following
    through.follow(True)
    at(explorer, 5)
    explorer.undo()  # what is undone is having gone through training time: that is where one wants to be
    at(explorer, 3)
    assert not through.following


def test_nothing_is_followed_while_a_walk_plays(
    explorer: Explorer, through: TrainingTime, run: RunFolder, model: Path
) -> None:
    through.follow(True)
    at(explorer, 4)
    explorer.timeline.add_key()
    explorer.timeline.repeat = True
    explorer.timeline.play()
    add_snapshot(run, model, 30000, noise=0.2)
    look_again(explorer, lambda: len(through.snapshots) == 6)
    for _ in range(10):
        explorer.tick()
    assert explorer.timeline.playing != "no" and (through.stand, through.wanted) == (4, None)
    explorer.timeline.pause()
    at(explorer, 5)


def test_following_ends_where_somebody_opens_another_model(
    explorer: Explorer, through: TrainingTime, model: Path
) -> None:
    through.follow(True)
    at(explorer, 4)
    explorer.open_model(model)
    until(explorer, lambda: explorer.scene.model.path == str(model) and through.run is None)
    assert not through.following
    explorer.undo()
    at(explorer, 4)
    assert through.run is not None and not through.following


def test_a_run_that_was_chosen_is_there_for_any_model(explorer: Explorer, run: RunFolder, model: Path) -> None:
    through = explorer.training_time
    through.choose(run)
    until(explorer, lambda: through.snapshots)
    explorer.open_model(model)
    until(explorer, lambda: explorer.scene.model.digest)
    assert (through.run, through.stand) == (run, None)
    through.step(-1)  # from nowhere: to the newest
    at(explorer, 4)
    through.choose(None)
    assert through.run.path == run.path  # the model that is open is of that run
    explorer.undo()
    until(explorer, lambda: through.run is None)


def test_a_run_that_was_chosen_is_gone_through_where_no_model_is_open(explorer: Explorer, run: RunFolder) -> None:
    explorer.training_time.choose(run)
    explorer.training_time.follow(True)
    at(explorer, 4)
    assert explorer.store.done == ()


@pytest.mark.parametrize("harm", ["broken", "gone"])
def test_a_snapshot_that_cannot_be_read_is_a_sentence(
    explorer: Explorer, through: TrainingTime, run: RunFolder, harm: str
) -> None:
    path = run.snapshots()[4].path
    if harm == "broken":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        path.unlink()
    through.step(3)
    until(explorer, lambda: explorer.notice.kind == "error" and path.name in explorer.notice.text)
    assert (through.stand, through.wanted) == (1, None) and explorer.store.done == ()
    through.follow(True)
    at(explorer, 3)  # the newest there is
    through.step(-1)
    at(explorer, 2)
    if harm == "gone":
        look_again(explorer, lambda: len(through.snapshots) == 4)
        at(explorer, 2)


def test_a_snapshot_is_hashed_once(
    explorer: Explorer, through: TrainingTime, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    digest = snapshots_file.digest

    def watched(path: Path, **options: object) -> str:
        hashed.append(path.name)
        return digest(path, **options)

    monkeypatch.setattr(snapshots_file, "digest", watched)
    through.step(1)
    at(explorer, 2)
    until(explorer, lambda: len(explorer.models.kept()) == 5)  # its neighbours are read while nobody waits
    explorer.free_memory()
    until(explorer, lambda: not explorer.tasks.busy and len(explorer.models.kept()) == 1)
    for place in (0, 1, 2, 3, 4):
        through.go(place)
        at(explorer, place)
    assert sorted(hashed) == [snapshot.path.name for snapshot in run.snapshots()]


def test_neighbours_are_read_within_the_limit_and_only_where_a_hand_has_been(
    explorer: Explorer, through: TrainingTime
) -> None:
    for _ in range(20):
        explorer.tick()
    assert len(explorer.models.kept()) == 1 and through._reading is None
    explorer.models.set_limit(5 * explorer.models.num_bytes)  # half of it: one neighbour on either side
    through.approach()
    until(explorer, lambda: through._ahead == [] and through._reading is None)
    found = {kept.model.card.name for kept in explorer.models.kept()}
    assert found == {through.snapshots[place].path.stem for place in (0, 1, 2)}


def test_a_walk_through_training_has_the_scene_at_each_snapshot(
    explorer: Explorer, through: TrainingTime, run: RunFolder
) -> None:
    explorer.do("Seed", edits.set_seed, 7)
    scene = explorer.scene
    through.go(0)
    at(explorer, 0)
    through.follow(True)
    at(explorer, 4)
    through.walk_through()
    until(explorer, lambda: not explorer.timeline.walk.empty and through.walking is None)
    walk = explorer.timeline.walk
    assert [key.scene.model.path for key in walk.keys] == [str(snapshot.path) for snapshot in run.snapshots()]
    assert {without_model(key.scene) for key in walk.keys} == {without_model(only_picture(scene))}
    assert [key.name for key in walk.keys] == ["0 kimg", "1 kimg", "5 kimg", "6 kimg", "20 kimg"]
    at(explorer, 0)
    assert not through.following  # the walk says what is shown
    for place in range(5):
        explorer.timeline.seek((place + 0.9) * KEY_S)
        assert scene_at(walk, explorer.timeline.position_s).model.path == str(run.snapshots()[place].path)
        at(explorer, place)


def test_a_walk_needs_two_snapshots(explorer: Explorer) -> None:
    explorer.training_time.walk_through()
    assert "two snapshots" in explorer.notice.text and explorer.training_time.walking is None


def test_a_long_run_is_spread_over_a_walk() -> None:
    snapshots = [Snapshot(1000 * number, Path(f"{number}.safetensors")) for number in range(3000)]
    chosen = [snapshot.seen for snapshot in spread(snapshots, WALK_KEYS)]
    assert (len(chosen), chosen[0], chosen[-1]) == (WALK_KEYS, 0, 2999000)
    steps = [after - before for before, after in pairwise(chosen)]
    assert max(steps) - min(steps) <= 1000
    assert spread(snapshots[:3], WALK_KEYS) == snapshots[:3]


def test_a_folder_is_only_read_where_it_has_changed(run: RunFolder, tmp_path: Path) -> None:
    digests = Digests()
    path = run.snapshots()[0].path
    first = digests.of(path)
    assert digests.known(path) == first
    os.utime(run.models, (1e9, 1e9))
    seen = look(run, None, digests)
    assert seen.snapshots == tuple(run.snapshots())
    assert look(run, seen.changed_ns, digests) is None
    shutil.copy(run.snapshots()[1].path, path)  # in place: the folder's own time stays
    os.utime(run.models, None)
    assert look(run, seen.changed_ns, digests) is not None
    assert digests.known(path) is None and digests.of(path) != first
    assert look(RunFolder(tmp_path / "none"), None, digests).snapshots == ()
