"""How a frame in CUDA memory gets into an OpenGL pixel buffer without passing through the CPU.

Two optional packages can do it: pycuda, if it was built with OpenGL, and NVIDIA's cuda.core. They hide behind one
small protocol. Each copies on a stream of its own, for two reasons: pycuda cannot wrap a stream made elsewhere, and
on the stream that the renderer uses a picture would queue up behind the next one.
"""

import ctypes
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

log = logging.getLogger(__name__)

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING

# PyTorch's allocator still records events on a stream that a frame was shown on when that frame is freed, which may
# be long after the presenter has gone. So the streams stay until the process ends.
_kept_streams: list[object] = []


class Interop(Protocol):
    """CUDA's side of the way from a frame to a pixel buffer. Main thread only, OpenGL's context current."""

    name: str

    def register(self, pixel_buffer: int) -> Any:
        """Tell CUDA of an OpenGL buffer (by name) that it will only ever overwrite; what comes back stands for it."""

    def follow(self, frame: Any) -> None:
        """Let copies wait, on the GPU, until the frame is finished, and keep its memory until they are."""

    def mapped(self, resource: Any) -> AbstractContextManager[int]:
        """The buffer's device address while CUDA may write it; OpenGL may use it again on leaving, error or not."""

    def copy(self, target: int, source: int, size_bytes: int) -> None:
        """Start copying between two device addresses."""

    def unregister(self, resource: Any) -> None:
        """Undo `register`, before the OpenGL buffer is deleted."""


def copy_frame(interop: Interop, resource: Any, frame: Any) -> None:
    """Copy a frame into a registered buffer. Returns at once: OpenGL's next commands wait for the copy by themselves.

    Args:
        resource: from `interop.register`, at least as large as the frame.
        frame: a contiguous CUDA tensor. If it has an attribute `ready_event` (a torch.cuda.Event recorded after its
            last kernel), the copy waits for that, otherwise for the stream that is current on this thread.
    """
    interop.follow(frame)
    with interop.mapped(resource) as address:
        interop.copy(address, frame.data_ptr(), frame.numel())  # one byte per element


def _follow(stream: int, device: int, frame: Any) -> None:
    import torch  # only where there are CUDA tensors, so it is loaded already

    ours = torch.cuda.ExternalStream(stream, device=device)
    ready = getattr(frame, "ready_event", None)
    if ready is not None:
        ours.wait_event(ready)
    else:
        ours.wait_stream(torch.cuda.current_stream(frame.device))
    frame.record_stream(ours)


class PycudaInterop:
    """Through pycuda, in the primary context, which is the one that PyTorch uses."""

    name = "pycuda"

    def __init__(self, device: int) -> None:
        import pycuda.driver
        import pycuda.gl

        self._driver, self._gl = pycuda.driver, pycuda.gl
        self._device = device
        self._driver.init()
        self._context = self._driver.Device(device).retain_primary_context()
        with self._current():
            self._stream = self._driver.Stream(_NON_BLOCKING)
        _kept_streams.append(self._stream)

    @contextmanager
    def _current(self) -> Iterator[None]:
        # pycuda works in the context on top of its own stack, and aborts the process if one is left there at exit.
        self._context.push()
        try:
            yield
        finally:
            self._context.pop()

    def register(self, pixel_buffer: int) -> Any:
        """See Interop."""
        with self._current():
            return self._gl.RegisteredBuffer(pixel_buffer, self._gl.graphics_map_flags.WRITE_DISCARD)

    def follow(self, frame: Any) -> None:
        """See Interop."""
        _follow(self._stream.handle, self._device, frame)

    @contextmanager
    def mapped(self, resource: Any) -> Iterator[int]:
        """See Interop."""
        with self._current():
            mapping = resource.map(self._stream)
            try:
                address, _ = mapping.device_ptr_and_size()
                yield address
            finally:
                mapping.unmap()

    def copy(self, target: int, source: int, size_bytes: int) -> None:
        """See Interop."""
        self._driver.memcpy_dtod_async(target, source, size_bytes, self._stream)

    def unregister(self, resource: Any) -> None:
        """See Interop."""
        with self._current():
            resource.unregister()


class CudaCoreInterop:
    """Through cuda.core 0.7 or newer, in the primary context, which is the one that PyTorch uses."""

    name = "cuda.core"

    def __init__(self, device: int) -> None:
        import cuda.core

        if not hasattr(cuda.core, "GraphicsResource"):
            raise ImportError("this cuda.core has no GraphicsResource; 0.7 is the first that has")
        self._core = cuda.core
        self._device = device
        chosen = cuda.core.Device(device)
        chosen.set_current()
        self._stream = chosen.create_stream()  # non-blocking by default
        _kept_streams.append(self._stream)

    def register(self, pixel_buffer: int) -> Any:
        """See Interop."""
        return self._core.GraphicsResource.from_gl_buffer(pixel_buffer, flags="write_discard")

    def follow(self, frame: Any) -> None:
        """See Interop."""
        _follow(int(self._stream.handle), self._device, frame)

    @contextmanager
    def mapped(self, resource: Any) -> Iterator[int]:
        """See Interop."""
        with resource.map(stream=self._stream) as buffer:
            yield int(buffer.handle)

    def copy(self, target: int, source: int, size_bytes: int) -> None:
        """See Interop."""
        # Buffers made from an address alone own nothing.
        to = self._core.Buffer.from_handle(target, size_bytes)
        to.copy_from(self._core.Buffer.from_handle(source, size_bytes), stream=self._stream)

    def unregister(self, resource: Any) -> None:
        """See Interop."""
        resource.close()


def find_interop() -> tuple[Interop | None, str]:
    """The first implementation that works here.

    Returns:
        The interop, or None; and why, a clause to put before "; frames stay on the GPU" or "; frames are uploaded".
    """
    if not _has_nvidia_driver():  # asked first because it needs no PyTorch, whose import takes a second or more
        return None, "no NVIDIA driver"
    import torch

    if not torch.cuda.is_available():
        return None, "PyTorch finds no CUDA device"
    failures = []
    for kind in (PycudaInterop, CudaCoreInterop):
        try:
            return kind(torch.cuda.current_device()), f"CUDA writes OpenGL's buffers through {kind.name}"
        except ModuleNotFoundError as error:
            log.info("%s is not there: %s", kind.name, error)
        except Exception as error:  # optional packages over a driver: each fails in ways and types of its own
            log.info("%s cannot be used", kind.name, exc_info=True)
            failures.append(f"{kind.name}: {error}")
    if failures:
        return None, "no CUDA-OpenGL package works here (" + "; ".join(failures) + ")"
    return None, "neither pycuda nor cuda.core is installed (see requirements-cuda.txt)"


def _has_nvidia_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True
