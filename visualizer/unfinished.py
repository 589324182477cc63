"""Exports that have yet to end: a file each beside the session, written as they begin, so that a crash forgets none."""

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stylegan_core.errors import StyleScopeError
from stylegan_core.export.settings import ExportSettings
from stylegan_core.files import write_whole
from stylegan_core.walk import Walk
from stylegan_core.walk_file import walk_from_data, walk_to_data
from visualizer.session import is_running

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportOrder:
    """What somebody wants exported: which walk, how, where to."""

    walk: Walk
    settings: ExportSettings
    path: Path
    half: bool = False  # in 16 bits where those are quicker
    overwrite: bool = False  # something else at `path` may be replaced


class Unfinished:
    """The orders in a folder. Everything here is for a thread that may wait."""

    def __init__(self, folder: Path):
        self._folder = folder

    def keep(self, order: ExportOrder) -> None:
        """Remember an order, in place of another one for the same path.

        Raises:
            OSError: the folder cannot be written to.
        """
        data = {
            "process": os.getpid(),
            "path": str(order.path),
            "half": order.half,
            "overwrite": order.overwrite,
            "settings": order.settings.model_dump(mode="json"),
            "walk": walk_to_data(order.walk),
        }
        write_whole(self._file(order), lambda file: file.write(json.dumps(data, indent=1).encode()))

    def forget(self, order: ExportOrder) -> None:
        """It is done, or nobody wants it any more."""
        self._file(order).unlink(missing_ok=True)

    def read(self) -> tuple[ExportOrder, ...]:
        """What other runs of the program have left, the oldest first; those that still run excepted."""
        found: list[tuple[int, ExportOrder]] = []
        for path in self._folder.glob("*.json"):
            try:
                data = json.loads(path.read_text(encoding="utf-8"))
                if not is_running(data["process"]):
                    found.append((path.stat().st_mtime_ns, _order(data, path)))
            except (OSError, ValueError, LookupError, TypeError, StyleScopeError) as error:
                log.warning("%s is left alone, for it cannot be read: %s", path, error)
        return tuple(order for _, order in sorted(found, key=lambda item: item[0]))

    def _file(self, order: ExportOrder) -> Path:
        return self._folder / f"{hashlib.sha256(str(order.path).encode()).hexdigest()[:16]}.json"


def _order(data: dict[str, Any], source: Path) -> ExportOrder:
    try:
        settings = ExportSettings.model_validate_json(json.dumps(data["settings"]))
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from error
    walk = walk_from_data(data["walk"], str(source))
    return ExportOrder(walk, settings, Path(data["path"]), bool(data["half"]), bool(data["overwrite"]))
