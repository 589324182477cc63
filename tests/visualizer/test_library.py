"""The browser lists folders and files that open, and nothing stops it but a folder that cannot be read."""

from pathlib import Path

import pytest

from stylegan_core.checkpoint import digest
from stylegan_core.errors import ModelMissingError, StyleScopeError
from stylegan_core.scene import Latent, ModelRef, Scene
from stylegan_core.walk import Clip, Key, Sample, Take, Walk
from visualizer.library import SOUNDS, Entry, browse, located, starter_models, walk_models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.pkl", "A.PT", "c.safetensors", "d.png", "e.json", "notes.txt", ".hidden.pkl", "Ünï.pkl"):
        (tmp_path / name).write_bytes(b"12345")
    for name in ("zoo", "Attic", ".git", "models.pkl"):
        (tmp_path / name).mkdir()
    (tmp_path / "gone.pkl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.pkl").symlink_to(tmp_path / "loop.pkl")
    (tmp_path / "link").symlink_to(tmp_path / "zoo")
    return tmp_path


def test_folders_first_then_files_that_open(folder: Path) -> None:
    found = browse(folder)
    assert [entry.path.name for entry in found if entry.is_folder] == ["Attic", "link", "models.pkl", "zoo"]
    assert [entry.path.name for entry in found if not entry.is_folder] == [
        "A.PT",
        "b.pkl",
        "c.safetensors",
        "d.png",
        "e.json",
        "Ünï.pkl",
    ]
    assert [entry.is_folder for entry in found] == sorted((entry.is_folder for entry in found), reverse=True)
    assert {entry.size_bytes for entry in found} == {0, 5}


def test_other_files_by_their_suffixes(folder: Path) -> None:
    (folder / "Loop.WAV").write_bytes(b"12345")
    found = browse(folder, "", SOUNDS)
    assert [entry.path.name for entry in found if not entry.is_folder] == ["Loop.WAV"]


@pytest.mark.parametrize(
    ("search", "names"), [("B.P", ["b.pkl"]), ("ÜN", ["Ünï.pkl"]), ("nothing", []), ("zo", ["zoo"])]
)
def test_search_does_not_mind_case(folder: Path, search: str, names: list[str]) -> None:
    assert [entry.path.name for entry in browse(folder, search)] == names


@pytest.mark.parametrize("name", ["nowhere", "b.pkl", "a\0b", "x" * 300])
def test_a_folder_that_cannot_be_read_is_one_sentence(folder: Path, name: str) -> None:
    with pytest.raises(StyleScopeError, match=r"cannot be read: .+\.$"):
        browse(folder / name)


def test_a_file_that_vanishes_meanwhile_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = Path.stat

    def vanished(self: Path, *, follow_symlinks: bool = True) -> object:
        if self.name == "b.pkl":
            raise FileNotFoundError(2, "No such file or directory")
        return stat(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", vanished)
    assert folder / "b.pkl" not in [entry.path for entry in browse(folder)]
    assert Entry(folder / "c.safetensors", False, 5) in browse(folder)


def test_there_is_a_starter_model() -> None:
    assert [path.name for path in starter_models()] == sorted(path.name for path in starter_models())
    assert all(path.is_file() for path in starter_models()) and starter_models()


# -- the models of walks -----------------------------------------------------------------------------------------------

HERE, ELSEWHERE = ModelRef(digest="a" * 64, path="/models/a.pkl"), ModelRef(digest="b" * 64, path="/gone/b.pkl")


def walk(*refs: ModelRef, sound: str = "") -> Walk:
    """A key of the first model, and a take of all."""
    scenes = [Scene(model=ref, latent=Latent(seed=seed)) for seed, ref in enumerate(refs)]
    take = Take(samples=tuple(Sample(time_s=time_s, scene=scene) for time_s, scene in enumerate(scenes)))
    return Walk(keys=(Key(time_s=0, scene=scenes[0]),), clips=(Clip(take=take),), sound=sound)


def test_a_walks_models_are_those_of_its_keys_and_takes() -> None:
    assert walk_models(walk(HERE, ELSEWHERE, HERE)) == (HERE, ELSEWHERE)
    assert walk_models(Walk()) == ()


def test_models_are_found_where_they_lie_here(tmp_path: Path) -> None:
    starter, own = starter_models()[0], tmp_path / "own.pkl"
    own.write_bytes(b"a model")
    moved = ModelRef(digest="c" * 64, path=str(Path("/home/somebody/else") / starter.name))
    by_path, opened = ModelRef(path=str(own)), ELSEWHERE.model_copy(update={"path": str(tmp_path / "moved.pkl")})
    found = located(walk(moved, by_path, ELSEWHERE, ModelRef()), tmp_path / "walk.json", shown=opened)
    assert walk_models(found) == (
        moved.model_copy(update={"path": str(starter)}),
        by_path.model_copy(update={"digest": digest(own)}),
        opened,
        ModelRef(),  # it goes with whatever is shown
    )
    assert [sample.scene.latent.seed for sample in found.clips[0].take.samples] == [0, 1, 2, 3]


def test_a_model_that_is_nowhere_is_told_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(
        ModelMissingError, match=r"walk\.json needs the model '/gone/b\.pkl', which is not there; .+\.$"
    ):
        located(walk(ELSEWHERE), tmp_path / "walk.json", shown=HERE)


@pytest.mark.parametrize("sound", ["", "song.ogg", "/nowhere/song.ogg", "other.ogg"])
def test_a_sound_lies_beside_the_walk_or_where_it_says(tmp_path: Path, sound: str) -> None:
    (tmp_path / "song.ogg").touch()
    found = located(walk(ModelRef(), sound=sound), tmp_path / "walk.json", shown=HERE).sound
    assert found == (str(tmp_path / "song.ogg") if sound == "song.ogg" else sound)
