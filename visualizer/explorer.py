"""Explorer: the live application without its window. Panels, keys and scripts call it on the UI thread.

It owns the store, the worker, the models and the session, and it never waits: what takes time is a Job or a Future
that `tick` looks at once a frame.
"""

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any, Literal

import torch

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.cuda_graphs import PictureGraphs
from stylegan_core.errors import StyleScopeError
from stylegan_core.memory import MIB, release
from stylegan_core.model import Model
from stylegan_core.models import devices, load_model
from stylegan_core.ops import Poll
from stylegan_core.picture import read_scene, write_png
from stylegan_core.render import Renderer
from stylegan_core.scene import ModelRef, Scene
from visualizer.companion import Companion
from visualizer.equivariance import Measuring
from visualizer.favourites import Favourites
from visualizer.jobs import Job
from visualizer.library import starter_models
from visualizer.memory import Memory
from visualizer.motion import Motion
from visualizer.session import MOST_MIB, Session, SessionError, SessionKeeper, read_session, write_session
from visualizer.store import Edit, P, Store
from visualizer.tasks import Tasks, describe
from visualizer.worker import Shown, Worker, to_rgba

log = logging.getLogger(__name__)

KEEP_EVERY_S = 2.0  # how often a changed session is written
PLAY_HZ = 12.0  # noise maps a second while noise plays
RANDOM_SEEDS = 10_000_000  # short enough to say aloud, enough never to meet anyone twice


@dataclass(frozen=True)
class Notice:
    """A line for the person at the window."""

    text: str
    kind: Literal["info", "error"] = "info"
    time: float = 0.0  # time.monotonic() when it came up


@dataclass(frozen=True)
class Loading:
    """A model on its way: the Job, and the Scene to go to when it is there (None: fit the one shown)."""

    path: Path
    job: Job[Model]
    scene: Scene | None = None
    again: ModelRef | None = None  # the Scene shown needs this model, which had made room for others: stay with it


def absolute(path: Path) -> Path:
    """The path from the root; ~ is the home folder."""
    with suppress(RuntimeError):  # the home of somebody who does not exist
        path = path.expanduser()
    return path.absolute()


def on_disk(path: Path) -> bool:
    """Whether a path from a file, which may hold anything, leads to something."""
    try:
        return path.exists()
    except OSError:  # such as a name that is too long
        return False


def model_file(ref: ModelRef) -> Path:
    """Where a Scene's model is: at its path, or among the starter models, which lie elsewhere on every machine."""
    path = Path(ref.path)
    if on_disk(path):
        return path
    return next((starter for starter in starter_models() if starter.name == path.name), path)


