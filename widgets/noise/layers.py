"""The layers of the noise view in a row: each one's map as a small picture, its strength, what was done to it."""

from collections.abc import Callable, Mapping
from typing import Any

import dearpygui.dearpygui as dpg
import numpy as np

from stylegan_core.card import LayerInfo, ModelCard, band
from stylegan_core.scene import Noise
from visualizer.noise_view import LayerNoise
from visualizer.presenter import Picture
from widgets import icons, theme
from widgets.ui import Ui

TAG = "noises.layers"
SLOT, THUMBNAIL, ROW = 55, 46, 82  # px at scale 1: least width of a layer, side of its picture, height of a row


def marks(noise: Noise, layer: int) -> str:
    """What was done to a layer's map by hand: painted on, a seed of its own, the trained map kept."""
    own = next((item for item in noise.reseeded if item.layer == layer), None)
    painted = icons.HAND if any(stroke.layer == layer for stroke in noise.strokes) else ""
    return painted + ("" if own is None else icons.LOCK if own.seed is None else icons.DICE)


class NoiseLayers:
    """A click chooses one. `choose(index)` counts among the layers that take noise."""

    def __init__(self, ui: Ui, choose: Callable[[int], None]):
        self._ui, self._choose = ui, choose
        self._card: ModelCard | None = None
        self._layers: tuple[LayerInfo, ...] = ()
        self._shown: Mapping[str, LayerNoise] = {}
        self._pictures: list[Picture] = []
        self._pixels: list[np.ndarray | None] = []
        self._columns, self._slot = 1, 1.0
        self._drawn: tuple[object, ...] = ()

    def build(self) -> None:
        """Make the drawing area in the container that is open."""
        with dpg.group(tag=f"{TAG}.area"):  # a tooltip cannot hang on a drawing
            dpg.add_drawlist(width=100, height=self._ui.px(ROW), tag=TAG)
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=self._press)
        dpg.bind_item_handler_registry(TAG, handlers)
        with dpg.tooltip(f"{TAG}.area", delay=0.3):
            dpg.add_text("", tag=f"{TAG}.tip", wrap=self._ui.px(320))

    def sync(
        self,
        card: ModelCard,
        shown: Mapping[str, LayerNoise],
        noise: Noise,
        chosen: int | None,
        width: int,
    ) -> None:
        """Once a frame: show the model's layers in `width` px; `chosen` None: all of them."""
        layers = card.noise_layers
        self._card, self._layers, self._shown = card, layers, shown
        self._columns = min(max(width // self._ui.px(SLOT), 1), len(layers))
        self._slot = min(width / self._columns, self._ui.px(1.3 * SLOT))
        self._take_pictures()
        hovered = self._under() if dpg.is_item_hovered(TAG) else None
        if hovered is not None:
            dpg.set_value(f"{TAG}.tip", self._describe(hovered, noise))
        look = (layers, width, noise, chosen, hovered, tuple(map(id, self._pixels)))
        if look != self._drawn:
            self._drawn = look
            self._draw(noise, chosen, hovered)

    def height(self, count: int, width: int) -> int:
        """How much of `width` px so many layers take."""
        columns = min(max(width // self._ui.px(SLOT), 1), count)
        return -(-count // columns) * self._ui.px(ROW)

    def _take_pictures(self) -> None:
        while len(self._pictures) < len(self._layers):
            self._pictures.append(self._ui.window.new_picture())
            self._pictures[-1].set_smooth(False)
            self._pixels.append(None)
        for index, layer in enumerate(self._layers):
            found = self._shown.get(layer.name)
            pixels = found.thumbnail if found is not None else None
            if pixels is not self._pixels[index]:
                self._pixels[index] = pixels
                if pixels is not None:
                    self._pictures[index].show(pixels)

    def _under(self) -> int | None:
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_rect_min(TAG)
        column, row = int((x - left) // self._slot), int((y - top) // self._ui.px(ROW))
        index = row * self._columns + column
        return index if 0 <= column < self._columns and 0 <= index < len(self._layers) else None

    def _press(self, *_: Any) -> None:
        under = self._under()
        if under is not None:
            self._choose(under)

    def _describe(self, index: int, noise: Noise) -> str:
        layer = self._layers[index]
        lines = [f"{layer.name}  {self._size_words(layer)}"]
        if (found := self._shown.get(layer.name)) is not None:
            lines.append(f"learned strength {found.learned:.3g}")
        strokes = sum(stroke.layer == index for stroke in noise.strokes)
        own = next((item for item in noise.reseeded if item.layer == index), None)
        if strokes:
            lines.append(f"{icons.HAND}  painted: {strokes} stroke{'s' * (strokes > 1)}")
        if own is not None:
            lines.append(f"{icons.LOCK}  the trained map" if own.seed is None else f"{icons.DICE}  seed {own.seed}")
        return "\n".join(lines)

    def _size_words(self, layer: LayerInfo) -> str:
        assert self._card is not None  # whose layer it is
        return self._card.size_words(layer.resolution)

    def _draw(self, noise: Noise, chosen: int | None, hovered: int | None) -> None:
        rows = -(-len(self._layers) // self._columns)
        dpg.delete_item(TAG, children_only=True)
        dpg.configure_item(TAG, width=max(round(self._slot * self._columns), 1), height=rows * self._ui.px(ROW))
        strongest = max((abs(item.learned) for item in self._shown.values()), default=0.0) or 1.0
        for index in range(len(self._layers)):
            at = (index % self._columns * self._slot, index // self._columns * self._ui.px(ROW))
            self._draw_layer(index, at, chosen in (None, index), index == hovered, strongest, marks(noise, index))

    def _draw_layer(
        self, index: int, at: tuple[float, float], chosen: bool, hovered: bool, strongest: float, done: str
    ) -> None:
        px, layer = self._ui.px, self._layers[index]
        x, y, side = at[0] + (self._slot - px(THUMBNAIL)) / 2, at[1] + px(3), px(THUMBNAIL)
        colour = theme.ACCENT if chosen else theme.DIM if hovered else theme.LINE
        if (pixels := self._pixels[index]) is not None:
            wide, high = (side * own / max(pixels.shape[:2]) for own in (pixels.shape[1], pixels.shape[0]))
            at = x + (side - wide) / 2, y + (side - high) / 2
            dpg.draw_image(self._pictures[index].tag, at, (at[0] + wide, at[1] + high), parent=TAG)
        thickness = px(2) if chosen else 1
        dpg.draw_rectangle(
            (x - 1, y - 1), (x + side + 1, y + side + 1), color=colour, thickness=thickness, rounding=2, parent=TAG
        )
        size = px(12)
        if done:
            box = (x + 1, y + side - size - 3), (x + 3 + len(done) * size * 1.1, y + side - 1)
            dpg.draw_rectangle(*box, color=(0, 0, 0, 0), fill=(17, 18, 21, 200), rounding=2, parent=TAG)
            dpg.draw_text((x + 2, y + side - size - 2), done, size=size, color=theme.TEXT, parent=TAG)
        words = self._size_words(layer)
        below = y + side + px(3)
        dpg.draw_text((x, below), words, size=size, color=theme.BANDS[band(layer.resolution)], parent=TAG)
        found = self._shown.get(layer.name)
        if found is not None:
            dpg.draw_text((x, below + size), f"{found.learned:.2g}", size=size, color=theme.TEXT, parent=TAG)
            foot, share = below + 2 * size + px(3), abs(found.learned) / strongest
            dpg.draw_line((x, foot), (x + side, foot), color=theme.CONTROL, thickness=px(2), parent=TAG)
            dpg.draw_line((x, foot), (x + side * share, foot), color=theme.ACCENT, thickness=px(2), parent=TAG)
