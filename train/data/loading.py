"""Batches of pictures, read ahead by worker processes, in an order that no number of them changes."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing.util import Finalize
from typing import Any, Self

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from train.data.dataset import Batch, TrainingImages
from train.data.errors import DataError
from train.data.order import Order, Share


class Batches(Iterator[list[Batch]]):
    """Endless steps' worth of pictures: each item is this process's share of a global batch, in pieces.

    Which pictures come follows from the order's seed and the position alone. What workers have read ahead is not
    part of the position: a run that goes on from `position` sees every picture once.

    Args:
        images: where pictures come from.
        seed: of the order.
        share_at: what this process takes of the batch that begins at a position; its size may be another later on.
        position: pictures that all processes together have taken before, in this run or the one it resumes.
        workers: processes that read ahead; 0 reads within `next`.
        ahead: pieces that each of them keeps ready.
        pin: use pinned memory; None where there is CUDA.

    Raises:
        DataError: on `next`, pictures cannot be read, or a worker has died.
    """

    def __init__(
        self,
        images: TrainingImages,
        seed: int,
        share_at: Callable[[int], Share],
        *,
        position: int = 0,
        workers: int = 2,
        ahead: int = 4,
        pin: bool | None = None,
    ):
        self.images, self.position = images, position
        self._share_at = share_at
        loader: DataLoader[Batch | DataError] = DataLoader(
            _Pieces(images),
            batch_size=None,  # the sampler says which pictures make up a piece
            sampler=_Stream(Order(len(images), seed), share_at, position),
            num_workers=workers,
            prefetch_factor=ahead if workers else None,
            # A fork would take along the locks of this process's threads, and its CUDA context.
            multiprocessing_context="spawn" if workers else None,
            collate_fn=_as_it_is,
            worker_init_fn=_begin_worker,
            generator=torch.Generator(),  # else the loader would draw from the one that the run resumes
            pin_memory=torch.cuda.is_available() if pin is None else pin,
        )
        self._pieces: Iterator[Batch | DataError] | None = iter(loader)

    def __next__(self) -> list[Batch]:
        """The next global batch's share; moves `position` on by the whole global batch."""
        share = self._share_at(self.position)
        pieces = [self._piece() for _ in share.pieces(self.position)]
        self.position += share.batch
        return pieces

    def close(self) -> None:
        """End the workers. There is no next batch."""
        self._pieces = None  # PyTorch ends them with their iterator

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _piece(self) -> Batch:
        if self._pieces is None:
            raise StopIteration
        try:
            piece = next(self._pieces)
        except RuntimeError as error:
            path = self.images.source.path
            raise DataError(
                f"A process that reads {path} has ended ({error}); start again with fewer workers."
            ) from error
        if isinstance(piece, DataError):
            raise piece
        return piece


class _Stream(Sampler[list[int]]):
    """The numbers of the pictures of one piece after the other, without end."""

    def __init__(self, order: Order, share_at: Callable[[int], Share], position: int):
        self._order, self._share_at, self._position = order, share_at, position

    def __iter__(self) -> Iterator[list[int]]:
        position = self._position
        while True:
            share = self._share_at(position)
            for piece in share.pieces(position):
                yield self._order.take(piece)
            position += share.batch


class _Pieces(Dataset[Batch | DataError]):
    """Whole pieces; an error is a value, for PyTorch would wrap a worker's traceback around its sentence."""

    def __init__(self, images: TrainingImages):
        self._images = images

    def __getitem__(self, indices: list[int]) -> Batch | DataError:
        try:
            return self._images.batch(indices)
        except DataError as error:
            return error


def _begin_worker(worker: int) -> None:
    """Let a worker end, at once, when it is told to, and not by Ctrl+C, which goes to all processes of a terminal."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Finalize(None, _leave, exitpriority=-100)  # after those of multiprocessing, which close its pipes


def _leave() -> None:
    """End a worker that is done before Python takes itself down.

    The thread that hands pieces over may still be in PyTorch's C++, moving one that nobody waits for into shared
    memory. Python below 3.14 ends a thread that comes back too late by unwinding its stack, which C++ answers with an
    abort: one worker in some hundred under load, and a SIGCHLD that PyTorch makes an error of.
    """
    if sys.exception() is None:
        os._exit(0)


def _as_it_is(piece: Any) -> Any:
    return piece
