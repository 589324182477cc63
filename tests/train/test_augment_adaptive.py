"""The controller of p against steps worked out by hand."""

import pytest
import torch
from torch import Tensor

from train.augment import AdaptiveP, StrengthConfig

OVERFIT, UNSURE = torch.tensor([[3.0], [0.1], [2.0], [5.0]]), torch.tensor([[1.0], [-1.0], [2.0], [-0.5]])  # r 1 and 0


def fed(control: AdaptiveP, logits: Tensor, batches: int) -> AdaptiveP:
    for _ in range(batches):
        control.observe(logits)
    return control


def test_the_papers_settings() -> None:
    assert StrengthConfig().model_dump() == {"p": 0.0, "adaptive": True, "target": 0.6, "kimg": 500.0, "interval": 4}


def test_p_rises_by_what_was_seen_every_fourth_batch() -> None:
    control = AdaptiveP(StrengthConfig())
    adjusted = [control.observe(OVERFIT) for _ in range(8)]
    assert adjusted == [False, False, False, True] * 2
    assert control.p == pytest.approx(2 * 16 / 500_000) and control.r_t == 1.0


def test_p_reaches_one_after_its_kimg() -> None:
    control = AdaptiveP(StrengthConfig(kimg=0.5))
    assert fed(control, torch.ones(5), 96).p == pytest.approx(0.96)
    assert fed(control, torch.ones(5), 4).p == pytest.approx(1.0)
    assert fed(control, torch.ones(5), 40).p == 1.0, "and stays there"


def test_p_falls_below_the_target_but_never_below_zero() -> None:
    control = AdaptiveP(StrengthConfig(p=0.05, kimg=0.5))
    assert fed(control, UNSURE, 4).p == pytest.approx(0.05 - 16 / 500) and control.r_t == 0.0
    assert fed(control, UNSURE, 4).p == 0.0
    assert fed(control, UNSURE, 4).p == 0.0


def test_r_t_is_the_mean_sign_over_the_interval() -> None:
    control = AdaptiveP(StrengthConfig())
    fed(fed(control, OVERFIT, 3), UNSURE, 1)
    assert control.r_t == pytest.approx(0.75) and control.p == pytest.approx(16 / 500_000)
    fed(fed(control, torch.tensor([0.0, 1.0]), 2), torch.tensor([-7.0]), 2)  # zero has no sign
    assert control.r_t == pytest.approx((2 * 1 - 2) / 6) and control.p == pytest.approx((16 - 6) / 500_000)


def test_on_target_p_stays() -> None:
    control = AdaptiveP(StrengthConfig(p=0.3, target=0.5))
    assert fed(control, torch.tensor([1.0, 1.0, 1.0, -1.0]), 4).p == 0.3


def test_a_fixed_p_stays_while_r_t_is_measured() -> None:
    control = fed(AdaptiveP(StrengthConfig(p=0.2, adaptive=False)), OVERFIT, 8)
    assert control.p == 0.2 and control.r_t == 1.0


@pytest.mark.parametrize("before", range(9))
def test_a_checkpoint_goes_on_to_the_bit(before: int) -> None:
    logits = torch.randn(20, 3, generator=torch.Generator().manual_seed(5)) + 0.7
    whole, first, second = (AdaptiveP(StrengthConfig(kimg=0.1)) for _ in range(3))
    for batch in logits:
        whole.observe(batch)
    for batch in logits[:before]:
        first.observe(batch)
    state = first.state()
    assert all(isinstance(value, (int, float)) for value in state.values())
    second.restore(state)
    for batch in logits[before:]:
        second.observe(batch)
    assert second.state() == whole.state() and whole.p > 0


def test_processes_agree() -> None:
    """Each has half of a batch; what `total` sums is what one process would have seen."""
    config = StrengthConfig(kimg=0.1)
    whole, half = AdaptiveP(config), AdaptiveP(config)
    for batch in torch.randn(8, 6, generator=torch.Generator().manual_seed(2)) + 1:
        other = torch.stack([batch[3:].sign().sum(), torch.tensor(3.0)])
        whole.observe(batch)
        half.observe(batch[:3], total=lambda mine, other=other: mine + other)
    assert half.state() == whole.state() and whole.p > 0


def test_no_gradient_is_kept() -> None:
    control = AdaptiveP(StrengthConfig())
    control.observe(torch.ones(3, requires_grad=True) * 2)
    assert control.state()["signs"] == 3
