"""The timeline's buttons: playing, time and tempo, what is played, and where walks come from and go to."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.edits import walk as walks
from stylegan_core.walk import Walk
from visualizer.files import stamped
from visualizer.library import ASSETS
from widgets import icons, theme
from widgets.bind import tooltip
from widgets.compact import Compact
from widgets.timeline.area import Area
from widgets.timeline.generate import GenerateMenu
from widgets.timeline.scale import clock, read_clock
from widgets.timeline.walk import WalkWindow
from widgets.ui import Ui

GENERATE = f"{icons.WAND}  Generate"
ONE_LINE = 1290  # px at scale 1: with less room the buttons stand in two lines
RATES = ("-1 ×", "0.25 ×", "0.5 ×", "1 ×", "2 ×", "4 ×")
HOW = ("Once", "Repeat", "To and fro")
SPACES = {"w": "People in w", "z": "People in z"}


class Transport:
    """See the module."""

    def __init__(self, ui: Ui, area: Area, browse: Callable[[], None], export: Callable[[], None]):
        self._ui, self._area, self._browse, self._export = ui, area, browse, export
        self._timeline = ui.explorer.timeline
        self._generate, self._whole = GenerateMenu(ui), WalkWindow(ui)
        self._compact = Compact("timeline.bars")
        self._seen: dict[str, object] = {}

    # -- items ---------------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make its items in the container that is open."""
        with dpg.theme() as self._lit, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Button, theme.ACCENT_DARK)
        with dpg.group(tag="timeline.bars", horizontal=True):
            with dpg.group(horizontal=True, horizontal_spacing=self._ui.px(4)):
                self._build_playing()
            with dpg.group(horizontal=True, horizontal_spacing=self._ui.px(4)):
                self._build_walk()
        self._generate.build()
        self._whole.build()
        with dpg.window(popup=True, show=False, tag="timeline.walks", autosize=True):
            for number, path in enumerate(sorted((ASSETS / "walks").glob("*.json"))):
                self._walk_entry(f"demo.{number}", f"Demo: {path.stem.replace('-', ' ')}", partial(self._open, path))
            dpg.add_separator()
            self._walk_entry("file", f"{icons.FOLDER_OPEN}  A file…", self._browse)

    def _walk_entry(self, key: str, label: str, action: Callable[[], None]) -> None:
        width = self._ui.px(200)
        dpg.add_selectable(label=label, tag=f"timeline.walks.{key}", width=width, callback=lambda: action())

    def _open(self, path: Path) -> None:
        self._ui.explorer.open_file(path)

    def _button(self, key: str, label: str, help: str, action: Callable[[], Any]) -> None:
        dpg.add_button(label=label, tag=f"timeline.{key}", callback=lambda: action())
        tooltip(f"timeline.{key}", help)

    def _gap(self) -> None:
        dpg.add_spacer(width=self._ui.px(6))

    def _build_playing(self) -> None:
        button, px = self._button, self._ui.px
        button("start", icons.SKIP_BACK, "To the in point. Home", self.to_start)
        button("previous", icons.STEP_BACK, "To the key before. Key: ,", lambda: self.step(-1))
        button("play", icons.PLAY, "Play, or pause. Key: K", self.play)
        button("next", icons.STEP_FORWARD, "To the next key. Key: .", lambda: self.step(1))
        self._gap()
        dpg.add_combo(HOW, tag="timeline.how", width=px(88), no_arrow_button=True, callback=self._set_how)
        tooltip("timeline.how", "What comes after the end. A loop goes on by itself.")
        dpg.add_combo(
            RATES, tag="timeline.rate", default_value="1 ×", width=px(62), no_arrow_button=True, callback=self._set_rate
        )
        tooltip("timeline.rate", "How quickly it plays, and which way. Exports are not changed by it.")
        button("loop", f"{icons.REPEAT}  Loop", "The last key leads to the first one, without a jump.", self._loop)
        button("in", icons.IN_POINT, "Play and export from here. Key: I. Again: from the begin.", self.set_in)
        button("out", icons.OUT_POINT, "Play and export up to here. Key: O. Again: to the end.", self.set_out)
        self._gap()
        self._time("time", px(76), "Where the playhead is. Type a time to go there.", self._seek)
        dpg.add_text("of", color=theme.DIM)
        self._time("duration", px(76), "How long the walk is. Type another length.", self._set_duration)

    def _build_walk(self) -> None:
        button, px = self._button, self._ui.px
        button("add", f"{icons.ADD_KEY}  Add key", "The picture shown, as a key at the playhead. Ctrl+K", self.add_key)
        self._gap()
        dpg.add_drag_float(
            tag="timeline.bpm",
            width=px(82),
            min_value=walks.BPM_RANGE[0],
            max_value=walks.BPM_RANGE[1],
            clamped=True,
            speed=0.2,
            format="%.1f bpm",
            callback=lambda _, value: self._timeline.store.edit("Tempo", walks.set_tempo, value),
        )
        tooltip("timeline.bpm", "The tempo that the ruler's beats have. Drag, or Ctrl+click to type it.")
        with dpg.item_handler_registry() as settling:
            dpg.add_item_deactivated_handler(callback=lambda: self._timeline.store.settle())
        dpg.bind_item_handler_registry("timeline.bpm", settling)
        button("tap", "Tap", "Tap the tempo: click on every beat.", self._tap)
        button("snap", icons.MAGNET, "Keys, points and takes snap to beats.", self._snap)
        self._gap()
        dpg.add_combo(
            list(SPACES.values()), tag="timeline.latents", width=px(104), no_arrow_button=True, callback=self._set_space
        )
        tooltip(
            "timeline.latents",
            "How people become one another: in a straight line or a spline through w, or on the sphere of z.",
        )
        self._gap()
        button("generate", GENERATE, "A walk of people who do not exist, or of noise.", self.show_generate)
        button("whole", icons.SLIDERS, "Name, sound, speed and order of the whole walk.", self._whole.show)
        button("new", icons.FILE_PLUS, "An empty walk. Ctrl+Z brings this one back.", self._timeline.new)
        button("open", icons.FOLDER_OPEN, "Open a walk, or a video that StyleScope made.", self.show_open)
        button("save", icons.SAVE, "Save the walk as a file, beside the pictures.", self._save)
        button("export", f"{icons.CLAPPERBOARD}  Export", "The walk as a video or as pictures. Ctrl+E", self._export)

    def _time(self, key: str, width: int, help: str, take: Callable[[float], None]) -> None:
        """A box for a time; it counts when Enter is pressed or the box is left."""
        tag = f"timeline.{key}"
        dpg.add_input_text(tag=tag, width=width, auto_select_all=True, on_enter=True, callback=lambda: read())
        tooltip(tag, help)

        def read() -> None:
            time_s = read_clock(dpg.get_value(tag))
            self._seen.pop(tag, None)  # what was typed gives way to what it came to
            if time_s is None:
                self._ui.explorer.say("That is no time: type seconds (4.5) or minutes and seconds (1:04.5).", "error")
            else:
                take(time_s)

        with dpg.item_handler_registry() as leaving:
            dpg.add_item_deactivated_after_edit_handler(callback=read)
        dpg.bind_item_handler_registry(tag, leaving)

    # -- each frame ----------------------------------------------------------------------------------------------------

    def sync(self, width: int) -> None:
        """Once a frame: follow the timeline, in so many px."""
        timeline, walk = self._timeline, self._timeline.walk
        playing = timeline.playing != "no"
        if self._differs("bars", one := width >= self._ui.px(ONE_LINE)):
            dpg.configure_item("timeline.bars", horizontal=one)
        elif not one:
            self._compact.sync(width)
        share = timeline.generating
        if self._differs("generate", words := GENERATE if share is None else f"{icons.CLOSE}  {share:.0%}"):
            dpg.configure_item("timeline.generate", label=words)
        if self._differs("play", playing):
            dpg.configure_item("timeline.play", label=icons.PAUSE if playing else icons.PLAY)
        for key, on in (
            ("loop", walk.loop),
            ("in", walk.first_s > 0),
            ("out", walk.last_s is not None),
            ("snap", timeline.snapping),
        ):
            if self._differs(key, on):
                dpg.bind_item_theme(f"timeline.{key}", self._lit if on else 0)
        self._show("time", clock(timeline.position_s))
        self._show("duration", clock(walk.duration_s))
        self._show("bpm", walk.bpm)
        self._show("rate", f"{timeline.rate:g} ×")
        self._show("how", HOW[2] if timeline.pingpong else HOW[timeline.repeat or walk.loop])
        self._show("latents", SPACES[walk.latents])
        self._generate.sync()
        self._whole.sync()

    def _differs(self, key: str, value: object) -> bool:
        """Whether a value is another than it was when last asked for."""
        before = self._seen.get(key)
        self._seen[key] = value
        return before != value

    def _show(self, key: str, value: Any) -> None:
        """Give a control its value, unless a hand is on it."""
        tag = f"timeline.{key}"
        if not dpg.is_item_active(tag) and self._differs(tag, value):
            dpg.set_value(tag, value)

    # -- what they do; keys call some of it too ------------------------------------------------------------------------

    def play(self) -> None:
        """Play, or pause."""
        self._timeline.toggle()

    def to_start(self) -> None:
        """To where it plays from."""
        self._timeline.seek(self._timeline.walk.span[0])

    def step(self, way: int) -> None:
        """To the key before (-1) or after (1) the playhead."""
        if way < 0:
            self._timeline.previous_key()
        else:
            self._timeline.next_key()

    def add_key(self) -> None:
        """The Scene shown becomes a key at the playhead."""
        self._timeline.add_key()

    def set_in(self) -> None:
        """Play from the playhead; from the begin if it stands there already."""
        self._set_point("In point", walks.set_in, self._timeline.walk.first_s)

    def set_out(self) -> None:
        """Play up to the playhead; to the end if it stands there already."""
        self._set_point("Out point", walks.set_out, self._timeline.walk.last_s)

    def show_generate(self) -> None:
        """Ask what kind of walk; while a constant speed is looked for, leave that."""
        if self._timeline.generating is None:
            self._generate.show()
        else:
            self._timeline.cancel_generating()

    def close(self) -> None:
        """Close its small windows."""
        self._generate.close()
        self._whole.close()

    def show_open(self) -> None:
        """Offer demos, and files."""
        x, y = dpg.get_mouse_pos(local=False)
        dpg.configure_item("timeline.walks", show=True, pos=[int(x), int(y)])

    def _set_point(self, name: str, edit: Callable[[Walk, float | None], Walk], stands_at: float | None) -> None:
        at = self._timeline.position_s
        again = stands_at is not None and abs(stands_at - at) < 1e-3
        self._area.do(name, edit, None if again else at)

    def _seek(self, time_s: float) -> None:
        self._timeline.seek(time_s)

    def _set_duration(self, time_s: float) -> None:
        self._area.do("Length of the walk", walks.set_duration, time_s)

    def _set_rate(self, sender: Any, words: str) -> None:
        del sender
        self._timeline.rate = float(words.split()[0])

    def _set_space(self, sender: Any, words: str) -> None:
        del sender
        space = next(space for space, said in SPACES.items() if said == words)
        self._area.do("People in z or w", walks.set_latents, space)

    def _loop(self) -> None:
        self._area.do("Loop", walks.set_loop, not self._timeline.walk.loop)

    def _set_how(self, sender: Any, words: str) -> None:
        del sender
        self._timeline.repeat, self._timeline.pingpong = words == HOW[1], words == HOW[2]

    def _tap(self) -> None:
        self._timeline.tap_tempo(time.monotonic())

    def _snap(self) -> None:
        self._timeline.snapping = not self._timeline.snapping

    def _save(self) -> None:
        timeline = self._timeline
        timeline.save(timeline.file or self._ui.explorer.pictures / f"{stamped('walk')}.json")
