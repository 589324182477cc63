"""The browser lists folders and files that open, and nothing stops it but a folder that cannot be read."""

from pathlib import Path

import pytest

from stylegan_core.errors import StyleScopeError
from visualizer.library import Entry, browse, starter_models


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
