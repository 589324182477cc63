"""Draws the live picture into the output window, on a thread of its own with an OpenGL context of its own.

A swap waits for its monitor. Two windows that swap on one thread wait for both monitors in turn: at 60 Hz each, often a
whole frame for each, which halves the rate of both; without waiting, the projected picture tears. On two threads each
keeps its own monitor's rate, and drawing here costs the main thread next to nothing.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from OpenGL import GL as gl

from visualizer.cuda_interop import Interop
from visualizer.gl_surface import GlSurface, require_same
from visualizer.gl_texture import GlTexture
from visualizer.placing import Fit, Size, placed

log = logging.getLogger(__name__)

RATE_OVER = 60  # swaps that the rate is taken over
STALE_S = 1.0  # after so long without a swap the rate is 0
_SOFTWARE = ("llvmpipe", "softpipe", "swrast")

_VERTEX = """#version 130
uniform vec4 box;  // left, top, right, bottom in clip coordinates
out vec2 at;
void main() {
    at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(mix(box.xy, box.zw, at), 0.0, 1.0);
}
"""
_FRAGMENT = """#version 130
uniform sampler2D picture;
in vec2 at;
out vec4 colour;
void main() { colour = vec4(texture(picture, at).rgb, 1.0); }
"""


class Glass(Protocol):
    """The window, as the thread that draws sees it; see `output_window.GlfwWindow`."""

    def take_context(self, swap_interval: int) -> None:
        """Make its OpenGL context current on this thread."""

    def swap(self) -> None:
        """Show what was drawn."""

    def leave_context(self) -> None:
        """This thread draws no more."""


@dataclass(frozen=True)
class Slide:
    """A picture on its way out of the program.

    Attributes:
        rgba: uint8 [H, W, 4], contiguous: a numpy array, or a tensor on the CPU or a CUDA device.
        size: width and height in px that it stands for: a preview's is that of the full picture.
        preview: whether it is coarser than what it stands for; then its pixels always blend.
    """

    rgba: Any
    size: Size
    preview: bool = False


@dataclass(frozen=True)
class Look:
    """How slides lie in the window: how they are fitted in, the window's size in px, whether magnified pixels blend."""

    fit: Fit
    size: Size
    smooth: bool = True


@dataclass(frozen=True)
class Statistics:
    """What became of the slides since the window was opened."""

    shown: int = 0
    dropped: int = 0  # replaced by a newer one before their turn came
    fps: float = 0.0  # slides shown a second, lately


class OwnWay:
    """By which way frames reach this thread's context: the presenter's kind, found anew, as CUDA wants it by thread."""

    def __init__(self, find: Callable[[], Interop | None]) -> None:
        self._find = find
        self._interop: Interop | None = None
        self._looked = self._seen_right = False

    @property
    def interop(self) -> Interop | None:
        """See `gl_surface.Way`."""
        if not self._looked:
            self._looked = True
            self._interop = self._find()
        return self._interop

    def give_up_interop(self, error: Exception) -> None:
        """See `gl_surface.Way`."""
        self._interop = None
        log.warning("CUDA could not write the output window's buffers (%s); frames are uploaded from memory.", error)

    def check_once(self, texture: GlTexture, frame: Any) -> None:
        """See `gl_surface.Way`."""
        if not self._seen_right:
            require_same(texture, frame)
            self._seen_right = True


class Painter:
    """Draws the newest slide whenever there is one, and again when the window was uncovered; otherwise it rests."""

    def __init__(self, glass: Glass, look: Look, find: Callable[[], Interop | None], swap_interval: int = 1) -> None:
        """Args: find, called on the thread: what CUDA frames are shown through."""
        self._glass, self._look, self._way = glass, look, OwnWay(find)
        self._interval = swap_interval
        self._news = threading.Condition()
        self._slide: Slide | None = None  # that waits to be drawn
        self._dirty = True  # what stands there has to be drawn again
        self._ending = False
        self._shown = self._dropped = 0
        self._swaps: deque[float] = deque(maxlen=RATE_OVER)
        self.error: Exception | None = None  # why it ended by itself
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    def show(self, slide: Slide) -> None:
        """Draw this one next."""
        with self._news:
            self._dropped += self._slide is not None
            self._slide = slide
            self._news.notify()

    def redraw(self, look: Look) -> None:
        """Draw what stands there once more, perhaps otherwise."""
        with self._news:
            self._look, self._dirty = look, True
            self._news.notify()

    def end(self) -> None:
        """Draw no more. `ended` says when the context is free."""
        with self._news:
            self._ending = True
            self._news.notify()

    @property
    def ended(self) -> bool:
        """Whether the thread has ended, asked to or not."""
        return not self._thread.is_alive()

    def wait(self, timeout_s: float) -> None:
        """After `end`, until it has ended."""
        self._thread.join(timeout_s)

    @property
    def statistics(self) -> Statistics:
        """Slides shown and dropped so far."""
        with self._news:
            swaps, stale = list(self._swaps), not self._swaps or time.monotonic() - self._swaps[-1] > STALE_S
            fps = 0.0 if stale or len(swaps) < 2 else (len(swaps) - 1) / max(swaps[-1] - swaps[0], 1e-6)
            return Statistics(self._shown, self._dropped, fps)

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._glass.take_context(self._interval)
            try:
                self._draw_until_end()
            finally:
                self._glass.leave_context()
        except Exception as error:  # the boundary of the thread: a driver's errors are of any type
            log.debug("the output window cannot be drawn", exc_info=True)
            self.error = error

    def _draw_until_end(self) -> None:
        easel = Easel(self._way)
        try:
            while True:
                with self._news:
                    while not (self._slide or self._dirty or self._ending):
                        self._news.wait()
                    if self._ending:
                        return
                    slide, look = self._slide, self._look
                    self._slide, self._dirty = None, False
                if slide is not None:
                    easel.take(slide)
                easel.draw(look)
                self._glass.swap()
                if slide is not None:
                    self._count()
        finally:
            easel.close()

    def _count(self) -> None:
        with self._news:
            self._shown += 1
            self._swaps.append(time.monotonic())


