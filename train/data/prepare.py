"""Preparing pictures to learn from: first a plan that says what will be done, then the doing (packing.py)."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from PIL import Image
from pydantic import BaseModel, ConfigDict

from stylegan_core.watch import Watch
from train.data.duplicates import HASH_BITS, Fingerprint, Seen, fingerprint
from train.data.errors import DataError
from train.data.fitting import Channels, PrepareSettings, fitted, kept_box, png
from train.data.images import Decode, ImageSource
from train.data.labels import Labels, Value
from train.data.opening import open_images
from train.data.side_by_side import in_order

Result = TypeVar("Result")
Kind = Literal["broken", "small", "unlabelled", "duplicate", "near duplicate"]
KIND_WORDS: dict[Kind, str] = {
    "broken": "broken",
    "small": "too small",
    "unlabelled": "without a label",
    "duplicate": "the same as another",
    "near duplicate": "much like another",
}
CHANNEL_WORDS: dict[Channels, str] = {"grey": "grey", "rgb": "in colour", "rgba": "in colour, with transparency"}
_WEIGHED = 64  # pictures packed to tell the size of all
_CLASSES = 12  # that are told by name


class LeftOut(BaseModel):
    """A picture that does not take part.

    Attributes:
        source: number of the source.
        name: the picture's inside it.
        kind, reason: why.
    """

    model_config = ConfigDict(frozen=True)

    source: int
    name: str
    kind: Kind
    reason: str


@dataclass(frozen=True)
class Planned:
    """A picture that will take part.

    Attributes:
        source: number of the source.
        index: the picture's inside it.
        size: width and height as it is now, px.
        mode: L, RGB or RGBA as it is now.
        label: its class or vector afterwards.
    """

    source: int
    index: int
    size: tuple[int, int]
    mode: str
    label: Value | None


@dataclass(frozen=True)
class Plan:
    """What a preparation is going to do.

    Attributes:
        settings: what was asked for.
        sources: where pictures come from.
        pictures: those that take part, in order.
        left_out: those that do not, in order.
        class_names: of the classes, if they have any.
        num_bytes: about how large the zip will be.
    """

    settings: PrepareSettings
    sources: tuple[ImageSource, ...]
    pictures: tuple[Planned, ...]
    left_out: tuple[LeftOut, ...]
    class_names: tuple[str, ...]
    num_bytes: int

    def check(self) -> None:
        """Be sure that there is something to do.

        Raises:
            DataError: no picture takes part.
        """
        if not self.pictures:
            why = "loosen the settings, or give other pictures" if self.left_out else "give other pictures"
            raise DataError(f"No picture is left to prepare; {why}.")

    def name(self, picture: Planned) -> str:
        """A picture's name inside its source."""
        return self.sources[picture.source].name(picture.index)

    def place(self, left_out: LeftOut) -> str:
        """Where a picture is that does not take part: its name, and its source's where there are several."""
        several = f" in {self.sources[left_out.source].path.name}" if len(self.sources) > 1 else ""
        return f"{left_out.name}{several}"

    def summary(self) -> list[str]:
        """The plan in sentences, for people to agree to."""
        asked, count = self.settings, len(self.pictures)
        if not self.pictures and not self.left_out:
            return self._others()
        lines = [
            f"{count} of {count + len(self.left_out)} pictures become {asked.width}×{asked.height} px, "
            f"{CHANNEL_WORDS[asked.channels]}."
        ]
        if self.pictures:
            least, most = (f(self.pictures, key=lambda p: p.size[0] * p.size[1]).size for f in (min, max))
            span = "×".join(map(str, least)) + ("" if least == most else " to " + "×".join(map(str, most)))
            lines.append(f"Now they have {span} px.")
        shaped = sum(p.size[0] * asked.height != p.size[1] * asked.width for p in self.pictures)
        if shaped:
            how = "fitted, with a margin" if asked.crop == "fit" else f"cropped ({asked.crop})"
            lines.append(f"Of another shape, {how}: {shaped}.")
        enlarged = sum(self._is_enlarged(picture) for picture in self.pictures)
        if enlarged:
            lines.append(f"Enlarged: {enlarged}.")
        lines.extend(self._channels())
        left_out = Counter(p.kind for p in self.left_out)
        lines.extend(f"Left out, {words}: {left_out[kind]}." for kind, words in KIND_WORDS.items() if left_out[kind])
        return [*lines, *self._labels(), *self._others()]

    def _is_enlarged(self, picture: Planned) -> bool:
        left, top, right, bottom = kept_box(picture.size, self.settings)
        return right - left < self.settings.width and bottom - top < self.settings.height

    def _channels(self) -> list[str]:
        lines, modes = [], Counter(picture.mode for picture in self.pictures)
        if modes["RGBA"] and self.settings.channels != "rgba":
            colour = "#" + bytes(self.settings.background).hex()
            lines.append(f"Transparent, put on the colour {colour}: {modes['RGBA']}.")
        if self.settings.channels == "grey" and (coloured := modes["RGB"] + modes["RGBA"]):
            lines.append(f"Coloured, made grey: {coloured}.")
        return lines

    def _labels(self) -> list[str]:
        labels = [picture.label for picture in self.pictures if picture.label is not None]
        if not labels:
            return []
        if isinstance(labels[0], tuple):
            return [f"Labels: vectors of {len(labels[0])} numbers."]
        numbers = Counter(label for label in labels if isinstance(label, int))
        names = self.class_names or tuple(map(str, range(max(numbers) + 1)))
        told = [f"{names[label]} {numbers[label]}" for label in sorted(numbers)]
        more = f" and {len(told) - _CLASSES} more" if len(told) > _CLASSES else ""
        return [f"Classes: {', '.join(told[:_CLASSES])}{more}."]

    def _others(self) -> list[str]:
        lines = [f"{source.path.name} holds no pictures." for source in self.sources if not len(source)]
        others = sum((Counter(source.others) for source in self.sources), Counter())
        if others:
            told = ", ".join(f"{number} {what}" for what, number in others.most_common(_CLASSES))
            lines.append(f"Other files, not looked at: {told}.")
        return lines


