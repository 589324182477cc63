"""Exports beside the live view: the walk's own pictures, one export at a time, and none forgotten whatever happens."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import stylegan_core as sg
from stylegan_core.export import ExportSettings
from stylegan_core.model import Model
from stylegan_core.scene import Latent, ModelRef, Scene
from stylegan_core.walk import Key, Walk, frame_times, scene_at
from tests.strategies import tiny_model
from visualizer.exporting import Exporting, WalkExport, all_of, num_frames
from visualizer.live import LiveView
from visualizer.memory import Memory
from visualizer.session import Session, session_from_json, session_to_json
from visualizer.tasks import Tasks
from visualizer.unfinished import ExportOrder, Unfinished

SAFETY_S = 60.0
MODEL = tiny_model(16)
REF = ModelRef(digest=MODEL.card.digest, path="tiny")
PNG = ExportSettings(format="png", fps=10)


def walk(seconds: float = 0.6, ref: ModelRef = REF) -> Walk:
    ends = (Scene(model=ref, latent=Latent(seed=seed)) for seed in (1, 2))
    first, second = ends
    return Walk(duration_s=seconds, keys=(Key(time_s=0, scene=first), Key(time_s=seconds, scene=second)))


class Desk:
    """A window's worker and exports, without the window."""

    def __init__(self, folder: Path):
        self.memory = Memory("cpu", Session())
        self.memory.models.add(MODEL)
        self.live = LiveView(self.memory, half=False)
        self.said: list[str] = []
        self.tasks = Tasks(self.live.worker, self.say)
        self.exporting = Exporting(self.live, self.tasks, self.read, self.say, folder / "exports")

    def say(self, text: str, kind: str = "info") -> None:
        self.said.append(text)

    def read(self, ref: ModelRef, progress: object, cancelled: object) -> Model:
        return self.memory.models.get(ref)

    def until(self, condition: Callable[[], object]) -> None:
        """Frames of the window until something is so."""
        started = time.monotonic()
        while not condition():
            assert time.monotonic() - started < SAFETY_S, (self.said, [e.state for e in self.exporting.exports])
            self.frame()
            time.sleep(0.005)

    def frame(self) -> None:
        self.tasks.collect()
        self.exporting.tick()

    def start(self, of: Walk, path: Path, settings: ExportSettings = PNG) -> WalkExport:
        assert self.exporting.start(of, settings, path)
        return self.exporting.exports[-1]

    def block(self) -> threading.Event:
        """Keep the worker busy until the event is set."""
        going, begun = threading.Event(), threading.Event()

        def busy(poll: object) -> None:
            begun.set()
            going.wait(SAFETY_S)

        self.live.worker.call(busy)
        begun.wait(SAFETY_S)
        return going

    def close(self) -> None:
        self.exporting.close()
        self.tasks.close()


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Callable[[], Desk]]:
    """Runs of the program, one after another, with one folder for what is kept."""
    opened: list[Desk] = []

    def begin() -> Desk:
        opened.append(Desk(tmp_path / "state"))
        return opened[-1]

    yield begin
    for desk in opened:
        desk.close()


@pytest.fixture
def desk(desks: Callable[[], Desk]) -> Desk:
    return desks()


def frames_in(folder: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]


def expected(of: Walk, desk: Desk) -> list[np.ndarray]:
    scenes = [scene_at(of, time_s) for time_s in frame_times(of, PNG.fps)]
    return [sg.render(scene, desk.memory.models).pixels.numpy() for scene in scenes]


def orders(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "state" / "exports").glob("*"))


def test_frames_are_the_pictures_of_the_walk_and_nothing_is_left_behind(desk: Desk, tmp_path: Path) -> None:
    export = desk.start(walk(), tmp_path / "out")
    desk.until(lambda: export.state == "done" and export.size_bytes)
    assert np.array_equal(frames_in(tmp_path / "out"), expected(walk(), desk))
    assert desk.said == [f"Exported {tmp_path / 'out'}."] and export.frames == (6, 6) and export.progress == 1
    assert export.size_bytes == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    desk.until(lambda: not orders(tmp_path))
    assert desk.exporting.finished == (export,) and desk.exporting.models == () and desk.exporting.progress is None


def test_what_names_no_model_goes_with_the_one_that_is_shown(desk: Desk, tmp_path: Path) -> None:
    desk.exporting.start(walk(ref=ModelRef()), PNG, tmp_path / "out", shown=REF)
    desk.until(lambda: desk.exporting.finished)
    assert np.array_equal(frames_in(tmp_path / "out"), expected(walk(), desk))


