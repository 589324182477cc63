"""What stands to the left of the timeline's lanes: their names, and the list of parameters to make a curve for."""

from functools import partial
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.edits import tracks
from stylegan_core.parameters import parameters
from stylegan_core.walk import Walk
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.timeline.area import Area, Lane
from widgets.timeline.curves import described
from widgets.timeline.ruler import HEIGHT as RULER
from widgets.ui import Ui

HEAD = 150  # px at scale 1: their width
ADD = f"{icons.CURVE}  Add a curve"


class Heads:
    """See the module."""

    def __init__(self, ui: Ui, area: Area):
        self._ui, self._area = ui, area
        self._addresses: dict[str, str] = {}  # of parameters, by their names
        self._listed: object = None
        self._shown: tuple[object, ...] = ()

    def build_corner(self) -> None:
        """What stands beside the ruler."""
        px = self._ui.px
        with dpg.child_window(width=px(HEAD), height=px(RULER), border=False, no_scrollbar=True, tag="timeline.corner"):
            dpg.add_combo(
                tag="timeline.curve.add",
                default_value=ADD,
                width=px(HEAD - 8),
                no_arrow_button=True,
                height_mode=dpg.mvComboHeight_Large,
                callback=self._add_curve,
            )
            tooltip("timeline.curve.add", "Move one number, such as psi or the rotation, over the whole walk.")

    def build(self) -> None:
        """What stands beside the lanes."""
        dpg.add_child_window(
            width=self._ui.px(HEAD),
            height=50,
            border=False,
            no_scrollbar=True,
            no_scroll_with_mouse=True,
            tag="timeline.heads",
        )

    def sync(self, walk: Walk, lanes: list[tuple[Lane, int]], height: int) -> None:
        """Once a frame: name the lanes."""
        explorer = self._ui.explorer
        scene = explorer.scene
        gains, styles = ([(item.layer, item.channel) for item in items] for items in (scene.channels, scene.styles))
        classes = [item.index for item in scene.classes]
        listed = (explorer.card, len(scene.mixing), classes, gains, styles)
        if listed != self._listed:
            self._listed = listed
            self._addresses = {item.name: item.address for item in parameters(explorer.card, scene)}
            dpg.configure_item("timeline.curve.add", items=list(self._addresses))
        curves = tuple((curve.parameter, curve.enabled) for curve in walk.curves)
        shown = (explorer.card, curves, tuple((lane.key, top, lane.height) for lane, top in lanes), height)
        if shown != self._shown:
            self._shown = shown
            dpg.delete_item("timeline.heads", children_only=True)
            dpg.configure_item("timeline.heads", height=height)
            for lane, top in lanes:
                self._add_head(walk, lane, top)

    def _add_head(self, walk: Walk, lane: Lane, top: int) -> None:
        px = self._ui.px
        at = [px(4), top + px(6)]
        kind, _, number = lane.key.partition(".")
        if kind != "curve":
            words = f"{icons.DIAMOND}  Keys" if kind == "keys" else f"{icons.ACTIVITY}  Takes"
            dpg.add_text(words, pos=at, color=theme.DIM, parent="timeline.heads")
            return
        index, curve = int(number), walk.curves[int(number)]
        what = described(curve.parameter, self._ui.explorer.card)
        name = what.name if what is not None else curve.parameter
        with dpg.group(parent="timeline.heads", pos=at):
            dpg.add_text(name, wrap=px(HEAD - 8), color=theme.TEXT if curve.enabled else theme.FAINT)
            with dpg.group(horizontal=True, horizontal_spacing=px(4)):
                for key, icon, words, action in (
                    (
                        "eye",
                        icons.EYE if curve.enabled else icons.EYE_OFF,
                        "Let it move the picture, or not.",
                        self._enable,
                    ),
                    ("delete", icons.TRASH, "Delete this curve.", self._delete),
                ):
                    tag = f"timeline.{lane.key}.{key}"
                    dpg.add_button(label=icon, tag=tag, small=True, callback=partial(action, index))
                    tooltip(tag, words)

    def _add_curve(self, sender: Any, name: str) -> None:
        del sender
        dpg.set_value("timeline.curve.add", ADD)
        explorer, address = self._ui.explorer, self._addresses[name]
        what = described(address, explorer.card)
        if what is not None:
            self._area.do("Add curve", tracks.add_curve, address, what.get(explorer.scene), 0.0, what.count)

    def _enable(self, index: int, *_: Any) -> None:
        enabled = self._area.timeline.walk.curves[index].enabled
        self._area.do("Curve off" if enabled else "Curve on", tracks.enable_curve, index, not enabled)

    def _delete(self, index: int, *_: Any) -> None:
        self._area.do("Delete curve", tracks.delete_curves, [index])
