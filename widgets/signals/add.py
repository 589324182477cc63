"""Adding a modulation: what moves it, and a list of all parameters to search in."""

from functools import partial
from typing import Any, Literal

import dearpygui.dearpygui as dpg

from stylegan_core.card import ModelCard
from stylegan_core.parameters import parameters
from stylegan_core.scene import Scene
from visualizer.signals.model import AudioFeature, Lfo
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.signals.patch import Patch
from widgets.ui import Ui

By = Literal["LFO", "OSC or MIDI", "sound"]
KINDS: tuple[By, ...] = ("LFO", "OSC or MIDI", "sound")
LIST_PX = 150  # height of the list


class Add:
    """See the module."""

    def __init__(self, ui: Ui, patch: Patch):
        self._ui, self._patch = ui, patch
        self._listed: tuple[ModelCard | None, Scene] | None = None

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.group(horizontal=True):
            dpg.add_button(label=f"{icons.PLUS}  Add", tag="signals.add", width=self._ui.px(122), callback=self._toggle)
            tooltip("signals.add", "Have something move a parameter.")
            dpg.add_button(label=f"{icons.CABLE}  Learn", tag="signals.listen", width=-1, callback=self._patch.listen)
            tooltip("signals.listen", "Press, move an OSC or MIDI control, then the slider that it shall move.")
        with dpg.group(tag="signals.adding", show=False):
            dpg.add_radio_button(KINDS, tag="signals.kind", default_value=KINDS[0], horizontal=True)
            tooltip("signals.kind", "What shall move it.")
            dpg.add_input_text(tag="signals.search", hint="search a parameter", width=-1, callback=self._search)
            with dpg.child_window(tag="signals.list", height=self._ui.px(LIST_PX), always_use_window_padding=True):
                dpg.add_filter_set(tag="signals.found")
            with dpg.theme() as inset, dpg.theme_component(dpg.mvChildWindow):
                dpg.add_theme_color(dpg.mvThemeCol_ChildBg, theme.BACKGROUND)
            dpg.bind_item_theme("signals.list", inset)

    def _toggle(self) -> None:
        show = not dpg.is_item_shown("signals.adding")
        dpg.configure_item("signals.adding", show=show)
        if show:
            self._list()
            dpg.set_value("signals.search", "")
            dpg.set_value("signals.found", "")
            dpg.focus_item("signals.search")

    def _list(self) -> None:
        """The parameters of the model and of the Scene's own edits."""
        now = (self._ui.explorer.card, self._ui.explorer.scene)
        if now == self._listed:
            return
        self._listed = now
        dpg.delete_item("signals.found", children_only=True)
        for item in parameters(*now):
            dpg.add_selectable(
                label=item.name,
                filter_key=f"{item.name} {item.address}",
                tag=f"signals.found.{item.address}",
                parent="signals.found",
                callback=partial(self._choose, item.address),
            )

    @staticmethod
    def _search(_: Any, text: str) -> None:
        dpg.set_value("signals.found", text.strip())

    def _choose(self, address: str) -> None:
        dpg.configure_item("signals.adding", show=False)
        kind: By = dpg.get_value("signals.kind")
        if kind == "OSC or MIDI":
            self._patch.learn(address)
        else:
            self._patch.add(address, Lfo() if kind == "LFO" else AudioFeature())
