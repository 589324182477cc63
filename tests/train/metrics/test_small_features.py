"""The small features tell better pictures from worse, whatever their size; the command that measures in them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from stylegan_core import load_model, save_model
from stylegan_core.model import build_generator
from tests.train.data.makers import DEMO, archive, files
from tests.train.small import GENERATORS, spec
from train.data.dataset import TrainingImages
from train.data.opening import open_images
from train.metrics.command import features_of, measure, show
from train.metrics.evaluate import frechet_distance, kernel_distance, precision_recall
from train.metrics.features import SmallFeatures, SmallSimilarity
from train.metrics.network import WEIGHTS
from train.metrics.pictures import GeneratedPictures, compared
from train.metrics.settings import MetricsSettings

REPOSITORY = Path(__file__).resolve().parents[3]
FEATURES = SmallFeatures()
HALF = 120  # pictures


def look(pictures: Tensor) -> Tensor:
    return FEATURES.embed(FEATURES.networks["distances"], pictures.round().clamp(0, 255).to(torch.uint8))


@pytest.fixture(scope="module")
def faces() -> TrainingImages:
    return TrainingImages(open_images(DEMO), most=2 * HALF)


@pytest.fixture(scope="module")
def pictures(faces: TrainingImages) -> dict[str, Tensor]:
    """Kinds of pictures, from the best to the worst: half of the faces, and what may be mistaken for the other."""
    whole = compared(faces.batch(list(range(2 * HALF))).pixels, (32, 32)).float()
    others = whole[1::2]  # the other skin tones of the same faces, mostly
    model = load_model(REPOSITORY / "tests" / "golden" / "faces32.safetensors")
    generated = next(GeneratedPictures(model, faces, 0).batches(HALF, HALF))
    normal = torch.randn(others.shape, generator=torch.Generator().manual_seed(0))

    def blurred(size: int) -> Tensor:
        return F.avg_pool2d(F.pad(others, (size // 2,) * 4, mode="replicate"), size, 1)

    return {
        "real": whole[::2],
        "others": others,
        "noisy": others + 40 * normal,
        "noisier": others + 90 * normal,
        "blurred": blurred(5),
        "blurrier": blurred(9),
        "generated": generated,
        "noise": 127.5 + 80 * normal,
        "one": others[:1].expand_as(others),
    }


@pytest.fixture(scope="module")
def looks(pictures: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: look(kind) for name, kind in pictures.items()}


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_the_worse_the_farther(distance: object, looks: dict[str, Tensor]) -> None:
    far = {name: distance(seen, looks["real"]) for name, seen in looks.items()}  # type: ignore[operator]
    assert far["others"] < far["noisy"] < far["noisier"] < far["noise"]
    assert far["others"] < far["blurred"] < far["blurrier"] < far["noise"]
    assert far["others"] < far["generated"] < far["blurrier"]
    assert far["others"] < far["one"]


def test_precision_falls_with_quality_and_recall_with_variety(looks: dict[str, Tensor]) -> None:
    measured = {name: precision_recall(seen, looks["real"]) for name, seen in looks.items()}
    assert measured["others"][0] > measured["blurrier"][0] > measured["noise"][0]
    assert measured["others"][1] > measured["generated"][1] > measured["one"][1] == 0


def test_larger_pictures_look_like_themselves_made_smaller(faces: TrainingImages) -> None:
    large = faces.batch(list(range(20))).pixels
    near = look(large.float()) - look(F.avg_pool2d(large.float(), 2))
    assert float(near.abs().mean()) < 0.02
    assert look(large[:, :, :48, :20].float()).shape == look(large.float()).shape


def test_likeness_grows_with_what_is_done_to_a_picture(pictures: dict[str, Tensor]) -> None:
    measure = SmallSimilarity("small")
    one = pictures["others"][:8]
    far = [float(measure(one, pictures[kind][:8]).mean()) for kind in ("others", "noisy", "noisier", "noise")]
    assert far[0] == 0 and far == sorted(far)


def test_features_come_from_a_small_file() -> None:
    assert WEIGHTS.stat().st_size < 2**20
    assert len(FEATURES.digest("any")) == 64


def test_names_and_settings_know_no_torch() -> None:
    code = "import sys, train.metrics.names, train.metrics.settings; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def test_the_command_measures_files_and_shows_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = GENERATORS["stylegan2 resnet"]
    path, data = tmp_path / "model.safetensors", archive(tmp_path / "data.zip", files(12))
    save_model(build_generator(spec(config), "", "small"), path)
    settings = MetricsSettings(metrics=("kid", "precision_recall"), pictures=10)
    found = measure(path, data, settings, features_of("small"), device="cpu", cache=tmp_path / "cache")
    assert list(found) == ["kid_small", "precision_small", "recall_small"]
    show(found, as_json=True)
    assert json.loads(capsys.readouterr().out) == found
    show(found)
    assert "Recall (small features)" in capsys.readouterr().out
    assert [type(eyes).__name__ for eyes in features_of("both")] == ["InceptionFeatures", "SmallFeatures"]
