"""Style mixing grids (StyleGAN, figure 3): the Scene of every cell, and the grid as one labelled picture or as files.

Each cell is its column's person with some styles of its row's. Cells are Scenes like any other, so that each shows what
its Scene shows alone; `style_keys` sees that those which agree in coarse styles share the Steps they begin with.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from stylegan_core.card import ModelCard
from stylegan_core.errors import StyleScopeError
from stylegan_core.generate import PictureJob, is_made, require_folder
from stylegan_core.labels import SheetPainter, plan_sheet
from stylegan_core.ops import Poll, no_poll
from stylegan_core.picture import PictureFileError, read_scene, write_png
from stylegan_core.render import Renderer
from stylegan_core.scene import Grid, Latent, Mix, Scene, Source, Truncation, only_picture
from stylegan_core.watch import Progress, untold

SHEET_NAME = "grid.png"


class GridError(StyleScopeError):
    """A mixing grid cannot be made or written as asked; the message says what to do instead."""


class Written(NamedTuple):
    """What `write_cells` has done."""

    made: int  # cells
    kept: int  # cells that were there already
    sheet: Path


class _Place(NamedTuple):
    """A picture of the sheet: a cell, or a person at its edge, whose other index is None."""

    row: int | None
    column: int | None


def cell_scene(scene: Scene, row: int, column: int, num_ws: int) -> Scene:
    """The Scene of one cell: the column's person with the row's styles in the grid's layers.

    Args:
        scene: with the grid; what it says of noise, transform, channels, ... holds for every cell.
        row: counted from 0.
        column: counted from 0.
        num_ws: style vectors that the model takes (ModelCard.num_ws).

    Returns:
        A Scene without a grid. What is mixed into the row's person follows that person, in the grid's layers only.

    Raises:
        IndexError: there is no such cell.
    """
    grid, across, down = scene.grid, scene.grid.rows[row], scene.grid.columns[column]
    layers = frozenset(grid.layers)
    kept = [_within(mix, frozenset(range(num_ws)) - layers) for mix in down.mixing]
    everything = Mix(latent=across.latent, amounts=(1.0,) * num_ws)
    taken = [_within(mix, layers) for mix in (everything, *across.mixing)]
    mixing = tuple(mix for mix in (*kept, *taken) if any(mix.amounts))
    return _person(scene, down.latent, mixing)


def source_scene(scene: Scene, source: Source) -> Scene:
    """The Scene of somebody at the edge of a grid, alone: all else as in the grid's cells."""
    return _person(scene, source.latent, source.mixing)


def source_label(source: Source) -> str:
    """What somebody is called: the name given, else the projected file's, else the seed and what makes it differ."""
    latent = source.latent
    if source.name:
        return source.name
    if latent.projected is not None:
        words = Path(latent.projected.path).stem or latent.projected.digest[:8]
    elif latent.blend:
        words = f"blend of {len(latent.blend)}"
    else:
        words = f"seed {latent.seed}"
        if latent.x or latent.y:
            words += f" + {latent.x:.2g}, {latent.y:.2g}"
    return f"{words}, mixed" if source.mixing else words


def layers_label(grid: Grid, card: ModelCard) -> str:
    """Which styles come from the rows, in words."""
    layers = [layer for layer in grid.layers if layer < card.num_ws]
    if not layers:
        return "No styles from the rows"
    if len(layers) == card.num_ws:
        return "All styles from the rows"
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    words = (
        f"{_span(str(run[0]), str(run[-1]))} ({_span(*(f'{card.slot_words(i)}' for i in (run[0], run[-1])))})"
        for run in runs
    )
    return f"Styles {', '.join(words)} from the rows"


def grid_picture(renderer: Renderer, scene: Scene, poll: Poll = no_poll, progress: Progress = untold) -> np.ndarray:
    """The whole grid as one picture: cells, the people at its edges, and what they are called.

    Args:
        renderer: makes the pictures, one after another; those that share layers come together.
        scene: with the grid.
        poll: called between pieces of the work; may raise to drop it.
        progress: called with the share done, 0 to 1.

    Returns:
        uint8 [H, W, 3]; see `labels.plan_sheet` for sizes.

    Raises:
        GridError: nobody stands at one of the edges.
        StyleScopeError: a picture cannot be rendered.
        Cancelled: from `poll`.
    """
    card = _card(renderer, scene)
    painter, places = _painter(scene, card), list(_order(scene.grid))
    for done, place in enumerate(places):
        poll()
        painter.paste(renderer.pixels(_scene_at(scene, place, card.num_ws), poll), *place)
        progress((done + 1) / len(places))
    return painter.pixels()


