"""Several processes train as one; see `together.py`. And they are started in the ways that the manual names."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from lightning_fabric import Fabric

from stylegan_core.errors import StyleScopeError
from tests.train.loops import config_of, new_run, pictures, session, state_of
from train.command import wanted_config
from train.config import DataConfig, StartConfig
from train.loop import Loop
from train.run_folder import RunFolder
from train.team import launched

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 500


def ran(*command: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def test_two_processes_are_as_one(tmp_path: Path) -> None:
    """Gradients of all phases, the states and numbers of runs, wishes, and what happens when one dies."""
    run = ran(sys.executable, Path(__file__).with_name("together.py"), tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr


def test_fabric_and_torchrun_start_processes_and_any_number_goes_on(tmp_path: Path) -> None:
    data = pictures(tmp_path)
    main = ROOT / "main.py"
    folder = RunFolder(tmp_path / "run")
    command = ["train", data, "--out", folder.path, "--preset", "smoke", "--batch", "8", "--device", "cpu"]
    two = ran(sys.executable, main, *command, "--kimg", "0.016", "--devices", "2")
    assert two.returncode == 0, two.stderr
    status = folder.status()
    assert (status.state, status.seen, status.processes) == ("done", 16, 2)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    again = ran(*torchrun, "--rdzv-endpoint", "localhost:0", main, *command, "--kimg", "0.032")
    assert again.returncode == 0, again.stderr
    assert (folder.status().seen, folder.status().processes) == (32, 2)
    config = wanted_config("smoke", DataConfig(path=str(data)), StartConfig(), [], kimg=0.048, batch=8)
    new_run(folder.path, config)
    assert session(folder) == "done" and folder.status().processes == 1
    alone = new_run(tmp_path / "alone", config)
    assert session(alone) == "done"
    (a, facts), (b, own) = state_of(folder), state_of(alone)
    assert torch.equal(a["random"], b["random"]) and facts["trainer"] == own["trainer"]
    for name in (name for name in a if name.startswith("G_ema/")):
        assert (a[name] - b[name]).abs().max() < 0.05, name


def test_a_batch_is_shared_evenly_or_not_at_all(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run", config_of("progan", tmp_path, batch=12))
    for processes, words in {
        5: "5 processes cannot share this run: a batch of 12 has no equal share",
        2: "batch size 6 leaves a group of 2 for the minibatch standard deviation",
    }.items():
        fabric = SimpleNamespace(device=torch.device("cpu"), global_rank=0, world_size=processes, is_global_zero=True)
        with pytest.raises(StyleScopeError, match=words):
            Loop(folder, cast(Fabric, fabric), workers=0).run()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StyleScopeError, match="This machine cannot train like that: "):
        launched("cuda")
