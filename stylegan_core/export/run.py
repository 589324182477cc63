"""An export under way: Scenes become pictures, pictures become frames, and frames go into a file.

One thread asks for pictures, another one turns them into frames and encodes them, so that the next picture is made
while the last one is written. Few frames wait between them, whatever the length of the walk.
"""

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from stylegan_core.develop import develop
from stylegan_core.errors import Cancelled, StyleScopeError
from stylegan_core.export.folder import Folder
from stylegan_core.export.formats import require_encoder, require_name
from stylegan_core.export.framing import Blend, framed, target_shape
from stylegan_core.export.movie import Movie
from stylegan_core.export.output import Order, Output
from stylegan_core.export.settings import ExportError, ExportSettings
from stylegan_core.ops import Poll, no_poll
from stylegan_core.picture import PictureFileError
from stylegan_core.render import Renderer
from stylegan_core.scene import Scene, only_picture
from stylegan_core.walk import Walk, frame_times, scene_at

log = logging.getLogger(__name__)

State = Literal["running", "paused", "finishing", "done", "cancelled", "failed"]
Render = Callable[[Scene], "Future[np.ndarray] | np.ndarray"]

IN_FLIGHT = 2  # pictures that have been asked for
WAITING = 4  # pictures that wait for the encoder
LETTING_GO_S = 1.0  # how long the thread takes to end after its work, at most
LOOK_S = 0.1  # how often it is seen whether an export should stop, while a picture is waited for
AVERAGED = 32  # frames whose times say how long the rest will take
FINISHING_SHARE = 0.05  # of the progress
_busy: set[Path] = set()  # targets of exports under way in this process
_busy_lock = threading.Lock()


def rendered(renderer: Renderer, scene: Scene, bits: int = 8, poll: Poll = no_poll) -> np.ndarray:
    """The picture of a Scene as exports take it: uint8 or, with 16 bits, uint16 [H, W, C] in main memory.

    Raises:
        StyleScopeError: what the picture's Frame says.
        Cancelled: from `poll`.
    """
    if bits == 8:
        return renderer.pixels(scene, poll)
    return develop(renderer.image(scene, poll), scene.view, bits).cpu().numpy()


def shutter_times(time_s: float, settings: ExportSettings) -> tuple[float, ...]:
    """When the pictures are whose mean is the frame at `time_s`: evenly over the open shutter, about that time."""
    count = settings.motion_blur
    if count == 1:
        return (time_s,)
    return tuple(time_s + ((k + 0.5) / count - 0.5) * settings.shutter / settings.fps for k in range(count))


