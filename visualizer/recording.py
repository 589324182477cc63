"""Recording: frames on their way into a video, encoded on a thread of their own.

The file is written in fragments of a second each, so that what is in it plays whatever happens to the rest: a full
disk, a crash.
"""

import logging
import threading
from collections import deque
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

log = logging.getLogger(__name__)

QUEUE_LENGTH = 8  # frames that wait for the encoder
SMALLEST_PX = 256  # smaller frames are magnified by a whole factor: players and codecs blur them
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
# Hardly a loss to be seen, and quick. Zero latency: a frame is in the file as soon as it is encoded, the first at 0 s.
ENCODING = {"crf": "16", "preset": "veryfast", "tune": "zerolatency"}


class Recording:
    """An MP4 that is being made; begins with its first frame, whose size it keeps.

    Frames are shown for equally long. While the encoder is behind, a queue takes them; when that is full, the newest
    frame stands in for those that would have come after it.

    Args:
        path: where; folders are made, and a file that is there is replaced.
        fps: frames a second.
    """

    def __init__(self, path: Path, fps: float = 25.0):
        self.path = path
        self.frames = 0  # in the file
        self.error: str | None = None  # one sentence
        self._fps = Fraction(fps).limit_denominator(1001)
        self._waiting: deque[np.ndarray] = deque()
        self._stopping = False
        self._changed = threading.Condition()
        self._done = threading.Event()
        threading.Thread(target=self._run, name=f"recording: {path.name}", daemon=True).start()

    @property
    def full(self) -> bool:
        """Whether the next frame would take the place of one that waits."""
        return len(self._waiting) > QUEUE_LENGTH

    @property
    def done(self) -> bool:
        """Whether it has ended, and the file is whole; or there is an error."""
        return self._done.is_set()

    def add(self, frame: np.ndarray) -> None:
        """Add a frame, which nobody may change any more. Never waits; does nothing once it has ended.

        Args:
            frame: uint8 [H, W, 3]; of another size than the first, it is scaled to that.
        """
        with self._changed:
            if self._stopping or self.done:
                return
            if self.full:
                self._waiting.pop()
            self._waiting.append(frame)
            self._changed.notify()

    def stop(self) -> None:
        """Finish the file with the frames that wait. Never waits itself: see `done`."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for the end after `stop`: when the program ends and in tests, never while the window lives."""
        self._done.wait(timeout_s)

    def _next(self) -> np.ndarray | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            return self._waiting.popleft() if self._waiting else None

    def _run(self) -> None:
        try:
            first = self._next()
            if first is not None:
                self._write(first)
        except Exception as error:  # the boundary of the thread: shown to the user, kept in the log
            log.warning("recording %s failed", self.path, exc_info=error)
            reason = getattr(error, "strerror", None) or error
            self.error = f"{self.path} was written up to frame {self.frames}, then it failed: {reason}."
        finally:
            with self._changed:
                self._waiting.clear()
                self._done.set()

    def _write(self, first: np.ndarray) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        size = first.shape[:2]
        with av.open(str(self.path), "w", format="mp4", options=FRAGMENTED) as file:
            stream = file.add_stream("libx264", rate=self._fps, options=ENCODING)
            stream.height, stream.width = suited(first, size).shape[:2]
            stream.pix_fmt = "yuv420p"
            stream.gop_size = max(round(self._fps), 1)
            file.start_encoding()  # a place that cannot be written to shows here
            frame: np.ndarray | None = first
            try:
                while frame is not None:
                    file.mux(stream.encode(av.VideoFrame.from_ndarray(suited(frame, size), format="rgb24")))
                    self.frames += 1
                    frame = self._next()
            finally:  # what has gone into the encoder comes out, and the file is closed, even if a frame was none
                file.mux(stream.encode(None))


def suited(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A frame as the video needs it.

    Args:
        frame: uint8 [H, W, 3].
        size: height and width of the recording's first frame, to which it is scaled.

    Returns:
        uint8 [H', W', 3], contiguous: magnified where it is small, and with even sides, as H.264 has them.
    """
    height, width = size
    if frame.shape[:2] != size:
        frame = np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BILINEAR))
    factor = max(-(-SMALLEST_PX // min(size)), 1)
    frame = frame.repeat(factor, axis=0).repeat(factor, axis=1)
    return np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")
