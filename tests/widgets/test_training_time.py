"""Where snapshots stand on their strip, and how they are called."""

from pathlib import Path

import pytest

from train.run_folder import Snapshot
from widgets.training.time_strip import kimg, nearest, positions


def snapshots(*seen: int) -> list[Snapshot]:
    return [Snapshot(pictures, Path(f"{pictures}.safetensors")) for pictures in seen]


def test_snapshots_stand_where_they_are_in_training() -> None:
    assert positions(snapshots(100, 150, 200, 300), 220, 10) == pytest.approx([10, 60, 110, 210])
    assert positions(snapshots(500), 220, 10) == [10]
    assert positions([], 220, 10) == []


def test_the_nearest_is_found_beyond_the_ends_too() -> None:
    xs = [10.0, 60.0, 110.0, 210.0]
    assert [nearest(xs, x) for x in (-50, 10, 34, 36, 161, 500)] == [0, 0, 0, 1, 3, 3]
    assert nearest([10.0], 70.0) == 0
    many = [x / 7 for x in range(5000)]
    assert all(nearest(many, x + 0.01) == place for place, x in enumerate(many))


def test_moments_are_told_in_thousands_of_pictures() -> None:
    told = {0: "0 kimg", 640: "0.64 kimg", 12_345: "12.3 kimg", 999_499: "999 kimg", 999_900: "1 000 kimg"}
    assert {seen: kimg(seen) for seen in told} == told
    assert kimg(25_000_000) == "25 000 kimg"
