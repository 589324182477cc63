"""A run's process: starting one that outlives the window, and ending one that does not answer any more."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from stylegan_core.errors import StyleScopeError
from train.run_folder import RunFolder, Status
from visualizer.library import ASSETS

ROOT = ASSETS.parent
TRAIN = (sys.executable, str(ROOT / "main.py"), "train", "--out")
SILENT_S = 20.0  # a process that has said nothing for so long does not answer: it writes twice a second


def launch(run: RunFolder, command: Sequence[str] = TRAIN) -> subprocess.Popen[bytes]:
    """Start a run's process, or go on with it. It knows nothing of this one, and stays when this one ends.

    Args:
        run: its run.json is there.
        command: to which the run's folder is added.

    Raises:
        StyleScopeError: it cannot be started.
    """
    try:
        with run.log_path.open("ab") as log:
            return subprocess.Popen(
                [*command, str(run.path)],
                cwd=ROOT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},  # the last words of one that is killed are in the log
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **_detached(),
            )
    except OSError as error:
        raise StyleScopeError(f"Training of {run.name} cannot be started: {error.strerror or error}.") from error


def _detached() -> dict[str, Any]:
    """Nothing that ends this process, its terminal or its console ends the other."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def is_silent(status: Status, alive: bool, now: float | None = None) -> bool:
    """Whether a process lives and does not answer."""
    return alive and status.updated > 0 and (time.time() if now is None else now) - status.updated > SILENT_S


def end_at_once(run: RunFolder) -> None:
    """Ask the system to end a run's process. What it has learned since its last checkpoint is lost.

    Raises:
        StyleScopeError: it is not there, or on another machine, or somebody else's.
    """
    status = run.status()
    if not run.is_alive() or status.pid <= 0:
        raise StyleScopeError(f"{run.name} is not being trained.")
    if status.host and status.host != socket.gethostname():
        raise StyleScopeError(f"{run.name} is trained on {status.host}; end process {status.pid} there.")
    try:
        os.kill(status.pid, signal.SIGTERM)
    except OSError as error:
        raise StyleScopeError(f"Process {status.pid} cannot be ended: {error.strerror or error}.") from error
