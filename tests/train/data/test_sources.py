"""Folders, zips and videos give the pictures and labels that are in them, and say in a sentence what they cannot."""

import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stylegan_core.errors import Cancelled
from stylegan_core.watch import Watch
from tests.train.data.makers import DEMO, archive, files, folder, listing, packed, picture, pixels, video
from train.data.errors import DataError
from train.data.folder import FolderImages
from train.data.images import ImageSource
from train.data.opening import open_images

MAKERS = {
    "zip": lambda path, entries: archive(path / "a.zip", entries),
    "folder": lambda path, entries: folder(path / "a", entries),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest, tmp_path: Path):
    """Puts entries into a zip or a folder, and opens it."""

    def opened(entries: dict[str, bytes], **options: object) -> ImageSource:
        return open_images(MAKERS[request.param](tmp_path, entries), **options)

    return opened


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(8, 6), (5, 9)])
def test_every_pixel_comes_back(make, mode: str, size: tuple[int, int]) -> None:
    source = make(files(4, width=size[0], height=size[1], mode=mode))
    assert len(source) == 4 and source.shape == pixels(0, *size, mode).shape and source.label_width == 0
    for index in range(4):
        found = source.image(index)
        assert found.dtype == np.uint8 and found.flags["C_CONTIGUOUS"]
        assert np.array_equal(found, pixels(index, *size, mode))
    assert source.label(3).shape == (0,)


def test_jpegs_and_deep_folders_are_read_and_other_files_are_not(make) -> None:
    source = make(
        {
            "b/c/d.JPG": packed(picture(0, 16, 16), "JPEG"),
            "a.jpeg": packed(picture(1, 16, 16), "JPEG"),
            "notes.txt": b"",
            ".hidden.png": b"",
            "b/.thumbs/x.png": b"",
        }
    )
    assert [source.name(i) for i in range(len(source))] == ["a.jpeg", "b/c/d.JPG"]
    assert source.image(1).shape == (3, 16, 16)


def test_what_is_not_read_is_counted(make) -> None:
    source = make({"a.png": packed(picture(0)), "b/c.HEIC": b"", "d.heic": b"", "README": b"", "dataset.json": b"{}"})
    assert len(source) == 1 and source.others == {".heic": 2, "without an ending": 1}


def test_a_folder_that_nobody_may_look_into_stands_for_a_broken_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder(tmp_path, {"a.png": packed(picture(0)), "private/b.png": packed(picture(1))})
    (tmp_path / "link").symlink_to(tmp_path / "private")
    real = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "private":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    source = open_images(place)
    assert [source.name(i) for i in range(len(source))] == ["a.png", "private/"]
    assert source.others == {"links to folders": 1}
    with pytest.raises(DataError, match=r"'private/' in .* cannot be looked into \(Permission denied\); prepare"):
        source.image(1)


