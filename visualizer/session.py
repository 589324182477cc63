"""The session: what a person comes back to, in a readable JSON file; and the mark that tells of a crash."""

import json
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from stylegan_core.errors import SceneError, StyleScopeError
from stylegan_core.export.settings import ExportSettings
from stylegan_core.files import write_whole
from stylegan_core.scene import Scene, scene_from_data
from stylegan_core.walk import Walk, WalkError
from stylegan_core.walk_file import walk_from_data, walk_to_data
from visualizer.signals.model import SignalSettings

SESSION_VERSION: Literal[1] = 1
RECENT_LENGTH = 12
MOST_MIB = 1 << 22  # 4 TiB


class SessionError(StyleScopeError):
    """A session file cannot be read or written; the message names it."""


class SessionPart(BaseModel):
    """Base of the session's parts. Unknown fields are dropped: layout from a newer version is no reason to refuse."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Pin(SessionPart):
    """A favourite."""

    name: str
    scene: Scene


class Layout(SessionPart):
    """How the window was arranged. Not part of the Scene, outside undo."""

    width: int | None = Field(default=None, ge=640, le=16384)  # None: as large as suits the display's scale
    height: int | None = Field(default=None, ge=480, le=16384)
    x: int | None = None
    y: int | None = None
    left: int = Field(default=330, ge=200, le=2000)  # width of the panel columns at scale 1
    right: int = Field(default=290, ge=200, le=2000)
    closed: tuple[str, ...] = ("signals", "output")  # panels folded up
    away: tuple[str, ...] = ()  # columns put away: "left", "right"
    view: str = ""  # the tool that stands beside the picture; empty: none
    view_share: float = Field(default=0.6, ge=0.1, le=0.9, allow_inf_nan=False)  # of the room between the columns
    timeline: bool = False  # whether the timeline is in sight
    timeline_height: int = Field(default=310, ge=120, le=2000)  # at scale 1
    smooth: bool = True  # linear rather than nearest magnification
    ground: Literal["checkerboard", "black", "white"] = "checkerboard"  # what is seen through transparent pictures


class OutputSettings(SessionPart):
    """The second window and the virtual camera; neither is opened by itself."""

    monitor: str = ""  # by name; empty: the first one that the program's own window is not on
    mode: Literal["", "full screen", "window"] = ""  # empty: full screen where there is a second monitor
    fit: Literal["fit", "fill", "whole"] = "fit"  # all of it; cropped; square pixels of a whole number of px
    x: int | None = None  # where the movable window was, in screen px
    y: int | None = None
    width: int = Field(default=640, ge=64, le=16384)
    height: int = Field(default=640, ge=64, le=16384)
    camera_width: int = Field(default=1280, ge=64, le=8192)
    camera_height: int = Field(default=720, ge=64, le=8192)
    camera_fps: int = Field(default=30, ge=1, le=120)


def _export_settings(value: object) -> object:
    """Those of another version are no reason to refuse the session either."""
    if isinstance(value, ExportSettings):
        return value
    try:
        return ExportSettings.model_validate_json(json.dumps(value))
    except (ValidationError, TypeError):
        return ExportSettings()


class Session(SessionPart):
    """Everything that is restored when the program starts again."""

    version: Literal[1] = SESSION_VERSION
    scene: Scene = Scene()
    walk: Walk | None = None  # of the timeline; of the running program's session it is in a file of its own
    pins: tuple[Pin, ...] = ()
    recent: tuple[str, ...] = ()  # model files, newest first
    runs: tuple[str, ...] = ()  # folders of training runs that lie elsewhere than new ones
    device: str = ""  # empty: the best there is
    half: bool | None = None  # 16 bits where they are quicker; None: on a GPU, for models that are meant for it
    models_mib: int | None = Field(default=None, ge=0, le=MOST_MIB)  # limit of models; None: as the device has
    steps_mib: int | None = Field(default=None, ge=0, le=MOST_MIB)  # of remembered steps of synthesis
    export: Annotated[ExportSettings, BeforeValidator(_export_settings)] = ExportSettings()  # as it was last
    layout: Layout = Layout()
    signals: SignalSettings = SignalSettings()
    output: OutputSettings = OutputSettings()

    def with_recent(self, path: str) -> "Session":
        """The session after opening a model file."""
        recent = (path, *(other for other in self.recent if other != path))[:RECENT_LENGTH]
        return self.model_copy(update={"recent": recent})


def session_to_json(session: Session) -> str:
    """Indented JSON."""
    data = session.model_dump(mode="json", exclude={"walk"})
    if session.walk is not None:
        data["walk"] = walk_to_data(session.walk)
    return json.dumps(data, indent=2) + "\n"


def session_from_json(text: str, source: str) -> Session:
    """Read a session.

    Raises:
        SessionError: it is broken; the sentence names the file and the field.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SessionError(f"{source} is no StyleScope session ({error}).") from error
    return session_from_data(data, source)


