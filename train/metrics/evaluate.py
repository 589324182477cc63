"""One evaluation of a model against data: every metric that is asked for, in given features.

The arithmetic is torch-fidelity's (separability is ours). What is ours is which pictures are compared, that nothing
draws from global generators, that it can be stopped, and the sizes of subsets where there are few pictures.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core.errors import Cancelled
from stylegan_core.model import Model
from stylegan_core.watch import Watch
from train.data.dataset import TrainingImages
from train.metrics import fidelity
from train.metrics.cache import cached
from train.metrics.features import Features
from train.metrics.names import METRICS, Metric
from train.metrics.pictures import GeneratedPictures, RealPictures, UnfitError, common_size, compared, rgb
from train.metrics.separability import attributes_of, judge, separability
from train.metrics.settings import MetricsSettings

Tell = Callable[[str, float], None]  # what is being done, and the part of all that is done, 0 to 1

SUBSETS, SUBSET = 100, 1000  # of KID: how many, and of how many pictures (Bińkowski et al. 2018)
NEIGHBOURS = 3  # of precision and recall (Kynkäänniemi et al. 2019)
EPSILON = 1e-4  # length of PPL's steps (StyleGAN, section 4.1)
LARGEST_PATH = 256  # px at which PPL compares pictures, at most (the same)
FEWEST = 4  # pictures of the data; of fewer there are no nearest neighbours, nor a spread
REMEMBERED = 1  # version of what is in cache files


def untold(doing: str, done: float) -> None:
    """The Tell of an evaluation that nobody watches."""
    del doing, done


def evaluate(
    model: Model,
    images: TrainingImages,
    settings: MetricsSettings,
    features: Features,
    *,
    cache: Path | None = None,
    tell: Tell = untold,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, float]:
    """How good a model is.

    Pictures are compared at the model's or the data's size, whichever is smaller. Conditional models get labels drawn
    from the data's. Equal arguments give equal figures on a processor.

    Args:
        model: the generator.
        images: the data that it learned from; mirrored copies are left out.
        settings: what to measure.
        features: in whose eyes.
        cache: folder for the data's features; None: they are made anew each time.
        tell: told how far it is.
        cancelled: asked often; true stops.

    Returns:
        Figures by the names in names.py, with the features' suffix. Separability is left out where it was not asked
        for by name and nothing is known of the pictures.

    Raises:
        Cancelled: `cancelled` said so.
        UnfitError: model and data do not go together, or separability is asked for without labels.
        DataError: a picture cannot be read.
        WeightsError: the features' weights are missing.
    """
    run = _Run(model, images, settings, features, cache, tell, cancelled)
    with torch.cuda.device(model.device) if model.device.type == "cuda" else nullcontext():
        found = run.figures()
    return {f"{name}{features.suffix}": value for name, value in found.items()}


@dataclass
class _Run:
    """An evaluation under way."""

    model: Model
    images: TrainingImages
    settings: MetricsSettings
    features: Features
    cache: Path | None
    tell: Tell
    cancelled: Callable[[], bool]
    done: int = 0  # pictures
    total: int = 0
    generated: GeneratedPictures = field(init=False)
    real: RealPictures = field(init=False)
    size: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        s = self.settings
        self.generated = GeneratedPictures(self.model, self.images, s.seed, s.psi, self.poll)
        self.real = RealPictures(self.images, s.real, s.seed)
        if len(self.images.members) < FEWEST:
            raise UnfitError(
                f"{self.images.source.path} gives {len(self.images.members)} pictures to compare with; metrics need at "
                f"least {FEWEST}."
            )
        self.size = common_size(self.images, self.generated)

    def poll(self) -> None:
        if self.cancelled():
            raise Cancelled

    def moved_on(self, doing: str, pictures: int) -> None:
        self.poll()
        self.done += pictures
        self.tell(doing, min(self.done / max(self.total, 1), 1.0))

    def figures(self) -> dict[str, float]:
        """All that is asked for."""
        settings, found = self.settings, {}
        attributes = attributes_of(self.images, self.real.members()) if self._asks("separability") else {}
        if not attributes and "separability" in settings.metrics:
            raise UnfitError(
                f"Separability needs pictures with classes or attributes, and {self.images.source.path} has none that "
                "enough pictures share; leave it out, or label the data."
            )
        networks = self._networks(bool(attributes))
        compared_in = {network for metric, network in networks.items() if metric != "separability"}
        self.total = len(set(networks.values())) * len(self.real.members()) + settings.pictures * bool(compared_in)
        self.total += 2 * settings.paths * self._asks("ppl") + settings.separability * bool(attributes)
        # Before anything long: weights that are missing are said to be missing at once.
        digests = {network: self.features.digest(network) for network in sorted(set(networks.values()))}
        similarity = self.features.similarity() if self._asks("ppl") else {}
        real = {network: self._real(network, digest) for network, digest in digests.items()}
        made = self._made(sorted(compared_in))
        if "fid" in networks:
            found["fid"] = frechet_distance(made[networks["fid"]], real[networks["fid"]])
        if "kid" in networks:
            found["kid"] = kernel_distance(made[networks["kid"]], real[networks["kid"]], settings.seed)
        if "precision_recall" in networks:
            network = networks["precision_recall"]
            found["precision"], found["recall"] = precision_recall(made[network], real[network])
        if self._asks("ppl"):
            found["ppl"] = self._path_length(similarity)
        if attributes:
            found |= self._separability(networks["separability"], real[networks["separability"]], attributes)
        return found

    def _asks(self, metric: Metric) -> bool:
        return metric in (self.settings.metrics or METRICS)

    def _networks(self, labelled: bool) -> dict[Metric, str]:
        """The network for each metric that looks at single pictures."""
        metrics: list[Metric] = [metric for metric in ("fid", "kid", "precision_recall") if self._asks(metric)]
        found = {m: self.features.networks["manifolds" if m == "precision_recall" else "distances"] for m in metrics}
        return found | ({"separability": self.features.networks["distances"]} if labelled else {})

    def _real(self, network: str, digest: str) -> Tensor:
        """The data's features."""
        members = self.real.members()
        watch = Watch(cancelled=self.cancelled)
        data = self.images.source.digest(watch) if self.cache is not None else ""
        key = (REMEMBERED, data, members, self.images.shape, self.size, network, digest)
        before = self.done

        def make() -> Tensor:
            parts = []
            for pictures in self.real.batches(self.size, self.settings.batch):
                parts.append(self.features.embed(network, pictures.to(self.model.device)))
                self.moved_on("Looking at the data", len(pictures))
            return torch.cat(parts)

        found = cached(self.cache, key, len(members), make)
        self.moved_on("Looking at the data", len(members) - (self.done - before))
        return found

    def _made(self, networks: list[str]) -> dict[str, Tensor]:
        """The features of the model's pictures."""
        parts: dict[str, list[Tensor]] = {network: [] for network in networks}
        if networks:
            for pictures in self.generated.batches(self.settings.pictures, self.settings.batch):
                shown = compared(pictures, self.size)
                for network in networks:
                    parts[network].append(self.features.embed(network, shown))
                self.moved_on("Making pictures", len(shown))
        return {network: torch.cat(found) for network, found in parts.items()}

    def _path_length(self, similarity: dict[str, Any]) -> float:
        distances = path_lengths(
            self.generated,
            self.settings.paths,
            self.settings.batch,
            similarity,
            lambda made: self.moved_on("Measuring path lengths", made),
        )
        low, high = np.percentile(distances, 1, method="lower"), np.percentile(distances, 99, method="higher")
        return float(distances[(low <= distances) & (distances <= high)].mean())

    def _separability(self, network: str, real: Tensor, attributes: dict[str, np.ndarray]) -> dict[str, float]:
        looks = real.double().numpy()
        judges = [judge(looks, answers) for answers in attributes.values()]
        parts: list[tuple[Tensor, Tensor, Tensor]] = []
        made = 0
        for z, mapped in self.generated.latents(self.settings.separability, self.settings.batch):
            shown = compared(self.generated.synthesize(mapped, made), self.size)
            parts.append((z, mapped[:, 0].cpu(), self.features.embed(network, shown)))
            made += len(z)
            self.moved_on("Judging pictures for separability", len(z))
        zs, ws, seen = (torch.cat(part).double().numpy() for part in zip(*parts, strict=True))
        confidences = [judge.decision_function(seen) for judge in judges]
        found = {"separability_z": separability(zs, confidences, self.poll)}
        if self.model.card.has_truncation:  # Progressive GAN has no w
            found["separability_w"] = separability(ws, confidences, self.poll)
        return found


