"""Plots of the layers view: power by frequency, and a layer's style vector, whose bars can be dragged."""

import dearpygui.dearpygui as dpg
import numpy as np

from stylegan_core import edits
from stylegan_core.card import LayerInfo
from stylegan_core.scene import Scene
from visualizer.inspection import Inside, Inspection, Radial
from widgets import theme
from widgets.bind import tooltip
from widgets.ui import Ui

MARGIN = 1.3  # of the axis beyond the largest style
SHOWN = (-10.0, 10.0)  # amounts on the slider


class RadialPlot:
    """The average over all directions of a spectrum: dB over cycles per picture."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._radial: Radial | None = None
        self._size = (0, 0)
        self._shown = False

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.plot(tag="layers.radial", no_menus=True, no_mouse_pos=True, crosshairs=True, show=False):
            dpg.add_plot_axis(dpg.mvXAxis, label="cycles per picture", tag="layers.radial.x")
            with dpg.plot_axis(dpg.mvYAxis, label="dB", tag="layers.radial.y"):
                dpg.add_line_series([], [], tag="layers.radial.line")
        with dpg.theme() as look, dpg.theme_component(dpg.mvLineSeries):
            dpg.add_theme_color(dpg.mvPlotCol_Line, theme.ACCENT, category=dpg.mvThemeCat_Plots)
        dpg.bind_item_theme("layers.radial.line", look)

    def show(self, shown: bool) -> None:
        """Show it or put it away."""
        if shown != self._shown:
            self._shown = shown
            dpg.configure_item("layers.radial", show=shown)

    def sync(self, radial: Radial, width: int, height: int) -> None:
        """Once a frame while it is shown."""
        if (width, height) != self._size:
            self._size = (width, height)
            dpg.configure_item("layers.radial", width=width, height=height)
        if radial is not self._radial:
            self._radial = radial
            dpg.set_value("layers.radial.line", [radial.frequencies.tolist(), radial.power_db.tolist()])
            dpg.fit_axis_data("layers.radial.x")
            dpg.fit_axis_data("layers.radial.y")

    def hovered(self) -> str | None:
        """What the curve is at under the cursor; None: that is elsewhere."""
        if not self._shown or self._radial is None or not dpg.is_item_hovered("layers.radial"):
            return None
        x = dpg.get_plot_mouse_pos()[0]
        index = int(np.clip(round(x), 0, len(self._radial.frequencies) - 1))
        frequency, power_db = self._radial.frequencies[index], self._radial.power_db[index]
        return f"{frequency:.0f} cycles per picture: {power_db:.1f} dB"


class StylePlot:
    """A layer's style vector as bars. The left button drags one, the right one brings it back."""

    def __init__(self, ui: Ui, inspection: Inspection):
        self._ui, self._inspection = ui, inspection
        self._layer: LayerInfo | None = None
        self._chosen = 0
        self._pressed_at: list[float] | None = None  # where the mouse took the bar
        self._dragging = False  # and whether it has moved since
        self._count, self._fits = 0, False  # bars that the axis is for, and whether it is being made to fit them
        self._plotted: tuple[object, ...] = ()
        self._slid: tuple[object, ...] = ()
        self._limits = (-1.0, 1.0)
        self._size = (0, 0)

    def build(self) -> None:
        """Make its items in the container that is open."""
        ui = self._ui
        dpg.add_text("", tag="layers.style.none", color=theme.DIM, wrap=0, show=False)
        with dpg.group(tag="layers.style.area"):
            # The left button is for the bars, so what would move the plot by it is given to the middle one.
            with dpg.plot(
                tag="layers.style",
                no_menus=True,
                no_box_select=True,
                no_mouse_pos=True,
                pan_button=dpg.mvMouseButton_Middle,
                fit_button=dpg.mvMouseButton_Middle,
            ):
                dpg.add_plot_axis(dpg.mvXAxis, label="channel", tag="layers.style.x")
                with dpg.plot_axis(dpg.mvYAxis, label="style", tag="layers.style.y"):
                    dpg.add_bar_series([], [], weight=0.8, tag="layers.style.bars")
                    dpg.add_bar_series([], [], weight=0.8, tag="layers.style.edited")
                    dpg.add_bar_series([], [], weight=0.8, tag="layers.style.chosen")
            colours = (("bars", theme.ACCENT_DARK), ("edited", theme.BANDS["coarse"]), ("chosen", theme.TEXT))
            for series, colour in colours:
                with dpg.theme() as look, dpg.theme_component(dpg.mvBarSeries):
                    for target in (dpg.mvPlotCol_Fill, dpg.mvPlotCol_Line):
                        dpg.add_theme_color(target, colour, category=dpg.mvThemeCat_Plots)
                dpg.bind_item_theme(f"layers.style.{series}", look)
            with dpg.item_handler_registry() as handlers:
                dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=self._press)
                dpg.add_item_clicked_handler(dpg.mvMouseButton_Right, callback=self._reset_under)
            dpg.bind_item_handler_registry("layers.style", handlers)
            dpg.add_text("", tag="layers.style.hover", color=theme.DIM)
            with dpg.group(horizontal=True):
                dpg.add_slider_float(
                    tag="layers.style.amount",
                    min_value=SHOWN[0],
                    max_value=SHOWN[1],
                    width=ui.px(250),
                    callback=lambda _, amount: self._move(amount),
                )
                tooltip("layers.style.amount", "How far the chosen channel is moved. Ctrl+click types a value.")
                with dpg.item_handler_registry() as settling:
                    dpg.add_item_deactivated_handler(callback=lambda: ui.explorer.store.settle())
                dpg.bind_item_handler_registry("layers.style.amount", settling)
                dpg.add_button(label="Reset", tag="layers.style.reset", callback=lambda: self._reset(self._chosen))
                tooltip("layers.style.reset", "This channel as the person has it.")

    def sync(self, layer: LayerInfo, width: int, height: int) -> None:
        """Once a frame: show a layer's style vector, in so many px."""
        inside = self._inspection.inside
        if layer is not self._layer:
            self._layer, self._chosen, self._dragging, self._pressed_at = layer, 0, False, None
        has_style = layer.style_channels > 0
        dpg.configure_item("layers.style.area", show=has_style)
        dpg.configure_item("layers.style.none", show=not has_style)
        dpg.set_value("layers.style.none", f"{layer.name} takes no style vector.")
        if not has_style or inside is None or inside.layer != layer:
            return
        size = (width, max(height - self._ui.px(72), 60))
        if size != self._size:
            self._size = size
            dpg.configure_item("layers.style", width=size[0], height=size[1])
        self._drag(inside)
        self._plot(inside)
        self._slide()
        dpg.set_value("layers.style.hover", self._hovered(inside))

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _plot(self, inside: Inside) -> None:
        """Bring the bars to the style vector with its edits."""
        moved = amounts(self._ui.explorer.scene, inside.layer.name)
        plotted = (id(inside.style), moved, self._chosen, self._dragging, self._fits)
        if plotted == self._plotted:
            return
        self._plotted = plotted
        style = inside.style.copy()
        for channel, amount in moved.items():
            if channel < len(style):
                style[channel] += amount
        kinds = {"chosen": [self._chosen], "edited": [channel for channel in moved if channel != self._chosen]}
        kinds["bars"] = [channel for channel in range(len(style)) if channel not in moved and channel != self._chosen]
        for kind, channels in kinds.items():
            within = [channel for channel in channels if channel < len(style)]
            dpg.set_value(f"layers.style.{kind}", [within, style[within].tolist()])
        if not self._dragging:  # under a hand the axis stays
            reach = MARGIN * max(float(np.abs(style).max()), float(np.abs(inside.style).max()), 0.1)
            dpg.set_axis_limits("layers.style.y", -reach, reach)
        if self._fits:  # set for one frame only: they can be zoomed
            self._fits = False
            dpg.set_axis_limits_auto("layers.style.x")
        if len(style) != self._count:
            self._count, self._fits = len(style), True
            dpg.set_axis_limits("layers.style.x", -1, len(style))
            dpg.set_axis_limits_constraints("layers.style.x", -1, len(style))

    def _slide(self) -> None:
        """Bring the slider to the chosen channel's amount."""
        assert self._layer is not None
        amount = amounts(self._ui.explorer.scene, self._layer.name).get(self._chosen, 0.0)
        slid = (self._chosen, amount)
        if slid != self._slid:
            self._slid = slid
            dpg.configure_item("layers.style.amount", format=f"channel {self._chosen}  moved by %+.2f")
            dpg.set_value("layers.style.amount", amount)
            dpg.configure_item("layers.style.reset", enabled=amount != 0)

    def _hovered(self, inside: Inside) -> str:
        under = self._under()
        if under is None or under >= len(inside.style):
            return "Drag a bar to move its channel; right-click to bring it back. The wheel zooms."
        amount = amounts(self._ui.explorer.scene, inside.layer.name).get(under, 0.0)
        moved = f", moved by {amount:+.2f}" if amount else ""
        return f"channel {under}   style {inside.style[under]:+.4f}{moved}"

    # -- mouse ---------------------------------------------------------------------------------------------------------

    def _under(self) -> int | None:
        """The channel under the mouse."""
        if self._layer is None or not dpg.is_item_hovered("layers.style"):
            return None
        channel = round(dpg.get_plot_mouse_pos()[0])
        return channel if 0 <= channel < self._layer.style_channels else None

    def _press(self) -> None:
        under = self._under()
        if under is not None:
            self._chosen, self._pressed_at = under, dpg.get_mouse_pos(local=False)

    def _drag(self, inside: Inside) -> None:
        """Go on with a hand that holds a bar; one that only clicks has chosen it."""
        if self._pressed_at is None:
            return
        if dpg.get_mouse_pos(local=False)[1] != self._pressed_at[1]:
            self._dragging = True
        if self._dragging and self._chosen < len(inside.style):
            self._move(round(dpg.get_plot_mouse_pos()[1] - float(inside.style[self._chosen]), 2))
        if not dpg.is_mouse_button_down(dpg.mvMouseButton_Left):
            self._dragging, self._pressed_at = False, None
            self._ui.explorer.store.settle()

    def _reset_under(self) -> None:
        if (under := self._under()) is not None:
            self._chosen = under
            self._reset(under)

    # -- edits ---------------------------------------------------------------------------------------------------------

    def _move(self, amount: float) -> None:
        if self._layer is not None:
            self._ui.explorer.edit("Style", edits.set_style, self._layer.name, self._chosen, amount)

    def _reset(self, channel: int) -> None:
        if self._layer is not None:
            self._ui.explorer.do("Style", edits.set_style, self._layer.name, channel, 0.0)


def amounts(scene: Scene, layer: str) -> dict[int, float]:
    """How far each edited channel of a layer's style vector is moved."""
    return {item.channel: item.amount for item in scene.styles if item.layer == layer}
