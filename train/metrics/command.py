"""What `main.py metrics` does: measure a model file against data, with progress on stderr, and show the figures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from stylegan_core.generate import choose_device
from stylegan_core.models import load_model
from train.data.dataset import TrainingImages
from train.data.opening import open_images
from train.metrics.evaluate import Tell, evaluate
from train.metrics.features import Features, InceptionFeatures, SmallFeatures
from train.metrics.names import figure_of, title_of
from train.metrics.settings import MetricsSettings

Which = Literal["G_ema", "G"]
Eyes = Literal["inception", "small", "both"]


def features_of(name: Eyes, weights: Path | None = None, download: bool = False) -> list[Features]:
    """The features that go by a name; see `InceptionFeatures` for the rest."""
    large = [InceptionFeatures(weights, download)] if name != "small" else []
    return [*large, *([SmallFeatures()] if name != "inception" else [])]


def measure(
    model_path: Path,
    data: Path,
    settings: MetricsSettings,
    features: Sequence[Features],
    *,
    which: Which = "G_ema",
    device: str | None = None,
    cache: Path | None = None,
) -> dict[str, float]:
    """Measure a model file against data, with a bar on stderr where that is a terminal.

    Args:
        model_path: a model file.
        data: a folder, zip or video.
        settings: what to measure.
        features: in whose eyes, one after the other.
        which: of the generators in the file.
        device: as the user names it; None: the best there is.
        cache: folder for the data's features; None: nothing is kept.

    Returns:
        Figures by name; see `evaluate`.

    Raises:
        StyleScopeError: something cannot be read or does not go together; the message says what.
    """
    model = load_model(model_path, choose_device(device), which)
    source = open_images(data)
    # Labels that some pictures lack are no reason to refuse a model that takes none.
    images = TrainingImages(source, labelled=bool(model.card.c_dim) or source.labels.missing() is None)
    console, found = Console(stderr=True), dict[str, float]()
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        for eyes in features:
            tell = _bar(progress)
            found |= evaluate(model, images, settings, eyes, cache=cache, tell=tell)
    return found


def _bar(progress: Progress) -> Tell:
    task = progress.add_task("Measuring", total=1.0)

    def tell(doing: str, done: float) -> None:
        progress.update(task, description=doing, completed=done)

    return tell


def show(figures: dict[str, float], as_json: bool = False) -> None:
    """Print figures on stdout: a table with what each means, or one line of JSON."""
    if as_json:
        print(json.dumps(figures))
        return
    table = Table("Metric", "Value", "Better", "Meaning", box=None)
    for key, value in figures.items():
        figure = figure_of(key)
        assert figure is not None  # `evaluate` gives no others
        table.add_row(title_of(key), format(value, figure.form), figure.better, figure.meaning)
    Console().print(table)
