"""What a run is given: mirrored copies, subsets, labels; batches in one order however many processes read them."""

import multiprocessing
import os
import re
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.data.makers import DEMO, archive, files, folder, listing, packed, picture, pixels
from train.data.dataset import Batch, TrainingImages
from train.data.errors import DataError
from train.data.images import ImageSource
from train.data.loading import Batches
from train.data.opening import open_images
from train.data.order import Order, Share

COUNT = 10


@pytest.fixture
def source(tmp_path: Path) -> ImageSource:
    names = sorted(files(COUNT))
    labels = listing({name: index % 3 for index, name in enumerate(names)})
    return open_images(archive(tmp_path / "a.zip", files(COUNT) | {"dataset.json": labels}))


def always(share: Share) -> Callable[[int], Share]:
    """The same one of every batch."""
    return lambda position: share


def flat(steps: list[list[Batch]]) -> list[bytes]:
    """Each picture of some steps, in order."""
    return [image.numpy().tobytes() for step in steps for piece in step for image in piece.pixels]


def test_pictures_come_with_their_labels(source: ImageSource) -> None:
    images = TrainingImages(source)
    assert len(images) == COUNT and images.shape == (3, 6, 8) and images.label_width == 3
    found, label = images[4]
    assert found.dtype == torch.uint8 and np.array_equal(found.numpy(), pixels(4)) and label.tolist() == [0, 1, 0]
    unlabelled = TrainingImages(source, labelled=False)
    assert unlabelled.label_width == 0 and unlabelled[4][1].shape == (0,)


def test_mirrored_copies_double_the_set(source: ImageSource) -> None:
    images = TrainingImages(source, mirror=True)
    assert len(images) == 2 * COUNT
    for index in range(COUNT):
        assert np.array_equal(images[index + COUNT][0].numpy(), pixels(index)[:, :, ::-1])
        assert torch.equal(images[index + COUNT][1], images[index][1])
    with pytest.raises(IndexError):
        images[2 * COUNT]


def test_a_subset_is_chosen_before_it_is_mirrored(source: ImageSource) -> None:
    images = TrainingImages(source, mirror=True, most=4, subset_seed=7)
    whole = {pixels(index).tobytes() for index in range(COUNT)}
    members = {images[index][0].numpy().tobytes() for index in range(4)}
    assert len(images) == 8 and len(members) == 4 and members < whole
    assert {images[index][0].numpy()[:, :, ::-1].tobytes() for index in range(4, 8)} == members
    others = {tuple(TrainingImages(source, most=4, subset_seed=seed).members) for seed in range(10)}
    assert len(others) > 5


@pytest.mark.parametrize("most", [0, COUNT + 1])
def test_a_subset_that_is_not_there_is_refused(source: ImageSource, most: int) -> None:
    with pytest.raises(DataError, match=f"holds 10 pictures, not {most}; choose from 1 to 10"):
        TrainingImages(source, most=most)


def test_batches_follow_the_order_and_resume_at_their_position(source: ImageSource) -> None:
    images = TrainingImages(source, mirror=True)
    batches = Batches(images, 5, always(Share(4)), workers=0)
    steps = list(islice(batches, 12))
    expected = [images[index][0].numpy().tobytes() for index in Order(len(images), 5).take(range(48))]
    assert flat(steps) == expected and batches.position == 48
    resumed = Batches(images, 5, always(Share(4)), position=20, workers=0)
    assert flat(list(islice(resumed, 7))) == expected[20:] and resumed.position == 48


def test_loading_draws_no_random_numbers_of_the_run(source: ImageSource) -> None:
    before = torch.get_rng_state()
    next(Batches(TrainingImages(source), 5, always(Share(4)), workers=0))
    assert torch.equal(torch.get_rng_state(), before)


def test_another_batch_size_goes_on_where_the_first_ended(source: ImageSource) -> None:
    images = TrainingImages(source)
    small = Batches(images, 5, always(Share(3)), workers=0)
    taken = flat(list(islice(small, 3)))
    large = Batches(images, 5, always(Share(6)), position=small.position, workers=0)
    taken += flat(list(islice(large, 2)))
    assert taken == [images[index][0].numpy().tobytes() for index in Order(COUNT, 5).take(range(21))]


def test_two_processes_share_a_batch_in_pieces(source: ImageSource) -> None:
    images = TrainingImages(source)
    whole = flat(list(islice(Batches(images, 1, always(Share(8)), workers=0), 5)))
    first, second = (list(islice(Batches(images, 1, always(Share(8, rank, 2, 2)), workers=0), 5)) for rank in (0, 1))
    assert all(len(step) == 2 and len(step[0].pixels) == 2 for step in first + second)
    assert [image for pair in zip(flat(first), flat(second), strict=True) for image in pair] == whole


def test_two_processes_share_batches_whose_size_changes(source: ImageSource) -> None:
    """Sizes follow from the position, so that all agree on them, also those that begin later."""
    images = TrainingImages(source, mirror=True)

    def of(rank: int, ranks: int, position: int = 0) -> Batches:
        return Batches(
            images, 1, lambda seen: Share(8 if seen < 20 else 4, rank, ranks, 2), position=position, workers=0
        )

    alone = of(0, 1)
    whole = flat(list(islice(alone, 5)))
    assert whole == [images[index][0].numpy().tobytes() for index in Order(len(images), 1).take(range(32))]
    assert alone.position == 32
    first, second = (list(islice(of(rank, 2), 5)) for rank in (0, 1))
    assert [[len(piece.pixels) for piece in step] for step in first] == [[2, 2]] * 3 + [[2]] * 2
    assert [image for pair in zip(flat(first), flat(second), strict=True) for image in pair] == whole
    assert flat(list(islice(of(0, 1, position=16), 3))) == whole[16:]


