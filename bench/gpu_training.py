"""One command for a machine with an NVIDIA GPU: does training there learn what it learns on a processor, and how fast.

    python bench/gpu_training.py            writes its figures into docs/gpu.md; three to eight minutes
    python bench/gpu_training.py --dry      prints them

For each family: the gradients of every phase of a step, from the same weights, pictures and random numbers, against the
processor's in float32, and those with layers in half precision and bfloat16 beside them; and whether a run that is cut
and goes on equals one that is not. Then images a second and memory at the published widths; two processes over NCCL,
where there are two GPUs; and, where there is a display, what training leaves of the window, by bench/sharing.py.
`--device cpu --tiny` goes the same way on the processor, to test this script. Exits with 0 if everything agreed, 1 if
something did not, 2 if it could not be tried here.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import torch
from torch import Tensor

from bench.gpu import Machine, describe, tf32
from scripts.gpu_report import Report, require_cuda
from stylegan_core.memory import attempt
from train.building import configure, open_data, starting_points
from train.chance import Chance
from train.config import DataConfig, RunConfig, with_changes
from train.data.dataset import Batch
from train.data.loading import Batches
from train.data.order import Share
from train.trainer import Trainer

BUDGET_S = 360  # no new figure is begun after that
FACES = ROOT / "assets" / "data" / "fluent_faces_128.zip"
PRESETS = ("stylegan2-ada", "stylegan2", "stylegan3-t", "stylegan3-r", "stylegan1", "progan")
NARROW: dict[str, Any] = {"channel_base": 512, "channel_max": 32, "z_dim": 32, "w_dim": 32, "num_layers": 6}
TINY: dict[str, Any] = {"channel_base": 64, "channel_max": 4, "z_dim": 8, "w_dim": 8, "num_layers": 3, "margin_size": 2}
STRENGTH = 0.5  # of augmentation
# Of a phase's gradient, both as Euclidean lengths. Second derivatives add up many roundings; half precision rounds to
# 11 bits and has small numbers vanish, bfloat16 rounds to 8.
TOLERANCE = {"32": 2e-3, "16": 0.3, "bf16": 0.3}
STEPS = 4  # before and after the cut
NCCL_KIMG = 0.2

Gradients = dict[str, Tensor]  # of each parameter in each phase


def config_of(preset: str, px: int, **shape: Any) -> RunConfig:
    """A preset on the demo faces, in batches of 8, with everything in its first step."""
    config = configure(preset, DataConfig(path=str(FACES), resolution=px), batch=8)
    changes: dict[str, Any] = {}
    for network in ("generator", "discriminator"):
        fields = type(getattr(config, network)).model_fields
        changes |= {f"{network}.{name}": value for name, value in shape.items() if name in fields}
    return with_changes(config, changes)


def batches(config: RunConfig) -> Iterator[list[Batch]]:
    """Its pictures from the first on."""
    yield from Batches(open_data(config.data), config.seed, lambda _: Share(config.batch), workers=0)


def trainer_of(config: RunConfig, device: str) -> Trainer:
    """A run at its beginning, whose random numbers are drawn on the processor: a GPU's are others."""
    g, d, _, _ = starting_points(config)
    made = Trainer(config, g, d, None, torch.device(device))
    made._random = torch.Generator().manual_seed(config.seed)
    made._chance = Chance(made._random)
    made.adaptive.p = STRENGTH if config.augment is not None else 0.0
    return made


def gradients(config: RunConfig, device: str) -> Gradients:
    """Those of a first step, in main memory; nothing is learned by it."""
    trainer, found = trainer_of(config, device), {}
    for network, optimiser in ((trainer.g, trainer._opt_g), (trainer.d, trainer._opt_d)):
        phases = iter(range(4))

        def keep(network: torch.nn.Module = network, phases: Iterator[int] = phases) -> None:
            phase = f"{type(network).__name__} {next(phases)}"
            for name, parameter in network.named_parameters():
                if parameter.grad is not None:
                    found[f"{phase} {name}"] = parameter.grad.detach().float().cpu()

        optimiser.step = keep  # type: ignore[method-assign, assignment]
    trainer.train(next(batches(config)))
    return found


def distance(found: Gradients, expected: Gradients) -> float:
    """How far the gradient is off, of its length: the largest of all phases."""
    if found.keys() != expected.keys():
        return float("inf")
    phases: dict[str, list[str]] = {}
    for name in expected:
        phases.setdefault(name.rsplit(" ", 1)[0], []).append(name)
    return max(
        float(length(found[name] - expected[name] for name in names) / length(expected[name] for name in names))
        for names in phases.values()
    )


def length(parts: Iterable[Tensor]) -> Tensor:
    """Of the vector that they make up."""
    return torch.cat([part.flatten() for part in parts]).norm()


def check_gradients(report: Report, machine: Machine) -> None:
    """Against the processor's, in each family and precision."""
    shape, px = (TINY, 16) if machine.tiny else (NARROW, 64)
    report.table("gradients of a step", "float32", "half precision", "bfloat16", "agrees")
    for preset in PRESETS:
        if machine.late:
            return
        config = config_of(preset, px, **shape)
        expected = gradients(config, "cpu")
        errors = {
            precision: distance(gradients(with_changes(config, {"precision": precision}), machine.device), expected)
            for precision in TOLERANCE
        }
        agrees = all(error <= TOLERANCE[precision] for precision, error in errors.items())
        report.row(preset, *(f"{error:.1e}" for error in errors.values()), report.verdict(agrees))


