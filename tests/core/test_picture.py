"""Pictures carry their Scene, broken ones are refused in a sentence, and no failure leaves half a file."""

import os
import stat
import struct
import threading
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from stylegan_core.errors import SceneError
from stylegan_core.files import write_whole
from stylegan_core.picture import SCENE_KEY, PictureFileError, read_scene, write_png
from stylegan_core.scene import Latent, Scene, scene_to_json
from tests.strategies import scenes

PIXELS = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)


def png(path: Path, text: str | None, key: str = SCENE_KEY, compress: bool = False) -> Path:
    info = PngInfo()
    if text is not None:
        info.add_itxt(key, text, zip=compress)
    Image.fromarray(PIXELS).save(path, pnginfo=info)
    return path


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@given(scene=scenes())
@settings(max_examples=20)
def test_the_scene_comes_back(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> None:
    path = tmp_path_factory.mktemp("png") / "a.png"
    write_png(path, PIXELS, scene)
    assert scene_to_json(read_scene(path)) == scene_to_json(scene)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_pixels_come_back(tmp_path: Path, channels: int) -> None:
    pixels = np.random.RandomState(channels).randint(0, 256, (8, 6, channels)).astype(np.uint8)
    write_png(tmp_path / "new" / "a.png", pixels, Scene())
    with Image.open(tmp_path / "new" / "a.png") as image:
        assert np.array_equal(np.asarray(image).reshape(pixels.shape), pixels)
        assert image.text["Parameters"] == "seed 0, psi 0.7"


def test_five_channels_are_no_picture(tmp_path: Path) -> None:
    with pytest.raises(
        PictureFileError, match=r"a\.png cannot be written: a PNG has 1 to 4 channels, this picture 5\."
    ):
        write_png(tmp_path / "a.png", np.zeros((4, 4, 5), np.uint8), Scene())
    assert list(tmp_path.iterdir()) == []


def test_a_scene_after_the_pixels_is_found_too(tmp_path: Path) -> None:
    """Other programs may put texts at the end when they save a picture again."""
    path = png(tmp_path / "a.png", None)
    end = chunk(b"IEND", b"")
    text = SCENE_KEY.encode() + b"\0\0\0\0\0" + scene_to_json(Scene(latent=Latent(seed=9))).encode()
    path.write_bytes(path.read_bytes().removesuffix(end) + chunk(b"iTXt", text) + end)
    assert read_scene(path).latent.seed == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "carries no Scene; only pictures saved by StyleScope can be opened"),
        ("", "the Scene in it is broken"),
        ("{", "the Scene in it is broken"),
        ("[" * 100_000, "the Scene in it is broken"),
        ("[]", "holds no Scene"),
        ('{"latent": {"seed": -1}}', r"field 'latent\.seed'"),
        ('{"version": 99}', "field 'version' is 99"),
    ],
)
def test_a_picture_without_a_scene_that_can_be_read(tmp_path: Path, text: str | None, message: str) -> None:
    path = png(tmp_path / "a.png", text)
    with pytest.raises(SceneError, match=message) as error:
        read_scene(path)
    assert str(error.value).startswith(str(path)) and str(error.value).endswith(".")


@pytest.mark.parametrize("content", [b"", b"\x89PNG", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"no picture" * 99])
def test_what_is_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(SceneError, match=r"a\.png cannot be read as a picture"):
        read_scene(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"a\.png does not exist\.$"):
        read_scene(tmp_path / "a.png")
    with pytest.raises(SceneError, match="cannot be read as a picture"):
        read_scene(tmp_path)


def test_a_text_that_unfolds_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", '{"a": "' + "a" * (64 << 20) + '"}', compress=True)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(SceneError, match=r"a\.png cannot be read as a picture"):
        read_scene(path)


@pytest.mark.parametrize("side", [30_000, 2**31 - 1])
def test_a_picture_that_unfolds_to_gigabytes_is_refused(tmp_path: Path, side: int) -> None:
    path = tmp_path / "a.png"
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    with pytest.raises(SceneError, match=r"a\.png cannot be read as a picture"):
        read_scene(path)


@settings(max_examples=300)
@given(cut=st.integers(0, 1600), at=st.integers(0, 1600), junk=st.binary(max_size=8), again=st.booleans())
def test_a_damaged_picture_never_fails_otherwise(
    tmp_path_factory: pytest.TempPathFactory, cut: int, at: int, junk: bytes, again: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    write_png(path, PIXELS, Scene())
    data = bytearray(path.read_bytes())
    data[at : at + len(junk)] = junk
    path.write_bytes(bytes(data[:-cut] if again and cut else data))
    with suppress(SceneError):
        read_scene(path)


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(file: object) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_whole(path, fail)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_what_was_there(tmp_path: Path) -> None:
    def interrupted(file: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a.txt", interrupted)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path, seen = tmp_path / "a.txt", []
    path.write_text("old")
    write_whole(path, lambda file: (file.write(b"new"), file.flush(), seen.append(path.read_text())))
    assert seen == ["old"] and path.read_text() == "new"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_files_have_the_permissions_of_any_new_file(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "a.txt", lambda file: file.write(b"x"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~umask


def test_writing_never_touches_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the whole process: another thread's file would be open to everyone for a moment."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask was set"))
    write_whole(tmp_path / "a.txt", lambda file: file.write(b"x"))


def test_threads_that_write_one_file_leave_one_of_theirs(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    texts = [str(i).encode() * 10_000 for i in range(4)]
    threads = [
        threading.Thread(target=lambda text=text: [write_whole(path, lambda file: file.write(text)) for _ in range(5)])
        for text in texts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in texts and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["file/a.png", "folder"])
def test_a_place_that_cannot_be_written_to(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    path = tmp_path / place
    with pytest.raises(PictureFileError) as error:
        write_png(path, PIXELS, Scene())
    assert str(error.value).startswith(f"{path} cannot be written: ") and str(error.value).endswith(".")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "folder"]
