"""The output: a second window that shows the live picture alone, for a projector or a screen recorder.

Belongs to the UI thread and never waits: the window lives on its stage's thread. It is never opened by itself; what
goes wrong with it is a sentence in the status line and closes it, and nothing else.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from visualizer.cuda_interop import Interop
from visualizer.explorer import Explorer
from visualizer.output_gl import Slide
from visualizer.output_stage import Point, Report, Stage, Statistics, Wish, mode_of
from visualizer.output_window import Monitor
from visualizer.session import OutputSettings
from visualizer.worker import Shown

END_S = 2.0  # how long the program waits in the end for a driver that does not swap
SMALLEST_PX = 64


def live_slide(explorer: Explorer) -> Slide | None:
    """The picture on the canvas, as large as it is drawn there at 1:1; None as long as there is none."""
    shown = explorer.latest
    if shown is None or shown.rgba is None:
        return None
    height, width = shown.rgba.shape[:2]
    preview, card = shown.frame.preview, explorer.card
    size = (card.width, card.height) if preview and card is not None else (width, height)
    return Slide(shown.rgba, size, preview, card is not None and card.has_alpha)


class Output:
    """See the module.

    Args:
        explorer: whose live picture is shown.
        find_interop: what CUDA frames are shown through, called on the thread that draws.
        main_at: the middle of the program's own window, in screen px.
        scale: of the display, for a movable window's first size.
        make_stage: what opens the window; tests put a fake in its place.
    """

    def __init__(
        self,
        explorer: Explorer,
        find_interop: Callable[[], Interop | None],
        main_at: Callable[[], Point],
        scale: float = 1.0,
        make_stage: Callable[[Callable[[], Interop | None]], Stage] = Stage,
    ) -> None:
        self._explorer, self._main_at, self._scale = explorer, main_at, scale
        self._make_stage = lambda: make_stage(find_interop)
        self._stage: Stage | None = None
        self._wish: Wish | None = None
        self._number = 0
        self._report = Report()
        self._seen: Shown | None = None  # the frame handed on last

    # -- what the panel and keys call ----------------------------------------------------------------------------------

    @property
    def settings(self) -> OutputSettings:
        """As they are kept in the session."""
        return self._explorer.session.output

    @property
    def open(self) -> bool:
        """Whether the window stands, or is about to."""
        return self._wish is not None

    @property
    def monitors(self) -> tuple[Monitor, ...]:
        """Those there are, the primary one first; empty until they have been looked for."""
        return self._report.monitors

    @property
    def mode(self) -> str:
        """ "full screen" or "window"."""
        return mode_of(self.settings, self.monitors)

    @property
    def camera_size(self) -> tuple[int, int]:
        """Width and height in px of the virtual camera's frames."""
        return self.settings.camera_width, self.settings.camera_height

    @property
    def statistics(self) -> Statistics:
        """What became of the frames since the window was opened."""
        return self._stage.statistics if self._stage is not None else Statistics()

    def look(self) -> None:
        """Look for the monitors from now on, for somebody who is to choose one."""
        if self._stage is None:
            self._stage = self._make_stage()
            self._stage.begin()

    def toggle(self) -> None:
        """Open it, or close it."""
        if self.open:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Open it as the settings say."""
        if self.open:
            return
        self.look()
        self._number += 1
        self._wish = Wish(self._number, self.settings, self._main_at(), self._scale)
        self._seen = None
        if self._stage is not None:
            self._stage.want(self._wish)
        self.tick()

    def stop(self) -> None:
        """Close it."""
        self._wish = None
        if self._stage is not None:
            self._stage.want(None)

    def change(self, **changes: Any) -> None:
        """Change fields of the settings; a window that stands follows."""
        self._explorer.keeping.change(output=self.settings.model_copy(update=changes))

    def escape(self) -> None:
        """Escape in the program's own window: uncover it, if the output lies over it."""
        if self._report.on is not None and self._report.on.has(*self._main_at()):
            self.stop()

    # -- the loop ------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a frame: take in the stage's report, and hand on what is new."""
        if self._stage is None:
            return
        if (report := self._stage.report) is not self._report:
            self._take(report)
        if self._wish is None:
            return
        wish = replace(self._wish, settings=self.settings, smooth=self._explorer.session.layout.smooth)
        if wish != self._wish:
            self._wish = wish
            self._stage.want(wish)
        if self._explorer.latest is not self._seen and (slide := live_slide(self._explorer)) is not None:
            self._seen = self._explorer.latest
            self._stage.show(slide)

    def close(self) -> None:
        """The program ends."""
        self.stop()
        if self._stage is not None:
            self._stage.end(END_S)
            self._take(self._stage.report)

    def _take(self, report: Report) -> None:
        before, self._report = self._report, report
        if report.place is not None and report.place != before.place:
            place = report.place
            if min(place.width, place.height) >= SMALLEST_PX:
                self.change(x=place.x, y=place.y, width=place.width, height=place.height)
        if report.over == self._number != before.over:
            self._wish = None
            if report.why:
                self._explorer.say(report.why, "error")
