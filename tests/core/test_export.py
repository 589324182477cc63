"""Walks become files of every format: the right pictures, counts, durations and sizes, read back with real decoders."""

import re
import threading
import wave
from concurrent.futures import Future
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from stylegan_core.develop import develop
from stylegan_core.export import (
    Export,
    ExportError,
    ExportSettings,
    available_formats,
    export_settings,
    read_video_walk,
    rendered,
    require_encoder,
    sidecar,
    suffix_format,
)
from stylegan_core.export import formats as formats_module
from stylegan_core.export.framing import Blend, framed, target_shape
from stylegan_core.export.metadata import LIMIT, walk_text
from stylegan_core.export.run import WAITING, shutter_times
from stylegan_core.models import ModelStore
from stylegan_core.picture import read_scene
from stylegan_core.render import Renderer
from stylegan_core.scene import MAX_POINTS, Latent, ModelRef, Noise, Scene, Stroke, Truncation, only_picture
from stylegan_core.walk import Clip as WalkClip
from stylegan_core.walk import Key, Sample, Take, Walk, WalkError, frame_times, scene_at

MODEL = Path(__file__).resolve().parents[2] / "tests" / "golden" / "faces32.safetensors"
FPS = 10
WALK = Walk(
    name="étude",
    duration_s=1.2,
    keys=(
        Key(time_s=0, scene=Scene(truncation=Truncation(psi=0)), ease="linear"),
        Key(time_s=1.2, scene=Scene(truncation=Truncation(psi=1)), ease="linear"),
    ),
)
FRAMES = 12
SIZE = 48


