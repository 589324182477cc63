"""The model panel: starter models, recent files, a browser, and what the open model is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import ModelCard
from visualizer.library import starter_models
from visualizer.snapshots import snapshot_name
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.browser import Browser
from widgets.ui import Ui

FAMILIES = {
    "progan": "Progressive GAN",
    "stylegan1": "StyleGAN 1",
    "stylegan2": "StyleGAN2",
    "stylegan3": "StyleGAN3",
}


def family_name(card: ModelCard) -> str:
    """Family and variant as people say them: "StyleGAN3-R", "StyleGAN2 config F"."""
    family = FAMILIES.get(card.family, card.family)
    if not card.variant:
        return family
    return f"{family}-{card.variant}" if len(card.variant) == 1 else f"{family} {card.variant}"


def summary(card: ModelCard) -> str:
    """The ModelCard in a line."""
    classes = f", {card.c_dim} classes" if card.c_dim else ""
    return f"{family_name(card)}, {card.size_words()}{classes}"


def facts(card: ModelCard) -> list[tuple[str, str]]:
    """The rest of the ModelCard in words."""
    found = [
        ("latents", f"z {card.z_dim}, w {card.w_dim}"),
        ("styles", f"{card.num_ws} vectors for {len(card.layers)} layers"),
        ("weights", f"{card.parameters / 1e6:.1f} million"),
        ("channels", str(card.img_channels)),
        ("classes", str(card.c_dim or "none")),
        ("digest", card.digest[:16]),
    ]
    return found + [(name, value) for name, value in card.description.items() if value]


def model_choices(recent: Sequence[str]) -> dict[str, Path]:
    """Starter models and files opened lately, by what a list calls them."""
    starters = starter_models()
    paths = [Path(path) for path in recent if Path(path) not in starters]
    choices = {f"{path.stem}  (starter)": path for path in starters}
    for path in paths:
        label = name_of(path)
        choices[label if all(label != name_of(other) for other in paths if other != path) else str(path)] = path
    return choices


def name_of(path: Path) -> str:
    """What a model's file is called in a list."""
    return snapshot_name(path) or path.name


class ModelPanel:
    """See the module."""

    title, key = f"{icons.LAYERS}  Model", "model"

    def __init__(self, ui: Ui):
        self._ui = ui
        self.browser = Browser(ui, self._ui.explorer.open_file)
        self._choices: dict[str, Path] = {}
        self._seen: tuple[object, ...] = ()

    def build(self) -> None:
        """Make its items."""
        with dpg.group(horizontal=True):
            dpg.add_combo(
                tag="model.choice", width=-self._ui.px(46), callback=self._choose, height_mode=dpg.mvComboHeight_Large
            )
            tooltip(
                "model.choice", "Starter models and files opened lately. Another model keeps your seed and sliders."
            )
            dpg.add_button(label=icons.FOLDER_OPEN, tag="model.browse", width=-1, callback=lambda: self.browser.show())
        tooltip("model.browse", "Find a model (.pkl, .pt, .safetensors), a saved picture or a session. Ctrl+O")
        with dpg.group(tag="model.loading", show=False):
            dpg.add_progress_bar(tag="model.progress", width=-1)
            dpg.add_button(label="Cancel", tag="model.cancel", callback=self._ui.explorer.cancel_loading)
        self._ui.bind.slider(
            "model.lod",
            "Level of detail",
            lambda scene: scene.lod,
            edits.set_lod,
            (0.0, 1.0),
            "This network has grown octave by octave. 0 is the full picture, each step up one octave less of it, and "
            "what is between fades, as while it was trained.",
            format="level of detail  %.2f",
            address="lod",
        )
        dpg.add_tree_node(tag="model.facts", label=" ")

    def sync(self) -> None:
        """Follow the open model, the recent files and the loading under way."""
        explorer = self._ui.explorer
        loading = explorer.loading
        dpg.configure_item("model.loading", show=loading is not None)
        if loading is not None:
            dpg.configure_item("model.progress", overlay=f"Opening {loading.path.name}")
            dpg.set_value("model.progress", loading.job.progress)
        seen = (explorer.card, explorer.session.recent, explorer.scene.model.path)
        if seen != self._seen:
            self._seen = seen
            self._list_choices()
            self._show_facts()

    def _list_choices(self) -> None:
        self._choices = model_choices(self._ui.explorer.session.recent)
        shown = Path(self._ui.explorer.scene.model.path)
        current = next((label for label, path in self._choices.items() if path == shown), name_of(shown))
        dpg.configure_item("model.choice", items=list(self._choices))
        dpg.set_value("model.choice", current)

    def _show_facts(self) -> None:
        dpg.delete_item("model.facts", children_only=True)
        card = self._ui.explorer.card
        if card is None:
            return
        dpg.configure_item("model.facts", label=summary(card))
        dpg.configure_item("model.lod", show=card.max_lod > 0, max_value=max(card.max_lod, 1))
        for name, value in facts(card):
            with dpg.group(horizontal=True, parent="model.facts"):
                dpg.add_text(f"{name:<8}", color=theme.DIM)
                dpg.bind_item_font(dpg.last_item(), self._ui.fonts.mono)
                dpg.add_text(value, wrap=self._ui.px(215))

    def _choose(self, sender: Any, label: str) -> None:
        del sender
        self._ui.explorer.open_model(self._choices[label])
        self._seen = ()  # if it cannot be opened the choice goes back