def session_from_data(data: object, source: str) -> Session:
    """Read a session from parsed JSON; see `session_from_json`."""
    if not isinstance(data, dict):
        raise SessionError(f"{source} holds no session: expected an object.")
    try:
        # Scenes are read by their own reader, which migrates old ones and names the field that is wrong.
        if "scene" in data:
            data = data | {"scene": scene_from_data(data["scene"], f"{source}, scene")}
        if data.get("walk") is not None:
            data = data | {"walk": walk_from_data(data["walk"], f"{source}, walk")}
        pins = [
            {**pin, "scene": scene_from_data(pin.get("scene"), f"{source}, pin {index + 1}")}
            for index, pin in enumerate(data.get("pins", []))
        ]
        return Session.model_validate(data | {"pins": tuple(pins)})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise SessionError(f"{source}: field '{field}': {first['msg']}.") from error
    except (SceneError, WalkError) as error:
        raise SessionError(str(error)) from error
    except (ValueError, RecursionError, AttributeError, TypeError) as error:
        raise SessionError(f"{source} is no StyleScope session ({error}).") from error


def read_session(path: Path) -> Session:
    """Read a session file; see `session_from_json`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SessionError(f"{path} is no StyleScope session (it is not text).") from error
    return session_from_json(text, str(path))


def write_session(session: Session, path: Path) -> None:
    """Write a session file. All or nothing.

    Raises:
        SessionError: the place cannot be written to.
    """
    try:
        write_whole(path, lambda file: file.write(session_to_json(session).encode()))
    except OSError as error:
        raise SessionError(f"{path} cannot be written: {error.strerror}.") from error


def is_running(pid: int) -> bool:
    """Whether a process other than this one has this number."""
    if pid <= 0:  # no process; to kill() it would mean a whole group of them
        return False
    if os.name == "nt":  # there kill() with 0 means Ctrl+C; an offer too many is the lesser harm
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return pid != os.getpid()


class SessionKeeper:
    """Keeps the session in a folder while the program runs, and knows whether the last run ended well.

    A file `running` with the process number stands there while a window is open; one that was left behind by a
    process which is gone tells of a crash.
    """

    def __init__(self, folder: Path):
        self.path = folder / "session.json"
        self._mark = folder / "running"
        self._kept: Session | None = None
        self.crashed = self._left_behind()

    def begin(self) -> None:
        """The window opens."""
        try:
            write_whole(self._mark, lambda file: file.write(str(os.getpid()).encode()))
        except OSError as error:
            raise SessionError(f"{self._mark} cannot be written: {error.strerror}.") from error

    def end(self) -> None:
        """The window closes as it should."""
        self._mark.unlink(missing_ok=True)

    def load(self) -> Session | None:
        """The session kept last; None if there is none.

        Raises:
            SessionError: it is broken.
        """
        return read_session(self.path) if self.path.exists() else None

    def keep(self, session: Session) -> None:
        """Write the session if it has changed."""
        if session != self._kept:
            write_session(session, self.path)
            self._kept = session

    def set_aside(self) -> Path:
        """Move a broken session out of the way, so that nothing in it is lost.

        Raises:
            SessionError: it cannot be moved.
        """
        taken = (self.path.with_suffix(f".broken{number}.json") for number in ("", *range(2, 1000)))
        aside = next((path for path in taken if not path.exists()), self.path.with_suffix(".broken.json"))
        try:
            os.replace(self.path, aside)
        except OSError as error:
            raise SessionError(f"{self.path} cannot be moved aside: {error.strerror}.") from error
        return aside

    def _left_behind(self) -> bool:
        try:
            pid = int(self._mark.read_text())
        except (OSError, ValueError):
            return self._mark.exists()
        return not is_running(pid)
