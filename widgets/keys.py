"""What each key does."""

from collections.abc import Callable
from functools import partial

import dearpygui.dearpygui as dpg

from stylegan_core import edits
from visualizer.explorer import Explorer
from visualizer.output import Output
from widgets.canvas import SCALE_STEP, ZOOM_STEP, Canvas
from widgets.capture import CapturePanel
from widgets.shortcuts import EQUAL, Shortcut
from widgets.timeline.dock import TimelineDock
from widgets.transform import TransformPanel
from widgets.views import VIEW_KEYS, Views

KEY_CODES = {f"F{number}": getattr(dpg, f"mvKey_F{number}") for number in range(1, 13)}
STEP, TURN = 0.02, 5.0  # picture widths and degrees that one press of a key moves and turns the picture
ARROWS = (
    ("Left", dpg.mvKey_Left, -1.0, 0.0),
    ("Right", dpg.mvKey_Right, 1.0, 0.0),
    ("Up", dpg.mvKey_Up, 0.0, -1.0),
    ("Down", dpg.mvKey_Down, 0.0, 1.0),
)


def shortcut_table(
    explorer: Explorer,
    output: Output,
    canvas: Canvas,
    capture: CapturePanel,
    transform: TransformPanel,
    views: Views,
    timeline: TimelineDock,
    put_away: Callable[[str], None],
    browse: Callable[[], None],
    export: Callable[[], None],
    show_help: Callable[[], None],
    escape: Callable[[], None],
) -> tuple[Shortcut, ...]:
    """All shortcuts, in the order in which the help lists them."""
    return (
        *_person(explorer),
        *_transform(explorer, transform),
        *_view(canvas),
        *(
            Shortcut(keys, KEY_CODES[keys], _said(view.help), partial(views.toggle, view.key), needs=view.needs)
            for keys, view in zip(VIEW_KEYS, views.views, strict=True)
        ),
        Shortcut("F6", dpg.mvKey_F6, "put the left column away, or bring it back", partial(put_away, "left")),
        Shortcut("F7", dpg.mvKey_F7, "put the right column away, or bring it back", partial(put_away, "right")),
        Shortcut(
            "F11", dpg.mvKey_F11, "the picture alone in a second window; again, or Esc there: close it", output.toggle
        ),
        Shortcut(
            "arrows, Enter", 0, "in the grid: from cell to cell; make one the picture", lambda: None, needs="mixing"
        ),
        *_timeline(timeline),
        *_training_time(explorer),
        Shortcut("F9", dpg.mvKey_F9, "record what you do as a take, or end it", explorer.capturing.toggle),
        Shortcut("right-click a slider", 0, "have an LFO, OSC, MIDI or sound move it", lambda: None),
        Shortcut("P", dpg.mvKey_P, "pin as a favourite", explorer.pin),
        Shortcut("C", dpg.mvKey_C, "held: show the pinned picture", lambda: None),
        Shortcut("Ctrl+Z", dpg.mvKey_Z, "undo", explorer.undo, ctrl=True),
        Shortcut("Ctrl+Shift+Z", dpg.mvKey_Z, "redo", explorer.redo, ctrl=True, shift=True),
        Shortcut("Ctrl+S", dpg.mvKey_S, "save the picture", explorer.capture, ctrl=True),
        Shortcut("Ctrl+Shift+S", dpg.mvKey_S, "save the session", capture.save_session, ctrl=True, shift=True),
        Shortcut("Ctrl+O", dpg.mvKey_O, "open a file", browse, ctrl=True),
        Shortcut("Ctrl+E", dpg.mvKey_E, "export the walk", export, ctrl=True),
        Shortcut("Ctrl+Q", dpg.mvKey_Q, "quit", dpg.stop_dearpygui, ctrl=True),
        Shortcut("Tab", 0, "from control to control; Space presses, arrows slide", lambda: None),
        Shortcut("Esc", dpg.mvKey_Escape, "close a window within the window", escape),
        Shortcut("F1", dpg.mvKey_F1, "this list", show_help),
    )


def _said(sentence: str) -> str:
    """A sentence as a line of the list."""
    return sentence[0].lower() + sentence[1:].rstrip(".")


def _person(explorer: Explorer) -> tuple[Shortcut, ...]:
    def psi(step: float) -> None:
        explorer.do("Truncation psi", edits.set_psi, round(explorer.scene.truncation.psi + step, 3))

    def wander(dx: float, dy: float) -> None:
        explorer.do("Wander", edits.move_on_plane, 0.1 * dx, 0.1 * dy)

    def step(by: int) -> None:
        explorer.do("Next person" if by > 0 else "Previous person", edits.step_seed, by)

    def noise() -> None:
        explorer.do("Noise mode", edits.next_noise_mode)

    return (
        Shortcut("Space", dpg.mvKey_Spacebar, "someone new", explorer.random_person),
        Shortcut("Ctrl+Left", dpg.mvKey_Left, "the person before", partial(step, -1), ctrl=True),
        Shortcut("Ctrl+Right", dpg.mvKey_Right, "the next person", partial(step, 1), ctrl=True),
        Shortcut("Shift+arrows", 0, "wander over the seed plane", lambda: None),
        *(
            Shortcut("", code, f"wander {name.lower()}", partial(wander, dx, dy), shift=True)
            for name, code, dx, dy in ARROWS
        ),
        Shortcut("[", dpg.mvKey_Open_Brace, "psi down, towards the average", partial(psi, -0.05), needs="truncation"),
        Shortcut("]", dpg.mvKey_Close_Brace, "psi up, wilder", partial(psi, 0.05), needs="truncation"),
        Shortcut("N", dpg.mvKey_N, "next noise mode", noise, needs="noise"),
    )


