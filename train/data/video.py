"""Frames of a video as pictures: every n-th, each found by its number, none kept in memory."""

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from PIL import Image

from stylegan_core.watch import Watch
from train.data.decoding import MAX_PIXELS, check_pixels
from train.data.errors import DataError, unusable
from train.data.images import Decode, ImageSource
from train.data.labels import Labels

# Named rather than guessed from the content, which may be a list of other files and addresses to open.
READERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".webm": "webm", ".mkv": "matroska"}
_HASH_CHUNK = 1 << 20
_BROKEN = (FFmpegError, OSError, ValueError, IndexError, StopIteration)  # OSError: from the file it reads through


@dataclass
class _Reading:
    """A video that this process has open, and where in it decoding is."""

    process: int
    file: Any
    container: Any
    stream: Any
    frames: Iterator[Any]
    pts: int | None = None  # of the frame that came last; None before the first and after an error


class VideoImages(ImageSource):
    """Every n-th frame of a video, upright. Going on from one frame to a later one is quick; others cost a seek.

    Args:
        path: an MP4, MOV, WebM or MKV file.
        every: 1 for all frames, 2 for every other one.

    Raises:
        DataError: it is no such file, or its frames are too large.
    """

    def __init__(self, path: Path, every: int = 1):
        super().__init__(path, Labels())
        if every < 1:
            raise DataError(f"every {every} frames of {path} cannot be taken; give 1 or more.")
        self.every = every
        self._reading: _Reading | None = None
        self._times, self._keys = self._index()

    def __len__(self) -> int:
        return -(-len(self._times) // self.every)

    def name(self, index: int) -> str:
        """See `ImageSource.name`."""
        return f"frame {index * self.every}"

    def fetch(self, index: int) -> Decode:
        """See `ImageSource.fetch`. Decoding cannot wait: the next frame needs this one."""
        where = self.where(index)
        try:
            frame = self._frame(self._times[index * self.every])
            check_pixels((frame.width, frame.height), where)
            picture: Image.Image = frame.to_image()
        except _BROKEN as error:
            self.close()
            raise unusable(where, "cannot be decoded") from error
        turned = picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
        return lambda: turned

    def digest(self, watch: Watch = Watch()) -> str:  # noqa: B008 - frozen
        """See `ImageSource.digest`."""
        sha, done, size = hashlib.sha256(f"every {self.every}".encode()), 0, max(1, self.path.stat().st_size)
        with self.path.open("rb") as file:
            while chunk := file.read(_HASH_CHUNK):
                sha.update(chunk)
                done += len(chunk)
                watch.advance(done / size)
        return sha.hexdigest()

    def close(self) -> None:
        """See `ImageSource.close`."""
        if self._reading is not None:
            self._reading.container.close()
            self._reading.file.close()
            self._reading = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_reading": None}

    def _frame(self, pts: int) -> Any:
        reading = self._opened()
        key = self._keys[max(0, bisect_right(self._keys, pts) - 1)]
        if reading.pts is None or not key <= reading.pts < pts:
            reading.container.seek(key, stream=reading.stream, backward=True)
            reading.frames = reading.container.decode(reading.stream)
        reading.pts = None
        frame = next(frame for frame in reading.frames if frame.pts == pts)
        reading.pts = pts
        return frame

    def _opened(self) -> _Reading:
        """The video, opened by this very process."""
        if self._reading is None or self._reading.process != os.getpid():
            self._reading = self._open()
        return self._reading

    def _open(self) -> _Reading:
        try:
            file = self.path.open("rb")
        except FileNotFoundError as error:
            raise DataError(f"{self.path} does not exist; give the path of a zip, a folder or a video.") from error
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror or error}.") from error
        try:
            with ExitStack() as stack:
                stack.enter_context(file)
                reading = self._begun(file, stack)
                stack.pop_all()
        except _BROKEN as error:
            raise DataError(f"{self.path} is no video that can be read; give an MP4, MOV, WebM or MKV file.") from error
        return reading

    def _begun(self, file: Any, stack: ExitStack) -> _Reading:
        reader = READERS.get(self.path.suffix.lower())
        options = {"protocol_whitelist": "none"}
        container = stack.enter_context(av.open(file, "r", format=reader, options=options, metadata_errors="replace"))
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise ValueError("the codec is unknown")
        check_pixels((stream.width, stream.height), str(self.path))
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        return _Reading(os.getpid(), file, container, stream, iter(()))

    def _index(self) -> tuple[list[int], list[int]]:
        """When each frame is shown, and which of these moments decoding can begin at; nothing is decoded for it."""
        reading = self._opened()
        try:
            packets = [p for p in reading.container.demux(reading.stream) if p.pts is not None and not p.is_discard]
            found = sorted({(packet.pts, packet.is_keyframe) for packet in packets})
        except _BROKEN as error:
            raise DataError(f"{self.path} breaks off; convert it, for example with ffmpeg -c copy.") from error
        finally:
            self.close()
        return [pts for pts, _ in found], [pts for pts, is_key in found if is_key] or [0]
