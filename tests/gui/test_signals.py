"""Live signals with a real mouse and a real OSC client: parameters move, and what the hand has set stays."""

import socket
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pythonosc.udp_client import SimpleUDPClient

from stylegan_core.scene import Scene
from tests.gui.conftest import See
from tests.gui.driver import Driver
from widgets import theme

Send = Callable[[str, float], None]


@pytest.fixture
def signals(app: Driver) -> Iterator[Driver]:
    """The panel unfolded, with nothing in it; it is left so."""
    app.reveal("truncation.psi")
    app.click("truncation.flat")
    unfold(app)
    yield app
    while app.shown("signals.row.0.remove"):
        app.click("signals.row.0.remove")
        app.wait_for(lambda: app.rects(), "places")
    if app.shown("signals.osc.port"):
        app.click("signals.osc.on")
    app.click("panel.signals")
    app.wait_for(lambda: not app.shown("signals.add"), "the panel folded")


def unfold(app: Driver) -> None:
    if not app.shown("signals.add"):
        app.click("panel.signals")
        app.wait_for(lambda: app.shown("signals.add"), "the panel")


@pytest.fixture
def send(signals: Driver) -> Iterator[Send]:
    """A sender of OSC messages over loopback, to a port that StyleScope listens to."""
    app, port = signals, free_port()
    app.click("signals.osc.on")
    app.fill("signals.osc.port", str(port))
    app.key("Return")
    app.wait_for(lambda: taken(port), "StyleScope to listen")
    with SimpleUDPClient("127.0.0.1", port) as client:
        yield client.send_message


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def handle(app: Driver) -> float:
    """Where psi's handle stands, from 0 to 1 over the slider."""
    x, y, width, _ = map(int, app.rect("truncation.psi"))
    row = app.screenshot()[y + 3, x : x + width]
    (columns,) = np.nonzero((row == theme.ACCENT_DARK[:3]).all(-1))
    return float(columns.mean() / width) if len(columns) else -1.0


def mark(app: Driver) -> bool:
    """Whether there is a mark under psi's slider."""
    x, y, width, height = map(int, app.rect("truncation.psi"))
    below = app.screenshot()[y + height : y + height + 6, x : x + width]
    return bool((below == theme.ACCENT[:3]).all(-1).any())


def lines(app: Driver) -> bool:
    """Whether a line says where one of the bars of psi is moved to."""
    x, y, width, height = map(int, app.rect("truncation.layers"))
    bars = app.screenshot()[y : y + height // 2, x : x + width]
    return bool((bars == theme.TEXT[:3]).all(-1).any())


def modulate(app: Driver, how: str, control: str = "truncation.psi") -> None:
    """Right-click a slider and choose from its menu."""
    app.click(control, 0.2, button=3)
    app.click(f"signals.menu.{how}", 0.3)
    app.wait_for(lambda: not app.shown("signals.menu.lfo"), "the menu closed")
    app.rest()


def base(app: Driver) -> float:
    """The psi that the hand has set, from the session as it was kept with these modulations."""
    kept = app.wait_for(lambda: app.session().get("signals", {}).get("modulations") and app.session(), "it kept")
    return float(kept["scene"]["truncation"]["psi"])


def test_an_osc_message_moves_psi_and_undo_takes_it_back(signals: Driver, send: Send, see: See) -> None:
    app = signals
    before = see(app).truncation.psi
    send("/stylescope/truncation/psi", -0.5)
    app.wait_for(lambda: abs(handle(app) - 0.2) < 0.03, "the slider at -0.5")
    assert see(app).truncation.psi == -0.5
    send("/stylescope/open", "/etc/passwd")  # type: ignore[arg-type]  # a name is never followed
    send("/stylescope/truncation/psi", 0.0)
    app.wait_for(lambda: abs(handle(app) - 0.4) < 0.03, "the slider at 0")
    app.key("ctrl+z")
    app.rest()
    if app.scene().truncation.psi == -0.5:  # the messages are two undo points if enough time lay between them
        app.key("ctrl+z")
    assert see(app).truncation.psi == before


def test_a_learned_fader_moves_psi_and_the_slider_stays(signals: Driver, send: Send, see: See) -> None:
    app = signals
    before = see(app)
    place = handle(app)
    modulate(app, "learn")
    send("/fader1", 0.25)
    app.wait_for(lambda: app.shown("signals.row.0.low"), "the fader learned")
    send("/fader1", 1.0)
    app.wait_for(lambda: mark(app), "the mark")
    app.wait_for(lambda: app.scene().truncation.psi == 1.5, "psi at the fader's end")
    assert see(app).truncation.psi == 1.5
    assert handle(app) == pytest.approx(place, abs=0.01)
    assert base(app) == before.truncation.psi


def test_an_lfo_moves_the_picture_and_the_hand_keeps_its_own(signals: Driver, see: See) -> None:
    app = signals
    before: Scene = see(app)
    modulate(app, "lfo")
    app.wait_for(lambda: app.shown("signals.row.0.shape"), "the LFO's editor")
    app.wait_for(lambda: mark(app), "the mark")
    first = app.canvas()
    app.wait_for(lambda: not np.array_equal(app.canvas(), first), "another picture")
    assert app.scene().truncation.psi != before.truncation.psi
    assert base(app) == before.truncation.psi
    app.click("signals.row.0.on")
    app.wait_for(lambda: not mark(app), "no mark")
    assert see(app) == before
    app.click("signals.row.0.on")
    modulate(app, "remove")
    app.wait_for(lambda: app.shown("signals.empty"), "nothing that moves")
    assert see(app) == before


def test_the_slider_of_a_bar_has_the_menu_too_and_the_bar_shows_where_it_is(signals: Driver) -> None:
    app = signals
    assert not lines(app)
    modulate(app, "lfo", "truncation.layer.value")
    app.wait_for(lambda: lines(app), "the line on the bar")
    modulate(app, "remove", "truncation.layer.value")
    app.wait_for(lambda: not lines(app), "no line")
