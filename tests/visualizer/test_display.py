"""Without a display there is one sentence in place of a crash; the scale follows the desktop's settings."""

import subprocess
import sys
from types import SimpleNamespace

import glfw
import pytest

from visualizer import display
from visualizer.display import NoWindowError, display_scale, require_window


@pytest.fixture(autouse=True)
def _plain_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("GDK_SCALE", "QT_SCALE_FACTOR"):
        monkeypatch.delenv(name, raising=False)


def test_no_display_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, ""):
        monkeypatch.delenv("DISPLAY", raising=False)
        if value is not None:
            monkeypatch.setenv("DISPLAY", value)
        with pytest.raises(NoWindowError, match=r"There is no display \(DISPLAY is not set\)") as error:
            require_window()
        assert "\n" not in str(error.value)


def test_a_display_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":54321")
    with pytest.raises(NoWindowError, match="The display :54321 does not answer"):
        require_window()


def test_no_x11(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":54321")
    monkeypatch.setattr(display.ctypes.util, "find_library", lambda name: None)
    with pytest.raises(NoWindowError, match="libX11 is missing"):
        require_window()


@pytest.mark.parametrize("answers", ["no glfw", "no window", "yes"])
def test_opengl(answers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.setattr(display, "_x11_answers", lambda name: True)
    monkeypatch.setattr(glfw, "init", lambda: answers != "no glfw")
    monkeypatch.setattr(glfw, "window_hint", lambda *args: None)
    monkeypatch.setattr(glfw, "create_window", lambda *args: answers == "yes")
    monkeypatch.setattr(glfw, "destroy_window", lambda window: ended.append("window"))
    monkeypatch.setattr(glfw, "terminate", lambda: ended.append("glfw"))
    if answers == "yes":
        require_window()
        assert ended == ["window", "glfw"]
    else:
        with pytest.raises(NoWindowError):
            require_window()
        assert ended == ([] if answers == "no glfw" else ["glfw"])


def test_other_systems_have_a_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    require_window()


@pytest.mark.parametrize(
    ("gdk", "qt", "xrdb", "scale"),
    [
        ("2", None, "Xft.dpi:\t96\n", 2.0),
        (None, "1.5", "", 1.5),
        ("two", "1.5", "", 1.5),
        ("0.5", None, "", 1.0),
        ("99", None, "", 4.0),
        ("inf", None, "", 4.0),
        ("nan", None, "Xft.dpi: 144\n", 1.5),
        (None, None, "Xft.antialias:\t1\nXft.dpi:\t192\n", 2.0),
        (None, None, "Xft.dpi:\t1.2.3\n", 1.0),
        (None, None, "Xft.dpi: 0\n", 1.0),
        (None, None, "", 1.0),
    ],
)
def test_the_scale(gdk: str | None, qt: str | None, xrdb: str, scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("GDK_SCALE", gdk), ("QT_SCALE_FACTOR", qt)):
        if value is not None:
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: SimpleNamespace(stdout=xrdb))
    assert display_scale() == scale


@pytest.mark.parametrize("error", [FileNotFoundError("xrdb"), subprocess.TimeoutExpired("xrdb", 2)])
def test_without_xrdb_the_scale_is_1(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert display_scale() == 1.0


@pytest.mark.parametrize(("starts", "monitor", "scale"), [(True, "m", 1.5), (True, None, 1.0), (False, None, 1.0)])
def test_other_systems_ask_the_monitor(
    starts: bool, monitor: str | None, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(glfw, "init", lambda: starts)
    monkeypatch.setattr(glfw, "terminate", lambda: None)
    monkeypatch.setattr(glfw, "get_primary_monitor", lambda: monitor)
    monkeypatch.setattr(glfw, "get_monitor_content_scale", lambda monitor: (1.5, 1.5))
    assert display_scale() == scale
