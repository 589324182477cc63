"""The ModelStore: models by digest, within a limit, and one sentence where a Scene's model cannot be had."""

import copy
import shutil
import threading
import weakref
from pathlib import Path

import pytest
import torch

import stylegan_core as sg
from stylegan_core import memory, models
from stylegan_core.errors import Cancelled, ModelMissingError
from stylegan_core.models import ModelStore, load_model, save_model
from stylegan_core.scene import ModelRef
from tests.strategies import tiny_model

A, B, C = tiny_model(8), tiny_model(16), tiny_model(32)


def ref(model: sg.Model, path: Path | str = "", which: str = "G_ema") -> ModelRef:
    return ModelRef(digest=model.card.digest, path=str(path), which=which)


def state(model: sg.Model) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.network.state_dict().items()}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "b.safetensors"
    save_model(B, path)
    return path


def test_least_recently_used_models_make_room() -> None:
    store = ModelStore(limit_bytes=A.num_bytes + B.num_bytes + C.num_bytes - 1)
    for model in (A, B):
        assert store.add(model) is model
    assert store.get(ref(A)) is A  # used: now B is the oldest
    store.add(C)
    assert store.get(ref(A)) is A and store.get(ref(C)) is C
    with pytest.raises(ModelMissingError):
        store.get(ref(B))


def test_the_limit_can_be_changed_at_any_time() -> None:
    store = ModelStore(limit_bytes=1 << 30)
    for model in (A, B, C):
        store.add(model)
    assert store.num_bytes == A.num_bytes + B.num_bytes + C.num_bytes
    store.set_limit(C.num_bytes + B.num_bytes)
    assert [kept.model for kept in store.kept()] == [C, B]  # the most recently used first
    store.set_limit(0)
    assert store.kept() == () and store.num_bytes == 0


def test_models_that_are_held_never_make_room() -> None:
    gone: list[str] = []
    store = ModelStore(limit_bytes=1, evicted=gone.append)
    store.add(A)
    store.hold(ref(A))
    store.add(B)
    assert store.get(ref(A)) is A and store.get(ref(B)) is B
    store.add(C)
    assert gone == [B.card.digest] and [(kept.model, kept.held) for kept in store.kept()] == [(C, False), (A, True)]
    store.hold(ref(C))
    assert gone == [B.card.digest, A.card.digest]  # at once
    store.add(B)
    store.hold(ref(C), ref(B))
    store.set_limit(0)
    store.make_room()
    assert store.has(ref(B)) and store.has(ref(C)) and len(gone) == 2


def test_a_model_may_be_held_before_it_is_there() -> None:
    store = ModelStore(limit_bytes=1)
    store.hold(ref(B))
    for model in (A, B, C):
        store.add(model)
    assert not store.has(ref(A)) and store.has(ref(B)) and store.has(ref(C))


def test_room_is_made_for_one_model() -> None:
    gone: list[str] = []
    store = ModelStore(evicted=gone.append)
    for model in (A, B, C):
        store.add(model)
    store.hold(ref(C))
    store.make_room(ref(A))
    assert gone == [B.card.digest] and store.has(ref(A)) and store.has(ref(C))


def test_looking_whether_a_model_is_there_does_not_use_it() -> None:
    store = ModelStore(limit_bytes=A.num_bytes + B.num_bytes + C.num_bytes - 1)
    store.add(A)
    store.add(B)
    assert store.has(ref(A)) and not store.has(ref(A, which="G"))
    store.add(C)
    assert not store.has(ref(A))


def test_a_model_that_made_room_is_freed() -> None:
    store = ModelStore(limit_bytes=1)
    model = weakref.ref(store.add(copy.deepcopy(A)))
    assert model() is not None
    store.add(B)
    assert model() is None


def test_the_limit_is_a_share_of_the_device_s_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < ModelStore().limit_bytes < memory.device_bytes(torch.device("cpu"))
    monkeypatch.setattr(memory, "device_bytes", lambda device: 1000)
    assert ModelStore("meta").limit_bytes == 250


def test_what_is_prepared_from_weights_counts_as_the_model_s_memory() -> None:
    weights = sum(tensor.numel() * tensor.element_size() for tensor in A.network.state_dict().values())
    assert weights < A.num_bytes < 2 * weights


def test_the_newest_model_is_kept_however_large() -> None:
    store = ModelStore(limit_bytes=1)
    store.add(A)
    store.add(C)
    assert store.get(ref(C)) is C
    with pytest.raises(ModelMissingError):
        store.get(ref(A))


def test_the_two_generators_of_a_file_are_two_models() -> None:
    store = ModelStore()
    store.add(A, "G_ema")
    with pytest.raises(ModelMissingError):
        store.get(ref(A, which="G"))


