"""OSC over real sockets: numbers arrive, nothing else does, and what sets the Scene is undone as one."""

import math
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from stylegan_core import edits
from stylegan_core.scene import MAX_SEED, Scene
from tests.strategies import tiny_model
from visualizer.signals import osc as osc_file
from visualizer.signals.model import OscSettings
from visualizer.signals.osc import MOST, MOST_WAITING, RETRY_S, OscInput, _parts, _read
from visualizer.signals.remote import MOST_TOLD, REST_S, Remote, address_table
from visualizer.store import Store

DOCS = Path(__file__).resolve().parents[2] / "docs/osc.md"
CARD = tiny_model(16).card
END = "/end"


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def listening() -> Iterator[tuple[OscInput, int]]:
    heard, port = OscInput(), free_port()
    heard.listen(OscSettings(enabled=True, port=port), 0.0)
    wait(heard, lambda: heard.address)
    yield heard, port
    heard.close()


def wait(heard: OscInput, condition: Callable[[], object]) -> None:
    rest = threading.Event()
    for _ in range(5000):
        heard.listen(heard._settings, 0.0)
        if condition():
            return
        rest.wait(0.001)
    raise AssertionError(f"it never came to that: {heard.error}")


def sending(port: int) -> SimpleUDPClient:
    return SimpleUDPClient("127.0.0.1", port)


def all_of(heard: OscInput, port: int) -> dict[str, tuple[float, ...]]:
    """What was heard up to now: a last message tells that all before it have come."""
    found: dict[str, tuple[float, ...]] = {}
    with sending(port) as client:
        client.send_message(END, 1)

    def over() -> bool:
        found.update(heard.take())
        return END in found

    wait(heard, over)
    del found[END]
    return found


# -- what is heard -----------------------------------------------------------------------------------------------------


def test_numbers_of_all_types_arrive(listening: tuple[OscInput, int]) -> None:
    heard, port = listening
    large = OscMessageBuilder("/large")
    large.add_arg(2**40, "h")
    large.add_arg(0.1, "d")
    with sending(port) as client:
        client.send_message("/stylescope/truncation/psi", 0.5)
        client.send_message("/pad", [0.25, 7, True, False])
        client.send_message("/press", [])
        client.send(large.build())
    assert all_of(heard, port) == {
        "/stylescope/truncation/psi": (0.5,),
        "/pad": (0.25, 7.0, 1.0, 0.0),
        "/press": (),
        "/large": (MOST, 0.1),  # far beyond what a control sends
    }
    assert heard.refused == 0


@pytest.mark.parametrize("value", ["/etc/passwd", b"blob", math.nan, None, [1.0, [2.0]], (1, 2, 3, 4)])
def test_what_is_no_number_is_dropped_whole(listening: tuple[OscInput, int], value: object) -> None:
    heard, port = listening
    with sending(port) as client:
        client.send_message("/stylescope/truncation/psi", [0.5, value])
    assert all_of(heard, port) == {} and heard.refused == 1


def test_infinities_are_as_much_as_there_can_be(listening: tuple[OscInput, int]) -> None:
    heard, port = listening
    with sending(port) as client:
        client.send_message("/a", [math.inf, -math.inf])
    assert all_of(heard, port) == {"/a": (MOST, -MOST)}


def test_bundles_count_at_once_whatever_their_time_and_the_newest_wins(listening: tuple[OscInput, int]) -> None:
    heard, port = listening
    later = OscBundleBuilder(2e9)  # seconds since 1970: in 2033
    inner = OscBundleBuilder(IMMEDIATELY)
    for bundle, number in ((inner, 2.0), (later, 1.0)):
        message = OscMessageBuilder("/a")
        message.add_arg(number)
        bundle.add_content(message.build())
    later.add_content(inner.build())
    with sending(port) as client:
        client.send(later.build())
    assert all_of(heard, port) == {"/a": (2.0,)}


def test_a_flood_fills_nothing_and_the_newest_of_each_address_stands(listening: tuple[OscInput, int]) -> None:
    heard, port = listening
    with sending(port) as client:
        for number in range(3000):
            client.send_message("/fader", float(number))
            if number % 100 == 0:  # the system's own buffer is not what is tested
                wait(heard, lambda number=number: heard._server._newest.get("/fader", (-1.0,))[0] >= number)
    assert all_of(heard, port) == {"/fader": (2999.0,)}


