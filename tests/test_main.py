"""The command line: what its commands say and write, and that every failure is one sentence."""

import contextlib
import dataclasses
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

import main
import stylegan_core as sg
from stylegan_core.equivariance import equivariance
from stylegan_core.grid import grid_picture
from stylegan_core.ladder import ladder_picture
from stylegan_core.maps import activation_pixels
from stylegan_core.picture import read_scene, write_png
from stylegan_core.projected import open_projected
from stylegan_core.safetensors_file import write as write_safetensors
from stylegan_core.scene import ChannelGain, Grid, Ladder, Latent, Look, Noise, Source, Truncation, only_picture
from stylegan_core.walk import Key, Walk, frame_times, scene_at
from stylegan_core.walk_file import read_walk, write_walk
from visualizer.files import read_kept
from visualizer.session import Session, session_to_json

ROOT = Path(__file__).parents[1]
FACES = ROOT / "tests" / "golden" / "faces32.safetensors"
GOLDEN = ROOT / "tests" / "golden"
CONDITIONAL = GOLDEN / "sg2_cond32.pkl"
SNAPSHOT3 = GOLDEN / "sg3r_64.pkl"
START_S = 120  # a program may take this long to start on a busy machine

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line in this process: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main([str(argument) for argument in arguments])
        return (ended.value.code or 0, *capsys.readouterr())

    return run


def program(*arguments: object, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run the program; variables that are None are taken out of the environment."""
    env = {name: value for name, value in (os.environ | environment).items() if value is not None}
    command = [sys.executable, "main.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=START_S)


def says_one_sentence(text: str) -> bool:
    return text.count("\n") == 1 and text.endswith(".\n") and "Traceback" not in text


def pixels_of(path: Path) -> torch.Tensor:
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image))


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """What changes when a file is written again."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


# -- wiring ------------------------------------------------------------------------------------------------------------


def test_help_answers_without_the_engine() -> None:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "main.py", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    imported = {line.rsplit("|", 1)[1].strip() for line in run.stderr.splitlines() if line.startswith("import time")}
    assert run.returncode == 0 and "typer" in imported
    assert imported.isdisjoint({"torch", "numpy", "pydantic", "dearpygui", "stylegan_core", "visualizer", "widgets"})
    for command in ("open", "info", "generate", "render", "equivariance", "prepare", "convert"):
        assert f" {command} " in run.stdout


@pytest.mark.parametrize("command", ["info", "generate", "render", "equivariance", "prepare", "convert", "open"])
def test_every_command_has_help(cli: Cli, command: str) -> None:
    code, out, _ = cli(command, "-h")
    assert code == 0 and f"main.py {command}" in out


def test_a_word_that_is_no_command_is_a_file_to_open(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    code, out, err = cli("some-model.pkl")
    assert (code, out) == (1, "") and err.startswith("There is no display")


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "--model", FACES],
        ["generate", "--model", FACES, "--seeds", "0", "--out", "x", "--psi", "2.5"],
        ["generate", "--model", FACES, "--seeds", "0", "--out", "x", "--psi", "nan"],
        ["generate", "--model", FACES, "--seeds", "0", "--out", "x", "--noise", "loud"],
        ["generate", "--model", FACES, "--seeds", "0", "--out", "x", "--noise-seed", "-1"],
        ["info"],
        ["info", FACES, "--colour"],
        ["render", FACES],
        ["render", FACES, "--out", "x.png", "--what", "all"],
        ["equivariance"],
        ["equivariance", FACES, "--pictures", "0"],
        ["convert", FACES],
    ],
)
def test_wrong_use_is_told_with_exit_code_2(cli: Cli, arguments: list[object], tmp_path: Path) -> None:
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "") and "Error" in err


# -- info --------------------------------------------------------------------------------------------------------------


def test_info_says_what_a_model_is(cli: Cli) -> None:
    code, out, err = cli("info", CONDITIONAL)
    card = sg.load_model(CONDITIONAL).card
    facts = dict(line.split(None, 1) for line in out.splitlines() if len(line.split(None, 1)) == 2)
    assert (code, err) == (0, "")
    for name, words in {
        "family": "stylegan2",
        "resolution": "32 px, 3 channels",
        "z": "96 dimensions",
        "c": "5 classes",
        "w": "8 style vectors of 64 dimensions",
        "parameters": "200,387",
        "motion": "nearly: features of 16² are moved, finer ones stick",
        "precision": "half for its finer layers, on a GPU",
        "discriminator": "in the file too",
        "digest": card.digest,
    }.items():
        assert facts[name].strip() == words
    assert facts["b8.conv0"].split() == ["8", "48", "1", "coarse", "yes"]
    assert facts["b32.torgb"].split() == ["32", "3", "7", "middle"]
    assert (
        sum(
            line.split(None, 1)[0] in {layer.name for layer in card.layers} for line in out.splitlines() if line.strip()
        )
        == 11
    )


