"""The demo: ten seconds of a walk played in the real window, filmed, for machines without a display."""

import math
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np

from stylegan_core import edits
from stylegan_core.scene import Scene
from visualizer.explorer import Explorer
from visualizer.window import Window

FPS, SECONDS = 25, 10
QUEUE_LENGTH = 8  # frames on their way to the encoder
FIRST_SEED = 2718


def walk(start: Scene, num_ws: int) -> Iterator[Scene]:
    """A closed loop over the seed plane; psi breathes, and the second half mixes in another person's colours."""
    frames = FPS * SECONDS
    first = edits.set_seed(start, FIRST_SEED)
    for frame in range(frames):
        angle = 2 * math.pi * frame / frames
        scene = edits.move_on_plane(first, 2 * math.sin(angle), 2 - 2 * math.cos(angle))
        scene = edits.set_psi(scene, 0.75 - 0.25 * math.cos(2 * angle))
        amount = max(0.0, -math.sin(angle))
        scene = edits.set_mix_seed(scene, FIRST_SEED + 7, num_ws)
        yield edits.set_mix_amount(scene, range(num_ws // 2, num_ws), amount, num_ws)


class Encoder:
    """Writes frames to an MP4 on a thread of its own."""

    def __init__(self, path: Path):
        self._frames: queue.Queue[np.ndarray | None] = queue.Queue(QUEUE_LENGTH)
        self._path = path
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="encoder")
        self._thread.start()

    def write(self, rgb: np.ndarray) -> None:
        """Add a frame, uint8 [H, W, 3] with even sides; waits while the encoder is behind."""
        self._frames.put(rgb)

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError: it could not be written.
        """
        self._frames.put(None)
        self._thread.join()
        if self._error is not None:
            raise OSError(f"{self._path} could not be written: {self._error}") from self._error

    def _run(self) -> None:
        try:
            with iio.imopen(self._path, "w", plugin="pyav") as file:
                file.init_video_stream("libx264", fps=FPS)
                while (frame := self._frames.get()) is not None:
                    file.write_frame(frame)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread; `close` raises it again
            self._error = error
            while self._frames.get() is not None:  # let the writer go on to `close`
                pass


class Demo:
    """Plays the walk frame by frame: the next one is asked for when the last has been seen in the window."""

    def __init__(self, explorer: Explorer, window: Window, folder: Path):
        self.video, self.picture = folder / "demo.mp4", folder / "window.png"
        self._explorer, self._window = explorer, window
        self._walk: Iterator[Scene] | None = None
        self._wanted: Scene | None = None
        self._grabbing = False
        self._last: np.ndarray | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder = Encoder(self.video)

    def step(self) -> bool:
        """Called before each frame of the window; False when the walk is over."""
        card, latest = self._explorer.card, self._explorer.latest
        self._window.stay_awake()
        if card is None or self._grabbing:
            return True
        if self._walk is None:
            self._walk = walk(self._explorer.scene, card.num_ws)
        if self._wanted is None:
            self._wanted = next(self._walk, None)
            if self._wanted is None:
                return False
            self._explorer.store.drift(edits.set_scene, self._wanted)
        elif latest is not None and latest.frame.scene == self._wanted and not latest.frame.preview:
            self._grabbing = True
            self._window.grab(self._grabbed)
        return True

    def close(self) -> None:
        """Finish the video, and write the window's last picture."""
        self._encoder.close()
        if self._last is not None:
            iio.imwrite(self.picture, self._last)

    def _grabbed(self, pixels: np.ndarray) -> None:
        height, width = (side // 2 * 2 for side in pixels.shape[:2])
        self._last = np.ascontiguousarray(pixels[:height, :width, :3])
        self._encoder.write(self._last)
        self._grabbing, self._wanted = False, None
