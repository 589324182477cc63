"""Training: the window's side of runs, each of which is a process of its own that outlives the window.

Runs are found by looking into folders, so it makes no difference who started one. What touches the disk is done on one
thread, in order; the UI thread looks once a frame at what has come.
"""

import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from stylegan_core.errors import StyleScopeError
from stylegan_core.files import write_whole
from train.config import RunConfig
from train.run_folder import RunFolder
from visualizer.tasks import describe
from visualizer.training_plan import Planning
from visualizer.training_process import TRAIN, end_at_once, is_silent, launch
from visualizer.training_reading import LIVELY, Detail, Question, Reader, Run, in_order

LOOK_S, LOOK_AWAY_S = 0.35, 2.0  # from one look at the disk to the next, while runs are shown, and while not
TOUCH_S = 1.0  # from one word that somebody is exploring to the next
LONGER = 1.5  # times as long is a run that goes on after its end
KNOWN_RUNS = 64  # elsewhere, that are remembered

Say = Callable[[str, Literal["info", "error"]], None]


def write_config(run: RunFolder, config: RunConfig) -> None:
    """Write a run's run.json.

    Raises:
        OSError: it cannot be written.
    """
    content = config.model_dump_json(indent=1).encode()
    write_whole(run.config_path, lambda file: file.write(content))


@dataclass
class Launched:
    """A process that this window has started."""

    process: subprocess.Popen[bytes]
    run: RunFolder
    told: bool = field(default=False)  # that it has ended at once


