"""The live application without its window: every frame is sg.render's, nothing is lost, nothing escapes a tick."""

import json
import os
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import stylegan_core as sg
from stylegan_core import edits, memory
from stylegan_core import models as models_file
from stylegan_core.checkpoint import write_spec
from stylegan_core.config import GeneratorConfig
from stylegan_core.equivariance import equivariance
from stylegan_core.errors import Cancelled
from stylegan_core.model import random_spec
from stylegan_core.models import save_model
from stylegan_core.network import Step
from stylegan_core.picture import read_scene, write_png
from stylegan_core.projected import open_projected
from stylegan_core.render import NO_MEMORY, TOO_LARGE, Frame
from stylegan_core.scene import Latent, Mix, ModelRef, Noise, Scene
from tests.strategies import tiny_model
from tests.visualizer.ticking import until
from visualizer import equivariance as equivariance_file
from visualizer import explorer as explorer_file
from visualizer import loading as loading_file
from visualizer import session as session_file
from visualizer.explorer import KEEP_EVERY_S, PLAY_HZ, Explorer, devices
from visualizer.favourites import THUMBNAIL_PX, thumbnail
from visualizer.library import starter_models
from visualizer.session import MOST_MIB, Layout, Pin, Session, read_session, write_session
from visualizer.worker import PreviewPolicy, Shown, to_rgba

STARTER = starter_models()[0]
TICKS = 60_000  # with a rest of 1 ms each: never reached unless a test is about to fail


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_model(tiny_model(16), path)
    return path


@pytest.fixture
def open_explorer(tmp_path: Path) -> Iterator[Callable[[], Explorer]]:
    """Opens Explorers on one state folder, one after another; those still open are closed at the end."""
    opened: list[Explorer] = []
    before = set(threading.enumerate())

    def open_one() -> Explorer:
        opened.append(Explorer(tmp_path / "state", tmp_path / "pictures"))
        return opened[-1]

    yield open_one
    for explorer in opened:
        if explorer.worker._thread.is_alive():
            explorer.close()
    assert not [thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("job")]


@pytest.fixture
def explorer(open_explorer: Callable[[], Explorer]) -> Explorer:
    explorer = open_explorer()
    explorer.begin()
    settled(explorer)
    return explorer


def settled(explorer: Explorer) -> Shown:
    """Tick until nothing is under way and the Scene's full picture is there."""

    def at_rest() -> bool:
        latest = explorer.latest
        return (
            explorer.loading is None
            and not explorer.tasks.busy
            and latest is not None
            and latest.frame.scene == explorer.scene
            and not latest.frame.preview
        )

    until(explorer, at_rest)
    assert explorer.latest is not None
    return explorer.latest


def said(explorer: Explorer, words: str, kind: str = "error") -> None:
    until(explorer, lambda: explorer.notice.kind == kind and words in explorer.notice.text)


def opened(explorer: Explorer, path: Path) -> None:
    explorer.open_model(path)
    until(explorer, lambda: explorer.loading is None)
    settled(explorer)


def expected(explorer: Explorer) -> torch.Tensor:
    frame = sg.render(explorer.scene, explorer.models, half=explorer.half)
    assert frame.pixels is not None, frame.error
    return to_rgba(frame.pixels)


# -- pictures ----------------------------------------------------------------------------------------------------------


def test_the_starter_model_is_open_at_once(explorer: Explorer) -> None:
    assert explorer.card is not None and explorer.card.name == STARTER.stem
    assert explorer.scene.model.path == str(STARTER)
    assert explorer.store.done == ()  # there is nothing before it to go back to
    assert torch.equal(settled(explorer).rgba, expected(explorer))
    assert explorer.session.recent == (str(STARTER),)


def test_every_edit_gives_the_picture_of_its_scene(explorer: Explorer) -> None:
    num_ws = explorer.card.num_ws
    for step in range(6):
        explorer.edit("Seed", edits.set_seed, step)
        explorer.edit("Mixing", edits.set_mix_amount, [step], 0.5, num_ws)
        explorer.edit("Psi", edits.set_psi, step / 5)
        for shown in until(explorer, lambda: explorer.latest.frame.revision == explorer.store.revision):
            assert shown.frame.error is None
        assert torch.equal(settled(explorer).rgba, expected(explorer))
    assert "Seed" in explorer.store.done


def test_a_scene_that_fails_is_a_notice_and_no_picture(explorer: Explorer) -> None:
    bad = explorer.scene.model_copy(update={"mixing": (Mix(latent=Latent(), amounts=(0.5,)),)})
    explorer.do("Bad", edits.set_scene, bad)
    shown = until(explorer, lambda: explorer.latest.frame.scene == bad)
    assert shown == [] and "mixing has 1 amounts" in explorer.notice.text and explorer.notice.kind == "error"
    explorer.undo()
    assert settled(explorer).frame.error is None


def test_playing_noise_makes_no_undo_points(explorer: Explorer) -> None:
    explorer.do("Noise", edits.set_noise_mode, "random")
    explorer.playing_noise = True
    seeds = []
    for frame in range(1, 31):
        explorer.tick(now=frame / PLAY_HZ * 1.001)
        seeds.append(explorer.scene.noise.seed)
    assert seeds == list(range(1, 31))
    explorer.tick(now=30 / PLAY_HZ * 1.001)  # no time has gone by
    assert explorer.scene.noise.seed == 30
    assert explorer.store.done == ("Noise",)
    explorer.do("Noise", edits.set_noise_mode, "const")
    explorer.tick(now=1000)
    assert explorer.scene.noise.seed == 30  # only random noise plays


