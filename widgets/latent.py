"""The person panel: whose face it is. Seed, the seed plane, and classes of conditional models."""

from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.scene import Latent, Scene
from widgets import icons
from widgets.bind import tooltip
from widgets.ui import Ui

MANY_CLASSES = 12  # more than this get a list to pick from instead of a slider each


def place_words(latent: Latent) -> str:
    """Where somebody is, in a few words."""
    if latent.blend:
        heaviest = sorted(latent.blend, key=lambda share: -abs(share.weight))
        words = ", ".join(f"{share.weight:.0%} {_who(share.latent)}" for share in heaviest[:2])
        return f"between {len(heaviest)}: {words}" + (" …" if len(heaviest) > 2 else "")
    if latent.projected is not None:
        return "a projected face"
    at_person = latent.x == latent.y == 0
    place = "at a person" if at_person else f"{latent.x:.0%} right, {latent.y:.0%} down"
    return f"on the seed plane: {place}"


def _who(latent: Latent) -> str:
    if latent.blend:
        return "a blend"
    return "a projected face" if latent.projected is not None else f"seed {latent.seed}"


class LatentPanel:
    """See the module."""

    title, key = f"{icons.USER}  Person", "latent"

    def __init__(self, ui: Ui):
        self._ui = ui
        self._card: ModelCard | None = None
        self._sliders: tuple[int, ...] = ()
        self._scene: Scene | None = None

    def build(self) -> None:
        """Make its items."""
        ui, bind = self._ui, self._ui.bind
        with dpg.group(horizontal=True):
            previous = dpg.add_button(label=icons.CHEVRON_LEFT, tag="latent.previous", callback=lambda: self._step(-1))
            tooltip(previous, "The person before. Ctrl+Left")
            bind.integer(
                "latent.seed",
                "Seed",
                lambda scene: scene.latent.seed,
                edits.set_seed,
                "The seed that a person grows from: the same number is always the same person.",
                width=ui.px(120),
                address="latent/seed",
            )
            following = dpg.add_button(label=icons.CHEVRON_RIGHT, tag="latent.next", callback=lambda: self._step(1))
            tooltip(following, "The next person. Ctrl+Right")
            someone = dpg.add_button(
                label=f"{icons.DICE}  New", tag="latent.random", width=-1, callback=ui.explorer.random_person
            )
            tooltip(someone, "Someone who does not exist and whom nobody has seen before. Key: space")
        with dpg.group(horizontal=True):
            dpg.add_text("", tag="latent.place")
            tooltip("latent.place", "Where you are between four people. Drag on the picture to wander.")
        with dpg.group(horizontal=True, tag="latent.wander"):
            dpg.add_text("wander in")
            bind.radio(
                "latent.space",
                "Blend space",
                lambda scene: scene.latent.space,
                edits.set_space,
                ("w", "z"),
                "Between people, w changes features evenly; z passes through people who could stand there alone.",
            )
        dpg.add_group(tag="latent.classes")

    def sync(self) -> None:
        """Follow the Scene and the model's classes."""
        scene = self._ui.explorer.scene
        if scene is self._scene and self._ui.explorer.card is self._card:
            return
        self._scene = scene
        dpg.set_value("latent.place", place_words(scene.latent))
        if self._ui.explorer.card is not self._card:
            self._card = self._ui.explorer.card
            self._rebuild_classes()
            # Without a mapping network w is z.
            dpg.configure_item("latent.wander", show=self._card is None or self._card.has_truncation)
        if self._card is not None and self._card.c_dim > MANY_CLASSES:
            self._list_mixed()

    def _step(self, step: int) -> None:
        self._ui.explorer.do("Next person" if step > 0 else "Previous person", edits.step_seed, step)

    # -- classes -------------------------------------------------------------------------------------------------------

    def _rebuild_classes(self) -> None:
        for index in self._sliders:
            self._ui.bind.forget(f"latent.class.{index}")
        dpg.delete_item("latent.classes", children_only=True)
        self._sliders = ()
        count = self._card.c_dim if self._card is not None else 0
        if not count:
            return
        with dpg.group(parent="latent.classes"):
            dpg.add_separator()
            if count > MANY_CLASSES:
                self._build_picker(count)
            else:
                dpg.add_text("classes, and their share in the mix")
                self._sliders = tuple(range(count))
                for index in self._sliders:
                    self._class_slider(index)

    def _class_slider(self, index: int) -> None:
        def weight(scene: Scene) -> float:
            return next((item.weight for item in scene.classes if item.index == index), 0.0)

        def set_weight(scene: Scene, value: float) -> Scene:
            return edits.set_class_weight(scene, index, value)

        with dpg.group(horizontal=True):
            only = dpg.add_button(
                label="only",
                tag=f"latent.only.{index}",
                callback=lambda: self._ui.explorer.do("Class", edits.choose_class, index),
            )
            tooltip(only, "This class alone.")
            self._ui.bind.slider(
                f"latent.class.{index}",
                f"Class {index}",
                weight,
                set_weight,
                (0.0, 1.0),
                "The share of this class. Several together make a mixture of classes.",
                format=f"class {index}:  %.2f",
                address=f"classes/{index}/weight",
            )

    def _build_picker(self, count: int) -> None:
        with dpg.group(horizontal=True):
            dpg.add_input_int(
                tag="latent.class",
                width=self._ui.px(110),
                min_value=0,
                max_value=count - 1,
                min_clamped=True,
                max_clamped=True,
            )
            tooltip("latent.class", f"A class, 0 to {count - 1}.")
            dpg.add_button(label="only", tag="latent.class.only", callback=self._choose_class)
            dpg.add_button(label="add to the mix", tag="latent.class.add", callback=self._add_class)
        dpg.add_text("", tag="latent.mixed", wrap=self._ui.px(290))

    def _choose_class(self, *_: Any) -> None:
        self._ui.explorer.do("Class", edits.choose_class, dpg.get_value("latent.class"))

    def _add_class(self, *_: Any) -> None:
        self._ui.explorer.do("Mix classes", edits.set_class_weight, dpg.get_value("latent.class"), 1.0)

    def _list_mixed(self) -> None:
        classes = self._ui.explorer.scene.classes
        total = sum(item.weight for item in classes) or 1.0
        dpg.set_value("latent.mixed", ", ".join(f"{item.index}: {item.weight / total:.0%}" for item in classes))
