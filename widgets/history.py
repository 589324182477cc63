"""The history panel: undo and redo by name, and favourites as thumbnails."""

from functools import partial

import dearpygui.dearpygui as dpg
import numpy as np

from stylegan_core import edits
from stylegan_core.scene import Scene
from visualizer.favourites import THUMBNAIL_PX
from visualizer.session import Pin
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.ui import Ui

COLUMNS = 3
NAMES = 6  # newest undo points listed


class HistoryPanel:
    """See the module."""

    title, key = f"{icons.HISTORY}  History", "history"

    def __init__(self, ui: Ui):
        self._ui = ui
        self._pins: tuple[Pin, ...] | None = None
        self._asked: set[Scene] = set()
        self._textures: dict[Scene, int | str] = {}
        self._shown: frozenset[Scene] = frozenset()
        self._names: tuple[object, ...] = ()

    def build(self) -> None:
        """Make its items."""
        explorer = self._ui.explorer
        with dpg.group(horizontal=True):
            dpg.add_button(label=f"{icons.UNDO}  Undo", tag="history.undo", callback=explorer.undo)
            tooltip("history.undo", "Take back the last change. Ctrl+Z")
            dpg.add_button(label=f"{icons.REDO}  Redo", tag="history.redo", callback=explorer.redo)
            tooltip("history.redo", "Do it again. Ctrl+Shift+Z")
            dpg.add_button(label=f"{icons.PIN}  Pin", tag="history.pin", width=-1, callback=explorer.pin)
            tooltip("history.pin", "Keep this picture as a favourite, and compare with it. Key: P")
        dpg.add_text("", tag="history.names", color=theme.DIM)
        dpg.add_group(tag="history.pins")
        dpg.add_texture_registry(tag="history.textures")

    def sync(self) -> None:
        """Follow the store and the pins."""
        explorer = self._ui.explorer
        names = (explorer.store.done[-NAMES:], explorer.store.undone[-1:])
        if names != self._names:
            self._names = names
            self._list_names()
        pins = explorer.favourites.pins
        for pin in pins:
            if pin.scene not in self._asked and explorer.card is not None:
                self._asked.add(pin.scene)
                explorer.favourites.want_thumbnail(pin.scene)
        shown = frozenset(pin.scene for pin in pins if pin.scene in explorer.favourites.thumbnails)
        if pins != self._pins or shown != self._shown:
            self._pins, self._shown = pins, shown
            self._list_pins(pins)

    def _list_names(self) -> None:
        store = self._ui.explorer.store
        lines = [f"{icons.REDO}  {name}" for name in store.undone[-1:]]
        lines += [f"{icons.UNDO}  {name}" for name in reversed(store.done[-NAMES:])]
        dpg.set_value("history.names", "\n".join(lines) or "Nothing done yet.")
        dpg.configure_item("history.undo", enabled=bool(store.done))
        dpg.configure_item("history.redo", enabled=bool(store.undone))

    def _list_pins(self, pins: tuple[Pin, ...]) -> None:
        dpg.delete_item("history.pins", children_only=True)
        if not pins:
            dpg.add_text(
                "Favourites appear here. Press P to pin what you see.",
                parent="history.pins",
                color=theme.DIM,
                wrap=self._ui.px(250),
            )
        for start in range(0, len(pins), COLUMNS):
            with dpg.group(horizontal=True, parent="history.pins"):
                for number, pin in enumerate(pins[start : start + COLUMNS], start):
                    self._add_pin(number, pin)

    def _add_pin(self, number: int, pin: Pin) -> None:
        explorer = self._ui.explorer
        size = self._ui.px(THUMBNAIL_PX)
        tag = f"history.pin.{number}"
        go = partial(explorer.open_scene, pin.scene)
        texture = self._texture(pin.scene)
        if texture is None:
            dpg.add_button(label="…", tag=tag, width=size, height=size, callback=go)
        else:
            dpg.add_image_button(texture, tag=tag, width=size, height=size, frame_padding=0, callback=go)
        tooltip(tag, f"{pin.name}\nClick to go there, right-click for more.")
        with dpg.popup(tag):
            dpg.add_selectable(label="Compare with it", callback=partial(explorer.favourites.compare_with, pin.scene))
            dpg.add_selectable(label="Mix with this person", callback=partial(self._mix, pin.scene))
            dpg.add_selectable(label="Remove", callback=partial(explorer.favourites.unpin, pin))

    def _mix(self, scene: Scene) -> None:
        card = self._ui.explorer.card
        if card is not None:
            self._ui.explorer.do("Mix with a favourite", edits.set_mix_seed, scene.latent.seed, card.num_ws)

    def _texture(self, scene: Scene) -> int | str | None:
        """A small static texture; made once, for it is small and never changes."""
        pixels = self._ui.explorer.favourites.thumbnails.get(scene)
        if scene not in self._textures and pixels is not None:
            values = (pixels.astype(np.float32) / 255).ravel().tolist()
            height, width = pixels.shape[:2]
            self._textures[scene] = dpg.add_static_texture(width, height, values, parent="history.textures")
        return self._textures.get(scene)
