"""Capturing: what somebody does live becomes a take, on the disk as it happens and in the timeline when it ends.

The take grows in memory too. Where the disk fails, that is said at once, the performance goes on, and the take can be
saved elsewhere afterwards. A take that a crash left behind is offered at the next start.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from stylegan_core.blending import between
from stylegan_core.edits.tracks import add_clip
from stylegan_core.errors import StyleScopeError
from stylegan_core.scene import Scene
from stylegan_core.take import TAKE_SUFFIX, TakeInfo, TakeWriter, close_take, left_open, read_take, write_take
from stylegan_core.walk import HELD_S, Sample, Take
from visualizer.files import free_place, stamped
from visualizer.session import is_running
from visualizer.tasks import Tasks
from visualizer.timeline import Timeline

log = logging.getLogger(__name__)

SYNC_S = 1.0  # how often what was written is brought to the disk, past the system's own memory
MOST_WAITING = 20_000  # samples: minutes of a disk that stands still
MOST_SAMPLES = 200_000  # in one take: nearly an hour of changes at every frame, some 200 MiB
LONGEST_S = 4 * 3600.0
CLOSE_S = 20.0  # how long closing the program waits for the disk


class TakeFile:
    """A take on its way to the disk, on a thread of its own. No method waits, but `wait`.

    Args:
        folder: where; it is made.
        name: of the take.
        scene: at time 0.
    """

    def __init__(self, folder: Path, name: str, scene: Scene):
        self.path: Path | None = None  # once it is there
        self.error: str | None = None  # one sentence; what comes after it is not written
        self._folder, self._name, self._first = folder, name, scene
        self._waiting: deque[Sample] = deque()
        self._end_s: float | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"take: {name}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the file has its end, or there is an error."""
        return not self._thread.is_alive()

    def add(self, sample: Sample) -> None:
        """Have one more sample written."""
        with self._changed:
            if self.error is None and len(self._waiting) >= MOST_WAITING:
                self.error = f"The take could not be written to {self._folder}: the disk does not answer."
            if self.error is None:
                self._waiting.append(sample)
            self._changed.notify()

    def end(self, end_s: float) -> None:
        """Have the end written, after all that waits."""
        with self._changed:
            self._end_s = end_s
            self._changed.notify()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until it is done: when the program ends and in tests."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            with ThreadPoolExecutor(1, "take-sync") as syncer:
                self._write(syncer)
        except Exception as error:  # the boundary of the thread: shown to the user, kept in the log
            log.warning("a take cannot be written", exc_info=error)
            reason = getattr(error, "strerror", None) or error
            with self._changed:
                self.error = f"The take could not be written to {self.path or self._folder}: {reason}."
                self._waiting.clear()

    def _write(self, syncer: ThreadPoolExecutor) -> None:
        """Write what waits until the end has come; meanwhile, on another thread, have the disk take it in."""
        syncing: Future[None] | None = None
        with self._begin() as writer:
            self.path, synced = writer.path, 0.0
            while (samples := self._next()) is not None:
                for sample in samples:
                    writer.add(sample.time_s, sample.scene)
                if time.monotonic() - synced >= SYNC_S and (syncing is None or syncing.done()):
                    if syncing is not None:
                        syncing.result()  # its error, if it had one
                    syncing, synced = syncer.submit(writer.sync), time.monotonic()
            if syncing is not None:
                syncing.result()
            if self.error is None:
                writer.close(self._end_s or 0.0)

    def _begin(self) -> TakeWriter:
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                return TakeWriter(free_place(self._folder, stamped("take"), TAKE_SUFFIX), self._first, self._name)
            except FileExistsError:
                log.info("another take was given this name meanwhile")

    def _next(self) -> list[Sample] | None:
        """What is to be written now, perhaps nothing for a while; None: no more will come."""
        with self._changed:
            over = self._changed.wait_for(lambda: self._waiting or self.error or self._end_s is not None, SYNC_S)
            samples = list(self._waiting)
            self._waiting.clear()
            return None if over and not samples else samples


