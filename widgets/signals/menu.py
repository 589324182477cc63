"""The menu of a control that stands for a parameter: right-click it to have something move it.

It is found by looking which control the mouse is on when the right button is clicked: handlers of each control's own
are taken already, and DearPyGui gives an item only one set of them.
"""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from stylegan_core.parameters import Parameter
from visualizer.signals.model import AudioFeature, Lfo
from widgets import icons, theme
from widgets.signals.patch import Patch
from widgets.signals.words import KIND_ICONS, found, osc_address
from widgets.ui import Ui

WIDTH = 210  # px


class SignalsMenu:
    """See the module."""

    def __init__(self, ui: Ui, patch: Patch):
        self._ui, self._patch = ui, patch

    def build(self) -> None:
        """Make the menu, and listen to the mouse."""
        dpg.add_window(tag="signals.menu", popup=True, show=False, no_move=True, autosize=True)
        with dpg.handler_registry():
            dpg.add_mouse_click_handler(dpg.mvMouseButton_Right, callback=self._clicked)

    def _clicked(self) -> None:
        if address := self._ui.bind.under_mouse():
            self._open(address)

    def _open(self, address: str) -> None:
        moved = found(address, self._ui.explorer.card)
        if moved is None:
            return
        dpg.delete_item("signals.menu", children_only=True)
        dpg.push_container_stack("signals.menu")
        self._fill(moved)
        dpg.pop_container_stack()
        dpg.configure_item("signals.menu", show=True, pos=dpg.get_mouse_pos(local=False))

    def _fill(self, moved: Parameter) -> None:
        patch, address = self._patch, moved.address
        own = sum(modulation.parameter == address for modulation in patch.settings.modulations)
        dpg.bind_item_font(dpg.add_text(moved.name), self._ui.fonts.title)
        entries = [
            ("lfo", f"{KIND_ICONS['lfo']}  Modulate with an LFO", lambda: patch.add(address, Lfo())),
            ("audio", f"{KIND_ICONS['audio']}  Modulate with sound", lambda: patch.add(address, AudioFeature())),
            ("learn", f"{icons.CABLE}  Learn OSC or MIDI", lambda: patch.learn(address)),
        ]
        if own:
            words = "Remove modulation" if own == 1 else f"Remove {own} modulations"
            entries.append(("remove", f"{icons.TRASH}  {words}", lambda: patch.remove_of(address)))
        dpg.add_separator()
        for name, label, action in entries:
            self._entry(f"signals.menu.{name}", label, action)
        dpg.add_separator()
        osc = osc_address(address)
        self._entry("signals.menu.copy", f"{icons.COPY}  Copy OSC address", lambda: dpg.set_clipboard_text(osc))
        dpg.bind_item_font(dpg.add_text(osc, color=theme.DIM), self._ui.fonts.mono)

    def _entry(self, tag: str, label: str, action: Callable[[], object]) -> None:
        def act() -> None:
            dpg.configure_item("signals.menu", show=False)
            action()

        dpg.add_selectable(label=label, tag=tag, width=self._ui.px(WIDTH), callback=act)
