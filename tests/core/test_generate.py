"""Pictures in bulk: what is asked for is understood or refused in a sentence, what is there is recognised."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import stylegan_core as sg
from stylegan_core import generate
from stylegan_core.config import GeneratorConfig
from stylegan_core.generate import GenerateError, PictureJob
from stylegan_core.model import build_generator, random_spec
from stylegan_core.picture import PictureFileError, read_scene, write_png
from stylegan_core.scene import ClassWeight, Noise, Scene, Truncation

GOLDEN = Path(__file__).parents[1] / "golden"
REF = sg.ModelRef(digest="d" * 64, path="/there/model.pkl")
GREY = np.full((4, 4, 3), 128, np.uint8)


def model_of(**settings: int) -> sg.Model:
    config = GeneratorConfig(img_resolution=8, z_dim=8, w_dim=8, channel_max=8, mapping_layers=1, **settings)
    return build_generator(random_spec(config, 1), "d" * 64, "small")


@pytest.fixture(scope="module")
def card() -> sg.ModelCard:
    return model_of().card


@pytest.fixture(scope="module")
def card_of_classes() -> sg.ModelCard:
    return model_of(c_dim=5).card


@pytest.fixture
def job(tmp_path: Path) -> PictureJob:
    return PictureJob(tmp_path / "seed0007.png", sg.Scene(model=REF))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", (3,)),
        ("0-3", (0, 1, 2, 3)),
        ("5-5", (5,)),
        ("1,2,5-7", (1, 2, 5, 6, 7)),
        (" 9 , 007 ", (9, 7)),
        ("3,1-4,1", (3, 1, 2, 4)),
        ("4294967295", (4294967295,)),
    ],
)
def test_seeds_are_understood(text: str, seeds: tuple[int, ...]) -> None:
    assert generate.parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", ",", "1,,2", "a", "-1", "1-", "1.5", "1e3", "0-9-9", "4294967296", "0-4294967296", "٣", "9" * 5000]
)
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(GenerateError, match=r"^--seeds: '.*' is not among the numbers 0 to 4294967295; write .*\.$"):
        generate.parse_seeds(text)


def test_a_range_that_runs_backwards_is_turned_round_in_the_message() -> None:
    with pytest.raises(GenerateError, match=r"'9-3' ends before it begins; write '3-9'\.$"):
        generate.parse_seeds("0,9-3")


def test_ranges_that_no_memory_holds_are_refused() -> None:
    with pytest.raises(GenerateError, match=r"^4294967296 pictures are too many"):
        generate.parse_seeds("0-4294967295")


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="0123456789-,+ x", max_size=12))
def test_any_words_are_seeds_or_refused(text: str) -> None:
    try:
        seeds = generate.parse_seeds(text)
    except GenerateError:
        return
    assert seeds and len(set(seeds)) == len(seeds) and all(0 <= seed < 2**32 for seed in seeds)


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("0", ((0,),)),
        ("1,3", ((1,), (3,))),
        ("1-3,0", ((1,), (2,), (3,), (0,))),
        ("2+0", ((0, 2),)),
        ("0+2,2+0,1", ((0, 2), (1,))),
        ("0+0", ((0,),)),
        ("0-1+4", ((0, 1, 4),)),
    ],
)
def test_classes_are_understood(text: str, series: tuple[tuple[int, ...], ...]) -> None:
    assert generate.parse_classes(text, 5) == series


@pytest.mark.parametrize("text", ["5", "0,5", "0+5", "0-5", "", "0+", "cat"])
def test_classes_that_the_model_lacks_are_refused(text: str) -> None:
    with pytest.raises(GenerateError, match=r"^--classes: '.*' is not among the numbers 0 to 4; write .*\.$"):
        generate.parse_classes(text, 5)


def test_a_plan_names_pictures_by_seed(card: sg.ModelCard) -> None:
    truncation, noise = Truncation(psi=0.5, cutoff=2), Noise(mode="random", seed=3)
    jobs = generate.plan(card, REF, Path("out"), "9,12345", base=Scene(truncation=truncation, noise=noise))
    assert [job.path for job in jobs] == [Path("out/seed0009.png"), Path("out/seed12345.png")]
    assert [job.scene.latent.seed for job in jobs] == [9, 12345]
    assert {(job.scene.model, job.scene.truncation, job.scene.noise) for job in jobs} == {(REF, truncation, noise)}


def test_a_plan_makes_a_series_for_each_class(card_of_classes: sg.ModelCard) -> None:
    jobs = generate.plan(card_of_classes, REF, Path("out"), "0-1", "3,0+2")
    assert [job.path.name for job in jobs] == [
        "seed0000-class3.png",
        "seed0001-class3.png",
        "seed0000-class0+2.png",
        "seed0001-class0+2.png",
    ]
    assert jobs[0].scene.classes == (ClassWeight(index=3),)
    assert jobs[3].scene.classes == (ClassWeight(index=0), ClassWeight(index=2))


def test_without_words_on_classes_the_first_is_taken_as_in_the_window(card_of_classes: sg.ModelCard) -> None:
    (job,) = generate.plan(card_of_classes, REF, Path("out"), "4")
    assert (job.path.name, job.scene.classes) == ("seed0004.png", (ClassWeight(index=0),))


def test_a_plan_that_does_not_suit_the_model_is_refused(card: sg.ModelCard) -> None:
    with pytest.raises(GenerateError, match="small has no classes; leave out --classes"):
        generate.plan(card, REF, Path(), "0", "0")
    with pytest.raises(GenerateError, match="small has 4 style vectors, so the cutoff may be 0 to 4, not 5"):
        generate.plan(card, REF, Path(), "0", base=Scene(truncation=Truncation(cutoff=5)))
    with pytest.raises(GenerateError, match="small makes pictures of 6 channels"):
        generate.plan(model_of(img_channels=6).card, REF, Path(), "0")


def test_series_and_seeds_together_are_counted(card_of_classes: sg.ModelCard) -> None:
    with pytest.raises(GenerateError, match="1500000 pictures are too many"):
        generate.plan(card_of_classes, REF, Path(), "0-299999", "0-4")


def test_a_picture_is_recognised_wherever_its_model_lay(job: PictureJob) -> None:
    assert not generate.is_made(job)
    elsewhere = REF.model_copy(update={"path": "/elsewhere/renamed.pkl"})
    write_png(job.path, GREY, job.scene.model_copy(update={"model": elsewhere}))
    assert generate.is_made(job)
    assert generate.is_made(job, overwrite=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", REF.model_copy(update={"digest": "e" * 64})),
        ("model", REF.model_copy(update={"which": "G"})),
        ("truncation", Truncation(psi=0.71)),
        ("noise", Noise(seed=1)),
        ("classes", (ClassWeight(index=0),)),
    ],
)
def test_another_picture_in_its_place_is_refused_or_replaced(job: PictureJob, field: str, value: object) -> None:
    write_png(job.path, GREY, job.scene.model_copy(update={field: value}))
    with pytest.raises(GenerateError, match=f"seed0007.png is there, but differs in its {field}: give --overwrite"):
        generate.is_made(job)
    assert not generate.is_made(job, overwrite=True)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


def strip(path: Path) -> None:
    Image.fromarray(GREY).save(path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [cut, strip, empty, make_folder])
def test_a_damaged_or_foreign_file_in_its_place_is_refused(job: PictureJob, harm) -> None:
    write_png(job.path, GREY, job.scene)
    harm(job.path)
    with pytest.raises(GenerateError, match="is there, but is damaged or not a picture of StyleScope's"):
        generate.is_made(job)
    assert not generate.is_made(job, overwrite=True)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pixels_are_those_of_the_scene_in_the_file(channels: int, tmp_path: Path) -> None:
    models = sg.ModelStore()
    models.add(model_of(img_channels=channels))
    card = models.get(REF).card
    jobs = generate.plan(card, REF, tmp_path, "1-3", base=Scene(noise=Noise(mode="random", seed=5)))
    assert list(generate.generate(jobs, sg.Renderer(models, cache_bytes=0))) == jobs
    for job in jobs:
        scene = read_scene(job.path)
        assert scene == job.scene
        with Image.open(job.path) as image:
            pixels = torch.from_numpy(np.array(image)).reshape(8, 8, channels)
        assert torch.equal(pixels, sg.render(scene, models).pixels)


def test_what_cannot_be_rendered_is_told_after_what_can(tmp_path: Path, card: sg.ModelCard) -> None:
    models = sg.ModelStore()
    models.add(model_of())
    good, bad = generate.plan(card, REF, tmp_path, "0-1")
    bad = PictureJob(bad.path, bad.scene.model_copy(update={"truncation": Truncation(layers=(1.0,))}))
    made = generate.generate([good, bad], sg.Renderer(models, cache_bytes=0))
    assert next(made) == good and good.path.exists()
    with pytest.raises(sg.StyleScopeError, match="psi has 1 values"):
        next(made)
    assert not bad.path.exists()


def test_folders_are_made_and_tried(tmp_path: Path) -> None:
    generate.require_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "within"):
        with pytest.raises(PictureFileError, match=r"^The folder .* cannot be written to: .*\.$"):
            generate.require_folder(folder)


def test_devices_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert generate.choose_device() == generate.choose_device("cpu") == torch.device("cpu")
    for name in ("cuda", "cuda:0", "gpu", "meta", ""):
        with pytest.raises(GenerateError, match=r"There is no device '.*' on this machine; give --device cpu\."):
            generate.choose_device(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert generate.choose_device() == generate.choose_device("cuda") == torch.device("cuda:0")
    assert generate.choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(GenerateError, match="give --device cuda:0 or cuda:1 or cpu"):
        generate.choose_device("cuda:2")
