"""The large networks' weights: looked for on this machine, said to be missing in one sentence, never executed."""

import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor

from train.metrics import weights
from train.metrics.features import InceptionFeatures, LocalLPIPS  # makes torchvision importable
from train.metrics.weights import INCEPTION, LPIPS, VGG16, WeightsError, find, hub_folder, read

vgg16 = pytest.importorskip("torchvision.models").vgg16
feature_extractor_inceptionv3 = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
FeatureExtractorInceptionV3 = feature_extractor_inceptionv3.FeatureExtractorInceptionV3


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of PyTorch's downloads, and no network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    return hub_folder()


@pytest.mark.parametrize("file", [INCEPTION, VGG16, LPIPS])
def test_missing_weights_are_a_sentence(file: weights.WeightsFile, tmp_path: Path, hub: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        find(file)
    words = str(caught.value)
    assert file.name in words and file.url in words and str(hub) in words and words.endswith(".")
    with pytest.raises(WeightsError) as caught:
        find(file, tmp_path / "mine")
    assert f"put it into {tmp_path / 'mine'} " in str(caught.value)


def test_features_say_what_is_missing_before_anything_else(tmp_path: Path) -> None:
    features = InceptionFeatures(tmp_path)
    for network in features.networks.values():
        with pytest.raises(WeightsError, match="put it into"):
            features.digest(network)
        with pytest.raises(WeightsError, match="put it into"):
            features.embed(network, torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(WeightsError, match=VGG16.name):
        features.similarity()


@pytest.mark.parametrize("place", ["mine", "mine/checkpoints", "torch/hub/checkpoints"])
def test_weights_are_found_where_they_may_lie(tmp_path: Path, place: str) -> None:
    path = tmp_path / place / LPIPS.name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    assert find(LPIPS, tmp_path / "mine") == path


def test_what_is_missing_is_fetched_only_if_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []

    def fetch(url: str, path: str, prefix: str | None, progress: bool) -> None:
        fetched.append((url, path, prefix))
        Path(path).write_bytes(b"")

    with pytest.raises(WeightsError, match=r"cannot be fetched \(no network\)"):
        find(INCEPTION, tmp_path, download=True)
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    path = find(INCEPTION, tmp_path / "new", download=True)
    assert fetched == [(INCEPTION.url, str(path), "6726825d")] and path == tmp_path / "new" / INCEPTION.name


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("exploded"),)  # type: ignore[return-value]


@pytest.mark.parametrize("kind", ["empty", "words", "bomb", "list"])
def test_broken_weights_are_a_sentence_and_never_run(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / INCEPTION.name
    if kind == "bomb":
        path.write_bytes(pickle.dumps({"a": _Bomb()}, protocol=2))
    elif kind == "list":
        torch.save([torch.zeros(1)], path)
    else:
        path.write_bytes(b"" if kind == "empty" else b"no weights at all")
    with pytest.raises(WeightsError, match=f"{INCEPTION.name}.* fetch it again"):
        read(path)
    assert not Path("exploded").exists()


def test_weights_of_another_network_are_a_sentence(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / INCEPTION.name)
    features = InceptionFeatures(tmp_path)
    with pytest.raises(WeightsError, match="another network"):
        features.embed(features.networks["distances"], torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def random_state(shapes: dict[str, Tensor]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, like in shapes.items():
        numbers = torch.randn(like.shape, generator=generator) / max(like[:1].numel(), 1) ** 0.5 if like.ndim else 0
        state[name] = torch.as_tensor(numbers).abs() if "running_var" in name else torch.as_tensor(numbers)
    return state


def test_inception_runs_from_a_file_and_draws_from_no_global_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, torch.device("meta"):  # only to learn its tensors' names and shapes
        patch.setattr(feature_extractor_inceptionv3, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        shapes = FeatureExtractorInceptionV3("inception", ["2048"]).state_dict()
    torch.save(random_state(shapes), tmp_path / INCEPTION.name)
    before = torch.random.get_rng_state()
    features = InceptionFeatures(tmp_path)
    pictures = torch.randint(256, (2, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    found = features.embed(features.networks["distances"], pictures)
    assert found.shape == (2, 2048) and found.isfinite().all() and not torch.equal(found[0], found[1])
    assert torch.equal(before, torch.random.get_rng_state())
    assert len(features.digest(features.networks["distances"])) == 64


def test_lpips_is_its_definition() -> None:
    """Zhang et al. 2018, equation 1: unit-length features' squared differences, weighted, of five layers."""
    with torch.device("meta"):
        network = vgg16(weights=None)
    convolutions = random_state({k: v for k, v in network.state_dict().items() if k.startswith("features.")})
    widths = (64, 128, 256, 512, 512)
    linear = {f"lin{i}.model.1.weight": torch.rand(1, width, 1, 1) for i, width in enumerate(widths)}
    measure = LocalLPIPS(
        "lpips", None, "float32", weights=(convolutions | {"classifier.0.bias": torch.zeros(1)}, linear)
    )
    one, other = torch.rand(2, 2, 3, 32, 32).unbind()
    network.features.load_state_dict({k.removeprefix("features."): v for k, v in convolutions.items()}, assign=True)
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    expected = torch.zeros(2)
    for i, end in enumerate((4, 9, 16, 23, 30)):
        looks = [network.features[:end]((x - mean) / deviation) for x in (one, other)]
        a, b = (look / look.norm(dim=1, keepdim=True) for look in looks)
        expected += ((a - b).square() * linear[f"lin{i}.model.1.weight"]).sum(dim=1).mean(dim=(1, 2))
    torch.testing.assert_close(measure(one * 255, other * 255), expected.detach(), rtol=2e-3, atol=1e-5)
    assert measure(one * 255, one * 255).tolist() == [0, 0]
