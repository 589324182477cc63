"""How many frames a second an export makes, of what synthesis alone would: StyleGAN2 on this processor into H.264.

    python bench/export.py [--rounds 5] [--resolution 256] [--frames 24] [--threads N]

A random network of the size of the published 256² models makes the same walk in turns in one run: its pictures by
`Model.synthesize` alone, from style vectors that are there already; an MP4 as `main.py render` makes it; and one as the
window makes it, on the worker's thread beside the live view. Opening the encoder and finishing the file count. A ratio
is the median over the rounds of one rate by that of synthesis in the same round.
"""

import argparse
import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from visualizer.openmp import wait_quietly

wait_quietly()

import torch
from rich.console import Console
from rich.table import Table

from stylegan_core.config import GeneratorConfig
from stylegan_core.export import ExportSettings
from stylegan_core.latent import scene_ws
from stylegan_core.model import Model, build_generator, random_spec
from stylegan_core.scene import Latent, ModelRef, Scene
from stylegan_core.walk import Key, Walk, frame_times, scene_at
from visualizer.command_line import WalkRun
from visualizer.exporting import Exporting
from visualizer.live import LiveView
from visualizer.memory import Memory
from visualizer.session import Session
from visualizer.tasks import Tasks

WANTED = 0.9
FPS = 24.0
FRAME_S = 1 / 60  # of the window


class Desk:
    """A model, a walk through its people, and all that exports it."""

    def __init__(self, resolution: int, frames: int, folder: Path):
        self.folder, self.frames = folder, frames
        self.memory = Memory("cpu", Session())
        spec = random_spec(GeneratorConfig(img_resolution=resolution, channel_base=16384), 0)
        self.model: Model = self.memory.models.add(build_generator(spec, "0" * 64, "random"))
        self.live = LiveView(self.memory, half=False)
        self.tasks = Tasks(self.live.worker, lambda text, kind: print(text))
        self.exporting = Exporting(
            self.live,
            self.tasks,
            lambda ref, *rest: self.memory.models.get(ref),
            lambda *words: None,
            folder / "orders",
        )
        self._count = 0

    def walk(self) -> Walk:
        """From one person to another, neither of whom was there before."""
        self._count += 2
        seconds, ref = self.frames / FPS, ModelRef(digest=self.model.card.digest)
        people = (Scene(model=ref, latent=Latent(seed=self._count + k)) for k in range(2))
        keys = tuple(Key(time_s=k * seconds, scene=scene) for k, scene in enumerate(people))
        return Walk(keys=keys, duration_s=seconds)

    def bare(self) -> float:
        """Pictures a second of synthesis alone."""
        walk = self.walk()
        with torch.inference_mode():
            ws = [scene_ws(scene_at(walk, time_s), self.model) for time_s in frame_times(walk, FPS)]
            before = time.perf_counter()
            for each in ws:
                self.model.synthesize(each)
        return len(ws) / (time.perf_counter() - before)

    def rendered(self) -> float:
        """Frames a second of `main.py render`."""
        place = self.folder / f"{self._count}.mp4"
        run = WalkRun(self.walk(), ExportSettings(fps=FPS), place, self.memory.models, half=False, overwrite=False)
        before = time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()):  # which tells how far it is
            run.run()
        return run.export.frames_done / (time.perf_counter() - before)

    def exported(self) -> float:
        """Frames a second of the window, in which nothing else happens."""
        place, before = self.folder / f"{self._count}.mp4", time.perf_counter()
        assert self.exporting.start(self.walk(), ExportSettings(fps=FPS), place)
        export = self.exporting.exports[-1]
        while self.exporting.running:
            self.tasks.collect()
            self.exporting.tick()
            time.sleep(FRAME_S)
        assert export.state == "done" and export.frames == (self.frames, self.frames), export.error
        return self.frames / (time.perf_counter() - before)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--frames", type=int, default=24, help="of each export")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(arguments.resolution, arguments.frames, Path(folder))
        ways: dict[str, Callable[[], float]] = {
            "synthesis alone": desk.bare,
            "main.py render": desk.rendered,
            "the window's export": desk.exported,
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(arguments.rounds + 1):  # the first goes before, unmeasured
            for name, way in ways.items():
                rate = way()
                if number:
                    rates[name].append(rate)
        desk.exporting.close()
        desk.tasks.close()
    title = f"StyleGAN2 {arguments.resolution}² into H.264, {torch.get_num_threads()} threads, float32"
    table = Table(title=title)
    for column in ("", "frames/s", "of synthesis", "wanted"):
        table.add_column(column, justify="right" if column else "left")
    for name, found in rates.items():
        ratios = (rate / bare for rate, bare in zip(found, rates["synthesis alone"], strict=True))
        wanted = "" if name == "synthesis alone" else f"{WANTED} at least"
        table.add_row(name, f"{statistics.median(found):.2f}", f"{statistics.median(ratios):.2f}", wanted)
    Console().print(table)


if __name__ == "__main__":
    main()