@dataclass(frozen=True)
class _Look:
    """What a picture turned out to be."""

    size: tuple[int, int]
    mode: str
    fingerprint: Fingerprint
    num_bytes: int | None  # packed; None: not weighed


def plan(sources: Sequence[str | Path], settings: PrepareSettings, watch: Watch = Watch()) -> Plan:  # noqa: B008
    """Look at every picture, change nothing, and say what `packing.run` would do.

    A picture that cannot be used is in `left_out` with its reason; it never ends the work.

    Args:
        sources: folders, zips and videos, in the order that their pictures are to have.
        settings: see `PrepareSettings`.
        watch: progress, and whether anybody waits still.

    Raises:
        DataError: a source cannot be opened, or labels of sources do not go together.
        Cancelled: the watch says that nobody waits.
    """
    opened = tuple(
        open_images(path, folders_as_classes=settings.labels == "folders", every=settings.every) for path in sources
    )
    labels = joined_labels(opened) if settings.labels != "none" else [Labels()] * len(opened)
    is_labelled = any(found.values for found in labels)
    seen = Seen(settings.exact_duplicates, settings.near_bits)
    pictures: list[Planned] = []
    left_out: list[LeftOut] = []
    weights: list[int] = []
    total = sum(map(len, opened))
    places = [(number, index) for number, source in enumerate(opened) for index in range(len(source))]
    for done, ((number, index), look) in enumerate(zip(places, _looks(opened, settings), strict=True)):
        watch.advance((done + 1) / total)
        label = labels[number].value(index)
        lacks_label = is_labelled and label is None
        problem = _problem(look, lacks_label, settings, seen, lambda i: _named(opened, pictures[i]))
        if problem is None and isinstance(look, _Look):
            seen.add(look.fingerprint)
            pictures.append(Planned(number, index, look.size, look.mode, label))
            weights.extend([look.num_bytes] if look.num_bytes is not None else [])
        elif problem is not None:
            left_out.append(LeftOut(source=number, name=opened[number].name(index), kind=problem[0], reason=problem[1]))
    num_bytes = round(sum(weights) / max(1, len(weights)) * len(pictures))
    return Plan(settings, opened, tuple(pictures), tuple(left_out), labels[0].names if labels else (), num_bytes)


