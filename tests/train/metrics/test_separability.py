"""Linear separability on latents where the answer is known, and the attributes that it is measured by."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.train.data.makers import DEMO, archive, files, folder, listing
from train.data.dataset import TrainingImages
from train.data.opening import open_images
from train.metrics.separability import (
    FEWEST,
    attributes_of,
    conditional_entropy,
    divided,
    judge,
    separability,
    surest,
)

COUNT = 4000
Z = np.random.RandomState(0).randn(COUNT, 4)


def test_what_a_plane_divides_scores_one() -> None:
    assert separability(Z, [Z[:, 0] + Z[:, 1], 3 * Z[:, 2] - 1]) == pytest.approx(1, abs=0.02)


def test_what_no_plane_divides_scores_two_an_attribute() -> None:
    """A coin that z knows nothing of: H = ln 2, and exp of the sum over attributes multiplies."""
    coins = np.random.RandomState(1).randn(2, COUNT)
    assert separability(Z, list(coins)) == pytest.approx(4, rel=0.02)
    checkers = Z[:, 0] * Z[:, 1]
    assert separability(Z, [checkers]) == pytest.approx(2, rel=0.1)
    unfolded = np.column_stack([Z, checkers])  # as a mapping may do it
    assert separability(unfolded, [checkers]) == pytest.approx(1, abs=0.05)


def test_few_latents_in_many_dimensions_do_not_flatter() -> None:
    """A plane divides 100 points in 100 dimensions in any way; what it has learned so is worth nothing."""
    state = np.random.RandomState(4)
    assert separability(state.randn(200, 100), [state.randn(200)]) > 1.8


def test_the_unsure_half_does_not_count() -> None:
    sure = Z[:, 0].copy()
    unsure = np.argsort(np.abs(sure))[: COUNT // 2]
    sure[unsure] = 1e-6 * np.random.RandomState(2).randn(COUNT // 2)  # nonsense, but the classifier says so itself
    assert len(surest(sure)) == COUNT // 2 and not set(surest(sure)) & set(unsure)
    assert separability(Z, [sure]) == pytest.approx(1, abs=0.01)


def test_an_attribute_that_all_or_none_have_adds_nothing() -> None:
    assert separability(Z, [np.ones(COUNT), -np.ones(COUNT)]) == 1


def test_conditional_entropy_is_joint_entropy_less_that_of_the_condition() -> None:
    state = np.random.RandomState(3)
    given = state.rand(500) < 0.3
    answers = given ^ (state.rand(500) < 0.2)

    def entropy(codes: np.ndarray) -> float:
        shares = np.bincount(codes) / len(codes)
        return -sum(share * math.log(share) for share in shares if share)

    expected = entropy(2 * answers + given) - entropy(given.astype(int))
    assert conditional_entropy(answers, given) == pytest.approx(expected)
    assert conditional_entropy(given, given) == 0


def test_a_plane_errs_where_it_must() -> None:
    """All on the line are in order but one, which lies on the wrong side."""
    line = np.concatenate([np.arange(50.0), np.arange(70.0, 120.0)])[:, None]
    answers = line[:, 0] > 60
    answers[20] = True
    assert np.flatnonzero(divided(line, answers) != answers).tolist() == [20]


def test_a_judge_learns_from_features_and_is_sure_far_from_the_border() -> None:
    learned = judge(Z[:300], Z[:300, 0] > 0.2)
    confidence = learned.decision_function(Z[300:])
    clear = np.abs(Z[300:, 0] - 0.2) > 0.5
    assert ((confidence > 0) == (Z[300:, 0] > 0.2))[clear].mean() > 0.99
    assert np.abs(confidence[clear]).mean() > 3 * np.abs(confidence[~clear]).mean()


def test_the_demo_faces_have_skin_tones_and_genders() -> None:
    images = TrainingImages(open_images(DEMO))
    found = attributes_of(images, range(len(images)))
    assert sorted(found) == [
        "gender: man",
        "gender: person",
        "gender: woman",
        "skin_tone: dark",
        "skin_tone: default",
        "skin_tone: light",
        "skin_tone: medium",
        "skin_tone: medium-dark",
        "skin_tone: medium-light",
    ]
    assert all(len(answers) == len(images) and 100 < answers.sum() < 300 for answers in found.values())
    part = attributes_of(images, range(10, 400))
    assert (part["gender: man"] == found["gender: man"][10:400]).all()


def test_classes_are_attributes_where_there_are_no_others(tmp_path: Path) -> None:
    entries = files(30)
    classes = {name: min(place // 12, 2) for place, name in enumerate(entries)}  # 12, 12 and 6: fewer than FEWEST
    entries["dataset.json"] = listing(classes, class_names=["sun", "rain", "hail"])
    images = TrainingImages(open_images(archive(tmp_path / "a.zip", entries)))
    assert FEWEST > 6 and sorted(attributes_of(images, range(30))) == ["class: rain", "class: sun"]
    assert attributes_of(TrainingImages(images.source, labelled=False), range(30)) == {}


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"00000/img00000000.png": 3}', b"\xff" * 9])
def test_attributes_that_cannot_be_read_are_none(tmp_path: Path, content: bytes) -> None:
    images = TrainingImages(open_images(folder(tmp_path / "a", {**files(20), "attributes.json": content})))
    assert attributes_of(images, range(20)) == {}


def test_a_question_with_two_answers_is_one_attribute(tmp_path: Path) -> None:
    entries = files(20)
    rows = {name: {"hat": str(place % 2), "name": name, "age": place} for place, name in enumerate(entries)}
    entries["attributes.json"] = json.dumps(rows).encode()
    images = TrainingImages(open_images(folder(tmp_path / "a", entries)))
    found = attributes_of(images, range(20))
    assert list(found) == ["hat: 0"] and found["hat: 0"].tolist() == [True, False] * 10
