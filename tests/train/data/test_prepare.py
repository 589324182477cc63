"""A preparation says what it will do, does it, leaves out what it must with a reason, and does it the same again."""

import json
import os
import zipfile
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from stylegan_core.errors import Cancelled
from stylegan_core.watch import Watch
from tests.train.data.makers import DEMO, archive, files, folder, huge_png, listing, packed, picture, pixels, video
from train.data import packing
from train.data.dataset import TrainingImages
from train.data.errors import DataError
from train.data.fitting import MODE, Channels, Crop, PrepareSettings, fitted
from train.data.opening import open_images
from train.data.packing import Report, run
from train.data.prepare import Plan, plan

SMALL = PrepareSettings(width=8, height=6, near_bits=None)


def kinds(planned: Plan) -> dict[str, str]:
    return {found.name: found.kind for found in planned.left_out}


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def smooth(seed: int, size: int = 64) -> Image.Image:
    """A picture with large shapes, as photos have them."""
    return picture(seed, 6, 6).resize((size, size), Image.Resampling.BICUBIC)


def test_what_needs_no_change_comes_through_unchanged(tmp_path: Path) -> None:
    names = sorted(files(3))
    labels = listing({names[0]: 2, names[1]: 0, names[2]: 1})
    planned = plan([archive(tmp_path / "a.zip", files(3) | {"dataset.json": labels})], SMALL)
    report = run(planned, tmp_path / "out.zip")
    source = open_images(tmp_path / "out.zip")
    assert [source.image(i).tolist() for i in range(3)] == [pixels(i).tolist() for i in range(3)]
    assert source.labels.values == (2, 0, 1) and not report.left_out
    assert [entry for entry, _, _ in report.pictures] == names


def test_a_bad_picture_never_ends_it(tmp_path: Path) -> None:
    good = files(2)
    bad = {
        "broken.png": packed(picture(5))[:60],
        "huge.png": huge_png(50_000, 50_000),
        "words.jpg": b"words",
        "empty.png": b"",
        "small.png": packed(picture(6, 4, 3)),
        "same.bmp": packed(picture(1), "BMP"),
    }
    place = folder(tmp_path / "a", good | bad)
    planned = plan([place], SMALL.model_copy(update={"smallest_side": 4}))
    assert kinds(planned) == {
        "broken.png": "broken", "huge.png": "broken", "words.jpg": "broken", "empty.png": "broken",
        "small.png": "small", "same.bmp": "duplicate",
    }  # fmt: skip
    reasons = {found.name: found.reason for found in planned.left_out}
    assert "pixels" in reasons["huge.png"] and reasons["words.jpg"] == "is not a PNG, JPEG, WebP, GIF or BMP picture"
    assert reasons["small.png"] == "keeps 3 px on its shorter side, less than 4"
    assert reasons["same.bmp"] == "has the pixels of '00000/img00000001.png' in a"
    report = run(planned, tmp_path / "out.zip")
    assert len(report.pictures) == 2 and report.left_out == planned.left_out


def test_a_picture_that_breaks_between_plan_and_run_is_in_the_report(tmp_path: Path) -> None:
    place = folder(tmp_path / "a", files(3))
    planned = plan([place], SMALL)
    (place / planned.name(planned.pictures[1])).write_bytes(b"words")
    (place / planned.name(planned.pictures[2])).unlink()
    report = run(planned, tmp_path / "out.zip")
    assert len(report.pictures) == 1 and [found.kind for found in report.left_out] == ["broken", "broken"]
    assert str(tmp_path) not in report.model_dump_json()


def test_the_plan_says_what_will_be_done_and_does_nothing(tmp_path: Path) -> None:
    place = folder(
        tmp_path / "a", {"a.png": packed(picture(0, 40, 30)), "b.png": packed(picture(1, 4, 4)), "c.png": b""}
    )
    before = sorted(tmp_path.rglob("*"))
    told: list[float] = []
    lines = plan([place], PrepareSettings(width=20, height=20), Watch(progress=told.append)).summary()
    assert lines == [
        "2 of 3 pictures become 20×20 px, in colour.",
        "Now they have 4×4 to 40×30 px.",
        "Of another shape, cropped (centre): 1.",
        "Enlarged: 1.",
        "Left out, broken: 1.",
    ]
    assert sorted(tmp_path.rglob("*")) == before and told == [1 / 3, 2 / 3, 1]


