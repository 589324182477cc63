"""Where signals come from besides LFOs: listening for OSC, MIDI and sound, and what is wrong with it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dearpygui.dearpygui as dpg

from visualizer.library import SOUNDS
from visualizer.signals.model import SignalSettings
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.browser import Browser
from widgets.signals.patch import Patch
from widgets.ui import Ui

HOSTS = {"127.0.0.1": "this computer only", "0.0.0.0": "the whole network"}
NETWORK = "Anybody in this network can now move what is shown. Choose it only where you know who that is."
ALL_INPUTS, SYSTEM = "all inputs", "system default"
PARTS = ("osc", "midi", "audio")
SOURCES = {"device": "a device", "file": "a file"}


class Inputs:
    """See the module."""

    def __init__(self, ui: Ui, patch: Patch, browser: Browser):
        self._ui, self._patch, self._browser = ui, patch, browser
        self._settings: SignalSettings | None = None
        self._seen: tuple[object, ...] = ()
        self._looked = False  # for sound devices
        self._controls: list[tuple[str, Callable[[SignalSettings], Any]]] = []

    def build(self) -> None:
        """Make its items in the container that is open."""
        self._build_osc()
        self._build_midi()
        self._build_audio()

    def sync(self) -> None:
        """Once a frame while the panel is unfolded: follow the settings, the devices, and what went wrong."""
        rack, settings = self._ui.explorer.signals, self._patch.settings
        if self._settings is None:
            rack.midi.look()
        if settings.audio.enabled and not self._looked:
            rack.audio.look()  # not before: somebody who wants no sound need not know what it lacks
        self._looked = settings.audio.enabled
        if settings is not self._settings:
            self._settings = settings
            self._show(settings)
        errors = rack.errors
        seen = (rack.osc.address, rack.midi.ports, rack.audio.devices, *(errors.get(name) for name in PARTS))
        if seen != self._seen:
            self._seen = seen
            self._tell(errors)
            dpg.configure_item("signals.midi.port", items=(ALL_INPUTS, *rack.midi.ports))
            dpg.configure_item("signals.audio.device", items=(SYSTEM, *rack.audio.devices))

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _build_osc(self) -> None:
        patch = self._patch
        help = "Listen for OSC, as from TouchOSC, Max or a DAW. Every slider has an address: right-click it."
        with self._part("osc", f"{icons.BROADCAST}  OSC", help, patch.set_osc):
            with dpg.group(horizontal=True):
                dpg.add_input_text(
                    tag="signals.osc.port",
                    width=self._ui.px(60),
                    decimal=True,
                    on_enter=True,
                    auto_select_all=True,
                    callback=lambda _, text: patch.set_osc(port=int(text)) if text.isdecimal() else None,
                )
                tooltip("signals.osc.port", "The UDP port that senders send to; it counts when Enter is pressed.")
                dpg.add_combo(tuple(HOSTS.values()), tag="signals.osc.host", width=-1, callback=self._choose_host)
                tooltip("signals.osc.host", "Who may send: programs on this computer, or any device in the network.")
            dpg.add_text(NETWORK, tag="signals.osc.network", color=theme.ERROR, wrap=self._ui.px(250), show=False)
        self._controls += [
            ("signals.osc.port", lambda settings: str(settings.osc.port)),
            ("signals.osc.host", lambda settings: HOSTS.get(settings.osc.host, settings.osc.host)),
        ]

    def _build_midi(self) -> None:
        patch = self._patch
        with self._part("midi", f"{icons.PIANO}  MIDI", "Listen to MIDI controllers and keyboards.", patch.set_midi):
            dpg.add_combo(
                (ALL_INPUTS,),
                tag="signals.midi.port",
                width=-1,
                callback=lambda _, name: patch.set_midi(port="" if name == ALL_INPUTS else name),
            )
            tooltip("signals.midi.port", "Which input is listened to. What is plugged in later is found.")
        self._controls.append(("signals.midi.port", lambda settings: settings.midi.port or ALL_INPUTS))

    def _build_audio(self) -> None:
        patch = self._patch
        help = "Listen to a microphone, a line or a file: its loudness, bands and hits can move things."
        with self._part("audio", f"{icons.AUDIO_LINES}  Sound", help, patch.set_audio):
            with dpg.group(horizontal=True):
                dpg.add_combo(
                    tuple(SOURCES.values()),
                    tag="signals.audio.source",
                    width=self._ui.px(84),
                    callback=lambda _, words: patch.set_audio(source=_key(SOURCES, words)),
                )
                tooltip("signals.audio.source", "A device hears live; a file goes along by the clock.")
                dpg.add_combo(
                    (SYSTEM,),
                    tag="signals.audio.device",
                    width=-1,
                    callback=lambda _, name: patch.set_audio(device="" if name == SYSTEM else name),
                )
                tooltip("signals.audio.device", "Which device is listened to.")
                dpg.add_input_text(
                    tag="signals.audio.file",
                    width=-self._ui.px(40),
                    hint="path of a sound file",
                    on_enter=True,
                    callback=lambda _, path: patch.set_audio(file=path.strip()),
                )
                tooltip(
                    "signals.audio.file", "A sound file, or a video that has sound; it counts when Enter is pressed."
                )
                dpg.add_button(
                    label=icons.FOLDER_OPEN, tag="signals.audio.browse", width=-1, callback=self._choose_file
                )
                tooltip("signals.audio.browse", "Choose a sound file.")
            dpg.add_slider_float(
                tag="signals.audio.gain",
                min_value=-20,
                max_value=40,
                width=-1,
                format="input  %+.0f dB",
                callback=lambda _, gain: patch.set_audio(gain_db=gain),
            )
            tooltip("signals.audio.gain", "How much the sound is amplified before it is measured.")
        self._controls += [
            ("signals.audio.source", lambda settings: SOURCES[settings.audio.source]),
            ("signals.audio.device", lambda settings: settings.audio.device or SYSTEM),
            ("signals.audio.file", lambda settings: settings.audio.file),
            ("signals.audio.gain", lambda settings: settings.audio.gain_db),
        ]

    @contextmanager
    def _part(self, name: str, label: str, help: str, change: Callable[..., None]) -> Iterator[None]:
        """A switch, what belongs to it while it is on, and a line on how it goes."""
        tag = f"signals.{name}"
        dpg.add_checkbox(label=label, tag=f"{tag}.on", callback=lambda _, on: change(enabled=on))
        tooltip(f"{tag}.on", help)
        with dpg.group(tag=f"{tag}.part", indent=self._ui.px(12), show=False):
            yield
            dpg.add_text("", tag=f"{tag}.state", wrap=self._ui.px(250), show=False)
        self._controls.append((f"{tag}.on", lambda settings: getattr(settings, name).enabled))

    # -- within --------------------------------------------------------------------------------------------------------

    def _choose_host(self, _: Any, words: str) -> None:
        self._patch.set_osc(host=_key(HOSTS, words))

    def _choose_file(self) -> None:
        self._browser.show("Choose a sound file", lambda path: self._patch.set_audio(file=str(path)), SOUNDS)

    def _show(self, settings: SignalSettings) -> None:
        for tag, get in self._controls:
            if not dpg.is_item_active(tag):
                dpg.set_value(tag, get(settings))
        for name in PARTS:
            dpg.configure_item(f"signals.{name}.part", show=getattr(settings, name).enabled)
        dpg.configure_item("signals.osc.network", show=settings.osc.host != "127.0.0.1")
        for source in SOURCES:
            dpg.configure_item(f"signals.audio.{source}", show=settings.audio.source == source)
        dpg.configure_item("signals.audio.browse", show=settings.audio.source == "file")

    def _tell(self, errors: Mapping[str, str]) -> None:
        """A line under each input: what is wrong; for OSC also where it listens."""
        address = self._ui.explorer.signals.osc.address
        for name in PARTS:
            error = errors.get(name, "")
            words = error or (f"listening at {address[0]}, port {address[1]}" if name == "osc" and address else "")
            tag = f"signals.{name}.state"
            dpg.set_value(tag, words)
            dpg.configure_item(tag, color=theme.ERROR if error else theme.DIM, show=bool(words))


def _key(words: Mapping[str, str], chosen: str) -> str:
    return next(key for key, its in words.items() if its == chosen)
