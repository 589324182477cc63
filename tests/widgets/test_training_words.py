"""How a run is put into words."""

import pytest

from train.run_folder import Status
from widgets.training.words import FACTS, facts, kimg, rate, span


@pytest.mark.parametrize(
    ("seconds", "words"), [(4.4, "4 s"), (600, "10 min"), (3600 * 3 + 1260, "3 h 21 min"), (3600 * 96, "4.0 days")]
)
def test_times_are_as_exact_as_anyone_wants_them(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_an_hour_has_sixty_minutes_whatever_is_rounded() -> None:
    assert [span(seconds) for seconds in (3599, 7199, 59.9)] == ["1 h 00 min", "2 h 00 min", "1 min"]


def test_numbers_are_short() -> None:
    assert [kimg(pictures) for pictures in (0, 420, 12_340, 25_000_000)] == ["0", "0.42", "12.3", "25,000"]
    assert [rate(value) for value in (0.123, 7.25, 31.4)] == ["0.12", "7.2", "31"]


def test_a_run_that_rests_has_no_pace() -> None:
    status = Status(images_per_s=30.0, seconds=7200, seconds_left=60, device="cuda:0", processes=2, gpu_bytes=1 << 31)
    before = ("2 h 00 min so far", "", "on cuda:0, 2 processes")
    assert facts(status, True) == (*before, "1 min left", "30 images/s", "2.0 GiB of it")
    assert facts(status, False) == (*before, "", "", "")
    assert len(facts(Status(), True)) == FACTS and not any(facts(Status(), True))
