"""The timeline: exact by the clock, never in anybody's way, one undo point; and in the running application."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stylegan_core as sg
from stylegan_core import edits
from stylegan_core.edits import tracks
from stylegan_core.edits import walk as walks
from stylegan_core.models import save_model
from stylegan_core.scene import Latent, Look, ModelRef, Noise, Scene
from stylegan_core.walk import Key, Sample, Take, Walk, scene_at
from stylegan_core.walk_file import read_walk, walk_from_json, write_walk
from tests.strategies import tiny_model
from tests.strategies import walks as any_walk
from tests.visualizer.ticking import until
from visualizer.explorer import Explorer
from visualizer.generating import Generating
from visualizer.key_pictures import PICTURE_PX
from visualizer.motion import Motion
from visualizer.session import read_session
from visualizer.store import Store
from visualizer.timeline import EMPTY, KEY_STEP_S, Timeline
from visualizer.walk_keeping import WalkKeeper

MODEL = ModelRef(digest="d", path="p")


def person(seed: int) -> Scene:
    return Scene(model=MODEL, latent=Latent(seed=seed))


def people(*times_s: float, **fields: object) -> Walk:
    """A walk with the persons 1, 2, 3, ... at these times, each until the next."""
    keys = tuple(Key(time_s=time_s, scene=person(i + 1), ease="hold") for i, time_s in enumerate(times_s))
    return Walk(keys=keys, **fields)


class Nothing:
    """Pictures of keys that are never made."""

    def tick(self, scenes: object) -> None:
        pass


class Known:
    """Every model is in memory but those that are away, or broken."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.broken: set[str] = set()

    def scene(self, scene: Scene, shown: ModelRef) -> Scene | None:
        return None if scene.model.digest in self.away | self.broken else scene

    def error(self, scene: Scene, shown: ModelRef) -> str | None:
        return "It is broken." if scene.model.digest in self.broken else None

    def try_again(self) -> None:
        pass


class Desk:
    """A Timeline with fakes around it."""

    def __init__(self, walk: Walk | None = None):
        self.store = Store(person(0))
        self.motion, self.models, self.said = Motion(self.store), Known(), list[str]()
        self.timeline = Timeline(
            self.store,
            self.motion,
            None,
            self.models,
            Nothing(),
            Generating(None),
            lambda scene: self.store.do("Open Scene", edits.set_scene, scene),
            lambda words, kind: self.said.append(words),
        )
        if walk is not None:
            self.timeline.restore(walk)
        self.now = 100.0
        self.timeline.tick(self.now)

    @property
    def seed(self) -> int:
        return self.store.scene.latent.seed

    def wait(self, seconds: float, **how: bool) -> None:
        self.now += seconds
        self.timeline.tick(self.now, **how)

    def play(self) -> None:
        self.timeline.play()
        self.wait(0.0)


# -- playing -----------------------------------------------------------------------------------------------------------


def test_it_plays_by_the_clock_and_stops_at_the_end() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.play()
    assert desk.timeline.playing == "forward" and desk.seed == 1
    desk.wait(1.5)
    assert desk.timeline.position_s == 1.5 and desk.seed == 2
    desk.wait(9.0)
    assert desk.timeline.position_s == 4.0 and desk.seed == 3 and desk.timeline.playing == "no"
    desk.play()  # there is nothing left: from the begin
    assert desk.timeline.position_s == 0.0 and desk.seed == 1


@given(any_walk(1), st.lists(st.floats(0, 5), min_size=1, max_size=6), st.sampled_from([1.0, -1.0, 0.5, 3.0, -7.5]))
def test_one_step_is_as_far_as_many(walk: Walk, seconds: list[float], rate: float) -> None:
    first, last = walk.span
    found = []
    for parts in ([sum(seconds)], seconds):
        for pingpong in (False, True):
            desk = Desk(walk)
            timeline = desk.timeline
            timeline.rate, timeline.pingpong, timeline.position_s = rate, pingpong, first
            desk.play()
            for part in parts:
                desk.wait(part)
                assert first <= timeline.position_s <= last
            found.append(timeline.position_s)
    for once, often in zip(found[:2], found[2:], strict=True):
        around = last - first if walk.loop else np.inf  # begin and end of a loop are one
        assert min(abs(once - often), around - abs(once - often)) < 1e-6


