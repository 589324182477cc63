"""Centres of w: what truncation may draw style vectors to in place of the mean seen in training.

One centre is the mean of the classes chosen. Several are centres of clusters, of which each style vector takes the
nearest: multimodal truncation (Mokady et al. 2022, "Self-Distilled StyleGAN", section 4.2). They follow from the model
and the classes alone: from latents of a fixed seed, and k-means that begins the same way each time.
"""

import threading
from collections import OrderedDict
from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from stylegan_core.errors import Cancelled
from stylegan_core.model import Model
from stylegan_core.ops import Poll, no_poll
from stylegan_core.watch import Progress, untold

SEED = 0  # of the latents, and of k-means
MAPPED = 256  # latents at a time, between two polls
FEWEST, MOST, FOR_EACH = 4096, 32768, 64  # latents: at least, at most, and for each centre in between
PASSES = 10  # of k-means over all of them
STORED = 32  # sets of centres that are kept, of at most 2 MiB each where w has 512 dimensions
WAIT_S = 0.05  # between two polls while another thread looks for centres

Search = Generator[float, None, Tensor]
Key = tuple[object, ...]


def num_latents(k: int) -> int:
    """How many latents k centres are found from; a single one is the mean of the fewest."""
    return FEWEST if k == 1 else min(max(2 * FEWEST, FOR_EACH * k), MOST)


def search(model: Model, c: Tensor | None, k: int) -> Search:
    """Look for the centres of w, a piece at each step.

    Args:
        model: any that has a mapping network.
        c: class weights [1, c_dim] of a conditional model.
        k: how many; 1: the mean.

    Yields:
        The share that is done, 0 to 1.

    Returns:
        Centres [k, w_dim], float32, on the model's device.
    """
    count = num_latents(k)
    random = np.random.RandomState(SEED)
    mapping = 1.0 if k == 1 else 0.5  # of the work, about
    found = []
    for start in range(0, count, MAPPED):
        z = torch.from_numpy(random.randn(MAPPED, model.card.z_dim)).float()
        found.append(model.map(z, None if c is None else c.expand(MAPPED, -1))[:, 0].cpu())
        yield mapping * (start + MAPPED) / count
    w = torch.cat(found)
    centres = w.double().mean(0, keepdim=True) if k == 1 else (yield from _clustered(w.numpy(), k))
    return centres.to(model.device, torch.float32)


def _clustered(w: np.ndarray, k: int) -> Search:
    """k-means over w [N, w_dim] in small batches (Sculley 2010), from k-means++."""
    from sklearn.cluster import MiniBatchKMeans  # takes a second, which no other start should wait for

    batch = max(1024, 4 * k)
    means = MiniBatchKMeans(k, batch_size=batch, n_init=1, random_state=SEED)
    batches = [w[start : start + batch] for start in range(0, len(w), batch)] * PASSES
    for number, part in enumerate(batches, 1):
        means.partial_fit(part)
        yield 0.5 + 0.5 * number / len(batches)
    return torch.from_numpy(means.cluster_centers_)


def find_centres(model: Model, c: Tensor | None, k: int) -> Tensor:
    """The centres [k, w_dim], from nothing; see `search`."""
    return CentreStore().find(model, c, k)


def nearest(ws: Tensor, centres: Tensor) -> Tensor:
    """For each style vector of ws [N, num_ws, w_dim] the centre that is nearest to it, of centres [k, w_dim]."""
    distances = torch.cdist(ws, centres.expand(len(ws), -1, -1), compute_mode="donot_use_mm_for_euclid_dist")
    return centres[distances.argmin(-1)]


class CentreStore:
    """Centres that were found, the least recently used making room. Safe to use from several threads.

    A search that is interrupted goes on where it was when the same centres are asked for next.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[Key, Tensor] = OrderedDict()
        self._interrupted: tuple[Key, Search] | None = None
        self._lock = threading.Lock()
        self._searching = threading.Lock()  # one at a time: it has the processor busy as it is

    def has(self, digest: str, device: torch.device, c: Tensor | None, k: int, which: str = "G_ema") -> bool:
        """Whether `find` will answer at once for the model of this digest, on this device."""
        with self._lock:
            return _key(digest, device, c, k, which) in self._found

    def find(
        self,
        model: Model,
        c: Tensor | None,
        k: int,
        which: str = "G_ema",
        poll: Poll = no_poll,
        progress: Progress = untold,
    ) -> Tensor:
        """The centres [k, w_dim] of a model.

        Args:
            model: where they are not there yet, it maps latents.
            c: class weights [1, c_dim] of a conditional model.
            k: how many; 1: the mean.
            which: of the file's generators the model is.
            poll: called between pieces of the work; raises Cancelled to interrupt it.
            progress: told the share that is done.
        """
        key = _key(model.card.digest, model.device, c, k, which)
        if (centres := self._get(key)) is not None:
            return centres
        while not self._searching.acquire(timeout=WAIT_S):
            poll()
        try:
            centres = self._get(key)  # it may have been another's search that was waited for
            return self._search(key, model, c, k, poll, progress) if centres is None else centres
        finally:
            self._searching.release()

    def _search(self, key: Key, model: Model, c: Tensor | None, k: int, poll: Poll, progress: Progress) -> Tensor:
        interrupted, self._interrupted = self._interrupted, None
        steps = interrupted[1] if interrupted is not None and interrupted[0] == key else search(model, c, k)
        while True:
            try:
                poll()
            except Cancelled:
                self._interrupted = key, steps
                raise
            try:
                progress(next(steps))
            except StopIteration as end:
                return self._put(key, end.value)

    def _get(self, key: Key) -> Tensor | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def _put(self, key: Key, centres: Tensor) -> Tensor:
        with self._lock:
            self._found[key] = centres
            while len(self._found) > STORED:
                self._found.popitem(last=False)
        return centres


def _key(digest: str, device: torch.device, c: Tensor | None, k: int, which: str) -> Key:
    return digest, device, None if c is None else tuple(c.flatten().tolist()), k, which