class Capturing:
    """See the module. Belongs to the UI thread.

    While a take is recorded the timeline may play: what a hand does meanwhile goes into the take along with it.

    Args:
        folder: of the takes.
        tasks: reads and writes on the disk's thread.
        timeline: where takes come to lie.
        say: tells the person at the window.
    """

    def __init__(
        self,
        folder: Path,
        tasks: Tasks,
        timeline: Timeline,
        say: Callable[[str, Literal["info", "error"]], None],
    ):
        self.folder = folder
        self.seconds = 0.0  # of the take under way
        self.recording = False
        self.offers: tuple[TakeInfo, ...] = ()  # takes that a crash left behind, the newest first
        self.unsaved: tuple[Take, ...] = ()  # takes that the disk would not have
        self._tasks, self._timeline, self._say = tasks, timeline, say
        self._samples: list[Sample] = []
        self._file: TakeFile | None = None
        self._ending: list[tuple[TakeFile, Take]] = []
        self._name = ""
        self._drifted = False  # since the last sample, all the time
        self._told = False  # what is wrong with the file of the take under way
        self._began = self._start_s = 0.0

    @property
    def samples(self) -> int:
        """How many Scenes the take under way has."""
        return len(self._samples)

    # -- recording -----------------------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Begin a take, or end it."""
        if self.recording:
            self.end()
        else:
            self.begin()

    def begin(self) -> None:
        """Begin a take: time 0 is at the next `tick`. It will lie in the timeline from where the playhead is now."""
        if not self.recording:
            self.recording, self.seconds, self._told = True, 0.0, False
            self._start_s, self._timeline.overdubs = self._timeline.position_s, True
            self._name = time.strftime("Take %H:%M:%S")

    def tick(self, now: float, scene: Scene, drifting: bool = False) -> None:
        """Once a frame: keep the Scene, if it is another one.

        Args:
            now: in seconds, from any moment on.
            scene: whose picture is shown, with all that modulates it.
            drifting: it moves at a steady pace as soon as pictures come: where those take long, what lies between two
                Scenes belongs to the take too, which is else seen to stand and to jump.
        """
        self._collect()
        if not self.recording:
            return
        if self._file is None:
            self._began = now
            self._file = TakeFile(self.folder, self._name, scene)
            self._samples.append(Sample(time_s=0.0, scene=scene))
            self._drifted = drifting
        self.seconds = max(round(now - self._began, 6), self.seconds)
        self._drifted = self._drifted and drifting
        last = self._samples[-1]
        if scene is not last.scene and scene != last.scene:
            added = [*(in_between(last, scene, self.seconds) if self._drifted else ()), (self.seconds, scene)]
            for time_s, each in added:
                self._samples.append(Sample(time_s=time_s, scene=each))
                self._file.add(self._samples[-1])
            self._drifted = drifting
        if len(self._samples) >= MOST_SAMPLES or self.seconds >= LONGEST_S:
            after = self._start_s + self.seconds
            self.end()
            self.begin()
            self._start_s = after

    def end(self) -> None:
        """End the take: it comes into the timeline, and its file gets its end."""
        self.recording = self._timeline.overdubs = False
        if self._file is None:
            return
        last = self._samples[-1]
        if self.seconds > last.time_s:  # that it rested in the end counts
            self._samples.append(Sample(time_s=self.seconds, scene=last.scene))
        take = Take(name=self._name, samples=tuple(self._samples))
        self._file.end(self.seconds)
        self._ending.append((self._file, take))
        self._samples, self._file = [], None
        self.place(take, self._start_s)

    def place(self, take: Take, start_s: float | None = None) -> None:
        """Lay a take into the timeline, at a time or where the playhead is."""
        start_s = self._timeline.position_s if start_s is None else start_s
        self._timeline.store.do("Add take", add_clip, take, start_s)
        self._say(f"{take.name or 'The take'} is in the timeline, {take.duration_s:.1f} s. F8 shows it.", "info")

    def close(self) -> None:
        """The program ends: end the take under way, and wait for the disk."""
        self.end()
        for file, _ in self._ending:
            file.wait(CLOSE_S)
        self._collect()

    # -- files ---------------------------------------------------------------------------------------------------------

    def save(self, take: Take, folder: Path) -> None:
        """Write a take to a file of its own, in a folder of one's own."""

        def write() -> Path:
            path = free_place(folder, stamped("take"), TAKE_SUFFIX)
            write_take(path, take)
            return path

        def saved(path: Path) -> None:
            self.unsaved = tuple(other for other in self.unsaved if other is not take)
            self._say(f"Take saved to {path}.", "info")

        self._tasks.on_disk(write, saved)

    def let_go(self) -> None:
        """Leave the first take that the disk would not have where it is: in the timeline alone."""
        self.unsaved = self.unsaved[1:]

    def look_for_left(self) -> None:
        """Look for takes that a crash left behind, and offer them."""

        def found(left: tuple[TakeInfo, ...]) -> None:
            self.offers = left

        self._tasks.on_disk(lambda: left_behind(self.folder), found)

    def answer(self, restore: bool) -> None:
        """Answer the first offer. The file gets its end either way, and stays where it is."""
        info, *others = self.offers
        self.offers = tuple(others)
        if restore:
            self._tasks.on_disk(lambda: read_take(info.path), self.place)
        self._tasks.on_disk(lambda: close_take(info), lambda _: None)

    def _collect(self) -> None:
        """Say what the disk would not have, as soon as that shows; keep that take."""
        if self._file is not None and self._file.error is not None and not self._told:
            self._told = True
            self._say(f"{self._file.error} It is kept in memory; save it elsewhere when it is over.", "error")
        for file, take in [item for item in self._ending if item[0].done or item[0].error is not None]:
            self._ending.remove((file, take))
            if file.error is not None:
                self._say(file.error, "error")
                self.unsaved = (*self.unsaved, take)


def in_between(last: Sample, scene: Scene, time_s: float) -> list[tuple[float, Scene]]:
    """Scenes on the way from a sample to the Scene at a time, so close together that none is taken for a rest."""
    count, whole = int((time_s - last.time_s) / HELD_S) + 1, time_s - last.time_s
    return [(last.time_s + whole * k / count, between(last.scene, scene, k / count)) for k in range(1, count)]


def left_behind(folder: Path) -> tuple[TakeInfo, ...]:
    """Takes without an end whose process is gone, the newest first. What is no take is left alone."""
    found = []
    for path in sorted(folder.glob(f"*{TAKE_SUFFIX}"), reverse=True):
        try:
            info = left_open(path)
        except StyleScopeError as error:
            log.info("%s", error)
            continue
        if info is not None and not is_running(info.process):
            found.append(info)
    return tuple(found)
