"""A full disk keeps the last good checkpoint and does not end a run; a folder is never left with half of anything."""

import errno
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import masked_crc32c

from stylegan_core.errors import StyleScopeError
from tests.train.loops import STEPS, config_of, new_run, session, state_of
from train import board, recording
from train.board import append
from train.run_folder import RunFolder, Status
from train.trainer import Trainer

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(autouse=True)
def _few_previews(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PREVIEWS", 1)


class Disk:
    """Is full while a run's step is among some: whatever is flushed or appended then does not fit."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: RunFolder, full: range):
        self.step, self.full, self.said = 0, full, list[Status]()
        sync, train, say = os.fsync, Trainer.train, RunFolder.say

        def fsync(number: int) -> None:
            self.refuse()
            sync(number)

        def counted(trainer: Trainer, *arguments: Any) -> Any:
            self.step = trainer.step + 1
            return train(trainer, *arguments)

        def heard(of: RunFolder, status: Status) -> None:
            self.said.append(status)
            say(of, status)

        def appended(path: Path, content: bytes) -> None:
            self.refuse()
            append(path, content)

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(Trainer, "train", counted)
        monkeypatch.setattr(RunFolder, "say", heard)
        monkeypatch.setattr(recording, "append", appended)
        monkeypatch.setattr(board, "append", appended)

    def refuse(self) -> None:
        if self.step in self.full:
            raise FULL


def test_a_disk_that_is_full_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run(tmp_path / "run", config_of("progan", tmp_path))
    disk = Disk(monkeypatch, folder, range(8, 12))
    assert session(folder) == "done"
    words = {status.words for status in disk.said if status.state == "training"}
    assert any("The checkpoint could not be written, the last one stays: No space left" in text for text in words)
    assert any("The snapshot could not be written" in text for text in words)
    assert any("A line of numbers could not be written" in text for text in words)
    assert folder.status().words == "Done: 0.048 kimg."  # there was room again
    assert state_of(folder).facts["trainer"]["step"] == STEPS
    assert [line["step"] for line in folder.numbers()[0]] == [3, 6, 12]
    assert not [*folder.path.rglob(".*.part")]


def test_a_disk_that_stays_full_is_said_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run(tmp_path / "run", config_of("progan", tmp_path))
    with monkeypatch.context() as patch:
        disk = Disk(patch, folder, range(8, 100))
        assert session(folder) == "done"
        assert disk.said[-1].state == "done" and "The checkpoint could not be written" in disk.said[-1].words
    assert folder.status().step < STEPS  # this could not be written either
    assert state_of(folder).facts["trainer"]["step"] == 5
    assert session(folder) == "done" and state_of(folder).facts["trainer"]["step"] == STEPS
    assert [line["step"] for line in folder.numbers()[0]] == [3, 6, 9, 12]


class Short(io.FileIO):
    """A file on a disk with room for so many bytes."""

    room = 10

    def write(self, content: Any) -> int:
        written = super().write(bytes(content)[: self.room])
        self.room -= written
        if not written:
            raise FULL
        return written


def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "numbers.jsonl"
    append(path, b"first\n")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda self, mode, buffering: Short(self, mode))
        with pytest.raises(OSError, match="No space left"):
            append(path, b"a line that is longer than ten\n")
    append(path, b"second\n")
    assert path.read_bytes() == b"first\nsecond\n"


def test_what_a_crash_left_torn_is_cut_off(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    whole = b'{"seen": 8, "a": 1}\n'
    folder.numbers_path.write_bytes(whole + b'{"seen": 12}\n[1]\n{"seen": "x"}\n{"se')
    for name in ("checkpoints/.aa.part", "snapshots/.bb.part", ".cc.part", ".dd.part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    os.utime(tmp_path / ".cc.part", (0, 0))
    for name in ("snapshots/000000008.safetensors", "snapshots/model-000000012.safetensors", "previews/000000012.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    recording.Record(folder, 8).line(10, {"loss": 2.0, "overflow": float("inf")})
    lines = folder.numbers_path.read_text().splitlines(keepends=True)
    assert lines[0].encode() == whole
    assert {"seen": 10, "kimg": 0.01, "loss": 2.0}.items() <= json.loads(lines[1]).items() and len(lines) == 2
    assert "overflow" not in lines[1]
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in left if "events" not in name} == {
        "numbers.jsonl",
        "snapshots/000000008.safetensors",
        ".dd.part",  # of somebody who is writing just now, perhaps
    }


def test_a_folder_that_cannot_be_taken_back_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run(tmp_path / "run", config_of("progan", tmp_path))
    folder.numbers_path.write_text('{"seen": 99}\n')

    def refuse(*_: object) -> None:
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StyleScopeError, match="run cannot be written to: No space left on device"):
            session(folder)


def events(path: Path) -> Iterator[Event]:
    """Read back as TensorBoard does, checksums included."""
    content = path.read_bytes()
    while content:
        length = int.from_bytes(content[:8], "little")
        data = content[12 : 12 + length]
        assert int.from_bytes(content[8:12], "little") == masked_crc32c(content[:8])
        assert int.from_bytes(content[12 + length : 16 + length], "little") == masked_crc32c(data)
        content = content[16 + length :]
        yield Event.FromString(data)


def test_tensorboard_reads_the_same_numbers(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    recording.Record(folder, 0).line(4, {"loss": 0.5})
    recording.Record(folder, 4).line(8, {"loss": 0.25, "r_t": 1.0})
    first, second = (list(events(path)) for path in sorted(tmp_path.glob("events.out.tfevents.*")))
    assert [event.file_version for event in (first[0], second[0])] == ["brain.Event:2"] * 2
    assert first[1].step == 4 and [(v.tag, v.simple_value) for v in first[1].summary.value] == [("loss", 0.5)]
    assert second[1].step == 5 and second[1].session_log.status == SessionLog.START  # what came after 4 is forgotten
    assert [(v.tag, v.simple_value) for v in second[2].summary.value] == [("loss", 0.25), ("r_t", 1.0)]
