"""The worker: latest wins, previews first, tasks in between, whatever fails. A fake renderer is led step by step."""

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core.errors import Cancelled
from stylegan_core.ops import Poll
from stylegan_core.render import NO_MEMORY, TOO_LARGE, Frame
from stylegan_core.scene import Latent, ModelRef, Scene
from visualizer import worker as worker_module
from visualizer.worker import (
    FIRST_PREVIEW_PX,
    QUEUE_LENGTH,
    PreviewPolicy,
    Shown,
    Worker,
    to_rgba,
)

FULL = 2 * FIRST_PREVIEW_PX  # the fake model's resolution in px
SAFETY_S = 60.0  # never waited for unless a test is about to fail


def scene(seed: int, model: str = "m") -> Scene:
    return Scene(model=ModelRef(digest=model), latent=Latent(seed=seed))


class Led:
    """Work on the worker's thread that does what the test orders: "poll", "finish", or an exception to raise."""

    def __init__(self) -> None:
        self.orders: queue.Queue[str | Exception] = queue.Queue()
        self.events: queue.Queue[Any] = queue.Queue()

    def obey(self, poll: Poll) -> None:
        while (order := self.orders.get(timeout=SAFETY_S)) != "finish":
            if isinstance(order, Exception):
                raise order
            try:
                poll()
            except Cancelled:
                self.events.put("dropped")
                raise
            self.events.put("polled")

    def order(self, order: str | Exception) -> None:
        self.orders.put(order)

    def event(self) -> Any:
        return self.events.get(timeout=SAFETY_S)

    def poll(self) -> str:
        self.order("poll")
        return self.event()


class Renderer(Led):
    """A fake renderer; what it starts comes out as events (seed, stop_at)."""

    previews = True
    resolution = FULL
    steps_ms: dict[int, float] = {}  # noqa: RUF012 - replaced as a whole, never written into
    error: str | None = None
    short = False  # whether memory suffices for a preview only

    def render(self, scene: Scene, revision: int, stop_at: int | None, poll: Poll) -> Frame:
        self.events.put((scene.latent.seed, stop_at))
        self.obey(poll)
        if self.error is not None:
            return Frame(scene, revision=revision, error=self.error)
        preview = self.short or (self.previews and stop_at is not None and stop_at < self.resolution)
        side = 2 if preview else 4
        pixels = torch.full((side, side, 3), 7, dtype=torch.uint8)
        error = TOO_LARGE if self.short else None
        return Frame(scene, pixels, revision, error=error, preview=preview, steps_ms=self.steps_ms)


class Desk:
    """A worker at work, and what the UI thread sees of it."""

    def __init__(self) -> None:
        self.renderer = Renderer()
        self.woken: queue.Queue[None] = queue.Queue()
        self.worker = Worker(self.renderer, wake=lambda: self.woken.put(None))

    def show(self, seed: int, model: str = "m", playing: bool = False) -> None:
        self.worker.show(scene(seed, model), seed, playing)

    def shown(self) -> Shown:
        """The next picture in the outbox."""
        self.woken.get(timeout=SAFETY_S)
        shown = self.worker.outbox.take()
        assert shown is not None
        return shown

    def picture(self, seed: int, model: str = "m") -> None:
        """A picture from request to full picture."""
        self.show(seed, model)
        assert self.renderer.event()[0] == seed
        self.renderer.order("finish")
        if self.shown().frame.preview:
            assert self.renderer.event() == (seed, FULL)
            self.renderer.order("finish")
            assert not self.shown().frame.preview


@pytest.fixture
def desk() -> Iterator[Desk]:
    before = set(threading.enumerate())
    desk = Desk()
    yield desk
    desk.worker.close(0)
    for _ in range(5):
        desk.renderer.order("poll")
    desk.worker.close(SAFETY_S)
    assert set(threading.enumerate()) <= before


def led_task(desk: Desk, name: str, log: list[str], last: bool = False) -> tuple[Led, "Future[str]"]:
    led = Led()

    def task(poll: Poll) -> str:
        log.append(name)
        led.events.put("begun")
        led.obey(poll)
        return name

    return led, desk.worker.call(task, last)


def result(future: "Future[Any]") -> Any:
    return future.result(timeout=SAFETY_S)


