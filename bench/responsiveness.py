"""How quickly the window answers while a 1024² StyleGAN2 is rendered all the time on the CPU.

    python bench/responsiveness.py [--seconds 30] [--resolution 1024]

Opens the real window (under Xvfb too) on a random model of the published size, drags psi without pause, and prints:
the CPU time that one frame of the window costs the main thread, and the time from an edit to the first preview of it
on the screen. Both are measured in the same run.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from visualizer.openmp import wait_quietly

wait_quietly()

import numpy as np

from stylegan_core import edits
from stylegan_core.config import GeneratorConfig
from stylegan_core.model import build_generator, random_spec
from stylegan_core.scene import ModelRef
from visualizer.display import require_window
from visualizer.explorer import Explorer
from visualizer.window import SIZE, Window
from widgets.layout import Layout

WARM_UP_S = 12.0  # one full picture, and blocks timed for the choice of preview
EDIT_EVERY_S = 0.6  # in the latency part; long enough for a preview, short enough that no full picture ends


class Drag:
    """Drives the window: psi moves a little every frame; then single edits, each timed to its first preview."""

    def __init__(self, explorer: Explorer, window: Window, seconds: float):
        self._explorer, self._window, self._seconds = explorer, window, seconds
        self._started = time.perf_counter()
        self._edited_at, self._revision = 0.0, -1
        self.frames_ms: list[tuple[float, float]] = []
        self.latencies_ms: list[float] = []
        self.previews: list[int] = []

    def step(self) -> bool:
        """Before each frame; False at the end."""
        now = time.perf_counter() - self._started
        self._window.stay_awake()
        if now < WARM_UP_S:
            return True
        clock = self._window.clock
        if now < WARM_UP_S + self._seconds / 2:
            self._explorer.edit("Truncation psi", edits.set_psi, 0.5 + 0.4 * np.sin(now))
            self.frames_ms.append((clock.tick_ms[-1], clock.draw_ms[-1]))
            return True
        self._time_previews()
        return now < WARM_UP_S + self._seconds

    def _time_previews(self) -> None:
        shown = self._explorer.latest
        if shown is not None and shown.frame.revision == self._revision and self._edited_at:
            self.latencies_ms.append((time.perf_counter() - self._edited_at) * 1e3)
            self.previews.append(int(shown.rgba.shape[0]) if shown.rgba is not None else 0)
            self._edited_at, self._again_at = 0.0, time.perf_counter() + EDIT_EVERY_S
        elif not self._edited_at and time.perf_counter() > getattr(self, "_again_at", 0.0):
            self._explorer.edit("Truncation psi", edits.set_psi, 0.3 + (len(self.latencies_ms) % 50) / 50)
            self._revision, self._edited_at = self._explorer.store.revision, time.perf_counter()


def begin_with_random(explorer: Explorer, px: int) -> None:
    """Have the window begin with a random StyleGAN2 of a size."""
    model = build_generator(random_spec(GeneratorConfig(img_resolution=px), 0), "0" * 64, "random")
    explorer.models.add(model)
    explorer.begin = lambda: explorer.adopt(model, ModelRef(digest=model.card.digest))  # type: ignore[method-assign]


def swap_ms(width: int, height: int) -> float:
    """CPU time of the main thread to swap the buffers of an empty window: in software, to copy it to the screen."""
    import glfw
    from OpenGL import GL as gl

    glfw.init()
    window = glfw.create_window(width, height, "swap", None, None)
    glfw.make_context_current(window)
    glfw.swap_interval(0)
    times = []
    for _ in range(200):
        gl.glClear(gl.GL_COLOR_BUFFER_BIT)
        gl.glFinish()
        before = time.thread_time()
        glfw.swap_buffers(window)
        times.append((time.thread_time() - before) * 1e3)
    glfw.terminate()
    return float(np.median(times))


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=30.0)
    options.add_argument("--resolution", type=int, default=1024)
    arguments = options.parse_args()
    require_window()
    folder = Path(tempfile.mkdtemp(prefix="stylescope-bench-"))
    explorer = Explorer(folder, folder, "cpu")
    begin_with_random(explorer, arguments.resolution)
    window = Window(explorer)
    explorer.worker.wake = window.wake.set
    drag = Drag(explorer, window, arguments.seconds)
    window.run(lambda window: Layout(explorer, window), drag.step)
    frames = np.array(drag.frames_ms)
    swap = swap_ms(*SIZE)
    print(f"{arguments.resolution}², {os.cpu_count()} cores, {window.presenter.path}")
    for name, values in (
        ("main thread, without drawing", frames[:, 0]),
        ("main thread, drawing and swap", frames[:, 1]),
        ("main thread, both without the swap", frames.sum(axis=1) - swap),
        ("psi edit to its preview on screen", np.array(drag.latencies_ms)),
    ):
        median, high = np.percentile(values, [50, 99])
        print(
            f"{name:<36} n {len(values):4d}   median {median:6.2f} ms   99 % {high:6.2f} ms   max {values.max():6.2f}"
        )
    print(f"swap of an empty window as large: {swap:.2f} ms")
    print(f"previews of {sorted(set(drag.previews))} px")


if __name__ == "__main__":
    main()
