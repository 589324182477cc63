"""What X11 has to be told of a second window: its end is not the program's, and the keyboard stays with the first.

Elsewhere all of this does nothing.
"""

import ctypes
import ctypes.util
import logging
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

log = logging.getLogger(__name__)

_ERROR = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
_BREAK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_EXIT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
_ERROR_CODES = range(1, 256)
_REPLACE = 0  # PropModeReplace of X.h

# X calls these as long as the process lives, so they stay.
_kept: list[Any] = []
_guarded: dict[int, Callable[[], None]] = {}  # display -> whom to tell that something of it is gone


@cache
def _library(name: str) -> ctypes.CDLL | None:
    """A system library; None where it is missing or this is no X11."""
    if not sys.platform.startswith("linux"):
        return None
    found = ctypes.util.find_library(name)
    return ctypes.CDLL(found) if found else None


def survive(display: int, lost: Callable[[], None]) -> None:
    """Have the program live on when somebody destroys a window of a display connection, or the connection itself.

    Xlib ends the process in both cases unless told otherwise. Only one thread may use the connection: the one on which
    it breaks keeps Xlib's lock on it.

    Args:
        display: the address of Xlib's Display.
        lost: called when a request fails because its window is gone, or the connection is. It may not call Xlib.
    """
    x11 = _library("X11")
    if x11 is None:
        return
    _guarded[display] = lost
    # The usual XSetErrorHandler is one for the process, and DearPyGui's GLFW resets it at every frame. These are the
    # connection's own.
    x11.XESetWireToError.argtypes = [ctypes.c_void_p, ctypes.c_int, _ERROR]
    x11.XESetWireToError.restype = ctypes.c_void_p
    for code in _ERROR_CODES:
        x11.XESetWireToError(display, code, _on_error)
    if not _kept:
        x11.XSetIOErrorHandler.restype = ctypes.c_void_p
        on_break = _BREAK(_broken)
        before = x11.XSetIOErrorHandler(on_break)
        _kept.extend((_BREAK(before), on_break))
    if hasattr(x11, "XSetIOErrorExitHandler"):  # libX11 1.7; an older one ends the program with its display
        x11.XSetIOErrorExitHandler.argtypes = [ctypes.c_void_p, _EXIT, ctypes.c_void_p]
        x11.XSetIOErrorExitHandler(display, _stay, None)


def forget(display: int) -> None:
    """The connection was closed."""
    _guarded.pop(display, None)


def _failed(display: int, event: int, error: int) -> int:
    """A request failed: of a guarded display that is no reason to end."""
    del event, error
    if display in _guarded:
        _guarded[display]()
    return 0  # Xlib is to think no more of it


def _broken(display: int) -> int:
    """A connection broke: tell of a guarded one, and let the others go as they would have."""
    if display in _guarded:
        log.warning("The output window's connection to the display broke.")
        _guarded[display]()
        return 0
    before: Callable[[int], int] = _kept[0]
    return before(display)


_on_error = _ERROR(_failed)
_stay = _EXIT(lambda display, data: None)


def stay_behind(display: int, window: int) -> None:
    """Before a window is shown: ask the window manager not to give it the keyboard."""
    _set_property(display, window, b"_NET_WM_USER_TIME", b"CARDINAL", 0)  # "nobody has ever used it" (EWMH)


def fill_monitor(display: int, window: int) -> None:
    """Before a window is shown: ask the window manager to have it fill its monitor, above panels and docks.

    GLFW asks after it is shown, when some window managers give it the keyboard whatever it says.
    """
    x11 = _library("X11")
    if x11 is not None:
        _set_property(display, window, b"_NET_WM_STATE", b"ATOM", _atom(x11, display, b"_NET_WM_STATE_FULLSCREEN"))


def _atom(x11: ctypes.CDLL, display: int, name: bytes) -> int:
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    return int(x11.XInternAtom(display, name, False))


def _set_property(display: int, window: int, name: bytes, kind: bytes, value: int) -> None:
    x11 = _library("X11")
    if x11 is None:
        return
    number = (ctypes.c_ulong * 1)(value)
    x11.XChangeProperty.argtypes = [
        *(ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong),
        *(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_int),
    ]
    names = (_atom(x11, display, name), _atom(x11, display, kind))
    x11.XChangeProperty(display, window, *names, 32, _REPLACE, number, 1)
