"""render(scene, models) -> Frame, in stages that are remembered: style vectors, blocks of synthesis, pixels.

A stage runs again only if something that decides it has changed. `render` is a pure function of the Scene, given the
models: what is remembered changes how long it takes, never what comes out.
"""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from stylegan_core.cuda_graphs import PictureGraphs
from stylegan_core.errors import StyleScopeError
from stylegan_core.latent import FindCentres, MapLatent, map_latent, scene_distances, scene_ws, style_keys
from stylegan_core.memory import attempt, release
from stylegan_core.model import Model
from stylegan_core.models import ModelStore
from stylegan_core.network import Step
from stylegan_core.noise import layer_key
from stylegan_core.ops import Poll, no_poll
from stylegan_core.scene import ClassWeight, Latent, Scene, View
from stylegan_core.transform import input_matrix, motion, warp
from stylegan_core.truncation import Distances

ADVICE = "close other programs, lower the memory limits, or choose half precision"
TOO_LARGE = f"There is no memory left for the full picture, so this is a smaller one; {ADVICE}."
NO_MEMORY = f"There is no memory left for this picture; {ADVICE}."


AS_IT_IS = View()


@dataclass(frozen=True)
class Frame:
    """A picture and how it came to be, or why it did not.

    One with pixels and an error is a preview that memory did not suffice to go beyond.
    """

    scene: Scene
    pixels: Tensor | None = None  # uint8 [H, W, C], on the model's device
    revision: int = 0  # of the Scene in the store that asked
    timings_ms: Mapping[str, float] = field(default_factory=dict)  # "map", "synthesis", "develop"
    error: str | None = None  # one sentence
    preview: bool = False  # a coarser block's picture: smaller than the full one
    steps_ms: Mapping[int, float] = field(default_factory=dict)  # by block resolution, those that ran


