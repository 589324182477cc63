"""Takes the pictures of the documentation: starts the real program on a virtual screen and drives it by mouse.

    python scripts/screenshots.py [FOLDER]      docs/images unless another is given

Run it after a change to the window and look at what it made.
"""

import os
import subprocess
import sys
import tempfile
import time
from math import cos, sin
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import setup

from stylegan_core import edits
from stylegan_core.edits import tracks
from stylegan_core.edits import walk as walks
from stylegan_core.scene import Grid, Latent, ModelRef, Scene, Source, scene_to_json
from stylegan_core.walk import Walk
from stylegan_core.walk_file import write_walk
from stylegan_core.ways import Ease
from tests.gui.driver import Driver, Rect
from visualizer.library import starter_models
from widgets.ring import GAP

FACES = (83, 154, 161, 5, 60, 219)  # people of the starter model that are good to look at
MORE_FACES = (26, 193, 124, 107, 231, 48)
MARGIN = 8
SETTLE_S = 8.0  # until the last picture of a view has come


def go_to(app: Driver, seed: int) -> None:
    app.fill("latent.seed", str(seed))
    app.key("Return")


def around(*places: Rect) -> Rect:
    """The smallest part of the window that holds these places, with a margin."""
    left, top = min(p.x for p in places) - MARGIN, min(p.y for p in places) - MARGIN
    right = max(p.x + p.width for p in places) + MARGIN
    bottom = max(p.y + p.height for p in places) + MARGIN
    return Rect(max(left, 0), max(top, 0), right - max(left, 0), bottom - max(top, 0))


def show_transform(app: Driver) -> None:
    """The panel unfolded, the picture turned and moved by hand, and a hand on the ring."""
    app.click("mixing.clear")
    app.reveal("panel.transform")
    app.click("panel.transform", 0.2)
    app.wait_for(lambda: app.shown("transform.rotation"), "the transform panel")
    canvas = app.rect("canvas")
    x, y = canvas.at()
    radius = min(canvas.width, canvas.height) / 2 - GAP
    with app.key_held("ctrl"):
        app.drag((x, y), (x + canvas.width / 10, y + canvas.height / 16))
    app.drag(*((x + radius * sin(angle), y - radius * cos(angle)) for angle in (0.0, 0.2, 0.4)))
    app.wait_for(lambda: app.session()["scene"]["transform"]["rotation"] > 20, "the last change")
    app.wait_for(lambda: app.shown("status.hint"), "the end of the last notice")


def show_views(folder: Path, home: Path, display: str) -> None:
    """The large tools beside the picture, each with something in it, from a Scene that is opened."""
    scene = home / "views.json"
    scene.write_text(scene_to_json(insight()), encoding="utf-8")
    app = Driver(home / "views", display, [scene]).start()
    try:
        app.wait_for(lambda: app.session().get("scene", {}).get("grid", {}).get("rows"), "the Scene")
        app.click("bar.right")
        for view, ready in (("grid", "grid.area"), ("layers", "layers.picture"), ("space", "space.rung.8")):
            app.click(f"views.{view}")
            app.wait_for(lambda ready=ready: app.shown(ready), f"the view {view}")
            app.rest()
            time.sleep(SETTLE_S)
            app.save_screenshot(folder / f"{view}.png")
        app.click("views.noises")
        app.wait_for(lambda: app.shown("noises.body"), "the noise view")
        app.click("noises.kind", 0.9)
        app.rest()
        time.sleep(SETTLE_S)
        app.save_screenshot(folder / "noises.png")
    finally:
        app.kill()


def show_timeline(folder: Path, home: Path, display: str) -> None:
    """A walk with curves in the timeline, and the picture of a moment on the way."""
    path = home / "walk.json"
    write_walk(walk(), path)
    app = Driver(home / "timeline", display, [path]).start()
    try:
        app.wait_for(lambda: app.session().get("scene"), "the walk's first picture")
        if not app.shown("splitter.timeline"):  # a walk that is opened may bring it
            app.key("F8")
        edge = app.rect("splitter.timeline").at()
        app.drag(edge, (edge[0], edge[1] - 110))
        app.fill("timeline.time", "4.6")
        app.key("Return")
        app.rest()
        time.sleep(SETTLE_S)
        app.save_screenshot(folder / "timeline.png")
    finally:
        app.kill()


