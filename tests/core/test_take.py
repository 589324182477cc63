"""Takes in files: what was performed comes back exactly, however the file ends."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core import edits
from stylegan_core.errors import SceneError
from stylegan_core.scene import Latent, Scene, Truncation
from stylegan_core.take import (
    TakeError,
    TakeWriter,
    close_take,
    is_take,
    left_open,
    read_take,
    write_take,
)
from stylegan_core.walk import Sample, Take
from tests.strategies import scenes

SCENES = tuple(Scene(latent=Latent(seed=seed), truncation=Truncation(psi=seed / 4)) for seed in range(5))


def take_of(*several: Scene, name: str = "a take", step_s: float = 0.25) -> Take:
    return Take(
        name=name, samples=tuple(Sample(time_s=step_s * index, scene=scene) for index, scene in enumerate(several))
    )


def performed(path: Path, take: Take, end_s: float | None = None) -> Path:
    """Write a take as it is performed; without `end_s` the program has died."""
    path.unlink(missing_ok=True)
    with TakeWriter(path, take.samples[0].scene, take.name) as writer:
        for sample in take.samples[1:]:
            writer.add(sample.time_s, sample.scene)
        if end_s is not None:
            writer.close(end_s)
    return path


@st.composite
def takes(draw: st.DrawFn) -> Take:
    """Any Scenes one after another, some of them the same; and now and then an edit, as in a drag."""
    found = [draw(scenes())]
    for _ in range(draw(st.integers(0, 5))):
        moved = st.floats(-2, 2).map(lambda psi, scene=found[-1]: edits.set_psi(scene, psi))
        found.append(draw(st.one_of(scenes(), st.just(found[-1]), moved)))
    gaps = draw(st.lists(st.floats(0, 100), min_size=len(found), max_size=len(found)))
    samples = tuple(Sample(time_s=sum(gaps[1 : index + 1]), scene=scene) for index, scene in enumerate(found))
    return Take(name=draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=8)), samples=samples)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("takes") / "a.take.jsonl"


@given(takes())
def test_any_performance_comes_back_exactly(place: Path, take: Take) -> None:
    assert read_take(performed(place, take, take.samples[-1].time_s)) == take
    assert read_take(performed(place, take)) == take
    write_take(place, take)
    assert read_take(place) == take
    assert is_take(place.read_bytes()[:64])


def test_a_rest_at_the_end_counts(place: Path) -> None:
    take = take_of(*SCENES)
    read = read_take(performed(place, take, 9.5))
    assert read.samples[:-1] == take.samples
    assert read.samples[-1] == Sample(time_s=9.5, scene=SCENES[-1])
    write_take(place, read)
    assert read_take(place) == read


def test_wherever_it_is_cut_the_beginning_is_there(place: Path) -> None:
    take = take_of(*SCENES)
    whole = performed(place, take, 2.0).read_bytes()
    ends = [index for index, byte in enumerate(whole) if byte == ord("\n")]
    assert len(ends) == len(SCENES) + 1
    for size in range(len(whole)):
        place.write_bytes(whole[:size])
        count = sum(end <= size for end in ends)
        if count == 0:
            with pytest.raises(TakeError, match=r"a\.take\.jsonl, line 1 is not JSON"):
                read_take(place)
        elif count <= len(SCENES):
            assert read_take(place).samples == take.samples[:count]


def test_a_take_that_was_left_behind_gets_its_end(place: Path) -> None:
    take = take_of(*SCENES)
    whole = performed(place, take).read_bytes()
    for size in range(whole.index(b"\n"), len(whole) + 1):
        place.write_bytes(whole[:size])
        read, info = read_take(place), left_open(place)
        assert info is not None
        assert (info.name, info.process, info.seconds) == (take.name, os.getpid(), read.samples[-1].time_s)
        close_take(info)
        assert left_open(place) is None
        assert read_take(place) == read
    place.write_bytes(whole + b'{"end_s": 7}')  # whole but for the line's end
    assert left_open(place) is None
    assert read_take(place).samples[-1].time_s == 7


def test_a_file_that_a_power_failure_filled_with_zeros_is_read_up_to_there(place: Path) -> None:
    take = take_of(*SCENES)
    place.write_bytes(performed(place, take).read_bytes() + bytes(4096))
    assert read_take(place) == take


@pytest.mark.parametrize(
    ("number", "line", "words"),
    [
        (1, "[]", "line 1: expected an object, found list"),
        (1, '{"version": 3}', "line 1: this is no take"),
        (1, '{"format": "StyleScope take", "version": 9}', "line 1: field 'version' is 9, this StyleScope reads 1"),
        (1, '{"format": "StyleScope take", "version": 1}', "line 1: field 'name' is missing"),
        (3, "{", "line 3 is not JSON"),
        (3, "7", "line 3: expected an object, found int"),
        (3, "{}", "line 3: field 'time_s' is missing"),
        (3, '{"time_s": NaN, "scene": {}}', "line 3: field 'time_s' is missing, or no number of seconds"),
        (3, '{"time_s": 1' + "0" * 400 + ', "scene": {}}', "line 3: field 'time_s' is missing, or no number"),
        (3, '{"time_s": true, "scene": {}}', "line 3: field 'time_s' is missing, or no number"),
        (3, '{"time_s": 0.1, "scene": {}}', "line 3: field 'time_s' is 0.1 s, but the line before is at 0.25 s"),
        (3, '{"time_s": 0.5}', "line 3: field 'scene' is missing"),
        (3, '{"end_s": 0.5}', "line 4: the take has ended in the line before"),
        (3, '{"time_s": 0.5, "scene": ' + '{"a":' * 100_000 + "1" + "}" * 100_001, "line 3 is not JSON"),
    ],
)
def test_what_is_broken_is_told_by_its_line(place: Path, number: int, line: str, words: str) -> None:
    lines = performed(place, take_of(*SCENES), 2.0).read_text().splitlines()
    place.write_text("\n".join([*lines[: number - 1], line, *lines[number:]]) + "\n")
    with pytest.raises(TakeError) as caught:
        read_take(place)
    assert str(place) in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("number", [1, 3])
def test_a_broken_scene_is_told_by_its_line_and_field(place: Path, number: int) -> None:
    lines = performed(place, take_of(*SCENES), 2.0).read_text().splitlines()
    line = json.loads(lines[number - 1])
    line["scene"]["truncation"] = {"psi": 9}
    place.write_text("\n".join([*lines[: number - 1], json.dumps(line), *lines[number:]]))
    with pytest.raises(SceneError, match=rf"a\.take\.jsonl, line {number}: field 'truncation\.psi'"):
        read_take(place)


def test_a_take_of_an_older_version_is_brought_forward(place: Path) -> None:
    lines = [json.loads(line) for line in performed(place, take_of(*SCENES), 2.0).read_text().splitlines()]
    lines[0]["scene"] = {"version": 1, "latent": {"seed": 0}, "truncation": {"psi": 0.0}}
    place.write_text("\n".join(map(json.dumps, lines)))
    assert [sample.scene for sample in read_take(place).samples] == [*SCENES, SCENES[-1]]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match=r"none\.take\.jsonl cannot be read"):
        read_take(tmp_path / "none.take.jsonl")
    with pytest.raises(TakeError, match=r"none\.take\.jsonl cannot be read"):
        left_open(tmp_path / "none.take.jsonl")


def test_nothing_is_written_over(place: Path) -> None:
    before = performed(place, take_of(*SCENES)).read_bytes()
    with pytest.raises(FileExistsError):
        TakeWriter(place, SCENES[0], "another")
    assert place.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_no_beginning_of_a_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open
    full = tmp_path / "full.take.jsonl"

    def onto_full(path: Path, mode: str) -> object:
        opened(path, mode).close()
        return opened(Path("/dev/full"), "wb")

    monkeypatch.setattr(Path, "open", onto_full)
    with pytest.raises(OSError, match="No space left"):
        TakeWriter(full, SCENES[0], "a take")
    assert not full.exists()


def test_a_long_take_keeps_what_does_not_change_once(place: Path) -> None:
    take = take_of(*(edits.set_psi(SCENES[0], step / 300) for step in range(300)), step_s=1 / 60)
    read = read_take(performed(place, take, 5.0))
    assert all(before.scene.noise is after.scene.noise for before, after in pairwise(read.samples))
    assert len(place.read_bytes()) < 300 * 100


PERFORMER = """
import sys
from pathlib import Path
from stylegan_core import edits
from stylegan_core.scene import Scene
from stylegan_core.take import TakeWriter

scene = Scene()
with TakeWriter(Path(sys.argv[1]), scene, "killed") as writer:
    for step in range(1, 10**9):
        scene = edits.set_seed(scene, step)
        writer.add(step / 1000, scene)
        print(step, flush=True)
"""


def test_kill_9_takes_nothing_but_the_line_being_written(tmp_path: Path) -> None:
    for rest_s in (0.0, 0.011):
        path = tmp_path / f"{rest_s}.take.jsonl"
        performer = subprocess.Popen(
            [sys.executable, "-c", PERFORMER, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        assert performer.stdout is not None
        written = int(performer.stdout.readline())
        time.sleep(rest_s)
        performer.send_signal(signal.SIGKILL)
        written = max(
            [written, *(int(line) for line in performer.stdout.read().splitlines(True) if line[-1:] == b"\n")]
        )
        performer.stdout.close()
        performer.wait()
        samples = read_take(path).samples
        assert len(samples) - 1 in (written, written + 1)
        assert [sample.scene.latent.seed for sample in samples] == list(range(len(samples)))
        info = left_open(path)
        assert info is not None
        assert info.process == performer.pid
