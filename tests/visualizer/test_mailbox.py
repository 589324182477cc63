"""The newest thing put into a mailbox is what is taken out, and only once."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from visualizer.mailbox import Mailbox


@given(st.lists(st.one_of(st.integers(0, 9), st.just("take"))))
def test_latest_wins(calls: list[int | str]) -> None:
    box: Mailbox[int] = Mailbox()
    expected: int | None = None
    for call in calls:
        if isinstance(call, int):
            box.put(call)
            expected = call
        else:
            assert box.take() == expected
            expected = None
        assert box.full == (expected is not None)


def test_things_that_are_false_are_things_too() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(0)
    assert box.full and box.take() == 0 and not box.full


def test_between_threads_nothing_comes_twice_or_out_of_order_and_the_last_arrives() -> None:
    box: Mailbox[int] = Mailbox()
    taken: list[int] = []

    def consume() -> None:
        while not taken or taken[-1] != 4999:
            if (item := box.take()) is not None:
                taken.append(item)

    consumer = threading.Thread(target=consume, daemon=True)
    consumer.start()
    for item in range(5000):
        box.put(item)
    consumer.join(60)
    assert not consumer.is_alive()
    assert taken == sorted(set(taken))
