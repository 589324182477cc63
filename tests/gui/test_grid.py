"""The mixing grid and the mixing panel in the real window: what is clicked, dragged and painted, and the pixels."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from stylegan_core.grid import cell_scene, source_scene
from stylegan_core.scene import Scene, Source, only_picture
from tests.gui.conftest import See
from tests.gui.driver import Driver, find
from visualizer.grid_pictures import GridLayout, Place, tile

NUM_WS = 8  # style vectors of the model that tests open
Rendered = Callable[[Scene], np.ndarray]


class GridOnScreen:
    """The grid view of a program."""

    def __init__(self, app: Driver):
        self.app = app

    def layout(self, scene: Scene) -> GridLayout:
        """Where cells lie within the picture of the grid."""
        rows, columns = len(scene.grid.rows), len(scene.grid.columns)
        bare = GridLayout(rows, columns, 0).size[0]
        width = self.app.rect("grid.picture").width
        return GridLayout(rows, columns, round((width - bare) / (columns + 1)))

    def at(self, scene: Scene, place: Place) -> tuple[float, float]:
        """The middle of a place in the window."""
        layout, rect = self.layout(scene), self.app.rect("grid.picture")
        x, y = layout.corner(place)
        return rect.x + x + layout.cell_px / 2, rect.y + y + layout.cell_px / 2

    def click(self, scene: Scene, place: Place, button: int = 1) -> None:
        self.app.move(*self.at(scene, place))
        with self.app.held(button):
            pass

    def shows(self, scene: Scene, place: Place, pixels: np.ndarray) -> None:
        """Wait until a place shows a picture, byte for byte; the foot is left out, where labels stand."""
        layout, rect = self.layout(scene), self.app.rect("grid.picture")
        x, y = (round(a + b) for a, b in zip(rect[:2], layout.corner(place), strict=True))
        expected = tile(pixels, layout.cell_px)
        part = slice(3, layout.cell_px // 2), slice(3, layout.cell_px - 3)  # within what may be outlined

        def same() -> bool:
            shown = self.app.screenshot()[y : y + layout.cell_px, x : x + layout.cell_px]
            return np.array_equal(shown[part], expected[part])

        self.app.wait_for(same, f"the picture of {place}")


@pytest.fixture
def grid(app: Driver) -> Iterator[GridOnScreen]:
    """The view, open, with 3 × 3 new people, the coarse styles from the rows."""
    app.click("views.grid")
    app.rect("grid.new")
    app.click("grid.new")
    app.click("grid.new.3")
    app.rest()
    layers = app.scene().grid.layers
    for band, first in (("coarse", 0), ("middle", 4)):
        if (first in layers) != (band == "coarse"):
            app.click(f"grid.{band}")
    yield GridOnScreen(app)
    app.click("views.grid")
    app.rest()


def test_cells_show_their_scenes_and_a_click_makes_one_the_picture(
    app: Driver, grid: GridOnScreen, see: See, picture: Rendered
) -> None:
    before = see(app)
    assert (len(before.grid.rows), len(before.grid.columns)) == (3, 3)
    assert before.grid.layers == (0, 1, 2, 3)
    for place in ((0, 0), (1, 2), (2, 1)):
        grid.shows(before, place, picture(cell_scene(before, *place, NUM_WS)))
    grid.shows(before, (2, -1), picture(source_scene(before, before.grid.rows[2])))
    cell = cell_scene(before, 1, 2, NUM_WS)
    grid.click(before, (1, 2))
    app.rest()
    pixels = picture(cell)
    app.wait_for(lambda: len(find(pixels, app.canvas())) == 1, "the cell as the live picture")
    assert app.scene() == cell.model_copy(update={"grid": before.grid, "look": before.look})
    app.key("ctrl+z")
    assert see(app) == before
    for key in ("Left", "Up", "Up", "Return"):  # the grid was clicked, so that the keyboard goes on from there
        app.key(key)
    taken = see(app)
    assert only_picture(taken) == cell_scene(before, 0, 1, NUM_WS)
    for key in ("Tab", "Tab", "space"):  # from the grid to the first of its controls, and the one after
        app.key(key)
    assert app.scene().grid.layers != taken.grid.layers
    assert only_picture(see(app)) == only_picture(taken)
    app.key("ctrl+z")
    assert see(app) == taken


def test_the_grid_has_the_keyboard_once_it_is_opened(app: Driver, grid: GridOnScreen) -> None:
    for _ in range(2):
        app.key("F2")
    app.rect("grid.picture")
    before = app.scene()
    for key in ("Right", "Down", "Return"):
        app.key(key)
    assert only_picture(app.scene()) == cell_scene(before, 1, 1, NUM_WS)


def test_people_change_places_and_layers_are_chosen(app: Driver, grid: GridOnScreen, picture: Rendered) -> None:
    before = app.scene()
    rows, columns = before.grid.rows, before.grid.columns
    app.move(*grid.at(before, (0, 1)))
    app.double_click()
    app.drag(grid.at(before, (-1, 2)), grid.at(before, (-1, 0)))
    grid.click(before, (1, -1), button=3)
    app.rest()
    after = app.scene()
    assert after.grid.rows == (columns[1], rows[2])
    assert after.grid.columns == (columns[2], columns[0], rows[0])
    assert after == before.model_copy(update={"grid": after.grid})  # no click has taken a cell
    app.click("grid.coarse")
    strip = app.rect("grid.layers")
    app.drag(strip.at(0.55), strip.at(0.95), steps=3)
    app.click("grid.psi.same")
    slider = app.rect("grid.psi")
    app.drag(slider.at(0.5), slider.at(0.999))
    app.rest()
    chosen = app.scene()
    assert chosen.grid.layers == (4, 5, 6, 7)
    assert chosen.grid.psi == pytest.approx(1.5, abs=0.05)
    assert chosen.truncation == before.truncation
    grid.shows(chosen, (1, 0), picture(cell_scene(chosen, 1, 0, NUM_WS)))


def test_rows_are_added_and_the_grid_is_saved(app: Driver, grid: GridOnScreen) -> None:
    app.click("grid.add.rows")
    app.fill("grid.add.seed", "4321")
    app.key("Return")
    app.wait_for(lambda: not app.shown("grid.add.seed"), "the menu to close")
    app.key("p")
    for person in ("grid.add.live", "grid.add.pin.0"):
        app.click("grid.add.columns")
        app.click(person)
        app.wait_for(lambda person=person: not app.shown(person), "the menu to close")
    scene = app.scene()
    assert scene.grid.rows[3].latent.seed == 4321
    assert scene.grid.columns[3] == Source(latent=scene.latent, mixing=scene.mixing)
    assert scene.grid.columns[4].name.startswith("faces32")
    app.click("grid.save.picture")
    app.rest()
    saved = app.wait_for(lambda: list(app.pictures.glob("*-grid-*.png")), "the saved grid")
    assert len(saved) == 1


def test_several_people_are_mixed_in_and_painted_with(app: Driver, see: See) -> None:
    app.reveal("mixing.clear")
    app.click("mixing.clear")
    before = see(app)
    app.reveal("mixing.layers")
    strip = app.rect("mixing.layers")
    app.drag(strip.at(0.03, 0.01), strip.at(0.45, 0.01), steps=3)
    app.reveal("mixing.add")
    app.click("mixing.add")
    strip = app.reveal("mixing.layers")
    app.drag(strip.at(0.97, 0.01), strip.at(0.8, 0.01), steps=3)
    painted = see(app)
    first, second = painted.mixing
    assert [round(amount) for amount in first.amounts] == [1, 1, 1, 1, 0, 0, 0, 0]
    assert [round(amount) for amount in second.amounts] == [0, 0, 0, 0, 0, 0, 1, 1]
    app.reveal("mixing.source.0")
    app.click("mixing.source.0")
    app.click("mixing.remove")
    assert see(app).mixing == (second,)
    app.key("ctrl+z")
    assert see(app) == painted
    app.click("mixing.clear")
    assert see(app) == before
