"""From a working file to the file that was asked for: video with its sound, GIF, WebP, contact sheet."""

import heapq
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.filter import Graph
from av.video.stream import VideoStream
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from stylegan_core.config import has_alpha
from stylegan_core.export.encoding import FORMATS, encoder_name, open_encoder, video_frame
from stylegan_core.export.output import Order, Tell
from stylegan_core.export.part import Packet, shape_of, whole_packets
from stylegan_core.export.settings import ExportError
from stylegan_core.export.sound import BITS_PER_S, ENCODERS, RATE_HZ, sound_packets
from stylegan_core.labels import BACKGROUND, SMALLEST_FONT_PX, TEXT, font_of

LARGEST_SHEET_PX = 32768  # of its longer side
CENTISECOND = Fraction(1, 100)  # what a GIF counts in
WEBP_METHOD = 4  # effort, 0 to 6


def finish(part: Path, order: Order, tell: Tell) -> None:
    """Make the file that was asked for of a working file. All or nothing.

    Args:
        part: with all frames.
        order: what was asked for.
        tell: hears how much of it is done; what it raises stops the work.

    Raises:
        OSError, FFmpegError: it cannot be written.
    """
    make: Callable[[Path, Path, Order, Tell], None]
    make = {"gif": _gif, "webp": _webp, "sheet": _sheet}.get(order.settings.format, _video)
    with _aside(order.path) as path:
        make(part, path, order, tell)


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """Where to write a file that is put in its place when it is whole. One that was left lying is written over."""
    temporary = path.with_name(f".{path.name}.finishing")
    try:
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _video(part: Path, path: Path, order: Order, tell: Tell) -> None:
    """The same encoded frames in a plain container, with sound and metadata; those with alpha are encoded here."""
    name, walk = order.settings.format, order.walk
    options = {"movflags": "faststart+use_metadata_tags"} if name == "mp4" else {}
    with (
        av.open(f"file:{part}", format="mov", metadata_errors="replace") as source,
        av.open(f"file:{path}", "w", format=name, options=options) as out,
    ):
        out.metadata.update(order.tags)
        shape = shape_of(part)
        if has_alpha(shape[2]):
            codec = order.settings.chosen_codec
            made: Any = out.add_stream(encoder_name(codec), rate=order.settings.rate)
            open_encoder(made.codec_context, shape, order.settings, codec)
            series: list[Iterator[Packet]] = [_encoded(part, made, order, tell)]
        else:
            video: VideoStream = out.add_stream_from_template(source.streams.video[0], opaque=True)
            if name == "mp4" and order.settings.chosen_codec == "hevc":
                video.codec_context.codec_tag = "hvc1"  # Apple's players take no other
            series = [_counted(part, video, order, tell)]
        if order.settings.sound and walk.sound:
            audio: Any = out.add_stream(ENCODERS[name], rate=RATE_HZ, layout="stereo")
            audio.bit_rate = BITS_PER_S
            series.append(sound_packets(Path(walk.sound), *walk.span, audio))
        for packet in heapq.merge(*series, key=_decoded_at):
            out.mux(packet)


def _decoded_at(packet: Packet) -> Fraction:
    return Fraction(packet.dts or 0) * packet.time_base


def _counted(part: Path, stream: VideoStream, order: Order, tell: Tell) -> Iterator[Packet]:
    count = len(order.times_s)
    for index, packet in enumerate(whole_packets(part)):
        packet.stream = stream
        packet.duration = round(1 / (order.settings.rate * packet.time_base))  # VP9 in MP4 loses it
        yield packet
        tell((index + 1) / count)


def _encoded(part: Path, stream: VideoStream, order: Order, tell: Tell) -> Iterator[Packet]:
    """The frames of a lossless working file, encoded as the video has them."""
    count, context = len(order.times_s), stream.codec_context
    for index, frame in enumerate(_frames(part)):
        for packet in context.encode(video_frame(frame.to_ndarray(format="rgba"), index, context)):
            packet.stream, packet.duration = stream, 1
            yield packet
        tell((index + 1) / count)
    for packet in context.encode(None):
        packet.stream = stream
        yield packet


