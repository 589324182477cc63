"""Writing files so that a crash or a full disk never leaves half of one."""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file aside, flush it to the disk, and put it in place in one step. Folders are made.

    Args:
        path: where.
        write: called with the open file.

    Raises:
        OSError: the place cannot be written to; what was at `path` is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made by hand rather than by tempfile, whose files are private: mending that needs the umask, and reading the
    # umask sets it for all threads.
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def try_folder(folder: Path) -> None:
    """Make a folder if it is not there, and be sure that it can be written to.

    Raises:
        OSError: it cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