def test_in_and_out_points_bound_it() -> None:
    desk = Desk(people(0, 1, 2, 3, duration_s=4.0, first_s=1.0, last_s=3.0))
    desk.play()
    assert desk.timeline.position_s == 1.0
    desk.wait(5.0)
    assert desk.timeline.position_s == 3.0 and desk.timeline.playing == "no"


@pytest.mark.parametrize("by", ["the walk", "repeat"])
def test_a_loop_goes_round(by: str) -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0, first_s=1.0, last_s=3.0, loop=by == "the walk"))
    desk.timeline.repeat = by == "repeat"
    desk.play()
    for _ in range(3):
        desk.wait(1.5)
    assert desk.timeline.playing == "forward" and desk.timeline.position_s == pytest.approx(1.5)


def test_it_plays_backwards() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.timeline.rate = -2.0
    desk.play()
    assert desk.timeline.position_s == 4.0 and desk.seed == 3
    desk.wait(1.25)
    assert desk.timeline.position_s == 1.5 and desk.seed == 2
    desk.wait(9.0)
    assert desk.timeline.position_s == 0.0 and desk.timeline.playing == "no"


def test_it_plays_to_and_fro() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.timeline.pingpong = True
    desk.play()
    places = []
    for _ in range(6):
        desk.wait(1.5)
        places.append(desk.timeline.position_s)
    assert places == pytest.approx([1.5, 3.0, 3.5, 2.0, 0.5, 1.0]) and desk.timeline.playing == "pingpong"


def test_time_goes_on_while_pictures_are_on_their_way_and_none_is_asked_for_in_vain() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.play()
    revision = desk.store.revision
    for _ in range(5):
        desk.wait(0.3, free=False)
    assert desk.store.revision == revision and desk.timeline.position_s == 0.0
    desk.wait(0.0)
    assert desk.timeline.position_s == pytest.approx(1.5) and desk.seed == 2


def test_time_stands_still_while_a_model_is_on_its_way() -> None:
    desk = Desk(people(0, 1, duration_s=4.0))
    desk.play()
    desk.wait(0.5)
    desk.wait(60.0, waiting=True)
    desk.wait(0.25)
    assert desk.timeline.position_s == 0.75


def test_an_empty_walk_does_not_play() -> None:
    desk = Desk()
    desk.play()
    desk.timeline.seek(3)
    assert desk.timeline.playing == "no" and desk.said == [EMPTY] and desk.seed == 0
    assert desk.timeline.position_s == 3.0  # where the first key will be


def test_what_it_cannot_show_pauses_it() -> None:
    desk = Desk(people(0, 1, duration_s=4.0))
    desk.play()
    desk.timeline.store.do("Delete", walks.delete_keys, [0, 1])
    desk.wait(0.1)
    assert desk.timeline.playing == "no" and desk.said[-1].startswith("The walk is empty")


# -- models ------------------------------------------------------------------------------------------------------------


def two_models() -> Walk:
    other = person(2).model_copy(update={"model": ModelRef(digest="e", path="q")})
    keys = Key(time_s=0.0, scene=person(1), ease="hold"), Key(time_s=1.0, scene=other, ease="hold")
    return Walk(keys=keys, duration_s=4.0)