def _transform(explorer: Explorer, panel: TransformPanel) -> tuple[Shortcut, ...]:
    def move(dx: float, dy: float) -> None:
        explorer.do("Move", edits.move_picture, STEP * dx, STEP * dy)

    def turn(degrees: float) -> None:
        explorer.do("Turn", edits.turn_picture, degrees)

    def scale(factor: float) -> None:
        explorer.do("Scale", edits.scale_picture, factor)

    def mirror() -> None:
        explorer.do("Mirror", edits.set_mirror, not explorer.scene.transform.mirror)

    def untransform() -> None:
        explorer.do("Untransform", edits.set_untransform, not explorer.scene.transform.untransform)

    def key(
        keys: str, code: int, help: str, action: Callable[[], None], ctrl: bool = False, shift: bool = False
    ) -> Shortcut:
        return Shortcut(keys, code, help, action, ctrl, shift, needs="transform")

    larger, smaller = partial(scale, SCALE_STEP), partial(scale, 1 / SCALE_STEP)
    return (
        key("Ctrl+drag", 0, "move the picture with the mouse", lambda: None),
        key("Ctrl+Shift+arrows", 0, "move the picture", lambda: None),
        *(key("", code, f"move {name.lower()}", partial(move, dx, dy), True, True) for name, code, dx, dy in ARROWS),
        key("drag the ring", 0, "turn the picture; Shift: in steps of 15°", lambda: None),
        key("R", dpg.mvKey_R, "turn it clockwise", partial(turn, TURN)),
        key("Shift+R", dpg.mvKey_R, "turn it the other way", partial(turn, -TURN), shift=True),
        key("Ctrl+wheel", 0, "make the picture larger or smaller", lambda: None),
        key("Ctrl++", EQUAL, "make it larger", larger, ctrl=True),
        key("", EQUAL, "larger", larger, ctrl=True, shift=True),
        key("", dpg.mvKey_Add, "larger", larger, ctrl=True),
        key("Ctrl+-", dpg.mvKey_Minus, "make it smaller", smaller, ctrl=True),
        key("", dpg.mvKey_Subtract, "smaller", smaller, ctrl=True),
        key("M", dpg.mvKey_M, "mirror it", mirror),
        key("U", dpg.mvKey_U, "untransform: show it moved back", untransform),
        key("D", dpg.mvKey_D, "play or stop the drift", panel.drift),
        key("S", dpg.mvKey_S, "play or stop the spin", panel.spin),
        key("Ctrl+0", dpg.mvKey_0, "the picture where the model puts it", panel.reset, ctrl=True),
    )


def _timeline(dock: TimelineDock) -> tuple[Shortcut, ...]:
    transport = dock.transport
    return (
        Shortcut("F8", dpg.mvKey_F8, "the timeline: pictures over time", dock.toggle),
        Shortcut("Ctrl+K or Insert", dpg.mvKey_K, "add the picture to the timeline as a key", dock.add_key, ctrl=True),
        Shortcut("", dpg.mvKey_Insert, "add a key", dock.add_key),
        Shortcut("K", dpg.mvKey_K, "play the walk, or pause", transport.play),
        Shortcut(", and .", dpg.mvKey_Comma, "to the key before, to the next one", partial(transport.step, -1)),
        Shortcut("", dpg.mvKey_Period, "to the next key", partial(transport.step, 1)),
        Shortcut("I and O", dpg.mvKey_I, "play from the playhead; play up to it", transport.set_in),
        Shortcut("", dpg.mvKey_O, "play up to the playhead", transport.set_out),
        Shortcut("Up, Down", 0, "in the timeline: select the key before, the next one", lambda: None),
        Shortcut("Left, Right", 0, "move what is selected, or the playhead", lambda: None),
        Shortcut("Enter, Del", 0, "go to what is selected; delete it", lambda: None),
    )


def _training_time(explorer: Explorer) -> tuple[Shortcut, ...]:
    step = explorer.training_time.step
    return (
        Shortcut(
            "Shift+, and .",
            dpg.mvKey_Comma,
            "in training: to the snapshot before, to the next one",
            partial(step, -1),
            shift=True,
        ),
        Shortcut("", dpg.mvKey_Period, "to the next snapshot", partial(step, 1), shift=True),
    )


def _view(canvas: Canvas) -> tuple[Shortcut, ...]:
    larger, smaller = partial(canvas.zoom_by, ZOOM_STEP), partial(canvas.zoom_by, 1 / ZOOM_STEP)
    return (
        Shortcut("F", dpg.mvKey_F, "fit the picture to the window", canvas.fit),
        Shortcut("1", dpg.mvKey_1, "one screen pixel for a pixel", canvas.one_to_one),
        Shortcut("+ or =", EQUAL, "zoom in", larger),
        Shortcut("", EQUAL, "zoom in", larger, shift=True),
        Shortcut("", dpg.mvKey_Add, "zoom in", larger),
        Shortcut("-", dpg.mvKey_Minus, "zoom out", smaller),
        Shortcut("", dpg.mvKey_Subtract, "zoom out", smaller),
    )
