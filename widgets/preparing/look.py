"""What a look found: what will be done in sentences, pictures before and after, and what is left out and why."""

from collections.abc import Sequence

import dearpygui.dearpygui as dpg
import numpy as np

from train.data.prepare import KIND_WORDS, LeftOut, Plan
from train.data.words import printable
from visualizer.dataset_preparation import SAMPLES, Looked, Sample
from visualizer.presenter import Picture
from widgets import theme
from widgets.ui import Ui

CELL_PX, GAP_PX = 70, 6  # at scale 1
LISTED = 200  # rows; the report in the zip has all
ROWS = {"before": "As they are; dark is cut off", "after": "As they will be"}
WIDTH_PX = SAMPLES * (CELL_PX + GAP_PX) - GAP_PX


class LookPart:
    """The right half of the window."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._textures: dict[str, Picture] = {}
        self._samples: tuple[Sample, ...] = ()
        self._column: int | None = None  # of the sample that the mouse is on

    @property
    def cell_px(self) -> int:
        """How large samples are to be."""
        return self._ui.px(CELL_PX)

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.group(tag="prepare.found", show=False):
            dpg.add_text("", tag="prepare.says", wrap=self._ui.px(WIDTH_PX))
            for name, words in ROWS.items():
                with dpg.group(tag=f"prepare.samples.{name}"):
                    dpg.add_spacer(height=self._ui.px(2))
                    dpg.add_text(words, tag=f"prepare.{name}.words", color=theme.DIM)
                    dpg.add_drawlist(width=self._ui.px(WIDTH_PX), height=self.cell_px, tag=f"prepare.{name}")
            with dpg.group(tag="prepare.left_out"):
                dpg.add_spacer(height=self._ui.px(2))
                dpg.add_text("", tag="prepare.left_out.says", color=theme.DIM)
                with dpg.table(
                    tag="prepare.list", scrollY=True, height=-1, policy=dpg.mvTable_SizingStretchProp,
                    header_row=False, borders_innerH=True,
                ):  # fmt: skip
                    for share in (0.23, 0.32, 0.45):
                        dpg.add_table_column(init_width_or_weight=share)

    def show(self, looked: Looked | None) -> None:
        """Show what was found; None: nothing yet."""
        dpg.configure_item("prepare.found", show=looked is not None)
        if looked is None:
            return
        dpg.set_value("prepare.says", "\n".join(looked.lines))
        self._samples, self._column = looked.samples, -1
        for name in ROWS:
            dpg.configure_item(f"prepare.samples.{name}", show=bool(looked.samples))
        if looked.samples:
            self._draw("before", [each.before for each in looked.samples])
            self._draw("after", [each.after for each in looked.samples])
        self.list(looked.plan, looked.plan.left_out)

    def list(self, plan: Plan, left_out: Sequence[LeftOut]) -> None:
        """Show what is left out."""
        dpg.configure_item("prepare.left_out", show=bool(left_out))
        shown = f", the first {LISTED} are" if len(left_out) > LISTED else ""
        dpg.set_value("prepare.left_out.says", f"Left out: {len(left_out)}{shown}")
        dpg.delete_item("prepare.list", children_only=True, slot=1)
        for found in left_out[:LISTED]:
            with dpg.table_row(parent="prepare.list"):
                dpg.add_text(KIND_WORDS[found.kind], wrap=0)
                dpg.add_text(printable(plan.place(found)), wrap=0)
                dpg.add_text(printable(found.reason), color=theme.DIM, wrap=0)

    def sync(self) -> None:
        """Once a frame: say which picture the mouse is on."""
        if not dpg.is_item_visible("prepare.before"):
            return
        column = self._under()
        if column != self._column:
            self._column = column
            for name, words in ROWS.items():
                told = words if column is None else self._samples[column].words
                dpg.set_value(f"prepare.{name}.words", told)

    def _under(self) -> int | None:
        """Which sample the mouse is on."""
        name = next((name for name in ROWS if dpg.is_item_hovered(f"prepare.{name}")), None)
        if name is None:
            return None
        x = dpg.get_mouse_pos(local=False)[0] - dpg.get_item_rect_min(f"prepare.{name}")[0]
        column = int(x / self._ui.px(CELL_PX + GAP_PX))
        return column if 0 <= column < len(self._samples) else None

    def _draw(self, name: str, cells: Sequence[np.ndarray]) -> None:
        if name not in self._textures:
            self._textures[name] = self._ui.window.new_picture()
        texture, cell, step = self._textures[name], cells[0].shape[0], self._ui.px(CELL_PX + GAP_PX)
        row = np.zeros((cell, step * (len(cells) - 1) + cell, 4), np.uint8)
        for column, pixels in enumerate(cells):
            row[:, column * step : column * step + cell] = pixels
        texture.show(row)
        dpg.delete_item(f"prepare.{name}", children_only=True)
        dpg.draw_image(texture.tag, (0, 0), (row.shape[1], cell), parent=f"prepare.{name}")
