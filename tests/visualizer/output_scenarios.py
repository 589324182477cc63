"""What test_output.py checks on a screen, run in one process of its own: GLFW and OpenGL are one for a process.

Takes the names of scenarios; prints one JSON object: name -> traceback, empty if it passed.
"""

import ctypes
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import glfw
import numpy as np
import pytest
from OpenGL import GL as gl

from tests.screen import Screen
from tests.visualizer.presenter_scenarios import CudaLike, MemoryInterop, frame
from visualizer.output_gl import Easel, Look, OwnWay, Slide
from visualizer.output_stage import DESTROYED, Stage, Wish
from visualizer.output_window import Desk, Monitor, OutputError, Place
from visualizer.placing import Fit
from visualizer.session import OutputSettings

LIMIT_S = 30.0
PLACE = Place(96, 96, 20, 30)
SCREEN = Screen(os.environ["DISPLAY"])


@contextmanager
def desk() -> Iterator[Desk]:
    opened = Desk()
    opened.start()
    try:
        yield opened
    finally:
        opened.close()


class Wall:
    """An open window, and an easel in it."""

    def __init__(self, opened: Desk, look: Look, find: Callable[[], Any]) -> None:
        self.look = look
        self.window = opened.open(Place(*look.size, 0, 0))
        self.easel = Easel(OwnWay(find))

    def shows(self, slide: Slide | None = None) -> np.ndarray:
        """What the window shows of a slide, or of the one before, uint8 [H, W, 3]."""
        if slide is not None:
            self.easel.take(slide)
        self.easel.draw(self.look)
        width, height = self.look.size
        gl.glPixelStorei(gl.GL_PACK_ALIGNMENT, 1)
        pixels = gl.glReadPixels(0, 0, width, height, gl.GL_RGB, gl.GL_UNSIGNED_BYTE)
        self.window.swap()
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)[::-1]


@contextmanager
def wall(
    width: int, height: int, fit: Fit = "fit", smooth: bool = True, find: Callable[[], Any] = lambda: None
) -> Iterator[Wall]:
    with desk() as opened:
        hung = Wall(opened, Look(fit, (width, height), smooth), find)
        yield hung
        hung.easel.close()
        hung.window.destroy()


def whole(rgba: np.ndarray, factor: int, width: int, height: int) -> np.ndarray:
    large = rgba[..., :3].repeat(factor, axis=0).repeat(factor, axis=1)
    left, top = (width - large.shape[1]) // 2, (height - large.shape[0]) // 2
    room = np.zeros((height, width, 3), np.uint8)
    room[top : top + large.shape[0], left : left + large.shape[1]] = large
    return room


def black_before_the_first_picture() -> None:
    with wall(40, 30) as hung:
        seen = hung.shows()
        assert seen.shape == (30, 40, 3)
        assert not seen.any()


def whole_pixels_in_the_middle_of_black() -> None:
    with wall(203, 151, "whole") as hung:
        for width, height, factor in ((16, 16, 9), (5, 3, 40), (200, 150, 1), (16, 16, 9)):
            rgba = frame(width, height)
            rgba[..., 3] = 7  # what a picture leaves out of its alpha is not for the projector to say
            np.testing.assert_array_equal(hung.shows(Slide(rgba, (width, height))), whole(rgba, factor, 203, 151))