def test_it_waits_before_a_model_that_is_on_its_way() -> None:
    desk = Desk(two_models())
    desk.models.away = {"e"}
    desk.play()
    for _ in range(4):
        desk.wait(0.6)
    assert desk.seed == 1 and desk.timeline.playing == "forward" and desk.timeline.position_s == pytest.approx(0.6)
    desk.models.away = set()
    desk.wait(0.6)
    assert desk.seed == 2 and desk.timeline.position_s == pytest.approx(1.2)


def test_a_model_that_cannot_be_opened_is_a_sentence() -> None:
    desk = Desk(two_models())
    desk.models.broken = {"e"}
    desk.play()
    desk.wait(2.0)
    assert desk.timeline.playing == "no" and desk.said == ["It is broken."] and desk.seed == 1
    desk.timeline.seek(2)
    assert desk.said[1:] == ["It is broken."]


def test_what_was_looked_for_is_shown_once_its_model_is_there() -> None:
    desk = Desk(two_models())
    desk.models.away = {"e"}
    desk.timeline.seek(2)
    desk.wait(0.1)
    assert desk.seed == 0
    desk.models.away = set()
    desk.wait(0.1)
    assert desk.seed == 2


def test_what_somebody_did_meanwhile_is_left() -> None:
    desk = Desk(two_models())
    desk.models.away = {"e"}
    desk.timeline.seek(2)
    desk.store.do("Seed", edits.set_seed, 77)
    desk.models.away = set()
    desk.wait(0.1)
    assert desk.seed == 77


# -- undo, and hands ---------------------------------------------------------------------------------------------------


def test_all_that_plays_and_is_scrubbed_is_one_undo_point() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.play()
    for _ in range(3):
        desk.wait(0.7)
    desk.timeline.pause()
    for time_s in (0.5, 1.5, 3.5):
        desk.timeline.seek(time_s)
    assert desk.store.done == ("Walk",)
    assert desk.store.undo() == "Walk" and desk.seed == 0
    assert desk.store.redo() == "Walk" and desk.seed == 3


def test_looking_around_does_not_come_between_an_edit_and_its_undoing() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.timeline.seek(1.5)
    desk.timeline.store.do("Move key", walks.set_key_time, 2, 1.2)
    desk.wait(0.1)
    assert desk.seed == 3  # at once, for the picture is the timeline's
    desk.timeline.seek(0.5)
    desk.timeline.seek(1.5)
    assert desk.store.undo() == "Move key"
    desk.wait(0.1)
    assert desk.seed == 2
    desk.timeline.seek(0.5)
    assert desk.store.redo() == "Move key"


def test_the_walk_can_be_edited_and_undone_while_it_plays() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.play()
    desk.wait(1.5)
    desk.timeline.store.do("Move key", walks.set_key_time, 1, 1.9)
    desk.wait(0.1)
    assert desk.seed == 1
    assert desk.store.undo() == "Move key"
    desk.wait(0.1)
    assert desk.seed == 2 and desk.timeline.playing == "forward"


def test_an_edit_by_hand_pauses_it() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.play()
    desk.wait(0.5)
    desk.store.do("Psi", edits.set_psi, 0.1)
    desk.wait(1.0)
    assert desk.timeline.playing == "no" and desk.timeline.position_s == 0.5
    assert desk.store.scene.truncation.psi == 0.1 and "changed by hand" in desk.said[-1]
    assert desk.store.done == ("Walk", "Psi")


def test_looking_at_a_layer_does_not_pause_it() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.play()
    desk.store.do("Look", edits.look_at, "layer", "b4.conv1")
    desk.wait(1.5)
    assert desk.timeline.playing == "forward" and desk.seed == 2
    assert desk.store.scene.look == Look(at="layer", layer="b4.conv1")


def test_while_a_take_is_recorded_what_a_hand_changes_stays_in_the_hand() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.timeline.overdubs = True
    desk.play()
    desk.store.edit("Psi", edits.set_psi, 0.1)
    desk.wait(1.5)
    assert desk.timeline.playing == "forward" and desk.seed == 2
    desk.store.edit("Psi", edits.set_psi, 0.2)
    desk.wait(1.0)
    assert desk.seed == 3 and desk.store.scene.truncation.psi == 0.2
    desk.timeline.seek(0.0)
    assert desk.store.scene == person(1)


