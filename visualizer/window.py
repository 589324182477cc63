"""The window's loop on the main thread: DearPyGui's context, the presenter, pacing. It knows no panel by name."""

import gc
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import dearpygui.dearpygui as dpg
import numpy as np

from visualizer.cuda_interop import Interop, find_interop
from visualizer.explorer import Explorer
from visualizer.library import ASSETS
from visualizer.output import Output
from visualizer.presenter import Picture, Presenter
from visualizer.virtual_camera import VirtualCamera
from visualizer.worker import Shown

log = logging.getLogger(__name__)

SIZE = (1360, 860)  # px at scale 1, the first time
ACTIVE_FPS, IDLE_FPS = 60.0, 20.0
IDLE_AFTER_S = 1.0
LOOKED_AT_S = 0.1  # who asks where the items are asks again


class Panels(Protocol):
    """What fills the window. `widgets.layout.Layout` is the one there is."""

    def build(self) -> None:
        """Make all items, once, inside the context."""

    def sync(self) -> None:
        """Once a frame: bring items in line with the Explorer."""

    def present(self, shown: Shown) -> None:
        """A new picture is there."""


class FrameClock:
    """Times of the loop's parts, in ms, of the newest 600 frames; the performance panel and benchmarks read it."""

    def __init__(self) -> None:
        self.tick_ms: list[float] = []  # CPU time of the main thread for one frame, drawing left out
        self.draw_ms: list[float] = []  # CPU time of the main thread inside DearPyGui's own frame, swap included
        self.wall_ms: list[float] = []  # from one frame to the next

    def add(self, tick_s: float, draw_s: float, wall_s: float) -> None:
        """Take in one frame."""
        for values, seconds in ((self.tick_ms, tick_s), (self.draw_ms, draw_s), (self.wall_ms, wall_s)):
            values.append(seconds * 1e3)
            del values[:-600]

    @property
    def fps(self) -> float:
        """Frames a second over the newest 30."""
        newest = self.wall_ms[-30:]
        return 1e3 * len(newest) / sum(newest) if newest else 0.0