def test_workers_change_nothing_and_end_when_asked_to(source: ImageSource) -> None:
    images = TrainingImages(source, mirror=True)
    alone = list(islice(Batches(images, 5, always(Share(4, piece=2)), workers=0), 8))
    before = multiprocessing.active_children()
    with Batches(images, 5, always(Share(4, piece=2)), workers=2, ahead=2) as batches:
        together = list(islice(batches, 8))
        workers = [child for child in multiprocessing.active_children() if child not in before]
        assert len(workers) == 2 and batches.position == 32
    assert flat(together) == flat(alone)
    assert all(
        torch.equal(a.labels, b.labels) for x, y in zip(alone, together, strict=True) for a, b in zip(x, y, strict=True)
    )
    assert [worker.exitcode for worker in workers] == [0, 0]
    with pytest.raises(StopIteration):
        next(batches)


class Large(TrainingImages):
    """Pieces that take a while to be moved into shared memory."""

    def batch(self, indices: Sequence[int]) -> Batch:
        return Batch(torch.ones(len(indices), 3, 4096, 4096, dtype=torch.uint8), torch.zeros(len(indices), 0))


def test_a_worker_ends_well_while_a_piece_is_on_its_way(source: ImageSource) -> None:
    """Python that takes itself down under PyTorch's C++ is an abort."""
    before = multiprocessing.active_children()
    with Batches(Large(source), 0, always(Share(1)), workers=1, ahead=2) as batches:
        next(batches)
        (worker,) = (child for child in multiprocessing.active_children() if child not in before)
    assert worker.exitcode == 0


@pytest.mark.parametrize("workers", [0, 1])
def test_the_next_picture_stands_in_for_a_broken_one(tmp_path: Path, workers: int) -> None:
    """The same one every time, in whichever process, mirrored where the broken one would have been."""
    names = {"a.png": b"words", "b.png": packed(picture(1)), "c.png": packed(picture(2))[:60], "d.png": b""}
    labels = {name: place for place, name in enumerate(names)}
    images = TrainingImages(open_images(folder(tmp_path, {**names, "dataset.json": listing(labels)})), mirror=True)
    whole = pixels(1).tobytes(), pixels(1)[:, :, ::-1].tobytes()
    with Batches(images, 0, always(Share(8)), workers=workers, ahead=1) as batches:
        for (batch,) in islice(batches, 2):
            order = Order(8, 0).take(range(batches.position - 8, batches.position))
            assert [image.numpy().tobytes() for image in batch.pixels] == [whole[index // 4] for index in order]
            assert (batch.labels.argmax(dim=1) == 1).all()
            words = r"'[acd]\.png' in \S+ is (not a PNG|broken)[^\n]*; prepare the data first, [^\n]*"
            assert len(batch.unusable) == 12 and len(set(batch.unusable)) == 3  # d's next is a, which is broken too
            assert all(re.fullmatch(words, sentence) for sentence in batch.unusable)


@pytest.mark.parametrize("workers", [0, 1])
def test_pictures_that_are_all_broken_are_one_sentence_from_any_process(tmp_path: Path, workers: int) -> None:
    place = folder(tmp_path, {"a.png": packed(picture(0)), "b.png": packed(picture(1))})
    images = TrainingImages(open_images(place))
    for path in place.iterdir():
        path.write_bytes(b"words")
    message = r"^'[ab]\.png' in \S+ is not a PNG, JPEG, WebP, GIF or BMP picture; prepare [^\n]*$"
    batches = Batches(images, 0, always(Share(2)), workers=workers, ahead=1)
    with batches, pytest.raises(DataError, match=message):
        next(batches)


def test_pictures_of_different_sizes_are_not_stood_in_for(tmp_path: Path) -> None:
    """All of them may be of another size than the first; one sentence says what to do about it."""
    images = TrainingImages(
        open_images(folder(tmp_path, {"a.png": packed(picture(0)), "b.png": packed(picture(1, 9))}))
    )
    with pytest.raises(DataError, match=r"b\.png.* has 9×6 pixels and the first picture 8×6"):
        images.batch([0, 1])
    with pytest.raises(IndexError):
        images.batch([2])


@pytest.fixture
def _quiet() -> Iterator[None]:
    """PyTorch's handler of SIGCHLD, which raises wherever the main thread happens to be, stays out of a test."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    yield
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    signal.signal(signal.SIGCHLD, handler)


@pytest.mark.usefixtures("_quiet")
def test_a_worker_that_is_killed_is_said_to_be(source: ImageSource) -> None:
    before = multiprocessing.active_children()
    with Batches(TrainingImages(source), 0, always(Share(2)), workers=1, ahead=1) as batches:
        next(batches)
        (worker,) = (child for child in multiprocessing.active_children() if child not in before)
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        with pytest.raises(DataError, match=r"A process that reads .* has ended .*; start again with fewer workers"):
            deque(batches, maxlen=0)


def test_the_demo_data_set_in_batches() -> None:
    images = TrainingImages(open_images(DEMO), mirror=True)
    (piece,) = next(Batches(images, 0, always(Share(8)), workers=0))
    assert len(images) == 1660 and piece.pixels.shape == (8, 3, 128, 128) and piece.pixels.dtype == torch.uint8
    assert piece.labels.shape == (8, 6) and torch.equal(piece.labels.sum(1), torch.ones(8))