def write_cells(
    renderer: Renderer, scene: Scene, folder: Path, poll: Poll = no_poll, progress: Progress = untold
) -> Written:
    """The grid as files: row00-col00.png, ... with the Scene of their cell each, and grid.png with the whole Scene.

    Stopped anywhere, the same call goes on with what is missing.

    Args:
        renderer: makes the pictures.
        scene: with the grid.
        folder: where the files go; it is made.
        poll: called between pieces of the work; may raise to drop it.
        progress: called with the share done, 0 to 1.

    Raises:
        GridError: nobody stands at one of the edges, or another picture is in the place of one of these.
        StyleScopeError: a picture cannot be rendered or written; those before it are complete.
        Cancelled: from `poll`; what was written is complete.
    """
    card = _card(renderer, scene)
    places = list(_order(scene.grid))
    jobs = {
        place: PictureJob(
            folder / f"row{place.row:02d}-col{place.column:02d}.png", _scene_at(scene, place, card.num_ws)
        )
        for place in places
        if None not in place
    }
    require_folder(folder)
    kept = {place for place, job in jobs.items() if _is_there(job, poll)}
    sheet = PictureJob(folder / SHEET_NAME, scene)
    written = Written(len(jobs) - len(kept), len(kept), sheet.path)
    if _sheet_is_there(sheet) and not written.made:
        return written
    painter = _painter(scene, card)
    for done, place in enumerate(places):
        poll()
        job = jobs.get(place)
        if job is not None and place in kept:
            pixels = _read_pixels(job.path)
        else:
            pixels = renderer.pixels(_scene_at(scene, place, card.num_ws), poll)
            if job is not None:
                write_png(job.path, pixels, job.scene)
        painter.paste(pixels, *place)
        progress((done + 1) / len(places))
    write_png(sheet.path, painter.pixels(), scene)
    return written


def _card(renderer: Renderer, scene: Scene) -> ModelCard:
    if not scene.grid.rows or not scene.grid.columns:
        raise GridError("A mixing grid needs somebody in a row and somebody in a column; add them first.")
    return renderer.models.get(scene.model).card


def _order(grid: Grid) -> Iterator[_Place]:
    """All pictures of the sheet, such that those which share their first layers come one after another."""
    rows, columns = range(len(grid.rows)), range(len(grid.columns))
    if 0 in grid.layers:  # the coarsest styles come from the rows
        for row in rows:
            yield _Place(row, None)
            yield from (_Place(row, column) for column in columns)
        yield from (_Place(None, column) for column in columns)
    else:
        for column in columns:
            yield _Place(None, column)
            yield from (_Place(row, column) for row in rows)
        yield from (_Place(row, None) for row in rows)


def _scene_at(scene: Scene, place: _Place, num_ws: int) -> Scene:
    match place:
        case _Place(int(row), int(column)):
            return cell_scene(scene, row, column, num_ws)
        case _Place(int(row), None):
            return source_scene(scene, scene.grid.rows[row])
        case _Place(_, int(column)):
            return source_scene(scene, scene.grid.columns[column])
    raise AssertionError(place)


def _painter(scene: Scene, card: ModelCard) -> SheetPainter:
    rows, columns = ([source_label(source) for source in edge] for edge in (scene.grid.rows, scene.grid.columns))
    words = (card.name, layers_label(scene.grid, card), _psi_label(scene, card))
    note = " · ".join(word for word in words if word)
    return SheetPainter(plan_sheet(card.width, rows, columns, note, card.height), rows, columns)


def _psi_label(scene: Scene, card: ModelCard) -> str:
    truncation = _truncation(scene.truncation, scene.grid)
    if not card.has_truncation:
        return ""
    words = "psi by layer" if truncation.layers else f"psi\N{NO-BREAK SPACE}{truncation.psi:g}"
    return words if truncation.cutoff is None else f"{words} below style {truncation.cutoff}"


def _is_there(job: PictureJob, poll: Poll) -> bool:
    """Whether a cell is there already; another picture in its place is nobody's to replace."""
    poll()
    if is_made(job, overwrite=True):
        return True
    if job.path.exists():
        raise GridError(f"{job.path} is there and is not this cell; choose another folder, or move it away.")
    return False


def _sheet_is_there(job: PictureJob) -> bool:
    """Whether the sheet is there already. One of the same grid may be replaced: what else it says is in the cells."""
    if is_made(job, overwrite=True) or not job.path.exists():
        return job.path.exists()
    try:
        same = read_scene(job.path).grid == job.scene.grid
    except StyleScopeError:
        same = False
    if not same:
        raise GridError(f"{job.path} is there and is not this grid; choose another folder, or move it away.")
    return False


def _read_pixels(path: Path) -> np.ndarray:
    """A picture's pixels, uint8 [H, W, C]."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            pixels = np.asarray(image)
    except OSError as error:  # somebody has taken it away meanwhile
        raise PictureFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first}–{last}"


def _within(mix: Mix, layers: frozenset[int]) -> Mix:
    """The mix in these layers, nothing in others."""
    amounts = tuple(amount if i in layers else 0.0 for i, amount in enumerate(mix.amounts))
    return mix.model_copy(update={"amounts": amounts})


def _person(scene: Scene, latent: Latent, mixing: tuple[Mix, ...]) -> Scene:
    return only_picture(
        scene.model_copy(
            update={"latent": latent, "mixing": mixing, "truncation": _truncation(scene.truncation, scene.grid)}
        )
    )


def _truncation(truncation: Truncation, grid: Grid) -> Truncation:
    """The grid's psi in place of the Scene's, a curve over layers included."""
    return truncation if grid.psi is None else truncation.model_copy(update={"psi": grid.psi, "layers": ()})