# -- pictures ----------------------------------------------------------------------------------------------------------


def test_a_preview_first_then_the_full_picture(desk: Desk) -> None:
    desk.show(1)
    assert desk.renderer.event() == (1, FIRST_PREVIEW_PX)
    desk.renderer.order("finish")
    preview = desk.shown()
    assert preview.frame.preview and preview.frame.revision == 1 and preview.rgba.shape == (2, 2, 4)
    assert desk.renderer.event() == (1, FULL)
    desk.renderer.order("finish")
    full = desk.shown()
    assert not full.frame.preview and full.frame.scene == scene(1) and full.rgba.shape == (4, 4, 4)


def test_pictures_sharpen_octave_by_octave(desk: Desk) -> None:
    desk.renderer.resolution = 8 * FIRST_PREVIEW_PX
    desk.show(1)
    for octave in range(4):
        assert desk.renderer.event() == (1, FIRST_PREVIEW_PX << octave)
        desk.renderer.order("finish")
        assert desk.shown().frame.preview == (octave < 3)
    desk.show(2)
    assert desk.renderer.event() == (2, FIRST_PREVIEW_PX)


def test_a_first_picture_that_is_the_full_one_is_not_made_again(desk: Desk) -> None:
    desk.renderer.previews = False
    desk.picture(1)
    desk.show(2)
    assert desk.renderer.event()[0] == 2
    desk.renderer.order("finish")


def test_the_latest_request_wins(desk: Desk) -> None:
    desk.show(1)
    assert desk.renderer.event()[0] == 1
    for seed in (2, 3, 4):
        desk.show(seed)
    assert desk.renderer.poll() == "dropped"
    assert desk.renderer.event()[0] == 4  # 2 and 3 are never begun


def test_a_full_picture_is_dropped_for_a_newer_request(desk: Desk) -> None:
    desk.show(1)
    desk.renderer.event()
    desk.renderer.order("finish")
    assert desk.shown().frame.preview
    assert desk.renderer.event() == (1, FULL)
    assert desk.renderer.poll() == "polled"
    desk.show(2)
    assert desk.renderer.poll() == "dropped"
    assert desk.renderer.event() == (2, FIRST_PREVIEW_PX)
    assert desk.worker.outbox.take() is None


def test_a_request_during_the_preview_drops_the_full_picture(desk: Desk) -> None:
    desk.picture(0)  # from here on it is known that this model has previews
    desk.show(1)
    assert desk.renderer.event()[0] == 1
    desk.show(2)
    assert desk.renderer.poll() == "polled"  # a preview is finished: else a drag would show nothing
    desk.renderer.order("finish")
    assert desk.shown().frame.scene == scene(1)
    assert desk.renderer.event() == (1, FULL)
    assert desk.renderer.poll() == "dropped"
    assert desk.renderer.event()[0] == 2


def test_a_drag_shows_every_preview_that_is_begun(desk: Desk) -> None:
    desk.picture(0)
    desk.show(1)
    for seed in range(1, 20):
        assert desk.renderer.event() == (seed, FIRST_PREVIEW_PX)
        desk.show(seed + 1)
        assert desk.renderer.poll() == "polled"
        desk.renderer.order("finish")
        assert desk.shown().frame.revision == seed
        assert desk.renderer.event() == (seed, FULL)
        assert desk.renderer.poll() == "dropped"


def test_a_drag_over_a_model_without_previews_shows_every_second_picture(desk: Desk) -> None:
    desk.renderer.previews = False
    desk.picture(0)
    desk.show(1)
    seen = []
    for seed in range(1, 11):
        assert desk.renderer.event()[0] == seed
        desk.show(seed + 1)
        if desk.renderer.poll() == "polled":
            desk.renderer.order("finish")
            seen.append(desk.shown().frame.revision)
    assert seen == [2, 4, 6, 8, 10]


