"""A run's numbers as curves that grow: losses, overfitting, regularisers, gradients, speed, metrics."""

from dataclasses import dataclass
from typing import Any

import dearpygui.dearpygui as dpg

from train.metrics.names import title_of
from visualizer.training_numbers import Curve, Curves, metrics
from visualizer.training_reading import Detail, Run
from widgets import theme
from widgets.bind import tooltip
from widgets.keyboard import CTRL, held
from widgets.ui import Ui

TAG = "training.plots"
BLUE, ORANGE, GREEN = theme.ACCENT, theme.BANDS["coarse"], theme.BANDS["middle"]
TALL = 168  # px of a plot at scale 1
TWO_COLUMNS = 560  # px at scale 1
NOISY = 40  # points, from which on the mean of neighbours is drawn over them


@dataclass(frozen=True)
class Series:
    """A curve of a plot: which number, how it is called, its colour."""

    name: str
    label: str
    colour: theme.Colour


@dataclass(frozen=True)
class Plot:
    """A plot and its curves."""

    key: str
    title: str
    series: tuple[Series, ...]
    help: str


PLOTS = (
    Plot(
        "losses",
        "Losses",
        (Series("loss_g", "G", BLUE), Series("loss_d", "D", ORANGE)),
        "What generator and discriminator minimise. They work against each other: neither should run away.",
    ),
    Plot(
        "overfitting",
        "Overfitting",
        (Series("r_t", "r_t", ORANGE), Series("p", "p", BLUE), Series("target", "target of r_t", theme.DIM)),
        "r_t: how sure the discriminator is of the pictures it has seen. Above its target, augmentation grows: p.",
    ),
    Plot(
        "gradients",
        "Gradient norms",
        (Series("grad_g", "G", BLUE), Series("grad_d", "D", ORANGE)),
        "The length of the gradients. A sudden rise tells of trouble.",
    ),
    Plot(
        "regularisers",
        "Regularisers",
        (
            Series("r1", "R1", ORANGE),
            Series("gradient_penalty", "gradient penalty", GREEN),
            Series("path_length", "path length", BLUE),
        ),
        "The discriminator's R1 penalty, and the generator's path length.",
    ),
    Plot("speed", "Images a second", (Series("images_per_s", "images/s", BLUE),), "How fast it learns."),
    Plot("metrics", "Metrics", (Series("", "metric", GREEN),), "How good the pictures are, measured now and then."),
    Plot(
        "memory",
        "GPU memory",
        (Series("gpu_mb", "MiB", BLUE),),
        "The most that the first process had of its GPU at once, since the point before.",
    ),
)


