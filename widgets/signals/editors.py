"""What is set about a modulation's source, unfolded under its row: an editor for LFOs, OSC, MIDI and sound each."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any

import dearpygui.dearpygui as dpg

from visualizer.signals.model import AudioFeature, Lfo, MidiControl, Modulation, OscControl
from widgets import icons
from widgets.bind import tooltip
from widgets.signals.patch import Patch
from widgets.signals.words import BEATS, FEATURES, SHAPES, beats_words
from widgets.ui import Ui

Control = tuple[str, Callable[[Modulation], Any]]  # a control's tag, and what it shows of the modulation
MODES = {"add": "around the slider's place", "range": "from one end to another"}
TIMES = ("in seconds", "in beats")


class Editors:
    """Builds the one that suits a source."""

    def __init__(self, ui: Ui, patch: Patch):
        self._ui, self._patch = ui, patch

    def build(self, index: int, modulation: Modulation) -> list[Control]:
        """Make its items in the container that is open; returns the controls that are to follow the settings."""
        tag = f"signals.row.{index}"
        match modulation.source:
            case Lfo() as lfo:
                controls = self._lfo(tag, index, lfo)
            case OscControl():
                controls = self._osc(tag, index)
            case MidiControl():
                controls = []
            case AudioFeature():
                controls = self._audio(tag, index)
        if isinstance(modulation.source, OscControl | MidiControl):
            self._learn(tag, index, modulation.parameter)
        return [*controls, self._mode(tag, index)]

    def _mode(self, tag: str, index: int) -> Control:
        def choose(_: Any, words: str) -> None:
            mode = next(mode for mode, its in MODES.items() if its == words)
            self._patch.change(index, mode=mode)

        dpg.add_combo(tuple(MODES.values()), tag=f"{tag}.mode", width=-1, callback=choose)
        tooltip(
            f"{tag}.mode",
            "Around the slider's place: the slider stays in your hand, and the signal moves it from there. From one "
            "end to another: the signal alone decides.",
        )
        return f"{tag}.mode", lambda item: MODES[item.mode]

    # -- LFO -----------------------------------------------------------------------------------------------------------

    def _lfo(self, tag: str, index: int, lfo: Lfo) -> list[Control]:
        change = partial(self._patch.change_source, index)
        with dpg.group(horizontal=True):
            dpg.add_combo(
                SHAPES, tag=f"{tag}.shape", width=self._ui.px(112), callback=lambda _, shape: change(shape=shape)
            )
            tooltip(f"{tag}.shape", "How it goes within a period; random: to another number in each.")
            dpg.add_combo(
                TIMES,
                tag=f"{tag}.time",
                width=-1,
                callback=lambda _, words: change(beats=4.0 if words == TIMES[1] else None),
            )
            tooltip(f"{tag}.time", "Whether a period is so many seconds, or so many beats of the tempo.")
        controls: list[Control] = [
            _of(f"{tag}.shape", lambda lfo: lfo.shape),
            _of(f"{tag}.time", lambda lfo: TIMES[lfo.beats is not None]),
        ]
        controls += self._seconds(tag, change) if lfo.beats is None else self._beats(tag, change)
        dpg.add_slider_float(
            tag=f"{tag}.phase",
            min_value=0,
            max_value=360,
            clamped=True,
            width=-1,
            format="phase  %.0f°",
            callback=lambda _, degrees: change(phase=degrees / 360),
        )
        tooltip(f"{tag}.phase", "Where in its period it begins. 180° is against one of 0°.")
        controls.append(_of(f"{tag}.phase", lambda lfo: lfo.phase * 360))
        if lfo.shape == "random":
            dpg.add_checkbox(label="glide", tag=f"{tag}.glide", callback=lambda _, on: change(smooth=on))
            tooltip(f"{tag}.glide", "From number to number smoothly, rather than in steps.")
            controls.append(_of(f"{tag}.glide", lambda lfo: lfo.smooth))
        return controls

    def _seconds(self, tag: str, change: Callable[..., None]) -> list[Control]:
        dpg.add_slider_float(
            tag=f"{tag}.period",
            min_value=0.1,
            max_value=30,
            width=-1,
            format="every  %.1f s",
            callback=lambda _, seconds: change(period_s=seconds),
        )
        tooltip(f"{tag}.period", "How long a period takes. Ctrl+click types it, up to an hour.")
        return [_of(f"{tag}.period", lambda lfo: lfo.period_s)]

    def _beats(self, tag: str, change: Callable[..., None]) -> list[Control]:
        words = [f"every {beats_words(beats)}" for beats in BEATS]
        with dpg.group(horizontal=True):
            dpg.add_combo(
                words,
                tag=f"{tag}.beats",
                width=self._ui.px(112),
                callback=lambda _, chosen: change(beats=BEATS[words.index(chosen)]),
            )
            tooltip(f"{tag}.beats", "How long a period takes.")
            dpg.add_slider_float(
                tag=f"{tag}.tempo",
                min_value=40,
                max_value=220,
                width=-1,
                format="%.0f bpm",
                callback=lambda _, bpm: self._patch.set_tempo(bpm),
            )
            tooltip(f"{tag}.tempo", "The tempo of all LFOs that go by beats, unless a walk that plays has its own.")
        return [
            _of(f"{tag}.beats", lambda lfo: f"every {beats_words(lfo.beats)}"),
            (f"{tag}.tempo", lambda item: self._patch.settings.bpm),
        ]

    # -- OSC and MIDI --------------------------------------------------------------------------------------------------

    def _osc(self, tag: str, index: int) -> list[Control]:
        change = partial(self._patch.change_source, index)
        dpg.add_input_text(
            tag=f"{tag}.address", width=-1, on_enter=True, callback=lambda _, address: change(address=address)
        )
        tooltip(f"{tag}.address", "The OSC address that is listened to. It counts when Enter is pressed.")
        with dpg.group(horizontal=True):
            dpg.add_text("sends")
            for end, width in (("low", self._ui.px(80)), ("high", -1)):
                dpg.add_drag_float(
                    tag=f"{tag}.sends.{end}",
                    width=width,
                    speed=0.01,
                    format="to  %.2f" if end == "high" else "%.2f",
                    user_data=end,
                    callback=lambda _, value, end: change(**{end: value}),
                )
                tooltip(f"{tag}.sends.{end}", "What the control sends at this end. Drag, or Ctrl+click to type.")
        return [
            _of(f"{tag}.address", lambda osc: osc.address),
            _of(f"{tag}.sends.low", lambda osc: osc.low),
            _of(f"{tag}.sends.high", lambda osc: osc.high),
        ]

    def _learn(self, tag: str, index: int, parameter: str) -> None:
        dpg.add_button(
            label=f"{icons.CABLE}  Learn anew",
            tag=f"{tag}.learn",
            width=-1,
            callback=lambda: self._patch.learn(parameter, index),
        )
        tooltip(f"{tag}.learn", "Press, then move another OSC or MIDI control.")

    # -- sound ---------------------------------------------------------------------------------------------------------

    def _audio(self, tag: str, index: int) -> list[Control]:
        change = partial(self._patch.change_source, index)

        def choose(_: Any, words: str) -> None:
            change(feature=next(feature for feature, its in FEATURES.items() if its == words))

        dpg.add_combo(tuple(FEATURES.values()), tag=f"{tag}.feature", width=-1, callback=choose)
        tooltip(f"{tag}.feature", "What is heard: how loud it is, how loud a band of it is, or single hits.")
        sliders = (
            ("attack_s", 0.0, 0.5, "rises in  %.2f s", "How quickly it follows what becomes louder."),
            ("release_s", 0.0, 2.0, "falls in  %.2f s", "How quickly it falls back: longer is smoother."),
            ("floor_db", -96.0, -6.0, "silence below  %.0f dB", "What is quieter does not count."),
        )
        for field, low, high, format, help in sliders:
            dpg.add_slider_float(
                tag=f"{tag}.{field}",
                min_value=low,
                max_value=high,
                clamped=True,
                width=-1,
                format=format,
                user_data=field,
                callback=lambda _, value, field: change(**{field: value}),
            )
            tooltip(f"{tag}.{field}", help)
        return [
            _of(f"{tag}.feature", lambda heard: FEATURES[heard.feature]),
            *(_of(f"{tag}.{field}", attrgetter(field)) for field, *_ in sliders),
        ]


def _of(tag: str, read: Callable[[Any], Any]) -> Control:
    """A control that shows something of the source, whose kind its editor knows."""
    return tag, lambda modulation: read(modulation.source)
