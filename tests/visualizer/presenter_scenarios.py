"""What test_presenter.py checks, run in one process of its own because DearPyGui has one context per process.

Takes the names of scenarios; prints one JSON object: name -> traceback, empty if it passed.
"""

import ctypes
import json
import logging
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dearpygui.dearpygui as dpg
import imageio.v3 as iio
import numpy as np
import pytest
import torch
from OpenGL import GL as gl

from scripts import gpu_check
from visualizer import gl_texture
from visualizer import presenter as presenter_module
from visualizer.gl_texture import GlTexture, TextureShelf
from visualizer.presenter import Picture, Presenter

SIZES = [(1, 1), (5, 3), (32, 32), (1024, 1024), (5, 3), (3, 5), (32, 32)]  # width, height
_random = np.random.default_rng(7)
_scratch = Path(tempfile.mkdtemp())


def frame(width: int, height: int) -> np.ndarray:
    return _random.integers(0, 256, (height, width, 4), dtype=np.uint8)


def same(picture: Picture, rgba: np.ndarray) -> None:
    assert picture.size == (rgba.shape[1], rgba.shape[0])
    np.testing.assert_array_equal(picture.read_back(), rgba)


def screenshot() -> np.ndarray:
    """The window's pixels, uint8 [H, W, 3], after DearPyGui has drawn what was last shown."""
    path = _scratch / "window.png"
    path.unlink(missing_ok=True)
    for _ in range(4):  # a raw texture is drawn through two buffers in turn, the second of them empty at first
        dpg.render_dearpygui_frame()
    dpg.output_frame_buffer(str(path))
    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        dpg.render_dearpygui_frame()
    return iio.imread(path)[..., :3]


def drawn(picture: Picture, width: int, height: int) -> np.ndarray:
    """The window's pixels where the picture is drawn at this size."""
    dpg.delete_item("canvas", children_only=True)
    dpg.draw_image(picture.tag, (0, 0), (width, height), parent="canvas")
    pixels = screenshot()
    left, top = map(int, dpg.get_item_rect_min("canvas"))
    dpg.delete_item("canvas", children_only=True)
    return pixels[top : top + height, left : left + width]


@contextmanager
def presenting(*args: Any, **kwargs: Any) -> Iterator[Presenter]:
    presenter = Presenter(*args, **kwargs)
    try:
        yield presenter
    finally:
        presenter.close()


