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
from train.data.duplicates import Fingerprint, Seen, fingerprint
from train.data.errors import DataError
from train.data.fitting import PrepareSettings, fitted, kept_box
from train.data.images import Decode, ImageSource
from train.data.labels import Labels, Value
from train.data.opening import open_images
from train.data.side_by_side import in_order

Result = TypeVar("Result")
Kind = Literal["broken", "small", "unlabelled", "duplicate", "near duplicate"]


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
        label: its class or vector afterwards.
    """

    source: int
    index: int
    size: tuple[int, int]
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
    """

    settings: PrepareSettings
    sources: tuple[ImageSource, ...]
    pictures: tuple[Planned, ...]
    left_out: tuple[LeftOut, ...]
    class_names: tuple[str, ...]

    def name(self, picture: Planned) -> str:
        """A picture's name inside its source."""
        return self.sources[picture.source].name(picture.index)

    def summary(self) -> list[str]:
        """The plan in sentences, for people to agree to."""
        asked, count = self.settings, len(self.pictures)
        lines = [
            f"{count} of {count + len(self.left_out)} pictures become {asked.width}×{asked.height} {asked.channels}."
        ]
        if self.pictures:
            least, most = (f(self.pictures, key=lambda p: p.size[0] * p.size[1]).size for f in (min, max))
            lines.append(f"Now they have {least[0]}×{least[1]} to {most[0]}×{most[1]} pixels.")
        shaped = sum(p.size[0] * asked.height != p.size[1] * asked.width for p in self.pictures)
        if shaped:
            how = "fitted, with a margin" if asked.crop == "fit" else f"cropped ({asked.crop})"
            lines.append(f"Of another shape, {how}: {shaped}.")
        enlarged = sum(self._is_enlarged(picture) for picture in self.pictures)
        if enlarged:
            lines.append(f"Enlarged: {enlarged}.")
        lines.extend(f"Left out, {kind}: {number}." for kind, number in Counter(p.kind for p in self.left_out).items())
        lines.extend(self._classes())
        return lines

    def _is_enlarged(self, picture: Planned) -> bool:
        left, top, right, bottom = kept_box(picture.size, self.settings)
        return right - left < self.settings.width and bottom - top < self.settings.height

    def _classes(self) -> list[str]:
        numbers = Counter(p.label for p in self.pictures if isinstance(p.label, int))
        names = self.class_names or tuple(map(str, range(max(numbers, default=-1) + 1)))
        return [f"Class {names[label]}: {numbers[label]}." for label in sorted(numbers)]


@dataclass(frozen=True)
class _Look:
    """What a picture turned out to be."""

    size: tuple[int, int]
    fingerprint: Fingerprint


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
    total = sum(map(len, opened))
    places = [(number, index) for number, source in enumerate(opened) for index in range(len(source))]
    for done, ((number, index), look) in enumerate(zip(places, _looks(opened, settings), strict=True)):
        watch.advance((done + 1) / total)
        label = labels[number].value(index)
        if is_labelled and label is None:
            problem: tuple[Kind, str] | None = ("unlabelled", "has no label")
        else:
            problem = _problem(look, settings, seen, lambda i: _named(opened, pictures[i]))
        if problem is None and isinstance(look, _Look):
            seen.add(look.fingerprint)
            pictures.append(Planned(number, index, look.size, label))
        elif problem is not None:
            left_out.append(LeftOut(source=number, name=opened[number].name(index), kind=problem[0], reason=problem[1]))
    return Plan(settings, opened, tuple(pictures), tuple(left_out), labels[0].names if labels else ())


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
    def work() -> Iterator[Callable[[], _Look | DataError]]:
        for source in sources:
            for index in range(len(source)):
                yield partial(attempt, deferred(source, index), partial(_look, settings=settings))
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


def _look(picture: Image.Image, settings: PrepareSettings) -> _Look:
    return _Look(picture.size, fingerprint(picture, fitted(picture, settings)))


def _problem(
    look: _Look | DataError, settings: PrepareSettings, seen: Seen, name: Callable[[int], str]
) -> tuple[Kind, str] | None:
    if isinstance(look, DataError):
        return "broken", look.reason
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
    return "near duplicate", f"differs in {bits} bits of its hash from {name(earlier)}"


def _named(sources: Sequence[ImageSource], picture: Planned) -> str:
    source = sources[picture.source]
    return f"'{source.name(picture.index)}' in {source.path.name}"
