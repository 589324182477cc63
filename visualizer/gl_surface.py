"""What a frame is shown on: an OpenGL texture, filled by CUDA or from memory, in whatever context is current.

The canvas's pictures and the output window's are both such surfaces, so both go the same way, each in its own context.
"""

import logging
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from visualizer.cuda_interop import Interop, copy_frame
from visualizer.gl_texture import GlTexture, PixelBuffer

log = logging.getLogger(__name__)


class Way(Protocol):
    """By which way the frames of one OpenGL context reach their textures; what fails is given up for all of them."""

    @property
    def interop(self) -> Interop | None:
        """What CUDA frames are shown through, as long as that works."""

    def give_up_interop(self, error: Exception) -> None:
        """From now on every frame is uploaded from memory."""

    def check_once(self, texture: GlTexture, frame: Any) -> None:
        """Compare the first frame that came through the interop with its copy in memory; raise where they differ."""


class Bridge:
    """A pixel buffer that CUDA writes and OpenGL reads."""

    def __init__(self, interop: Interop, size_bytes: int) -> None:
        self.pixels = PixelBuffer(size_bytes)
        self._interop = interop
        try:
            self._resource = interop.register(self.pixels.name)
        except Exception:
            self.pixels.close()
            raise

    def write(self, frame: Any) -> None:
        """Copy a contiguous CUDA tensor of as many bytes into it."""
        copy_frame(self._interop, self._resource, frame)

    def close(self) -> None:
        """Give the buffer up on both sides."""
        try:
            self._interop.unregister(self._resource)
        finally:
            self.pixels.close()


class GlSurface:
    """An OpenGL texture, filled by CUDA or from memory. On the thread whose context has the texture."""

    def __init__(self, way: Way, texture: GlTexture, max_size: int, give_back: Callable[[GlTexture], None]) -> None:
        """Args: max_size, px a side that the driver takes; give_back, who gets the texture in the end."""
        self._way, self._max_size, self._give_back = way, max_size, give_back
        self._bridge: Bridge | None = None
        self.texture = texture

    @property
    def tag(self) -> int | str:
        """DearPyGui's, where it is one of DearPyGui's textures."""
        return self.texture.tag

    def show(self, rgba: Any, width: int, height: int) -> None:
        """Take in a frame, uint8 [height, width, 4], in memory or on a CUDA device.

        Raises:
            ValueError: it is larger than a texture may be.
        """
        limit = self._max_size
        if max(width, height) > limit:
            raise ValueError(f"the frame is {width} × {height} px; this machine's textures end at {limit} px a side.")
        interop = self._way.interop
        if interop is not None and getattr(rgba, "is_cuda", False):
            try:
                self._show_on_gpu(interop, rgba, width, height)
                return
            except Exception as error:  # noqa: BLE001 - whatever CUDA or OpenGL raises, the upload remains
                self._way.give_up_interop(error)
        if self._way.interop is None:
            self._drop_bridge()
        self.texture.write(on_host(rgba))

    def _show_on_gpu(self, interop: Interop, rgba: Any, width: int, height: int) -> None:
        if self._bridge is None or self._bridge.pixels.size_bytes != width * height * 4:
            self._drop_bridge()
            self._bridge = Bridge(interop, width * height * 4)
        self._bridge.write(rgba)
        self.texture.write_from(self._bridge.pixels, width, height)
        self._way.check_once(self.texture, rgba)

    def _drop_bridge(self) -> None:
        bridge, self._bridge = self._bridge, None
        if bridge is None:
            return
        try:
            bridge.close()
        except Exception:  # the driver call that failed before may fail here as well; there is nothing left to undo
            log.debug("A pixel buffer could not be unregistered", exc_info=True)

    def set_smooth(self, smooth: bool) -> None:
        """Whether magnified pixels blend or stay square."""
        self.texture.set_smooth(smooth)

    def read(self) -> np.ndarray:
        """What the texture holds, uint8 [H, W, 4]."""
        return self.texture.read()

    def close(self) -> None:
        """Give the texture back."""
        self._drop_bridge()
        self._give_back(self.texture)


def require_same(texture: GlTexture, frame: Any) -> None:
    """Compare what a texture holds with the frame that should be in it.

    Raises:
        RuntimeError: they differ, so the driver said yes and did something else.
    """
    if not np.array_equal(texture.read(), on_host(frame)):
        raise RuntimeError("the first frame arrived altered")


def on_host(rgba: Any) -> np.ndarray:
    """A frame's bytes in main memory, once they are finished; a numpy array as it is."""
    if isinstance(rgba, np.ndarray):
        return rgba
    if rgba.is_cuda and (ready := getattr(rgba, "ready_event", None)) is not None:
        ready.synchronize()
    return rgba.cpu().numpy()
