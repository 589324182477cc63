"""A run's state on the disk: whole or not there, the newest two kept, read back to the bit."""

import errno
import os
from pathlib import Path

import pytest
import torch

from stylegan_core.errors import StyleScopeError
from train import checkpoint
from train.checkpoint import Checkpoint, newest, write

KEPT = Checkpoint({"G/a": torch.arange(6.0).view(2, 3).t(), "random": torch.arange(9).to(torch.uint8)}, {"n": 0.1})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def filled(folder: Path, *moments: int) -> None:
    for seen in moments:
        write(folder, seen, KEPT._replace(facts={"n": seen}))


def test_the_newest_two_are_kept_and_read_back(tmp_path: Path) -> None:
    assert newest(tmp_path / "checkpoints") is None
    filled(tmp_path, 4, 8)
    write(tmp_path, 12, KEPT)
    assert names(tmp_path) == ["state-000000008.safetensors", "state-000000012.safetensors"]
    found = newest(tmp_path)
    assert found is not None and found.facts == {"n": 0.1} and found.tensors.keys() == KEPT.tensors.keys()
    for name, tensor in KEPT.tensors.items():
        assert found.tensors[name].dtype == tensor.dtype and torch.equal(found.tensors[name], tensor)


def test_what_is_read_does_not_lie_in_a_file_that_goes(tmp_path: Path) -> None:
    filled(tmp_path, 4)
    found = newest(tmp_path)
    assert found is not None
    (tmp_path / "state-000000004.safetensors").write_bytes(b"")
    assert torch.equal(found.tensors["G/a"], KEPT.tensors["G/a"])


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_one_that_cannot_be_written_leaves_the_last_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    filled(tmp_path, 4, 8)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(OSError, match="No space left"):
            filled(tmp_path, 12)
    assert names(tmp_path) == ["state-000000004.safetensors", "state-000000008.safetensors"]
    found = newest(tmp_path)
    assert found is not None and found.facts == {"n": 8}


def test_older_ones_that_cannot_be_deleted_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        filled(tmp_path, 4, 8, 12)
    assert len(names(tmp_path)) == 3
    filled(tmp_path, 16)
    assert names(tmp_path) == ["state-000000012.safetensors", "state-000000016.safetensors"]


@pytest.mark.parametrize("damage", ["cut", "emptied", "another file"])
def test_where_the_newest_is_damaged_the_one_before_it_counts(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    filled(tmp_path, 4, 8)
    path = tmp_path / "state-000000008.safetensors"
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-1], "emptied": b"", "another file": b"PK" * 99}[damage])
    found = newest(tmp_path)
    assert found is not None and found.facts == {"n": 4}
    assert "state-000000008.safetensors cannot be read" in caplog.text
    (tmp_path / "state-000000004.safetensors").write_bytes(b"")
    with pytest.raises(StyleScopeError, match="None of the checkpoints in"):
        newest(tmp_path)


def test_one_of_another_version_is_not_taken_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "VERSION", "2")
        filled(tmp_path, 4)
    with pytest.raises(StyleScopeError, match="None of the checkpoints"):
        newest(tmp_path)
