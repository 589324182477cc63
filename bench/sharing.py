"""How much of the window is left to a hand while a run trains on the same device, by the share that training takes.

    python bench/sharing.py [--device cuda] [--explore 1024] [--preset stylegan2-ada] [--resolution 256] [--rounds 3]

Opens the real window (under Xvfb too) on the starter model, or a random one of another size, and drags psi without
pause, while a process that it started learns the demo faces. Training is paused, and takes a quarter, a half and all of
the time, in turns; printed are frames of the window, new pictures in it and images trained, each a second: medians over
the rounds, and ratios to the turns in which nothing was trained.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from visualizer.openmp import wait_quietly

wait_quietly()

import numpy as np

from bench.responsiveness import begin_with_random
from stylegan_core import edits
from train.building import configure
from train.config import DataConfig
from train.run_folder import RunFolder
from visualizer.display import require_window
from visualizer.explorer import Explorer
from visualizer.library import ASSETS, starter_models
from visualizer.training import write_config
from visualizer.training_process import launch
from visualizer.window import Window
from widgets.layout import Layout

SHARES = (0.0, 0.25, 0.5, 1.0)  # 0: paused
SETTLE_S, TURN_S = 2.5, 6.0  # until a wish is heard, and how long it is looked at
LEARNING_S = 180.0  # until the first step


@dataclass
class Turn:
    """What happened in one turn, each a second."""

    frames: float
    pictures: float
    images: float


@dataclass
class Drag:
    """Drives the window: psi moves with every frame, and what training takes changes with every turn."""

    explorer: Explorer
    window: Window
    run: RunFolder
    rounds: int
    turns: dict[float, list[Turn]] = field(default_factory=lambda: {share: [] for share in SHARES})
    frames: int = 0
    pictures: int = 0
    shown: object = None

    def __post_init__(self) -> None:
        self._way = self._go()

    def step(self) -> bool:
        """Before each frame; False at the end."""
        self.window.stay_awake()
        self.explorer.training.explored()
        self.explorer.edit("Truncation psi", edits.set_psi, 0.5 + 0.4 * np.sin(time.perf_counter()))
        self.frames += 1
        if self.explorer.latest is not self.shown:
            self.shown = self.explorer.latest
            self.pictures += 1
        return next(self._way, False)

    def _go(self) -> Iterator[bool]:
        limit = time.perf_counter() + LEARNING_S
        while self.run.status().seen == 0:
            if time.perf_counter() > limit or self.run.status().state == "failed":
                raise SystemExit(f"Training did not begin:\n{self.run.log()}")
            yield True
        for number in range(self.rounds):
            for share in SHARES[number % 2 :] + SHARES[: number % 2]:
                self.run.wish(state="train" if share else "pause", share=share or 1.0)
                yield from self._wait(SETTLE_S)
                began = time.perf_counter(), self.frames, self.pictures, self.run.status().seen
                yield from self._wait(TURN_S)
                now = time.perf_counter(), self.frames, self.pictures, self.run.status().seen
                seconds, *counts = (after - before for after, before in zip(now, began, strict=True))
                self.turns[share].append(Turn(*(count / seconds for count in counts)))

    def _wait(self, seconds: float) -> Iterator[bool]:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            yield True


def started(folder: Path, arguments: argparse.Namespace) -> RunFolder:
    """A run without end that is being trained."""
    data = DataConfig(path=str(ASSETS / "data" / "fluent_faces_128.zip"), resolution=arguments.resolution)
    run = RunFolder(folder / "runs" / "run")
    write_config(run, configure(arguments.preset, data, kimg=1e5))
    run.wish(share=1.0)
    launch(run)
    return run


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", default="cpu")
    options.add_argument("--explore", type=int, default=0, help="px of a random StyleGAN2; 0: the starter model")
    options.add_argument("--preset", default="laptop")
    options.add_argument("--resolution", type=int, default=64)
    options.add_argument("--rounds", type=int, default=3)
    arguments = options.parse_args()
    require_window()
    folder = Path(tempfile.mkdtemp(prefix="stylescope-bench-"))
    explorer = Explorer(folder, folder, arguments.device, folder / "runs")
    if arguments.explore:
        begin_with_random(explorer, arguments.explore)
    else:
        explorer.begin = lambda: explorer.open_file(starter_models()[0])  # type: ignore[method-assign]
    window = Window(explorer)
    explorer.worker.wake = window.wake.set
    run = started(folder, arguments)
    try:
        drag = Drag(explorer, window, run, arguments.rounds)
        window.run(lambda window: Layout(explorer, window), drag.step)
    finally:
        run.wish(state="stop")
    print(f"{'training takes':<16} {'frames/s':>16} {'pictures/s':>16} {'images/s trained':>18}")
    free = medians(drag.turns[0.0])
    for share, turns in drag.turns.items():
        found = medians(turns)
        words = f"{share:.0%}" if share else "nothing"
        ratios = [f"{value:7.1f} ({value / whole:4.2f})" for value, whole in zip(found[:2], free, strict=False)]
        print(f"{words:<16} {ratios[0]:>16} {ratios[1]:>16} {found[2]:>18.1f}")


def medians(turns: list[Turn]) -> tuple[float, float, float]:
    """Of frames, pictures and images."""
    return (
        statistics.median(turn.frames for turn in turns),
        statistics.median(turn.pictures for turn in turns),
        statistics.median(turn.images for turn in turns),
    )


if __name__ == "__main__":
    main()
