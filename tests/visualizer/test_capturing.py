"""Capturing: every Scene gets into the take and onto the disk, whatever the disk does and however the program ends."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core import edits
from stylegan_core.errors import SceneError
from stylegan_core.models import ModelStore
from stylegan_core.scene import Scene
from stylegan_core.take import TakeWriter, left_open, read_take, write_take
from stylegan_core.walk import Sample, Take, Walk, scene_at, take_scene
from stylegan_core.walk_file import read_walk
from tests.strategies import scenes
from visualizer import capturing as capturing_file
from visualizer.capturing import Capturing, TakeFile, left_behind
from visualizer.command_line import kept_in, scene_of, walk_in
from visualizer.explorer import Explorer
from visualizer.files import read_kept
from visualizer.store import Store

LIMIT_S = 30.0
SCENES = tuple(edits.set_seed(Scene(), seed) for seed in range(1, 9))


@dataclass
class FakeTimeline:
    """What Capturing knows of the timeline."""

    position_s: float = 0.0
    overdubs: bool = False
    store: Store[Walk] = field(default_factory=lambda: Store(Walk()))


class AtOnce:
    """Tasks that are done when they are given."""

    def __init__(self) -> None:
        self.errors: list[OSError] = []

    def on_disk(self, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        try:
            result = function()
        except OSError as error:
            self.errors.append(error)
        else:
            then(result)


class Stage:
    """A Capturing, what it said, and its clock."""

    def __init__(self, folder: Path):
        self.said: list[tuple[str, str]] = []
        self.timeline, self.tasks = FakeTimeline(), AtOnce()
        self.capturing = Capturing(folder, self.tasks, self.timeline, self._say)  # type: ignore[arg-type]

    def _say(self, text: str, kind: str = "info") -> None:
        self.said.append((text, kind))

    @property
    def walk(self) -> Walk:
        return self.timeline.store.value

    def play(self, *several: Scene, start: float = 100.0, step: float = 0.25) -> None:
        for index, scene in enumerate(several):
            self.capturing.tick(start + step * index, scene)

    def until(self, condition: Callable[[], object]) -> None:
        """Look at the disk's thread once a frame until something is so."""
        rest = threading.Event()
        for _ in range(int(LIMIT_S / 0.001)):
            self.capturing.tick(0.0, SCENES[0])
            if condition():
                return
            rest.wait(0.001)
        raise AssertionError(f"it never came to that; what was said: {self.said}")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "takes")


def the_file(folder: Path) -> Path:
    (path,) = folder.glob("*.take.jsonl")
    return path


def test_what_is_performed_lies_in_the_timeline_and_in_a_file(stage: Stage) -> None:
    stage.timeline.position_s = 3.0
    stage.capturing.toggle()
    assert stage.capturing.recording and stage.timeline.overdubs
    stage.play(SCENES[0], SCENES[1], SCENES[1], SCENES[2], SCENES[2])
    assert (stage.capturing.seconds, stage.capturing.samples) == (1.0, 3)
    stage.timeline.position_s = 9.0  # it plays meanwhile
    stage.capturing.toggle()
    assert not stage.capturing.recording and not stage.timeline.overdubs
    (clip,) = stage.walk.clips
    assert clip.start_s == 3.0 and clip.duration_s == 1.0
    assert [(s.time_s, s.scene) for s in clip.take.samples] == [
        (0.0, SCENES[0]),
        (0.25, SCENES[1]),
        (0.75, SCENES[2]),
        (1.0, SCENES[2]),  # it rested in the end
    ]
    stage.capturing.close()
    path = the_file(stage.capturing.folder)
    assert read_take(path) == clip.take
    assert left_open(path) is None
    assert stage.timeline.store.done == ("Add take",)
    assert not stage.capturing.unsaved


@given(st.lists(scenes(), min_size=1, max_size=6))
def test_any_scenes_are_in_the_take_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, several: list[Scene]
) -> None:
    stage = Stage(tmp_path_factory.mktemp("takes"))
    stage.capturing.begin()
    stage.play(*several)
    stage.capturing.close()
    (clip,) = stage.walk.clips
    assert [take_scene(clip.take, 0.25 * index) for index in range(len(several))] == several
    assert all(before.scene != after.scene for before, after in pairwise(clip.take.samples[:-1]))
    assert read_take(the_file(stage.capturing.folder)) == clip.take