def test_a_stylegan3_snapshot_is_a_model_like_any_other(cli: Cli, tmp_path: Path) -> None:
    _, out, _ = cli("info", SNAPSHOT3)
    assert "stylegan3 R" in out and "L12_84_32" in out
    assert cli("convert", SNAPSHOT3, tmp_path / "out.safetensors")[0] == 0
    for model in (SNAPSHOT3, tmp_path / "out.safetensors"):
        out = tmp_path / model.suffix
        assert cli("generate", "--model", model, "--out", out, "--device", "cpu", "--seeds", "3")[0] == 0
    pictures = [pixels_of(tmp_path / suffix / "seed0003.png") for suffix in (".pkl", ".safetensors")]
    assert torch.equal(*pictures) and pictures[0].shape == (64, 64, 3)


def test_info_repeats_the_files_own_words_but_no_terminal_commands(cli: Cli, tmp_path: Path) -> None:
    from stylegan_core.checkpoint import read_generator
    from stylegan_core.spec import NetworkSpec

    spec = read_generator(CONDITIONAL)
    words = {"dataset": "[red]cats[/red] \x1b[2J", "digest": "forged"}
    write_safetensors(NetworkSpec(spec.config, spec.tensors, words), tmp_path / "m.safetensors")
    code, out, _ = cli("info", tmp_path / "m.safetensors")
    assert code == 0 and "\x1b" not in out
    assert "[red]cats[/red] ?[2J" in out
    assert sg.load_model(tmp_path / "m.safetensors").card.digest in out
    assert "none in the file" in out


def test_info_as_json_is_the_card_and_nothing_else(cli: Cli) -> None:
    code, out, err = cli("info", FACES, "--json")
    assert (code, err) == (0, "")
    assert sg.ModelCard.model_validate(json.loads(out)) == sg.load_model(FACES).card


def test_info_on_what_is_no_model_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "note.pkl").write_text("hello")
    for path in (tmp_path / "note.pkl", tmp_path / "nowhere.pkl", tmp_path):
        code, out, err = cli("info", path, "--json")
        assert (code, out) == (1, "") and says_one_sentence(err) and path.name in err


# -- generate ----------------------------------------------------------------------------------------------------------


def test_generated_pictures_are_those_of_their_scenes(cli: Cli, tmp_path: Path) -> None:
    options = ["--seeds", "0-1,40", "--psi", "0.5", "--cutoff", "4", "--noise", "random", "--noise-seed", "9"]
    code, out, _ = cli("generate", "--model", FACES, "--out", tmp_path, "--device", "cpu", *options)
    assert (code, out) == (0, f"Pictures in {tmp_path}: 3 made, 0 kept.\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed0000.png", "seed0001.png", "seed0040.png"]
    for path in tmp_path.iterdir():
        scene = read_scene(path)
        assert (scene.latent.seed, scene.truncation.psi, scene.truncation.cutoff) == (int(path.stem[4:]), 0.5, 4)
        assert (scene.noise.mode, scene.noise.seed, scene.model.path) == ("random", 9, str(FACES))
        assert torch.equal(pixels_of(path), sg.render(scene, sg.ModelStore()).pixels)


def test_generated_pictures_are_truncated_towards_what_was_asked_for(cli: Cli, tmp_path: Path) -> None:
    options = ["--seeds", 5, "--psi", 0.3, "--towards", "nearest", "--centres", 3]
    assert cli("generate", "--model", FACES, "--out", tmp_path, "--device", "cpu", *options)[0] == 0
    scene = read_scene(tmp_path / "seed0005.png")
    assert scene.truncation == Truncation(psi=0.3, towards="nearest", centres=3)
    assert torch.equal(pixels_of(tmp_path / "seed0005.png"), sg.render(scene, sg.ModelStore()).pixels)


