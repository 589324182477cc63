"""What the noise view shows: every layer's map and learned strength, and one layer's noise looked at in some way.

Everything is made when the worker has nothing live to do, and always for the newest Scene: what is in between is left
out, and what is under way for an older one is dropped.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from stylegan_core.card import ModelCard
from stylegan_core.errors import Cancelled
from stylegan_core.memory import is_out_of_memory
from stylegan_core.noise import layer_key
from stylegan_core.noise_look import effect, noise_look_pixels, noise_strength, noise_values, variation
from stylegan_core.ops import Poll
from stylegan_core.render import NO_MEMORY, Renderer
from stylegan_core.scene import Look, Scene, only_picture
from visualizer.tasks import describe
from visualizer.worker import Worker, to_rgba

Kind = Literal["noise", "effect", "variation"]
KINDS: tuple[Kind, ...] = ("noise", "effect", "variation")
THUMBNAIL_PX = 48  # a side, at most
THUMBNAIL_REACH = 2.5  # standard deviations from mid-grey to white
BINS = 64  # of the histogram

W = TypeVar("W")
R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class LayerNoise:
    """A layer as it stands in the list."""

    thumbnail: np.ndarray  # uint8 [h, w, 4]
    learned: float  # what training left to multiply the map by


@dataclass(frozen=True, eq=False)
class NoisePicture:
    """One layer's noise, looked at as a Scene's Look says, and the numbers behind it."""

    scene: Scene
    rgba: np.ndarray  # uint8 [H, W, 4]
    values: np.ndarray  # float32 [C, h, w]: of a map and of a variation C is 1
    counts: np.ndarray  # [BINS] values in each bin
    edges: np.ndarray  # [BINS + 1] between the bins


def look_at_noise(scene: Scene, card: ModelCard) -> Look:
    """The Scene's Look where it is one at noise; otherwise at the map of the layer that it names, or of the last."""
    look, names = scene.look, [layer.name for layer in card.noise_layers]
    at = look.at if look.at in KINDS else "noise"
    known = look.layer in names or (look.at in ("effect", "variation") and not look.layer)
    return look.model_copy(update={"at": at, "layer": look.layer if known else names[-1]})


