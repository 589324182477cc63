"""Two processes that train together over gloo, beside one that trains alone.

    python together.py FOLDER

They are forked, for the start of a process costs far more than what it is to do. What they find they leave in the
folder, and this process, which runs nothing of torch before a fork, compares.
"""

import os
import signal
import socket
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
tests = types.ModuleType("tests")  # some packages bring a "tests" of their own
tests.__path__ = [str(ROOT / "tests")]
sys.modules["tests"] = tests

import pytest  # noqa: E402
import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402

from stylegan_core.errors import StyleScopeError  # noqa: E402
from tests.train import loops  # noqa: E402
from train import recording  # noqa: E402
from train.building import label_table, open_data, starting_points  # noqa: E402
from train.config import RunConfig  # noqa: E402
from train.data.loading import Batches  # noqa: E402
from train.data.order import Share  # noqa: E402
from train.loop import Loop  # noqa: E402
from train.run_folder import RunFolder  # noqa: E402
from train.team import FabricTeam  # noqa: E402
from train.trainer import Trainer  # noqa: E402

BATCH = 8  # whole groups of the minibatch standard deviation on each
PROCESSES = 2


class Fabric:
    """What of Fabric's a run looks at."""

    device = torch.device("cpu")

    def __init__(self, rank: int, processes: int):
        self.global_rank, self.world_size, self.is_global_zero = rank, processes, rank == 0


def forked(work: Callable[[], object]) -> int:
    """Have a child do it; its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        if code:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


def together(place: Path, work: Callable[[Any], object]) -> list[int]:
    """Have processes do it together; their exit statuses."""
    meeting = place / "meeting"
    meeting.unlink(missing_ok=True)

    def join(rank: int) -> None:
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=PROCESSES)
        work(Fabric(rank, PROCESSES))

    children = [forked(lambda rank=rank: join(rank)) for rank in range(PROCESSES)]
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def alone(work: Callable[[Any], object]) -> None:
    """Have one process do it."""
    assert os.waitpid(forked(lambda: work(Fabric(0, 1))), 0)[1] == 0


def gradients(config: RunConfig, fabric: Any, to: Path) -> None:
    """The gradients of all phases of a step, and what the step says; weights stay as they are."""
    images = open_data(config.data)
    labels = label_table(images)
    g, d, average, _ = starting_points(config)
    team = FabricTeam(fabric)
    trainer = Trainer(config, g, d, labels, fabric.device, team, average)
    phases: list[list[torch.Tensor]] = []

    def step(self: torch.optim.Adam, *_: object) -> None:
        phases.append([p.grad.clone() for group in self.param_groups for p in group["params"] if p.grad is not None])

    torch.optim.Adam.step = step  # type: ignore[method-assign]
    share = Share(config.batch, team.rank, team.processes)
    with Batches(images, config.seed, lambda _: share, workers=0) as batches:
        numbers = trainer.train(next(batches))
    numbers = {name: team.mean(value.detach()) for name, value in numbers.items()}
    if team.rank == 0:
        torch.save({"phases": phases, "numbers": numbers, "state": trainer.state()}, to)


def compare_all_gradients(place: Path) -> None:
    """One process's against those of two."""
    methods = ("conditional", "stylegan3", "progan")  # all there is, is in one or another of them
    configs = {method: loops.config_of(method, place, batch=BATCH) for method in methods}

    def all_of(name: str) -> Callable[[Any], object]:
        return lambda fabric: [gradients(configs[method], fabric, place / f"{method}-{name}.pt") for method in methods]

    alone(all_of("one"))
    assert together(place, all_of("two")) == [0, 0]
    for method, config in configs.items():
        worst = compare_gradients(config, method, place / f"{method}-one.pt", place / f"{method}-two.pt")
        print(method, worst)
        assert worst < 1e-5, (method, worst)


def compare_gradients(config: RunConfig, method: str, one: Path, two: Path) -> float:
    """The largest relative difference of a gradient."""
    a, b = torch.load(one), torch.load(two)
    asked = config.regularisers
    expected = 2 + (asked.path_length > 0) + (asked.r1_gamma > 0 and asked.r1_interval > 1)
    assert len(a["phases"]) == len(b["phases"]) == expected, method
    worst = 0.0
    for left, right in zip(a["phases"], b["phases"], strict=True):
        assert len(left) == len(right)
        scale = max(float(x.norm()) for x in left)
        assert scale > 0
        worst = max(worst, *(float((x - y).norm()) / scale for x, y in zip(left, right, strict=True)))
    for name, value in a["numbers"].items():
        torch.testing.assert_close(b["numbers"][name], value, rtol=1e-4, atol=1e-5, msg=f"{method} {name}")
    (tensors_a, facts_a), (tensors_b, facts_b) = a["state"], b["state"]
    assert facts_a == facts_b and torch.equal(tensors_a["random"], tensors_b["random"])
    for name in tensors_a:
        torch.testing.assert_close(tensors_b[name], tensors_a[name], rtol=1e-4, atol=1e-5, msg=f"{method} {name}")
    return worst


