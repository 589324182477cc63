"""From what a person wants to a run: looking at the pictures, completing a preset, and building what trains."""

from pathlib import Path

import numpy as np
import torch

from stylegan_core.checkpoint import read_discriminator, read_generator
from stylegan_core.errors import ModelFileError, StyleScopeError
from stylegan_core.model import random_spec
from stylegan_core.spec import NetworkSpec
from train import presets
from train.config import DataConfig, RunConfig, StartConfig
from train.data.dataset import TrainingImages
from train.data.errors import DataError
from train.data.opening import open_images
from train.networks import check_batch, transferred

KEEP_BYTES = 1 << 30  # of pictures in memory


def open_data(config: DataConfig) -> TrainingImages:
    """The pictures that a run learns from.

    Raises:
        DataError: they cannot be had as the configuration wants them.
    """
    source = open_images(config.path)
    return TrainingImages(
        source,
        mirror=config.mirror,
        most=config.most,
        subset_seed=config.subset_seed,
        labelled=config.labels,
        shrink=_shrink(source.shape if len(source) else (3, 1, 1), config),
        keep_bytes=KEEP_BYTES,
    )


def _shrink(shape: tuple[int, int, int], config: DataConfig) -> int:
    """How many pixels on a side become one."""
    longest = max(shape[1:])
    if config.resolution is None or config.resolution == longest:
        return 1
    if config.resolution > longest or longest % config.resolution:
        raise DataError(
            f"The pictures in {config.path} are {longest} px and {config.resolution} px are wanted, which does not "
            "divide it; prepare them at that size first."
        )
    return longest // config.resolution


def configure(
    preset: str,
    data: DataConfig,
    *,
    start: StartConfig | None = None,
    kimg: float | None = None,
    batch: int | None = None,
    seed: int = 0,
) -> RunConfig:
    """A preset for the pictures that there are; see `presets.make`.

    Raises:
        StyleScopeError: the pictures cannot be read, or do not go with the preset.
    """
    data = data.model_copy(update={"path": str(Path(data.path).expanduser().absolute())})
    images = open_data(data)
    small, longest = presets.RESOLUTIONS.get(preset), max(images.shape[1:])
    if data.resolution is None and small is not None and longest % small == 0:
        data = data.model_copy(update={"resolution": small})
        images = open_data(data)
    if data.labels and not images.label_width:
        raise DataError(f"{data.path} has no labels; leave out --labels, or prepare it with classes.")
    channels, height, width = images.shape
    pictures = presets.Pictures(height, width, channels, images.label_width)
    start = _absolute(start or StartConfig())
    config = presets.make(preset, data, pictures, start=start, kimg=kimg, batch=batch, seed=seed)
    config = _like_its_start(config)
    for size in config.batches.values():
        check_batch(config.discriminator, config.piece or size)
    return config


def _absolute(start: StartConfig) -> StartConfig:
    if not start.model:
        return start
    return start.model_copy(update={"model": str(Path(start.model).expanduser().absolute())})


def _like_its_start(config: RunConfig) -> RunConfig:
    """Networks like those of the model that is started from, where that decides what its weights mean."""
    if not config.start.model:
        return config
    source = read_generator(Path(config.start.model))
    wanted = config.generator
    if type(source.config) is not type(wanted):
        raise StyleScopeError(
            f"{config.start.model} is of another family than preset {config.preset}; choose a preset of its family."
        )
    own = {name: getattr(wanted, name) for name in ("img_resolution", "base_size", "img_channels", "c_dim")}
    own |= {"lod": 0.0} if "lod" in type(wanted).model_fields else {}
    if config.family == "stylegan3" and source.config.img_resolution != wanted.img_resolution:
        raise StyleScopeError(
            f"{config.start.model} makes pictures of {source.config.img_resolution} px; a StyleGAN3 goes on only with "
            "pictures of its own size."
        )
    changes = {"generator": source.config.model_copy(update=own)}
    discriminator = _read_discriminator(config)
    if discriminator is not None and type(discriminator.config) is type(config.discriminator):
        fields = type(discriminator.config).model_fields  # it need not know of levels of detail
        changes["discriminator"] = discriminator.config.model_copy(
            update={name: value for name, value in own.items() if name in fields}
        )
    elif "channel_base" in type(wanted).model_fields:
        widths = {name: getattr(source.config, name) for name in ("channel_base", "channel_max")}
        changes["discriminator"] = config.discriminator.model_copy(update=widths)
    return config.model_copy(update=changes)


def _read_discriminator(config: RunConfig) -> NetworkSpec | None:
    """The discriminator in the file that is started from; None where there is none."""
    try:
        return read_discriminator(Path(config.start.model))
    except ModelFileError:
        return None


def starting_points(config: RunConfig) -> tuple[NetworkSpec, NetworkSpec, NetworkSpec | None, list[str]]:
    """What G, D and the moving average (None: G) begin from, and what there is to say about it.

    Raises:
        StyleScopeError: the model that is started from cannot be read, or nothing of it fits.
    """
    g, d = random_spec(config.generator, config.seed), random_spec(config.discriminator, config.seed + 1)
    if not config.start.model:
        return g, d, None, ["Networks begin from scratch."]
    path, words = Path(config.start.model), []
    average, fresh = transferred(config.generator, read_generator(path), config.seed)
    words.append(f"G begins from {path.name}{_afresh(fresh)}.")
    try:
        g, _ = transferred(config.generator, read_generator(path, which="G"), config.seed)
    except ModelFileError:
        g = average  # files of G_ema alone
    source = _read_discriminator(config)
    if source is None:
        words.append(f"D begins from scratch, for {path.name} holds none.")
    else:
        d, fresh = transferred(config.discriminator, source, config.seed + 1)
        words.append(f"D begins from it too{_afresh(fresh)}.")
    return g, d, average, words


def _afresh(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    layers = sorted({".".join(name.split(".")[:-1]) for name in names})
    return f"; afresh in it are {len(layers)} layers, {layers[0]} first"


def label_table(images: TrainingImages) -> torch.Tensor | None:
    """All labels [n, L], to draw those of generated pictures from; None without."""
    if not images.label_width:
        return None
    return torch.from_numpy(np.ascontiguousarray(images.label_table()))
