"""The presenter: how a frame gets into the texture that a DearPyGui canvas draws, by the best way this machine has.

Three ways, best first: CUDA writes an OpenGL buffer and nothing passes through the CPU; one sub-image upload from
memory into the OpenGL texture behind DearPyGui's; DearPyGui's own raw texture, which takes floats only and uploads
them again for every frame drawn. The way is chosen once. One that fails later is given up for good, never an error.
"""

import logging
from typing import Any, Literal

import dearpygui.dearpygui as dpg
import numpy as np

from visualizer.cuda_interop import Interop, find_interop
from visualizer.gl_surface import Bridge, GlSurface, on_host, require_same
from visualizer.gl_texture import GlTexture, GlUnavailable, TextureShelf

log = logging.getLogger(__name__)

Force = Literal["auto", "interop", "upload", "raw"]

_UPLOAD = "GL sub-image upload"
_RAW = "raw float texture"


class Presenter:
    """Makes Pictures. Main thread only; make it after `show_viewport` and one rendered frame.

    Attributes:
        path: "CUDA-GL interop (pycuda)", "CUDA-GL interop (cuda.core)", "GL sub-image upload" or "raw float texture".
        reason: one sentence why, for the performance panel.
    """

    path: str
    reason: str

    def __init__(self, interop: Interop | None = None, force: Force = "auto") -> None:
        """Find out what works here; never raises for something missing.

        Args:
            interop: use this instead of looking for one.
            force: the best way to try. "interop" is "auto" by another name, as neither can do more than try.
        """
        self._shelf: TextureShelf | None = None
        self._interop: Interop | None = None
        self._interop_seen_right = False
        self._pictures: list[Picture] = []
        self._raw_registry = dpg.add_texture_registry()
        if force == "raw":
            self._choose(_RAW, "The raw texture was asked for.")
        elif not self._find_shelf():
            return
        elif force == "upload":
            self._choose(_UPLOAD, "The upload was asked for; frames are uploaded from memory.")
        else:
            self._find_interop(interop)

    def _choose(self, path: str, reason: str, level: int = logging.INFO) -> None:
        self.path, self.reason = path, reason
        log.log(level, "Pictures are shown by %s. %s", path, reason)

    def _find_shelf(self) -> bool:
        try:
            self._shelf = TextureShelf()
        except Exception as error:  # whatever a driver or PyOpenGL raises, the raw texture remains
            log.debug("OpenGL textures cannot be used", exc_info=True)
            reason = f"OpenGL cannot be used here ({error}); each frame is converted to floats."
            self._choose(_RAW, reason, logging.WARNING)
            return False
        return True

    def _find_interop(self, interop: Interop | None) -> None:
        why = "an interop was given"
        if interop is None:
            interop, why = find_interop()
        why = why[0].upper() + why[1:]
        if interop is None:
            self._choose(_UPLOAD, f"{why}; frames are uploaded from memory.")
            return
        try:
            Bridge(interop, 4).close()
        except Exception as error:  # noqa: BLE001 - a CUDA driver call, of either package
            self.give_up_interop(error)
            return
        self._interop = interop
        self._choose(f"CUDA-GL interop ({interop.name})", f"{why}; frames stay on the GPU.")

    @property
    def interop(self) -> Interop | None:
        """What CUDA frames are shown through, as long as that works."""
        return self._interop

    def give_up_interop(self, error: Exception) -> None:
        """From now on every frame is uploaded from memory."""
        self._interop = None
        log.debug("CUDA-GL interop failed", exc_info=error)
        reason = f"CUDA could not write OpenGL's buffers ({error}); frames are uploaded from memory."
        self._choose(_UPLOAD, reason, logging.WARNING)

    def check_once(self, texture: GlTexture, frame: Any) -> None:
        """Compare the first frame that came through the interop with its copy in memory.

        Raises:
            RuntimeError: they differ, so the driver said yes and did something else.
        """
        if not self._interop_seen_right:
            require_same(texture, frame)
            self._interop_seen_right = True

    def new_picture(self) -> "Picture":
        """A picture of its own, empty until its first frame."""
        picture = Picture(self, self._new_surface())
        self._pictures.append(picture)
        return picture

    def _new_surface(self) -> "GlSurface | _RawSurface":
        if self._shelf is not None:
            try:
                return GlSurface(self, self._shelf.take(), self._shelf.max_size, self._shelf.give_back)
            except GlUnavailable as error:
                log.warning("This picture is shown by a %s: %s.", _RAW, error)
        return _RawSurface(self._raw_registry)

    def close(self) -> None:
        """Close every picture. Before `destroy_context`, and when nothing draws their textures any more."""
        for picture in list(self._pictures):
            picture.close()
        if self._shelf is not None:
            self._shelf.close()
        dpg.delete_item(self._raw_registry)

    def forget(self, picture: "Picture") -> None:
        """Called by a picture that closes."""
        self._pictures.remove(picture)