def test_classes_give_series_and_mixes(cli: Cli, tmp_path: Path) -> None:
    code, *_ = cli(
        "generate", "--model", CONDITIONAL, "--out", tmp_path, "--seeds", 3, "--classes", "1,0+4", "--which", "G"
    )
    assert code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed0003-class0+4.png", "seed0003-class1.png"]
    model = sg.load_model(CONDITIONAL, which="G")
    z = torch.from_numpy(np.random.RandomState(3).randn(1, 96)).float()
    for name, c in (("class1", [0, 1, 0, 0, 0]), ("class0+4", [0.5, 0, 0, 0, 0.5])):
        img = model.synthesize(model.map(z, torch.tensor([c]).float(), psi=0.7))
        expected = (img[0] * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
        assert torch.equal(pixels_of(tmp_path / f"seed0003-{name}.png"), expected)


def test_a_second_run_makes_only_what_is_missing(cli: Cli, tmp_path: Path) -> None:
    base = ["generate", "--model", FACES, "--out", tmp_path, "--seeds"]
    cli(*base, "0-3")
    (tmp_path / "seed0002.png").unlink()
    before = stamps(tmp_path)
    code, out, _ = cli(*base, "0-5")
    assert (code, out) == (0, f"Pictures in {tmp_path}: 3 made, 3 kept.\n")
    after = stamps(tmp_path)
    assert len(after) == 6 and {name: after[name] for name in before} == before
    assert cli(*base, "0-5")[1] == f"Pictures in {tmp_path}: 0 made, 6 kept.\n"
    assert stamps(tmp_path) == after


def test_a_folder_with_other_pictures_is_left_alone_unless_told(cli: Cli, tmp_path: Path) -> None:
    base = ["generate", "--model", FACES, "--out", tmp_path, "--seeds"]
    cli(*base, "0,2")
    before = stamps(tmp_path)
    code, out, err = cli(*base, "0-3", "--psi", "1")
    assert (code, out) == (1, "") and "differs in its truncation: give --overwrite" in err
    assert stamps(tmp_path) == before  # not even the missing ones were made
    (tmp_path / "seed0001.png").write_bytes((tmp_path / "seed0000.png").read_bytes()[:500])
    code, _, err = cli(*base, "0-3")
    assert code == 1 and "seed0001.png is there, but is damaged" in err
    code, out, _ = cli(*base, "0-3", "--overwrite")
    assert (code, out) == (0, f"Pictures in {tmp_path}: 2 made, 2 kept.\n")
    assert stamps(tmp_path)["seed0000.png"] == before["seed0000.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seeds", "5-3"], "ends before it begins; write '3-5'"),
        (["--seeds", "0-"], "is not among the numbers 0 to 4294967295"),
        (["--seeds", "0", "--classes", "1"], "faces32 has no classes; leave out --classes"),
        (["--seeds", "0", "--cutoff", "9"], "the cutoff may be 0 to 8, not 9"),
        (["--seeds", "0", "--device", "tpu"], "There is no device 'tpu' on this machine"),
        (["--seeds", "0", "--out", FACES], "cannot be written to: File exists"),
    ],
)
def test_what_cannot_be_generated_is_one_sentence(cli: Cli, tmp_path: Path, options: list[object], words: str) -> None:
    code, out, err = cli("generate", "--model", FACES, "--out", tmp_path / "out", *options)
    assert (code, out) == (1, "") and says_one_sentence(err) and words in err
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = os.fsync

    def full_at_third(handle: int) -> None:
        if len(list(tmp_path.glob("*.png"))) == 2:
            raise OSError(28, "No space left on device")
        flush(handle)

    monkeypatch.setattr(os, "fsync", full_at_third)
    code, out, err = cli("generate", "--model", FACES, "--out", tmp_path, "--seeds", "0-3")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == f"{tmp_path}/seed0002.png cannot be written: No space left on device."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed0000.png", "seed0001.png"]


