"""Pictures and zips made to harm are refused in a sentence, before they cost memory."""

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.train.data.makers import archive, files, folder, huge_png, listing, packed, picture
from train.data import archive as archive_module
from train.data import decoding
from train.data import folder as folder_module
from train.data.decoding import decode
from train.data.errors import DataError
from train.data.fitting import PrepareSettings
from train.data.opening import open_images
from train.data.packing import run
from train.data.prepare import plan

Result = TypeVar("Result")
CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def forged(path: Path, offset: int, value: bytes, local_offset: int | None = None) -> Path:
    """Overwrites a field of the first entry in the zip's directory, and where the entry itself begins."""
    data = bytearray(path.read_bytes())
    start = data.index(CENTRAL) + offset
    data[start : start + len(value)] = value
    if local_offset is not None:
        start = data.index(LOCAL) + local_offset
        data[start : start + len(value)] = value
    path.write_bytes(data)
    return path


def outcome(work: Callable[[], Result]) -> tuple[str, Result | None]:
    """The sentence of a DataError, or what came of the work."""
    try:
        return "", work()
    except DataError as error:
        return str(error), None


def read_all(path: Path) -> str:
    """The digest of a source after everything in it has been read."""
    source = open_images(path)
    source.check()
    digest = source.digest()
    source.close()
    return digest


@pytest.mark.parametrize("size", [(12000, 12000), (100_000, 100_000), (2**31 - 1, 2**31 - 1), (1, 2**28)])
def test_a_picture_that_claims_to_be_huge_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    data = huge_png(*size)
    assert len(data) < 100
    for source in (
        open_images(archive(tmp_path / "a.zip", {"a.png": data})),
        open_images(folder(tmp_path / "a", {"a.png": data})),
    ):
        with pytest.raises(
            DataError, match=r"a\.png.* (has|claims) .*more than .*pixels|a\.png.* more than .* are read"
        ):
            source.check()


def test_an_entry_that_claims_to_be_huge_is_refused_unread(tmp_path: Path) -> None:
    path = forged(archive(tmp_path / "a.zip", files(1), zipfile.ZIP_DEFLATED), 24, struct.pack("<I", 2**32 - 2))
    with pytest.raises(DataError, match=r"img00000000\.png' in .* has 4294967294 bytes, more than the 268435456"):
        open_images(path).check()


def test_an_entry_that_unpacks_to_more_than_it_says_is_cut_there(tmp_path: Path) -> None:
    entries = {"a.png": packed(picture(0)) + bytes(1 << 20)}
    path = forged(archive(tmp_path / "a.zip", entries, zipfile.ZIP_DEFLATED), 24, struct.pack("<I", 100))
    with pytest.raises(DataError, match=r"a\.png.* is broken"):
        open_images(path).check()


def test_files_and_listings_over_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_FILE_BYTES", 50)
    for source in (open_images(archive(tmp_path / "a.zip", files(1))), open_images(folder(tmp_path / "a", files(1)))):
        with pytest.raises(DataError, match="bytes, more than the 50 that are read"):
            source.check()
    entries = files(1) | {"dataset.json": listing({})}
    monkeypatch.setattr(archive_module, "MAX_JSON_BYTES", 5)
    with pytest.raises(DataError, match=r"dataset\.json.* more than the 5 that are read; make it smaller"):
        open_images(archive(tmp_path / "b.zip", entries))
    monkeypatch.setattr(folder_module, "MAX_JSON_BYTES", 5)
    with pytest.raises(DataError, match=r"dataset\.json.* more than the 5 that are read; make it smaller"):
        open_images(folder(tmp_path / "b", entries))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_refused(tmp_path: Path, method: int) -> None:
    with pytest.raises(DataError, match="is encrypted, or packed in another way than stored or deflated; prepare"):
        open_images(archive(tmp_path / "a.zip", files(1), method)).check()


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    path = forged(archive(tmp_path / "a.zip", files(1)), 8, b"\1\0", 6)
    with pytest.raises(DataError, match="is encrypted"):
        open_images(path).check()


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.png", packed(picture(0)))
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("a.png", packed(picture(1)))
    with pytest.raises(DataError, match="holds two pictures of one name"):
        open_images(tmp_path / "a.zip")