class Picture:
    """One texture on the screen: the live view, a comparison, a thumbnail."""

    def __init__(self, presenter: Presenter, surface: "GlSurface | _RawSurface") -> None:
        self._presenter = presenter
        self._surface = surface
        self._size = (0, 0)

    @property
    def tag(self) -> int | str:
        """DearPyGui's texture, for draw_image and add_image. Read it again after `show`: a raw one changes with size.

        Give draw_image its corners and add_image its width and height: DearPyGui does not know the texture's size.
        """
        return self._surface.tag

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px; (0, 0) before the first frame."""
        return self._size

    def show(self, rgba: Any) -> None:
        """Show a frame; it is on the screen when DearPyGui has drawn next.

        Args:
            rgba: uint8 [H, W, 4], contiguous: a numpy array, or a tensor on the CPU or a CUDA device. A CUDA tensor
                that another stream than the current one is still writing has its torch.cuda.Event as `ready_event`.

        Raises:
            ValueError: it is none of these.
        """
        width, height = _checked_size(rgba)
        self._surface.show(rgba, width, height)
        self._size = (width, height)

    def set_smooth(self, smooth: bool) -> None:
        """Whether magnified pixels blend (the default) or stay square. Raw textures always blend."""
        self._surface.set_smooth(smooth)

    def read_back(self) -> np.ndarray:
        """What the texture holds, uint8 [H, W, 4] (of a raw one: what DearPyGui will upload)."""
        return self._surface.read()

    def close(self) -> None:
        """Give the texture up. Nothing may draw it any more."""
        self._surface.close()
        self._presenter.forget(self)


class _RawSurface:
    """DearPyGui's raw texture: floats, made anew for each size."""

    def __init__(self, registry: int | str) -> None:
        self._registry = registry
        self._floats = np.zeros((1, 1, 4), dtype=np.float32)
        self.tag = self._make()

    def _make(self) -> int | str:
        height, width, _ = self._floats.shape
        return dpg.add_raw_texture(width, height, self._floats, parent=self._registry)

    def show(self, rgba: Any, width: int, height: int) -> None:
        old, resized = self.tag, self._floats.shape[:2] != (height, width)
        if resized:
            self._floats = np.empty((height, width, 4), dtype=np.float32)
        np.multiply(on_host(rgba), np.float32(1 / 255), out=self._floats)
        if resized:
            self.tag = self._make()
            dpg.delete_item(old)  # what still draws it keeps it alive

    def set_smooth(self, smooth: bool) -> None:
        """DearPyGui always blends."""

    def read(self) -> np.ndarray:
        return np.rint(self._floats * 255).astype(np.uint8)

    def close(self) -> None:
        dpg.delete_item(self.tag)


def _checked_size(rgba: Any) -> tuple[int, int]:
    """(width, height), of a numpy array or anything that looks like a tensor."""
    shape = tuple(rgba.shape)
    if len(shape) != 3 or shape[2] != 4 or 0 in shape:
        raise ValueError(f"the frame is {list(shape)}; expected [H, W, 4].")
    if str(rgba.dtype) not in ("uint8", "torch.uint8"):
        raise ValueError(f"the frame is {rgba.dtype}; expected uint8.")
    contiguous = rgba.flags.c_contiguous if isinstance(rgba, np.ndarray) else rgba.is_contiguous()
    if not contiguous:
        raise ValueError("the frame is not contiguous; make it so where it is made, off the main thread.")
    return shape[1], shape[0]
