"""render(scene, models) -> Frame, in stages that are remembered: style vectors, blocks of synthesis, pixels.

A stage runs again only if something that decides it has changed. `render` is a pure function of the Scene, given the
models: what is remembered changes how long it takes, never what comes out.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from stylegan_core.course import Course, course
from stylegan_core.cuda_graphs import PictureGraphs
from stylegan_core.develop import develop
from stylegan_core.errors import SceneError, StyleScopeError
from stylegan_core.latent import FindCentres, MapLatent, map_latent, scene_distances, scene_ws
from stylegan_core.look import look_pixels
from stylegan_core.memory import attempt, release
from stylegan_core.model import Model
from stylegan_core.models import ModelStore
from stylegan_core.network import Probe, Step
from stylegan_core.ops import Poll, no_poll
from stylegan_core.probe import LayerReport, LayerSeen, Reporter, Tap, layer_of
from stylegan_core.scene import ClassWeight, Latent, Scene
from stylegan_core.stage_cache import StageCache
from stylegan_core.transform import input_matrix, warp
from stylegan_core.truncation import Distances

R = TypeVar("R")

ADVICE = "close other programs, lower the memory limits, or choose half precision"
TOO_LARGE = f"There is no memory left for the full picture, so this is a smaller one; {ADVICE}."
NO_MEMORY = f"There is no memory left for this picture; {ADVICE}."


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture and how it came to be, or why it did not.

    One with pixels and an error is a preview that memory did not suffice to go beyond.
    """

    scene: Scene
    pixels: Tensor | None = None  # uint8 [H, W, C], on the model's device
    revision: int = 0  # of the Scene in the store that asked
    timings_ms: Mapping[str, float] = field(default_factory=dict)  # "map", "synthesis", "develop"; or "look"
    error: str | None = None  # one sentence
    preview: bool = False  # a coarser block's picture: smaller than the full one
    steps_ms: Mapping[int, float] = field(default_factory=dict)  # by block resolution, those that ran
    resolution: int = 0  # what the size of its picture is called, see `ModelCard.size_at`; 0: nothing of the model's


def _moved_back(scene: Scene, img: Tensor) -> Tensor:
    """A picture [N, C, H, W], back in its place if the Scene wants that."""
    return warp(img, input_matrix(scene.transform)) if scene.transform.untransform else img