class Export:
    """A walk on its way into a file. What is there already of the same export is gone on with.

    All attributes may be read from any thread.

    Args:
        walk: what is shown.
        settings: how.
        path: the file, or the folder of a PNG sequence; folders are made.
        render: makes the picture of a Scene, [H, W, C] with 1 to 4 channels, uint8, or uint16 where
            `settings.bits` is 16; or gives a Future of it. Called on a thread of the export's own, where it may take
            its time: see `rendered`. No more than `IN_FLIGHT` Futures are waited for at a time.
        overwrite: something else at `path` may be replaced.

    Raises:
        ExportError: there is nothing to export, `path` does not suit the format, or what is needed to write it is
            missing.
    """

    def __init__(self, walk: Walk, settings: ExportSettings, path: Path, render: Render, overwrite: bool = False):
        require_encoder(settings)
        require_name(path, settings)
        if walk.empty:
            raise ExportError("There is nothing to export: the walk is empty; add a key, or record a take.")
        self.walk, self.settings, self.path = walk, settings, path
        self.times_s = _times(walk, settings)
        self.state: State = "running"
        self.error: str | None = None  # one sentence
        self.frames_done = 0  # that are written, those of earlier runs included
        self._order = Order(walk, settings, path, self.times_s, overwrite)
        self._output: Output = Folder(self._order) if settings.is_folder else Movie(self._order)
        self._render = render
        self._going, self._stopping, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"export: {self.path.name}", daemon=True)
        self._going.set()
        self._broken = False  # a frame could not be written: none may follow it
        self._finished_share = 0.0
        self._marks: deque[tuple[float, int]] = deque(maxlen=AVERAGED)  # when how many frames were done

    def start(self) -> "Export":
        """Begin, on threads of its own. Never waits."""
        self._thread.start()
        return self

    @property
    def num_frames(self) -> int:
        """How many frames it will have."""
        return len(self.times_s)

    @property
    def progress(self) -> float:
        """How much is done, 0 to 1."""
        made = self.frames_done / self.num_frames
        return 1.0 if self.state == "done" else made * (1 - FINISHING_SHARE) + self._finished_share * FINISHING_SHARE

    @property
    def seconds_left(self) -> float | None:
        """How long the rest of the frames will take, from those last written; None: not known yet, or paused."""
        marks = tuple(self._marks)
        if self.state != "running" or len(marks) < 2 or marks[-1][1] <= marks[0][1]:
            return None
        (then, before), (now, done) = marks[0], marks[-1]
        return (self.num_frames - done) * (now - then) / (done - before)

    @property
    def ended(self) -> bool:
        """Whether it is done, cancelled or failed, and its threads have let go of the file."""
        return self._ended.is_set()

    def pause(self) -> None:
        """Ask for no more pictures; those under way are written."""
        if self.state == "running":
            self._going.clear()
            self.state = "paused"

    def resume(self) -> None:
        """Go on after `pause`."""
        if self.state == "paused":
            self._marks.clear()
            self.state = "running"
            self._going.set()

    def cancel(self) -> None:
        """Stop soon. What is written stays: it plays, and the same export goes on with it. Never waits."""
        self._stopping.set()
        self._going.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end, that of its thread included; whether it is there."""
        # Not by `join` alone: a signal that interrupts it makes Python 3.11 take a running thread for ended.
        if self._ended.wait(timeout_s):
            self._thread.join(LETTING_GO_S)  # a program that ends while a thread still lets go of pictures is aborted
        return self.ended

    def _run(self) -> None:
        try:
            with _alone(self.path):
                self._work()
            self.state = "done"
        except (Cancelled, CancelledError):
            self.state = "cancelled"
        except Exception as error:  # the boundary of the thread: shown to the user, kept in the log
            if not isinstance(error, StyleScopeError):
                log.warning("export to %s failed", self.path, exc_info=error)
            self.error = self._sentence(error)
            self.state = "failed"
        finally:
            self._ended.set()

    def _work(self) -> None:
        output = self._output
        try:
            missing = output.begin()
            self.frames_done = output.written
            self._mark()
            self._make(missing)
            self._go_on()
            self.state = "finishing"
            output.finish(self._tell)
            self.frames_done = output.written
        finally:
            output.close()
            self.frames_done = output.written

    def _make(self, missing: Sequence[int]) -> None:
        """Make the missing frames; the encoder's thread is never more than a few pictures behind."""
        writes: deque[Future[None]] = deque()
        with ThreadPoolExecutor(1, thread_name_prefix=f"encoder: {self.path.name}") as encoder:
            blend = Blend()
            for asked in self._pictures(missing):
                writes.append(encoder.submit(self._write, blend, asked))
                while len(writes) > WAITING or (writes and writes[0].done()):
                    writes.popleft().result()
            for write in writes:
                write.result()

    def _pictures(self, missing: Sequence[int]) -> "Iterator[_Asked]":
        """The pictures of the missing frames, in order, each when it is there."""
        flight: deque[_Asked] = deque()
        for index in missing:
            times_s = shutter_times(self.times_s[index], self.settings)
            for time_s in times_s:
                if not self._going.is_set():  # what is under way is written before the pause
                    while flight:
                        yield self._arrived(flight.popleft())
                self._go_on()
                scene = self._scene(time_s)
                flight.append(_Asked(index, scene, time_s == times_s[-1], self._render(scene)))
                while len(flight) >= IN_FLIGHT or (flight and flight[0].is_there):
                    yield self._arrived(flight.popleft())
        while flight:
            yield self._arrived(flight.popleft())

    def _arrived(self, asked: "_Asked") -> "_Asked":
        """Wait for a picture."""
        while isinstance(asked.made, Future) and not asked.made.done():
            if self._stopping.is_set():
                raise Cancelled
            wait_for([asked.made], timeout=LOOK_S)
        return asked

    def _write(self, blend: Blend, asked: "_Asked") -> None:
        """On the encoder's thread: a picture into its frame, and the frame into the file."""
        if self._broken:
            return
        try:
            blend.add(asked.pixels)
            if not asked.ends_frame:
                return
            pixels, output = blend.take(), self._output
            if output.shape is None:
                output.start(target_shape(pixels.shape, self.settings))
            assert output.shape is not None
            frame = framed(pixels, output.shape, self.settings)
            blurred = self.settings.motion_blur > 1
            output.write(asked.index, frame, self._scene(self.times_s[asked.index]) if blurred else asked.scene)
        except BaseException:
            self._broken = True
            raise
        self.frames_done = output.written
        self._mark()

    def _scene(self, time_s: float) -> Scene:
        return only_picture(scene_at(self.walk, time_s))

    def _mark(self) -> None:
        self._marks.append((time.monotonic(), self.frames_done))

    def _go_on(self) -> None:
        """Wait while it is paused; raise if it is to stop."""
        self._going.wait()
        if self._stopping.is_set():
            raise Cancelled

    def _tell(self, share: float) -> None:
        self._finished_share, self.frames_done = share, self._output.written
        if self._stopping.is_set():
            raise Cancelled

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, ExportError):
            return str(error)
        where = f"The export to {self.path} stopped at frame {self.frames_done} of {self.num_frames}"
        number = getattr(error.__cause__ if isinstance(error, PictureFileError) else error, "errno", None)
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            return f"{where}, because the disk is full; make room and export again, which goes on from there."
        if number in (errno.EACCES, errno.EPERM, errno.EROFS):
            return f"{where}, because the folder may not be written to; choose another one."
        if isinstance(error, StyleScopeError):
            return f"{where}: {error}"
        return f"{where} ({reason}); what is written stays, and exporting again goes on from there."


@dataclass(frozen=True, eq=False)
class _Asked:
    """A picture that was asked for."""

    index: int  # of the frame that it belongs to
    scene: Scene
    ends_frame: bool
    made: "Future[np.ndarray] | np.ndarray"

    @property
    def is_there(self) -> bool:
        return not isinstance(self.made, Future) or self.made.done()

    @property
    def pixels(self) -> np.ndarray:
        return self.made.result() if isinstance(self.made, Future) else self.made


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else in this process exports to the same place meanwhile."""
    place = path.absolute()
    with _busy_lock:
        if place in _busy:
            raise ExportError(f"{path} is being exported already; wait for that, or choose another name.")
        _busy.add(place)
    try:
        yield
    finally:
        with _busy_lock:
            _busy.discard(place)


def _times(walk: Walk, settings: ExportSettings) -> tuple[float, ...]:
    """When the frames are; those of a sheet lie evenly over the walk, its end included where it does not loop."""
    if settings.format != "sheet":
        return frame_times(walk, settings.fps)
    (first, last), count = walk.span, settings.pictures
    steps = count if walk.loop else max(count - 1, 1)
    return tuple(first + (last - first) * k / steps for k in range(count))
