"""Draws the program's icon, assets/icon.png (256 px) and assets/icon_64.png: two styles that meet in one round lens."""

from pathlib import Path

import numpy as np
from PIL import Image

ASSETS = Path(__file__).resolve().parents[1] / "assets"
OVERSAMPLING = 4
BACKGROUND = ("#262a33", "#14161b")  # top, bottom
WARM = ("#ffd27a", "#ff5d73")  # top, bottom
COOL = ("#5ce1e6", "#5b5bf0")
RING = "#f4f1ea"


def rgb(colour: str) -> np.ndarray:
    """A "#rrggbb" as float [3], 0 to 255."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)


def gradient(colours: tuple[str, str], t: np.ndarray) -> np.ndarray:
    """Blend two colours; t [H, W] from 0 to 1 gives [H, W, 3]."""
    t = np.clip(t, 0, 1)[..., None]
    return rgb(colours[0]) * (1 - t) + rgb(colours[1]) * t


def draw(size: int) -> Image.Image:
    """The icon at size × size px, anti-aliased by drawing it larger."""
    n = size * OVERSAMPLING
    y, x = (np.mgrid[:n, :n] + 0.5) / n * 2 - 1  # both from -1 to 1, y down
    radius = np.hypot(x, y)
    tilted = x * np.cos(0.5) + y * np.sin(0.5)
    along = y * np.cos(0.5) - x * np.sin(0.5)
    seam = 0.16 * np.sin(along * np.pi / 0.62)

    picture = gradient(BACKGROUND, (y + 1) / 2)
    lens = np.where((tilted < seam)[..., None], gradient(WARM, (y + 0.6) / 1.2), gradient(COOL, (y + 0.6) / 1.2))
    highlight = 0.22 * np.clip(1 - np.hypot(x + 0.22, y + 0.26) / 0.5, 0, 1)[..., None]
    picture = np.where((radius < 0.58)[..., None], lens + (255 - lens) * highlight, picture)
    picture = np.where(((radius > 0.66) & (radius < 0.73))[..., None], rgb(RING), picture)

    corner = 0.42
    outside = np.maximum(np.abs(np.stack([x, y])) - (0.97 - corner), 0)
    alpha = (np.hypot(*outside) < corner) * 255.0
    image = Image.fromarray(np.dstack([picture, alpha]).round().astype(np.uint8))
    return image.resize((size, size), Image.Resampling.LANCZOS)


def main() -> None:
    """Write both sizes."""
    draw(256).save(ASSETS / "icon.png", optimize=True)
    draw(64).save(ASSETS / "icon_64.png", optimize=True)


if __name__ == "__main__":
    main()
