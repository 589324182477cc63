"""The layers view: every layer of the network, what it gives, and handles on its channels and styles."""

from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.scene import ChannelGain, Scene, StyleEdit
from visualizer.inspection import looked_at
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.inspector.maps import Maps
from widgets.inspector.plots import StylePlot
from widgets.inspector.table import LayerTable
from widgets.ui import Ui

TABLE_SHARE = 0.3  # of the view's height, at most, while a layer is looked at
EMPTY = "Choose a layer above to see what is inside it: its feature maps, their spectra and its style vector."
PADDING, TABS, FOOT = 8, 34, 38  # px
LISTED = 100  # edits that have a line of their own


class LayersView:
    """See the module."""

    title, key, needs = f"{icons.LAYERS}  Layers", "layers", ""
    help = "Look inside: every layer's maps, spectrum and style."

    def __init__(self, ui: Ui):
        self._ui = ui
        self._inspection = ui.explorer.inspection
        self._table = LayerTable(ui)
        self._maps = Maps(ui, self._inspection)
        self._style = StylePlot(ui, self._inspection)
        self._edits = EditList(ui)
        self._size = (0, 0)
        self._has_layer: bool | None = None

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.child_window(tag="layers.body", always_use_window_padding=True, no_scrollbar=True):
            self._table.build()
            dpg.add_text(EMPTY, tag="layers.empty", color=theme.DIM, wrap=0)
            with dpg.tab_bar(tag="layers.tabs"):
                with dpg.tab(label="Maps", tag="layers.tab.maps"):
                    self._maps.build()
                with dpg.tab(label="Style", tag="layers.tab.style"):
                    self._style.build()
                with dpg.tab(label="Edits", tag="layers.tab.edits"):
                    self._edits.build()
            self._edits.build_foot()

    def sync(self, width: int, height: int) -> None:
        """Once a frame while it is shown."""
        explorer, px = self._ui.explorer, self._ui.px
        if (card := explorer.card) is None:
            return
        if (width, height) != self._size:
            self._size = (width, height)
            dpg.configure_item("layers.body", width=width, height=height)
        self._inspection.follow(explorer.scene, card)
        layer = looked_at(explorer.scene, card)
        if (layer is not None) != self._has_layer:
            self._has_layer = layer is not None
            for tag, shown in (("empty", layer is None), ("tabs", layer is not None)):
                dpg.configure_item(f"layers.{tag}", show=shown)
        room, rest = width - px(2 * PADDING), height - px(2 * PADDING + TABS + FOOT)
        most = rest if layer is None else round(height * TABLE_SHARE)
        table = self._table.sync(card, layer, self._inspection.reports, room, most)
        self._edits.sync(explorer.scene, max(rest - table, 40))
        if layer is None:
            return
        tab = dpg.get_value("layers.tabs")
        if tab in ("layers.tab.style", dpg.get_alias_id("layers.tab.style")):
            self._style.sync(layer, room, rest - table)
        elif tab in ("layers.tab.maps", dpg.get_alias_id("layers.tab.maps")):
            self._maps.sync(layer, room, rest - table)

    def leave(self) -> None:
        """It has been put away."""
        self._inspection.leave()


class EditList:
    """The Scene's edits of channels and styles, in any layer: how many, each with a way back, and all at once."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._listed: object = None
        self._height = 0

    def build(self) -> None:
        """The list, in the container that is open."""
        dpg.add_text("Nothing is edited: turn a channel down under Maps, or drag a bar under Style.", tag="layers.none")
        dpg.configure_item("layers.none", color=theme.DIM, wrap=0)
        dpg.add_child_window(tag="layers.edits", height=100)

    def build_foot(self) -> None:
        """The line below, in the container that is open."""
        with dpg.group(horizontal=True, tag="layers.foot"):
            dpg.add_button(label=f"{icons.UNDO}  Reset all", tag="layers.reset", callback=self._reset_all)
            tooltip("layers.reset", "All channels and styles as the model has them, in every layer.")
            dpg.add_text("", tag="layers.count", color=theme.DIM)

    def sync(self, scene: Scene, height: int) -> None:
        """Once a frame: show the Scene's edits in so many px."""
        if height != self._height:
            self._height = height
            dpg.configure_item("layers.edits", height=height)
        listed = (scene.channels, scene.styles)
        if listed == self._listed:
            return
        self._listed = listed
        dpg.set_value(
            "layers.count", f"{_counted(scene.channels, 'channel')}, {_counted(scene.styles, 'style')} edited"
        )
        for tag, shown in (("none", listed == ((), ())), ("edits", listed != ((), ())), ("foot", listed != ((), ()))):
            dpg.configure_item(f"layers.{tag}", show=shown)
        dpg.delete_item("layers.edits", children_only=True)
        items: tuple[ChannelGain | StyleEdit, ...] = (*scene.channels, *scene.styles)
        for number, item in enumerate(items[:LISTED]):
            self._add_line(number, item)
        if len(items) > LISTED:
            dpg.add_text(f"and {len(items) - LISTED} more", parent="layers.edits", color=theme.DIM)

    def _add_line(self, number: int, item: ChannelGain | StyleEdit) -> None:
        changed = f"× {item.gain:.2f}" if isinstance(item, ChannelGain) else f"{item.amount:+.2f}"
        kind = "channel" if isinstance(item, ChannelGain) else "style"
        with dpg.group(horizontal=True, parent="layers.edits"):
            tag = f"layers.edit.{number}"
            dpg.add_button(label=icons.CLOSE, tag=tag, user_data=item, callback=self._reset)
            tooltip(tag, "As the model has it.")
            dpg.add_text(f"{item.layer}   {kind} {item.channel}   {changed}")

    def _reset(self, sender: Any, value: Any, item: ChannelGain | StyleEdit) -> None:
        del sender, value
        if isinstance(item, ChannelGain):
            self._ui.explorer.do("Channel gain", edits.set_channel_gain, item.layer, item.channel, 1.0)
        else:
            self._ui.explorer.do("Style", edits.set_style, item.layer, item.channel, 0.0)

    def _reset_all(self) -> None:
        self._ui.explorer.do("Reset channels and styles", reset)


def reset(scene: Scene) -> Scene:
    """Every channel and style as the model has it."""
    return edits.reset_styles(edits.reset_channels(scene))


def _counted(items: tuple[object, ...], word: str) -> str:
    return f"{len(items)} {word}{'' if len(items) == 1 else 's'}"
