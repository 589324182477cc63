"""The settings of an export: format, size, rate and the rest, and a line that says what will be written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from stylegan_core.card import ModelCard
from stylegan_core.export.formats import NAMES, SUFFIXES, available_formats, require_encoder
from stylegan_core.export.framing import target_shape
from stylegan_core.export.settings import (
    CODECS,
    MAX_GIF_FPS,
    Codec,
    ExportError,
    ExportSettings,
    Fit,
    Format,
    export_settings,
)
from stylegan_core.walk import Walk
from visualizer.exporting import all_of, num_frames
from visualizer.library import absolute
from widgets.bind import tooltip
from widgets.ui import Ui, form_row

LABELS_PX = 104  # the column of names
CODEC_NAMES: dict[Codec, str] = {"h264": "H.264", "hevc": "HEVC (H.265)", "av1": "AV1", "vp9": "VP9"}
SIZES: dict[str, tuple[int | None, int | None]] = {
    "as the model": (None, None),
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "4K": (3840, 2160),
    "square": (1080, 1080),
}
OWN = "own"
FITS: dict[Fit, str] = {
    "letterbox": "whole, with bars",
    "crop": "filled, edges cut off",
    "pad": "whole, never enlarged",
    "stretch": "stretched",
}
BLURS = {1: "off", 2: "2 pictures a frame", 4: "4 pictures a frame", 8: "8 pictures a frame", 16: "16 pictures a frame"}
NOT_HERE = "  (not installed)"
WHOLE, PART = "all of the walk", "from in to out"


def suffix_of(format_: Format) -> str:
    """How files of a format end, with the dot; empty: it is a folder."""
    return next(suffix for suffix, other in SUFFIXES.items() if other == format_.removesuffix("16"))


class ExportForm:
    """Belongs to the export window; `settings`, `walk` and `path` are what it says."""

    def __init__(self, ui: Ui):
        self._ui = ui
        self.settings: ExportSettings = ui.explorer.session.export
        self._own: tuple[int, int] | None = None  # the size in px that somebody typed; None: a preset
        size = (self.settings.width, self.settings.height)
        if size not in SIZES.values():
            self._own = (self.settings.width or 1024, self.settings.height or 1024)
        self._whole = False  # whether in and out points are left aside
        self._seen: tuple[object, ...] = ()
        self.obstacle = ""  # why nothing can be exported so; empty: it can
        self.there = {info.format: info for info in available_formats()}

    # -- what it says --------------------------------------------------------------------------------------------------

    def walk(self, walk: Walk) -> Walk:
        """The part of a walk that is to be exported."""
        return all_of(walk) if self._whole else walk

    @property
    def path(self) -> Path | None:
        """Where to, with the ending that the format has; None: nothing is written there."""
        text, format_ = dpg.get_value("export.path").strip(), self.settings.format
        if not text:
            return None
        if not self.settings.is_folder and SUFFIXES.get(Path(text).suffix.lower()) != format_:
            text += suffix_of(format_)
        return absolute(Path(text)) if text.startswith("~") else self._ui.explorer.pictures / text

    @property
    def replaces(self) -> bool:
        """Whether what is there may be replaced."""
        return bool(dpg.get_value("export.replace"))

    def suggest(self, path: Path) -> None:
        """Fill in a place, without its ending."""
        dpg.set_value("export.path", f"{path}{suffix_of(self.settings.format)}")
        dpg.set_value("export.replace", False)
        self._seen = ()

    # -- building ------------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Make its items in the container that is open."""
        names = [self._format_name(format_) for format_ in NAMES]
        self._row("Format", lambda: self._combo("export.format", names, self._set_format))
        tooltip("export.format", "Every one of them carries the walk, or has it in a file beside: it can be opened.")
        self._row("Codec", lambda: self._combo("export.codec", [], self._set_codec))
        tooltip("export.codec", "H.264 plays everywhere; HEVC and AV1 make smaller files, and take longer.")
        self._row("Size", self._build_size)
        self._row("Fit", lambda: self._combo("export.fit", list(FITS.values()), self._set_fit))
        tooltip("export.fit", "How the model's picture fills another shape.")
        self._row("Background", self._build_background)
        self._row("Rate", self._build_rate)
        self._row("Sheet", self._build_sheet)
        self._row("Quality", self._build_quality)
        self._row("Motion blur", self._build_blur)
        self._row("Sound", self._build_sound)
        self._row("Part", self._build_part)
        self._row("File", lambda: dpg.add_input_text(tag="export.path", width=-1, callback=self._typed_path))
        tooltip("export.path", "Where it is written. Folders are made.")
        self._row("", lambda: dpg.add_checkbox(label="replace what is there", tag="export.replace"), "replace")
        self._fill()

    def _row(self, label: str, build: Any, key: str = "") -> None:
        key = key or label.lower().replace(" ", "_")
        form_row(f"export.row.{key}", label, self._ui.px(LABELS_PX), build)

    def _combo(self, tag: str, items: Sequence[str], callback: Any, width: int = -1) -> None:
        dpg.add_combo(items=list(items), tag=tag, width=width, callback=lambda _, value: callback(value))

    def _build_size(self) -> None:
        with dpg.group(horizontal=True):
            self._combo("export.size", [*SIZES, OWN], self._set_size, self._ui.px(150))
            with dpg.group(horizontal=True, tag="export.own"):
                for side in ("width", "height"):
                    dpg.add_input_int(
                        tag=f"export.{side}", width=self._ui.px(70), step=0, min_value=16, max_value=16384,
                        min_clamped=True, max_clamped=True, callback=self._set_own,
                    )  # fmt: skip
                    dpg.add_text("×" if side == "width" else "px")

    def _build_background(self) -> None:
        with dpg.group(horizontal=True):
            dpg.add_color_edit(
                tag="export.background", no_alpha=True, no_inputs=True, no_label=True, callback=self._set_background
            )
            tooltip("export.background", "What lies beside a picture of another shape, and under what is transparent.")
            dpg.add_checkbox(
                label="keep transparency", tag="export.alpha", callback=lambda _, value: self._change(alpha=value)
            )
            tooltip("export.alpha", "Else transparent pictures are laid over the background.")

    def _build_rate(self) -> None:
        with dpg.group(horizontal=True):
            dpg.add_input_float(
                tag="export.fps", width=self._ui.px(70), step=0, min_value=0.1, max_value=240, min_clamped=True,
                max_clamped=True, format="%g", callback=lambda _, fps: self._change(fps=float(f"{fps:.6g}")),
            )  # fmt: skip
            dpg.add_text("frames/s")

    def _build_sheet(self) -> None:
        with dpg.group(horizontal=True):
            for field, most, words in (("pictures", 1024, "pictures in"), ("columns", 64, "columns")):
                dpg.add_input_int(
                    tag=f"export.{field}", width=self._ui.px(60), step=0, min_value=1, max_value=most, min_clamped=True,
                    max_clamped=True, user_data=field, callback=lambda _, value, name: self._change(**{name: value}),
                )  # fmt: skip
                dpg.add_text(words)

    def _build_quality(self) -> None:
        dpg.add_slider_int(
            tag="export.quality", width=-1, min_value=1, max_value=100, format="%d of 100", clamped=True,
            callback=lambda _, value: self._change(quality=value),
        )  # fmt: skip
        tooltip("export.quality", "Higher: a larger file, and less of a loss. WebP loses nothing at 100.")

    def _build_blur(self) -> None:
        with dpg.group(horizontal=True):
            self._combo("export.blur", list(BLURS.values()), self._set_blur, self._ui.px(170))
            tooltip("export.blur", "Each frame is the mean of so many pictures, and takes as many times longer.")
            dpg.add_slider_float(
                tag="export.shutter", width=-1, min_value=5, max_value=100, format="open for %.0f %% of a frame",
                clamped=True, callback=lambda _, value: self._change(shutter=round(value) / 100),
            )  # fmt: skip

    def _build_sound(self) -> None:
        dpg.add_checkbox(label="", tag="export.sound", callback=lambda _, value: self._change(sound=value))

    def _build_part(self) -> None:
        dpg.add_radio_button(
            [WHOLE, PART], tag="export.part", horizontal=True, callback=lambda _, value: self._set_part(value)
        )

    # -- changing ------------------------------------------------------------------------------------------------------

    def _change(self, **changes: Any) -> None:
        values = self.settings.model_dump() | changes
        if values["format"] == "gif":
            values["fps"] = min(values["fps"], float(MAX_GIF_FPS))
        if values["format"] in CODECS:  # which have even sides
            for side in ("width", "height"):
                values[side] = values[side] and values[side] // 2 * 2
        try:
            self.settings = export_settings(values)
        except ExportError as error:  # said beside the button, for as long as it is so
            self.obstacle = str(error)
            return
        self._ui.explorer.keeping.change(export=self.settings)
        self._seen = ()

    def _set_format(self, name: str) -> None:
        format_ = next(format_ for format_ in NAMES if self._format_name(format_) == name)
        before = suffix_of(self.settings.format)
        codecs = self.there[format_].codecs if format_ in self.there else ()
        self._change(format=format_, codec=codecs[0] if codecs else None)
        text = dpg.get_value("export.path")
        if text:
            dpg.set_value("export.path", text.removesuffix(before) + suffix_of(format_))
        self._fill()

    def _set_codec(self, name: str) -> None:
        name = name.removesuffix(NOT_HERE)
        self._change(codec=next(codec for codec, other in CODEC_NAMES.items() if other == name))

    def _set_background(self) -> None:
        self._change(background=tuple(round(value) for value in dpg.get_value("export.background")[:3]))

    def _set_size(self, name: str) -> None:
        if name == OWN:
            self._own = (self.settings.width or 1024, self.settings.height or 1024)
            self._set_own()
        else:
            self._own = None
            width, height = SIZES[name]
            self._change(width=width, height=height)
        self._fill()

    def _set_own(self) -> None:
        if self._own is not None:
            self._own = (dpg.get_value("export.width") or self._own[0], dpg.get_value("export.height") or self._own[1])
            self._change(width=self._own[0], height=self._own[1])

    def _set_fit(self, words: str) -> None:
        self._change(fit=next(fit for fit, other in FITS.items() if other == words))

    def _set_blur(self, words: str) -> None:
        self._change(motion_blur=next(count for count, other in BLURS.items() if other == words))
        self._fill()

    def _set_part(self, words: str) -> None:
        self._whole = words == WHOLE
        self._seen = ()

    def _typed_path(self) -> None:
        self._seen = ()

    # -- showing -------------------------------------------------------------------------------------------------------

    def sync(self, walk: Walk | None, card: ModelCard | None) -> None:
        """Once a frame while it is open: show what suits the walk, and say what will be written."""
        seen = (id(walk), card, self.settings)
        if walk is None or seen == self._seen:
            return
        self._seen, self._walk = seen, walk  # kept, so that no other walk has its number
        parted = walk.span != all_of(walk).span
        dpg.configure_item("export.row.part", show=parted)
        dpg.set_value("export.part", WHOLE if self._whole else PART)
        dpg.configure_item("export.row.sound", show=bool(walk.sound) and self.settings.is_video)
        dpg.configure_item("export.sound", label=Path(walk.sound).name)
        bars = self.settings.fit in ("letterbox", "pad") and (self.settings.width or self.settings.height)
        clear = card is not None and card.has_alpha
        dpg.configure_item("export.row.background", show=bool(bars or clear))
        dpg.configure_item("export.alpha", show=clear and self.settings.can_keep_alpha)
        dpg.set_value("export.says", self._plan(self.walk(walk), card))
        self.obstacle = self._why_not()
        dpg.set_value("export.obstacle", self.obstacle)
        dpg.configure_item("export.obstacle", show=bool(self.obstacle))

    def _plan(self, walk: Walk, card: ModelCard | None) -> str:
        """What will be written, in a line."""
        settings, frames = self.settings, num_frames(walk, self.settings)
        size = ""
        if card is not None:
            high, wide, _ = target_shape((card.height, card.width, card.img_channels), settings)
            size = f", {wide}×{high} px"
        if settings.format == "sheet":
            return f"One picture of {frames}{size.replace(', ', ', each ')}."
        what = "pictures" if settings.is_folder else "frames"
        first, last = walk.span
        return f"{frames} {what}, {last - first:g} s at {settings.fps:g} frames/s{size}."

    def _why_not(self) -> str:
        if self.path is None:
            return "Say where the file is to go."
        try:
            require_encoder(self.settings)
        except ExportError as error:
            return str(error)
        return ""

    def _fill(self) -> None:
        """Show the settings, and the rows that mean something to the format."""
        settings = self.settings
        dpg.set_value("export.format", self._format_name(settings.format))
        info = self.there.get(settings.format)
        here = info.codecs if info is not None else ()
        codecs = CODECS.get(settings.format, ())
        names = {codec: CODEC_NAMES[codec] + ("" if codec in here else NOT_HERE) for codec in codecs}
        dpg.configure_item("export.codec", items=list(names.values()))
        dpg.set_value("export.codec", names.get(settings.chosen_codec, "") if settings.chosen_codec else "")
        size = (settings.width, settings.height)
        own = self._own is not None
        dpg.set_value("export.size", OWN if own else next(name for name, each in SIZES.items() if each == size))
        dpg.configure_item("export.own", show=own)
        dpg.set_value("export.width", settings.width or 0)
        dpg.set_value("export.height", settings.height or 0)
        dpg.set_value("export.fit", FITS[settings.fit])
        dpg.set_value("export.background", [*settings.background, 255])
        dpg.set_value("export.alpha", settings.alpha)
        dpg.set_value("export.fps", settings.fps)
        dpg.set_value("export.pictures", settings.pictures)
        dpg.set_value("export.columns", settings.columns)
        dpg.set_value("export.quality", settings.quality)
        dpg.set_value("export.blur", BLURS.get(settings.motion_blur, BLURS[1]))
        dpg.set_value("export.shutter", settings.shutter * 100)
        dpg.configure_item("export.shutter", show=settings.motion_blur > 1)
        dpg.set_value("export.sound", settings.sound)
        sheet, video = settings.format == "sheet", settings.is_video
        rows = {"codec": video, "fit": size != (None, None), "rate": not sheet, "sheet": sheet}
        for row, shown in (rows | {"quality": video or settings.format == "webp", "motion_blur": not sheet}).items():
            dpg.configure_item(f"export.row.{row}", show=shown)

    def _format_name(self, format_: Format) -> str:
        return NAMES[format_] + ("" if format_ in self.there else NOT_HERE)