class Renderer:
    """Renders Scenes one after another, remembering stages between them. Used by one thread at a time.

    Args:
        models: where the models are.
        half: half precision where a model is meant for it, on a GPU.
        cache_bytes: limit of what is remembered.
        cache: what is remembered together with other Renderers, in place of a cache of its own.
        graphs: CUDA graphs for pictures that nothing is remembered of; None: none.
    """

    def __init__(
        self,
        models: ModelStore,
        half: bool = False,
        cache_bytes: int = 512 << 20,
        cache: StageCache | None = None,
        graphs: PictureGraphs | None = None,
    ):
        self.models = models
        self.half = half
        self.cache = StageCache(cache_bytes) if cache is None else cache
        self.graphs = graphs

    def render(self, scene: Scene, revision: int = 0, stop_at: int | None = None, poll: Poll = no_poll) -> Frame:
        """The picture of a Scene, or what it looks at besides (`look.look_pixels`), which has no previews.

        Args:
            scene: what to show.
            revision: passed through to the Frame.
            stop_at: a block resolution in px whose picture will do, as a preview; None: the full picture.
            poll: called between pieces of the work; may raise to drop it.

        Returns:
            A Frame. What the user can do something about (a missing model, memory) is its `error`. Where memory runs
            out, what is remembered and the other models make room, and it is tried once more; then the finest coarser
            picture that there is memory for comes with the error.

        Raises:
            Cancelled: from `poll`.
        """
        try:
            if scene.look.at != "picture":
                return self._looked(scene, revision, poll)
            return self._with_room(scene, partial(self._rendered, scene, revision, stop_at, poll))
        except StyleScopeError as error:
            return Frame(scene, revision=revision, error=str(error))

    def pixels(self, scene: Scene, poll: Poll = no_poll) -> np.ndarray:
        """The full picture of a Scene, uint8 [H, W, C] in main memory.

        Raises:
            StyleScopeError: the error that the Frame carries.
            Cancelled: from `poll`.
        """
        frame = self.render(scene, poll=poll)
        if frame.pixels is None or frame.error is not None:
            raise StyleScopeError(frame.error)
        return frame.pixels.cpu().numpy()

    def make_room(self, scene: Scene) -> None:
        """Give up all memory but that of the Scene's model and of the one that the window shows."""
        self.cache.clear()
        if self.graphs is not None:
            self.graphs.runner.clear()
        self.models.make_room(scene.model)
        release()

    @torch.inference_mode()
    def tap(self, scene: Scene, layer: str, poll: Poll = no_poll) -> Tensor:
        """What one layer gives in the full picture, with the Scene's changes: float32 [C, H, W], margins included.

        It costs no more than running to that layer from what is remembered, and is remembered itself: not to be
        written to.

        Args:
            scene: what is shown.
            layer: a LayerInfo's name.
            poll: called between pieces of the work; may raise to drop it.

        Raises:
            StyleScopeError: the layer is none of the model's or does not run, memory has run out, or what
                `Frame.error` says of pictures.
            Cancelled: from `poll`.
        """
        return self._with_room(scene, partial(self._tapped, scene, layer, poll))

    @torch.inference_mode()
    def image(self, scene: Scene, poll: Poll = no_poll) -> Tensor:
        """The full picture before it is developed: float32 [C, H, W], nominal range [-1, 1]; see `tap` for the rest."""

        def made(sparing: bool) -> Tensor | None:
            way = self._course(scene, poll=poll)
            last, _, whole = self._synthesized(way, poll, sparing)
            return _moved_back(scene, last.img)[0] if whole and last is not None and last.img is not None else None

        return self._with_room(scene, made)

    @torch.inference_mode()
    def report(self, scene: Scene, poll: Poll = no_poll) -> tuple[LayerReport, ...]:
        """Numbers on every layer, in order, from one run over all of them; see `tap` for the rest.

        Layers finer than the Scene's level of detail do not run and are left out.
        """
        return self._with_room(scene, partial(self._reported, scene, poll))

    @torch.inference_mode()
    def style(self, scene: Scene, layer: str, poll: Poll = no_poll) -> Tensor:
        """A layer's style vector s = A(w) before the Scene's edits of it, float32 [style_channels]; nothing is run.

        Raises:
            StyleScopeError: the layer is none of the model's, or has no styles.
        """

        def made(sparing: bool) -> Tensor:
            del sparing
            model = self.models.get(scene.model)
            found = layer_of(model.card, layer)
            if not found.style_channels:
                raise SceneError(f"Layer '{layer}' of {model.card.name} has no styles; choose another.")
            return model.network.style(found, self._ws(scene, model, poll))[0]

        return self._with_room(scene, made)

    def distances(self, scene: Scene, poll: Poll = no_poll) -> Distances:
        """How far a Scene's style vectors are from what truncation draws them to; synthesis is not run."""
        model = self.models.get(scene.model)
        return scene_distances(scene, model, *self._remembered(scene, poll))

    def _with_room(self, scene: Scene, work: Callable[[bool], R | None]) -> R:
        """work(sparing=False); where memory runs out, work(sparing=True) with all the memory that can be had."""
        try:
            result = attempt(partial(work, False))
            if result is None:
                self.make_room(scene)
                result = attempt(partial(work, True))
        except ValueError as error:  # of what does not suit the model
            raise SceneError(str(error)) from error
        if result is None:
            raise StyleScopeError(NO_MEMORY)
        return result

    @torch.inference_mode()
    def _rendered(self, scene: Scene, revision: int, stop_at: int | None, poll: Poll, sparing: bool) -> Frame | None:
        started = time.perf_counter()
        way = self._course(scene, stop_at, poll)
        model = way.model
        mapped = self._now(model)
        last, steps_ms, whole = self._synthesized(way, poll, sparing)
        if last is None or last.img is None or not (whole or model.card.has_preview):
            return None  # there is no coarser picture to show
        synthesized = self._now(model)
        pixels = develop(_moved_back(scene, last.img)[0], scene.view)
        developed = self._now(model)
        timings = {"map": mapped - started, "synthesis": synthesized - mapped, "develop": developed - synthesized}
        return Frame(
            scene,
            pixels,
            revision,
            {name: seconds * 1e3 for name, seconds in timings.items()},
            error=None if whole else TOO_LARGE,
            preview=last.resolution < model.card.resolution,
            steps_ms=steps_ms,
            resolution=last.resolution,
        )

    def _looked(self, scene: Scene, revision: int, poll: Poll) -> Frame:
        """What the Scene looks at besides the picture."""
        started = time.perf_counter()
        pixels = self._with_room(scene, lambda sparing: look_pixels(self, scene, poll))
        return Frame(scene, pixels, revision, {"look": (time.perf_counter() - started) * 1e3})

    def _course(self, scene: Scene, stop_at: int | None = None, poll: Poll = no_poll) -> Course:
        model = self.models.get(scene.model)
        return course(scene, model, self._ws(scene, model, poll), self.half, stop_at)

    def _ws(self, scene: Scene, model: Model, poll: Poll) -> Tensor:
        ws = scene_ws(scene, model, *self._remembered(scene, poll))
        return ws.to(model.device, torch.float32)

    def _tapped(self, scene: Scene, layer: str, poll: Poll, sparing: bool) -> Tensor | None:
        way = self._course(scene, poll=poll)
        card, found = way.model.card, layer_of(way.model.card, layer)
        if way.model.network.ends_step(found):
            last, _, whole = self._synthesized(replace(way, last=found.step), poll, sparing)
            return last.x[0].float() if whole and last is not None else None
        key = ("tap", way.layer_keys[layer])
        if (value := self.cache.get(key)) is not None:
            return value
        tap = Tap(layer, way.inner)
        with contextlib.suppress(LayerSeen):
            for _ in self._steps(way, self._newest(way, found.step - 1), poll, sparing, tap):
                pass
        if tap.value is None:
            raise SceneError(f"At level of detail {scene.lod:g} layer '{layer}' of {card.name} does not run; lower it.")
        if not sparing:
            self.cache.put(key, tap.value, card.digest)
        return tap.value

    def _reported(self, scene: Scene, poll: Poll, sparing: bool) -> tuple[LayerReport, ...]:
        way = self._course(scene, poll=poll)
        model, key = way.model, ("report", way.step_keys[-1])
        found: tuple[LayerReport, ...] | None = self.cache.get(key)
        if found is None:
            reporter = Reporter(model.network, model.card.layers, partial(self._now, model), way.inner)
            for _ in self._steps(way, None, poll, sparing, reporter):
                pass
            found = tuple(reporter.found)
            self.cache.put(key, found, model.card.digest)
        return found

    def _remembered(self, scene: Scene, poll: Poll) -> tuple[MapLatent, FindCentres]:
        """What maps latents and finds centres for a Scene, and remembers what it gave."""
        which = scene.model.which
        return partial(self._mapped, which), partial(self.models.centres.find, which=which, poll=poll)

    def _mapped(self, which: str, model: Model, latent: Latent, classes: tuple[ClassWeight, ...]) -> Tensor:
        """`map_latent`, remembered: psi, mixing amounts and noise do not change what the mapping network gives."""
        key = (model.card.digest, which, model.device, latent, classes)
        ws = self.cache.get(key)
        if ws is None:
            ws = map_latent(model, latent, classes, partial(self._mapped, which))
            self.cache.put(key, ws, model.card.digest)
        return ws

    def _newest(self, way: Course, last: int) -> Step | None:
        """The newest step up to `last` that is remembered."""
        keys = reversed(way.step_keys[: last + 1])
        return next((step for key in keys if (step := self.cache.get(key)) is not None), None)

    def _steps(
        self, way: Course, start: Step | None, poll: Poll, sparing: bool, probe: Probe | None = None
    ) -> Iterator[Step]:
        """The steps after `start`, each remembered, unless `sparing`."""
        for step in way.steps(poll, start, probe):
            if not sparing:
                self.cache.put(way.step_keys[step.position], step, way.model.card.digest)
            yield step

    def _synthesized(self, way: Course, poll: Poll, sparing: bool) -> tuple[Step | None, dict[int, float], bool]:
        """Steps up to the course's last, from the last one that is remembered on.

        Returns:
            The last step, the times of those that ran by resolution, and whether it is the one that was asked for.
            `sparing` remembers nothing, and ends before the step for which there is no memory.
        """
        model, start = way.model, self._newest(way, way.last)
        took: dict[int, float] = {}
        if start is not None and start.position == way.last:
            return start, took, True
        if start is None and way.is_plain and self.graphs is not None and not sparing:
            img = self.graphs.picture(model.network, way.ws, way.inputs())
            if img is not None:
                whole = Step(way.last, model.card.resolution, img, img)  # the last: nobody goes on from its features
                self.cache.put(way.step_keys[way.last], whole, model.card.digest)
                return whole, took, True
        before = self._now(model)
        steps = self._steps(way, start, poll, sparing)
        while start is None or start.position < way.last:
            step = attempt(partial(next, steps)) if sparing else next(steps)
            if step is None:
                return start, took, False
            now = self._now(model)
            took[step.resolution] = took.get(step.resolution, 0.0) + (now - before) * 1e3
            before = now
            start = step
        return start, took, True

    @staticmethod
    def _now(model: Model) -> float:
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        return time.perf_counter()


def render(scene: Scene, models: ModelStore, half: bool = False) -> Frame:
    """The picture of one Scene, from nothing; see `Renderer.render`."""
    return Renderer(models, half, cache_bytes=0).render(scene)
