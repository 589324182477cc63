"""CUDA graphs with a recorder that needs no GPU: what is recorded, replayed, dropped, and what happens if it fails."""

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from stylegan_core import edits
from stylegan_core.config import GeneratorConfig
from stylegan_core.cuda_graphs import MOST_KEYS, GraphRunner, PictureGraphs, Recording
from stylegan_core.model import Model, build_generator, random_spec
from stylegan_core.models import ModelStore
from stylegan_core.network import Inputs
from stylegan_core.noise import noise_maps, trained_map
from stylegan_core.render import Renderer
from stylegan_core.scene import ModelRef, Scene
from stylegan_core.stylegan3 import StyleGAN3Config

MIB = 1 << 20


@dataclass
class FakeRecorder:
    """Records a function by keeping it: a replay runs it on the recording's own inputs, into its own output."""

    num_bytes: int = MIB
    error: Exception | None = None
    recorded: int = 0
    replayed: int = 0
    outputs: list[Tensor] = field(default_factory=list)

    def __call__(self, device: torch.device, run: Callable[[], Tensor]) -> Recording:
        self.recorded += 1
        if self.error is not None:
            raise self.error
        output = torch.full_like(run(), torch.nan)

        def replay() -> None:
            self.replayed += 1
            output.copy_(run())

        self.outputs.append(output)
        return Recording(replay, output, self.num_bytes)


class Owner:
    """Stands for a network."""


def double(x: Tensor) -> Tensor:
    return x * 2


def run_twice(runner: GraphRunner, owner: object, key: object, x: Tensor) -> Tensor | None:
    assert runner.run(owner, key, double, [x]) is None, "recorded at first sight"
    return runner.run(owner, key, double, [x])


def test_a_second_sight_records_and_every_later_one_replays_with_new_values() -> None:
    recorder, owner = FakeRecorder(), Owner()
    runner = GraphRunner(recorder=recorder)
    first, second = torch.randn(3), torch.randn(3)
    made = run_twice(runner, owner, "key", first)
    again = runner.run(owner, "key", double, [second])
    assert made is not None and again is not None
    assert torch.equal(made, first * 2), "written over by a later replay"
    assert torch.equal(again, second * 2)
    assert (recorder.recorded, recorder.replayed) == (1, 2)


def test_other_shapes_types_keys_and_owners_are_other_recordings() -> None:
    recorder, owners = FakeRecorder(), [Owner(), Owner()]
    runner = GraphRunner(recorder=recorder)
    x = torch.randn(4)
    for owner, key, value in ((0, "a", x), (0, "a", x[:2]), (0, "a", x.half()), (0, "b", x), (1, "a", x)):
        made = run_twice(runner, owners[owner], key, value)
        assert made is not None and torch.equal(made, value * 2)
    assert recorder.recorded == len(runner) == 5


def test_the_least_recently_used_goes_when_there_are_too_many() -> None:
    recorder, owner, x = FakeRecorder(), Owner(), torch.randn(4)
    runner = GraphRunner(limit=2, recorder=recorder)
    for key in "ab":
        run_twice(runner, owner, key, x)
    assert runner.run(owner, "a", double, [x]) is not None
    run_twice(runner, owner, "c", x)
    assert len(runner) == 2
    assert runner.run(owner, "a", double, [x]) is not None
    assert runner.run(owner, "b", double, [x]) is None