def test_a_scene_that_somebody_wrote_who_did_not_know_the_model_is_fitted(desk: Desk, tmp_path: Path) -> None:
    unknowing = Scene(model=REF, truncation=sg.scene.Truncation(layers=(0.5,)))
    desk.start(Walk(keys=(Key(time_s=0, scene=unknowing),), duration_s=0.1), tmp_path / "out")
    desk.until(lambda: desk.exporting.finished)
    assert len(frames_in(tmp_path / "out")) == 1


def test_one_goes_at_a_time_and_their_models_are_held(desk: Desk, tmp_path: Path) -> None:
    going = desk.block()
    first, second = desk.start(walk(), tmp_path / "first"), desk.start(walk(), tmp_path / "second")
    desk.until(lambda: first.state == "running")
    desk.frame()
    assert second.state == "waiting" and desk.exporting.models == (REF,)
    assert desk.exporting.running == (first, second) and desk.exporting.progress == 0
    going.set()
    desk.until(lambda: len(desk.said) == 2)
    assert first.state == second.state == "done"
    assert np.array_equal(frames_in(tmp_path / "first"), frames_in(tmp_path / "second"))


def test_a_paused_one_lets_others_go_and_goes_on(desk: Desk, tmp_path: Path) -> None:
    going = desk.block()
    paused = desk.start(walk(), tmp_path / "paused")
    desk.until(lambda: paused.state == "running")
    desk.exporting.pause(paused)
    going.set()
    other = desk.start(walk(), tmp_path / "other")
    desk.until(lambda: other.state == "done")
    assert paused.state == "paused" and REF in desk.exporting.models and desk.exporting.progress == paused.progress < 1
    desk.exporting.go_on(paused)
    desk.until(lambda: paused.state == "done")
    assert len(frames_in(tmp_path / "paused")) == 6


def test_one_that_was_stopped_can_be_gone_on_with_or_dropped(desk: Desk, tmp_path: Path) -> None:
    going = desk.block()
    export = desk.start(walk(), tmp_path / "out")
    waiting = desk.start(walk(), tmp_path / "waiting")
    desk.until(lambda: export.state == "running")
    desk.exporting.stop(export)
    desk.exporting.stop(waiting)
    going.set()
    desk.until(lambda: not desk.exporting.running)
    assert (export.state, waiting.state) == ("stopped", "stopped")
    desk.until(lambda: not orders(tmp_path))  # nobody wants it any more
    desk.exporting.go_on(export)
    desk.until(lambda: export.state == "done")
    desk.exporting.drop(waiting)
    assert desk.exporting.exports == (export,)


def test_what_the_program_ended_in_is_offered_and_gone_on_with(desks: Callable[[], Desk], tmp_path: Path) -> None:
    long, out = walk(200.0), tmp_path / "out"
    before = desks()
    export = before.start(long, out)
    before.start(walk(), tmp_path / "next")
    before.until(lambda: export.frames is not None and export.frames[0] >= 3)
    before.close()
    made = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert 3 <= len(made) < 2000 and len(orders(tmp_path)) == 2

    after = desks()
    after.exporting.begin()
    after.until(lambda: after.exporting.offered)
    assert {export.path.name: export.state for export in after.exporting.offered} == {
        "out": "stopped",
        "next": "stopped",
    }
    assert after.exporting.running == ()
    for number in range(max(len(made), 3), 1997):  # as if it had gone on for long
        (out / f"{number:06}.png").touch()
    after.exporting.answer(go_on=True)
    after.until(lambda: len(after.exporting.finished) == 2)
    assert after.exporting.offered == ()
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in made.items())
    last = sg.render(scene_at(long, 199.9), after.memory.models).pixels.numpy()
    assert np.array_equal(np.asarray(Image.open(out / "001999.png")), last)


def test_an_offer_can_wait(desks: Callable[[], Desk], tmp_path: Path) -> None:
    Unfinished(tmp_path / "state" / "exports").keep(ExportOrder(walk(), PNG, tmp_path / "out"))
    desk = desks()
    desk.exporting.begin()
    desk.until(lambda: desk.exporting.offered)
    desk.exporting.answer(go_on=False)
    [export] = desk.exporting.exports
    assert (export.state, desk.exporting.offered, len(orders(tmp_path))) == ("stopped", (), 1)
    assert export.frames is None and export.progress == 0
    desk.exporting.drop(export)
    desk.until(lambda: not orders(tmp_path))


def test_a_missing_model_is_told_and_does_not_hold_up_the_next(desk: Desk, tmp_path: Path) -> None:
    gone = desk.start(walk(ref=ModelRef(digest="gone", path="/nowhere/gone.pkl")), tmp_path / "gone")
    fine = desk.start(walk(), tmp_path / "fine")
    desk.until(lambda: fine.state == "done")
    assert gone.state == "failed" and gone.error is not None and "/nowhere/gone.pkl" in gone.error
    assert desk.said[0] == gone.error and not (tmp_path / "gone").exists()
    desk.until(lambda: len(orders(tmp_path)) == 1)  # it may be there when the program starts again
    desk.memory.models.get = lambda ref, *rest: MODEL  # type: ignore[method-assign]  # somebody has put it back
    desk.exporting.go_on(gone)
    desk.until(lambda: gone.state == "done")