class Training:
    """Belongs to the UI thread.

    Args:
        folder: where new runs are put, and old ones found.
        added: runs elsewhere.
        say: tells the person at the window.
        remember: keeps `added`, when it has changed.
        command: what trains; a run's folder is added to it.
    """

    def __init__(
        self,
        folder: Path,
        added: Sequence[str] = (),
        say: Say = lambda text, kind: None,
        remember: Callable[[tuple[str, ...]], None] = lambda paths: None,
        command: Sequence[str] = TRAIN,
    ):
        self.folder = folder
        self.runs: tuple[Run, ...] = ()
        self.detail: Detail | None = None  # of the chosen run, as it was read last
        self.looked = False  # whether the runs have been looked for at all
        self.shown = False  # whether somebody looks at the runs
        self.log_wanted = False
        self.preview_wanted: int | None = None  # None: the newest
        self.planning = Planning()
        self._added = tuple(Path(path) for path in added)
        self._say, self._remember, self._command = say, remember, command
        self._chosen: Path | None = None
        self._order: list[Path] = []
        self._reader = Reader()
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: list[tuple[Future[Any], Callable[[Any], None]]] = []
        self._looking = False
        self._look_at = self._touch_at = 0.0  # when next
        self._explored = False
        self._shares: dict[Path, float] = {}  # wished for, not written yet
        self._writing_share = False
        self._launched: dict[Path, Launched] = {}

    # -- once a frame --------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Take in what has been read, and have it read again when it is time.

        Args:
            now: s, of any clock that goes on.
        """
        self._collect()
        self._mind_launched()
        self.planning.tick()
        if not self._looking and (now >= self._look_at or now < self._look_at - LOOK_AWAY_S):
            self._looking = True
            self._look_at = now + (LOOK_S if self.shown else LOOK_AWAY_S)
            question = Question(
                (self.folder,), self._added, self._chosen if self.shown else None, self.preview_wanted, self.log_wanted
            )
            self._run(partial(self._reader.read, question), self._take)
        if self._shares and not self._writing_share:
            self._write_share()
        if self._explored and now >= self._touch_at:
            self._touch_at = now + TOUCH_S
            self._touch()

    def explored(self) -> None:
        """Somebody uses the window: runs keep to their share."""
        self._explored = True

    def look_again(self) -> None:
        """Look at the disk with the next tick."""
        self._look_at = 0.0

    def close(self) -> None:
        """The window closes. What trains goes on; what was asked for is written."""
        self.planning.close()
        if self._thread is not None:
            for path, share in self._shares.items():
                self._thread.submit(RunFolder(path).wish, share=share)
            self._thread.shutdown()
            self._collect()

    # -- which run -----------------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> Run | None:
        """The run that is looked at."""
        return next((run for run in self.runs if run.path == self._chosen), None)

    def choose(self, path: Path | None) -> None:
        """Look at a run; None: at none."""
        if path != self._chosen:
            self._chosen, self.detail = path, None
            self.preview_wanted, self.log_wanted = None, False
            self.look_again()

    def look_at_preview(self, seen: int | None) -> None:
        """Have the previews of a moment shown; None: always the newest."""
        self.preview_wanted = seen
        self.look_again()

    def add(self, path: Path) -> None:
        """Have a run in the list that lies elsewhere: its folder, a file in it, or a folder of runs."""
        folder = path if path.is_dir() else path.parent
        found = [folder] if RunFolder(folder).exists() else []
        if not found:
            self._say(f"{folder} holds no run: there is no run.json in it.", "error")
            return
        self._added = (*(known for known in self._added if known not in found), *found)[-KNOWN_RUNS:]
        self._remember(tuple(map(str, self._added)))
        self.choose(RunFolder(folder).path)

    def standing(self, run: Run) -> str:
        """See `Run.standing`; what has been started here is starting, before it says so itself."""
        launched = self._launched.get(run.path)
        if launched is not None and not run.alive and launched.process.poll() is None:
            return "starting"
        return run.standing

    def is_silent(self, run: Run) -> bool:
        """Whether it does not answer any more."""
        return is_silent(run.status, run.alive)

    # -- what a person does --------------------------------------------------------------------------------------------

    def begin(self, config: RunConfig, name: str) -> None:
        """Start a new run.

        Args:
            config: what it learns and how.
            name: of its folder, within the folder of runs.
        """
        path = self.folder / name

        def start() -> Launched:
            if path.exists():
                raise StyleScopeError(f"There is something in {path} already; choose another name.")
            run = RunFolder(path)
            write_config(run, config)
            return Launched(launch(run, self._command), run)

        def started(launched: Launched) -> None:
            self._launched[launched.run.path] = launched
            self.choose(launched.run.path)
            self._say(f"{launched.run.name} is starting.", "info")

        self._run(start, started)

    def go_on(self, run: Run) -> None:
        """Go on with a run that pauses, was stopped, or died; start one that is new; what is done becomes longer."""

        def go() -> Launched | None:
            run.folder.wish(state="train")
            if run.standing == "done" and run.config is not None:
                write_config(run.folder, run.config.model_copy(update={"kimg": LONGER * run.config.kimg}))
            return None if run.folder.is_alive() else Launched(launch(run.folder, self._command), run.folder)

        def gone(launched: Launched | None) -> None:
            if launched is not None:
                self._launched[run.path] = launched
            self.look_again()

        if self.standing(run) != "starting":
            self._run(go, gone)

    def pause(self, run: Run) -> None:
        """Have it wait, with all that it has in memory."""
        self._wish(run, state="pause")

    def stop(self, run: Run) -> None:
        """Have it write all that going on needs, and end."""
        self._wish(run, state="stop")

    def snapshot(self, run: Run) -> None:
        """Have it write its model now."""
        self._wish(run, snapshots=run.wishes.snapshots + 1)

    def share(self, run: Run, share: float) -> None:
        """How much of the time it computes while somebody explores, 0 to 1. For each move of a slider."""
        self._shares[run.path] = share

    def share_of(self, run: Run) -> float:
        """The one that is wished for."""
        return self._shares.get(run.path, run.wishes.share)

    def end_at_once(self, run: Run) -> None:
        """End the process of a run that does not answer."""
        self._run(partial(end_at_once, run.folder), lambda _: self.look_again())

    # -- within --------------------------------------------------------------------------------------------------------

    def _run(self, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "runs")
        self._waiting.append((self._thread.submit(function), then))

    def _collect(self) -> None:
        done = [item for item in self._waiting if item[0].done()]
        self._waiting = [item for item in self._waiting if item not in done]
        for future, then in done:
            error = future.exception()
            if error is None:
                then(future.result())
            else:
                self._looking = self._writing_share = False
                self._say(describe(error), "error")

    def _take(self, found: tuple[tuple[Run, ...], Detail | None]) -> None:
        runs, detail = found
        self._looking, self.looked = False, True
        self.runs = in_order(runs, self._order)
        self._order = [run.path for run in self.runs]
        if self._chosen is None and self.runs:
            self.choose(self.runs[0].path)
        if detail is not None and detail.path == self._chosen:
            self.detail = detail

    def _mind_launched(self) -> None:
        """Let the system forget processes that have ended, and tell of those that ended without a word."""
        for path, launched in list(self._launched.items()):
            code = launched.process.poll()
            if code is None:
                continue
            del self._launched[path]
            self.look_again()
            if code != 0:
                self._run(launched.run.last_words, partial(self._tell_of_end, launched.run.name, code))

    def _tell_of_end(self, name: str, code: int, words: str) -> None:
        reason = words or f"its process ended with {code} and left no word"
        self._say(f"{name} is not being trained any more: {reason.rstrip('.')}.", "error")

    def _wish(self, run: Run, **changes: Any) -> None:
        self._run(partial(run.folder.wish, **changes), lambda _: self.look_again())

    def _write_share(self) -> None:
        path, share = self._shares.popitem()
        self._writing_share = True

        def written(_: object) -> None:
            self._writing_share = False
            self.look_again()

        self._run(partial(RunFolder(path).wish, share=share), written)

    def _touch(self) -> None:
        self._explored = False
        lively = [run.folder for run in self.runs if run.standing in LIVELY]

        def touch() -> None:
            for folder in lively:
                folder.touch_exploring()

        if lively:
            self._run(touch, lambda _: None)
