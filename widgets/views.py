"""Views: larger tools that stand beside the picture, one at a time: grid, layers, noise, truncation, training.

A button in the tool bar, or a function key, shows one or puts it away; the strip between picture and view divides the
room. Which one it was, and how wide, is kept in the session.
"""

from typing import Protocol

import dearpygui.dearpygui as dpg

from widgets import theme
from widgets.bind import tooltip
from widgets.needs import suits
from widgets.ui import Ui

VIEW_KEYS = ("F2", "F3", "F4", "F5", "F10")  # F6 to F9 put columns away, show the timeline and record
SHARE_LIMITS = (0.25, 0.8)  # of the room between the columns


class View(Protocol):
    """One of them. Its items' tags begin with its key."""

    title: str  # on the button, with an icon
    key: str
    help: str  # what it is good for, in a sentence
    needs: str  # of the model; see needs.py

    def build(self) -> None:
        """Make its items in the container that is open."""

    def sync(self, width: int, height: int) -> None:
        """Once a frame while it is shown: fill so many px, in line with the Explorer."""

    def leave(self) -> None:
        """It has been put away: ask for nothing more."""


class Views:
    """Shows one of them, or none."""

    def __init__(self, ui: Ui, views: tuple[View, ...]):
        self._ui = ui
        self.views = views
        layout = ui.explorer.session.layout
        self._wanted = layout.view
        self._share = layout.view_share
        self._seen: tuple[object, ...] = ()

    @property
    def shown(self) -> View | None:
        """The one that has its place; None where there is none, or the model has no use for it."""
        found = next((view for view in self.views if view.key == self._wanted), None)
        return found if found is not None and suits(self._ui.explorer.card, found.needs) else None

    def build_buttons(self) -> None:
        """The buttons, in the tool bar that is open."""
        with dpg.theme() as self._lit, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Button, theme.ACCENT_DARK)
        for keys, view in zip(VIEW_KEYS, self.views, strict=True):
            tag = f"views.{view.key}"
            dpg.add_button(label=view.title, tag=tag, user_data=view.key, callback=lambda _, __, key: self.toggle(key))
            tooltip(tag, f"{view.help} {keys}")

    def build(self) -> None:
        """The views, in the container that is open."""
        for view in self.views:
            with dpg.group(tag=f"view.{view.key}", show=False):
                view.build()

    def toggle(self, key: str) -> None:
        """Show a view; put it away if it is there."""
        if (before := self.shown) is not None:
            before.leave()
            self._ui.keyboard.leave(before.key)
        self._wanted = "" if before is not None and before.key == key else key
        self._ui.explorer.arrange(view=self._wanted)
        if self._wanted:
            self._ui.keyboard.take(self._wanted, after="views")

    def show(self, key: str) -> None:
        """Show a view; it stays if it is there."""
        if self.shown is None or self.shown.key != key:
            self.toggle(key)

    def width(self, room: int) -> int:
        """How much of `room` px the view takes; 0 without one."""
        return 0 if self.shown is None else round(room * self._share)

    def divide(self, share: float) -> None:
        """Give the view this share of the room."""
        self._share = min(max(share, SHARE_LIMITS[0]), SHARE_LIMITS[1])

    def divided(self) -> None:
        """The hand has let go: remember it."""
        self._ui.explorer.arrange(view_share=self._share)

    def sync(self, width: int, height: int) -> None:
        """Once a frame."""
        shown = self.shown
        useful = tuple(suits(self._ui.explorer.card, view.needs) for view in self.views)
        if (shown, useful) != self._seen:
            self._seen = (shown, useful)
            for view, is_useful in zip(self.views, useful, strict=True):
                dpg.configure_item(f"view.{view.key}", show=view is shown)
                dpg.configure_item(f"views.{view.key}", show=is_useful)
                dpg.bind_item_theme(f"views.{view.key}", self._lit if view is shown else 0)
        if shown is not None:
            shown.sync(width, height)
