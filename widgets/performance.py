"""The performance panel: what takes how long, on what device, and how pictures reach the screen."""

import time
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.models import devices
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.ui import Ui

STAGES = ("map", "synthesis", "develop")
UPDATE_HZ = 5.0  # figures that change faster cannot be read


class PerformancePanel:
    """See the module."""

    title, key = f"{icons.GAUGE}  Performance", "performance"

    def __init__(self, ui: Ui):
        self._ui = ui
        self.present_ms = 0.0
        self._updated_at = 0.0

    def build(self) -> None:
        """Make its items."""
        explorer = self._ui.explorer
        with dpg.group(horizontal=True):
            dpg.add_combo(
                devices(),
                tag="performance.device",
                default_value=explorer.device,
                width=self._ui.px(90),
                callback=self._use_device,
            )
            tooltip("performance.device", "Where the network runs.")
            dpg.add_combo(
                ("float32", "half"),
                tag="performance.precision",
                default_value="half" if explorer.session.half else "float32",
                width=-1,
                callback=self._use_precision,
            )
            tooltip(
                "performance.precision",
                "half runs the layers that the model was trained for in half precision: quicker on a GPU, with "
                "differences too small to see. A CPU always computes in float32.",
            )
        dpg.add_text("", tag="performance.figures")
        dpg.bind_item_font("performance.figures", self._ui.fonts.mono)
        dpg.add_text("", tag="performance.path", color=theme.DIM, wrap=self._ui.px(260))

    def sync(self) -> None:
        """Show the newest figures, a few times a second."""
        now = time.perf_counter()
        if now - self._updated_at < 1 / UPDATE_HZ:
            return
        self._updated_at = now
        explorer, window = self._ui.explorer, self._ui.window
        on_gpu = explorer.device != "cpu"
        dpg.configure_item("performance.precision", enabled=on_gpu)
        dpg.set_value("performance.precision", "half" if explorer.session.half and on_gpu else "float32")
        dpg.set_value("performance.device", explorer.device)
        lines = []
        shown = explorer.latest
        if shown is not None:
            timings = shown.frame.timings_ms
            lines += [f"{stage:<12}{timings.get(stage, 0.0):8.1f} ms" for stage in STAGES]
        lines.append(f"{'present':<12}{self.present_ms:8.1f} ms")
        lines.append(f"{'window':<12}{window.clock.fps:8.0f} frames/s")
        if shown is not None:
            lines.append(f"{'memory':<12}{shown.memory_bytes / 2**20:8.0f} MiB")
        dpg.set_value("performance.figures", "\n".join(lines))
        dpg.set_value("performance.path", f"{window.presenter.path}\n{window.presenter.reason}")

    def _use_device(self, sender: Any, device: str) -> None:
        del sender
        self._ui.explorer.use(device=device)

    def _use_precision(self, sender: Any, precision: str) -> None:
        del sender
        self._ui.explorer.use(half=precision == "half")
