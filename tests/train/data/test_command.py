"""The command prepares what it says it will, names what it leaves out, and leaves nothing half behind."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main
from tests.train.data.makers import archive, files, folder, listing, packed, picture, video
from train.data import packing
from train.data.opening import open_images
from train.data.words import in_bytes, room_for

Cli = Callable[..., tuple[int, str, str]]
Entries = dict[str, bytes]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs `prepare` in this process: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main(["prepare", *map(str, arguments)])
        return (ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Wide ones in two folders, one with holes, a broken one, a copy, and something else."""
    entries = {
        "a/1.png": packed(picture(0, 30, 20)),
        "a/2.png": packed(picture(1, 30, 20, "RGBA")),
        "b/3.jpg": packed(picture(2, 24, 24), "JPEG"),
        "b/\x1b[2J.png": b"words",
        "b/copy.png": packed(picture(0, 30, 20)),
        "b/notes.txt": b"",
    }
    return folder(tmp_path / "photos", entries)


def official(path: Path) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Pictures and labels as the official code finds them: what Pillow knows by its ending, in order of names."""
    Image.init()
    with zipfile.ZipFile(path) as file:
        names = sorted(name for name in file.namelist() if Path(name).suffix.lower() in Image.EXTENSION)
        pictures = [np.asarray(Image.open(io.BytesIO(file.read(name)))) for name in names]
        labels = json.loads(file.read("dataset.json"))["labels"]
    return pictures, None if labels is None else np.asarray([dict(labels)[name] for name in names])


def test_it_says_what_it_does_and_does_it(cli: Cli, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out.zip"
    code, told, err = cli(photos, "--out", out, "--size", "12x8", "--labels", "folders")
    lines = told.splitlines()
    assert code == 0 and "Preparing: 100 %" in err
    assert lines[:5] == [
        "3 of 5 pictures become 12×8 px, in colour.",
        "Now they have 24×24 to 30×20 px.",
        "Of another shape, cropped (centre): 1.",
        "Transparent, put on the colour #ffffff: 1.",
        "Left out, broken: 1.",
    ]
    assert "Classes: a 2, b 1." in lines and "Other files, not looked at: 1 .txt." in lines
    assert "  broken               b/?[2J.png  is not a PNG, JPEG, WebP, GIF or BMP picture" in lines
    assert "  the same as another  b/copy.png  has the pixels of 'a/1.png' in photos" in lines
    assert lines[-1].startswith(f"Wrote {out}: 3 pictures, ") and "\x1b" not in told
    assert open_images(out).shape == (3, 8, 12)
    pictures, labels = official(out)
    assert [array.shape for array in pictures] == [(8, 12, 3)] * 3
    assert labels is not None and labels.tolist() == [0, 0, 1] and labels.dtype == np.int64


def test_a_dry_run_writes_nothing_and_says_the_same(cli: Cli, photos: Path, tmp_path: Path) -> None:
    arguments = (photos, "--out", tmp_path / "out.zip", "--size", "8")
    code, dry, _ = cli(*arguments, "--dry-run")
    assert code == 0 and dry.endswith("\nNothing was written.\n") and not (tmp_path / "out.zip").exists()
    _, wet, _ = cli(*arguments)
    assert wet.splitlines()[:-1] == dry.splitlines()[:-1]


def test_transparency_is_kept_or_put_on_a_colour(cli: Cli, photos: Path, tmp_path: Path) -> None:
    assert cli(photos, "--out", tmp_path / "a.zip", "--size", "8", "--alpha", "keep")[0] == 0
    assert open_images(tmp_path / "a.zip").shape == (4, 8, 8)
    _, told, _ = cli(photos, "--out", tmp_path / "b.zip", "--size", "8", "--alpha", "#ff8800", "--crop", "fit")
    assert "Transparent, put on the colour #ff8800: 1." in told
    assert open_images(tmp_path / "b.zip").image(0)[:, 0, 0].tolist() == [255, 136, 0]
    _, told, _ = cli(photos, "--out", tmp_path / "c.zip", "--size", "8", "--grey")
    assert "Coloured, made grey: 3." in told and open_images(tmp_path / "c.zip").shape == (1, 8, 8)


def test_duplicates_are_kept_where_that_is_asked_for(cli: Cli, tmp_path: Path) -> None:
    smooth = picture(0, 6, 6).resize((64, 64), Image.Resampling.BICUBIC)
    place = folder(
        tmp_path / "a",
        {"1.png": packed(smooth), "2.png": packed(smooth), "3.jpg": packed(smooth, "JPEG", quality=60)},
    )
    for options, kept in ((), 1), (("--keep-similar",), 2), (("--keep-duplicates",), 3):
        out = tmp_path / f"{kept}.zip"
        assert cli(place, "--out", out, "--size", "32", *options)[0] == 0
        assert len(open_images(out)) == kept


def test_videos_and_several_sources(cli: Cli, photos: Path, tmp_path: Path) -> None:
    clip = video(tmp_path / "clip.mp4", count=8)
    options = ("--every", "4", "--size", "16", "--keep-duplicates", "--smallest", "22")
    code, told, _ = cli(clip, photos, "--out", tmp_path / "out.zip", *options)
    assert code == 0 and "  too small  a/1.png in photos     keeps 20 px on its shorter side, less than 22" in told
    assert len(open_images(tmp_path / "out.zip")) == 3


def test_a_long_list_is_cut_unless_all_is_asked_for(cli: Cli, tmp_path: Path) -> None:
    place = folder(tmp_path / "a", {f"{i:02}.png": b"" for i in range(23)} | {"x.png": packed(picture(0))})
    arguments = (place, "--out", tmp_path / "out.zip", "--size", "8", "--dry-run")
    _, told, _ = cli(*arguments)
    assert "19.png" in told and "20.png" not in told and "and 3 broken: --all lists them too." in told
    _, told, _ = cli(*arguments, "--all")
    assert "22.png" in told and "--all" not in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "33x"], "--size: '33x' is no size; write 128, or 96x64 for width and height."),
        (["--size", "2"], "--size cannot be so: input should be greater than or equal to 4."),
        (["--size", "8", "--alpha", "warm"], "--alpha: 'warm' is neither 'keep' nor a colour"),
        (["--grey", "--alpha", "keep"], "--grey has one channel and --alpha keep needs four"),
        (["--smallest", "9999"], "No picture is left to prepare; loosen the settings"),
    ],
)
def test_what_cannot_be_is_one_sentence(cli: Cli, photos: Path, tmp_path: Path, options: list[str], words: str) -> None:
    code, _, err = cli(photos, "--out", tmp_path / "out.zip", *options)
    assert code == 1 and err.splitlines()[-1].startswith(words) and not (tmp_path / "out.zip").exists()


def test_places_that_cannot_be_are_one_sentence(cli: Cli, photos: Path, tmp_path: Path) -> None:
    names = sorted(files(2))
    zipped = archive(tmp_path / "a.zip", files(2) | {"dataset.json": listing(dict.fromkeys(names, 0))})
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        ((photos, "--out", tmp_path / "out.png"), "out.png does not end in .zip"),
        ((photos, "--out", zipped), "a.zip is there already; give another name, or overwrite it."),
        ((zipped, "--out", zipped, "--overwrite"), "a.zip is one of the sources; give another name."),
        ((photos, "--out", tmp_path / ("x" * 300 + ".zip")), "cannot be written: File name too long."),
        ((tmp_path / "empty", "--out", tmp_path / "out.zip"), "No picture is left to prepare; give other pictures."),
        ((tmp_path / "gone", "--out", tmp_path / "out.zip"), "gone does not exist; give the path of a zip"),
    ):
        code, _, err = cli(*arguments)
        assert code == 1 and words in err.splitlines()[-1], err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "empty", "photos"]
    assert official(zipped)[1] is not None


def test_ctrl_c_leaves_nothing(cli: Cli, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(packing, "_add", interrupted)
    code, _, err = cli(photos, "--out", tmp_path / "out.zip", "--size", "8")
    assert code == 130 and err.endswith("Stopped; nothing was written.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_sizes_are_readable_and_a_full_disk_is_foreseen(tmp_path: Path) -> None:
    assert [in_bytes(number) for number in (12, 3400, 5.6e6, 7.8e9)] == ["12 bytes", "3.4 kB", "5.6 MB", "7.8 GB"]
    assert room_for(1000, tmp_path / "a" / "b.zip").endswith(" are free.")
    assert room_for(10**18, tmp_path / "b.zip").endswith(" are free, too little.")