def drawn(scene: Scene, height: int = SIZE, width: int = SIZE, channels: int = 3) -> np.ndarray:
    """A picture that follows from psi: smooth, so that codecs keep it, and different in every frame."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    psi = scene.truncation.psi
    planes = [x * 0.6 + psi * 0.4, y * 0.6 + psi * 0.2, 0.9 - psi * 0.8 + 0 * x, np.where(x < 0.5, 1.0, 0.25)]
    picture = np.stack(planes if channels == 4 else planes[:channels], axis=2)
    return (picture * 255 + 0.5).astype(np.uint8)


def export(path: Path, walk: Walk = WALK, render: object = drawn, overwrite: bool = False, **values: object) -> Export:
    made = Export(walk, export_settings({"fps": FPS, **values}), path, render, overwrite).start()
    assert made.wait(30)
    return made


def exported(
    path: Path, walk: Walk = WALK, render: object = drawn, overwrite: bool = False, **values: object
) -> Export:
    made = export(path, walk, render, overwrite, **values)
    assert (made.state, made.error) == ("done", None)
    assert (made.progress, made.seconds_left, made.ended) == (1.0, None, True)
    return made


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def pictures(walk: Walk = WALK, fps: float = FPS) -> list[np.ndarray]:
    return [drawn(scene_at(walk, time_s)) for time_s in frame_times(walk, fps)]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


VIDEOS = [("mp4", "h264"), ("mp4", "hevc"), ("mp4", "av1"), ("webm", "vp9"), ("webm", "av1")]


@pytest.mark.parametrize(("name", "codec"), VIDEOS)
def test_a_video_has_all_frames_at_their_times(tmp_path: Path, name: str, codec: str) -> None:
    path = tmp_path / f"walk.{name}"
    made = exported(path, format=name, codec=codec)
    assert made.num_frames == made.frames_done == FRAMES
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert (stream.width, stream.height) == (288, 288)  # 48 px six times: at least 256
        assert stream.average_rate == FPS
        times = [float(frame.time) for frame in file.decode(stream)]
        assert file.duration == pytest.approx(1.2 * av.time_base, abs=2000)
    assert times == pytest.approx(frame_times(WALK, FPS), abs=1e-3)
    for seen, wanted in zip(decoded(path), pictures(), strict=True):
        difference = np.abs(seen[3::6, 3::6].astype(int) - wanted)
        assert difference.mean() < 3  # colours too: RGB to YUV and back
    assert read_video_walk(path) == WALK
    assert names(tmp_path) == {path.name}


def test_a_gif(tmp_path: Path) -> None:
    path = tmp_path / "walk.gif"
    exported(path, format="gif")
    with Image.open(path) as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (FRAMES, (SIZE, SIZE), 0)
        for index, wanted in enumerate(pictures()):
            image.seek(index)
            assert image.info["duration"] == 100
            difference = np.asarray(image.convert("RGB")).astype(int) - wanted
            assert np.abs(difference).mean() < 6 and np.abs(difference.mean((0, 1))).max() < 2  # dithered
    assert names(tmp_path) == {"walk.gif", "walk.gif.walk.json"}
    assert read_video_walk(path) == WALK


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_lossless_webp_keeps_pictures_as_they_are(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "walk.webp"
    exported(path, render=lambda scene: drawn(scene, 20, 30, channels), format="webp", quality=100)
    with Image.open(path) as image:
        assert (image.n_frames, image.size) == (FRAMES, (30, 20))
        total = 0
        for index, time_s in enumerate(frame_times(WALK, FPS)):
            image.seek(index)
            image.load()
            total += image.info["duration"]
            wanted = drawn(scene_at(WALK, time_s), 20, 30, channels)
            mode = "RGBA" if channels == 4 else "RGB"
            assert np.array_equal(
                np.asarray(image.convert(mode)), wanted.repeat(3, axis=2) if channels == 1 else wanted
            )
    assert total == 1200
    assert read_video_walk(path) == WALK


def test_a_lossy_webp_is_smaller(tmp_path: Path) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    for quality in (100, 50):
        exported(tmp_path / f"{quality}.webp", render=lambda scene: noise, format="webp", quality=quality)
    assert (tmp_path / "50.webp").stat().st_size < (tmp_path / "100.webp").stat().st_size


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_png_sequence_is_the_pictures_and_their_scenes(tmp_path: Path, channels: int) -> None:
    exported(tmp_path / "out", render=lambda scene: drawn(scene, 20, 30, channels), format="png")
    times = frame_times(WALK, FPS)
    assert names(tmp_path / "out") == {f"{k:06d}.png" for k in range(FRAMES)} | {"walk.json", "export.json"}
    for index, time_s in enumerate(times):
        path = tmp_path / "out" / f"{index:06d}.png"
        scene = scene_at(WALK, time_s)
        assert read_scene(path) == scene
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image).reshape(20, 30, channels), drawn(scene, 20, 30, channels))
    assert read_video_walk(tmp_path / "out") == WALK


@pytest.mark.parametrize(("format_", "bits"), [("png", 8), ("png16", 16)])
def test_a_frame_is_what_is_rendered_of_the_scene_at_its_time(tmp_path: Path, format_: str, bits: int) -> None:
    first = Scene(model=ModelRef(path=str(MODEL)), latent=Latent(seed=3), noise=Noise(mode="random"))
    last = first.model_copy(update={"latent": Latent(seed=8, x=0.5), "truncation": Truncation(psi=1.0)})
    walk = Walk(duration_s=1, keys=(Key(time_s=0, scene=first), Key(time_s=0.9, scene=last)), loop=True)
    models = ModelStore()
    renderer, fresh = Renderer(models), Renderer(models, cache_bytes=0)
    exported(tmp_path, walk, lambda scene: rendered(renderer, scene, bits), format=format_)
    for index, time_s in enumerate(frame_times(walk, FPS)):
        scene = only_picture(scene_at(walk, time_s))
        path = tmp_path / f"{index:06d}.png"
        with av.open(str(path)) as file:
            (frame,) = file.decode(video=0)
            assert frame.format.name == ("rgb24" if bits == 8 else "rgb48be")
            pixels = frame.to_ndarray()
        image = fresh.image(scene)
        assert np.array_equal(pixels, develop(image, bits=bits).numpy())
        assert (
            np.abs(pixels / (2**bits - 1) * 2 - 1 - image.clamp(-1, 1).permute(1, 2, 0).numpy()).max() < 1.02 / 2**bits
        )
        assert read_scene(path) == scene


@pytest.mark.parametrize("channels", [1, 4])
def test_16_bits_of_one_and_of_four_channels(tmp_path: Path, channels: int) -> None:
    values = np.random.RandomState(0).randint(0, 65536, (10, 14, channels)).astype(np.uint16)
    exported(tmp_path, render=lambda scene: values, format="png16")
    with av.open(str(tmp_path / "000004.png")) as file:
        pixels = next(file.decode(video=0)).to_ndarray()
    assert np.array_equal(pixels.reshape(values.shape), values)


def test_a_sheet_shows_the_walk_in_columns(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    exported(path, format="sheet", pictures=5, columns=2, width=64)
    with Image.open(path) as image:
        pixels = np.asarray(image)
    gap, line = 6, 18  # of a font of 12 px
    assert pixels.shape == (3 * (64 + line + gap) + gap, 2 * (64 + gap) + gap, 3)
    for index in range(5):
        row, column = divmod(index, 2)
        top, left = gap + row * (64 + line + gap), gap + column * (64 + gap)
        wanted = framed(drawn(scene_at(WALK, 1.2 * index / 4)), (64, 64, 3), ExportSettings(width=64))
        assert np.array_equal(pixels[top : top + 64, left : left + 64], wanted)
        label = pixels[top + 64 : top + 64 + line, left : left + 64]
        assert label.max() > 200  # words
    assert read_video_walk(path) == WALK


def test_what_makes_too_large_a_sheet_is_said(tmp_path: Path) -> None:
    made = export(tmp_path / "sheet.png", format="sheet", width=8192, height=16, columns=8)
    assert made.state == "failed"
    assert re.search(r"sheet\.png would have \d+ x \d+ px, which is too large; choose fewer or smaller", made.error)


# -- pictures into frames ----------------------------------------------------------------------------------------------

WHITE = np.full((40, 60, 3), 255, np.uint8)


@pytest.mark.parametrize(
    ("fit", "width", "height", "covered"),
    [
        ("letterbox", 120, 120, (20, 0, 80, 120)),
        ("letterbox", 30, 100, (40, 0, 20, 30)),
        ("pad", 120, 120, (40, 30, 40, 60)),
        ("pad", 30, 30, (5, 0, 20, 30)),
        ("crop", 120, 120, (0, 0, 120, 120)),
        ("stretch", 120, 30, (0, 0, 30, 120)),
    ],
)
def test_where_a_picture_lies_in_its_frame(fit: str, width: int, height: int, covered: tuple[int, ...]) -> None:
    settings = export_settings({"fit": fit, "width": width, "height": height, "background": (9, 8, 7)})
    frame = framed(WHITE, target_shape(WHITE.shape, settings), settings)
    top, left, high, wide = covered
    wanted = np.full((height, width, 3), (9, 8, 7), np.uint8)
    wanted[top : top + high, left : left + wide] = 255
    assert np.array_equal(frame, wanted)


def test_a_crop_keeps_the_middle() -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:, 20:60] = np.arange(40, dtype=np.uint8)[:, None] * 6
    settings = ExportSettings(format="png", fit="crop", width=40, height=40)
    assert np.array_equal(framed(picture, (40, 40, 3), settings), picture[:, 20:60])


@pytest.mark.parametrize(
    ("picture", "values", "shape"),
    [
        ((256, 384, 3), {}, (256, 384, 3)),
        ((255, 301, 1), {}, (510, 602, 3)),
        ((257, 301, 1), {}, (258, 302, 3)),
        ((32, 32, 4), {}, (256, 256, 3)),
        ((32, 32, 4), {"format": "gif"}, (32, 32, 4)),
        ((32, 32, 4), {"format": "gif", "alpha": False}, (32, 32, 3)),
        ((48, 32, 2), {"format": "webm"}, (384, 256, 4)),
        ((48, 32, 4), {"format": "webm", "codec": "av1"}, (384, 256, 3)),
        ((33, 31, 4), {"format": "webp"}, (33, 31, 4)),
        ((33, 31, 1), {"format": "png"}, (33, 31, 1)),
        ((33, 31, 1), {"format": "png", "width": 62}, (66, 62, 3)),
        ((100, 200, 3), {"height": 720}, (720, 1440, 3)),
        ((100, 199, 3), {"height": 720}, (720, 1434, 3)),
    ],
)
def test_the_size_of_frames(picture: tuple[int, ...], values: dict[str, object], shape: tuple[int, ...]) -> None:
    settings = export_settings(values)
    assert target_shape(picture, settings) == shape
    pixels = np.random.RandomState(0).randint(0, 256, picture).astype(np.uint8)
    assert framed(pixels, shape, settings).shape == shape


def test_small_videos_are_magnified_by_repeating_pixels_and_a_line_makes_a_side_even() -> None:
    picture = np.random.RandomState(0).randint(0, 256, (129, 131, 3)).astype(np.uint8)
    assert np.array_equal(framed(picture, (258, 262, 3), ExportSettings()), picture.repeat(2, 0).repeat(2, 1))
    odd = np.random.RandomState(0).randint(0, 256, (301, 300, 3)).astype(np.uint8)
    frame = framed(odd, (302, 300, 3), ExportSettings())
    assert np.array_equal(frame[:301], odd) and np.array_equal(frame[301], odd[300])


def test_alpha_is_laid_over_the_background() -> None:
    picture = np.zeros((2, 2, 4), np.uint8)
    picture[..., 0] = 200
    picture[0, :, 3], picture[1, :, 3] = 255, 51
    frame = framed(picture, (2, 2, 3), ExportSettings(format="gif", background=(0, 100, 50)))
    assert frame[:, 0].tolist() == [[200, 0, 0], [40, 80, 40]]


def test_16_bits_are_scaled_as_8_bits_are() -> None:
    picture = drawn(scene_at(WALK, 0.5), 40, 60, 4)
    settings = ExportSettings(format="png16", width=100, height=100, background=(10, 20, 30))
    large = framed(picture.astype(np.uint16) * 257, (100, 100, 4), settings)
    small = framed(picture, (100, 100, 4), settings)
    assert large.dtype == np.uint16
    assert np.array_equal(large[:10], np.broadcast_to(np.array([10, 20, 30, 255]) * 257, (10, 100, 4)))
    left = large[:, :40] / 257 - small[:, :40]  # alpha changes further to the right, which Pillow weights colours by
    assert np.abs(left).max() <= 1.5


def test_motion_blur_is_the_mean_of_light_within_the_shutter(tmp_path: Path) -> None:
    settings = ExportSettings(fps=FPS, motion_blur=2, shutter=0.5)
    assert shutter_times(1.0, settings) == pytest.approx((0.9875, 1.0125))
    assert shutter_times(1.0, ExportSettings()) == (1.0,)
    asked: list[float] = []

    def blinking(scene: Scene) -> np.ndarray:
        asked.append(scene.truncation.psi)
        return np.full((16, 16, 3), 255 * (len(asked) % 2), np.uint8)

    exported(tmp_path, render=blinking, format="png", motion_blur=2)
    assert len(asked) == 2 * FRAMES
    assert asked[2:4] == pytest.approx([0.0875 / 1.2, 0.1125 / 1.2])
    with Image.open(tmp_path / "000003.png") as image:
        assert np.unique(np.asarray(image)).tolist() == [188]  # half the light; not half the number
    assert read_scene(tmp_path / "000003.png") == scene_at(WALK, frame_times(WALK, FPS)[3])


def test_the_mean_of_equal_pictures_is_that_picture() -> None:
    for dtype in (np.uint8, np.uint16):
        picture = np.arange(256, dtype=dtype).reshape(8, 8, 4) * (np.iinfo(dtype).max // 255)
        blend = Blend()
        for _ in range(2):
            for _ in range(5):
                blend.add(picture)
            assert np.array_equal(blend.take(), picture)


# -- sound -------------------------------------------------------------------------------------------------------------


def tone(path: Path, seconds: float = 4.0, rate: int = 44100) -> Path:
    """A file whose pitch is 400 Hz in its first second, then 800 Hz, 1200 Hz, ..."""
    t = np.arange(round(seconds * rate)) / rate
    values = np.sin(2 * np.pi * 400 * (np.floor(t) + 1) * t) * 12000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(values.astype("<i2").tobytes())
    return path


def pitch(samples: np.ndarray, rate: int) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(power.argmax() * rate / len(samples))


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_sound_is_cut_to_the_part_that_is_exported(tmp_path: Path, name: str) -> None:
    walk = WALK.model_copy(
        update={"duration_s": 3.5, "first_s": 1.5, "last_s": 3.0, "sound": str(tone(tmp_path / "tone.wav"))}
    )
    path = tmp_path / f"walk.{name}"
    assert exported(path, walk, format=name).num_frames == 15
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
    rate = frames[0].sample_rate
    first_s = float(frames[0].time)
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    samples = samples[round(-first_s * rate) :] if first_s < 0 else samples
    assert abs(first_s) < 0.05
    assert len(samples) / rate == pytest.approx(1.5, abs=0.06)
    assert pitch(samples[round(0.1 * rate) : round(0.4 * rate)], rate) == pytest.approx(800, abs=10)
    assert pitch(samples[round(0.6 * rate) : round(1.4 * rate)], rate) == pytest.approx(1200, abs=10)


def test_sound_may_be_left_out_or_be_shorter(tmp_path: Path) -> None:
    walk = WALK.model_copy(update={"sound": str(tone(tmp_path / "tone.wav", 0.5))})
    exported(tmp_path / "with.mp4", walk)
    exported(tmp_path / "without.mp4", walk, sound=False)
    for name, streams in (("with", 1), ("without", 0)):
        with av.open(str(tmp_path / f"{name}.mp4")) as file:
            assert len(file.streams.audio) == streams
        assert len(decoded(tmp_path / f"{name}.mp4")) == FRAMES


def test_sound_that_is_not_there_is_said_before_anything_is_made(tmp_path: Path) -> None:
    text = tmp_path / "words.wav"
    text.write_text("no sound")
    addresses = tmp_path / "list.m3u8"
    addresses.write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.wav\n#EXT-X-ENDLIST\n")
    for path, reason in (
        (tmp_path / "none.wav", "cannot be read"),
        (text, "There is no sound in"),
        (addresses, "There is no sound in"),
    ):
        made = export(tmp_path / "walk.mp4", WALK.model_copy(update={"sound": str(path)}))
        assert made.state == "failed" and reason in made.error and str(path) in made.error
        assert "export without sound" in made.error
    assert names(tmp_path) == {"words.wav", "list.m3u8"}


# -- the walk in the file ----------------------------------------------------------------------------------------------


def test_a_walk_too_long_for_the_file_lies_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("metadata", "output"):
        monkeypatch.setattr(f"stylegan_core.export.{module}.LIMIT", 100)
    path = tmp_path / "walk.mp4"
    exported(path)
    assert names(tmp_path) == {"walk.mp4", "walk.mp4.walk.json"}
    assert read_video_walk(path) == WALK


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_a_walk_of_megabytes_fits_inside(tmp_path: Path, name: str) -> None:
    places = np.random.RandomState(0).rand(100, MAX_POINTS, 2)
    strokes = (Stroke(layer=0, points=tuple(map(tuple, line.tolist())), radius=0.1, value=1) for line in places)
    scenes = (Scene(noise=Noise(strokes=(stroke,))) for stroke in strokes)
    take = Take(samples=tuple(Sample(time_s=k / 60, scene=scene) for k, scene in enumerate(scenes)))
    walk = WALK.model_copy(update={"clips": (WalkClip(take=take),)})
    assert 1 << 20 < len(walk_text(walk)) < LIMIT
    path = tmp_path / f"walk.{name}"
    exported(path, walk, format=name, fps=2)
    assert names(tmp_path) == {path.name}
    assert read_video_walk(path) == walk


def test_files_without_a_walk_have_none(tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    Image.new("RGB", (8, 8)).save(plain)
    (tmp_path / "words.mp4").write_text("#EXTM3U\nhttp://localhost/other.mp4\n")
    (tmp_path / "empty").mkdir()
    for name in ("plain.png", "words.mp4", "empty"):
        assert read_video_walk(tmp_path / name) is None
    with pytest.raises(WalkError, match=r"none\.mp4 does not exist"):
        read_video_walk(tmp_path / "none.mp4")


def test_a_broken_walk_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "walk.gif"
    exported(path, format="gif", fps=2)
    sidecar(path).write_text('{"version": 1, "duration_s": "long"}')
    with pytest.raises(WalkError, match=r"walk\.gif\.walk\.json: field 'duration_s'"):
        read_video_walk(path)


# -- settings and formats ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fps": 0}, r"^The export cannot be made so: fps is 0: input should be greater than or equal to 0\.1\.$"),
        ({"width": 301}, r"width and height have to be even for mp4\.$"),
        ({"format": "webm", "codec": "h264"}, r"codec 'h264' does not go into webm, which has vp9 or av1\.$"),
        ({"format": "gif", "codec": "h264"}, r"which has no codec to choose\.$"),
        ({"format": "gif", "fps": 60}, r"a GIF has at most 50 frames/s, not 60; choose WebP or a video\.$"),
        ({"format": "avi"}, r"format is 'avi': input should be 'mp4', "),
        ({"colour": 1}, r"colour is 1: extra inputs are not permitted\.$"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(values: dict[str, object], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        export_settings(values)


def test_a_missing_encoder_is_said_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats_module, "has_encoder", lambda name: name not in ("libx264", "gif"))
    there = {info.format: info.codecs for info in available_formats()}
    assert there["mp4"] == ("hevc", "av1") and "gif" not in there
    with pytest.raises(ExportError, match=r"MP4 video needs the encoder libx264, .*; there is hevc or av1, or install"):
        Export(WALK, ExportSettings(), tmp_path / "walk.mp4", drawn)
    with pytest.raises(ExportError, match=r"GIF needs the encoder gif, .*; there is mp4 or webm or webp or png"):
        require_encoder(ExportSettings(format="gif"))
    assert names(tmp_path) == set()


def test_all_formats_are_there() -> None:
    assert [info.format for info in available_formats()] == ["mp4", "webm", "gif", "webp", "png", "png16", "sheet"]
    assert available_formats()[0].codecs == ("h264", "hevc", "av1")


@pytest.mark.parametrize(("name", "format_"), [("a.MP4", "mp4"), ("a.webm", "webm"), ("a.png", "sheet"), ("a", "png")])
def test_a_name_says_its_format(name: str, format_: str) -> None:
    assert suffix_format(Path(name)) == format_


def test_a_name_that_says_none_is_refused() -> None:
    with pytest.raises(ExportError, match=r"a\.avi does not say what to write: end it with \.mp4, "):
        suffix_format(Path("a.avi"))


@pytest.mark.parametrize(
    ("name", "format_", "suffix"), [("a.mp4", "webm", "webm"), ("a", "mp4", "mp4"), ("a.gif", "sheet", "png")]
)
def test_a_name_of_another_format_is_refused(name: str, format_: str, suffix: str) -> None:
    with pytest.raises(ExportError, match=rf"^{re.escape(name)} is no name for a .*: end it with \.{suffix}\.$"):
        Export(WALK, export_settings({"format": format_}), Path(name), drawn)


def test_an_empty_walk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="the walk is empty"):
        Export(Walk(), ExportSettings(), tmp_path / "walk.mp4", drawn)


# -- how pictures are asked for ----------------------------------------------------------------------------------------


def test_no_more_than_two_pictures_are_asked_for_at_a_time(tmp_path: Path) -> None:
    waiting: list[tuple[Scene, Future[np.ndarray]]] = []
    arrived = threading.Condition()

    def ask(scene: Scene) -> Future[np.ndarray]:
        future: Future[np.ndarray] = Future()
        with arrived:
            waiting.append((scene, future))
            arrived.notify_all()
        return future

    made = Export(WALK, ExportSettings(format="png", fps=FPS), tmp_path, ask).start()
    for index in range(FRAMES):
        with arrived:
            assert arrived.wait_for(lambda index=index: len(waiting) >= min(index + 2, FRAMES), 10)
            assert len(waiting) == min(index + 2, FRAMES)
        scene, future = waiting[index]
        future.set_result(drawn(scene))
    assert made.wait(10) and made.state == "done"


def test_pictures_wait_for_the_encoder_and_few_of_them_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, asked = threading.Event(), 0
    stuck = threading.Event()

    def slow(self: object, index: int, pixels: np.ndarray, scene: Scene) -> None:
        stuck.set()
        assert held.wait(10)

    def ask(scene: Scene) -> np.ndarray:
        nonlocal asked
        asked += 1
        if asked == WAITING + 1:
            assert stuck.wait(10)
        return drawn(scene)

    monkeypatch.setattr("stylegan_core.export.folder.Folder.write", slow)
    made = Export(WALK, ExportSettings(format="png", fps=FPS), tmp_path, ask).start()
    assert not made.wait(0.3)
    assert asked == WAITING + 1  # the thread that asks waits for the first write
    held.set()
    assert made.wait(10) and asked == FRAMES


def test_settings_print_as_json() -> None:
    settings = ExportSettings(format="webm", codec="av1", width=640)
    assert ExportSettings.model_validate_json(settings.model_dump_json()) == settings


# -- pictures with alpha, and of another shape than square -------------------------------------------------------------


def see_through(scene: Scene) -> np.ndarray:
    """48 px high and 32 wide: opaque at the left, more and more so; a faint half and one that is clear at the right."""
    psi, (y, x) = scene.truncation.psi, np.mgrid[0:48, 0:32]
    picture = np.zeros((48, 32, 4), np.uint8)
    picture[..., 0], picture[..., 1] = 200, 50 + 100 * psi
    picture[..., 3] = np.where(x < 32 * psi, 255, np.where(y < 24, 0, 100))
    return picture


def test_vp9_in_webm_keeps_alpha(tmp_path: Path) -> None:
    path = tmp_path / "walk.webm"
    made = exported(path, render=see_through, format="webm", width=64)
    found = []
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert (stream.height, stream.width, stream.metadata["alpha_mode"]) == (96, 64, "1")
        decoder = av.CodecContext.create("libvpx-vp9", "r")  # FFmpeg's own leaves alpha aside
        for packet in file.demux(stream):
            found += [frame.to_ndarray(format="rgba")[::2, ::2] for frame in decoder.decode(packet)]
    assert len(found) == made.num_frames == FRAMES
    for seen, time_s in zip(found, made.times_s, strict=True):
        wanted = see_through(scene_at(WALK, time_s))
        assert np.abs(seen[..., 3].astype(int) - wanted[..., 3]).mean() < 6
        opaque = wanted[..., 3] == 255
        assert np.abs(seen[opaque].astype(int) - wanted[opaque]).mean() < 8 if opaque.any() else True
    assert read_video_walk(path) == WALK and names(tmp_path) == {path.name}


def test_a_gif_is_transparent_where_a_picture_is_less_than_half_opaque(tmp_path: Path) -> None:
    path = tmp_path / "walk.gif"
    made = exported(path, render=see_through, format="gif")
    with Image.open(path) as image:
        assert (image.n_frames, image.size) == (FRAMES, (32, 48))
        for index, time_s in enumerate(made.times_s):
            image.seek(index)
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
            assert np.array_equal(alpha > 0, see_through(scene_at(WALK, time_s))[..., 3] >= 128)


@pytest.mark.parametrize(("name", "values"), [("walk.mp4", {}), ("walk.webm", {"format": "webm", "alpha": False})])
def test_other_videos_lay_it_over_the_background(tmp_path: Path, name: str, values: dict[str, object]) -> None:
    made = exported(tmp_path / name, render=see_through, background=(0, 0, 250), **values)
    seen = decoded(tmp_path / name)[0]
    assert made.times_s[0] == 0 and seen.shape == (384, 256, 3)
    for row, wanted in ((96, (0, 0, 250)), (288, (78, 20, 152))):
        assert np.abs(seen[row, 128].astype(int) - wanted).max() < 6


@pytest.mark.parametrize(("format_", "most"), [("png", 255), ("png16", 65535)])
@pytest.mark.parametrize("channels", [2, 4])
def test_png_sequences_keep_straight_alpha(tmp_path: Path, format_: str, most: int, channels: int) -> None:
    def picture(scene: Scene) -> np.ndarray:
        whole = see_through(scene)[..., [0, 3] if channels == 2 else [0, 1, 2, 3]]
        return whole if most == 255 else whole.astype(np.uint16) * 257

    made = exported(tmp_path / "walk", render=picture, format=format_)
    wanted = see_through(scene_at(WALK, made.times_s[3])).astype(int) * (most // 255)
    if channels == 2:
        wanted[..., 1:3] = wanted[..., :1]
    with av.open(str(tmp_path / "walk" / "000003.png")) as file:
        [frame] = file.decode(video=0)
    found = frame.to_ndarray(format="rgba" if most == 255 else "rgba64be")
    assert np.array_equal(found.astype(int), wanted)


def test_what_is_transparent_adds_no_light() -> None:
    blend = Blend()
    blend.add(np.full((1, 1, 4), [200, 100, 0, 255], np.uint8))
    blend.add(np.full((1, 1, 4), [0, 255, 255, 0], np.uint8))
    assert blend.take().tolist() == [[[200, 100, 0, 128]]]


def test_whether_alpha_is_kept_is_not_said_where_it_is() -> None:
    """So that an export that an older version has begun is gone on with."""
    assert "alpha" not in ExportSettings().model_dump_json()
    assert ExportSettings(alpha=False).model_dump()["alpha"] is False