class Easel:
    """OpenGL's objects for one picture in a window, in the context that is current."""

    def __init__(self, way: OwnWay) -> None:
        """Raises: RuntimeError, where OpenGL is older than 3.0, or the driver does not take the shaders."""
        version = (gl.glGetString(gl.GL_VERSION) or b"").decode(errors="replace")
        if not version or int(version.split(".")[0]) < 3:
            raise RuntimeError(f"it needs OpenGL 3.0, and the driver has {version or 'none'}")
        software = any(name in gl.glGetString(gl.GL_RENDERER).decode(errors="replace").lower() for name in _SOFTWARE)
        self._slide: Slide | None = None
        self._program = _program()
        self._box = gl.glGetUniformLocation(self._program, "box")
        self._corners = gl.glGenVertexArrays(1)  # there is nothing in it, but OpenGL wants one bound
        texture = GlTexture("", int(gl.glGenTextures(1)), mipmaps=not software)
        self._surface = GlSurface(way, texture, gl.glGetIntegerv(gl.GL_MAX_TEXTURE_SIZE), _delete)
        gl.glUseProgram(self._program)
        gl.glBindVertexArray(self._corners)
        gl.glBindTexture(gl.GL_TEXTURE_2D, texture.name)

    def take(self, slide: Slide) -> None:
        """Put a picture into the texture."""
        height, width = slide.rgba.shape[:2]
        self._surface.show(slide.rgba, width, height)
        self._slide = replace(slide, rgba=None)  # its memory may be used again

    def draw(self, look: Look) -> None:
        """The picture on black, in the window's back buffer."""
        width, height = look.size
        gl.glViewport(0, 0, max(width, 1), max(height, 1))
        gl.glClearColor(0.0, 0.0, 0.0, 1.0)
        gl.glClear(gl.GL_COLOR_BUFFER_BIT)
        if self._slide is None or min(width, height) < 1:
            return
        left, top, right, bottom = placed(self._slide.size, look.size, look.fit)
        self._surface.set_smooth(self._slide.preview or (look.smooth and look.fit != "whole"))
        across, down = 2 / width, 2 / height
        gl.glUniform4f(self._box, left * across - 1, 1 - top * down, right * across - 1, 1 - bottom * down)
        gl.glDrawArrays(gl.GL_TRIANGLE_STRIP, 0, 4)

    def read(self) -> np.ndarray:
        """What the texture holds, uint8 [H, W, 4]."""
        return self._surface.read()

    def close(self) -> None:
        """Give everything back."""
        try:
            self._surface.close()
            gl.glDeleteVertexArrays(1, [self._corners])
            gl.glDeleteProgram(self._program)
        except Exception:  # the window may be gone, and everything in it
            log.debug("OpenGL objects of the output window could not be deleted", exc_info=True)


def _delete(texture: GlTexture) -> None:
    gl.glDeleteTextures([texture.name])


def _program() -> int:
    """The two shaders, linked."""
    program = gl.glCreateProgram()
    for kind, source in ((gl.GL_VERTEX_SHADER, _VERTEX), (gl.GL_FRAGMENT_SHADER, _FRAGMENT)):
        shader = gl.glCreateShader(kind)
        gl.glShaderSource(shader, source)
        gl.glCompileShader(shader)
        gl.glAttachShader(program, shader)
        gl.glDeleteShader(shader)
    gl.glLinkProgram(program)
    if not gl.glGetProgramiv(program, gl.GL_LINK_STATUS):
        raise RuntimeError(f"the driver takes no shaders: {gl.glGetProgramInfoLog(program)!r}")
    return int(program)