def _frames(part: Path) -> Iterator[av.VideoFrame]:
    with av.open(f"file:{part}", format="mov", metadata_errors="replace") as file:
        yield from file.decode(video=0)


def _images(part: Path, count: int, tell: Tell) -> Iterator[Image.Image]:
    name = FORMATS[shape_of(part)[2]]
    for index, frame in enumerate(_frames(part)):
        yield Image.fromarray(frame.to_ndarray(format=name))
        tell((index + 1) / count)


def _gif(part: Path, path: Path, order: Order, tell: Tell) -> None:
    count, rate = len(order.times_s), order.settings.rate
    graph = _painter(part)
    with av.open(f"file:{path}", "w", format="gif", options={"loop": "0"}) as out:
        stream = out.add_stream("gif", rate=rate)
        stream.height, stream.width = shape_of(part)[:2]
        stream.pix_fmt = "pal8"
        stream.codec_context.time_base = CENTISECOND
        for index, frame in enumerate(_frames(part)):
            graph.push(frame)
            painted: Any = graph.pull()
            painted.pts, painted.time_base = round(index * 100 / rate), CENTISECOND
            painted.duration = round((index + 1) * 100 / rate) - painted.pts
            out.mux(stream.encode(painted))
            tell((index + 1) / count)
        out.mux(stream.encode(None))


def _painter(part: Path) -> Graph:
    """Finds the 256 colours that suit a frame, and paints it with them: a walk has more colours than one palette.

    Of frames with alpha one of the colours is none: what is less than half opaque has it.
    """
    clear = int(has_alpha(shape_of(part)[2]))
    graph = Graph()
    with av.open(f"file:{part}", format="mov", metadata_errors="replace") as file:
        source = graph.add_buffer(template=file.streams.video[0])
    split = graph.add("split")
    find = graph.add("palettegen", f"stats_mode=single:reserve_transparent={clear}")
    paint, sink = graph.add("paletteuse", "new=1:dither=sierra2_4a"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(paint, 0, 0)
    split.link_to(find, 1, 0)
    find.link_to(paint, 0, 1)
    paint.link_to(sink)
    graph.configure()
    return graph


def _webp(part: Path, path: Path, order: Order, tell: Tell) -> None:
    count, quality = len(order.times_s), order.settings.quality
    ends_ms = [round((index + 1) * 1000 / order.settings.rate) for index in range(count)]
    images = _images(part, count, tell)
    first = next(images)
    first.save(
        path,
        format="WEBP",
        save_all=True,
        append_images=images,
        duration=[end - begin for begin, end in zip([0, *ends_ms], ends_ms, strict=False)],
        loop=0,
        quality=quality,
        lossless=quality == 100,
        method=WEBP_METHOD,
    )


def _sheet(part: Path, path: Path, order: Order, tell: Tell) -> None:
    """Pictures in columns, each with its time below."""
    count, (height, width, _) = len(order.times_s), shape_of(part)
    columns = min(order.settings.columns, count)
    font_px = max(width // 16, SMALLEST_FONT_PX)
    gap, line, font = font_px // 2, font_px * 3 // 2, font_of(font_px)
    size = columns * (width + gap) + gap, -(-count // columns) * (height + line + gap) + gap
    if max(size) > LARGEST_SHEET_PX:
        raise ExportError(
            f"{order.path} would have {size[0]} x {size[1]} px, which is too large; "
            f"choose fewer or smaller pictures, up to {LARGEST_SHEET_PX} px a side."
        )
    sheet = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index, (image, time_s) in enumerate(zip(_images(part, count, tell), order.times_s, strict=True)):
        row, column = divmod(index, columns)
        x, y = gap + column * (width + gap), gap + row * (height + line + gap)
        sheet.paste(image, (x, y))
        draw.text((x + width // 2, y + height + line // 2), f"{time_s:.2f} s", TEXT, font, anchor="mm")
    info = PngInfo()
    for name, text in order.tags.items():
        info.add_itxt(name, text)
    sheet.save(path, format="PNG", pnginfo=info)
