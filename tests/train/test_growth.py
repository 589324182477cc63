"""Progressive growing: when each level is trained and how, and real pictures as it shows them."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from stylegan_core.errors import StyleScopeError
from tests.train.loops import config_of
from tests.train.small import DISCRIMINATORS, classes, normal, spec
from train.config import DataConfig, GrowthConfig, RunConfig, read_config, with_changes
from train.growth import at_level
from train.networks import TrainableDiscriminator
from train.presets import Pictures, make


def test_each_level_is_trained_and_fades_into_the_next() -> None:
    growth = GrowthConfig()
    found = [growth.lod_at(kimg * 1000, first=3) for kimg in (0, 600, 900, 1200, 1800, 2100, 3600, 99999)]
    assert found == [3, 3, 2.5, 2, 2, 1.5, 0, 0]
    sudden = GrowthConfig(fade_kimg=0)
    assert sudden.lod_at(1799_000, 1) == 0 and sudden.lod_at(599_999, 1) == 1
    assert GrowthConfig(train_kimg=0, fade_kimg=100).lod_at(50_000, 2) == 1.5


def test_each_level_has_its_own_batch_and_rate() -> None:
    run = make("stylegan1", DataConfig(path="pictures.zip"), Pictures(128))
    run = with_changes(run, {"growth.batches.64": 48, "growth.rates.16": 0.002, "optimiser_d.lr": 0.004})
    found = {
        seen: (run.px_at(seen), run.batch_at(seen), run.rates_at(seen))
        for seen in (0, 600_000, 600_001, 1_800_000, 1_800_001, 3_000_001, 4_200_000, 4_200_001, 99_999_999)
    }
    assert found == {
        0: (8, 256, (0.001, 0.004)),
        600_000: (8, 256, (0.001, 0.004)),
        600_001: (16, 128, (0.002, 0.002)),  # while two levels fade the finer one is gone by
        1_800_000: (16, 128, (0.002, 0.002)),
        1_800_001: (32, 64, (0.001, 0.004)),
        3_000_001: (64, 48, (0.001, 0.004)),
        4_200_000: (64, 48, (0.001, 0.004)),
        4_200_001: (128, 32, (0.0015, 0.0015)),
        99_999_999: (128, 32, (0.0015, 0.0015)),
    }
    assert run.batches == {8: 256, 16: 128, 32: 64, 64: 48, 128: 32}


def test_a_run_that_names_no_level_is_as_it_was(tmp_path: Path) -> None:
    config = config_of("progan", tmp_path)
    values = config.model_dump_json().replace(',"batches":{},"rates":{}', "")
    assert "batches" not in values
    (tmp_path / "run.json").write_text(values)
    assert read_config(tmp_path / "run.json") == config
    assert config.batches == {4: 4, 8: 4} and {config.rates_at(seen) for seen in range(50)} == {(0.002, 0.002)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"growth.batches.7": 4}, "growth.batches: a level is named by its px, .*, and 7 is none"),
        ({"growth.rates.2048": 0.1}, "growth.rates: a level is named by its px, .*, and 2048 is none"),
        ({"growth.rates": {"fine": 0.1}}, "growth.rates: a level .*, and fine is none"),
        ({"growth.batches": 4}, "growth.batches: input should be a valid dictionary"),
        ({"growth.batches.8": 0}, "growth.batches.8: input should be greater than or equal to 1"),
        ({"growth.rates.8": 1.5}, "growth.rates.8: input should be less than or equal to 1"),
        ({"growth.batch.8": 4}, "growth.batch.8 is no field of a run"),
        ({"growth.batches.8.of": 4}, "growth.batches.8.of is no field of a run"),
        ({"growth.batches.4": 6, "piece": 4}, "piece 4 does not divide batch 6 of level 4"),
        ({"growth.train_kimg": 0, "growth.fade_kimg": 0}, "growth: train_kimg and fade_kimg are both 0"),
    ],
)
def test_what_is_no_level_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(StyleScopeError, match=words):
        with_changes(config_of("progan", tmp_path), changes)


def test_levels_are_read_from_what_was_written(tmp_path: Path) -> None:
    config = with_changes(config_of("progan", tmp_path), {"growth.batches.4": 8, "growth.rates": {"8": 0.003}})
    assert config.growth is not None
    assert (config.growth.batches, config.growth.rates) == ({4: 8}, {8: 0.003})
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_a_level_shows_means_of_squares() -> None:
    images = normal(2, 3, 16, 16)
    assert torch.equal(at_level(images, 0.0), images)
    coarse = F.interpolate(F.avg_pool2d(images, 4), scale_factor=4)
    torch.testing.assert_close(at_level(images, 2.0), coarse)
    finer = F.interpolate(F.avg_pool2d(images, 2), scale_factor=2)
    torch.testing.assert_close(at_level(images, 1.25), 0.75 * finer + 0.25 * coarse)
    torch.testing.assert_close(at_level(images, 0.5), 0.5 * images + 0.5 * finer)


@pytest.mark.parametrize("name", ["stylegan1", "progan"])
def test_what_a_level_does_not_show_the_discriminator_does_not_see(name: str) -> None:
    d = TrainableDiscriminator(spec(DISCRIMINATORS[name]))
    images, c = normal(4, 3, 8, 8), classes(d.network.config, 4)
    torch.testing.assert_close(d(at_level(images, 1.0), c, lod=1.0), d(images, c, lod=1.0))
    assert (d(at_level(images, 1.0), c, lod=0.0) - d(images, c, lod=0.0)).abs().max() > 1e-3
    d(images, c, lod=1.0).sum().backward()
    unseen = {name for name, parameter in d.network.named_parameters() if parameter.grad is None}
    assert unseen == {name for name in d.network.state_dict() if name.startswith("b8.")}