class Window:
    """Opens the window and runs until it is closed. Everything here is on the main thread."""

    def __init__(self, explorer: Explorer, scale: float = 1.0, rects: Path | None = None, force: str = "auto"):
        self.explorer = explorer
        self.scale = scale
        self.clock = FrameClock()
        self.wake = threading.Event()  # set by the worker: a picture is there
        self.presenter: Presenter
        self.output = Output(explorer, self._interop, self._middle, scale)
        self.camera = VirtualCamera(explorer)
        self._rects_path = rects
        self._force = force
        self._busy_until = 0.0
        self._started = 0.0

    def run(self, make_panels: Callable[["Window"], Panels], each_frame: Callable[[], bool] = lambda: True) -> None:
        """Open the window and stay until it is closed, or `each_frame` says False."""
        with self._context():
            panels = make_panels(self)
            panels.build()
            self._show_viewport()
            self.presenter = Presenter(force=self._force)  # type: ignore[arg-type]
            self.explorer.begin()
            gc.collect()
            gc.freeze()  # torch and the panels stay: looking through them again would cost single frames 50 ms
            last = time.perf_counter()
            while dpg.is_dearpygui_running() and each_frame():
                tick_s = self._tick(panels)
                before = time.thread_time()
                dpg.render_dearpygui_frame()
                draw_s = time.thread_time() - before
                self._pace(last)
                now = time.perf_counter()
                self.clock.add(tick_s, draw_s, now - last)
                last = now
            self._remember_size()
            self.camera.close()
            self.output.close()
            self.explorer.close()
            self.presenter.close()

    def new_picture(self) -> Picture:
        """A texture for a panel to show pixels in. Only once the window stands."""
        return self.presenter.new_picture()

    def stay_awake(self, seconds: float = IDLE_AFTER_S) -> None:
        """Draw at the full rate for a while: something moves."""
        self._busy_until = max(self._busy_until, time.perf_counter() + seconds)

    @staticmethod
    def grab(callback: Callable[[np.ndarray], None]) -> None:
        """Hand over the window's pixels, uint8 [H, W, 4], after the next frame was drawn."""

        def arrived(_: Any, buffer: Any) -> None:
            width, height = buffer.get_width(), buffer.get_height()
            pixels = np.asarray(buffer, dtype=np.float32).reshape(height, width, 4)
            callback((pixels * 255 + 0.5).astype(np.uint8))

        dpg.output_frame_buffer(callback=arrived)

    # -- within --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _context(self) -> Iterator[None]:
        layout = self.explorer.session.layout
        dpg.create_context()
        try:
            dpg.configure_app(manual_callback_management=True, keyboard_navigation=True)
            place = {} if layout.x is None or layout.y is None else {"x_pos": layout.x, "y_pos": layout.y}
            dpg.create_viewport(
                title="StyleScope",
                width=layout.width or round(SIZE[0] * self.scale),
                height=layout.height or round(SIZE[1] * self.scale),
                min_width=640,
                min_height=480,
                small_icon=str(ASSETS / "icon_64.png"),
                large_icon=str(ASSETS / "icon.png"),
                **place,
            )
            dpg.setup_dearpygui()
            yield
        finally:
            dpg.destroy_context()

    def _show_viewport(self) -> None:
        dpg.show_viewport()
        dpg.render_dearpygui_frame()  # from here on its GL context is current

    def _tick(self, panels: Panels) -> float:
        """Everything of one frame but the drawing; its CPU time in seconds."""
        before = time.thread_time()
        for callback in dpg.get_callback_queue() or ():
            self._guarded(partial(dpg.run_callbacks, [callback]))
            self.stay_awake()
        if time.perf_counter() < self._busy_until:
            self.explorer.training.explored()
        shown = self.explorer.tick()
        if shown is not None:
            self._guarded(lambda: panels.present(shown))
            self.stay_awake()
        self._guarded(self.output.tick)
        self._guarded(self.camera.tick)
        self._guarded(panels.sync)
        self._write_rects()
        return time.thread_time() - before

    def _interop(self) -> Interop | None:
        """For the output window's thread: what CUDA frames are shown through, if the presenter has found that it works.

        Anew, as a CUDA context is current on one thread only.
        """
        return find_interop()[0] if self.presenter.interop is not None else None

    @staticmethod
    def _middle() -> tuple[float, float]:
        """The middle of the window, in screen px."""
        x, y = dpg.get_viewport_pos()
        return x + dpg.get_viewport_width() / 2, y + dpg.get_viewport_height() / 2

    def _guarded(self, function: Callable[[], None]) -> None:
        """A panel that fails is told of, and the window stays open: work in it may not have been saved."""
        try:
            function()
        except Exception as error:
            log.exception("a panel failed")
            text = f"Something went wrong ({type(error).__name__}: {error}); the log has the details."
            if self.explorer.notice.text != text:
                self.explorer.say(text, "error")

    def _pace(self, started: float) -> None:
        """Sleep to the frame rate; a new picture ends the sleep."""
        fps = ACTIVE_FPS if time.perf_counter() < self._busy_until else IDLE_FPS
        left = 1 / fps - (time.perf_counter() - started)
        if left > 0:
            self.wake.wait(left)
        self.wake.clear()

    def _remember_size(self) -> None:
        x, y = (int(value) for value in dpg.get_viewport_pos())
        width, height = max(640, dpg.get_viewport_width()), max(480, dpg.get_viewport_height())
        self.explorer.arrange(width=width, height=height, x=max(x, 0), y=max(y, 0))

    def _write_rects(self) -> None:
        """For scripts that drive the window with a real mouse: where every named item is, whenever the file is missing.

        Who deletes it learns what the newest frame shows, and, by deleting it again, that another has been drawn.
        """
        if self._rects_path is None or self._rects_path.exists():
            return
        self.stay_awake(LOOKED_AT_S)
        states = {alias: dpg.get_item_state(alias) for alias in dpg.get_aliases() if dpg.does_item_exist(alias)}
        rects = {
            alias: [*state["rect_min"], *state["rect_size"]]
            for alias, state in states.items()
            if state.get("visible") and "rect_min" in state
        }
        aside = self._rects_path.with_suffix(".part")
        aside.write_text(json.dumps(rects), encoding="utf-8")
        aside.replace(self._rects_path)
