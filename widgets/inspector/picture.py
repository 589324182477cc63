"""The picture of a layer's activations: drawn to fit, with what is under the cursor, and a click to choose a map."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from visualizer.inspection import Inside
from visualizer.presenter import Picture
from widgets import theme
from widgets.ui import Ui

TAG = "layers.picture"
SHEETS = ("sheet", "strongest")
Point = tuple[float, float]
Size = tuple[int, int]


def said(inside: Inside, x: float, y: float) -> str:
    """What is at a place of the look's picture, in px of that."""
    look = inside.scene.look
    found = inside.sheet.channel_at(x, y)
    if found is None:
        return ""
    channel, column, row = found
    if inside.power_db is not None:
        height, width = inside.power_db.shape
        across, down = column - width // 2, row - height // 2
        return f"{across:+d} across, {down:+d} down, in cycles per picture: {inside.power_db[row, column]:.1f} dB"
    if look.show == "rgb":
        numbers = (f"{number}: {inside.values[number, row, column]:+.4f}" for number in look.channels)
        return f"x {column}  y {row}   channel {'   '.join(numbers)}"
    return f"channel {channel}   x {column}  y {row}   {inside.values[channel, row, column]:+.4f}"


def fitted(size: Size, room: Size) -> Size:
    """Width and height in px of a picture as large as the room allows; magnified twice or more by a whole factor."""
    factor = min(room[0] / size[0], room[1] / size[1])
    factor = int(factor) if factor >= 2 else factor
    return max(round(size[0] * factor), 1), max(round(size[1] * factor), 1)


class LayerPicture:
    """See the module. `choose` is given the channel that somebody clicked on."""

    def __init__(self, ui: Ui, choose: Callable[[int], None]):
        self._ui, self._choose = ui, choose
        self._picture: Picture | None = None
        self._inside: Inside | None = None  # that is shown
        self._size: Size = (1, 1)  # of the picture as it is drawn
        self._drawn: tuple[object, ...] = ()

    def build(self) -> None:
        """Make its items in the container that is open."""
        dpg.add_drawlist(width=100, height=100, tag=TAG)
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=self._pick)
        dpg.bind_item_handler_registry(TAG, handlers)

    def sync(self, inside: Inside | None, room: Size) -> None:
        """Once a frame: show this in so many px."""
        if inside is not self._inside and inside is not None:
            if self._picture is None:
                self._picture = self._ui.window.new_picture()
            self._picture.show(inside.rgba)
            self._ui.window.stay_awake()
        self._inside = inside
        tag = None if self._picture is None else self._picture.tag
        if (drawn := (inside, tag, room)) != self._drawn:
            self._drawn = drawn
            self._draw(room)

    def hovered(self) -> str | None:
        """What is under the cursor; None: that is elsewhere."""
        at = self._at()
        return None if at is None or self._inside is None else said(self._inside, *at)

    def _draw(self, room: Size) -> None:
        dpg.delete_item(TAG, children_only=True)
        dpg.configure_item(TAG, width=room[0], height=room[1])
        inside, picture = self._inside, self._picture
        if inside is None or picture is None:
            return
        self._size = fitted(picture.size, room)
        picture.set_smooth(self._size[0] % picture.size[0] > 0)
        dpg.draw_image(picture.tag, (0, 0), self._size, parent=TAG)
        look = inside.scene.look
        if look.show in SHEETS and len(inside.sheet.order) > 1:
            for item in inside.scene.channels:
                if item.layer == look.layer:
                    self._frame(inside, item.channel, theme.BANDS["coarse"])
            self._frame(inside, look.channels[0], theme.TEXT)

    def _frame(self, inside: Inside, channel: int, colour: theme.Colour) -> None:
        """Draw a line around a channel's map, if it is on this page."""
        if (place := inside.sheet.place_of(channel)) is None:
            return
        factor = self._size[0] / inside.sheet.width
        (left, top), sheet = (edge * factor for edge in place), inside.sheet
        right, bottom = left + sheet.cell_width * factor, top + sheet.cell_height * factor
        dpg.draw_rectangle((left - 1, top - 1), (right + 1, bottom + 1), color=colour, thickness=2, parent=TAG)

    def _at(self) -> Point | None:
        """Where the mouse is on the picture, in px of that; None: elsewhere."""
        if not dpg.is_item_hovered(TAG) or self._picture is None:
            return None
        (x, y), (left, top) = dpg.get_mouse_pos(local=False), dpg.get_item_rect_min(TAG)
        x, y = (x - left) * self._picture.size[0] / self._size[0], (y - top) * self._picture.size[1] / self._size[1]
        return (x, y) if 0 <= x < self._picture.size[0] and 0 <= y < self._picture.size[1] else None

    def _pick(self) -> None:
        at, inside = self._at(), self._inside
        if at is not None and inside is not None and inside.scene.look.show in SHEETS:
            if (found := inside.sheet.channel_at(*at)) is not None:
                self._choose(found[0])