def test_what_a_hand_has_does_not_follow_edits_of_the_walk() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.timeline.seek(1.5)
    desk.store.do("Psi", edits.set_psi, 0.1)
    desk.timeline.store.do("Move key", walks.set_key_time, 2, 1.2)
    desk.wait(0.1)
    assert desk.seed == 2


def test_the_walk_and_the_drift_do_not_play_together() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    desk.motion.drift(True)
    desk.motion.tick(desk.now)
    desk.play()
    assert not desk.motion.playing and desk.timeline.playing == "forward"
    desk.motion.drift(True)
    for _ in range(2):
        desk.motion.tick(desk.now)
        desk.wait(0.1)
    assert desk.motion.playing and desk.timeline.playing == "no"


# -- seeking and keys --------------------------------------------------------------------------------------------------


@given(any_walk(1), st.floats())
def test_seeking_is_exact_and_stays_within(walk: Walk, time_s: float) -> None:
    desk = Desk(walk)
    desk.timeline.seek(time_s)
    assert 0 <= desk.timeline.position_s <= walk.duration_s
    if not np.isnan(time_s):
        assert desk.store.scene == scene_at(walk, desk.timeline.position_s)


def test_steps_go_from_frame_to_frame_and_from_key_to_key() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    timeline = desk.timeline
    timeline.seek(0.51)
    timeline.step(1, fps=10)
    assert timeline.position_s == pytest.approx(0.6)
    timeline.step(-2, fps=10)
    assert timeline.position_s == pytest.approx(0.4)
    found = []
    for go in (timeline.next_key, timeline.next_key, timeline.next_key, timeline.previous_key, timeline.previous_key):
        go()
        found.append(timeline.position_s)
    assert found == [1.0, 2.0, 4.0, 2.0, 1.0]


def test_keys_are_added_one_after_another() -> None:
    desk = Desk()
    timeline = desk.timeline
    for seed in (5, 6, 7):
        desk.store.do("Seed", edits.set_seed, seed)
        timeline.add_key()
    assert [key.time_s for key in timeline.walk.keys] == [0.0, KEY_STEP_S, 2 * KEY_STEP_S]
    assert [key.scene.latent.seed for key in timeline.walk.keys] == [5, 6, 7]
    assert timeline.position_s == 2 * KEY_STEP_S
    timeline.seek(0.5)
    desk.store.do("Seed", edits.set_seed, 9)
    timeline.add_key()
    assert [key.scene.latent.seed for key in timeline.walk.keys] == [5, 9, 6, 7]
    timeline.seek(99)
    timeline.snapping = True
    timeline.store.do("Tempo", walks.set_tempo, 60, 0.25)
    timeline.add_key()
    assert timeline.walk.keys[-1].time_s == 3.25


def test_the_playhead_stays_within_a_walk_that_gets_shorter() -> None:
    desk = Desk(people(0, 1, duration_s=8.0))
    desk.timeline.seek(7)
    desk.timeline.store.do("Length", walks.set_duration, 3)
    desk.wait(0.1)
    assert desk.timeline.position_s == 3.0


def test_a_key_is_of_the_picture_alone() -> None:
    desk = Desk()
    desk.store.do("Look", edits.look_at, "layer", "b4.conv1")
    desk.timeline.add_key()
    assert desk.timeline.walk.keys[0].scene == person(0)


