"""Explorer: the live application without its window. Panels, keys and scripts call it on the UI thread.

It ties together the store, the live picture, the models and the session, and it never waits: what takes time is a Job
or a Future that `tick` looks at once a frame.
"""

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.errors import StyleScopeError
from stylegan_core.memory import MIB, release
from stylegan_core.model import Model
from stylegan_core.models import devices
from stylegan_core.ops import Poll
from stylegan_core.picture import write_png
from stylegan_core.scene import Latent, ModelRef, Scene
from stylegan_core.walk import Take, Walk, scene_at
from visualizer.capturing import Capturing
from visualizer.companion import Companion
from visualizer.dataset_preparation import DatasetPreparation
from visualizer.equivariance import Measuring
from visualizer.exporting import Exporting
from visualizer.favourites import Favourites
from visualizer.files import Kept, free_place, read_kept, stamped
from visualizer.generating import Generating
from visualizer.grid import MixingGrid
from visualizer.grid_files import GridFiles
from visualizer.inspection import Inspection
from visualizer.keeping import Keeping
from visualizer.key_pictures import KeyPictures
from visualizer.library import absolute, located, model_file, on_disk, starter_models
from visualizer.live import LiveView
from visualizer.loading import Loader, Loading
from visualizer.memory import Memory
from visualizer.motion import Motion
from visualizer.noise_view import NoiseView
from visualizer.notice import Notice, Notices
from visualizer.preparing import Preparing
from visualizer.session import MOST_MIB, Session, SessionKeeper, write_session
from visualizer.signals.rack import Rack
from visualizer.signals.remote import Remote
from visualizer.store import Edit, P, Store
from visualizer.tasks import Tasks, describe
from visualizer.timeline import PLAY_NAME, Timeline
from visualizer.training import Training
from visualizer.training_time import TrainingTime
from visualizer.truncation import Centring
from visualizer.walk_keeping import WalkKeeper
from visualizer.worker import Shown

KEEP_EVERY_S = 2.0  # how often a changed session is written
PLAY_HZ = 12.0  # noise maps a second while noise plays
RANDOM_SEEDS = 10_000_000  # short enough to say aloud, enough never to meet anyone twice


