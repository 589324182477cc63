"""Mixing grids: a cell is what its Scene is alone, what cells share is made once, and all of it can be written down."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stylegan_core import edits, labels
from stylegan_core.develop import develop
from stylegan_core.errors import Cancelled, StyleScopeError
from stylegan_core.grid import (
    GridError,
    cell_scene,
    grid_picture,
    layers_label,
    source_label,
    source_scene,
    write_cells,
)
from stylegan_core.labels import Sheet, fitted, font_of, plan_sheet, wrapped
from stylegan_core.latent import scene_ws, style_keys
from stylegan_core.models import ModelStore
from stylegan_core.ops import Poll, no_poll
from stylegan_core.picture import read_scene
from stylegan_core.render import Frame, Renderer
from stylegan_core.scene import (
    MAX_SEED,
    MAX_SOURCES,
    Grid,
    Latent,
    Look,
    Mix,
    ModelRef,
    Noise,
    Projected,
    Scene,
    Source,
    StyleEdit,
    Transform,
    Truncation,
)
from stylegan_core.stage_cache import StageCache
from tests.strategies import grids, scenes, tiny_model

MODEL = tiny_model(32)
CARD, NUM_WS = MODEL.card, MODEL.card.num_ws
STORE = ModelStore()
STORE.add(MODEL)

MIXED = Source(
    latent=Latent(seed=21, x=0.5),
    mixing=(
        Mix(latent=Latent(seed=30), amounts=(0.25, 0.5, 1.0, 0.0) + (0.5,) * (NUM_WS - 4)),
        Mix(latent=Latent(seed=31), amounts=(0.0,) * (NUM_WS - 1) + (0.75,)),
    ),
)
ROWS = (Source(latent=Latent(seed=20), name="first"), MIXED)
COLUMNS = (Source(latent=Latent(seed=10)), MIXED.model_copy(update={"latent": Latent(seed=11)}), Source())
SCENE = Scene(
    model=ModelRef(digest=CARD.digest),
    latent=Latent(seed=3),
    mixing=(Mix(latent=Latent(seed=8), amounts=(0.5,) * NUM_WS),),
    noise=Noise(mode="random", seed=4),
    transform=Transform(x=0.125),
    grid=Grid(rows=ROWS, columns=COLUMNS, layers=(0, 1, 2)),
    look=Look(at="noise", layer="b8.conv0"),
)


def of_layers(*layers: int, psi: float | None = None) -> Scene:
    return edits.set_grid_psi(edits.set_grid_layers(SCENE, layers), psi)


def pixels_of(scene: Scene) -> np.ndarray:
    frame = Renderer(STORE, cache_bytes=0).render(scene)
    assert frame.error is None and frame.pixels is not None
    return frame.pixels.numpy()


class Counting(Renderer):
    """Says what it was asked for."""

    def __init__(self) -> None:
        super().__init__(STORE)
        self.asked: list[Scene] = []

    def render(self, scene: Scene, revision: int = 0, stop_at: int | None = None, poll: Poll = no_poll) -> Frame:
        self.asked.append(scene)
        return super().render(scene, revision, stop_at, poll)


# -- cells -------------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(scenes(NUM_WS, len(CARD.noise_layers), 0), grids(NUM_WS))
def test_a_cell_has_exactly_its_row_s_styles_in_the_grid_s_layers_and_its_column_s_elsewhere(
    scene: Scene, drawn: Grid
) -> None:
    scene = scene.model_copy(update={"grid": drawn})
    for i, row in enumerate(drawn.rows):
        for j, column in enumerate(drawn.columns):
            ws = scene_ws(cell_scene(scene, i, j, NUM_WS), MODEL)[0]
            across, down = (scene_ws(source_scene(scene, source), MODEL)[0] for source in (row, column))
            for layer in range(NUM_WS):
                assert torch.equal(ws[layer], (across if layer in drawn.layers else down)[layer])


def test_a_cell_is_the_scene_but_for_the_person() -> None:
    scene = SCENE.model_copy(update={"styles": (StyleEdit(layer="b8.conv0", channel=1, amount=3.0),)})
    cell = cell_scene(scene, 1, 0, NUM_WS)
    assert (cell.grid, cell.look) == (Grid(), Look())
    for name in set(Scene.model_fields) - {"latent", "mixing", "grid", "look"}:
        assert getattr(cell, name) == getattr(scene, name)
    assert cell.latent == Latent(seed=10)
    assert cell.mixing == (
        Mix(latent=Latent(seed=21, x=0.5), amounts=(1.0,) * 3 + (0.0,) * (NUM_WS - 3)),
        Mix(latent=Latent(seed=30), amounts=(0.25, 0.5, 1.0) + (0.0,) * (NUM_WS - 3)),
    )  # the third person is in none of these layers


def test_without_layers_a_cell_is_its_column_s_person() -> None:
    assert cell_scene(of_layers(), 1, 1, NUM_WS) == source_scene(of_layers(), COLUMNS[1])


def test_the_grid_s_psi_stands_in_place_of_the_scene_s_and_of_its_curve() -> None:
    scene = of_layers(0, psi=0.25).model_copy(
        update={"truncation": Truncation(psi=0.9, layers=(0.5,) * NUM_WS, cutoff=4, towards="nearest")}
    )
    expected = Truncation(psi=0.25, cutoff=4, towards="nearest")
    assert cell_scene(scene, 0, 0, NUM_WS).truncation == source_scene(scene, ROWS[0]).truncation == expected
    kept = edits.set_grid_psi(scene, None)
    assert cell_scene(kept, 0, 0, NUM_WS).truncation == kept.truncation


def test_there_is_no_cell_outside_the_grid() -> None:
    with pytest.raises(IndexError):
        cell_scene(SCENE, 2, 0, NUM_WS)


@pytest.mark.parametrize("layers", [(0, 1, 2), (4, 5, 6, 7), (1, 5), (), tuple(range(NUM_WS))])
def test_cells_are_bit_for_bit_what_their_scenes_are_alone(layers: tuple[int, ...]) -> None:
    scene, shared = of_layers(*layers, psi=0.5), Renderer(STORE, cache=StageCache(64 << 20))
    still = scene.model_copy(update={"transform": Transform()})
    for i in range(len(ROWS)):
        for j in range(len(COLUMNS)):
            cell = cell_scene(scene, i, j, NUM_WS)
            frame = shared.render(cell)
            assert frame.pixels is not None and np.array_equal(frame.pixels.numpy(), pixels_of(cell))
            cell = cell_scene(still, i, j, NUM_WS)
            alone = develop(MODEL.synthesize(scene_ws(cell, MODEL), noise=4)[0])  # nothing of the renderer's
            frame = shared.render(cell)
            assert frame.pixels is not None and torch.equal(frame.pixels, alone)


@pytest.mark.parametrize(("layers", "along"), [((0, 1, 2, 3), "rows"), ((4, 5, 6, 7), "columns")])
def test_cells_share_the_coarse_layers_that_they_agree_in(layers: tuple[int, ...], along: str) -> None:
    scene, renderer = of_layers(*layers), Renderer(STORE)
    places = ((0, 0), (0, 1)) if along == "rows" else ((0, 0), (1, 0))
    first, second = (cell_scene(scene, *place, NUM_WS) for place in places)
    assert style_keys(first, NUM_WS)[:4] == style_keys(second, NUM_WS)[:4]
    assert set(renderer.render(first).steps_ms) == {4, 8, 16, 32}
    assert set(renderer.render(second).steps_ms) == {16, 32}
    edge = source_scene(scene, ROWS[0] if along == "rows" else COLUMNS[0])
    assert set(renderer.render(edge).steps_ms) <= {16, 32}


def test_a_whole_mix_hides_those_before_it_from_the_keys() -> None:
    mixes = (Mix(latent=Latent(seed=1), amounts=(0.5, 0.5)), Mix(latent=Latent(seed=2), amounts=(1.0, 0.5)))
    first, second = style_keys(Scene(mixing=mixes), 2)
    plain = style_keys(Scene(latent=Latent(seed=2)), 2)
    assert first == plain[0] and second != plain[1]
    assert style_keys(Scene(latent=Latent(seed=7), mixing=mixes), 2)[0] == first


# -- edits -------------------------------------------------------------------------------------------------------------


def people(*seeds: int) -> tuple[Source, ...]:
    return tuple(Source(latent=Latent(seed=seed)) for seed in seeds)


def test_people_are_added_moved_and_removed() -> None:
    scene = edits.fill_sources(Scene(), "columns", 3, MAX_SEED - 1)
    assert scene.grid.columns == people(MAX_SEED - 1, MAX_SEED, 0) and scene.grid.rows == ()
    scene = edits.add_source(scene, "columns", MIXED)
    assert edits.move_source(scene, "columns", 3, 0).grid.columns == (MIXED, *people(MAX_SEED - 1, MAX_SEED, 0))
    assert edits.move_source(scene, "columns", 0, 99).grid.columns == (
        *people(MAX_SEED, 0),
        MIXED,
        *people(MAX_SEED - 1),
    )
    assert edits.move_source(scene, "columns", 1, -5).grid.columns[0] == people(MAX_SEED)[0]
    assert edits.remove_source(scene, "columns", 1).grid.columns == (*people(MAX_SEED - 1, 0), MIXED)
    for index in (-1, 4):
        assert edits.remove_source(scene, "columns", index) == edits.move_source(scene, "columns", index, 0) == scene


def test_an_edge_has_room_for_so_many() -> None:
    scene = edits.fill_sources(Scene(), "rows", 10**9, 0)
    assert len(scene.grid.rows) == MAX_SOURCES and scene.grid.rows[-1] == people(MAX_SOURCES - 1)[0]
    assert edits.add_source(scene, "rows", MIXED) == scene
    assert edits.set_sources(Scene(), "rows", people(*range(100))) == scene
    assert edits.fill_sources(scene, "rows", -3, 0).grid.rows == ()


def test_a_shuffle_loses_nobody_and_is_the_same_for_the_same_seed() -> None:
    scene = edits.fill_sources(Scene(), "rows", 8, 0)
    orders = [edits.shuffle_sources(scene, "rows", seed).grid.rows for seed in range(5)]
    assert all(sorted(order, key=lambda source: source.latent.seed) == list(scene.grid.rows) for order in orders)
    assert len(set(orders)) == 5
    assert orders == [edits.shuffle_sources(scene, "rows", seed).grid.rows for seed in range(5)]


def test_a_row_and_a_column_change_places() -> None:
    swapped = edits.swap_sources(SCENE, 1, 0)
    assert swapped.grid.rows == (ROWS[0], COLUMNS[0]) and swapped.grid.columns == (MIXED, *COLUMNS[1:])
    assert edits.swap_sources(swapped, 1, 0) == SCENE
    assert edits.swap_sources(SCENE, 2, 0) == edits.swap_sources(SCENE, 0, -1) == SCENE


def test_layers_are_in_order_and_psi_in_range() -> None:
    assert edits.set_grid_layers(Scene(), [5, 1, 5, -1, 64, 63]).grid.layers == (1, 5, 63)
    assert [edits.set_grid_psi(SCENE, psi).grid.psi for psi in (0.5, 9.0, -9.0, None)] == [0.5, 2.0, -2.0, None]


# -- words -------------------------------------------------------------------------------------------------------------


def test_people_are_called_by_name_by_file_or_by_seed() -> None:
    projected = Latent(projected=Projected(digest="0123456789abcdef", path="/photos/aunt.npz"))
    assert source_label(Source(name="Ada", latent=projected)) == "Ada"
    assert source_label(Source(latent=projected)) == "aunt"
    assert source_label(Source(latent=Latent(projected=Projected(digest="0123456789abcdef")))) == "01234567"
    assert source_label(Source(latent=Latent(seed=5))) == "seed 5"
    assert source_label(Source(latent=Latent(seed=5, x=0.25))) == "seed 5 + 0.25, 0"
    assert source_label(MIXED) == "seed 21 + 0.5, 0, mixed"


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((), "No styles from the rows"),
        (tuple(range(NUM_WS)), "All styles from the rows"),
        ((0, 1, 2, 3), "Styles 0–3 (4²–8²) from the rows"),
        ((0, 4, 5, 7, 60), "Styles 0 (4²), 4–5 (16²), 7 (32²) from the rows"),
    ],
)
def test_layers_in_words(layers: tuple[int, ...], words: str) -> None:
    assert layers_label(Grid(layers=layers), CARD) == words


def test_words_that_are_too_long_end_early_or_on_another_line() -> None:
    font = font_of(12)
    assert fitted("seed\n 5", font, 100) == "seed 5"
    short = fitted("seed 123456789", font, 50)
    assert short.endswith("…") and short[:-1] and "seed 123456789".startswith(short[:-1])
    assert font.getlength(short) <= 50 and fitted("seed", font, 1) == ""
    assert wrapped("a styleful sentence", font, 60) == ("a styleful", "sentence")
    assert wrapped("psi\N{NO-BREAK SPACE}0.5", font, 5) == ("psi\N{NO-BREAK SPACE}0.5",)


# -- the sheet ---------------------------------------------------------------------------------------------------------


@given(st.integers(4, 2048), st.integers(1, 64), st.integers(1, 64), st.text(max_size=30))
def test_a_sheet_is_never_too_large_and_nothing_in_it_overlaps(px: int, rows: int, columns: int, name: str) -> None:
    sheet = plan_sheet(px, [name] * rows, ["c"] * columns, "model · Styles 0–3 (4²–8²) from the rows · psi 0.7")
    assert max(sheet.size) <= labels.LIMIT_PX
    assert sheet.cell_px < px or sheet.cell_px % px == 0
    xs = [sheet.place(None, column)[0] for column in (None, *range(columns))]
    ys = [sheet.place(row, None)[1] for row in (None, *range(rows))]
    # The first is the empty corner's, where the people of the other edge stand.
    assert all(after - before >= sheet.cell_px + 2 for places in (xs, ys) for before, after in pairwise(places))
    assert xs[0] >= sheet.margin_px + sheet.label_px and ys[0] >= sheet.margin_px + sheet.line_px
    width, height = sheet.size
    assert xs[-1] + sheet.cell_px + sheet.margin_px == width
    assert ys[-1] + sheet.cell_px + len(sheet.notes) * sheet.line_px + sheet.margin_px <= height


@pytest.mark.parametrize("layers", [(0, 1, 2), (5,)])
def test_the_sheet_has_every_picture_in_its_place(layers: tuple[int, ...]) -> None:
    scene, shares = of_layers(*layers), list[float]()
    picture = grid_picture(Renderer(STORE), scene, progress=shares.append)
    assert shares[-1] == 1 and shares == sorted(shares) and len(shares) == 2 * 3 + 2 + 3
    sheet = plan_sheet(32, [source_label(source) for source in ROWS], [source_label(s) for s in COLUMNS], _note(scene))
    assert picture.dtype == np.uint8 and picture.shape == (*reversed(sheet.size), 3)
    assert sheet.cell_px == 96
    for i in (None, 0, 1):
        for j in (None, 0, 1, 2):
            if i is not None and j is not None:
                expected = pixels_of(cell_scene(scene, i, j, NUM_WS))
            elif i is not None:
                expected = pixels_of(source_scene(scene, ROWS[i]))
            elif j is not None:
                expected = pixels_of(source_scene(scene, COLUMNS[j]))
            else:
                expected = np.full((32, 32, 3), labels.BACKGROUND, np.uint8)
            assert np.array_equal(_cut(picture, sheet, i, j), expected.repeat(3, 0).repeat(3, 1))


def test_labels_stand_beside_their_people() -> None:
    picture = grid_picture(Renderer(STORE), SCENE)
    sheet = plan_sheet(32, [source_label(s) for s in ROWS], [source_label(s) for s in COLUMNS], _note(SCENE))

    def inked(left: int, top: int, right: int, bottom: int) -> bool:
        return bool((picture[top:bottom, left:right] != labels.BACKGROUND).any())

    for row in range(2):
        x, y = sheet.place(row, None)
        assert inked(sheet.margin_px, y, x, y + 96)
    for column in range(3):
        x, y = sheet.place(None, column)
        assert inked(x, y - sheet.line_px, x + 96, y)
    width, height = sheet.size
    below = sheet.place(1, 0)[1] + 96
    assert inked(0, below, width, height) and not inked(0, 0, sheet.margin_px - 2, height)
    assert not inked(0, sheet.place(0, None)[1] - sheet.margin_px, width, sheet.place(0, None)[1])


def test_a_sheet_that_would_be_too_large_has_means_over_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "LIMIT_PX", 240)
    picture = grid_picture(Renderer(STORE), SCENE)
    sheet = plan_sheet(32, [source_label(s) for s in ROWS], [source_label(s) for s in COLUMNS], _note(SCENE))
    assert max(picture.shape) <= 240 and sheet.cell_px < 32
    whole = Image.fromarray(pixels_of(cell_scene(SCENE, 1, 2, NUM_WS)))
    expected = np.asarray(whole.resize((sheet.cell_px,) * 2, Image.Resampling.BOX))
    assert np.array_equal(_cut(picture, sheet, 1, 2), expected)


@pytest.mark.parametrize("img_channels", [1, 4])
def test_grey_and_transparent_pictures_have_sheets_too(img_channels: int) -> None:
    model = tiny_model(16, img_channels=img_channels, use_noise=img_channels == 1)
    STORE.add(model)
    person = (Source(),)
    scene = Scene(model=ModelRef(digest=model.card.digest), grid=Grid(rows=person, columns=person, layers=(0,)))
    picture = grid_picture(Renderer(STORE), scene)
    sheet = plan_sheet(16, ["seed 0"], ["seed 0"], "")
    found = _cut(picture, sheet, 0, 0)[:: sheet.cell_px // 16, :: sheet.cell_px // 16]
    alone = pixels_of(cell_scene(scene, 0, 0, model.card.num_ws)).astype(float)
    if img_channels == 4:
        share = alone[:, :, 3:] / 255
        alone = alone[:, :, :3] * share + np.array(labels.BACKGROUND) * (1 - share)
    assert np.abs(found - alone).max() <= 1


@pytest.mark.parametrize("edge", ["rows", "columns"])
def test_a_grid_without_people_is_refused_in_a_sentence(edge: str, tmp_path: Path) -> None:
    scene = edits.set_sources(SCENE, edge, [])
    calls: tuple[Callable[[], object], ...] = (
        lambda: grid_picture(Renderer(STORE), scene),
        lambda: write_cells(Renderer(STORE), scene, tmp_path),
    )
    for call in calls:
        with pytest.raises(GridError, match=r"^A mixing grid needs somebody in a row .*\.$"):
            call()


def test_a_cell_that_cannot_be_rendered_ends_it_with_its_sentence() -> None:
    broken = Source(latent=Latent(projected=Projected(digest="d", path="/nowhere/face.npz")))
    with pytest.raises(StyleScopeError, match=r"face\.npz cannot be read"):
        grid_picture(Renderer(STORE), edits.add_source(SCENE, "rows", broken))


# -- files -------------------------------------------------------------------------------------------------------------


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


CELLS = {f"row{i:02d}-col{j:02d}.png" for i in range(2) for j in range(3)}


def test_every_cell_is_a_file_that_opens_as_that_cell(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "grid"
    written = write_cells(Renderer(STORE), SCENE, folder)
    assert written == (6, 0, folder / "grid.png")
    assert names(folder) == CELLS | {"grid.png"}
    for i in range(2):
        for j in range(3):
            path, cell = folder / f"row{i:02d}-col{j:02d}.png", cell_scene(SCENE, i, j, NUM_WS)
            assert read_scene(path) == cell
            assert np.array_equal(np.asarray(Image.open(path)), pixels_of(cell))
    assert read_scene(written.sheet) == SCENE
    assert np.array_equal(np.asarray(Image.open(written.sheet)), grid_picture(Renderer(STORE), SCENE))


@pytest.mark.parametrize("layers", [(0, 1), (4, 5)])
def test_stopped_anywhere_it_goes_on_with_what_is_missing(layers: tuple[int, ...], tmp_path: Path) -> None:
    scene, renderer = of_layers(*layers), Counting()

    def poll() -> None:
        if len(renderer.asked) >= 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_cells(renderer, scene, tmp_path, poll)
    there = names(tmp_path)
    assert there < CELLS and there
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in there}
    renderer = Counting()
    assert write_cells(renderer, scene, tmp_path)[:2] == (6 - len(there), len(there))
    assert len(renderer.asked) == 6 - len(there) + 2 + 3  # the people at the edges have no files
    assert names(tmp_path) == CELLS | {"grid.png"}
    assert times == {name: (tmp_path / name).stat().st_mtime_ns for name in there}
    assert np.array_equal(np.asarray(Image.open(tmp_path / "grid.png")), grid_picture(Renderer(STORE), scene))


def test_what_is_whole_is_not_made_again(tmp_path: Path) -> None:
    write_cells(Renderer(STORE), SCENE, tmp_path)
    renderer = Counting()
    assert write_cells(renderer, SCENE, tmp_path)[:2] == (0, 6)
    assert not renderer.asked
    other = edits.set_seed(SCENE, 99)  # the live picture's person is in none of the cells
    assert write_cells(renderer, other, tmp_path)[:2] == (0, 6)
    assert len(renderer.asked) == 5 and read_scene(tmp_path / "grid.png") == other


@pytest.mark.parametrize("name", ["row01-col02.png", "grid.png"])
def test_another_picture_in_a_cell_s_place_is_left_alone(name: str, tmp_path: Path) -> None:
    write_cells(Renderer(STORE), SCENE, tmp_path)
    renderer, other = Counting(), of_layers(7)
    for path in tmp_path.iterdir():
        if path.name != name:
            path.unlink()
    before = (tmp_path / name).read_bytes()
    with pytest.raises(GridError, match=rf"{name} is there and is not this (cell|grid); choose another folder"):
        write_cells(renderer, other, tmp_path)
    assert not renderer.asked and names(tmp_path) == {name} and (tmp_path / name).read_bytes() == before


def test_a_file_that_is_no_picture_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "grid.png").write_bytes(b"my notes")
    with pytest.raises(GridError, match=r"grid\.png is there and is not this grid"):
        write_cells(Renderer(STORE), SCENE, tmp_path)
    assert names(tmp_path) == {"grid.png"}


def test_a_file_in_the_folder_s_place_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "grid").write_bytes(b"")
    with pytest.raises(StyleScopeError, match="cannot be written to"):
        write_cells(Renderer(STORE), SCENE, tmp_path / "grid")


def _note(scene: Scene) -> str:
    return f"tiny · {layers_label(scene.grid, CARD)} · psi\N{NO-BREAK SPACE}0.7"


def _cut(picture: np.ndarray, sheet: Sheet, row: int | None, column: int | None) -> np.ndarray:
    x, y = sheet.place(row, column)
    return picture[y : y + sheet.cell_px, x : x + sheet.cell_px]
