"""Numbers of a run for TensorBoard, and adding to a file whole pieces or nothing.

TensorBoard's own writers keep what they are given for a while, in a thread that ends when the disk is full, and whoever
waits for it then waits for ever. Here every tick is one write.
"""

import contextlib
import errno
import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import masked_crc32c


def append(path: Path, content: bytes) -> None:
    """Add to the end of a file.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    with path.open("ab", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            if file.write(content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(size)
            raise


class Board:
    """TensorBoard's file of one session.

    Args:
        folder: of the run.
        seen: pictures at which the run goes on; TensorBoard forgets what comes after.
    """

    def __init__(self, folder: Path, seen: int):
        # Files are read in the order of their names, and no session adds to another's.
        self._path = folder / f"events.out.tfevents.{time.time_ns() / 1e9:.6f}.{socket.gethostname()}.{os.getpid()}"
        self._head = _record(Event(wall_time=time.time(), file_version="brain.Event:2"))
        if seen:
            start = SessionLog(status=SessionLog.START)
            self._head += _record(Event(wall_time=time.time(), step=seen + 1, session_log=start))

    def add(self, seen: int, numbers: Mapping[str, float]) -> None:
        """Add a tick's numbers.

        Raises:
            OSError: they cannot be written; there is no half of them either.
        """
        values = [Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]
        event = Event(wall_time=time.time(), step=seen, summary=Summary(value=values))
        append(self._path, self._head + _record(event))
        self._head = b""


def _record(event: Event) -> bytes:
    """An event as a record of a TFRecord file: its length and itself, each with a checksum."""
    content = event.SerializeToString()
    length = struct.pack("<Q", len(content))
    return b"".join(
        (length, struct.pack("<I", masked_crc32c(length)), content, struct.pack("<I", masked_crc32c(content)))
    )
