"""The loop: a run from its folder, or from where it was, to its end; what a person wishes meanwhile is heard.

All processes of a run take the same decisions at the same steps. The first one writes; the others follow what it says.
"""

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric

from stylegan_core.errors import StyleScopeError
from train import checkpoint
from train.building import label_table, open_data, starting_points
from train.checkpoint import Checkpoint
from train.config import RunConfig, read_config
from train.data.loading import Batches
from train.data.order import Share
from train.recording import Numbers, Record, average_spec, write_model, write_preview, write_snapshot
from train.run_folder import RunFolder, State, Status, Wishes
from train.team import FabricTeam
from train.trainer import NotFinite, Trainer

SAY_EVERY_S = 0.5
LOOK_EVERY_S = 0.2  # while paused
CHECKPOINT_EVERY_S = 600.0  # also between snapshots, so that little is lost
REST_MOST_S = 2.0  # between two phases, however small the share
SMOOTHING = 0.9  # of images per second
log = logging.getLogger(__name__)


class Stopping:
    """Whether the process was told to end; the first signal stops the run in order, a second one at once."""

    def __init__(self) -> None:
        self.told = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take Ctrl+C and SIGTERM as the wish to stop."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._tell) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _tell(self, number: int, frame: object) -> None:
        del frame
        self.told = True
        signal.signal(number, signal.SIG_DFL)


