"""Small pieces of work on all processors, their results in order."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")
WORKERS = min(4, os.cpu_count() or 1)  # each may hold a picture of MAX_PIXELS


def in_order(work: Iterator[Callable[[], Result]]) -> Iterator[Result]:
    """What each piece of work returns, in the order that they come; an exception is raised in its turn.

    Args:
        work: asked for on the caller's thread, a few pieces ahead; done on others.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="pictures") as pool:
        try:
            for piece in work:
                waiting.append(pool.submit(piece))
                if len(waiting) > WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