def test_a_take_longer_than_the_walk_makes_it_longer(stage: Stage) -> None:
    stage.timeline.position_s = 9.0
    stage.capturing.begin()
    stage.play(*SCENES[:2], step=6.0)
    stage.capturing.end()
    assert stage.walk.duration_s == 15.0
    assert scene_at(stage.walk, 14.0) == SCENES[0]
    stage.capturing.close()


def test_what_ends_before_it_has_begun_is_no_take(stage: Stage) -> None:
    stage.capturing.begin()
    stage.capturing.end()
    stage.play(SCENES[0])
    stage.capturing.close()
    assert not stage.walk.clips
    assert not stage.capturing.folder.exists()


def test_what_drifts_slowly_is_on_its_way_and_what_rests_is_not(stage: Stage) -> None:
    def at(x: float) -> Scene:
        return edits.set_offset(Scene(), x, 0.0)

    stage.capturing.begin()
    for now, x, drifting in (
        (0.0, 0.0, False),
        (1.0, 0.0, True),  # a drift begins; its pictures take a second each
        (2.0, 0.1, True),
        (3.0, 0.2, True),
        (3.5, 0.2, False),  # it has ended
        (4.0, 0.2, True),
        (5.0, 0.3, True),
    ):
        stage.capturing.tick(now, at(x), drifting)
    stage.capturing.close()
    (clip,) = stage.walk.clips
    seen = [take_scene(clip.take, time_s).transform.x for time_s in (1.5, 1.99, 2.0, 2.25, 2.5, 3.0, 4.0, 4.99, 5.0)]
    assert seen == pytest.approx([0.0, 0.0, 0.1, 0.125, 0.15, 0.2, 0.2, 0.2, 0.3])
    assert read_take(the_file(stage.capturing.folder)) == clip.take


def test_a_full_take_goes_on_in_the_next_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capturing_file, "MOST_SAMPLES", 4)
    stage.timeline.position_s = 1.0
    stage.capturing.begin()
    stage.play(*SCENES)
    stage.capturing.close()
    first, second = stage.walk.clips
    assert (first.start_s, first.end_s, second.start_s) == (1.0, 1.75, 1.75)
    assert [s.scene for clip in stage.walk.clips for s in clip.take.samples] == list(SCENES)
    assert len(list(stage.capturing.folder.glob("*.take.jsonl"))) == 2


def test_each_change_is_on_the_disk_while_it_goes_on(stage: Stage) -> None:
    stage.capturing.begin()
    for index, scene in enumerate(SCENES):
        stage.capturing.tick(float(index), scene)
        wait_until(lambda count=index + 1: lines_in(stage.capturing.folder) == count)
    path = the_file(stage.capturing.folder)
    assert [s.scene for s in read_take(path).samples] == list(SCENES)
    stage.capturing.close()


