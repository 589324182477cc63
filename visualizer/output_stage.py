"""The thread of the output window: opens it as wished, draws what it is shown, closes it, and reports.

A swap waits for its monitor. Two windows that swap on one thread wait for both monitors in turn: at 60 Hz each, often a
whole frame for each, which halves the rate of both; without waiting, the projected picture tears. So the output has a
thread, on which all of its GLFW and OpenGL happens: each window keeps its own monitor's rate, DearPyGui's OpenGL
context, which opening a window here would unbind, stays current on the main thread, and nothing that the display does
with this window costs the main thread any time.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from visualizer.cuda_interop import Interop
from visualizer.output_gl import Easel, Look, OwnWay, Slide
from visualizer.output_window import Desk, GlfwWindow, Monitor, OutputError, Place
from visualizer.session import OutputSettings

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0  # how often the monitors, and the window itself, are looked for
RATE_OVER = 60  # swaps that the rate is taken over
DESTROYED = "The output window was closed by something else."
Point = tuple[float, float]


@dataclass(frozen=True)
class Wish:
    """A window that is wanted, and how."""

    number: int  # of the wishes for a window so far; another number is another window
    settings: OutputSettings
    main_at: Point  # the middle of the program's own window, in screen px
    scale: float = 1.0  # of the display, for a movable window's first size
    smooth: bool = True  # whether magnified pixels blend


@dataclass(frozen=True)
class Report:
    """How things stand."""

    monitors: tuple[Monitor, ...] = ()  # the primary one first
    on: Monitor | None = None  # that the window fills
    place: Place | None = None  # of the movable window that stands, or stood last
    over: int = 0  # number of the newest wish whose window has closed by itself
    why: str = ""  # a sentence, if somebody has to be told


@dataclass(frozen=True)
class Statistics:
    """What became of the slides since the window was opened."""

    shown: int = 0
    dropped: int = 0  # replaced by a newer one before their turn came
    fps: float = 0.0  # slides shown a second, lately


def mode_of(settings: OutputSettings, monitors: tuple[Monitor, ...]) -> str:
    """ "full screen" or "window"; where nobody has said which, a second monitor is filled."""
    return settings.mode or ("full screen" if len(monitors) > 1 else "window")


def chosen(settings: OutputSettings, monitors: tuple[Monitor, ...], main_at: Point) -> Monitor | None:
    """The monitor to fill: the one named, else one that the program's own window is not on. None: a movable window."""
    if not monitors or mode_of(settings, monitors) == "window":
        return None
    named = [monitor for monitor in monitors if monitor.name == settings.monitor]
    free = [monitor for monitor in monitors if not monitor.has(*main_at)]
    return (*named, *free, monitors[0])[0]


def place_for(wish: Wish, monitors: tuple[Monitor, ...]) -> Place:
    """Where a movable window goes: where it was last, unless nobody could get hold of it there."""
    kept = wish.settings
    if kept.x is None or kept.y is None:
        return Place(round(kept.width * wish.scale), round(kept.height * wish.scale))
    seen = any(monitor.has(kept.x, kept.y) for monitor in monitors)
    return Place(kept.width, kept.height, *((kept.x, kept.y) if seen else (None, None)))


def _sentence(error: Exception) -> str:
    if isinstance(error, OutputError):
        return str(error)
    words = getattr(error, "description", None) or error  # OpenGL's errors have many lines, and this one says it
    return f"The output window cannot be drawn: {words.decode() if isinstance(words, bytes) else words}."


