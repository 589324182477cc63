"""One command for a machine with an NVIDIA GPU: are kernels right, how long is a picture, how short could it be.

    python bench/gpu.py            writes its figures into docs/gpu.md; three to seven minutes
    python bench/gpu.py --dry      prints them

Compares every Triton kernel with its definition in float64 on inputs that are new in every run, times pictures of the
published 1024² sizes at batch 1 with and without kernels and CUDA graphs, and puts beside them the floor: the time that
this GPU needs for the convolutions' operations or for reading and writing what must be, whichever is longer, layer by
layer, at the speeds measured here. Then, where there is a display, it runs scripts/gpu_check.py, which does the same
for the way to the screen. `--device cpu --tiny` goes the same way in Triton's interpreter, to test this script.
Exits with 0 if everything agreed, 1 if something did not, 2 if it could not be tried here.
"""

import os
import platform
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import torch
from torch import Tensor

from bench.gpu_floor import Work, floor_ms, works
from scripts.gpu_report import Report, require_cuda
from stylegan_core import kernels, reference
from stylegan_core.config import GeneratorConfig
from stylegan_core.cuda_graphs import PictureGraphs
from stylegan_core.kernels import Finish
from stylegan_core.memory import attempt
from stylegan_core.model import Model, build_generator, random_spec
from stylegan_core.network import Inputs
from stylegan_core.stylegan3 import StyleGAN3Config

BUDGET_S = 400  # no new figure is begun after that, so that all of it ends within eight minutes
TIMED_S = 1.0  # a figure
# Largest error over the largest value: a few roundings to 24, 11 and 8 bits. cuDNN's are among them.
TOLERANCE = {torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 2e-2}
WANTED_PSNR_DB = 40.0  # pictures in half precision against float32

PUBLISHED: dict[str, Any] = {
    "StyleGAN2 1024²": GeneratorConfig(img_resolution=1024, num_fp16_res=4, conv_clamp=256.0, fp16_channels_last=True),
    "StyleGAN3-T 1024²": StyleGAN3Config(img_resolution=1024),
    "StyleGAN3-R 1024²": StyleGAN3Config(
        img_resolution=1024, channel_base=65536, channel_max=1024, conv_kernel=1, use_radial_filters=True
    ),
}
SMALL: dict[str, Any] = {"z_dim": 8, "w_dim": 8, "channel_base": 64, "channel_max": 4}
TINY: dict[str, Any] = {
    "StyleGAN2 8²": GeneratorConfig(img_resolution=8, num_fp16_res=1, fp16_channels_last=True, **SMALL),
    "StyleGAN3-R 16²": StyleGAN3Config(
        img_resolution=16, num_layers=3, margin_size=2, conv_kernel=1, use_radial_filters=True, **SMALL
    ),
}


@dataclass(frozen=True)
class Machine:
    """Where this runs, and until when."""

    device: str
    tiny: bool
    deadline: float  # of time.perf_counter

    @property
    def late(self) -> bool:
        return time.perf_counter() > self.deadline

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def milliseconds(self, run: Callable[[], object]) -> float:
        """Median time of one run, waited for; after as many unmeasured ones as compilers and clocks need."""
        rounds, times_ms = (1, 1) if self.tiny else (3, 100), []
        for _ in range(rounds[0]):
            run()
        self.wait()
        begun = time.perf_counter()
        while len(times_ms) < rounds[1] and (not times_ms or time.perf_counter() - begun < TIMED_S):
            start = time.perf_counter()
            run()
            self.wait()
            times_ms.append((time.perf_counter() - start) * 1e3)
        return statistics.median(times_ms)


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Whether convolutions and matrix products in float32 may round their factors to 11 bits."""
    switches = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for switch in switches:
            switch.allow_tf32 = allowed
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value


def describe(report: Report, machine: Machine, seed: int) -> None:
    """When, where and with what."""
    report.table("", "")
    report.row("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    if machine.device == "cuda":
        free, total = torch.cuda.mem_get_info()
        report.row("device", f"{torch.cuda.get_device_name()}, {total / 2**30:.0f} GiB, {free / 2**30:.0f} GiB free")
        report.row("driver", driver())
    else:
        report.row("device", "CPU, in Triton's interpreter: a test of the script, no figures")
    versions = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}, Triton {version('triton')}"
    report.row("software", f"PyTorch {torch.__version__}, {versions}, {platform.platform()}")
    report.row("seed of the inputs", seed)


def driver() -> str:
    """The driver's version, in nvidia-smi's words."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    except (OSError, subprocess.CalledProcessError) as error:
        return f"unknown ({error})"


