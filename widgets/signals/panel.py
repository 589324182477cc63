"""The signals panel: what moves parameters by itself, or from outside: LFOs, OSC, MIDI and sound."""

import dearpygui.dearpygui as dpg

from widgets import icons, theme
from widgets.browser import Browser
from widgets.signals.add import Add
from widgets.signals.inputs import Inputs
from widgets.signals.marks import Marks
from widgets.signals.menu import SignalsMenu
from widgets.signals.patch import Patch
from widgets.signals.rows import Rows
from widgets.signals.words import found, source_words
from widgets.ui import Ui


class SignalsPanel:
    """See the module. Marks and menus of controls in other panels belong to it, and work while it is folded."""

    title, key = f"{icons.WAVEFORM}  Signals", "signals"

    def __init__(self, ui: Ui, browser: Browser):
        self._ui = ui
        self._patch = patch = Patch(ui.explorer)
        self._marks, self._menu = Marks(ui), SignalsMenu(ui, patch)
        self._rows, self._add, self._inputs = Rows(ui, patch), Add(ui, patch), Inputs(ui, patch, browser)
        self._told = ""

    def build(self) -> None:
        """Make its items."""
        with dpg.group(tag="signals.learning", show=False):
            dpg.add_text("", tag="signals.learning.words", color=theme.ACCENT, wrap=self._ui.px(250))
            dpg.add_button(label="Cancel", tag="signals.learning.cancel", width=-1, callback=self.stop_learning)
            dpg.add_spacer(height=self._ui.px(4))
        self._rows.build()
        self._add.build()
        dpg.add_separator()
        self._inputs.build()
        self._menu.build()

    def follow(self) -> None:
        """Once a frame, also while the panel is folded: the marks, what is waited for, and unfolding for news."""
        self._marks.sync()
        self._tell()
        if self._patch.news:
            self._patch.news = False
            dpg.set_value("panel.signals", True)

    def sync(self) -> None:
        """Once a frame while it is unfolded."""
        self._rows.sync()
        self._inputs.sync()

    def stop_learning(self) -> None:
        """Wait for no control any more."""
        self._patch.learn(None)

    def _tell(self) -> None:
        """What is waited for while something is learned."""
        rack = self._ui.explorer.signals
        words = ""
        if rack.learning is not None:
            moved = found(rack.learning, self._ui.explorer.card)
            words = f"Move an OSC or MIDI control now: it will move {moved.name if moved else rack.learning}."
        elif rack.listening:
            words = "Move an OSC or MIDI control now."
        elif rack.control is not None:
            words = f"{source_words(rack.control)} it is. Now move the slider that it shall move."
        if words != self._told:
            self._told = words
            dpg.set_value("signals.learning.words", words)
            dpg.configure_item("signals.learning", show=bool(words))
            if words:
                self._ui.explorer.say(words)  # the column may have been put away
