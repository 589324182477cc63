"""The list of modulations: for each what it moves, what moves it, a meter, how far, on or off; and its editor."""

from collections.abc import Callable
from functools import partial
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.parameters import Parameter
from visualizer.signals.model import Modulation
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.signals.editors import Editors
from widgets.signals.patch import Patch
from widgets.signals.words import KIND_ICONS, found, number_format, source_words, span_of
from widgets.ui import Ui

EMPTY = (
    "Nothing moves by itself yet. Right-click a slider in any panel, or press Add below: an LFO, OSC, MIDI or sound "
    "then moves it, around where you left it."
)


class Rows:
    """See the module."""

    def __init__(self, ui: Ui, patch: Patch):
        self._ui, self._patch = ui, patch
        self._editors = Editors(ui, patch)
        self._structure: tuple[object, ...] = ()
        self._seen: tuple[object, ...] = (None, None, None)
        self._controls: list[list[tuple[str, Callable[[Modulation], Any]]]] = []
        self._meters: list[float] = []

    def build(self) -> None:
        """Make the place for them in the container that is open."""
        with dpg.theme() as self._flat, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Button, theme.PANEL)
            dpg.add_theme_style(dpg.mvStyleVar_ButtonTextAlign, 0.0, 0.5)
            dpg.add_theme_style(dpg.mvStyleVar_FramePadding, self._ui.px(4), self._ui.px(2))
        with dpg.theme() as self._thin, dpg.theme_component(dpg.mvProgressBar):
            dpg.add_theme_style(dpg.mvStyleVar_FrameRounding, 1)
        dpg.add_text(EMPTY, tag="signals.empty", color=theme.DIM, wrap=self._ui.px(250))
        dpg.add_group(tag="signals.rows")

    def sync(self) -> None:
        """Once a frame while the panel is unfolded: follow the settings, and show what the signals are."""
        modulations, card = self._patch.settings.modulations, self._ui.explorer.card
        seen = (modulations, card, self._patch.unfolded)
        if any(new is not old for new, old in zip(seen, self._seen, strict=True)):
            self._seen = seen
            structure = (card, self._patch.unfolded, *(_kind(modulation) for modulation in modulations))
            if structure != self._structure:
                self._structure = structure
                self._rebuild(modulations)
            self._show(modulations)
        self._measure(modulations)

    # -- within --------------------------------------------------------------------------------------------------------

    def _rebuild(self, modulations: tuple[Modulation, ...]) -> None:
        dpg.delete_item("signals.rows", children_only=True)
        dpg.configure_item("signals.empty", show=not modulations)
        self._controls, self._meters = [], [-1.0] * len(modulations)
        for index, modulation in enumerate(modulations):
            with dpg.group(tag=f"signals.row.{index}", parent="signals.rows"):
                self._controls.append(self._build_row(index, modulation))

    def _build_row(self, index: int, modulation: Modulation) -> list[tuple[str, Callable[[Modulation], Any]]]:
        tag, patch = f"signals.row.{index}", self._patch
        moved = found(modulation.parameter, self._ui.explorer.card)
        with dpg.group(horizontal=True):
            dpg.add_checkbox(tag=f"{tag}.on", callback=lambda _, on: patch.change(index, enabled=on))
            tooltip(f"{tag}.on", "Off: the parameter stays where the hand left it.")
            name = modulation.parameter if moved is None else moved.name
            dpg.add_button(label=name, tag=f"{tag}.name", width=-self._ui.px(40), callback=partial(self._unfold, index))
            dpg.bind_item_theme(f"{tag}.name", self._flat)
            dpg.bind_item_font(f"{tag}.name", self._ui.fonts.title)
            dpg.add_button(label=icons.TRASH, tag=f"{tag}.remove", width=-1, callback=partial(patch.remove, index))
            tooltip(f"{tag}.remove", "Remove this modulation.")
        dpg.add_button(tag=f"{tag}.source", width=-1, callback=partial(self._unfold, index))
        dpg.bind_item_theme(f"{tag}.source", self._flat)
        tooltip(f"{tag}.source", "Click to change it.")
        dpg.add_progress_bar(tag=f"{tag}.meter", width=-1, height=self._ui.px(3))
        dpg.bind_item_theme(f"{tag}.meter", self._thin)
        controls: list[tuple[str, Callable[[Modulation], Any]]] = [(f"{tag}.on", lambda item: item.enabled)]
        if moved is None:
            dpg.add_text("This model has no such parameter.", color=theme.DIM)
        else:
            controls += self._build_amount(index, modulation, moved)
        if patch.unfolded == index:
            with dpg.group(indent=self._ui.px(12), tag=f"{tag}.editor"):
                controls += self._editors.build(index, modulation)
        dpg.add_spacer(height=self._ui.px(4))
        return controls

    def _build_amount(
        self, index: int, modulation: Modulation, moved: Parameter
    ) -> list[tuple[str, Callable[[Modulation], Any]]]:
        """How far it goes, in the parameter's own unit: one slider around the base, or two for the ends."""
        tag, patch, span = f"signals.row.{index}", self._patch, span_of(moved)
        if modulation.mode == "range":
            low, high = moved.usual
            with dpg.group(horizontal=True):
                for end, word, width in (("low", "from  ", self._ui.px(122)), ("high", "to  ", -1)):
                    dpg.add_slider_float(
                        tag=f"{tag}.{end}",
                        min_value=low,
                        max_value=high,
                        width=width,
                        format=number_format(moved, span, word),
                        callback=lambda _, value, end: patch.change(index, **{end: value}),
                        user_data=end,
                    )
            tooltip(f"{tag}.low", "Where the parameter is when the signal is at its lowest.")
            tooltip(f"{tag}.high", "Where it is when the signal is at its highest.")
            return [(f"{tag}.low", lambda item: item.low), (f"{tag}.high", lambda item: item.high)]
        reach = max(1 - modulation.centre, 1e-6)  # of the amount, upwards from the base
        dpg.add_slider_float(
            tag=f"{tag}.amount",
            min_value=0.0 if modulation.centre == 0.5 else -span / 2,
            max_value=span / 2,
            width=-1,
            format=number_format(moved, span, "± " if modulation.centre == 0.5 else "up to  "),
            callback=lambda _, value: patch.change(index, amount=value / reach),
        )
        tooltip(f"{tag}.amount", "How far it moves, from where the hand left the slider. Ctrl+click types it.")
        return [(f"{tag}.amount", lambda item: item.amount * reach)]

    def _unfold(self, index: int) -> None:
        self._patch.unfolded = None if self._patch.unfolded == index else index

    def _show(self, modulations: tuple[Modulation, ...]) -> None:
        """Bring words and controls in line; what a hand is on leads."""
        for index, (modulation, controls) in enumerate(zip(modulations, self._controls, strict=True)):
            kind = modulation.source.kind
            chevron = icons.CHEVRON_UP if self._patch.unfolded == index else icons.CHEVRON_DOWN
            label = f"{KIND_ICONS[kind]}  {source_words(modulation.source)}   {chevron}"
            dpg.configure_item(f"signals.row.{index}.source", label=label)
            for tag, get in controls:
                if not dpg.is_item_active(tag):
                    dpg.set_value(tag, get(modulation))

    def _measure(self, modulations: tuple[Modulation, ...]) -> None:
        values = self._ui.explorer.signals.values
        for index, (_, value) in enumerate(zip(modulations, values, strict=False)):
            shown = round(value or 0.0, 2)
            if shown != self._meters[index]:
                self._meters[index] = shown
                dpg.set_value(f"signals.row.{index}.meter", shown)


def _kind(modulation: Modulation) -> tuple[object, ...]:
    """What decides which controls a row has."""
    source = modulation.source
    beats = source.beats is not None if source.kind == "lfo" else None
    random = source.shape == "random" if source.kind == "lfo" else None
    return modulation.parameter, modulation.mode, modulation.centre, source.kind, beats, random