# -- the metrics, of features ------------------------------------------------------------------------------------------


def frechet_distance(made: Tensor, real: Tensor) -> float:
    """FID's formula for features [N, D] and [M, D]: |m - m'|² + tr(S + S' - 2 (S S')^1/2) of their moments."""
    moments = [fidelity.fid_features_to_statistics(features.double()) for features in (made, real)]
    (distance,) = fidelity.fid_statistics_to_metric(*moments, verbose=False).values()
    return float(distance)


def kernel_distance(made: Tensor, real: Tensor, seed: int = 0) -> float:
    """KID: the unbiased estimate of the squared MMD by (x·y / D + 1)³, the mean over random subsets.

    Where there are fewer pictures than a subset has, subsets are of the smaller set's size; one is then enough for
    sets of one size, being all there is.

    Args:
        made: [N, D].
        real: [M, D].
        seed: which subsets.
    """
    size = min(SUBSET, len(made), len(real))
    found = fidelity.kid_features_to_metric(
        made.double(),
        real.double(),
        kid_subsets=1 if size == len(made) == len(real) else SUBSETS,
        kid_subset_size=size,
        rng_seed=seed,
        verbose=False,
    )
    return float(found["kernel_inception_distance_mean"])


def precision_recall(made: Tensor, real: Tensor) -> tuple[float, float]:
    """Precision and recall by the nearest neighbours of features [N, D] and [M, D], N and M above 1, in [0, 1]."""
    neighbours = min(NEIGHBOURS, len(made) - 1, len(real) - 1)
    found = fidelity.prc_features_to_metric(
        made.double(), real.double(), prc_neighborhood=neighbours, prc_batch_size=2048, save_cpu_ram=True, verbose=False
    )
    return found["precision"], found["recall"]


