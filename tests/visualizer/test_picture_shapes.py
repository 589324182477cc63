"""What the window makes of pictures that are not square and have alpha: cells, thumbnails, checkerboard, brush."""

from pathlib import Path

import numpy as np
import pytest
import torch

from stylegan_core.config import GeneratorConfig
from stylegan_core.export import ExportError
from stylegan_core.model import build_generator, random_spec
from stylegan_core.models import ModelStore
from stylegan_core.render import Renderer
from stylegan_core.scene import Grid, Latent, ModelRef, Scene, Source
from visualizer.command_line import settings_of, size_in_px
from visualizer.favourites import squared, thumbnail
from visualizer.grid import MixingGrid
from visualizer.grid_pictures import CellPicture, GridLayout, largest_cell, tile
from visualizer.noise_view import noise_thumbnail
from visualizer.truncation import _enough_px
from visualizer.worker import to_rgba
from widgets.canvas import CHECK_GREYS, checkerboard

CONFIG = GeneratorConfig(
    img_resolution=32, base_size=(6, 4), img_channels=4, channel_base=64, channel_max=4, z_dim=4, w_dim=4
)


def random(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


# -- thumbnails --------------------------------------------------------------------------------------------------------


def test_a_thumbnail_lies_in_a_square() -> None:
    small = thumbnail(torch.full((48, 32, 3), 200, dtype=torch.uint8), 24)
    assert small.shape == (24, 24, 4)
    assert (small[:, 4:20] == [200, 200, 200, 255]).all()
    assert not small[:, :4].any() and not small[:, 20:].any()
    assert squared(np.ones((2, 6, 4), np.uint8)).sum(axis=(1, 2)).tolist() == [0, 0, 24, 24, 0, 0]


def test_what_is_transparent_has_no_colour_in_a_thumbnail() -> None:
    pixels = torch.zeros(2, 2, 4, dtype=torch.uint8)
    pixels[0], pixels[1] = torch.tensor([200, 100, 50, 255]), torch.tensor([0, 255, 255, 0])
    assert thumbnail(pixels, 1).tolist() == [[[200, 100, 50, 128]]]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_square_opaque_thumbnail_is_the_mean_of_areas(channels: int) -> None:
    pixels = random(8, 8, channels)
    mean = to_rgba(pixels).reshape(2, 4, 2, 4, 4).float().mean(dim=(1, 3))
    assert np.abs(thumbnail(pixels, 2).astype(float) - mean.numpy()).max() <= 0.5


def test_a_noise_thumbnail_fits_whichever_side_is_longer() -> None:
    assert noise_thumbnail(torch.zeros(96, 20)).shape == (48, 10, 4)
    assert noise_thumbnail(torch.zeros(20, 96)).shape == (10, 48, 4)


def test_a_ladder_s_pictures_stop_where_their_longer_side_suffices() -> None:
    card = build_generator(random_spec(CONFIG, 0), "oblong", "oblong").card
    assert [_enough_px(card, px) for px in (10, 12, 13, 24, 25)] == [8, 8, 16, 16, None]


# -- the mixing grid ---------------------------------------------------------------------------------------------------


def test_cells_have_the_pictures_shape() -> None:
    layout = GridLayout(2, 3, 20, height_px=30)
    assert layout.size == (3 * 22 + 4 + 20, 2 * 32 + 4 + 30)
    for place in ((0, 0), (1, 2), (-1, 1), (1, -1)):
        x, y = layout.corner(place)
        assert layout.at(x, y) == layout.at(x + 19, y + 29) == place
        assert layout.at(x + 20, y) is None and layout.at(x, y + 30) is None
    for aspect in (0.5, 1.0, 1.5):
        px = largest_cell(2, 3, 400, 300, aspect)
        for wider, fits in ((px, True), (px + 2, False)):
            width, height = GridLayout(2, 3, wider, height_px=round(wider * aspect)).size
            assert (width <= 400 and height <= 300) is fits


def test_a_tile_is_as_high_as_its_picture() -> None:
    pixels = random(48, 32, 3).numpy()
    assert tile(pixels, 32) is pixels and tile(pixels, 10).shape == (15, 10, 3)
    cell = CellPicture.of(pixels, 10, full=True)
    assert cell.reduced and cell.pixels.shape == (30, 20, 3) and cell.fits(10)
    assert cell.quick_tile(7, 11).shape == (11, 7, 3)


class Now:
    """Does on the spot what the worker would do."""

    busy = True

    def on_worker(self, function, then) -> None:  # type: ignore[no-untyped-def]
        then(function(lambda: None))


def test_the_grid_s_atlas_holds_oblong_pictures_over_the_background() -> None:
    models = ModelStore()
    card = models.add(build_generator(random_spec(CONFIG, 0), "oblong", "oblong")).card
    people = tuple(Source(latent=Latent(seed=seed)) for seed in (1, 2))
    scene = Scene(model=ModelRef(digest="oblong"), grid=Grid(rows=people, columns=people, layers=(0, 1)))
    grid = MixingGrid(Renderer(models), Now(), lambda ref: True)
    for _ in range(30):
        grid.follow(scene, card, 16)
    assert grid.complete and grid.layout.cell_height == 24
    x, y = grid.layout.corner((1, 1))
    assert (grid.atlas[y : y + 24, x : x + 16, 3] == 255).all()
    assert len(np.unique(grid.atlas[y : y + 24, x : x + 16, :3])) > 10


# -- the canvas --------------------------------------------------------------------------------------------------------


def test_the_checkerboard_s_squares_are_squares() -> None:
    board = checkerboard(10, 7, 3)
    assert board.shape == (7, 10, 4) and (board[..., 3] == 255).all()
    dark, light = CHECK_GREYS
    assert board[0, :, 0].tolist() == [dark] * 3 + [light] * 3 + [dark] * 3 + [light]
    assert board[:, 0, 1].tolist() == [dark] * 3 + [light] * 3 + [dark]


# -- the command line --------------------------------------------------------------------------------------------------


def test_options_say_what_lies_under_transparent_pictures() -> None:
    settings = settings_of({"background": "#ff8800", "opaque": True}, Path("walk.webm"))
    assert settings.background == (255, 136, 0) and not settings.keeps_alpha
    assert settings_of({"background": "white"}, Path("walk.webm")).keeps_alpha
    with pytest.raises(ExportError, match="'sky' is no colour"):
        settings_of({"background": "sky"}, Path("walk.mp4"))
    assert (size_in_px(96, 64), size_in_px(64, 64)) == ("64×96 px", "64 px")
