"""Small windows within the window: all keys, questions, and the offer to go on after a crash."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest

import dearpygui.dearpygui as dpg

from widgets import theme
from widgets.shortcuts import Shortcut
from widgets.ui import Ui, centred

QUESTION = (430, 136)  # px at scale 1


@contextmanager
def question(ui: Ui, tag: str, title: str, text: str, height: int = QUESTION[1]) -> Iterator[None]:
    """A window that asks something and stays until its answers, which are built inside, delete it.

    Args:
        ui: the window around it.
        tag: of the small window.
        title: what is asked, in a few words.
        text: all that has to be known to answer.
        height: px at scale 1.
    """
    size = ui.px(QUESTION[0]), ui.px(height)
    with dpg.window(
        label=title,
        tag=tag,
        width=size[0],
        height=size[1],
        pos=centred(*size),
        no_collapse=True,
        no_close=True,
        no_resize=True,
    ):
        dpg.add_text(text, wrap=size[0] - ui.px(24))
        dpg.add_spacer(height=ui.px(6))
        yield


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
        scene = crashed.scene
        pins = "1 favourite" if len(crashed.pins) == 1 else f"{len(crashed.pins)} favourites"
        text = (
            "StyleScope did not end as it should last time. Its session was kept: "
            f"seed {scene.latent.seed}, psi {scene.truncation.psi:g}, {pins}."
        )
        with question(self._ui, "restore", "Go on where you were?", text), dpg.group(horizontal=True):
            dpg.add_button(label="Go on there", tag="restore.yes", callback=lambda: self._answer(True))
            dpg.add_button(label="Start afresh", tag="restore.no", callback=lambda: self._answer(False))

    def _answer(self, restore: bool) -> None:
        dpg.delete_item("restore")
        self._ui.explorer.restore_crashed(restore)
