"""The mixing grid: what is made next, what is kept, and that the pixels are those of each cell's own Scene."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import stylegan_core as sg
from stylegan_core import edits
from stylegan_core.card import LayerInfo
from stylegan_core.errors import Cancelled
from stylegan_core.grid import cell_scene, source_scene
from stylegan_core.model import build_generator, random_spec
from stylegan_core.models import ModelStore, save_model
from stylegan_core.ops import Poll, no_poll
from stylegan_core.picture import read_scene
from stylegan_core.render import Frame, Renderer
from stylegan_core.scene import Grid, Latent, ModelRef, Scene, Source, only_picture
from stylegan_core.stylegan3 import StyleGAN3Config
from tests.strategies import tiny_model
from tests.visualizer.ticking import until
from visualizer.explorer import Explorer
from visualizer.grid import AHEAD, QUICK_MS, MixingGrid
from visualizer.grid_pictures import (
    COARSEST_PX,
    CellPicture,
    GridLayout,
    KeptPictures,
    largest_cell,
    thumbnail_px,
    tile,
)

CELL = 20  # px
CARD = tiny_model(64).card
STEPS = {4: 1.0, 8: 1.0, 16: 2.0, 32: 4.0, 64: 20.0}  # ms


def people(*seeds: int) -> tuple[Source, ...]:
    return tuple(Source(latent=Latent(seed=seed)) for seed in seeds)


def mixed(rows: int = 2, columns: int = 3, layers: tuple[int, ...] = (4, 5)) -> Scene:
    grid = Grid(rows=people(*range(10, 10 + rows)), columns=people(*range(20, 20 + columns)), layers=layers)
    return Scene(model=ModelRef(digest=CARD.digest), grid=grid)


class Tasks:
    """What waits for the worker; the test runs it."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[Poll], Any], Callable[[Any], None]]] = []

    @property
    def busy(self) -> bool:
        return bool(self.waiting)

    def on_worker(self, function: Callable[[Poll], Any], then: Callable[[Any], None]) -> None:
        self.waiting.append((function, then))

    def run(self, poll: Poll = lambda: None) -> None:
        """Do the first that waits."""
        function, then = self.waiting.pop(0)
        then(function(poll))