class Explorer:
    """See the module. `folder` keeps the session, `pictures` get captures, and in `runs` models learn."""

    def __init__(self, folder: Path, pictures: Path, device: str | None = None, runs: Path | None = None):
        self.keeper = SessionKeeper(folder)
        self.pictures = pictures
        self.notices = Notices()
        self.say = self.notices.say
        self.keeping = Keeping(self.keeper, self.say)
        device = device or self.session.device
        self.device = device if device in devices() else devices()[0]
        self.memory = Memory(self.device, self.session)
        self.models = self.memory.models
        self.live = LiveView(self.memory, self.half)
        self.renderer, self.worker = self.live.renderer, self.live.worker
        self.tasks = Tasks(self.worker, self.say)
        self.favourites = Favourites(self.session.pins, self.tasks, self.live.full, self._ready)
        self.companion = Companion(self.memory, self.worker, self.live.full, self.say)
        self.inspection = Inspection(self.renderer, self.worker, self.tasks, self.say)
        self.grid = MixingGrid(self.renderer, self.tasks, self.models.has, lambda: self.worker.wake())
        self.grid_files = GridFiles(self.renderer, self.tasks, self.say, pictures)
        self.noise_view = NoiseView(self.worker, self.renderer, self.say)
        self.store = Store(Scene())
        self.motion = Motion(self.store)
        self.signals = Rack(self.session.signals)
        self.signals.place = self._place
        self.remote = Remote(self.store, self._acts(), lambda text: self.say(text, "error"))
        self.effective = self.store.scene  # as the signals have it; its picture is shown
        self.measuring = Measuring(self.models)
        self.generating = Generating(self.models)
        self.centring = Centring(self.models)
        self.card: ModelCard | None = None
        self.loader = Loader(self.memory, self.say)
        self.dataset_preparation = DatasetPreparation(self.say)
        self.exporting = Exporting(self.live, self.tasks, self.loader.read, self.say, folder / "exports")
        self.training = Training(
            runs or folder / "runs", self.session.runs, self.say, lambda paths: self.keeping.change(runs=paths)
        )
        self.playing_noise = False
        self.crashed_session = self.session if self.keeper.crashed and self.session.scene.model.path else None
        self._first_file: Path | None = None
        self._base: Scene | None = None  # of the effective Scene whose picture was asked for last
        self._cards: dict[str, ModelCard] = {}
        self._kept_walk = WalkKeeper(folder / "walk.json", self.tasks, self.say)
        preparing = Preparing(self.tasks, self.loader.read, self.models.has, self._cards)
        pictures_of_keys = KeyPictures(
            self.renderer, self.tasks, lambda scene: preparing.in_memory(scene, self.store.scene.model)
        )
        self.timeline = Timeline(
            self.store,
            self.motion,
            self.tasks,
            preparing,
            pictures_of_keys,
            self.generating,
            self.open_scene,
            self.say,
        )
        self.capturing = Capturing(pictures / "takes", self.tasks, self.timeline, self.say)
        self.training_time = TrainingTime(
            self.store, self.tasks, self.memory, self._cards, self.timeline.open, self.say
        )
        self._kept_at = self._played_at = self._now = 0.0
        self._random = random.Random()

    # -- the loop ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The window is open: mark it, and show what the last session ended with, or a starter model."""
        self._guarded(self.keeper.begin)
        self._kept_walk.load(self.timeline.restore)
        self.capturing.look_for_left()
        self.exporting.begin()
        if self._first_file is not None:
            self.open_file(self._first_file)
        else:
            self._open_last(lambda scene: scene)

    def _open_last(self, edit: Callable[[Scene], Scene]) -> None:
        """Go to what the last session ended with, or to a starter model; `edit` changes the Scene first."""
        last = self.session.scene
        if last.model.path and on_disk(model_file(last.model)) and not self.keeper.crashed:
            self.open_scene(edit(last))
        elif starters := starter_models():
            if last.model.path and not self.keeper.crashed:
                self.keeping.set_aside(f"{last.model.path} is not there.")
            self.open_model(starters[0], scene=edit(Scene()))

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
        self._take_signals(now)
        if self._noise_plays and now - self._played_at >= 1 / PLAY_HZ:
            self._played_at = now
            self.store.drift(edits.set_noise_seed, self.store.scene.noise.seed + 1)
        self._move(now)
        playing = self.timeline.playing != "no"
        self.training_time.tick(now, self.live.here and self.loading is None and not playing, playing)
        if (error := self.measuring.collect()) is not None:
            self.say(error, "error")
        self.signals.card = self._cards.get(self.store.scene.model.digest)
        self.effective = self.signals.modulate(self.store.scene, now)
        self.capturing.tick(now, self.effective, self.motion.playing)
        self._hold()
        self._ask(now)
        self.companion.follow(self.effective)
        self.exporting.tick()
        self.training.tick(now)
        if now - self._kept_at >= KEEP_EVERY_S:
            self._kept_at = now
            self.keep()
        before, shown = self.latest, self.live.take()
        if shown is not None:
            self._report(before, shown)
        return shown if shown is not None and shown.rgba is not None else None

    def close(self) -> None:
        """The window closes as it should: everything is kept."""
        self.motion.stop()
        self.capturing.close()
        self.keep()
        self.loader.drop()
        self.companion.close()
        self.inspection.leave()
        self.measuring.cancel()
        self.generating.drop()
        self.training_time.close()
        self.centring.drop()
        self.signals.close()
        self.exporting.close()
        self.training.close()
        self.dataset_preparation.close()
        self.tasks.close()
        self._guarded(self.keeper.end)

    def keep(self) -> None:
        """Write the session and the walk to their folder, if they have changed."""
        self._kept_walk.keep(self.timeline.walk)
        # What crashed stays in the file as long as it is on offer.
        if not self.store.scene.model.digest or self.crashed_session is not None:
            return
        session = self._current_session()
        self.tasks.on_disk(lambda: self.keeping.write(session), self.keeping.written)

    @property
    def notice(self) -> Notice:
        """The line that stands at the foot of the window."""
        return self.notices.newest

    @property
    def session(self) -> Session:
        """What is kept between runs, as it is now; `pins` and `scene` as of the last time it was written."""
        return self.keeping.session

    # -- Scene ---------------------------------------------------------------------------------------------------------

    @property
    def scene(self) -> Scene:
        """The Scene shown."""
        return self.store.scene

    @property
    def latest(self) -> Shown | None:
        """The newest frame, also a failed one."""
        return self.live.latest

    def edit(self, name: str, edit: Edit[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """Part of an interaction; see `Store.edit`."""
        self.store.edit(name, edit, *args, **kwargs)

    def do(self, name: str, edit: Edit[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """A change that is whole by itself; see `Store.do`."""
        self.store.do(name, edit, *args, **kwargs)

    def cancel_centres(self) -> None:
        """Wait no longer for the centres that truncation goes towards: it goes towards the mean."""
        if self.centring.job is not None:
            self.do("Truncate towards the mean", edits.set_towards, "mean")

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
        if name == PLAY_NAME:
            self.timeline.pause()
        self.training_time.undone(name)
        self.say(f"Undone: {name}" if name else "Nothing to undo.")

    def redo(self) -> None:
        """Do again what was taken back."""
        self.motion.stop()
        name = self.store.redo()
        self.training_time.undone(name)
        self.say(f"Redone: {name}" if name else "Nothing to redo.")

    # -- models --------------------------------------------------------------------------------------------------------

    @property
    def loading(self) -> Loading | None:
        """The model on its way."""
        return self.loader.current

    def open_model(self, path: Path, which: Literal["G_ema", "G"] = "G_ema", scene: Scene | None = None) -> None:
        """Load a model beside the one shown, which stays until the new one is there.

        Args:
            path: the file.
            which: the generator's moving average, or the one in training.
            scene: the Scene to go to then; None: the one shown, fitted to the model.
        """
        self.loader.open(absolute(path), self.device, which, scene)

    def cancel_loading(self) -> None:
        """Stay with the model shown."""
        if self.loading is not None:
            if self.loading.again is not None:
                self.live.do_without(self.store.scene)
            self.loader.drop()
            self.say("Opening was cancelled.")

    def _collect_loading(self) -> None:
        loading = self.loader.finished()
        if loading is None:
            return
        model = loading.job.result
        if loading.again is not None:
            if model is None:
                self.live.do_without(self.store.scene)
        elif model is not None:
            self.adopt(model, loading.ref(model), loading.scene)
            self.keeping.session = self.session.with_recent(str(loading.path))
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
        """Open a model, a session, a picture, a walk or a projected face, told apart by the file's first bytes."""

        def go(found: Kept | None) -> None:
            if isinstance(found, Scene):
                self.open_scene(found)
            elif isinstance(found, Session):
                self.favourites.pins = found.pins
                self.signals.adopt(found.signals)
                if found.walk is not None:
                    self.timeline.open(found.walk, show=False)
                self.open_scene(found.scene)
            elif isinstance(found, Walk):
                self._open_walk(found, path)
            elif isinstance(found, Take):
                self._open_take(found)
            elif isinstance(found, Latent):
                self._open_projected(found)
            else:
                self.open_model(path)

        self.tasks.on_disk(lambda: read_kept(path), go)

    def _open_walk(self, walk: Walk, path: Path) -> None:
        """Have a walk in the timeline; a file that is nothing but that walk is where it will be saved again."""
        shown, own = self.store.scene.model, path if path.suffix == ".json" else None

        def show(found: Walk) -> None:
            first = None if found.empty else scene_at(found, found.span[0])
            if first is None or first.model == ModelRef():  # it goes with any model
                if first is not None and not shown.digest:
                    self._open_last(lambda last: first.model_copy(update={"model": last.model}))
                self.timeline.open(found, own)
                return
            self._ready(first.model, partial(self._show_walk, found, own, first.model))

        self.tasks.on_disk(lambda: located(walk, path, shown), lambda found: self._guarded(partial(show, found)))

    def _show_walk(self, walk: Walk, path: Path | None, ref: ModelRef) -> None:
        """The model that the walk begins with is in memory."""
        self._cards[ref.digest] = self.models.get(ref).card
        self.timeline.open(walk, path)

    def _open_take(self, take: Take) -> None:
        """Have a take in the timeline, where the playhead is."""
        if not self.store.scene.model.digest:
            self._open_last(lambda scene: scene)
        self.capturing.place(take)

    def _open_projected(self, latent: Latent) -> None:
        """Show a projected face with the model that is open; where none is, with what a new window begins with."""
        if self.store.scene.model.digest:
            self.do("Open projected face", edits.set_latent, latent)
        else:
            self._open_last(lambda scene: edits.set_latent(scene, latent))

    def open_scene(self, scene: Scene) -> None:
        """Go to a Scene exactly as it was made, opening its model first if need be."""
        self.loader.drop()
        if scene.model.digest in self._cards:
            # It is kept as it was made, unless somebody wrote it who did not know the model.
            fitted = edits.fit(scene, self._cards[scene.model.digest], scene.model)
            self.do("Open Scene", edits.set_scene, fitted)
            return
        self.open_model(model_file(scene.model), scene.model.which, scene)

    def save_session(self, path: Path) -> None:
        """Write the session to a file of one's own."""
        walk = self.timeline.walk
        session = self._current_session().model_copy(update={"walk": None if walk.empty else walk})
        self.tasks.on_disk(lambda: write_session(session, path), lambda _: self.say(f"Session saved to {path}."))

    def restore_crashed(self, restore: bool) -> None:
        """Answer the offer to go on where the program died."""
        if restore and self.crashed_session is not None:
            self.open_scene(self.crashed_session.scene)
        self.crashed_session = None

    def capture(self, path: Path | None = None) -> None:
        """Save the full picture of the Scene as it is shown, signals included, as a PNG that carries it."""
        scene = self.signals.modulate(self.store.scene, self._now)
        name = stamped(f"{self._model_name()}-seed{scene.latent.seed}")

        def save(poll: Poll) -> str:
            pixels = self.live.full(scene, poll).frame.pixels
            assert pixels is not None
            place = path or free_place(self.pictures, name)  # only now: others may have been saved meanwhile
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
        self.keeping.change(layout=self.session.layout.model_copy(update=changes))

    # -- device --------------------------------------------------------------------------------------------------------

    def use(self, device: str | None = None, half: bool | None = None) -> None:
        """Switch the device or the precision; pictures follow."""
        self.device = device or self.device
        half = self.session.half if half is None else half
        self.keeping.change(device=self.device, half=half)
        target, half = torch.device(self.device), self.half

        def switch(poll: Poll) -> None:
            del poll
            self.models.device = target
            self.memory.limit(self.session)
            self.renderer.half = half
            self.renderer.cache.clear()
            self.worker.policy.forget()

        def switched(_: None) -> None:
            self.live.ask_again()  # the picture shown was made before the switch
            self.grid.forget()

        self.tasks.on_worker(switch, switched)

    @property
    def half(self) -> bool:
        """Whether pictures are made in 16 bits where those are quicker. On a CPU that has to be asked for."""
        return self.device != "cpu" if self.session.half is None else self.session.half

    def limit_memory(self, **changes: int | None) -> None:
        """Change the session's limits `models_mib` and `steps_mib`; None: as the device has."""
        limits = {name: None if mib is None else min(max(mib, 0), MOST_MIB) for name, mib in changes.items()}
        self.keeping.change(**limits)
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

    @property
    def _noise_plays(self) -> bool:
        # The walk says which noise there is, as long as it plays.
        return self.playing_noise and self.store.scene.noise.mode == "random" and self.timeline.playing == "no"

    def _hold(self) -> None:
        """Models that are shown or exported may not make room for others."""
        card = self.companion.card
        beside = [ModelRef(digest=card.digest)] if card is not None else []
        self.memory.hold(self.store.scene.model, *beside, *self.exporting.models)

    def _acts(self) -> dict[str, Callable[[float], None]]:
        """What OSC can do by name besides setting parameters."""
        return {
            "undo": lambda _: self.undo(),
            "redo": lambda _: self.redo(),
            "random": lambda _: self.random_person(),
            "play": lambda _: self.timeline.play(),
            "pause": lambda _: self.timeline.pause(),
            "seek": lambda seconds: self.timeline.seek(seconds),
        }

    def _place(self) -> tuple[float, float] | None:
        """Where a walk that plays is, in seconds and in beats."""
        walk, position_s = self.timeline.walk, self.timeline.position_s
        if self.timeline.playing == "no":
            return None
        return position_s, (position_s - walk.first_beat_s) * walk.bpm / 60

    def _take_signals(self, now: float) -> None:
        """Take in what came from outside: it moves signals, or the Scene itself."""
        self._now = now
        self.signals.tick(now)
        self.remote.tick(self.signals.take_commands(), self._cards.get(self.store.scene.model.digest), now)
        for text in self.signals.take_news():
            self.say(text, "error")

    def _ask(self, now: float) -> None:
        """Ask for the picture of a new Scene; where its model had made room for others, once it is back."""
        scene, moving = self.effective, self.signals.moving(now)
        self.card = self._cards.get(scene.model.digest, self.card)
        if self.loading is not None and self.loading.again not in (None, scene.model):
            self.loader.drop()  # somebody went back meanwhile
        if self.card is not None and (error := self.centring.collect(scene, self.card)) is not None:
            self.live.do_without(scene)
            self.say(error, "error")
        playing = self.motion.playing or self._noise_plays or self.timeline.playing != "no"
        playing = playing or moving
        if not scene.model.digest or not self.live.lacks(scene, playing):
            return
        if moving and self.store.scene is self._base and not self.live.here:
            return  # signals move on once the picture of where they were has come: none is made in vain
        self._base = self.store.scene
        if not self.models.has(scene.model):
            if self.loading is None:
                self.loader.open_again(scene.model)
        elif self.card is None or self.centring.ready(scene, self.card):
            self.live.ask(scene, self.store.revision, playing)

    def _ready(self, ref: ModelRef, go: Callable[[], None]) -> None:
        """Call `go` once a model is in memory. It is read beside the worker, which has the live picture to make."""
        if self.models.has(ref):
            go()
        else:
            self.tasks.on_reader(lambda cancelled: self.loader.read(ref, lambda _: None, cancelled), lambda _: go())

    def _report(self, before: Shown | None, shown: Shown) -> None:
        """Say what is wrong with the newest picture; what was wrong with the one before is over."""
        if shown.frame.error is not None:
            self.say(shown.frame.error, "error")
        elif before is not None:
            self.notices.over(before.frame.error)

    def _move(self, now: float) -> None:
        """Go on with what plays, as soon as all pictures of where it is have come: none is asked for in vain."""
        if self.motion.playing and (self.live.failed or self.card is None or not self.card.can_move):
            self.motion.stop()
        free = self.live.here and self.centring.job is None and not self.companion.busy and not self.inspection.busy
        if free:
            self.motion.tick(now)
        self.timeline.overdubs = self.capturing.recording
        self.timeline.tick(now, free, waiting=self.loading is not None)

    def _guarded(self, function: Callable[[], object]) -> None:
        """Run something whose failure is for the person at the window to know."""
        try:
            function()
        except (StyleScopeError, OSError) as error:
            self.say(describe(error), "error")

    def _current_session(self) -> Session:
        changes: dict[str, Any] = {"pins": self.favourites.pins, "signals": self.signals.settings}
        if self.store.scene.model.digest:
            changes["scene"] = self.store.scene
        self.keeping.change(**changes)
        return self.session

    def _model_name(self) -> str:
        return self.card.name if self.card is not None else "picture"