def test_two_to_one_place_are_refused(desk: Desk, tmp_path: Path) -> None:
    going = desk.block()
    desk.start(walk(), tmp_path / "out")
    assert not desk.exporting.start(walk(1.0), PNG, tmp_path / "out")
    assert "out is being exported already." in desk.said[-1] and len(desk.exporting.exports) == 1
    going.set()


def test_a_walk_with_nothing_in_it_is_told(desk: Desk, tmp_path: Path) -> None:
    export = desk.start(Walk(), tmp_path / "out")
    desk.until(lambda: desk.said)
    assert export.state == "failed" and "the walk is empty" in desk.said[-1]


def test_another_thing_in_its_place_fails_and_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "out.gif").write_text("precious")
    export = desk.start(walk(), tmp_path / "out.gif", ExportSettings(format="gif", fps=10))
    desk.until(lambda: desk.said)
    assert (
        export.state == "failed"
        and "is there already" in desk.said[-1]
        and (tmp_path / "out.gif").read_text() == "precious"
    )


def test_a_full_queue_of_the_worker_stops_nothing(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call, refused = desk.live.worker.call, [0]

    def full_at_first(function: Callable[..., object], last: bool = False) -> object:
        future = call(function, last)
        if last and refused[0] < 3:
            refused[0] += 1
            future.cancel()
        return future

    monkeypatch.setattr(desk.live.worker, "call", full_at_first)
    export = desk.start(walk(), tmp_path / "out")
    desk.until(lambda: export.state == "done")
    assert refused == [3] and np.array_equal(frames_in(tmp_path / "out"), expected(walk(), desk))


def test_live_pictures_go_first(desk: Desk, tmp_path: Path) -> None:
    export = desk.start(walk(20.0), tmp_path / "out")
    desk.until(lambda: export.frames is not None and export.frames[0] >= 1)
    for seed in range(5):
        desk.live.ask(Scene(model=REF, latent=Latent(seed=seed)), seed, playing=False)
        desk.until(lambda: desk.live.take() is not None and desk.live.here)
    assert export.state == "running"
    desk.exporting.stop(export)


def test_numbers_of_frames() -> None:
    of = walk(10.0).model_copy(update={"first_s": 2.0, "last_s": 5.0})
    assert num_frames(of, ExportSettings(fps=25)) == 75 == len(frame_times(of, 25))
    assert num_frames(all_of(of), ExportSettings(fps=25)) == 250
    assert num_frames(of, ExportSettings(format="sheet", pictures=7)) == 7


def test_the_session_keeps_settings_and_leaves_those_that_it_does_not_know() -> None:
    session = Session(export=ExportSettings(format="webm", codec="av1", background=(1, 2, 3)))
    text = session_to_json(session)
    assert session_from_json(text, "a.json") == session
    assert session_from_json(text.replace('"av1"', '"h299"'), "a.json") == Session()


# -- orders on the disk ------------------------------------------------------------------------------------------------


def test_an_order_is_kept_as_it_was(tmp_path: Path) -> None:
    order = ExportOrder(
        walk(), ExportSettings(format="webm", codec="vp9", width=64, height=48), tmp_path / "x", True, True
    )
    kept = Unfinished(tmp_path / "exports")
    kept.keep(order)
    kept.keep(order)
    assert kept.read() == (order,)
    later = [ExportOrder(walk(), PNG, tmp_path / name) for name in "yz"]
    for number, each in enumerate(reversed(later)):
        kept.keep(each)
        [newest] = {
            path for path in (tmp_path / "exports").iterdir() if json.loads(path.read_text())["path"] == str(each.path)
        }
        os.utime(newest, (number + 2e9, number + 2e9))
    assert kept.read() == (order, *reversed(later))
    for each in (order, order, *later):
        kept.forget(each)
    assert kept.read() == ()


def test_orders_of_a_running_program_are_its_own(tmp_path: Path) -> None:
    kept, order = Unfinished(tmp_path), ExportOrder(walk(), PNG, tmp_path / "x")
    kept.keep(order)
    [path] = tmp_path.glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"process": os.getppid()}))
    assert kept.read() == ()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"process": 0, "settings": {"fps": -1}}'])
def test_a_broken_order_is_left_alone(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    kept, order = Unfinished(tmp_path), ExportOrder(walk(), PNG, tmp_path / "x")
    kept.keep(order)
    (tmp_path / "a.json").write_text(text)
    with caplog.at_level(logging.WARNING):
        assert kept.read() == (order,)
    assert "a.json is left alone" in caplog.text and (tmp_path / "a.json").read_text() == text
