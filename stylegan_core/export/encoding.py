"""Encoders of video, told to give out every frame at once, and the colours they take."""

import os
from collections.abc import Callable

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace

from stylegan_core.config import has_alpha
from stylegan_core.export.formats import ENCODERS, WORKING_ENCODER
from stylegan_core.export.output import Shape
from stylegan_core.export.settings import Codec, ExportSettings

KEY_EVERY_S = 2.0  # from one frame that stands by itself to the next: how finely players can seek
MATRIX_709 = 1  # also primaries and transfer (ITU-T H.273): what players assume of untagged video of any size
FORMATS = {1: "gray", 2: "ya8", 3: "rgb24", 4: "rgba"}  # of arrays, by channels
os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 tells its settings on every start; this leaves errors


def threads() -> int:
    """How many threads an encoder may have: half of the cores, so that pictures go on being made meanwhile."""
    return min(max((os.cpu_count() or 2) // 2, 1), 8)


def _crf(best: int, worst: int) -> Callable[[int], str]:
    """The codec's constant quality from ours, 1 to 100."""
    return lambda quality: str(round(worst + (best - worst) * quality / 100))


_QUALITY: dict[Codec, Callable[[int], str]] = {
    "h264": _crf(10, 46),
    "hevc": _crf(12, 48),
    "av1": _crf(12, 60),
    "vp9": _crf(10, 60),
}


def _options(codec: Codec) -> dict[str, str]:
    """Quick, and without a look ahead: what an encoder holds back would be lost with the program."""
    count = threads()
    return {
        "h264": {"preset": "veryfast", "tune": "zerolatency"},
        "hevc": {
            "preset": "veryfast",
            "tune": "zerolatency",
            "x265-params": f"log-level=error:pools={count}:frame-threads=1",
        },
        "av1": {"preset": "9", "svtav1-params": f"pred-struct=1:lp={count}"},
        "vp9": {
            "deadline": "good",
            "cpu-used": "5",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "row-mt": "1",
            "b": "0",
        },
    }[codec]


def working_codec(settings: ExportSettings, shape: Shape) -> Codec | None:
    """The codec of a working file: the video's own, so that nothing is encoded twice; None: a lossless one.

    VP9 has alpha beside its frames, where MP4, as which working files are written, has no place for it.
    """
    return None if has_alpha(shape[2]) else settings.chosen_codec


def encoder_name(codec: Codec | None) -> str:
    """FFmpeg's name of a codec's encoder, or of the lossless one of working files."""
    return WORKING_ENCODER if codec is None else ENCODERS[codec]


def open_encoder(context: VideoCodecContext, shape: Shape, settings: ExportSettings, codec: Codec | None) -> None:
    """Open a stream's encoder for frames of a shape; None: the lossless one.

    Raises:
        FFmpegError: it does not take frames of this size.
    """
    rate = settings.rate
    context.height, context.width = shape[:2]
    context.framerate, context.time_base = rate, 1 / rate
    context.thread_count = threads()
    context.pix_fmt = FORMATS[shape[2]]
    if codec is not None:
        context.pix_fmt = "yuva420p" if has_alpha(shape[2]) else "yuv420p"
        context.gop_size = max(round(rate * KEY_EVERY_S), 1)
        context.options = {**_options(codec), "crf": _QUALITY[codec](settings.quality)}
        context.colorspace = context.color_primaries = context.color_trc = MATRIX_709
        context.color_range = ColorRange.MPEG.value
    context.open()


def video_frame(pixels: np.ndarray, index: int, context: VideoCodecContext) -> av.VideoFrame:
    """Pixels uint8 [H, W, C] as the encoder takes them, shown at `index` / rate."""
    frame = av.VideoFrame.from_ndarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels, FORMATS[pixels.shape[2]])
    if context.pix_fmt in ("yuv420p", "yuva420p"):
        frame = frame.reformat(
            format=context.pix_fmt,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
    frame.pts, frame.time_base = index, context.time_base
    return frame
