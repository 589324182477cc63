"""render is a pure function of the Scene: what is remembered, cancelled or rendered before never shows."""

import dataclasses
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import stylegan_core as sg
from stylegan_core import edits
from stylegan_core.develop import develop
from stylegan_core.errors import Cancelled
from stylegan_core.latent import scene_ws
from stylegan_core.memory import attempt, is_out_of_memory
from stylegan_core.model import Model
from stylegan_core.models import ModelStore
from stylegan_core.network import Step
from stylegan_core.render import NO_MEMORY, TOO_LARGE, Frame, Renderer
from stylegan_core.scene import ClassWeight, Latent, Mix, ModelRef, Noise, Scene, Transform, Truncation, only_picture
from stylegan_core.stage_cache import StageCache
from stylegan_core.transform import input_matrix, warp
from tests.strategies import scenes, tiny_model

MODELS = (
    tiny_model(32),
    tiny_model(16, c_dim=3, architecture="orig"),
    tiny_model(16, c_dim=2, img_channels=1, architecture="resnet"),
    tiny_model(16, img_channels=4, use_noise=False),
)
SKIP = MODELS[0]
STILL = dataclasses.replace(SKIP, card=SKIP.card.model_copy(update={"digest": "still", "moved_px": 0}))
GOLDEN = Path(__file__).parents[1] / "golden"
NUM_WS = SKIP.card.num_ws


def ref(model: Model) -> ModelRef:
    return ModelRef(digest=model.card.digest)


def store() -> ModelStore:
    models = ModelStore()
    for model in (*MODELS, STILL):
        models.add(model)
    return models


STORE = store()
SCENE = Scene(
    model=ref(SKIP),
    latent=Latent(seed=3, x=0.25),
    mixing=(Mix(latent=Latent(seed=8), amounts=(0.0,) * (NUM_WS - 2) + (0.5, 1.0)),),
    noise=Noise(mode="random", seed=4),
)


def scenes_of(model: Model) -> st.SearchStrategy[Scene]:
    card = model.card
    fitting = scenes(card.num_ws, len(card.noise_layers), card.c_dim, card.img_channels, card.layers)
    return fitting.map(lambda scene: only_picture(scene).model_copy(update={"model": ref(model)}))


def walks(model: Model) -> st.SearchStrategy[list[Scene]]:
    """Scenes each of which shares some parts with the one before, so that there is something to resume."""
    last_ws, last_noise = model.card.num_ws - 1, len(model.card.noise_layers) - 1
    changes: list[st.SearchStrategy[Callable[[Scene], Scene]]] = [
        st.builds(
            lambda other, part: lambda scene: scene.model_copy(update={part: getattr(other, part)}),
            scenes_of(model),
            st.sampled_from(
                ["latent", "classes", "mixing", "truncation", "noise", "transform", "view", "channels", "styles"]
            ),
        ),
        st.builds(
            lambda back, psi: lambda scene: edits.set_layer_psi(scene, last_ws - back, psi, last_ws + 1),
            st.integers(0, 2),
            st.floats(0, 1),
        ),
        st.builds(
            lambda back, seed: lambda scene: edits.reseed_layer(scene, max(last_noise - back, 0), seed),
            st.integers(0, 2),
            st.integers(0, 3),
        ),
        st.just(lambda scene: scene),
    ]

    def taken(start: Scene, steps: list[Callable[[Scene], Scene]]) -> list[Scene]:
        found = [start]
        for step in steps:
            found.append(step(found[-1]))
        return found

    return st.builds(taken, scenes_of(model), st.lists(st.one_of(changes), min_size=1, max_size=5))


def pixels(frame: Frame) -> torch.Tensor:
    assert frame.error is None, frame.error
    assert frame.pixels is not None
    return frame.pixels


class Counter:
    """A poll that counts, and raises at one of its calls."""

    def __init__(self, raise_at: int | None = None):
        self.calls, self.raise_at = 0, raise_at

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self.raise_at:
            raise Cancelled


# -- purity ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.card.digest)
def test_rendering_changes_nothing_but_time(model: Model) -> None:
    scene = edits.fit(SCENE, model.card, ref(model))
    state = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    torch.manual_seed(3)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = pixels(sg.render(scene, STORE)).clone()
    assert torch.equal(torch.get_rng_state(), torch_state) and np.array_equal(np.random.get_state()[1], numpy_state)
    torch.manual_seed(99)
    assert torch.equal(pixels(sg.render(scene, STORE)), first)
    for name, tensor in model.network.state_dict().items():
        assert torch.equal(tensor, state[name]), name
    assert first.shape == (model.card.resolution, model.card.resolution, model.card.img_channels)
    assert first.dtype == torch.uint8 and first.is_contiguous()


