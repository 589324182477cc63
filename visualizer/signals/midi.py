"""MIDI in, through mido where it is installed: the newest value of every control, 0 to 1."""

import math
import threading
from collections.abc import Callable
from typing import Any, Literal, Protocol

from stylegan_core.errors import StyleScopeError
from visualizer.jobs import Job
from visualizer.signals import INSTALL
from visualizer.signals.model import MidiSettings

MidiKey = tuple[Literal["cc", "pitch", "note"], int | None, int]  # control, channel (None: any), number
NOT_INSTALLED = f"MIDI needs two packages that are not installed: {INSTALL}."
LOOK_EVERY_S = 2.0  # for devices that come and go
LOOK_AT_LEAST_S = 30.0  # where it fails, less and less often: some drivers write to the terminal each time


class Backend(Protocol):
    """What is used of the module mido; tests put a fake in its place."""

    def get_input_names(self) -> list[str]:
        """The inputs that there are now."""

    def open_input(self, name: str, *, callback: Any) -> Any:
        """Open one; the callback is called with each message, on a thread of the library."""


def mido_backend() -> Backend:
    """Mido with its backend.

    Raises:
        ImportError: it is not installed, or python-rtmidi is not.
    """
    import mido  # optional

    mido.backend.load()
    return mido


class MidiInput:
    """Listens to one MIDI input, or to all. Methods belong to the UI thread, and none but `close` waits."""

    def __init__(self, backend: Callable[[], Backend] = mido_backend):
        self.error = ""  # why nothing can be heard, in a sentence
        self.ports: tuple[str, ...] = ()  # inputs that there are, as of the last look
        self._backend = backend
        self._settings = MidiSettings()
        self._open: dict[str, Any] = {}  # while a Job looks, it has them
        self._newest: dict[MidiKey, float] = {}
        self._lock = threading.Lock()
        self._job: Job[None] | None = None
        self._look_at_s = math.inf
        self._wait_s = LOOK_EVERY_S

    def listen(self, settings: MidiSettings, now_s: float) -> None:
        """Listen as the settings say; once a frame. A device that comes later is found, also one that went away."""
        if settings != self._settings:
            self._settings, self._look_at_s, self._wait_s = settings, now_s, LOOK_EVERY_S
        if self._job is not None and self._job.done:
            self.error = self._job.error or "" if settings.enabled else ""
            self._job = None
            if settings.enabled:
                self._look_at_s = min(self._look_at_s, now_s + self._wait_s)
                self._wait_s = min(2 * self._wait_s, LOOK_AT_LEAST_S) if self.error else LOOK_EVERY_S
        if self._job is None and now_s >= self._look_at_s:
            self._look_at_s = math.inf
            self._job = Job("Looking for MIDI", lambda job: self._look(settings))

    def look(self) -> None:
        """Look which inputs there are, though nothing may be listened to; `ports` has them soon after."""
        self._look_at_s = -math.inf

    def take(self) -> dict[MidiKey, float]:
        """The values that came since the last call, the newest of each control."""
        with self._lock:
            newest, self._newest = self._newest, {}
        return newest

    def close(self) -> None:
        """Listen no more."""
        if self._job is not None:
            self._job.wait(LOOK_EVERY_S)
        for port in self._open.values():
            port.close()
        self._open = {}

    def _look(self, settings: MidiSettings) -> None:
        """On a Job: open what is wanted and there, close the rest."""
        try:
            backend = self._backend()
            self.ports = tuple(dict.fromkeys(backend.get_input_names()))
            wanted = [name for name in self.ports if settings.enabled and settings.port in ("", name)]
            for name in self._open.keys() - set(wanted):
                self._open.pop(name).close()
            for name in wanted:
                if name not in self._open:
                    self._open[name] = backend.open_input(name, callback=self._hear)
        except ImportError as error:
            raise StyleScopeError(NOT_INSTALLED) from error
        except Exception as error:  # drivers raise what they like
            raise StyleScopeError(f"MIDI cannot be heard ({error}); it is tried again.") from error
        if settings.enabled and not wanted:
            what = f"The MIDI input '{settings.port}' is not there" if settings.port else "There is no MIDI input"
            raise StyleScopeError(f"{what}: plug it in, and it will be found.")

    def _hear(self, message: Any) -> None:
        """On a thread of the library."""
        found = midi_value(message)
        if found is not None:
            with self._lock:
                self._newest[found[0]] = found[1]


def midi_value(message: Any) -> tuple[MidiKey, float] | None:
    """The control and value, 0 to 1, of a mido.Message; None for one that is neither controller, wheel nor key."""
    match message.type:
        case "control_change":
            return ("cc", message.channel, message.control), message.value / 127
        case "pitchwheel":
            return ("pitch", message.channel, 0), (message.pitch + 8192) / 16383
        case "note_on":
            return ("note", message.channel, message.note), message.velocity / 127
        case "note_off":
            return ("note", message.channel, message.note), 0.0
    return None
