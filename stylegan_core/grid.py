"""Style mixing grids (StyleGAN, figure 3): the Scene of every cell, and the grid as one labelled picture or as files.

Each cell is its column's person with some styles of its row's. Cells are Scenes like any other, so that each shows what
its Scene shows alone; `style_keys` sees that those which agree in coarse styles share the Steps they begin with.
"""

from pathlib import Path

from stylegan_core.scene import Grid, Latent, Mix, Scene, Source, Truncation, only_picture


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
    else:
        words = f"seed {latent.seed}"
        if latent.x or latent.y:
            words += f" + {latent.x:.2g}, {latent.y:.2g}"
    return f"{words}, mixed" if source.mixing else words


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
