"""Projected faces: what projectors write is read, anything else is one sentence, and Scenes treat them as people."""

import io
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylegan_core import edits
from stylegan_core.latent import map_latent, scene_ws, style_keys
from stylegan_core.models import ModelStore
from stylegan_core.projected import MAX_ARRAY_BYTES, MAX_FILE_BYTES, ProjectedFileError, open_projected, projected_ws
from stylegan_core.render import Renderer
from stylegan_core.scene import Latent, Mix, ModelRef, Projected, Scene, Truncation, scene_from_json, scene_to_json
from stylegan_core.truncation import truncate
from tests.strategies import tiny_model

MODEL = tiny_model(16)
CARD, NUM_WS, W_DIM = MODEL.card, MODEL.card.num_ws, MODEL.card.w_dim
W_PLUS = np.random.RandomState(5).randn(1, NUM_WS, W_DIM).astype(np.float32)


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def written(folder: Path, content: bytes, name: str = "face.npz") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def header(words: str, version: tuple[int, int] = (1, 0)) -> bytes:
    """An .npy that declares anything, with 64 bytes of numbers."""
    text = words.encode()
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text)) + text + bytes(64)


# -- what is read ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (npz(w=W_PLUS), "projected_w.npz"),  # as the official projector writes it
        (npz(w=W_PLUS[0]), "face.npz"),
        (npz(w=W_PLUS.astype(np.float64), loss=np.zeros(3)), "face.npz"),
        (npy(W_PLUS), "face.npy"),
        (npy(np.asfortranarray(W_PLUS[0])), "face.npy"),
        (npy(W_PLUS.astype(">f4")), "face.npy"),
        (npy(W_PLUS), "suffixes-say-nothing.npz"),
    ],
)
def test_w_plus_is_read_as_it_was_found(content: bytes, name: str, tmp_path: Path) -> None:
    path = written(tmp_path, content, name)
    latent = open_projected(path)
    assert latent == Latent(projected=Projected(digest=sha256(content).hexdigest(), path=str(path)))
    ws = map_latent(MODEL, latent, ())
    assert ws.dtype == torch.float32 and torch.equal(ws, torch.from_numpy(W_PLUS))


def test_compressed_files_are_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "face.npz", w=W_PLUS)
    assert torch.equal(map_latent(MODEL, open_projected(tmp_path / "face.npz"), ()), torch.from_numpy(W_PLUS))


@pytest.mark.parametrize("shape", [(W_DIM,), (1, W_DIM), (1, 1, W_DIM)])
def test_a_single_w_stands_for_all_layers(shape: tuple[int, ...], tmp_path: Path) -> None:
    w = W_PLUS[0, 0].reshape(shape)
    ws = map_latent(MODEL, open_projected(written(tmp_path, npz(w=w))), ())
    assert torch.equal(ws, torch.from_numpy(W_PLUS[:, :1]).expand(1, NUM_WS, W_DIM))


def test_half_precision_is_read(tmp_path: Path) -> None:
    ws = map_latent(MODEL, open_projected(written(tmp_path, npz(w=W_PLUS.astype(np.float16)))), ())
    assert torch.equal(ws, torch.from_numpy(W_PLUS).half().float())


def test_a_path_is_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, npz(w=W_PLUS))
    monkeypatch.chdir(tmp_path)
    projected = open_projected(Path("face.npz")).projected
    assert projected is not None and projected.path == str(tmp_path / "face.npz")


# -- in a Scene --------------------------------------------------------------------------------------------------------


def test_truncation_and_mixing_apply_as_to_anyone(tmp_path: Path) -> None:
    latent = open_projected(written(tmp_path, npz(w=W_PLUS)))
    second = Mix(latent=Latent(seed=4), amounts=(0.5,) * (NUM_WS - 1) + (1.0,))
    scene = Scene(latent=latent, mixing=(second,), truncation=Truncation(psi=0.5))
    mixed = torch.from_numpy(W_PLUS).lerp(map_latent(MODEL, Latent(seed=4), ()), torch.tensor(second.amounts)[:, None])
    expected = truncate(mixed, MODEL.w_avg, (0.5,) * NUM_WS)
    torch.testing.assert_close(scene_ws(scene, MODEL), expected)
    other_way = Scene(mixing=(Mix(latent=latent, amounts=(1.0,) * NUM_WS),), truncation=Truncation(psi=1.0))
    assert torch.equal(scene_ws(other_way, MODEL), torch.from_numpy(W_PLUS))
    assert style_keys(other_way, NUM_WS) == style_keys(Scene(latent=latent, truncation=Truncation(psi=1.0)), NUM_WS)


