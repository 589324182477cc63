"""Generating walks: they are there at once; what has to be measured for a constant speed follows, from a Job."""

import random
from typing import Literal

from stylegan_core.card import ModelCard
from stylegan_core.models import ModelStore
from stylegan_core.render import Renderer
from stylegan_core.scene import MAX_SEED, Scene
from stylegan_core.walk import Walk
from stylegan_core.wander import Distance, noise_circle, random_walk, steady
from stylegan_core.watch import Watch
from visualizer.jobs import Job

Kind = Literal["wander", "loop", "noise"]

SMALL_PX = 64  # pictures up to this size are quickly made on a processor, too


class Generating:
    """One walk that is measured. Belongs to the UI thread."""

    def __init__(self, models: ModelStore):
        self._models = models
        self._random = random.Random()
        self._job: Job[Walk] | None = None

    @property
    def progress(self) -> float | None:
        """The share done of what is under way; None: nothing is."""
        return None if self._job is None else self._job.progress

    def begin(self, kind: Kind, scene: Scene, card: ModelCard, count: int, seconds: float) -> Walk:
        """A walk, of which a loop is measured from now on, in place of what was.

        Args:
            kind: past people at random; in a loop, at a constant speed in the end; a person while the noise goes round.
            scene: the one shown.
            card: of its model.
            count: how many people.
            seconds: how long it takes.
        """
        self.drop()
        seed = self._random.randrange(MAX_SEED)
        if kind == "noise":
            return noise_circle(scene, seconds, seed)
        walk = random_walk(scene, count, seconds, seed, loop=kind == "loop")
        if kind == "loop":
            self._job = Job("Finding a constant speed", lambda job: self._steady(job, walk, card))
        return walk

    def _steady(self, job: Job[Walk], walk: Walk, card: ModelCard) -> Walk:
        renderer = Renderer(self._models, cache_bytes=0)
        return steady(walk, renderer, self._distance(card), Watch(lambda: job.cancelled).check, job.report)

    def collect(self) -> tuple[Walk | None, str | None] | None:
        """What has ended, once: the walk at a constant speed, or the error. None: nothing has."""
        if self._job is None or not self._job.done:
            return None
        job, self._job = self._job, None
        return job.result, job.error

    def drop(self) -> None:
        """Give up what is under way."""
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _distance(self, card: ModelCard) -> Distance:
        """How far people are from one another is best told by their pictures, where those are quickly made."""
        quick = max(card.height, card.width) <= SMALL_PX or self._models.device.type != "cpu"
        return "pictures" if quick else "w"
