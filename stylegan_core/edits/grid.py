"""Edits of the mixing grid: who stands at its edges, and which styles come from the rows."""

import random
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from stylegan_core.edits.limits import PSI_RANGE, clamp
from stylegan_core.scene import MAX_SEED, MAX_SOURCES, Latent, Scene, Source

Axis = Literal["rows", "columns"]
LAYERS = range(64)  # those that a Scene can name


def _grid(scene: Scene, **changes: Any) -> Scene:
    return scene.model_copy(update={"grid": scene.grid.model_copy(update=changes)})


def _people(scene: Scene, axis: Axis) -> tuple[Source, ...]:
    return scene.grid.rows if axis == "rows" else scene.grid.columns


def set_sources(scene: Scene, axis: Axis, sources: Sequence[Source]) -> Scene:
    """Other people at one edge; those beyond MAX_SOURCES are left out."""
    return _grid(scene, **{axis: tuple(sources)[:MAX_SOURCES]})


def fill_sources(scene: Scene, axis: Axis, count: int, first_seed: int) -> Scene:
    """At one edge, `count` people with seeds one after another (modulo 2**32)."""
    seeds = ((int(first_seed) + i) % (MAX_SEED + 1) for i in range(min(max(int(count), 0), MAX_SOURCES)))
    return set_sources(scene, axis, [Source(latent=Latent(seed=seed)) for seed in seeds])


def add_source(scene: Scene, axis: Axis, source: Source) -> Scene:
    """One more at the end of an edge, if there is room."""
    return set_sources(scene, axis, (*_people(scene, axis), source))


def remove_source(scene: Scene, axis: Axis, index: int) -> Scene:
    """One less; an index that there is not changes nothing."""
    return set_sources(scene, axis, [source for i, source in enumerate(_people(scene, axis)) if i != index])


def move_source(scene: Scene, axis: Axis, index: int, to: int) -> Scene:
    """Put one at another place of its edge; the others keep their order. An index that there is not changes nothing."""
    people = list(_people(scene, axis))
    if not 0 <= index < len(people):
        return scene
    source = people.pop(index)
    people.insert(min(max(to, 0), len(people)), source)
    return set_sources(scene, axis, people)


def shuffle_sources(scene: Scene, axis: Axis, seed: int) -> Scene:
    """The people of an edge in another order, the same one for the same seed."""
    people = list(_people(scene, axis))
    random.Random(int(seed)).shuffle(people)
    return set_sources(scene, axis, people)


def swap_sources(scene: Scene, row: int, column: int) -> Scene:
    """A row's and a column's people change places; an index that there is not changes nothing."""
    rows, columns = list(scene.grid.rows), list(scene.grid.columns)
    if not (0 <= row < len(rows) and 0 <= column < len(columns)):
        return scene
    rows[row], columns[column] = columns[column], rows[row]
    return _grid(scene, rows=tuple(rows), columns=tuple(columns))


def set_grid_layers(scene: Scene, layers: Iterable[int]) -> Scene:
    """Which style vectors come from the row."""
    return _grid(scene, layers=tuple(sorted({layer for layer in layers if layer in LAYERS})))


def set_grid_psi(scene: Scene, psi: float | None) -> Scene:
    """One psi for the whole grid; None: the Scene's."""
    return _grid(scene, psi=None if psi is None else clamp(psi, PSI_RANGE))