def test_a_frame_is_the_model_s_own_picture() -> None:
    with torch.inference_mode():
        img = SKIP.synthesize(scene_ws(SCENE, SKIP), noise=SCENE.noise)
    frame = sg.render(SCENE, STORE)
    assert torch.equal(pixels(frame), develop(img[0]))
    assert frame.scene is SCENE and not frame.preview and frame.revision == 0
    assert set(frame.timings_ms) == {"map", "synthesis", "develop"}
    assert list(frame.steps_ms) == [4, 8, 16, 32]


def test_pixels_are_rounded_half_up_and_clipped() -> None:
    values = [-2.0, -1.0, -1 + 0.49 / 127.5, -1 + 0.51 / 127.5, 0.0, 0.5, 1.0, 7.0]
    img = torch.tensor(values, dtype=torch.float64).reshape(1, 2, 4)
    expected = [0, 0, 0, 1, 128, 191, 255, 255]  # floor((value + 1) * 127.5 + 0.5)
    assert develop(img).shape == (2, 4, 1)
    assert develop(img).flatten().tolist() == expected
    colours = torch.stack([torch.full((2, 3), value) for value in (-1.0, 0.0, 1.0)])
    assert torch.equal(develop(colours), torch.tensor([0, 128, 255], dtype=torch.uint8).expand(2, 3, 3))


# -- resuming ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.card.digest)
def test_resumed_pictures_are_those_made_from_nothing(model: Model) -> None:
    resolutions = model.network.synthesis.resolutions

    @settings(max_examples=12)
    @given(walks(model), st.data())
    def check(walk: list[Scene], data: st.DataObject) -> None:
        limit = data.draw(st.sampled_from([0, 20_000, 1 << 30]), label="cache_bytes")
        renderer = Renderer(STORE, cache_bytes=limit)
        for scene in walk:
            stop_at = data.draw(st.sampled_from([None, None, *resolutions]), label="stop_at")
            cancel_at = data.draw(st.one_of(st.none(), st.integers(1, 30)), label="cancel_at")
            try:
                frame = renderer.render(scene, stop_at=stop_at, poll=Counter(cancel_at))
            except Cancelled:
                frame = renderer.render(scene, stop_at=stop_at)
            assert renderer.cache.num_bytes <= limit
            fresh = Renderer(STORE, cache_bytes=0).render(scene, stop_at=stop_at)
            assert torch.equal(pixels(frame), pixels(fresh))
            assert frame.preview == fresh.preview

    check()


def test_only_blocks_whose_inputs_changed_run_again() -> None:
    renderer = Renderer(STORE)

    def ran(scene: Scene) -> list[int]:
        return list(renderer.render(scene).steps_ms)

    assert ran(SCENE) == [4, 8, 16, 32]
    assert ran(SCENE) == []
    fine = edits.set_layer_psi(SCENE, NUM_WS - 1, 0.1, NUM_WS)
    assert ran(fine) == [32]
    assert ran(edits.set_layer_noise(fine, 4, 0.5, 7)) == [16, 32]  # layers: 4, 8, 8, 16, 16, 32, 32
    assert ran(edits.set_psi(SCENE, 0.1)) == [4, 8, 16, 32]
    assert ran(edits.set_offset(SCENE, 0.1, 0)) == [16, 32]  # what was coarser before the move is the same
    assert ran(fine) == []  # remembered still
    assert ran(edits.set_noise_mode(edits.reset_noise(SCENE), "none")) == [4, 8, 16, 32]


def test_moving_the_input_runs_every_layer_of_stylegan3() -> None:
    models = ModelStore()
    models.add(model := sg.load_model(GOLDEN / "sg3t_64.pkl"))
    renderer, scene = Renderer(models), Scene(model=ref(model))
    counts = []
    for changed in (scene, edits.turn_picture(scene, 5), edits.set_untransform(edits.turn_picture(scene, 5), True)):
        before = renderer.cache.num_bytes
        pixels(renderer.render(changed))
        counts.append(renderer.cache.num_bytes > before)
    assert counts == [True, True, False]
    matrix = input_matrix(edits.turn_picture(scene, 5).transform)
    img = model.synthesize(scene_ws(scene, model), transform=matrix)
    assert torch.equal(pixels(renderer.render(edits.turn_picture(scene, 5))), develop(img[0]))


