"""What a layer gives, as pictures: one map, three as colours, a contact sheet, the strongest, or a spectrum."""

import time
from functools import partial
from typing import Any, get_args

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import LayerInfo
from stylegan_core.scene import Colours, Scene
from visualizer.inspection import Inside, Inspection
from visualizer.presenter import Picture
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.inspector_plots import RadialPlot
from widgets.ui import Ui

PICTURE = "layers.picture"
SHOWS = ("channel", "rgb", "sheet", "strongest", "spectrum")
SHEETS = ("sheet", "strongest")
GAIN_SHOWN_DB, BETA_SHOWN, STRENGTH_SHOWN = (-20.0, 20.0), (0.0, 20.0), (0.0, 4.0)
CONTROLS = 148  # px that the lines of controls and words take
Point = tuple[float, float]


def said(inside: Inside, x: float, y: float) -> str:
    """What is at a place of the look's picture, in px of that."""
    look = inside.scene.look
    found = inside.sheet.channel_at(x, y)
    if found is None:
        return ""
    channel, column, row = found
    if look.show == "spectrum" and inside.power_db is not None:
        height, width = inside.power_db.shape
        across, down = column - width // 2, row - height // 2
        return f"{across:+d} across, {down:+d} down, in cycles per picture: {inside.power_db[row, column]:.1f} dB"
    if look.show == "rgb":
        numbers = (f"{name}: {inside.values[name, row, column]:+.4f}" for name in look.channels)
        return f"x {column}  y {row}   channel {'   '.join(numbers)}"
    return f"channel {channel}   x {column}  y {row}   {inside.values[channel, row, column]:+.4f}"


