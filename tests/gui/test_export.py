"""A walk becomes a video by mouse, and one that the program ended in is gone on with by the next run."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from stylegan_core.scene import Latent, ModelRef, Scene
from stylegan_core.walk import Key, Walk, frame_times, scene_at
from stylegan_core.walk_file import write_walk
from tests.gui.driver import FACES, Driver
from visualizer.files import read_kept

SECONDS, LAST_S, FPS = 6.0, 1.0, 30  # of the walk, its out point, and the rate that the window proposes
MAGNIFIED = 8  # small pictures are, in a video


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(path) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


def parts(folder: Path) -> list[Path]:
    return list(folder.glob("*.part.mp4"))


def test_a_walk_is_exported_by_mouse_and_resumed_by_the_next_run(
    launch: Callable[..., Driver],
    picture: Callable[[Scene], np.ndarray],
    models: object,
    tmp_path: Path,
    short_path: Path,
) -> None:
    ref = ModelRef(digest=models.open(FACES).card.digest, path=str(FACES))  # type: ignore[attr-defined]
    first, second = (Scene(model=ref, latent=Latent(seed=seed)) for seed in (3, 8))
    walk = Walk(keys=(Key(time_s=0, scene=first), Key(time_s=SECONDS, scene=second)), duration_s=SECONDS, last_s=LAST_S)
    write_walk(walk, file := tmp_path / "walk.json")
    app, out, long = launch(file), short_path / "short.mp4", short_path / "long.mp4"
    app.wait_for(lambda: app.session().get("scene", {}).get("latent", {}).get("seed") == 3, "the walk's first picture")
    app.wait_for(lambda: app.shown("timeline.play"), "the timeline of the walk that was opened")

    app.key("ctrl+e")
    app.fill("export.path", str(out))
    app.click("export.start")
    app.wait_for(out.exists, "the video")
    found, times_s = decoded(out), frame_times(walk, FPS)
    assert len(found) == len(times_s) == 30
    for k in (0, 17, 29):
        wanted = picture(scene_at(walk, times_s[k])).repeat(MAGNIFIED, 0).repeat(MAGNIFIED, 1)
        assert np.abs(found[k].astype(int) - wanted).mean() < 6
    assert read_kept(out) == walk

    app.click("export.part", 0.1)  # all of it
    app.fill("export.fps", "60")
    app.key("Return")
    app.fill("export.path", str(long.with_suffix("")))  # the ending follows
    app.click("export.start")
    app.wait_for(lambda: parts(long.parent), "frames of the long video")
    assert app.quit() == 0 and not long.exists() and parts(long.parent)

    app = launch()
    app.click("export.offer.yes")
    app.wait_for(long.exists, "the video that was gone on with")
    assert len(decoded(long)) == SECONDS * 60 and not parts(long.parent)
    assert not list((app.state / "exports").iterdir())
