"""bench/gpu.py, which is for machines with a GPU, without one: all it does at small sizes, its floors and its page."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench import gpu, gpu_floor
from scripts.gpu_report import Report, with_results
from stylegan_core import kernels
from stylegan_core.config import GeneratorConfig
from stylegan_core.cuda_graphs import GraphRunner, PictureGraphs, Recorder, Recording
from stylegan_core.model import build_generator, random_spec

ROOT = Path(__file__).resolve().parents[1]
PEAKS = {"half": 1e14, "float32": 1e13, "bytes": 1e12}


def run_script(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "bench/gpu.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.skipif(not kernels.AVAILABLE, reason="Triton has no wheels for this system")
def test_all_of_it_runs_in_the_interpreter_and_agrees() -> None:
    page = (ROOT / "docs/gpu.md").read_bytes()
    result = run_script("--device", "cpu", "--tiny")
    assert result.returncode == 0, result.stdout + result.stderr
    found = {row[0]: row[1:] for row in rows(result.stdout)}
    assert {name for name in found if name.startswith("filtered_lrelu")} == {
        f"filtered_lrelu of StyleGAN3-{kind}" for kind in ("T", "T, up 4", "R")
    }
    assert all(found[case][3] == "yes" for case in found if case.startswith(("filtered_lrelu", "modulated", "noise")))
    for name in gpu.TINY:
        assert found[name][-1] == "yes"
        assert float(found[name][0]) > 0
    assert (ROOT / "docs/gpu.md").read_bytes() == page


def test_without_a_gpu_it_says_so_in_one_sentence() -> None:
    result = run_script(CUDA_VISIBLE_DEVICES="")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "PyTorch finds no CUDA device here, so there is nothing to check.\n"


def test_the_page_has_a_place_for_the_figures() -> None:
    page = (ROOT / "docs/gpu.md").read_text(encoding="utf-8")
    made = with_results(page, ["| a | b |"], "kernels")
    assert "<!-- kernels -->\n| a | b |\n<!-- end of kernels -->" in made
    assert made.split("<!-- kernels -->")[0] == page.split("<!-- kernels -->")[0]
    assert made.split("<!-- end of kernels -->")[1] == page.split("<!-- end of kernels -->")[1]


def test_the_floor_is_the_longer_of_operations_and_bytes_of_each_layer() -> None:
    found = [
        gpu_floor.Work("operations decide", 2e14, 1e9, half=True),
        gpu_floor.Work("bytes decide", 1e10, 3e12, half=True),
        gpu_floor.Work("slower in float32", 2e14, 1e9, half=False),
    ]
    assert gpu_floor.floor_ms(found, PEAKS) == pytest.approx((2 + 3 + 20) * 1e3)


def test_stylegan2s_work_is_counted_by_hand() -> None:
    config = GeneratorConfig(img_resolution=8, channel_base=64, channel_max=8, num_fp16_res=1)
    found = {work.name: work for work in gpu_floor.works(config)}
    assert list(found) == ["b4.conv1", "b4.torgb", "b8.conv0", "b8.conv1", "b8.torgb"]
    assert found["b4.conv1"].operations == 2 * 8 * 8 * 9 * 4 * 4
    assert found["b8.conv0"].operations == 2 * 8 * 8 * 9 * 4 * 4, "a transposed convolution works at the old size"
    assert found["b8.conv1"].operations == 2 * 8 * 8 * 9 * 8 * 8
    assert found["b4.conv1"].bytes == 4 * (2 * 8 * 16 + 8 * 8 * 9)
    assert found["b8.conv1"].bytes == 2 * (2 * 8 * 64 + 8 * 8 * 9)
    assert found["b8.torgb"].bytes == 2 * 8 * 64 + 4 * 3 * (16 + 64)


@pytest.mark.parametrize("name", list(gpu.PUBLISHED))
def test_published_sizes_have_layers_in_both_precisions(name: str) -> None:
    found = gpu_floor.works(gpu.PUBLISHED[name])
    assert {work.half for work in found} == {True, False}
    assert all(work.operations > 0 and work.bytes > 0 for work in found)
    assert 100e9 < sum(work.operations for work in found) < 1000e9


def test_a_family_without_a_floor_is_refused() -> None:
    with pytest.raises(TypeError, match="no floor is known for Report"):
        gpu_floor.works(Report())


def fake(device: torch.device, run: Callable[[], Tensor]) -> Recording:
    """A Recorder that needs no GPU."""
    output = run().clone()

    def replay() -> None:
        output.copy_(run())

    return Recording(replay, output, 0)


def tiny_row(recorder: Recorder) -> tuple[list[str], bool]:
    """What is reported of a tiny picture by a graph."""
    report, machine = Report(), gpu.Machine("cpu", tiny=True, deadline=math.inf)
    name, config = next(iter(gpu.TINY.items()))
    model = build_generator(random_spec(config, seed=1), digest="0" * 16, name=name)
    graphs = PictureGraphs(GraphRunner(recorder=recorder))
    with torch.inference_mode():
        gpu.time_picture(report, machine, PEAKS, model, graphs)
    return rows(report.lines[0])[0], report.agreed


def test_pictures_by_graph_are_timed_and_compared() -> None:
    row, agreed = tiny_row(fake)
    assert float(row[4]) > 0
    assert row[-2:] == ["to the bit", "yes"]
    assert agreed


def test_a_graph_that_gives_another_picture_is_told() -> None:
    def wrong(device: torch.device, run: Callable[[], Tensor]) -> Recording:
        recording = fake(device, run)
        return recording._replace(output=recording.output + 1, replay=lambda: None)

    row, agreed = tiny_row(wrong)
    assert row[-1] == "**NO**"
    assert not agreed


def test_a_picture_that_cannot_be_recorded_is_told() -> None:
    def refuse(device: torch.device, run: Callable[[], Tensor]) -> Recording:
        raise RuntimeError("operation not permitted when stream is capturing")

    row, agreed = tiny_row(refuse)
    assert row[4] == "none"
    assert row[-2:] == ["no graph", "**NO**"]
    assert not agreed


def test_what_there_is_no_time_for_is_left_out() -> None:
    report, late = Report(), gpu.Machine("cpu", tiny=True, deadline=time.perf_counter() - 1)
    gpu.check_kernels(report, late)
    gpu.time_pictures(report, late, PEAKS, gpu.TINY)
    assert [row[1] for row in rows("\n".join(report.lines)) if row[0] in gpu.TINY] == ["not tried: out of time"] * 2
    assert report.lines.count("| modulated 3×3 | not tried: out of time |") == 1


def test_quality_is_measured_against_the_pictures_own_range() -> None:
    truth = torch.tensor([0.0, 10.0])
    assert gpu.psnr_db(truth + 0.1, truth) == pytest.approx(40.0, abs=1e-3)
