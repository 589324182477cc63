"""Memory limits, set with mouse and keyboard; models that have made room come back when they are wanted."""

from tests.gui.conftest import See
from tests.gui.driver import FACES, Driver
from tests.gui.test_files import GOLDEN, open_by_path, open_model


def kept(app: Driver, field: str, value: int | None) -> None:
    """Wait for a field of the session."""
    app.wait_for(lambda: app.session().get(field, "none yet") == value, f"{field} {value} in the session")


def test_limits_are_typed_and_models_that_made_room_come_back(app: Driver, see: See) -> None:
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
    for field in ("models_mib", "steps_mib"):
        app.fill(f"performance.{field}", "")
        app.key("BackSpace")
        app.key("Return")
        kept(app, field, None)
    app.click("performance.free")
    app.key("ctrl+shift+z")
    assert see(app) == second
    open_model(app, FACES)
    app.wait_for(lambda: not app.shown("latent.class.1"), "a model without classes")
    app.reveal("view.one", "right")
