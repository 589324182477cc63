"""render(scene, models) -> Frame, in stages that are remembered: style vectors, blocks of synthesis, pixels.

A stage runs again only if something that decides it has changed. `render` is a pure function of the Scene, given the
models: what is remembered changes how long it takes, never what comes out.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from stylegan_core.errors import StyleScopeError
from stylegan_core.latent import map_latent, scene_ws, style_keys
from stylegan_core.model import Model
from stylegan_core.models import ModelStore
from stylegan_core.network import Step
from stylegan_core.noise import layer_key
from stylegan_core.ops import Poll, no_poll
from stylegan_core.scene import ClassWeight, Latent, Scene
from stylegan_core.transform import input_matrix, motion, warp


@dataclass(frozen=True)
class Frame:
    """A picture and how it came to be, or why it did not."""

    scene: Scene
    pixels: Tensor | None = None  # uint8 [H, W, C], on the model's device
    revision: int = 0  # of the Scene in the store that asked
    timings_ms: Mapping[str, float] = field(default_factory=dict)  # "map", "synthesis", "develop"
    error: str | None = None  # one sentence
    preview: bool = False  # a coarser block's picture: smaller than the full one
    steps_ms: Mapping[int, float] = field(default_factory=dict)  # by block resolution, those that ran


def develop(img: Tensor) -> Tensor:
    """Pixels of one picture.

    Args:
        img: [C, H, W], nominal range [-1, 1].

    Returns:
        uint8 [H, W, C]: round half up of (img + 1) * 127.5, as the official tools save pictures.
    """
    return (img * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()


class StageCache:
    """What stages gave, newest first to stay, within a limit of memory, by all that decides it.

    Values are tensors, or tuples with tensors in them such as a Step.
    """

    def __init__(self, limit_bytes: int):
        self.limit_bytes = limit_bytes
        self.num_bytes = 0
        self._values: OrderedDict[object, Any] = OrderedDict()

    def get(self, key: object) -> Any:
        """The value, or None; it counts as used."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: object, value: Any) -> None:
        """Keep a value; the least recently used make room. One that is over the limit by itself is not kept."""
        if _num_bytes(value) > self.limit_bytes:
            return
        if key in self._values:
            self.num_bytes -= _num_bytes(self._values.pop(key))
        self._values[key] = value
        self.num_bytes += _num_bytes(value)
        while self.num_bytes > self.limit_bytes:
            self.num_bytes -= _num_bytes(self._values.popitem(last=False)[1])

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self.num_bytes = 0


def _num_bytes(value: Any) -> int:
    parts = [value] if isinstance(value, Tensor) else value
    return sum(part.numel() * part.element_size() for part in parts if isinstance(part, Tensor))


class Renderer:
    """Renders Scenes one after another, remembering stages between them. Used by one thread at a time."""

    def __init__(self, models: ModelStore, half: bool = False, cache_bytes: int = 512 << 20):
        self.models = models
        self.half = half  # half precision where a model is meant for it, on a GPU
        self.cache = StageCache(cache_bytes)

    def render(self, scene: Scene, revision: int = 0, stop_at: int | None = None, poll: Poll = no_poll) -> Frame:
        """The picture of a Scene.

        Args:
            scene: what to show.
            revision: passed through to the Frame.
            stop_at: a block resolution in px whose picture will do, as a preview; None: the full picture.
            poll: called between pieces of the work; may raise to drop it.

        Returns:
            A Frame. What the user can do something about (a missing model, memory) is its `error`.

        Raises:
            Cancelled: from `poll`.
        """
        try:
            return self._rendered(scene, revision, stop_at, poll)
        except (StyleScopeError, ValueError) as error:
            return Frame(scene, revision=revision, error=str(error))
        except torch.OutOfMemoryError:
            self.cache.clear()
            return Frame(scene, revision=revision, error="The device has no memory left for this picture.")

    @torch.inference_mode()
    def _rendered(self, scene: Scene, revision: int, stop_at: int | None, poll: Poll) -> Frame:
        started = time.perf_counter()
        model = self.models.get(scene.model)
        ws = scene_ws(scene, model, partial(self._mapped, scene.model.which))
        mapped = self._now(model)
        last, steps_ms = self._synthesized(scene, model, ws, stop_at, poll)
        synthesized = self._now(model)
        assert last.img is not None  # blocks without a picture are never stopped at
        img = warp(last.img, input_matrix(scene.transform)) if scene.transform.untransform else last.img
        pixels = develop(img[0])
        developed = self._now(model)
        timings = {"map": mapped - started, "synthesis": synthesized - mapped, "develop": developed - synthesized}
        return Frame(
            scene,
            pixels,
            revision,
            {name: seconds * 1e3 for name, seconds in timings.items()},
            preview=last.resolution < model.card.resolution,
            steps_ms=steps_ms,
        )

    def _mapped(self, which: str, model: Model, latent: Latent, classes: tuple[ClassWeight, ...]) -> Tensor:
        """`map_latent`, remembered: psi, mixing amounts and noise do not change what the mapping network gives."""
        key = (model.card.digest, which, model.device, latent, classes)
        ws = self.cache.get(key)
        if ws is None:
            ws = map_latent(model, latent, classes)
            self.cache.put(key, ws)
        return ws

    def _synthesized(
        self, scene: Scene, model: Model, ws: Tensor, stop_at: int | None, poll: Poll
    ) -> tuple[Step, dict[int, float]]:
        """Blocks up to `stop_at`, from the last one that is remembered on."""
        if stop_at is None or not model.card.has_preview:
            stop_at = model.card.resolution
        moved = motion(scene.transform)
        matrix = None if moved is None else input_matrix(moved)
        if moved is not None:
            stop_at = max(stop_at, model.card.moved_px)  # coarser pictures are not moved yet
        keys = self._step_keys(scene, model)
        resolutions = [(index, self._resolution(model, index)) for index in range(len(keys))]
        last = max((index for index, resolution in resolutions if resolution <= stop_at), default=0)
        start = next((step for key in reversed(keys[: last + 1]) if (step := self.cache.get(key)) is not None), None)
        took: dict[int, float] = {}
        if start is not None and start.position == last:
            return start, took
        before = self._now(model)
        for step in model.steps(ws, scene.noise, matrix, half=self.half, poll=poll, start=start):
            self.cache.put(keys[step.position], step)
            now = self._now(model)
            took[step.resolution], before = (now - before) * 1e3, now
            start = step
            if step.position == last:
                break
        assert start is not None
        return start, took

    def _step_keys(self, scene: Scene, model: Model) -> list[object]:
        """For each step of synthesis all that decides it."""
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
            key = (key, styles[layer.ws_index], noise, moved)
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
