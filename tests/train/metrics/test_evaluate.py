"""Whole evaluations of tiny models: every figure, its repeatability, the cache, stopping, and what cannot be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stylegan_core.errors import Cancelled
from stylegan_core.model import Model, build_generator
from tests.train.data.makers import archive, files, listing
from tests.train.small import GENERATORS, spec
from train.data.dataset import TrainingImages
from train.data.opening import open_images
from train.metrics import fidelity
from train.metrics.evaluate import EPSILON, evaluate, path_lengths
from train.metrics.features import SmallFeatures, SmallSimilarity
from train.metrics.names import FIGURES, SMALL, figure_of, title_of
from train.metrics.pictures import GeneratedPictures, RealPictures, UnfitError
from train.metrics.settings import MetricsSettings

FEW = MetricsSettings(pictures=12, paths=8, separability=16, batch=8)
SMALL_FEATURES = SmallFeatures()
PLAIN = GENERATORS["stylegan2 resnet"]


def model_of(config: Any, seed: int = 0) -> Model:
    return build_generator(spec(config, seed), "0" * 64, "small")


def data_of(path: Path, mode: str = "RGB", labelled: bool = True) -> TrainingImages:
    entries = files(20, width=8, height=8, mode=mode)
    if labelled:
        entries["dataset.json"] = listing({name: place % 2 for place, name in enumerate(entries)})
    return TrainingImages(open_images(archive(path / f"{mode}{labelled}.zip", entries)))


@pytest.fixture
def data(tmp_path: Path) -> TrainingImages:
    return data_of(tmp_path)


def test_a_labelled_set_gives_every_figure_the_same_twice(data: TrainingImages) -> None:
    model = model_of(GENERATORS["stylegan2 skip"])
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    told: list[float] = []
    found = evaluate(model, data, FEW, SMALL_FEATURES, tell=lambda doing, done: told.append(done))
    assert set(found) == {figure.name + SMALL for figure in FIGURES}
    assert np.isfinite(list(found.values())).all()
    assert 0 <= found["precision_small"] <= 1 and found["ppl_small"] > 0 and found["separability_w_small"] >= 1
    assert told == sorted(told) and told[-1] == 1
    assert evaluate(model, data, FEW, SMALL_FEATURES) == found
    assert torch.equal(states[0], torch.random.get_rng_state())
    assert (states[1] == np.random.get_state()[1]).all()


def test_the_size_of_batches_changes_nothing_but_by_rounding(data: TrainingImages) -> None:
    settings = FEW.model_copy(update={"metrics": ("fid", "kid", "ppl")})
    model = model_of(GENERATORS["stylegan2 skip"])
    found = evaluate(model, data, settings, SMALL_FEATURES)
    other = evaluate(model, data, settings.model_copy(update={"batch": 5}), SMALL_FEATURES)
    assert other == pytest.approx(found, rel=0.02)
    assert evaluate(model, data, settings.model_copy(update={"seed": 1}), SMALL_FEATURES) != pytest.approx(found)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGBA", 4)])
def test_grey_and_transparent_pictures_are_measured_too(mode: str, channels: int, tmp_path: Path) -> None:
    model = model_of(PLAIN.model_copy(update={"img_channels": channels}))
    found = evaluate(model, data_of(tmp_path, mode, labelled=False), FEW, SMALL_FEATURES)
    assert set(found) == {"fid_small", "kid_small", "precision_small", "recall_small", "ppl_small"}


def test_progressive_gan_has_no_w_to_divide(data: TrainingImages) -> None:
    settings = FEW.model_copy(update={"metrics": ("separability",)})
    assert set(evaluate(model_of(GENERATORS["progan"]), data, settings, SMALL_FEATURES)) == {"separability_z_small"}


def test_separability_of_the_unlabelled_is_refused_if_asked_for(tmp_path: Path) -> None:
    images = data_of(tmp_path, labelled=False)
    settings = FEW.model_copy(update={"metrics": ("separability",)})
    with pytest.raises(UnfitError, match=r"RGBFalse\.zip has none that enough pictures share"):
        evaluate(model_of(PLAIN), images, settings, SMALL_FEATURES)


def test_a_handful_of_pictures_is_refused(data: TrainingImages) -> None:
    with pytest.raises(UnfitError, match="gives 3 pictures to compare with; metrics need at least 4"):
        evaluate(model_of(PLAIN), TrainingImages(data.source, most=3), FEW, SMALL_FEATURES)


def test_paths_are_short_steps_in_w_divided_by_their_square(data: TrainingImages) -> None:
    """Against the definition: both ends of each step mapped with one label, and the small network's distance."""
    model = model_of(GENERATORS["stylegan2 skip"])
    generated = GeneratedPictures(model, data, 3, psi=0.8)
    found = path_lengths(generated, 6, 4, SMALL_FEATURES.similarity())
    state, labels = np.random.RandomState(3), generated.labels(6)
    first, second = (
        model.map(torch.from_numpy(state.randn(6, model.card.z_dim)).float(), labels, psi=0.8) for _ in range(2)
    )
    ends = [model.synthesize(ws) * 127.5 + 127.5 for ws in (first, first + EPSILON * (second - first))]
    expected = SmallSimilarity("small")(*ends) / EPSILON**2
    np.testing.assert_allclose(found, expected, rtol=0.05)
    assert not [name for name in fidelity.NOISE_SOURCE_REGISTRY if name.startswith("stylescope")]


def test_the_data_are_looked_at_once(data: TrainingImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, cache = FEW.model_copy(update={"metrics": ("fid",)}), tmp_path / "cache"
    found = evaluate(model_of(PLAIN), data, settings, SMALL_FEATURES, cache=cache)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    for broken in (b"", whole[:-9], b"x" * len(whole)):
        file.write_bytes(broken)
        assert evaluate(model_of(PLAIN), data, settings, SMALL_FEATURES, cache=cache) == found
        assert file.read_bytes() == whole
    few = TrainingImages(data.source, most=15)
    assert evaluate(model_of(PLAIN), few, settings, SMALL_FEATURES, cache=cache) != found
    assert len(list(cache.iterdir())) == 2
    monkeypatch.setattr(RealPictures, "batches", None)  # nobody calls it
    told: list[float] = []
    again = evaluate(model_of(PLAIN), data, settings, SMALL_FEATURES, cache=cache, tell=lambda _, x: told.append(x))
    assert again == found and told[-1] == 1


@pytest.mark.parametrize("metric", ["fid", "ppl", "separability"])
def test_nobody_has_to_wait_for_the_end(metric: str, data: TrainingImages) -> None:
    settings = MetricsSettings(metrics=(metric,), pictures=10**6, paths=10**4, separability=10**6, batch=8)
    model, asked = model_of(PLAIN), iter(range(60))
    with pytest.raises(Cancelled):
        evaluate(model, data, settings, SMALL_FEATURES, cancelled=lambda: next(asked, None) is None)


def test_figures_have_words() -> None:
    figure = figure_of("recall_small")
    assert figure is not None and figure.better == "higher" and format(0.5, figure.form) == "50.0%"
    assert title_of("fid") == "FID" and title_of("fid_small") == "FID (small features)"
    assert figure_of("loss") is None and title_of("loss") == "loss"


def test_settings_refuse_what_means_nothing() -> None:
    for wrong in ({"metrics": ("fid", "fid")}, {"metrics": ("is",)}, {"pictures": 1}, {"batch": 0}, {"size": 3}):
        with pytest.raises(ValueError, match="validation error"):
            MetricsSettings(**wrong)
