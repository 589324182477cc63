"""Recordings play, with every frame in order; nobody waits for them, and what fails is a sentence."""

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from visualizer import recording
from visualizer.recording import QUEUE_LENGTH, Recording, suited

WAIT_S = 60


def grey(value: int, height: int = 256, width: int = 256) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def film(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def record(path: Path, frames: list[np.ndarray], fps: float = 25.0) -> Recording:
    """A recording of all frames, none of which is replaced."""
    made = Recording(path, fps)
    for frame in frames:
        while made.full:
            threading.Event().wait(0.001)
        made.add(frame)
    made.stop()
    made.wait(WAIT_S)
    assert made.done
    return made


def test_every_frame_is_in_the_film_in_order(tmp_path: Path) -> None:
    shades = list(range(40, 200, 5))  # more than the queue holds
    made = record(tmp_path / "new" / "film.mp4", [grey(shade) for shade in shades])
    assert made.error is None and made.frames == len(shades)
    frames = film(made.path)
    assert [frame.shape for frame in frames] == [(256, 256, 3)] * len(shades)
    assert [float(frame.mean()) for frame in frames] == pytest.approx(shades, abs=2)


def test_frames_a_second_are_as_asked_for(tmp_path: Path) -> None:
    made = record(tmp_path / "film.mp4", [grey(0)] * 5, fps=12.5)
    with av.open(str(made.path)) as file:
        assert float(file.streams.video[0].average_rate) == 12.5
        assert [float(frame.time) for frame in file.decode(video=0)] == pytest.approx([0, 0.08, 0.16, 0.24, 0.32])


def test_all_frames_get_the_size_of_the_first(tmp_path: Path) -> None:
    made = record(tmp_path / "film.mp4", [grey(50, 300, 260), grey(100, 64, 64), grey(150, 301, 999)])
    assert made.error is None
    frames = film(made.path)
    assert [frame.shape for frame in frames] == [(300, 260, 3)] * 3
    assert [float(frame.mean()) for frame in frames] == pytest.approx([50, 100, 150], abs=2)


def test_small_maps_are_magnified_with_hard_edges_and_sides_are_even() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    large = suited(frame, (5, 7))
    assert large.shape == (260, 364, 3)
    assert np.array_equal(large[::52, ::52], frame) and np.array_equal(large[51::52, 51::52], frame)
    odd = np.random.default_rng(0).integers(0, 255, (301, 257, 3), np.uint8)
    assert suited(odd, (301, 257)).shape == (302, 258, 3)
    assert np.array_equal(suited(odd, (301, 257))[:301, :257], odd)


def test_when_the_queue_is_full_the_newest_frame_waits_in_the_last_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = threading.Event(), threading.Event()

    def slow(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        begun.set()
        assert go.wait(WAIT_S)
        return suited(frame, size)

    monkeypatch.setattr(recording, "suited", slow)
    made = Recording(tmp_path / "film.mp4")
    made.add(grey(10))
    assert begun.wait(WAIT_S)  # the encoder has the first one, and is stuck: all of this would wait for it
    for shade in range(20, 220, 10):
        made.add(grey(shade))
    assert made.full
    go.set()
    made.stop()
    made.wait(WAIT_S)
    expected = [10 * number for number in range(1, QUEUE_LENGTH + 2)] + [210]
    assert [float(frame.mean()) for frame in film(made.path)] == pytest.approx(expected, abs=2)


def test_what_comes_after_the_end_is_ignored(tmp_path: Path) -> None:
    made = record(tmp_path / "film.mp4", [grey(50)])
    made.add(grey(90))
    made.stop()
    assert made.frames == 1 and len(film(made.path)) == 1


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    made = record(tmp_path / "film.mp4", [])
    assert (made.error, made.frames) == (None, 0) and list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").mkdir()
    made = record(tmp_path / "film.mp4", [grey(50)] * 20)
    assert made.error == f"{made.path} was written up to frame 0, then it failed: Is a directory."
    (tmp_path / "file").touch()
    made = record(tmp_path / "file" / "film.mp4", [grey(50)])
    assert made.error is not None and made.error.endswith("then it failed: File exists.")


def test_what_was_written_before_a_frame_that_is_none_plays(tmp_path: Path) -> None:
    made = record(tmp_path / "film.mp4", [grey(50), grey(60), grey(70), np.zeros((256, 256), np.uint8)])
    assert made.error is not None and made.error.startswith(f"{made.path} was written up to frame 3, then it failed: ")
    assert made.frames == 3
    assert [float(frame.mean()) for frame in film(made.path)] == pytest.approx([50, 60, 70], abs=2)


def test_a_file_that_was_cut_off_plays_up_to_its_last_whole_second(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (20, 256, 256, 3), np.uint8)
    made = record(tmp_path / "film.mp4", list(noise), fps=5)
    data = made.path.read_bytes()
    made.path.write_bytes(data[: len(data) * 9 // 10])
    with av.open(str(made.path)) as file:
        stream = file.decode(video=0)
        assert len([next(stream) for _ in range(15)]) == 15