def test_the_report_says_how_it_was_made(tmp_path: Path) -> None:
    place = folder(tmp_path / "a", files(2) | {"x.png": b""})
    report = run(plan([place], SMALL), tmp_path / "out.zip")
    inside = Report.model_validate_json(entries(tmp_path / "out.zip")["report.json"])
    assert inside == report and inside.settings == SMALL and inside.sources == ("a",)
    assert inside.pictures[1] == ("00000/img00000001.png", 0, "00000/img00000001.png")
    assert [found.name for found in inside.left_out] == ["x.png"]


def test_the_same_input_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        place = folder(tmp_path / name / "a", files(5))
        for path in place.rglob("*.png"):
            os.utime(path, (len(name), 1e9 * (name == "two")))
        run(plan([place], SMALL), tmp_path / name / "out.zip")
    assert (tmp_path / "one" / "out.zip").read_bytes() == (tmp_path / "two" / "out.zip").read_bytes()


@pytest.mark.parametrize(
    ("crop", "left", "top"), [("centre", 6, 0), ("left", 0, 0), ("right", 12, 0), ("top", 6, 0), ("bottom", 6, 0)]
)
def test_wide_pictures_are_cropped_where_asked(tmp_path: Path, crop: str, left: int, top: int) -> None:
    check_crop(tmp_path, (20, 8), crop, left, top)


@pytest.mark.parametrize(("crop", "top"), [("centre", 6), ("left", 6), ("right", 6), ("top", 0), ("bottom", 12)])
def test_tall_pictures_are_cropped_where_asked(tmp_path: Path, crop: str, top: int) -> None:
    check_crop(tmp_path, (8, 20), crop, 0, top)


def check_crop(tmp_path: Path, size: tuple[int, int], crop: str, left: int, top: int) -> None:
    place = folder(tmp_path / "a", {"a.png": packed(picture(0, *size))})
    run(plan([place], PrepareSettings(width=8, height=8, crop=crop)), tmp_path / "out.zip")
    found = open_images(tmp_path / "out.zip").image(0)
    assert np.array_equal(found, pixels(0, *size)[:, top : top + 8, left : left + 8])


def test_fitting_keeps_all_on_the_background(tmp_path: Path) -> None:
    place = folder(tmp_path / "a", {"a.png": packed(picture(0, 8, 4))})
    settings = PrepareSettings(width=8, height=8, crop="fit", background=(1, 2, 3))
    run(plan([place], settings), tmp_path / "out.zip")
    found = open_images(tmp_path / "out.zip").image(0)
    assert np.array_equal(found[:, 2:6], pixels(0, 8, 4))
    assert all((found[channel, [0, 1, 6, 7]] == channel + 1).all() for channel in range(3))


def test_fitting_in_grey_and_with_alpha(tmp_path: Path) -> None:
    place = folder(tmp_path / "a", {"a.png": packed(picture(0, 4, 8, "L"))})
    for channels, margin in (("grey", [255]), ("rgba", [255, 255, 255, 0])):
        settings = PrepareSettings(width=8, height=8, crop="fit", channels=channels)
        run(plan([place], settings), tmp_path / f"{channels}.zip")
        found = open_images(tmp_path / f"{channels}.zip").image(0)
        assert found[:, 0, 0].tolist() == margin and np.array_equal(found[0, :, 2:6], pixels(0, 4, 8, "L")[0])


def test_what_is_transparent_shows_the_background(tmp_path: Path) -> None:
    half = np.zeros((4, 4, 4), np.uint8)
    half[:, 2:] = (100, 110, 120, 255)
    place = folder(tmp_path / "a", {"a.png": packed(Image.fromarray(half))})
    run(plan([place], PrepareSettings(width=4, height=4, background=(9, 8, 7))), tmp_path / "out.zip")
    found = open_images(tmp_path / "out.zip").image(0)
    assert found[:, 0, 0].tolist() == [9, 8, 7] and found[:, 0, 3].tolist() == [100, 110, 120]
    run(plan([place], PrepareSettings(width=4, height=4, channels="rgba")), tmp_path / "alpha.zip")
    assert np.array_equal(open_images(tmp_path / "alpha.zip").image(0), half.transpose(2, 0, 1))


