"""Sound in: bands of tones, onsets of clicks, files at any time, devices that come and go."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stylegan_core.errors import Cancelled
from visualizer.signals.analysis import FEATURES, HOP, RATE_HZ, Analyser, followed
from visualizer.signals.audio import LOOK_EVERY_S, NOT_INSTALLED, PORTAUDIO, AudioError, AudioInput, Track, read_track
from visualizer.signals.model import AudioFeature, AudioSettings

QUICK = {"attack_s": 0.0, "release_s": 0.0}


def tone(hz: float, seconds: float = 1.0, amplitude: float = 1.0, rate: int = RATE_HZ) -> NDArray[np.float32]:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def clicks(times_s: list[float], seconds: float, rate: int = RATE_HZ) -> NDArray[np.float32]:
    samples = np.zeros(int(seconds * rate), np.float32)
    noise = np.random.default_rng(0).normal(scale=0.3, size=200)
    for time_s in times_s:
        samples[int(time_s * rate) : int(time_s * rate) + 200] += noise
    return samples.clip(-1, 1)


def heard(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack(Analyser().feed(samples))


def write_sound(path: Path, samples: NDArray[np.float32], rate: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


# -- what is heard in samples ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hz", "band"), [(60, "low"), (150, "low"), (400, "mid"), (1500, "mid"), (3000, "high"), (9000, "high")]
)
def test_a_tone_is_in_its_band_alone(hz: float, band: str) -> None:
    row = heard(tone(hz, amplitude=0.5))[-1]
    found = dict(zip(FEATURES, row, strict=True))
    effective = 0.5 / np.sqrt(2)
    assert found[band] == pytest.approx(effective, rel=0.03)
    assert all(found[other] < effective / 20 for other in ("low", "mid", "high") if other != band)  # -26 dB


def test_the_level_is_the_effective_amplitude_in_db_over_the_floor() -> None:
    for db in (0.0, -12.0, -24.0, -60.0):
        rows = heard(tone(1000, amplitude=np.sqrt(2) * 10 ** (db / 20)))
        source = AudioFeature(feature="level", floor_db=-48.0, **QUICK)
        assert followed(rows, HOP / RATE_HZ, source) == pytest.approx(max(1 + db / 48, 0), abs=0.01)
        assert followed(rows, HOP / RATE_HZ, source, gain_db=12.0) == pytest.approx(
            min(max(1 + (db + 12) / 48, 0), 1), abs=0.01
        )


def test_clicks_are_onsets_each_once_and_on_time() -> None:
    times_s = [0.3, 0.55, 0.8, 1.4, 1.5, 2.2]
    rng = np.random.default_rng(1)
    quiet = 0.005 * rng.normal(size=int(2.5 * RATE_HZ)).astype(np.float32)
    for beside in (0, quiet, quiet + tone(220, 2.5, 0.1)):
        rows = heard(clicks(times_s, 2.5) + beside)
        found = np.flatnonzero(rows[:, FEATURES.index("onset")]) * HOP / RATE_HZ
        found = found[found > 0.1]  # a sound that begins is an onset too
        assert found == pytest.approx(times_s, abs=2 * HOP / RATE_HZ)


def test_a_steady_tone_and_steady_noise_have_no_onsets() -> None:
    noise = (0.1 * np.random.default_rng(2).normal(size=4 * RATE_HZ)).astype(np.float32)
    for samples in (tone(330, 4.0, 0.5), noise):
        assert heard(samples)[20:, FEATURES.index("onset")].sum() == 0


@given(cuts=st.lists(st.integers(0, 6000), max_size=6))
def test_it_does_not_matter_in_which_blocks_samples_arrive(cuts: list[int]) -> None:
    samples = clicks([0.02, 0.08], 6000 / RATE_HZ)
    analyser = Analyser()
    rows = [row for block in np.split(samples, sorted(cuts)) for row in analyser.feed(block)]
    np.testing.assert_array_equal(np.stack(rows), heard(samples))


def test_what_is_not_finite_is_silence() -> None:
    rows = heard(np.full(4 * HOP, np.nan, np.float32))
    assert np.all(rows == 0)


def test_attack_and_release_are_time_constants() -> None:
    hop_s = 0.001
    rows = np.zeros((3000, len(FEATURES)), np.float32)
    rows[1000:2000, 0] = 1.0
    source = AudioFeature(attack_s=0.1, release_s=0.3)
    after = {at_s: followed(rows[: round(at_s / hop_s)], hop_s, source) for at_s in (1.0, 1.1, 2.0, 2.3)}
    assert after[1.0] == 0 and after[1.1] == pytest.approx(1 - np.exp(-1), abs=0.01)
    assert after[2.0] == pytest.approx(1, abs=1e-3) and after[2.3] == pytest.approx(np.exp(-1), abs=0.01)


def test_an_onset_jumps_up_whatever_the_attack_and_falls() -> None:
    rows = np.zeros((500, len(FEATURES)), np.float32)
    rows[99, FEATURES.index("onset")] = 1.0
    source = AudioFeature(feature="onset", attack_s=2.0, release_s=0.1)
    assert followed(rows[:100], 0.001, source) == 1.0
    assert followed(rows[:200], 0.001, source) == pytest.approx(np.exp(-1), abs=0.01)


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of 100 Hz, a second of silence, a click at 2.5 s, and silence up to 3 s; not at our own rate."""
    rate = 44100
    samples = np.concatenate([tone(100, 1.0, 0.5, rate), np.zeros(rate), clicks([0.5], 1.0, rate)])
    return write_sound(tmp_path_factory.mktemp("sound") / "sound.wav", samples.astype(np.float32), rate)