def show_training(folder: Path, home: Path, display: str) -> None:
    """A short run that has come to its end, followed in the picture."""
    runs, faces = home / "runs", ROOT / "assets" / "data" / "fluent_faces_128.zip"
    command = ["train", str(faces), "--preset", "smoke", "--kimg", "4", "--mirror", "--out", str(runs / "faces")]
    subprocess.run([sys.executable, str(ROOT / "main.py"), *command], check=True, cwd=ROOT)
    app = Driver(home / "training", display, [starter_models()[0], "--runs", runs]).start()
    try:
        app.wait_for(lambda: app.session().get("scene"), "the starter model")
        app.key("F10")
        app.wait_for(lambda: app.shown("training.plots.losses"), "the run")
        app.click("bar.left")
        app.click("bar.right")
        app.rest()
        time.sleep(SETTLE_S)
        app.save_screenshot(folder / "training.png")
    finally:
        app.kill()


def walk() -> Walk:
    """People on their way to one another, while psi and the scale go their own ways."""
    model = ModelRef(path=str(starter_models()[0]))
    eases: tuple[Ease, ...] = ("smooth", "cubic", "cubic", "linear", "hold", "smooth")
    found = walks.set_loop(walks.set_duration(Walk(), 12.0), True)
    for number, (seed, ease) in enumerate(zip(FACES, eases, strict=True)):
        scene = edits.set_psi(Scene(model=model, latent=Latent(seed=seed)), 0.6)
        found = walks.add_key(found, 2.0 * number, scene, ease)
    for address, points in (
        ("truncation/psi", ((0.0, 0.3), (4.0, 1.0), (8.0, -0.3))),
        ("transform/scale", ((0.0, 1.0), (3.0, 0.8), (6.0, 1.6), (9.0, 1.2))),
    ):
        for time_s, value in points:
            found = tracks.add_curve(found, address, value, time_s)
    eased = {curve: range(len(found.curves[curve].points)) for curve in (0, 1)}
    return tracks.set_point_ease(found, eased, "cubic")


def insight() -> Scene:
    """A Scene of the starter model with a grid, a layer that is looked at, and a channel that is turned up."""
    rows, columns = (tuple(Source(latent=Latent(seed=seed)) for seed in seeds) for seeds in (FACES[:5], MORE_FACES))
    scene = Scene(
        model=ModelRef(path=str(starter_models()[0])),
        latent=Latent(seed=FACES[0]),
        grid=Grid(rows=rows, columns=columns, layers=(0, 1, 2, 3)),
    )
    return edits.set_look_colours(edits.look_at(scene, "layer", "b16.conv1"), "magma")


def main(folder: Path) -> None:
    with setup.virtual_display() as display, tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home  # what the window shows of folders is nobody's in particular
        app = Driver(Path(home), display, [starter_models()[0]]).start()
        try:
            app.wait_for(lambda: app.session().get("scene"), "the starter model")
            for seed in FACES[1:]:
                go_to(app, seed)
                app.key("p")
            go_to(app, FACES[0])

            strip = app.rect("truncation.layers")
            app.drag(strip.at(0.06, 0.18), strip.at(0.4, 0.2), strip.at(0.94, 0.27), steps=12)
            amounts = app.rect("mixing.layers")
            app.drag(amounts.at(0.8, 0.55), amounts.at(0.95, 0.4), steps=8)
            for number in range(len(FACES) - 1):
                app.wait_for(lambda number=number: app.shown(f"history.pin.{number}"), "the favourites")
            app.move(*app.rect("bar.help").at(2.5))
            app.wait_for(lambda: app.session()["scene"]["mixing"], "the last change")
            app.wait_for(lambda: app.shown("status.hint"), "the end of the last notice")
            app.save_screenshot(folder / "window.png")
            app.reveal("mixing.coarse")
            app.rest()
            app.save_screenshot(folder / "mixing.png", around(app.rect("panel.truncation"), app.rect("mixing.coarse")))
            show_transform(app)
            app.save_screenshot(folder / "transform.png")
        finally:
            app.kill()
        show_views(folder, Path(home), display)
        show_timeline(folder, Path(home), display)
        show_training(folder, Path(home), display)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
