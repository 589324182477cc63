"""The ladder of psi: its rungs are Scenes like any other, and its picture is theirs."""

import numpy as np

from stylegan_core import edits
from stylegan_core.labels import SheetPainter, plan_sheet
from stylegan_core.ladder import ladder_picture, ladder_psis, ladder_scenes
from stylegan_core.models import ModelStore
from stylegan_core.render import Renderer, render
from stylegan_core.scene import Grid, Ladder, ModelRef, Scene, Truncation
from tests.strategies import tiny_model


def test_psis_of_a_ladder() -> None:
    assert ladder_psis(Ladder()) == (-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5)
    assert ladder_psis(Ladder(first=0, last=1, rungs=4)) == (0, 0.33, 0.67, 1)
    assert ladder_psis(Ladder(first=1, last=0, rungs=2)) == (1, 0)


def test_rungs_are_the_scene_at_their_psi() -> None:
    scene = Scene(ladder=Ladder(first=0, last=1, rungs=3), grid=Grid(layers=(1,)))
    assert ladder_scenes(scene) == tuple(edits.set_psi(Scene(), psi) for psi in (0, 0.5, 1))
    curve = scene.model_copy(update={"truncation": Truncation(psi=0.5, layers=(2.0, -2.0))})
    assert len(ladder_scenes(curve)) == 1  # its ends can go no further, up or down


def test_the_picture_has_every_rung_in_its_place() -> None:
    model, models = tiny_model(), ModelStore()
    models.add(model)
    scene = Scene(model=ModelRef(digest=model.card.digest), ladder=Ladder(first=0, last=1, rungs=3))
    told: list[float] = []
    picture = ladder_picture(Renderer(models), scene, progress=told.append)
    sheet = plan_sheet(model.card.resolution, (), ["0", "0.5", "1"], "psi")
    assert picture.shape == (sheet.size[1], sheet.size[0], 3) and told == [1 / 3, 2 / 3, 1]
    for index, rung in enumerate(ladder_scenes(scene)):
        expected = SheetPainter(sheet, (), ["0", "0.5", "1"])
        pixels = render(rung, models).pixels
        assert pixels is not None
        expected.paste(pixels.numpy(), None, index)
        (x, y), side = sheet.place(None, index), sheet.cell_px
        assert np.array_equal(picture[y : y + side, x : x + side], expected.pixels()[y : y + side, x : x + side])
