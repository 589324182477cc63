"""The worker thread: all torch work of the window happens here.

The live view comes in through a latest-wins mailbox and leaves the same way. Other work (an export, a thumbnail, a
change of device) waits in a bounded queue and runs between live pictures.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from stylegan_core.config import has_alpha
from stylegan_core.errors import Cancelled
from stylegan_core.memory import is_out_of_memory
from stylegan_core.ops import Poll
from stylegan_core.render import NO_MEMORY, Frame
from stylegan_core.scene import Scene
from visualizer.mailbox import Mailbox

log = logging.getLogger(__name__)
R = TypeVar("R")

QUEUE_LENGTH = 256
PREVIEW_BUDGET_MS = 30.0  # what a preview may cost; a full picture that costs less needs none
FIRST_PREVIEW_PX = 16  # before anything was measured
RETRY_S = (2.0, 60.0)  # while something plays: when sharper pictures are tried again, and when at the latest
FAR = 8.0  # budgets


class SceneRenderer(Protocol):
    """What the worker needs of `stylegan_core.render.Renderer`; tests put a fake in its place."""

    def render(self, scene: Scene, revision: int, stop_at: int | None, poll: Poll) -> Frame:
        """See `Renderer.render`."""


@dataclass(frozen=True)
class Request:
    """A Scene to show, and its revision in the store."""

    scene: Scene
    revision: int
    playing: bool = False  # whether the next Scene will come by itself


@dataclass(frozen=True, eq=False)
class Shown:
    """A Frame with its pixels as the presenter takes them."""

    frame: Frame
    rgba: Tensor | None  # uint8 [H, W, 4], contiguous, on the model's device

    @property
    def has_alpha(self) -> bool:
        """Whether something may be seen through it."""
        return self.frame.pixels is not None and has_alpha(self.frame.pixels.shape[2])


def to_rgba(pixels: Tensor) -> Tensor:
    """[H, W, C] uint8 to [H, W, 4]: grey is spread, opaque alpha is added, channels past the fourth dropped."""
    h, w, c = pixels.shape
    if c >= 4:
        return pixels[:, :, :4].contiguous()
    rgba = torch.full((h, w, 4), 255, dtype=torch.uint8, device=pixels.device)
    rgba[:, :, :3] = pixels if c == 3 else pixels[:, :, :1]
    if c == 2:
        rgba[:, :, 3] = pixels[:, :, 1]
    return rgba


class PreviewPolicy:
    """Which coarser block's picture to show first: the finest one that fits the budget, from measured times."""

    def __init__(self, budget_ms: float = PREVIEW_BUDGET_MS):
        self.budget_ms = budget_ms
        self._steps_ms: dict[int, float] = {}

    def learn(self, steps_ms: dict[int, float]) -> None:
        """Take in how long blocks took, by resolution; the newest counts half."""
        for resolution, ms in steps_ms.items():
            self._steps_ms[resolution] = (self._steps_ms.get(resolution, ms) + ms) / 2

    def relearn(self, steps_ms: dict[int, float]) -> None:
        """Take in how long blocks took in place of what was known of them."""
        self._steps_ms |= steps_ms

    def is_far_from(self, px: int) -> bool:
        """Whether pictures of a resolution are known to take so long that even to try one would be felt."""
        return sum(ms for resolution, ms in self._steps_ms.items() if resolution <= px) > FAR * self.budget_ms

    def forget(self) -> None:
        """Another model, device or precision: times mean nothing any more."""
        self._steps_ms.clear()

    def knows_beyond(self, px: int) -> bool:
        """Whether anything finer has been measured, so that `stop_at` will not go on approaching."""
        return any(resolution > px for resolution in self._steps_ms)

    def stop_at(self) -> int:
        """Resolution in px to stop at. Blocks not measured yet are approached one octave at a time."""
        if not self._steps_ms:
            return FIRST_PREVIEW_PX
        total, best = 0.0, min(self._steps_ms)
        for resolution, ms in sorted(self._steps_ms.items()):
            total += ms
            if total > self.budget_ms:
                return best
            best = resolution
        return best * 2


