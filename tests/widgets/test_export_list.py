"""What the list of exports says is short and has units."""

import pytest

from widgets.export.list import size, time_left


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.2, "0 s left"),
        (59.4, "59 s left"),
        (59.6, "1:00 min left"),
        (754, "12:34 min left"),
        (3600, "1:00 h left"),
        (90061, "25:01 h left"),
    ],
)
def test_times_are_said_in_the_unit_that_suits(seconds: float | None, words: str) -> None:
    assert time_left(seconds) == words


@pytest.mark.parametrize(
    ("num_bytes", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1200, "1.2 kB"), (34_000_000, "34.0 MB"), (5e9, "5.0 GB")],
)
def test_sizes_are_said_in_the_unit_that_suits(num_bytes: int, words: str) -> None:
    assert size(num_bytes) == words