def noise_thumbnail(values: Tensor) -> np.ndarray:
    """A small grey copy [h, w, 4] of a map [H, W]: every so many-th value, for the mean of many would be grey."""
    step = max(-(-max(values.shape) // THUMBNAIL_PX), 1)
    grey = (values[::step, ::step].float() / THUMBNAIL_REACH * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    return to_rgba(grey[..., None]).cpu().numpy()


class Newest(Generic[W, R]):
    """Makes `work(wish, poll)` on the worker for the newest wish alone, one at a time. Belongs to the UI thread."""

    def __init__(self, worker: Worker, work: Callable[[W, Poll], R], say: Callable[[str, Literal["error"]], None]):
        self._worker, self._work, self._say = worker, work, say
        self.result: R | None = None  # newest; of an older wish while `busy`
        self._wish: W | None = None
        self._asked: W | None = None  # the wish that was begun last
        self._future: Future[R] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self._future is not None

    def follow(self, wish: W | None) -> None:
        """Once a frame: take in what is ready, and begin what is wished for. None: nothing more."""
        if wish != self._wish:
            self._wish = wish
        self._collect()
        if self._future is None and self._wish is not None and self._wish != self._asked:
            self._asked = self._wish
            self._future = self._worker.call(self._run)

    def forget(self) -> None:
        """What was made is not as it would be made now: drop it."""
        self.result = self._wish = self._asked = None

    def _run(self, poll: Poll) -> R:
        """On the worker. What is begun again after a live picture is for the wish of that moment."""
        wish = self._wish
        if wish is None:
            raise Cancelled

        def unless_stale() -> None:
            poll()
            if self._wish is not wish:
                raise Cancelled

        self._asked = wish
        return self._work(wish, unless_stale)

    def _collect(self) -> None:
        future = self._future
        if future is None or not future.done():
            return
        self._future = None
        if future.cancelled() or isinstance(error := future.exception(), Cancelled):
            self._asked = None  # too much was waiting, or there is a newer wish: begin anew
        elif error is not None:
            self._say(NO_MEMORY if is_out_of_memory(error) else describe(error), "error")
        else:
            self.result = future.result()


class NoiseView:
    """Belongs to the UI thread. Reads models only while they are in memory."""

    def __init__(self, worker: Worker, renderer: Renderer, say: Callable[[str, Literal["error"]], None]):
        self._renderer = renderer
        self._list: Newest[Scene, dict[str, LayerNoise]] = Newest(worker, self._make_list, say)
        self._large: Newest[Scene, NoisePicture] = Newest(worker, self._make_large, say)
        self._made: dict[tuple[Any, ...], LayerNoise] = {}  # of the newest list, by all that decides each; worker's
        self._computed: tuple[object, ...] = ()  # of which model, in what precision, and where

    @property
    def layers(self) -> dict[str, LayerNoise]:
        """The newest list, by the layers' names; empty until it is there."""
        return self._list.result or {}

    @property
    def picture(self) -> NoisePicture | None:
        """The newest large picture; while `busy`, of an older Scene."""
        return self._large.result

    @property
    def busy(self) -> bool:
        """Whether the large picture is being made."""
        return self._large.busy

    def follow(self, scene: Scene, card: ModelCard) -> None:
        """Once a frame while the view is shown: have everything made for a Scene whose Look is one at noise."""
        if not self._renderer.models.has(scene.model) or scene.model.digest != card.digest:
            return
        computed = card.digest, self._renderer.half, self._renderer.models.device
        if computed != self._computed:
            self._computed = computed
            self._list.forget()
            self._large.forget()
        noise_alone = Scene(model=scene.model, noise=scene.noise)
        self._list.follow(noise_alone)
        only = noise_alone if scene.look.at == "noise" else only_picture(scene)
        self._large.follow(only.model_copy(update={"look": scene.look}))

    def rest(self) -> None:
        """The view is put away: nothing more is made."""
        self._list.follow(None)
        self._large.follow(None)

    @torch.inference_mode()
    def _make_list(self, scene: Scene, poll: Poll) -> dict[str, LayerNoise]:
        model = self._renderer.models.get(scene.model)
        found: dict[str, LayerNoise] = {}
        made: dict[tuple[Any, ...], LayerNoise] = {}
        for index, layer in enumerate(model.card.noise_layers):
            poll()
            key = (scene.model.digest, scene.model.which, index, layer_key(scene.noise, index))
            item = self._made.get(key)
            if item is None:
                values = noise_values(model, scene.noise, layer.name)
                item = LayerNoise(noise_thumbnail(values), noise_strength(model, layer.name))
            made[key] = found[layer.name] = item
        self._made = made
        return found

    @torch.inference_mode()
    def _make_large(self, scene: Scene, poll: Poll) -> NoisePicture:
        values = self._numbers(scene, poll).float().cpu().numpy()
        pixels = noise_look_pixels(self._renderer, scene, poll)
        reach = float(np.abs(values).max()) or 1.0
        counts, edges = np.histogram(values, BINS, (-reach if values.min() < 0 else 0.0, reach))
        return NoisePicture(scene, to_rgba(pixels).cpu().numpy(), values, counts, edges)

    def _numbers(self, scene: Scene, poll: Poll) -> Tensor:
        look = scene.look
        if look.at == "effect":
            return effect(self._renderer, scene, look.layer, poll)
        if look.at == "variation":
            return variation(self._renderer, scene, look.layer, look.seeds, poll)[None]
        return noise_values(self._renderer.models.get(scene.model), scene.noise, look.layer)[None]
