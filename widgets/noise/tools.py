"""The tools of the noise view: the brush, amplification, seeds; other maps, and the noise of favourites."""

from collections.abc import Callable
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.scene import Look, Scene
from visualizer.noise_view import Kind
from visualizer.session import Pin
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.noise.picture import RADII, Brush
from widgets.ui import Ui

VALUES = (-4.0, 4.0)
NO_PIN = "no favourites yet: P pins one"


class NoiseTools:
    """Those for what is looked at, and those for the chosen layer's map, which are always there."""

    def __init__(self, ui: Ui, brush: Brush):
        self._ui, self._brush = ui, brush
        self._layer = 0  # counted among the layers that take noise
        self._pins: tuple[Pin, ...] | None = None
        self._at = ""

    def build(self) -> None:
        """Make the items in the container that is open."""
        with dpg.group(tag="noises.for.noise"):
            self._build_brush()
        with dpg.group(tag="noises.for.picture", show=False):
            self._build_picture()
        dpg.add_spacer(height=self._ui.px(4))
        self._build_maps()
        self._build_transplant()

    def sync(self, look: Look, layer: int) -> None:
        """Once a frame: the tools for this look; `layer` is the one that they work on."""
        self._layer = layer
        if look.at != self._at:
            self._at = look.at
            for tag, shown in (
                ("noise", look.at == "noise"),
                ("variation", look.at == "variation"),
                ("picture", look.at != "noise"),
            ):
                dpg.configure_item(f"noises.for.{tag}", show=shown)
        if dpg.get_value("noises.radius") != self._brush.radius and not dpg.is_item_active("noises.radius"):
            dpg.set_value("noises.radius", self._brush.radius)  # the wheel has changed it
        pins = self._ui.explorer.favourites.pins
        if pins != self._pins:
            self._pins = pins
            names = [f"{number}  {pin.name}" for number, pin in enumerate(pins, 1)]
            dpg.configure_item("noises.pin", items=names)
            if dpg.get_value("noises.pin") not in names:
                dpg.set_value("noises.pin", names[-1] if names else NO_PIN)
            for tag in ("noises.transplant", "noises.transplant.all"):
                dpg.configure_item(tag, enabled=bool(pins))

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _build_brush(self) -> None:
        brush = self._brush
        dpg.add_radio_button(
            ("set", "add"), tag="noises.mode", horizontal=True, default_value=brush.mode, callback=self._brush_takes
        )
        tooltip("noises.mode", "The brush puts its value in place of the noise, or adds it.")
        self._build_brush_slider(
            "radius", RADII, "brush  %.3f", "The brush's radius, by the map's shorter side. The wheel changes it."
        )
        erasing = "The right button erases: it paints 0 in place of the noise."
        self._build_brush_slider(
            "value", VALUES, "value  %+.2f", f"What the left button paints, in standard deviations. {erasing}"
        )
        self._build_buttons(
            ("noises.clear", "Clear painting", "Take what was painted off this layer.", self._clear),
            ("noises.clear.all", "on all layers", "Take what was painted off all layers.", self._clear_all),
        )

    def _build_brush_slider(self, name: str, limits: tuple[float, float], format: str, help: str) -> None:
        tag = f"noises.{name}"
        dpg.add_slider_float(
            tag=tag,
            min_value=limits[0],
            max_value=limits[1],
            default_value=getattr(self._brush, name),
            format=format,
            width=-1,
            clamped=True,
            user_data=name,
            callback=self._brush_takes,
        )
        tooltip(tag, help)

    def _build_picture(self) -> None:
        bind = self._ui.bind
        with dpg.group(horizontal=True):
            bind.checkbox(
                "noises.together",
                "Look at noise",
                lambda scene: scene.look.at in ("effect", "variation") and not scene.look.layer,
                self._look_at_all,
                "all layers",
                "The noise of all layers together, as in StyleGAN's figures 4 and 5.",
            )
            with dpg.group(horizontal=True, tag="noises.for.variation", show=False):
                bind.integer(
                    "noises.seeds",
                    "Seeds",
                    lambda scene: scene.look.seeds,
                    edits.set_look_seeds,
                    "Over how many random maps the standard deviation is taken, 2 to 256.",
                    width=self._ui.px(50),
                )
                dpg.add_text("seeds", color=theme.DIM)
        bind.slider(
            "noises.gain",
            "Amplification",
            lambda scene: scene.look.gain_db,
            edits.set_look_gain_db,
            edits.GAIN_RANGE_DB,
            "How much it is amplified, beyond its full range if that is chosen above: 20 dB is ten times.",
            format="amplified  %.0f dB",
        )

    def _build_maps(self) -> None:
        self._build_buttons(
            ("noises.new", f"{icons.DICE}  New", "Another random map for this layer alone.", self._new_map),
            ("noises.trained", "Trained", "The map that training left, whatever other layers have.", self._trained),
            ("noises.common", "As others", "The map that the noise mode says, as other layers have.", self._common),
        )

    def _build_transplant(self) -> None:
        dpg.add_combo(tag="noises.pin", width=-1)
        tooltip("noises.pin", "A favourite whose noise can be put into this picture. P pins one.")
        here, all_layers = "Take this layer's noise from the favourite.", "Take all layers' noise from the favourite."
        self._build_buttons(
            ("noises.transplant", "Take its noise", f"{here} Map, strength and painting.", self._transplant),
            ("noises.transplant.all", "in all layers", f"{all_layers} Maps, strengths and painting.", self._take_all),
        )

    @staticmethod
    def _build_buttons(*buttons: tuple[str, str, str, Callable[[], None]]) -> None:
        with dpg.group(horizontal=True):
            for tag, label, help, action in buttons:
                dpg.add_button(label=label, tag=tag, callback=action)
                tooltip(tag, help)

    # -- actions -------------------------------------------------------------------------------------------------------

    @property
    def _card(self) -> ModelCard:
        card = self._ui.explorer.card
        assert card is not None  # the view is shown for models with noise alone
        return card

    @property
    def _name(self) -> str:
        return self._card.noise_layers[self._layer].name

    def _brush_takes(self, sender: Any, value: Any) -> None:
        setattr(self._brush, dpg.get_item_alias(sender).removeprefix("noises."), value)

    def _look_at_all(self, scene: Scene, together: bool) -> Scene:
        kind: Kind = "effect" if scene.look.at == "effect" else "variation"
        return edits.look_at(scene, kind, "" if together else self._name)

    def _clear(self) -> None:
        self._ui.explorer.do(f"Clear painting of {self._name}", edits.clear_strokes, self._layer)

    def _clear_all(self) -> None:
        self._ui.explorer.do("Clear painting", edits.clear_strokes, None)

    def _new_map(self) -> None:
        explorer = self._ui.explorer
        explorer.do(f"Re-seed {self._name}", edits.reseed_layer, self._layer, explorer.random_seed())

    def _trained(self) -> None:
        self._ui.explorer.do(f"Trained noise of {self._name}", edits.keep_trained, self._layer)

    def _common(self) -> None:
        self._ui.explorer.do(f"Noise of {self._name} as others", edits.reseed_layer, self._layer, None)

    def _transplant(self) -> None:
        self._take((self._layer,))

    def _take_all(self) -> None:
        self._take(tuple(range(len(self._card.noise_layers))))

    def _take(self, layers: tuple[int, ...]) -> None:
        number, pins = dpg.get_value("noises.pin").split(" ", 1)[0], self._ui.explorer.favourites.pins
        if not number.isdigit() or int(number) > len(pins):
            return
        noise, count = pins[int(number) - 1].scene.noise, len(self._card.noise_layers)
        self._ui.explorer.do("Transplant noise", edits.transplant_noise, noise, layers, count)
