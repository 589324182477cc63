"""Killed at any instant, a run goes on from a checkpoint that is whole; see `killing.py`."""

import subprocess
import sys
from pathlib import Path

KILLS = 30
LIMIT_S = 500


def test_kill_9_at_any_instant_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    """And the end is, to the bit, that of a run that nobody killed; the numbers have no line twice, and none torn."""
    command = [sys.executable, Path(__file__).with_name("killing.py"), tmp_path, str(KILLS)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert run.returncode == 0, run.stderr
    steps = [int(word) for word in run.stdout.split()[1:]]
    assert len(steps) == KILLS + 1 and steps == sorted(steps) and len(set(steps)) > 3