def test_keys_are_updated_copied_and_gone_to() -> None:
    desk = Desk(people(0, 1, 2, duration_s=4.0))
    timeline = desk.timeline
    desk.store.do("Seed", edits.set_seed, 50)
    timeline.update_key(1)
    assert timeline.walk.keys[1].scene.latent.seed == 50
    timeline.store.do("Curve", tracks.add_curve, "truncation/psi", 0.1)
    timeline.go_to_key(2)
    assert desk.store.scene == person(3) and timeline.position_s == 2.0  # without the curve over it
    timeline.copy_keys([0, 1])
    timeline.seek(3)
    timeline.paste_keys()
    assert [(key.time_s, key.scene.latent.seed) for key in timeline.walk.keys[3:]] == [(3.0, 1), (4.0, 50)]


def test_the_tempo_is_tapped() -> None:
    desk = Desk(people(0, duration_s=8.0))
    for beat in range(4):
        desk.timeline.tap_tempo(10 + 0.4 * beat)
    assert desk.timeline.walk.bpm == pytest.approx(150.0)
    desk.timeline.tap_tempo(60)  # long after: a tempo of its own
    desk.timeline.tap_tempo(61)
    assert desk.timeline.walk.bpm == 60.0
    desk.play()
    desk.wait(2.3)
    desk.timeline.tap_tempo(62)
    assert desk.timeline.walk.first_beat_s == pytest.approx(0.3)


# -- in the application ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_model(tiny_model(16), path)
    return path


@pytest.fixture
def open_explorer(tmp_path: Path) -> Iterator[Callable[[], Explorer]]:
    opened: list[Explorer] = []

    def open_one() -> Explorer:
        opened.append(Explorer(tmp_path / "state", tmp_path / "pictures"))
        opened[-1].begin()
        until(opened[-1], lambda: opened[-1].latest is not None and not opened[-1].tasks.busy)
        return opened[-1]

    yield open_one
    for explorer in opened:
        if explorer.worker._thread.is_alive():
            explorer.close()


@pytest.fixture
def explorer(open_explorer: Callable[[], Explorer]) -> Explorer:
    return open_explorer()


def ref(path: Path) -> ModelRef:
    return ModelRef(digest=sg.load_model(path).card.digest, path=str(path))


def shown_walk(explorer: Explorer) -> Walk:
    """From the Scene shown to somebody else in 2 s."""
    other = edits.set_seed(explorer.scene, 5)
    keys = Key(time_s=0.0, scene=explorer.scene, ease="linear"), Key(time_s=2.0, scene=other, ease="linear")
    return Walk(keys=keys, duration_s=2.0)


def test_a_walk_plays_in_the_application(explorer: Explorer) -> None:
    before = explorer.scene
    explorer.timeline.open(shown_walk(explorer))
    explorer.timeline.play()
    now = 0.0
    for _ in range(5):
        now += 0.3
        until(explorer, lambda: explorer.live.here, now)
        explorer.tick(now)
        until(explorer, lambda: explorer.live.here, now)
        assert explorer.timeline.position_s == pytest.approx(now - 0.3)
        assert explorer.scene == scene_at(explorer.timeline.walk, explorer.timeline.position_s)
    explorer.timeline.pause()
    assert explorer.store.done == ("Open walk", "Walk")
    explorer.undo()
    explorer.undo()
    assert explorer.scene == before and explorer.timeline.walk == Walk()


def test_undoing_what_plays_pauses_it(explorer: Explorer) -> None:
    before = explorer.scene
    explorer.timeline.open(shown_walk(explorer))
    explorer.timeline.play()
    explorer.tick(0)
    explorer.tick(1)
    explorer.undo()
    explorer.tick(2)
    assert explorer.scene == before and explorer.timeline.playing == "no" and explorer.notice.text == "Undone: Walk"


def test_a_take_of_a_hand_upon_a_walk_that_plays(explorer: Explorer) -> None:
    explorer.timeline.open(shown_walk(explorer))
    explorer.capturing.begin()
    explorer.timeline.play()
    for frame in range(10):
        until(explorer, lambda: explorer.live.here, frame / 10)
        explorer.edit("Psi", edits.set_psi, 0.05 * frame)
    assert explorer.timeline.playing == "forward"
    explorer.capturing.end()
    (clip,) = explorer.timeline.walk.clips
    assert len({sample.scene.latent for sample in clip.take.samples}) > 3
    assert len({sample.scene.truncation.psi for sample in clip.take.samples}) > 3