def test_an_explosion_is_an_error_frame_and_the_worker_lives_on(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    errors = {RuntimeError("boom"): "RuntimeError: boom", KeyError("k"): "KeyError: 'k'", MemoryError(): NO_MEMORY}
    for seed, (error, words) in enumerate(errors.items()):
        desk.show(seed)
        desk.renderer.event()
        desk.renderer.order(error)
        shown = desk.shown()
        assert shown.rgba is None and shown.frame.pixels is None
        assert shown.frame.error == words
        assert (shown.frame.scene, shown.frame.revision) == (scene(seed), seed)
    assert [record.message for record in caplog.records] == ["rendering failed"] * 3
    desk.picture(9)


def test_an_error_that_the_renderer_gives_is_passed_on_once(desk: Desk) -> None:
    desk.renderer.error = "The model is gone."
    desk.show(1)
    desk.renderer.event()
    desk.renderer.order("finish")
    assert desk.shown().frame.error == "The model is gone."
    desk.renderer.error = None
    desk.picture(2)


def short(desk: Desk, seed: int) -> list[str | None]:
    """A picture that there is no memory for beyond its preview; what its frames say."""
    desk.show(seed)
    said = []
    for stop_at in (FIRST_PREVIEW_PX, FULL):
        assert desk.renderer.event() == (seed, stop_at)
        desk.renderer.short = stop_at == FULL
        desk.renderer.order("finish")
        shown = desk.shown()
        assert shown.rgba.shape == (2, 2, 4) and shown.frame.preview
        said.append(shown.frame.error)
    desk.renderer.short = False
    return said


def test_a_smaller_picture_for_want_of_memory_is_shown_and_not_gone_beyond(desk: Desk) -> None:
    assert short(desk, 1) == [None, TOO_LARGE]
    desk.show(2)
    assert desk.renderer.event() == (2, FIRST_PREVIEW_PX)  # nothing more was tried for the one before


def test_words_about_memory_stay_until_a_picture_comes_whole(desk: Desk) -> None:
    assert short(desk, 1) == [None, TOO_LARGE]
    assert short(desk, 2) == [TOO_LARGE, TOO_LARGE]
    desk.show(3)
    said = []
    for stop_at in (FIRST_PREVIEW_PX, FULL):
        assert desk.renderer.event() == (3, stop_at)
        desk.renderer.order("finish")
        said.append(desk.shown().frame.error)
    assert said == [TOO_LARGE, None]  # memory is back
    desk.show(4)
    desk.renderer.event()
    desk.renderer.order("finish")
    assert desk.shown().frame.error is None


def test_words_about_memory_do_not_go_over_to_another_model(desk: Desk) -> None:
    short(desk, 1)
    desk.show(2, model="other")
    desk.renderer.event()
    desk.renderer.order("finish")
    assert desk.shown().frame.error is None


def test_times_teach_where_to_stop_and_another_model_forgets_them(desk: Desk) -> None:
    desk.renderer.steps_ms = {4: 1.0, 8: 1.0, 16: 100.0}
    desk.picture(1)
    desk.show(2)
    assert desk.renderer.event() == (2, 8)
    desk.show(3, model="another")
    desk.renderer.order("finish")
    assert desk.renderer.event() == (2, 16)
    assert desk.renderer.poll() == "dropped"
    assert desk.renderer.event() == (3, FIRST_PREVIEW_PX)


# -- pictures that play ------------------------------------------------------------------------------------------------


def played(desk: Desk, seed: int, model: str = "m") -> int:
    """One of many pictures that play, and nothing more: where it stopped, in px."""
    desk.show(seed, model, playing=True)
    shown_seed, stop_at = desk.renderer.event()
    assert shown_seed == seed
    desk.renderer.order("finish")
    assert desk.shown().frame.scene == scene(seed, model)
    led, future = led_task(desk, "after it", [])
    assert led.event() == "begun"  # the worker has nothing live to do: it does not sharpen
    led.order("finish")
    result(future)
    return stop_at


def test_pictures_that_play_are_equally_sharp_whatever_their_times(desk: Desk) -> None:
    desk.renderer.steps_ms = {4: 1.0, 8: 1.0, FIRST_PREVIEW_PX: 1.0, FULL: 100.0}
    desk.picture(0)
    stops = []
    for seed, ms in enumerate([1.0, 1000.0, 1000.0, 0.0, 0.0, 0.0], start=1):
        desk.renderer.steps_ms = {FIRST_PREVIEW_PX: ms}
        stops.append(played(desk, seed))
    assert stops == [FIRST_PREVIEW_PX] * 6


def test_what_played_becomes_sharp_where_it_rests(desk: Desk) -> None:
    desk.renderer.steps_ms = {4: 1.0, 8: 1.0, FIRST_PREVIEW_PX: 1.0, FULL: 100.0}
    desk.picture(0)
    stop_at = played(desk, 1)
    desk.show(1)
    assert desk.renderer.event() == (1, stop_at)  # what is there already, and is gone on from
    desk.renderer.order("finish")
    assert desk.shown().frame.preview
    assert desk.renderer.event() == (1, FULL)
    desk.renderer.order("finish")
    assert not desk.shown().frame.preview
    desk.renderer.steps_ms = {FIRST_PREVIEW_PX: 1000.0}
    desk.picture(2)
    desk.show(3)
    assert desk.renderer.event() == (3, 8)  # by its times again


def test_a_model_that_plays_from_the_start_is_approached_first(desk: Desk) -> None:
    desk.renderer.resolution = 8 * FIRST_PREVIEW_PX
    stops = []
    for seed in range(6):
        px = FIRST_PREVIEW_PX << min(seed, 2)
        desk.renderer.steps_ms = {px: 25.0 if px == 4 * FIRST_PREVIEW_PX else 4.0}
        stops.append(played(desk, seed))
    assert stops[:3] == [FIRST_PREVIEW_PX, 2 * FIRST_PREVIEW_PX, 4 * FIRST_PREVIEW_PX]
    assert set(stops[3:]) == {2 * FIRST_PREVIEW_PX}  # the finest that its times allow


def tried(desk: Desk, seed: int, ms: float) -> tuple[int, int]:
    """A picture that plays, and a sharper one that is tried unseen and takes so long: where both stop."""
    desk.renderer.steps_ms = {}
    desk.show(seed, playing=True)
    stop_at = desk.renderer.event()[1]
    desk.renderer.order("finish")
    desk.shown()
    sharper = desk.renderer.event()[1]
    desk.renderer.steps_ms = {sharper: ms}
    desk.renderer.order("finish")
    led, future = led_task(desk, "after it", [])
    assert led.event() == "begun" and desk.woken.empty()
    led.order("finish")
    result(future)
    return stop_at, sharper


def test_what_plays_coarsely_because_of_one_busy_moment_becomes_sharper_by_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_S", (0.0, 0.0))
    desk.renderer.steps_ms = {FIRST_PREVIEW_PX: 1.0, FULL: 100.0}
    desk.picture(0)
    assert tried(desk, 1, ms=90.0) == (FIRST_PREVIEW_PX, FULL)  # still too slow
    assert tried(desk, 2, ms=5.0) == (FIRST_PREVIEW_PX, FULL)
    desk.renderer.steps_ms = {}
    assert played(desk, 3) >= FULL


def test_nothing_is_tried_that_would_be_felt_or_too_soon(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.renderer.steps_ms = {FIRST_PREVIEW_PX: 1.0, FULL: 100.0}
    desk.picture(0)
    assert played(desk, 1) == FIRST_PREVIEW_PX  # two seconds have not gone by
    monkeypatch.setattr(worker_module, "RETRY_S", (0.0, 0.0))
    desk.renderer.steps_ms = {FIRST_PREVIEW_PX: 1.0, FULL: 1000.0}
    desk.picture(2)
    assert [played(desk, seed) for seed in (3, 4)] == [FIRST_PREVIEW_PX] * 2


def test_another_model_plays_as_sharp_as_it_can(desk: Desk) -> None:
    desk.renderer.steps_ms = {4: 20.0, 8: 20.0, FULL: 100.0}
    desk.picture(0)
    assert [played(desk, seed) for seed in (1, 2)] == [4, 4]
    desk.renderer.steps_ms = {}
    assert played(desk, 3, model="another") == FIRST_PREVIEW_PX


# -- tasks -------------------------------------------------------------------------------------------------------------


def test_tasks_run_in_order_and_give_results_or_errors(desk: Desk) -> None:
    log: list[str] = []
    tasks = [led_task(desk, name, log) for name in "abc"]
    for (led, future), order in zip(tasks, ["finish", ValueError("no"), "finish"], strict=True):
        assert led.event() == "begun"
        led.order(order)
        if isinstance(order, Exception):
            assert future.exception(timeout=SAFETY_S) is order
        else:
            result(future)
    assert log == ["a", "b", "c"]
    assert result(tasks[0][1]) == "a" and result(tasks[2][1]) == "c"


def test_a_picture_comes_before_waiting_tasks(desk: Desk) -> None:
    log: list[str] = []
    desk.show(1)
    desk.renderer.event()
    led, future = led_task(desk, "a", log)
    desk.renderer.order("finish")
    assert desk.renderer.event() == (1, FULL)
    assert log == []
    desk.renderer.order("finish")
    assert led.event() == "begun"
    led.order("finish")
    assert result(future) == "a"


def test_a_picture_interrupts_a_task_which_starts_over(desk: Desk) -> None:
    log: list[str] = []
    first, future = led_task(desk, "a", log)
    second, other = led_task(desk, "b", log)
    for seed in range(3):
        assert first.event() == "begun"
        assert first.poll() == "polled"
        desk.show(seed)
        assert first.poll() == "dropped"
        assert desk.renderer.event()[0] == seed
        desk.renderer.order("finish")
        assert desk.renderer.event() == (seed, FULL)
        desk.renderer.order("finish")
        assert not future.done()
    assert first.event() == "begun"
    first.order("finish")
    assert second.event() == "begun"
    second.order("finish")
    assert (result(future), result(other)) == ("a", "b")
    assert log == ["a"] * 4 + ["b"]


def test_what_comes_last_gives_way_to_other_tasks_and_starts_over(desk: Desk) -> None:
    log: list[str] = []
    export, frame = led_task(desk, "export", log, last=True)
    assert export.event() == "begun" and export.poll() == "polled"
    thumbnail, small = led_task(desk, "thumbnail", log)
    assert export.poll() == "dropped" and thumbnail.event() == "begun"
    thumbnail.order("finish")
    assert result(small) == "thumbnail" and export.event() == "begun" and not frame.done()
    desk.show(1)
    assert export.poll() == "dropped" and desk.renderer.event()[0] == 1
    desk.renderer.order("finish")
    assert desk.renderer.event() == (1, FULL)
    desk.renderer.order("finish")
    assert export.event() == "begun"
    export.order("finish")
    assert result(frame) == "export" and log == ["export", "thumbnail", "export", "export"]


def test_a_task_that_does_not_poll_delays_the_picture_only(desk: Desk) -> None:
    led, future = led_task(desk, "a", [])
    assert led.event() == "begun"
    desk.show(1)
    led.order("finish")
    assert result(future) == "a"
    assert desk.renderer.event()[0] == 1


def test_a_task_that_cancels_itself_has_ended(desk: Desk) -> None:
    led, future = led_task(desk, "a", [])
    after, other = led_task(desk, "b", [])
    assert led.event() == "begun"
    led.order(Cancelled("by its own"))
    assert isinstance(future.exception(timeout=SAFETY_S), Cancelled)
    assert after.event() == "begun"
    after.order("finish")
    assert result(other) == "b"


def test_a_task_cancelled_while_it_waits_is_not_run(desk: Desk) -> None:
    log: list[str] = []
    first, _ = led_task(desk, "a", log)
    assert first.event() == "begun"
    _, cancelled = led_task(desk, "b", log)
    last, future = led_task(desk, "c", log)
    assert cancelled.cancel()
    first.order("finish")
    assert last.event() == "begun"
    last.order("finish")
    assert result(future) == "c" and log == ["a", "c"]


def test_the_queue_has_an_end(desk: Desk) -> None:
    led, _ = led_task(desk, "a", [])
    assert led.event() == "begun"
    waiting = [desk.worker.call(lambda poll: None) for _ in range(QUEUE_LENGTH - 1)]
    assert not any(future.cancelled() for future in waiting)
    assert desk.worker.call(lambda poll: None).cancelled()
    led.order("finish")
    assert [result(future) for future in waiting] == [None] * len(waiting)
    assert result(desk.worker.call(lambda poll: 5)) == 5


# -- the end -----------------------------------------------------------------------------------------------------------


def closed(desk: Desk, under_way: Led) -> None:
    desk.worker.close(0)
    under_way.order("poll")
    assert under_way.event() == "dropped"
    desk.worker.close(SAFETY_S)


def test_closing_ends_a_picture(desk: Desk) -> None:
    desk.show(1)
    desk.renderer.event()
    closed(desk, desk.renderer)
    assert desk.worker.outbox.take() is None


def test_closing_ends_a_preview_that_newer_requests_would_not(desk: Desk) -> None:
    desk.picture(0)
    desk.show(1)
    desk.renderer.event()
    desk.show(2)
    closed(desk, desk.renderer)


def test_closing_ends_the_task_under_way_and_those_that_wait(desk: Desk) -> None:
    log: list[str] = []
    led, future = led_task(desk, "a", log)
    _, waiting = led_task(desk, "b", log)
    assert led.event() == "begun"
    closed(desk, led)
    assert isinstance(future.exception(timeout=SAFETY_S), Cancelled)
    assert waiting.cancelled() and log == ["a"]
    assert desk.worker.call(lambda poll: None).cancelled()


def test_closing_ends_a_task_that_a_picture_had_interrupted(desk: Desk) -> None:
    led, future = led_task(desk, "a", [])
    assert led.event() == "begun"
    desk.show(1)
    assert led.poll() == "dropped"
    desk.renderer.event()
    closed(desk, desk.renderer)
    assert isinstance(future.exception(timeout=SAFETY_S), Cancelled)


def test_closing_an_idle_worker_twice(desk: Desk) -> None:
    desk.worker.close(SAFETY_S)
    desk.worker.close(SAFETY_S)


# -- where previews stop -----------------------------------------------------------------------------------------------


def policy(steps_ms: dict[int, float], budget_ms: float = 40) -> PreviewPolicy:
    found = PreviewPolicy(budget_ms)
    found.learn(steps_ms)
    return found


@pytest.mark.parametrize(
    ("steps_ms", "px"),
    [
        ({}, FIRST_PREVIEW_PX),
        ({4: 1, 8: 2, 16: 3}, 32),  # all fit: try one octave more
        ({4: 10, 8: 10, 16: 20}, 32),  # exactly the budget
        ({4: 10, 8: 10, 16: 21}, 8),
        ({4: 10, 8: 10, 16: 10, 32: 500, 64: 900}, 16),
        ({4: 100, 8: 1}, 4),  # nothing fits: the coarsest there is
        ({32: 5}, 64),  # coarser ones were remembered and took no time
    ],
)
def test_the_finest_block_within_the_budget(steps_ms: dict[int, float], px: int) -> None:
    assert policy(steps_ms).stop_at() == px


def test_new_times_count_half() -> None:
    learned = policy({4: 10, 8: 10})
    learned.learn({8: 70})  # (10 + 70) / 2 = 40, and 10 more are over the budget
    assert learned.stop_at() == 4
    learned.learn({8: 0})
    assert learned.stop_at() == 16
    learned.forget()
    assert learned.stop_at() == FIRST_PREVIEW_PX


@given(st.dictionaries(st.sampled_from([4, 8, 16, 32, 64]), st.floats(0, 100)), st.floats(0, 200))
def test_it_never_stops_later_than_it_can_pay_for(steps_ms: dict[int, float], budget: float) -> None:
    px = policy(steps_ms, budget).stop_at()
    if steps_ms and px in steps_ms and px != min(steps_ms):
        assert sum(ms for resolution, ms in steps_ms.items() if resolution <= px) <= budget * (1 + 1e-9)
    assert policy(steps_ms, budget + 50).stop_at() >= px or not steps_ms


# -- pixels for the presenter ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_pixels_become_rgba(channels: int) -> None:
    pixels = torch.randint(0, 256, (5, 3, channels), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    before = pixels.clone()
    rgba = to_rgba(pixels)
    assert rgba.shape == (5, 3, 4) and rgba.dtype == torch.uint8 and rgba.is_contiguous()
    picked: Callable[[int], torch.Tensor] = lambda i: pixels[:, :, i if channels > 2 else 0]  # noqa: E731
    for i in range(3):
        assert torch.equal(rgba[:, :, i], picked(i))
    place = {2: 1, 4: 3, 5: 3}.get(channels)
    alpha = torch.full((5, 3), 255, dtype=torch.uint8) if place is None else pixels[:, :, place]
    assert torch.equal(rgba[:, :, 3], alpha)
    assert torch.equal(pixels, before)
