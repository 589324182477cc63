"""One command for a machine with an NVIDIA GPU: is CUDA-OpenGL interop right, how fast is it, are models right on CUDA.

    python scripts/gpu_check.py          writes its figures into docs/gpu.md
    python scripts/gpu_check.py --dry    prints them

Needs a PyTorch that finds the GPU and a display that the GPU draws (docs/gpu.md says how to do without a monitor).
Exits with 0 if everything agreed, 1 if something did not, 2 if it could not be tried here.
"""

import os
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # so that it runs from anywhere, without an installation

import dearpygui.dearpygui as dpg
import numpy as np
import torch
from OpenGL import GL as gl

import stylegan_core as sg
from scripts.gpu_report import Report, require_cuda
from visualizer.presenter import Force, Presenter

PIXEL_SIZES = [(1, 1), (5, 3), (256, 256), (1023, 517), (1024, 1024), (2048, 2048)]  # width, height
TIMED_SIZES = [256, 1024, 2048]
MODELS = [ROOT / "assets/models/faces64.safetensors", *sorted((ROOT / "tests/golden").glob("*.pkl"))]

# Largest difference allowed in pictures of nominal range [-1, 1]. Convolutions on CUDA use TF32, which has 10 bits of
# mantissa like half precision; the figures in the table say how much of that is used.
TOLERANCE = {"float32": 0.02, "half": 0.1}


@contextmanager
def window() -> Iterator[None]:
    """A DearPyGui window with its OpenGL context current."""
    dpg.create_context()
    dpg.create_viewport(title="StyleScope GPU check", width=640, height=480, vsync=False)
    dpg.setup_dearpygui()
    dpg.show_viewport()
    dpg.render_dearpygui_frame()
    try:
        yield
    finally:
        dpg.destroy_context()


@contextmanager
def presenting(force: Force) -> Iterator[Presenter]:
    """A presenter, closed at the end."""
    presenter = Presenter(force=force)
    try:
        yield presenter
    finally:
        presenter.close()


def random_frame(width: int, height: int, device: str) -> torch.Tensor:
    """uint8 [H, W, 4]."""
    return torch.randint(0, 256, (height, width, 4), dtype=torch.uint8, device=device)


def check_pixels(report: Report, device: str, sizes: list[tuple[int, int]]) -> None:
    """Both paths give back the very bytes of the frame, resized up and down."""
    report.table("frame (px)", "interop = frame", "upload = frame")
    with presenting("interop") as interop, presenting("upload") as upload:
        pictures = [interop.new_picture(), upload.new_picture()]
        for width, height in [*sizes, *reversed(sizes)]:
            rgba = random_frame(width, height, device)
            verdicts = []
            for picture in pictures:
                picture.show(rgba)
                verdicts.append(report.verdict(np.array_equal(picture.read_back(), rgba.cpu().numpy())))
            report.row(f"{width} × {height}", *verdicts)


def time_presents(report: Report, device: str, sizes: list[int], count: int) -> None:
    """From a finished frame on the GPU to a finished texture, both waited for."""
    report.table("frame (px)", "path", "median (ms)", "p99 (ms)")
    for size in sizes:
        frames = [random_frame(size, size, device) for _ in range(4)]
        for force in ("interop", "upload"):
            with presenting(force) as presenter:
                picture = presenter.new_picture()
                for index in range(10):  # buffers are made, clocks go up
                    picture.show(frames[index % 4])
                times_ms = []
                for index in range(count):
                    if device == "cuda":
                        torch.cuda.synchronize()
                    gl.glFinish()
                    start = time.perf_counter()
                    picture.show(frames[index % 4])
                    gl.glFinish()
                    times_ms.append((time.perf_counter() - start) * 1e3)
                p99 = statistics.quantiles(times_ms, n=100)[98]
                report.row(f"{size} × {size}", presenter.path, f"{statistics.median(times_ms):.3f}", f"{p99:.3f}")


def compare_models(report: Report, device: str, paths: list[Path]) -> None:
    """The same latents on this device and on the CPU, where the tests compare with the official code's pictures."""
    report.table("model", "precision", "largest difference from the CPU", "mean", "within tolerance")
    for path in paths:
        try:
            reference, model = sg.load_model(path), sg.load_model(path, device=device)
        except (FileNotFoundError, sg.StyleScopeError) as error:
            report.row(path.name, f"not tried: {error}", "", "", "")
            continue
        z = torch.from_numpy(np.stack([np.random.RandomState(seed).randn(model.card.z_dim) for seed in range(4)]))
        c = torch.eye(model.card.c_dim)[torch.arange(4) % model.card.c_dim] if model.card.c_dim else None
        ws = reference.map(z.float(), c)
        expected = reference.synthesize(ws)
        for precision in ("float32", "half") if model.card.has_half else ("float32",):
            made = model.synthesize(model.map(z.float(), c), half=precision == "half")
            difference = (made.cpu() - expected).abs()
            largest = difference.max().item()
            verdict = report.verdict(largest <= TOLERANCE[precision])
            report.row(path.name, precision, f"{largest:.2e}", f"{difference.mean().item():.2e}", verdict)


def describe(report: Report, count: int) -> None:
    """When, where and how; and the path that the program would choose here."""
    report.table("", "")
    report.row("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    report.row("device", torch.cuda.get_device_name())
    report.row("OpenGL", f"{gl.glGetString(gl.GL_RENDERER).decode()}, {gl.glGetString(gl.GL_VERSION).decode()}")
    report.row("software", f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, {platform.platform()}")
    report.row("command", "`" + shlex.join(["python", *sys.argv]) + f"`, {count} frames per figure")
    with presenting("auto") as presenter:
        report.row("path", presenter.path)
        report.row("because", presenter.reason)
        report.verdict(presenter.path.startswith("CUDA-GL interop"))


def main(
    dry: Annotated[bool, typer.Option(help="Print the figures instead of writing docs/gpu.md.")] = False,
    frames: Annotated[int, typer.Option(min=100, help="How many frames each figure is taken over.")] = 500,
) -> None:
    """Check and time the way of pictures from CUDA to the screen, and models on CUDA."""
    require_cuda()
    if sys.platform == "linux" and "DISPLAY" not in os.environ:
        print("There is no display; docs/gpu.md says how to run this without a monitor.", file=sys.stderr)
        raise typer.Exit(2)
    report = Report()
    with window():
        describe(report, frames)
        check_pixels(report, "cuda", PIXEL_SIZES)
        time_presents(report, "cuda", TIMED_SIZES, frames)
        compare_models(report, "cuda", MODELS)
    report.deliver("results", dry)


if __name__ == "__main__":
    typer.run(main)