def test_shrinking_is_lanczos_and_does_not_alias(tmp_path: Path) -> None:
    board = Image.fromarray((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8))
    place = folder(tmp_path / "a", {"a.png": packed(board)})
    run(plan([place], PrepareSettings(width=16, height=16, channels="grey")), tmp_path / "out.zip")
    assert np.abs(open_images(tmp_path / "out.zip").image(0).astype(int) - 127).max() < 8


def test_photos_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.new("L", (8, 4))
    lying.paste(255, (0, 0, 4, 4))
    place = folder(tmp_path / "a", {"a.jpg": packed(lying, "JPEG", exif=exif)})
    planned = plan([place], PrepareSettings(width=4, height=8, channels="grey"))
    run(planned, tmp_path / "out.zip")
    found = open_images(tmp_path / "out.zip").image(0)[0]
    assert planned.pictures[0].size == (4, 8) and found[:4].min() > 200 and found[4:].max() < 50


def test_near_duplicates_are_left_out_by_the_stated_threshold(tmp_path: Path) -> None:
    pictures = {f"{i}.png": packed(smooth(i)) for i in range(6)}
    copies = {
        "x-jpeg.jpg": packed(smooth(0), "JPEG", quality=60),
        "x-smaller.png": packed(smooth(1).resize((40, 40))),
        "x-larger.png": packed(smooth(2).resize((100, 100))),
    }
    other = {"y-mirrored.png": packed(smooth(3).transpose(Image.Transpose.FLIP_LEFT_RIGHT))}
    place = folder(tmp_path / "a", pictures | copies | other)
    settings = PrepareSettings(width=32, height=32)
    planned = plan([place], settings)
    assert kinds(planned) == dict.fromkeys(copies, "near duplicate")
    found = {item.name: item.reason for item in planned.left_out}
    assert found["x-jpeg.jpg"].startswith("looks like '0.png' in a: of their hashes ")
    assert not plan([place], settings.model_copy(update={"near_bits": None})).left_out


def test_the_same_shapes_in_other_colours_are_no_duplicates(tmp_path: Path) -> None:
    tinted = Image.fromarray((np.asarray(smooth(0)) * (1.0, 0.9, 0.8)).astype(np.uint8))
    place = folder(tmp_path / "a", {"a.png": packed(smooth(0)), "b.png": packed(tinted)})
    assert not plan([place], PrepareSettings(width=32, height=32)).left_out


