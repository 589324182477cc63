"""Training time: the live Scene seen through the snapshots of a run, by hand or following the newest.

A snapshot is a model like any other: going to one is `edits.fit`, and everything else of the Scene stays. Where its
model is not in memory it is read by a Job, one at a time; the newest wish wins, and each that was read on the way to it
is shown. Following is no undo point, for nobody did it by hand: undoing goes back through what was done to the Scene,
and the newest model stays. What else changes the model, by hand or by a walk, ends it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.checkpoint import read_generator
from stylegan_core.errors import ModelFileError
from stylegan_core.model import build_generator
from stylegan_core.scene import ModelRef, Scene
from stylegan_core.walk import Walk
from train.run_folder import RunFolder, Snapshot
from visualizer.jobs import Job
from visualizer.memory import Memory
from visualizer.snapshots import WALK_KEYS, Cancelled, Digests, Seen, look, run_of, spread, training_walk
from visualizer.store import Store
from visualizer.tasks import Tasks

NAME = "Training time"  # of the undo point
LOOK_EVERY_S = 1.0  # how often the folder is looked at
AHEAD = 4  # snapshots on either side that are read ahead at most,
AHEAD_SHARE = 0.5  # with this share of the memory that models may have

By = Literal["hand", "following", "nobody"]


@dataclass(frozen=True)
class _Reading:
    """A snapshot's model on its way, and who wants it."""

    snapshot: Snapshot
    by: By
    job: Job[ModelCard]