def measure_peaks(report: Report, machine: Machine) -> dict[str, float]:
    """What matrix products and copies reach here: operations and bytes a second."""
    size = 64 if machine.tiny else 8192
    peaks = {}
    with tf32(True):  # as convolutions have it, unless they are told otherwise
        for name, dtype in (("half", torch.float16), ("float32", torch.float32)):
            a = torch.randn(size, size, device=machine.device, dtype=dtype)
            peaks[name] = 2 * size**3 / machine.milliseconds(lambda a=a: a @ a) * 1e3
    values = torch.randn(size * size, device=machine.device)
    target = torch.empty_like(values)
    peaks["bytes"] = 2 * 4 * values.numel() / machine.milliseconds(lambda: target.copy_(values)) * 1e3
    report.table("measured here", "")
    report.row("matrix products in half precision", f"{peaks['half'] / 1e12:.1f} TFLOP/s")
    report.row("matrix products in float32, by TF32 where there is such", f"{peaks['float32'] / 1e12:.1f} TFLOP/s")
    report.row("copies, bytes read and written", f"{peaks['bytes'] / 1e9:.0f} GB/s")
    return peaks


@dataclass(frozen=True)
class Case:
    """An operation with its kernels, its definition, and its inputs."""

    name: str
    quick: Callable[..., Tensor]
    truth: Callable[..., Tensor]  # of x in float64, or in x's type for comparing times
    shape: tuple[int, ...]


def lowpass(taps: int, device: str, radial: bool = False) -> Tensor:
    """A filter of unit sum."""
    x = torch.arange(taps, device=device) - (taps - 1) / 2
    r = torch.hypot(x[:, None], x[None]) if radial else x
    f = torch.cos(r * 3 / taps) * torch.exp(-r.square() / taps)
    return f / f.sum()


def cases(machine: Machine) -> Iterator[Case]:
    """The operations of all networks, at sizes that they have at 1024²; the filters' taps are the networks' own."""
    device = machine.device
    channels, size = (3, 9) if machine.tiny else (128, 148)
    shape, bias = (1, channels, size, size), torch.randn(channels, device=device)
    f = lowpass(4, device)
    f = f.outer(f)
    around = (2, 1, 2, 1)
    yield Case(
        "upsampling by 2, 4×4 taps",
        lambda x: kernels.upfirdn2d(x, f, up=2, padding=around, gain=4),
        lambda x: reference.upfirdn2d(x, f, up=2, padding=around, gain=4),
        shape,
    )
    noise = torch.randn(1, 1, size, size, device=device)
    what = Finish(noise, bias, 0.2, 2**0.5, 256)
    yield Case("noise, bias, activation", lambda x: kernels.finish(x, what), lambda x: finished(x, what), shape)
    for name, up, radial in (("T", 2, False), ("T, up 4", 4, False), ("R", 2, True)):
        arguments = (lowpass(6 * up, device), lowpass(12, device, radial), up, 2, (9, 8, 9, 8), 2**0.5, 0.2, 256)
        yield Case(
            f"filtered_lrelu of StyleGAN3-{name}",
            lambda x, a=arguments: kernels.filtered_lrelu(x, bias, *a),
            lambda x, a=arguments: reference.filtered_lrelu(x, bias, *a),
            shape,
        )
    weight = torch.randn(channels, channels, 3, 3, device=device)
    styles = torch.randn(1, channels, device=device)
    what_up = Finish(None, bias, 0.2, 2**0.5, 256)
    for name, up_filter in (("modulated 3×3", None), ("modulated 3×3, growing", f)):
        yield Case(
            name,
            lambda x, u=up_filter: kernels.modulated_conv2d(x, weight, styles, u, what_up),
            lambda x, u=up_filter: finished(modulated(x, weight, styles, u), what_up),
            shape,
        )


