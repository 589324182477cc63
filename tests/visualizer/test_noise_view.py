"""What the noise view shows: the newest wish wins, maps are made once, and numbers are the core's."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
import torch

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.errors import Cancelled
from stylegan_core.look import look_pixels
from stylegan_core.models import ModelStore
from stylegan_core.noise_look import effect, noise_strength, noise_values, variation
from stylegan_core.ops import Poll, no_poll
from stylegan_core.render import Renderer
from stylegan_core.scene import ModelRef, Scene
from visualizer.library import starter_models
from visualizer.noise_view import THUMBNAIL_PX, Newest, NoisePicture, NoiseView, look_at_noise, noise_thumbnail
from visualizer.worker import Worker, to_rgba

TURNS = 60_000  # with a rest of 1 ms each: never reached unless a test is about to fail


class LedWorker:
    """Runs what was asked of it when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[Poll], Any], Future[Any]]] = []

    def call(self, function: Callable[[Poll], Any]) -> "Future[Any]":
        self.waiting.append((function, Future()))
        return self.waiting[-1][1]

    def run(self, poll: Poll = no_poll) -> None:
        function, future = self.waiting.pop(0)
        try:
            future.set_result(function(poll))
        except Exception as error:  # noqa: BLE001 - as the worker, which hands every error over
            future.set_exception(error)


class Wishes:
    """A `Newest` whose work is to give its wish back, and what it said."""

    def __init__(self) -> None:
        self.worker, self.said, self.done = LedWorker(), [], []
        self.meanwhile: Callable[[], None] = lambda: None
        self.newest: Newest[str, str] = Newest(
            self.worker,  # type: ignore[arg-type]
            self._work,
            lambda text, kind: self.said.append((text, kind)),
        )

    def _work(self, wish: str, poll: Poll) -> str:
        self.meanwhile()
        poll()
        self.done.append(wish)
        if wish == "bad":
            raise ValueError("it is bad")
        return wish


def test_only_the_newest_wish_is_made() -> None:
    wishes = Wishes()
    for wish in ("a", "b", "c"):
        wishes.newest.follow(wish)
    assert len(wishes.worker.waiting) == 1 and wishes.newest.busy
    wishes.worker.run()
    wishes.newest.follow("c")
    assert wishes.done == ["c"] and wishes.newest.result == "c" and not wishes.newest.busy
    wishes.newest.follow("c")
    assert not wishes.worker.waiting


def test_work_for_an_older_wish_is_dropped() -> None:
    wishes = Wishes()
    wishes.newest.follow("a")
    wishes.meanwhile = lambda: wishes.newest.follow("b")
    wishes.worker.run()
    assert wishes.done == []
    wishes.newest.follow("b")
    wishes.worker.run()
    wishes.newest.follow("b")
    assert wishes.done == ["b"] and wishes.newest.result == "b" and wishes.said == []


def test_what_is_put_away_is_not_made_and_is_made_when_it_comes_back() -> None:
    wishes = Wishes()
    wishes.newest.follow("a")
    wishes.newest.follow(None)
    wishes.worker.run()
    assert wishes.done == []
    wishes.newest.follow("a")
    wishes.worker.run()
    wishes.newest.follow("a")
    assert wishes.newest.result == "a"


def test_a_failure_is_said_once_and_the_next_wish_is_made() -> None:
    wishes = Wishes()
    wishes.newest.follow("bad")
    wishes.worker.run()
    for _ in range(2):
        wishes.newest.follow("bad")
    assert wishes.said == [("it is bad", "error")] and not wishes.worker.waiting
    wishes.newest.follow("good")
    wishes.worker.run()
    wishes.newest.follow("good")
    assert wishes.newest.result == "good"


def test_a_full_queue_is_tried_again() -> None:
    wishes = Wishes()
    wishes.newest.follow("a")
    _, future = wishes.worker.waiting.pop()
    future.cancel()
    wishes.newest.follow("a")
    wishes.worker.run()
    wishes.newest.follow("a")
    assert wishes.newest.result == "a" and wishes.said == []


# -- with a model ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models() -> ModelStore:
    return ModelStore("cpu")


@pytest.fixture(scope="module")
def card(models: ModelStore) -> ModelCard:
    return models.open(starter_models()[0]).card


@pytest.fixture
def scene(card: ModelCard) -> Scene:
    return Scene(model=ModelRef(digest=card.digest, path=str(starter_models()[0])))


@pytest.fixture
def renderer(models: ModelStore) -> Renderer:
    return Renderer(models)


@pytest.fixture
def view(renderer: Renderer) -> Iterator[NoiseView]:
    def fail(text: str, kind: str) -> None:
        raise AssertionError(text)

    worker = Worker(renderer)
    yield NoiseView(worker, renderer, fail)
    worker.close()


def shown(view: NoiseView, scene: Scene, card: ModelCard) -> NoisePicture:
    """Follow a Scene until everything is there."""
    rest = threading.Event()
    for _ in range(TURNS):
        view.follow(scene, card)
        if not view.busy and len(view.layers) == len(card.noise_layers) and view.picture is not None:
            return view.picture
        rest.wait(0.001)
    raise AssertionError("the noise never came")