def test_a_file_that_nobody_may_look_at_stands_for_a_broken_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder(tmp_path, {"a.png": packed(picture(0))})

    def refused(path: Path, **_: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("train.data.folder.Path.stat", refused)
    assert FolderImages(place).names == ("a.png",)


def test_labels_are_classes(make) -> None:
    names = sorted(files(3))
    source = make(files(3) | {"dataset.json": listing({names[0]: 2, names[1]: 0, names[2]: 1})})
    assert source.label_width == 3 and source.label(0).dtype == np.float32
    assert [source.label(i).tolist() for i in range(3)] == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_labels_are_vectors(make) -> None:
    names = sorted(files(2))
    source = make(files(2) | {"dataset.json": listing({names[0]: [0.5, -1], names[1]: [3, 4]})})
    assert source.label_width == 2 and [source.label(i).tolist() for i in range(2)] == [[0.5, -1], [3, 4]]


@pytest.mark.parametrize("content", [b'{"labels": null}', b"{}", b'{"labels": []}'])
def test_there_may_be_no_labels(make, content: bytes) -> None:
    source = make(files(2) | {"dataset.json": content})
    source.check()
    assert source.label_width == 0


def test_folders_are_classes_where_that_is_asked_for(make) -> None:
    one = packed(picture(0))
    source = make({"cat/a.png": one, "dog/b/c.png": one, "cat/d.png": one}, folders_as_classes=True)
    assert source.labels.names == ("cat", "dog") and source.labels.values == (0, 0, 1)
    source.check()


def test_class_names_of_a_preparation_come_back(make) -> None:
    name = min(files(1))
    source = make(files(1) | {"dataset.json": listing({name: 0}, class_names=["a", "b"])})
    assert source.labels.names == ("a", "b") and source.label(0).tolist() == [1, 0]


def test_names_cannot_write_over_the_terminal(make) -> None:
    source = make({"\x1b[2J.png": b"", "dataset.json": listing({"\x1b[2J.png": 0}, class_names=["\x1b[2J"])})
    with pytest.raises(DataError) as caught:
        source.check()
    assert str(caught.value).isprintable() and source.labels.names == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "dataset.json.* is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[]", 'has no list "labels"'),
        (b'{"labels": 3}', 'has no list "labels"'),
        (b'{"labels": [["a.png"]]}', "has an entry .* that is no label; write"),
        (b'{"labels": [["a.png", -1]]}', "that is no label"),
        (b'{"labels": [["a.png", 65536]]}', "that is no label"),
        (b'{"labels": [["a.png", true]]}', "that is no label"),
        (b'{"labels": [["a.png", "x"]]}', "that is no label"),
        (b'{"labels": [["a.png", []]]}', "that is no label"),
        (b'{"labels": [["a.png", [NaN]]]}', "that is no label"),
        (b'{"labels": [["a.png", [1' + b"0" * 400 + b"]]]}", "that is no label"),
        (b'{"labels": [["a.png", 1], ["b.png", [1]]]}', r"labels of different kinds \(classes and vectors of 1\)"),
        (b'{"labels": [["a.png", [1, 2]], ["b.png", [1]]]}', "vectors of 1 and vectors of 2"),
    ],
)
def test_a_broken_listing_is_refused(make, content: bytes, message: str) -> None:
    one = packed(picture(0))
    with pytest.raises(DataError, match=message):
        make({"a.png": one, "b.png": one, "dataset.json": content})


def test_a_missing_label_is_named(make) -> None:
    one = packed(picture(0))
    source = make({"a.png": one, "b.png": one, "dataset.json": listing({"a.png": 0})})
    with pytest.raises(DataError, match=r"b\.png.* has no label and others have one; give it one, or learn without"):
        source.check()
    source.check(labelled=False)


def test_a_picture_of_another_size_is_named(make) -> None:
    source = make({"a.png": packed(picture(0)), "b.png": packed(picture(0, 9, 6))})
    with pytest.raises(DataError, match=r"b\.png.* has 9×6 pixels and the first picture 8×6; prepare"):
        source.image(1)


def test_channels_are_added_but_never_lost(make) -> None:
    kinds = {f"{mode}.png": packed(picture(0, mode=mode)) for mode in ("L", "RGB", "RGBA")}
    rgb = make({"a.png": kinds["RGB.png"], "b.png": kinds["L.png"], "c.png": kinds["RGBA.png"]})
    assert np.array_equal(rgb.image(1), pixels(0, mode="L").repeat(3, axis=0))
    with pytest.raises(DataError, match=r"c\.png.* has transparency and the first picture has none; prepare"):
        rgb.image(2)


def test_colours_in_a_grey_set_are_named(make) -> None:
    source = make({"a.png": packed(picture(0, mode="L")), "b.png": packed(picture(0))})
    with pytest.raises(DataError, match=r"b\.png.* has colours and the first picture has none"):
        source.image(1)