def finished(x: Tensor, what: Finish) -> Tensor:
    """What a Finish says, by plain operations."""
    x = x if what.noise is None else x + what.noise.to(x.dtype)
    x = x if what.bias is None else x + what.bias.to(x.dtype)[:, None, None]
    x = torch.nn.functional.leaky_relu(x, what.slope) * what.gain
    return x if what.clamp is None else x.clamp(-what.clamp, what.clamp)


def modulated(x: Tensor, weight: Tensor, styles: Tensor, f: Tensor | None) -> Tensor:
    """Modulated convolution of one picture as the equations have it; f doubles the size before, on a wider canvas."""
    w = weight.double() * styles.double()[0, :, None, None]
    w = (w / (w.square().sum(dim=[1, 2, 3], keepdim=True) + 1e-8).sqrt()).to(x.dtype)
    if f is None:
        return torch.nn.functional.conv2d(x, w, padding=1)
    return torch.nn.functional.conv2d(reference.upfirdn2d(x, f, up=2, padding=(3, 2, 3, 2), gain=4), w.flip([2, 3]))


def check_kernels(report: Report, machine: Machine) -> None:
    """Each kernel against its definition, in every type and layout; and both their times in half precision."""
    report.table("operation", "error in float32", "half", "bfloat16", "agrees", "kernel, half (ms)", "plain, half (ms)")
    for case in cases(machine):
        if machine.late:
            report.row(case.name, "not tried: out of time")
            continue
        errors, agrees = [], True
        for dtype, most in TOLERANCE.items():
            worst = 0.0
            for memory in (torch.contiguous_format, torch.channels_last):
                x = torch.randn(case.shape, device=machine.device).to(dtype, memory_format=memory)
                truth = case.truth(x.double())
                worst = max(worst, ((case.quick(x).double() - truth).abs().max() / truth.abs().max()).item())
            errors.append(f"{worst:.1e}")
            agrees &= worst <= most
        x = torch.randn(case.shape, device=machine.device).to(torch.float16, memory_format=torch.channels_last)
        times = [machine.milliseconds(lambda run=run, x=x: run(x)) for run in (case.quick, case.truth)]
        report.row(case.name, *errors, report.verdict(agrees), *(f"{ms:.3f}" for ms in times))


