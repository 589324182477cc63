"""The virtual camera: what it sends, when, and the one sentence where it cannot; with a fake package in its place."""

import queue
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from visualizer.explorer import Explorer
from visualizer.output_gl import Slide
from visualizer.session import Layout, OutputSettings, Session
from visualizer.virtual_camera import NO_CAMERA, NO_PACKAGE, VirtualCamera, camera_frame

LIMIT_S = 30.0


class FakePackage:
    """pyvirtualcam, whose cameras send one frame for each that is taken."""

    def __init__(self) -> None:
        self.failing: Exception | None = None
        self.open: list[FakeCamera] = []
        self.made: queue.SimpleQueue[FakeCamera] = queue.SimpleQueue()

    def Camera(self, width: int, height: int, fps: float) -> "FakeCamera":
        if self.failing is not None:
            raise self.failing
        assert self.open == [], "the device is busy"
        return FakeCamera(self, width, height, fps)


class FakeCamera:
    device = "/dev/video9"

    def __init__(self, package: FakePackage, width: int, height: int, fps: float):
        self.package, self.size, self.fps = package, (width, height), fps
        self.frames: queue.SimpleQueue[np.ndarray] = queue.SimpleQueue()
        self.turns: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.failing: Exception | None = None

    def __enter__(self) -> "FakeCamera":
        self.package.open.append(self)
        self.package.made.put(self)
        return self

    def __exit__(self, *error: object) -> None:
        self.package.open.remove(self)

    def send(self, frame: np.ndarray) -> None:
        if self.failing is not None:
            raise self.failing
        assert frame.shape == (self.size[1], self.size[0], 3)
        assert frame.dtype == np.uint8
        self.frames.put(frame.copy())

    def sleep_until_next_frame(self) -> None:
        self.turns.get(timeout=LIMIT_S)

    def next(self) -> np.ndarray:
        """Let the next turn come, and take what it sends."""
        self.turns.put(None)
        return self.frames.get(timeout=LIMIT_S)


class Fakes:
    """A VirtualCamera with a fake Explorer and a fake package."""

    def __init__(self) -> None:
        self.kept = Session(output=OutputSettings(camera_width=80, camera_height=64, camera_fps=24))
        self.said: list[str] = []
        fakes = self

        class FakeExplorer(SimpleNamespace):
            @property
            def session(self) -> Session:
                return fakes.kept

        self.explorer = FakeExplorer(
            keeping=SimpleNamespace(change=self.change),
            say=lambda text, kind="info": self.said.append(text),
            latest=None,
            card=None,
        )
        self.package = FakePackage()
        self.camera = VirtualCamera(cast(Explorer, self.explorer), lambda: self.package)

    def change(self, **changes: Any) -> None:
        self.kept = self.kept.model_copy(update=changes)

    def arrive(self, value: int, size: int = 16) -> None:
        rgba = np.full((size, size, 4), value, np.uint8)
        self.explorer.latest = SimpleNamespace(rgba=rgba, frame=SimpleNamespace(preview=False))

    def started(self) -> FakeCamera:
        """Start it; the device's side, whose first frame has been taken."""
        self.camera.start()
        device = self.package.made.get(timeout=LIMIT_S)
        device.frames.get(timeout=LIMIT_S)
        self.camera.tick()
        return device

    def failed(self) -> list[str]:
        """Wait for the thread to end by itself; what was said then."""
        sender = self.camera._sender
        assert sender is not None
        sender.wait(LIMIT_S)
        self.camera.tick()
        return self.said


@pytest.fixture
def fakes() -> Any:
    made = Fakes()
    yield made
    sender = made.camera._sender
    made.camera.stop()
    for device in made.package.open:
        device.turns.put(None)
    if sender is not None:
        sender.wait(LIMIT_S)


# -- what a frame looks like -------------------------------------------------------------------------------------------


def test_a_frame_is_the_picture_in_the_middle_of_black() -> None:
    rgba = np.random.default_rng(0).integers(1, 256, (4, 4, 4), np.uint8)
    frame = camera_frame(Slide(rgba, (4, 4)), (22, 14), "whole")
    expected = np.zeros((14, 22, 3), np.uint8)
    expected[1:13, 5:17] = rgba[..., :3].repeat(3, axis=0).repeat(3, axis=1)
    np.testing.assert_array_equal(frame, expected)


def test_alpha_is_over_black_where_the_model_makes_some() -> None:
    rgba = np.full((4, 4, 4), 200, np.uint8)
    rgba[:2, :, 3], rgba[2:, :, 3] = 0, 102
    for has_alpha, values in ((False, {200}), (True, {0, 80})):
        frame = camera_frame(Slide(rgba, (4, 4), has_alpha=has_alpha), (8, 8), "whole")
        assert set(np.unique(frame)) == values


