"""Inspection: what is inside the live picture's network, for the view that shows it, as numpy.

It is made when the worker has nothing live to do, and always for the newest Scene: what is in between is left out.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor

from stylegan_core.card import LayerInfo, ModelCard
from stylegan_core.errors import Cancelled
from stylegan_core.maps import Sheet, activation_pixels, look_layout, order_of
from stylegan_core.memory import is_out_of_memory
from stylegan_core.ops import Poll
from stylegan_core.probe import LayerReport
from stylegan_core.render import NO_MEMORY, Renderer
from stylegan_core.scene import Grid, Look, Scene, View
from stylegan_core.spectrum import spectrum
from visualizer.files import free_place
from visualizer.recording import Recording
from visualizer.tasks import Tasks, describe
from visualizer.worker import Worker, to_rgba

REST_S = 0.3  # how long a Scene rests before all layers are measured, for that runs the whole network


@dataclass(frozen=True, eq=False)
class Radial:
    """The power of a map by frequency, whatever the direction."""

    frequencies: np.ndarray  # float32 [n], cycles per picture
    power_db: np.ndarray  # float32 [n]


@dataclass(frozen=True, eq=False)
class Inside:
    """One layer of a Scene."""

    scene: Scene  # whose look says which layer, and how it is shown
    layer: LayerInfo
    values: np.ndarray  # what the layer gives, float32 [C, H, W]
    rgba: np.ndarray  # the same as the look shows it, uint8 [H', W', 4]
    sheet: Sheet  # which map is where on that
    style: np.ndarray  # its style vector before edits, float32 [channels]; empty: it has none
    power_db: np.ndarray | None = None  # float32 [H, W], frequency 0 at [H // 2, W // 2], where the look shows it
    radial: Radial | None = None  # of the same


class Inspection:
    """Belongs to the UI thread, but for what it has the worker do."""

    def __init__(self, renderer: Renderer, worker: Worker, tasks: Tasks, say: Callable[..., None]):
        self._renderer, self._worker, self._tasks, self._say = renderer, worker, tasks, say
        self.inside: Inside | None = None  # the newest that has come
        self.reports: dict[str, LayerReport] = {}  # by the layer's name, of the newest Scene that rested
        self.recording: Recording | None = None  # of how the look changes
        self._digest = ""  # of the model that both are of
        self._future: Future[Inside | tuple[LayerReport, ...] | None] | None = None
        self._looking = False  # whether that is a look, or reports
        self._wanted: tuple[Scene, LayerInfo] | None = None
        self._asked: tuple[Scene, LayerInfo] | None = None
        self._measured: Scene | None = None  # the Scene whose reports were asked for
        self._drawn: Scene | None = None  # the newest, without what no layer depends on
        self._rested_at = 0.0  # when that has rested long enough
        self._computed: object = None  # in what precision, and where

    @property
    def busy(self) -> bool:
        """Whether what the newest Scene looks at has yet to come."""
        if self._wanted is None:
            return False
        return self._wanted != self._asked or (self._future is not None and self._looking)

    def follow(self, scene: Scene, card: ModelCard, now: float | None = None) -> None:
        """Once a frame while the view is shown: take in what is ready, and ask for what this Scene looks at."""
        now = time.monotonic() if now is None else now
        if card.digest != self._digest:
            self._digest, self.inside, self.reports = card.digest, None, {}
        computed = self._renderer.half, self._renderer.models.device
        if computed != self._computed:
            self._computed, self._asked, self._measured = computed, None, None
        self._collect()
        scene = scene.model_copy(update={"grid": Grid(), "view": View()})
        drawn = scene.model_copy(update={"look": Look()})
        if drawn != self._drawn:
            self._drawn, self._rested_at = drawn, now + REST_S
        layer = looked_at(scene, card)
        self._wanted = None if layer is None else (scene, layer)
        if self._future is not None or not self._renderer.models.has(scene.model):
            return
        if self._wanted is not None and self._wanted != self._asked:
            self._asked, self._looking = self._wanted, True
            self._future = self._worker.call(self._look)
        elif drawn != self._measured and now >= self._rested_at:
            self._measured, self._looking = drawn, False
            self._future = self._worker.call(partial(self._measure, drawn))

    def leave(self) -> None:
        """The view has been put away: ask for nothing, keep nothing."""
        self.stop_recording()
        self.inside = self._wanted = self._asked = self._measured = None

    def record(self, folder: Path, name: str) -> None:
        """Begin a video: a frame for every picture of the layer that comes from now on, and for the one shown."""
        self.stop_recording()
        self.recording = Recording(free_place(folder, name, ".mp4"))
        if self.inside is not None:
            self.recording.add(self.inside.rgba[..., :3])

    def stop_recording(self) -> None:
        """The video ends here, if there is one; a notice says where it is once it is whole."""
        recording, self.recording = self.recording, None
        if recording is None:
            return

        def told(_: None) -> None:
            if recording.error is None:
                self._say(f"Saved {recording.path} ({recording.frames} frames).")
            else:
                self._say(recording.error, "error")

        recording.stop()
        self._tasks.on_disk(recording.wait, told)

    # -- on the worker -------------------------------------------------------------------------------------------------

    def _look(self, poll: Poll) -> Inside | None:
        """It may start over when a live picture came between; then for what is wanted by then."""
        wanted = self._wanted
        if wanted is None:
            return None
        (scene, layer), look = wanted, wanted[0].look
        x = self._renderer.tap(scene, layer.name, poll)
        order = order_of(x, look)
        power_db, radial = None, None
        if look.show == "spectrum":
            found = spectrum(x[order[0]], look.spectrum_beta)
            power_db = _numpy(found.power_db)
            radial = Radial(_numpy(found.frequencies), _numpy(found.radial_db))
        style = (
            _numpy(self._renderer.style(scene, layer.name, poll)) if layer.style_channels else np.zeros(0, np.float32)
        )
        rgba = _numpy(to_rgba(activation_pixels(x, look)))
        return Inside(scene, layer, _numpy(x), rgba, look_layout(x.shape, look, order), style, power_db, radial)

    def _measure(self, scene: Scene, poll: Poll) -> tuple[LayerReport, ...]:
        def given_way() -> None:
            poll()
            if self._wanted not in (None, self._asked):
                raise Cancelled  # somebody looks at something else, which takes less

        return self._renderer.report(scene, given_way)

    # -- within --------------------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        future = self._future
        if future is None or not future.done():
            return
        self._future = None
        if future.cancelled():  # too much was waiting: try again
            self._asked = self._measured = None
        elif (error := future.exception()) is not None:
            self._failed(error)
        elif isinstance(found := future.result(), Inside):
            self._asked = (found.scene, found.layer)  # it may have started over, for a newer Scene
            if found.scene.model.digest == self._digest and self._wanted is not None:
                self.inside = found
                if self.recording is not None:
                    self.recording.add(found.rgba[..., :3])
        elif found is not None:
            self.reports = {report.name: report for report in found}

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, Cancelled):
            self._measured = None
        else:
            self.inside = None
            self._say(NO_MEMORY if is_out_of_memory(error) else describe(error), "error")


def looked_at(scene: Scene, card: ModelCard) -> LayerInfo | None:
    """The layer whose activations a Scene looks at; None: none of this model's."""
    look = scene.look
    found = (layer for layer in card.layers if look.at == "layer" and layer.name == look.layer)
    return next(found, None)


def _numpy(x: Tensor) -> np.ndarray:
    values: np.ndarray = x.detach().cpu().numpy()
    return values
