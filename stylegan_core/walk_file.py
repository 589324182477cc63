"""Walks and takes as JSON, and in files: fit to be read by a person, exact, and of older versions too."""

import json
from operator import attrgetter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stylegan_core.deltas import changed, changes
from stylegan_core.errors import SceneError, first_wrong
from stylegan_core.files import write_whole
from stylegan_core.scene import SCENE_VERSION, Scene, scene_from_data
from stylegan_core.walk import WALK_VERSION, Clip, Key, Sample, Take, Walk, WalkError


def walk_to_json(walk: Walk) -> str:
    """The walk as JSON, fit to be read by a person; of a take's Scenes only what changes from one to the next."""
    return json.dumps(walk_to_data(walk), indent=1) + "\n"


def walk_to_data(walk: Walk) -> dict[str, Any]:
    """The walk as what JSON is made of."""
    data = walk.model_dump(mode="json", exclude={"clips"})
    data["clips"] = [
        {**clip.model_dump(mode="json", exclude={"take"}), "take": take_to_data(clip.take)} for clip in walk.clips
    ]
    return data


def take_to_data(take: Take) -> dict[str, Any]:
    """A take as what JSON is made of: its first Scene whole, of the others what changes."""
    before: dict[str, Any] = {}
    samples = []
    for sample in take.samples:
        scene = sample.scene.model_dump(mode="json")
        samples.append([sample.time_s, changes(before, scene) if before else scene])
        before = scene
    return {"name": take.name, "samples": samples}


def walk_from_json(text: str, source: str = "the walk") -> Walk:
    """Read a walk; Scenes of older versions are brought forward.

    Args:
        text: what `walk_to_json` wrote.
        source: named in the error, such as the file's path.

    Raises:
        WalkError: in one sentence, which field is wrong and why.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WalkError(f"{source} is not JSON ({error}).") from error
    return walk_from_data(data, source)


def walk_from_data(data: object, source: str = "the walk") -> Walk:
    """Read a walk from parsed JSON; see `walk_from_json`."""
    if not isinstance(data, dict):
        raise WalkError(f"{source} holds no walk: expected an object, found {type(data).__name__}.")
    version = data.get("version", WALK_VERSION)
    if version != WALK_VERSION or type(version) is not int:
        raise WalkError(
            f"{source}: field 'version' is {version!r}, this StyleScope reads {WALK_VERSION}; "
            "a newer file needs a newer StyleScope."
        )
    try:
        # Scenes by their own reader, which brings old ones forward; the rest by its fields.
        keys = [
            {
                **key,
                "scene": scene_from_data(key["scene"], f"{source}, key {number + 1}"),
                "pace": tuple(key.get("pace", ())),
            }
            for number, key in enumerate(data.get("keys", ()))
        ]
        clips = [
            {**clip, "take": take_from_data(clip["take"], f"{source}, clip {number + 1}")}
            for number, clip in enumerate(data.get("clips", ()))
        ]
        rest = {name: value for name, value in data.items() if name not in ("keys", "clips")}
        walk = Walk.model_validate_json(json.dumps(rest))
        return walk.model_copy(
            update={
                "keys": _in_order(tuple(_validated(Key, key, f"keys.{n}", source) for n, key in enumerate(keys))),
                "clips": tuple(_validated(Clip, clip, f"clips.{n}", source) for n, clip in enumerate(clips)),
                "curves": tuple(curve.model_copy(update={"points": _in_order(curve.points)}) for curve in walk.curves),
            }
        )
    except ValidationError as error:
        raise _named(error, source) from error
    except SceneError as error:
        raise WalkError(str(error)) from error
    except KeyError as error:
        raise WalkError(f"{source}: field {error} is missing.") from error
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise WalkError(f"{source} is no walk ({error}).") from error


def _validated(part: Any, data: dict[str, Any], place: str, source: str) -> Any:
    """A part of which something has been read already."""
    try:
        return part.model_validate(data)
    except ValidationError as error:
        raise _named(error, source, f"{place}.") from error


def _named(error: ValidationError, source: str, place: str = "") -> WalkError:
    field, reason = first_wrong(error)
    return WalkError(f"{source}: field '{place}{field}': {reason}.")


def take_from_data(data: dict[str, Any], source: str) -> Take:
    """Read a take; see `take_to_data`."""
    samples: list[Sample] = []
    before: dict[str, Any] = {}
    for number, (time_s, delta) in enumerate(data["samples"]):
        where = f"{source}, sample {number + 1}"
        before = changed(before, delta) if before else delta
        scene = scene_after(samples[-1].scene, before, delta, where) if samples else scene_from_data(before, where)
        samples.append(_validated(Sample, {"time_s": time_s, "scene": scene}, f"samples.{number}", source))
    take: Take = _validated(Take, {"name": data.get("name", ""), "samples": tuple(samples)}, "take", source)
    return take.model_copy(update={"samples": _in_order(take.samples)})


def scene_after(before: Scene, data: dict[str, Any], delta: dict[str, Any], source: str) -> Scene:
    """A Scene from JSON, of which only what differs from the one before it is read, and takes memory.

    Args:
        before: the Scene before it.
        data: all of the Scene, of any version.
        delta: what changes from the one before; see deltas.py.
        source: named in the error.

    Raises:
        SceneError: a field is wrong.
    """
    if "version" in delta or data.get("version") != SCENE_VERSION:  # a change of an older version may be of any field
        return scene_from_data(data, source)
    read = scene_from_data({"version": SCENE_VERSION, **{name: data[name] for name in delta}}, source)
    return before.model_copy(update={name: getattr(read, name) for name in delta})


def read_walk(path: Path) -> Walk:
    """Read a walk's file.

    Raises:
        WalkError: it cannot be read, or is none.
    """
    try:
        return walk_from_json(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise WalkError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise WalkError(f"{path} is no walk (it is not text).") from error


def write_walk(walk: Walk, path: Path) -> None:
    """Write a walk's file. All or nothing.

    Raises:
        WalkError: the place cannot be written to.
    """
    try:
        write_whole(path, lambda file: file.write(walk_to_json(walk).encode()))
    except OSError as error:
        raise WalkError(f"{path} cannot be written: {error.strerror}.") from error


def _in_order(items: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(items, key=attrgetter("time_s")))
