"""The truncation view: the person at a ladder of psi, psi layer by layer, what it goes towards and how far that is."""

from typing import Literal

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.scene import Scene
from visualizer.truncation import Distancing, Ladder
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.truncation.distances import DistancePlot
from widgets.truncation.ladder import LadderStrip
from widgets.truncation.panel import PRESET_HELP, Presets, PsiStrip, psi_slider
from widgets.ui import Ui

TOWARDS: dict[str, Literal["mean", "class", "nearest"]] = {
    "the mean": "mean",
    "the class": "class",
    "the nearest centre": "nearest",
}
SHOWN_CENTRES = (2, 256)  # range of the slider; more can be typed
PRESETS = tuple(PRESET_HELP)[:4], tuple(PRESET_HELP)[4:]  # bands and ramps: in two lines where there is no room for one
EDGE = 8  # px at scale 1, to the left and the right
PLOT = (150, 320)  # px at scale 1: limits of the plot's height
WIDE = 540  # px at scale 1: of all presets in a line
REST = 352  # px at scale 1: all but ladder and plot


class TruncationView:
    """See the module."""

    title, key, needs = f"{icons.TARGET}  Truncation", "space", "truncation"
    help = "From the average to the extreme: a ladder of psi, layer by layer."

    def __init__(self, ui: Ui):
        self._ui = ui
        explorer = ui.explorer
        needed = (explorer.renderer, explorer.worker, explorer.say, explorer.centring.has)
        self._distancing = Distancing(*needed)
        self._ladder = LadderStrip(ui, Ladder(*needed))
        self._strip = PsiStrip(ui, "space.layers")
        self._presets = tuple(Presets(ui, "space.preset", names) for names in PRESETS)
        self._plot = DistancePlot(ui)
        self._seen: tuple[object, ...] = ()
        self._size = (0, 0)

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.child_window(tag="space.body", width=100, height=100), dpg.group(indent=self._ui.px(EDGE)):
            dpg.add_spacer(height=self._ui.px(2))
            self._ladder.build()
            dpg.add_spacer(height=self._ui.px(4))
            self._build_towards()
            dpg.add_spacer(height=self._ui.px(4))
            psi_slider(self._ui, "space.psi")
            with dpg.group(tag="space.presets"):
                for presets in self._presets:
                    with dpg.group(horizontal=True):
                        presets.build()
            self._strip.build()
            dpg.add_spacer(height=self._ui.px(4))
            self._plot.build()

    def _build_towards(self) -> None:
        names = {value: name for name, value in TOWARDS.items()}
        with dpg.group(horizontal=True):
            dpg.add_text("Towards", color=theme.DIM)
            self._ui.bind.radio(
                "space.towards",
                "Truncate towards",
                lambda scene: names[scene.truncation.towards],
                lambda scene, name: edits.set_towards(scene, TOWARDS[name]),
                tuple(TOWARDS),
                "What psi 0 is: the average of everybody, the average of the class, or for each style vector the "
                "nearest of several centres, so that less variety is lost (multimodal truncation).",
            )
        with dpg.group(horizontal=True, tag="space.nearest", show=False):
            self._ui.bind.slider(
                "space.centres",
                "Centres",
                lambda scene: float(scene.truncation.centres),
                edits.set_centres,
                SHOWN_CENTRES,
                "How many centres there are to choose from, found by k-means. Ctrl+click types more.",
                width=self._ui.px(200),
                format="%.0f centres",
                address="truncation/centres",
            )
            with dpg.group(horizontal=True, tag="space.finding", show=False):
                dpg.add_progress_bar(tag="space.progress", width=self._ui.px(140), overlay="finding them")
                dpg.add_button(
                    label=f"{icons.CLOSE}  Cancel", tag="space.cancel", callback=self._ui.explorer.cancel_centres
                )
                tooltip("space.cancel", "Wait no longer, and truncate towards the mean.")

    def sync(self, width: int, height: int) -> None:
        """Follow the Scene, and fill so many px."""
        explorer, px = self._ui.explorer, self._ui.px
        card = explorer.card
        if card is None or not card.has_truncation or not explorer.models.has(explorer.scene.model):
            return
        if (width, height) != self._size:
            self._size = (width, height)
            dpg.configure_item("space.body", width=width - px(EDGE), height=height)
        self._suit(explorer.scene, card)
        self._show_progress()
        room = round(dpg.get_item_rect_size("space.psi")[0]) or width - 3 * px(EDGE)  # a scroll bar may be there
        taken = self._ladder.sync(card, room)
        wide = room >= px(WIDE)
        if dpg.get_item_configuration("space.presets")["horizontal"] != wide:
            dpg.configure_item("space.presets", horizontal=wide)
        for presets in self._presets:
            presets.sync()
        self._strip.sync(room)
        self._distancing.follow(explorer.scene, card)
        low, high = map(px, PLOT)
        self._plot.sync(
            self._distancing.found,
            card,
            explorer.scene.truncation.towards,
            room,
            min(max(height - taken - px(REST if wide else REST + 29), low), high),
        )

    def leave(self) -> None:
        """It has been put away."""
        self._ladder.leave()

    def _suit(self, scene: Scene, card: ModelCard) -> None:
        """Offer what the model has, and what the Scene's choice needs."""
        seen = (card.c_dim > 0, scene.truncation.towards)
        if seen != self._seen:
            self._seen = seen
            names = [name for name, value in TOWARDS.items() if value != "class" or card.c_dim]
            dpg.configure_item("space.towards", items=names)
            dpg.configure_item("space.nearest", show=scene.truncation.towards == "nearest")

    def _show_progress(self) -> None:
        job = self._ui.explorer.centring.job
        if dpg.is_item_shown("space.finding") != (job is not None):
            dpg.configure_item("space.finding", show=job is not None)
        if job is not None:
            dpg.set_value("space.progress", job.progress)
            self._ui.window.stay_awake()
