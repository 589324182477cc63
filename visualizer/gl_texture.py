"""The OpenGL textures behind DearPyGui's: found by their content, given storage of any size, written byte for byte.

DearPyGui has no call that takes bytes. A static texture of it is an OpenGL texture that is filled once, so its name
can be found among those that `glIsTexture` accepts, and from then on the texture is ours to write. The shelf needs
DearPyGui's OpenGL context to be current, that is the main thread after the first rendered frame; textures and buffers
need the context that they were made in.
"""

import ctypes
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import dearpygui.dearpygui as dpg
import numpy as np
from OpenGL import GL as gl

# The raw calls: PyOpenGL's own around the image calls set pixel storage both ways, and for a whole number they make an
# array; both cost more than the call.
from OpenGL.raw.GL.VERSION.GL_1_0 import glGetIntegerv, glGetTexImage, glTexImage2D
from OpenGL.raw.GL.VERSION.GL_1_1 import glTexSubImage2D

log = logging.getLogger(__name__)

_BATCH = 8
_HIGHEST_NAME = 4096  # drivers count names up from 1; a scan this far takes about 4 ms
_SEED_SIZE = (13, 7)  # width, height of a texture that waits to be found: no atlas has this shape
_SOFTWARE = ("llvmpipe", "softpipe", "swrast")

_WAYS = {"PACK": gl.GL_PIXEL_PACK_BUFFER, "UNPACK": gl.GL_PIXEL_UNPACK_BUFFER}
_STORE = {
    way: {
        getattr(gl, f"GL_{way}_{what}"): tight
        for what, tight in (
            ("ROW_LENGTH", 0),
            ("SKIP_ROWS", 0),
            ("SKIP_PIXELS", 0),
            ("SWAP_BYTES", 0),
            ("LSB_FIRST", 0),
            ("ALIGNMENT", 1),
        )
    }
    for way in _WAYS
}


class GlUnavailable(RuntimeError):
    """DearPyGui's textures cannot be reached through OpenGL here; the message says why."""


class _Answer(threading.local):
    """Room for the longest answer to what is asked here; the output window asks on a thread of its own."""

    def __init__(self) -> None:
        self.numbers = (ctypes.c_int * 4)()


_answer = _Answer()


def _integer(name: int) -> int:
    """One of OpenGL's settings."""
    glGetIntegerv(name, _answer.numbers)
    return _answer.numbers[0]


@contextmanager
def _bound(texture: int) -> Iterator[None]:
    """Bind a texture, and put back what DearPyGui had bound."""
    before = _integer(gl.GL_TEXTURE_BINDING_2D)
    gl.glBindTexture(gl.GL_TEXTURE_2D, texture)
    try:
        yield
    finally:
        gl.glBindTexture(gl.GL_TEXTURE_2D, before)


@contextmanager
def _tight(way: Literal["PACK", "UNPACK"], buffer: int = 0) -> Iterator[None]:
    """Have pixels lie tightly packed, in memory or in a pixel buffer, one way; and put back what was set.

    Each question to OpenGL costs some µs of the frame, so only the way that is used is asked about.
    """
    target, binding = _WAYS[way], getattr(gl, f"GL_PIXEL_{way}_BUFFER_BINDING")
    before = _integer(binding)
    stored = {name: _integer(name) for name in _STORE[way]}
    wanted = {name: value for name, value in _STORE[way].items() if stored[name] != value}
    try:
        for name, value in wanted.items():
            gl.glPixelStorei(name, value)
        gl.glBindBuffer(target, buffer)
        yield
    finally:
        gl.glBindBuffer(target, before)
        for name in wanted:
            gl.glPixelStorei(name, stored[name])


class PixelBuffer:
    """An OpenGL pixel buffer object that textures can be filled from (its content starts undefined)."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.name = int(gl.glGenBuffers(1))
        bound = _integer(gl.GL_PIXEL_UNPACK_BUFFER_BINDING)
        gl.glBindBuffer(gl.GL_PIXEL_UNPACK_BUFFER, self.name)
        gl.glBufferData(gl.GL_PIXEL_UNPACK_BUFFER, size_bytes, None, gl.GL_STREAM_DRAW)
        gl.glBindBuffer(gl.GL_PIXEL_UNPACK_BUFFER, bound)

    def close(self) -> None:
        """Give the buffer's memory back."""
        gl.glDeleteBuffers(1, [self.name])


