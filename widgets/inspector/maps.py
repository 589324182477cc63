"""What a layer gives, as pictures: one map, three as colours, a contact sheet, the strongest, or a spectrum."""

from functools import partial
from typing import Any, get_args

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import LayerInfo
from stylegan_core.scene import Colours, Scene, Show
from visualizer.files import stamped
from visualizer.inspection import Inside, Inspection
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.inspector.picture import LayerPicture
from widgets.inspector.plots import RadialPlot
from widgets.ui import Ui

GAIN_SHOWN_DB, BETA_SHOWN, STRENGTH_SHOWN = (-20.0, 20.0), (0.0, 20.0), (0.0, 4.0)
CONTROLS = 144  # px that the lines of controls and words take
HINT = "Point at a map for its values; click on it to choose its channel."
STEPS = (("previous", icons.CHEVRON_LEFT, -1), ("next", icons.CHEVRON_RIGHT, 1))


class Maps:
    """See the module."""

    def __init__(self, ui: Ui, inspection: Inspection):
        self._ui, self._inspection = ui, inspection
        self._radial = RadialPlot(ui)
        self._picture = LayerPicture(ui, self._choose)
        self._layer: LayerInfo | None = None
        self._inside: Inside | None = None  # that is shown
        self._look: object = None

    # -- items ---------------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make its items in the container that is open."""
        self._build_show()
        with dpg.group(horizontal=True):
            self._build_channels()
            self._build_pages()
            self._build_window()
            dpg.add_button(tag="layers.record", callback=self._record)
            tooltip("layers.record", "A video of what is shown here: every change is a frame, 25 of them a second.")
        with dpg.group(horizontal=True):
            self._build_colours()
        with dpg.group(horizontal=True):
            self._picture.build()
            self._radial.build()
        dpg.add_text("", tag="layers.hover", color=theme.DIM)
        self._build_strength()

    def _build_show(self) -> None:
        with dpg.theme() as compact, dpg.theme_component(dpg.mvRadioButton):  # so that all have room in one line
            dpg.add_theme_style(dpg.mvStyleVar_FramePadding, 4, 2)
            dpg.add_theme_style(dpg.mvStyleVar_ItemInnerSpacing, 4, 4)
            dpg.add_theme_style(dpg.mvStyleVar_ItemSpacing, 6, 6)
        item = self._ui.bind.radio(
            "layers.show",
            "Show",
            lambda scene: scene.look.show,
            edits.set_look_show,
            get_args(Show),
            "One map; three as red, green and blue; all of them on a sheet; the strongest first; "
            "or how one map's power is spread over frequencies.",
        )
        dpg.bind_item_theme(item, compact)

    def _build_channels(self) -> None:
        dpg.add_text("channel")
        for number, tag in enumerate(("layers.channel", "layers.channel.green", "layers.channel.blue")):
            self._ui.bind.integer(
                tag,
                "Channel",
                partial(_channel, number),
                partial(self._with_channel, number),
                "The map's number, from 0.",
                width=self._ui.px(44),
            )
        for tag, icon, by in STEPS:
            dpg.add_button(label=icon, tag=f"layers.channel.{tag}", user_data=by, callback=self._step)
            tooltip(f"layers.channel.{tag}", f"The {tag} channel.")

    def _build_pages(self) -> None:
        with dpg.group(horizontal=True, tag="layers.pages"):
            for tag, icon, by in STEPS:
                if by > 0:
                    dpg.add_text("", tag="layers.page")
                dpg.add_button(label=icon, tag=f"layers.page.{tag}", user_data=by, callback=self._turn)
                tooltip(f"layers.page.{tag}", f"The {tag} page.")

    def _build_window(self) -> None:
        self._ui.bind.slider(
            "layers.beta",
            "Window",
            lambda scene: scene.look.spectrum_beta,
            edits.set_spectrum_beta,
            BETA_SHOWN,
            "β of the Kaiser window: larger shows fainter things beside strong ones, and blurs more.",
            width=self._ui.px(120),
            format="window β  %.1f",
        )

    def _build_colours(self) -> None:
        self._ui.bind.checkbox(
            "layers.normalise",
            "Normalise",
            lambda scene: scene.look.normalise,
            edits.set_look_normalise,
            "normalise",
            "Bring each map to its own range; else -1 to 1 spans the colours.",
        )
        self._ui.bind.slider(
            "layers.gain",
            "Gain",
            lambda scene: scene.look.gain_db,
            edits.set_look_gain_db,
            GAIN_SHOWN_DB,
            "Contrast: 6 dB is twice as much.",
            width=self._ui.px(120),
            format="gain  %.1f dB",
        )
        dpg.add_combo(get_args(Colours), tag="layers.colours", width=self._ui.px(110), callback=self._colour)
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
                width=self._ui.px(240),
            )
            for tag, label, gain in (("off", "Off", 0.0), ("reset", "Reset", 1.0)):
                dpg.add_button(label=label, tag=f"layers.strength.{tag}", user_data=gain, callback=self._strengthen)
            tooltip("layers.strength.off", "The picture without this channel.")
            tooltip("layers.strength.reset", "This channel as the model has it.")

    # -- each frame ----------------------------------------------------------------------------------------------------

    def sync(self, layer: LayerInfo, width: int, height: int) -> None:
        """Once a frame: show what is inside a layer, in so many px."""
        self._layer = layer
        inside, scene = self._inspection.inside, self._ui.explorer.scene
        if inside is not self._inside and inside is not None:
            self._show_pages(inside)
        self._inside = inside
        look = (scene.look, strength(scene) != 1, self._inspection.recording is not None)
        if look != self._look:
            self._look = look
            self._show_controls(scene)
        room = (width, max(height - self._ui.px(CONTROLS), 40))
        radial = None if inside is None else inside.radial
        if radial is not None:
            room = (width // 2, room[1])
            self._radial.sync(radial, width - room[0] - self._ui.px(8), min(*room))
        self._radial.show(radial is not None)
        self._picture.sync(inside, room)
        dpg.set_value("layers.hover", self._picture.hovered() or self._radial.hovered() or self._told())

    def _show_pages(self, inside: Inside) -> None:
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
        dpg.configure_item("layers.record", label=icons.RECORD if self._inspection.recording is None else icons.STOP)
        dpg.configure_item("layers.strength", format=f"channel {look.channels[0]}  × %.2f")
        dpg.configure_item("layers.strength.reset", enabled=strength(scene) != 1)

    def _told(self) -> str:
        recording = self._inspection.recording
        return HINT if recording is None else f"Recording: {recording.frames} frames so far."

    # -- actions -------------------------------------------------------------------------------------------------------

    def _choose(self, channel: int) -> None:
        self._ui.explorer.do("Channel", edits.set_look_channels, (channel,))

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
        if self._inside is not None:  # from the page shown: the Scene's may be past the last
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
            inspection.record(explorer.pictures, stamped(self._layer.name.replace("/", "-")))


def _channel(number: int, scene: Scene) -> int:
    return scene.look.channels[number]


def strength(scene: Scene) -> float:
    """The gain of the chosen channel."""
    look = scene.look
    chosen = (item.gain for item in scene.channels if (item.layer, item.channel) == (look.layer, look.channels[0]))
    return next(chosen, 1.0)
