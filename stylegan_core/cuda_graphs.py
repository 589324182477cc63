"""Whole pictures as CUDA graphs: the launches of a synthesis recorded once, and replayed as one.

At batch 1 most layers of a generator take less time on a GPU than Python takes to launch them: some 150 launches of
5 to 10 µs are a millisecond or two that a graph does not have. A graph is a recording of addresses. Hence what it asks
of `GeneratorNetwork.steps`, and what happens where a network does not keep to it: the recording fails, which is logged
once, and the network runs plainly.

- Nothing waits for the GPU or looks at values there: no `.item()`, `.cpu()`, `bool(tensor)`, no indexing by masks.
- Nothing is copied from main memory. What differs from picture to picture (ws, the transform, noise of a seed, which is
  drawn on the CPU) is copied into the recording's own inputs beforehand; what Python decides by (lod, precision, which
  layers take which kind of noise) is part of the recording's key.
- Weights, trained noise and what `prepare` made stay where they are while the network lives.
- `poll` is not called, for a graph cannot be dropped half way.

A graph gives the picture and no steps to go on from, so it is for full runs from nothing; see `Renderer`.
"""

import logging
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from stylegan_core.memory import is_out_of_memory
from stylegan_core.network import GeneratorNetwork, Inputs
from stylegan_core.ops import no_poll

log = logging.getLogger(__name__)

WARM_UPS = 2  # runs before recording: kernels are compiled, cuDNN has chosen, caches are filled
MOST_KEYS = 64  # remembered as seen or failed


class Recording(NamedTuple):
    """What recording a function gave."""

    replay: Callable[[], None]
    output: Tensor  # written anew by every replay
    num_bytes: int  # of device memory that is its own


class Recorder(Protocol):
    """Records what a function launches. Tests bring one that needs no GPU."""

    def __call__(self, device: torch.device, run: Callable[[], Tensor]) -> Recording:
        """Raises what CUDA raises where that cannot be recorded."""


def record(device: torch.device, run: Callable[[], Tensor]) -> Recording:
    """The Recorder of CUDA."""
    with torch.cuda.device(device):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        torch.cuda.empty_cache()  # recording does that too; before counting, so that the difference is the graph's
        before = torch.cuda.memory_reserved()
        graph = torch.cuda.CUDAGraph()
        # The window's thread goes on copying pictures to OpenGL, which "global" would take for mistakes.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            output = run()
        return Recording(graph.replay, output, torch.cuda.memory_reserved() - before)


@dataclass(eq=False)
class _Entry:
    """One key's recording with its own inputs; without one it has been seen once, or has failed."""

    owner: int
    recording: Recording | None = None
    inputs: tuple[Tensor, ...] = ()
    failed: bool = False

    @property
    def num_bytes(self) -> int:
        own = sum(value.numel() * value.element_size() for value in self.inputs)
        return own + (self.recording.num_bytes if self.recording else 0)


class GraphRunner:
    """Recordings by key, the least recently used dropped first. Used by one thread at a time.

    Args:
        limit_bytes: of device memory that recordings may hold. One larger than that by itself is not kept.
        limit: so many recordings at most.
        recorder: see `Recorder`.
    """

    def __init__(self, limit_bytes: int = 2 << 30, limit: int = 8, recorder: Recorder = record):
        self.limit_bytes, self.limit = limit_bytes, limit
        self._recorder = recorder
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._owners: dict[int, weakref.finalize] = {}  # type: ignore[type-arg]
        self._complained = False

    @property
    def num_bytes(self) -> int:
        """Device memory of all recordings."""
        return sum(entry.num_bytes for entry in self._entries.values())

    def __len__(self) -> int:
        return sum(entry.recording is not None for entry in self._entries.values())

    @torch.inference_mode()
    def run(self, owner: object, key: Hashable, body: Callable[..., Tensor], inputs: Sequence[Tensor]) -> Tensor | None:
        """body(*inputs) by replaying; None where the caller has to run it plainly.

        That is at the first sight of a key, for much is asked only once, and after a failure.

        Args:
            owner: what body reads besides (a network). Its recordings go when it goes, for they hold its addresses.
            key: all that decides which launches body makes, besides the inputs' shapes and types.
            body: makes a new tensor and changes nothing else.
            inputs: tensors; their values may differ from call to call.
        """
        full_key = (id(owner), key, tuple((value.shape, value.dtype, value.device) for value in inputs))
        entry = self._entries.get(full_key)
        if entry is None:
            self._remember(owner, full_key)
            return None
        self._entries.move_to_end(full_key)
        if entry.failed:
            return None
        if entry.recording is None:
            self._record(entry, body, inputs)
            if entry.recording is None:
                return None
        for own, value in zip(entry.inputs, inputs, strict=True):
            own.copy_(value)
        entry.recording.replay()
        output = entry.recording.output.clone()  # the next replay writes over it
        self._fit()
        return output

    def clear(self) -> None:
        """Give up all recordings; what failed may be tried again."""
        self._entries.clear()

    def _remember(self, owner: object, full_key: Hashable) -> None:
        if id(owner) not in self._owners:
            self._owners[id(owner)] = weakref.finalize(owner, self._forget, id(owner))
        self._entries[full_key] = _Entry(id(owner))
        self._fit()

    def _forget(self, owner: int) -> None:
        self._owners.pop(owner, None)
        for key in [key for key, entry in list(self._entries.items()) if entry.owner == owner]:
            self._entries.pop(key, None)

    def _record(self, entry: _Entry, body: Callable[..., Tensor], inputs: Sequence[Tensor]) -> None:
        own = tuple(value.clone() for value in inputs)
        try:
            entry.recording = self._recorder(own[0].device, lambda: body(*own))
            entry.inputs = own
        # CUDA's errors are RuntimeErrors of many kinds; what a network does that cannot be recorded may raise others.
        except Exception as error:  # noqa: BLE001
            if is_out_of_memory(error):
                self.clear()  # the plain run needs less, and all that there is
                return
            entry.failed = True
            if not self._complained:
                log.warning("No CUDA graph of this model, it runs plainly: %s: %s", type(error).__name__, error)
            self._complained = True

    def _fit(self) -> None:
        while len(self) > self.limit or self.num_bytes > self.limit_bytes:
            del self._entries[next(key for key, entry in self._entries.items() if entry.recording is not None)]
        while len(self._entries) > MOST_KEYS:
            self._entries.popitem(last=False)


