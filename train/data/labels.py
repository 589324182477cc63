"""Labels of pictures: classes or vectors, from the official format's dataset.json or from the names of folders."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from train.data.errors import DataError

Value = int | tuple[float, ...]  # a class's number, or a vector

MAX_WIDTH = 1 << 16  # of a label; a network's first layer has a row for each
MAX_JSON_BYTES = 256 << 20


@dataclass(frozen=True)
class Labels:
    """A label for each picture, or none for any.

    Attributes:
        values: by picture; None for one that has no label. Empty where nothing is labelled.
        names: of the classes, if they have any.
    """

    values: tuple[Value | None, ...] = ()
    names: tuple[str, ...] = ()

    @cached_property
    def width(self) -> int:
        """Numbers in a label; 0 without labels."""
        known = [value for value in self.values if value is not None]
        if not known:
            return 0
        first = known[0]
        if isinstance(first, tuple):
            return len(first)
        return max(len(self.names), 1 + max(value for value in known if isinstance(value, int)))

    @property
    def are_classes(self) -> bool:
        """Whether labels are classes rather than vectors."""
        return any(isinstance(value, int) for value in self.values)

    def missing(self) -> int | None:
        """The first picture without a label, if others have one."""
        return next((index for index, value in enumerate(self.values) if value is None), None)

    def value(self, index: int) -> Value | None:
        """A picture's class or vector; None if it has no label."""
        return self.values[index] if self.values else None

    def vector(self, index: int) -> np.ndarray:
        """A picture's label as float32 [width]; a class as 1 in its place. Zeros without one."""
        value, vector = self.value(index), np.zeros(self.width, np.float32)
        if isinstance(value, int):
            vector[value] = 1
        elif value is not None:
            vector[:] = value
        return vector


def labels_from_json(data: bytes, pictures: Sequence[str], where: str) -> Labels:
    """Labels out of a dataset.json: {"labels": [[name, class or vector], ...]}; "labels" may be null.

    Args:
        data: the file's content.
        pictures: the names that are looked up.
        where: the file's name for errors.

    Raises:
        DataError: it is no such file, or two labels do not go together.
    """
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is not JSON ({error}); mend it, or remove it to learn without labels.") from error
    if not isinstance(content, dict) or not isinstance(content.get("labels"), list | None):
        raise DataError(f'{where} has no list "labels"; mend it, or remove it to learn without labels.')
    if not content.get("labels"):
        return Labels()
    found = dict(_entry(entry, where) for entry in content["labels"])
    names = content.get("class_names")
    is_known = isinstance(names, list) and len(names) <= MAX_WIDTH and all(map(_is_name, names))
    values = tuple(found.get(name) for name in pictures)
    _check_alike([value for value in values if value is not None], where)
    return Labels(values, tuple(names) if names and is_known else ())


def labels_from_folders(pictures: Sequence[str]) -> Labels:
    """A class for each first folder in the pictures' names, in alphabetical order; none for what lies beside them."""
    tops = [name.split("/", 1)[0] if "/" in name else None for name in pictures]
    classes = tuple(sorted({top for top in tops if top is not None}))
    if not classes:
        return Labels()
    number = {name: index for index, name in enumerate(classes)}
    return Labels(tuple(None if top is None else number[top] for top in tops), classes)


def _entry(entry: object, where: str) -> tuple[str, Value]:
    if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str):
        value = _value(entry[1])
        if value is not None:
            return entry[0].replace("\\", "/"), value
    raise DataError(
        f"{where} has an entry {str(entry)[:80]} that is no label; write [name, class], the class from 0 to "
        f"{MAX_WIDTH - 1}, or [name, [numbers]]."
    )


def _value(value: object) -> Value | None:
    if type(value) is int and 0 <= value < MAX_WIDTH:
        return value
    if isinstance(value, list) and 0 < len(value) <= MAX_WIDTH:
        if all(type(number) in (int, float) and abs(number) < math.inf for number in value):
            try:
                return tuple(float(number) for number in value)
            except OverflowError:  # an integer of hundreds of digits
                return None
    return None


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.isprintable()


def _check_alike(values: Sequence[Value], where: str) -> None:
    kinds = {len(value) if isinstance(value, tuple) else 0 for value in values}
    if len(kinds) > 1:
        shown = " and ".join(f"vectors of {kind}" if kind else "classes" for kind in sorted(kinds)[:2])
        raise DataError(f"{where} has labels of different kinds ({shown}); give all pictures one kind.")
