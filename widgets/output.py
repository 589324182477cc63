"""The output panel: a second window with the picture alone, for a projector or a recorder; a virtual camera."""

import time
from typing import Any

import dearpygui.dearpygui as dpg

from visualizer.output_window import Monitor
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.ui import Ui

AUTOMATIC = "automatic: where this window is not"
MODES = ("full screen", "window")
FITS = ("fit", "fill", "whole")
SIZES = ((1280, 720), (1920, 1080), (720, 720), (1080, 1080), (640, 480))
RATES = (24, 25, 30, 60)
UPDATE_HZ = 5.0  # figures that change faster cannot be read


def size_words(width: int, height: int) -> str:
    """A size as the lists have it."""
    return f"{width} × {height} px"


def monitor_words(monitor: Monitor) -> str:
    """A monitor as the list has it."""
    return f"{monitor.name}   {size_words(monitor.width, monitor.height)}"


class OutputPanel:
    """See the module."""

    title, key = f"{icons.MONITOR}  Output", "output"

    def __init__(self, ui: Ui):
        self._ui = ui
        self._seen: tuple[object, ...] = ()
        self._names: dict[str, str] = {}  # lines of the list of monitors, and the monitors' names
        self._updated_at = 0.0
        self._looked = False

    def build(self) -> None:
        """Make its items."""
        self._build_window()
        dpg.add_separator()
        self._build_camera()

    def _build_window(self) -> None:
        dpg.add_combo((), tag="output.monitor", width=-1, callback=self._choose_monitor)
        tooltip("output.monitor", "Which monitor the picture fills: any that this computer has, by its name.")
        dpg.add_radio_button(MODES, tag="output.mode", horizontal=True, callback=self._choose_mode)
        tooltip(
            "output.mode",
            "Full screen fills the monitor, without borders, for a projector. A window can be moved, and other "
            "programs such as OBS can capture it by its title, 'StyleScope output'.",
        )
        dpg.add_radio_button(FITS, tag="output.fit", horizontal=True, callback=self._choose_fit)
        tooltip(
            "output.fit",
            "fit: all of the picture, on black. fill: no black; what stands over is cut off. whole: a whole number of "
            "screen pixels for each of the picture's, with sharp edges. The camera's picture follows this too.",
        )
        dpg.add_button(tag="output.toggle", width=-1, callback=lambda: self._ui.window.output.toggle())
        tooltip("output.toggle", "The picture alone in a second window. F11 here, F11 or Esc there.")
        self._figures("output.figures")
        tooltip(
            "output.figures",
            "Frames shown in the output window, and frames dropped: replaced by a newer one before their turn came.",
        )

    def _build_camera(self) -> None:
        px = self._ui.px
        with dpg.group(horizontal=True):
            dpg.add_combo((), tag="output.size", width=px(150), callback=self._choose_size)
            tooltip("output.size", "The size of the virtual camera's frames.")
            dpg.add_combo((), tag="output.rate", width=-1, callback=self._choose_rate)
            tooltip("output.rate", "How many frames the virtual camera sends a second.")
        dpg.add_button(tag="output.camera", width=-1, callback=self._toggle_camera)
        tooltip(
            "output.camera",
            "The picture as a webcam that video calls and other programs can choose. It needs the package pyvirtualcam "
            "and a virtual camera of the system: v4l2loopback on Linux, OBS Studio elsewhere.",
        )
        self._figures("output.sent")

    def _figures(self, tag: str) -> None:
        dpg.add_text("", tag=tag, color=theme.DIM, wrap=self._ui.px(260))

    def sync(self) -> None:
        """Follow the settings, the monitors and what is open."""
        output, camera = self._ui.window.output, self._ui.window.camera
        if not self._looked:
            self._looked = True  # not before somebody unfolds the panel
            output.look()
        look = (output.settings, output.monitors, output.open, camera.running)
        if look != self._seen:
            self._seen = look
            self._show()
        now = time.perf_counter()
        if now - self._updated_at >= 1 / UPDATE_HZ:
            self._updated_at = now
            self._show_figures()

    def _show(self) -> None:
        output, camera = self._ui.window.output, self._ui.window.camera
        settings = output.settings
        self._names = {AUTOMATIC: "", **{monitor_words(monitor): monitor.name for monitor in output.monitors}}
        gone = settings.monitor and settings.monitor not in self._names.values()
        if gone:
            self._names[f"{settings.monitor}   not there"] = settings.monitor
        dpg.configure_item("output.monitor", items=list(self._names), enabled=output.mode == "full screen")
        dpg.set_value("output.monitor", next(words for words, name in self._names.items() if name == settings.monitor))
        dpg.set_value("output.mode", output.mode)
        dpg.set_value("output.fit", settings.fit)
        words = "Close the output" if output.open else "Open the output"
        dpg.configure_item("output.toggle", label=f"{icons.CLOSE if output.open else icons.MONITOR}  {words}")
        self._offer("output.size", [size_words(*size) for size in SIZES], size_words(*output.camera_size))
        self._offer("output.rate", [f"{rate} /s" for rate in RATES], f"{settings.camera_fps} /s")
        words = "Stop the camera" if camera.running else "Start the virtual camera"
        dpg.configure_item("output.camera", label=f"{icons.STOP if camera.running else icons.VIDEO}  {words}")

    @staticmethod
    def _offer(tag: str, items: list[str], chosen: str) -> None:
        """A list with what is chosen in it, whatever that is."""
        dpg.configure_item(tag, items=items if chosen in items else [chosen, *items])
        dpg.set_value(tag, chosen)

    def _show_figures(self) -> None:
        output, camera = self._ui.window.output, self._ui.window.camera
        told = output.statistics
        words = f"{told.shown} shown, {told.dropped} dropped, {told.fps:.0f} frames/s" if output.open else "not open"
        dpg.set_value("output.figures", words)
        sent = f"{camera.sent} frames sent to {camera.device}" if camera.device else "starting"
        dpg.set_value("output.sent", sent if camera.running else "not sending")

    def _choose_monitor(self, sender: Any, words: str) -> None:
        del sender
        self._ui.window.output.change(monitor=self._names.get(words, ""))

    def _choose_mode(self, sender: Any, mode: str) -> None:
        del sender
        self._ui.window.output.change(mode=mode)

    def _choose_fit(self, sender: Any, fit: str) -> None:
        del sender
        self._ui.window.output.change(fit=fit)

    def _choose_size(self, sender: Any, words: str) -> None:
        del sender
        width, height = (int(word) for word in words.split() if word.isdigit())
        self._ui.window.camera.change(camera_width=width, camera_height=height)

    def _choose_rate(self, sender: Any, words: str) -> None:
        del sender
        self._ui.window.camera.change(camera_fps=int(words.split()[0]))

    def _toggle_camera(self) -> None:
        camera = self._ui.window.camera
        if camera.running:
            camera.stop()
        else:
            camera.start()
