"""Where the weights of the large networks are looked for: on this machine only, unless somebody asks to fetch them."""

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stylegan_core.errors import StyleScopeError


class WeightsError(StyleScopeError):
    """A network's weights are missing or broken; the message names the file, its folder and where it is published."""


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights, as its publisher names it."""

    name: str
    url: str
    sha256: str  # its first digits, "" where it is published without
    megabytes: int
    what: str


_RELEASE = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0"
INCEPTION = WeightsFile(
    "weights-inception-2015-12-05-6726825d.pth",
    f"{_RELEASE}/weights-inception-2015-12-05-6726825d.pth",
    "6726825d",
    91,
    "InceptionV3 (for FID, KID and separability)",
)
VGG16 = WeightsFile(
    "vgg16-397923af.pth",
    "https://download.pytorch.org/models/vgg16-397923af.pth",
    "397923af",
    528,
    "VGG16 (for precision, recall and PPL)",
)
LPIPS = WeightsFile(
    "weights-vgg16-lpips.pth", f"{_RELEASE}/weights-vgg16-lpips.pth", "", 1, "LPIPS' weights for VGG16 (for PPL)"
)


def hub_folder() -> Path:
    """The folder of PyTorch's downloads, where torch-fidelity and torchvision keep these files too."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def find(file: WeightsFile, folder: Path | None = None, download: bool = False) -> Path:
    """Where a file of weights is.

    Args:
        file: which.
        folder: looked into first; None: only `hub_folder`.
        download: fetch it if it is not there, into `folder`, else into `hub_folder`.

    Raises:
        WeightsError: it is not there, or cannot be fetched.
    """
    places = [hub_folder()] if folder is None else [folder, folder / "checkpoints", folder / "hub", hub_folder()]
    there = next((place / file.name for place in places if (place / file.name).is_file()), None)
    if there is not None:
        return there
    if download:
        return _fetched(file, places[0])
    raise WeightsError(
        f"{file.what} needs the file {file.name}: put it into {places[0]} ({file.megabytes} MB, published at "
        f"{file.url}), ask to download it, or measure in the small features."
    )


def _fetched(file: WeightsFile, folder: Path) -> Path:
    path = folder / file.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(file.url, str(path), file.sha256 or None, progress=False)
    except (OSError, RuntimeError) as error:  # no network, no room, another file than expected
        raise WeightsError(f"{file.url} cannot be fetched ({error}); put it into {folder} by hand.") from error
    return path


def read(path: Path) -> dict[str, Tensor]:
    """The tensors in a file of weights; nothing in it is executed.

    Raises:
        WeightsError: it is no such file, or broken.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path} cannot be read as weights; fetch it again.") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds no weights of a network; fetch it again.")
    return state
