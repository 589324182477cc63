"""The one place that ties a control to a Scene field.

A bound control shows `get(scene)` whenever it is not being held, posts `edit` under its name while it moves, and
settles the interaction when it is let go, which makes one undo point of a drag. One that stands for a parameter says
its address, by which live signals find it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.scene import Scene
from visualizer.explorer import Explorer

Get = Callable[[Scene], Any]
EditValue = Callable[[Scene, Any], Scene]


def tooltip(item: int | str, text: str) -> None:
    """Say what a control does to the picture, after a moment's rest on it."""
    with dpg.tooltip(item, delay=0.5, hide_on_activity=True):
        dpg.add_text(text, wrap=320)


@dataclass
class Bound:
    """A control, and what it shows of a Scene."""

    tag: int | str
    get: Get
    shown: Any = None  # the value last given to the control; None: it may show another
    address: str = ""  # of the parameter that it stands for; empty: of none


class Binder:
    """Makes bound controls and keeps them in line with the Scene."""

    def __init__(self, explorer: Explorer):
        self._explorer = explorer
        self._bound: list[Bound] = []
        self._scene: Scene | None = None
        self._addressed: tuple[Bound, ...] | None = None
        self._standing: dict[str, Callable[[], str]] = {}  # controls made elsewhere
        with dpg.item_handler_registry() as self._settling:
            dpg.add_item_deactivated_handler(callback=self._settle)

    def slider(
        self,
        tag: str,
        name: str,
        get: Get,
        edit: EditValue,
        limits: tuple[float, float],
        help: str,
        label: str = "",
        width: int = -1,
        format: str = "%.2f",
        address: str = "",
    ) -> int | str:
        """A horizontal slider for a number; Ctrl+click types a value."""
        item = dpg.add_slider_float(
            tag=tag,
            label=label,
            min_value=limits[0],
            max_value=limits[1],
            width=width,
            format=format,
            callback=self._posting(name, edit),
        )
        return self._bind(item, get, help, address=address)

    def integer(
        self,
        tag: str,
        name: str,
        get: Get,
        edit: EditValue,
        help: str,
        width: int = -1,
        label: str = "",
        address: str = "",
    ) -> int | str:
        """A box for a whole number such as a seed; the value counts when Enter is pressed or the box is left.

        The text form takes the whole range of seeds, for which DearPyGui's integer box is too narrow.
        """

        def post(scene: Scene, text: str) -> Scene:
            return edit(scene, int(text)) if text.strip().isdigit() else scene

        item = dpg.add_input_text(
            tag=tag,
            label=label,
            width=width,
            decimal=True,
            on_enter=True,
            auto_select_all=True,
            callback=self._posting(name, post),
        )

        def left() -> None:
            self._touched(item)
            self._explorer.edit(name, post, dpg.get_value(item))
            self._settle()

        with dpg.item_handler_registry() as leaving:
            dpg.add_item_deactivated_after_edit_handler(callback=left)
        return self._bind(item, lambda scene: str(get(scene)), help, leaving, address)

    def radio(self, tag: str, name: str, get: Get, edit: EditValue, items: Sequence[str], help: str) -> int | str:
        """A choice of a few words, all in sight."""
        item = dpg.add_radio_button(items=list(items), tag=tag, horizontal=True, callback=self._doing(name, edit))
        return self._bind(item, get, help)

    def checkbox(self, tag: str, name: str, get: Get, edit: EditValue, label: str, help: str) -> int | str:
        """A yes or no."""
        item = dpg.add_checkbox(label=label, tag=tag, callback=self._doing(name, edit))
        return self._bind(item, get, help)

    def forget(self, tag: str) -> None:
        """The control is about to be deleted."""
        self._bound = [bound for bound in self._bound if bound.tag != tag]
        self._addressed = None

    @property
    def addressed(self) -> tuple[Bound, ...]:
        """The controls that stand for a parameter; the same tuple as long as they are the same."""
        if self._addressed is None:
            self._addressed = tuple(bound for bound in self._bound if bound.address)
        return self._addressed

    def stand_for(self, tag: str, address: Callable[[], str]) -> None:
        """A control that was made elsewhere stands for a parameter, now one and now another; "" for none."""
        self._standing[tag] = address

    def under_mouse(self) -> str:
        """The address of the parameter whose control the mouse is on; empty if it is on none."""
        for bound in self.addressed:
            if dpg.is_item_hovered(bound.tag):
                return bound.address
        return next((address() for tag, address in self._standing.items() if dpg.is_item_hovered(tag)), "")

    def refresh(self) -> None:
        """What controls show depends on something besides the Scene, and that has changed."""
        self._scene = None

    def sync(self) -> None:
        """Once a frame: show the Scene's values, unless it is the same Scene as before."""
        scene = self._explorer.scene
        if scene is self._scene:
            return
        held = False
        for bound in self._bound:
            value = bound.get(scene)
            if value == bound.shown:
                continue
            if dpg.is_item_active(bound.tag):
                held = True  # a hand is on it: it leads, and is looked at again when let go
                bound.shown = None
            else:
                dpg.set_value(bound.tag, value)
                bound.shown = value
        self._scene = None if held else scene

    def _bind(
        self, item: int | str, get: Get, help: str, handlers: int | str | None = None, address: str = ""
    ) -> int | str:
        dpg.bind_item_handler_registry(item, handlers or self._settling)
        tooltip(item, help)
        self._bound.append(Bound(item, get, address=address))
        self._scene = self._addressed = None
        return item

    def _posting(self, name: str, edit: EditValue) -> Callable[..., None]:
        def post(sender: Any, value: Any) -> None:
            self._touched(sender)
            self._explorer.edit(name, edit, value)

        return post

    def _doing(self, name: str, edit: EditValue) -> Callable[..., None]:
        def do(sender: Any, value: Any) -> None:
            self._touched(sender)
            self._explorer.do(name, edit, value)

        return do

    def _touched(self, item: int | str) -> None:
        """A hand has moved the control: what it shows may differ from what the Scene takes."""
        for bound in self._bound:
            if bound.tag in (item, dpg.get_item_alias(item)):
                bound.shown, self._scene = None, None
                if bound.address:
                    self._explorer.signals.touched(bound.address)

    def _settle(self, *_: Any) -> None:
        self._explorer.store.settle()
