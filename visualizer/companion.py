"""Companion: another model's picture beside the live one, under the same transform, with a person of its own.

It is made when the worker has nothing live to do, and always for the newest Scene: what is in between is left out.
"""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Literal

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.ops import Poll
from stylegan_core.scene import MAX_SEED, Latent, ModelRef, Scene
from visualizer.jobs import Job
from visualizer.memory import Memory
from visualizer.tasks import describe
from visualizer.worker import Shown, Worker


class Companion:
    """Belongs to the UI thread; the model is read by a Job, pictures are made by `full` on the worker."""

    def __init__(
        self,
        memory: Memory,
        worker: Worker,
        full: Callable[[Scene, Poll], Shown],
        say: Callable[[str, Literal["error"]], None],
    ):
        self._memory, self._worker, self._full, self._say = memory, worker, full, say
        self.path: Path | None = None  # of the model; None: there is no companion
        self.card: ModelCard | None = None  # None while it is being read
        self.seed = 0
        self.shown: Shown | None = None
        self._job: Job[ModelCard] | None = None
        self._picture: Future[Shown | None] | None = None
        self._wanted: Scene | None = None
        self._asked: Scene | None = None

    @property
    def busy(self) -> bool:
        """Whether a picture is on its way."""
        return self._picture is not None

    @property
    def loading(self) -> bool:
        """Whether its model is being read."""
        return self._job is not None

    def open(self, path: Path | None) -> None:
        """Have this model beside the live one; None: nothing."""
        self.close()
        self.path = path
        if path is None:
            return

        def load(job: Job[ModelCard]) -> ModelCard:
            def opened() -> ModelCard:
                return self._memory.models.open(path, "G_ema", job.report, lambda: job.cancelled).card

            return self._memory.read(path.name, opened)

        self._job = Job(f"Opening {path.name}", load)

    def close(self) -> None:
        """Nothing beside the live picture."""
        if self._job is not None:
            self._job.cancel()
        self.path = self.card = self.shown = self._job = self._wanted = self._asked = None

    def set_seed(self, seed: int) -> None:
        """Choose the person (modulo 2**32)."""
        self.seed = int(seed) % (MAX_SEED + 1)

    def scene(self, scene: Scene) -> Scene:
        """What is shown beside a Scene."""
        assert self.card is not None
        ref = ModelRef(digest=self.card.digest, path=str(self.path))
        return edits.fit(scene, self.card, ref).model_copy(update={"latent": Latent(seed=self.seed), "mixing": ()})

    def follow(self, scene: Scene) -> None:
        """Once a frame: take in what is ready, and ask for the picture beside this Scene."""
        self._collect_model()
        self._collect_picture()
        if self.card is None:
            return
        self._wanted = self.scene(scene)
        if self._picture is None and self._wanted != self._asked:
            self._asked = self._wanted
            self._picture = self._worker.call(self._render)

    def _render(self, poll: Poll) -> Shown | None:
        """On the worker. It may start over when a live picture came between; then for what is wanted by then."""
        wanted = self._wanted
        return self._full(wanted, poll) if wanted is not None else None

    def _collect_model(self) -> None:
        job = self._job
        if job is None or not job.done:
            return
        self._job = None
        if job.error is not None:
            self.close()
            self._say(job.error, "error")
        self.card = job.result

    def _collect_picture(self) -> None:
        picture = self._picture
        if picture is None or not picture.done():
            return
        self._picture = None
        if picture.cancelled():
            self._asked = None  # too much was waiting: try again
        elif (error := picture.exception()) is not None:
            self._say(describe(error), "error")
        elif (shown := picture.result()) is not None and self.card is not None:
            self._asked = shown.frame.scene
            if self._asked.model.digest == self.card.digest:  # not of the one before
                self.shown = shown
