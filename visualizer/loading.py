"""Models on their way into the window: one at a time, each on a Job, while the model shown stays explorable."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stylegan_core.model import Model
from stylegan_core.models import load_model
from stylegan_core.scene import ModelRef, Scene
from visualizer.jobs import Job
from visualizer.library import model_file
from visualizer.memory import Memory

Which = Literal["G_ema", "G"]


@dataclass(frozen=True)
class Loading:
    """A model on its way: the Job, and the Scene to go to when it is there (None: fit the one shown)."""

    path: Path
    job: Job[Model]
    which: Which = "G_ema"
    scene: Scene | None = None
    again: ModelRef | None = None  # the Scene shown needs this model, which had made room for others: stay with it

    def ref(self, model: Model) -> ModelRef:
        """How a Scene names the model that has come."""
        return ModelRef(digest=model.card.digest, path=str(self.path), which=self.which)


class Loader:
    """Belongs to the UI thread, but for `read`. `say` tells the person at the window what is wrong."""

    def __init__(self, memory: Memory, say: Callable[[str, Literal["error"]], None]):
        self._memory, self._say = memory, say
        self.current: Loading | None = None

    def open(self, path: Path, device: str, which: Which, scene: Scene | None) -> None:
        """Read a model's file, in place of what is under way; see `Explorer.open_model`."""
        self.drop()
        try:
            str(path).encode()
        except UnicodeEncodeError:  # no Scene can name it
            shown = str(path).encode(errors="replace").decode()
            self._say(f"The name of {shown} is not UTF-8; rename it to open it.", "error")
            return

        def load(job: Job[Model]) -> Model:
            return self._memory.read(
                path.name, lambda: load_model(path, device, which, job.report, lambda: job.cancelled)
            )

        self.current = Loading(path, Job(f"Opening {path.name}", load), which, scene)

    def open_again(self, ref: ModelRef) -> None:
        """Read a model that has made room for others."""

        def load(job: Job[Model]) -> Model:
            return self.read(ref, job.report, lambda: job.cancelled)

        path = Path(ref.path)
        self.current = Loading(path, Job(f"Opening {path.name}", load), again=ref)

    def read(self, ref: ModelRef, progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Model:
        """On a thread that may wait: a model that may have made room for others."""
        located = ref.model_copy(update={"path": str(model_file(ref))})
        return self._memory.read(located.path, lambda: self._memory.models.get(located, progress, cancelled))

    def drop(self) -> None:
        """Give up what is under way."""
        if self.current is not None:
            self.current.job.cancel()
            self.current = None

    def finished(self) -> Loading | None:
        """What has ended since the last look, with its Job's result, if it has one; errors have been said."""
        if self.current is None or not self.current.job.done:
            return None
        loading, self.current = self.current, None
        if loading.job.error is not None:
            self._say(loading.job.error, "error")
        wanted = loading.scene.model.digest if loading.scene is not None else ""
        if wanted and loading.job.result is not None and loading.job.result.card.digest != wanted:
            words = f"{loading.path} is not the model that the Scene was made with; open the right file."
            self._say(words, "error")
            return None
        return loading
