"""The layers view with a real mouse: what stands on the screen is what its Scene looks at."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from stylegan_core import edits
from stylegan_core.card import LayerInfo
from stylegan_core.look import look_pixels
from stylegan_core.maps import GAP_GREY, look_layout, sheet_layout
from stylegan_core.models import ModelStore
from stylegan_core.ops import no_poll
from stylegan_core.render import Renderer
from stylegan_core.scene import ChannelGain, Scene
from tests.gui.conftest import See, at_one_to_one
from tests.gui.driver import Driver
from visualizer.inspection import Inside as LayerInside
from widgets.inspector.picture import fitted, said

LAYER, CHANNEL = "b8.conv1", 28  # of the model that tests open, 64 maps of 8 × 8
Picture = Callable[[Scene], np.ndarray]
Inside = Callable[[Driver], Scene]


@pytest.fixture
def inside(see: See, models: ModelStore) -> Inside:
    """Wait until both pictures are what the Scene stands for: on the canvas, and in the view; return the Scene."""

    def seen(app: Driver) -> Scene:
        scene = see(app)
        pixels = look_pixels(Renderer(models), scene, no_poll).numpy()
        height, width = pixels.shape[:2]
        left, top, *room = map(int, app.rect("layers.picture"))
        factor = fitted((width, height), (room[0], room[1]))[0] // width
        maps = (pixels != GAP_GREY).any(axis=2)  # in the gaps between them the chosen one's frame is drawn
        across, down = (((np.arange(size) + 0.5) * factor).astype(int) for size in (width, height))

        def stands() -> bool:
            return np.array_equal(app.screenshot()[top + down][:, left + across][maps], pixels[maps])

        app.wait_for(stands, f"what {scene.look} shows")
        return scene

    return seen


def inside_of(show: str, power_db: np.ndarray | None = None) -> LayerInside:
    """Four maps of 2 × 3, whose values are 0 to 23."""
    scene = edits.set_look_channels(edits.set_look_show(Scene(), show), (3, 1, 0))
    values = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    sheet = look_layout(values.shape, scene.look, {"sheet": (0, 1, 2, 3), "strongest": (3, 2, 1, 0)}.get(show, (3,)))
    layer = LayerInfo(name="b4.conv1", kind="conv", step=0, resolution=4, channels=4, ws_index=0)
    nothing = np.zeros((1, 1, 4), np.uint8)
    return LayerInside(scene, layer, values, nothing, sheet, np.zeros(0, np.float32), power_db)


@pytest.mark.parametrize(
    ("show", "at", "words"),
    [
        ("channel", (2.9, 1.0), "channel 3   x 2  y 1   +23.0000"),
        ("sheet", (4.5, 1.5), "channel 1   x 0  y 1   +9.0000"),  # right of the gap at 3
        ("sheet", (3.5, 1.5), ""),
        ("strongest", (0.0, 0.0), "channel 3   x 0  y 0   +18.0000"),
        ("rgb", (1.0, 0.0), "x 1  y 0   channel 3: +19.0000   1: +7.0000   0: +1.0000"),
    ],
)
def test_the_words_under_the_cursor_are_the_layers_values(show: str, at: tuple[float, float], words: str) -> None:
    assert said(inside_of(show), *at) == words


def test_the_words_under_the_cursor_on_a_spectrum_are_its_levels() -> None:
    power_db = np.array([[-10, -20, -30], [-40, -50, -60]], np.float32)
    found = said(inside_of("spectrum", power_db), 2.0, 0.0)
    assert found == "+1 across, -1 down, in cycles per picture: -30.0 dB"


@pytest.mark.parametrize(
    ("size", "room", "drawn"),
    [
        ((32, 32), (500, 400), (384, 384)),  # 12 times
        ((339, 339), (500, 400), (400, 400)),  # less than twice: what there is room for
        ((1031, 519), (500, 400), (500, 252)),
    ],
)
def test_pictures_of_layers_fit_their_room(
    size: tuple[int, int], room: tuple[int, int], drawn: tuple[int, int]
) -> None:
    assert fitted(size, room) == drawn


def frames(film: Path) -> int:
    """How many frames a video has so far; 0 where it cannot be opened yet."""
    try:
        with av.open(str(film)) as file:
            return sum(1 for _ in file.decode(video=0))
    except av.error.FFmpegError:
        return 0


def click_map(app: Driver, channel: int) -> None:
    """Click into the middle of a channel's map on the sheet."""
    sheet = sheet_layout(64, 8, 8)
    left, top, *room = app.rect("layers.picture")
    factor = fitted((sheet.width, sheet.height), (int(room[0]), int(room[1])))[0] / sheet.width
    x, y = sheet.place_of(channel) or (0, 0)
    app.move(left + (x + sheet.cell_width / 2) * factor, top + (y + sheet.cell_height / 2) * factor)
    with app.held():
        pass
    app.rest()


def test_a_layer_is_looked_at_changed_kept_and_recorded(
    launch: Callable[..., Driver], inside: Inside, see: See, picture: Picture
) -> None:
    app = at_one_to_one(launch())
    without = a_layer_is_looked_at_and_a_channel_turned_off(app, inside, picture)
    assert app.quit() == 0
    at_one_to_one(app.start())
    assert inside(app) == without
    a_style_is_dragged_and_what_changes_recorded(app, inside, see, picture)


def a_layer_is_looked_at_and_a_channel_turned_off(app: Driver, inside: Inside, picture: Picture) -> Scene:
    """The Scene without the channel."""
    app.click("views.layers")
    app.click("layers.row.b8.conv0")
    app.key("Down")
    app.rest()
    whole = inside(app)
    assert (whole.look.at, whole.look.layer, whole.look.show) == ("layer", LAYER, "sheet")
    click_map(app, CHANNEL)
    app.click("layers.strength.off")
    app.rest()
    without = inside(app)
    assert without.channels == (ChannelGain(layer=LAYER, channel=CHANNEL, gain=0.0),)
    assert (picture(without) != picture(whole)).any()
    app.key("ctrl+z")
    assert inside(app).channels == ()
    app.key("ctrl+shift+z")
    assert inside(app) == without
    return without


def a_style_is_dragged_and_what_changes_recorded(app: Driver, inside: Inside, see: See, picture: Picture) -> None:
    app.key("F3")
    app.wait_for(lambda: not app.shown("layers.picture"), "the picture alone")
    app.key("F3")
    app.click(f"layers.row.{LAYER}")
    app.click("layers.show", 0.1)  # one channel
    app.rest()
    before = inside(app)
    app.click("layers.tab.style")
    plot = app.rect("layers.style")
    app.drag(plot.at(0.5, 0.4), plot.at(0.5, 0.2))
    app.rest()
    after = see(app)
    [edit] = after.styles
    assert edit.layer == LAYER and edit.amount > 0
    assert after == before.model_copy(update={"styles": after.styles})
    assert (picture(after) != picture(before)).any()
    app.click("layers.tab.maps")
    app.rest()
    assert inside(app) == after
    app.click("layers.record")
    [film] = app.wait_for(lambda: [*app.pictures.glob("*.mp4")], "the video")
    app.key("ctrl+z")
    assert inside(app) == before
    app.click("layers.record")
    app.wait_for(lambda: frames(film) >= 2, "a video of the layer before and after")