def test_ctrl_c_says_how_far_it_came_and_the_same_command_goes_on(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["generate", "--model", FACES, "--out", tmp_path, "--seeds", "0-4"]
    render = sg.Renderer.render

    def interrupted(self: sg.Renderer, scene: sg.Scene) -> sg.Frame:
        if scene.latent.seed == 3:
            raise KeyboardInterrupt
        return render(self, scene)

    with monkeypatch.context() as patch:
        patch.setattr(sg.Renderer, "render", interrupted)
        code, out, err = cli(*arguments)
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == f"Stopped with 3 of 5 pictures in {tmp_path}; the same command goes on."
    assert cli(*arguments)[:2] == (0, f"Pictures in {tmp_path}: 2 made, 3 kept.\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_killed_run_leaves_whole_pictures(number: signal.Signals, code: int, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "main.py",
        "generate",
        "--model",
        str(FACES),
        "--out",
        str(tmp_path),
        "--seeds",
        "0-99999",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            deadline = time.monotonic() + START_S
            while len(list(tmp_path.glob("*.png"))) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            running.send_signal(number)
            out, err = running.communicate(timeout=START_S)
        finally:
            running.kill()
    pictures = sorted(tmp_path.glob("*.png"))
    assert running.returncode == code and out == "" and "Traceback" not in err
    assert [read_scene(path).latent.seed for path in pictures] == list(range(len(pictures)))
    assert len(pictures) >= 3
    if number == signal.SIGTERM:  # it could still clear up
        assert sorted(tmp_path.iterdir()) == pictures
        assert err.splitlines()[-1].startswith("Stopped with ")


def test_progress_is_a_bar_in_a_terminal_and_lines_in_a_log(cli: Cli, tmp_path: Path) -> None:
    *_, err = cli("generate", "--model", FACES, "--out", tmp_path, "--seeds", "0-24")
    assert err.splitlines()[::9] == ["Making pictures: 3 of 25", "Making pictures: 25 of 25"]
    ours, theirs = pty.openpty()
    command = [sys.executable, "main.py", "generate", "--model", FACES, "--out", tmp_path, "--seeds", "0-60"]
    env = {**os.environ, "TERM": "xterm"}
    shown = b""
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=theirs, stdout=subprocess.PIPE, text=True) as running:
        os.close(theirs)
        with contextlib.suppress(OSError):  # Linux's way to say that the other side is closed
            while chunk := os.read(ours, 1 << 16):
                shown += chunk
        out, _ = running.communicate(timeout=START_S)
    os.close(ours)
    assert (running.returncode, out) == (0, f"Pictures in {tmp_path}: 36 made, 25 kept.\n")
    assert b"Making pictures" in shown and b"a second" in shown and b"/36" in shown


# -- render ------------------------------------------------------------------------------------------------------------


def faces(**parts: object) -> sg.Scene:
    """A Scene of the starter model."""
    return sg.Scene(model=sg.ModelRef(digest=sg.load_model(FACES).card.digest, path=str(FACES)), **parts)


def kept(path: Path, scene: sg.Scene) -> Path:
    path.write_text(sg.scene_to_json(scene), encoding="utf-8")
    return path


LOOKING = Look(at="layer", layer="b16.conv1", show="strongest", colours="magma")
GRID = Grid(rows=(Source(latent=Latent(seed=1)), Source(latent=Latent(seed=2))), columns=(Source(),), layers=(0, 1))


def test_a_picture_a_session_and_a_scene_give_the_picture_again(cli: Cli, tmp_path: Path) -> None:
    scene = faces(latent=Latent(seed=5), truncation=Truncation(psi=0.5))
    expected = sg.render(scene, sg.ModelStore()).pixels
    files = [kept(tmp_path / "scene.json", scene), tmp_path / "session.json", tmp_path / "saved.png"]
    files[1].write_text(session_to_json(Session(scene=scene)))
    write_png(files[2], expected.numpy() * 0, scene)
    for file in files:
        out = tmp_path / "new" / f"{file.stem}.png"
        words = f"Wrote {out}: the picture in {file}, 32×32 px.\n"
        assert cli("render", file, "--out", out, "--device", "cpu") == (0, words, "")
        assert torch.equal(pixels_of(out), expected) and read_scene(out) == scene


def test_generate_gives_other_people_what_a_scene_did_to_one(cli: Cli, tmp_path: Path) -> None:
    scene = faces(
        latent=Latent(seed=5),
        truncation=Truncation(psi=0.4, layers=(0.4,) * 8, towards="nearest", centres=3),
        noise=Noise(mode="random", seed=7),
        channels=(ChannelGain(layer="b8.conv1", channel=3, gain=2.0),),
        look=LOOKING,
        grid=GRID,
    )
    file = kept(tmp_path / "s.json", scene)
    for options, changes in (
        ((), {}),
        (("--psi", 0.9), {"truncation": scene.truncation.model_copy(update={"psi": 0.9, "layers": ()})}),
    ):
        out = tmp_path / str(len(options))
        assert cli("generate", "--scene", file, "--seeds", 8, "--out", out, "--device", "cpu", *options)[0] == 0
        made = read_scene(out / "seed0008.png")
        assert made == only_picture(scene.model_copy(update={"latent": Latent(seed=8), **changes}))
        assert torch.equal(pixels_of(out / "seed0008.png"), sg.render(made, sg.ModelStore()).pixels)


def test_generate_wants_a_model(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli("generate", "--seeds", 0, "--out", tmp_path)
    assert (code, out) == (1, "") and says_one_sentence(err) and "--model" in err and "--scene" in err


def test_what_is_looked_at_is_rendered_as_the_window_shows_it(cli: Cli, tmp_path: Path) -> None:
    scene = faces(look=LOOKING, grid=GRID)
    file, out = kept(tmp_path / "s.json", scene), tmp_path / "look.png"
    assert cli("render", file, "--out", out)[1] == f"Wrote {out}: the look in {file}, 135×135 px.\n"
    tapped = sg.Renderer(sg.ModelStore()).tap(scene, "b16.conv1")
    assert torch.equal(pixels_of(out), activation_pixels(tapped, LOOKING)) and read_scene(out) == scene
    # Its picture is another picture, whose file gives it again.
    picture, again = tmp_path / "picture.png", tmp_path / "again.png"
    assert cli("render", out, "--out", picture, "--what", "picture")[0] == 0
    assert torch.equal(pixels_of(picture), sg.render(faces(), sg.ModelStore()).pixels)
    assert cli("render", picture, "--out", again)[1] == f"Wrote {again}: the picture in {picture}, 32×32 px.\n"
    assert torch.equal(pixels_of(again), pixels_of(picture)) and read_scene(again).grid == GRID


def test_a_projected_face_is_rendered_with_a_model(cli: Cli, tmp_path: Path) -> None:
    file, out = tmp_path / "face.npy", tmp_path / "x.png"
    np.save(file, np.zeros(512, np.float32))
    assert cli("render", file, "--out", out)[2].startswith(f"The model of {file} is not at ''; give its place")
    assert cli("render", file, "--out", out, "--model", FACES)[0] == 0
    assert read_scene(out).latent == open_projected(file)


def test_a_grid_is_rendered_and_carries_its_scene(cli: Cli, tmp_path: Path) -> None:
    scene = faces(grid=GRID, look=LOOKING)
    out = tmp_path / "grid.png"
    code, _, err = cli("render", kept(tmp_path / "s.json", scene), "--out", out, "--what", "grid")
    assert code == 0 and err.splitlines()[-1] == "Making the grid: 100 %"
    expected = grid_picture(sg.Renderer(sg.ModelStore()), scene)
    assert torch.equal(pixels_of(out), torch.tensor(expected)) and read_scene(out) == scene


def test_a_ladder_is_rendered_and_carries_its_scene(cli: Cli, tmp_path: Path) -> None:
    scene = faces(ladder=Ladder(first=0, last=1, rungs=2))
    file, out = kept(tmp_path / "s.json", scene), tmp_path / "ladder.png"
    code, words, _ = cli("render", file, "--out", out, "--what", "ladder", "--device", "cpu")
    assert code == 0 and words.startswith(f"Wrote {out}: the ladder in {file}, ")
    assert read_scene(out) == scene
    assert np.array_equal(pixels_of(out).numpy(), ladder_picture(sg.Renderer(sg.ModelStore()), scene))


def test_a_model_that_was_moved_is_taken_from_where_it_is_now(cli: Cli, tmp_path: Path) -> None:
    scene = faces(latent=Latent(seed=3))
    gone = scene.model_copy(update={"model": scene.model.model_copy(update={"path": str(tmp_path / "gone.pkl")})})
    file, out = kept(tmp_path / "s.json", gone), tmp_path / "x.png"
    code, _, err = cli("render", file, "--out", out)
    assert code == 1 and err == f"The model of {file} is not at '{tmp_path}/gone.pkl'; give its place with --model.\n"
    code, _, err = cli("render", file, "--out", out, "--model", CONDITIONAL)
    assert code == 1 and says_one_sentence(err)
    assert err.startswith(f"{CONDITIONAL} is not the model that {file} was made with")
    assert not out.exists()
    assert cli("render", file, "--out", out, "--model", FACES)[0] == 0
    assert read_scene(out) == scene  # with the place where it is now
    by_hand = kept(tmp_path / "hand.json", sg.Scene(latent=Latent(seed=3)))
    assert cli("render", by_hand, "--out", tmp_path / "y.png")[2].startswith(f"The model of {by_hand} is not at ''")
    assert cli("render", by_hand, "--out", tmp_path / "y.png", "--model", FACES)[0] == 0
    assert torch.equal(pixels_of(tmp_path / "y.png"), pixels_of(out))


@pytest.mark.parametrize(
    ("parts", "options", "words"),
    [
        ({}, ["--what", "look"], "looks at nothing besides the picture; leave out --what"),
        ({}, ["--what", "grid"], "A mixing grid needs somebody in a row"),
        ({"look": Look(at="layer", layer="b64.conv0")}, [], "faces32 has no layer called 'b64.conv0'; choose one of"),
        ({"look": LOOKING.model_copy(update={"show": "rgb", "channels": (0, 1, 999)})}, [], "so there is no 999"),
        ({}, ["--device", "tpu"], "There is no device 'tpu' on this machine"),
        ({}, ["--model", "nowhere.pkl"], "nowhere.pkl"),
    ],
)
def test_what_cannot_be_rendered_is_one_sentence(
    cli: Cli, tmp_path: Path, parts: dict[str, object], options: list[object], words: str
) -> None:
    file, out = kept(tmp_path / "s.json", faces(**parts)), tmp_path / "x.png"
    code, said, err = cli("render", file, "--out", out, *options)
    assert (code, said) == (1, "") and says_one_sentence(err) and words in err
    assert not out.exists()


def test_files_without_a_scene_are_one_sentence(cli: Cli, tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "holiday.png")
    for file, words in (
        (FACES, "holds no Scene; give a picture saved by StyleScope, a session, or a Scene as JSON."),
        (tmp_path / "holiday.png", "carries no Scene; only pictures saved by StyleScope can be opened."),
        (tmp_path / "nowhere.png", "cannot be read: No such file or directory."),
        (tmp_path, "cannot be read: Is a directory."),
    ):
        code, said, err = cli("render", file, "--out", tmp_path / "x.png")
        assert (code, said, err) == (1, "", f"{file} {words}\n")


def test_render_writes_pngs_and_replaces_them_only_if_told(cli: Cli, tmp_path: Path) -> None:
    file, out = kept(tmp_path / "s.json", faces()), tmp_path / "x.png"
    assert "does not end in .png" in cli("render", file, "--out", tmp_path / "x.jpg")[2]
    out.write_text("precious")
    code, said, err = cli("render", file, "--out", out)
    assert (code, said, err) == (1, "", f"{out} is there already; give --overwrite to replace it.\n")
    assert out.read_text() == "precious"
    assert cli("render", file, "--out", out, "--overwrite")[0] == 0 and read_scene(out) == faces()


# -- render, of walks --------------------------------------------------------------------------------------------------


def walk_file(folder: Path, seconds: float = 1.0, **fields: object) -> Path:
    """A walk from one person to another and back to a third."""
    keys = tuple(Key(time_s=seconds * k / 2, scene=faces(latent=Latent(seed=k)), ease="cubic") for k in range(3))
    path = folder / "walk.json"
    write_walk(Walk(keys=keys, duration_s=seconds, **fields), path)
    return path


def expected_frames(path: Path, fps: float) -> list[np.ndarray]:
    walk, models = read_walk(path), sg.ModelStore()
    return [sg.render(scene_at(walk, time_s), models).pixels.numpy() for time_s in frame_times(walk, fps)]


def test_frames_of_a_walk_are_the_pictures_of_its_scenes(cli: Cli, tmp_path: Path) -> None:
    file, out = walk_file(tmp_path, first_s=0.2, last_s=0.8), tmp_path / "frames"
    code, words, err = cli("render", file, "--out", out, "--fps", 10, "--device", "cpu")
    assert (code, words) == (0, f"Wrote {out}: 6 pictures of the walk in {file}.\n")
    assert err.splitlines()[-1] == "Exporting: 6 of 6"
    found = [pixels_of(path).numpy() for path in sorted(out.glob("*.png"))]
    assert np.array_equal(found, expected_frames(file, 10))
    assert read_kept(out) == read_walk(file)
    assert cli("render", file, "--out", out, "--fps", 10)[1] == f"Kept {out}: 6 pictures of the walk in {file}.\n"


def test_a_video_is_rendered_and_is_a_walk_itself(cli: Cli, tmp_path: Path) -> None:
    file, out, part = walk_file(tmp_path), tmp_path / "new" / "walk.mp4", tmp_path / "part.webm"
    options = ["--size", "64x48", "--fit", "crop", "--fps", "12", "--quality", "90", "--motion-blur", "2"]
    assert cli("render", file, "--out", out, *options)[1] == f"Wrote {out}: 12 frames of the walk in {file}.\n"
    with av.open(out) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert (len(frames), frames[0].shape, video.streams.video[0].average_rate) == (12, (48, 64, 3), 12)
    assert read_kept(out) == read_walk(file)
    assert cli("render", out, "--out", part, "--from", "0.25", "--to", "0.75", "--fps", "8", "--silent")[0] == 0
    found = read_kept(part)
    assert isinstance(found, Walk) and (found.first_s, found.last_s) == (0.25, 0.75)
    with av.open(part) as video:
        assert sum(1 for _ in video.decode(video=0)) == 4


def test_a_session_gives_its_walk_to_a_video_and_its_picture_to_a_png(cli: Cli, tmp_path: Path) -> None:
    file, walk = tmp_path / "session.json", read_walk(walk_file(tmp_path))
    file.write_text(session_to_json(Session(scene=faces(latent=Latent(seed=9)), walk=walk)))
    assert cli("render", file, "--out", tmp_path / "x.gif", "--fps", 5)[0] == 0
    assert cli("render", file, "--out", tmp_path / "x.png")[0] == 0
    assert read_scene(tmp_path / "x.png").latent.seed == 9
    with Image.open(tmp_path / "x.gif") as animation:
        assert animation.n_frames == 5


def test_sixteen_bits_and_sheets(cli: Cli, tmp_path: Path) -> None:
    file = walk_file(tmp_path)
    assert cli("render", file, "--out", tmp_path / "deep", "--bits", 16, "--fps", 2)[0] == 0
    with av.open(tmp_path / "deep" / "000000.png") as picture:
        deep = next(picture.decode(video=0)).to_ndarray(format="rgb48le")
    assert np.abs(deep / 257 - expected_frames(file, 2)[0]).max() < 1.01
    sheet = tmp_path / "sheet.png"
    assert cli("render", file, "--out", sheet, "--pictures", 6, "--columns", 3)[0] == 0
    assert read_kept(sheet) == read_walk(file) and pixels_of(sheet).shape[1] > 3 * 32


def test_a_walk_that_was_moved_to_another_machine_is_told_its_model(cli: Cli, tmp_path: Path) -> None:
    file, out = walk_file(tmp_path), tmp_path / "frames"
    file.write_text(file.read_text().replace(str(FACES), "/gone/model.safetensors"))
    code, _, err = cli("render", file, "--out", out)
    assert code == 1 and says_one_sentence(err) and "give its place with --model" in err
    code, _, err = cli("render", file, "--out", out, "--model", CONDITIONAL)
    assert code == 1 and says_one_sentence(err) and f"{CONDITIONAL} is not the model that {file} was made with" in err
    assert cli("render", file, "--out", out, "--model", FACES, "--fps", 2)[0] == 0
    assert np.array_equal(pixels_of(out / "000000.png"), expected_frames(walk_file(tmp_path), 2)[0])


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("x.avi", [], "does not say what to write"),
        ("x.mp4", ["--size", "big"], "--size: 'big' is no size; write 1920x1080."),
        ("x.mp4", ["--codec", "vp9"], "codec 'vp9' does not go into mp4"),
        ("x.mp4", ["--bits", "16"], "16 bits are for folders of PNGs"),
        ("x.mp4", ["--from", "5"], "From 5 s to 1 s there is nothing; the walk is 1 s long."),
        ("x.mp4", ["--what", "grid"], "--what is for pictures"),
        ("x.mp4", ["--sound", "nowhere.ogg"], "nowhere.ogg"),
        ("x.gif", ["--fps", "60"], "a GIF has at most 50 frames/s"),
        ("walk.json/x.mp4", [], "cannot be written to"),
    ],
)
def test_walks_that_cannot_be_rendered_so_are_one_sentence(
    cli: Cli, tmp_path: Path, out: str, options: list[object], words: str
) -> None:
    file = walk_file(tmp_path)
    code, said, err = cli("render", file, "--out", tmp_path / out, *options)
    assert (code, said) == (1, "") and says_one_sentence(err) and words in err
    assert [path.name for path in tmp_path.iterdir()] == ["walk.json"]


