"""Centres of w: class means by the definition, k-means that is the same each time, and truncation towards them."""

import threading

import numpy as np
import pytest
import torch

from stylegan_core.centres import CentreStore, find_centres, nearest, num_latents, search
from stylegan_core.errors import Cancelled
from stylegan_core.latent import class_vector, num_centres, scene_distances, scene_ws, style_keys
from stylegan_core.model import Model
from stylegan_core.models import ModelStore
from stylegan_core.render import Renderer, render
from stylegan_core.scene import ClassWeight, Latent, Mix, ModelRef, Scene, Truncation
from tests.strategies import tiny_model

MODEL = tiny_model(16)
CONDITIONAL = tiny_model(16, c_dim=4)
TWO_CLASSES = (ClassWeight(index=1, weight=3.0), ClassWeight(index=2))
NUM_WS = MODEL.card.num_ws
UNTRUNCATED = Truncation(psi=1.0)


@pytest.fixture(scope="module")
def store() -> CentreStore:
    return CentreStore()


def has(store: CentreStore, model: Model, c: torch.Tensor | None, k: int, which: str = "G_ema") -> bool:
    return store.has(model.card.digest, model.device, c, k, which)


def drawn(k: int) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(0).randn(num_latents(k), 8)).float()


def test_one_centre_is_the_mean_of_w() -> None:
    c = class_vector(TWO_CLASSES, 4)
    w = CONDITIONAL.map(drawn(1), c.expand(4096, -1))[:, 0]
    np.testing.assert_allclose(find_centres(CONDITIONAL, c, 1), w.double().mean(0, keepdim=True), rtol=0, atol=1e-6)


def test_centres_are_close_to_w_and_the_same_each_time() -> None:
    w = MODEL.map(torch.from_numpy(np.random.RandomState(7).randn(500, 8)).float())[:, :1]
    mean = (w - find_centres(MODEL, None, 1)).square().sum().item()
    four, many = (find_centres(MODEL, None, k) for k in (4, 32))
    assert four.shape == (4, 8) and many.dtype == torch.float32
    assert len(torch.unique(many, dim=0)) == 32
    # On what they were not fitted to: the mean is farthest, many centres are nearest.
    inertia = [(w - nearest(w, centres)).square().sum().item() for centres in (four, many)]
    assert inertia[1] < 0.6 * inertia[0] < 0.6 * 0.9 * mean
    assert torch.equal(four, find_centres(MODEL, None, 4))


def test_each_centre_is_about_the_mean_of_what_is_nearest_to_it() -> None:
    w, centres = MODEL.map(drawn(4))[:, :1], find_centres(MODEL, None, 4)
    taken = nearest(w, centres)
    for centre in centres:
        own = w[(taken == centre).all(-1)]
        spread = (own - centre).square().sum(-1).mean().sqrt()
        assert (own.mean(0) - centre).norm() < 0.2 * spread  # nearly, for it was found from batches


def test_nearest_is_found_for_each_style_vector_by_itself() -> None:
    random = np.random.RandomState(3)
    ws, centres = random.randn(2, 5, 8).astype(np.float32), random.randn(7, 8).astype(np.float32)
    found = nearest(torch.from_numpy(ws), torch.from_numpy(centres)).numpy()
    for n, i in np.ndindex(2, 5):
        squares = ((ws[n, i].astype(np.float64) - centres) ** 2).sum(-1)
        assert np.array_equal(found[n, i], centres[squares.argmin()])


def test_truncation_towards_the_nearest_centre(store: CentreStore) -> None:
    mixed = Mix(latent=Latent(seed=9), amounts=(0.0,) * (NUM_WS - 2) + (1.0, 0.5))
    scene = Scene(latent=Latent(seed=5), mixing=(mixed,), truncation=Truncation(psi=0.25, towards="nearest", centres=4))
    whole = scene_ws(scene.model_copy(update={"truncation": UNTRUNCATED}), MODEL)[0].double().numpy()
    centres = find_centres(MODEL, None, 4).double().numpy()
    expected = []
    for w in whole:
        centre = centres[((w - centres) ** 2).sum(-1).argmin()]
        expected.append(centre + 0.25 * (w - centre))
    found = scene_ws(scene, MODEL, find_centres=store.find)[0].numpy()
    np.testing.assert_allclose(found, np.stack(expected), rtol=0, atol=1e-5)
    at_0 = scene.model_copy(update={"truncation": scene.truncation.model_copy(update={"psi": 0.0})})
    for w in scene_ws(at_0, MODEL, find_centres=store.find)[0].numpy():
        assert (w == centres.astype(np.float32)).all(-1).any()


def test_truncation_towards_the_mean_of_the_classes(store: CentreStore) -> None:
    scene = Scene(latent=Latent(seed=5), classes=TWO_CLASSES, truncation=Truncation(psi=0.0, towards="class"))
    mean = store.find(CONDITIONAL, class_vector(TWO_CLASSES, 4), 1)
    found = scene_ws(scene, CONDITIONAL, find_centres=store.find)
    assert torch.equal(found[0], mean.expand(CONDITIONAL.card.num_ws, -1))
    other = scene.model_copy(update={"classes": (ClassWeight(index=1),)})
    assert not torch.allclose(found, scene_ws(other, CONDITIONAL, find_centres=store.find), atol=1e-3)
    assert not torch.allclose(found, CONDITIONAL.w_avg, atol=1e-3)


