"""The strip of snapshots in the real window: dragged, stepped through, followed, and walked through."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from stylegan_core.checkpoint import digest
from stylegan_core.scene import ModelRef, Scene
from tests.gui.conftest import at_one_to_one
from tests.gui.driver import FACES, Driver, find
from tests.runs import add_snapshot, make_run
from widgets.training.time_strip import EDGE, positions


def test_the_picture_goes_through_training(
    launch: Callable[..., Driver], picture: Callable[[Scene], np.ndarray], tmp_path: Path
) -> None:
    run = make_run(tmp_path / "faces", FACES, (0, 2000, 10000))
    app = at_one_to_one(launch(run.snapshots()[0].path))
    scene = app.scene()

    def arrives(place: int) -> None:
        path = run.snapshots()[place].path
        pixels = picture(scene.model_copy(update={"model": ModelRef(digest=digest(path), path=str(path))}))
        app.wait_for(lambda: len(find(pixels, app.canvas())) == 1, f"the picture of {path.name}")

    def at(place: int) -> tuple[float, float]:
        slider = app.rect("snapshots.slider")
        return slider.x + positions(run.snapshots(), slider.width, EDGE)[place], slider.at()[1]

    arrives(0)
    app.drag(at(0), at(2), at(1), steps=3)
    arrives(1)
    app.key("ctrl+z")  # all of the drag
    arrives(0)
    with app.key_held("shift"):
        app.key("period")
    arrives(1)

    app.click("snapshots.follow")
    arrives(2)
    add_snapshot(run, FACES, 20000, noise=0.3)
    arrives(3)

    app.click("snapshots.walk")
    app.wait_for(lambda: app.shown("timeline.lanes"), "the walk in the timeline")
    arrives(0)
