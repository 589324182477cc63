"""The plot of the noise view: how often each value occurs, and where the value under the mouse stands."""

import dearpygui.dearpygui as dpg
import numpy as np

from visualizer.noise_view import NoisePicture
from widgets import theme
from widgets.ui import Ui

TAG = "noises.plot"
AXES = {  # where there is room, and where there is little
    "noise": ("standard deviations", "value"),
    "effect": ("difference, of a range of 2", "difference"),
    "variation": ("standard deviation, of a range of 2", "deviation"),
}
WIDE = 220  # px at scale 1, for the longer words
CHANNELS = ("R", "G", "B", "A")


def words_of(values: np.ndarray) -> str:
    """Values [C] as they are read out."""
    if len(values) == 1:
        return f"{values[0]:+.4f}"
    return "  ".join(f"{name} {value:+.4f}" for name, value in zip(CHANNELS, values, strict=False))


class Histogram:
    """Bars over the values of a NoisePicture."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui
        self._picture: NoisePicture | None = None
        self._label = ""
        self._marked: float | None = None

    def build(self) -> None:
        """Make the plot in the container that is open."""
        with dpg.theme() as bars, dpg.theme_component(dpg.mvBarSeries):
            dpg.add_theme_color(dpg.mvPlotCol_Fill, theme.ACCENT_DARK, category=dpg.mvThemeCat_Plots)
            dpg.add_theme_color(dpg.mvPlotCol_Line, theme.ACCENT_DARK, category=dpg.mvThemeCat_Plots)
        with dpg.theme() as marker, dpg.theme_component(dpg.mvInfLineSeries):
            dpg.add_theme_color(dpg.mvPlotCol_Line, theme.TEXT, category=dpg.mvThemeCat_Plots)
        with dpg.plot(tag=TAG, width=100, height=100, no_menus=True, no_title=True, no_box_select=True):
            dpg.add_plot_axis(dpg.mvXAxis, tag=f"{TAG}.x", no_menus=True)
            with dpg.plot_axis(dpg.mvYAxis, tag=f"{TAG}.y", no_menus=True, no_tick_labels=True, no_gridlines=True):
                dpg.bind_item_theme(dpg.add_bar_series([], [], tag=f"{TAG}.bars"), bars)
                dpg.bind_item_theme(dpg.add_inf_line_series([], tag=f"{TAG}.mark"), marker)

    def sync(self, picture: NoisePicture | None, width: int, height: int, mark: float | None) -> None:
        """Once a frame: the newest picture's values in so many px; `mark` is the value under the mouse."""
        dpg.configure_item(TAG, width=width, height=height)
        if picture is not None and picture is not self._picture:
            self._picture = picture
            self._show(picture)
        if picture is not None and (label := AXES[picture.scene.look.at][width < self._ui.px(WIDE)]) != self._label:
            self._label = label
            dpg.configure_item(f"{TAG}.x", label=label)
        if mark != self._marked:
            self._marked = mark
            dpg.set_value(f"{TAG}.mark", [[] if mark is None else [mark]])

    def under(self) -> str:
        """What stands under the mouse, in words; empty where it is elsewhere."""
        if self._picture is None or not dpg.is_item_hovered(TAG):
            return ""
        edges, counts = self._picture.edges, self._picture.counts
        bin = int(np.searchsorted(edges, dpg.get_plot_mouse_pos()[0], side="right")) - 1
        if not 0 <= bin < len(counts):
            return ""
        share = counts[bin] / max(counts.sum(), 1)
        return f"{edges[bin]:+.4f} to {edges[bin + 1]:+.4f}:  {counts[bin]} values, {share:.1%}"

    def _show(self, picture: NoisePicture) -> None:
        edges, counts = picture.edges, picture.counts
        width = float(edges[1] - edges[0])
        dpg.configure_item(f"{TAG}.bars", weight=width)
        dpg.set_value(f"{TAG}.bars", [(edges[:-1] + width / 2).tolist(), counts.astype(float).tolist()])
        dpg.set_axis_limits(f"{TAG}.x", float(edges[0]), float(edges[-1]))
        dpg.set_axis_limits(f"{TAG}.y", 0.0, float(counts.max()) * 1.1 or 1.0)
