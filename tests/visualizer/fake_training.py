"""Stands in for `main.py train --out RUN` in tests: a process that keeps to a run's folder, and learns nothing.

It is there at once, for it imports nothing of ours; `train/run_folder.py` says what the files are.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from PIL import Image

BATCH, TOTAL = 8, 1_000_000


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def main(run: Path) -> None:
    seen = read(run / "status.json").get("seen", 0)
    taken = read(run / "wishes.json").get("snapshots", 0)
    print("learning nothing")
    while (state := (wishes := read(run / "wishes.json")).get("state", "train")) != "stop":
        if state == "train":
            seen += BATCH
            wave = math.sin(seen / 50)
            line = {"seen": seen, "kimg": seen / 1000, "step": seen // BATCH, "loss_g": 1 + wave / 5, "loss_d": 1.2}
            with (run / "numbers.jsonl").open("a") as file:
                file.write(json.dumps(line | {"r_t": wave, "p": 0.1, "images_per_s": 100.0}) + "\n")
        if wishes.get("snapshots", 0) > taken:
            taken = wishes["snapshots"]
            (run / "previews").mkdir(exist_ok=True)
            Image.new("RGB", (16, 8), "red").save(run / "previews" / f"{seen:09d}.png")
        say(run, "paused" if state == "pause" else "training", seen, taken)
        time.sleep(0.005)
    say(run, "stopped", seen, taken)
    print("ended as it was told to")


def say(run: Path, state: str, seen: int, taken: int) -> None:
    status = {"state": state, "seen": seen, "total": TOTAL, "step": seen // BATCH, "images_per_s": 100.0}
    status |= {"seconds_left": (TOTAL - seen) / 100, "device": "cpu", "pid": os.getpid(), "updated": time.time()}
    aside = run / "status.part"
    aside.write_text(json.dumps(status | {"snapshots_taken": taken}))
    os.replace(aside, run / "status.json")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    try:
        with FileLock(folder / "lock", timeout=1):
            main(folder)
    except Timeout:
        sys.exit(f"{folder} is being trained already.")
