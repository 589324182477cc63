"""Small pictures, zips and videos for the tests of data."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np
from PIL import Image

import tests.strategies  # noqa: F401 - its profile: the same examples on every run, and no deadline

REPOSITORY = Path(__file__).resolve().parents[3]
DEMO = REPOSITORY / "assets" / "data" / "fluent_faces_128.zip"
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}


def pixels(seed: int, width: int = 8, height: int = 6, mode: str = "RGB") -> np.ndarray:
    """Random uint8 [C, H, W]."""
    return np.random.RandomState(seed).randint(0, 256, (CHANNELS[mode], height, width)).astype(np.uint8)


def picture(seed: int, width: int = 8, height: int = 6, mode: str = "RGB") -> Image.Image:
    array = pixels(seed, width, height, mode)
    return Image.fromarray(array[0] if mode == "L" else array.transpose(1, 2, 0))


def packed(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, format=kind, **options)
    return data.getvalue()


def files(count: int, *, width: int = 8, height: int = 6, mode: str = "RGB") -> dict[str, bytes]:
    """PNGs under the official format's names; picture i is `pixels(i, ...)`."""
    return {f"00000/img{i:08d}.png": packed(picture(i, width, height, mode)) for i in range(count)}


def listing(labels: Mapping[str, object], **more: object) -> bytes:
    return json.dumps({"labels": list(labels.items()), **more}).encode()


def archive(path: Path, entries: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return path


def folder(path: Path, entries: Mapping[str, bytes]) -> Path:
    for name, data in entries.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return path


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def video(
    path: Path, count: int = 24, codec: str = "libx264", *, width: int = 64, height: int = 64, bright_left: bool = False
) -> Path:
    """Frames of one grey each, 10 levels apart, with a key frame at every eighth; or white on their left half."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.gop_size = 8
        for index in range(count):
            picture = np.full((height, width, 3), index * 10, np.uint8)
            if bright_left:
                picture[:, : width // 2] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path