def check_going_on(report: Report, machine: Machine) -> None:
    """A run that is cut against one that is not; a GPU adds in an order of its own, so they may be nearly the same."""
    shape, px = (TINY, 16) if machine.tiny else (NARROW, 64)
    report.table("a run that is cut and goes on", "largest difference of a weight", "two uncut runs", "agrees")
    for preset in PRESETS[:3]:
        if machine.late:
            return
        config = config_of(preset, px, **shape)
        whole, again = (weights(after(trainer_of(config, machine.device), config, 0, 2 * STEPS)) for _ in range(2))
        first = after(trainer_of(config, machine.device), config, 0, STEPS)
        second = trainer_of(config, machine.device)
        second.restore(*first.state())
        cut = weights(after(second, config, STEPS, 2 * STEPS))
        by_chance, by_cut = apart(whole, again), apart(whole, cut)
        # What two runs differ by grows with every step; a cut that lost something differs by far more.
        agrees = by_cut <= max(10 * by_chance, 1e-6)
        report.row(preset, f"{by_cut:.1e}", f"{by_chance:.1e}", report.verdict(agrees))


def after(trainer: Trainer, config: RunConfig, begin: int, end: int) -> Trainer:
    """A trainer after the steps from one on to another."""
    for pieces in islice(batches(config), begin, end):
        trainer.train(pieces)
    return trainer


def weights(trainer: Trainer) -> dict[str, Tensor]:
    """What it has learned."""
    return {name: tensor.float() for name, tensor in trainer.state()[0].items() if name[:2] in ("G/", "D/")}


def apart(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    """The largest difference."""
    return max(float((a[name] - b[name]).abs().max()) for name in a if a[name].numel())


def time_steps(report: Report, machine: Machine) -> None:
    """Images a second at the published widths, in batches of 8."""
    report.table("training, batches of 8", "px", "precision", "images/s", "largest memory, GiB")
    sizes, shape = ((16,), TINY) if machine.tiny else ((64, 128), {})
    for preset in ("stylegan2-ada", "stylegan3-t", "stylegan3-r"):
        for px in sizes:
            for precision in ("32", "16"):
                if machine.late:
                    return
                config = with_changes(config_of(preset, px, **shape), {"precision": precision})
                found = attempt(lambda config=config: speed(config, machine))  # type: ignore[misc]
                report.row(preset, px, precision, *(("no memory", "") if found is None else found))


def speed(config: RunConfig, machine: Machine) -> tuple[str, str]:
    """Images a second over whole periods of R1, and memory."""
    g, d, _, _ = starting_points(config)
    trainer, pieces = Trainer(config, g, d, None, torch.device(machine.device)), next(batches(config))
    if machine.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    steps = 2 if machine.tiny else 16
    for _ in range(steps):
        trainer.train(pieces)
    times = []
    for _ in range(1 if machine.tiny else 3):
        machine.wait()
        began = time.perf_counter()
        for _ in range(steps):
            trainer.train(pieces)
        machine.wait()
        times.append(time.perf_counter() - began)
    memory = torch.cuda.max_memory_allocated() / 2**30 if machine.device == "cuda" else 0.0
    return f"{steps * config.batch / statistics.median(times):.1f}", f"{memory:.1f}"


def check_processes(report: Report, machine: Machine) -> None:
    """A short run on two GPUs, by the command that people give."""
    report.table("two processes over NCCL", "")
    if machine.device == "cpu" or torch.cuda.device_count() < 2:
        report.row("not tried", "there are no two GPUs here")
        return
    with tempfile.TemporaryDirectory() as folder:
        command = ["train", FACES, "--preset", "smoke", "--kimg", NCCL_KIMG, "--out", folder, "--devices", 2]
        done = subprocess.run([sys.executable, ROOT / "main.py", *map(str, command)], check=False, timeout=180)
    report.row("a smoke run", "came to its end" if done.returncode == 0 else f"ended with {done.returncode}")
    report.verdict(done.returncode == 0)


def check_sharing(report: Report, machine: Machine) -> None:
    """What training leaves of the window."""
    report.table("exploring 1024² while 128² is trained", "")
    if machine.device == "cpu" or (sys.platform == "linux" and "DISPLAY" not in os.environ):
        report.row("not tried", "there is no display here that the GPU draws")
        return
    command = ["--device", "cuda", "--explore", "1024", "--preset", "stylegan2-ada", "--resolution", "128"]
    done = subprocess.run(
        [sys.executable, ROOT / "bench/sharing.py", *command], check=False, capture_output=True, text=True, timeout=300
    )
    for line in done.stdout.splitlines() or [f"it ended with {done.returncode}"]:
        report.row(line.strip(), "")


def main(
    dry: Annotated[bool, typer.Option(help="Print the figures instead of writing docs/gpu.md.")] = False,
    device: Annotated[str, typer.Option(help="cuda; or cpu, to test this script.")] = "cuda",
    tiny: Annotated[bool, typer.Option(help="Sizes for a processor.")] = False,
) -> None:
    """Check and time training on a GPU."""
    if device == "cuda":
        require_cuda()
    report, machine = Report(), Machine(device, tiny, time.perf_counter() + BUDGET_S)
    describe(report, machine, 0)
    with tf32(False):
        check_gradients(report, machine)
        check_going_on(report, machine)
    time_steps(report, machine)
    check_processes(report, machine)
    check_sharing(report, machine)
    report.deliver("training", dry or device == "cpu")


if __name__ == "__main__":
    typer.run(main)