def test_a_look_at_something_else_becomes_one_at_the_map(scene: Scene, card: ModelCard) -> None:
    last = card.noise_layers[-1].name
    assert (look_at_noise(scene, card).at, look_at_noise(scene, card).layer) == ("noise", last)
    activations = edits.look_at(scene, "layer", "b8.conv0")
    assert (look_at_noise(activations, card).at, look_at_noise(activations, card).layer) == ("noise", "b8.conv0")
    for at, layer in (("noise", "b8.conv0"), ("effect", "b16.conv1"), ("effect", ""), ("variation", "")):
        looking = edits.look_at(scene, at, layer)
        assert look_at_noise(looking, card) == looking.look
    assert look_at_noise(edits.look_at(scene, "effect", "b8.torgb"), card).layer == last  # it takes no noise
    assert look_at_noise(edits.look_at(scene, "noise", ""), card).layer == last


def test_a_thumbnail_keeps_the_contrast_of_the_map() -> None:
    """The mean of many values of noise would be grey."""
    values = torch.randn(256, 256, generator=torch.Generator().manual_seed(0))
    small = noise_thumbnail(values)
    assert max(small.shape[:2]) <= THUMBNAIL_PX and small.shape[2] == 4 and small.dtype == np.uint8
    assert small[..., 0].std() > 40
    assert noise_thumbnail(torch.zeros(4, 4)).tolist() == np.full((4, 4, 4), [128, 128, 128, 255]).tolist()


def test_the_list_has_every_layer_and_makes_only_what_changed(view: NoiseView, scene: Scene, card: ModelCard) -> None:
    looking = edits.look_at(scene, "noise", "b16.conv0")
    shown(view, looking, card)
    before = dict(view.layers)
    assert list(before) == [layer.name for layer in card.noise_layers]
    model = view._renderer.models.get(scene.model)
    assert {name: item.learned for name, item in before.items()} == {
        name: noise_strength(model, name) for name in before
    }
    assert len({item.learned for item in before.values()}) > 1
    painted = edits.begin_stroke(looking, 3, (0.5, 0.5), 0.2, 3.0, "set")
    shown(view, painted, card)
    changed = [name for name, item in view.layers.items() if item is not before[name]]
    assert changed == ["b16.conv0"]
    assert view.layers["b16.conv0"].thumbnail[8, 8].tolist() == [255, 255, 255, 255]


@pytest.mark.parametrize("at", ["noise", "effect", "variation"])
def test_numbers_and_colours_are_the_core_s(
    at: str, view: NoiseView, scene: Scene, card: ModelCard, renderer: Renderer
) -> None:
    looking = edits.set_look_seeds(edits.look_at(scene, at, "b16.conv0"), 4)
    picture = shown(view, looking, card)
    model = renderer.models.get(scene.model)
    with torch.inference_mode():
        expected = {
            "noise": lambda: noise_values(model, scene.noise, "b16.conv0")[None],
            "effect": lambda: effect(renderer, looking, "b16.conv0", no_poll),
            "variation": lambda: variation(renderer, looking, "b16.conv0", 4, no_poll)[None],
        }[at]()
        pixels = look_pixels(renderer, looking, no_poll)
    assert picture.scene.look == looking.look
    np.testing.assert_array_equal(picture.values, expected.numpy())
    np.testing.assert_array_equal(picture.rgba, to_rgba(pixels).numpy())
    assert picture.values.std() > 0
    assert picture.counts.sum() == picture.values.size  # no value is beyond the bins
    assert (picture.edges[0] < 0) == (at != "variation")


def test_a_map_is_not_made_again_for_another_person(view: NoiseView, scene: Scene, card: ModelCard) -> None:
    looking = edits.look_at(scene, "noise", "b16.conv0")
    before = shown(view, looking, card)
    assert shown(view, edits.set_seed(looking, 7), card) is before
    differing = shown(view, edits.look_at(looking, "effect"), card)
    assert shown(view, edits.set_seed(edits.look_at(looking, "effect"), 7), card) is not differing


def test_a_model_that_is_not_in_memory_is_not_read(card: ModelCard, scene: Scene) -> None:
    renderer, worker = Renderer(ModelStore("cpu")), LedWorker()
    view = NoiseView(worker, renderer, lambda text, kind: None)  # type: ignore[arg-type]
    view.follow(edits.look_at(scene, "noise", "b16.conv0"), card)
    assert not worker.waiting


def test_work_that_is_put_away_ends_at_its_next_poll(scene: Scene, card: ModelCard, renderer: Renderer) -> None:
    worker = LedWorker()
    view = NoiseView(worker, renderer, lambda text, kind: pytest.fail(text))  # type: ignore[arg-type]
    view.follow(edits.look_at(scene, "variation", ""), card)
    futures = [future for _, future in worker.waiting]

    for _ in futures:
        worker.run(view.rest)
    assert [type(future.exception()) for future in futures] == [Cancelled, Cancelled]
    view.follow(edits.look_at(scene, "variation", ""), card)
    assert len(worker.waiting) == 2 and view.picture is None