def joined_labels(sources: Sequence[ImageSource]) -> list[Labels]:
    """The labels of several sources, numbered together; classes of one name become one.

    Raises:
        DataError: they are of different kinds, or some sources have none.
    """
    every = [source.labels for source in sources]
    if not any(labels.values for labels in every):
        return every
    kinds = [(labels.are_classes, bool(labels.names), 0 if labels.are_classes else labels.width) for labels in every]
    for source, kind in zip(sources, kinds, strict=True):
        if kind != kinds[0]:
            raise DataError(
                f"The labels of {source.path} do not go with those of {sources[0].path}; prepare them one by one, "
                "or without labels."
            )
    names = tuple(sorted({name for labels in every for name in labels.names}))
    return [_renumbered(labels, names) if names else labels for labels in every]


def _renumbered(labels: Labels, names: tuple[str, ...]) -> Labels:
    number = [names.index(name) for name in labels.names]
    return Labels(tuple(number[v] if isinstance(v, int) else v for v in labels.values), names)


def _looks(sources: Sequence[ImageSource], settings: PrepareSettings) -> Iterator[_Look | DataError]:
    step = -(-sum(map(len, sources)) // _WEIGHED)

    def work() -> Iterator[Callable[[], _Look | DataError]]:
        place = 0
        for source in sources:
            for index in range(len(source)):
                look = partial(_look, settings=settings, weigh=place % step == 0)
                yield partial(attempt, deferred(source, index), look)
                place += 1
            source.close()

    return in_order(work())


def deferred(source: ImageSource, index: int) -> Decode:
    """What decodes a picture that has been read; it raises the DataError of reading, too."""
    try:
        return source.fetch(index)
    except DataError as error:
        return partial(_raise, error)


def attempt(decode: Decode, use: Callable[[Image.Image], Result]) -> Result | DataError:
    """What `use` makes of a picture, or the error that it cannot be decoded."""
    try:
        return use(decode())
    except DataError as error:
        return error


def _raise(error: DataError) -> Image.Image:
    raise error


def _look(picture: Image.Image, settings: PrepareSettings, weigh: bool) -> _Look:
    num_bytes = len(png(picture, settings)) if weigh else None
    return _Look(picture.size, picture.mode, fingerprint(picture, fitted(picture, settings)), num_bytes)


def _problem(
    look: _Look | DataError, lacks_label: bool, settings: PrepareSettings, seen: Seen, name: Callable[[int], str]
) -> tuple[Kind, str] | None:
    if isinstance(look, DataError):
        return "broken", look.reason
    if lacks_label:
        return "unlabelled", "has no label"
    left, top, right, bottom = kept_box(look.size, settings)
    side = min(right - left, bottom - top)
    if side < settings.smallest_side:
        return "small", f"keeps {side:.0f} px on its shorter side, less than {settings.smallest_side}"
    found = seen.find(look.fingerprint)
    if found is None:
        return None
    earlier, bits = found
    if bits is None:
        return "duplicate", f"has the pixels of {name(earlier)}"
    return "near duplicate", f"looks like {name(earlier)}: of their hashes {bits} of {HASH_BITS} bits differ"


def _named(sources: Sequence[ImageSource], picture: Planned) -> str:
    source = sources[picture.source]
    return f"'{source.name(picture.index)}' in {source.path.name}"