def test_what_belongs_to_frames_means_nothing_to_a_picture(cli: Cli, tmp_path: Path) -> None:
    file = kept(tmp_path / "s.json", faces())
    code, _, err = cli("render", file, "--out", tmp_path / "x.png", "--from", 1)
    assert code == 1 and err == f"{file} holds no walk: without one, --from means nothing.\n"
    code, _, err = cli("generate", "--scene", walk_file(tmp_path), "--seeds", 1, "--out", tmp_path / "new")
    assert code == 1 and says_one_sentence(err) and "holds a walk, which is many Scenes" in err


def test_another_file_in_its_place_is_replaced_only_if_told(cli: Cli, tmp_path: Path) -> None:
    file, out = walk_file(tmp_path), tmp_path / "x.mp4"
    out.write_text("precious")
    code, _, err = cli("render", file, "--out", out)
    assert code == 1 and says_one_sentence(err) and "is there already" in err and out.read_text() == "precious"
    assert cli("render", file, "--out", out, "--overwrite", "--fps", 4)[0] == 0 and read_kept(out) == read_walk(file)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_export_that_is_stopped_is_gone_on_with(cli: Cli, number: signal.Signals, tmp_path: Path) -> None:
    file, out = walk_file(tmp_path, 12.0), tmp_path / "frames"
    command = [sys.executable, "main.py", "render", str(file), "--out", str(out), "--fps", "25", "--device", "cpu"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            deadline = time.monotonic() + START_S
            while len(list(out.glob("*.png"))) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            running.send_signal(number)
            said, err = running.communicate(timeout=START_S)
        finally:
            running.kill()
    there = sorted(out.glob("*.png"))
    assert (running.returncode, said) == (130, "") and "Traceback" not in err and len(there) >= 3
    assert err.splitlines()[-1] == f"Stopped with {len(there)} of 300 frames of {out}; the same command goes on."
    before = stamps(out)
    for missing in range(len(there), 300 - 3):  # all but three are as good as made
        (out / f"{missing:06}.png").touch()
    assert cli("render", file, "--out", out, "--fps", "25")[0] == 0
    after = stamps(out)
    assert len(list(out.glob("*.png"))) == 300 and all(after[path.name] == before[path.name] for path in there)
    assert np.array_equal(pixels_of(out / "000299.png"), expected_frames(file, 25)[-1])


# -- equivariance ------------------------------------------------------------------------------------------------------


def test_equivariance_prints_what_was_measured(cli: Cli) -> None:
    model = sg.load_model(GOLDEN / "sg3t_64.pkl")
    expected = equivariance(model, pictures=2, seed=5, psi=0.7)
    code, out, _ = cli("equivariance", GOLDEN / "sg3t_64.pkl", "--pictures", "2", "--seed", "5", "--psi", "0.7")
    assert code == 0 and out.splitlines() == [
        "sg3t_64, 2 pictures, psi 0.7:",
        f"  EQ-T       {expected.eq_t_db:.2f} dB, moved by whole pixels",
        f"  EQ-T_frac  {expected.eq_t_frac_db:.2f} dB, moved by parts of a pixel",
        f"  EQ-R       {expected.eq_r_db:.2f} dB, turned",
    ]


def test_equivariance_says_when_it_is_not_the_input_that_moves(cli: Cli) -> None:
    code, out, _ = cli("equivariance", FACES, "--pictures", "1")
    assert code == 0 and "its features of 16² were moved instead" in out


def test_equivariance_of_what_cannot_be_moved_is_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    still = dataclasses.replace(model := sg.load_model(FACES), card=model.card.model_copy(update={"moved_px": 0}))
    monkeypatch.setattr(sg, "load_model", lambda *args: still)
    code, out, err = cli("equivariance", FACES)
    assert (code, out) == (1, "") and says_one_sentence(err) and "no input that could be moved" in err


# -- convert -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["G_ema", "G"])
def test_a_converted_generator_makes_the_same_pictures(cli: Cli, tmp_path: Path, which: str) -> None:
    path = tmp_path / "new" / "model.safetensors"
    code, out, _ = cli("convert", CONDITIONAL, path, "--which", which)
    before, after = sg.load_model(CONDITIONAL, which=which), sg.load_model(path)
    words = f"Wrote {path}: {which} of stylegan2, 32 px, 200,387 parameters, sha256 {after.card.digest}.\n"
    assert (code, out) == (0, words)
    assert after.card.layers == before.card.layers
    z, c = torch.randn(1, 96, generator=torch.Generator().manual_seed(0)), torch.eye(5)[:1]
    assert torch.equal(after.synthesize(after.map(z, c, psi=0.5)), before.synthesize(before.map(z, c, psi=0.5)))


def test_a_discriminator_goes_to_a_file_of_its_own(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "D.safetensors"
    code, out, _ = cli("convert", CONDITIONAL, path, "--which", "D")
    assert code == 0 and out.startswith(f"Wrote {path}: the discriminator for 32 px, sha256 ")
    img, c = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.eye(5)[:2]
    assert torch.equal(sg.load_discriminator(path)(img, c), sg.load_discriminator(CONDITIONAL)(img, c))
    code, _, err = cli("convert", FACES, tmp_path / "none.safetensors", "--which", "D")
    assert code == 1 and says_one_sentence(err) and not (tmp_path / "none.safetensors").exists()


def test_convert_replaces_a_file_only_if_told(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_text("precious")
    code, out, err = cli("convert", CONDITIONAL, path)
    assert (code, out, err) == (1, "", f"{path} is there already; give --overwrite to replace it.\n")
    assert path.read_text() == "precious"
    assert cli("convert", CONDITIONAL, path, "--overwrite")[0] == 0
    assert sg.load_model(path).card.resolution == 32


@pytest.mark.parametrize("name", ["m.pkl", "m", "m.safetensors.bak"])
def test_convert_writes_no_other_kind(cli: Cli, tmp_path: Path, name: str) -> None:
    code, out, err = cli("convert", CONDITIONAL, tmp_path / name)
    assert (code, out) == (1, "") and says_one_sentence(err) and "does not end in .safetensors" in err
    assert list(tmp_path.iterdir()) == []


def test_convert_to_where_nothing_can_be_written_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, out, err = cli("convert", CONDITIONAL, tmp_path / "file" / "m.safetensors")
    assert (code, out) == (1, "") and says_one_sentence(err) and "cannot be written to" in err


# -- machines that lack something --------------------------------------------------------------------------------------


@pytest.fixture
def without(tmp_path: Path) -> Callable[[str], str]:
    """A PYTHONPATH on which a package cannot be found."""

    def folder(package: str) -> str:
        (tmp_path / "sitecustomize.py").write_text(
            "import sys\n"
            "class Missing:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            f"        if name.split('.')[0] == {package!r}:\n"
            "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
            "sys.meta_path.insert(0, Missing())\n"
        )
        return str(tmp_path)

    return folder


@pytest.mark.parametrize("package", ["torch", "typer", "platformdirs", "pydantic", "safetensors"])
def test_a_missing_package_is_one_sentence(without: Callable[[str], str], package: str) -> None:
    run = program("info", FACES, PYTHONPATH=without(package))
    words = f"The package '{package}' is missing: run 'make run', or 'pip install -r requirements.txt'.\n"
    assert (run.returncode, run.stdout, run.stderr) == (1, "", words)


@pytest.mark.parametrize("package", ["dearpygui", "glfw", "torch"])
def test_the_window_without_a_package_is_one_sentence(
    without: Callable[[str], str], package: str, display: str
) -> None:
    run = program(PYTHONPATH=without(package), DISPLAY=display)
    assert (run.returncode, run.stdout) == (1, "") and says_one_sentence(run.stderr.replace("requirements.txt'.", "'."))
    assert run.stderr.startswith(f"The package '{package}' is missing: run 'make run'")


def test_a_package_that_cannot_be_loaded_is_named_with_the_reason(tmp_path: Path, display: str) -> None:
    (tmp_path / "dearpygui").mkdir()
    reason = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "dearpygui" / "__init__.py").write_text(f"raise ImportError({reason!r})\n")
    run = program(PYTHONPATH=str(tmp_path), DISPLAY=display)
    words = f"A package cannot be loaded ({reason}): run 'make run', which installs what it needs.\n"
    assert (run.returncode, run.stdout, run.stderr) == (1, "", words)


@pytest.mark.parametrize(
    ("display_name", "words"),
    [(None, "There is no display (DISPLAY is not set)"), (":64999", "The display :64999 does not answer")],
)
def test_the_window_without_a_display_is_one_sentence(display_name: str | None, words: str) -> None:
    run = program(DISPLAY=display_name, WAYLAND_DISPLAY=None)
    assert (run.returncode, run.stdout) == (1, "")
    assert says_one_sentence(run.stderr) and run.stderr.startswith(words)


@pytest.fixture
def display_without_opengl() -> Iterator[str]:
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-extension", "GLX", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


def test_the_window_without_opengl_is_one_sentence(display_without_opengl: str) -> None:
    run = program(DISPLAY=display_without_opengl)
    assert (run.returncode, run.stdout) == (1, "")
    assert says_one_sentence(run.stderr) and run.stderr.startswith("OpenGL is missing: install a graphics driver")