def test_palettes_and_16_bits_become_plain(make) -> None:
    deep = Image.fromarray((np.arange(48, dtype=np.uint16) * 1000).reshape(6, 8))
    palette = picture(0).convert("P")
    source = make({"a.png": packed(deep), "b.png": packed(palette)})
    assert np.array_equal(source.image(0)[0], (np.arange(48) * 1000 >> 8).reshape(6, 8).astype(np.uint8))
    assert np.asarray(source.fetch(1)()).tolist() == np.asarray(palette.convert("RGB")).tolist()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright(make, orientation: int) -> None:
    """A corner that EXIF says is at the top left is there afterwards."""
    upright = Image.new("L", (16, 24), 0)
    upright.paste(255, (0, 0, 8, 8))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transpose that undoes each orientation
    lying = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = make({"a.jpg": packed(lying, "JPEG", exif=exif, quality=95)})
    assert source.shape == (1, 24, 16)
    assert np.abs(source.image(0)[0].astype(int) - np.asarray(upright)).max() < 40


def test_a_folder_and_its_zip_have_one_digest_that_changes_with_either_picture_or_label(tmp_path: Path) -> None:
    names = sorted(files(3))
    first = files(3) | {"dataset.json": listing(dict.fromkeys(names, 0))}
    relabelled = first | {"dataset.json": listing({names[0]: 1, names[1]: 0, names[2]: 0})}
    repainted = first | {names[2]: packed(picture(9))}
    inside = open_images(folder(tmp_path / "a", first)).digest()
    others = [
        open_images(archive(tmp_path / f"{i}.zip", e)).digest() for i, e in enumerate((first, relabelled, repainted))
    ]
    assert inside == others[0] and len({*others}) == 3
    with pytest.raises(Cancelled):
        open_images(tmp_path / "a").digest(Watch(cancelled=lambda: True))


def test_a_copy_of_a_source_reads_through_a_handle_of_its_own(make) -> None:
    source = make(files(2))
    source.image(0)
    copy = pickle.loads(pickle.dumps(source))
    source.close()
    assert np.array_equal(copy.image(1), pixels(1)) and np.array_equal(source.image(1), pixels(1))


def test_a_fork_does_not_share_a_place_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_images(archive(tmp_path / "a.zip", files(2)))
    opened = []
    real = zipfile.ZipFile
    monkeypatch.setattr(zipfile, "ZipFile", lambda *args: opened.append(args) or real(*args))
    source.image(0)
    assert not opened
    here = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: here + 1)
    assert np.array_equal(source.image(1), pixels(1)) and len(opened) == 1


def test_nothing_to_learn_from_is_said(make) -> None:
    with pytest.raises(DataError, match="holds no pictures; give a folder"):
        make({"a.txt": b""}).check()


@pytest.mark.parametrize("name", ["no" * 300, "no" * 300 + ".mp4"])
def test_names_that_no_disk_takes_are_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r" cannot be read: File name too long"):
        open_images(tmp_path / name)


def test_a_video_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.mp4 is no video that can be read"):
        open_images(tmp_path / "a.mp4")


@pytest.mark.parametrize("name", ["no.zip", "no", "no.mp4"])
def test_what_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=rf"{name} does not exist; give the path"):
        open_images(tmp_path / name)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(DataError, match="neither a folder, nor a zip, nor a video"):
        open_images(tmp_path / "a.txt")


def test_links_to_devices_and_pipes_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "gone.png").symlink_to("nowhere")
    assert len(open_images(tmp_path)) == 0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return video(tmp_path_factory.mktemp("video") / "a.mp4")


@pytest.mark.parametrize("order", [range(24), range(23, -1, -1), (20, 3, 3, 4, 21, 0, 9)], ids=["on", "back", "jumps"])
def test_each_frame_is_found_by_its_number(clip: Path, order: range) -> None:
    source = open_images(clip)
    assert len(source) == 24 and source.shape == (3, 64, 64)
    means = {index: float(source.image(index).mean()) for index in order}
    assert all(abs(mean - 10 * index) < 3 for index, mean in means.items()), means
    source.close()


