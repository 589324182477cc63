"""What is looked at besides the picture: where each map is on a sheet, and which number has which colour."""

from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stylegan_core import edits
from stylegan_core.colours import coloured
from stylegan_core.errors import SceneError
from stylegan_core.look import look_pixels
from stylegan_core.maps import (
    GAP_GREY,
    GAP_PX,
    SHEET_MAPS,
    SHEET_PX,
    SPECTRUM_DB,
    activation_pixels,
    look_layout,
    order_of,
    shades,
    sheet_layout,
)
from stylegan_core.models import ModelStore
from stylegan_core.noise_look import noise_look_pixels, require_layer
from stylegan_core.ops import no_poll
from stylegan_core.render import Renderer
from stylegan_core.scene import Colours, Look, ModelRef, Scene
from stylegan_core.spectrum import spectrum
from tests.strategies import tiny_model

SHOWS = ("channel", "rgb", "sheet", "strongest", "spectrum")
MODEL = tiny_model(16)


def maps(channels: int = 5, height: int = 6, width: int = 8) -> torch.Tensor:
    return torch.randn(channels, height, width, generator=torch.Generator().manual_seed(channels))


# -- sheets ------------------------------------------------------------------------------------------------------------

counts = st.one_of(st.integers(1, 70), st.integers(1, 2048))
sides = st.one_of(st.integers(1, 40), st.sampled_from([64, 148, 256, 276, 512, 1024, 1044, 4096]))


