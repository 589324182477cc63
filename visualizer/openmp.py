"""How torch's threads wait. Nothing here loads torch: it reads these settings when it is loaded."""

import os


def wait_quietly() -> None:
    """Have torch's threads leave the processor to the window while they wait. Call it before torch is loaded."""
    # They would otherwise spin, in the way of the window's own thread; with one busy process beside it a picture then
    # takes five times as long rather than twice.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Short waits between the pieces of a picture are not worth falling asleep for, though.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