class GlTexture:
    """One DearPyGui texture whose storage is ours: RGBA8, any size."""

    def __init__(self, tag: int | str, name: int, mipmaps: bool) -> None:
        """Args: tag, DearPyGui's; name, OpenGL's; mipmaps, whether to keep them up to date for minified drawing."""
        self.tag = tag
        self.name = name
        self.size = (0, 0)
        self._mipmaps = mipmaps
        self._smooth: bool | None = None
        with _bound(name):
            minify = gl.GL_LINEAR_MIPMAP_LINEAR if mipmaps else gl.GL_LINEAR
            gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_MIN_FILTER, minify)
            # Repeating would blend the opposite edge into the border pixels of a magnified picture.
            gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_WRAP_S, gl.GL_CLAMP_TO_EDGE)
            gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_WRAP_T, gl.GL_CLAMP_TO_EDGE)
        self.reset()

    def reset(self) -> None:
        """One black pixel and smooth, with no more memory than that needs."""
        self.write(np.array([[[0, 0, 0, 255]]], dtype=np.uint8))
        self.set_smooth(True)

    def write(self, rgba: np.ndarray) -> None:
        """Show a contiguous uint8 array [H, W, 4]."""
        height, width, _ = rgba.shape
        with _bound(self.name), _tight("UNPACK"):
            self._store(width, height, rgba.ctypes.data_as(ctypes.c_void_p))

    def write_from(self, buffer: PixelBuffer, width: int, height: int) -> None:
        """Show the first width * height * 4 bytes of a pixel buffer; no byte passes through the CPU."""
        with _bound(self.name), _tight("UNPACK", buffer.name):
            self._store(width, height, ctypes.c_void_p(0))

    def _store(self, width: int, height: int, pixels: ctypes.c_void_p) -> None:
        # pixels is an address, or an offset into the bound pixel buffer.
        layout = (gl.GL_RGBA, gl.GL_UNSIGNED_BYTE, pixels)
        if (width, height) == self.size:
            glTexSubImage2D(gl.GL_TEXTURE_2D, 0, 0, 0, width, height, *layout)
        else:
            glTexImage2D(gl.GL_TEXTURE_2D, 0, gl.GL_RGBA8, width, height, 0, *layout)
            self.size = (width, height)
        if self._mipmaps:
            gl.glGenerateMipmap(gl.GL_TEXTURE_2D)

    def set_smooth(self, smooth: bool) -> None:
        """How magnified pixels look: blended, or square."""
        if smooth == self._smooth:
            return
        self._smooth = smooth
        with _bound(self.name):
            magnify = gl.GL_LINEAR if smooth else gl.GL_NEAREST
            gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_MAG_FILTER, magnify)

    def read(self, level: int = 0) -> np.ndarray:
        """What the texture holds, uint8 [H, W, 4]. Waits for the GPU.

        Args:
            level: of the mipmaps, each half the size of the one before.
        """
        with _bound(self.name), _tight("PACK"):
            return _read_bound(level)


class TextureShelf:
    """Hands out textures. A new lot costs one rendered frame, since DearPyGui makes them only then.

    Raises:
        GlUnavailable: this window is not drawn with OpenGL, or its textures cannot be found.
    """

    def __init__(self) -> None:
        if not gl.glGetString(gl.GL_VERSION):
            raise GlUnavailable("no OpenGL context is current")
        self.renderer = gl.glGetString(gl.GL_RENDERER).decode(errors="replace")
        self.max_size = _integer(gl.GL_MAX_TEXTURE_SIZE)
        # Mipmaps of 1024² cost a GPU nothing to speak of, but a software renderer 7 ms a frame.
        self._mipmaps = not any(name in self.renderer.lower() for name in _SOFTWARE)
        self._registry = dpg.add_texture_registry()
        self._free: list[GlTexture] = []
        try:
            self._stock()
        except GlUnavailable:
            self.close()
            raise

    def take(self) -> GlTexture:
        """A texture of one black pixel.

        Raises:
            GlUnavailable: a new lot was needed and could not be found.
        """
        if not self._free:
            self._stock()
        return self._free.pop()

    def give_back(self, texture: GlTexture) -> None:
        """For the next `take`. Nothing may draw the texture any more."""
        texture.reset()
        self._free.append(texture)

    def close(self) -> None:
        """Delete every texture, handed out or not."""
        dpg.delete_item(self._registry)

    def _stock(self) -> None:
        width, height = _SEED_SIZE
        seeds = np.random.default_rng(0).integers(0, 256, (_BATCH, height, width, 4), dtype=np.uint8)
        before = _texture_names()
        tags = [
            dpg.add_static_texture(width, height, (seed / 255).ravel().tolist(), parent=self._registry)
            for seed in seeds
        ]
        dpg.render_dearpygui_frame()
        held = {name: pixels for name in _texture_names() - before if (pixels := _seed_pixels(name)) is not None}
        for tag, seed in zip(tags, seeds, strict=True):
            matches = [name for name, pixels in held.items() if np.array_equal(pixels, seed)]
            if len(matches) != 1:
                raise GlUnavailable(f"DearPyGui's texture is not among OpenGL's ({len(held)} candidates)")
            self._free.append(GlTexture(tag, matches[0], self._mipmaps))


def _texture_names() -> set[int]:
    return {name for name in range(1, _HIGHEST_NAME) if gl.glIsTexture(name)}


def _seed_pixels(name: int) -> np.ndarray | None:
    with _bound(name), _tight("PACK"):
        return _read_bound(0) if _bound_size(0) == _SEED_SIZE else None


def _bound_size(level: int) -> tuple[int, int]:
    width = gl.glGetTexLevelParameteriv(gl.GL_TEXTURE_2D, level, gl.GL_TEXTURE_WIDTH)
    height = gl.glGetTexLevelParameteriv(gl.GL_TEXTURE_2D, level, gl.GL_TEXTURE_HEIGHT)
    return int(width), int(height)


def _read_bound(level: int) -> np.ndarray:
    width, height = _bound_size(level)
    pixels = np.empty((height, width, 4), dtype=np.uint8)
    address = pixels.ctypes.data_as(ctypes.c_void_p)
    glGetTexImage(gl.GL_TEXTURE_2D, level, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE, address)
    return pixels