def runs(place: Path) -> None:
    """A run on one process, one on two, and one that goes from two to one and back come to the same."""
    config = loops.config_of("stylegan2-ada", place, batch=BATCH, kimg=7 * BATCH / 1000, tick_kimg=3 * BATCH / 1000)
    one, two, mixed = (loops.new_run(place / name, config) for name in ("one", "two", "mixed"))

    def stopping_at(folder: RunFolder, step: int) -> Callable[[Any], object]:
        """A session that somebody stops, through the folder, which only the first process looks at."""

        def work(fabric: Any) -> None:
            train = Trainer.train

            def count(self: Trainer, *arguments: Any) -> dict[str, torch.Tensor]:
                if self.step == step - 1 and fabric.is_global_zero:
                    folder.wish(state="stop")
                return train(self, *arguments)

            Trainer.train = count  # type: ignore[method-assign]
            assert Loop(folder, fabric, workers=0).run() == "stopped"
            assert fabric.is_global_zero is False or folder.status().step == step

        return work

    def whole(folder: RunFolder) -> Callable[[Any], object]:
        return lambda fabric: Loop(folder, fabric, workers=0).run()

    alone(whole(one))
    assert together(place, whole(two)) == [0, 0]
    assert together(place, stopping_at(mixed, 4)) == [0, 0]
    mixed.wish(state="train")
    alone(stopping_at(mixed, 5))
    mixed.wish(state="train")
    assert together(place, whole(mixed)) == [0, 0]
    a, facts = loops.state_of(one)
    for other in (two, mixed):
        assert other.status().state == "done"
        b, own = loops.state_of(other)
        assert a.keys() == b.keys() and torch.equal(a["random"], b["random"])
        assert own["trainer"]["seen"] == facts["trainer"]["seen"] == 7 * BATCH
        # Adam takes a step of the learning rate however small a gradient is, so those near zero differ by steps.
        for name in (name for name in a if name.startswith(("G/", "D/"))):
            assert (a[name] - b[name]).abs().max() < 7 * 3 * 0.002, name
            assert (a[name] - b[name]).abs().mean() < 0.002, name
        for left, right in zip(loops.lines_of(one), loops.lines_of(other), strict=True):
            assert left.keys() == right.keys()
            assert all(abs(left[name] - right[name]) < 0.05 * (1 + abs(left[name])) for name in left)


def deaths(place: Path) -> None:
    """Where one process dies, the other says so and ends."""
    for victim in range(PROCESSES):
        folder = loops.new_run(place / f"dies{victim}", loops.config_of("progan", place, batch=BATCH))

        def work(fabric: Any, victim: int = victim, folder: RunFolder = folder) -> None:
            train = Trainer.train

            def die(self: Trainer, *arguments: Any) -> dict[str, torch.Tensor]:
                if self.step == 4 and fabric.global_rank == victim:
                    os.kill(os.getpid(), signal.SIGKILL)
                return train(self, *arguments)

            Trainer.train = die  # type: ignore[method-assign]
            with pytest.raises(StyleScopeError, match="Another process of this run has ended"):
                Loop(folder, fabric, workers=0).run()
            if fabric.is_global_zero:
                assert folder.status().state == "failed" and "Another process" in folder.status().words

        codes = together(place, work)
        assert codes == [-signal.SIGKILL if rank == victim else 0 for rank in range(PROCESSES)], codes
        assert loops.state_of(folder).facts["trainer"]["step"] == 3


def starts(place: Path) -> None:
    """A run that Fabric's launcher starts by the program, that torchrun's processes go on with, and then one alone.

    A process of torchrun is one that finds its variables. Fabric starts the second one by the same command.
    """
    data, out, alone_out = loops.pictures(place), RunFolder(place / "started"), RunFolder(place / "at once")
    words = ["--preset", "smoke", "--batch", "8", "--device", "cpu", "--kimg"]

    def program(*arguments: str) -> None:
        import main as stylescope

        sys.argv = [str(ROOT / "main.py"), "train", str(data), *arguments]
        stylescope.main(sys.argv[1:])

    def by_torchrun(rank: int, port: int) -> None:
        names = {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": 0, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "run"}
        os.environ |= {name: str(value) for name, value in (names | where).items()}
        program("--out", str(out.path), *words, "0.032")

    def ended(*children: int) -> list[int]:
        return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

    assert ended(forked(lambda: program("--out", str(out.path), *words, "0.016", "--devices", "2"))) == [0]
    assert (out.status().state, out.status().seen, out.status().processes) == ("done", 16, 2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert ended(*(forked(lambda rank=rank: by_torchrun(rank, port)) for rank in range(2))) == [0, 0]
    assert (out.status().state, out.status().seen, out.status().processes) == ("done", 32, 2)
    for folder in (out, alone_out):
        assert ended(forked(lambda folder=folder: program("--out", str(folder.path), *words, "0.048"))) == [0]
        assert (folder.status().seen, folder.status().processes) == (48, 1)
    (a, facts), (b, own) = loops.state_of(out), loops.state_of(alone_out)
    assert torch.equal(a["random"], b["random"]) and facts["trainer"] == own["trainer"]
    for name in (name for name in a if name.startswith("G_ema/")):
        assert (a[name] - b[name]).abs().max() < 0.05, name


def main(place: Path) -> None:
    """All of it."""
    recording.PREVIEWS = 1
    compare_all_gradients(place)
    runs(place)
    deaths(place)
    starts(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
