"""bench/gpu_training.py, which is for machines with a GPU, without one: what it finds right and wrong, and its page."""

import time
from pathlib import Path

import pytest
import torch
import typer

from bench import gpu_training
from bench.gpu import Machine
from scripts.gpu_report import Report, with_results
from train.trainer import Trainer

ROOT = Path(__file__).resolve().parents[1]
CHECKED = ("stylegan2-ada", "progan")  # a preset with lazy phases, and one without


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(gpu_training, "PRESETS", CHECKED)
    monkeypatch.setattr(gpu_training, "STEPS", 1)
    return Machine("cpu", True, time.perf_counter() + 1e6)


def cells(report: Report, name: str) -> list[str]:
    return next(
        [cell.strip() for cell in line.split("|")[2:-1]] for line in report.lines if line.startswith(f"| {name}")
    )


def test_a_processor_agrees_with_itself_and_with_fewer_bits_nearly(machine: Machine) -> None:
    report = Report()
    gpu_training.check_gradients(report, machine)
    assert report.agreed
    for preset in CHECKED:
        exact, *rest = cells(report, preset)[:3]
        assert float(exact) == 0.0
        assert all(float(error) < 0.3 for error in rest)
    assert float(cells(report, "stylegan2-ada")[1]) > 0  # half precision rounds


def test_a_gradient_that_is_wrong_or_missing_is_found() -> None:
    right = {"G 0 a": torch.tensor([3.0, 4.0]), "D 0 b": torch.tensor([1e-6])}
    assert gpu_training.distance(right, right) == 0
    assert gpu_training.distance(right | {"D 0 b": torch.tensor([2e-6])}, right) == pytest.approx(1.0)
    assert gpu_training.distance(right | {"G 0 a": torch.tensor([3.0, 3.0])}, right) == pytest.approx(0.2)
    assert gpu_training.distance({"G 0 a": right["G 0 a"]}, right) == float("inf")


def test_a_cut_that_loses_something_is_found(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report()
    gpu_training.check_going_on(report, machine)
    assert report.agreed and float(cells(report, "progan")[0]) == 0.0
    restore = Trainer.restore

    def forgetful(trainer: Trainer, tensors: dict[str, torch.Tensor], facts: dict[str, object]) -> None:
        restore(trainer, {name: tensor for name, tensor in tensors.items() if not name.startswith("adam")}, facts)

    monkeypatch.setattr(Trainer, "restore", forgetful)
    gpu_training.check_going_on(report, machine)
    assert not report.agreed


def test_without_a_gpu_it_says_so_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(typer.Exit) as ended:
        gpu_training.main()
    assert ended.value.exit_code == 2
    assert capsys.readouterr() == ("", "PyTorch finds no CUDA device here, so there is nothing to check.\n")


def test_the_page_has_a_place_for_the_figures() -> None:
    page = (ROOT / "docs/gpu.md").read_text(encoding="utf-8")
    made = with_results(page, ["| a | b |"], "training")
    assert "<!-- training -->\n| a | b |\n<!-- end of training -->" in made
