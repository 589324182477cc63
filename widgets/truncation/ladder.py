"""The ladder of psi: the person shown as it would be at several psi, side by side. A click takes one."""

from typing import Any

import dearpygui.dearpygui as dpg
import numpy as np

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.edits import PSI_RANGE
from stylegan_core.ladder import ladder_psis
from visualizer.presenter import Picture
from visualizer.truncation import Ladder
from widgets import theme
from widgets.bind import tooltip
from widgets.ui import Ui

FEWEST, MOST = 3, 21  # rungs
SIDES, GAP, LABEL = (72, 144), 6, 18  # px at scale 1: limits of a picture's side, between them, the words below
STEP_PX = 16  # pictures are made in steps of so many px, not anew for each width of the view


class LadderStrip:
    """See the module."""

    def __init__(self, ui: Ui, ladder: Ladder):
        self._ui, self._ladder = ui, ladder
        self._count = 0  # that the slider stands at
        self._pictures: list[Picture] = []
        self._shown: list[np.ndarray | None] = []  # what those show
        self._drawn: list[tuple[object, ...]] = []
        self._layout: tuple[int, int, int] = (0, 0, 0)  # rungs, columns, side in px
        self._width = 0

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.item_handler_registry() as self._clicked:
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=self._choose)
        dpg.add_group(tag="space.ladder")
        with dpg.group(horizontal=True):
            bind = self._ui.bind
            bind.slider(
                "space.from",
                "Ladder",
                lambda scene: scene.ladder.first,
                edits.set_ladder_first,
                PSI_RANGE,
                "Where the ladder begins.",
                format="psi from  %.2f",
            )
            bind.slider(
                "space.to",
                "Ladder",
                lambda scene: scene.ladder.last,
                edits.set_ladder_last,
                PSI_RANGE,
                "Where the ladder ends.",
                format="to  %.2f",
            )
            dpg.add_slider_int(
                tag="space.count",
                min_value=FEWEST,
                max_value=MOST,
                clamped=True,
                format="%d pictures",
                callback=self._set_count,
            )
            tooltip(
                "space.count",
                "How many pictures the ladder has; fewer where a curve over the layers can go no further.",
            )
        with dpg.item_handler_registry() as settling:
            dpg.add_item_deactivated_handler(callback=lambda: self._ui.explorer.store.settle())
        dpg.bind_item_handler_registry("space.count", settling)

    def sync(self, card: ModelCard, width: int) -> int:
        """Once a frame: follow the Scene within so many px, and return how many it takes downwards."""
        explorer, px = self._ui.explorer, self._ui.px
        smallest, largest = map(px, SIDES)
        ladder = explorer.scene.ladder
        columns = min(max((width + px(GAP)) // (smallest + px(GAP)), 1), ladder.rungs)
        rows = -(-ladder.rungs // columns)
        columns = -(-ladder.rungs // rows)  # rows of about equal length
        side = min((width + px(GAP)) // columns - px(GAP), largest)
        self._ladder.follow(explorer.scene, card, ladder_psis(ladder), -(-side // STEP_PX) * STEP_PX)
        if ladder.rungs != self._count and not dpg.is_item_active("space.count"):
            self._count = ladder.rungs
            dpg.set_value("space.count", self._count)
        rungs = self._ladder.rungs
        if self._layout != (len(rungs), columns, side):
            self._layout = (len(rungs), columns, side)
            self._lay_out()
        if width != self._width:
            self._width = width
            for tag in ("space.from", "space.to", "space.count"):
                dpg.configure_item(tag, width=min((width - 2 * px(8)) // 3, px(160)))
        now = explorer.scene.truncation.psi
        nearest = min(range(len(rungs)), key=lambda index: abs(rungs[index].psi - now))
        for index, rung in enumerate(rungs):
            self._take_picture(index)
            self._draw(index, rung.psi, index == nearest, rung.scene.truncation == explorer.scene.truncation)
        return rows * (side + px(LABEL + GAP))

    def leave(self) -> None:
        """It has been put away."""
        self._ladder.leave()

    def _set_count(self, sender: Any, count: int) -> None:
        del sender
        self._count = count
        self._ui.explorer.edit("Ladder", edits.set_rungs, count)

    def _lay_out(self) -> None:
        """Drawing areas anew, for another number of rungs or another size."""
        count, columns, side = self._layout
        px = self._ui.px
        dpg.delete_item("space.ladder", children_only=True)
        for start in range(0, count, columns):
            with dpg.group(horizontal=True, horizontal_spacing=px(GAP), parent="space.ladder"):
                for index in range(start, min(start + columns, count)):
                    dpg.add_drawlist(width=side, height=side + px(LABEL), tag=f"space.rung.{index}")
                    dpg.bind_item_handler_registry(f"space.rung.{index}", self._clicked)
        while len(self._pictures) < count:
            self._pictures.append(self._ui.window.new_picture())
            self._shown.append(None)
        self._drawn = [()] * count

    def _take_picture(self, index: int) -> None:
        pixels = self._ladder.picture(index)
        if pixels is not self._shown[index]:
            self._shown[index] = pixels
            if pixels is not None:
                self._pictures[index].show(pixels)

    def _draw(self, index: int, psi: float, nearest: bool, here: bool) -> None:
        tag = f"space.rung.{index}"
        hovered = bool(dpg.is_item_hovered(tag))
        picture = self._pictures[index].tag if self._shown[index] is not None else None
        drawn = (psi, nearest, here, hovered, picture)
        if drawn == self._drawn[index]:
            return
        self._drawn[index] = drawn
        side, px = self._layout[2], self._ui.px
        dpg.delete_item(tag, children_only=True)
        dpg.draw_rectangle((0, 0), (side, side), fill=theme.CANVAS, color=theme.CANVAS, rounding=2, parent=tag)
        if picture is not None:
            dpg.draw_image(picture, (0, 0), (side, side), parent=tag)
        colour = theme.ACCENT if here else theme.ACCENT_DARK if nearest else theme.HOVERED if hovered else None
        if colour is not None:
            dpg.draw_rectangle((1, 1), (side - 1, side - 1), color=colour, thickness=px(2), rounding=2, parent=tag)
        words, size = f"{psi:.3g}", px(13)
        x = (side - len(words) * size * 0.5) / 2
        dpg.draw_text((x, side + px(2)), words, size=size, color=theme.TEXT if nearest else theme.DIM, parent=tag)

    def _choose(self, sender: Any, clicked: tuple[int, int]) -> None:
        del sender
        index = int(str(dpg.get_item_alias(clicked[1])).rpartition(".")[2])
        if index < len(self._ladder.rungs):
            self._ui.explorer.do("Truncation psi", edits.set_psi, self._ladder.rungs[index].psi)