class Stage:
    """See the module. `want`, `show`, `end` and what can be read belong to the UI thread; `step` to the stage's."""

    def __init__(
        self,
        find: Callable[[], Interop | None],
        desk: Desk | None = None,
        make_easel: Callable[[OwnWay], Any] = Easel,
    ) -> None:
        """Args: find, called on the stage's thread: what CUDA frames are shown through."""
        self._find, self._desk, self._make_easel = find, desk or Desk(), make_easel
        self._news = threading.Condition()
        self._wish: Wish | None = None
        self._slide: Slide | None = None  # that waits to be drawn
        self._heard = False  # whether anything is new while nothing waits in GLFW
        self._ending = False
        self._report = Report()
        self._shown = self._dropped = 0
        self._swaps: deque[float] = deque(maxlen=RATE_OVER)
        # what follows belongs to the stage's thread
        self._window: GlfwWindow | None = None
        self._easel: Any = None
        self._taken: Wish | None = None  # that this step is about
        self._stands: Wish | None = None  # that the window was opened for
        self._look: Look | None = None
        self._newest: Slide | None = None
        self._looked_at = 0.0
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)

    # -- for the UI thread ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the thread; it finds the monitors."""
        self._thread.start()

    def want(self, wish: Wish | None) -> None:
        """Have a window as wished, or none."""
        with self._news:
            if wish is not None and (self._wish is None or wish.number != self._wish.number):
                self._shown = self._dropped = 0
                self._swaps.clear()
            self._wish = wish
        self._tell()

    def show(self, slide: Slide) -> None:
        """Draw this one next."""
        with self._news:
            self._dropped += self._slide is not None and self._window is not None  # not while it is being opened
            self._slide = slide
        self._tell()

    def end(self, timeout_s: float) -> None:
        """Close the window and end the thread; wait for that, but not for long."""
        with self._news:
            self._ending = True
        self._tell()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def report(self) -> Report:
        """The newest; the same object as long as nothing has changed."""
        return self._report

    @property
    def statistics(self) -> Statistics:
        """Slides shown and dropped so far."""
        with self._news:
            swaps = [at for at in self._swaps if time.monotonic() - at < LOOK_EVERY_S]
            fps = (len(swaps) - 1) / (swaps[-1] - swaps[0]) if len(swaps) > 1 and swaps[-1] > swaps[0] else 0.0
            return Statistics(self._shown, self._dropped, fps)

    def _tell(self) -> None:
        with self._news:
            self._heard = True
            self._news.notify()
        self._desk.wake()

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ending:
            self.step(LOOK_EVERY_S)
        self._close()
        self._desk.close()

    def step(self, patience_s: float, now: float | None = None) -> None:
        """Do what there is to do, once; where there is nothing, wait for it, as long as the patience lasts."""
        now = time.monotonic() if now is None else now
        with self._news:
            self._taken, slide, self._slide = self._wish, self._slide, None
            self._heard = False
        self._newest = None if self._taken is None else slide or self._newest
        try:
            if not self._desk.started:
                self._desk.start()
                self._looked_at = -LOOK_EVERY_S
            self._follow(self._taken, now)
            if self._window is not None:
                self._draw(self._window, slide)
            with self._news:
                waiting = self._slide is not None
            self._desk.wait(0 if waiting else patience_s)
            self._require()
            if self._window is not None and self._window.wants_close:
                self._give_up("")
        except Exception as error:  # the boundary of the thread: drivers raise errors of any type
            log.debug("the output window failed", exc_info=True)
            self._give_up(DESTROYED if self._desk.lost else _sentence(error))
            if not self._desk.started and patience_s > 0:
                with self._news:
                    self._news.wait_for(lambda: self._heard or self._ending, patience_s)

    def _follow(self, wish: Wish | None, now: float) -> None:
        """Look at the monitors now and then, and have the window that is wished for."""
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._look_around()
        if wish is not None and wish.number == self._report.over:
            wish = None  # its window has closed by itself
        if self._window is not None and (wish is None or self._is_elsewhere(wish)):
            self._close()
        if wish is not None:
            if self._window is None:
                self._open(wish)
            self._stands = wish

    def _is_elsewhere(self, wish: Wish) -> bool:
        assert self._stands is not None
        old, new = self._stands.settings, wish.settings
        return (old.mode, old.monitor, self._stands.number) != (new.mode, new.monitor, wish.number)

    def _look_around(self) -> None:
        monitors = self._desk.monitors()
        self._set(monitors=monitors)
        if self._window is None:
            return
        if self._report.on is not None and self._report.on not in monitors:
            raise OutputError(
                f"The monitor {self._report.on.name} is gone or has changed; the output window was closed."
            )
        self._window.check()
        self._require()
        if self._report.on is None:
            self._set(place=self._window.place)

    def _require(self) -> None:
        """Somebody may have destroyed the window, or broken the connection."""
        if self._desk.lost:
            raise OutputError(DESTROYED)

    def _open(self, wish: Wish) -> None:
        monitors = self._report.monitors
        monitor = chosen(wish.settings, monitors, wish.main_at)
        # Over the program's own window it takes the keyboard, so that Escape uncovers that again.
        covers = monitor is not None and monitor.has(*wish.main_at)
        self._window = self._desk.open(monitor or place_for(wish, monitors), quiet=not covers)
        self._easel = self._make_easel(OwnWay(self._find))
        self._look = None
        self._set(on=monitor)

    def _draw(self, window: GlfwWindow, slide: Slide | None) -> None:
        """Draw a new slide, or the same again where something has laid it bare or it is to look otherwise."""
        assert self._stands is not None
        look = Look(self._stands.settings.fit, window.size, self._stands.smooth)
        if slide is None and look == self._look and not window.exposed:
            return
        fresh = slide or (self._newest if self._look is None else None)  # a new window has no picture yet
        window.exposed, self._look = False, look
        if fresh is not None:
            self._easel.take(fresh)
        self._easel.draw(look)
        window.swap()
        if slide is not None:
            with self._news:
                self._shown += 1
                self._swaps.append(time.monotonic())

    def _close(self) -> None:
        if self._window is None:
            return
        if not self._desk.lost:
            if self._report.on is None:
                self._set(place=self._window.place)
            self._easel.close()
            self._window.destroy()
        self._window = self._easel = None
        self._set(on=None)

    def _give_up(self, why: str) -> None:
        """Close the window though it is wished for."""
        culprit = self._stands if self._window is not None else self._taken
        over = self._report.over if culprit is None else culprit.number
        try:
            self._close()
        except Exception:  # what cannot be drawn may not be closed either; it goes with the connection
            log.debug("the output window cannot be closed", exc_info=True)
            self._window = self._easel = None
            self._desk.close()
        if self._desk.lost:
            self._desk.close()  # with all that is left of its windows; the next step makes a new connection
        self._set(on=None, over=over, why=why)

    def _set(self, **changes: Any) -> None:
        changed = replace(self._report, **changes)
        if changed != self._report:
            self._report = changed
