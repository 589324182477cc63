"""The small window that asks what kind of walk is to be generated."""

import dearpygui.dearpygui as dpg

from visualizer.generating import Kind
from widgets import icons, theme
from widgets.ui import Ui, centred

KINDS: dict[Kind, tuple[str, str]] = {
    "wander": ("Wander", "From one person to the next, at random."),
    "loop": ("Loop", "A closed way at a constant speed, measured by how much the picture changes."),
    "noise": ("Noise", "The same person, while the noise goes round in a circle."),
}
PEOPLE, SECONDS = (2, 64), (1.0, 3600.0)
SIZE = (360, 188)  # px at scale 1


class GenerateMenu:
    """See the module."""

    def __init__(self, ui: Ui):
        self._ui = ui

    def build(self) -> None:
        """Make it, not yet shown."""
        px = self._ui.px
        with dpg.window(
            label="Generate a walk",
            tag="generate",
            show=False,
            no_collapse=True,
            no_resize=True,
            width=px(SIZE[0]),
            height=px(SIZE[1]),
        ):
            dpg.add_radio_button(
                [words for words, _ in KINDS.values()], tag="generate.kind", default_value="Wander", horizontal=True
            )
            dpg.add_text("", tag="generate.words", color=theme.DIM, wrap=px(330))
            dpg.add_slider_int(
                tag="generate.count",
                min_value=PEOPLE[0],
                max_value=PEOPLE[1],
                default_value=6,
                width=-1,
                format="%d people",
            )
            dpg.add_drag_float(
                tag="generate.seconds",
                min_value=SECONDS[0],
                max_value=SECONDS[1],
                default_value=12.0,
                speed=0.1,
                width=-1,
                format="over %.1f s",
                clamped=True,
            )
            dpg.add_button(
                label=f"{icons.WAND}  Generate", tag="generate.go", width=-1, height=px(34), callback=self._go
            )

    def show(self) -> None:
        """Open it."""
        dpg.configure_item("generate", show=True, pos=centred(self._ui.px(SIZE[0]), self._ui.px(SIZE[1])))

    def close(self) -> None:
        """Close it."""
        dpg.configure_item("generate", show=False)

    def sync(self) -> None:
        """Once a frame: say what the chosen kind is."""
        if not dpg.is_item_shown("generate"):
            return
        words = KINDS[self._kind][1]
        if dpg.get_value("generate.words") != words:
            dpg.set_value("generate.words", words)
            dpg.configure_item("generate.count", show=self._kind != "noise")

    @property
    def _kind(self) -> Kind:
        chosen = dpg.get_value("generate.kind")
        return next(kind for kind, (word, _) in KINDS.items() if word == chosen)

    def _go(self) -> None:
        count, seconds = dpg.get_value("generate.count"), dpg.get_value("generate.seconds")
        self._ui.explorer.timeline.generate(self._kind, min(max(count, PEOPLE[0]), PEOPLE[1]), seconds)
        self.close()
