"""Exporting: walks on their way into files while the window is used.

One at a time, the others wait for their turn. The models of a walk are read beside the worker, which then makes its
pictures when it has nothing else to do. An export that has not ended when the program does is offered by the next run,
and goes on where it was.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from stylegan_core import edits
from stylegan_core.export.run import Export, rendered
from stylegan_core.export.settings import ExportSettings
from stylegan_core.model import Model
from stylegan_core.ops import Poll
from stylegan_core.render import Renderer
from stylegan_core.scene import ModelRef, Scene
from stylegan_core.walk import Walk
from visualizer.jobs import Job
from visualizer.library import absolute, walk_models, with_models
from visualizer.live import LiveView
from visualizer.tasks import Tasks
from visualizer.unfinished import ExportOrder, Unfinished

STEPS_BYTES = 256 << 20  # remembered of pictures under way: what is interrupted goes on from there
CLOSING_S = 10.0  # how long closing waits for files to be left so that they play
RETRY_S = 0.05
NO_MODEL = ModelRef()

State = Literal["stopped", "waiting", "reading", "running", "paused", "finishing", "done", "failed"]
WRITING = frozenset({"running", "paused", "finishing"})
GOING = frozenset({"reading", "running", "finishing"})
Read = Callable[[ModelRef, Callable[[float], None], Callable[[], bool]], Model]


def all_of(walk: Walk) -> Walk:
    """A walk without its in and out points."""
    return walk.model_copy(update={"first_s": 0.0, "last_s": None})


def num_frames(walk: Walk, settings: ExportSettings) -> int:
    """How many frames an export will have."""
    first, last = walk.span
    return settings.pictures if settings.format == "sheet" else max(round((last - first) * settings.fps), 1)


def walk_picture(renderer: Renderer, scene: Scene, bits: int, poll: Poll) -> np.ndarray:
    """A picture of a walk, which somebody may have written who did not know the model; see `rendered`."""
    card = renderer.models.get(scene.model).card
    return rendered(renderer, edits.fit(scene, card, scene.model), bits, poll)


class WalkExport:
    """One walk on its way into a file. Belongs to the UI thread."""

    def __init__(self, order: ExportOrder):
        self.order = order
        self.models = walk_models(order.walk)
        self.export: Export | None = None  # once it was begun in this run
        self.size_bytes: int | None = None  # of the finished file
        self._stage: Literal["stopped", "waiting", "reading", "begun"] = "stopped"
        self._job: Job[Export] | None = None  # reading its models
        self._obstacle: str | None = None
        self._told = False  # whether somebody was told how it ended

    @property
    def path(self) -> Path:
        """Where it goes."""
        return self.order.path

    @property
    def state(self) -> State:
        """What becomes of it. "stopped" is what was cancelled or left by another run: it can be gone on with."""
        if self._obstacle is not None:
            return "failed"
        if self._stage == "begun" and self.export is not None:
            return "stopped" if self.export.state == "cancelled" else self.export.state
        return "stopped" if self._stage == "begun" else self._stage

    @property
    def error(self) -> str | None:
        """Why it failed, in a sentence."""
        return self._obstacle or (self.export.error if self.export is not None else None)

    @property
    def progress(self) -> float:
        """How much is done, 0 to 1."""
        return self.export.progress if self.export is not None else 0.0

    @property
    def frames(self) -> tuple[int, int] | None:
        """How many frames are written, and how many there will be; None: not known."""
        return (self.export.frames_done, self.export.num_frames) if self.export is not None else None

    @property
    def seconds_left(self) -> float | None:
        """How long it will take; None: not known."""
        return self.export.seconds_left if self.export is not None else None

    # -- for Exporting -------------------------------------------------------------------------------------------------

    def await_turn(self) -> None:
        """It will begin when those before it have ended."""
        self.export, self._stage, self._obstacle, self._told = None, "waiting", None, False

    def prepare(self, read: Read, make: Callable[[ExportOrder], Export]) -> None:
        """Have the models of the walk read, and all else that takes time before the first frame."""

        def prepared(job: Job[Export]) -> Export:
            for ref in self.models:
                read(ref, job.report, lambda: job.cancelled)
            return make(self.order)

        self._stage, self._job = "reading", Job(f"Opening the models of {self.path.name}", prepared)

    def follow(self) -> bool:
        """Once a frame: begin as soon as the models are there. Whether it has just ended."""
        if self._stage == "reading" and self._job is not None and self._job.done:
            self._stage, self._obstacle, self.export = "begun", self._job.error, self._job.result
            if self.export is not None:
                self.export.start()
        ended = self._obstacle is not None or (self._stage == "begun" and self.export is not None and self.export.ended)
        before, self._told = self._told, ended
        return ended and not before

    def stop(self) -> None:
        """Leave it as it is. Never waits."""
        if self._stage in ("waiting", "reading"):
            self._stage = "stopped"
            if self._job is not None:
                self._job.cancel()
        elif self._stage == "begun" and self.export is not None:
            self.export.cancel()


class Exporting:
    """Belongs to the UI thread.

    Args:
        live: whose worker makes the pictures.
        tasks: for what concerns the disk.
        read: brings a model into memory; may wait.
        say: tells the person at the window what has become of an export.
        folder: where orders are kept until they are done.
    """

    def __init__(
        self,
        live: LiveView,
        tasks: Tasks,
        read: Read,
        say: Callable[[str, Literal["info", "error"]], None],
        folder: Path,
    ):
        self._worker, self._tasks, self._read, self._say = live.worker, tasks, read, say
        self._live = live.renderer
        self._renderer = Renderer(live.renderer.models, cache_bytes=STEPS_BYTES, graphs=live.renderer.graphs)
        self._unfinished = Unfinished(folder)
        self._closing = False
        self.exports: tuple[WalkExport, ...] = ()  # all that this run knows of, the newest last
        self.offered: tuple[WalkExport, ...] = ()  # left by another run; nobody has answered yet

    @property
    def running(self) -> tuple[WalkExport, ...]:
        """Those under way or waiting for their turn."""
        return tuple(export for export in self.exports if export.state in (*GOING, "waiting", "paused"))

    @property
    def finished(self) -> tuple[WalkExport, ...]:
        """Those whose files are whole."""
        return tuple(export for export in self.exports if export.state == "done")

    @property
    def models(self) -> tuple[ModelRef, ...]:
        """What has to stay in memory."""
        held = [export for export in self.running if export.state != "waiting"]
        return tuple(dict.fromkeys(ref for export in held for ref in export.models))

    @property
    def progress(self) -> float | None:
        """Of the one under way, else of one that is paused, 0 to 1; None: there is none."""
        states = ((export.state in GOING, export) for export in self.running if export.state != "waiting")
        return next((export.progress for _, export in sorted(states, key=lambda item: not item[0])), None)

    def begin(self) -> None:
        """Look for what another run has left; it is offered."""

        def found(orders: tuple[ExportOrder, ...]) -> None:
            self.offered = tuple(map(WalkExport, orders))
            self.exports = (*self.offered, *self.exports)

        self._tasks.on_disk(self._unfinished.read, found)

    def answer(self, go_on: bool) -> None:
        """Answer the offer. What is not gone on with now stays in the list."""
        offered, self.offered = self.offered, ()
        for export in offered if go_on else ():
            self.go_on(export)

    def start(
        self, walk: Walk, settings: ExportSettings, path: Path, overwrite: bool = False, shown: ModelRef = NO_MODEL
    ) -> bool:
        """Export a walk as soon as those before it have ended.

        Args:
            walk: what is shown.
            settings: how.
            path: the file, or the folder of a PNG sequence.
            overwrite: something else at `path` may be replaced.
            shown: the model that Scenes go with that name none.

        Returns:
            Whether it is under way. If not, the person at the window was told why.
        """
        path = absolute(path)
        if any(export.path == path for export in self.running):
            self._say(f"{path} is being exported already.", "error")
            return False
        walk = with_models(walk, {NO_MODEL: shown})
        export = WalkExport(ExportOrder(walk, settings, path, self._live.half, overwrite))
        self.go_on(export)
        self.exports = (*(other for other in self.exports if other.path != path), export)
        return True

    def go_on(self, export: WalkExport) -> None:
        """Go on with what was stopped, paused or has failed."""
        if export.state == "paused" and export.export is not None:
            export.export.resume()
            return
        export.await_turn()
        self._tasks.on_disk(partial(self._unfinished.keep, export.order), lambda _: None)

    def pause(self, export: WalkExport) -> None:
        """Make no more pictures for it until `go_on`."""
        if export.export is not None:
            export.export.pause()

    def stop(self, export: WalkExport) -> None:
        """Leave it as it is: what is written plays. It stays in the list, and can be gone on with."""
        export.stop()
        self._forget(export)

    def drop(self, export: WalkExport) -> None:
        """Take it off the list; nothing is deleted."""
        self.stop(export)
        self.exports = tuple(other for other in self.exports if other is not export)
        self.offered = tuple(other for other in self.offered if other is not export)

    def show_folder(self, export: WalkExport) -> None:
        """Show where the file lies, in the desktop's own program."""

        def opened(there: bool) -> None:
            if not there:
                self._say(f"It is at {export.path}.", "info")

        folder = export.path if export.order.settings.is_folder else export.path.parent
        self._tasks.on_disk(partial(_open_folder, folder), opened)

    def tick(self) -> None:
        """Once a frame."""
        for export in self.exports:
            if export.follow():
                self._tell(export)
        going = [export for export in self.exports if export.state in GOING]
        waiting = next((export for export in self.exports if export.state == "waiting"), None)
        if waiting is not None and not going:
            waiting.prepare(self._read, self._made)
        if not self.running and self._renderer.cache.num_bytes:
            self._renderer.cache.clear()

    def close(self) -> None:
        """The program ends: what is under way is left so that it plays, and the next run can go on with it."""
        self._closing = True
        begun = [export.export for export in self.running if export.state in WRITING and export.export is not None]
        for export in self.running:
            export.stop()
        until = time.monotonic() + CLOSING_S
        for made in begun:
            made.wait(max(until - time.monotonic(), 0.0))

    # -- within --------------------------------------------------------------------------------------------------------

    def _made(self, order: ExportOrder) -> Export:
        return Export(order.walk, order.settings, order.path, self._asking(order), order.overwrite)

    def _asking(self, order: ExportOrder) -> Callable[[Scene], "Future[np.ndarray]"]:
        """What an export asks for its pictures, on a thread of its own."""

        def make(scene: Scene, poll: Poll) -> np.ndarray:
            self._renderer.half = order.half
            return walk_picture(self._renderer, scene, order.settings.bits, poll)

        def ask(scene: Scene) -> "Future[np.ndarray]":
            while (future := self._worker.call(partial(make, scene), last=True)).cancelled() and not self._closing:
                time.sleep(RETRY_S)  # too much is waiting
            return future

        return ask

    def _tell(self, export: WalkExport) -> None:
        if export.state == "failed":
            self._say(export.error or f"{export.path} could not be exported.", "error")
        elif export.state == "done":
            self._forget(export)
            self._tasks.on_disk(partial(_size, export.path), partial(setattr, export, "size_bytes"))
            self._say(f"Exported {export.path}.", "info")

    def _forget(self, export: WalkExport) -> None:
        self._tasks.on_disk(partial(self._unfinished.forget, export.order), lambda _: None)


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def _open_folder(folder: Path) -> bool:
    """Whether the desktop has a program that shows folders."""
    if sys.platform == "win32":
        os.startfile(folder)
        return True
    command = "open" if sys.platform == "darwin" else "xdg-open"
    try:
        subprocess.Popen(
            [command, str(folder)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        return False
    return True
