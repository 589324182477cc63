"""The noise view: each layer's map and strength, what it does to the picture, how much chance decides; and a brush."""

from typing import Any, get_args

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.scene import Colours, Look, Noise, Scene
from visualizer.noise_view import Kind, look_at_noise
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.noise.histogram import Histogram, words_of
from widgets.noise.layers import NoiseLayers
from widgets.noise.picture import PaintedPicture
from widgets.noise.tools import NoiseTools
from widgets.ui import Ui

KINDS: dict[str, Kind] = {"map": "noise", "what it does": "effect", "variation": "variation"}
FACTORS = (0.0, 3.0)
SMALLEST, TOOLS = 180, 250  # px at scale 1: least side of the picture, and width of the tools
HEAD, WORDS, FOOT = 84, 28, 220  # px at scale 1: the lines above the picture, the one under it, plot and tools
TITLES, LINE = 470, 29  # px at scale 1: width of the first line, which is two where there is less; height of a line
EDGE = 8  # px at scale 1 to the left and the right of all


class NoisesView:
    """See the module."""

    title, key, needs = f"{icons.WAVES}  Noise", "noises", "noise"
    help = "See and paint the noise of each layer."

    def __init__(self, ui: Ui):
        self._ui = ui
        self._view = ui.explorer.noise_view
        self._layers = NoiseLayers(ui, self._choose)
        self._picture = PaintedPicture(ui)
        self._tools = NoiseTools(ui, self._picture.brush)
        self._histogram = Histogram(ui)
        self._layer = 0  # chosen last, counted among the layers that take noise
        self._names: tuple[str, ...] = ()  # of the layers in the list
        self._seen: tuple[object, ...] = ()
        self._sizes = (0, 0)  # of the tools

    # -- built once ----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make its items."""
        dpg.add_spacer(height=self._ui.px(2))
        with dpg.group(indent=self._ui.px(EDGE)):
            self._build_within()

    def _build_within(self) -> None:
        with dpg.group(tag="noises.head"):
            self._ui.bind.radio(
                "noises.kind",
                "Look at noise",
                lambda scene: next((name for name, kind in KINDS.items() if kind == scene.look.at), "map"),
                self._look_at_kind,
                tuple(KINDS),
                "The noise map itself; the difference it makes to the picture, on or off; or how much the picture "
                "varies from one random map to the next (StyleGAN, figures 4 and 5).",
            )
            with dpg.group(horizontal=True):
                self._build_colours()
        self._layers.build()
        self._build_chosen()
        with dpg.group(tag="noises.body"):
            with dpg.group():
                self._picture.build()
                dpg.add_text("", tag="noises.words", color=theme.DIM)
            with dpg.group(tag="noises.foot"):
                self._histogram.build()
                with dpg.child_window(tag="noises.tools", width=100, height=100):
                    self._tools.build()

    def _build_colours(self) -> None:
        def choose(sender: Any, colours: Any) -> None:
            del sender
            self._ui.explorer.do("Colours", edits.set_look_colours, colours)

        self._ui.bind.checkbox(
            "noises.normalise",
            "Normalise",
            lambda scene: scene.look.normalise,
            edits.set_look_normalise,
            "full range",
            "Bring what is shown to its own range, so that the strongest reaches the ends of the colours.",
        )
        # Last in its line, for one that is hidden would draw what follows it up to the line before.
        dpg.add_combo(get_args(Colours), tag="noises.colours", width=self._ui.px(100), callback=choose)
        tooltip("noises.colours", "The colours that values are shown in.")

    def _build_chosen(self) -> None:
        with dpg.group(horizontal=True):
            dpg.add_combo(tag="noises.layer", width=self._ui.px(172), callback=self._pick)
            tooltip("noises.layer", "The layer that is looked at. A click on its picture chooses it as well.")
            low, high = FACTORS
            dpg.add_slider_float(
                tag="noises.factor", min_value=low, max_value=high, width=-self._ui.px(EDGE), callback=self._set_factor
            )
            tooltip("noises.factor", "This layer's noise, times the strength that it has learned. Ctrl+click to type.")
        with dpg.item_handler_registry() as settling:
            dpg.add_item_deactivated_handler(callback=lambda: self._ui.explorer.store.settle())
        dpg.bind_item_handler_registry("noises.factor", settling)

    # -- each frame ----------------------------------------------------------------------------------------------------

    def sync(self, width: int, height: int) -> None:
        """Follow the Scene, and fill so many px."""
        explorer, px = self._ui.explorer, self._ui.px
        card, scene = explorer.card, explorer.scene
        if card is None or not card.has_noise:
            return
        look = look_at_noise(scene, card)
        self._view.follow(scene.model_copy(update={"look": look}), card)
        names = tuple(layer.name for layer in card.noise_layers)
        chosen = names.index(look.layer) if look.layer else None
        self._layer = min(self._layer if chosen is None else chosen, len(names) - 1)
        room = width - 2 * px(EDGE)
        self._layers.sync(card, self._view.layers, scene.noise, chosen, room)
        side, plot, tall = self._arrange(room, height - self._layers.height(len(names), room))
        self._picture.sync(self._view.picture, look, self._layer, side, self._view.busy)
        self._tools.sync(look, self._layer)
        self._show(card, scene.noise, look)
        under = self._picture.under()
        self._histogram.sync(self._view.picture, plot, tall, None if under is None else float(under[2][0]))
        self._say(scene.noise, look)

    def leave(self) -> None:
        """It has been put away."""
        self._picture.leave()
        self._view.rest()

    def _arrange(self, width: int, height: int) -> tuple[int, int, int]:
        """The picture's side, and the plot's width and height: plot and tools stand under the picture, or beside it."""
        px = self._ui.px
        short = width < px(TITLES)
        room = max(height - px(HEAD + WORDS + short * LINE), px(SMALLEST))
        wide = width - px(TOOLS + 8) >= room
        for tag, horizontal in (("noises.head", not short), ("noises.body", wide), ("noises.foot", not wide)):
            dpg.configure_item(tag, horizontal=horizontal)
        if wide:
            side, plot = room, (width - room - px(8), max(room - px(FOOT + 6), px(80)))
            tools = plot[0]
        else:
            side = min(width, max(room - px(FOOT), px(SMALLEST)))
            tools = max(px(TOOLS), (width - px(8)) // 2)
            plot = max(width - tools - px(8), px(80)), px(FOOT)
        if self._sizes != (tools, px(FOOT)):
            self._sizes = (tools, px(FOOT))
            dpg.configure_item("noises.tools", width=tools, height=px(FOOT))
        return side, *plot

    def _show(self, card: ModelCard, noise: Noise, look: Look) -> None:
        """Bring list, slider and colours in line."""
        layers = card.noise_layers
        if (names := tuple(f"{layer.name}  {card.size_words(layer.resolution)}" for layer in layers)) != self._names:
            self._names = names
            dpg.configure_item("noises.layer", items=names)
        factor = noise.layers[self._layer] if self._layer < len(noise.layers) else 1.0
        found = self._view.layers.get(layers[self._layer].name)
        learned = None if found is None else found.learned
        seen = (names, self._layer, look.at, look.layer, look.colours, factor, learned)
        if seen == self._seen:
            return
        self._seen = seen
        dpg.set_value("noises.layer", names[self._layer] if look.layer else "all layers")
        dpg.set_value("noises.colours", look.colours)
        dpg.configure_item("noises.colours", show=look.at != "effect")  # which has the picture's own
        if not dpg.is_item_active("noises.factor"):
            dpg.set_value("noises.factor", factor)
        strength = "" if learned is None else f"strength {learned:.2g}"
        dpg.configure_item("noises.factor", format=f"{strength}  ×  %.2f")

    def _say(self, noise: Noise, look: Look) -> None:
        """The line under the picture: the value under the mouse, or what there is to know."""
        if (under := self._picture.under()) is not None:
            column, row, values = under
            text = f"x {column}  y {row}:   {words_of(values)}"
        elif not (text := self._histogram.under()):
            factor = noise.layers[self._layer] if self._layer < len(noise.layers) else 1.0
            if noise.mode == "none" or noise.strength * factor == 0:
                text = "This noise is off: nothing of it is in the picture."
            elif look.at == "noise":
                text = "Left button paints, right button erases, the wheel sizes the brush."
        if dpg.get_value("noises.words") != text:
            dpg.set_value("noises.words", text)

    # -- actions -------------------------------------------------------------------------------------------------------

    def _look_at_kind(self, scene: Scene, name: str) -> Scene:
        card = self._ui.explorer.card
        if card is None or not card.has_noise:
            return scene
        kind = KINDS[name]
        together = kind != "noise" and scene.look.at in ("effect", "variation") and not scene.look.layer
        return edits.look_at(scene, kind, "" if together else self._name(card))

    def _name(self, card: ModelCard) -> str:
        return card.noise_layers[min(self._layer, len(card.noise_layers) - 1)].name

    def _choose(self, index: int) -> None:
        explorer = self._ui.explorer
        if explorer.card is not None and index < len(explorer.card.noise_layers):
            at = look_at_noise(explorer.scene, explorer.card).at
            explorer.do("Look at noise", edits.look_at, at, explorer.card.noise_layers[index].name)

    def _pick(self, sender: Any, name: str) -> None:
        del sender
        if name in self._names:
            self._choose(self._names.index(name))

    def _set_factor(self, sender: Any, value: float) -> None:
        del sender
        card = self._ui.explorer.card
        if card is not None:
            count = len(card.noise_layers)
            self._ui.explorer.edit("Noise by layer", edits.set_layer_noise, self._layer, value, count)