@pytest.fixture(scope="module")
def track(file: Path) -> Track:
    return read_track(file)


def test_a_file_is_heard_at_any_time_in_any_order(track: Track) -> None:
    assert track.duration_s == pytest.approx(3.0, abs=0.001)
    low, high = (AudioFeature(feature=feature, **QUICK) for feature in ("low", "high"))
    assert [round(track.value(low, at_s), 1) for at_s in (1.9, 0.5)] == [0.0, 0.8]
    assert track.value(high, 0.5) == 0
    onset = AudioFeature(feature="onset", release_s=0.1)
    assert [track.value(onset, at_s) > 0.5 for at_s in (2.4, 2.52, 2.9)] == [False, True, False]


def test_a_moment_depends_on_nothing_but_the_time(track: Track) -> None:
    source = AudioFeature(release_s=0.5)
    times_s = [0.1, 1.05, 2.51, 2.99]
    before = [track.value(source, at_s) for at_s in times_s]
    assert before == [track.value(source, at_s) for at_s in reversed(times_s)][::-1]
    near = Track(track.rows[:100], track.hop_s, track.duration_s)
    assert near.value(source, 1.0) == track.value(source, 1.0)


def test_before_and_after_the_file_is_silence(track: Track) -> None:
    source = AudioFeature(release_s=0.1)
    assert track.value(source, -1.0) == 0
    assert 0 < track.value(AudioFeature(feature="onset", release_s=1.0), 3.2) < 1
    assert track.value(source, 1e9) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nothing.wav", None, "No such file"),
        ("text.wav", b"no sound at all", "decoded"),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\nfile://HERE\n#EXT-X-ENDLIST\n", "decoded"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile 'beside.wav'\n", "decoded"),
    ],
)
def test_what_is_no_sound_is_told_and_no_file_names_another(
    tmp_path: Path, file: Path, name: str, content: bytes | None, words: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.replace(b"HERE", str(file).encode()))
        (tmp_path / "beside.wav").write_bytes(file.read_bytes())
    with pytest.raises(AudioError, match=words) as caught:
        read_track(path)
    assert str(path) in str(caught.value)


def test_a_video_without_sound_is_told(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "mute.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(AudioError, match="no sound"):
        read_track(tmp_path / "mute.mp4")


def test_reading_reports_and_can_be_given_up(file: Path) -> None:
    shares: list[float] = []
    read_track(file, shares.append)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)

    def give_up(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        read_track(file, give_up)


# -- the input ---------------------------------------------------------------------------------------------------------


class FakeSound:
    """What is used of sounddevice."""

    def __init__(self) -> None:
        self.streams: list[FakeStream] = []
        self.broken = False

    def InputStream(self, **wanted: Any) -> "FakeStream":
        if self.broken:
            raise RuntimeError("device unavailable")
        self.streams.append(FakeStream(**wanted))
        return self.streams[-1]

    def query_devices(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "max_input_channels": n} for name, n in (("Mic", 2), ("Speaker", 0), ("Mic", 1), ("In", 8))
        ]


class FakeStream:
    def __init__(self, device: str | None, callback: Callable[..., None], **_: Any):
        self.device, self.callback, self.samplerate = device, callback, 44100.0
        self.active = False

    def start(self) -> None:
        self.active = True

    def close(self) -> None:
        self.active = False

    def send(self, samples: NDArray[np.float32]) -> None:
        self.callback(samples[:, None], len(samples), SimpleNamespace(), None)


def listened(audio: AudioInput, settings: AudioSettings, now_s: float) -> None:
    """Listen, and wait until what that began has ended."""
    rest = threading.Event()
    audio.listen(settings, now_s)
    for _ in range(10_000):
        if audio._job is None and audio._listing is None:
            return
        rest.wait(0.001)
        audio.listen(settings, now_s)
    raise AssertionError("it never ends")


MIC = AudioSettings(enabled=True, device="Mic")


