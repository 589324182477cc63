"""torch-fidelity, from which all arithmetic of FID, KID, precision, recall and PPL comes: the only file to import it.

It imports torchvision, whose wheel on the Python Package Index is built for CUDA. Beside PyTorch's build for the CPU
the wheel's library does not load, and `import torchvision` fails over two operations that it then describes without
having them (torchvision 0.28). Nothing here uses them (boxes of object detection), so describing them is enough. This
can go when torchvision guards those lines, or the index serves one build for all.
"""

import sys

import torch

_MISSING = ("nms", "qnms")
_described: list[torch.library.Library] = []  # what they describe goes when they do


def _import_torchvision() -> None:
    try:
        import torchvision
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]  # imported by half
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in _MISSING:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _described.append(library)
        import torchvision  # noqa: F401


_import_torchvision()

from torch_fidelity.feature_extractor_base import FeatureExtractorBase  # noqa: E402 - after torchvision
from torch_fidelity.generative_model_base import GenerativeModelBase  # noqa: E402
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric  # noqa: E402
from torch_fidelity.metric_kid import kid_features_to_metric  # noqa: E402
from torch_fidelity.metric_ppl import calculate_ppl  # noqa: E402
from torch_fidelity.metric_prc import prc_features_to_metric  # noqa: E402
from torch_fidelity.registry import (  # noqa: E402
    NOISE_SOURCE_REGISTRY,
    register_feature_extractor,
    register_noise_source,
    register_sample_similarity,
)
from torch_fidelity.sample_similarity_base import SampleSimilarityBase  # noqa: E402
from torch_fidelity.sample_similarity_lpips import NetLinLayer, SampleSimilarityLPIPS  # noqa: E402
from torch_fidelity.utils import create_feature_extractor  # noqa: E402

__all__ = [
    "NOISE_SOURCE_REGISTRY",
    "FeatureExtractorBase",
    "GenerativeModelBase",
    "NetLinLayer",
    "SampleSimilarityBase",
    "SampleSimilarityLPIPS",
    "calculate_ppl",
    "create_feature_extractor",
    "fid_features_to_statistics",
    "fid_statistics_to_metric",
    "kid_features_to_metric",
    "prc_features_to_metric",
    "register_feature_extractor",
    "register_noise_source",
    "register_sample_similarity",
]
