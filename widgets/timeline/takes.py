"""Takes: the button that records, the inspector of a take in the timeline, and what is asked about a take's file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.edits import tracks
from stylegan_core.take import TakeInfo
from stylegan_core.walk import LONGEST_S, Clip, Take, Walk
from visualizer.store import Store
from visualizer.timeline import Timeline
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.dialogs import question
from widgets.ui import Ui

IDLE = f"{icons.RECORD}  Record"
RECORD_WIDTH, ROW = 88, 34  # px at scale 1
WIDTHS = {"name": 110, "start": 78, "first": 86, "last": 86, "speed": 66, "smooth": 104}  # px at scale 1
ASKED_PX = 150  # height of a question at scale 1
RECORDING: theme.Colour = (163, 55, 50, 255)
EDITS: dict[str, Callable[..., Walk]] = {
    "name": tracks.set_clip_name,
    "start": tracks.set_clip_start,
    "first": tracks.set_clip_first,
    "last": tracks.set_clip_last,
    "speed": lambda walk, index, speed: tracks.set_clip_speed(walk, [index], speed),
    "smooth": lambda walk, index, smooth_s: tracks.set_clip_smooth(walk, [index], smooth_s),
}
LIMITS = {"speed": tracks.SPEED_RANGE, "smooth": tracks.SMOOTH_RANGE_S}
HELP = {
    "name": "What the take is called.",
    "start": "When it begins in the walk.",
    "first": "Trimmed: what was done before this time of the take is not seen.",
    "last": "Trimmed: what was done after this time of the take is not seen.",
    "speed": "Above 1 it is quicker than it was played, below 1 slower: 0.05 to 20.",
    "smooth": "Evens out a trembling hand: numbers are averaged over about so long a time of the take, 0 to 5 s.",
}


class RecordButton:
    """Begins and ends a take; while it runs, its time stands there."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._label = IDLE

    def build(self) -> None:
        """The button, in the tool bar that is open."""
        with dpg.theme() as self._idle, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Text, theme.ERROR)
        with dpg.theme() as self._lit, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Text, theme.TEXT)
            for target in (dpg.mvThemeCol_Button, dpg.mvThemeCol_ButtonHovered, dpg.mvThemeCol_ButtonActive):
                dpg.add_theme_color(target, RECORDING)
        dpg.add_button(
            label=IDLE, tag="bar.record", width=self._ui.px(RECORD_WIDTH), callback=self._ui.explorer.capturing.toggle
        )
        dpg.bind_item_theme("bar.record", self._idle)
        tooltip("bar.record", "Record what you do as a take, which comes into the timeline when it ends. F9")

    def sync(self) -> None:
        """Once a frame."""
        capturing = self._ui.explorer.capturing
        label = IDLE
        if capturing.recording:
            self._ui.window.stay_awake()
            minutes, seconds = divmod(int(capturing.seconds), 60)
            label = f"{icons.STOP}  {minutes}:{seconds:02d}"
        if label != self._label:
            self._label = label
            dpg.configure_item("bar.record", label=label)
            dpg.bind_item_theme("bar.record", self._lit if capturing.recording else self._idle)