def test_a_walk_through_a_model_that_was_never_opened(explorer: Explorer, tiny: Path) -> None:
    explorer.timeline.open(Walk(keys=(Key(time_s=0.0, scene=Scene(model=ref(tiny), latent=Latent(seed=3))),)))
    until(explorer, lambda: explorer.latest.frame.scene.model == ref(tiny))
    assert explorer.scene == Scene(model=ref(tiny), latent=Latent(seed=3)) and explorer.card.name == "tiny"
    assert explorer.latest.frame.error is None


def test_a_walk_whose_model_is_gone_is_a_sentence(explorer: Explorer, tiny: Path, tmp_path: Path) -> None:
    gone = ref(tiny).model_copy(update={"path": str(tmp_path / "gone.safetensors")})
    before = explorer.scene
    explorer.timeline.open(Walk(keys=(Key(time_s=0.0, scene=Scene(model=gone)),)))
    until(explorer, lambda: explorer.notice.kind == "error" and "gone.safetensors" in explorer.notice.text)
    explorer.timeline.play()
    until(explorer, lambda: explorer.timeline.playing == "no")
    assert explorer.scene == before


def test_scenes_that_name_no_model_go_with_the_one_shown(explorer: Explorer, tiny: Path) -> None:
    path_alone = Scene(model=ModelRef(path=str(tiny)), latent=Latent(seed=4))
    keys = Key(time_s=0.0, scene=Scene(latent=Latent(seed=3)), ease="hold"), Key(time_s=1.0, scene=path_alone)
    shown = explorer.scene.model
    explorer.timeline.open(Walk(keys=keys))
    assert explorer.scene.model == shown and explorer.scene.latent.seed == 3
    explorer.timeline.seek(1)
    until(explorer, lambda: explorer.scene.latent.seed == 4)
    assert explorer.scene.model == ref(tiny)


def test_keys_have_pictures(explorer: Explorer, tiny: Path) -> None:
    walk = walks.add_key(shown_walk(explorer), 5, Scene(model=ref(tiny)))
    explorer.timeline.open(walk)
    found: dict[int, np.ndarray] = {}

    def all_there() -> bool:
        for index, key in enumerate(walk.keys):
            if (picture := explorer.timeline.thumbnail(key)) is not None:
                found[index] = picture
        return len(found) == 3

    until(explorer, all_there)
    assert all(picture.shape == (PICTURE_PX, PICTURE_PX, 4) and picture.dtype == np.uint8 for picture in found.values())
    assert len({picture.tobytes() for picture in found.values()}) == 3
    assert explorer.scene == walk.keys[0].scene


def test_a_key_that_cannot_be_drawn_has_no_picture_and_holds_nobody_up(explorer: Explorer, tmp_path: Path) -> None:
    broken = Scene(model=ModelRef(digest="0" * 64, path=str(tmp_path / "none.safetensors")))
    walk = walks.add_key(shown_walk(explorer), 5, broken)
    explorer.timeline.open(walk)
    until(
        explorer,
        lambda: [explorer.timeline.thumbnail(key) is not None for key in reversed(walk.keys)] == [False, True, True],
    )


def test_the_walk_is_there_again_at_the_next_start(open_explorer: Callable[[], Explorer]) -> None:
    first = open_explorer()
    assert first.timeline.walk == Walk() and not first.timeline.unsaved
    walk = tracks.add_clip(shown_walk(first), Take(samples=(Sample(time_s=0.0, scene=first.scene),)))
    first.timeline.open(walk)
    first.close()
    second = open_explorer()
    assert second.timeline.walk == walk and second.timeline.unsaved
    assert second.store.done == ()
    assert (second.timeline.position_s, second.timeline.playing) == (0.0, "no")


