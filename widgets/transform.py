"""The transform panel: where the picture lies, and how it moves by itself."""

from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.equivariance import Equivariance
from visualizer.equivariance import PICTURES
from visualizer.motion import SPEED_LIMITS, SPIN_LIMITS
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.ui import Ui

TYPE_IT = "Ctrl+click to type it."
MEANS = (
    "How far the picture of a moved (EQ-T) or turned (EQ-R) input is from the moved or turned picture, as a signal to "
    "noise ratio. Above 50 dB no difference is seen, as with StyleGAN3, whose T models follow moves and R models turns "
    "too; 10 to 20 dB means that details stay where they were."
)


def words(found: Equivariance) -> str:
    """What was measured, in a line."""
    turned = "" if found.eq_r_db is None else f"   EQ-R {found.eq_r_db:.1f} dB"
    return f"EQ-T {found.eq_t_db:.1f} dB{turned}"


class TransformPanel:
    """See the module."""

    title, key = f"{icons.MOVE}  Transform", "transform"

    def __init__(self, ui: Ui):
        self._ui = ui
        self._seen: tuple[object, ...] = ()

    def build(self) -> None:
        """Make its items."""
        self._build_place()
        dpg.add_spacer(height=self._ui.px(2))
        self._build_motion()
        self._build_measuring()
        dpg.add_text("", tag="transform.nearly", color=theme.DIM, wrap=self._ui.px(300), show=False)

    def sync(self) -> None:
        """Follow the model and what plays."""
        motion, card, measuring = self._ui.explorer.motion, self._ui.explorer.card, self._ui.explorer.measuring
        if card is None:
            return
        progress = measuring.job.progress if measuring.job is not None else None
        look = (card, motion.drifting, motion.spinning, progress, measuring.found.get(card.digest))
        if look == self._seen:
            return
        self._seen = look
        self._show(card)
        self._show_measured(progress, measuring.found.get(card.digest))

    def _show(self, card: ModelCard) -> None:
        motion = self._ui.explorer.motion
        for tag, name, playing in (("drift", "Drift", motion.drifting), ("spin", "Spin", motion.spinning)):
            label = f"{icons.PAUSE}  {name}" if playing else f"{icons.PLAY}  {name}"
            dpg.configure_item(f"transform.{tag}", label=label)
        dpg.configure_item("transform.nearly", show=not card.has_transform)
        dpg.set_value(
            "transform.nearly",
            f"This model cannot move its input; its {card.moved_px}² features are moved instead, and finer texture "
            "sticks to the pixels.",
        )

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _build_place(self) -> None:
        ui, bind = self._ui, self._ui.bind
        half = ui.px(148)
        with dpg.group(horizontal=True):
            bind.slider(
                "transform.x",
                "Move",
                lambda scene: scene.transform.x,
                lambda scene, x: edits.set_offset(scene, x, scene.transform.y),
                (-1.0, 1.0),
                f"To the right, in the picture's shorter side. Ctrl+drag on it moves it with the mouse. {TYPE_IT}",
                width=half,
                format="right  %.3f",
                address="transform/x",
            )
            bind.slider(
                "transform.y",
                "Move",
                lambda scene: scene.transform.y,
                lambda scene, y: edits.set_offset(scene, scene.transform.x, y),
                (-1.0, 1.0),
                f"Down, in the picture's shorter side. Ctrl+drag on the picture moves it with the mouse. {TYPE_IT}",
                format="down  %.3f",
                address="transform/y",
            )
        bind.slider(
            "transform.rotation",
            "Turn",
            lambda scene: scene.transform.rotation,
            edits.set_rotation,
            (-180.0, 180.0),
            "Clockwise. Drag the ring around the picture, with Shift in steps of 15°; a double-click on it straightens "
            f"the picture. {TYPE_IT}",
            format="rotation  %.1f°",
            address="transform/rotation",
        )
        with dpg.group(horizontal=True):
            bind.slider(
                "transform.scale",
                "Scale",
                lambda scene: scene.transform.scale,
                edits.set_scale,
                (0.2, 3.0),
                f"Above 1 the picture is larger, below 1 more comes into sight. Ctrl+wheel on the picture. {TYPE_IT}",
                width=half,
                format="scale  %.2f",
                address="transform/scale",
            )
            bind.slider(
                "transform.shear",
                "Shear",
                lambda scene: scene.transform.shear,
                edits.set_shear,
                (-1.0, 1.0),
                f"Slants the picture: its foot to the right, its head to the left. {TYPE_IT}",
                format="shear  %.2f",
                address="transform/shear",
            )
        with dpg.group(horizontal=True):
            bind.checkbox(
                "transform.mirror",
                "Mirror",
                lambda scene: scene.transform.mirror,
                edits.set_mirror,
                "mirror",
                "Left and right change places. Key: M",
            )
            bind.checkbox(
                "transform.untransform",
                "Untransform",
                lambda scene: scene.transform.untransform,
                edits.set_untransform,
                "untransform",
                "Moves the finished picture back: what then swims over the face sticks to the pixels. Key: U",
            )
            dpg.add_button(label="Reset", tag="transform.reset", width=-1, callback=self.reset)
            tooltip("transform.reset", "The picture where the model puts it. Ctrl+0")

    def _build_motion(self) -> None:
        ui, motion = self._ui, self._ui.explorer.motion
        button, slider = ui.px(84), ui.px(104)
        with dpg.group(horizontal=True):
            dpg.add_button(label=f"{icons.PLAY}  Drift", tag="transform.drift", width=button, callback=self.drift)
            tooltip("transform.drift", "The picture drifts to and fro at a steady rate. Key: D")
            dpg.add_slider_float(
                tag="transform.direction",
                width=slider,
                min_value=0,
                max_value=360,
                default_value=motion.direction,
                format="towards  %.0f°",
                callback=self._set_direction,
            )
            tooltip("transform.direction", f"Where the drift begins to: 0° is to the right, 90° up. {TYPE_IT}")
            dpg.add_slider_float(
                tag="transform.speed",
                width=-1,
                min_value=SPEED_LIMITS[0],
                max_value=SPEED_LIMITS[1],
                default_value=motion.speed,
                format="%.2f / s",
                callback=self._set_speed,
            )
            tooltip("transform.speed", f"How fast it drifts, in picture widths a second. {TYPE_IT}")
        with dpg.group(horizontal=True):
            dpg.add_button(label=f"{icons.PLAY}  Spin", tag="transform.spin", width=button, callback=self.spin)
            tooltip("transform.spin", "The picture turns at a steady rate. Key: S")
            dpg.add_slider_float(
                tag="transform.spin_speed",
                width=-1,
                min_value=SPIN_LIMITS[0],
                max_value=SPIN_LIMITS[1],
                default_value=motion.spin,
                format="%.0f° a second",
                callback=self._set_spin,
            )
            tooltip("transform.spin_speed", f"Above 0 it turns clockwise. {TYPE_IT}")

    def _build_measuring(self) -> None:
        label = f"{icons.GAUGE}  Measure equivariance"
        dpg.add_button(label=label, tag="transform.measure", width=-1, callback=self._measure)
        tooltip("transform.measure", f"{MEANS} From {PICTURES} pictures; the window goes on meanwhile.")
        with dpg.group(horizontal=True, tag="transform.measuring", show=False):
            dpg.add_progress_bar(tag="transform.progress", width=-self._ui.px(78))
            dpg.add_button(label="Cancel", tag="transform.cancel", width=-1, callback=self._cancel)
        dpg.add_text("", tag="transform.measured", show=False)
        tooltip("transform.measured", MEANS)

    # -- what keys call too --------------------------------------------------------------------------------------------

    def drift(self) -> None:
        """Begin or end the drift."""
        motion = self._ui.explorer.motion
        motion.drift(not motion.drifting)

    def spin(self) -> None:
        """Begin or end the spin."""
        motion = self._ui.explorer.motion
        motion.turn(not motion.spinning)

    def reset(self) -> None:
        """Everything still, and where the model puts it."""
        self._ui.explorer.motion.stop()
        self._ui.explorer.do("Reset transform", edits.reset_transform)

    def _measure(self) -> None:
        explorer = self._ui.explorer
        explorer.measuring.begin(explorer.scene.model)

    def _cancel(self) -> None:
        self._ui.explorer.measuring.cancel()

    def _show_measured(self, progress: float | None, found: Equivariance | None) -> None:
        dpg.configure_item("transform.measure", show=progress is None)
        dpg.configure_item("transform.measuring", show=progress is not None)
        if progress is not None:
            dpg.set_value("transform.progress", progress)
            dpg.configure_item("transform.progress", overlay=f"{progress:.0%}")
        dpg.configure_item("transform.measured", show=found is not None)
        if found is not None:
            dpg.set_value("transform.measured", words(found))

    def _set_direction(self, sender: Any, degrees: float) -> None:
        del sender
        self._ui.explorer.motion.direction = degrees

    def _set_speed(self, sender: Any, speed: float) -> None:
        del sender
        self._ui.explorer.motion.speed = min(max(speed, SPEED_LIMITS[0]), SPEED_LIMITS[1])

    def _set_spin(self, sender: Any, spin: float) -> None:
        del sender
        self._ui.explorer.motion.spin = min(max(spin, SPIN_LIMITS[0]), SPIN_LIMITS[1])
