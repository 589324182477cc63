"""The mixing panel: other people's styles, layer by layer; several people at once."""

from functools import partial
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import BANDS, Band
from stylegan_core.edits.mixing import MAX_MIXES
from stylegan_core.grid import source_label
from stylegan_core.scene import MAX_SEED, Latent, Mix, Scene, Source
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.layers import Bars, style_bars
from widgets.strip import Bar, Strip
from widgets.ui import Ui

BAND_WORDS: dict[Band, str] = {
    "coarse": "pose and shape of the head (4² to 8²)",
    "middle": "features and hair (16² to 32²)",
    "fine": "colours and details (64² and up)",
}
MOST_PINS = 24  # in the menu


class MixingPanel:
    """See the module. One of the people mixed in is chosen; strip, seed and sliders are about that one."""

    title, key = f"{icons.BLEND}  Style mixing", "mixing"

    def __init__(self, ui: Ui):
        self._ui = ui
        self._bars = Bars(style_bars)
        self._seen: tuple[Bar, ...] = ()
        self._strip = Strip(
            ui, "mixing.layers", (0.0, 1.0), 0.0, self._paint, self._reset, self._describe, self._address
        )
        self._chosen = 0
        self._listed: tuple[object, ...] = ()

    def build(self) -> None:
        """Make its items."""
        self._build_sources()
        self._build_chosen()
        self._strip.build()
        for band in BANDS:
            self._ui.bind.slider(
                f"mixing.{band}",
                f"Mix {band} styles",
                partial(self._amount, band),
                partial(self._set_amount, band),
                (0.0, 1.0),
                f"Take {BAND_WORDS[band]} from the other person.",
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
        self._list(mixing)
        chosen = self._mix(explorer.scene)
        amounts = chosen.amounts if chosen is not None and len(chosen.amounts) == card.num_ws else (0.0,) * card.num_ws
        self._strip.sync(bars, amounts, max(int(dpg.get_item_rect_size("mixing.coarse")[0]), 100))
        if bars is not self._seen:
            self._seen = bars
            for band in BANDS:
                dpg.configure_item(f"mixing.{band}", show=any(bar.band == band for bar in bars))

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _build_sources(self) -> None:
        """A button for each person mixed in, to choose one by, and one to add another."""
        with dpg.theme() as self._lit, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Button, theme.ACCENT_DARK)
        with dpg.group(horizontal=True, tag="mixing.sources"):
            for number in range(MAX_MIXES):
                tag = f"mixing.source.{number}"
                dpg.add_button(label=f" {number + 1} ", tag=tag, show=False, user_data=number, callback=self._choose)
                tooltip(tag, "One of the people mixed in. What is below is about the chosen one; later ones win.")
            dpg.add_button(label=icons.PLUS, tag="mixing.add", callback=self._add)
            tooltip("mixing.add", f"Mix in one more person, {MAX_MIXES} at most.")

    def _build_chosen(self) -> None:
        ui = self._ui
        with dpg.group(horizontal=True):
            ui.bind.integer(
                "mixing.seed",
                "Mix with",
                self._seed,
                lambda scene, seed: edits.set_mix_seed(scene, seed, self._num_ws(), self._chosen),
                "The other person, whose styles are mixed in.",
                width=ui.px(112),
            )
            for icon, tag, help, action in (
                (icons.DICE, "mixing.random", "Mix with someone new.", self._random),
                (icons.PIN, "mixing.pin", "Mix with a favourite.", self._offer_pins),
                (icons.CLOSE, "mixing.remove", "Mix this person in no more.", self._remove),
            ):
                dpg.add_button(label=icon, tag=tag, callback=action)
                tooltip(tag, help)
            dpg.add_button(label="None", tag="mixing.clear", width=-1, callback=self._clear)
            tooltip("mixing.clear", "Back to one person.")
        dpg.add_text("", tag="mixing.who", color=theme.DIM, show=False)
        dpg.add_window(popup=True, show=False, tag="mixing.pins", min_size=(ui.px(160), 10))

    def _list(self, mixing: tuple[Mix, ...]) -> None:
        """Show who is mixed in, and who of them is chosen."""
        chosen = min(self._chosen, max(len(mixing) - 1, 0))
        if (mixing, chosen) == self._listed:
            return
        self._listed = (mixing, chosen)
        self._chosen = chosen
        self._ui.bind.refresh()  # seed and sliders are about the chosen one
        for number in range(MAX_MIXES):
            tag = f"mixing.source.{number}"
            dpg.configure_item(tag, show=number < len(mixing))
            dpg.bind_item_theme(tag, self._lit if number == chosen else 0)
        dpg.configure_item("mixing.sources", show=bool(mixing))
        dpg.configure_item("mixing.add", show=len(mixing) < MAX_MIXES)
        dpg.configure_item("mixing.remove", show=bool(mixing))
        latent = mixing[chosen].latent if mixing else Latent()
        by_seed = latent == Latent(seed=latent.seed, space=latent.space)
        dpg.configure_item("mixing.who", show=not by_seed)
        dpg.set_value("mixing.who", "" if by_seed else source_label(Source(latent=latent)))

    # -- values --------------------------------------------------------------------------------------------------------

    def _num_ws(self) -> int:
        card = self._ui.explorer.card
        return card.num_ws if card is not None else 0

    def _mix(self, scene: Scene) -> Mix | None:
        return scene.mixing[self._chosen] if self._chosen < len(scene.mixing) else None

    def _seed(self, scene: Scene) -> int:
        mix = self._mix(scene)
        return (scene.latent.seed + 1) % (MAX_SEED + 1) if mix is None else mix.latent.seed

    def _layers(self, band: Band) -> list[int]:
        card = self._ui.explorer.card
        return [] if card is None else [i for i, bar in enumerate(self._bars(card)) if bar.band == band]

    def _amount(self, band: Band, scene: Scene) -> float:
        layers, mix = self._layers(band), self._mix(scene)
        if mix is None or not layers or len(mix.amounts) <= max(layers):
            return 0.0
        return sum(mix.amounts[i] for i in layers) / len(layers)

    def _set_amount(self, band: Band, scene: Scene, value: float) -> Scene:
        return edits.set_mix_amount(scene, self._layers(band), value, self._num_ws(), self._chosen)

    def _paint(self, index: int, value: float) -> None:
        self._ui.explorer.edit(
            "Mix by layer", edits.set_mix_amount, [index], value, self._num_ws(), source=self._chosen
        )

    def _reset(self, index: int) -> None:
        self._ui.explorer.do("Mix by layer", edits.set_mix_amount, [index], 0.0, self._num_ws(), source=self._chosen)

    def _address(self, index: int) -> str:
        return f"mixing/{self._chosen}/amounts/{index}"

    @staticmethod
    def _describe(index: int, value: float) -> str:
        del index
        return f"{value:.0%} of the other person. Drag across to draw, right-click for none."

    # -- people --------------------------------------------------------------------------------------------------------

    def _choose(self, sender: Any, value: Any, number: int) -> None:
        del sender, value
        self._chosen = number

    def _add(self) -> None:
        explorer = self._ui.explorer
        explorer.do("Mix in one more", edits.add_mix, explorer.random_seed(), self._num_ws())
        self._chosen = len(explorer.scene.mixing) - 1

    def _remove(self) -> None:
        self._ui.explorer.do("Mix in one less", edits.remove_mix, self._chosen)

    def _random(self) -> None:
        explorer = self._ui.explorer
        explorer.do(
            "Mix with someone new", edits.set_mix_seed, explorer.random_seed(), self._num_ws(), source=self._chosen
        )

    def _offer_pins(self) -> None:
        """A list of the favourites, under the button."""
        dpg.delete_item("mixing.pins", children_only=True)
        pins = self._ui.explorer.favourites.pins[:MOST_PINS]
        for number, pin in enumerate(pins):
            dpg.add_selectable(
                label=f"{pin.name}##{number}",
                tag=f"mixing.pin.{number}",
                parent="mixing.pins",
                callback=partial(self._mix_with, pin.scene.latent),
            )
        if not pins:
            dpg.add_text("There are no favourites yet: P pins what you see.", parent="mixing.pins", color=theme.DIM)
        left, top = dpg.get_item_rect_min("mixing.pin")
        below = top + dpg.get_item_rect_size("mixing.pin")[1]
        dpg.configure_item("mixing.pins", show=True, pos=(int(left), int(below)))

    def _mix_with(self, latent: Latent) -> None:
        dpg.configure_item("mixing.pins", show=False)
        self._ui.explorer.do("Mix with a favourite", edits.set_mix_latent, latent, self._num_ws(), source=self._chosen)

    def _clear(self) -> None:
        self._ui.explorer.do("No mixing", edits.clear_mixing)