def test_levels_of_detail_run_only_the_blocks_that_they_change() -> None:
    models = ModelStore()
    models.add(model := sg.load_model(GOLDEN / "sg1_64.pkl"))
    renderer, scene = Renderer(models), Scene(model=ref(model))
    for lod, blocks in ((0.0, [4, 8, 16, 32, 64]), (0.5, [64]), (1.5, [32, 64]), (0.5, []), (2.0, [32, 64])):
        frame = renderer.render(edits.set_lod(scene, lod))
        assert list(frame.steps_ms) == blocks
        img = model.synthesize(scene_ws(scene, model), lod=lod)
        assert torch.equal(pixels(frame), develop(img[0]))
    assert len({pixels(renderer.render(edits.set_lod(scene, lod))).numpy().tobytes() for lod in (0.0, 0.5, 1.5)}) == 3


def test_moving_a_picture_back_costs_no_synthesis() -> None:
    renderer = Renderer(STORE)
    moved = edits.turn_picture(edits.set_offset(SCENE, 0.25, -0.125), 30)
    renderer.render(moved)
    for stop_at in (None, 16):
        back = edits.set_untransform(moved, True)
        frame = renderer.render(back, stop_at=stop_at)
        with torch.inference_mode():
            steps = list(SKIP.steps(scene_ws(SCENE, SKIP), SCENE.noise, input_matrix(moved.transform)))
        img = steps[-1 if stop_at is None else -2].img
        assert list(frame.steps_ms) == []
        assert torch.equal(pixels(frame), develop(warp(img, input_matrix(moved.transform))[0]))
    still = edits.set_untransform(SCENE, True)
    assert torch.equal(pixels(renderer.render(still)), pixels(renderer.render(SCENE)))


def test_models_do_not_mix() -> None:
    renderer = Renderer(STORE)
    for model in (*MODELS, *MODELS):
        scene = edits.fit(SCENE, model.card, ref(model))
        assert torch.equal(pixels(renderer.render(scene)), pixels(sg.render(scene, STORE)))


# -- view --------------------------------------------------------------------------------------------------------------


def test_a_channel_and_its_gain_are_those_of_the_picture() -> None:
    renderer = Renderer(STORE)
    renderer.render(SCENE)
    img = SKIP.synthesize(scene_ws(SCENE, SKIP), SCENE.noise)[0]
    for channel in (None, 0, 1, 2):
        for gain_db in (-40.0, -6.0, 0.0, 12.0):
            scene = edits.set_gain_db(edits.set_channel(SCENE, channel), gain_db)
            frame = renderer.render(scene)
            assert frame.steps_ms == {}, "the view costs no synthesis"
            shown = img if channel is None else img[channel : channel + 1]
            assert torch.equal(pixels(frame), develop(shown * 10 ** (gain_db / 20)))


def test_a_channel_that_is_not_there_is_named() -> None:
    frame = Renderer(STORE).render(edits.set_channel(SCENE, 3))
    assert frame.error == "channel 3 does not exist; the picture has channels 0 to 2."
    assert edits.fit(edits.set_channel(SCENE, 3), SKIP.card, SCENE.model).view.channel is None


# -- previews and cancelling -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop_at", [4, 8, 16, 32, 20, 1000])
def test_a_preview_is_a_coarser_block_s_picture(stop_at: int) -> None:
    frame = Renderer(STORE).render(SCENE, revision=7, stop_at=stop_at)
    with torch.inference_mode():
        steps = list(SKIP.steps(scene_ws(SCENE, SKIP), SCENE.noise))
    step = [step for step in steps if step.resolution <= stop_at][-1]
    assert torch.equal(pixels(frame), develop(step.img[0]))
    assert frame.preview == (step.resolution < 32) and frame.revision == 7
    assert set(frame.steps_ms) == {s.resolution for s in steps if s.resolution <= step.resolution}


def test_no_preview_of_a_moved_picture_is_coarser_than_what_is_moved() -> None:
    frame = Renderer(STORE).render(edits.set_offset(SCENE, 0.25, 0), stop_at=4)
    assert frame.preview and frame.pixels.shape[0] == SKIP.card.moved_px == 16
    assert not torch.equal(pixels(frame), pixels(Renderer(STORE).render(SCENE, stop_at=16)))