def test_a_scene_with_a_projected_face_is_kept_and_left_again(tmp_path: Path) -> None:
    scene = edits.set_latent(Scene(), open_projected(written(tmp_path, npz(w=W_PLUS))))
    assert scene_from_json(scene_to_json(scene)) == scene
    assert edits.set_seed(scene, 5).latent == Latent(seed=5)
    moved = edits.move_on_plane(edits.move_on_plane(scene, 0.25, 0), 0.25, 0)
    assert moved == edits.move_on_plane(scene, 0.5, 0) and scene_from_json(scene_to_json(moved)) == moved
    way = map_latent(MODEL, Latent(x=0.5), ()) - map_latent(MODEL, Latent(), ())
    torch.testing.assert_close(map_latent(MODEL, moved.latent, ()), torch.from_numpy(W_PLUS) + way)


def test_a_rendered_face_is_that_of_its_ws(tmp_path: Path) -> None:
    store = ModelStore()
    store.add(MODEL)
    latent = open_projected(written(tmp_path, npz(w=W_PLUS)))
    scene = Scene(model=ModelRef(digest=CARD.digest), latent=latent, truncation=Truncation(psi=1.0))
    renderer = Renderer(store)
    frame = renderer.render(scene)
    expected = MODEL.synthesize(torch.from_numpy(W_PLUS))[0]
    assert frame.pixels is not None
    assert torch.equal(frame.pixels, (expected * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0))
    (tmp_path / "face.npz").unlink()
    again = Renderer(store).render(scene)
    assert again.pixels is None and again.error is not None and "face.npz cannot be read" in again.error


def test_another_content_under_the_same_name_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, npz(w=W_PLUS))
    projected = open_projected(path).projected
    assert projected is not None
    projected_ws(projected, CARD)
    path.write_bytes(npz(w=W_PLUS + 1))
    os.utime(path, ns=(0, 0))  # whatever the clock says
    with pytest.raises(ProjectedFileError, match=r"face\.npz does not hold the projected face .* has changed.*\.$"):
        projected_ws(projected, CARD)
    assert open_projected(path).projected != projected


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = written(tmp_path, npz(w=W_PLUS)), []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *rest: (opened.append(self), real(self, *rest))[1])
    latent = open_projected(path)
    for _ in range(3):
        map_latent(MODEL, latent, ())
    assert opened == [path]


def test_what_was_handed_out_can_be_written_to(tmp_path: Path) -> None:
    latent = open_projected(written(tmp_path, npz(w=W_PLUS)))
    map_latent(MODEL, latent, ()).zero_()
    assert torch.equal(map_latent(MODEL, latent, ()), torch.from_numpy(W_PLUS))


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((NUM_WS + 1, W_DIM), f"{NUM_WS + 1} style vectors of {W_DIM}"),
        ((NUM_WS, 512), f"{NUM_WS} style vectors of 512"),
        ((512,), "1 style vectors of 512"),
    ],
)
def test_a_face_of_another_model_is_a_sentence(shape: tuple[int, ...], found: str, tmp_path: Path) -> None:
    latent = open_projected(written(tmp_path, npz(w=np.zeros(shape, np.float32))))
    words = rf"face\.npz holds {found} dimensions, but tiny takes {NUM_WS} of {W_DIM}; open the model .*\.$"
    with pytest.raises(ProjectedFileError, match=words):
        map_latent(MODEL, latent, ())


def test_a_scene_that_has_lost_the_path_says_so() -> None:
    with pytest.raises(ProjectedFileError, match="projected face but not its file"):
        projected_ws(Projected(digest="d"), CARD)


# -- hostile files -----------------------------------------------------------------------------------------------------


class Canary:
    """Makes a folder if it is ever unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def of_objects(canary: Path) -> np.ndarray:
    array = np.empty((1,), object)
    array[0] = Canary(canary)
    return array


def pickled_npz(canary: Path) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, w=of_objects(canary))
    return file.getvalue()


def encrypted(content: bytes) -> bytes:
    """The zip with the flag that says so."""
    place = content.index(b"PK\x01\x02")
    return content[:6] + b"\x01\x00" + content[8 : place + 8] + b"\x01\x00" + content[place + 10 :]


def bomb() -> bytes:
    """A few KB that are 64 MiB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("w.npy", "w") as member:
        member.write(npy(np.zeros(1))[:64])
        for _ in range(64):
            member.write(bytes(1 << 20))
    return file.getvalue()


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("w.npy", content)
    return file.getvalue()


def float_header(shape: str) -> bytes:
    return header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n")


