"""Drives the real program with a real mouse and keyboard (xdotool), and looks at what stands on the screen.

Nothing here reaches into the program: it is told where the items are by the file of `--rects`, reads the Scene from a
picture that Ctrl+S saves, and takes pixels from the X server. The hand goes on when the program has drawn what it did,
however long that takes, for a person looks before they click. Used by the tests in this folder and by
scripts/screenshots.py.
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from stylegan_core.picture import read_scene
from stylegan_core.scene import Scene
from tests.screen import Screen

ROOT = Path(__file__).resolve().parents[2]
SCREEN = (1600, 1000)  # px, of setup.virtual_display
LIMIT_S = 60.0  # a window that takes longer to react is broken, however busy the machine
START_S = 180.0  # until there is a window, for reading PyTorch takes seconds of a core's time
LOOK_S = 0.005  # between two looks at something
TO_THE_TOP = 60  # notches of the wheel: more than any column is long
STEADY = 3  # frames: an item that was at one place in so many of them stays there
FACES = ROOT / "tests" / "golden" / "faces32.safetensors"  # what tests open to begin with: small, and always the same
T = TypeVar("T")


class Rect(NamedTuple):
    """A place in the window's client area, in px."""

    x: float
    y: float
    width: float
    height: float

    def at(self, across: float = 0.5, down: float = 0.5) -> tuple[float, float]:
        """A point by its share of width and height."""
        return self.x + self.width * across, self.y + self.height * down


def find(picture: np.ndarray, screen: np.ndarray) -> list[tuple[int, int]]:
    """All places (x, y) where a picture stands pixel for pixel; both uint8 [H, W, 3]."""
    needle, hay = (np.dstack([a, np.zeros_like(a[..., :1])]).view(np.uint32)[..., 0] for a in (picture, screen))
    height, width = needle.shape
    room = hay[: hay.shape[0] - height + 1, : hay.shape[1] - width + 1]
    ys, xs = np.nonzero(room == needle[0, 0])
    for y, x in np.ndindex(height, width):
        same = hay[ys + y, xs + x] == needle[y, x]
        ys, xs = ys[same], xs[same]
        if not len(ys):
            break
    return [(int(x), int(y)) for x, y in zip(xs, ys, strict=True)]


