"""A display of the tests' own, so that windows open the same way everywhere and in nobody's sight."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def window_env() -> Iterator[dict[str, str]]:
    """The environment for a process that opens a window: an Xvfb with software OpenGL, or else the desktop's own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    if sys.platform != "linux" or (not shutil.which("Xvfb") and "DISPLAY" in env):
        yield env
        return
    if not shutil.which("Xvfb"):
        pytest.fail("The window's tests need a display: install Xvfb (Debian: apt install xvfb).")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x1100x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()  # empty if the server died
        if not number:
            pytest.fail("Xvfb did not start.")
        env.pop("WAYLAND_DISPLAY", None)
        yield {**env, "DISPLAY": f":{number}", "LIBGL_ALWAYS_SOFTWARE": "1"}
    finally:
        server.terminate()
        server.wait()