class _Walker(fidelity.GenerativeModelBase):
    """A generator as torch-fidelity's PPL wants it: from w, which is its "noise", to pictures in [0, 255]."""

    num_classes = 0  # w has been mapped with its label
    z_size: int = 0
    z_type: str = ""

    def __init__(self, generated: GeneratedPictures, source: str, told: Callable[[int], None]):
        super().__init__()
        self.z_size, self.z_type = generated.model.card.w_dim, source
        self._generated, self._told = generated, told

    def forward(self, w: Tensor) -> Tensor:
        ws = w[:, None].expand(-1, self._generated.model.card.num_ws, -1)
        pictures = rgb(self._generated.synthesize(ws))
        height, width = pictures.shape[2:]
        if max(height, width) > LARGEST_PATH:
            factor = LARGEST_PATH / max(height, width)
            pictures = F.interpolate(pictures, (round(height * factor), round(width * factor)), mode="area")
        self._told(len(w))
        return pictures


def path_lengths(
    generated: GeneratedPictures,
    count: int,
    batch: int,
    similarity: dict[str, Any],
    told: Callable[[int], None] = lambda made: None,
) -> np.ndarray:
    """PPL's distances d(g(w), g(w + ε (w' - w))) / ε², [count]: path endpoints in w, as StyleGAN2 reports them.

    Noise maps are the stored ones, pictures are whole (no crop) and at most 256 px large.

    Args:
        generated: the model, with seed and psi.
        count: how many.
        batch: steps at once.
        similarity: of `Features.similarity`.
        told: called with the number of pictures that were made.
    """
    device = generated.model.device
    with _latents_in_w(generated, batch) as source:
        found = fidelity.calculate_ppl(
            1,
            input1=_Walker(generated, source, told),
            input1_model_num_samples=count,
            batch_size=batch,
            cuda=device.type == "cuda",
            rng_seed=generated.seed,
            ppl_epsilon=EPSILON,
            ppl_reduction="none",
            # Its own cut at the percentiles calls NumPy by a name that 2.4 has no more; whole levels would hide ε.
            ppl_discard_percentile_lower=None,
            ppl_discard_percentile_higher=None,
            ppl_sample_similarity_dtype="float32",
            ppl_sample_similarity_resize=None,
            verbose=False,
            **similarity,
        )
    return np.asarray(found["perceptual_path_length_raw"], np.float64)


@contextmanager
def _latents_in_w(generated: GeneratedPictures, batch: int) -> Iterator[str]:
    """A source of "noise" for torch-fidelity, by name: w of random z, both ends of a step with the same label."""
    model = generated.model

    def draw(state: np.random.RandomState, shape: tuple[int, int]) -> Tensor:
        z, labels = torch.from_numpy(state.randn(shape[0], model.card.z_dim)).float(), generated.labels(shape[0])
        found = []
        for start in range(0, shape[0], batch):
            generated.poll()
            c = None if labels is None else labels[start : start + batch]
            found.append(model.map(z[start : start + batch], c, generated.psi)[:, 0].cpu())
        return torch.cat(found)

    name = f"stylescope-w-{id(draw)}"
    fidelity.register_noise_source(name, draw)
    try:
        yield name
    finally:
        del fidelity.NOISE_SOURCE_REGISTRY[name]
