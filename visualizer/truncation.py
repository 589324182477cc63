"""Truncation live: centres found on a Job, the person at a ladder of psi, and distances layer by layer."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Generic, Literal, TypeVar

import numpy as np
from torch import Tensor

from stylegan_core.card import ModelCard
from stylegan_core.ladder import scenes_at
from stylegan_core.latent import class_vector, num_centres
from stylegan_core.models import ModelStore
from stylegan_core.ops import Poll
from stylegan_core.render import Renderer
from stylegan_core.scene import ClassWeight, ModelRef, Scene, only_picture
from stylegan_core.truncation import Distances
from stylegan_core.watch import Watch
from visualizer.favourites import squared, thumbnail
from visualizer.jobs import Job
from visualizer.tasks import describe
from visualizer.worker import Worker, to_rgba

T = TypeVar("T")
Say = Callable[[str, Literal["error"]], None]
Has = Callable[[Scene, ModelCard], bool]
Wanted = tuple[ModelRef, tuple[ClassWeight, ...], int]

COARSE_PX = 32  # of the first thumbnails, where pictures are larger


class Centring:
    """Finds the centres that the Scene shown is truncated towards, before its picture is asked for.

    Belongs to the UI thread. The mean of a class is found too soon to need a Job: the worker does that.
    """

    def __init__(self, models: ModelStore):
        self._models = models
        self._wanted: Wanted | None = None  # of the Job
        self.job: Job[None] | None = None

    def ready(self, scene: Scene, card: ModelCard) -> bool:
        """Whether the centres are there; if not, they are on their way from now on."""
        if self.has(scene, card):
            return True
        wanted = _wanted(scene, card)
        if self.job is None or self._wanted != wanted:
            self.drop()
            self._wanted, self.job = wanted, Job("Finding centres", lambda job: self._find(job, scene, card))
        return False

    def has(self, scene: Scene, card: ModelCard) -> bool:
        """Whether a picture of the Scene would have to wait for no centres."""
        count, ref = num_centres(scene, card), scene.model
        if count < 2:
            return True
        try:
            c = class_vector(scene.classes, card.c_dim)
        except ValueError:
            return True  # there is no such picture; the worker says why
        return self._models.centres.has(ref.digest, self._models.device, c, count, ref.which)

    def collect(self, scene: Scene, card: ModelCard) -> str | None:
        """Once a frame: drop what the Scene shown has no use for; the error, if the Job ended with one."""
        if self.job is None:
            return None
        if self._wanted != _wanted(scene, card):
            self.drop()
        elif self.job.done:
            error, self.job = self.job.error, None
            return error
        return None

    def drop(self) -> None:
        """Give up what is under way. It goes on from there if it is wanted again."""
        if self.job is not None:
            self.job.cancel()
            self.job = None

    def _find(self, job: Job[None], scene: Scene, card: ModelCard) -> None:
        model = self._models.get(scene.model, cancelled=lambda: job.cancelled)
        c = class_vector(scene.classes, card.c_dim)
        poll = Watch(lambda: job.cancelled).check
        self._models.centres.find(model, c, num_centres(scene, card), scene.model.which, poll, job.report)


def _wanted(scene: Scene, card: ModelCard) -> Wanted:
    return scene.model, scene.classes, num_centres(scene, card)


class Errand(Generic[T]):
    """One thing at a time that the worker makes between live pictures. Belongs to the UI thread.

    `say` tells the person at the window what failed.
    """

    def __init__(self, worker: Worker, say: Say):
        self._worker, self._say = worker, say
        self._future: Future[T] | None = None

    @property
    def busy(self) -> bool:
        """Whether it is under way."""
        return self._future is not None

    def begin(self, function: Callable[[Poll], T]) -> None:
        """Have something made; see `Worker.call`. Nothing may be under way."""
        self._future = self._worker.call(function)

    def take(self) -> T | None:
        """What has been made, once."""
        if self._future is None or not self._future.done():
            return None
        future, self._future = self._future, None
        if future.cancelled():
            self._say("Too much is waiting already; try again in a moment.", "error")
            return None
        if (error := future.exception()) is not None:
            self._say(describe(error), "error")
            return None
        return future.result()


@dataclass(frozen=True)
class Rung:
    """One picture of a ladder."""

    psi: float
    scene: Scene


@dataclass(frozen=True, eq=False)
class _Made:
    rung: Rung
    index: int  # its place in the ladder that asked for it
    rgba: np.ndarray | None  # None: it failed
    px: int  # how large it may be shown; 0: it is a coarse one


class Ladder:
    """The person shown at several psi, as thumbnails: coarse ones first, then as sharp as they are shown.

    Belongs to the UI thread. Nothing is asked for while the centres that it needs are not there: `has` says so.
    """

    def __init__(self, renderer: Renderer, worker: Worker, say: Say, has: Has):
        self._renderer, self._has = renderer, has
        self._errand: Errand[_Made] = Errand(worker, say)
        self._of: tuple[Scene, str, tuple[float, ...], int] | None = None
        self._wanted: list[tuple[int, int | None]] = []  # rungs, and where their pictures may stop, in order
        self._made: list[_Made | None] = []  # the newest of each rung, also an outdated one
        self.rungs: tuple[Rung, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all pictures are there, as they should be."""
        return not self._wanted and not self._errand.busy

    def picture(self, index: int) -> np.ndarray | None:
        """The newest picture of a rung, uint8 [H, W, 4]; that of the Scene before until its own is there."""
        made = self._made[index]
        return None if made is None else made.rgba

    def follow(self, scene: Scene, card: ModelCard, psis: tuple[float, ...], px: int) -> None:
        """Once a frame while it is looked at: take in what is ready, and ask for the next.

        Args:
            scene: the one shown.
            card: of its model.
            psis: of the rungs; there are fewer where several come to the same.
            px: how large they are shown.
        """
        of = only_picture(scene), card.digest, psis, px
        if of != self._of:
            self._of = of
            self._set_up(of[0], card, psis, px)
        made = self._errand.take()
        if made is not None and made.rgba is not None and made.index < len(self.rungs):
            self._made[made.index] = made
        if self._wanted and not self._errand.busy and self._has(scene, card):
            index, stop_at = self._wanted.pop(0)
            self._errand.begin(partial(self._make, self.rungs[index], index, stop_at, px))

    def leave(self) -> None:
        """Nobody looks: ask for nothing more, and begin again when somebody does."""
        self._of, self._wanted = None, []

    def _set_up(self, scene: Scene, card: ModelCard, psis: tuple[float, ...], px: int) -> None:
        before = {made.rung: made for made in self._made if made is not None}
        self.rungs = tuple(Rung(each.truncation.psi, each) for each in scenes_at(scene, psis))
        outdated = self._made if len(self._made) == len(self.rungs) else [None] * len(self.rungs)
        self._made = [before.get(rung, old) for rung, old in zip(self.rungs, outdated, strict=True)]
        # Those nearest to what is shown first, for there one looks.
        order = sorted(range(len(self.rungs)), key=lambda index: abs(self.rungs[index].psi - scene.truncation.psi))
        lacking = [index for index in order if self.rungs[index] not in before]
        blurred = [index for index in order if self.rungs[index] not in before or before[self.rungs[index]].px < px]
        enough = _enough_px(card, px)
        coarse = lacking if card.has_preview and (enough or card.resolution) > COARSE_PX else []
        self._wanted = [*((index, COARSE_PX) for index in coarse), *((index, enough) for index in blurred)]

    def _make(self, rung: Rung, index: int, stop_at: int | None, px: int, poll: Poll) -> _Made:
        pixels = self._renderer.render(rung.scene, stop_at=stop_at, poll=poll).pixels
        coarse = stop_at == COARSE_PX and px > COARSE_PX
        return _Made(rung, index, None if pixels is None else _reduced(pixels, px), 0 if coarse else px)


