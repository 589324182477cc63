"""The capture panel: save the picture, with its Scene inside; save sessions; pictures of one's own to train with."""

from collections.abc import Callable
from pathlib import Path

import dearpygui.dearpygui as dpg

from visualizer.files import stamped
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.ui import Ui


class CapturePanel:
    """See the module."""

    title, key = f"{icons.CAMERA}  Capture", "capture"

    def __init__(self, ui: Ui, prepare: Callable[[], None]):
        self._ui, self._prepare = ui, prepare
        self._seen: Path | None = None

    def build(self) -> None:
        """Make its items."""
        explorer = self._ui.explorer
        dpg.add_button(
            label=f"{icons.CAMERA}  Save picture", tag="capture.picture", width=-1, callback=lambda: explorer.capture()
        )
        tooltip(
            "capture.picture",
            "A PNG at full size that carries everything that made it: open it again and you are where you were. Ctrl+S",
        )
        dpg.add_button(label=f"{icons.SAVE}  Save session", tag="capture.session", width=-1, callback=self.save_session)
        tooltip("capture.session", "Scene and favourites as a readable file. Ctrl+Shift+S")
        dpg.add_button(
            label=f"{icons.IMAGES}  Prepare pictures", tag="capture.prepare", width=-1, callback=lambda: self._prepare()
        )
        tooltip("capture.prepare", "Make a data set of pictures of your own, to train with.")
        dpg.add_text("", tag="capture.folder", color=theme.DIM, wrap=self._ui.px(260))

    def sync(self) -> None:
        """Say where pictures go."""
        if self._ui.explorer.pictures != self._seen:
            self._seen = self._ui.explorer.pictures
            shown = str(self._seen).replace(str(Path.home()), "~", 1)
            dpg.set_value("capture.folder", f"to {shown}")

    def save_session(self) -> None:
        """Write the session beside the pictures, under the time."""
        self._ui.explorer.save_session(self._ui.explorer.pictures / f"{stamped('session')}.json")