def test_no_preview_is_coarser_than_the_first_block() -> None:
    smallest, asked = (Renderer(STORE).render(SCENE, stop_at=px) for px in (4, 1))
    assert torch.equal(pixels(asked), pixels(smallest)) and asked.pixels.shape[0] == 4


@pytest.mark.parametrize("model", MODELS[1:3], ids=lambda model: model.card.digest)
def test_models_without_coarser_pictures_give_the_full_one(model: Model) -> None:
    scene = edits.fit(SCENE, model.card, ref(model))
    frame = Renderer(STORE).render(scene, stop_at=4)
    assert not frame.preview and torch.equal(pixels(frame), pixels(sg.render(scene, STORE)))


def test_a_picture_can_be_dropped_at_every_poll() -> None:
    counter = Counter()
    expected = pixels(Renderer(STORE, cache_bytes=0).render(SCENE, poll=counter))
    assert counter.calls > 10
    renderer = Renderer(STORE)
    for call in range(1, counter.calls + 1):
        renderer.cache.clear()
        with pytest.raises(Cancelled):
            renderer.render(SCENE, poll=Counter(call))
        frame = renderer.render(SCENE)
        assert torch.equal(pixels(frame), expected)


def test_what_was_done_before_cancelling_is_not_done_again() -> None:
    counter = Counter()
    Renderer(STORE, cache_bytes=0).render(SCENE, poll=counter)
    renderer = Renderer(STORE)
    with pytest.raises(Cancelled):
        renderer.render(SCENE, poll=Counter(counter.calls))  # the last one: inside the last block
    assert list(renderer.render(SCENE).steps_ms) == [32]


# -- memory ------------------------------------------------------------------------------------------------------------


def step_of(num_bytes: int, resolution: int = 4) -> Step:
    return Step(
        0, resolution, torch.zeros(num_bytes // 2, dtype=torch.uint8), torch.zeros(num_bytes // 2, dtype=torch.uint8)
    )


@given(st.integers(0, 100), st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 30)), max_size=30))
def test_the_cache_keeps_the_newest_within_its_limit(limit: int, calls: list[tuple[bool, int, int]]) -> None:
    cache = StageCache(limit)
    kept: list[tuple[int, Step]] = []  # least recently used first
    for putting, key, half in calls:
        if putting:
            step = step_of(2 * half)
            cache.put(key, step)
            if 2 * half <= limit:
                kept = [*(item for item in kept if item[0] != key), (key, step)]
                while sum(s.x.numel() * 2 for _, s in kept) > limit:
                    kept.pop(0)
        else:
            hit = next((item for item in kept if item[0] == key), None)
            assert cache.get(key) is (hit[1] if hit else None)
            kept = [*(item for item in kept if item is not hit), hit] if hit else kept
        assert cache.num_bytes == sum(s.x.numel() * 2 for _, s in kept) <= limit
    cache.clear()
    assert cache.num_bytes == 0 and cache.get(0) is None


def test_a_larger_step_takes_the_place_of_a_smaller_one() -> None:
    cache = StageCache(100)
    cache.put("a", step_of(20))
    cache.put("b", step_of(20))
    cache.put("a", step_of(90))
    assert cache.num_bytes == 90 and cache.get("b") is None


def test_no_picture_pins_more_than_the_limit() -> None:
    renderer = Renderer(STORE, cache_bytes=30_000)
    for seed in range(10):
        renderer.render(edits.set_seed(SCENE, seed))
        assert 0 < renderer.cache.num_bytes <= 30_000


def test_a_smaller_limit_counts_at_once() -> None:
    cache = StageCache(100)
    for key in "abcd":
        cache.put(key, step_of(20))
    cache.set_limit(50)
    assert cache.num_bytes == 40 and cache.get("b") is None and cache.get("c") is not None
    cache.set_limit(0)
    assert cache.num_bytes == 0


def test_what_a_model_gave_is_forgotten_with_it() -> None:
    renderer = Renderer(STORE)
    for model in MODELS[:2]:
        renderer.render(edits.fit(SCENE, model.card, ref(model)))
    before = renderer.cache.num_bytes
    renderer.cache.forget(MODELS[1].card.digest)
    assert 0 < renderer.cache.num_bytes < before
    assert list(renderer.render(SCENE).steps_ms) == []
    renderer.cache.forget(SKIP.card.digest)
    assert renderer.cache.num_bytes == 0