def lines_in(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.take.jsonl"))


def wait_until(condition: Callable[[], bool]) -> None:
    ended = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < ended
        time.sleep(0.001)


# -- a disk that will not ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 2])
def test_a_full_disk_is_told_at_once_and_nothing_is_lost(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    written = []

    def add(writer: TakeWriter, time_s: float, scene: Scene) -> None:
        if len(written) >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(scene)

    monkeypatch.setattr(TakeWriter, "add", add)
    stage.capturing.begin()
    stage.play(*SCENES[:4])
    stage.until(lambda: stage.said)
    assert stage.said[0][1] == "error"
    assert "No space left on device" in stage.said[0][0] and str(stage.capturing.folder) in stage.said[0][0]
    assert stage.capturing.recording
    stage.play(*SCENES[4:], start=101.0)
    assert len(stage.said) == 1
    stage.capturing.end()
    stage.until(lambda: stage.capturing.unsaved)
    (clip,) = stage.walk.clips
    assert stage.capturing.unsaved == (clip.take,)
    assert {s.scene for s in clip.take.samples} == set(SCENES)
    monkeypatch.undo()
    stage.capturing.save(clip.take, tmp_path / "elsewhere")
    assert read_take(the_file(tmp_path / "elsewhere")) == clip.take
    assert not stage.capturing.unsaved
    stage.capturing.close()


def test_a_folder_that_cannot_be_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "takes").write_text("no folder")
    stage = Stage(tmp_path / "takes")
    stage.capturing.begin()
    stage.play(*SCENES[:2])
    stage.until(lambda: stage.said)
    assert f"The take could not be written to {tmp_path / 'takes'}" in stage.said[0][0]
    stage.capturing.close()
    assert len(stage.capturing.unsaved) == 1
    stage.capturing.save(stage.capturing.unsaved[0], tmp_path / "takes")  # again in vain: it is still on offer
    assert len(stage.tasks.errors) == 1
    assert len(stage.capturing.unsaved) == 1
    stage.capturing.let_go()
    assert not stage.capturing.unsaved


def test_a_disk_that_stands_still_holds_nobody_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = threading.Event()
    monkeypatch.setattr(TakeWriter, "add", lambda *_: going_on.wait(LIMIT_S))
    monkeypatch.setattr(capturing_file, "MOST_WAITING", 3)
    stage.capturing.begin()
    stage.play(*SCENES)
    assert stage.capturing.samples == len(SCENES)
    stage.until(lambda: stage.said)
    assert "the disk does not answer" in stage.said[0][0]
    going_on.set()
    stage.capturing.close()
    assert [s.scene for s in stage.capturing.unsaved[0].samples][: len(SCENES)] == list(SCENES)


def test_a_slow_sync_holds_no_line_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = threading.Event()
    monkeypatch.setattr(TakeWriter, "sync", lambda _: going_on.wait(LIMIT_S))
    monkeypatch.setattr(capturing_file, "SYNC_S", 0.0)
    stage = Stage(tmp_path / "takes")
    stage.capturing.begin()
    stage.play(*SCENES)
    wait_until(lambda: lines_in(tmp_path / "takes") == len(SCENES))
    going_on.set()
    stage.capturing.close()
    assert left_open(the_file(tmp_path / "takes")) is None


# -- after a crash -----------------------------------------------------------------------------------------------------

PERFORMER = """
import os, sys
from pathlib import Path
from stylegan_core import edits
from stylegan_core.scene import Scene
from visualizer.capturing import TakeFile

file = TakeFile(Path(sys.argv[1]), "killed", Scene())
from stylegan_core.walk import Sample
while file.path is None:
    assert file.error is None, file.error
print("recording", flush=True)
for step in range(1, 10**9):
    file.add(Sample(time_s=step / 1000, scene=edits.set_seed(Scene(), step)))
    while file._waiting:
        pass
"""


def killed(folder: Path, rest_s: float) -> None:
    """Record into a folder and be killed a moment after."""
    performer = subprocess.Popen(
        [sys.executable, "-c", PERFORMER, str(folder)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert performer.stdout is not None
    assert performer.stdout.readline() == b"recording\n"
    time.sleep(rest_s)
    performer.send_signal(signal.SIGKILL)
    performer.stdout.close()
    performer.wait()


@pytest.mark.parametrize("restore", [True, False])
def test_a_take_that_kill_9_left_behind_is_offered_once(stage: Stage, restore: bool) -> None:
    killed(stage.capturing.folder, 0.2)
    path = the_file(stage.capturing.folder)
    whole = path.read_bytes().count(b"\n")
    stage.capturing.look_for_left()
    (offer,) = stage.capturing.offers
    assert (offer.path, offer.name) == (path, "killed")
    stage.timeline.position_s = 2.0
    stage.capturing.answer(restore)
    assert not stage.capturing.offers
    assert left_behind(stage.capturing.folder) == ()
    take = read_take(path)
    assert [s.scene.latent.seed for s in take.samples] == list(range(len(take.samples)))
    assert len(take.samples) in (whole, whole + 1)  # one may be whole but for its line's end
    assert offer.seconds == take.duration_s
    if restore:
        (clip,) = stage.walk.clips
        assert (clip.take, clip.start_s) == (take, 2.0)
    else:
        assert not stage.walk.clips


def test_only_takes_of_processes_that_are_gone_were_left_behind(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name, process in (("a", os.getpid()), ("b", os.getppid()), ("c", gone.pid), ("d", gone.pid)):
        with TakeWriter(tmp_path / f"{name}.take.jsonl", SCENES[0], name) as writer:
            writer.add(1.5, SCENES[1])
        text = (tmp_path / f"{name}.take.jsonl").read_text()
        (tmp_path / f"{name}.take.jsonl").write_text(text.replace(f'"process":{os.getpid()}', f'"process":{process}'))
    with TakeWriter(tmp_path / "e.take.jsonl", SCENES[0], "e") as writer:
        writer.close(2.0)
    (tmp_path / "f.take.jsonl").write_text("something else")
    assert [info.name for info in left_behind(tmp_path)] == ["d", "c", "a"]  # our own number was another's
    assert left_behind(tmp_path / "nowhere") == ()


def test_a_take_file_says_when_it_is_done(tmp_path: Path) -> None:
    file = TakeFile(tmp_path, "a take", SCENES[0])
    assert not file.done
    file.end(4.0)
    file.wait(LIMIT_S)
    assert file.done and file.error is None and file.path is not None
    assert read_take(file.path).duration_s == 4.0


# -- in the program ----------------------------------------------------------------------------------------------------


@pytest.fixture
def explorer(tmp_path: Path) -> Iterator[Explorer]:
    explorer = Explorer(tmp_path / "state", tmp_path / "pictures")
    explorer.begin()
    ticked(explorer, lambda: explorer.scene.model.digest)
    yield explorer
    if explorer.worker._thread.is_alive():
        explorer.close()


def ticked(explorer: Explorer, condition: Callable[[], object]) -> None:
    rest = threading.Event()
    for _ in range(int(LIMIT_S / 0.001)):
        explorer.tick()
        if condition():
            return
        rest.wait(0.001)
    raise AssertionError(f"it never came to that; the last notice was: {explorer.notice.text}")


def test_what_is_shown_is_recorded_and_one_undo_takes_the_take_back(explorer: Explorer) -> None:
    explorer.capturing.toggle()
    explorer.tick(1000.0)
    before = explorer.scene
    explorer.do("Psi", edits.set_psi, 0.3)
    explorer.tick(1000.5)
    explorer.tick(1001.0)
    explorer.capturing.toggle()
    (clip,) = explorer.timeline.walk.clips
    assert [(s.time_s, s.scene) for s in clip.take.samples] == [(0, before), (0.5, explorer.scene), (1, explorer.scene)]
    explorer.undo()
    assert not explorer.timeline.walk.clips and explorer.scene.truncation.psi == 0.3
    explorer.redo()
    assert explorer.timeline.walk.clips == (clip,)


def test_closing_while_it_records_keeps_the_take(explorer: Explorer) -> None:
    explorer.capturing.begin()
    explorer.tick(1000.0)
    explorer.do("Psi", edits.set_psi, 0.3)
    explorer.tick(1000.5)
    explorer.close()
    take = read_take(the_file(explorer.pictures / "takes"))
    assert take.duration_s == 0.5
    assert read_walk(explorer.keeper.path.with_name("walk.json")).clips[0].take == take


def test_a_take_s_file_is_opened_into_the_timeline(explorer: Explorer, tmp_path: Path) -> None:
    take = Take(name="mine", samples=tuple(Sample(time_s=n / 4, scene=scene) for n, scene in enumerate(SCENES)))
    write_take(tmp_path / "renamed", take)
    assert read_kept(tmp_path / "renamed") == take
    explorer.open_file(tmp_path / "renamed")
    ticked(explorer, lambda: explorer.timeline.walk.clips)
    assert explorer.timeline.walk.clips[0].take == take
    (tmp_path / "broken").write_text((tmp_path / "renamed").read_text().replace('"seed":3', '"seed":-3'))
    explorer.open_file(tmp_path / "broken")
    ticked(explorer, lambda: "broken, line 3: field 'latent.seed'" in explorer.notice.text)


def test_a_take_is_a_walk_of_itself_where_one_is_rendered(tmp_path: Path) -> None:
    take = Take(name="mine", samples=tuple(Sample(time_s=n / 4, scene=scene) for n, scene in enumerate(SCENES)))
    write_take(tmp_path / "a.take.jsonl", take)
    kept = kept_in(tmp_path / "a.take.jsonl")
    walk = walk_in(kept, tmp_path / "out.mp4")
    assert walk is not None
    assert (walk.name, walk.duration_s) == ("mine", take.duration_s)
    assert [scene_at(walk, sample.time_s) for sample in take.samples] == [sample.scene for sample in take.samples]
    with pytest.raises(SceneError, match=r"a\.take\.jsonl holds a take, which is many Scenes"):
        scene_of(kept, tmp_path / "a.take.jsonl", ModelStore("cpu"), None)