def psnr_db(made: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio, in dB; the peak is the range of the true picture, which random weights decide."""
    error = (made.double() - truth.double()).square().mean().clamp(min=1e-30)
    return (20 * torch.log10(truth.max() - truth.min()) - 10 * torch.log10(error)).item()


def time_pictures(report: Report, machine: Machine, peaks: dict[str, float], configs: dict[str, Any]) -> None:
    """Milliseconds a picture at batch 1, in all ways; and whether all ways make the same picture."""
    report.table(
        "picture", "float32, plain (ms)", "half, plain (ms)", "half, kernels (ms)", "half, kernels, graph (ms)",
        "floor (ms)", "GFLOP", "MB", "half against float32 (dB)", "graph = kernels", "agrees",
    )  # fmt: skip
    for name, config in configs.items():
        if machine.late:
            report.row(name, "not tried: out of time")
            continue
        model = build_generator(random_spec(config, seed=1), digest="0" * 16, name=name, device=machine.device)
        time_picture(report, machine, peaks, model, PictureGraphs() if machine.device == "cuda" else None)


def time_picture(
    report: Report, machine: Machine, peaks: dict[str, float], model: Model, graphs: PictureGraphs | None
) -> None:
    """One row of the table."""
    ws = model.map(torch.randn(1, model.card.z_dim, device=machine.device))
    half, full = Inputs(dtype=torch.float16), Inputs()

    def picture(inputs: Inputs) -> Tensor:
        *_, last = model.network.steps(ws, inputs)
        assert last.img is not None
        return last.img

    def time_of(inputs: Inputs) -> str:
        ms = attempt(lambda: machine.milliseconds(lambda: picture(inputs)))
        return "no memory" if ms is None else f"{ms:.2f}"

    with kernels.switched_off():
        truth = attempt(lambda: picture(full))
        plain = [time_of(full), time_of(half)]
    expected = picture(full) if truth is None else truth
    made, quick = picture(half), time_of(half)
    by_graph, graph_ms = None, "none"
    if graphs is not None:
        for _ in range(2):  # the first sight is not recorded
            by_graph = graphs.picture(model.network, ws, half)
        if by_graph is not None:
            graph_ms = f"{machine.milliseconds(lambda: graphs.picture(model.network, ws, half)):.2f}"
    same = by_graph is not None and torch.equal(by_graph, made)
    near = by_graph is None or bool((by_graph - made).abs().max() <= TOLERANCE[torch.float16] * made.abs().max())
    decibels = psnr_db(made, expected)
    agrees = decibels >= WANTED_PSNR_DB and near and (graphs is None or by_graph is not None)
    found: list[Work] = works(model.network.config)
    report.row(
        model.card.name, *plain, quick, graph_ms, f"{floor_ms(found, peaks):.2f}",
        f"{sum(work.operations for work in found) / 1e9:.0f}", f"{sum(work.bytes for work in found) / 1e6:.0f}",
        f"{decibels:.1f}", "to the bit" if same else "nearly" if by_graph is not None else "no graph",
        report.verdict(agrees),
    )  # fmt: skip


def check_display(report: Report, machine: Machine) -> None:
    """The way to the screen, by the script for that, in a process of its own: a window may take one down."""
    report.table("the way to the screen", "")
    if machine.device == "cpu" or (sys.platform == "linux" and "DISPLAY" not in os.environ):
        report.row("not tried", "there is no display here that the GPU draws; below it says how to do without")
        return
    left = max(machine.deadline + 60 - time.perf_counter(), 30)
    try:
        code = subprocess.run([sys.executable, ROOT / "scripts/gpu_check.py"], timeout=left, check=False).returncode
    except subprocess.TimeoutExpired:
        code = None
    words = {0: "everything agreed", 1: "something did not agree", None: "did not end in time"}
    report.row("scripts/gpu_check.py", words.get(code, f"could not be tried (exit code {code})"))
    report.agreed &= code in (0, 2)


@torch.inference_mode()
def run(report: Report, machine: Machine, seed: int) -> None:
    """All of it."""
    torch.manual_seed(seed)
    with kernels.interpreted() if machine.device == "cpu" else nullcontext():
        describe(report, machine, seed)
        peaks = measure_peaks(report, machine)
        with tf32(False):
            check_kernels(report, machine)
        time_pictures(report, machine, peaks, TINY if machine.tiny else PUBLISHED)
        report.verdict(kernels.usable())
    check_display(report, machine)


def main(
    dry: Annotated[bool, typer.Option(help="Print the figures instead of writing docs/gpu.md.")] = False,
    device: Annotated[str, typer.Option(help="cuda; or cpu, to test this script.")] = "cuda",
    tiny: Annotated[bool, typer.Option(help="Sizes that the interpreter can do.")] = False,
) -> None:
    """Check and time the GPU's kernels and graphs."""
    if device == "cuda":
        require_cuda()
    if not kernels.AVAILABLE:
        print("Triton is not installed; PyTorch's CUDA wheels bring it on Linux.", file=sys.stderr)
        raise typer.Exit(2)
    if device == "cpu":
        os.environ["TRITON_INTERPRET"] = "1"  # Triton is not imported yet
    report = Report()
    run(report, Machine(device, tiny, time.perf_counter() + BUDGET_S), secrets.randbelow(2**31))
    report.deliver("kernels", dry or device == "cpu")


if __name__ == "__main__":
    typer.run(main)