HOSTILE: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "pickled .npz": (pickled_npz, "holds Python objects"),
    "pickled .npy": (lambda canary: npy(of_objects(canary), allow_pickle=True), "holds Python objects"),
    "a bare pickle": (lambda canary: pickle.dumps(Canary(canary)), "neither .npz nor .npy"),
    "a pickle called .npy": (lambda canary: zipped(pickle.dumps(Canary(canary))), "damaged: its array"),
    "NaN": (lambda _: npz(w=np.full((1, 8), np.nan, np.float32)), "not finite"),
    "infinity": (lambda _: npz(w=np.array([np.inf] * 8)), "not finite"),
    "too large for float32": (lambda _: npz(w=np.array([1e300] * 8)), "not finite"),
    "whole numbers": (lambda _: npz(w=np.ones((1, 8), int)), "values of type int64"),
    "complex numbers": (lambda _: npz(w=np.ones(8, complex)), "values of type complex128"),
    "words": (lambda _: npz(w=np.array(["a", "b"])), "values of type <U1"),
    "records": (lambda _: npz(w=np.zeros(8, [("x", "<f4")])), "values of type"),
    "one number": (lambda _: npz(w=np.float32(1)), r"array of shape \[\]"),
    "two faces": (lambda _: npz(w=np.zeros((2, 3, 8), np.float32)), r"array of shape \[2, 3, 8\]"),
    "four axes": (lambda _: npz(w=np.zeros((1, 1, 3, 8), np.float32)), r"array of shape \[1, 1, 3, 8\]"),
    "nothing": (lambda _: npz(w=np.zeros((0, 8), np.float32)), r"array of shape \[0, 8\]"),
    "too many layers": (lambda _: npz(w=np.zeros((65, 8), np.float32)), "65 style vectors; models take 64"),
    "another name": (lambda _: npz(latent=np.zeros(8), b=np.zeros(1)), r"no array 'w', .*it has: latent, b"),
    "no array": (lambda _: npz(), r"is damaged|neither|no array 'w'"),
    "half a zip": (lambda _: npz(w=W_PLUS)[:200], "damaged and cannot be read as .npz"),
    "half an array": (lambda _: npy(W_PLUS)[:150], "is not all there"),
    "half a header": (lambda _: npy(W_PLUS)[:40], "damaged: its array"),
    "half an array zipped": (lambda _: zipped(npy(W_PLUS)[:150]), "is not all there"),
    "wrong checksum": (lambda _: npz(w=W_PLUS).replace(W_PLUS.tobytes()[:8], bytes(8)), "damaged and cannot"),
    "encrypted": (lambda _: encrypted(npz(w=W_PLUS)), "damaged and cannot be read as .npz"),
    "a bomb": (lambda _: bomb(), "more numbers than the style vectors of any face"),
    "huge": (lambda _: float_header("(1, 64, 1099511627776)"), "not all there"),
    "huge, zipped": (lambda _: zipped(float_header("(1099511627776, 8)")), "not all there"),
    "huger than a word": (lambda _: float_header(f"({'9' * 400}, 8)"), "not all there"),
    "negative": (lambda _: float_header("(-1, 8)"), "array of shape"),
    "product overflows": (lambda _: float_header("(4294967296, 4294967296)"), "not all there"),
    "a header that is code": (lambda _: header("__import__('os').mkdir('x')"), "damaged: its array"),
    "a deep header": (lambda _: header("(" * 9000), "damaged: its array"),
    "a long header": (lambda _: header(" " * 60000 + "{}"), "damaged: its array"),
    "another version": (lambda _: header("{}", (9, 9)), "damaged: its array"),
    "strange keys": (lambda _: header("{'descr': '<f4'}\n"), "damaged: its array"),
    "a strange type": (lambda _: header("{'descr': [1], 'fortran_order': False, 'shape': (8,)}\n"), "damaged: its"),
    "empty": (lambda _: b"", "neither .npz nor .npy"),
    "a picture": (lambda _: b"\x89PNG\r\n\x1a\n", "neither .npz nor .npy"),
    "a long .npy": (lambda _: npy(np.zeros(MAX_ARRAY_BYTES // 4, np.float32)), "more numbers than"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_anything_else_is_one_sentence_and_runs_nothing(name: str, tmp_path: Path) -> None:
    maker, words = HOSTILE[name]
    canary = tmp_path / "canary"
    path = written(tmp_path, maker(canary))
    with pytest.raises(ProjectedFileError, match=words) as caught:
        open_projected(path)
    message = str(caught.value)
    assert str(path) in message and message.endswith(".") and "\n" not in message
    assert len(message) < len(str(path)) + 250
    assert not canary.exists()


def test_a_file_of_no_such_size_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path, b"\x93NUMPY")
    os.truncate(path, MAX_FILE_BYTES + 1)
    with pytest.raises(ProjectedFileError, match=r"has 16 MiB, more than the style vectors of any face"):
        open_projected(path)


@pytest.mark.parametrize("name", ["missing.npz", "folder", "nul\0.npz"])
def test_what_cannot_be_opened_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProjectedFileError, match=r"cannot be read: .*\.$"):
        open_projected(tmp_path / name)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([npz(w=W_PLUS), npy(W_PLUS)]), st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=3))))
def test_no_damage_gives_anything_but_a_face_or_a_sentence(
    tmp_path: Path, content: bytes, damage: list[tuple[int, bytes]]
) -> None:
    damaged = bytearray(content)
    for place, put in damage:
        damaged[place : place + len(put)] = put
    path = written(tmp_path, bytes(damaged))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, of headers that Python 2 wrote
        try:
            projected = open_projected(path).projected
        except ProjectedFileError:
            return
    assert projected is not None and projected.digest == sha256(damaged).hexdigest()