def fitted(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """Width and height in px of a picture as large as the room allows; magnified by a whole factor only."""
    factor = min(room[0] / size[0], room[1] / size[1])
    factor = int(factor) if factor >= 1 else factor
    return max(round(size[0] * factor), 1), max(round(size[1] * factor), 1)


class Maps:
    """See the module."""

    def __init__(self, ui: Ui, inspection: Inspection):
        self._ui, self._inspection = ui, inspection
        self._radial = RadialPlot(ui)
        self._picture: Picture | None = None
        self._layer: LayerInfo | None = None
        self._inside: Inside | None = None  # that is shown
        self._size = (1, 1)  # of the picture as it is drawn
        self._drawn: tuple[object, ...] = ()
        self._look: object = None

    # -- items ---------------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make its items in the container that is open."""
        bind, px = self._ui.bind, self._ui.px
        with dpg.group(horizontal=True):
            bind.radio(
                "layers.show",
                "Show",
                lambda scene: scene.look.show,
                edits.set_look_show,
                SHOWS,
                "One map; three as red, green and blue; all of them on a sheet; the strongest first; "
                "or how one map's power is spread over frequencies.",
            )
        with dpg.group(horizontal=True):
            self._build_channels()
            self._build_pages()
            dpg.add_button(tag="layers.record", width=px(96), callback=self._record)
            tooltip("layers.record", "A video of what is shown here: every change is a frame, 25 of them a second.")
        with dpg.group(horizontal=True):
            self._build_colours()
        with dpg.group(horizontal=True):
            with dpg.group(tag=f"{PICTURE}.area"):
                dpg.add_drawlist(width=100, height=100, tag=PICTURE)
            self._radial.build()
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=self._pick)
        dpg.bind_item_handler_registry(PICTURE, handlers)
        dpg.add_text("", tag="layers.hover", color=theme.DIM)
        self._build_strength()

    def _build_channels(self) -> None:
        names = ("layers.channel", "layers.channel.green", "layers.channel.blue")
        dpg.add_text("channel")
        for number, tag in enumerate(names):
            self._ui.bind.integer(
                tag,
                "Channel",
                partial(_channel, number),
                partial(self._with_channel, number),
                "The map's number, from 0.",
                width=self._ui.px(52),
            )
        for tag, icon, by in (("previous", icons.CHEVRON_LEFT, -1), ("next", icons.CHEVRON_RIGHT, 1)):
            dpg.add_button(label=icon, tag=f"layers.channel.{tag}", user_data=by, callback=self._step)
            tooltip(f"layers.channel.{tag}", f"The {tag} channel.")

    def _build_pages(self) -> None:
        with dpg.group(horizontal=True, tag="layers.pages"):
            for tag, icon, by in (("previous", icons.CHEVRON_LEFT, -1), ("next", icons.CHEVRON_RIGHT, 1)):
                if by > 0:
                    dpg.add_text("", tag="layers.page")
                dpg.add_button(label=icon, tag=f"layers.page.{tag}", user_data=by, callback=self._turn)
                tooltip(f"layers.page.{tag}", f"The {tag} page.")

    def _build_colours(self) -> None:
        bind, px = self._ui.bind, self._ui.px
        bind.checkbox(
            "layers.normalise",
            "Normalise",
            lambda scene: scene.look.normalise,
            edits.set_look_normalise,
            "normalise",
            "Bring each map to its own range; else -1 to 1 spans the colours.",
        )
        bind.slider(
            "layers.gain",
            "Gain",
            lambda scene: scene.look.gain_db,
            edits.set_look_gain_db,
            GAIN_SHOWN_DB,
            "Contrast: 6 dB is twice as much.",
            width=px(120),
            format="gain  %.1f dB",
        )
        bind.slider(
            "layers.beta",
            "Window",
            lambda scene: scene.look.spectrum_beta,
            edits.set_spectrum_beta,
            BETA_SHOWN,
            "β of the Kaiser window: larger shows fainter things beside strong ones, and blurs more.",
            width=px(110),
            format="window β  %.1f",
        )
        dpg.add_combo(get_args(Colours), tag="layers.colours", width=px(110), callback=self._colour)
        tooltip("layers.colours", "The colour map. Diverging: its middle is 0.")

    def _build_strength(self) -> None:
        with dpg.group(horizontal=True):
            self._ui.bind.slider(
                "layers.strength",
                "Channel gain",
                strength,
                lambda scene, gain: edits.set_channel_gain(scene, scene.look.layer, scene.look.channels[0], gain),
                STRENGTH_SHOWN,
                "How strong the chosen channel goes on into the picture: 0 is off, 1 as the model has it.",
                width=self._ui.px(250),
            )
            for tag, label, gain in (("off", "Off", 0.0), ("reset", "Reset", 1.0)):
                dpg.add_button(label=label, tag=f"layers.strength.{tag}", user_data=gain, callback=self._strengthen)
            tooltip("layers.strength.off", "The picture without this channel.")
            tooltip("layers.strength.reset", "This channel as the model has it.")

    # -- each frame ----------------------------------------------------------------------------------------------------

    def sync(self, layer: LayerInfo, width: int, height: int) -> None:
        """Once a frame: show what is inside a layer, in so many px."""
        self._layer = layer
        self._take_inside()
        scene = self._ui.explorer.scene
        look = (scene.look, strength(scene) != 1, self._inspection.recording is not None)
        if look != self._look:
            self._look = look
            self._show_controls(scene)
        inside = self._inside
        room = (width, max(height - self._ui.px(CONTROLS), 40))
        if inside is not None and inside.radial is not None:
            half = width // 2
            self._radial.sync(inside.radial, width - half - self._ui.px(8), min(room[1], half))
            room = (half, room[1])
        self._radial.show(inside is not None and inside.radial is not None)
        self._draw(room)
        dpg.set_value("layers.hover", self._hovered())

    def _take_inside(self) -> None:
        inside = self._inspection.inside
        if inside is self._inside:
            return
        self._inside = inside
        if inside is not None:
            if self._picture is None:
                self._picture = self._ui.window.new_picture()
            self._picture.show(inside.rgba)
            self._ui.window.stay_awake()
            page, pages = inside.sheet.page, inside.sheet.pages
            dpg.set_value("layers.page", f"page {page + 1} of {pages}")
            dpg.configure_item("layers.pages", show=pages > 1)
            dpg.configure_item("layers.page.previous", enabled=page > 0)
            dpg.configure_item("layers.page.next", enabled=page + 1 < pages)

    def _show_controls(self, scene: Scene) -> None:
        """Only those that do something to what is shown."""
        look = scene.look
        for tag in ("layers.channel.green", "layers.channel.blue"):
            dpg.configure_item(tag, show=look.show == "rgb")
        dpg.configure_item("layers.beta", show=look.show == "spectrum")
        dpg.configure_item("layers.colours", show=look.show != "rgb")
        dpg.set_value("layers.colours", look.colours)
        recording = self._inspection.recording is not None
        dpg.configure_item("layers.record", label=f"{icons.STOP}  Stop" if recording else f"{icons.RECORD}  Record")
        dpg.configure_item("layers.strength", format=f"channel {look.channels[0]}  × %.2f")
        dpg.configure_item("layers.strength.reset", enabled=strength(scene) != 1)

    def _draw(self, room: tuple[int, int]) -> None:
        inside, picture = self._inside, self._picture
        tag = None if picture is None else picture.tag
        if (drawn := (inside, tag, room)) == self._drawn:
            return
        self._drawn = drawn
        dpg.delete_item(PICTURE, children_only=True)
        dpg.configure_item(PICTURE, width=room[0], height=room[1])
        if inside is None or picture is None:
            return
        self._size = fitted(picture.size, room)
        picture.set_smooth(self._size[0] < picture.size[0])
        dpg.draw_image(picture.tag, (0, 0), self._size, parent=PICTURE)
        look, factor = inside.scene.look, self._size[0] / inside.sheet.width
        place = inside.sheet.place_of(look.channels[0]) if look.show in SHEETS else None
        if place is not None and len(inside.sheet.order) > 1:
            left, top = (edge * factor for edge in place)
            right, bottom = left + inside.sheet.cell_width * factor, top + inside.sheet.cell_height * factor
            dpg.draw_rectangle(
                (left - 1, top - 1), (right + 1, bottom + 1), color=theme.TEXT, thickness=2, parent=PICTURE
            )

    def _hovered(self) -> str:
        """The line of words: what is under the cursor, else what there is to do."""
        if self._inside is not None and (at := self._at()) is not None:
            return said(self._inside, *at)
        if (found := self._radial.hovered()) is not None:
            return found
        if (recording := self._inspection.recording) is not None:
            return f"Recording: {recording.frames} frames so far."
        return "Point at a map for its values; click on it to choose its channel."

    def _at(self) -> Point | None:
        """Where the mouse is on the picture, in px of that; None: elsewhere."""
        if not dpg.is_item_hovered(PICTURE) or self._picture is None:
            return None
        (x, y), (left, top) = dpg.get_mouse_pos(local=False), dpg.get_item_rect_min(PICTURE)
        x, y = (x - left) * self._picture.size[0] / self._size[0], (y - top) * self._picture.size[1] / self._size[1]
        inside = 0 <= x < self._picture.size[0] and 0 <= y < self._picture.size[1]
        return (x, y) if inside else None

    # -- actions -------------------------------------------------------------------------------------------------------

    def _pick(self) -> None:
        """Choose the channel of the map under the mouse."""
        at = self._at()
        if self._inside is None or at is None or self._inside.scene.look.show not in SHEETS:
            return
        if (found := self._inside.sheet.channel_at(*at)) is not None:
            self._ui.explorer.do("Channel", edits.set_look_channels, found[:1])

    def _with_channel(self, number: int, scene: Scene, channel: int) -> Scene:
        channels = list(scene.look.channels)
        channels[number] = min(channel, self._layer.channels - 1) if self._layer is not None else channel
        return edits.set_look_channels(scene, channels)

    def _step(self, sender: Any, value: Any, by: int) -> None:
        del sender, value
        explorer = self._ui.explorer
        explorer.do("Channel", partial(self._with_channel, 0), explorer.scene.look.channels[0] + by)

    def _turn(self, sender: Any, value: Any, by: int) -> None:
        del sender, value
        if self._inside is not None:  # the page shown: the Scene's may be past the last
            self._ui.explorer.do("Page", edits.set_look_page, self._inside.sheet.page + by)

    def _colour(self, sender: Any, name: Colours) -> None:
        del sender
        self._ui.explorer.do("Colours", edits.set_look_colours, name)

    def _strengthen(self, sender: Any, value: Any, gain: float) -> None:
        del sender, value
        look = self._ui.explorer.scene.look
        self._ui.explorer.do("Channel gain", edits.set_channel_gain, look.layer, look.channels[0], gain)

    def _record(self) -> None:
        explorer, inspection = self._ui.explorer, self._inspection
        if inspection.recording is not None:
            inspection.stop_recording()
        elif self._layer is not None:
            name = f"{self._layer.name.replace('/', '-')}-{time.strftime('%Y%m%d-%H%M%S')}"
            inspection.record(explorer.pictures, name)


def _channel(number: int, scene: Scene) -> int:
    return scene.look.channels[number]


def strength(scene: Scene) -> float:
    """The gain of the chosen channel."""
    look = scene.look
    chosen = (item.gain for item in scene.channels if (item.layer, item.channel) == (look.layer, look.channels[0]))
    return next(chosen, 1.0)
