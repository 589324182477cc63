"""What plays by the clock: at a steady rate however seldom it is looked at, and one undo point."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core import edits
from stylegan_core.scene import Scene
from visualizer.motion import DRIFT_REACH, Motion, to_and_fro
from visualizer.store import Store

places = st.floats(-0.5, 0.5)
speeds = st.floats(-1, 1)


def play(motion: Motion, *times: float) -> None:
    for time in times:
        motion.tick(time)


@given(place=places, velocity=speeds, seconds=st.lists(st.floats(0, 60), min_size=1, max_size=5))
def test_to_and_fro_is_the_same_in_one_step_or_many(place: float, velocity: float, seconds: list[float]) -> None:
    at, heading = place, velocity
    for part in seconds:
        at, heading = to_and_fro(at, heading, part, 0.5)
        assert -0.5 - 1e-9 <= at <= 0.5 + 1e-9
        assert abs(heading) == abs(velocity)
    once, _ = to_and_fro(place, velocity, sum(seconds), 0.5)
    assert at == pytest.approx(once, abs=1e-6)


def test_it_is_thrown_back_at_the_ends() -> None:
    assert to_and_fro(0.0, 0.1, 4.0, 0.5) == (pytest.approx(0.4), 0.1)
    assert to_and_fro(0.0, 0.1, 6.0, 0.5) == (pytest.approx(0.4), -0.1)
    assert to_and_fro(0.0, -0.1, 6.0, 0.5) == (pytest.approx(-0.4), 0.1)
    assert to_and_fro(0.0, 0.1, 20.0, 0.5) == (pytest.approx(0.0), 0.1)  # to the right, to the left, and back


@pytest.mark.parametrize("frames", [2, 7, 101])
def test_a_spin_is_as_fast_as_it_says_at_any_frame_rate(frames: int) -> None:
    store = Store(Scene())
    motion = Motion(store)
    motion.spin = 30.0
    motion.turn(True)
    play(motion, *(100 + 4 * frame / (frames - 1) for frame in range(frames)))
    assert store.scene.transform.rotation == pytest.approx(120.0)
    motion.turn(False)
    play(motion, 200.0, 300.0)
    assert store.scene.transform.rotation == pytest.approx(120.0)
    assert store.done == ("Spin",)
    store.undo()
    assert store.scene == Scene()


def test_a_drift_goes_its_way_and_stays_in_sight() -> None:
    store = Store(Scene())
    motion = Motion(store)
    motion.direction, motion.speed = 90.0, 0.2
    motion.drift(True)
    play(motion, 0.0, 1.0)
    assert (store.scene.transform.x, store.scene.transform.y) == pytest.approx((0.0, -0.2))  # up
    for second in range(2, 40):
        motion.tick(float(second))
        assert abs(store.scene.transform.y) <= DRIFT_REACH + 1e-9
    assert store.done == ()
    motion.stop()
    assert store.done == ("Drift",)


def test_a_drift_comes_back_from_where_a_hand_has_put_the_picture() -> None:
    store = Store(edits.set_offset(Scene(), 0.9, 0))
    motion = Motion(store)
    motion.drift(True)
    play(motion, 0.0, 1.0, 2.0)
    assert 0.5 < store.scene.transform.x < 0.9
    play(motion, 12.0)
    assert abs(store.scene.transform.x) <= 0.9


def test_what_is_done_by_hand_divides_a_play() -> None:
    store = Store(Scene())
    motion = Motion(store)
    motion.turn(True)
    play(motion, 0.0, 1.0)
    turned = store.scene
    store.edit("Psi", edits.set_psi, 0.1)
    play(motion, 2.0)  # the hand still holds the control
    store.edit("Psi", edits.set_psi, 0.2)
    store.settle()
    held = store.scene
    assert held.transform != turned.transform
    play(motion, 3.0)
    motion.stop()
    assert store.done == ("Spin", "Psi", "Spin")
    store.undo()
    assert store.scene == held
    store.undo()
    assert store.scene == turned
    store.undo()
    assert store.scene == Scene()


def test_both_at_once_and_at_rest() -> None:
    store = Store(Scene())
    motion = Motion(store)
    play(motion, 0.0, 1.0)
    assert not motion.playing
    assert store.revision == 0
    motion.drift(True)
    motion.turn(True)
    play(motion, 2.0, 3.0)
    moved = store.scene.transform
    assert (moved.x, moved.rotation) == pytest.approx((motion.speed, motion.spin))
    assert math.isclose(moved.y, 0.0, abs_tol=1e-12)
    motion.stop()
    play(motion, 4.0)
    assert store.scene.transform == moved