class PictureGraphs:
    """Pictures of generator networks by graph, with whatever noise and transform."""

    def __init__(self, runner: GraphRunner | None = None):
        self.runner = GraphRunner() if runner is None else runner
        self._noisy: weakref.WeakKeyDictionary[GeneratorNetwork, dict[int, Tensor]] = weakref.WeakKeyDictionary()

    @torch.inference_mode()
    def picture(self, network: GeneratorNetwork, ws: Tensor, inputs: Inputs) -> Tensor | None:
        """The last step's picture [N, C, H, W]; None where the caller has to run the steps plainly.

        Args:
            network: on the GPU.
            ws: [N, num_ws, w_dim], float32, on the GPU.
            inputs: as for `GeneratorNetwork.steps`; `poll` is not called.
        """
        if inputs.lod % 1:  # while it fades, every picture has another; a graph of each would be used once
            return None
        if inputs.max_rate is not None:  # a preview, whose filters may live shorter than the network
            return None
        if inputs.transform is not None and not network.traits().get("has_transform"):
            return None  # coarse features are moved by what Python decides from the transform's values
        if network not in self._noisy:
            self._noisy[network] = _trained_maps(network, ws, inputs)
        trained = self._noisy[network]
        maps = {layer: inputs.noise(layer, const) for layer, const in trained.items()}
        kinds = {layer: _kind(values, trained[layer]) for layer, values in maps.items()}
        given = [layer for layer, kind in kinds.items() if kind == "given"]

        def body(ws: Tensor, *values: Tensor) -> Tensor:
            own = dict(zip(given, values, strict=False))

            def noise(layer: int, const: Tensor) -> Tensor | None:
                return {"none": None, "trained": const[None, None], "given": own.get(layer)}[kinds[layer]]

            transform = values[-1] if inputs.transform is not None else None
            return _last_picture(network, ws, replace(inputs, noise=noise, transform=transform, poll=no_poll))

        varying = [values for layer in given if (values := maps[layer]) is not None]
        if inputs.transform is not None:
            varying.append(inputs.transform.to(ws.device))
        plain = [
            getattr(inputs, item.name) for item in fields(inputs) if item.name not in ("noise", "transform", "poll")
        ]
        key = (*plain, *sorted(kinds.items()), inputs.transform is not None)
        return self.runner.run(network, key, body, [ws, *varying])


def _kind(values: Tensor | None, const: Tensor) -> str:
    """Whether a layer takes no noise, the map that it always has, or one that has to be given to a recording."""
    if values is None:
        return "none"
    same = values.data_ptr() == const.data_ptr() and values.shape[-2:] == const.shape[-2:]
    return "trained" if same else "given"


def _last_picture(network: GeneratorNetwork, ws: Tensor, inputs: Inputs) -> Tensor:
    *_, last = network.steps(ws, inputs)
    assert last.img is not None  # the last step has a picture in every network
    return last.img


def _trained_maps(network: GeneratorNetwork, ws: Tensor, inputs: Inputs) -> dict[int, Tensor]:
    """By layer, the maps that a network asks for noise with; found out by running it once."""
    found: dict[int, Tensor] = {}

    def noise(layer: int, const: Tensor) -> None:
        found[layer] = const

    _last_picture(network, ws, replace(inputs, noise=noise, poll=no_poll))
    return found
