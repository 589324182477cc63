"""The view panel: how the picture lies on the canvas, and how its numbers become pixels."""

from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.scene import Scene
from widgets import icons
from widgets.bind import tooltip
from widgets.canvas import GROUNDS, ZOOM_STEP, Canvas
from widgets.model import model_choices
from widgets.ui import Ui

NOTHING = "nothing"
# Of pictures by their number of channels.
CHANNELS = {
    2: ("all", "grey", "alpha"),
    3: ("all", "red", "green", "blue"),
    4: ("all", "R", "G", "B", "alpha"),
}
GAIN_SHOWN_DB = (-20.0, 20.0)


class ViewPanel:
    """See the module."""

    title, key = f"{icons.EYE}  View", "view"

    def __init__(self, ui: Ui, canvas: Canvas):
        self._ui, self._canvas = ui, canvas
        self._seen: tuple[object, ...] = ()
        self._choices: dict[str, Path] = {}
        self._channels: tuple[str, ...] = CHANNELS[3]
        self._offered: int | None = 3  # how many channels can be chosen from
        self._listed: tuple[object, ...] = ()

    def build(self) -> None:
        """Make its items."""
        canvas = self._canvas
        with dpg.group(horizontal=True):
            dpg.add_button(label="Fit", tag="view.fit", callback=lambda: canvas.fit())
            tooltip("view.fit", "As large as the window allows. Key: F")
            dpg.add_button(label="1:1", tag="view.one", callback=lambda: canvas.one_to_one())
            tooltip("view.one", "One screen pixel for each pixel of the picture. Key: 1")
            dpg.add_button(label=icons.ZOOM_OUT, tag="view.out", callback=lambda: canvas.zoom_by(1 / ZOOM_STEP))
            tooltip("view.out", "Smaller. Key: minus, or the wheel on the picture")
            dpg.add_button(label=icons.ZOOM_IN, tag="view.in", callback=lambda: canvas.zoom_by(ZOOM_STEP))
            tooltip("view.in", "Larger. Key: plus, or the wheel on the picture; drag with the right button to pan")
            dpg.add_text("", tag="view.zoom")
        dpg.add_radio_button(("smooth", "pixels"), tag="view.smooth", horizontal=True, callback=self._set_smooth)
        tooltip("view.smooth", "Whether enlarging blurs between pixels or shows them as squares.")
        dpg.add_slider_float(
            tag="view.compare", min_value=0, max_value=1, width=-1, format="compare  %.2f", callback=self._set_compare
        )
        tooltip("view.compare", "Uncover the pinned picture from the left. Hold C to see all of it for a moment.")

        self._build_development()
        self._build_beside()

    def _build_development(self) -> None:
        bind = self._ui.bind
        bind.slider(
            "view.gain",
            "Gain",
            lambda scene: scene.view.gain_db,
            edits.set_gain_db,
            GAIN_SHOWN_DB,
            "Contrast about mid-grey: 6 dB is twice as much. The network does not run again.",
            format="gain  %.1f dB",
            address="view/gain_db",
        )
        bind.radio(
            "view.channel",
            "Channel",
            self._channel,
            lambda scene, name: edits.set_channel(scene, (None, *range(16))[self._channels.index(name)]),
            self._channels,
            "All colours, or one of them in grey; alpha is how opaque the picture is.",
        )
        dpg.add_radio_button(GROUNDS, tag="view.ground", horizontal=True, callback=self._set_ground)
        tooltip("view.ground", "What is seen through transparent parts. Saved pictures keep them transparent.")

    def _build_beside(self) -> None:
        companion, px = self._ui.explorer.companion, self._ui.px
        with dpg.group(horizontal=True):
            dpg.add_text("beside")
            dpg.add_combo(tag="view.beside", width=-1, callback=self._set_beside, height_mode=dpg.mvComboHeight_Large)
            tooltip(
                "view.beside",
                "Another model's picture to the right of this one, under the same transform and truncation.",
            )
        with dpg.group(horizontal=True, tag="view.companion", show=False):
            dpg.add_text("seed")
            dpg.add_input_text(
                tag="view.beside.seed",
                width=px(120),
                decimal=True,
                on_enter=True,
                auto_select_all=True,
                default_value=str(companion.seed),
                callback=self._set_seed,
            )
            tooltip("view.beside.seed", "The person shown beside; Enter goes there.")
            dpg.add_button(label=f"{icons.DICE}  New", tag="view.beside.random", width=-1, callback=self._new_seed)
            tooltip("view.beside.random", "Someone new beside.")

    def sync(self) -> None:
        """Follow the canvas."""
        self._list_choices()
        card = self._ui.explorer.card
        self._offer_channels(card)
        look = (
            self._canvas.zoom(),
            self._canvas.smooth,
            self._canvas.ground,
            self._ui.explorer.favourites.compared is not None,
        )
        if look == self._seen:
            return
        self._seen = look
        dpg.set_value("view.zoom", f"{look[0]:.0%}")
        dpg.set_value("view.smooth", "smooth" if self._canvas.smooth else "pixels")
        dpg.set_value("view.ground", self._canvas.ground)
        dpg.configure_item("view.compare", enabled=self._ui.explorer.favourites.compared is not None)

    def _channel(self, scene: Scene) -> str:
        """The name of the channel that is looked at."""
        return self._channels[0 if scene.view.channel is None else min(scene.view.channel + 1, len(self._channels) - 1)]

    def _offer_channels(self, card: ModelCard | None) -> None:
        """The channels that the model's pictures have, and what lies under them."""
        there = None if card is None else card.img_channels
        if there == self._offered:
            return
        self._offered = there
        self._channels = CHANNELS.get(there or 3, CHANNELS[3])
        dpg.configure_item("view.channel", items=list(self._channels), show=there in CHANNELS)
        dpg.configure_item("view.ground", show=card is not None and card.has_alpha)
        self._ui.bind.refresh()

    def _list_choices(self) -> None:
        explorer = self._ui.explorer
        companion = explorer.companion
        listed = (explorer.session.recent, companion.path, companion.seed)
        if listed == self._listed:
            return
        self._listed = listed
        self._choices = model_choices(explorer.session.recent)
        shown = next((label for label, path in self._choices.items() if path == companion.path), NOTHING)
        dpg.configure_item("view.beside", items=[NOTHING, *self._choices])
        dpg.set_value("view.beside", shown)
        dpg.configure_item("view.companion", show=companion.path is not None)
        dpg.set_value("view.beside.seed", str(companion.seed))

    def _set_beside(self, sender: Any, label: str) -> None:
        del sender
        self._ui.explorer.companion.open(self._choices.get(label))

    def _set_seed(self, sender: Any, text: str) -> None:
        del sender
        if text.strip().isdigit():
            self._ui.explorer.companion.set_seed(int(text))

    def _new_seed(self) -> None:
        self._ui.explorer.companion.set_seed(self._ui.explorer.random_seed())

    def _set_smooth(self, sender: Any, value: str) -> None:
        del sender
        self._canvas.set_smooth(value == "smooth")
        self._ui.explorer.arrange(smooth=self._canvas.smooth)

    def _set_ground(self, sender: Any, value: str) -> None:
        del sender
        self._canvas.ground = value
        self._ui.explorer.arrange(ground=value)

    def _set_compare(self, sender: Any, value: float) -> None:
        del sender
        if self._ui.explorer.favourites.compared is None:
            self._ui.explorer.say("Pin a picture first (P); then there is something to compare with.")
        self._canvas.view.compare = value
