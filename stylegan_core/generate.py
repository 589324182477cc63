"""Pictures in bulk: which ones are asked for, which are there already, and the rest made one after another.

A run is a function of its plan. Stopped anywhere, the same plan goes on with what is missing: a picture that is there
says itself, by the Scene inside it, whether it is the one that was asked for.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from stylegan_core import edits
from stylegan_core.card import ModelCard
from stylegan_core.errors import SceneError, StyleScopeError
from stylegan_core.files import try_folder
from stylegan_core.models import devices
from stylegan_core.picture import PictureFileError, read_scene, write_png
from stylegan_core.render import Renderer
from stylegan_core.scene import MAX_SEED, ClassWeight, ModelRef, Scene, only_picture

MAX_PICTURES = 1_000_000  # in one plan, which keeps about 1 KB for each


class GenerateError(StyleScopeError):
    """The pictures asked for cannot be made as asked; the message says what to ask for instead."""


@dataclass(frozen=True)
class PictureJob:
    """A picture to make: where it goes, and its Scene."""

    path: Path
    scene: Scene


def choose_device(name: str | None = None) -> torch.device:
    """The device of this name; the best there is if None.

    Raises:
        GenerateError: there is none of this name.
    """
    there = devices()
    name = there[0] if name is None else "cuda:0" if name == "cuda" else name
    if name not in there:
        raise GenerateError(f"There is no device '{name}' on this machine; give --device {' or '.join(there)}.")
    return torch.device(name)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds from words such as "0-99" or "1,2,5-7", in the order given, each once.

    Raises:
        GenerateError: a part is no seed, a range ends before it begins, or there are more than MAX_PICTURES.
    """
    spans = [_span("--seeds", part, MAX_SEED, "'0-99' or '1,2,5-7'") for part in text.split(",")]
    _check_count(sum(len(span) for span in spans))
    return tuple(dict.fromkeys(seed for span in spans for seed in span))


def parse_classes(text: str, c_dim: int) -> tuple[tuple[int, ...], ...]:
    """Series of pictures by class from words such as "0,2-4" (one series each) or "0+2" (one, of both in equal parts).

    Args:
        text: the words.
        c_dim: the number of classes that the model has.

    Returns:
        The classes of each series, sorted; each series once.

    Raises:
        GenerateError: a part is no class, or none that the model has.
    """
    series: list[tuple[int, ...]] = []
    for part in text.split(","):
        spans = [_span("--classes", word, c_dim - 1, "'0,1' or '0+1'") for word in part.split("+")]
        if len(spans) == 1:
            series.extend((index,) for index in spans[0])
        else:
            series.append(tuple(sorted({index for span in spans for index in span})))
    return tuple(dict.fromkeys(series))


def plan(
    card: ModelCard,
    ref: ModelRef,
    folder: Path,
    seeds: str,
    classes: str | None = None,
    base: Scene = Scene(),  # noqa: B008 - frozen
) -> list[PictureJob]:
    """The pictures that are asked for: all seeds of the first series of classes, then of the next.

    Args:
        card: of the model.
        ref: where the model is.
        folder: where the pictures go, as seed0000.png, or seed0000-class3.png where classes are given.
        seeds: see `parse_seeds`.
        classes: see `parse_classes`; None for those of `base`, or for class 0.
        base: everything else, such as truncation, noise, mixing and edits.

    Raises:
        GenerateError: something does not suit the model.
    """
    numbers = parse_seeds(seeds)
    if card.img_channels > 4:
        raise GenerateError(f"{card.name} makes pictures of {card.img_channels} channels; a PNG has 1 to 4.")
    cutoff = base.truncation.cutoff
    if cutoff is not None and cutoff > card.num_ws:
        raise GenerateError(
            f"{card.name} has {card.num_ws} style vectors, so the cutoff may be 0 to {card.num_ws}, not {cutoff}."
        )
    if classes is not None and not card.c_dim:
        raise GenerateError(f"{card.name} has no classes; leave out --classes.")
    base = only_picture(edits.fit(base, card, ref))
    variants = {"": base}
    if classes is not None:
        variants = {_class_suffix(group): _of_classes(base, group) for group in parse_classes(classes, card.c_dim)}
    _check_count(len(variants) * len(numbers))
    return [
        PictureJob(folder / f"seed{seed:04d}{suffix}.png", edits.set_seed(scene, seed))
        for suffix, scene in variants.items()
        for seed in numbers
    ]


def is_made(job: PictureJob, overwrite: bool = False) -> bool:
    """Whether the picture is there already. Where its model lay when it was made does not matter, its digest does.

    Args:
        job: the picture.
        overwrite: whether something else in its place may be replaced.

    Raises:
        GenerateError: something else is in its place and may not be replaced.
    """
    if not job.path.exists():
        return False
    remedy = "give --overwrite to replace it, or another folder."
    try:
        found = _without_path(read_scene(job.path))
    except SceneError as error:
        if overwrite:
            return False
        raise GenerateError(
            f"{job.path} is there, but is damaged or not a picture of StyleScope's: {remedy}"
        ) from error
    wanted = _without_path(job.scene)
    other = [name for name in Scene.model_fields if getattr(found, name) != getattr(wanted, name)]
    if other and not overwrite:
        raise GenerateError(f"{job.path} is there, but differs in its {' and '.join(other)}: {remedy}")
    return not other


def require_folder(folder: Path) -> None:
    """Make a folder if it is not there, and be sure that it can be written to.

    Raises:
        PictureFileError: it cannot.
    """
    try:
        try_folder(folder)
    except OSError as error:
        raise PictureFileError(f"The folder {folder} cannot be written to: {error.strerror or error}.") from error


def generate(jobs: Iterable[PictureJob], renderer: Renderer) -> Iterator[PictureJob]:
    """Make pictures; what stands in their places is replaced.

    One at a time, as the window does: in a batch, sums may be taken in another order and pixels differ by one.

    Yields:
        Each job once its file is complete.

    Raises:
        StyleScopeError: a picture cannot be rendered or written; those before it are complete.
    """
    for job in jobs:
        frame = renderer.render(job.scene)
        if frame.pixels is None:
            raise StyleScopeError(frame.error)
        write_png(job.path, frame.pixels.cpu().numpy(), job.scene)
        yield job


def _span(option: str, part: str, largest: int, example: str) -> range:
    """The numbers of "7" or "3-9"."""
    part = part.strip()
    match = re.fullmatch(r"0*([0-9]{1,10})(?:-0*([0-9]{1,10}))?", part)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, largest + 1)
    if max(first, last) > largest:
        raise GenerateError(f"{option}: '{part[:40]}' is not among the numbers 0 to {largest}; write {example}.")
    if last < first:
        raise GenerateError(f"{option}: the range '{part}' ends before it begins; write '{last}-{first}'.")
    return range(first, last + 1)


def _check_count(count: int) -> None:
    if count > MAX_PICTURES:
        raise GenerateError(f"{count} pictures are too many for one run; ask for at most {MAX_PICTURES} at a time.")


def _class_suffix(group: tuple[int, ...]) -> str:
    return "-class" + "+".join(map(str, group))


def _of_classes(scene: Scene, group: tuple[int, ...]) -> Scene:
    return scene.model_copy(update={"classes": tuple(ClassWeight(index=index) for index in group)})


def _without_path(scene: Scene) -> Scene:
    return scene.model_copy(update={"model": scene.model.model_copy(update={"path": ""})})
