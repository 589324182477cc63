"""The pictures that are compared: alike in size and colours, and the same for one seed however they are made."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from stylegan_core.model import Model, build_generator
from tests.train.data.makers import archive, files, listing
from tests.train.small import GENERATORS, spec
from train.data.dataset import TrainingImages
from train.data.opening import open_images
from train.metrics.pictures import GeneratedPictures, RealPictures, UnfitError, common_size, compared, rgb


def model_of(config: Any, seed: int = 0) -> Model:
    return build_generator(spec(config, seed), "0" * 64, "small")


@pytest.fixture
def data(tmp_path: Path) -> TrainingImages:
    """Twelve pictures of 12x6 px, of two classes, one as frequent as the other three times."""
    entries = files(12, width=12, height=6)
    entries["dataset.json"] = listing({name: int(place % 4 == 0) for place, name in enumerate(entries)})
    return TrainingImages(open_images(archive(tmp_path / "data.zip", entries)), mirror=True)


def test_grey_is_three_times_the_same_and_colours_stay() -> None:
    grey, colours = torch.rand(2, 1, 4, 4) * 255, torch.rand(2, 3, 4, 4) * 255
    assert all(torch.equal(rgb(grey)[:, i], grey[:, 0]) for i in range(3))
    assert torch.equal(rgb(colours), colours)


def test_colours_that_cannot_be_seen_do_not_count() -> None:
    pictures = torch.rand(1, 4, 4, 4) * 255
    pictures[:, 3, :2] = 0
    pictures[:, 3, 2:] = 255
    others = pictures.clone()
    others[:, :3, :2] = 9
    assert torch.equal(rgb(pictures), rgb(others))
    assert torch.equal(rgb(pictures)[:, :, 2:], pictures[:, :3, 2:])


def test_larger_pictures_are_made_smaller_by_their_means() -> None:
    pictures = torch.tensor([[[[0.0, 100.0, 7.0, 7.0], [50.0, 52.0, 7.0, 8.0]]]])
    shown = compared(pictures, (1, 2))
    assert shown.dtype == torch.uint8 and shown[0, 0].tolist() == [[51, 7]]  # 50.5 rounded up, 7.25 down
    assert compared(torch.tensor([[[[-9.0, 300.0]]]]), (1, 2))[0, 0].tolist() == [[0, 255]]


def test_sizes_meet_at_the_smaller(data: TrainingImages) -> None:
    generated = GeneratedPictures(model_of(GENERATORS["stylegan2 resnet"]), data, 0)
    assert data.shape == (3, 6, 12) and generated.size() == (8, 8)
    assert common_size(data, generated) == (6, 8)


def test_mirrored_copies_of_the_data_are_left_out(data: TrainingImages) -> None:
    real = RealPictures(data, 50, 0)
    assert real.members() == list(range(12))
    whole = torch.cat(list(real.batches((6, 12), 5)))
    assert torch.equal(whole, torch.cat(list(real.batches((6, 12), 12))))
    assert torch.equal(whole[7], data[7][0])


def test_of_more_data_than_wanted_a_seed_chooses(data: TrainingImages) -> None:
    some = RealPictures(data, 5, 0).members()
    assert len(set(some)) == 5 and some == RealPictures(data, 5, 0).members()
    assert some != RealPictures(data, 5, 1).members()
    part = TrainingImages(data.source, most=6)
    assert set(RealPictures(part, 3, 0).members()) <= set(part.members.tolist())


def pictures_of(generated: GeneratedPictures, count: int, batch: int) -> Tensor:
    return torch.cat(list(generated.batches(count, batch)))


@pytest.mark.parametrize("name", ["stylegan2 skip", "stylegan2 resnet", "stylegan3-t", "stylegan1", "progan"])
def test_the_first_pictures_are_the_same_however_many_are_made(name: str, data: TrainingImages) -> None:
    generated = GeneratedPictures(model_of(GENERATORS[name]), data, 3)
    many = pictures_of(generated, 7, 4)
    torch.testing.assert_close(many[:3], pictures_of(generated, 3, 2), atol=2e-3, rtol=1e-4)
    others = pictures_of(GeneratedPictures(generated.model, data, 4), 3, 2)
    assert float((many[:3] - others).abs().mean()) > 1


def test_noise_is_of_each_picture_its_own_and_paths_have_the_stored_one(data: TrainingImages) -> None:
    generated = GeneratedPictures(model_of(GENERATORS["stylegan2 resnet"]), data, 0)
    _, ws = next(generated.latents(1, 1))
    one, other = generated.synthesize(ws.expand(2, -1, -1), 0)
    assert float((one - other).abs().mean()) > 0.01
    torch.testing.assert_close(generated.synthesize(ws.expand(2, -1, -1), 1)[0], other)
    stored = generated.model.synthesize(ws) * 127.5 + 127.5
    torch.testing.assert_close(generated.synthesize(ws), stored)


def test_labels_are_as_frequent_as_in_the_data(data: TrainingImages) -> None:
    labels = GeneratedPictures(model_of(GENERATORS["stylegan2 skip"]), data, 0).labels(2000)
    assert labels is not None and labels.sum(dim=1).unique().tolist() == [1]
    assert float(labels[:, 1].mean()) == pytest.approx(0.25, abs=0.04)
    assert GeneratedPictures(model_of(GENERATORS["stylegan2 resnet"]), data, 0).labels(5) is None


def test_latents_are_those_of_the_seed_truncated_as_asked(data: TrainingImages) -> None:
    model = model_of(GENERATORS["stylegan2 resnet"])
    z, ws = next(GeneratedPictures(model, data, 5, psi=0.5).latents(4, 4))
    np.testing.assert_allclose(z, np.random.RandomState(5).randn(4, model.card.z_dim), rtol=1e-6)
    torch.testing.assert_close(ws, model.map(z, psi=0.5))


def test_a_model_of_other_labels_is_refused(data: TrainingImages) -> None:
    with pytest.raises(UnfitError, match=r"conditional on 2 numbers and the labels of .*data\.zip have 0"):
        GeneratedPictures(
            model_of(GENERATORS["stylegan2 skip"]), TrainingImages(data.source, labelled=False), 0
        ).labels(1)
