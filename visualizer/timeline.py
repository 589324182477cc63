"""Timeline: the walk that is edited, and the playhead that moves through it by the clock.

What plays or is scrubbed becomes the base Scene. All of it is one undo point, as long as nobody changes the picture by
hand in between. As long as the picture is what the timeline showed, it follows edits of the walk.
"""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stylegan_core import edits
from stylegan_core.edits import walk as walks
from stylegan_core.edits.timing import GAP_S, clamped
from stylegan_core.errors import StyleScopeError
from stylegan_core.scene import Scene, only_picture
from stylegan_core.walk import LONGEST_S, Key, Walk, scene_at
from stylegan_core.walk_file import write_walk
from visualizer.generating import Generating, Kind
from visualizer.key_pictures import KeyPictures
from visualizer.motion import Motion
from visualizer.playhead import Playhead, Taps
from visualizer.preparing import Preparing
from visualizer.store import Store
from visualizer.tasks import Tasks

Playing = Literal["no", "forward", "pingpong"]

PLAY_NAME = "Walk"  # of the undo point
GENERATE_NAME = "Generate walk"
KEY_STEP_S = 1.0  # from the last key to one that is added after it, where times do not snap to beats
FPS = 30.0  # of the frames that one steps by
EMPTY = "The walk is empty: add a key, or record a take."


