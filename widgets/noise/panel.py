"""The noise panel: what chance adds, such as where each hair falls."""

from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.scene import Noise
from widgets import icons
from widgets.bind import tooltip
from widgets.layers import Bars, noise_bars
from widgets.strip import Bar, Strip
from widgets.ui import Ui

SHOWN = (0.0, 3.0)
MODES = ("const", "none", "random")


class NoisePanel:
    """See the module."""

    title, key = f"{icons.WAVES}  Noise", "noise"

    def __init__(self, ui: Ui):
        self._ui = ui
        self._bars = Bars(noise_bars)
        self._seen: tuple[object, ...] = ()
        address = "noise/layers/{}".format
        self._strip = Strip(ui, "noise.layers", SHOWN, 1.0, self._paint, self._reset, self._describe, address)

    def build(self) -> None:
        """Make its items."""
        ui, bind = self._ui, self._ui.bind
        bind.radio(
            "noise.mode",
            "Noise mode",
            lambda scene: scene.noise.mode,
            edits.set_noise_mode,
            MODES,
            "The map the model was saved with, no noise at all, or a random map from a seed.",
        )
        with dpg.group(horizontal=True, tag="noise.random"):
            bind.integer(
                "noise.seed",
                "Noise seed",
                lambda scene: scene.noise.seed,
                edits.set_noise_seed,
                "Which random noise: strands and specks move, the person stays.",
                width=ui.px(120),
                address="noise/seed",
            )
            dpg.add_button(label=icons.DICE, tag="noise.reseed", callback=self._reseed)
            tooltip("noise.reseed", "New random noise for all layers.")
            dpg.add_button(label=f"{icons.PLAY}  Play", tag="noise.play", width=-1, callback=self._play)
            tooltip("noise.play", "New noise twelve times a second: what moves is what chance decides.")
        bind.slider(
            "noise.strength",
            "Noise strength",
            lambda scene: scene.noise.strength,
            edits.set_noise_strength,
            SHOWN,
            "Times the strength that the model has learned, for all layers. 0 is smooth, more is rougher.",
            format="strength  %.2f",
            address="noise/strength",
        )
        self._strip.build()
        with dpg.group(horizontal=True):
            dpg.add_button(label=f"{icons.DICE}  Re-seed layer", tag="noise.layer.reseed", callback=self._reseed_layer)
            tooltip("noise.layer.reseed", "New noise for the layer chosen above alone; the others stay.")
            dpg.add_button(label="Reset", tag="noise.reset", width=-1, callback=self._reset_all)
            tooltip("noise.reset", "Noise as the model was saved with.")
        dpg.add_text("", tag="noise.reseeded", wrap=ui.px(290), show=False)

    def sync(self) -> None:
        """Follow the Scene and the model's layers."""
        explorer = self._ui.explorer
        card, noise = explorer.card, explorer.scene.noise
        if card is None:
            return
        bars = self._bars(card)
        strengths = noise.layers if len(noise.layers) == len(bars) else (1.0,) * len(bars)
        self._strip.sync(bars, strengths, max(int(dpg.get_item_rect_size("noise.strength")[0]), 100))
        if explorer.playing_noise:
            self._ui.window.stay_awake()
        look = (bars, noise.mode, noise.reseeded, noise.strokes, explorer.playing_noise)
        if look != self._seen:
            self._seen = look
            self._show(bars, noise)

    def _show(self, bars: tuple[Bar, ...], noise: Noise) -> None:
        names = [bar.name for bar in bars]
        dpg.configure_item("noise.random", show=noise.mode == "random")
        playing = self._ui.explorer.playing_noise
        dpg.configure_item("noise.play", label=f"{icons.PAUSE}  Pause" if playing else f"{icons.PLAY}  Play")
        own = [names[item.layer] for item in noise.reseeded if item.layer < len(names)]
        painted = [name for index, name in enumerate(names) if any(s.layer == index for s in noise.strokes)]
        lines = ((own, "with noise of their own"), (painted, "painted on"))
        text = "\n".join(f"{what}: {', '.join(layers)}" for layers, what in lines if layers)
        dpg.configure_item("noise.reseeded", show=bool(text))
        dpg.set_value("noise.reseeded", text)

    def _reseed(self) -> None:
        self._ui.explorer.do("New noise", edits.set_noise_seed, self._ui.explorer.random_seed())

    def _play(self) -> None:
        self._ui.explorer.playing_noise = not self._ui.explorer.playing_noise

    def _reseed_layer(self, *_: Any) -> None:
        layer, card = self._strip.chosen, self._ui.explorer.card
        if layer is not None and card is not None:
            name, seed = card.noise_layers[layer].name, self._ui.explorer.random_seed()
            self._ui.explorer.do(f"Re-seed {name}", edits.reseed_layer, layer, seed)

    def _reset_all(self) -> None:
        self._ui.explorer.playing_noise = False
        self._ui.explorer.do("Reset noise", edits.reset_noise)

    def _count(self) -> int:
        card = self._ui.explorer.card
        return len(card.noise_layers) if card is not None else 0

    def _paint(self, index: int, value: float) -> None:
        self._ui.explorer.edit("Noise by layer", edits.set_layer_noise, index, value, self._count())

    def _reset(self, index: int) -> None:
        self._ui.explorer.do("Noise by layer", edits.set_layer_noise, index, 1.0, self._count())

    @staticmethod
    def _describe(index: int, value: float) -> str:
        del index
        return f"{value:.2f} times. Drag across to draw, right-click to reset."
