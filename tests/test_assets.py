"""What comes with the program works together: demo walks go through the starter model, and are what they say."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from stylegan_core import ModelStore, Renderer
from stylegan_core.walk import Walk, frame_times, scene_at
from stylegan_core.walk_file import read_walk
from visualizer.library import ASSETS, model_file

WALKS = sorted((ASSETS / "walks").glob("*.json"))


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(ModelStore("cpu"))


@pytest.fixture(params=WALKS, ids=lambda path: path.stem)
def walk(request: pytest.FixtureRequest) -> Walk:
    path: Path = request.param
    return read_walk(path)


def test_there_are_some() -> None:
    assert len(WALKS) >= 3


def test_a_demo_walk_plays_with_the_starter_model(walk: Walk, renderer: Renderer) -> None:
    model = renderer.models.open(model_file(walk.keys[0].scene.model))
    assert {key.scene.model.digest for key in walk.keys} == {model.card.digest} and walk.name and walk.loop
    frames = [torch.from_numpy(renderer.pixels(scene_at(walk, time))).float() for time in frame_times(walk, 2)]
    assert all(frame.shape == (64, 64, 3) for frame in frames)
    assert max(float((a - b).abs().mean()) for a, b in pairwise(frames)) > 2  # something is to be seen


def test_a_demo_walk_closes_with_a_step_as_small_as_its_others(walk: Walk, renderer: Renderer) -> None:
    renderer.models.open(model_file(walk.keys[0].scene.model))
    fps = 10
    times = frame_times(walk, fps)
    frames = [torch.from_numpy(renderer.pixels(scene_at(walk, time))).float() for time in (*times[-8:], *times[:8])]
    steps = [float((a - b).abs().mean()) for a, b in pairwise(frames)]
    jumps = any(key.ease == "hold" for key in walk.keys)  # these are meant
    assert jumps or steps[7] <= 1.5 * max(steps[:7] + steps[8:])
