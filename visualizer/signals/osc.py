"""OSC in: numbers that come by UDP, on a thread of their own; the newest of each address wins.

Messages are data: a number moves a parameter or is a signal, and nothing in a message can name a file. What is no
number is counted and dropped. Times in bundles are not kept: everything counts at once. Bundles are taken
apart here, for python-osc's own reader goes round for ever in one with a negative size.
"""

import math
import socket
import threading
from collections.abc import Iterator

from pythonosc.osc_message import OscMessage

from visualizer.signals.model import OscSettings

COMMANDS = "/stylescope/"  # addresses that change the Scene itself; all others are controls to learn
MOST_WAITING = 1024  # addresses between two looks; a flood of different ones goes no further
MOST_NUMBERS = 16  # of one message
MOST = 1e10  # no control sends more
LONGEST = 255  # characters of an address
RETRY_S = 2.0
POLL_S = 0.2  # how soon the thread ends when it is told to
LARGEST_PACKET = 65536
BUNDLE = b"#bundle\0"
NUMBERS = set(b"ifdhTF")  # the types that are numbers; T and F are what buttons send


class OscInput:
    """Listens to one UDP port. All methods belong to the UI thread, and none but `close` waits."""

    def __init__(self) -> None:
        self.error = ""  # why nothing can be heard, in a sentence
        self._settings = OscSettings()
        self._server: _Server | None = None
        self._tried_s = -math.inf

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port where it listens; None where it does not, or not yet."""
        return None if self._server is None else self._server.address

    @property
    def refused(self) -> int:
        """How many messages held something else than numbers."""
        return 0 if self._server is None else self._server.refused

    def listen(self, settings: OscSettings, now_s: float) -> None:
        """Listen where the settings say, from now on; once a frame. A port that is taken is tried again."""
        server = self._server
        changed, self._settings = settings != self._settings, settings
        if server is not None and (changed or not settings.enabled):
            server.closing.set()
        if not settings.enabled:
            self._server, self.error = None, ""
        elif server is None or changed or (server.error and now_s - self._tried_s >= RETRY_S):
            self._server, self._tried_s = _Server(settings.host, settings.port, server), now_s
        elif server.error or server.address:
            self.error = server.error

    def take(self) -> dict[str, tuple[float, ...]]:
        """The numbers that came since the last call: the newest of each address, in the order in which they came."""
        return {} if self._server is None else self._server.take()

    def close(self) -> None:
        """Listen no more, and wait for the thread to end."""
        server = self._server
        self.listen(OscSettings(), 0.0)
        if server is not None:
            server.thread.join(5 * POLL_S)


class _Server:
    """One socket and its thread, which opens it: a host's name may take long to look up."""

    def __init__(self, host: str, port: int, before: "_Server | None"):
        self.error = ""
        self.refused = 0
        self.address: tuple[str, int] | None = None
        self.closing = threading.Event()
        self._newest: dict[str, tuple[float, ...]] = {}
        self._lock = threading.Lock()
        self.thread = threading.Thread(target=self._run, args=(host, port, before), name="osc", daemon=True)
        self.thread.start()

    def take(self) -> dict[str, tuple[float, ...]]:
        with self._lock:
            newest, self._newest = self._newest, {}
        return newest

    def _run(self, host: str, port: int, before: "_Server | None") -> None:
        if before is not None:
            before.thread.join()  # it may still have the port
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
                server.bind((host, port))
                server.settimeout(POLL_S)
                self.address = server.getsockname()[:2]
                while not self.closing.is_set():
                    self._receive(server)
        except (OSError, UnicodeError) as error:  # UnicodeError: what can be no host's name
            words = getattr(error, "strerror", None) or str(error)
            self.error = f"OSC cannot be heard at {host}:{port} ({words}): choose another port or address."

    def _receive(self, server: socket.socket) -> None:
        try:
            packet = server.recv(LARGEST_PACKET)
        except (TimeoutError, ConnectionResetError):  # the latter is Windows telling of an answer that nobody took
            return
        for part in _parts(packet):
            found = _read(part)
            if found is None:
                self.refused += 1
                continue
            address, numbers = found
            with self._lock:
                self._newest.pop(address, None)  # they are kept in the order in which they came
                if len(self._newest) < MOST_WAITING:
                    self._newest[address] = numbers


def _parts(packet: bytes) -> Iterator[bytes]:
    """The messages in a packet, out of all bundles within bundles, in order; up to where it is broken."""
    waiting = [memoryview(packet)]
    while waiting:
        part = waiting.pop()
        if bytes(part[:8]) != BUNDLE:
            yield bytes(part)
            continue
        elements, index = [], 16  # after the mark and a time
        while index + 4 <= len(part):
            size = int.from_bytes(part[index : index + 4], "big")
            index += 4 + size
            if not size or index > len(part):
                break
            elements.append(part[index - size : index])
        waiting.extend(reversed(elements))


def _read(part: bytes) -> tuple[str, tuple[float, ...]] | None:
    """A message's address and numbers; None if there is anything else in it."""
    before, comma, after = part.partition(b",")
    tags = after.partition(b"\0")[0]
    if comma and not (before.endswith(b"\0") and set(tags) <= NUMBERS):
        return None
    try:
        message = OscMessage(part)
        found = [min(max(float(value), -MOST), MOST) for value in message.params[:MOST_NUMBERS]]
    except Exception:  # noqa: BLE001 - anybody may send anything, and the library raises what comes of it
        return None
    if any(math.isnan(value) for value in found) or not _is_address(message.address):
        return None
    return message.address, tuple(found)


def _is_address(address: str) -> bool:
    return address.startswith("/") and len(address) <= LONGEST and address.isascii() and address.isprintable()