class RunPlots:
    """See the module."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._curves: Curves | None = None
        self._drawn: tuple[object, ...] = ()
        self._zoomed: set[str] = set()  # plots that somebody has zoomed or moved
        self._unfit: set[str] = set()  # plots whose curves have grown since their axes were made to fit
        self._metrics: tuple[str, ...] = ()
        self._metric = ""
        self._smooth = True
        self._size = (0, False)

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.group(tag=TAG):
            with dpg.group(horizontal=True):
                dpg.add_checkbox(
                    label="smooth", tag=f"{TAG}.smooth", default_value=True, callback=lambda _, on: self._set_smooth(on)
                )
                tooltip(
                    f"{TAG}.smooth",
                    "Draw the mean of neighbours over numbers that jump, which stay faint. In a plot, drag with the "
                    "right button to zoom, with the left to move; a double click shows all of it.",
                )
                dpg.add_text("over thousands of pictures (kimg)", color=theme.DIM)
            for first in range(0, len(PLOTS), 2):
                with dpg.group(tag=f"{TAG}.row{first}"):
                    for plot in PLOTS[first : first + 2]:
                        with dpg.group(tag=f"{TAG}.{plot.key}.place"):
                            self._build_plot(plot)
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=lambda: self._touched() if held(CTRL) else None)
            dpg.add_mouse_drag_handler(threshold=4, callback=self._touched)

    def _build_plot(self, plot: Plot) -> None:
        tag = f"{TAG}.{plot.key}"
        with dpg.group(horizontal=True):
            dpg.add_text(plot.title, tag=f"{tag}.title")
            tooltip(f"{tag}.title", plot.help)
            if plot.key == "metrics":
                dpg.add_combo([], tag=f"{TAG}.metric", width=-1, callback=self._choose_metric, show=False)
            else:
                for series in plot.series:
                    dpg.add_text("", tag=f"{tag}.{series.name}.now", color=series.colour)
        with dpg.plot(
            tag=tag,
            width=100,
            height=self._ui.px(TALL),
            no_menus=True,
            no_mouse_pos=True,
            no_title=True,
            zoom_mod=dpg.mvKey_ModCtrl,  # the wheel alone scrolls what the plots stand in
        ):
            dpg.add_plot_axis(dpg.mvXAxis, tag=f"{tag}.x", no_menus=True)
            with dpg.plot_axis(dpg.mvYAxis, tag=f"{tag}.y", no_menus=True):
                for series in plot.series:
                    self._build_series(f"{tag}.{series.name}.raw", (*series.colour[:3], 70))
                for series in plot.series:
                    self._build_series(f"{tag}.{series.name}", series.colour)
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_double_clicked_handler(dpg.mvMouseButton_Left, callback=self._fit_again, user_data=tag)
        dpg.bind_item_handler_registry(tag, handlers)

    def _build_series(self, tag: str, colour: tuple[int, ...]) -> None:
        with dpg.theme() as look, dpg.theme_component(dpg.mvLineSeries):
            dpg.add_theme_color(dpg.mvPlotCol_Line, colour, category=dpg.mvThemeCat_Plots)
            dpg.add_theme_style(dpg.mvPlotStyleVar_LineWeight, 1.6 * self._ui.scale, category=dpg.mvThemeCat_Plots)
        dpg.bind_item_theme(dpg.add_line_series([], [], tag=tag), look)

    # -- each frame ----------------------------------------------------------------------------------------------------

    def sync(self, run: Run, detail: Detail | None, width: int) -> None:
        """Once a frame: show a run's curves in so many px."""
        self._arrange(width)
        self._fit_those_in_sight()
        curves: Curves = {} if detail is None else detail.curves
        drawn = (run.path, id(curves), self._smooth, self._metric)
        if drawn == self._drawn:
            return
        if not self._drawn or self._drawn[0] != run.path:
            self._zoomed.clear()
        self._drawn, self._curves = drawn, curves  # kept, so that no others have their number
        self._list_metrics(metrics(curves))
        for plot in PLOTS:
            self._draw(plot, curves, run)
        dpg.configure_item(f"{TAG}.memory.place", show="gpu_mb" in curves)

    def _arrange(self, width: int) -> None:
        two = width >= self._ui.px(TWO_COLUMNS)
        if (width, two) == self._size:
            return
        self._size = (width, two)
        each = (width - self._ui.px(8)) // 2 if two else width
        for number, plot in enumerate(PLOTS):
            if number % 2 == 0:
                dpg.configure_item(f"{TAG}.row{number}", horizontal=two)
            dpg.configure_item(f"{TAG}.{plot.key}", width=each)
        title = dpg.get_text_size("Metrics") or (60.0, 0.0)
        dpg.configure_item(f"{TAG}.metric", width=each - round(title[0]) - self._ui.px(8))

    def _draw(self, plot: Plot, curves: Curves, run: Run) -> None:
        tag = f"{TAG}.{plot.key}"
        for series in plot.series:
            curve = self._curve(series, curves, run)
            noisy = curve is not None and self._smooth and len(curve.values) >= NOISY
            raw: list[list[float]] = [[], []]
            line: list[list[float]] = [[], []]
            if curve is not None:
                raw = [curve.kimg, curve.values] if noisy else [[], []]
                line = [curve.smooth_kimg, curve.smooth] if noisy else [curve.kimg, curve.values]
            dpg.set_value(f"{tag}.{series.name}.raw", raw)
            dpg.set_value(f"{tag}.{series.name}", line)
            if plot.key != "metrics":
                words = "" if curve is None else f"{series.label} {curve.last:.3g}"
                dpg.set_value(f"{tag}.{series.name}.now", words)
        self._unfit.add(plot.key)

    def _fit_those_in_sight(self) -> None:
        """Others do not hear of it."""
        for key in list(self._unfit):
            if key not in self._zoomed and dpg.is_item_visible(f"{TAG}.{key}"):
                self._fit(f"{TAG}.{key}")

    def _fit(self, tag: str) -> None:
        self._unfit.discard(tag.removeprefix(f"{TAG}."))
        dpg.fit_axis_data(f"{tag}.x")
        dpg.fit_axis_data(f"{tag}.y")

    def _curve(self, series: Series, curves: Curves, run: Run) -> Curve | None:
        if not series.name:
            return curves.get(self._metric)
        if series.name != "target":
            return curves.get(series.name)
        found = curves.get("r_t")
        if found is None or run.config is None or run.config.augment is None:
            return None
        ends, target = [found.kimg[0], found.kimg[-1]], run.config.strength.target
        return Curve(ends, [target] * 2, ends, [target] * 2, target)

    def _list_metrics(self, names: tuple[str, ...]) -> None:
        if names == self._metrics:
            return
        self._metrics = names
        if self._metric not in names:
            self._metric = names[0] if names else ""
        dpg.configure_item(f"{TAG}.metric", items=[title_of(name) for name in names], show=bool(names))
        dpg.set_value(f"{TAG}.metric", title_of(self._metric))

    # -- actions -------------------------------------------------------------------------------------------------------

    def _set_smooth(self, smooth: bool) -> None:
        self._smooth = smooth

    def _choose_metric(self, sender: Any, title: str) -> None:
        del sender
        self._metric = next(name for name in self._metrics if title_of(name) == title)
        self._zoomed.discard("metrics")

    def _touched(self, *_: Any) -> None:
        """A plot that a hand zooms or moves is left as it is."""
        for plot in PLOTS:
            if dpg.is_item_hovered(f"{TAG}.{plot.key}"):
                self._zoomed.add(plot.key)

    def _fit_again(self, sender: Any, value: Any, tag: str) -> None:
        del sender, value
        self._zoomed.discard(tag.removeprefix(f"{TAG}."))
        self._fit(tag)
