"""A walk's sound on its way into a video: decoded, cut to the part that is exported, and encoded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.filter import Graph

from stylegan_core.export.part import Packet
from stylegan_core.export.settings import ExportError

RATE_HZ = 48000
BITS_PER_S = 192_000
LOCAL = {"protocol_whitelist": "file"}  # a list of addresses that calls itself sound is not followed
ENCODERS = {"mp4": "aac", "webm": "libopus"}


def check_sound(path: Path) -> None:
    """Be sure that there is sound in a file.

    Raises:
        ExportError: there is none.
    """
    try:
        with path.open("rb"):
            pass
        with av.open(f"file:{path}", options=LOCAL, metadata_errors="replace") as file:
            found = bool(file.streams.audio)
    except OSError as error:
        reason = error.strerror or error
        raise ExportError(
            f"The walk's sound {path} cannot be read ({reason}); choose another file, or export without sound."
        ) from error
    except (FFmpegError, ValueError):
        found = False
    if not found:
        raise ExportError(f"There is no sound in {path}; choose another file, or export without sound.")


def sound_packets(path: Path, first_s: float, last_s: float, out: AudioStream) -> Iterator[Packet]:
    """The sound from one moment to another, encoded; less where the file is shorter.

    Args:
        path: any file with sound that FFmpeg reads.
        first_s: becomes the begin.
        last_s: where it ends.
        out: the stream whose encoder is used.
    """
    with av.open(f"file:{path}", options=LOCAL, metadata_errors="replace") as file:
        stream = file.streams.audio[0]
        if first_s > 1:
            file.seek(round((first_s - 1) * av.time_base))
        graph = _cut(stream, first_s, last_s)
        for frame in file.decode(stream):
            if frame.time is not None and frame.time >= last_s:
                break
            graph.push(frame)
            yield from _encoded(graph, out)
        graph.push(None)
        yield from _encoded(graph, out)
    yield from out.encode(None)


def _cut(stream: AudioStream, first_s: float, last_s: float) -> Graph:
    graph = Graph()
    graph.link_nodes(
        graph.add_abuffer(template=stream),
        graph.add("aresample", f"{RATE_HZ}"),
        graph.add("atrim", f"start={first_s:.6f}:end={last_s:.6f}"),
        graph.add("asetpts", "PTS-STARTPTS"),
        graph.add("abuffersink"),
    ).configure()
    return graph


def _encoded(graph: Graph, out: AudioStream) -> Iterator[Packet]:
    while True:
        try:
            frame: Any = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield from out.encode(frame)