def test_every_third_frame(clip: Path) -> None:
    source = open_images(clip, every=3)
    assert len(source) == 8 and source.name(2) == "frame 6" and abs(float(source.image(2).mean()) - 60) < 3
    assert source.digest() != open_images(clip).digest()
    copy = pickle.loads(pickle.dumps(source))
    assert np.array_equal(copy.image(2), source.image(2))
    source.close()
    copy.close()


def test_webm_is_read_too(tmp_path: Path) -> None:
    source = open_images(video(tmp_path / "a.webm", count=4, codec="libvpx-vp9"))
    assert len(source) == 4 and abs(float(source.image(3).mean()) - 30) < 3
    source.close()


def test_a_list_of_addresses_that_calls_itself_a_video_is_not_followed(tmp_path: Path, clip: Path) -> None:
    for name, text in {
        "a.mp4": f"ffconcat version 1.0\nfile '{clip}'\n",
        "b.mkv": f"#EXTM3U\n#EXTINF:1,\n{clip}\n",
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match="is no video that can be read; give an MP4"):
            open_images(tmp_path / name)


def test_a_video_by_an_unknown_codec_is_refused(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(DataError, match=r"a\.mp4 is no video that can be read; give an MP4"):
        open_images(tmp_path / "a.mp4")


def test_a_video_that_breaks_off_says_which_frame(clip: Path, tmp_path: Path) -> None:
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + 4
    data[start : start + len(data) // 4] = b"\xff" * (len(data) // 4)
    (tmp_path / "a.mp4").write_bytes(data)
    source = open_images(tmp_path / "a.mp4")
    with pytest.raises(DataError, match=r"'frame 0' in .*a\.mp4 cannot be decoded; prepare"):
        source.image(0)


def test_a_video_that_was_held_upright_stands_upright(tmp_path: Path) -> None:
    """Phones store lying frames, and say by a matrix that they are to be turned a quarter clockwise."""
    path = video(tmp_path / "a.mp4", count=2, width=96, bright_left=True)
    one, none = struct.pack(">i", 1 << 16), bytes(4)
    identity = one + none * 3 + one + none * 3 + struct.pack(">i", 1 << 30)
    quarter = none + one + none + struct.pack(">i", -(1 << 16)) + none * 4 + struct.pack(">i", 1 << 30)
    data = path.read_bytes()
    track = data.index(b"tkhd")
    path.write_bytes(data[:track] + data[track:].replace(identity, quarter, 1))
    source = open_images(path)
    assert source.shape == (3, 96, 64)
    assert source.image(1)[:, :40].min() > 200 and source.image(1)[:, 56:].max() < 50
    source.close()


@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=20))
@settings(max_examples=20)
def test_whatever_becomes_of_a_videos_bytes_it_is_read_or_a_sentence(
    clip: Path, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(clip.read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    path.write_bytes(data)
    try:
        source = open_images(path)
        found = [source.fetch(index)().mode for index in range(len(source))]
        source.close()
    except DataError as error:
        found = [str(error)]
    assert all(mode == "RGB" or str(path) in mode for mode in found)


def test_no_frames_between_frames_are_asked_for(clip: Path) -> None:
    with pytest.raises(DataError, match=r"every 0 frames .* give 1 or more"):
        open_images(clip, every=0)


def test_the_demo_data_set() -> None:
    source = open_images(DEMO)
    source.check()
    assert len(source) == 830 and source.shape == (3, 128, 128) and source.label_width == 6
    counts = sum(source.label(i) for i in range(830))
    assert counts.sum() == 830 and counts.min() > 100
    assert all(source.image(i)[:, 0, 0].min() > 200 for i in (0, 400, 829))  # faces on white
