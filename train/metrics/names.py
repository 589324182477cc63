"""What metrics are called, which way is better, and in what they count: for plots and tables, without torch."""

from dataclasses import dataclass
from typing import Literal

SMALL = "_small"  # ends the names of figures in the small features, which no other program's are to be compared with

Metric = Literal["fid", "kid", "precision_recall", "ppl", "separability"]  # what can be asked for
METRICS: tuple[Metric, ...] = ("fid", "kid", "precision_recall", "ppl", "separability")


@dataclass(frozen=True)
class Figure:
    """One number that an evaluation gives."""

    name: str  # its key, without SMALL
    metric: Metric  # that it is a part of
    title: str
    unit: str  # "" for plain numbers, "%" where 1 is 100 %
    better: Literal["lower", "higher"]
    meaning: str

    @property
    def form(self) -> str:
        """How it is written: a format for `format`."""
        return ".1%" if self.unit == "%" else ".4g"


FIGURES = (
    Figure("fid", "fid", "FID", "", "lower", "Distance between the pictures' features and the data's, as Gaussians"),
    Figure("kid", "kid", "KID", "", "lower", "The same by a polynomial kernel, right for few pictures too"),
    Figure("precision", "precision_recall", "Precision", "%", "higher", "Pictures that look like data"),
    Figure("recall", "precision_recall", "Recall", "%", "higher", "Data that the model can make"),
    Figure("ppl", "ppl", "PPL", "", "lower", "How far pictures jump at a small step in w"),
    Figure(
        "separability_z", "separability", "Separability z", "", "lower", "How badly a plane in z divides attributes"
    ),
    Figure(
        "separability_w", "separability", "Separability w", "", "lower", "How badly a plane in w divides attributes"
    ),
)
_KNOWN = {figure.name: figure for figure in FIGURES}


def figure_of(key: str) -> Figure | None:
    """What a key of an evaluation stands for, such as "fid" or "fid_small"; None: nothing of ours."""
    return _KNOWN.get(key.removesuffix(SMALL))


def title_of(key: str) -> str:
    """A key in words, such as "FID (small features)"; an unknown one as it is."""
    figure = figure_of(key)
    if figure is None:
        return key
    return f"{figure.title} (small features)" if key.endswith(SMALL) else figure.title
