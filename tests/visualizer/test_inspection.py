"""What the layers view is given: always of the newest Scene, exactly what the Renderer says, and nothing in vain."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from stylegan_core import edits
from stylegan_core.errors import Cancelled
from stylegan_core.look import look_pixels
from stylegan_core.models import ModelStore
from stylegan_core.ops import no_poll
from stylegan_core.render import Renderer
from stylegan_core.scene import ModelRef, Scene
from stylegan_core.spectrum import spectrum
from tests.strategies import tiny_model
from visualizer.explorer import Explorer
from visualizer.inspection import REST_S, Inside, Inspection
from visualizer.tasks import Tasks
from visualizer.worker import Worker

LAYER = "b8.conv1"
MODEL = tiny_model(16)


class Bench(Worker):
    """A Worker whose work is done when a test says so, by the test's own thread."""

    def __init__(self, renderer: Renderer):
        super().__init__(renderer)
        self.waiting: list[tuple[Callable[..., Any], Future[Any]]] = []

    def call(self, function: Callable[..., Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        self.waiting.append((function, future))
        return future

    def work(self) -> None:
        """Do what waits."""
        while self.waiting:
            function, future = self.waiting.pop(0)
            try:
                future.set_result(function(no_poll))
            except Exception as error:  # noqa: BLE001 - as the Worker does
                future.set_exception(error)


class Person:
    """Somebody at the layers view."""

    def __init__(self) -> None:
        models = ModelStore("cpu")
        models.add(MODEL)
        self.card = MODEL.card
        self.renderer = Renderer(models)
        self.bench = Bench(self.renderer)
        self.said: list[tuple[str, ...]] = []
        self.tasks = Tasks(self.bench, self.say)
        self.inspection = Inspection(self.renderer, self.bench, self.tasks, self.say)
        scene = Scene(model=ModelRef(digest=self.card.digest))
        self.scene = edits.look_at(scene, "layer", LAYER)

    def say(self, *words: str) -> None:
        self.said.append(words)

    def frame(self, now: float = 0.0) -> None:
        self.inspection.follow(self.scene, self.card, now)

    def see(self) -> Inside:
        """What is inside the Scene, once the worker has had its time."""
        self.frame()
        self.bench.work()
        self.frame()
        assert self.inspection.inside is not None
        return self.inspection.inside


@pytest.fixture
def person() -> Iterator[Person]:
    person = Person()
    yield person
    person.inspection.leave()
    person.tasks.close()


def test_it_is_what_the_layer_gives_as_the_scene_looks_at_it(person: Person) -> None:
    person.scene = edits.set_channel_gain(person.scene, LAYER, 1, 3.0)
    person.scene = edits.set_style(person.scene, "b4.conv1", 0, 2.0)
    inside = person.see()
    assert (inside.scene, inside.layer.name) == (person.scene, LAYER)
    np.testing.assert_array_equal(inside.values, person.renderer.tap(person.scene, LAYER))
    assert inside.values.shape == (8, 8, 8) and inside.values.any()
    assert (inside.rgba[..., 3] == 255).all()
    np.testing.assert_array_equal(inside.rgba[..., :3], look_pixels(person.renderer, person.scene, no_poll))
    np.testing.assert_array_equal(inside.style, person.renderer.style(person.scene, LAYER))
    assert inside.radial is None


def test_the_sheet_says_where_each_value_stands(person: Person) -> None:
    person.scene = edits.set_look_show(person.scene, "strongest")
    inside = person.see()
    strongest = int(np.abs(inside.values).mean(axis=(1, 2)).argmax())
    assert inside.sheet.channel_at(0, 0) == (strongest, 0, 0)


def test_a_spectrum_comes_where_the_scene_looks_at_one(person: Person) -> None:
    person.scene = edits.set_look_channels(edits.set_look_show(person.scene, "spectrum"), [3])
    inside = person.see()
    expected = spectrum(person.renderer.tap(person.scene, LAYER)[3], person.scene.look.spectrum_beta)
    assert inside.power_db is not None and inside.radial is not None
    np.testing.assert_array_equal(inside.power_db, expected.power_db)
    np.testing.assert_array_equal(inside.radial.power_db, expected.radial_db)
    np.testing.assert_array_equal(inside.radial.frequencies, expected.frequencies)


def test_one_request_at_a_time_and_the_newest_scene_wins(person: Person) -> None:
    for seed in range(4):
        person.scene = edits.set_seed(person.scene, seed)
        person.frame()
    assert len(person.bench.waiting) == 1
    assert person.see().scene.latent.seed == 3
    assert not person.bench.waiting  # and it was asked for once


def test_what_no_layer_depends_on_asks_for_nothing(person: Person) -> None:
    person.see()
    person.scene = edits.set_gain_db(edits.set_grid_layers(person.scene, (0,)), 6.0)
    person.frame()
    assert not person.bench.waiting


def test_layers_are_reported_on_when_the_scene_rests(person: Person) -> None:
    person.see()
    person.frame(REST_S / 2)
    assert not person.bench.waiting
    person.scene = edits.set_seed(person.scene, 5)
    person.frame(REST_S * 0.9)
    person.bench.work()
    person.frame(REST_S * 1.8)  # less than that since it moved
    assert not person.bench.waiting and not person.inspection.reports
    person.frame(REST_S * 2)
    person.bench.work()
    person.frame(REST_S * 3)
    reports = person.inspection.reports
    assert list(reports) == [layer.name for layer in person.card.layers]
    values = person.renderer.tap(person.scene, LAYER)
    assert reports[LAYER].shape == tuple(values.shape)
    assert reports[LAYER].mean == pytest.approx(float(values.mean()), abs=1e-5)
    assert not person.bench.waiting  # once


def test_reports_come_while_no_layer_is_looked_at(person: Person) -> None:
    person.scene = edits.look_at(person.scene, "picture")
    person.frame()
    person.frame(REST_S)
    person.bench.work()
    person.frame(REST_S)
    assert person.inspection.inside is None
    assert set(person.inspection.reports) == {layer.name for layer in person.card.layers}


def test_a_report_gives_way_to_a_look_and_comes_after_it(person: Person) -> None:
    person.see()
    person.frame(REST_S)
    [(report, future)] = person.bench.waiting
    person.bench.waiting.clear()
    person.scene = edits.set_look_show(person.scene, "channel")
    person.frame(REST_S)
    with pytest.raises(Cancelled):
        report(no_poll)
    future.set_exception(Cancelled())
    person.frame(REST_S)
    person.bench.work()
    person.frame(REST_S)
    assert person.inspection.inside is not None and person.inspection.inside.scene.look.show == "channel"
    person.bench.work()
    person.frame(REST_S)
    assert LAYER in person.inspection.reports
    assert not person.said


def test_an_error_is_said_once(person: Person) -> None:
    person.see()
    person.scene = edits.set_look_channels(edits.set_look_show(person.scene, "channel"), [99])
    for _ in range(3):
        person.frame()
        person.bench.work()
    [(words, kind)] = person.said
    assert "99" in words and kind == "error"
    assert person.inspection.inside is None


def test_a_worker_with_too_much_to_do_is_asked_again(person: Person) -> None:
    person.frame()
    [(_, future)] = person.bench.waiting
    person.bench.waiting.clear()
    future.cancel()
    assert person.see().scene == person.scene
    assert not person.said


def test_another_model_starts_anew(person: Person) -> None:
    person.see()
    other = tiny_model(8)
    person.renderer.models.add(other)
    person.card = other.card
    person.scene = edits.fit(person.scene, other.card, ModelRef(digest=other.card.digest))
    person.frame()
    assert person.inspection.inside is None
    assert person.see().values.shape == (8, 8, 8)


def test_a_model_that_made_room_is_not_read_by_the_worker(person: Person) -> None:
    person.scene = person.scene.model_copy(update={"model": ModelRef(digest="gone")})
    person.frame(REST_S)
    person.frame(REST_S * 2)
    assert not person.bench.waiting


def test_put_away_it_keeps_nothing(person: Person) -> None:
    person.see()
    person.scene = edits.set_seed(person.scene, 8)
    person.frame()
    person.inspection.leave()
    person.bench.work()
    assert person.inspection.inside is None
    assert person.see().scene == person.scene


def test_a_video_has_a_frame_for_every_change(person: Person, tmp_path: Path) -> None:
    shown = [person.see().rgba[..., :3]]
    person.inspection.record(tmp_path / "films", LAYER)
    recording = person.inspection.recording
    assert recording is not None
    for seed in (1, 2):
        person.scene = edits.set_seed(person.scene, seed)
        shown.append(person.see().rgba[..., :3])
    person.frame()  # nothing new: no frame
    person.inspection.stop_recording()
    person.tasks.close()
    assert person.said == [(f"Saved {recording.path} (3 frames).",)]
    with av.open(str(recording.path)) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(frames) == 3
    for frame, pixels in zip(frames, shown, strict=True):
        assert frame.mean() == pytest.approx(pixels.mean(), abs=4)  # it has been through a codec


def test_what_plays_waits_for_what_is_inside_it(tmp_path: Path) -> None:
    explorer = Explorer(tmp_path / "state", tmp_path / "pictures")
    explorer.begin()
    rest, moved = threading.Event(), 0
    for frame in range(60_000):  # never reached unless the test is about to fail
        before = explorer.scene
        explorer.tick(frame / 60)
        if explorer.scene.transform != before.transform:
            moved += 1
            inside = explorer.inspection.inside
            assert inside is not None and inside.scene.transform == before.transform
        if explorer.card is not None:
            explorer.inspection.follow(explorer.scene, explorer.card, frame / 60)
        if explorer.live.here and not explorer.motion.playing:
            explorer.do("Look", edits.look_at, "layer", LAYER)
            explorer.motion.turn(explorer.inspection.inside is not None)
        if moved == 4:
            break
        rest.wait(0.001)
    explorer.close()
    assert moved == 4
