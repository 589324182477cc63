"""Sound in: from a device through sounddevice where it is installed, or from a file, decoded by PyAV.

A file's signal is a function of the time in it alone, with or without a window, so that a rendering can have it.
"""

import itertools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from stylegan_core.errors import Cancelled, StyleScopeError
from visualizer.jobs import Job
from visualizer.signals import INSTALL
from visualizer.signals.analysis import FEATURES, HOP, RATE_HZ, SETTLED, Analyser, followed, settled
from visualizer.signals.model import MAX_SMOOTHING_S, AudioFeature, AudioSettings

NOT_INSTALLED = f"Sound from a device needs a package that is not installed: {INSTALL}."
PORTAUDIO = "Sound from a device needs PortAudio, which Debian and Ubuntu call libportaudio2: install that."
LOOK_EVERY_S = 2.0  # for a device that went away, or comes
LOOK_AT_LEAST_S = 30.0  # where it fails, less and less often
KEPT = 8192  # rows of a device that are remembered: more than the longest smoothing looks at
LONGEST_S = 4 * 3600.0  # of a file


class AudioError(StyleScopeError):
    """There is nothing to hear; the message names the device or file."""


@dataclass(frozen=True)
class Track:
    """What is heard in a sound file: rows [N, 5] of `analysis.FEATURES`, one every `hop_s`."""

    rows: NDArray[np.float32]
    hop_s: float
    duration_s: float

    def value(self, source: AudioFeature, time_s: float, gain_db: float = 0.0) -> float:
        """The signal, 0 to 1, at a time in the file; it depends on nothing else. Before and after it is silence."""
        end = math.floor(min(max(time_s, 0.0), self.duration_s + SETTLED * MAX_SMOOTHING_S) / self.hop_s) + 1
        begin = max(end - settled(self.hop_s, source), 0)
        rows = self.rows[begin:end]
        after = np.zeros((max(end - max(begin, len(self.rows)), 0), len(FEATURES)), np.float32)
        return followed(np.concatenate([rows, after]), self.hop_s, source, gain_db) if time_s >= 0 else 0.0


def read_track(path: Path, report: Callable[[float], None] = lambda share: None) -> Track:
    """Decode and analyse a sound file, or the sound of a video.

    Args:
        path: of the file.
        report: called with the share done; what it raises ends the reading.

    Raises:
        AudioError: it cannot be read or has no sound; the sentence names it.
    """
    analyser, rows, samples = Analyser(), list[NDArray[np.float32]](), 0
    try:
        # An open file, and nothing that it may refer to: a play list could name other files, or the net.
        with path.open("rb") as file, av.open(file, "r", options={"protocol_whitelist": "none"}) as container:
            if not container.streams.audio:
                raise AudioError(f"{path} has no sound: choose another file.")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
            length_s = (container.duration or 0) / av.time_base
            for frame in itertools.chain(container.decode(container.streams.audio[0]), [None]):  # None: what is left
                for part in resampler.resample(frame):
                    heard = part.to_ndarray()[0]
                    samples += len(heard)
                    rows += analyser.feed(heard)
                if samples > LONGEST_S * RATE_HZ:
                    raise AudioError(f"{path} is longer than {LONGEST_S / 3600:.0f} hours: cut it.")
                report(min(samples / RATE_HZ / length_s, 1.0) if length_s > 0 else 0.0)
    except av.FFmpegError as error:
        raise AudioError(f"{path} is no sound that can be decoded ({error.strerror}).") from error
    except (OSError, ValueError) as error:  # ValueError: a path that can be none
        raise AudioError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    if not rows:
        raise AudioError(f"{path} has no sound: choose another file.")
    return Track(np.stack(rows), analyser.hop_s, samples / RATE_HZ)


def sounddevice_backend() -> Any:
    """The module sounddevice.

    Raises:
        AudioError: it is not installed, or PortAudio is not.
    """
    try:
        import sounddevice  # optional
    except ImportError as error:
        raise AudioError(NOT_INSTALLED) from error
    except OSError as error:  # it looks for PortAudio while it is imported
        raise AudioError(PORTAUDIO) from error
    return sounddevice


class Device:
    """A device that is listened to: the rows of the last seconds."""

    def __init__(self, backend: Any, name: str):
        self._rows = np.zeros((KEPT, len(FEATURES)), np.float32)  # a ring
        self._lock = threading.Lock()
        self.count = 0  # rows that have come
        self._stream = backend.InputStream(
            device=name or None, channels=1, blocksize=HOP, dtype="float32", callback=self._hear
        )
        self._analyser = Analyser(float(self._stream.samplerate))
        self._stream.start()

    @property
    def active(self) -> bool:
        """Whether the device still sends."""
        return bool(self._stream.active)

    def close(self) -> None:
        """Listen no more."""
        self._stream.close()

    def value(self, source: AudioFeature, gain_db: float) -> float | None:
        """The signal now, 0 to 1; None before anything was heard."""
        with self._lock:
            num = min(settled(self._analyser.hop_s, source), self.count, KEPT)
            rows = self._rows[np.arange(self.count - num, self.count) % KEPT]
        return followed(rows, self._analyser.hop_s, source, gain_db) if num else None

    def _hear(self, samples: NDArray[np.float32], frames: int, when: Any, status: Any) -> None:
        """On PortAudio's thread: samples [N, 1]."""
        for row in self._analyser.feed(samples[:, 0]):
            with self._lock:
                self._rows[self.count % KEPT] = row
                self.count += 1


