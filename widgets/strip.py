"""A row of vertical sliders, one for each layer, that can be drawn across in one stroke."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.card import BANDS, Band
from widgets import theme
from widgets.bind import tooltip
from widgets.ui import Ui

HEIGHT, LABELS = 92, 34  # px: of the bars, and of the two lines of words under them


@dataclass(frozen=True)
class Bar:
    """One slider: what size it shapes, in words."""

    name: str
    size: str
    band: Band


@dataclass(frozen=True)
class _Drawn:
    """DearPyGui's items of one bar, and where it stands in px."""

    left: float
    right: float
    ground: int | str
    fill: int | str
    line: int | str


class Strip:
    """Bars over the range `limits`, filled from `rest`, the value that changes nothing.

    The left button draws, the right one resets the bar under it. Below stand a list to choose a bar from and a slider
    for it, for the keyboard and for exact values. `paint(index, value)` posts an edit; the end of a stroke settles it.
    A line across a bar shows where signals have moved it; `address(index)` names its parameter.
    """

    def __init__(
        self,
        ui: Ui,
        tag: str,
        limits: tuple[float, float],
        rest: float,
        paint: Callable[[int, float], None],
        reset: Callable[[int], None],
        describe: Callable[[int, float], str],
        address: Callable[[int], str],
    ):
        self._ui, self._tag, self._limits, self._rest = ui, tag, limits, rest
        self._choice = tag.removesuffix("s")  # tag of the list: "noise.layer" under "noise.layers"
        self._paint, self._reset, self._describe, self._address = paint, reset, describe, address
        self._bars: tuple[Bar, ...] = ()
        self._values: tuple[float, ...] = ()
        self._drawn: tuple[object, ...] = ()
        self._items: list[_Drawn] = []
        self._shown: list[float | None] = []  # the values that the bars stand at
        self._lit: int | None = None  # the bar drawn as under the mouse
        self._marks: dict[int, tuple[int | str, float]] = {}  # by bar: the line where signals have moved it, and y
        self._names: list[str] = []
        self._set: tuple[int, float] | None = None  # bar and value that the slider below stands at
        self._last: int | None = None  # bar of the stroke under way
        self._width = 0

    def build(self) -> None:
        """Make the drawing area in the container that is open."""
        with dpg.group(tag=f"{self._tag}.area"):  # a tooltip cannot hang on a drawing
            dpg.add_drawlist(width=100, height=self._ui.px(HEIGHT + LABELS), tag=self._tag)
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=self._begin)
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Right, callback=self._reset_under)
        dpg.bind_item_handler_registry(self._tag, handlers)
        with dpg.tooltip(f"{self._tag}.area", delay=0.2):
            dpg.add_text("", tag=f"{self._tag}.tip", wrap=self._ui.px(320))
        with dpg.group(horizontal=True):
            dpg.add_combo(tag=self._choice, width=self._ui.px(128))
            tooltip(self._choice, "One layer, for the slider beside it.")
            low, high = self._limits
            value = f"{self._choice}.value"
            dpg.add_slider_float(
                tag=value, min_value=low, max_value=high, width=-1, format="%.2f", callback=self._slide
            )
            tooltip(value, "The chosen layer's value. Ctrl+click or Ctrl+Enter to type it.")
            with dpg.item_handler_registry() as settling:
                dpg.add_item_deactivated_handler(callback=lambda: self._ui.explorer.store.settle())
            dpg.bind_item_handler_registry(value, settling)
        self._ui.bind.stand_for(value, lambda: "" if self.chosen is None else self._address(self.chosen))

    @property
    def chosen(self) -> int | None:
        """The bar chosen in the list."""
        names = self._names
        name = dpg.get_value(self._choice)
        return names.index(name) if name in names else None

    def sync(self, bars: Sequence[Bar], values: Sequence[float], width: int) -> None:
        """Once a frame: show these values in `width` px, and go on with the stroke under way."""
        self._bars, self._values, self._width = tuple(bars), tuple(values), width
        if self._last is not None:
            if dpg.is_mouse_button_down(dpg.mvMouseButton_Left):
                self._stroke()
            else:
                self._last = None
                self._ui.explorer.store.settle()
        hovered = self._under() if dpg.is_item_hovered(self._tag) else None
        if hovered is not None:
            bar = self._bars[hovered]
            text = f"{bar.name} · {bar.size} · {bar.band}\n{self._describe(hovered, self._values[hovered])}"
            dpg.set_value(f"{self._tag}.tip", text)
        if (self._bars, width) != self._drawn:
            self._drawn = (self._bars, width)
            self._draw()
            self._list()
        chosen = self.chosen
        if chosen is not None and (chosen, values[chosen]) != self._set:
            self._set = (chosen, values[chosen])
            dpg.set_value(f"{self._choice}.value", values[chosen])
        self._move(hovered)
        if self._marks or self._ui.explorer.signals.active:
            self._mark()

    def _list(self) -> None:
        self._names = [f"{bar.name}  {bar.size}" for bar in self._bars]
        dpg.configure_item(self._choice, items=self._names)
        if self.chosen is None and self._names:
            dpg.set_value(self._choice, self._names[-1])

    def _slide(self, sender: Any, value: float) -> None:
        del sender
        if self.chosen is not None:
            self._set_by_hand(self.chosen, value)

    def _set_by_hand(self, index: int, value: float) -> None:
        self._paint(index, value)
        self._ui.explorer.signals.touched(self._address(index))

    # -- mouse ---------------------------------------------------------------------------------------------------------

    def _position(self) -> tuple[float, float]:
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_rect_min(self._tag)
        return x - left, y - top

    def _under(self) -> int | None:
        x, _ = self._position()
        if not self._bars or not 0 <= x < self._width:
            return None
        return min(int(x / self._width * len(self._bars)), len(self._bars) - 1)

    def _value_at(self, y: float) -> float:
        low, high = self._limits
        share = 1 - min(max(y / self._ui.px(HEIGHT), 0), 1)
        return round(low + share * (high - low), 2)

    def _begin(self, *_: Any) -> None:
        self._last = self._under()
        if self._last is not None:
            self._set_by_hand(self._last, self._value_at(self._position()[1]))

    def _stroke(self) -> None:
        """Paint every bar between the last one and the one under the mouse, so that a quick hand leaves no gaps."""
        x, y = self._position()
        assert self._last is not None
        now = min(max(int(x / max(self._width, 1) * len(self._bars)), 0), len(self._bars) - 1)
        step = 1 if now >= self._last else -1
        for index in range(self._last, now + step, step):
            self._paint(index, self._value_at(y))
        self._last = now

    def _reset_under(self, *_: Any) -> None:
        under = self._under()
        if under is not None:
            self._reset(under)

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _y(self, value: float) -> float:
        low, high = self._limits
        return self._ui.px(HEIGHT) * (1 - (min(max(value, low), high) - low) / (high - low))

    def _draw(self) -> None:
        """Everything anew, for other bars or another width; values come with `_move`."""
        dpg.delete_item(self._tag, children_only=True)
        dpg.configure_item(self._tag, width=max(self._width, 1))
        self._items, self._shown, self._lit, self._marks = [], [], None, {}
        if not self._bars:
            return
        slot, gap, bottom = self._width / len(self._bars), self._ui.px(2), self._ui.px(HEIGHT)
        for index, bar in enumerate(self._bars):
            left, right = index * slot + gap / 2, (index + 1) * slot - gap / 2
            ground = dpg.draw_rectangle(
                (left, 0), (right, bottom), fill=theme.CONTROL, color=theme.CONTROL, rounding=2, parent=self._tag
            )
            colour = theme.BANDS[bar.band]
            fill = dpg.draw_rectangle(
                (left, 0), (right, 0), fill=(*colour[:3], 110), color=(0, 0, 0, 0), parent=self._tag
            )
            line = dpg.draw_line((left, 0), (right, 0), color=colour, thickness=self._ui.px(3), parent=self._tag)
            self._items.append(_Drawn(left, right, ground, fill, line))
            self._shown.append(None)
        rest = self._y(self._rest)
        dpg.draw_line((0, rest), (self._width, rest), color=theme.DIM, thickness=1, parent=self._tag)
        self._draw_words(slot)

    def _move(self, hovered: int | None) -> None:
        """Bring bars to their values: only those that changed, for this runs while a hand moves."""
        rest = self._y(self._rest)
        for index, (item, value) in enumerate(zip(self._items, self._values, strict=True)):
            if value != self._shown[index]:
                self._shown[index] = value
                y = self._y(value)
                dpg.configure_item(item.fill, pmin=(item.left, min(y, rest)), pmax=(item.right, max(y, rest)))
                dpg.configure_item(item.line, p1=(item.left, y), p2=(item.right, y))
        if hovered != self._lit:
            for lit, colour in ((self._lit, theme.CONTROL), (hovered, theme.HOVERED)):
                if lit is not None:
                    dpg.configure_item(self._items[lit].ground, fill=colour, color=colour)
            self._lit = hovered

    def _mark(self) -> None:
        """A line across each bar that signals move, where they have moved it to."""
        rack = self._ui.explorer.signals
        for index, item in enumerate(self._items):
            value, mark = rack.moved(self._address(index)), self._marks.get(index)
            if value is None:
                if mark is not None:
                    dpg.delete_item(self._marks.pop(index)[0])
                continue
            y = self._y(value)
            if mark is None:
                line = dpg.draw_line((item.left, y), (item.right, y), color=theme.TEXT, thickness=2, parent=self._tag)
                self._marks[index] = (line, y)
            elif y != mark[1]:
                dpg.configure_item(mark[0], p1=(item.left, y), p2=(item.right, y))
                self._marks[index] = (mark[0], y)

    def _draw_words(self, slot: float) -> None:
        """Sizes under their bars, where there is room, and the bands under those."""
        size, top = self._ui.px(11), self._ui.px(HEIGHT) + self._ui.px(3)
        sizes = [bar.size for bar in self._bars]
        for text in dict.fromkeys(sizes):
            left = sizes.index(text) * slot
            width = sizes.count(text) * slot
            if "×" in text and len(text) * size * 0.55 > width:
                continue
            x = left + max((width - len(text) * size * 0.55) / 2, 0)
            dpg.draw_text((x, top), text, size=size, color=theme.DIM, parent=self._tag)
        bands = [bar.band for bar in self._bars]
        for band in (band for band in BANDS if band in bands):
            left, width = bands.index(band) * slot, bands.count(band) * slot
            y = top + size + self._ui.px(2)
            colour = theme.BANDS[band]
            dpg.draw_line((left + 2, y), (left + width - 2, y), color=colour, thickness=2, parent=self._tag)
            x = left + max((width - len(band) * size * 0.5) / 2, 0)
            dpg.draw_text((x, y + self._ui.px(2)), band, size=size, color=colour, parent=self._tag)