def test_several_renderers_share_what_is_remembered() -> None:
    cache = StageCache(1 << 30)
    first, second = Renderer(STORE, cache=cache), Renderer(STORE, cache=cache)
    assert list(first.render(SCENE).steps_ms) == [4, 8, 16, 32]
    assert list(second.render(SCENE).steps_ms) == []
    fine = edits.set_layer_psi(SCENE, NUM_WS - 1, 0.1, NUM_WS)
    assert torch.equal(pixels(second.render(fine)), pixels(sg.render(fine, STORE)))
    assert list(first.render(fine).steps_ms) == []


def test_threads_share_what_is_remembered() -> None:
    cache, errors = StageCache(60_000), []

    def use(offset: int) -> None:
        renderer = Renderer(STORE, cache=cache)
        try:
            for seed in range(8):
                scene = edits.set_seed(SCENE, (seed + offset) % 4)
                assert torch.equal(pixels(renderer.render(scene)), expected[scene])
                cache.set_limit(60_000 + seed)
                cache.forget("another")
        except BaseException as error:  # noqa: BLE001 - shown below, on the test's own thread
            errors.append(error)

    expected = {scene: pixels(sg.render(scene, STORE)) for scene in (edits.set_seed(SCENE, seed) for seed in range(4))}
    threads = [threading.Thread(target=use, args=(offset,)) for offset in (0, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and cache.num_bytes <= cache.limit_bytes


# -- no memory left ----------------------------------------------------------------------------------------------------

EXHAUSTED = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you ..."),
    RuntimeError("could not create a primitive"),
    MemoryError(),
)


class Shortage:
    """A model's steps for which there is no memory from a resolution on, the first so many times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception, from_px: int, times: int = 1000):
        self.error, self.from_px, self.left = error, from_px, times
        self._steps = Model.steps
        shortage = self

        def steps(model: Model, *args: object, **kwargs: object) -> Iterator[Step]:
            for step in shortage._steps(model, *args, **kwargs):
                if step.resolution >= shortage.from_px and shortage.left:
                    shortage.left -= 1
                    raise shortage.error
                yield step

        monkeypatch.setattr(Model, "steps", steps)


@pytest.mark.parametrize("error", EXHAUSTED, ids=lambda error: type(error).__name__)
def test_where_memory_runs_out_once_room_is_made(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, models = pixels(sg.render(SCENE, STORE)), store()
    renderer = Renderer(models)
    renderer.render(edits.set_seed(SCENE, 1))
    Shortage(monkeypatch, error, 32, times=1)
    frame = renderer.render(SCENE, revision=5)
    assert frame.error is None and frame.revision == 5 and torch.equal(pixels(frame), expected)
    assert [kept.model for kept in models.kept()] == [SKIP]
    assert renderer.cache.num_bytes < 1000  # the style vectors alone: steps would fill what was just made free


@pytest.mark.parametrize("error", EXHAUSTED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("from_px", "px"), [(32, 16), (16, 8), (8, 4)])
def test_the_finest_picture_that_there_is_memory_for(
    error: Exception, from_px: int, px: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer, expected = Renderer(store()), Renderer(STORE).render(SCENE, stop_at=px)
    short = Shortage(monkeypatch, error, from_px)
    frame = renderer.render(SCENE)
    assert frame.error == TOO_LARGE and frame.preview
    assert frame.pixels is not None and torch.equal(frame.pixels, pixels(expected))
    assert renderer.render(SCENE, stop_at=px).error is None  # that it can be made is no error
    short.left = 0
    assert torch.equal(pixels(renderer.render(SCENE)), pixels(sg.render(SCENE, STORE)))


def test_no_memory_for_any_picture_is_an_error_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer(store())
    renderer.render(SCENE)
    with monkeypatch.context() as patch:
        Shortage(patch, EXHAUSTED[0], 4)
        frame = renderer.render(edits.set_seed(SCENE, 1), revision=5)
        assert frame.pixels is None and frame.revision == 5 and frame.error == NO_MEMORY
    for model in MODELS[1:3]:  # these have no coarser pictures
        with monkeypatch.context() as patch:
            Shortage(patch, EXHAUSTED[0], 16)
            assert Renderer(store()).render(edits.fit(SCENE, model.card, ref(model))).error == NO_MEMORY
    assert torch.equal(pixels(renderer.render(SCENE)), pixels(sg.render(SCENE, STORE)))


def test_what_failed_for_memory_is_not_held_on_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second try has the memory of the first: nothing of that may live on in an error's traceback."""
    seen: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []
    steps_of = Model.steps

    def steps(model: Model, *args: object, **kwargs: object) -> Iterator[Step]:
        alive.append(sum(tensor() is not None for tensor in seen))
        for step in steps_of(model, *args, **kwargs):
            seen.append(weakref.ref(step.x))
            if step.resolution == 32:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            yield step

    monkeypatch.setattr(Model, "steps", steps)
    assert Renderer(store()).render(SCENE).error == TOO_LARGE
    assert alive == [0, 0] and len(seen) == 2 * 7  # steps up to the first of the last resolution, twice


def test_the_allocator_s_own_error_is_known() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shape '[2, 3]' is invalid"),
        RuntimeError("could not create a primitive descriptor for a convolution forward propagation primitive"),
        ValueError("CUDA error: out of memory"),
    ],
)
def test_other_errors_are_no_lack_of_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)):
        attempt(partial(raising, error))


