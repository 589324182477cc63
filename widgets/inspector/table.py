"""The table of layers: what each gives, how long it takes and what its values are like, grouped by resolution."""

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import LayerInfo, ModelCard
from stylegan_core.probe import LayerReport
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.keyboard import CTRL, SHIFT, held
from widgets.ui import Ui

TAG = "layers.table"
COLUMNS = {
    "layer": "A click, or the arrow keys, show what is inside.",
    "shape": "Feature maps × height × width.",
    "type": "What its numbers are.",
    "ms": "How long it took, in milliseconds.",
    "mean": "The mean of all its values.",
    "std": "Their standard deviation.",
    "max": "The largest of them, whatever its sign.",
    "clip": "The share of values at the limit that the layer cuts off at.",
}
ROW, PADDING = 21, 3  # px: a row, and what is left free in it above and below


@dataclass
class _Group:
    """The layers of one resolution."""

    layers: tuple[LayerInfo, ...]
    folded: bool = False
    head: int | str = 0  # DearPyGui's items
    ms: int | str = 0
    rows: list[int | str] = field(default_factory=list)


def _cells(report: LayerReport) -> tuple[str, ...]:
    """What stands in a layer's row, without its name."""
    kind = report.dtype.replace("bfloat", "bf").replace("float", "f")
    return (
        "×".join(map(str, report.shape)),
        kind,
        f"{report.ms:.2f}",
        f"{report.mean:+.3f}",
        f"{report.std:.3f}",
        f"{report.largest:.2f}",
        f"{report.clipped:.1%}",
    )


class LayerTable:
    """Shows reports by layer's name, and chooses the layer that the Scene looks at."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._card: ModelCard | None = None
        self._groups: list[_Group] = []
        self._names: dict[str, int | str] = {}  # the selectable of each layer
        self._cells: dict[str, list[int | str]] = {}
        self._chosen: LayerInfo | None = None
        self._reports: object = None
        self._size = (0, 0)

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.theme() as look, dpg.theme_component(dpg.mvAll):
            dpg.add_theme_color(dpg.mvThemeCol_Header, theme.ACCENT_DARK)
            dpg.add_theme_style(dpg.mvStyleVar_FramePadding, 4, 0)  # texts stand as high as what can be selected
            dpg.add_theme_style(dpg.mvStyleVar_CellPadding, self._ui.px(4), self._ui.px(PADDING))
        with dpg.table(tag=TAG, scrollY=True, freeze_rows=1, policy=dpg.mvTable_SizingStretchProp, pad_outerX=True):
            for name, meaning in COLUMNS.items():
                dpg.add_table_column(label=name, tag=f"{TAG}.{name}")
                tooltip(f"{TAG}.{name}", meaning)
        dpg.bind_item_theme(TAG, look)

    def sync(
        self, card: ModelCard, chosen: LayerInfo | None, reports: dict[str, LayerReport], width: int, most: int
    ) -> int:
        """Once a frame: show these layers, with the chosen one lit, `width` px wide and at `most` so high.

        Returns:
            How high it is, in px.
        """
        if card is not self._card:
            self._card = card
            layers = sorted(card.layers, key=lambda layer: layer.step)
            self._groups = [_Group(tuple(group)) for _, group in groupby(layers, key=lambda layer: layer.resolution)]
            self._list()
        size = (width, min(self._ui.px((len(self._in_sight()) + 1.5) * ROW), most))
        if size != self._size:
            self._size = size
            dpg.configure_item(TAG, width=size[0], height=size[1])
        if chosen != self._chosen:
            self._chosen = chosen
            self._light()
            self._scroll()
        if reports is not self._reports:
            self._reports = reports
            self._fill(reports)
        return size[1]

    # -- within --------------------------------------------------------------------------------------------------------

    def _list(self) -> None:
        """All rows anew."""
        dpg.delete_item(TAG, children_only=True, slot=1)
        self._names, self._cells, self._reports = {}, {}, None
        for number, group in enumerate(self._groups):
            self._add_group(number, group)
        self._light()

    def _add_group(self, number: int, group: _Group) -> None:
        resolution = group.layers[0].resolution
        with dpg.table_row(parent=TAG):
            group.head = dpg.add_selectable(
                tag=f"layers.group.{resolution}", span_columns=True, user_data=number, callback=self._fold
            )
            dpg.add_text("")
            dpg.add_text("")
            group.ms = self._add_cell()
        for layer in group.layers:
            with dpg.table_row(parent=TAG) as row:
                group.rows.append(row)
                self._names[layer.name] = dpg.add_selectable(
                    label=f"   {layer.name}",
                    tag=f"layers.row.{layer.name}",
                    span_columns=True,
                    select_on_nav=True,
                    user_data=layer.name,
                    callback=self._choose,
                )
                self._cells[layer.name] = [self._add_cell() for _ in range(len(COLUMNS) - 1)]
        self._show_folded(group)

    def _add_cell(self) -> int | str:
        cell = dpg.add_text("")
        dpg.bind_item_font(cell, self._ui.fonts.mono)
        return cell

    def _show_folded(self, group: _Group) -> None:
        assert self._card is not None  # whose groups they are
        chevron = icons.CHEVRON_RIGHT if group.folded else icons.CHEVRON_DOWN
        dpg.configure_item(group.head, label=f"{chevron} {self._card.size_words(group.layers[0].resolution)}")
        for row in group.rows:
            dpg.configure_item(row, show=not group.folded)

    def _fold(self, sender: Any, value: Any, number: int) -> None:
        del value
        dpg.set_value(sender, False)
        group = self._groups[number]
        group.folded = not group.folded
        self._show_folded(group)

    def _choose(self, sender: Any, value: Any, name: str) -> None:
        del sender, value
        if not held(CTRL) and not held(SHIFT):  # with those the arrows are for something else
            self._ui.explorer.do(f"Look at {name}", edits.look_at, "layer", name)
        self._light()

    def _light(self) -> None:
        for name, row in self._names.items():
            dpg.set_value(row, self._chosen is not None and name == self._chosen.name)

    def _in_sight(self) -> list[LayerInfo | None]:
        """The rows from top to bottom, without those folded away; None: the head of a group."""
        return [row for group in self._groups for row in (None, *(() if group.folded else group.layers))]

    def _scroll(self) -> None:
        """Bring the chosen row into sight."""
        if self._chosen not in (rows := self._in_sight()) or self._chosen is None:
            return
        top, room = self._ui.px(rows.index(self._chosen) * ROW), self._size[1] - self._ui.px(2 * ROW)
        if not dpg.get_y_scroll(TAG) <= top <= dpg.get_y_scroll(TAG) + room:
            dpg.set_y_scroll(TAG, max(top - room // 2, 0))

    def _fill(self, reports: dict[str, LayerReport]) -> None:
        for name, cells in self._cells.items():
            texts = _cells(reports[name]) if name in reports else ("",) * len(cells)
            for cell, text in zip(cells, texts, strict=True):
                dpg.set_value(cell, text)
        for group in self._groups:
            took = [reports[layer.name].ms for layer in group.layers if layer.name in reports]
            dpg.set_value(group.ms, f"{sum(took):.2f}" if took else "")
