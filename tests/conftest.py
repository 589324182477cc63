"""What all tests share: a virtual screen, and a home folder in which they cannot touch the person's own settings."""

import contextlib
import importlib
import os
import signal
from collections.abc import Iterator

import pytest
import setup  # scripts/setup.py

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: two workers share two cores

# A shell that starts tests in the background has them, and all that they start, ignore Ctrl+C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Triton decides when it is imported whether its interpreter is to be had, and libraries of training import it.
with pytest.MonkeyPatch.context() as _environment, contextlib.suppress(ImportError):
    _environment.setenv("TRITON_INTERPRET", "1")
    importlib.import_module("triton")


@pytest.fixture(scope="session", autouse=True)
def _home_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(home / name))
        yield


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """The DISPLAY of a virtual screen, 1600×1000 px, that is this worker's alone; also set in the environment."""
    with setup.virtual_display() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", name)
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        yield name
