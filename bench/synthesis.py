"""How much quicker synthesis is than in its straightforward form, on this machine's CPU.

    python bench/synthesis.py [--rounds 5] [--threads N] [--only NAME]

Both forms make the same pictures of the same random networks, in turns in one run, with the same number of threads, in
float32; after that the bfloat16 mode against float32 where the processor has it. A ratio is the median over the rounds
of one form's time by the other's in the same round. The sizes of networks are those of the published 256² and 1024²
models.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from bench.straightforward import straightforward
from stylegan_core.config import GeneratorConfig
from stylegan_core.model import Model, build_generator, random_spec
from stylegan_core.stylegan3 import StyleGAN3Config

CONFIGS = {
    "StyleGAN2 256²": GeneratorConfig(img_resolution=256, channel_base=16384),
    "StyleGAN2 1024²": GeneratorConfig(img_resolution=1024),
    "StyleGAN3-T 256²": StyleGAN3Config(img_resolution=256, channel_base=16384),
    "StyleGAN3-R 256²": StyleGAN3Config(
        img_resolution=256, channel_base=32768, channel_max=1024, conv_kernel=1, use_radial_filters=True
    ),
}
WANTED = {"StyleGAN2 256²": 1.8, "StyleGAN2 1024²": 1.8, "StyleGAN3-T 256²": 6.0, "StyleGAN3-R 256²": 5.0}
WANTED_BFLOAT16, WANTED_PSNR_DB = 1.5, 40.0


def timed(function: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Seconds, and the result."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def largest_difference(a: Tensor, b: Tensor) -> float:
    """Largest absolute difference, relative to the largest value of b."""
    return float((a - b).abs().max() / b.abs().max())


def psnr_db(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio for pictures of range 2, in dB."""
    return 10 * math.log10(4 / float((a.double() - b.double()).square().mean()))


def compare(
    slow: Callable[[], Tensor], quick: Callable[[], Tensor], rounds: int
) -> tuple[float, float, float, Tensor, Tensor]:
    """Median seconds of both, the median ratio, and both results; one round more goes first, unmeasured."""
    times: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        (slow_s, expected), (quick_s, result) = timed(slow), timed(quick)
        times.append((slow_s, quick_s))
    slow_s, quick_s = (statistics.median(column) for column in zip(*times[1:], strict=True))
    return slow_s, quick_s, statistics.median(a / b for a, b in times[1:]), expected, result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", default="", help="a part of the name")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    table = Table(title=f"{arguments.threads} threads, float32, milliseconds a picture")
    for column in ("picture", "straightforward", "StyleScope", "ratio", "wanted", "largest difference"):
        table.add_column(column, justify="left" if column == "picture" else "right")
    half = Table(title="bfloat16 against float32")
    for column in ("picture", "float32", "bfloat16", "ratio", "wanted", "PSNR"):
        half.add_column(column, justify="left" if column == "picture" else "right")
    console = Console()
    for name, config in CONFIGS.items():
        if arguments.only not in name:
            continue
        model = build_generator(random_spec(config, 0), "0" * 64, "random")
        ws = model.map(torch.randn(1, 512, generator=torch.Generator().manual_seed(1)))

        def plain(model: Model = model, ws: Tensor = ws) -> Tensor:
            with straightforward():
                return model.synthesize(ws)

        def quick(model: Model = model, ws: Tensor = ws) -> Tensor:
            return model.synthesize(ws)

        slow_s, quick_s, ratio, expected, result = compare(plain, quick, arguments.rounds)
        difference = largest_difference(result, expected)
        row = (f"{slow_s * 1e3:.0f}", f"{quick_s * 1e3:.0f}", f"{ratio:.2f}", f"{WANTED[name]:.1f}")
        table.add_row(name, *row, f"{difference:.1e}")
        console.print(name, *row, f"{difference:.1e}")
        if "StyleGAN2" in name and model.half_dtype is not None:

            def small(model: Model = model, ws: Tensor = ws) -> Tensor:
                return model.synthesize(ws, half=True)

            slow_s, quick_s, ratio, expected, result = compare(quick, small, arguments.rounds)
            psnr = psnr_db(result, expected)
            row = (f"{slow_s * 1e3:.0f}", f"{quick_s * 1e3:.0f}", f"{ratio:.2f}", f"{WANTED_BFLOAT16:.1f}")
            half.add_row(name, *row, f"{psnr:.1f} dB")
            console.print(name, *row, f"{psnr:.1f} dB")
    console.print(table)
    if half.row_count:
        console.print(half)


if __name__ == "__main__":
    main()
