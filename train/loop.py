"""The loop: a run from its folder, or from where it was, to its end; what a person wishes meanwhile is heard.

All processes of a run take the same decisions at the same steps. The first one writes; the others follow what it says.
"""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from lightning_fabric import Fabric

from stylegan_core.errors import Cancelled, StyleScopeError
from train import checkpoint
from train.building import label_table, open_data, starting_points
from train.checkpoint import Checkpoint
from train.config import RunConfig, read_config
from train.data.dataset import Batch
from train.data.errors import DataError
from train.data.loading import Batches
from train.data.order import Share
from train.networks import check_batch
from train.recording import Numbers, Record, average_spec, write_model, write_preview, write_snapshot
from train.resting import Resting
from train.run_folder import RunFolder, State, Status, Wishes
from train.stopping import Stopping
from train.team import FabricTeam
from train.trainer import NotFinite, Trainer

SAY_EVERY_S = 0.5
LOOK_EVERY_S = 0.2  # while paused
CHECKPOINT_EVERY_S = 600.0  # also between snapshots, so that little is lost
AGAIN_S = 60.0  # after a checkpoint that could not be written
SMOOTHING = 0.9  # of images per second
log = logging.getLogger(__name__)


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
        self._status = Status(
            total=self.config.total,
            pid=os.getpid(),
            host=socket.gethostname(),
            snapshots_taken=folder.status().snapshots_taken,
        )
        self._said = 0.0
        self._seen_before = 0  # pictures, when the last step began
        self._seconds = 0.0
        self._waited = 0.0  # for pictures, in this tick
        self._tick_began = (time.perf_counter(), 0)
        self._resting = Resting(folder)
        self._keep_at = time.perf_counter() + CHECKPOINT_EVERY_S
        self._is_unmeasured = False  # for it was to stop meanwhile
        self._unusable: set[str] = set()  # sentences about pictures that others stand in for
        self._complaints: dict[str, str] = {}  # what does not go well at present, by what it is about

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
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                self._say("failed", f"{type(error).__name__}: {error}")
                raise
            # PyTorch raises it wherever the process happens to be when a worker is killed.
            words = f"A process that reads {self.config.data.path} has ended ({error}); start again with fewer workers."
            self._say("failed", words)
            raise DataError(words) from error
        except Exception as error:
            # Whatever it is, whoever looks at the run is to know that it ended, and why; the log has the rest.
            self._say("failed", f"{type(error).__name__}: {error}")
            raise

    def _session(self, stopping: Stopping) -> State:
        self._say("starting", "Reading the pictures.")
        images = self._images = open_data(self.config.data)
        kept = checkpoint.newest(self.folder.checkpoints)
        seen = 0 if kept is None else int(kept.facts["trainer"]["seen"])
        team = self._team = FabricTeam(self.fabric)
        workers = (0 if images.is_kept else 2) if self._workers is None else self._workers
        share_at = self._shares(team)
        with Batches(images, self.config.seed, share_at, position=seen, workers=workers) as batches:
            self._say("starting", "Building the networks.")
            labels = label_table(images)
            self._trainer = self._built(kept, labels, team)
            self._classes = None if labels is None else labels.unique(dim=0)
            try:
                self._record = Record(self.folder, seen) if self.first else None
            except OSError as error:
                raise StyleScopeError(f"{self.folder.path} cannot be written to: {error.strerror or error}.") from error
            return self._train(batches, stopping)

    def _shares(self, team: FabricTeam) -> Callable[[int], Share]:
        """This process's of the batch that begins at a place in the stream."""
        config, group = self.config, self.config.discriminator.mbstd_group_size
        shares = {batch: self._share(batch, team) for batch in dict.fromkeys(config.batches.values())}
        least = min(share.piece or share.size for share in shares.values())
        if self.first and team.processes > 1 and least < group:
            log.warning(
                "A process has %d pictures, fewer than the %d of a group of the minibatch standard deviation: groups "
                "are smaller, and the run is another than on fewer processes.",
                least,
                group,
            )
        return lambda position: shares[config.batch_at(position)]

    def _share(self, batch: int, team: FabricTeam) -> Share:
        size = batch // team.processes
        piece = None if self.config.piece is None else min(self.config.piece, size)
        try:
            share = Share(batch, team.rank, team.processes, piece)
        except ValueError as error:
            raise StyleScopeError(
                f"{team.processes} processes cannot share this run: {error}; start as many as divide it, or a "
                "new run with another batch."
            ) from error
        check_batch(self.config.discriminator, piece or size)
        return share

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
            self._is_unmeasured = bool(kept.facts.get("unmeasured"))
            words = [f"Going on at {trainer.seen / 1000:g} kimg."]
        for line in words if self.first else []:
            log.info("%s", line)
        return trainer

    def _train(self, batches: Batches, stopping: Stopping) -> State:
        trainer, config = self._trainer, self.config
        if trainer.seen == 0:
            self._snapshot()
        self._tick_began = (time.perf_counter(), trainer.seen)
        if self._is_unmeasured:
            self._measure(stopping)
        while trainer.seen < config.total:
            wishes = self._agreed(self._heard(stopping))
            if wishes.state == "stop":
                return self._ended("stopped", "Stopped; the same command goes on.")
            if wishes.state == "pause":
                self._pause(stopping)
                continue
            self._resting.share = wishes.share
            self._resting.called = lambda: self._heard(stopping).state != "train"
            self._step(batches)
            self._after_step(stopping)
            self._answer(wishes)
            self._say("training")
        return self._ended("done", f"Done: {trainer.seen / 1000:g} kimg.")

    def _step(self, batches: Batches) -> None:
        began, self._seen_before = time.perf_counter(), self._trainer.seen
        pieces = next(batches)
        waited = time.perf_counter() - began
        self._name_unusable(pieces)
        self._resting.begin()
        try:
            numbers = self._trainer.train(pieces, self._resting)
        except NotFinite as error:
            raise StyleScopeError(
                f"Step {self._trainer.step} ({self._trainer.seen / 1000:g} kimg) came to numbers that are not finite, "
                f"first in layer {_layer(error)}; nothing of it was kept. Begin another run from one of the snapshots "
                f"in {self.folder.models}, with a lower learning rate or a larger r1_gamma."
            ) from error
        self._resting()
        self._numbers.add(numbers, self._team.mean)
        self._waited += waited
        self._seconds += time.perf_counter() - began - self._resting.rested_s

    def _name_unusable(self, pieces: list[Batch]) -> None:
        """Say which pictures others stand in for; the run goes on."""
        found = {sentence for piece in pieces for sentence in piece.unusable} - self._unusable
        if not found:
            return
        for sentence in sorted(found):
            log.warning("%s", sentence)
        self._unusable |= found
        words = f"Pictures that cannot be used, and that others stand in for: {len(self._unusable)}."
        self._complaints["pictures"] = f"{words} {min(self._unusable)}"

    def _after_step(self, stopping: Stopping) -> None:
        """What is due now. The checkpoint comes last, so that it never speaks of what is not there."""
        config = self.config
        is_due = self._passed(config.snapshot_kimg)
        if self._passed(config.tick_kimg):
            self._tick()
        if is_due:
            self._snapshot()
        if config.metrics_kimg and self._passed(config.metrics_kimg):
            self._measure(stopping)
        if is_due or self._agreed_late():
            self._keep()

    def _passed(self, every_kimg: float) -> bool:
        """Whether the last step has brought the run past a multiple of so many pictures."""
        every = every_kimg * 1000
        return self._trainer.seen // every > self._seen_before // every

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
            most = torch.cuda.max_memory_allocated(self.fabric.device)
            torch.cuda.reset_peak_memory_stats(self.fabric.device)
            means["gpu_mb"] = most / 2**20
            self._status = self._status.model_copy(update={"gpu_bytes": most})
        self._write_line({"step": trainer.step, **means})
        log.info("%s", _line(trainer, means))
        self._waited, self._tick_began = 0.0, (time.perf_counter(), trainer.seen)

    def _write_line(self, numbers: dict[str, float]) -> None:
        """Numbers of now; a disk that has no room for them does not end the run."""
        if self._record is None:
            return
        with self._complaining("numbers", "A line of numbers could not be written"):
            self._record.line(self._trainer.seen, numbers)

    def _snapshot(self, whole: bool = False) -> None:
        """A model and previews; a disk that has no room for them does not end the run."""
        if not self.first:
            return
        with self._complaining("snapshot", "The snapshot could not be written"):
            spec = average_spec(self._trainer)
            write_preview(self.folder, self._trainer, spec, self._classes)
            if whole:
                write_model(self.folder, self._trainer)
            else:
                write_snapshot(self.folder, self._trainer, spec)

    def _measure(self, stopping: Stopping) -> None:
        """A line of metrics; what keeps it from being measured does not end the run."""
        if self._record is None:
            return
        from train.measuring import measured  # it takes long to import, and not every run is measured

        self._is_unmeasured = True
        self._say("training", "Measuring.")
        began = time.perf_counter()
        try:
            spec = average_spec(self._trainer)
            found = measured(
                self.folder, self._trainer, spec, self._images, lambda: self._heard(stopping).state == "stop"
            )
        except Cancelled:
            return
        except (OSError, StyleScopeError) as error:
            self._complain("metrics", f"It could not be measured: {error}")
            self._is_unmeasured = False
            return
        self._is_unmeasured = False
        self._complaints.pop("metrics", None)
        self._write_line(found)
        log.info("%8.1f kimg  %s", self._trainer.seen / 1000, "  ".join(f"{k} {v:.4g}" for k, v in found.items()))
        tick_began, seen = self._tick_began
        self._tick_began = (tick_began + time.perf_counter() - began, seen)

    def _keep(self) -> None:
        """A checkpoint. Where it cannot be written the last one stays."""
        self._keep_at = time.perf_counter() + AGAIN_S
        if self.first:
            tensors, facts = self._trainer.state()
            own = {"numbers": self._numbers.state(), "seconds": self._seconds, "unmeasured": self._is_unmeasured}
            with self._complaining("checkpoint", "The checkpoint could not be written, the last one stays"):
                checkpoint.write(
                    self.folder.checkpoints, self._trainer.seen, Checkpoint(tensors, {"trainer": facts} | own)
                )
        if "checkpoint" not in self._complaints:
            self._keep_at = time.perf_counter() + CHECKPOINT_EVERY_S

    @contextlib.contextmanager
    def _complaining(self, about: str, words: str) -> Iterator[None]:
        """While something is written that the run goes on without; status says so until it can be written again."""
        try:
            yield
        except (OSError, StyleScopeError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error).rstrip(".")
            self._complain(about, f"{words}: {reason}.")
        else:
            self._complaints.pop(about, None)

    def _ended(self, state: State, words: str) -> State:
        self._keep()
        if state == "done":
            self._snapshot(whole=True)
        self._say(state, " ".join([words, *self._complaints.values()]))
        return state

    # -- what is wished ------------------------------------------------------------------------------------------------

    def _heard(self, stopping: Stopping) -> Wishes:
        if self.first and not self.folder.exists():
            # Whoever throws a run away wants no process that writes it anew.
            raise StyleScopeError(f"{self.folder.path} is no run any more: its run.json is gone.")
        wishes = self.folder.wishes()
        return wishes.model_copy(update={"state": "stop"}) if stopping.told else wishes

    def _agreed(self, wishes: Wishes) -> Wishes:
        """The first process's wishes on all of them, so that all stop after the same step."""
        return self._team.same(wishes)

    def _agreed_late(self) -> bool:
        """Whether the last checkpoint is too long ago, by the first process's clock."""
        return self._team.same(time.perf_counter() > self._keep_at)

    def _answer(self, wishes: Wishes) -> None:
        if wishes.snapshots > self._status.snapshots_taken:
            self._snapshot(whole=True)
            self._keep()  # or, going on from an older one, it would be taken back
            self._status = self._status.model_copy(update={"snapshots_taken": wishes.snapshots})
            self._say(self._status.state, now=True)

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
        if not self.first or not self.folder.exists():
            return
        words = words or " ".join(self._complaints.values())
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

    def _complain(self, about: str, words: str) -> None:
        log.warning("%s", words)
        self._complaints[about] = words
        self._say(self._status.state, now=True)


def _layer(error: NotFinite) -> str:
    """Where it began; else that whose gradient came first on the way back, the last one in the network's order."""
    name = error.parameters[-1].removeprefix("network.").rpartition(".")[0]
    return str(error.culprit or f"{name} of {error.network} (its gradient)")


def _line(trainer: Trainer, means: dict[str, float]) -> str:
    """A tick for the log."""
    shown = {"loss_g": "G", "loss_d": "D", "r_t": "r_t", "p": "p", "images_per_s": "img/s"}
    words = [f"{label} {means[name]:.3g}" for name, label in shown.items() if name in means]
    return f"{trainer.seen / 1000:8.1f} kimg  {'  '.join(words)}"
