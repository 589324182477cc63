"""The performance panel: what takes how long, on what device and in how much memory, and how pictures are shown."""

import time
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.memory import MIB
from stylegan_core.models import Kept, devices, half_name
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.ui import Ui

STAGES = ("map", "synthesis", "develop")
UPDATE_HZ = 5.0  # figures that change faster cannot be read
LISTED = 5  # models that are listed one by one
LIMITS = {
    "models_mib": (
        "models",
        "Memory for models. Those not used for longest make room for others, and are read from their files when they "
        "are wanted again. The model that is shown always stays. An empty limit is a quarter of the memory there is.",
    ),
    "steps_mib": (
        "pictures",
        "Memory for what pictures are made from on the way. What is kept is not computed again: fine edits, going "
        "back, and pinned pictures come quicker. An empty limit is a sixteenth of the memory there is.",
    ),
}


def listed(models: tuple[Kept, ...]) -> str:
    """The models in memory, a line each: name, MiB, and whether it is shown."""
    lines = [f"  {_cut(kept.model.card.name, 12):<12}{_mib(kept.num_bytes)}" for kept in models[:LISTED]]
    lines = [line + " shown" * kept.held for line, kept in zip(lines, models, strict=False)]
    if more := models[LISTED:]:
        lines.append(f"  {f'{len(more)} more':<12}{_mib(sum(kept.num_bytes for kept in more))}")
    return "\n".join(lines)


def _cut(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _mib(size: int) -> str:
    return f"{size / MIB:6.0f}"


class PerformancePanel:
    """See the module."""

    title, key = f"{icons.GAUGE}  Performance", "performance"

    def __init__(self, ui: Ui):
        self._ui = ui
        self.present_ms = 0.0
        self._updated_at = 0.0
        self._limits: dict[str, int] = {}  # in MiB, as the boxes were last given them

    def build(self) -> None:
        """Make its items."""
        explorer = self._ui.explorer
        with dpg.group(horizontal=True):
            dpg.add_combo(
                devices(),
                tag="performance.device",
                default_value=explorer.device,
                width=self._ui.px(90),
                callback=self._use_device,
            )
            tooltip("performance.device", "Where the network runs.")
            dpg.add_combo(
                ("float32",),
                tag="performance.precision",
                default_value="float32",
                width=-1,
                callback=self._use_precision,
            )
            tooltip(
                "performance.precision",
                "16 bits are quicker, with differences that are hard to see: float16 on a GPU, for models whose finer "
                "layers were trained for it; bfloat16 on a processor that has instructions for it.",
            )
        dpg.add_text("", tag="performance.figures")
        dpg.bind_item_font("performance.figures", self._ui.fonts.mono)
        dpg.add_text("", tag="performance.path", color=theme.DIM, wrap=self._ui.px(260))
        dpg.add_separator()
        self._build_memory()

    def _build_memory(self) -> None:
        with dpg.group(horizontal=True):
            self._mono("memory, MiB ", "performance.memory")
            dpg.add_button(label="Free now", tag="performance.free", width=-1, callback=self._ui.explorer.free_memory)
        tooltip("performance.free", "Give back all models but those shown, and all that pictures are made from.")
        self._mono("", "performance.used")
        tooltip("performance.used", "What this program has of the computer's memory, and of the GPU's if it is on one.")
        for field, (name, help) in LIMITS.items():
            self._build_limit(field, name, help)
            if field == "models_mib":
                self._mono("", "performance.models", theme.DIM)

    def _mono(self, text: str, tag: str, color: theme.Colour = theme.TEXT) -> None:
        """A text whose figures stand in columns."""
        dpg.add_text(text, tag=tag, color=color)
        dpg.bind_item_font(tag, self._ui.fonts.mono)

    def _build_limit(self, field: str, name: str, help: str) -> None:
        tag = f"performance.{field}"
        with dpg.group(horizontal=True):
            self._mono("", f"{tag}.used")
            dpg.add_input_text(tag=tag, width=-1, decimal=True, auto_select_all=True)
            dpg.bind_item_font(tag, self._ui.fonts.mono)
        tooltip(f"{tag}.used", help)
        tooltip(tag, help)
        with dpg.item_handler_registry() as leaving:  # only then: the first digit of a limit is no limit
            dpg.add_item_deactivated_after_edit_handler(callback=lambda: self._limit(field, dpg.get_value(tag)))
        dpg.bind_item_handler_registry(tag, leaving)

    def sync(self) -> None:
        """Show the newest figures, a few times a second."""
        now = time.perf_counter()
        if now - self._updated_at < 1 / UPDATE_HZ:
            return
        self._updated_at = now
        explorer, window = self._ui.explorer, self._ui.window
        self._show_precision()
        dpg.set_value("performance.device", explorer.device)
        lines = []
        shown = explorer.latest
        if shown is not None:
            timings = shown.frame.timings_ms
            lines += [f"{stage:<12}{timings.get(stage, 0.0):8.1f} ms" for stage in STAGES]
        lines.append(f"{'present':<12}{self.present_ms:8.1f} ms")
        lines.append(f"{'window':<12}{window.clock.fps:8.0f} frames/s")
        dpg.set_value("performance.figures", "\n".join(lines))
        dpg.set_value("performance.path", f"{window.presenter.path}\n{window.presenter.reason}")
        self._show_memory()

    def _show_precision(self) -> None:
        """What the device can compute with, and what it does."""
        explorer = self._ui.explorer
        small = half_name(explorer.device)
        names = ("float32", small) if small else ("float32",)
        dpg.configure_item("performance.precision", items=names, enabled=len(names) > 1)
        dpg.set_value("performance.precision", names[-1] if explorer.half else "float32")

    def _show_memory(self) -> None:
        memory = self._ui.explorer.memory
        lines = [f"{'program':<14}{_mib(memory.process_bytes)}"]
        if self._ui.explorer.device != "cpu":
            lines.append(f"{'GPU':<14}{_mib(memory.device_bytes)} of{_mib(memory.total_bytes)}")
        dpg.set_value("performance.used", "\n".join(lines))
        dpg.set_value("performance.models", listed(memory.models.kept()))
        for field, part in (("models_mib", memory.models), ("steps_mib", memory.steps)):
            tag, name = f"performance.{field}", LIMITS[field][0]
            dpg.set_value(f"{tag}.used", f"{name:<14}{_mib(part.num_bytes)} of")
            limit = part.limit_bytes // MIB
            # Only a new one: what has just been typed waits in the box for its callback.
            if limit != self._limits.get(field) and not dpg.is_item_active(tag):
                dpg.set_value(tag, str(limit))
                self._limits[field] = limit

    def _limit(self, field: str, text: str) -> None:
        self._limits.pop(field, None)
        if text == "" or text.isdecimal():
            self._ui.explorer.limit_memory(**{field: int(text) if text else None})

    def _use_device(self, sender: Any, device: str) -> None:
        del sender
        self._ui.explorer.use(device=device)

    def _use_precision(self, sender: Any, precision: str) -> None:
        del sender
        self._ui.explorer.use(half=precision != "float32")