class Timeline:
    """Belongs to the UI thread.

    Args:
        scenes: the store of the base Scene, whose undo history the walk shares.
        motion: what else plays; it stops when the walk does.
        tasks: writes files.
        preparing: opens the models that the walk goes through.
        pictures: of keys.
        generating: makes walks at random.
        open_scene: goes to a Scene by hand, opening its model first if need be.
        say: tells the person at the window.
    """

    def __init__(
        self,
        scenes: Store[Scene],
        motion: Motion,
        tasks: Tasks,
        preparing: Preparing,
        pictures: KeyPictures,
        generating: Generating,
        open_scene: Callable[[Scene], None],
        say: Callable[[str, Literal["info", "error"]], None],
    ):
        self.store: Store[Walk] = Store(Walk(), scenes.history)
        self.opened = 0  # how many walks have been opened to be looked at
        self.position_s = 0.0  # of the playhead
        self.rate = 1.0  # of playing; below 0: backwards
        self.pingpong = False  # it plays to and fro
        self.repeat = False  # from the end on to the begin again, as a walk that is a loop always does
        self.snapping = False  # new keys come on beats
        self.overdubs = False  # a take is recorded: what a hand changes stays in the hand while it plays
        self.clipboard: tuple[Key, ...] = ()
        self.file: Path | None = None  # where the walk was opened or saved last
        self._scenes, self._motion, self._tasks = scenes, motion, tasks
        self._preparing, self._pictures, self._generating = preparing, pictures, generating
        self._open_scene, self._say = open_scene, say
        self._saved = self.walk  # as it is in its file
        self._before_opening: Walk | None = None
        self._generated: Walk | None = None
        self._plays = False
        self._shown: Scene | None = None  # what the timeline showed last
        self._revision = self.store.revision  # of the walk that it showed
        self._owed: Scene | None = None  # the picture instead of which one is to be shown, once its model is there
        self._held: frozenset[str] = frozenset()  # fields of the Scene that are in the hand
        self._last: float | None = None  # when the playhead was moved last
        self._forth = True  # to and fro: the way it goes
        self._taps = Taps()

    # -- the walk ------------------------------------------------------------------------------------------------------

    @property
    def walk(self) -> Walk:
        """The walk that is edited; changed through `store`."""
        return self.store.value

    def open(self, walk: Walk, path: Path | None = None, show: bool = True) -> None:
        """Another walk, as one undo point.

        Args:
            walk: any.
            path: where it can be saved again.
            show: whether its begin becomes the picture.
        """
        self.pause()
        self._before_opening = self.walk
        self.store.do("Open walk", walks.set_walk, walk)
        self.file, self._saved = path, walk
        self._preparing.try_again()
        self.position_s, self._revision = walk.span[0], self.store.revision
        if show:
            self.opened += 1
            self.seek(self.position_s)

    def new(self) -> None:
        """An empty walk, as one undo point; the picture stays."""
        self.pause()
        self._before_opening = self.walk
        self.store.do("New walk", walks.set_walk, Walk())
        self.file, self._saved, self.position_s = None, self.walk, 0.0

    def restore(self, walk: Walk) -> None:
        """The walk that the last run ended with; the picture stays."""
        self.store.reset(walk)
        self._saved = Walk()  # nobody knows whether it is in a file
        self._revision = self.store.revision

    def save(self, path: Path) -> None:
        """Write the walk to a file, which is its file from then on."""
        walk = self.walk

        def saved(_: None) -> None:
            self.file, self._saved, self._before_opening = path, walk, None
            self._say(f"Walk saved to {path}.", "info")

        self._tasks.on_disk(lambda: write_walk(walk, path), saved)

    def generate(self, kind: Kind, count: int, seconds: float) -> None:
        """Keys in place of those that there are, about the base Scene; see `Generating.begin`. Tempo and sound stay."""
        scene = self._scenes.scene
        card = self._preparing.card(scene.model)
        if card is None:
            self._say("Open a model first.", "info")
            return
        seconds = clamped(seconds, walks.SHORTEST_S, LONGEST_S, 10.0)
        self.pause()
        self._take_generated(self._generating.begin(kind, only_picture(scene), card, count, seconds))
        if self._generating.progress is None:
            self.store.settle()
        self.seek(0.0)

    @property
    def generating(self) -> float | None:
        """The share done of finding a constant speed for the walk; None: none is looked for."""
        return self._generating.progress

    def cancel_generating(self) -> None:
        """Leave the walk's speed as it is."""
        self._generating.drop()
        self.store.settle()

    def _take_generated(self, walk: Walk) -> None:
        kept = {name: getattr(self.walk, name) for name in ("name", "bpm", "first_beat_s", "sound", "latents")}
        self.store.edit(GENERATE_NAME, walks.set_walk, walk.model_copy(update=kept))
        self._generated = self.walk

    def _collect_generated(self) -> None:
        """Give the walk that was generated its constant speed, unless it has been changed meanwhile."""
        if self._generating.progress is not None and self.walk is not self._generated:
            self._generating.drop()
        found = self._generating.collect()
        if found is None:
            return
        walk, error = found
        if error is not None:
            self._say(error, "error")
        if walk is not None:
            self._take_generated(walk)
        self.store.settle()

    @property
    def unsaved(self) -> bool:
        """Whether there is something that is not in the walk's file."""
        return self.walk is not self._saved and self.walk != self._saved

    @property
    def name(self) -> str:
        """What the walk is called."""
        return self.walk.name or (self.file.stem if self.file is not None else "Untitled walk")

    def thumbnail(self, key: Key) -> np.ndarray | None:
        """A key's picture, uint8 [112, 112, 4]; None until it has been made."""
        return self._pictures.get(key.scene)

    # -- playing -------------------------------------------------------------------------------------------------------

    @property
    def playing(self) -> Playing:
        """Whether it plays, and how."""
        return "no" if not self._plays else "pingpong" if self.pingpong else "forward"

    def play(self) -> None:
        """Play from where the playhead is; from the begin, where there is nothing left to play."""
        if self.walk.empty:
            self._say(EMPTY, "info")
            return
        first, last = self.walk.span
        ahead, start = (last, first) if self.rate >= 0 else (first, last)
        if not first <= self.position_s <= last or (not self.pingpong and self.position_s == ahead):
            self.position_s = start
        self._plays, self._forth, self._last = True, self.rate >= 0, None
        self._held = frozenset()
        self._preparing.try_again()
        self._motion.stop()
        self._show()

    def pause(self) -> None:
        """Stay where it is."""
        if self._plays:
            self._plays = False
            self._scenes.settle_play()

    def toggle(self) -> None:
        """Play, or pause."""
        if self._plays:
            self.pause()
        else:
            self.play()

    def seek(self, time_s: float) -> None:
        """Put the playhead at a time and show what is there at once; it goes on playing from there, if it plays."""
        if math.isnan(time_s):
            return
        self.position_s = min(max(time_s, 0.0), self.walk.duration_s)
        self._held = frozenset()
        if not self.walk.empty:
            self._show()
        if not self._plays:
            self._scenes.settle_play()

    def step(self, frames: int, fps: float = FPS) -> None:
        """So many frames on, or back."""
        self.pause()
        self.seek(walks.snap(self.walk, self.position_s, fps=fps) + frames / fps)

    def next_key(self) -> None:
        """To the first key after the playhead."""
        later = (key.time_s for key in self.walk.keys if key.time_s > self.position_s)
        self.seek(next(later, self.walk.duration_s))

    def previous_key(self) -> None:
        """To the last key before the playhead."""
        earlier = (key.time_s for key in reversed(self.walk.keys) if key.time_s < self.position_s)
        self.seek(next(earlier, 0.0))

    def tick(self, now: float, free: bool = True, waiting: bool = False) -> None:
        """Once a frame: move the playhead and show what is there.

        Args:
            now: in seconds, from any moment on.
            free: whether the pictures of where it is have come; else none is asked for in vain.
            waiting: whether a model is on its way, for which the clock stands still.
        """
        self.position_s = min(self.position_s, self.walk.duration_s)
        self._pictures.tick(lambda: [key.scene for key in self.walk.keys])
        self._collect_generated()
        if self._before_opening is not None and self.walk is self._before_opening:
            self.file, self._before_opening = None, None  # opening was undone: the file holds another walk
        if not self._plays:
            self._follow(free and not waiting)
            return
        self._mind_hands()
        if waiting:
            self._last = now
        if not self._plays or waiting or not free:
            return
        seconds = 0.0 if self._last is None else max(now - self._last, 0.0)
        before, self._last, walk = self.position_s, now, self.walk
        head = Playhead(before, self._forth).moved(
            walk.span, seconds, self.rate, self.pingpong, self.repeat or walk.loop
        )
        self.position_s, self._forth = head.position_s, head.forth
        if not self._show():
            self.position_s = before
        elif head.ended:
            self.pause()

    def _mind_hands(self) -> None:
        """What a hand changes must not be fought over: playing pauses, but for a take, in which both play together."""
        shown, live = self._shown, self._scenes.scene
        if shown is None or live is shown or only_picture(live) == only_picture(shown):
            return
        if not self.overdubs:
            self.pause()
            self._say("The walk has paused, for the picture was changed by hand.", "info")
            return
        changed = (name for name in Scene.model_fields if getattr(live, name) != getattr(shown, name))
        self._held = self._held | frozenset(changed)
        self._shown = live

    def _follow(self, free: bool) -> None:
        """Show at once what an edit of the walk changes where the playhead is, unless a hand has the picture."""
        if not free:
            return
        owed, self._owed = self._owed, None
        if owed is not None and owed is self._scenes.scene:
            self._show()
            self._scenes.settle_play()
        if self.store.revision == self._revision:
            return
        attached = self._shown is not None and only_picture(self._scenes.scene) == only_picture(self._shown)
        self._revision = self.store.revision
        if attached and not self.walk.empty:
            # It belongs to the edit, which has an undo point already.
            self._show(lambda scene: self._scenes.drift(edits.set_scene, scene))

    def _show(self, put: Callable[[Scene], None] | None = None) -> bool:
        """Make what the walk is at the playhead the picture; whether that could be done now."""
        live = self._scenes.scene
        try:
            scene = scene_at(self.walk, self.position_s)
        except StyleScopeError as error:
            self.pause()
            self._say(str(error), "error")
            return False
        fitted = self._preparing.scene(scene, live.model)
        if fitted is None:
            if (why := self._preparing.error(scene, live.model)) is not None:
                self.pause()
                self._say(why, "error")
            else:
                self._owed = live
            return False
        # What is looked at besides the picture is not the walk's, and what is in the hand stays there.
        own = {name: getattr(live, name) for name in {"grid", "ladder", "look"} | self._held}
        (put or self._play)(fitted.model_copy(update=own))
        self._shown, self._revision = self._scenes.scene, self.store.revision
        return True

    def _play(self, scene: Scene) -> None:
        if not self._scenes.scene.model.digest:  # there is nothing before it to go back to
            self._scenes.reset(scene)
            return
        self._scenes.play_on(PLAY_NAME)
        self._scenes.play(PLAY_NAME, edits.set_scene, scene)

    # -- keys ----------------------------------------------------------------------------------------------------------

    def add_key(self) -> None:
        """A key of the base Scene at the playhead; where that is at the last key or the end, a step after the last."""
        walk, time_s = self.walk, self.position_s
        picture = only_picture(self._scenes.scene)
        if walk.keys and (abs(time_s - walk.keys[-1].time_s) < GAP_S or time_s >= walk.duration_s):
            time_s = walk.keys[-1].time_s + (60.0 / walk.bpm if self.snapping else KEY_STEP_S)
            time_s = walks.snap(walk, time_s) if self.snapping else time_s
            self._keep_key("Add key", walks.append_key, time_s - walk.keys[-1].time_s, picture)
        else:
            time_s = walks.snap(walk, time_s) if self.snapping else time_s
            self._keep_key("Add key", walks.add_key, time_s, picture)
        self.position_s = min(time_s, self.walk.duration_s)

    def update_key(self, index: int) -> None:
        """Let a key be the base Scene."""
        self._keep_key("Update key", walks.set_key_scene, index, only_picture(self._scenes.scene))

    def go_to_key(self, index: int) -> None:
        """Make a key's Scene the picture exactly, whatever clips and curves lie over it."""
        self.pause()
        self.position_s = self.walk.keys[index].time_s
        self._open_scene(self.walk.keys[index].scene)

    def copy_keys(self, indexes: Iterable[int]) -> None:
        """Remember keys, to be pasted elsewhere."""
        chosen = set(indexes)
        self.clipboard = tuple(key for index, key in enumerate(self.walk.keys) if index in chosen)

    def paste_keys(self) -> None:
        """Put the keys that were copied where the playhead is."""
        if self.clipboard:
            self.store.do("Paste keys", walks.insert_keys, self.clipboard, self.position_s)

    def _keep_key(self, name: str, edit: Callable[..., Walk], *args: Any) -> None:
        """An edit that takes up the picture as it is: what the walk shows then is what a hand has made."""
        self.store.do(name, edit, *args)
        self._shown = self._scenes.scene

    # -- tempo ---------------------------------------------------------------------------------------------------------

    def tap_tempo(self, now: float) -> None:
        """A tap on the beat: several in a row give the tempo, and while it plays, where the beats are.

        Args:
            now: in seconds, from any moment on.
        """
        bpm = self._taps.tap(now)
        if bpm is not None:
            beat = 60.0 / bpm
            first = self.position_s % beat if self._plays and self.rate == 1 else None
            self.store.edit("Tempo", walks.set_tempo, bpm, first)