class Driver:
    """One running StyleScope.

    Args:
        folder: its session, pictures and file of places are kept in here; a second Driver on the same folder is the
            same person starting the program again.
        display: of the X server. Nothing else may have a window there.
        arguments: for `main.py open`, besides the folders; where they name no file, a new person opens FACES.
    """

    def __init__(self, folder: Path, display: str, arguments: Sequence[str | Path] = ()):
        self.state, self.pictures, self._rects_file = folder / "state", folder / "pictures", folder / "rects.json"
        self._log = folder / "log.txt"
        # Mesa draws on the thread that asks for it: its own would wait for each other where windows share few cores.
        quietly = {"OMP_NUM_THREADS": "1", "LP_NUM_THREADS": "0", "PYTHONFAULTHANDLER": "1"}
        self._environment = dict(os.environ, DISPLAY=display, **quietly)
        self._screen = Screen(display)
        self._arguments = arguments
        self._x, self._y, self._width, self._height = 0, 0, *SCREEN  # until the window is there
        self.process: subprocess.Popen[bytes]

    # -- the process ---------------------------------------------------------------------------------------------------

    def start(self) -> "Driver":
        """Start the program and wait until its window has items."""
        self._rects_file.parent.mkdir(parents=True, exist_ok=True)
        self._rects_file.unlink(missing_ok=True)
        folders = ("--state", self.state, "--pictures", self.pictures, "--rects", self._rects_file)
        opened = self._arguments
        if not self.state.exists() and not any(Path(argument).is_file() for argument in opened):
            opened = (FACES, *opened)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "main.py", "open", *map(str, folders), *map(str, opened)],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait_for(self._rects_file.exists, "the window", START_S)
        self.wait_for(lambda: self.rects(), "items in it")
        self._find_window()
        return self

    def alive(self) -> bool:
        """Whether the program runs."""
        return self.process.poll() is None

    def end(self) -> int:
        """Wait for the program to end by itself; its exit code."""
        return self.process.wait(LIMIT_S)

    def quit(self) -> int:
        """Press Ctrl+Q; the exit code."""
        self._screen.xdotool("key", "ctrl+q")
        return self.end()

    def kill(self) -> None:
        """End it as a crash does."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT_S)

    def log(self) -> str:
        """What the program wrote to stdout and stderr."""
        return self._log.read_text(errors="replace")

    def wait_for(self, condition: Callable[[], T], what: str, limit_s: float = LIMIT_S) -> T:
        """Look until something is true, and return it. Fails where the program ends or nothing comes of it."""
        started = time.monotonic()
        while True:
            if found := condition():
                return found
            if not self.alive():
                code = self.process.returncode
                raise AssertionError(f"The program ended ({code}) before {what} came; it said:\n{self.log()[-4000:]}")
            if time.monotonic() - started > limit_s:
                self.save_screenshot(self._log.with_name("never-came.png"))
                raise AssertionError(f"This never came: {what}. The program said:\n{self.log()[-4000:]}")
            time.sleep(LOOK_S)

    # -- places --------------------------------------------------------------------------------------------------------

    def rects(self) -> dict[str, Rect]:
        """Where every named item in sight is in the newest frame; it may move yet.

        Whatever was done before the last call, the program has drawn a frame since.
        """
        self._rects_file.unlink(missing_ok=True)
        self.wait_for(self._rects_file.exists, "a frame")
        return {alias: Rect(*place) for alias, place in json.loads(self._rects_file.read_text()).items()}

    def shown(self, alias: str) -> bool:
        """Whether an item is in sight."""
        return alias in self.rects()

    def rect(self, alias: str) -> Rect:
        """Where an item is, once it stays there."""
        seen: list[Rect | None] = [None] * STEADY

        def steady() -> Rect | None:
            seen[:] = [*seen[1:], self.rects().get(alias)]
            return seen[-1] if len(set(seen)) == 1 else None

        return self.wait_for(steady, f"{alias} in the window, at rest")

    def reveal(self, alias: str, column: str = "left") -> Rect:
        """Scroll a column until an item stands whole within it, and return where."""
        middle = self.rect("canvas")
        x = middle.x / 2 if column == "left" else (middle.x + middle.width + self._width) / 2
        y = middle.y + middle.height - 4  # below what lies here no tooltip and no combo takes the wheel
        for notches in (TO_THE_TOP, *[-3] * 24):
            place = self.rects().get(alias)
            if place is not None and middle.y <= place.y and place.y + place.height <= middle.y + middle.height:
                return self.rect(alias)
            self.scroll(notches, (x, y))
        raise AssertionError(f"{alias} cannot be scrolled to.")

    # -- mouse and keyboard --------------------------------------------------------------------------------------------

    def move(self, x: float, y: float) -> None:
        """Move the mouse to a place in the window."""
        self._do("mousemove", round(self._x + x), round(self._y + y))

    def rest(self) -> None:
        """Take the mouse to the foot of the canvas, away from all that explains itself when it is pointed at."""
        self.move(*self.rect("canvas").at(0.5, 0.99))

    @contextlib.contextmanager
    def held(self, button: int = 1) -> Iterator[None]:
        """Hold a mouse button."""
        self._do("mousedown", button)
        try:
            yield
        finally:
            self._do("mouseup", button)

    def click(self, alias: str, across: float = 0.5, down: float = 0.5, button: int = 1) -> None:
        """Click on an item, in the middle or at a share of its width and height."""
        self.move(*self.rect(alias).at(across, down))
        with self.held(button):
            pass

    def double_click(self) -> None:
        """Click twice where the mouse is, in less time than frames may take that are waited for one by one."""
        self._do("click", "--repeat", 2, "--delay", 10, 1)

    def drag(self, *points: tuple[float, float], button: int = 1, steps: int = 6) -> None:
        """Press at the first point, move on through the others, let go at the last."""
        self.move(*points[0])
        with self.held(button):
            for (x0, y0), (x1, y1) in itertools.pairwise(points):
                for step in range(1, steps + 1):
                    self.move(x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps)

    def scroll(self, notches: int, at: tuple[float, float]) -> None:
        """Turn the wheel, up (away from the hand) if positive."""
        self.move(*at)
        self._do("click", "--repeat", abs(notches), "--delay", 1, 4 if notches > 0 else 5)

    def key(self, keys: str) -> None:
        """Press and let go of keys such as "space" or "ctrl+shift+z"."""
        self._do("key", keys)
        if "+" in keys:
            self.rects()  # ImGui takes a key's going up a frame later, and what comes then would still be Ctrl's

    @contextlib.contextmanager
    def key_held(self, key: str) -> Iterator[None]:
        """Hold a key."""
        self._do("keydown", key)
        try:
            yield
        finally:
            self._do("keyup", key)

    def type(self, text: str) -> None:
        """Type a text, letter by letter."""
        self._do("type", "--delay", "15", text)

    def fill(self, alias: str, text: str) -> None:
        """Replace the text in a box; Enter is for the caller to press."""
        self.click(alias)
        with self.key_held("ctrl"):  # for longer than a frame, as a hand does: xdotool's own "ctrl+a" is over at once
            self.key("a")
        self.type(text)

    # -- what there is to see ------------------------------------------------------------------------------------------

    def screenshot(self) -> np.ndarray:
        """The window's pixels, uint8 [H, W, 3]."""
        return self._screen.pixels(self._x, self._y, self._width, self._height)

    def other_window(self, title: str) -> str | None:
        """The X server's name of another window of the program; None if there is none."""
        return self._screen.window(title)

    def pixels_of(self, window: str) -> np.ndarray:
        """The pixels of another window that nothing lies over, uint8 [H, W, 3]."""
        return self._screen.pixels_of(window)

    def destroy(self, window: str, how: Literal["windowkill", "windowclose"]) -> None:
        """Have the X server end a window's connection, or the window alone."""
        self._screen.xdotool(how, window)

    def focus(self, window: str) -> None:
        """Give another window the keyboard."""
        self._screen.xdotool("windowfocus", "--sync", window)

    def canvas(self) -> np.ndarray:
        """The pixels of the canvas alone."""
        x, y, width, height = map(int, self.rects()["canvas"])
        return self._screen.pixels(self._x + x, self._y + y, width, height)

    def save_screenshot(self, path: Path, crop: Rect | None = None) -> None:
        """Write the window, or a part of it, to a PNG."""
        pixels = self.screenshot()
        if crop is not None:
            x, y, width, height = map(round, crop)
            pixels = pixels[y : y + height, x : x + width]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, optimize=True)

    def session(self) -> dict[str, Any]:
        """The session as kept last, within two seconds of a change."""
        try:
            kept: dict[str, Any] = json.loads((self.state / "session.json").read_text())
        except FileNotFoundError:
            return {}
        return kept

    def scene(self) -> Scene:
        """The Scene shown, from a picture saved for the purpose."""
        return read_scene(self.capture())

    def capture(self) -> Path:
        """Press Ctrl+S and wait for the picture."""
        before = set(self.pictures.glob("*.png"))
        self.key("ctrl+s")
        return self.wait_for(lambda: set(self.pictures.glob("*.png")) - before, "the saved picture").pop()

    # -- within --------------------------------------------------------------------------------------------------------

    def _do(self, *words: object) -> None:
        """Have xdotool move, press or type, and wait until the program has drawn a frame that knows of it."""
        self._screen.xdotool(*words)  # which ends once the X server has passed it on
        for _ in range(2):  # the first may have been on its way before
            self.rects()

    def _find_window(self) -> None:
        # There may be no window manager, which would have put the window where the session says.
        found = self._screen.geometry("search", "--name", "^StyleScope$", "getwindowgeometry", "--shell")
        self._x, self._y, self._width, self._height = found
