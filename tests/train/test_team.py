"""Several processes train as one; see `together.py`."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from lightning_fabric import Fabric

from stylegan_core.errors import StyleScopeError
from tests.train.loops import config_of, new_run
from train.config import GrowthConfig
from train.loop import Loop
from train.team import launched

LIMIT_S = 500


def test_two_processes_are_as_one(tmp_path: Path) -> None:
    """Gradients of all phases, the states and numbers of runs, wishes, what happens when one dies; how they start."""
    command = [sys.executable, Path(__file__).with_name("together.py"), tmp_path]
    run = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_batch_is_shared_evenly_or_not_at_all(tmp_path: Path) -> None:
    growth = GrowthConfig(first_px=4, batches={4: 20})
    folder = new_run(tmp_path / "run", config_of("progan", tmp_path, batch=12, growth=growth))
    for processes, words in {
        5: "5 processes cannot share this run: a batch of 12 has no equal share",
        3: "3 processes cannot share this run: a batch of 20 has no equal share",
        2: "batch size 10 leaves a group of 2 for the minibatch standard deviation",
    }.items():
        fabric = SimpleNamespace(device=torch.device("cpu"), global_rank=0, world_size=processes, is_global_zero=True)
        with pytest.raises(StyleScopeError, match=words):
            Loop(folder, cast(Fabric, fabric), workers=0).run()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StyleScopeError, match="This machine cannot train like that: "):
        launched("cuda")
