"""What a mixing grid is made of: which styles come from the rows, psi, who stands at the edges, and saving it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import BANDS, Band
from stylegan_core.edits.grid import Axis
from stylegan_core.scene import MAX_SEED, Latent, Scene, Source
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.browser import Browser
from widgets.layers import Bars, style_bars
from widgets.mixing import BAND_WORDS
from widgets.strip import Bar
from widgets.ui import Ui

STRIP_HEIGHT = 24  # px
SIZES = (3, 5, 8)
AXES: tuple[tuple[Axis, str], ...] = (("rows", "Row"), ("columns", "Column"))
MOST_PINS = 24  # in the menu
MENU = 190  # px at scale 1: width of a menu's lines


class GridControls:
    """The lines above the grid."""

    def __init__(self, ui: Ui, browser: Browser):
        self._ui, self._browser = ui, browser
        self._bars = Bars(style_bars)
        self._axis: Axis = "rows"  # to which the open menu adds
        self._painting: bool | None = None  # the stroke on the strip puts layers in, or takes them out
        self._last = 0  # field of the stroke under way
        self._drawn: tuple[object, ...] = ()
        self._lit: dict[str, bool] = {}

    def build(self) -> None:
        """Make the items, in the container that is open."""
        ui, bind = self._ui, self._ui.bind
        with dpg.group(horizontal=True):
            dpg.add_text("From the rows", color=theme.DIM)
            for band in BANDS:
                dpg.add_button(label=band, tag=f"grid.{band}", user_data=band, callback=self._toggle_band)
                tooltip(f"grid.{band}", f"Take {BAND_WORDS[band]} from the rows, or from the columns.")
        self._build_strip()
        with dpg.group(horizontal=True):
            bind.slider(
                "grid.psi",
                "Grid psi",
                lambda scene: scene.truncation.psi if scene.grid.psi is None else scene.grid.psi,
                edits.set_grid_psi,
                (-1.0, 1.5),
                "Truncation of everybody in the grid: 0 is the average person.",
                width=ui.px(150),
                format="psi  %.2f",
            )
            bind.checkbox(
                "grid.psi.same",
                "Grid psi",
                lambda scene: scene.grid.psi is None,
                lambda scene, same: edits.set_grid_psi(scene, None if same else scene.truncation.psi),
                "as the picture",
                "The grid has the same truncation as the picture.",
            )
        self._build_buttons()
        self._build_menu()

    def sync(self, width: int) -> None:
        """Once a frame: follow the Scene, in so many px."""
        card = self._ui.explorer.card
        if card is None:
            return
        bars, layers = self._bars(card), self._ui.explorer.scene.grid.layers
        self._go_on_painting(bars)
        for band in BANDS:
            indices = _of(bars, band)
            self._light(f"grid.{band}", bool(indices) and set(indices) <= set(layers))
        if (bars, layers, width) != self._drawn:
            for band in BANDS:
                dpg.configure_item(f"grid.{band}", show=any(bar.band == band for bar in bars))
            self._drawn = (bars, layers, width)
            self._draw(bars, layers, width)

    def fill(self, count: int) -> None:
        """Put so many new people at both edges; an untouched grid takes the coarse styles from its rows."""
        explorer = self._ui.explorer
        people = [[Source(latent=Latent(seed=explorer.random_seed())) for _ in range(count)] for _ in range(2)]

        def filled(scene: Scene) -> Scene:
            untouched = not (scene.grid.rows or scene.grid.columns or scene.grid.layers)
            scene = edits.set_sources(edits.set_sources(scene, "rows", people[0]), "columns", people[1])
            return edits.set_grid_layers(scene, self._first_layers()) if untouched else scene

        explorer.do(f"{count} × {count} new people", filled)

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _build_strip(self) -> None:
        with dpg.theme() as self._on, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Button, theme.ACCENT_DARK)
        with dpg.group(tag="grid.layers.area"):
            dpg.add_drawlist(width=100, height=self._ui.px(STRIP_HEIGHT), tag="grid.layers")
        tooltip(
            "grid.layers.area", "A field for each style vector, coarse to fine. Drag across to take them from the rows."
        )
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Left, callback=self._begin_painting)
        dpg.bind_item_handler_registry("grid.layers", handlers)

    def _build_buttons(self) -> None:
        with dpg.group(horizontal=True):
            for axis, word in AXES:
                tag = f"grid.add.{axis}"
                dpg.add_button(label=f"{icons.PLUS} {word}", tag=tag, user_data=axis, callback=self._open_menu)
                tooltip(tag, f"One more {word.lower()}: someone new, a seed, a favourite, a projected face.")
            for axis, word in AXES:
                tag = f"grid.shuffle.{axis}"
                dpg.add_button(label=f"{icons.SHUFFLE} {word}s", tag=tag, user_data=axis, callback=self._shuffle)
                tooltip(tag, f"The {word.lower()}s in another order.")
        with dpg.group(horizontal=True):
            dpg.add_button(label=f"{icons.DICE} New people", tag="grid.new")
            tooltip("grid.new", "Other people at both edges.")
            with dpg.popup("grid.new", mousebutton=dpg.mvMouseButton_Left, tag="grid.sizes"):
                for size in SIZES:
                    tag = f"grid.new.{size}"
                    dpg.add_selectable(
                        label=f"{size} × {size} people",
                        tag=tag,
                        width=self._ui.px(MENU // 2),
                        callback=partial(self._fill, size),
                    )
            dpg.add_button(label=f"{icons.CAMERA} Save grid", tag="grid.save.picture", callback=self._save_picture)
            tooltip("grid.save.picture", "Save all of it as one labelled picture, with its Scene inside.")
            dpg.add_button(label=f"{icons.IMAGES} Save cells", tag="grid.save.files", callback=self._save_cells)
            tooltip("grid.save.files", "Save each cell as a picture of its own, with its Scene inside.")

    def _build_menu(self) -> None:
        wide = self._ui.px(MENU)  # by themselves lines are as wide as the room to the right of the menu
        with dpg.window(popup=True, show=False, tag="grid.add", autosize=True):
            dpg.add_selectable(label="Someone new", tag="grid.add.new", width=wide, callback=self._add_new)
            dpg.add_selectable(
                label="The person in the picture", tag="grid.add.live", width=wide, callback=self._add_live
            )
            dpg.add_input_text(
                tag="grid.add.seed",
                hint="a seed, and Enter",
                decimal=True,
                on_enter=True,
                width=wide,
                callback=self._add_seed,
            )
            dpg.add_selectable(label="A projected face…", tag="grid.add.file", width=wide, callback=self._browse)
            dpg.add_group(tag="grid.add.pins")

    # -- layers --------------------------------------------------------------------------------------------------------

    def _first_layers(self) -> Sequence[int]:
        card = self._ui.explorer.card
        if card is None:
            return ()
        return _of(self._bars(card), "coarse") or range(card.num_ws // 2)

    def _toggle_band(self, sender: Any, value: Any, band: Band) -> None:
        del sender, value
        explorer = self._ui.explorer
        if explorer.card is None:
            return
        indices, layers = set(_of(self._bars(explorer.card), band)), set(explorer.scene.grid.layers)
        changed = layers - indices if indices <= layers else layers | indices
        explorer.do(f"{band.capitalize()} styles of the rows", edits.set_grid_layers, sorted(changed))

    def _begin_painting(self, *_: Any) -> None:
        card = self._ui.explorer.card
        if card is not None:
            self._last = self._under(len(self._bars(card)))
            self._painting = self._last not in self._ui.explorer.scene.grid.layers

    def _go_on_painting(self, bars: Sequence[Bar]) -> None:
        """Put layers in or take them out, all from the last one to the one under the mouse: a quick hand skips some."""
        if self._painting is None:
            return
        layers, now = set(self._ui.explorer.scene.grid.layers), self._under(len(bars))
        stroke = set(range(min(self._last, now), max(self._last, now) + 1))
        changed = layers | stroke if self._painting else layers - stroke
        self._ui.explorer.edit("Styles of the rows", edits.set_grid_layers, sorted(changed))
        self._last = now
        if not dpg.is_mouse_button_down(dpg.mvMouseButton_Left):
            self._painting = None
            self._ui.explorer.store.settle()

    def _under(self, count: int) -> int:
        """The field under the mouse, or the nearest one."""
        left, width = dpg.get_item_rect_min("grid.layers")[0], dpg.get_item_rect_size("grid.layers")[0]
        share = (dpg.get_mouse_pos(local=False)[0] - left) / max(width, 1)
        return min(max(int(share * count), 0), count - 1)

    def _draw(self, bars: Sequence[Bar], layers: Sequence[int], width: int) -> None:
        dpg.delete_item("grid.layers", children_only=True)
        dpg.configure_item("grid.layers", width=max(width, 1))
        height, slot, size = self._ui.px(STRIP_HEIGHT), width / max(len(bars), 1), self._ui.px(11)
        for index, bar in enumerate(bars):
            colour = theme.BANDS[bar.band]
            taken = index in layers
            dpg.draw_rectangle(
                (index * slot + 1, 0),
                ((index + 1) * slot - 1, height),
                fill=(*colour[:3], 130) if taken else theme.CONTROL,
                color=colour if taken else theme.CONTROL,
                rounding=3,
                parent="grid.layers",
            )
            words = bar.size
            if index == 0 or bars[index - 1].size != bar.size:
                place = (index * slot + self._ui.px(4), (height - size) / 2)
                colour = theme.TEXT if taken else theme.DIM
                dpg.draw_text(place, words, size=size, color=colour, parent="grid.layers")

    def _light(self, tag: str, on: bool) -> None:
        if self._lit.get(tag) != on:
            self._lit[tag] = on
            dpg.bind_item_theme(tag, self._on if on else 0)

    # -- people --------------------------------------------------------------------------------------------------------

    def _fill(self, count: int) -> None:
        dpg.configure_item("grid.sizes", show=False)
        self.fill(count)

    def _shuffle(self, sender: Any, value: Any, axis: Axis) -> None:
        del sender, value
        self._ui.explorer.do(f"Shuffle {axis}", edits.shuffle_sources, axis, self._ui.explorer.random_seed())

    def _open_menu(self, sender: Any, value: Any, axis: Axis) -> None:
        del value
        self._axis = axis
        dpg.delete_item("grid.add.pins", children_only=True)
        for number, pin in enumerate(self._ui.explorer.favourites.pins[:MOST_PINS]):
            source = Source(latent=pin.scene.latent, mixing=self._fitting(pin.scene), name=pin.name[:80])
            dpg.add_selectable(
                label=f"{icons.PIN} {pin.name}##{number}",
                tag=f"grid.add.pin.{number}",
                width=self._ui.px(MENU),
                parent="grid.add.pins",
                callback=partial(self._add, source),
            )
        left, top = dpg.get_item_rect_min(sender)
        dpg.configure_item("grid.add", show=True, pos=(int(left), int(top + dpg.get_item_rect_size(sender)[1])))

    def _fitting(self, scene: Scene) -> tuple[Any, ...]:
        card = self._ui.explorer.card
        return tuple(mix for mix in scene.mixing if card is not None and len(mix.amounts) == card.num_ws)

    def _add(self, source: Source) -> None:
        dpg.configure_item("grid.add", show=False)
        self._add_to(self._axis, source)

    def _add_to(self, axis: Axis, source: Source) -> None:
        self._ui.explorer.do(f"Add a {axis[:-1]}", edits.add_source, axis, source)

    def _add_new(self) -> None:
        self._add(Source(latent=Latent(seed=self._ui.explorer.random_seed())))

    def _add_live(self) -> None:
        scene = self._ui.explorer.scene
        self._add(Source(latent=scene.latent, mixing=self._fitting(scene)))

    def _add_seed(self, sender: Any, text: str) -> None:
        if text.strip().isdigit():
            dpg.set_value(sender, "")
            self._add(Source(latent=Latent(seed=int(text) % (MAX_SEED + 1))))

    def _browse(self) -> None:
        dpg.configure_item("grid.add", show=False)
        axis, files = self._axis, self._ui.explorer.grid_files

        def add(path: Path) -> None:
            files.open_projected(path, lambda latent: self._add_to(axis, Source(latent=latent)))

        self._browser.show("Add a projected face (.npz, .npy)", add)

    # -- saving --------------------------------------------------------------------------------------------------------

    def _save_picture(self) -> None:
        self._ui.explorer.grid_files.save_picture(self._ui.explorer.scene, self._name())

    def _save_cells(self) -> None:
        self._ui.explorer.grid_files.save_cells(self._ui.explorer.scene, self._name())

    def _name(self) -> str:
        card = self._ui.explorer.card
        return "picture" if card is None else card.name


def _of(bars: Sequence[Bar], band: Band) -> list[int]:
    """The style vectors of a band."""
    return [index for index, bar in enumerate(bars) if bar.band == band]