def test_sub_folders_become_classes_across_sources(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", {"cat/a.png": packed(picture(0)), "eel/b.png": packed(picture(1))})
    two = folder(
        tmp_path / "two",
        {"dog/a.png": packed(picture(2)), "cat/b.png": packed(picture(3)), "c.png": packed(picture(4))},
    )
    planned = plan([one, two], SMALL.model_copy(update={"labels": "folders"}))
    assert planned.class_names == ("cat", "dog", "eel") and kinds(planned) == {"c.png": "unlabelled"}
    assert "Classes: cat 2, dog 1, eel 1." in planned.summary()
    run(planned, tmp_path / "out.zip")
    labels = open_images(tmp_path / "out.zip").labels
    assert labels.values == (0, 2, 0, 1) and labels.names == ("cat", "dog", "eel")


def test_vectors_are_kept_and_left_out_where_not_wanted(tmp_path: Path) -> None:
    names = sorted(files(2))
    place = archive(tmp_path / "a.zip", files(2) | {"dataset.json": listing({names[0]: [0.5, 1], names[1]: [2, 3]})})
    run(plan([place], SMALL), tmp_path / "out.zip")
    assert open_images(tmp_path / "out.zip").label(1).tolist() == [2, 3]
    run(plan([place], SMALL.model_copy(update={"labels": "none"})), tmp_path / "none.zip")
    assert json.loads(entries(tmp_path / "none.zip")["dataset.json"]) == {"labels": None}


def test_labels_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    names = sorted(files(1))
    one = archive(tmp_path / "a.zip", files(1) | {"dataset.json": listing({names[0]: 0})})
    for other in (
        {},
        {"dataset.json": listing({names[0]: [1, 2]})},
        {"dataset.json": listing({names[0]: 0}, class_names=["x"])},
    ):
        two = archive(tmp_path / "b.zip", files(1) | other)
        with pytest.raises(DataError, match=r"labels of .*b\.zip do not go with those of .*a\.zip; prepare"):
            plan([one, two], SMALL)


def test_frames_of_a_video_become_pictures(tmp_path: Path) -> None:
    settings = PrepareSettings(width=16, height=16, every=4)
    planned = plan([video(tmp_path / "a.mp4")], settings)
    report = run(planned, tmp_path / "out.zip")
    source = open_images(tmp_path / "out.zip")
    assert [name for _, _, name in report.pictures] == [f"frame {i}" for i in range(0, 24, 4)]
    assert all(abs(float(source.image(i).mean()) - 40 * i) < 3 for i in range(6))


@pytest.mark.parametrize("moment", [0, 2])
def test_it_can_be_cancelled_and_leaves_nothing(tmp_path: Path, moment: int) -> None:
    place = folder(tmp_path / "a", files(4))
    calls: list[float] = []
    watch = Watch(cancelled=lambda: len(calls) >= moment, progress=calls.append)
    with pytest.raises(Cancelled):
        plan([place], SMALL, watch)
    planned = plan([place], SMALL)
    calls.clear()
    with pytest.raises(Cancelled):
        run(planned, tmp_path / "out" / "out.zip", watch)
    assert not list((tmp_path / "out").iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out.zip").write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    planned = plan([folder(tmp_path / "a", files(2))], SMALL)
    monkeypatch.setattr(packing, "_add", full)
    with pytest.raises(DataError, match=r"out\.zip cannot be written: No space left on device"):
        run(planned, tmp_path / "out.zip", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "out.zip"]
    assert (tmp_path / "out.zip").read_bytes() == b"old"


def test_nothing_is_overwritten_unasked_and_no_source_ever(tmp_path: Path) -> None:
    place = archive(tmp_path / "a.zip", files(2))
    planned = plan([place], SMALL)
    (tmp_path / "out.zip").write_bytes(b"old")
    with pytest.raises(DataError, match=r"out\.zip is there already; give another name, or overwrite it"):
        run(planned, tmp_path / "out.zip")
    run(planned, tmp_path / "out.zip", overwrite=True)
    assert len(open_images(tmp_path / "out.zip")) == 2
    with pytest.raises(DataError, match=r"a\.zip is one of the sources; give another name"):
        run(planned, place, overwrite=True)


def test_nothing_left_is_said(tmp_path: Path) -> None:
    planned = plan([folder(tmp_path / "a", {"a.png": b""})], SMALL)
    assert planned.summary() == ["0 of 1 pictures become 8×6 px, in colour.", "Left out, broken: 1."]
    with pytest.raises(DataError, match="No picture is left to prepare; loosen the settings"):
        run(planned, tmp_path / "out.zip")


@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    wanted=st.tuples(st.integers(4, 40), st.integers(4, 40)),
    crop=st.sampled_from(get_args(Crop)),
    mode=st.sampled_from(["L", "RGB", "RGBA"]),
    channels=st.sampled_from(get_args(Channels)),
)
def test_whatever_the_shapes_a_picture_has_the_size_and_channels_asked_for(
    size: tuple[int, int], wanted: tuple[int, int], crop: Crop, mode: str, channels: Channels
) -> None:
    settings = PrepareSettings(width=wanted[0], height=wanted[1], crop=crop, channels=channels)
    found = fitted(Image.new(mode, size, "white"), settings)
    assert found.size == wanted and found.mode == MODE[channels]
    assert np.asarray(found).reshape(wanted[1], wanted[0], -1)[..., 0].min() == 255  # nothing dark at the edges


@pytest.mark.parametrize(
    "wrong",
    [{"width": 0}, {"height": 9000}, {"crop": "middle"}, {"near_bits": -1}, {"background": (0, 0, 256)}, {"x": 1}],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PrepareSettings(**wrong)


def test_the_demo_data_set_smaller(tmp_path: Path) -> None:
    planned = plan([DEMO], PrepareSettings(width=32, height=32))
    assert 820 <= len(planned.pictures) <= 830
    run(planned, tmp_path / "out.zip")
    images = TrainingImages(open_images(tmp_path / "out.zip"))
    original = open_images(DEMO)
    assert images.shape == (3, 32, 32) and images.label_width == 6
    last = planned.pictures[-1]
    mean = original.image(last.index).reshape(3, 32, 4, 32, 4).mean((2, 4))
    assert np.abs(images[len(images) - 1][0].numpy() - mean).mean() < 4
    assert images[len(images) - 1][1].tolist() == original.label(last.index).tolist()
