"""The store's undo history, held against a simple model of it."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stylegan_core import edits
from stylegan_core.scene import Latent, Scene
from visualizer import store as store_file
from visualizer.store import History, Store

names = st.sampled_from(["Seed", "Psi", "Noise"])
seeds = st.integers(0, 4)
psis = st.sampled_from([0.0, 0.5, 1.0])


def test_a_drag_is_one_undo_point() -> None:
    store = Store(Scene())
    for seed in (1, 2, 3):
        store.edit("Seed", edits.set_seed, seed)
    assert store.done == () and store.revision == 3
    store.settle()
    store.settle()
    assert store.done == ("Seed",)
    assert store.undo() == "Seed" and store.scene == Scene()
    assert store.redo() == "Seed" and store.scene.latent.seed == 3


def test_another_control_ends_the_drag_of_the_first() -> None:
    store = Store(Scene())
    store.edit("Seed", edits.set_seed, 1)
    store.edit("Psi", edits.set_psi, 0.2)
    assert store.done == ("Seed",)
    assert store.undo() == "Psi" and store.scene == Scene(latent=Latent(seed=1))


def test_a_drag_back_to_where_it_began_is_nothing_done() -> None:
    store = Store(Scene())
    store.do("Psi", edits.set_psi, 0.2)
    store.undo()
    for seed in (1, 0):
        store.edit("Seed", edits.set_seed, seed)
    store.settle()
    assert store.done == () and store.undone == ("Psi",)


def test_the_history_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_file, "HISTORY_LENGTH", 3)
    store = Store(Scene())
    for seed in range(1, 6):
        store.do(str(seed), edits.set_seed, seed)
    assert store.done == ("3", "4", "5")
    while store.undo():
        pass
    assert store.scene.latent.seed == 2


def test_an_edit_that_fails_changes_nothing() -> None:
    store = Store(Scene())
    store.edit("Seed", edits.set_seed, 1)
    with pytest.raises(ZeroDivisionError):
        store.edit("Seed", lambda scene: 1 / 0)
    store.settle()
    assert store.done == ("Seed",) and store.scene.latent.seed == 1 and store.revision == 1


# -- two stores, one history -------------------------------------------------------------------------------------------


def pair() -> tuple[Store[Scene], Store[int]]:
    history = History()
    return Store(Scene(), history), Store(0, history)


def add(value: int, more: int) -> int:
    return value + more


def test_what_was_done_last_is_taken_back_first_whichever_store_it_was() -> None:
    scenes, numbers = pair()
    scenes.do("Seed", edits.set_seed, 1)
    numbers.do("Add", add, 5)
    scenes.do("Psi", edits.set_psi, 0.2)
    assert numbers.done == scenes.done == ("Seed", "Add", "Psi")
    assert [numbers.undo(), scenes.undo()] == ["Psi", "Add"]
    assert scenes.value == Scene(latent=Latent(seed=1)) and numbers.value == 0
    assert [scenes.redo(), scenes.redo(), scenes.redo()] == ["Add", "Psi", None]
    assert numbers.value == 5 and scenes.scene.truncation.psi == 0.2


def test_a_change_in_one_store_clears_what_was_undone_in_the_other() -> None:
    scenes, numbers = pair()
    scenes.do("Seed", edits.set_seed, 1)
    scenes.undo()
    numbers.do("Add", add, 5)
    assert scenes.undone == () and scenes.redo() is None


def test_a_drag_in_one_store_is_taken_back_by_the_other() -> None:
    scenes, numbers = pair()
    numbers.edit("Add", add, 5)
    assert scenes.undo() == "Add" and numbers.value == 0


def test_what_is_done_while_it_plays_is_taken_back_before_the_play() -> None:
    scenes, numbers = pair()
    scenes.play("Walk", edits.set_seed, 1)
    numbers.do("Add", add, 5)
    scenes.play("Walk", edits.set_seed, 2)
    assert scenes.undo() == "Add" and scenes.scene.latent.seed == 2
    assert scenes.undo() == "Walk" and scenes.scene == Scene()


def test_playing_leaves_what_was_undone_in_the_other_store() -> None:
    scenes, numbers = pair()
    scenes.do("Seed", edits.set_seed, 7)
    numbers.do("Add", add, 5)
    for _ in range(2):
        scenes.undo()
    scenes.play("Walk", edits.set_seed, 1)
    scenes.settle_play()
    assert scenes.undone == ("Add",)
    assert scenes.redo() == "Add" and numbers.value == 5
    assert scenes.done == ("Walk", "Add")


def test_what_plays_on_is_one_undo_point_with_what_played_before() -> None:
    scenes, numbers = pair()
    for seed in (1, 2):
        scenes.play_on("Walk")
        scenes.play("Walk", edits.set_seed, seed)
        scenes.settle_play()
        numbers.do("Add", add, seed)
    assert scenes.done == ("Walk", "Add", "Add")
    scenes.do("Psi", edits.set_psi, 0.2)
    scenes.play_on("Walk")
    scenes.play("Walk", edits.set_seed, 3)
    scenes.settle_play()
    scenes.play_on("Drift")
    scenes.play("Drift", edits.set_offset, 0.5, 0)
    scenes.settle_play()
    assert scenes.done == ("Walk", "Add", "Add", "Psi", "Walk", "Drift")
    while scenes.undo():
        pass
    assert scenes.scene == Scene() and numbers.value == 0


def test_starting_over_in_one_store_leaves_the_other() -> None:
    scenes, numbers = pair()
    numbers.do("Add", add, 5)
    scenes.do("Seed", edits.set_seed, 7)
    scenes.reset(Scene())
    assert scenes.done == ("Add",) and numbers.undo() == "Add" and numbers.value == 0


CHANGES: dict[str, Callable[[Store[int], int], None]] = {
    "do": lambda store, more: store.do("do", add, more),
    "edit": lambda store, more: store.edit("edit", add, more),
    "play": lambda store, more: store.play("play", add, more),
    "settle": lambda store, _: store.settle(),
    "settle_play": lambda store, _: store.settle_play(),
    "undo": lambda store, _: store.undo(),
    "redo": lambda store, _: store.redo(),
}


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(CHANGES)), st.integers(-2, 2)), max_size=30))
def test_all_can_be_taken_back_and_done_again(steps: list[tuple[bool, str, int]]) -> None:
    history = History()
    stores = Store(0, history), Store(0, history)
    for second, change, more in steps:
        CHANGES[change](stores[second], more)
    while history.redo():  # what is done from here on is the whole of it
        pass
    last = [store.value for store in stores]
    seen = [last]
    while history.undo():
        seen.append([store.value for store in stores])
    assert seen[-1] == [0, 0] and len(seen) == len(history.undone) + 1
    for expected in reversed(seen[:-1]):
        assert history.redo() is not None
        assert [store.value for store in stores] == expected


class OneStore(RuleBasedStateMachine):
    """Points are kept as (name, before, after); `at` of them are done, the others can be redone."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(Scene())
        self.scene = Scene()
        self.points: list[tuple[str, Scene, Scene]] = []
        self.at = 0
        self.drag: tuple[str, Scene] | None = None  # the interaction under way
        self.played: tuple[str, Scene] | None = None  # what the clock has begun to change
        self.changes = 0

    def change(self, scene: Scene) -> None:
        self.changes += 1
        self.scene = scene

    def remember(self, begun: tuple[str, Scene] | None) -> None:
        if begun is not None and begun[1] != self.scene:
            self.points = [*self.points[: self.at], (*begun, self.scene)]
            self.at += 1

    def let_go(self) -> None:
        begun, self.drag = self.drag, None
        self.remember(begun)

    def stop(self) -> None:
        begun, self.played = self.played, None
        self.remember(begun)

    def drag_to(self, name: str, scene: Scene) -> None:
        if self.drag is not None and self.drag[0] != name:
            self.let_go()
        if scene != self.scene:
            if self.drag is None:
                self.stop()
            self.drag = self.drag or (name, self.scene)
            self.change(scene)

    @rule(name=names, seed=seeds)
    def edit_seed(self, name: str, seed: int) -> None:
        self.store.edit(name, edits.set_seed, seed)
        self.drag_to(name, edits.set_seed(self.scene, seed))

    @rule(name=names, psi=psis)
    def edit_psi(self, name: str, psi: float) -> None:
        self.store.edit(name, edits.set_psi, psi)
        self.drag_to(name, edits.set_psi(self.scene, psi))

    @rule()
    def settle(self) -> None:
        self.store.settle()
        self.let_go()

    @rule(name=names, seed=seeds)
    def do(self, name: str, seed: int) -> None:
        self.store.do(name, edits.set_seed, seed)
        self.let_go()
        self.drag_to(name, edits.set_seed(self.scene, seed))
        self.let_go()

    @rule(seed=seeds)
    def drift(self, seed: int) -> None:
        self.store.drift(edits.set_noise_seed, seed)
        moved = edits.set_noise_seed(self.scene, seed)
        if moved != self.scene:
            self.change(moved)

    @rule(name=names, seed=seeds)
    def play(self, name: str, seed: int) -> None:
        self.store.play(name, edits.set_noise_seed, seed)
        moved = edits.set_noise_seed(self.scene, seed)
        if moved != self.scene:
            if self.drag is None and self.played is None:
                self.played = (name, self.scene)
            self.change(moved)

    @rule()
    def settle_play(self) -> None:
        self.store.settle_play()
        self.stop()

    @rule()
    def undo(self) -> None:
        self.let_go()
        self.stop()
        name = self.store.undo()
        assert name == (self.points[self.at - 1][0] if self.at else None)
        if self.at:
            self.at -= 1
            self.change(self.points[self.at][1])

    @rule()
    def redo(self) -> None:
        self.let_go()
        self.stop()
        name = self.store.redo()
        assert name == (self.points[self.at][0] if self.at < len(self.points) else None)
        if name is not None:
            self.change(self.points[self.at][2])
            self.at += 1

    @rule(seed=seeds)
    def reset(self, seed: int) -> None:
        scene = Scene(latent=Latent(seed=seed))
        self.store.reset(scene)
        self.points, self.at, self.drag, self.played = [], 0, None, None
        self.change(scene)

    @invariant()
    def same(self) -> None:
        assert self.store.scene == self.scene
        assert self.store.revision == self.changes
        assert self.store.done == tuple(point[0] for point in self.points[: self.at])
        assert self.store.undone == tuple(point[0] for point in reversed(self.points[self.at :]))


TestHistory = OneStore.TestCase
TestHistory.settings = settings(max_examples=60, stateful_step_count=30)