class Loop:
    """One session of a run.

    Args:
        folder: of the run, with its run.json; this process has taken it, if it is the first.
        fabric: launched.
        workers: processes that read pictures ahead; None: none where all pictures stay in memory, else two.
    """

    def __init__(self, folder: RunFolder, fabric: Fabric, workers: int | None = None):
        self.folder, self.fabric = folder, fabric
        self.config: RunConfig = read_config(folder.config_path)
        self.first = fabric.is_global_zero
        self._workers = workers
        self._numbers = Numbers()
        self._status = Status(total=round(self.config.kimg * 1000), pid=os.getpid(), host=socket.gethostname())
        self._said = 0.0
        self._seconds = 0.0
        self._waited = 0.0  # for pictures, in this tick
        self._tick_began = (time.perf_counter(), 0)
        self._resting = Resting(folder)
        self._kept_at = time.perf_counter()

    # -- the session ---------------------------------------------------------------------------------------------------

    def run(self) -> State:
        """Train until the end, or until somebody wishes it to stop.

        Returns:
            "done" or "stopped".

        Raises:
            StyleScopeError: it cannot go on; status.json says so too.
        """
        stopping = Stopping()
        try:
            with stopping.listening():
                return self._session(stopping)
        except StyleScopeError as error:
            self._say("failed", str(error))
            raise
        except Exception as error:
            # Whatever it is, whoever looks at the run is to know that it ended, and why; the log has the rest.
            self._say("failed", f"{type(error).__name__}: {error}")
            raise

    def _session(self, stopping: Stopping) -> State:
        self._say("starting", "Reading the pictures.")
        images = open_data(self.config.data)
        kept = checkpoint.newest(self.folder.checkpoints)
        seen = 0 if kept is None else int(kept.facts["trainer"]["seen"])
        team = FabricTeam(self.fabric)
        workers = (0 if images.is_kept else 2) if self._workers is None else self._workers
        share = Share(self.config.batch, team.rank, team.processes, self.config.piece)
        with Batches(images, self.config.seed, share, position=seen, workers=workers) as batches:
            self._say("starting", "Building the networks.")
            labels = label_table(images)
            self._trainer = self._built(kept, labels, team)
            self._classes = None if labels is None else labels.unique(dim=0)
            self._record = Record(self.folder, seen) if self.first else None
            try:
                return self._train(batches, stopping)
            finally:
                if self._record is not None:
                    self._record.close()

    def _built(self, kept: Checkpoint | None, labels: torch.Tensor | None, team: FabricTeam) -> Trainer:
        g, d, average, words = starting_points(self.config)
        trainer = Trainer(self.config, g, d, labels, self.fabric.device, team, average)
        if kept is not None:
            try:
                trainer.restore(kept.tensors, kept.facts["trainer"])
            except (KeyError, RuntimeError, ValueError) as error:
                raise StyleScopeError(
                    f"The checkpoints in {self.folder.checkpoints} are of another run ({error}); choose another folder."
                ) from error
            self._numbers.restore(kept.facts["numbers"])
            self._seconds = float(kept.facts["seconds"])
            words = [f"Going on at {trainer.seen / 1000:g} kimg."]
        for line in words if self.first else []:
            log.info("%s", line)
        return trainer

    def _train(self, batches: Batches, stopping: Stopping) -> State:
        trainer, config = self._trainer, self.config
        if trainer.seen == 0:
            self._snapshot()
        self._tick_began = (time.perf_counter(), trainer.seen)
        while trainer.step < config.steps:
            wishes = self._agreed(self._heard(stopping))
            if wishes.state == "stop":
                return self._ended("stopped", "Stopped; the same command goes on.")
            if wishes.state == "pause":
                self._pause(stopping)
                continue
            self._resting.share = wishes.share
            self._step(batches)
            if self._passed(config.tick_kimg):
                self._tick()
            if self._passed(config.snapshot_kimg):
                self._snapshot()
                self._keep()
            elif self._agreed_late():
                self._keep()
            self._answer(wishes)
            self._say("training")
        return self._ended("done", f"Done: {trainer.seen / 1000:g} kimg.")

    def _step(self, batches: Batches) -> None:
        began = time.perf_counter()
        pieces = next(batches)
        waited = time.perf_counter() - began
        self._resting.begin()
        try:
            numbers = self._trainer.train(pieces, self._resting)
        except NotFinite as error:
            raise StyleScopeError(
                f"Step {self._trainer.step} ({self._trainer.seen / 1000:g} kimg) gave gradients of {error.network} "
                f"that are no numbers, in layer {_layer(error)}; the last checkpoint is whole: lower the learning rate "
                "or raise r1_gamma, and go on from it."
            ) from error
        self._numbers.add(numbers)
        self._waited += waited
        self._seconds += time.perf_counter() - began - self._resting.rested_s

    def _passed(self, every_kimg: float) -> bool:
        """Whether the last step has brought the run past a multiple of so many pictures."""
        every = every_kimg * 1000
        return self._trainer.seen // every > (self._trainer.seen - self.config.batch) // every

    # -- what it leaves behind -----------------------------------------------------------------------------------------

    def _tick(self) -> None:
        trainer, (began, seen) = self._trainer, self._tick_began
        elapsed = max(time.perf_counter() - began, 1e-9)
        rate = (trainer.seen - seen) / elapsed
        before = self._status.images_per_s
        smooth = SMOOTHING * before + (1 - SMOOTHING) * rate if before else rate
        left = max(self._status.total - trainer.seen, 0)
        self._status = self._status.model_copy(update={"images_per_s": smooth, "seconds_left": left / smooth})
        means = self._numbers.take()
        means |= {"r_t": trainer.adaptive.r_t, "p": trainer.adaptive.p, "lod": trainer.lod}
        means |= {"images_per_s": rate, "wait_share": self._waited / elapsed, "seconds": self._seconds}
        if self.fabric.device.type == "cuda":
            means["gpu_mb"] = torch.cuda.max_memory_allocated(self.fabric.device) / 2**20
            self._status = self._status.model_copy(
                update={"gpu_bytes": torch.cuda.max_memory_allocated(self.fabric.device)}
            )
        if self._record is not None:
            self._record.line(trainer.seen, {"step": trainer.step, **means})
        log.info("%s", _line(trainer, means))
        self._waited, self._tick_began = 0.0, (time.perf_counter(), trainer.seen)

    def _snapshot(self, whole: bool = False) -> None:
        """A model and previews; a disk that has no room for them does not end the run."""
        if not self.first:
            return
        try:
            spec = average_spec(self._trainer)
            write_preview(self.folder, self._trainer, spec, self._classes)
            if whole:
                write_model(self.folder, self._trainer)
            else:
                write_snapshot(self.folder, self._trainer, spec)
        except (OSError, StyleScopeError) as error:
            self._complain(f"The snapshot could not be written ({error}); training goes on.")

    def _keep(self) -> bool:
        """A checkpoint; whether there is one now. Where it cannot be written the last one stays."""
        self._kept_at = time.perf_counter()
        if not self.first:
            return True
        tensors, facts = self._trainer.state()
        kept = Checkpoint(tensors, {"trainer": facts, "numbers": self._numbers.state(), "seconds": self._seconds})
        try:
            checkpoint.write(self.folder.checkpoints, self._trainer.seen, kept)
        except OSError as error:
            self._complain(
                f"The checkpoint could not be written ({error.strerror or error}); training goes on, and the last one "
                "stays. Make room on the disk."
            )
            return False
        return True

    def _ended(self, state: State, words: str) -> State:
        kept = self._keep()
        if state == "done":
            self._snapshot(whole=True)
        if not kept:
            words = f"{words} Its last steps could not be kept: the disk is full."
        self._say(state, words)
        return state

    # -- what is wished ------------------------------------------------------------------------------------------------

    def _heard(self, stopping: Stopping) -> Wishes:
        wishes = self.folder.wishes()
        return wishes.model_copy(update={"state": "stop"}) if stopping.told else wishes

    def _agreed(self, wishes: Wishes) -> Wishes:
        """The first process's wishes on all of them, so that all stop after the same step."""
        return self._same(wishes)

    def _agreed_late(self) -> bool:
        """Whether the last checkpoint is too long ago, by the first process's clock."""
        return self._same(time.perf_counter() - self._kept_at > CHECKPOINT_EVERY_S)

    def _same(self, value: Any) -> Any:
        if self.fabric.world_size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]

    def _answer(self, wishes: Wishes) -> None:
        if wishes.snapshots > self._status.snapshots_taken:
            self._snapshot(whole=True)
            self._status = self._status.model_copy(update={"snapshots_taken": wishes.snapshots})
            self._say("training", now=True)

    def _pause(self, stopping: Stopping) -> None:
        self._keep()
        while (wishes := self._agreed(self._heard(stopping))).state == "pause":
            self._say("paused", "Paused.")
            self._answer(wishes)
            time.sleep(LOOK_EVERY_S)
        self._tick_began = (time.perf_counter(), self._trainer.seen)

    # -- what it says --------------------------------------------------------------------------------------------------

    def _say(self, state: State, words: str = "", now: bool = False) -> None:
        """Say how far it is, now and then; a change of state at once."""
        if not self.first:
            return
        is_new = state != self._status.state or (words and words != self._status.words)
        if not is_new and not now and time.perf_counter() - self._said < SAY_EVERY_S:
            return
        self._said = time.perf_counter()
        changes: dict[str, Any] = {"state": state, "words": words, "updated": time.time(), "seconds": self._seconds}
        changes |= {"device": str(self.fabric.device), "processes": self.fabric.world_size}
        if (trainer := getattr(self, "_trainer", None)) is not None:
            changes |= {"seen": trainer.seen, "step": trainer.step}
        self._status = self._status.model_copy(update=changes)
        with contextlib.suppress(OSError):  # a full disk; it says so again soon
            self.folder.say(self._status)

    def _complain(self, words: str) -> None:
        log.warning("%s", words)
        self._say(self._status.state, words, now=True)


