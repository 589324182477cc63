"""The walk of the running program: in a file of its own beside the session, written when it has changed.

A walk with takes is megabytes, and a take never changes: its text is made once.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from stylegan_core.files import write_whole
from stylegan_core.walk import Take, Walk, WalkError
from stylegan_core.walk_file import read_walk, take_to_data
from visualizer.files import free_place
from visualizer.tasks import Tasks


class WalkKeeper:
    """Belongs to the UI thread, but for `_write`.

    Args:
        path: of the file.
        tasks: writes it, on the disk's thread.
        say: tells the person at the window what is wrong.
    """

    def __init__(self, path: Path, tasks: Tasks, say: Callable[[str, Literal["error"]], None]):
        self._path, self._tasks, self._say = path, tasks, say
        self._kept: Walk | None = None  # None: what the last run left has not been read
        self._unkept = ""  # why it could not be written last time
        self._texts: list[tuple[Take, str]] = []

    def load(self, then: Callable[[Walk], None]) -> None:
        """Have `then` called with the walk kept last, if there is one. One that is broken is moved aside."""

        def take(found: tuple[Walk, str]) -> None:
            self._kept, error = found
            if error:
                self._say(error, "error")
            then(self._kept)

        self._tasks.on_disk(self._read, take)

    def keep(self, walk: Walk) -> None:
        """Have the walk written, if it has changed."""
        if self._kept is not None and walk is not self._kept:
            changed, self._kept = walk != self._kept, walk
            if changed:
                self._tasks.on_disk(lambda: self._write(walk), self._written)

    def text(self, walk: Walk) -> str:
        """The walk as JSON, as `walk_to_json` has it but for spaces."""
        data = walk.model_dump(mode="json", exclude={"clips"})
        clips = [
            _with(clip.model_dump(mode="json", exclude={"take"}), "take", self._take(clip.take)) for clip in walk.clips
        ]
        self._texts = [item for item in self._texts if any(item[0] is clip.take for clip in walk.clips)]
        return _with(data, "clips", f"[{','.join(clips)}]")

    def _take(self, take: Take) -> str:
        text = next((text for known, text in self._texts if known is take), None)
        if text is None:
            text = json.dumps(take_to_data(take))
            self._texts.append((take, text))
        return text

    def _write(self, walk: Walk) -> str:
        try:
            write_whole(self._path, lambda file: file.write(self.text(walk).encode()))
        except OSError as error:
            return f"{self._path} cannot be written: {error.strerror}."
        return ""

    def _written(self, error: str) -> None:
        if error not in ("", self._unkept):  # said once, not at every try
            self._say(error, "error")
        self._unkept = error

    def _read(self) -> tuple[Walk, str]:
        """The walk, and what is wrong with its file."""
        if not self._path.exists():
            return Walk(), ""
        try:
            return read_walk(self._path), ""
        except WalkError as error:
            aside = free_place(self._path.parent, f"{self._path.stem}.broken", ".json")
            try:
                os.replace(self._path, aside)
            except OSError as obstacle:
                return Walk(), f"{error} It cannot be moved aside: {obstacle.strerror}."
            return Walk(), f"{error} It was moved to {aside}."


def _with(data: dict[str, object], name: str, text: str) -> str:
    """An object as JSON, with one more field whose JSON is there already."""
    return f'{json.dumps(data)[:-1]}, "{name}": {text}}}'
