"""The window never waits for centres, and the ladder is the pictures of its Scenes."""

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import stylegan_core as sg
from stylegan_core import edits
from stylegan_core.centres import CentreStore
from stylegan_core.errors import Cancelled
from stylegan_core.latent import scene_distances
from stylegan_core.models import ModelStore
from stylegan_core.render import Renderer
from stylegan_core.scene import ClassWeight, ModelRef, Scene, Truncation
from tests.strategies import tiny_model
from visualizer.explorer import Explorer
from visualizer.truncation import COARSE_PX, Centring, Distancing, Ladder
from visualizer.worker import Worker, to_rgba

MODEL = tiny_model(64)
CONDITIONAL = tiny_model(16, c_dim=4)
SCENE = Scene(model=ModelRef(digest=MODEL.card.digest), truncation=Truncation(psi=0.5))
RISING = (0.0, 0.5, 1.0, 1.5, 2.0)
TICKS = 60_000  # with a rest of 1 ms each: never reached unless a test is about to fail


def towards_nearest(scene: Scene, centres: int = 3) -> Scene:
    return edits.set_centres(edits.set_towards(scene, "nearest"), centres)


@pytest.fixture
def models() -> ModelStore:
    store = ModelStore("cpu")
    store.add(MODEL)
    store.add(CONDITIONAL)
    return store


@pytest.fixture
def worker(models: ModelStore) -> Iterator[Worker]:
    worker = Worker(Renderer(models))
    yield worker
    worker.close()


def until(step: Callable[[], object]) -> None:
    rest = threading.Event()
    for _ in range(TICKS):
        if step():
            return
        rest.wait(0.001)
    raise AssertionError("It never came.")


# -- centres -----------------------------------------------------------------------------------------------------------


def test_centres_are_found_on_a_job(models: ModelStore) -> None:
    centring, scene = Centring(models), towards_nearest(SCENE)
    assert not centring.ready(scene, MODEL.card)
    job = centring.job
    assert not centring.ready(scene, MODEL.card) or job.done
    assert centring.job is job  # one is enough
    until(lambda: job.done)
    assert centring.collect(scene, MODEL.card) is None
    assert centring.job is None and job.progress == 1.0
    assert centring.ready(scene, MODEL.card) and centring.has(scene, MODEL.card)
    assert not centring.has(towards_nearest(SCENE, 4), MODEL.card)


def test_what_the_worker_finds_by_itself_needs_no_job(models: ModelStore) -> None:
    centring = Centring(models)
    assert centring.ready(SCENE, MODEL.card)
    by_class = Scene(classes=(ClassWeight(index=2),), truncation=Truncation(towards="class"))
    assert centring.ready(by_class, CONDITIONAL.card)
    assert centring.ready(towards_nearest(Scene(classes=(ClassWeight(index=9),))), CONDITIONAL.card)  # no such class
    assert centring.job is None