def square_pixels_where_they_do_not_blend() -> None:
    with wall(64, 48, "fit", smooth=False) as hung:
        rgba = frame(4, 3)
        rgba[..., 3] = [0, 255, 0, 255]
        seen = hung.shows(Slide(rgba, (4, 3), has_alpha=True))
        np.testing.assert_array_equal(seen, whole(rgba * (rgba[..., 3:] // 255), 16, 64, 48))
        np.testing.assert_array_equal(hung.shows(Slide(rgba, (4, 3))), whole(rgba, 16, 64, 48))
        hung.look = Look("fit", (64, 48), smooth=True)
        assert len(np.unique(hung.shows().reshape(-1, 3), axis=0)) > 12


def filling_leaves_no_black() -> None:
    with wall(60, 40, "fill", smooth=False) as hung:
        rgba = np.maximum(frame(6, 6), 1)
        seen = hung.shows(Slide(rgba, (6, 6)))
        np.testing.assert_array_equal(seen, rgba[1:5, :, :3].repeat(10, axis=0).repeat(10, axis=1))


def a_preview_is_magnified_to_what_it_stands_for() -> None:
    with wall(70, 70, "whole") as hung:
        seen = hung.shows(Slide(np.full((4, 4, 4), 200, np.uint8), (16, 16), preview=True))
        np.testing.assert_array_equal(seen, whole(np.full((16, 16, 4), 200, np.uint8), 4, 70, 70))
        halves = np.zeros((2, 2, 4), np.uint8)
        halves[:, 1] = 240
        seen = hung.shows(Slide(halves, (16, 16), preview=True))
        assert 0 < seen[35, 35, 0] < 240  # its pixels blend, whatever the fit


def cuda_frames_go_byte_for_byte() -> None:
    interop = MemoryInterop()
    with wall(80, 80, "whole", find=lambda: interop) as hung:
        for width, height in ((16, 16), (16, 16), (8, 4)):
            cuda = CudaLike(frame(width, height))
            seen = hung.shows(Slide(cuda, (width, height)))
            np.testing.assert_array_equal(seen, whole(cuda.rgba, 80 // width, 80, 80))
        assert cuda.downloads == 0  # only the very first is compared with its copy in memory
    assert not interop.registered


def cuda_failing_midway_falls_back() -> None:
    interop = MemoryInterop()
    with wall(64, 64, "whole", find=lambda: interop) as hung:
        hung.shows(Slide(CudaLike(frame(16, 16)), (16, 16)))
        interop.fail_at = "map"
        for _ in range(2):
            cuda = CudaLike(frame(16, 16))
            np.testing.assert_array_equal(hung.shows(Slide(cuda, (16, 16))), whole(cuda.rgba, 4, 64, 64))
            assert cuda.downloads == 1
        assert not interop.registered


def cuda_that_alters_the_first_frame_is_given_up() -> None:
    interop = MemoryInterop()
    interop.altering = True
    with wall(64, 64, "whole", find=lambda: interop) as hung:
        cuda = CudaLike(frame(16, 16))
        np.testing.assert_array_equal(hung.shows(Slide(cuda, (16, 16))), whole(cuda.rgba, 4, 64, 64))


def without_cuda_nobody_asks_again() -> None:
    asked: list[int] = []
    way = OwnWay(lambda: asked.append(1))
    assert way.interop is None
    assert way.interop is None
    assert asked == [1]


def until(condition: Callable[[], Any]) -> None:
    """Wait for another thread."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < LIMIT_S
        time.sleep(0.005)


@contextmanager
def stage(find: Callable[[], Any] = lambda: None) -> Iterator[Stage]:
    """A stage with a window."""
    playing = Stage(find)
    playing.begin()
    playing.want(wish(1))
    try:
        yield playing
    finally:
        playing.end(LIMIT_S)  # GLFW is one for the process: left open, it would be used by two threads


def wish(number: int) -> Wish:
    kept = {"width": PLACE.width, "height": PLACE.height, "x": PLACE.x, "y": PLACE.y}
    return Wish(number, OutputSettings(mode="window", fit="whole", **kept), (0.0, 0.0))


def on_screen() -> str:
    return SCREEN.window("StyleScope output") or ""


def a_stage_shows_on_the_screen_what_it_is_shown() -> None:
    names: set[str] = set()

    def find() -> MemoryInterop:
        names.add(threading.current_thread().name)
        return MemoryInterop()

    with stage(find=find) as playing:
        for number, rgba in enumerate((frame(16, 16), CudaLike(frame(8, 8))), 1):
            playing.show(Slide(rgba, rgba.shape[1::-1]))
            until(lambda number=number: playing.statistics.shown == number)
            factor = 96 // rgba.shape[0]
            np.testing.assert_array_equal(
                SCREEN.pixels_of(on_screen()), whole(getattr(rgba, "rgba", rgba), factor, 96, 96)
            )
        assert names == {"output"}  # CUDA is set up on the thread that draws
        playing.want(None)
        until(lambda: not on_screen())
        assert playing.report.place == PLACE


def the_context_of_the_main_thread_stays_current() -> None:
    glfw.init()
    glfw.default_window_hints()
    glfw.window_hint(glfw.VISIBLE, False)
    main = glfw.create_window(16, 16, "main", None, None)
    glfw.make_context_current(main)
    texture = int(gl.glGenTextures(1))
    gl.glBindTexture(gl.GL_TEXTURE_2D, texture)
    with stage() as playing:
        playing.show(Slide(frame(4, 4), (4, 4)))
        until(lambda: playing.statistics.shown == 1)
        assert gl.glGetIntegerv(gl.GL_TEXTURE_BINDING_2D) == texture
        playing.want(None)
        until(lambda: not on_screen())
        assert gl.glGetIntegerv(gl.GL_TEXTURE_BINDING_2D) == texture
        glfw.make_context_current(None)  # here, unlike in the program, the other GLFW is the same


def an_impossible_picture_closes_the_window_with_its_reason() -> None:
    with stage() as playing:
        playing.show(Slide(np.zeros((1, 100_000, 4), np.uint8), (100_000, 1)))
        until(lambda: playing.report.over == 1)
        assert playing.report.why.startswith("The output window cannot be drawn: the frame is 100000")
        assert "textures end at" in playing.report.why
        playing.want(wish(2))
        playing.show(Slide(frame(4, 4), (4, 4)))
        until(lambda: playing.statistics.shown == 1)


def _destroyed(how: str) -> None:
    """While frames flow, somebody destroys the window; and the next one is as good as the first."""
    with stage() as playing:

        def flows() -> None:
            playing.show(Slide(frame(8, 8), (8, 8)))

        until(lambda: (flows(), playing.statistics.shown > 5)[1])
        SCREEN.xdotool(how, on_screen())
        until(lambda: (flows(), playing.report.over == 1)[1])
        assert playing.report.why == DESTROYED
        playing.want(wish(2))
        until(lambda: (flows(), playing.statistics.shown > 5)[1])
        assert playing.report.over == 1
        rgba = frame(12, 12)
        before = playing.statistics.shown
        playing.show(Slide(rgba, (12, 12)))
        until(lambda: playing.statistics.shown > before)
        until(lambda: np.array_equal(SCREEN.pixels_of(on_screen()), whole(rgba, 8, 96, 96)))


def a_destroyed_window_ends_nothing_else() -> None:
    _destroyed("windowclose")


def a_killed_connection_ends_nothing_else() -> None:
    _destroyed("windowkill")


def a_destroyed_window_is_noticed_while_nothing_is_drawn() -> None:
    with stage() as playing:
        until(on_screen)
        SCREEN.xdotool("windowclose", on_screen())
        until(lambda: playing.report.over == 1)


def a_window_fills_its_monitor() -> None:
    with desk() as opened:
        [monitor] = opened.monitors()
        assert (monitor.width, monitor.height) == (1600, 1000)
        window = opened.open(monitor)
        assert window.size == (1600, 1000)
        assert (window.place.x, window.place.y) == (0, 0)
        window.destroy()


def a_display_without_windows_is_told_of() -> None:
    with desk() as opened, pytest.MonkeyPatch.context() as patch:
        patch.setattr(glfw, "create_window", lambda *args: None)
        with pytest.raises(OutputError, match="no second OpenGL window"):
            opened.open(Monitor("none", 0, 0, 64, 64))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glfw, "init", lambda: False)
        with pytest.raises(OutputError, match=r"glfw\.init failed"):
            Desk().start()


def monitors_of_one_name_are_numbered() -> None:
    with desk() as opened, pytest.MonkeyPatch.context() as patch:
        [real] = glfw.get_monitors()
        patch.setattr(glfw, "get_monitors", lambda: [real, real, real])
        patch.setattr(glfw, "get_monitor_name", lambda handle: b"Beamer")
        assert [monitor.name for monitor in opened.monitors()] == ["Beamer", "Beamer (2)", "Beamer (3)"]


def main() -> None:
    """Run the scenarios named on the command line."""
    ctypes.CDLL("libX11.so.6").XOpenDisplay(None)  # a virtual screen starts over when its last program leaves
    results = {}
    for name in sys.argv[1:]:
        try:
            globals()[name]()
            results[name] = ""
        except Exception:  # noqa: BLE001 - each is handed on as a traceback
            results[name] = traceback.format_exc()
    print(json.dumps(results))


if __name__ == "__main__":
    main()
