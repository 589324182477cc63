"""Progressive growing: when each level is trained, and real pictures as it shows them."""

import pytest
import torch
import torch.nn.functional as F

from tests.train.small import DISCRIMINATORS, classes, normal, spec
from train.growth import at_level, level_of_detail
from train.networks import TrainableDiscriminator


def test_each_level_is_trained_and_fades_into_the_next() -> None:
    found = [level_of_detail(kimg, first=3) for kimg in (0, 600, 900, 1200, 1800, 2100, 3600, 99999)]
    assert found == [3, 3, 2.5, 2, 2, 1.5, 0, 0]
    assert level_of_detail(1799, 1, train_kimg=600, fade_kimg=0) == 0 and level_of_detail(599, 1, 600, 0) == 1
    assert level_of_detail(50, 2, train_kimg=0, fade_kimg=100) == 1.5


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
