"""Small windows within the window: all keys, and the offer to go on after a crash."""

from itertools import zip_longest

import dearpygui.dearpygui as dpg

from widgets import theme
from widgets.shortcuts import Shortcut
from widgets.ui import Ui, centred


class HelpWindow:
    """The table of shortcuts."""

    def __init__(self, ui: Ui, table: tuple[Shortcut, ...]):
        self._ui, self._table = ui, table

    def show(self) -> None:
        """Open it."""
        width, height = self._ui.px(800), self._ui.px(540)
        if not dpg.does_item_exist("help"):
            self._build(width, height)
        dpg.configure_item("help", show=True, pos=centred(width, height))

    def close(self) -> None:
        """Close it."""
        if dpg.does_item_exist("help"):
            dpg.configure_item("help", show=False)

    def _build(self, width: int, height: int) -> None:
        listed = [shortcut for shortcut in self._table if shortcut.keys]
        half = (len(listed) + 1) // 2
        with (
            dpg.window(label="Keys", tag="help", width=width, height=height, no_collapse=True),
            dpg.table(header_row=False, policy=dpg.mvTable_SizingFixedFit),
        ):
            for _ in range(2):
                dpg.add_table_column()
                dpg.add_table_column(width_stretch=True)
            for row in zip_longest(listed[:half], listed[half:]):
                with dpg.table_row():
                    for shortcut in filter(None, row):
                        dpg.add_text(shortcut.keys, color=theme.ACCENT)
                        dpg.add_text(shortcut.help)


class RestoreOffer:
    """After a crash: the last session, to be taken up or left."""

    def __init__(self, ui: Ui):
        self._ui = ui

    def sync(self) -> None:
        """Show the offer once, as soon as the window stands."""
        crashed = self._ui.explorer.crashed_session
        if crashed is None or dpg.does_item_exist("restore"):
            return
        width, height = self._ui.px(430), self._ui.px(136)
        with dpg.window(
            label="Go on where you were?",
            tag="restore",
            width=width,
            height=height,
            pos=centred(width, height),
            no_collapse=True,
            no_close=True,
            no_resize=True,
        ):
            scene = crashed.scene
            pins = "1 favourite" if len(crashed.pins) == 1 else f"{len(crashed.pins)} favourites"
            dpg.add_text(
                "StyleScope did not end as it should last time. Its session was kept: "
                f"seed {scene.latent.seed}, psi {scene.truncation.psi:g}, {pins}.",
                wrap=width - self._ui.px(24),
            )
            dpg.add_spacer(height=self._ui.px(6))
            with dpg.group(horizontal=True):
                dpg.add_button(label="Go on there", tag="restore.yes", callback=lambda: self._answer(True))
                dpg.add_button(label="Start afresh", tag="restore.no", callback=lambda: self._answer(False))

    def _answer(self, restore: bool) -> None:
        dpg.delete_item("restore")
        self._ui.explorer.restore_crashed(restore)