def test_filling_cuts_off_what_stands_over() -> None:
    rgba = np.random.default_rng(0).integers(1, 256, (4, 4, 4), np.uint8)
    frame = camera_frame(Slide(rgba, (4, 4)), (16, 8), "fill", smooth=False)
    np.testing.assert_array_equal(frame, rgba[1:3, :, :3].repeat(4, axis=0).repeat(4, axis=1))


def test_pixels_blend_where_they_are_to_and_always_in_previews() -> None:
    halves = np.zeros((2, 2, 4), np.uint8)
    halves[:, 1] = 240
    for slide, smooth, blends in (
        (Slide(halves, (2, 2)), True, True),
        (Slide(halves, (2, 2)), False, False),
        (Slide(halves, (8, 8), preview=True), False, True),
    ):
        frame = camera_frame(slide, (16, 16), "fit", smooth)
        assert (len(np.unique(frame)) > 2) is blends


def test_a_large_picture_is_averaged_rather_than_thinned_out() -> None:
    checks = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(255)
    frame = camera_frame(Slide(np.dstack([checks] * 4).astype(np.uint8), (64, 64)), (16, 16), "fit", smooth=False)
    assert frame.min() > 90
    assert frame.max() < 165


# -- sending -----------------------------------------------------------------------------------------------------------


def test_it_sends_the_newest_picture_at_every_turn(fakes: Fakes) -> None:
    fakes.arrive(10)
    device = fakes.started()
    assert (device.size, device.fps) == ((80, 64), 24)
    assert fakes.said == ["The picture goes to the camera /dev/video9."]
    assert fakes.camera.device == "/dev/video9"
    assert [int(device.next()[32, 40, 0]) for _ in range(2)] == [10, 10]
    for value in (20, 30):
        fakes.arrive(value)
        fakes.camera.tick()
    assert int(device.next()[32, 40, 0]) == 30  # latest wins
    fakes.explorer.latest = SimpleNamespace(rgba=None, frame=SimpleNamespace(preview=False))
    fakes.camera.tick()
    assert int(device.next()[32, 40, 0]) == 30
    assert fakes.camera.sent >= 5


def test_it_sends_black_before_there_is_a_picture(fakes: Fakes) -> None:
    assert not fakes.started().next().any()


def test_it_follows_how_pictures_are_fitted_in(fakes: Fakes) -> None:
    fakes.arrive(10)
    device = fakes.started()
    assert int(device.next()[32, 2, 0]) == 0
    fakes.change(output=fakes.kept.output.model_copy(update={"fit": "fill"}), layout=Layout(smooth=False))
    fakes.camera.tick()
    assert int(device.next()[32, 2, 0]) == 10


def test_another_size_starts_it_anew_once_the_device_is_free(fakes: Fakes) -> None:
    fakes.arrive(10)
    device = fakes.started()
    fakes.camera.change(camera_width=120, camera_fps=60)
    assert fakes.kept.output.camera_fps == 60
    device.turns.put(None)  # only now it sees that it is to end
    again = fakes.package.made.get(timeout=LIMIT_S)
    assert (again.size, again.fps) == ((120, 64), 60)
    assert fakes.package.open == [again]


def test_it_is_never_started_by_itself(fakes: Fakes) -> None:
    fakes.arrive(10)
    fakes.camera.tick()
    fakes.camera.change(camera_width=120)
    assert not fakes.camera.running
    assert fakes.package.made.empty()


# -- where it cannot ---------------------------------------------------------------------------------------------------


def test_without_the_package_it_says_what_to_install(fakes: Fakes) -> None:
    def missing() -> Any:
        raise ModuleNotFoundError("No module named 'pyvirtualcam'")

    fakes.camera = VirtualCamera(cast(Explorer, fakes.explorer), missing)
    fakes.camera.start()
    assert fakes.failed() == [NO_PACKAGE]
    assert not fakes.camera.running


@pytest.mark.parametrize(
    "words",
    [
        "'v4l2loopback' backend: No v4l2 loopback device found at /dev/video[0-99]. Did you run 'modprobe'?",
        "'obs' backend: virtual camera output could not be started\n'unitycapture' backend: No camera registered.",
        "'obs' backend: OBS Virtual Camera is not installed in your system.",
    ],
)
def test_without_a_camera_it_says_what_to_install(fakes: Fakes, words: str) -> None:
    fakes.package.failing = RuntimeError(words)
    fakes.camera.start()
    assert fakes.failed() == [NO_CAMERA]
    assert not fakes.camera.running


def test_a_camera_that_fails_midway_is_told_of_and_can_be_started_again(fakes: Fakes) -> None:
    fakes.arrive(10)
    device = fakes.started()
    device.failing = OSError("device removed")
    device.turns.put(None)
    assert fakes.failed()[1:] == ["The virtual camera failed: device removed"]
    assert fakes.package.open == []
    assert fakes.started().next().any()


def test_the_end_of_the_program_frees_the_device(fakes: Fakes) -> None:
    device = fakes.started()
    device.turns.put(None)
    device.turns.put(None)
    fakes.camera.close(LIMIT_S)
    assert fakes.package.open == []
