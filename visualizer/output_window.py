"""The output window itself: monitors, a borderless or movable window on them, and what happens to it (GLFW).

All on one thread, from `Desk.start` on, which need not be the main thread: neither X11 nor Windows asks for that.
DearPyGui has a GLFW of its own inside, with a connection of its own to the display, so neither takes the other's
events, and as OpenGL's contexts are current on one thread each, neither takes the other's context.
"""

import os
import sys
import threading
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("PYGLFW_LIBRARY_VARIANT", "x11")  # as DearPyGui, which speaks X11 only

import glfw
from PIL import Image

from stylegan_core.errors import StyleScopeError
from visualizer import x11
from visualizer.library import ASSETS

TITLE = "StyleScope output"


class OutputError(StyleScopeError):
    """The output window cannot be opened or drawn; the message says why."""


@dataclass(frozen=True)
class Monitor:
    """A monitor and its place on the desktop, in screen px."""

    name: str
    x: int
    y: int
    width: int
    height: int

    def has(self, x: float, y: float) -> bool:
        """Whether a point lies on it."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


@dataclass(frozen=True)
class Place:
    """Where a movable window stands, in screen px; without x and y the window manager says."""

    width: int
    height: int
    x: int | None = None
    y: int | None = None


class Desk:
    """GLFW, from the first look at the monitors to the program's end. One thread only, but for `wake`."""

    def __init__(self) -> None:
        self.started = False
        self.lost = False  # a window was destroyed by somebody else, or the connection is gone
        self._display = 0
        self._gate = threading.Lock()  # GLFW's end and `wake` on another thread may not meet

    def start(self) -> None:
        """Connect to the display.

        Raises:
            OutputError: that cannot be.
        """
        if self.started:
            return
        if sys.platform == "darwin":
            raise OutputError("A second window is not available on macOS, which opens windows on the main thread only.")
        glfw.ERROR_REPORTING = "log"
        if not glfw.init():
            raise OutputError("The window system could not be started for a second window (glfw.init failed).")
        self.started, self.lost = True, False
        self._display = 0
        if hasattr(glfw, "get_x11_display") and glfw.get_platform() == glfw.PLATFORM_X11:
            self._display = glfw.get_x11_display()
            x11.survive(self._display, self._lose)

    def _lose(self) -> None:
        self.lost = True

    def monitors(self) -> tuple[Monitor, ...]:
        """All there are, the primary one first; names that occur twice are numbered."""
        found: list[Monitor] = []
        taken: dict[str, int] = {}
        for handle in glfw.get_monitors():
            mode = glfw.get_video_mode(handle)
            name = glfw.get_monitor_name(handle)
            name = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
            taken[name] = taken.get(name, 0) + 1
            name += f" ({taken[name]})" * (taken[name] > 1)
            x, y = glfw.get_monitor_pos(handle)
            found.append(Monitor(name, x, y, mode.size.width, mode.size.height))
        return tuple(found)

    def wait(self, seconds: float) -> None:
        """Take in what happened to the window and the monitors; if nothing did, wait for that, or for `wake`."""
        if seconds > 0:
            glfw.wait_events_timeout(seconds)
        else:
            glfw.poll_events()

    def wake(self) -> None:
        """On any thread: end a `wait`, also one that is yet to begin."""
        with self._gate:
            if self.started:
                glfw.post_empty_event()

    def open(self, where: Monitor | Place, quiet: bool = True) -> "GlfwWindow":
        """A window that fills a monitor, or one to be moved. Its OpenGL context is current on this thread.

        Args:
            where: on which monitor, or at which place.
            quiet: the keyboard stays where it is.

        Raises:
            OutputError: there is no window with OpenGL to be had.
        """
        return GlfwWindow(where, quiet, self._display)

    def close(self) -> None:
        """Disconnect from the display, with all windows; `start` may follow."""
        with self._gate:
            started, self.started = self.started, False
        if started:
            glfw.terminate()
            x11.forget(self._display)


class GlfwWindow:
    """One open window, on the thread of its Desk."""

    def __init__(self, where: Monitor | Place, quiet: bool, display: int) -> None:
        self.wants_close = False
        self.exposed = False  # the system wants it drawn again
        self._window = self._make(where, quiet)
        self.size: tuple[int, int] = glfw.get_framebuffer_size(self._window)  # in px of the monitor, whatever its scale
        glfw.set_input_mode(self._window, glfw.CURSOR, glfw.CURSOR_HIDDEN)
        glfw.set_key_callback(self._window, self._key)
        glfw.set_window_close_callback(self._window, self._close)
        glfw.set_framebuffer_size_callback(self._window, self._resize)
        glfw.set_window_refresh_callback(self._window, self._refresh)
        if display:
            if quiet:
                x11.stay_behind(display, glfw.get_x11_window(self._window))
            if isinstance(where, Monitor):
                x11.fill_monitor(display, glfw.get_x11_window(self._window))
        glfw.show_window(self._window)
        glfw.make_context_current(self._window)
        glfw.swap_interval(1)

    @staticmethod
    def _make(where: Monitor | Place, quiet: bool) -> Any:
        movable = isinstance(where, Place)
        glfw.default_window_hints()
        for hint, value in (
            (glfw.VISIBLE, False),
            (glfw.DECORATED, movable),
            (glfw.FLOATING, not movable and sys.platform == "win32"),  # above the task bar
            (glfw.FOCUSED, not quiet),
            (glfw.FOCUS_ON_SHOW, not quiet),
            (glfw.DEPTH_BITS, 0),
            (glfw.STENCIL_BITS, 0),
        ):
            glfw.window_hint(hint, value)
        if where.x is not None and where.y is not None:
            glfw.window_hint(glfw.POSITION_X, where.x)
            glfw.window_hint(glfw.POSITION_Y, where.y)
        for hint in (glfw.X11_CLASS_NAME, glfw.X11_INSTANCE_NAME):
            glfw.window_hint_string(hint, "stylescope-output")
        window = glfw.create_window(where.width, where.height, TITLE, None, None)
        if not window:
            raise OutputError("The output window could not be opened: the display gives no second OpenGL window.")
        with Image.open(ASSETS / "icon_64.png") as icon:
            glfw.set_window_icon(window, 1, [icon])  # type: ignore[list-item]
        return window

    @property
    def place(self) -> Place:
        """Where it stands now."""
        x, y = glfw.get_window_pos(self._window)
        width, height = glfw.get_window_size(self._window)
        return Place(width, height, x, y)

    def check(self) -> None:
        """Ask the display for the window, so that one that somebody destroyed is noticed while nothing is drawn."""
        glfw.get_window_attrib(self._window, glfw.VISIBLE)

    def swap(self) -> None:
        """Show what was drawn, when the monitor is ready for it."""
        glfw.swap_buffers(self._window)

    def destroy(self) -> None:
        """Give it up, and its OpenGL context."""
        glfw.make_context_current(None)  # type: ignore[arg-type]
        glfw.destroy_window(self._window)

    # -- within --------------------------------------------------------------------------------------------------------

    def _key(self, window: Any, key: int, scancode: int, action: int, modifiers: int) -> None:
        del window, scancode, modifiers
        if action == glfw.PRESS and key in (glfw.KEY_ESCAPE, glfw.KEY_F11):
            self.wants_close = True

    def _close(self, window: Any) -> None:
        del window
        self.wants_close = True

    def _resize(self, window: Any, width: int, height: int) -> None:
        del window
        self.size = (width, height)
        self.exposed = True

    def _refresh(self, window: Any) -> None:
        del window
        self.exposed = True
