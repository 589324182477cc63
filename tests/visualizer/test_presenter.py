"""Frames arrive in textures, and on the screen, byte for byte by every path; see presenter_scenarios.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("presenter_scenarios.py")
SCENARIOS = (
    "upload_is_byte_for_byte",
    "pictures_do_not_mix",
    "foreign_gl_state_is_harmless_and_kept",
    "window_shows_square_or_smooth_pixels",
    "mipmaps_follow_the_frame",
    "raw_shows_the_same",
    "raw_when_no_texture_is_found",
    "raw_when_there_is_no_context",
    "raw_for_a_picture_whose_texture_is_not_found",
    "upload_without_cuda",
    "interop_is_byte_for_byte",
    "interop_failing_midway_falls_back",
    "interop_that_cannot_register_is_not_chosen",
    "interop_that_alters_the_first_frame_is_given_up",
    "a_frame_is_finished_before_it_is_copied_to_memory",
    "odd_frames_are_refused",
    "gpu_check_measures",
)


@pytest.fixture(scope="module")
def results(display: str) -> dict[str, str]:
    """Scenario name -> traceback, empty if it passed."""
    env = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT), "LIBGL_ALWAYS_SOFTWARE": "1"}
    command = [sys.executable, str(SCRIPT), *SCENARIOS]
    run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", SCENARIOS)
def test_presenter(name: str, results: dict[str, str]) -> None:
    assert results[name] == "", results[name]


def test_gpu_check_without_a_gpu_says_so_in_one_sentence() -> None:
    page = (ROOT / "docs/gpu.md").read_bytes()
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run([sys.executable, "scripts/gpu_check.py"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr == "PyTorch finds no CUDA device here, so there is nothing to check.\n"
    assert (ROOT / "docs/gpu.md").read_bytes() == page


def test_gpu_check_replaces_the_results_and_nothing_else() -> None:
    from scripts.gpu_report import with_results

    page = (ROOT / "docs/gpu.md").read_text(encoding="utf-8")
    once = with_results(page, ["| a | b |"])
    twice = with_results(once, ["", "| c | d |"])
    before, after = page.split("<!-- results -->")[0], page.split("<!-- end of results -->")[1]
    assert twice == before + "<!-- results -->\n| c | d |\n<!-- end of results -->" + after
