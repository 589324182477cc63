"""How many frames the output window shows of those that come, and what it costs the program's own window.

    python bench/output.py [--seconds 5] [--sizes 256 1024] [--rates 30 60]

Opens the real window (under Xvfb too) and the output window beside it, and has a thread in the worker's place hand over
frames at an even rate, without and then with the output window. Prints, for each size and rate: the frames that
reached the window, those that the output window showed and dropped (replaced by a newer one before their turn came),
and the CPU time of a frame of the main loop, drawing left out.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from visualizer.openmp import wait_quietly

wait_quietly()

import numpy as np
import torch

from stylegan_core.render import Frame
from stylegan_core.scene import Scene
from visualizer.display import require_window
from visualizer.explorer import Explorer
from visualizer.output_stage import Statistics
from visualizer.session import OutputSettings
from visualizer.window import Window
from visualizer.worker import Shown
from widgets.layout import Layout

SETTLE_S = 1.5  # after the output window was opened or closed
WINDOW = OutputSettings(mode="window", x=40, y=40, width=1024, height=1024)


@dataclass(frozen=True)
class Row:
    """One measurement."""

    size: int
    rate: int
    output: bool
    came: int
    told: Statistics
    tick_ms: np.ndarray


class Source(threading.Thread):
    """Hands over frames as the worker does, at an even rate."""

    def __init__(self, explorer: Explorer, size: int, rate: int):
        super().__init__(daemon=True)
        noise = np.random.default_rng(0).integers(0, 256, (8, size, size, 4), dtype=np.uint8)
        self._frames = [torch.from_numpy(frame) for frame in noise]
        self._worker, self._rate = explorer.worker, rate
        self.ending = threading.Event()

    def run(self) -> None:
        """Until `ending` is set."""
        started, number = time.perf_counter(), 0
        while not self.ending.wait(max(started + number / self._rate - time.perf_counter(), 0)):
            rgba = self._frames[number % len(self._frames)]
            self._worker.outbox.put(Shown(Frame(Scene(), rgba[..., :3], revision=number), rgba))
            self._worker.wake()
            number += 1


class Bench:
    """Drives the window through all sizes and rates, without and with the output window."""

    def __init__(self, explorer: Explorer, window: Window, seconds: float, sizes: list[int], rates: list[int]):
        self._explorer, self._window, self._seconds = explorer, window, seconds
        self._left = [(size, rate, output) for size in sizes for rate in rates for output in (False, True)]
        self._source: Source | None = None
        self._began = self._came = 0.0
        self._ticks: list[float] = []
        self._before = Statistics()
        self._seen: Shown | None = None
        self.rows: list[Row] = []

    def step(self) -> bool:
        """Before each frame of the window; False at the end."""
        self._window.stay_awake()
        if self._source is None:
            if not self._left:
                return False
            self._start(*self._left[0])
        elapsed = time.perf_counter() - self._began - SETTLE_S
        if self._explorer.latest is not self._seen:
            self._seen = self._explorer.latest
            self._came += elapsed > 0
        if elapsed > 0:
            self._ticks.append(self._window.clock.tick_ms[-1])
        else:
            self._before = self._window.output.statistics
        if elapsed > self._seconds:
            self._end(*self._left.pop(0))
        return True

    def _start(self, size: int, rate: int, output: bool) -> None:
        assert self._source is None
        if output:
            self._window.output.start()
        else:
            self._window.output.stop()
        self._source = Source(self._explorer, size, rate)
        self._source.start()
        self._began, self._came, self._ticks = time.perf_counter(), 0, []

    def _end(self, size: int, rate: int, output: bool) -> None:
        assert self._source is not None
        now, before = self._window.output.statistics, self._before
        self._source.ending.set()
        self._source.join()
        self._source = None
        told = Statistics(now.shown - before.shown, now.dropped - before.dropped)
        self.rows.append(Row(size, rate, output, int(self._came), told, np.array(self._ticks)))
        self._window.output.stop()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--sizes", type=int, nargs="+", default=[256, 1024])
    options.add_argument("--rates", type=int, nargs="+", default=[30, 60])
    arguments = options.parse_args()
    require_window()
    folder = Path(tempfile.mkdtemp(prefix="stylescope-bench-"))
    explorer = Explorer(folder, folder, "cpu")
    explorer.keeping.change(output=WINDOW)
    explorer.begin = lambda: None  # type: ignore[method-assign]  # no model: frames come from elsewhere
    window = Window(explorer)
    explorer.worker.wake = window.wake.set
    bench = Bench(explorer, window, arguments.seconds, arguments.sizes, arguments.rates)
    window.run(lambda window: Layout(explorer, window), bench.step)
    print(f"{os.cpu_count()} cores, {window.presenter.path}, output window {WINDOW.width} × {WINDOW.height} px")
    print(
        f"{'picture':>9} {'frames/s':>9} {'output':>7} {'came':>6} {'shown':>6} {'dropped':>8}   one of the main loop's"
    )
    for row in bench.rows:
        median, high = np.percentile(row.tick_ms, [50, 99])
        shown = (row.told.shown, row.told.dropped) if row.output else ("", "")
        print(
            f"{row.size:>7}²  {row.rate:>9} {'open' if row.output else '':>7} {row.came:>6} {shown[0]:>6} {shown[1]:>8}"
            f"   median {median:5.2f} ms   99 % {high:5.2f} ms"
        )


if __name__ == "__main__":
    main()