class Painted:
    """A renderer whose pictures are of one colour each, and which notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Scene, int | None]] = []
        self.error: str | Exception | None = None
        self.took = {"synthesis": 2 * QUICK_MS}

    def colour(self, scene: Scene) -> list[int]:
        other = scene.mixing[0].latent.seed if scene.mixing else 0
        return [scene.latent.seed, other, int(100 * scene.truncation.psi)]

    def render(self, scene: Scene, revision: int, stop_at: int | None, poll: Poll) -> Frame:
        poll()
        self.asked.append((scene, stop_at))
        if isinstance(self.error, Exception):
            raise self.error
        if self.error is not None:
            return Frame(scene, error=self.error)
        size = stop_at or CARD.resolution
        pixels = torch.tensor(self.colour(scene), dtype=torch.uint8).expand(size, size, 3)
        return Frame(
            scene, pixels, preview=stop_at is not None, steps_ms=STEPS if stop_at is None else {}, timings_ms=self.took
        )


class Desk:
    """A grid, and what is around it."""

    def __init__(self, scene: Scene) -> None:
        self.tasks, self.renderer = Tasks(), Painted()
        self.here = True
        self.grid = MixingGrid(self.renderer, self.tasks, lambda ref: self.here)
        self.scene = scene
        self.looked_at: tuple[int, int] | None = None
        self.px = CELL

    def follow(self, frames: int = 1) -> None:
        for _ in range(frames):
            self.grid.follow(self.scene, CARD, self.px, self.looked_at)

    def finish(self) -> None:
        """Until there is nothing left to do."""
        self.follow()
        while self.tasks.busy:
            self.tasks.run()
            self.follow()

    def cells(self) -> list[tuple[int, int]]:
        """The cells that were asked for, in order; who stands at an edge is left out."""
        places = {
            cell_scene(self.scene, i, j, CARD.num_ws): (i, j) for i in range(8) for j in range(8) if self.has(i, j)
        }
        return [places[scene] for scene, _ in self.renderer.asked if scene in places]

    def has(self, i: int, j: int) -> bool:
        return i < len(self.scene.grid.rows) and j < len(self.scene.grid.columns)

    def pixels(self, place: tuple[int, int]) -> np.ndarray:
        (x, y), px = self.grid.layout.corner(place), self.grid.layout.cell_px
        return self.grid.atlas[y : y + px, x : x + px]


# -- order -------------------------------------------------------------------------------------------------------------


def test_thumbnails_of_all_cells_come_before_any_full_picture() -> None:
    desk = Desk(mixed())
    desk.finish()
    stops = [stop_at for _, stop_at in desk.renderer.asked]
    assert stops == [COARSEST_PX] * 11 + [None] * 11  # 6 cells, 5 people at the edges
    assert len(set(desk.renderer.asked)) == 22
    assert desk.grid.complete
    assert desk.grid.progress == (6, 6, 6)


@pytest.mark.parametrize(
    ("layers", "order"),
    [
        ((0, 1), [(1, 0), (1, 1), (1, 2), (0, 0), (0, 1), (0, 2), (2, 0), (2, 1), (2, 2)]),
        ((6,), [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2)]),
    ],
)
def test_cells_that_share_coarse_layers_come_one_after_another(
    layers: tuple[int, ...], order: list[tuple[int, int]]
) -> None:
    desk = Desk(mixed(3, 3, layers))
    desk.looked_at = (1, 0) if 0 in layers else (0, 0)
    desk.finish()
    assert desk.cells()[:9] == order


def test_full_pictures_come_where_one_looks() -> None:
    desk = Desk(mixed(4, 4))
    desk.follow()
    while desk.grid.progress.thumbnails < 16 or len(desk.renderer.asked) < 24:
        desk.tasks.run()
        desk.follow()
    desk.tasks.run()  # the full picture that was asked for before one looked elsewhere
    before = len(desk.cells())
    desk.looked_at = (3, 3)
    desk.follow()
    desk.tasks.run()
    assert desk.cells()[before:] == [(3, 3)]
    desk.finish()
    assert set(desk.cells()[before + 1 : before + 3]) == {(2, 3), (3, 2)}


def test_few_pieces_wait_at_a_time_so_that_others_come_in_between() -> None:
    desk = Desk(mixed())
    desk.follow(5)
    assert len(desk.tasks.waiting) == AHEAD
    while len(desk.renderer.asked) < 11:
        desk.tasks.run()
        desk.follow()
    desk.follow()
    assert len(desk.tasks.waiting) == 1  # a full picture takes long
    desk.renderer.took = {"synthesis": QUICK_MS / 2}
    desk.tasks.run()
    desk.follow()
    assert len(desk.tasks.waiting) == AHEAD  # unless it does not


def test_nothing_is_asked_for_while_the_model_is_away() -> None:
    desk = Desk(mixed())
    desk.here = False
    desk.follow(2)
    assert not desk.tasks.busy
    desk.here = True
    desk.follow()
    assert desk.tasks.busy


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_each_place_of_the_atlas_shows_its_own_scene() -> None:
    desk = Desk(mixed())
    desk.finish()
    for i in range(2):
        for j in range(3):
            assert (desk.pixels((i, j)) == [20 + j, 10 + i, 70, 255]).all()
            assert desk.grid.scene((i, j)) == cell_scene(desk.scene, i, j, CARD.num_ws)
    assert (desk.pixels((-1, 1)) == [21, 0, 70, 255]).all()
    assert desk.grid.scene((1, -1)) == source_scene(desk.scene, desk.scene.grid.rows[1])
    assert not desk.grid.atlas[:CELL, :CELL].any()  # where the edges meet nobody stands


def test_pictures_outlive_edits_of_the_grid() -> None:
    desk = Desk(mixed())
    desk.finish()
    asked = len(desk.renderer.asked)
    desk.scene = edits.move_source(desk.scene, "columns", 0, 2)
    desk.follow()
    assert desk.grid.complete
    assert (desk.pixels((0, 2)) == [20, 10, 70, 255]).all()
    desk.scene = edits.remove_source(desk.scene, "rows", 0)
    desk.finish()
    assert len(desk.renderer.asked) == asked
    desk.scene = edits.add_source(desk.scene, "rows", Source(latent=Latent(seed=99)))
    desk.finish()
    assert len(desk.renderer.asked) == asked + 2 * 4  # the new row alone
    assert all(
        99 in (scene.latent.seed, *(mix.latent.seed for mix in scene.mixing))
        for scene, _ in desk.renderer.asked[asked:]
    )


def test_the_live_picture_may_change_without_the_grid() -> None:
    desk = Desk(mixed())
    desk.finish()
    asked, revision = len(desk.renderer.asked), desk.grid.revision
    desk.scene = edits.look_at(edits.set_seed(desk.scene, 5), "layer", "b8.conv1")
    desk.finish()
    assert (len(desk.renderer.asked), desk.grid.revision) == (asked, revision)
    cell = desk.grid.scene((1, 2))
    assert cell is not None
    assert desk.grid.find(only_picture(cell)) == (1, 2)
    assert desk.grid.find(only_picture(desk.scene)) is None


def test_what_was_seen_of_the_same_people_stays_until_there_is_better() -> None:
    desk = Desk(mixed())
    desk.finish()
    desk.scene = edits.set_psi(desk.scene, 0.5)
    desk.follow(2)
    assert (desk.pixels((0, 0)) == [20, 10, 70, 255]).all()
    assert desk.grid.progress == (0, 0, 6)
    desk.finish()
    assert (desk.pixels((0, 0)) == [20, 10, 50, 255]).all()
    desk.scene = desk.scene.model_copy(update={"model": ModelRef(digest="another")})
    desk.follow(2)
    assert not desk.grid.atlas.any()  # of another model nothing has been seen


def test_a_drag_that_changes_all_cells_is_waited_for() -> None:
    desk = Desk(mixed())
    desk.finish()
    asked = len(desk.renderer.asked)
    for step in range(5):
        desk.scene = edits.set_psi(desk.scene, step / 10)
        desk.follow()
    assert not desk.tasks.busy
    desk.follow()
    assert desk.tasks.busy
    desk.finish()
    assert {scene.truncation.psi for scene, _ in desk.renderer.asked[asked:]} == {0.4}


def test_the_same_people_twice_are_made_once() -> None:
    scene = mixed()
    grid = scene.grid.model_copy(update={"rows": people(10, 10), "columns": people(20, 20)})
    desk = Desk(scene.model_copy(update={"grid": grid}))
    desk.finish()
    assert len(desk.renderer.asked) == 2 * 3
    assert (desk.pixels((1, 1)) == [20, 10, 70, 255]).all()
    assert desk.grid.progress == (4, 4, 4)


def test_another_size_shows_what_there_is_and_makes_little_anew() -> None:
    desk = Desk(mixed())
    desk.finish()
    asked = len(desk.renderer.asked)
    desk.px = 2 * CELL
    desk.follow()
    assert (desk.pixels((1, 2)) == [22, 11, 70, 255]).all()
    desk.finish()
    assert len(desk.renderer.asked) == asked  # they are kept twice as large as they were shown
    desk.px = 3 * CELL
    desk.finish()
    assert len(desk.renderer.asked) == 2 * asked - 11
    assert desk.grid.complete


def test_an_empty_grid_asks_for_nothing() -> None:
    desk = Desk(Scene(model=ModelRef(digest=CARD.digest)))
    desk.finish()
    assert not desk.renderer.asked
    assert desk.grid.progress == (0, 0, 0)
    desk.scene = edits.add_source(desk.scene, "columns", people(7)[0])
    desk.finish()
    assert (desk.pixels((-1, 0)) == [7, 0, 70, 255]).all()


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_live_picture_interrupts_and_nothing_is_lost() -> None:
    desk = Desk(mixed())
    desk.follow()
    function, then = desk.tasks.waiting[0]

    def poll() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        function(poll)
    then(function(lambda: None))  # the worker starts it over
    assert desk.grid.progress.thumbnails == 1


def test_what_is_not_wanted_any_more_costs_nothing() -> None:
    desk = Desk(mixed())
    desk.follow()
    desk.scene = edits.set_sources(desk.scene, "rows", people(77))
    desk.follow()
    for _ in range(AHEAD):
        desk.tasks.run()
    assert not desk.renderer.asked
    desk.finish()
    assert desk.grid.complete
    desk.scene = edits.set_sources(desk.scene, "rows", people(78))
    desk.follow()
    asked = len(desk.renderer.asked)
    desk.grid.leave()
    while desk.tasks.busy:
        desk.tasks.run()
    assert len(desk.renderer.asked) == asked
    desk.finish()  # and back
    assert desk.grid.complete


@pytest.mark.parametrize("error", ["no such face", RuntimeError("no such face")])
def test_a_cell_that_fails_says_why_and_the_others_go_on(error: str | Exception) -> None:
    desk = Desk(mixed())
    desk.renderer.error = error
    desk.follow()
    desk.tasks.run()
    desk.renderer.error = None
    desk.finish()
    failed = [place for i in range(2) for j in range(3) if "no such face" in (desk.grid.error(place := (i, j)) or "")]
    assert len(failed) == 1
    assert desk.grid.progress.thumbnails == 6
    desk.scene = edits.set_psi(edits.set_psi(desk.scene, 0.3), 0.7)
    desk.grid.forget()
    desk.finish()
    assert desk.grid.error(failed[0]) is None  # it was not kept


def test_a_full_queue_is_tried_again() -> None:
    desk = Desk(mixed())
    desk.follow()
    desk.tasks.waiting.clear()  # dropped, and nobody was told
    desk.finish()
    assert desk.grid.complete


def test_after_forgetting_old_pictures_do_not_come_back() -> None:
    desk = Desk(mixed())
    desk.follow()
    desk.grid.forget()
    desk.follow()
    for _ in range(AHEAD):
        desk.tasks.run()
    assert desk.grid.progress.thumbnails == 0
    desk.finish()
    assert desk.grid.complete


# -- places, sizes, thumbnails -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 5), (0, 3), (8, 8), (64, 64)])
def test_every_place_is_found_under_its_own_pixels(rows: int, columns: int) -> None:
    layout = GridLayout(rows, columns, 6)
    width, height = layout.size
    for i in range(-1, rows):
        for j in range(-1, columns):
            x, y = layout.corner((i, j))
            assert x + 6 <= width
            assert y + 6 <= height
            expected = None if i == j == -1 else (i, j)
            assert layout.at(x, y) == layout.at(x + 5, y + 5.9) == expected
            assert layout.at(x + 6, y) is None  # between two
    assert layout.at(-1, 3) is None
    assert layout.at(3, height) is None


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (5, 3), (64, 64)])
def test_the_largest_cells_fit(rows: int, columns: int) -> None:
    px = largest_cell(rows, columns, 601, 503)
    for size, fits in ((px, True), (px + 1, False)):
        width, height = GridLayout(rows, columns, size).size
        assert (width <= 601 and height <= 503) == fits


def test_thumbnails_cost_a_third_at_most() -> None:
    quick = {4: 1.0, 8: 1.0, 16: 1.0, 32: 2.0, 64: 5.0, 128: 20.0}
    layers = [
        LayerInfo(name=f"b{px}.conv1", kind="conv", step=i, resolution=px, channels=8, ws_index=i)
        for i, px in enumerate(quick)
    ]
    card = CARD.model_copy(update={"resolution": 128, "layers": tuple(layers)})
    assert thumbnail_px(card, {}, 100) == COARSEST_PX  # before anything was measured
    assert thumbnail_px(card, quick, 100) == 64
    assert thumbnail_px(card, quick | {64: 6.0}, 100) == COARSEST_PX
    assert thumbnail_px(card, quick, 32) == COARSEST_PX  # no finer than the cell
    assert thumbnail_px(card, quick | {4: 90.0}, 100) == COARSEST_PX  # nor coarser than what can be recognised
    assert thumbnail_px(tiny_model(32).card, {}, 100) is None
    assert thumbnail_px(tiny_model(16).card, {}, 100) is None
    assert thumbnail_px(tiny_model(64, architecture="orig").card, {}, 100) is None
    assert thumbnail_px(CARD.model_copy(update={"preview_px": 16}), STEPS, 100) == 16


def test_kept_pictures_stay_within_their_limit() -> None:
    picture = CellPicture.of(np.zeros((64, 64, 3), np.uint8), CELL, full=True)
    assert picture.pixels.shape == (40, 40, 3)
    kept = KeptPictures(3 * picture.num_bytes)
    scenes = [Scene(latent=Latent(seed=seed)) for seed in range(4)]
    for scene in scenes[:3]:
        kept.put(scene, picture)
    kept.put(scenes[0], picture)
    assert kept.get(scenes[1]) is picture
    kept.put(scenes[3], picture)
    assert [kept.get(scene) is not None for scene in scenes] == [True, True, False, True]


def test_tiles_are_the_picture_in_another_size() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert tile(pixels, 32) is pixels
    assert tile(np.full((64, 64, 3), 9, np.uint8), 7).tolist() == np.full((7, 7, 3), 9).tolist()
    assert np.abs(tile(pixels, 64).astype(int)[::2, ::2].mean() - pixels.mean()) < 3
    picture = CellPicture.of(pixels, 16, full=True)
    assert np.array_equal(picture.refitted(32).quick_tile(32), pixels)


# -- with the real renderer --------------------------------------------------------------------------------------------


class Counting(Renderer):
    """Counts which steps run."""

    def __init__(self, models: ModelStore):
        super().__init__(models)
        self.runs: Counter[int] = Counter()  # by resolution, one for each picture in which any step of it ran

    def render(self, scene: Scene, revision: int = 0, stop_at: int | None = None, poll: Poll = no_poll) -> Frame:
        frame = super().render(scene, revision, stop_at, poll)
        self.runs.update(frame.steps_ms.keys())
        return frame


def test_each_coarse_prefix_is_made_once() -> None:
    models = ModelStore("cpu")
    models.add(tiny_model(64))
    renderer, tasks = Counting(models), Tasks()
    grid = MixingGrid(renderer, tasks, models.has)
    scene = mixed(3, 2)  # styles of 16² from the rows
    while not grid.complete or not grid.progress.total:
        grid.follow(scene, CARD, 64)
        tasks.run()
    people, cells = 5, 6
    assert {px: renderer.runs[px] for px in (4, 8)} == {4: people, 8: people}
    assert {renderer.runs[px] for px in (16, 32, 64)} == {cells + people}


SMALL_STYLEGAN3 = StyleGAN3Config(
    img_resolution=128, channel_base=128, channel_max=6, z_dim=5, w_dim=7, num_layers=6, num_critical=1
)


@pytest.mark.parametrize(
    ("model", "thumbnails"),
    [
        (build_generator(random_spec(SMALL_STYLEGAN3, 0), "stylegan3", "small"), True),
        (tiny_model(64, img_channels=1), True),
        (tiny_model(64, architecture="orig"), False),
    ],
    ids=["StyleGAN3", "grey", "no previews"],
)
def test_whatever_the_network_cells_end_as_their_own_pictures(model: sg.Model, thumbnails: bool) -> None:
    models, px = ModelStore("cpu"), model.card.resolution
    models.add(model)
    tasks = Tasks()
    grid = MixingGrid(Renderer(models), tasks, models.has)
    scene = mixed(2, 2).model_copy(update={"model": ModelRef(digest=model.card.digest)})
    seen = set()
    while not grid.complete or not seen:
        grid.follow(scene, model.card, px)
        tasks.run()
        seen.add(grid.progress)
    assert ((4, 0, 4) in seen) == thumbnails
    for place in ((0, 0), (1, 0), (1, 1), (-1, 1)):
        cell, (x, y) = grid.scene(place), grid.layout.corner(place)
        assert cell is not None
        pixels = sg.render(cell, models).pixels
        assert pixels is not None
        shown = grid.atlas[y : y + px, x : x + px, :3]
        assert np.array_equal(shown, np.broadcast_to(pixels.numpy(), shown.shape))


@pytest.fixture
def explorer(tmp_path: Path) -> Any:
    path = tmp_path / "tiny.safetensors"
    save_model(tiny_model(64), path)
    explorer = Explorer(tmp_path / "state", tmp_path / "pictures", "cpu")
    explorer.start_with(path)
    explorer.begin()
    until(explorer, lambda: explorer.card is not None and explorer.latest is not None)
    yield explorer
    explorer.close()


def filled(explorer: Explorer) -> None:
    grid = mixed(2, 2, layers=(0, 1, 4)).grid
    explorer.do("fill", lambda scene: scene.model_copy(update={"grid": grid}))


def test_cells_are_their_scenes_pictures_to_the_byte(explorer: Explorer) -> None:
    filled(explorer)
    card = explorer.card
    assert card is not None

    def complete() -> bool:
        explorer.grid.follow(explorer.scene, card, 64)
        return explorer.grid.progress.total == 4 and explorer.grid.complete

    until(explorer, complete)
    for place in ((0, 0), (0, 1), (1, 0), (1, 1), (-1, 0), (1, -1)):
        scene = explorer.grid.scene(place)
        assert scene is not None
        frame = sg.render(scene, explorer.models)
        assert frame.pixels is not None, frame.error
        x, y = explorer.grid.layout.corner(place)
        assert np.array_equal(explorer.grid.atlas[y : y + 64, x : x + 64, :3], frame.pixels.numpy())


def test_another_precision_makes_all_anew(explorer: Explorer) -> None:
    filled(explorer)
    assert explorer.card is not None
    card = explorer.card

    def complete() -> bool:
        explorer.grid.follow(explorer.scene, card, CELL)
        return explorer.grid.progress.total == 4 and explorer.grid.complete

    until(explorer, complete)
    explorer.use(half=True)
    until(explorer, lambda: not explorer.tasks.busy)
    explorer.grid.follow(explorer.scene, card, CELL)
    assert explorer.grid.progress.thumbnails == 0
    until(explorer, complete)


def test_a_grid_is_saved_as_one_picture_that_restores_it(explorer: Explorer, tmp_path: Path) -> None:
    filled(explorer)
    explorer.grid_files.save_picture(explorer.scene, "tiny")
    assert explorer.grid_files.progress == 0.0
    explorer.grid_files.save_picture(explorer.scene, "tiny")
    assert "already" in explorer.notice.text
    until(explorer, lambda: explorer.notice.text.startswith("Saved"))
    [path] = (tmp_path / "pictures").glob("*.png")
    assert read_scene(path) == explorer.scene
    with Image.open(path) as picture:
        assert min(picture.size) >= 3 * 64
    assert explorer.grid_files.progress is None


def test_cells_are_saved_with_their_scenes(explorer: Explorer, tmp_path: Path) -> None:
    filled(explorer)
    explorer.grid_files.save_cells(explorer.scene, "tiny")
    until(explorer, lambda: explorer.notice.text.startswith("Saved 4 cells"))
    [folder] = (tmp_path / "pictures").iterdir()
    card = explorer.card
    assert card is not None
    assert read_scene(folder / "row01-col00.png") == cell_scene(explorer.scene, 1, 0, card.num_ws)


def test_saving_an_empty_grid_says_what_is_lacking(explorer: Explorer) -> None:
    explorer.grid_files.save_picture(explorer.scene, "tiny")
    until(explorer, lambda: "add them first" in explorer.notice.text)
    assert explorer.grid_files.progress is None


def test_saving_goes_on_after_a_live_picture(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(explorer)
    rendered: list[Scene] = []
    original = Renderer.render

    def watched(
        self: Renderer, scene: Scene, revision: int = 0, stop_at: int | None = None, poll: Poll = sg.ops.no_poll
    ) -> Frame:
        frame = original(self, scene, revision, stop_at, poll)
        if scene.latent.seed >= 10:
            rendered.append(scene)
            if len(rendered) == 3:
                asked.wait(60)  # for a live picture
        return frame

    asked = threading.Event()
    monkeypatch.setattr(Renderer, "render", watched)
    explorer.grid_files.save_picture(explorer.scene, "tiny")
    until(explorer, lambda: len(rendered) == 3)
    explorer.do("Someone else", edits.set_seed, 5)
    explorer.tick()
    asked.set()
    until(explorer, lambda: explorer.notice.text.startswith("Saved"))
    assert len(rendered) == len(set(rendered)) == 8


def test_a_projected_face_is_opened_for_the_grid(explorer: Explorer, tmp_path: Path) -> None:
    path = tmp_path / "projected_w.npz"
    np.savez(path, w=np.zeros((1, CARD.num_ws, CARD.w_dim), np.float32))
    found: list[Latent] = []
    explorer.grid_files.open_projected(path, found.append)
    until(explorer, lambda: found)
    assert found[0].projected is not None
    assert found[0].projected.path == str(path)
    explorer.grid_files.open_projected(tmp_path / "nobody.npz", found.append)
    until(explorer, lambda: "nobody.npz cannot be read" in explorer.notice.text)
    assert len(found) == 1