def test_centres_that_nobody_wants_any_more_are_dropped(models: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []

    def find(self: CentreStore, model: object, c: object, k: int, which: str, poll: Callable, progress: object) -> None:
        while True:
            try:
                poll()
            except Cancelled:
                found.append(k)
                raise

    monkeypatch.setattr(CentreStore, "find", find)
    centring, first, second = Centring(models), towards_nearest(SCENE, 3), towards_nearest(SCENE, 4)
    centring.ready(first, MODEL.card)
    jobs = [centring.job]
    moved = edits.set_psi(edits.set_seed(first, 9), 0.1)
    assert centring.collect(moved, MODEL.card) is None
    assert centring.job is jobs[0]  # somebody else needs the same
    centring.ready(second, MODEL.card)
    jobs.append(centring.job)
    assert centring.collect(SCENE, MODEL.card) is None
    assert centring.job is None
    until(lambda: all(job.done for job in jobs))
    assert sorted(found) == [3, 4] and all(job.error is None for job in jobs)


# -- the ladder --------------------------------------------------------------------------------------------------------


def test_the_ladder_is_the_pictures_of_its_scenes(models: ModelStore, worker: Worker) -> None:
    said: list[str] = []
    ladder = Ladder(worker._renderer, worker, lambda text, kind: said.append(text), lambda scene, card: True)
    psis, seen = (0.0, 0.4, 1.0), {}

    def step() -> bool:
        ladder.follow(SCENE, MODEL.card, psis, 64)
        for index in range(3):
            if (picture := ladder.picture(index)) is not None:
                sizes = seen.setdefault(psis[index], [])
                sizes += [len(picture)] if len(picture) not in sizes else []
        return ladder.complete

    until(step)
    # Coarse ones of all come before any is sharp, those nearest to the Scene's psi first.
    assert list(seen) == [0.4, 0.0, 1.0] or list(seen) == [0.4, 1.0, 0.0]
    assert set(map(tuple, seen.values())) == {(COARSE_PX, 64)}
    for index, psi in enumerate(psis):
        assert ladder.rungs[index].scene == edits.set_psi(SCENE, psi)
        pixels = sg.render(ladder.rungs[index].scene, models).pixels
        assert np.array_equal(ladder.picture(index), to_rgba(pixels).numpy())
    assert not said


def test_a_curve_that_can_go_no_further_ends_the_ladder(models: ModelStore, worker: Worker) -> None:
    ladder = Ladder(worker._renderer, worker, lambda text, kind: None, lambda scene, card: True)
    curve = tuple(1.5 if index == 0 else 0.5 for index in range(MODEL.card.num_ws))
    ladder.follow(SCENE.model_copy(update={"truncation": Truncation(psi=0.5, layers=curve)}), MODEL.card, RISING, 32)
    assert [rung.psi for rung in ladder.rungs] == [0.0, 0.5, 1.0]  # at 1 the first layer is at 2, the end of the range


def test_what_does_not_change_is_not_made_again(models: ModelStore, worker: Worker) -> None:
    ladder = Ladder(worker._renderer, worker, lambda text, kind: None, lambda scene, card: True)
    psis = (0.0, 1.0)

    def complete(scene: Scene, px: int) -> bool:
        ladder.follow(scene, MODEL.card, psis, px)
        return ladder.complete

    until(lambda: complete(SCENE, 32))
    pictures = [ladder.picture(index) for index in range(2)]
    assert [picture.shape for picture in pictures] == [(32, 32, 4)] * 2
    assert complete(edits.set_psi(SCENE, 0.9), 32)  # at once: a ladder does not depend on psi itself
    assert [ladder.picture(index) for index in range(2)] == pictures
    other = edits.set_seed(SCENE, 5)
    assert not complete(other, 32)
    assert ladder.picture(0) is pictures[0]  # until its own is there
    until(lambda: complete(other, 32))
    assert not np.array_equal(ladder.picture(1), pictures[1])


def test_a_ladder_and_distances_wait_for_centres(models: ModelStore, worker: Worker) -> None:
    there: list[bool] = []
    arguments = (worker._renderer, worker, lambda text, kind: None, lambda scene, card: bool(there))
    ladder, distancing, scene = Ladder(*arguments), Distancing(*arguments), towards_nearest(SCENE)
    for _ in range(3):
        ladder.follow(scene, MODEL.card, (0.0, 1.0), 32)
        distancing.follow(scene, MODEL.card)
        assert not ladder.complete and ladder.picture(0) is None and distancing.found is None
    there.append(True)

    def step() -> bool:
        ladder.follow(scene, MODEL.card, (0.0, 1.0), 32)
        distancing.follow(scene, MODEL.card)
        return ladder.complete and distancing.found is not None

    until(step)
    assert distancing.found == scene_distances(scene, MODEL)


def test_what_cannot_be_made_is_left_out(models: ModelStore, worker: Worker) -> None:
    said: list[str] = []
    ladder = Ladder(worker._renderer, worker, lambda text, kind: said.append(text), lambda scene, card: True)
    broken = SCENE.model_copy(update={"truncation": Truncation(layers=(0.1, 0.2))})

    def step() -> bool:
        ladder.follow(broken, MODEL.card, (0.0, 1.0), 32)
        return ladder.complete

    until(step)
    assert [ladder.picture(index) for index in range(2)] == [None, None]


# -- in the Explorer ---------------------------------------------------------------------------------------------------


@pytest.fixture
def explorer(tmp_path: Path) -> Iterator[Explorer]:
    explorer = Explorer(tmp_path / "state", tmp_path / "pictures")
    explorer.begin()
    explorer.cancel_loading()  # of the starter model
    explorer.adopt(MODEL, ModelRef(digest=MODEL.card.digest))
    until(lambda: explorer.tick(0.0) and not explorer.latest.frame.preview)
    yield explorer
    explorer.close()


def shown(explorer: Explorer) -> Scene:
    explorer.tick(0.0)
    return explorer.latest.frame.scene


def test_the_picture_waits_for_its_centres_and_the_window_does_not(explorer: Explorer) -> None:
    explorer.do("Nearest", edits.set_towards, "nearest")
    explorer.do("Centres", edits.set_centres, 3)
    explorer.tick(0.0)
    assert explorer.centring.job is not None
    until(lambda: shown(explorer) == explorer.scene and not explorer.latest.frame.preview)
    assert explorer.centring.job is None
    fresh = ModelStore("cpu")
    fresh.add(MODEL)
    assert torch.equal(explorer.latest.frame.pixels, sg.render(explorer.scene, fresh).pixels)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(self: CentreStore, model: object, c: object, k: int, which: str, poll: Callable, progress: object) -> None:
        while True:
            poll()

    monkeypatch.setattr(CentreStore, "find", find)


def test_waiting_for_centres_can_be_given_up(explorer: Explorer, endless: None) -> None:
    before = explorer.scene
    explorer.do("Nearest", edits.set_towards, "nearest")
    explorer.tick(0.0)
    job = explorer.centring.job
    explorer.edit("Seed", edits.set_seed, 7)
    explorer.tick(0.0)
    assert explorer.centring.job is job and shown(explorer) == before
    explorer.cancel_centres()
    until(lambda: shown(explorer) == explorer.scene)
    assert explorer.scene == edits.set_seed(before, 7) and job.cancelled and explorer.centring.job is None
    explorer.undo()
    explorer.tick(0.0)
    assert explorer.centring.job is not None  # it is wanted once more
    explorer.undo()
    explorer.undo()
    explorer.tick(0.0)
    assert explorer.centring.job is None and explorer.scene == before


def test_what_plays_waits_for_centres_as_well(explorer: Explorer, endless: None) -> None:
    explorer.do("Nearest", edits.set_towards, "nearest")
    explorer.tick(0.0)
    waiting = explorer.scene
    explorer.motion.drift(True)
    clock = itertools.count(1.0)
    for _ in range(4):
        explorer.tick(next(clock))
    assert explorer.scene == waiting
    explorer.cancel_centres()
    until(lambda: explorer.tick(next(clock)) or explorer.scene.transform != waiting.transform)


def test_centres_that_cannot_be_found_are_one_message(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object) -> None:
        raise sg.StyleScopeError("There are none.")

    monkeypatch.setattr(CentreStore, "find", find)
    explorer.do("Nearest", edits.set_towards, "nearest")
    until(lambda: explorer.tick(0.0) or explorer.notice.text == "There are none.")
    for _ in range(3):
        explorer.tick(0.0)
        assert explorer.centring.job is None  # nobody tries again and again
    explorer.do("Mean", edits.set_towards, "mean")
    until(lambda: shown(explorer) == explorer.scene)