@contextmanager
def patched(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


class CudaLike:
    """A frame in memory that says it is a CUDA tensor."""

    is_cuda = True
    dtype = torch.uint8

    def __init__(self, rgba: np.ndarray) -> None:
        self.rgba, self.shape, self.downloads = rgba, rgba.shape, 0
        self.ready_event: SimpleNamespace | None = None

    def is_contiguous(self) -> bool:
        return True

    def numel(self) -> int:
        return self.rgba.size

    def data_ptr(self) -> int:
        return self.rgba.ctypes.data

    def cpu(self) -> SimpleNamespace:
        self.downloads += 1
        return SimpleNamespace(numpy=lambda: self.rgba)


class MemoryInterop:
    """Does with OpenGL alone what CUDA would do: the bytes go into the pixel buffer, and only from there on."""

    name = "memory"

    def __init__(self) -> None:
        self.registered: set[int] = set()
        self.mapped_buffer = 0
        self.fail_at: str | None = None
        self.altering = False

    def _maybe_fail(self, step: str) -> None:
        if self.fail_at == step:
            raise RuntimeError(f"CUDA_ERROR at {step}")

    def register(self, pixel_buffer: int) -> int:
        self._maybe_fail("register")
        self.registered.add(pixel_buffer)
        return pixel_buffer

    def follow(self, frame: CudaLike) -> None:
        self._maybe_fail("follow")

    @contextmanager
    def mapped(self, resource: int) -> Iterator[int]:
        self._maybe_fail("map")
        assert resource in self.registered
        self.mapped_buffer = resource
        try:
            yield 0xB0FFE2
        finally:
            self.mapped_buffer = 0

    def copy(self, target: int, source: int, size_bytes: int) -> None:
        self._maybe_fail("copy")
        assert target == 0xB0FFE2
        data = bytes(size_bytes) if self.altering else ctypes.string_at(source, size_bytes)
        gl.glBindBuffer(gl.GL_PIXEL_UNPACK_BUFFER, self.mapped_buffer)
        gl.glBufferSubData(gl.GL_PIXEL_UNPACK_BUFFER, 0, size_bytes, data)
        gl.glBindBuffer(gl.GL_PIXEL_UNPACK_BUFFER, 0)

    def unregister(self, resource: int) -> None:
        self.registered.remove(resource)


def upload_is_byte_for_byte() -> None:
    with presenting(force="upload") as presenter:
        assert presenter.path == "GL sub-image upload"
        picture = presenter.new_picture()
        assert picture.size == (0, 0)
        tag = picture.tag
        for width, height in SIZES:
            for _ in range(2):  # the second keeps the storage of the first
                rgba = frame(width, height)
                picture.show(rgba)
                same(picture, rgba)
        tensor = torch.from_numpy(frame(9, 4))
        picture.show(tensor)
        same(picture, tensor.numpy())
        assert picture.tag == tag


def pictures_do_not_mix() -> None:
    with presenting(force="upload") as presenter:
        frames = [frame(4 + i % 3, 6) for i in range(20)]  # more than one lot of textures
        pictures = [presenter.new_picture() for _ in frames]
        for picture, rgba in zip(pictures, frames, strict=True):
            picture.show(rgba)
        for picture, rgba in zip(pictures, frames, strict=True):
            same(picture, rgba)
        pictures[0].set_smooth(False)
        pictures[0].close()
        reused = presenter.new_picture()
        assert reused.size == (0, 0)
        reused.show(frames[5])
        same(reused, frames[5])
        same(pictures[1], frames[1])


def foreign_gl_state_is_harmless_and_kept() -> None:
    with presenting(force="upload") as presenter:
        picture, rgba = presenter.new_picture(), frame(6, 5)
        other = int(gl.glGenBuffers(1))
        gl.glBindBuffer(gl.GL_PIXEL_UNPACK_BUFFER, other)
        foreign = {gl.GL_UNPACK_ROW_LENGTH: 17, gl.GL_UNPACK_SKIP_ROWS: 3, gl.GL_PACK_ALIGNMENT: 8}
        for name, value in foreign.items():
            gl.glPixelStorei(name, value)
        picture.show(rgba)
        same(picture, rgba)
        kept = {name: int(gl.glGetIntegerv(name)) for name in foreign}
        bound = int(gl.glGetIntegerv(gl.GL_PIXEL_UNPACK_BUFFER_BINDING))
        gl.glBindBuffer(gl.GL_PIXEL_UNPACK_BUFFER, 0)
        gl.glDeleteBuffers(1, [other])
        for name, value in zip(foreign, (0, 0, 4), strict=True):
            gl.glPixelStorei(name, value)
        assert (kept, bound) == (foreign, other), (kept, bound, other)


def window_shows_square_or_smooth_pixels() -> None:
    with presenting(force="upload") as presenter:
        picture = presenter.new_picture()
        rgba = frame(5, 4)
        rgba[..., 3] = 255
        picture.show(rgba)
        squares = rgba[..., :3].repeat(64, axis=0).repeat(64, axis=1)
        picture.set_smooth(False)
        np.testing.assert_array_equal(drawn(picture, 320, 256), squares)
        picture.set_smooth(True)
        blended = drawn(picture, 320, 256)
        np.testing.assert_array_equal(blended[:32, :32], squares[:32, :32])  # clamped, not blended with the far edge
        steps = np.abs(np.diff(blended[32].astype(int), axis=0)).max()
        assert 0 < steps <= 255 / 64 + 1, steps
        picture.set_smooth(False)
        again = frame(256, 256)
        again[..., 3] = 255
        picture.show(again)
        np.testing.assert_array_equal(drawn(picture, 256, 256), again[..., :3])


def mipmaps_follow_the_frame() -> None:
    shelf = TextureShelf()
    plain = shelf.take()
    texture = GlTexture(plain.tag, plain.name, mipmaps=True)
    for value in (40, 200):
        rgba = np.zeros((2, 2, 4), dtype=np.uint8)
        rgba[0] = value
        texture.write(rgba)
        np.testing.assert_array_equal(texture.read(level=1), np.full((1, 1, 4), value // 2))
    shelf.close()


def raw_shows_the_same() -> None:
    with presenting(force="raw") as presenter:
        assert presenter.path == "raw float texture" and "asked for" in presenter.reason
        pictures = [presenter.new_picture(), presenter.new_picture()]
        for width, height in SIZES:
            frames = [frame(width, height), frame(height, width)]
            for picture, rgba in zip(pictures, frames, strict=True):
                picture.show(rgba)
            for picture, rgba in zip(pictures, frames, strict=True):
                same(picture, rgba)
        rgba = frame(64, 48)
        rgba[..., 3] = 255
        pictures[0].show(rgba)
        pictures[0].set_smooth(False)  # has no effect, raises nothing
        np.testing.assert_array_equal(drawn(pictures[0], 64, 48), rgba[..., :3])
        rgba = rgba[::-1].copy()
        pictures[0].show(rgba)  # the same size: the same texture
        np.testing.assert_array_equal(drawn(pictures[0], 64, 48), rgba[..., :3])


def raw_when_no_texture_is_found() -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    presenter_module.log.addHandler(handler)
    with patched(gl_texture.gl, "glIsTexture", lambda name: False), presenting() as presenter:
        assert presenter.path == "raw float texture"
        assert "not among OpenGL's" in presenter.reason
        picture, rgba = presenter.new_picture(), frame(8, 8)
        picture.show(rgba)
        same(picture, rgba)
    presenter_module.log.removeHandler(handler)
    assert [r.levelname for r in records] == ["WARNING"] and "raw float texture" in records[0].getMessage()


def raw_when_there_is_no_context() -> None:
    with patched(gl_texture.gl, "glGetString", lambda name: None), presenting() as presenter:
        assert presenter.path == "raw float texture"
        assert "no OpenGL context" in presenter.reason


def raw_for_a_picture_whose_texture_is_not_found() -> None:
    with presenting(force="upload") as presenter:
        pictures = [presenter.new_picture() for _ in range(8)]
        with patched(gl_texture.gl, "glIsTexture", lambda name: False):
            ninth = presenter.new_picture()
        rgba = frame(8, 8)
        for picture in (pictures[0], ninth):
            picture.show(rgba)
            same(picture, rgba)
        assert presenter.path == "GL sub-image upload"


def upload_without_cuda() -> None:
    with patched(presenter_module, "find_interop", lambda: (None, "no NVIDIA driver")), presenting() as presenter:
        assert presenter.path == "GL sub-image upload"
        assert presenter.reason == "No NVIDIA driver; frames are uploaded from memory."


def interop_is_byte_for_byte() -> None:
    interop = MemoryInterop()
    with presenting(interop) as presenter:
        assert presenter.path == "CUDA-GL interop (memory)"
        pictures = [presenter.new_picture(), presenter.new_picture()]
        downloads = 0
        for width, height in SIZES:
            frames = [CudaLike(frame(width, height)), CudaLike(frame(height, width))]
            for picture, rgba in zip(pictures, frames, strict=True):
                picture.show(rgba)
            for picture, rgba in zip(pictures, frames, strict=True):
                same(picture, rgba.rgba)
            downloads += sum(rgba.downloads for rgba in frames)
        assert downloads == 1  # the first frame is checked once
        assert len(interop.registered) == 2
        host = frame(3, 3)
        pictures[0].show(host)  # a frame in memory is still welcome
        same(pictures[0], host)
        assert presenter.path == "CUDA-GL interop (memory)"
    assert not interop.registered


def interop_failing_midway_falls_back() -> None:
    for step in ("follow", "map", "copy", "register"):
        interop = MemoryInterop()
        with presenting(interop) as presenter:
            pictures = [presenter.new_picture(), presenter.new_picture()]
            for picture in pictures:
                picture.show(CudaLike(frame(8, 8)))
            interop.fail_at = step
            rgba = CudaLike(frame(9, 8))  # another size, so that it has to be registered
            pictures[0].show(rgba)
            same(pictures[0], rgba.rgba)
            assert presenter.path == "GL sub-image upload"
            assert f"CUDA_ERROR at {step}" in presenter.reason
            interop.fail_at = None
            pictures[1].show(rgba)
            same(pictures[1], rgba.rgba)
            assert presenter.path == "GL sub-image upload" and rgba.downloads == 2
            assert not interop.registered, step


def interop_that_cannot_register_is_not_chosen() -> None:
    interop = MemoryInterop()
    interop.fail_at = "register"
    with presenting(interop) as presenter:
        assert presenter.path == "GL sub-image upload"
        assert "CUDA_ERROR at register" in presenter.reason


def interop_that_alters_the_first_frame_is_given_up() -> None:
    interop = MemoryInterop()
    interop.altering = True
    with presenting(interop) as presenter:
        picture, rgba = presenter.new_picture(), CudaLike(frame(8, 8))
        picture.show(rgba)
        same(picture, rgba.rgba)
        assert presenter.path == "GL sub-image upload" and "altered" in presenter.reason


def a_frame_is_finished_before_it_is_copied_to_memory() -> None:
    with presenting(force="upload") as presenter:
        picture, rgba = presenter.new_picture(), CudaLike(frame(8, 8))
        finished = []
        rgba.ready_event = SimpleNamespace(synchronize=lambda: finished.append(rgba.downloads))
        picture.show(rgba)
        same(picture, rgba.rgba)
        assert finished == [0] and rgba.downloads == 1


def odd_frames_are_refused() -> None:
    good = frame(4, 4)
    turned = torch.from_numpy(good).permute(1, 0, 2)
    bad = [good[..., :3].copy(), good.astype(np.float32), good[:, ::2], good[:0], turned]
    for force in ("upload", "raw"):
        with presenting(force=force) as presenter:
            picture = presenter.new_picture()
            picture.show(good)
            for rgba in bad:
                with pytest.raises(ValueError, match=r"^the frame is "):
                    picture.show(rgba)
            same(picture, good)
    with presenting(force="upload") as presenter:
        wide = np.zeros((1, int(gl.glGetIntegerv(gl.GL_MAX_TEXTURE_SIZE)) + 1, 4), dtype=np.uint8)
        with pytest.raises(ValueError, match="textures end at"):
            presenter.new_picture().show(wide)


def gpu_check_measures() -> None:
    report = gpu_check.Report()
    gpu_check.check_pixels(report, "cpu", [(1, 1), (5, 3)])
    gpu_check.time_presents(report, "cpu", [16], 100)
    assert report.agreed
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report.lines if line.startswith("| ")]
    assert ["5 × 3", "yes", "yes"] in rows
    timed = [row for row in rows if row[0] == "16 × 16"]
    assert len(timed) == 2 and all(0 < float(median) <= float(p99) for _, _, median, p99 in timed)
    with patched(Picture, "read_back", lambda picture: np.zeros((1, 1, 4), dtype=np.uint8)):
        gpu_check.check_pixels(report, "cpu", [(5, 3)])
    assert not report.agreed and report.lines[-1] == "| 5 × 3 | **NO** | **NO** |"


def main(names: list[str]) -> None:
    dpg.create_context()
    dpg.configure_app(manual_callback_management=True)
    dpg.create_viewport(title="presenter", width=500, height=400, vsync=False)
    dpg.setup_dearpygui()
    with dpg.window(tag="window"):
        dpg.add_drawlist(480, 360, tag="canvas")
    dpg.set_primary_window("window", True)
    dpg.show_viewport()
    dpg.render_dearpygui_frame()
    results = {}
    for name in names:
        try:
            globals()[name]()
            results[name] = ""
        except Exception:  # noqa: BLE001 - reported to the test of this name, whatever it is
            results[name] = traceback.format_exc()
    dpg.destroy_context()
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
