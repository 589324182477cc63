"""Whether a window can be opened here, and at what scale: asked before DearPyGui is, which would crash."""

import ctypes
import ctypes.util
import math
import os
import re
import subprocess
import sys

os.environ.setdefault("PYGLFW_LIBRARY_VARIANT", "x11")  # as DearPyGui, which speaks X11 only

from stylegan_core.errors import StyleScopeError

REAL_WINDOW = "on a desktop, or through 'ssh -X' or VNC; 'make run' plays a demo without a display"


class NoWindowError(StyleScopeError):
    """No window can be opened here; the message says what is missing and what to do."""


def _x11_answers(name: str) -> bool:
    library = ctypes.util.find_library("X11")
    if library is None:
        raise NoWindowError("The library libX11 is missing: install it with 'apt-get install libx11-6'.")
    x11 = ctypes.CDLL(library)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(name.encode())
    if not display:
        return False
    x11.XCloseDisplay(ctypes.c_void_p(display))
    return True


def require_window() -> None:
    """Return if a window with OpenGL can be opened.

    Raises:
        NoWindowError: it cannot; in one sentence why.
    """
    if not sys.platform.startswith("linux"):
        return  # there is always a desktop
    name = os.environ.get("DISPLAY", "")
    if not name:
        raise NoWindowError(f"There is no display (DISPLAY is not set): start StyleScope {REAL_WINDOW}.")
    if not _x11_answers(name):
        raise NoWindowError(f"The display {name} does not answer: start StyleScope {REAL_WINDOW}.")
    _require_opengl()


def _require_opengl() -> None:
    import glfw

    if not glfw.init():
        raise NoWindowError("The window system could not be started (glfw.init failed); is the display alive?")
    try:
        glfw.window_hint(glfw.VISIBLE, False)
        window = glfw.create_window(16, 16, "StyleScope", None, None)
        if not window:
            raise NoWindowError(
                "OpenGL is missing: install a graphics driver, or 'apt-get install libgl1 libgl1-mesa-dri' "
                "to draw in software."
            )
        glfw.destroy_window(window)
    finally:
        glfw.terminate()


def display_scale() -> float:
    """How many times larger than at 96 dots an inch things should be drawn, 1 to 4.

    From the desktop's own settings: GDK_SCALE, else the Xft.dpi resource, else what GLFW knows of the monitor.
    """
    for variable in ("GDK_SCALE", "QT_SCALE_FACTOR"):
        if scale := _number(os.environ.get(variable, "")):
            return min(max(scale, 1.0), 4.0)
    if sys.platform.startswith("linux"):
        return min(max(_xft_dpi() / 96, 1.0), 4.0)
    import glfw

    if not glfw.init():
        return 1.0
    try:
        monitor = glfw.get_primary_monitor()
        return min(max(glfw.get_monitor_content_scale(monitor)[0], 1.0), 4.0) if monitor else 1.0
    finally:
        glfw.terminate()


def _number(text: str) -> float:
    """0 where there is none."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return 0.0 if math.isnan(value) else value


def _xft_dpi() -> float:
    """0 if it is not known."""
    try:
        listed = subprocess.run(["xrdb", "-query"], capture_output=True, text=True, timeout=2, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0.0
    match = re.search(r"^Xft\.dpi:\s*(\S+)", listed, re.MULTILINE)
    return _number(match.group(1)) if match else 0.0