@given(counts, sides, st.booleans())
def test_a_sheet_is_nearly_square_and_no_larger_than_it_may_be(count: int, side: int, half: bool) -> None:
    sheet = sheet_layout(count, side, max(side // 2, 1) if half else side)
    assert sheet.rows <= sheet.columns <= sheet.rows + 1
    assert sheet.per_page - sheet.columns < min(count, SHEET_MAPS) <= sheet.per_page <= SHEET_MAPS
    gaps = (sheet.columns - 1) * GAP_PX
    assert sheet.width <= SHEET_PX + gaps and sheet.height <= SHEET_PX + gaps
    assert 1 <= sheet.cell_width <= sheet.map_width and 1 <= sheet.cell_height <= sheet.map_height
    if side * sheet.columns <= SHEET_PX:  # nothing is averaged that need not be
        assert (sheet.cell_width, sheet.cell_height) == (sheet.map_width, sheet.map_height)


@given(counts, sides, st.integers(0, 50))
def test_every_channel_is_on_one_page(count: int, side: int, page: int) -> None:
    sheets = [sheet_layout(count, side, side, page) for page in range(sheet_layout(count, side, side).pages)]
    assert tuple(channel for sheet in sheets for channel in sheet.shown) == tuple(range(count))
    for number, sheet in enumerate(sheets):
        assert sheet.page == number and all(sheet.page_of(channel) == number for channel in sheet.shown)
        assert (sheet.width, sheet.height) == (sheets[0].width, sheets[0].height)
    assert sheet_layout(count, side, side, page).page == min(page, len(sheets) - 1)
    assert sheets[0].page_of(count) is None


@given(st.data(), counts, sides, st.integers(0, 40))
def test_what_is_under_the_cursor_is_what_was_put_there(data: st.DataObject, count: int, side: int, page: int) -> None:
    sheet = sheet_layout(data.draw(st.permutations(range(count)).map(tuple)), side, side, page)
    channel = data.draw(st.sampled_from(sheet.shown))
    place = sheet.place_of(channel)
    assert place is not None
    x, y = data.draw(st.integers(0, sheet.cell_width - 1)), data.draw(st.integers(0, sheet.cell_height - 1))
    within = data.draw(st.floats(0, 0.99))
    found = sheet.channel_at(place[0] + x + within, place[1] + y + within)
    assert found is not None and found[0] == channel
    # The map's place is within what this pixel of the cell is the mean of.
    assert found[1:] == (x * side // sheet.cell_width, y * side // sheet.cell_height)
    assert 0 <= found[1] < side and 0 <= found[2] < side


def test_gaps_and_what_is_beyond_are_nothing() -> None:
    sheet = sheet_layout(5, 4, 4)  # 3 columns, 2 rows; the last cell is empty
    assert (sheet.columns, sheet.rows, sheet.width, sheet.height) == (3, 2, 14, 9)
    assert sheet.channel_at(3.9, 3.9) == (0, 3, 3)
    assert sheet.channel_at(5, 0) == (1, 0, 0)
    assert sheet.channel_at(8, 8) == (4, 3, 3)
    for x, y in ((4, 0), (4.9, 0), (0, 4.5), (12, 6), (14, 0), (15, 0), (0, 9), (-0.1, 0), (0, -0.1), (-6, 8)):
        assert sheet.channel_at(x, y) is None
    assert sheet.place_of(5) is None and sheet_layout(100, 4, 4, page=1).place_of(3) is None


# -- shades ------------------------------------------------------------------------------------------------------------

KNOWN = torch.tensor([[[-1.0, 0.0], [1.0, 3.0]], [[0.0, 0.0], [0.25, 0.5]]])


def test_maps_are_normalised_each_by_itself_from_smallest_to_largest() -> None:
    expected = torch.tensor([[[0.0, 0.25], [0.5, 1.0]], [[0.0, 0.0], [0.5, 1.0]]])
    assert torch.allclose(shades(KNOWN, Look(colours="viridis")), expected)


def test_diverging_colours_keep_nothing_in_the_middle() -> None:
    expected = torch.tensor([[[1 / 3, 0.5], [2 / 3, 1.0]], [[0.5, 0.5], [0.75, 1.0]]])
    assert torch.allclose(shades(KNOWN, Look(colours="diverging")), expected)


@pytest.mark.parametrize("colours", get_args(Colours))
def test_without_normalising_the_values_are_those_of_pictures(colours: Colours) -> None:
    look = Look(normalise=False, colours=colours)
    assert torch.allclose(shades(KNOWN, look), (KNOWN + 1) / 2)
    louder = look.model_copy(update={"gain_db": 20.0})
    assert torch.allclose(shades(KNOWN, louder), (KNOWN * 10 + 1) / 2)


@pytest.mark.parametrize("colours", get_args(Colours))
def test_gain_comes_on_top_of_normalising(colours: Colours) -> None:
    look = Look(colours=colours, gain_db=-20.0)
    plain = look.model_copy(update={"gain_db": 0.0})
    assert torch.allclose(shades(KNOWN, look) - 0.5, (shades(KNOWN, plain) - 0.5) / 10, atol=1e-6)


@pytest.mark.parametrize("colours", get_args(Colours))
@pytest.mark.parametrize("value", [0.0, 7.0, -7.0, torch.nan, torch.inf])
def test_a_map_of_one_value_has_no_range_to_fall_over(colours: Colours, value: float) -> None:
    found = shades(torch.full((2, 2), value), Look(colours=colours))
    if colours == "diverging" and abs(value) == 7:
        assert found.unique().tolist() == [1.0 if value > 0 else 0.0]
    else:
        assert found.unique().tolist() == [0.5]


# -- pixels ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("show", SHOWS)
@pytest.mark.parametrize("colours", get_args(Colours))
@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("shape", [(3, 1, 1), (5, 6, 8), (70, 4, 4)])
def test_every_way_to_show_gives_the_shape_of_its_layout(
    show: str, colours: Colours, normalise: bool, shape: tuple[int, int, int]
) -> None:
    x = maps(*shape)
    look = Look(show=show, colours=colours, normalise=normalise, gain_db=3.0)
    sheet = look_layout(x.shape, look, order_of(x, look))
    pixels = activation_pixels(x, look)
    assert pixels.dtype == torch.uint8 and pixels.shape == (sheet.height, sheet.width, 3) and pixels.is_contiguous()
    if show in ("channel", "rgb", "spectrum"):
        assert sheet.channel_at(0, 0) == (0, 0, 0) and (sheet.width, sheet.height) == (shape[2], shape[1])


def test_one_channel_is_its_map_in_colours() -> None:
    x, look = maps(), Look(show="channel", channels=(3, 0, 0), colours="magma", normalise=False)
    assert torch.equal(activation_pixels(x, look), coloured((x[3] + 1) / 2, "magma"))


def test_rgb_is_three_maps_in_the_order_given() -> None:
    x, look = maps(), Look(show="rgb", channels=(4, 0, 4), colours="magma")
    pixels = activation_pixels(x, look)
    for place, channel in enumerate((4, 0, 4)):
        low, high = x[channel].min(), x[channel].max()
        expected = (x[channel] - low) / (high - low) * 255
        assert (pixels[..., place] - expected).abs().max() <= 0.5 + 1e-3


def test_a_sheet_has_every_map_where_it_says_and_gaps_between() -> None:
    x, look = maps(70, 4, 5), Look(page=1)
    sheet = look_layout(x.shape, look, order_of(x, look))
    pixels = activation_pixels(x, look)
    assert sheet.shown == tuple(range(64, 70))
    covered = torch.zeros(sheet.height, sheet.width, dtype=torch.bool)
    for channel in sheet.shown:
        left, top = sheet.place_of(channel)
        cell = (slice(top, top + 4), slice(left, left + 5))
        assert torch.equal(pixels[cell], activation_pixels(x, Look(show="channel", channels=(channel, 0, 0))))
        covered[cell] = True
    assert (pixels[~covered] == GAP_GREY).all() and not covered.all()


def test_large_maps_are_averaged_down_within_their_own_range() -> None:
    x = torch.arange(64 * 256 * 256, dtype=torch.float32).reshape(64, 256, 256)
    x[:, 0, 0] = -1e9  # an outlier that no mean would leave in the range
    look = Look(colours="grey")
    pixels, sheet = activation_pixels(x, look), look_layout(x.shape, look, order_of(x, look))
    assert (sheet.cell_width, sheet.width) == (128, 8 * 129 - 1)
    expected = shades(x[9], look).reshape(128, 2, 128, 2).mean(dim=(1, 3))
    left, top = sheet.place_of(9)
    assert torch.equal(pixels[top : top + 128, left : left + 128], coloured(expected, "grey"))


def test_the_strongest_maps_come_first() -> None:
    x = maps(70, 4, 4) * torch.linspace(1, 3, 70).roll(20)[:, None, None]
    look = Look(show="strongest")
    order = order_of(x, look)
    strengths = [float(x[channel].abs().mean()) for channel in order]
    assert sorted(order) == list(range(70)) and strengths == sorted(strengths, reverse=True)
    first = activation_pixels(x, Look(show="channel", channels=(order[0], 0, 0)))
    assert torch.equal(activation_pixels(x, look)[:4, :4], first)
    second_page = look_layout(x.shape, look.model_copy(update={"page": 1}), order)
    assert second_page.shown == order[64:]


def test_a_spectrum_spans_its_decibels_from_the_highest_peak_down() -> None:
    x = maps(3, 32, 32) * 5
    levels = spectrum(x[1], 4.0).power_db
    look = Look(show="spectrum", channels=(1, 0, 0), colours="grey", spectrum_beta=4.0)
    pixels = activation_pixels(x, look)
    assert torch.equal(pixels, coloured((levels - levels.max()) / SPECTRUM_DB + 1, "grey"))
    assert pixels.max() == 255
    absolute = look.model_copy(update={"normalise": False, "gain_db": -20.0})
    assert torch.equal(activation_pixels(x, absolute), coloured((levels - 20) / SPECTRUM_DB + 1, "grey"))


@pytest.mark.parametrize(("show", "channels"), [("channel", (5, 0, 0)), ("rgb", (0, 1, 5)), ("spectrum", (5, 0, 0))])
def test_a_channel_that_the_layer_does_not_have_is_a_sentence(show: str, channels: tuple[int, int, int]) -> None:
    look = Look(at="layer", layer="b4.conv1", show=show, channels=channels)
    with pytest.raises(SceneError, match=r"^b4\.conv1 has channels 0 to 4, so there is no 5\.$"):
        activation_pixels(maps(5), look)


# -- of a Scene --------------------------------------------------------------------------------------------------------


def scene_of(**look: object) -> Scene:
    return Scene(model=ModelRef(digest=MODEL.card.digest), look=Look(**look))


def renderer() -> Renderer:
    models = ModelStore()
    models.add(MODEL)
    return Renderer(models)


@pytest.mark.parametrize("show", SHOWS)
def test_a_layer_is_shown_as_it_was_tapped(show: str) -> None:
    shown = renderer()
    scene = edits.look_at(scene_of(show=show), "layer", "b8.conv1")
    tapped = shown.tap(scene, "b8.conv1")
    assert torch.equal(look_pixels(shown, scene, no_poll), activation_pixels(tapped, scene.look))


@pytest.mark.parametrize("at", ["noise", "effect", "variation"])
def test_what_is_seen_of_noise_is_shown_as_noise_look_says(at: str) -> None:
    shown = renderer()
    scene = edits.set_look_seeds(edits.look_at(scene_of(), at, "b8.conv1"), 2)
    pixels = look_pixels(shown, scene, no_poll)
    assert pixels.dtype == torch.uint8 and torch.equal(pixels, noise_look_pixels(shown, scene))
    assert torch.equal(shown.render(scene).pixels, pixels)


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ({"at": "layer"}, "tiny has no layer without a name; choose one of b4.conv1 to b16.torgb."),
        ({"at": "layer", "layer": "b32.conv0"}, "tiny has no layer called 'b32.conv0'; choose one of b4.conv1 to"),
        ({"at": "noise"}, "tiny has no layer that takes noise without a name; choose one of b4.conv1 to b16.conv1."),
        ({"at": "effect", "layer": "b4.torgb"}, "tiny has no layer that takes noise called 'b4.torgb'; choose one"),
        ({"at": "variation", "layer": "b4.torgb"}, "tiny has no layer that takes noise called 'b4.torgb'; choose"),
    ],
)
def test_a_look_at_what_the_model_lacks_is_a_sentence(look: dict[str, str], words: str) -> None:
    with pytest.raises(SceneError) as error:
        look_pixels(renderer(), scene_of(**look), no_poll)
    assert str(error.value).startswith(words) and str(error.value).endswith(".")


def test_what_a_model_has_may_be_looked_at() -> None:
    for layer in MODEL.card.layers:
        require_layer(MODEL.card, Look(at="layer", layer=layer.name))
    for layer in MODEL.card.noise_layers:
        for at in ("noise", "effect", "variation"):
            require_layer(MODEL.card, Look(at=at, layer=layer.name))
    for at in ("effect", "variation"):  # of all layers together
        require_layer(MODEL.card, Look(at=at))
    quiet = tiny_model(16, use_noise=False).card
    require_layer(quiet, Look(at="picture"))
    with pytest.raises(SceneError, match="tiny has no layer that takes noise, so there is nothing to look at"):
        require_layer(quiet, Look(at="variation"))
