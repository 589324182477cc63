"""The promises that ARCHITECTURE.md makes about the shape of the code, held by looking at the code."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
CODE = ("stylegan_core", "visualizer", "widgets", "train", "scripts", "bench", "tests", "main.py")
WINDOW = ("visualizer", "widgets")
LARGEST_FILE_MIB = 20


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [REPOSITORY / name for name in listing.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


def test_imports_go_only_the_allowed_ways() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_every_python_file_says_what_it_is_for() -> None:
    sources = [path for path in tracked_files() if path.suffix == ".py"]
    ours = [path for path in sources if path.relative_to(REPOSITORY).parts[0] in CODE]
    assert ours, "no source file is tracked by git"
    silent = [str(path.relative_to(REPOSITORY)) for path in ours if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_what_holds_tensors_is_compared_by_identity() -> None:
    """The == that @dataclass makes asks whether a tensor is true, and fails, once all before it is equal."""
    compared = []
    for path in tracked_files():
        if path.suffix != ".py" or path.relative_to(REPOSITORY).parts[0] not in ("stylegan_core", "train", *WINDOW):
            continue
        for item in ast.walk(ast.parse(path.read_text())):
            if isinstance(item, ast.ClassDef) and any(map(makes_equality, item.decorator_list)):
                held = [ast.unparse(field.annotation) for field in item.body if isinstance(field, ast.AnnAssign)]
                if re.search(r"\b(Tensor|ndarray|Frame|Shown)\b", " ".join(held)):
                    compared.append(f"{path.relative_to(REPOSITORY)}: {item.name}")
    assert compared == []


def makes_equality(decorator: ast.expr) -> bool:
    text = ast.unparse(decorator)
    return text.startswith("dataclass") and "eq=False" not in text


@pytest.mark.parametrize("folder", ["stylegan_core", "train", "visualizer", "widgets", "bench", "scripts"])
def test_the_map_lists_every_file_and_no_other(folder: str) -> None:
    text = (REPOSITORY / "ARCHITECTURE.md").read_text()
    table = re.split(r"\n\n(?!\|)", text.split(f"\n**{folder}**")[1])[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    listed = re.findall(r"`([\w/]+\.py)`", " ".join(rows))
    place = REPOSITORY / folder
    files = [path for path in tracked_files() if path.is_relative_to(place) and path.suffix == ".py"]
    named = [path.relative_to(place).as_posix() for path in files if path.name != "__init__.py"]
    assert sorted(listed) == sorted(named)


def test_no_tracked_file_makes_cloning_slow() -> None:
    large = [str(path) for path in tracked_files() if path.stat().st_size > LARGEST_FILE_MIB * 2**20]
    assert large == []


@pytest.mark.parametrize("name", ["Inter-Regular.ttf", "Inter-SemiBold.ttf"])
def test_the_text_fonts_have_every_icon(name: str) -> None:
    from PIL import ImageFont

    from widgets import icons

    font = ImageFont.truetype(REPOSITORY / "assets" / "fonts" / name, 32)
    nothing = bytes(font.getmask("\uf8ff"))  # a codepoint that no font of ours has
    drawn = {key: bytes(font.getmask(value)) for key, value in vars(icons).items() if key.isupper()}
    assert [key for key, mask in drawn.items() if mask == nothing] == []