def raising(error: Exception) -> None:
    raise error


# -- errors as values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        (Scene(), "The Scene names no model; open one first."),
        (SCENE.model_copy(update={"model": ModelRef(digest="ff", path="/none/m.pkl")}), "/none/m.pkl"),
        (SCENE.model_copy(update={"truncation": Truncation(layers=(1.0,))}), "psi has 1 values"),
        (SCENE.model_copy(update={"mixing": (Mix(latent=Latent(), amounts=()),)}), "mixing has 0 amounts"),
        (Scene(model=ref(MODELS[1]), classes=(ClassWeight(index=3),)), "class 3 does not exist"),
        (Scene(model=ref(STILL), transform=Transform(x=0.5)), "stylegan2 has no input transform"),
    ],
)
def test_what_a_person_can_mend_is_an_error_frame(scene: Scene, message: str) -> None:
    frame = Renderer(STORE).render(scene, revision=3)
    assert frame.pixels is None and frame.error is not None
    assert message in frame.error and frame.error.endswith(".")
    assert (frame.scene, frame.revision, frame.preview) == (scene, 3, False)


def test_errors_in_the_program_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "steps", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sg.render(SCENE, STORE)


# -- what a Scene's parts do -------------------------------------------------------------------------------------------


def test_every_part_of_a_scene_shows() -> None:
    conditional = edits.fit(SCENE, MODELS[1].card, ref(MODELS[1]))
    for scene, other in [
        (SCENE, edits.set_seed(SCENE, 4)),
        (SCENE, edits.move_on_plane(SCENE, 0.3, 0)),
        (SCENE, edits.set_space(SCENE, "z")),
        (SCENE, edits.clear_mixing(SCENE)),
        (SCENE, edits.set_psi(SCENE, 0.2)),
        (SCENE, edits.set_cutoff(SCENE, 1)),
        (SCENE, edits.set_noise_mode(SCENE, "const")),
        (SCENE, edits.set_noise_seed(SCENE, 5)),
        (SCENE, edits.set_noise_strength(SCENE, 3)),
        (SCENE, edits.set_layer_noise(SCENE, 0, 0, 7)),
        (SCENE, edits.reseed_layer(SCENE, 6, 1)),
        (SCENE, edits.set_offset(SCENE, 0.1, 0)),
        (SCENE, edits.set_offset(SCENE, 0, 0.1)),
        (SCENE, edits.set_rotation(SCENE, 10)),
        (SCENE, edits.set_scale(SCENE, 1.2)),
        (SCENE, edits.set_shear(SCENE, 0.2)),
        (SCENE, edits.set_mirror(SCENE, True)),
        (edits.set_mirror(SCENE, True), edits.set_untransform(edits.set_mirror(SCENE, True), True)),
        (conditional, edits.choose_class(conditional, 1)),
        (conditional, edits.set_class_weight(conditional, 2, 1)),
    ]:
        assert not torch.equal(pixels(sg.render(scene, STORE)), pixels(sg.render(other, STORE))), other


def test_pictures_change_little_by_little() -> None:
    """On the way from one person to the next there is no jump, at the whole position neither."""
    frames = []
    for step in range(-4, 5):
        scene = edits.move_on_plane(edits.set_seed(edits.reset_noise(SCENE), 10), step / 256, 0)
        frames.append(pixels(sg.render(edits.clear_mixing(scene), STORE)).float())
    ends = (frames[0] - frames[-1]).abs().mean()
    assert max((a - b).abs().mean() for a, b in pairwise(frames)) < 0.5 * ends
