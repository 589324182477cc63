"""From what was typed to a run: which one it is, whether the same goes on, and what is said where it does not."""

import errno
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from stylegan_core.errors import StyleScopeError
from tests.train.loops import BATCH, config_of, new_run, pictures, state_of
from train import recording
from train.command import settle, train, wanted_config
from train.config import DataConfig, RunConfig, StartConfig, read_config
from train.run_folder import RunFolder
from train.trainer import Trainer


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(recording, "PREVIEWS", 1)
    yield
    logging.getLogger("train").handlers = []


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def typed(tmp_path: Path, *changes: str, **more: Any) -> RunConfig:
    data = DataConfig(path=str(pictures(tmp_path)), labels=more.pop("labels", False))
    return wanted_config("smoke", data, StartConfig(), changes, **more)


def test_the_same_command_goes_on_and_stops_where_it_was_to(tmp_path: Path, folder: RunFolder) -> None:
    config = typed(tmp_path, "tick_kimg=0.008", kimg=0.016, batch=8)
    assert train(folder, config, accelerator="cpu") == "done"
    assert folder.status().seen == 16 and not folder.is_alive()
    assert train(folder, config, accelerator="cpu") == "done"
    assert folder.status().seen == 16
    longer = config.model_copy(update={"kimg": 0.032})
    folder.wish(state="stop")  # a wish of before
    assert train(folder, longer, accelerator="cpu") == "done"
    assert folder.status().seen == 32 and read_config(folder.config_path).kimg == 0.032
    assert train(folder, None, accelerator="cpu") == "done"
    assert [line["seen"] for line in folder.numbers()[0]] == [8, 16, 24, 32]


def test_set_changes_any_field(tmp_path: Path) -> None:
    config = typed(
        tmp_path, "regularisers.r1_gamma=2.5", "optimiser_g.betas=[0.5, 0.9]", "loss=wgan", "ema.rampup=null", batch=8
    )
    assert config.regularisers.r1_gamma == 2.5 and config.optimiser_g.betas == (0.5, 0.9)
    assert config.loss == "wgan" and config.ema.rampup is None and config.batch == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("regularisers.r1_gamma", "--set regularisers.r1_gamma: write a field and its value"),
        ("regularisers.gamma=1", "regularisers.gamma is no field of a run"),
        ("nothing.at.all=1", "nothing.at.all is no field"),
        ("kimg.of=1", "kimg.of is no field"),
        ("regularisers.r1_gamma=much", "regularisers.r1_gamma: input should be a valid number"),
        ("regularisers.r1_gamma=-1", "regularisers.r1_gamma: input should be greater than or equal to 0"),
        ("generator.channel_max=0", "generator.channel_max"),
        ("piece=3", "piece 3 does not divide batch 8"),
        ("family=stylegan4", "family: "),
        ("family=[1]", "family: "),
        ("kimg=NaN", "kimg: "),
        ("seed=-1", "seed: "),
        ("optimiser_g.betas=[0.5, 1.0]", "optimiser_g.betas.1: input should be less than 1"),
    ],
)
def test_a_change_that_is_none_is_named(tmp_path: Path, change: str, words: str) -> None:
    with pytest.raises(StyleScopeError) as caught:
        typed(tmp_path, change, batch=8)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_another_run_is_refused_by_the_field(tmp_path: Path, folder: RunFolder) -> None:
    config = typed(tmp_path, batch=8)
    settle(folder, config)
    before = folder.config_path.read_bytes()
    for name, other in {
        "batch": typed(tmp_path, batch=4),
        "seed": typed(tmp_path, batch=8, seed=1),
        "regularisers.r1_gamma": typed(tmp_path, "regularisers.r1_gamma=0.5", batch=8),
        "generator.c_dim": typed(tmp_path, batch=8, labels=True),
    }.items():
        with pytest.raises(StyleScopeError, match=f"run holds a run with another {name}; choose another folder"):
            settle(folder, other)
    assert folder.config_path.read_bytes() == before
    assert settle(folder, None) == config == settle(folder, config)
    often = config.model_copy(update={"tick_kimg": 3.0, "snapshot_kimg": 4.0, "metrics_kimg": 0.0})
    assert settle(folder, often) == read_config(folder.config_path) == often