def test_what_needs_centres() -> None:
    def needed(towards: str, card=CONDITIONAL.card) -> int:
        return num_centres(Scene(truncation=Truncation(towards=towards, centres=9)), card)

    assert [needed(towards) for towards in ("mean", "class", "nearest")] == [0, 1, 9]
    # Without classes the mean of the classes is the mean, bit for bit; without truncation nothing is ever needed.
    assert [needed(towards, MODEL.card) for towards in ("mean", "class", "nearest")] == [0, 0, 9]
    without = CONDITIONAL.card.model_copy(update={"has_truncation": False})
    assert [needed(towards, without) for towards in ("mean", "class", "nearest")] == [0, 0, 0]
    scene = Scene(latent=Latent(seed=5), truncation=Truncation(psi=0.3))
    by_class = scene.model_copy(update={"truncation": Truncation(psi=0.3, towards="class")})
    assert torch.equal(scene_ws(scene, MODEL), scene_ws(by_class, MODEL))


def test_distances(store: CentreStore) -> None:
    mixed = Mix(latent=Latent(seed=9), amounts=(0.0,) * (NUM_WS - 1) + (1.0,))
    psis = tuple(i / 4 - 0.5 for i in range(NUM_WS))
    for truncation in (Truncation(layers=psis), Truncation(layers=psis, towards="nearest", centres=4)):
        scene = Scene(mixing=(mixed,), truncation=truncation)
        found = scene_distances(scene, MODEL, find_centres=store.find)
        whole = scene_ws(scene.model_copy(update={"truncation": UNTRUNCATED}), MODEL)
        to_nearest = truncation.towards == "nearest"
        means = nearest(whole, find_centres(MODEL, None, 4))[0] if to_nearest else MODEL.w_avg
        np.testing.assert_allclose(found.drawn, (whole[0] - means).norm(dim=1) / 8**0.5, rtol=1e-5)
        np.testing.assert_allclose(found.truncated, np.abs(psis) * found.drawn, rtol=1e-4, atol=1e-6)


def test_keys_know_what_is_truncated_towards() -> None:
    keys = {}
    for towards, centres in (("mean", 4), ("mean", 5), ("class", 4), ("nearest", 4), ("nearest", 5)):
        cut = Truncation(psi=0.5, cutoff=2, towards=towards, centres=centres)
        keys[towards, centres] = style_keys(Scene(truncation=cut), NUM_WS)
    assert keys["mean", 4] == keys["mean", 5]  # where there are no centres, their number says nothing
    assert len({key[0] for key in keys.values()}) == 4
    assert len({key[-1] for key in keys.values()}) == 1  # what is not truncated is the same everywhere


def test_pictures_do_not_depend_on_what_was_remembered() -> None:
    models = ModelStore("cpu")
    models.add(CONDITIONAL)
    renderer, ref = Renderer(models), ModelRef(digest=CONDITIONAL.card.digest)
    pictures = []
    for towards, centres in (("mean", 2), ("nearest", 2), ("nearest", 3), ("class", 2), ("nearest", 2)):
        scene = Scene(
            model=ref,
            classes=TWO_CLASSES,
            truncation=Truncation(psi=0.5, cutoff=4, towards=towards, centres=centres),
        )
        frame = renderer.render(scene)
        fresh = ModelStore("cpu")
        fresh.add(CONDITIONAL)
        assert torch.equal(frame.pixels, render(scene, fresh).pixels)
        pictures.append(frame.pixels)
    assert torch.equal(pictures[1], pictures[4])
    assert len({picture.numpy().tobytes() for picture in pictures}) == 4


# -- the store ---------------------------------------------------------------------------------------------------------


def test_an_interrupted_search_goes_on_where_it_was() -> None:
    store, told = CentreStore(), []
    left = [5]

    def poll() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        store.find(MODEL, None, 3, poll=poll, progress=told.append)
    assert len(told) == 5 and not has(store, MODEL, None, 3)
    rest: list[float] = []
    centres = store.find(MODEL, None, 3, progress=rest.append)
    assert [*told, *rest] == list(search(MODEL, None, 3)) == sorted({*told, *rest})
    assert rest[-1] == 1.0 and has(store, MODEL, None, 3)
    assert torch.equal(centres, find_centres(MODEL, None, 3))
    assert store.find(MODEL, None, 3, poll=poll) is centres  # nothing is left to be interrupted


def test_centres_of_another_model_or_class_are_others() -> None:
    store = CentreStore()
    first, second = (class_vector((ClassWeight(index=index),), 4) for index in (0, 1))
    store.find(CONDITIONAL, first, 1)
    assert has(store, CONDITIONAL, first, 1)
    assert not has(store, CONDITIONAL, second, 1)
    assert not has(store, CONDITIONAL, first, 2)
    assert not has(store, CONDITIONAL, first, 1, which="G")
    assert not has(store, MODEL, None, 1)


def test_a_search_that_failed_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    store = CentreStore()

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(type(MODEL), "map", fail)
        with pytest.raises(MemoryError):
            store.find(MODEL, None, 1)
    assert torch.equal(store.find(MODEL, None, 1), find_centres(MODEL, None, 1))


def test_two_threads_search_once() -> None:
    store, found, told = CentreStore(), [], []
    begun, polled = threading.Event(), threading.Event()

    def progress(share: float) -> None:
        told.append(share)
        begun.set()
        assert polled.wait(30)  # the other thread is waiting by now

    def other() -> None:
        begun.wait(30)
        found.append(store.find(MODEL, None, 1, poll=polled.set, progress=told.append))

    thread = threading.Thread(target=other)
    thread.start()
    centres = store.find(MODEL, None, 1, progress=progress)
    thread.join(30)
    assert found[0] is centres
    assert told == list(search(MODEL, None, 1))
