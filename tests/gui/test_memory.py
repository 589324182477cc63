"""Memory limits, set with mouse and keyboard; models that have made room come back when they are wanted."""

from collections.abc import Callable

from tests.gui.conftest import See, at_one_to_one
from tests.gui.driver import Driver
from tests.gui.test_files import GOLDEN, open_by_path


def kept(app: Driver, field: str, value: int | None) -> None:
    """Wait for a field of the session."""
    app.wait_for(lambda: app.session().get(field, "none yet") == value, f"{field} {value} in the session")


def test_limits_are_typed_and_models_that_made_room_come_back(launch: Callable[..., Driver], see: See) -> None:
    app = at_one_to_one(launch())
    first = see(app)
    app.reveal("performance.steps_mib", "right")
    app.fill("performance.models_mib", "0")
    app.key("Tab")  # from box to box without the mouse
    app.type("32")
    app.key("Return")
    kept(app, "models_mib", 0)
    kept(app, "steps_mib", 32)
    open_by_path(app, GOLDEN / "sg2_cond32.pkl")
    app.wait_for(lambda: app.shown("latent.class.1"), "class sliders")
    second = see(app)
    assert second.model != first.model
    app.key("ctrl+z")
    assert see(app) == first  # its model had no room beside the other
    app.fill("performance.models_mib", "")
    app.key("BackSpace")
    app.key("Return")
    kept(app, "models_mib", None)
    app.click("performance.free")
    app.key("ctrl+shift+z")
    assert see(app) == second
    assert app.quit() == 0