def test_memory_is_counted_and_limited() -> None:
    recorder, owner, x = FakeRecorder(num_bytes=3 * MIB), Owner(), torch.randn(MIB // 4)
    runner = GraphRunner(limit_bytes=8 * MIB, recorder=recorder)
    for key in "abc":
        made = run_twice(runner, owner, key, x)
        assert made is not None and torch.equal(made, x * 2)
    assert len(runner) == 2
    assert runner.num_bytes == 2 * (3 + 1) * MIB, "a recording's memory and its inputs"
    runner.clear()
    assert (len(runner), runner.num_bytes) == (0, 0)


def test_one_that_is_too_large_by_itself_gives_its_picture_and_goes() -> None:
    runner, x = GraphRunner(limit_bytes=MIB, recorder=FakeRecorder(num_bytes=2 * MIB)), torch.randn(4)
    owner = Owner()
    made = run_twice(runner, owner, "key", x)
    assert made is not None and torch.equal(made, x * 2)
    assert len(runner) == 0


def test_recordings_go_with_what_they_read() -> None:
    runner, owner = GraphRunner(recorder=FakeRecorder()), Owner()
    run_twice(runner, owner, "key", torch.randn(4))
    assert len(runner) == 1
    del owner
    gc.collect()
    assert len(runner) == 0


def test_a_failure_is_logged_once_and_never_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    recorder = FakeRecorder(error=RuntimeError("operation not permitted when stream is capturing"))
    runner, owner = GraphRunner(recorder=recorder), Owner()
    with caplog.at_level(logging.WARNING):
        for key in "aab" * 3:
            assert runner.run(owner, key, double, [torch.ones(1)]) is None
    assert recorder.recorded == 2, "once for each key"
    assert [record.getMessage() for record in caplog.records] == [
        "No CUDA graph of this model, it runs plainly: RuntimeError: operation not permitted when stream is capturing"
    ]


def test_without_memory_all_recordings_make_room_and_it_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    recorder, owner, x = FakeRecorder(), Owner(), torch.ones(1)
    runner = GraphRunner(recorder=recorder)
    run_twice(runner, owner, "a", x)
    recorder.error = torch.OutOfMemoryError("CUDA out of memory")
    assert run_twice(runner, owner, "b", x) is None
    assert len(runner) == 0
    recorder.error = None
    assert run_twice(runner, owner, "b", x) is not None
    assert caplog.records == []


def test_what_was_asked_once_is_forgotten_in_time() -> None:
    runner, owner = GraphRunner(recorder=FakeRecorder()), Owner()
    for key in range(MOST_KEYS + 1):
        assert runner.run(owner, key, double, [torch.ones(1)]) is None
    assert runner.run(owner, 0, double, [torch.ones(1)]) is None, "remembered for good"
    assert runner.run(owner, MOST_KEYS, double, [torch.ones(1)]) is not None


@pytest.fixture(scope="module")
def model() -> Model:
    """A small StyleGAN2, with noise that shows."""
    spec = random_spec(GeneratorConfig(img_resolution=16, z_dim=8, w_dim=8, channel_base=64, channel_max=8), seed=1)
    for name, tensor in spec.tensors.items():
        if name.endswith("noise_strength"):
            tensor.fill_(0.5)
    return build_generator(spec, digest="0" * 16, name="small")


def new_ws(model: Model) -> Tensor:
    return model.map(torch.randn(1, model.card.z_dim))


@pytest.mark.parametrize("noise", ["const", "none", 7])
def test_pictures_by_graph_are_the_plain_ones(model: Model, noise: Any) -> None:
    recorder = FakeRecorder()
    graphs = PictureGraphs(GraphRunner(recorder=recorder))
    inputs = Inputs(noise=noise_maps(noise))
    assert graphs.picture(model.network, new_ws(model), inputs) is None
    for _ in range(2):
        ws = new_ws(model)
        made = graphs.picture(model.network, ws, inputs)
        assert made is not None and torch.equal(made, model.synthesize(ws, noise=noise))
    assert recorder.recorded == 1


def test_one_recording_serves_every_seed_of_noise(model: Model) -> None:
    recorder = FakeRecorder()
    graphs, ws = PictureGraphs(GraphRunner(recorder=recorder)), new_ws(model)
    graphs.picture(model.network, ws, Inputs(noise=noise_maps(1)))
    pictures = [graphs.picture(model.network, ws, Inputs(noise=noise_maps(seed))) for seed in (2, 3)]
    for seed, picture in zip((2, 3), pictures, strict=True):
        assert picture is not None and torch.equal(picture, model.synthesize(ws, noise=seed))
    assert recorder.recorded == 1


def test_kinds_of_noise_are_told_apart(model: Model) -> None:
    recorder = FakeRecorder()
    graphs, ws = PictureGraphs(GraphRunner(recorder=recorder)), new_ws(model)
    for noise in ("const", "none", 1) * 2:
        made = graphs.picture(model.network, ws, Inputs(noise=noise_maps(noise)))
        assert made is None or torch.equal(made, model.synthesize(ws, noise=noise))
    assert recorder.recorded == 3


def test_whatever_python_decides_by_is_told_apart(model: Model) -> None:
    recorder = FakeRecorder()
    graphs, ws = PictureGraphs(GraphRunner(recorder=recorder)), new_ws(model)
    for dtype in (torch.float32, torch.bfloat16) * 2:
        graphs.picture(model.network, ws, Inputs(dtype=dtype))
    assert recorder.recorded == 2


def moved(shift: float) -> Tensor:
    transform = torch.eye(3)
    transform[0, 2] = shift
    return transform


def test_a_transform_is_given_to_the_recording() -> None:
    config = StyleGAN3Config(
        img_resolution=16, z_dim=8, w_dim=8, channel_base=64, channel_max=4, num_layers=3, margin_size=2
    )
    model = build_generator(random_spec(config, seed=1), digest="0" * 16, name="small")
    recorder = FakeRecorder()
    graphs, ws = PictureGraphs(GraphRunner(recorder=recorder)), new_ws(model)
    graphs.picture(model.network, ws, Inputs(transform=moved(0.0)))
    pictures = []
    for shift in (0.1, 0.2):
        made = graphs.picture(model.network, ws, Inputs(transform=moved(shift)))
        assert made is not None and torch.equal(made, model.synthesize(ws, transform=moved(shift)))
        pictures.append(made)
    assert not torch.equal(*pictures)
    assert recorder.recorded == 1


def test_networks_that_look_at_the_transforms_values_run_plainly(model: Model) -> None:
    graphs, ws = PictureGraphs(GraphRunner(recorder=FakeRecorder())), new_ws(model)
    for _ in range(3):
        assert graphs.picture(model.network, ws, Inputs(transform=moved(0.1))) is None


def test_the_renderer_replays_where_nothing_is_remembered_and_shows_the_same(model: Model) -> None:
    models = ModelStore()
    models.add(model)
    recorder = FakeRecorder()
    graphs = PictureGraphs(GraphRunner(recorder=recorder))
    plain = Renderer(models, cache_bytes=0)
    renderer = Renderer(models, graphs=graphs)
    scene = Scene(model=ModelRef(digest=model.card.digest))
    for seed in range(3):
        frame = renderer.render(edits.set_seed(scene, seed))
        expected = plain.render(edits.set_seed(scene, seed))
        assert frame.pixels is not None and expected.pixels is not None
        assert torch.equal(frame.pixels, expected.pixels)
    assert recorder.replayed == 2
    renderer.render(edits.set_seed(scene, 2))
    assert recorder.replayed == 2, "what was replayed is not remembered"
    renderer.make_room(scene)
    assert len(graphs.runner) == 0


@pytest.mark.parametrize("inputs", [Inputs(noise=trained_map, lod=0.5), Inputs(max_rate=32)])
def test_fading_levels_of_detail_and_previews_run_plainly(model: Model, inputs: Inputs) -> None:
    graphs, ws = PictureGraphs(GraphRunner(recorder=FakeRecorder())), new_ws(model)
    for _ in range(3):
        assert graphs.picture(model.network, ws, inputs) is None
