"""How much quicker a step of training is than in its plain form, and whether it ever waits for pictures, on the CPU.

    python bench/training.py [--rounds 3] [--threads N] [--only NAME]

Both forms take the same steps with the same networks and pictures, in turns in one run, with the same number of
threads; a round is 4 steps, of which one measures path lengths, and in every fourth round R1 too, as in a run. The
plain form reads its pictures within the step, the quick one as a run does. A ratio is the median over the rounds.

After that: which part of a step's time is waiting, for 128 px pictures in a zip and in a folder, with a network narrow
enough that its steps are short.
"""

import argparse
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
from rich.console import Console
from rich.table import Table

from bench.plain_training import plain_training
from stylegan_core.model import random_spec
from train.building import configure
from train.config import DataConfig, RunConfig, with_changes
from train.data.dataset import TrainingImages
from train.data.loading import Batches
from train.data.opening import open_images
from train.data.order import Share
from train.trainer import Trainer

FACES = Path(__file__).parent.parent / "assets" / "data" / "fluent_faces_128.zip"
STEPS = 4  # in a round: one period of path lengths
STRENGTH = 0.3  # of augmentation
WANTED = 1.3
WANTED_WAITING = 0.05  # of a step, at most
KEEP = 1 << 30
NARROW = {"channel_base": 1024, "channel_max": 64, "z_dim": 64, "w_dim": 64}


def config_of(preset: str, px: int, batch: int, **shape: int) -> RunConfig:
    """A preset on the demo faces, with other widths."""
    config = configure(preset, DataConfig(path=str(FACES), resolution=px, mirror=True), batch=batch)
    changes: dict[str, Any] = {}
    for network in ("generator", "discriminator"):
        fields = type(getattr(config, network)).model_fields
        changes |= {f"{network}.{name}": value for name, value in shape.items() if name in fields}
    return with_changes(config, changes)


CASES: dict[str, Callable[[], RunConfig]] = {
    "laptop 32²": lambda: config_of("laptop", 32, 16),
    "laptop 64²": lambda: config_of("laptop", 64, 16),
    "StyleGAN3-T 32², narrow": lambda: config_of("stylegan3-t", 32, 8, num_layers=8, **NARROW),
}


def pictures(config: RunConfig, keep: bool) -> TrainingImages:
    """The demo faces, which stay in memory if they are to."""
    source = open_images(config.data.path)
    shrink = source.shape[1] // config.generator.img_resolution
    images = TrainingImages(source, mirror=True, shrink=shrink, keep_bytes=KEEP if keep else 0)
    if keep:
        images.batch(list(range(len(source))))
    return images


class Runner:
    """Takes steps in one form, and says how long they took."""

    def __init__(self, config: RunConfig, plain: bool):
        self.plain, self.config = plain, config
        with self._form():
            specs = random_spec(config.generator, 0), random_spec(config.discriminator, 1)
            self.trainer = Trainer(config, *specs, None, torch.device("cpu"))
        self.trainer.adaptive.p = STRENGTH
        self._batches = Batches(pictures(config, not plain), 0, lambda _: Share(config.batch), workers=0)

    def _form(self) -> Any:
        return plain_training() if self.plain else nullcontext()

    def round(self) -> tuple[float, float]:
        """Seconds for a round's steps, and of these for reading."""
        began, reading = time.perf_counter(), 0.0
        for _ in range(STEPS):
            start = time.perf_counter()
            pieces = next(self._batches)
            reading += time.perf_counter() - start
            with self._form():
                self.trainer.train(pieces)
        return time.perf_counter() - began, reading


def compare(config: RunConfig, rounds: int) -> tuple[str, ...]:
    """A row of the table."""
    plain, quick = Runner(config, plain=True), Runner(config, plain=False)
    times = []
    for number in range(rounds + 1):
        step = plain.trainer.step = quick.trainer.step = 0 if number == 0 else 16 + STEPS * (number - 1)
        assert step % STEPS == 0
        times.append((*plain.round(), *quick.round()))
    times = times[1:]  # the first one, unmeasured, finds memory
    pixels = STEPS * config.batch
    whole = statistics.median(row[0] / row[2] for row in times)
    steps = statistics.median((row[0] - row[1]) / (row[2] - row[3]) for row in times)
    rates = (pixels / statistics.median(row[place] for row in times) for place in (0, 2))
    return (*(f"{rate:.1f}" for rate in rates), f"{whole:.2f}", f"{steps:.2f}", f"{WANTED:.1f}")


def waiting(source: Path, config: RunConfig, workers: int, keep: bool, steps: int) -> float:
    """The part of some steps' time in which there were no pictures yet."""
    images = TrainingImages(open_images(source), mirror=True, keep_bytes=KEEP if keep else 0)
    if keep:
        images.batch(list(range(len(images) // 2)))
    specs = random_spec(config.generator, 0), random_spec(config.discriminator, 1)
    trainer = Trainer(config, *specs, None, torch.device("cpu"))
    waited = 0.0
    with Batches(images, 0, lambda _: Share(config.batch), workers=workers) as batches:
        trainer.train(next(batches))
        began = time.perf_counter()
        for _ in range(steps):
            start = time.perf_counter()
            pieces = next(batches)
            waited += time.perf_counter() - start
            trainer.train(pieces)
        return waited / (time.perf_counter() - began)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", default="", help="a part of the name; 'loading' for the second table")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    console = Console()
    table = Table(title=f"{arguments.threads} threads, float32, images a second")
    for column in ("preset", "plain", "quick", "ratio", "without reading", "wanted"):
        table.add_column(column, justify="left" if column == "preset" else "right")
    for name, config in CASES.items():
        if arguments.only in name:
            row = compare(config(), arguments.rounds)
            table.add_row(name, *row)
            console.print(name, *row)
    if table.row_count:
        console.print(table)
    if arguments.only in "loading":
        console.print(loading(STEPS * arguments.rounds, console))


def loading(steps: int, console: Console) -> Table:
    """The second table."""
    table = Table(title="waiting for 128 px pictures, % of a step")
    for column in ("pictures", "how they are read", "waiting", "at most"):
        table.add_column(column, justify="left" if column[0] in "ph" else "right")
    config = config_of("laptop", 128, 16, **NARROW)
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(FACES) as archive:
            archive.extractall(folder)
        for kind, source in (("zip", FACES), ("folder", Path(folder))):
            for how, workers, keep in (("2 workers", 2, False), ("in memory", 0, True), ("within the step", 0, False)):
                share = waiting(source, config, workers, keep, steps)
                limit = f"{WANTED_WAITING * 100:.0f}" if workers or keep else ""
                table.add_row(kind, how, f"{share * 100:.2f}", limit)
                console.print(kind, how, f"{share * 100:.2f}")
    return table


if __name__ == "__main__":
    main()