class Resting:
    """Gives the device to the explorer between two phases, as long as somebody uses it.

    Args:
        folder: of the run, which knows whether somebody does.
    """

    def __init__(self, folder: RunFolder):
        self._folder = folder
        self.share = 1.0
        self.rested_s = 0.0  # in this step
        self._since = 0.0

    def begin(self) -> None:
        """A step begins."""
        self.rested_s, self._since = 0.0, time.perf_counter()

    def __call__(self) -> None:
        """A phase is over: rest as long as the share asks for."""
        now = time.perf_counter()
        if self.share < 1 and self._folder.is_exploring():
            rest = min((now - self._since) * (1 / self.share - 1), REST_MOST_S)
            time.sleep(rest)
            self.rested_s += rest
        self._since = time.perf_counter()


def _layer(error: NotFinite) -> str:
    """The layer whose gradient came first on the way back: the last one in the network's order."""
    return error.parameters[-1].removeprefix("network.").rpartition(".")[0]


def _line(trainer: Trainer, means: dict[str, float]) -> str:
    """A tick for the log."""
    shown = {"loss_g": "G", "loss_d": "D", "r_t": "r_t", "p": "p", "images_per_s": "img/s"}
    words = [f"{label} {means[name]:.3g}" for name, label in shown.items() if name in means]
    return f"{trainer.seen / 1000:8.1f} kimg  {'  '.join(words)}"