def test_another_precision_gives_another_picture(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[bool] = []
    render = explorer.renderer.render

    def watched(*args: object, **kwargs: object) -> sg.Frame:
        rendered.append(explorer.renderer.half)
        return render(*args, **kwargs)

    monkeypatch.setattr(explorer.renderer, "render", watched)
    half = explorer.half
    explorer.use(half=not half)
    until(explorer, lambda: rendered and rendered[-1] is not half)  # not the old one with a new label
    settled(explorer)
    assert explorer.session.half is not half


def test_another_device(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU: the model is asked to move, and what the device says is shown."""
    explorer.use("cpu")
    settled(explorer)
    assert explorer.device == explorer.session.device == "cpu"

    def full(self: sg.Model, device: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with monkeypatch.context() as patch:
        patch.setattr(sg.Model, "to", full)
        patch.setattr(memory, "device_bytes", lambda device: 1 << 30)
        explorer.use("cuda:0")
        said(explorer, NO_MEMORY)
        assert explorer.models.limit_bytes == (1 << 30) // memory.MODELS_SHARE
        explorer.use("cpu")
        until(explorer, lambda: explorer.latest.frame.error is None)
    assert torch.equal(settled(explorer).rgba, expected(explorer))


def test_devices_end_with_the_cpu() -> None:
    assert devices()[-1] == "cpu"


def test_a_device_that_is_not_there_is_not_used(tmp_path: Path) -> None:
    write_session(Session(device="cuda:77"), tmp_path / "session.json")
    explorer = Explorer(tmp_path, tmp_path)
    assert explorer.device == devices()[0]
    explorer.close()


# -- models ------------------------------------------------------------------------------------------------------------


def test_another_model_keeps_what_fits_and_undo_goes_back(explorer: Explorer, tiny: Path) -> None:
    explorer.do("Seed", edits.set_seed, 7)
    explorer.do("Mixing", edits.set_mix_amount, [0], 1.0, explorer.card.num_ws)
    before, card = explorer.scene, explorer.card
    opened(explorer, tiny)
    assert explorer.card.name == "tiny" and explorer.scene.latent.seed == 7 and explorer.scene.mixing == ()
    assert torch.equal(explorer.latest.rgba, expected(explorer))
    explorer.undo()
    settled(explorer)
    assert explorer.scene == before and explorer.card == card
    assert torch.equal(explorer.latest.rgba, expected(explorer))
    explorer.redo()
    assert settled(explorer).rgba.shape == (16, 16, 4) and explorer.card.name == "tiny"
    assert explorer.session.recent[:2] == (str(tiny), str(STARTER))


@pytest.mark.parametrize("kind", ["missing", "broken", "cut", "folder", "nul", "long"])
def test_a_model_that_cannot_be_opened_changes_nothing(explorer: Explorer, tmp_path: Path, kind: str) -> None:
    path = tmp_path / {"nul": "a\0b.pkl", "long": "x" * 300 + ".pkl"}.get(kind, "bad.pkl")
    if kind == "broken":
        path.write_bytes(b"\x80\x04 nothing of the kind")
    elif kind == "cut":
        path.write_bytes(STARTER.read_bytes()[:100_000])
    elif kind == "folder":
        path.mkdir()
    before = (explorer.scene, explorer.card, explorer.session, explorer.latest)
    explorer.open_model(path)
    until(explorer, lambda: explorer.loading is None)
    assert explorer.notice.kind == "error" and explorer.notice.text.endswith(".")
    assert (explorer.scene, explorer.card, explorer.session, explorer.latest) == before
    explorer.do("Seed", edits.set_seed, 3)
    assert settled(explorer).frame.error is None


def test_a_name_that_no_scene_can_hold(explorer: Explorer, tiny: Path, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.safetensors"))
    shutil.copy(tiny, path)
    explorer.open_file(path)
    said(explorer, "is not UTF-8; rename it to open it.")
    explorer.notice.text.encode()
    assert explorer.loading is None and explorer.card.name == STARTER.stem


def test_opening_can_be_cancelled(explorer: Explorer, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, seen = threading.Event(), []
    load = loading_file.load_model

    def slow(path: Path, device: str, which: str, report: Callable, cancelled: Callable[[], bool]) -> sg.Model:
        assert go_on.wait(60)
        seen.append(cancelled())
        return load(path, device, which, report, cancelled)

    monkeypatch.setattr(loading_file, "load_model", slow)
    explorer.open_model(tiny)
    job = explorer.loading.job
    explorer.cancel_loading()
    assert explorer.loading is None and explorer.notice.text == "Opening was cancelled."
    go_on.set()
    job.wait(60)
    settled(explorer)
    assert seen == [True] and job.result is None and explorer.card.name == STARTER.stem


def test_the_last_thing_asked_for_wins(explorer: Explorer, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pin of the model shown is chosen while another model loads: it must not be swept away by that."""
    go_on = threading.Event()
    load = loading_file.load_model
    monkeypatch.setattr(loading_file, "load_model", lambda *args: go_on.wait(60) and load(*args))
    explorer.open_model(tiny)
    job = explorer.loading.job
    chosen = edits.set_seed(explorer.scene, 99)
    explorer.open_scene(chosen)
    go_on.set()
    job.wait(60)
    settled(explorer)
    assert explorer.scene == chosen and explorer.card.name == STARTER.stem


def test_closing_while_a_model_is_on_its_way(open_explorer: Callable[[], Explorer], tiny: Path) -> None:
    explorer = open_explorer()
    explorer.begin()
    explorer.open_model(tiny)
    explorer.close()
    assert explorer.loading is None


def test_a_result_that_arrives_during_a_look_is_not_lost(explorer: Explorer) -> None:
    class Late(Future):
        """Ends between the first look at it and the second."""

        def done(self) -> bool:
            before = super().done()
            if not before:
                self.set_result("here")
            return before

    taken: list[str] = []
    explorer.tasks._waiting.append((Late(), taken.append))
    explorer.tick(0)
    explorer.tick(0)
    assert taken == ["here"] and not explorer.tasks.busy


# -- memory ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A dozen models of several MiB each."""
    folder = tmp_path_factory.mktemp("large")
    config = GeneratorConfig(img_resolution=16, channel_base=2048, channel_max=320, mapping_layers=2, z_dim=8, w_dim=8)
    paths = [folder / f"large{seed}.safetensors" for seed in range(12)]
    for seed, path in enumerate(paths):
        write_spec(random_spec(config, seed), path)
    return paths


class Slow:
    """Reading models waits for `go_on`; on which threads it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.go_on, self.threads = threading.Event(), list[str]()
        load = models_file.load_model

        def slow(*args: object) -> sg.Model:
            self.threads.append(threading.current_thread().name.split(":")[0])
            assert self.go_on.wait(60)
            return load(*args)

        monkeypatch.setattr(models_file, "load_model", slow)


def test_a_dozen_models_one_after_another_take_the_memory_of_few(
    explorer: Explorer, large: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: list[weakref.ref[sg.Model]] = []
    load = loading_file.load_model

    def watched(*args: object) -> sg.Model:
        model = load(*args)
        alive.append(weakref.ref(model))
        return model

    monkeypatch.setattr(loading_file, "load_model", watched)
    size = load(large[0]).num_bytes
    assert size > 8 << 20
    explorer.limit_memory(models_mib=int(3.5 * size) >> 20, steps_mib=4)
    taken = []
    for path in large:
        opened(explorer, path)
        taken.append(memory.device_bytes_used(torch.device("cpu")))
        living = [model for ref in alive if (model := ref()) is not None]
        assert len(living) <= 3  # what the store has dropped, nothing else holds
        assert {kept.model.card.digest for kept in explorer.models.kept()} >= {explorer.scene.model.digest}
        assert explorer.models.num_bytes <= 3.5 * size and explorer.memory.steps.num_bytes <= 4 << 20
        del living
    assert len(alive) == 12
    assert taken[-1] - taken[3] < 3 * size  # eight models more would be 8 * size


def test_the_model_shown_stays_however_small_the_limit(explorer: Explorer, tiny: Path) -> None:
    explorer.limit_memory(models_mib=0)
    opened(explorer, tiny)
    (kept,) = explorer.models.kept()
    assert kept.model.card.name == "tiny" and kept.held
    explorer.do("Seed", edits.set_seed, 8)
    assert torch.equal(settled(explorer).rgba, expected(explorer))


def test_a_model_that_made_room_comes_back_beside_the_worker(
    explorer: Explorer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer.limit_memory(models_mib=0)
    before, picture = explorer.scene, settled(explorer).rgba
    opened(explorer, tiny)
    settled(explorer)
    assert not explorer.models.has(before.model)
    slow = Slow(monkeypatch)
    explorer.undo()
    explorer.tick(0)
    assert explorer.scene == before and explorer.loading.path == STARTER and explorer.card.name == STARTER.stem
    for seed in range(20):  # a drag goes on meanwhile
        explorer.edit("Seed", edits.set_seed, seed)
        explorer.tick(0)
    assert explorer.latest.frame.scene.model.digest != before.model.digest
    explorer.undo()
    slow.go_on.set()
    assert torch.equal(settled(explorer).rgba, picture)
    assert slow.threads == ["job"] and explorer.scene == before and explorer.notice.kind == "info"


def test_going_back_does_not_wait_for_a_model_that_is_not_wanted_any_more(
    explorer: Explorer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer.limit_memory(models_mib=0)
    opened(explorer, tiny)
    settled(explorer)
    slow = Slow(monkeypatch)
    explorer.undo()
    explorer.tick(0)
    job = explorer.loading.job
    explorer.redo()
    assert settled(explorer).rgba.shape == (16, 16, 4) and job.cancelled and not job.done
    slow.go_on.set()
    job.wait(60)
    assert job.result is None


def test_a_model_that_made_room_and_is_gone_is_one_sentence(explorer: Explorer, tiny: Path, tmp_path: Path) -> None:
    explorer.limit_memory(models_mib=0)
    path = Path(shutil.copy(tiny, tmp_path / "gone.safetensors"))
    opened(explorer, path)
    there = explorer.scene
    explorer.undo()
    settled(explorer)
    path.unlink()
    explorer.redo()
    said(explorer, "gone.safetensors cannot be opened")
    until(explorer, lambda: explorer.loading is None)
    assert explorer.scene == there
    explorer.undo()
    assert torch.equal(settled(explorer).rgba, expected(explorer))


def test_a_model_that_comes_back_can_be_done_without(
    explorer: Explorer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer.limit_memory(models_mib=0)
    opened(explorer, tiny)
    settled(explorer)
    slow = Slow(monkeypatch)
    explorer.undo()
    explorer.tick(0)
    explorer.cancel_loading()
    slow.go_on.set()
    for _ in range(3):
        explorer.tick(0)
    assert explorer.loading is None
    explorer.do("Seed", edits.set_seed, 5)  # whoever goes on with it wants it after all
    assert torch.equal(settled(explorer).rgba, expected(explorer))


def test_a_thumbnail_of_another_model_does_not_keep_a_drag_waiting(
    explorer: Explorer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = sg.load_model(tiny).card.digest
    other = Scene(model=ModelRef(digest=digest, path=str(tiny)), latent=Latent(seed=3))
    slow = Slow(monkeypatch)
    explorer.favourites.want_thumbnail(other)
    for seed in range(3):
        explorer.edit("Seed", edits.set_seed, seed)
        until(explorer, lambda: explorer.latest.frame.scene == explorer.scene)
    assert other not in explorer.favourites.thumbnails
    slow.go_on.set()
    until(explorer, lambda: other in explorer.favourites.thumbnails)
    assert [name.split("_")[0] for name in slow.threads] == ["reader"]


def test_closing_ends_the_reading_of_a_thumbnail_s_model(explorer: Explorer, tiny: Path) -> None:
    begun = threading.Event()

    def reading(*args: object) -> sg.Model:
        begun.set()
        cancelled = args[-1]
        while not cancelled():
            threading.Event().wait(0.001)
        raise Cancelled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models_file, "load_model", reading)
        explorer.favourites.want_thumbnail(Scene(model=ModelRef(digest="0" * 64, path=str(tiny))))
        assert begun.wait(60)
        explorer.close()
    assert explorer.notice.kind == "info"


def test_memory_limits_are_kept_in_the_session(open_explorer: Callable[[], Explorer]) -> None:
    first = open_explorer()
    assert first.models.limit_bytes == memory.models_limit(torch.device("cpu"))
    assert first.memory.steps.limit_bytes == memory.steps_limit(torch.device("cpu"))
    first.begin()
    settled(first)
    first.limit_memory(models_mib=300)
    first.limit_memory(steps_mib=-7)
    first.close()
    second = open_explorer()
    assert (second.session.models_mib, second.session.steps_mib) == (300, 0)
    assert (second.models.limit_bytes, second.memory.steps.limit_bytes) == (300 << 20, 0)
    second.limit_memory(models_mib=10**9, steps_mib=None)
    assert second.session.models_mib == MOST_MIB
    assert second.memory.steps.limit_bytes == memory.steps_limit(torch.device("cpu"))


def test_freeing_memory_leaves_what_is_shown(explorer: Explorer, tiny: Path) -> None:
    opened(explorer, tiny)
    settled(explorer)
    assert len(explorer.models.kept()) == 2 and explorer.memory.steps.num_bytes > 0
    explorer.free_memory()
    said(explorer, "Freed", "info")
    assert [kept.model.card.name for kept in explorer.models.kept()] == ["tiny"]
    assert explorer.memory.steps.num_bytes == 0
    explorer.undo()
    assert torch.equal(settled(explorer).rgba, expected(explorer))


def test_what_a_model_gave_is_forgotten_with_it(explorer: Explorer, tiny: Path) -> None:
    opened(explorer, tiny)
    settled(explorer)
    before = explorer.memory.steps.num_bytes
    explorer.limit_memory(models_mib=0)
    assert 0 < explorer.memory.steps.num_bytes < before / 10  # the starter's pictures are much larger


def test_without_memory_there_is_a_smaller_picture_and_one_message(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    steps_of, full = sg.Model.steps, explorer.card.resolution

    def steps(model: sg.Model, *args: object, **kwargs: object) -> Iterator[Step]:
        for step in steps_of(model, *args, **kwargs):
            if step.resolution == full:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            yield step

    def at_rest() -> bool:
        frame = explorer.latest.frame
        return frame.scene == explorer.scene and frame.error is not None and frame.pixels.shape[0] == full // 2

    with monkeypatch.context() as patch:
        patch.setattr(sg.Model, "steps", steps)
        for seed in range(1, 9):
            explorer.edit("Seed", edits.set_seed, seed)
            if seed % 3 == 0:
                until(explorer, at_rest)
        until(explorer, at_rest)
        assert explorer.notice.text == TOO_LARGE and explorer.notice.kind == "error"
        assert [record.message for record in caplog.records] == [TOO_LARGE]
        explorer.capture(tmp_path / "small.png")
        until(explorer, lambda: not explorer.tasks.busy)
        assert not (tmp_path / "small.png").exists()  # what was asked for is the full picture
    explorer.do("Seed", edits.set_seed, 20)
    assert torch.equal(settled(explorer).rgba, expected(explorer))
    assert explorer.notice.text == ""


@pytest.mark.parametrize("times", [1, 2])
def test_no_memory_to_open_a_model(explorer: Explorer, tiny: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    load, left = loading_file.load_model, [MemoryError()] * times

    def loading(*args: object) -> sg.Model:
        if left:
            raise left.pop()
        return load(*args)

    monkeypatch.setattr(loading_file, "load_model", loading)
    explorer.open_model(tiny)
    until(explorer, lambda: explorer.loading is None)
    settled(explorer)
    assert explorer.card.name == ("tiny" if times == 1 else STARTER.stem)
    assert times == 1 or "no memory left to open tiny.safetensors" in explorer.notice.text


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_captured_picture_restores_its_scene(explorer: Explorer, tiny: Path, tmp_path: Path) -> None:
    explorer.do("Noise", edits.set_noise_mode, "random")
    explorer.do("Plane", edits.move_on_plane, 12.25, 3.5)
    explorer.do("Mixing", edits.set_mix_amount, [1, 2], 0.3, explorer.card.num_ws)
    scene, picture = explorer.scene, settled(explorer)
    explorer.capture(tmp_path / "a.png")
    said(explorer, f"Saved {tmp_path / 'a.png'}", "info")
    assert read_scene(tmp_path / "a.png") == scene
    assert np.array_equal(explorer_pixels(tmp_path / "a.png"), picture.rgba[:, :, :3].numpy())
    opened(explorer, tiny)
    explorer.open_file(tmp_path / "a.png")
    until(explorer, lambda: explorer.scene == scene)
    assert torch.equal(settled(explorer).rgba, picture.rgba)


def explorer_pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_picture_opens_its_model(open_explorer: Callable[[], Explorer], tiny: Path, tmp_path: Path) -> None:
    digest = sg.load_model(tiny).card.digest
    scene = Scene(model=ModelRef(digest=digest, path=str(tiny)), latent=Latent(seed=3, x=0.5), noise=Noise(mode="none"))
    write_png(tmp_path / "a.png", np.zeros((16, 16, 3), np.uint8), scene)
    explorer = open_explorer()
    explorer.start_with(tmp_path / "a.png")
    explorer.begin()
    until(explorer, lambda: explorer.card is not None)
    settled(explorer)
    assert explorer.scene == scene and explorer.card.name == "tiny"


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A projected face of the starter model."""
    path, card = tmp_path_factory.mktemp("faces") / "aunt.npz", sg.load_model(STARTER).card
    np.savez(path, w=np.random.RandomState(1).randn(1, card.num_ws, card.w_dim).astype(np.float32))
    return path


def test_a_projected_face_is_shown_and_taken_back(explorer: Explorer, face: Path) -> None:
    explorer.do("Noise", edits.set_noise_mode, "none")
    before = explorer.scene
    explorer.open_file(face)
    until(explorer, lambda: explorer.scene.latent.projected is not None)
    assert explorer.scene == edits.set_latent(before, open_projected(face))
    assert settled(explorer).frame.error is None
    explorer.undo()
    assert explorer.scene == before


def test_a_window_can_begin_with_a_projected_face(open_explorer: Callable[[], Explorer], face: Path) -> None:
    explorer = open_explorer()
    explorer.start_with(face)
    explorer.begin()
    until(explorer, lambda: explorer.card is not None)
    assert settled(explorer).frame.error is None
    assert explorer.scene.latent == open_projected(face) and explorer.card.name == STARTER.stem


def test_a_projected_face_of_another_model_is_a_sentence(explorer: Explorer, tiny: Path, face: Path) -> None:
    opened(explorer, tiny)
    explorer.open_file(face)
    said(explorer, "aunt.npz holds 10 style vectors")


def test_a_starter_model_is_found_wherever_the_program_is(explorer: Explorer, tiny: Path) -> None:
    scene = explorer.scene
    elsewhere = scene.model_copy(update={"model": scene.model.model_copy(update={"path": f"/else/{STARTER.name}"})})
    opened(explorer, tiny)
    explorer._cards.clear()
    explorer.open_scene(elsewhere)
    until(explorer, lambda: explorer.scene == scene)


def test_a_picture_whose_model_is_another_now(explorer: Explorer, tiny: Path) -> None:
    before = explorer.scene
    explorer.open_scene(Scene(model=ModelRef(digest="0" * 64, path=str(tiny))))
    said(explorer, "is not the model that the Scene was made with")
    assert explorer.scene == before


def test_a_scene_by_another_hand_is_fitted_to_its_model(explorer: Explorer) -> None:
    odd = explorer.scene.model_copy(update={"mixing": (Mix(latent=Latent(), amounts=(0.5,)),)})
    explorer.open_scene(odd)
    assert settled(explorer).frame.error is None and explorer.scene.mixing == ()


@pytest.mark.parametrize("path", ["~nobody/m.pkl", "x" * 5000, "a\0b", "", "\n"])
def test_a_scene_with_an_odd_path_is_a_notice(explorer: Explorer, path: str) -> None:
    before = explorer.scene
    explorer.open_scene(Scene(model=ModelRef(digest="0" * 64, path=path)))
    until(explorer, lambda: explorer.loading is None and explorer.notice.kind == "error")
    assert explorer.scene == before


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n", "cannot be read as a picture"),
        ("a.json", b"{", "is no StyleScope session"),
        ("a.json", b'{"scene": {"latent": 5}}', "field 'latent'"),
        ("a.json", b" \n [1]", "a.json"),
        ("a.txt", b"hello", "a.txt"),
        ("a.npy", b"\x93NUMPY", "a.npy is damaged"),
        ("a.NPZ", b"PK\x03\x04", "a.NPZ is damaged"),
        ("a.pkl", b"", "a.pkl"),
        ("none.png", None, "none.png cannot be opened"),
    ],
)
def test_files_that_cannot_be_opened(
    explorer: Explorer, tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    path, before = tmp_path / name, (explorer.scene, explorer.session)
    if content is not None:
        path.write_bytes(content)
    explorer.open_file(path)
    said(explorer, words)
    assert (explorer.scene, explorer.session) == before


def test_a_picture_without_a_scene(explorer: Explorer, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    explorer.open_file(tmp_path / "a.png")
    said(explorer, "carries no Scene")


def test_a_session_file_brings_its_scene_and_pins(explorer: Explorer, tmp_path: Path) -> None:
    explorer.do("Seed", edits.set_seed, 41)
    explorer.pin()
    explorer.save_session(tmp_path / "mine.json")
    said(explorer, "Session saved", "info")
    kept = explorer.session
    explorer.favourites.unpin(explorer.favourites.pins[0])
    explorer.do("Seed", edits.set_seed, 5)
    explorer.open_file(tmp_path / "mine.json")
    until(explorer, lambda: explorer.scene.latent.seed == 41)
    assert explorer.favourites.pins == kept.pins == (Pin(name=f"{STARTER.stem} 41", scene=explorer.scene),)


def test_pictures_saved_in_one_second_do_not_overwrite_one_another(explorer: Explorer, tmp_path: Path) -> None:
    for _ in range(4):
        explorer.capture()
    settled(explorer)
    assert len(list((tmp_path / "pictures").iterdir())) == 4


def test_a_picture_that_cannot_be_saved(explorer: Explorer, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("in the way")
    explorer.capture()
    said(explorer, "cannot be written")


# -- favourites --------------------------------------------------------------------------------------------------------


def test_pins_compare_and_have_thumbnails(explorer: Explorer) -> None:
    settled(explorer)
    explorer.pin()
    explorer.pin()
    assert len(explorer.favourites.pins) == 1
    picture = settled(explorer)
    assert torch.equal(explorer.favourites.compared.rgba, picture.rgba)
    pin = explorer.favourites.pins[0]
    explorer.favourites.want_thumbnail(pin.scene)
    until(explorer, lambda: pin.scene in explorer.favourites.thumbnails)
    assert np.array_equal(explorer.favourites.thumbnails[pin.scene], thumbnail(picture.frame.pixels))
    explorer.do("Seed", edits.set_seed, 1234)
    settled(explorer)
    assert torch.equal(explorer.favourites.compared.rgba, picture.rgba)
    explorer.favourites.unpin(pin)
    assert explorer.favourites.pins == ()


def test_a_thumbnail_averages() -> None:
    pixels = torch.zeros(THUMBNAIL_PX * 2, THUMBNAIL_PX * 2, 1, dtype=torch.uint8)
    pixels[::2] = 200
    small = thumbnail(pixels)
    assert small.shape == (THUMBNAIL_PX, THUMBNAIL_PX, 4) and small.dtype == np.uint8
    assert (small[:, :, :3] == 100).all() and (small[:, :, 3] == 255).all()


def test_without_a_model_there_is_nothing_to_pin_or_save(
    open_explorer: Callable[[], Explorer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explorer_file, "starter_models", tuple)
    explorer = open_explorer()
    explorer.begin()
    explorer.pin()
    explorer.capture()
    said(explorer, "The Scene names no model; open one first.")
    explorer.close()
    assert explorer.favourites.pins == () and sorted(p.name for p in tmp_path.rglob("*")) == ["state"]


# -- the session -------------------------------------------------------------------------------------------------------


def test_the_next_start_goes_on_where_the_last_ended(open_explorer: Callable[[], Explorer], tiny: Path) -> None:
    first = open_explorer()
    first.begin()
    settled(first)
    opened(first, tiny)
    first.edit("Plane", edits.move_on_plane, 3.25, 1.5)  # a drag under way as the window closes
    first.arrange(smooth=True, closed=("Noise",))
    first.close()
    second = open_explorer()
    second.begin()
    until(second, lambda: second.card is not None)
    assert second.scene == first.scene and not second.keeper.crashed and second.crashed_session is None
    assert second.session.layout == Layout(smooth=True, closed=("Noise",))
    assert torch.equal(settled(second).rgba, expected(first))


def test_the_session_is_kept_while_the_program_runs(explorer: Explorer) -> None:
    explorer.do("Seed", edits.set_seed, 77)
    until(explorer, lambda: not explorer.tasks.busy, now=KEEP_EVERY_S + 1)
    assert read_session(explorer.keeper.path).scene.latent.seed == 77


def test_a_crash_is_offered_and_restored(open_explorer: Callable[[], Explorer], tmp_path: Path) -> None:
    scene = Scene(model=ModelRef(digest=sg.load_model(STARTER).card.digest, path=str(STARTER)), latent=Latent(seed=321))
    write_session(Session(scene=scene), tmp_path / "state" / "session.json")
    (tmp_path / "state" / "running").write_text("0")
    explorer = open_explorer()
    explorer.begin()
    settled(explorer)
    assert explorer.crashed_session.scene == scene and explorer.scene.latent.seed == 0
    until(explorer, lambda: not explorer.tasks.busy, now=KEEP_EVERY_S + 1)
    assert read_session(explorer.keeper.path).scene == scene  # safe until the offer is answered
    explorer.save_session(tmp_path / "mine.json")
    said(explorer, "Session saved", "info")
    assert read_session(tmp_path / "mine.json").scene == explorer.scene  # what was asked for is what is shown
    explorer.restore_crashed(True)
    until(explorer, lambda: explorer.scene == scene)
    assert explorer.crashed_session is None
    explorer.close()
    assert not (tmp_path / "state" / "running").exists()


def test_a_session_whose_model_is_gone_is_kept_aside(open_explorer: Callable[[], Explorer], tmp_path: Path) -> None:
    scene = Scene(model=ModelRef(digest="0" * 64, path=str(tmp_path / "gone.pkl")), latent=Latent(seed=321))
    write_session(Session(scene=scene), tmp_path / "state" / "session.json")
    explorer = open_explorer()
    explorer.begin()
    assert "gone.pkl is not there" in explorer.notice.text
    settled(explorer)
    assert explorer.card is not None and explorer.card.name == STARTER.stem
    assert read_session(tmp_path / "state" / "session.broken.json").scene == scene


def test_closing_finishes_what_is_being_saved(explorer: Explorer, tmp_path: Path) -> None:
    scene = explorer.scene
    explorer.capture(tmp_path / "last.png")
    explorer.close()
    assert read_scene(tmp_path / "last.png") == scene


def test_a_crash_that_nobody_wants_back(open_explorer: Callable[[], Explorer], tmp_path: Path) -> None:
    scene = Scene(model=ModelRef(digest="0" * 64, path=str(STARTER)), latent=Latent(seed=321))
    write_session(Session(scene=scene), tmp_path / "state" / "session.json")
    (tmp_path / "state" / "running").write_text("0")
    explorer = open_explorer()
    explorer.begin()
    settled(explorer)
    explorer.restore_crashed(False)
    explorer.close()
    assert read_session(explorer.keeper.path).scene == explorer.scene != scene


def test_a_crash_offer_left_open_is_there_at_the_next_start(
    open_explorer: Callable[[], Explorer], tmp_path: Path
) -> None:
    scene = Scene(model=ModelRef(digest=sg.load_model(STARTER).card.digest, path=str(STARTER)), latent=Latent(seed=321))
    write_session(Session(scene=scene), tmp_path / "state" / "session.json")
    (tmp_path / "state" / "running").write_text("0")
    first = open_explorer()
    first.begin()
    settled(first)
    first.close()
    second = open_explorer()
    second.begin()
    until(second, lambda: second.card is not None)
    assert second.scene == scene


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"scene": {"latent": {"seed": -1}}}'])
def test_a_broken_session_is_set_aside(open_explorer: Callable[[], Explorer], tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state" / "session.json"
    path.parent.mkdir()
    path.write_bytes(content)
    explorer = open_explorer()
    assert "was moved to" in explorer.notice.text
    assert path.with_name("session.broken.json").read_bytes() == content
    explorer.begin()
    settled(explorer)


def test_a_broken_session_that_cannot_be_set_aside(
    open_explorer: Callable[[], Explorer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state" / "session.json"
    path.parent.mkdir()
    path.write_text("{")

    def refused(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(session_file.os, "replace", refused)
        explorer = open_explorer()
    assert "cannot be moved aside: Permission denied" in explorer.notice.text
    explorer.begin()
    settled(explorer)


def test_a_session_with_an_odd_path_starts_all_the_same(open_explorer: Callable[[], Explorer], tmp_path: Path) -> None:
    scene = Scene(model=ModelRef(digest="0" * 64, path="/" + "x" * 5000))
    write_session(Session(scene=scene), tmp_path / "state" / "session.json")
    explorer = open_explorer()
    explorer.begin()
    settled(explorer)
    assert explorer.card.name == STARTER.stem


def test_a_folder_that_cannot_be_written_to_is_said_once(open_explorer: Callable[[], Explorer], tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    explorer = open_explorer()
    explorer.begin()
    settled(explorer)
    until(explorer, lambda: not explorer.tasks.busy, now=KEEP_EVERY_S + 1)
    assert "session.json cannot be written" in explorer.notice.text
    explorer.say("Something else.")
    for time in range(2, 5):
        explorer.do("Seed", edits.set_seed, time)
        until(explorer, lambda: not explorer.tasks.busy, now=time * (KEEP_EVERY_S + 1))
    assert explorer.notice.text == "Something else."
    (tmp_path / "state").unlink()
    until(explorer, lambda: not explorer.tasks.busy, now=10 * (KEEP_EVERY_S + 1))
    assert json.loads((tmp_path / "state" / "session.json").read_text())["scene"]["latent"]["seed"] == 4


def test_undo_and_redo_say_what_they_did(explorer: Explorer) -> None:
    explorer.undo()
    assert explorer.notice.text == "Nothing to undo."
    explorer.random_person()
    person = explorer.scene
    explorer.undo()
    assert explorer.notice.text == "Undone: Someone new"
    explorer.redo()
    assert explorer.notice.text == "Redone: Someone new" and explorer.scene == person
    explorer.redo()
    assert explorer.notice.text == "Nothing to redo."


# -- motion, and the picture beside ------------------------------------------------------------------------------------


def beside(explorer: Explorer) -> Shown:
    """Tick until the companion's picture is that of the Scene shown."""

    def there() -> bool:
        companion = explorer.companion
        return companion.shown is not None and companion.shown.frame.scene == companion.scene(explorer.scene)

    until(explorer, there)
    assert explorer.companion.shown is not None
    return explorer.companion.shown


def moments(explorer: Explorer) -> Iterator[tuple[Scene, Scene, Shown | None]]:
    """Sixty ticks a second of a made-up clock: the Scenes before and after each, and the picture that came."""
    for frame in range(TICKS):
        before = explorer.scene
        shown = explorer.tick(frame / 60)
        yield before, explorer.scene, shown
        threading.Event().wait(0.001)


def test_a_motion_waits_for_each_of_its_pictures(explorer: Explorer) -> None:
    before, seen, asked = explorer.scene, [], []
    explorer.motion.turn(True)
    for old, new, shown in moments(explorer):
        if shown is not None and shown.frame.scene not in seen:
            seen.append(shown.frame.scene)
        if new != old:
            asked.append(new)
        if len(seen) > 5:
            break
    explorer.motion.turn(False)
    assert seen[: len(asked)] == asked[: len(seen)]  # none was passed over
    rotations = [scene.transform.rotation for scene in seen]
    assert rotations == sorted(rotations)
    assert explorer.store.done == ("Spin",)
    explorer.undo()
    assert explorer.scene == before


def test_undo_ends_what_plays(explorer: Explorer) -> None:
    before = explorer.scene
    explorer.motion.turn(True)
    explorer.motion.drift(True)
    until(explorer, lambda: explorer.scene != before or explorer.tick(1.0))
    explorer.undo()
    assert not explorer.motion.playing and explorer.scene == before
    assert explorer.notice.text == "Undone: Drift"


def test_nothing_plays_on_with_a_model_that_cannot_be_moved(explorer: Explorer) -> None:
    explorer.motion.turn(True)
    assert explorer.card is not None
    explorer.card = explorer.card.model_copy(update={"moved_px": 0})
    explorer.tick(0.0)
    assert not explorer.motion.playing


def test_a_motion_ends_where_its_pictures_fail(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    explorer.motion.turn(True)
    monkeypatch.setattr(explorer.renderer, "render", lambda scene, *_, **__: Frame(scene, error="It cannot be."))
    for _ in moments(explorer):
        if not explorer.motion.playing:
            break
    assert explorer.notice.text == "It cannot be."


def test_a_companion_follows_the_scene_as_a_person_of_its_own(explorer: Explorer, tiny: Path) -> None:
    explorer.do("Mix", edits.set_mix_amount, [0], 1.0, explorer.card.num_ws)
    explorer.companion.open(tiny)
    explorer.companion.set_seed(2**32 + 5)
    for change in (lambda scene: edits.turn_picture(scene, 30), lambda scene: edits.set_psi(scene, 0.3)):
        explorer.do("Change", change)
        shown = beside(explorer)
        scene = shown.frame.scene
        assert scene.latent == Latent(seed=5) and scene.mixing == () and scene.model.path == str(tiny)
        assert (scene.transform, scene.truncation.psi) == (explorer.scene.transform, explorer.scene.truncation.psi)
        frame = sg.render(scene, explorer.models, half=explorer.half)
        assert torch.equal(shown.rgba, to_rgba(frame.pixels))
    live = settled(explorer)
    assert torch.equal(live.rgba, expected(explorer))
    explorer.companion.open(None)
    explorer.tick()
    assert explorer.companion.shown is None and not explorer.companion.loading


def test_one_companion_takes_the_place_of_another(explorer: Explorer, tiny: Path) -> None:
    explorer.companion.open(tiny)
    beside(explorer)
    explorer.companion.open(STARTER)
    assert explorer.companion.shown is None
    assert beside(explorer).frame.scene.model.digest == explorer.scene.model.digest


def test_a_companion_that_is_no_model_is_said(explorer: Explorer, tmp_path: Path) -> None:
    (broken := tmp_path / "broken.pkl").write_bytes(b"no model")
    explorer.companion.open(broken)
    said(explorer, "broken.pkl")
    assert explorer.companion.path is None


def test_a_motion_waits_for_the_picture_beside(explorer: Explorer, tiny: Path) -> None:
    explorer.companion.open(tiny)
    beside(explorer)
    explorer.motion.turn(True)
    pairs = 0
    for old, new, _ in moments(explorer):
        if new != old:
            assert explorer.companion.shown.frame.scene.transform == old.transform
            assert explorer.latest.frame.scene == old
            pairs += 1
        if pairs == 4:
            break


def slow_to_preview(explorer: Explorer) -> int:
    """As if all blocks took long: previews stop at the block that a transform moves. Its size in px."""
    settled(explorer)
    explorer.worker.policy = PreviewPolicy(budget_ms=0.0)
    assert explorer.card is not None and 0 < explorer.card.moved_px < explorer.card.resolution
    return explorer.card.moved_px


def test_a_motion_beside_another_picture_does_not_flicker_between_blurred_and_sharp(
    explorer: Explorer, tiny: Path
) -> None:
    """The companion's picture leaves the worker time to sharpen the live one, which would jump at every step."""
    explorer.companion.open(tiny)
    beside(explorer)
    px, sizes, moved = slow_to_preview(explorer), [], 0
    explorer.motion.turn(True)
    for old, new, shown in moments(explorer):
        moved += new != old
        if shown is not None:
            sizes.append(shown.rgba.shape[0])
        if moved == 6:
            break
    assert sizes == [px] * 5  # one picture of each place


@pytest.mark.parametrize("play", ["motion", "noise"])
def test_what_played_is_shown_whole_where_it_rests(explorer: Explorer, play: str) -> None:
    px = slow_to_preview(explorer)
    explorer.do("Noise", edits.set_noise_mode, "random")
    explorer.do("Move", edits.turn_picture, 5.0)
    before = settled(explorer).frame.scene
    explorer.motion.turn(play == "motion")
    explorer.playing_noise = play == "noise"
    for _ in moments(explorer):
        if explorer.latest.frame.scene == explorer.scene != before:
            break
    assert explorer.latest.frame.preview and explorer.latest.rgba.shape[0] == px
    explorer.motion.turn(False)
    explorer.playing_noise = False
    assert torch.equal(settled(explorer).rgba, expected(explorer))


def test_noise_that_cannot_play_leaves_pictures_whole(explorer: Explorer) -> None:
    slow_to_preview(explorer)
    explorer.playing_noise = True
    explorer.do("Noise", edits.set_noise_mode, "none")
    assert torch.equal(settled(explorer).rgba, expected(explorer))


@pytest.mark.parametrize("times", [1, 2])
def test_no_memory_for_the_model_beside(
    explorer: Explorer, tiny: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    load, left = models_file.load_model, [MemoryError()] * times

    def loading(*args: object) -> sg.Model:
        if left:
            raise left.pop()
        return load(*args)

    monkeypatch.setattr(models_file, "load_model", loading)
    explorer.companion.open(tiny)
    if times == 1:
        assert beside(explorer).frame.error is None
    else:
        said(explorer, "no memory left to open tiny.safetensors")
        assert explorer.companion.path is None


def test_equivariance_is_measured_beside_the_live_view(
    explorer: Explorer, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equivariance_file, "PICTURES", 2)
    opened(explorer, tiny)
    model = explorer.models.get(explorer.scene.model)
    explorer.measuring.begin(explorer.scene.model)
    until(explorer, lambda: explorer.measuring.job is None)
    assert explorer.measuring.found == {model.card.digest: equivariance(model, 2)}
    explorer.measuring.begin(explorer.scene.model)
    explorer.measuring.cancel()
    assert explorer.measuring.job is None
    explorer.measuring.begin(ModelRef(digest="0" * 64, path=str(tiny)))
    said(explorer, "is not the model")