class Worker:
    """Renders the newest request; where the full picture takes long, previews first that sharpen octave by octave.

    `show` and `close` belong to the UI thread; `outbox` is where it finds the newest `Shown`. `call` is for any thread.
    """

    def __init__(self, renderer: SceneRenderer, wake: Callable[[], None] = lambda: None):
        self.outbox: Mailbox[Shown] = Mailbox()
        self.policy = PreviewPolicy()
        self._renderer = renderer
        self.wake = wake  # called from the worker's thread when something is in the outbox
        self._inbox: Mailbox[Request] = Mailbox()
        self._tasks: deque[tuple[Callable[[Poll], Any], Future[Any]]] = deque()
        self._last: deque[tuple[Callable[[Poll], Any], Future[Any]]] = deque()  # that all others go before
        self._work = threading.Event()
        self._closing = False
        self._model = ""
        self._shortage: str | None = None  # what the last picture said that there was not memory enough for
        self._played_at: int | None = None  # where the pictures stop that are playing, in px
        self._retry_at = 0.0  # when a sharper picture is tried while something plays,
        self._retry_s = RETRY_S[0]  # and how long after the one before
        self._finish_next = False  # whether the next first pass is finished though a newer request waits
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def show(self, scene: Scene, revision: int, playing: bool = False) -> None:
        """Ask for a picture. One that is under way for an older Scene is dropped.

        Args:
            scene: what to show.
            revision: of the Scene in the store.
            playing: the Scene moves by itself: until it rests, all pictures are equally sharp.
        """
        self._inbox.put(Request(scene, revision, playing))
        self._work.set()

    def call(self, function: Callable[[Poll], R], last: bool = False) -> "Future[R]":
        """Run something on the worker between live pictures, in the order of the calls.

        Args:
            function: given a poll, which it passes on to what takes long. Where a live picture is asked for
                meanwhile, the poll raises, the picture is made, and the function starts over.
            last: it gives way to other calls as it does to live pictures.

        Returns:
            Its result or error. Cancelled where too much is waiting already, and by `close`.
        """
        future: Future[R] = Future()
        tasks = self._last if last else self._tasks
        if self._closing or len(tasks) >= QUEUE_LENGTH:
            future.cancel()
            return future
        tasks.append((function, future))
        self._work.set()
        if self._closing:  # since it was asked above: nobody may look at what waits any more
            future.cancel()
        return future

    def close(self, timeout_s: float = 10.0) -> None:
        """Drop what is under way and end the thread."""
        self._closing = True
        self._work.set()
        self._thread.join(timeout_s)

    def _poll(self) -> None:
        if self._inbox.full or self._closing:
            raise Cancelled

    def _poll_last(self) -> None:
        if self._tasks:
            raise Cancelled
        self._poll()

    def _poll_closing(self) -> None:
        if self._closing:
            raise Cancelled

    def _run(self) -> None:
        while not self._closing:
            self._work.wait()
            self._work.clear()
            while not self._closing and (self._one_picture() or self._one_task()):
                pass
        while tasks := self._tasks or self._last:
            _, future = tasks.popleft()
            if not future.cancel():  # it had begun
                future.set_exception(Cancelled("The program was closed."))

    def _one_task(self) -> bool:
        """Run the task at the front, unless a picture is waiting; whether there was one."""
        tasks = self._tasks or self._last
        if not tasks or self._inbox.full:
            return False
        poll = self._poll_last if tasks is self._last else self._poll
        function, future = tasks[0]
        if future.running() or future.set_running_or_notify_cancel():
            try:
                future.set_result(function(poll))
            except Cancelled as error:
                if self._inbox.full or self._closing:
                    return False  # it stays at the front
                if poll == self._poll_last and self._tasks:
                    return True  # so it does
                future.set_exception(error)  # it has ended by itself
            except Exception as error:  # noqa: BLE001 - the boundary of the thread: the caller finds it in the Future
                future.set_exception(error)
        tasks.popleft()
        return True

    def _one_picture(self) -> bool:
        request = self._inbox.take()
        if request is None:
            return False
        if request.scene.model.digest != self._model:
            self._model = request.scene.model.digest
            self.policy.forget()
            self._shortage = self._played_at = None
        try:
            stop_at = self.policy.stop_at() if self._played_at is None else self._played_at
            frame = self._first_pass(request, stop_at)
            known = not frame.preview or self.policy.knows_beyond(max(stop_at, frame.resolution))
            self._played_at = stop_at if request.playing and known else None
            if self._played_at is None or not frame.preview:
                self._retry_s, self._retry_at = RETRY_S[0], time.monotonic() + RETRY_S[0]
            elif time.monotonic() >= self._retry_at:
                self._try_sharper(request, 2 * max(stop_at, frame.resolution))
            while frame.preview and frame.error is None and not request.playing:
                stop_at = (
                    max(stop_at, frame.resolution) * 2
                )  # sharper by an octave; what has been computed is gone on from
                frame = self._render(request, stop_at, self._poll)
        except Cancelled:
            pass
        except Exception as error:  # the boundary of the thread: a picture may fail, the window goes on
            log.exception("rendering failed")
            words = NO_MEMORY if is_out_of_memory(error) else f"{type(error).__name__}: {error}"
            self._send(Frame(request.scene, revision=request.revision, error=words))
        return True

    def _try_sharper(self, request: Request, px: int) -> None:
        """Measure anew, unseen, what an octave more would cost: the times before may be of a busy moment."""
        if not self.policy.is_far_from(px):
            frame = self._renderer.render(request.scene, request.revision, px, self._poll_closing)
            self.policy.relearn(dict(frame.steps_ms))
        better = self.policy.stop_at() >= px
        self._played_at = None if better else self._played_at
        self._retry_s = RETRY_S[0] if better else min(2 * self._retry_s, RETRY_S[1])
        self._retry_at = time.monotonic() + self._retry_s

    def _first_pass(self, request: Request, stop_at: int) -> Frame:
        """The preview, or the full picture of a model that has none.

        A drag asks for a picture at every frame of the window. If each dropped the one before, none would ever be
        seen; so a preview is always finished, and of full pictures no two in a row are dropped.
        """
        finish, self._finish_next = self._finish_next, True
        frame = self._render(request, stop_at, self._poll_closing if finish else self._poll)
        self._finish_next = frame.preview
        return frame

    def _render(self, request: Request, stop_at: int | None, poll: Poll) -> Frame:
        frame = self._renderer.render(request.scene, request.revision, stop_at, poll)
        self.policy.learn(dict(frame.steps_ms))
        self._send(self._with_shortage(frame))
        return frame

    def _with_shortage(self, frame: Frame) -> Frame:
        """A preview keeps saying that memory is short until a picture has come whole: during a drag the words stay."""
        if frame.error is None and frame.preview:
            return frame if self._shortage is None else replace(frame, error=self._shortage)
        self._shortage = None if frame.pixels is None else frame.error
        return frame

    def _send(self, frame: Frame) -> None:
        rgba = None if frame.pixels is None else to_rgba(frame.pixels)
        if rgba is not None and rgba.is_cuda:
            torch.cuda.synchronize(rgba.device)  # the presenter copies on a stream of its own
        self.outbox.put(Shown(frame, rgba))
        self.wake()