def test_there_has_to_be_a_run_to_go_on_with(folder: RunFolder) -> None:
    with pytest.raises(StyleScopeError, match="holds no run to go on with"):
        train(folder, None, accelerator="cpu")
    assert not folder.is_alive()


def changed(config: RunConfig, **values: Any) -> str:
    return json.dumps(config.model_dump(mode="json") | values)


def test_a_run_json_that_cannot_be_read_is_named(tmp_path: Path, folder: RunFolder) -> None:
    config = config_of("progan", tmp_path)
    network = config.generator.model_dump(mode="json")
    for content, words in {
        "{": "the run: invalid JSON",
        "[]": "the run: ",
        "\xff": "the run: ",
        changed(config, version=2): "of a newer version",
        changed(config, colour="red"): "colour: extra inputs are not permitted",
        changed(config, generator=network | {"colour": "red"}): "generator.colour: extra inputs are not permitted",
        changed(config, generator=7): "generator: ",
        changed(config, family=["progan"]): "family: ",
        changed(config, kimg=None): "kimg: input should be a valid number",
    }.items():
        folder.path.mkdir(exist_ok=True)
        folder.config_path.write_bytes(content.encode("latin-1"))
        with pytest.raises(StyleScopeError) as caught:
            train(folder, None, accelerator="cpu")
        text = str(caught.value)
        assert text.startswith(f"{folder.config_path}: ") and words in text and "\n" not in text, text
        assert not folder.is_alive()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run", config_of("progan", tmp_path))
    other = RunFolder(folder.path)
    other.take()
    try:
        assert folder.is_alive() and not folder.is_dead()
        with pytest.raises(StyleScopeError, match=r"run is being trained already, by process \d+"):
            train(folder, None, accelerator="cpu")
        assert other.is_alive()  # as before
    finally:
        other.release()
    assert not folder.is_alive() and folder.is_dead()  # nothing says that it ended


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of("progan", tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(FileLock, "acquire", refuse)
        with pytest.raises(StyleScopeError, match="run cannot be written to: Permission denied"):
            train(folder, config, accelerator="cpu")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(StyleScopeError, match="run cannot be written to: Permission denied"):
            train(folder, config, accelerator="cpu")
    assert not folder.is_alive() and not folder.exists()


def test_a_session_says_who_it_is_and_leaves_the_folder_free(
    tmp_path: Path, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Trainer.train

    def watching(self: Trainer, *arguments: Any) -> Any:
        assert folder.is_alive() and not folder.is_dead()
        assert folder.status().pid == os.getpid() and folder.status().state in ("starting", "training")
        if self.step == 3:
            raise RuntimeError("no luck")
        return original(self, *arguments)

    monkeypatch.setattr(Trainer, "train", watching)
    with pytest.raises(RuntimeError, match="no luck"):
        train(folder, config_of("progan", tmp_path, snapshot_kimg=BATCH / 1000), accelerator="cpu")
    assert not folder.is_alive() and not folder.is_dead() and folder.status().state == "failed"
    assert state_of(folder).facts["trainer"]["step"] == 3


def test_a_status_is_never_half_a_status(folder: RunFolder) -> None:
    folder.path.mkdir()
    for content in (b"", b'{"state": "trai', b"[]", b'{"state": "flying"}', b"\xff"):
        (folder.path / "status.json").write_bytes(content)
        (folder.path / "wishes.json").write_bytes(content)
        assert folder.status().state == "starting" and folder.wishes().state == "train"
    folder.wish(state="pause")
    folder.wish(share=0.25)
    assert folder.wishes().state == "pause" and folder.wishes().share == 0.25
