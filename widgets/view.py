"""The view panel: how the picture lies on the canvas. Nothing here changes the picture itself."""

from typing import Any

import dearpygui.dearpygui as dpg

from widgets import icons
from widgets.bind import tooltip
from widgets.canvas import TAG, ZOOM_STEP, Canvas
from widgets.ui import Ui


class ViewPanel:
    """See the module."""

    title, key = f"{icons.EYE}  View", "view"

    def __init__(self, ui: Ui, canvas: Canvas):
        self._ui, self._canvas = ui, canvas
        self._seen: tuple[object, ...] = ()

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

    def sync(self) -> None:
        """Follow the canvas."""
        width, height = (int(v) for v in dpg.get_item_rect_size(TAG))
        look = (
            self._canvas.zoom(width, height),
            self._canvas.smooth,
            self._ui.explorer.favourites.compared is not None,
        )
        if look == self._seen:
            return
        self._seen = look
        dpg.set_value("view.zoom", f"{look[0]:.0%}")
        dpg.set_value("view.smooth", "smooth" if self._canvas.smooth else "pixels")
        dpg.configure_item("view.compare", enabled=self._ui.explorer.favourites.compared is not None)

    def _set_smooth(self, sender: Any, value: str) -> None:
        del sender
        self._canvas.set_smooth(value == "smooth")
        self._ui.explorer.arrange(smooth=self._canvas.smooth)

    def _set_compare(self, sender: Any, value: float) -> None:
        del sender
        if self._ui.explorer.favourites.compared is None:
            self._ui.explorer.say("Pin a picture first (P); then there is something to compare with.")
        self._canvas.view.compare = value
