"""How soon a mixing grid shows all its thumbnails, in times of a full picture: StyleGAN2 on the CPU.

    python bench/grid.py [--rounds 3] [--resolution 256] [--size 8]

A grid of new people takes its middle styles from the rows. It is made as the window makes it, by `MixingGrid` on the
worker's thread, and full pictures of other people are made from nothing through the same Renderer, in turns in one run.
"""

import argparse
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from visualizer.openmp import wait_quietly

wait_quietly()

import torch
from rich.console import Console
from rich.table import Table

from stylegan_core.card import ModelCard
from stylegan_core.config import GeneratorConfig
from stylegan_core.grid import cell_scene
from stylegan_core.memory import steps_limit
from stylegan_core.model import build_generator, random_spec
from stylegan_core.models import ModelStore
from stylegan_core.render import Renderer
from stylegan_core.scene import Grid, Latent, ModelRef, Scene, Source
from visualizer.grid import MixingGrid
from visualizer.tasks import Tasks
from visualizer.worker import Worker

WANTED = 24  # full pictures, at most, for the thumbnails of 8 × 8 cells
CELL_PX = 64
FRAME_S = 1 / 60  # of the window
FULL_PICTURES = 6  # timed before each grid


class Desk:
    """A model, its Renderer, and the worker that makes pictures with it."""

    def __init__(self, resolution: int):
        self.models = ModelStore("cpu")
        spec = random_spec(GeneratorConfig(img_resolution=resolution, channel_base=16384), 0)
        model = self.models.add(build_generator(spec, "0" * 64, "random"))
        self.card: ModelCard = model.card
        self.renderer = Renderer(self.models, cache_bytes=steps_limit(torch.device("cpu")))
        self.wake = threading.Event()
        self.worker = Worker(self.renderer, self.wake.set)
        self.tasks = Tasks(self.worker, lambda text, kind: print(text))
        self._seed = 0

    def seeds(self, count: int) -> range:
        """So many that were not asked for before."""
        self._seed += count
        return range(self._seed - count, self._seed)

    def full_s(self) -> float:
        """Time of one full picture, from nothing."""
        self.renderer.cache.clear()
        scene = Scene(model=ModelRef(digest=self.card.digest), latent=Latent(seed=self.seeds(1)[0]))
        before = time.perf_counter()
        frame = self.worker.call(lambda poll: self.renderer.render(scene, poll=poll)).result()
        assert frame.error is None, frame.error
        return time.perf_counter() - before

    def thumbnails_s(self, size: int) -> float:
        """Time until all size × size cells of new people have a picture, from nothing."""
        self.renderer.cache.clear()
        rows, columns = (tuple(Source(latent=Latent(seed=seed)) for seed in self.seeds(size)) for _ in range(2))
        middle = tuple(i for i in range(self.card.num_ws) if self.card.slot_band(i) == "middle")
        scene = Scene(model=ModelRef(digest=self.card.digest), grid=Grid(rows=rows, columns=columns, layers=middle))
        grid = MixingGrid(self.renderer, self.tasks, self.models.has, self.wake.set)
        before = time.perf_counter()
        while not (done := grid.progress).total or done.thumbnails < done.total:
            self.tasks.collect()
            grid.follow(scene, self.card, CELL_PX)
            self.wake.wait(FRAME_S)
            self.wake.clear()
        took = time.perf_counter() - before
        assert all(grid.error((i, j)) is None for i in range(size) for j in range(size))
        assert grid.scene((0, 1)) == cell_scene(scene, 0, 1, self.card.num_ws)
        grid.leave()
        while self.tasks.busy:  # what was still asked for
            self.tasks.collect()
            time.sleep(FRAME_S)
        return took


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--size", type=int, default=8, help="rows, and columns")
    arguments = parser.parse_args()
    desk = Desk(arguments.resolution)
    desk.full_s()  # what only the first picture costs
    full_s: list[float] = []
    grids_s: list[float] = []
    for _ in range(arguments.rounds):
        full_s += [desk.full_s() for _ in range(FULL_PICTURES)]
        grids_s.append(desk.thumbnails_s(arguments.size))
    desk.tasks.close()
    full, grid = statistics.median(full_s), statistics.median(grids_s)
    size = f"{arguments.size} × {arguments.size}"
    table = Table(title=f"StyleGAN2 {arguments.resolution}², {torch.get_num_threads()} threads, float32")
    for column in ("", "seconds", "full pictures", "wanted"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("full picture", f"{full:.3f}", "1", "")
    wanted = f"{WANTED} at most" if arguments.size == 8 else ""
    table.add_row(f"all thumbnails of {size} cells", f"{grid:.2f}", f"{grid / full:.1f}", wanted)
    Console().print(table)


if __name__ == "__main__":
    main()
