"""The mixing panel: a second person's styles, layer by layer."""

from functools import partial

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import BANDS, Band
from stylegan_core.scene import MAX_SEED, Scene
from widgets import icons
from widgets.bind import tooltip
from widgets.layers import Bars, style_bars
from widgets.strip import Bar, Strip
from widgets.ui import Ui

BAND_HELP: dict[Band, str] = {
    "coarse": "Take pose and shape of the head from the other person (4² to 8²).",
    "middle": "Take features and hair from the other person (16² to 32²).",
    "fine": "Take colours and details from the other person (64² and up).",
}


class MixingPanel:
    """See the module."""

    title, key = f"{icons.BLEND}  Style mixing", "mixing"

    def __init__(self, ui: Ui):
        self._ui = ui
        self._bars = Bars(style_bars)
        self._seen: tuple[Bar, ...] = ()
        self._strip = Strip(ui, "mixing.layers", (0.0, 1.0), 0.0, self._paint, self._reset, self._describe)

    def build(self) -> None:
        """Make its items."""
        ui, bind = self._ui, self._ui.bind
        with dpg.group(horizontal=True):
            bind.integer(
                "mixing.seed",
                "Mix with",
                lambda scene: scene.mixing[0].latent.seed if scene.mixing else (scene.latent.seed + 1) % (MAX_SEED + 1),
                lambda scene, seed: edits.set_mix_seed(scene, seed, self._num_ws()),
                "The other person, whose styles are mixed in.",
                width=ui.px(120),
            )
            dpg.add_button(label=icons.DICE, tag="mixing.random", callback=self._random)
            tooltip("mixing.random", "Mix with someone new.")
            dpg.add_button(label="None", tag="mixing.clear", width=-1, callback=self._clear)
            tooltip("mixing.clear", "Back to one person.")
        self._strip.build()
        for band in BANDS:
            bind.slider(
                f"mixing.{band}",
                f"Mix {band} styles",
                partial(self._amount, band),
                partial(self._set_amount, band),
                (0.0, 1.0),
                BAND_HELP[band],
                format=f"{band}  %.2f",
            )

    def sync(self) -> None:
        """Follow the Scene and the model's layers."""
        explorer = self._ui.explorer
        card = explorer.card
        if card is None:
            return
        bars = self._bars(card)
        mixing = explorer.scene.mixing
        amounts = mixing[0].amounts if mixing and len(mixing[0].amounts) == card.num_ws else (0.0,) * card.num_ws
        self._strip.sync(bars, amounts, max(int(dpg.get_item_rect_size("mixing.coarse")[0]), 100))
        if bars is not self._seen:
            self._seen = bars
            for band in BANDS:
                dpg.configure_item(f"mixing.{band}", show=any(bar.band == band for bar in bars))

    def _num_ws(self) -> int:
        card = self._ui.explorer.card
        return card.num_ws if card is not None else 0

    def _layers(self, band: Band) -> list[int]:
        card = self._ui.explorer.card
        return [] if card is None else [i for i, bar in enumerate(self._bars(card)) if bar.band == band]

    def _amount(self, band: Band, scene: Scene) -> float:
        layers = self._layers(band)
        if not scene.mixing or not layers or len(scene.mixing[0].amounts) <= max(layers):
            return 0.0
        return sum(scene.mixing[0].amounts[i] for i in layers) / len(layers)

    def _set_amount(self, band: Band, scene: Scene, value: float) -> Scene:
        return edits.set_mix_amount(scene, self._layers(band), value, self._num_ws())

    def _paint(self, index: int, value: float) -> None:
        self._ui.explorer.edit("Mix by layer", edits.set_mix_amount, [index], value, self._num_ws())

    def _reset(self, index: int) -> None:
        self._ui.explorer.do("Mix by layer", edits.set_mix_amount, [index], 0.0, self._num_ws())

    @staticmethod
    def _describe(index: int, value: float) -> str:
        del index
        return f"{value:.0%} of the other person. Drag across to draw, right-click for none."

    def _random(self) -> None:
        explorer = self._ui.explorer
        explorer.do("Mix with someone new", edits.set_mix_seed, explorer.random_seed(), self._num_ws())

    def _clear(self) -> None:
        self._ui.explorer.do("No mixing", edits.clear_mixing)
