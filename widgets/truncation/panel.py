"""The truncation panel: how far from the average face, overall and for each layer. The view has its parts as well."""

from collections.abc import Iterable
from functools import partial

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.scene import Scene
from stylegan_core.truncation import scene_psi
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.layers import Bars, style_bars
from widgets.strip import Strip
from widgets.ui import Ui

SHOWN = (-1.0, 1.5)  # range of the sliders; values beyond can be typed

PRESET_HELP = {
    "Flat": "The same psi for all layers.",
    "Coarse only": "Truncate pose and shape only; colours and details stay as drawn.",
    "Middle only": "Truncate features only; pose and shape, colours and details stay as drawn.",
    "Fine only": "Truncate colours and details only; pose and shape stay as drawn.",
    "Strong to free": "Truncate the coarsest layer most, and finer ones less and less.",
    "Free to strong": "Truncate the finest layer most, and coarser ones less and less.",
}
IN_PANEL = ("Flat", "Coarse only", "Fine only")  # there is room for


def psi_slider(ui: Ui, tag: str) -> None:
    """The slider of the overall psi."""
    ui.bind.slider(
        tag,
        "Truncation psi",
        lambda scene: scene.truncation.psi,
        edits.set_psi,
        SHOWN,
        "0 is the average face, 1 the person as drawn, below 0 the opposite person. Less is safer, more is wilder.",
        format="psi  %.2f",
        address="truncation/psi",
    )


class PsiStrip:
    """Bars of psi for each style vector, to draw across."""

    def __init__(self, ui: Ui, tag: str):
        self._ui = ui
        self._bars = Bars(style_bars)
        self._strip = Strip(
            ui, tag, SHOWN, 0.0, self._paint, self._reset, self._describe, "truncation/layers/{}".format
        )

    def build(self) -> None:
        """Make its items in the container that is open."""
        self._strip.build()

    def sync(self, width: int) -> None:
        """Once a frame: follow the Scene and the model's layers."""
        card = self._ui.explorer.card
        if card is not None:
            psis = scene_psi(self._ui.explorer.scene.truncation, card.num_ws)
            self._strip.sync(self._bars(card), psis, width)

    def _num_ws(self) -> int:
        card = self._ui.explorer.card
        return card.num_ws if card is not None else 0

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


class Presets:
    """A button for each of these curves; those that are of no use to the model's layers are not there."""

    def __init__(self, ui: Ui, tag: str, names: Iterable[str]):
        self._ui, self._tag, self._names = ui, tag, tuple(names)
        self._bands: frozenset[str] | None = None  # that the model has

    def build(self) -> None:
        """Make the buttons in the container that is open."""
        for name in self._names:
            dpg.add_button(label=name, tag=self._tag_of(name), callback=partial(self._apply, name))
            tooltip(self._tag_of(name), PRESET_HELP[name])

    def sync(self) -> None:
        """Once a frame."""
        card = self._ui.explorer.card
        bands = frozenset(card.slot_band(i) for i in range(card.num_ws)) if card is not None else frozenset()
        if bands != self._bands:
            self._bands = bands
            for name in self._names:
                band, _, only = name.lower().partition(" ")
                dpg.configure_item(self._tag_of(name), show=only != "only" or band in bands)

    def _tag_of(self, name: str) -> str:
        return f"{self._tag}.{name.split()[0].lower()}"

    def _apply(self, name: str) -> None:
        card = self._ui.explorer.card
        if card is not None:
            self._ui.explorer.do(f"Truncation: {name.lower()}", edits.truncation_preset, name, card)


class TruncationPanel:
    """See the module."""

    title, key = f"{icons.TARGET}  Truncation", "truncation"

    def __init__(self, ui: Ui):
        self._ui = ui
        self._num_ws = 0
        self._strip = PsiStrip(ui, "truncation.layers")
        self._presets = Presets(ui, "truncation", IN_PANEL)

    def build(self) -> None:
        """Make its items."""
        psi_slider(self._ui, "truncation.psi")
        self._strip.build()
        with dpg.group(horizontal=True):
            self._presets.build()
        self._ui.bind.slider(
            "truncation.cutoff",
            "Truncation cutoff",
            self._cutoff,
            self._set_cutoff,
            (0, 64),
            "Layers from here on are not truncated.",
            format="cutoff  %.0f",
            address="truncation/cutoff",
        )
        dpg.add_text("", tag="truncation.towards", color=theme.DIM, show=False)

    def sync(self) -> None:
        """Follow the Scene and the model's layers."""
        card = self._ui.explorer.card
        if card is None:
            return
        if card.num_ws != self._num_ws:
            self._num_ws = card.num_ws
            dpg.configure_item("truncation.cutoff", max_value=card.num_ws)
        self._presets.sync()
        self._strip.sync(max(int(dpg.get_item_rect_size("truncation.psi")[0]), 100))
        words = towards_words(self._ui.explorer.scene)
        if dpg.get_value("truncation.towards") != words:
            dpg.set_value("truncation.towards", words)
            dpg.configure_item("truncation.towards", show=bool(words))

    def _cutoff(self, scene: Scene) -> float:
        card = self._ui.explorer.card
        num_ws = card.num_ws if card is not None else 0
        return float(num_ws if scene.truncation.cutoff is None else scene.truncation.cutoff)

    def _set_cutoff(self, scene: Scene, value: float) -> Scene:
        cutoff = round(value)
        return edits.set_cutoff(scene, None if cutoff >= self._num_ws else cutoff)


def towards_words(scene: Scene) -> str:
    """What truncation goes towards, where that is not the average face."""
    if scene.truncation.towards == "class":
        return "towards the mean of the class"
    return f"towards the nearest of {scene.truncation.centres}" if scene.truncation.towards == "nearest" else ""
