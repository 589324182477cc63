"""Draws the live picture into the output window: one quad with a texture, on black."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from OpenGL import GL as gl

from visualizer.cuda_interop import Interop
from visualizer.gl_surface import GlSurface, require_same
from visualizer.gl_texture import GlTexture
from visualizer.placing import Fit, Size, placed

log = logging.getLogger(__name__)

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
uniform float opacity;  // 1: alpha counts, and what is transparent is black
in vec2 at;
out vec4 colour;
void main() {
    vec4 found = texture(picture, at);
    colour = vec4(found.rgb * mix(1.0, found.a, opacity), 1.0);
}
"""


@dataclass(frozen=True)
class Slide:
    """A picture on its way out of the program.

    Attributes:
        rgba: uint8 [H, W, 4], contiguous: a numpy array, or a tensor on the CPU or a CUDA device.
        size: width and height in px that it stands for: a preview's is that of the full picture.
        preview: whether it is coarser than what it stands for; then its pixels always blend.
        has_alpha: whether the model makes alpha, over black; else alpha is nobody's to see.
    """

    rgba: Any
    size: Size
    preview: bool = False
    has_alpha: bool = False


@dataclass(frozen=True)
class Look:
    """How slides lie in the window: how they are fitted in, the window's size in px, whether magnified pixels blend."""

    fit: Fit
    size: Size
    smooth: bool = True


class OwnWay:
    """By which way frames reach the output's context: the presenter's kind, found anew, as CUDA is set up by thread."""

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
        self._opacity = gl.glGetUniformLocation(self._program, "opacity")
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
        gl.glUniform1f(self._opacity, float(self._slide.has_alpha))
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
