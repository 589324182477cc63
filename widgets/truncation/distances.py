"""A plot of how far each style vector is from what truncation draws it to, as drawn and truncated."""

from typing import Literal

import dearpygui.dearpygui as dpg

from stylegan_core.card import BANDS, ModelCard
from stylegan_core.truncation import Distances
from widgets import theme
from widgets.ui import Ui

Towards = Literal["mean", "class", "nearest"]

TAG = "space.distances"
WHAT = {"mean": "the mean", "class": "the mean of the class", "nearest": "the nearest centre"}


class DistancePlot:
    """Bars, one before the other for each style vector."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._seen: tuple[object, ...] = ()
        self._size = (0, 0)

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.plot(tag=TAG, width=100, height=100, no_menus=True, no_box_select=True, no_mouse_pos=True):
            dpg.add_plot_axis(
                dpg.mvXAxis, tag=f"{TAG}.x", no_gridlines=True, no_menus=True, lock_min=True, lock_max=True
            )
            with dpg.plot_axis(dpg.mvYAxis, tag=f"{TAG}.y", no_menus=True, lock_min=True, lock_max=True):
                self._series("drawn", theme.HOVERED)
                for band in BANDS:
                    self._series(band, theme.BANDS[band])
        dpg.add_text("", tag=f"{TAG}.words", color=theme.DIM)

    @staticmethod
    def _series(name: str, colour: theme.Colour) -> None:
        with dpg.theme() as look, dpg.theme_component(dpg.mvBarSeries):
            for target in (dpg.mvPlotCol_Fill, dpg.mvPlotCol_Line):
                dpg.add_theme_color(target, colour, category=dpg.mvThemeCat_Plots)
        dpg.bind_item_theme(dpg.add_bar_series([], [], weight=0.8, tag=f"{TAG}.{name}"), look)

    def sync(self, found: Distances | None, card: ModelCard, towards: Towards, width: int, height: int) -> None:
        """Once a frame: show these in so many px. The unit is in `truncation.distances`."""
        if (width, height) != self._size:
            self._size = (width, height)
            dpg.configure_item(TAG, width=width, height=height)
        if found is None or len(found.drawn) != card.num_ws:  # of the model before
            return
        if (found, card.digest) != self._seen:
            self._seen = (found, card.digest)
            self._show(found, card)
        words = self._under(found, card) or f"Distance from {WHAT[towards]}: grey as drawn, coloured truncated."
        if dpg.get_value(f"{TAG}.words") != words:
            dpg.set_value(f"{TAG}.words", words)

    def _show(self, found: Distances, card: ModelCard) -> None:
        numbers = range(card.num_ws)
        dpg.set_value(f"{TAG}.drawn", [list(numbers), list(found.drawn)])
        for band in BANDS:
            of_band = [i for i in numbers if card.slot_band(i) == band]
            dpg.set_value(f"{TAG}.{band}", [of_band, [found.truncated[i] for i in of_band]])
        dpg.set_axis_limits(f"{TAG}.x", -0.6, card.num_ws - 0.4)
        dpg.set_axis_limits(f"{TAG}.y", 0.0, 1.08 * max(*found.drawn, *found.truncated, 1e-6))
        firsts = {card.slot_resolution(i): i for i in reversed(numbers)}  # the first style of each resolution
        ticks = tuple((card.size_words(resolution), index) for resolution, index in sorted(firsts.items()))
        dpg.set_axis_ticks(f"{TAG}.x", ticks)

    @staticmethod
    def _under(found: Distances, card: ModelCard) -> str:
        """The values under the mouse, in words; empty where it is elsewhere."""
        if not dpg.is_item_hovered(TAG):
            return ""
        index = round(dpg.get_plot_mouse_pos()[0])
        if not 0 <= index < card.num_ws:
            return ""
        place = f"style {index} · {card.slot_words(index)} · {card.slot_band(index)}"
        return f"{place}:   {found.drawn[index]:.4f} as drawn,  {found.truncated[index]:.4f} truncated"
