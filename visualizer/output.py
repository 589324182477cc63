"""The output: a second window that shows the live picture alone, for a projector or a screen recorder.

Belongs to the UI thread. It is never opened by itself; what goes wrong with it is a sentence in the status line and
closes it, and nothing else.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from visualizer.cuda_interop import Interop
from visualizer.explorer import Explorer
from visualizer.output_gl import Look, Painter, Slide, Statistics
from visualizer.output_window import Desk, GlfwWindow, Monitor, OutputError, Place
from visualizer.session import OutputSettings
from visualizer.worker import Shown

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0  # how often the monitors, and the window itself, are looked for
END_S = 2.0  # how long the program waits in the end for a driver that does not swap


def live_slide(explorer: Explorer) -> Slide | None:
    """The picture on the canvas, as large as it is drawn there at 1:1; None as long as there is none."""
    shown = explorer.latest
    if shown is None or shown.rgba is None:
        return None
    height, width = shown.rgba.shape[:2]
    preview, card = shown.frame.preview, explorer.card
    size = (card.resolution, card.resolution) if preview and card is not None else (width, height)
    return Slide(shown.rgba, size, preview)


class Output:
    """See the module.

    Attributes:
        monitors: those there are, the primary one first; empty before `look`.
    """

    def __init__(
        self,
        explorer: Explorer,
        find_interop: Callable[[], Interop | None],
        main_at: Callable[[], tuple[float, float]],
        scale: float = 1.0,
        desk: Desk | None = None,
        make_painter: Callable[..., Any] = Painter,
    ) -> None:
        """Args.

        find_interop: what CUDA frames are shown through, called on the thread that draws.
        main_at: the middle of the program's own window, in screen px.
        scale: of the display, for a movable window's first size.
        """
        self._explorer, self._find, self._main_at, self._scale = explorer, find_interop, main_at, scale
        self._desk, self._make_painter = desk or Desk(), make_painter
        self._window: GlfwWindow | None = None
        self._painter: Any = None
        self._ending: list[tuple[GlfwWindow, Any]] = []  # windows whose painters have not ended yet
        self._on: Monitor | None = None  # that the window fills
        self._look: Look | None = None
        self._seen: Shown | None = None  # the frame handed on last
        self._looked_at = 0.0
        self.monitors: tuple[Monitor, ...] = ()

    # -- what the panel and keys call ----------------------------------------------------------------------------------

    @property
    def settings(self) -> OutputSettings:
        """As they are kept in the session."""
        return self._explorer.session.output

    @property
    def open(self) -> bool:
        """Whether the window stands."""
        return self._window is not None

    @property
    def monitor(self) -> Monitor | None:
        """Where it fills a monitor, or would; None for a movable window."""
        if not self.monitors or self.mode == "window":
            return None
        named = [monitor for monitor in self.monitors if monitor.name == self.settings.monitor]
        free = [monitor for monitor in self.monitors if not monitor.has(*self._main_at())]
        return (*named, *free, self.monitors[0])[0]

    @property
    def mode(self) -> str:
        """ "full screen" or "window"."""
        return self.settings.mode or ("full screen" if len(self.monitors) > 1 else "window")

    @property
    def camera_size(self) -> tuple[int, int]:
        """Width and height in px of the virtual camera's frames."""
        return self.settings.camera_width, self.settings.camera_height

    @property
    def statistics(self) -> Statistics:
        """What became of the frames since the window was opened."""
        return self._painter.statistics if self._painter is not None else Statistics()

    def look(self) -> None:
        """Find the monitors, for somebody who is to choose one."""
        self._guarded(self._find_monitors)

    def toggle(self) -> None:
        """Open it, or close it."""
        if self.open:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Open it as the settings say."""
        if not self.open:
            self._guarded(self._open)

    def stop(self, why: str = "") -> None:
        """Close it; `why`, if somebody has to be told."""
        window, painter = self._window, self._painter
        if window is None:
            return
        self._remember(window)
        self._window = self._painter = self._on = None
        painter.end()
        if not self._desk.lost:
            window.hide()
        self._ending.append((window, painter))
        self._clear_away()
        if why:
            self._explorer.say(why, "error")

    def change(self, **changes: Any) -> None:
        """Change fields of the settings; a window that stands follows."""
        self._explorer.keeping.change(output=self.settings.model_copy(update=changes))
        if self.open and {"monitor", "mode"} & set(changes):
            self.stop()
            self.start()

    def escape(self) -> None:
        """Escape in the program's own window: uncover it, if the output lies over it."""
        if self._on is not None and self._on.has(*self._main_at()):
            self.stop()

    # -- the loop ------------------------------------------------------------------------------------------------------

    def tick(self, now: float | None = None) -> None:
        """Once a frame: hand on a new picture, and see to the window."""
        now = time.monotonic() if now is None else now
        self._clear_away()
        due = now - self._looked_at >= LOOK_EVERY_S
        if self._desk.started and (self.open or due):
            self._desk.poll()
            if due:
                self._looked_at = now
                self._guarded(self._look_after)
        if self._window is not None:
            self._follow(self._window)

    def close(self) -> None:
        """The program ends."""
        self.stop()
        for _, painter in self._ending:
            painter.wait(END_S)
        self._clear_away()
        if not self._ending:
            self._desk.close()

    # -- within --------------------------------------------------------------------------------------------------------

    def _guarded(self, do: Callable[[], None]) -> None:
        try:
            do()
        except OutputError as error:
            self._explorer.say(str(error), "error")

    def _find_monitors(self) -> None:
        if not self._desk.lost:
            self._desk.start()
            self.monitors = self._desk.monitors()

    def _open(self) -> None:
        if self._ending and self._desk.lost:
            raise OutputError("The output window is still closing; try again in a moment.")
        self._find_monitors()
        monitor = self.monitor
        # Over the program's own window it takes the keyboard, so that Escape uncovers that again.
        covers = monitor is not None and monitor.has(*self._main_at())
        self._window = self._desk.open(monitor or self._place(), quiet=not covers)
        self._on = monitor
        self._look = self._look_at(self._window)
        self._painter = self._make_painter(self._window, self._look, self._find)
        self._seen = None
        self._follow(self._window)

    def _look_at(self, window: GlfwWindow) -> Look:
        return Look(self.settings.fit, window.size, self._explorer.session.layout.smooth)

    def _place(self) -> Place:
        kept = self.settings
        if kept.x is None:
            return Place(round(kept.width * self._scale), round(kept.height * self._scale))
        # Where it was last, unless that monitor is gone: it could not be got hold of there.
        seen = any(monitor.has(kept.x, kept.y or 0) for monitor in self.monitors)
        return Place(kept.width, kept.height, *((kept.x, kept.y) if seen else (None, None)))

    def _remember(self, window: GlfwWindow) -> None:
        if self._on is None and not self._desk.lost:
            place = window.place
            changes = {name: getattr(place, name) for name in ("x", "y", "width", "height")}
            if min(place.width, place.height) >= 64:
                self._explorer.keeping.change(output=self.settings.model_copy(update=changes))

    def _look_after(self) -> None:
        """Now and then: which monitors there are, and whether the window is there."""
        self.monitors = self._desk.monitors()
        if self._on is not None and self._on not in self.monitors:
            self.stop(f"The monitor {self._on.name} is gone or has changed; the output window was closed.")
        elif self._window is not None:
            self._window.check()

    def _follow(self, window: GlfwWindow) -> None:
        if self._desk.lost:
            self.stop("The output window was closed by something else.")
            return
        if self._painter.ended:
            self.stop(f"The output window cannot be drawn: {self._painter.error}.")
            return
        if window.wants_close:
            self.stop()
            return
        look = self._look_at(window)
        if window.exposed or look != self._look:
            window.exposed, self._look = False, look
            self._painter.redraw(look)
        if self._explorer.latest is not self._seen and (slide := live_slide(self._explorer)) is not None:
            self._seen = self._explorer.latest
            self._painter.show(slide)

    def _clear_away(self) -> None:
        """Destroy windows that nothing draws into any more."""
        for window, painter in [pair for pair in self._ending if pair[1].ended]:
            self._ending.remove((window, painter))
            if not self._desk.lost:
                window.destroy()
        if self._desk.lost and not self._ending and not self.open:
            self._desk.close()  # with all that is left of its windows; `start` makes a new connection
            self._desk.lost = False
