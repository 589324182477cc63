"""Exports that are paused, cancelled, killed or out of disk: what is written stays, plays, and is gone on with."""

import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from stylegan_core.errors import Cancelled, StyleScopeError
from stylegan_core.export import Export, ExportSettings, export_settings, read_video_walk
from stylegan_core.export import part as part_module
from stylegan_core.export.part import Packet, PartFile, part_path, whole_packets
from stylegan_core.scene import Latent, Scene, Truncation
from stylegan_core.walk import Key, Walk, scene_at

FPS, FRAMES = 10, 14
SIZE = 64
WALK = Walk(
    duration_s=FRAMES / FPS,
    keys=(
        Key(time_s=0, scene=Scene(truncation=Truncation(psi=0)), ease="linear"),
        Key(time_s=FRAMES / FPS, scene=Scene(truncation=Truncation(psi=1)), ease="linear"),
    ),
)
FORMATS: dict[str, dict[str, object]] = {
    "h264": {},
    "hevc": {"codec": "hevc"},
    "av1": {"codec": "av1"},
    "vp9": {"format": "webm"},
    "gif": {"format": "gif"},
    "webp": {"format": "webp", "quality": 100},
    "sheet": {"format": "sheet", "pictures": FRAMES},
    "png": {"format": "png"},
    "png16": {"format": "png16"},
}
SUFFIXES = {"vp9": ".webm", "gif": ".gif", "webp": ".webp", "sheet": ".png", "png": "", "png16": ""}
KILLABLE = multiprocessing.get_context("forkserver")  # quick, for it has imported everything; and safe beside threads
KILLABLE.set_forkserver_preload([__name__])


