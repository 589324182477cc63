"""A new run before it starts: what the pictures are, what would come of it, refusals as sentences."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visualizer import training_plan
from visualizer.training_plan import DEMO_FACES, Asked, Material, Plan, Planning, make_plan

TURNS = 60_000  # with a rest of 1 ms each: never reached unless a test is about to fail


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(np.full((64, 64, 3), number, np.uint8)).save(folder / f"{number}.png")
    return folder


def planned(planning: Planning) -> None:
    rest = threading.Event()
    for _ in range(TURNS):
        planning.tick()
        if not planning.busy:
            return
        rest.wait(0.001)
    raise AssertionError("the plan never came")


def test_the_demo_faces_make_a_run() -> None:
    plan = make_plan(Asked(str(DEMO_FACES), "smoke", mirror=True, labels=True))
    assert plan.refusal == "" and plan.config is not None and plan.material is not None
    assert plan.config.data.resolution == 32 and plan.config.data.mirror and plan.config.data.labels
    assert plan.config.generator.c_dim == plan.material.classes > 0
    assert plan.material.sizes == (64, 32, 16)
    assert f"{plan.material.count:,} pictures, 128×128 px" in plan.material.words
    assert "StyleGAN2 at 32 px" in plan.words and "100 steps of 8 pictures" in plan.words
    assert f"each of the {plan.material.count * 2:,}" in plan.words


def test_own_choices_go_before_the_preset(pictures: Path) -> None:
    plan = make_plan(Asked(str(pictures), "laptop", resolution=32, kimg=4.0, batch=4, labels=True))
    assert plan.config is not None
    assert (plan.config.kimg, plan.config.batch, plan.config.generator.img_resolution) == (4.0, 4, 32)
    assert not plan.config.data.labels  # there are none
    assert plan.material is not None and plan.material.words == "3 pictures, 64×64 px, no labels"


@pytest.mark.parametrize(
    ("kimg", "batch", "words"),
    [
        (None, None, " Steps of 32 to 256 pictures, as it grows: each of the 3 is seen "),
        (1.0, None, " 4 steps of 256 pictures: each of the 3 is seen 333 times"),  # it comes to no other level
        (1.0, 8, " 125 steps of 8 pictures: "),
    ],
)
def test_steps_of_what_grows_are_of_several_sizes(
    pictures: Path, kimg: float | None, batch: int | None, words: str
) -> None:
    plan = make_plan(Asked(str(pictures), "stylegan1", resolution=64, kimg=kimg, batch=batch))
    assert plan.refusal == "" and words in plan.words


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(), "Choose pictures"),
        (Asked("/nowhere/at/all"), "/nowhere/at/all"),
        (Asked("PICTURES", resolution=48), "48 px are wanted"),
        (Asked("PICTURES", start="/nowhere/model.pkl"), "model.pkl"),
    ],
)
def test_what_cannot_start_is_refused_in_a_sentence(asked: Asked, words: str, pictures: Path) -> None:
    plan = make_plan(replace(asked, data=str(pictures) if asked.data == "PICTURES" else asked.data))
    assert plan.config is None and words in plan.refusal and plan.refusal.endswith(".")


def test_pictures_that_take_long_to_look_at_hold_up_nothing_else(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released, make = threading.Event(), threading.Event(), training_plan.make_plan

    def slow(asked: Asked, known: Material | None = None) -> Plan:
        if asked.data == "/large":
            begun.set()
            released.wait()
        return make(asked, known)

    monkeypatch.setattr(training_plan, "make_plan", slow)
    planning = Planning()
    planning.ask(Asked("/large", "smoke"))
    planning.tick()
    begun.wait()
    planning.ask(Asked(str(pictures), "smoke"))
    planned(planning)
    assert planning.plan is not None and planning.plan.config is not None
    released.set()


def test_the_newest_wish_is_planned_and_pictures_are_looked_at_once(pictures: Path) -> None:
    planning = Planning()
    planning.ask(Asked(str(pictures), "smoke"))
    planning.tick()
    planning.ask(Asked(str(pictures), "laptop"))
    planned(planning)
    first = planning.plan
    assert first is not None and first.config is not None and first.config.preset == "laptop"
    planning.ask(Asked(str(pictures), "laptop", mirror=True))
    planned(planning)
    assert planning.plan is not None and planning.plan.material is first.material
    planning.forget()
    planned(planning)
    assert planning.plan.material == first.material and planning.plan.material is not first.material
