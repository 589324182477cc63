"""Previews of a run: pictures of seeds that stay the same, the newest or earlier ones."""

import dearpygui.dearpygui as dpg

from visualizer.presenter import Picture
from visualizer.training_reading import Detail, Preview
from widgets import theme
from widgets.bind import tooltip
from widgets.training.words import kimg
from widgets.ui import Ui

TAG = "training.previews"
NONE = "Previews appear here with the first snapshot."
LEAST = 120  # px of the picture's height at scale 1


class Previews:
    """See the module."""

    def __init__(self, ui: Ui):
        self._ui, self._desk = ui, ui.explorer.training
        self._picture: Picture | None = None
        self._shown: Preview | None = None
        self._moments: tuple[int, ...] = ()
        self._drawn: tuple[object, ...] = ()

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.group(tag=TAG):
            dpg.add_text(NONE, tag=f"{TAG}.none", color=theme.DIM)
            dpg.add_drawlist(width=100, height=10, tag=f"{TAG}.picture", show=False)
            dpg.add_slider_int(
                tag=f"{TAG}.moment", width=100, clamped=True, callback=lambda _, place: self._go_to(place), show=False
            )
            tooltip(f"{TAG}.moment", "The same seeds earlier in training. At the right end: always the newest.")

    def sync(self, detail: Detail | None, width: int, height: int) -> None:
        """Once a frame: show them in so many px at most."""
        preview = None if detail is None else detail.preview
        if preview is not self._shown:
            self._shown = preview
            if preview is not None:
                if self._picture is None:
                    self._picture = self._ui.window.new_picture()
                self._picture.show(preview.rgba)
        moments = () if detail is None else detail.previews
        drawn = (preview, width, height, None if self._picture is None else self._picture.tag)
        if drawn != self._drawn:
            self._drawn = drawn
            self._draw(width, height)
        self._follow(moments, width)

    def _draw(self, width: int, height: int) -> None:
        there = self._shown is not None and self._picture is not None
        dpg.configure_item(f"{TAG}.none", show=not there)
        dpg.configure_item(f"{TAG}.picture", show=there)
        dpg.delete_item(f"{TAG}.picture", children_only=True)
        if not there or self._picture is None:
            return
        wide, high = self._picture.size
        factor = min(width / wide, max(height, self._ui.px(LEAST)) / high)
        factor = int(factor) if factor >= 2 else factor  # every pixel as large as the next
        size = max(round(wide * factor), 1), max(round(high * factor), 1)
        self._picture.set_smooth(factor < 1)
        dpg.configure_item(f"{TAG}.picture", width=size[0], height=size[1])
        dpg.draw_image(self._picture.tag, (0, 0), size, parent=f"{TAG}.picture")

    def _follow(self, moments: tuple[int, ...], width: int) -> None:
        """Bring the slider in line with what there is."""
        tag, wanted = f"{TAG}.moment", self._desk.preview_wanted
        if moments != self._moments:
            self._moments = moments
            dpg.configure_item(tag, max_value=max(len(moments) - 1, 1), show=len(moments) > 1)
        if not moments:
            return
        newest = wanted not in moments
        place = len(moments) - 1 if newest else moments.index(wanted)
        if not dpg.is_item_active(tag) and dpg.get_value(tag) != place:
            dpg.set_value(tag, place)
        words = f"{kimg(moments[place])} kimg" + (", the newest" if newest else "")
        dpg.configure_item(tag, format=words, width=width)

    def _go_to(self, place: int) -> None:
        last = place >= len(self._moments) - 1
        self._desk.look_at_preview(None if last or not self._moments else self._moments[place])