def develop(img: Tensor, view: View = AS_IT_IS) -> Tensor:
    """Pixels of one picture.

    Args:
        img: [C, H, W], nominal range [-1, 1].
        view: gain and channel.

    Returns:
        uint8 [H, W, C]: round half up of (img + 1) * 127.5, as the official tools save pictures.
    """
    if view.channel is not None:
        if view.channel >= len(img):
            raise ValueError(f"channel {view.channel} does not exist; the picture has channels 0 to {len(img) - 1}.")
        img = img[view.channel : view.channel + 1]
    return (img * (127.5 * 10 ** (view.gain_db / 20)) + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()


class StageCache:
    """What stages gave, newest first to stay, within a limit of memory, by all that decides it.

    Values are tensors, or tuples with tensors in them such as a Step. Safe to use from several threads, and so to be
    shared by several Renderers: what one has made, none makes again.
    """

    def __init__(self, limit_bytes: int):
        self.limit_bytes = limit_bytes
        self.num_bytes = 0
        self._held: Counter[int] = Counter()  # how many values hold the memory at an address: steps share tensors
        self._values: OrderedDict[object, tuple[Any, str]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> Any:
        """The value, or None; it counts as used."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: object, value: Any, digest: str = "") -> None:
        """Keep a value that a model gave; the least recently used make room.

        One that is over the limit by itself is not kept.
        """
        with self._lock:
            if sum(t.untyped_storage().nbytes() for t in _tensors(value)) > self.limit_bytes:
                return
            if key in self._values:
                self._drop(key)
            self._values[key] = value, digest
            for tensor in _tensors(value):
                storage = tensor.untyped_storage()
                self._held[storage.data_ptr()] += 1
                self.num_bytes += storage.nbytes() if self._held[storage.data_ptr()] == 1 else 0
            self._fit()

    def set_limit(self, limit_bytes: int) -> None:
        """Change the limit, at once."""
        with self._lock:
            self.limit_bytes = limit_bytes
            self._fit()

    def forget(self, digest: str) -> None:
        """Drop what a model gave: it is in memory no more."""
        with self._lock:
            for key in [key for key, (_, owner) in self._values.items() if owner == digest]:
                self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._held.clear()
            self.num_bytes = 0

    def _fit(self) -> None:
        while self.num_bytes > self.limit_bytes:
            self._drop(next(iter(self._values)))

    def _drop(self, key: object) -> None:
        value, _ = self._values.pop(key)
        for tensor in _tensors(value):
            storage = tensor.untyped_storage()
            self._held[storage.data_ptr()] -= 1
            if not self._held[storage.data_ptr()]:
                del self._held[storage.data_ptr()]
                self.num_bytes -= storage.nbytes()


def _tensors(value: Any) -> list[Tensor]:
    return [part for part in ([value] if isinstance(value, Tensor) else value) if isinstance(part, Tensor)]


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
        """The picture of a Scene.

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
            frame = attempt(partial(self._rendered, scene, revision, stop_at, poll))
            if frame is None:
                self.make_room(scene)
                frame = attempt(partial(self._rendered, scene, revision, stop_at, poll, sparing=True))
        except (StyleScopeError, ValueError) as error:
            return Frame(scene, revision=revision, error=str(error))
        return frame or Frame(scene, revision=revision, error=NO_MEMORY)

    def make_room(self, scene: Scene) -> None:
        """Give up all memory but that of the Scene's model and of the one that the window shows."""
        self.cache.clear()
        if self.graphs is not None:
            self.graphs.runner.clear()
        self.models.make_room(scene.model)
        release()

    @torch.inference_mode()
    def _rendered(
        self, scene: Scene, revision: int, stop_at: int | None, poll: Poll, sparing: bool = False
    ) -> Frame | None:
        started = time.perf_counter()
        model = self.models.get(scene.model)
        ws = scene_ws(scene, model, *self._remembered(scene, poll))
        mapped = self._now(model)
        last, steps_ms, whole = self._synthesized(scene, model, ws, stop_at, poll, sparing)
        if last is None or last.img is None or not (whole or model.card.has_preview):
            return None  # there is no coarser picture to show
        synthesized = self._now(model)
        img = warp(last.img, input_matrix(scene.transform)) if scene.transform.untransform else last.img
        pixels = develop(img[0], scene.view)
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
        )

    def distances(self, scene: Scene, poll: Poll = no_poll) -> Distances:
        """How far a Scene's style vectors are from what truncation draws them to; synthesis is not run."""
        model = self.models.get(scene.model)
        return scene_distances(scene, model, *self._remembered(scene, poll))

    def _remembered(self, scene: Scene, poll: Poll) -> tuple[MapLatent, FindCentres]:
        """What maps latents and finds centres for a Scene, and remembers what it gave."""
        which = scene.model.which
        return partial(self._mapped, which), partial(self.models.centres.find, which=which, poll=poll)

    def _mapped(self, which: str, model: Model, latent: Latent, classes: tuple[ClassWeight, ...]) -> Tensor:
        """`map_latent`, remembered: psi, mixing amounts and noise do not change what the mapping network gives."""
        key = (model.card.digest, which, model.device, latent, classes)
        ws = self.cache.get(key)
        if ws is None:
            ws = map_latent(model, latent, classes)
            self.cache.put(key, ws, model.card.digest)
        return ws

    def _synthesized(
        self, scene: Scene, model: Model, ws: Tensor, stop_at: int | None, poll: Poll, sparing: bool
    ) -> tuple[Step | None, dict[int, float], bool]:
        """Blocks up to `stop_at`, from the last one that is remembered on.

        Returns:
            The last block, the times of those that ran, and whether it is the one that was asked for. `sparing`
            remembers nothing, and ends before the block for which there is no memory.
        """
        if stop_at is None or not model.card.has_preview:
            stop_at = model.card.resolution
        moved = motion(scene.transform)
        matrix = None if moved is None else input_matrix(moved)
        if moved is not None:
            stop_at = max(stop_at, model.card.moved_px)  # coarser pictures are not moved yet
        max_rate = model.card.preview_px if stop_at <= model.card.preview_px else None
        keys = self._step_keys(scene, model, max_rate)
        if model.card.preview_px:
            last = len(keys) - 1
        else:
            resolutions = [(index, self._resolution(model, index)) for index in range(len(keys))]
            stop_at = max(stop_at, resolutions[0][1])
            last = max(index for index, resolution in resolutions if resolution <= stop_at)
        start = next((step for key in reversed(keys[: last + 1]) if (step := self.cache.get(key)) is not None), None)
        took: dict[int, float] = {}
        if start is not None and start.position == last:
            return start, took, True
        if start is None and last == len(keys) - 1 and self.graphs is not None and not sparing:
            inputs = model.inputs(scene.noise, matrix, scene.lod, self.half, max_rate)
            img = self.graphs.picture(model.network, ws.to(model.device, torch.float32), inputs)
            if img is not None:
                whole = Step(last, model.card.resolution, img, img)  # the last step: nobody goes on from its features
                self.cache.put(keys[last], whole, model.card.digest)
                return whole, took, True
        before = self._now(model)
        steps = model.steps(ws, scene.noise, matrix, scene.lod, self.half, max_rate, poll, start)
        while start is None or start.position < last:
            step = attempt(partial(next, steps)) if sparing else next(steps)
            if step is None:
                return start, took, False
            if not sparing:
                self.cache.put(keys[step.position], step, model.card.digest)
            now = self._now(model)
            took[step.resolution] = took.get(step.resolution, 0.0) + (now - before) * 1e3
            before = now
            start = step
        return start, took, True

    def _step_keys(self, scene: Scene, model: Model, max_rate: int | None) -> list[object]:
        """For each step of synthesis all that decides it."""
        capped = model.network.first_capped(max_rate)
        styles = style_keys(scene, model.card.num_ws)
        key: object = (model.card.digest, scene.model.which, model.device, self.half)
        keys: list[object] = [None] * model.network.num_steps
        motion_key = motion(scene.transform)
        noise_index = 0
        for layer in model.card.layers:
            moved = motion_key if layer.resolution >= model.card.moved_px else None
            noise: Any = None
            if layer.has_noise:
                noise = layer_key(scene.noise, noise_index)
                noise_index += 1
            fade = min(max(scene.lod - (model.card.max_lod - layer.step), 0.0), 1.0)  # what is coarse stays as it is
            rate = max_rate if layer.step >= capped else None
            key = (key, styles[layer.ws_index], noise, moved, fade, rate)
            keys[layer.step] = key
        return keys

    @staticmethod
    def _resolution(model: Model, index: int) -> int:
        """Size in px of the picture after a step."""
        return next(layer.resolution for layer in model.card.layers if layer.step == index)

    @staticmethod
    def _now(model: Model) -> float:
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        return time.perf_counter()


def render(scene: Scene, models: ModelStore, half: bool = False) -> Frame:
    """The picture of one Scene, from nothing; see `Renderer.render`."""
    return Renderer(models, half, cache_bytes=0).render(scene)
