"""PNG sequences: a folder with a file for each frame, each of them whole or not there, and each with its Scene.

What is there already of the same export is kept, so that one that was stopped becomes the same files as one that was
not.
"""

import json
import re
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.context import CodecContext

from stylegan_core.export.metadata import FOLDER_WALK
from stylegan_core.export.output import Order, Shape, Tell, require_place
from stylegan_core.export.settings import ExportError
from stylegan_core.files import write_whole
from stylegan_core.picture import SCENE_KEY, write_png
from stylegan_core.scene import Scene, scene_to_json
from stylegan_core.walk_file import write_walk

ORDER_FILE = "export.json"  # which export the folder is of: its fingerprint, settings, number and shape of frames
_FORMATS_16 = {1: "gray16be", 3: "rgb48be", 4: "rgba64be"}
_AFTER_HEADER = 33  # bytes of a PNG's signature and header: where other chunks may begin


class Folder:
    """See `output.Output`."""

    def __init__(self, order: Order):
        self.order = order
        self.shape: Shape | None = None
        self.written = 0

    def path_of(self, index: int) -> Path:
        """Where a frame lies."""
        return self.order.path / f"{index:06d}.png"

    def begin(self) -> Sequence[int]:
        """See `Output.begin`."""
        path, count = self.order.path, len(self.order.times_s)
        if path.exists() and not path.is_dir():
            raise ExportError(f"{path} is a file; name a folder for the pictures.")
        require_place(path)
        found = _read(path / ORDER_FILE)
        if found.get("fingerprint") == self.order.fingerprint:
            self.shape = (int(found["height"]), int(found["width"]), int(found["channels"]))
            for torn in path.glob(".*.part"):  # a file that was being written when the program was ended
                torn.unlink()
            missing = [index for index in range(count) if not self.path_of(index).exists()]
        else:
            self._make_room(bool(found))
            missing = list(range(count))
        self.written = count - len(missing)
        return missing

    def start(self, shape: Shape) -> None:
        """See `Output.start`."""
        self.shape = shape
        order, names = self.order, ("height", "width", "channels")
        data = {
            "fingerprint": order.fingerprint,
            "frames": len(order.times_s),
            **dict(zip(names, shape, strict=True)),
            "settings": order.settings.model_dump(mode="json"),
        }
        write_walk(order.walk, order.path / FOLDER_WALK)
        text = json.dumps(data, indent=2) + "\n"
        write_whole(order.path / ORDER_FILE, lambda file: file.write(text.encode()))

    def write(self, index: int, pixels: np.ndarray, scene: Scene) -> None:
        """See `Output.write`."""
        path = self.path_of(index)
        if pixels.dtype == np.uint16:
            data = png16(pixels, scene)
            write_whole(path, lambda file: file.write(data))
        else:
            write_png(path, pixels, scene)
        self.written += 1

    def finish(self, tell: Tell) -> None:
        """See `Output.finish`: every file is there."""
        tell(1.0)

    def close(self) -> None:
        """See `Output.close`: every file is whole."""

    def _make_room(self, is_export: bool) -> None:
        """Take away the pictures of another export, if they may be."""
        path = self.order.path
        there = [file for file in path.iterdir() if re.fullmatch(r"\d{6,}\.png", file.name)]
        if not there and not is_export:
            return
        if not self.order.overwrite:
            what = "another walk or one with other settings" if is_export else "pictures that are no export"
            raise ExportError(f"The folder {path} holds {what}; choose another one, or overwrite it.")
        for file in there:
            file.unlink()


def _read(path: Path) -> dict[str, Any]:
    """What a folder says of itself; empty where it says nothing that can be understood."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def png16(pixels: np.ndarray, scene: Scene) -> bytes:
    """A PNG of 16 bits a channel with the Scene inside; Pillow writes none in colour.

    Args:
        pixels: uint16 [H, W, C] with 1, 3 or 4 channels.
        scene: what made it.
    """
    encoder = CodecContext.create("png", "w")
    encoder.height, encoder.width = pixels.shape[:2]
    encoder.time_base, encoder.pix_fmt = Fraction(1), _FORMATS_16[pixels.shape[2]]
    frame = av.VideoFrame.from_ndarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels, encoder.pix_fmt)
    frame.pts, frame.time_base = 0, Fraction(1)
    data = b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
    body = b"iTXt" + SCENE_KEY.encode() + b"\0\0\0\0\0" + scene_to_json(scene).encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:_AFTER_HEADER] + chunk + data[_AFTER_HEADER:]
