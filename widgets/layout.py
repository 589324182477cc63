"""The window's arrangement: tool bar, panels left and right, the canvas between them, a status line."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import dearpygui.dearpygui as dpg

from stylegan_core.card import ModelCard
from visualizer.explorer import Explorer
from visualizer.window import Window
from visualizer.worker import Shown
from widgets import icons, theme
from widgets.bind import Binder, tooltip
from widgets.canvas import Canvas
from widgets.capture import CapturePanel
from widgets.compact import Compact
from widgets.dialogs import HelpWindow, RestoreOffer
from widgets.export.window import ExportWindow
from widgets.grid.view import GridView
from widgets.history import HistoryPanel
from widgets.inspector.view import LayersView
from widgets.keyboard import Keyboard
from widgets.keys import shortcut_table
from widgets.latent import LatentPanel
from widgets.mixing import MixingPanel
from widgets.model import ModelPanel
from widgets.needs import NEEDS, able, useless
from widgets.noise.panel import NoisePanel
from widgets.noise.view import NoisesView
from widgets.output import OutputPanel
from widgets.performance import PerformancePanel
from widgets.preparing.window import PrepareWindow
from widgets.shortcuts import Shortcuts
from widgets.signals.panel import SignalsPanel
from widgets.timeline.dock import TimelineDock
from widgets.timeline.takes import RecordButton, TakeOffers
from widgets.training.time_strip import HEIGHT as TRAINING_TIME
from widgets.training.time_strip import TrainingTimeStrip
from widgets.training.view import TrainingView
from widgets.transform import TransformPanel
from widgets.truncation.panel import TruncationPanel
from widgets.truncation.view import TruncationView
from widgets.ui import Panel, Ui
from widgets.view import ViewPanel
from widgets.views import Views

BAR, STATUS, SPLITTER = 36, 26, 8  # heights and width in px
COLUMN_LIMITS = (220, 640)
LEAST_CANVAS = 160  # px at scale 1 that the timeline leaves above it
NOTICE_S = 8.0
HINT = "drag: wander   wheel: zoom   right-drag: pan   space: someone new   F1: all keys"
HINT_MOVES = (
    "drag: wander   ctrl+drag: move   ring: turn   ctrl+wheel: scale   wheel: zoom   right-drag: pan   F1: all keys"
)


class Layout:
    """All panels, and the frame around them."""

    def __init__(self, explorer: Explorer, window: Window):
        self._explorer, self._window = explorer, window
        self._columns = {"left": explorer.session.layout.left, "right": explorer.session.layout.right}
        self._away = set(explorer.session.layout.away)  # columns that are put away
        self._dragging: str | None = None
        self._closed = list(explorer.session.layout.closed)
        self._notice: object = None
        self._card: ModelCard | None = None  # that the panels suit
        self._useless: frozenset[str] = frozenset()  # keys of panels that it has no use for
        self._arranged = bool(explorer.session.scene.model.path)  # somebody has been here and left panels as they like
        self._sizes: dict[str, tuple[int, ...]] = {}
        self._mouse: list[float] = []
        self._middle = 0  # px between the columns
        self._bottom = 0  # px: where columns and dock end
        self._bar = Compact("bar", but=("bar.record",))
        self._divided = True  # whether a view stands beside the picture

    def build(self) -> None:
        """Make everything, once."""
        scale = self._window.scale
        theme.bind_theme(scale)
        fonts = theme.load_fonts(scale)
        self._ui = ui = Ui(
            self._explorer,
            self._window,
            Binder(self._explorer),
            Keyboard(lambda: self._model.browser.open),
            fonts,
            scale,
        )
        self._canvas = Canvas(ui)
        self._model = ModelPanel(ui)
        self._performance = PerformancePanel(ui)
        self._preparing = PrepareWindow(ui, self._model.browser)
        self._capture = CapturePanel(ui, self._preparing.show)
        self._transform = TransformPanel(ui)
        self._signals = SignalsPanel(ui, self._model.browser)
        self._left: tuple[Panel, ...] = (
            self._model,
            LatentPanel(ui),
            self._transform,
            TruncationPanel(ui),
            MixingPanel(ui),
            NoisePanel(ui),
        )
        self._right: tuple[Panel, ...] = (
            ViewPanel(ui, self._canvas),
            self._signals,
            self._capture,
            HistoryPanel(ui),
            OutputPanel(ui),
            self._performance,
        )
        self._training = TrainingView(ui, self._model.browser, self._preparing)
        grid = GridView(ui, self._model.browser)
        self._views = Views(ui, (grid, LayersView(ui), NoisesView(ui), TruncationView(ui), self._training))
        self._preparing.on_ready = self._learn_from
        self._restore = RestoreOffer(ui)
        self._record, self._takes = RecordButton(ui), TakeOffers(ui)
        self._export = ExportWindow(ui)
        self._training_time = TrainingTimeStrip(ui)
        self._timeline = TimelineDock(ui, self._browse, self._export.toggle)
        with dpg.window(tag="main", no_scrollbar=True, no_scroll_with_mouse=True):
            self._build_bar()
            with dpg.group(horizontal=True, horizontal_spacing=0):
                self._build_column("left", self._left)
                self._build_splitter("left")
                with dpg.child_window(tag="middle", no_scrollbar=True, no_scroll_with_mouse=True):
                    self._canvas.build()
                self._build_splitter("views")
                with dpg.child_window(tag="views", no_scrollbar=True, no_scroll_with_mouse=True):
                    self._views.build()
                self._build_splitter("right")
                self._build_column("right", self._right)
                dpg.add_spacer(tag="row.height")  # where both columns are away, what is below stays where it is
            with dpg.child_window(tag="snapshots", no_scrollbar=True, no_scroll_with_mouse=True, show=False):
                self._training_time.build()
            self._build_splitter("timeline")
            with dpg.child_window(tag="timeline", no_scrollbar=True, no_scroll_with_mouse=True):
                self._timeline.build()
            with dpg.group(horizontal=True):
                dpg.add_text("", tag="status.notice")
                dpg.add_text(HINT, tag="status.hint", color=theme.DIM)
            ui.keyboard.build()
        dpg.set_primary_window("main", True)
        self._style_middle()
        table = shortcut_table(
            self._explorer,
            self._window.output,
            self._canvas,
            self._capture,
            self._transform,
            self._views,
            self._timeline,
            self._put_away,
            self._browse,
            self._export.toggle,
            self._show_help,
            self._escape,
        )
        self._shortcuts = Shortcuts(table, ui.keyboard, partial(able, self._explorer))
        self._shortcuts.build()
        self._help = HelpWindow(ui, self._shortcuts.table)

    def sync(self) -> None:
        """Once a frame."""
        mouse = dpg.get_mouse_pos(local=False)
        if mouse != self._mouse:
            self._mouse = mouse
            self._window.stay_awake()
        self._timeline.follow()
        self._drag_splitters()
        self._arrange()
        self._ui.bind.sync()
        self._ui.keyboard.sync()
        self._suit_model()
        if self._explorer.motion.playing:
            self._window.stay_awake()
        self._offer_ring()
        self._signals.follow()
        closed = []
        for panel in (*self._left, *self._right):
            if not dpg.get_value(f"panel.{panel.key}"):
                closed.append(panel.key)
            elif panel.key not in self._useless:
                panel.sync()
        if closed != self._closed:
            self._closed = closed
            self._explorer.arrange(closed=tuple(closed))
        self._model.browser.sync()
        self._restore.sync()
        self._takes.sync()
        self._record.sync()
        self._export.sync()
        self._preparing.sync()
        self._canvas.view.flip = dpg.is_key_down(dpg.mvKey_C) and not self._ui.keyboard.typing()
        self._show_status()

    def present(self, shown: Shown) -> None:
        """A new picture is there."""
        started = time.perf_counter()
        self._canvas.present(shown)
        self._performance.present_ms = (time.perf_counter() - started) * 1e3

    def _suit_model(self) -> None:
        """Show the panels that are of use to the open model; where its input moves, that is the one to begin with."""
        card = self._explorer.card
        if card is self._card or card is None:
            return
        known = self._arranged if self._card is None else self._card.has_transform == card.has_transform
        if not known:
            dpg.set_value("panel.transform", card.has_transform)
        self._card = card
        self._useless = useless(card)
        for key in NEEDS:
            dpg.configure_item(f"panel.{key}", show=key not in self._useless)

    def _offer_ring(self) -> None:
        """While the transform panel is unfolded the ring is there, and the status line tells of it."""
        movable = self._card is not None and "transform" not in self._useless
        ring = movable and bool(dpg.get_value("panel.transform"))
        if ring != self._canvas.show_ring:
            self._canvas.show_ring = ring
            dpg.set_value("status.hint", HINT_MOVES if ring else HINT)

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _build_bar(self) -> None:
        explorer = self._explorer
        buttons = (
            ("bar.open", f"{icons.FOLDER_OPEN}  Open", "Open a model, picture, walk or session. Ctrl+O", self._browse),
            ("bar.save", f"{icons.CAMERA}  Save picture", "Save the picture with its Scene inside. Ctrl+S", self._save),
            ("bar.undo", icons.UNDO, "Undo. Ctrl+Z", explorer.undo),
            ("bar.redo", icons.REDO, "Redo. Ctrl+Shift+Z", explorer.redo),
            ("bar.new", f"{icons.DICE}  Someone new", "A person who does not exist. Space", explorer.random_person),
            ("bar.pin", f"{icons.PIN}  Pin", "Keep this picture as a favourite. P", explorer.pin),
            ("bar.help", f"{icons.KEYBOARD}  Keys", "All keys. F1", self._show_help),
        )
        with dpg.group(horizontal=True, tag="bar"):
            for tag, label, help, action in buttons:
                dpg.add_button(label=label, tag=tag, callback=action)
                tooltip(tag, help)
            self._export.build_button()
            dpg.add_spacer(width=self._ui.px(16))
            self._views.build_buttons()
            self._timeline.build_button()
            self._record.build()
            dpg.add_spacer(width=self._ui.px(16))
            for side, icon, key in (("left", icons.PANEL_LEFT, "F6"), ("right", icons.PANEL_RIGHT, "F7")):
                tag = f"bar.{side}"
                dpg.add_button(label=icon, tag=tag, user_data=side, callback=lambda _, __, side: self._put_away(side))
                tooltip(tag, f"Put the {side} column away, or bring it back. {key}")

    def _build_column(self, side: str, panels: tuple[Panel, ...]) -> None:
        with dpg.child_window(tag=f"column.{side}", always_use_window_padding=True):
            for panel in panels:
                tag = f"panel.{panel.key}"
                with dpg.collapsing_header(label=panel.title, tag=tag, default_open=panel.key not in self._closed):
                    dpg.bind_item_font(tag, self._ui.fonts.title)
                    with dpg.group(tag=f"{tag}.body"):
                        panel.build()
                    dpg.bind_item_font(f"{tag}.body", self._ui.fonts.regular)
                    dpg.add_spacer(height=self._ui.px(6))

    def _style_middle(self) -> None:
        with dpg.theme() as bare, dpg.theme_component(dpg.mvChildWindow):
            dpg.add_theme_color(dpg.mvThemeCol_ChildBg, theme.CANVAS)
            dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, 0, 0)
        dpg.bind_item_theme("middle", bare)

    # -- actions -------------------------------------------------------------------------------------------------------

    def _browse(self) -> None:
        self._model.browser.show()

    def _learn_from(self, path: Path) -> None:
        self._views.show(self._training.key)
        self._training.learn_from(path)

    def _save(self) -> None:
        self._explorer.capture()

    def _show_help(self) -> None:
        self._help.show()

    def _escape(self) -> None:
        self._model.browser.close()
        self._help.close()
        self._signals.stop_learning()
        self._export.close()
        self._training.escape()
        self._preparing.close()
        self._timeline.transport.close()
        self._window.output.escape()

    def _put_away(self, side: str) -> None:
        """Put a column away, or bring it back: large tools want room."""
        self._away ^= {side}
        self._explorer.arrange(away=tuple(sorted(self._away)))

    # -- each frame ----------------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Give columns and canvas their sizes, where they changed."""
        px = self._ui.px
        viewport = dpg.get_viewport_configuration("")
        width, height = viewport["client_width"], viewport["client_height"]
        self._bar.sync(width - 2 * px(8))
        room = max(height - px(BAR + STATUS + 22), 50)
        left, right = (0 if side in self._away else px(wide) for side, wide in self._columns.items())
        splitter = px(SPLITTER)
        self._middle = middle = max(
            width - left - right - (len(self._columns) - len(self._away)) * splitter - 2 * px(8), 50
        )
        strip = px(TRAINING_TIME) + splitter if self._training_time.shown else 0
        dock = min(px(self._timeline.height), room - strip - px(LEAST_CANVAS)) if self._timeline.shown else 0
        upper = room - strip - (dock + splitter if dock else 0)
        views = self._views.width(middle - splitter)
        canvas = middle - views - splitter if views else middle
        columns = (("column.left", max(left, 1), room), ("column.right", max(right, 1), room))
        edges = tuple((f"splitter.{side}", splitter, room) for side in self._columns)
        inner = (("middle", canvas, upper), ("splitter.views", splitter, upper), ("views", max(views, 1), upper))
        for tag, *size in (*columns, *edges, *inner, ("row.height", 1, room)):
            self._place(tag, size)
        x = px(8) + (left + splitter if left else 0)
        self._place_training_time(x, middle, upper)
        self._place_dock(x, middle, upper + strip, dock)
        if bool(views) != self._divided:
            self._divided = bool(views)
            for tag in ("splitter.views", "views"):
                dpg.configure_item(tag, show=self._divided)
        for side in self._columns:
            there = side not in self._away
            if dpg.is_item_shown(f"column.{side}") != there:
                dpg.configure_item(f"column.{side}", show=there)
                dpg.configure_item(f"splitter.{side}", show=there)
        self._canvas.sync(canvas, upper)
        self._views.sync(views, upper)

    def _place(self, tag: str, size: Sequence[int], pos: Sequence[int] = ()) -> None:
        """Give an item its width and height, and perhaps its place, if they are others than before."""
        if self._sizes.get(tag) != (*size, *pos):
            self._sizes[tag] = (*size, *pos)
            place = {"pos": list(pos)} if pos else {}
            dpg.configure_item(tag, width=size[0], height=size[1], **place)

    def _place_training_time(self, x: int, width: int, upper: int) -> None:
        """The strip of snapshots, under the picture."""
        shown = self._training_time.shown
        if dpg.is_item_shown("snapshots") != shown:
            dpg.configure_item("snapshots", show=shown)
        if shown:
            height, y = self._ui.px(TRAINING_TIME), int(dpg.get_item_pos("middle")[1])
            self._place("snapshots", (width, height), (x, y + upper + self._ui.px(SPLITTER)))
            self._training_time.sync(width, height)

    def _place_dock(self, x: int, width: int, upper: int, height: int) -> None:
        """The timeline, between the columns, and the strip above it. They are placed by hand: a row above one another
        would leave a gap around the strip."""
        y = int(dpg.get_item_pos("middle")[1])
        self._bottom = y + upper + (self._ui.px(SPLITTER) + height if height else 0)
        for tag in ("splitter.timeline", "timeline"):
            if dpg.is_item_shown(tag) != bool(height):
                dpg.configure_item(tag, show=bool(height))
        if height:
            self._place("splitter.timeline", (width, self._ui.px(SPLITTER)), (x, y + upper))
            self._place("timeline", (width, height), (x, y + upper + self._ui.px(SPLITTER)))
            self._timeline.sync(width, height)

    def _show_status(self) -> None:
        notice = self._explorer.notice
        fresh = bool(notice.text) and (notice.kind == "error" or time.monotonic() - notice.time < NOTICE_S)
        state = (notice, fresh)
        if state == self._notice:
            return
        self._notice = state
        icon = f"{icons.WARNING}  " if notice.kind == "error" else ""
        dpg.set_value("status.notice", f"{icon}{notice.text}")
        dpg.configure_item("status.notice", show=fresh)
        dpg.configure_item("status.notice", color=theme.ERROR if notice.kind == "error" else theme.TEXT)
        dpg.configure_item("status.hint", show=not fresh)

    def _build_splitter(self, side: str) -> None:
        """A strip between column and canvas; the hand that takes it moves it, for it is an item like any other."""
        with dpg.theme() as bare, dpg.theme_component(dpg.mvButton):
            dpg.add_theme_color(dpg.mvThemeCol_Button, theme.BACKGROUND)
            dpg.add_theme_color(dpg.mvThemeCol_ButtonHovered, theme.CONTROL)
            dpg.add_theme_color(dpg.mvThemeCol_ButtonActive, theme.ACCENT_DARK)
            dpg.add_theme_style(dpg.mvStyleVar_FrameRounding, 0)
        dpg.add_button(label="", tag=f"splitter.{side}", width=self._ui.px(SPLITTER), height=50)
        dpg.bind_item_theme(f"splitter.{side}", bare)

    def _drag_splitters(self) -> None:
        """Follow the hand on a splitter, and remember where it let go."""
        sides = (*self._columns, "views", "timeline")
        held = next((side for side in sides if dpg.is_item_active(f"splitter.{side}")), None)
        x, edge = dpg.get_mouse_pos(local=False)[0], self._ui.px(8 + SPLITTER / 2)
        if held == "views":
            beside = 0 if "right" in self._away else self._columns["right"] + SPLITTER / 2
            end = dpg.get_viewport_client_width() - edge - self._ui.px(beside)
            self._views.divide((end - x) / max(self._middle, 1))
        elif held == "timeline":
            y = dpg.get_mouse_pos(local=False)[1] + self._ui.px(SPLITTER / 2)
            self._timeline.resize((self._bottom - y) / self._ui.scale)
        elif held is not None:
            wide = x - edge if held == "left" else dpg.get_viewport_client_width() - x - edge
            self._columns[held] = round(min(max(wide / self._ui.scale, COLUMN_LIMITS[0]), COLUMN_LIMITS[1]))
        elif self._dragging == "views":
            self._views.divided()
        elif self._dragging == "timeline":
            self._timeline.resized()
        elif self._dragging is not None:
            self._explorer.arrange(left=self._columns["left"], right=self._columns["right"])
        self._dragging = held