class AudioInput:
    """Listens to a device or reads a file. Methods belong to the UI thread, and none waits."""

    def __init__(self, backend: Callable[[], Any] = sounddevice_backend):
        self.devices: tuple[str, ...] = ()  # that there are, as of the last look
        self.track: Track | None = None
        self._backend = backend
        self._settings = AudioSettings()
        self._device: Device | None = None
        self._job: Job[Device | Track] | None = None
        self._listing: Job[tuple[str, ...]] | None = None
        self._error = self._no_devices = ""  # why nothing can be heard; why no devices can be listed
        self._try_at_s = math.inf
        self._wait_s = LOOK_EVERY_S
        self._counted = 0  # rows of the device when it was looked at last
        self._began_s = 0.0  # when the file began to be heard
        self._failed: tuple[str, int] | None = None  # the file that could not be read, and when it was changed

    @property
    def error(self) -> str:
        """Why nothing can be heard, in a sentence."""
        return self._error or (self._no_devices if self._settings.source == "device" else "")

    @property
    def progress(self) -> float | None:
        """The share of the file that has been read; None where none is being read."""
        return self._job.progress if self._job is not None and self._settings.source == "file" else None

    def listen(self, settings: AudioSettings, now_s: float) -> None:
        """Listen as the settings say; once a frame. What went away or is not there yet is tried again."""
        if settings.model_copy(update={"gain_db": self._settings.gain_db}) != self._settings:
            self._leave()
            self._try_at_s, self._wait_s = (now_s if settings.enabled else math.inf), LOOK_EVERY_S
        self._settings = settings
        if self._listing is not None and self._listing.done:
            self.devices = self._listing.result or self.devices
            self._no_devices = self._listing.error or ""
            self._listing = None
        if self._job is not None and self._job.done:
            self._collect(self._job, now_s)
        if self._job is None and now_s >= self._try_at_s:
            self._try_at_s = now_s + LOOK_EVERY_S
            if self._device is not None:
                self._check(self._device)
            elif self.track is None:
                self._job = Job("Listening to sound", lambda job: self._opened(settings, job))

    def look(self) -> None:
        """Look which devices there are; `devices` has them soon after."""
        if self._listing is None:
            self._listing = Job("Looking for sound devices", lambda job: device_names(self._backend()))

    def value(self, source: AudioFeature, now_s: float, position_s: float | None = None) -> float | None:
        """The signal, 0 to 1; None where nothing is heard.

        Args:
            source: what of it.
            now_s: the time, by which a file goes round and round.
            position_s: the time in the file, in place of that.
        """
        if self._device is not None:
            return self._device.value(source, self._settings.gain_db)
        if self.track is None:
            return None
        if position_s is None:
            position_s = (now_s - self._began_s) % self.track.duration_s
        return self.track.value(source, position_s, self._settings.gain_db)

    def close(self) -> None:
        """Listen no more."""
        self._leave()
        self._try_at_s = math.inf

    def _leave(self) -> None:
        if self._device is not None:
            device = self._device
            Job("Closing a sound device", lambda job: device.close())  # some drivers take their time
        if self._job is not None:
            self._job.cancel()
        self._device, self.track, self._error, self._failed = None, None, "", None

    def _opened(self, settings: AudioSettings, job: "Job[Device | Track]") -> Device | Track:
        """On a Job: the device, listening, or the file, read."""
        if settings.source == "file":
            return self._read(Path(settings.file), job)
        try:
            device = Device(self._backend(), settings.device)
        except AudioError:
            raise
        except Exception as error:  # drivers raise what they like
            raise AudioError(f"{_called(settings)} cannot be listened to ({error}); it is tried again.") from error
        if job.cancelled:
            device.close()
        return device

    def _read(self, path: Path, job: "Job[Device | Track]") -> Track:
        def report(share: float) -> None:
            if job.cancelled:
                raise Cancelled
            job.report(share)

        if not path.name:
            raise AudioError("There is no sound file: choose one.")
        stamp = (str(path), _changed_ns(path))
        if stamp == self._failed:
            raise AudioError(self._error)  # it is as it was
        self._failed = stamp
        track = read_track(path, report)
        self._failed = None
        return track

    def _collect(self, job: "Job[Device | Track]", now_s: float) -> None:
        """A Job has ended."""
        self._job = None
        if job.cancelled:
            self._failed = None
            return
        self._error = job.error or ""
        if self._error:
            self._try_at_s = now_s + self._wait_s
            self._wait_s = min(2 * self._wait_s, LOOK_AT_LEAST_S)
        if isinstance(job.result, Device):
            self._device, self._counted, self._wait_s = job.result, -1, LOOK_EVERY_S
        elif job.result is not None:
            self.track, self._began_s = job.result, now_s

    def _check(self, device: Device) -> None:
        """Drop a device that sends nothing any more, so that it is opened anew."""
        if device.active and device.count != self._counted:
            self._counted = device.count
            return
        self._leave()
        self._error = f"{_called(self._settings)} is gone; it is tried again."


def device_names(backend: Any) -> tuple[str, ...]:
    """The devices that have an input, each once.

    Raises:
        AudioError: there is no way to know.
    """
    try:
        found = [device["name"] for device in backend.query_devices() if device["max_input_channels"] > 0]
    except Exception as error:  # drivers raise what they like
        raise AudioError(f"The sound devices cannot be listed ({error}).") from error
    return tuple(dict.fromkeys(found))


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):  # ValueError: a path that can be none
        return 0


def _called(settings: AudioSettings) -> str:
    return f"The sound device '{settings.device}'" if settings.device else "The system's sound device"