class TrainingTime:
    """Belongs to the UI thread.

    Args:
        store: of the base Scene.
        tasks: look at the folder.
        memory: of models.
        cards: of all models that were opened, by digest; those that are read here are added.
        open_walk: has a walk in the timeline.
        say: tells the person at the window.
    """

    def __init__(
        self,
        store: Store[Scene],
        tasks: Tasks,
        memory: Memory,
        cards: dict[str, ModelCard],
        open_walk: Callable[[Walk], None],
        say: Callable[[str, Literal["info", "error"]], None],
    ):
        self.run: RunFolder | None = None  # None: there is nothing to go through
        self.snapshots: tuple[Snapshot, ...] = ()  # in order of training
        self.following = False
        self._store, self._tasks, self._memory, self._cards = store, tasks, memory, cards
        self._open_walk, self._say = open_walk, say
        self._chosen = False  # by somebody, rather than by the model that is open
        self._places: dict[str, int] = {}  # of snapshots, by path
        self._digests = Digests()
        self._model = store.scene.model  # that is shown, as of the last tick
        self._origin = self._shown = store.scene  # before this was gone to another snapshot, and since
        self._held = False  # a hand is on the slider
        self._near = False  # a hand has been at the slider: neighbours are read ahead
        self._wish: tuple[Snapshot, By] | None = None
        self._reading: _Reading | None = None
        self._failed: set[Path] = set()
        self._ahead: list[Snapshot] | None = None  # still to be read; None: that is not decided yet
        self._walk_job: Job[Walk] | None = None
        self._looking, self._looked_at = False, -math.inf
        self._changed_ns: int | None = None  # when the folder had changed last, as of then

    # -- which run -----------------------------------------------------------------------------------------------------

    def choose(self, run: RunFolder | None) -> None:
        """Go through this run's snapshots; None: through those of the run that the open model is from, if any."""
        self._chosen = run is not None
        self._take_run(run or run_of(self._store.scene.model))

    @property
    def stand(self) -> int | None:
        """The place among the snapshots of the model that is shown; None: it is none of them."""
        return self._places.get(self._store.scene.model.path)

    @property
    def wanted(self) -> int | None:
        """The place of the snapshot that is on its way into the picture; None: none is."""
        return None if self._wish is None else self._places.get(str(self._wish[0].path))

    # -- going through it ----------------------------------------------------------------------------------------------

    def go(self, place: int, held: bool = False) -> None:
        """See the Scene at the snapshot of this place.

        Args:
            place: among the snapshots.
            held: a hand is on the slider, and will go on: all of it is one undo point, until `release`.
        """
        self._held, self._near, self.following = held, True, False
        if self.snapshots:
            place = min(max(place, 0), len(self.snapshots) - 1)
            self._wish = None if place == self.stand else (self.snapshots[place], "hand")

    def release(self) -> None:
        """The hand has let go of the slider."""
        self._held = False
        self._settle()

    def step(self, by: int) -> None:
        """To a later snapshot, or back to an earlier one; where none is shown, to the newest."""
        place = self.stand if self.wanted is None else self.wanted
        self.go(len(self.snapshots) - 1 if place is None else place + by)

    def approach(self) -> None:
        """A hand is near the slider: have what it may go to next ready."""
        self._near = True

    def follow(self, following: bool) -> None:
        """Whether the Scene goes to each new snapshot as it comes."""
        self.following, self._wish, self._held = following, None, False
        self._settle()
        self._failed.clear()

    def undone(self, name: str | None) -> None:
        """Something was undone or redone: the newest model stays, unless that was going through training time."""
        if self.following and name != NAME and self._store.scene.model.path in self._places:
            card = self._cards.get(self._model.digest)
            if card is not None and self._store.scene.model != self._model:
                self._put(card, self._model, "following")

    def tick(self, now: float, idle: bool, playing: bool) -> None:
        """Once a frame.

        Args:
            now: in seconds, from any moment on.
            idle: whether nothing else is under way.
            playing: whether a walk plays, which says what is shown: nothing is followed meanwhile.
        """
        self._collect_walk()
        self._mind_others()
        if self.run is None:
            return
        self._look(now)
        self._collect()
        if playing and self._wish is not None and self._wish[1] == "following":
            self._wish = None
        if self.following and not playing and self._wish is None:
            self._wish_newest()
        if self._wish is not None:
            self._grant(*self._wish)
        elif idle and self._near and self._reading is None:
            self._read_ahead()

    def close(self) -> None:
        """Give up what is under way."""
        self._stop_reading()
        self.cancel_walk()

    # -- a walk through it ---------------------------------------------------------------------------------------------

    @property
    def walking(self) -> float | None:
        """The share done of preparing a walk; None: none is prepared."""
        return None if self._walk_job is None else self._walk_job.progress

    def walk_through(self) -> None:
        """Have a walk in the timeline that shows the Scene at snapshots from the first to the newest."""
        run, scene, chosen = self.run, self._store.scene, spread(self.snapshots, WALK_KEYS)
        if run is None or len(chosen) < 2:
            self._say("A walk through training needs two snapshots at least.", "info")
            return

        def prepare(job: Job[Walk]) -> Walk:
            stations = []
            for snapshot in chosen:
                found = self._digests.of(snapshot.path, lambda: job.cancelled)
                stations.append((snapshot, ModelRef(digest=found, path=str(snapshot.path))))
                job.report(len(stations) / len(chosen))
            return training_walk(scene, f"Training of {run.name}", stations)

        self.cancel_walk()
        self._walk_job = Job("Preparing the walk through training", prepare)

    def cancel_walk(self) -> None:
        """Prepare none."""
        if self._walk_job is not None:
            self._walk_job.cancel()
            self._walk_job = None

    def _collect_walk(self) -> None:
        if self._walk_job is None or not self._walk_job.done:
            return
        job, self._walk_job = self._walk_job, None
        if job.error is not None:
            self._say(job.error, "error")
        elif job.result is not None:
            self._open_walk(job.result)

    # -- the run's folder ----------------------------------------------------------------------------------------------

    def _take_run(self, run: RunFolder | None) -> None:
        if run is not None and self.run is not None and run.path == self.run.path:
            return
        self._stop_reading()
        self.run, self.snapshots, self._places = run, (), {}
        self.following, self._wish, self._ahead, self._near = False, None, None, False
        self._failed.clear()
        self._looking, self._looked_at, self._changed_ns = False, -math.inf, None

    def _mind_others(self) -> None:
        """Where something else has changed the model, that is where one wants to be."""
        model = self._store.scene.model
        if model == self._model:
            return
        self._model, self._wish, self.following, self._ahead = model, None, False, None
        run = run_of(model)
        if run is not None or not self._chosen:
            self._chosen = self._chosen and run is not None and self.run is not None and run.path == self.run.path
            self._take_run(run)

    def _look(self, now: float) -> None:
        """Look at the folder now and then, where a disk that takes its time is not waited for."""
        run, before = self.run, self._changed_ns
        if run is None or self._looking or now - self._looked_at < LOOK_EVERY_S:
            return
        self._looking, self._looked_at = True, now
        self._tasks.on_disk(lambda: look(run, before, self._digests), partial(self._take_seen, run))

    def _take_seen(self, run: RunFolder, seen: Seen | None) -> None:
        if run is not self.run:
            return
        self._looking = False
        if seen is None:
            return
        self._changed_ns = seen.changed_ns
        if seen.snapshots != self.snapshots:
            self.snapshots, self._ahead = seen.snapshots, None
            self._places = {str(snapshot.path): place for place, snapshot in enumerate(seen.snapshots)}

    # -- models --------------------------------------------------------------------------------------------------------

    def _wish_newest(self) -> None:
        newest = next((each for each in reversed(self.snapshots) if each.path not in self._failed), None)
        if newest is not None and str(newest.path) != self._store.scene.model.path:
            self._wish = newest, "following"

    def _grant(self, snapshot: Snapshot, by: By) -> None:
        """Go to a snapshot, if its model is there; else have it read, after what was wanted before."""
        found = self._here(snapshot)
        if found is not None:
            self._wish = None
            self._put(*found, by)
        elif self._reading is None:
            self._begin(snapshot, by)
        elif self._reading.by == "nobody" and self._reading.snapshot != snapshot:
            self._stop_reading()
            self._begin(snapshot, by)

    def _here(self, snapshot: Snapshot) -> tuple[ModelCard, ModelRef] | None:
        """A snapshot whose model is in memory."""
        ref = ModelRef(digest=self._digests.known(snapshot.path) or "", path=str(snapshot.path))
        card = self._cards.get(ref.digest)
        return (card, ref) if card is not None and self._memory.models.has(ref) else None

    def _begin(self, snapshot: Snapshot, by: By) -> None:
        name = snapshot.path.name
        job = Job(f"Opening {name}", lambda job: self._read(snapshot.path, lambda: job.cancelled))
        self._reading = _Reading(snapshot, by, job)

    def _read(self, path: Path, cancelled: Cancelled) -> ModelCard:
        """On the Job's thread."""
        models, found = self._memory.models, self._digests.of(path, cancelled)
        if models.has(ref := ModelRef(digest=found, path=str(path))):
            return models.get(ref).card

        def read() -> ModelCard:
            spec = read_generator(path, cancelled=cancelled)
            if self._digests.of(path, cancelled) != found:
                raise ModelFileError(f"'{path.name}' was replaced while it was read; try again.")
            return models.add(build_generator(spec, found, path.stem, models.device)).card

        return self._memory.read(path.name, read)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.job.cancel()
            self._reading = None

    def _collect(self) -> None:
        """Take in a model that has come. What was wanted a moment ago is shown on the way to what is wanted now."""
        reading = self._reading
        if reading is None or not reading.job.done:
            return
        self._reading = None
        if (card := reading.job.result) is not None:
            self._cards[card.digest] = card
            if reading.by == "hand" and self._wish is not None and self._wish[1] == "hand":
                self._put(card, ModelRef(digest=card.digest, path=str(reading.snapshot.path)), "hand")
        elif reading.job.error is not None:
            self._failed.add(reading.snapshot.path)
            if self._wish is not None and self._wish[0] == reading.snapshot:
                self._wish = None
                self._settle()
                self._say(f"This snapshot cannot be shown: {reading.job.error}", "error")

    def _put(self, card: ModelCard, ref: ModelRef, by: By) -> None:
        """Go to a model that is in memory. What does not suit all models on the way comes back with those it suits."""
        scene = self._store.scene
        if scene is not self._shown:
            self._origin = scene
        fitted = edits.fit(self._origin, card, ref)
        self._model, self._ahead = ref, None
        if not scene.model.digest:  # there is nothing before it to go back to
            self._store.reset(fitted)
        elif by == "following":
            self._store.drift(edits.set_scene, fitted)
        else:
            self._store.edit(NAME, edits.set_scene, fitted)
            self._settle()
        self._shown = self._store.scene

    def _settle(self) -> None:
        """Once no hand is on the slider and all that it wanted has come, it is one thing that was done."""
        if not self._held and self._wish is None and self._store.under_way == NAME:
            self._store.settle()

    def _read_ahead(self) -> None:
        """Read the next of the neighbours, nearest first, as far as models may have memory for them."""
        if self._ahead is None:
            self._ahead = self._neighbours()
        while self._ahead and self._reading is None:
            snapshot = self._ahead.pop(0)
            if self._here(snapshot) is None and snapshot.path not in self._failed:
                self._begin(snapshot, "nobody")

    def _neighbours(self) -> list[Snapshot]:
        stand, models = self.stand, self._memory.models
        sizes = [kept.num_bytes for kept in models.kept() if kept.model.card.digest == self._store.scene.model.digest]
        if stand is None or not sizes:
            return []
        reach = min(AHEAD, int(models.limit_bytes * AHEAD_SHARE / max(*sizes, 1)) // 2)
        places = (stand + side * distance for distance in range(1, reach + 1) for side in (1, -1))
        return [self.snapshots[place] for place in places if 0 <= place < len(self.snapshots)]
