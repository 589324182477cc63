"""Pictures of one's own become a data set: typed and pressed, looked at before, prepared, and not prepared over."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.gui.driver import Driver, find
from train.data.fitting import PrepareSettings
from train.data.opening import open_images
from visualizer.dataset_preparation import sample
from widgets.preparing.look import CELL_PX

COUNT, SIDE = 4, 16


def photo(seed: int) -> Image.Image:
    """Large shapes in a wide picture."""
    colours = np.random.RandomState(seed).randint(0, 256, (3, 5, 3)).astype(np.uint8)
    return Image.fromarray(colours).resize((100, 60), Image.Resampling.BICUBIC)


def test_pictures_are_looked_at_and_prepared(app: Driver, short_path: Path) -> None:
    photos, out = short_path / "photos", app.pictures / "data" / f"photos-{SIDE}.zip"
    photos.mkdir()
    for seed in range(COUNT):
        photo(seed).save(photos / f"{seed}.png")
    photo(0).save(photos / "copy.png")
    (photos / "broken.jpg").write_bytes(b"words")

    app.reveal("capture.prepare", "right")
    app.click("capture.prepare")
    app.rect("prepare.source")  # it has the keyboard
    app.type(str(photos / "0.png"))  # a picture stands for its folder
    app.key("Return")
    app.wait_for(lambda: app.shown("prepare.source.0"), "the folder in the list")
    for side in ("width", "height"):
        app.fill(f"prepare.{side}", str(SIDE))
    app.key("Return")
    app.click("prepare.look")
    app.wait_for(lambda: app.shown("prepare.left_out.says"), "what is left out")
    settings = PrepareSettings(width=SIDE, height=SIDE)
    for seed in (0, COUNT - 1):
        cell = sample(photo(seed), "", settings, CELL_PX).after[..., :3]
        app.wait_for(lambda cell=cell: len(find(cell, app.screenshot())) == 1, f"picture {seed} as it will be")
    assert not out.exists()

    app.click("prepare.go")
    app.wait_for(lambda: out.exists() and app.shown("prepare.report"), "the zip, and the report")
    source = open_images(out)
    assert len(source) == COUNT and source.shape == (3, SIDE, SIDE)
    app.click("prepare.go")
    app.wait_for(lambda: app.shown("prepare.error"), "that it is there already")
    app.click("prepare.replace", 0.05)
    app.click("prepare.go")
    app.click("prepare.use")
    app.wait_for(lambda: app.shown("view.training") and not app.shown("prepare.go"), "a new run of these pictures")
    app.click("views.training")
