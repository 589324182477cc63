"""Exports: a walk becomes a video, an animation, a sequence of pictures or a sheet of them.

It cannot fail without leaving what was written: see `run.py` for how it goes, `part.py` for how nothing is lost.
"""

from stylegan_core.export.formats import FormatInfo, available_formats, require_encoder, suffix_format
from stylegan_core.export.metadata import read_video_walk, sidecar
from stylegan_core.export.run import Export, Render, State, rendered
from stylegan_core.export.settings import ExportError, ExportSettings, export_settings

__all__ = [
    "Export",
    "ExportError",
    "ExportSettings",
    "FormatInfo",
    "Render",
    "State",
    "available_formats",
    "export_settings",
    "read_video_walk",
    "rendered",
    "require_encoder",
    "sidecar",
    "suffix_format",
]