class Explorer:
    """See the module. `folder` is where the session is kept, `pictures` where captures go."""

    def __init__(self, folder: Path, pictures: Path, device: str | None = None):
        self.keeper = SessionKeeper(folder)
        self.pictures = pictures
        self.notice = Notice("")
        self.session = self._loaded_session()
        device = device or self.session.device
        self.device = device if device in devices() else devices()[0]
        self.memory = Memory(self.device, self.session)
        self.models = self.memory.models
        graphs = PictureGraphs() if torch.cuda.is_available() else None
        self.renderer = Renderer(self.models, half=self.half, cache=self.memory.steps, graphs=graphs)
        self.worker = Worker(self.renderer)
        self.tasks = Tasks(self.worker, self.say)
        self.favourites = Favourites(self.session.pins, self.tasks, self._full, self._ready)
        self.companion = Companion(self.models, self.worker, self._full, self.say)
        self.store = Store(Scene())
        self.motion = Motion(self.store)
        self.measuring = Measuring(self.models)
        self.card: ModelCard | None = None
        self.loading: Loading | None = None
        self.latest: Shown | None = None  # newest frame, also a failed one
        self.playing_noise = False
        self.crashed_session = self.session if self.keeper.crashed and self.session.scene.model.path else None
        self._first_file: Path | None = None
        self._cards: dict[str, ModelCard] = {}
        self._asked: Scene | None = None  # the Scene whose picture was asked for last
        self._asked_playing = False  # whether it was one of many that play
        self._held: tuple[ModelRef, ...] = ()  # models that may not make room for others
        self._unkept = ""  # why the session could not be written last time
        self._kept_at = self._played_at = 0.0
        self._random = random.Random()

    # -- the loop ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The window is open: mark it, and show what the last session ended with, or a starter model."""
        self._guarded(self.keeper.begin)
        last = self.session.scene
        if self._first_file is not None:
            self.open_file(self._first_file)
        elif last.model.path and on_disk(model_file(last.model)) and not self.keeper.crashed:
            self.open_scene(last)
        elif starters := starter_models():
            if last.model.path and not self.keeper.crashed:
                self._set_session_aside(f"{last.model.path} is not there.")
            self.open_model(starters[0])

    def start_with(self, path: Path) -> None:
        """Have `begin` open this file instead."""
        self._first_file = absolute(path)

    def tick(self, now: float | None = None) -> Shown | None:
        """Once a frame: take in what has become ready, ask for a picture if the Scene changed.

        Returns:
            A picture to present, if there is a new one.
        """
        now = time.monotonic() if now is None else now
        self._collect_loading()
        self.tasks.collect()
        if self.playing_noise and self.store.scene.noise.mode == "random" and now - self._played_at >= 1 / PLAY_HZ:
            self._played_at = now
            self.store.drift(edits.set_noise_seed, self.store.scene.noise.seed + 1)
        self._move(now)
        if (error := self.measuring.collect()) is not None:
            self.say(error, "error")
        self._hold()
        self._ask()
        self.companion.follow(self.store.scene)
        if now - self._kept_at >= KEEP_EVERY_S:
            self._kept_at = now
            self.keep()
        shown = self.worker.outbox.take()
        if shown is not None:
            self._report(shown)
        return shown if shown is not None and shown.rgba is not None else None

    def close(self) -> None:
        """The window closes as it should: everything is kept."""
        self.motion.stop()
        self.keep()
        self._drop_loading()
        self.companion.close()
        self.measuring.cancel()
        self.tasks.close()
        self._guarded(self.keeper.end)

    def keep(self) -> None:
        """Write the session to its folder, if it has changed."""
        # What crashed stays in the file as long as it is on offer.
        if not self.store.scene.model.digest or self.crashed_session is not None:
            return
        session = self._current_session()

        def write() -> str:
            try:
                self.keeper.keep(session)
            except SessionError as error:
                return str(error)
            return ""

        def written(error: str) -> None:
            if error not in ("", self._unkept):  # said once, not at every try
                self.say(error, "error")
            self._unkept = error

        self.tasks.on_disk(write, written)

    def say(self, text: str, kind: Literal["info", "error"] = "info") -> None:
        """Tell the person at the window something. An error that stands there already is not told again."""
        if kind == "error":
            if text == self.notice.text:
                return
            log.warning(text)
        self.notice = Notice(text, kind, time.monotonic())

    # -- Scene ---------------------------------------------------------------------------------------------------------

    @property
    def scene(self) -> Scene:
        """The Scene shown."""
        return self.store.scene

    def edit(self, name: str, edit: Edit[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """Part of an interaction; see `Store.edit`."""
        self.store.edit(name, edit, *args, **kwargs)

    def do(self, name: str, edit: Edit[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """A change that is whole by itself; see `Store.do`."""
        self.store.do(name, edit, *args, **kwargs)

    def random_person(self) -> None:
        """Somebody who does not exist."""
        self.do("Someone new", edits.set_seed, self._random.randrange(RANDOM_SEEDS))

    def random_seed(self) -> int:
        """A seed for anything but the person."""
        return self._random.randrange(RANDOM_SEEDS)

    def undo(self) -> None:
        """Take back the last thing done."""
        self.motion.stop()
        name = self.store.undo()
        self.say(f"Undone: {name}" if name else "Nothing to undo.")

    def redo(self) -> None:
        """Do again what was taken back."""
        self.motion.stop()
        name = self.store.redo()
        self.say(f"Redone: {name}" if name else "Nothing to redo.")

    # -- models --------------------------------------------------------------------------------------------------------

    def open_model(self, path: Path, which: Literal["G_ema", "G"] = "G_ema", scene: Scene | None = None) -> None:
        """Load a model beside the one shown, which stays until the new one is there.

        Args:
            path: the file.
            which: the generator's moving average, or the one in training.
            scene: the Scene to go to then; None: the one shown, fitted to the model.
        """
        self._drop_loading()
        path = absolute(path)
        try:
            str(path).encode()
        except UnicodeEncodeError:  # no Scene can name it
            shown = str(path).encode(errors="replace").decode()
            self.say(f"The name of {shown} is not UTF-8; rename it to open it.", "error")
            return
        device = self.device

        def load(job: Job[Model]) -> Model:
            return self.memory.read(
                path.name, lambda: load_model(path, device, which, job.report, lambda: job.cancelled)
            )

        self.loading = Loading(path, Job(f"Opening {path.name}", load), scene)

    def cancel_loading(self) -> None:
        """Stay with the model shown."""
        if self.loading is not None:
            if self.loading.again is not None:
                self._asked = self.store.scene  # there is no picture of it until it changes
            self._drop_loading()
            self.say("Opening was cancelled.")

    def _drop_loading(self) -> None:
        if self.loading is not None:
            self.loading.job.cancel()
            self.loading = None

    def _collect_loading(self) -> None:
        if self.loading is None or not self.loading.job.done:
            return
        loading, self.loading = self.loading, None
        if loading.job.error is not None:
            self.say(loading.job.error, "error")
        model = loading.job.result
        if loading.again is not None:
            if model is None:
                self._asked = self.store.scene
            return
        if model is None:
            return
        wanted = loading.scene.model if loading.scene is not None else None
        if wanted is not None and wanted.digest and wanted.digest != model.card.digest:
            self.say(f"{loading.path} is not the model that the Scene was made with; open the right file.", "error")
            return
        which = wanted.which if wanted is not None else "G_ema"
        self.adopt(model, ModelRef(digest=model.card.digest, path=str(loading.path), which=which), loading.scene)
        self.session = self.session.with_recent(str(loading.path))
        self.say(f"{model.card.name} is open.")

    def adopt(self, model: Model, ref: ModelRef, scene: Scene | None = None) -> None:
        """Go to a model that is in memory, with a Scene fitted to it (None: the one shown)."""
        self.models.add(model, ref.which)
        self._cards[model.card.digest] = self.card = model.card
        scene = edits.fit(scene or self.store.scene, model.card, ref)
        if self.store.scene.model.digest:
            self.do(f"Open {model.card.name}", edits.set_scene, scene)
        else:
            self.store.reset(scene)

    # -- files ---------------------------------------------------------------------------------------------------------

    def open_file(self, path: Path) -> None:
        """Open a model, a session or a picture, told apart by the file's first bytes."""

        def look() -> Scene | Session | None:
            with path.open("rb") as file:
                start = file.read(64)
            if start.startswith(b"\x89PNG"):
                return read_scene(path)
            if start.lstrip()[:1] == b"{":  # no model file starts so
                return read_session(path)
            return None

        def go(found: Scene | Session | None) -> None:
            if isinstance(found, Scene):
                self.open_scene(found)
            elif isinstance(found, Session):
                self.favourites.pins = found.pins
                self.open_scene(found.scene)
            else:
                self.open_model(path)

        self.tasks.on_disk(look, go)

    def open_scene(self, scene: Scene) -> None:
        """Go to a Scene exactly as it was made, opening its model first if need be."""
        self._drop_loading()
        if scene.model.digest in self._cards:
            # It is kept as it was made, unless somebody wrote it who did not know the model.
            fitted = edits.fit(scene, self._cards[scene.model.digest], scene.model)
            self.do("Open Scene", edits.set_scene, fitted)
            return
        self.open_model(model_file(scene.model), scene.model.which, scene)

    def save_session(self, path: Path) -> None:
        """Write the session to a file of one's own."""
        session = self._current_session()
        self.tasks.on_disk(lambda: write_session(session, path), lambda _: self.say(f"Session saved to {path}."))

    def restore_crashed(self, restore: bool) -> None:
        """Answer the offer to go on where the program died."""
        if restore and self.crashed_session is not None:
            self.open_scene(self.crashed_session.scene)
        self.crashed_session = None

    def capture(self, path: Path | None = None) -> None:
        """Save the Scene's full picture as a PNG that carries the Scene. The window goes on meanwhile."""
        scene = self.store.scene
        name = f"{self._model_name()}-seed{scene.latent.seed}-{time.strftime('%Y%m%d-%H%M%S')}"

        def free() -> Path:
            """Looked for when the picture is written: others may have been saved since it was asked for."""
            found = (self.pictures / f"{name}{more}.png" for more in chain([""], (f"-{n}" for n in count(2))))
            return next(place for place in found if not place.exists())

        def save(poll: Poll) -> str:
            pixels = self._full(scene, poll).frame.pixels
            assert pixels is not None
            place = path or free()
            write_png(place, pixels.cpu().numpy(), scene)
            return f"Saved {place}"

        self.tasks.on_worker(save, self.say, finish=True)

    def pin(self) -> None:
        """Keep the Scene as a favourite, and compare with it from now on."""
        scene = self.store.scene
        if scene.model.digest:
            self.favourites.pin(f"{self._model_name()} {scene.latent.seed}", scene)
            self.say("Pinned.")

    def arrange(self, **changes: Any) -> None:
        """Remember how the window is arranged; see `Layout` for the fields."""
        layout = self.session.layout.model_copy(update=changes)
        self.session = self.session.model_copy(update={"layout": layout})

    # -- device --------------------------------------------------------------------------------------------------------

    def use(self, device: str | None = None, half: bool | None = None) -> None:
        """Switch the device or the precision; pictures follow."""
        self.device = device or self.device
        half = self.session.half if half is None else half
        self.session = self.session.model_copy(update={"device": self.device, "half": half})
        target, half = torch.device(self.device), self.half

        def switch(poll: Poll) -> None:
            del poll
            self.models.device = target
            self.memory.limit(self.session)
            self.renderer.half = half
            self.renderer.cache.clear()
            self.worker.policy.forget()

        def switched(_: None) -> None:
            self._asked = None  # the picture shown was made before the switch

        self.tasks.on_worker(switch, switched)

    @property
    def half(self) -> bool:
        """Whether pictures are made in 16 bits where those are quicker. On a CPU that has to be asked for."""
        return self.device != "cpu" if self.session.half is None else self.session.half

    def limit_memory(self, **changes: int | None) -> None:
        """Change the session's limits `models_mib` and `steps_mib`; None: as the device has."""
        limits = {name: None if mib is None else min(max(mib, 0), MOST_MIB) for name, mib in changes.items()}
        self.session = self.session.model_copy(update=limits)
        self.memory.limit(self.session)
        self.tasks.on_worker(lambda _: release(), lambda _: None)  # what was dropped goes back to the system

    def free_memory(self) -> None:
        """Give back all models but those shown, and the remembered steps."""

        def free(poll: Poll) -> int:
            del poll
            before = self.memory.num_bytes
            self.memory.free()
            return before - self.memory.num_bytes

        self.tasks.on_worker(free, lambda freed: self.say(f"Freed {freed / MIB:.0f} MiB."))

    # -- within --------------------------------------------------------------------------------------------------------

    def _hold(self) -> None:
        """Models that are shown may not make room for others."""
        card = self.companion.card
        shown = (self.store.scene.model, *([ModelRef(digest=card.digest)] if card is not None else []))
        if shown != self._held:
            self._held = shown
            self.models.hold(*shown)

    def _ask(self) -> None:
        """Ask for the picture of a new Scene; where its model had made room for others, once it is back."""
        scene = self.store.scene
        self.card = self._cards.get(scene.model.digest, self.card)
        if self.loading is not None and self.loading.again not in (None, scene.model):
            self._drop_loading()  # somebody went back meanwhile
        playing = self.motion.playing or self.playing_noise
        rests = self._asked_playing and not playing  # what is shown may be a preview
        if (scene == self._asked and not rests) or not scene.model.digest:
            return
        if self.models.has(scene.model):
            self._asked, self._asked_playing = scene, playing
            self.worker.show(scene, self.store.revision, playing)
        elif self.loading is None:
            self.loading = self._loading_again(scene.model)

    def _loading_again(self, ref: ModelRef) -> Loading:
        def read(job: Job[Model]) -> Model:
            return self._read_again(ref, job.report, lambda: job.cancelled)

        path = Path(ref.path)
        return Loading(path, Job(f"Opening {path.name}", read), again=ref)

    def _read_again(self, ref: ModelRef, progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Model:
        """On a thread that may wait: a model that may have made room for others."""
        located = ref.model_copy(update={"path": str(model_file(ref))})
        return self.memory.read(located.path, lambda: self.models.get(located, progress, cancelled))

    def _ready(self, ref: ModelRef, go: Callable[[], None]) -> None:
        """Call `go` once a model is in memory. It is read beside the worker, which has the live picture to make."""
        if self.models.has(ref):
            go()
        else:
            self.tasks.on_reader(lambda cancelled: self._read_again(ref, lambda _: None, cancelled), lambda _: go())

    def _report(self, shown: Shown) -> None:
        """Say what is wrong with the newest picture; what was wrong with the one before is over."""
        before, self.latest = self.latest, shown
        if shown.frame.error is not None:
            self.say(shown.frame.error, "error")
        elif before is not None and before.frame.error == self.notice.text:
            self.notice = Notice("")

    def _move(self, now: float) -> None:
        """Go on with what plays, as soon as the picture of where it is has come, and the one beside it."""
        failed = self.latest is not None and self.latest.rgba is None
        if self.motion.playing and (failed or self.card is None or not self.card.can_move):
            self.motion.stop()
        shown = self.latest.frame.scene if self.latest is not None else None
        if shown == self._asked and not self.companion.busy:
            self.motion.tick(now)

    def _full(self, scene: Scene, poll: Poll) -> Shown:
        """On the worker: the full picture, or the error that the Frame carries, raised."""
        frame = self.renderer.render(scene, poll=poll)
        if frame.pixels is None or frame.error is not None:
            raise StyleScopeError(frame.error or "The picture could not be made.")
        return Shown(frame, to_rgba(frame.pixels))

    def _guarded(self, function: Callable[[], object]) -> None:
        """Run something whose failure is for the person at the window to know."""
        try:
            function()
        except (StyleScopeError, OSError) as error:
            self.say(describe(error), "error")

    def _loaded_session(self) -> Session:
        try:
            return self.keeper.load() or Session()
        except StyleScopeError as error:
            self._set_session_aside(str(error))
            return Session()

    def _set_session_aside(self, why: str) -> None:
        """Keep a session that cannot be gone on with where nothing is written over it."""
        try:
            after = f"The last session was moved to {self.keeper.set_aside()}; this is a new one."
        except StyleScopeError as obstacle:
            after = str(obstacle)
        self.say(f"{why} {after}", "error")

    def _current_session(self) -> Session:
        changes: dict[str, Any] = {"pins": self.favourites.pins}
        if self.store.scene.model.digest:
            changes["scene"] = self.store.scene
        self.session = self.session.model_copy(update=changes)
        return self.session

    def _model_name(self) -> str:
        return self.card.name if self.card is not None else "picture"
