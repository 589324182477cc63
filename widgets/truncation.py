"""The truncation panel: how far from the average face, overall and for each layer."""

from functools import partial

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.scene import Scene
from stylegan_core.truncation import scene_psi
from widgets import icons
from widgets.bind import tooltip
from widgets.layers import Bars, style_bars
from widgets.strip import Bar, Strip
from widgets.ui import Ui

SHOWN = (-1.0, 1.5)  # range of the sliders; values beyond can be typed

PRESET_HELP = {
    "Flat": "The same psi for all layers.",
    "Coarse only": "Truncate pose and shape only; colours and details stay as drawn.",
    "Fine only": "Truncate colours and details only; pose and shape stay as drawn.",
}


class TruncationPanel:
    """See the module."""

    title, key = f"{icons.TARGET}  Truncation", "truncation"

    def __init__(self, ui: Ui):
        self._ui = ui
        self._bars = Bars(style_bars)
        self._seen: tuple[Bar, ...] = ()
        self._strip = Strip(ui, "truncation.layers", SHOWN, 0.0, self._paint, self._reset, self._describe)

    def build(self) -> None:
        """Make its items."""
        bind = self._ui.bind
        bind.slider(
            "truncation.psi",
            "Truncation psi",
            lambda scene: scene.truncation.psi,
            edits.set_psi,
            SHOWN,
            "0 is the average face, 1 the person as drawn, below 0 the opposite person. Less is safer, more is wilder.",
            format="psi  %.2f",
        )
        self._strip.build()
        with dpg.group(horizontal=True):
            for name, text in PRESET_HELP.items():
                button = dpg.add_button(
                    label=name, tag=f"truncation.{name.split()[0].lower()}", callback=partial(self._preset, name)
                )
                tooltip(button, text)
        bind.slider(
            "truncation.cutoff",
            "Truncation cutoff",
            self._cutoff,
            self._set_cutoff,
            (0, 64),
            "Layers from here on are not truncated.",
            format="cutoff  %.0f",
        )

    def sync(self) -> None:
        """Follow the Scene and the model's layers."""
        card = self._ui.explorer.card
        if card is None:
            return
        bars = self._bars(card)
        if bars is not self._seen:
            self._seen = bars
            dpg.configure_item("truncation.cutoff", max_value=card.num_ws)
            for band in ("coarse", "fine"):
                dpg.configure_item(f"truncation.{band}", show=any(bar.band == band for bar in bars))
        psis = scene_psi(self._ui.explorer.scene.truncation, card.num_ws)
        self._strip.sync(bars, psis, max(int(dpg.get_item_rect_size("truncation.psi")[0]), 100))

    def _num_ws(self) -> int:
        card = self._ui.explorer.card
        return card.num_ws if card is not None else 0

    def _cutoff(self, scene: Scene) -> float:
        return float(self._num_ws() if scene.truncation.cutoff is None else scene.truncation.cutoff)

    def _set_cutoff(self, scene: Scene, value: float) -> Scene:
        cutoff = round(value)
        return edits.set_cutoff(scene, None if cutoff >= self._num_ws() else cutoff)

    def _paint(self, index: int, value: float) -> None:
        self._ui.explorer.edit("Truncation by layer", edits.set_layer_psi, index, value, self._num_ws())

    def _reset(self, index: int) -> None:
        explorer = self._ui.explorer
        psi = explorer.scene.truncation.psi
        explorer.do("Truncation by layer", edits.set_layer_psi, index, psi, self._num_ws())

    @staticmethod
    def _describe(index: int, value: float) -> str:
        del index
        return f"psi {value:.2f}. Drag across to draw, right-click to reset."

    def _preset(self, name: str) -> None:
        card = self._ui.explorer.card
        if card is not None:
            self._ui.explorer.do(f"Truncation: {name.lower()}", edits.truncation_preset, name, card)