def test_a_model_is_loaded_once_and_found_by_its_content(saved: Path, tmp_path: Path) -> None:
    store = ModelStore()
    model = store.open(saved)
    assert model.card.name == "b" and model.card.resolution == 16
    saved.rename(tmp_path / "elsewhere.safetensors")
    assert store.get(ref(model, saved)) is model


def test_a_model_that_is_not_in_memory_comes_from_its_file(saved: Path) -> None:
    digest = load_model(saved).card.digest
    store = ModelStore()
    model = store.get(ModelRef(digest=digest, path=str(saved)))
    assert model.card.digest == digest and store.get(ModelRef(digest=digest)) is model
    assert torch.equal(model.w_avg, B.w_avg)


def test_any_model_will_do_where_the_scene_names_a_path_alone(saved: Path) -> None:
    assert ModelStore().get(ModelRef(path=str(saved))).card.resolution == 16


@pytest.mark.parametrize("what", ["moved", "other", "broken", "folder", "nameless"])
def test_a_model_that_is_gone_is_one_sentence(what: str, saved: Path, tmp_path: Path) -> None:
    wanted = ModelRef(digest=load_model(saved).card.digest, path="" if what == "nameless" else str(saved))
    if what in ("moved", "folder"):
        saved.unlink()
    if what == "folder":
        saved.mkdir()
    if what == "other":
        save_model(C, saved)
    if what == "broken":
        saved.write_bytes(b"nothing of the kind")
    store = ModelStore()
    with pytest.raises(ModelMissingError) as error:
        store.get(wanted)
    message = str(error.value)
    assert "\n" not in message and message.endswith(".") and not message.endswith("..")
    assert what == "nameless" or str(saved) in message
    if what == "other":
        with pytest.raises(ModelMissingError):  # nor was the wrong one kept in memory
            store.get(ModelRef(digest=load_model(saved).card.digest))


def test_threads_that_want_one_model_read_it_once(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ModelRef(digest=load_model(saved).card.digest, path=str(saved))
    reads: list[str] = []
    looks: list[ModelRef] = []
    both = threading.Event()

    class Watched(ModelStore):
        def _found(self, ref: ModelRef) -> sg.Model | None:
            found = super()._found(ref)
            looks.append(ref)
            if len(looks) == 3:  # the first thread twice, before it reads; and the second
                both.set()
            return found

    def slow(path: str, *args: object) -> sg.Model:
        reads.append(path)
        assert both.wait(60)
        return load_model(path, *args)

    monkeypatch.setattr(models, "load_model", slow)
    store, found = Watched(), list[sg.Model]()
    threads = [threading.Thread(target=lambda: found.append(store.get(wanted))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 1 and len(found) == 2 and found[0] is found[1]


def test_saving_gives_back_the_same_pictures(saved: Path) -> None:
    model, z = load_model(saved), torch.randn(2, B.card.z_dim, generator=torch.Generator().manual_seed(1))
    assert torch.equal(model.synthesize(model.map(z)), B.synthesize(B.map(z)))
    again = saved.with_name("again.safetensors")
    save_model(model, again)
    for (name, tensor), other in zip(state(load_model(again)).items(), state(B).values(), strict=True):
        assert torch.equal(tensor, other), name


def test_loading_reports_and_can_be_cancelled(saved: Path) -> None:
    shares: list[float] = []
    load_model(saved, progress=shares.append)
    assert shares and shares == sorted(shares) and shares[0] >= 0 and 0.9 < shares[-1] <= 1
    with pytest.raises(Cancelled):
        load_model(saved, cancelled=lambda: True)


def test_a_model_s_device_is_another_model() -> None:
    """Moving works on a copy: were memory to run out on the way, half a model would be left behind."""
    before = state(A)
    moved = A.to("meta")
    assert moved.device == torch.device("meta") and moved.w_avg.is_meta and moved.card is A.card
    assert A.device == torch.device("cpu") and A.to("cpu") is A
    for name, tensor in A.network.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert not moved.network.training and not any(p.requires_grad for p in moved.network.parameters())


def test_the_store_s_device_is_where_models_are_handed_out() -> None:
    store = ModelStore()
    store.add(A)
    store.device = torch.device("meta")
    moved = store.get(ref(A))
    assert moved.device.type == "meta" and store.get(ref(A)) is moved


def test_threads_share_a_store(saved: Path, tmp_path: Path) -> None:
    digest = load_model(saved).card.digest
    other = shutil.copy(saved, tmp_path / "copy.safetensors")
    store, found, errors = ModelStore(limit_bytes=1), [], []

    def use(path: Path) -> None:
        try:
            for _ in range(5):
                found.append(store.get(ModelRef(digest=digest, path=str(path))).card.digest)
                store.add(A)
        except Exception as error:  # noqa: BLE001 - shown below, on the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=use, args=(path,)) for path in (saved, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and found == [digest] * 10