def _enough_px(card: ModelCard, px: int) -> int | None:
    """The smallest resolution of a block whose picture is not below `px`; None: the full picture."""
    resolution = 4
    while max(card.size_at(resolution)) < px:
        resolution *= 2
    return resolution if card.has_preview and resolution < card.resolution else None


def _reduced(pixels: Tensor, px: int) -> np.ndarray:
    """Pixels [H, W, C] as a square of RGBA, averaged over areas where they are larger than `px`."""
    return thumbnail(pixels, px) if max(pixels.shape[:2]) > px else squared(to_rgba(pixels).cpu().numpy())


class Distancing:
    """How far the style vectors of the Scene shown are from what they are drawn to. Belongs to the UI thread."""

    def __init__(self, renderer: Renderer, worker: Worker, say: Say, has: Has):
        self._renderer, self._has = renderer, has
        self._errand: Errand[Distances] = Errand(worker, say)
        self._asked: Scene | None = None
        self.found: Distances | None = None  # the newest

    def follow(self, scene: Scene, card: ModelCard) -> None:
        """Once a frame while it is looked at: take in what is ready, and ask for those of a new Scene."""
        self.found = self._errand.take() or self.found
        if scene != self._asked and not self._errand.busy and self._has(scene, card):
            self._asked = scene
            self._errand.begin(lambda poll: self._renderer.distances(scene, poll))
