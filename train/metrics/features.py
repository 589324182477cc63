"""Features: the networks in whose eyes pictures are compared, behind one small interface.

The large ones are those of the literature: InceptionV3 for FID and KID (Heusel et al. 2017, Bińkowski et al. 2018),
VGG16 for precision and recall (Kynkäänniemi et al. 2019), LPIPS on VGG16 for PPL (StyleGAN, section 4.1). Their weights
are not ours to ship. The small ones are one network that is.
"""

import hashlib
import io
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from train.metrics import fidelity
from train.metrics.names import SMALL
from train.metrics.network import small_digest, small_network
from train.metrics.weights import INCEPTION, LPIPS, VGG16, WeightsError, WeightsFile, find, read

Purpose = Literal["distances", "manifolds"]  # of FID, KID and separability; of precision and recall


class Features(ABC):
    """What pictures look like, as numbers.

    Attributes:
        suffix: of the names of all figures that are measured in them.
        networks: the one for each purpose, by torch-fidelity's name; may be the same.
    """

    suffix: str
    networks: dict[Purpose, str]

    def __init__(self) -> None:
        self._extractors: dict[str, Any] = {}

    @abstractmethod
    def digest(self, network: str) -> str:
        """sha256 of the network's weights, hexadecimal.

        Raises:
            WeightsError: they are not there.
        """

    @abstractmethod
    def similarity(self) -> dict[str, Any]:
        """What `calculate_ppl` is given to compare pictures with.

        Raises:
            WeightsError: weights for it are not there.
        """

    @abstractmethod
    def _extractor(self, network: str) -> Any: ...

    @torch.no_grad()
    def embed(self, network: str, pictures: Tensor) -> Tensor:
        """The features of pictures in a network.

        Args:
            network: one of `networks`.
            pictures: uint8 [N, 3, H, W], on the device to work on.

        Returns:
            float32 [N, D], in main memory.

        Raises:
            WeightsError: the network's weights are not there.
        """
        if network not in self._extractors:
            self._extractors[network] = self._extractor(network)
        (found,) = self._extractors[network].to(pictures.device)(pictures)
        return found.float().cpu()


# -- the small ones ----------------------------------------------------------------------------------------------------

_SMALL = "stylescope-small"


class SmallExtractor(fidelity.FeatureExtractorBase):
    """The small network, as torch-fidelity wants its feature extractors."""

    def __init__(self, name: str, features_list: list[str], **_: object):
        super().__init__(name, features_list)
        self.network = small_network()

    def forward(self, input: Tensor) -> tuple[Tensor]:
        """uint8 [N, 3, H, W] -> features [N, D]."""
        return (self.network(input.float()),)

    @staticmethod
    def get_provided_features_list() -> tuple[str]:
        """The only features there are."""
        return ("means",)

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        """Which ones a metric is in."""
        del metric
        return "means"

    @staticmethod
    def can_be_compiled() -> bool:
        """It would take longer than it gains."""
        return False