def drawn(scene: Scene) -> np.ndarray:
    """A picture that follows from psi."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    psi = scene.truncation.psi
    picture = np.stack([x * 0.6 + psi * 0.4, y * 0.6 + psi * 0.2, 0.9 - psi * 0.8 + 0 * x], axis=2)
    return (picture * 255 + 0.5).astype(np.uint8)


def settings_of(name: str, **values: object) -> ExportSettings:
    return export_settings({"fps": FPS, **FORMATS[name], **values})


def target(folder: Path, name: str) -> Path:
    return folder / f"walk{SUFFIXES.get(name, '.mp4')}"


def exported(path: Path, settings: ExportSettings, walk: Walk = WALK, overwrite: bool = False) -> Export:
    made = ended(Export(walk, settings, path, drawn, overwrite).start())
    assert (made.state, made.error) == ("done", None)
    return made


def ended(made: Export) -> Export:
    assert made.wait(30)
    return made


def frames_of(path: Path) -> list[np.ndarray]:
    if path.suffix in (".webp", ".gif"):
        with Image.open(path) as image:
            found = []
            for index in range(image.n_frames):
                image.seek(index)
                found.append(np.asarray(image.convert("RGB")))
            return found
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def assert_same(path: Path, wanted: Path, lossless: bool) -> None:
    if path.is_dir():
        assert contents(path) == contents(wanted)
        return
    found, expected = frames_of(path), frames_of(wanted)
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        difference = np.abs(one.astype(int) - other)
        assert difference.max() == 0 if lossless else difference.mean() < 3
    assert read_video_walk(path) == read_video_walk(wanted) == WALK


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def is_lossless(name: str) -> bool:
    return name in ("gif", "webp", "sheet")


# -- processes that are killed -----------------------------------------------------------------------------------------


def killed_at_picture(path: Path, settings: ExportSettings, last: int) -> None:
    """In a process of its own: dies with the next picture that is made once `last` frames are written."""

    def render(scene: Scene) -> np.ndarray:
        if scene == scene_at(WALK, made.times_s[last + 1]):
            while made.frames_done < last:
                time.sleep(0.001)
            os.kill(os.getpid(), signal.SIGKILL)
        return drawn(scene)

    made = Export(WALK, settings, path, render)
    made.start().wait(20)


def killed_while_taking_over(path: Path, settings: ExportSettings, last: int) -> None:
    """In a process of its own: dies after `last` frames of what is there are copied into a new working file."""

    def dying(source: Path) -> Iterator[Packet]:
        for index, packet in enumerate(whole_packets(source)):
            if index == last and source.suffix == ".old":
                os.kill(os.getpid(), signal.SIGKILL)
            yield packet

    part_module.whole_packets = dying
    Export(WALK, settings, path, drawn).start().wait(20)


def killed_while_finishing(path: Path, settings: ExportSettings, last: int) -> None:
    """In a process of its own: dies while the target is made of the working file."""
    made = Export(WALK, settings, path, drawn)
    made._tell = lambda share: os.kill(os.getpid(), signal.SIGKILL) if share > last / FRAMES / 2 else None
    made.start().wait(20)


def dies(job: Callable[..., None], *arguments: object) -> None:
    process = KILLABLE.Process(target=job, args=arguments)
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_killed_export_loses_one_frame_at_most_and_is_gone_on_with(tmp_path: Path, name: str) -> None:
    settings, path = settings_of(name), target(tmp_path / "killed", name)
    times_s = Export(WALK, settings, path, drawn).times_s
    for last in (0, 5, 6, 11):  # killed again and again
        dies(killed_at_picture, path, settings, last)
        if settings.is_folder:
            assert sum(1 for _ in path.glob("0*.png")) >= last
            continue
        part = part_path(path, settings)
        assert not path.exists()
        if last:
            pictures = frames_of(part)
            assert last <= len(pictures) <= last + 1  # `last + 1` were made
            for picture, time_s in zip(pictures, times_s, strict=False):
                wanted = drawn(scene_at(WALK, time_s))
                factor = len(picture) // SIZE
                assert np.abs(picture[factor // 2 :: factor, factor // 2 :: factor].astype(int) - wanted).mean() < 3
    assert exported(path, settings).frames_done == FRAMES
    exported(target(tmp_path / "whole", name), settings)
    assert_same(path, target(tmp_path / "whole", name), is_lossless(name))
    left = {file.name for file in (tmp_path / "killed").iterdir()}
    assert left == {file.name for file in (tmp_path / "whole").iterdir()}


@pytest.mark.parametrize("name", ["h264", "hevc", "webp"])
def test_what_is_killed_while_it_goes_on_or_finishes_is_gone_on_with(tmp_path: Path, name: str) -> None:
    settings, path = settings_of(name), target(tmp_path, name)
    part = part_path(path, settings)
    dies(killed_at_picture, path, settings, 8)
    for last in (0, 3, 7):
        dies(killed_while_taking_over, path, settings, last)
        assert not path.exists()
    dies(killed_while_finishing, path, settings, 3)
    assert not path.exists()
    assert len(frames_of(part)) == FRAMES
    exported(path, settings)
    exported(target(tmp_path / "whole", name), settings)
    assert_same(path, target(tmp_path / "whole", name), is_lossless(name))
    assert {file.name.split(".")[0] for file in tmp_path.iterdir()} == {"walk", "whole"}
    assert not list(tmp_path.glob("*.part.*")) and not list(tmp_path.glob(".*"))


def slowly(path: Path, settings: ExportSettings) -> None:
    """In a process of its own: an export of a few milliseconds a frame."""

    def render(scene: Scene) -> np.ndarray:
        time.sleep(0.005)
        return drawn(scene)

    Export(WALK, settings, path, render).start().wait(20)


def test_killed_at_any_moment_a_sequence_becomes_the_same_files(tmp_path: Path) -> None:
    settings, path = settings_of("png"), tmp_path / "killed"
    rng = np.random.RandomState(0)
    for _ in range(4):
        process = KILLABLE.Process(target=slowly, args=(path, settings))
        process.start()
        time.sleep(rng.uniform(0.02, 0.12))  # whatever is hit: nothing below depends on it
        process.kill()
        process.join(10)
        for picture in path.glob("0*.png"):
            with Image.open(picture) as image:
                image.load()
    exported(path, settings)
    exported(tmp_path / "whole", settings)
    assert contents(path) == contents(tmp_path / "whole")


@pytest.mark.parametrize("name", ["h264", "vp9", "av1", "webp"])
def test_a_part_torn_anywhere_is_gone_on_with(tmp_path: Path, name: str) -> None:
    settings = settings_of(name)
    exported(target(tmp_path / "whole", name), settings)
    path = target(tmp_path, name)
    cancelled_at(path, settings, 8)
    part = part_path(path, settings)
    data, count = part.read_bytes(), len(frames_of(part))
    assert count >= 7
    starts = [at for at in range(len(data)) if data[at : at + 4] == b"moof"]
    for cut in (10, starts[0] + 5, starts[3] - 1, starts[3] + 30, starts[5] - 60, len(data) - 9):
        part.write_bytes(data[:cut])
        there = sum(start < cut - 8 for start in starts)
        found = sum(1 for _ in whole_packets(part)) if cut > starts[0] else 0
        assert there - 1 <= found <= there
        made = exported(path, settings, overwrite=True)
        assert made.frames_done == FRAMES
        assert_same(path, target(tmp_path / "whole", name), is_lossless(name))


# -- pause, cancel, and what goes wrong --------------------------------------------------------------------------------


def cancelled_at(path: Path, settings: ExportSettings, index: int) -> Export:

    def render(scene: Scene) -> np.ndarray:
        if scene == scene_at(WALK, made.times_s[index]):
            made.cancel()
        return drawn(scene)

    made = Export(WALK, settings, path, render)
    assert ended(made.start()).state == "cancelled"
    assert made.error is None
    return made


def test_a_cancelled_export_plays_and_the_same_one_goes_on(tmp_path: Path) -> None:
    path, settings = tmp_path / "walk.mp4", settings_of("h264")
    made = cancelled_at(path, settings, 6)
    part = part_path(path, settings)
    assert len(frames_of(part)) == made.frames_done >= 6
    assert 0.4 < made.progress < 0.7
    assert read_video_walk(part) == WALK  # from the unfinished one too
    asked: list[Scene] = []

    def counted(scene: Scene) -> np.ndarray:
        asked.append(scene)
        return drawn(scene)

    again = ended(Export(WALK, settings, path, counted).start())
    assert again.state == "done" and len(asked) == FRAMES - made.frames_done
    assert not part.exists()


@pytest.mark.parametrize("name", ["h264", "gif"])
def test_one_that_is_cancelled_while_it_finishes_has_all_its_frames(tmp_path: Path, name: str) -> None:
    path, settings = target(tmp_path, name), settings_of(name)
    made, seen = Export(WALK, settings, path, drawn), []
    tell = made._tell

    def cancelling(share: float) -> None:
        seen.append((made.state, made.progress))
        if share > 0.5:
            made.cancel()
        tell(share)

    made._tell = cancelling
    assert ended(made.start()).state == "cancelled"
    assert {state for state, _ in seen} == {"finishing"}
    assert [progress for _, progress in seen] == sorted(progress for _, progress in seen)
    assert seen[0][1] > 0.88 and made.progress < 1
    assert len(frames_of(part_path(path, settings))) == made.frames_done == FRAMES
    assert not path.exists()
    exported(path, settings)


@pytest.mark.parametrize("name", ["h264", "png"])
def test_pause_and_resume(tmp_path: Path, name: str) -> None:
    asked, reached = 0, threading.Event()

    def render(scene: Scene) -> np.ndarray:
        nonlocal asked
        asked += 1
        if asked == 5:
            made.pause()
            reached.set()
        return drawn(scene)

    made = Export(WALK, settings_of(name), target(tmp_path, name), render)
    made.start()
    assert reached.wait(10) and made.state == "paused" and made.seconds_left is None
    assert not made.wait(0.2)
    assert asked == 5
    made.resume()
    assert ended(made).state == "done" and asked == FRAMES


def test_a_paused_export_can_be_cancelled_and_one_that_waits_for_a_picture_too(tmp_path: Path) -> None:
    for number, stop in enumerate((True, False)):
        asked = threading.Event()

        def never(scene: Scene, asked: threading.Event = asked) -> Future[np.ndarray]:
            asked.set()
            return Future()

        made = Export(WALK, settings_of("png"), tmp_path / str(number), never).start()
        assert asked.wait(10)
        if stop:
            made.pause()
        made.cancel()
        assert ended(made).state == "cancelled"


def test_the_rate_says_how_long_the_rest_takes(tmp_path: Path) -> None:
    seen: list[float | None] = []

    def render(scene: Scene) -> np.ndarray:
        time.sleep(0.01)
        seen.append(made.seconds_left)
        return drawn(scene)

    made = Export(WALK, settings_of("png"), tmp_path / "out", render)
    ended(made.start())
    known = [seconds for seconds in seen if seconds is not None]
    assert known and min(known) > 0
    assert seen[0] is None


def test_what_the_picture_says_is_said(tmp_path: Path) -> None:
    def render(scene: Scene) -> np.ndarray:
        if scene.truncation.psi > 0.5:
            raise StyleScopeError("There is no memory left for this picture.")
        return drawn(scene)

    made = ended(Export(WALK, settings_of("h264"), tmp_path / "walk.mp4", render).start())
    assert made.state == "failed"
    assert made.error == (
        f"The export to {tmp_path / 'walk.mp4'} stopped at frame {made.frames_done} of {FRAMES}: "
        "There is no memory left for this picture."
    )
    assert len(frames_of(part_path(made.path, made.settings))) == made.frames_done


def test_pictures_that_nobody_makes_any_more_leave_it_cancelled(tmp_path: Path) -> None:
    def closing(scene: Scene) -> np.ndarray:
        raise Cancelled("The program was closed.")

    assert ended(Export(WALK, settings_of("h264"), tmp_path / "walk.mp4", closing).start()).state == "cancelled"


@pytest.mark.parametrize("name", ["h264", "webp"])
def test_a_dead_encoder_is_said_at_once_and_what_it_wrote_plays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    add, asked = PartFile.add, 0

    def dying(self: PartFile, pixels: np.ndarray) -> None:
        if self._next == 5:
            raise RuntimeError("the encoder is gone")
        add(self, pixels)

    def render(scene: Scene) -> np.ndarray:
        nonlocal asked
        asked += 1
        time.sleep(0.005)
        return drawn(scene)

    path, settings = target(tmp_path, name), settings_of(name)
    monkeypatch.setattr(PartFile, "add", dying)
    made = ended(Export(WALK, settings, path, render).start())
    assert made.state == "failed" and asked < FRAMES
    assert made.error == (
        f"The export to {path} stopped at frame 5 of {FRAMES} (the encoder is gone); "
        "what is written stays, and exporting again goes on from there."
    )
    assert len(frames_of(part_path(path, settings))) == 5
    monkeypatch.undo()
    exported(path, settings)


def with_little_disk(path: Path, settings: ExportSettings, size: int, said: object) -> None:
    """In a process of its own: no file may be larger than `size`."""
    noise = np.random.RandomState(0).randint(0, 256, (FRAMES, SIZE, SIZE, 3)).astype(np.uint8)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    made = Export(WALK, settings, path, lambda scene: noise[round(scene.truncation.psi * FRAMES)]).start()
    made.wait(20)
    said.send((made.state, made.error, made.frames_done))


@pytest.mark.parametrize(("name", "size"), [("h264", 150_000), ("gif", 60_000), ("png", 8_000)])
def test_a_full_disk_is_said_and_what_is_written_plays(tmp_path: Path, name: str, size: int) -> None:
    path, settings = target(tmp_path, name), settings_of(name)
    here, there = KILLABLE.Pipe()
    process = KILLABLE.Process(target=with_little_disk, args=(path, settings, size, there))
    process.start()
    assert here.poll(30)
    state, error, done = here.recv()
    process.join(10)
    assert state == "failed"
    assert error == (
        f"The export to {path} stopped at frame {done} of {FRAMES}, because the disk is full; "
        "make room and export again, which goes on from there."
    )
    if not settings.is_folder:
        assert 0 < len(frames_of(part_path(path, settings))) in (done, done + 1)
        assert not path.exists()
    exported(path, settings)


def test_places_that_cannot_be_written_to_are_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.mp4").mkdir()
    for name, where, message in (
        ("h264", tmp_path / "file" / "walk.mp4", f"The folder {tmp_path / 'file'} cannot be written to ("),
        ("h264", tmp_path / "folder.mp4", "is a folder; name a file"),
        ("png", tmp_path / "file", "is a file; name a folder"),
        ("png", Path("/proc/nowhere"), "The folder /proc/nowhere cannot be written to ("),
    ):
        made = ended(Export(WALK, settings_of(name), where, drawn).start())
        assert made.state == "failed" and message in made.error


# -- what is there already ---------------------------------------------------------------------------------------------

OTHER = WALK.model_copy(update={"keys": (Key(time_s=0, scene=Scene(latent=Latent(seed=5))),)})


@pytest.mark.parametrize("name", ["h264", "vp9", "sheet", "png"])
def test_a_finished_export_is_not_made_twice(tmp_path: Path, name: str) -> None:
    path, settings = target(tmp_path, name), settings_of(name)
    exported(path, settings)

    def never(scene: Scene) -> np.ndarray:
        raise AssertionError

    assert ended(Export(WALK, settings, path, never).start()).state == "done"


@pytest.mark.parametrize("name", ["h264", "gif", "sheet", "png"])
def test_another_file_is_replaced_only_if_it_may_be(tmp_path: Path, name: str) -> None:
    path, settings = target(tmp_path, name), settings_of(name)
    exported(path, settings, OTHER)
    made = ended(Export(WALK, settings, path, drawn).start())
    assert made.state == "failed" and str(path) in made.error and "overwrite it" in made.error
    assert read_video_walk(path) == OTHER
    exported(path, settings, overwrite=True)
    assert read_video_walk(path) == WALK
    exported(target(tmp_path / "whole", name), settings)
    assert_same(path, target(tmp_path / "whole", name), is_lossless(name))


@pytest.mark.parametrize("other", [{"walk": OTHER}, {"quality": 30}, {"codec": "hevc"}])
def test_another_unfinished_export_is_not_gone_on_with(tmp_path: Path, other: dict[str, object]) -> None:
    path, settings = tmp_path / "walk.mp4", settings_of("h264")
    cancelled_at(path, settings, 6)
    walk = other.pop("walk", WALK)
    changed = settings_of("h264", **other)
    made = ended(Export(walk, changed, path, drawn).start())
    assert made.state == "failed"
    assert "walk.mp4.part.mp4 is an unfinished export of another walk or with other settings; " in made.error
    assert exported(path, changed, walk, overwrite=True).frames_done == FRAMES
    assert len(frames_of(path)) == FRAMES


def test_pictures_that_are_no_export_are_left_alone(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "000003.png")
    (tmp_path / "notes.txt").write_text("mine")
    made = ended(Export(WALK, settings_of("png"), tmp_path, drawn).start())
    assert made.state == "failed" and "holds pictures that are no export; choose another one" in made.error
    exported(tmp_path, settings_of("png"), overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(frames_of(tmp_path / "000003.png")) == 1


def test_a_picture_of_a_sequence_that_was_taken_away_is_made_again(tmp_path: Path) -> None:
    path, settings = tmp_path / "out", settings_of("png")
    exported(path, settings)
    before = contents(path)
    (path / "000007.png").unlink()
    assert exported(path, settings).frames_done == FRAMES
    assert contents(path) == before


def test_two_exports_to_one_place_do_not_mix(tmp_path: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def waiting(scene: Scene) -> np.ndarray:
        asked.set()
        assert go_on.wait(10)
        return drawn(scene)

    first = Export(WALK, settings_of("h264"), tmp_path / "walk.mp4", waiting).start()
    assert asked.wait(10)
    second = ended(Export(WALK, settings_of("h264"), tmp_path / "walk.mp4", drawn).start())
    assert second.state == "failed" and "is being exported already" in second.error
    go_on.set()
    assert ended(first).state == "done"