def test_a_damaged_entry_is_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", files(2))
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    source = open_images(path)
    source.check()  # there is another one to learn from
    with pytest.raises(DataError, match=r"img00000000\.png' in .*a\.zip is broken \(Bad CRC-32.*; prepare"):
        source.image(0)


@pytest.mark.parametrize("kept", [0, 10, 200, -30])
def test_a_zip_that_breaks_off_is_said_to(tmp_path: Path, kept: int) -> None:
    path = archive(tmp_path / "a.zip", files(2))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"a\.zip is no whole zip \(.*; fetch or pack it again"):
        open_images(path)


def test_a_zip_that_changes_while_it_is_read_is_said_to(tmp_path: Path) -> None:
    source = open_images(archive(tmp_path / "a.zip", files(2)))
    source.close()
    archive(tmp_path / "a.zip", files(1))
    with pytest.raises(DataError, match=r"img00000001\.png' in .* is gone: the zip was changed"):
        source.fetch(1)


def test_a_file_that_goes_away_or_may_not_be_read_is_named(tmp_path: Path) -> None:
    source = open_images(folder(tmp_path, {"a.png": packed(picture(0))}))
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=r"a\.png' in .* cannot be read \(No such file"):
        source.check()


def test_a_folder_that_goes_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(place: object) -> None:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DataError, match="cannot be listed: Permission denied"):
        open_images(tmp_path)


@pytest.mark.parametrize("text", [b"", b"words", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"II*\0"])
def test_other_files_under_a_pictures_name_are_refused(text: bytes) -> None:
    with pytest.raises(DataError, match=r"x\.png is not a PNG, JPEG, WebP, GIF or BMP picture; prepare"):
        decode(text, "x.png")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_picture_with_broken_exif_data_is_still_a_picture() -> None:
    data = packed(picture(0), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert decode(data, "a.jpg").size == (8, 6)


@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "BMP"]),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8),
    kept=st.integers(0, 10_000),
)
def test_whatever_becomes_of_a_pictures_bytes_it_is_a_picture_or_a_sentence(
    kind: str, changes: list[tuple[int, int]], kept: int
) -> None:
    data = bytearray(packed(picture(0, 24, 24), kind))
    for place, value in changes:
        data[place % len(data)] = value
    said, found = outcome(lambda: decode(bytes(data[: max(1, kept % (2 * len(data)))]), "it"))
    assert said.startswith("it ") and "\n" not in said if found is None else found.mode in decoding.MODES


@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_whatever_becomes_of_a_zips_bytes_it_is_read_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    path = archive(
        tmp_path_factory.mktemp("zip") / "a.zip", {"a.png": packed(Image.new("L", (4, 4))), "dataset.json": b"{}"}
    )
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    path.write_bytes(data)
    said, found = outcome(lambda: read_all(path))
    assert str(path) in said if found is None else found


@pytest.mark.parametrize("kind", ["WEBP", "GIF"])
def test_of_an_animation_the_first_picture_is_taken(kind: str) -> None:
    first, second = (picture(seed, mode="L").convert("RGB") for seed in range(2))
    data = packed(first, kind, save_all=True, append_images=[second], lossless=True)
    assert decode(data, "it").convert("RGB").tobytes() == first.tobytes()


def test_names_that_lead_out_of_a_zip_lead_nowhere(tmp_path: Path) -> None:
    names = ("../out.png", "/etc/a.png", "b/\\..\\..\\c.png")
    inside = folder(tmp_path / "inside", {})
    inside.mkdir()
    path = archive(inside / "a.zip", dict.fromkeys(names, packed(picture(0))))
    run(plan([path], PrepareSettings(width=8, height=6, exact_duplicates=False)), inside / "out.zip")
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["a.zip", "inside", "out.zip"]
    assert zipfile.ZipFile(inside / "out.zip").namelist()[0] == "00000/img00000000.png"
