"""The working file of a video, beside its target: every frame is in it, and plays, as soon as it is encoded.

It is MP4 (MOV for lossless frames) in fragments of one frame each. Whatever ends the program, only the frame that is
being written can be lost; what is whole is counted, taken over into a new working file, and gone on with.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet as AvPacket
from av.video.stream import VideoStream

from stylegan_core.export.encoding import FORMATS, encoder_name, open_encoder, video_frame, working_codec
from stylegan_core.export.metadata import read_tags
from stylegan_core.export.output import Shape
from stylegan_core.export.settings import ExportError, ExportSettings

Packet: TypeAlias = "AvPacket[Any]"
FRAGMENTED = {
    "movflags": "frag_every_frame+empty_moov+default_base_moof+use_metadata_tags",
    "flush_packets": "1",
}
ENCODER_KEY = "stylescope.encoder"  # what the encoder said of itself: only the same one can go on
# MP4 keeps these codecs' units without the start codes that encoders put before them, and that the muxer takes away.
_AS_ENCODED = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}


def part_path(path: Path, settings: ExportSettings) -> Path:
    """Where the working file of a video lies: walk.mp4.part.mp4, beside walk.mp4."""
    return path.with_name(f"{path.name}.part.{'mp4' if settings.is_video else 'mov'}")


def whole_packets(path: Path) -> Iterator[Packet]:
    """The frames of a working file that are whole, in order, encoded."""
    with av.open(f"file:{path}", format="mov", metadata_errors="replace") as file:
        packets = file.demux(file.streams.video[0])
        while True:
            try:
                packet = next(packets)
            except (StopIteration, FFmpegError):  # torn in the middle of a fragment
                return
            if packet.dts is None or packet.is_corrupt:  # the end; torn in the middle of a frame
                return
            yield packet


def shape_of(path: Path) -> Shape:
    """Of a working file's frames."""
    with av.open(f"file:{path}", format="mov", metadata_errors="replace") as file:
        context = file.streams.video[0].codec_context
        channels = next((count for count, name in FORMATS.items() if name == context.pix_fmt), 3)
        return context.height, context.width, channels


class PartFile:
    """A working file: what is in it, and adding frames to it.

    Args:
        path: where.
        settings: of the export.
        tags: its metadata.
    """

    def __init__(self, path: Path, settings: ExportSettings, tags: Mapping[str, str]):
        self.path, self.settings, self.tags = path, settings, tags
        self.count = 0  # whole frames in it
        self._next = 0
        self._whole_bytes: int | None = None  # the file's size up to the last frame that went well; None: all of it is
        self._old = path.with_name(f"{path.name}.old")  # while its frames are taken over into a new one
        self._file: OutputContainer | None = None
        self._stream: VideoStream | None = None

    def look(self) -> dict[str, str]:
        """Count what is there; its metadata, empty where there is nothing."""
        if self._old.exists():  # the program was ended before all of it was taken over
            os.replace(self._old, self.path)
        tags = read_tags(self.path) if self.path.exists() else {}
        self.count = sum(1 for _ in whole_packets(self.path)) if tags else 0
        return tags

    def remove(self) -> None:
        """Take it away, once it is not needed any more."""
        self.close()
        self.count = 0
        self.path.unlink(missing_ok=True)

    def add(self, pixels: np.ndarray) -> None:
        """Add a frame: uint8 [H, W, C], of the same shape as those that are there.

        Raises:
            ExportError: the frames that are there were encoded in another way.
            OSError, FFmpegError: it cannot be written.
        """
        if self._file is None or self._stream is None:
            self._file, self._stream = self._open(pixels.shape)
        context = self._stream.codec_context
        self._whole_bytes = self.path.stat().st_size
        for packet in context.encode(video_frame(pixels, self._next, context)):
            packet.duration = 1
            packet.stream = self._stream
            self._file.mux(packet)
        self._whole_bytes = None
        self.count = self._next  # the muxer holds back one frame until the next one comes
        self._next += 1
        self._old.unlink(missing_ok=True)

    def end(self) -> None:
        """Write what is held back.

        Raises:
            OSError, FFmpegError: it cannot be written.
        """
        if self._file is None or self._stream is None:
            return
        file, stream = self._file, self._stream
        self._file = self._stream = None
        try:
            file.mux(stream.codec_context.encode(None))
        finally:
            file.close()
        self.count = self._next

    def close(self) -> None:
        """Leave it so that it plays; never fails, for what could go wrong then has been told by `add`."""
        with suppress(OSError, FFmpegError):
            self.end()
        with suppress(OSError, FFmpegError):
            if self._old.exists():  # not all of it was taken over
                os.replace(self._old, self.path)
                self.count = sum(1 for _ in whole_packets(self.path))
            elif self._whole_bytes is not None:  # half a frame, for which the disk was too small
                os.truncate(self.path, self._whole_bytes)
                self.count = sum(1 for _ in whole_packets(self.path))
        self._whole_bytes = None

    def _open(self, shape: Shape) -> tuple[OutputContainer, VideoStream]:
        file = av.open(f"file:{self.path}", "w", format=self.path.suffix[1:], options=FRAGMENTED)
        codec = working_codec(self.settings, shape)
        stream: Any = file.add_stream(encoder_name(codec), rate=self.settings.rate)
        open_encoder(stream.codec_context, shape, self.settings, codec)
        encoder = hashlib.sha256(stream.codec_context.extradata or b"").hexdigest()[:16]
        if self.count and read_tags(self.path).get(ENCODER_KEY) != encoder:
            raise ExportError(
                f"{self.path} was begun by another version of the encoder, so it cannot be gone on with; "
                "take it away, or overwrite it."
            )
        file.metadata.update({**self.tags, ENCODER_KEY: encoder})
        if self.count:
            os.replace(self.path, self._old)
        try:
            file.start_encoding()
            if self.count:
                _take_over(self._old, self.count, file, stream)
        except BaseException:
            with suppress(OSError, FFmpegError):
                file.close()
            raise  # `close` puts the old one back
        self._next = self.count
        return file, stream


def _take_over(old: Path, count: int, file: OutputContainer, stream: VideoStream) -> None:
    """Copy the first frames of a working file, without decoding them."""
    with av.open(f"file:{old}", format="mov", metadata_errors="replace") as source:
        template = source.streams.video[0]
        name = _AS_ENCODED.get(template.codec_context.codec.canonical_name)
        turn = BitStreamFilterContext(name, template) if name else None
    for packet, _ in zip(whole_packets(old), range(count), strict=False):
        for turned in turn.filter(packet) if turn else (packet,):
            turned.stream = stream
            file.mux(turned)