class SmallSimilarity(fidelity.SampleSimilarityBase):
    """How unlike pictures are in the small network: LPIPS' form with all channels alike (Zhang et al. 2018, eq. 1)."""

    def __init__(self, name: str, **_: object):
        super().__init__(name)
        self.network = small_network()

    def forward(self, in0: Tensor, in1: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in [0, 255], twice -> distances [N]."""
        total = torch.zeros(len(in0), device=in0.device)
        for one, other in zip(self.network.levels(in0), self.network.levels(in1), strict=True):
            difference = _unit(one) - _unit(other)
            total += difference.square().sum(dim=1).mean(dim=(1, 2))
        return total


def _unit(x: Tensor) -> Tensor:
    return x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)


fidelity.register_feature_extractor(_SMALL, SmallExtractor)
fidelity.register_sample_similarity(_SMALL, SmallSimilarity)


class SmallFeatures(Features):
    """The network that ships with the program. Its figures compare models on the same data, and nothing else."""

    suffix = SMALL
    networks = {"distances": _SMALL, "manifolds": _SMALL}  # noqa: RUF012 - as declared

    def digest(self, network: str) -> str:
        """See `Features.digest`."""
        del network
        return small_digest()

    def similarity(self) -> dict[str, Any]:
        """See `Features.similarity`."""
        return {"ppl_sample_similarity": _SMALL}

    def _extractor(self, network: str) -> Any:
        return fidelity.create_feature_extractor(network, ["means"], cuda=False, verbose=False)


# -- the large ones ----------------------------------------------------------------------------------------------------

_INCEPTION, _VGG16, _LPIPS = "inception-v3-compat", "vgg16", "stylescope-lpips"
_FILES = {_INCEPTION: (INCEPTION, "2048"), _VGG16: (VGG16, "fc2_relu")}  # weights, layer


class LocalLPIPS(fidelity.SampleSimilarityLPIPS):
    """torch-fidelity's LPIPS with weights that are given to it; its own constructor can only fetch them."""

    def __init__(
        self,
        name: str,
        sample_similarity_resize: int | None = None,
        sample_similarity_dtype: str | None = None,
        *,
        weights: tuple[dict[str, Tensor], dict[str, Tensor]],
        **_: object,
    ):
        fidelity.SampleSimilarityBase.__init__(self, name)
        self.sample_similarity_resize, self.sample_similarity_dtype = sample_similarity_resize, sample_similarity_dtype
        self.chns = [64, 128, 256, 512, 512]
        self.L = len(self.chns)
        convolutions, linear = weights
        with torch.device("meta"):  # else construction would draw from the global generator
            self.lins = nn.ModuleList(fidelity.NetLinLayer(width, use_dropout=True) for width in self.chns)
            self.net = _Taps()
        self.lins.load_state_dict({key.removeprefix("lin"): value for key, value in linear.items()}, assign=True)
        features = {key: value for key, value in convolutions.items() if key.startswith("features.")}
        self.net.load_state_dict(features, assign=True)
        self.eval().requires_grad_(False)


class _Taps(nn.Module):
    """VGG16's convolutions, and what they give at the last of each size."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import vgg16  # `fidelity` has made it importable

        self.features = vgg16(weights=None).features

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        found = []
        for place, layer in enumerate(self.features):
            if isinstance(layer, nn.MaxPool2d):
                found.append(x)
            if place < len(self.features) - 1:
                x = layer(x)
        return tuple(found)


fidelity.register_sample_similarity(_LPIPS, LocalLPIPS)


class InceptionFeatures(Features):
    """The networks of the literature, with the weights that torch-fidelity publishes.

    Args:
        folder: where the files of weights are; None: only where PyTorch keeps its downloads.
        download: fetch what is missing.
    """

    suffix = ""
    networks = {"distances": _INCEPTION, "manifolds": _VGG16}  # noqa: RUF012 - as declared

    def __init__(self, folder: Path | None = None, download: bool = False):
        super().__init__()
        self._folder, self._download = folder, download
        self._digests: dict[str, str] = {}

    def digest(self, network: str) -> str:
        """See `Features.digest`."""
        if network not in self._digests:
            with self._path(_FILES[network][0]).open("rb") as file:
                self._digests[network] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[network]

    def similarity(self) -> dict[str, Any]:
        """See `Features.similarity`."""
        return {"ppl_sample_similarity": _LPIPS, "weights": self._lpips}

    @cached_property
    def _lpips(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        paths = self._path(VGG16), self._path(LPIPS)  # both, before the first is read
        return read(paths[0]), read(paths[1])

    def _path(self, file: WeightsFile) -> Path:
        return find(file, self._folder, self._download)

    def _extractor(self, network: str) -> Any:
        file, layer = _FILES[network]
        path = self._path(file)
        packed = io.BytesIO()
        torch.save(read(path), packed)  # torch-fidelity would execute what the file says
        packed.seek(0)
        try:
            with torch.random.fork_rng(devices=[]):  # construction draws from the global generator
                return fidelity.create_feature_extractor(
                    network, [layer], cuda=False, verbose=False, feature_extractor_weights_path=packed
                )
        except (RuntimeError, KeyError) as error:  # other names or shapes
            raise WeightsError(f"{path} holds the weights of another network; fetch it again.") from error