def test_a_walk_is_saved_and_knows_its_file(explorer: Explorer, tmp_path: Path) -> None:
    timeline, path = explorer.timeline, tmp_path / "mine.json"
    timeline.open(shown_walk(explorer))
    assert timeline.unsaved is False and timeline.name == "Untitled walk"
    timeline.seek(1.0)
    timeline.add_key()
    assert timeline.unsaved
    timeline.save(path)
    until(explorer, lambda: timeline.file == path)
    assert not timeline.unsaved and timeline.name == "mine" and read_walk(path) == timeline.walk
    timeline.new()
    assert timeline.walk == Walk() and timeline.file is None and not timeline.unsaved
    explorer.undo()
    explorer.tick(0)
    assert timeline.walk.keys and timeline.unsaved  # nobody knows any more where it was


def test_undoing_the_opening_of_a_file_saves_nothing_over_it(explorer: Explorer, tmp_path: Path) -> None:
    explorer.timeline.open(shown_walk(explorer), tmp_path / "a.json")
    assert explorer.timeline.file == tmp_path / "a.json"
    explorer.undo()  # the picture
    explorer.undo()
    explorer.tick(0)
    assert explorer.timeline.file is None and explorer.timeline.walk == Walk()


def test_a_walk_that_cannot_be_saved_is_a_sentence(explorer: Explorer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    explorer.timeline.open(shown_walk(explorer))
    explorer.timeline.save(tmp_path / "file" / "a.json")
    until(explorer, lambda: explorer.notice.kind == "error" and "a.json" in explorer.notice.text)
    assert explorer.timeline.file is None


def test_a_session_carries_its_walk(explorer: Explorer, tmp_path: Path) -> None:
    walk, path = shown_walk(explorer), tmp_path / "session.json"
    explorer.timeline.open(walk)
    explorer.save_session(path)
    until(explorer, lambda: not explorer.tasks.busy)
    assert read_session(path).walk == walk
    explorer.timeline.new()
    explorer.open_file(path)
    until(explorer, lambda: explorer.timeline.walk == walk)
    broken = json.loads(path.read_text())
    broken["walk"]["duration_s"] = -1
    path.write_text(json.dumps(broken))
    explorer.open_file(path)
    until(explorer, lambda: explorer.notice.kind == "error" and "duration_s" in explorer.notice.text)


def test_noise_does_not_play_against_the_walk(explorer: Explorer) -> None:
    explorer.do("Noise", edits.set_noise_mode, "random")
    explorer.playing_noise = True
    explorer.timeline.open(shown_walk(explorer))
    explorer.timeline.play()
    for step in range(1, 20):
        explorer.tick(step / 10)
    assert explorer.timeline.playing == "forward"
    assert explorer.scene.noise == Noise(mode="random", seed=explorer.timeline.walk.keys[0].scene.noise.seed)


@pytest.mark.parametrize(("kind", "count", "loop"), [("wander", 4, False), ("loop", 3, True), ("noise", 3, True)])
def test_walks_are_generated_about_the_picture(
    explorer: Explorer, tiny: Path, kind: str, count: int, loop: bool
) -> None:
    explorer.open_model(tiny)
    until(explorer, lambda: explorer.scene.model.digest == ref(tiny).digest)
    explorer.do("Psi", edits.set_psi, 0.3)
    timeline, before = explorer.timeline, explorer.scene
    timeline.store.do("Tempo", walks.set_tempo, 90)
    timeline.generate(kind, count, 6.0)
    assert len(timeline.walk.keys) == count and (timeline.generating is not None) is (kind == "loop")
    until(explorer, lambda: timeline.generating is None)
    walk = timeline.walk
    assert (len(walk.keys), walk.loop, walk.duration_s, walk.bpm) == (count, loop, 6.0, 90.0)
    assert all(key.scene.truncation == before.truncation for key in walk.keys)
    assert any(key.pace for key in walk.keys) is (kind == "loop")
    assert explorer.scene == walk.keys[0].scene and explorer.store.done[-2:] == ("Generate walk", "Walk")


def test_a_walk_that_was_changed_keeps_its_speed(explorer: Explorer) -> None:
    timeline = explorer.timeline
    timeline.generate("loop", 20, 6.0)
    timeline.store.do("Move key", walks.set_key_time, 1, 0.1)
    walk = timeline.walk
    explorer.tick(0)
    assert timeline.generating is None and timeline.walk is walk
    assert explorer.store.done == ("Generate walk", "Walk", "Move key")


def test_measuring_can_be_cancelled(explorer: Explorer) -> None:
    explorer.timeline.generate("loop", 20, 6.0)
    explorer.timeline.cancel_generating()
    explorer.tick(0)
    assert explorer.timeline.generating is None and len(explorer.timeline.walk.keys) == 20
    explorer.undo()
    explorer.undo()
    assert explorer.timeline.walk == Walk()


# -- keeping -----------------------------------------------------------------------------------------------------------


class AtOnce:
    """Tasks that are done when they are asked for."""

    def __init__(self) -> None:
        self.count = 0

    def on_disk(self, function: Callable[[], object], then: Callable[[object], None]) -> None:
        self.count += 1
        then(function())


def keeper(path: Path) -> tuple[WalkKeeper, AtOnce, list[str], list[Walk]]:
    tasks, said, found = AtOnce(), list[str](), list[Walk]()
    made = WalkKeeper(path, tasks, lambda words, kind: said.append(words))
    made.load(found.append)
    return made, tasks, said, found


@given(any_walk())
def test_the_kept_text_is_the_walk(walk: Walk) -> None:
    made = WalkKeeper(Path("x"), AtOnce(), lambda words, kind: None)
    for _ in range(2):
        assert walk_from_json(made.text(walk)) == walk


def test_a_walk_is_written_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "walk.json"
    made, tasks, said, found = keeper(path)
    assert found == [Walk()]
    walk = people(0, 1)
    for each in (Walk(), walk, walk, people(0, 1)):
        made.keep(each)
    assert tasks.count == 2 and read_walk(path) == walk and said == []  # one of them read


def test_nothing_is_written_before_what_the_last_run_left_was_read(tmp_path: Path) -> None:
    tasks = AtOnce()
    WalkKeeper(tmp_path / "walk.json", tasks, lambda words, kind: None).keep(people(0))
    assert tasks.count == 0


def test_a_broken_walk_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "walk.json"
    path.write_text('{"duration_s": -1}')
    _, _, said, found = keeper(path)
    assert found == [Walk()] and "duration_s" in said[0] and str(tmp_path / "walk.broken.json") in said[0]
    assert (tmp_path / "walk.broken.json").exists() and not path.exists()


def test_a_place_that_cannot_be_written_to_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made, _, said, _ = keeper(tmp_path / "file" / "walk.json")
    for count in range(1, 4):
        made.keep(people(*range(count)))
    assert len(said) == 1 and "walk.json cannot be written" in said[0]
    shutil.rmtree(tmp_path / "file", ignore_errors=True)
    (tmp_path / "file").unlink()
    made.keep(people(0))
    assert read_walk(tmp_path / "file" / "walk.json") == people(0)


def test_a_walk_file_opens_in_the_timeline(explorer: Explorer, tmp_path: Path) -> None:
    walk = shown_walk(explorer)
    write_walk(walk, tmp_path / "walk.json")
    explorer.open_file(tmp_path / "walk.json")
    until(explorer, lambda: explorer.timeline.walk == walk)
    assert explorer.timeline.file == tmp_path / "walk.json" and not explorer.timeline.unsaved