class TakePanel:
    """The inspector of the one take that is selected in the timeline.

    Args:
        ui: the window.
        chosen: gives the selected clip's index among the walk's, or None where it is not one alone.
    """

    def __init__(self, ui: Ui, chosen: Callable[[], int | None]):
        self._ui, self._chosen = ui, chosen
        self._index: int | None = None
        self._shown: dict[str, Any] = {}

    def build(self) -> None:
        """Make its items in the container that is open; nothing is seen of them while no take is selected."""
        px = self._ui.px
        with dpg.group(tag="take", horizontal=True, horizontal_spacing=px(4), show=False):
            dpg.add_input_text(tag="take.name", width=px(WIDTHS["name"]), callback=self._posting("Name take"))
            self._number("start", "at %.2f s", 0.02, "Move take")
            self._number("first", "from %.2f s", 0.02, "Trim take")
            self._number("last", "to %.2f s", 0.02, "Trim take")
            self._number("speed", "%.2f ×", 0.005, "Speed of a take")
            self._number("smooth", "smooth %.2f s", 0.005, "Smooth take")
            for key, label, help, action in (
                ("enabled", icons.EYE, "Whether the take is seen; what lies under it otherwise.", self._enable),
                ("export", icons.SAVE, "Save the take to a file of its own, beside the pictures.", self._export),
                ("delete", icons.TRASH, "Take it out of the walk; its file stays.", self._delete),
            ):
                dpg.add_button(label=label, tag=f"take.{key}", callback=action)
                tooltip(f"take.{key}", help)
        with dpg.item_handler_registry() as settling:
            dpg.add_item_deactivated_handler(callback=lambda: self._store.settle())
        for field, help in HELP.items():
            dpg.bind_item_handler_registry(f"take.{field}", settling)
            tooltip(f"take.{field}", help)

    def sync(self) -> None:
        """Once a frame: show the selected take as the walk has it, but for what a hand is on."""
        walk, index = self._timeline.walk, self._chosen()
        if index is not None and not 0 <= index < len(walk.clips):
            index = None
        if (index is None) != (self._index is None):
            dpg.configure_item("take", show=index is not None)
        if index != self._index:
            self._index, self._shown = index, {}
        if index is None:
            return
        for field, value in values(walk.clips[index]).items():
            tag = f"take.{field}"
            if self._shown.get(field) != value and not dpg.is_item_active(tag):
                self._shown[field] = value
                if field == "enabled":
                    dpg.configure_item(tag, label=icons.EYE if value else icons.EYE_OFF)
                else:
                    dpg.set_value(tag, value)

    @property
    def height(self) -> int:
        """Px that it takes now."""
        return 0 if self._index is None else self._ui.px(ROW)

    @property
    def _timeline(self) -> Timeline:
        return self._ui.explorer.timeline

    @property
    def _store(self) -> Store[Walk]:
        return self._timeline.store

    def _number(self, field: str, format: str, speed: float, name: str) -> None:
        low, high = LIMITS.get(field, (0.0, LONGEST_S))
        dpg.add_drag_float(
            tag=f"take.{field}",
            width=self._ui.px(WIDTHS[field]),
            speed=speed,
            min_value=low,
            max_value=high,
            clamped=True,
            format=format,
            callback=self._posting(name),
        )

    def _posting(self, name: str) -> Callable[..., None]:
        def post(sender: Any, value: Any) -> None:
            field = str(dpg.get_item_alias(sender)).removeprefix("take.")
            if self._index is not None:
                self._shown.pop(field, None)  # what the walk makes of it may differ
                self._store.edit(name, EDITS[field], self._index, value)

        return post

    def _enable(self) -> None:
        if self._index is not None:
            seen = self._timeline.walk.clips[self._index].enabled
            self._store.do("Mute take" if seen else "Show take", tracks.enable_clips, [self._index], not seen)

    def _delete(self) -> None:
        if self._index is not None:
            self._store.do("Delete take", tracks.delete_clips, [self._index])

    def _export(self) -> None:
        if self._index is not None:
            explorer = self._ui.explorer
            explorer.capturing.save(self._timeline.walk.clips[self._index].take, explorer.pictures)


def values(clip: Clip) -> dict[str, Any]:
    """What the inspector shows of a clip; times in seconds."""
    whole = clip.take.duration_s
    return {
        "name": clip.take.name,
        "start": clip.start_s,
        "first": clip.first_s,
        "last": whole if clip.last_s is None else min(clip.last_s, whole),
        "speed": clip.speed,
        "smooth": clip.smooth_s,
        "enabled": clip.enabled,
    }


class TakeOffers:
    """Asks what to do with a take that a crash left behind, and with one that the disk would not have."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self._asked: object = None  # what is asked about now

    def sync(self) -> None:
        """Once a frame: ask about one take at a time, after the session that crashed along with it."""
        explorer = self._ui.explorer
        waiting: tuple[TakeInfo | Take, ...] = (*explorer.capturing.offers, *explorer.capturing.unsaved)
        alone = explorer.crashed_session is None and not dpg.does_item_exist("restore")
        wanted = waiting[0] if waiting and alone else None
        if wanted is self._asked:
            return
        self._asked = wanted
        if dpg.does_item_exist("takes"):
            dpg.delete_item("takes")
        if isinstance(wanted, TakeInfo):
            self._ask_about_left(wanted)
        elif wanted is not None:
            self._ask_about_unsaved(wanted)

    def _ask_about_left(self, info: TakeInfo) -> None:
        capturing = self._ui.explorer.capturing
        length = f"{info.seconds:.0f} s" if info.seconds < 100 else f"{info.seconds / 60:.1f} min"
        text = (
            f"Restore the take of {info.made:%H:%M}, {length}? It was being recorded when StyleScope ended as it "
            "should not. Its file stays where it is either way."
        )
        with question(self._ui, "takes", "Restore a take?", text, ASKED_PX), dpg.group(horizontal=True):
            dpg.add_button(label="Restore it", tag="takes.yes", callback=lambda: capturing.answer(True))
            dpg.add_button(label="Leave it", tag="takes.no", callback=lambda: capturing.answer(False))

    def _ask_about_unsaved(self, take: Take) -> None:
        capturing = self._ui.explorer.capturing
        text = (
            f"{take.name} ({take.duration_s:.0f} s) is in the timeline, but its file could not be written. "
            "Save it to another folder:"
        )
        with question(self._ui, "takes", "Save the take elsewhere?", text, ASKED_PX):
            dpg.add_input_text(tag="takes.folder", default_value=str(Path.home()), width=-1)
            with dpg.group(horizontal=True):
                dpg.add_button(label="Save it there", tag="takes.save", callback=lambda: self._save(take))
                dpg.add_button(label="Leave it", tag="takes.leave", callback=capturing.let_go)

    def _save(self, take: Take) -> None:
        self._ui.explorer.capturing.save(take, Path(dpg.get_value("takes.folder")).expanduser())
