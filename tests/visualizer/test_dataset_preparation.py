"""A look shows what would be done and changes nothing; a preparation does it, may be cancelled, says how it went."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.data import packing
from train.data.fitting import PrepareSettings
from train.data.opening import open_images
from visualizer.dataset_preparation import SAMPLES, DatasetPreparation, sample

SETTINGS = PrepareSettings(width=8, height=8, near_bits=None)
WAIT_S = 60.0


class Person:
    """Somebody with a folder of pictures, and what they are told."""

    def __init__(self, folder: Path):
        self.told: list[str] = []
        self.work = DatasetPreparation(self.told.append)
        self.photos, self.out = folder / "photos", folder / "out" / "out.zip"
        self.photos.mkdir()
        for seed in range(10):
            pixels = np.random.RandomState(seed).randint(0, 256, (8, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(self.photos / f"{seed}.png")

    def wait(self) -> None:
        while self.work.doing:
            job = self.work._job
            assert job is not None
            job.wait(WAIT_S)
            assert job.done
            self.work.tick()

    def look(self, settings: PrepareSettings = SETTINGS) -> None:
        self.work.look([self.photos], settings, self.out, 20)
        assert self.work.doing == "looking"
        self.wait()

    def prepare(self, overwrite: bool = False) -> None:
        self.work.prepare(self.out, overwrite)
        assert self.work.doing == "preparing"
        self.wait()


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def test_a_look_shows_what_would_be_done(person: Person) -> None:
    (person.photos / "\x1bx.png").write_bytes(b"words")
    person.look()
    looked = person.work.looked
    assert looked is not None and not person.work.error and not person.out.parent.exists()
    assert looked.lines[0] == "10 of 11 pictures become 8×8 px, in colour."
    assert looked.lines[-1].startswith("It will take about ")
    assert [each.words for each in looked.samples[:2]] == ["0.png, 16×8 px", "1.png, 16×8 px"]
    assert len(looked.samples) == SAMPLES and looked.samples[-1].words == "9.png, 16×8 px"


def test_samples_show_what_is_cut_off_and_what_is_transparent() -> None:
    picture = Image.new("RGBA", (40, 20), (200, 100, 50, 255))
    picture.paste((0, 0, 0, 0), (15, 5, 25, 15))
    found = sample(picture, "a", PrepareSettings(width=20, height=20, channels="rgba"), 40)
    assert found.before.shape == found.after.shape == (40, 40, 4) and found.after.flags.c_contiguous
    assert found.before[2, 20].tolist() == [0, 0, 0, 0]  # beside a wide picture there is nothing
    assert found.before[12, 2].tolist() == [50, 25, 12, 255] and found.before[12, 12].tolist() == [200, 100, 50, 255]
    assert found.after[2, 2].tolist() == [200, 100, 50, 255]
    assert {tuple(found.after[y, 20, :3]) for y in range(16, 24)} == {(90, 90, 90), (120, 120, 120)}


def test_a_preparation_does_what_the_look_said(person: Person) -> None:
    person.work.prepare(person.out, False)
    assert person.work.doing == "" and person.work.written is None  # nobody has looked
    person.look()
    person.prepare()
    work = person.work
    assert work.written == person.out and work.report is not None and len(work.report.pictures) == 10
    assert open_images(person.out).shape == (3, 8, 8) and person.told == [f"Prepared 10 pictures: {person.out}"]
    person.prepare()
    assert "is there already" in work.error and work.written is None
    person.prepare(overwrite=True)
    assert work.written == person.out and not work.error


def test_what_cannot_be_looked_at_is_said(person: Person) -> None:
    person.photos.joinpath("0.png").parent.rename(person.photos.with_name("moved"))
    person.look()
    assert person.work.looked is None and "photos does not exist" in person.work.error


def test_another_look_takes_the_place_of_one_under_way(person: Person) -> None:
    person.work.look([person.photos], SETTINGS, person.out, 20)
    person.look(SETTINGS.model_copy(update={"width": 12}))
    assert person.work.looked is not None and person.work.looked.plan.settings.width == 12


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_what_is_cancelled_leaves_nothing(person: Person, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    person.look()
    begun, go_on, add = threading.Event(), threading.Event(), packing._add

    def slow(*arguments: object) -> None:
        begun.set()
        assert go_on.wait(WAIT_S)
        add(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(packing, "_add", slow)
    person.work.prepare(person.out, False)
    assert begun.wait(WAIT_S) and list(person.out.parent.iterdir())
    person.work.cancel()
    go_on.set()
    if how == "close":
        person.work.close()
    person.wait()
    assert not list(person.out.parent.iterdir()) and person.work.report is None and not person.work.error
    assert person.told == []