def test_messages_are_taken_in_the_order_in_which_the_newest_came(listening: tuple[OscInput, int]) -> None:
    heard, port = listening
    with sending(port) as client:
        for address in ("/a", "/b", "/a"):
            client.send_message(address, 1.0)
    wait(heard, lambda: list(heard._server._newest) == ["/b", "/a"])


def test_different_addresses_wait_only_up_to_a_number(
    listening: tuple[OscInput, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osc_file, "MOST_WAITING", 10)
    heard, port = listening
    with sending(port) as client:
        for number in range(50):
            client.send_message(f"/{number}", 1.0)
        client.send_message("/0", 2.0)
    wait(heard, lambda: heard._server._newest.get("/0") == (2.0,))
    assert len(heard.take()) == 10 and MOST_WAITING >= 100


def test_a_bundle_of_a_negative_size_is_not_read_for_ever() -> None:
    """python-osc's own reader never comes back from it."""
    head = b"#bundle\0" + bytes(8)
    message = b"/a\0\0,i\0\0\0\0\0\1"
    for size in (-4, -20, 0, 1000, 2**31 - 1):
        broken = head + (size & 0xFFFFFFFF).to_bytes(4, "big") + message
        assert list(_parts(broken)) == []
    good = head + len(message).to_bytes(4, "big") + message
    assert [_read(part) for part in _parts(good + b"\0\0")] == [("/a", (1.0,))]


def test_bundles_nested_as_deep_as_a_packet_can_hold_are_read() -> None:
    packet = b"/a\0\0,i\0\0\0\0\0\1"
    for _ in range(3000):
        packet = b"#bundle\0" + bytes(8) + len(packet).to_bytes(4, "big") + packet
    assert [_read(part) for part in _parts(packet)] == [("/a", (1.0,))]


@given(
    packet=st.binary(max_size=200), begin=st.sampled_from([b"", b"/a\0\0,ff\0", b"#bundle\0" + bytes(8), b"/a\0\0,i"])
)
def test_any_packet_is_read_or_dropped(packet: bytes, begin: bytes) -> None:
    for part in _parts(begin + packet):
        found = _read(part)
        assert found is None or (found[0].startswith("/") and all(math.isfinite(value) for value in found[1]))


def test_mutated_messages_are_read_or_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    chance, builder = random.Random(1), OscMessageBuilder("/stylescope/truncation/psi")
    builder.add_arg(0.5)
    good = builder.build().dgram
    for _ in range(2000):
        packet = bytearray(good)
        packet[chance.randrange(len(packet))] = chance.randrange(256)
        for part in _parts(bytes(packet)):
            _read(part)
    assert capfd.readouterr().err == ""  # nor does the library tell of each


# -- ports -------------------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_told_and_tried_again() -> None:
    heard = OscInput()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        settings = OscSettings(enabled=True, port=other.getsockname()[1])
        heard.listen(settings, 0.0)
        wait(heard, lambda: heard.error)
        assert f"127.0.0.1:{settings.port}" in heard.error and "another port" in heard.error
        assert heard.take() == {}
    heard.listen(settings, RETRY_S)
    assert heard.error  # until it is known to be over
    wait(heard, lambda: heard.address)
    assert not heard.error
    heard.close()


def test_a_host_that_is_none_is_told() -> None:
    heard = OscInput()
    heard.listen(OscSettings(enabled=True, host="203.0.113.77"), 0.0)  # of nobody here
    wait(heard, lambda: heard.error)
    heard.listen(OscSettings(enabled=True, host="a..b"), 0.0)
    wait(heard, lambda: "a..b" in heard.error)
    heard.listen(OscSettings(), 0.0)
    assert not heard.error
    heard.close()


def test_another_port_is_listened_to_at_once_and_the_old_one_is_free(listening: tuple[OscInput, int]) -> None:
    heard, port = listening
    other = free_port()
    heard.listen(OscSettings(enabled=True, port=other), 0.0)
    wait(heard, lambda: heard.address == ("127.0.0.1", other))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", port))


def test_nothing_is_listened_to_unless_asked_for() -> None:
    heard = OscInput()
    heard.listen(OscSettings(), 0.0)
    assert heard.address is None and heard.take() == {} and not heard.error


# -- what sets the Scene -----------------------------------------------------------------------------------------------


@pytest.fixture
def remote() -> Remote:
    done: list[tuple[str, float]] = []
    acts = {name: lambda number, name=name: done.append((name, number)) for name in ("undo", "seek")}
    made = Remote(Store(Scene()), acts, lambda text: done.append((text, 0.0)))
    made.done = done
    return made


def test_a_movement_of_a_fader_is_one_undo_point(remote: Remote) -> None:
    store = remote._store
    for step in range(10):
        remote.tick({"/stylescope/truncation/psi": (step / 10,), "/stylescope/noise/strength": (2.0,)}, CARD, step / 8)
    assert (store.scene.truncation.psi, store.scene.noise.strength) == (0.9, 2.0)
    remote.tick({}, CARD, 9 / 8 + REST_S / 2)
    assert store.done == ()
    remote.tick({}, CARD, 9 / 8 + REST_S)
    assert store.done == ("OSC",)
    store.undo()
    assert store.scene == Scene()


def test_a_hand_that_drags_meanwhile_keeps_its_one_undo_point(remote: Remote) -> None:
    store = remote._store
    for step in range(5):
        store.edit("Scale", edits.set_scale, 2.0 + step)
        remote.tick({"/stylescope/truncation/psi": (step / 10,)}, CARD, float(step))
    store.settle()
    assert store.done == ("Scale",)
    assert (store.scene.transform.scale, store.scene.truncation.psi) == (6.0, 0.4)


def test_a_rest_does_not_end_what_a_hand_began_after_it(remote: Remote) -> None:
    store = remote._store
    remote.tick({"/stylescope/truncation/psi": (0.1,)}, CARD, 0.0)
    store.edit("Scale", edits.set_scale, 2.0)
    remote.tick({}, CARD, 10.0)
    assert store.under_way == "Scale" and store.done == ("OSC",)


def test_values_are_clamped_and_what_is_missing_changes_nothing(remote: Remote) -> None:
    remote.tick(
        {"/stylescope/latent/seed": (1e10,), "/stylescope/truncation/psi": (), "/stylescope/lod": (-5.0,)}, None, 0.0
    )
    assert remote._store.scene == edits.set_seed(Scene(), MAX_SEED)


def test_actions_are_done_when_a_button_is_pressed_and_not_when_it_is_let_go(remote: Remote) -> None:
    remote.tick({"/stylescope/undo": (1.0,), "/stylescope/seek": (0.0,)}, CARD, 0.0)
    remote.tick({"/stylescope/undo": (0.0,), "/stylescope/seek": (2.5,)}, CARD, 0.0)
    remote.tick({"/stylescope/undo": ()}, CARD, 0.0)
    assert remote.done == [("undo", 1.0), ("seek", 0.0), ("seek", 2.5), ("undo", 1.0)]


def test_undo_takes_back_what_came_before_it_in_the_same_frame(remote: Remote) -> None:
    store = remote._store
    remote._acts["undo"] = lambda _: store.undo()
    remote.tick({"/stylescope/noise/strength": (2.0,)}, CARD, 0.0)
    remote.tick({}, CARD, REST_S)
    psi, scale = "/stylescope/truncation/psi", "/stylescope/transform/scale"
    remote.tick({psi: (0.1,), "/stylescope/undo": (1.0,), scale: (3.0,)}, CARD, 1.0)
    store.settle()
    assert store.scene == edits.set_scale(edits.set_noise_strength(Scene(), 2.0), 3.0)
    assert store.done == ("OSC", "OSC") and store.undone == ()


def test_addresses_that_are_none_are_told_once_and_not_without_end(remote: Remote) -> None:
    for _ in range(3):
        remote.tick({f"/stylescope/model/path{number}": (1.0,) for number in range(2 * MOST_TOLD)}, CARD, 0.0)
    told = [text for text, _ in remote.done]
    assert len(told) == MOST_TOLD and len(set(told)) == MOST_TOLD
    assert remote._store.scene == Scene()


def test_the_table_of_addresses_is_the_one_in_the_documentation() -> None:
    assert address_table() in DOCS.read_text(), "write visualizer.signals.remote.address_table() into docs/osc.md"
