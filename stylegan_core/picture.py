"""PNG files that carry the Scene that made them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from stylegan_core.errors import SceneError, StyleScopeError
from stylegan_core.files import write_whole
from stylegan_core.scene import Scene, scene_from_data, scene_to_json

SCENE_KEY = "stylescope.scene"  # of the PNG's iTXt chunk
PARAMETERS_KEY = "Parameters"  # a line for other programs and for people


class PictureFileError(StyleScopeError):
    """A picture cannot be written, or is not one; the message names the file."""


def write_png(path: Path, pixels: np.ndarray, scene: Scene) -> None:
    """Write a picture with its Scene inside. All or nothing.

    Args:
        path: where; folders are made.
        pixels: uint8 [H, W, C] with 1 to 4 channels.
        scene: what made it.

    Raises:
        PictureFileError: the place cannot be written to, or there are more channels.
    """
    if pixels.shape[2] > 4:
        raise PictureFileError(f"{path} cannot be written: a PNG has 1 to 4 channels, this picture {pixels.shape[2]}.")
    info = PngInfo()
    info.add_itxt(SCENE_KEY, scene_to_json(scene))
    info.add_itxt(PARAMETERS_KEY, f"seed {scene.latent.seed}, psi {scene.truncation.psi:g}")
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    try:
        write_whole(path, lambda file: image.save(file, format="PNG", pnginfo=info))
    except OSError as error:
        raise PictureFileError(f"{path} cannot be written: {error.strerror or error}.") from error


def read_scene(path: Path) -> Scene:
    """The Scene inside a PNG.

    Raises:
        SceneError: it is no picture, or none of StyleScope's, or the Scene in it is broken.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            image.load()
            text = image.info.get(SCENE_KEY)
    except FileNotFoundError as error:
        raise SceneError(f"{path} does not exist.") from error
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SceneError(f"{path} cannot be read as a picture: {error}.") from error
    if not isinstance(text, str):
        raise SceneError(f"{path} carries no Scene; only pictures saved by StyleScope can be opened.")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"{path}: the Scene in it is broken ({error}).") from error
    return scene_from_data(data, str(path))