def test_a_device_is_heard() -> None:
    sound = FakeSound()
    audio = AudioInput(lambda: sound)
    assert audio.value(AudioFeature(), 0.0) is None
    listened(audio, MIC, 0.0)
    assert sound.streams[0].device == "Mic" and audio.value(AudioFeature(), 0.0) is None
    sound.streams[0].send(tone(100, 0.5, 0.5, 44100))
    assert audio.value(AudioFeature(feature="low", **QUICK), 0.0) == pytest.approx(0.8, abs=0.05)
    assert audio.value(AudioFeature(feature="high", **QUICK), 0.0) == 0
    listened(audio, MIC.model_copy(update={"gain_db": 9.0}), 0.0)
    assert audio.value(AudioFeature(feature="low", **QUICK), 0.0) == pytest.approx(1, abs=0.05)
    assert len(sound.streams) == 1  # the gain is no reason to open it anew
    audio.close()
    assert audio.value(AudioFeature(), 0.0) is None


def test_a_long_time_of_sound_takes_no_more_memory() -> None:
    sound = FakeSound()
    audio = AudioInput(lambda: sound)
    listened(audio, MIC, 0.0)
    for _ in range(20):
        sound.streams[0].send(tone(100, 5.0, 0.5, 44100))
    sound.streams[0].send(np.zeros(44100, np.float32))
    assert audio._device is not None and audio._device.count > len(audio._device._rows)
    assert audio.value(AudioFeature(release_s=0.1), 0.0) == pytest.approx(0, abs=0.01)


def test_a_device_that_goes_away_is_told_and_opened_again() -> None:
    sound = FakeSound()
    audio = AudioInput(lambda: sound)
    listened(audio, MIC, 0.0)
    for at in (1, 2, 3):
        sound.streams[0].send(tone(100, 0.1, 0.5, 44100))
        listened(audio, MIC, at * LOOK_EVERY_S)
        assert not audio.error
    listened(audio, MIC, 4 * LOOK_EVERY_S)  # nothing has come
    assert "'Mic' is gone" in audio.error and audio.value(AudioFeature(), 0.0) is None
    sound.broken = True
    listened(audio, MIC, 5 * LOOK_EVERY_S)
    assert "device unavailable" in audio.error
    sound.broken = False
    listened(audio, MIC, 6 * LOOK_EVERY_S)
    assert not audio.error and len(sound.streams) == 2


@pytest.mark.parametrize("sentence", [NOT_INSTALLED, PORTAUDIO])
def test_what_is_not_installed_is_told(sentence: str) -> None:
    def backend() -> FakeSound:
        raise AudioError(sentence)

    audio = AudioInput(backend)
    listened(audio, MIC, 0.0)
    assert audio.error == sentence
    listened(audio, AudioSettings(), 0.0)
    assert not audio.error


def test_sounddevice_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # as good as not installed
    audio = AudioInput()
    listened(audio, MIC, 0.0)
    assert audio.error == NOT_INSTALLED


def test_devices_are_listed_though_nothing_is_listened_to() -> None:
    audio = AudioInput(FakeSound)
    audio.look()
    listened(audio, AudioSettings(), 0.0)
    assert audio.devices == ("Mic", "In")


def test_that_no_devices_can_be_listed_matters_only_where_one_is_wanted() -> None:
    def backend() -> FakeSound:
        raise AudioError(PORTAUDIO)

    audio = AudioInput(backend)
    audio.look()
    listened(audio, AudioSettings(source="file"), 0.0)
    assert audio.error == ""
    listened(audio, AudioSettings(), 0.0)
    assert audio.error == PORTAUDIO


def test_a_file_goes_round_from_when_it_was_read_or_along_with_a_walk(file: Path, track: Track) -> None:
    audio = AudioInput(FakeSound)
    listened(audio, AudioSettings(enabled=True, source="file", file=str(file)), 100.0)
    source = AudioFeature(feature="low")
    assert audio.value(source, 100.5) == track.value(source, 0.5)
    assert audio.value(source, 103.5) == pytest.approx(track.value(source, 0.5), abs=0.01)
    assert audio.value(source, 100.5, position_s=1.9) == track.value(source, 1.9)


def test_a_file_that_is_not_there_yet_is_read_when_it_comes(tmp_path: Path, file: Path) -> None:
    audio, path = AudioInput(FakeSound), tmp_path / "later.wav"
    settings = AudioSettings(enabled=True, source="file", file=str(path))
    listened(audio, settings, 0.0)
    assert str(path) in audio.error and audio.track is None
    listened(audio, settings, LOOK_EVERY_S)
    assert str(path) in audio.error
    path.write_bytes(file.read_bytes())
    listened(audio, settings, 2 * LOOK_EVERY_S)  # it is not time yet: it is looked for less and less often
    assert audio.track is None
    listened(audio, settings, 3 * LOOK_EVERY_S)
    assert audio.track is not None and not audio.error


def test_no_file_is_told() -> None:
    audio = AudioInput(FakeSound)
    listened(audio, AudioSettings(enabled=True, source="file"), 0.0)
    assert "choose one" in audio.error
