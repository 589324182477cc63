"""The virtual camera: the live picture as a webcam that video calls and other programs can choose (pyvirtualcam).

The package and a camera device of the system are both optional; without them there is one sentence that says what to
install. Frames are scaled and sent on a thread of its own, the newest one at each turn, at the camera's rate.
"""

import importlib
import logging
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from visualizer.explorer import Explorer
from visualizer.gl_surface import on_host
from visualizer.output import live_slide
from visualizer.output_gl import Slide
from visualizer.placing import Fit, Size, placed
from visualizer.session import OutputSettings
from visualizer.worker import Shown

log = logging.getLogger(__name__)

NO_PACKAGE = "The virtual camera needs the package pyvirtualcam: type 'pip install -r requirements-live.txt'."
NO_CAMERA = (
    "There is no virtual camera: install v4l2loopback ('sudo apt-get install v4l2loopback-dkms') and load it with "
    "'sudo modprobe v4l2loopback exclusive_caps=1'."
    if sys.platform.startswith("linux")
    else "There is no virtual camera: install OBS Studio, start its virtual camera once, stop it, and try again."
)
_MISSING = re.compile(r"\bno\b.*(device|camera)|not (found|installed)|does not exist|modprobe", re.IGNORECASE)


def camera_frame(slide: Slide, room: Size, fit: Fit, smooth: bool = True) -> np.ndarray:
    """A picture as a camera sends it.

    Args:
        slide: the picture; a coarse preview is scaled to what it stands for.
        room: width and height in px of the camera's frame.
        fit: how it is fitted in; what it leaves is black.
        smooth: whether magnified pixels blend.

    Returns:
        uint8 [H, W, 3].
    """
    rgba = on_host(slide.rgba)
    image = _on_black(rgba) if slide.has_alpha else Image.fromarray(rgba[..., :3])
    left, top, right, bottom = placed(slide.size, room, fit)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, room[0]), min(bottom, room[1])
    across, down = image.width / (right - left), image.height / (bottom - top)
    seen = ((x0 - left) * across, (y0 - top) * down, (x1 - left) * across, (y1 - top) * down)
    square = across < 1 and not slide.preview and (fit == "whole" or not smooth)
    filter = Image.Resampling.NEAREST if square else Image.Resampling.BILINEAR
    frame = np.zeros((room[1], room[0], 3), np.uint8)
    frame[y0:y1, x0:x1] = np.asarray(image.resize((x1 - x0, y1 - y0), filter, box=seen))
    return frame


def _on_black(rgba: np.ndarray) -> Image.Image:
    """A picture uint8 [H, W, 4] with what is transparent black."""
    return Image.fromarray((rgba[..., :3] * (rgba[..., 3:] / np.float32(255)) + 0.5).astype(np.uint8))


@dataclass(frozen=True)
class Sent:
    """What is sent: a picture and how it is scaled."""

    slide: Slide
    fit: Fit
    smooth: bool


class Sender:
    """The thread that has the camera. What it is given last it sends, again and again at the camera's rate."""

    def __init__(self, settings: OutputSettings, load: Callable[[], Any], after: "Sender | None") -> None:
        """Args: load, gives the package; after, the sender that may still have the camera."""
        self._size, self._fps = (settings.camera_width, settings.camera_height), settings.camera_fps
        self._load, self._after = load, after
        self._ending = False
        self.newest: Sent | None = None  # set by the UI thread
        self.device = ""  # the camera's name, once it is there
        self.sent = 0
        self.error: str | None = None  # a sentence, where it ended by itself
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Send no more."""
        self._ending = True

    def wait(self, timeout_s: float | None = None) -> None:
        """After `end`, until the camera is free."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        if self._after is not None:
            self._after.wait()
            self._after = None
        try:
            package = self._load()
        except ImportError:
            self.error = NO_PACKAGE
            return
        try:
            with package.Camera(*self._size, self._fps) as camera:
                self._send(camera)
        except Exception as error:  # the boundary of the thread: backends raise whatever their system does
            log.info("the virtual camera failed", exc_info=True)
            words = str(error).strip()  # a line for each backend
            self.error = (
                NO_CAMERA if _MISSING.search(words) else f"The virtual camera failed: {words.split(chr(10))[0]}"
            )

    def _send(self, camera: Any) -> None:
        self.device = str(camera.device)
        made_of: Sent | None = None
        frame = np.zeros((self._size[1], self._size[0], 3), np.uint8)
        while not self._ending:
            newest = self.newest
            if newest is not None and newest is not made_of:
                made_of, frame = newest, camera_frame(newest.slide, self._size, newest.fit, newest.smooth)
            camera.send(frame)
            self.sent += 1
            camera.sleep_until_next_frame()


class VirtualCamera:
    """Starts and stops sending. Belongs to the UI thread; never started by itself."""

    def __init__(
        self,
        explorer: Explorer,
        load: Callable[[], Any] = lambda: importlib.import_module("pyvirtualcam"),
    ) -> None:
        self._explorer, self._load = explorer, load
        self._sender: Sender | None = None
        self._last: Sender | None = None  # that may not have ended yet
        self._seen: Shown | None = None  # the frame handed on last,
        self._look: tuple[Fit, bool] | None = None  # and how it was to be scaled
        self._told = False

    @property
    def running(self) -> bool:
        """Whether it sends, or is about to."""
        return self._sender is not None

    @property
    def device(self) -> str:
        """The camera's name in other programs; empty before it is there."""
        return self._sender.device if self._sender is not None else ""

    @property
    def sent(self) -> int:
        """Frames sent since it was started."""
        return self._sender.sent if self._sender is not None else 0

    def start(self) -> None:
        """Send, at the size and rate of the settings."""
        if self._sender is None:
            self._sender = Sender(self._explorer.session.output, self._load, self._last)
            self._seen, self._look, self._told = None, None, False

    def stop(self) -> None:
        """Send no more."""
        if self._sender is not None:
            self._sender.end()
            self._sender, self._last = None, self._sender

    def change(self, **changes: Any) -> None:
        """Change `camera_width`, `camera_height` and `camera_fps`; a camera that sends starts anew with them."""
        output = self._explorer.session.output.model_copy(update=changes)
        self._explorer.keeping.change(output=output)
        if self.running:
            self.stop()
            self.start()

    def close(self, timeout_s: float = 2.0) -> None:
        """The program ends: leave the camera to others."""
        self.stop()
        if self._last is not None:
            self._last.wait(timeout_s)

    def tick(self) -> None:
        """Once a frame: hand on a new picture, and say what became of the camera."""
        sender = self._sender
        if sender is None:
            return
        if sender.error is not None:
            self._explorer.say(sender.error, "error")
            self.stop()
            return
        if sender.device and not self._told:
            self._told = True
            self._explorer.say(f"The picture goes to the camera {sender.device}.")
        session, latest = self._explorer.session, self._explorer.latest
        look = (session.output.fit, session.layout.smooth)
        new = latest is not self._seen or look != self._look
        if new and (slide := live_slide(self._explorer)) is not None:
            self._seen, self._look = latest, look
            sender.newest = Sent(slide, *look)
